/*
 * keyspace/observers.c -- see observers.h.
 */
#include "keyspace/observers.h"

struct observers_sought {
    uint32_t database;
    kv_slice key;
};

static uint64_t observers_hash(const void *item, const void *context)
{
    (void)context;
    return ((const struct observed *)item)->hash;
}

static const struct table_kind observers_table_kind = {observers_hash};

static bool observers_match(const void *item, const void *sought)
{
    const struct observed *observed = item;
    const struct observers_sought *key = sought;
    return observed->database == key->database && slice_equal(observed->key, key->key);
}

static struct table_place observers_place(const struct shard *shard, uint32_t database,
                                          uint64_t hash, kv_slice key)
{
    struct observers_sought sought = {database, key};
    return table_find(&shard->observers->table, hash, observers_match, &sought);
}

KV_INTERNAL struct observed *observers_find(const struct shard *shard, uint32_t database,
                                            uint64_t hash, kv_slice key)
{
    if (shard->observers == NULL) return NULL;
    struct table_place place = observers_place(shard, database, hash, key);
    return place.bucket != NULL ? table_item(place) : NULL;
}

static kv_status observers_start(struct shard *shard)
{
    if (shard->observers != NULL) return KV_OK;
    struct alloc *alloc = &shard->store->alloc;
    struct observers *observers = alloc_get(alloc, sizeof *observers);
    if (observers == NULL) return KV_NOMEM;
    observers->alloc = alloc;
    table_init(&observers->table, alloc, NULL, &observers_table_kind, NULL,
               shard->store->shard_bits, 255);
    shard->observers = observers;
    return KV_OK;
}

/* Frees the registry when nobody is in it, so that writes pay one branch again. */
static void observers_stop(struct shard *shard)
{
    if (shard->observers == NULL || shard->observers->table.count > 0) return;
    struct alloc *alloc = shard->observers->alloc;
    table_clear(&shard->observers->table);
    alloc_free(alloc, shard->observers, sizeof *shard->observers);
    shard->observers = NULL;
}

KV_INTERNAL struct observed *observers_open(struct shard *shard, uint32_t database, uint64_t hash,
                                            kv_slice key)
{
    struct observed *observed = observers_find(shard, database, hash, key);
    if (observed != NULL) return observed;
    if (observers_start(shard) != KV_OK) return NULL;
    struct alloc *alloc = &shard->store->alloc;
    observed = alloc_get(alloc, sizeof *observed + key.size);
    if (observed == NULL || table_reserve(&shard->observers->table, hash) != KV_OK) {
        alloc_free(alloc, observed, sizeof *observed + key.size);
        observers_stop(shard);
        return NULL;
    }
    memset(observed, 0, sizeof *observed);
    if (key.size > 0) memcpy(observed + 1, key.data, key.size);
    observed->hash = hash;
    observed->database = database;
    observed->key = (kv_slice){observed + 1, key.size};
    (void)table_insert(&shard->observers->table, hash, observed);
    return observed;
}

KV_INTERNAL void observers_release(struct shard *shard, struct observed *observed)
{
    if (observed->watches != NULL || observed->first_waiter != NULL) return;
    if (observed->is_listed || observed->is_serving) return; /* somebody is on his way to it */
    struct table *table = &shard->observers->table;
    table_remove(table, observed->hash, table_place_of(table, observed->hash, observed));
    alloc_free(&shard->store->alloc, observed, sizeof *observed + observed->key.size);
    observers_stop(shard);
}

static void observers_touch_observed(struct observed *observed)
{
    for (struct watch_link *link = observed->watches; link != NULL; link = link->next) {
        atomic_store_explicit(&link->watch->is_dirty, true, memory_order_relaxed);
    }
}

KV_INTERNAL void observers_touch(struct shard *shard, uint32_t database, uint64_t hash,
                                 kv_slice key)
{
    struct observed *observed = observers_find(shard, database, hash, key);
    if (observed != NULL) observers_touch_observed(observed);
}

struct observers_touching {
    struct shard *shard;
    uint32_t database, other;
};

/* A key that is in neither database before and after does not change by a flush or a swap. */
static void observers_touch_if_present(void *context, void *item)
{
    const struct observers_touching *touching = context;
    struct observed *observed = item;
    if (observed->watches == NULL || observed->database != touching->database) return;
    struct space *here = shard_peek_space(touching->shard, touching->database);
    struct space *there = shard_peek_space(touching->shard, touching->other);
    if (shard_find(here, observed->hash, observed->key).bucket != NULL ||
        shard_find(there, observed->hash, observed->key).bucket != NULL) {
        observers_touch_observed(observed);
    }
}

KV_INTERNAL void observers_touch_all(struct shard *shard, uint32_t database, uint32_t other)
{
    if (shard->observers == NULL) return;
    struct observers_touching touching = {shard, database, other};
    table_each(&shard->observers->table, observers_touch_if_present, &touching);
}

KV_INTERNAL void observers_close(struct shard *shard)
{
    assert(shard->observers == NULL || shard->observers->table.count == 0);
    observers_stop(shard);
}
