/*
 * resp/commands_replication.c -- what replicas say to a master, and what clients ask about
 * replicas: PSYNC, SYNC, REPLCONF, WAIT, WAITAOF, FAILOVER, ROLE.
 */
#include "resp/commands.h"

#include "resp/aof_link.h"

#include <stdio.h>

/* --------------------------------------------------------------------------------- PSYNC and SYNC */

/* Whether the session can begin to follow. False: answered, or nothing to say. */
static bool sync_is_possible(struct call *call)
{
    kvresp_session *session = call->session;
    struct replication *replication = &call->resp->replication;
    const struct replica *replica = session->replica;
    if (replica_is_attached(replica)) return false;
    if (failover_is_under_way(&call->resp->failover)) {
        call_error(call, "NOMASTERLINK Can't SYNC while failing over");
        return false;
    }
    if (replication_is_replica(replication) && replication->replica != NULL &&
        !replication->replica->is_connected(replication->replica->context)) {
        call_error(call, "NOMASTERLINK Can't SYNC while not connected with my master");
        return false;
    }
    if (session->reply.size > session->reply.start) {
        call_error(call, "ERR SYNC and PSYNC are invalid with pending output");
        return false;
    }
    if (session->flags & SESSION_SUBSCRIBED) { /* as RESP3 allows: messages are no history */
        call_error(call, "ERR SYNC and PSYNC are invalid with subscriptions");
        return false;
    }
    if (replica != NULL && replica->filter != 0 && !replica->takes_eof) {
        call_error(call, "ERR Filtered replica requires EOF capability");
        return false;
    }
    return true;
}

static void sync_log(struct call *call, const struct replica *replica, const char *what)
{
    char address[REPLICA_ADDRESS_SIZE];
    replica_name(replica, address);
    kvresp_logf(call->resp, KVRESP_NOTICE, "Replica %s:%lld asks for synchronization: %s", address,
                (long long)replica->port, what);
}

/* The answer comes when a snapshot has begun. */
static void sync_fully(struct call *call, struct replica *replica)
{
    kv_status status = replication_begin(&call->resp->replication);
    if (status == KV_OK) status = replica_sync(replica);
    if (status != KV_OK) {
        call_fail(call, status);
        return;
    }
    atomic_fetch_add(&call->resp->replicas.full_syncs, 1);
    sync_log(call, replica, "it gets a snapshot");
}

void sync_command(struct call *call)
{
    if (!sync_is_possible(call)) return;
    struct replica *replica = replica_of(call->session);
    if (replica == NULL) {
        call_fail(call, KV_NOMEM);
        return;
    }
    replica->is_old = true;
    sync_fully(call, replica);
}

static bool psync_continue(struct call *call, struct replica *replica, int64_t offset)
{
    char id[REPLICATION_ID_SIZE + 1], text[64];
    struct replicas *replicas = &call->resp->replicas;
    if (!replica_continue(replica, call->arguments[1], offset, id)) {
        bool knew_some = !text_is(call->arguments[1], "?");
        if (knew_some) atomic_fetch_add(&replicas->failed_partial_syncs, 1);
        return false;
    }
    atomic_fetch_add(&replicas->partial_syncs, 1);
    if (replica->takes_psync2) snprintf(text, sizeof text, "CONTINUE %s", id);
    else snprintf(text, sizeof text, "CONTINUE");
    writer_simple(call->reply, text);
    call->session->has_pushed = true; /* said although there are no replies from here on */
    sync_log(call, replica, "it goes on where it was");
    return true;
}

/*
 * PSYNC id offset FAILOVER: the master hands over to this replica, which becomes one first. False:
 * answered.
 */
static bool psync_take_over(struct call *call)
{
    struct replication *replication = &call->resp->replication;
    const struct replica_link *replica = replication->replica;
    char id[REPLICATION_ID_SIZE + 1];
    replication_read_id(replication, id);
    if (!replication_is_id(call->arguments[1], id)) {
        call_error(call, "ERR PSYNC FAILOVER replid must match my replid.");
    } else if (!replication_is_replica(replication) || replica == NULL) {
        call_error(call, "ERR PSYNC FAILOVER can't be sent to a master.");
    } else {
        kvresp_logf(call->resp, KVRESP_NOTICE,
                    "Failover request received for replid %s: this is a master now", id);
        replica->promote(replica->context);
        return true;
    }
    return false;
}

