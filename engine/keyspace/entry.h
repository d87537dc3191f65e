/*
 * keyspace/entry.h -- a key with its type, deadline and value, in one block of memory.
 *
 *     offset  size
 *     0       1     type (low 3 bits), form (bits 4 and 5): how the value is kept, two eras (bits
 *                   3 and 6: see era.h), and whether its deadlines are local (bit 7)
 *     1       1     flags: which of the optional fields are there
 *     2       1     size of the key, if not ENTRY_WIDE
 *     3       3     access clock: seconds of the wall clock, modulo 2^24
 *     6       2     size of an inline value
 *     8       8     ENTRY_WIDE: size of the key
 *             8     ENTRY_TIMED: 40 bits of deadline, 24 bits of its number in the shard's order of
 *                   deadlines (the top two bits of the flags are two more of it)
 *             8+8   ENTRY_TIMED_FAR instead: 64 bits each, for a deadline that does not fit
 *             8     ENTRY_FIELDS_TIMED: the deadline of the key, KV_NEVER if it has none; that
 *                   before it is the earliest of this one and those of its fields
 *             8     ENTRY_VERSIONED: the version
 *             8     forms other than inline: an integer, or the address of the value
 *             ...   key
 *             ...   inline value
 *
 * A key of 16 bytes with a value of 16 takes 40 bytes, 48 with a deadline; with an integer 32.
 * Which fields there are is decided when the block is written; to add one, an entry is written anew
 * (shard.h). Nothing in it points to itself, so it may be copied.
 */
#ifndef KV_KEYSPACE_ENTRY_H
#define KV_KEYSPACE_ENTRY_H

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/memory.h"
#include "base/slice.h"

#include <string.h>

enum entry_form {
    ENTRY_INLINE = 0, /* bytes after the key */
    ENTRY_INTEGER = 1,
    ENTRY_BLOB = 2,      /* a struct blob: a string too large to be inline */
    ENTRY_COLLECTION = 3 /* a struct collection, of the kind that belongs to the type */
};

#define ENTRY_WIDE      1u
#define ENTRY_TIMED     2u
#define ENTRY_TIMED_FAR 4u
#define ENTRY_VERSIONED 8u
#define ENTRY_RAW \
    16u /* a short string that Redis would call "raw", since APPEND or SETRANGE made
                         it */
#define ENTRY_FIELDS_TIMED 32u /* something in its value has a deadline of its own */

/* Of the kind. */
#define ENTRY_TYPE         0x07u
#define ENTRY_SNAPSHOT_ERA 0x08u
#define ENTRY_FORM         0x30u
#define ENTRY_FROZEN_ERA   0x40u
#define ENTRY_LOCAL        0x80u
#define ENTRY_ERAS         (ENTRY_SNAPSHOT_ERA | ENTRY_FROZEN_ERA)

#define ENTRY_FORM_SHIFT   4

#define ENTRY_ID_SHIFT     6 /* bits 6 and 7 of the flags are bits 24 and 25 of a short number */
#define ENTRY_ID_LIMIT     (UINT64_C(1) << 26)

#define ENTRY_FIELD        8
#define ENTRY_CLOCK_MASK   0xffffffu

struct entry {
    uint8_t kind;
    uint8_t flags;
    uint8_t short_key_size;
    uint8_t clock[3];
    uint16_t inline_size;
};
_Static_assert(sizeof(struct entry) == 8, "the header of an entry");

/*
 * A string that lives outside its entry, in host memory: large ones move and are freed without a
 * shard's lock.
 */
struct blob {
    struct blob *next; /* in a list of what waits to be freed */
    size_t size;
    size_t capacity; /* bytes that may follow */
};

static inline uint8_t *blob_bytes(struct blob *blob)
{
    return (uint8_t *)(blob + 1);
}

/* A blob with this text and room for `capacity` bytes. NULL without memory. */
KV_INTERNAL struct blob *blob_create(struct alloc *alloc, kv_slice text, size_t capacity);

