/*
 * tests/resp/test_aof_commands.c -- resp/aof_commands: a snapshot as commands that make the same
 * store, which makes the same commands.
 */
#include "resp/aof_commands.h"
#include "resp/aof_replay.h"
#include "resp/digest.h"
#include "resp/text.h"

#include "../unit.h"

#include <stdio.h>
#include <stdlib.h>

enum { DATABASES = 16, LARGE = 3000 };
static const int64_t later_ms = INT64_C(4102444800000);

static kv *db;

static void setup(void)
{
    ck_assert_int_eq(kv_open(NULL, &db), KV_OK);
}

static void teardown(void)
{
    kv_close(db);
}

static kv_status append(void *context, kv_slice bytes)
{
    return text_append(context, bytes);
}

/* The store as commands. */
static kv_buffer convert(kv *store)
{
    kv_buffer text = {0};
    struct aof_commands commands;
    ck_assert_int_eq(aof_commands_open(&commands, DATABASES, append, &text), KV_OK);
    kv_snapshot_options options = KV_OPTIONS(kv_snapshot_options);
    kv_snapshot *snapshot;
    ck_assert_int_eq(kv_snapshot_begin(store, &options, aof_commands_take, &commands, &snapshot),
                     KV_OK);
    ck_assert_int_eq(kv_snapshot_step(snapshot, 0), KV_OK);
    ck_assert_int_eq(kv_snapshot_end(snapshot), KV_OK);
    aof_commands_close(&commands);
    return text;
}

/* Takes the next command off the text. */
static size_t parse(kv_slice *text, kv_slice *arguments)
{
    kvresp_reply *reply;
    size_t used;
    ck_assert_int_eq(kvresp_reply_parse(*text, &reply, &used), KV_OK);
    size_t count = reply->count;
    ck_assert_uint_le(count, 200);
    for (size_t i = 0; i < count; i++) arguments[i] = reply->elements[i].text;
    kvresp_reply_free(reply);
    *text = kv_bytes((const char *)text->data + used, text->size - used);
    return count;
}

/* Makes a store of commands. */
static kv *make(const kv_buffer *commands)
{
    kv *store;
    struct aof_replay *replay;
    ck_assert_int_eq(kv_open(NULL, &store), KV_OK);
    kv_configure(store, KV_SETTING_EXPIRE, 0);
    ck_assert_int_eq(aof_replay_open(store, &(struct aof_log){0}, &replay), KV_OK);
    kv_slice left = text_of_buffer(commands), arguments[200];
    while (left.size > 0) {
        struct aof_command command = {.arguments = arguments};
        command.argument_count = parse(&left, arguments);
        size_t failed;
        char why[AOF_WHY_SIZE] = "";
        kv_status status = aof_replay_apply(replay, &command, 1, &failed, why);
        ck_assert_msg(status == KV_OK, "%.*s: %s", (int)arguments[0].size,
                      (const char *)arguments[0].data, why);
    }
    aof_replay_close(replay);
    kv_configure(store, KV_SETTING_EXPIRE, 1);
    return store;
}

