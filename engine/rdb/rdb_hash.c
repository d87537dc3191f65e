/*
 * rdb/rdb_hash.c -- hashes from and to the RDB format.
 */
#include "rdb/rdb_feed.h"
#include "rdb/rdb_value.h"
#include "values/hash.h"

/* Of a hash that will have so many fields. */
static struct hash_owner rdb_hash_owner(const struct rdb_rules *rules, uint64_t count)
{
    return (struct hash_owner){rules->memory, rules->key, rdb_limits_for(&rules->hash, count)};
}

static kv_status rdb_hash_put(const struct hash_owner *owner, const kv_slice *pairs, size_t count,
                              int64_t deadline_ms, struct collection *hash)
{
    uint64_t added = 0;
    kv_status status = hash_set(hash, owner, pairs, count, deadline_ms, &added);
    return status == KV_OK && added != count ? KV_CORRUPT : status;
}

/* ---------------------------------------------------------------------------- fields and values */

static kv_status rdb_hash_put_all(struct rdb_feed *feed, const struct rdb_rules *rules,
                                  struct collection *hash)
{
    kv_status status;
    struct hash_owner owner = rdb_hash_owner(rules, rdb_feed_groups(feed, 2));
    while ((status = rdb_feed_next(feed)) == KV_OK && feed->count > 0) {
        status = rdb_hash_put(&owner, feed->texts, feed->count / 2, KV_NEVER, hash);
        if (status != KV_OK) break;
    }
    return status;
}

/* Takes a listpack over as it is. */
static kv_status rdb_hash_take(const struct rdb_feed *feed, const struct rdb_rules *rules,
                               bool has_deadlines, struct collection *hash)
{
    struct hash_pack small = {NULL, has_deadlines};
    size_t width = has_deadlines ? 3 : 2;
    kv_status status = rdb_items_differ(&feed->items, width, feed->source->alloc, rules->key);
    if (status == KV_OK) status = pack_load(rules->memory, feed->block.bytes, &small.pack);
    if (status == KV_OK) hash_pack_store(&small, hash);
    return status;
}

static kv_status rdb_hash_pairs(struct rdb_feed *feed, const struct rdb_rules *rules,
                                struct collection *hash)
{
    bool is_taken = feed->is_packed && feed->items.packing == RDB_LISTPACK &&
                    rdb_items_fit(&feed->items, 2, 2, &rules->hash);
    kv_status status =
        is_taken ? rdb_hash_take(feed, rules, false, hash) : rdb_hash_put_all(feed, rules, hash);
    rdb_feed_close(feed);
    return status;
}

/* ------------------------------------------------------------------------------- with deadlines */

/* Whether each third item is a deadline, none before the one before it, and zeros come last. */
static bool rdb_items_are_triples(const struct rdb_items *items)
{
    struct rdb_items walk = *items;
    struct pack_item item;
    int64_t last_ms = 1;
    for (size_t i = 0; rdb_items_next(&walk, &item); i++) {
        if (i % 3 != 2) continue;
        if (!item.is_integer || item.integer == KV_NEVER) return false;
        int64_t deadline_ms = item.integer != 0 ? item.integer : KV_NEVER;
        if (deadline_ms < last_ms) return false;
        last_ms = deadline_ms;
    }
    return true;
}

static kv_status rdb_hash_put_triples(const struct rdb_items *items, const struct rdb_rules *rules,
                                      struct collection *hash)
{
    struct rdb_items walk = *items;
    struct pack_item triple[3];
    struct hash_owner owner = rdb_hash_owner(rules, items->count / 3);
    kv_status status = KV_OK;
    while (status == KV_OK && rdb_items_next(&walk, &triple[0])) {
        char scratch[2][NUMBER_INT64_SIZE];
        (void)rdb_items_next(&walk, &triple[1]);
        (void)rdb_items_next(&walk, &triple[2]);
        kv_slice pair[2] = {rdb_item_text(&triple[0], scratch[0]),
                            rdb_item_text(&triple[1], scratch[1])};
        int64_t deadline_ms = triple[2].integer != 0 ? triple[2].integer : KV_NEVER;
        status = rdb_hash_put(&owner, pair, 1, deadline_ms, hash);
    }
    return status;
}

static kv_status rdb_hash_triples(struct rdb_source *source, const struct rdb_rules *rules,
                                  bool has_first, struct collection *hash)
{
    uint64_t first; /* repeats what the listpack says */
    struct rdb_feed feed;
    if (has_first && !rdb_read_64(source, &first)) return KV_CORRUPT;
    kv_status status = rdb_feed_packed(&feed, source, RDB_LISTPACK, 3);
    if (status != KV_OK) return status;
    if (!rdb_items_are_triples(&feed.items)) status = KV_CORRUPT;
    else if (rdb_items_fit(&feed.items, 3, 2, &rules->hash))
        status = rdb_hash_take(&feed, rules, true, hash);
    else status = rdb_hash_put_triples(&feed.items, rules, hash);
    rdb_feed_close(&feed);
    return status;
}

/* The deadline that stands before a field, as an instant or relative to the first one. */
static bool rdb_read_deadline(struct rdb_source *source, bool is_relative, uint64_t first,
                              int64_t *deadline_ms)
{
    uint64_t number;
    if (!rdb_read_length(source, &number)) return false;
    *deadline_ms = KV_NEVER;
    if (number == 0) return true;
    if (is_relative && first > (uint64_t)KV_NEVER - 1) return false;
    uint64_t base = is_relative ? first : 1; /* one is added to all but 0 that are relative */
    if (number > (uint64_t)KV_NEVER - base) return false;
    *deadline_ms = (int64_t)(base + number - 1);
    return *deadline_ms > 0 && *deadline_ms < KV_NEVER;
}

