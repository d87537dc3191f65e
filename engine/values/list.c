/*
 * values/list.c -- the list value: a pack while it is small, a tree of packs when it is large.
 *
 *     small:  pack [ a b c ]              large:  tree ---+-----------+-----------+
 *                                                       leaf        leaf        leaf
 *                                                     [ a b c ]   [ d e f ]   [ g h i ]   packs
 *
 * Invariants (list_check() asserts them):
 *   1. No list but {0} is empty, and no leaf of a large one is.
 *   2. A leaf's pack is no larger than PACK_PAGE, unless it has one element only.
 *   3. The tree counts what the packs hold; large->size is the size of all elements together.
 *
 * A leaf at an end gets a block of PACK_PAGE at once, with its free room on the outer side, so that
 * pushing and popping move no element. When it fills up and another one comes outside of it, it
 * gives back what it does not use. So leaves filled from an end are full ones in blocks that fit
 * malloc; others have at most an eighth too much, or as much again as they use once elements were
 * taken out.
 *
 * An element that is put into a full leaf splits it first, which changes no element and may
 * therefore succeed or fail by itself. An element of more than half a page gets a leaf of its own
 * instead.
 *
 * May use structures/ and base/. Knows nothing of keys, expiry, locks.
 */
#include "values/list.h"

#include "structures/tree.h"

#include <string.h>

enum {
    /*
     * A leaf that has lost elements joins another one up to here, so that neither soon splits
     * again.
     */
    LIST_JOIN = PACK_PAGE / 4 * 3,

    /* Free room that a leaf may keep when no more is going to be pushed to it. */
    LIST_SPARE = PACK_PAGE / 16,

    /* Redis keeps a limit on elements within this size, too. */
    LIST_SAFE_SIZE = 8192
};

struct list_large {
    struct large head; /* its memory is that of the leaves and the tree's nodes */
    struct tree tree;
    size_t size; /* of all elements */
};

/* -------------------------------------------------------------------------------- the two forms */

static struct pack *list_small(const struct collection *list)
{
    return collection_block(list);
}

static struct list_large *list_large(const struct collection *list)
{
    return (struct list_large *)collection_large(list);
}

static size_t list_elements_size(const struct pack *pack)
{
    return pack_size(pack) - PACK_EMPTY_SIZE;
}

KV_INTERNAL struct list_limits list_limits_of(int64_t setting)
{
    if (setting > 0) return (struct list_limits){LIST_SAFE_SIZE, (size_t)setting};
    if (setting == 0) return (struct list_limits){LIST_SAFE_SIZE, 1};
    unsigned level = setting < -5 ? 5 : (unsigned)-setting;
    return (struct list_limits){(size_t)2048 << level, SIZE_MAX};
}

KV_INTERNAL uint64_t list_length(const struct collection *list)
{
    if (!collection_is_small(list)) return tree_count(&list_large(list)->tree);
    return !collection_is_empty(list) ? pack_count(list_small(list)) : 0;
}

/* --------------------------------------------------------------------------------------- leaves */

static void list_leaf_drop(void *context, void *leaf)
{
    struct list_large *large = context;
    large->size -= list_elements_size(leaf);
    pack_destroy(&large->head.memory, leaf);
}

/* Puts a pack that has moved back into its place. */
static void list_leaf_moved(struct tree *tree, struct tree_path *path, struct pack *pack)
{
    if (pack != path->leaf) tree_replace(tree, path, pack);
}

/* Gives back the free room of the path's leaf if it is more than `spare`. */
static void list_leaf_fit(struct list_large *large, struct tree *tree, struct tree_path *path,
                          size_t spare)
{
    struct pack *pack = path->leaf;
    pack_fit(&large->head.memory, &pack, spare);
    list_leaf_moved(tree, path, pack);
}

/* Takes `count` elements off the outer end of the leaf at one end of the list, but not all. */
static void list_leaf_cut(struct list_large *large, kv_end end, size_t count)
{
    struct pack *pack = end == KV_HEAD ? large->tree.first : large->tree.last;
    size_t before = pack_size(pack);
    const uint8_t *at = pack_first(pack);
    if (end == KV_TAIL)
        at = count == 1 ? pack_last(pack) : pack_seek(pack, pack_count(pack) - count);
    pack_delete(pack, at, count);
    large->size -= before - pack_size(pack);
    tree_adjust_end(&large->tree, end, -(int64_t)count);
}

/*
 * Joins the path's leaf with the neighbour on one side, if there is one and they are small enough.
 */
static bool list_leaf_join(struct list_large *large, struct tree_path *path, kv_end side)
{
    struct tree_path neighbour = *path;
    bool exists =
        side == KV_HEAD ? tree_prev(&large->tree, &neighbour) : tree_next(&large->tree, &neighbour);
    if (!exists) return false;

    struct pack *leaf = path->leaf;
    struct pack *pack = neighbour.leaf;
    kv_end seam = side == KV_HEAD ? KV_TAIL : KV_HEAD;
    if (pack_size(leaf) + pack_size(pack) > LIST_JOIN) return false;
    if (pack_reserve(&large->head.memory, &pack, list_elements_size(leaf), seam) != KV_OK)
        return false;

    list_leaf_moved(&large->tree, &neighbour, pack);
    pack_merge(pack, seam, leaf);
    tree_adjust(&large->tree, &neighbour, (int64_t)pack_count(leaf));
    tree_remove(&large->tree, &large->head.memory, path);
    pack_destroy(&large->head.memory, leaf);
    return true;
}

