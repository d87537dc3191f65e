/*
 * rdb/rdb_set.c -- sets from and to the RDB format.
 */
#include "rdb/rdb_feed.h"
#include "rdb/rdb_value.h"
#include "structures/intset.h"
#include "values/set.h"

/* Of a set that will have so many members. */
static struct set_owner rdb_set_owner(const struct rdb_rules *rules, uint64_t count)
{
    return (struct set_owner){rules->memory, rules->key, rdb_limits_for(&rules->set, count),
                              count > rules->set_integers ? 0 : rules->set_integers};
}

static kv_status rdb_set_add_all(struct rdb_feed *feed, const struct rdb_rules *rules,
                                 struct collection *set)
{
    struct set_owner owner = rdb_set_owner(rules, rdb_feed_groups(feed, 1));
    kv_status status;
    while ((status = rdb_feed_next(feed)) == KV_OK && feed->count > 0) {
        uint64_t added = 0;
        status = set_add(set, &owner, feed->texts, feed->count, &added);
        if (status == KV_OK && added != feed->count) status = KV_CORRUPT;
        if (status != KV_OK) break;
    }
    return status;
}

static kv_status rdb_set_take_intset(kv_slice block, const struct rdb_rules *rules,
                                     struct collection *set)
{
    struct intset *intset;
    kv_status status = intset_load(rules->memory, block, &intset);
    if (status == KV_OK) collection_set_block(set, intset);
    return status;
}

static kv_status rdb_set_take_pack(const struct rdb_feed *feed, const struct rdb_rules *rules,
                                   struct collection *set)
{
    struct pack *pack;
    kv_status status = rdb_items_differ(&feed->items, 1, feed->source->alloc, rules->key);
    if (status == KV_OK) status = pack_load(rules->memory, feed->block.bytes, &pack);
    if (status == KV_OK) collection_set_block(set, pack);
    return status;
}

static kv_status rdb_set_packed(struct rdb_feed *feed, const struct rdb_rules *rules,
                                struct collection *set)
{
    const struct rdb_items *items = &feed->items;
    if (items->packing == RDB_INTSET && items->count <= rules->set_integers)
        return rdb_set_take_intset(feed->block.bytes, rules, set);
    if (items->packing == RDB_LISTPACK && rdb_items_fit(items, 1, 1, &rules->set))
        return rdb_set_take_pack(feed, rules, set);
    return rdb_set_add_all(feed, rules, set);
}

KV_INTERNAL kv_status rdb_read_set(struct rdb_source *source, const struct rdb_rules *rules,
                                   enum rdb_type type, struct collection *set)
{
    struct rdb_feed feed;
    kv_status status =
        type == RDB_SET
            ? rdb_feed_counted(&feed, source, 1)
            : rdb_feed_packed(&feed, source, type == RDB_SET_INTSET ? RDB_INTSET : RDB_LISTPACK, 1);
    if (status != KV_OK) return status;
    status =
        feed.is_packed ? rdb_set_packed(&feed, rules, set) : rdb_set_add_all(&feed, rules, set);
    rdb_feed_close(&feed);
    if (status != KV_OK) set_destroy(set, rules->memory);
    return status;
}

/* A listpack of members is not in version 10. */
KV_INTERNAL enum rdb_type rdb_type_of_set(const struct collection *set, unsigned version)
{
    if (!collection_is_small(set)) return RDB_SET;
    if (intset_is(collection_block(set))) return RDB_SET_INTSET;
    return version >= RDB_VERSION_SET_LISTPACK ? RDB_SET_LISTPACK : RDB_SET;
}

static bool rdb_write_member(void *context, kv_slice member)
{
    rdb_write_text(context, member);
    return true;
}

KV_INTERNAL void rdb_write_set(struct rdb_sink *sink, enum rdb_type type,
                               const struct collection *set)
{
    if (type == RDB_SET_INTSET) {
        rdb_write_text(sink, intset_bytes(collection_block(set)));
        return;
    }
    if (type == RDB_SET_LISTPACK) {
        rdb_write_text(sink, pack_bytes(collection_block(set)));
        return;
    }
    rdb_write_length(sink, set_length(set));
    set_visit(set, rdb_write_member, sink);
}
