/*
 * tests/engine/test_list_value.c -- values/list.h: the list value, small and large.
 */
#include "values/list.h"

#include "base/random.h"

#include "fixture_memory.h"
#include "model_sequence.h"

static struct memory other_memory; /* another shard's */
static struct list_limits limits;
static struct collection list;

static void setup(void)
{
    fixture_memory_begin();
    memory_init(&other_memory, &pages);
    limits = list_limits_of(-2);
    list = (struct collection){0};
}

static void teardown(void)
{
    list_check(&list);
    list_destroy(&list, &memory);
    ck_assert_uint_eq(other_memory.used, 0);
    memory_destroy(&other_memory);
    fixture_memory_end(); /* of a large list, too, nothing is left */
}

/* -------------------------------------------------------------------------------------- helpers */

static void push(kv_end end, kv_slice value)
{
    ck_assert_int_eq(list_push(&list, &memory, &limits, end, &value, 1), KV_OK);
    list_check(&list);
}

static void push_text(kv_end end, const char *text)
{
    push(end, KV_TEXT(text));
}

/* Pushes "0", "1"... up to n texts that are no integers. */
static void push_numbered(size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char text[32];
        kv_slice value = KV_BYTES(text, (size_t)snprintf(text, sizeof text, "element %zu", i));
        MUST(list_push(&list, &memory, &limits, KV_TAIL, &value, 1) == KV_OK);
    }
    list_check(&list);
}

/* A visitor that compares what it is lent with the model. */
struct expectation {
    const struct model_sequence *model;
    size_t index;
    int step;      /* +1 or -1 */
    size_t enough; /* stop after so many; 0: never */
    size_t seen;
};

static bool expect_next(void *context, kv_slice element)
{
    struct expectation *expected = context;
    MUST(expected->index < expected->model->count);
    MUST(model_is(expected->model, expected->index, element));
    expected->index += (size_t)expected->step;
    expected->seen++;
    return expected->enough == 0 || expected->seen < expected->enough;
}

/* Asserts that the list holds what the model does, walking both ways. */
static void assert_same(const struct collection *checked, const struct model_sequence *model)
{
    list_check(checked);
    ck_assert_uint_eq(list_length(checked), model->count);
    struct expectation forward = {model, 0, 1, 0, 0};
    struct expectation backward = {model, model->count - 1, -1, 0, 0};
    ck_assert_uint_eq(list_visit(checked, KV_HEAD, 0, UINT64_MAX, expect_next, &forward),
                      model->count);
    ck_assert_uint_eq(list_visit(checked, KV_TAIL, 0, UINT64_MAX, expect_next, &backward),
                      model->count);
    if (model->count == 0) ck_assert_uint_eq(checked->word, 0);
}

static struct model_sequence model_of(const char *const *texts)
{
    struct model_sequence model = {0};
    for (; *texts != NULL; texts++) model_insert(&model, model.count, KV_TEXT(*texts));
    return model;
}

static void assert_texts(const char *const *texts)
{
    struct model_sequence model = model_of(texts);
    assert_same(&list, &model);
    model_free(&model);
}

#define ASSERT_TEXTS(...) assert_texts((const char *const[]){__VA_ARGS__, NULL})

static kv_slice filled(char *room, char with, size_t size)
{
    memset(room, with, size);
    return KV_BYTES(room, size);
}

/* Asserts that the list is that element. */
static bool at_is(int64_t index, kv_slice value)
{
    char scratch[PACK_TEXT_SIZE];
    kv_slice element;
    if (!list_at(&list, index, scratch, &element)) return false;
    return element.size == value.size &&
           (value.size == 0 || memcmp(element.data, value.data, value.size) == 0);
}

/* ------------------------------------------------------------------------------ the ends, small */

START_TEST(an_empty_list_holds_nothing)
{
    setup();
    char scratch[PACK_TEXT_SIZE];
    kv_slice element;
    uint64_t position = 0;
    ck_assert_uint_eq(list_length(&list), 0);
    ck_assert_uint_eq(collection_bytes(&list, &list_kind), 0);
    ck_assert(!list_at(&list, 0, scratch, &element));
    ck_assert(!list_at(&list, -1, scratch, &element));
    ck_assert_uint_eq(list_pop(&list, &memory, &limits, KV_HEAD, 5, NULL, NULL), 0);
    ck_assert_uint_eq(list_remove(&list, &memory, &limits, 0, KV_TEXT("a")), 0);
    ck_assert_int_eq(list_edit(&list, &memory, &limits, 0, LIST_INSTEAD, KV_TEXT("a")), KV_NONE);
    ck_assert_int_eq(list_insert(&list, &memory, &limits, LIST_AFTER, KV_TEXT("a"), KV_TEXT("b")),
                     KV_SKIPPED);
    ck_assert_ptr_null(list_next_pack(&list, &position));
    list_trim(&list, &memory, &limits, 0, -1);
    ck_assert_uint_eq(memory.used, 0);
    teardown();
}
END_TEST

