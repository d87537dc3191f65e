/*
 * keyspace/reclaim.c -- see reclaim.h.
 */
#include "keyspace/reclaim.h"

#include "keyspace/snapshot.h"
#include "keyspace/waiting.h"

/*
 * Entries that are looked at, and blocks that are freed, before the lock is let go and the clock is
 * read. Whoever comes for the shard meanwhile waits for as long as the first takes, about 3 us.
 */
#define RECLAIM_EXPIRE_BATCH 32
#define RECLAIM_FREE_BATCH   256

/* One slice of a shard; false if others are due there. */
static bool reclaim_expired_slice(struct shard *shard, enum store_expiry expiry, int64_t now_ms)
{
    if (shard_next_deadline(shard, expiry) > now_ms) return true;
    struct garbage garbage = {0};
    struct observed *ready = NULL;
    uint64_t removed = 0;
    snapshot_make_room(shard->store, shard->index);
    lock_lock(&shard->lock);
    enum deadlines_outcome outcome =
        shard_expire(shard, expiry, now_ms, RECLAIM_EXPIRE_BATCH, &garbage, &ready, &removed);
    lock_unlock(&shard->lock);
    garbage_free(&garbage, &shard->store->alloc);
    if (ready != NULL) waiting_serve(shard->store, ready);
    return outcome != DEADLINES_MORE;
}

/*
 * Slices of two shards in turn: while one's last, the other's lock is free, so nobody who waits for
 * it misses the moment. Of more shards at a time less would stay in the nearer caches: with all 64
 * in turn a key took more than twice the time.
 */
KV_INTERNAL bool reclaim_expired(struct store *store, int64_t now_ms, const struct budget *budget)
{
    enum store_expiry expiry = store_active_expiry(store);
    if (expiry == STORE_EXPIRES_NEVER) return true;
    for (uint32_t i = 0; i < store->shard_count; i += 2) {
        struct shard *one = &store->shards[i];
        struct shard *other = &store->shards[i + 1 < store->shard_count ? i + 1 : i];
        for (;;) {
            bool one_is_done = reclaim_expired_slice(one, expiry, now_ms);
            if (reclaim_expired_slice(other, expiry, now_ms) && one_is_done) break;
            if (budget_is_spent(budget)) return false;
        }
    }
    return true;
}

static bool reclaim_flushed_shard(struct shard *shard, const struct budget *budget)
{
    bool is_done = !atomic_load_explicit(&shard->has_flushed, memory_order_relaxed);
    while (!is_done) {
        struct garbage garbage = {0};
        lock_lock(&shard->lock);
        is_done = shard_free_flushed(shard, RECLAIM_FREE_BATCH, &garbage);
        lock_unlock(&shard->lock);
        garbage_free(&garbage, &shard->store->alloc);
        if (!is_done && budget_is_spent(budget)) return false;
    }
    return true;
}

KV_INTERNAL bool reclaim_flushed(struct store *store, const struct budget *budget)
{
    for (uint32_t i = 0; i < store->shard_count; i++) {
        if (!reclaim_flushed_shard(&store->shards[i], budget)) return false;
    }
    return true;
}

static bool reclaim_garbage_slice(struct store *store, struct garbage *garbage)
{
    uint64_t freed = 0;
    bool is_done = garbage_free_some(garbage, &store->alloc, RECLAIM_FREE_BATCH, &freed);
    atomic_fetch_add_explicit(&store->freed_later, freed, memory_order_relaxed);
    atomic_fetch_sub_explicit(&store->owed, freed, memory_order_relaxed);
    return is_done;
}

KV_INTERNAL bool reclaim_garbage(struct store *store, const struct budget *budget)
{
    for (;;) {
        struct garbage garbage = {0};
        lock_lock(&store->garbage_lock);
        garbage_move(&garbage, &store->garbage);
        lock_unlock(&store->garbage_lock);
        if (garbage_is_empty(&garbage)) return true;
        while (!reclaim_garbage_slice(store, &garbage)) {
            if (!budget_is_spent(budget)) continue;
            store_return_garbage(store, &garbage);
            return false;
        }
    }
}
