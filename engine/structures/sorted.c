/*
 * structures/sorted.c -- records of one size in the order of their keys, on the counted tree.
 *
 * Invariants (sorted_check() asserts them):
 *   1. Records ascend, within a leaf and from leaf to leaf. No leaf is empty.
 *   2. A leaf's block is memory_capacity() of some size up to SORTED_LEAF_SIZE, and its capacity
 *      what fits. Where there are two leaves or more, each has a block of that size.
 *   3. The tree counts the records of each leaf.
 *
 * A leaf grows by doubling while it is the only one, so that few records take little. A full one
 * splits in the middle, but at either end of all just the new record moves on, so that records
 * which come in order leave full leaves behind.
 *
 * May use base/ and structures/tree.h. Knows nothing of what a record is.
 */
#include "structures/sorted.h"

#include <string.h>

enum {
    SORTED_LEAF_SIZE = 1016, /* four to a page of slabs */
    SORTED_LEAF_LEAST = 64   /* the first block of a leaf */
};

_Static_assert(sizeof(struct sorted_leaf) == 8, "the header of a leaf");

/* --------------------------------------------------------------------------------------- leaves */

static void *sorted_record(const struct sorted *sorted, struct sorted_leaf *leaf, size_t index)
{
    return (char *)leaf->records + index * sorted->kind->record_size;
}

static size_t sorted_leaf_size(const struct sorted *sorted, const struct sorted_leaf *leaf)
{
    return sizeof *leaf + leaf->capacity * sorted->kind->record_size;
}

/* The records that fit a block asked for with `size`; the size is then theirs. */
static uint16_t sorted_capacity(const struct sorted *sorted, size_t size)
{
    size_t room = memory_capacity(size) - sizeof(struct sorted_leaf);
    return (uint16_t)(room / sorted->kind->record_size);
}

static struct sorted_leaf *sorted_leaf_create(const struct sorted *sorted, struct memory *memory,
                                              size_t size)
{
    size_t least = sizeof(struct sorted_leaf) + sorted->kind->record_size;
    uint16_t capacity = sorted_capacity(sorted, size > least ? size : least);
    size_t needed = sizeof(struct sorted_leaf) + capacity * sorted->kind->record_size;
    struct sorted_leaf *leaf = memory_get(memory, needed);
    if (leaf == NULL) return NULL;
    leaf->used = 0;
    leaf->capacity = capacity;
    return leaf;
}

static void sorted_leaf_destroy(const struct sorted *sorted, struct memory *memory,
                                struct sorted_leaf *leaf)
{
    memory_free(memory, leaf, sorted_leaf_size(sorted, leaf));
}

static void sorted_leaf_copy(const struct sorted *sorted, struct sorted_leaf *to, size_t to_index,
                             struct sorted_leaf *from, size_t from_index, size_t count)
{
    memmove(sorted_record(sorted, to, to_index), sorted_record(sorted, from, from_index),
            count * sorted->kind->record_size);
}

/* The index of the leaf's first record that is not less than the key. */
static unsigned sorted_leaf_seek(const struct sorted *sorted, struct sorted_leaf *leaf,
                                 const void *key)
{
    unsigned low = 0, high = leaf->used;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (sorted->kind->compare(key, sorted_record(sorted, leaf, middle)) > 0) low = middle + 1;
        else high = middle;
    }
    return low;
}

/* -------------------------------------------------------------------------------------- finding */

/* Whether the key is greater than that of the last record, if there is any. */
static bool sorted_is_behind(const struct sorted *sorted, const void *key)
{
    struct sorted_leaf *last = sorted->tree.last;
    if (last == NULL) return true;
    return sorted->kind->compare(key, sorted_record(sorted, last, last->used - 1u)) > 0;
}

