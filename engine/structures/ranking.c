/*
 * structures/ranking.c -- members in the order of their scores, on a counted tree.
 *
 *     leaf:  | count capacity | mark member | mark member | ...        mark: the score as an integer
 *
 * Invariants (ranking_check() asserts them):
 *   1. Slots are in order: by mark, equal ones by the names of their members. A slot's mark is that
 *      of its member's score.
 *   2. A leaf is not empty and holds RANKING_LEAF_MAX slots at most, which is what fits a block of
 *      base/memory.h's largest class; its capacity is what its own block has room for.
 *   3. What tree.c promises, with the first slot's mark as a leaf's.
 *
 * The score is kept twice, in the slot and in the member. Kept in the member alone, as first tried
 * here, each step of a search within a leaf is a cache miss of its own, and that is most of what an
 * insertion costs.
 *
 * A full leaf splits in the middle, but at either end of the ranking just the new slot moves on, so
 * that members that come in order fill leaves. A leaf grows by the classes of base/memory.h, not at
 * once to the largest: half empty ones are many after splitting. One that has come below
 * RANKING_LEAF_LOW joins a neighbour if both together are well below the limit.
 *
 * May use base/ and other structures. Knows nothing of keys, expiry, locks.
 */
#include "structures/ranking.h"

#include "base/slice.h"

#include <string.h>

enum {
    RANKING_LEAF_MAX = 63,
    RANKING_LEAF_LOW = 16,  /* fewer slots than this want to join another leaf's */
    RANKING_LEAF_JOIN = 48, /* and do if they come to no more than this */
    RANKING_SPARE = 16,     /* free slots that a leaf may keep after removals */
    RANKING_AHEAD = 8       /* how far ahead of a walk members are fetched: tried 4 to 16 */
};

/* -------------------------------------------------------------------------------------- ordering */

/* The key's order with a slot: below 0, 0, above 0. */
static int ranking_compare(const struct ranking_key *key, const struct ranking_slot *slot)
{
    if (KV_LIKELY(key->mark != slot->mark)) return key->mark < slot->mark ? -1 : 1;
    if (key->side == RANKING_BEFORE_ALL) return -1;
    if (key->side == RANKING_AFTER_ALL) return 1;
    char scratch[MEMBER_TEXT_SIZE];
    int order = slice_compare(key->name, member_text(slot->member, scratch));
    return order == 0 && key->side == RANKING_BEHIND ? 1 : order;
}

static uint64_t ranking_leaf_mark(const void *leaf)
{
    return ((const struct ranking_leaf *)leaf)->slots[0].mark;
}

static int ranking_leaf_compare(const void *key, const void *leaf)
{
    return ranking_compare(key, ((const struct ranking_leaf *)leaf)->slots);
}

static const struct tree_order ranking_order = {ranking_leaf_mark, ranking_leaf_compare};

KV_INTERNAL void ranking_init(struct ranking *ranking)
{
    *ranking = (struct ranking){.tree = {.order = &ranking_order}};
}

/* The first slot of the leaf that is not before the key; its count if there is none. */
static unsigned ranking_leaf_seek(const struct ranking_leaf *leaf, const struct ranking_key *key)
{
    unsigned low = 0, high = leaf->count; /* those before `low` are, those from `high` on are not */
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (ranking_compare(key, &leaf->slots[middle]) > 0) low = middle + 1;
        else high = middle;
    }
    return low;
}

/* Where the key belongs: in this leaf, perhaps behind its last slot. The ranking is not empty. */
static void ranking_locate(const struct ranking *ranking, const struct ranking_key *key,
                           struct ranking_place *place)
{
    tree_locate_key(&ranking->tree, key, key->mark, &place->path);
    place->index = ranking_leaf_seek(place->path.leaf, key);
}

static struct ranking_key ranking_key_of(const struct member *member, double score,
                                         char scratch[MEMBER_TEXT_SIZE])
{
    return ranking_key(score, RANKING_AT, member_text(member, scratch));
}

/* The place of a member that is there under this key. */
static void ranking_locate_member(const struct ranking *ranking, const struct ranking_key *key,
                                  const struct member *member, struct ranking_place *place)
{
    tree_locate_key(&ranking->tree, key, key->mark, &place->path);
    const struct ranking_leaf *leaf = place->path.leaf;
    unsigned i = 0; /* looking for the pointer touches no other member */
    while (leaf->slots[i].member != member || leaf->slots[i].mark != key->mark) {
        i++;
        assert(i < leaf->count);
    }
    place->index = i;
}

/* --------------------------------------------------------------------------------------- finding */

