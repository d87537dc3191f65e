/*
 * resp/following.c -- which master the store follows: wishes, roles, gates, parameters, what INFO and
 * ROLE say.
 */
#include "resp/following.h"

#include "resp/clients.h"
#include "resp/call.h"
#include "resp/config.h"
#include "resp/writer.h"

#include <stdio.h>
#include <stdlib.h>

int64_t following_clock_ms(void)
{
    return (int64_t)(statistics_clock() / 1000000);
}

/* ------------------------------------------------------------------------------- wishes and roles */

void following_look(struct following *following, struct following_master *wish)
{
    pthread_mutex_lock(&following->lock);
    *wish = following->wish;
    pthread_mutex_unlock(&following->lock);
}

void following_wish(struct following *following, const struct following_master *wish)
{
    pthread_mutex_lock(&following->lock);
    following->wish = *wish;
    following->last_error[0] = '\0';
    pthread_mutex_unlock(&following->lock);
    (void)kvresp_config_keep(following->resp, "replicaof");
}

void following_tell_connector(struct following *following)
{
    pthread_mutex_lock(&following->lock);
    if (following->connector != NULL) following->connector->changed(following->connector->context);
    pthread_mutex_unlock(&following->lock);
}

/* Waits until no call that writes is under way: one that had passed the gates before they closed. */
static void following_await_writers(struct following *following)
{
    kv_txn_options options = KV_OPTIONS(kv_txn_options);
    options.flags = KV_TXN_ALL;
    kv *txn;
    if (kv_begin(following->resp->store, &options, &txn) == KV_OK) (void)kv_commit(txn);
}

/* Where the stream of a new master goes on, if it knows our history. */
static void following_take_database(struct following *following)
{
    int64_t database = following->resp->replication.log.database;
    following->stream_database = database < 0 ? 0 : (uint32_t)database;
}

/* Its keys go when the master says so. */
static void following_become_one(struct following *following)
{
    kvresp *resp = following->resp;
    if (!replication_is_replica(&resp->replication)) {
        following_await_writers(following);
        following_take_database(following);
        replication_become_replica(&resp->replication);
        clients_unblock_all(&resp->clients);
    }
    (void)kv_configure(resp->store, KV_SETTING_EXPIRE, 2);
}

/* The history goes on here before the first change does. */
static void following_become_none(struct following *following)
{
    replication_become_master(&following->resp->replication);
    (void)kv_configure(following->resp->store, KV_SETTING_EXPIRE, 1);
}

void following_carry_out(struct following *following)
{
    struct following_master wish;
    following_hold(following);
    following_look(following, &wish);
    bool is_one = wish.host[0] != '\0';
    atomic_fetch_add(&following->generation, 1);
    atomic_store(&following->state, FOLLOWING_CONNECT);
    if (is_one)
        atomic_fetch_or(&following->resp->gates, GATE_READ_ONLY); /* before the last write */
    if (is_one) following_become_one(following);
    else following_become_none(following);
    following_set_gates(following);
    replicas_judge(&following->resp->replicas);
    following_release(following);
    following_tell_connector(following);
}

void following_inherit(struct following *following, const char *id, int64_t offset,
                       uint32_t database)
{
    struct replication *replication = &following->resp->replication;
    if (database >= kv_databases(following->resp->store)) return;
    following_hold(following);
    following->stream_database = database;
    bool is_replica = replication_is_replica(replication);
    if (!is_replica) replication_become_replica(replication);
    (void)replication_adopt(replication, id, offset);
    if (!is_replica) replication_become_master(replication);
    following_release(following);
}

void following_resume(struct following *following)
{
    kvresp *resp = following->resp;
    if (!replication_is_replica(&resp->replication)) return;
    (void)kv_configure(resp->store, KV_SETTING_EXPIRE, 2); /* loading has its own way */
    following_tell_connector(following);
}

void following_set_gates(struct following *following)
{
    kvresp *resp = following->resp;
    const struct settings *settings = &resp->settings;
    bool is_one = replication_is_replica(&resp->replication);
    unsigned gates = 0;
    if (is_one && atomic_load(&settings->replica_read_only)) gates |= GATE_READ_ONLY;
    if (is_one && !atomic_load(&settings->serves_stale_data) &&
        atomic_load(&following->state) != FOLLOWING_CONNECTED)
        gates |= GATE_STALE;
    atomic_fetch_or(&resp->gates, gates);
    atomic_fetch_and(&resp->gates, ~((GATE_READ_ONLY | GATE_STALE) & ~gates));
}

