/*
 * tests/engine/test_sorted.c -- structures/sorted.h: records of one size in the order of their keys.
 */
#include "structures/sorted.h"

#include "base/random.h"

#include "fixture_memory.h"

/* -------------------------------------------------------------------------------------- helpers */

/* A record whose key has two parts, the mark first, so that many have the same mark. */
struct record {
    uint64_t mark, rest;
    uint64_t value;
};

static uint64_t record_mark(const void *key)
{
    return ((const struct record *)key)->mark;
}

static int record_compare(const void *key, const void *record)
{
    const struct record *a = key;
    const struct record *b = record;
    if (a->mark != b->mark) return a->mark < b->mark ? -1 : 1;
    return a->rest < b->rest ? -1 : a->rest > b->rest;
}

static uint64_t leaf_mark(const void *leaf)
{
    return record_mark(sorted_leaf_first(leaf));
}

static int leaf_compare(const void *key, const void *leaf)
{
    return record_compare(key, sorted_leaf_first(leaf));
}

static const void *record_key(const void *record)
{
    return record;
}

static const struct sorted_kind kind = {
    {leaf_mark, leaf_compare}, sizeof(struct record), record_mark, record_compare};

/* The naive model: which of so many keys are there, and with what value. */
#define KEYS 3000
static uint64_t model[KEYS]; /* 0: not there */
static size_t model_count;

static struct record record_of(size_t index, uint64_t value)
{
    return (struct record){index / 7, index % 7, value};
}

static size_t model_from(size_t index)
{
    while (index < KEYS && model[index] == 0) index++;
    return index;
}

static void assert_is(const struct sorted *sorted, const struct sorted_place *place, size_t index)
{
    const struct record *record = sorted_at(sorted, place);
    struct record expected = record_of(index, model[index]);
    MUST(memcmp(record, &expected, sizeof expected) == 0);
}

/* Asserts that both hold the same, walking both ways. */
static void assert_same(const struct sorted *sorted)
{
    sorted_check(sorted, record_key);
    MUST(sorted_count(sorted) == model_count);
    struct sorted_place place;
    bool more = sorted_end(sorted, KV_HEAD, &place);
    for (size_t i = model_from(0); i < KEYS; i = model_from(i + 1)) {
        MUST(more);
        assert_is(sorted, &place, i);
        more = sorted_next(sorted, &place);
    }
    MUST(!more);
    more = sorted_end(sorted, KV_TAIL, &place);
    for (size_t i = KEYS; i-- > 0;) {
        if (model[i] == 0) continue;
        MUST(more);
        assert_is(sorted, &place, i);
        more = sorted_prev(sorted, &place);
    }
    MUST(!more);
}

static void put(struct sorted *sorted, size_t index, uint64_t value)
{
    struct record record = record_of(index, value);
    struct record *found = sorted_find(sorted, &record);
    MUST((found != NULL) == (model[index] != 0));
    if (found != NULL) found->value = value;
    else MUST(sorted_insert(sorted, &memory, &record, &record) == KV_OK);
    if (model[index] == 0) model_count++;
    model[index] = value;
}

static void take(struct sorted *sorted, size_t index)
{
    struct record record = record_of(index, 0);
    MUST(sorted_remove(sorted, &memory, &record) == (model[index] != 0));
    if (model[index] != 0) model_count--;
    model[index] = 0;
}

static void seek(const struct sorted *sorted, size_t index)
{
    struct record record = record_of(index, 0);
    struct sorted_place place;
    size_t expected = model_from(index);
    MUST(sorted_seek(sorted, &record, &place) == (expected < KEYS));
    if (expected < KEYS) assert_is(sorted, &place, expected);
}

static void model_clear(void)
{
    memset(model, 0, sizeof model);
    model_count = 0;
}

/* ---------------------------------------------------------------------------------------- tests */

START_TEST(an_empty_one_holds_nothing)
{
    fixture_memory_begin();
    struct sorted sorted;
    struct record record = record_of(1, 1);
    struct sorted_place place;
    sorted_init(&sorted, &kind);
    sorted_check(&sorted, record_key);
    ck_assert_ptr_null(sorted_find(&sorted, &record));
    ck_assert(!sorted_seek(&sorted, &record, &place));
    ck_assert(!sorted_end(&sorted, KV_TAIL, &place));
    ck_assert(!sorted_remove(&sorted, &memory, &record));
    sorted_clear(&sorted, &memory);
    ck_assert_uint_eq(memory.used, 0);
    fixture_memory_end();
}
END_TEST

