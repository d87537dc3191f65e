/*
 * keyspace/value.c -- see value.h.
 */
#include "keyspace/value.h"

#include "base/number.h"

/* Redis keeps strings of up to this size in one block with their object: "embstr". */
#define VALUE_EMBSTR_MAX 44

KV_INTERNAL bool value_is_outside(const struct entry *entry)
{
    return entry_form(entry) == ENTRY_BLOB;
}

KV_INTERNAL void value_discard(struct entry *entry, struct memory *memory, struct garbage *garbage)
{
    (void)memory;
    if (entry_form(entry) == ENTRY_BLOB) garbage_add_blob(garbage, entry_pointer(entry));
}

KV_INTERNAL void value_discard_shape(const struct entry_shape *shape, struct memory *memory, struct garbage *garbage)
{
    (void)memory;
    if (shape->form == ENTRY_BLOB) garbage_add_blob(garbage, (struct blob *)(uintptr_t)shape->payload);
}

KV_INTERNAL void value_take(const struct entry *entry, struct entry_shape *shape)
{
    shape->type = entry_type(entry);
    shape->form = entry_form(entry);
    shape->flags |= entry->flags & ENTRY_RAW;
    if (shape->form == ENTRY_INLINE) shape->text = entry_text(entry);
    else shape->payload = entry_payload(entry);
}

KV_INTERNAL kv_status value_copy(const struct entry *entry, struct store *store, struct memory *memory,
                                 struct entry_shape *shape)
{
    (void)memory;
    value_take(entry, shape);
    if (shape->form != ENTRY_BLOB) return KV_OK;
    kv_slice text = entry_text(entry);
    struct blob *blob = blob_create(&store->alloc, text, text.size);
    shape->payload = (uint64_t)(uintptr_t)blob;
    return blob != NULL ? KV_OK : KV_NOMEM;
}

KV_INTERNAL size_t value_bytes(const struct entry *entry)
{
    if (entry_form(entry) != ENTRY_BLOB) return 0;
    const struct blob *blob = entry_pointer(entry);
    return sizeof *blob + blob->capacity;
}

KV_INTERNAL uint64_t value_length(const struct entry *entry)
{
    if (entry_form(entry) == ENTRY_INTEGER) {
        char text[NUMBER_INT64_SIZE];
        return number_format_int64(text, (int64_t)entry_payload(entry));
    }
    return entry_text(entry).size;
}

KV_INTERNAL const char *value_encoding(const struct entry *entry)
{
    if (entry_form(entry) == ENTRY_INTEGER) return "int";
    bool is_raw = (entry->flags & ENTRY_RAW) != 0 || entry_text(entry).size > VALUE_EMBSTR_MAX;
    return is_raw ? "raw" : "embstr";
}

KV_INTERNAL void value_check(const struct entry *entry)
{
    if (entry_form(entry) != ENTRY_BLOB) return;
    const struct blob *blob = entry_pointer(entry);
    assert(blob->size <= blob->capacity);
    (void)blob;
}