/*
 * After elements of the path's leaf have gone: if it is less than half full, joins it with its
 * neighbour on one side or fits its block.
 */
static void list_leaf_mend(struct list_large *large, struct tree_path *path, kv_end side)
{
    size_t size = pack_size(path->leaf);
    if (size > PACK_PAGE / 2 || list_leaf_join(large, path, side)) return;
    list_leaf_fit(large, &large->tree, path, size);
}

/* Splits the path's leaf before `at`, which is not at its ends. The elements stay as they are. */
static kv_status list_leaf_split(struct list_large *large, struct tree_path *path,
                                 const uint8_t *at)
{
    struct pack *left = path->leaf;
    struct pack *right;
    size_t size = (size_t)(pack_end(left) - at);
    assert(at != pack_first(left));
    assert(size > 0);

    kv_status status = pack_create(&large->head.memory, size, KV_TAIL, &right);
    if (status != KV_OK) return status;
    status = tree_insert(&large->tree, &large->head.memory, path, KV_TAIL, right, 0);
    if (status != KV_OK) {
        pack_destroy(&large->head.memory, right);
        return status;
    }

    pack_split(left, at, right);
    int64_t moved = (int64_t)pack_count(right);
    tree_adjust(&large->tree, path, moved);
    tree_prev(&large->tree, path);
    tree_adjust(&large->tree, path, -moved);
    list_leaf_fit(large, &large->tree, path, LIST_SPARE);
    return KV_OK;
}

/* ---------------------------------------------------------------------------- from form to form */

static kv_status list_large_create(struct memory *memory, struct list_large **large)
{
    struct list_large *created = large_create(memory, sizeof *created);
    if (created == NULL) return KV_NOMEM;
    *large = created;
    return KV_OK;
}

/* Copies `count` elements of `size` bytes into a new leaf at the tail. */
static kv_status list_large_append(struct list_large *large, const uint8_t *from, size_t count,
                                   size_t size)
{
    struct pack *leaf;
    struct tree_path path;
    kv_status status = pack_create(&large->head.memory, size, KV_TAIL, &leaf);
    if (status != KV_OK) return status;
    pack_copy(leaf, KV_TAIL, from, count);

    if (large->tree.root != NULL) tree_end(&large->tree, KV_TAIL, &path);
    status = tree_insert(&large->tree, &large->head.memory, &path, KV_TAIL, leaf, count);
    if (status != KV_OK) pack_destroy(&large->head.memory, leaf);
    else large->size += size;
    return status;
}

/* Copies the elements from `at` on into new leaves at the tail, as full as can be. */
static kv_status list_large_append_all(struct list_large *large, const uint8_t *at)
{
    kv_status status = KV_OK;
    while (status == KV_OK && *at != PACK_END) {
        const uint8_t *from = at;
        size_t count = 0;
        size_t size = 0;
        do {
            size += pack_element_size(at);
            at = pack_next(at);
            count++;
        } while (*at != PACK_END && size + pack_element_size(at) <= PACK_PAGE - PACK_EMPTY_SIZE);
        status = list_large_append(large, from, count, size);
    }
    return status;
}

/* A large list with a copy of the pack's elements. */
static kv_status list_large_from_pack(struct memory *memory, const struct pack *pack,
                                      struct list_large **large)
{
    kv_status status = list_large_create(memory, large);
    if (status != KV_OK) return status;
    status = list_large_append_all(*large, pack_first(pack));
    if (status != KV_OK) large_destroy(&(*large)->head);
    return status;
}

/* Whether a small list would be beyond its limits with so many bytes of text and elements more. */
static bool list_outgrows(const struct collection *list, const struct list_limits *limits,
                          size_t text_size, size_t count)
{
    size_t size = PACK_EMPTY_SIZE;
    size_t length = 0;
    if (!collection_is_empty(list)) {
        size = pack_size(list_small(list));
        length = pack_count(list_small(list));
    }
    if (size > limits->size || text_size > limits->size - size) return true;
    return length > limits->count || count > limits->count - length;
}

/*
 * Makes a large list that has come below half of both limits small. If there is no memory for that
 * it stays large, which is right too.
 */
static void list_settle(struct collection *list, struct memory *memory,
                        const struct list_limits *limits)
{
    struct list_large *large = list_large(list);
    if (large->size + PACK_EMPTY_SIZE > limits->size / 2) return;
    if (tree_count(&large->tree) > limits->count / 2) return;

    struct pack *pack;
    if (pack_create(memory, large->size, KV_TAIL, &pack) != KV_OK) return;
    struct tree_path path;
    tree_end(&large->tree, KV_HEAD, &path);
    do pack_merge(pack, KV_TAIL, path.leaf);
    while (tree_next(&large->tree, &path));
    large_destroy(&large->head);
    collection_set_block(list, pack);
}

/* -------------------------------------------------------------------------------------- walking */

/* A place at an element, for walking either way. */
struct list_walk {
    const struct tree *tree; /* NULL in a small list */
    const struct pack *pack;
    const uint8_t *at;
    struct tree_path path;
};