START_TEST(many_pushed_at_the_head_end_up_reversed)
{
    setup();
    kv_slice values[] = {KV_TEXT("a"), KV_TEXT("2"), KV_TEXT("c")};
    ck_assert_int_eq(list_push(&list, &memory, &limits, KV_TAIL, values, 3), KV_OK);
    ck_assert_int_eq(list_push(&list, &memory, &limits, KV_HEAD, values, 3), KV_OK);
    ASSERT_TEXTS("c", "2", "a", "a", "2", "c");
    teardown();
}
END_TEST

START_TEST(pops_lend_from_the_end_inwards)
{
    setup();
    push_text(KV_TAIL, "a");
    push_text(KV_TAIL, "-17");
    push_text(KV_TAIL, "c");
    push_text(KV_TAIL, "d");
    struct model_sequence model = model_of((const char *const[]){"a", "-17", "c", "d", NULL});
    struct expectation tail = {&model, 3, -1, 1, 0}; /* says it has enough, which is ignored */
    ck_assert_uint_eq(list_pop(&list, &memory, &limits, KV_TAIL, 2, expect_next, &tail), 2);
    ck_assert_uint_eq(tail.seen, 2);
    ASSERT_TEXTS("a", "-17");
    struct expectation head = {&model, 0, 1, 0, 0};
    ck_assert_uint_eq(list_pop(&list, &memory, &limits, KV_HEAD, 9, expect_next, &head), 2);
    ck_assert_uint_eq(list.word, 0);
    model_free(&model);
    teardown();
}
END_TEST

START_TEST(an_index_counts_from_either_end)
{
    setup();
    push_numbered(3000);
    char text[32];
    for (int64_t i = 0; i < 3000; i += 7) {
        kv_slice value = KV_BYTES(text, (size_t)snprintf(text, sizeof text, "element %d", (int)i));
        MUST(at_is(i, value));
        MUST(at_is(i - 3000, value));
    }
    kv_slice element;
    char scratch[PACK_TEXT_SIZE];
    ck_assert(!list_at(&list, 3000, scratch, &element));
    ck_assert(!list_at(&list, -3001, scratch, &element));
    ck_assert(!list_at(&list, INT64_MAX, scratch, &element));
    ck_assert(!list_at(&list, INT64_MIN, scratch, &element));
    teardown();
}
END_TEST

