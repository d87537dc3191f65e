/*
 * resp/blocked.c -- commands that wait.
 */
#include "resp/blocked.h"

#include "resp/clients.h"

#include <stdlib.h>

static void blocked_write_elements(struct writer *reply, const kv_wait_result *result)
{
    for (size_t i = 0; i < result->element_count; i++) writer_bulk(reply, result->elements[i]);
}

/*
 * Arrays and bulk strings look the same in both protocols, so whoever serves need not know which.
 */
static void blocked_write_reply(struct blocked *blocked, const kv_wait_result *result)
{
    struct writer *reply = &blocked->reply;
    reply->size = 0;
    if (blocked->names_key) {
        writer_array(reply, 2);
        writer_bulk(reply, result->key);
    }
    if (blocked->as_array) writer_array(reply, result->element_count);
    blocked_write_elements(reply, result);
}

/* In the thread of whoever brought the elements. */
static void blocked_done(void *context, kv_waiter *waiter, const kv_wait_result *result)
{
    kvresp_session *session = context;
    struct blocked *blocked = &session->blocked;
    (void)waiter;
    if (result->status == KV_OK && blocked->attempt == NULL) blocked_write_reply(blocked, result);
    blocked->status = blocked->reply.failed ? KV_NOMEM : result->status;
    atomic_store_explicit(&blocked->state, BLOCKED_SERVED, memory_order_release);
    session_wake(session);
}

/* In the same thread, before that; the reply's protocol is the session's. */
static kv_status blocked_try(void *context, kv *txn, size_t key_index, kv_slice key)
{
    struct blocked *blocked = &((kvresp_session *)context)->blocked;
    blocked->reply.size = 0;
    return blocked->attempt(blocked->request, txn, key_index, key, &blocked->reply);
}

/*
 * Under the lock of the client list, so that a CLIENT UNBLOCK that comes too late leaves nothing
 * behind.
 */
static void blocked_finish(kvresp_session *session)
{
    struct client_list *clients = &session->resp->clients;
    pthread_mutex_lock(&clients->lock);
    atomic_store(&session->blocked.state, BLOCKED_NOT);
    atomic_fetch_and(&session->orders, ~(unsigned)ORDER_UNBLOCKS);
    pthread_mutex_unlock(&clients->lock);
    session->blocked.waiter = NULL;
    session->blocked.kind = NULL;
    free(session->blocked.request);
    session->blocked.request = NULL;
    if (!(session->flags & SESSION_BLOCKED)) return;
    session->flags &= ~(uint32_t)SESSION_BLOCKED;
    atomic_fetch_sub(&session->resp->blocked_clients, 1);
}

/* Once served: passes the reply on. */
static void blocked_reply(struct call *call)
{
    struct blocked *blocked = &call->session->blocked;
    if (blocked->status == KV_OK) {
        writer_raw(call->reply, blocked->reply.bytes, blocked->reply.size);
        call->session->wrote = true;
    } else if (blocked->status < 0 && blocked->reply.size > 0 && !blocked->reply.failed) {
        call_error(call, (const char *)blocked->reply.bytes); /* the attempt wrote its text */
    } else {
        call_fail(call, blocked->status);
    }
    writer_free(&blocked->reply);
    blocked->reply.failed = false;
}

static int64_t blocked_deadline(int64_t now_ms, int64_t timeout_ms)
{
    return timeout_ms == 0 || timeout_ms > KV_NEVER - now_ms ? KV_NEVER : now_ms + timeout_ms;
}

void blocked_begin_kind(struct call *call, const struct blocked_kind *kind, int64_t timeout_ms)
{
    kvresp_session *session = call->session;
    struct blocked *blocked = &session->blocked;
    blocked->kind = kind;
    blocked->command = call->command;
    blocked->deadline_ms = blocked_deadline(kv_now(call->db), timeout_ms);
    atomic_store(&blocked->state, kind->is_firm ? BLOCKED_FIRMLY : BLOCKED_WAITING);
    session->flags |= SESSION_BLOCKED;
    atomic_fetch_add(&call->resp->blocked_clients, 1);
}

