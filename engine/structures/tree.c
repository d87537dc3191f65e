/*
 * structures/tree.c -- a counted B+tree: leaves in order, found by position or by key in O(log n).
 *
 *                            +--------------------+
 *     level 1 (the root)     | child count (mark) |               count: elements below the child
 *                            +--------------------+
 *                             /                  \
 *                 +-------------+            +-----------+
 *     level 0     | 224 224 224 |            | 224 224 9 |        (one number per child)
 *                 +-------------+            +-----------+
 *                  /     |     \              /    |    \
 *               leaf   leaf   leaf         leaf  leaf  leaf       the owner's
 *
 * Invariants (tree_check() asserts them):
 *   1. All leaves are at the same depth; no node is empty; the root has two children at least. Up
 *      to one leaf there is no node.
 *   2. Two neighbours under one parent have more than TREE_JOIN children together, or they would
 *      have been joined. So two neighbours have 16 such pairs below them, which bounds the height.
 *   3. count[i] of a node is the number of elements below child[i], where the first and the last
 *      leaf of the whole tree count as empty: their numbers are in the tree itself, so that the
 *      ends, which change most, change in one place. Structural changes put them back first and
 *      take them out again at the end (tree_fold, tree_unfold).
 *   4. mark[i] of an ordered tree is no more than the mark of the first element below child[i], and
 *      no less than that of the last one before it; except that the mark of the very first leaf is
 *      not looked at and may be anything.
 *
 * A full node splits in the middle, but at either end of the tree just the new child moves on, so
 * that filling from one end leaves full nodes behind. Rejected: a least number of children per
 * node, kept by borrowing; it makes emptying from one end shift children for nothing, and needs a
 * second rule there.
 *
 * May use base/. Knows nothing of keys, expiry, locks.
 * Source: Bayer & McCreight 1972 for the tree; counting for ranks is Knuth vol. 3, 6.2.3; joining
 * late after Johnson & Shasha, "B-trees with inserts and deletes: why free-at-empty is better than
 * merge-at-half", 1993.
 */
#include "structures/tree.h"

#include <string.h>

enum {
    TREE_FANOUT = 64, /* a node is about 1 KiB: the host's, not a slab's of four in a page */
    TREE_JOIN = TREE_FANOUT / 2 /* leaves the joined node as far from splitting as from joining */
};

struct tree_node {
    uint32_t used;
    void *child[TREE_FANOUT];
    uint64_t count[TREE_FANOUT];
    uint64_t mark[]; /* in an ordered tree */
};
_Static_assert(sizeof(struct tree_node) > MEMORY_SMALL_MAX, "a node takes no page of its own");

/* A child on its way into or out of a node. */
struct tree_slot {
    void *child;
    uint64_t count;
    uint64_t mark;
};

/* ---------------------------------------------------------------------------------------- nodes */

static size_t tree_node_size(const struct tree *tree)
{
    size_t marks = tree->order != NULL ? TREE_FANOUT * sizeof(uint64_t) : 0;
    return sizeof(struct tree_node) + marks;
}

static void tree_free_node(struct tree *tree, struct memory *memory, struct tree_node *node)
{
    memory_free(memory, node, tree_node_size(tree));
    tree->nodes--;
}

static uint64_t tree_node_count(const struct tree_node *node)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < node->used; i++) count += node->count[i];
    return count;
}

/* Moves `n` slots from one place to another, which may overlap within one node. */
static void tree_copy_slots(const struct tree *tree, struct tree_node *to, unsigned to_index,
                            const struct tree_node *from, unsigned from_index, unsigned n)
{
    assert(to_index + n <= TREE_FANOUT);
    assert(from_index + n <= TREE_FANOUT);
    memmove(to->child + to_index, from->child + from_index, n * sizeof *to->child);
    memmove(to->count + to_index, from->count + from_index, n * sizeof *to->count);
    if (tree->order != NULL) {
        memmove(to->mark + to_index, from->mark + from_index, n * sizeof *to->mark);
    }
}

