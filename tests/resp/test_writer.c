/*
 * tests/resp/test_writer.c -- resp/writer, resp/reply_tree, resp/text: replies written and read
 * back.
 */
#include "resp/writer.h"

#include "server.h"

#include <limits.h>
#include <math.h>

static struct writer writer;

static void setup(void)
{
    writer = (struct writer){.protocol = 2};
}

static void teardown(void)
{
    writer_free(&writer);
}

static void assert_wrote(const char *expected)
{
    kv_slice wrote = kv_bytes(writer.bytes + writer.start, writer.size - writer.start);
    ck_assert_msg(text_equal(wrote, kv_text(expected)), "\"%.*s\" is not \"%s\"", (int)wrote.size,
                  (const char *)wrote.data, expected);
    ck_assert(!writer.failed);
    writer.size = writer.start;
}

/*
 * ---------------------------------------------------------------------------------------- numbers
 */

static const int64_t integers[] = {0,
                                   1,
                                   9,
                                   10,
                                   11,
                                   99,
                                   100,
                                   101,
                                   -1,
                                   -9,
                                   -10,
                                   -100,
                                   1000,
                                   12345,
                                   1234567890,
                                   INT64_MAX,
                                   INT64_MIN,
                                   INT64_MAX - 1,
                                   INT64_MIN + 1,
                                   9999999999,
                                   10000000000};

START_TEST(integers_are_written_as_printf_does_and_read_back)
{
    char expected[32];
    uint8_t text[TEXT_INTEGER_SIZE + 1];
    int64_t value = integers[_i], back;
    int size = snprintf(expected, sizeof expected, "%lld", (long long)value);
    ck_assert_int_eq(text_write_integer(text, value) - text, size);
    ck_assert_mem_eq(text, expected, (size_t)size);
    ck_assert(text_parse_integer(kv_bytes(text, (size_t)size), &back));
    ck_assert_int_eq(back, value);
}
END_TEST

static const char *const no_integers[] = {"",
                                          "-",
                                          "+1",
                                          "01",
                                          "-0",
                                          "-01",
                                          " 1",
                                          "1 ",
                                          "1.0",
                                          "1e3",
                                          "0x1",
                                          "9223372036854775808",
                                          "-9223372036854775809",
                                          "18446744073709551616",
                                          "99999999999999999999",
                                          "100000000000000000000",
                                          "1\n"};

START_TEST(integers_have_one_form)
{
    int64_t value = 42;
    ck_assert(!text_parse_integer(kv_text(no_integers[_i]), &value));
    ck_assert_int_eq(value, 42);
}
END_TEST

/*
 * ---------------------------------------------------------------------------------------- replies
 */

static void write_each_kind(void)
{
    writer_simple(&writer, "fine");
    writer_ok(&writer);
    writer_integer(&writer, -42);
    writer_bulk(&writer, kv_text("a\r\nb"));
    writer_bulk(&writer, kv_text(""));
    writer_null(&writer);
    writer_null_array(&writer);
    writer_array(&writer, 0);
    writer_map(&writer, 1);
    writer_set(&writer, 2);
    writer_push(&writer, 3);
    writer_double(&writer, 0.1);
    writer_boolean(&writer, true);
    writer_big_number(&writer, kv_text("12345678901234567890"));
    writer_verbatim(&writer, "txt", kv_text("words"));
}

START_TEST(resp2_has_what_redis_makes_of_each_kind)
{
    write_each_kind();
    assert_wrote(
        "+fine\r\n+OK\r\n:-42\r\n$4\r\na\r\nb\r\n$0\r\n\r\n$-1\r\n*-1\r\n*0\r\n*2\r\n*2\r\n*3\r\n"
        "$3\r\n0.1\r\n:1\r\n$20\r\n12345678901234567890\r\n$5\r\nwords\r\n");
}
END_TEST

START_TEST(resp3_has_a_mark_for_each_kind)
{
    writer.protocol = 3;
    write_each_kind();
    assert_wrote(
        "+fine\r\n+OK\r\n:-42\r\n$4\r\na\r\nb\r\n$0\r\n\r\n_\r\n_\r\n*0\r\n%1\r\n~2\r\n>3\r\n"
        ",0.1\r\n#t\r\n(12345678901234567890\r\n=9\r\ntxt:words\r\n");
}
END_TEST

START_TEST(errors_are_one_line)
{
    writer_error(&writer, kv_text("ERR two\r\nlines\r\n"));
    assert_wrote("-ERR two  lines\r\n");
}
END_TEST

