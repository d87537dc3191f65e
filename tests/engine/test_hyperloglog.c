/*
 * tests/engine/test_hyperloglog.c -- values/hyperloglog.h against an array of registers.
 */
#include "values/hyperloglog.h"
#include "base/random.h"

#include "../unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SPARSE_MAX 3000

static struct random numbers;
static uint8_t model[HYPERLOGLOG_REGISTERS];
static struct hyperloglog log_;
static uint8_t room[40000];

static void setup(void)
{
    random_seed(&numbers, unit_seed());
    memset(model, 0, sizeof model);
    log_ = (struct hyperloglog){room, HYPERLOGLOG_EMPTY, SPARSE_MAX};
    hyperloglog_init(room);
}

static uint64_t below(uint64_t bound)
{
    return random_below(&numbers, bound);
}

static kv_slice text(void)
{
    return (kv_slice){log_.bytes, log_.size};
}

static bool model_raise(struct hyperloglog_mark mark)
{
    if (model[mark.index] >= mark.value) return false;
    model[mark.index] = mark.value;
    return true;
}

static void must_match(void)
{
    uint8_t registers[HYPERLOGLOG_REGISTERS] = {0};
    ck_assert(hyperloglog_is_one(text()));
    ck_assert_int_eq(hyperloglog_merge(text(), registers), KV_OK);
    ck_assert_int_eq(memcmp(registers, model, sizeof model), 0);
}

static struct hyperloglog_mark random_mark(void)
{
    unsigned index = (unsigned)below(HYPERLOGLOG_REGISTERS);
    if (below(2) == 0) index = index / 16 % 40; /* near each other */
    unsigned value = 1 + (unsigned)below(below(4) == 0 ? 32 : 3);
    return (struct hyperloglog_mark){(uint16_t)index, (uint8_t)value};
}

static void raise_both(struct hyperloglog_mark mark)
{
    bool raised = false;
    ck_assert_int_eq(hyperloglog_raise(&log_, mark, NULL, &raised), KV_OK);
    ck_assert_int_eq(raised, model_raise(mark));
}

START_TEST(registers_are_raised_one_by_one_in_both_forms)
{
    if (_i > 0) ck_assert_int_eq(hyperloglog_make_dense(&log_), KV_OK);
    for (int i = 0; i < 5000; i++) {
        size_t before = log_.size;
        raise_both(random_mark());
        if (!hyperloglog_is_dense(text())) ck_assert_uint_le(log_.size, before + 3);
        if (i % 50 == 0) must_match();
    }
    must_match();
    ck_assert(hyperloglog_is_dense(text())); /* that many are no longer sparse */
}
END_TEST

START_TEST(a_high_value_or_a_long_string_makes_it_dense)
{
    raise_both((struct hyperloglog_mark){7, 32});
    ck_assert(!hyperloglog_is_dense(text()));
    raise_both((struct hyperloglog_mark){7, 33});
    ck_assert(hyperloglog_is_dense(text()));
    ck_assert_uint_eq(log_.size, HYPERLOGLOG_DENSE);
    raise_both((struct hyperloglog_mark){16383, 51});
    must_match();

    setup();
    log_.sparse_max = HYPERLOGLOG_HEADER + 8;
    raise_both((struct hyperloglog_mark){100, 1});
    raise_both((struct hyperloglog_mark){200, 1});
    ck_assert(!hyperloglog_is_dense(text()));
    ck_assert_uint_eq(log_.size, HYPERLOGLOG_HEADER + 8);
    raise_both((struct hyperloglog_mark){300, 1});
    ck_assert(hyperloglog_is_dense(text()));
    must_match();
}
END_TEST

START_TEST(neighbours_are_joined_in_one_run)
{
    static const uint8_t four[] = {0x83, 0x7f, 0xfb};
    for (unsigned i = 0; i < 4; i++) raise_both((struct hyperloglog_mark){(uint16_t)i, 1});
    ck_assert_uint_eq(log_.size, HYPERLOGLOG_HEADER + sizeof four);
    ck_assert_int_eq(memcmp(log_.bytes + HYPERLOGLOG_HEADER, four, sizeof four), 0);
    raise_both((struct hyperloglog_mark){4, 1});
    ck_assert_uint_eq(log_.size, HYPERLOGLOG_HEADER + sizeof four + 1);
}
END_TEST

