/*
 * keyspace/frozen.h -- the store as it was at one instant, for readers, while writers go on.
 *
 *     instant      every shard is held for a moment; the era of each space turns (era.h)
 *     writers      who is about to change or remove an entry of the old era leaves a copy of it in
 *                  the part of its shard first
 *     readers      an entry of the old era is as it was; else there is a copy in the part, or there
 *                  was no such key. They lock the shard, as always
 *     end          the parts are freed, and a walk gives what is left of the old era the new one
 *
 * Databases are found by the number they had at the instant. What is flushed meanwhile is kept
 * (shard->kept), its entries in their table.
 *
 * Time     is the instant's. A copy of a key, or of fields in it, that was due then is not made; so
 *          what readers find in a part is alive. Of an entry in its table that has such fields they
 *          make a copy, too.
 * Memory   Copies are held to a limit. Beyond it, or without memory, the view is lost, which is told
 *          to its readers; writers then only turn the eras.
 * Locks    A part is under its shard's.
 */
#ifndef KV_KEYSPACE_FROZEN_H
#define KV_KEYSPACE_FROZEN_H

#include "keyspace/store.h"

/* What a shard's writers left. */
struct frozen_part {
    struct memory memory; /* of the records */
    struct table records; /* of all databases, by key */
    uint64_t outside;     /* of them have a value that lies elsewhere */
    bool has_moved;       /* a space of the instant is not where it was */
};

/* Of a database at the instant. */
struct frozen_count {
    uint64_t keys, timed;
};

struct frozen {
    struct store *store;
    struct view *view; /* what shows it */
    uint64_t limit;
    _Atomic bool is_lost;
    _Atomic uint64_t held, kept; /* bytes and number of the records */
    uint64_t keys;               /* at the instant */
    struct frozen_count *counts; /* by database */
    struct frozen_part parts[];  /* by shard */
};

/* One that has not begun, with its view. NULL without memory. */
KV_INTERNAL struct frozen *frozen_create(struct store *store, uint64_t limit);
KV_INTERNAL void frozen_destroy(struct frozen *frozen);

/* Marks the instant, at which `at_instant`, unless NULL, is called. KV_OK or KV_BUSY. */
KV_INTERNAL kv_status frozen_begin(struct frozen *frozen, void (*at_instant)(void *context),
                                   void *context);

/* Takes one that has begun from the store. No reader is left. */
KV_INTERNAL void frozen_end(struct frozen *frozen);

static inline bool frozen_is_lost(const struct frozen *frozen)
{
    return atomic_load_explicit(&frozen->is_lost, memory_order_relaxed);
}

/* --------------------------------------------------------------- for writers; the shard is held */

/* Keeps a copy of an entry of the old era, whose era is to be turned then. Never fails. */
KV_INTERNAL void frozen_keep(struct frozen *frozen, struct shard *shard, const struct space *space,
                             const struct entry *entry);

/* Notes that a space of this shard has another place or none. */
static inline void frozen_note_moved(struct shard *shard)
{
    struct frozen *frozen = shard->store->frozen;
    if (frozen != NULL) frozen->parts[shard->index].has_moved = true;
}

/* --------------------------------------------------------------- for readers; the shard is held */

/* What holds this database of the instant now, apart from the copies; NULL: it had no keys here. */
KV_INTERNAL struct space *frozen_space(const struct frozen *frozen, const struct shard *shard,
                                       uint32_t database);

/*
 * The entry that a key had, alive at the instant, with nothing in it that was due; NULL: it was not
 * there. KV_OK or KV_LOST.
 */
KV_INTERNAL kv_status frozen_find(struct frozen *frozen, struct shard *shard, uint32_t database,
                                  uint64_t hash, kv_slice key, struct entry **entry);

/* Visits all entries of a database that were there, due or not. */
KV_INTERNAL void frozen_each(const struct frozen *frozen, const struct shard *shard,
                             uint32_t database, table_visit *visit, void *context);

/*
 * Visits some of them, those whose hashes lie from `position` to what is returned, which is 0 after
 * the last: as table_scan().
 */
KV_INTERNAL uint64_t frozen_scan(const struct frozen *frozen, const struct shard *shard,
                                 uint32_t database, uint64_t position, table_visit *visit,
                                 void *context);

/*
 * A draw out of so many items, each as likely as any other. NULL: it was one that was not there at
 * the instant.
 */
KV_INTERNAL uint64_t frozen_items(const struct frozen *frozen, const struct shard *shard,
                                  uint32_t database);
KV_INTERNAL struct entry *frozen_draw(const struct frozen *frozen, struct shard *shard,
                                      uint32_t database);

#endif
