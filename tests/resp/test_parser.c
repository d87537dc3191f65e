/* tests/resp/test_parser.c -- resp/parser, resp/input: requests whole, in pieces, hostile. */
#include "resp/input.h"
#include "resp/parser.h"

#include "server.h"

enum { ROOM = 64 };

static kv_slice arguments[ROOM];
static kv_buffer scratch;
static struct parser parser;
static struct parser_limits limits;
static struct parser_request request;

static void setup(void)
{
    parser = (struct parser){0};
    limits = (struct parser_limits){512 << 20, false};
    request = (struct parser_request){.arguments = arguments, .room = ROOM, .scratch = &scratch};
}

static void teardown(void)
{
    parser_reset(&parser);
    kv_buffer_free(&scratch);
}

/* Reads from memory of exactly the right size: the bytes and the slack. */
static enum parser_outcome read_bytes(const void *bytes, size_t size)
{
    static uint8_t *kept;
    free(kept);
    kept = calloc(1, size + PARSER_SLACK);
    memcpy(kept, bytes, size);
    return parser_read(&parser, &limits, kept, size, &request);
}

static enum parser_outcome read_text(const char *text)
{
    return read_bytes(text, strlen(text));
}

static void assert_arguments(size_t count, const char *const *expected)
{
    ck_assert_uint_eq(request.count, count);
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(text_equal(arguments[i], kv_text(expected[i])), "argument %zu", i);
}

#define WORDS(...)        \
    (const char *const[]) \
    {                     \
        __VA_ARGS__       \
    }

/* ------------------------------------------------------------------------------------- requests */

static const char set_request[] = "*3\r\n$3\r\nSET\r\n$4\r\nuser\r\n$12\r\nhello\r\nworld\r\n";

START_TEST(an_array_of_bulk_strings_is_a_request)
{
    ck_assert_int_eq(read_text(set_request), PARSER_DONE);
    assert_arguments(3, WORDS("SET", "user", "hello\r\nworld"));
    ck_assert_uint_eq(request.size, strlen(set_request));
}
END_TEST

START_TEST(arguments_point_into_the_input)
{
    uint8_t bytes[sizeof set_request + PARSER_SLACK] = {0};
    memcpy(bytes, set_request, sizeof set_request);
    ck_assert_int_eq(parser_read(&parser, &limits, bytes, strlen(set_request), &request),
                     PARSER_DONE);
    ck_assert_ptr_eq(arguments[1].data, bytes + 17);
}
END_TEST

/* At each place where it can be cut, and although the input has moved in between. */
START_TEST(a_request_in_two_pieces_is_the_same_request)
{
    for (size_t cut = 0; cut < strlen(set_request); cut++) {
        ck_assert_int_eq(read_bytes(set_request, cut), PARSER_MORE);
        ck_assert_int_eq(read_text(set_request), PARSER_DONE);
        assert_arguments(3, WORDS("SET", "user", "hello\r\nworld"));
    }
}
END_TEST

START_TEST(a_request_byte_by_byte_is_the_same_request)
{
    for (size_t size = 0; size < strlen(set_request); size++)
        ck_assert_int_eq(read_bytes(set_request, size), PARSER_MORE);
    ck_assert_int_eq(read_text(set_request), PARSER_DONE);
    assert_arguments(3, WORDS("SET", "user", "hello\r\nworld"));
}
END_TEST

START_TEST(the_fast_reader_agrees_with_the_careful_one)
{
    uint8_t bytes[sizeof set_request + PARSER_SLACK];
    size_t count;
    for (size_t cut = 0; cut <= strlen(set_request); cut++) {
        memset(bytes, 0, sizeof bytes);
        memcpy(bytes, set_request, cut);
        const uint8_t *next = parser_frame(bytes, bytes + cut, arguments, ROOM, &count);
        if (cut < strlen(set_request)) {
            ck_assert_ptr_null(next);
            continue;
        }
        ck_assert_ptr_eq(next, bytes + cut);
        request.count = count;
        assert_arguments(3, WORDS("SET", "user", "hello\r\nworld"));
    }
}
END_TEST

