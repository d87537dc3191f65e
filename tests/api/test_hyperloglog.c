/*
 * tests/api/test_hyperloglog.c -- estimates of how many elements were seen: what each call promises.
 */
#include "one_store.h"

#include <string.h>

static bool add(const char *key, const char *element)
{
    kv_slice elements[1] = {K(element)};
    bool changed = false;
    MUST(kv_pfadd(db, K(key), elements, 1, &changed) == KV_OK);
    return changed;
}

static void add_many(const char *key, int from, int to)
{
    for (int i = from; i < to; i++) {
        kv_slice element = kv_bytes(&i, sizeof i);
        MUST(kv_pfadd(db, K(key), &element, 1, NULL) == KV_OK);
    }
}

static uint64_t count(const char *key)
{
    kv_slice keys[1] = {K(key)};
    uint64_t cardinality = 77;
    MUST(kv_pfcount(db, keys, 1, &cardinality) == KV_OK);
    return cardinality;
}

/* Runs are shown, so it is sparse. */
static bool is_sparse(const char *key)
{
    kv_status status = kv_pfruns(db, K(key), NULL, NULL);
    MUST(status == KV_OK || status == KV_SKIPPED);
    return status == KV_OK;
}

START_TEST(what_was_seen_twice_counts_once)
{
    kv_slice abc[4] = {K("a"), K("b"), K("c"), K("a")};
    bool changed = false;
    ck_assert_uint_eq(count("k"), 0);
    ck_assert_int_eq(kv_pfadd(db, K("k"), abc, 4, &changed), KV_OK);
    ck_assert(changed);
    ck_assert_uint_eq(count("k"), 3);
    ck_assert(!add("k", "b"));
    ck_assert(add("k", "d"));
    ck_assert(add("k", ""));
    ck_assert_uint_eq(count("k"), 5);
}
END_TEST

START_TEST(nothing_added_makes_an_empty_one)
{
    bool changed = false;
    ck_assert_int_eq(kv_pfadd(db, K("k"), NULL, 0, &changed), KV_OK);
    ck_assert(changed);
    ck_assert_int_eq(kv_pfadd(db, K("k"), NULL, 0, &changed), KV_OK);
    ck_assert(!changed);
    ck_assert_uint_eq(count("k"), 0);
    ck_assert_int_eq(kv_pfadd(db, K("k"), NULL, 1, &changed), KV_BADARG);
}
END_TEST

/* The bytes that redis-server 7.0 has after PFADD k a b c. */
START_TEST(it_is_a_string_of_redis)
{
    static const char expected[] =
        "HYLL\1\0\0\0\0\0\0\0\0\0\0\200\140\363\200\120\261\204\113\373\200\102\132";
    kv_buffer value = {0};
    add("k", "a");
    add("k", "b");
    add("k", "c");
    ck_assert_int_eq(kv_get(db, K("k"), &value), KV_OK);
    ck_assert_uint_eq(value.size, sizeof expected - 1);
    ck_assert_int_eq(memcmp(value.data, expected, value.size), 0);
    ck_assert_int_eq(kv_set(db, K("copy"), kv_bytes(value.data, value.size), NULL), KV_OK);
    ck_assert_uint_eq(count("copy"), 3);
    kv_buffer_free(&value);
}
END_TEST

START_TEST(it_becomes_dense_beyond_the_setting_and_keeps_its_deadline)
{
    add_many("k", 0, 100);
    ck_assert(is_sparse("k"));
    ck_assert_int_eq(kv_expire(db, K("k"), 10000, 0), KV_OK);
    add_many("k", 100, 3000);
    ck_assert(!is_sparse("k"));
    int64_t ttl_ms = 0;
    ck_assert_int_eq(kv_ttl(db, K("k"), &ttl_ms), KV_OK);
    ck_assert_int_eq(ttl_ms, 10000);
    uint64_t size = 0;
    ck_assert_int_eq(kv_strlen(db, K("k"), &size), KV_OK);
    ck_assert_uint_eq(size, 12304);
    ck_assert_int_eq(kv_configure(db, KV_SETTING_HLL_SPARSE_SIZE, 0), KV_OK);
    ck_assert(add("small", "a"));
    ck_assert(!is_sparse("small"));
}
END_TEST

