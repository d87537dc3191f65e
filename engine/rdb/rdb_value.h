/*
 * rdb/rdb_value.h -- a value of any type from and to the RDB format (rdb_format.h).
 *
 * What comes from outside is believed in nothing: a value is made only of bytes that are sound to
 * the last of them, and has no member twice, no order but the right one, no score that is no
 * number. One that is within the limits of its type's small form, and comes in that form, is taken
 * over as it is once it has been looked through; any other is put together anew.
 */
#ifndef KV_RDB_RDB_VALUE_H
#define KV_RDB_RDB_VALUE_H

#include "base/siphash.h"
#include "rdb/rdb_format.h"
#include "rdb/rdb_sink.h"
#include "rdb/rdb_source.h"
#include "values/collection.h"
#include "values/list.h"

/* For whom values are made: in this memory, of a store with this key and these limits. */
struct rdb_rules {
    struct memory *memory;
    const struct siphash_key *key;
    struct list_limits list;
    struct collection_limits hash, set, sorted_set;
    size_t set_integers; /* the limit of an intset */
};

/* A value that was read: a text for a string, which the source knows, or a collection. */
struct rdb_value {
    kv_type type;
    struct rdb_text text;
    struct collection collection;
};

/*
 * Reads a value of this type (enum rdb_type, or anything). KV_OK; KV_CORRUPT if that is not what
 * follows, or an empty collection; KV_TOOBIG; KV_NOMEM. Unless KV_OK nothing is left; what is read
 * beyond the value's end is for the caller to judge.
 */
KV_INTERNAL kv_status rdb_read_value(struct rdb_source *source, const struct rdb_rules *rules,
                                     unsigned type, struct rdb_value *value);

/* What a value of this type is (enum rdb_type, or anything); KV_TYPE_NONE: it is none. */
KV_INTERNAL kv_type rdb_type_holds(unsigned type);

/*
 * Whether what a source begins with is a collection with nothing in it, which is no value; but bugs
 * of Redis have written such.
 */
KV_INTERNAL bool rdb_is_empty(struct rdb_source source, unsigned type);

/*
 * In which form a collection of this type will be written: one that this version has, where fields
 * lose the deadlines that it does not know; 0: of RDB_VERSION, but none that loses something. And
 * the version that has a form.
 */
KV_INTERNAL enum rdb_type rdb_type_of(kv_type type, const struct collection *collection,
                                      unsigned version);
KV_INTERNAL unsigned rdb_version_of(enum rdb_type type);

/* Writes a collection, which is not empty, in that form. A string is rdb_write_text(). */
KV_INTERNAL void rdb_write_collection(struct rdb_sink *sink, enum rdb_type type,
                                      const struct collection *collection);

/* --------------------------------------------------------------- by type, as the above use them */

KV_INTERNAL kv_status rdb_read_list(struct rdb_source *source, const struct rdb_rules *rules,
                                    enum rdb_type type, struct collection *list);
KV_INTERNAL void rdb_write_list(struct rdb_sink *sink, const struct collection *list);

KV_INTERNAL kv_status rdb_read_set(struct rdb_source *source, const struct rdb_rules *rules,
                                   enum rdb_type type, struct collection *set);
KV_INTERNAL enum rdb_type rdb_type_of_set(const struct collection *set, unsigned version);
KV_INTERNAL void rdb_write_set(struct rdb_sink *sink, enum rdb_type type,
                               const struct collection *set);

KV_INTERNAL kv_status rdb_read_sorted_set(struct rdb_source *source, const struct rdb_rules *rules,
                                          enum rdb_type type, struct collection *set);
KV_INTERNAL enum rdb_type rdb_type_of_sorted_set(const struct collection *set);
KV_INTERNAL void rdb_write_sorted_set(struct rdb_sink *sink, enum rdb_type type,
                                      const struct collection *set);

KV_INTERNAL kv_status rdb_read_hash(struct rdb_source *source, const struct rdb_rules *rules,
                                    enum rdb_type type, struct collection *hash);
KV_INTERNAL enum rdb_type rdb_type_of_hash(const struct collection *hash, unsigned version);
KV_INTERNAL void rdb_write_hash(struct rdb_sink *sink, enum rdb_type type,
                                const struct collection *hash);

KV_INTERNAL kv_status rdb_read_stream(struct rdb_source *source, const struct rdb_rules *rules,
                                      enum rdb_type type, struct collection *stream);
KV_INTERNAL void rdb_write_stream(struct rdb_sink *sink, const struct collection *stream);

#endif