/* The leaf where the key is or belongs, and the index there; false if there is no leaf. */
static bool sorted_locate(const struct sorted *sorted, const void *key, struct sorted_place *place)
{
    if (sorted_count(sorted) == 0) return false;
    if (sorted_is_behind(sorted, key)) tree_end(&sorted->tree, KV_TAIL, &place->path);
    else tree_locate_key(&sorted->tree, key, sorted->kind->mark(key), &place->path);
    place->index = sorted_leaf_seek(sorted, place->path.leaf, key);
    return true;
}

KV_INTERNAL void *sorted_at(const struct sorted *sorted, const struct sorted_place *place)
{
    return sorted_record(sorted, place->path.leaf, place->index);
}

KV_INTERNAL void *sorted_find(const struct sorted *sorted, const void *key)
{
    struct sorted_place place;
    if (!sorted_seek(sorted, key, &place)) return NULL;
    void *record = sorted_at(sorted, &place);
    return sorted->kind->compare(key, record) == 0 ? record : NULL;
}

KV_INTERNAL bool sorted_seek(const struct sorted *sorted, const void *key,
                             struct sorted_place *place)
{
    if (!sorted_locate(sorted, key, place)) return false;
    if (place->index < ((struct sorted_leaf *)place->path.leaf)->used) return true;
    place->index = 0;
    return tree_next(&sorted->tree, &place->path);
}

KV_INTERNAL bool sorted_end(const struct sorted *sorted, kv_end end, struct sorted_place *place)
{
    if (sorted_count(sorted) == 0) return false;
    tree_end(&sorted->tree, end, &place->path);
    place->index = end == KV_HEAD ? 0 : ((struct sorted_leaf *)place->path.leaf)->used - 1u;
    return true;
}

KV_INTERNAL bool sorted_next(const struct sorted *sorted, struct sorted_place *place)
{
    if (place->index + 1 < ((struct sorted_leaf *)place->path.leaf)->used) {
        place->index++;
        return true;
    }
    place->index = 0;
    return tree_next(&sorted->tree, &place->path);
}

KV_INTERNAL bool sorted_prev(const struct sorted *sorted, struct sorted_place *place)
{
    if (place->index > 0) {
        place->index--;
        return true;
    }
    if (!tree_prev(&sorted->tree, &place->path)) return false;
    place->index = ((struct sorted_leaf *)place->path.leaf)->used - 1u;
    return true;
}

/* ------------------------------------------------------------------------------------- changing */

/* A block of another size for the only leaf; false if there is no memory. */
static bool sorted_resize(struct sorted *sorted, struct memory *memory, struct tree_path *path,
                          size_t size)
{
    struct sorted_leaf *old = path->leaf;
    struct sorted_leaf *leaf = sorted_leaf_create(sorted, memory, size);
    if (leaf == NULL) return false;
    leaf->used = old->used;
    sorted_leaf_copy(sorted, leaf, 0, old, 0, old->used);
    tree_replace(&sorted->tree, path, leaf);
    sorted_leaf_destroy(sorted, memory, old);
    return true;
}

/* Puts a leaf with one record before or behind the path's, which there need not be. */
static kv_status sorted_add_leaf(struct sorted *sorted, struct memory *memory,
                                 struct tree_path *path, kv_end side, const void *record)
{
    bool is_only = sorted_count(sorted) == 0;
    struct sorted_leaf *leaf =
        sorted_leaf_create(sorted, memory, is_only ? SORTED_LEAF_LEAST : SORTED_LEAF_SIZE);
    if (leaf == NULL) return KV_NOMEM;
    leaf->used = 1;
    memcpy(leaf->records, record, sorted->kind->record_size);
    kv_status status = tree_insert(&sorted->tree, memory, path, side, leaf, 1);
    if (status != KV_OK) sorted_leaf_destroy(sorted, memory, leaf);
    return status;
}

/*
 * Moves the upper half of a full leaf into one of its own; the place stays where its key belongs.
 * The order is the same, so this may succeed or fail by itself.
 */
