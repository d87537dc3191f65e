/*
 * tests/api/test_zset.c -- sorted sets: what each call promises, small and large.
 */
#include "notes.h"
#include "one_store.h"
#include "visited.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

/* Each test runs twice: with sets that are small, and that are large from the first member on. */
static void setup_form(bool is_large)
{
    store_setup();
    if (is_large) MUST(kv_configure(db, KV_SETTING_SORTED_SET_PACK_COUNT, 0) == KV_OK);
}

static void setup_small(void)
{
    setup_form(false);
}

static void setup_large(void)
{
    setup_form(true);
}

/* Adds one member. */
static kv_status add(const char *key, const char *member, double score)
{
    kv_scored one = {K(member), score};
    return kv_zadd(db, K(key), &one, 1, 0, NULL, NULL);
}

/* Adds "a" with 1, "b" with 2... */
static void add_letters(const char *key, const char *letters)
{
    for (const char *at = letters; *at != 0; at++) {
        char member[2] = {*at, 0};
        MUST(add(key, member, *at - 'a' + 1) == KV_OK);
    }
}

static bool note(void *context, kv_slice member, double score)
{
    (void)context;
    visited_add_item(visited_gap(), member);
    visited_add(" %g", score);
    return true;
}

START_TEST(members_are_added_updated_and_kept_in_order)
{
    uint64_t added = 0, updated = 0;
    kv_scored abc[4] = {{K("b"), 2}, {K("a"), 2}, {K("c"), -1.5}, {K("b"), 3}};
    ck_assert_int_eq(kv_zadd(db, K("z"), abc, 4, 0, &added, &updated), KV_OK);
    ck_assert_uint_eq(added, 3);
    ck_assert_uint_eq(updated, 1);
    ck_assert_key(db, "z", "[c:-1.5 a:2 b:3]");
    ck_assert_int_eq(kv_zadd(db, K("z"), abc + 1, 2, 0, &added, &updated), KV_OK);
    ck_assert_uint_eq(added + updated, 0);
    abc[0].score = (double)NAN;
    ck_assert_int_eq(kv_zadd(db, K("z"), abc, 1, 0, NULL, NULL), KV_BADARG);
    ck_assert_int_eq(kv_zadd(db, K("z"), abc, 0, 0, NULL, NULL), KV_BADARG);
    ck_assert_int_eq(kv_zadd(db, K("z"), NULL, 1, 0, NULL, NULL), KV_BADARG);
    ck_assert_int_eq(kv_zadd(db, K("z"), abc + 1, 1, KV_ZADD_NX | KV_ZADD_XX, NULL, NULL),
                     KV_BADARG);
    ck_assert_int_eq(kv_zadd(db, K("z"), abc + 1, 1, KV_ZADD_GT | KV_ZADD_LT, NULL, NULL),
                     KV_BADARG);
    ck_assert_int_eq(kv_zadd(db, K("z"), abc + 1, 1, 16, NULL, NULL), KV_BADARG);
    fixture_set(db, "text", "x");
    ck_assert_int_eq(add("text", "a", 1), KV_WRONGTYPE);
}
END_TEST

START_TEST(conditions_decide_member_by_member)
{
    uint64_t added, updated;
    kv_scored abz[3] = {{K("a"), 0}, {K("b"), 5}, {K("z"), 9}};
    add_letters("z", "abc");
    ck_assert_int_eq(kv_zadd(db, K("z"), abz, 3, KV_ZADD_GT, &added, &updated), KV_OK);
    ck_assert_uint_eq(added, 1);
    ck_assert_uint_eq(updated, 1);
    ck_assert_key(db, "z", "[a:1 c:3 b:5 z:9]");
    abz[2].member = K("y");
    ck_assert_int_eq(kv_zadd(db, K("z"), abz, 3, KV_ZADD_LT | KV_ZADD_XX, &added, &updated), KV_OK);
    ck_assert_uint_eq(added, 0);
    ck_assert_uint_eq(updated, 1);
    ck_assert_int_eq(kv_zadd(db, K("z"), abz, 3, KV_ZADD_NX, &added, &updated), KV_OK);
    ck_assert_key(db, "z", "[a:0 c:3 b:5 y:9 z:9]");
    ck_assert_int_eq(kv_zadd(db, K("none"), abz, 3, KV_ZADD_XX, &added, &updated), KV_OK);
    ck_assert_key(db, "none", "-");
}
END_TEST

