/*
 * api/api_prefetch.c -- fetching what calls to come will need into the processor's cache.
 *
 *     keys       without locks:  hash, shard, bucket, entry     each step for all keys before the
 *     values     under a lock:   entry, value                   next, so that the misses of all
 *     members    under the same: bucket, member                 overlap
 *
 * What is read without a lock may change or be freed meanwhile: it is mapped still (grace.h), and
 * used as an address to prefetch alone. A value's tables are nobody's but the lock holder's.
 */
#include "keyspace/shard.h"
#include "keyspace/store.h"
#include "keyspace/value.h"
#include "structures/members.h"

/* Keys that are prefetched at once; more would leave the cache before they are used. */
#define PREFETCH_BATCH MEMBERS_BATCH

/* Buckets that are looked into for each: of 1000 items 966 lie in the first, 23 in the second. */
#define PREFETCH_STEPS 2

/* Whether this key is the one before it: a stream of calls on one key is common. */
static bool prefetch_is_repeated(const kv_slice *keys, size_t i)
{
    return i > 0 && slice_equal(keys[i - 1], keys[i]);
}

/* The thread sanitizer would rightly report what is read here. */
KV_NO_TSAN static void prefetch_entries(struct store *store, uint32_t database,
                                        const kv_slice *keys, size_t count, uint64_t *hashes)
{
    struct table_walk walks[PREFETCH_BATCH];
    for (size_t i = 0; i < count; i++) {
        walks[i].entry = 0;
        if (prefetch_is_repeated(keys, i)) {
            hashes[i] = hashes[i - 1];
            continue;
        }
        hashes[i] = store_hash(store, keys[i]);
        struct shard *shard = store_shard(store, hashes[i]);
        KV_PREFETCH_WRITE(shard);
        struct space *space = shard_peek_space(shard, database);
        if (space != NULL) walks[i] = table_walk_begin(&space->table, hashes[i]);
    }
    for (int step = 0; step < PREFETCH_STEPS; step++) {
        for (size_t i = 0; i < count; i++) {
            if (walks[i].entry != 0) (void)table_walk_step(&walks[i], hashes[i]);
        }
    }
}

/* Of a shard that another thread is busy with nothing is fetched. */
static void prefetch_value(struct store *store, uint32_t database, kv_slice key, uint64_t hash,
                           const kv_slice *members, size_t count)
{
    struct shard *shard = store_shard(store, hash);
    if (!lock_try(&shard->lock)) return;
    struct table_place place = shard_find(shard_peek_space(shard, database), hash, key);
    if (place.bucket != NULL) value_fetch(table_item(place), members, count);
    lock_unlock(&shard->lock);
}

static void prefetch_values(struct store *store, uint32_t database, const kv_slice *keys,
                            const kv_slice *members, size_t count, const uint64_t *hashes)
{
    size_t end;
    for (size_t i = 0; i < count; i = end) {
        for (end = i + 1; end < count && members[end].data != NULL; end++)
            if (!prefetch_is_repeated(keys, end)) break;
        if (members[i].data == NULL) continue;
        prefetch_value(store, database, keys[i], hashes[i], members + i, end - i);
    }
}

void kv_prefetch_members(kv *db, const kv_slice *keys, const kv_slice *members, size_t count)
{
    if (db == NULL || keys == NULL) return;
    struct store *store = db->view->store;
    uint32_t ticket = grace_enter(&store->grace);
    for (size_t first = 0; first < count; first += PREFETCH_BATCH) {
        uint64_t hashes[PREFETCH_BATCH];
        size_t some = count - first < PREFETCH_BATCH ? count - first : PREFETCH_BATCH;
        prefetch_entries(store, db->database, keys + first, some, hashes);
        if (members == NULL) continue;
        prefetch_values(store, db->database, keys + first, members + first, some, hashes);
    }
    grace_leave(&store->grace, ticket);
}

void kv_prefetch(kv *db, const kv_slice *keys, size_t count)
{
    kv_prefetch_members(db, keys, NULL, count);
}
