/*
 * resp/shutdown.c -- the end of the server, from the wish to the host that is asked.
 */
#include "resp/shutdown.h"

#include "resp/clients.h"

#include <stdio.h>
#include <time.h>

enum { SHUTDOWN_NAP_NS = 5 * 1000 * 1000 }; /* between two looks of a thread that waits */

kv_status shutdown_open(struct shutdown *shutdown, kvresp *resp)
{
    shutdown->resp = resp;
    shutdown->waiters.lock = &shutdown->lock;
    return pthread_mutex_init(&shutdown->lock, NULL) == 0 ? KV_OK : KV_NOMEM;
}

void shutdown_close(struct shutdown *shutdown)
{
    pthread_mutex_destroy(&shutdown->lock);
}

int64_t shutdown_left_ms(const struct shutdown *shutdown)
{
    int64_t left_ms = shutdown->until_ms - kv_now(shutdown->resp->store);
    return shutdown->state == SHUTDOWN_AWAITS_REPLICAS && left_ms > 0 ? left_ms : 0;
}

/* ---------------------------------------------------------------------------------------- ending */

/* Those who were held back go on, or are closed. */
static void shutdown_end(struct shutdown *shutdown, kv_status status)
{
    kvresp *resp = shutdown->resp;
    if (status == KV_OK && shutdown->asks_host &&
        !resp->shutdown(resp->shutdown_context, shutdown->flags)) {
        status = KV_SKIPPED;
        snprintf(shutdown->message, sizeof shutdown->message, "the host has refused");
    }
    if (status == KV_CANCELLED) {
        snprintf(shutdown->message, sizeof shutdown->message, "it was aborted");
        kvresp_logf(resp, KVRESP_NOTICE, "Shutdown manually aborted.");
    } else if (status != KV_OK) {
        kvresp_logf(resp, KVRESP_WARNING,
                    "Errors trying to shut down the server. Check the logs for more information.");
    }
    if (status == KV_OK && shutdown->holds_writes) atomic_fetch_or(&resp->gates, GATE_ENDED);
    if (!(atomic_load(&resp->gates) & GATE_ENDED))
        atomic_fetch_and(&resp->gates, ~(unsigned)GATE_ENDING);
    shutdown->state = SHUTDOWN_NONE;
    clients_wake_paused(&resp->clients);
    waiters_tell(&shutdown->waiters, status);
}

/* What was to be saved is not. */
static void shutdown_fail(struct shutdown *shutdown, kv_status status)
{
    bool is_cancelled = status == KV_CANCELLED;
    bool is_forced = shutdown->flags & KVRESP_SHUTDOWN_FORCE && !is_cancelled;
    if (!is_cancelled)
        kvresp_logf(shutdown->resp, KVRESP_WARNING, "Error trying to save the DB%s",
                    is_forced ? ". Exit anyway." : ", can't exit.");
    shutdown_end(shutdown, is_forced ? KV_OK : status);
}

/* ------------------------------------------------------------------------------------- going on */

static bool shutdown_has_to_save(struct shutdown *shutdown)
{
    if (shutdown->flags & KVRESP_SHUTDOWN_NOSAVE) return false;
    return shutdown->flags & KVRESP_SHUTDOWN_SAVE || saving_has_points(&shutdown->resp->saving);
}

static void shutdown_save(struct shutdown *shutdown)
{
    kvresp *resp = shutdown->resp;
    kvresp_logf(resp, KVRESP_NOTICE, "Saving the final RDB snapshot before exiting.");
    shutdown->state = SHUTDOWN_SAVES;
    kv_status status = saving_want_last(&resp->saving);
    if (status == KV_OK) return;
    snprintf(shutdown->message, sizeof shutdown->message, "%s", kv_strerror(status));
    shutdown_fail(shutdown, status);
}

/* A replica has its master, from which those that follow it get what they lack. */
static bool shutdown_may_wait(const struct shutdown *shutdown)
{
    return shutdown_left_ms(shutdown) > 0 && !replication_is_replica(&shutdown->resp->replication);
}

/* Under the lock: goes on if no replica has to be waited for. */
static void shutdown_go_on(struct shutdown *shutdown)
{
    struct replicas *replicas = &shutdown->resp->replicas;
    if (shutdown_may_wait(shutdown) && replicas_lag(replicas) > 0) return;
    replicas_log_lag(replicas);
    if (shutdown_has_to_save(shutdown)) shutdown_save(shutdown);
    else shutdown_end(shutdown, KV_OK);
}

