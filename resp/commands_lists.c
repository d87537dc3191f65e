/*
 * resp/commands_lists.c -- lists, and the commands that wait for them.
 */
#include "resp/blocked.h"
#include "resp/commands.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* -------------------------------------------------------------------------------------- pushing */

typedef kv_status list_push(kv *db, kv_slice key, const kv_slice *values, size_t count,
                            uint64_t *length);

/* Answers with a length or a count; where there is no list it is 0. */
static void list_answer_number(struct call *call, kv_status status, uint64_t number)
{
    if (status < 0) call_fail(call, status);
    else writer_integer(call->reply, (int64_t)number);
}

static void list_do_push(struct call *call, list_push *push)
{
    uint64_t length = 0;
    kv_status status =
        push(call->db, call->arguments[1], call->arguments + 2, call->count - 2, &length);
    list_answer_number(call, status, length);
}

void lpush_command(struct call *call)
{
    list_do_push(call, kv_lpush);
}

void rpush_command(struct call *call)
{
    list_do_push(call, kv_rpush);
}

void lpushx_command(struct call *call)
{
    list_do_push(call, kv_lpushx);
}

void rpushx_command(struct call *call)
{
    list_do_push(call, kv_rpushx);
}

/* -------------------------------------------------------------------------------------- popping */

/* LPOP and RPOP with a count: an array, null without a list. */
static void list_pop_many(struct call *call, kv_end end)
{
    int64_t count;
    uint64_t popped = 0;
    if (!call_integer_between(call, 2, 0, INT64_MAX, &count,
                              "ERR value is out of range, must be positive"))
        return;
    size_t began = writer_begin_deferred(call->reply);
    kv_status status = kv_pop(call->db, call->arguments[1], end, (uint64_t)count, writer_visit_bulk,
                              call->reply, &popped);
    if (status == KV_OK) writer_end_deferred(call->reply, began, '*', popped);
    else if (status == KV_NONE) writer_null_array(call->reply);
    else call_fail(call, status);
}

static void list_pop(struct call *call, kv_end end)
{
    if (call->count > 3) {
        call_wrong_arity(call);
        return;
    }
    if (call->count == 3) {
        list_pop_many(call, end);
        return;
    }
    kv_status status =
        kv_pop(call->db, call->arguments[1], end, 1, writer_visit_bulk, call->reply, NULL);
    if (status == KV_NONE) writer_null(call->reply);
    else if (status != KV_OK) call_fail(call, status);
}

void lpop_command(struct call *call)
{
    list_pop(call, KV_HEAD);
}

void rpop_command(struct call *call)
{
    list_pop(call, KV_TAIL);
}

/* -------------------------------------------------------------------------------------- reading */

void llen_command(struct call *call)
{
    uint64_t length = 0;
    kv_status status = kv_llen(call->db, call->arguments[1], &length);
    list_answer_number(call, status, length);
}

/* LINDEX looks at its number only if there is a list. True: there is one. */
static bool list_is_there(struct call *call, kv_status *status)
{
    *status = kv_llen(call->db, call->arguments[1], NULL);
    return *status == KV_OK;
}

void lindex_command(struct call *call)
{
    int64_t index;
    kv_status status;
    if (text_parse_integer(call->arguments[2], &index))
        status = kv_lindex(call->db, call->arguments[1], index, &call->worker->value);
    else if (list_is_there(call, &status)) status = KV_NOTINT;
    if (status == KV_OK) writer_bulk(call->reply, text_of_buffer(&call->worker->value));
    else if (status == KV_NONE) writer_null(call->reply);
    else call_fail(call, status);
}

static void lrange_begin(void *context, uint64_t count)
{
    writer_array(context, count);
}

void lrange_command(struct call *call)
{
    int64_t start, stop;
    if (!call_integer(call, 2, &start, NULL) || !call_integer(call, 3, &stop, NULL)) return;
    kv_status status = kv_lrange(call->db, call->arguments[1], start, stop, lrange_begin,
                                 writer_visit_bulk, call->reply);
    if (status != KV_OK) call_fail(call, status);
}

