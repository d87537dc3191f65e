/*
 * api/api_string.c -- strings: kv_set(), kv_get() and what changes or reads a part of one. Many at
 * once: api_batch.c.
 */
#include "base/buffer.h"
#include "base/number.h"
#include "keyspace/text.h"

#include <math.h>

#define STRING_WORD(text) kv_bytes(text, sizeof(text) - 1)

/* A value of this size is copied before its shard is locked, so that the copy makes nobody wait. */
#define STRING_LARGE 16384

/* KV_OK if the key holds a string, else why not. */
static inline kv_status string_expect(const struct access *access)
{
    if (access->entry == NULL) return KV_NONE;
    return access_expect(access, KV_TYPE_STRING);
}

kv_status kv_get(kv *db, kv_slice key, kv_buffer *value)
{
    if (db == NULL) return KV_BADARG;
    struct access access;
    kv_status status = access_open(&access, db, key, ACCESS_READ);
    if (status != KV_OK) return status;
    status = string_expect(&access);
    if (status == KV_OK && value != NULL) {
        char scratch[NUMBER_INT64_SIZE];
        status = buffer_set(value, text_of(access.entry, scratch));
    }
    return access_close(&access, status);
}

kv_status kv_read(kv *db, kv_slice key, kv_visit *visit, void *context)
{
    if (db == NULL || visit == NULL) return KV_BADARG;
    struct access access;
    kv_status status = access_open(&access, db, key, ACCESS_READ);
    if (status != KV_OK) return status;
    status = string_expect(&access);
    if (status == KV_OK) {
        char scratch[NUMBER_INT64_SIZE];
        (void)visit(context, text_of(access.entry, scratch));
    }
    return access_close(&access, status);
}

/* ------------------------------------------------------------------------------------- kv_set() */

#define STRING_CONDITIONS \
    (KV_IF_ABSENT | KV_IF_PRESENT | KV_IF_EQUAL | KV_IF_VERSION | KV_IF_DIFFERS)

/*
 * Stores the string: the blob if one was made beforehand, which then belongs to the entry; else a
 * copy of `text`.
 */
static kv_status string_put(struct access *access, kv_slice text, struct blob **blob,
                            int64_t deadline_ms)
{
    if (KV_LIKELY(*blob == NULL)) return access_put_text(access, text, deadline_ms, ACCESS_ENCODED);
    uint64_t payload = (uint64_t)(uintptr_t)*blob;
    kv_status status = access_put_value(access, KV_TYPE_STRING, ENTRY_BLOB, payload, deadline_ms);
    if (status == KV_OK) *blob = NULL;
    return status;
}

/* Removes the key that was found and journals that; room for it was reserved. Tells no event. */
static void string_remove(struct access *access)
{
    kv_slice arguments[2] = {STRING_WORD("DEL"), access->key};
    access_journal(access, arguments, 2);
    access_remove(access);
}

/*
 * Journals SET key text, with its deadline unless that is KV_NEVER, or KEEPTTL if that is what was
 * done.
 */
static KV_NOINLINE void string_journal_set(struct access *access, kv_slice text,
                                           int64_t deadline_ms, bool keeps_ttl)
{
    char number[NUMBER_INT64_SIZE];
    kv_slice arguments[5] = {STRING_WORD("SET"), access->key, text};
    size_t count = 3;
    if (keeps_ttl) {
        arguments[count++] = STRING_WORD("KEEPTTL");
    } else if (deadline_ms != KV_NEVER) {
        arguments[count++] = STRING_WORD("PXAT");
        arguments[count++] = (kv_slice){number, number_format_int64(number, deadline_ms)};
    }
    access_journal(access, arguments, count);
}

static kv_status string_reserve_set(struct access *access, kv_slice text)
{
    return access_reserve_journal(access, 5, 14 + NUMBER_INT64_SIZE + access->key.size + text.size);
}

