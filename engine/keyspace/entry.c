/*
 * keyspace/entry.c -- see the picture in entry.h.
 */
#include "keyspace/entry.h"

KV_INTERNAL void entry_shape_settle(struct entry_shape *shape)
{
    unsigned flags = shape->flags & (ENTRY_VERSIONED | ENTRY_RAW);
    if (shape->key.size > UINT8_MAX) flags |= ENTRY_WIDE;
    int64_t due_ms = entry_shape_due(shape);
    if (due_ms != KV_NEVER) flags |= entry_is_near(due_ms) ? ENTRY_TIMED : ENTRY_TIMED_FAR;
    if (shape->fields_ms != 0) flags |= ENTRY_FIELDS_TIMED;
    shape->flags = flags;
    shape->is_local &= due_ms != KV_NEVER;
}

static size_t entry_fields_size(unsigned flags, enum entry_form form)
{
    size_t size = sizeof(struct entry);
    if ((flags & ENTRY_WIDE) != 0) size += ENTRY_FIELD;
    if ((flags & ENTRY_TIMED) != 0) size += ENTRY_FIELD;
    if ((flags & ENTRY_TIMED_FAR) != 0) size += 2 * ENTRY_FIELD;
    if ((flags & ENTRY_FIELDS_TIMED) != 0) size += ENTRY_FIELD;
    if ((flags & ENTRY_VERSIONED) != 0) size += ENTRY_FIELD;
    if (form != ENTRY_INLINE) size += ENTRY_FIELD;
    return size;
}

KV_INTERNAL size_t entry_shape_size(const struct entry_shape *shape)
{
    size_t size = entry_fields_size(shape->flags, shape->form) + shape->key.size;
    return shape->form == ENTRY_INLINE ? size + shape->text.size : size;
}

KV_INTERNAL size_t entry_size(const struct entry *entry)
{
    return entry_key_offset(entry) + entry_key_size(entry) +
           (entry_form(entry) == ENTRY_INLINE ? entry->inline_size : 0u);
}

KV_INTERNAL void entry_write(void *block, const struct entry_shape *shape)
{
    struct entry *entry = block;
    size_t fields = entry_fields_size(shape->flags, shape->form);
    uint8_t *key = (uint8_t *)block + fields;
    const uint8_t *key_end = (const uint8_t *)shape->key.data + shape->key.size;
    bool is_joined =
        shape->form == ENTRY_INLINE && shape->key.size > 0 && shape->text.data == key_end;
    /* both lie in the old entry */
    size_t moved = shape->key.size + (is_joined ? shape->text.size : 0);
    if (moved > 0) memmove(key, shape->key.data, moved);

    entry->kind = (uint8_t)((unsigned)shape->type | (unsigned)shape->form << ENTRY_FORM_SHIFT);
    entry_set_local(entry, shape->is_local);
    entry->flags = (uint8_t)shape->flags;
    entry->short_key_size = (shape->flags & ENTRY_WIDE) != 0 ? 0 : (uint8_t)shape->key.size;
    entry->clock[0] = (uint8_t)shape->clock;
    entry->clock[1] = (uint8_t)(shape->clock >> 8);
    entry->clock[2] = (uint8_t)(shape->clock >> 16);
    entry->inline_size = 0;
    if ((shape->flags & ENTRY_WIDE) != 0) entry_set_word(entry, sizeof *entry, shape->key.size);
    if (entry_is_timed(entry)) entry_set_due(entry, entry_shape_due(shape), shape->deadline_id);
    if (entry_has_timed_fields(entry))
        entry_set_word(entry, entry_own_offset(entry), (uint64_t)shape->deadline_ms);
    if ((shape->flags & ENTRY_VERSIONED) != 0) {
        entry_set_word(entry, entry_version_offset(entry), shape->version);
    }
    if (shape->form == ENTRY_INLINE) {
        assert(shape->text.size <= UINT16_MAX);
        entry->inline_size = (uint16_t)shape->text.size;
        if (shape->text.size > 0 && !is_joined)
            memcpy(key + shape->key.size, shape->text.data, shape->text.size);
    } else {
        entry_set_payload(entry, shape->payload);
    }
    assert(entry_size(entry) == entry_shape_size(shape));
}

KV_INTERNAL void entry_read(const struct entry *entry, struct entry_shape *shape)
{
    shape->key = entry_key(entry);
    shape->type = entry_type(entry);
    shape->form = entry_form(entry);
    shape->flags = entry->flags;
    bool is_inline = shape->form == ENTRY_INLINE;
    shape->text = is_inline ? entry_text(entry) : (kv_slice){NULL, 0};
    shape->payload = is_inline ? 0 : entry_payload(entry);
    shape->deadline_ms = entry_deadline(entry);
    shape->fields_ms = entry_has_timed_fields(entry) ? entry_due(entry) : 0;
    shape->deadline_id = entry_is_timed(entry) ? entry_deadline_id(entry) : 0;
    bool has_version = (entry->flags & ENTRY_VERSIONED) != 0;
    shape->version = has_version ? entry_word(entry, entry_version_offset(entry)) : 0;
    shape->clock = entry_clock(entry);
    shape->is_local = entry_is_local(entry);
}

KV_INTERNAL struct blob *blob_create(struct alloc *alloc, kv_slice text, size_t capacity)
{
    assert(capacity >= text.size);
    if (capacity > SIZE_MAX - sizeof(struct blob)) return NULL;
    struct blob *blob = alloc_get(alloc, sizeof *blob + capacity);
    if (blob == NULL) return NULL;
    blob->next = NULL;
    blob->size = text.size;
    blob->capacity = capacity;
    if (text.size > 0) memcpy(blob_bytes(blob), text.data, text.size);
    return blob;
}

KV_INTERNAL struct blob *blob_resize(struct alloc *alloc, struct blob *blob, size_t capacity)
{
    if (capacity > SIZE_MAX - sizeof(struct blob)) return NULL;
    blob = alloc_resize(alloc, blob, sizeof *blob + blob->capacity, sizeof *blob + capacity);
    if (blob != NULL) blob->capacity = capacity;
    return blob;
}

KV_INTERNAL void blob_destroy(struct alloc *alloc, struct blob *blob)
{
    if (blob != NULL) alloc_free(alloc, blob, sizeof *blob + blob->capacity);
}