KV_INTERNAL uint64_t ranking_before(const struct ranking *ranking, const struct ranking_key *key)
{
    struct ranking_place place;
    if (ranking_count(ranking) == 0) return 0;
    ranking_locate(ranking, key, &place);
    return tree_rank(&ranking->tree, &place.path) + place.index;
}

KV_INTERNAL void ranking_at(const struct ranking *ranking, uint64_t rank,
                            struct ranking_place *place)
{
    place->index = (unsigned)tree_locate(&ranking->tree, rank, &place->path);
}

KV_INTERNAL void ranking_find(const struct ranking *ranking, const struct member *member,
                              double score, struct ranking_place *place)
{
    char scratch[MEMBER_TEXT_SIZE];
    struct ranking_key key = ranking_key_of(member, score, scratch);
    ranking_locate_member(ranking, &key, member, place);
}

KV_INTERNAL uint64_t ranking_rank(const struct ranking *ranking, const struct member *member,
                                  double score)
{
    struct ranking_place place;
    ranking_find(ranking, member, score, &place);
    return tree_rank(&ranking->tree, &place.path) + place.index;
}

KV_INTERNAL void ranking_fetch(const struct ranking_place *place, kv_end end)
{
    const struct ranking_leaf *leaf = place->path.leaf;
    for (unsigned i = 1; i <= RANKING_AHEAD; i++) {
        unsigned index = end == KV_HEAD ? place->index + i : place->index - i; /* may wrap */
        if (index < leaf->count) KV_PREFETCH(leaf->slots[index].member);
    }
}

KV_INTERNAL bool ranking_next(const struct ranking *ranking, struct ranking_place *place)
{
    const struct ranking_leaf *leaf = place->path.leaf;
    if (KV_LIKELY(++place->index < leaf->count)) {
        unsigned ahead = place->index + RANKING_AHEAD;
        if (ahead < leaf->count) KV_PREFETCH(leaf->slots[ahead].member);
        return true;
    }
    place->index = 0;
    if (!tree_next(&ranking->tree, &place->path)) return false;
    ranking_fetch(place, KV_HEAD);
    return true;
}

KV_INTERNAL bool ranking_prev(const struct ranking *ranking, struct ranking_place *place)
{
    const struct ranking_leaf *leaf = place->path.leaf;
    if (KV_LIKELY(place->index > 0)) {
        place->index--;
        if (place->index >= RANKING_AHEAD) {
            KV_PREFETCH(leaf->slots[place->index - RANKING_AHEAD].member);
        }
        return true;
    }
    if (!tree_prev(&ranking->tree, &place->path)) return false;
    place->index = ((const struct ranking_leaf *)place->path.leaf)->count - 1;
    ranking_fetch(place, KV_TAIL);
    return true;
}

/* ---------------------------------------------------------------------------------------- leaves */

static size_t ranking_leaf_size(size_t capacity)
{
    return sizeof(struct ranking_leaf) + capacity * sizeof(struct ranking_slot);
}

/* A leaf with room for `capacity` slots or a few more. NULL when there is no memory. */
static struct ranking_leaf *ranking_leaf_create(struct memory *memory, size_t capacity)
{
    if (capacity > RANKING_LEAF_MAX) capacity = RANKING_LEAF_MAX;
    size_t size = ranking_leaf_size(capacity);
    struct ranking_leaf *leaf = memory_get(memory, size);
    if (leaf == NULL) return NULL;
    leaf->count = 0;
    leaf->capacity =
        (uint32_t)((memory_capacity(size) - sizeof *leaf) / sizeof(struct ranking_slot));
    return leaf;
}

static void ranking_leaf_destroy(struct memory *memory, struct ranking_leaf *leaf)
{
    memory_free(memory, leaf, ranking_leaf_size(leaf->capacity));
}

static void ranking_leaf_drop(void *context, void *leaf)
{
    ranking_leaf_destroy(context, leaf);
}

static void ranking_leaf_append(struct ranking_leaf *leaf, const struct ranking_slot *slots,
                                unsigned count)
{
    assert(leaf->count + count <= leaf->capacity);
    memcpy(leaf->slots + leaf->count, slots, count * sizeof *slots);
    leaf->count += count;
}

/* Moves the path's leaf to a block with this capacity. KV_OK, KV_NOMEM. */
static kv_status ranking_leaf_resize(struct ranking *ranking, struct memory *memory,
                                     struct tree_path *path, size_t capacity)
{
    struct ranking_leaf *old = path->leaf;
    struct ranking_leaf *leaf = ranking_leaf_create(memory, capacity);
    if (leaf == NULL) return KV_NOMEM;
    ranking_leaf_append(leaf, old->slots, old->count);
    tree_replace(&ranking->tree, path, leaf);
    ranking_leaf_destroy(memory, old);
    return KV_OK;
}