void following_hold(struct following *following)
{
    pthread_mutex_lock(&following->applying);
}

void following_release(struct following *following)
{
    pthread_mutex_unlock(&following->applying);
}

void following_set_state(struct following *following, enum following_state state)
{
    int old = atomic_exchange(&following->state, state);
    if (old == FOLLOWING_CONNECTED && state != FOLLOWING_CONNECTED)
        atomic_store(&following->down_since_ms, following_clock_ms());
    following_set_gates(following);
}

void following_note_waiting(struct following *following, size_t waiting)
{
    int64_t offset = replication_offset(&following->resp->replication);
    atomic_store(&following->read_offset, offset + (int64_t)waiting);
}

/* In this order: the last link's offset may be that of another history. */
void following_connect(struct following *following, size_t waiting)
{
    following_note_waiting(following, waiting);
    following_set_state(following, FOLLOWING_CONNECTED);
}

/* Up to where the stream has come. What was not executed when the link ended will come again. */
static int64_t following_received(const struct following *following, int64_t offset)
{
    if (atomic_load(&following->state) != FOLLOWING_CONNECTED) return offset;
    int64_t received = atomic_load(&following->read_offset);
    return received > offset ? received : offset;
}

/* ------------------------------------------------------------------------------------- for net/ */

kv_status kvresp_connector_attach(kvresp *resp, const kvresp_connector *connector)
{
    if (resp == NULL || connector == NULL || connector->size != sizeof *connector) return KV_BADARG;
    struct following *following = &resp->following;
    pthread_mutex_lock(&following->lock);
    kv_status status = following->connector == NULL ? KV_OK : KV_BUSY;
    if (status == KV_OK) {
        following->connector_copy = *connector;
        following->connector = &following->connector_copy;
    }
    pthread_mutex_unlock(&following->lock);
    return status;
}

void kvresp_connector_detach(kvresp *resp)
{
    pthread_mutex_lock(&resp->following.lock);
    resp->following.connector = NULL;
    pthread_mutex_unlock(&resp->following.lock);
}

kv_status kvresp_wanted_master(kvresp *resp, kvresp_master *master)
{
    if (resp == NULL || master == NULL || master->size != sizeof *master) return KV_BADARG;
    struct following_master wish;
    following_hold(&resp->following); /* a wish that is not carried out yet does not count */
    bool is_one = replication_is_replica(&resp->replication);
    uint64_t generation = atomic_load(&resp->following.generation);
    following_look(&resp->following, &wish);
    following_release(&resp->following);
    bool is_loading = atomic_load(&resp->gates) & GATE_LOADING; /* its files come first */
    if (!is_one || is_loading || wish.host[0] == '\0') return KV_NONE;
    memcpy(master->host, wish.host, sizeof master->host);
    master->port = wish.port;
    master->generation = generation;
    return KV_OK;
}

kv_status kvresp_replicaof(kvresp *resp, const char *host, int port)
{
    struct following_master wish = {.port = port};
    if (resp == NULL || (host != NULL && (host[0] == '\0' || strlen(host) >= sizeof wish.host)))
        return KV_BADARG;
    if (host != NULL && (port < 0 || port > 65535)) return KV_BADARG;
    if (host != NULL) memcpy(wish.host, host, strlen(host) + 1);
    following_wish(&resp->following, &wish);
    following_carry_out(&resp->following);
    return KV_OK;
}

void kvresp_follow_begins(kvresp *resp, const kvresp_master *master)
{
    if (following_is_wanted(&resp->following, master->generation))
        following_set_state(&resp->following, FOLLOWING_CONNECTING);
}

bool following_note_failure(struct following *following, const char *reason)
{
    pthread_mutex_lock(&following->lock);
    bool is_new = strncmp(following->last_error, reason, sizeof following->last_error - 1) != 0;
    snprintf(following->last_error, sizeof following->last_error, "%s", reason);
    pthread_mutex_unlock(&following->lock);
    following_set_state(following, FOLLOWING_CONNECT);
    return is_new;
}

