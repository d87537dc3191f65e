/*
 * resp/replica_payload.c -- all data of a master: an RDB on the wire, given to kv_load().
 *
 *     $1048576\r\n ...1048576 bytes...                    of a size that is known
 *     $EOF:<forty bytes>\r\n ...bytes... <forty bytes>    written while it is made: up to the mark
 *
 * Before either a master sends empty lines, as long as it prepares. The data that are here stay, and
 * are seen, until the RDB is there to its last byte; so that last part is given to kv_load() only
 * when its end is known to have come, and with the history held still: from then on either the new
 * data and the new history are there together, or nothing has changed.
 */
#include "resp/replica_link.h"

#include "resp/aof_link.h"
#include "resp/shared.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    PAYLOAD_MARK_SIZE = 40,
    PAYLOAD_KEPT = 16 /* at least the RDB's last: an end and a sum have nine bytes */
};

struct payload {
    struct follow *follow;
    bool is_marked;
    char mark[PAYLOAD_MARK_SIZE];
    uint64_t size;    /* not marked: of all of it */
    uint64_t given;   /* bytes that kv_load() has had */
    size_t looked_at; /* bytes of the buffer in which the mark does not begin */
    bool has_end;     /* marked: it has been found, at `end` of the buffer */
    size_t end;
    bool is_held;      /* the history is, and the link is wanted */
    int64_t database;  /* selected where its stream begins; of a master that is a replica itself */
    kv_status failure; /* of a read */
};

/* ------------------------------------------------------------------------------------- the head */

static kv_status payload_read_head(struct follow *follow, struct payload *payload)
{
    char line[FOLLOW_LINE_MAX + 1] = "";
    kv_status status = KV_OK;
    while (status == KV_OK && line[0] == '\0') status = follow_line(follow, line);
    if (status != KV_OK) return status;
    if (line[0] == '-') return follow_fail(follow, "it gave up a full sync: '%.120s'", line + 1);
    int64_t size;
    if (strncmp(line, "$EOF:", 5) == 0 && strlen(line) == 5 + PAYLOAD_MARK_SIZE) {
        payload->is_marked = true;
        memcpy(payload->mark, line + 5, PAYLOAD_MARK_SIZE);
    } else if (line[0] == '$' && text_parse_integer(kv_text(line + 1), &size) && size > 0) {
        payload->size = (uint64_t)size;
    } else {
        return follow_fail(follow, "a full sync begins with '%.120s'", line);
    }
    return KV_OK;
}

/* -------------------------------------------------------------------------------------- the bytes */

/* Tells the master now and then that somebody is there: an empty line, as Redis does. */
static kv_status payload_sign(struct follow *follow)
{
    if (following_clock_ms() - follow->signed_ms < FOLLOW_ACK_MS) return KV_OK;
    return follow_write(follow, KV_TEXT("\n"));
}

/* The end has come: from here to the exchange nobody else changes data or history. */
static kv_status payload_hold(struct payload *payload)
{
    struct follow *follow = payload->follow;
    if (payload->is_held) return KV_OK;
    following_hold(follow->following);
    payload->is_held = following_is_wanted(follow->following, follow->master->generation);
    if (!payload->is_held) following_release(follow->following);
    else replication_abandon(&follow->resp->replication); /* it is not that of what comes */
    return payload->is_held ? KV_OK : KV_CANCELLED;
}

static void payload_release(struct payload *payload)
{
    if (payload->is_held) following_release(payload->follow->following);
    payload->is_held = false;
}

static void payload_find_mark(struct payload *payload)
{
    struct follow *follow = payload->follow;
    size_t from = follow->start + payload->looked_at;
    if (payload->has_end || from + PAYLOAD_MARK_SIZE > follow->end) return;
    const uint8_t *found =
        memmem(follow->bytes + from, follow->end - from, payload->mark, PAYLOAD_MARK_SIZE);
    if (found != NULL) {
        payload->has_end = true;
        payload->end = (size_t)(found - follow->bytes);
    } else {
        payload->looked_at = follow->end - follow->start - PAYLOAD_MARK_SIZE + 1;
    }
}

/* How many bytes of the buffer may be given: with the end in it all up to there, else fewer. */
static size_t payload_ready_marked(struct payload *payload)
{
    struct follow *follow = payload->follow;
    payload_find_mark(payload);
    if (payload->has_end) return payload->end - follow->start;
    size_t kept = PAYLOAD_MARK_SIZE + PAYLOAD_KEPT, held = follow->end - follow->start;
    return held > kept ? held - kept : 0;
}

static size_t payload_ready_sized(const struct payload *payload)
{
    const struct follow *follow = payload->follow;
    uint64_t left = payload->size - payload->given;
    size_t held = follow->end - follow->start;
    if (held >= left) return (size_t)left;
    if (left <= PAYLOAD_KEPT) return 0;
    return left - PAYLOAD_KEPT < held ? (size_t)(left - PAYLOAD_KEPT) : held;
}

static bool payload_has_end(const struct payload *payload)
{
    const struct follow *follow = payload->follow;
    if (payload->is_marked) return payload->has_end;
    return follow->end - follow->start >= payload->size - payload->given;
}

static kv_status payload_fill(struct payload *payload)
{
    size_t shift = payload->follow->start;
    kv_status status = payload_sign(payload->follow);
    if (status == KV_OK) status = follow_fill(payload->follow);
    if (payload->has_end) payload->end -= shift;
    return status;
}

