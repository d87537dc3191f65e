/*
 * keyspace/access.h -- one call on one key: find its shard, lock it, find the entry, change it,
 * tell whom it concerns, unlock.
 *
 *     struct access access;
 *     kv_status status = access_open(&access, db, key, ACCESS_WRITE);
 *     if (status != KV_OK) return status;                  // nothing is locked
 *     ... access.entry is the live entry or NULL ...
 *     return access_close(&access, status);
 *
 * Inside a transaction the shard is locked already and stays so.
 */
#ifndef KV_KEYSPACE_ACCESS_H
#define KV_KEYSPACE_ACCESS_H

#include "keyspace/events.h"
#include "keyspace/shard.h"
#include "keyspace/transaction.h"
#include "keyspace/value.h"

enum access_mode {
    ACCESS_READ,        /* counts a hit or miss, renews the access clock */
    ACCESS_LOOK,        /* counts a hit or miss only */
    ACCESS_PEEK,        /* leaves no trace */
    ACCESS_WRITE,       /* may change the key; refused while the store accepts no writes */
    ACCESS_WRITE_TIMED, /* the same, and wants to know the time: read while the bucket is fetched */
    ACCESS_REPLACE      /* a write that removes the value, so that it needs no look into it: no more
                           goes to the journal before than that the key has expired */
};

struct access {
    struct store *store;
    struct view *view;
    struct txn *txn;
    struct shard *shard;
    struct space *space; /* NULL if the database has no key in this shard */
    struct entry *entry; /* NULL: no such key */
    struct table_place place;
    uint64_t hash;
    kv_slice key;
    int64_t known_now_ms; /* -1: the clock was not read yet */
    uint32_t database;
    bool is_versioned;    /* an entry that is written is to carry a version, whether it did or
                                  not */
    bool tells_new_later; /* the caller tells of the event that the key is new */
    bool keeps_deadline;  /* what is written keeps the deadline that the entry has */
    struct garbage garbage;
    struct observed *ready; /* keys whose waiters may be served at the end */
    struct shadow *shadow;  /* what the entry is if it is not the one in the table */
};

/* The inner form, for a hash that is known already. */
KV_INTERNAL kv_status access_open_hashed(struct access *access, kv *db, kv_slice key, uint64_t hash,
                                         enum access_mode mode);

static inline kv_status access_open(struct access *access, kv *db, kv_slice key,
                                    enum access_mode mode)
{
    return access_open_hashed(access, db, key, store_hash(db->view->store, key), mode);
}

/* Ends the call: unlocks, serves waiters, frees garbage. Returns `status`. */
KV_INTERNAL kv_status access_close(struct access *access, kv_status status);

/* The present, read once a call at most. */
KV_INTERNAL int64_t access_now(struct access *access);

/*
 * The deadline of the key, for a call that writes another value which keeps it; KV_NEVER for a new
 * key.
 */
KV_INTERNAL int64_t access_kept_deadline(struct access *access);

/* True if something that gets this deadline is to go at once (KV_SETTING_EXPIRE). */
KV_INTERNAL bool access_is_past(struct access *access, int64_t deadline_ms);

/* Tells an event of a wanted class. */
KV_INTERNAL void access_publish_event(struct access *access, int64_t class, const char *name);

/*
 * Tells what happened to the key, in Redis's word for it, to whoever wants events of this class
 * (KV_EVENT_...). The name must be a constant. After access_open() for writing it cannot fail.
 */
static inline void access_event(struct access *access, int64_t class, const char *name)
{
    if (events_are_wanted(access->store, class)) access_publish_event(access, class, name);
}

/* Counts a hit or a miss: for a call that writes the key and reads it, too. */
static inline void access_count(struct access *access)
{
    if (access->entry != NULL) {
        access->shard->hits++;
    } else {
        access->shard->misses++;
        access_event(access, KV_EVENT_MISS, "keymiss");
    }
}

/* KV_WRONGTYPE if the key holds another type; KV_OK if it holds this one or nothing. */
static inline kv_status access_expect(const struct access *access, kv_type type)
{
    return access->entry == NULL || entry_type(access->entry) == type ? KV_OK : KV_WRONGTYPE;
}

/* True if what is changed must be written to the journal. */
static inline bool access_is_journaled(const struct access *access)
{
    return journal_is_read(access->store);
}

static inline bool access_fits_inline(const struct access *access, size_t size)
{
    return entry_fits_inline(access->key.size, size);
}