/* Starts at a position, which is there. */
static void list_walk_begin(struct list_walk *walk, const struct collection *list,
                            uint64_t position)
{
    if (collection_is_small(list)) {
        walk->tree = NULL;
        walk->pack = list_small(list);
    } else {
        walk->tree = &list_large(list)->tree;
        position = tree_locate(walk->tree, position, &walk->path);
        walk->pack = walk->path.leaf;
    }
    walk->at = pack_seek(walk->pack, (size_t)position);
    assert(walk->at != NULL);
}

/* One element on, away from `end`; there must be one. */
static void list_walk_on(struct list_walk *walk, kv_end end)
{
    if (end == KV_HEAD) {
        walk->at = pack_next(walk->at);
        if (KV_LIKELY(*walk->at != PACK_END)) return;
        tree_next(walk->tree, &walk->path);
        walk->pack = walk->path.leaf;
        walk->at = pack_first(walk->pack);
    } else {
        walk->at = pack_prev(walk->pack, walk->at);
        if (KV_LIKELY(walk->at != NULL)) return;
        tree_prev(walk->tree, &walk->path);
        walk->pack = walk->path.leaf;
        walk->at = pack_last(walk->pack);
    }
}

/* The next two: on to the first element that is the needle, adding to *count those before it. */
static bool list_walk_forward_to(struct list_walk *walk, const struct pack_needle *needle,
                                 uint64_t limit, uint64_t *count)
{
    for (;;) {
        walk->at = pack_find_next(walk->at, needle, count);
        if (*count >= limit) return false;
        if (*walk->at != PACK_END) return true;
        tree_next(walk->tree, &walk->path);
        walk->pack = walk->path.leaf;
        walk->at = pack_first(walk->pack);
    }
}

static bool list_walk_back_to(struct list_walk *walk, const struct pack_needle *needle,
                              uint64_t limit, uint64_t *count)
{
    while (!pack_equals(walk->at, needle)) {
        if (++*count == limit) return false;
        list_walk_on(walk, KV_TAIL);
    }
    return true;
}

/* The same from either end; false if there is none among the first `limit`. */
static bool list_walk_to(struct list_walk *walk, const struct pack_needle *needle, kv_end end,
                         uint64_t limit, uint64_t *count)
{
    if (end == KV_HEAD) return list_walk_forward_to(walk, needle, limit, count);
    return list_walk_back_to(walk, needle, limit, count);
}

/* The element at a position, which is there, without a path to it. */
static const uint8_t *list_seek(const struct collection *list, uint64_t position)
{
    if (collection_is_small(list)) return pack_seek(list_small(list), (size_t)position);

    const struct tree *tree = &list_large(list)->tree;
    uint64_t first = tree_end_count(tree, KV_HEAD);
    uint64_t last = tree_count(tree) - tree_end_count(tree, KV_TAIL);
    if (position < first) return pack_seek(tree->first, (size_t)position);
    if (position >= last) return pack_seek(tree->last, (size_t)(position - last));

    struct tree_path path;
    position = tree_locate(tree, position, &path);
    return pack_seek(path.leaf, (size_t)position);
}

/* Makes an index from either end one from the head. False if there is no such element. */
static bool list_position(const struct collection *list, int64_t index, uint64_t *position)
{
    uint64_t length = list_length(list);
    uint64_t from_head = index < 0 ? length + (uint64_t)index : (uint64_t)index;
    if (from_head >= length) return false; /* also if the sum above went below zero */
    *position = from_head;
    return true;
}

KV_INTERNAL bool list_at(const struct collection *list, int64_t index, char scratch[PACK_TEXT_SIZE],
                         kv_slice *element)
{
    uint64_t position;
    if (!list_position(list, index, &position)) return false;
    *element = pack_text(list_seek(list, position), scratch);
    return true;
}

KV_INTERNAL uint64_t list_span(uint64_t length, int64_t start, int64_t stop, uint64_t *first)
{
    /* Lengths stay far below 2^63: there is no memory for more. */
    int64_t end = (int64_t)length;
    if (start < 0) start += end;
    if (stop < 0) stop += end;
    if (start < 0) start = 0;
    if (stop >= end) stop = end - 1;
    if (start > stop) return 0;
    *first = (uint64_t)start;
    return (uint64_t)(stop - start) + 1;
}

KV_INTERNAL uint64_t list_visit(const struct collection *list, kv_end end, uint64_t skip,
                                uint64_t count, kv_visit *visit, void *context)
{
    uint64_t length = list_length(list);
    if (skip >= length || count == 0) return 0;
    if (count > length - skip) count = length - skip;

    struct list_walk walk;
    list_walk_begin(&walk, list, end == KV_HEAD ? skip : length - 1 - skip);
    for (uint64_t visited = 1;; visited++) {
        char scratch[PACK_TEXT_SIZE];
        bool more = visit(context, pack_text(walk.at, scratch));
        if (!more || visited == count) return visited;
        list_walk_on(&walk, end);
    }
}

