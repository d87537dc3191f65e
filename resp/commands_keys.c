/*
 * resp/commands_keys.c -- keys of any type: deleting, naming, expiring, scanning, describing.
 */
#include "resp/commands.h"
#include "resp/scan.h"

/* --------------------------------------------------------------------------- counting, deleting */

typedef kv_status key_count(kv *db, const kv_slice *keys, size_t count, uint64_t *number);

static void key_do_count(struct call *call, key_count *function)
{
    uint64_t number = 0;
    kv_status status = function(call->db, call->arguments + 1, call->count - 1, &number);
    if (status < 0) call_fail(call, status);
    else writer_integer(call->reply, (int64_t)number);
}

void del_command(struct call *call)
{
    key_do_count(call, atomic_load(&call->resp->settings.deletes_later) ? kv_unlink : kv_del);
}

void unlink_command(struct call *call)
{
    key_do_count(call, kv_unlink);
}

void exists_command(struct call *call)
{
    key_do_count(call, kv_exists);
}

void touch_command(struct call *call)
{
    key_do_count(call, kv_touch);
}

void type_command(struct call *call)
{
    kv_type type = KV_TYPE_NONE;
    kv_type_of(call->db, call->arguments[1], &type);
    writer_simple(call->reply, kv_type_name(type));
}

/* 1 for done, 0 for nothing to do or not allowed. */
static void key_answer_done(struct call *call, kv_status status)
{
    if (status < 0) call_fail(call, status);
    else writer_integer(call->reply, status == KV_OK);
}

/* --------------------------------------------------------------------------------------- naming */

void rename_command(struct call *call)
{
    kv_status status = kv_rename(call->db, call->arguments[1], call->arguments[2]);
    if (status != KV_OK) call_fail(call, status);
    else writer_ok(call->reply);
}

void renamenx_command(struct call *call)
{
    key_answer_done(call, kv_renamenx(call->db, call->arguments[1], call->arguments[2]));
}

bool database_argument(struct call *call, size_t index, uint32_t *database, const char *error)
{
    int64_t number;
    if (!call_integer(call, index, &number, error)) return false;
    if (number < INT32_MIN || number > INT32_MAX) {
        if (error != NULL) call_error(call, error);
        else
            call_error_format(call, "ERR value is out of range, value must between %d and %d",
                              INT32_MIN, INT32_MAX);
        return false;
    }
    if (number < 0 || number >= (int64_t)kv_databases(call->db)) {
        call_error(call, "ERR DB index is out of range");
        return false;
    }
    *database = (uint32_t)number;
    return true;
}

#define SAME_OBJECT "ERR source and destination objects are the same"

void move_command(struct call *call)
{
    uint32_t database;
    if (!database_argument(call, 2, &database, NULL)) return;
    if (database == kv_database(call->db)) call_error(call, SAME_OBJECT);
    else
        key_answer_done(call, kv_move(call->db, call->arguments[1], kv_select(call->db, database)));
}

void copy_command(struct call *call)
{
    uint32_t database = kv_database(call->db);
    bool replace = false;
    for (size_t i = 3; i < call->count; i++) {
        if (call_is(call, i, "replace")) {
            replace = true;
        } else if (call_is(call, i, "db") && i + 1 < call->count) {
            if (!database_argument(call, ++i, &database, NULL)) return;
        } else {
            call_error(call, ERROR_SYNTAX);
            return;
        }
    }
    if (database == kv_database(call->db) && text_equal(call->arguments[1], call->arguments[2])) {
        call_error(call, SAME_OBJECT);
        return;
    }
    kv *destination = kv_select(call->db, database);
    key_answer_done(
        call, kv_copy(call->db, call->arguments[1], destination, call->arguments[2], replace));
}

/* -------------------------------------------------------------------------------------- finding */

void randomkey_command(struct call *call)
{
    kv_status status = kv_randomkey(call->db, &call->worker->value);
    if (status == KV_OK) writer_bulk(call->reply, text_of_buffer(&call->worker->value));
    else if (status == KV_NONE) writer_null(call->reply);
    else call_fail(call, status);
}

struct key_list {
    struct writer *reply;
    uint64_t count;
};

static bool key_visit(void *context, kv_slice key)
{
    struct key_list *list = context;
    writer_bulk(list->reply, key);
    list->count++;
    return true;
}