START_TEST(scores_are_increased)
{
    double score = 0;
    ck_assert_int_eq(kv_zincrby(db, K("z"), K("a"), 1.5, 0, &score), KV_OK);
    ck_assert_int_eq(kv_zincrby(db, K("z"), K("a"), -4, 0, &score), KV_OK);
    ck_assert(score == -2.5);
    ck_assert_int_eq(kv_zincrby(db, K("z"), K("a"), 1, KV_ZADD_NX, &score), KV_SKIPPED);
    ck_assert_int_eq(kv_zincrby(db, K("z"), K("b"), 1, KV_ZADD_XX, &score), KV_SKIPPED);
    ck_assert_int_eq(kv_zincrby(db, K("z"), K("a"), 1, KV_ZADD_LT, &score), KV_SKIPPED);
    ck_assert(score == -2.5);
    ck_assert_int_eq(kv_zincrby(db, K("z"), K("a"), INFINITY, KV_ZADD_GT, &score), KV_OK);
    ck_assert_int_eq(kv_zincrby(db, K("z"), K("a"), -INFINITY, 0, &score), KV_NOTFINITE);
    ck_assert_int_eq(kv_zincrby(db, K("z"), K("a"), (double)NAN, 0, &score), KV_BADARG);
    ck_assert_key(db, "z", "[a:inf]");
}
END_TEST

START_TEST(members_are_found_by_name_and_rank)
{
    uint64_t number = 0;
    double score = 0, scores[3];
    kv_slice members[3] = {K("c"), K("none"), K("a")};
    add_letters("z", "abcde");
    ck_assert_int_eq(kv_zcard(db, K("z"), &number), KV_OK);
    ck_assert_uint_eq(number, 5);
    ck_assert_int_eq(kv_zcard(db, K("none"), &number), KV_NONE);
    ck_assert_uint_eq(number, 0);
    ck_assert_int_eq(kv_zscore(db, K("z"), K("d"), &score), KV_OK);
    ck_assert(score == 4);
    ck_assert_int_eq(kv_zscore(db, K("z"), K("x"), &score), KV_NONE);
    ck_assert_int_eq(kv_zscore(db, K("none"), K("x"), &score), KV_NONE);
    ck_assert_int_eq(kv_zmscore(db, K("z"), members, 3, scores), KV_OK);
    ck_assert(scores[0] == 3 && isnan(scores[1]) && scores[2] == 1);
    ck_assert_int_eq(kv_zmscore(db, K("none"), members, 1, scores), KV_OK);
    ck_assert(isnan(scores[0]));
    ck_assert_int_eq(kv_zrank(db, K("z"), K("d"), KV_HEAD, &number, &score), KV_OK);
    ck_assert_uint_eq(number, 3);
    ck_assert_int_eq(kv_zrank(db, K("z"), K("d"), KV_TAIL, &number, NULL), KV_OK);
    ck_assert_uint_eq(number, 1);
    ck_assert_int_eq(kv_zrank(db, K("z"), K("x"), KV_HEAD, &number, NULL), KV_NONE);
}
END_TEST

static kv_zrange_options range_of(kv_zrange_by by, kv_bound low, double minimum, kv_bound high,
                                  double maximum)
{
    kv_zrange_options range = KV_OPTIONS(kv_zrange_options);
    range.by = by;
    range.minimum = (kv_zbound){low, minimum, K("")};
    range.maximum = (kv_zbound){high, maximum, K("")};
    return range;
}

