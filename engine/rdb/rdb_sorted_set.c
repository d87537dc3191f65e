/*
 * rdb/rdb_sorted_set.c -- sorted sets from and to the RDB format.
 */
#include "base/number.h"
#include "base/slice.h"
#include "rdb/rdb_feed.h"
#include "rdb/rdb_value.h"
#include "values/zset.h"

#include <math.h>

/* Members on their way into a set. */
struct rdb_scored {
    size_t count;
    kv_scored members[RDB_FEED_BATCH];
    struct rdb_text holders[RDB_FEED_BATCH]; /* of those that are read one by one */
};

static struct zset_rules rdb_sorted_set_rules(const struct rdb_rules *rules, uint64_t total)
{
    return (struct zset_rules){rdb_limits_for(&rules->sorted_set, total), rules->key, true};
}

/* Puts them, of `total` in all; one that is there already is a fault. */
static kv_status rdb_scored_put(const struct rdb_scored *batch, const struct rdb_rules *rules,
                                uint64_t total, struct collection *set)
{
    uint8_t outcomes[RDB_FEED_BATCH];
    struct zset_rules zset_rules = rdb_sorted_set_rules(rules, total);
    kv_status status =
        zset_put_all(set, rules->memory, &zset_rules, batch->members, batch->count, 0, outcomes);
    for (size_t i = 0; i < batch->count && status == KV_OK; i++)
        if (outcomes[i] != ZSET_ADDED) status = KV_CORRUPT;
    return status;
}

/* ----------------------------------------------------------------------------------- one by one */

/* The sizes that are none, of a score as text. */
enum { RDB_SCORE_NAN = 253, RDB_SCORE_INFINITE = 254, RDB_SCORE_MINUS_INFINITE = 255 };

static bool rdb_read_score_text(struct rdb_source *source, double *score)
{
    uint8_t size;
    kv_slice text;
    if (!rdb_read_byte(source, &size) || size == RDB_SCORE_NAN) return false;
    if (size == RDB_SCORE_INFINITE || size == RDB_SCORE_MINUS_INFINITE) {
        *score = size == RDB_SCORE_INFINITE ? (double)INFINITY : -(double)INFINITY;
        return true;
    }
    return rdb_read_bytes(source, size, &text) && number_parse_double(text, score);
}

static bool rdb_read_score(struct rdb_source *source, enum rdb_type type, double *score)
{
    if (type == RDB_SORTED_SET) return rdb_read_score_text(source, score);
    return rdb_read_double(source, score) && !isnan(*score);
}

static kv_status rdb_scored_read(struct rdb_scored *batch, struct rdb_source *source,
                                 enum rdb_type type, uint64_t left)
{
    for (batch->count = 0; batch->count < RDB_FEED_BATCH && left > 0; left--) {
        struct rdb_text *holder = &batch->holders[batch->count];
        kv_scored *scored = &batch->members[batch->count];
        kv_status status = rdb_read_text(source, holder);
        if (status != KV_OK) return status;
        batch->count++;
        scored->member = holder->bytes;
        if (!rdb_read_score(source, type, &scored->score)) return KV_CORRUPT;
    }
    return KV_OK;
}

static kv_status rdb_sorted_set_counted(struct rdb_source *source, const struct rdb_rules *rules,
                                        enum rdb_type type, struct collection *set)
{
    uint64_t total;
    struct rdb_scored batch;
    kv_status status = KV_OK;
    if (!rdb_read_count(source, 2, &total) || total == 0) return KV_CORRUPT;
    for (uint64_t left = total; left > 0 && status == KV_OK; left -= batch.count) {
        status = rdb_scored_read(&batch, source, type, left);
        if (status == KV_OK) status = rdb_scored_put(&batch, rules, total, set);
        for (size_t i = 0; i < batch.count; i++) rdb_text_free(source, &batch.holders[i]);
    }
    struct zset_rules zset_rules = rdb_sorted_set_rules(rules, total);
    return status == KV_OK ? zset_shrink(set, rules->memory, &zset_rules) : status;
}

/* --------------------------------------------------------------------------------------- packed */

static bool rdb_item_score(const struct pack_item *item, double *score)
{
    if (!item->is_integer) return number_parse_double(item->text, score);
    *score = (double)item->integer;
    return true;
}

