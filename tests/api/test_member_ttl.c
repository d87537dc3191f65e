/*
 * tests/api/test_member_ttl.c -- members of sets and sorted sets with deadlines, and random calls
 * against a naive model. What fields of hashes have in common with them is in test_hash.c, too.
 */
#include "notes.h"
#include "one_store.h"

#include <string.h>

/* ------------------------------------------------------------------------------- the two types */

static kv_status add_to_zset(kv *view, kv_slice key, const kv_slice *members, size_t count,
                             uint64_t *added)
{
    kv_scored scored[100];
    MUST(count <= 100);
    for (size_t i = 0; i < count; i++)
        scored[i] = (kv_scored){.member = members[i], .score = (double)(i % 7)};
    return kv_zadd(view, key, scored, count, 0, added, NULL);
}

static kv_status has_in_zset(kv *view, kv_slice key, kv_slice member)
{
    return kv_zscore(view, key, member, NULL);
}

/* The same of sets (0) and sorted sets (1): each test runs with both. */
static const struct kind {
    kv_status (*add)(kv *, kv_slice, const kv_slice *, size_t, uint64_t *);
    kv_status (*remove)(kv *, kv_slice, const kv_slice *, size_t, uint64_t *);
    kv_status (*has)(kv *, kv_slice, kv_slice);
    kv_status (*length)(kv *, kv_slice, uint64_t *);
    kv_status (*expire)(kv *, kv_slice, int64_t, unsigned, const kv_slice *, size_t,
                        kv_field_result *);
    kv_status (*expire_at)(kv *, kv_slice, int64_t, unsigned, const kv_slice *, size_t,
                           kv_field_result *);
    kv_status (*persist)(kv *, kv_slice, const kv_slice *, size_t, kv_field_result *);
    kv_status (*deadline)(kv *, kv_slice, const kv_slice *, size_t, int64_t *);
    const char *letter;
} kinds[] = {
    {kv_sadd, kv_srem, kv_sismember, kv_scard, kv_sexpire, kv_sexpire_at, kv_spersist, kv_sdeadline,
     "S"},
    {add_to_zset, kv_zrem, has_in_zset, kv_zcard, kv_zexpire, kv_zexpire_at, kv_zpersist,
     kv_zdeadline, "Z"},
};

static const kv_slice abc[] = {{"a", 1}, {"7", 1}, {"a longer member than those", 26}};

static void add(const struct kind *kind, const char *key)
{
    MUST(kind->add(db, K(key), abc, 3, NULL) == KV_OK);
}

static uint64_t length(const struct kind *kind, const char *key)
{
    uint64_t count = 0;
    MUST(kind->length(db, K(key), &count) >= KV_OK);
    return count;
}

static int there(const char *key)
{
    kv_slice name = K(key);
    uint64_t count = 0;
    MUST(kv_exists(db, &name, 1, &count) == KV_OK);
    return (int)count;
}

static int64_t deadline_of(const struct kind *kind, const char *key, kv_slice member)
{
    int64_t deadline_ms;
    MUST(kind->deadline(db, K(key), &member, 1, &deadline_ms) >= KV_OK);
    return deadline_ms;
}

/* --------------------------------------------------------------------------------------- claims */

START_TEST(a_member_goes_at_its_deadline_and_not_before)
{
    const struct kind *kind = &kinds[_i];
    kv_field_result results[3];
    add(kind, "k");
    ck_assert_int_eq(kind->expire(db, K("k"), 1000, 0, abc, 2, results), KV_OK);
    ck_assert_int_eq(results[0], KV_FIELD_DONE);
    ck_assert_int_eq(results[1], KV_FIELD_DONE);
    ck_assert_int_eq(deadline_of(kind, "k", abc[1]), kv_now(db) + 1000);
    ck_assert_int_eq(deadline_of(kind, "k", abc[2]), KV_NEVER);
    ck_assert_int_eq(deadline_of(kind, "k", K("none")), -1);
    kv_check(db);
    fixture_pass(&fx, 999);
    ck_assert_uint_eq(length(kind, "k"), 3);
    fixture_pass(&fx, 1);
    ck_assert_int_eq(kind->has(db, K("k"), abc[0]), KV_NONE);
    ck_assert_int_eq(kind->has(db, K("k"), abc[2]), KV_OK);
    ck_assert_uint_eq(length(kind, "k"), 1);
    kv_check(db);
}
END_TEST

