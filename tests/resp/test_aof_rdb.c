/*
 * tests/resp/test_aof_rdb.c -- resp/aof_rdb: every encoding of strings and lists; damage; other
 * types.
 */
#include "resp/aof_rdb.h"

#include "aof_disk.h"
#include "aof_record.h"

#include <check.h>
#include <time.h>

static struct disk disk;
static struct record record;
static struct aof_reader reader;
static char message[AOF_MESSAGE_SIZE];
static uint64_t keys;
static uint64_t end_offset;

static void begin(void)
{
    disk_open_empty(&disk);
    record_open(&record);
    *message = '\0';
    keys = 0;
}

static void end(void)
{
    record_close(&record);
    disk_free(&disk);
}

static kv_status load(const void *bytes, size_t size)
{
    disk_put_file(&disk, "d/base", bytes, size);
    ck_assert_int_eq(aof_reader_open(&reader, &disk.io, "d/base"), 0);
    ck_assert(aof_rdb_is_there(&reader));
    kv_status status = aof_rdb_load(&reader, "d/base", &record.sink, NULL, NULL, &keys, message);
    end_offset = reader.offset;
    aof_reader_close(&reader);
    return status;
}

/* A file without a checksum: head, database 0, the bytes, end. */
#define HEAD "REDIS0010\xfe\x00"
#define TAIL "\xff\0\0\0\0\0\0\0\0"

static kv_status load_parts(const void *bytes, size_t size)
{
    kv_buffer file = {0};
    text_append(&file, KV_BYTES(HEAD, sizeof HEAD - 1));
    text_append(&file, kv_bytes(bytes, size));
    text_append(&file, KV_BYTES(TAIL, sizeof TAIL - 1));
    kv_status status = load(file.data, file.size);
    kv_buffer_free(&file);
    return status;
}

#define LOAD(literal) load_parts(literal, sizeof literal - 1)

static void assert_message(const char *text)
{
    ck_assert_msg(strstr(message, text) != NULL, "\"%s\" lacks \"%s\"", message, text);
}

/* ----------------------------------------------------------------------------- what Redis wrote */

