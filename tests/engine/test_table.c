/* tests/engine/test_table.c -- structures/table against a naive model. */
#include "structures/table.h"

#include "../unit.h"

struct item {
    uint64_t number;
    bool present;
    unsigned visits;
};

/*
 * A mixer is enough of a hash here; `narrow` leaves few different buckets, so that they overflow.
 */
static uint64_t mix(uint64_t x)
{
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9;
    x ^= x >> 27;
    x *= 0x94d049bb133111eb;
    return x ^ x >> 31;
}

static uint64_t item_hash(const void *item, const void *context)
{
    uint64_t shard = *(const uint64_t *)context; /* the top 4 bits are the shard's */
    return mix(((const struct item *)item)->number + 1) >> 4 | shard << 60;
}

static const struct table_kind kind = {item_hash};

static bool item_is(const void *item, const void *sought)
{
    return ((const struct item *)item)->number == *(const uint64_t *)sought;
}

static void count_visit(void *context, void *item)
{
    (void)context;
    ((struct item *)item)->visits++;
}

static uint64_t shard = 5;
static struct alloc alloc;
static struct lines lines;
static struct grace grace;

static void model_insert(struct table *table, struct item *item)
{
    uint64_t hash = item_hash(item, &shard);
    ck_assert_int_eq(table_reserve(table, hash), KV_OK);
    table_insert(table, hash, item);
    item->present = true;
}

static void model_remove(struct table *table, struct item *item)
{
    uint64_t hash = item_hash(item, &shard);
    table_remove(table, hash, table_place_of(table, hash, item));
    item->present = false;
}

static void model_compare(struct table *table, struct item *items, size_t n)
{
    table_check(table);
    size_t present = 0;
    for (size_t i = 0; i < n; i++) {
        struct table_place place =
            table_find(table, item_hash(&items[i], &shard), item_is, &items[i].number);
        ck_assert((place.bucket != NULL) == items[i].present);
        if (items[i].present) ck_assert_ptr_eq(table_item(place), &items[i]);
        present += items[i].present;
    }
    ck_assert_uint_eq(table->count, present);
}

START_TEST(random_insertions_and_removals_match_a_model)
{
    srand((unsigned)unit_seed());
    enum { N = 20000 };
    struct item *items = calloc(N, sizeof *items);
    for (size_t i = 0; i < N; i++) items[i].number = i;
    alloc_init(&alloc, NULL);
    lines_init(&lines, &alloc, NULL);
    grace_init(&grace, &lines);
    struct pages pages;
    struct memory memory;
    pages_init(&pages, &alloc);
    memory_init(&memory, &pages);
    struct table table;
    if (_i < 4) table_init(&table, &alloc, &grace, &kind, &shard, 4, (unsigned)_i * 85);
    else table_init_within(&table, &memory, &kind, &shard);
    for (int round = 0; round < 12; round++) {
        int bias = round % 2 == 0 ? 85 : 10; /* grows, then shrinks */
        if (round % 3 != 0) table_expect(&table, (uint64_t)rand() % (4 * N)); /* right or wrong */
        for (int step = 0; step < N; step++) {
            struct item *item = &items[rand() % N];
            if (!item->present && rand() % 100 < bias) model_insert(&table, item);
            else if (item->present && rand() % 100 >= bias) model_remove(&table, item);
        }
        model_compare(&table, items, N);
    }
    for (size_t i = 0; i < N; i++) {
        if (items[i].present) model_remove(&table, &items[i]);
    }
    model_compare(&table, items, N);
    ck_assert_uint_eq(alloc_used(&alloc), 0); /* deletion gives all memory back */
    free(items);
}
END_TEST

START_TEST(a_scan_visits_whatever_stays_while_the_table_changes)
{
    enum { STAY = 3000, COME = 9000 };
    struct item *items = calloc(STAY + COME, sizeof *items);
    alloc_init(&alloc, NULL);
    lines_init(&lines, &alloc, NULL);
    grace_init(&grace, &lines);
    struct table table;
    table_init(&table, &alloc, &grace, &kind, &shard, 4, 100);
    for (size_t i = 0; i < STAY + COME; i++) items[i].number = i;
    for (size_t i = 0; i < STAY; i++) model_insert(&table, &items[i]);
    uint64_t position = shard << 60;
    size_t steps = 0, come = 0;
    do {
        position = table_scan(&table, position, count_visit, NULL);
        steps++;
        for (int i = 0; i < 40; i++) { /* grows to four times, then shrinks again */
            if (come < COME) model_insert(&table, &items[STAY + come++]);
            else if (come < 2 * COME) model_remove(&table, &items[come++ - COME + STAY]);
        }
    } while (position != 0);
    ck_assert_uint_gt(steps, STAY / 20);
    for (size_t i = 0; i < STAY; i++) ck_assert_uint_ge(items[i].visits, 1);
    table_check(&table);
    table_clear(&table);
    free(items);
}
END_TEST

