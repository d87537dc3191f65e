/*
 * tests/api/test_hash.c -- hashes: what each call promises. Against a model they are tested in
 * tests/engine/test_hash_value.c, against each other by the random calls of caller.h.
 */
#include "notes.h"
#include "one_store.h"
#include "visited.h"

#include <string.h>

static kv_buffer buffer;

static void setup(void)
{
    store_setup();
    visited[0] = 0;
}

static void teardown(void)
{
    kv_buffer_free(&buffer);
    store_teardown();
}

static bool note_field(void *context, kv_slice field, kv_slice value)
{
    size_t *left = context;
    visited_add_item(visited_gap(), field);
    visited_add_item("=", value);
    return left == NULL || --*left > 0;
}

static bool note_value(void *context, size_t index, const kv_slice *value)
{
    (void)context;
    visited_add("%s%zu", visited_gap(), index);
    visited_add_item(":", value != NULL ? *value : K("-"));
    return true;
}

/* Sets fields from words "field value field value". */
static kv_status set(const char *key, const char *words, uint64_t *added)
{
    struct fixture_words pairs;
    fixture_split(&pairs, words);
    return kv_hset(db, K(key), pairs.items, pairs.count / 2, added);
}

/* A hash of fields "0" to count - 1, each with the value "v". */
static void set_many(const char *key, int count)
{
    for (int i = 0; i < count; i++) {
        char field[16];
        snprintf(field, sizeof field, "%d", i);
        kv_slice pair[2] = {K(field), K("v")};
        MUST(kv_hset(db, K(key), pair, 1, NULL) == KV_OK);
    }
}

START_TEST(fields_are_set_and_had)
{
    uint64_t added = 0;
    ck_assert_int_eq(set("h", "a 1 b 2 a 3", &added), KV_OK);
    ck_assert_uint_eq(added, 2);
    ck_assert_key(db, "h", "[a:3 b:2]");
    ck_assert_int_eq(set("h", "b 4 c 5", &added), KV_OK);
    ck_assert_uint_eq(added, 1);
    ck_assert_int_eq(kv_hget(db, K("h"), K("b"), &buffer), KV_OK);
    ck_assert_int_eq(memcmp(buffer.data, "4", buffer.size), 0);
    ck_assert_int_eq(kv_hget(db, K("h"), K("x"), &buffer), KV_NONE);
    ck_assert_int_eq(kv_hget(db, K("none"), K("x"), &buffer), KV_NONE);
    kv_slice fields[3] = {K("c"), K("x"), K("a")};
    ck_assert_int_eq(kv_hmget(db, K("h"), fields, 3, note_value, NULL), KV_OK);
    ck_assert_visited("0:5 1:- 2:3");
    ck_assert_int_eq(kv_hmget(db, K("none"), fields, 2, note_value, NULL), KV_OK);
    ck_assert_visited("0:- 1:-");
    ck_assert_int_eq(set("h", "", NULL), KV_BADARG);
    ck_assert_int_eq(kv_hset(db, K("h"), NULL, 1, NULL), KV_BADARG);
}
END_TEST

START_TEST(hsetnx_sets_what_is_not_there)
{
    ck_assert_int_eq(kv_hsetnx(db, K("h"), K("a"), K("1")), KV_OK);
    ck_assert_int_eq(kv_hsetnx(db, K("h"), K("a"), K("2")), KV_SKIPPED);
    ck_assert_key(db, "h", "[a:1]");
}
END_TEST

START_TEST(lengths_and_presence)
{
    uint64_t length = 7;
    ck_assert_int_eq(kv_hlen(db, K("h"), &length), KV_NONE);
    ck_assert_uint_eq(length, 0);
    (void)set("h", "a 12345 b x", NULL);
    ck_assert_int_eq(kv_hlen(db, K("h"), &length), KV_OK);
    ck_assert_uint_eq(length, 2);
    ck_assert_int_eq(kv_hstrlen(db, K("h"), K("a"), &length), KV_OK);
    ck_assert_uint_eq(length, 5);
    ck_assert_int_eq(kv_hstrlen(db, K("h"), K("x"), &length), KV_NONE);
    ck_assert_uint_eq(length, 0);
    ck_assert_int_eq(kv_hexists(db, K("h"), K("b")), KV_OK);
    ck_assert_int_eq(kv_hexists(db, K("h"), K("x")), KV_NONE);
}
END_TEST

START_TEST(the_last_field_takes_the_key_with_it)
{
    uint64_t removed = 7;
    kv_slice fields[3] = {K("a"), K("x"), K("b")};
    ck_assert_int_eq(kv_hdel(db, K("h"), fields, 3, &removed), KV_NONE);
    ck_assert_uint_eq(removed, 0);
    (void)set("h", "a 1 b 2 c 3", NULL);
    ck_assert_int_eq(kv_hdel(db, K("h"), fields, 3, &removed), KV_OK);
    ck_assert_uint_eq(removed, 2);
    ck_assert_int_eq(kv_hdel(db, K("h"), fields, 3, &removed), KV_OK);
    ck_assert_uint_eq(removed, 0);
    fields[0] = K("c");
    ck_assert_int_eq(kv_hgetdel(db, K("h"), fields, 2, note_value, NULL), KV_OK);
    ck_assert_visited("0:3 1:-");
    ck_assert_key(db, "h", "-");
    ck_assert_int_eq(kv_hgetdel(db, K("h"), fields, 2, note_value, NULL), KV_OK);
    ck_assert_visited("0:- 1:-");
}
END_TEST