/* SAVE of Redis 7.0.15 after the commands that the test expects, more or less. */
static const uint8_t saved[] = {
    0x52, 0x45, 0x44, 0x49, 0x53, 0x30, 0x30, 0x31, 0x30, 0xfa, 0x09, 0x72, 0x65, 0x64, 0x69, 0x73,
    0x2d, 0x76, 0x65, 0x72, 0x06, 0x37, 0x2e, 0x30, 0x2e, 0x31, 0x35, 0xfa, 0x0a, 0x72, 0x65, 0x64,
    0x69, 0x73, 0x2d, 0x62, 0x69, 0x74, 0x73, 0xc0, 0x40, 0xfa, 0x05, 0x63, 0x74, 0x69, 0x6d, 0x65,
    0xc2, 0xe5, 0x33, 0x00, 0x6b, 0xfa, 0x08, 0x75, 0x73, 0x65, 0x64, 0x2d, 0x6d, 0x65, 0x6d, 0xc2,
    0xe8, 0xdb, 0x0f, 0x00, 0xfa, 0x08, 0x61, 0x6f, 0x66, 0x2d, 0x62, 0x61, 0x73, 0x65, 0xc0, 0x00,
    0xfe, 0x00, 0xfb, 0x0b, 0x02, 0x00, 0x03, 0x69, 0x36, 0x34, 0x13, 0x39, 0x32, 0x32, 0x33, 0x33,
    0x37, 0x32, 0x30, 0x33, 0x36, 0x38, 0x35, 0x34, 0x37, 0x37, 0x35, 0x38, 0x30, 0x37, 0xfc, 0xc8,
    0xd9, 0xc3, 0x2c, 0xbb, 0x03, 0x00, 0x00, 0x12, 0x04, 0x6c, 0x69, 0x73, 0x74, 0x01, 0x02, 0xc3,
    0x40, 0x53, 0x40, 0xa5, 0x1f, 0xa5, 0x00, 0x00, 0x00, 0x11, 0x00, 0x81, 0x61, 0x02, 0x01, 0x01,
    0xdf, 0xff, 0x02, 0x7f, 0x01, 0xc0, 0x80, 0x02, 0xcf, 0xff, 0x02, 0xf1, 0x00, 0x10, 0x03, 0xd0,
    0x00, 0x02, 0xf1, 0xff, 0x7f, 0x0c, 0x03, 0xf2, 0x00, 0x80, 0x00, 0x04, 0xf2, 0xff, 0xff, 0x7f,
    0x04, 0xf3, 0x00, 0x20, 0x0a, 0x00, 0x05, 0x20, 0x05, 0x03, 0x00, 0x80, 0x05, 0xf4, 0x40, 0x05,
    0x20, 0x03, 0x03, 0x00, 0x09, 0xf4, 0xff, 0x80, 0x00, 0x06, 0x7f, 0x09, 0x80, 0x01, 0xe0, 0x54,
    0x61, 0xe0, 0x4a, 0x00, 0x01, 0x56, 0xff, 0x00, 0x03, 0x6c, 0x7a, 0x66, 0xc3, 0x0d, 0x40, 0x51,
    0x01, 0x61, 0x61, 0xe0, 0x3b, 0x00, 0x00, 0x62, 0xc0, 0x01, 0x01, 0x61, 0x62, 0x00, 0x03, 0x69,
    0x33, 0x32, 0xc2, 0xff, 0xff, 0xff, 0x7f, 0x00, 0x05, 0x65, 0x6d, 0x70, 0x74, 0x79, 0x00, 0x00,
    0x04, 0x74, 0x65, 0x78, 0x74, 0x05, 0x68, 0x65, 0x6c, 0x6c, 0x6f, 0x00, 0x05, 0x73, 0x6d, 0x61,
    0x6c, 0x6c, 0xc0, 0x07, 0xfc, 0x7b, 0xd8, 0xc3, 0x2c, 0xbb, 0x03, 0x00, 0x00, 0x00, 0x03, 0x74,
    0x74, 0x6c, 0x04, 0x73, 0x6f, 0x6f, 0x6e, 0x00, 0x04, 0x6e, 0x65, 0x67, 0x38, 0xc0, 0x80, 0x00,
    0x06, 0x70, 0x61, 0x64, 0x64, 0x65, 0x64, 0x03, 0x30, 0x30, 0x37, 0x00, 0x03, 0x69, 0x31, 0x36,
    0xc1, 0x00, 0x80, 0xfe, 0x03, 0xfb, 0x01, 0x00, 0x00, 0x05, 0x6f, 0x74, 0x68, 0x65, 0x72, 0x08,
    0x64, 0x61, 0x74, 0x61, 0x62, 0x61, 0x73, 0x65, 0xff, 0x83, 0xd7, 0x2d, 0xfe, 0x8a, 0x60, 0x40,
    0x2a,
};

START_TEST(a_file_of_redis_7_is_read)
{
    ck_assert_msg(load(saved, sizeof saved) == KV_OK, "%s", message);
    const char *expected =
        "SELECT 0\n"
        "SET i64 9223372036854775807\n"
        "RPUSH list a 1 -1 127 128 4095 4096 -4096 32767 32768 8388607 8388608 -2147483648 "
        "2147483648 9223372036854775807  "
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
        "PEXPIREAT list 4102444800456\n"
        "SET lzf "
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabababababab\n"
        "SET i32 2147483647\n"
        "SET empty \n"
        "SET text hello\n"
        "SET small 7\n"
        "SET ttl soon PXAT 4102444800123\n"
        "SET neg8 -128\n"
        "SET padded 007\n"
        "SET i16 -32768\n"
        "SELECT 3\n"
        "SET other database\n";
    ck_assert_msg(record_is(&record, expected), "%.*s", (int)record.text.size,
                  (const char *)record.text.data);
    ck_assert_uint_eq(keys, 12);
    ck_assert_uint_eq(end_offset, sizeof saved);
}
END_TEST

START_TEST(a_file_that_ends_early_is_refused)
{
    for (size_t size = 5; size < sizeof saved; size++) {
        begin();
        ck_assert_int_eq(load(saved, size), KV_BADARG);
        assert_message("the file ends within the RDB part");
        end();
    }
}
END_TEST

START_TEST(any_changed_bit_is_noticed)
{
    for (size_t at = 5; at < sizeof saved; at++) {
        for (int bit = 0; bit < 8; bit++) {
            begin();
            uint8_t bytes[sizeof saved];
            memcpy(bytes, saved, sizeof saved);
            bytes[at] ^= (uint8_t)(1 << bit);
            ck_assert_int_eq(load(bytes, sizeof saved), KV_BADARG);
            assert_message("offset ");
            end();
        }
    }
}
END_TEST

