/*
 * tests/api/test_history.c -- the history: readers go on where they stopped, and are told of gaps.
 */
#include "caller.h"
#include "notes.h"
#include "one_store.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

static kv_history *history;
static kv_buffer buffer;

#define SIZE 4096

static void setup(void)
{
    store_setup();
    buffer = (kv_buffer){0};
    ck_assert_int_eq(kv_history_open(db, SIZE, &history), KV_OK);
}

static void teardown(void)
{
    kv_history_close(history);
    kv_buffer_free(&buffer);
    store_teardown();
}

static struct notes seen; /* what was read since the last look */

static kv_status read_on(kv_position *position)
{
    return kv_history_read(history, position, &buffer, notes_take, &seen);
}

START_TEST(a_reader_goes_on_where_it_stopped)
{
    kv_position position, other;
    fixture_set(db, "before", "x");
    kv_history_newest(history, &position);
    ck_assert_int_eq(read_on(&position), KV_NONE);
    fixture_set(db, "a", "1");
    fixture_push_all(kv_select(db, 3), "l", "x y");
    ck_assert_int_eq(read_on(&position), KV_OK);
    notes_expect(&seen, "0 SET a 1;\n3 RPUSH l x;\n3 RPUSH l y;\n");
    ck_assert_int_eq(read_on(&position), KV_NONE);
    other = position;
    fixture_set_for(db, "a", "", 10);
    fixture_pass(&fx, 20);
    ck_assert_int_eq(kv_tick(db, 0), KV_OK);
    ck_assert_int_eq(read_on(&position), KV_OK);
    notes_expect(&seen, "0 SET a  PXAT 1700000000010;\nexpired 0 DEL a;\n");
    ck_assert_int_eq(read_on(&other), KV_OK); /* each reader at its own pace */
    notes_expect(&seen, "0 SET a  PXAT 1700000000010;\nexpired 0 DEL a;\n");
    ck_assert_uint_eq(other.number, position.number);
    kv_history_oldest(history, &position);
    ck_assert_uint_eq(position.number, 0);
    ck_assert_int_eq(read_on(&position), KV_OK);
    ck_assert_uint_eq(position.number, 6);
    notes_clear(&seen);
}
END_TEST

START_TEST(a_transaction_is_one_group)
{
    kv_txn_options options = KV_OPTIONS(kv_txn_options);
    kv_position position, inside;
    kv *txn;
    options.flags = KV_TXN_ALL;
    kv_history_newest(history, &position);
    ck_assert_int_eq(kv_begin(db, &options, &txn), KV_OK);
    fixture_set(txn, "a", "1");
    kv_history_newest(history, &inside); /* the whole store is held, so this is its place */
    fixture_set(kv_select(txn, 1), "b", "2");
    ck_assert_int_eq(read_on(&position), KV_NONE);
    ck_assert_int_eq(kv_commit(txn), KV_OK);
    ck_assert_int_eq(read_on(&position), KV_OK);
    notes_expect(&seen, "0 SET a 1;1 SET b 2;\n");
    ck_assert_uint_eq(inside.number, position.number - 1);
}
END_TEST

START_TEST(who_comes_too_late_is_told_and_goes_on_from_the_oldest)
{
    kv_position position, oldest;
    kv_history_newest(history, &position);
    for (int i = 0; i < 200; i++) fixture_set(db, "a", "some value of some bytes");
    kv_history_oldest(history, &oldest);
    ck_assert_uint_gt(oldest.number, 100);
    ck_assert_int_eq(read_on(&position), KV_GAP);
    notes_expect(&seen, "");
    ck_assert_uint_eq(position.number, oldest.number);
    ck_assert_int_eq(read_on(&position), KV_OK);
    ck_assert_uint_eq(position.number, 200);
    notes_clear(&seen);
    ck_assert_int_eq(read_on(&position), KV_NONE);
}
END_TEST

START_TEST(a_change_larger_than_the_ring_is_a_gap)
{
    static char large[2 * SIZE];
    kv_position before, after;
    kv_history_newest(history, &before);
    fixture_set(db, "a", "1");
    ck_assert_int_eq(kv_set(db, KV_TEXT("b"), kv_bytes(large, sizeof large), NULL), KV_OK);
    kv_history_newest(history, &after);
    fixture_set(db, "c", "3");
    ck_assert_int_eq(read_on(&before), KV_GAP);
    ck_assert_int_eq(read_on(&before), KV_OK);
    notes_expect(&seen, "0 SET c 3;\n");
    ck_assert_int_eq(read_on(&after), KV_OK);
    notes_expect(&seen, "0 SET c 3;\n");
    /* One that just fits is kept. */
    kv_history_newest(history, &before);
    ck_assert_int_eq(kv_set(db, KV_TEXT("b"), kv_bytes(large, SIZE - 200), NULL), KV_OK);
    ck_assert_int_eq(read_on(&before), KV_OK);
    ck_assert_uint_eq(before.number, 4);
    notes_clear(&seen);
}
END_TEST