START_TEST(a_span_is_what_lrange_means)
{
    static const struct {
        int64_t start, stop;
        uint64_t first, count;
    } cases[] = {
        {0, -1, 0, 10},
        {0, 0, 0, 1},
        {3, 5, 3, 3},
        {-3, -1, 7, 3},
        {-100, 2, 0, 3},
        {5, 100, 5, 5},
        {5, 4, 0, 0},
        {10, 12, 0, 0},
        {-1, -3, 0, 0},
        {0, -11, 0, 0},
        {9, 9, 9, 1},
        {-10, 0, 0, 1},
        {INT64_MIN, INT64_MAX, 0, 10},
        {INT64_MAX, INT64_MIN, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t first = 0;
        ck_assert_uint_eq(list_span(10, cases[i].start, cases[i].stop, &first), cases[i].count);
        ck_assert_uint_eq(first, cases[i].first);
    }
    uint64_t first;
    ck_assert_uint_eq(list_span(0, 0, -1, &first), 0);
}
END_TEST

/* ------------------------------------------------------------------------------ small and large */

START_TEST(a_list_is_small_up_to_the_limit_on_its_size)
{
    setup();
    char room[9000];
    push(KV_TAIL, filled(room, 'x', 4000));
    push(KV_TAIL, filled(room, 'y', 4167));
    ck_assert(collection_is_small(&list)); /* a listpack of 8185 bytes */
    push_text(KV_TAIL, "7 bytes");         /* 8185 and 7 of text are 8192 */
    ck_assert(collection_is_small(&list));
    push_text(KV_TAIL, "x");
    ck_assert(!collection_is_small(&list));
    ck_assert_uint_eq(list_length(&list), 4);
    ck_assert(at_is(3, KV_TEXT("x")));
    teardown();
}
END_TEST

START_TEST(one_value_beyond_the_limit_makes_a_list_large)
{
    setup();
    char room[9000];
    push(KV_TAIL, filled(room, 'x', 8186));
    ck_assert(!collection_is_small(&list));
    teardown();
}
END_TEST

START_TEST(a_positive_limit_counts_elements)
{
    setup();
    limits = list_limits_of(5);
    for (int i = 0; i < 5; i++) push_text(KV_TAIL, "x");
    ck_assert(collection_is_small(&list));
    push_text(KV_HEAD, "x");
    ck_assert(!collection_is_small(&list));
    ck_assert_uint_eq(list_pop(&list, &memory, &limits, KV_TAIL, 3, NULL, NULL), 3);
    ck_assert(!collection_is_small(&list));
    ck_assert_uint_eq(list_pop(&list, &memory, &limits, KV_TAIL, 1, NULL, NULL), 1);
    ck_assert(collection_is_small(&list)); /* half of 5 */
    ASSERT_TEXTS("x", "x");
    teardown();
}
END_TEST

START_TEST(settings_give_the_limits_redis_has)
{
    static const struct {
        int64_t setting;
        size_t size, count;
    } cases[] = {
        {-1, 4096, SIZE_MAX},  {-2, 8192, SIZE_MAX},  {-3, 16384, SIZE_MAX},
        {-4, 32768, SIZE_MAX}, {-5, 65536, SIZE_MAX}, {-99, 65536, SIZE_MAX},
        {0, 8192, 1},          {1, 8192, 1},          {128, 8192, 128},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct list_limits given = list_limits_of(cases[i].setting);
        ck_assert_uint_eq(given.size, cases[i].size);
        ck_assert_uint_eq(given.count, cases[i].count);
    }
}
END_TEST

START_TEST(a_list_becomes_small_below_half_the_limit)
{
    setup();
    push_numbered(2000);
    ck_assert(!collection_is_small(&list));
    list_trim(&list, &memory, &limits, 100, 450); /* 351 elements, more than 4096 bytes */
    ck_assert(!collection_is_small(&list));
    list_trim(&list, &memory, &limits, 0, 100);
    ck_assert(collection_is_small(&list));
    ck_assert_uint_eq(list_length(&list), 101);
    ck_assert(at_is(0, KV_TEXT("element 100")));
    ck_assert(at_is(-1, KV_TEXT("element 200")));
    list_check(&list);
    teardown();
}
END_TEST

START_TEST(a_large_list_stays_large_when_there_is_no_memory_for_less)
{
    setup();
    push_numbered(2000);
    fixture_alloc_allow(&host, 0);
    list_trim(&list, &memory, &limits, 0, 200);
    ck_assert_uint_eq(list_pop(&list, &memory, &limits, KV_HEAD, 1, NULL, NULL), 1);
    ck_assert_uint_eq(list_remove(&list, &memory, &limits, 0, KV_TEXT("element 50")), 1);
    fixture_alloc_allow(&host, FIXTURE_UNLIMITED);
    ck_assert(!collection_is_small(&list));
    ck_assert_uint_eq(list_length(&list), 199);
    list_check(&list);
    teardown();
}
END_TEST

START_TEST(an_element_larger_than_a_leaf_gets_one_of_its_own)
{
    setup();
    enum { SIZE = 100000 };
    char *room = malloc(SIZE);
    push_numbered(1000);
    kv_slice big = filled(room, 'b', SIZE);
    push(KV_HEAD, big);
    push(KV_TAIL, big);
    ck_assert_int_eq(list_edit(&list, &memory, &limits, 500, LIST_BEFORE, big), KV_OK);
    list_check(&list);
    ck_assert_int_eq(list_edit(&list, &memory, &limits, 700, LIST_INSTEAD, big), KV_OK);
    list_check(&list);
    ck_assert(at_is(0, big));
    ck_assert(at_is(-1, big));
    ck_assert(at_is(500, big));
    ck_assert(at_is(700, big));
    ck_assert(at_is(499, KV_TEXT("element 498")));
    ck_assert(at_is(501, KV_TEXT("element 499")));
    ck_assert(at_is(701, KV_TEXT("element 699")));
    ck_assert_uint_eq(list_length(&list), 1003);
    ck_assert_uint_lt(collection_bytes(&list, &list_kind), 4 * SIZE + 40000);

    ck_assert_int_eq(list_edit(&list, &memory, &limits, 0, LIST_INSTEAD, KV_TEXT("small")), KV_OK);
    ck_assert_uint_eq(list_remove(&list, &memory, &limits, 0, big), 3);
    list_check(&list);
    ck_assert_uint_lt(collection_bytes(&list, &list_kind), 40000);
    free(room);
    teardown();
}
END_TEST

START_TEST(values_too_large_for_a_pack_are_refused)
{
    setup();
    char byte = 'x';
    kv_slice values[] = {KV_TEXT("a"), KV_BYTES(&byte, PACK_SIZE_MAX)}; /* it is not read */
    ck_assert_int_eq(list_push(&list, &memory, &limits, KV_TAIL, values, 2), KV_TOOBIG);
    ck_assert_uint_eq(list.word, 0);
    push_text(KV_TAIL, "x");
    ck_assert_int_eq(list_push(&list, &memory, &limits, KV_HEAD, values, 2), KV_TOOBIG);
    ck_assert_int_eq(list_edit(&list, &memory, &limits, 0, LIST_AFTER, values[1]), KV_TOOBIG);
    ck_assert_int_eq(list_edit(&list, &memory, &limits, 0, LIST_INSTEAD, values[1]), KV_TOOBIG);
    ASSERT_TEXTS("x");
    push_numbered(1000);
    ck_assert_int_eq(list_push(&list, &memory, &limits, KV_TAIL, values, 2), KV_TOOBIG);
    ck_assert_uint_eq(list_length(&list), 1001);
    list_check(&list);
    teardown();
}
END_TEST

START_TEST(a_large_list_keeps_little_beside_its_elements)
{
    setup();
    enum { COUNT = 200000 };
    for (int end = 0; end < 2; end++) {
        for (int i = 0; i < COUNT; i++) {
            char text[32];
            kv_slice value = KV_BYTES(text, (size_t)snprintf(text, sizeof text, "element %08d", i));
            MUST(list_push(&list, &memory, &limits, (kv_end)end, &value, 1) == KV_OK);
        }
        list_check(&list);
        /* 18 bytes for each, in blocks of 4088 with room for 4049, under nodes of 1 KiB for 64. */
        size_t bytes = (size_t)atomic_load(&host.live_bytes) - pages.regions * PAGES_REGION_SIZE;
        ck_assert_uint_le(bytes, (size_t)(COUNT * 18.4));
        ck_assert_uint_eq(list_pop(&list, &memory, &limits, KV_HEAD, COUNT, NULL, NULL), COUNT);
        ck_assert_uint_eq(memory.used, 0);
    }
    teardown();
}
END_TEST

START_TEST(elements_of_most_of_a_leaf_waste_no_room)
{
    setup();
    char room[3000];
    kv_slice value = filled(room, 'x', sizeof room);
    for (int i = 0; i < 100; i++) push(KV_TAIL, value);
    for (int i = 0; i < 100; i++) push(KV_HEAD, value);
    ck_assert_uint_lt(collection_bytes(&list, &list_kind), 200 * 3000 * 105 / 100);
    teardown();
}
END_TEST

/* ----------------------------------------------------------------------------- edits in between */

START_TEST(values_go_before_after_or_in_place_of_an_element)
{
    setup();
    push_text(KV_TAIL, "a");
    push_text(KV_TAIL, "b");
    push_text(KV_TAIL, "b");
    ck_assert_int_eq(list_edit(&list, &memory, &limits, 1, LIST_INSTEAD, KV_TEXT("100")), KV_OK);
    ck_assert_int_eq(list_edit(&list, &memory, &limits, -1, LIST_AFTER, KV_TEXT("z")), KV_OK);
    ck_assert_int_eq(list_edit(&list, &memory, &limits, 0, LIST_BEFORE, KV_TEXT("0")), KV_OK);
    ASSERT_TEXTS("0", "a", "100", "b", "z");
    ck_assert_int_eq(
        list_insert(&list, &memory, &limits, LIST_BEFORE, KV_TEXT("100"), KV_TEXT("x")), KV_OK);
    ck_assert_int_eq(list_insert(&list, &memory, &limits, LIST_AFTER, KV_TEXT("b"), KV_TEXT("y")),
                     KV_OK);
    ck_assert_int_eq(list_insert(&list, &memory, &limits, LIST_AFTER, KV_TEXT("q"), KV_TEXT("y")),
                     KV_SKIPPED);
    ASSERT_TEXTS("0", "a", "x", "100", "b", "y", "z");
    ck_assert_int_eq(list_edit(&list, &memory, &limits, 7, LIST_INSTEAD, KV_TEXT("q")), KV_NONE);
    ck_assert_int_eq(list_edit(&list, &memory, &limits, -8, LIST_INSTEAD, KV_TEXT("q")), KV_NONE);
    teardown();
}
END_TEST

START_TEST(inserting_at_one_place_over_and_over_fills_leaves)
{
    for (int place = 0; place < 2; place++) {
        setup();
        push_numbered(1000);
        char room[20];
        kv_slice value = filled(room, 'v', sizeof room);
        push_text(KV_TAIL, "pivot");
        push_numbered(1000);
        for (int i = 0; i < 5000; i++) {
            MUST(list_insert(&list, &memory, &limits, place == 0 ? LIST_BEFORE : LIST_AFTER,
                             KV_TEXT("pivot"), value) == KV_OK);
        }
        list_check(&list);
        ck_assert_uint_eq(list_length(&list), 7001);
        ck_assert(at_is(place == 0 ? 6000 : 1000, KV_TEXT("pivot")));
        size_t size = 5000 * 22 + 2000 * 14;
        ck_assert_uint_lt(collection_bytes(&list, &list_kind), 2 * size);
        teardown();
    }
}
END_TEST

START_TEST(equal_elements_are_removed_from_the_side_asked_for)
{
    setup();
    for (int i = 0; i < 9; i++) push_text(KV_TAIL, i % 3 == 0 ? "5" : "x");
    ck_assert_uint_eq(list_remove(&list, &memory, &limits, 1, KV_TEXT("5")), 1);
    ck_assert_uint_eq(list_remove(&list, &memory, &limits, -1, KV_TEXT("5")), 1);
    ASSERT_TEXTS("x", "x", "5", "x", "x", "x", "x");
    ck_assert_uint_eq(list_remove(&list, &memory, &limits, -3, KV_TEXT("x")), 3);
    ASSERT_TEXTS("x", "x", "5", "x");
    ck_assert_uint_eq(list_remove(&list, &memory, &limits, INT64_MIN, KV_TEXT("x")), 3);
    ck_assert_uint_eq(list_remove(&list, &memory, &limits, 0, KV_TEXT("y")), 0);
    ck_assert_uint_eq(list_remove(&list, &memory, &limits, INT64_MAX, KV_TEXT("5")), 1);
    ck_assert_uint_eq(list.word, 0);
    teardown();
}
END_TEST

START_TEST(removing_most_elements_gives_their_memory_back)
{
    setup();
    for (int i = 0; i < 50000; i++) {
        kv_slice value = i % 50 == 0 ? KV_TEXT("this one stays") : KV_TEXT("this one goes!");
        MUST(list_push(&list, &memory, &limits, KV_TAIL, &value, 1) == KV_OK);
    }
    ck_assert_uint_eq(list_remove(&list, &memory, &limits, 0, KV_TEXT("this one goes!")), 49000);
    list_check(&list);
    ck_assert_uint_eq(list_length(&list), 1000);
    ck_assert_uint_lt(collection_bytes(&list, &list_kind), 1000 * 16 * 3 / 2 + 4096);
    teardown();
}
END_TEST

/* ----------------------------------------------------------------------------- reading in order */

struct positions {
    uint64_t found[16];
    size_t count, enough;
};

static bool note_position(void *context, uint64_t position)
{
    struct positions *positions = context;
    positions->found[positions->count++] = position;
    return positions->count != positions->enough;
}

START_TEST(positions_are_found_by_rank_count_and_maximum)
{
    static const struct {
        int64_t rank;
        uint64_t count, maximum;
        size_t expected;
        uint64_t positions[4];
    } cases[] = {
        {1, 1, 0, 1, {1}},        {2, 1, 0, 1, {4}},         {-1, 1, 0, 1, {6}},
        {-2, 0, 0, 2, {4, 1}},    {1, 0, 0, 3, {1, 4, 6}},   {1, 2, 0, 2, {1, 4}},
        {4, 0, 0, 0, {0}},        {-4, 0, 0, 0, {0}},        {1, 0, 5, 2, {1, 4}},
        {-1, 0, 1, 0, {0}},       {-1, 0, 2, 1, {6}},        {1, 0, 1, 0, {0}},
        {1, 0, 99, 3, {1, 4, 6}}, {INT64_MIN, 0, 0, 0, {0}}, {INT64_MAX, 0, 0, 0, {0}},
    };
    setup();
    const char *texts[] = {"a", "9", "c", "d", "9", "f", "9", "h"};
    for (size_t i = 0; i < 8; i++) push_text(KV_TAIL, texts[i]);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct positions positions = {{0}, 0, 0};
        list_find(&list, KV_TEXT("9"), cases[i].rank, cases[i].count, cases[i].maximum,
                  note_position, &positions);
        ck_assert_uint_eq(positions.count, cases[i].expected);
        for (size_t j = 0; j < positions.count; j++) {
            ck_assert_uint_eq(positions.found[j], cases[i].positions[j]);
        }
    }
    struct positions first = {{0}, 0, 1}; /* the visitor has enough */
    list_find(&list, KV_TEXT("9"), 1, 0, 0, note_position, &first);
    ck_assert_uint_eq(first.count, 1);
    teardown();
}
END_TEST

