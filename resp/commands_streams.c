/*
 * resp/commands_streams.c -- streams: adding, trimming, deleting, looking. XREAD is in
 * commands_stream_read.c, consumer groups are in commands_stream_groups.c.
 */
#include "resp/commands.h"
#include "resp/stream.h"

/* ------------------------------------------------------------------------------ adding, trimming */

/* The options of XADD and XTRIM, as they are read. */
struct trim_options {
    kv_stream_trim trim;
    bool is_trimming, has_limit, only_existing;
    int64_t limit;
};

/* How many entries an approximate trimming deletes at most unless told otherwise, as in Redis. */
static uint64_t trim_default_limit(struct call *call)
{
    int64_t count = 0;
    (void)kv_configuration(call->db, KV_SETTING_STREAM_NODE_COUNT, &count);
    if (count <= 0) return 10000;
    return count > 10000 ? 1000000 : (uint64_t)count * 100;
}

/* "MAXLEN | MINID [= | ~] threshold" at *at, which is moved to its end. False: answered. */
static bool trim_threshold(struct call *call, size_t *at, struct trim_options *options)
{
    kv_stream_trim *trim = &options->trim;
    int64_t length = 0;
    if (options->is_trimming) {
        call_error(call, "ERR syntax error, MAXLEN and MINID options at the same time are not "
                         "compatible");
        return false;
    }
    trim->by_id = call_is(call, *at, "minid");
    trim->approximately = false;
    ++*at;
    if (*at + 1 < call->count && (call_is(call, *at, "~") || call_is(call, *at, "="))) {
        trim->approximately = call_is(call, *at, "~");
        ++*at;
    }
    options->is_trimming = true;
    if (trim->by_id) return stream_id_argument(call, *at, &trim->first);
    if (!call_integer(call, *at, &length, NULL)) return false;
    if (length < 0) {
        call_error(call, "ERR The MAXLEN argument must be >= 0.");
        return false;
    }
    trim->length = (uint64_t)length;
    return true;
}

static bool trim_limit(struct call *call, size_t index, struct trim_options *options)
{
    options->has_limit = true;
    if (!call_integer(call, index, &options->limit, NULL)) return false;
    if (options->limit >= 0) return true;
    call_error(call, "ERR The LIMIT argument must be >= 0.");
    return false;
}

/* What the options must be together. False: answered. */
static bool trim_is_consistent(struct call *call, struct trim_options *options, bool is_needed)
{
    const char *error = NULL;
    /* Redis's journal has what was cut after all, as an exact length, and leaves the limit there. */
    bool is_told = call->session->flags & SESSION_TRUSTED;
    if (options->limit > 0 && !options->is_trimming)
        error = "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy";
    else if (is_needed && !options->is_trimming)
        error = "ERR syntax error, XTRIM must be called with a trimming strategy";
    else if (options->has_limit && !options->trim.approximately && !is_told)
        error = "ERR syntax error, LIMIT cannot be used without the special ~ option";
    if (error != NULL) {
        call_error(call, error);
        return false;
    }
    if (!options->trim.approximately) return true;
    options->trim.limit = options->has_limit ? (uint64_t)options->limit : trim_default_limit(call);
    return true;
}

/*
 * One option at *at, which is moved to its last word. KV_OK; KV_NONE: it is none; another status:
 * answered.
 */
static kv_status trim_option(struct call *call, size_t *at, struct trim_options *options)
{
    bool has_more = *at + 1 < call->count;
    if (has_more && (call_is(call, *at, "maxlen") || call_is(call, *at, "minid")))
        return trim_threshold(call, at, options) ? KV_OK : KV_BADARG;
    if (has_more && call_is(call, *at, "limit"))
        return trim_limit(call, ++*at, options) ? KV_OK : KV_BADARG;
    return stream_references_argument(call, *at, &options->trim.references) ? KV_OK : KV_NONE;
}