START_TEST(a_cursor_finds_what_a_search_from_the_beginning_finds)
{
    for (int round = 0; round < 300; round++) {
        uint8_t other_room[40000];
        setup();
        for (int i = (int)below(60); i > 0; i--) raise_both(random_mark());
        struct hyperloglog other = log_;
        other.bytes = memcpy(other_room, log_.bytes, log_.size);
        struct hyperloglog_cursor cursor = {0};
        unsigned density = 1 + (unsigned)below(40), span = 1 + (unsigned)below(3000);
        for (unsigned i = 0; i < span; i++) {
            struct hyperloglog_mark mark = {(uint16_t)i, (uint8_t)(1 + below(3))};
            bool raised, other_raised;
            if (below(density) != 0) continue;
            ck_assert_int_eq(hyperloglog_raise(&log_, mark, NULL, &raised), KV_OK);
            ck_assert_int_eq(hyperloglog_raise(&other, mark, &cursor, &other_raised), KV_OK);
            ck_assert_int_eq(raised, other_raised);
            ck_assert_uint_eq(log_.size, other.size);
            ck_assert_int_eq(memcmp(log_.bytes, other.bytes, other.size), 0);
            if (hyperloglog_is_dense(text())) break;
        }
    }
}
END_TEST

START_TEST(strings_are_merged_and_packed)
{
    uint8_t registers[HYPERLOGLOG_REGISTERS];
    for (size_t i = 0; i < sizeof registers; i++) registers[i] = (uint8_t)below(64);
    ck_assert_int_eq(hyperloglog_make_dense(&log_), KV_OK);
    hyperloglog_set_dense(&log_, registers);
    memcpy(model, registers, sizeof model);
    must_match();
    for (size_t i = 0; i < sizeof registers; i++) {
        registers[i] = (uint8_t)below(64);
        if (registers[i] > model[i]) model[i] = registers[i];
    }
    ck_assert_int_eq(hyperloglog_merge(text(), registers), KV_OK);
    ck_assert_int_eq(memcmp(registers, model, sizeof model), 0);
}
END_TEST

static void add(uint64_t number)
{
    struct hyperloglog_mark mark = hyperloglog_mark_of(kv_bytes(&number, sizeof number));
    bool raised;
    ck_assert_int_eq(hyperloglog_raise(&log_, mark, NULL, &raised), KV_OK);
    (void)model_raise(mark);
}

START_TEST(the_estimate_is_near_the_truth_and_the_same_in_every_form)
{
    uint64_t base = random_next(&numbers), next = 1;
    uint64_t count, from_registers = hyperloglog_count_registers(model);
    ck_assert_uint_eq(from_registers, 0);
    for (uint64_t i = 1; i <= 1000000; i++) {
        add(base + i);
        if (i < next) continue;
        next = next * 3 / 2 + 1;
        ck_assert_int_eq(hyperloglog_count(text(), &count), KV_OK);
        ck_assert_uint_eq(count, hyperloglog_count_registers(model));
        ck_assert_double_lt(fabs((double)count - (double)i), 1 + 0.0081 * 6 * (double)i);
    }
}
END_TEST

/* What redis-server 7.0 counts where two values take turns, some of which no hash has. */
START_TEST(estimates_of_any_registers_are_those_of_redis)
{
    static const struct {
        uint8_t even, odd;
        uint64_t count;
    } cases[] = {
        {0, 0, 0},
        {0, 1, 10360},
        {1, 1, 23637},
        {3, 9, 186188},
        {20, 20, 12392656037},
        {50, 50, UINT64_C(1) << 63},
        {50, 51, UINT64_C(1) << 63},
        {0, 51, 13268},
        {51, 60, UINT64_C(1) << 63},
        {10, 51, 24204406},
        {40, 63, 25989283394227192},
        {63, 63, UINT64_C(1) << 63},
        {1, 63, 47274},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (unsigned j = 0; j < HYPERLOGLOG_REGISTERS; j++)
            model[j] = j % 2 == 0 ? cases[i].even : cases[i].odd;
        ck_assert_uint_eq(hyperloglog_count_registers(model), cases[i].count);
    }
}
END_TEST

