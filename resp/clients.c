/*
 * resp/clients.c -- the list of all clients.
 */
#include "resp/clients.h"

#include <stdlib.h>

kv_status clients_open(struct client_list *clients)
{
    *clients = (struct client_list){.next_id = 1};
    return pthread_mutex_init(&clients->lock, NULL) == 0 ? KV_OK : KV_NOMEM;
}

void clients_close(struct client_list *clients)
{
    pthread_mutex_destroy(&clients->lock);
}

void clients_add(struct client_list *clients, kvresp_session *session)
{
    pthread_mutex_lock(&clients->lock);
    session->id = clients->next_id++;
    session->previous = clients->last;
    if (clients->last != NULL) clients->last->next = session;
    else clients->first = session;
    clients->last = session;
    clients->count++;
    pthread_mutex_unlock(&clients->lock);
}

void clients_remove(struct client_list *clients, kvresp_session *session)
{
    pthread_mutex_lock(&clients->lock);
    if (session->previous != NULL) session->previous->next = session->next;
    else clients->first = session->next;
    if (session->next != NULL) session->next->previous = session->previous;
    else clients->last = session->previous;
    clients->count--;
    pthread_mutex_unlock(&clients->lock);
}

void clients_set_text(struct client_list *clients, char **field, char *text)
{
    pthread_mutex_lock(&clients->lock);
    free(*field);
    *field = text;
    pthread_mutex_unlock(&clients->lock);
}

/* ------------------------------------------------------------------------------------ filtering */

static bool client_has_id(const kvresp_session *session, const struct client_filter *filter)
{
    for (size_t i = 0; i < filter->id_count; i++)
        if (filter->ids[i] >= 0 && (uint64_t)filter->ids[i] == session->id) return true;
    return false;
}

static int client_type_of(const kvresp_session *session)
{
    uint32_t flags = atomic_load(&session->shown.flags);
    if (flags & SESSION_REPLICA) return CLIENT_TYPE_REPLICA;
    if (flags & SESSION_OF_MASTER) return CLIENT_TYPE_MASTER;
    bool is_subscribed = (flags & SESSION_SUBSCRIBED) != 0;
    return is_subscribed ? CLIENT_TYPE_PUBSUB : CLIENT_TYPE_NORMAL;
}

/* The link to a master, which may do everything and is no user's. */
static bool client_is_of_master(const kvresp_session *session)
{
    return atomic_load(&session->shown.flags) & SESSION_OF_MASTER;
}

static bool client_is_meant(const kvresp_session *session, const struct client_filter *filter)
{
    if (filter->ids != NULL && !client_has_id(session, filter)) return false;
    if (filter->address.data != NULL && !text_equal(filter->address, session->address))
        return false;
    if (filter->local_address.data != NULL &&
        !text_equal(filter->local_address, session->local_address))
        return false;
    if (filter->has_type && filter->type != client_type_of(session)) return false;
    if (filter->has_user && client_is_of_master(session)) return false;
    return session != filter->skip;
}

/* ----------------------------------------------------------------------------------- describing */

static void client_flag_letters(uint32_t flags, char letters[16])
{
    char *at = letters;
    if (flags & SESSION_REPLICA) *at++ = 'S';
    if (flags & SESSION_OF_MASTER) *at++ = 'M';
    if (flags & SESSION_SUBSCRIBED) *at++ = 'P';
    if (flags & SESSION_MULTI) *at++ = 'x';
    if (flags & SESSION_BLOCKED) *at++ = 'b';
    if (flags & SESSION_WATCH_DIRTY) *at++ = 'd';
    if (flags & SESSION_CLOSING) *at++ = 'c';
    if (flags & SESSION_UNIX) *at++ = 'U';
    if (flags & SESSION_NO_EVICT) *at++ = 'e';
    if (flags & SESSION_NO_TOUCH) *at++ = 'T';
    if (at == letters) *at++ = 'N';
    *at = '\0';
}

