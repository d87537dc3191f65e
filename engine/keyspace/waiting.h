/*
 * keyspace/waiting.h -- calls that wait for a key to have something: first come, first served.
 *
 * A waiter stands in the queue of each of its keys (observers.h). It says which type of value can
 * serve it and by which function it takes what it came for. A call that gives a key a new value,
 * which is when a queue can be served, marks the key as ready (a stream's also when it grows, and
 * for waiters that mind it when the key goes); when it has let its locks go it serves the ready
 * keys. It walks along the queue: takes the waiter out of the race (state SERVING), locks what that
 * one needs, its key and perhaps a destination in another shard, lets it take, and tells it; one
 * that finds nothing goes on waiting. One thread at a time serves a key, so that the order holds.
 */
#ifndef KV_KEYSPACE_WAITING_H
#define KV_KEYSPACE_WAITING_H

#include "keyspace/observers.h"

enum waiting_state {
    WAITING_QUEUED,
    WAITING_SERVING, /* somebody is trying to serve it */
    WAITING_DONE     /* served or cancelled; still linked until its owner unlinks it */
};

struct kv_waiter {
    struct store *store;
    uint32_t database;
    _Atomic int state;
    kv_type type;       /* only a value of this type can serve it */
    bool minds_removal; /* it is served, too, when the key goes or changes its type */
    /*
     * Takes what the waiter wants from link_index'th of its keys; `db` is a transaction that holds
     * what it needs. KV_NONE: it is not there, the waiter goes on waiting. Anything else is the
     * result, which `tell` is called with, after the locks are gone.
     */
    kv_status (*take)(struct kv_waiter *waiter, kv *db, size_t link_index);
    void (*tell)(struct kv_waiter *waiter, kv_status status, size_t link_index);
    bool has_destination;
    kv_slice destination;
    size_t link_count;
    struct waiter_link *links;
};

/*
 * Puts a waiter at the end of the queues of its keys, whose shards the caller's transaction holds.
 * KV_OK, or KV_NOMEM with nothing changed. The keys are copied by the queues.
 */
KV_INTERNAL kv_status waiting_enqueue(struct kv_waiter *waiter, const kv_slice *keys);

/*
 * True if what the key holds is for those in its queue, who are about to be served: a newcomer must
 * queue. Under the shard's lock.
 */
KV_INTERNAL bool waiting_is_due(const struct shard *shard, uint32_t database, uint64_t hash,
                                kv_slice key);

/*
 * Ends a wait: takes the waiter out of all queues. True if it was still waiting; false if it had
 * been served (tell() has returned). No lock may be held.
 */
KV_INTERNAL bool waiting_end(struct kv_waiter *waiter);

/*
 * Marks a key, which holds a value of this type now or is gone (KV_TYPE_NONE), as ready if someone
 * waits for that; it is added to *ready. Under the shard's lock.
 */
KV_INTERNAL void waiting_note(struct shard *shard, uint32_t database, uint64_t hash, kv_slice key,
                              kv_type type, struct observed **ready);

/* The same for all keys of a database that someone waits for. */
KV_INTERNAL void waiting_note_all(struct shard *shard, uint32_t database, struct observed **ready);

/* Serves the waiters of ready keys. No lock may be held. */
KV_INTERNAL void waiting_serve(struct store *store, struct observed *ready);

#endif