/* The deadline that is `ttl_ms` from now if that is above 0, else at_ms, of which 0 means never. */
static kv_status string_deadline(struct access *access, int64_t ttl_ms, int64_t at_ms,
                                 int64_t *deadline_ms)
{
    *deadline_ms = at_ms != 0 ? at_ms : KV_NEVER;
    if (ttl_ms == 0) return KV_OK;
    int64_t now_ms = access_now(access);
    if (ttl_ms > KV_NEVER - 1 - now_ms) return KV_OVERFLOW;
    *deadline_ms = now_ms + ttl_ms;
    return KV_OK;
}

/* True if a deadline has passed and that means anything (KV_SETTING_EXPIRE). */
static bool string_is_past(struct access *access, int64_t deadline_ms)
{
    return deadline_ms != KV_NEVER && access_is_past(access, deadline_ms);
}

static bool string_read_set_options(const kv_set_options *given, kv_set_options *options)
{
    *options = KV_OPTIONS(kv_set_options);
    if (given->size < sizeof given->size || given->size > sizeof *options) return false;
    memcpy(options, given, given->size);
    unsigned flags = options->flags;
    unsigned conditions = flags & STRING_CONDITIONS;
    if ((flags & ~(STRING_CONDITIONS | KV_KEEP_TTL | KV_GET_OLD)) != 0) return false;
    if ((conditions & (conditions - 1)) != 0) return false;
    int changes =
        (options->ttl_ms != 0) + (options->deadline_ms != 0) + ((flags & KV_KEEP_TTL) != 0);
    return changes <= 1 && options->ttl_ms >= 0;
}

/*
 * KV_OK if the string may be stored, KV_SKIPPED if not; KV_WRONGTYPE where a string was to be
 * compared.
 */
static kv_status string_check_condition(const struct access *access, const kv_set_options *options)
{
    const struct entry *entry = access->entry;
    bool holds = true;
    switch (options->flags & STRING_CONDITIONS) {
    case KV_IF_ABSENT: holds = entry == NULL; break;
    case KV_IF_PRESENT: holds = entry != NULL; break;
    case KV_IF_VERSION: {
        bool has_version = entry != NULL && (entry->flags & ENTRY_VERSIONED) != 0;
        if (has_version)
            holds = entry_word(entry, entry_version_offset(entry)) == options->if_version;
        /* nobody was told of a version of it */
        else holds = entry == NULL && options->if_version == 0;
        break;
    }
    case KV_IF_EQUAL:
    case KV_IF_DIFFERS: {
        kv_status status = access_expect(access, KV_TYPE_STRING);
        if (status != KV_OK) return status;
        char scratch[NUMBER_INT64_SIZE];
        bool is_equal = entry != NULL && slice_equal(text_of(entry, scratch), options->if_equal);
        holds = is_equal == ((options->flags & KV_IF_EQUAL) != 0);
        break;
    }
    default: break;
    }
    return holds ? KV_OK : KV_SKIPPED;
}

/*
 * The old value is copied behind what the caller's buffer holds, since that must stay if the call
 * fails after all; when it has succeeded string_give_old() moves it to the front.
 */
static kv_status string_keep_old(kv_buffer *buffer, kv_slice text)
{
    if (text.size > SIZE_MAX - buffer->size) return KV_NOMEM;
    kv_status status = buffer_reserve(buffer, buffer->size + text.size);
    if (status == KV_OK && text.size > 0)
        memcpy((char *)buffer->data + buffer->size, text.data, text.size);
    return status;
}

static void string_give_old(kv_buffer *buffer, size_t size)
{
    if (size > 0) memmove(buffer->data, (char *)buffer->data + buffer->size, size);
    buffer->size = size;
}

/* The key was set and has expired at once. */
static void string_tell_set_past(struct access *access)
{
    access_event(access, KV_EVENT_STRING, "set");
    access_event(access, KV_EVENT_GENERIC, "expire");
    access_event(access, KV_EVENT_EXPIRED, "expired");
}

