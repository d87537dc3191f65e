/*
 * rdb/rdb_value.c -- see rdb_value.h: which room reads and writes which type.
 */
#include "rdb/rdb_value.h"

static kv_type rdb_type_holds(unsigned type)
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