/* What the fast reader takes, the careful one takes alike, whatever a byte is replaced by. */
START_TEST(the_fast_reader_never_takes_what_the_careful_one_refuses)
{
    size_t size = strlen(set_request), taken = 0;
    for (size_t at = 0; at < size; at++) {
        for (int value = 0; value < 256; value++) {
            uint8_t bytes[sizeof set_request + PARSER_SLACK] = {0};
            kv_slice fast[ROOM];
            size_t count;
            memcpy(bytes, set_request, size);
            bytes[at] = (uint8_t)value;
            const uint8_t *next = parser_frame(bytes, bytes + size, fast, ROOM, &count);
            if (next == NULL) continue;
            taken++;
            setup();
            ck_assert_int_eq(parser_read(&parser, &limits, bytes, size, &request), PARSER_DONE);
            ck_assert_uint_eq(request.count, count);
            ck_assert_uint_eq(request.size, (size_t)(next - bytes));
            for (size_t i = 0; i < count; i++) ck_assert(text_equal(fast[i], arguments[i]));
            parser_reset(&parser);
        }
    }
    ck_assert_uint_gt(taken, 256 * 19); /* the bytes of the arguments are free */
}
END_TEST

START_TEST(more_arguments_than_room_ask_for_room)
{
    char text[16 * (ROOM + 2)];
    size_t size = (size_t)sprintf(text, "*%d\r\n", ROOM + 1);
    for (int i = 0; i <= ROOM; i++) size += (size_t)sprintf(text + size, "$1\r\nx\r\n");
    uint8_t *bytes = calloc(1, size + PARSER_SLACK);
    memcpy(bytes, text, size);
    ck_assert_int_eq(parser_read(&parser, &limits, bytes, size, &request), PARSER_ROOM);
    ck_assert_uint_eq(request.needed, ROOM + 1);
    kv_slice more[ROOM + 1];
    request.arguments = more;
    request.room = ROOM + 1;
    ck_assert_int_eq(parser_read(&parser, &limits, bytes, size, &request), PARSER_DONE);
    ck_assert_uint_eq(request.count, ROOM + 1);
    free(bytes);
}
END_TEST

START_TEST(what_is_wanted_is_known_once_it_is_announced)
{
    ck_assert_int_eq(read_text("*2\r\n$3\r\nGET\r\n"), PARSER_MORE);
    ck_assert_uint_eq(parser_wanted(&parser), 0);
    ck_assert_int_eq(read_text("*2\r\n$3\r\nGET\r\n$1000\r\nx"), PARSER_MORE);
    ck_assert_uint_eq(parser_wanted(&parser), 13 + 7 + 1000 + 2);
}
END_TEST

static const struct {
    const char *text;
    size_t size;
} empty_requests[] = {{"*0\r\n", 4}, {"*-1\r\n", 5}, {"\r\n", 2}, {"\n", 1}, {"  \t \r\n", 6}};

START_TEST(a_request_without_arguments_is_skipped)
{
    ck_assert_int_eq(read_text(empty_requests[_i].text), PARSER_EMPTY);
    ck_assert_uint_eq(request.size, empty_requests[_i].size);
}
END_TEST

/* --------------------------------------------------------------------------------------- errors */

static const struct {
    const char *text, *message;
    bool is_stranger;
} errors[] = {
    {"*abc\r\n", "invalid multibulk length", false},
    {"*2147483648\r\n", "invalid multibulk length", false},
    {"*01\r\n", "invalid multibulk length", false},
    {"*+1\r\n", "invalid multibulk length", false},
    {"* 1\r\n", "invalid multibulk length", false},
    {"*\r\n", "invalid multibulk length", false},
    {"*1\r\n#4\r\n", "expected '$', got '#'", false},
    {"*1\r\n\r\r\n", "expected '$', got ' '", false},
    {"*1\r\n$-1\r\n", "invalid bulk length", false},
    {"*1\r\n$536870913\r\n", "invalid bulk length", false},
    {"*1\r\n$9223372036854775808\r\n", "invalid bulk length", false},
    {"*1\r\n$1x\r\n", "invalid bulk length", false},
    {"*11\r\n", "unauthenticated multibulk length", true},
    {"*1\r\n$16385\r\n", "unauthenticated bulk length", true},
    {"set k \"unfinished\r\n", "unbalanced quotes in request", false},
    {"set k \"a\"b\r\n", "unbalanced quotes in request", false},
    {"set k 'a'b\r\n", "unbalanced quotes in request", false},
    {"set k '\r\n", "unbalanced quotes in request", false},
};

