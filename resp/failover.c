/*
 * resp/failover.c -- FAILOVER: this master and one of its replicas change places.
 */
#include "resp/failover.h"

#include "resp/clients.h"

#include <stdio.h>

enum { FAILOVER_ASK_MS = 1000 }; /* longer than an answer takes, as asking moves the offset */

kv_status failover_open(struct failover *failover)
{
    return pthread_mutex_init(&failover->lock, NULL) == 0 ? KV_OK : KV_NOMEM;
}

void failover_close(struct failover *failover)
{
    pthread_mutex_destroy(&failover->lock);
}

const char *failover_state_name(const struct failover *failover)
{
    static const char *const names[] = {[FAILOVER_NONE] = "no-failover",
                                        [FAILOVER_WAITS] = "waiting-for-sync",
                                        [FAILOVER_IN_PROGRESS] = "failover-in-progress"};
    return names[failover->state];
}

/* ------------------------------------------------------------------------------------- beginning */

static bool failover_is_target(const struct replica *replica, kv_slice host, int port)
{
    char address[REPLICA_ADDRESS_SIZE];
    replica_name(replica, address);
    return replica->port == port && text_equal(host, kv_text(address));
}

static struct replica *failover_first_from(struct replica *at)
{
    while (at != NULL && !replica_is_reachable(at)) at = at->next;
    return at;
}

static const char *failover_check_target(struct replica *first, const struct failover_wish *wish)
{
    struct replica *at = first;
    while (at != NULL && !failover_is_target(at, wish->host, wish->port))
        at = failover_first_from(at->next);
    if (at == NULL) return "ERR FAILOVER target HOST and PORT is not a replica.";
    return at->state == REPLICA_ONLINE ? NULL : "ERR FAILOVER target replica is not online.";
}

/* Under the replicas' lock. A replica that this server could not follow is none, here. */
static const char *failover_check_replicas(const struct replicas *replicas,
                                           const struct failover_wish *wish)
{
    bool has_target = wish->host.data != NULL;
    struct replica *first = failover_first_from(replicas->first);
    if (first == NULL) return "ERR FAILOVER requires connected replicas.";
    if (wish->is_forced && (wish->timeout_ms == 0 || !has_target))
        return "ERR FAILOVER with force option requires both a timeout and target HOST and IP.";
    return has_target ? failover_check_target(first, wish) : NULL;
}

static const char *failover_check(kvresp *resp, const struct failover_wish *wish)
{
    struct replicas *replicas = &resp->replicas;
    if (resp->failover.state != FAILOVER_NONE) return "ERR FAILOVER already in progress.";
    if (replication_is_replica(&resp->replication))
        return "ERR FAILOVER is not valid when server is a replica.";
    pthread_mutex_lock(&replicas->lock);
    const char *reason = failover_check_replicas(replicas, wish);
    pthread_mutex_unlock(&replicas->lock);
    return reason;
}

const char *failover_begin(kvresp *resp, const struct failover_wish *wish)
{
    struct failover *failover = &resp->failover;
    pthread_mutex_lock(&failover->lock);
    const char *reason = failover_check(resp, wish);
    if (reason == NULL) {
        int64_t now_ms = kv_now(resp->store);
        failover->has_target = wish->host.data != NULL;
        snprintf(failover->host, sizeof failover->host, "%.*s",
                 failover->has_target ? (int)wish->host.size : 0, (const char *)wish->host.data);
        failover->port = wish->port;
        failover->is_forced = wish->is_forced;
        failover->until_ms = wish->timeout_ms > 0 ? now_ms + wish->timeout_ms : 0;
        failover->asked_ms = 0;
        failover->state = FAILOVER_WAITS;
        atomic_fetch_or(&resp->gates, GATE_FAILOVER);
    }
    pthread_mutex_unlock(&failover->lock);
    if (reason == NULL) kvresp_logf(resp, KVRESP_NOTICE, "FAILOVER requested.");
    return reason;
}

/* ---------------------------------------------------------------------------------------- ending */

/* Lets the writes that were held back go on. */
static void failover_release(kvresp *resp)
{
    atomic_fetch_and(&resp->gates, ~(unsigned)GATE_FAILOVER);
    clients_wake_paused(&resp->clients);
}

