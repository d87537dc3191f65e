/*
 * tests/api/test_set.c -- sets: what each call promises, and sets made of others against a naive
 * model. The value is tested against one in tests/engine/test_set_value.c.
 */
#include "notes.h"
#include "one_store.h"
#include "visited.h"

#include <string.h>

static void setup(void)
{
    store_setup();
    visited[0] = 0;
}

static bool note(void *context, kv_slice member)
{
    size_t *left = context;
    visited_add_item(visited_gap(), member);
    return left == NULL || --*left > 0;
}

/* The memory is the function's, four results long. */
static struct fixture_words *words(const char *text)
{
    static struct fixture_words all[4];
    static unsigned turn;
    return fixture_split(&all[turn++ % 4], text);
}

static uint64_t add(const char *key, const char *text)
{
    uint64_t added = 0;
    struct fixture_words *members = words(text);
    MUST(kv_sadd(db, K(key), members->items, members->count, &added) == KV_OK);
    return added;
}

/* Adds the numbers from `first` to `last`, with a letter before them if `prefix` is not "". */
static void add_many(const char *key, const char *prefix, int first, int last)
{
    for (int i = first; i <= last; i++) {
        char text[32];
        snprintf(text, sizeof text, "%s%d", prefix, i);
        kv_slice member = K(text);
        MUST(kv_sadd(db, K(key), &member, 1, NULL) == KV_OK);
    }
}

static uint64_t length_of(const char *key)
{
    uint64_t count;
    MUST(kv_scard(db, K(key), &count) >= 0);
    return count;
}

/* --------------------------------------------------------------------------------- one set at a time */

START_TEST(members_are_added_once)
{
    ck_assert_uint_eq(add("s", "b a b"), 2);
    ck_assert_key(db, "s", "[b a]");
    ck_assert_uint_eq(add("s", "a c"), 1);
    ck_assert_key(db, "s", "[b a c]");
    ck_assert_uint_eq(add("n", "3 1 2 1"), 3);
    ck_assert_key(db, "n", "[1 2 3]");
    ck_assert_int_eq(kv_sadd(db, K("s"), NULL, 1, NULL), KV_BADARG);
    ck_assert_int_eq(kv_sadd(db, K("s"), words("x")->items, 0, NULL), KV_BADARG);
}
END_TEST

START_TEST(the_last_member_takes_the_key_with_it)
{
    uint64_t removed = 7;
    struct fixture_words *members = words("a x b");
    ck_assert_int_eq(kv_srem(db, K("s"), members->items, 3, &removed), KV_NONE);
    ck_assert_uint_eq(removed, 0);
    for (int n = 0; n < 3; n++) {
        (void)add("s", n == 0 ? "a b" : "a b 1 2");
        if (n == 2) add_many("s", "m", 1, 200);
        ck_assert_int_eq(kv_srem(db, K("s"), members->items, 2, &removed), KV_OK);
        ck_assert_uint_eq(removed, 1);
        ck_assert_int_eq(kv_srem(db, K("s"), members->items, 2, &removed), KV_OK);
        ck_assert_uint_eq(removed, 0);
        uint64_t popped;
        ck_assert_int_eq(kv_spop(db, K("s"), length_of("s") - 1, NULL, NULL, &popped), KV_OK);
        kv_check(db);
        ck_assert_int_eq(kv_spop(db, K("s"), 1, NULL, NULL, &popped), KV_OK);
        ck_assert_key(db, "s", "-");
    }
}
END_TEST

START_TEST(membership_is_told_of_one_and_of_many)
{
    bool found[4];
    kv_slice asked[4] = {K("1"), K("x"), K("01"), K("3")};
    ck_assert_int_eq(kv_smismember(db, K("s"), asked, 4, found), KV_OK);
    for (int i = 0; i < 4; i++) ck_assert(!found[i]);
    for (int n = 0; n < 3; n++) {
        (void)add("s", n == 0 ? "1 2 3" : n == 1 ? "y" : "z");
        if (n == 2) add_many("s", "m", 1, 200);
        ck_assert_int_eq(kv_smismember(db, K("s"), asked, 4, found), KV_OK);
        ck_assert(found[0] && !found[1] && !found[2] && found[3]);
        ck_assert_int_eq(kv_sismember(db, K("s"), K("2")), KV_OK);
        ck_assert_int_eq(kv_sismember(db, K("s"), K("4")), KV_NONE);
    }
    ck_assert_int_eq(kv_sismember(db, K("none"), K("4")), KV_NONE);
    ck_assert_int_eq(kv_smismember(db, K("s"), asked, 4, NULL), KV_BADARG);
}
END_TEST

