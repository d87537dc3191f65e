/*
 * keyspace/text.h -- the string at a key as bytes: read, written over, opened to be changed where
 * it lies.
 *
 * A string is kept in one of three ways (entry.h). Who changes a part of one, be it APPEND or a
 * bitmap, finds here all that depends on which.
 */
#ifndef KV_KEYSPACE_TEXT_H
#define KV_KEYSPACE_TEXT_H

#include "base/number.h"
#include "keyspace/access.h"

/* The bytes of a string; an integer is formatted into `scratch`. */
static inline kv_slice text_of(const struct entry *entry, char scratch[NUMBER_INT64_SIZE])
{
    if (KV_LIKELY(entry_form(entry) != ENTRY_INTEGER)) return entry_text(entry);
    return (kv_slice){scratch, number_format_int64(scratch, (int64_t)entry_payload(entry))};
}

/* The same of the key that was opened, of which it is known that it holds no other type. */
static inline kv_slice text_at(const struct access *access, char scratch[NUMBER_INT64_SIZE])
{
    return access->entry != NULL ? text_of(access->entry, scratch) : (kv_slice){NULL, 0};
}

/* The largest size of a string, KV_SETTING_MAX_VALUE_SIZE. */
static inline uint64_t text_size_max(const struct store *store)
{
    return (uint64_t)store_setting(store, KV_SETTING_MAX_VALUE_SIZE);
}

/*
 * Writes `value` into the string, or into an empty one if there is no key, at offset `at`,
 * whichever way it is kept; zeros fill a gap before it. It is `size` bytes long then, which is not
 * less than before. A change in the sense of access_changed(). KV_OK or KV_NOMEM.
 */
KV_INTERNAL kv_status text_write(struct access *access, size_t at, kv_slice value, size_t size);

/* A string that was opened for changes, until its key is changed in another way. */
struct text {
    uint8_t *bytes;
    size_t size;
    bool is_changed; /* opening it was a change: it was created, grew, or was an integer */
};

/*
 * Opens the string, or an empty one if there is no key, for changes of its bytes, after which the
 * caller calls access_changed(), unless that was done since `is_changed`. Shorter than `size` it
 * becomes so long, with zeros. KV_OK or KV_NOMEM.
 */
KV_INTERNAL kv_status text_open(struct access *access, size_t size, struct text *text);

/*
 * Stores a string that was put together elsewhere in the place of the one there, if any; its
 * deadline stays. A block that is needed for it has room for `capacity` bytes, not less than its
 * size. A change. KV_OK or KV_NOMEM.
 */
KV_INTERNAL kv_status text_replace(struct access *access, kv_slice value, size_t capacity);

#endif