START_TEST(ranges_are_announced_and_lent)
{
    uint64_t count = 0;
    kv_zrange_options range = KV_OPTIONS(kv_zrange_options);
    add_letters("z", "abcdef");
    range.start = 1;
    range.stop = -3;
    ck_assert_int_eq(kv_zrange(db, K("z"), &range, visited_add_count, note, NULL), KV_OK);
    ck_assert_visited("3: b 2 c 3 d 4");
    range.reverse = true;
    ck_assert_int_eq(kv_zrange(db, K("z"), &range, visited_add_count, note, NULL), KV_OK);
    ck_assert_visited("3: e 5 d 4 c 3");
    ck_assert_int_eq(kv_zrange(db, K("none"), &range, visited_add_count, note, NULL), KV_OK);
    ck_assert_visited("0:");

    range = range_of(KV_BY_SCORE, KV_BOUND_EXCLUDED, 2, KV_BOUND_INCLUDED, 5);
    ck_assert_int_eq(kv_zrange(db, K("z"), &range, visited_add_count, note, NULL), KV_OK);
    ck_assert_visited("3: c 3 d 4 e 5");
    ck_assert_int_eq(kv_zcount(db, K("z"), &range, &count), KV_OK);
    ck_assert_uint_eq(count, 3);
    range.reverse = range.limited = true;
    range.offset = 1;
    range.count = 1;
    ck_assert_int_eq(kv_zrange(db, K("z"), &range, visited_add_count, note, NULL), KV_OK);
    ck_assert_visited("1: d 4");
    range = range_of(KV_BY_SCORE, KV_BOUND_LOWEST, 0, KV_BOUND_EXCLUDED, 3);
    ck_assert_int_eq(kv_zrange(db, K("z"), &range, visited_add_count, note, NULL), KV_OK);
    ck_assert_visited("2: a 1 b 2");
    range = range_of(KV_BY_SCORE, KV_BOUND_HIGHEST, 0, KV_BOUND_LOWEST, 3);
    ck_assert_int_eq(kv_zcount(db, K("z"), &range, &count), KV_OK);
    ck_assert_uint_eq(count, 0);
    range.minimum.score = (double)NAN;
    ck_assert_int_eq(kv_zrange(db, K("z"), &range, visited_add_count, note, NULL), KV_BADARG);
    ck_assert_int_eq(kv_zrange(db, K("z"), NULL, visited_add_count, note, NULL), KV_BADARG);
}
END_TEST

START_TEST(members_of_one_score_are_found_by_name)
{
    uint64_t count = 0;
    static const char *const names[] = {"b", "aa", "", "ab", "a", "\xff", "c"};
    for (size_t i = 0; i < 7; i++) MUST(add("z", names[i], 0) == KV_OK);
    kv_zrange_options range = range_of(KV_BY_NAME, KV_BOUND_INCLUDED, 0, KV_BOUND_EXCLUDED, 0);
    range.minimum.name = K("a");
    range.maximum.name = K("b");
    ck_assert_int_eq(kv_zrange(db, K("z"), &range, visited_add_count, note, NULL), KV_OK);
    ck_assert_visited("3: a 0 aa 0 ab 0");
    range.minimum.bound = KV_BOUND_EXCLUDED;
    range.maximum.bound = KV_BOUND_HIGHEST;
    ck_assert_int_eq(kv_zcount(db, K("z"), &range, &count), KV_OK);
    ck_assert_uint_eq(count, 5);
    range.maximum.bound = KV_BOUND_INCLUDED;
    ck_assert_int_eq(kv_zremrange(db, K("z"), &range, &count), KV_OK);
    ck_assert_uint_eq(count, 3);
    ck_assert_key(db, "z", "[:0 a:0 c:0 \xff:0]");
}
END_TEST

START_TEST(the_last_member_takes_the_key)
{
    uint64_t number = 0;
    kv_slice members[3] = {K("a"), K("none"), K("c")};
    kv_zrange_options range = KV_OPTIONS(kv_zrange_options);
    add_letters("z", "abc");
    ck_assert_int_eq(kv_zrem(db, K("z"), members, 3, &number), KV_OK);
    ck_assert_uint_eq(number, 2);
    ck_assert_int_eq(kv_zrem(db, K("z"), members, 1, &number), KV_OK);
    ck_assert_uint_eq(number, 0);
    members[0] = K("b");
    ck_assert_int_eq(kv_zrem(db, K("z"), members, 1, &number), KV_OK);
    ck_assert_key(db, "z", "-");
    ck_assert_int_eq(kv_zrem(db, K("z"), members, 1, &number), KV_NONE);

    add_letters("z", "abc");
    range.stop = -1;
    ck_assert_int_eq(kv_zremrange(db, K("z"), &range, &number), KV_OK);
    ck_assert_uint_eq(number, 3);
    ck_assert_key(db, "z", "-");
    range.reverse = true;
    ck_assert_int_eq(kv_zremrange(db, K("z"), &range, &number), KV_BADARG);

    add_letters("z", "abcd");
    ck_assert_int_eq(kv_zpop(db, K("z"), KV_TAIL, 2, note, NULL, &number), KV_OK);
    ck_assert_visited("d 4 c 3");
    ck_assert_int_eq(kv_zpop(db, K("z"), KV_HEAD, 9, note, NULL, &number), KV_OK);
    ck_assert_visited("a 1 b 2");
    ck_assert_uint_eq(number, 2);
    ck_assert_int_eq(kv_zpop(db, K("z"), KV_HEAD, 9, note, NULL, &number), KV_NONE);
}
END_TEST

