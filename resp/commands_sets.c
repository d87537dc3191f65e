/*
 * resp/commands_sets.c -- sets.
 */
#include "resp/commands.h"
#include "resp/scan.h"

/* Answers with a count, which is 0 where there is no set. */
static void set_answer_number(struct call *call, kv_status status, uint64_t number)
{
    if (status < 0) call_fail(call, status);
    else writer_integer(call->reply, (int64_t)number);
}

/* Answers 1 for KV_OK and 0 for KV_NONE. */
static void set_answer_whether(struct call *call, kv_status status)
{
    set_answer_number(call, status, status == KV_OK);
}

static void set_begin_set(void *context, uint64_t count)
{
    writer_set(context, count);
}

/* Takes back what was written since `began` and answers with an error instead. */
static void set_fail_after(struct call *call, size_t began, kv_status status)
{
    call->reply->size = call->reply->start + began;
    call_fail(call, status);
}

/* ---------------------------------------------------------------------------- adding, removing */

void sadd_command(struct call *call)
{
    uint64_t added = 0;
    kv_status status =
        kv_sadd(call->db, call->arguments[1], call->arguments + 2, call->count - 2, &added);
    set_answer_number(call, status, added);
}

void srem_command(struct call *call)
{
    uint64_t removed = 0;
    kv_status status =
        kv_srem(call->db, call->arguments[1], call->arguments + 2, call->count - 2, &removed);
    set_answer_number(call, status, removed);
}

void smove_command(struct call *call)
{
    set_answer_whether(
        call, kv_smove(call->db, call->arguments[1], call->arguments[2], call->arguments[3]));
}

/* -------------------------------------------------------------------------------------- looking */

void sismember_command(struct call *call)
{
    set_answer_whether(call, kv_sismember(call->db, call->arguments[1], call->arguments[2]));
}

/* Members asked for at once without memory for the answers. */
enum { SET_ASKED_ON_STACK = 256 };

void smismember_command(struct call *call)
{
    bool few[SET_ASKED_ON_STACK], *found = few;
    size_t count = call->count - 2;
    if (count > SET_ASKED_ON_STACK) {
        kv_buffer *room = &call->worker->value; /* count is bounded by the request's size */
        if (text_reserve(room, count * sizeof *found) != KV_OK) {
            call_fail(call, KV_NOMEM);
            return;
        }
        found = room->data;
    }
    kv_status status =
        kv_smismember(call->db, call->arguments[1], call->arguments + 2, count, found);
    if (status != KV_OK) {
        call_fail(call, status);
        return;
    }
    writer_array(call->reply, count);
    for (size_t i = 0; i < count; i++) writer_integer(call->reply, found[i]);
}

void scard_command(struct call *call)
{
    uint64_t count = 0;
    kv_status status = kv_scard(call->db, call->arguments[1], &count);
    set_answer_number(call, status, count);
}

void smembers_command(struct call *call)
{
    kv_status status =
        kv_smembers(call->db, call->arguments[1], set_begin_set, writer_visit_bulk, call->reply);
    if (status != KV_OK) call_fail(call, status);
}

struct set_scan {
    struct scan_wish wish;
    struct writer *reply;
    uint64_t written;
};

static bool set_scan_visit(void *context, kv_slice member)
{
    struct set_scan *scan = context;
    if (!scan_matches(&scan->wish, member)) return true;
    writer_bulk(scan->reply, member);
    scan->written++;
    return true;
}

void sscan_command(struct call *call)
{
    struct set_scan scan = {.reply = call->reply};
    if (!scan_begin(call, 2, &scan.wish)) return;
    kv_status status = kv_scard(call->db, call->arguments[1], NULL);
    if (status == KV_NONE) { /* before the options are looked at, as in Redis */
        scan_nothing(call);
        return;
    }
    if (status != KV_OK) {
        call_fail(call, status);
        return;
    }
    if (!scan_options(call, 3, &scan.wish)) return;
    size_t began = writer_begin_deferred(call->reply);
    status = kv_sscan(call->db, call->arguments[1], &scan.wish.cursor, (uint64_t)scan.wish.count,
                      set_scan_visit, &scan);
    if (status >= 0) scan_end(call, began, scan.wish.cursor, scan.written);
    else set_fail_after(call, began, status);
}

/* ------------------------------------------------------------------------------------ at random */

static void set_pop_one(struct call *call)
{
    kv_status status =
        kv_spop(call->db, call->arguments[1], 1, writer_visit_bulk, call->reply, NULL);
    if (status == KV_NONE) writer_null(call->reply);
    else if (status != KV_OK) call_fail(call, status);
}

void spop_command(struct call *call)
{
    int64_t count;
    uint64_t popped = 0;
    if (call->count > 3) {
        call_error(call, ERROR_SYNTAX);
        return;
    }
    if (call->count == 2) {
        set_pop_one(call);
        return;
    }
    if (!call_integer_between(call, 2, 0, INT64_MAX, &count,
                              "ERR value is out of range, must be positive"))
        return;
    size_t began = writer_begin_deferred(call->reply);
    kv_status status = kv_spop(call->db, call->arguments[1], (uint64_t)count, writer_visit_bulk,
                               call->reply, &popped);
    if (status >= 0) writer_end_deferred(call->reply, began, '~', popped);
    else call_fail(call, status);
}

/*
 * A negative count asks for so many members whatever the set's size, which would let a short request
 * take all memory: a reply may be this long.
 */