KV_INTERNAL void list_find(const struct collection *list, kv_slice value, int64_t rank,
                           uint64_t count, uint64_t maximum, kv_visit_position *visit,
                           void *context)
{
    assert(rank != 0);
    struct pack_needle needle = pack_needle(value);
    kv_end end = rank > 0 ? KV_HEAD : KV_TAIL;
    uint64_t passed_over = (rank > 0 ? (uint64_t)rank : 0 - (uint64_t)rank) - 1;
    uint64_t length = list_length(list);
    uint64_t compared = maximum == 0 || maximum > length ? length : maximum;
    if (compared == 0) return;

    struct list_walk walk;
    list_walk_begin(&walk, list, end == KV_HEAD ? 0 : length - 1);
    for (uint64_t i = 0; list_walk_to(&walk, &needle, end, compared, &i);
         list_walk_on(&walk, end)) {
        if (passed_over > 0) {
            passed_over--;
        } else {
            if (!visit(context, end == KV_HEAD ? i : length - 1 - i)) return;
            if (count > 0 && --count == 0) return;
        }
        if (++i == compared) return;
    }
}

KV_INTERNAL const struct pack *list_next_pack(const struct collection *list, uint64_t *position)
{
    uint64_t length = list_length(list);
    if (*position >= length) return NULL;
    if (collection_is_small(list)) {
        *position = length;
        return list_small(list);
    }
    struct tree_path path;
    uint64_t within = tree_locate(&list_large(list)->tree, *position, &path);
    *position += pack_count(path.leaf) - within;
    return path.leaf;
}

KV_INTERNAL kv_status list_append_pack(struct collection *list, struct memory *memory,
                                       kv_slice listpack)
{
    assert(pack_validate(listpack, false));
    struct list_large *large;
    kv_status status = KV_OK;
    if (collection_is_empty(list)) {
        status = list_large_create(memory, &large);
    } else if (collection_is_small(list)) {
        struct pack *pack = list_small(list);
        status = list_large_from_pack(memory, pack, &large);
        if (status == KV_OK) pack_destroy(memory, pack);
    } else {
        large = list_large(list);
    }
    if (status != KV_OK) return status;
    collection_set_large(list, &large->head);
    return list_large_append_all(large, (const uint8_t *)listpack.data + PACK_HEADER);
}

/* -------------------------------------------------------------------------------------- pushing */

static kv_status list_small_push(struct collection *list, struct memory *memory, kv_end end,
                                 const kv_slice *values, size_t count)
{
    struct pack_run run;
    struct pack *pack = list_small(list);
    kv_status status = pack_measure(values, count, &run);
    if (status != KV_OK) return status;
    status = pack == NULL ? pack_create(memory, run.size, end, &pack)
                          : pack_reserve(memory, &pack, run.size, end);
    if (status != KV_OK) return status;

    pack_push(pack, end, &run);
    collection_set_block(list, pack);
    return KV_OK;
}

/* Of the values to push, as many of the first ones as the pack takes within PACK_PAGE. */
static struct pack_run list_run_that_fits(const struct pack *pack, const kv_slice *values,
                                          size_t count)
{
    struct pack_run run = {values, 0, 0};
    size_t size = pack_size(pack);
    while (run.count < count) {
        size_t one = pack_value_size(values[run.count]);
        if (one > PACK_PAGE || size + run.size + one > PACK_PAGE) break;
        run.size += one;
        run.count++;
    }
    return run;
}

/*
 * Adds a new leaf with room for an element of `size` outside of the path's, which gets a block that
 * fits.
 */
static kv_status list_fresh_leaf(struct list_large *large, struct tree *fresh,
                                 struct tree_path *path, kv_end end, size_t size)
{
    const size_t page = PACK_PAGE - PACK_EMPTY_SIZE;
    struct pack *leaf;
    if (fresh->root != NULL) list_leaf_fit(large, fresh, path, LIST_SPARE);
    kv_status status = pack_create(&large->head.memory, size > page ? size : page, end, &leaf);
    if (status != KV_OK) return status;
    status = tree_insert(fresh, &large->head.memory, path, end, leaf, 0);
    if (status != KV_OK) pack_destroy(&large->head.memory, leaf);
    return status;
}

/*
 * Builds leaves of the values, as if they were pushed one by one; on failure what was built stays.
 */
static kv_status list_build_leaves(struct list_large *large, struct tree *fresh, kv_end end,
                                   const kv_slice *values, size_t count)
{
    struct tree_path path;
    while (count > 0) {
        struct pack_run run = {values, 0, 0};
        if (fresh->root != NULL) run = list_run_that_fits(path.leaf, values, count);
        if (run.count == 0) {
            kv_status status = pack_measure(values, 1, &run);
            if (status == KV_OK) status = list_fresh_leaf(large, fresh, &path, end, run.size);
            if (status != KV_OK) return status;
        }
        pack_push(path.leaf, end, &run);
        tree_adjust_end(fresh, end, (int64_t)run.count);
        large->size += run.size;
        values += run.count;
        count -= run.count;
    }
    return KV_OK;
}

/* Moves the fresh leaves to one end of the list, all or none. */
static kv_status list_attach_leaves(struct list_large *large, struct tree *fresh, kv_end end)
{
    struct tree_path path, from;
    uint64_t attached = 0;
    kv_status status = KV_OK;
    bool more = true;
    tree_end(fresh, end == KV_HEAD ? KV_TAIL : KV_HEAD, &from);
    if (large->tree.root != NULL) tree_end(&large->tree, end, &path);

    while (more) {
        uint64_t count = pack_count(from.leaf);
        status = tree_insert(&large->tree, &large->head.memory, &path, end, from.leaf, count);
        if (status != KV_OK) break;
        attached++;
        more = end == KV_HEAD ? tree_prev(fresh, &from) : tree_next(fresh, &from);
    }
    if (status == KV_OK) {
        tree_clear(fresh, &large->head.memory, NULL, NULL);
        return KV_OK;
    }
    for (; attached > 0; attached--) {
        tree_end(&large->tree, end, &path);
        tree_remove(&large->tree, &large->head.memory, &path);
    }
    return status;
}

