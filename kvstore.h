/*
 * kvstore.h -- the Redis data model as a library, in the process that uses it.
 *
 *     #include "kvstore.h"
 *     kv *db;
 *     if (kv_open(NULL, &db) != KV_OK) return 1;
 *     kv_set(db, KV_TEXT("greeting"), KV_TEXT("hello"), NULL);
 *     kv_close(db);
 *
 *     cc -O2 app.c kvstore.c -lpthread
 *
 * Conventions
 *   Time      Durations and instants are int64_t milliseconds, instants counted from 1970 (UTC);
 *             names end in _ms. Where microseconds are meant the name ends in _us.
 *   Text      A kv_slice is bytes with a size. It may contain zeros and needs no terminator. Keys,
 *             values, elements and patterns are all slices; a size of 0 is legal for each of them.
 *   Memory    What a call is given is copied; the caller may reuse it on return. No pointer into
 *             the store is handed out, but for slices lent to a visitor callback, which end when
 *             the callback returns.
 *   Visitors  A visitor runs under the locks of the keys it is shown and must be short: it may copy
 *             or send, and must not call the same store.
 *   Threads   Any function may be called from any thread at any time, except kv_close(), and except
 *             on a view of one thread (a transaction, or what kv_view_open() gave).
 *   Status    0 is done, above 0 a normal outcome, below 0 an error. Out-parameters are written on
 *             KV_OK only (or where the text says so); they may be NULL if the result is not wanted.
 *             After an error the store is unchanged. Any call may return KV_BADARG for NULL where
 *             an object is needed.
 *   Expiry    A key whose deadline has passed is not there, whether its memory was reclaimed yet or
 *             not.
 *   Index     Positions in lists and strings count from 0; negative ones from the end, -1 being the
 *             last.
 *   Options   An options struct starts with its size, so that it may grow:
 *             KV_OPTIONS(kv_set_options) gives one with every field at its default, which is zero.
 *             NULL means all defaults. A size that is larger than the library knows, as of a
 *             program built for a newer one, is KV_BADARG: what it asks for cannot be done.
 */
#ifndef KVSTORE_H
#define KVSTORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef KV_API
#if defined(__GNUC__) && !defined(KV_STATIC)
#define KV_API __attribute__((visibility("default")))
#else
#define KV_API
#endif
#endif

#define KV_VERSION_MAJOR 0
#define KV_VERSION_MINOR 1
#define KV_VERSION_PATCH 0
#define KV_VERSION_TEXT  "0.1.0"

/* ---------------------------------------------------------------------------------------- types */

typedef struct kv kv; /* a view of a store: one database of it, perhaps a transaction or the past */

typedef struct kv_slice {
    const void *data;
    size_t size;
} kv_slice;

/*
 * A caller's reusable memory for results. Starts as {0}; calls grow it when needed and set `size`;
 * it keeps its capacity from call to call and is released with kv_buffer_free(). Its memory comes
 * from malloc(), not from the store's allocator, as it outlives the store.
 */
typedef struct kv_buffer {
    void *data;
    size_t size;
    size_t capacity;
} kv_buffer;

typedef enum kv_status {
    KV_OK = 0,
    KV_NONE = 1,      /* no such key, element or position; an expired key is not there */
    KV_SKIPPED = 2,   /* the condition asked for did not hold */
    KV_CONFLICT = 3,  /* a watched key has changed */
    KV_TIMEOUT = 4,   /* the time given passed, or the wait was cancelled */
    KV_PENDING = 5,   /* a wait has begun; its callback will be called */
    KV_MORE = 6,      /* the budget was used up with work left */
    KV_GAP = 7,       /* changes are missing between here and the position that was given */
    KV_BUSY = 8,      /* another operation of this kind is under way */
    KV_CANCELLED = 9, /* it was ended before it was complete */

    KV_WRONGTYPE = -1,  /* the key holds a value of another type */
    KV_BADARG = -2,     /* an argument is outside its documented range */
    KV_NOMEM = -3,      /* memory is exhausted */
    KV_NOTINT = -4,     /* the value is not an integer, or out of int64_t's range */
    KV_NOTFLOAT = -5,   /* the value is not a number */
    KV_OVERFLOW = -6,   /* the result would leave the range of its type */
    KV_TOOBIG = -7,     /* a string would grow beyond KV_SETTING_MAX_VALUE_SIZE, or an element is
                           too large */
    KV_NOTLOCKED = -8,  /* the transaction did not declare this key */
    KV_READONLY = -9,   /* writes are refused at present (KV_SETTING_ACCEPT_WRITES), or by a
                           frozen view */
    KV_NOTFOUND = -10,  /* an operation that needs an existing key found none (rename, set by
                           index) */
    KV_NOTFINITE = -11, /* the result would be infinite or not a number */
    KV_NOTHLL = -12,    /* the key holds a string that is no HyperLogLog */
    KV_CORRUPT = -13,   /* the bytes of the value contradict themselves */
    KV_NOGROUP = -14,   /* the stream has no such consumer group */
    KV_BADSUM = -15,    /* the checksum of the bytes is wrong, or their version is not known */
    KV_IOERROR = -16,   /* a file could not be read or written; errno tells why */
    KV_LOST = -17       /* what a frozen view shows could not be kept (kv_freeze) */
} kv_status;

typedef enum kv_type {
    KV_TYPE_NONE = 0,
    KV_TYPE_STRING = 1,
    KV_TYPE_LIST = 2,
    KV_TYPE_SET = 3,
    KV_TYPE_SORTED_SET = 4,
    KV_TYPE_HASH = 5,
    KV_TYPE_STREAM = 6
} kv_type;
#define KV_TYPES 7 /* for arrays by type */

/* What an entry of a stream is called: its time, and a number among those of the same time. */
typedef struct kv_stream_id {
    uint64_t ms;
    uint64_t sequence;
} kv_stream_id;

#define KV_NEVER INT64_MAX /* a deadline that does not come */

