/*
 * rdb/rdb_list.c -- lists from and to the RDB format.
 */
#include "rdb/rdb_feed.h"
#include "rdb/rdb_value.h"

/* A list being read. */
struct rdb_list {
    struct rdb_source *source;
    const struct rdb_rules *rules;
    struct collection list;
};

static kv_status rdb_list_push(struct rdb_list *reading, const kv_slice *texts, size_t count)
{
    const struct rdb_rules *rules = reading->rules;
    return list_push(&reading->list, rules->memory, &rules->list, KV_TAIL, texts, count);
}

static kv_status rdb_list_push_all(struct rdb_list *reading, struct rdb_feed *feed)
{
    kv_status status;
    while ((status = rdb_feed_next(feed)) == KV_OK && feed->count > 0) {
        status = rdb_list_push(reading, feed->texts, feed->count);
        if (status != KV_OK) break;
    }
    return status;
}

/* Whether a listpack is the whole of a small list. */
static bool rdb_list_is_small(const struct rdb_list *reading, const struct rdb_feed *feed,
                              bool is_only)
{
    const struct list_limits *limits = &reading->rules->list;
    return is_only && feed->items.packing == RDB_LISTPACK &&
           feed->block.bytes.size <= limits->size && feed->items.count <= limits->count;
}

static kv_status rdb_list_take(struct rdb_list *reading, kv_slice listpack)
{
    struct pack *pack;
    kv_status status = pack_load(reading->rules->memory, listpack, &pack);
    if (status == KV_OK) collection_set_block(&reading->list, pack);
    return status;
}

/* What is in a node with packed elements, the only one or one of several. */
static kv_status rdb_list_add(struct rdb_list *reading, struct rdb_feed *feed, bool is_only)
{
    if (feed->items.count == 0) return KV_OK;
    if (rdb_list_is_small(reading, feed, is_only)) return rdb_list_take(reading, feed->block.bytes);
    if (feed->items.packing != RDB_LISTPACK) return rdb_list_push_all(reading, feed);
    return list_append_pack(&reading->list, reading->rules->memory, feed->block.bytes);
}

static kv_status rdb_list_packed(struct rdb_list *reading, enum rdb_packing packing, bool is_only)
{
    struct rdb_feed feed;
    kv_status status = rdb_feed_node(&feed, reading->source, packing);
    if (status != KV_OK) return status;
    status = rdb_list_add(reading, &feed, is_only);
    rdb_feed_close(&feed);
    return status;
}

/* A node that is an element by itself. */
static kv_status rdb_list_plain(struct rdb_list *reading)
{
    struct rdb_text text;
    kv_status status = rdb_read_text(reading->source, &text);
    if (status != KV_OK) return status;
    status = rdb_list_push(reading, &text.bytes, 1);
    rdb_text_free(reading->source, &text);
    return status;
}

static kv_status rdb_list_node(struct rdb_list *reading, enum rdb_type type, bool is_only)
{
    uint64_t kind;
    if (type != RDB_LIST_QUICKLIST_2) return rdb_list_packed(reading, RDB_ZIPLIST, is_only);
    if (!rdb_read_length(reading->source, &kind)) return KV_CORRUPT;
    if (kind == RDB_NODE_PLAIN) return rdb_list_plain(reading);
    return kind == RDB_NODE_PACKED ? rdb_list_packed(reading, RDB_LISTPACK, is_only) : KV_CORRUPT;
}

static kv_status rdb_list_nodes(struct rdb_list *reading, enum rdb_type type)
{
    uint64_t nodes = 1;
    bool is_counted = type != RDB_LIST_ZIPLIST;
    if (is_counted && !rdb_read_count(reading->source, 1, &nodes)) return KV_CORRUPT;
    if (nodes == 0) return KV_CORRUPT;
    bool is_only = nodes == 1;
    kv_status status = KV_OK;
    for (; nodes > 0 && status == KV_OK; nodes--) status = rdb_list_node(reading, type, is_only);
    return status;
}

static kv_status rdb_list_counted(struct rdb_list *reading)
{
    struct rdb_feed feed;
    kv_status status = rdb_feed_counted(&feed, reading->source, 1);
    if (status != KV_OK) return status;
    status = rdb_list_push_all(reading, &feed);
    rdb_feed_close(&feed);
    return status;
}

KV_INTERNAL kv_status rdb_read_list(struct rdb_source *source, const struct rdb_rules *rules,
                                    enum rdb_type type, struct collection *list)
{
    struct rdb_list reading = {source, rules, {0}};
    kv_status status =
        type == RDB_LIST ? rdb_list_counted(&reading) : rdb_list_nodes(&reading, type);
    if (status == KV_OK && collection_is_empty(&reading.list)) status = KV_CORRUPT;
    if (status == KV_OK) *list = reading.list;
    else list_destroy(&reading.list, rules->memory);
    return status;
}

KV_INTERNAL void rdb_write_list(struct rdb_sink *sink, const struct collection *list)
{
    uint64_t position = 0, nodes = 0;
    while (list_next_pack(list, &position) != NULL) nodes++;
    rdb_write_length(sink, nodes);
    const struct pack *pack;
    for (position = 0; (pack = list_next_pack(list, &position)) != NULL;) {
        rdb_write_length(sink, RDB_NODE_PACKED);
        rdb_write_text(sink, pack_bytes(pack));
    }
}