/* Adds the values that the leaf at the end has no room for, in leaves of their own. */
static kv_status list_push_leaves(struct list_large *large, kv_end end, const kv_slice *values,
                                  size_t count)
{
    struct tree fresh = {0};
    kv_status status = list_build_leaves(large, &fresh, end, values, count);
    if (status == KV_OK && large->tree.root != NULL) {
        struct tree_path path;
        tree_end(&large->tree, end, &path);
        list_leaf_fit(large, &large->tree, &path, LIST_SPARE);
    }
    if (status == KV_OK) status = list_attach_leaves(large, &fresh, end);
    if (status != KV_OK) tree_clear(&fresh, &large->head.memory, list_leaf_drop, large);
    return status;
}

/* Sees to room at the outer side of the leaf at one end. */
static kv_status list_reserve_end(struct list_large *large, kv_end end, size_t size)
{
    struct pack *leaf = end == KV_HEAD ? large->tree.first : large->tree.last;
    struct pack *pack = leaf;
    kv_status status = pack_reserve(&large->head.memory, &pack, size, end);
    if (KV_LIKELY(pack == leaf)) return status;

    struct tree_path path;
    tree_end(&large->tree, end, &path);
    tree_replace(&large->tree, &path, pack);
    return status;
}

static kv_status list_large_push(struct list_large *large, kv_end end, const kv_slice *values,
                                 size_t count)
{
    struct pack_run run = {values, 0, 0};
    if (large->tree.root != NULL) {
        run = list_run_that_fits(end == KV_HEAD ? large->tree.first : large->tree.last, values,
                                 count);
    }
    if (run.count > 0) {
        kv_status status = list_reserve_end(large, end, run.size);
        if (status != KV_OK) return status;
        pack_push(end == KV_HEAD ? large->tree.first : large->tree.last, end, &run);
        tree_adjust_end(&large->tree, end, (int64_t)run.count);
        large->size += run.size;
    }
    if (run.count == count) return KV_OK;

    kv_status status = list_push_leaves(large, end, values + run.count, count - run.count);
    if (status != KV_OK && run.count > 0) list_leaf_cut(large, end, run.count);
    return status;
}

KV_INTERNAL kv_status list_push(struct collection *list, struct memory *memory,
                                const struct list_limits *limits, kv_end end,
                                const kv_slice *values, size_t count)
{
    assert(count > 0);
    if (!collection_is_small(list)) return list_large_push(list_large(list), end, values, count);

    size_t text_size = 0; /* no more of it is added than is safe */
    for (size_t i = 0; i < count && text_size <= limits->size; i++) {
        if (values[i].size > PACK_SIZE_MAX) return KV_TOOBIG;
        text_size += values[i].size;
    }
    if (!list_outgrows(list, limits, text_size, count)) {
        return list_small_push(list, memory, end, values, count);
    }

    struct list_large *large;
    struct pack *pack = list_small(list);
    kv_status status = pack == NULL ? list_large_create(memory, &large)
                                    : list_large_from_pack(memory, pack, &large);
    if (status != KV_OK) return status;
    status = list_large_push(large, end, values, count);
    if (status != KV_OK) {
        large_destroy(&large->head);
        return status;
    }
    pack_destroy(memory, pack);
    collection_set_large(list, &large->head);
    return KV_OK;
}

/* -------------------------------------------------------------------------------------- popping */

/*
 * Takes off whole leaves at one end, one at least, so that less than one is left of `count`; gives
 * that.
 */
static uint64_t list_drop_leaves(struct list_large *large, kv_end end, uint64_t count)
{
    struct tree *tree = &large->tree;
    struct tree_path kept, nearest, outermost;
    uint64_t position = end == KV_HEAD ? count : tree_count(tree) - 1 - count;
    uint64_t within = tree_locate(tree, position, &kept); /* the first element to stay */
    uint64_t rest = end == KV_HEAD ? within : pack_count(kept.leaf) - 1 - within;

    nearest = kept; /* the leaf to go that is nearest to it */
    if (end == KV_HEAD) tree_prev(tree, &nearest);
    else tree_next(tree, &nearest);
    tree_end(tree, end, &outermost);
    tree_remove_range(tree, &large->head.memory, end == KV_HEAD ? &outermost : &nearest,
                      end == KV_HEAD ? &nearest : &outermost, list_leaf_drop, large);
    return rest;
}

/* Takes `count` elements off one end. */
static void list_drop(struct collection *list, struct memory *memory,
                      const struct list_limits *limits, kv_end end, uint64_t count)
{
    uint64_t length = list_length(list);
    if (count == 0) return;
    if (count >= length) {
        list_destroy(list, memory);
        return;
    }
    if (collection_is_small(list)) {
        struct pack *pack = list_small(list);
        const uint8_t *at =
            end == KV_HEAD ? pack_first(pack) : pack_seek(pack, (size_t)(length - count));
        pack_delete(pack, at, (size_t)count);
        pack_fit(memory, &pack, pack_size(pack) + 64);
        collection_set_block(list, pack);
        return;
    }
    struct list_large *large = list_large(list);
    if (count >= tree_end_count(&large->tree, end)) count = list_drop_leaves(large, end, count);
    if (count > 0) list_leaf_cut(large, end, (size_t)count);
    list_settle(list, memory, limits);
}

