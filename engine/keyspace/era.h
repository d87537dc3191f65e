/*
 * keyspace/era.h -- who still wants to know what an entry was at an instant.
 *
 * An entry carries two bits, its eras, one for snapshots (snapshot.h) and one for frozen views
 * (frozen.h). At an instant the bit of each space turns, and all its entries are of the old era:
 * as they were then. Who is about to change or remove one of these tells of it first, and it gets
 * the new era; what is new has that from the start. At other times all entries are of their space's
 * eras.
 */
#ifndef KV_KEYSPACE_ERA_H
#define KV_KEYSPACE_ERA_H

#include "keyspace/store.h"

/* Whether an entry is of the old one of these eras. */
static inline bool era_is_old(const struct space *space, const struct entry *entry, unsigned era)
{
    return ((entry->kind ^ space->eras) & era) != 0;
}

/* Whether nobody has to be told of a change. */
static inline bool era_is_new(const struct space *space, const struct entry *entry)
{
    return !era_is_old(space, entry, ENTRY_ERAS);
}

/* Turns this era of an entry. */
static inline void era_turn(struct entry *entry, unsigned era)
{
    entry->kind = (uint8_t)(entry->kind ^ era);
}

/* Tells whoever wants to know of an entry of an old era, which gets the new one. */
KV_INTERNAL KV_NOINLINE void era_leave(struct shard *shard, struct space *space,
                                       struct entry *entry);

/* To be called before an entry is changed or removed, with its shard's lock. Never fails. */
static inline void era_meet(struct shard *shard, struct space *space, struct entry *entry)
{
    if (KV_UNLIKELY(!era_is_new(space, entry))) era_leave(shard, space, entry);
}

#endif