/*
 * Gives a blob room for `capacity` bytes; the address may change. NULL without memory, then it is
 * as it was.
 */
KV_INTERNAL struct blob *blob_resize(struct alloc *alloc, struct blob *blob, size_t capacity);

KV_INTERNAL void blob_destroy(struct alloc *alloc, struct blob *blob);

/* What an entry is to be: all that entry_write() and entry_size() want to know. */
struct entry_shape {
    kv_slice key;
    kv_type type;
    enum entry_form form;
    unsigned flags;      /* ENTRY_VERSIONED, ENTRY_RAW; the others follow from the fields
                               below */
    kv_slice text;       /* ENTRY_INLINE */
    uint64_t payload;    /* other forms: the integer or the address */
    int64_t deadline_ms; /* KV_NEVER: the key has none */
    int64_t fields_ms;   /* not after the earliest deadline in its value; 0: there is none */
    uint64_t deadline_id;
    uint64_t version;
    uint32_t clock;
    bool is_local; /* as entry_is_local() */
};

/*
 * A string is kept inline if its entry stays a small block, or if it is so short that a blob's
 * header would be most of it.
 */
#define ENTRY_INLINE_BLOCK  1016
#define ENTRY_INLINE_ALWAYS 64

static inline bool entry_fits_inline(size_t key_size, size_t size)
{
    return size <= ENTRY_INLINE_ALWAYS ||
           sizeof(struct entry) + 4 * ENTRY_FIELD + key_size + size <= ENTRY_INLINE_BLOCK;
}

/* Completes shape->flags from its fields. */
KV_INTERNAL void entry_shape_settle(struct entry_shape *shape);

/* Bytes of an entry of this (settled) shape, and of one that there is. */
KV_INTERNAL size_t entry_shape_size(const struct entry_shape *shape);
KV_INTERNAL size_t entry_size(const struct entry *entry);

/*
 * Writes an entry into a block of entry_shape_size(). The block may be that of the entry's
 * predecessor: then shape->key may lie in it, and so may shape->text if it follows the key there,
 * as it does in what entry_read() gives. The eras are for the caller to set.
 */
KV_INTERNAL void entry_write(void *block, const struct entry_shape *shape);

/* Reads an entry back into a shape; the slices point into the entry. */
KV_INTERNAL void entry_read(const struct entry *entry, struct entry_shape *shape);

/* 2020-01-01 in ms: 40 bits from there reach 2054. */
#define ENTRY_NEAR_EPOCH UINT64_C(1577836800000)

/* The instant at which something is to be done about a key of this shape; KV_NEVER: none. */
static inline int64_t entry_shape_due(const struct entry_shape *shape)
{
    bool is_earlier = shape->fields_ms != 0 && shape->fields_ms < shape->deadline_ms;
    return is_earlier ? shape->fields_ms : shape->deadline_ms;
}

/* True if a deadline fits the short field. */
static inline bool entry_is_near(int64_t deadline_ms)
{
    return (uint64_t)deadline_ms - ENTRY_NEAR_EPOCH < UINT64_C(1) << 40;
}

/* ----------------------------------------------------------------------------------- reading it */

static inline kv_type entry_type(const struct entry *entry)
{
    return (kv_type)(entry->kind & ENTRY_TYPE);
}

static inline void entry_set_eras(struct entry *entry, uint8_t eras)
{
    assert((eras & ~ENTRY_ERAS) == 0);
    entry->kind = (uint8_t)((entry->kind & ~ENTRY_ERAS) | eras);
}

static inline enum entry_form entry_form(const struct entry *entry)
{
    return (enum entry_form)((entry->kind & ENTRY_FORM) >> ENTRY_FORM_SHIFT);
}

static inline uint64_t entry_word(const struct entry *entry, size_t offset)
{
    uint64_t word;
    memcpy(&word, (const uint8_t *)entry + offset, sizeof word);
    return word;
}