START_TEST(a_walk_can_be_interrupted_and_resumed)
{
    setup();
    push_numbered(5000);
    struct model_sequence model = {0};
    for (size_t i = 0; i < 5000; i++) {
        char text[32];
        model_insert(&model, i,
                     KV_BYTES(text, (size_t)snprintf(text, sizeof text, "element %zu", i)));
    }
    for (int end = 0; end < 2; end++) {
        uint64_t at = 0;
        struct expectation expected = {&model, end == KV_HEAD ? 0 : 4999, end == KV_HEAD ? 1 : -1,
                                       0, 0};
        for (size_t slice = 1; at < 5000; slice = slice * 3 % 1009) {
            expected.enough = expected.seen + slice % 100 + 1;
            uint64_t visited = list_visit(&list, (kv_end)end, at, slice, expect_next, &expected);
            MUST(visited == (slice % 100 + 1 < slice ? slice % 100 + 1 : slice) ||
                 at + visited == 5000);
            at += visited;
        }
        ck_assert_uint_eq(expected.seen, 5000);
    }
    model_free(&model);
    teardown();
}
END_TEST

START_TEST(packs_can_be_had_one_after_another)
{
    setup();
    for (size_t n = 10; n <= 10000; n *= 10) {
        push_numbered(n);
        uint64_t position = 0;
        uint64_t count = 0;
        const struct pack *pack;
        while ((pack = list_next_pack(&list, &position)) != NULL) {
            count += pack_count(pack);
            ck_assert_uint_eq(count, position);
            ck_assert(pack_validate(pack_bytes(pack), true));
        }
        ck_assert_uint_eq(count, n);
        list_destroy(&list, &memory);
    }
    teardown();
}
END_TEST