/* The options and the id of XADD; *at becomes that of the first field. False: answered. */
static bool xadd_options(struct call *call, struct trim_options *options, kv_xadd_options *add,
                         size_t *at)
{
    struct stream_id_form form = {.sequence = 0, .takes_star = true};
    for (*at = 2; *at < call->count; ++*at) {
        if (call_is(call, *at, "*")) break;
        kv_status status = trim_option(call, at, options);
        if (status == KV_OK) continue;
        if (status != KV_NONE) return false;
        if (call_is(call, *at, "nomkstream")) {
            options->only_existing = true;
            continue;
        }
        if (!stream_id_read(call, *at, &form, &add->id)) {
            call_error(call, "ERR Invalid stream ID specified as stream command argument");
            return false;
        }
        add->how = form.has_star ? KV_ID_TIME : KV_ID_GIVEN;
        break;
    }
    ++*at;
    return trim_is_consistent(call, options, false);
}

static void xadd_fail(struct call *call, kv_status status)
{
    if (status == KV_SKIPPED)
        call_error(call, "ERR The ID specified in XADD is equal or smaller than the target stream "
                         "top item");
    else if (status == KV_OVERFLOW)
        call_error(call, "ERR The stream has exhausted the last possible ID, unable to add more "
                         "items");
    else if (status == KV_TOOBIG) call_error(call, "ERR Elements are too large to be stored");
    else call_fail(call, status);
}

void xadd_command(struct call *call)
{
    struct trim_options options = {.trim = KV_OPTIONS(kv_stream_trim)};
    kv_xadd_options add = KV_OPTIONS(kv_xadd_options);
    kv_stream_id id;
    size_t at;
    if (!xadd_options(call, &options, &add, &at)) return;
    if (at >= call->count || (call->count - at) % 2 != 0) {
        call_wrong_arity(call);
        return;
    }
    if (add.how == KV_ID_GIVEN && add.id.ms == 0 && add.id.sequence == 0) {
        call_error(call, "ERR The ID specified in XADD must be greater than 0-0");
        return;
    }
    add.only_existing = options.only_existing;
    if (options.is_trimming) add.trim = &options.trim;
    kv_status status = kv_xadd(call->db, call->arguments[1], call->arguments + at,
                               (call->count - at) / 2, &add, &id);
    if (status == KV_OK) stream_write_id(call->reply, id);
    else if (status == KV_NONE) writer_null(call->reply);
    else xadd_fail(call, status);
}

void xtrim_command(struct call *call)
{
    struct trim_options options = {.trim = KV_OPTIONS(kv_stream_trim)};
    uint64_t deleted = 0;
    for (size_t at = 2; at < call->count; at++) {
        kv_status status = trim_option(call, &at, &options);
        if (status == KV_NONE) call_error(call, ERROR_SYNTAX);
        if (status != KV_OK) return;
    }
    if (!trim_is_consistent(call, &options, true)) return;
    kv_status status = kv_xtrim(call->db, call->arguments[1], &options.trim, &deleted);
    if (status < 0) call_fail(call, status);
    else writer_integer(call->reply, (int64_t)deleted);
}

/* -------------------------------------------------------------------------------------- deleting */

void xdel_command(struct call *call)
{
    struct stream_ids ids;
    uint64_t deleted = 0;
    kv_status status = kv_xlen(call->db, call->arguments[1], NULL);
    if (status == KV_NONE) { /* Redis looks at the ids only if there is a stream */
        writer_integer(call->reply, 0);
        return;
    }
    if (status < 0) {
        call_fail(call, status);
        return;
    }
    if (!stream_ids_arguments(call, 2, call->count - 2, &ids)) return;
    status = kv_xdel(call->db, call->arguments[1], ids.items, ids.count, &deleted);
    stream_ids_close(&ids);
    if (status < 0) call_fail(call, status);
    else writer_integer(call->reply, (int64_t)deleted);
}

void xdelex_command(struct call *call)
{
    kv_stream_references references;
    struct stream_ids ids;
    if (!stream_deletion_arguments(call, 2, &references, &ids)) return;
    size_t began = writer_begin_deferred(call->reply);
    kv_status status = kv_xdelex(call->db, call->arguments[1], ids.items, ids.count, references,
                                 stream_write_deletion, call->reply);
    if (status == KV_OK) writer_end_deferred(call->reply, began, '*', ids.count);
    else call_fail(call, status);
    stream_ids_close(&ids);
}

