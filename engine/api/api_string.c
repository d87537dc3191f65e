/*
 * api/api_string.c -- strings: kv_set(), kv_get() and what changes or reads a part of one. Many at once: api_batch.c.
 */
#include "base/buffer.h"
#include "base/number.h"
#include "keyspace/access.h"

#define STRING_WORD(text) kv_bytes(text, sizeof(text) - 1)

/* A value of this size is copied before its shard is locked, so that the copy makes nobody wait. */
#define STRING_LARGE 16384

/* The string of an entry as text; an integer is formatted into `scratch`. */
static inline kv_slice string_text(const struct entry *entry, char scratch[NUMBER_INT64_SIZE])
{
    if (KV_LIKELY(entry_form(entry) != ENTRY_INTEGER)) return entry_text(entry);
    return (kv_slice){scratch, number_format_int64(scratch, (int64_t)entry_payload(entry))};
}

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
        status = buffer_set(value, string_text(access.entry, scratch));
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
        (void)visit(context, string_text(access.entry, scratch));
    }
    return access_close(&access, status);
}

/* ------------------------------------------------------------------------------------------------- kv_set() */

#define STRING_CONDITIONS (KV_IF_ABSENT | KV_IF_PRESENT | KV_IF_EQUAL | KV_IF_VERSION | KV_IF_DIFFERS)

static bool string_is_too_big(const kv *db, uint64_t size)
{
    return size > (uint64_t)store_setting(db->view->store, KV_SETTING_MAX_VALUE_SIZE);
}

/* Stores the string: the blob if one was made beforehand, which then belongs to the entry; else a copy of `text`. */
static kv_status string_put(struct access *access, kv_slice text, struct blob **blob, int64_t deadline_ms)
{
    if (KV_LIKELY(*blob == NULL)) return access_put_text(access, text, deadline_ms, false);
    uint64_t payload = (uint64_t)(uintptr_t)*blob;
    kv_status status = access_put_value(access, KV_TYPE_STRING, ENTRY_BLOB, payload, deadline_ms);
    if (status == KV_OK) *blob = NULL;
    return status;
}

/* Removes the key that was found and journals that; room for it was reserved. */
static void string_remove(struct access *access)
{
    kv_slice arguments[2] = {STRING_WORD("DEL"), access->key};
    access_journal(access, arguments, 2);
    access_remove(access);
}

/* Journals SET key text, with its deadline unless that is KV_NEVER, or KEEPTTL if that is what was done. */
static KV_NOINLINE void string_journal_set(struct access *access, kv_slice text, int64_t deadline_ms, bool keeps_ttl)
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
static kv_status string_deadline(struct access *access, int64_t ttl_ms, int64_t at_ms, int64_t *deadline_ms)
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
    return deadline_ms != KV_NEVER && store_setting(access->store, KV_SETTING_EXPIRE) != 0
        && deadline_ms <= access_now(access);
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
    int changes = (options->ttl_ms != 0) + (options->deadline_ms != 0) + ((flags & KV_KEEP_TTL) != 0);
    return changes <= 1 && options->ttl_ms >= 0;
}

/* KV_OK if the string may be stored, KV_SKIPPED if not; KV_WRONGTYPE where a string was to be compared. */
static kv_status string_check_condition(const struct access *access, const kv_set_options *options)
{
    const struct entry *entry = access->entry;
    bool holds = true;
    switch (options->flags & STRING_CONDITIONS) {
    case KV_IF_ABSENT: holds = entry == NULL; break;
    case KV_IF_PRESENT: holds = entry != NULL; break;
    case KV_IF_VERSION: {
        bool has_version = entry != NULL && (entry->flags & ENTRY_VERSIONED) != 0;
        if (has_version) holds = entry_word(entry, entry_version_offset(entry)) == options->if_version;
        else holds = entry == NULL && options->if_version == 0; /* nobody was told of a version of it */
        break;
    }
    case KV_IF_EQUAL:
    case KV_IF_DIFFERS: {
        kv_status status = access_expect(access, KV_TYPE_STRING);
        if (status != KV_OK) return status;
        char scratch[NUMBER_INT64_SIZE];
        bool is_equal = entry != NULL && slice_equal(string_text(entry, scratch), options->if_equal);
        holds = is_equal == ((options->flags & KV_IF_EQUAL) != 0);
        break;
    }
    default: break;
    }
    return holds ? KV_OK : KV_SKIPPED;
}

