/*
 * resp/commands_stream_groups.c -- streams: consumer groups, acknowledging, claiming.
 */
#include "resp/commands.h"
#include "resp/stream.h"

/* ---------------------------------------------------------------------------------------- groups */

static void xgroup_no_key(struct call *call)
{
    call_error(call, "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE "
                     "you may want to use the MKSTREAM option to create an empty stream "
                     "automatically.");
}

/* The error of a status below 0 of a subcommand. */
static void xgroup_fail(struct call *call, kv_status status)
{
    if (status == KV_NOTFOUND) xgroup_no_key(call);
    else if (status == KV_NOGROUP)
        stream_no_consumer_group(call, call->arguments[2], call->arguments[3]);
    else call_fail(call, status);
}

/* Whether the stream and the group are there, as far as they have to be. False: answered. */
static bool xgroup_is_there(struct call *call, bool needs_key, bool needs_group)
{
    kv_status status =
        kv_xpending(call->db, call->arguments[2], call->arguments[3], NULL, NULL, NULL);
    bool is_fine = status == KV_OK || (status == KV_NOTFOUND && !needs_key) ||
                   (status == KV_NOGROUP && !needs_group);
    if (!is_fine) xgroup_fail(call, status);
    return is_fine;
}

/* The options of CREATE and SETID from argument 5 on. False: answered. */
static bool xgroup_options(struct call *call, bool is_create, kv_xgroup_options *options)
{
    for (size_t at = 5; at < call->count; at++) {
        if (is_create && call_is(call, at, "mkstream")) {
            options->create_stream = true;
        } else if (call_is(call, at, "entriesread") && at + 1 < call->count) {
            if (!call_integer(call, ++at, &options->read, NULL)) return false;
            options->has_read = true;
            if (options->read >= -1) continue;
            call_error(call, "ERR value for ENTRIESREAD must be positive or -1");
            return false;
        } else {
            call_subcommand_error(call);
            return false;
        }
    }
    return true;
}

/* The id after which the group reads. False: answered. */
static bool xgroup_after(struct call *call, kv_xgroup_options *options)
{
    kv_slice text = text_terminated(call->arguments[4]);
    options->from_end = text.size == 1 && *(const char *)text.data == '$';
    return options->from_end || stream_id_argument(call, 4, &options->after);
}

void xgroup_create_command(struct call *call)
{
    kv_xgroup_options options = KV_OPTIONS(kv_xgroup_options);
    if (!xgroup_options(call, true, &options) ||
        !xgroup_is_there(call, !options.create_stream, false))
        return;
    if (call->count > 8) {
        call_subcommand_error(call);
        return;
    }
    if (!xgroup_after(call, &options)) return;
    kv_status status = kv_xgroup_create(call->db, call->arguments[2], call->arguments[3], &options);
    if (status == KV_OK) writer_ok(call->reply);
    else if (status == KV_SKIPPED) call_error(call, "BUSYGROUP Consumer Group name already exists");
    else xgroup_fail(call, status);
}

void xgroup_setid_command(struct call *call)
{
    kv_xgroup_options options = KV_OPTIONS(kv_xgroup_options);
    if (!xgroup_options(call, false, &options) || !xgroup_is_there(call, true, true)) return;
    if (call->count != 5 && call->count != 7) {
        call_subcommand_error(call);
        return;
    }
    if (!xgroup_after(call, &options)) return;
    kv_status status = kv_xgroup_setid(call->db, call->arguments[2], call->arguments[3], &options);
    if (status == KV_OK) writer_ok(call->reply);
    else xgroup_fail(call, status);
}

void xgroup_destroy_command(struct call *call)
{
    kv_status status = kv_xgroup_destroy(call->db, call->arguments[2], call->arguments[3]);
    if (status < 0) xgroup_fail(call, status);
    else writer_integer(call->reply, status == KV_OK);
}

void xgroup_createconsumer_command(struct call *call)
{
    kv_status status = kv_xgroup_createconsumer(call->db, call->arguments[2], call->arguments[3],
                                                call->arguments[4]);
    if (status < 0) xgroup_fail(call, status);
    else writer_integer(call->reply, status == KV_OK);
}

