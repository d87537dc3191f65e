/*
 * resp/commands_pubsub.c -- publish and subscribe. What a session receives goes by pushes.c.
 *
 * Subscribing and unsubscribing has no reply, but a push for each channel; in RESP2 an array.
 */
#include "resp/commands.h"
#include "resp/pushes.h"

struct pubsub_words {
    const char *subscribed, *unsubscribed;
};

static const struct pubsub_words pubsub_words[] = {
    [KV_CHANNEL] = {"subscribe", "unsubscribe"},
    [KV_PATTERN] = {"psubscribe", "punsubscribe"},
    [KV_SHARD_CHANNEL] = {"ssubscribe", "sunsubscribe"},
};

/* What a confirmation counts: channels and patterns together, shard channels by themselves. */
static uint64_t pubsub_count(const kvresp_session *session, kv_channel_kind kind)
{
    const kv_subscriber *subscriber = pushes_subscriber(session);
    if (kind == KV_SHARD_CHANNEL) return kv_subscriptions(subscriber, kind);
    return kv_subscriptions(subscriber, KV_CHANNEL) + kv_subscriptions(subscriber, KV_PATTERN);
}

static void pubsub_confirm(struct writer *reply, const char *word, const kv_slice *name,
                           uint64_t count)
{
    writer_push(reply, 3);
    writer_bulk_text(reply, word);
    if (name != NULL) writer_bulk(reply, *name);
    else writer_null(reply);
    writer_integer(reply, (int64_t)count);
}

static void pubsub_judge(struct call *call)
{
    kvresp_session *session = call->session;
    session->has_pushed = !call->in_exec;
    bool is_subscribed =
        pubsub_count(session, KV_CHANNEL) + pubsub_count(session, KV_SHARD_CHANNEL) > 0;
    if (is_subscribed) session->flags |= SESSION_SUBSCRIBED;
    else session->flags &= ~(uint32_t)SESSION_SUBSCRIBED;
}

/* -------------------------------------------------------------------------------- subscribing */

static void pubsub_subscribe(struct call *call, kv_channel_kind kind)
{
    kvresp_session *session = call->session;
    kv_status status = pushes_open(session);
    for (size_t i = 1; i < call->count && status >= 0; i++) {
        status = kv_subscribe(pushes_subscriber(session), kind, call->arguments[i]);
        if (status >= 0)
            pubsub_confirm(call->reply, pubsub_words[kind].subscribed, &call->arguments[i],
                           pubsub_count(session, kind));
    }
    pubsub_judge(call);
    if (status < 0) call_fail(call, status);
}

void subscribe_command(struct call *call)
{
    pubsub_subscribe(call, KV_CHANNEL);
}

void psubscribe_command(struct call *call)
{
    pubsub_subscribe(call, KV_PATTERN);
}

/* Redis refuses this one of the three in a transaction. */
void ssubscribe_command(struct call *call)
{
    if (call->in_exec) {
        call_error(call, "ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client");
        return;
    }
    pubsub_subscribe(call, KV_SHARD_CHANNEL);
}

/* ------------------------------------------------------------------------------ unsubscribing */

/* What has been received goes before the confirmation; but not into the middle of EXEC's reply. */
static void pubsub_flush(struct call *call)
{
    if (call->session->pushes != NULL && !call->in_exec) pushes_flush(call->session, SIZE_MAX);
}

struct pubsub_leaving {
    struct call *call;
    kv_channel_kind kind;
    uint64_t left;
};

/* Nothing is received by way of the subscription that ends while this runs, and after. */
static bool pubsub_leave(void *context, kv_slice name)
{
    struct pubsub_leaving *leaving = context;
    pubsub_flush(leaving->call);
    pubsub_confirm(leaving->call->reply, pubsub_words[leaving->kind].unsubscribed, &name,
                   --leaving->left);
    return true;
}

static void pubsub_leave_all(struct call *call, kv_channel_kind kind)
{
    kv_subscriber *subscriber = pushes_subscriber(call->session);
    struct pubsub_leaving leaving = {call, kind, pubsub_count(call->session, kind)};
    if (kv_subscriptions(subscriber, kind) > 0)
        (void)kv_unsubscribe_all(subscriber, kind, pubsub_leave, &leaving);
    else pubsub_confirm(call->reply, pubsub_words[kind].unsubscribed, NULL, leaving.left);
}