/* What is left of kv_set() when its condition holds. */
static kv_status string_set_now(struct access *access, kv_slice value, struct blob **blob,
                                int64_t deadline_ms, const kv_set_options *options)
{
    kv_status status = string_reserve_set(access, value);
    if (status != KV_OK) return status;
    bool keeps_ttl = (options->flags & KV_KEEP_TTL) != 0;
    if (keeps_ttl && access->entry != NULL) deadline_ms = access_kept_deadline(access);
    if (!keeps_ttl && string_is_past(access, deadline_ms)) {
        if (access->entry != NULL) string_remove(access);
        string_tell_set_past(access);
    } else {
        access->is_versioned = options->version != NULL;
        status = string_put(access, value, blob, deadline_ms);
        if (status != KV_OK) return status;
        if (access_is_journaled(access)) string_journal_set(access, value, deadline_ms, keeps_ttl);
        access_event(access, KV_EVENT_STRING, "set");
        if (!keeps_ttl && deadline_ms != KV_NEVER) access_event(access, KV_EVENT_GENERIC, "expire");
    }
    return options->version != NULL ? access_version(access, options->version) : KV_OK;
}

static kv_status string_set_opened(struct access *access, kv_slice value, struct blob **blob,
                                   const kv_set_options *options)
{
    int64_t deadline_ms;
    char scratch[NUMBER_INT64_SIZE];
    kv_slice old = {NULL, 0};
    bool had_key = access->entry != NULL;
    bool gets_old = (options->flags & KV_GET_OLD) != 0;
    kv_status status = string_deadline(access, options->ttl_ms, options->deadline_ms, &deadline_ms);
    if (status == KV_OK && gets_old) {
        access_count(access);
        status = access_expect(access, KV_TYPE_STRING);
        if (status == KV_OK && had_key) old = text_of(access->entry, scratch);
    }
    if (status != KV_OK) return status;
    kv_status outcome = string_check_condition(access, options);
    if (outcome < 0) return outcome;
    kv_buffer *old_value = gets_old ? options->old_value : NULL;
    if (old_value != NULL) status = string_keep_old(old_value, old);
    if (status == KV_OK && outcome == KV_OK)
        status = string_set_now(access, value, blob, deadline_ms, options);
    if (status != KV_OK) return status;
    if (old_value != NULL) string_give_old(old_value, old.size);
    if (gets_old && options->old_status != NULL) *options->old_status = had_key ? KV_OK : KV_NONE;
    return outcome;
}

/* kv_set() with options, or with a value so large that it is copied first. */
static KV_NOINLINE kv_status string_set(kv *db, kv_slice key, kv_slice value,
                                        const kv_set_options *given)
{
    kv_set_options options = KV_OPTIONS(kv_set_options);
    if (given != NULL && !string_read_set_options(given, &options)) return KV_BADARG;
    struct alloc *alloc = &db->view->store->alloc;
    struct blob *blob = NULL;
    if (value.size >= STRING_LARGE) {
        blob = blob_create(alloc, value, value.size);
        if (blob == NULL) return KV_NOMEM;
    }
    struct access access;
    enum access_mode mode = options.ttl_ms != 0 ? ACCESS_WRITE_TIMED : ACCESS_WRITE;
    kv_status status = access_open(&access, db, key, mode);
    if (status == KV_OK)
        status = access_close(&access, string_set_opened(&access, value, &blob, &options));
    blob_destroy(alloc, blob);
    return status;
}

kv_status kv_set(kv *db, kv_slice key, kv_slice value, const kv_set_options *options)
{
    if (db == NULL) return KV_BADARG;
    if (KV_UNLIKELY(value.size > text_size_max(db->view->store))) return KV_TOOBIG;
    if (options != NULL || KV_UNLIKELY(value.size >= STRING_LARGE))
        return string_set(db, key, value, options);
    struct access access;
    kv_status status = access_open(&access, db, key, ACCESS_WRITE);
    if (status != KV_OK) return status;
    status = string_reserve_set(&access, value);
    if (status == KV_OK) status = access_put_text(&access, value, KV_NEVER, ACCESS_ENCODED);
    if (status == KV_OK) {
        if (access_is_journaled(&access)) string_journal_set(&access, value, KV_NEVER, false);
        access_event(&access, KV_EVENT_STRING, "set");
    }
    return access_close(&access, status);
}

/* --------------------------------------------------------------- get, and something beside that */