static kv_status sorted_split(struct sorted *sorted, struct memory *memory,
                              struct sorted_place *place)
{
    struct sorted_leaf *left = place->path.leaf;
    struct sorted_leaf *right = sorted_leaf_create(sorted, memory, SORTED_LEAF_SIZE);
    if (right == NULL) return KV_NOMEM;
    uint16_t kept = left->used / 2;
    right->used = (uint16_t)(left->used - kept);
    sorted_leaf_copy(sorted, right, 0, left, kept, right->used);
    kv_status status =
        tree_insert(&sorted->tree, memory, &place->path, KV_TAIL, right, right->used);
    if (status != KV_OK) {
        sorted_leaf_destroy(sorted, memory, right);
        return status;
    }
    struct tree_path path = place->path;
    (void)tree_prev(&sorted->tree, &path);
    left->used = kept;
    tree_adjust(&sorted->tree, &path, -(int64_t)right->used);
    if (place->index > kept) place->index -= kept;
    else place->path = path;
    return KV_OK;
}

/* Sees to it that the leaf at a place takes one more record. */
static kv_status sorted_make_room(struct sorted *sorted, struct memory *memory,
                                  struct sorted_place *place)
{
    struct sorted_leaf *leaf = place->path.leaf;
    if (leaf->used < leaf->capacity) return KV_OK;
    size_t size = sorted_leaf_size(sorted, leaf);
    if (leaf->capacity == sorted_capacity(sorted, SORTED_LEAF_SIZE))
        return sorted_split(sorted, memory, place);
    size_t larger = size < SORTED_LEAF_SIZE / 2 ? 2 * size : SORTED_LEAF_SIZE;
    return sorted_resize(sorted, memory, &place->path, larger) ? KV_OK : KV_NOMEM;
}

/* Whether a record that goes to this place had better begin a leaf, at an end of all. */
static bool sorted_is_outside(const struct sorted *sorted, const struct sorted_place *place,
                              kv_end *side)
{
    const struct sorted_leaf *leaf = place->path.leaf;
    if (leaf->used < sorted_capacity(sorted, SORTED_LEAF_SIZE)) return false;
    *side = place->index == 0 ? KV_HEAD : KV_TAIL;
    if (place->index == 0) return leaf == sorted->tree.first;
    return place->index == leaf->used && leaf == sorted->tree.last;
}

KV_INTERNAL kv_status sorted_insert(struct sorted *sorted, struct memory *memory, const void *key,
                                    const void *record)
{
    struct sorted_place place;
    kv_end side = KV_TAIL;
    if (!sorted_locate(sorted, key, &place) || sorted_is_outside(sorted, &place, &side))
        return sorted_add_leaf(sorted, memory, &place.path, side, record);
    kv_status status = sorted_make_room(sorted, memory, &place);
    if (status != KV_OK) return status;

    struct sorted_leaf *leaf = place.path.leaf;
    assert(place.index <= leaf->used);
    sorted_leaf_copy(sorted, leaf, place.index + 1, leaf, place.index, leaf->used - place.index);
    memcpy(sorted_record(sorted, leaf, place.index), record, sorted->kind->record_size);
    leaf->used++;
    tree_adjust(&sorted->tree, &place.path, 1);
    if (place.index == 0) tree_replace(&sorted->tree, &place.path, leaf); /* with a lesser first */
    return KV_OK;
}

/* ------------------------------------------------------------------------------------- removing */

/*
 * Joins the path's leaf with the next one if both together leave a quarter free. Its records go
 * over to that one: the tree would not notice if a leaf were joined by what is behind a mark.
 */
static bool sorted_join(struct sorted *sorted, struct memory *memory, struct tree_path *path)
{
    struct tree_path next = *path;
    if (!tree_next(&sorted->tree, &next)) return false;
    struct sorted_leaf *left = path->leaf, *right = next.leaf;
    if (left->used + right->used > right->capacity / 4 * 3) return false;
    sorted_leaf_copy(sorted, right, left->used, right, 0, right->used);
    sorted_leaf_copy(sorted, right, 0, left, 0, left->used);
    right->used = (uint16_t)(right->used + left->used);
    tree_adjust(&sorted->tree, &next, left->used);
    tree_replace(&sorted->tree, &next, right); /* with a lesser first */
    tree_adjust(&sorted->tree, path, -(int64_t)left->used);
    tree_remove(&sorted->tree, memory, path);
    sorted_leaf_destroy(sorted, memory, left);
    return true;
}

