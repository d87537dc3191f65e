/*
 * resp/commands_strings.c -- strings: GET, SET and their kin.
 */
#include "resp/commands.h"

/* --------------------------------------------------------------------- options of SET and GETEX */

enum expiry {
    EXPIRY_NONE,
    EXPIRY_EX,
    EXPIRY_PX,
    EXPIRY_EXAT,
    EXPIRY_PXAT,
    EXPIRY_KEEP,
    EXPIRY_PERSIST
};

struct string_options {
    unsigned flags; /* KV_IF_ABSENT, KV_IF_PRESENT, KV_IF_EQUAL, KV_GET_OLD */
    enum expiry expiry;
    size_t expiry_at;   /* the argument with the number */
    size_t if_equal_at; /* the argument with the value to compare with */
};

/*
 * EX, PX, EXAT, PXAT: each but with another of them, or with KEEPTTL or PERSIST; the same one twice
 * counts last.
 */
static bool string_option_expiry(const struct call *call, size_t index,
                                 struct string_options *options)
{
    static const char *const words[] = {"ex", "px", "exat", "pxat"};
    for (int i = 0; i < 4; i++) {
        enum expiry expiry = (enum expiry)(EXPIRY_EX + i);
        if (!call_is(call, index, words[i])) continue;
        if (index + 1 == call->count ||
            (options->expiry != EXPIRY_NONE && options->expiry != expiry))
            return false;
        options->expiry = expiry;
        options->expiry_at = index + 1;
        return true;
    }
    return false;
}

static bool string_option_of_set(const struct call *call, size_t index,
                                 struct string_options *options)
{
    const unsigned conditions = KV_IF_ABSENT | KV_IF_PRESENT | KV_IF_EQUAL;
    if (call_is(call, index, "nx")) {
        options->flags |= KV_IF_ABSENT;
    } else if (call_is(call, index, "xx")) {
        options->flags |= KV_IF_PRESENT;
    } else if (call_is(call, index, "get")) {
        options->flags |= KV_GET_OLD;
    } else if (call_is(call, index, "keepttl")) {
        if (options->expiry != EXPIRY_NONE && options->expiry != EXPIRY_KEEP) return false;
        options->expiry = EXPIRY_KEEP;
    } else if (call_is(call, index, "ifeq") && index + 1 < call->count) {
        options->flags |= KV_IF_EQUAL;
        options->if_equal_at = index + 1;
    } else {
        return false;
    }
    unsigned asked = options->flags & conditions;
    return (asked & (asked - 1)) == 0; /* one condition at most */
}

static bool string_option_of_getex(const struct call *call, size_t index,
                                   struct string_options *options)
{
    if (!call_is(call, index, "persist")) return false;
    if (options->expiry != EXPIRY_NONE && options->expiry != EXPIRY_PERSIST) return false;
    options->expiry = EXPIRY_PERSIST;
    return true;
}

/* Reads the options from argument `first` on. False: answered. */
static bool string_options(struct call *call, size_t first, bool is_set,
                           struct string_options *options)
{
    for (size_t i = first; i < call->count; i++) {
        size_t if_equal_at = options->if_equal_at;
        if (string_option_expiry(call, i, options)) {
            i++;
        } else if (is_set ? string_option_of_set(call, i, options)
                          : string_option_of_getex(call, i, options)) {
            i += options->if_equal_at != if_equal_at;
        } else {
            call_error(call, ERROR_SYNTAX);
            return false;
        }
    }
    return true;
}

static void string_expiry_error(struct call *call)
{
    call_error_format(call, "ERR invalid expire time in '%s' command", call->command->facts.name);
}

/* Reads the number of an expiry: a time to live, or a deadline. False: answered. */
static bool string_expiry(struct call *call, enum expiry expiry, size_t index, int64_t *ttl_ms,
                          int64_t *deadline_ms)
{
    bool in_seconds = expiry == EXPIRY_EX || expiry == EXPIRY_EXAT;
    bool is_ttl = expiry == EXPIRY_EX || expiry == EXPIRY_PX;
    int64_t number;
    if (!call_integer(call, index, &number, NULL)) return false;
    if (number <= 0 || (in_seconds && number > INT64_MAX / 1000)) {
        string_expiry_error(call);
        return false;
    }
    if (number == KV_NEVER) number--; /* the last instant of all means none */
    *(is_ttl ? ttl_ms : deadline_ms) = in_seconds ? number * 1000 : number;
    return true;
}

static bool string_has_number(enum expiry expiry)
{
    return expiry >= EXPIRY_EX && expiry <= EXPIRY_PXAT;
}

/* -------------------------------------------------------------------------------------- reading */