START_TEST(what_comes_in_order_fills_its_leaves)
{
    fixture_memory_begin();
    struct sorted sorted;
    for (int downwards = 0; downwards < 2; downwards++) {
        sorted_init(&sorted, &kind);
        model_clear();
        for (size_t i = 0; i < KEYS; i++) put(&sorted, downwards ? KEYS - 1 - i : i, i + 1);
        assert_same(&sorted);
        size_t needed = KEYS * sizeof(struct record);
        ck_assert_uint_lt(memory.used, needed + needed / 10 + 4096);
        sorted_clear(&sorted, &memory);
        ck_assert_uint_eq(memory.used, 0);
    }
    fixture_memory_end();
}
END_TEST

START_TEST(a_few_records_take_little)
{
    fixture_memory_begin();
    struct sorted sorted;
    sorted_init(&sorted, &kind);
    model_clear();
    put(&sorted, 5, 1);
    ck_assert_uint_le(memory.used, 64);
    for (size_t i = 10; i < 50; i++) put(&sorted, i, i);
    for (size_t i = 10; i < 50; i++) take(&sorted, i);
    assert_same(&sorted);
    ck_assert_uint_le(memory.used, 128);
    take(&sorted, 5);
    ck_assert_uint_eq(memory.used, 0);
    fixture_memory_end();
}
END_TEST

START_TEST(it_gives_memory_back_from_whichever_side_records_go)
{
    fixture_memory_begin();
    struct sorted sorted;
    uint64_t state = 7;
    for (int way = 0; way < 3; way++) {
        sorted_init(&sorted, &kind);
        model_clear();
        for (size_t i = 0; i < KEYS; i++) put(&sorted, i, i + 1);
        for (size_t i = 0; i < KEYS - KEYS / 50; i++) {
            size_t index = way == 0 ? i : way == 1 ? KEYS - 1 - i : 0;
            if (way == 2) {
                state = state * 6364136223846793005u + 1442695040888963407u;
                index = model_from((size_t)(state >> 33) % KEYS);
                if (index == KEYS) index = model_from(0);
            }
            take(&sorted, index);
        }
        assert_same(&sorted);
        ck_assert_uint_lt(memory.used, KEYS / 50 * sizeof(struct record) * 4 + 4096);
        sorted_clear(&sorted, &memory);
    }
    fixture_memory_end();
}
END_TEST

START_TEST(random_changes_agree_with_the_model)
{
    fixture_memory_begin();
    struct random random;
    uint64_t seed = unit_seed();
    random_seed(&random, seed);
    for (int round = 0; round < 20; round++) {
        struct sorted sorted;
        sorted_init(&sorted, &kind);
        model_clear();
        unsigned puts = 20 + (unsigned)round % 5 * 15; /* of a hundred */
        size_t span = round % 3 == 0 ? 60 : KEYS;
        for (int step = 0; step < 20000; step++) {
            size_t index = (size_t)random_below(&random, span);
            unsigned what = (unsigned)random_below(&random, 100);
            if (step % 5000 < 2500 ? what < 80 : what < puts) put(&sorted, index, what + 1);
            else take(&sorted, index);
            if (step % 16 == 0) seek(&sorted, (size_t)random_below(&random, KEYS));
            if (step % 512 == 0) assert_same(&sorted);
        }
        assert_same(&sorted);
        sorted_clear(&sorted, &memory);
        ck_assert_uint_eq(memory.used, 0);
    }
    fixture_memory_end();
}
END_TEST

START_TEST(without_memory_nothing_changes)
{
    fixture_memory_begin();
    struct sorted sorted;
    sorted_init(&sorted, &kind);
    model_clear();
    uint64_t state = 3;
    for (size_t n = 0; n < 2000; n++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        size_t index = (size_t)(state >> 33) % KEYS;
        struct record record = record_of(index, n + 1);
        if (model[index] != 0) continue;
        kv_status status = KV_NOMEM;
        for (long allowed = 0; status != KV_OK; allowed++) {
            fixture_alloc_allow(&host, allowed);
            status = sorted_insert(&sorted, &memory, &record, &record);
            fixture_alloc_allow(&host, FIXTURE_UNLIMITED);
            if (status == KV_OK) {
                model[index] = n + 1;
                model_count++;
            }
            if (n % 64 == 0 || status != KV_OK) assert_same(&sorted);
        }
    }
    sorted_clear(&sorted, &memory);
    fixture_memory_end();
}
END_TEST

int main(void)
{
    return UNIT_RUN("sorted", an_empty_one_holds_nothing, what_comes_in_order_fills_its_leaves,
                    a_few_records_take_little, it_gives_memory_back_from_whichever_side_records_go,
                    random_changes_agree_with_the_model, without_memory_nothing_changes);
}