kv_status kv_strlen(kv *db, kv_slice key, uint64_t *length)
{
    if (db == NULL) return KV_BADARG;
    struct access access;
    kv_status status = access_open(&access, db, key, ACCESS_READ);
    if (status != KV_OK) return status;
    status = string_expect(&access);
    uint64_t found = status == KV_OK ? value_length(access.entry) : 0;
    if (length != NULL && status >= 0) *length = found;
    return access_close(&access, status);
}

kv_status kv_getdel(kv *db, kv_slice key, kv_buffer *value)
{
    if (db == NULL) return KV_BADARG;
    struct access access;
    kv_status status = access_open(&access, db, key, ACCESS_WRITE);
    if (status != KV_OK) return status;
    access_count(&access);
    status = string_expect(&access);
    if (status == KV_OK) status = access_reserve_journal(&access, 2, 3 + key.size);
    if (status == KV_OK && value != NULL) {
        char scratch[NUMBER_INT64_SIZE];
        status = buffer_set(value, text_of(access.entry, scratch));
    }
    if (status == KV_OK) {
        access_event(&access, KV_EVENT_GENERIC, "del");
        string_remove(&access);
    }
    return access_close(&access, status);
}

static bool string_read_getex_options(const kv_getex_options *given, kv_getex_options *options)
{
    *options = KV_OPTIONS(kv_getex_options);
    if (given != NULL) {
        if (given->size < sizeof given->size || given->size > sizeof *options) return false;
        memcpy(options, given, given->size);
    }
    int changes = (options->ttl_ms != 0) + (options->deadline_ms != 0) + (options->flags != 0);
    return changes <= 1 && options->ttl_ms >= 0 && (options->flags & ~KV_PERSIST) == 0;
}

/* Gives the key that was found another deadline, or takes it away (KV_NEVER), and journals that. */
static kv_status string_change_deadline(struct access *access, int64_t deadline_ms)
{
    if (deadline_ms == KV_NEVER && !entry_is_timed(access->entry)) return KV_OK;
    char number[NUMBER_INT64_SIZE];
    kv_slice arguments[3] = {STRING_WORD("PERSIST"), access->key};
    size_t count = 2;
    if (deadline_ms != KV_NEVER) {
        arguments[0] = STRING_WORD("PEXPIREAT");
        arguments[count++] = (kv_slice){number, number_format_int64(number, deadline_ms)};
    }
    kv_status status = access_reserve_journal(access, 3, 9 + access->key.size + NUMBER_INT64_SIZE);
    if (status == KV_OK) status = access_set_deadline(access, deadline_ms);
    if (status != KV_OK) return status;
    access_journal(access, arguments, count);
    access_event(access, KV_EVENT_GENERIC, deadline_ms != KV_NEVER ? "expire" : "persist");
    return KV_OK;
}

static kv_status string_getex_opened(struct access *access, const kv_getex_options *options,
                                     kv_buffer *value)
{
    int64_t deadline_ms;
    char scratch[NUMBER_INT64_SIZE];
    kv_status status = string_expect(access);
    if (status == KV_OK)
        status = string_deadline(access, options->ttl_ms, options->deadline_ms, &deadline_ms);
    if (status == KV_OK && value != NULL) {
        status = buffer_reserve(value, text_of(access->entry, scratch).size);
    }
    bool is_past = status == KV_OK && string_is_past(access, deadline_ms);
    if (status == KV_OK && is_past)
        status = access_reserve_journal(access, 2, 3 + access->key.size);
    if (status == KV_OK && !is_past) status = string_change_deadline(access, deadline_ms);
    if (status != KV_OK) return status;
    /* there is room */
    if (value != NULL) (void)buffer_set(value, text_of(access->entry, scratch));
    if (is_past) {
        access_event(access, KV_EVENT_GENERIC, "del");
        string_remove(access);
    }
    return KV_OK;
}

kv_status kv_getex(kv *db, kv_slice key, const kv_getex_options *given, kv_buffer *value)
{
    kv_getex_options options;
    if (db == NULL || !string_read_getex_options(given, &options)) return KV_BADARG;
    if (options.flags == 0 && options.ttl_ms == 0 && options.deadline_ms == 0)
        return kv_get(db, key, value);
    struct access access;
    kv_status status = access_open(&access, db, key, ACCESS_WRITE);
    if (status != KV_OK) return status;
    access_count(&access);
    return access_close(&access, string_getex_opened(&access, &options, value));
}