static void tree_set_slot(const struct tree *tree, struct tree_node *node, unsigned index,
                          const struct tree_slot *slot)
{
    node->child[index] = slot->child;
    node->count[index] = slot->count;
    if (tree->order != NULL) node->mark[index] = slot->mark;
}

static void tree_insert_slot(const struct tree *tree, struct tree_node *node, unsigned index,
                             const struct tree_slot *slot)
{
    assert(node->used < TREE_FANOUT);
    assert(index <= node->used);
    tree_copy_slots(tree, node, index + 1, node, index, node->used - index);
    tree_set_slot(tree, node, index, slot);
    node->used++;
}

static void tree_remove_slots(const struct tree *tree, struct tree_node *node, unsigned index,
                              unsigned n)
{
    assert(index + n <= node->used);
    tree_copy_slots(tree, node, index, node, index + n, node->used - index - n);
    node->used -= n;
}

static uint64_t tree_leaf_mark(const struct tree *tree, const void *leaf)
{
    return tree->order != NULL ? tree->order->mark(leaf) : 0;
}

/* The slot by which a parent knows `node`. */
static struct tree_slot tree_slot_of_node(const struct tree *tree, struct tree_node *node)
{
    uint64_t mark = tree->order != NULL ? node->mark[0] : 0;
    return (struct tree_slot){node, tree_node_count(node), mark};
}

/* ---------------------------------------------------------------------------------------- paths */

/* What the node of a step counts below the child that the path goes through. */
static uint64_t *tree_step_count(const struct tree_step *step)
{
    return &step->node->count[step->index];
}

/* Completes a path downwards from a child with `level` levels of nodes, along one of its edges. */
static void tree_descend(struct tree_path *path, unsigned level, void *child, kv_end end)
{
    while (level-- > 0) {
        struct tree_node *node = child;
        unsigned index = end == KV_HEAD ? 0 : node->used - 1;
        path->step[level] = (struct tree_step){node, index};
        child = node->child[index];
    }
    path->leaf = child;
}

KV_INTERNAL void tree_end(const struct tree *tree, kv_end end, struct tree_path *path)
{
    assert(tree->root != NULL);
    tree_descend(path, tree->height, tree->root, end);
}

KV_INTERNAL bool tree_next(const struct tree *tree, struct tree_path *path)
{
    for (unsigned level = 0; level < tree->height; level++) {
        struct tree_step *step = &path->step[level];
        if (step->index + 1 < step->node->used) {
            step->index++;
            tree_descend(path, level, step->node->child[step->index], KV_HEAD);
            return true;
        }
    }
    return false;
}

KV_INTERNAL bool tree_prev(const struct tree *tree, struct tree_path *path)
{
    for (unsigned level = 0; level < tree->height; level++) {
        struct tree_step *step = &path->step[level];
        if (step->index > 0) {
            step->index--;
            tree_descend(path, level, step->node->child[step->index], KV_TAIL);
            return true;
        }
    }
    return false;
}

/* Whether the path runs along one edge of the tree from the root down to `level`. */
static bool tree_path_on_edge(const struct tree *tree, const struct tree_path *path, unsigned level,
                              kv_end end)
{
    for (; level < tree->height; level++) {
        unsigned edge = end == KV_HEAD ? 0 : path->step[level].node->used - 1;
        if (path->step[level].index != edge) return false;
    }
    return true;
}

KV_INTERNAL uint64_t tree_locate(const struct tree *tree, uint64_t position, struct tree_path *path)
{
    assert(position < tree->count);
    if (position < tree->first_count) {
        tree_end(tree, KV_HEAD, path);
        return position;
    }
    if (position >= tree->count - tree->last_count) {
        tree_end(tree, KV_TAIL, path);
        return position - (tree->count - tree->last_count);
    }

    position -= tree->first_count;
    void *child = tree->root;
    for (unsigned level = tree->height; level-- > 0;) {
        struct tree_node *node = child;
        unsigned i = 0;
        while (position >= node->count[i]) position -= node->count[i++];
        assert(i < node->used);
        path->step[level] = (struct tree_step){node, i};
        child = node->child[i];
    }
    path->leaf = child;
    return position;
}

