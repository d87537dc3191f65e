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

/* ------------------------------------------------------------------------------------ deadlines */

/* The latest instant that Redis gives a field, in milliseconds since 1970. */
#define HASH_DEADLINE_MAX ((INT64_C(1) << 46) - 1)

/* Whether there is a hash or nothing, which Redis looks at first. False: answered. */
static bool hash_is_one(struct call *call)
{
    kv_status status = kv_hlen(call->db, call->arguments[1], NULL);
    if (status < 0) call_fail(call, status);
    return status >= 0;
}

/* Reads when fields are to expire, as an instant in milliseconds. False: answered. */
static bool hash_deadline(struct call *call, size_t index, bool in_seconds, bool is_relative,
                          int64_t *deadline_ms)
{
    int64_t time, base_ms = is_relative ? kv_now(call->db) : 0;
    if (!call_integer(call, index, &time, NULL)) return false;
    if (time < 0) {
        call_error(call, "ERR invalid expire time, must be >= 0");
        return false;
    }
    bool is_late = in_seconds && time > HASH_DEADLINE_MAX / 1000;
    if (in_seconds && !is_late) time *= 1000;
    if (is_late || time > HASH_DEADLINE_MAX - base_ms) {
        call_error_format(call, "ERR invalid expire time in '%s' command",
                          call->command->facts.name);
        return false;
    }
    *deadline_ms = base_ms + time;
    return true;
}

static unsigned hash_condition(const struct call *call, size_t index)
{
    if (call_is(call, index, "nx")) return KV_EXPIRE_NX;
    if (call_is(call, index, "xx")) return KV_EXPIRE_XX;
    if (call_is(call, index, "gt")) return KV_EXPIRE_GT;
    return call_is(call, index, "lt") ? KV_EXPIRE_LT : 0;
}

static void hash_expire(struct call *call, bool in_seconds, bool is_relative)
{
    int64_t deadline_ms;
    size_t count;
    if (!hash_is_one(call) || !hash_deadline(call, 2, in_seconds, is_relative, &deadline_ms))
        return;
    unsigned flags = hash_condition(call, 3);
    size_t at = flags != 0 ? 4 : 3;
    if (!hash_fields(call, at, &count, "ERR Parameter `numFields` should be greater than 0"))
        return;
    kv_field_result *results = call_results(call, count, sizeof *results);
    if (results == NULL) return;
    kv_status status = kv_hexpire_at(call->db, call->arguments[1], deadline_ms, flags,
                                     call->arguments + at + 2, count, results);
    call_answer_results(call, status, results, count);
}

void hexpire_command(struct call *call)
{
    hash_expire(call, true, true);
}

void hpexpire_command(struct call *call)
{
    hash_expire(call, false, true);
}

void hexpireat_command(struct call *call)
{
    hash_expire(call, true, false);
}

void hpexpireat_command(struct call *call)
{
    hash_expire(call, false, false);
}

void hpersist_command(struct call *call)
{
    size_t count;
    if (!hash_is_one(call) || !hash_fields(call, 2, &count, HASH_FIELDS_POSITIVE)) return;
    kv_field_result *results = call_results(call, count, sizeof *results);
    if (results == NULL) return;
    kv_status status =
        kv_hpersist(call->db, call->arguments[1], call->arguments + 4, count, results);
    call_answer_results(call, status, results, count);
}

/* Tells deadlines, from an instant on, in seconds that have begun or in milliseconds. */
static void hash_tell_deadlines(struct call *call, bool in_seconds, bool is_relative)
{
    size_t count;
    if (!hash_is_one(call) || !hash_fields(call, 2, &count, HASH_FIELDS_POSITIVE)) return;
    int64_t *deadlines_ms = call_results(call, count, sizeof *deadlines_ms);
    if (deadlines_ms == NULL) return;
    kv_status status =
        kv_hdeadline(call->db, call->arguments[1], call->arguments + 4, count, deadlines_ms);
    if (status < 0) {
        call_fail(call, status);
        return;
    }
    int64_t base_ms = is_relative ? kv_now(call->db) : 0;
    writer_array(call->reply, count);
    for (size_t i = 0; i < count; i++) {
        int64_t time = deadlines_ms[i];
        if (time == KV_NEVER || time == -1) {
            writer_integer(call->reply, time == -1 ? KV_FIELD_NONE : KV_FIELD_UNTIMED);
            continue;
        }
        time = time > base_ms ? time - base_ms : 0;
        writer_integer(call->reply, in_seconds ? (time + 999) / 1000 : time);
    }
}

