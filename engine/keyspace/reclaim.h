/*
 * keyspace/reclaim.h -- owed work: expired keys, flushed databases and garbage, within a budget of
 * time.
 *
 * Each of these goes in small slices and lets its lock go in between, so that nobody waits for it
 * long.
 */
#ifndef KV_KEYSPACE_RECLAIM_H
#define KV_KEYSPACE_RECLAIM_H

#include "keyspace/shard.h"

struct budget {
    const struct clock *clock;
    int64_t until_us; /* of the monotonic clock; 0: endless */
};

static inline bool budget_is_spent(const struct budget *budget)
{
    return budget->until_us != 0 && clock_monotonic_us(budget->clock) >= budget->until_us;
}

/*
 * All return true when nothing is left to do, false if the budget ended first. No lock may be held.
 */
KV_INTERNAL bool reclaim_expired(struct store *store, int64_t now_ms, const struct budget *budget);
KV_INTERNAL bool reclaim_flushed(struct store *store, const struct budget *budget);
KV_INTERNAL bool reclaim_garbage(struct store *store, const struct budget *budget);

#endif