void psync_command(struct call *call)
{
    int64_t offset;
    if (replica_is_attached(call->session->replica)) return;
    if (call->count > 3 && call_is(call, 3, "failover") && !psync_take_over(call)) return;
    if (!sync_is_possible(call) || !call_integer(call, 2, &offset, NULL)) return;
    struct replica *replica = replica_of(call->session);
    if (replica == NULL) call_fail(call, KV_NOMEM);
    else if (!psync_continue(call, replica, offset)) sync_fully(call, replica);
}

/* -------------------------------------------------------------------------------------- REPLCONF */

static bool replconf_set_filter(struct call *call, struct replica *replica, kv_slice words)
{
    unsigned filter = FILTER_DATA | FILTER_FUNCTIONS;
    const char *at = words.data, *end = at + words.size;
    while (at < end) {
        const char *word = at;
        while (at < end && !text_is_space((uint8_t)*at)) at++;
        kv_slice name = kv_bytes(word, (size_t)(at - word));
        if (text_is(name, "functions")) filter &= ~(unsigned)FILTER_FUNCTIONS;
        else if (text_is(name, "data")) filter &= ~(unsigned)FILTER_DATA;
        else if (name.size > 0) {
            call_error_format(call, "ERR Unsupported rdb-filter-only option: %.*s",
                              (int)(name.size < 128 ? name.size : 128), (const char *)name.data);
            return false;
        }
        if (at < end) at++;
    }
    replica->filter = filter;
    return true;
}

static bool replconf_set_address(struct call *call, struct replica *replica, kv_slice address)
{
    if (address.size >= sizeof replica->address) {
        call_error_format(call,
                          "ERR REPLCONF ip-address provided by replica instance is too "
                          "long: %zu bytes",
                          address.size);
        return false;
    }
    memcpy(replica->address, address.data, address.size);
    replica->address[address.size] = '\0';
    return true;
}

/* "ACK offset", or "ACK offset FACK offset": no reply. */
static void replconf_acknowledge(struct call *call, struct replica *replica, size_t index)
{
    int64_t offset, file_offset = -1;
    if (!replica_is_attached(replica)) return;
    if (!text_parse_integer(call->arguments[index + 1], &offset)) return;
    if (call->count > index + 3 && call_is(call, index + 2, "fack") &&
        !text_parse_integer(call->arguments[index + 3], &file_offset))
        return;
    replica_acknowledge(replica, offset, file_offset);
}

/* One pair. False: nothing more is to be answered. */
static bool replconf_pair(struct call *call, struct replica *replica, size_t index)
{
    int64_t number;
    kv_slice value = call->arguments[index + 1];
    if (call_is(call, index, "listening-port")) {
        return call_integer(call, index + 1, &replica->port, NULL);
    } else if (call_is(call, index, "ip-address")) {
        return replconf_set_address(call, replica, value);
    } else if (call_is(call, index, "capa")) {
        if (text_is(value, "eof")) replica->takes_eof = true;
        else if (text_is(value, "psync2")) replica->takes_psync2 = true;
        else if (text_is(value, "kvstore")) replica->is_kvstore = true;
        return true; /* others are of no use to a master that does not know them */
    } else if (call_is(call, index, "ack")) {
        replconf_acknowledge(call, replica, index);
        return false;
    } else if (call_is(call, index, "getack")) {
        return false; /* said by masters, to the room that follows them */
    } else if (call_is(call, index, "rdb-only")) {
        if (!call_integer_between(call, index + 1, 0, 1, &number, NULL)) return false;
        replica->wants_rdb_only = number == 1;
        return true;
    } else if (call_is(call, index, "rdb-filter-only")) {
        return replconf_set_filter(call, replica, value);
    } else if (call_is(call, index, "version")) {
        return true; /* of a Valkey */
    }
    kv_slice name = text_terminated(call->arguments[index]);
    call_error_format(call, "ERR Unrecognized REPLCONF option: %.*s",
                      (int)(name.size < 128 ? name.size : 128), (const char *)name.data);
    return false;
}

void replconf_command(struct call *call)
{
    if (call->count % 2 == 0) {
        call_error(call, ERROR_SYNTAX);
        return;
    }
    struct replica *replica = replica_of(call->session);
    if (replica == NULL) {
        call_fail(call, KV_NOMEM);
        return;
    }
    for (size_t i = 1; i + 1 < call->count; i += 2)
        if (!replconf_pair(call, replica, i)) return;
    writer_ok(call->reply);
}

/* ------------------------------------------------------------------------------- WAIT and WAITAOF */

static bool wait_timeout_argument(struct call *call, size_t index, int64_t *timeout_ms)
{
    if (!call_integer(call, index, timeout_ms, "ERR timeout is not an integer or out of range"))
        return false;
    if (*timeout_ms >= 0) return true;
    call_error(call, "ERR timeout is negative");
    return false;
}

