/*
 * keyspace/era.c -- see era.h.
 */
#include "keyspace/era.h"

#include "keyspace/frozen.h"
#include "keyspace/snapshot.h"

KV_INTERNAL KV_NOINLINE void era_leave(struct shard *shard, struct space *space,
                                       struct entry *entry)
{
    struct store *store = shard->store;
    if (era_is_old(space, entry, ENTRY_SNAPSHOT_ERA)) {
        if (store->snapshot != NULL) snapshot_save(store->snapshot, shard, space, entry);
        era_turn(entry, ENTRY_SNAPSHOT_ERA);
    }
    if (era_is_old(space, entry, ENTRY_FROZEN_ERA)) {
        if (store->frozen != NULL) frozen_keep(store->frozen, shard, space, entry);
        era_turn(entry, ENTRY_FROZEN_ERA);
    }
}