struct lpos_options {
    int64_t rank, count, maximum;
    bool has_count;
};

static bool lpos_option(struct call *call, size_t index, struct lpos_options *options)
{
    if (index + 1 == call->count) {
        call_error(call, ERROR_SYNTAX);
        return false;
    }
    if (call_is(call, index, "rank")) {
        if (!call_integer_between(call, index + 1, -INT64_MAX, INT64_MAX, &options->rank, NULL))
            return false;
        if (options->rank != 0) return true;
        call_error(
            call,
            "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... "
            "or use negative to start from the end of the list");
        return false;
    }
    if (call_is(call, index, "count")) {
        options->has_count = true;
        return call_integer_between(call, index + 1, 0, INT64_MAX, &options->count,
                                    "ERR COUNT can't be negative");
    }
    if (call_is(call, index, "maxlen"))
        return call_integer_between(call, index + 1, 0, INT64_MAX, &options->maximum,
                                    "ERR MAXLEN can't be negative");
    call_error(call, ERROR_SYNTAX);
    return false;
}

struct lpos_reply {
    struct writer *reply;
    uint64_t count;
};

static bool lpos_visit(void *context, uint64_t position)
{
    struct lpos_reply *found = context;
    writer_integer(found->reply, (int64_t)position);
    found->count++;
    return true;
}

void lpos_command(struct call *call)
{
    struct lpos_options options = {.rank = 1, .count = 1};
    for (size_t i = 3; i < call->count; i += 2)
        if (!lpos_option(call, i, &options)) return;
    struct lpos_reply found = {call->reply, 0};
    size_t began = writer_begin_deferred(call->reply);
    kv_status status =
        kv_lpos(call->db, call->arguments[1], call->arguments[2], options.rank,
                (uint64_t)options.count, (uint64_t)options.maximum, lpos_visit, &found);
    if (status < 0) call_fail(call, status);
    else if (options.has_count) writer_end_deferred(call->reply, began, '*', found.count);
    else if (found.count == 0) writer_null(call->reply);
}

/* ------------------------------------------------------------------------------------- changing */

/* LSET looks at its number only if there is a list. */
static kv_status lset_without_index(struct call *call)
{
    kv_object_info info = KV_OPTIONS(kv_object_info);
    kv_status status = kv_object(call->db, call->arguments[1], &info); /* which counts nothing */
    if (status == KV_NONE) return KV_NOTFOUND;
    if (status != KV_OK) return status;
    return info.type == KV_TYPE_LIST ? KV_NOTINT : KV_WRONGTYPE;
}

void lset_command(struct call *call)
{
    int64_t index;
    kv_status status;
    if (text_parse_integer(call->arguments[2], &index))
        status = kv_lset(call->db, call->arguments[1], index, call->arguments[3]);
    else status = lset_without_index(call);
    if (status == KV_OK) writer_ok(call->reply);
    else if (status == KV_NONE) call_error(call, "ERR index out of range");
    else call_fail(call, status);
}

void linsert_command(struct call *call)
{
    uint64_t length = 0;
    bool before = call_is(call, 2, "before");
    if (!before && !call_is(call, 2, "after")) {
        call_error(call, ERROR_SYNTAX);
        return;
    }
    kv_status status = kv_linsert(call->db, call->arguments[1], before, call->arguments[3],
                                  call->arguments[4], &length);
    if (status == KV_SKIPPED) writer_integer(call->reply, -1);
    else list_answer_number(call, status, length);
}

void lrem_command(struct call *call)
{
    int64_t count;
    uint64_t removed = 0;
    if (!call_integer(call, 2, &count, NULL)) return;
    kv_status status = kv_lrem(call->db, call->arguments[1], count, call->arguments[3], &removed);
    list_answer_number(call, status, removed);
}

void ltrim_command(struct call *call)
{
    int64_t start, stop;
    if (!call_integer(call, 2, &start, NULL) || !call_integer(call, 3, &stop, NULL)) return;
    kv_status status = kv_ltrim(call->db, call->arguments[1], start, stop);
    if (status < 0) call_fail(call, status);
    else writer_ok(call->reply);
}