START_TEST(what_is_no_position_is_a_gap)
{
    kv_history *other;
    kv_position position = {0}, foreign;
    fixture_set(db, "a", "1");
    ck_assert_int_eq(read_on(&position), KV_GAP); /* zeroed */
    ck_assert_int_eq(read_on(&position), KV_OK);
    notes_expect(&seen, "0 SET a 1;\n");
    ck_assert_int_eq(kv_history_open(db, SIZE, &other), KV_OK);
    kv_history_newest(other, &foreign);
    ck_assert_int_eq(read_on(&foreign), KV_GAP);
    kv_history_close(other);
    for (size_t i = 0; i < sizeof position; i++) { /* damaged, in any byte */
        kv_position damaged = position;
        ((uint8_t *)&damaged)[i] ^= 1;
        ck_assert_int_eq(read_on(&damaged), KV_GAP);
        ck_assert_uint_eq(damaged.number, 0);
    }
    ck_assert_int_eq(read_on(&position), KV_NONE);
}
END_TEST

START_TEST(what_is_no_argument_is_refused)
{
    kv_history *other;
    kv_position position;
    kv *txn;
    kv_history_newest(history, &position);
    ck_assert_int_eq(kv_history_open(db, SIZE - 1, &other), KV_BADARG);
    ck_assert_int_eq(kv_history_open(db, SIZE_MAX, &other), KV_BADARG);
    ck_assert_int_eq(kv_history_open(NULL, SIZE, &other), KV_BADARG);
    ck_assert_int_eq(kv_begin(db, NULL, &txn), KV_OK);
    ck_assert_int_eq(kv_history_open(txn, SIZE, &other), KV_BADARG);
    ck_assert_int_eq(kv_commit(txn), KV_OK);
    ck_assert_int_eq(kv_history_read(history, &position, NULL, notes_take, &seen), KV_BADARG);
    ck_assert_int_eq(kv_history_read(history, NULL, &buffer, notes_take, &seen), KV_BADARG);
    kv_history_close(NULL);
}
END_TEST

static void count_the_store(void *context, const kv_change *changes, size_t count)
{
    uint64_t *keys = context;
    (void)changes, (void)count;
    MUST(kv_count(db, keys) == KV_OK);
    fixture_set(db, "made while reading", "x");
}

START_TEST(a_visitor_may_call_the_store)
{
    kv_position position;
    uint64_t keys = 0;
    kv_history_newest(history, &position);
    fixture_set(db, "a", "1");
    ck_assert_int_eq(kv_history_read(history, &position, &buffer, count_the_store, &keys), KV_OK);
    ck_assert_uint_eq(keys, 1);
    ck_assert_int_eq(read_on(&position), KV_OK);
    notes_expect(&seen, "0 SET made while reading x;\n");
}
END_TEST

/* ------------------------------------------------------------------------- following a store */

struct follower {
    kv *copy;
    kv_position position;
    unsigned gaps;
};

static void replay(void *context, const kv_change *changes, size_t count)
{
    struct follower *follower = context;
    for (size_t i = 0; i < count; i++) caller_replay(follower->copy, &changes[i]);
}

/* Brings the copy up to date; after a gap it begins anew, as a copy of keys would be made. */
static bool follow(struct follower *follower)
{
    kv_status status;
    do status = kv_history_read(history, &follower->position, &buffer, replay, follower);
    while (status == KV_OK);
    follower->gaps += status == KV_GAP;
    return status == KV_NONE;
}

START_TEST(a_copy_that_follows_is_equal)
{
    struct fixture other;
    struct follower follower = {.gaps = 0};
    uint64_t seed = unit_seed();
    struct caller caller = CALLER(seed, 20);
    caller.is_careful = true;
    kv_history_close(history);
    ck_assert_int_eq(kv_history_open(db, 256 * 1024, &history), KV_OK);
    fixture_open(&other, 1);
    follower.copy = other.db;
    kv_history_newest(history, &follower.position);
    int rounds = fixture_rounds(100, 4000);
    for (int i = 0; i < rounds; i++) {
        int calls = 1 + (int)fixture_below(&seed, 60);
        for (int j = 0; j < calls; j++) (void)caller_call(&caller, db);
        ck_assert(follow(&follower));
    }
    atomic_store(&other.now_ms, atomic_load(&fx.now_ms));
    ck_assert_uint_eq(follower.gaps, 0);
    uint64_t here = fixture_digest(db);
    ck_assert(follow(&follower)); /* the digest may have found expired keys */
    ck_assert_uint_eq(fixture_digest(other.db), here);
    caller_free(&caller);
    fixture_close(&other);
}
END_TEST

