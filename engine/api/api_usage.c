/*
 * api/api_usage.c -- how many keys and bytes each type has: an estimate from a sample.
 *
 * Exact counts would cost every write that changes a collection a look at its size before and
 * after, for numbers that are asked for four times a minute. What lies in a bucket of the table is
 * decided by a keyed hash, so keys that follow each other in hash order are a fair sample. Each
 * space of each shard gives its share, and is scaled up by how many keys it has.
 */
#include "keyspace/access.h"

/* Keys looked at before the lock is let go: some microseconds' worth. */
#define USAGE_LOOK 32

/* What was seen in one space. */
struct usage_sample {
    int64_t now_ms; /* INT64_MIN: nothing expires */
    uint64_t share; /* a key's part in the tables */
    uint64_t keys, due;
    kv_type_usage types[KV_TYPES];
};

static void usage_visit(void *context, void *item)
{
    struct usage_sample *sample = context;
    const struct entry *entry = item;
    kv_type_usage *type = &sample->types[entry_type(entry)];
    type->keys++;
    type->bytes += memory_capacity(entry_size(entry)) + value_bytes(entry) + sample->share;
    sample->keys++;
    sample->due += value_is_gone(entry, sample->now_ms);
}

/* The number of keys in a database of a shard; 0 also if the transaction does not hold it. */
static uint64_t usage_count(kv *db, struct shard *shard, uint32_t database)
{
    struct txn *txn = db->view->txn;
    const struct space *space = shard_peek_space(shard, database);
    if (space == NULL || (txn != NULL && !txn_holds(txn, shard))) return 0;
    if (txn == NULL) lock_lock(&shard->lock);
    uint64_t count = space->table.count;
    if (txn == NULL) lock_unlock(&shard->lock);
    return count;
}

/*
 * Looks at some keys from *position on, and moves it on; 0 after the last. The space is there, as
 * it had keys, and stays.
 */
static void usage_look(kv *db, struct shard *shard, uint32_t database, uint64_t *position,
                       struct usage_sample *sample)
{
    if (db->view->txn == NULL) lock_lock(&shard->lock);
    const struct table *table = &shard_peek_space(shard, database)->table;
    sample->share = table->count > 0 ? table->bytes / table->count : 0;
    uint64_t enough = sample->keys + USAGE_LOOK;
    do *position = table_scan(table, *position, usage_visit, sample);
    while (*position != 0 && sample->keys < enough);
    if (db->view->txn == NULL) lock_unlock(&shard->lock);
}

/* A place among the hashes that belong to a shard: at its beginning, or anywhere. */
static uint64_t usage_place(const struct store *store, const struct shard *shard, uint64_t random)
{
    unsigned bits = store->shard_bits;
    return bits == 0 ? random : (uint64_t)shard->index << (64 - bits) | random >> bits;
}

/*
 * Samples `wanted` keys of a space that has `count`: all of them, each once, if that is as many,
 * else those from a random place on, and then from the beginning.
 */
static void usage_sample_space(kv *db, struct shard *shard, uint32_t database, uint64_t count,
                               uint64_t wanted, struct random *random, struct usage_sample *sample)
{
    struct store *store = db->view->store;
    uint64_t begin = usage_place(store, shard, 0), position = begin;
    if (wanted < count) position = usage_place(store, shard, random_next(random));
    do usage_look(db, shard, database, &position, sample);
    while (position != 0 && (sample->keys < wanted || wanted >= count));
    position = begin;
    bool goes_on = wanted < count && sample->keys < wanted;
    while (goes_on) {
        usage_look(db, shard, database, &position, sample);
        goes_on = position != 0 && sample->keys < wanted;
    }
}

/* What `of` keys have, for `count` of them. */
static uint64_t usage_scale(uint64_t seen, uint64_t of, uint64_t count)
{
    return count == of ? seen : (uint64_t)((double)seen * (double)count / (double)of);
}

static void usage_add(kv_usage *usage, const struct usage_sample *sample, uint64_t count)
{
    uint64_t seen = sample->keys;
    if (seen == 0) return;          /* they have gone meanwhile */
    if (seen > count) count = seen; /* or more have come */
    usage->sampled += seen;
    usage->keys += count;
    usage->due += usage_scale(sample->due, seen, count);
    for (int i = 0; i < KV_TYPES; i++) {
        usage->types[i].keys += usage_scale(sample->types[i].keys, seen, count);
        usage->types[i].bytes += usage_scale(sample->types[i].bytes, seen, count);
    }
}

static uint64_t usage_count_all(kv *db)
{
    struct store *store = db->view->store;
    uint64_t total = 0;
    for (uint32_t i = 0; i < store->shard_count; i++)
        for (uint32_t j = 0; j < store->databases; j++)
            total += usage_count(db, &store->shards[i], j);
    return total;
}

kv_status kv_usage_by_type(kv *db, uint64_t samples, kv_usage *usage)
{
    if (db == NULL || usage == NULL || samples == 0) return KV_BADARG;
    size_t size = usage->size;
    if (size < sizeof size || size > sizeof *usage) return KV_BADARG;
    struct store *store = db->view->store;
    struct random random;
    random_seed_from_system(&random);
    bool expires = store_setting(store, KV_SETTING_EXPIRE) != 0;
    int64_t now_ms = expires ? view_now(db->view) : INT64_MIN;
    uint64_t total = usage_count_all(db);
    kv_usage sum = KV_OPTIONS(kv_usage);
    for (uint32_t i = 0; i < store->shard_count; i++) {
        for (uint32_t j = 0; j < store->databases; j++) {
            struct usage_sample sample = {.now_ms = now_ms};
            uint64_t count = usage_count(db, &store->shards[i], j);
            if (count == 0) continue;
            double part = samples >= total ? 1 : (double)samples / (double)total;
            uint64_t wanted = (uint64_t)((double)count * part) + (part < 1);
            usage_sample_space(db, &store->shards[i], j, count, wanted, &random, &sample);
            usage_add(&sum, &sample, count);
        }
    }
    sum.size = size;
    memcpy(usage, &sum, size);
    return KV_OK;
}