/* --------------------------------------------------------------------------------------- setting */

struct xsetid_arguments {
    kv_stream_id id;
    kv_xsetid_options options;
};

/* One option at `at`, which has a value. False: answered. */
static bool xsetid_option(struct call *call, size_t at, struct xsetid_arguments *arguments)
{
    int64_t added;
    if (call_is(call, at, "entriesadded")) {
        if (!call_integer(call, at + 1, &added, NULL)) return false;
        arguments->options.has_added = true;
        arguments->options.added = (uint64_t)added;
        if (added >= 0) return true;
        call_error(call, "ERR entries_added must be positive");
        return false;
    }
    if (!call_is(call, at, "maxdeletedid")) {
        call_error(call, ERROR_SYNTAX);
        return false;
    }
    kv_stream_id *deleted = &arguments->options.last_deleted;
    if (!stream_id_argument(call, at + 1, deleted)) return false;
    bool is_less = arguments->id.ms != deleted->ms ? arguments->id.ms < deleted->ms
                                                   : arguments->id.sequence < deleted->sequence;
    if (!is_less) return true;
    call_error(call, "ERR The ID specified in XSETID is smaller than the provided "
                     "max_deleted_entry_id");
    return false;
}

static bool xsetid_note(void *context, kv_stream_entry *entry)
{
    (void)entry;
    *(bool *)context = true;
    return false;
}

/* Why the id was refused. */
static void xsetid_refuse(struct call *call, const struct xsetid_arguments *arguments)
{
    kv_stream_info info = KV_OPTIONS(kv_stream_info);
    kv_stream_id id = arguments->id;
    bool has_greater = false;
    (void)kv_xinfo(call->db, call->arguments[1], &info, NULL, NULL);
    bool is_deleted = id.ms != info.last_deleted.ms ? id.ms < info.last_deleted.ms
                                                    : id.sequence < info.last_deleted.sequence;
    if (++id.sequence == 0) id.ms++;
    (void)kv_xrange(call->db, call->arguments[1], id, STREAM_ID_MOST, KV_HEAD, 1, xsetid_note,
                    &has_greater);
    if (is_deleted)
        call_error(call, "ERR The ID specified in XSETID is smaller than current "
                         "max_deleted_entry_id");
    else if (has_greater)
        call_error(call, "ERR The ID specified in XSETID is smaller than the target stream top "
                         "item");
    else
        call_error(call, "ERR The entries_added specified in XSETID is smaller than the target "
                         "stream length");
}

void xsetid_command(struct call *call)
{
    struct xsetid_arguments arguments = {.options = KV_OPTIONS(kv_xsetid_options)};
    if (!stream_id_argument(call, 2, &arguments.id)) return;
    for (size_t at = 3; at < call->count; at += 2) {
        if (at + 1 == call->count) {
            call_error(call, ERROR_SYNTAX);
            return;
        }
        if (!xsetid_option(call, at, &arguments)) return;
    }
    kv_status status = kv_xsetid(call->db, call->arguments[1], arguments.id, &arguments.options);
    if (status == KV_OK) writer_ok(call->reply);
    else if (status == KV_SKIPPED) xsetid_refuse(call, &arguments);
    else call_fail(call, status);
}

/* --------------------------------------------------------------------------------------- reading */

void xlen_command(struct call *call)
{
    uint64_t length = 0;
    kv_status status = kv_xlen(call->db, call->arguments[1], &length);
    if (status < 0) call_fail(call, status);
    else writer_integer(call->reply, (int64_t)length);
}

/* "COUNT count"; *given tells whether it is there. False: answered. */
static bool xrange_count(struct call *call, uint64_t *count, bool *given)
{
    *given = false;
    for (size_t at = 4; at < call->count; at += 2) {
        if (at + 1 == call->count || !call_is(call, at, "count")) {
            call_error(call, ERROR_SYNTAX);
            return false;
        }
        if (!stream_count_argument(call, at + 1, count)) return false;
        *given = true;
    }
    return true;
}

