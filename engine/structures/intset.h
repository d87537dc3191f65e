/*
 * structures/intset.h -- a small set of integers in one block of bytes, sorted, in Redis's intset
 * format.
 *
 *     width:4  count:4  integer...        all little-endian; width is 2, 4 or 8 bytes an integer
 *
 * The bytes are exactly those that Redis keeps and writes into RDB files. All integers have the
 * width of the widest that ever was in it, as in Redis.
 *
 * Ownership  An intset is a block of its owner's memory, with room to grow. An owner may keep a pack
 *            or an intset behind the same pointer: intset_is() tells which.
 * Failure    Making room can fail; putting in and taking out what there is room for cannot.
 * Limits     INTSET_COUNT_MAX integers. The cost of a change grows with the count: meant for some
 *            hundreds.
 */
#ifndef KV_STRUCTURES_INTSET_H
#define KV_STRUCTURES_INTSET_H

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/memory.h"

#include "kvstore.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INTSET_HEADER    8 /* width and count */
#define INTSET_COUNT_MAX ((size_t)1 << 27)

/* Where a pack has its `start`; no pack starts so far in. */
#define INTSET_MARK UINT32_MAX

struct intset {
    uint32_t capacity; /* bytes of room */
    uint32_t mark;     /* INTSET_MARK */
    uint8_t room[];
};

/* Whether a block, which is that of a pack or of an intset, is that of an intset. */
static inline bool intset_is(const void *block)
{
    return ((const struct intset *)block)->mark == INTSET_MARK;
}

static inline size_t intset_width(const struct intset *intset)
{
    return bytes_load32(intset->room);
}

static inline size_t intset_count(const struct intset *intset)
{
    return bytes_load32(intset->room + 4);
}

/* The intset itself, as an RDB file has it. Lent. */
static inline kv_slice intset_bytes(const struct intset *intset)
{
    return (kv_slice){intset->room, INTSET_HEADER + intset_count(intset) * intset_width(intset)};
}

/* The size of the block: what it must be given back with. */
static inline size_t intset_block_size(const struct intset *intset)
{
    return sizeof *intset + intset->capacity;
}

/* The integer at `index`, in ascending order. */
KV_INTERNAL int64_t intset_at(const struct intset *intset, size_t index);

/* Whether it has the integer; where it is, or belongs, goes to *index. O(log n). */
KV_INTERNAL bool intset_find(const struct intset *intset, int64_t integer, size_t *index);

/*
 * Sees to it that `count` integers as wide as `integer` can be put in; *intset may be NULL, and then
 * a new one is made. It may move. KV_OK, KV_TOOBIG, KV_NOMEM.
 */
KV_INTERNAL kv_status intset_reserve(struct memory *memory, struct intset **intset, size_t count,
                                     int64_t integer);

/* Puts in an integer for which there is room, at the index that intset_find() gave. O(n). */
KV_INTERNAL void intset_insert(struct intset *intset, size_t index, int64_t integer);

/* Takes out the integer at an index. O(n). */
KV_INTERNAL void intset_delete(struct intset *intset, size_t index);

KV_INTERNAL void intset_destroy(struct memory *memory, struct intset *intset);

/* Whether untrusted bytes are an intset: its outside and, if `deep`, that it is in order. */
KV_INTERNAL KV_UNUSED bool intset_validate(kv_slice bytes, bool deep);

/* An intset with a copy of validated bytes. KV_OK, KV_NOMEM. */
KV_INTERNAL kv_status intset_load(struct memory *memory, kv_slice bytes, struct intset **intset);

#if KV_DEBUG > 0
/* Asserts what is promised above. */
KV_INTERNAL KV_UNUSED void intset_check(const struct intset *intset);
#endif

#endif