#define SET_DRAWN_MAX ((size_t)1 << 30)

struct set_drawing {
    struct writer *reply;
    size_t began;
};

static bool set_draw_visit(void *context, kv_slice member)
{
    struct set_drawing *drawing = context;
    struct writer *reply = drawing->reply;
    if (reply->size - reply->start - drawing->began > SET_DRAWN_MAX) reply->failed = true;
    if (!reply->failed) writer_bulk(reply, member);
    return !reply->failed;
}

static void set_begin_drawing(void *context, uint64_t count)
{
    struct set_drawing *drawing = context;
    writer_array(drawing->reply, count);
}

void srandmember_command(struct call *call)
{
    struct set_drawing drawing = {call->reply, writer_begin_deferred(call->reply)};
    int64_t count = 1;
    kv_range_begin *begin = NULL;
    if (call->count > 3) {
        call_error(call, ERROR_SYNTAX);
        return;
    }
    if (call->count == 3) {
        if (!call_integer(call, 2, &count, NULL)) return;
        if (count == INT64_MIN) {
            call_error(call, "ERR value is out of range, value must between "
                             "-9223372036854775807 and 9223372036854775807");
            return;
        }
        begin = set_begin_drawing;
    }
    size_t before = call->reply->size;
    kv_status status =
        kv_srandmember(call->db, call->arguments[1], count, begin, set_draw_visit, &drawing);
    if (status != KV_OK) set_fail_after(call, drawing.began, status);
    else if (begin == NULL && call->reply->size == before) writer_null(call->reply);
}

/* ----------------------------------------------------------------------------- sets of others */

typedef kv_status set_combine(kv *db, const kv_slice *keys, size_t key_count, kv_visit *visit,
                              void *context);
typedef kv_status set_combine_store(kv *db, kv_slice destination, const kv_slice *keys,
                                    size_t key_count, uint64_t *stored);

struct set_list {
    struct writer *reply;
    uint64_t count;
};

static bool set_list_visit(void *context, kv_slice member)
{
    struct set_list *list = context;
    writer_bulk(list->reply, member);
    list->count++;
    return true;
}

static void set_answer_combined(struct call *call, set_combine *combine)
{
    struct set_list list = {call->reply, 0};
    size_t began = writer_begin_deferred(call->reply);
    kv_status status =
        combine(call->db, call->arguments + 1, call->count - 1, set_list_visit, &list);
    if (status == KV_OK) writer_end_deferred(call->reply, began, '~', list.count);
    else set_fail_after(call, began, status);
}

static void set_answer_stored(struct call *call, set_combine_store *combine)
{
    uint64_t stored = 0;
    kv_status status =
        combine(call->db, call->arguments[1], call->arguments + 2, call->count - 2, &stored);
    set_answer_number(call, status, stored);
}

void sinter_command(struct call *call)
{
    set_answer_combined(call, kv_sinter);
}

void sunion_command(struct call *call)
{
    set_answer_combined(call, kv_sunion);
}

void sdiff_command(struct call *call)
{
    set_answer_combined(call, kv_sdiff);
}

void sinterstore_command(struct call *call)
{
    set_answer_stored(call, kv_sinterstore);
}

void sunionstore_command(struct call *call)
{
    set_answer_stored(call, kv_sunionstore);
}

void sdiffstore_command(struct call *call)
{
    set_answer_stored(call, kv_sdiffstore);
}

/* LIMIT, which may come again: the last one counts. False: answered. */
static bool sintercard_limit(struct call *call, size_t index, int64_t *limit)
{
    for (; index < call->count; index += 2) {
        if (index + 1 == call->count || !call_is(call, index, "limit")) {
            call_error(call, ERROR_SYNTAX);
            return false;
        }
        if (!call_integer_between(call, index + 1, 0, INT64_MAX, limit,
                                  "ERR LIMIT can't be negative"))
            return false;
    }
    return true;
}

/* The number of keys, which are behind it; 0: answered. */
static size_t set_counted_keys(struct call *call)
{
    int64_t number;
    if (!call_integer_between(call, 1, 1, INT64_MAX, &number,
                              "ERR numkeys should be greater than 0"))
        return 0;
    if ((uint64_t)number <= call->count - 2) return (size_t)number;
    call_error(call, "ERR Number of keys can't be greater than number of args");
    return 0;
}

void sintercard_command(struct call *call)
{
    int64_t limit = 0;
    uint64_t count = 0;
    size_t keys = set_counted_keys(call);
    if (keys == 0 || !sintercard_limit(call, 2 + keys, &limit)) return;
    kv_status status = kv_sintercard(call->db, call->arguments + 2, keys, (uint64_t)limit, &count);
    set_answer_number(call, status, count);
}

typedef kv_status count_combined(kv *db, const kv_slice *keys, size_t key_count, uint64_t limit,
                                 uint64_t *count);

/* The counts without options. */
static void set_answer_count(struct call *call, count_combined *function)
{
    uint64_t count = 0;
    size_t keys = set_counted_keys(call);
    if (keys == 0) return;
    if (2 + keys < call->count) {
        call_error(call, ERROR_SYNTAX);
        return;
    }
    kv_status status = function(call->db, call->arguments + 2, keys, 0, &count);
    set_answer_number(call, status, count);
}

void sunioncard_command(struct call *call)
{
    set_answer_count(call, kv_sunioncard);
}

void sdiffcard_command(struct call *call)
{
    set_answer_count(call, kv_sdiffcard);
}