/* -------------------------------------------------------------------------------------- threads */

#define WRITERS 3
#define READERS 2

static atomic_int writers_left, readers_standing;
static int rounds_of_threads;

static void *write_numbers(void *context)
{
    char key[16], value[24];
    snprintf(key, sizeof key, "k%d", (int)(intptr_t)context);
    for (int i = 0; i < rounds_of_threads; i++) {
        snprintf(value, sizeof value, "v%d", i);
        fixture_set(db, key, value);
    }
    atomic_fetch_sub(&writers_left, 1);
    return NULL;
}

/* The last number of each writer that a reader has seen; after a gap it knows nothing. */
struct seen_numbers {
    int last[WRITERS];
    uint64_t groups;
};

static void check_numbers(void *context, const kv_change *changes, size_t count)
{
    struct seen_numbers *numbers = context;
    MUST(count == 1 && changes[0].argument_count == 3);
    int writer = ((const char *)changes[0].arguments[1].data)[1] - '0';
    kv_slice value = changes[0].arguments[2];
    char digits[24];
    MUST(value.size < sizeof digits);
    memcpy(digits, value.data, value.size);
    digits[value.size] = '\0';
    int number = atoi(digits + 1);
    MUST(writer >= 0 && writer < WRITERS);
    MUST(numbers->last[writer] < 0 || number == numbers->last[writer] + 1);
    numbers->last[writer] = number;
    numbers->groups++;
}

static void *read_numbers(void *context)
{
    struct seen_numbers *numbers = context;
    kv_buffer own = {0};
    kv_position position;
    kv_history_newest(history, &position);
    atomic_fetch_add(&readers_standing, 1);
    for (;;) {
        bool is_last = atomic_load(&writers_left) == 0;
        uint64_t before = position.number;
        kv_status status = kv_history_read(history, &position, &own, check_numbers, numbers);
        MUST(position.number >= before);
        if (status == KV_GAP) memset(numbers->last, -1, sizeof numbers->last);
        if (status == KV_NONE && is_last) break;
    }
    kv_buffer_free(&own);
    return NULL;
}

START_TEST(readers_see_what_writers_wrote_in_order)
{
    pthread_t writers[WRITERS], readers[READERS];
    struct seen_numbers numbers[READERS];
    rounds_of_threads = fixture_rounds(3000, 200000);
    atomic_store(&writers_left, WRITERS);
    atomic_store(&readers_standing, 0);
    for (int i = 0; i < READERS; i++) {
        memset(&numbers[i], -1, sizeof numbers[i]);
        numbers[i].groups = 0;
        MUST(pthread_create(&readers[i], NULL, read_numbers, &numbers[i]) == 0);
    }
    while (atomic_load(&readers_standing) < READERS) sched_yield();
    for (int i = 0; i < WRITERS; i++)
        MUST(pthread_create(&writers[i], NULL, write_numbers, (void *)(intptr_t)i) == 0);
    for (int i = 0; i < WRITERS; i++) pthread_join(writers[i], NULL);
    for (int i = 0; i < READERS; i++) pthread_join(readers[i], NULL);
    kv_position end;
    kv_history_newest(history, &end);
    ck_assert_uint_eq(end.number, (uint64_t)(WRITERS * rounds_of_threads));
    for (int i = 0; i < READERS; i++) ck_assert_uint_gt(numbers[i].groups, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("history");
    TCase *tcase = tcase_create("history");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_reader_goes_on_where_it_stopped);
    tcase_add_test(tcase, a_transaction_is_one_group);
    tcase_add_test(tcase, who_comes_too_late_is_told_and_goes_on_from_the_oldest);
    tcase_add_test(tcase, a_change_larger_than_the_ring_is_a_gap);
    tcase_add_test(tcase, what_is_no_position_is_a_gap);
    tcase_add_test(tcase, what_is_no_argument_is_refused);
    tcase_add_test(tcase, a_visitor_may_call_the_store);
    tcase_add_test(tcase, a_copy_that_follows_is_equal);
    tcase_add_test(tcase, readers_see_what_writers_wrote_in_order);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
