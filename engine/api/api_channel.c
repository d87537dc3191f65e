/*
 * api/api_channel.c -- publish and subscribe.
 */
#include "keyspace/transaction.h"

static bool subscriber_kind_is_valid(kv_channel_kind kind)
{
    return (unsigned)kind < CHANNELS_KINDS;
}

const kv_message *kv_message_keep(const kv_message *message)
{
    return message != NULL ? channels_keep(message) : NULL;
}

void kv_message_release(const kv_message *message)
{
    if (message != NULL) channels_release(message);
}

kv_status kv_subscriber_open(kv *db, kv_receive *receive, void *context, kv_subscriber **subscriber)
{
    if (db == NULL || receive == NULL || subscriber == NULL) return KV_BADARG;
    struct store *store = db->view->store;
    struct kv_subscriber *opened = alloc_get(&store->alloc, sizeof *opened);
    if (opened == NULL) return KV_NOMEM;
    memset(opened, 0, sizeof *opened);
    opened->channels = &store->channels;
    opened->receive = receive;
    opened->context = context;
    lock_init(&opened->lock);
    *subscriber = opened;
    return KV_OK;
}

void kv_subscriber_close(kv_subscriber *subscriber)
{
    if (subscriber == NULL) return;
    for (int kind = 0; kind < CHANNELS_KINDS; kind++)
        channels_unsubscribe_all(subscriber, (kv_channel_kind)kind, NULL, NULL);
    alloc_free(subscriber->channels->alloc, subscriber, sizeof *subscriber);
}

kv_status kv_subscribe(kv_subscriber *subscriber, kv_channel_kind kind, kv_slice name)
{
    if (subscriber == NULL || !subscriber_kind_is_valid(kind)) return KV_BADARG;
    return channels_subscribe(subscriber, kind, name);
}

kv_status kv_unsubscribe(kv_subscriber *subscriber, kv_channel_kind kind, kv_slice name)
{
    if (subscriber == NULL || !subscriber_kind_is_valid(kind)) return KV_BADARG;
    return channels_unsubscribe(subscriber, kind, name);
}

kv_status kv_unsubscribe_all(kv_subscriber *subscriber, kv_channel_kind kind, kv_visit *visit,
                             void *context)
{
    if (subscriber == NULL || !subscriber_kind_is_valid(kind)) return KV_BADARG;
    channels_unsubscribe_all(subscriber, kind, visit, context);
    return KV_OK;
}

uint64_t kv_subscriptions(const kv_subscriber *subscriber, kv_channel_kind kind)
{
    if (subscriber == NULL || !subscriber_kind_is_valid(kind)) return 0;
    return atomic_load_explicit(&subscriber->counts[kind], memory_order_relaxed);
}

/*
 * Delivers a message and writes it to the journal: under the lock of its channel's shard, so that
 * both know the same order, or in a transaction, where room is made first.
 */
static kv_status channel_publish_told(kv *db, kv_channel_kind kind, kv_slice channel,
                                      kv_slice payload, uint64_t *receivers)
{
    struct store *store = db->view->store;
    struct txn *txn = db->view->txn;
    struct shard *shard = store_shard(store, store_hash(store, channel));
    kv_slice words[3] = {kind == KV_SHARD_CHANNEL ? KV_TEXT("SPUBLISH") : KV_TEXT("PUBLISH"),
                         channel, payload};
    size_t size = words[0].size + channel.size + payload.size;
    if (txn != NULL && journal_group_reserve(&txn->journal, &store->alloc, 1, 3, size) != KV_OK)
        return KV_NOMEM;
    if (txn != NULL) txn_hold_some_shard(txn);
    else lock_lock(&shard->lock);
    *receivers = channels_publish(&store->channels, kind, channel, payload);
    journal_write(store, txn, db->database, KV_CAUSE_MESSAGE, words, 3);
    if (txn == NULL) lock_unlock(&shard->lock);
    return KV_OK;
}

static kv_status channel_publish(kv *db, kv_channel_kind kind, kv_slice channel, kv_slice payload,
                                 uint64_t *receivers)
{
    if (db == NULL) return KV_BADARG;
    struct store *store = db->view->store;
    uint64_t count = 0;
    kv_status status = KV_OK;
    if (journal_hears_messages(store))
        status = channel_publish_told(db, kind, channel, payload, &count);
    else count = channels_publish(&store->channels, kind, channel, payload);
    if (status == KV_OK && receivers != NULL) *receivers = count;
    return status;
}

kv_status kv_publish(kv *db, kv_slice channel, kv_slice payload, uint64_t *receivers)
{
    return channel_publish(db, KV_CHANNEL, channel, payload, receivers);
}

kv_status kv_spublish(kv *db, kv_slice channel, kv_slice payload, uint64_t *receivers)
{
    return channel_publish(db, KV_SHARD_CHANNEL, channel, payload, receivers);
}

kv_status kv_channels(kv *db, kv_channel_kind kind, const kv_slice *pattern,
                      kv_visit_channel *visit, void *context)
{
    if (db == NULL || visit == NULL || !subscriber_kind_is_valid(kind)) return KV_BADARG;
    channels_each(&db->view->store->channels, kind, pattern, visit, context);
    return KV_OK;
}

uint64_t kv_channel_subscribers(kv *db, kv_channel_kind kind, kv_slice name)
{
    if (db == NULL || !subscriber_kind_is_valid(kind)) return 0;
    return channels_subscribers(&db->view->store->channels, kind, name);
}

uint64_t kv_channel_count(kv *db, kv_channel_kind kind)
{
    if (db == NULL || !subscriber_kind_is_valid(kind)) return 0;
    return atomic_load_explicit(&db->view->store->channels.counts[kind], memory_order_relaxed);
}