static kv_status ranking_leaf_grow(struct ranking *ranking, struct memory *memory,
                                   struct tree_path *path)
{
    size_t capacity = ((const struct ranking_leaf *)path->leaf)->capacity;
    return ranking_leaf_resize(ranking, memory, path, capacity + capacity / 8 + 1);
}

/* Gives back room that the path's leaf will not soon need, if memory allows. */
static void ranking_leaf_fit(struct ranking *ranking, struct memory *memory, struct tree_path *path)
{
    const struct ranking_leaf *leaf = path->leaf;
    if (leaf->capacity - leaf->count <= RANKING_SPARE) return;
    (void)ranking_leaf_resize(ranking, memory, path, leaf->count + 1);
}

/* Adds a leaf with one slot beside the place's, which stays as it is. The place follows. */
static kv_status ranking_leaf_beside(struct ranking *ranking, struct memory *memory,
                                     struct ranking_place *place, kv_end side,
                                     const struct ranking_slot *slot)
{
    struct ranking_leaf *leaf = ranking_leaf_create(memory, RANKING_LEAF_MAX);
    if (leaf == NULL) return KV_NOMEM;
    ranking_leaf_append(leaf, slot, 1);
    kv_status status = tree_insert(&ranking->tree, memory, &place->path, side, leaf, 1);
    if (status != KV_OK) ranking_leaf_destroy(memory, leaf);
    return status;
}

/*
 * Moves the upper half of the place's full leaf to a new one, and the place with it. The members
 * stay as they are, so this may succeed although what follows fails.
 */
static kv_status ranking_leaf_split(struct ranking *ranking, struct memory *memory,
                                    struct ranking_place *place)
{
    struct ranking_leaf *left = place->path.leaf;
    unsigned cut = left->count / 2, moved = left->count - cut;
    struct ranking_leaf *right = ranking_leaf_create(memory, moved + 1);
    if (right == NULL) return KV_NOMEM;
    ranking_leaf_append(right, left->slots + cut, moved);
    kv_status status = tree_insert(&ranking->tree, memory, &place->path, KV_TAIL, right, moved);
    if (status != KV_OK) {
        ranking_leaf_destroy(memory, right);
        return status;
    }

    struct tree_path path = place->path;
    bool has_left = tree_prev(&ranking->tree, &path);
    assert(has_left);
    (void)has_left;
    left->count = cut;
    tree_adjust(&ranking->tree, &path, -(int64_t)moved);
    ranking_leaf_fit(ranking, memory, &path);
    if (place->index > cut) place->index -= cut;
    else place->path = path;
    return KV_OK;
}

/*
 * Moves the slots of the path's leaf to the front of the one behind it. (Not the other way: a node
 * whose first leaf has gone keeps its mark, before which no greater one may come to lie.) False if
 * they are too many, or memory is short.
 */
static bool ranking_leaf_join(struct ranking *ranking, struct memory *memory,
                              struct tree_path *path)
{
    struct tree_path next = *path;
    if (!tree_next(&ranking->tree, &next)) return false;
    struct ranking_leaf *left = path->leaf;
    struct ranking_leaf *right = next.leaf;
    unsigned count = left->count + right->count;
    if (count > RANKING_LEAF_JOIN) return false;
    if (right->capacity < count && ranking_leaf_resize(ranking, memory, &next, count) != KV_OK)
        return false;

    right = next.leaf;
    memmove(right->slots + left->count, right->slots, right->count * sizeof *right->slots);
    memcpy(right->slots, left->slots, left->count * sizeof *left->slots);
    right->count = count;
    tree_adjust(&ranking->tree, &next, left->count);
    tree_replace(&ranking->tree, &next, right); /* its mark is a lesser one now */
    tree_remove(&ranking->tree, memory, path);
    ranking_leaf_destroy(memory, left);
    return true;
}

/* After slots of the path's leaf have gone: removes, joins or fits it. */
static void ranking_leaf_mend(struct ranking *ranking, struct memory *memory,
                              struct tree_path *path)
{
    struct ranking_leaf *leaf = path->leaf;
    if (leaf->count == 0) {
        tree_remove(&ranking->tree, memory, path);
        ranking_leaf_destroy(memory, leaf);
        return;
    }
    if (leaf->count < RANKING_LEAF_LOW) {
        struct tree_path previous = *path;
        if (ranking_leaf_join(ranking, memory, path)) return;
        if (tree_prev(&ranking->tree, &previous) && ranking_leaf_join(ranking, memory, &previous))
            return;
    }
    ranking_leaf_fit(ranking, memory, path);
}