void keys_command(struct call *call)
{
    struct key_list list = {call->reply, 0};
    size_t began = writer_begin_deferred(call->reply);
    kv_status status = kv_keys(call->db, call->arguments[1], key_visit, &list);
    if (status == KV_OK) {
        writer_end_deferred(call->reply, began, '*', list.count);
        return;
    }
    call->reply->size = call->reply->start + began;
    call_fail(call, status);
}

/* SCAN has TYPE, too. */
struct key_scan {
    struct scan_wish wish;
    kv_scan_options options;
    bool has_unknown_type; /* then nothing is found */
};

static void scan_type(kv_slice name, struct key_scan *scan)
{
    static const kv_type types[] = {KV_TYPE_STRING,     KV_TYPE_LIST, KV_TYPE_SET,
                                    KV_TYPE_SORTED_SET, KV_TYPE_HASH, KV_TYPE_STREAM};
    scan->has_unknown_type = true;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (!text_is(name, kv_type_name(types[i]))) continue;
        scan->options.type = types[i];
        scan->has_unknown_type = false;
    }
}

/* Reads the options. False: answered. */
static bool scan_read(struct call *call, struct key_scan *scan)
{
    if (!scan_begin(call, 1, &scan->wish)) return false;
    for (size_t i = 2; i < call->count;) {
        kv_status status = scan_option(call, &i, &scan->wish);
        if (status == KV_BADARG) return false;
        if (status == KV_OK) continue;
        if (i + 1 == call->count || !call_is(call, i, "type")) {
            call_error(call, ERROR_SYNTAX);
            return false;
        }
        scan_type(call->arguments[i + 1], scan);
        i += 2;
    }
    if (scan->wish.has_match) scan->options.match = &scan->wish.match;
    return true;
}

static bool scan_visit_nothing(void *context, kv_slice key)
{
    (void)context, (void)key;
    return true;
}

/*
 * A call passes so many keys as COUNT says, or ten times as many empty places of the store, so that
 * a scan of few keys is over at once. It may show a few more than COUNT.
 */
enum { SCAN_EMPTY_PLACES = 10 };

static kv_status scan_some(struct call *call, struct key_scan *scan, struct key_list *list)
{
    kv_visit *visit = scan->has_unknown_type ? scan_visit_nothing : key_visit;
    uint64_t wanted = (uint64_t)scan->wish.count, *cursor = &scan->wish.cursor;
    kv_status status = KV_OK;
    for (int i = 0; i < SCAN_EMPTY_PLACES && status == KV_OK; i++) {
        status =
            kv_scan(call->db, cursor, (size_t)(wanted - list->count), &scan->options, visit, list);
        if (*cursor == 0 || list->count >= wanted) break;
    }
    return status;
}

void scan_command(struct call *call)
{
    struct key_scan scan = {.options = KV_OPTIONS(kv_scan_options)};
    if (!scan_read(call, &scan)) return;
    struct key_list list = {call->reply, 0};
    size_t began = writer_begin_deferred(call->reply);
    kv_status status = scan_some(call, &scan, &list);
    if (status == KV_OK) {
        scan_end(call, began, scan.wish.cursor, list.count);
        return;
    }
    call->reply->size = call->reply->start + began;
    call_fail(call, status);
}

/* ------------------------------------------------------------------------------------- expiring */

/* NX, XX, GT, LT. False: answered. */
static bool expire_flags(struct call *call, unsigned *flags)
{
    *flags = 0;
    for (size_t i = 3; i < call->count; i++) {
        if (call_is(call, i, "nx")) *flags |= KV_EXPIRE_NX;
        else if (call_is(call, i, "xx")) *flags |= KV_EXPIRE_XX;
        else if (call_is(call, i, "gt")) *flags |= KV_EXPIRE_GT;
        else if (call_is(call, i, "lt")) *flags |= KV_EXPIRE_LT;
        else {
            kv_slice option = text_terminated(call->arguments[i]);
            call_error_format(call, "ERR Unsupported option %.*s",
                              (int)(option.size < 400 ? option.size : 400),
                              (const char *)option.data);
            return false;
        }
    }
    const char *error = NULL;
    if (*flags & KV_EXPIRE_NX && *flags & ~KV_EXPIRE_NX)
        error = "ERR NX and XX, GT or LT options at the same time are not compatible";
    else if (*flags & KV_EXPIRE_GT && *flags & KV_EXPIRE_LT)
        error = "ERR GT and LT options at the same time are not compatible";
    if (error != NULL) call_error(call, error);
    return error == NULL;
}

static void expire_error(struct call *call)
{
    call_error_format(call, "ERR invalid expire time in '%s' command", call->command->facts.name);
}