void httl_command(struct call *call)
{
    hash_tell_deadlines(call, true, true);
}

void hpttl_command(struct call *call)
{
    hash_tell_deadlines(call, false, true);
}

void hexpiretime_command(struct call *call)
{
    hash_tell_deadlines(call, true, false);
}

void hpexpiretime_command(struct call *call)
{
    hash_tell_deadlines(call, false, false);
}

/* EX, PX, EXAT and PXAT: KV_NONE if it is none of them, KV_BADARG if it was answered. */
static kv_status hash_expiry(struct call *call, size_t index, int64_t *deadline_ms)
{
    static const struct {
        const char *word;
        bool in_seconds, is_relative;
    } kinds[] = {
        {"ex", true, true}, {"px", false, true}, {"exat", true, false}, {"pxat", false, false}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (!call_is(call, index, kinds[i].word)) continue;
        if (index + 1 == call->count) {
            call_error(call, "ERR missing expire time");
            return KV_BADARG;
        }
        bool is_read =
            hash_deadline(call, index + 1, kinds[i].in_seconds, kinds[i].is_relative, deadline_ms);
        if (is_read && *deadline_ms == 0) *deadline_ms = 1; /* past as well */
        return is_read ? KV_OK : KV_BADARG;
    }
    return KV_NONE;
}

void hgetex_command(struct call *call)
{
    kv_getex_options options = KV_OPTIONS(kv_getex_options);
    size_t count, at = 2;
    if (!hash_is_one(call)) return;
    kv_status status = hash_expiry(call, at, &options.deadline_ms);
    if (status == KV_BADARG) return;
    if (status == KV_OK) {
        at += 2;
    } else if (call_is(call, at, "persist")) {
        options.flags = KV_PERSIST;
        at++;
    }
    if (!hash_fields(call, at, &count, HASH_FIELDS_POSITIVE)) return;
    size_t began = writer_begin_deferred(call->reply);
    status = kv_hgetex(call->db, call->arguments[1], call->arguments + at + 2, count, &options,
                       hash_visit_value, call->reply);
    if (status == KV_OK) writer_end_deferred(call->reply, began, '*', count);
    else call_fail(call, status);
}

/* One option of HSETEX before FIELDS; moves *index behind it. False: answered. */
static bool hsetex_option(struct call *call, size_t *index, kv_hsetex_options *options)
{
    int64_t deadline_ms;
    bool is_absent = call_is(call, *index, "fnx"), is_present = call_is(call, *index, "fxx");
    if (is_absent || is_present) {
        if ((options->flags & (KV_IF_ABSENT | KV_IF_PRESENT)) != 0) {
            call_error(call, "ERR Only one of FXX or FNX arguments can be specified");
            return false;
        }
        options->flags |= is_absent ? KV_IF_ABSENT : KV_IF_PRESENT;
        ++*index;
        return true;
    }
    bool keeps = call_is(call, *index, "keepttl");
    kv_status status = keeps ? KV_OK : hash_expiry(call, *index, &deadline_ms);
    if (status == KV_BADARG) return false;
    if (status == KV_NONE) {
        kv_slice word = text_terminated(call->arguments[*index]);
        call_error_format(call, "ERR unknown argument: %.*s",
                          (int)(word.size < 400 ? word.size : 400), (const char *)word.data);
        return false;
    }
    if ((options->flags & KV_KEEP_TTL) != 0 || options->deadline_ms != 0) {
        call_error(call,
                   "ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified");
        return false;
    }
    if (keeps) options->flags |= KV_KEEP_TTL;
    else options->deadline_ms = deadline_ms;
    *index += keeps ? 1 : 2;
    return true;
}

void hsetex_command(struct call *call)
{
    kv_hsetex_options options = KV_OPTIONS(kv_hsetex_options);
    size_t at = 2;
    int64_t count;
    while (at < call->count && !call_is(call, at, "fields"))
        if (!hsetex_option(call, &at, &options)) return;
    if (at + 3 >= call->count) {
        call_wrong_arity(call);
        return;
    }
    if (!call_integer_between(call, at + 1, 1, INT32_MAX, &count, "ERR invalid number of fields"))
        return;
    if (call->count - at - 2 != 2 * (size_t)count) {
        call_wrong_arity(call);
        return;
    }
    kv_status status =
        kv_hsetex(call->db, call->arguments[1], call->arguments + at + 2, (size_t)count, &options);
    hash_answer_number(call, status, status == KV_OK);
}