START_TEST(all_members_are_told_after_their_number)
{
    ck_assert_int_eq(kv_smembers(db, K("s"), visited_add_count, note, NULL), KV_OK);
    ck_assert_visited("0:");
    (void)add("s", "a b c");
    ck_assert_int_eq(kv_smembers(db, K("s"), visited_add_count, note, NULL), KV_OK);
    ck_assert_visited("3: a b c");
    size_t limit = 2;
    ck_assert_int_eq(kv_smembers(db, K("s"), NULL, note, &limit), KV_OK);
    ck_assert_visited("a b");
}
END_TEST

START_TEST(a_member_moves)
{
    ck_assert_int_eq(kv_smove(db, K("none"), K("t"), K("a")), KV_NONE);
    (void)add("s", "a b");
    ck_assert_int_eq(kv_smove(db, K("s"), K("t"), K("x")), KV_NONE);
    ck_assert_key(db, "t", "-");
    ck_assert_int_eq(kv_smove(db, K("s"), K("t"), K("a")), KV_OK);
    ck_assert_key(db, "s", "[b]");
    ck_assert_key(db, "t", "[a]");
    ck_assert_int_eq(kv_smove(db, K("t"), K("t"), K("a")), KV_OK);
    ck_assert_int_eq(kv_smove(db, K("t"), K("t"), K("x")), KV_NONE);
    (void)add("t", "b");
    ck_assert_int_eq(kv_smove(db, K("s"), K("t"), K("b")), KV_OK); /* which has it */
    ck_assert_key(db, "s", "-");
    ck_assert_key(db, "t", "[a b]");
    fixture_set(db, "text", "x");
    ck_assert_int_eq(kv_smove(db, K("t"), K("text"), K("a")), KV_WRONGTYPE);
    ck_assert_int_eq(kv_smove(db, K("none"), K("text"), K("a")), KV_NONE);
    ck_assert_key(db, "t", "[a b]");
}
END_TEST

static bool count_number(void *context, kv_slice member)
{
    int *counts = context;
    char text[16] = {0};
    memcpy(text, member.data, member.size);
    counts[atoi(text)]++;
    return true;
}

START_TEST(random_members_are_those_there)
{
    ck_assert_int_eq(kv_srandmember(db, K("none"), -5, visited_add_count, note, NULL), KV_OK);
    ck_assert_visited("0:");
    ck_assert_int_eq(kv_srandmember(db, K("none"), INT64_MIN, NULL, note, NULL), KV_BADARG);
    for (int n = 30; n <= 700; n += 670) {
        int counts[701] = {0}, different = 0;
        add_many("s", "", 1, n);
        ck_assert_int_eq(kv_srandmember(db, K("s"), 0, visited_add_count, note, NULL), KV_OK);
        ck_assert_visited("0:");
        ck_assert_int_eq(kv_srandmember(db, K("s"), 20, visited_add_count, count_number, counts),
                         KV_OK);
        ck_assert_visited("20:");
        for (int i = 1; i <= n; i++) {
            ck_assert_int_le(counts[i], 1);
            different += counts[i];
        }
        ck_assert_int_eq(different, 20);
        memset(counts, 0, sizeof counts);
        ck_assert_int_eq(kv_srandmember(db, K("s"), 5000, visited_add_count, count_number, counts),
                         KV_OK);
        visited[0] = 0;
        for (int i = 1; i <= n; i++) MUST(counts[i] == 1);
        ck_assert_int_eq(kv_srandmember(db, K("s"), -5000, visited_add_count, count_number, counts),
                         KV_OK);
        ck_assert_visited("5000:");
        ck_assert_uint_eq(length_of("s"), (uint64_t)n);
    }
}
END_TEST

