/*
 * resp/commands_hashes.c -- hashes.
 */
#include "resp/commands.h"
#include "resp/scan.h"

#include <math.h>

/* -------------------------------------------------------------------------------------- setting */

/* Answers with a count, which is 0 where there is nothing. */
static void hash_answer_number(struct call *call, kv_status status, uint64_t number)
{
    if (status < 0) call_fail(call, status);
    else writer_integer(call->reply, (int64_t)number);
}

/* Sets the pairs that the arguments are. False: answered. */
static bool hash_set_pairs(struct call *call, uint64_t *added)
{
    if (call->count % 2 != 0) {
        call_wrong_arity(call);
        return false;
    }
    size_t count = (call->count - 2) / 2;
    kv_status status = kv_hset(call->db, call->arguments[1], call->arguments + 2, count, added);
    if (status != KV_OK) call_fail(call, status);
    return status == KV_OK;
}

void hset_command(struct call *call)
{
    uint64_t added;
    if (hash_set_pairs(call, &added)) writer_integer(call->reply, (int64_t)added);
}

void hmset_command(struct call *call)
{
    if (hash_set_pairs(call, NULL)) writer_ok(call->reply);
}

void hsetnx_command(struct call *call)
{
    kv_status status =
        kv_hsetnx(call->db, call->arguments[1], call->arguments[2], call->arguments[3]);
    hash_answer_number(call, status, status == KV_OK);
}

void hincrby_command(struct call *call)
{
    int64_t increment, result;
    if (!call_integer(call, 3, &increment, NULL)) return;
    kv_status status =
        kv_hincrby(call->db, call->arguments[1], call->arguments[2], increment, &result);
    if (status == KV_OK) writer_integer(call->reply, result);
    else if (status == KV_NOTINT) call_error(call, "ERR hash value is not an integer");
    else call_fail(call, status);
}

void hincrbyfloat_command(struct call *call)
{
    double number;
    kv_slice increment = call->arguments[3];
    if (kv_parse_double(increment, &number) == KV_OK && isinf(number)) {
        call_error(call, "ERR value is NaN or Infinity");
        return;
    }
    kv_buffer *result = &call->worker->value;
    kv_status status =
        kv_hincrbyfloat(call->db, call->arguments[1], call->arguments[2], increment, result);
    if (status == KV_OK) writer_bulk(call->reply, text_of_buffer(result));
    else if (status == KV_BADARG) call_fail(call, KV_NOTFLOAT);
    else if (status == KV_NOTFLOAT) call_error(call, "ERR hash value is not a float");
    else call_fail(call, status);
}

/* -------------------------------------------------------------------------------------- reading */

/* Writes a value, or null. */
static bool hash_visit_value(void *context, size_t index, const kv_slice *value)
{
    (void)index;
    if (value != NULL) writer_bulk(context, *value);
    else writer_null(context);
    return true;
}

void hget_command(struct call *call)
{
    kv_status status = kv_hmget(call->db, call->arguments[1], call->arguments + 2, 1,
                                hash_visit_value, call->reply);
    if (status != KV_OK) call_fail(call, status);
}

void hmget_command(struct call *call)
{
    size_t began = writer_begin_deferred(call->reply), count = call->count - 2;
    kv_status status = kv_hmget(call->db, call->arguments[1], call->arguments + 2, count,
                                hash_visit_value, call->reply);
    if (status == KV_OK) writer_end_deferred(call->reply, began, '*', count);
    else call_fail(call, status);
}

void hexists_command(struct call *call)
{
    kv_status status = kv_hexists(call->db, call->arguments[1], call->arguments[2]);
    hash_answer_number(call, status, status == KV_OK);
}

void hstrlen_command(struct call *call)
{
    uint64_t length = 0;
    kv_status status = kv_hstrlen(call->db, call->arguments[1], call->arguments[2], &length);
    hash_answer_number(call, status, length);
}

void hlen_command(struct call *call)
{
    uint64_t length = 0;
    kv_status status = kv_hlen(call->db, call->arguments[1], &length);
    hash_answer_number(call, status, length);
}

static void hash_begin_map(void *context, uint64_t count)
{
    writer_map(context, count);
}

static void hash_begin_array(void *context, uint64_t count)
{
    writer_array(context, count);
}

static bool hash_visit_pair(void *context, kv_slice field, kv_slice value)
{
    writer_bulk(context, field);
    writer_bulk(context, value);
    return true;
}

static bool hash_visit_field(void *context, kv_slice field, kv_slice value)
{
    (void)value;
    writer_bulk(context, field);
    return true;
}

static bool hash_visit_only_value(void *context, kv_slice field, kv_slice value)
{
    (void)field;
    writer_bulk(context, value);
    return true;
}

static void hash_all(struct call *call, kv_range_begin *begin, kv_visit_field *visit)
{
    kv_status status = kv_hgetall(call->db, call->arguments[1], begin, visit, call->reply);
    if (status != KV_OK) call_fail(call, status);
}

void hgetall_command(struct call *call)
{
    hash_all(call, hash_begin_map, hash_visit_pair);
}

void hkeys_command(struct call *call)
{
    hash_all(call, hash_begin_array, hash_visit_field);
}

void hvals_command(struct call *call)
{
    hash_all(call, hash_begin_array, hash_visit_only_value);
}

/* ----------------------------------------------------------------------------- random, scanning */