static void xrange_reply(struct call *call, size_t first_at, size_t last_at, kv_end from)
{
    kv_stream_id first, last;
    uint64_t count = 0;
    bool has_count;
    if (!stream_range_arguments(call, first_at, last_at, &first, &last) ||
        !xrange_count(call, &count, &has_count))
        return;
    struct stream_entries entries;
    kv_slice key = call->arguments[1];
    bool is_nothing = has_count && count == 0;
    stream_entries_begin(&entries, call->reply);
    kv_status status = is_nothing ? kv_xlen(call->db, key, &count)
                                  : kv_xrange(call->db, key, first, last, from, count,
                                              stream_entries_visit, &entries);
    if (status < 0) call_fail(call, status);
    else if (is_nothing && status == KV_OK) writer_null_array(call->reply);
    else stream_entries_end(&entries);
}

void xrange_command(struct call *call)
{
    xrange_reply(call, 2, 3, KV_HEAD);
}

void xrevrange_command(struct call *call)
{
    xrange_reply(call, 3, 2, KV_TAIL);
}

/* ----------------------------------------------------------------------------------------- facts */

static void xinfo_pair_id(struct writer *reply, const char *name, kv_stream_id id)
{
    writer_bulk_text(reply, name);
    stream_write_id(reply, id);
}

static void xinfo_pair(struct writer *reply, const char *name, uint64_t number)
{
    writer_bulk_text(reply, name);
    writer_integer(reply, (int64_t)number);
}

/* A number that may be unknown. */
static void xinfo_pair_known(struct writer *reply, const char *name, bool is_known, int64_t number)
{
    writer_bulk_text(reply, name);
    if (is_known) writer_integer(reply, number);
    else writer_null(reply);
}

/* How far a group has read. */
static void xinfo_progress(struct writer *reply, const kv_group_info *group)
{
    xinfo_pair_id(reply, "last-delivered-id", group->last);
    xinfo_pair_known(reply, "entries-read", group->read >= 0, group->read);
    xinfo_pair_known(reply, "lag", group->has_lag, group->lag);
}

/* What both forms of XINFO STREAM begin with: seven pairs. */
static void xinfo_head(struct writer *reply, const kv_stream_info *info)
{
    xinfo_pair(reply, "length", info->length);
    xinfo_pair(reply, "radix-tree-keys", info->pieces);
    xinfo_pair(reply, "radix-tree-nodes", info->pieces + info->nodes + 1);
    xinfo_pair_id(reply, "last-generated-id", info->last);
    xinfo_pair_id(reply, "max-deleted-entry-id", info->last_deleted);
    xinfo_pair(reply, "entries-added", info->added);
    xinfo_pair_id(reply, "recorded-first-entry-id", info->first);
}

/* A number of pending entries or the like, as far as they are shown. */
static uint64_t xinfo_shown(uint64_t limit, uint64_t number)
{
    return limit > 0 && limit < number ? limit : number;
}

struct xinfo_brief {
    struct writer *reply;
    kv_stream_info info;
    bool has_begun;
};

/* All but the two entries. */
static void xinfo_brief_begin(struct xinfo_brief *brief)
{
    writer_map(brief->reply, 10);
    xinfo_head(brief->reply, &brief->info);
    xinfo_pair(brief->reply, "groups", brief->info.groups);
}

/* The first entry, then the last. */
static bool xinfo_brief_visit(void *context, kv_stream_entry *entry)
{
    struct xinfo_brief *brief = context;
    if (!brief->has_begun) xinfo_brief_begin(brief);
    writer_bulk_text(brief->reply, brief->has_begun ? "last-entry" : "first-entry");
    brief->has_begun = true;
    return stream_write_entry(brief->reply, entry);
}

static void xinfo_brief(struct call *call)
{
    struct xinfo_brief brief = {call->reply, KV_OPTIONS(kv_stream_info), false};
    kv_status status =
        kv_xinfo(call->db, call->arguments[2], &brief.info, xinfo_brief_visit, &brief);
    if (status != KV_OK) {
        call_fail(call, status == KV_NONE ? KV_NOTFOUND : status);
    } else if (!brief.has_begun) {
        xinfo_brief_begin(&brief);
        writer_bulk_text(call->reply, "first-entry");
        writer_null(call->reply);
        writer_bulk_text(call->reply, "last-entry");
        writer_null(call->reply);
    }
}

