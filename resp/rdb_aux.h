/*
 * resp/rdb_aux.h -- the auxiliary fields at the head of an RDB: who wrote it, when, and what for, as
 * Redis says it.
 */
#ifndef KV_RESP_RDB_AUX_H
#define KV_RESP_RDB_AUX_H

#include "resp/replication.h"

enum { RDB_AUX_FIELDS = 8, RDB_AUX_TEXT = 256 };

struct rdb_aux {
    kv_slice slices[2 * RDB_AUX_FIELDS]; /* for kv_snapshot_options: name, value, name... */
    size_t count;                        /* of slices */
    char text[RDB_AUX_TEXT];             /* of the values */
    size_t used;
    char *history; /* within the text: database, id, offset, each of its width; NULL: none */
};

/*
 * Adds a field; the name is a constant, the value is copied. One that has no room is left out: a
 * programmer's mistake.
 */
void rdb_aux_add(struct rdb_aux *aux, const char *name, kv_slice value);
void rdb_aux_add_integer(struct rdb_aux *aux, const char *name, int64_t value);

/* Begins with the fields that every RDB has. The rest may be added: then rdb_aux_give(). */
void rdb_aux_begin(struct rdb_aux *aux, kv *db);

/*
 * Adds where the history stands, if there is one: room for it, which rdb_aux_fill() gives its value
 * at the snapshot's instant.
 */
void rdb_aux_add_history(struct rdb_aux *aux, struct replication *replication);
void rdb_aux_fill(struct rdb_aux *aux, struct replication *replication);

/* Adds the last field, and hands all to a snapshot, to which they are lent. */
void rdb_aux_give(struct rdb_aux *aux, bool is_aof_base, kv_snapshot_options *options);

#endif