START_TEST(a_count_may_come_after_its_members)
{
    writer_integer(&writer, 1);
    size_t began = writer_begin_deferred(&writer);
    for (int i = 0; i < 12; i++) writer_integer(&writer, i % 10);
    writer_end_deferred(&writer, began, '*', 12);
    assert_wrote(
        ":1\r\n*12\r\n:0\r\n:1\r\n:2\r\n:3\r\n:4\r\n:5\r\n:6\r\n:7\r\n:8\r\n:9\r\n:0\r\n:1\r\n");
}
END_TEST

/* Also when the writer has moved what was sent out of the way in between. */
START_TEST(a_count_finds_its_place_after_the_bytes_moved)
{
    char *big = calloc(1, 5000);
    memset(big, 'x', 5000);
    for (int i = 0; i < 100; i++) writer_bulk(&writer, kv_text("sent"));
    writer.start = writer.size;
    writer_simple(&writer, "kept");
    size_t began = writer_begin_deferred(&writer);
    writer_bulk(&writer, kv_bytes(big, 5000));
    writer_end_deferred(&writer, began, '%', 1);
    ck_assert_mem_eq(writer.bytes + writer.start, "+kept\r\n*2\r\n$5000\r\nxxx", 21);
    ck_assert_uint_eq(writer.size - writer.start, 7 + 4 + 7 + 5000 + 2);
    free(big);
}
END_TEST

START_TEST(a_writer_without_memory_remembers_it)
{
    ck_assert_ptr_null(writer_reserve(&writer, SIZE_MAX / 2));
    ck_assert(writer.failed);
    ck_assert_uint_eq(writer.size, 0);
}
END_TEST

/*
 * ------------------------------------------------------------------------------------------ trees
 */

START_TEST(what_is_written_is_read_as_a_tree)
{
    kvresp_reply *reply;
    size_t used;
    writer.protocol = 3;
    writer_map(&writer, 2);
    writer_bulk(&writer, kv_text("list"));
    writer_array(&writer, 3);
    writer_integer(&writer, -7);
    writer_null(&writer);
    writer_double(&writer, 2.5);
    writer_simple(&writer, "set");
    writer_set(&writer, 1);
    writer_verbatim(&writer, "txt", kv_text("words"));
    size_t whole = writer.size;
    writer_ok(&writer); /* another reply, not looked at */

    for (size_t size = 0; size < whole; size++)
        ck_assert_int_eq(kvresp_reply_parse(kv_bytes(writer.bytes, size), &reply, &used), KV_MORE);
    ck_assert_int_eq(kvresp_reply_parse(kv_bytes(writer.bytes, writer.size), &reply, &used), KV_OK);
    ck_assert_uint_eq(used, whole);
    ck_assert_int_eq(reply->kind, KVRESP_MAP);
    ck_assert_uint_eq(reply->count, 4);
    kvresp_reply *list = &reply->elements[1], *set = &reply->elements[3];
    ck_assert_int_eq(list->kind, KVRESP_ARRAY);
    ck_assert_int_eq(list->elements[0].integer, -7);
    ck_assert_int_eq(list->elements[1].kind, KVRESP_NULL);
    ck_assert_double_eq(list->elements[2].number, 2.5);
    ck_assert_int_eq(set->kind, KVRESP_SET);
    ck_assert_int_eq(set->elements[0].kind, KVRESP_VERBATIM);
    ck_assert(text_equal(set->elements[0].text, kv_text("words")));
    kvresp_reply_free(reply);
}
END_TEST

static const struct {
    const char *text;
    kvresp_kind kind;
} replies[] = {
    {"+OK\r\n", KVRESP_SIMPLE},
    {"-ERR x\r\n", KVRESP_ERROR},
    {":-1\r\n", KVRESP_INTEGER},
    {"$0\r\n\r\n", KVRESP_BULK},
    {"$-1\r\n", KVRESP_NULL},
    {"*-1\r\n", KVRESP_NULL},
    {"_\r\n", KVRESP_NULL},
    {"*0\r\n", KVRESP_ARRAY},
    {"%0\r\n", KVRESP_MAP},
    {"~0\r\n", KVRESP_SET},
    {">0\r\n", KVRESP_PUSH},
    {",inf\r\n", KVRESP_DOUBLE},
    {",nan\r\n", KVRESP_DOUBLE},
    {"#f\r\n", KVRESP_BOOLEAN},
    {"(123\r\n", KVRESP_BIG_NUMBER},
    {"=4\r\ntxt:\r\n", KVRESP_VERBATIM},
    {"!3\r\nERR\r\n", KVRESP_BULK_ERROR},
};

