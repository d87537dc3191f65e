/*
 * tests/engine/test_deadlines.c -- keyspace/deadlines: order, numbers that move, late turns,
 * failing memory.
 */
#include "keyspace/deadlines.h"

#include "base/random.h"
#include "../unit.h"
#include "fixture_alloc.h"

/* An entry that is timed, as the keyspace makes it: with room for far deadlines where asked for. */
static struct entry *create_entry(int64_t deadline_ms)
{
    struct entry_shape shape = {.key = kv_text("key"),
                                .type = KV_TYPE_STRING,
                                .form = ENTRY_INTEGER,
                                .deadline_ms = deadline_ms};
    entry_shape_settle(&shape);
    struct entry *entry = malloc(entry_shape_size(&shape));
    entry_write(entry, &shape);
    return entry;
}

static void file(struct deadlines *deadlines, struct entry *entry)
{
    ck_assert_int_eq(deadlines_reserve(deadlines), KV_OK);
    int64_t deadline_ms = entry_deadline(entry);
    entry_set_due(entry, deadline_ms, deadlines_add(deadlines, entry, deadline_ms));
}

/* Takes all that is due, and returns how many; *last_ms grows with the deadlines taken. */
static size_t take_all(struct deadlines *deadlines, int64_t now_ms, size_t limit, int64_t slack_ms)
{
    struct entry *due[64];
    size_t total = 0, count;
    int64_t last_ms = 0;
    enum deadlines_outcome outcome;
    do {
        outcome = deadlines_take(deadlines, now_ms, limit, due, &count);
        deadlines_check(deadlines);
        for (size_t i = 0; i < count; i++) {
            int64_t deadline_ms = entry_deadline(due[i]);
            ck_assert_int_le(deadline_ms, now_ms);
            ck_assert_int_ge(deadline_ms, last_ms - slack_ms);
            if (deadline_ms > last_ms) last_ms = deadline_ms;
            free(due[i]);
        }
        total += count;
    } while (outcome == DEADLINES_MORE);
    return total;
}

#define NOW INT64_C(1800000000000)

START_TEST(keys_come_out_in_the_order_of_their_deadlines)
{
    struct alloc alloc;
    struct random random;
    alloc_init(&alloc, NULL);
    random_seed(&random, unit_seed());
    struct deadlines *deadlines = deadlines_create(&alloc, NOW);
    enum { N = 20000 };
    int64_t *when = malloc(N * sizeof *when);
    for (size_t i = 0; i < N; i++) {
        /* spread over all levels: 1 ms to 2^40 ms ahead */
        when[i] = NOW + (int64_t)(random_next(&random) >> (24 + random_below(&random, 39)));
        file(deadlines, create_entry(when[i]));
    }
    int64_t now_ms = NOW;
    size_t taken = 0;
    while (taken < N) {
        int64_t next_ms = deadlines_next(deadlines);
        ck_assert_int_ne(next_ms, KV_NEVER);
        if (next_ms > now_ms) now_ms = next_ms;
        taken += take_all(deadlines, now_ms, 64, 0);
        size_t due = 0;
        for (size_t i = 0; i < N && taken % 97 == 0; i++) due += when[i] <= now_ms;
        if (taken % 97 == 0)
            ck_assert_uint_eq(due, taken); /* all that is due is out, within one
                                                               turn */
    }
    ck_assert_int_eq(deadlines_next(deadlines), KV_NEVER);
    deadlines_destroy(deadlines);
    ck_assert_uint_eq(alloc_used(&alloc), 0);
    free(when);
}
END_TEST

/* The wheel stands at a multiple of 4096 ms, so slots of level 2 are the longest that are over. */
START_TEST(a_late_turn_takes_spans_in_order)
{
    struct alloc alloc;
    struct random random;
    alloc_init(&alloc, NULL);
    random_seed(&random, unit_seed());
    struct deadlines *deadlines = deadlines_create(&alloc, NOW);
    for (int i = 0; i < 10000; i++)
        file(deadlines, create_entry(NOW + (int64_t)random_below(&random, 100000)));
    ck_assert_uint_eq(take_all(deadlines, NOW + 100000, 7, 4096), 10000);
    deadlines_destroy(deadlines);
}
END_TEST

