/*
 * keyspace/snapshot.h -- the state of the store at one instant, written out while writers go on.
 *
 *     instant      every shard is held for a moment; the era of each space turns (era.h)
 *     walk         slice by slice, shard by shard, in the order of the table: an entry of the old
 *                  era is written to the walk's piece and gets the new one
 *     writers      who is about to change or remove an entry of the old era writes it to the shard's
 *                  part first (era_meet)
 *     parts        one for each shard, and the piece: records on their way to the host's writer. The
 *                  order does not matter, as each record stands for itself. The walk has one buffer
 *                  for all shards, so that it seldom asks for memory while it holds one: the kernel
 *                  may take 0.1 ms to find it
 *
 * What is flushed while the walk has not passed it is kept until it has (shard->kept).
 *
 * Memory   What lies in the parts is held to KV_SETTING_SNAPSHOT_MEMORY: who is about to write and
 *          finds more there writes a piece out himself before he takes his lock (snapshot_help).
 * Failure  Of the host's writer, or for want of memory, ends the snapshot and nothing else: writers
 *          then only turn the eras.
 * Locks    next, output, then a shard's. Nobody who holds a shard takes the others.
 */
#ifndef KV_KEYSPACE_SNAPSHOT_H
#define KV_KEYSPACE_SNAPSHOT_H

#include "keyspace/record.h"
#include "keyspace/reclaim.h"
#include "keyspace/store.h"

#include <pthread.h>

/*
 * The walk is in several shards at a time, a slice of each in turn: while one slice is written what
 * the next ones need is fetched, and nobody who waits for a shard misses the moment when it is free.
 */
#define SNAPSHOT_LANES 4

/* Records that wait to be written out. A shard's is under its lock. */
struct snapshot_part {
    kv_buffer buffer;
    uint32_t database; /* which the last of them belong to, if there are any */
};

struct kv_snapshot {
    struct store *store;
    kv_writer *writer;
    void *context;
    struct record_rules rules;
    bool is_summed;
    _Atomic int status; /* KV_MORE while it goes on; KV_OK: complete; else why it ended */

    pthread_mutex_t next;           /* of who is the next to have the output */
    pthread_mutex_t output;         /* of what follows, and of the order of what is written */
    uint32_t lanes[SNAPSHOT_LANES]; /* the shards that the walk is in, in turn */
    uint32_t turn, next_shard;
    uint64_t sum;
    struct snapshot_part piece; /* of the walk */
    kv_buffer spare;            /* changes places with a part's buffer */

    _Atomic uint64_t bytes, keys, held, held_peak, saved, helped;
    _Atomic uint32_t helpers;     /* writers in snapshot_help() */
    uint64_t keys_total;          /* at the instant */
    struct snapshot_part parts[]; /* by shard */
};

/*
 * Begins a snapshot, all of which but what the host has said is zero: marks the instant, at which
 * `at_instant`, unless NULL, is called. `aux` are names and values in turn. KV_OK; KV_BUSY;
 * KV_NOMEM. snapshot_end() also after an error but KV_BUSY.
 */
KV_INTERNAL kv_status snapshot_begin(struct kv_snapshot *snapshot,
                                     const kv_snapshot_options *options);

/* Goes on within the budget. KV_MORE, KV_OK, or why it failed. */
KV_INTERNAL kv_status snapshot_step(struct kv_snapshot *snapshot, const struct budget *budget);

/*
 * Takes it from the store, complete or not; then no part has memory. What was not walked is, to turn
 * its era.
 */
KV_INTERNAL void snapshot_end(struct kv_snapshot *snapshot);

/* Writes an entry of the old era to its shard's part, whose lock is held. */
KV_INTERNAL void snapshot_save(struct kv_snapshot *snapshot, const struct shard *shard,
                               const struct space *space, const struct entry *entry);

/* Writes out a piece of what waits, of this shard first. */
KV_INTERNAL KV_NOINLINE void snapshot_help(struct store *store, uint32_t index);

/* To be called by who is about to write, before he takes a lock. */
static inline void snapshot_make_room(struct store *store, uint32_t index)
{
    if (KV_UNLIKELY(atomic_load_explicit(&store->snapshot_is_full, memory_order_relaxed)))
        snapshot_help(store, index);
}

#endif