START_TEST(each_kind_of_reply_is_known)
{
    kvresp_reply *reply;
    ck_assert_int_eq(kvresp_reply_parse(kv_text(replies[_i].text), &reply, NULL), KV_OK);
    ck_assert_int_eq(reply->kind, replies[_i].kind);
    kvresp_reply_free(reply);
}
END_TEST

START_TEST(attributes_belong_to_the_reply_after_them)
{
    kv_slice text =
        KV_TEXT("|1\r\n+a\r\n:1\r\n|1\r\n+b\r\n:2\r\n*2\r\n|0\r\n+x\r\n:7\r\n+next\r\n");
    kvresp_reply *reply;
    size_t used;
    ck_assert_int_eq(kvresp_reply_parse(text, &reply, &used), KV_OK);
    ck_assert_uint_eq(used, text.size - strlen("+next\r\n"));
    ck_assert_int_eq(reply->kind, KVRESP_ARRAY);
    ck_assert_uint_eq(reply->count, 2);
    ck_assert_int_eq(reply->attributes->kind, KVRESP_ATTRIBUTE);
    ck_assert_uint_eq(reply->attributes->count, 4);
    ck_assert_int_eq(reply->attributes->elements[3].integer, 2);
    ck_assert_int_eq(reply->elements[0].kind, KVRESP_SIMPLE);
    ck_assert_uint_eq(reply->elements[0].attributes->count, 0);
    ck_assert_int_eq(reply->elements[1].integer, 7);
    ck_assert_ptr_null(reply->elements[1].attributes);
    kvresp_reply_free(reply);
    /* Without the reply they tell of they are not complete, wherever they are cut. */
    for (size_t size = 0; size < used; size++)
        ck_assert_int_eq(kvresp_reply_parse(kv_bytes(text.data, size), &reply, NULL), KV_MORE);
}
END_TEST

static const char *const no_replies[] = {
    "x\r\n",           ":x\r\n",          "$x\r\n",    "$-2\r\n",    "$1\r\nab\r\n",
    "*-2\r\n",         "%-1\r\n",         "#x\r\n",    ",x\r\n",     "=3\r\nabc\r\n",
    "=5\r\ntxt-x\r\n", "*2147483648\r\n", "+a\rb\r\n", "*1\r\n?\r\n"};

START_TEST(what_is_no_reply_is_refused)
{
    kvresp_reply *reply;
    ck_assert_int_eq(kvresp_reply_parse(kv_text(no_replies[_i]), &reply, NULL), KV_BADARG);
}
END_TEST

START_TEST(a_reply_nested_without_end_is_refused)
{
    enum { DEPTH = 10000 };
    char *text = malloc(DEPTH * 4 + 1);
    kvresp_reply *reply;
    for (int i = 0; i < DEPTH; i++) memcpy(text + 4 * i, "*1\r\n", 4);
    ck_assert_int_eq(kvresp_reply_parse(kv_bytes(text, DEPTH * 4), &reply, NULL), KV_BADARG);
    free(text);
}
END_TEST

START_TEST(an_announced_count_costs_nothing_before_it_comes)
{
    kvresp_reply *reply;
    ck_assert_int_eq(kvresp_reply_parse(kv_text("*2147483647\r\n:1\r\n"), &reply, NULL), KV_MORE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("writer");
    TCase *tests = tcase_create("writer");
    tcase_set_timeout(tests, 60); /* on a busy machine, with sanitizers */
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, integers_are_written_as_printf_does_and_read_back, 0,
                        sizeof integers / sizeof *integers);
    tcase_add_loop_test(tests, integers_have_one_form, 0, sizeof no_integers / sizeof *no_integers);
    tcase_add_test(tests, resp2_has_what_redis_makes_of_each_kind);
    tcase_add_test(tests, resp3_has_a_mark_for_each_kind);
    tcase_add_test(tests, errors_are_one_line);
    tcase_add_test(tests, a_count_may_come_after_its_members);
    tcase_add_test(tests, a_count_finds_its_place_after_the_bytes_moved);
    tcase_add_test(tests, a_writer_without_memory_remembers_it);
    tcase_add_test(tests, what_is_written_is_read_as_a_tree);
    tcase_add_test(tests, attributes_belong_to_the_reply_after_them);
    tcase_add_loop_test(tests, each_kind_of_reply_is_known, 0, sizeof replies / sizeof *replies);
    tcase_add_loop_test(tests, what_is_no_reply_is_refused, 0,
                        sizeof no_replies / sizeof *no_replies);
    tcase_add_test(tests, a_reply_nested_without_end_is_refused);
    tcase_add_test(tests, an_announced_count_costs_nothing_before_it_comes);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
