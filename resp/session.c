/*
 * resp/session.c -- one client's life: open, input, output, close.
 */
#include "resp/session.h"

#include "resp/blocked.h"
#include "resp/clients.h"
#include "resp/commands.h"
#include "resp/pushes.h"

#include <stdlib.h>

/* ------------------------------------------------------------------------------- open and close */

static kv_slice session_keep_text(char **at, const char *text)
{
    size_t size = strlen(text);
    kv_slice copy = kv_bytes(*at, size);
    memcpy(*at, text, size + 1);
    *at += size + 1;
    return copy;
}

static void session_aof_woken(void *context)
{
    session_wake(context);
}

static void session_set_options(kvresp_session *session, const kvresp_session_options *options)
{
    if (options->is_unix) session->flags |= SESSION_UNIX;
    if (options->is_trusted) session->flags |= SESSION_TRUSTED | SESSION_AUTHENTICATED;
    session->descriptor = options->descriptor > 0 ? options->descriptor : -1;
    session->wake = options->wake;
    session->wake_context = options->wake_context;
}

kv_status kvresp_session_open(kvresp *resp, const kvresp_session_options *given,
                              kvresp_session **session)
{
    kvresp_session_options copy = KV_OPTIONS(kvresp_session_options), *options = &copy;
    if (resp == NULL || session == NULL) return KV_BADARG;
    if (given != NULL) {
        if (given->size < sizeof given->size || given->size > sizeof copy) return KV_BADARG;
        memcpy(&copy, given, given->size);
    }
    const char *address = options->address != NULL ? options->address : "";
    const char *local = options->local_address != NULL ? options->local_address : "";

    kvresp_session *opened = calloc(1, sizeof *opened + strlen(address) + strlen(local) + 2);
    if (opened == NULL) return KV_NOMEM;
    char *texts = (char *)(opened + 1);
    opened->address = session_keep_text(&texts, address);
    opened->local_address = session_keep_text(&texts, local);
    opened->resp = resp;
    opened->reply.protocol = 2;
    session_set_options(opened, options);
    opened->aof_waiter = (struct aof_waiter){.wake = session_aof_woken, .context = opened};
    if (!atomic_load(&resp->settings.has_password)) opened->flags |= SESSION_AUTHENTICATED;
    session_judge(opened);
    opened->opened_ms = kv_now(resp->store);
    atomic_init(&opened->shown.active_ms, opened->opened_ms);
    session_show(opened);
    clients_add(&resp->clients, opened);
    *session = opened;
    return KV_OK;
}

void kvresp_session_close(kvresp_session *session)
{
    if (session == NULL) return;
    kvresp *resp = session->resp;
    clients_remove(&resp->clients, session); /* from here on nobody wakes it but what follows */
    if (session->flags & SESSION_BLOCKED) blocked_end(session);
    migrate_end(session);
    pushes_close(session);
    replica_close(session->replica);
    if (resp->aof != NULL) resp->aof->forget(resp->aof->context, &session->aof_waiter);
    session_drop_queue(session);
    if (session->watch != NULL) kv_watch_close(session->watch);
    input_free(&session->input);
    writer_free(&session->reply);
    writer_free(&session->blocked.reply);
    parser_reset(&session->parser);
    kv_buffer_free(&session->scratch);
    free(session->name);
    free(session->library_name);
    free(session->library_version);
    free(session);
}

uint64_t kvresp_session_id(const kvresp_session *session)
{
    return session->id;
}

void session_judge(kvresp_session *session)
{
    bool known = (session->flags & SESSION_AUTHENTICATED) ||
                 !atomic_load(&session->resp->settings.has_password);
    if (known) session->flags &= ~(uint32_t)SESSION_STRANGER;
    else session->flags |= SESSION_STRANGER;
}

void session_wake(kvresp_session *session)
{
    if (session->wake != NULL) session->wake(session->wake_context);
}

