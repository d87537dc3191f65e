/*
 * resp/commands_debug.c -- DEBUG: what the test suites of clients and of kvstore itself need.
 *
 * What would crash, leak, or look into structures that are not here is absent, and its name is as
 * unknown as any.
 */
#include "resp/commands.h"

#include "resp/aof_link.h"
#include "resp/clients.h"
#include "resp/digest.h"
#include "resp/rdb_load.h"

#include <stdio.h>
#include <time.h>

static void debug_unknown(struct call *call)
{
    kv_slice word = text_terminated(call->arguments[1]);
    call_error_format(
        call, "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try DEBUG HELP.",
        (int)(word.size < 128 ? word.size : 128), (const char *)word.data);
}

/* DEBUG SLEEP <seconds>: this thread sleeps, with all its clients; others go on. */
static void debug_sleep(struct call *call)
{
    double seconds = 0;
    if (kv_parse_double(call->arguments[2], &seconds) != KV_OK || !(seconds > 0)) seconds = 0;
    if (seconds > 86400) seconds = 86400;
    struct timespec left = {.tv_sec = (time_t)seconds,
                            .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    while (nanosleep(&left, &left) != 0) {}
    writer_ok(call->reply);
}

static void debug_set_active_expire(struct call *call)
{
    int64_t value = 0;
    text_parse_integer(call->arguments[2], &value);
    kv_configure(call->db, KV_SETTING_ACTIVE_EXPIRE, value != 0);
    writer_ok(call->reply);
}

static void debug_object(struct call *call)
{
    kv_object_info info = {.size = sizeof info};
    kv_status status = kv_object(call->db, call->arguments[2], &info);
    if (status != KV_OK) {
        call_fail(call, status == KV_NONE ? KV_NOTFOUND : status);
        return;
    }
    char line[256];
    int64_t seen_s = (kv_now(call->db) - info.idle_ms) / 1000;
    snprintf(
        line, sizeof line,
        "Value at:0x0 refcount:1 encoding:%s serializedlength:%llu lru:%lld lru_seconds_idle:%lld",
        info.encoding, (unsigned long long)info.bytes, (long long)(seen_s & 0xffffff),
        (long long)(info.idle_ms / 1000));
    writer_simple(call->reply, line);
}

static void debug_stringmatch(struct call *call)
{
    writer_integer(call->reply, kv_match(call->arguments[2], call->arguments[3], false));
}

static void debug_error(struct call *call)
{
    kv_slice text = text_terminated(call->arguments[2]);
    writer_error(call->reply, text); /* as Redis: it is no error in the statistics */
}

static void debug_log(struct call *call)
{
    kv_slice text = text_terminated(call->arguments[2]);
    kvresp_logf(call->resp, KVRESP_WARNING, "DEBUG LOG: %.*s",
                (int)(text.size < 900 ? text.size : 900), (const char *)text.data);
    writer_ok(call->reply);
}

/* One key of DEBUG POPULATE: "prefix:n" with "value:n", padded with zeros to the size asked for. */
static kv_status debug_populate_one(struct call *call, kv_slice prefix, int64_t number,
                                    int64_t size)
{
    kv_buffer *key = &call->worker->value, *value = &call->worker->text;
    kv_set_options options = KV_OPTIONS(kv_set_options);
    options.flags = KV_IF_ABSENT;
    key->size = value->size = 0;
    kv_status status = text_append(key, prefix);
    if (status == KV_OK) status = text_format(key, ":%lld", (long long)number);
    if (status == KV_OK) status = text_format(value, "value:%lld", (long long)number);
    if (status == KV_OK && size > 0) status = text_reserve(value, (size_t)size);
    if (status == KV_OK && size > (int64_t)value->size)
        memset((char *)value->data + value->size, 0, (size_t)size - value->size);
    if (status == KV_OK && size > 0) value->size = (size_t)size;
    return status == KV_OK ? kv_set(call->db, text_of_buffer(key), text_of_buffer(value), &options)
                           : status;
}

/* Not while loading, when the append-only file would not hear of the keys. */
static void debug_populate(struct call *call)
{
    int64_t count, size = 0;
    if (atomic_load(&call->resp->gates) & GATE_LOADING) {
        call_error(call, ERROR_LOADING);
        return;
    }
    if (!call_integer_between(call, 2, 0, INT64_MAX, &count,
                              "ERR value is out of range, must be positive"))
        return;
    kv_slice prefix = call->count > 3 ? call->arguments[3] : kv_text("key");
    if (call->count > 4 && !call_integer_between(call, 4, 0, INT32_MAX, &size,
                                                 "ERR value is out of range, must be positive"))
        return;
    for (int64_t i = 0; i < count; i++) {
        kv_status status = debug_populate_one(call, prefix, i, size);
        if (status < 0) {
            call_fail(call, status);
            return;
        }
    }
    writer_ok(call->reply);
}

/* ------------------------------------------------------------------------- the data, made anew */

enum { HOLD_NAP_NS = 5 * 1000 * 1000 }; /* longer than a command takes that had begun */

/*
 * Nobody else changes the data from hold to release: writes of clients wait, as do the changes of a
 * master. What is written in between would be lost, here and not in the histories of others.
 */
static void debug_hold(kvresp *resp)
{
    const struct timespec nap = {.tv_nsec = HOLD_NAP_NS};
    following_hold(&resp->following);
    atomic_fetch_or(&resp->gates, GATE_RELOADING);
    nanosleep(&nap, NULL);
}

static void debug_release(kvresp *resp)
{
    atomic_fetch_and(&resp->gates, ~(unsigned)GATE_RELOADING);
    following_release(&resp->following);
    clients_wake_paused(&resp->clients);
}

/* --------------------------------------------------------------------------------- DEBUG RELOAD */

enum { RELOAD_NOSAVE = 1, RELOAD_NOFLUSH = 2, RELOAD_MERGE = 4 };

static bool debug_reload_flags(struct call *call, unsigned *flags)
{
    *flags = 0;
    for (size_t i = 2; i < call->count; i++) {
        if (call_is(call, i, "nosave")) *flags |= RELOAD_NOSAVE;
        else if (call_is(call, i, "noflush")) *flags |= RELOAD_NOFLUSH;
        else if (call_is(call, i, "merge")) *flags |= RELOAD_MERGE;
        else return false;
    }
    return true;
}

/*
 * Saves and loads what was saved. The store refuses writes meanwhile, but for those of a load that
 * adds to it: they would be calls of the host, which no gate holds.
 */
static void debug_reload_held(struct call *call, unsigned flags)
{
    kvresp *resp = call->resp;
    char message[256];
    int64_t accepts = 1;
    enum rdb_load how = !(flags & RELOAD_NOFLUSH) ? RDB_LOAD_REPLACE
                        : flags & RELOAD_MERGE    ? RDB_LOAD_MERGE
                                                  : RDB_LOAD_ADD;
    kv_configuration(resp->store, KV_SETTING_ACCEPT_WRITES, &accepts);
    if (how == RDB_LOAD_REPLACE) kv_configure(resp->store, KV_SETTING_ACCEPT_WRITES, 0);
    if (!(flags & RELOAD_NOSAVE) && kvresp_save(resp, NULL) != KV_OK) {
        call_error(call, "ERR");
    } else if (rdb_load(resp, how, NULL, message) != KV_OK) {
        call_error(call, "ERR Error trying to load the RDB dump, check server logs.");
    } else {
        kvresp_logf(resp, KVRESP_WARNING, "DB reloaded by DEBUG RELOAD");
        writer_ok(call->reply);
    }
    kv_configure(resp->store, KV_SETTING_ACCEPT_WRITES, accepts);
}

/*
 * A transaction holds the shards that the snapshot needs, and another's snapshot may need this
 * thread.
 */
static void debug_reload(struct call *call)
{
    kvresp *resp = call->resp;
    unsigned flags;
    if (!debug_reload_flags(call, &flags)) {
        call_error(call, "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.");
        return;
    }
    if (call->in_exec || atomic_load(&resp->gates) & GATE_LOADING || save_is_foreign(resp)) {
        call_error(call, "ERR DEBUG RELOAD is not possible now.");
        return;
    }
    debug_hold(resp);
    debug_reload_held(call, flags);
    debug_release(resp);
}

/* -------------------------------------------------------------------------------- DEBUG LOADAOF */

/*
 * Loads what the append-only file holds in the place of what the store does. A transaction holds the
 * shards that this needs.
 */
static void debug_loadaof(struct call *call)
{
    kvresp *resp = call->resp;
    const struct aof_link *aof = resp->aof;
    if (aof == NULL || call->in_exec || atomic_load(&resp->gates) & GATE_LOADING) {
        call_error(call, "ERR DEBUG LOADAOF is not possible now.");
        return;
    }
    debug_hold(resp);
    kvresp_loading_begin(resp);
    kv_status status = aof->reload(aof->context);
    kvresp_loading_end(resp);
    debug_release(resp);
    if (status != KV_OK) {
        call_error(call, "ERR Error trying to load the AOF files, check server logs.");
        return;
    }
    kvresp_logf(resp, KVRESP_WARNING, "Append Only File loaded by DEBUG LOADAOF");
    writer_ok(call->reply);
}

/* --------------------------------------------------------------------------------- DEBUG DIGEST */

/*
 * Begins to look into keys, at one instant and without renewing their access clocks: into all of
 * them, or into those that the arguments name.
 */
static kv_status debug_begin_looking(struct call *call, bool everything, kv **txn)
{
    kv_txn_options options = KV_OPTIONS(kv_txn_options);
    options.flags = everything ? KV_TXN_ALL : 0;
    options.keys = everything ? NULL : call->arguments + 2;
    options.key_count = everything ? 0 : call->count - 2;
    kv_status status = KV_OK;
    if (call->in_exec) *txn = call->db; /* which holds all keys for an administrator's command */
    else status = kv_begin(call->db, &options, txn);
    if (status == KV_OK) kv_view_touches(*txn, false);
    return status;
}

static void debug_end_looking(struct call *call, kv *txn)
{
    if (call->in_exec) kv_view_touches(txn, !(call->session->flags & SESSION_NO_TOUCH));
    else kv_commit(txn);
}

static void debug_write_digest(struct call *call, const struct digest *digest)
{
    char text[2 * SHA1_SIZE + 1];
    for (int i = 0; i < SHA1_SIZE; i++) snprintf(text + 2 * i, 3, "%02x", digest->bytes[i]);
    writer_simple(call->reply, text);
}

static void debug_digest(struct call *call)
{
    struct digest digest;
    kv *txn;
    kv_status status = debug_begin_looking(call, true, &txn);
    if (status == KV_OK) {
        status = digest_of_store(txn, &digest);
        debug_end_looking(call, txn);
    }
    if (status == KV_OK) debug_write_digest(call, &digest);
    else call_fail(call, status);
}

/* A key that is not there has the digest 0. */
static void debug_digest_value(struct call *call)
{
    kv *txn;
    kv_status status = debug_begin_looking(call, false, &txn);
    if (status != KV_OK) {
        call_fail(call, status);
        return;
    }
    writer_array(call->reply, call->count - 2);
    for (size_t i = 2; i < call->count; i++) {
        struct digest digest = {{0}};
        status = digest_add_value(txn, call->arguments[i], &digest);
        if (status >= 0) debug_write_digest(call, &digest);
        else call_fail(call, status);
    }
    debug_end_looking(call, txn);
}

/* ------------------------------------------------------------------------------- DEBUG PROTOCOL */

static void debug_write_numbers(struct call *call)
{
    for (int i = 0; i < 3; i++) writer_integer(call->reply, i);
}

static void debug_write_map(struct call *call)
{
    writer_map(call->reply, 3);
    for (int i = 0; i < 3; i++) {
        writer_integer(call->reply, i);
        writer_boolean(call->reply, i == 1);
    }
}

/* Attributes and pushes exist in RESP3 alone. */
static void debug_write_attribute(struct call *call)
{
    if (call->reply->protocol > 2) {
        writer_header(call->reply, '|', 1);
        writer_bulk_text(call->reply, "key-popularity");
        writer_array(call->reply, 2);
        writer_bulk_text(call->reply, "key:123");
        writer_integer(call->reply, 90);
    }
    writer_bulk_text(call->reply, "Some real reply following the attribute");
}

static void debug_write_push(struct call *call)
{
    if (call->reply->protocol <= 2) {
        call_error(call, "ERR RESP2 is not supported by this command");
        return;
    }
    writer_push(call->reply, 2);
    writer_bulk_text(call->reply, "server-cpu-usage");
    writer_integer(call->reply, 42);
    writer_bulk_text(call->reply, "Some real reply following the push reply");
}

static void debug_protocol(struct call *call)
{
    struct writer *reply = call->reply;
    if (call_is(call, 2, "string")) writer_bulk_text(reply, "Hello World");
    else if (call_is(call, 2, "integer")) writer_integer(reply, 12345);
    else if (call_is(call, 2, "double")) writer_double(reply, 3.141);
    else if (call_is(call, 2, "null")) writer_null(reply);
    else if (call_is(call, 2, "array")) writer_array(reply, 3), debug_write_numbers(call);
    else if (call_is(call, 2, "set")) writer_set(reply, 3), debug_write_numbers(call);
    else if (call_is(call, 2, "map")) debug_write_map(call);
    else if (call_is(call, 2, "attrib")) debug_write_attribute(call);
    else if (call_is(call, 2, "push")) debug_write_push(call);
    else if (call_is(call, 2, "true")) writer_boolean(reply, true);
    else if (call_is(call, 2, "false")) writer_boolean(reply, false);
    else if (call_is(call, 2, "verbatim"))
        writer_verbatim(reply, "txt", kv_text("This is a verbatim\nstring"));
    else if (call_is(call, 2, "bignum"))
        writer_big_number(reply, kv_text("1234567999999999999999999999999999999"));
    else
        call_error(
            call,
            "ERR Wrong protocol type name. Please use one of the following: "
            "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false");
}

/* Settings of parts of Redis that are not here: accepted, as tests set them in passing. */
static void debug_accept(struct call *call)
{
    writer_ok(call->reply);
}

/* At most a little less than 4 GiB, as in Redis. */
static void debug_packed_threshold(struct call *call)
{
    uint64_t bytes;
    if (config_parse_memory(call->arguments[2], &bytes) && bytes <= UINT32_MAX - (1u << 20))
        writer_ok(call->reply);
    else call_error(call, "ERR argument must be a memory value bigger than 1 and smaller than 4gb");
}

static void debug_replybuffer(struct call *call)
{
    int64_t number;
    if (call_is(call, 2, "resizing")) {
        writer_ok(call->reply);
    } else if (!call_is(call, 2, "peak-reset-time")) {
        debug_unknown(call);
    } else if (call_is(call, 3, "never") || call_is(call, 3, "reset") ||
               call_integer(call, 3, &number, NULL)) {
        writer_ok(call->reply);
    }
}

static void debug_help(struct call *call)
{
    static const char *const lines[] = {
        "CHANGE-REPL-ID",
        "    Accepted, without effect.",
        "DIGEST",
        "    A number for all that is stored: equal contents, equal numbers, as in Redis.",
        "DIGEST-VALUE [<key> ...]",
        "    The same for the value of each key.",
        "ERROR <string>",
        "    Answer with an error.",
        "LOADAOF",
        "    Load the append-only file again, in the place of what is there.",
        "LOG <message>",
        "    Write to the log.",
        "OBJECT <key>",
        "    Describe the value at <key>.",
        "PAUSE-CRON <0|1>",
        "    Accepted, without effect.",
        "POPULATE <count> [<prefix>] [<size>]",
        "    Store <count> strings, under <prefix>:<number> where nothing is.",
        "PROTOCOL <type>",
        "    Answer with a value of the type: string, integer, double, bignum, null, array, set,",
        "    map, attrib, push, verbatim, true, false.",
        "QUICKLIST-PACKED-THRESHOLD <size>",
        "    Accepted, without effect.",
        "RELOAD [MERGE|NOFLUSH|NOSAVE ...]",
        "    Save the RDB file and load it again. NOSAVE: load what is there. NOFLUSH: keep the "
        "keys,",
        "    which must not be in the file. MERGE: keep those that are not in the file.",
        "REPLYBUFFER (PEAK-RESET-TIME|RESIZING) <value>",
        "    Accepted, without effect.",
        "SET-ACTIVE-EXPIRE <0|1>",
        "    Whether expired keys are reclaimed before somebody asks for them.",
        "SET-DISABLE-DENY-SCRIPTS <0|1>",
        "    Accepted, without effect.",
        "SLEEP <seconds>",
        "    Stop this thread and its clients for a while.",
        "STRINGMATCH-LEN <pattern> <string>",
        "    Whether the glob matches.",
        NULL};
    call_help(call, lines);
}

void debug_command(struct call *call)
{
    static const struct {
        const char *name;
        size_t count_min, count_max;
        command_handler *handler;
    } subcommands[] = {
        {"change-repl-id", 2, 2, debug_accept},
        {"digest", 2, 2, debug_digest},
        {"digest-value", 2, SIZE_MAX, debug_digest_value},
        {"error", 3, 3, debug_error},
        {"help", 2, 2, debug_help},
        {"loadaof", 2, 2, debug_loadaof},
        {"log", 3, 3, debug_log},
        {"object", 3, 3, debug_object},
        {"pause-cron", 3, 3, debug_accept},
        {"populate", 3, 5, debug_populate},
        {"protocol", 3, 3, debug_protocol},
        {"quicklist-packed-threshold", 3, 3, debug_packed_threshold},
        {"reload", 2, SIZE_MAX, debug_reload},
        {"replybuffer", 4, 4, debug_replybuffer},
        {"set-active-expire", 3, 3, debug_set_active_expire},
        {"set-disable-deny-scripts", 3, 3, debug_accept},
        {"sleep", 3, 3, debug_sleep},
        {"stringmatch-len", 4, 4, debug_stringmatch},
    };
    for (size_t i = 0; i < sizeof subcommands / sizeof subcommands[0]; i++) {
        if (!call_is(call, 1, subcommands[i].name)) continue;
        if (call->count < subcommands[i].count_min || call->count > subcommands[i].count_max) break;
        subcommands[i].handler(call);
        return;
    }
    debug_unknown(call);
}
