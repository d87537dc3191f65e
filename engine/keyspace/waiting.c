/*
 * keyspace/waiting.c -- see waiting.h.
 */
#include "keyspace/waiting.h"

#include "keyspace/transaction.h"

#include <sched.h>

/* The first in a key's line, which makes it one that is waited for. */
static void waiting_start(struct store *store, struct observed *observed, struct waiter_link *link)
{
    observed->first_waiter = link;
    atomic_fetch_add_explicit(&store->waited_keys, 1, memory_order_relaxed);
}

static void waiting_link(struct store *store, struct waiter_link *link, struct observed *observed)
{
    link->observed = observed;
    link->next = NULL;
    link->previous = observed->last_waiter;
    if (observed->last_waiter != NULL) observed->last_waiter->next = link;
    else waiting_start(store, observed, link);
    observed->last_waiter = link;
    if (link->waiter->minds_removal) observed->removal_waiters++;
    if (observed->is_serving) observed->is_ready = true; /* the walk may be past the end already */
}

/* Under the shard's lock. */
static void waiting_unlink(struct shard *shard, struct waiter_link *link)
{
    struct observed *observed = link->observed;
    if (link->previous != NULL) link->previous->next = link->next;
    else observed->first_waiter = link->next;
    if (link->next != NULL) link->next->previous = link->previous;
    else observed->last_waiter = link->previous;
    if (observed->next_to_serve == link) observed->next_to_serve = link->next;
    if (link->waiter->minds_removal) observed->removal_waiters--;
    link->observed = NULL;
    if (observed->first_waiter == NULL)
        atomic_fetch_sub_explicit(&shard->store->waited_keys, 1, memory_order_relaxed);
    observers_release(shard, observed);
}

KV_INTERNAL kv_status waiting_enqueue(struct kv_waiter *waiter, const kv_slice *keys)
{
    struct store *store = waiter->store;
    atomic_init(&waiter->state, WAITING_QUEUED);
    for (size_t i = 0; i < waiter->link_count; i++) {
        uint64_t hash = store_hash(store, keys[i]);
        struct observed *observed =
            observers_open(store_shard(store, hash), waiter->database, hash, keys[i]);
        if (observed == NULL) {
            while (i-- > 0) {
                uint64_t of_link = waiter->links[i].observed->hash;
                waiting_unlink(store_shard(store, of_link), &waiter->links[i]);
            }
            return KV_NOMEM;
        }
        waiter->links[i].waiter = waiter;
        waiting_link(store, &waiter->links[i], observed);
    }
    atomic_fetch_add_explicit(&store->waiters, 1, memory_order_relaxed);
    return KV_OK;
}

static struct waiter_link *waiting_first(const struct observed *observed)
{
    struct waiter_link *link = observed->first_waiter;
    while (link != NULL && atomic_load(&link->waiter->state) == WAITING_DONE) link = link->next;
    return link;
}

KV_INTERNAL bool waiting_is_due(const struct shard *shard, uint32_t database, uint64_t hash,
                                kv_slice key)
{
    const struct observed *observed = observers_find(shard, database, hash, key);
    if (observed == NULL || !(observed->is_ready || observed->is_serving)) return false;
    return waiting_first(observed) != NULL;
}

KV_INTERNAL bool waiting_end(struct kv_waiter *waiter)
{
    int state = WAITING_QUEUED;
    while (!atomic_compare_exchange_strong(&waiter->state, &state, WAITING_DONE) &&
           state == WAITING_SERVING) {
        sched_yield(); /* somebody is serving it: he is about to be done, one way or the other */
        state = WAITING_QUEUED;
    }
    struct store *store = waiter->store;
    for (size_t i = 0; i < waiter->link_count; i++) {
        struct shard *shard = store_shard(store, waiter->links[i].observed->hash);
        lock_lock(&shard->lock);
        waiting_unlink(shard, &waiter->links[i]);
        lock_unlock(&shard->lock);
    }
    atomic_fetch_sub_explicit(&store->waiters, 1, memory_order_relaxed);
    return state == WAITING_QUEUED;
}

static void waiting_note_observed(struct observed *observed, struct observed **ready)
{
    if (observed->first_waiter == NULL) return;
    observed->is_ready = true;
    if (observed->is_listed) return; /* one list at a time; its owner will see it */
    observed->is_listed = true;
    observed->next_ready = *ready;
    *ready = observed;
}

/* True if one of the queue can be served by a value of this type, or by its absence. */
static bool waiting_concerns(const struct observed *observed, kv_type type)
{
    if (observed->removal_waiters > 0) return true;
    if (type == KV_TYPE_NONE) return false;
    const struct waiter_link *link = observed->first_waiter;
    while (link != NULL && link->waiter->type != type) link = link->next;
    return link != NULL;
}

KV_INTERNAL void waiting_note(struct shard *shard, uint32_t database, uint64_t hash, kv_slice key,
                              kv_type type, struct observed **ready)
{
    struct observed *observed = observers_find(shard, database, hash, key);
    if (observed != NULL && waiting_concerns(observed, type))
        waiting_note_observed(observed, ready);
}