START_TEST(removal_and_postponement_keep_numbers_true)
{
    struct alloc alloc;
    struct random random;
    alloc_init(&alloc, NULL);
    random_seed(&random, unit_seed());
    struct deadlines *deadlines = deadlines_create(&alloc, NOW);
    enum { N = 500 };
    struct entry *entries[N] = {0};
    int64_t now_ms = NOW;
    for (int step = 0; step < 50000; step++) {
        size_t i = random_below(&random, N);
        uint64_t what = random_below(&random, 4);
        if (entries[i] == NULL) {
            /* half of them far: a past epoch does not fit the short field */
            entries[i] = create_entry(now_ms + 1 +
                                      (int64_t)random_below(&random, what == 0 ? 100 : 1000000));
            file(deadlines, entries[i]);
        } else if (what == 0) {
            deadlines_remove(deadlines, entry_deadline_id(entries[i]));
            free(entries[i]);
            entries[i] = NULL;
        } else if (what == 1) { /* put off: the wheel is not told */
            int64_t later_ms = entry_deadline(entries[i]) + (int64_t)random_below(&random, 5000);
            entry_set_due(entries[i], later_ms, entry_deadline_id(entries[i]));
        } else if (what == 2) { /* moved in memory */
            struct entry *moved = malloc(entry_size(entries[i]));
            memcpy(moved, entries[i], entry_size(entries[i]));
            deadlines_move(deadlines, entry_deadline_id(moved), moved);
            free(entries[i]);
            entries[i] = moved;
        } else {
            now_ms += (int64_t)random_below(&random, 20);
            struct entry *due[16];
            size_t count;
            while (deadlines_take(deadlines, now_ms, 16, due, &count) == DEADLINES_MORE ||
                   count > 0) {
                for (size_t d = 0; d < count; d++) {
                    ck_assert_int_le(entry_deadline(due[d]), now_ms);
                    for (size_t j = 0; j < N; j++) {
                        if (entries[j] == due[d]) entries[j] = NULL;
                    }
                    free(due[d]);
                }
            }
            for (size_t j = 0; j < N; j++) {
                if (entries[j] != NULL) ck_assert_int_gt(entry_deadline(entries[j]), now_ms);
            }
        }
        if (step % 100 == 0) deadlines_check(deadlines);
    }
    for (size_t i = 0; i < N; i++) free(entries[i]);
    deadlines_destroy(deadlines);
    ck_assert_uint_eq(alloc_used(&alloc), 0);
}
END_TEST

START_TEST(extreme_deadlines_are_kept)
{
    struct alloc alloc;
    alloc_init(&alloc, NULL);
    struct deadlines *deadlines = deadlines_create(&alloc, 5); /* a host's clock that starts at 0 */
    static const int64_t extreme[] = {
        6,           70, INT64_C(1577836800000) - 1, INT64_C(1577836800000), NOW, INT64_C(1) << 50,
        KV_NEVER - 1};
    size_t count = sizeof extreme / sizeof *extreme;
    for (size_t i = 0; i < count; i++) file(deadlines, create_entry(extreme[i]));
    deadlines_check(deadlines);
    ck_assert_uint_eq(take_all(deadlines, 5, 64, 0), 0);
    ck_assert_uint_eq(take_all(deadlines, 6, 64, 0), 1);
    ck_assert_uint_eq(take_all(deadlines, NOW, 64, NOW), 4);
    ck_assert_uint_eq(take_all(deadlines, KV_NEVER - 1, 64, KV_NEVER - 1 - NOW), 2);
    deadlines_destroy(deadlines);
}
END_TEST