static struct digest digest_of(kv *store)
{
    struct digest digest;
    kv_txn_options options = KV_OPTIONS(kv_txn_options);
    options.flags = KV_TXN_ALL;
    kv *txn;
    ck_assert_int_eq(kv_begin(store, &options, &txn), KV_OK);
    ck_assert_int_eq(digest_of_store(txn, &digest), KV_OK);
    kv_commit(txn);
    return digest;
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The commands one a line, in an order that is the same whatever that of the keys was. */
static char *sorted(const kv_buffer *commands)
{
    kv_slice left = text_of_buffer(commands), arguments[200];
    char **lines = NULL;
    size_t count = 0;
    while (left.size > 0) {
        kv_buffer line = {0};
        size_t words = parse(&left, arguments);
        for (size_t i = 0; i < words; i++) text_append_quoted(&line, arguments[i]);
        lines = realloc(lines, (count + 1) * sizeof *lines);
        lines[count++] = text_duplicate(text_of_buffer(&line));
        kv_buffer_free(&line);
    }
    if (count > 0) qsort(lines, count, sizeof *lines, compare_lines);
    kv_buffer text = {0};
    for (size_t i = 0; i < count; i++) {
        text_append_string(&text, lines[i]);
        text_append_string(&text, "\n");
        free(lines[i]);
    }
    free(lines);
    text_append(&text, KV_BYTES("", 1));
    return text.data;
}

static void assert_same_again(void)
{
    kv_buffer text = convert(db);
    kv *copy = make(&text);
    struct digest wanted = digest_of(db), found = digest_of(copy);
    ck_assert_mem_eq(wanted.bytes, found.bytes, sizeof wanted.bytes);
    kv_buffer again = convert(copy);
    char *before = sorted(&text), *after = sorted(&again);
    ck_assert_str_eq(before, after);
    free(before);
    free(after);
    kv_buffer_free(&text);
    kv_buffer_free(&again);
    kv_close(copy);
}

static void assert_text(kv_slice expected)
{
    kv_buffer text = convert(db);
    ck_assert_msg(text_equal(text_of_buffer(&text), expected), "%.*s", (int)text.size,
                  (const char *)text.data);
    kv_buffer_free(&text);
}

START_TEST(an_empty_store_needs_no_command)
{
    assert_text(KV_TEXT(""));
}
END_TEST

START_TEST(strings_and_deadlines_are_as_redis_writes_them)
{
    kv_set_options timed = KV_OPTIONS(kv_set_options);
    timed.deadline_ms = later_ms;
    kv_set(kv_select(db, 3), KV_BYTES("k\0\r\n", 4), KV_TEXT(""), &timed);
    static const char expected[] = "*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n"
                                   "*3\r\n$3\r\nSET\r\n$4\r\nk\0\r\n\r\n$0\r\n\r\n"
                                   "*3\r\n$9\r\nPEXPIREAT\r\n$4\r\nk\0\r\n\r\n"
                                   "$13\r\n4102444800000\r\n";
    assert_text(kv_bytes(expected, sizeof expected - 1));
}
END_TEST

START_TEST(collections_of_any_size_come_back)
{
    char text[32];
    for (int i = 0; i < LARGE; i++) {
        snprintf(text, sizeof text, i % 3 == 0 ? "%d" : "element %d", i);
        kv_slice one = kv_text(text), pair[] = {one, one};
        kv_scored scored = {.member = one, .score = i * 0.1 - 100};
        const char *const names[] = {"s", "m", "l"};
        static const int sizes[] = {1, 64, LARGE};
        for (int j = 0; j < 3; j++) {
            if (i >= sizes[j]) continue;
            char key[16];
            kv *view = kv_select(db, (uint32_t)j);
            snprintf(key, sizeof key, "list %s", names[j]);
            ck_assert_int_eq(kv_rpush(view, kv_text(key), &one, 1, NULL), KV_OK);
            snprintf(key, sizeof key, "set %s", names[j]);
            ck_assert_int_eq(kv_sadd(view, kv_text(key), &one, 1, NULL), KV_OK);
            snprintf(key, sizeof key, "hash %s", names[j]);
            ck_assert_int_eq(kv_hset(view, kv_text(key), pair, 1, NULL), KV_OK);
            snprintf(key, sizeof key, "zset %s", names[j]);
            ck_assert_int_eq(kv_zadd(view, kv_text(key), &scored, 1, 0, NULL, NULL), KV_OK);
            snprintf(key, sizeof key, "key %d", i);
            ck_assert_int_eq(kv_set(view, kv_text(key), one, NULL), KV_OK);
        }
    }
    kv_buffer commands = convert(db);
    kv *copy = make(&commands);
    struct digest wanted = digest_of(db), found = digest_of(copy);
    ck_assert_mem_eq(wanted.bytes, found.bytes, sizeof wanted.bytes);
    kv_buffer_free(&commands);
    kv_close(copy);
}
END_TEST

START_TEST(deadlines_of_fields_and_members_come_back)
{
    kv_slice words[] = {KV_TEXT("a"), KV_TEXT("1"), KV_TEXT("b"), KV_TEXT("2")};
    kv_scored scored[] = {{.member = KV_TEXT("a"), .score = 1},
                          {.member = KV_TEXT("b"), .score = 2}};
    ck_assert_int_eq(kv_hset(db, KV_TEXT("h"), words, 2, NULL), KV_OK);
    ck_assert_int_eq(kv_sadd(db, KV_TEXT("s"), words, 4, NULL), KV_OK);
    ck_assert_int_eq(kv_zadd(db, KV_TEXT("z"), scored, 2, 0, NULL, NULL), KV_OK);
    ck_assert_int_eq(kv_hexpire_at(db, KV_TEXT("h"), later_ms, 0, words, 1, NULL), KV_OK);
    ck_assert_int_eq(kv_sexpire_at(db, KV_TEXT("s"), later_ms + 1, 0, words, 1, NULL), KV_OK);
    ck_assert_int_eq(kv_zexpire_at(db, KV_TEXT("z"), later_ms + 2, 0, words, 1, NULL), KV_OK);
    kv_buffer text = convert(db);
    char *lines = sorted(&text);
    ck_assert_has(lines, "\"HPEXPIREAT\"\"h\"\"4102444800000\"\"FIELDS\"\"1\"\"a\"\n");
    ck_assert_has(lines, "\"KV.SPEXPIREAT\"\"s\"\"4102444800001\"\"MEMBERS\"\"1\"\"a\"\n");
    ck_assert_has(lines, "\"KV.ZPEXPIREAT\"\"z\"\"4102444800002\"\"MEMBERS\"\"1\"\"a\"\n");
    free(lines);
    kv_buffer_free(&text);
    assert_same_again();
}
END_TEST

static bool ignore_entry(void *context, kv_stream_entry *entry)
{
    (void)context;
    (void)entry;
    return true;
}

START_TEST(streams_come_back_with_their_groups)
{
    kv_slice pair[] = {KV_TEXT("field"), KV_TEXT("value")};
    kv_xadd_options add = KV_OPTIONS(kv_xadd_options);
    add.how = KV_ID_GIVEN;
    kv_stream_id id;
    for (uint64_t i = 1; i <= 300; i++) {
        add.id = (kv_stream_id){1000 + i / 3, i};
        ck_assert_int_eq(kv_xadd(db, KV_TEXT("x"), pair, 1, &add, &id), KV_OK);
    }
    kv_xgroup_options group = KV_OPTIONS(kv_xgroup_options);
    group.has_read = true;
    ck_assert_int_eq(kv_xgroup_create(db, KV_TEXT("x"), KV_TEXT("g"), &group), KV_OK);
    ck_assert_int_eq(kv_xgroup_create(db, KV_TEXT("x"), KV_TEXT("h"), &group), KV_OK);
    ck_assert_int_eq(kv_xgroup_createconsumer(db, KV_TEXT("x"), KV_TEXT("g"), KV_TEXT("idle")),
                     KV_OK);
    kv_stream_from from = {.key = KV_TEXT("x"), .only_new = true};
    kv_xread_options reading = KV_OPTIONS(kv_xread_options);
    reading.count = 10;
    size_t failed;
    ck_assert_int_eq(kv_xreadgroup(db, KV_TEXT("g"), KV_TEXT("c"), &from, 1, &reading, NULL,
                                   ignore_entry, NULL, &failed),
                     KV_OK);
    kv_stream_id last = {1100, 300};
    ck_assert_int_eq(kv_xdel(db, KV_TEXT("x"), &last, 1, NULL), KV_OK);
    group.create_stream = true;
    group.has_read = false;
    ck_assert_int_eq(kv_xgroup_create(db, KV_TEXT("empty"), KV_TEXT("g"), &group), KV_OK);
    assert_same_again();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("aof_commands");
    TCase *tests = tcase_create("aof_commands");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, an_empty_store_needs_no_command);
    tcase_add_test(tests, strings_and_deadlines_are_as_redis_writes_them);
    tcase_add_test(tests, collections_of_any_size_come_back);
    tcase_add_test(tests, deadlines_of_fields_and_members_come_back);
    tcase_add_test(tests, streams_come_back_with_their_groups);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