void blocked_begin(struct call *call, const struct blocked_wish *wish, int64_t timeout_ms)
{
    kvresp_session *session = call->session;
    struct blocked *blocked = &session->blocked;
    int64_t now_ms = kv_now(call->db);
    blocked->names_key = wish->names_key;
    blocked->as_array = wish->as_array;
    blocked->attempt = wish->attempt;
    blocked->request = wish->request;
    blocked->reply.protocol = call->reply->protocol;
    blocked->command = call->command;
    blocked->deadline_ms = blocked_deadline(now_ms, timeout_ms);
    atomic_store(&blocked->state, BLOCKED_WAITING);

    kv_wait_options options = KV_OPTIONS(kv_wait_options);
    options.keys = wish->keys;
    options.key_count = wish->key_count;
    options.end = wish->end;
    options.count = wish->count;
    options.destination = wish->destination;
    options.to_end = wish->to_end;
    options.attempt = wish->attempt != NULL ? blocked_try : NULL;
    options.type = wish->type;
    options.minds_removal = wish->minds_removal;
    options.done = blocked_done;
    options.context = session;
    kv_status status = kv_wait(call->db, &options, &blocked->waiter);
    if (status == KV_PENDING) {
        session->flags |= SESSION_BLOCKED;
        atomic_fetch_add(&call->resp->blocked_clients, 1);
        return;
    }
    blocked_finish(session);
    if (status == KV_OK) blocked_reply(call);
    else call_fail(call, status);
}

static void blocked_demote(struct call *call)
{
    call_error(call, "UNBLOCKED force unblock from blocking operation, instance state changed "
                     "(master -> replica?)");
    call->session->flags |= SESSION_CLOSING;
}

bool blocked_look(kvresp_worker *worker, kvresp_session *session, int64_t now_ms)
{
    struct blocked *blocked = &session->blocked;
    unsigned orders = atomic_load(&session->orders);
    bool is_over = atomic_load_explicit(&blocked->state, memory_order_acquire) == BLOCKED_SERVED ||
                   (orders & ORDER_UNBLOCKS) || now_ms >= blocked->deadline_ms;
    const struct blocked_kind *kind = blocked->kind;
    if (!is_over && (kind == NULL || !kind->is_over(session))) return false;

    struct call call = {.resp = session->resp,
                        .worker = worker,
                        .session = session,
                        .reply = &session->reply,
                        .command = blocked->command};
    size_t mark = session->reply.size - session->reply.start;
    bool was_served = kind == NULL && kv_wait_cancel(blocked->waiter) == KV_NONE;
    if (kind != NULL) kind->end(session);
    blocked_finish(session);
    if (was_served) blocked_reply(&call);
    else if (orders & ORDER_UNBLOCK_ERROR)
        call_error(&call, "UNBLOCKED client unblocked via CLIENT UNBLOCK");
    else if (orders & ORDER_UNBLOCK_DEMOTED) blocked_demote(&call);
    else if (kind != NULL) kind->reply(&call);
    else writer_null_array(&session->reply);
    if (session->flags & (SESSION_REPLY_OFF | SESSION_REPLY_SKIP)) /* see run_gated() */
        session->reply.size = session->reply.start + mark;
    session->flags &= ~(uint32_t)SESSION_REPLY_SKIP;
    if (session->errors != session->charged) counters_fail(&worker->counters, call.command, 1);
    session->charged = session->errors; /* not to what comes next */
    return true;
}

void blocked_end(kvresp_session *session)
{
    if (session->blocked.kind != NULL) session->blocked.kind->end(session);
    else (void)kv_wait_cancel(session->blocked.waiter);
    blocked_finish(session);
}