START_TEST(a_turn_without_memory_loses_nothing)
{
    struct fixture_alloc fixture;
    struct alloc alloc;
    fixture_alloc_begin(&fixture);
    alloc_init(&alloc, &fixture.hooks);
    struct deadlines *deadlines = deadlines_create(&alloc, NOW);
    enum { N = 2000 };
    /* On one slot of level 2 together, they need many slots of level 1 and so many more chunks. */
    for (int i = 0; i < N; i++) file(deadlines, create_entry(NOW + 8192 + i * 2));
    struct entry *due[64];
    size_t count, taken = 0;
    fixture_alloc_allow(&fixture, 0);
    enum deadlines_outcome outcome = DEADLINES_MORE;
    while (outcome == DEADLINES_MORE) {
        outcome = deadlines_take(deadlines, NOW + 8200, 64, due, &count);
        taken += count;
        for (size_t i = 0; i < count; i++) free(due[i]);
        deadlines_check(deadlines);
    }
    fixture_alloc_allow(&fixture, FIXTURE_UNLIMITED);
    taken += take_all(deadlines, NOW + 8192 + 2 * N, 64, 64);
    ck_assert_uint_eq(taken, N);
    deadlines_destroy(deadlines);
}
END_TEST

START_TEST(an_empty_wheel_gives_its_memory_back)
{
    struct fixture_alloc fixture;
    struct alloc alloc;
    fixture_alloc_begin(&fixture);
    alloc_init(&alloc, &fixture.hooks);
    struct deadlines *deadlines = deadlines_create(&alloc, NOW);
    file(deadlines, create_entry(NOW + 1));
    ck_assert_uint_eq(take_all(deadlines, NOW + 1, 64, 0), 1);
    size_t least = alloc_used(&alloc);
    enum { N = 20000 };
    static struct entry *entries[N];
    int64_t now_ms = NOW + 1;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < N; i++) {
            entries[i] = create_entry(now_ms + 1000 + i);
            file(deadlines, entries[i]);
        }
        ck_assert_uint_gt(alloc_used(&alloc), least + N * 6);
        /* Without memory for the shorter list too, which then stays. */
        fixture_alloc_allow(&fixture, round == 2 ? 0 : FIXTURE_UNLIMITED);
        for (int i = 0; i < N && round > 0; i++) {
            deadlines_remove(deadlines, entry_deadline_id(entries[i]));
            free(entries[i]);
        }
        now_ms += 1000 + N;
        if (round == 0) ck_assert_uint_eq(take_all(deadlines, now_ms, 64, N), N);
        deadlines_check(deadlines);
        fixture_alloc_allow(&fixture, FIXTURE_UNLIMITED);
        ck_assert_uint_le(alloc_used(&alloc), least + (round == 2 ? N / 64 : 0));
    }
    /* The last of many, put off, is filed again: in between the wheel is empty. */
    struct entry *late = create_entry(now_ms + 100000);
    for (int i = 0; i < N; i++) {
        entries[i] = create_entry(now_ms + 1000 + i);
        file(deadlines, entries[i]);
    }
    file(deadlines, late);
    for (int i = 0; i < N; i++) {
        deadlines_remove(deadlines, entry_deadline_id(entries[i]));
        free(entries[i]);
    }
    ck_assert_uint_gt(alloc_used(&alloc), least + N * 6);
    entry_set_due(late, now_ms + 200000, entry_deadline_id(late));
    ck_assert_uint_eq(take_all(deadlines, now_ms + 150000, 64, 0), 0);
    ck_assert_uint_le(alloc_used(&alloc), least + N / 64);
    ck_assert_uint_eq(take_all(deadlines, now_ms + 200000, 64, 0), 1);
    deadlines_destroy(deadlines);
    fixture_alloc_end(&fixture);
}
END_TEST

int main(void)
{
    return UNIT_RUN("deadlines", an_empty_wheel_gives_its_memory_back,
                    keys_come_out_in_the_order_of_their_deadlines, a_late_turn_takes_spans_in_order,
                    removal_and_postponement_keep_numbers_true, extreme_deadlines_are_kept,
                    a_turn_without_memory_loses_nothing);
}