KV_INTERNAL uint64_t list_pop(struct collection *list, struct memory *memory,
                              const struct list_limits *limits, kv_end end, uint64_t count,
                              kv_visit *visit, void *context)
{
    uint64_t length = list_length(list);
    if (count > length) count = length;
    if (visit != NULL && count > 0) {
        struct list_walk walk;
        list_walk_begin(&walk, list, end == KV_HEAD ? 0 : length - 1);
        for (uint64_t i = 0; i < count; i++) {
            char scratch[PACK_TEXT_SIZE];
            if (i > 0) list_walk_on(&walk, end);
            (void)visit(context, pack_text(walk.at, scratch));
        }
    }
    list_drop(list, memory, limits, end, count);
    return count;
}

KV_INTERNAL void list_trim(struct collection *list, struct memory *memory,
                           const struct list_limits *limits, int64_t start, int64_t stop)
{
    uint64_t first = 0;
    uint64_t length = list_length(list);
    uint64_t kept = list_span(length, start, stop, &first);
    if (kept == 0) {
        list_destroy(list, memory);
        return;
    }
    list_drop(list, memory, limits, KV_TAIL, length - first - kept);
    list_drop(list, memory, limits, KV_HEAD, first);
}

/* -------------------------------------------------------------------------------------- editing */

/* A place for a value, as it narrows down: at an element, in the leaf of `path`. */
struct list_spot {
    uint64_t position;
    enum list_place place;
    struct tree_path path;
    const uint8_t *at; /* where to put it: before this, or instead of it */
    size_t old_size;   /* of the element it replaces; else 0 */
};

static void list_spot_find(const struct list_large *large, struct list_spot *spot)
{
    uint64_t within = tree_locate(&large->tree, spot->position, &spot->path);
    spot->at = pack_seek(spot->path.leaf, (size_t)within);
    spot->old_size = spot->place == LIST_INSTEAD ? pack_element_size(spot->at) : 0;
    if (spot->place == LIST_AFTER) spot->at = pack_next(spot->at);
}

static void list_put(struct pack *pack, const uint8_t *at, enum list_place place,
                     const struct pack_run *run)
{
    if (place == LIST_INSTEAD) pack_replace(pack, at, run->values[0]);
    else pack_insert(pack, at, run);
}

/* Puts the value into the spot's leaf, which is known to have few enough elements for it. */
static kv_status list_put_inside(struct list_large *large, struct list_spot *spot,
                                 const struct pack_run *run)
{
    struct pack *pack = spot->path.leaf;
    size_t grow = run->size > spot->old_size ? run->size - spot->old_size : 0;
    kv_status status = pack_reserve_at(&large->head.memory, &pack, &spot->at, grow);
    if (status != KV_OK) return status;

    list_leaf_moved(&large->tree, &spot->path, pack);
    list_put(pack, spot->at, spot->place, run);
    large->size += run->size - spot->old_size; /* may wrap in between; the sum is right */
    if (spot->place != LIST_INSTEAD) tree_adjust(&large->tree, &spot->path, 1);
    else if (run->size < spot->old_size) list_leaf_mend(large, &spot->path, KV_HEAD);
    return KV_OK;
}

/* Puts the value into a leaf of its own beside the spot's, which is at one end of its leaf. */
static kv_status list_put_alone(struct list_large *large, struct list_spot *spot,
                                const struct pack_run *run)
{
    struct pack *pack = spot->path.leaf;
    struct pack *alone;
    kv_end side = spot->at == pack_first(pack) ? KV_HEAD : KV_TAIL;
    kv_status status = pack_create(&large->head.memory, run->size, KV_TAIL, &alone);
    if (status != KV_OK) return status;
    pack_push(alone, KV_TAIL, run);
    status = tree_insert(&large->tree, &large->head.memory, &spot->path, side, alone, 1);
    if (status != KV_OK) {
        pack_destroy(&large->head.memory, alone);
        return status;
    }
    large->size += run->size;
    if (spot->place != LIST_INSTEAD) return KV_OK;

    /* The element it replaces is the first of the leaf behind it, and not its only one. */
    tree_next(&large->tree, &spot->path);
    pack_delete(pack, pack_first(pack), 1);
    tree_adjust(&large->tree, &spot->path, -1);
    large->size -= spot->old_size;
    list_leaf_mend(large, &spot->path, KV_TAIL);
    return KV_OK;
}

/*
 * Where to split the spot's full leaf so that either part has room for the value: near the middle
 * of what the two would be together. Says on which side of the cut the value goes. May be at an end
 * of the leaf.
 */
static const uint8_t *list_split_point(const struct list_spot *spot, size_t size, kv_end *side)
{
    const struct pack *pack = spot->path.leaf;
    const uint8_t *at = pack_first(pack);
    const uint8_t *behind = spot->at + spot->old_size;
    size_t size_before = (size_t)(spot->at - at);
    size_t size_behind = (size_t)(pack_end(pack) - behind);
    size_t half = (size_before + size + size_behind) / 2;

    if (size_before >= half) {
        *side = KV_TAIL;
        while ((size_t)(at - pack_first(pack)) < half) at = pack_next(at);
        return at;
    }
    *side = KV_HEAD;
    if (size_behind >= half) {
        at = behind;
        while ((size_t)(pack_end(pack) - pack_next(at)) >= half) at = pack_next(at);
        return at;
    }
    if (size_before <= size_behind) return behind;
    *side = KV_TAIL;
    return spot->at;
}

