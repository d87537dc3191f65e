/*
 * keyspace/flushing.h -- emptying databases of all shards at one instant.
 *
 * Their keys are gone at once, whatever their number, and wait to be freed (reclaim_flushed). All
 * shards are held from the first call to the last.
 */
#ifndef KV_KEYSPACE_FLUSHING_H
#define KV_KEYSPACE_FLUSHING_H

#include "keyspace/shard.h"

/*
 * Acquires what it takes to empty the databases from `first` to `last`: a record for each of them
 * in each shard that has a key of it. KV_OK or KV_NOMEM.
 */
KV_INTERNAL kv_status flushing_prepare(struct store *store, uint32_t first, uint32_t last,
                                       struct flushed **records);

/* Gives that back. */
KV_INTERNAL void flushing_cancel(struct store *store, struct flushed *records);

/* Empties them; nothing was changed since. `later`: their keys are counted when they are freed. */
KV_INTERNAL void flushing_commit(struct store *store, uint32_t first, uint32_t last, bool later,
                                 struct flushed *records);

#endif