static kv_status rdb_hash_dated_field(struct rdb_source *source, const struct hash_owner *owner,
                                      int64_t deadline_ms, struct collection *hash)
{
    struct rdb_text field, value;
    kv_status status = rdb_read_text(source, &field);
    if (status != KV_OK) return status;
    status = rdb_read_text(source, &value);
    if (status == KV_OK) {
        kv_slice pair[2] = {field.bytes, value.bytes};
        status = rdb_hash_put(owner, pair, 1, deadline_ms, hash);
        rdb_text_free(source, &value);
    }
    rdb_text_free(source, &field);
    return status;
}

static kv_status rdb_hash_dated(struct rdb_source *source, const struct rdb_rules *rules,
                                bool is_relative, struct collection *hash)
{
    uint64_t first = 0, left;
    if (is_relative && !rdb_read_64(source, &first)) return KV_CORRUPT;
    if (!rdb_read_count(source, 3, &left) || left == 0) return KV_CORRUPT;
    struct hash_owner owner = rdb_hash_owner(rules, left);
    kv_status status = KV_OK;
    for (; left > 0 && status == KV_OK; left--) {
        int64_t deadline_ms;
        if (!rdb_read_deadline(source, is_relative, first, &deadline_ms)) return KV_CORRUPT;
        status = rdb_hash_dated_field(source, &owner, deadline_ms, hash);
    }
    return status;
}

/* ---------------------------------------------------------------------------------------- whole */

static kv_status rdb_read_hash_as(struct rdb_source *source, const struct rdb_rules *rules,
                                  enum rdb_type type, struct collection *hash)
{
    struct rdb_feed feed;
    kv_status status;
    switch (type) {
    case RDB_HASH_TIMED:
    case RDB_HASH_TIMED_OLD: return rdb_hash_dated(source, rules, type == RDB_HASH_TIMED, hash);
    case RDB_HASH_TIMED_LISTPACK:
    case RDB_HASH_TIMED_LISTPACK_OLD:
        return rdb_hash_triples(source, rules, type == RDB_HASH_TIMED_LISTPACK, hash);
    case RDB_HASH: status = rdb_feed_counted(&feed, source, 2); break;
    case RDB_HASH_ZIPMAP: status = rdb_feed_packed(&feed, source, RDB_ZIPMAP, 2); break;
    case RDB_HASH_ZIPLIST: status = rdb_feed_packed(&feed, source, RDB_ZIPLIST, 2); break;
    default: status = rdb_feed_packed(&feed, source, RDB_LISTPACK, 2); break;
    }
    return status == KV_OK ? rdb_hash_pairs(&feed, rules, hash) : status;
}

KV_INTERNAL kv_status rdb_read_hash(struct rdb_source *source, const struct rdb_rules *rules,
                                    enum rdb_type type, struct collection *hash)
{
    kv_status status = rdb_read_hash_as(source, rules, type, hash);
    if (status != KV_OK) hash_destroy(hash, rules->memory);
    return status;
}

/* -------------------------------------------------------------------------------------- writing */

static int64_t rdb_hash_first_deadline(const struct collection *hash)
{
    return hash_kind.next_deadline(hash);
}

/* Deadlines are not in version 10; a hash without one is written so that it can be read there. */
KV_INTERNAL enum rdb_type rdb_type_of_hash(const struct collection *hash, unsigned version)
{
    bool is_small = collection_is_small(hash);
    bool knows_deadlines = version == 0 || version >= RDB_VERSION_TIMED;
    if (rdb_hash_first_deadline(hash) != 0 && knows_deadlines)
        return is_small ? RDB_HASH_TIMED_LISTPACK : RDB_HASH_TIMED;
    return is_small && !collection_is_second(hash) ? RDB_HASH_LISTPACK : RDB_HASH;
}

static bool rdb_write_field(void *context, kv_slice field, kv_slice value)
{
    rdb_write_text(context, field);
    rdb_write_text(context, value);
    return true;
}

struct rdb_hash_writing {
    struct rdb_sink *sink;
    int64_t first_ms;
};

static bool rdb_write_dated_field(void *context, kv_slice field, kv_slice value,
                                  int64_t deadline_ms)
{
    const struct rdb_hash_writing *writing = context;
    uint64_t after = deadline_ms == KV_NEVER ? 0 : (uint64_t)(deadline_ms - writing->first_ms) + 1;
    rdb_write_length(writing->sink, after);
    return rdb_write_field(writing->sink, field, value);
}

KV_INTERNAL void rdb_write_hash(struct rdb_sink *sink, enum rdb_type type,
                                const struct collection *hash)
{
    struct rdb_hash_writing writing = {sink, rdb_hash_first_deadline(hash)};
    bool is_timed = type == RDB_HASH_TIMED || type == RDB_HASH_TIMED_LISTPACK;
    if (is_timed) rdb_write_64(sink, (uint64_t)writing.first_ms);
    if (type == RDB_HASH_LISTPACK || type == RDB_HASH_TIMED_LISTPACK) {
        rdb_write_text(sink, pack_bytes(hash_pack_of(hash).pack));
        return;
    }
    rdb_write_length(sink, hash_length(hash));
    if (type == RDB_HASH_TIMED) hash_visit_deadlines(hash, rdb_write_dated_field, &writing);
    else hash_visit(hash, rdb_write_field, sink);
}