struct waiting_noting {
    uint32_t database;
    struct observed **ready;
};

static void waiting_note_visited(void *context, void *item)
{
    struct waiting_noting *noting = context;
    struct observed *observed = item;
    if (observed->database == noting->database) waiting_note_observed(observed, noting->ready);
}

KV_INTERNAL void waiting_note_all(struct shard *shard, uint32_t database, struct observed **ready)
{
    struct waiting_noting noting = {database, ready};
    if (shard->observers != NULL)
        table_each(&shard->observers->table, waiting_note_visited, &noting);
}

/* Lets one waiter try to take what it wants. New ready keys are added to *ready. */
static void waiting_serve_one(struct kv_waiter *waiter, size_t link_index, struct observed **ready)
{
    kv db = {waiter->store->view, waiter->database};
    /* The link keeps its observed, and so the key's bytes, while the state is SERVING. */
    kv_slice keys[2] = {waiter->links[link_index].observed->key, waiter->destination};
    struct span span;
    span_begin(&span, &db, keys, waiter->has_destination ? 2 : 1, 0);
    kv_status status = waiter->take(waiter, &span.db, link_index);
    struct observed *more = span_end_unserved(&span);
    while (more != NULL) {
        struct observed *next = more->next_ready;
        more->next_ready = *ready;
        *ready = more;
        more = next;
    }
    if (status == KV_NONE) {
        atomic_store(&waiter->state, WAITING_QUEUED);
        return;
    }
    waiter->tell(waiter, status, link_index);
    atomic_store(&waiter->state, WAITING_DONE); /* from here on it may be gone */
}

/* The type of what the key holds, expired or not. Under the shard's lock. */
static kv_type waiting_type(const struct shard *shard, const struct observed *observed)
{
    const struct space *space = shard_peek_space(shard, observed->database);
    struct table_place place = shard_find(space, observed->hash, observed->key);
    return place.bucket != NULL ? entry_type(table_item(place)) : KV_TYPE_NONE;
}

/* The next one in the queue that should look at what the key holds now. */
static struct waiter_link *waiting_next(const struct shard *shard, struct observed *observed)
{
    kv_type type = waiting_type(shard, observed);
    if (type == KV_TYPE_NONE && observed->removal_waiters == 0) return NULL;
    struct waiter_link *link = observed->next_to_serve;
    for (; link != NULL; link = link->next) {
        if (atomic_load(&link->waiter->state) == WAITING_DONE) continue;
        if (link->waiter->type == type || link->waiter->minds_removal) break;
    }
    observed->next_to_serve = link;
    return link;
}

/* Lets one of the queue try, without the shard's lock. */
static void waiting_serve_link(struct shard *shard, struct waiter_link *link,
                               struct observed **ready)
{
    struct kv_waiter *waiter = link->waiter;
    int state = WAITING_QUEUED;
    if (atomic_compare_exchange_strong(&waiter->state, &state, WAITING_SERVING)) {
        size_t link_index = (size_t)(link - waiter->links);
        link->observed->next_to_serve = link->next; /* waiting_unlink() keeps it true */
        lock_unlock(&shard->lock);
        waiting_serve_one(waiter, link_index, ready);
        lock_lock(&shard->lock);
    } else if (state == WAITING_SERVING) {
        /* Another key's server has it: it leaves the queue or comes back to it; give him time. */
        lock_unlock(&shard->lock);
        sched_yield();
        lock_lock(&shard->lock);
    }
}

/* Serves the queue of one key: once all along it, and again while the key becomes ready anew. */
static void waiting_serve_key(struct store *store, struct observed *observed,
                              struct observed **ready)
{
    struct shard *shard = store_shard(store, observed->hash);
    lock_lock(&shard->lock);
    observed->is_listed = false;
    if (observed->is_serving) { /* who serves it will see is_ready and look again */
        lock_unlock(&shard->lock);
        return;
    }
    observed->is_serving = true;
    while (observed->is_ready) {
        observed->is_ready = false;
        observed->next_to_serve = observed->first_waiter;
        struct waiter_link *link;
        while ((link = waiting_next(shard, observed)) != NULL)
            waiting_serve_link(shard, link, ready);
    }
    observed->is_serving = false;
    observers_release(shard, observed);
    lock_unlock(&shard->lock);
}

/*
 * Lists of ready keys grow at their head: turns one round, so that the key written first is served
 * first, as Redis promises.
 */
static struct observed *waiting_in_order(struct observed *ready)
{
    struct observed *in_order = NULL;
    while (ready != NULL) {
        struct observed *next = ready->next_ready;
        ready->next_ready = in_order;
        in_order = ready;
        ready = next;
    }
    return in_order;
}

KV_INTERNAL void waiting_serve(struct store *store, struct observed *ready)
{
    while (ready != NULL) {
        struct observed *round = waiting_in_order(ready);
        ready = NULL; /* what this round makes ready has its turn after it, as in Redis */
        while (round != NULL) {
            struct observed *observed = round;
            round = observed->next_ready;
            waiting_serve_key(store, observed, &ready);
        }
    }
}