static void shutdown_start(struct shutdown *shutdown, unsigned flags, bool asks_host)
{
    kvresp *resp = shutdown->resp;
    int64_t timeout_s = flags & KVRESP_SHUTDOWN_NOW ? 0 : shutdown->timeout_s;
    kvresp_logf(resp, KVRESP_NOTICE, "User requested shutdown...");
    shutdown->flags = flags;
    shutdown->asks_host = asks_host;
    shutdown->is_repetition = false;
    shutdown->until_ms = kv_now(resp->store) + 1000 * timeout_s;
    shutdown->state = SHUTDOWN_AWAITS_REPLICAS;
    bool has_replicas = shutdown_may_wait(shutdown) && resp->replicas.count > 0;
    shutdown->holds_writes = has_replicas || shutdown_has_to_save(shutdown);
    if (shutdown->holds_writes) atomic_fetch_or(&resp->gates, GATE_ENDING);
    if (has_replicas && replicas_lag(&resp->replicas) > 0)
        kvresp_logf(resp, KVRESP_NOTICE, "Waiting for replicas before shutting down.");
    shutdown_go_on(shutdown);
}

void shutdown_begin(struct shutdown *shutdown, unsigned flags, bool asks_host,
                    struct waiter *waiter)
{
    pthread_mutex_lock(&shutdown->lock);
    waiters_add(&shutdown->waiters, waiter);
    if (shutdown->state == SHUTDOWN_NONE) shutdown_start(shutdown, flags, asks_host);
    pthread_mutex_unlock(&shutdown->lock);
}

void shutdown_look(struct shutdown *shutdown)
{
    if (shutdown->state != SHUTDOWN_AWAITS_REPLICAS) return;
    pthread_mutex_lock(&shutdown->lock);
    if (shutdown->state == SHUTDOWN_AWAITS_REPLICAS) shutdown_go_on(shutdown);
    pthread_mutex_unlock(&shutdown->lock);
}

/*
 * Commands that were in the middle of it when the others were held back may have written after the
 * save's instant. A second round has them, for replicas, too; a third is not tried, as then it is
 * the host that writes.
 */
void shutdown_saved(struct shutdown *shutdown, kv_status status, bool has_changed)
{
    pthread_mutex_lock(&shutdown->lock);
    if (status != KV_OK) {
        saving_explain(&shutdown->resp->saving, shutdown->message);
        shutdown_fail(shutdown, status);
    } else if (has_changed && !shutdown->is_repetition) {
        shutdown->is_repetition = true;
        shutdown->state = SHUTDOWN_AWAITS_REPLICAS;
        shutdown_go_on(shutdown);
    } else {
        shutdown_end(shutdown, KV_OK);
    }
    pthread_mutex_unlock(&shutdown->lock);
}

/* The save is ended without the lock: who ends it may be the one who is told. */
bool shutdown_abort(struct shutdown *shutdown)
{
    pthread_mutex_lock(&shutdown->lock);
    bool has_waited = shutdown->state == SHUTDOWN_AWAITS_REPLICAS;
    bool saves = shutdown->state == SHUTDOWN_SAVES;
    if (has_waited) shutdown_end(shutdown, KV_CANCELLED);
    pthread_mutex_unlock(&shutdown->lock);
    return has_waited || (saves && saving_cancel_last(&shutdown->resp->saving));
}

kv_status shutdown_await(struct shutdown *shutdown, struct waiter *waiter)
{
    kvresp *resp = shutdown->resp;
    while (!waiter_is_told(waiter)) {
        if (shutdown->state == SHUTDOWN_SAVES) {
            kvresp_snapshot_await(resp, &resp->saving.job);
        } else {
            nanosleep(&(struct timespec){.tv_nsec = SHUTDOWN_NAP_NS}, NULL);
            shutdown_look(shutdown);
        }
    }
    return waiter->status;
}

/* --------------------------------------------------------------------------------------- kvresp.h */

kv_status kvresp_shutdown(kvresp *resp, unsigned flags, char message[256])
{
    struct shutdown *shutdown = &resp->ending;
    struct waiter waiter = {0};
    shutdown_begin(shutdown, flags, false, &waiter);
    kv_status status = shutdown_await(shutdown, &waiter);
    if (status == KV_OK) return KV_OK;
    pthread_mutex_lock(&shutdown->lock);
    if (message != NULL) snprintf(message, 256, "%s", shutdown->message);
    pthread_mutex_unlock(&shutdown->lock);
    bool is_forced =
        flags & KVRESP_SHUTDOWN_FORCE && status != KV_CANCELLED; /* it joined another */
    return is_forced ? KV_OK : status;
}
