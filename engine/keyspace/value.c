/*
 * keyspace/value.c -- see value.h.
 */
#include "keyspace/value.h"

#include "base/number.h"
#include "structures/members.h"
#include "values/hash.h"
#include "values/list.h"
#include "values/set.h"
#include "values/stream.h"
#include "values/zset.h"

/* Redis keeps strings of up to this size in one block with their object: "embstr". */
#define VALUE_EMBSTR_MAX 44

/* The room of values/ behind each type; strings are in the entry or a blob. */
static const struct collection_kind *const value_kinds[] = {
    [KV_TYPE_LIST] = &list_kind,       [KV_TYPE_HASH] = &hash_kind,     [KV_TYPE_SET] = &set_kind,
    [KV_TYPE_SORTED_SET] = &zset_kind, [KV_TYPE_STREAM] = &stream_kind,
};

KV_INTERNAL const struct collection_kind *value_kind(kv_type type)
{
    assert((size_t)type < sizeof value_kinds / sizeof *value_kinds);
    assert(value_kinds[type] != NULL);
    return value_kinds[type];
}

static struct collection value_collection(const struct entry *entry)
{
    assert(entry_form(entry) == ENTRY_COLLECTION);
    return (struct collection){(uintptr_t)entry_payload(entry)};
}

KV_INTERNAL bool value_is_outside(const struct entry *entry)
{
    if (KV_LIKELY(entry_form(entry) <= ENTRY_INTEGER)) return false;
    if (entry_form(entry) == ENTRY_BLOB) return true;
    struct collection collection = value_collection(entry);
    return !collection_is_small(&collection);
}

static void value_discard_collection(kv_type type, struct collection collection,
                                     struct memory *memory, struct garbage *garbage)
{
    if (!collection_is_small(&collection)) {
        garbage_add_large(garbage, collection_large(&collection));
    } else if (!collection_is_empty(&collection)) {
        const struct collection_kind *kind = value_kind(type);
        void *block = collection_block(&collection);
        if (kind->destroy != NULL) kind->destroy(&collection, memory);
        else memory_free(memory, block, kind->block_size(block));
    }
}

static void value_discard_payload(kv_type type, enum entry_form form, uint64_t payload,
                                  struct memory *memory, struct garbage *garbage)
{
    if (form == ENTRY_BLOB) {
        garbage_add_blob(garbage, (struct blob *)(uintptr_t)payload);
    } else if (form == ENTRY_COLLECTION) {
        struct collection collection = {(uintptr_t)payload};
        value_discard_collection(type, collection, memory, garbage);
    }
}

KV_INTERNAL void value_discard(struct entry *entry, struct memory *memory, struct garbage *garbage)
{
    if (KV_LIKELY(entry_form(entry) <= ENTRY_INTEGER)) return;
    value_discard_payload(entry_type(entry), entry_form(entry), entry_payload(entry), memory,
                          garbage);
}

KV_INTERNAL void value_discard_shape(const struct entry_shape *shape, struct memory *memory,
                                     struct garbage *garbage)
{
    value_discard_payload(shape->type, shape->form, shape->payload, memory, garbage);
}

KV_INTERNAL void value_take(const struct entry *entry, struct entry_shape *shape)
{
    shape->type = entry_type(entry);
    shape->form = entry_form(entry);
    shape->flags |= entry->flags & ENTRY_RAW;
    if (shape->form == ENTRY_INLINE) shape->text = entry_text(entry);
    else shape->payload = entry_payload(entry);
    shape->fields_ms = value_next_deadline(entry);
}

KV_INTERNAL kv_status value_copy_collection(kv_type type, const struct collection *collection,
                                            struct memory *memory, struct collection *copy)
{
    return value_kind(type)->copy(collection, memory, copy);
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
    if (shape->form == ENTRY_COLLECTION) {
        struct collection collection = value_collection(entry), copy = {0};
        kv_status status = value_copy_collection(shape->type, &collection, memory, &copy);
        if (status == KV_OK) shape->payload = copy.word;
        return status;
    }
    return KV_OK;
}