void wait_command(struct call *call)
{
    int64_t replicas, timeout_ms;
    if (replication_is_replica(&call->resp->replication)) {
        call_error(call, "ERR WAIT cannot be used with replica instances. Please also note that "
                         "since Redis 4.0 if a replica is configured to be writable (which is not "
                         "the default) writes to replicas are just local and are not propagated.");
        return;
    }
    if (!call_integer(call, 1, &replicas, NULL)) return;
    if (!wait_timeout_argument(call, 2, &timeout_ms)) return;
    replica_wait_begin(call, false, 0, replicas, timeout_ms);
}

void waitaof_command(struct call *call)
{
    int64_t local, replicas, timeout_ms;
    if (!call_integer_between(call, 1, 0, 1, &local, NULL)) return;
    if (!call_integer_between(call, 2, 0, INT64_MAX, &replicas,
                              "ERR value is out of range, must be positive"))
        return;
    if (!wait_timeout_argument(call, 3, &timeout_ms)) return;
    if (replication_is_replica(&call->resp->replication)) {
        call_error(call, "ERR WAITAOF cannot be used with replica instances. Please also note that "
                         "writes to replicas are just local and are not propagated.");
    } else {
        replica_wait_begin(call, true, local, replicas, timeout_ms);
    }
}

/* -------------------------------------------------------------------------------------- FAILOVER */

/* One option of FAILOVER; moves *index behind it. False: answered. */
static bool failover_option(struct call *call, size_t *index, struct failover_wish *wish)
{
    size_t i = *index;
    int64_t number;
    if (call_is(call, i, "timeout") && i + 1 < call->count && wish->timeout_ms == 0) {
        if (!call_integer(call, i + 1, &wish->timeout_ms, NULL)) return false;
        *index += 2;
        if (wish->timeout_ms > 0) return true;
        call_error(call, "ERR FAILOVER timeout must be greater than 0");
    } else if (call_is(call, i, "to") && i + 2 < call->count && wish->host.data == NULL) {
        if (!call_integer(call, i + 2, &number, NULL)) return false;
        wish->host = call->arguments[i + 1];
        wish->port = number > 0 && number < 65536 ? (int)number : 0;
        *index += 3;
        return true;
    } else if (call_is(call, i, "force") && !wish->is_forced) {
        wish->is_forced = true;
        *index += 1;
        return true;
    } else {
        call_error(call, ERROR_SYNTAX);
    }
    return false;
}

void failover_command(struct call *call)
{
    struct failover_wish wish = {0};
    if (call->count == 2 && call_is(call, 1, "abort")) {
        if (failover_abort(call->resp, "Failover manually aborted")) writer_ok(call->reply);
        else call_error(call, "ERR No failover in progress.");
        return;
    }
    for (size_t i = 1; i < call->count;)
        if (!failover_option(call, &i, &wish)) return;
    const char *reason = failover_begin(call->resp, &wish);
    if (reason != NULL) call_error(call, reason);
    else writer_ok(call->reply);
}

/* ------------------------------------------------------------------------------------------ ROLE */

static void role_write_replica(struct writer *reply, const struct replica *replica)
{
    char text[REPLICA_ADDRESS_SIZE];
    int64_t ack = replica->ack;
    replica_name(replica, text);
    writer_array(reply, 3);
    writer_bulk(reply, kv_text(text));
    snprintf(text, sizeof text, "%lld", (long long)replica->port);
    writer_bulk(reply, kv_text(text));
    snprintf(text, sizeof text, "%lld", (long long)(ack > 0 ? ack : 0));
    writer_bulk(reply, kv_text(text));
}

static void role_write_master(struct call *call)
{
    struct replicas *replicas = &call->resp->replicas;
    writer_array(call->reply, 3);
    writer_bulk(call->reply, KV_TEXT("master"));
    writer_integer(call->reply, replication_offset(&call->resp->replication));
    size_t began = writer_begin_deferred(call->reply), count = 0;
    pthread_mutex_lock(&replicas->lock);
    for (const struct replica *at = replicas->first; at != NULL; at = at->next) {
        if (at->state != REPLICA_ONLINE) continue;
        role_write_replica(call->reply, at);
        count++;
    }
    pthread_mutex_unlock(&replicas->lock);
    writer_end_deferred(call->reply, began, '*', count);
}

void role_command(struct call *call)
{
    const struct replica_link *replica = call->resp->replication.replica;
    if (!replication_is_replica(&call->resp->replication)) role_write_master(call);
    else if (replica != NULL) replica->write_role(replica->context, call);
}
