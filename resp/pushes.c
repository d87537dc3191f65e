/*
 * resp/pushes.c -- messages on their way to a session.
 */
#include "resp/pushes.h"

#include <stdlib.h>

enum {
    PUSHES_ROOM = 16,       /* messages, at first */
    PUSHES_ROOM_KEPT = 256, /* more is given back when the queue is empty */
    PUSHES_AT_ONCE = 64,    /* taken from the queue under one lock */
    PUSHES_OVERHEAD = 64    /* bytes of a message beside its texts */
};

enum pushes_state { PUSHES_FLOW, PUSHES_OVER_LIMIT, PUSHES_OUT_OF_MEMORY };

struct pushes {
    kv_subscriber *subscriber;
    _Atomic int state;

    pthread_mutex_t lock;     /* of what follows */
    const kv_message **items; /* a ring */
    size_t first, count, capacity;
    bool is_alarmed; /* the session was told that it is above its soft limit */
};

static size_t pushes_size(const kv_message *message)
{
    return message->channel.size + message->pattern.size + message->payload.size + PUSHES_OVERHEAD;
}

/* -------------------------------------------------------------------------------- the queue */

/* Grows the ring, which is full, to twice its size. False without memory. */
static bool pushes_grow(struct pushes *pushes)
{
    size_t capacity = pushes->capacity == 0 ? PUSHES_ROOM : 2 * pushes->capacity;
    const kv_message **items = malloc(capacity * sizeof *items);
    if (items == NULL) return false;
    for (size_t i = 0; i < pushes->count; i++)
        items[i] = pushes->items[(pushes->first + i) & (pushes->capacity - 1)];
    free(pushes->items);
    pushes->items = items;
    pushes->first = 0;
    pushes->capacity = capacity;
    return true;
}

static bool pushes_add(struct pushes *pushes, const kv_message *message)
{
    if (pushes->count == pushes->capacity && !pushes_grow(pushes)) return false;
    pushes->items[(pushes->first + pushes->count++) & (pushes->capacity - 1)] = message;
    return true;
}

static const kv_message *pushes_take_first(struct pushes *pushes)
{
    const kv_message *message = pushes->items[pushes->first];
    pushes->first = (pushes->first + 1) & (pushes->capacity - 1);
    pushes->count--;
    return message;
}

/* Gives back what many messages needed. */
static void pushes_shrink(struct pushes *pushes)
{
    pushes->is_alarmed = false;
    if (pushes->capacity <= PUSHES_ROOM_KEPT) return;
    free(pushes->items);
    pushes->items = NULL;
    pushes->first = pushes->capacity = 0;
}

/* Makes true what others see of the queue. Only under the lock it is written. */
static void pushes_show(kvresp_session *session, uint64_t bytes)
{
    atomic_store_explicit(&session->shown.pushes, session->pushes->count, memory_order_relaxed);
    atomic_store_explicit(&session->shown.pushes_size, bytes, memory_order_relaxed);
}

/* The session ends: what it has not read it will not get. Under the lock. */
static void pushes_fail(kvresp_session *session, enum pushes_state state)
{
    struct pushes *pushes = session->pushes;
    atomic_store(&pushes->state, state);
    while (pushes->count > 0) kv_message_release(pushes_take_first(pushes));
    pushes_show(session, 0);
}

/* Takes messages off the queue, of about so many bytes in all. Returns how many. */
static size_t pushes_take(kvresp_session *session, size_t wanted,
                          const kv_message *taken[PUSHES_AT_ONCE])
{
    struct pushes *pushes = session->pushes;
    size_t count = 0, bytes = 0;
    pthread_mutex_lock(&pushes->lock);
    while (count < PUSHES_AT_ONCE && pushes->count > 0 && bytes < wanted) {
        taken[count] = pushes_take_first(pushes);
        bytes += pushes_size(taken[count++]);
    }
    if (pushes->count == 0) pushes_shrink(pushes);
    pushes_show(session, resp_setting(&session->shown.pushes_size) - bytes);
    pthread_mutex_unlock(&pushes->lock);
    return count;
}

/* --------------------------------------------------------------------------------- receiving */

/* Whether the session has as much to read as `limit` allows; 0 is no limit. */
static bool pushes_reach(const kvresp_session *session, const _Atomic uint64_t *limit)
{
    uint64_t bytes = resp_setting(limit);
    return bytes > 0 &&
           resp_setting(&session->shown.pushes_size) + resp_setting(&session->shown.output_size) >=
               bytes;
}

