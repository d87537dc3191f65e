/*
 * base/clock.c -- the host's clock or the system's.
 *
 * clock_gettime() with these clocks cannot fail, so neither does anything here.
 */
#include "base/clock.h"

#include <time.h>

#ifdef CLOCK_REALTIME_COARSE
#define CLOCK_COARSE CLOCK_REALTIME_COARSE
#else
#define CLOCK_COARSE CLOCK_REALTIME
#endif

static struct timespec clock_read(clockid_t id)
{
    struct timespec now = {0, 0};
    clock_gettime(id, &now);
    return now;
}

static int64_t clock_to_ms(struct timespec time)
{
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

KV_INTERNAL void clock_init(struct clock *clock, const kv_clock *hooks)
{
    const kv_clock system = {0};
    clock->hooks = hooks != NULL ? *hooks : system;
}

KV_INTERNAL int64_t clock_wall_ms(const struct clock *clock)
{
    if (clock->hooks.wall_ms != NULL) return clock->hooks.wall_ms(clock->hooks.context);
    return clock_to_ms(clock_read(CLOCK_REALTIME));
}

KV_INTERNAL int64_t clock_coarse_ms(const struct clock *clock)
{
    if (clock->hooks.wall_ms != NULL) return clock->hooks.wall_ms(clock->hooks.context);
    return clock_to_ms(clock_read(CLOCK_COARSE));
}

KV_INTERNAL int64_t clock_coarse_seconds(const struct clock *clock)
{
    if (clock->hooks.wall_ms != NULL) return clock->hooks.wall_ms(clock->hooks.context) / 1000;
    return (int64_t)time(NULL);
}

KV_INTERNAL int64_t clock_monotonic_us(const struct clock *clock)
{
    if (clock->hooks.monotonic_us != NULL) return clock->hooks.monotonic_us(clock->hooks.context);
    struct timespec now = clock_read(CLOCK_MONOTONIC);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

#undef CLOCK_COARSE
