/*
 * rdb/rdb_value.c -- see rdb_value.h: which room reads and writes which type.
 */
#include "rdb/rdb_value.h"

#include "rdb/rdb_items.h"

KV_INTERNAL kv_type rdb_type_holds(unsigned type)
{
    switch (type) {
    case RDB_STRING: return KV_TYPE_STRING;
    case RDB_LIST:
    case RDB_LIST_ZIPLIST:
    case RDB_LIST_QUICKLIST:
    case RDB_LIST_QUICKLIST_2: return KV_TYPE_LIST;
    case RDB_SET:
    case RDB_SET_INTSET:
    case RDB_SET_LISTPACK: return KV_TYPE_SET;
    case RDB_SORTED_SET:
    case RDB_SORTED_SET_2:
    case RDB_SORTED_SET_ZIPLIST:
    case RDB_SORTED_SET_LISTPACK: return KV_TYPE_SORTED_SET;
    case RDB_HASH:
    case RDB_HASH_ZIPMAP:
    case RDB_HASH_ZIPLIST:
    case RDB_HASH_LISTPACK:
    case RDB_HASH_TIMED_OLD:
    case RDB_HASH_TIMED_LISTPACK_OLD:
    case RDB_HASH_TIMED:
    case RDB_HASH_TIMED_LISTPACK: return KV_TYPE_HASH;
    case RDB_STREAM:
    case RDB_STREAM_2:
    case RDB_STREAM_3: return KV_TYPE_STREAM;
    default: return KV_TYPE_NONE;
    }
}

KV_INTERNAL kv_status rdb_read_value(struct rdb_source *source, const struct rdb_rules *rules,
                                     unsigned type, struct rdb_value *value)
{
    struct collection *collection = &value->collection;
    value->type = rdb_type_holds(type);
    value->text = (struct rdb_text){0};
    *collection = (struct collection){0};
    switch (value->type) {
    case KV_TYPE_STRING: return rdb_read_text(source, &value->text);
    case KV_TYPE_LIST: return rdb_read_list(source, rules, (enum rdb_type)type, collection);
    case KV_TYPE_SET: return rdb_read_set(source, rules, (enum rdb_type)type, collection);
    case KV_TYPE_SORTED_SET:
        return rdb_read_sorted_set(source, rules, (enum rdb_type)type, collection);
    case KV_TYPE_HASH: return rdb_read_hash(source, rules, (enum rdb_type)type, collection);
    case KV_TYPE_STREAM: return rdb_read_stream(source, rules, (enum rdb_type)type, collection);
    default: return KV_CORRUPT;
    }
}

/* How the texts of a type are packed that are. */
static enum rdb_packing rdb_packing_of(unsigned type)
{
    switch (type) {
    case RDB_HASH_ZIPMAP: return RDB_ZIPMAP;
    case RDB_SET_INTSET: return RDB_INTSET;
    case RDB_LIST_ZIPLIST:
    case RDB_LIST_QUICKLIST:
    case RDB_SORTED_SET_ZIPLIST:
    case RDB_HASH_ZIPLIST: return RDB_ZIPLIST;
    default: return RDB_LISTPACK;
    }
}

static bool rdb_is_empty_block(struct rdb_source *source, enum rdb_packing packing)
{
    struct rdb_text block;
    struct rdb_items items;
    if (rdb_read_text(source, &block) != KV_OK) return false;
    bool is_empty = rdb_items_open(&items, packing, block.bytes) && items.count == 0;
    rdb_text_free(source, &block);
    return is_empty;
}

static bool rdb_is_empty_list(struct rdb_source *source, unsigned type)
{
    uint64_t nodes, kind = RDB_NODE_PACKED;
    bool is_empty = rdb_read_length(source, &nodes);
    for (; is_empty && nodes > 0; nodes--) {
        if (type == RDB_LIST_QUICKLIST_2) is_empty = rdb_read_length(source, &kind);
        is_empty = is_empty && kind == RDB_NODE_PACKED &&
                   rdb_is_empty_block(source, rdb_packing_of(type));
    }
    return is_empty;
}

KV_INTERNAL bool rdb_is_empty(struct rdb_source source, unsigned type)
{
    uint64_t count, first;
    switch (type) {
    case RDB_LIST:
    case RDB_SET:
    case RDB_SORTED_SET:
    case RDB_SORTED_SET_2:
    case RDB_HASH:
    case RDB_HASH_TIMED_OLD: return rdb_read_length(&source, &count) && count == 0;
    case RDB_HASH_TIMED:
        return rdb_read_64(&source, &first) && rdb_read_length(&source, &count) && count == 0;
    case RDB_HASH_TIMED_LISTPACK:
        return rdb_read_64(&source, &first) && rdb_is_empty_block(&source, RDB_LISTPACK);
    case RDB_LIST_QUICKLIST:
    case RDB_LIST_QUICKLIST_2: return rdb_is_empty_list(&source, type);
    case RDB_STRING:
    case RDB_STREAM:
    case RDB_STREAM_2:
    case RDB_STREAM_3: return false; /* these may be */
    default: return rdb_is_empty_block(&source, rdb_packing_of(type));
    }
}

KV_INTERNAL enum rdb_type rdb_type_of(kv_type type, const struct collection *collection,
                                      unsigned version)
{
    switch (type) {
    case KV_TYPE_LIST: return RDB_LIST_QUICKLIST_2;
    case KV_TYPE_SET: return rdb_type_of_set(collection, version);
    case KV_TYPE_SORTED_SET: return rdb_type_of_sorted_set(collection);
    case KV_TYPE_HASH: return rdb_type_of_hash(collection, version);
    case KV_TYPE_STREAM: return RDB_STREAM_2;
    default: return RDB_STRING;
    }
}

KV_INTERNAL unsigned rdb_version_of(enum rdb_type type)
{
    if (type == RDB_HASH_TIMED || type == RDB_HASH_TIMED_LISTPACK) return RDB_VERSION_TIMED;
    return type == RDB_SET_LISTPACK ? RDB_VERSION_SET_LISTPACK : RDB_VERSION;
}

KV_INTERNAL void rdb_write_collection(struct rdb_sink *sink, enum rdb_type type,
                                      const struct collection *collection)
{
    switch (rdb_type_holds(type)) {
    case KV_TYPE_LIST: rdb_write_list(sink, collection); break;
    case KV_TYPE_SET: rdb_write_set(sink, type, collection); break;
    case KV_TYPE_SORTED_SET: rdb_write_sorted_set(sink, type, collection); break;
    case KV_TYPE_HASH: rdb_write_hash(sink, type, collection); break;
    case KV_TYPE_STREAM: rdb_write_stream(sink, collection); break;
    default: assert(false);
    }
}