START_TEST(a_tick_reclaims_members_and_the_key_with_the_last)
{
    const struct kind *kind = &kinds[_i];
    kv_statistics statistics = KV_OPTIONS(kv_statistics);
    add(kind, "k");
    ck_assert_int_eq(kind->expire(db, K("k"), 1000, 0, abc, 2, NULL), KV_OK);
    ck_assert_int_eq(kind->expire(db, K("k"), 2000, 0, abc + 2, 1, NULL), KV_OK);
    fixture_pass(&fx, 1000);
    ck_assert_int_eq(kv_tick(db, 0), KV_OK);
    (void)kv_stats(db, &statistics);
    ck_assert_uint_eq(statistics.expired_fields, 2);
    kv_check(db);
    fixture_pass(&fx, 1000);
    ck_assert_int_eq(there("k"), 0);
    ck_assert_int_eq(kv_tick(db, 0), KV_OK);
    (void)kv_stats(db, &statistics);
    ck_assert_uint_eq(statistics.keys, 0);
    kv_check(db);
}
END_TEST

START_TEST(conditions_and_results_are_those_of_fields)
{
    const struct kind *kind = &kinds[_i];
    kv_field_result results[3];
    kv_slice some[3] = {abc[0], K("none"), abc[0]};
    add(kind, "k");
    ck_assert_int_eq(kind->expire(db, K("k"), 1000, KV_EXPIRE_NX, some, 3, results), KV_OK);
    ck_assert_int_eq(results[0], KV_FIELD_DONE);
    ck_assert_int_eq(results[1], KV_FIELD_NONE);
    ck_assert_int_eq(results[2], KV_FIELD_SKIPPED);
    ck_assert_int_eq(kind->expire(db, K("k"), 500, KV_EXPIRE_GT, some, 1, results), KV_OK);
    ck_assert_int_eq(results[0], KV_FIELD_SKIPPED);
    ck_assert_int_eq(kind->expire(db, K("k"), 500, KV_EXPIRE_XX | KV_EXPIRE_GT, some, 1, results),
                     KV_BADARG);
    ck_assert_int_eq(kind->persist(db, K("k"), some, 2, results), KV_OK);
    ck_assert_int_eq(results[0], KV_FIELD_DONE);
    ck_assert_int_eq(kind->persist(db, K("k"), some, 2, results), KV_OK);
    ck_assert_int_eq(results[0], KV_FIELD_UNTIMED);
    ck_assert_int_eq(kind->expire_at(db, K("k"), 5, 0, some, 1, results), KV_OK);
    ck_assert_int_eq(results[0], KV_FIELD_REMOVED);
    ck_assert_uint_eq(length(kind, "k"), 2);
    ck_assert_int_eq(kind->expire(db, K("no key"), 5, 0, some, 2, results), KV_NONE);
    ck_assert_int_eq(results[1], KV_FIELD_NONE);
    fixture_set(db, "text", "x");
    ck_assert_int_eq(kind->expire(db, K("text"), 5, 0, some, 2, NULL), KV_WRONGTYPE);
    kv_check(db);
}
END_TEST

START_TEST(nothing_to_be_timed_leaves_a_small_set_as_it_is)
{
    const struct kind *kind = &kinds[_i];
    kv_slice none = K("none");
    kv_object_info info = KV_OPTIONS(kv_object_info);
    add(kind, "k");
    ck_assert_int_eq(kind->expire(db, K("k"), 1000, 0, &none, 1, NULL), KV_OK);
    ck_assert_int_eq(kind->persist(db, K("k"), abc, 3, NULL), KV_OK);
    ck_assert_int_eq(kv_object(db, K("k"), &info), KV_OK);
    ck_assert_str_eq(info.encoding, "listpack");
}
END_TEST