START_TEST(what_is_popped_is_gone)
{
    uint64_t popped = 7;
    ck_assert_int_eq(kv_spop(db, K("none"), 0, note, NULL, &popped), KV_NONE);
    ck_assert_uint_eq(popped, 7);
    for (int n = 30; n <= 700; n += 670) {
        int counts[701] = {0};
        uint64_t left = (uint64_t)n;
        add_many("s", "", 1, n);
        ck_assert_int_eq(kv_spop(db, K("s"), 0, note, NULL, &popped), KV_OK);
        ck_assert_uint_eq(popped, 0);
        for (uint64_t count = 1; left > 0; count *= 3) {
            ck_assert_int_eq(kv_spop(db, K("s"), count, count_number, counts, &popped), KV_OK);
            ck_assert_uint_eq(popped, count < left ? count : left);
            left -= popped;
            ck_assert_uint_eq(length_of("s"), left);
            kv_check(db);
        }
        for (int i = 1; i <= n; i++) MUST(counts[i] == 1);
        ck_assert_key(db, "s", "-");
    }
}
END_TEST

START_TEST(a_scan_meets_each_member)
{
    uint64_t cursor = 3;
    ck_assert_int_eq(kv_sscan(db, K("none"), &cursor, 10, note, NULL), KV_NONE);
    ck_assert_uint_eq(cursor, 0);
    ck_assert_int_eq(kv_sscan(db, K("none"), &cursor, 0, note, NULL), KV_BADARG);
    for (int n = 30; n <= 700; n += 670) {
        int counts[701] = {0}, calls = 0;
        add_many("s", "", 1, n);
        do {
            ck_assert_int_eq(kv_sscan(db, K("s"), &cursor, 10, count_number, counts), KV_OK);
            calls++;
        } while (cursor != 0);
        for (int i = 1; i <= n; i++) MUST(counts[i] >= 1);
        ck_assert_int_eq(calls == 1, n == 30);
    }
}
END_TEST

START_TEST(limits_decide_the_encoding)
{
    ck_assert_int_eq(kv_configure(db, KV_SETTING_SET_PACK_COUNT, 3), KV_OK);
    ck_assert_int_eq(kv_configure(db, KV_SETTING_SET_PACK_VALUE, 5), KV_OK);
    ck_assert_int_eq(kv_configure(db, KV_SETTING_SET_INTEGER_COUNT, 4), KV_OK);
    (void)add("s", "a b 12345");
    ck_assert_str_eq(fixture_encoding(db, "s"), "listpack");
    (void)add("s", "d");
    ck_assert_str_eq(fixture_encoding(db, "s"), "hashtable");
    (void)add("t", "123456 1 2 3");
    ck_assert_str_eq(fixture_encoding(db, "t"), "intset");
    (void)add("t", "a");
    ck_assert_str_eq(fixture_encoding(db, "t"), "hashtable");
    (void)add("u", "123456");
    (void)add("u", "a");
    ck_assert_str_eq(fixture_encoding(db, "u"), "hashtable"); /* its integer has six digits */
    (void)add("v", "1 2 3 4");
    (void)add("v", "5");
    ck_assert_str_eq(fixture_encoding(db, "v"), "hashtable");
    ck_assert_int_eq(kv_configure(db, KV_SETTING_SET_INTEGER_COUNT, -1), KV_BADARG);
    ck_assert_int_eq(kv_sunionstore(db, K("w"), words("v")->items, 1, NULL), KV_OK);
    ck_assert_str_eq(fixture_encoding(db, "w"), "hashtable");
    ck_assert_int_eq(kv_configure(db, KV_SETTING_SET_INTEGER_COUNT, 0), KV_OK);
    (void)add("x", "1");
    ck_assert_str_eq(fixture_encoding(db, "x"), "listpack");
}
END_TEST