START_TEST(the_first_set_that_has_any_is_popped)
{
    kv_slice keys[3] = {K("x"), K("y"), K("z")};
    size_t index = 9;
    add_letters("y", "ab");
    add_letters("z", "c");
    ck_assert_int_eq(kv_zmpop(db, keys, 3, KV_TAIL, 5, &index, note, NULL), KV_OK);
    ck_assert_uint_eq(index, 1);
    ck_assert_visited("b 2 a 1");
    ck_assert_int_eq(kv_bzmpop(db, keys, 3, KV_TAIL, 5, 1, &index, note, NULL), KV_OK);
    ck_assert_uint_eq(index, 2);
    ck_assert_visited("c 3");
    ck_assert_int_eq(kv_zmpop(db, keys, 3, KV_TAIL, 5, &index, note, NULL), KV_NONE);
    ck_assert_int_eq(kv_bzmpop(db, keys, 3, KV_TAIL, 5, 1, &index, note, NULL), KV_TIMEOUT);
    fixture_set(db, "y", "text");
    ck_assert_int_eq(kv_zmpop(db, keys, 3, KV_TAIL, 5, &index, note, NULL), KV_WRONGTYPE);
}
END_TEST

static void *wait_for_two(void *context)
{
    kv_slice keys[2] = {K("none"), K("z")};
    size_t *index = context;
    MUST(kv_bzmpop(db, keys, 2, KV_TAIL, 2, 0, index, note, NULL) == KV_OK);
    return NULL;
}

START_TEST(a_thread_sleeps_until_there_is_a_member)
{
    pthread_t thread;
    size_t index = 9;
    MUST(pthread_create(&thread, NULL, wait_for_two, &index) == 0);
    kv_statistics statistics = KV_OPTIONS(kv_statistics);
    do MUST(kv_stats(db, &statistics) == KV_OK);
    while (statistics.waiters == 0);
    kv_scored three[3] = {{K("a"), 1}, {K("b"), 2}, {K("a longer one"), 3}};
    ck_assert_int_eq(kv_zadd(db, K("z"), three, 3, 0, NULL, NULL), KV_OK);
    MUST(pthread_join(thread, NULL) == 0);
    ck_assert_uint_eq(index, 1);
    ck_assert_visited("a longer one 3 b 2");
    ck_assert_key(db, "z", "[a:1]");
}
END_TEST

START_TEST(a_range_becomes_a_set_of_its_own)
{
    uint64_t stored = 9;
    kv_zrange_options range = range_of(KV_BY_SCORE, KV_BOUND_INCLUDED, 2, KV_BOUND_HIGHEST, 0);
    add_letters("z", "abcd");
    fixture_push(db, "to", "a list");
    range.limited = true;
    range.count = 2;
    ck_assert_int_eq(kv_zrangestore(db, K("to"), K("z"), &range, &stored), KV_OK);
    ck_assert_uint_eq(stored, 2);
    ck_assert_key(db, "to", "[b:2 c:3]");
    ck_assert_int_eq(kv_zrangestore(db, K("z"), K("z"), &range, &stored), KV_OK);
    ck_assert_key(db, "z", "[b:2 c:3]");
    ck_assert_int_eq(kv_zrangestore(db, K("z"), K("none"), &range, &stored), KV_OK);
    ck_assert_uint_eq(stored, 0);
    ck_assert_key(db, "z", "-");
    fixture_set(db, "text", "x");
    ck_assert_int_eq(kv_zrangestore(db, K("to"), K("text"), &range, &stored), KV_WRONGTYPE);
    ck_assert_key(db, "to", "[b:2 c:3]");
}
END_TEST