/* What a leaf that has lost a record owes: to be no burden if it holds little. */
static void sorted_mend(struct sorted *sorted, struct memory *memory, struct tree_path *path)
{
    struct sorted_leaf *leaf = path->leaf;
    if (leaf->used == 0) {
        tree_remove(&sorted->tree, memory, path);
        sorted_leaf_destroy(sorted, memory, leaf);
        return;
    }
    if (leaf->used > leaf->capacity / 2) return;
    if (leaf == sorted->tree.first && leaf == sorted->tree.last) {
        size_t half = sorted_leaf_size(sorted, leaf) / 2;
        if (leaf->used > leaf->capacity / 4 || half < SORTED_LEAF_LEAST) return;
        (void)sorted_resize(sorted, memory, path, half); /* else it stays, which is no harm */
        return;
    }
    if (sorted_join(sorted, memory, path)) return;
    struct tree_path before = *path;
    if (tree_prev(&sorted->tree, &before)) (void)sorted_join(sorted, memory, &before);
}

KV_INTERNAL void sorted_remove_at(struct sorted *sorted, struct memory *memory,
                                  struct sorted_place *place)
{
    struct sorted_leaf *leaf = place->path.leaf;
    assert(place->index < leaf->used);
    leaf->used--;
    sorted_leaf_copy(sorted, leaf, place->index, leaf, place->index + 1,
                     (size_t)leaf->used - place->index);
    tree_adjust(&sorted->tree, &place->path, -1);
    sorted_mend(sorted, memory, &place->path);
}

KV_INTERNAL bool sorted_remove(struct sorted *sorted, struct memory *memory, const void *key)
{
    struct sorted_place place;
    if (!sorted_seek(sorted, key, &place)) return false;
    if (sorted->kind->compare(key, sorted_at(sorted, &place)) != 0) return false;
    sorted_remove_at(sorted, memory, &place);
    return true;
}

struct sorted_dropping {
    const struct sorted *sorted;
    struct memory *memory;
};

static void sorted_drop(void *context, void *leaf)
{
    struct sorted_dropping *dropping = context;
    sorted_leaf_destroy(dropping->sorted, dropping->memory, leaf);
}

KV_INTERNAL void sorted_clear(struct sorted *sorted, struct memory *memory)
{
    struct sorted_dropping dropping = {sorted, memory};
    tree_clear(&sorted->tree, memory, sorted_drop, &dropping);
}

/* ------------------------------------------------------------------------------------- checking */

#if KV_DEBUG > 0
static uint64_t sorted_leaf_count(const void *leaf)
{
    return ((const struct sorted_leaf *)leaf)->used;
}

KV_INTERNAL void sorted_check(const struct sorted *sorted, const void *(*key)(const void *record))
{
    tree_check(&sorted->tree, sorted_leaf_count);
    struct sorted_place place;
    const void *before = NULL;
    uint64_t count = 0;
    for (bool more = sorted_end(sorted, KV_HEAD, &place); more;
         more = sorted_next(sorted, &place)) {
        const struct sorted_leaf *leaf = place.path.leaf;
        assert(leaf->used > 0);
        assert(leaf->used <= leaf->capacity);
        if (sorted->tree.first != sorted->tree.last)
            assert(leaf->capacity == sorted_capacity(sorted, SORTED_LEAF_SIZE));
        const void *record = sorted_at(sorted, &place);
        if (before != NULL) assert(sorted->kind->compare(key(record), before) > 0);
        assert(sorted->kind->compare(key(record), record) == 0);
        before = record;
        count++;
    }
    assert(count == sorted_count(sorted));
}
#endif