KV_INTERNAL int64_t value_next_of(kv_type type, const struct collection *collection)
{
    const struct collection_kind *kind = value_kind(type);
    bool has_any = kind->next_deadline != NULL && !collection_is_empty(collection);
    return has_any ? kind->next_deadline(collection) : 0;
}

KV_INTERNAL int64_t value_next_deadline(const struct entry *entry)
{
    if (KV_LIKELY(entry_form(entry) != ENTRY_COLLECTION)) return 0;
    struct collection collection = value_collection(entry);
    return value_next_of(entry_type(entry), &collection);
}

KV_INTERNAL bool value_is_gone_slowly(const struct entry *entry, int64_t now_ms)
{
    if (entry_is_expired(entry, now_ms)) return true;
    if (!entry_has_timed_fields(entry)) return false;
    struct collection collection = value_collection(entry);
    return value_kind(entry_type(entry))->is_spent(&collection, now_ms);
}

KV_INTERNAL size_t value_peek_due(const struct entry *entry, int64_t now_ms,
                                  struct collection_due *due)
{
    assert(entry_has_timed_fields(entry));
    struct collection collection = value_collection(entry);
    return value_kind(entry_type(entry))->peek_due(&collection, now_ms, due);
}

KV_INTERNAL struct collection value_drop_due(const struct entry *entry, struct memory *memory,
                                             const struct collection_due *due, size_t count)
{
    struct collection collection = value_collection(entry);
    value_kind(entry_type(entry))->drop_due(&collection, memory, due, count);
    return collection;
}

/* The lines of a small collection that are fetched; most have no more. */
#define VALUE_FETCH_SIZE 256

KV_INTERNAL void value_fetch(const struct entry *entry, const kv_slice *members, size_t count)
{
    if (entry_form(entry) != ENTRY_COLLECTION) return;
    struct collection collection = value_collection(entry);
    if (collection_is_small(&collection)) {
        const uint8_t *block = collection_block(&collection);
        for (size_t at = 0; at < VALUE_FETCH_SIZE; at += KV_CACHE_LINE) KV_PREFETCH(block + at);
        return;
    }
    const struct collection_kind *kind = value_kind(entry_type(entry));
    if (kind->members == NULL) {
        KV_PREFETCH(collection_large(&collection));
        return;
    }
    struct member_name names[MEMBERS_BATCH];
    const struct members *table = kind->members(&collection);
    members_names(members_key(table), members, count, names);
    members_fetch(table, names, count);
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
    case ENTRY_COLLECTION: {
        struct collection collection = value_collection(entry);
        return collection_bytes(&collection, value_kind(entry_type(entry)));
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
    if (entry_form(entry) != ENTRY_COLLECTION) return entry_text(entry).size;
    struct collection collection = value_collection(entry);
    return value_kind(entry_type(entry))->length(&collection);
}

KV_INTERNAL const char *value_encoding(const struct entry *entry)
{
    if (entry_form(entry) == ENTRY_INTEGER) return "int";
    if (entry_form(entry) == ENTRY_COLLECTION) {
        struct collection collection = value_collection(entry);
        return value_kind(entry_type(entry))->encoding(&collection);
    }
    bool is_raw = (entry->flags & ENTRY_RAW) != 0 || entry_text(entry).size > VALUE_EMBSTR_MAX;
    return is_raw ? "raw" : "embstr";
}

#if KV_DEBUG > 0
KV_INTERNAL void value_check(const struct entry *entry)
{
    if (entry_form(entry) == ENTRY_BLOB) {
        const struct blob *blob = entry_pointer(entry);
        assert(blob->size <= blob->capacity);
    } else if (entry_form(entry) == ENTRY_COLLECTION) {
        const struct collection_kind *kind = value_kind(entry_type(entry));
        struct collection collection = value_collection(entry);
        assert(!collection_is_empty(&collection));
        assert(kind->may_have_none || kind->length(&collection) > 0);
        kind->check(&collection);
    }
}
#endif