START_TEST(sets_are_combined)
{
    kv_slice keys[3] = {K("x"), K("y"), K("none")};
    double weights[3] = {1, 10, 1};
    uint64_t number = 0;
    kv_zcombine_options sets = KV_OPTIONS(kv_zcombine_options);
    add_letters("x", "abc");
    add_letters("y", "bcd");
    sets.keys = keys;
    sets.key_count = 3;
    ck_assert_int_eq(kv_zunion(db, &sets, visited_add_count, note, NULL), KV_OK);
    ck_assert_visited("4: a 1 b 4 d 4 c 6");
    ck_assert_int_eq(kv_zdiff(db, &sets, visited_add_count, note, NULL), KV_OK);
    ck_assert_visited("1: a 1");
    ck_assert_int_eq(kv_zinter(db, &sets, visited_add_count, note, NULL), KV_OK);
    ck_assert_visited("0:");
    sets.key_count = 2;
    sets.weights = weights;
    sets.aggregate = KV_MAX;
    ck_assert_int_eq(kv_zinter(db, &sets, visited_add_count, note, NULL), KV_OK);
    ck_assert_visited("2: b 20 c 30");
    ck_assert_int_eq(kv_zintercard(db, keys, 2, 0, &number), KV_OK);
    ck_assert_uint_eq(number, 2);
    ck_assert_int_eq(kv_zintercard(db, keys, 2, 1, &number), KV_OK);
    ck_assert_uint_eq(number, 1);
    sets.aggregate = KV_MIN;
    ck_assert_int_eq(kv_zunionstore(db, K("x"), &sets, &number), KV_OK);
    ck_assert_uint_eq(number, 4);
    ck_assert_key(db, "x", "[a:1 b:2 c:3 d:40]");
    ck_assert_int_eq(kv_zdiffstore(db, K("z"), &sets, &number), KV_OK);
    ck_assert_key(db, "z", "[a:1]");
    keys[1] = K("none");
    ck_assert_int_eq(kv_zinterstore(db, K("z"), &sets, &number), KV_OK);
    ck_assert_uint_eq(number, 0);
    ck_assert_key(db, "z", "-");
    weights[0] = (double)NAN;
    ck_assert_int_eq(kv_zunion(db, &sets, visited_add_count, note, NULL), KV_BADARG);
    sets.weights = NULL;
    fixture_push(db, "none", "no set");
    ck_assert_int_eq(kv_zunionstore(db, K("x"), &sets, &number), KV_WRONGTYPE);
    sets.key_count = 0;
    ck_assert_int_eq(kv_zunionstore(db, K("x"), &sets, &number), KV_BADARG);
}
END_TEST

/* Members and scores, the signs of zeros included. */
static void assert_members(const char *key, const char *text)
{
    kv_zrange_options all = KV_OPTIONS(kv_zrange_options);
    all.stop = -1;
    MUST(kv_zrange(db, K(key), &all, NULL, note, NULL) == KV_OK);
    ck_assert_visited(text);
}