/* ---------------------------------------------------------------------------------- parts of it */

/*
 * The part of a text from `start` to `end`. As in Redis an end before the beginning is the first
 * byte, so that 0 to -100 of a short text is one byte long, unless both count from the end and are
 * in the wrong order.
 */
static kv_slice string_part(kv_slice text, int64_t start, int64_t end)
{
    int64_t size = (int64_t)text.size;
    if (start < 0 && end < 0 && start > end) return (kv_slice){text.data, 0};
    if (start < 0) start = start < -size ? 0 : size + start;
    if (end < 0) end = end < -size ? 0 : size + end;
    if (end >= size) end = size - 1;
    if (start > end) return (kv_slice){text.data, 0};
    return (kv_slice){(const char *)text.data + start, (size_t)(end - start) + 1};
}

kv_status kv_read_range(kv *db, kv_slice key, int64_t start, int64_t end, kv_visit *visit,
                        void *context)
{
    if (db == NULL || visit == NULL) return KV_BADARG;
    struct access access;
    kv_status status = access_open(&access, db, key, ACCESS_READ);
    if (status != KV_OK) return status;
    status = access_expect(&access, KV_TYPE_STRING);
    if (status == KV_OK) {
        char scratch[NUMBER_INT64_SIZE];
        kv_slice text = access.entry != NULL ? text_of(access.entry, scratch) : kv_bytes("", 0);
        (void)visit(context, string_part(text, start, end));
    }
    return access_close(&access, status);
}

struct string_copying {
    kv_buffer *buffer;
    kv_status status;
};

static bool string_copy_visit(void *context, kv_slice item)
{
    struct string_copying *copying = context;
    if (copying->buffer != NULL) copying->status = buffer_set(copying->buffer, item);
    return true;
}

kv_status kv_getrange(kv *db, kv_slice key, int64_t start, int64_t end, kv_buffer *value)
{
    struct string_copying copying = {value, KV_OK};
    kv_status status = kv_read_range(db, key, start, end, string_copy_visit, &copying);
    return status == KV_OK ? copying.status : status;
}

/* ----------------------------------------------------------------------------- changed in place */

static kv_status string_append_opened(struct access *access, kv_slice value, uint64_t *length)
{
    kv_status status = access_expect(access, KV_TYPE_STRING);
    if (status != KV_OK) return status;
    uint64_t old_size = access->entry != NULL ? value_length(access->entry) : 0;
    uint64_t maximum = text_size_max(access->store);
    if (old_size > maximum || value.size > maximum - old_size) return KV_TOOBIG;
    kv_slice arguments[3] = {STRING_WORD("APPEND"), access->key, value};
    status = access_reserve_journal(access, 3, 6 + access->key.size + value.size);
    if (status != KV_OK) return status;
    if (access->entry == NULL) status = access_put_text(access, value, KV_NEVER, ACCESS_ENCODED);
    else status = text_write(access, old_size, value, old_size + value.size);
    if (status != KV_OK) return status;
    access_journal(access, arguments, 3);
    access_event(access, KV_EVENT_STRING, "append");
    if (length != NULL) *length = old_size + value.size;
    return KV_OK;
}

kv_status kv_append(kv *db, kv_slice key, kv_slice value, uint64_t *length)
{
    if (db == NULL) return KV_BADARG;
    struct access access;
    kv_status status = access_open(&access, db, key, ACCESS_WRITE);
    if (status != KV_OK) return status;
    return access_close(&access, string_append_opened(&access, value, length));
}