START_TEST(adding_a_member_again_leaves_its_deadline)
{
    const struct kind *kind = &kinds[_i];
    add(kind, "k");
    (void)kind->expire(db, K("k"), 1000, 0, abc, 3, NULL);
    kv_slice turned[3] = {abc[2], abc[1], abc[0]}; /* gives other scores */
    ck_assert_int_eq(kind->add(db, K("k"), turned, 3, NULL), KV_OK);
    for (int i = 0; i < 3; i++) ck_assert_int_eq(deadline_of(kind, "k", abc[i]), kv_now(db) + 1000);
    ck_assert_int_eq(kind->remove(db, K("k"), abc, 1, NULL), KV_OK);
    ck_assert_int_eq(kind->add(db, K("k"), abc, 1, NULL), KV_OK);
    ck_assert_int_eq(deadline_of(kind, "k", abc[0]), KV_NEVER);
    kv_check(db);
}
END_TEST

START_TEST(deadlines_go_where_their_set_goes)
{
    const struct kind *kind = &kinds[_i];
    add(kind, "k");
    (void)kind->expire(db, K("k"), 1000, 0, abc, 2, NULL);
    int64_t then_ms = kv_now(db) + 1000;
    ck_assert_int_eq(kv_copy(db, K("k"), db, K("copy"), false), KV_OK);
    ck_assert_int_eq(kv_rename(db, K("k"), K("new")), KV_OK);
    ck_assert_int_eq(deadline_of(kind, "copy", abc[0]), then_ms);
    ck_assert_int_eq(deadline_of(kind, "new", abc[1]), then_ms);
    kv_check(db);
    fixture_pass(&fx, 1000);
    ck_assert_uint_eq(length(kind, "copy"), 1);
    ck_assert_uint_eq(length(kind, "new"), 1);
    kv_check(db);
}
END_TEST

START_TEST(sets_that_are_computed_have_no_deadlines)
{
    kv_slice key = K("k");
    add(&kinds[0], "k");
    (void)kv_sexpire(db, K("k"), 1000, 0, abc, 3, NULL);
    ck_assert_int_eq(kv_sunionstore(db, K("union"), &key, 1, NULL), KV_OK);
    ck_assert_int_eq(kv_sinterstore(db, K("inter"), &key, 1, NULL), KV_OK);
    ck_assert_int_eq(kv_smove(db, K("k"), K("other"), abc[0]), KV_OK);
    ck_assert_int_eq(deadline_of(&kinds[0], "union", abc[0]), KV_NEVER);
    ck_assert_int_eq(deadline_of(&kinds[0], "inter", abc[0]), KV_NEVER);
    ck_assert_int_eq(deadline_of(&kinds[0], "other", abc[0]), KV_NEVER);
    fixture_pass(&fx, 1000);
    ck_assert_int_eq(there("k"), 0);
    ck_assert_int_eq(kv_sdiffstore(db, K("union"), &key, 1, NULL), KV_OK);
    ck_assert_int_eq(there("union"), 0);
    kv_check(db);
}
END_TEST

START_TEST(the_journal_and_events_tell)
{
    const struct kind *kind = &kinds[_i];
    struct notes notes;
    char expected[200];
    add(kind, "k");
    notes_begin(&notes, db);
    long long then_ms = (long long)kv_now(db) + 100;
    kv_slice some[3] = {abc[0], K("none"), abc[1]};
    (void)kind->expire(db, K("k"), 100, 0, some, 3, NULL);
    snprintf(expected, sizeof expected, "0 KV.%sPEXPIREAT k %lld MEMBERS 2 a 7;\n", kind->letter,
             then_ms);
    notes_expect(&notes, expected);
    (void)kind->persist(db, K("k"), some, 2, NULL);
    snprintf(expected, sizeof expected, "0 KV.%sPERSIST k MEMBERS 1 a;\n", kind->letter);
    notes_expect(&notes, expected);
    (void)kind->expire(db, K("k"), -1, 0, some, 2, NULL);
    snprintf(expected, sizeof expected, "0 %sREM k a;\n", kind->letter);
    notes_expect(&notes, expected);
    notes_end(&notes);
}
END_TEST