/* Whether the first element below a child is no greater than the key. */
static bool tree_child_is_before(const struct tree *tree, const struct tree_node *node,
                                 unsigned index, unsigned level, const void *key, uint64_t mark)
{
    if (node->mark[index] != mark) return node->mark[index] < mark;
    const void *child = node->child[index];
    for (; level > 0; level--) child = ((const struct tree_node *)child)->child[0];
    return tree->order->compare(key, child) >= 0;
}

KV_INTERNAL void tree_locate_key(const struct tree *tree, const void *key, uint64_t mark,
                                 struct tree_path *path)
{
    assert(tree->order != NULL);
    assert(tree->root != NULL);
    void *child = tree->root;
    for (unsigned level = tree->height; level-- > 0;) {
        struct tree_node *node = child;
        unsigned low = 0; /* this child may be it, those from `high` on are not */
        unsigned high = node->used;
        while (high - low > 1) {
            unsigned middle = (low + high) / 2;
            if (tree_child_is_before(tree, node, middle, level, key, mark)) low = middle;
            else high = middle;
        }
        path->step[level] = (struct tree_step){node, low};
        child = node->child[low];
    }
    path->leaf = child;
}

KV_INTERNAL uint64_t tree_rank(const struct tree *tree, const struct tree_path *path)
{
    uint64_t rank = path->leaf != tree->first ? tree->first_count : 0;
    for (unsigned level = 0; level < tree->height; level++) {
        const struct tree_step *step = &path->step[level];
        for (unsigned i = 0; i < step->index; i++) rank += step->node->count[i];
    }
    return rank;
}

KV_INTERNAL uint64_t tree_leaf_count(const struct tree *tree, const struct tree_path *path)
{
    if (path->leaf == tree->first) return tree->first_count;
    if (path->leaf == tree->last) return tree->last_count;
    return *tree_step_count(&path->step[0]);
}

KV_INTERNAL size_t tree_bytes(const struct tree *tree)
{
    return tree->nodes * memory_capacity(tree_node_size(tree));
}

/* --------------------------------------------------------------------------------------- counts */

static void tree_add_on_path(const struct tree *tree, const struct tree_path *path, unsigned level,
                             uint64_t change)
{
    for (; level < tree->height; level++) *tree_step_count(&path->step[level]) += change;
}

static void tree_add_on_edge(const struct tree *tree, kv_end end, uint64_t change)
{
    void *child = tree->root;
    for (unsigned level = tree->height; level > 0; level--) {
        struct tree_node *node = child;
        unsigned index = end == KV_HEAD ? 0 : node->used - 1;
        node->count[index] += change;
        child = node->child[index];
    }
}

/* The leaf at one end; also what the node above it counts there, if there is one. */
static void *tree_edge(const struct tree *tree, kv_end end, uint64_t *count)
{
    void *child = tree->root;
    for (unsigned level = tree->height; level > 0; level--) {
        struct tree_node *node = child;
        unsigned index = end == KV_HEAD ? 0 : node->used - 1;
        *count = node->count[index];
        child = node->child[index];
    }
    return child;
}

/* Puts the counts of the first and last leaf into the nodes, where every other leaf's is. */
static void tree_fold(const struct tree *tree)
{
    tree_add_on_edge(tree, KV_HEAD, tree->first_count);
    tree_add_on_edge(tree, KV_TAIL, tree->last_count);
}

/* Takes those of the leaves that are first and last now out again. */
static void tree_unfold(struct tree *tree)
{
    tree->first_count = tree->count; /* unless there are two leaves or more */
    tree->last_count = 0;
    tree->first = tree_edge(tree, KV_HEAD, &tree->first_count);
    tree_add_on_edge(tree, KV_HEAD, 0 - tree->first_count);
    tree->last = tree_edge(tree, KV_TAIL, &tree->last_count);
    tree_add_on_edge(tree, KV_TAIL, 0 - tree->last_count);
}

KV_INTERNAL void tree_adjust(struct tree *tree, const struct tree_path *path, int64_t change)
{
    if (path->leaf == tree->first) tree->first_count += (uint64_t)change;
    else if (path->leaf == tree->last) tree->last_count += (uint64_t)change;
    else tree_add_on_path(tree, path, 0, (uint64_t)change);
    tree->count += (uint64_t)change;
}