/* Once, and not each time that it is tried. */
void kvresp_follow_failed(kvresp *resp, const kvresp_master *master, const char *reason)
{
    if (!following_is_wanted(&resp->following, master->generation)) return;
    if (following_note_failure(&resp->following, reason))
        kvresp_logf(resp, KVRESP_WARNING, "Master %s:%d: %s", master->host, master->port, reason);
}

kv_status kvresp_following_look(kvresp *resp, kvresp_following *look)
{
    if (resp == NULL || look == NULL || look->size != sizeof *look) return KV_BADARG;
    struct following *following = &resp->following;
    struct replication_place place;
    replication_look(&resp->replication, &place);
    int state = atomic_load(&following->state);
    int64_t heard_ms = atomic_load(&following->last_io_ms);
    look->is_replica = place.role == REPLICATION_REPLICA;
    look->is_connected = look->is_replica && state == FOLLOWING_CONNECTED;
    look->is_syncing = look->is_replica && state == FOLLOWING_SYNC;
    look->silent_ms = heard_ms == 0 ? -1 : following_clock_ms() - heard_ms;
    look->offset = place.offset;
    look->received = following_received(following, place.offset);
    look->full_syncs = atomic_load(&following->full_syncs);
    look->partial_syncs = atomic_load(&following->partial_syncs);
    memcpy(look->master_id, place.id, sizeof look->master_id);
    pthread_mutex_lock(&following->lock);
    memcpy(look->error, following->last_error, sizeof look->error);
    pthread_mutex_unlock(&following->lock);
    return KV_OK;
}

/* ---------------------------------------------------------------------------------- INFO and ROLE */

static long long following_seconds_since(int64_t instant_ms)
{
    return instant_ms == 0 ? -1 : (long long)((following_clock_ms() - instant_ms) / 1000);
}

static void following_write_sync(struct following *following, kv_buffer *text)
{
    unsigned long long total = atomic_load(&following->sync_total);
    unsigned long long read = atomic_load(&following->sync_read);
    double percent = total > 0 ? 100.0 * (double)read / (double)total : 0;
    text_format(text,
                "master_sync_total_bytes:%llu\r\nmaster_sync_read_bytes:%llu\r\n"
                "master_sync_left_bytes:%lld\r\nmaster_sync_perc:%.2f\r\n"
                "master_sync_last_io_seconds_ago:%lld\r\n",
                total, read, total > 0 ? (long long)(total - read) : -1 - (long long)read + 1,
                percent, following_seconds_since(atomic_load(&following->last_io_ms)));
}

static void following_write_info(void *context, kv_buffer *text)
{
    struct following *following = context;
    struct following_master wish;
    following_look(following, &wish);
    int state = atomic_load(&following->state);
    bool is_up = state == FOLLOWING_CONNECTED;
    int64_t offset = replication_offset(&following->resp->replication);
    text_format(text,
                "master_host:%s\r\nmaster_port:%d\r\nmaster_link_status:%s\r\n"
                "master_last_io_seconds_ago:%lld\r\nmaster_sync_in_progress:%d\r\n"
                "slave_read_repl_offset:%lld\r\nslave_repl_offset:%lld\r\n",
                wish.host, wish.port, is_up ? "up" : "down",
                is_up ? following_seconds_since(atomic_load(&following->last_io_ms)) : -1,
                state == FOLLOWING_SYNC, (long long)following_received(following, offset),
                (long long)offset);
    if (state == FOLLOWING_SYNC) following_write_sync(following, text);
    if (!is_up)
        text_format(text, "master_link_down_since_seconds:%lld\r\n",
                    following_seconds_since(atomic_load(&following->down_since_ms)));
    kv_buffer priority = {0}, announced = {0};
    (void)kvresp_config_get(following->resp, "replica-priority", &priority);
    (void)kvresp_config_get(following->resp, "replica-announced", &announced);
    bool is_announced = text_is(text_of_buffer(&announced), "yes");
    text_format(text, "slave_priority:%.*s\r\nslave_read_only:%d\r\nreplica_announced:%d\r\n",
                (int)priority.size, priority.size > 0 ? (const char *)priority.data : "",
                atomic_load(&following->resp->settings.replica_read_only), is_announced);
    kv_buffer_free(&priority);
    kv_buffer_free(&announced);
}

static bool following_is_connected(void *context)
{
    return atomic_load(&((struct following *)context)->state) == FOLLOWING_CONNECTED;
}