static inline void entry_set_word(struct entry *entry, size_t offset, uint64_t word)
{
    memcpy((uint8_t *)entry + offset, &word, sizeof word);
}

static inline size_t entry_timed_offset(const struct entry *entry)
{
    return sizeof *entry + ((entry->flags & ENTRY_WIDE) != 0 ? ENTRY_FIELD : 0);
}

static inline size_t entry_own_offset(const struct entry *entry)
{
    size_t timed = (entry->flags & ENTRY_TIMED_FAR) != 0 ? 2 * ENTRY_FIELD
                   : (entry->flags & ENTRY_TIMED) != 0   ? ENTRY_FIELD
                                                         : 0;
    return entry_timed_offset(entry) + timed;
}

static inline size_t entry_version_offset(const struct entry *entry)
{
    size_t own = (entry->flags & ENTRY_FIELDS_TIMED) != 0 ? ENTRY_FIELD : 0;
    return entry_own_offset(entry) + own;
}

static inline size_t entry_payload_offset(const struct entry *entry)
{
    return entry_version_offset(entry) + ((entry->flags & ENTRY_VERSIONED) != 0 ? ENTRY_FIELD : 0);
}

static inline size_t entry_key_offset(const struct entry *entry)
{
    if (KV_LIKELY(entry_form(entry) == ENTRY_INLINE && (entry->flags & 15u) == 0))
        return sizeof *entry;
    return entry_payload_offset(entry) + (entry_form(entry) != ENTRY_INLINE ? ENTRY_FIELD : 0);
}

static inline size_t entry_key_size(const struct entry *entry)
{
    if (KV_LIKELY((entry->flags & ENTRY_WIDE) == 0)) return entry->short_key_size;
    return (size_t)entry_word(entry, sizeof *entry);
}

static inline kv_slice entry_key(const struct entry *entry)
{
    return (kv_slice){(const uint8_t *)entry + entry_key_offset(entry), entry_key_size(entry)};
}

static inline uint64_t entry_payload(const struct entry *entry)
{
    return entry_word(entry, entry_payload_offset(entry));
}

static inline void entry_set_payload(struct entry *entry, uint64_t payload)
{
    entry_set_word(entry, entry_payload_offset(entry), payload);
}

static inline void *entry_pointer(const struct entry *entry)
{
    return (void *)(uintptr_t)entry_payload(entry);
}

/* True if it is in the order of deadlines: for the key's, or one in its value. */
static inline bool entry_is_timed(const struct entry *entry)
{
    return (entry->flags & (ENTRY_TIMED | ENTRY_TIMED_FAR)) != 0;
}

static inline bool entry_has_timed_fields(const struct entry *entry)
{
    return (entry->flags & ENTRY_FIELDS_TIMED) != 0;
}

/*
 * True if the store is a copy of another one and each deadline in the entry was set here, not by
 * that one: so it is for this store to remove what is due.
 */
static inline bool entry_is_local(const struct entry *entry)
{
    return (entry->kind & ENTRY_LOCAL) != 0;
}

static inline void entry_set_local(struct entry *entry, bool is_local)
{
    entry->kind = (uint8_t)((entry->kind & ~ENTRY_LOCAL) | (is_local ? ENTRY_LOCAL : 0));
}

/* Where it is in that order, the earliest of these deadlines; KV_NEVER if it is not. */
static inline int64_t entry_due(const struct entry *entry)
{
    if (KV_LIKELY(!entry_is_timed(entry))) return KV_NEVER;
    uint64_t word = entry_word(entry, entry_timed_offset(entry));
    if ((entry->flags & ENTRY_TIMED_FAR) != 0) return (int64_t)word;
    return (int64_t)((word >> 24) + ENTRY_NEAR_EPOCH);
}

/* The key's deadline, KV_NEVER if it has none. */
static inline int64_t entry_deadline(const struct entry *entry)
{
    if (KV_UNLIKELY(entry_has_timed_fields(entry)))
        return (int64_t)entry_word(entry, entry_own_offset(entry));
    return entry_due(entry);
}