static void pubsub_unsubscribe(struct call *call, kv_channel_kind kind)
{
    kv_subscriber *subscriber = pushes_subscriber(call->session);
    if (call->count == 1) pubsub_leave_all(call, kind);
    for (size_t i = 1; i < call->count; i++) {
        if (subscriber != NULL) (void)kv_unsubscribe(subscriber, kind, call->arguments[i]);
        pubsub_flush(call);
        pubsub_confirm(call->reply, pubsub_words[kind].unsubscribed, &call->arguments[i],
                       pubsub_count(call->session, kind));
    }
    pubsub_judge(call);
}

void unsubscribe_command(struct call *call)
{
    pubsub_unsubscribe(call, KV_CHANNEL);
}

void punsubscribe_command(struct call *call)
{
    pubsub_unsubscribe(call, KV_PATTERN);
}

void sunsubscribe_command(struct call *call)
{
    pubsub_unsubscribe(call, KV_SHARD_CHANNEL);
}

void pubsub_end(kvresp_session *session)
{
    if (session->pushes == NULL) return;
    for (int kind = KV_CHANNEL; kind <= KV_SHARD_CHANNEL; kind++)
        (void)kv_unsubscribe_all(pushes_subscriber(session), (kv_channel_kind)kind, NULL, NULL);
    pushes_flush(session, SIZE_MAX);
    session->flags &= ~(uint32_t)SESSION_SUBSCRIBED;
}

/* --------------------------------------------------------------------------------- publishing */

typedef kv_status pubsub_publisher(kv *db, kv_slice channel, kv_slice payload, uint64_t *receivers);

static void pubsub_publish(struct call *call, pubsub_publisher *publish)
{
    uint64_t receivers;
    kv_status status = publish(call->db, call->arguments[1], call->arguments[2], &receivers);
    if (status != KV_OK) call_fail(call, status);
    else writer_integer(call->reply, (int64_t)receivers);
    session_note_offset(call->session); /* which WAIT waits for */
}

void publish_command(struct call *call)
{
    pubsub_publish(call, kv_publish);
}

void spublish_command(struct call *call)
{
    pubsub_publish(call, kv_spublish);
}

/* ------------------------------------------------------------------------------------- PUBSUB */

void pubsub_command(struct call *call)
{
    call_subcommand_error(call);
}

void pubsub_help_command(struct call *call)
{
    static const char *const lines[] = {
        "CHANNELS [<pattern>]",
        "    Lists the channels that somebody is subscribed to, or those that match a pattern.",
        "NUMPAT",
        "    Counts the patterns that somebody is subscribed to.",
        "NUMSUB [<channel> ...]",
        "    Counts the subscribers of each channel, without those of patterns.",
        "SHARDCHANNELS [<pattern>]",
        "    Lists the shard channels that somebody is subscribed to.",
        "SHARDNUMSUB [<shardchannel> ...]",
        "    Counts the subscribers of each shard channel.",
        NULL};
    call_help(call, lines);
}

struct pubsub_listing {
    struct writer *reply;
    uint64_t count;
};

static bool pubsub_list_name(void *context, kv_slice name, uint64_t subscribers)
{
    struct pubsub_listing *listing = context;
    (void)subscribers;
    writer_bulk(listing->reply, name);
    listing->count++;
    return true;
}

static void pubsub_list(struct call *call, kv_channel_kind kind)
{
    if (call->count > 3) {
        call_subcommand_error(call);
        return;
    }
    struct pubsub_listing listing = {call->reply, 0};
    size_t began = writer_begin_deferred(call->reply);
    const kv_slice *pattern = call->count == 3 ? &call->arguments[2] : NULL;
    (void)kv_channels(call->db, kind, pattern, pubsub_list_name, &listing);
    writer_end_deferred(call->reply, began, '*', listing.count);
}

void pubsub_channels_command(struct call *call)
{
    pubsub_list(call, KV_CHANNEL);
}

void pubsub_shardchannels_command(struct call *call)
{
    pubsub_list(call, KV_SHARD_CHANNEL);
}

static void pubsub_count_subscribers(struct call *call, kv_channel_kind kind)
{
    writer_array(call->reply, 2 * (call->count - 2));
    for (size_t i = 2; i < call->count; i++) {
        writer_bulk(call->reply, call->arguments[i]);
        uint64_t subscribers = kv_channel_subscribers(call->db, kind, call->arguments[i]);
        writer_integer(call->reply, (int64_t)subscribers);
    }
}

void pubsub_numsub_command(struct call *call)
{
    pubsub_count_subscribers(call, KV_CHANNEL);
}

void pubsub_shardnumsub_command(struct call *call)
{
    pubsub_count_subscribers(call, KV_SHARD_CHANNEL);
}

void pubsub_numpat_command(struct call *call)
{
    writer_integer(call->reply, (int64_t)kv_channel_count(call->db, KV_PATTERN));
}
