/*
 * tests/api/test_hash.c -- hashes: what each call promises. Against a model they are tested in
 * tests/engine/test_hash_value.c, against each other by the random calls of caller.h.
 */
#include "fixture.h"
#include "notes.h"

#include <string.h>

static struct fixture fx;
static kv *db;
static char visited[2000];
static kv_buffer buffer;

static void setup(void)
{
    fixture_open(&fx, 4);
    db = fx.db;
    visited[0] = 0;
}

static void teardown(void)
{
    kv_buffer_free(&buffer);
    fixture_close(&fx);
}

#define K(text) KV_TEXT(text)

static void write_word(const char *before, kv_slice word)
{
    size_t size = strlen(visited);
    snprintf(visited + size, sizeof visited - size, "%s%.*s", before, (int)word.size,
             word.size > 0 ? (const char *)word.data : "");
}

static bool note_field(void *context, kv_slice field, kv_slice value)
{
    size_t *left = context;
    write_word(visited[0] != 0 ? " " : "", field);
    write_word("=", value);
    return left == NULL || --*left > 0;
}

static bool note_value(void *context, size_t index, const kv_slice *value)
{
    (void)context;
    char number[32];
    snprintf(number, sizeof number, "%s%zu:", visited[0] != 0 ? " " : "", index);
    write_word(number, value != NULL ? *value : K("-"));
    return true;
}

static void note_begin(void *context, uint64_t count)
{
    (void)context;
    snprintf(visited, sizeof visited, "(%llu)", (unsigned long long)count);
}

#define ck_assert_visited(text)          \
    do {                                 \
        ck_assert_str_eq(visited, text); \
        visited[0] = 0;                  \
    } while (0)

/* Sets fields from words "field value field value". */
static kv_status set(const char *key, const char *words, uint64_t *added)
{
    char copy[1000], *rest = copy;
    kv_slice pairs[100];
    size_t count = 0;
    MUST(strlen(words) < sizeof copy);
    strcpy(copy, words);
    for (char *word; (word = strtok_r(rest, " ", &rest)) != NULL;) pairs[count++] = K(word);
    return kv_hset(db, K(key), pairs, count / 2, added);
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

static const char *encoding(const char *key)
{
    kv_object_info info = KV_OPTIONS(kv_object_info);
    MUST(kv_object(db, K(key), &info) == KV_OK);
    return info.encoding;
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
    ck_assert_int_eq(kv_hgetall(db, K("h"), note_begin, note_field, NULL), KV_OK);
    ck_assert_visited("(0)");
    (void)set("h", "a 1 b 2 c 3", NULL);
    ck_assert_int_eq(kv_hgetall(db, K("h"), note_begin, note_field, NULL), KV_OK);
    ck_assert_visited("(3) a=1 b=2 c=3");
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
    ck_assert_int_eq(kv_hrandfield(db, K("none"), -5, note_begin, note_field, NULL), KV_OK);
    ck_assert_visited("(0)");
    ck_assert_int_eq(kv_hrandfield(db, K("none"), INT64_MIN, NULL, note_field, NULL), KV_BADARG);
    for (int n = 30; n <= 700; n += 670) {
        int counts[700] = {0}, different = 0;
        set_many("h", n);
        ck_assert_int_eq(kv_hrandfield(db, K("h"), 20, note_begin, count_field, counts), KV_OK);
        ck_assert_visited("(20)");
        for (int i = 0; i < n; i++) {
            ck_assert_int_le(counts[i], 1);
            different += counts[i];
        }
        ck_assert_int_eq(different, 20);
        memset(counts, 0, sizeof counts);
        ck_assert_int_eq(kv_hrandfield(db, K("h"), 5000, note_begin, count_field, counts), KV_OK);
        visited[0] = 0;
        for (int i = 0; i < n; i++) ck_assert_int_eq(counts[i], 1);
        ck_assert_int_eq(kv_hrandfield(db, K("h"), -5000, note_begin, NULL, counts), KV_OK);
        ck_assert_visited("(5000)");
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
    ck_assert_str_eq(encoding("h"), "listpack");
    (void)set("h", "d 1", NULL);
    ck_assert_str_eq(encoding("h"), "hashtable");
    (void)set("i", "a 12345", NULL);
    ck_assert_str_eq(encoding("i"), "listpack");
    (void)set("i", "a 123456", NULL);
    ck_assert_str_eq(encoding("i"), "hashtable");
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
    };
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