START_TEST(each_item_is_drawn_equally_often)
{
    enum { N = 3000, DRAWS = 600000 };
    struct item *items = calloc(N, sizeof *items);
    alloc_init(&alloc, NULL);
    struct table table;
    table_init(&table, &alloc, NULL, &kind, &shard, 4, 200);
    for (size_t i = 0; i < N; i++) {
        items[i].number = i;
        model_insert(&table, &items[i]);
    }
    for (size_t i = 0; i < N; i++) {
        if (mix(i + 1) >> 62 != 0) model_remove(&table, &items[i]); /* leaves a quarter */
    }
    struct random random;
    random_seed(&random, 42);
    for (int i = 0; i < DRAWS; i++) ((struct item *)table_random(&table, &random))->visits++;
    double expected = (double)DRAWS / (double)table.count, chi = 0;
    for (size_t i = 0; i < N; i++) {
        if (items[i].present)
            chi += (items[i].visits - expected) * (items[i].visits - expected) / expected;
        else ck_assert_uint_eq(items[i].visits, 0);
    }
    /* chi squared has mean n and deviation sqrt(2n): about 750 +- 39 */
    ck_assert(chi < (double)table.count + 6 * 39 && chi > (double)table.count - 6 * 39);
    table_clear(&table);
    free(items);
}
END_TEST

static int allowed;
static void *failing_allocate(void *context, size_t size, size_t alignment)
{
    (void)context;
    void *block = NULL;
    if (allowed-- <= 0) return NULL;
    return posix_memalign(&block, alignment < 16 ? 16 : alignment, size) == 0 ? block : NULL;
}
static void failing_release(void *context, void *block, size_t size)
{
    (void)context, (void)size;
    free(block);
}

START_TEST(a_reservation_that_fails_changes_nothing)
{
    kv_allocator hooks = {failing_allocate, NULL, failing_release, NULL};
    enum { N = 5000 };
    struct item *items = calloc(N, sizeof *items);
    alloc_init(&alloc, &hooks);
    struct table table;
    table_init(&table, &alloc, NULL, &kind, &shard, 4, 0);
    if (_i == 1) table_expect(&table, N);
    unsigned failures = 0;
    for (size_t i = 0; i < N; i++) {
        items[i].number = i;
        kv_status status = KV_NOMEM;
        for (int n = 0; status != KV_OK; n++) {
            allowed = n;
            status = table_reserve(&table, item_hash(&items[i], &shard));
            if (status != KV_OK) failures++;
            if (status != KV_OK) table_check(&table);
        }
        model_insert(&table, &items[i]);
    }
    ck_assert_uint_gt(failures, 20);
    allowed = 0;
    for (size_t i = 0; i < N; i++) model_remove(&table, &items[i]); /* needs no memory */
    ck_assert_uint_eq(alloc_used(&alloc), 0);
    free(items);
}
END_TEST

START_TEST(what_is_expected_is_not_moved_often)
{
    enum { N = 40000 };
    struct item *items = calloc(N, sizeof *items);
    uint64_t bytes[2];
    uint32_t moves[2];
    alloc_init(&alloc, NULL);
    for (int turn = 0; turn < 2; turn++) {
        struct table table;
        table_init(&table, &alloc, NULL, &kind, &shard, 4, 255);
        if (turn == 1) table_expect(&table, N);
        for (size_t i = 0; i < N; i++) {
            items[i].number = i;
            model_insert(&table, &items[i]);
        }
        model_compare(&table, items, N);
        bytes[turn] = table.bytes;
        moves[turn] = table.moves;
        table_clear(&table);
    }
    ck_assert_uint_lt(moves[1], moves[0] / 3);
    ck_assert_uint_lt(bytes[1], bytes[0] * 3 / 2);
    free(items);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("table");
    TCase *tests = tcase_create("table");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, random_insertions_and_removals_match_a_model, 0, 5);
    tcase_add_test(tests, a_scan_visits_whatever_stays_while_the_table_changes);
    tcase_add_test(tests, each_item_is_drawn_equally_often);
    tcase_add_loop_test(tests, a_reservation_that_fails_changes_nothing, 0, 2);
    tcase_add_test(tests, what_is_expected_is_not_moved_often);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
