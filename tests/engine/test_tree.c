/*
 * tests/engine/test_tree.c -- structures/tree.h: a counted B+tree of opaque leaves.
 */
#include "structures/tree.h"

#include "base/random.h"

#include "fixture_memory.h"

/* -------------------------------------------------------------------------------------- helpers */

/* A leaf, as the tests have it: `count` elements, of which the first has this key. */
struct leaf {
    uint64_t count;
    uint64_t mark, rest; /* the key: two parts, the mark first */
    bool dropped;
};

static uint64_t leaf_count(const void *leaf)
{
    return ((const struct leaf *)leaf)->count;
}

static uint64_t leaf_mark(const void *leaf)
{
    return ((const struct leaf *)leaf)->mark;
}

static int leaf_compare(const void *key, const void *leaf)
{
    const struct leaf *a = key;
    const struct leaf *b = leaf;
    if (a->mark != b->mark) return a->mark < b->mark ? -1 : 1;
    return a->rest < b->rest ? -1 : a->rest > b->rest;
}

static const struct tree_order leaf_order = {leaf_mark, leaf_compare};

static void leaf_drop(void *context, void *leaf)
{
    MUST(!((struct leaf *)leaf)->dropped);
    ((struct leaf *)leaf)->dropped = true;
    ++*(size_t *)context;
}

/* The naive model: the leaves in an array. */
#define MODEL_MOST 20000
static struct leaf
    leaves[400000]; /* a new one for each insertion, so that a stale pointer is seen */
static size_t leaves_used;
static struct leaf *model[MODEL_MOST];
static size_t model_count;

static void model_begin(void)
{
    leaves_used = model_count = 0;
}

static struct leaf *leaf_new(uint64_t count)
{
    ck_assert_uint_lt(leaves_used, sizeof leaves / sizeof *leaves);
    struct leaf *leaf = &leaves[leaves_used++];
    *leaf = (struct leaf){.count = count};
    return leaf;
}

static void model_put(size_t index, struct leaf *leaf)
{
    ck_assert_uint_lt(model_count, MODEL_MOST);
    memmove(model + index + 1, model + index, (model_count - index) * sizeof *model);
    model[index] = leaf;
    model_count++;
}

static void model_take(size_t index, size_t n)
{
    memmove(model + index, model + index + n, (model_count - index - n) * sizeof *model);
    model_count -= n;
}

static uint64_t model_rank(size_t index)
{
    uint64_t rank = 0;
    for (size_t i = 0; i < index; i++) rank += model[i]->count;
    return rank;
}

/* The path to the leaf at an index, found by walking. */
static void walk_to(const struct tree *tree, size_t index, struct tree_path *path)
{
    tree_end(tree, KV_HEAD, path);
    for (; index > 0; index--) MUST(tree_next(tree, path));
}

/* Asserts that the tree has the model's leaves, in order, by walking both ways. */
static void assert_same(const struct tree *tree)
{
    tree_check(tree, leaf_count);
    MUST(tree_count(tree) == model_rank(model_count));
    if (model_count == 0) {
        ck_assert_ptr_null(tree->root);
        return;
    }
    struct tree_path path;
    tree_end(tree, KV_HEAD, &path);
    for (size_t i = 0; i < model_count; i++) {
        MUST(path.leaf == model[i]);
        MUST(tree_leaf_count(tree, &path) == model[i]->count);
        MUST(tree_next(tree, &path) == (i + 1 < model_count));
    }
    tree_end(tree, KV_TAIL, &path);
    for (size_t i = model_count; i-- > 0;) {
        MUST(path.leaf == model[i]);
        MUST(tree_prev(tree, &path) == (i > 0));
    }
}

/* Asserts that an element is found in its leaf, and the leaf at its rank. */
static void assert_located(const struct tree *tree, size_t index)
{
    if (model[index]->count == 0) return;
    uint64_t rank = model_rank(index);
    uint64_t within[] = {0, model[index]->count / 2, model[index]->count - 1};
    for (int i = 0; i < 3; i++) {
        struct tree_path path;
        MUST(tree_locate(tree, rank + within[i], &path) == within[i]);
        MUST(path.leaf == model[index]);
        MUST(tree_rank(tree, &path) == rank);
    }
}

