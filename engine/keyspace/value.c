/*
 * keyspace/value.c -- see value.h.
 */
#include "keyspace/value.h"

#include "base/number.h"

/* Redis keeps strings of up to this size in one block with their object: "embstr". */
#define VALUE_EMBSTR_MAX 44

static struct list value_list(const struct entry *entry)
{
    return (struct list){(uintptr_t)entry_payload(entry)};
}

KV_INTERNAL bool value_is_outside(const struct entry *entry)
{
    if (KV_LIKELY(entry->kind >> 4 <= ENTRY_INTEGER)) return false;
    if (entry_form(entry) == ENTRY_BLOB) return true;
    struct list list = value_list(entry);
    return !list_is_small(&list);
}

static void value_discard_payload(enum entry_form form, uint64_t payload, struct memory *memory,
                                  struct garbage *garbage)
{
    if (form == ENTRY_BLOB) {
        garbage_add_blob(garbage, (struct blob *)(uintptr_t)payload);
    } else if (form == ENTRY_LIST) {
        struct list list = {(uintptr_t)payload};
        if (list_is_small(&list)) list_destroy(&list, memory);
        else garbage_add_list(garbage, list);
    }
}

KV_INTERNAL void value_discard(struct entry *entry, struct memory *memory, struct garbage *garbage)
{
    if (KV_LIKELY(entry->kind >> 4 <= ENTRY_INTEGER)) return;
    value_discard_payload(entry_form(entry), entry_payload(entry), memory, garbage);
}

KV_INTERNAL void value_discard_shape(const struct entry_shape *shape, struct memory *memory,
                                     struct garbage *garbage)
{
    value_discard_payload(shape->form, shape->payload, memory, garbage);
}

KV_INTERNAL void value_take(const struct entry *entry, struct entry_shape *shape)
{
    shape->type = entry_type(entry);
    shape->form = entry_form(entry);
    shape->flags |= entry->flags & ENTRY_RAW;
    if (shape->form == ENTRY_INLINE) shape->text = entry_text(entry);
    else shape->payload = entry_payload(entry);
}

KV_INTERNAL kv_status value_copy(const struct entry *entry, struct store *store,
                                 struct memory *memory, struct entry_shape *shape)
{
    value_take(entry, shape);
    if (shape->form == ENTRY_BLOB) {
        kv_slice text = entry_text(entry);
        struct blob *blob = blob_create(&store->alloc, text, text.size);
        shape->payload = (uint64_t)(uintptr_t)blob;
        return blob != NULL ? KV_OK : KV_NOMEM;
    }
    if (shape->form == ENTRY_LIST) {
        struct list list = value_list(entry), copy = {0};
        kv_status status = list_copy(&list, memory, &copy);
        if (status == KV_OK) shape->payload = copy.bits;
        return status;
    }
    return KV_OK;
}

KV_INTERNAL size_t value_bytes(const struct entry *entry)
{
    switch (entry_form(entry)) {
    case ENTRY_INLINE:
    case ENTRY_INTEGER: return 0;
    case ENTRY_BLOB: {
        const struct blob *blob = entry_pointer(entry);
        return sizeof *blob + blob->capacity;
    }
    case ENTRY_LIST: {
        struct list list = value_list(entry);
        return list_bytes(&list);
    }
    }
    return 0;
}

static uint64_t value_integer_length(const struct entry *entry)
{
    char text[NUMBER_INT64_SIZE];
    return number_format_int64(text, (int64_t)entry_payload(entry));
}

KV_INTERNAL uint64_t value_length(const struct entry *entry)
{
    if (entry_form(entry) == ENTRY_INTEGER) return value_integer_length(entry);
    if (entry_form(entry) != ENTRY_LIST) return entry_text(entry).size;
    struct list list = value_list(entry);
    return list_length(&list);
}

KV_INTERNAL const char *value_encoding(const struct entry *entry)
{
    if (entry_form(entry) == ENTRY_INTEGER) return "int";
    if (entry_form(entry) == ENTRY_LIST) return value_is_outside(entry) ? "quicklist" : "listpack";
    bool is_raw = (entry->flags & ENTRY_RAW) != 0 || entry_text(entry).size > VALUE_EMBSTR_MAX;
    return is_raw ? "raw" : "embstr";
}

#if KV_DEBUG > 0
KV_INTERNAL void value_check(const struct entry *entry)
{
    if (entry_form(entry) == ENTRY_BLOB) {
        const struct blob *blob = entry_pointer(entry);
        assert(blob->size <= blob->capacity);
    } else if (entry_form(entry) == ENTRY_LIST) {
        struct list list = value_list(entry);
        assert(list_length(&list) > 0);
        list_check(&list);
    }
}
#endif
