/*
 * structures/tree.h -- a counted B+tree: leaves in order, found by position or by key in O(log n).
 *
 * A leaf is a block of its owner's with some elements in it. The tree knows its address and how
 * many elements it holds, which maps the position of an element to its leaf and back; what an
 * element is, only the owner knows. In an ordered tree leaves are also found by key, which takes
 * two answers from the owner (struct tree_order).
 *
 * Ownership  Leaves are the owner's: the tree hands them to a `drop` callback when it lets go of
 *            several, and never touches one otherwise. Nodes are the tree's, from the owner's
 *            memory.
 * Failure    Only tree_insert() needs memory. What it inserted can always be removed again, so a
 *            caller that inserts several leaves can take back those that went in.
 * Paths      A path is a place, at one leaf. It is good until leaves are inserted or removed,
 *            except that tree_insert() makes it the place of the new leaf.
 * Cost       Adding to or taking from the count of the first or last leaf is O(1) and touches no
 *            node. Anything else is O(log n), a node holding up to 64; an insertion or removal at
 *            an end is O(log n) with nodes at hand that stay in the cache.
 * Size       Nothing beyond the struct for up to one leaf, then 1 KiB for 32 to 64 leaves (8 bytes
 *            more for each leaf in an ordered tree).
 */
#ifndef KV_STRUCTURES_TREE_H
#define KV_STRUCTURES_TREE_H

#include "base/attributes.h"
#include "base/memory.h"

#include "kvstore.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Above the root's each level has at least 16 times as many nodes, see tree.c: 2^45 leaves. */
#define TREE_HEIGHT_MAX 12

struct tree_node;

/*
 * What an ordered tree asks its owner. A mark is the first 8 bytes, so to speak, of an element's
 * order: of two elements the lesser one has a mark no greater. (The score of a sorted set's member,
 * the time of a stream's entry.) Marks are kept in the nodes, so that leaves are only looked at to
 * tell equal ones apart.
 */
struct tree_order {
    uint64_t (*mark)(const void *leaf);                /* of its first element */
    int (*compare)(const void *key, const void *leaf); /* key with its first element, as memcmp() */
};

/* Starts as {0}, or with `order` set. */
struct tree {
    void *root;           /* NULL, or the only leaf (height 0), or a node */
    void *first, *last;   /* leaves; NULL if there are none */
    uint64_t count;       /* elements in all leaves */
    uint64_t first_count; /* elements in the first leaf; nodes count it as empty */
    uint64_t last_count;  /* the same of the last leaf; 0 if that is the first one too */
    uint32_t height;      /* levels of nodes above the leaves */
    uint32_t nodes;
    const struct tree_order *order; /* NULL: by position only */
};

/*
 * A node on a path, and which of its children the path goes through. (Not two arrays in the path,
 * of nodes and of bytes: gcc 12 at -O2 without assertions took reads of those for independent of
 * the calls that wrote them.)
 */
struct tree_step {
    struct tree_node *node;
    unsigned index;
};

struct tree_path {
    void *leaf;
    struct tree_step step[TREE_HEIGHT_MAX]; /* from the one above the leaf up to the root */
};

/* Told of each leaf that leaves the tree in tree_remove_range() and tree_clear(). */
typedef void tree_drop(void *context, void *leaf);

/* -------------------------------------------------------------------------------------- finding */

static inline uint64_t tree_count(const struct tree *tree)
{
    return tree->count;
}

/* The bytes of its nodes. */
KV_INTERNAL KV_UNUSED size_t tree_bytes(const struct tree *tree);

/* The path to the leaf at one end; the tree is not empty. */
KV_INTERNAL void tree_end(const struct tree *tree, kv_end end, struct tree_path *path);

/*
 * Moves to the next or previous leaf. False, and the path is no more, if there is none. O(1) on
 * average.
 */
KV_INTERNAL bool tree_next(const struct tree *tree, struct tree_path *path);
KV_INTERNAL bool tree_prev(const struct tree *tree, struct tree_path *path);

/*
 * The path to the leaf with the element at `position` < count; gives that element's index in the
 * leaf.
 */
KV_INTERNAL uint64_t tree_locate(const struct tree *tree, uint64_t position,
                                 struct tree_path *path);

/*
 * The path to the leaf in which `key`, whose mark is `mark`, is or belongs: the last leaf whose
 * first element is not greater; or the first of all; or one before which elements were removed, and
 * the key lies in that gap, so that it belongs at the leaf's front. The tree is ordered and not
 * empty.
 */
KV_INTERNAL KV_UNUSED void tree_locate_key(const struct tree *tree, const void *key, uint64_t mark,
                                           struct tree_path *path);

/* How many elements come before the path's leaf; and how many the tree counts in it. */
KV_INTERNAL KV_UNUSED uint64_t tree_rank(const struct tree *tree, const struct tree_path *path);
KV_INTERNAL KV_UNUSED uint64_t tree_leaf_count(const struct tree *tree,
                                               const struct tree_path *path);

/* ------------------------------------------------------------------------------------- changing */

/*
 * Inserts a leaf of `count` elements before (KV_HEAD) or after (KV_TAIL) the path's, which need not
 * be set if the tree is empty; the path then leads to the new leaf. KV_OK; KV_NOMEM.
 */
KV_INTERNAL kv_status tree_insert(struct tree *tree, struct memory *memory, struct tree_path *path,
                                  kv_end side, void *leaf, uint64_t count);

/* Removes the path's leaf, which is the caller's again. */
KV_INTERNAL void tree_remove(struct tree *tree, struct memory *memory, struct tree_path *path);

/*
 * Removes the leaves from one path's to another's, both included, dropping each.
 * Cost O(log n + leaves removed).
 */
KV_INTERNAL void tree_remove_range(struct tree *tree, struct memory *memory,
                                   const struct tree_path *from, const struct tree_path *to,
                                   tree_drop *drop, void *context);

/* Removes all leaves, dropping each unless `drop` is NULL. Cost O(leaves). */
KV_INTERNAL KV_UNUSED void tree_clear(struct tree *tree, struct memory *memory, tree_drop *drop,
                                      void *context);

/*
 * Puts another leaf in the place of the path's, with as many elements. In an ordered tree this is
 * also how the tree learns that the leaf's first element has become a lesser one: elements that
 * join those of another leaf go to the one behind, never to the one before, since a mark may be
 * older than the elements it was taken from.
 */
KV_INTERNAL void tree_replace(struct tree *tree, struct tree_path *path, void *leaf);

/* Says that the path's leaf has `change` elements more; negative, less. */
KV_INTERNAL void tree_adjust(struct tree *tree, const struct tree_path *path, int64_t change);

/* The same of the leaf at one end, without a path to it. O(1). */
static inline void tree_adjust_end(struct tree *tree, kv_end end, int64_t change)
{
    if (end == KV_TAIL && tree->last != tree->first) tree->last_count += (uint64_t)change;
    else tree->first_count += (uint64_t)change;
    tree->count += (uint64_t)change;
}

/* How many elements the leaf at one end has. */
static inline uint64_t tree_end_count(const struct tree *tree, kv_end end)
{
    return end == KV_TAIL && tree->last != tree->first ? tree->last_count : tree->first_count;
}

#if KV_DEBUG > 0
/* Asserts what tree.c promises; `count` tells how many elements a leaf holds. */
KV_INTERNAL KV_UNUSED void tree_check(const struct tree *tree, uint64_t (*count)(const void *leaf));
#endif

#endif