/* ------------------------------------------------------------------------------------ inserting */

/*
 * The nodes that inserting below `path` will take: one for each full one on the way up, and a root.
 */
static unsigned tree_nodes_needed(const struct tree *tree, const struct tree_path *path)
{
    unsigned level = 0;
    while (level < tree->height && path->step[level].node->used == TREE_FANOUT) level++;
    return level < tree->height ? level : level + 1;
}

/* Gets `n` nodes, chained by their first child; all or none. */
static bool tree_reserve_nodes(struct tree *tree, struct memory *memory, unsigned n,
                               struct tree_node **chain)
{
    *chain = NULL;
    for (unsigned i = 0; i < n; i++) {
        struct tree_node *node = memory_get(memory, tree_node_size(tree));
        if (node == NULL) {
            while ((node = *chain) != NULL) {
                *chain = node->child[0];
                tree_free_node(tree, memory, node);
            }
            return false;
        }
        tree->nodes++;
        node->used = 0;
        node->child[0] = *chain;
        *chain = node;
    }
    return true;
}

static struct tree_node *tree_take_node(struct tree_node **chain)
{
    struct tree_node *node = *chain;
    assert(node != NULL);
    *chain = node->child[0];
    return node;
}

/* Makes a node, with what is the root now as its only child, the root. The path goes through it. */
static void tree_grow(struct tree *tree, struct tree_path *path, struct tree_node *root)
{
    struct tree_slot slot = {tree->root, tree->count, 0};
    if (tree->height > 0) slot = tree_slot_of_node(tree, tree->root);
    else slot.mark = tree_leaf_mark(tree, tree->root);
    root->used = 0;
    tree_insert_slot(tree, root, 0, &slot);
    path->step[tree->height] = (struct tree_step){root, 0};
    tree->root = root;
    tree->height++;
    assert(tree->height <= TREE_HEIGHT_MAX);
}

/* How many children stay in a full node that splits for one more at `index`. */
static unsigned tree_split_point(const struct tree *tree, const struct tree_path *path,
                                 unsigned level, unsigned index)
{
    if (index == TREE_FANOUT && tree_path_on_edge(tree, path, level + 1, KV_TAIL)) return index;
    if (index == 0 && tree_path_on_edge(tree, path, level + 1, KV_HEAD)) return index;
    return TREE_FANOUT / 2;
}

/*
 * Splits the full node of the path at `level` for `slot` at `index`, and puts it in. The path goes
 * on to lead to the child `kept` (an index as if nothing had been split). Gives the new right half;
 * *moved says that the path runs through it now.
 */
static struct tree_node *tree_split(struct tree *tree, struct tree_path *path, unsigned level,
                                    unsigned index, const struct tree_slot *slot, unsigned kept,
                                    struct tree_node *right, bool *moved)
{
    struct tree_node *left = path->step[level].node;
    unsigned cut = tree_split_point(tree, path, level, index);
    tree_copy_slots(tree, right, 0, left, cut, left->used - cut);
    right->used = left->used - cut;
    left->used = cut;

    /* At the cut itself either half would do; this one leaves neither empty. */
    bool into_right = index > cut || cut == TREE_FANOUT;
    if (into_right) tree_insert_slot(tree, right, index - cut, slot);
    else tree_insert_slot(tree, left, index, slot);

    *moved = kept >= left->used;
    if (*moved) path->step[level] = (struct tree_step){right, kept - left->used};
    else path->step[level].index = kept;
    return right;
}

/*
 * Takes the mark of the path's leaf anew, and lowers those above it where it is at their left edge.
 */
static void tree_renew_marks(const struct tree *tree, const struct tree_path *path)
{
    if (tree->order == NULL || tree->height == 0) return;
    const struct tree_step *step = path->step;
    step->node->mark[step->index] = tree->order->mark(path->leaf);
    for (unsigned level = 1; level < tree->height && step->index == 0; level++, step++) {
        step[1].node->mark[step[1].index] = step[0].node->mark[0];
    }
}