START_TEST(numbers_are_added_to)
{
    int64_t sum = 0;
    ck_assert_int_eq(kv_hincrby(db, K("h"), K("n"), 5, &sum), KV_OK);
    ck_assert_int_eq(kv_hincrby(db, K("h"), K("n"), -7, &sum), KV_OK);
    ck_assert_int_eq(sum, -2);
    ck_assert_int_eq(kv_hincrby(db, K("h"), K("n"), INT64_MIN, &sum), KV_OVERFLOW);
    ck_assert_int_eq(kv_hincrbyfloat(db, K("h"), K("n"), K("0.5"), &buffer), KV_OK);
    ck_assert_key(db, "h", "[n:-1.5]");
    ck_assert_int_eq(kv_hincrby(db, K("h"), K("n"), 1, &sum), KV_NOTINT);
    ck_assert_int_eq(kv_hincrbyfloat(db, K("h"), K("n"), K("x"), &buffer), KV_BADARG);
    (void)set("h", "t text", NULL);
    ck_assert_int_eq(kv_hincrbyfloat(db, K("h"), K("t"), K("1"), &buffer), KV_NOTFLOAT);
    ck_assert_int_eq(kv_hincrbyfloat(db, K("h"), K("n"), K("inf"), &buffer), KV_NOTFINITE);
}
END_TEST

START_TEST(all_fields_are_told_after_their_number)
{
    ck_assert_int_eq(kv_hgetall(db, K("h"), visited_add_count, note_field, NULL), KV_OK);
    ck_assert_visited("0:");
    (void)set("h", "a 1 b 2 c 3", NULL);
    ck_assert_int_eq(kv_hgetall(db, K("h"), visited_add_count, note_field, NULL), KV_OK);
    ck_assert_visited("3: a=1 b=2 c=3");
    size_t limit = 2;
    ck_assert_int_eq(kv_hgetall(db, K("h"), NULL, note_field, &limit), KV_OK);
    ck_assert_visited("a=1 b=2");
}
END_TEST

static bool count_field(void *context, kv_slice field, kv_slice value)
{
    (void)value;
    int *counts = context;
    char text[16] = {0};
    memcpy(text, field.data, field.size);
    counts[atoi(text)]++;
    return true;
}

START_TEST(random_fields_are_those_there)
{
    ck_assert_int_eq(kv_hrandfield(db, K("none"), -5, visited_add_count, note_field, NULL), KV_OK);
    ck_assert_visited("0:");
    ck_assert_int_eq(kv_hrandfield(db, K("none"), INT64_MIN, NULL, note_field, NULL), KV_BADARG);
    for (int n = 30; n <= 700; n += 670) {
        int counts[700] = {0}, different = 0;
        set_many("h", n);
        ck_assert_int_eq(kv_hrandfield(db, K("h"), 20, visited_add_count, count_field, counts),
                         KV_OK);
        ck_assert_visited("20:");
        for (int i = 0; i < n; i++) {
            ck_assert_int_le(counts[i], 1);
            different += counts[i];
        }
        ck_assert_int_eq(different, 20);
        memset(counts, 0, sizeof counts);
        ck_assert_int_eq(kv_hrandfield(db, K("h"), 5000, visited_add_count, count_field, counts),
                         KV_OK);
        visited[0] = 0;
        for (int i = 0; i < n; i++) ck_assert_int_eq(counts[i], 1);
        ck_assert_int_eq(kv_hrandfield(db, K("h"), -5000, visited_add_count, NULL, counts), KV_OK);
        ck_assert_visited("5000:");
    }
}
END_TEST

START_TEST(a_scan_meets_each_field)
{
    uint64_t cursor = 3;
    ck_assert_int_eq(kv_hscan(db, K("none"), &cursor, 10, note_field, NULL), KV_NONE);
    ck_assert_uint_eq(cursor, 0);
    ck_assert_int_eq(kv_hscan(db, K("none"), &cursor, 0, note_field, NULL), KV_BADARG);
    for (int n = 30; n <= 700; n += 670) {
        int counts[700] = {0}, calls = 0;
        set_many("h", n);
        do {
            ck_assert_int_eq(kv_hscan(db, K("h"), &cursor, 10, count_field, counts), KV_OK);
            calls++;
        } while (cursor != 0);
        for (int i = 0; i < n; i++) ck_assert_int_ge(counts[i], 1);
        ck_assert_int_eq(calls == 1, n == 30);
    }
}
END_TEST