/* As in Redis: a small set has 0 for it, so it is lost until a set is large. */
START_TEST(only_a_large_set_has_minus_0)
{
    uint64_t number;
    kv_scored four[] = {{K("a"), -0.0}, {K("b"), 1}, {K("c"), 2}, {K("d"), -0.0}};
    kv_scored others[] = {{K("d"), 0}, {K("a"), 5}, {K("e"), 6}, {K("f"), 7}};
    kv_zcombine_options sets = KV_OPTIONS(kv_zcombine_options);
    kv_zrange_options all = range_of(KV_BY_SCORE, KV_BOUND_LOWEST, 0, KV_BOUND_HIGHEST, 0);
    kv_slice keys[2] = {K("z"), K("none")};
    double weights[2] = {-1, 1};
    sets.keys = keys;
    sets.key_count = 2;
    MUST(kv_configure(db, KV_SETTING_SORTED_SET_PACK_COUNT, 3) == KV_OK);
    MUST(kv_zadd(db, K("small"), four, 3, 0, NULL, NULL) == KV_OK);
    assert_members("small", "a 0 b 1 c 2");
    MUST(kv_zadd(db, K("z"), four, 4, 0, NULL, NULL) == KV_OK); /* the fourth makes it large */
    assert_members("z", "a 0 d -0 b 1 c 2");
    MUST(kv_zunionstore(db, K("union"), &sets, &number) == KV_OK);
    assert_members("union", "a 0 d -0 b 1 c 2");
    sets.weights = weights;
    MUST(kv_zunionstore(db, K("union"), &sets, &number) == KV_OK);
    assert_members("union", "c -2 b -1 a -0 d 0");
    MUST(kv_zrangestore(db, K("range"), K("z"), &all, &number) == KV_OK);
    assert_members("range", "a 0 d -0 b 1 c 2");

    /* What has become small stays large; a result is what it is when it is complete. */
    MUST(kv_zrem(db, K("z"), (kv_slice[]){K("b")}, 1, &number) == KV_OK);
    assert_members("z", "a 0 d -0 c 2");
    sets.weights = NULL;
    ck_assert_int_eq(kv_zdiff(db, &sets, visited_add_count, note, NULL), KV_OK);
    ck_assert_visited("3: a 0 d -0 c 2");
    MUST(kv_zdiffstore(db, K("diff"), &sets, &number) == KV_OK);
    assert_members("diff", "a 0 d 0 c 2");
    MUST(kv_zrangestore(db, K("range"), K("z"), &all, &number) == KV_OK);
    assert_members("range", "a 0 d 0 c 2");

    /* Of two zeros the sum, or the first. */
    keys[1] = K("y");
    MUST(kv_zadd(db, K("y"), others, 4, 0, NULL, NULL) == KV_OK);
    ck_assert_int_eq(kv_zunion(db, &sets, visited_add_count, note, NULL), KV_OK);
    ck_assert_visited("5: d 0 c 2 a 5 e 6 f 7");
    sets.aggregate = KV_MIN;
    ck_assert_int_eq(kv_zunion(db, &sets, visited_add_count, note, NULL), KV_OK);
    ck_assert_visited("5: a 0 d -0 c 2 e 6 f 7");
}
END_TEST