/* ---------------------------------------------------------------------------------- whole lists */

START_TEST(a_copy_is_a_list_of_its_own)
{
    setup();
    for (int large = 0; large < 2; large++) {
        push_numbered(large ? 3000 : 10);
        struct collection copy;
        ck_assert_int_eq(list_copy(&list, &other_memory, &copy), KV_OK);
        ck_assert_int_eq(collection_is_small(&copy), collection_is_small(&list));
        push_text(KV_TAIL, "only here");
        list_check(&copy);
        ck_assert_uint_eq(list_length(&copy), large ? 3000 : 10);
        list_destroy(&list, &memory);
        list_check(&copy);
        list_destroy(&copy, &other_memory);
    }
    teardown();
}
END_TEST

START_TEST(a_large_list_has_nothing_of_its_shard)
{
    setup();
    push_numbered(3000);
    ck_assert_uint_eq(memory.used, 0);
    push_text(KV_TAIL, "from the first");
    ck_assert_int_eq(list_push(&list, &other_memory, &limits, KV_HEAD, &(kv_slice){"2nd", 3}, 1),
                     KV_OK);
    list_check(&list);
    ck_assert_uint_eq(memory.used, 0);
    ck_assert_uint_eq(other_memory.used, 0);
    ck_assert_uint_eq(list_length(&list), 3002);
    teardown();
}
END_TEST