/* Adds a message to the queue. True if the session is to be woken for it. Under the lock. */
static bool pushes_accept(kvresp_session *session, const kv_message *message)
{
    struct pushes *pushes = session->pushes;
    const struct output_limit *limit = &session->resp->settings.output_limits[OUTPUT_PUBSUB];
    if (!pushes_add(pushes, message)) {
        pushes_fail(session, PUSHES_OUT_OF_MEMORY);
        kv_message_release(message);
        return true;
    }
    pushes_show(session, resp_setting(&session->shown.pushes_size) + pushes_size(message));
    if (pushes_reach(session, &limit->hard)) {
        pushes_fail(session, PUSHES_OVER_LIMIT);
        return true;
    }
    if (pushes->count == 1) return true;
    /* It sees to its soft limit itself, but has no reason to run while its socket is full. */
    if (pushes->is_alarmed || !pushes_reach(session, &limit->soft)) return false;
    pushes->is_alarmed = true;
    return true;
}

/* In the thread of whoever publishes. */
static void pushes_receive(void *context, const kv_message *message)
{
    kvresp_session *session = context;
    struct pushes *pushes = session->pushes;
    if (atomic_load_explicit(&pushes->state, memory_order_relaxed) != PUSHES_FLOW) return;
    const kv_message *kept = kv_message_keep(message);
    pthread_mutex_lock(&pushes->lock);
    bool wakes = true;
    if (kept != NULL) wakes = pushes_accept(session, kept);
    else pushes_fail(session, PUSHES_OUT_OF_MEMORY);
    pthread_mutex_unlock(&pushes->lock);
    if (wakes) session_wake(session);
}

kv_status pushes_open(kvresp_session *session)
{
    if (session->pushes != NULL) return KV_OK;
    struct pushes *pushes = calloc(1, sizeof *pushes);
    if (pushes == NULL) return KV_NOMEM;
    if (pthread_mutex_init(&pushes->lock, NULL) != 0) {
        free(pushes);
        return KV_NOMEM;
    }
    session->pushes = pushes; /* nobody calls pushes_receive() before there is a subscription */
    kv_status status =
        kv_subscriber_open(session->resp->store, pushes_receive, session, &pushes->subscriber);
    if (status != KV_OK) pushes_close(session);
    return status;
}

void pushes_close(kvresp_session *session)
{
    struct pushes *pushes = session->pushes;
    if (pushes == NULL) return;
    kv_subscriber_close(pushes->subscriber);
    pushes_fail(session, PUSHES_FLOW);
    pthread_mutex_destroy(&pushes->lock);
    free(pushes->items);
    free(pushes);
    session->pushes = NULL;
}

kv_subscriber *pushes_subscriber(const kvresp_session *session)
{
    return session->pushes != NULL ? session->pushes->subscriber : NULL;
}

/* ----------------------------------------------------------------------------------- writing */

static void pushes_write(struct writer *reply, const kv_message *message)
{
    static const char *const names[] = {"message", "pmessage", "smessage"};
    writer_push(reply, message->kind == KV_PATTERN ? 4 : 3);
    writer_bulk_text(reply, names[message->kind]);
    if (message->kind == KV_PATTERN) writer_bulk(reply, message->pattern);
    writer_bulk(reply, message->channel);
    writer_bulk(reply, message->payload);
}

void pushes_flush(kvresp_session *session, size_t room)
{
    const kv_message *taken[PUSHES_AT_ONCE];
    size_t output = session->reply.size - session->reply.start;
    while (pushes_are_waiting(session) && output < room) {
        size_t count = pushes_take(session, room - output, taken);
        for (size_t i = 0; i < count; i++) {
            pushes_write(&session->reply, taken[i]);
            kv_message_release(taken[i]);
        }
        output = session->reply.size - session->reply.start;
    }
}

bool pushes_are_waiting(const kvresp_session *session)
{
    return resp_setting(&session->shown.pushes) > 0;
}

const char *pushes_failure(const kvresp_session *session)
{
    switch (atomic_load_explicit(&session->pushes->state, memory_order_relaxed)) {
    case PUSHES_OVER_LIMIT: return "overcoming of output buffer limits";
    case PUSHES_OUT_OF_MEMORY: return "want of memory for its messages";
    default: return NULL;
    }
}