/* Answers with a bulk string, null or an error, after a read whose visitor wrote the string. */
static void string_answer_read(struct call *call, kv_status status)
{
    if (TEXT_LIKELY(status == KV_OK)) return;
    if (status == KV_NONE) writer_null(call->reply);
    else call_fail(call, status);
}

/* The same after a call that copied it to the worker's buffer. */
static void string_answer_copy(struct call *call, kv_status status)
{
    if (status == KV_OK) writer_bulk(call->reply, text_of_buffer(&call->worker->value));
    else string_answer_read(call, status);
}

void get_command(struct call *call)
{
    string_answer_read(call, kv_read(call->db, call->arguments[1], writer_visit_bulk, call->reply));
}

void getdel_command(struct call *call)
{
    string_answer_copy(call, kv_getdel(call->db, call->arguments[1], &call->worker->value));
}

/*
 * Looks at a string without a trace, as the call that follows counts its hit. KV_OK, KV_NONE,
 * KV_WRONGTYPE.
 */
static kv_status string_peek(struct call *call, size_t index, uint64_t *length)
{
    kv_object_info info = KV_OPTIONS(kv_object_info);
    kv_status status = kv_object(call->db, call->arguments[index], &info);
    if (status != KV_OK) return status;
    if (info.type != KV_TYPE_STRING) return KV_WRONGTYPE;
    *length = info.length;
    return KV_OK;
}

/* The expiry is looked at only if there is a string. True: it may be. */
static bool getex_has_string(struct call *call)
{
    uint64_t length;
    if (string_peek(call, 1, &length) == KV_OK) return true;
    kv_status status = kv_strlen(call->db, call->arguments[1], NULL); /* counts: nothing follows */
    if (status != KV_OK) string_answer_read(call, status);
    return status == KV_OK;
}

void getex_command(struct call *call)
{
    struct string_options options = {0};
    if (!string_options(call, 2, false, &options)) return;
    kv_getex_options change = KV_OPTIONS(kv_getex_options);
    if (options.expiry == EXPIRY_PERSIST) change.flags = KV_PERSIST;
    if (string_has_number(options.expiry)) {
        if (!getex_has_string(call)) return;
        if (!string_expiry(call, options.expiry, options.expiry_at, &change.ttl_ms,
                           &change.deadline_ms))
            return;
    }
    kv_status status = kv_getex(call->db, call->arguments[1], &change, &call->worker->value);
    if (status == KV_OVERFLOW) string_expiry_error(call);
    else string_answer_copy(call, status);
}

void getrange_command(struct call *call)
{
    int64_t start, end;
    if (!call_integer(call, 2, &start, NULL) || !call_integer(call, 3, &end, NULL)) return;
    size_t before = call->reply->size;
    kv_status status =
        kv_read_range(call->db, call->arguments[1], start, end, writer_visit_bulk, call->reply);
    if (status != KV_OK) call_fail(call, status);
    else if (call->reply->size == before && !call->reply->failed)
        writer_bulk(call->reply, kv_text(""));
}

void substr_command(struct call *call)
{
    getrange_command(call);
}

void strlen_command(struct call *call)
{
    uint64_t length = 0;
    kv_status status = kv_strlen(call->db, call->arguments[1], &length);
    if (status < 0) call_fail(call, status);
    else writer_integer(call->reply, (int64_t)length);
}

static bool mget_visit(void *context, size_t index, const kv_slice *item)
{
    (void)index;
    if (item != NULL) writer_bulk(context, *item);
    else writer_null(context);
    return true;
}

void mget_command(struct call *call)
{
    size_t mark = writer_begin_deferred(call->reply);
    writer_array(call->reply, call->count - 1);
    kv_status status =
        kv_mget(call->db, call->arguments + 1, call->count - 1, mget_visit, call->reply);
    if (status == KV_OK) return;
    call->reply->size = call->reply->start + mark;
    call_fail(call, status);
}

/* -------------------------------------------------------------------------------------- writing */

/* Answers OK, or null if a condition did not hold. */
static void string_answer_set(struct call *call, kv_status status)
{
    if (TEXT_LIKELY(status == KV_OK)) writer_ok(call->reply);
    else if (status == KV_SKIPPED) writer_null(call->reply);
    else if (status == KV_OVERFLOW) string_expiry_error(call);
    else call_fail(call, status);
}

static void string_set(struct call *call, size_t value_at, kv_set_options *options)
{
    string_answer_set(call,
                      kv_set(call->db, call->arguments[1], call->arguments[value_at], options));
}

/* SET with GET: the old value answers, whether the new one was stored or not. */
static void string_set_and_get(struct call *call, size_t value_at, kv_set_options *options)
{
    kv_status old_status = KV_NONE;
    options->flags |= KV_GET_OLD;
    options->old_value = &call->worker->value;
    options->old_status = &old_status;
    kv_status status = kv_set(call->db, call->arguments[1], call->arguments[value_at], options);
    if (status < 0) string_answer_set(call, status);
    else string_answer_copy(call, old_status);
}