static void following_write_role(void *context, struct call *call)
{
    static const char *const states[] = {"connect", "connecting", "handshake", "sync", "connected"};
    struct following *following = context;
    struct following_master wish;
    following_look(following, &wish);
    int state = atomic_load(&following->state);
    int64_t offset = replication_offset(&following->resp->replication);
    writer_array(call->reply, 5);
    writer_bulk_text(call->reply, "slave");
    writer_bulk_text(call->reply, wish.host);
    writer_integer(call->reply, wish.port);
    writer_bulk_text(call->reply, states[state]);
    writer_integer(call->reply, state == FOLLOWING_CONNECTED ? offset : -1);
}

/* ------------------------------------------------------------------------------------- parameter */

static kv_status following_read_parameter(void *context, kv_buffer *value)
{
    struct following_master wish;
    following_look(context, &wish);
    return wish.host[0] == '\0' ? KV_OK : text_format(value, "%s %d", wish.host, wish.port);
}

/* "host port", "no one", or nothing. */
static const char *following_parse(kv_slice text, struct following_master *wish)
{
    const char *at = text.data, *end = at + text.size;
    const char *space = text.size > 0 ? memchr(at, ' ', text.size) : NULL;
    *wish = (struct following_master){0};
    if (text.size == 0 || text_is(text, "no one")) return NULL;
    int64_t port;
    if (space == NULL || space == at || (size_t)(space - at) >= sizeof wish->host)
        return "wrong number of arguments";
    while (space + 1 < end && space[1] == ' ') space++;
    if (!text_parse_integer(kv_bytes(space + 1, (size_t)(end - space - 1)), &port) || port < 0 ||
        port > 65535)
        return "Invalid master port";
    size_t size = strcspn(at, " ");
    memcpy(wish->host, at, size);
    wish->port = (int)port;
    return NULL;
}

static const char *following_check_parameter(void *context, kv_slice value, char message[256])
{
    struct following_master wish;
    (void)context, (void)message;
    return following_parse(value, &wish);
}

static const char *following_apply_parameter(void *context, kv_slice value, char message[256])
{
    struct following *following = context;
    struct following_master wish, old;
    (void)message;
    const char *error = following_parse(value, &wish);
    if (error != NULL) return error;
    following_look(following, &old);
    if (wish.host[0] == '\0' && old.host[0] == '\0') return NULL;
    following_wish(following, &wish);
    following_carry_out(following);
    return NULL;
}

static const kvresp_parameter following_parameter = {
    "replicaof",
    "slaveof",
    KVRESP_PARAMETER_IMMUTABLE | KVRESP_PARAMETER_MULTIPLE | KVRESP_PARAMETER_OMITTED,
    following_read_parameter,
    following_check_parameter,
    following_apply_parameter,
};

/* --------------------------------------------------------------------------------- open and close */

static kv_status following_follow(void *context, const char *host, int port, bool failover)
{
    struct following *following = context;
    struct following_master wish = {.port = port, .is_failover = failover};
    if (strlen(host) >= sizeof wish.host) return KV_BADARG;
    memcpy(wish.host, host, strlen(host) + 1);
    following_wish(following, &wish);
    following_carry_out(following);
    return KV_OK;
}

static void following_promote(void *context)
{
    struct following_master none = {0};
    following_wish(context, &none);
    following_carry_out(context);
}

kv_status following_open(struct following *following, kvresp *resp)
{
    *following = (struct following){.resp = resp,
                                    .link = {.context = following,
                                             .follow = following_follow,
                                             .promote = following_promote,
                                             .is_connected = following_is_connected,
                                             .write_info = following_write_info,
                                             .write_role = following_write_role}};
    if (pthread_mutex_init(&following->applying, NULL) != 0) return KV_NOMEM;
    if (pthread_mutex_init(&following->lock, NULL) != 0) {
        pthread_mutex_destroy(&following->applying);
        return KV_NOMEM;
    }
    kv_status status = kvresp_config_add(resp, &following_parameter, 1, following);
    if (status != KV_OK) following_close(following);
    else replication_attach_replica(&resp->replication, &following->link);
    return status;
}

void following_close(struct following *following)
{
    pthread_mutex_destroy(&following->lock);
    pthread_mutex_destroy(&following->applying);
}