static inline uint64_t entry_deadline_id(const struct entry *entry)
{
    size_t offset = entry_timed_offset(entry);
    if ((entry->flags & ENTRY_TIMED_FAR) != 0) return entry_word(entry, offset + ENTRY_FIELD);
    return (entry_word(entry, offset) & 0xffffff) | (uint64_t)(entry->flags >> ENTRY_ID_SHIFT)
                                                        << 24;
}

/*
 * Changes place and number in the order of deadlines of an entry that has room for them: a near
 * deadline, or far fields. The place is the key's own deadline unless entry_has_timed_fields().
 */
static inline void entry_set_due(struct entry *entry, int64_t deadline_ms, uint64_t deadline_id)
{
    assert(deadline_id < ENTRY_ID_LIMIT);
    size_t offset = entry_timed_offset(entry);
    if ((entry->flags & ENTRY_TIMED_FAR) != 0) {
        entry_set_word(entry, offset, (uint64_t)deadline_ms);
        entry_set_word(entry, offset + ENTRY_FIELD, deadline_id);
        return;
    }
    assert((entry->flags & ENTRY_TIMED) != 0 && entry_is_near(deadline_ms));
    uint64_t offset_ms = (uint64_t)deadline_ms - ENTRY_NEAR_EPOCH;
    entry_set_word(entry, offset, offset_ms << 24 | (deadline_id & 0xffffff));
    entry->flags = (uint8_t)((entry->flags & ((1u << ENTRY_ID_SHIFT) - 1)) |
                             deadline_id >> 24 << ENTRY_ID_SHIFT);
}

/* True if the entry has room for this place in the order of deadlines. */
static inline bool entry_can_hold(const struct entry *entry, int64_t deadline_ms)
{
    if ((entry->flags & ENTRY_TIMED_FAR) != 0) return true;
    return (entry->flags & ENTRY_TIMED) != 0 && entry_is_near(deadline_ms);
}

static inline bool entry_is_expired(const struct entry *entry, int64_t now_ms)
{
    return entry_deadline(entry) <= now_ms;
}

static inline uint32_t entry_clock(const struct entry *entry)
{
    return bytes_load32((const uint8_t *)entry + 2) >> 8; /* one load, and the byte before it */
}

static inline void entry_set_clock(struct entry *entry, uint32_t clock)
{
    /* Mostly it is the same second: then the cache line stays clean. */
    if (KV_LIKELY(entry_clock(entry) == (clock & ENTRY_CLOCK_MASK))) return;
    entry->clock[0] = (uint8_t)clock;
    entry->clock[1] = (uint8_t)(clock >> 8);
    entry->clock[2] = (uint8_t)(clock >> 16);
}

/* The bytes of a string that is not an integer. */
static inline kv_slice entry_text(const struct entry *entry)
{
    if (KV_LIKELY(entry_form(entry) == ENTRY_INLINE)) {
        const uint8_t *start =
            (const uint8_t *)entry + entry_key_offset(entry) + entry_key_size(entry);
        return (kv_slice){start, entry->inline_size};
    }
    struct blob *blob = entry_pointer(entry);
    return (kv_slice){blob_bytes(blob), blob->size};
}

/* True if it is the entry of this key. */
KV_INLINE bool entry_is_of(const struct entry *entry, kv_slice key)
{
    return entry_key_size(entry) == key.size &&
           bytes_equal((const uint8_t *)entry + entry_key_offset(entry), key.data, key.size);
}

/* The same as a table asks it, of an entry that was not fetched before. */
static inline bool entry_has_key(const void *item, const void *sought)
{
    KV_PREFETCH((const uint8_t *)item + KV_CACHE_LINE); /* of the value, whose place only the first
                                                           line tells */
    return entry_is_of(item, *(const kv_slice *)sought);
}

#endif