/* ------------------------------------------------------------------------------ moving, waiting */

/* LEFT or RIGHT. False: answered. */
static bool list_end(struct call *call, size_t index, kv_end *end)
{
    bool is_left = call_is(call, index, "left");
    *end = is_left ? KV_HEAD : KV_TAIL;
    if (is_left || call_is(call, index, "right")) return true;
    call_error(call, ERROR_SYNTAX);
    return false;
}

/* Reads a long double, as Redis does with timeouts: 1e400 and 9223372036854775.807 are numbers. */
static bool timeout_read(kv_slice text, long double *number)
{
    char plain[TEXT_NUMBER_SIZE], *end;
    if (!text_for_strtod(text, plain)) return false;
    errno = 0;
    *number = strtold(plain, &end);
    if (*end != '\0' || isnan(*number)) return false;
    return errno != ERANGE || (*number != 0 && !isinf(*number));
}

/*
 * Seconds as whole milliseconds, in the arithmetic of Redis: a fraction counts as one more, and
 * what no int64_t holds becomes the smallest, as the processors have it on which Redis runs.
 */
static bool timeout_milliseconds(kv_slice text, int64_t *milliseconds)
{
    int64_t integer;
    long double exact;
    if (text_parse_integer(text, &integer)) exact = integer * 1000.0L;
    else if (timeout_read(text, &exact)) exact *= 1000.0L;
    else return false;
    /* The first limit becomes the second where a long double is a double. */
    bool is_held = exact <= 9223372036854775807.0L && exact < 9223372036854775808.0L &&
                   exact >= -9223372036854775808.0L;
    *milliseconds = is_held ? (int64_t)exact : INT64_MIN;
    if (is_held && *milliseconds < exact) ++*milliseconds;
    return true;
}

bool timeout_argument(struct call *call, size_t index, int64_t *timeout_ms)
{
    int64_t milliseconds;
    const char *error = NULL;
    if (!timeout_milliseconds(call->arguments[index], &milliseconds))
        error = "ERR timeout is not a float or out of range";
    else if (milliseconds < 0) error = "ERR timeout is negative";
    if (error != NULL) {
        call_error(call, error);
        return false;
    }
    *timeout_ms = milliseconds;
    return true;
}

/* Moves an element and answers with it; KV_NONE if there is none: not answered. */
static kv_status list_move(struct call *call, kv_end from, kv_end to)
{
    kv_buffer *value = &call->worker->value;
    kv_status status = kv_lmove(call->db, call->arguments[1], call->arguments[2], from, to, value);
    if (status == KV_OK) writer_bulk(call->reply, text_of_buffer(value));
    else if (status < 0) call_fail(call, status);
    return status;
}

void lmove_command(struct call *call)
{
    kv_end from, to;
    if (!list_end(call, 3, &from) || !list_end(call, 4, &to)) return;
    if (list_move(call, from, to) == KV_NONE) writer_null(call->reply);
}

void rpoplpush_command(struct call *call)
{
    if (list_move(call, KV_TAIL, KV_HEAD) == KV_NONE) writer_null(call->reply);
}

static void list_move_or_wait(struct call *call, kv_end from, kv_end to, size_t timeout_at)
{
    int64_t timeout_ms;
    if (!timeout_argument(call, timeout_at, &timeout_ms) || list_move(call, from, to) != KV_NONE)
        return;
    if (!call_may_wait(call)) {
        writer_null(call->reply);
        return;
    }
    struct blocked_wish wish = {.keys = call->arguments + 1,
                                .key_count = 1,
                                .end = from,
                                .count = 1,
                                .destination = call->arguments + 2,
                                .to_end = to};
    blocked_begin(call, &wish, timeout_ms);
}

void blmove_command(struct call *call)
{
    kv_end from, to;
    if (list_end(call, 3, &from) && list_end(call, 4, &to)) list_move_or_wait(call, from, to, 5);
}

