/*
 * tests/api/test_keyspace.c -- whole databases: scans and their promise, random keys, flush, swap,
 * delete by pattern.
 */
#include "one_store.h"

#include <string.h>

/* Every test runs on a store of one shard and on one of many. */
static void setup(void)
{
    store_setup_with(1);
}

static void setup_many(void)
{
    store_setup_with(32);
}

static kv_slice number_key(char name[16], int number)
{
    return kv_bytes(name, (size_t)snprintf(name, 16, "k%d", number));
}

static void add(kv *view, int number)
{
    char name[16];
    MUST(kv_set(view, number_key(name, number), KV_TEXT("v"), NULL) == KV_OK);
}

static void drop(kv *view, int number)
{
    char name[16];
    kv_slice key = number_key(name, number);
    MUST(kv_del(view, &key, 1, NULL) == KV_OK);
}

/* ----------------------------------------------------------------------------------------- scan */

#define SCANNED 20000

struct seen {
    uint8_t times[SCANNED];
    size_t visits;
    size_t stop_after;
};

static bool see(void *context, kv_slice key)
{
    struct seen *seen = context;
    char text[16] = {0};
    MUST(key.size < sizeof text);
    memcpy(text, key.data, key.size);
    seen->times[atoi(text + 1)]++;
    return ++seen->visits != seen->stop_after;
}

START_TEST(a_key_that_stays_is_seen_while_others_come_and_go)
{
    /*
     * 500 keys stay; around them the database grows and shrinks by a factor of 40 in the course of
     * a scan.
     */
    static struct seen seen;
    uint64_t seed = unit_seed();
    for (int round = 0; round < fixture_rounds(6, 300); round++) {
        memset(&seen, 0, sizeof seen);
        for (int i = 0; i < 500; i++) add(db, i);
        bool grows = round % 2 == 0;
        if (!grows) {
            for (int i = 500; i < SCANNED; i++) add(db, i);
        }
        int next = grows ? 500 : SCANNED;
        uint64_t cursor = 0;
        int steps = 0;
        do {
            ck_assert_int_eq(kv_scan(db, &cursor, 1 + fixture_below(&seed, 40), NULL, see, &seen),
                             KV_OK);
            ck_assert_uint_lt(cursor, UINT64_C(1) << 48);
            for (uint64_t i = fixture_below(&seed, 400); i > 0; i--) {
                if (grows && next < SCANNED) add(db, next++);
                else if (!grows && next > 500) drop(db, --next);
            }
            MUST(++steps < 1000000);
        } while (cursor != 0);
        for (int i = 0; i < 500; i++) {
            if (seen.times[i] == 0)
                ck_abort_msg("round %d: key %d was there all the time and not seen", round, i);
        }
        ck_assert_int_eq(kv_flush(db, false), KV_OK);
    }
}
END_TEST

START_TEST(a_scan_of_a_store_at_rest_shows_each_key_once)
{
    static struct seen seen;
    for (int i = 0; i < 3000; i++) add(db, i);
    memset(&seen, 0, sizeof seen);
    uint64_t cursor = 0;
    do {
        ck_assert_int_eq(kv_scan(db, &cursor, 100, NULL, see, &seen), KV_OK);
        ck_assert_uint_le(cursor, INT32_MAX); /* redis-cli --cluster import keeps it in an int */
    } while (cursor != 0);
    size_t missed = 0;
    for (int i = 0; i < 3000; i++) missed += seen.times[i] == 0;
    ck_assert_uint_eq(missed, 0);
    ck_assert_uint_eq(seen.visits, 3000);
}
END_TEST

START_TEST(a_scan_whose_visitor_always_has_had_enough_shows_each_key)
{
    static struct seen seen;
    for (int i = 0; i < 3000; i++) add(db, i);
    memset(&seen, 0, sizeof seen);
    uint64_t cursor = 0;
    size_t calls = 0, most = 0;
    do {
        size_t before = seen.visits;
        seen.stop_after = before + 1; /* the first of each call */
        ck_assert_int_eq(kv_scan(db, &cursor, 1000, NULL, see, &seen), KV_OK);
        if (seen.visits - before > most) most = seen.visits - before;
        calls++;
    } while (cursor != 0);
    size_t missed = 0;
    for (int i = 0; i < 3000; i++) missed += seen.times[i] == 0;
    ck_assert_uint_eq(missed, 0);
    ck_assert_uint_gt(calls, 100); /* a call ended early, and showed a few keys only */
    ck_assert_uint_lt(most, 64);
}
END_TEST

