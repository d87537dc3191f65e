/*
 * tests/resp/aof_clock.h -- a clock for stores that stands still until the test moves it.
 */
#ifndef KV_TESTS_AOF_CLOCK_H
#define KV_TESTS_AOF_CLOCK_H

#include "kvstore.h"

#include <stdatomic.h>

static _Atomic int64_t clock_ms;

static int64_t tell_wall_ms(void *context)
{
    (void)context;
    return clock_ms;
}

static int64_t tell_monotonic_us(void *context)
{
    (void)context;
    return 1000 * clock_ms;
}

static const kv_clock still_clock = {tell_wall_ms, tell_monotonic_us, NULL};

#endif