/* A slice of a string literal or other terminated text; of anything else use KV_BYTES. */
#ifdef __cplusplus
} /* extern "C" */
#include <cstring>
inline kv_slice kv_text(const char *text)
{
    kv_slice slice = {text, std::strlen(text)};
    return slice;
}
inline kv_slice kv_bytes(const void *data, size_t size)
{
    kv_slice slice = {data, size};
    return slice;
}
template <typename type> inline type kv_defaults()
{
    type options = {};
    options.size = sizeof options;
    return options;
}
#define KV_OPTIONS(type) kv_defaults<type>()
extern "C" {
#else
#include <string.h>
static inline kv_slice kv_text(const char *text)
{
    kv_slice slice = {text, strlen(text)};
    return slice;
}
static inline kv_slice kv_bytes(const void *data, size_t size)
{
    kv_slice slice = {data, size};
    return slice;
}
#define KV_OPTIONS(type) ((type){.size = sizeof(type)})
#endif
#define KV_TEXT(text)        kv_text(text)
#define KV_BYTES(data, size) kv_bytes(data, size)

/*
 * A visitor of one value, element or key. `context` is the caller's. Returning false ends the visit
 * early, unless the function says otherwise.
 */
typedef bool kv_visit(void *context, kv_slice item);

/* A visitor that is also told the position; `item` is NULL where there is nothing (kv_mget). */
typedef bool kv_visit_at(void *context, size_t index, const kv_slice *item);

/* ------------------------------------------------------------------------------- open and close */

/*
 * Where memory comes from. `alignment` is a power of two of at most 65536; blocks that asked for no
 * more than 16 may be passed to resize, which may be NULL. release is told the size it was given.
 * All may be called by any thread that calls the store. NULL from allocate or resize becomes
 * KV_NOMEM.
 */
typedef struct kv_allocator {
    void *(*allocate)(void *context, size_t size, size_t alignment);
    void *(*resize)(void *context, void *block, size_t old_size, size_t new_size);
    void (*release)(void *context, void *block, size_t size);
    void *context;
} kv_allocator;

/*
 * What time it is: the wall in milliseconds since 1970, and a clock that never goes back, in
 * microseconds.
 */
typedef struct kv_clock {
    int64_t (*wall_ms)(void *context);
    int64_t (*monotonic_us)(void *context);
    void *context;
} kv_clock;

typedef struct kv_options {
    size_t size;        /* sizeof(kv_options) */
    uint32_t shards;    /* a power of two up to 1024; 0 means 64. 1 suits small devices */
    uint32_t databases; /* 1 to 65536; 0 means 16 */
    /*
     * Copied; NULL means malloc. With that, a store of more than 8 MiB takes memory for small
     * blocks by 2 MiB, for which it asks Linux for huge pages (madvise), as random reads of large
     * stores are faster by a tenth to a fourth with them.
     */
    const kv_allocator *allocator;
    const kv_clock *clock;         /* copied; NULL means the system's */
    const uint8_t *seed; /* 16 bytes: the hash key and random state, for reproducible runs;
                                NULL: random */
    bool background; /* start one thread that calls kv_tick() every 10 ms, and takes no signals */
} kv_options;

/*
 * Opens an empty store and gives the view of its database 0.
 *
 * Memory    Well under 64 KiB until keys come, with the default numbers; about 600 bytes a shard,
 *           8 for each database in each shard, and 16 a database. Everything goes back in
 *           kv_close().
 * Returns   KV_OK; KV_BADARG for an option outside its range; KV_NOMEM, also if the thread cannot
 *           start.
 * Cost      Microseconds.
 */
KV_API kv_status kv_open(const kv_options *options, kv **db);

/*
 * Closes the store that `db` is any plain view of, and frees all it holds. NULL is ignored.
 *
 * Threads   No other call may be running or come later; transactions, views, watches, waits,
 *           followers and subscribers of the store must have ended.
 * Cost      O(keys).
 */
KV_API void kv_close(kv *db);

/*
 * The view of database `index` that is of the same kind as `db`: plain, of one thread, or in the
 * transaction. It needs no closing. NULL if there is no such database.
 */
KV_API kv *kv_select(kv *db, uint32_t index);

/* The index of the database that `db` views, and how many there are. */
KV_API uint32_t kv_database(const kv *db);
KV_API uint32_t kv_databases(const kv *db);

/*
 * Does owed work: reclaims keys whose deadline has passed, in the order of their deadlines, and
 * memory that was left to be freed later. The store works without it: expired keys are never seen
 * and each write reclaims a few; ticks only return memory sooner and tell the journal of expiry in
 * time.
 *
 * budget_us About how long it may take, in microseconds; 0 means until all is done.
 * Returns   KV_OK when nothing is due; KV_MORE if the budget ended first.
 * Cost      O(keys due).
 */
KV_API kv_status kv_tick(kv *db, int64_t budget_us);

/*
 * The instant at which to call kv_tick() next: never after the earliest deadline of any database; 0
 * if work is owed now; KV_NEVER if there is none. It may be well before: distant deadlines are kept
 * by the span of time they lie in (64 ms, 4 s, 4 min... long), and one that was put off where it
 * was. kv_tick() then files such keys anew, and the next answer is closer. Cost O(shards).
 */
KV_API int64_t kv_next_deadline(kv *db);

/* The present of this store's clock, or the instant held by a view of one thread. */
KV_API int64_t kv_now(kv *db);

/* The English name of a status; a constant, never NULL. */
KV_API const char *kv_strerror(kv_status status);

/* The version of the library linked, KV_VERSION_TEXT of its time. */
KV_API const char *kv_version(void);

/* Releases the memory of a buffer and makes it {0}. */
KV_API void kv_buffer_free(kv_buffer *buffer);

/* ---------------------------------------------------------------------------- settings, numbers */

typedef enum kv_setting {
    KV_SETTING_ACTIVE_EXPIRE = 0,  /* 1: ticks and writes reclaim due keys; 0: only access does.
                                      Default 1 */
    KV_SETTING_ACCEPT_WRITES = 1,  /* 0: calls that write return KV_READONLY, but for those of
                                      transactions that have begun. Default 1 */
    KV_SETTING_MAX_VALUE_SIZE = 2, /* bytes of one string; default 512 MiB */
    KV_SETTING_LIST_PACK_SIZE = 3, /* as Redis's list-max-listpack-size: -1 to -5 for 4 to 64 KiB in
                                      one piece,
                                      above 0 a count of elements; default -2 */
    KV_SETTING_EXPIRE = 4,         /* 0: no key expires, and a deadline in the past is kept like any
                                      other, as is right while a journal is replayed that says
                                      itself what expired. 2: whoever looks finds no key whose
                                      deadline has passed, but it stays until a call that writes to
                                      it, and a deadline in the past is kept: for a copy of another
                                      store, which decides alone when its keys go; see
                                      kv_view_expires(). What was set on the copy is the copy's: a
                                      key goes as with 1 if its deadline, and each of its fields' or
                                      members', was set by a view on which keys expire, while this
                                      was 2. Default 1 */
    KV_SETTING_EVENTS = 5,         /* which events of keys are published, and how: KV_EVENT_...,
                                      added up. Default 0: none */
    /*
     * Up to where a collection is kept in one piece, which is small and slow beyond some hundred
     * elements: how many it has, and the bytes of the largest. 0 or more.
     */
    KV_SETTING_HASH_PACK_COUNT = 6,        /* fields; default 512 */
    KV_SETTING_HASH_PACK_VALUE = 7,        /* bytes of a field or value; default 64 */
    KV_SETTING_SET_PACK_COUNT = 8,         /* default 128 */
    KV_SETTING_SET_PACK_VALUE = 9,         /* default 64 */
    KV_SETTING_SORTED_SET_PACK_COUNT = 10, /* default 128 */
    KV_SETTING_SORTED_SET_PACK_VALUE = 11, /* default 64 */
    KV_SETTING_SET_INTEGER_COUNT = 12,     /* the same for a set of nothing but integers; 512 */
    KV_SETTING_STREAM_NODE_SIZE = 13,      /* bytes of each piece of a stream; 0: any; 4096 */
    KV_SETTING_STREAM_NODE_COUNT = 14,     /* entries of it; 0: any; default 100 */
    KV_SETTING_HLL_SPARSE_SIZE = 15, /* bytes up to which a HyperLogLog is sparse; default 3000 */
    KV_SETTING_SNAPSHOT_MEMORY = 16, /* bytes of records that may wait for a snapshot's writer, and
                                        one value more; of copies for a frozen view that says no
                                        other; default 8 MiB */
    KV_SETTING_COUNT
} kv_setting;

/*
 * Changes or reads a setting of the whole store at run time. Returns KV_OK or KV_BADARG. Cost O(1);
 * to leave 2 for KV_SETTING_EXPIRE it takes the shards' locks one by one, and visits the keys that
 * were the copy's own: not while this thread has a transaction on another view.
 */
KV_API kv_status kv_configure(kv *db, kv_setting setting, int64_t value);
KV_API kv_status kv_configuration(kv *db, kv_setting setting, int64_t *value);

typedef struct kv_statistics {
    size_t size;   /* sizeof(kv_statistics), set by the caller */
    uint64_t keys; /* in all databases, those expired and not reclaimed yet included */
    uint64_t keys_with_ttl;
    uint64_t bytes; /* held from the allocator */
    uint64_t bytes_peak;
    uint64_t bytes_tables; /* of that: tables and directories */
    uint64_t hits, misses; /* of keys looked up for reading */
    uint64_t expired;      /* keys reclaimed because their deadline passed */
    uint64_t evicted;
    uint64_t changes; /* since kv_open(), as Redis counts "dirty": each element, expiry not */
    uint64_t waiters; /* blocked calls and callbacks */
    uint64_t watched; /* keys under kv_watch_add() */
    uint32_t shards;
    uint32_t databases;
    uint64_t waited_keys; /* distinct keys that waiters stand in line for */
    /*
     * What kv_tick() has still to free, and has freed: keys that were flushed with `later`, in each
     * shard all at once, and large values of keys that were unlinked.
     */
    uint64_t owed, freed_later;
    uint64_t expired_fields; /* fields and members reclaimed because their deadline passed */
    int64_t overdue_ms; /* how long the earliest deadline has passed that kv_tick() and writes have
                           not attended to; 0: none has */
    /*
     * Of the snapshot under way, all 0 if there is none: keys written and to be written in all, and
     * bytes of records that wait for the host's writer.
     */
    uint64_t snapshot_keys, snapshot_keys_total, snapshot_held;
} kv_statistics;

/*
 * Sums up the store, all shards one after another. Cost O(shards x databases). KV_OK or KV_BADARG.
 */
KV_API kv_status kv_stats(kv *db, kv_statistics *statistics);
KV_API void kv_stats_reset(
    kv *db); /* hits, misses, expired, expired_fields, evicted, freed_later, peak */

typedef struct kv_database_info {
    size_t size;
    uint64_t keys;
    uint64_t keys_with_ttl;
    int64_t average_ttl_ms; /* of a sample; 0 if none has one */
} kv_database_info;

/*
 * Sums up the database that `db` views; in a transaction only what lies in the shards it holds.
 * KV_OK or KV_BADARG. Cost O(shards).
 */
KV_API kv_status kv_database_stats(kv *db, kv_database_info *info);

typedef struct kv_type_usage {
    uint64_t keys;
    uint64_t bytes; /* as in kv_object_info: entries, keys, values, their share of tables */
} kv_type_usage;

typedef struct kv_usage {
    size_t size;
    uint64_t keys;    /* in all databases, those expired and not reclaimed yet included */
    uint64_t sampled; /* keys that were looked at; if it is `keys`, nothing below is an estimate */
    uint64_t due;     /* expired and not reclaimed yet */
    kv_type_usage types[KV_TYPES]; /* by kv_type */
} kv_usage;

/*
 * Tells how many keys and bytes each type has, in all databases; in a transaction, in the shards it
 * holds. No counter is kept for it, so that writes pay nothing: about `samples` keys are looked at,
 * those of one stretch of hashes in each shard, at another place each time, and what they have is
 * multiplied. With samples at least the number of keys all are looked at.
 *
 * Error     Of a type with a share p of the keys, about sqrt((1 - p) / (p x samples)) relative to
 *           it: with 10,000 samples 1% for one of half of the keys, 10% for one of 1% of them; of
 *           bytes, more the more the sizes differ. A few huge values among many small ones are
 *           mostly missed, and much too large in the sample that has one.
 * Returns   KV_OK; KV_BADARG, also if samples is 0.
 * Cost      O(samples + shards x databases), a cache miss or two for each key: 2 ms for 10,000 of
 *           many. A shard's lock is held for some 32 keys at a time.
 */
KV_API kv_status kv_usage_by_type(kv *db, uint64_t samples, kv_usage *usage);

/*
 * Walks every structure of the store and asserts what it promises. Only builds with KV_DEBUG above
 * 0 assert; others return at once. For tests. Cost O(everything), all shards held.
 */
KV_API void kv_check(kv *db);

/*
 * Redis's patterns and numbers, for hosts that speak its language.
 *
 * kv_match          True if all of `text` matches the glob `pattern`; ignore_case is about ASCII
 *                   letters.
 * kv_parse_double   Decimal, hexadecimal or "inf", in any locale. KV_OK; KV_NOTFLOAT for anything
 *                   else, nan included.
 * kv_format_double  The shortest text that reads back the same, in `text`; returns its size. No
 *                   terminator.
 */
KV_API bool kv_match(kv_slice pattern, kv_slice text, bool ignore_case);
KV_API kv_status kv_parse_double(kv_slice text, double *value);
KV_API size_t kv_format_double(char text[32], double value);

/* ---------------------------------------------------------------------------------- attachments */

/*
 * What a part of the program keeps with a store, under a name: so that it finds its own things from
 * any view without a table of all stores, and so that of several who want to be the only one the
 * first is it. Names are for all parts together: begin them with that of the part, as the modules
 * here do with "kvnet".
 *
 * kv_attach     puts `data` under `name`, if nothing is there.
 * kv_attached   gives what is there.
 * kv_detach     takes it out, and gives what it was.
 *
 * data      is the caller's and only remembered; may be NULL, where the name is all that counts.
 * Memory    The name is copied, about 24 bytes more are taken; kv_close() frees what is left. The
 *           keys are not touched, and no file or replica has any of it.
 * Returns   KV_OK; kv_attach() KV_BUSY if the name is taken, or KV_NOMEM; the others KV_NONE if it is
 *           not.
 * Threads   Any, on any view; also while locks are held. Who detaches must know that nobody uses the
 *           data any more.
 * Cost      O(attachments).
 */
KV_API kv_status kv_attach(kv *db, kv_slice name, void *data);
KV_API kv_status kv_attached(kv *db, kv_slice name, void **data);
KV_API kv_status kv_detach(kv *db, kv_slice name, void **data);

/* -------------------------------------------------------------------------------- private views */

/*
 * Opens a view for one thread that holds its clock: all calls on it (and on what kv_select() gives
 * from it) see the instant of the last kv_view_refresh(), so that a loop reads the clock once a
 * turn, not once a call.
 *
 * Threads   The view and its selections belong to one thread at a time.
 * Memory    16 bytes a database. Closed by kv_view_close(), before the store.
 * Returns   KV_OK; KV_BADARG in a transaction; KV_NOMEM. kv_view_refresh() and kv_view_close() do
 *           nothing with NULL, a plain view or a transaction.
 * Cost      O(databases) to open; O(1) to refresh, a look at the clock, and to close.
 */
KV_API kv_status kv_view_open(kv *db, kv **view);
KV_API void kv_view_refresh(kv *view);
KV_API void kv_view_close(kv *view);

/*
 * On a private view or a transaction only: with false, reads leave the keys' access clock (OBJECT
 * IDLETIME) alone. A transaction begins as the view it was begun on. Cost O(1).
 */
KV_API void kv_view_touches(kv *view, bool touches);

/*
 * On a private view or a transaction only: with false, no key expires for its calls, as with
 * KV_SETTING_EXPIRE 0. For whoever applies the journal of another store to this one while others
 * read it: deadlines it sets are those of the other store. A transaction begins as the view it was begun on. Cost O(1).
 */
KV_API void kv_view_expires(kv *view, bool expires);

/*
 * Brings what a later call on each of the keys will need into the processor's cache, the misses of
 * all keys overlapping. A hint: no result, no locks, no effect. Worth it for 4 to 64 keys at a
 * time, shortly before use.
 */
KV_API void kv_prefetch(kv *db, const kv_slice *keys, size_t count);

/*
 * The same for calls on one field or member each, members[i] of what is at keys[i]: hashes, sets
 * and sorted sets. With a member whose data is NULL the key alone is fetched; with an empty one
 * what any call on the key begins with. Calls on one collection should lie side by side.
 */
KV_API void kv_prefetch_members(kv *db, const kv_slice *keys, const kv_slice *members,
                                size_t count);

/* ----------------------------------------------------------------------------------------- keys */

/*
 * Removes keys. `removed` receives how many there were. kv_unlink() frees large values later, in
 * kv_tick() or spread over other calls; kv_del() before it returns. All keys go at one instant.
 * Returns KV_OK, KV_NOMEM (more than 16 keys need a little), KV_READONLY. Cost O(count + sizes
 * freed).
 */
KV_API kv_status kv_del(kv *db, const kv_slice *keys, size_t count, uint64_t *removed);
KV_API kv_status kv_unlink(kv *db, const kv_slice *keys, size_t count, uint64_t *removed);

/*
 * Counts how many of the keys exist, all at one instant; one given twice counts twice. kv_touch()
 * also renews the access clock. KV_OK. Cost O(count).
 */
KV_API kv_status kv_exists(kv *db, const kv_slice *keys, size_t count, uint64_t *found);
KV_API kv_status kv_touch(kv *db, const kv_slice *keys, size_t count, uint64_t *found);

/* The type of the value at `key`. KV_OK or KV_NONE (then *type is KV_TYPE_NONE). Cost O(1). */
KV_API kv_status kv_type_of(kv *db, kv_slice key, kv_type *type);

/* The name Redis gives to a type: "string", "list", "set", "zset", "hash", "stream", "none". */
KV_API const char *kv_type_name(kv_type type);

/*
 * Gives the value at `key` another key, with its deadline; what the new key held is gone.
 * kv_renamenx() only if the new key does not exist.
 * Returns   KV_OK; KV_NOTFOUND if there is no `key`; KV_SKIPPED (renamenx); KV_NOMEM; KV_READONLY.
 * Cost      O(1) for large collections, O(size) for packs and strings whose keys lie in different
 *           shards.
 */
KV_API kv_status kv_rename(kv *db, kv_slice key, kv_slice new_key);
KV_API kv_status kv_renamenx(kv *db, kv_slice key, kv_slice new_key);

/*
 * Copies the value at `key`, with its deadline, to `new_key` in the database viewed by
 * `destination` (a view of the same kind from kv_select(); NULL means the same database).
 * Returns   KV_OK; KV_NONE if there is no key; KV_SKIPPED if the new key exists and `replace` is
 *           false; KV_BADARG if both are the same key; KV_NOMEM; KV_READONLY.
 * Cost      O(size of the value).
 */
KV_API kv_status kv_copy(kv *db, kv_slice key, kv *destination, kv_slice new_key, bool replace);

/*
 * Moves a key to another database. KV_OK; KV_NONE if there is no key; KV_SKIPPED if it exists
 * there; KV_BADARG if both are one database. Cost O(1).
 */
KV_API kv_status kv_move(kv *db, kv_slice key, kv *destination);

/*
 * Exchanges the contents of two databases. All shards are held for a moment. A transaction that can
 * be aborted cannot undo it, and gets KV_BADARG. Cost O(shards).
 */
KV_API kv_status kv_swapdb(kv *db, kv *other);

/*
 * Copies a key chosen at random, each equally likely, to `key`. KV_OK, KV_NONE if there is none.
 * Cost O(1).
 */
KV_API kv_status kv_randomkey(kv *db, kv_buffer *key);

/* The number of keys in the database, expired ones not reclaimed yet included. Cost O(shards). */
KV_API kv_status kv_count(kv *db, uint64_t *count);

typedef struct kv_scan_options {
    size_t size;
    const kv_slice *match; /* a glob pattern in Redis's syntax; NULL means every key */
    kv_type type;          /* KV_TYPE_NONE means every type */
} kv_scan_options;

/*
 * Visits about `limit` keys and advances *cursor. Start at 0; the scan is over when it is 0 again.
 * Cursors stay below 2^48.
 *
 * visit     Returning false ends the call early, but not at once: the few keys that lie in one
 *           place with this one are visited all the same, as the cursor moves on behind them.
 *           Whoever cannot take them can give the cursor of before the call again.
 * Promise   A key present from start to end is visited once or more, also when visits end early;
 *           one that comes or goes may be missed.
 * Returns   KV_OK; KV_BADARG if limit is 0.
 * Cost      O(limit) a call whatever matches, O(number of keys) a scan.
 */
KV_API kv_status kv_scan(kv *db, uint64_t *cursor, size_t limit, const kv_scan_options *options,
                         kv_visit *visit, void *context);

/*
 * Visits all keys that match the glob pattern, at one instant with all shards held (in a
 * transaction or a store of one shard) or shard by shard (else). Cost O(number of keys); prefer
 * kv_scan().
 */
KV_API kv_status kv_keys(kv *db, kv_slice pattern, kv_visit *visit, void *context);

/*
 * Removes the keys that match a glob pattern, a slice of the database a call: start *cursor at 0,
 * over when 0 again. `removed` receives this call's count. Returns KV_OK, KV_BADARG, KV_NOMEM,
 * KV_READONLY. Cost O(limit).
 */
KV_API kv_status kv_delete_matching(kv *db, kv_slice pattern, uint64_t *cursor, size_t limit,
                                    uint64_t *removed);

/*
 * Empties the database, or all of them. The keys are gone at one instant. With `later` their memory
 * is freed by kv_tick(), in slices, as it always is in a transaction; otherwise before the call
 * returns, after the locks are released.
 *
 * Returns   KV_OK; KV_NOMEM; KV_READONLY; KV_NOTLOCKED in a transaction without KV_TXN_ALL.
 * Cost      O(shards x databases emptied) under the locks of all shards, then O(keys) unless
 *           `later`. In a transaction that can be aborted O(keys) under the locks.
 */
KV_API kv_status kv_flush(kv *db, bool later);
KV_API kv_status kv_flush_all(kv *db, bool later);

/* Conditions for kv_expire(). A key without a deadline counts as one that never comes. */
#define KV_EXPIRE_NX 1u /* only if it has no deadline; excludes the others */
#define KV_EXPIRE_XX 2u /* only if it has one */
#define KV_EXPIRE_GT 4u /* only if the new one is later; excludes LT */
#define KV_EXPIRE_LT 8u /* only if the new one is earlier */

/*
 * Sets the deadline of a key: in `ttl_ms` from now, or at `deadline_ms`. One in the past removes
 * the key.
 * Returns   KV_OK; KV_NONE if there is no key; KV_SKIPPED if the condition fails; KV_BADARG for
 *           flags that exclude each other; KV_OVERFLOW if now + ttl_ms leaves int64_t; KV_NOMEM,
 *           also where one shard of one database has 2^26 keys with a deadline already, here and
 *           in whatever else sets one; KV_READONLY.
 * Cost      O(1), amortised.
 */
KV_API kv_status kv_expire(kv *db, kv_slice key, int64_t ttl_ms, unsigned flags);
KV_API kv_status kv_expire_at(kv *db, kv_slice key, int64_t deadline_ms, unsigned flags);

/*
 * The time a key has left, or its deadline; KV_NEVER if it has none. KV_OK or KV_NONE. Cost O(1).
 */
KV_API kv_status kv_ttl(kv *db, kv_slice key, int64_t *ttl_ms);
KV_API kv_status kv_deadline(kv *db, kv_slice key, int64_t *deadline_ms);

/* Takes the deadline away. KV_OK; KV_NONE if there is no key; KV_SKIPPED if it had no deadline. */
KV_API kv_status kv_persist(kv *db, kv_slice key);

typedef struct kv_object_info {
    size_t size; /* sizeof(kv_object_info), set by the caller */
    kv_type type;
    const char *encoding; /* the name Redis would give: "int", "embstr", "raw", "listpack",
                             "quicklist"... */
    int64_t idle_ms;      /* since the key was last read or written, to about a second; after 194
                             days it begins at 0 again */
    uint64_t bytes;       /* of memory that this key answers for: entry, key, value, its share of
                             tables */
    uint64_t length;      /* bytes of a string, elements of a collection */
    int64_t deadline_ms;  /* KV_NEVER if none */
    int64_t integer;      /* the number, if the encoding is "int"; else 0 */
} kv_object_info;

/* Describes a key without touching its access clock. KV_OK or KV_NONE. Cost O(1). */
KV_API kv_status kv_object(kv *db, kv_slice key, kv_object_info *info);

/*
 * Writes the value at `key` down as bytes that kv_restore() makes the same value of, here or in any
 * other store: what Redis's DUMP gives. Its deadline is not in it; those of a hash's fields are,
 * those of a set's or sorted set's members are not, as the format has no place for them. Redis 7.0
 * and later and Valkey take these bytes, but of a hash whose fields have deadlines Redis 7.4 and
 * later only.
 *
 * payload   is unchanged unless KV_OK. What it holds before stays in it during the call, so that
 *           one that is reused should be emptied (size = 0) if values are large.
 * Returns   KV_OK, KV_NONE, KV_NOMEM.
 * Cost      O(size of the value) under the lock of the key: about 5 ns a byte that can be
 *           compressed, 3 others.
 */
KV_API kv_status kv_dump(kv *db, kv_slice key, kv_buffer *payload);

/*
 * The same in a form that this version of the format has, as in kv_snapshot_options: 10 to 12, or 0
 * for the one that loses nothing. Deadlines of a hash's fields are left out below 12.
 *
 * Returns   As kv_dump(), and KV_BADARG for another version.
 */
KV_API kv_status kv_dump_as(kv *db, kv_slice key, unsigned rdb_version, kv_buffer *payload);

typedef struct kv_restore_options {
    size_t size;
    bool replace;        /* whatever the key holds gives way; else it must not exist */
    int64_t ttl_ms;      /* the key expires this long from now; 0 means never */
    int64_t deadline_ms; /* or at this instant; 0 means never. One in the past removes the key */
    int64_t idle_ms;     /* the key was last used so long ago, to a second; see kv_object_info */
} kv_restore_options;

/*
 * Makes the value that a payload holds, as kv_dump() or Redis's DUMP wrote it: of any type that a
 * store has, in any of the encodings of Redis 2.6 to 8.
 *
 * payload   may come from anywhere. It is looked through to its last byte before anything is made
 *           of it; nothing that it says makes the call read elsewhere or take more memory than some
 *           hundred times its size. What it is made of lies outside of the lock until it is whole.
 * options   NULL means that the key must not exist, and never expires.
 * Returns   KV_OK; KV_SKIPPED if the key exists and `replace` is false; KV_BADSUM if the checksum
 *           is not that of the bytes, or the version is above 12 (Redis 8); KV_CORRUPT if the bytes
 *           are no value: cut off or too long, sizes, counts or links that are not right, an
 *           encoding that is not known, a member twice or out of order, a score that is no number,
 *           nothing in it at all; KV_TOOBIG; KV_BADARG for a time below 0 or both ttl_ms and
 *           deadline_ms; KV_OVERFLOW if now + ttl_ms leaves int64_t; KV_NOMEM; KV_READONLY.
 * Cost      O(size of the value), O(n log n) for a large sorted set.
 */
KV_API kv_status kv_restore(kv *db, kv_slice key, kv_slice payload,
                            const kv_restore_options *options);

/*
 * A number that identifies this state of the key: it differs after any change of value, type or
 * existence, and never comes back. 0 means there is no key. To be given to
 * kv_set_options.if_version. A key carries a version (8 bytes) from the first time somebody asks
 * for it. Returns KV_OK (also for an absent key), KV_NOMEM. Cost O(1).
 */
KV_API kv_status kv_version_of(kv *db, kv_slice key, uint64_t *version);

/* -------------------------------------------------------------------------------------- strings */

#define KV_IF_ABSENT  1u  /* SET NX */
#define KV_IF_PRESENT 2u  /* SET XX */
#define KV_KEEP_TTL   4u  /* leave the old deadline */
#define KV_IF_EQUAL   8u  /* only if the key holds a string equal to if_equal */
#define KV_IF_VERSION 16u /* only if kv_version_of() the key is if_version; 0: only if absent */
#define KV_GET_OLD \
    32u /* copy the old value to old_value; then a key of another type is
                             KV_WRONGTYPE */
#define KV_IF_DIFFERS \
    64u /* only if the key does not hold a string equal to if_equal (absent is
                             fine) */

typedef struct kv_set_options {
    size_t size;
    unsigned flags;      /* KV_IF_ABSENT ... */
    int64_t ttl_ms;      /* the key expires this long from now; 0 means never */
    int64_t deadline_ms; /* or at this instant; 0 means never. One in the past stores nothing
                               that lasts */
    kv_slice if_equal;
    uint64_t if_version;
    kv_buffer *old_value;  /* with KV_GET_OLD; written whenever the call returns KV_OK or
                               KV_SKIPPED */
    kv_status *old_status; /* with KV_GET_OLD: KV_OK, or KV_NONE if there was no key */
    uint64_t *version;     /* receives the new version; may be NULL */
} kv_set_options;

/*
 * Stores `value` under `key`, replacing whatever the key held, of any type.
 *
 * options   NULL means store unconditionally and never expire. At most one of the conditions may be
 *           given.
 * Returns   KV_OK; KV_SKIPPED if the condition fails; KV_WRONGTYPE (KV_GET_OLD, KV_IF_EQUAL,
 *           KV_IF_DIFFERS); KV_BADARG if ttl_ms < 0, both ttl_ms and deadline_ms are given,
 *           conditions exclude each other, or KV_KEEP_TTL with either; KV_OVERFLOW if now + ttl_ms
 *           leaves int64_t; KV_TOOBIG; KV_NOMEM; KV_READONLY.
 * Cost      O(size of the value).
 */
KV_API kv_status kv_set(kv *db, kv_slice key, kv_slice value, const kv_set_options *options);

/*
 * Copies the string at `key` into `value`.
 *
 * Returns   KV_OK, KV_NONE, KV_WRONGTYPE, KV_NOMEM.
 * Cost      O(size of the value).
 */
KV_API kv_status kv_get(kv *db, kv_slice key, kv_buffer *value);

/*
 * Lends the string at `key` to `visit` under the key's lock, without copying it. An integer is lent
 * as its text. What visit returns is ignored. KV_OK, KV_NONE, KV_WRONGTYPE. Cost O(1).
 */
KV_API kv_status kv_read(kv *db, kv_slice key, kv_visit *visit, void *context);

/* Copies the string and removes the key. As kv_get(), and KV_READONLY. */
KV_API kv_status kv_getdel(kv *db, kv_slice key, kv_buffer *value);

#define KV_PERSIST 1u /* take the deadline away */

typedef struct kv_getex_options {
    size_t size;
    unsigned flags;      /* KV_PERSIST */
    int64_t ttl_ms;      /* above 0: expires this long from now */
    int64_t deadline_ms; /* or at this instant; in the past: the key is removed */
} kv_getex_options;

/*
 * Copies the string and changes its deadline. As kv_get(); KV_BADARG if more than one change is
 * asked for.
 */
KV_API kv_status kv_getex(kv *db, kv_slice key, const kv_getex_options *options, kv_buffer *value);

/*
 * Lends the strings at several keys in order, all of one instant; `item` is NULL for a key that is
 * absent or holds another type. The cache misses of the keys overlap, and each shard is locked
 * once. Returns KV_OK, KV_NOMEM (more than 64 keys need a little). Cost O(count).
 */
KV_API kv_status kv_mget(kv *db, const kv_slice *keys, size_t count, kv_visit_at *visit,
                         void *context);

/*
 * Stores `count` pairs at one instant: all or none. kv_msetnx() only if none of the keys exists.
 * Returns KV_OK; KV_SKIPPED (msetnx); KV_TOOBIG; KV_NOMEM; KV_READONLY. Cost O(count + sizes).
 */
KV_API kv_status kv_mset(kv *db, const kv_slice *keys, const kv_slice *values, size_t count);
KV_API kv_status kv_msetnx(kv *db, const kv_slice *keys, const kv_slice *values, size_t count);

/*
 * Appends to the string, creating it if absent. `length` receives its new size. KV_TOOBIG,
 * KV_WRONGTYPE, ...
 */
KV_API kv_status kv_append(kv *db, kv_slice key, kv_slice value, uint64_t *length);

/* The size of the string; KV_NONE (and 0) if there is no key; KV_WRONGTYPE. Cost O(1). */
KV_API kv_status kv_strlen(kv *db, kv_slice key, uint64_t *length);

/*
 * The bytes from `start` to `end`, both included and clipped to the string; an empty range and an
 * absent key give an empty result with KV_OK. kv_read_range() lends them instead of copying.
 */
KV_API kv_status kv_getrange(kv *db, kv_slice key, int64_t start, int64_t end, kv_buffer *value);
KV_API kv_status kv_read_range(kv *db, kv_slice key, int64_t start, int64_t end, kv_visit *visit,
                               void *context);

/*
 * Overwrites the string from `offset` on, filling with zeros up to there; an empty `value` changes
 * nothing and creates nothing. `length` receives the size afterwards. KV_TOOBIG, KV_WRONGTYPE,
 * KV_NOMEM, KV_READONLY.
 */
KV_API kv_status kv_setrange(kv *db, kv_slice key, uint64_t offset, kv_slice value,
                             uint64_t *length);

/*
 * Adds to the integer at `key`, which counts as 0 if absent and keeps its deadline. `result`
 * receives the sum. Returns KV_OK; KV_WRONGTYPE; KV_NOTINT; KV_OVERFLOW; KV_NOMEM; KV_READONLY.
 * Cost O(1).
 */
KV_API kv_status kv_incrby(kv *db, kv_slice key, int64_t increment, int64_t *result);
KV_API kv_status kv_decrby(kv *db, kv_slice key, int64_t decrement, int64_t *result);
KV_API kv_status kv_incr(kv *db, kv_slice key, int64_t *result);
KV_API kv_status kv_decr(kv *db, kv_slice key, int64_t *result);

/*
 * Adds the number written in `increment` (decimal or exponent form) to the number at `key`, in long
 * double arithmetic, and stores and copies to `result` the text of the sum, as Redis prints it.
 * Returns KV_OK; KV_WRONGTYPE; KV_NOTFLOAT (either is no number); KV_NOTFINITE; KV_NOMEM;
 * KV_READONLY.
 */
KV_API kv_status kv_incrbyfloat(kv *db, kv_slice key, kv_slice increment, kv_buffer *result);

/* One run that two strings have in common: where it starts and ends (included) in each. */
typedef struct kv_lcs_match {
    uint64_t first_start, first_end, second_start, second_end;
} kv_lcs_match;
typedef bool kv_visit_match(void *context, const kv_lcs_match *match);

/*
 * The longest common subsequence of two strings; an absent key counts as empty. `sequence` receives
 * its bytes, `length` its size; `visit` is shown the matching runs of at least `minimum` bytes,
 * last first. Each may be NULL. Returns KV_OK, KV_WRONGTYPE, KV_TOOBIG (the table would pass 4
 * GiB), KV_NOMEM. Cost O(size x size) of time; of memory 4 bytes a cell unless only `length` is
 * asked for.
 */
KV_API kv_status kv_lcs(kv *db, kv_slice first, kv_slice second, uint64_t minimum, uint64_t *length,
                        kv_buffer *sequence, kv_visit_match *visit, void *context);

/* ---------------------------------------------------------------------------------------- lists */

typedef enum kv_end { KV_HEAD = 0, KV_TAIL = 1 } kv_end;

/*
 * Pushes `count` values at the head (kv_lpush) or tail (kv_rpush) of the list, creating it if the
 * key is absent. They go in one by one, so at the head the last one given ends up first: a, b, c
 * gives c, b, a. The x forms push only to an existing list: else KV_NONE, and *length is 0.
 *
 * length    receives the length afterwards.
 * Returns   KV_OK; KV_BADARG if count is 0; KV_WRONGTYPE; KV_TOOBIG if an element has 1 GiB or more
 *           (as in each call that adds one); KV_NOMEM; KV_READONLY. All are pushed or none is.
 * Cost      O(count).
 */
KV_API kv_status kv_lpush(kv *db, kv_slice key, const kv_slice *values, size_t count,
                          uint64_t *length);
KV_API kv_status kv_rpush(kv *db, kv_slice key, const kv_slice *values, size_t count,
                          uint64_t *length);
KV_API kv_status kv_lpushx(kv *db, kv_slice key, const kv_slice *values, size_t count,
                           uint64_t *length);
KV_API kv_status kv_rpushx(kv *db, kv_slice key, const kv_slice *values, size_t count,
                           uint64_t *length);

/*
 * Takes the element at the head or tail off the list and copies it to `value`. A list that becomes
 * empty is removed. KV_OK, KV_NONE, KV_WRONGTYPE, KV_NOMEM (nothing is taken), KV_READONLY. Cost
 * O(1).
 */
KV_API kv_status kv_lpop(kv *db, kv_slice key, kv_buffer *value);
KV_API kv_status kv_rpop(kv *db, kv_slice key, kv_buffer *value);

/*
 * Takes up to `count` elements off one end and lends them to `visit` in that order; `popped`
 * receives how many. What visit returns is ignored: all are taken. KV_NONE if there is no key (also
 * when count is 0).
 */
KV_API kv_status kv_pop(kv *db, kv_slice key, kv_end end, uint64_t count, kv_visit *visit,
                        void *context, uint64_t *popped);

/* The number of elements; KV_NONE (and 0) if there is no key; KV_WRONGTYPE. Cost O(1). */
KV_API kv_status kv_llen(kv *db, kv_slice key, uint64_t *length);

/* Copies the element at `index`. KV_NONE if there is no such key or index. Cost O(log n). */
KV_API kv_status kv_lindex(kv *db, kv_slice key, int64_t index, kv_buffer *value);

/* Replaces the element at `index`. KV_NOTFOUND: no key; KV_NONE: no such index. Cost O(log n). */
KV_API kv_status kv_lset(kv *db, kv_slice key, int64_t index, kv_slice value);

/*
 * Inserts `value` before or after the first element equal to `pivot`. `length` receives the length.
 * KV_NONE: no key; KV_SKIPPED: no such pivot. Cost O(n) to find the pivot, O(log n) to insert.
 */
KV_API kv_status kv_linsert(kv *db, kv_slice key, bool before, kv_slice pivot, kv_slice value,
                            uint64_t *length);

/*
 * Removes elements equal to `value`: the first `count` from the head, the first -count from the
 * tail, or all if 0. `removed` receives how many; KV_NONE (and 0) if there is no key. Cost O(n).
 */
KV_API kv_status kv_lrem(kv *db, kv_slice key, int64_t count, kv_slice value, uint64_t *removed);

/* Keeps the elements from `start` to `stop`, both included. KV_OK also if there is no key. */
KV_API kv_status kv_ltrim(kv *db, kv_slice key, int64_t start, int64_t stop);

typedef void kv_range_begin(void *context, uint64_t count);

/*
 * Lends the elements from `start` to `stop`, both included, in order. `begin`, if not NULL, is told
 * their number first (also when it is 0, and for an absent key). KV_OK also if there is no key;
 * KV_WRONGTYPE. Cost O(log n + elements visited).
 */
KV_API kv_status kv_lrange(kv *db, kv_slice key, int64_t start, int64_t stop, kv_range_begin *begin,
                           kv_visit *visit, void *context);

typedef bool kv_visit_position(void *context, uint64_t position);

/*
 * Finds positions of elements equal to `value`. rank: 1 starts at the first match, 2 at the
 * second..., negative ones search from the tail; 0 is KV_BADARG. count: how many matches at most, 0
 * for all. maximum: how many elements to compare at most, 0 for all. KV_OK; KV_NONE if there is no
 * key. Cost O(n).
 */
KV_API kv_status kv_lpos(kv *db, kv_slice key, kv_slice value, int64_t rank, uint64_t count,
                         uint64_t maximum, kv_visit_position *visit, void *context);

/*
 * Takes an element off `from_end` of the source and pushes it at `to_end` of the destination, which
 * may be the same list, at one instant; `value` receives it. KV_NONE if there is no source.
 * KV_WRONGTYPE for either.
 */
KV_API kv_status kv_lmove(kv *db, kv_slice source, kv_slice destination, kv_end from_end,
                          kv_end to_end, kv_buffer *value);

/*
 * Takes up to `count` elements off the first of the keys that has any; `index` receives which. What
 * visit returns is ignored: all are taken. Else KV_NONE.
 */
KV_API kv_status kv_lmpop(kv *db, const kv_slice *keys, size_t key_count, kv_end end,
                          uint64_t count, size_t *index, kv_visit *visit, void *context);

/*
 * Blocking forms: the calling thread sleeps until there is an element or `timeout_ms` has passed by
 * the system's clock, whatever the store's says (0 means for ever). Those that wait for one key are
 * served in the order they came. Inside a transaction they do not wait. kv_blmpop() calls `visit`
 * in the calling thread once the elements are taken; what visit returns is ignored, as with
 * kv_lmpop(). Returns KV_OK, KV_TIMEOUT, and what the plain forms return.
 */
KV_API kv_status kv_blpop(kv *db, const kv_slice *keys, size_t key_count, int64_t timeout_ms,
                          size_t *index, kv_buffer *value);
KV_API kv_status kv_brpop(kv *db, const kv_slice *keys, size_t key_count, int64_t timeout_ms,
                          size_t *index, kv_buffer *value);
KV_API kv_status kv_blmove(kv *db, kv_slice source, kv_slice destination, kv_end from_end,
                           kv_end to_end, int64_t timeout_ms, kv_buffer *value);
KV_API kv_status kv_blmpop(kv *db, const kv_slice *keys, size_t key_count, kv_end end,
                           uint64_t count, int64_t timeout_ms, size_t *index, kv_visit *visit,
                           void *context);

/* --------------------------------------------------------------------------------------- hashes */

/*
 * A hash has fields, each with a value: both are text of any kind. Where there is no key there is
 * no field: calls that look say KV_NONE, and so do those that only change what is there. A hash of
 * which nothing is left is removed. All calls return KV_WRONGTYPE if the key holds another type;
 * those that write also KV_READONLY and KV_NOMEM, with nothing changed.
 */

/* A visitor of one field and its value. Returning false ends the visit. */
typedef bool kv_visit_field(void *context, kv_slice field, kv_slice value);

/*
 * Sets `count` fields, creating the hash if the key is absent. `pairs` has a field and its value in
 * turn, so twice as many slices; a field given twice gets the last value.
 *
 * added     receives how many of the fields are new.
 * Returns   KV_OK; KV_BADARG if count is 0. All are set or none is.
 * Cost      O(count).
 */
KV_API kv_status kv_hset(kv *db, kv_slice key, const kv_slice *pairs, size_t count,
                         uint64_t *added);

/* Sets a field that is not there yet: else KV_SKIPPED. Cost O(1). */
KV_API kv_status kv_hsetnx(kv *db, kv_slice key, kv_slice field, kv_slice value);

/* Copies the value of a field. KV_NONE if there is no such field. Cost O(1). */
KV_API kv_status kv_hget(kv *db, kv_slice key, kv_slice field, kv_buffer *value);

/*
 * Lends the values of `count` fields, of one instant, in order; NULL for one that is not there. The
 * cache misses of several overlap. KV_OK also if there is no key. Cost O(count).
 */
KV_API kv_status kv_hmget(kv *db, kv_slice key, const kv_slice *fields, size_t count,
                          kv_visit_at *visit, void *context);

/* KV_OK if the field is there; `length` receives the size of its value, or 0. Cost O(1). */
KV_API kv_status kv_hexists(kv *db, kv_slice key, kv_slice field);
KV_API kv_status kv_hstrlen(kv *db, kv_slice key, kv_slice field, uint64_t *length);

/* The number of fields; KV_NONE (and 0) if there is no key. Cost O(1). */
KV_API kv_status kv_hlen(kv *db, kv_slice key, uint64_t *length);

/*
 * Removes fields. `removed` receives how many there were; KV_NONE (and 0) if there is no key. Cost
 * O(count).
 */
KV_API kv_status kv_hdel(kv *db, kv_slice key, const kv_slice *fields, size_t count,
                         uint64_t *removed);

/*
 * Lends the values of fields, as kv_hmget(), and removes the fields. All are taken, whatever visit
 * returns. KV_OK also if there is no key; KV_BADARG if count is 0. Cost O(count).
 */
KV_API kv_status kv_hgetdel(kv *db, kv_slice key, const kv_slice *fields, size_t count,
                            kv_visit_at *visit, void *context);

/*
 * Adds to the integer in a field, which counts as 0 if absent; `result` receives the sum. KV_NOTINT
 * if the value is none; KV_OVERFLOW. kv_hincrbyfloat() adds the number written in `increment` and
 * gives the text of the sum, as kv_incrbyfloat() does: KV_BADARG if the increment is no number,
 * KV_NOTFLOAT if the value is none; KV_NOTFINITE. Cost O(1).
 */
KV_API kv_status kv_hincrby(kv *db, kv_slice key, kv_slice field, int64_t increment,
                            int64_t *result);
KV_API kv_status kv_hincrbyfloat(kv *db, kv_slice key, kv_slice field, kv_slice increment,
                                 kv_buffer *result);

/* What became of a field or a member; the numbers are those of Redis's replies. */
typedef enum kv_field_result {
    KV_FIELD_NONE = -2,    /* there is no such field */
    KV_FIELD_UNTIMED = -1, /* it has no deadline that could be taken away */
    KV_FIELD_SKIPPED = 0,  /* the condition did not hold */
    KV_FIELD_DONE = 1,
    KV_FIELD_REMOVED = 2 /* as the deadline had passed */
} kv_field_result;

/*
 * Each field may have a deadline, at which it goes as a key does: it is not there from that instant
 * on, its memory is reclaimed in kv_tick(), and the journal tells HDEL with KV_CAUSE_EXPIRED. The
 * hash goes with its last field. Setting a field takes its deadline away, adding to its number
 * leaves it.
 *
 * kv_hexpire() gives fields a deadline `ttl_ms` from now, kv_hexpire_at() at an instant; one that
 * has passed removes them. `flags` is one of KV_EXPIRE_NX, XX, GT and LT, or 0; a field without a
 * deadline counts as one that lasts for ever. kv_hpersist() takes deadlines away.
 *
 * results   receive what became of each field; may be NULL. Written also on KV_NONE.
 * Returns   KV_OK; KV_NONE if there is no key; KV_BADARG if count is 0 or for other flags;
 *           KV_OVERFLOW if now + ttl_ms leaves int64_t. All is done, or nothing.
 * Cost      O(count log n), O(count n) of a small hash.
 */
KV_API kv_status kv_hexpire(kv *db, kv_slice key, int64_t ttl_ms, unsigned flags,
                            const kv_slice *fields, size_t count, kv_field_result *results);
KV_API kv_status kv_hexpire_at(kv *db, kv_slice key, int64_t deadline_ms, unsigned flags,
                               const kv_slice *fields, size_t count, kv_field_result *results);
KV_API kv_status kv_hpersist(kv *db, kv_slice key, const kv_slice *fields, size_t count,
                             kv_field_result *results);

/*
 * The deadline of each field: KV_NEVER if it has none, -1 if there is no such field (also on
 * KV_NONE, when there is no key). KV_BADARG if count is 0. Cost O(count).
 */
KV_API kv_status kv_hdeadline(kv *db, kv_slice key, const kv_slice *fields, size_t count,
                              int64_t *deadlines_ms);

/*
 * Lends the values of fields, as kv_hmget(), and gives those that are there the deadline of the
 * options (see kv_getex()), or takes it away with KV_PERSIST; a deadline that has passed removes
 * them.
 *
 * Returns   KV_OK, also if there is no key; KV_BADARG if count is 0, ttl_ms < 0 or more than one
 *           change is asked for; KV_OVERFLOW if now + ttl_ms leaves int64_t.
 * Cost      As kv_hexpire(); O(count) where no deadline changes.
 */
KV_API kv_status kv_hgetex(kv *db, kv_slice key, const kv_slice *fields, size_t count,
                           const kv_getex_options *options, kv_visit_at *visit, void *context);

typedef struct kv_hsetex_options {
    size_t size;
    unsigned flags;      /* KV_IF_ABSENT: if none of the fields is there; KV_IF_PRESENT: if all are;
                            KV_KEEP_TTL: leave the old deadlines */
    int64_t ttl_ms;      /* the fields expire this long from now; 0 means never */
    int64_t deadline_ms; /* or at this instant; 0 means never. With one in the past they go */
} kv_hsetex_options;

/*
 * Sets fields as kv_hset() does, with a deadline.
 *
 * Returns   KV_OK; KV_SKIPPED if the condition does not hold; KV_BADARG if count is 0, ttl_ms < 0,
 *           both conditions are given, or more than one of ttl_ms, deadline_ms and KV_KEEP_TTL;
 *           KV_OVERFLOW if now + ttl_ms leaves int64_t. All are set or none is.
 * Cost      As kv_hexpire(); O(count) without a deadline.
 */
KV_API kv_status kv_hsetex(kv *db, kv_slice key, const kv_slice *pairs, size_t count,
                           const kv_hsetex_options *options);

/*
 * Lends all fields and their values, of one instant. `begin`, if not NULL, is told their number
 * first (0 for an absent key). The order is that in which they came while the hash is small, then
 * any. KV_OK also if there is no key. Cost O(fields).
 */
KV_API kv_status kv_hgetall(kv *db, kv_slice key, kv_range_begin *begin, kv_visit_field *visit,
                            void *context);

/*
 * Lends fields chosen at random: `count` different ones, or all if there are fewer; with a count
 * below zero -count, chosen anew each time. `begin` as in kv_hgetall(). KV_OK also if there is no
 * key; KV_BADARG for INT64_MIN; KV_NOMEM. Cost O(count), O(fields) of a small hash.
 */
KV_API kv_status kv_hrandfield(kv *db, kv_slice key, int64_t count, kv_range_begin *begin,
                               kv_visit_field *visit, void *context);

/*
 * Visits about `limit` fields and advances *cursor, as kv_scan() does with keys: start at 0; it is
 * over when it is 0 again. A field that is there from start to end is visited once or more. All
 * fields of a small hash are visited at once; what visit returns is ignored. KV_NONE (and 0) if
 * there is no key; KV_BADARG if limit is 0. Cost O(limit) a call, O(fields) a scan.
 */
KV_API kv_status kv_hscan(kv *db, kv_slice key, uint64_t *cursor, uint64_t limit,
                          kv_visit_field *visit, void *context);

/* ----------------------------------------------------------------------------------------- sets */

/*
 * A set has members: texts of any kind, none twice, in no order. An absent key is the empty set,
 * and a set of which nothing is left is removed. All calls return KV_WRONGTYPE if a key holds
 * another type; those that write also KV_READONLY and KV_NOMEM, with nothing changed.
 */

/*
 * Adds `count` members, creating the set if the key is absent; `added` receives how many were not
 * there. KV_OK; KV_BADARG if count is 0. All are added or none is. Cost O(count).
 */
KV_API kv_status kv_sadd(kv *db, kv_slice key, const kv_slice *members, size_t count,
                         uint64_t *added);

/*
 * Removes members; `removed` receives how many were there; KV_NONE (and 0) if there is no key. Cost
 * O(count).
 */
KV_API kv_status kv_srem(kv *db, kv_slice key, const kv_slice *members, size_t count,
                         uint64_t *removed);

/* KV_OK if it is a member, else KV_NONE. Cost O(1). */
KV_API kv_status kv_sismember(kv *db, kv_slice key, kv_slice member);

/*
 * Says of each of `count` texts in found[] whether it is a member, all at one instant. The cache
 * misses of several overlap. KV_OK also if there is no key. Cost O(count).
 */
KV_API kv_status kv_smismember(kv *db, kv_slice key, const kv_slice *members, size_t count,
                               bool *found);

/* The number of members; KV_NONE (and 0) if there is no key. Cost O(1). */
KV_API kv_status kv_scard(kv *db, kv_slice key, uint64_t *count);

/*
 * Lends all members, of one instant. `begin`, if not NULL, is told their number first (0 for an
 * absent key). KV_OK also if there is no key. Cost O(n).
 */
KV_API kv_status kv_smembers(kv *db, kv_slice key, kv_range_begin *begin, kv_visit *visit,
                             void *context);

/*
 * Moves a member from one set to another, which may have it already, at one instant. KV_NONE if the
 * source has it not. Cost O(1).
 */
KV_API kv_status kv_smove(kv *db, kv_slice source, kv_slice destination, kv_slice member);

/*
 * Takes up to `count` members, chosen at random, out of the set and lends them; `popped` receives
 * how many. What visit returns is ignored: all are taken. KV_NONE if there is no key (also when
 * count is 0). Cost O(count), or O(n) for more than a third.
 */
KV_API kv_status kv_spop(kv *db, kv_slice key, uint64_t count, kv_visit *visit, void *context,
                         uint64_t *popped);

/*
 * Lends members chosen at random, each choice equally likely: `count` different ones, or all if
 * there are fewer; if count is negative, -count, each chosen anew. `begin` is told how many, as in
 * kv_smembers(). KV_OK also if there is no key; KV_BADARG for INT64_MIN; KV_NOMEM. Cost O(count),
 * or O(n) for more than a third.
 */
KV_API kv_status kv_srandmember(kv *db, kv_slice key, int64_t count, kv_range_begin *begin,
                                kv_visit *visit, void *context);

/*
 * Visits about `limit` members and advances *cursor, as kv_scan() does with keys: start at 0; it is
 * over when it is 0 again. A member that is there from start to end is visited once or more. All
 * members of a small set are visited at once; what visit returns is ignored. KV_NONE (and 0) if
 * there is no key; KV_BADARG if limit is 0. Cost O(limit) a call, O(members) a scan.
 */
KV_API kv_status kv_sscan(kv *db, kv_slice key, uint64_t *cursor, uint64_t limit, kv_visit *visit,
                          void *context);

/*
 * Lends the members that all of the sets have (kv_sinter), that any has (kv_sunion), or that the
 * first has and no other (kv_sdiff), each once, all at one instant. KV_OK also if there are none;
 * KV_BADARG if there are no keys; KV_NOMEM, perhaps after some were lent.
 *
 * Cost      kv_sinter O(smallest set x sets), and less where the others lack most of it; kv_sunion
 *           O(members of all); kv_sdiff O(members of all) or O(first set x sets), the lesser.
 */
KV_API kv_status kv_sinter(kv *db, const kv_slice *keys, size_t key_count, kv_visit *visit,
                           void *context);
KV_API kv_status kv_sunion(kv *db, const kv_slice *keys, size_t key_count, kv_visit *visit,
                           void *context);
KV_API kv_status kv_sdiff(kv *db, const kv_slice *keys, size_t key_count, kv_visit *visit,
                          void *context);

/*
 * The same, stored as a set under `destination`, which may be one of the keys, replacing whatever
 * it held, of any type; if there are none the key is removed. `stored` receives their number.
 * KV_OK; KV_BADARG if there are no keys. Cost as above, and O(members stored).
 */
KV_API kv_status kv_sinterstore(kv *db, kv_slice destination, const kv_slice *keys,
                                size_t key_count, uint64_t *stored);
KV_API kv_status kv_sunionstore(kv *db, kv_slice destination, const kv_slice *keys,
                                size_t key_count, uint64_t *stored);
KV_API kv_status kv_sdiffstore(kv *db, kv_slice destination, const kv_slice *keys, size_t key_count,
                               uint64_t *stored);

/*
 * How many members all of the sets have (kv_sintercard), any has (kv_sunioncard), or the first has
 * and no other (kv_sdiffcard), counted up to `limit` unless that is 0, all at one instant. `count`
 * may be NULL.
 *
 * Memory    No set is made of up to four others, nor ever by kv_sintercard. Of more, for the time of
 *           the call, kv_sunioncard makes one of what the largest set lacks (of all if none is
 *           large), and kv_sdiffcard, unless the first is small, one of what the others have.
 * Returns   KV_OK, also if there are no such members; KV_BADARG if there are no keys; KV_WRONGTYPE;
 *           KV_NOMEM.
 * Cost      As kv_sinter(), kv_sunion() and kv_sdiff(), and less with a limit; the members of the
 *           largest set in kv_sunioncard, and of one set alone, cost nothing.
 */
KV_API kv_status kv_sintercard(kv *db, const kv_slice *keys, size_t key_count, uint64_t limit,
                               uint64_t *count);
KV_API kv_status kv_sunioncard(kv *db, const kv_slice *keys, size_t key_count, uint64_t limit,
                               uint64_t *count);
KV_API kv_status kv_sdiffcard(kv *db, const kv_slice *keys, size_t key_count, uint64_t limit,
                              uint64_t *count);

/*
 * Each member may have a deadline, as a field of a hash may (see kv_hexpire(), which all of this is
 * like): it is not there from that instant on, for any call, and the journal tells SREM with
 * KV_CAUSE_EXPIRED then; the set goes with its last member. Adding a member that is there leaves
 * its deadline. Copies of the key keep them; sets that are computed from others have none, nor has
 * a member that was moved to another set. A set with deadlines is kept as a large one, whatever the
 * limits; one of which no member ever had any pays nothing.
 *
 * Redis has no such calls. The journal tells of them as commands of kvstore's own, so that the
 * append-only file has them: "KV.SPEXPIREAT key unix-time-milliseconds MEMBERS count member..." and
 * "KV.SPERSIST key MEMBERS count member...". A reader that does not know them sees members go when
 * they expire all the same. Events are sexpire, spersist, sexpired and srem.
 *
 * Returns   KV_OK; KV_NONE if there is no key; KV_BADARG if count is 0 or for other flags;
 *           KV_OVERFLOW if now + ttl_ms leaves int64_t. All is done, or nothing.
 * Cost      O(count log n); O(members) when a small set becomes large.
 */
KV_API kv_status kv_sexpire(kv *db, kv_slice key, int64_t ttl_ms, unsigned flags,
                            const kv_slice *members, size_t count, kv_field_result *results);
KV_API kv_status kv_sexpire_at(kv *db, kv_slice key, int64_t deadline_ms, unsigned flags,
                               const kv_slice *members, size_t count, kv_field_result *results);
KV_API kv_status kv_spersist(kv *db, kv_slice key, const kv_slice *members, size_t count,
                             kv_field_result *results);

/*
 * The deadline of each member: KV_NEVER if it has none, -1 if it is not there (also on KV_NONE,
 * when there is no key). KV_BADARG if count is 0. Cost O(count).
 */
KV_API kv_status kv_sdeadline(kv *db, kv_slice key, const kv_slice *members, size_t count,
                              int64_t *deadlines_ms);

/* ---------------------------------------------------------------------------------- sorted sets */

/*
 * Members in the order of their scores, members of equal score in the order of their bytes. A score
 * is any double but nan; 0 and -0 are equal. Members count from 0, their rank. Cost: n is the
 * number of members.
 */
typedef struct kv_scored {
    kv_slice member;
    double score;
} kv_scored;

/* A visitor of members. Returning false ends the visit, unless the function says otherwise. */
typedef bool kv_visit_scored(void *context, kv_slice member, double score);

/* Conditions for kv_zadd() and kv_zincrby(). */
#define KV_ZADD_NX 1u /* only if the member is not there; excludes the others */
#define KV_ZADD_XX 2u /* only if it is */
#define KV_ZADD_GT 4u /* if it is there, only if the new score is greater; excludes LT */
#define KV_ZADD_LT 8u /* if it is there, only if the new score is less */

/*
 * Gives members their scores, one after another, adding those that are not there and creating the
 * set if the key is absent.
 *
 * added     receives how many are new; `updated` how many of the others have another score now.
 * Returns   KV_OK; KV_BADARG if count is 0, a score is nan or flags exclude each other;
 *           KV_WRONGTYPE; KV_TOOBIG if a member has more than KV_SETTING_MAX_VALUE_SIZE bytes;
 *           KV_NOMEM; KV_READONLY. All or none.
 * Cost      O(log n) each.
 */
KV_API kv_status kv_zadd(kv *db, kv_slice key, const kv_scored *members, size_t count,
                         unsigned flags, uint64_t *added, uint64_t *updated);

/*
 * Adds to the score of a member; one that is not there counts as 0 and is added. `score` receives
 * the sum. Returns as kv_zadd(); KV_BADARG if the increment is nan; KV_SKIPPED if a condition
 * fails; KV_NOTFINITE if the sum is nan. Cost O(log n).
 */
KV_API kv_status kv_zincrby(kv *db, kv_slice key, kv_slice member, double increment, unsigned flags,
                            double *score);

/*
 * Removes members; `removed` receives how many were there. A set that becomes empty is removed,
 * here and in every other call that takes members out. KV_NONE (and 0) if there is no key. Cost
 * O(log n) each.
 */
KV_API kv_status kv_zrem(kv *db, kv_slice key, const kv_slice *members, size_t count,
                         uint64_t *removed);

/* The number of members; KV_NONE (and 0) if there is no key; KV_WRONGTYPE. Cost O(1). */
KV_API kv_status kv_zcard(kv *db, kv_slice key, uint64_t *count);

/* The score of a member; KV_NONE if there is no such key or member. Cost O(1). */
KV_API kv_status kv_zscore(kv *db, kv_slice key, kv_slice member, double *score);

/*
 * The scores of several at one instant; nan for each that is not there. KV_OK also if there is no
 * key; KV_WRONGTYPE. Cost O(count).
 */
KV_API kv_status kv_zmscore(kv *db, kv_slice key, const kv_slice *members, size_t count,
                            double *scores);

/*
 * The rank of a member, from the least score (KV_HEAD) or the greatest (KV_TAIL), and its score.
 * KV_NONE if there is no such key or member. Cost O(log n).
 */
KV_API kv_status kv_zrank(kv *db, kv_slice key, kv_slice member, kv_end end, uint64_t *rank,
                          double *score);

typedef enum kv_zrange_by {
    KV_BY_RANK = 0,  /* start and stop, negative ones from the end */
    KV_BY_SCORE = 1, /* the scores of minimum and maximum */
    KV_BY_NAME = 2   /* their names, where all scores are equal; else the result means nothing */
} kv_zrange_by;

typedef enum kv_bound {
    KV_BOUND_INCLUDED = 0,
    KV_BOUND_EXCLUDED = 1,
    KV_BOUND_LOWEST = 2, /* before every member, whatever the score or name */
    KV_BOUND_HIGHEST = 3 /* behind every member */
} kv_bound;

typedef struct kv_zbound {
    kv_bound bound;
    double score;
    kv_slice name;
} kv_zbound;

typedef struct kv_zrange_options {
    size_t size; /* sizeof(kv_zrange_options) */
    kv_zrange_by by;
    int64_t start, stop; /* both included; in a reverse range counted from the greatest */
    kv_zbound minimum, maximum;
    bool reverse;           /* from the greatest to the least */
    bool limited;           /* not all of them: */
    uint64_t offset, count; /* this many are passed over first, and no more than this many taken */
} kv_zrange_options;

/*
 * Lends the members of a range in order. `begin`, if not NULL, is told their number first (also
 * when it is 0, and for an absent key). KV_OK also if there is no key; KV_BADARG if a bound is nan;
 * KV_WRONGTYPE. Cost O(log n + members lent).
 */
KV_API kv_status kv_zrange(kv *db, kv_slice key, const kv_zrange_options *range,
                           kv_range_begin *begin, kv_visit_scored *visit, void *context);

/* How many members a range has. KV_OK (and 0) also if there is no key. Cost O(log n). */
KV_API kv_status kv_zcount(kv *db, kv_slice key, const kv_zrange_options *range, uint64_t *count);

/*
 * Removes the members of a range, which is not limited and not reverse (KV_BADARG). KV_OK (and 0)
 * also if there is no key. Cost O(log n + members removed).
 */
KV_API kv_status kv_zremrange(kv *db, kv_slice key, const kv_zrange_options *range,
                              uint64_t *removed);

/*
 * Stores the members of a range of one set as another, replacing whatever `destination` held; if
 * there are none that key is removed. KV_WRONGTYPE if the source is no sorted set. Cost O(log n +
 * members x log members).
 */
KV_API kv_status kv_zrangestore(kv *db, kv_slice destination, kv_slice source,
                                const kv_zrange_options *range, uint64_t *stored);

/*
 * Takes up to `count` members with the least (KV_HEAD) or greatest (KV_TAIL) scores and lends them
 * in that order. What visit returns is ignored: all are taken. kv_zmpop() takes from the first of
 * the keys that has any; `index` receives which.
 *
 * Returns   KV_OK; KV_NONE if there is no key (kv_zpop() also when count is 0); KV_BADARG if count
 *           or key_count is 0 (kv_zmpop()); KV_WRONGTYPE; KV_NOMEM; KV_READONLY.
 * Cost      O(log n + members taken); kv_zmpop() O(keys) more.
 */
KV_API kv_status kv_zpop(kv *db, kv_slice key, kv_end end, uint64_t count, kv_visit_scored *visit,
                         void *context, uint64_t *popped);
KV_API kv_status kv_zmpop(kv *db, const kv_slice *keys, size_t key_count, kv_end end,
                          uint64_t count, size_t *index, kv_visit_scored *visit, void *context);

/*
 * The same, and the calling thread sleeps until there is a member or `timeout_ms` has passed, as
 * with kv_blmpop(); `visit` is called in the calling thread. Returns as kv_zmpop(), but KV_TIMEOUT
 * for KV_NONE; KV_BADARG also for a timeout below 0. Cost as kv_zmpop(), and a copy of what is
 * taken.
 */
KV_API kv_status kv_bzmpop(kv *db, const kv_slice *keys, size_t key_count, kv_end end,
                           uint64_t count, int64_t timeout_ms, size_t *index,
                           kv_visit_scored *visit, void *context);

/*
 * Lends members chosen at random: `count` different ones, or all if there are fewer; if count < 0
 * then -count, each drawn anew. `begin` is told how many. KV_NONE if there is no key (then it is
 * not called); KV_BADARG for INT64_MIN; KV_NOMEM. Cost O(count), or O(n) for a third of n and more.
 */
KV_API kv_status kv_zrandmember(kv *db, kv_slice key, int64_t count, kv_range_begin *begin,
                                kv_visit_scored *visit, void *context);

/*
 * Visits about `limit` members and advances *cursor, as kv_hscan() does with fields. KV_OK; KV_NONE
 * (and 0) if there is no key; KV_BADARG if limit is 0; KV_WRONGTYPE. Cost O(limit) a call, O(n) a
 * scan.
 */
KV_API kv_status kv_zscan(kv *db, kv_slice key, uint64_t *cursor, uint64_t limit,
                          kv_visit_scored *visit, void *context);

typedef enum kv_aggregate { KV_SUM = 0, KV_MIN = 1, KV_MAX = 2 } kv_aggregate;

typedef struct kv_zcombine_options {
    size_t size;          /* sizeof(kv_zcombine_options) */
    const kv_slice *keys; /* of sorted sets, or of sets, whose members count as of score 1 */
    size_t key_count;
    const double *weights;  /* what the scores of each are multiplied with; NULL: 1 */
    kv_aggregate aggregate; /* what becomes of the scores of a member that several sets have */
} kv_zcombine_options;

/*
 * The members that any of the sets has (union) or all of them have (intersection), with their
 * scores put together; or the members of the first set that no other has (difference), with their
 * scores there: weights and aggregate do not apply. Absent keys are empty sets. Where a score would
 * be nan it is 0. All is done at one instant. The result is lent in order; `begin` is told its
 * number first.
 *
 * Returns   KV_OK; KV_BADARG if there are no keys or a weight is nan; KV_WRONGTYPE; KV_NOMEM.
 * Cost      O(members of all sets x log result); intersection: O(members of the smallest x sets).
 */
KV_API kv_status kv_zunion(kv *db, const kv_zcombine_options *sets, kv_range_begin *begin,
                           kv_visit_scored *visit, void *context);
KV_API kv_status kv_zinter(kv *db, const kv_zcombine_options *sets, kv_range_begin *begin,
                           kv_visit_scored *visit, void *context);
KV_API kv_status kv_zdiff(kv *db, const kv_zcombine_options *sets, kv_range_begin *begin,
                          kv_visit_scored *visit, void *context);

/*
 * The same, stored as a sorted set under `destination`, which may be one of the keys, replacing
 * whatever it held, of any type; if the result is empty the key is removed. `stored` receives its
 * number. Returns as above, and KV_READONLY; after an error nothing is stored. Cost as above.
 */
KV_API kv_status kv_zunionstore(kv *db, kv_slice destination, const kv_zcombine_options *sets,
                                uint64_t *stored);
KV_API kv_status kv_zinterstore(kv *db, kv_slice destination, const kv_zcombine_options *sets,
                                uint64_t *stored);
KV_API kv_status kv_zdiffstore(kv *db, kv_slice destination, const kv_zcombine_options *sets,
                               uint64_t *stored);

/*
 * How many members all of the sets have, counted up to `limit` unless that is 0. KV_OK; KV_BADARG if
 * there are no keys; KV_WRONGTYPE. Cost O(smallest set x sets), and less with a limit.
 */
KV_API kv_status kv_zintercard(kv *db, const kv_slice *keys, size_t key_count, uint64_t limit,
                               uint64_t *count);

/*
 * Each member may have a deadline, as a field of a hash may (see kv_hexpire(), which all of this is
 * like): it is not there from that instant on, for any call, and the journal tells ZREM with
 * KV_CAUSE_EXPIRED then; the set goes with its last member. Giving a member another score leaves
 * its deadline. Copies of the key keep them, sets that are computed from others have none. A set
 * with deadlines is kept as a large one, whatever the limits; one of which no member ever had any
 * pays nothing.
 *
 * Redis has no such calls. The journal tells of them as commands of kvstore's own, so that the
 * append-only file has them: "KV.ZPEXPIREAT key unix-time-milliseconds MEMBERS count member..." and
 * "KV.ZPERSIST key MEMBERS count member...". A reader that does not know them sees members go when
 * they expire all the same. Events are zexpire, zpersist, zexpired and zrem.
 *
 * Returns   KV_OK; KV_NONE if there is no key; KV_BADARG if count is 0 or for other flags;
 *           KV_OVERFLOW if now + ttl_ms leaves int64_t. All is done, or nothing.
 * Cost      O(count log n); O(members) when a small set becomes large.
 */
KV_API kv_status kv_zexpire(kv *db, kv_slice key, int64_t ttl_ms, unsigned flags,
                            const kv_slice *members, size_t count, kv_field_result *results);
KV_API kv_status kv_zexpire_at(kv *db, kv_slice key, int64_t deadline_ms, unsigned flags,
                               const kv_slice *members, size_t count, kv_field_result *results);
KV_API kv_status kv_zpersist(kv *db, kv_slice key, const kv_slice *members, size_t count,
                             kv_field_result *results);

/*
 * The deadline of each member: KV_NEVER if it has none, -1 if it is not there (also on KV_NONE,
 * when there is no key). KV_BADARG if count is 0; KV_WRONGTYPE. Cost O(count).
 */
KV_API kv_status kv_zdeadline(kv *db, kv_slice key, const kv_slice *members, size_t count,
                              int64_t *deadlines_ms);

/* ------------------------------------------------------------------------------------------ geo */

/*
 * Places are sorted sets whose scores are hashes of longitude and latitude, of 52 bits: a cell of
 * about 60 cm at the equator; members are added and removed as those of any other. Longitudes go
 * from -180 to 180 degrees, east being positive, latitudes from -85.05112878 to 85.05112878, north
 * being positive. Distances are those on a globe, off by up to 0.5% from those on the earth.
 */
typedef struct kv_geo_point {
    double longitude, latitude;
} kv_geo_point;

typedef struct kv_geo_place {
    kv_slice member;
    kv_geo_point point;
} kv_geo_place;

/*
 * Adds places, or moves those that are there. flags: KV_ZADD_NX, KV_ZADD_XX. Returns as kv_zadd();
 * KV_BADARG also for a point that is not on the grid, or other flags. The journal has it as ZADD.
 * Cost O(log n) each.
 */
KV_API kv_status kv_geoadd(kv *db, kv_slice key, const kv_geo_place *places, size_t count,
                           unsigned flags, uint64_t *added, uint64_t *updated);

/*
 * Where members are: the middle of their cells; nan for each that is not there. KV_OK also if there
 * is no key; KV_WRONGTYPE. Cost O(count).
 */
KV_API kv_status kv_geopos(kv *db, kv_slice key, const kv_slice *members, size_t count,
                           kv_geo_point *points);

/*
 * The metres between two members. KV_OK; KV_NONE if one of them is not there; KV_WRONGTYPE. Cost
 * O(1).
 */
KV_API kv_status kv_geodist(kv *db, kv_slice key, kv_slice first, kv_slice second,
                            double *distance);

/* Whether a point is on the grid; one with a nan is not. */
KV_API bool kv_geo_is_valid(kv_geo_point point);

/* The standard geohash of a point, 11 letters and a terminator; "" if it is not on the grid. */
KV_API void kv_geo_text(kv_geo_point point, char text[12]);

typedef enum kv_geo_unit {
    KV_GEO_METRES = 0,
    KV_GEO_KILOMETRES = 1,
    KV_GEO_FEET = 2,
    KV_GEO_MILES = 3
} kv_geo_unit;

/* How many metres a unit is. */
KV_API double kv_geo_metres(kv_geo_unit unit);

typedef enum kv_geo_shape {
    KV_GEO_CIRCLE = 0,
    KV_GEO_BOX = 1,    /* along the meridians and parallels */
    KV_GEO_POLYGON = 2 /* its edges being straight on a map of degrees */
} kv_geo_shape;

typedef enum kv_geo_order {
    KV_GEO_UNORDERED = 0,
    KV_GEO_NEAREST = 1, /* first */
    KV_GEO_FARTHEST = 2
} kv_geo_order;

typedef struct kv_geosearch_options {
    size_t size;            /* sizeof(kv_geosearch_options) */
    const kv_slice *member; /* the center is where this one is; NULL: `center` */
    kv_geo_point center;    /* a polygon has its own: the mean of its vertices */
    kv_geo_shape shape;
    double radius;                /* of a circle */
    double width, height;         /* of a box, in the middle of which the center is */
    const kv_geo_point *vertices; /* of a polygon: three or more */
    size_t vertex_count;
    kv_geo_unit unit; /* of radius, width and height, and of distances found */
    kv_geo_order order;
    uint64_t count;       /* no more than this many, the nearest unless `order` says otherwise; 0:
                             all */
    bool any;             /* with count: whichever are found first */
    bool store_distances; /* kv_geosearchstore(): as scores, in the place of the hashes */
    bool georadius_event; /* kv_geosearchstore(): tells "georadiusstore" as GEORADIUS does, not
                             "geosearchstore" */
} kv_geosearch_options;

typedef struct kv_geo_found {
    kv_slice member;
    double distance; /* from the center */
    kv_geo_point point;
    uint64_t hash;
} kv_geo_found;

typedef bool kv_visit_geo(void *context, const kv_geo_found *found);

/*
 * Lends the places in an area. `begin`, if not NULL, is told their number first. KV_OK also if
 * there is no key; KV_NOTFOUND if the center is to be a member that is not there; KV_BADARG for a
 * point that is not on the grid, a negative length, a polygon of less than three vertices, or `any`
 * without a count; KV_WRONGTYPE; KV_NOMEM. Cost O(log n + places near the area x log of those in
 * it).
 */
KV_API kv_status kv_geosearch(kv *db, kv_slice key, const kv_geosearch_options *options,
                              kv_range_begin *begin, kv_visit_geo *visit, void *context);

/*
 * The same, stored under `destination`, which may be the source, replacing whatever it held, of any
 * type; if nothing is found that key is removed. `stored` receives the number. Returns as
 * kv_geosearch(), and KV_READONLY; after an error nothing is stored. Cost as kv_geosearch().
 */
KV_API kv_status kv_geosearchstore(kv *db, kv_slice destination, kv_slice source,
                                   const kv_geosearch_options *options, uint64_t *stored);

/* -------------------------------------------------------------------------------------- bitmaps */

/*
 * A bitmap is a string whose bits are numbered, bit 0 being the highest of its first byte. Behind
 * its end, and where there is no key, all bits are 0. Writing makes it as long as needed; beyond
 * KV_SETTING_MAX_VALUE_SIZE that is KV_TOOBIG.
 */

/*
 * Sets or clears the bit at `offset`; `old` receives what it was. KV_OK, KV_TOOBIG, KV_WRONGTYPE,
 * KV_NOMEM, KV_READONLY. Cost O(1), and of zeros for a gap.
 */
KV_API kv_status kv_setbit(kv *db, kv_slice key, uint64_t offset, bool bit, bool *old);

/* The bit at `offset`. KV_OK, also if there is no key; KV_WRONGTYPE. Cost O(1). */
KV_API kv_status kv_getbit(kv *db, kv_slice key, uint64_t offset, bool *bit);

/* What the ends of a range count. */
typedef enum kv_unit { KV_UNIT_BYTE = 0, KV_UNIT_BIT = 1 } kv_unit;

/*
 * Counts the bits that are set from `start` to `end`, both included and clipped to the string: 0
 * and -1 mean all of it. KV_OK, also if there is no key; KV_WRONGTYPE. Cost O(size of the range),
 * at the speed of memory.
 */
KV_API kv_status kv_bitcount(kv *db, kv_slice key, int64_t start, int64_t end, kv_unit unit,
                             uint64_t *count);

/*
 * Finds the first bit from `start` on that equals `bit`.
 *
 * end       The last unit of the range, included. NULL: the range has no end, so that behind a
 *           string of ones there is a 0.
 * position  receives its number, counted in bits from the beginning of the string in either unit.
 * Returns   KV_OK; KV_NONE if the range has no such bit, or is empty; KV_WRONGTYPE. Without a key
 *           bit 0 is the first 0, whatever the range.
 * Cost      O(size of the range), at the speed of memory.
 */
KV_API kv_status kv_bitpos(kv *db, kv_slice key, bool bit, int64_t start, const int64_t *end,
                           kv_unit unit, uint64_t *position);

typedef enum kv_bit_operation {
    KV_BIT_AND = 0,
    KV_BIT_OR = 1,
    KV_BIT_XOR = 2,
    KV_BIT_NOT = 3,   /* of one key */
    KV_BIT_DIFF = 4,  /* in the first and in none of the others; of two keys at least */
    KV_BIT_DIFF1 = 5, /* in any of the others and not in the first; of two at least */
    KV_BIT_ANDOR = 6, /* in the first and in any of the others; of two at least */
    KV_BIT_ONE = 7    /* in exactly one */
} kv_bit_operation;

/*
 * Combines the strings at `count` keys bit by bit, all of one instant, and stores the result at
 * `destination`, which may be one of them. It is as long as the longest; if that is empty, the
 * destination is removed. `length` receives its size.
 *
 * Returns   KV_OK; KV_BADARG if the operation is not for so many keys; KV_WRONGTYPE if one of the
 *           keys, the destination aside, holds another type; KV_NOMEM; KV_READONLY.
 * Cost      O(count x longest), at the speed of memory.
 */
KV_API kv_status kv_bitop(kv *db, kv_bit_operation operation, kv_slice destination,
                          const kv_slice *keys, size_t count, uint64_t *length);

typedef enum kv_field_kind {
    KV_FIELD_GET = 0,
    KV_FIELD_SET = 1,
    KV_FIELD_INCRBY = 2
} kv_field_kind;

/* What becomes of a number that its field cannot hold. */
typedef enum kv_overflow {
    KV_OVERFLOW_WRAP = 0,     /* its low bits are stored */
    KV_OVERFLOW_SATURATE = 1, /* the nearest number that the field can hold */
    KV_OVERFLOW_FAIL = 2      /* nothing is stored */
} kv_overflow;

/* One step of kv_bitfield(): a field is a number of `bits` bits, the highest first. */
typedef struct kv_field_operation {
    kv_field_kind kind;
    bool is_signed;       /* in two's complement */
    uint8_t bits;         /* 1 to 64 if signed, 1 to 63 if not */
    kv_overflow overflow; /* of SET and INCRBY */
    uint64_t offset;      /* in bits */
    int64_t value;        /* SET: the number. INCRBY: what is added to it */
    kv_status status;     /* out: KV_OK, or KV_OVERFLOW: with KV_OVERFLOW_FAIL */
    int64_t result;       /* out, with KV_OK. GET, SET: what it was. INCRBY: what it is */
} kv_field_operation;

/*
 * Reads and changes fields of a bitmap, in order, at one instant. If any step is to write, the
 * string is made long enough for all of them first, even if they then fail.
 *
 * Returns   KV_OK, see the status of each step; KV_BADARG for a step outside its range, or where
 *           there is none; KV_TOOBIG; KV_WRONGTYPE; KV_NOMEM; KV_READONLY unless all steps read.
 * Cost      O(count).
 */
KV_API kv_status kv_bitfield(kv *db, kv_slice key, kv_field_operation *operations, size_t count);

/* ---------------------------------------------------------------------------------- HyperLogLog */

/*
 * How many different elements were seen, in 12 KiB at most, however many: an estimate with a
 * standard error of 0.81%. It is kept in a string, in Redis's format byte for byte: it may be read
 * by kv_get(), and one that was stored by kv_set() is taken as what it is. Each of these calls
 * returns KV_WRONGTYPE for another type, KV_NOTHLL for any other string, and KV_CORRUPT where a
 * string that begins like one contradicts itself.
 */

/*
 * Notes that `count` elements were seen (0: makes only sure that there is a HyperLogLog). `changed`
 * receives whether the estimate may have changed, or the key was made.
 *
 * Returns   KV_OK, as above, KV_NOMEM, KV_READONLY. All are noted or none.
 * Cost      O(count); for a sparse one, up to KV_SETTING_HLL_SPARSE_SIZE, O(count x its size).
 */
KV_API kv_status kv_pfadd(kv *db, kv_slice key, const kv_slice *elements, size_t count,
                          bool *changed);

/*
 * Estimates how many different elements were seen by any of `count` HyperLogLogs, all of one
 * instant; an absent key saw none. For a single key the estimate is kept in the string until the
 * next change, if writes are accepted: that is a change for the journal and for watches, too.
 *
 * Returns   KV_OK, as above, KV_NOMEM.
 * Cost      O(1) for a single key whose estimate is known; O(count x size) else, some microseconds
 *           each.
 */
KV_API kv_status kv_pfcount(kv *db, const kv_slice *keys, size_t count, uint64_t *cardinality);

/*
 * Makes the HyperLogLog at `destination`, creating it if absent, see what it and `count` others
 * have seen, at one instant; an absent key saw nothing. KV_OK, as above, KV_NOMEM, KV_READONLY.
 * Cost O(count x size).
 */
KV_API kv_status kv_pfmerge(kv *db, kv_slice destination, const kv_slice *sources, size_t count);

#define KV_HYPERLOGLOG_REGISTERS 16384

/*
 * Copies its registers, KV_HYPERLOGLOG_REGISTERS bytes: each the longest run of zeros, and one
 * more, in the hashes of the elements that fell to it. KV_OK, KV_NONE, as above. Cost O(registers).
 */
KV_API kv_status kv_pfregisters(kv *db, kv_slice key, uint8_t *registers);

typedef enum kv_run_kind {
    KV_RUN_ZERO = 0,      /* up to 64 registers that are 0, in one byte */
    KV_RUN_LONG_ZERO = 1, /* up to 16384, in two */
    KV_RUN_VALUE = 2      /* up to 4 of an equal value from 1 to 32, in one */
} kv_run_kind;
typedef bool kv_visit_run(void *context, kv_run_kind kind, unsigned count, unsigned value);

/*
 * Shows the runs of equal registers of which a sparse HyperLogLog is made, in order; `visit` may be
 * NULL; false from it ends the visit. KV_OK; KV_SKIPPED if it is dense: 6 bits a register, without
 * runs; KV_NONE; as above, KV_CORRUPT perhaps after some were shown. Cost O(runs).
 */
KV_API kv_status kv_pfruns(kv *db, kv_slice key, kv_visit_run *visit, void *context);

/*
 * Makes a sparse one dense. KV_OK; KV_SKIPPED if it is; KV_NONE; as above; KV_NOMEM; KV_READONLY.
 * Cost O(registers).
 */
KV_API kv_status kv_pfdense(kv *db, kv_slice key);

/* -------------------------------------------------------------------------------------- streams */

/*
 * A stream is a log: entries, each some fields with values, under ids that only grow. Entries may
 * be deleted; ids are never given again. Consumer groups share the entries out: each group reads
 * them once, each entry by one of its consumers, which then has it pending until it acknowledges.
 * A stream without entries stays, as it remembers ids and groups; only deleting its key ends it.
 *
 * Ids are kv_stream_id, in order of their time, then their sequence. KV_READONLY and KV_WRONGTYPE
 * are as everywhere; functions of groups return KV_NOTFOUND if there is no key and KV_NOGROUP if
 * there is no such group.
 */

#define KV_STREAM_ID_SIZE 44 /* room for the text of an id, and to spare */

/*
 * Reads the text of an id, in Redis's syntax: "1526919030474" or "1526919030474-55". *has_sequence
 * tells which; without one it is 0. KV_OK, KV_BADARG.
 */
KV_API kv_status kv_stream_id_parse(kv_slice text, kv_stream_id *id, bool *has_sequence);

/* Writes the text of an id, which is not terminated, and gives its size. */
KV_API size_t kv_stream_id_format(char text[KV_STREAM_ID_SIZE], kv_stream_id id);

/* An entry lent to a visitor; its fields are read one after another by kv_stream_entry_next(). */
typedef struct kv_stream_entry {
    kv_stream_id id;
    bool is_deleted; /* it is pending still, but not in the stream any more: no fields */
    uint64_t field_count;
    /* The rest belongs to kv_stream_entry_next(). */
    bool reads_values;
    uint64_t fields_left;
    const void *field, *value;
    char scratch[2][24];
} kv_stream_entry;

/* The next field and its value, good until the next call. False if there is none left. */
KV_API bool kv_stream_entry_next(kv_stream_entry *entry, kv_slice *field, kv_slice *value);

/* Returning false ends the visit early where nothing is changed by it. */
typedef bool kv_visit_entry(void *context, kv_stream_entry *entry);

/* What becomes of entries that consumer groups know when they are deleted. */
typedef enum kv_stream_references {
    KV_REFERENCES_KEEP = 0,   /* groups keep them pending; they are told as deleted ones */
    KV_REFERENCES_DELETE = 1, /* they are pending in no group any more */
    KV_REFERENCES_ACKED = 2   /* only entries that every group has read and acknowledged go */
} kv_stream_references;

typedef struct kv_stream_trim {
    size_t size;
    bool by_id; /* keep entries from `first` on; else the last `length` entries */
    kv_stream_id first;
    uint64_t length;
    bool approximately; /* delete whole pieces only, which is quicker: more may stay */
    uint64_t limit;     /* approximately: delete no more than so many; 0: any number */
    kv_stream_references references;
} kv_stream_trim;

typedef enum kv_stream_new_id {
    KV_ID_NOW = 0,  /* of this moment, or of the last entry's if that is later */
    KV_ID_TIME = 1, /* id.ms, and the next sequence for it */
    KV_ID_GIVEN = 2 /* id, which must be greater than all before */
} kv_stream_new_id;

typedef struct kv_xadd_options {
    size_t size;
    kv_stream_new_id how;
    kv_stream_id id;
    bool only_existing;         /* add to an existing stream only: else KV_NONE */
    const kv_stream_trim *trim; /* not NULL: trim afterwards */
} kv_xadd_options;

/*
 * Adds an entry of `pair_count` fields, each followed by its value, creating the stream if the key
 * is absent. A field may come more than once.
 *
 * id        receives the id of the entry.
 * Returns   KV_OK; KV_NONE; KV_SKIPPED if the id is not greater than that of the last entry ever;
 *           KV_OVERFLOW if no id is left; KV_TOOBIG if all together have 1 GiB or more; KV_BADARG
 *           if there is no pair, or for the id {0, 0}; KV_NOMEM.
 * Cost      O(fields), and what is trimmed: O(pieces) approximately, else O(entries) of one piece.
 */
KV_API kv_status kv_xadd(kv *db, kv_slice key, const kv_slice *pairs, size_t pair_count,
                         const kv_xadd_options *options, kv_stream_id *id);

/*
 * The number of entries; KV_NONE (and 0) if there is no key. If `length` is NULL this only tells
 * whether there is a stream, which does not count as reading it. Cost O(1).
 */
KV_API kv_status kv_xlen(kv *db, kv_slice key, uint64_t *length);

/*
 * Lends the entries from `first` to `last`, both included, up to `count` unless that is 0: from the
 * first on, or from the last one backwards (`from` KV_TAIL). KV_OK; KV_NONE if there is no key.
 * Cost O(log n + entries).
 */
KV_API kv_status kv_xrange(kv *db, kv_slice key, kv_stream_id first, kv_stream_id last, kv_end from,
                           uint64_t count, kv_visit_entry *visit, void *context);

/*
 * Deletes entries; `deleted` receives how many there were. KV_OK; KV_NONE (and 0) if there is no
 * key. Cost O(log n) each.
 */
KV_API kv_status kv_xdel(kv *db, kv_slice key, const kv_stream_id *ids, size_t count,
                         uint64_t *deleted);

/* What became of an entry that was to be deleted. */
typedef enum kv_stream_deletion {
    KV_DELETION_NONE = -1, /* there is no such entry */
    KV_DELETION_DONE = 1,
    KV_DELETION_WANTED = 2 /* with KV_REFERENCES_ACKED: a group has not acknowledged it yet */
} kv_stream_deletion;

typedef void kv_visit_deletion(void *context, size_t index, kv_stream_deletion deletion);

/*
 * The same, telling of each of them; with no key none is there, and that is KV_OK. Cost O(log n)
 * each, and with references a look into every group.
 */
KV_API kv_status kv_xdelex(kv *db, kv_slice key, const kv_stream_id *ids, size_t count,
                           kv_stream_references references, kv_visit_deletion *visit,
                           void *context);

/*
 * Trims the stream; `deleted` receives how many entries went. KV_OK; KV_NONE (and 0) if there is no
 * key. Cost O(entries deleted).
 */
KV_API kv_status kv_xtrim(kv *db, kv_slice key, const kv_stream_trim *trim, uint64_t *deleted);

typedef struct kv_xsetid_options {
    size_t size;
    bool has_added; /* set how many entries were ever added to `added` */
    uint64_t added;
    kv_stream_id last_deleted; /* not {0, 0}: the greatest id ever deleted */
} kv_xsetid_options;

/*
 * Sets the last id of a stream, which later ones will be greater than. For those who rebuild a
 * stream. KV_OK; KV_NOTFOUND if there is no key; KV_SKIPPED if the stream has a greater id, or
 * deleted one, or more entries than `added`; KV_BADARG if last_deleted is greater than `last`.
 * Cost O(1).
 */
KV_API kv_status kv_xsetid(kv *db, kv_slice key, kv_stream_id last,
                           const kv_xsetid_options *options);

typedef struct kv_stream_info {
    size_t size;
    uint64_t length;
    uint64_t added;            /* entries added in the stream's life */
    kv_stream_id first;        /* of the entries that are there; {0, 0} if there are none */
    kv_stream_id last;         /* the greatest ever */
    kv_stream_id last_deleted; /* the greatest ever deleted, trimming aside */
    uint64_t groups;
    uint64_t pieces, nodes; /* packs of entries, and what leads to them */
} kv_stream_info;

/*
 * Tells about a stream; and then, if it has entries and `visit` is not NULL, lends the first and
 * the last one. It does not count as reading the stream. KV_OK; KV_NONE if there is no key. Cost
 * O(1).
 */
KV_API kv_status kv_xinfo(kv *db, kv_slice key, kv_stream_info *info, kv_visit_entry *visit,
                          void *context);

/* Where reading goes on in a stream. */
typedef struct kv_stream_from {
    kv_slice key;
    kv_stream_id after; /* give entries with a greater id */
    bool only_new;      /* kv_xreadgroup: those not delivered to the group yet, not the consumer's
                           pending ones. kv_xread: those added from now on */
} kv_stream_from;

/* Told before the entries of each stream that has any; `index` is its place in the call. */
typedef void kv_visit_stream(void *context, size_t index);

typedef struct kv_xread_options {
    size_t size;
    uint64_t count;     /* up to so many entries of each stream; 0: all */
    bool wait;          /* if there is nothing, sleep until there is */
    int64_t timeout_ms; /* by the system's clock; 0: for ever */
    bool no_ack;        /* kv_xreadgroup: entries count as acknowledged */
} kv_xread_options;

/*
 * Lends entries of several streams at one instant. When the thread had to wait it is the thread
 * that added an entry which calls the visitors, while this one sleeps; those who wait for one key
 * come in the order in which they began to. Inside a transaction nobody waits.
 *
 * Returns   KV_OK; KV_NONE if there is nothing; KV_TIMEOUT.
 * Cost      O(log n + entries) a stream.
 */
KV_API kv_status kv_xread(kv *db, const kv_stream_from *streams, size_t stream_count,
                          const kv_xread_options *options, kv_visit_stream *begin,
                          kv_visit_entry *visit, void *context);

/* ------------------------------------------------------------------------------ consumer groups */

typedef struct kv_xgroup_options {
    size_t size;
    kv_stream_id after; /* the group reads entries with greater ids */
    bool from_end;      /* that is, those added from now on */
    bool has_read;      /* `read` says how many entries come before, which the lag is told from;
                           else it is unknown until the group reads on */
    int64_t read;       /* -1: unknown, too */
    bool create_stream; /* kv_xgroup_create: make an empty stream if there is no key */
} kv_xgroup_options;

/*
 * Makes a consumer group; or sets where an existing one reads on. KV_OK; KV_SKIPPED if there is a
 * group of that name already; KV_NOTFOUND; KV_NOGROUP (setid); KV_NOMEM. Cost O(log groups).
 */
KV_API kv_status kv_xgroup_create(kv *db, kv_slice key, kv_slice group,
                                  const kv_xgroup_options *options);
KV_API kv_status kv_xgroup_setid(kv *db, kv_slice key, kv_slice group,
                                 const kv_xgroup_options *options);

/*
 * Removes a group with all that is pending in it. Those who wait to read for it are told
 * KV_NOGROUP. KV_OK; KV_NONE if there is no such group; KV_NOTFOUND. Cost O(pending).
 */
KV_API kv_status kv_xgroup_destroy(kv *db, kv_slice key, kv_slice group);

/*
 * Makes a consumer: KV_OK, KV_SKIPPED if there is one of that name; kv_xreadgroup() and kv_xclaim()
 * make the one they are given, too. Or removes one: `pending` receives how many entries it had
 * pending, which are in no list then; KV_NONE (and 0) if there is none. KV_NOTFOUND, KV_NOGROUP.
 * Cost O(log consumers), and of its pending entries when it goes.
 */
KV_API kv_status kv_xgroup_createconsumer(kv *db, kv_slice key, kv_slice group, kv_slice consumer);
KV_API kv_status kv_xgroup_delconsumer(kv *db, kv_slice key, kv_slice group, kv_slice consumer,
                                       uint64_t *pending);

/*
 * Lends entries of several streams to a consumer of a group that each of them has, at one instant:
 * with only_new those the group has not delivered yet, which become pending of this consumer; else
 * its own pending ones, with greater ids than `after`, once more (`begin` is then told of the
 * stream also if there are none). What visit returns is ignored. Waiting is as with kv_xread(); it
 * ends with an error when the key or the group goes. (The consumer is made before the thread waits,
 * and stays if that finds no memory.)
 *
 * failed    receives the index of the stream that has no key, no group or no memory.
 * Returns   KV_OK; KV_NONE; KV_TIMEOUT; KV_NOTFOUND, KV_NOGROUP or KV_WRONGTYPE; KV_NOMEM.
 * Cost      O(log n + entries x log pending) a stream.
 */
KV_API kv_status kv_xreadgroup(kv *db, kv_slice group, kv_slice consumer,
                               const kv_stream_from *streams, size_t stream_count,
                               const kv_xread_options *options, kv_visit_stream *begin,
                               kv_visit_entry *visit, void *context, size_t *failed);

/*
 * Acknowledges entries: they are not pending any more. `acknowledged` receives how many were. KV_OK
 * also if there is no key or group. Cost O(log n) each.
 */
KV_API kv_status kv_xack(kv *db, kv_slice key, kv_slice group, const kv_stream_id *ids,
                         size_t count, uint64_t *acknowledged);

/*
 * Acknowledges entries and deletes those, as kv_xdelex(). KV_DELETION_NONE: it was not pending in
 * the group, also if there is no key or group; KV_DELETION_WANTED: it was, and stays for other
 * groups. KV_OK also if there is no key or group; KV_BADARG if count is 0; KV_NOMEM: nothing is
 * done. Cost O(log n) each, and with references a look into every group.
 */
KV_API kv_status kv_xackdel(kv *db, kv_slice key, kv_slice group, const kv_stream_id *ids,
                            size_t count, kv_stream_references references, kv_visit_deletion *visit,
                            void *context);

/* An entry that is pending. */
typedef struct kv_pending_entry {
    kv_stream_id id;
    kv_slice consumer;
    int64_t delivered_ms; /* when last */
    int64_t idle_ms;      /* since then */
    uint64_t deliveries;  /* how often */
} kv_pending_entry;

typedef bool kv_visit_pending(void *context, const kv_pending_entry *entry);

typedef struct kv_pending_summary {
    uint64_t count;
    kv_stream_id first, last; /* if count > 0 */
} kv_pending_summary;

typedef bool kv_visit_count(void *context, kv_slice name, uint64_t count);

/*
 * Sums up what is pending in a group, and visits the consumers that have something pending, in the
 * order of their names. With neither of them this only tells whether there is the group, which does
 * not count as reading the stream. KV_OK; KV_NOTFOUND if there is no key; KV_NOGROUP. Cost
 * O(consumers).
 */
KV_API kv_status kv_xpending(kv *db, kv_slice key, kv_slice group, kv_pending_summary *summary,
                             kv_visit_count *visit, void *context);

typedef struct kv_xpending_options {
    size_t size;
    kv_stream_id first, last;
    uint64_t count;           /* up to so many; 0: all */
    int64_t min_idle_ms;      /* idle for at least so long */
    const kv_slice *consumer; /* not NULL: of this one only; KV_NONE if there is none */
} kv_xpending_options;

/*
 * Lends pending entries in the order of their ids. KV_OK; KV_NONE if there is no such consumer;
 * KV_NOTFOUND if there is no key; KV_NOGROUP. Cost O(log pending + entries looked at).
 */
KV_API kv_status kv_xpending_range(kv *db, kv_slice key, kv_slice group,
                                   const kv_xpending_options *options, kv_visit_pending *visit,
                                   void *context);

typedef struct kv_xclaim_options {
    size_t size;
    int64_t min_idle_ms; /* claim entries that have been idle for at least so long */
    bool has_time;       /* they are as if delivered at `time_ms`, else now; the future is now */
    int64_t time_ms;
    bool has_deliveries; /* they are as if delivered so often; else once more, but for just_id */
    uint64_t deliveries;
    bool force;         /* also entries of the stream that are not pending */
    bool just_id;       /* the entry is lent without fields */
    kv_stream_id last;  /* the group has delivered at least up to here */
    kv_stream_id start; /* kv_xautoclaim: from this id on */
    uint64_t count;     /* kv_xautoclaim: up to so many entries; 0: 100 */
} kv_xclaim_options;

/*
 * Makes entries pending of another consumer and lends them to it. One that is not in the stream any
 * more is taken off the pending ones. All or none; what visit returns is ignored.
 *
 * Returns   KV_OK; KV_NOTFOUND if there is no key; KV_NOGROUP; KV_NOMEM.
 * Cost      O(log n) an id.
 */
KV_API kv_status kv_xclaim(kv *db, kv_slice key, kv_slice group, kv_slice consumer,
                           const kv_stream_id *ids, size_t count, const kv_xclaim_options *options,
                           kv_visit_entry *visit, void *context);

/*
 * The same for pending entries from options->start on that are idle enough: looks at ten times as
 * many as it may claim. Those that are not in the stream any more are told as deleted ones. `next`
 * receives where to go on, {0, 0} if the end was reached. Returns as kv_xclaim(). Cost O(log n) an
 * entry looked at.
 */
KV_API kv_status kv_xautoclaim(kv *db, kv_slice key, kv_slice group, kv_slice consumer,
                               const kv_xclaim_options *options, kv_visit_entry *visit,
                               void *context, kv_stream_id *next);

typedef struct kv_group_info {
    kv_slice name;
    uint64_t consumers, pending;
    kv_stream_id last; /* delivered */
    int64_t read;      /* entries read in the stream's life, -1: unknown */
    bool has_lag;
    int64_t lag; /* entries still to be read, if that can be told */
} kv_group_info;

typedef struct kv_consumer_info {
    kv_slice name;
    uint64_t pending;
    int64_t seen_ms;   /* when it last asked for entries */
    int64_t active_ms; /* when it last got some; -1: never */
} kv_consumer_info;

typedef bool kv_visit_group(void *context, const kv_group_info *group);
typedef bool kv_visit_consumer(void *context, const kv_consumer_info *consumer);

/*
 * Tells about the groups of a stream, or the consumers of a group, in the order of their names.
 * KV_OK; KV_NOTFOUND if there is no key; KV_NOGROUP. Cost O(groups); O(consumers).
 */
KV_API kv_status kv_xinfo_groups(kv *db, kv_slice key, kv_visit_group *visit, void *context);
KV_API kv_status kv_xinfo_consumers(kv *db, kv_slice key, kv_slice group, kv_visit_consumer *visit,
                                    void *context);

/* Who is told what by kv_xinfo_full(); each but `size` may be NULL. */
typedef struct kv_stream_visitors {
    size_t size;
    void (*stream)(void *context, const kv_stream_info *info);
    kv_visit_entry *entry;
    kv_visit_group *group;
    kv_visit_pending *pending; /* of a group */
    kv_visit_consumer *consumer;
    kv_visit_pending *pending_of_consumer;
} kv_stream_visitors;

/*
 * Tells all about a stream at one instant, in this order: what is known of it; its entries; then
 * each group, followed by the pending entries of it and by its consumers, each of those followed by
 * its own pending entries. `count` limits each of the lists of entries, unless it is 0. What the
 * visitors return is ignored. It does not count as reading the stream. KV_OK; KV_NONE if there is
 * no key. Cost O(what is told).
 */
KV_API kv_status kv_xinfo_full(kv *db, kv_slice key, uint64_t count,
                               const kv_stream_visitors *visitors, void *context);

/* -------------------------------------------------------------------------------------- sorting */

/*
 * How to sort a list, set or sorted set. A pattern with a star names a key for each element, which
 * stands in the place of the star, or with an arrow a field of the hash at that key: "weight_*",
 * "user_*->age".
 */
typedef struct kv_sort_options {
    size_t size;         /* sizeof(kv_sort_options) */
    const kv_slice *by;  /* NULL: by the elements themselves; a pattern: by what it names for each;
                           one without a star: do not sort, leave a list or sorted set
                           in its order */
    const kv_slice *get; /* patterns: answer with what they name, "#" being the element itself, in
                            the place of each element */
    size_t get_count;
    bool descending;
    bool alphabetic;       /* by bytes; else by numbers, and of equal ones by bytes */
    bool limited;          /* answer with a part only: */
    int64_t offset, count; /* so many elements from this one on; all if the count is negative */
} kv_sort_options;

/*
 * Lends the elements of a list, set or sorted set in order, or what they stand for: `visit` is
 * shown NULL where a pattern names nothing. An element for which `by` names nothing counts as 0, or
 * comes before all others. `begin`, if not NULL, is told the number of answers first (0 for an
 * absent key).
 *
 * Returns   KV_OK, also if there is no key; KV_WRONGTYPE; KV_NOTFLOAT if what is to be sorted by
 *           number is none; KV_NOMEM, perhaps after some were lent; KV_NOTLOCKED in a transaction
 *           that did not declare a key that a pattern names.
 * Cost      O(n log n) for n elements, and a look at a key for each pattern and element; for the
 *           time of which a pattern with a star holds all shards.
 */
KV_API kv_status kv_sort(kv *db, kv_slice key, const kv_sort_options *options,
                         kv_range_begin *begin, kv_visit_at *visit, void *context);

/*
 * Stores the answers as a list under `destination`, replacing whatever it held, an empty text where
 * a pattern names nothing; if there are none the key is removed. `stored` receives their number.
 * Returns as kv_sort(), and KV_READONLY; after an error nothing is stored.
 */
KV_API kv_status kv_sortstore(kv *db, kv_slice destination, kv_slice key,
                              const kv_sort_options *options, uint64_t *stored);

/* ---------------------------------------------------------------------------------------- waits */

typedef struct kv_waiter kv_waiter;

/*
 * What a wait came to: the key served (index and bytes) and the elements taken off a list; all lent
 * for the call.
 */
typedef struct kv_wait_result {
    kv_status status; /* KV_OK; KV_WRONGTYPE if a move's destination is no list; KV_NOMEM; whatever
                         an attempt returned */
    size_t key_index;
    kv_slice key;
    const kv_slice *elements; /* none after an attempt */
    size_t element_count;
} kv_wait_result;

/*
 * Called once, by whichever thread brought the element, before its call returns, with no lock that
 * `kv_wait_cancel` needs. It must not call the store: it hands the result to its own loop. The
 * waiter is still to be freed.
 */
typedef void kv_wait_done(void *context, kv_waiter *waiter, const kv_wait_result *result);

/*
 * Takes what a waiter came for, by any calls on `txn` about `key`, which it holds: other keys need
 * not be there. KV_NONE: it is not there, the wait goes on; anything else ends the wait and is its
 * result. Called by whichever thread brought something, under the key's lock, perhaps many times.
 */
typedef kv_status kv_wait_attempt(void *context, kv *txn, size_t key_index, kv_slice key);

typedef struct kv_wait_options {
    size_t size;
    const kv_slice *keys; /* in order of preference; copied */
    size_t key_count;
    kv_end end;                  /* where to take from */
    uint64_t count;              /* up to how many; 0 means 1 */
    const kv_slice *destination; /* not NULL: push there what was taken (one element, one key) */
    kv_end to_end;
    kv_wait_done *done;
    void *context;
    /*
     * Not NULL: waits for something else than elements of a list (the four fields from `end` on are
     * not used then), which only a value of this `type` can have. With minds_removal it is tried,
     * too, when a key goes or becomes another type.
     */
    kv_wait_attempt *attempt;
    kv_type type;
    bool minds_removal;
} kv_wait_options;

/*
 * Takes elements now, or waits for them without blocking the thread. Timeouts are the caller's:
 * kv_wait_cancel().
 * Returns   KV_OK if there was something: done has been called, *waiter is NULL. KV_PENDING: done
 *           will be called, and *waiter must be ended with kv_wait_cancel(), before or after.
 *           KV_TIMEOUT in a transaction, where nothing can wait. KV_BADARG without keys or `done`,
 *           for a destination with several keys, a count above 1 or an attempt, or for an attempt
 *           without a type; KV_WRONGTYPE; KV_NOMEM; KV_READONLY without an attempt; and what
 *           that returned.
 * Cost      O(keys + elements taken).
 */
KV_API kv_status kv_wait(kv *db, const kv_wait_options *options, kv_waiter **waiter);

/*
 * The same with an attempt on the calling thread, which sleeps until that has given something else
 * than KV_NONE, or `timeout_ms` has passed by the system's clock (0 means for ever); `done` is not
 * called. `index` receives which key it was. Returns KV_TIMEOUT or the attempt's status; KV_BADARG
 * without an attempt or for a timeout below 0; KV_WRONGTYPE; KV_NOMEM. Cost O(keys), and the
 * attempts.
 */
KV_API kv_status kv_wait_here(kv *db, const kv_wait_options *options, int64_t timeout_ms,
                              size_t *index);

/*
 * Ends a wait and frees it. KV_OK: cancelled, done will not be called. KV_NONE: done was called
 * already (when this returns, it has returned too). Not to be called from within done. Cost
 * O(keys).
 */
KV_API kv_status kv_wait_cancel(kv_waiter *waiter);

/* --------------------------------------------------------------------- transactions and batches */

#define KV_TXN_ALL 1u /* lock every shard: any key may be used, and whole-database calls */
#define KV_TXN_ABORTABLE \
    2u /* keep the old state of each key when first written, so that kv_abort()
                               undoes */

typedef struct kv_watch kv_watch;

typedef struct kv_txn_options {
    size_t size;
    unsigned flags;
    const kv_slice *keys; /* those that will be used, in any order, of any database */
    size_t key_count;
    kv_watch *watch; /* begin only if none of its keys has changed; may be NULL */
} kv_txn_options;

/*
 * Begins a transaction and gives a view on which every call works; others see all of it or nothing.
 * It holds the locks of its keys' shards, taken in one order so that transactions never wait for
 * each other in a circle: be brief, and make no call on another view of the same store from this
 * thread until it ends.
 *
 * Returns   KV_OK; KV_CONFLICT if a watched key has changed; KV_BADARG in a transaction, or for
 *           other flags; KV_NOMEM.
 * Threads   The view belongs to the thread that began it; a kv_select() of it is part of it.
 * Cost      O(keys + watched keys + databases), O(shards) with KV_TXN_ALL, and the wait for their
 *           locks.
 */
KV_API kv_status kv_begin(kv *db, const kv_txn_options *options, kv **txn);

/* Ends the transaction; its changes go to the journal as one group. KV_OK, always. Frees `txn`. */
KV_API kv_status kv_commit(kv *txn);

/*
 * Undoes the changes of a transaction begun with KV_TXN_ABORTABLE and frees it; without it:
 * KV_BADARG, open still.
 */
KV_API kv_status kv_abort(kv *txn);

/*
 * A watch remembers keys and knows whether any changed since it was added (kv_txn_options.watch). A
 * key that expires after it was added counts as changed.
 *
 * kv_watch_add() takes a view of any database of the same store (else KV_BADARG); a key it has
 * already is fine. kv_watch_reset() forgets all keys and changes, also before the watch is used
 * again: kv_begin() leaves it as it is. NULL is ignored; to kv_watch_is_dirty() it is clean.
 *
 * Threads   A watch is for one thread at a time; its keys may be changed by any.
 * Memory    Closed by kv_watch_close(), before the store.
 * Returns   KV_OK; KV_BADARG; KV_NOMEM.
 * Cost      O(1); kv_watch_add() also a search through the keys of the watch or the watches of the
 *           key, whichever are fewer; kv_watch_reset() and kv_watch_close() O(keys). For each write
 *           to a watched key O(watches of it).
 */
KV_API kv_status kv_watch_open(kv *db, kv_watch **watch);
KV_API kv_status kv_watch_add(kv_watch *watch, kv *db, kv_slice key);
KV_API bool kv_watch_is_dirty(kv_watch *watch);
KV_API void kv_watch_reset(kv_watch *watch);
KV_API void kv_watch_close(kv_watch *watch);

typedef enum kv_operation_kind {
    KV_OPERATION_GET = 0,    /* value goes to `buffer` */
    KV_OPERATION_SET = 1,    /* from `value`, with `ttl_ms` (0: never) */
    KV_OPERATION_DEL = 2,    /* `number` receives 0 or 1 */
    KV_OPERATION_EXISTS = 3, /* `number` receives 0 or 1 */
    KV_OPERATION_INCRBY = 4, /* by `number`, which receives the sum */
    KV_OPERATION_EXPIRE = 5, /* in `ttl_ms` */
    KV_OPERATION_LPUSH = 6,  /* `value`; `number` receives the length */
    KV_OPERATION_RPUSH = 7,
    KV_OPERATION_LPOP = 8, /* to `buffer` */
    KV_OPERATION_RPOP = 9
} kv_operation_kind;

typedef struct kv_operation {
    kv_operation_kind kind;
    kv_status status; /* out: what the single call would have returned */
    kv_slice key;
    kv_slice value;
    int64_t ttl_ms;
    int64_t number;
    kv_buffer *buffer;
} kv_operation;

/*
 * Does `count` operations in order, with the cache misses of their keys overlapping and each shard
 * locked once. Each succeeds or fails by itself. Nothing comes between them, but the journal has
 * them one by one. Returns KV_OK if all were tried (see each status), KV_NOMEM if none was. Cost:
 * the sum, less the waiting.
 */
KV_API kv_status kv_batch(kv *db, kv_operation *operations, size_t count);

/* ------------------------------------------------------------------------ publish and subscribe */

/*
 * A message that is published on a channel goes to all who are subscribed to the channel at that
 * moment; it is not stored. Channels belong to the whole store, not to one of its databases, and
 * are shared by the threads of this process and the clients of a server on this store. They are
 * not created: a channel exists while somebody is subscribed to it.
 *
 *     static void hear(void *context, const kv_message *message) { ... }
 *
 *     kv_subscriber *subscriber;
 *     kv_subscriber_open(db, hear, context, &subscriber);
 *     kv_subscribe(subscriber, KV_CHANNEL, KV_TEXT("news"));
 *     kv_publish(db, KV_TEXT("news"), KV_TEXT("It rains."), NULL);
 *     kv_subscriber_close(subscriber);
 */
typedef enum kv_channel_kind {
    KV_CHANNEL = 0,
    KV_PATTERN = 1,      /* every channel whose name matches a glob pattern */
    KV_SHARD_CHANNEL = 2 /* of SSUBSCRIBE: a name of its own, beside the channel of that name */
} kv_channel_kind;

typedef struct kv_message {
    kv_channel_kind kind; /* of the subscription by which it came */
    kv_slice channel;
    kv_slice pattern; /* of a KV_PATTERN: the one that matched; else empty */
    kv_slice payload;
} kv_message;

/*
 * Receives a message, lent for the call, in the thread that published it and before that call
 * returns: those of one channel one after another, in the order in which they are published and the
 * same for all, those of different channels perhaps by several threads at once. Who is subscribed
 * in several ways receives a message several times. It runs under locks, also those of keys (events
 * of keys, messages published in a transaction): it must be short and may call nothing of the store
 * but kv_message_keep() and kv_message_release().
 */
typedef void kv_receive(void *context, const kv_message *message);

/*
 * Gives a message that lasts until kv_message_release(), to be handed to another thread. All who
 * keep the same message share one copy of it, made for the first. Keeping a kept one again is
 * fine: each has to be released, by any thread, before kv_close().
 * Returns   NULL without memory.
 * Cost      O(size) for the first, O(1) for others.
 */
KV_API const kv_message *kv_message_keep(const kv_message *message);
KV_API void kv_message_release(const kv_message *message);

typedef struct kv_subscriber kv_subscriber;

/*
 * Makes a subscriber, who is not subscribed to anything yet, and ends one with all its
 * subscriptions. When kv_subscriber_close() returns, `receive` is not running and will not be
 * called again. NULL is ignored. KV_OK, KV_BADARG, KV_NOMEM.
 */
KV_API kv_status kv_subscriber_open(kv *db, kv_receive *receive, void *context,
                                    kv_subscriber **subscriber);
KV_API void kv_subscriber_close(kv_subscriber *subscriber);

/*
 * Begins and ends a subscription to a channel, a pattern or a shard channel. When kv_unsubscribe()
 * returns, no message of it is being received or will be.
 * Returns   KV_OK; KV_SKIPPED (subscribe: was subscribed already); KV_NONE (unsubscribe: was not);
 *           KV_BADARG; KV_NOMEM.
 * Cost      O(1), and a search through the subscriptions of the subscriber or those of the name,
 *           whichever are fewer.
 */
KV_API kv_status kv_subscribe(kv_subscriber *subscriber, kv_channel_kind kind, kv_slice name);
KV_API kv_status kv_unsubscribe(kv_subscriber *subscriber, kv_channel_kind kind, kv_slice name);

/*
 * Ends all subscriptions of a kind, one by one, and shows the name of each to `visit` if that is
 * not NULL. What visit returns is ignored. KV_OK or KV_BADARG.
 */
KV_API kv_status kv_unsubscribe_all(kv_subscriber *subscriber, kv_channel_kind kind,
                                    kv_visit *visit, void *context);

/* How many subscriptions of a kind a subscriber has. */
KV_API uint64_t kv_subscriptions(const kv_subscriber *subscriber, kv_channel_kind kind);

/*
 * Publishes a message on a channel, or on a shard channel. `receivers` receives how many were given
 * it. In a transaction it is delivered at once, and kv_abort() does not take it back.
 * Replicas, and others who follow messages (kv_follow_messages()), are told of it.
 * Returns   KV_OK; KV_BADARG; in a transaction while messages are followed KV_NOMEM, and nobody
 *           was given it.
 * Cost      O(receivers + patterns), and while messages are followed a copy and the lock of a shard.
 */
KV_API kv_status kv_publish(kv *db, kv_slice channel, kv_slice payload, uint64_t *receivers);
KV_API kv_status kv_spublish(kv *db, kv_slice channel, kv_slice payload, uint64_t *receivers);

typedef bool kv_visit_channel(void *context, kv_slice name, uint64_t subscribers);

/*
 * Visits the names of a kind that somebody is subscribed to, and that match `pattern` unless that
 * is NULL. The visitor runs under a lock of channels, and must not call the store. KV_OK or
 * KV_BADARG. Cost O(names).
 */
KV_API kv_status kv_channels(kv *db, kv_channel_kind kind, const kv_slice *pattern,
                             kv_visit_channel *visit, void *context);

/* How many are subscribed to this name; how many names of a kind there are. Cost O(1). */
KV_API uint64_t kv_channel_subscribers(kv *db, kv_channel_kind kind, kv_slice name);
KV_API uint64_t kv_channel_count(kv *db, kv_channel_kind kind);

/*
 * Events: with KV_SETTING_EVENTS, what happens to keys is published as well, as Redis's keyspace
 * notifications, under the key's lock and so for one key in the order in which it happens:
 *
 *     KV_EVENT_BY_KEY    on "__keyspace@DATABASE__:KEY", the payload is the event
 *     KV_EVENT_BY_NAME   on "__keyevent@DATABASE__:EVENT", the payload is the key
 *
 * An event is named after the command that does it, in small letters ("set", "lpush", "del",
 * "rename_from"); Redis's manual lists them. Changes in a transaction that can be aborted are
 * published when it commits, others at once. As with any message, one that finds no memory is lost;
 * whoever must not miss a change follows the journal. Cost of an event: a branch, if its class is
 * not wanted.
 */
#define KV_EVENT_BY_KEY     0x0001 /* K */
#define KV_EVENT_BY_NAME    0x0002 /* E: without one of these two nothing is published */
#define KV_EVENT_GENERIC    0x0004 /* g: of keys of any type: del, expire, rename_from... */
#define KV_EVENT_STRING     0x0008 /* $ */
#define KV_EVENT_LIST       0x0010 /* l */
#define KV_EVENT_SET        0x0020 /* s */
#define KV_EVENT_HASH       0x0040 /* h */
#define KV_EVENT_SORTED_SET 0x0080 /* z */
#define KV_EVENT_EXPIRED    0x0100 /* x: in kv_tick(), or when the key is looked for before */
#define KV_EVENT_EVICTED    0x0200 /* e */
#define KV_EVENT_STREAM     0x0400 /* t */
#define KV_EVENT_MISS       0x0800 /* m: keymiss, a key that is read is not there */
#define KV_EVENT_MODULE     0x1000 /* d: of types of modules, of which there are none */
#define KV_EVENT_NEW        0x2000 /* n: new, before the event of what made the key */
#define KV_EVENT_ALL        0x17fc /* A: all classes but MISS and NEW */

/* ------------------------------------------------------------------------------------ snapshots */

/*
 * All databases as they are at one instant, as an RDB file: what Redis 7.0 and later and Valkey
 * load. Writers go on meanwhile; nothing is forked, no thread is made.
 *
 *     kv_snapshot *snapshot;
 *     kv_status status = kv_snapshot_begin(db, NULL, write_somewhere, file, &snapshot);
 *     while (status == KV_OK || status == KV_MORE) {
 *         status = kv_snapshot_step(snapshot, 500);            // 500 us of work, then something else
 *         if (status == KV_OK) break;
 *     }
 *     kv_snapshot_end(snapshot);
 *
 * Instant   kv_snapshot_begin() holds every shard for some microseconds. What calls did before it is
 *           in the snapshot, a transaction whole or not at all; what they do later is not.
 * Memory    A writer that changes or removes a key that is not written yet first saves its record,
 *           once. What waits so for the host's writer, and what it is given in one piece, is held to
 *           KV_SETTING_SNAPSHOT_MEMORY, but for a single value that is larger: who is about to write
 *           and finds more there hands out a piece himself. A database that is flushed is kept until
 *           it is written.
 * Delay     No call waits longer than a slice of a step, or the record of one key it changes, takes:
 *           some microseconds, and for a large value about 1 ms a MiB. At the memory's limit a call
 *           that writes takes as long as the host's writer, too.
 * Format    Version 10 with a checksum, texts compressed (LZF) where that makes them shorter. A hash
 *           with deadlines of fields has a form of version 12, which Redis 7.4 and later read. The
 *           deadlines of members of sets and sorted sets are in auxiliary fields, which others pass
 *           over. Source: rdb.h of Redis.
 */
typedef struct kv_snapshot kv_snapshot;

/*
 * Takes the next bytes, lent for the call; anything but KV_OK ends the snapshot with that status
 * (KV_MORE, which would mean that it goes on, with KV_IOERROR). It is called by
 * kv_snapshot_step() or by a call that writes to the store, never by two at once, with no lock held
 * that another call would wait for but at the memory's limit. It must not call the store. What it is
 * given are whole records: the head of the file at first, then pieces that each begin with their
 * database, the end at last.
 */
typedef kv_status kv_writer(void *context, kv_slice bytes);

typedef struct kv_snapshot_options {
    size_t size;
    /*
     * Called at the instant, while all shards are held: nobody follows the journal then, and what it
     * has told belongs to the snapshot. It must be short and must not call the store. It may fill in
     * the texts of `aux`. Should memory run out then, the begin fails after all. May be NULL.
     */
    void (*at_instant)(void *context);
    void *at_instant_context;
    /* Auxiliary fields for the head of the file: names and values in turn, lent for the begin. */
    const kv_slice *aux;
    size_t aux_count; /* of both together */
    /*
     * Of the format: 10 (Redis 7.0), 11 (7.2), 12 (7.4), in whose forms deadlines that they do not
     * know are left out; 0: 10, but for values that would lose something.
     */
    unsigned rdb_version;
    bool uncompressed;
    bool unsummed;   /* zero in the place of the checksum, as Redis writes with rdbchecksum no */
    bool tells_idle; /* how long each key was not used goes with it, for eviction by that */
} kv_snapshot_options;

/*
 * Marks the instant and begins. Nothing is written yet. NULL options: all defaults.
 *
 * Returns   KV_OK; KV_BUSY while another snapshot of the store is not ended; KV_NOMEM; KV_BADARG for
 *           options outside their range, or a view inside a transaction.
 * Cost      O(shards x databases), all shards held.
 */
KV_API kv_status kv_snapshot_begin(kv *db, const kv_snapshot_options *options, kv_writer *writer,
                                   void *context, kv_snapshot **snapshot);

/*
 * Goes on for about so many microseconds; 0: to the end. By any thread, several take turns.
 *
 * Returns   KV_OK when all is written; KV_MORE; what the writer returned; KV_NOMEM. After the last
 *           two nothing more is written.
 */
KV_API kv_status kv_snapshot_step(kv_snapshot *snapshot, int64_t budget_us);

/*
 * Ends a snapshot and frees it; one that is not complete is given up. To be called once, when no
 * step is running, before the store is closed. Returns KV_OK, or why it was not complete:
 * KV_CANCELLED, or what the last step said. Cost O(1) of a complete one; else about 20 ns for each
 * key that was not reached.
 */
KV_API kv_status kv_snapshot_end(kv_snapshot *snapshot);

typedef struct kv_snapshot_progress {
    size_t size;
    uint64_t keys, keys_total; /* written so far, and at the instant */
    uint64_t bytes;            /* given to the writer */
    uint64_t held, held_peak;  /* bytes of records that wait for it */
    uint64_t saved;            /* keys that were saved by who changed them */
    uint64_t helped;           /* times that one wrote out a piece, as the memory was used up */
} kv_snapshot_progress;

/* Any thread, until the end. KV_OK or KV_BADARG. */
KV_API kv_status kv_snapshot_stats(const kv_snapshot *snapshot, kv_snapshot_progress *progress);

/*
 * Writes a snapshot to a file, from the first step to the last: into a new file beside it, which is
 * synced and takes its place, and the directory is synced. So at any moment the old file is there,
 * whole, or the new one.
 *
 * Returns   KV_OK; KV_IOERROR with errno: then it is the old one, or the new one if only the sync of
 *           the directory failed. EINVAL, EISDIR: what has the name is no file. As
 *           kv_snapshot_begin().
 */
KV_API kv_status kv_save(kv *db, const char *path, const kv_snapshot_options *options);

/*
 * Gives the next bytes of what is loaded: up to `room`, which is not 0, into `bytes`, and how many
 * in *size; 0 at the end. Anything but KV_OK ends the load, which returns it and has changed nothing:
 * that goes for KV_NONE and KV_MORE, too, which say nothing here of an end or of more to come.
 */
typedef kv_status kv_reader(void *context, void *bytes, size_t room, size_t *size);

/* `context` is handed to all of the functions, any of which may be NULL. The caller's thread calls. */
typedef struct kv_load_options {
    size_t size;
    unsigned threads;   /* that make values beside the caller's thread, for as long as it takes; up
                           to 64; 0: none */
    bool replaces;      /* what the store holds stays, and is seen, until all that is loaded is
                           there; then the one gives way to the other at one instant. Without, the
                           store must have no keys */
    bool keeps_expired; /* keys whose deadline has passed are loaded, too */
    bool (*aux)(void *context, kv_slice name, kv_slice value); /* a field about the file; false
                                                                  ends the load: KV_CANCELLED */
    void (*warn)(void *context, const char *message); /* something that a store has no use for was
                                                         passed over */
    void (*progress)(void *context, uint64_t bytes, uint64_t keys); /* after each 128 KiB or so, and
                                                                       at the end */
    void (*at_instant)(void *context); /* when the store's contents have changed and nobody can have
                                          seen it, as all of the store is locked: it must be quick
                                          and call nothing of the store */
    void *context;
} kv_load_options;

typedef struct kv_load_report {
    size_t size;
    uint64_t bytes;   /* up to the end of the RDB; after an error, to where it was found */
    uint64_t keys;    /* that came into the store */
    uint64_t expired; /* that did not, as their deadlines had passed */
    unsigned rdb_version;
    char message[256];    /* after an error: "offset 123: expected a length, found 0xff" */
    uint64_t keys_before; /* after an error: how many keys the file has before where it was found */
} kv_load_report;

/*
 * Loads what an RDB file holds, with all databases, as Redis 2.4 to 8, Valkey 8 or kv_save() wrote
 * it. What Redis can write and a store cannot hold, values of modules, is refused by its name, not
 * by the version of the file; their other data and libraries of functions are passed over.
 *
 * All of it comes into the store at one instant, and after an error nothing. Meanwhile the store may
 * be used by others as ever. Loading takes the memory of what is loaded, the bytes of the largest
 * key with its value, and about 0.5 MB, and as much twice for each thread; what is damaged, or lies
 * about its size, does not make it more. The journal is told nothing: who follows it knows of a load
 * by `at_instant`. Keys with nothing in them, which bugs of Redis have written, are passed over.
 *
 * reader    may be asked for more than the RDB has, but is not asked again once its last byte has
 *           been given. report->bytes tells how much it was.
 * options   NULL means none of them.
 * report    may be NULL; its size is set before. Written unless KV_BADARG or KV_IOERROR of
 *           kv_load_file(); after KV_NOMEM it may be left as it was.
 * Returns   KV_OK; KV_CORRUPT if the bytes are not what they should be, one of them damaged, missing
 *           or a key there twice; KV_TOOBIG for a string above KV_SETTING_MAX_VALUE_SIZE; KV_CONFLICT
 *           if the store has keys and `replaces` is false; KV_CANCELLED; KV_BADARG, also within a
 *           transaction; KV_NOMEM; what the reader returned. KV_IOERROR, errno telling why, if the
 *           file cannot be read.
 * Cost      O(size); some 0.2 us a small key, half with a thread. All shards are held at the end,
 *           for some us, or for O(keys that are watched or waited for).
 */
KV_API kv_status kv_load(kv *db, kv_reader *reader, void *context, const kv_load_options *options,
                         kv_load_report *report);
KV_API kv_status kv_load_file(kv *db, const char *path, const kv_load_options *options,
                              kv_load_report *report);

/* --------------------------------------------------------------------------------- frozen views */

/*
 * All databases as they are at one instant, for reading, while writers go on: a report over many
 * keys that belong together, a check of all there is, a comparison with what came later.
 *
 *     kv *then;
 *     if (kv_freeze(db, NULL, &then) != KV_OK) return;
 *     kv_hgetall(then, ...);                // as often, and by as many threads, as is wanted
 *     kv_zrange(kv_select(then, 1), ...);   // another database at the same instant
 *     kv_thaw(then);
 *
 * Calls     What reads a key or keys, counts, scans, sorts or combines them works on such a view as
 *           on any other; kv_select() gives its other databases, by the numbers they had. What
 *           would write gives KV_READONLY. What is about the present gives KV_BADARG: transactions,
 *           watches, versions, snapshots, followers, kv_tick(), other views; kv_stats() and settings
 *           are the store's. A wait ends at once with KV_TIMEOUT. Reads are not counted as hits or
 *           misses, leave the access clocks alone and tell no events.
 * Time      stands still (kv_now()): a key that expires later is still there, and its TTL is that of
 *           the instant. KV_SETTING_EXPIRE counts as it was.
 * Memory    Who changes or removes a key that was there, for the first time, leaves a copy of it,
 *           about 16 bytes more than the key and its value take. When all copies would be more than
 *           the limit, or there is no memory for one, the view is lost: every read gives KV_LOST
 *           from then on, and copies are no longer made. A write never fails or waits because of it.
 *           A database that is flushed is kept as it is, and does not count.
 * Delay     A read of one key takes no longer than another, of a key that was changed one search
 *           more. A write that leaves a copy takes as long as kv_copy() of the value, once a key.
 * Threads   The view may be used by any number of threads at a time. Reads lock what they read
 *           for their own time only.
 */
typedef struct kv_freeze_options {
    size_t size;
    uint64_t memory; /* bytes of copies; 0: as KV_SETTING_SNAPSHOT_MEMORY says */
    /*
     * Called at the instant, while all shards are held: as kv_snapshot_options has it. It must be
     * short and must not call the store. May be NULL.
     */
    void (*at_instant)(void *context);
    void *at_instant_context;
} kv_freeze_options;

/*
 * Makes a view of this instant, on the database of `db`. All that calls did before is in it, a
 * transaction whole or not at all. NULL options: all defaults.
 *
 * Memory    About 1 KiB a shard and 32 bytes a database.
 * Returns   KV_OK; KV_BUSY while there is another, which threads may share; KV_NOMEM; KV_BADARG for
 *           options outside their range, a transaction or a frozen view.
 * Cost      O(shards x databases), all shards held.
 */
KV_API kv_status kv_freeze(kv *db, const kv_freeze_options *options, kv **view);

/*
 * Ends the view, by any of those that kv_select() gave, and frees the copies. To be called once,
 * when no call on it is running, before the store is closed.
 *
 * Returns   KV_OK; KV_LOST: the view was lost, perhaps after the last read; KV_BADARG for a view that
 *           is not frozen.
 * Cost      About 20 ns for each key of the store, in slices of some microseconds.
 */
KV_API kv_status kv_thaw(kv *view);

typedef struct kv_freeze_info {
    size_t size;
    int64_t instant_ms;
    uint64_t keys; /* at the instant, of all databases */
    uint64_t kept; /* copies */
    uint64_t held; /* bytes of them */
    bool is_lost;
} kv_freeze_info;

/* Any thread, until the end. KV_OK; KV_BADARG for a view that is not frozen. */
KV_API kv_status kv_freeze_stats(const kv *view, kv_freeze_info *info);

/* -------------------------------------------------------------------------------------- journal */

typedef enum kv_cause {
    KV_CAUSE_CALL = 0,    /* somebody's call */
    KV_CAUSE_EXPIRED = 1, /* a DEL, as the deadline passed */
    KV_CAUSE_EVICTED = 2, /* a DEL, to save memory */
    KV_CAUSE_MESSAGE = 3  /* no change: a message, of kv_follow_messages() alone */
} kv_cause;

/*
 * One effect: a command in Redis's form that, replayed in order, gives the same state; nothing
 * relative or random is left in it (SET with EX becomes PXAT, INCRBYFLOAT becomes SET, an expiry
 * becomes DEL).
 */
typedef struct kv_change {
    uint32_t database;
    kv_cause cause;
    size_t argument_count;
    const kv_slice *arguments; /* arguments[0] is the command's name */
} kv_change;

/*
 * Called for each mutation, or for each transaction with all of its effects at once, under the
 * locks of the keys it changed: so for one key in the order of execution, for different keys by
 * several threads at once. It must be short and must not call the store. All is lent for the call.
 */
typedef void kv_journal(void *context, const kv_change *changes, size_t count);

typedef struct kv_follower kv_follower;

/*
 * Begins and ends the delivery of effects. All shards are held for a moment. KV_OK, KV_NOMEM,
 * KV_BADARG.
 */
KV_API kv_status kv_follow(kv *db, kv_journal *journal, void *context, kv_follower **follower);
KV_API void kv_unfollow(kv_follower *follower);

/*
 * As kv_follow(), for who keeps the subscribers of another store informed as well: also tells what
 * kv_publish() and kv_spublish() are given, as PUBLISH or SPUBLISH with the channel and the payload,
 * whether somebody here receives it or not. In a transaction messages have their place among its
 * changes, and of one that is aborted they are what is left. Others of one channel come in the order
 * in which its subscribers receive them. Events of keys are not told: whoever makes the same changes
 * has the same events.
 */
KV_API kv_status kv_follow_messages(kv *db, kv_journal *journal, void *context,
                                    kv_follower **follower);

/*
 * A history keeps the last changes of the journal in a ring of memory, for readers who look when it
 * suits them and go on where they stopped: a consumer in another thread, a client that was away for
 * a moment, a view that is brought up to date. A reader who comes too late is told of the gap.
 *
 *     kv_position position;
 *     kv_history_newest(history, &position);
 *     ... as often as one likes:
 *     while ((status = kv_history_read(history, &position, &buffer, visit, context)) == KV_OK) {}
 *     if (status == KV_GAP) ... what was built from the changes must be built anew ...
 *
 * Whoever starts with a copy of the store makes it and takes kv_history_newest() in one transaction
 * with KV_TXN_ALL: then the copy and the changes from that position on are the whole.
 */
typedef struct kv_history kv_history;

/*
 * A place between two groups of changes (a call, or a transaction, is a group). To be kept as it
 * is, in memory or elsewhere, for as long as the history is open; `number` counts the groups before
 * it, so the difference of two tells how far a reader is behind.
 */
typedef struct kv_position {
    uint64_t number;
    uint64_t offset; /* in bytes written so far */
    uint64_t seal;
} kv_position;

/*
 * Begins to keep changes in `bytes` of memory, 4096 at least, and ends it. A change takes the bytes
 * of its words and some 50 more; one that is larger than the ring cannot be kept and is a gap.
 * Returns   KV_OK, KV_BADARG (also in a transaction), KV_NOMEM.
 * Threads   When it is closed, nobody may be reading.
 * Cost      For each write to the store a copy of its effect, under one lock for all shards.
 */
KV_API kv_status kv_history_open(kv *db, size_t bytes, kv_history **history);
KV_API void kv_history_close(kv_history *history);

/* The position before the oldest change that is kept, and the one after the newest. */
KV_API void kv_history_oldest(kv_history *history, kv_position *position);
KV_API void kv_history_newest(kv_history *history, kv_position *position);

/*
 * Shows the changes after a position, group by group as the journal had them, and moves it behind
 * each when it was shown. About 64 KiB at most, in whole groups; more comes with the next call.
 *
 * buffer    the caller's memory for a copy, reused from call to call (see kv_buffer).
 * visit     is called without locks: it may take its time, and call the store.
 * Returns   KV_OK: some were shown. KV_NONE: there is nothing after it yet. KV_GAP: the changes
 *           after it are not kept any more, or it is no position of this history (a zeroed one, one
 *           of an earlier run): *position is that of the oldest change now, and reading may go on.
 *           KV_NOMEM: nothing was shown. KV_BADARG.
 * Threads   Any number of readers, each with a position and buffer of its own.
 * Cost      O(bytes shown), of which the copy under a lock that writers need.
 */
KV_API kv_status kv_history_read(kv_history *history, kv_position *position, kv_buffer *buffer,
                                 kv_journal *visit, void *context);

#ifdef __cplusplus
}
#endif

#endif /* KVSTORE_H */
