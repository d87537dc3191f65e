/*
 * keyspace/transaction.h -- several keys at one instant: locks in order, journal in one group, undo
 * if asked for.
 *
 * A transaction is a view (keyspace/store.h) whose calls find their shards locked. The public
 * kv_begin() makes one on the heap; a `span` is one on the stack, for calls that concern several
 * keys (MSET, RENAME, LMOVE). A span inside a transaction adds nothing.
 */
#ifndef KV_KEYSPACE_TRANSACTION_H
#define KV_KEYSPACE_TRANSACTION_H

#include "keyspace/journal.h"
#include "keyspace/observers.h"

struct undo;

/* An event of an abortable transaction, to be published at its end. */
struct txn_event {
    const char *name;
    uint32_t database;
    kv_slice key; /* of the saved state */
};

/* An entry that only one call sees, in the place of the one in the table. */
struct shadow {
    struct shadow *next;
    struct shard *shard;
    struct entry *entry;
};

struct txn {
    struct store *store;
    unsigned flags;                         /* KV_TXN_... */
    uint64_t locked[STORE_SHARDS_MAX / 64]; /* a bit for each shard held */
    struct journal_group journal;
    struct garbage garbage; /* freed after the locks are let go */
    struct observed *ready; /* keys whose waiters may be served at the end */
    struct shadow *shadows; /* what its calls have seen, to be freed at the end */
    struct undo *undo;      /* NULL unless KV_TXN_ABORTABLE */
    struct txn_event *events;
    size_t event_count, event_capacity;
};

static inline bool txn_holds(const struct txn *txn, const struct shard *shard)
{
    return (txn->locked[shard->index / 64] >> (shard->index % 64) & 1) != 0;
}

static inline bool txn_holds_all(const struct txn *txn)
{
    return (txn->flags & KV_TXN_ALL) != 0;
}

/*
 * Notes which shards a transaction needs: those of the keys, or all with KV_TXN_ALL. Needs no
 * memory.
 */
KV_INTERNAL void txn_prepare(struct txn *txn, struct store *store, const kv_slice *keys,
                             size_t count, unsigned flags);

/* Takes their locks, in order. */
KV_INTERNAL void txn_lock(struct txn *txn);

/* Takes the first shard if it needs none: what it writes to the journal is delivered under a lock. */
KV_INTERNAL void txn_hold_some_shard(struct txn *txn);

/*
 * Copies an entry of the shard as it is, with its value; the copy keeps the void number of the
 * deadline. NULL without memory.
 */
KV_INTERNAL struct entry *txn_copy_entry(struct shard *shard, const struct entry *entry);

/* Frees shadows. Under the locks of their shards. */
KV_INTERNAL void txn_free_shadows(struct shadow *shadow, struct garbage *garbage);

/* Makes ready to undo. Before anything is changed. KV_OK or KV_NOMEM. */
KV_INTERNAL kv_status txn_make_abortable(struct txn *txn);

/* Delivers the journal, lets the locks go, serves waiters, frees what is left over. */
KV_INTERNAL void txn_commit(struct txn *txn);

/*
 * Keeps the state of a key before its first change, if the transaction is abortable. KV_OK or
 * KV_NOMEM.
 */
KV_INTERNAL kv_status txn_save(struct txn *txn, struct shard *shard, uint32_t database,
                               uint64_t hash, kv_slice key);

/*
 * Makes room for the events of so many keys that are about to be changed, if the transaction must
 * keep them: it is abortable, and events are wanted. KV_OK or KV_NOMEM.
 */
KV_INTERNAL kv_status txn_reserve_events(struct txn *txn, size_t keys);

/* Keeps an event of a key whose state is saved. */
KV_INTERNAL void txn_keep_event(struct txn *txn, uint32_t database, uint64_t hash, kv_slice key,
                                const char *name);

/* Puts all saved states back and ends. Cannot fail. */
KV_INTERNAL void txn_abort(struct txn *txn);

struct span {
    kv db; /* use this in the place of the caller's */
    struct view view;
    struct txn txn;
    bool is_nested; /* in the caller's transaction, which has the locks (or a call will say
                         KV_NOTLOCKED) */
    bool holds_time;
};

KV_INTERNAL void span_begin(struct span *span, kv *db, const kv_slice *keys, size_t count,
                            unsigned flags);

/* The same for keys whose hashes are known. */
KV_INTERNAL void span_begin_hashed(struct span *span, kv *db, const uint64_t *hashes, size_t count);

/*
 * Lets all calls on the span see the same instant, so that a key that was there for one of them does
 * not expire before the end.
 */
KV_INTERNAL void span_hold_time(struct span *span);

KV_INTERNAL void span_end(struct span *span);

/*
 * The same, but the waiters of keys that became ready are left to the caller. Not for a nested one.
 */
KV_INTERNAL struct observed *span_end_unserved(struct span *span);

/*
 * Reserves what a change of all these keys needs so that it is made of all or none: room in the
 * journal for one change of each key with so many arguments and so many bytes beside the key, and
 * the saved states of an abortable transaction. KV_OK, KV_NOMEM, KV_NOTLOCKED.
 */
KV_INTERNAL kv_status span_prepare_write(struct span *span, const kv_slice *keys, size_t count,
                                         size_t arguments, size_t bytes);

/* Room in the journal for so many changes, with so many arguments and bytes in all. */
KV_INTERNAL kv_status span_reserve_journal(struct span *span, size_t changes, size_t arguments,
                                           size_t bytes);

/*
 * Saves every key of some databases in an abortable transaction, and removes all that was saved
 * from them, one by one: so that the tables keep their room for an abort.
 */
KV_INTERNAL kv_status span_save_all(struct span *span, uint32_t first, uint32_t last);
KV_INTERNAL void span_remove_saved(struct span *span, uint32_t first, uint32_t last);

#endif