/* Inserts a new leaf so that it gets the index. */
static kv_status insert_at(struct tree *tree, size_t index, struct leaf *leaf)
{
    struct tree_path path;
    kv_end side = index == model_count ? KV_TAIL : KV_HEAD;
    if (model_count > 0) {
        size_t beside = side == KV_TAIL ? index - 1 : index;
        if (index == 0) tree_end(tree, KV_HEAD, &path);
        else if (side == KV_TAIL) tree_end(tree, KV_TAIL, &path);
        else walk_to(tree, beside, &path);
    }
    kv_status status = tree_insert(tree, &memory, &path, side, leaf, leaf->count);
    if (status != KV_OK) return status;
    MUST(path.leaf == leaf);
    model_put(index, leaf);
    MUST(tree_rank(tree, &path) == model_rank(index));
    return KV_OK;
}

static void fill(struct tree *tree, size_t n, kv_end end)
{
    for (size_t i = 0; i < n; i++) {
        size_t index = end == KV_HEAD ? 0 : model_count;
        MUST(insert_at(tree, index, leaf_new(1 + i % 7)) == KV_OK);
    }
}

/* ---------------------------------------------------------------------------------------- tests */

START_TEST(up_to_one_leaf_takes_no_node)
{
    fixture_memory_begin();
    model_begin();
    struct tree tree = {0};
    assert_same(&tree);
    fill(&tree, 1, KV_TAIL);
    assert_same(&tree);
    ck_assert_uint_eq(tree_bytes(&tree), 0);
    ck_assert_uint_eq(memory.used, 0);

    struct tree_path path;
    tree_end(&tree, KV_TAIL, &path);
    tree_remove(&tree, &memory, &path);
    model_take(0, 1);
    assert_same(&tree);
    fixture_memory_end();
}
END_TEST

START_TEST(filling_from_either_end_leaves_full_nodes)
{
    for (int end = 0; end < 2; end++) {
        fixture_memory_begin();
        model_begin();
        struct tree tree = {0};
        fill(&tree, 64 * 100, (kv_end)end);
        assert_same(&tree);
        ck_assert_uint_le(tree.nodes, 100 + 5); /* full ones, and those above */
        ck_assert_uint_eq(tree_bytes(&tree), memory.used);
        for (size_t i = 0; i < model_count; i += 37) assert_located(&tree, i);
        tree_clear(&tree, &memory, NULL, NULL);
        fixture_memory_end();
    }
}
END_TEST

START_TEST(emptying_from_either_end_gives_all_nodes_back)
{
    for (int ends = 0; ends < 4; ends++) {
        fixture_memory_begin();
        model_begin();
        struct tree tree = {0};
        fill(&tree, 64 * 70, (kv_end)(ends & 1));
        while (model_count > 0) {
            struct tree_path path;
            kv_end end = (kv_end)(ends >> 1);
            tree_end(&tree, end, &path);
            ck_assert_ptr_eq(path.leaf, model[end == KV_HEAD ? 0 : model_count - 1]);
            tree_remove(&tree, &memory, &path);
            model_take(end == KV_HEAD ? 0 : model_count - 1, 1);
            tree_check(&tree, leaf_count);
            ck_assert_uint_le(tree.nodes, model_count / 16 + 2);
        }
        assert_same(&tree);
        fixture_memory_end();
    }
}
END_TEST

START_TEST(the_ends_count_without_touching_a_node)
{
    fixture_memory_begin();
    model_begin();
    struct tree tree = {0};
    for (size_t n = 1; n <= 200; n++) {
        fill(&tree, 1, KV_TAIL);
        kv_end end = (kv_end)(n & 1);
        tree_adjust_end(&tree, end, 5);
        model[end == KV_HEAD ? 0 : model_count - 1]->count += 5;
        ck_assert_uint_eq(tree_end_count(&tree, end),
                          model[end == KV_HEAD ? 0 : model_count - 1]->count);
        assert_same(&tree);
        assert_located(&tree, 0);
        assert_located(&tree, model_count - 1);
        assert_located(&tree, model_count / 2);
    }
    tree_clear(&tree, &memory, NULL, NULL);
    fixture_memory_end();
}
END_TEST