static kv_status string_setrange_opened(struct access *access, uint64_t offset, kv_slice value,
                                        uint64_t *length)
{
    kv_status status = access_expect(access, KV_TYPE_STRING);
    if (status != KV_OK) return status;
    uint64_t size = access->entry != NULL ? value_length(access->entry) : 0;
    if (value.size > 0) {
        uint64_t maximum = text_size_max(access->store);
        if (offset > maximum || value.size > maximum - offset) return KV_TOOBIG;
        char number[NUMBER_INT64_SIZE];
        kv_slice text = {number, number_format_uint64(number, offset)};
        kv_slice arguments[4] = {STRING_WORD("SETRANGE"), access->key, text, value};
        status = access_reserve_journal(access, 4, 8 + access->key.size + text.size + value.size);
        if (status != KV_OK) return status;
        if (offset + value.size > size) size = offset + value.size;
        status = text_write(access, offset, value, size);
        if (status != KV_OK) return status;
        access_journal(access, arguments, 4);
        access_event(access, KV_EVENT_STRING, "setrange");
    }
    if (length != NULL) *length = size;
    return KV_OK;
}

kv_status kv_setrange(kv *db, kv_slice key, uint64_t offset, kv_slice value, uint64_t *length)
{
    if (db == NULL) return KV_BADARG;
    struct access access;
    kv_status status = access_open(&access, db, key, ACCESS_WRITE);
    if (status != KV_OK) return status;
    return access_close(&access, string_setrange_opened(&access, offset, value, length));
}

/* -------------------------------------------------------------------------------------- numbers */

/* Gives the key an integer, in place if it holds one already; the deadline stays. */
static kv_status string_put_integer(struct access *access, int64_t integer)
{
    struct entry *entry = access->entry;
    if (entry != NULL && entry_form(entry) == ENTRY_INTEGER) {
        entry_set_payload(entry, (uint64_t)integer);
        access_changed(access);
        return KV_OK;
    }
    return access_put_integer(access, integer, access_kept_deadline(access));
}

static kv_status string_read_integer(const struct access *access, int64_t *integer)
{
    const struct entry *entry = access->entry;
    *integer = 0;
    if (entry == NULL) return KV_OK;
    if (entry_type(entry) != KV_TYPE_STRING) return KV_WRONGTYPE;
    if (KV_LIKELY(entry_form(entry) == ENTRY_INTEGER)) {
        *integer = (int64_t)entry_payload(entry);
        return KV_OK;
    }
    return number_parse_int64(entry_text(entry), integer) ? KV_OK : KV_NOTINT;
}

static KV_NOINLINE void string_journal_incrby(struct access *access, int64_t increment)
{
    char number[NUMBER_INT64_SIZE];
    kv_slice text = {number, number_format_int64(number, increment)};
    kv_slice arguments[3] = {STRING_WORD("INCRBY"), access->key, text};
    access_journal(access, arguments, 3);
}

kv_status kv_incrby(kv *db, kv_slice key, int64_t increment, int64_t *result)
{
    if (db == NULL) return KV_BADARG;
    struct access access;
    kv_status status = access_open(&access, db, key, ACCESS_WRITE);
    if (status != KV_OK) return status;
    int64_t integer;
    status = string_read_integer(&access, &integer);
    if (status != KV_OK) return access_close(&access, status);
    bool overflows =
        increment > 0 ? integer > INT64_MAX - increment : integer < INT64_MIN - increment;
    if (overflows) return access_close(&access, KV_OVERFLOW);
    integer += increment;
    status = access_reserve_journal(&access, 3, 6 + key.size + NUMBER_INT64_SIZE);
    if (status == KV_OK) status = string_put_integer(&access, integer);
    if (status == KV_OK) {
        if (access_is_journaled(&access)) string_journal_incrby(&access, increment);
        access_event(&access, KV_EVENT_STRING, "incrby");
        if (result != NULL) *result = integer;
    }
    return access_close(&access, status);
}

kv_status kv_decrby(kv *db, kv_slice key, int64_t decrement, int64_t *result)
{
    if (decrement == INT64_MIN) return KV_OVERFLOW; /* it has no opposite */
    return kv_incrby(db, key, -decrement, result);
}

kv_status kv_incr(kv *db, kv_slice key, int64_t *result)
{
    return kv_incrby(db, key, 1, result);
}

kv_status kv_decr(kv *db, kv_slice key, int64_t *result)
{
    return kv_incrby(db, key, -1, result);
}