START_TEST(limits_decide_the_encoding)
{
    ck_assert_int_eq(kv_configure(db, KV_SETTING_HASH_PACK_COUNT, 3), KV_OK);
    ck_assert_int_eq(kv_configure(db, KV_SETTING_HASH_PACK_VALUE, 5), KV_OK);
    (void)set("h", "a 1 b 2 c 3", NULL);
    ck_assert_str_eq(fixture_encoding(db, "h"), "listpack");
    (void)set("h", "d 1", NULL);
    ck_assert_str_eq(fixture_encoding(db, "h"), "hashtable");
    (void)set("i", "a 12345", NULL);
    ck_assert_str_eq(fixture_encoding(db, "i"), "listpack");
    (void)set("i", "a 123456", NULL);
    ck_assert_str_eq(fixture_encoding(db, "i"), "hashtable");
    ck_assert_int_eq(kv_configure(db, KV_SETTING_HASH_PACK_COUNT, -1), KV_BADARG);
}
END_TEST

START_TEST(another_type_is_refused)
{
    kv_slice field = K("f"), pair[2] = {K("f"), K("v")};
    uint64_t cursor = 0;
    fixture_set(db, "s", "text");
    ck_assert_int_eq(kv_hset(db, K("s"), pair, 1, NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_hsetnx(db, K("s"), field, field), KV_WRONGTYPE);
    ck_assert_int_eq(kv_hget(db, K("s"), field, NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_hmget(db, K("s"), &field, 1, note_value, NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_hexists(db, K("s"), field), KV_WRONGTYPE);
    ck_assert_int_eq(kv_hlen(db, K("s"), NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_hdel(db, K("s"), &field, 1, NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_hgetdel(db, K("s"), &field, 1, note_value, NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_hincrby(db, K("s"), field, 1, NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_hincrbyfloat(db, K("s"), field, K("1"), NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_hgetall(db, K("s"), NULL, note_field, NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_hrandfield(db, K("s"), 1, NULL, note_field, NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_hscan(db, K("s"), &cursor, 1, note_field, NULL), KV_WRONGTYPE);
    (void)set("h", "a 1", NULL);
    ck_assert_int_eq(kv_get(db, K("h"), NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_lpush(db, K("h"), &field, 1, NULL), KV_WRONGTYPE);
}
END_TEST

START_TEST(a_hash_is_renamed_copied_and_moved_as_it_is)
{
    for (int n = 3; n <= 700; n += 697) {
        uint64_t length;
        set_many("h", n);
        ck_assert_int_eq(kv_copy(db, K("h"), db, K("copy"), true), KV_OK);
        ck_assert_int_eq(kv_rename(db, K("h"), K("i")), KV_OK);
        ck_assert_int_eq(kv_move(db, K("i"), kv_select(db, 1)), KV_OK);
        kv_check(db);
        ck_assert_int_eq(kv_hlen(kv_select(db, 1), K("i"), &length), KV_OK);
        ck_assert_uint_eq(length, (uint64_t)n);
        ck_assert_int_eq(kv_hlen(db, K("copy"), &length), KV_OK);
        ck_assert_uint_eq(length, (uint64_t)n);
        kv_slice key = K("i");
        ck_assert_int_eq(kv_unlink(kv_select(db, 1), &key, 1, NULL), KV_OK);
        (void)kv_tick(db, 0);
        kv_check(db);
    }
    fixture_set(db, "copy", "a string in its place");
    kv_check(db);
}
END_TEST

START_TEST(the_journal_says_what_was_done)
{
    struct notes notes;
    notes_begin(&notes, db);
    (void)set("h", "a 1 b 2", NULL);
    notes_expect(&notes, "0 HSET h a 1 b 2;\n");
    (void)kv_hsetnx(db, K("h"), K("a"), K("9"));
    (void)kv_hsetnx(db, K("h"), K("c"), K("9"));
    notes_expect(&notes, "0 HSETNX h c 9;\n");
    (void)kv_hincrby(db, K("h"), K("a"), 5, NULL);
    (void)kv_hincrbyfloat(db, K("h"), K("a"), K("0.25"), NULL);
    notes_expect(&notes, "0 HINCRBY h a 5;\n0 HSET h a 6.25;\n");
    kv_slice fields[2] = {K("x"), K("b")};
    (void)kv_hdel(db, K("h"), fields, 1, NULL);
    (void)kv_hdel(db, K("h"), fields, 2, NULL);
    notes_expect(&notes, "0 HDEL h x b;\n");
    (void)kv_hgetdel(db, K("h"), fields, 2, note_value, NULL);
    notes_expect(&notes, "");
    kv_slice all[2] = {K("a"), K("c")};
    (void)kv_hgetdel(db, K("h"), all, 2, note_value, NULL);
    notes_expect(&notes, "0 HDEL h a c;\n");
    notes_end(&notes);
}
END_TEST

START_TEST(changes_are_counted_as_redis_counts_them)
{
    kv_statistics before = KV_OPTIONS(kv_statistics), after = KV_OPTIONS(kv_statistics);
    (void)kv_stats(db, &before);
    (void)set("h", "a 1 b 2 a 3", NULL); /* 3 */
    (void)set("h", "a 1", NULL);         /* 1 */
    kv_slice fields[3] = {K("a"), K("x"), K("b")};
    (void)kv_hdel(db, K("h"), fields, 3, NULL); /* 2 */
    (void)kv_stats(db, &after);
    ck_assert_uint_eq(after.changes - before.changes, 6);
}
END_TEST

/* ------------------------------------------------------------------------------------ deadlines */

/* Gives fields, as words, a deadline; the results go to `visited`. */
static kv_status expire(const char *key, int64_t ttl_ms, unsigned flags, const char *words)
{
    struct fixture_words fields;
    kv_field_result results[FIXTURE_WORDS];
    fixture_split(&fields, words);
    kv_status status =
        ttl_ms == 0 ? kv_hpersist(db, K(key), fields.items, fields.count, results)
                    : kv_hexpire(db, K(key), ttl_ms, flags, fields.items, fields.count, results);
    for (size_t i = 0; i < fields.count && status >= 0; i++)
        visited_add("%s%d", visited_gap(), (int)results[i]);
    return status;
}

/* How long a field lasts still; -1: for ever, -2: it is not there. */
static int64_t ttl_of(const char *key, const char *field)
{
    int64_t deadline_ms = 7;
    kv_slice fields[1] = {K(field)};
    MUST(kv_hdeadline(db, K(key), fields, 1, &deadline_ms) >= 0);
    if (deadline_ms == -1) return -2;
    return deadline_ms == KV_NEVER ? -1 : deadline_ms - kv_now(db);
}

static kv_status set_for(const char *key, const char *field, int64_t ttl_ms, unsigned flags)
{
    kv_hsetex_options options = KV_OPTIONS(kv_hsetex_options);
    kv_slice pair[2] = {K(field), K("v")};
    options.ttl_ms = ttl_ms;
    options.flags = flags;
    return kv_hsetex(db, K(key), pair, 1, &options);
}

/* Both forms of a hash: few fields, and many. */
static const int sizes[] = {10, 700};

START_TEST(a_field_goes_at_its_deadline_and_not_before)
{
    kv_statistics statistics = KV_OPTIONS(kv_statistics);
    uint64_t length;
    set_many("h", sizes[_i]);
    ck_assert_int_eq(expire("h", 100, 0, "1 2 x"), KV_OK);
    ck_assert_visited("1 1 -2");
    ck_assert_int_eq(ttl_of("h", "1"), 100);
    ck_assert_int_eq(ttl_of("h", "3"), -1);
    ck_assert_int_eq(ttl_of("h", "x"), -2);
    fixture_pass(&fx, 99);
    ck_assert_int_eq(kv_hexists(db, K("h"), K("1")), KV_OK);
    fixture_pass(&fx, 1);
    ck_assert_int_eq(kv_hexists(db, K("h"), K("1")), KV_NONE);
    (void)kv_hlen(db, K("h"), &length);
    ck_assert_uint_eq(length, (uint64_t)sizes[_i] - 2);
    ck_assert_int_eq(ttl_of("h", "1"), -2);
    (void)kv_stats(db, &statistics);
    ck_assert_uint_eq(statistics.expired_fields, 2);
    ck_assert_uint_eq(statistics.keys_with_ttl, 0);
    kv_check(db);
}
END_TEST

START_TEST(a_tick_reclaims_fields_and_says_so)
{
    struct notes notes;
    set_many("h", sizes[_i]);
    (void)expire("h", 100, 0, "1");
    (void)expire("h", 5000, 0, "2");
    ck_assert_int_le(kv_next_deadline(db), kv_now(db) + 100);
    notes_begin(&notes, db);
    fixture_pass(&fx, 100);
    ck_assert_int_eq(kv_tick(db, 0), KV_OK);
    notes_expect(&notes, "expired 0 HDEL h 1;\n");
    kv_check(db);
    int64_t due_ms = kv_now(db) + 4900;
    while (kv_next_deadline(db) < due_ms) {
        fixture_pass(&fx, kv_next_deadline(db) - kv_now(db));
        ck_assert_int_eq(kv_tick(db, 0), KV_OK);
        notes_expect(&notes, "");
    }
    fixture_pass(&fx, due_ms - kv_now(db));
    ck_assert_int_eq(kv_tick(db, 0), KV_OK);
    notes_expect(&notes, "expired 0 HDEL h 2;\n");
    ck_assert_int_eq(kv_next_deadline(db), KV_NEVER);
    notes_end(&notes);
    kv_check(db);
}
END_TEST

START_TEST(the_key_goes_with_its_last_field)
{
    uint64_t count;
    set_many("h", sizes[_i]);
    for (int i = 0; i < sizes[_i]; i++) {
        char field[16];
        snprintf(field, sizeof field, "%d", i);
        (void)expire("h", 100 + i, 0, field);
    }
    visited[0] = 0;
    ck_assert_int_eq(kv_copy(db, K("h"), db, K("copy"), true), KV_OK);
    fixture_pass(&fx, 98 + sizes[_i]);
    /* Nobody has looked yet. */
    kv_type type;
    ck_assert_int_eq(kv_type_of(db, K("h"), &type), KV_OK);
    fixture_pass(&fx, 1);
    ck_assert_int_eq(kv_type_of(db, K("h"), &type), KV_NONE);
    ck_assert_key(db, "h", "-");
    kv_check(db);
    ck_assert_int_eq(kv_tick(db, 0), KV_OK);
    (void)kv_count(db, &count);
    ck_assert_uint_eq(count, 0);
    kv_check(db);
}
END_TEST

static bool count_key(void *context, kv_slice key)
{
    (void)key;
    ++*(int *)context;
    return true;
}

START_TEST(a_hash_of_nothing_but_expired_fields_is_not_there)
{
    int seen = 0;
    kv_buffer key = {0};
    set_many("h", sizes[_i]);
    set_many("i", sizes[_i]);
    for (int i = 0; i < sizes[_i]; i++) {
        char field[16];
        snprintf(field, sizeof field, "%d", i);
        (void)expire("h", 100, 0, field);
        if (i > 0) (void)expire("i", 100, 0, field);
    }
    visited[0] = 0;
    fixture_pass(&fx, 100);
    ck_assert_int_eq(kv_keys(db, K("*"), count_key, &seen), KV_OK);
    ck_assert_int_eq(seen, 1);
    ck_assert_int_eq(kv_randomkey(db, &key), KV_OK);
    ck_assert_int_eq(memcmp(key.data, "i", 1), 0);
    ck_assert_key(db, "i", "[0:v]");
    kv_slice one = K("h");
    uint64_t removed = 7;
    ck_assert_int_eq(kv_del(db, &one, 1, &removed), KV_OK);
    ck_assert_uint_eq(removed, 0);
    kv_buffer_free(&key);
    kv_check(db);
}
END_TEST

START_TEST(conditions_are_about_the_old_deadline)
{
    set_many("h", sizes[_i]);
    (void)expire("h", 1000, 0, "1 2");
    visited[0] = 0;
    (void)expire("h", 500, KV_EXPIRE_NX, "1 3 x");
    ck_assert_visited("0 1 -2");
    (void)expire("h", 2000, KV_EXPIRE_XX, "1 4");
    ck_assert_visited("1 0");
    (void)expire("h", 1500, KV_EXPIRE_GT, "1 2 4");
    ck_assert_visited("0 1 0");
    (void)expire("h", 1200, KV_EXPIRE_LT, "1 2 4 3");
    ck_assert_visited("1 1 1 0");
    ck_assert_int_eq(ttl_of("h", "1"), 1200);
    ck_assert_int_eq(ttl_of("h", "2"), 1200);
    ck_assert_int_eq(ttl_of("h", "3"), 500);
    ck_assert_int_eq(ttl_of("h", "4"), 1200);
    ck_assert_int_eq(expire("h", 5, KV_EXPIRE_NX | KV_EXPIRE_XX, "1"), KV_BADARG);
    (void)expire("h", 700, KV_EXPIRE_NX, "5 5");
    ck_assert_visited("1 0");
    (void)expire("h", -1, KV_EXPIRE_XX, "1 6 1 x");
    ck_assert_visited("2 0 -2 -2");
    ck_assert_int_eq(expire("none", 5, 0, "1 2"), KV_NONE);
    ck_assert_visited("-2 -2");
    (void)expire("h", 0, 0, "2 6 x 2");
    ck_assert_visited("1 -1 -2 -1");
    kv_check(db);
}
END_TEST

START_TEST(setting_ends_a_deadline_and_adding_does_not)
{
    set_many("h", sizes[_i]);
    kv_slice pair[2] = {K("1"), K("5")};
    (void)expire("h", 1000, 0, "1 2 3");
    (void)kv_hset(db, K("h"), pair, 1, NULL);
    ck_assert_int_eq(ttl_of("h", "1"), -1);
    (void)expire("h", 1000, 0, "1");
    (void)kv_hincrby(db, K("h"), K("1"), 1, NULL);
    (void)kv_hincrbyfloat(db, K("h"), K("1"), K("0.5"), NULL);
    ck_assert_int_eq(ttl_of("h", "1"), 1000);
    (void)set_for("h", "2", 0, KV_KEEP_TTL);
    ck_assert_int_eq(ttl_of("h", "2"), 1000);
    (void)set_for("h", "2", 300, 0);
    ck_assert_int_eq(ttl_of("h", "2"), 300);
    (void)set_for("h", "2", 0, 0);
    ck_assert_int_eq(ttl_of("h", "2"), -1);
    kv_check(db);
}
END_TEST

START_TEST(hsetex_has_conditions_and_deadlines)
{
    ck_assert_int_eq(set_for("h", "a", 100, KV_IF_PRESENT), KV_SKIPPED);
    ck_assert_key(db, "h", "-");
    ck_assert_int_eq(set_for("h", "a", 100, KV_IF_ABSENT), KV_OK);
    ck_assert_int_eq(set_for("h", "a", 200, KV_IF_ABSENT), KV_SKIPPED);
    ck_assert_int_eq(set_for("h", "a", 200, KV_IF_PRESENT), KV_OK);
    ck_assert_int_eq(ttl_of("h", "a"), 200);
    ck_assert_int_eq(set_for("h", "a", 100, KV_KEEP_TTL), KV_BADARG);
    ck_assert_int_eq(set_for("h", "a", 100, KV_IF_PRESENT | KV_IF_ABSENT), KV_BADARG);
    ck_assert_int_eq(set_for("h", "a", -1, 0), KV_BADARG);
    kv_hsetex_options options = KV_OPTIONS(kv_hsetex_options);
    kv_slice pairs[4] = {K("a"), K("1"), K("b"), K("2")};
    options.deadline_ms = kv_now(db) - 1;
    (void)set("h", "c 3", NULL);
    ck_assert_int_eq(kv_hsetex(db, K("h"), pairs, 2, &options), KV_OK);
    ck_assert_key(db, "h", "[c:3]");
    ck_assert_int_eq(kv_hsetex(db, K("new"), pairs, 2, &options), KV_OK);
    ck_assert_key(db, "new", "-");
    options.deadline_ms = 0;
    options.flags = KV_IF_PRESENT;
    pairs[2] = K("c");
    ck_assert_int_eq(kv_hsetex(db, K("h"), pairs, 2, &options), KV_SKIPPED);
    options.flags = KV_IF_ABSENT;
    ck_assert_int_eq(kv_hsetex(db, K("h"), pairs, 2, &options), KV_SKIPPED);
    kv_check(db);
}
END_TEST

START_TEST(hgetex_reads_and_sets_deadlines)
{
    kv_getex_options options = KV_OPTIONS(kv_getex_options);
    kv_slice fields[2] = {K("a"), K("x")};
    (void)set("h", "a 1 b 2", NULL);
    ck_assert_int_eq(kv_hgetex(db, K("h"), fields, 2, NULL, note_value, NULL), KV_OK);
    ck_assert_visited("0:1 1:-");
    options.ttl_ms = 100;
    ck_assert_int_eq(kv_hgetex(db, K("h"), fields, 2, &options, note_value, NULL), KV_OK);
    ck_assert_visited("0:1 1:-");
    ck_assert_int_eq(ttl_of("h", "a"), 100);
    options.ttl_ms = 0;
    options.flags = KV_PERSIST;
    ck_assert_int_eq(kv_hgetex(db, K("h"), fields, 2, &options, note_value, NULL), KV_OK);
    ck_assert_visited("0:1 1:-");
    ck_assert_int_eq(ttl_of("h", "a"), -1);
    options.flags = 0;
    options.deadline_ms = 5;
    ck_assert_int_eq(kv_hgetex(db, K("h"), fields, 2, &options, note_value, NULL), KV_OK);
    ck_assert_visited("0:1 1:-");
    ck_assert_key(db, "h", "[b:2]");
    ck_assert_int_eq(kv_hgetex(db, K("none"), fields, 2, &options, note_value, NULL), KV_OK);
    ck_assert_visited("0:- 1:-");
    options.ttl_ms = 5;
    ck_assert_int_eq(kv_hgetex(db, K("h"), fields, 2, &options, note_value, NULL), KV_BADARG);
}
END_TEST

START_TEST(deadlines_go_where_their_hash_goes)
{
    set_many("h", sizes[_i]);
    (void)expire("h", 1000, 0, "1");
    ck_assert_int_eq(kv_copy(db, K("h"), db, K("copy"), false), KV_OK);
    ck_assert_int_eq(kv_rename(db, K("h"), K("i")), KV_OK);
    ck_assert_int_eq(kv_move(db, K("i"), kv_select(db, 1)), KV_OK);
    ck_assert_int_eq(ttl_of("copy", "1"), 1000);
    kv_check(db);
    fixture_pass(&fx, 1000);
    ck_assert_int_eq(kv_tick(db, 0), KV_OK);
    ck_assert_int_eq(kv_hexists(db, K("copy"), K("1")), KV_NONE);
    ck_assert_int_eq(kv_hexists(kv_select(db, 1), K("i"), K("1")), KV_NONE);
    ck_assert_int_eq(kv_hexists(db, K("copy"), K("2")), KV_OK);
    kv_check(db);
}
END_TEST

START_TEST(a_key_has_its_own_deadline_beside_those_of_its_fields)
{
    int64_t ttl_ms;
    kv_statistics statistics = KV_OPTIONS(kv_statistics);
    set_many("h", sizes[_i]);
    (void)expire("h", 1000, 0, "1");
    ck_assert_int_eq(kv_ttl(db, K("h"), &ttl_ms), KV_OK);
    ck_assert_int_eq(ttl_ms, KV_NEVER);
    ck_assert_int_eq(kv_expire(db, K("h"), 5000, 0), KV_OK);
    (void)kv_ttl(db, K("h"), &ttl_ms);
    ck_assert_int_eq(ttl_ms, 5000);
    (void)kv_stats(db, &statistics);
    ck_assert_uint_eq(statistics.keys_with_ttl, 1);
    ck_assert_int_eq(kv_persist(db, K("h")), KV_OK);
    ck_assert_int_eq(kv_persist(db, K("h")), KV_SKIPPED);
    ck_assert_int_eq(ttl_of("h", "1"), 1000);
    (void)kv_expire(db, K("h"), 500, 0);
    kv_check(db);
    fixture_pass(&fx, 500);
    ck_assert_int_eq(kv_hexists(db, K("h"), K("2")), KV_NONE);
    kv_check(db);
    set_many("h", sizes[_i]);
    (void)expire("h", 500, 0, "1");
    (void)kv_expire(db, K("h"), 700, 0);
    fixture_pass(&fx, 600);
    ck_assert_int_eq(kv_tick(db, 0), KV_OK);
    (void)kv_ttl(db, K("h"), &ttl_ms);
    ck_assert_int_eq(ttl_ms, 100);
    kv_check(db);
    fixture_pass(&fx, 100);
    ck_assert_int_eq(kv_tick(db, 0), KV_OK);
    ck_assert_key(db, "h", "-");
    kv_check(db);
}
END_TEST

START_TEST(many_fields_that_are_due_at_once_go_in_slices)
{
    kv_hsetex_options options = KV_OPTIONS(kv_hsetex_options);
    options.ttl_ms = 50;
    for (int i = 0; i < 5000; i++) {
        char field[16];
        snprintf(field, sizeof field, "%d", i);
        kv_slice pair[2] = {K(field), K("v")};
        MUST(kv_hsetex(db, K("h"), pair, 1, &options) == KV_OK);
    }
    uint64_t length;
    (void)set("h", "stays 1", NULL);
    fixture_pass(&fx, 50);
    ck_assert_int_eq(kv_tick(db, 0), KV_OK);
    (void)kv_hlen(db, K("h"), &length);
    ck_assert_uint_eq(length, 1);
    kv_check(db);
}
END_TEST

START_TEST(a_watched_hash_changes_as_a_field_expires)
{
    kv_watch *watch;
    kv *txn;
    kv_txn_options options = KV_OPTIONS(kv_txn_options);
    kv_slice key = K("h");
    set_many("h", sizes[_i]);
    (void)expire("h", 1000, 0, "1");
    (void)expire("h", 2000, 0, "2");
    ck_assert_int_eq(kv_watch_open(db, &watch), KV_OK);
    options.keys = &key;
    options.key_count = 1;
    options.watch = watch;
    ck_assert_int_eq(kv_watch_add(watch, db, key), KV_OK);
    fixture_pass(&fx, 999);
    ck_assert_int_eq(kv_begin(db, &options, &txn), KV_OK);
    ck_assert_int_eq(kv_commit(txn), KV_OK);
    fixture_pass(&fx, 1);
    ck_assert_int_eq(kv_begin(db, &options, &txn), KV_CONFLICT);
    kv_watch_reset(watch);
    ck_assert_int_eq(kv_watch_add(watch, db, key), KV_OK);
    fixture_pass(&fx, 999);
    ck_assert_int_eq(kv_begin(db, &options, &txn), KV_OK);
    ck_assert_int_eq(kv_commit(txn), KV_OK);
    kv_watch_close(watch);
}
END_TEST

START_TEST(the_journal_has_deadlines_as_instants)
{
    struct notes notes;
    char expected[200];
    set_many("h", 3);
    notes_begin(&notes, db);
    long long then_ms = (long long)kv_now(db) + 100;
    (void)expire("h", 100, 0, "1 x 2");
    snprintf(expected, sizeof expected, "0 HPEXPIREAT h %lld FIELDS 2 1 2;\n", then_ms);
    notes_expect(&notes, expected);
    (void)set_for("h", "1", 100, 0);
    snprintf(expected, sizeof expected, "0 HSETEX h PXAT %lld FIELDS 1 1 v;\n", then_ms);
    notes_expect(&notes, expected);
    (void)set_for("h", "1", 0, KV_KEEP_TTL);
    notes_expect(&notes, "0 HSETEX h KEEPTTL FIELDS 1 1 v;\n");
    (void)set_for("h", "0", 0, 0);
    notes_expect(&notes, "0 HSET h 0 v;\n");
    (void)expire("h", 0, 0, "0 1 x");
    notes_expect(&notes, "0 HPERSIST h FIELDS 1 1;\n");
    (void)expire("h", 100, KV_EXPIRE_XX, "0");
    notes_expect(&notes, "");
    (void)expire("h", -1, 0, "0 x");
    notes_expect(&notes, "0 HDEL h 0;\n");
    kv_slice two[2] = {K("2"), K("5")};
    (void)kv_hset(db, K("h"), two, 1, NULL);
    (void)expire("h", 100, 0, "2");
    notes.size = 0;
    notes.text[0] = 0;
    (void)kv_hincrbyfloat(db, K("h"), K("2"), K("0.5"), NULL);
    notes_expect(&notes, "0 HSETEX h KEEPTTL FIELDS 1 2 5.5;\n");
    notes_end(&notes);
}
END_TEST

START_TEST(without_expiry_fields_stay_whatever_their_deadline)
{
    kv_field_result result;
    kv_slice field = K("1");
    set_many("h", sizes[_i]);
    ck_assert_int_eq(kv_configure(db, KV_SETTING_EXPIRE, 0), KV_OK);
    ck_assert_int_eq(kv_hexpire_at(db, K("h"), 5, 0, &field, 1, &result), KV_OK);
    ck_assert_int_eq(result, KV_FIELD_DONE);
    ck_assert_int_eq(kv_tick(db, 0), KV_OK);
    ck_assert_int_eq(kv_hexists(db, K("h"), K("1")), KV_OK);
    ck_assert_int_eq(kv_configure(db, KV_SETTING_EXPIRE, 1), KV_OK);
    ck_assert_int_eq(kv_hexists(db, K("h"), K("1")), KV_NONE);
    kv_check(db);
}
END_TEST

START_TEST(fields_that_are_past_are_hidden_and_stay)
{
    kv_field_result result;
    kv_slice field = K("1");
    kv *applier;
    uint64_t before, after;
    set_many("h", sizes[_i]);
    ck_assert_int_eq(kv_hlen(db, K("h"), &before), KV_OK);
    ck_assert_int_eq(kv_view_open(db, &applier), KV_OK);
    kv_view_expires(applier, false);
    ck_assert_int_eq(kv_configure(db, KV_SETTING_EXPIRE, 2), KV_OK);
    ck_assert_int_eq(kv_hexpire_at(applier, K("h"), 5, 0, &field, 1, &result), KV_OK);
    ck_assert_int_eq(kv_hexists(db, K("h"), field), KV_NONE);
    (void)kv_hlen(db, K("h"), &after);
    ck_assert_uint_eq(after, before - 1);
    uint64_t version;
    ck_assert_int_eq(kv_version_of(db, K("h"), &version), KV_OK);
    kv *txn;
    kv_txn_options all = KV_OPTIONS(kv_txn_options);
    all.flags = KV_TXN_ALL;
    ck_assert_int_eq(kv_begin(db, &all, &txn), KV_OK);
    ck_assert_int_eq(kv_hexists(txn, K("h"), field), KV_NONE);
    ck_assert_int_eq(kv_hexists(txn, K("h"), field), KV_NONE);
    ck_assert_int_eq(kv_commit(txn), KV_OK);
    ck_assert_int_eq(kv_copy(db, K("h"), NULL, K("copy"), false), KV_OK);
    ck_assert_int_eq(kv_hlen(applier, K("copy"), &after), KV_OK);
    ck_assert_uint_eq(after, before - 1);
    ck_assert_int_eq(kv_hlen(applier, K("h"), &after), KV_OK);
    ck_assert_uint_eq(after, before);
    ck_assert_int_eq(kv_hexists(applier, K("h"), field), KV_OK);
    kv_view_close(applier);
    kv_check(db);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hash");
    TCase *tcase = tcase_create("hash");
    tcase_add_checked_fixture(tcase, setup, teardown);
    const TTest *const tests[] = {
        fields_are_set_and_had,
        hsetnx_sets_what_is_not_there,
        lengths_and_presence,
        the_last_field_takes_the_key_with_it,
        numbers_are_added_to,
        all_fields_are_told_after_their_number,
        random_fields_are_those_there,
        a_scan_meets_each_field,
        limits_decide_the_encoding,
        another_type_is_refused,
        a_hash_is_renamed_copied_and_moved_as_it_is,
        the_journal_says_what_was_done,
        changes_are_counted_as_redis_counts_them,
        hsetex_has_conditions_and_deadlines,
        hgetex_reads_and_sets_deadlines,
        many_fields_that_are_due_at_once_go_in_slices,
        the_journal_has_deadlines_as_instants,
    };
    const TTest *const both[] = {
        a_field_goes_at_its_deadline_and_not_before,
        a_tick_reclaims_fields_and_says_so,
        the_key_goes_with_its_last_field,
        a_hash_of_nothing_but_expired_fields_is_not_there,
        conditions_are_about_the_old_deadline,
        setting_ends_a_deadline_and_adding_does_not,
        deadlines_go_where_their_hash_goes,
        a_key_has_its_own_deadline_beside_those_of_its_fields,
        a_watched_hash_changes_as_a_field_expires,
        without_expiry_fields_stay_whatever_their_deadline,
        fields_that_are_past_are_hidden_and_stay,
    };
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) tcase_add_test(tcase, tests[i]);
    for (size_t i = 0; i < sizeof both / sizeof *both; i++)
        tcase_add_loop_test(tcase, both[i], 0, sizeof sizes / sizeof *sizes);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
