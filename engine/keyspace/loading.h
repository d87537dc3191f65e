/*
 * keyspace/loading.h -- the keys of a file on their way into a store.
 *
 * They are put into shards of their own, which nobody sees, out of the same memory and under the
 * same hash as the store's. When all are there these take the place of what the store held, at one
 * instant. Until then nothing of it has happened, and if it does not come to that nothing is left.
 *
 *     piece:  | key value | key value | key value | ...
 *
 *     some hundred at a time:   read the keys, hash all
 *     of them, shard by shard:  fetch the buckets, which is what takes time, then make value and
 *                               entry of each
 *
 * Several threads may put pieces in. Each begins with another shard, so that they seldom meet.
 */
#ifndef KV_KEYSPACE_LOADING_H
#define KV_KEYSPACE_LOADING_H

#include "keyspace/shard.h"
#include "rdb/rdb_file.h"
#include "rdb/rdb_value.h"

/* Keys that one thread has at hand, so many that some of them belong to each shard. */
#define LOADING_BATCH 1024

struct loading {
    struct store *store;
    struct shard *shards; /* as many as the store has */
    struct rdb_rules rules;
    int64_t now_ms;      /* what is due then is dropped; INT64_MIN: nothing is */
    uint32_t now_s;      /* for the access clocks */
    size_t text_max;     /* of what a value is made of */
    uint64_t string_max; /* of a string */
    _Atomic unsigned workers;
};

/* What one thread needs to put pieces in, and what it has done. */
struct loading_worker {
    struct loading *loading;
    unsigned number;
    uint64_t keys, expired, empty;
    struct rdb_fault fault; /* when a call has failed */

    struct rdb_text texts[LOADING_BATCH]; /* the keys */
    uint64_t hashes[LOADING_BATCH];
    uint16_t order[LOADING_BATCH];         /* by shard */
    uint16_t begins[STORE_SHARDS_MAX + 1]; /* where in that each shard begins */
};

/* The limits that values of a store are made by, in no memory yet. */
KV_INTERNAL struct rdb_rules loading_rules(const struct store *store);

/* The longest text that may be part of a value. */
KV_INTERNAL size_t loading_text_max(const struct store *store);

/*
 * Prepares, as of an instant of the wall clock; with keeps_expired what is due is not dropped. KV_OK
 * or KV_NOMEM.
 */
KV_INTERNAL kv_status loading_open(struct loading *loading, struct store *store, int64_t now_ms,
                                   bool keeps_expired);

/* Whether the store has keys at present. No shard may be held. */
KV_INTERNAL bool loading_finds_keys(struct store *store);

/* Frees what has not come into the store. */
KV_INTERNAL void loading_close(struct loading *loading);

/* NULL without memory. */
KV_INTERNAL struct loading_worker *loading_worker_create(struct loading *loading);
KV_INTERNAL void loading_worker_destroy(struct loading_worker *worker);

/* Prepares for so many keys of a database: a hint, which may be wrong. */
KV_INTERNAL void loading_expect(struct loading *loading, uint32_t database, uint64_t keys);

/* Puts in all keys of a piece. KV_OK; else worker->fault tells: KV_CORRUPT, KV_TOOBIG, KV_NOMEM. */
KV_INTERNAL kv_status loading_put(struct loading_worker *worker, const struct rdb_piece *piece);

/*
 * Makes all that was put in what the store holds, whose other keys go if `replaces`, and else must
 * not be: KV_CONFLICT. In between, while all shards are held, calls at_instant, which may be NULL.
 * Watches of keys that were or are there are marked, and waiters are served. KV_OK, KV_NOMEM.
 */
KV_INTERNAL kv_status loading_commit(struct loading *loading, bool replaces,
                                     void (*at_instant)(void *context), void *context);

#endif