/* Waits for bytes that may be given, or for the end. */
static kv_status payload_await(struct payload *payload, size_t *ready)
{
    for (;;) {
        *ready = payload->is_marked ? payload_ready_marked(payload) : payload_ready_sized(payload);
        if (payload_has_end(payload)) return payload_hold(payload);
        if (*ready > 0) return payload_sign(payload->follow);
        kv_status status = payload_fill(payload);
        if (status != KV_OK) return status;
    }
}

/* The kv_reader. */
static kv_status payload_read(void *context, void *bytes, size_t room, size_t *size)
{
    struct payload *payload = context;
    struct follow *follow = payload->follow;
    size_t ready;
    payload->failure = payload_await(payload, &ready);
    if (payload->failure != KV_OK) return KV_CANCELLED;
    *size = ready < room ? ready : room;
    if (*size > 0) memcpy(bytes, follow->bytes + follow->start, *size);
    follow->start += *size;
    payload->given += *size;
    payload->looked_at = payload->looked_at > *size ? payload->looked_at - *size : 0;
    atomic_fetch_add(&follow->following->sync_read, *size);
    return KV_OK;
}

/* -------------------------------------------------------------------------------------- the whole */

/* Behind the data set only its end may come. Both are held. */
static kv_status payload_check_end(struct payload *payload, const kv_load_report *report)
{
    struct follow *follow = payload->follow;
    size_t rest = payload->is_marked ? payload->end - follow->start
                                     : (size_t)(payload->size - payload->given);
    uint64_t behind = rest + payload->given - report->bytes;
    if (!payload->is_held || behind > 0)
        return follow_fail(follow, "%" PRIu64 " bytes and more follow its data set", behind);
    if (payload->is_marked) follow->start += PAYLOAD_MARK_SIZE;
    return KV_OK;
}

/* The data are those of the master: so is the history. */
static kv_status payload_adopt(struct payload *payload, const struct follow_answer *answer)
{
    struct follow *follow = payload->follow;
    struct following *following = follow->following;
    struct replication *replication = &follow->resp->replication;
    struct replication_place place;
    replication_look(replication, &place); /* a master without history: one of our own */
    const char *id = answer->is_old ? place.id : answer->id;
    if (replication_adopt(replication, id, answer->is_old ? 0 : answer->offset) != KV_OK)
        kvresp_logf(follow->resp, KVRESP_WARNING,
                    "Memory is short: replicas of this one have to wait");
    following->stream_database = (uint32_t)payload->database;
    atomic_fetch_add(&following->full_syncs, 1);
    following_connect(following, follow->end - follow->start);
    return KV_OK;
}

/* The number may have zeros in front. */
static bool payload_note(void *context, kv_slice name, kv_slice value)
{
    struct payload *payload = context;
    int64_t database, count = kv_databases(payload->follow->resp->store);
    for (; value.size > 1 && *(const char *)value.data == '0'; value.size--)
        value.data = (const char *)value.data + 1;
    if (text_is(name, "repl-stream-db") && text_parse_integer(value, &database) && database >= 0 &&
        database < count)
        payload->database = database;
    return true;
}

/* At the exchange: the append-only file is of other data now. */
static void payload_exchanged(void *context)
{
    aof_link_replaced(((struct payload *)context)->follow->resp->aof);
}

static void payload_warn(void *context, const char *message)
{
    struct payload *payload = context;
    kvresp_logf(payload->follow->resp, KVRESP_WARNING, "Full sync: %s", message);
}

static kv_status payload_load(struct payload *payload, kv_load_report *report)
{
    kv_load_options options = KV_OPTIONS(kv_load_options);
    options.threads = 1;
    options.replaces = true;
    options.keeps_expired = true;
    options.aux = payload_note;
    options.warn = payload_warn;
    options.at_instant = payload_exchanged;
    options.context = payload;
    *report = KV_OPTIONS(kv_load_report);
    return kv_load(payload->follow->resp->store, payload_read, payload, &options, report);
}

/* Why it could not be loaded. */
static kv_status payload_fail(struct payload *payload, kv_status status,
                              const kv_load_report *report)
{
    struct follow *follow = payload->follow;
    if (payload->failure != KV_OK) return payload->failure;
    if (follow->reason[0] != '\0') return status;
    return follow_fail(follow, "its data set is not sound: %.200s (at byte %" PRIu64 ")",
                       report->message[0] != '\0' ? report->message : kv_strerror(status),
                       report->bytes);
}

static kv_status payload_take(struct payload *payload, const struct follow_answer *answer)
{
    kv_load_report report;
    kv_status status = payload_load(payload, &report);
    if (status == KV_OK) {
        status = payload_check_end(payload, &report);
        if (status == KV_OK) status = payload_adopt(payload, answer);
        else replication_abandon(&payload->follow->resp->replication); /* of data that have gone */
    } else {
        status = payload_fail(payload, status, &report);
    }
    payload_release(payload);
    if (status == KV_OK)
        kvresp_logf(payload->follow->resp, KVRESP_NOTICE,
                    "Full sync: %" PRIu64 " keys in %" PRIu64 " bytes are in the place of the old",
                    report.keys, report.bytes);
    return status;
}

kv_status follow_payload(struct follow *follow, const struct follow_answer *answer)
{
    struct following *following = follow->following;
    struct payload payload = {.follow = follow};
    following_set_state(following, FOLLOWING_SYNC);
    atomic_store(&following->sync_total, 0);
    atomic_store(&following->sync_read, 0);
    kvresp_logf(follow->resp, KVRESP_NOTICE, "Full sync from master %s:%d", follow->master->host,
                follow->master->port);
    kv_status status = payload_read_head(follow, &payload);
    if (status != KV_OK) return status;
    atomic_store(&following->sync_total, payload.size);
    return payload_take(&payload, answer);
}