/*
 * Inserts a leaf's slot beside the path, with as many nodes as that takes, and leads the path to
 * it.
 */
static void tree_insert_at(struct tree *tree, struct tree_path *path, kv_end side,
                           struct tree_slot slot, struct tree_node *chain)
{
    uint64_t count = slot.count;
    if (tree->height == 0) tree_grow(tree, path, tree_take_node(&chain));
    unsigned index = path->step[0].index + (side == KV_TAIL ? 1u : 0u); /* where the slot goes */
    unsigned kept = index;                                              /* where the path goes */
    path->leaf = slot.child;

    unsigned level = 0;
    while (path->step[level].node->used == TREE_FANOUT) {
        if (level + 1 == tree->height) tree_grow(tree, path, tree_take_node(&chain));

        bool moved;
        struct tree_node *left = path->step[level].node;
        struct tree_node *right =
            tree_split(tree, path, level, index, &slot, kept, tree_take_node(&chain), &moved);
        unsigned at = path->step[level + 1].index;
        *tree_step_count(&path->step[level + 1]) = tree_node_count(left);
        slot = tree_slot_of_node(tree, right);
        index = at + 1;
        kept = moved ? at + 1 : at;
        level++;
    }
    tree_insert_slot(tree, path->step[level].node, index, &slot);
    path->step[level].index = kept;
    tree_add_on_path(tree, path, level + 1, count);
    tree_renew_marks(tree, path);
    assert(chain == NULL);
}

KV_INTERNAL kv_status tree_insert(struct tree *tree, struct memory *memory, struct tree_path *path,
                                  kv_end side, void *leaf, uint64_t count)
{
    assert(leaf != NULL);
    if (tree->root == NULL) {
        tree->root = path->leaf = leaf;
    } else {
        struct tree_node *chain;
        unsigned needed = tree_nodes_needed(tree, path);
        if (!tree_reserve_nodes(tree, memory, needed, &chain)) return KV_NOMEM;
        /* The mark of a leaf that another one comes before may not be older than its elements. */
        if (side == KV_HEAD || path->leaf == tree->first) tree_renew_marks(tree, path);
        tree_fold(tree);
        struct tree_slot slot = {leaf, count, tree_leaf_mark(tree, leaf)};
        tree_insert_at(tree, path, side, slot, chain);
    }
    tree->count += count;
    tree_unfold(tree);
    return KV_OK;
}

/* ------------------------------------------------------------------------------------- removing */

static void tree_settle(struct tree *tree, struct memory *memory, struct tree_node *node,
                        unsigned level, unsigned index);

/*
 * Joins the children `index` and `index` + 1 of a node at `level` if they are few enough. Two
 * children of theirs that were at the edges become neighbours by that, and are settled in turn.
 */
static bool tree_join(struct tree *tree, struct memory *memory, struct tree_node *node,
                      unsigned level, unsigned index)
{
    struct tree_node *left = node->child[index];
    struct tree_node *right = node->child[index + 1];
    if (left->used + right->used > TREE_JOIN) return false;

    unsigned seam = left->used;
    tree_copy_slots(tree, left, seam, right, 0, right->used);
    left->used += right->used;
    node->count[index] += node->count[index + 1];
    tree_remove_slots(tree, node, index + 1, 1);
    tree_free_node(tree, memory, right);
    if (seam > 0 && seam < left->used) tree_settle(tree, memory, left, level - 1, seam);
    return true;
}

/*
 * Restores the invariants among the children of a node at `level` after the one at `index` has
 * changed.
 */
static void tree_settle(struct tree *tree, struct memory *memory, struct tree_node *node,
                        unsigned level, unsigned index)
{
    if (level == 0) return; /* its children are leaves */

    struct tree_node *child = node->child[index];
    if (child->used == 0) {
        assert(node->count[index] == 0);
        tree_remove_slots(tree, node, index, 1);
        tree_free_node(tree, memory, child);
        if (index == node->used) {
            if (index == 0) return;
            index--;
        }
    }
    for (;;) {
        if (index + 1 < node->used && tree_join(tree, memory, node, level, index)) continue;
        if (index == 0 || !tree_join(tree, memory, node, level, index - 1)) return;
        index--;
    }
}