void xgroup_delconsumer_command(struct call *call)
{
    uint64_t pending = 0;
    kv_status status = kv_xgroup_delconsumer(call->db, call->arguments[2], call->arguments[3],
                                             call->arguments[4], &pending);
    if (status < 0) xgroup_fail(call, status);
    else writer_integer(call->reply, (int64_t)pending);
}

void xgroup_command(struct call *call)
{
    call_subcommand_error(call);
}

void xgroup_help_command(struct call *call)
{
    static const char *const lines[] = {
        "CREATE <key> <groupname> <id|$> [option]",
        "    Make a consumer group that reads entries behind the id. Options:",
        "    * MKSTREAM",
        "      Make an empty stream if there is none.",
        "    * ENTRIESREAD <entries-read>",
        "      How many entries come before, for telling the lag.",
        "CREATECONSUMER <key> <groupname> <consumer>",
        "    Make a consumer in a group.",
        "DELCONSUMER <key> <groupname> <consumer>",
        "    Remove a consumer, with what is pending of it.",
        "DESTROY <key> <groupname>",
        "    Remove a group.",
        "SETID <key> <groupname> <id|$> [ENTRIESREAD <entries-read>]",
        "    Set where a group reads on.",
        NULL};
    call_help(call, lines);
}

/* --------------------------------------------------------------------------------- acknowledging */

void xack_command(struct call *call)
{
    struct stream_ids ids;
    uint64_t acknowledged = 0;
    kv_slice key = call->arguments[1], group = call->arguments[2];
    kv_status status = stream_look_for_group(call, key, group);
    if (status == KV_NOTFOUND || status == KV_NOGROUP) {
        writer_integer(call->reply, 0); /* Redis looks at the ids only if there is a group */
        return;
    }
    if (status < 0) {
        call_fail(call, status);
        return;
    }
    if (!stream_ids_arguments(call, 3, call->count - 3, &ids)) return;
    status = kv_xack(call->db, key, group, ids.items, ids.count, &acknowledged);
    stream_ids_close(&ids);
    if (status < 0) call_fail(call, status);
    else writer_integer(call->reply, (int64_t)acknowledged);
}

void xackdel_command(struct call *call)
{
    kv_stream_references references;
    struct stream_ids ids;
    if (!stream_deletion_arguments(call, 3, &references, &ids)) return;
    size_t began = writer_begin_deferred(call->reply);
    kv_status status = kv_xackdel(call->db, call->arguments[1], call->arguments[2], ids.items,
                                  ids.count, references, stream_write_deletion, call->reply);
    if (status == KV_OK) writer_end_deferred(call->reply, began, '*', ids.count);
    else call_fail(call, status);
    stream_ids_close(&ids);
}

/* --------------------------------------------------------------------------------------- pending */

struct xpending_reply {
    struct writer *reply;
    uint64_t count;
};

static bool xpending_consumer(void *context, kv_slice name, uint64_t count)
{
    struct xpending_reply *consumers = context;
    char number[TEXT_INTEGER_SIZE];
    const uint8_t *end = text_write_unsigned((uint8_t *)number, count);
    consumers->count++;
    writer_array(consumers->reply, 2);
    writer_bulk(consumers->reply, name);
    writer_bulk(consumers->reply, kv_bytes(number, (size_t)(end - (uint8_t *)number)));
    return true;
}

/* Puts the total and both ids before the consumers, which were written since `began`. */
static void xpending_put_summary(struct call *call, size_t began, const kv_pending_summary *summary,
                                 uint64_t consumers)
{
    struct writer head = {.protocol = call->reply->protocol};
    writer_array(&head, 4);
    writer_integer(&head, (int64_t)summary->count);
    if (summary->count > 0) {
        stream_write_id(&head, summary->first);
        stream_write_id(&head, summary->last);
        writer_array(&head, consumers);
    } else {
        writer_null(&head);
        writer_null(&head);
        writer_null_array(&head);
    }
    call_put_before(call, began, &head);
}

static void xpending_summary(struct call *call)
{
    kv_slice key = call->arguments[1], group = call->arguments[2];
    struct xpending_reply consumers = {call->reply, 0};
    kv_pending_summary summary;
    size_t began = writer_begin_deferred(call->reply);
    kv_status status = kv_xpending(call->db, key, group, &summary, xpending_consumer, &consumers);
    if (status == KV_OK) xpending_put_summary(call, began, &summary, consumers.count);
    else stream_fail(call, status, key, group);
}