START_TEST(a_large_list_can_be_freed_in_slices)
{
    setup();
    push_numbered(10000);
    int slices = 1;
    while (!large_destroy_some(collection_large(&list), 3)) slices++;
    ck_assert_int_gt(slices, 5);
    list.word = 0;
    teardown();
}
END_TEST

/* -------------------------------------------------------------------------- failing allocations */

/* Runs one change of a list of `n` elements with each of its allocations failing in turn. */
static void fail_each_allocation(size_t n, kv_status (*change)(void))
{
    setup();
    push_numbered(n);
    struct model_sequence model = {0};
    for (size_t i = 0; i < n; i++) {
        char text[32];
        model_insert(&model, i,
                     KV_BYTES(text, (size_t)snprintf(text, sizeof text, "element %zu", i)));
    }
    long rounds = 0;
    FIXTURE_FAIL_EACH_ALLOCATION(&host)
    {
        kv_status status = change();
        bool enough = fixture_alloc_was_enough(&host);
        fixture_alloc_allow(&host, FIXTURE_UNLIMITED);
        rounds++;
        if (status != KV_OK) {
            ck_assert_int_eq(status, KV_NOMEM);
            assert_same(&list, &model);
            fixture_alloc_allow(&host, 0);
            atomic_store(&host.refused, 1); /* another round */
            continue;
        }
        list_check(&list);
        ck_assert_uint_ge(list_length(&list), n);
        if (!enough) break; /* it did without what it was refused */
    }
    if (n >= 500) ck_assert_int_gt(rounds, 1); /* a slab may have had what ten elements took */
    model_free(&model);
    teardown();
}

static kv_slice test_values[600];
static char test_room[20000];

static kv_status push_many_at_head(void)
{
    return list_push(&list, &memory, &limits, KV_HEAD, test_values, 600);
}

static kv_status push_many_at_tail(void)
{
    return list_push(&list, &memory, &limits, KV_TAIL, test_values, 600);
}

static kv_status push_big(void)
{
    kv_slice values[] = {KV_TEXT("a"), KV_BYTES(test_room, 20000), KV_TEXT("c")};
    return list_push(&list, &memory, &limits, KV_TAIL, values, 3);
}

static kv_status insert_small(void)
{
    return list_edit(&list, &memory, &limits, 3, LIST_BEFORE, KV_BYTES(test_room, 500));
}

static kv_status insert_big(void)
{
    return list_edit(&list, &memory, &limits, 3, LIST_AFTER, KV_BYTES(test_room, 20000));
}

static kv_status replace_by_big(void)
{
    return list_edit(&list, &memory, &limits, 3, LIST_INSTEAD, KV_BYTES(test_room, 20000));
}

START_TEST(every_change_is_all_or_nothing_when_memory_runs_out)
{
    kv_status (*const changes[])(void) = {push_many_at_head, push_many_at_tail, push_big,
                                          insert_small,      insert_big,        replace_by_big};
    memset(test_room, 'r', sizeof test_room);
    for (size_t i = 0; i < 600; i++) test_values[i] = KV_BYTES(test_room, 20 + i % 50);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        fail_each_allocation(10, changes[i]);
        fail_each_allocation(500, changes[i]); /* small, and about to outgrow that */
        fail_each_allocation(5000, changes[i]);
    }
    /* 62 leaves, so that a node splits after the first few of the new ones were attached. */
    fail_each_allocation(16500, push_many_at_head);
    fail_each_allocation(16500, push_many_at_tail);

    setup();
    push_numbered(2000);
    struct collection copy = {0};
    FIXTURE_FAIL_EACH_ALLOCATION(&host)
    {
        kv_status status = list_copy(&list, &other_memory, &copy);
        ck_assert_int_eq(status, fixture_alloc_was_enough(&host) ? KV_OK : KV_NOMEM);
        ck_assert_int_eq(copy.word != 0, status == KV_OK);
    }
    list_destroy(&copy, &other_memory);
    teardown();
}
END_TEST