/* Takes away roots that are not needed any more. */
static void tree_shrink(struct tree *tree, struct memory *memory)
{
    while (tree->height > 0) {
        struct tree_node *root = tree->root;
        if (root->used > 1) return;
        tree->root = root->used == 1 ? root->child[0] : NULL;
        tree->height = root->used == 1 ? tree->height - 1 : 0;
        tree_free_node(tree, memory, root);
    }
}

KV_INTERNAL void tree_remove(struct tree *tree, struct memory *memory, struct tree_path *path)
{
    if (tree->height == 0) {
        assert(path->leaf == tree->root);
        tree->root = NULL;
        tree->count = 0;
        tree_unfold(tree);
        return;
    }

    tree_fold(tree);
    uint64_t count = *tree_step_count(&path->step[0]);
    tree_add_on_path(tree, path, 0, 0 - count);
    tree->count -= count;
    const struct tree_step *step = path->step;
    tree_remove_slots(tree, step->node, step->index, 1);
    for (unsigned level = 1; level < tree->height; level++) {
        step++;
        unsigned before = step->node->used;
        tree_settle(tree, memory, step->node, level, step->index);
        if (step->node->used == before) break; /* nothing changed for those above */
    }
    tree_shrink(tree, memory);
    tree_unfold(tree);
}

/* Lets go of a child of a node at `level` and all that is below it. */
static void tree_destroy_child(struct tree *tree, struct memory *memory, void *child,
                               unsigned level, tree_drop *drop, void *context)
{
    if (level == 0) {
        if (drop != NULL) drop(context, child);
        return;
    }
    struct tree_node *node = child;
    for (unsigned i = 0; i < node->used; i++) {
        tree_destroy_child(tree, memory, node->child[i], level - 1, drop, context);
    }
    tree_free_node(tree, memory, node);
}

struct tree_cut {
    struct tree *tree;
    struct memory *memory;
    const struct tree_path *from, *to;
    tree_drop *drop;
    void *context;
};

/*
 * Removes what is below a node at `level`, from the leaf of `from` if `starts`, else from the left
 * edge, to that of `to` if `ends`, else to the right edge. The node may come out empty.
 */
static void tree_cut_below(const struct tree_cut *cut, struct tree_node *node, unsigned level,
                           bool starts, bool ends)
{
    unsigned first = starts ? cut->from->step[level].index : 0;
    unsigned last = ends ? cut->to->step[level].index : node->used - 1;
    if (level > 0 && starts && ends && first == last) {
        tree_cut_below(cut, node->child[first], level - 1, true, true);
        node->count[first] = tree_node_count(node->child[first]);
        tree_settle(cut->tree, cut->memory, node, level, first);
        return;
    }

    /* The children at either end of the range stay with a part, those between go whole. */
    unsigned gone = first;
    unsigned gone_end = last + 1;
    if (level > 0 && starts) {
        tree_cut_below(cut, node->child[first], level - 1, true, false);
        node->count[first] = tree_node_count(node->child[first]);
        gone++;
    }
    if (level > 0 && ends) {
        tree_cut_below(cut, node->child[last], level - 1, false, true);
        node->count[last] = tree_node_count(node->child[last]);
        gone_end--;
    }
    for (unsigned i = gone; i < gone_end; i++) {
        tree_destroy_child(cut->tree, cut->memory, node->child[i], level, cut->drop, cut->context);
    }
    tree_remove_slots(cut->tree, node, gone, gone_end - gone);

    if (gone < node->used) tree_settle(cut->tree, cut->memory, node, level, gone);
    if (gone > 0 && gone <= node->used) {
        tree_settle(cut->tree, cut->memory, node, level, gone - 1);
    }
}

KV_INTERNAL void tree_remove_range(struct tree *tree, struct memory *memory,
                                   const struct tree_path *from, const struct tree_path *to,
                                   tree_drop *drop, void *context)
{
    if (tree->height == 0) {
        tree_clear(tree, memory, drop, context);
        return;
    }
    struct tree_cut cut = {tree, memory, from, to, drop, context};
    tree_fold(tree);
    tree_cut_below(&cut, tree->root, tree->height - 1, true, true);
    tree->count = tree_node_count(tree->root);
    tree_shrink(tree, memory);
    tree_unfold(tree);
}

