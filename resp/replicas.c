/*
 * resp/replicas.c -- the master's side of replication: who follows this store, and what they are
 * sent.
 */
#include "resp/replicas.h"

#include "resp/full_sync.h"
#include "resp/replica_waits.h"
#include "resp/session.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    REPLICAS_SECOND_MS = 1000,
    REPLICAS_ASK_SIZE = 37 /* bytes of REPLCONF GETACK in the history */
};

/* ----------------------------------------------------------------------------------- life cycle */

kv_status replicas_open(struct replicas *replicas, kvresp *resp)
{
    replicas->resp = resp;
    return pthread_mutex_init(&replicas->lock, NULL) == 0 ? KV_OK : KV_NOMEM;
}

void replicas_close(struct replicas *replicas)
{
    pthread_mutex_destroy(&replicas->lock);
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* A replica may be as far behind as the backlog reaches, whatever the limit: it costs nothing. */
static uint64_t replicas_limit(const struct replicas *replicas, const _Atomic uint64_t *limit)
{
    uint64_t bytes = resp_setting(limit);
    return bytes == 0 ? 0 : larger(bytes, (uint64_t)replicas->settings[REPLICAS_BACKLOG_SIZE]);
}

void replicas_configure(struct replicas *replicas)
{
    struct output_limit *limit = &replicas->resp->settings.output_limits[OUTPUT_REPLICA];
    replication_log_configure(&replicas->resp->replication.log,
                              (uint64_t)replicas_setting(replicas, REPLICAS_BACKLOG_SIZE),
                              replicas_limit(replicas, &limit->hard));
}

static bool replica_is_good(const struct replica *replica, int64_t now_ms, int64_t max_lag_s)
{
    return replica->state == REPLICA_ONLINE && (now_ms - replica->ack_ms) / 1000 <= max_lag_s;
}

void replicas_judge(struct replicas *replicas)
{
    kvresp *resp = replicas->resp;
    int64_t now_ms = kv_now(resp->store);
    size_t count = 0;
    pthread_mutex_lock(&replicas->lock);
    int64_t wanted = replicas_setting(replicas, REPLICAS_MIN_COUNT);
    int64_t max_lag_s = replicas_setting(replicas, REPLICAS_MIN_LAG);
    for (struct replica *at = replicas->first; at != NULL && wanted > 0; at = at->next)
        count += replica_is_good(at, now_ms, max_lag_s);
    replicas->good_count = count;
    bool refuses = wanted > 0 && max_lag_s > 0 && (int64_t)count < wanted &&
                   !replication_is_replica(&resp->replication);
    if (refuses) atomic_fetch_or(&resp->gates, GATE_FEW_REPLICAS);
    else atomic_fetch_and(&resp->gates, ~(unsigned)GATE_FEW_REPLICAS);
    pthread_mutex_unlock(&replicas->lock);
}

/* ----------------------------------------------------------------------------------- one replica */

struct replica *replica_of(kvresp_session *session)
{
    if (session->replica != NULL) return session->replica;
    struct replica *replica = calloc(1, sizeof *replica);
    if (replica == NULL) return NULL;
    replica->session = session;
    replica->ack = replica->file_ack = -1;
    session->replica = replica;
    return replica;
}

static void replica_woken(void *context)
{
    session_wake(((struct replica *)context)->session);
}

/* Becomes one of the replicas, in a state. Under the lock. */
static void replica_attach(struct replica *replica, enum replica_state state)
{
    struct replicas *replicas = &replica->session->resp->replicas;
    int64_t now_ms = kv_now(replicas->resp->store);
    replica->ack_ms = replica->progress_ms = now_ms;
    replica->state = (int)state;
    replica->previous = NULL;
    replica->next = NULL;
    struct replica **end = &replicas->first;
    while (*end != NULL) replica->previous = *end, end = &(*end)->next;
    *end = replica;
    if (replicas->count++ == 0) replicas->last_ping_ms = now_ms; /* the next in a period */
    replica->session->flags |= SESSION_REPLICA | SESSION_REPLY_OFF;
}

void replica_close(struct replica *replica)
{
    if (replica == NULL) return;
    kvresp *resp = replica->session->resp;
    struct replicas *replicas = &resp->replicas;
    pthread_mutex_lock(&replicas->lock);
    if (replica->state != REPLICA_NONE) {
        if (replica->previous != NULL) replica->previous->next = replica->next;
        else replicas->first = replica->next;
        if (replica->next != NULL) replica->next->previous = replica->previous;
        replicas->count--;
        full_sync_leave(replica);
    }
    pthread_mutex_unlock(&replicas->lock);
    replicas_judge(replicas);
    replication_reader_close(&resp->replication.log, &replica->reader);
    if (replica->state != REPLICA_NONE) {
        char address[REPLICA_ADDRESS_SIZE];
        replica_name(replica, address);
        kvresp_logf(resp, KVRESP_NOTICE, "Connection with replica %s:%lld lost.", address,
                    (long long)replica->port);
    }
    free(replica);
}

bool replica_continue(struct replica *replica, kv_slice id, int64_t offset,
                      char now[REPLICATION_ID_SIZE + 1])
{
    struct replicas *replicas = &replica->session->resp->replicas;
    replica->reader.wake = replica_woken;
    replica->reader.context = replica;
    if (!replication_resume(&replicas->resp->replication, id, offset, &replica->reader, now))
        return false;
    pthread_mutex_lock(&replicas->lock);
    replica_attach(replica, REPLICA_ONLINE);
    pthread_mutex_unlock(&replicas->lock);
    replicas_judge(replicas);
    return true;
}

kv_status replica_sync(struct replica *replica)
{
    struct replicas *replicas = &replica->session->resp->replicas;
    replica->reader.wake = replica_woken;
    replica->reader.context = replica;
    pthread_mutex_lock(&replicas->lock);
    kv_status status = full_sync_join(replicas, replica, kv_now(replicas->resp->store));
    if (status == KV_OK) replica_attach(replica, REPLICA_WAITS);
    pthread_mutex_unlock(&replicas->lock);
    return status;
}

void replica_acknowledge(struct replica *replica, int64_t offset, int64_t file_offset)
{
    struct replicas *replicas = &replica->session->resp->replicas;
    int64_t last = replication_offset(&replicas->resp->replication); /* none can have more */
    if (offset > replica->ack && offset <= last) replica->ack = offset;
    if (file_offset > replica->file_ack && file_offset <= last) replica->file_ack = file_offset;
    replica->ack_ms = kv_now(replicas->resp->store);
    if (replica->state == REPLICA_AWAITS_ACK) {
        replica->state = REPLICA_ONLINE;
        session_wake(replica->session);
    }
    replicas_judge(replicas);
    replica_waits_look(replicas, false);
    failover_look(replicas->resp);
    shutdown_look(&replicas->resp->ending);
}

void replica_name(const struct replica *replica, char address[REPLICA_ADDRESS_SIZE])
{
    const char *text = replica->address;
    size_t size = strlen(text);
    if (size == 0) {
        bool is_unix = replica->session->flags & SESSION_UNIX; /* its path is that of this server */
        text = is_unix ? "/unixsocket" : replica->session->address.data;
        const char *port = strrchr(text, ':');
        size = port != NULL ? (size_t)(port - text) : strlen(text);
        if (size >= 2 && text[0] == '[' && text[size - 1] == ']') text++, size -= 2;
    }
    if (size >= REPLICA_ADDRESS_SIZE) size = REPLICA_ADDRESS_SIZE - 1;
    memcpy(address, text, size);
    address[size] = '\0';
}

bool replica_is_reachable(const struct replica *replica)
{
    const kvresp_session *session = replica->session;
    if (replica->address[0] == '/') return true; /* a unix socket of its own, which has no port */
    bool has_peer = session->address.size > 0 && !(session->flags & SESSION_UNIX);
    return replica->port > 0 && (has_peer || replica->address[0] != '\0');
}

uint64_t replica_unread(const struct replica *replica)
{
    return replica->reader.is_open
               ? replication_reader_lag(&replica->session->resp->replication.log, &replica->reader)
               : 0;
}

void replica_end(struct replica *replica, const char *reason)
{
    replica->end = reason;
    session_wake(replica->session);
}

/* --------------------------------------------------------------------------------------- a turn */

static void replica_write(struct replica *replica, const char *text)
{
    writer_raw(&replica->session->reply, text, strlen(text));
}

/* What is said before the RDB: where the history stands at its instant, and how long it is. */
static void replica_prepare(struct replica *replica, const struct full_sync *sync)
{
    char text[128];
    if (replica->state == REPLICA_WAITS) {
        snprintf(text, sizeof text, "+FULLRESYNC %s %lld\r\n", sync->id, (long long)sync->offset);
        if (!replica->is_old) replica_write(replica, text);
        replica->state = REPLICA_PREPARED;
    }
    if (!sync->uses_eof && sync->state != FULL_SYNC_COMPLETE) return;
    if (sync->uses_eof) snprintf(text, sizeof text, "$EOF:%s\r\n", sync->mark);
    else snprintf(text, sizeof text, "$%llu\r\n", (unsigned long long)spool_size(&sync->spool));
    replica_write(replica, text);
    replica->progress_ms = kv_now(replica->session->resp->store);
    replica->state = REPLICA_RECEIVES;
}

static void replica_tell(const struct replica *replica, kvresp_level level, const char *what)
{
    char address[REPLICA_ADDRESS_SIZE];
    replica_name(replica, address);
    kvresp_logf(replica->session->resp, level, "Replica %s:%lld %s", address,
                (long long)replica->port, what);
}

void replica_refuse(struct replica *replica, const char *what)
{
    char text[256];
    snprintf(text, sizeof text, "is disconnected, as replicas get no replies: it has sent %s",
             what);
    replica_tell(replica, KVRESP_WARNING, text);
    replica->end = "is disconnected, as it asked for replies";
    replica->session->flags |= SESSION_CLOSING;
}

/* Why it cannot go on; NULL: it can. */
static const char *replica_failure(const struct replica *replica)
{
    const char *reason = replica->end;
    if (reason != NULL) return reason;
    struct replication_log *log = &replica->session->resp->replication.log;
    if (replica->reader.is_open && replica->reader.is_overtaken) {
        if (log->lag_max == 0 || replica_unread(replica) <= log->lag_max)
            return "is disconnected, as the history it followed has ended";
        kvresp_count(replica->session->resp, KVRESP_COUNT_OUTPUT_LIMIT, 1);
        return "is disconnected, for overcoming of output buffer limits";
    }
    if (replica->sync != NULL && replica->sync->state == FULL_SYNC_FAILED)
        return "is disconnected, as its snapshot has failed";
    return NULL;
}

bool replica_turn(struct replica *replica)
{
    struct full_sync *sync = replica->sync; /* only its own thread takes it away */
    const char *failure = replica_failure(replica);
    if (failure != NULL) {
        replica_tell(replica, KVRESP_NOTICE, failure);
        return false;
    }
    bool waits = replica->state == REPLICA_WAITS || replica->state == REPLICA_PREPARED;
    if (waits && sync->state >= FULL_SYNC_BEGUN) replica_prepare(replica, sync);
    if (atomic_exchange(&replica->owes_newline, false) &&
        (replica->state == REPLICA_WAITS || replica->state == REPLICA_PREPARED))
        replica_write(replica, "\n");
    return true;
}

/* --------------------------------------------------------------------------------------- output */

/* The whole RDB is sent. */
static void replica_has_received(struct replica *replica)
{
    struct replicas *replicas = &replica->session->resp->replicas;
    bool awaits_ack = replica->sync->uses_eof;
    pthread_mutex_lock(&replicas->lock);
    full_sync_leave(replica);
    pthread_mutex_unlock(&replicas->lock);
    replica->ack_ms = kv_now(replicas->resp->store);
    if (replica->wants_rdb_only) {
        replica_end(replica, "has the RDB it asked for");
        return;
    }
    replica->state = awaits_ack ? REPLICA_AWAITS_ACK : REPLICA_ONLINE;
    replicas_judge(replicas);
    replica_tell(replica, KVRESP_NOTICE, "has been sent the snapshot");
}

static kv_slice replica_output_rdb(struct replica *replica)
{
    kv_slice bytes;
    struct full_sync *sync = replica->sync;
    bool is_complete = sync->state == FULL_SYNC_COMPLETE; /* looked at before the end is */
    if (spool_read(&sync->spool, &replica->spool, &bytes) != KV_OK) {
        replica_end(replica, "is disconnected, as its snapshot could not be kept for it");
        return kv_bytes(NULL, 0);
    }
    if (bytes.size == 0 && is_complete) replica_has_received(replica);
    return bytes;
}

kv_slice replica_output(struct replica *replica)
{
    kv_slice bytes = {NULL, 0};
    if (replica->end != NULL || replica->session->flags & SESSION_CLOSING) return bytes;
    if (replica->state == REPLICA_RECEIVES) bytes = replica_output_rdb(replica);
    if (replica->state == REPLICA_ONLINE)
        bytes = replication_reader_read(&replica->session->resp->replication.log, &replica->reader);
    return bytes;
}

void replica_sent(struct replica *replica, size_t size)
{
    kvresp *resp = replica->session->resp;
    atomic_fetch_add_explicit(&resp->replicas.output_bytes, size, memory_order_relaxed);
    if (replica->state == REPLICA_ONLINE) {
        replication_reader_advance(&resp->replication.log, &replica->reader, size);
    } else if (replica->state == REPLICA_RECEIVES) {
        spool_advance(&replica->sync->spool, &replica->spool, size);
        replica->progress_ms = kv_now(resp->store);
    }
}

/* ------------------------------------------------------------------------------------------ cron */

size_t replicas_that_have(const struct replicas *replicas, int64_t offset, bool on_disk)
{
    size_t count = 0;
    for (const struct replica *at = replicas->first; at != NULL; at = at->next)
        count += at->state == REPLICA_ONLINE && (on_disk ? at->file_ack : at->ack) >= offset;
    return count;
}

void replicas_ask(struct replicas *replicas)
{
    const kv_slice ask[] = {KV_TEXT("REPLCONF"), KV_TEXT("GETACK"), KV_TEXT("*")};
    if (replicas->count == 0) return;
    pthread_mutex_lock(&replicas->lock);
    (void)replication_log_command(&replicas->resp->replication.log, ask, 3,
                                  &replicas->asked_position);
    pthread_mutex_unlock(&replicas->lock);
}

/* Under the lock: the offset that replicas should have. */
static int64_t replicas_wanted(const struct replicas *replicas, int64_t end)
{
    return replicas->asked_position == (uint64_t)end ? end - REPLICAS_ASK_SIZE : end;
}

static bool replica_lags(const struct replica *replica, int64_t wanted)
{
    bool is_online = replica->state == REPLICA_ONLINE || replica->state == REPLICA_AWAITS_ACK;
    return is_online && !replica->is_old && replica->ack < wanted;
}

size_t replicas_lag(struct replicas *replicas)
{
    size_t count = 0;
    int64_t end = replication_offset(&replicas->resp->replication);
    pthread_mutex_lock(&replicas->lock);
    int64_t wanted = replicas_wanted(replicas, end);
    for (struct replica *at = replicas->first; at != NULL; at = at->next)
        count += replica_lags(at, wanted);
    pthread_mutex_unlock(&replicas->lock);
    if (count > 0 && wanted == end) replicas_ask(replicas);
    return count;
}

static const char *replica_timeout(const struct replica *replica, int64_t now_ms, int64_t limit_ms)
{
    if (replica->state == REPLICA_RECEIVES && now_ms - replica->progress_ms > limit_ms)
        return "is disconnected: it has timed out (full sync)";
    bool is_streaming = replica->state == REPLICA_ONLINE || replica->state == REPLICA_AWAITS_ACK;
    if (is_streaming && !replica->is_old && now_ms - replica->ack_ms > limit_ms)
        return "is disconnected: it has timed out (streaming sync)";
    return NULL;
}

static bool replica_passes_soft_limit(struct replica *replica, int64_t now_ms)
{
    const struct replicas *replicas = &replica->session->resp->replicas;
    struct output_limit *limit = &replicas->resp->settings.output_limits[OUTPUT_REPLICA];
    uint64_t soft = replicas_limit(replicas, &limit->soft);
    if (soft == 0 || replica_unread(replica) < soft) replica->soft_limit_since_ms = 0;
    else if (replica->soft_limit_since_ms == 0) replica->soft_limit_since_ms = now_ms;
    return replica->soft_limit_since_ms != 0 &&
           now_ms - replica->soft_limit_since_ms > 1000 * atomic_load(&limit->soft_seconds);
}

static void replicas_look_after(struct replicas *replicas, int64_t now_ms)
{
    int64_t limit_ms = 1000 * replicas_setting(replicas, REPLICAS_TIMEOUT);
    pthread_mutex_lock(&replicas->lock);
    for (struct replica *at = replicas->first; at != NULL; at = at->next) {
        const char *reason = replica_timeout(at, now_ms, limit_ms);
        if (reason == NULL && replica_passes_soft_limit(at, now_ms)) {
            kvresp_count(replicas->resp, KVRESP_COUNT_OUTPUT_LIMIT, 1);
            reason = "is disconnected, for overcoming of output buffer limits";
        }
        if (reason != NULL && at->end == NULL) replica_end(at, reason);
        if (at->state != REPLICA_WAITS && at->state != REPLICA_PREPARED) continue;
        /* A newline while there is nothing to say keeps it from giving up. */
        at->owes_newline = true;
        session_wake(at->session);
    }
    pthread_mutex_unlock(&replicas->lock);
}

static void replicas_ping(struct replicas *replicas, int64_t now_ms)
{
    uint64_t end;
    int64_t period_ms = 1000 * replicas_setting(replicas, REPLICAS_PING_PERIOD);
    if (replicas->count == 0 || now_ms - replicas->last_ping_ms < period_ms) return;
    replicas->last_ping_ms = now_ms;
    /* While writes are paused, for a failover maybe, the offset is to stand still. */
    if (atomic_load(&replicas->resp->gates) & GATE_HOLDS) return;
    kv_slice ping = KV_TEXT("PING");
    (void)replication_log_command(&replicas->resp->replication.log, &ping, 1, &end);
}

/* After a time without replicas the history is not kept any more. */
static void replicas_end_history(struct replicas *replicas, int64_t now_ms)
{
    struct replication *replication = &replicas->resp->replication;
    int64_t ttl_s = replicas_setting(replicas, REPLICAS_BACKLOG_TTL);
    if (replicas->count > 0 || replication_is_replica(replication) || !replication->has_begun) {
        replicas->idle_since_ms = 0;
        return;
    }
    if (replicas->idle_since_ms == 0) replicas->idle_since_ms = now_ms;
    if (ttl_s == 0 || (now_ms - replicas->idle_since_ms) / 1000 <= ttl_s) return;
    replication_end(replication);
    kvresp_logf(replicas->resp, KVRESP_NOTICE,
                "Replication backlog freed after %lld seconds without connected replicas.",
                (long long)ttl_s);
}

void replicas_cron(struct replicas *replicas, int64_t now_ms)
{
    full_syncs_start_due(replicas, now_ms);
    replica_waits_look(replicas, true);
    if (now_ms - replicas->last_second_ms < REPLICAS_SECOND_MS &&
        now_ms >= replicas->last_second_ms)
        return;
    replicas->last_second_ms = now_ms;
    full_syncs_cancel_unwanted(replicas);
    replicas_judge(replicas);
    if (replicas->count > 0) replicas_look_after(replicas, now_ms);
    replicas_ping(replicas, now_ms);
    replicas_end_history(replicas, now_ms);
}

/* ------------------------------------------------------------------------------------------ INFO */

static const char *replica_state_name(int state)
{
    static const char *const names[] = {
        [REPLICA_WAITS] = "wait_bgsave",  [REPLICA_PREPARED] = "wait_bgsave",
        [REPLICA_RECEIVES] = "send_bulk", [REPLICA_AWAITS_ACK] = "online",
        [REPLICA_ONLINE] = "online",
    };
    return names[state];
}

static int64_t replica_lag_s(const struct replica *replica, int64_t now_ms)
{
    int64_t lag_s = (now_ms - replica->ack_ms) / 1000;
    return replica->state == REPLICA_ONLINE && lag_s > 0 ? lag_s : 0;
}

static void replica_write_info(const struct replica *replica, kv_buffer *text, size_t index,
                               int64_t now_ms)
{
    char address[REPLICA_ADDRESS_SIZE];
    replica_name(replica, address);
    int64_t ack = replica->ack;
    text_format(text, "slave%zu:ip=%s,port=%lld,state=%s,offset=%lld,lag=%lld\r\n", index, address,
                (long long)replica->port, replica_state_name(replica->state),
                (long long)(ack > 0 ? ack : 0), (long long)replica_lag_s(replica, now_ms));
}

void replicas_write_info(struct replicas *replicas, kv_buffer *text, int64_t now_ms)
{
    pthread_mutex_lock(&replicas->lock);
    text_format(text, "connected_slaves:%zu\r\n", replicas->count);
    if (replicas_setting(replicas, REPLICAS_MIN_COUNT) > 0 &&
        replicas_setting(replicas, REPLICAS_MIN_LAG) > 0)
        text_format(text, "min_slaves_good_slaves:%zu\r\n", replicas->good_count);
    size_t index = 0;
    for (struct replica *at = replicas->first; at != NULL; at = at->next)
        replica_write_info(at, text, index++, now_ms);
    pthread_mutex_unlock(&replicas->lock);
}

static void replica_log_lag(struct replica *replica, int64_t wanted)
{
    char text[128];
    int64_t ack = replica->ack > 0 ? replica->ack : 0;
    int64_t now_ms = kv_now(replica->session->resp->store);
    snprintf(text, sizeof text, "lags: it is %lld bytes behind, lag=%lld, state=%s.",
             (long long)(wanted - ack), (long long)replica_lag_s(replica, now_ms),
             replica_state_name(replica->state));
    replica_tell(replica, KVRESP_WARNING, text);
}

void replicas_log_lag(struct replicas *replicas)
{
    size_t in_sync = 0;
    int64_t end = replication_offset(&replicas->resp->replication);
    pthread_mutex_lock(&replicas->lock);
    int64_t wanted = replicas_wanted(replicas, end);
    for (struct replica *at = replicas->first; at != NULL; at = at->next) {
        if (at->ack >= wanted) in_sync++;
        else replica_log_lag(at, wanted);
    }
    if (replicas->count > 0)
        kvresp_logf(replicas->resp, KVRESP_NOTICE, "%zu of %zu replicas are in sync.", in_sync,
                    replicas->count);
    pthread_mutex_unlock(&replicas->lock);
}
