/*
 * api/api_string.c -- strings: kv_set(), kv_get() and what changes or reads a part of one.
 */
#include "base/buffer.h"
#include "base/number.h"
#include "keyspace/access.h"

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