static kv_status string_read_number(const struct access *access, long double *number)
{
    *number = 0;
    if (access->entry == NULL) return KV_OK;
    if (entry_type(access->entry) != KV_TYPE_STRING) return KV_WRONGTYPE;
    char scratch[NUMBER_INT64_SIZE];
    return number_parse_long_double(text_of(access->entry, scratch), number) ? KV_OK : KV_NOTFLOAT;
}

static kv_status string_incrbyfloat_opened(struct access *access, kv_slice increment,
                                           kv_buffer *result)
{
    long double number, addend;
    kv_status status = string_read_number(access, &number);
    if (status != KV_OK) return status;
    if (!number_parse_long_double(increment, &addend)) return KV_NOTFLOAT;
    number += addend;
    if (!isfinite(number)) return KV_NOTFINITE;

    char text[NUMBER_LONG_DOUBLE_SIZE];
    kv_slice sum = {text, number_format_long_double_human(text, number)};
    if (sum.size == 0) return KV_NOMEM;
    int64_t deadline_ms = access_kept_deadline(access);
    status = string_reserve_set(access, sum);
    if (status == KV_OK && result != NULL) status = buffer_reserve(result, sum.size);
    if (status == KV_OK) status = access_put_text(access, sum, deadline_ms, ACCESS_PLAIN);
    if (status != KV_OK) return status;
    if (access_is_journaled(access)) string_journal_set(access, sum, deadline_ms, true);
    access_event(access, KV_EVENT_STRING, "incrbyfloat");
    return result != NULL ? buffer_set(result, sum) : KV_OK; /* there is room */
}

kv_status kv_incrbyfloat(kv *db, kv_slice key, kv_slice increment, kv_buffer *result)
{
    if (db == NULL) return KV_BADARG;
    struct access access;
    kv_status status = access_open(&access, db, key, ACCESS_WRITE);
    if (status != KV_OK) return status;
    return access_close(&access, string_incrbyfloat_opened(&access, increment, result));
}

/* ------------------------------------------------------------------- longest common subsequence */

/* A table of more bytes is refused: it would take its host by surprise. */
#define STRING_LCS_TABLE_MAX (UINT64_C(1) << 32)

/*
 * Copies of two strings, so that no lock is held while they are compared, and what comparing them
 * needs.
 */
struct string_pair {
    struct alloc *alloc;
    uint8_t *bytes[2]; /* NULL if empty */
    size_t size[2];
    uint32_t *cells; /* of (size[0] + 1) rows of size[1] + 1: how much two beginnings have in
                          common; or one such row */
    size_t rows;
};

static void string_pair_free(struct string_pair *pair)
{
    for (int i = 0; i < 2; i++) alloc_free(pair->alloc, pair->bytes[i], pair->size[i]);
    alloc_free(pair->alloc, pair->cells, pair->rows * (pair->size[1] + 1) * sizeof *pair->cells);
}

static kv_status string_pair_copy(struct string_pair *pair, int which, kv *db, kv_slice key)
{
    struct access access;
    kv_status status = access_open(&access, db, key, ACCESS_READ);
    if (status != KV_OK) return status;
    status = access_expect(&access, KV_TYPE_STRING);
    char scratch[NUMBER_INT64_SIZE];
    kv_slice text = {NULL, 0};
    if (status == KV_OK && access.entry != NULL) text = text_of(access.entry, scratch);
    if (text.size > 0) {
        pair->bytes[which] = alloc_get(pair->alloc, text.size);
        if (pair->bytes[which] == NULL) return access_close(&access, KV_NOMEM);
        memcpy(pair->bytes[which], text.data, text.size);
        pair->size[which] = text.size;
    }
    return access_close(&access, status);
}

/* Both are of one instant. */
static kv_status string_pair_read(struct string_pair *pair, kv *db, kv_slice first, kv_slice second)
{
    kv_slice keys[2] = {first, second};
    struct span span;
    span_begin(&span, db, keys, 2, 0);
    kv_status status = string_pair_copy(pair, 0, &span.db, first);
    if (status == KV_OK) status = string_pair_copy(pair, 1, &span.db, second);
    span_end(&span);
    return status;
}