START_TEST(every_range_can_be_removed)
{
    /* Of 3 levels, with the cuts at all distances from the edges of nodes. */
    struct random random;
    random_seed(&random, unit_seed());
    for (int round = 0; round < 60; round++) {
        fixture_memory_begin();
        model_begin();
        struct tree tree = {0};
        size_t n = 1 + (size_t)random_below(&random, round % 6 == 0 ? 5000 : 300);
        fill(&tree, n, (kv_end)random_below(&random, 2));
        while (model_count > 0) {
            size_t from = (size_t)random_below(&random, model_count);
            size_t count = 1 + (size_t)random_below(&random, model_count - from);
            if (random_below(&random, 2) == 0 && count > 9) count = 1 + count % 9;
            struct tree_path first, last;
            walk_to(&tree, from, &first);
            last = first;
            for (size_t i = 1; i < count; i++) MUST(tree_next(&tree, &last));
            size_t dropped = 0;
            tree_remove_range(&tree, &memory, &first, &last, leaf_drop, &dropped);
            ck_assert_uint_eq(dropped, count);
            for (size_t i = 0; i < count; i++) MUST(model[from + i]->dropped);
            model_take(from, count);
            assert_same(&tree);
        }
        fixture_memory_end();
    }
}
END_TEST

START_TEST(an_insertion_that_fails_changes_nothing)
{
    fixture_memory_begin();
    model_begin();
    struct tree tree = {0};
    fill(&tree, 64, KV_TAIL); /* one node, full: the next one takes two */
    FIXTURE_FAIL_EACH_ALLOCATION(&host)
    {
        uint32_t nodes = tree.nodes;
        kv_status status = insert_at(&tree, 30, leaf_new(3));
        ck_assert_int_eq(status, fixture_alloc_was_enough(&host) ? KV_OK : KV_NOMEM);
        if (status != KV_OK) ck_assert_uint_eq(tree.nodes, nodes);
        assert_same(&tree);
    }
    ck_assert_uint_eq(tree.nodes, 3);
    tree_clear(&tree, &memory, NULL, NULL);
    fixture_memory_end();
}
END_TEST

START_TEST(clear_drops_every_leaf_once)
{
    fixture_memory_begin();
    model_begin();
    struct tree tree = {0};
    size_t dropped = 0;
    fill(&tree, 5000, KV_TAIL);
    tree_clear(&tree, &memory, leaf_drop, &dropped);
    ck_assert_uint_eq(dropped, 5000);
    model_count = 0;
    assert_same(&tree);
    fixture_memory_end();
}
END_TEST

static void random_step(struct tree *tree, struct random *random, bool grow)
{
    size_t index = model_count > 0 ? (size_t)random_below(random, model_count) : 0;
    struct tree_path path;
    switch (random_below(random, 8)) {
    case 0: index = 0; break;
    case 1: index = model_count > 0 ? model_count - 1 : 0; break;
    default: break;
    }
    if (model_count == 0 || random_below(random, 8) < (grow ? 6u : 2u)) {
        index += (size_t)random_below(random, 2);
        if (index > model_count) index = model_count;
        ck_assert_int_eq(insert_at(tree, index, leaf_new(random_below(random, 4))), KV_OK);
        return;
    }
    walk_to(tree, index, &path);
    ck_assert_uint_eq(tree_rank(tree, &path), model_rank(index));
    switch (random_below(random, 3)) {
    case 0: {
        int64_t change = (int64_t)random_below(random, 9) - (int64_t)model[index]->count;
        model[index]->count += (uint64_t)change;
        tree_adjust(tree, &path, change);
        assert_located(tree, index);
        break;
    }
    case 1: {
        struct leaf *other = leaf_new(model[index]->count);
        tree_replace(tree, &path, other);
        model[index] = other;
        break;
    }
    default:
        tree_remove(tree, &memory, &path);
        model_take(index, 1);
        break;
    }
}

START_TEST(a_tree_does_what_the_model_does)
{
    fixture_memory_begin();
    model_begin();
    struct random random;
    random_seed(&random, unit_seed());
    struct tree tree = {0};
    fill(&tree, 64 * 64, KV_TAIL); /* so that there are three levels */
    for (int step = 0; step < 6000; step++) {
        random_step(&tree, &random, step / 1000 % 2 == 0);
        if (step % 16 == 0) assert_same(&tree);
        if (model_count > 0) assert_located(&tree, (size_t)random_below(&random, model_count));
    }
    tree_clear(&tree, &memory, NULL, NULL);
    fixture_memory_end();
}
END_TEST

/* Where a key is or belongs, by looking at each leaf. */
static size_t model_find(const struct leaf *key)
{
    size_t found = 0;
    for (size_t i = 0; i < model_count; i++) {
        if (leaf_compare(key, model[i]) >= 0) found = i;
    }
    return found;
}