static bool xpending_entry(void *context, const kv_pending_entry *entry)
{
    struct xpending_reply *entries = context;
    entries->count++;
    writer_array(entries->reply, 4);
    stream_write_id(entries->reply, entry->id);
    writer_bulk(entries->reply, entry->consumer);
    writer_integer(entries->reply, entry->idle_ms);
    writer_integer(entries->reply, (int64_t)entry->deliveries);
    return true;
}

/* "[IDLE min-idle] start end count [consumer]" from argument 3 on. False: answered. */
static bool xpending_options(struct call *call, kv_xpending_options *options)
{
    size_t at = 3;
    if (call_is(call, at, "idle")) {
        if (!call_integer(call, 4, &options->min_idle_ms, NULL)) return false;
        at += 2;
        if (call->count < 8) {
            call_error(call, ERROR_SYNTAX);
            return false;
        }
    }
    if (!stream_count_argument(call, at + 2, &options->count) ||
        !stream_range_arguments(call, at, at + 1, &options->first, &options->last))
        return false;
    if (at + 3 < call->count) options->consumer = &call->arguments[at + 3];
    return true;
}

void xpending_command(struct call *call)
{
    kv_xpending_options options = KV_OPTIONS(kv_xpending_options);
    kv_slice key = call->arguments[1], group = call->arguments[2];
    if (call->count == 3) {
        xpending_summary(call);
        return;
    }
    if (call->count < 6 || call->count > 9) {
        call_error(call, ERROR_SYNTAX);
        return;
    }
    if (!xpending_options(call, &options)) return;
    struct xpending_reply entries = {call->reply, 0};
    size_t began = writer_begin_deferred(call->reply);
    kv_status status = options.count == 0 ? stream_look_for_group(call, key, group)
                                          : kv_xpending_range(call->db, key, group, &options,
                                                              xpending_entry, &entries);
    if (status < 0) stream_fail(call, status, key, group);
    else writer_end_deferred(call->reply, began, '*', entries.count);
}

/* -------------------------------------------------------------------------------------- claiming */

/* IDLE, TIME, RETRYCOUNT or LASTID at `at`, with a value behind it. KV_NONE: none of them. */
static kv_status xclaim_value(struct call *call, size_t at, int64_t now_ms,
                              kv_xclaim_options *options)
{
    int64_t number;
    const char *error = call_is(call, at, "idle")   ? "ERR Invalid IDLE option argument for XCLAIM"
                        : call_is(call, at, "time") ? "ERR Invalid TIME option argument for XCLAIM"
                        : call_is(call, at, "retrycount")
                            ? "ERR Invalid RETRYCOUNT option argument for XCLAIM"
                            : NULL;
    if (error == NULL) {
        if (!call_is(call, at, "lastid")) return KV_NONE;
        return stream_id_argument(call, at + 1, &options->last) ? KV_OK : KV_BADARG;
    }
    if (!call_integer(call, at + 1, &number, error)) return KV_BADARG;
    if (call_is(call, at, "retrycount")) {
        options->has_deliveries = number >= 0;
        options->deliveries = number >= 0 ? (uint64_t)number : 0;
        return KV_OK;
    }
    if (call_is(call, at, "idle")) number = (int64_t)((uint64_t)now_ms - (uint64_t)number);
    options->has_time = true;
    options->time_ms = number;
    return KV_OK;
}

/* The options of XCLAIM from argument `at` on. False: answered. */
static bool xclaim_options(struct call *call, size_t at, kv_xclaim_options *options)
{
    int64_t now_ms = kv_now(call->db);
    for (; at < call->count; at++) {
        kv_status status = KV_NONE;
        if (call_is(call, at, "force")) options->force = true;
        else if (call_is(call, at, "justid")) options->just_id = true;
        else {
            if (at + 1 < call->count) status = xclaim_value(call, at, now_ms, options);
            if (status == KV_NONE) stream_unknown_option(call, call->arguments[at]);
            if (status != KV_OK) return false;
            at++;
        }
    }
    return true;
}

/* Reads ids from argument 5 on, up to the first that is none. Gives how many. */
static size_t xclaim_ids(struct call *call, struct stream_ids *ids)
{
    struct stream_id_form form = {.sequence = 0};
    size_t count = 0;
    while (5 + count < call->count && stream_id_read(call, 5 + count, &form, &ids->items[count]))
        count++;
    return count;
}