START_TEST(a_scan_step_costs_what_its_limit_says_whatever_matches)
{
    static struct seen seen;
    kv_slice none = KV_TEXT("nothing*");
    kv_scan_options options = KV_OPTIONS(kv_scan_options);
    options.match = &none;
    for (int i = 0; i < 10000; i++) add(db, i);
    uint64_t cursor = 0;
    int steps = 0;
    memset(&seen, 0, sizeof seen);
    do {
        ck_assert_int_eq(kv_scan(db, &cursor, 100, &options, see, &seen), KV_OK);
        steps++;
    } while (cursor != 0);
    ck_assert_uint_eq(seen.visits, 0);
    ck_assert_int_gt(steps, 40);
    ck_assert_int_lt(steps, 400);
    ck_assert_int_eq(kv_scan(db, &cursor, 0, NULL, see, &seen), KV_BADARG);
    ck_assert_int_eq(kv_scan(db, NULL, 1, NULL, see, &seen), KV_BADARG);
}
END_TEST

START_TEST(scans_choose_by_pattern_and_type_and_stop_when_told_to)
{
    static struct seen seen;
    kv_slice pattern = KV_TEXT("k1?");
    kv_scan_options options = KV_OPTIONS(kv_scan_options);
    uint64_t cursor = 0;
    for (int i = 0; i < 200; i++) add(db, i);
    kv_slice element = KV_TEXT("e");
    char name[16];
    for (int i = 200; i < 210; i++)
        ck_assert_int_eq(kv_rpush(db, number_key(name, i), &element, 1, NULL), KV_OK);
    memset(&seen, 0, sizeof seen);
    options.match = &pattern;
    do ck_assert_int_eq(kv_scan(db, &cursor, 50, &options, see, &seen), KV_OK);
    while (cursor != 0);
    for (int i = 0; i < 210; i++) MUST((seen.times[i] > 0) == (i >= 10 && i < 20));
    memset(&seen, 0, sizeof seen);
    options.match = NULL;
    options.type = KV_TYPE_LIST;
    do ck_assert_int_eq(kv_scan(db, &cursor, 50, &options, see, &seen), KV_OK);
    while (cursor != 0);
    for (int i = 0; i < 210; i++) MUST((seen.times[i] > 0) == (i >= 200));

    memset(&seen, 0, sizeof seen);
    seen.stop_after = 3;
    ck_assert_int_eq(kv_scan(db, &cursor, 1000, NULL, see, &seen), KV_OK);
    ck_assert_uint_ge(seen.visits, 3);
    ck_assert_uint_lt(seen.visits, 64); /* the rest of a place */
    memset(&seen, 0, sizeof seen);
    seen.stop_after = 5;
    ck_assert_int_eq(kv_keys(db, KV_TEXT("*"), see, &seen), KV_OK);
    ck_assert_uint_eq(seen.visits, 5);
}
END_TEST

START_TEST(any_cursor_is_survived)
{
    static struct seen seen;
    uint64_t seed = unit_seed();
    for (int i = 0; i < 300; i++) add(db, i);
    for (int i = 0; i < 2000; i++) {
        uint64_t cursor = fixture_random(&seed) >> fixture_below(&seed, 64);
        ck_assert_int_eq(kv_scan(db, &cursor, 10, NULL, see, &seen), KV_OK);
    }
}
END_TEST

START_TEST(keys_shows_each_match_once_and_nothing_expired)
{
    static struct seen seen;
    for (int i = 0; i < 1000; i++) add(db, i);
    char name[16];
    for (int i = 0; i < 500; i++)
        ck_assert_int_eq(kv_expire(db, number_key(name, i), 10, 0), KV_OK);
    fixture_pass(&fx, 10);
    memset(&seen, 0, sizeof seen);
    ck_assert_int_eq(kv_keys(db, KV_TEXT("k*"), see, &seen), KV_OK);
    for (int i = 0; i < 1000; i++) MUST(seen.times[i] == (i >= 500));
    uint64_t count, cursor = 0;
    memset(&seen, 0, sizeof seen);
    do ck_assert_int_eq(kv_scan(db, &cursor, 100, NULL, see, &seen), KV_OK);
    while (cursor != 0);
    for (int i = 0; i < 500; i++) MUST(seen.times[i] == 0);
    ck_assert_int_eq(kv_tick(db, 0), KV_OK);
    ck_assert_int_eq(kv_count(db, &count), KV_OK);
    ck_assert_uint_eq(count, 500);
}
END_TEST