/* ------------------------------------------------------------------------------ against a model */

static struct random source;

/*
 * A value of many kinds: few different ones, so that searches find some; now and then a large one.
 */
static kv_slice random_value(char *room, bool large_ones)
{
    uint64_t kind = random_below(&source, large_ones ? 8 : 6);
    switch (kind) {
    case 0: return KV_BYTES(room, (size_t)snprintf(room, 64, "%d", (int)random_below(&source, 20)));
    case 1: {
        int64_t number = (int64_t)(random_next(&source) >> random_below(&source, 64));
        return KV_BYTES(room, (size_t)snprintf(room, 64, "%" PRId64, number));
    }
    case 2: return filled(room, 'x', random_below(&source, 100));
    case 6: return filled(room, 'y', random_below(&source, 3000));
    case 7: return filled(room, 'z', random_below(&source, 6000));
    default:
        return KV_BYTES(room, (size_t)snprintf(room, 64, "e%d", (int)random_below(&source, 9)));
    }
}

static void random_range(const struct model_sequence *model)
{
    kv_end end = (kv_end)random_below(&source, 2);
    size_t skip = (size_t)random_below(&source, model->count + 3);
    size_t count = (size_t)random_below(&source, 50);
    size_t there = skip < model->count ? model->count - skip : 0;
    size_t start = end == KV_HEAD ? skip : model->count - 1 - skip;
    struct expectation expected = {model, start, end == KV_HEAD ? 1 : -1, 0, 0};
    MUST(list_visit(&list, end, skip, count, expect_next, &expected) ==
         (count < there ? count : there));
}

static void random_find(const struct model_sequence *model, kv_slice value)
{
    int64_t rank = (int64_t)random_below(&source, 7) - 3;
    if (rank == 0) rank = 1;
    struct positions positions = {{0}, 0, 16};
    list_find(&list, value, rank, 0, 0, note_position, &positions);
    size_t matches = 0;
    size_t found = 0;
    for (size_t i = 0; i < model->count && found < 16; i++) {
        size_t position = rank > 0 ? i : model->count - 1 - i;
        if (!model_is(model, position, value)) continue;
        if (++matches < (size_t)(rank > 0 ? rank : -rank)) continue;
        MUST(found < positions.count);
        MUST(positions.found[found] == position);
        found++;
    }
    MUST(found == positions.count);
}

/* One random change or question, the same to the list and to the model. */
static void random_step(struct model_sequence *model, bool grow, bool large_ones)
{
    static char rooms[40][6100];
    kv_slice values[40];
    size_t count = 1 + (size_t)random_below(&source, random_below(&source, 10) == 0 ? 40 : 3);
    for (size_t i = 0; i < count; i++) values[i] = random_value(rooms[i], large_ones);
    kv_end end = (kv_end)random_below(&source, 2);
    int64_t index = model->count > 0 ? (int64_t)random_below(&source, model->count) : 0;
    int64_t given = random_below(&source, 2) == 0 ? index : index - (int64_t)model->count;
    enum list_place place = (enum list_place)random_below(&source, 3);

    switch (random_below(&source, 16)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
        if (grow || random_below(&source, 4) == 0) {
            MUST(list_push(&list, &memory, &limits, end, values, count) == KV_OK);
            model_push(model, end, values, count);
            break;
        }
        /* fall through */
    case 5:
    case 6: {
        uint64_t popped = grow ? count : random_below(&source, 200);
        if (popped > model->count) popped = model->count;
        struct expectation expected = {model, end == KV_HEAD ? 0 : model->count - 1,
                                       end == KV_HEAD ? 1 : -1, 0, 0};
        MUST(list_pop(&list, &memory, &limits, end, popped, expect_next, &expected) == popped);
        model_delete(model, end == KV_HEAD ? 0 : model->count - (size_t)popped, (size_t)popped);
        break;
    }
    case 7:
    case 8:
    case 9:
        if (model->count == 0) break;
        MUST(list_edit(&list, &memory, &limits, given, place, values[0]) == KV_OK);
        if (place == LIST_INSTEAD) model_delete(model, (size_t)index, 1);
        model_insert(model, (size_t)index + (place == LIST_AFTER), values[0]);
        break;
    case 10: {
        int64_t limit = (int64_t)random_below(&source, 21) - 10;
        uint64_t removed = list_remove(&list, &memory, &limits, limit, values[0]);
        size_t most = limit == 0 ? SIZE_MAX : (size_t)(limit < 0 ? -limit : limit);
        MUST(removed == model_delete_equal(model, values[0], most, limit < 0 ? KV_TAIL : KV_HEAD));
        break;
    }
    case 11: {
        if (model->count == 0 || random_below(&source, 4) != 0) break;
        size_t from = (size_t)random_below(&source, model->count < 300 ? model->count : 300);
        size_t to = model->count - 1 -
                    (size_t)random_below(&source, model->count < 300 ? model->count : 300);
        list_trim(&list, &memory, &limits, (int64_t)from, (int64_t)to - (int64_t)model->count);
        if (from > to) {
            model_delete(model, 0, model->count);
        } else {
            model_delete(model, to + 1, model->count - to - 1);
            model_delete(model, 0, from);
        }
        break;
    }
    case 12: random_range(model); break;
    case 13: random_find(model, values[0]); break;
    case 14:
        if (model->count > 0) MUST(at_is(given, model_at(model, (size_t)index)));
        break;
    default: {
        struct collection copy = {0};
        if (random_below(&source, 8) != 0) break;
        MUST(list_copy(&list, &other_memory, &copy) == KV_OK);
        assert_same(&copy, model);
        list_destroy(&copy, &other_memory);
        break;
    }
    }
}