static kv_status list_large_edit(struct list_large *large, uint64_t position, enum list_place place,
                                 const struct pack_run *run)
{
    struct list_spot spot = {.position = position, .place = place};
    for (;;) { /* until the spot's leaf has room: each time round it has fewer elements */
        list_spot_find(large, &spot);
        const struct pack *pack = spot.path.leaf;
        bool is_only_one = spot.old_size == list_elements_size(pack);
        if (is_only_one || pack_size(pack) - spot.old_size + run->size <= PACK_PAGE) {
            return list_put_inside(large, &spot, run);
        }
        bool at_edge = spot.at == pack_first(pack) || spot.at == pack_end(pack);
        bool is_big = run->size > PACK_PAGE / 2;
        if (is_big && at_edge) return list_put_alone(large, &spot, run);

        kv_end side = KV_HEAD;
        const uint8_t *cut = is_big ? spot.at : list_split_point(&spot, run->size, &side);
        if (cut == pack_first(pack) || cut == pack_end(pack)) {
            return list_put_alone(large, &spot, run);
        }
        bool is_at_cut = cut == spot.at;
        kv_status status = list_leaf_split(large, &spot.path, cut);
        if (status != KV_OK) return status;

        /* Before an element and after the one before it are in different leaves now. */
        if (is_at_cut && spot.place == LIST_AFTER && side == KV_TAIL) {
            spot.place = LIST_BEFORE;
            spot.position++;
        } else if (is_at_cut && spot.place == LIST_BEFORE && side == KV_HEAD) {
            spot.place = LIST_AFTER;
            spot.position--;
        }
    }
}

static kv_status list_small_edit(struct collection *list, struct memory *memory, uint64_t position,
                                 enum list_place place, const struct pack_run *run)
{
    struct pack *pack = list_small(list);
    const uint8_t *at = pack_seek(pack, (size_t)position);
    size_t old_size = place == LIST_INSTEAD ? pack_element_size(at) : 0;
    if (place == LIST_AFTER) at = pack_next(at);
    size_t grow = run->size > old_size ? run->size - old_size : 0;
    kv_status status = pack_reserve_at(memory, &pack, &at, grow);
    if (status != KV_OK) return status;

    list_put(pack, at, place, run);
    collection_set_block(list, pack);
    return KV_OK;
}

/* The edit at a position that is there. */
static kv_status list_edit_at(struct collection *list, struct memory *memory,
                              const struct list_limits *limits, uint64_t position,
                              enum list_place place, kv_slice value)
{
    struct pack_run run;
    kv_status status = pack_measure(&value, 1, &run);
    if (status != KV_OK) return status;

    if (!collection_is_small(list)) {
        status = list_large_edit(list_large(list), position, place, &run);
        if (status == KV_OK && place == LIST_INSTEAD) list_settle(list, memory, limits);
        return status;
    }
    if (!list_outgrows(list, limits, value.size, 1)) {
        return list_small_edit(list, memory, position, place, &run);
    }

    struct list_large *large;
    status = list_large_from_pack(memory, list_small(list), &large);
    if (status != KV_OK) return status;
    status = list_large_edit(large, position, place, &run);
    if (status != KV_OK) {
        large_destroy(&large->head);
        return status;
    }
    pack_destroy(memory, list_small(list));
    collection_set_large(list, &large->head);
    if (place == LIST_INSTEAD) list_settle(list, memory, limits);
    return KV_OK;
}

KV_INTERNAL kv_status list_edit(struct collection *list, struct memory *memory,
                                const struct list_limits *limits, int64_t index,
                                enum list_place place, kv_slice value)
{
    uint64_t position;
    if (!list_position(list, index, &position)) return KV_NONE;
    return list_edit_at(list, memory, limits, position, place, value);
}

static bool list_note_position(void *context, uint64_t position)
{
    *(uint64_t *)context = position;
    return false;
}

KV_INTERNAL kv_status list_insert(struct collection *list, struct memory *memory,
                                  const struct list_limits *limits, enum list_place place,
                                  kv_slice pivot, kv_slice value)
{
    uint64_t position = UINT64_MAX;
    list_find(list, pivot, 1, 1, 0, list_note_position, &position);
    if (position == UINT64_MAX) return KV_SKIPPED;
    return list_edit_at(list, memory, limits, position, place, value);
}

/* ------------------------------------------------------------------------------------- removing */

/* Removes up to `limit` elements from the leaf, and the leaf if none is left. Gives how many. */
static uint64_t list_leaf_remove(struct list_large *large, struct tree_path *path,
                                 const struct pack_needle *needle, size_t limit, kv_end end)
{
    struct pack *pack = path->leaf;
    size_t before = pack_size(pack);
    size_t removed = pack_delete_equal(pack, needle, limit, end);
    if (removed == 0) return 0;

    large->size -= before - pack_size(pack);
    tree_adjust(&large->tree, path, -(int64_t)removed);
    if (list_elements_size(pack) == 0) {
        tree_remove(&large->tree, &large->head.memory, path);
        pack_destroy(&large->head.memory, pack);
    } else {
        list_leaf_mend(large, path, end); /* with one that has been searched */
    }
    return removed;
}

