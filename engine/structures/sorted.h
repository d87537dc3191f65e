/*
 * structures/sorted.h -- records of one size in the order of their keys, on the counted tree.
 *
 * A record is some bytes of the owner's that begin with, or lead to, its key; no two have the same.
 * What the order is the owner tells by its kind (struct sorted_kind). Records lie side by side in
 * the leaves of a tree, so that a walk reads memory in order.
 *
 * Ownership  Nothing beyond the struct for an empty one; leaves and nodes come from the memory each
 *            call is given.
 * Failure    Only sorted_insert() needs memory, and it changes nothing when there is none. What it
 *            put in can always be taken out again.
 * Places     A place is at one record. It and the address of a record are good until records are
 *            put in or taken out.
 * Cost       O(log n); next to the last record O(1). A leaf of about 1 KiB is full where records
 *            come in order, else half full or more, and one that loses records joins a neighbour.
 */
#ifndef KV_STRUCTURES_SORTED_H
#define KV_STRUCTURES_SORTED_H

#include "structures/tree.h"

/* What the order of some records is. A mark is the first 8 bytes of a key, so to speak: tree.h. */
struct sorted_kind {
    struct tree_order order; /* of leaves: the same two answers about sorted_leaf_first(leaf) */
    size_t record_size;      /* a multiple of 8 */
    uint64_t (*mark)(const void *key);
    int (*compare)(const void *key, const void *record);
};

struct sorted_leaf {
    uint16_t used, capacity; /* records */
    uint64_t records[];
};

/* Starts with `kind` and the tree's order set: sorted_init(). */
struct sorted {
    struct tree tree;
    const struct sorted_kind *kind;
};

struct sorted_place {
    struct tree_path path;
    unsigned index; /* in the path's leaf */
};

static inline const void *sorted_leaf_first(const void *leaf)
{
    return ((const struct sorted_leaf *)leaf)->records;
}

static inline void sorted_init(struct sorted *sorted, const struct sorted_kind *kind)
{
    *sorted = (struct sorted){.tree = {.order = &kind->order}, .kind = kind};
}

static inline uint64_t sorted_count(const struct sorted *sorted)
{
    return tree_count(&sorted->tree);
}

/* The record with this key; NULL if there is none. */
KV_INTERNAL void *sorted_find(const struct sorted *sorted, const void *key);

/* The place of the first record whose key is not less. False if there is none. */
KV_INTERNAL bool sorted_seek(const struct sorted *sorted, const void *key,
                             struct sorted_place *place);

/* The place of the first or the last record. False if there is none. */
KV_INTERNAL bool sorted_end(const struct sorted *sorted, kv_end end, struct sorted_place *place);

/* Moves on to the next record or the one before. False, and the place is no more, at the end. */
KV_INTERNAL bool sorted_next(const struct sorted *sorted, struct sorted_place *place);
KV_INTERNAL KV_UNUSED bool sorted_prev(const struct sorted *sorted, struct sorted_place *place);

/* The record at a place. */
KV_INTERNAL void *sorted_at(const struct sorted *sorted, const struct sorted_place *place);

/* Puts in a copy of a record, whose key is not there yet. KV_OK, KV_NOMEM. */
KV_INTERNAL kv_status sorted_insert(struct sorted *sorted, struct memory *memory, const void *key,
                                    const void *record);

/* Takes out the record at a place, or that of a key. False if there is none. */
KV_INTERNAL void sorted_remove_at(struct sorted *sorted, struct memory *memory,
                                  struct sorted_place *place);
KV_INTERNAL bool sorted_remove(struct sorted *sorted, struct memory *memory, const void *key);

/* Takes out all records. */
KV_INTERNAL void sorted_clear(struct sorted *sorted, struct memory *memory);

#if KV_DEBUG > 0
/* Asserts what sorted.c promises; `key` gives the key of a record, for kind->compare. */
KV_INTERNAL KV_UNUSED void sorted_check(const struct sorted *sorted,
                                        const void *(*key)(const void *record));
#endif

#endif