START_TEST(the_cached_estimate_lies_in_the_header)
{
    uint64_t count = 5;
    ck_assert(hyperloglog_cached(text(), &count));
    ck_assert_uint_eq(count, 0);
    hyperloglog_forget_cached(room);
    ck_assert(!hyperloglog_cached(text(), &count));
    hyperloglog_cache(room, 123456789);
    ck_assert(hyperloglog_cached(text(), &count));
    ck_assert_uint_eq(count, 123456789);
}
END_TEST

static bool is_one(const char *bytes, size_t size)
{
    return hyperloglog_is_one(kv_bytes(bytes, size));
}

START_TEST(other_strings_are_told_by_their_header)
{
    static char dense[HYPERLOGLOG_DENSE + 1] = "HYLL";
    ck_assert(is_one("HYLL\1\0\0\0\0\0\0\0\0\0\0\0", 16));
    ck_assert(!is_one("HYLL\1\0\0\0\0\0\0\0\0\0\0\0", 15));
    ck_assert(!is_one("HYLL\2\0\0\0\0\0\0\0\0\0\0\0", 16));
    ck_assert(!is_one("HYLM\1\0\0\0\0\0\0\0\0\0\0\0", 16));
    ck_assert(!is_one("", 0));
    ck_assert(is_one(dense, HYPERLOGLOG_DENSE));
    ck_assert(!is_one(dense, HYPERLOGLOG_DENSE - 1));
    ck_assert(!is_one(dense, HYPERLOGLOG_DENSE + 1));
}
END_TEST

/* Runs that are too few, too many, or cut short. */
START_TEST(runs_that_contradict_themselves_are_corrupt)
{
    static const struct {
        const char *runs;
        size_t size;
    } bad[] = {{"", 0},
               {"\x7f", 1},
               {"\x7f\xfe", 2},
               {"\x7f\xff\x00", 3},
               {"\x7f\xff\x80", 3},
               {"\x7f\xfe\x83", 3},
               {"\x3f\x3f", 2},
               {"\x7f\xfe\x40", 3}};
    uint8_t registers[HYPERLOGLOG_REGISTERS];
    uint64_t count;
    bool raised;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint8_t *exact = malloc(HYPERLOGLOG_HEADER + bad[i].size);
        memcpy(exact, room, HYPERLOGLOG_HEADER);
        memcpy(exact + HYPERLOGLOG_HEADER, bad[i].runs, bad[i].size);
        kv_slice given = {exact, HYPERLOGLOG_HEADER + bad[i].size};
        ck_assert_int_eq(hyperloglog_count(given, &count), KV_CORRUPT);
        ck_assert_int_eq(hyperloglog_merge(given, registers), KV_CORRUPT);
        memcpy(room, exact, given.size);
        log_.size = given.size;
        ck_assert_int_eq(hyperloglog_make_dense(&log_), KV_CORRUPT);
        ck_assert_int_eq(hyperloglog_raise(&log_, (struct hyperloglog_mark){5, 40}, NULL, &raised),
                         KV_CORRUPT);
        ck_assert_int_eq(memcmp(room, exact, given.size), 0);
        free(exact);
    }
    log_.size = HYPERLOGLOG_HEADER;
    ck_assert_int_eq(hyperloglog_raise(&log_, (struct hyperloglog_mark){0, 1}, NULL, &raised),
                     KV_CORRUPT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hyperloglog");
    TCase *tcase = tcase_create("hyperloglog");
    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, registers_are_raised_one_by_one_in_both_forms, 0, 2);
    tcase_add_test(tcase, a_high_value_or_a_long_string_makes_it_dense);
    tcase_add_test(tcase, neighbours_are_joined_in_one_run);
    tcase_add_test(tcase, a_cursor_finds_what_a_search_from_the_beginning_finds);
    tcase_add_test(tcase, strings_are_merged_and_packed);
    tcase_add_test(tcase, the_estimate_is_near_the_truth_and_the_same_in_every_form);
    tcase_add_test(tcase, estimates_of_any_registers_are_those_of_redis);
    tcase_add_test(tcase, the_cached_estimate_lies_in_the_header);
    tcase_add_test(tcase, other_strings_are_told_by_their_header);
    tcase_add_test(tcase, runs_that_contradict_themselves_are_corrupt);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