/*
 * The long form, written as the visitors come. Lists are told with their numbers beforehand; what
 * follows a list is written when that is complete.
 */
struct xinfo_full {
    struct writer *reply;
    uint64_t limit;             /* of each list of entries, 0: none */
    uint64_t groups, consumers; /* how many follow the list that is being written */
    uint64_t entries_left, pending_left;
};

static void xinfo_full_groups(struct xinfo_full *full)
{
    if (full->entries_left > 0) return;
    writer_bulk_text(full->reply, "groups");
    writer_array(full->reply, full->groups);
}

static void xinfo_full_consumers(struct xinfo_full *full)
{
    if (full->pending_left > 0) return;
    writer_bulk_text(full->reply, "consumers");
    writer_array(full->reply, full->consumers);
}

static void xinfo_full_stream(void *context, const kv_stream_info *info)
{
    struct xinfo_full *full = context;
    writer_map(full->reply, 9);
    xinfo_head(full->reply, info);
    full->groups = info->groups;
    full->entries_left = xinfo_shown(full->limit, info->length);
    writer_bulk_text(full->reply, "entries");
    writer_array(full->reply, full->entries_left);
    xinfo_full_groups(full);
}

static bool xinfo_full_entry(void *context, kv_stream_entry *entry)
{
    struct xinfo_full *full = context;
    (void)stream_write_entry(full->reply, entry);
    full->entries_left--;
    xinfo_full_groups(full);
    return true;
}

static bool xinfo_full_group(void *context, const kv_group_info *group)
{
    struct xinfo_full *full = context;
    writer_map(full->reply, 7);
    writer_bulk_text(full->reply, "name");
    writer_bulk(full->reply, group->name);
    xinfo_progress(full->reply, group);
    xinfo_pair(full->reply, "pel-count", group->pending);
    full->consumers = group->consumers;
    full->pending_left = xinfo_shown(full->limit, group->pending);
    writer_bulk_text(full->reply, "pending");
    writer_array(full->reply, full->pending_left);
    xinfo_full_consumers(full);
    return true;
}

static bool xinfo_full_pending(void *context, const kv_pending_entry *entry)
{
    struct xinfo_full *full = context;
    writer_array(full->reply, 4);
    stream_write_id(full->reply, entry->id);
    writer_bulk(full->reply, entry->consumer);
    writer_integer(full->reply, entry->delivered_ms);
    writer_integer(full->reply, (int64_t)entry->deliveries);
    full->pending_left--;
    xinfo_full_consumers(full);
    return true;
}

static bool xinfo_full_consumer(void *context, const kv_consumer_info *consumer)
{
    struct xinfo_full *full = context;
    writer_map(full->reply, 5);
    writer_bulk_text(full->reply, "name");
    writer_bulk(full->reply, consumer->name);
    xinfo_pair(full->reply, "seen-time", (uint64_t)consumer->seen_ms);
    xinfo_pair(full->reply, "active-time", (uint64_t)consumer->active_ms);
    xinfo_pair(full->reply, "pel-count", consumer->pending);
    writer_bulk_text(full->reply, "pending");
    writer_array(full->reply, xinfo_shown(full->limit, consumer->pending));
    return true;
}

static bool xinfo_full_own_pending(void *context, const kv_pending_entry *entry)
{
    struct xinfo_full *full = context;
    writer_array(full->reply, 3);
    stream_write_id(full->reply, entry->id);
    writer_integer(full->reply, entry->delivered_ms);
    writer_integer(full->reply, (int64_t)entry->deliveries);
    return true;
}

