/*
 * keyspace/channels.c -- see channels.h.
 */
#include "keyspace/channels.h"

#include "base/glob.h"
#include "base/slice.h"

struct channels_sought {
    kv_channel_kind kind;
    kv_slice name;
};

static uint64_t channels_hash_item(const void *item, const void *context)
{
    (void)context;
    return ((const struct channel *)item)->hash;
}

static const struct table_kind channels_table_kind = {channels_hash_item};

static bool channels_match(const void *item, const void *sought)
{
    const struct channel *channel = item;
    const struct channels_sought *wanted = sought;
    return channel->kind == wanted->kind && slice_equal(channel->name, wanted->name);
}

static uint64_t channels_hash(const struct channels *channels, kv_slice name)
{
    return siphash(channels->hash_key, name.data, name.size);
}

static struct channels_set *channels_patterns(struct channels *channels)
{
    return &channels->sets[CHANNELS_SETS];
}

static struct channels_set *channels_set_of(struct channels *channels, kv_channel_kind kind,
                                            uint64_t hash)
{
    if (kind == KV_PATTERN) return channels_patterns(channels);
    return &channels->sets[hash >> (64 - CHANNELS_SET_BITS)];
}

/* The channel of a name; NULL if nobody is subscribed to it. Under the set's lock. */
static struct channel *channels_find(const struct channels_set *set, kv_channel_kind kind,
                                     uint64_t hash, kv_slice name)
{
    struct channels_sought sought = {kind, name};
    struct table_place place = table_find(&set->table, hash, channels_match, &sought);
    return place.bucket != NULL ? table_item(place) : NULL;
}

KV_INTERNAL void channels_init(struct channels *channels, struct alloc *alloc,
                               const struct siphash_key *hash_key)
{
    channels->alloc = alloc;
    channels->hash_key = hash_key;
    for (int i = 0; i < CHANNELS_KINDS; i++) atomic_init(&channels->counts[i], 0);
    for (int i = 0; i <= CHANNELS_SETS; i++) {
        struct channels_set *set = &channels->sets[i];
        lock_init(&set->lock);
        table_init(&set->table, alloc, NULL, &channels_table_kind, NULL,
                   i < CHANNELS_SETS ? CHANNELS_SET_BITS : 0, 255);
    }
}

KV_INTERNAL void channels_close(struct channels *channels)
{
    if (channels->alloc == NULL) return; /* a store that was not built so far */
    for (int i = 0; i <= CHANNELS_SETS; i++) {
        assert(channels->sets[i].table.count == 0);
        table_clear(&channels->sets[i].table);
    }
}

/* ---------------------------------------------------------------------------------------- links */

/*
 * The subscription of a subscriber to a channel; NULL if there is none. It would be in both lists;
 * they are walked side by side, so this takes as long as the shorter one.
 */
static struct channel_link *channel_link_of(const struct channel *channel,
                                            const struct kv_subscriber *subscriber)
{
    struct channel_link *of_channel = channel->first;
    struct channel_link *of_subscriber = subscriber->links[channel->kind];
    while (of_channel != NULL && of_subscriber != NULL) {
        if (of_channel->subscriber == subscriber) return of_channel;
        if (of_subscriber->channel == channel) return of_subscriber;
        of_channel = of_channel->next;
        of_subscriber = of_subscriber->next_of_subscriber;
    }
    return NULL;
}

static void channel_link_in(struct channel_link *link, struct channel *channel,
                            struct kv_subscriber *subscriber)
{
    struct channel_link **of_subscriber = &subscriber->links[channel->kind];
    *link = (struct channel_link){.previous = channel->last,
                                  .next_of_subscriber = *of_subscriber,
                                  .channel = channel,
                                  .subscriber = subscriber};
    if (channel->last != NULL) channel->last->next = link;
    else channel->first = link;
    channel->last = link;
    channel->subscribers++;
    if (*of_subscriber != NULL) (*of_subscriber)->previous_of_subscriber = link;
    *of_subscriber = link;
    atomic_fetch_add_explicit(&subscriber->counts[channel->kind], 1, memory_order_relaxed);
}

