/*
 * keyspace/flushing.c -- see flushing.h.
 */
#include "keyspace/flushing.h"

static bool flushing_concerns(const struct shard *shard, uint32_t database)
{
    const struct space *space = shard_peek_space(shard, database);
    return space != NULL && space->table.count > 0;
}

KV_INTERNAL void flushing_cancel(struct store *store, struct flushed *records)
{
    while (records != NULL) {
        struct flushed *next = records->next;
        alloc_free(&store->alloc, records, sizeof *records);
        records = next;
    }
}

static struct flushed *flushing_create_record(struct store *store, struct flushed *next)
{
    struct flushed *record = alloc_get(&store->alloc, sizeof *record);
    if (record != NULL) record->next = next;
    return record;
}

KV_INTERNAL kv_status flushing_prepare(struct store *store, uint32_t first, uint32_t last,
                                       struct flushed **records)
{
    struct flushed *made = NULL;
    for (uint32_t i = 0; i < store->shard_count; i++) {
        for (uint32_t d = first; d <= last; d++) {
            if (!flushing_concerns(&store->shards[i], d)) continue;
            struct flushed *record = flushing_create_record(store, made);
            if (record == NULL) {
                flushing_cancel(store, made);
                return KV_NOMEM;
            }
            made = record;
        }
    }
    *records = made;
    return KV_OK;
}

KV_INTERNAL void flushing_commit(struct store *store, uint32_t first, uint32_t last, bool later,
                                 struct flushed *records)
{
    for (uint32_t i = 0; i < store->shard_count; i++) {
        for (uint32_t d = first; d <= last; d++) {
            if (!flushing_concerns(&store->shards[i], d)) continue;
            struct flushed *record = records;
            records = record->next;
            shard_flush(&store->shards[i], d, later, record);
        }
    }
}
