/*
 * base/clock.h -- what time it is: the host's clock, or the system's.
 *
 * Wall time is what deadlines are in; monotonic time measures durations and budgets. A precise read
 * costs about 25 ns, a coarse one 6 ns (Linux; it lags by up to 4 ms, other hosts give the
 * precise).
 */
#ifndef KV_BASE_CLOCK_H
#define KV_BASE_CLOCK_H

#include "base/attributes.h"

#include "kvstore.h"

#include <stdint.h>

struct clock {
    kv_clock hooks; /* a NULL function means the system's clock */
};

/* Prepares a clock over the host's hooks; NULL, or a NULL function in them, means the system's. */
KV_INTERNAL void clock_init(struct clock *clock, const kv_clock *hooks);

/* Milliseconds since 1970, precise. */
KV_INTERNAL int64_t clock_wall_ms(const struct clock *clock);

/* The same, cheaper and a few ms late; with the host's hook it is clock_wall_ms(). */
KV_INTERNAL int64_t clock_coarse_ms(const struct clock *clock);

/* Whole seconds since 1970, as cheap: for idle times. */
KV_INTERNAL int64_t clock_coarse_seconds(const struct clock *clock);

/* Microseconds since some fixed instant; never goes back. */
KV_INTERNAL int64_t clock_monotonic_us(const struct clock *clock);

#endif