START_TEST(a_list_does_what_the_model_does)
{
    random_seed(&source, unit_seed());
    static const int64_t settings[] = {-2, -1, 4, -5, 128};
    for (size_t round = 0; round < 10; round++) {
        setup();
        limits = list_limits_of(settings[round % 5]);
        struct model_sequence model = {0};
        for (int step = 0; step < 3000; step++) {
            random_step(&model, step / 500 % 2 == 0, round % 2 == 0);
            list_check(&list);
            if (step % 20 == 0) assert_same(&list, &model);
        }
        assert_same(&list, &model);
        model_free(&model);
        teardown();
    }
}
END_TEST

START_TEST(a_list_survives_allocations_that_fail_at_random)
{
    random_seed(&source, unit_seed());
    setup();
    limits = list_limits_of(-1);
    struct model_sequence model = {0};
    static char room[6100];
    for (int step = 0; step < 20000; step++) {
        kv_slice value = random_value(room, true);
        kv_end end = (kv_end)random_below(&source, 2);
        int64_t index = model.count > 0 ? (int64_t)random_below(&source, model.count) : 0;
        enum list_place place = (enum list_place)random_below(&source, 3);
        fixture_alloc_allow(&host, (long)random_below(&source, 4));
        switch (random_below(&source, 4)) {
        case 0:
            if (list_push(&list, &memory, &limits, end, &value, 1) == KV_OK) {
                model_push(&model, end, &value, 1);
            }
            break;
        case 1:
            if (model.count == 0) break;
            if (list_edit(&list, &memory, &limits, index, place, value) == KV_OK) {
                if (place == LIST_INSTEAD) model_delete(&model, (size_t)index, 1);
                model_insert(&model, (size_t)index + (place == LIST_AFTER), value);
            }
            break;
        case 2:
            MUST(list_remove(&list, &memory, &limits, 2, value) ==
                 model_delete_equal(&model, value, 2, KV_HEAD));
            break;
        default:
            if (model.count == 0 || random_below(&source, 2) == 0) break;
            MUST(list_pop(&list, &memory, &limits, end, 1, NULL, NULL) == 1);
            model_delete(&model, end == KV_HEAD ? 0 : model.count - 1, 1);
            break;
        }
        fixture_alloc_allow(&host, FIXTURE_UNLIMITED);
        list_check(&list);
        if (step % 50 == 0) assert_same(&list, &model);
    }
    model_free(&model);
    teardown();
}
END_TEST

int main(void)
{
    return UNIT_RUN(
        "list_value", an_empty_list_holds_nothing, many_pushed_at_the_head_end_up_reversed,
        pops_lend_from_the_end_inwards, an_index_counts_from_either_end,
        a_span_is_what_lrange_means, a_list_is_small_up_to_the_limit_on_its_size,
        one_value_beyond_the_limit_makes_a_list_large, a_positive_limit_counts_elements,
        settings_give_the_limits_redis_has, a_list_becomes_small_below_half_the_limit,
        a_large_list_stays_large_when_there_is_no_memory_for_less,
        an_element_larger_than_a_leaf_gets_one_of_its_own, values_too_large_for_a_pack_are_refused,
        a_large_list_keeps_little_beside_its_elements, elements_of_most_of_a_leaf_waste_no_room,
        values_go_before_after_or_in_place_of_an_element,
        inserting_at_one_place_over_and_over_fills_leaves,
        equal_elements_are_removed_from_the_side_asked_for,
        removing_most_elements_gives_their_memory_back,
        positions_are_found_by_rank_count_and_maximum, a_walk_can_be_interrupted_and_resumed,
        packs_can_be_had_one_after_another, a_copy_is_a_list_of_its_own,
        a_large_list_has_nothing_of_its_shard, a_large_list_can_be_freed_in_slices,
        every_change_is_all_or_nothing_when_memory_runs_out, a_list_does_what_the_model_does,
        a_list_survives_allocations_that_fail_at_random);
}