/*
 * Makes sure that a following access_journal() cannot fail; to be called before anything is
 * changed.
 */
KV_INTERNAL kv_status access_reserve_journal(struct access *access, size_t arguments, size_t bytes);

/* Writes one effect of a call. */
KV_INTERNAL void access_journal(struct access *access, const kv_slice *arguments, size_t count);

/* How a text is kept, which OBJECT ENCODING tells. */
enum access_encoding {
    ACCESS_ENCODED, /* as an integer if it is the text of one */
    ACCESS_PLAIN,   /* as text in any case: what INCRBYFLOAT leaves */
    ACCESS_RAW      /* as text that was changed in place: what APPEND and SETRANGE leave */
};

/*
 * Stores a string under the key, whatever it held; the deadline is as given (KV_NEVER: none). Does
 * not write the journal. KV_OK or KV_NOMEM, with nothing changed.
 */
KV_INTERNAL kv_status access_put_text(struct access *access, kv_slice text, int64_t deadline_ms,
                                      enum access_encoding encoding);
KV_INTERNAL kv_status access_put_integer(struct access *access, int64_t integer,
                                         int64_t deadline_ms);

/* Stores a value of another form, whose payload the entry owns afterwards. As access_put_text(). */
KV_INTERNAL kv_status access_put_value(struct access *access, kv_type type, enum entry_form form,
                                       uint64_t payload, int64_t deadline_ms);

/*
 * Stores what `shape` says of type, form, text or payload, ENTRY_RAW and deadline; the rest of it
 * is filled in here. The text may not lie in the entry that is replaced.
 */
KV_INTERNAL kv_status access_put_shape(struct access *access, struct entry_shape *shape);

/*
 * A string that is to replace whatever its key holds, together with those of other keys: all of
 * them or none. access_stage() does all that can fail; under the locks of the caller's span nobody
 * sees it. When every key is staged, access_keep() of each in the same order makes it good; or
 * access_take_back() of each in the opposite order leaves everything as it was. The same key may be
 * staged twice.
 */
struct staged {
    struct access access; /* opened for writing; its `entry` is the new one */
    struct entry *old;    /* NULL: there was none; the entry itself: it waits to be overwritten in
                             place */
};

KV_INTERNAL kv_status access_stage(struct staged *staged, kv_slice text);
KV_INTERNAL void access_keep(struct staged *staged, kv_slice text);
KV_INTERNAL void access_take_back(struct staged *staged);

/* Finds the entry again after another key's change, which may have moved it in the table. */
KV_INTERNAL void access_find_again(struct access *access);

/*
 * Gives the entry, which must be there, the payload that its value has now. Part of a change in
 * place: see access_changed().
 */
KV_INTERNAL void access_set_payload(struct access *access, uint64_t payload);

/* Removes the key, which must be there. Never fails. Does not write the journal. */
KV_INTERNAL void access_remove(struct access *access);

/* The same, but the value outside the entry has been taken over by the caller (value_take). */
KV_INTERNAL void access_forget(struct access *access);

/*
 * Changes the deadline of the key, which must be there; KV_NEVER takes it away. KV_OK or KV_NOMEM.
 */
KV_INTERNAL kv_status access_set_deadline(struct access *access, int64_t deadline_ms);

/*
 * Gives the key, which must be there, the earliest deadline of anything in its value, 0 if there is
 * none any more. KV_OK or KV_NOMEM. A deadline that is earlier than that in truth does no harm; so
 * whoever is to give something a deadline calls this first, and access_renew_due() at the end. That
 * one finds the earliest itself; after a change that only took deadlines away it may be without
 * memory and leave one that is too early.
 */
KV_INTERNAL kv_status access_expect_fields_due(struct access *access, int64_t fields_ms);
KV_INTERNAL void access_renew_due(struct access *access);

/*
 * To be called once after each change of a value in place: counts it, renews the access clock,
 * gives the key a new version, tells who watches. The access_put and access_remove functions do it
 * themselves.
 */
KV_INTERNAL void access_changed(struct access *access);

/*
 * Lets those who wait for the key look at it when the call is over. A new value is announced by
 * itself; this is for a change in place that may be what somebody waits for.
 */
KV_INTERNAL void access_ready(struct access *access);

/* The version of the key, given to it now if it has none. KV_OK or KV_NOMEM. */
KV_INTERNAL kv_status access_version(struct access *access, uint64_t *version);

#endif