static void key_expire(struct call *call, bool in_seconds, bool is_deadline)
{
    unsigned flags;
    int64_t when;
    if (!expire_flags(call, &flags) || !call_integer(call, 2, &when, NULL)) return;
    if (in_seconds) {
        if (when > INT64_MAX / 1000 || when < INT64_MIN / 1000) {
            expire_error(call);
            return;
        }
        when *= 1000;
    }
    /* The last instant of all is KV_NEVER, which means no deadline. */
    if (is_deadline && when == KV_NEVER) when--;
    kv_status status = is_deadline ? kv_expire_at(call->db, call->arguments[1], when, flags)
                                   : kv_expire(call->db, call->arguments[1], when, flags);
    if (status == KV_OVERFLOW) expire_error(call);
    else key_answer_done(call, status);
}

void expire_command(struct call *call)
{
    key_expire(call, true, false);
}

void pexpire_command(struct call *call)
{
    key_expire(call, false, false);
}

void expireat_command(struct call *call)
{
    key_expire(call, true, true);
}

void pexpireat_command(struct call *call)
{
    key_expire(call, false, true);
}

typedef kv_status key_time(kv *db, kv_slice key, int64_t *time_ms);

/* -2: no key; -1: no deadline; else a time, in seconds rounded to the nearest. */
static void key_answer_time(struct call *call, key_time *function, bool in_seconds)
{
    int64_t time_ms = 0;
    kv_status status = function(call->db, call->arguments[1], &time_ms);
    if (status < 0) call_fail(call, status);
    else if (status == KV_NONE) writer_integer(call->reply, -2);
    else if (time_ms == KV_NEVER) writer_integer(call->reply, -1);
    else
        writer_integer(call->reply,
                       in_seconds ? time_ms / 1000 + (time_ms % 1000 >= 500) : time_ms);
}

void ttl_command(struct call *call)
{
    key_answer_time(call, kv_ttl, true);
}

void pttl_command(struct call *call)
{
    key_answer_time(call, kv_ttl, false);
}

void expiretime_command(struct call *call)
{
    key_answer_time(call, kv_deadline, true);
}

void pexpiretime_command(struct call *call)
{
    key_answer_time(call, kv_deadline, false);
}

void persist_command(struct call *call)
{
    key_answer_done(call, kv_persist(call->db, call->arguments[1]));
}

/* ----------------------------------------------------------------------------------- describing */

/* False: there is no such key, answered with null. */
static bool object_describe(struct call *call, kv_object_info *info)
{
    *info = (kv_object_info){.size = sizeof *info};
    kv_status status = kv_object(call->db, call->arguments[2], info);
    /* Counts the hit; a miss would be an event, too, which it is not in Redis. */
    if (status == KV_OK) kv_deadline(call->db, call->arguments[2], NULL);
    if (status == KV_OK) return true;
    if (status == KV_NONE) writer_null(call->reply);
    else call_fail(call, status);
    return false;
}

void object_command(struct call *call)
{
    call_subcommand_error(call);
}

void object_encoding_command(struct call *call)
{
    kv_object_info info;
    if (object_describe(call, &info)) writer_bulk_text(call->reply, info.encoding);
}

void object_idletime_command(struct call *call)
{
    kv_object_info info;
    if (object_describe(call, &info)) writer_integer(call->reply, info.idle_ms / 1000);
}

/*
 * No value is shared between keys. Redis shares the integers below 10000, for ever, and tests of
 * clients look for that.
 */
void object_refcount_command(struct call *call)
{
    kv_object_info info;
    if (!object_describe(call, &info)) return;
    bool is_shared = strcmp(info.encoding, "int") == 0 && info.integer >= 0 && info.integer < 10000;
    writer_integer(call->reply, is_shared ? INT32_MAX : 1);
}

void object_freq_command(struct call *call)
{
    kv_object_info info;
    if (object_describe(call, &info))
        call_error(call, "ERR An LFU maxmemory policy is not selected, access frequency not "
                         "tracked. Please note that "
                         "when switching between policies at runtime LRU and LFU data will take "
                         "some time to adjust.");
}

void object_help_command(struct call *call)
{
    static const char *const lines[] = {
        "ENCODING <key>",
        "    Name the form in which the value is kept.",
        "FREQ <key>",
        "    Tell how often the key is used; only under an LFU policy.",
        "IDLETIME <key>",
        "    Tell how many seconds ago the key was last used.",
        "REFCOUNT <key>",
        "    Tell how many keys share the value: one.",
        NULL};
    call_help(call, lines);
}