/* ---------------------------------------------------------------------------------- random keys */

START_TEST(random_keys_are_equally_likely)
{
    enum { KEYS = 50, DRAWS = 20000 };
    static struct seen seen;
    kv_buffer key = {0};
    ck_assert_int_eq(kv_randomkey(db, &key), KV_NONE);
    for (int i = 0; i < KEYS; i++) add(db, i);
    memset(&seen, 0, sizeof seen);
    int counts[KEYS] = {0};
    for (int i = 0; i < DRAWS; i++) {
        char text[16] = {0};
        ck_assert_int_eq(kv_randomkey(db, &key), KV_OK);
        memcpy(text, key.data, key.size);
        counts[atoi(text + 1)]++;
    }
    /*
     * Chi-squared with 49 degrees of freedom: beyond 120 less often than once in ten million runs.
     */
    double chi = 0, expected = (double)DRAWS / KEYS;
    for (int i = 0; i < KEYS; i++)
        chi += (counts[i] - expected) * (counts[i] - expected) / expected;
    ck_assert_msg(chi < 120, "chi-squared is %f", chi);
    kv_buffer_free(&key);
}
END_TEST

START_TEST(a_random_key_is_alive_though_most_are_not)
{
    kv_buffer key = {0};
    for (int i = 0; i < 2000; i++) add(db, i);
    char name[16];
    for (int i = 1; i < 2000; i++)
        ck_assert_int_eq(kv_expire(db, number_key(name, i), 10, 0), KV_OK);
    fixture_pass(&fx, 10);
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(kv_randomkey(db, &key), KV_OK);
        ck_assert_uint_eq(key.size, 2);
        ck_assert_mem_eq(key.data, "k0", 2);
    }
    drop(db, 0);
    ck_assert_int_eq(kv_randomkey(db, &key), KV_NONE);
    kv_buffer_free(&key);
}
END_TEST

/* --------------------------------------------------------------- flush, swap, delete by pattern */

START_TEST(a_flush_empties_one_database_or_all)
{
    for (int later = 0; later < 2; later++) {
        uint64_t count;
        for (int i = 0; i < 3000; i++) add(kv_select(db, (uint32_t)i % 3), i);
        for (int i = 0; i < 500; i++)
            fixture_push(kv_select(db, 1), "list", "an element of some size");
        ck_assert_int_eq(kv_flush(kv_select(db, 1), later == 1), KV_OK);
        ck_assert_int_eq(kv_count(kv_select(db, 1), &count), KV_OK);
        ck_assert_uint_eq(count, 0);
        ck_assert_int_eq(kv_count(db, &count), KV_OK);
        ck_assert_uint_eq(count, 1000);
        add(kv_select(db, 1), 7); /* at once, while the old ones still wait */
        ck_assert_key(kv_select(db, 1), "k7", "'v'");
        ck_assert_int_eq(kv_flush_all(db, later == 1), KV_OK);
        ck_assert_uint_eq(fixture_digest(db), 0);
        ck_assert((kv_next_deadline(db) == 0) == (later == 1));
        ck_assert_int_eq(kv_tick(db, 0), KV_OK);
        ck_assert(kv_next_deadline(db) == KV_NEVER);
        kv_check(db);
    }
}
END_TEST

START_TEST(a_flush_gives_the_memory_back)
{
    kv_statistics empty = KV_OPTIONS(kv_statistics), after = KV_OPTIONS(kv_statistics);
    ck_assert_int_eq(kv_stats(db, &empty), KV_OK);
    for (int i = 0; i < SCANNED; i++) add(db, i);
    ck_assert_int_eq(kv_stats(db, &after), KV_OK);
    ck_assert_uint_gt(after.bytes, 20 * SCANNED);
    ck_assert_int_eq(kv_flush(db, false), KV_OK);
    (void)kv_tick(db, 0);
    ck_assert_int_eq(kv_stats(db, &after), KV_OK);
    ck_assert_uint_lt(after.bytes, empty.bytes + 200000); /* what each shard keeps for the next
                                                             keys */
}
END_TEST

