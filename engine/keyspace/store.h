/*
 * keyspace/store.h -- the store: its shards, and the views of it that are the public `kv`.
 *
 * A store is an array of shards; the top bits of a key's hash pick one. A shard is one lock and,
 * for each database, a space: a table of entries and their deadlines. All that a call on one key
 * touches belongs to one shard.
 *
 * Lock order: shards by index, ascending; then any one of the store's small locks. Who holds a
 * shard's lock and wants a lower one must let go first (transaction.h takes several in order).
 */
#ifndef KV_KEYSPACE_STORE_H
#define KV_KEYSPACE_STORE_H

#include "base/alloc.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/memory.h"
#include "base/pages.h"
#include "base/random.h"
#include "base/siphash.h"
#include "keyspace/attachments.h"
#include "keyspace/channels.h"
#include "keyspace/deadlines.h"
#include "keyspace/entry.h"
#include "keyspace/garbage.h"
#include "structures/grace.h"
#include "structures/table.h"

#define STORE_SHARDS_MAX    1024
#define STORE_DATABASES_MAX 65536

/* One database in one shard. */
struct space {
    uint8_t eras;    /* that its entries carry but for those of an old one (era.h) */
    bool is_unsaved; /* a snapshot's walk has not passed all of it */
    bool is_frozen; /* it was there at the instant of a frozen view, or still has entries of then */
    uint32_t origin; /* while it is unsaved: the database it was at the snapshot's instant */
    struct table table;
    struct table_frontier frontier; /* where the walk stands */
    struct table_frontier thaw;     /* and that of a frozen view's end */
    uint32_t frozen_origin;         /* as `origin`, while it is frozen */
    struct deadlines *deadlines;    /* NULL until a key has one */
    struct deadlines *local;        /* the same of those that are local (entry_is_local) */
    uint64_t outside;               /* entries whose value lies outside the shard's memory */
    uint64_t undated;               /* entries among the deadlines only for those of their fields */
};

/* What was in a space when it was flushed, to be freed in slices. */
struct flushed {
    struct flushed *next;
    struct space space;   /* its table, and what a snapshot wants to know */
    size_t cursor;        /* of table_drain() */
    uint64_t keys;        /* how many there were, if they count as freed later; else 0 */
    struct memory memory; /* of the entries, if they were all that the shard held: freed
                                    without a walk */
    bool owns_memory;
};

struct observers;
struct store;
struct txn;

struct shard {
    /*
     * What a lookup reads or writes lies in the first line, to the table's root and what goes with
     * it.
     */
    _Alignas(KV_CACHE_LINE) struct lock lock; /* and no two shards share a line */
    uint32_t index;
    _Atomic int64_t next_deadline_ms; /* not after the earliest deadline of its spaces */
    _Atomic int64_t next_local_ms;    /* nor this of the local ones */
    uint64_t hits, misses;
    struct space first;          /* database 0, which nearly all calls are about: no pointer to
                                     follow */
    struct observers *observers; /* NULL while nobody watches a key or waits for one */
    struct store *store;
    struct space *_Atomic *spaces; /* by database from 1 on; each NULL until its first key, then it
                                      stays */
    _Atomic bool has_flushed;      /* flushed != NULL, to be read without the lock */
    struct flushed *flushed;       /* contents of emptied databases, still to be freed */
    struct flushed *kept; /* and those that a snapshot has to walk first, or a view shows */
    uint64_t expired, evicted, changes;
    uint64_t expired_fields;
    uint64_t freed_later;  /* keys of flushed databases */
    uint64_t last_version; /* given out so far */
    struct random random;
    struct memory memory; /* of entries and small values */
};

/* One follower of the journal. The list changes only while every shard is held. */
struct kv_follower {
    struct kv_follower *next;
    struct store *store;
    kv_journal *journal;
    void *context;
    bool hears_messages;
};

#define VIEW_PINNED     1u /* now_ms holds the time */
#define VIEW_UNTOUCHING 2u /* reads leave the access clock alone */
#define VIEW_TIMELESS   4u /* nothing expires */
#define VIEW_REFUSING   8u /* of a transaction: it began when writes were refused */

#define VIEW_HABITS     (VIEW_UNTOUCHING | VIEW_TIMELESS) /* what a transaction begins with */

/* What KV_SETTING_EXPIRE may be. */
enum store_expiry { STORE_EXPIRES_NEVER, STORE_EXPIRES, STORE_HIDES_EXPIRED };

struct view;

struct kv {
    struct view *view;
    uint32_t database;
};

struct view {
    struct store *store;
    struct txn *txn;       /* NULL: each call locks for itself */
    struct frozen *frozen; /* NULL: it shows the present (frozen.h) */
    int64_t now_ms;
    unsigned flags;
    kv *databases; /* what kv_select() gives; NULL for a view on the stack */
};