/* A set is read from a file as a whole: what it has when it is complete decides. */
START_TEST(minus_0_is_kept_by_a_dump_of_a_large_set)
{
    kv_buffer payload = {0};
    uint64_t number;
    char long_name[101];
    memset(long_name, 'y', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = 0;
    kv_scored members[] = {{K(long_name), -1}, {K("a"), -0.0}, {K("b"), 0}};
    MUST(kv_configure(db, KV_SETTING_SORTED_SET_PACK_COUNT, 3) == KV_OK);
    MUST(kv_zadd(db, K("z"), members, 3, 0, NULL, NULL) == KV_OK);
    MUST(kv_zadd(db, K("z"), (kv_scored[]){{K(long_name), 9}}, 1, 0, NULL, NULL) == KV_OK);
    MUST(kv_dump(db, K("z"), &payload) == KV_OK);
    MUST(kv_restore(db, K("to"), kv_bytes(payload.data, payload.size), NULL) == KV_OK);
    ck_assert_int_eq(kv_zrem(db, K("to"), &members[0].member, 1, &number), KV_OK);
    assert_members("to", "a -0 b 0");
    payload.size = 0;
    MUST(kv_dump(db, K("to"), &payload) == KV_OK);
    MUST(kv_restore(db, K("again"), kv_bytes(payload.data, payload.size), NULL) == KV_OK);
    assert_members("again", "a 0 b 0");
    kv_buffer_free(&payload);
}
END_TEST

START_TEST(scores_that_would_be_nan_are_0)
{
    kv_slice keys[2] = {K("x"), K("y")};
    double weights[2] = {0, 1};
    kv_zcombine_options sets = KV_OPTIONS(kv_zcombine_options);
    add("x", "a", INFINITY);
    add("y", "a", -INFINITY);
    sets.keys = keys;
    sets.key_count = 2;
    ck_assert_int_eq(kv_zunion(db, &sets, NULL, note, NULL), KV_OK);
    ck_assert_visited("a 0");
    sets.weights = weights;
    ck_assert_int_eq(kv_zinter(db, &sets, NULL, note, NULL), KV_OK);
    ck_assert_visited("a -inf");
}
END_TEST

static bool count_visits(void *context, kv_slice member, double score)
{
    (void)member, (void)score;
    ++*(int *)context;
    return false; /* which is ignored */
}

START_TEST(members_are_drawn_and_scanned)
{
    int visits = 0;
    uint64_t cursor = 0;
    for (int i = 0; i < 100; i++) {
        char member[8];
        snprintf(member, sizeof member, "m%d", i);
        add("z", member, i);
    }
    ck_assert_int_eq(kv_zrandmember(db, K("z"), 10, visited_add_count, count_visits, &visits),
                     KV_OK);
    ck_assert_visited("10:");
    ck_assert_int_eq(kv_zrandmember(db, K("z"), -300, visited_add_count, count_visits, &visits),
                     KV_OK);
    ck_assert_visited("300:");
    ck_assert_int_eq(kv_zrandmember(db, K("z"), 0, visited_add_count, count_visits, &visits),
                     KV_OK);
    ck_assert_visited("0:");
    ck_assert_int_eq(kv_zrandmember(db, K("none"), 5, visited_add_count, count_visits, &visits),
                     KV_NONE);
    ck_assert_visited("");
    ck_assert_int_eq(kv_zrandmember(db, K("z"), INT64_MIN, NULL, count_visits, &visits), KV_BADARG);
    visits = 0;
    do MUST(kv_zscan(db, K("z"), &cursor, 5, count_visits, &visits) == KV_OK);
    while (cursor != 0);
    ck_assert_int_ge(visits, 100);
    cursor = 5;
    ck_assert_int_eq(kv_zscan(db, K("none"), &cursor, 5, count_visits, &visits), KV_NONE);
    ck_assert_uint_eq(cursor, 0);
}
END_TEST

START_TEST(the_journal_tells_what_changed)
{
    struct notes notes;
    kv_scored three[3] = {{K("a"), 1}, {K("b"), 2.5}, {K("c"), 3}};
    kv_slice members[2] = {K("none"), K("a")};
    kv_slice keys[2] = {K("z"), K("none")};
    kv_zcombine_options sets = KV_OPTIONS(kv_zcombine_options);
    double weights[2] = {0.5, 1};
    notes_begin(&notes, db);
    kv_zadd(db, K("z"), three, 2, 0, NULL, NULL);
    notes_expect(&notes, "0 ZADD z 1 a 2.5 b;\n");
    kv_zadd(db, K("z"), three, 3, 0, NULL, NULL);
    notes_expect(&notes, "0 ZADD z 3 c;\n");
    kv_zadd(db, K("z"), three, 3, 0, NULL, NULL);
    kv_zincrby(db, K("z"), K("c"), 0, 0, NULL);
    notes_expect(&notes, "");
    kv_zincrby(db, K("z"), K("c"), 0.25, 0, NULL);
    kv_zrem(db, K("z"), members, 2, NULL);
    notes_expect(&notes, "0 ZINCRBY z 0.25 c;\n0 ZREM z a;\n");
    sets.keys = keys;
    sets.key_count = 2;
    sets.weights = weights;
    sets.aggregate = KV_MIN;
    kv_zunionstore(db, K("to"), &sets, NULL);
    kv_zinterstore(db, K("to"), &sets, NULL);
    kv_zinterstore(db, K("to"), &sets, NULL);
    notes_expect(&notes, "0 ZUNIONSTORE to 2 z none WEIGHTS 0.5 1 AGGREGATE MIN;\n0 DEL to;\n");
    kv_zrange_options range = range_of(KV_BY_SCORE, KV_BOUND_EXCLUDED, 1, KV_BOUND_HIGHEST, 0);
    range.reverse = range.limited = true;
    range.count = 1;
    kv_zrangestore(db, K("to"), K("z"), &range, NULL);
    notes_expect(&notes, "0 ZRANGESTORE to z +inf (1 BYSCORE REV LIMIT 0 1;\n");
    range = range_of(KV_BY_NAME, KV_BOUND_LOWEST, 0, KV_BOUND_EXCLUDED, 0);
    range.maximum.name = K("c");
    kv_zremrange(db, K("to"), &range, NULL);
    kv_zremrange(db, K("z"), &range, NULL);
    notes_expect(&notes, "0 ZREMRANGEBYLEX z - (c;\n");
    kv_zmpop(db, keys, 2, KV_TAIL, 5, NULL, note, NULL);
    visited[0] = 0;
    notes_expect(&notes, "0 ZPOPMAX z;\n");
    notes_end(&notes);
}
END_TEST

START_TEST(an_aborted_transaction_leaves_the_set_as_it_was)
{
    kv *txn;
    kv_txn_options options = KV_OPTIONS(kv_txn_options);
    kv_scored scored[2] = {{K("a"), 9}, {K("x"), 5}};
    options.flags = KV_TXN_ALL | KV_TXN_ABORTABLE;
    add_letters("z", "abc");
    ck_assert_int_eq(kv_begin(db, &options, &txn), KV_OK);
    ck_assert_int_eq(kv_zadd(txn, K("z"), scored, 2, 0, NULL, NULL), KV_OK);
    ck_assert_int_eq(kv_zpop(txn, K("z"), KV_HEAD, 1, note, NULL, NULL), KV_OK);
    ck_assert_visited("b 2");
    ck_assert_int_eq(kv_abort(txn), KV_OK);
    ck_assert_key(db, "z", "[a:1 b:2 c:3]");
}
END_TEST

START_TEST(a_set_is_copied_renamed_moved_and_described)
{
    kv_object_info info = KV_OPTIONS(kv_object_info);
    int64_t limit = 0;
    MUST(kv_configuration(db, KV_SETTING_SORTED_SET_PACK_COUNT, &limit) == KV_OK);
    add_letters("z", "abc");
    ck_assert_int_eq(kv_copy(db, K("z"), NULL, K("y"), false), KV_OK);
    ck_assert_int_eq(kv_rename(db, K("z"), K("x")), KV_OK);
    ck_assert_int_eq(kv_move(db, K("y"), kv_select(db, 3)), KV_OK);
    ck_assert_key(kv_select(db, 3), "y", "[a:1 b:2 c:3]");
    ck_assert_key(db, "x", "[a:1 b:2 c:3]");
    ck_assert_int_eq(kv_object(db, K("x"), &info), KV_OK);
    ck_assert_int_eq(info.type, KV_TYPE_SORTED_SET);
    ck_assert_str_eq(info.encoding, limit == 0 ? "skiplist" : "listpack");
    ck_assert_uint_eq(info.length, 3);
    ck_assert_uint_gt(info.bytes, 40);
    uint64_t removed = 0;
    kv_slice key = K("x");
    ck_assert_int_eq(kv_unlink(db, &key, 1, &removed), KV_OK);
    ck_assert_uint_eq(removed, 1);
}
END_TEST

START_TEST(a_changed_set_is_a_changed_key)
{
    kv_watch *watch;
    uint64_t before = 0, after = 0;
    add_letters("z", "ab");
    MUST(kv_version_of(db, K("z"), &before) == KV_OK);
    MUST(kv_watch_open(db, &watch) == KV_OK && kv_watch_add(watch, db, K("z")) == KV_OK);
    add("z", "a", 1);
    MUST(kv_version_of(db, K("z"), &after) == KV_OK);
    ck_assert_uint_eq(before, after);
    ck_assert(!kv_watch_is_dirty(watch));
    add("z", "a", 2);
    MUST(kv_version_of(db, K("z"), &after) == KV_OK);
    ck_assert_uint_ne(before, after);
    ck_assert(kv_watch_is_dirty(watch));
    kv_watch_close(watch);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        members_are_added_updated_and_kept_in_order,
        conditions_decide_member_by_member,
        scores_are_increased,
        members_are_found_by_name_and_rank,
        ranges_are_announced_and_lent,
        members_of_one_score_are_found_by_name,
        the_last_member_takes_the_key,
        the_first_set_that_has_any_is_popped,
        a_thread_sleeps_until_there_is_a_member,
        a_range_becomes_a_set_of_its_own,
        sets_are_combined,
        only_a_large_set_has_minus_0,
        minus_0_is_kept_by_a_dump_of_a_large_set,
        scores_that_would_be_nan_are_0,
        members_are_drawn_and_scanned,
        the_journal_tells_what_changed,
        an_aborted_transaction_leaves_the_set_as_it_was,
        a_set_is_copied_renamed_moved_and_described,
        a_changed_set_is_a_changed_key,
    };
    Suite *suite = suite_create("sorted set");
    for (int large = 0; large < 2; large++) {
        TCase *tcase = tcase_create(large ? "large" : "small");
        tcase_add_checked_fixture(tcase, large ? setup_large : setup_small, store_teardown);
        for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) tcase_add_test(tcase, tests[i]);
        suite_add_tcase(suite, tcase);
    }
    return unit_run(suite);
}