KV_INTERNAL void tree_clear(struct tree *tree, struct memory *memory, tree_drop *drop,
                            void *context)
{
    if (tree->root == NULL) return;
    tree_destroy_child(tree, memory, tree->root, tree->height, drop, context);
    tree->root = NULL;
    tree->height = 0;
    tree->count = 0;
    tree_unfold(tree);
}

KV_INTERNAL void tree_replace(struct tree *tree, struct tree_path *path, void *leaf)
{
    assert(leaf != NULL);
    if (tree->first == path->leaf) tree->first = leaf;
    if (tree->last == path->leaf) tree->last = leaf;
    path->leaf = leaf;
    if (tree->height == 0) {
        tree->root = leaf;
        return;
    }
    path->step[0].node->child[path->step[0].index] = leaf;
    tree_renew_marks(tree, path);
}

/* ------------------------------------------------------------------------------------- checking */

#if KV_DEBUG > 0
struct tree_walk {
    const struct tree *tree;
    uint64_t (*count)(const void *leaf);
    const void *first, *last; /* leaves met so far */
    uint64_t elements, nodes;
    uint64_t mark; /* of the first element of the leaf before */
};

static uint64_t tree_check_leaf(struct tree_walk *walk, const void *leaf, uint64_t separator)
{
    const struct tree *tree = walk->tree;
    uint64_t count = walk->count(leaf);
    assert(leaf != NULL);
    if (tree->order != NULL && walk->first != NULL) {
        uint64_t mark = tree->order->mark(leaf);
        assert(separator <= mark);
        assert(walk->mark <= mark);
        walk->mark = mark;
    } else if (tree->order != NULL) {
        walk->mark = tree->order->mark(leaf);
    }
    if (walk->first == NULL) walk->first = leaf;
    walk->last = leaf;
    walk->elements += count;
    if (leaf == tree->first) {
        assert(count == tree->first_count);
        return 0;
    }
    if (leaf == tree->last) {
        assert(count == tree->last_count);
        return 0;
    }
    return count;
}

/*
 * Checks what is below a child of a node at `level`, and gives what the nodes should count there.
 */
static uint64_t tree_check_child(struct tree_walk *walk, const void *child, unsigned level,
                                 uint64_t separator)
{
    if (level == 0) return tree_check_leaf(walk, child, separator);

    const struct tree_node *node = child;
    uint64_t count = 0;
    walk->nodes++;
    assert(node->used >= 1);
    assert(node->used <= TREE_FANOUT);
    for (unsigned i = 0; i < node->used; i++) {
        uint64_t mark = 0;
        if (walk->tree->order != NULL) {
            mark = node->mark[i];
            if (walk->first != NULL) assert(mark >= separator);
            if (walk->first != NULL) assert(mark >= walk->mark);
        }
        uint64_t below = tree_check_child(walk, node->child[i], level - 1, mark);
        assert(node->count[i] == below);
        count += below;
        if (level > 1 && i > 0) {
            const struct tree_node *left = node->child[i - 1];
            const struct tree_node *right = node->child[i];
            assert(left->used + right->used > TREE_JOIN);
        }
    }
    return count;
}

KV_INTERNAL void tree_check(const struct tree *tree, uint64_t (*count)(const void *leaf))
{
    struct tree_walk walk = {.tree = tree, .count = count};
    if (tree->root == NULL) {
        assert(tree->height == 0);
    } else {
        tree_check_child(&walk, tree->root, tree->height, 0);
    }
    if (tree->height > 0) assert(((const struct tree_node *)tree->root)->used >= 2);
    assert(tree->height <= TREE_HEIGHT_MAX);
    assert(walk.first == tree->first);
    assert(walk.last == tree->last);
    assert(walk.elements == tree->count);
    assert(walk.nodes == tree->nodes);
    if (tree->first == tree->last) assert(tree->last_count == 0);
}
#endif
