/*
 * tests/api/ignore.h -- visitors and followers that do nothing, for tests of what a call does besides.
 */
#ifndef KV_TESTS_API_IGNORE_H
#define KV_TESTS_API_IGNORE_H

#include "kvstore.h"

static inline bool ignore(void *context, kv_slice item)
{
    (void)context;
    (void)item;
    return true;
}

static inline bool ignore_at(void *context, size_t index, const kv_slice *item)
{
    (void)context;
    (void)index;
    (void)item;
    return true;
}

static inline void ignore_changes(void *context, const kv_change *changes, size_t count)
{
    (void)context;
    (void)changes;
    (void)count;
}

#endif
