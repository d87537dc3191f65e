/*
 * resp/replica_waits.c -- WAIT and WAITAOF.
 */
#include "resp/replica_waits.h"

#include "resp/blocked.h"

/* How far things are for one who waits. */
struct replica_wait_counts {
    int64_t replicas, local;
};

/* Under the lock. */
static struct replica_wait_counts wait_count(const struct replicas *replicas,
                                             const struct replica_wait *wait)
{
    struct replica_wait_counts counts = {0, 0};
    counts.replicas = (int64_t)replicas_that_have(replicas, wait->offset, wait->is_of_files);
    const struct aof_link *aof = replicas->resp->aof;
    if (wait->is_of_files && aof != NULL)
        counts.local = aof->synced(aof->context) >= wait->position;
    return counts;
}

/* True of who waits for the local file where there is none, or none any more. */
static bool wait_is_in_vain(const struct replicas *replicas, const struct replica_wait *wait)
{
    return wait->is_of_files && wait->local > 0 && !aof_link_is_wanted(replicas->resp->aof);
}

static bool wait_is_over(const struct replicas *replicas, const struct replica_wait *wait)
{
    if (wait_is_in_vain(replicas, wait)) return true;
    struct replica_wait_counts counts = wait_count(replicas, wait);
    return counts.replicas >= wait->replicas && counts.local >= wait->local;
}

static bool wait_look(kvresp_session *session)
{
    struct replicas *replicas = &session->resp->replicas;
    pthread_mutex_lock(&replicas->lock);
    bool is_over = wait_is_over(replicas, &session->replica_wait);
    pthread_mutex_unlock(&replicas->lock);
    return is_over;
}

static void wait_reply(struct call *call)
{
    struct replicas *replicas = &call->resp->replicas;
    const struct replica_wait *wait = &call->session->replica_wait;
    if (wait_is_in_vain(replicas, wait)) {
        call_error(call, "ERR WAITAOF cannot be used when numlocal is set but appendonly is "
                         "disabled.");
        return;
    }
    pthread_mutex_lock(&replicas->lock);
    struct replica_wait_counts counts = wait_count(replicas, wait);
    pthread_mutex_unlock(&replicas->lock);
    if (wait->is_of_files) {
        writer_array(call->reply, 2);
        writer_integer(call->reply, counts.local);
    }
    writer_integer(call->reply, counts.replicas);
}

static void wait_end(kvresp_session *session)
{
    struct replicas *replicas = &session->resp->replicas;
    struct replica_wait *wait = &session->replica_wait;
    pthread_mutex_lock(&replicas->lock);
    if (wait->is_listed) {
        if (wait->previous != NULL) wait->previous->next = wait->next;
        else replicas->waits = wait->next;
        if (wait->next != NULL) wait->next->previous = wait->previous;
        wait->is_listed = false;
    }
    pthread_mutex_unlock(&replicas->lock);
}

static const struct blocked_kind wait_kind = {wait_look, wait_reply, wait_end, false};

void replica_wait_begin(struct call *call, bool is_of_files, int64_t local, int64_t wanted,
                        int64_t timeout_ms)
{
    kvresp_session *session = call->session;
    struct replicas *replicas = &call->resp->replicas;
    struct replica_wait *wait = &session->replica_wait;
    *wait = (struct replica_wait){.session = session,
                                  .is_of_files = is_of_files,
                                  .offset = session->written_offset,
                                  .position = session->written_position,
                                  .replicas = wanted,
                                  .local = local};
    if (!call_may_wait(call) || wait_look(session)) {
        wait_reply(call);
        return;
    }
    pthread_mutex_lock(&replicas->lock);
    wait->next = replicas->waits;
    if (wait->next != NULL) wait->next->previous = wait;
    replicas->waits = wait;
    wait->is_listed = true;
    bool asks = replicas->asked_position <= (uint64_t)wait->offset; /* not asked since */
    pthread_mutex_unlock(&replicas->lock);
    if (asks) replicas_ask(replicas);
    blocked_begin_kind(call, &wait_kind, timeout_ms);
    if (wait_look(session)) session_wake(session); /* an answer came before it was listed */
}

void replica_waits_look(struct replicas *replicas, bool looks_at_files)
{
    pthread_mutex_lock(&replicas->lock);
    for (struct replica_wait *at = replicas->waits; at != NULL; at = at->next)
        if ((looks_at_files || at->replicas > 0) && wait_is_over(replicas, at))
            session_wake(at->session);
    pthread_mutex_unlock(&replicas->lock);
}