START_TEST(what_is_wrong_is_said_in_redis_s_words)
{
    char expected[64];
    limits.is_stranger = errors[_i].is_stranger;
    ck_assert_int_eq(read_text(errors[_i].text), PARSER_ERROR);
    snprintf(expected, sizeof expected, "Protocol error: %s", errors[_i].message);
    ck_assert_str_eq(request.message, expected);
}
END_TEST

START_TEST(limits_for_strangers_are_met_exactly)
{
    limits.is_stranger = true;
    ck_assert_int_eq(read_text("*10\r\n$16384\r\n"), PARSER_MORE);
    ck_assert_uint_eq(parser.expected, 10);
}
END_TEST

/* A line without an end is an error once it is longer than any may be, and not before. */
START_TEST(lines_without_end_are_refused_at_their_limit)
{
    static const struct {
        const char *begin, *message;
    } lines[] = {{"x", "too big inline request"},
                 {"*1", "too big mbulk count string"},
                 {"*1\r\n$1", "too big bulk count string"}};
    for (size_t i = 0; i < 3; i++) {
        const char *last_line = strrchr(lines[i].begin, '\n');
        size_t before = last_line != NULL ? (size_t)(last_line + 1 - lines[i].begin) : 0;
        size_t size = before + PARSER_LINE_MAX + 1;
        char *text = malloc(size), expected[64];
        memset(text, '1', size);
        memcpy(text, lines[i].begin, strlen(lines[i].begin));
        setup();
        ck_assert_int_eq(read_bytes(text, size - 1), PARSER_MORE);
        ck_assert_int_eq(read_bytes(text, size), PARSER_ERROR);
        snprintf(expected, sizeof expected, "Protocol error: %s", lines[i].message);
        ck_assert_str_eq(request.message, expected);
        parser_reset(&parser);
        free(text);
    }
}
END_TEST

/* --------------------------------------------------------------------------------------- inline */

static const struct {
    const char *line;
    size_t count;
    const char *words[4];
} inlines[] = {
    {"GET user\r\n", 2, {"GET", "user"}},
    {"GET user\n", 2, {"GET", "user"}},
    {"  GET \t user  \r\n", 2, {"GET", "user"}},
    {"set k \"two words\"\r\n", 3, {"set", "k", "two words"}},
    {"set k \"\\x41\\n\\r\\t\\a\\b\\\\\\\"\\q\"\r\n", 3, {"set", "k", "A\n\r\t\a\b\\\"q"}},
    {"set k \"\\x4\\xg1\\x\"\r\n", 3, {"set", "k", "x4xg1x"}},
    {"set k 'it\\'s \\n'\r\n", 3, {"set", "k", "it's \\n"}},
    {"set k \"\" ''\r\n", 4, {"set", "k", "", ""}},
    {"set k pre\"fix\"\r\n", 3, {"set", "k", "prefix"}},
    {"set k a\vb\fc\r\n", 3, {"set", "k", "a\vb\fc"}},
    {"\v\fGET\r\n", 1, {"GET"}},
};

START_TEST(lines_are_split_as_redis_splits_them)
{
    ck_assert_int_eq(read_text(inlines[_i].line), PARSER_DONE);
    assert_arguments(inlines[_i].count, inlines[_i].words);
    ck_assert_uint_eq(request.size, strlen(inlines[_i].line));
}
END_TEST

START_TEST(a_zero_byte_ends_a_line_s_words_and_not_the_wait_for_its_end)
{
    ck_assert_int_eq(read_bytes("echo a\0 b\r\n", 11), PARSER_DONE);
    assert_arguments(2, WORDS("echo", "a"));
    ck_assert_uint_eq(request.size, 11);
}
END_TEST

START_TEST(a_line_with_more_words_than_room_asks_for_room)
{
    char line[2 * ROOM + 4] = "";
    for (int i = 0; i <= ROOM; i++) strcat(line, "x ");
    strcat(line, "\n");
    ck_assert_int_eq(read_text(line), PARSER_ROOM);
    ck_assert_uint_eq(request.needed, ROOM + 1);
}
END_TEST

/* ---------------------------------------------------------------------------------------- input */

static struct pool *new_pool(void)
{
    struct pool *pool = aligned_alloc(_Alignof(struct pool), sizeof *pool);
    pool_open(pool);
    return pool;
}

static void drop_pool(struct pool *pool)
{
    pool_close(pool);
    free(pool);
}