static const char *client_text(const char *text)
{
    return text != NULL ? text : "";
}

static kv_status client_describe(kvresp_session *session, int64_t now_ms, kv_buffer *text)
{
    struct session_shown *shown = &session->shown;
    char letters[16];
    client_flag_letters(atomic_load(&shown->flags), letters);
    const struct command *command = atomic_load(&shown->command);
    int64_t idle_ms = now_ms - atomic_load(&shown->active_ms), age_ms = now_ms - session->opened_ms;
    uint64_t output = atomic_load(&shown->output_size);
    return text_format(
        text,
        "id=%llu addr=%s laddr=%s fd=%d name=%s age=%lld idle=%lld flags=%s db=%u sub=%u psub=%u "
        "ssub=%u "
        "multi=%d qbuf=%llu qbuf-free=%llu argv-mem=0 multi-mem=%llu rbs=%llu rbp=%llu obl=%llu "
        "oll=%llu omem=%llu "
        "tot-mem=%llu events=r cmd=%s user=%s redir=-1 resp=%d lib-name=%s lib-ver=%s\n",
        (unsigned long long)session->id, (const char *)session->address.data,
        (const char *)session->local_address.data, session->descriptor, client_text(session->name),
        (long long)(age_ms > 0 ? age_ms / 1000 : 0), (long long)(idle_ms > 0 ? idle_ms / 1000 : 0),
        letters, atomic_load(&shown->database), atomic_load(&shown->channels),
        atomic_load(&shown->patterns), atomic_load(&shown->shard_channels),
        atomic_load(&shown->queued), (unsigned long long)atomic_load(&shown->input_size),
        (unsigned long long)atomic_load(&shown->input_room),
        (unsigned long long)atomic_load(&shown->transaction_memory), (unsigned long long)output,
        (unsigned long long)output, (unsigned long long)output,
        (unsigned long long)atomic_load(&shown->pushes),
        (unsigned long long)atomic_load(&shown->pushes_size),
        (unsigned long long)atomic_load(&shown->memory),
        command != NULL ? command->facts.name : "NULL",
        client_is_of_master(session) ? "(superuser)" : "default", atomic_load(&shown->protocol),
        client_text(session->library_name), client_text(session->library_version));
}

kv_status clients_describe(struct client_list *clients, const struct client_filter *filter,
                           int64_t now_ms, kv_buffer *text)
{
    kv_status status = KV_OK;
    pthread_mutex_lock(&clients->lock);
    for (kvresp_session *at = clients->first; at != NULL && status == KV_OK; at = at->next) {
        if (!client_is_meant(at, filter)) continue;
        status = client_describe(at, now_ms, text);
    }
    pthread_mutex_unlock(&clients->lock);
    return status;
}

kv_status clients_describe_one(struct client_list *clients, kvresp_session *session, int64_t now_ms,
                               kv_buffer *text)
{
    pthread_mutex_lock(&clients->lock);
    kv_status status = client_describe(session, now_ms, text);
    pthread_mutex_unlock(&clients->lock);
    return status;
}

/* --------------------------------------------------------------------------------------- orders */

/* Leaves an order and wakes the session, under the list's lock. */
static void client_order(kvresp_session *session, unsigned order)
{
    atomic_fetch_or(&session->orders, order);
    session_wake(session);
}

size_t clients_kill(struct client_list *clients, const struct client_filter *filter,
                    kvresp_session *own, bool *own_is_meant)
{
    size_t count = 0;
    *own_is_meant = false;
    pthread_mutex_lock(&clients->lock);
    for (kvresp_session *at = clients->first; at != NULL; at = at->next) {
        if (!client_is_meant(at, filter)) continue;
        if (atomic_load(&at->orders) & ORDER_CLOSE) continue; /* it is as good as gone */
        count++;
        if (at == own) *own_is_meant = true;
        else client_order(at, ORDER_CLOSE);
    }
    pthread_mutex_unlock(&clients->lock);
    return count;
}