void brpoplpush_command(struct call *call)
{
    list_move_or_wait(call, KV_TAIL, KV_HEAD, 3);
}

struct pop_reply {
    struct writer *reply;
    uint64_t count;
};

static bool pop_visit(void *context, kv_slice item)
{
    struct pop_reply *popped = context;
    writer_bulk(popped->reply, item);
    popped->count++;
    return true;
}

/* Puts "[key, [" or "[key, " before the elements that were written since `began`. */
static void list_put_key(struct call *call, size_t began, kv_slice key, bool as_array,
                         uint64_t count)
{
    struct writer head = {.protocol = 2};
    writer_array(&head, 2);
    writer_bulk(&head, key);
    if (as_array) writer_array(&head, count);
    call_put_before(call, began, &head);
}

/* Pops from the first list that has any and answers; KV_NONE if none has: not answered. */
static kv_status list_pop_first(struct call *call, const struct blocked_wish *wish)
{
    struct pop_reply popped = {call->reply, 0};
    size_t index = 0, began = writer_begin_deferred(call->reply);
    kv_status status = kv_lmpop(call->db, wish->keys, wish->key_count, wish->end, wish->count,
                                &index, pop_visit, &popped);
    if (status == KV_OK) list_put_key(call, began, wish->keys[index], wish->as_array, popped.count);
    else if (status < 0) call_fail(call, status);
    return status;
}

static void list_pop_first_or_wait(struct call *call, struct blocked_wish *wish, size_t timeout_at)
{
    int64_t timeout_ms;
    wish->names_key = true;
    if (!timeout_argument(call, timeout_at, &timeout_ms) || list_pop_first(call, wish) != KV_NONE)
        return;
    if (call_may_wait(call)) blocked_begin(call, wish, timeout_ms);
    else writer_null_array(call->reply);
}

void blpop_command(struct call *call)
{
    struct blocked_wish wish = {
        .keys = call->arguments + 1, .key_count = call->count - 2, .end = KV_HEAD, .count = 1};
    list_pop_first_or_wait(call, &wish, call->count - 1);
}

void brpop_command(struct call *call)
{
    struct blocked_wish wish = {
        .keys = call->arguments + 1, .key_count = call->count - 2, .end = KV_TAIL, .count = 1};
    list_pop_first_or_wait(call, &wish, call->count - 1);
}

/* "numkeys key [key ...] LEFT|RIGHT [COUNT count]" from argument `first` on. False: answered. */
static bool lmpop_wish(struct call *call, size_t first, struct blocked_wish *wish)
{
    int64_t number, count = 1;
    if (!call_integer_between(call, first, 1, INT64_MAX, &number,
                              "ERR numkeys should be greater than 0"))
        return false;
    size_t left = call->count - first - 1;
    if ((uint64_t)number >= left) {
        call_error(call, ERROR_SYNTAX);
        return false;
    }
    size_t where = first + 1 + (size_t)number;
    if (!list_end(call, where, &wish->end)) return false;
    size_t rest = where + 1;
    if (rest + 1 < call->count && call_is(call, rest, "count")) {
        if (!call_integer_between(call, rest + 1, 1, INT64_MAX, &count,
                                  "ERR count should be greater than 0"))
            return false;
        rest += 2;
    }
    if (rest < call->count) {
        call_error(call, ERROR_SYNTAX);
        return false;
    }
    wish->keys = call->arguments + first + 1;
    wish->key_count = (size_t)number;
    wish->count = (uint64_t)count;
    wish->names_key = wish->as_array = true;
    return true;
}

void lmpop_command(struct call *call)
{
    struct blocked_wish wish = {0};
    if (lmpop_wish(call, 1, &wish) && list_pop_first(call, &wish) == KV_NONE)
        writer_null_array(call->reply);
}

void blmpop_command(struct call *call)
{
    struct blocked_wish wish = {0};
    if (lmpop_wish(call, 2, &wish)) list_pop_first_or_wait(call, &wish, 1);
}