START_TEST(an_ordered_tree_finds_the_leaf_of_a_key)
{
    fixture_memory_begin();
    model_begin();
    struct random random;
    random_seed(&random, unit_seed());
    struct tree tree = {.order = &leaf_order};

    for (int step = 0; step < 6000; step++) {
        struct leaf key = {.mark = random_below(&random, 40), .rest = random_below(&random, 1000)};
        struct tree_path path;
        size_t index = 0;
        if (model_count > 0) {
            index = model_find(&key);
            tree_locate_key(&tree, &key, key.mark, &path);
            if (path.leaf != model[index]) {
                /* In a gap that removed elements left before the next leaf. */
                index++;
                ck_assert_uint_lt(index, model_count);
                ck_assert_ptr_eq(path.leaf, model[index]);
                ck_assert_int_lt(leaf_compare(&key, model[index]), 0);
            }
        }
        bool shrinking = step / 1000 % 3 == 2;
        unsigned what = (unsigned)random_below(&random, 8);
        if (model_count == 0 || what < (shrinking ? 1u : 5u)) {
            /* A new leaf at its place in the order. */
            struct leaf *leaf = leaf_new(1);
            leaf->mark = key.mark;
            leaf->rest = key.rest;
            kv_end side =
                model_count > 0 && leaf_compare(&key, model[index]) < 0 ? KV_HEAD : KV_TAIL;
            ck_assert_int_eq(tree_insert(&tree, &memory, &path, side, leaf, 1), KV_OK);
            model_put(model_count > 0 && side == KV_TAIL ? index + 1 : index, leaf);
        } else if (what < 6) {
            tree_remove(&tree, &memory, &path);
            model_take(index, 1);
        } else if (index + 1 < model_count && leaf_compare(&key, model[index]) >= 0) {
            /*
             * The first elements of a leaf go, the key's becomes the first: the tree need not know.
             */
            if (leaf_compare(&key, model[index + 1]) < 0) {
                model[index]->mark = key.mark;
                model[index]->rest = key.rest;
            }
        } else if (index == 0 && leaf_compare(&key, model[0]) < 0) {
            /* A lesser element comes into the very first leaf: it need not know that either. */
            model[0]->mark = key.mark;
            model[0]->rest = key.rest;
        }
        if (step % 16 == 0) assert_same(&tree);
        for (size_t i = 1; i < model_count; i++) {
            MUST(leaf_compare(model[i - 1], model[i]) <= 0);
        }
    }
    tree_clear(&tree, &memory, NULL, NULL);
    fixture_memory_end();
}
END_TEST

START_TEST(replacing_a_leaf_tells_the_tree_of_a_lesser_first_element)
{
    fixture_memory_begin();
    model_begin();
    struct tree tree = {.order = &leaf_order};
    struct tree_path path;
    for (uint64_t i = 0; i < 300; i++) {
        struct leaf *leaf = leaf_new(1);
        leaf->mark = i * 10;
        if (i > 0) tree_end(&tree, KV_TAIL, &path);
        ck_assert_int_eq(tree_insert(&tree, &memory, &path, KV_TAIL, leaf, 1), KV_OK);
        model_put((size_t)i, leaf);
    }
    for (size_t i = 1; i < 300; i++) {
        walk_to(&tree, i, &path);
        model[i]->mark -= 5;
        tree_replace(&tree, &path, model[i]);
        assert_same(&tree);
        struct leaf key = {.mark = i * 10 - 4};
        tree_locate_key(&tree, &key, key.mark, &path);
        ck_assert_ptr_eq(path.leaf, model[i]);
    }
    tree_clear(&tree, &memory, NULL, NULL);
    fixture_memory_end();
}
END_TEST

int main(void)
{
    return UNIT_RUN("tree", up_to_one_leaf_takes_no_node, filling_from_either_end_leaves_full_nodes,
                    emptying_from_either_end_gives_all_nodes_back,
                    the_ends_count_without_touching_a_node, every_range_can_be_removed,
                    an_insertion_that_fails_changes_nothing, clear_drops_every_leaf_once,
                    a_tree_does_what_the_model_does, an_ordered_tree_finds_the_leaf_of_a_key,
                    replacing_a_leaf_tells_the_tree_of_a_lesser_first_element);
}