START_TEST(another_type_is_refused)
{
    kv_slice member = K("m"), keys[2] = {K("none"), K("text")};
    uint64_t cursor = 0;
    bool found;
    fixture_set(db, "text", "text");
    ck_assert_int_eq(kv_sadd(db, K("text"), &member, 1, NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_srem(db, K("text"), &member, 1, NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_sismember(db, K("text"), member), KV_WRONGTYPE);
    ck_assert_int_eq(kv_smismember(db, K("text"), &member, 1, &found), KV_WRONGTYPE);
    ck_assert_int_eq(kv_scard(db, K("text"), NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_smembers(db, K("text"), NULL, note, NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_smove(db, K("text"), K("t"), member), KV_WRONGTYPE);
    ck_assert_int_eq(kv_spop(db, K("text"), 1, note, NULL, NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_srandmember(db, K("text"), 1, NULL, note, NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_sscan(db, K("text"), &cursor, 1, note, NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_sinter(db, keys, 2, note, NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_sunion(db, keys, 2, note, NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_sdiff(db, keys, 2, note, NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_sintercard(db, keys, 2, 0, NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_sunioncard(db, keys, 2, 0, NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_sdiffcard(db, keys, 2, 0, NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_sunionstore(db, K("t"), keys, 2, NULL), KV_WRONGTYPE);
    ck_assert_key(db, "t", "-");
    (void)add("s", "a");
    ck_assert_int_eq(kv_get(db, K("s"), NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_lpush(db, K("s"), &member, 1, NULL), KV_WRONGTYPE);
}
END_TEST

START_TEST(a_set_is_renamed_copied_and_moved_as_it_is)
{
    static const int sizes[] = {3, 300, 3000};
    for (int n = 0; n < 3; n++) {
        add_many("s", n == 1 ? "" : "m", 1, sizes[n]);
        ck_assert_int_eq(kv_copy(db, K("s"), db, K("copy"), true), KV_OK);
        ck_assert_str_eq(fixture_encoding(db, "copy"), fixture_encoding(db, "s"));
        ck_assert_int_eq(kv_rename(db, K("s"), K("t")), KV_OK);
        ck_assert_int_eq(kv_move(db, K("t"), kv_select(db, 1)), KV_OK);
        kv_check(db);
        uint64_t count;
        ck_assert_int_eq(kv_scard(kv_select(db, 1), K("t"), &count), KV_OK);
        ck_assert_uint_eq(count, (uint64_t)sizes[n]);
        ck_assert_uint_eq(length_of("copy"), (uint64_t)sizes[n]);
        kv_slice key = K("t");
        ck_assert_int_eq(kv_unlink(kv_select(db, 1), &key, 1, NULL), KV_OK);
        (void)kv_tick(db, 0);
        kv_check(db);
    }
    fixture_set(db, "copy", "a string in its place");
    kv_check(db);
}
END_TEST

/* ------------------------------------------------------------------------------ sets made of others */

typedef kv_status combine(kv *db, const kv_slice *keys, size_t count, kv_visit *visit,
                          void *context);

typedef kv_status count_combined(kv *db, const kv_slice *keys, size_t count, uint64_t limit,
                                 uint64_t *number);

static void ck_count(count_combined *function, const char *keys, uint64_t limit, uint64_t expected)
{
    struct fixture_words *names = words(keys);
    uint64_t number = 77;
    ck_assert_int_eq(function(db, names->items, names->count, limit, &number), KV_OK);
    ck_assert_uint_eq(number, expected);
}

static void ck_combine(combine *function, const char *keys, const char *expected)
{
    struct fixture_words *names = words(keys);
    ck_assert_int_eq(function(db, names->items, names->count, note, NULL), KV_OK);
    ck_assert_visited(expected);
}

START_TEST(sets_are_made_of_others)
{
    (void)add("a", "1 2 3 x y");
    (void)add("b", "2 3 4 y z");
    (void)add("n", "3 4 5");
    ck_combine(kv_sinter, "a b", "2 3 y");
    ck_combine(kv_sinter, "a b n", "3");
    ck_combine(kv_sinter, "a none", "");
    ck_combine(kv_sinter, "a a", "1 2 3 x y");
    ck_combine(kv_sunion, "a n", "1 2 3 x y 4 5");
    ck_combine(kv_sunion, "none", "");
    ck_combine(kv_sdiff, "a b", "1 x");
    ck_combine(kv_sdiff, "a b n none a", "");
    ck_combine(kv_sdiff, "none a", "");
    ck_assert_int_eq(kv_sinter(db, NULL, 0, note, NULL), KV_BADARG);
}
END_TEST

START_TEST(sets_made_of_others_are_counted_up_to_a_limit)
{
    (void)add("a", "1 2 3 x y");
    (void)add("b", "2 3 4 y z");
    add_many("l", "m", 1, 3000);
    add_many("k", "m", 2001, 4000);
    ck_count(kv_sintercard, "a b", 0, 3);
    ck_count(kv_sintercard, "a b", 2, 2);
    ck_count(kv_sintercard, "l", 0, 3000);
    ck_count(kv_sintercard, "l", 7, 7);
    ck_count(kv_sunioncard, "a b", 0, 7);
    ck_count(kv_sunioncard, "a b", 7, 7);
    ck_count(kv_sunioncard, "a b", 6, 6);
    ck_count(kv_sunioncard, "a b", 2, 2);
    ck_count(kv_sunioncard, "none", 0, 0);
    ck_count(kv_sunioncard, "k l", 0, 4000);
    ck_count(kv_sunioncard, "k l", 3000, 3000);
    ck_count(kv_sunioncard, "a k none l b k", 0, 4007);
    ck_count(kv_sunioncard, "a k none l b k", 2999, 2999);
    ck_count(kv_sunioncard, "a k none l b k", 3001, 3001);
    ck_count(kv_sunioncard, "l", UINT64_MAX, 3000);
    ck_count(kv_sdiffcard, "a b", 0, 2);
    ck_count(kv_sdiffcard, "a b", 1, 1);
    ck_count(kv_sdiffcard, "a a", 0, 0);
    ck_count(kv_sdiffcard, "l", 0, 3000);
    ck_count(kv_sdiffcard, "l k a b none k", 0, 2000);
    ck_count(kv_sdiffcard, "l k a b none k", 10, 10);
    ck_assert_int_eq(kv_sintercard(db, NULL, 0, 0, NULL), KV_BADARG);
    ck_assert_int_eq(kv_sunioncard(db, NULL, 0, 0, NULL), KV_BADARG);
    ck_assert_int_eq(kv_sdiffcard(db, NULL, 0, 0, NULL), KV_BADARG);
}
END_TEST

START_TEST(what_is_stored_replaces_whatever_was_there)
{
    uint64_t stored = 7;
    (void)add("a", "1 2 3 x y");
    (void)add("b", "2 3 4");
    fixture_set_for(db, "d", "a string that would expire", 1000);
    ck_assert_int_eq(kv_sinterstore(db, K("d"), words("a b")->items, 2, &stored), KV_OK);
    ck_assert_uint_eq(stored, 2);
    ck_assert_key(db, "d", "[2 3]");
    ck_assert_str_eq(fixture_encoding(db, "d"), "intset");
    int64_t ttl;
    ck_assert_int_eq(kv_ttl(db, K("d"), &ttl), KV_OK);
    ck_assert_int_eq(ttl, KV_NEVER);
    ck_assert_int_eq(kv_sunionstore(db, K("a"), words("a b")->items, 2, &stored), KV_OK);
    ck_assert_uint_eq(stored, 6);
    ck_assert_key(db, "a", "[1 2 3 x y 4]");
    ck_assert_int_eq(kv_sdiffstore(db, K("b"), words("b a")->items, 2, &stored), KV_OK);
    ck_assert_uint_eq(stored, 0);
    ck_assert_key(db, "b", "-");
    ck_assert_int_eq(kv_sdiffstore(db, K("none"), words("b a")->items, 2, &stored), KV_OK);
    ck_assert_key(db, "none", "-");
}
END_TEST

START_TEST(an_expired_set_is_empty_in_all_of_it)
{
    (void)add("a", "1 2");
    (void)add("b", "2 3");
    ck_assert_int_eq(kv_expire(db, K("b"), 50, 0), KV_OK);
    fixture_pass(&fx, 100);
    ck_combine(kv_sunion, "b a b", "1 2");
    ck_assert_int_eq(kv_sunionstore(db, K("b"), words("b a b")->items, 3, NULL), KV_OK);
    ck_assert_key(db, "b", "[1 2]");
}
END_TEST

/* A set of numbers below MODEL as bits, in the store under one key, in any of the encodings. */
enum { MODEL = 1500, MODEL_SETS = 9 };

static char model[MODEL_SETS][MODEL];

static kv_slice model_name(int i, char text[32])
{
    return (kv_slice){text, (size_t)snprintf(text, 32, i % 2 == 0 ? "%d" : "member:%d", i)};
}

static void model_fill(uint64_t *seed, int set, const char *key)
{
    static const int shares[] = {0, 1, 5, 40, 90};
    uint64_t share = (uint64_t)shares[fixture_below(seed, 5)];
    int step = fixture_below(seed, 3) == 0 ? 2 : 1;      /* numbers only */
    int end = fixture_below(seed, 3) == 0 ? 100 : MODEL; /* few of them */
    memset(model[set], 0, MODEL);
    kv_slice name = K(key);
    MUST(kv_del(db, &name, 1, NULL) == KV_OK);
    for (int i = 0; i < end; i += step) {
        if (fixture_below(seed, 100) >= share) continue;
        char text[32];
        kv_slice member = model_name(i, text);
        MUST(kv_sadd(db, K(key), &member, 1, NULL) == KV_OK);
        model[set][i] = 1;
    }
}

static bool model_mark(void *context, kv_slice member)
{
    char *marks = context, text[32] = {0};
    memcpy(text, member.data, member.size);
    int number = atoi(text[0] == 'm' ? text + 7 : text);
    MUST(marks[number] == 0);
    marks[number] = 1;
    return true;
}

static void model_operate(int operation, const int *sets, size_t count, char *result)
{
    memcpy(result, model[sets[0]], MODEL);
    for (size_t i = 1; i < count; i++) {
        for (int m = 0; m < MODEL; m++) {
            char other = model[sets[i]][m];
            if (operation == 0) result[m] &= other;
            else if (operation == 1) result[m] |= other;
            else result[m] &= !other;
        }
    }
}

START_TEST(operations_match_a_model)
{
    static const char *const names[MODEL_SETS] = {"a", "b", "c", "d", "e", "f", "g", "h", "i"};
    static combine *const functions[] = {kv_sinter, kv_sunion, kv_sdiff};
    static kv_status (*const stores[])(kv *, kv_slice, const kv_slice *, size_t, uint64_t *) = {
        kv_sinterstore, kv_sunionstore, kv_sdiffstore};
    static count_combined *const counts[] = {kv_sintercard, kv_sunioncard, kv_sdiffcard};
    uint64_t seed = unit_seed();
    int rounds = fixture_rounds(300, 20000);
    for (int round = 0; round < rounds; round++) {
        int chosen[MODEL_SETS];
        kv_slice keys[MODEL_SETS];
        size_t count = 1 + fixture_below(&seed, MODEL_SETS);
        for (size_t i = 0; i < count; i++) {
            chosen[i] = (int)fixture_below(&seed, MODEL_SETS);
            keys[i] = K(names[chosen[i]]);
            if (fixture_below(&seed, 3) == 0) model_fill(&seed, chosen[i], names[chosen[i]]);
        }
        int operation = (int)fixture_below(&seed, 3);
        char expected[MODEL], got[MODEL] = {0};
        model_operate(operation, chosen, count, expected);
        MUST(functions[operation](db, keys, count, model_mark, got) == KV_OK);
        if (memcmp(expected, got, MODEL) != 0) ck_abort_msg("operation %d", operation);
        uint64_t stored, number, total = 0, limit = fixture_below(&seed, MODEL);
        for (int m = 0; m < MODEL; m++) total += (uint64_t)expected[m];
        MUST(counts[operation](db, keys, count, 0, &number) == KV_OK && number == total);
        MUST(counts[operation](db, keys, count, limit, &number) == KV_OK);
        MUST(number == (limit == 0 || limit > total ? total : limit));
        int to = (int)fixture_below(&seed, MODEL_SETS);
        MUST(stores[operation](db, K(names[to]), keys, count, &stored) == KV_OK);
        memcpy(model[to], expected, MODEL);
        memset(got, 0, MODEL);
        MUST(kv_smembers(db, K(names[to]), NULL, model_mark, got) == KV_OK);
        if (memcmp(expected, got, MODEL) != 0) ck_abort_msg("storing operation %d", operation);
        MUST(stored == total);
        if (round % 20 == 0) kv_check(db);
    }
}
END_TEST

/* ------------------------------------------------------------------------------------ what is told */

START_TEST(the_journal_says_what_was_done)
{
    struct notes notes;
    notes_begin(&notes, db);
    (void)add("s", "a b");
    (void)add("s", "a");
    notes_expect(&notes, "0 SADD s a b;\n");
    (void)kv_srem(db, K("s"), words("x")->items, 1, NULL);
    (void)kv_srem(db, K("s"), words("x b")->items, 2, NULL);
    notes_expect(&notes, "0 SREM s x b;\n");
    (void)kv_smove(db, K("s"), K("t"), K("b"));
    (void)kv_smove(db, K("s"), K("t"), K("a"));
    notes_expect(&notes, "0 SMOVE s t a;\n");
    (void)kv_spop(db, K("t"), 1, note, NULL, NULL);
    notes_expect(&notes, "0 DEL t;\n");
    (void)add("s", "1 2 3");
    visited[0] = 0;
    (void)kv_spop(db, K("s"), 2, note, NULL, NULL);
    char expected[sizeof visited + 50];
    snprintf(expected, sizeof expected, "0 SADD s 1 2 3;\n0 SREM s %s;\n", visited);
    notes_expect(&notes, expected);
    (void)kv_sunionstore(db, K("d"), words("s t")->items, 2, NULL);
    (void)kv_sinterstore(db, K("none"), words("s t")->items, 2, NULL);
    (void)kv_sinterstore(db, K("d"), words("s t")->items, 2, NULL);
    notes_expect(&notes, "0 SUNIONSTORE d s t;\n0 DEL d;\n");
    notes_end(&notes);
}
END_TEST

START_TEST(changes_are_counted_as_redis_counts_them)
{
    kv_statistics before = KV_OPTIONS(kv_statistics), after = KV_OPTIONS(kv_statistics);
    (void)kv_stats(db, &before);
    (void)add("s", "a b a c d e");                                /* 5 */
    (void)add("s", "a");                                          /* 0 */
    (void)kv_srem(db, K("s"), words("a x b")->items, 3, NULL);    /* 2 */
    (void)kv_smove(db, K("s"), K("t"), K("c"));                   /* 2 */
    (void)add("s", "c");                                          /* 1 */
    (void)kv_smove(db, K("s"), K("t"), K("c"));                   /* 1: it was there */
    (void)kv_spop(db, K("s"), 5, NULL, NULL, NULL);               /* 2 */
    (void)kv_sunionstore(db, K("d"), words("t")->items, 1, NULL); /* 1 */
    (void)kv_stats(db, &after);
    ck_assert_uint_eq(after.changes - before.changes, 14);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("set");
    TCase *tcase = tcase_create("set");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, store_teardown);
    const TTest *const tests[] = {
        members_are_added_once,
        the_last_member_takes_the_key_with_it,
        membership_is_told_of_one_and_of_many,
        all_members_are_told_after_their_number,
        a_member_moves,
        random_members_are_those_there,
        what_is_popped_is_gone,
        a_scan_meets_each_member,
        limits_decide_the_encoding,
        another_type_is_refused,
        a_set_is_renamed_copied_and_moved_as_it_is,
        sets_are_made_of_others,
        sets_made_of_others_are_counted_up_to_a_limit,
        what_is_stored_replaces_whatever_was_there,
        an_expired_set_is_empty_in_all_of_it,
        operations_match_a_model,
        the_journal_says_what_was_done,
        changes_are_counted_as_redis_counts_them,
    };
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