static void channel_link_out(struct channel_link *link)
{
    struct channel *channel = link->channel;
    struct kv_subscriber *subscriber = link->subscriber;
    if (link->previous != NULL) link->previous->next = link->next;
    else channel->first = link->next;
    if (link->next != NULL) link->next->previous = link->previous;
    else channel->last = link->previous;
    channel->subscribers--;
    if (link->previous_of_subscriber != NULL)
        link->previous_of_subscriber->next_of_subscriber = link->next_of_subscriber;
    else subscriber->links[channel->kind] = link->next_of_subscriber;
    if (link->next_of_subscriber != NULL)
        link->next_of_subscriber->previous_of_subscriber = link->previous_of_subscriber;
    atomic_fetch_sub_explicit(&subscriber->counts[channel->kind], 1, memory_order_relaxed);
}

/* ------------------------------------------------------------------- subscribing, unsubscribing */

static struct channel *channels_create(struct channels *channels, struct channels_set *set,
                                       kv_channel_kind kind, uint64_t hash, kv_slice name)
{
    if (table_reserve(&set->table, hash) != KV_OK) return NULL;
    struct channel *channel = alloc_get(channels->alloc, sizeof *channel + name.size);
    if (channel == NULL) return NULL;
    *channel = (struct channel){.hash = hash, .kind = kind, .name = {channel + 1, name.size}};
    if (name.size > 0) memcpy(channel + 1, name.data, name.size);
    (void)table_insert(&set->table, hash, channel);
    atomic_fetch_add_explicit(&channels->counts[kind], 1, memory_order_relaxed);
    return channel;
}

static void channels_destroy(struct channels *channels, struct channels_set *set,
                             struct channel *channel)
{
    struct table *table = &set->table;
    atomic_fetch_sub_explicit(&channels->counts[channel->kind], 1, memory_order_relaxed);
    table_remove(table, channel->hash, table_place_of(table, channel->hash, channel));
    alloc_free(channels->alloc, channel, sizeof *channel + channel->name.size);
}

/* Under both locks. The link is taken, and *link NULL then, if it was used. */
static kv_status channels_subscribe_held(struct kv_subscriber *subscriber, struct channels_set *set,
                                         uint64_t hash, kv_channel_kind kind, kv_slice name,
                                         struct channel_link **link)
{
    struct channel *channel = channels_find(set, kind, hash, name);
    if (channel == NULL) channel = channels_create(subscriber->channels, set, kind, hash, name);
    else if (channel_link_of(channel, subscriber) != NULL) return KV_SKIPPED;
    if (channel == NULL) return KV_NOMEM;
    channel_link_in(*link, channel, subscriber);
    *link = NULL;
    return KV_OK;
}

KV_INTERNAL kv_status channels_subscribe(struct kv_subscriber *subscriber, kv_channel_kind kind,
                                         kv_slice name)
{
    struct channels *channels = subscriber->channels;
    struct channel_link *link = alloc_get(channels->alloc, sizeof *link);
    if (link == NULL) return KV_NOMEM;
    uint64_t hash = channels_hash(channels, name);
    struct channels_set *set = channels_set_of(channels, kind, hash);
    lock_lock(&subscriber->lock);
    lock_lock(&set->lock);
    kv_status status = channels_subscribe_held(subscriber, set, hash, kind, name, &link);
    lock_unlock(&set->lock);
    lock_unlock(&subscriber->lock);
    alloc_free(channels->alloc, link, sizeof *link);
    return status;
}

/* Under both locks. */
static void channels_unlink(struct channels *channels, struct channels_set *set,
                            struct channel_link *link)
{
    struct channel *channel = link->channel;
    channel_link_out(link);
    if (channel->first == NULL) channels_destroy(channels, set, channel);
    alloc_free(channels->alloc, link, sizeof *link);
}

KV_INTERNAL kv_status channels_unsubscribe(struct kv_subscriber *subscriber, kv_channel_kind kind,
                                           kv_slice name)
{
    struct channels *channels = subscriber->channels;
    uint64_t hash = channels_hash(channels, name);
    struct channels_set *set = channels_set_of(channels, kind, hash);
    lock_lock(&subscriber->lock);
    lock_lock(&set->lock);
    struct channel *channel = channels_find(set, kind, hash, name);
    struct channel_link *link = channel != NULL ? channel_link_of(channel, subscriber) : NULL;
    if (link != NULL) channels_unlink(channels, set, link);
    lock_unlock(&set->lock);
    lock_unlock(&subscriber->lock);
    return link != NULL ? KV_OK : KV_NONE;
}