/* Under the lock, which it lets go of. */
static void failover_stop(kvresp *resp, const char *reason)
{
    struct failover *failover = &resp->failover;
    bool has_left = failover->state == FAILOVER_IN_PROGRESS;
    const struct replica_link *replica = resp->replication.replica;
    failover->state = FAILOVER_NONE;
    pthread_mutex_unlock(&failover->lock);
    kvresp_logf(resp, KVRESP_NOTICE, "Aborting failover: %s", reason);
    if (has_left && replica != NULL) replica->promote(replica->context);
    failover_release(resp);
}

bool failover_abort(kvresp *resp, const char *reason)
{
    struct failover *failover = &resp->failover;
    pthread_mutex_lock(&failover->lock);
    bool is_under_way = failover->state != FAILOVER_NONE;
    if (is_under_way) failover_stop(resp, reason);
    else pthread_mutex_unlock(&failover->lock);
    return is_under_way;
}

void failover_end(kvresp *resp, bool has_succeeded)
{
    struct failover *failover = &resp->failover;
    pthread_mutex_lock(&failover->lock);
    bool is_mine = failover->state == FAILOVER_IN_PROGRESS;
    if (is_mine) failover->state = FAILOVER_NONE;
    pthread_mutex_unlock(&failover->lock);
    if (!is_mine) return;
    kvresp_logf(resp, KVRESP_NOTICE, "Failover %s: %s:%d",
                has_succeeded ? "succeeded, the master is" : "was refused by", failover->host,
                failover->port);
    failover_release(resp);
}

/* --------------------------------------------------------------------------------------- waiting */

/* A replica that has all that was written, and is the target if there is one. */
static bool failover_finds_replica(kvresp *resp)
{
    struct failover *failover = &resp->failover;
    int64_t offset = replication_offset(&resp->replication);
    bool is_found = false;
    pthread_mutex_lock(&resp->replicas.lock);
    for (struct replica *at = resp->replicas.first; at != NULL && !is_found; at = at->next) {
        if (at->state != REPLICA_ONLINE || at->ack != offset || !replica_is_reachable(at)) continue;
        if (failover->has_target &&
            !failover_is_target(at, kv_text(failover->host), failover->port))
            continue;
        is_found = true;
        replica_name(at, failover->host);
        failover->port = (int)at->port;
    }
    pthread_mutex_unlock(&resp->replicas.lock);
    return is_found;
}

/* Under the lock, which it lets go of. */
static void failover_go(kvresp *resp, const char *why)
{
    struct failover *failover = &resp->failover;
    const struct replica_link *replica = resp->replication.replica;
    char host[REPLICA_ADDRESS_SIZE];
    int port = failover->port;
    memcpy(host, failover->host, sizeof host);
    failover->state = FAILOVER_IN_PROGRESS;
    pthread_mutex_unlock(&failover->lock);
    kvresp_logf(resp, KVRESP_NOTICE, "Failover to %s:%d: %s", host, port, why);
    kv_status status =
        replica != NULL ? replica->follow(replica->context, host, port, true) : KV_BADARG;
    if (status != KV_OK) failover_abort(resp, kv_strerror(status));
}

void failover_look(kvresp *resp)
{
    struct failover *failover = &resp->failover;
    if (failover->state != FAILOVER_WAITS) return;
    pthread_mutex_lock(&failover->lock);
    int64_t now_ms = kv_now(resp->store);
    if (failover->state != FAILOVER_WAITS) {
        pthread_mutex_unlock(&failover->lock);
    } else if (failover->asked_ms > 0 && failover_finds_replica(resp)) {
        failover_go(resp, "it has all writes.");
    } else if (failover->until_ms > 0 && now_ms >= failover->until_ms) {
        if (failover->is_forced) failover_go(resp, "time is up, and it was forced.");
        else failover_stop(resp, "Replica never caught up before timeout");
    } else {
        bool asks = now_ms - failover->asked_ms >= FAILOVER_ASK_MS;
        if (asks) failover->asked_ms = now_ms;
        pthread_mutex_unlock(&failover->lock);
        if (asks) replicas_ask(&resp->replicas);
    }
}
