/*
 * keyspace/value.h -- what can be done with a value whatever its type: free it, copy it, measure
 * it.
 *
 * The one place that knows which room of values/ stands behind a type: to add one, name its kind in
 * value_kinds[].
 */
#ifndef KV_KEYSPACE_VALUE_H
#define KV_KEYSPACE_VALUE_H

#include "keyspace/store.h"

/* What a type of collection is. */
KV_INTERNAL const struct collection_kind *value_kind(kv_type type);

/*
 * True if (part of) the value lies outside the shard's own memory, so that it must be freed by
 * itself.
 */
KV_INTERNAL bool value_is_outside(const struct entry *entry);

/*
 * Frees what the entry holds beside its own block: at once if it lies in `memory`, the shard's;
 * else it goes to `garbage`.
 */
KV_INTERNAL void value_discard(struct entry *entry, struct memory *memory, struct garbage *garbage);

/*
 * Makes a copy of the value that belongs to a shard with this memory: form, text or payload of
 * `shape` receive it; its text points into the old entry. KV_OK or KV_NOMEM.
 */
KV_INTERNAL kv_status value_copy(const struct entry *entry, struct store *store,
                                 struct memory *memory, struct entry_shape *shape);

/* The same of a collection that no entry has. KV_OK, or KV_NOMEM with nothing left. */
KV_INTERNAL kv_status value_copy_collection(kv_type type, const struct collection *collection,
                                            struct memory *memory, struct collection *copy);

/*
 * Puts the value itself into `shape`: the old entry must be forgotten then, its text stays where it
 * is till that.
 */
KV_INTERNAL void value_take(const struct entry *entry, struct entry_shape *shape);

/* Frees a payload made by value_copy() that found no entry. */
KV_INTERNAL void value_discard_shape(const struct entry_shape *shape, struct memory *memory,
                                     struct garbage *garbage);

/*
 * The earliest deadline of anything in the value, 0 if there is none; and whether a key is not
 * there any more at now_ms, as its deadline has passed or that of each of its fields.
 */
KV_INTERNAL int64_t value_next_deadline(const struct entry *entry);
KV_INTERNAL int64_t value_next_of(kv_type type, const struct collection *collection);
KV_INTERNAL bool value_is_gone_slowly(const struct entry *entry, int64_t now_ms);

static inline bool value_is_gone(const struct entry *entry, int64_t now_ms)
{
    return KV_UNLIKELY(entry_due(entry) <= now_ms) && value_is_gone_slowly(entry, now_ms);
}

/* Notes what is due in the value of an entry with timed fields, and takes it out. */
KV_INTERNAL size_t value_peek_due(const struct entry *entry, int64_t now_ms,
                                  struct collection_due *due);
KV_INTERNAL struct collection value_drop_due(const struct entry *entry, struct memory *memory,
                                             const struct collection_due *due, size_t count);

/*
 * Fetches what a call on each of these members will need of the value, the cache misses of all
 * overlapping: a hint. If it has no table of members, its block, or its header. Up to
 * MEMBERS_BATCH of them; the value's shard is locked.
 */
KV_INTERNAL void value_fetch(const struct entry *entry, const kv_slice *members, size_t count);

/*
 * Bytes of memory outside the entry's block; elements or bytes of the value; the name of its
 * encoding.
 */
KV_INTERNAL size_t value_bytes(const struct entry *entry);
KV_INTERNAL uint64_t value_length(const struct entry *entry);
KV_INTERNAL const char *value_encoding(const struct entry *entry);

#if KV_DEBUG > 0
KV_INTERNAL void value_check(const struct entry *entry);
#endif

#endif