/* Whether scores are numbers and members in order: by score, then by name. */
static bool rdb_items_are_ordered(const struct rdb_items *items)
{
    struct rdb_items walk = *items;
    struct pack_item member, score_item;
    char scratch[2][NUMBER_INT64_SIZE];
    kv_slice last = {0};
    double last_score = -(double)INFINITY;
    for (size_t i = 0; rdb_items_next(&walk, &member); i++) {
        double score;
        kv_slice text = rdb_item_text(&member, scratch[i % 2]);
        (void)rdb_items_next(&walk, &score_item);
        if (!rdb_item_score(&score_item, &score) || score < last_score) return false;
        if (i > 0 && score == last_score && slice_compare(last, text) >= 0) return false;
        last = text;
        last_score = score;
    }
    return true;
}

static kv_status rdb_sorted_set_put_all(struct rdb_feed *feed, const struct rdb_rules *rules,
                                        struct collection *set)
{
    kv_status status;
    uint64_t total = rdb_feed_groups(feed, 2);
    while ((status = rdb_feed_next(feed)) == KV_OK && feed->count > 0) {
        struct rdb_scored batch;
        for (batch.count = 0; 2 * batch.count < feed->count; batch.count++) {
            kv_scored *scored = &batch.members[batch.count];
            scored->member = feed->texts[2 * batch.count];
            if (!number_parse_double(feed->texts[2 * batch.count + 1], &scored->score))
                return KV_CORRUPT;
        }
        status = rdb_scored_put(&batch, rules, total, set);
        if (status != KV_OK) break;
    }
    return status;
}

static kv_status rdb_sorted_set_take(const struct rdb_feed *feed, const struct rdb_rules *rules,
                                     struct collection *set)
{
    struct pack *pack;
    kv_status status = rdb_items_differ(&feed->items, 2, feed->source->alloc, rules->key);
    if (status == KV_OK) status = pack_load(rules->memory, feed->block.bytes, &pack);
    if (status == KV_OK) collection_set_block(set, pack);
    return status;
}

static kv_status rdb_sorted_set_packed(struct rdb_source *source, const struct rdb_rules *rules,
                                       enum rdb_packing packing, struct collection *set)
{
    struct rdb_feed feed;
    kv_status status = rdb_feed_packed(&feed, source, packing, 2);
    if (status != KV_OK) return status;
    if (!rdb_items_are_ordered(&feed.items)) status = KV_CORRUPT;
    else if (packing == RDB_LISTPACK && rdb_items_fit(&feed.items, 2, 1, &rules->sorted_set))
        status = rdb_sorted_set_take(&feed, rules, set);
    else status = rdb_sorted_set_put_all(&feed, rules, set);
    rdb_feed_close(&feed);
    return status;
}

/* ---------------------------------------------------------------------------------------- whole */

KV_INTERNAL kv_status rdb_read_sorted_set(struct rdb_source *source, const struct rdb_rules *rules,
                                          enum rdb_type type, struct collection *set)
{
    kv_status status;
    if (type == RDB_SORTED_SET || type == RDB_SORTED_SET_2) {
        status = rdb_sorted_set_counted(source, rules, type, set);
    } else {
        enum rdb_packing packing = type == RDB_SORTED_SET_ZIPLIST ? RDB_ZIPLIST : RDB_LISTPACK;
        status = rdb_sorted_set_packed(source, rules, packing, set);
    }
    if (status != KV_OK) zset_destroy(set, rules->memory);
    return status;
}

KV_INTERNAL enum rdb_type rdb_type_of_sorted_set(const struct collection *set)
{
    return collection_is_small(set) ? RDB_SORTED_SET_LISTPACK : RDB_SORTED_SET_2;
}

static bool rdb_write_scored(void *context, kv_slice member, double score)
{
    rdb_write_text(context, member);
    rdb_write_double(context, score);
    return true;
}

/* The last one first: so Redis puts each at the head of its list. */
KV_INTERNAL void rdb_write_sorted_set(struct rdb_sink *sink, enum rdb_type type,
                                      const struct collection *set)
{
    if (type == RDB_SORTED_SET_LISTPACK) {
        rdb_write_text(sink, pack_bytes(collection_block(set)));
        return;
    }
    rdb_write_length(sink, zset_count(set));
    zset_visit(set, KV_TAIL, 0, UINT64_MAX, rdb_write_scored, sink);
}