START_TEST(input_keeps_its_bytes_wherever_it_moves)
{
    struct pool *pool = new_pool();
    struct input input = {0};
    uint8_t next_in = 0, next_out = 0;
    unsigned random = 1;
    for (int turn = 0; turn < 2000; turn++) {
        random = random * 1103515245 + 12345;
        size_t wanted = random % 7 == 0 ? random % 300000 : 0;
        ck_assert_int_eq(input_make_room(&input, pool, 0, wanted), KV_OK);
        size_t room = input.capacity - input.end, size = (random >> 8) % (room + 1);
        ck_assert_uint_ge(room, 1);
        for (size_t i = 0; i < size; i++) input.bytes[input.end + i] = next_in++;
        input_add(&input, size);
        size_t used =
            random % 3 == 0 ? input_size(&input) : (random >> 16) % (input_size(&input) + 1);
        size_t wrong = 0;
        for (size_t i = 0; i < used; i++) wrong += input.bytes[input.start + i] != next_out++;
        ck_assert_uint_eq(wrong, 0);
        input.start += used;
        if (random % 5 == 0) input_settle(&input, pool, 0);
    }
    input_free(&input);
    drop_pool(pool);
}
END_TEST

START_TEST(a_liar_gets_no_more_room_than_it_has_sent)
{
    struct pool *pool = new_pool();
    struct input input = {0};
    ck_assert_int_eq(input_make_room(&input, pool, 0, 512 << 20), KV_OK);
    ck_assert_uint_le(input.capacity, 2 * POOL_BLOCK_SIZE);
    while (input_size(&input) < 4 << 20) {
        ck_assert_int_eq(input_make_room(&input, pool, 0, 512 << 20), KV_OK);
        ck_assert_uint_le(input.capacity, 2 * input_size(&input) + 2 * POOL_BLOCK_SIZE);
        size_t room = input.capacity - input.end;
        memset(input.bytes + input.end, 'x', room);
        input_add(&input, room);
    }
    input_free(&input);
    drop_pool(pool);
}
END_TEST

START_TEST(an_empty_input_holds_no_memory)
{
    struct pool *pool = new_pool();
    struct input input = {0};
    ck_assert_int_eq(input_make_room(&input, pool, 3, 0), KV_OK);
    input_add(&input, 10);
    input.start = 10;
    input_settle(&input, pool, 3);
    ck_assert_ptr_null(input.bytes);
    ck_assert_uint_eq(pool->slots[3].count, 1); /* it went back to where it came from */
    drop_pool(pool);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("parser");
    TCase *tests = tcase_create("parser");
    tcase_set_timeout(tests, 60); /* on a busy machine, with sanitizers */
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, an_array_of_bulk_strings_is_a_request);
    tcase_add_test(tests, arguments_point_into_the_input);
    tcase_add_test(tests, a_request_in_two_pieces_is_the_same_request);
    tcase_add_test(tests, a_request_byte_by_byte_is_the_same_request);
    tcase_add_test(tests, the_fast_reader_agrees_with_the_careful_one);
    tcase_add_test(tests, the_fast_reader_never_takes_what_the_careful_one_refuses);
    tcase_add_test(tests, more_arguments_than_room_ask_for_room);
    tcase_add_test(tests, what_is_wanted_is_known_once_it_is_announced);
    tcase_add_loop_test(tests, a_request_without_arguments_is_skipped, 0,
                        sizeof empty_requests / sizeof *empty_requests);
    tcase_add_loop_test(tests, what_is_wrong_is_said_in_redis_s_words, 0,
                        sizeof errors / sizeof *errors);
    tcase_add_test(tests, limits_for_strangers_are_met_exactly);
    tcase_add_test(tests, lines_without_end_are_refused_at_their_limit);
    tcase_add_loop_test(tests, lines_are_split_as_redis_splits_them, 0,
                        sizeof inlines / sizeof *inlines);
    tcase_add_test(tests, a_zero_byte_ends_a_line_s_words_and_not_the_wait_for_its_end);
    tcase_add_test(tests, a_line_with_more_words_than_room_asks_for_room);
    tcase_add_test(tests, input_keeps_its_bytes_wherever_it_moves);
    tcase_add_test(tests, a_liar_gets_no_more_room_than_it_has_sent);
    tcase_add_test(tests, an_empty_input_holds_no_memory);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