START_TEST(random_bytes_without_a_checksum_are_read_or_refused)
{
    const char *seed_text = getenv("KV_TEST_SEED");
    unsigned seed = seed_text != NULL ? (unsigned)atoi(seed_text) : (unsigned)time(NULL);
    fprintf(stderr, "KV_TEST_SEED=%u\n", seed);
    srand(seed);
    for (int round = 0; round < 50000; round++) {
        begin();
        uint8_t bytes[sizeof saved];
        memcpy(bytes, saved, sizeof saved);
        memset(bytes + sizeof saved - 8, 0, 8);
        for (int n = rand() % 4; n >= 0; n--) {
            bytes[9 + (size_t)rand() % (sizeof saved - 9)] = (uint8_t)rand();
        }
        kv_status status = load(bytes, sizeof saved);
        ck_assert(status == KV_OK || status == KV_BADARG);
        if (status == KV_BADARG) assert_message("offset ");
        end();
    }
}
END_TEST

/* ------------------------------------------------------------------------------- other versions */

START_TEST(lengths_have_four_forms)
{
    uint8_t file[400] = "\x00\x01"
                        "a"
                        "\x40\x41"; /* SET a, 14-bit length 65 */
    memset(file + 5, 'x', 65);
    memcpy(file + 70,
           "\x00\x01"
           "b\x80\0\0\0\x02yy",
           10);
    memcpy(file + 80,
           "\x00\x81\0\0\0\0\0\0\0\x01"
           "c\x01z",
           13);
    ck_assert_msg(load_parts(file, 93) == KV_OK, "%s", message);
    ck_assert(record_is(&record,
                        "SELECT 0\nSET a xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                        "xxxxxxxx\nSET b yy\nSET c z\n"));
}
END_TEST

START_TEST(what_says_nothing_about_keys_is_passed_over)
{
    ck_assert_int_eq(LOAD("\xfa\x01"
                          "a\x01"
                          "b"                /* auxiliary */
                          "\xfb\x01\x01"     /* sizes */
                          "\xf4\x01\x02\x03" /* slot */
                          "\xf8\x05\xf9\x07\xfc\x10\0\0\0\0\0\0\0\x00\x01k\x01v"),
                     KV_OK);
    ck_assert(record_is(&record, "SELECT 0\nSET k v PXAT 16\n"));
}
END_TEST

START_TEST(deadlines_in_seconds_and_in_the_past_are_kept)
{
    ck_assert_int_eq(LOAD("\xfd\x02\0\0\0\x00\x01k\x01v"
                          "\xfc\xff\xff\xff\xff\xff\xff\xff\xff\x00\x01l\x01v"
                          "\x00\x01m\x01v"),
                     KV_OK);
    ck_assert(record_is(&record, "SELECT 0\nSET k v PXAT 2000\nSET l v PXAT 1\nSET m v\n"));
}
END_TEST

START_TEST(the_first_list_format_is_read)
{
    ck_assert_int_eq(LOAD("\xfd\x02\0\0\0\x01\x01k\x03\x01"
                          "a\xc0\x05\x00"),
                     KV_OK);
    ck_assert(record_is(&record, "SELECT 0\nRPUSH k a\nRPUSH k 5\nRPUSH k \nPEXPIREAT k 2000\n"));
}
END_TEST

/* A ziplist with each form of element. Its first byte is to be its size. */
#define ZIPLIST                      \
    "?\0\0\0\0\0\0\0\x09\0"          \
    "\x00\x02hi"                     \
    "\x04\x40\x03xyz"                \
    "\x06\x80\0\0\0\x01w"            \
    "\x07\xc0\xfe\xff"               \
    "\x04\xd0\x00\x00\x01\x00"       \
    "\xfe\x06\0\0\0\xf0\x00\x00\x80" \
    "\x0a\xfe\x80"                   \
    "\x03\xf1\x02\xfd"               \
    "\xff"

START_TEST(ziplists_are_read)
{
    uint8_t file[200];
    size_t size = sizeof ZIPLIST - 1;
    file[0] = 10;
    file[1] = 1;
    file[2] = 'k';
    file[3] = (uint8_t)size;
    memcpy(file + 4, ZIPLIST, size);
    file[4] = (uint8_t)size;
    ck_assert_msg(load_parts(file, size + 4) == KV_OK, "%s", message);
    ck_assert_msg(record_is(&record, "SELECT 0\nRPUSH k hi xyz w -2 65536 -8388608 -128 0 12\n"),
                  "%.*s", (int)record.text.size, (char *)record.text.data);

    /* The same as nodes of a quicklist. */
    uint8_t nodes[400] = {14, 1, 'k', 2};
    memcpy(nodes + 4, file + 3, size + 1);
    memcpy(nodes + 4 + size + 1, file + 3, size + 1);
    record.text.size = 0;
    ck_assert_int_eq(load_parts(nodes, 4 + 2 * (size + 1)), KV_OK);
    ck_assert(record_is(&record, "SELECT 0\nRPUSH k hi xyz w -2 65536 -8388608 -128 0 12\n"
                                 "RPUSH k hi xyz w -2 65536 -8388608 -128 0 12\n"));
}
END_TEST

START_TEST(nodes_of_one_large_element_are_read)
{
    ck_assert_int_eq(LOAD("\x12\x01k\x02\x01\x05large\x01\xc1\x39\x30"), KV_OK);
    ck_assert(record_is(&record, "SELECT 0\nRPUSH k large\nRPUSH k 12345\n"));
}
END_TEST

START_TEST(listpacks_with_long_texts_are_read)
{
    enum { MEDIUM = 1000, LARGE = 100000 };
    kv_buffer pack = {0}, file = {0}, expected = {0};
    text_append(&pack, KV_BYTES("\0\0\0\0\x02\0", 6));
    text_append(&pack, KV_BYTES("\xe3\xe8", 2)); /* 12 bits: 1000 */
    char *value = malloc(LARGE);
    memset(value, 'v', LARGE);
    text_append(&pack, kv_bytes(value, MEDIUM));
    text_append(&pack, KV_BYTES("\x07\xea", 2));
    text_append(&pack, KV_BYTES("\xf0\xa0\x86\x01\x00", 5)); /* 32 bits: 100000 */
    text_append(&pack, kv_bytes(value, LARGE));
    text_append(&pack, KV_BYTES("\x06\x8d\xa5\xff", 4));
    for (int i = 0; i < 4; i++) ((uint8_t *)pack.data)[i] = (uint8_t)(pack.size >> 8 * i);

    text_append(&file, KV_BYTES("\x12\x01k\x01\x02\x80", 6));
    for (int i = 3; i >= 0; i--) {
        uint8_t byte = (uint8_t)(pack.size >> 8 * i);
        text_append(&file, kv_bytes(&byte, 1));
    }
    text_append(&file, text_of_buffer(&pack));
    ck_assert_msg(load_parts(file.data, file.size) == KV_OK, "%s", message);
    text_append_string(&expected, "SELECT 0\nRPUSH k ");
    text_append(&expected, kv_bytes(value, MEDIUM));
    text_append_string(&expected, " ");
    text_append(&expected, kv_bytes(value, LARGE));
    text_append_string(&expected, "\n");
    ck_assert(text_equal(text_of_buffer(&record.text), text_of_buffer(&expected)));
    free(value);
    kv_buffer_free(&pack);
    kv_buffer_free(&file);
    kv_buffer_free(&expected);
}
END_TEST

START_TEST(a_preamble_ends_where_the_commands_begin)
{
    uint8_t bytes[sizeof saved + 20];
    memcpy(bytes, saved, sizeof saved);
    memcpy(bytes + sizeof saved, "*1\r\n$1\r\nx\r\n", 11);
    ck_assert_int_eq(load(bytes, sizeof saved + 11), KV_OK);
    ck_assert_uint_eq(end_offset, sizeof saved);
}
END_TEST

/* -------------------------------------------------------------------------------------- refused */

static const struct {
    const char *bytes;
    size_t size;
    const char *message;
} refused[] = {
#define REFUSED(bytes, message)          \
    {                                    \
        bytes, sizeof bytes - 1, message \
    }
    REFUSED("\x02\x01k", "offset 11: a set (RDB type 2)"),
    REFUSED("\x0b\x01k", "offset 11: a set (RDB type 11)"),
    REFUSED("\x00\x01k\x01v\x11\x01k", "offset 16: a sorted set (RDB type 17)"),
    REFUSED("\x10\x01k", "offset 11: a hash (RDB type 16)"),
    REFUSED("\x07\x01k", "offset 11: a value of a module (RDB type 7)"),
    REFUSED("\x15\x01k", "offset 11: a stream (RDB type 21)"),
    REFUSED("\x63\x01k", "offset 11: a value of an unknown type (RDB type 99)"),
    REFUSED("\xf5\x01k", "offset 11: a library of functions"),
    REFUSED("\xf7\x01k", "offset 11: data of a module"),
    REFUSED("\x00\x82k", "offset 12: an unknown form of length"),
    REFUSED("\x00\xc4k", "offset 12: an unknown encoding of a text"),
    REFUSED("\x00\x01k\xc3\x01\x81\x7f\0\0\0\0\0\0\0a",
            "offset 14: the size of a compressed text is impossible"),
    REFUSED("\x00\x01k\xc3\x02\x02\x20\x00", "offset 14: a compressed text is damaged"),
    REFUSED("\x00\x01k\x81\x10\0\0\0\0\0\0\0a", "the file ends within the RDB part"),
    REFUSED("\x01\x01k\xc3", "offset 14: expected a length, found a special encoding"),
    REFUSED("\x12\x01k\x01\x03\x01v", "offset 15: an unknown kind of list node"),
    REFUSED("\x12\x01k\x01\x02\x01v", "offset 16: a listpack is damaged"),
    REFUSED("\x12\x01k\x01\x02\x09\x09\0\0\0\x01\0\x82x\xff", "offset 16: a listpack is damaged"),
    REFUSED("\x0a\x01k\x01v", "offset 14: a ziplist is damaged"),
    REFUSED("\x0a\x01k\x0e\x0e\0\0\0\0\0\0\0\x01\0\0\x05x\xff", "offset 14: a ziplist is damaged"),
    REFUSED("\xfe\x81\xff\xff\xff\xff\xff\xff\xff\xff", "offset 11: an impossible database"),
};

START_TEST(what_cannot_be_held_or_is_damaged_is_refused_by_name_and_offset)
{
    ck_assert_int_eq(load_parts(refused[_i].bytes, refused[_i].size), KV_BADARG);
    assert_message(refused[_i].message);
}
END_TEST

START_TEST(versions_from_the_future_are_refused)
{
    ck_assert_int_eq(load("REDIS0013\xff", 10), KV_BADARG);
    assert_message("offset 5: expected a version of RDB from 0001 to 0012");
    ck_assert_int_eq(load("REDIS00x1\xff", 10), KV_BADARG);
    ck_assert_int_eq(load("REDIS0004\xff", 10), KV_OK); /* which had no checksum */
}
END_TEST

START_TEST(what_the_store_refuses_is_refused_with_the_keys_offset)
{
    record.refuse_at = 2;
    ck_assert_int_eq(load(saved, sizeof saved), KV_BADARG);
    assert_message("offset 119: refused");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("aof_rdb");
    TCase *tests = tcase_create("files");
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, a_file_of_redis_7_is_read);
    tcase_add_test(tests, lengths_have_four_forms);
    tcase_add_test(tests, what_says_nothing_about_keys_is_passed_over);
    tcase_add_test(tests, deadlines_in_seconds_and_in_the_past_are_kept);
    tcase_add_test(tests, the_first_list_format_is_read);
    tcase_add_test(tests, ziplists_are_read);
    tcase_add_test(tests, nodes_of_one_large_element_are_read);
    tcase_add_test(tests, listpacks_with_long_texts_are_read);
    tcase_add_test(tests, a_preamble_ends_where_the_commands_begin);
    tcase_add_loop_test(tests, what_cannot_be_held_or_is_damaged_is_refused_by_name_and_offset, 0,
                        sizeof refused / sizeof *refused);
    tcase_add_test(tests, versions_from_the_future_are_refused);
    tcase_add_test(tests, what_the_store_refuses_is_refused_with_the_keys_offset);
    suite_add_tcase(suite, tests);

    TCase *rounds = tcase_create("rounds"); /* these begin and end by themselves, many times */
    tcase_set_timeout(rounds, 60);
    tcase_add_test(rounds, a_file_that_ends_early_is_refused);
    tcase_add_test(rounds, any_changed_bit_is_noticed);
    tcase_add_test(rounds, random_bytes_without_a_checksum_are_read_or_refused);
    suite_add_tcase(suite, rounds);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