void set_command(struct call *call)
{
    if (TEXT_LIKELY(call->count == 3)) {
        string_answer_set(call, kv_set(call->db, call->arguments[1], call->arguments[2], NULL));
        return;
    }
    struct string_options asked = {0};
    if (!string_options(call, 3, true, &asked)) return;
    kv_set_options options = KV_OPTIONS(kv_set_options);
    options.flags = asked.flags;
    if (asked.expiry == EXPIRY_KEEP) options.flags |= KV_KEEP_TTL;
    if (asked.flags & KV_IF_EQUAL) options.if_equal = call->arguments[asked.if_equal_at];
    if (string_has_number(asked.expiry) &&
        !string_expiry(call, asked.expiry, asked.expiry_at, &options.ttl_ms, &options.deadline_ms))
        return;
    if (asked.flags & KV_GET_OLD) string_set_and_get(call, 2, &options);
    else string_set(call, 2, &options);
}

static void string_set_expiring(struct call *call, enum expiry expiry)
{
    kv_set_options options = KV_OPTIONS(kv_set_options);
    if (string_expiry(call, expiry, 2, &options.ttl_ms, &options.deadline_ms))
        string_set(call, 3, &options);
}

void setex_command(struct call *call)
{
    string_set_expiring(call, EXPIRY_EX);
}

void psetex_command(struct call *call)
{
    string_set_expiring(call, EXPIRY_PX);
}

void setnx_command(struct call *call)
{
    kv_set_options options = KV_OPTIONS(kv_set_options);
    options.flags = KV_IF_ABSENT;
    kv_status status = kv_set(call->db, call->arguments[1], call->arguments[2], &options);
    if (status < 0) call_fail(call, status);
    else writer_integer(call->reply, status == KV_OK);
}

void getset_command(struct call *call)
{
    kv_set_options options = KV_OPTIONS(kv_set_options);
    string_set_and_get(call, 2, &options);
}

/* MSET and MSETNX: parts keys from values. NULL: answered. */
static kv_slice *string_part_pairs(struct call *call, size_t *count)
{
    if (call->count % 2 == 0) {
        call_error_format(call, "ERR wrong number of arguments for '%s' command",
                          call->command->facts.name);
        return NULL;
    }
    *count = call->count / 2;
    if (text_reserve(&call->worker->value, 2 * *count * sizeof(kv_slice)) != KV_OK) {
        call_fail(call, KV_NOMEM);
        return NULL;
    }
    kv_slice *keys = call->worker->value.data, *values = keys + *count;
    for (size_t i = 0; i < *count; i++) {
        keys[i] = call->arguments[1 + 2 * i];
        values[i] = call->arguments[2 + 2 * i];
    }
    return keys;
}

void mset_command(struct call *call)
{
    size_t count;
    kv_slice *keys = string_part_pairs(call, &count);
    if (keys != NULL) string_answer_set(call, kv_mset(call->db, keys, keys + count, count));
}

void msetnx_command(struct call *call)
{
    size_t count;
    kv_slice *keys = string_part_pairs(call, &count);
    if (keys == NULL) return;
    kv_status status = kv_msetnx(call->db, keys, keys + count, count);
    if (status < 0) call_fail(call, status);
    else writer_integer(call->reply, status == KV_OK);
}

/* Answers with a size or length after a change. */
static void string_answer_length(struct call *call, kv_status status, uint64_t length)
{
    if (status < 0) call_fail(call, status);
    else writer_integer(call->reply, (int64_t)length);
}

void append_command(struct call *call)
{
    uint64_t length = 0;
    kv_status status = kv_append(call->db, call->arguments[1], call->arguments[2], &length);
    string_answer_length(call, status, length);
}

void setrange_command(struct call *call)
{
    int64_t offset;
    uint64_t length = 0;
    if (!call_integer(call, 2, &offset, NULL)) return;
    if (offset < 0) {
        call_error(call, "ERR offset is out of range");
        return;
    }
    kv_status status =
        kv_setrange(call->db, call->arguments[1], (uint64_t)offset, call->arguments[3], &length);
    string_answer_length(call, status, length);
}

/* -------------------------------------------------------------------------------------- numbers */

static void string_add(struct call *call, int64_t increment)
{
    int64_t result = 0;
    kv_status status = kv_incrby(call->db, call->arguments[1], increment, &result);
    if (TEXT_LIKELY(status == KV_OK)) writer_integer(call->reply, result);
    else call_fail(call, status);
}

void incr_command(struct call *call)
{
    string_add(call, 1);
}