static uint64_t list_large_remove(struct list_large *large, const struct pack_needle *needle,
                                  uint64_t limit, kv_end end)
{
    const struct tree *tree = &large->tree;
    uint64_t removed = 0;
    uint64_t searched = 0; /* elements that stay, at `end` */
    while (removed < limit && searched < tree_count(tree)) {
        struct tree_path path;
        tree_locate(tree, end == KV_HEAD ? searched : tree_count(tree) - 1 - searched, &path);
        size_t count = pack_count(path.leaf);
        size_t most = limit - removed < count ? (size_t)(limit - removed) : count;
        uint64_t here = list_leaf_remove(large, &path, needle, most, end);
        searched += count - here;
        removed += here;
    }
    return removed;
}

KV_INTERNAL uint64_t list_remove(struct collection *list, struct memory *memory,
                                 const struct list_limits *limits, int64_t count, kv_slice value)
{
    if (collection_is_empty(list)) return 0;
    struct pack_needle needle = pack_needle(value);
    kv_end end = count < 0 ? KV_TAIL : KV_HEAD;
    uint64_t limit = count < 0 ? 0 - (uint64_t)count : (uint64_t)count;
    if (limit == 0) limit = UINT64_MAX;

    uint64_t removed;
    if (collection_is_small(list)) {
        struct pack *pack = list_small(list);
        removed =
            pack_delete_equal(pack, &needle, limit < SIZE_MAX ? (size_t)limit : SIZE_MAX, end);
        /* Who is told that nothing was removed does not look where the list lies now. */
        if (removed == 0) return 0;
        pack_fit(memory, &pack, pack_size(pack) + 64);
        collection_set_block(list, pack);
    } else {
        removed = list_large_remove(list_large(list), &needle, limit, end);
    }
    if (removed == 0) return 0;
    if (list_length(list) == 0) list_destroy(list, memory);
    else if (!collection_is_small(list)) list_settle(list, memory, limits);
    return removed;
}

/* ---------------------------------------------------------------------------------- whole lists */

static kv_status list_large_copy(const struct list_large *from, struct memory *memory,
                                 struct list_large **copy)
{
    kv_status status = list_large_create(memory, copy);
    if (status != KV_OK) return status;

    struct tree_path path;
    tree_end(&from->tree, KV_HEAD, &path);
    do {
        const struct pack *pack = path.leaf;
        status =
            list_large_append(*copy, pack_first(pack), pack_count(pack), list_elements_size(pack));
    } while (status == KV_OK && tree_next(&from->tree, &path));
    if (status != KV_OK) large_destroy(&(*copy)->head);
    return status;
}

KV_INTERNAL kv_status list_copy(const struct collection *list, struct memory *memory,
                                struct collection *copy)
{
    struct pack *pack = NULL;
    if (!collection_is_small(list)) {
        struct list_large *large;
        kv_status status = list_large_copy(list_large(list), memory, &large);
        if (status == KV_OK) collection_set_large(copy, &large->head);
        return status;
    }
    if (!collection_is_empty(list)) {
        kv_status status = pack_load(memory, pack_bytes(list_small(list)), &pack);
        if (status != KV_OK) return status;
    }
    collection_set_block(copy, pack);
    return KV_OK;
}

KV_INTERNAL void list_destroy(struct collection *list, struct memory *memory)
{
    if (collection_is_small(list)) pack_destroy(memory, list_small(list));
    else large_destroy(collection_large(list));
    list->word = 0;
}

/* ------------------------------------------------------------------------------------- checking */

#if KV_DEBUG > 0
static uint64_t list_leaf_count(const void *leaf)
{
    return pack_count(leaf);
}

static void list_large_check(const struct list_large *large)
{
    size_t size = 0;
    struct tree_path path;
    memory_check(&large->head.memory);
    tree_check(&large->tree, list_leaf_count);
    assert(tree_count(&large->tree) > 0);
    tree_end(&large->tree, KV_HEAD, &path);
    do {
        const struct pack *pack = path.leaf;
        pack_check(pack);
        assert(pack_count(pack) > 0);
        assert(pack_size(pack) <= PACK_PAGE || pack_count(pack) == 1);
        size += list_elements_size(pack);
    } while (tree_next(&large->tree, &path));
    assert(size == large->size);
}

KV_INTERNAL void list_check(const struct collection *list)
{
    if (!collection_is_small(list)) {
        list_large_check(list_large(list));
    } else if (!collection_is_empty(list)) {
        pack_check(list_small(list));
        assert(pack_count(list_small(list)) > 0);
    }
}
#endif

/* ----------------------------------------------------------------------------------- as a value */

static const char *list_encoding(const struct collection *list)
{
    return collection_is_small(list) ? "listpack" : "quicklist";
}

static size_t list_block_size(const void *block)
{
    return pack_block_size(block);
}

KV_INTERNAL const struct collection_kind list_kind = {
    .length = list_length,
    .encoding = list_encoding,
    .block_size = list_block_size,
    .copy = list_copy,
#if KV_DEBUG > 0
    .check = list_check,
#endif
};