/* Takes `count` slots from an index on out of the path's leaf. */
static void ranking_leaf_cut(struct ranking *ranking, const struct tree_path *path, unsigned index,
                             unsigned count)
{
    struct ranking_leaf *leaf = path->leaf;
    assert(index + count <= leaf->count);
    leaf->count -= count;
    memmove(leaf->slots + index, leaf->slots + index + count,
            (leaf->count - index) * sizeof *leaf->slots);
    tree_adjust(&ranking->tree, path, -(int64_t)count);
}

/* ------------------------------------------------------------------------------------- inserting */

/* Whether the place is before the first or behind the last slot of all. */
static bool ranking_is_outermost(const struct ranking *ranking, const struct ranking_place *place,
                                 kv_end end)
{
    const struct ranking_leaf *leaf = place->path.leaf;
    if (end == KV_HEAD) return leaf == ranking->tree.first && place->index == 0;
    return leaf == ranking->tree.last && place->index == leaf->count;
}

/* Puts a slot at the place, which says where in the order it belongs. KV_OK, KV_NOMEM. */
static kv_status ranking_put(struct ranking *ranking, struct memory *memory,
                             struct ranking_place *place, const struct ranking_slot *slot)
{
    const struct ranking_leaf *at = place->path.leaf;
    kv_status status = KV_OK;
    if (KV_UNLIKELY(at == NULL || at->count == RANKING_LEAF_MAX)) {
        if (at == NULL || ranking_is_outermost(ranking, place, KV_TAIL))
            return ranking_leaf_beside(ranking, memory, place, KV_TAIL, slot);
        if (ranking_is_outermost(ranking, place, KV_HEAD))
            return ranking_leaf_beside(ranking, memory, place, KV_HEAD, slot);
        status = ranking_leaf_split(ranking, memory, place);
    }
    struct ranking_leaf *leaf = place->path.leaf;
    if (status == KV_OK && leaf->count == leaf->capacity) {
        status = ranking_leaf_grow(ranking, memory, &place->path);
        leaf = place->path.leaf;
    }
    if (status != KV_OK) return status;

    memmove(leaf->slots + place->index + 1, leaf->slots + place->index,
            (leaf->count - place->index) * sizeof *slot);
    leaf->slots[place->index] = *slot;
    leaf->count++;
    tree_adjust(&ranking->tree, &place->path, 1);
    /* In a gap that removed members left the tree may take the leaf's mark for a greater one. */
    if (KV_UNLIKELY(place->index == 0)) tree_replace(&ranking->tree, &place->path, leaf);
    return KV_OK;
}

static kv_status ranking_add(struct ranking *ranking, struct memory *memory,
                             const struct ranking_key *key, struct member *member)
{
    struct ranking_place place;
    struct ranking_slot slot = {key->mark, member};
    place.path.leaf = NULL;
    if (ranking_count(ranking) > 0) ranking_locate(ranking, key, &place);
    return ranking_put(ranking, memory, &place, &slot);
}

KV_INTERNAL kv_status ranking_insert(struct ranking *ranking, struct memory *memory,
                                     struct member *member, double score)
{
    char scratch[MEMBER_TEXT_SIZE];
    struct ranking_key key = ranking_key_of(member, score, scratch);
    return ranking_add(ranking, memory, &key, member);
}

/* -------------------------------------------------------------------------------------- removing */

/* Takes out the slot of a member under a key. */
static void ranking_take(struct ranking *ranking, struct memory *memory,
                         const struct ranking_key *key, const struct member *member)
{
    struct ranking_place place;
    ranking_locate_member(ranking, key, member, &place);
    ranking_leaf_cut(ranking, &place.path, place.index, 1);
    ranking_leaf_mend(ranking, memory, &place.path);
}

KV_INTERNAL void ranking_remove(struct ranking *ranking, struct memory *memory,
                                const struct member *member, double score)
{
    char scratch[MEMBER_TEXT_SIZE];
    struct ranking_key key = ranking_key_of(member, score, scratch);
    ranking_take(ranking, memory, &key, member);
}

/*
 * Changes the mark in place if the slot's neighbours in the same leaf show that its order stays:
 * most often so when many count up a little at a time.
 */