static void xclaim_run(struct call *call, struct stream_ids *ids, kv_xclaim_options *options)
{
    kv_slice key = call->arguments[1], group = call->arguments[2];
    size_t count = xclaim_ids(call, ids);
    if (!xclaim_options(call, 5 + count, options)) return;
    struct stream_entries entries;
    stream_entries_begin(&entries, call->reply);
    kv_status status =
        kv_xclaim(call->db, key, group, call->arguments[3], ids->items, count, options,
                  options->just_id ? stream_entries_visit_id : stream_entries_visit, &entries);
    if (status == KV_OK) stream_entries_end(&entries);
    else stream_fail(call, status, key, group);
}

void xclaim_command(struct call *call)
{
    kv_xclaim_options options = KV_OPTIONS(kv_xclaim_options);
    struct stream_ids ids;
    kv_slice key = call->arguments[1], group = call->arguments[2];
    kv_status status = stream_look_for_group(call, key, group);
    if (status < 0) {
        stream_fail(call, status, key, group);
        return;
    }
    if (!call_integer(call, 4, &options.min_idle_ms,
                      "ERR Invalid min-idle-time argument for XCLAIM") ||
        !stream_ids_open(call, call->count - 5, &ids))
        return;
    xclaim_run(call, &ids, &options);
    stream_ids_close(&ids);
}

/* The options of XAUTOCLAIM from argument 6 on. False: answered. */
static bool xautoclaim_options(struct call *call, kv_xclaim_options *options)
{
    int64_t count = 100;
    for (size_t at = 6; at < call->count; at++) {
        if (call_is(call, at, "count") && at + 1 < call->count) {
            if (!call_integer_between(call, ++at, 1, INT64_MAX / 16, &count,
                                      "ERR COUNT must be > 0"))
                return false;
        } else if (call_is(call, at, "justid")) {
            options->just_id = true;
        } else {
            call_error(call, ERROR_SYNTAX);
            return false;
        }
    }
    options->count = (uint64_t)count;
    return true;
}

/* The entries that were claimed; those that are deleted are told behind them. */
struct xautoclaim_reply {
    struct stream_entries entries, deleted;
    struct writer ids; /* of deleted ones */
    bool just_id;
};

static bool xautoclaim_visit(void *context, kv_stream_entry *entry)
{
    struct xautoclaim_reply *found = context;
    if (entry->is_deleted) return stream_entries_visit_id(&found->deleted, entry);
    return found->just_id ? stream_entries_visit_id(&found->entries, entry)
                          : stream_entries_visit(&found->entries, entry);
}

/* [next, entries, deleted ids] */
static void xautoclaim_end(struct call *call, struct xautoclaim_reply *found, kv_stream_id next)
{
    struct writer head = {.protocol = call->reply->protocol};
    size_t began = found->entries.began;
    stream_entries_end(&found->entries);
    stream_entries_end(&found->deleted);
    writer_raw(call->reply, found->ids.bytes, found->ids.size);
    if (found->ids.failed) call->session->is_failed = true;
    writer_array(&head, 3);
    stream_write_id(&head, next);
    call_put_before(call, began, &head);
}

void xautoclaim_command(struct call *call)
{
    kv_xclaim_options options = KV_OPTIONS(kv_xclaim_options);
    kv_slice key = call->arguments[1], group = call->arguments[2];
    kv_stream_id next;
    (void)stream_look(call, key); /* Redis looks first and errs afterwards */
    if (!call_integer(call, 4, &options.min_idle_ms,
                      "ERR Invalid min-idle-time argument for XAUTOCLAIM") ||
        !stream_start_argument(call, 5, &options.start) || !xautoclaim_options(call, &options))
        return;
    struct xautoclaim_reply found = {.just_id = options.just_id};
    found.ids.protocol = call->reply->protocol;
    stream_entries_begin(&found.entries, call->reply);
    stream_entries_begin(&found.deleted, &found.ids);
    kv_status status = kv_xautoclaim(call->db, key, group, call->arguments[3], &options,
                                     xautoclaim_visit, &found, &next);
    if (status == KV_OK) xautoclaim_end(call, &found, next);
    else stream_fail(call, status, key, group);
    writer_free(&found.ids);
}