bool clients_unblock(struct client_list *clients, int64_t id, bool with_error)
{
    bool found = false;
    pthread_mutex_lock(&clients->lock);
    for (kvresp_session *at = clients->first; at != NULL && !found; at = at->next) {
        if (id < 0 || at->id != (uint64_t)id) continue;
        if (atomic_load(&at->blocked.state) != BLOCKED_WAITING) break;
        unsigned order = with_error ? ORDER_UNBLOCK_ERROR : ORDER_UNBLOCK_TIMEOUT;
        unsigned old = atomic_fetch_or(&at->orders, order);
        found = !(old & ORDER_UNBLOCKS); /* else somebody was faster */
        if (found) session_wake(at);
    }
    pthread_mutex_unlock(&clients->lock);
    return found;
}

void clients_unblock_all(struct client_list *clients)
{
    pthread_mutex_lock(&clients->lock);
    for (kvresp_session *at = clients->first; at != NULL; at = at->next)
        if (atomic_load(&at->blocked.state) == BLOCKED_WAITING)
            client_order(at, ORDER_UNBLOCK_DEMOTED);
    pthread_mutex_unlock(&clients->lock);
}

void clients_pause(kvresp *resp, unsigned gate, int64_t now_ms, int64_t until_ms)
{
    pthread_mutex_lock(&resp->clients.lock);
    int64_t earlier_ms = atomic_load(&resp->pause_until_ms);
    if (earlier_ms <= now_ms) atomic_fetch_and(&resp->gates, ~(unsigned)GATE_PAUSES); /* is over */
    if (earlier_ms < until_ms) atomic_store(&resp->pause_until_ms, until_ms);
    atomic_fetch_or(&resp->gates, gate);
    pthread_mutex_unlock(&resp->clients.lock);
}

static void clients_wake_locked(struct client_list *clients)
{
    for (kvresp_session *at = clients->first; at != NULL; at = at->next)
        if (atomic_load(&at->shown.flags) & SESSION_PAUSED) session_wake(at);
}

void clients_wake_paused(struct client_list *clients)
{
    pthread_mutex_lock(&clients->lock);
    clients_wake_locked(clients);
    pthread_mutex_unlock(&clients->lock);
}

void clients_unpause(kvresp *resp)
{
    struct client_list *clients = &resp->clients;
    pthread_mutex_lock(&clients->lock);
    atomic_fetch_and(&resp->gates, ~(unsigned)GATE_PAUSES);
    atomic_store(&resp->pause_until_ms, 0);
    clients_wake_locked(clients);
    pthread_mutex_unlock(&clients->lock);
}

void clients_sum(struct client_list *clients, struct client_sums *sums)
{
    *sums = (struct client_sums){0};
    pthread_mutex_lock(&clients->lock);
    sums->count = clients->count;
    for (kvresp_session *at = clients->first; at != NULL; at = at->next) {
        uint64_t input = atomic_load(&at->shown.input_size) + atomic_load(&at->shown.input_room);
        uint64_t output = atomic_load(&at->shown.output_size) + atomic_load(&at->shown.pushes_size);
        if (input > sums->input_max) sums->input_max = input;
        if (output > sums->output_max) sums->output_max = output;
        sums->memory += atomic_load(&at->shown.memory);
        sums->replicas += (atomic_load(&at->shown.flags) & SESSION_REPLICA) != 0;
        sums->subscribed += (atomic_load(&at->shown.flags) & SESSION_SUBSCRIBED) != 0;
        sums->watching += atomic_load(&at->shown.is_watching);
        sums->timed += atomic_load(&at->blocked.state) == BLOCKED_WAITING &&
                       atomic_load(&at->blocked.deadline_ms) != KV_NEVER;
    }
    pthread_mutex_unlock(&clients->lock);
}