static bool ranking_move_within(const struct ranking *ranking, const struct ranking_key *from,
                                const struct ranking_key *to, const struct member *member)
{
    struct ranking_place place;
    ranking_locate_member(ranking, from, member, &place);
    struct ranking_leaf *leaf = place.path.leaf;
    struct ranking_slot *slot = &leaf->slots[place.index];
    if (place.index == 0 || ranking_compare(to, slot - 1) <= 0) return false;
    bool is_last = place.index + 1 == leaf->count;
    if (is_last ? leaf != ranking->tree.last : ranking_compare(to, slot + 1) >= 0) return false;
    slot->mark = to->mark;
    return true;
}

KV_INTERNAL kv_status ranking_move(struct ranking *ranking, struct memory *memory,
                                   struct member *member, double from, double to)
{
    char scratch[MEMBER_TEXT_SIZE];
    struct ranking_key old = ranking_key_of(member, from, scratch);
    struct ranking_key new = ranking_key(to, RANKING_AT, old.name);
    if (old.mark == new.mark || ranking_move_within(ranking, &old, &new, member)) return KV_OK;
    kv_status status = ranking_add(ranking, memory, &new, member);
    if (status == KV_OK) ranking_take(ranking, memory, &old, member);
    return status;
}

KV_INTERNAL void ranking_remove_range(struct ranking *ranking, struct memory *memory, uint64_t rank,
                                      uint64_t count)
{
    assert(rank + count <= ranking_count(ranking));
    while (count > 0) {
        struct ranking_place place;
        ranking_at(ranking, rank, &place);
        const struct ranking_leaf *leaf = place.path.leaf;
        unsigned here = leaf->count - place.index;
        if (here > count) here = (unsigned)count;
        if (here < leaf->count) {
            ranking_leaf_cut(ranking, &place.path, place.index, here);
            count -= here;
            ranking_leaf_mend(ranking, memory, &place.path);
            continue;
        }
        /* Whole leaves go together, up to the one with the first member to stay, if there is one. */
        struct ranking_place last;
        ranking_at(ranking, rank + count - 1, &last);
        const struct ranking_leaf *end = last.path.leaf;
        uint64_t whole = count;
        if (last.index + 1 < end->count) {
            whole -= last.index + 1;
            tree_prev(&ranking->tree, &last.path);
        }
        tree_remove_range(&ranking->tree, memory, &place.path, &last.path, ranking_leaf_drop,
                          memory);
        count -= whole;
    }
}

/* -------------------------------------------------------------------------------------- checking */

#if KV_DEBUG > 0
static uint64_t ranking_leaf_count(const void *leaf)
{
    return ((const struct ranking_leaf *)leaf)->count;
}

static struct ranking_key ranking_check_key(const struct ranking_slot *slot,
                                            char scratch[MEMBER_TEXT_SIZE])
{
    kv_slice name = member_text(slot->member, scratch);
    return (struct ranking_key){slot->mark, RANKING_AT, name};
}

static void ranking_check_leaf(const struct ranking_leaf *leaf, const struct ranking_slot *before,
                               double (*score)(const struct member *member))
{
    assert(leaf->count > 0);
    assert(leaf->count <= RANKING_LEAF_MAX);
    assert(leaf->count <= leaf->capacity);
    for (unsigned i = 0; i < leaf->count; i++) {
        const struct ranking_slot *slot = &leaf->slots[i];
        assert(slot->mark == ranking_mark(score(slot->member)));
        if (before != NULL) {
            char scratch[MEMBER_TEXT_SIZE];
            struct ranking_key key = ranking_check_key(before, scratch);
            assert(ranking_compare(&key, slot) < 0);
        }
        before = slot;
    }
}

/* A search for the slot leads to this leaf. */
static void ranking_check_search(const struct ranking *ranking, const struct ranking_leaf *leaf,
                                 const struct ranking_slot *slot)
{
    struct ranking_place place;
    char scratch[MEMBER_TEXT_SIZE];
    struct ranking_key key = ranking_check_key(slot, scratch);
    ranking_locate(ranking, &key, &place);
    assert(place.path.leaf == leaf);
}

KV_INTERNAL void ranking_check(const struct ranking *ranking,
                               double (*score)(const struct member *member))
{
    tree_check(&ranking->tree, ranking_leaf_count);
    if (ranking_count(ranking) == 0) return;
    struct tree_path path;
    const struct ranking_slot *before = NULL;
    tree_end(&ranking->tree, KV_HEAD, &path);
    do {
        const struct ranking_leaf *leaf = path.leaf;
        ranking_check_leaf(leaf, before, score);
        before = &leaf->slots[leaf->count - 1];
        ranking_check_search(ranking, leaf, leaf->slots);
        ranking_check_search(ranking, leaf, before);
    } while (tree_next(&ranking->tree, &path));
}
#endif
