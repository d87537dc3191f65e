/*
 * keyspace/record.h -- a key with its value as a record of an RDB file.
 *
 *     [FA "kv-deadlines" text]  [FC deadline(8)]  [F8 idle]  type  key  value
 *
 *     the text   n, {deadline(8) member}: the deadlines of members of a set or sorted set, of which
 *                Redis knows none: its loader passes over an auxiliary field with a name that it
 *                does not know. It is about the record that follows.
 *
 * The forms are those of rdb/rdb_format.h.
 */
#ifndef KV_KEYSPACE_RECORD_H
#define KV_KEYSPACE_RECORD_H

#include "keyspace/entry.h"
#include "rdb/rdb_file.h"
#include "rdb/rdb_value.h"

struct record_rules {
    unsigned version; /* as rdb_type_of() */
    bool tells_idle;  /* how long keys were not used */
    uint32_t now_s;   /* for that */
    bool is_uncompressed;
};

/* Writes a value in the form of this version, its type first; gives the type. */
KV_INTERNAL enum rdb_type record_write_value(struct rdb_sink *sink, const struct entry *entry,
                                             unsigned version);

KV_INTERNAL void record_write(struct rdb_sink *sink, const struct entry *entry,
                              const struct record_rules *rules);

#endif