KV_INTERNAL void channels_unsubscribe_all(struct kv_subscriber *subscriber, kv_channel_kind kind,
                                          kv_visit *visit, void *context)
{
    struct channels *channels = subscriber->channels;
    lock_lock(&subscriber->lock);
    while (subscriber->links[kind] != NULL) {
        struct channel_link *link = subscriber->links[kind];
        struct channels_set *set = channels_set_of(channels, kind, link->channel->hash);
        lock_lock(&set->lock);
        if (visit != NULL) (void)visit(context, link->channel->name);
        channels_unlink(channels, set, link);
        lock_unlock(&set->lock);
    }
    lock_unlock(&subscriber->lock);
}

/* ------------------------------------------------------------------------------------- messages */

/*
 * What a kv_message is part of: one on its way, on the stack of whoever publishes it, or one that
 * is kept, in a block with its bytes. The one on its way holds the kept one as well until all have
 * received it, so that they share it.
 */
struct channels_message {
    kv_message message; /* first, as this is what the public pointer points to */
    struct alloc *alloc;
    struct channels_message *kept; /* the kept one: itself, if it is; NULL while nobody asked */
    size_t size;                   /* of a kept one's block */
    _Atomic uint32_t holders;      /* of a kept one */
};

static kv_slice channels_copy(char **at, kv_slice bytes)
{
    kv_slice copy = {*at, bytes.size};
    if (bytes.size > 0) memcpy(*at, bytes.data, bytes.size);
    *at += bytes.size;
    return copy;
}

static struct channels_message *channels_create_kept(const struct channels_message *original)
{
    const kv_message *message = &original->message;
    size_t names = message->channel.size + message->pattern.size;
    size_t left = SIZE_MAX - sizeof *original;
    if (names < message->channel.size || names > left || message->payload.size > left - names)
        return NULL;
    size_t size = sizeof *original + names + message->payload.size;
    struct channels_message *kept = alloc_get(original->alloc, size);
    if (kept == NULL) return NULL;
    char *at = (char *)(kept + 1);
    kept->message.kind = message->kind;
    kept->message.channel = channels_copy(&at, message->channel);
    kept->message.pattern = channels_copy(&at, message->pattern);
    kept->message.payload = channels_copy(&at, message->payload);
    kept->alloc = original->alloc;
    kept->kept = kept;
    kept->size = size;
    atomic_init(&kept->holders, 1);
    return kept;
}

KV_INTERNAL const kv_message *channels_keep(const kv_message *message)
{
    struct channels_message *original = (struct channels_message *)message;
    if (original->kept == NULL) original->kept = channels_create_kept(original);
    if (original->kept == NULL) return NULL;
    atomic_fetch_add_explicit(&original->kept->holders, 1, memory_order_relaxed);
    return &original->kept->message;
}

KV_INTERNAL void channels_release(const kv_message *message)
{
    struct channels_message *kept = (struct channels_message *)message;
    if (atomic_fetch_sub_explicit(&kept->holders, 1, memory_order_acq_rel) > 1) return;
    alloc_free(kept->alloc, kept, kept->size);
}

/* Hands a message to all who are subscribed to a name. Under its set's lock. */
static void channels_deliver(const struct channel *channel, struct channels_message *message)
{
    for (struct channel_link *link = channel->first; link != NULL; link = link->next) {
        KV_PREFETCH(link->next);
        link->subscriber->receive(link->subscriber->context, &message->message);
    }
    if (message->kept != NULL) channels_release(&message->kept->message);
}

struct channels_matching {
    struct channels *channels;
    kv_slice name, payload;
    uint64_t receivers;
};

static void channels_deliver_if_matching(void *context, void *item)
{
    struct channels_matching *matching = context;
    const struct channel *pattern = item;
    if (!glob_match(pattern->name, matching->name, false)) return;
    struct channels_message message = {
        .message = {KV_PATTERN, matching->name, pattern->name, matching->payload},
        .alloc = matching->channels->alloc};
    channels_deliver(pattern, &message);
    matching->receivers += pattern->subscribers;
}