/* --------------------------------------------------------------------------------- naive model */

#define MODEL 60

static struct {
    bool is_there[MODEL];
    int64_t deadlines_ms[MODEL];
} model;

static kv_slice model_member(char text[32], int i)
{
    if (i % 3 == 0) return kv_bytes(text, (size_t)sprintf(text, "%d", i));
    return kv_bytes(text, (size_t)sprintf(text, "member number %d", i));
}

static void model_expire(int64_t now_ms)
{
    for (int i = 0; i < MODEL; i++)
        if (model.deadlines_ms[i] <= now_ms) model.is_there[i] = false;
}

static void model_compare(const struct kind *kind)
{
    uint64_t count = 0;
    for (int i = 0; i < MODEL; i++) {
        char text[32];
        count += model.is_there[i];
        int64_t expected_ms = model.is_there[i] ? model.deadlines_ms[i] : -1;
        MUST(deadline_of(kind, "k", model_member(text, i)) == expected_ms);
    }
    MUST(length(kind, "k") == count);
    MUST((there("k") == 1) == (count > 0));
}

static void model_step(const struct kind *kind, uint64_t *seed)
{
    char text[32];
    int i = (int)fixture_below(seed, MODEL);
    kv_slice member = model_member(text, i);
    kv_field_result result = KV_FIELD_NONE;
    int64_t ttl_ms = (int64_t)fixture_below(seed, 50) - 2;
    switch (fixture_below(seed, 8)) {
    case 0:
    case 1:
    case 2:
        MUST(kind->add(db, K("k"), &member, 1, NULL) == KV_OK);
        if (!model.is_there[i]) model.deadlines_ms[i] = KV_NEVER;
        model.is_there[i] = true;
        return;
    case 3:
        MUST(kind->remove(db, K("k"), &member, 1, NULL) >= KV_OK);
        model.is_there[i] = false;
        return;
    case 4:
        MUST(kind->persist(db, K("k"), &member, 1, &result) >= KV_OK);
        MUST((result == KV_FIELD_NONE) == !model.is_there[i]);
        model.deadlines_ms[i] = KV_NEVER;
        return;
    case 5:
        fixture_pass(&fx, (int64_t)fixture_below(seed, 8));
        model_expire(kv_now(db));
        if (fixture_below(seed, 2) == 0) MUST(kv_tick(db, 0) == KV_OK);
        return;
    default:
        MUST(kind->expire(db, K("k"), ttl_ms, 0, &member, 1, &result) >= KV_OK);
        MUST((result == KV_FIELD_NONE) == !model.is_there[i]);
        model.deadlines_ms[i] = kv_now(db) + ttl_ms;
        model_expire(kv_now(db));
    }
}

START_TEST(random_calls_match_a_model)
{
    const struct kind *kind = &kinds[_i];
    uint64_t seed = unit_seed();
    int rounds = fixture_rounds(4000, 100000);
    memset(&model, 0, sizeof model);
    for (int round = 0; round < rounds; round++) {
        model_step(kind, &seed);
        if (round % 20 != 0) continue;
        model_compare(kind);
        kv_check(db);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("member_ttl");
    TCase *tcase = tcase_create("member_ttl");
    tcase_add_checked_fixture(tcase, store_setup, store_teardown);
    const TTest *const both[] = {
        a_member_goes_at_its_deadline_and_not_before,
        a_tick_reclaims_members_and_the_key_with_the_last,
        conditions_and_results_are_those_of_fields,
        nothing_to_be_timed_leaves_a_small_set_as_it_is,
        adding_a_member_again_leaves_its_deadline,
        deadlines_go_where_their_set_goes,
        the_journal_and_events_tell,
        random_calls_match_a_model,
    };
    for (size_t i = 0; i < sizeof both / sizeof *both; i++)
        tcase_add_loop_test(tcase, both[i], 0, 2);
    tcase_add_test(tcase, sets_that_are_computed_have_no_deadlines);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