void decr_command(struct call *call)
{
    string_add(call, -1);
}

void incrby_command(struct call *call)
{
    int64_t increment;
    if (call_integer(call, 2, &increment, NULL)) string_add(call, increment);
}

void decrby_command(struct call *call)
{
    int64_t decrement;
    if (!call_integer(call, 2, &decrement, NULL)) return;
    if (decrement == INT64_MIN) call_error(call, "ERR decrement would overflow");
    else string_add(call, -decrement);
}

void incrbyfloat_command(struct call *call)
{
    string_answer_copy(call, kv_incrbyfloat(call->db, call->arguments[1], call->arguments[2],
                                            &call->worker->value));
}

/* ------------------------------------------------------------------------------------------ LCS */

struct lcs_options {
    bool wants_length, wants_matches, wants_lengths;
    int64_t minimum;
};

struct lcs_reply {
    struct writer *reply;
    bool has_lengths;
    uint64_t count;
};

static bool lcs_visit(void *context, const kv_lcs_match *match)
{
    struct lcs_reply *lcs = context;
    writer_array(lcs->reply, lcs->has_lengths ? 3 : 2);
    writer_array(lcs->reply, 2);
    writer_integer(lcs->reply, (int64_t)match->first_start);
    writer_integer(lcs->reply, (int64_t)match->first_end);
    writer_array(lcs->reply, 2);
    writer_integer(lcs->reply, (int64_t)match->second_start);
    writer_integer(lcs->reply, (int64_t)match->second_end);
    if (lcs->has_lengths)
        writer_integer(lcs->reply, (int64_t)(match->first_end - match->first_start + 1));
    lcs->count++;
    return true;
}

static bool lcs_options(struct call *call, struct lcs_options *options)
{
    for (size_t i = 3; i < call->count; i++) {
        if (call_is(call, i, "idx")) {
            options->wants_matches = true;
        } else if (call_is(call, i, "len")) {
            options->wants_length = true;
        } else if (call_is(call, i, "withmatchlen")) {
            options->wants_lengths = true;
        } else if (call_is(call, i, "minmatchlen") && i + 1 < call->count) {
            if (!call_integer(call, ++i, &options->minimum, NULL)) return false;
            if (options->minimum < 0) options->minimum = 0;
        } else {
            call_error(call, ERROR_SYNTAX);
            return false;
        }
    }
    if (!options->wants_matches || !options->wants_length) return true;
    call_error(call, "ERR If you want both the length and indexes, please just use IDX.");
    return false;
}

/* Both are strings or absent, and the table for them is not too large. False: answered. */
static bool lcs_can_begin(struct call *call, struct lcs_options *options)
{
    uint64_t first = 0, second = 0;
    if (string_peek(call, 1, &first) < 0 || string_peek(call, 2, &second) < 0) {
        call_error(call, "ERR The specified keys must contain string values");
        return false;
    }
    if (!lcs_options(call, options)) return false;
    uint64_t limit = resp_bulk_max(call->resp) / sizeof(uint32_t);
    if (first + 1 <= limit / (second + 1)) return true;
    call_error(call,
               "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
    return false;
}

static void lcs_answer_matches(struct call *call, const struct lcs_options *options)
{
    struct lcs_reply lcs = {call->reply, options->wants_lengths, 0};
    uint64_t length = 0;
    size_t mark = writer_begin_deferred(call->reply);
    writer_map(call->reply, 2);
    writer_bulk_text(call->reply, "matches");
    size_t began = writer_begin_deferred(call->reply);
    kv_status status = kv_lcs(call->db, call->arguments[1], call->arguments[2],
                              (uint64_t)options->minimum, &length, NULL, lcs_visit, &lcs);
    if (status != KV_OK) {
        call->reply->size = call->reply->start + mark;
        call_fail(call, status);
        return;
    }
    writer_end_deferred(call->reply, began, '*', lcs.count);
    writer_bulk_text(call->reply, "len");
    writer_integer(call->reply, (int64_t)length);
}

void lcs_command(struct call *call)
{
    struct lcs_options options = {0};
    if (!lcs_can_begin(call, &options)) {
        kv_exists(call->db, call->arguments + 1, 2, NULL); /* counts: nothing follows */
        return;
    }
    if (options.wants_matches) {
        lcs_answer_matches(call, &options);
        return;
    }
    uint64_t length = 0;
    kv_buffer *sequence = options.wants_length ? NULL : &call->worker->value;
    kv_status status =
        kv_lcs(call->db, call->arguments[1], call->arguments[2], 0, &length, sequence, NULL, NULL);
    if (status != KV_OK) call_fail(call, status);
    else if (options.wants_length) writer_integer(call->reply, (int64_t)length);
    else writer_bulk(call->reply, text_of_buffer(sequence));
}