static uint64_t channels_publish_to_patterns(struct channels *channels, kv_slice name,
                                             kv_slice payload)
{
    if (atomic_load_explicit(&channels->counts[KV_PATTERN], memory_order_relaxed) == 0) return 0;
    struct channels_set *set = channels_patterns(channels);
    struct channels_matching matching = {channels, name, payload, 0};
    lock_lock(&set->lock);
    table_each(&set->table, channels_deliver_if_matching, &matching);
    lock_unlock(&set->lock);
    return matching.receivers;
}

KV_INTERNAL uint64_t channels_publish(struct channels *channels, kv_channel_kind kind,
                                      kv_slice name, kv_slice payload)
{
    assert(kind != KV_PATTERN);
    uint64_t hash = channels_hash(channels, name), receivers = 0;
    struct channels_set *set = channels_set_of(channels, kind, hash);
    lock_lock(&set->lock);
    const struct channel *channel = channels_find(set, kind, hash, name);
    if (channel != NULL) {
        struct channels_message message = {.message = {kind, name, {NULL, 0}, payload},
                                           .alloc = channels->alloc};
        channels_deliver(channel, &message);
        receivers = channel->subscribers;
    }
    if (kind == KV_CHANNEL) receivers += channels_publish_to_patterns(channels, name, payload);
    lock_unlock(&set->lock);
    return receivers;
}

/* -------------------------------------------------------------------------------------- looking */

KV_INTERNAL uint64_t channels_subscribers(struct channels *channels, kv_channel_kind kind,
                                          kv_slice name)
{
    uint64_t hash = channels_hash(channels, name);
    struct channels_set *set = channels_set_of(channels, kind, hash);
    lock_lock(&set->lock);
    const struct channel *channel = channels_find(set, kind, hash, name);
    uint64_t subscribers = channel != NULL ? channel->subscribers : 0;
    lock_unlock(&set->lock);
    return subscribers;
}

struct channels_visiting {
    kv_channel_kind kind;
    const kv_slice *pattern;
    kv_visit_channel *visit;
    void *context;
    bool is_ended; /* the visitor has had enough */
};

static void channels_visit(void *context, void *item)
{
    struct channels_visiting *visiting = context;
    const struct channel *channel = item;
    if (visiting->is_ended || channel->kind != visiting->kind) return;
    if (visiting->pattern != NULL && !glob_match(*visiting->pattern, channel->name, false)) return;
    visiting->is_ended = !visiting->visit(visiting->context, channel->name, channel->subscribers);
}

KV_INTERNAL void channels_each(struct channels *channels, kv_channel_kind kind,
                               const kv_slice *pattern, kv_visit_channel *visit, void *context)
{
    struct channels_visiting visiting = {kind, pattern, visit, context, false};
    for (int i = 0; i <= CHANNELS_SETS && !visiting.is_ended; i++) {
        struct channels_set *set = &channels->sets[i];
        lock_lock(&set->lock);
        table_each(&set->table, channels_visit, &visiting);
        lock_unlock(&set->lock);
    }
}

#if KV_DEBUG > 0
static void channels_check_one(void *context, void *item)
{
    uint64_t *counts = context;
    const struct channel *channel = item;
    uint64_t links = 0;
    const struct channel_link *previous = NULL;
    assert(channel->first != NULL);
    for (const struct channel_link *link = channel->first; link != NULL; link = link->next) {
        assert(link->previous == previous);
        assert(link->channel == channel);
        const struct channel_link *next = link->next_of_subscriber;
        assert(next == NULL || next->previous_of_subscriber == link);
        assert(next == NULL || next->channel->kind == channel->kind);
        previous = link;
        links++;
    }
    assert(channel->last == previous);
    assert(channel->subscribers == links);
    counts[channel->kind]++;
}

KV_INTERNAL void channels_check(struct channels *channels)
{
    uint64_t counts[CHANNELS_KINDS] = {0};
    for (int i = 0; i <= CHANNELS_SETS; i++) lock_lock(&channels->sets[i].lock);
    for (int i = 0; i <= CHANNELS_SETS; i++) {
        table_check(&channels->sets[i].table);
        table_each(&channels->sets[i].table, channels_check_one, counts);
    }
    for (int i = 0; i < CHANNELS_KINDS; i++) assert(atomic_load(&channels->counts[i]) == counts[i]);
    for (int i = 0; i <= CHANNELS_SETS; i++) lock_unlock(&channels->sets[i].lock);
}
#endif