void session_await_room(kvresp_session *session)
{
    const struct aof_link *aof = session->resp->aof;
    aof->await(aof->context, &session->aof_waiter, AOF_AWAIT_ROOM);
}

int64_t kvresp_deadline(const kvresp_session *session)
{
    int64_t deadline_ms =
        session->flags & SESSION_BLOCKED ? session->blocked.deadline_ms : KV_NEVER;
    unsigned endings = atomic_load(&session->resp->gates) & (GATE_ENDING | GATE_ENDED);
    if ((session->flags & (SESSION_PAUSED | SESSION_AWAITS_ROOM)) == SESSION_PAUSED &&
        endings != GATE_ENDING) {
        int64_t pause_ms = atomic_load(&session->resp->pause_until_ms);
        if (pause_ms != 0 && pause_ms < deadline_ms) deadline_ms = pause_ms;
    }
    if (session->soft_limit_since_ms != 0) {
        const struct output_limit *limit = session_output_limit(session);
        int64_t limit_ms =
            session->soft_limit_since_ms + 1000 * atomic_load(&limit->soft_seconds) + 1;
        if (limit_ms < deadline_ms) deadline_ms = limit_ms;
    }
    return deadline_ms;
}

bool kvresp_session_may_delay(const kvresp_session *session)
{
    return (session->flags & SESSION_REPLICA) &&
           replicas_setting(&session->resp->replicas, REPLICAS_NO_DELAY) != 0;
}

bool kvresp_session_is_idle(const kvresp_session *session)
{
    return !(session->flags &
             (SESSION_BLOCKED | SESSION_PAUSED | SESSION_SUBSCRIBED | SESSION_REPLICA));
}

/* ------------------------------------------------------------------------------------- queueing */

void session_note_offset(kvresp_session *session)
{
    session->written_offset = replication_offset(&session->resp->replication);
}

void session_drop_queue(kvresp_session *session)
{
    struct transaction *transaction = &session->transaction;
    for (size_t i = 0; i < transaction->count; i++) free(transaction->commands[i].arguments);
    free(transaction->commands);
    *transaction = (struct transaction){0};
    session->flags &= ~(uint32_t)(SESSION_MULTI | SESSION_MULTI_FAILED);
}

void session_unwatch(kvresp_session *session)
{
    if (!session->is_watching) return;
    kv_watch_reset(session->watch);
    session->is_watching = false;
}

/* ---------------------------------------------------------------------------------------- input */

kv_status kvresp_input_space(kvresp_session *session, void **space, size_t *size)
{
    struct input *input = &session->input;
    uint64_t limit = resp_setting(&session->resp->settings.query_buffer_limit);
    size_t held = input_size(input) + session->transaction.bytes; /* queued: sent, not executed */
    if (held > limit) return KV_TOOBIG;
    session->framed.round = 0;
    kv_status status = input_make_room(input, &session->resp->pool, session->pool_slot,
                                       parser_wanted(&session->parser));
    if (status != KV_OK) return status;
    *space = input->bytes + input->end;
    *size = input->capacity - input->end;
    if (*size > limit - held + 1)
        *size = (size_t)(limit - held + 1); /* one more than allowed tells */
    return KV_OK;
}

void kvresp_input_add(kvresp_session *session, size_t size)
{
    input_add(&session->input, size);
}

/* --------------------------------------------------------------------------------------- output */

/* Forgets the holds whose positions are durable by now. */
static void session_release_holds(kvresp_session *session)
{
    const struct aof_link *aof = session->resp->aof;
    unsigned released = 0;
    while (released < session->hold_count &&
           aof->is_durable(aof->context, session->holds[released].position))
        released++;
    if (released == 0) return;
    session->hold_count -= released;
    memmove(session->holds, session->holds + released,
            session->hold_count * sizeof session->holds[0]);
}