static void xinfo_full(struct call *call, uint64_t limit)
{
    struct xinfo_full full = {.reply = call->reply, .limit = limit};
    kv_stream_visitors visitors = KV_OPTIONS(kv_stream_visitors);
    visitors.stream = xinfo_full_stream;
    visitors.entry = xinfo_full_entry;
    visitors.group = xinfo_full_group;
    visitors.pending = xinfo_full_pending;
    visitors.consumer = xinfo_full_consumer;
    visitors.pending_of_consumer = xinfo_full_own_pending;
    kv_status status = kv_xinfo_full(call->db, call->arguments[2], limit, &visitors, &full);
    if (status != KV_OK) call_fail(call, status == KV_NONE ? KV_NOTFOUND : status);
}

void xinfo_stream_command(struct call *call)
{
    int64_t limit = 10;
    kv_status status = stream_look(call, call->arguments[2]);
    if (status != KV_OK) {
        call_fail(call, status);
        return;
    }
    if (call->count == 3) {
        xinfo_brief(call);
        return;
    }
    bool is_full = (call->count == 4 || call->count == 6) && call_is(call, 3, "full") &&
                   (call->count == 4 || call_is(call, 4, "count"));
    if (!is_full) {
        call_subcommand_error(call);
        return;
    }
    if (call->count == 6 && !call_integer(call, 5, &limit, NULL)) return;
    xinfo_full(call, limit < 0 ? 10 : (uint64_t)limit);
}

/* An array of maps whose number is told at its end. */
struct xinfo_list {
    struct writer *reply;
    uint64_t count;
    int64_t now_ms;
};

static bool xinfo_list_group(void *context, const kv_group_info *group)
{
    struct xinfo_list *list = context;
    list->count++;
    writer_map(list->reply, 6);
    writer_bulk_text(list->reply, "name");
    writer_bulk(list->reply, group->name);
    xinfo_pair(list->reply, "consumers", group->consumers);
    xinfo_pair(list->reply, "pending", group->pending);
    xinfo_progress(list->reply, group);
    return true;
}

void xinfo_groups_command(struct call *call)
{
    struct xinfo_list list = {.reply = call->reply};
    size_t began = writer_begin_deferred(call->reply);
    kv_status status = kv_xinfo_groups(call->db, call->arguments[2], xinfo_list_group, &list);
    if (status == KV_OK) writer_end_deferred(call->reply, began, '*', list.count);
    else call_fail(call, status);
}

static bool xinfo_list_consumer(void *context, const kv_consumer_info *consumer)
{
    struct xinfo_list *list = context;
    int64_t idle_ms = list->now_ms - consumer->seen_ms;
    int64_t inactive_ms = consumer->active_ms < 0 ? -1 : list->now_ms - consumer->active_ms;
    if (consumer->active_ms >= 0 && inactive_ms < 0) inactive_ms = 0;
    list->count++;
    writer_map(list->reply, 4);
    writer_bulk_text(list->reply, "name");
    writer_bulk(list->reply, consumer->name);
    xinfo_pair(list->reply, "pending", consumer->pending);
    xinfo_pair(list->reply, "idle", idle_ms > 0 ? (uint64_t)idle_ms : 0);
    writer_bulk_text(list->reply, "inactive");
    writer_integer(list->reply, inactive_ms);
    return true;
}

void xinfo_consumers_command(struct call *call)
{
    struct xinfo_list list = {.reply = call->reply, .now_ms = kv_now(call->db)};
    kv_slice key = call->arguments[2], group = call->arguments[3];
    size_t began = writer_begin_deferred(call->reply);
    kv_status status = kv_xinfo_consumers(call->db, key, group, xinfo_list_consumer, &list);
    if (status == KV_OK) writer_end_deferred(call->reply, began, '*', list.count);
    else if (status == KV_NOGROUP) stream_no_consumer_group(call, key, group);
    else call_fail(call, status);
}

void xinfo_command(struct call *call)
{
    call_subcommand_error(call);
}

void xinfo_help_command(struct call *call)
{
    static const char *const lines[] = {
        "CONSUMERS <key> <groupname>",
        "    Tell about the consumers of a group.",
        "GROUPS <key>",
        "    Tell about the consumer groups of a stream.",
        "STREAM <key> [FULL [COUNT <count>]]",
        "    Tell about a stream; FULL shows its entries, groups and consumers, of each",
        "    list no more than COUNT (10, 0 for all).",
        NULL};
    call_help(call, lines);
}
