/*
 * keyspace/text.c -- see text.h.
 */
#include "keyspace/text.h"

/*
 * Bytes that a blob gets room for when it grows to `size`: twice that, so that n appends copy O(n)
 * bytes.
 */
static size_t text_capacity(const struct access *access, size_t size)
{
    size_t maximum = (size_t)text_size_max(access->store);
    if (size >= maximum) return size;
    return size <= maximum / 2 ? size * 2 : maximum;
}

/* Writes `value` at `at` into a text of old_size bytes that has room for it; zeros fill the gap. */
static void text_write_bytes(uint8_t *text, size_t old_size, size_t at, kv_slice value)
{
    if (at > old_size) memset(text + old_size, 0, at - old_size);
    if (value.size > 0) memcpy(text + at, value.data, value.size);
}

/* The bytes of an inline string. */
static uint8_t *text_inline_bytes(struct entry *entry)
{
    return (uint8_t *)entry + entry_key_offset(entry) + entry_key_size(entry);
}

/* In a short string whose block has room for `size` bytes of text. */
static bool text_write_inline(struct access *access, size_t at, kv_slice value, size_t size)
{
    struct entry *entry = access->entry;
    if (entry == NULL || entry_form(entry) != ENTRY_INLINE || !access_fits_inline(access, size))
        return false;
    size_t old_size = entry_size(entry);
    size_t new_size = old_size - entry->inline_size + size;
    if (memory_capacity(new_size) != memory_capacity(old_size)) return false;
    text_write_bytes(text_inline_bytes(entry), entry->inline_size, at, value);
    entry->inline_size = (uint16_t)size;
    entry->flags |= ENTRY_RAW;
    access_changed(access);
    return true;
}

/* In a blob, which may move as it grows. */
static kv_status text_write_blob(struct access *access, size_t at, kv_slice value, size_t size)
{
    struct blob *blob = entry_pointer(access->entry);
    if (size > blob->capacity) {
        struct alloc *alloc = &access->store->alloc;
        struct blob *grown = blob_resize(alloc, blob, text_capacity(access, size));
        if (grown == NULL) grown = blob_resize(alloc, blob, size);
        if (grown == NULL) return KV_NOMEM;
        blob = grown;
        access_set_payload(access, (uint64_t)(uintptr_t)blob);
    }
    text_write_bytes(blob_bytes(blob), blob->size, at, value);
    blob->size = size;
    access_changed(access);
    return KV_OK;
}

/* In a new text of `size` bytes, not too many to be inline, put together from the old one. */
static kv_status text_write_anew(struct access *access, kv_slice old, size_t at, kv_slice value,
                                 size_t size)
{
    uint8_t text[ENTRY_INLINE_BLOCK];
    assert(size <= sizeof text);
    if (old.size > 0) memcpy(text, old.data, old.size);
    text_write_bytes(text, old.size, at, value);
    return access_put_text(access, (kv_slice){text, size}, access_kept_deadline(access),
                           ACCESS_RAW);
}

/* Gives the key a blob in the place of what it holds; without memory the blob goes. */
static kv_status text_put_blob(struct access *access, struct blob *blob)
{
    kv_status status = access_put_value(access, KV_TYPE_STRING, ENTRY_BLOB,
                                        (uint64_t)(uintptr_t)blob, access_kept_deadline(access));
    if (status != KV_OK) blob_destroy(&access->store->alloc, blob);
    return status;
}

/* In a new blob. */
static kv_status text_write_to_blob(struct access *access, kv_slice old, size_t at, kv_slice value,
                                    size_t size)
{
    struct alloc *alloc = &access->store->alloc;
    bool grows = access->entry != NULL; /* and so it may again */
    struct blob *blob = blob_create(alloc, old, grows ? text_capacity(access, size) : size);
    if (blob == NULL && grows) blob = blob_create(alloc, old, size);
    if (blob == NULL) return KV_NOMEM;
    text_write_bytes(blob_bytes(blob), old.size, at, value);
    blob->size = size;
    return text_put_blob(access, blob);
}

KV_INTERNAL kv_status text_write(struct access *access, size_t at, kv_slice value, size_t size)
{
    struct entry *entry = access->entry;
    if (text_write_inline(access, at, value, size)) return KV_OK;
    if (entry != NULL && entry_form(entry) == ENTRY_BLOB)
        return text_write_blob(access, at, value, size);
    char scratch[NUMBER_INT64_SIZE];
    kv_slice old = text_at(access, scratch);
    if (access_fits_inline(access, size)) return text_write_anew(access, old, at, value, size);
    return text_write_to_blob(access, old, at, value, size);
}

KV_INTERNAL kv_status text_open(struct access *access, size_t size, struct text *text)
{
    struct entry *entry = access->entry;
    char scratch[NUMBER_INT64_SIZE];
    size_t old_size = text_at(access, scratch).size;
    text->size = old_size < size ? size : old_size;
    text->is_changed = entry == NULL || entry_form(entry) == ENTRY_INTEGER || old_size < text->size;
    if (text->is_changed) {
        kv_status status = text_write(access, text->size, (kv_slice){NULL, 0}, text->size);
        if (status != KV_OK) return status;
        entry = access->entry;
    }
    bool is_blob = entry_form(entry) == ENTRY_BLOB;
    if (!is_blob) entry->flags |= ENTRY_RAW;
    text->bytes = is_blob ? blob_bytes(entry_pointer(entry)) : text_inline_bytes(entry);
    return KV_OK;
}

/* In the place of a text in a blob, if that is large enough and not far too large. */
static bool text_replace_in_blob(struct access *access, kv_slice value)
{
    struct entry *entry = access->entry;
    if (entry == NULL || entry_form(entry) != ENTRY_BLOB) return false;
    struct blob *blob = entry_pointer(entry);
    if (value.size > blob->capacity || value.size < blob->capacity / 2) return false;
    memcpy(blob_bytes(blob), value.data, value.size);
    blob->size = value.size;
    access_changed(access);
    return true;
}

KV_INTERNAL kv_status text_replace(struct access *access, kv_slice value, size_t capacity)
{
    assert(capacity >= value.size);
    if (text_write_inline(access, 0, value, value.size)) return KV_OK;
    if (text_replace_in_blob(access, value)) return KV_OK;
    if (access_fits_inline(access, value.size))
        return access_put_text(access, value, access_kept_deadline(access), ACCESS_RAW);
    struct blob *blob = blob_create(&access->store->alloc, value, capacity);
    return blob != NULL ? text_put_blob(access, blob) : KV_NOMEM;
}