kv_slice kvresp_output(kvresp_session *session)
{
    struct writer *reply = &session->reply;
    size_t size = reply->size - reply->start;
    if (session->hold_count > 0) session_release_holds(session);
    if (session->hold_count > 0) {
        const struct aof_link *aof = session->resp->aof;
        size = (size_t)(session->holds[0].from - session->output_begin);
        aof->await(aof->context, &session->aof_waiter, session->holds[0].position);
    }
    if (size == 0 && TEXT_UNLIKELY(replica_is_attached(session->replica)))
        return replica_output(session->replica);
    return kv_bytes(reply->bytes != NULL ? reply->bytes + reply->start : NULL, size);
}

void kvresp_output_consume(kvresp_session *session, size_t size)
{
    struct writer *reply = &session->reply;
    if (size > 0 && reply->start == reply->size) {
        replica_sent(session->replica, size);
        return;
    }
    reply->start += size;
    session->output_begin += size;
    atomic_store_explicit(&session->shown.output_size, reply->size - reply->start,
                          memory_order_relaxed);
    if (reply->start < reply->size || reply->bytes == NULL) return;
    if (session->pushes != NULL && pushes_are_waiting(session)) session_wake(session);
    reply->start = reply->size = 0;
    if (reply->capacity == POOL_BLOCK_SIZE) {
        pool_give(&session->resp->pool, session->pool_slot, reply->bytes);
        reply->bytes = NULL;
        reply->capacity = 0;
    } else {
        writer_free(reply);
    }
}

size_t kvresp_output_pending(const kvresp_session *session)
{
    size_t pending = session->reply.size - session->reply.start;
    bool is_fed = session->flags & SESSION_REPLICA && !(session->flags & SESSION_CLOSING);
    return is_fed ? pending + (size_t)replica_unread(session->replica) : pending;
}

/* -------------------------------------------------------------------------------------- showing */

static void session_show_subscriptions(kvresp_session *session)
{
    struct session_shown *shown = &session->shown;
    const memory_order relaxed = memory_order_relaxed;
    const kv_subscriber *subscriber = pushes_subscriber(session);
    atomic_store_explicit(&shown->channels, (uint32_t)kv_subscriptions(subscriber, KV_CHANNEL),
                          relaxed);
    atomic_store_explicit(&shown->patterns, (uint32_t)kv_subscriptions(subscriber, KV_PATTERN),
                          relaxed);
    atomic_store_explicit(&shown->shard_channels,
                          (uint32_t)kv_subscriptions(subscriber, KV_SHARD_CHANNEL), relaxed);
}

void session_show(kvresp_session *session)
{
    struct session_shown *shown = &session->shown;
    const memory_order relaxed = memory_order_relaxed;
    size_t output = session->reply.capacity, input = session->input.capacity;
    uint32_t flags = session->flags;
    if (session->is_watching && kv_watch_is_dirty(session->watch)) flags |= SESSION_WATCH_DIRTY;
    atomic_store_explicit(&shown->flags, flags, relaxed);
    atomic_store_explicit(&shown->database, session->database, relaxed);
    atomic_store_explicit(&shown->is_watching, session->is_watching, relaxed);
    atomic_store_explicit(&shown->protocol, session->reply.protocol, relaxed);
    atomic_store_explicit(&shown->queued,
                          session->flags & SESSION_MULTI ? (int32_t)session->transaction.count : -1,
                          relaxed);
    if (session->pushes != NULL) session_show_subscriptions(session);
    atomic_store_explicit(&shown->transaction_memory, session->transaction.bytes, relaxed);
    atomic_store_explicit(&shown->input_size, input_size(&session->input), relaxed);
    atomic_store_explicit(&shown->input_room, input - session->input.end, relaxed);
    atomic_store_explicit(&shown->output_size, session->reply.size - session->reply.start, relaxed);
    atomic_store_explicit(&shown->memory,
                          sizeof *session + input + output + session->transaction.bytes, relaxed);
}