struct background;
struct kv_snapshot;
struct frozen;

struct store {
    struct alloc alloc;
    struct pages pages;
    struct lines lines;
    struct grace grace;
    struct clock clock;
    struct siphash_key hash_key;
    uint32_t shard_count; /* opened so far; shard_capacity once the store is open */
    uint32_t shard_capacity;
    uint32_t shard_bits;
    uint32_t databases;
    _Atomic int64_t settings[KV_SETTING_COUNT];
    _Atomic bool snapshot_is_full;  /* who is about to write helps first (snapshot.h) */
    _Atomic bool snapshot_is_taken; /* from the begin of one to the end of its end */
    struct kv_snapshot *snapshot;   /* under way; changes while every shard is held */
    _Atomic bool frozen_is_taken;   /* as snapshot_is_taken, of a frozen view */
    struct frozen *frozen;          /* what it needs; changes while every shard is held */
    struct view *view;              /* the plain one */
    struct kv_follower *followers;
    _Atomic uint32_t message_followers; /* how many of them hear messages */
    struct channels channels;
    struct attachments attachments;
    struct lock garbage_lock;
    struct garbage garbage; /* left to kv_tick() */
    _Atomic uint64_t waiters, waited_keys, watched;
    _Atomic uint64_t owed, freed_later; /* values left to kv_tick() */
    struct background *background;
    struct shard *shards; /* aligned to cache lines */
};

static inline int64_t store_setting(const struct store *store, kv_setting setting)
{
    return atomic_load_explicit(&store->settings[setting], memory_order_relaxed);
}

static inline uint64_t store_hash(const struct store *store, kv_slice key)
{
    return siphash(&store->hash_key, key.data, key.size);
}

static inline uint32_t store_shard_index(const struct store *store, uint64_t hash)
{
    return (uint32_t)(hash >> 1 >> (63 - store->shard_bits)); /* a shift by 64 is undefined */
}

static inline struct shard *store_shard(const struct store *store, uint64_t hash)
{
    return &store->shards[store_shard_index(store, hash)];
}

/* Locks every shard, in order; the counterpart unlocks. */
KV_INTERNAL void store_lock_all(struct store *store);
KV_INTERNAL void store_unlock_all(struct store *store);

/* Leaves values to kv_tick(), which counts them. */
KV_INTERNAL void store_leave_garbage(struct store *store, struct garbage *garbage);

/* Gives back what kv_tick() took and had no time for. */
KV_INTERNAL void store_return_garbage(struct store *store, struct garbage *garbage);

/* False for a transaction, and for a view of the past. */
static inline bool view_is_plain(const struct view *view)
{
    return view->txn == NULL && view->frozen == NULL;
}

static inline bool view_accepts_writes(const struct view *view)
{
    if (view->frozen != NULL) return false;
    if (view->txn != NULL) return (view->flags & VIEW_REFUSING) == 0;
    return store_setting(view->store, KV_SETTING_ACCEPT_WRITES) != 0;
}

/*
 * Makes it the view of a transaction, whose locks are held. Whether writes are accepted is decided
 * here for all of them: none is done half.
 */
static inline void view_enter(struct view *view, struct txn *txn)
{
    view->txn = txn;
    if (store_setting(view->store, KV_SETTING_ACCEPT_WRITES) == 0) view->flags |= VIEW_REFUSING;
}

/* The present: the instant the view holds, or the clock's. */
KV_INTERNAL int64_t view_now(const struct view *view);

/* The same, cheaper to read and up to some ms late; and in seconds, as entries remember it. */
KV_INTERNAL int64_t view_about_now(const struct view *view);
KV_INTERNAL uint32_t view_seconds(const struct view *view);

/* How keys expire for the calls of a view. */
static inline enum store_expiry view_expiry(const struct view *view)
{
    if (KV_UNLIKELY((view->flags & VIEW_TIMELESS) != 0)) return STORE_EXPIRES_NEVER;
    if (KV_UNLIKELY(view->frozen != NULL)) return STORE_HIDES_EXPIRED;
    return (enum store_expiry)store_setting(view->store, KV_SETTING_EXPIRE);
}

/* How keys expire for ticks: what is due goes, or of that what is local, or nothing. */
static inline enum store_expiry store_active_expiry(const struct store *store)
{
    if (store_setting(store, KV_SETTING_ACTIVE_EXPIRE) == 0) return STORE_EXPIRES_NEVER;
    return (enum store_expiry)store_setting(store, KV_SETTING_EXPIRE);
}

/* A new view that shows all databases, for transactions and private views. NULL without memory. */
KV_INTERNAL struct view *view_create(struct store *store);
KV_INTERNAL void view_destroy(struct view *view);

#endif