START_TEST(unions_are_counted_and_merged)
{
    kv_slice keys[4] = {K("a"), K("b"), K("none"), K("c")};
    uint64_t together = 0;
    add_many("a", 0, 1000);
    add_many("b", 500, 1500);
    add_many("c", 0, 10000);
    ck_assert_int_eq(kv_pfcount(db, keys, 3, &together), KV_OK);
    ck_assert_uint_ge(together, 1400);
    ck_assert_uint_le(together, 1600);
    ck_assert_int_eq(kv_pfmerge(db, K("sum"), keys, 3), KV_OK);
    ck_assert_uint_eq(count("sum"), together);
    ck_assert(is_sparse("sum") == is_sparse("a"));
    ck_assert_int_eq(kv_pfcount(db, keys, 4, &together), KV_OK);
    ck_assert_int_eq(kv_pfmerge(db, K("sum"), keys + 3, 1), KV_OK);
    ck_assert_uint_eq(count("sum"), together);
    ck_assert(!is_sparse("sum"));
    ck_assert_int_eq(kv_pfmerge(db, K("new"), NULL, 0), KV_OK);
    ck_assert_uint_eq(count("new"), 0);
    ck_assert_int_eq(kv_pfcount(db, NULL, 0, &together), KV_OK);
    ck_assert_uint_eq(together, 0);
}
END_TEST

START_TEST(sparse_ones_merged_in_one_go_are_what_they_were_one_by_one)
{
    uint64_t seed = unit_seed();
    kv_slice sources[2] = {K("a"), K("b")};
    for (int round = 0; round < 30; round++) {
        uint8_t merged[KV_HYPERLOGLOG_REGISTERS], added[KV_HYPERLOGLOG_REGISTERS];
        MUST(kv_flush(db, false) == KV_OK);
        for (int i = 0; i < 2; i++) {
            for (uint64_t j = fixture_below(&seed, 400); j > 0; j--) {
                uint64_t number = fixture_below(&seed, 100000);
                kv_slice element = kv_bytes(&number, sizeof number);
                MUST(kv_pfadd(db, sources[i], &element, 1, NULL) == KV_OK);
                MUST(kv_pfadd(db, K("all"), &element, 1, NULL) == KV_OK);
            }
        }
        MUST(kv_pfadd(db, K("all"), NULL, 0, NULL) == KV_OK);
        MUST(kv_pfmerge(db, K("sum"), sources, 2) == KV_OK);
        MUST(kv_pfregisters(db, K("sum"), merged) == KV_OK);
        MUST(kv_pfregisters(db, K("all"), added) == KV_OK);
        ck_assert_int_eq(memcmp(merged, added, sizeof added), 0);
    }
}
END_TEST

START_TEST(other_strings_types_and_corrupt_ones_are_refused)
{
    kv_slice keys[2] = {K("list"), K("fine")}, element = K("x");
    uint8_t registers[KV_HYPERLOGLOG_REGISTERS];
    static const struct {
        const char *key;
        kv_status status;
    } cases[] = {{"list", KV_WRONGTYPE},
                 {"text", KV_NOTHLL},
                 {"number", KV_NOTHLL},
                 {"corrupt", KV_CORRUPT}};
    fixture_push(db, "list", "a");
    fixture_set(db, "text", "HYLM and more than sixteen bytes");
    fixture_set(db, "number", "12345678901234567");
    MUST(kv_set(db, K("corrupt"), kv_bytes("HYLL\1\0\0\0\0\0\0\0\0\0\0\200\0", 17), NULL) == KV_OK);
    add("fine", "a");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kv_status status = cases[i].status;
        keys[0] = K(cases[i].key);
        uint64_t before = fixture_digest(db);
        ck_assert_int_eq(kv_pfadd(db, keys[0], &element, 1, NULL), status);
        ck_assert_int_eq(kv_pfcount(db, keys, 1, NULL), status);
        ck_assert_int_eq(kv_pfcount(db, keys, 2, NULL), status);
        ck_assert_int_eq(kv_pfmerge(db, keys[0], keys + 1, 1), status);
        ck_assert_int_eq(kv_pfmerge(db, keys[1], keys, 1), status);
        ck_assert_int_eq(kv_pfregisters(db, keys[0], registers), status);
        ck_assert_int_eq(kv_pfdense(db, keys[0]), status);
        if (status != KV_CORRUPT) ck_assert_int_eq(kv_pfruns(db, keys[0], NULL, NULL), status);
        ck_assert_uint_eq(fixture_digest(db), before);
    }
    ck_assert_int_eq(kv_pfregisters(db, K("none"), registers), KV_NONE);
    ck_assert_int_eq(kv_pfruns(db, K("none"), NULL, NULL), KV_NONE);
    ck_assert_int_eq(kv_pfdense(db, K("none")), KV_NONE);
}
END_TEST

