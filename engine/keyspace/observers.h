/*
 * keyspace/observers.h -- who cares about a key: watches (optimistic transactions) and waiters
 * (blocked pops).
 *
 * A shard has a registry only while somebody does; then a write looks its key up there. A key in it
 * is an `observed`, with its watches and, in the order they came, its waiters. All of it is used
 * under the shard's lock.
 */
#ifndef KV_KEYSPACE_OBSERVERS_H
#define KV_KEYSPACE_OBSERVERS_H

#include "keyspace/shard.h"

struct observed;
struct waiter;

/* One key of a kv_watch, in the list of the key's observed and in that of the watch. */
struct watch_link {
    struct watch_link *next, *previous; /* of the same key */
    struct watch_link *next_of_watch;
    struct observed *observed;
    struct kv_watch *watch;
};

struct kv_watch {
    struct store *store;
    _Atomic bool is_dirty;
    struct watch_link *links;
    /*
     * When the first of its keys will have expired, which counts as a change; KV_NEVER if none
     * will.
     */
    int64_t deadline_ms;
};

/* One key of a waiter, in the queue of the key's observed. */
struct waiter_link {
    struct waiter_link *next, *previous;
    struct observed *observed;
    struct kv_waiter *waiter;
};

struct observed {
    uint64_t hash;
    uint32_t database;
    kv_slice key; /* the bytes follow */
    struct watch_link *watches;
    struct waiter_link *first_waiter, *last_waiter;
    struct waiter_link *next_to_serve; /* while is_serving: where the walk along the queue is */
    size_t removal_waiters;            /* waiters that mind the key's removal */
    struct observed *next_ready;       /* in the list of the call that made it ready */
    bool is_listed;                    /* it is in such a list, whose owner will come by and needs
                                          it to be there */
    bool is_ready;                     /* it may have something for its waiters, and somebody will
                                          look */
    bool is_serving;                   /* somebody is looking */
};

struct observers {
    struct alloc *alloc;
    struct table table;
};

/* The observed of a key; NULL if there is none (observers may be NULL). */
KV_INTERNAL struct observed *observers_find(const struct shard *shard, uint32_t database,
                                            uint64_t hash, kv_slice key);

/*
 * Finds or creates it. NULL without memory. Whoever adds nothing to it calls observers_release().
 */
KV_INTERNAL struct observed *observers_open(struct shard *shard, uint32_t database, uint64_t hash,
                                            kv_slice key);

/* Removes it if nobody is left. */
KV_INTERNAL void observers_release(struct shard *shard, struct observed *observed);

/* Marks the watches of a key that has changed. */
KV_INTERNAL void observers_touch(struct shard *shard, uint32_t database, uint64_t hash,
                                 kv_slice key);

/*
 * Marks the watches of a database's keys that exist in it or in the other one, because it is about
 * to be flushed (other == database) or swapped with that.
 */
KV_INTERNAL void observers_touch_all(struct shard *shard, uint32_t database, uint32_t other);

/* Frees an empty registry when the store closes. */
KV_INTERNAL void observers_close(struct shard *shard);

#endif
