/*
 * keyspace/channels.h -- publish and subscribe: names, who is subscribed to them, and delivery.
 *
 * A channel exists while somebody is subscribed to it. Channels, shard channels and patterns are
 * three kinds of names. Those of channels lie in several sets, each with its lock, so that messages
 * on different channels seldom wait for each other; all patterns lie in one set, the last, since a
 * message is compared with each of them:
 *
 *     sets    | 0 | 1 |  ...  | 15 | patterns |      each a lock and a table of channels
 *                   |
 *     channel "news": first link -> link -> link     in the order of subscription
 *                       |            |       |
 *     subscribers       A            B       A'      who also links all that is his, kind by kind
 *
 * Who delivers holds the lock of the channel's set, and under it that of the patterns if there are
 * any: so messages of one channel reach all in one order, and when channels_unsubscribe() returns
 * no delivery is under way.
 *
 * Locks, in order: a subscriber's, then a set's, then that of the patterns. Who publishes may hold
 * shards; nobody takes a shard while he holds one of these.
 *
 * May use base/ and structures/. Knows nothing of keys, shards, stores.
 */
#ifndef KV_KEYSPACE_CHANNELS_H
#define KV_KEYSPACE_CHANNELS_H

#include "base/alloc.h"
#include "base/lock.h"
#include "base/siphash.h"
#include "structures/table.h"

#define CHANNELS_SET_BITS 4
#define CHANNELS_SETS     (1 << CHANNELS_SET_BITS)
#define CHANNELS_KINDS    3

struct channels_set {
    _Alignas(KV_CACHE_LINE) struct lock lock; /* and no two sets share a line */
    struct table table;
};

struct channels {
    struct alloc *alloc;
    const struct siphash_key *hash_key;
    _Atomic uint64_t counts[CHANNELS_KINDS]; /* names that somebody is subscribed to, by kind */
    struct channels_set sets[CHANNELS_SETS + 1];
};

/* One subscription: in the list of its name, and in that of its subscriber. */
struct channel_link {
    struct channel_link *next, *previous;
    struct channel_link *next_of_subscriber, *previous_of_subscriber;
    struct channel *channel;
    struct kv_subscriber *subscriber;
};

struct channel {
    uint64_t hash;
    kv_channel_kind kind;
    kv_slice name; /* the bytes follow */
    struct channel_link *first, *last;
    uint64_t subscribers;
};

struct kv_subscriber {
    struct channels *channels;
    kv_receive *receive;
    void *context;
    struct lock lock; /* of what follows */
    struct channel_link *links[CHANNELS_KINDS];
    _Atomic uint64_t counts[CHANNELS_KINDS];
};

KV_INTERNAL void channels_init(struct channels *channels, struct alloc *alloc,
                               const struct siphash_key *hash_key);

/* Nobody may be subscribed any more. */
KV_INTERNAL void channels_close(struct channels *channels);

/* KV_OK; KV_SKIPPED: was subscribed already; KV_NOMEM, with nothing changed. */
KV_INTERNAL kv_status channels_subscribe(struct kv_subscriber *subscriber, kv_channel_kind kind,
                                         kv_slice name);

/* KV_OK; KV_NONE: was not subscribed. */
KV_INTERNAL kv_status channels_unsubscribe(struct kv_subscriber *subscriber, kv_channel_kind kind,
                                           kv_slice name);

/* Ends all subscriptions of a kind; shows each name, if `visit` is not NULL, when it is done. */
KV_INTERNAL void channels_unsubscribe_all(struct kv_subscriber *subscriber, kv_channel_kind kind,
                                          kv_visit *visit, void *context);

/*
 * Delivers a message on a channel (KV_CHANNEL, then also to those subscribed to a pattern that
 * matches; or KV_SHARD_CHANNEL) and returns to how many.
 */
KV_INTERNAL uint64_t channels_publish(struct channels *channels, kv_channel_kind kind,
                                      kv_slice name, kv_slice payload);

/* True if a message on some channel might reach anybody: costs two loads. */
static inline bool channels_are_heard(const struct channels *channels)
{
    return (atomic_load_explicit(&channels->counts[KV_CHANNEL], memory_order_relaxed) |
            atomic_load_explicit(&channels->counts[KV_PATTERN], memory_order_relaxed)) != 0;
}

/* How many are subscribed to a name. */
KV_INTERNAL uint64_t channels_subscribers(struct channels *channels, kv_channel_kind kind,
                                          kv_slice name);

/* Visits the names of a kind that match `pattern`, if that is not NULL, until `visit` has enough. */
KV_INTERNAL void channels_each(struct channels *channels, kv_channel_kind kind,
                               const kv_slice *pattern, kv_visit_channel *visit, void *context);

#if KV_DEBUG > 0
/* Asserts that lists and counts are true. */
KV_INTERNAL void channels_check(struct channels *channels);
#endif

/* What kv_message_keep() and kv_message_release() do. */
KV_INTERNAL const kv_message *channels_keep(const kv_message *message);
KV_INTERNAL void channels_release(const kv_message *message);

#endif