static char shown[200];

static bool show_run(void *context, kv_run_kind kind, unsigned number, unsigned value)
{
    (void)context;
    snprintf(shown + strlen(shown), sizeof shown - strlen(shown), "%d:%u,%u ", (int)kind, number,
             value);
    return true;
}

START_TEST(one_can_be_looked_into)
{
    uint8_t registers[KV_HYPERLOGLOG_REGISTERS];
    int set = 0;
    add("k", "a");
    add("k", "b");
    ck_assert_int_eq(kv_pfregisters(db, K("k"), registers), KV_OK);
    for (int i = 0; i < KV_HYPERLOGLOG_REGISTERS; i++) set += registers[i] > 0;
    ck_assert_int_eq(set, 2);
    shown[0] = 0;
    ck_assert_int_eq(kv_pfruns(db, K("k"), show_run, NULL), KV_OK);
    ck_assert_str_eq(shown, "1:12711,0 2:1,2 1:3068,0 2:1,1 1:603,0 ");
    ck_assert_int_eq(kv_pfdense(db, K("k")), KV_OK);
    ck_assert_int_eq(kv_pfdense(db, K("k")), KV_SKIPPED);
    ck_assert_uint_eq(count("k"), 2);
}
END_TEST

static int changes;

static void count_changes(void *context, const kv_change *change, size_t change_count)
{
    (void)context, (void)change;
    changes += (int)change_count;
}

START_TEST(an_estimate_is_kept_and_that_is_a_change)
{
    kv_follower *follower;
    kv_watch *watch;
    add("k", "a");
    MUST(kv_follow(db, count_changes, NULL, &follower) == KV_OK);
    MUST(kv_watch_open(db, &watch) == KV_OK && kv_watch_add(watch, db, K("k")) == KV_OK);
    changes = 0;
    ck_assert(!add("k", "a"));
    ck_assert_int_eq(changes, 0);
    ck_assert(!kv_watch_is_dirty(watch));
    ck_assert_uint_eq(count("k"), 1);
    ck_assert_int_eq(changes, 1);
    ck_assert(kv_watch_is_dirty(watch));
    ck_assert_uint_eq(count("k"), 1);
    ck_assert_int_eq(changes, 1);
    kv_watch_close(watch);
    kv_unfollow(follower);
}
END_TEST

START_TEST(a_store_that_takes_no_writes_still_counts)
{
    kv_slice element = K("b");
    uint64_t before;
    add("k", "a");
    before = fixture_digest(db);
    MUST(kv_configure(db, KV_SETTING_ACCEPT_WRITES, 0) == KV_OK);
    ck_assert_uint_eq(count("k"), 1);
    ck_assert_uint_eq(count("none"), 0);
    ck_assert_int_eq(kv_pfadd(db, K("k"), &element, 1, NULL), KV_READONLY);
    ck_assert_int_eq(kv_pfmerge(db, K("k"), NULL, 0), KV_READONLY);
    ck_assert_uint_eq(fixture_digest(db), before);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hyperloglog");
    TCase *tcase = tcase_create("hyperloglog");
    tcase_add_checked_fixture(tcase, store_setup, store_teardown);
    const TTest *const tests[] = {
        what_was_seen_twice_counts_once,
        nothing_added_makes_an_empty_one,
        it_is_a_string_of_redis,
        it_becomes_dense_beyond_the_setting_and_keeps_its_deadline,
        unions_are_counted_and_merged,
        sparse_ones_merged_in_one_go_are_what_they_were_one_by_one,
        other_strings_types_and_corrupt_ones_are_refused,
        one_can_be_looked_into,
        an_estimate_is_kept_and_that_is_a_change,
        a_store_that_takes_no_writes_still_counts,
    };
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