static kv_status string_pair_get_cells(struct string_pair *pair, bool needs_table)
{
    uint64_t row = (uint64_t)pair->size[1] + 1,
             rows = needs_table ? (uint64_t)pair->size[0] + 1 : 1;
    if (pair->size[0] >= UINT32_MAX || pair->size[1] >= UINT32_MAX) return KV_TOOBIG;
    if (row > STRING_LCS_TABLE_MAX / sizeof *pair->cells / rows) return KV_TOOBIG;
    pair->cells = alloc_get_array(pair->alloc, (size_t)(row * rows), sizeof *pair->cells);
    if (pair->cells == NULL) return KV_NOMEM;
    pair->rows = (size_t)rows;
    return KV_OK;
}

static uint32_t *string_pair_row(const struct string_pair *pair, size_t i)
{
    return pair->cells + (pair->rows == 1 ? 0 : i) * (pair->size[1] + 1);
}

/*
 * Fills the cells, row by row, and returns the last. With one row each is written over the one
 * before it.
 */
static uint32_t string_pair_compare(const struct string_pair *pair)
{
    memset(pair->cells, 0, (pair->size[1] + 1) * sizeof *pair->cells);
    for (size_t i = 1; i <= pair->size[0]; i++) {
        const uint32_t *above = string_pair_row(pair, i - 1);
        uint32_t *row = string_pair_row(pair, i);
        uint32_t diagonal = above[0];
        row[0] = 0;
        for (size_t j = 1; j <= pair->size[1]; j++) {
            uint32_t up = above[j], left = row[j - 1];
            if (pair->bytes[0][i - 1] == pair->bytes[1][j - 1]) row[j] = diagonal + 1;
            else row[j] = up > left ? up : left;
            diagonal = up;
        }
    }
    return string_pair_row(pair, pair->size[0])[pair->size[1]];
}

/*
 * Walks back through the table: tells of the runs, and writes the sequence, whose end is given,
 * from its last byte on.
 */
static void string_pair_trace(const struct string_pair *pair, uint64_t minimum,
                              uint8_t *sequence_end, kv_visit_match *visit, void *context)
{
    size_t i = pair->size[0], j = pair->size[1];
    while (i > 0 && j > 0) {
        if (pair->bytes[0][i - 1] != pair->bytes[1][j - 1]) {
            if (string_pair_row(pair, i - 1)[j] > string_pair_row(pair, i)[j - 1]) i--;
            else j--;
            continue;
        }
        size_t run = 0;
        while (run < i && run < j && pair->bytes[0][i - 1 - run] == pair->bytes[1][j - 1 - run])
            run++;
        if (sequence_end != NULL) memcpy(sequence_end -= run, pair->bytes[0] + i - run, run);
        kv_lcs_match match = {i - run, i - 1, j - run, j - 1};
        if (visit != NULL && run >= minimum && !visit(context, &match)) visit = NULL;
        i -= run;
        j -= run;
    }
}

kv_status kv_lcs(kv *db, kv_slice first, kv_slice second, uint64_t minimum, uint64_t *length,
                 kv_buffer *sequence, kv_visit_match *visit, void *context)
{
    if (db == NULL) return KV_BADARG;
    struct string_pair pair = {.alloc = &db->view->store->alloc};
    bool needs_table = sequence != NULL || visit != NULL;
    kv_status status = string_pair_read(&pair, db, first, second);
    if (status == KV_OK) status = string_pair_get_cells(&pair, needs_table);
    if (status == KV_OK) {
        uint32_t common = string_pair_compare(&pair);
        if (sequence != NULL) status = buffer_reserve(sequence, common);
        if (status == KV_OK && needs_table) {
            uint8_t *end =
                sequence != NULL && common > 0 ? (uint8_t *)sequence->data + common : NULL;
            string_pair_trace(&pair, minimum, end, visit, context);
        }
        if (status == KV_OK && sequence != NULL) sequence->size = common;
        if (status == KV_OK && length != NULL) *length = common;
    }
    string_pair_free(&pair);
    return status;
}