/* With values RESP3 has an array of pairs, RESP2 a flat one. */
static void hash_begin_pairs(void *context, uint64_t count)
{
    struct writer *reply = context;
    writer_array(reply, reply->protocol > 2 ? count : 2 * count);
}

static bool hash_visit_array_of_pair(void *context, kv_slice field, kv_slice value)
{
    struct writer *reply = context;
    if (reply->protocol > 2) writer_array(reply, 2);
    return hash_visit_pair(reply, field, value);
}

static void hash_random(struct call *call, int64_t count, bool with_values)
{
    size_t began = writer_begin_deferred(call->reply);
    kv_status status = kv_hrandfield(
        call->db, call->arguments[1], count, with_values ? hash_begin_pairs : hash_begin_array,
        with_values ? hash_visit_array_of_pair : hash_visit_field, call->reply);
    if (status == KV_OK) return;
    call->reply->size = call->reply->start + began;
    call_fail(call, status);
}

void hrandfield_command(struct call *call)
{
    if (call->count == 2) {
        size_t before = call->reply->size;
        kv_status status =
            kv_hrandfield(call->db, call->arguments[1], 1, NULL, hash_visit_field, call->reply);
        if (status != KV_OK) call_fail(call, status);
        else if (call->reply->size == before) writer_null(call->reply);
        return;
    }
    int64_t count;
    bool with_values = call->count > 3;
    if (!call_integer(call, 2, &count, NULL)) return;
    if (count == INT64_MIN) {
        call_error(call, "ERR value is out of range, value must between -9223372036854775807 and "
                         "9223372036854775807");
    } else if (call->count > 4 || (with_values && !call_is(call, 3, "withvalues"))) {
        call_error(call, ERROR_SYNTAX);
    } else if (with_values && (count > INT64_MAX / 2 || count < -(INT64_MAX / 2))) {
        call_error(call, ERROR_OUT_OF_RANGE);
    } else {
        hash_random(call, count, with_values);
    }
}

struct hash_scan {
    struct scan_wish wish;
    struct writer *reply;
    bool without_values;
    uint64_t written; /* bulk strings */
};

static bool hash_scan_options(struct call *call, struct hash_scan *scan)
{
    for (size_t i = 3; i < call->count;) {
        kv_status status = scan_option(call, &i, &scan->wish);
        if (status == KV_BADARG) return false;
        if (status == KV_OK) continue;
        if (!call_is(call, i, "novalues")) {
            call_error(call, ERROR_SYNTAX);
            return false;
        }
        scan->without_values = true;
        i++;
    }
    return true;
}

static bool hash_scan_visit(void *context, kv_slice field, kv_slice value)
{
    struct hash_scan *scan = context;
    if (!scan_matches(&scan->wish, field)) return true;
    writer_bulk(scan->reply, field);
    if (!scan->without_values) writer_bulk(scan->reply, value);
    scan->written += scan->without_values ? 1 : 2;
    return true;
}

void hscan_command(struct call *call)
{
    struct hash_scan scan = {.reply = call->reply};
    if (!scan_begin(call, 2, &scan.wish)) return;
    kv_status status = kv_hlen(call->db, call->arguments[1], NULL);
    if (status == KV_NONE) { /* before the options are looked at, as in Redis */
        scan_nothing(call);
        return;
    }
    if (status == KV_OK && !hash_scan_options(call, &scan)) return;
    size_t began = writer_begin_deferred(call->reply);
    if (status == KV_OK) {
        status = kv_hscan(call->db, call->arguments[1], &scan.wish.cursor,
                          (uint64_t)scan.wish.count, hash_scan_visit, &scan);
    }
    if (status < 0) call_fail(call, status);
    else scan_end(call, began, scan.wish.cursor, scan.written);
}

/* ------------------------------------------------------------------------------------- removing */

void hdel_command(struct call *call)
{
    uint64_t removed = 0;
    kv_status status =
        kv_hdel(call->db, call->arguments[1], call->arguments + 2, call->count - 2, &removed);
    hash_answer_number(call, status, removed);
}

/* "FIELDS number field...", the rest of the request from argument `index` on. False: answered. */
static bool hash_fields(struct call *call, size_t index, size_t *count, const char *number_error)
{
    int64_t number;
    if (!call_is(call, index, "fields")) {
        call_error(call, "ERR Mandatory argument FIELDS is missing or not at the right position");
        return false;
    }
    if (!call_integer_between(call, index + 1, 1, INT64_MAX, &number, number_error)) return false;
    *count = call->count - index - 2;
    if ((uint64_t)number == *count) return true;
    call_error(call, "ERR The `numfields` parameter must match the number of arguments");
    return false;
}

#define HASH_FIELDS_POSITIVE "ERR Number of fields must be a positive integer"

void hgetdel_command(struct call *call)
{
    size_t count;
    kv_status status = kv_hlen(call->db, call->arguments[1], NULL);
    if (status < 0) {
        call_fail(call, status);
        return;
    }
    if (!hash_fields(call, 2, &count, HASH_FIELDS_POSITIVE)) return;
    size_t began = writer_begin_deferred(call->reply);
    status = kv_hgetdel(call->db, call->arguments[1], call->arguments + 4, count, hash_visit_value,
                        call->reply);
    if (status == KV_OK) writer_end_deferred(call->reply, began, '*', count);
    else call_fail(call, status);
}