START_TEST(databases_are_exchanged_with_their_deadlines)
{
    kv *other = kv_select(db, 5);
    fixture_set_for(db, "a", "zero", 100);
    fixture_set(other, "b", "five");
    ck_assert_int_eq(kv_swapdb(db, other), KV_OK);
    ck_assert_key(other, "a", "'zero'");
    ck_assert_key(db, "b", "'five'");
    ck_assert_key(db, "a", "-");
    ck_assert_int_eq(kv_swapdb(db, db), KV_OK);
    fixture_pass(&fx, 100);
    ck_assert_int_eq(kv_tick(db, 0), KV_OK);
    ck_assert_key(other, "a", "-");
    ck_assert_key(db, "b", "'five'");
    ck_assert_int_eq(kv_swapdb(db, NULL), KV_BADARG);
}
END_TEST

START_TEST(keys_are_deleted_by_pattern_in_slices)
{
    uint64_t cursor = 0, removed, total = 0, count;
    int steps = 0;
    for (int i = 0; i < 5000; i++) add(db, i);
    do {
        removed = 0;
        ck_assert_int_eq(kv_delete_matching(db, KV_TEXT("k*7"), &cursor, 100, &removed), KV_OK);
        total += removed;
        steps++;
    } while (cursor != 0);
    ck_assert_uint_eq(total, 500);
    ck_assert_int_gt(steps, 10);
    ck_assert_int_eq(kv_count(db, &count), KV_OK);
    ck_assert_uint_eq(count, 4500);
    ck_assert_key(db, "k17", "-");
    ck_assert_key(db, "k18", "'v'");
    ck_assert_int_eq(kv_delete_matching(db, KV_TEXT("*"), &cursor, 0, &removed), KV_BADARG);
    ck_assert_int_eq(kv_configure(db, KV_SETTING_ACCEPT_WRITES, 0), KV_OK);
    ck_assert_int_eq(kv_delete_matching(db, KV_TEXT("*"), &cursor, 100, &removed), KV_READONLY);
    ck_assert_int_eq(kv_flush(db, true), KV_READONLY);
    ck_assert_int_eq(kv_swapdb(db, kv_select(db, 1)), KV_READONLY);
}
END_TEST

START_TEST(the_keys_found_by_pattern_lie_in_the_stores_memory)
{
    uint64_t cursor = 0, removed = 77;
    fixture_set(db, "key", "v"); /* to remove one key needs no memory, to remember it does */
    fixture_alloc_allow(&fx.alloc, 0);
    kv_status status = kv_delete_matching(db, KV_TEXT("k*"), &cursor, 1000, &removed);
    fixture_alloc_allow(&fx.alloc, FIXTURE_UNLIMITED);
    ck_assert_int_eq(status, KV_NOMEM);
    ck_assert_uint_eq(removed, 77);
    ck_assert_key(db, "key", "'v'");
}
END_TEST

static TCase *cases(const char *name, void (*begin)(void))
{
    TCase *tcase = tcase_create(name);
    tcase_add_checked_fixture(tcase, begin, store_teardown);
    tcase_set_timeout(tcase, getenv("KVSTORE_TEST_FULL") != NULL ? 3600 : 120);
    const TTest *const tests[] = {
        a_key_that_stays_is_seen_while_others_come_and_go,
        a_scan_of_a_store_at_rest_shows_each_key_once,
        a_scan_whose_visitor_always_has_had_enough_shows_each_key,
        a_scan_step_costs_what_its_limit_says_whatever_matches,
        scans_choose_by_pattern_and_type_and_stop_when_told_to,
        any_cursor_is_survived,
        keys_shows_each_match_once_and_nothing_expired,
        random_keys_are_equally_likely,
        a_random_key_is_alive_though_most_are_not,
        a_flush_empties_one_database_or_all,
        a_flush_gives_the_memory_back,
        databases_are_exchanged_with_their_deadlines,
        keys_are_deleted_by_pattern_in_slices,
        the_keys_found_by_pattern_lie_in_the_stores_memory,
    };
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) tcase_add_test(tcase, tests[i]);
    return tcase;
}

int main(void)
{
    Suite *suite = suite_create("keyspace");
    suite_add_tcase(suite, cases("one shard", setup));
    suite_add_tcase(suite, cases("many shards", setup_many));
    return unit_run(suite);
}