/*
 * The old value is copied behind what the caller's buffer holds, since that must stay if the call fails after all; when it has succeeded
 * string_give_old() moves it to the front.
 */
static kv_status string_keep_old(kv_buffer *buffer, kv_slice text)
{
    if (text.size > SIZE_MAX - buffer->size) return KV_NOMEM;
    kv_status status = buffer_reserve(buffer, buffer->size + text.size);
    if (status == KV_OK && text.size > 0) memcpy((char *)buffer->data + buffer->size, text.data, text.size);
    return status;
}

static void string_give_old(kv_buffer *buffer, size_t size)
{
    if (size > 0) memmove(buffer->data, (char *)buffer->data + buffer->size, size);
    buffer->size = size;
}

/* What is left of kv_set() when its condition holds. */
static kv_status string_set_now(struct access *access, kv_slice value, struct blob **blob, int64_t deadline_ms,
                                const kv_set_options *options)
{
    kv_status status = string_reserve_set(access, value);
    if (status != KV_OK) return status;
    bool keeps_ttl = (options->flags & KV_KEEP_TTL) != 0;
    if (keeps_ttl && access->entry != NULL) deadline_ms = entry_deadline(access->entry);
    if (!keeps_ttl && string_is_past(access, deadline_ms)) {
        if (access->entry != NULL) string_remove(access);
    } else {
        access->is_versioned = options->version != NULL;
        status = string_put(access, value, blob, deadline_ms);
        if (status != KV_OK) return status;
        if (access_is_journaled(access)) string_journal_set(access, value, deadline_ms, keeps_ttl);
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
        if (status == KV_OK && had_key) old = string_text(access->entry, scratch);
    }
    if (status != KV_OK) return status;
    kv_status outcome = string_check_condition(access, options);
    if (outcome < 0) return outcome;
    kv_buffer *old_value = gets_old ? options->old_value : NULL;
    if (old_value != NULL) status = string_keep_old(old_value, old);
    if (status == KV_OK && outcome == KV_OK) status = string_set_now(access, value, blob, deadline_ms, options);
    if (status != KV_OK) return status;
    if (old_value != NULL) string_give_old(old_value, old.size);
    if (gets_old && options->old_status != NULL) *options->old_status = had_key ? KV_OK : KV_NONE;
    return outcome;
}

/* kv_set() with options, or with a value so large that it is copied first. */
static KV_NOINLINE kv_status string_set(kv *db, kv_slice key, kv_slice value, const kv_set_options *given)
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
    kv_status status = access_open(&access, db, key, ACCESS_WRITE);
    if (status == KV_OK) status = access_close(&access, string_set_opened(&access, value, &blob, &options));
    blob_destroy(alloc, blob);
    return status;
}

kv_status kv_set(kv *db, kv_slice key, kv_slice value, const kv_set_options *options)
{
    if (db == NULL) return KV_BADARG;
    if (KV_UNLIKELY(string_is_too_big(db, value.size))) return KV_TOOBIG;
    if (options != NULL || KV_UNLIKELY(value.size >= STRING_LARGE)) return string_set(db, key, value, options);
    struct access access;
    kv_status status = access_open(&access, db, key, ACCESS_WRITE);
    if (status != KV_OK) return status;
    status = string_reserve_set(&access, value);
    if (status == KV_OK) status = access_put_text(&access, value, KV_NEVER, false);
    if (status == KV_OK && access_is_journaled(&access)) string_journal_set(&access, value, KV_NEVER, false);
    return access_close(&access, status);
}
