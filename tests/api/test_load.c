/*
 * tests/api/test_load.c -- kv_load() and kv_load_file(): every opcode and encoding there ever was,
 * however the bytes come; damage; what gives way to what at which instant.
 *
 * How files move between this store and a real Redis is in tests/integration/saving.py.
 */
#include "caller.h"
#include "one_store.h"
#include "rdb_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --------------------------------------------------------------------------------- whole files */

/* A file in memory, which is read in pieces of up to `piece` bytes. */
struct file {
    uint8_t *bytes;
    size_t size, capacity;
    size_t at, piece;
    kv_status fails; /* what reading gives at the end */
};

static void file_append(struct file *file, kv_slice bytes)
{
    if (file->size + bytes.size + 8 > file->capacity) {
        file->capacity = 2 * (file->size + bytes.size + 8);
        file->bytes = realloc(file->bytes, file->capacity);
        MUST(file->bytes != NULL);
    }
    if (bytes.size > 0) memcpy(file->bytes + file->size, bytes.data, bytes.size);
    file->size += bytes.size;
}

static void file_append_text(struct file *file, const char *text)
{
    uint8_t bytes[4000];
    file_append(file, kv_bytes(bytes, rdb_text_bytes(bytes, text)));
}

/* The checksum of all before it. */
static void file_append_sum(struct file *file)
{
    file_append(file, kv_bytes(NULL, 0)); /* there is room */
    rdb_text_sum(file->bytes, file->size);
    file->size += 8;
}

static void file_free(struct file *file)
{
    free(file->bytes);
    *file = (struct file){0};
}

static kv_status file_read(void *context, void *bytes, size_t room, size_t *size)
{
    struct file *file = context;
    size_t left = file->size - file->at;
    *size = left < room ? left : room;
    if (file->piece > 0 && *size > file->piece) *size = file->piece;
    if (*size > 0) memcpy(bytes, file->bytes + file->at, *size);
    file->at += *size;
    return *size > 0 ? KV_OK : file->fails;
}

static kv_load_report report;

static kv_status load_into(kv *to, struct file *file, const kv_load_options *options)
{
    file->at = 0;
    report = KV_OPTIONS(kv_load_report);
    kv_status status = kv_load(to, file_read, file, options, &report);
    kv_check(to);
    MUST(status == KV_NOMEM || (status == KV_OK) == (report.message[0] == 0));
    return status;
}

/* The parts between the head and the end, which is without a sum. */
static kv_status load_parts(const char *parts, const kv_load_options *options)
{
    struct file file = {0};
    file_append_text(&file, "'REDIS0012'");
    file_append_text(&file, parts);
    file_append_text(&file, "ff 0000000000000000");
    kv_status status = load_into(db, &file, options);
    file_free(&file);
    return status;
}

static void must_say(const char *text)
{
    ck_assert_msg(strstr(report.message, text) != NULL, "\"%s\" lacks \"%s\"", report.message,
                  text);
}

static void store_must_be_empty(void)
{
    uint64_t count;
    for (uint32_t i = 0; i < kv_databases(db); i++) {
        MUST(kv_count(kv_select(db, i), &count) == KV_OK);
        MUST(count == 0);
    }
}

/* ----------------------------------------------------------------------------- what Redis wrote */

/* SAVE of Redis 7.0.15. */
static const char saved[] =
    "'REDIS0010' fa09'redis-ver'06'7.0.15' fa0a'redis-bits'c040 fa05'ctime'c2e533006b "
    "fa08'used-mem'c2e8db0f00 fa08'aof-base'c000 fe00 fb0b02 0003'i64'13'9223372036854775807' "
    "fcc8d9c32cbb030000 1204'list'01020f 0f000000 0200 83'abc'04 df ff02 ff "
    "0003'lzf'c30d405101'aa'e03b0000'b'c00101'ab' 0003'i32'c2ffffff7f 0005'empty'00 "
    "0004'text'05'hello' 0005'small'c007 fc7bd8c32cbb030000 0003'ttl'04'soon' 0004'neg8'c080 "
    "0006'padded'03'007' 0003'i16'c10080 fe03 fb0100 0005'other'08'database' ff";

static void file_of_redis(struct file *file)
{
    file_append_text(file, saved);
    file_append_sum(file);
}

static void must_hold_what_redis_saved(void)
{
    int64_t ttl_ms;
    ck_assert_key(db, "i64", "'9223372036854775807'");
    ck_assert_key(db, "i32", "'2147483647'");
    ck_assert_key(db, "i16", "'-32768'");
    ck_assert_key(db, "list", "[abc -1]");
    ck_assert_key(db, "empty", "''");
    ck_assert_key(db, "text", "'hello'");
    ck_assert_key(db, "small", "'7'");
    ck_assert_key(db, "padded", "'007'");
    ck_assert_key(db, "neg8", "'-128'");
    ck_assert_key(kv_select(db, 3), "other", "'database'");
    ck_assert_int_eq(kv_ttl(db, K("ttl"), &ttl_ms), KV_OK);
    ck_assert_int_eq(ttl_ms, INT64_C(4102444800123) - FIXTURE_START_MS);
}

START_TEST(a_file_of_redis_7_is_read_however_its_bytes_come)
{
    static const size_t pieces[] = {0, 1, 2, 3, 7, 100};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct file file = {.piece = pieces[i]};
        store_setup();
        file_of_redis(&file);
        size_t size = file.size;
        file_append_text(&file, "'*1'"); /* of no interest */
        ck_assert_int_eq(load_into(db, &file, NULL), KV_OK);
        must_hold_what_redis_saved();
        ck_assert_uint_eq(report.bytes, size);
        ck_assert_uint_eq(report.keys, 12);
        ck_assert_uint_eq(report.expired, 0);
        ck_assert_uint_eq(report.rdb_version, 10);
        if (pieces[i] == 1) ck_assert_uint_eq(file.at, size); /* never asked again */
        store_teardown();
        file_free(&file);
    }
}
END_TEST

START_TEST(a_file_is_loaded_by_its_path)
{
    struct file file = {0};
    char path[] = "/tmp/kvstore-load-XXXXXX";
    store_setup();
    file_of_redis(&file);
    int descriptor = mkstemp(path);
    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq(write(descriptor, file.bytes, file.size), (ssize_t)file.size);
    close(descriptor);
    ck_assert_int_eq(kv_load_file(db, path, NULL, NULL), KV_OK);
    must_hold_what_redis_saved();
    unlink(path);
    ck_assert_int_eq(kv_load_file(db, path, NULL, NULL), KV_IOERROR);
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_int_eq(
        kv_load_file(db, "/tmp",
                     &(kv_load_options){.size = sizeof(kv_load_options), .replaces = true}, NULL),
        KV_IOERROR);
    ck_assert_int_eq(errno, EISDIR);
    must_hold_what_redis_saved();
    store_teardown();
    file_free(&file);
}
END_TEST

START_TEST(a_file_that_ends_early_is_refused_and_leaves_nothing)
{
    struct file file = {0};
    store_setup();
    file_of_redis(&file);
    for (size_t size = file.size; size-- > 0;) {
        file.size = size;
        ck_assert_int_eq(load_into(db, &file, NULL), KV_CORRUPT);
        must_say("found the end of the file");
        ck_assert_uint_eq(report.bytes, size);
        store_must_be_empty();
    }
    store_teardown();
    file_free(&file);
}
END_TEST

START_TEST(any_changed_bit_is_noticed)
{
    struct file file = {0};
    store_setup();
    file_of_redis(&file);
    for (size_t at = 0; at < file.size; at++) {
        for (int bit = 0; bit < 8; bit++) {
            file.bytes[at] ^= (uint8_t)(1 << bit);
            kv_status status = load_into(db, &file, NULL);
            ck_assert_msg(status == KV_CORRUPT || status == KV_TOOBIG, "byte %zu, bit %d: %d", at,
                          bit, (int)status);
            ck_assert(report.bytes <= file.size);
            file.bytes[at] ^= (uint8_t)(1 << bit);
        }
    }
    store_must_be_empty();
    store_teardown();
    file_free(&file);
}
END_TEST

/* ------------------------------------------------------------------------------------ encodings */

START_TEST(every_encoding_there_was_is_read)
{
    struct file file = {0};
    char key[8];
    store_setup();
    file_append_text(&file, "'REDIS0012' fe00");
    for (size_t i = 0; i < RDB_VALUES; i++) {
        uint8_t value[200];
        size_t size = rdb_text_bytes(value, rdb_values[i].value);
        snprintf(key, sizeof key, "key%03zu", i);
        file_append(&file, kv_bytes(value, 1));
        file_append_text(&file, "06");
        file_append(&file, kv_text(key));
        file_append(&file, kv_bytes(value + 1, size - 1));
    }
    file_append_text(&file, "ff");
    file_append_sum(&file);
    for (file.piece = 1; file.piece < 100; file.piece = 3 * file.piece + 1) {
        ck_assert_msg(load_into(db, &file, NULL) == KV_OK, "%s", report.message);
        for (size_t i = 0; i < RDB_VALUES; i++) {
            snprintf(key, sizeof key, "key%03zu", i);
            ck_assert_key(db, key, rdb_values[i].shown);
        }
        ck_assert_int_eq(kv_flush(db, false), KV_OK);
    }
    store_teardown();
    file_free(&file);
}
END_TEST

START_TEST(streams_of_all_three_forms_are_read)
{
    kv_object_info info = KV_OPTIONS(kv_object_info);
    store_setup();
    ck_assert_int_eq(
        load_parts("0f01'a' 01" RDB_NODE "01 01 01 01 01'g' 00 00 01" RDB_ID_1 RDB_TIME
                   "01 01 01'c'" RDB_TIME "01" RDB_ID_1 "1301'b' 01" RDB_NODE RDB_TOTALS
                   "01 01'g' 01 01 01 01" RDB_ID_1 RDB_TIME "01 02 01'c'" RDB_TIME "01" RDB_ID_1
                   "01'd'" RDB_TIME "00"
                   "1501'c' 02" RDB_NODE RDB_LATER_NODE "02 02 01 01 01 00 00 02 01 01'g' 01 01 01 "
                   "00 01 01'c'" RDB_TIME "ffffffffffffffff 00"
                   "1301'd' 00 00 00 00 00 00 00 00 00 00",
                   NULL),
        KV_OK);
    ck_assert_int_eq(kv_object(db, K("a"), &info), KV_OK);
    ck_assert_uint_eq(info.length, 1);
    ck_assert_int_eq(kv_object(db, K("c"), &info), KV_OK);
    ck_assert_uint_eq(info.length, 2);
    ck_assert_int_eq(kv_object(db, K("d"), &info), KV_OK);
    ck_assert_uint_eq(info.length, 0);
    store_teardown();
}
END_TEST

START_TEST(versions_are_no_reason_to_refuse)
{
    struct file file = {0};
    store_setup();
    /* Before version 5 there is no checksum. */
    file_append_text(&file, "'REDIS0001' fe00 0001'k'01'v' ff");
    ck_assert_int_eq(load_into(db, &file, NULL), KV_OK);
    ck_assert_uint_eq(report.bytes, file.size);
    ck_assert_int_eq(kv_flush(db, false), KV_OK);
    file.bytes[8] = '5';
    ck_assert_int_eq(load_into(db, &file, NULL), KV_CORRUPT);
    memcpy(file.bytes + 5, "9999", 4);
    file_append_sum(&file);
    ck_assert_int_eq(load_into(db, &file, NULL), KV_OK);
    ck_assert_uint_eq(report.rdb_version, 9999);
    ck_assert_int_eq(kv_flush(db, false), KV_OK);
    file.bytes[7] = 'x';
    ck_assert_int_eq(load_into(db, &file, NULL), KV_CORRUPT);
    must_say("offset 7: expected a digit of the version, found 0x78");
    memcpy(file.bytes, "VALKE", 5);
    ck_assert_int_eq(load_into(db, &file, NULL), KV_CORRUPT);
    must_say("offset 0: expected \"REDIS\"");
    store_teardown();
    file_free(&file);
}
END_TEST

/* A damaged digit is not to turn the checksum off, which says what else is damaged. */
START_TEST(a_version_is_a_number_above_zero)
{
    static const char digits[4] = {'0', '0', '0', '0'};
    struct file file = {0};
    char expected[80];
    store_setup();
    file_append_text(&file, "'REDIS0010' fe00 0001'k'01'v' ff");
    file_append_sum(&file);
    memcpy(file.bytes + 5, digits, 4);
    ck_assert_int_eq(load_into(db, &file, NULL), KV_CORRUPT);
    must_say("offset 5: expected a version of 1 or above, found 0000");
    for (size_t i = 5; i < 9; i++) {
        for (int byte = 0; byte < 256; byte++) {
            if (byte >= '0' && byte <= '9') continue;
            memcpy(file.bytes + 5, digits, 4);
            file.bytes[i] = (uint8_t)byte;
            ck_assert_int_eq(load_into(db, &file, NULL), KV_CORRUPT);
            snprintf(expected, sizeof expected,
                     "offset %zu: expected a digit of the version, found 0x%02x", i,
                     (unsigned)byte);
            must_say(expected);
        }
    }
    uint64_t count;
    ck_assert_int_eq(kv_count(db, &count), KV_OK);
    ck_assert_uint_eq(count, 0);
    store_teardown();
    file_free(&file);
}
END_TEST

/* -------------------------------------------------------------------------------------- opcodes */

static char told[2000]; /* what the callbacks below were told */

static void tell(const char *text, size_t size)
{
    size_t used = strlen(told);
    MUST(used + size + 2 < sizeof told);
    memcpy(told + used, text, size);
    memcpy(told + used + size, "|", 2);
}

static bool tell_aux(void *context, kv_slice name, kv_slice value)
{
    tell(name.data, name.size);
    tell(value.data, value.size);
    return context == NULL;
}

static void tell_warning(void *context, const char *message)
{
    (void)context;
    tell(message, strlen(message));
}

static kv_load_options telling(void)
{
    kv_load_options options = KV_OPTIONS(kv_load_options);
    options.aux = tell_aux;
    options.warn = tell_warning;
    told[0] = 0;
    return options;
}

START_TEST(fields_are_told_and_may_end_it)
{
    kv_load_options options = telling();
    store_setup();
    ck_assert_int_eq(load_parts("fa01'a'c007 fa01'b'c3051200'a'e00800 fe00 0001'k'01'v'", &options),
                     KV_OK);
    ck_assert_str_eq(told, "a|7|b|aaaaaaaaaaaaaaaaaa|");
    ck_assert_int_eq(kv_flush(db, false), KV_OK);
    options = telling();
    options.context = &options;
    ck_assert_int_eq(load_parts("fe00 0001'k'01'v' fa01'a'01'1' fa01'b'01'2'", &options),
                     KV_CANCELLED);
    ck_assert_str_eq(told, "a|1|");
    ck_assert_uint_eq(report.bytes, 9 + 2 + 5);
    store_must_be_empty();
    store_teardown();
}
END_TEST

START_TEST(what_a_store_has_no_use_for_is_passed_over)
{
    kv_load_options options = telling();
    store_setup();
    ck_assert_int_eq(
        load_parts("fb0a00 f4 05 800000ffff 01 f5 03'lua' f6 01'l' 03'LUA' 01 01'd' 04'code' "
                   "f6 01'l' 03'LUA' 00 04'code' "
                   /* ReJSON-RL: every kind of value */
                   "f7 81 44978e920ef8bd80 02 01 01 05 02 8000000001 03 00000000 04 "
                   "0000000000000000 05 01'x' 00 fe00 0001'k'01'v'",
                   &options),
        KV_OK);
    ck_assert_str_eq(told, "passed over a library of functions|passed over a library of functions|"
                           "passed over a library of functions|passed over what the module "
                           "RJeOkg74v wrote|");
    ck_assert_key(db, "k", "'v'");
    store_teardown();
}
END_TEST

START_TEST(keys_with_nothing_in_them_are_passed_over)
{
    static const char *const empty[] = {"01 00",
                                        "02 00",
                                        "03 00",
                                        "04 00",
                                        "05 00",
                                        "0e 00",
                                        "12 00",
                                        "16 00",
                                        "18 0000000000000000 00",
                                        "0b 08 02000000 00000000",
                                        "10 07 07000000 0000 ff",
                                        "11 07 07000000 0000 ff",
                                        "14 07 07000000 0000 ff",
                                        "0a 0b 0b000000 0a000000 0000 ff",
                                        "12 01 02 07 07000000 0000 ff",
                                        "0e 01 0b 0b000000 0a000000 0000 ff",
                                        "09 02 00 ff"};
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
        kv_load_options options = telling();
        char parts[200];
        store_setup();
        snprintf(parts, sizeof parts, "fe00 %.2s 01'e' %s 0001'k'01'v'", empty[i], empty[i] + 2);
        ck_assert_msg(load_parts(parts, &options) == KV_OK, "%s: %s", empty[i], report.message);
        ck_assert_str_eq(told, "passed over keys with nothing in them|");
        ck_assert_key(db, "e", "-");
        ck_assert_key(db, "k", "'v'");
        ck_assert_uint_eq(report.keys, 1);
        store_teardown();
    }
}
END_TEST

START_TEST(what_is_said_of_a_key_holds_for_that_one)
{
    kv_object_info info = KV_OPTIONS(kv_object_info);
    int64_t ttl_ms;
    store_setup();
    ck_assert_int_eq(load_parts("fe00 fd ffffff7f f8 4064 0001'a'01'v' 0001'b'01'v' "
                                "f9 ff fc ffffffffffffffff 0001'c'01'v' "
                                "f8 81ffffffffffffffff 0001'd'01'v' "
                                "fc ffffffffffffff7f 0001'e'01'v'",
                                NULL),
                     KV_OK);
    ck_assert_int_eq(kv_ttl(db, K("a"), &ttl_ms), KV_OK);
    ck_assert_int_eq(ttl_ms, INT64_C(2147483647000) - FIXTURE_START_MS);
    ck_assert_int_eq(kv_object(db, K("a"), &info), KV_OK);
    ck_assert_int_eq(info.idle_ms / 1000, 100);
    ck_assert_int_eq(kv_object(db, K("b"), &info), KV_OK);
    ck_assert_int_eq(info.idle_ms, 0);
    ck_assert_int_eq(info.deadline_ms, KV_NEVER);
    ck_assert_int_eq(kv_object(db, K("c"), &info), KV_OK);
    ck_assert_int_eq(info.deadline_ms, KV_NEVER); /* -1 has always meant that */
    ck_assert_int_eq(kv_object(db, K("d"), &info), KV_OK);
    ck_assert_int_eq(kv_object(db, K("e"), &info), KV_OK);
    ck_assert_int_eq(info.deadline_ms, KV_NEVER - 1); /* the last instant does come */
    store_teardown();
}
END_TEST

START_TEST(what_has_expired_is_dropped_unless_asked_for)
{
    static const char parts[] = "fe00 fc 0000000000000080 0001'a'01'v' fd 01000000 0101'b'0101'x' "
                                "fc 00 68e5cf8b01 0000 0001'c'01'v' fc 01 68e5cf8b01 0000 "
                                "0001'd'01'v'";
    kv_load_options options = KV_OPTIONS(kv_load_options);
    uint64_t count;
    store_setup();
    ck_assert_int_eq(load_parts(parts, NULL), KV_OK);
    ck_assert_uint_eq(report.keys, 1);
    ck_assert_uint_eq(report.expired, 3);
    ck_assert_key(db, "d", "'v'");
    ck_assert_int_eq(kv_flush(db, false), KV_OK);
    options.keeps_expired = true;
    ck_assert_int_eq(kv_configure(db, KV_SETTING_EXPIRE, 0), KV_OK);
    ck_assert_int_eq(load_parts(parts, &options), KV_OK);
    ck_assert_uint_eq(report.keys, 4);
    ck_assert_int_eq(kv_count(db, &count), KV_OK);
    ck_assert_uint_eq(count, 4);
    ck_assert_key(db, "b", "[x]");
    ck_assert_int_eq(kv_configure(db, KV_SETTING_EXPIRE, 1), KV_OK);
    ck_assert_key(db, "b", "-");
    store_teardown();
}
END_TEST

/* ------------------------------------------------------------------------------ what is refused */

static const struct {
    const char *parts, *message;
    uint64_t keys_before;
} refused[] = {
    {"f3", "offset 9: expected a type or an opcode, found 0xf3", 0},
    {"1a 01'k' 00", "offset 9: expected a type or an opcode, found 0x1a", 0},
    {"fe10", "offset 9: expected a database below 16, found 16", 0},
    {"fe82", "offset 10: expected a length, found 0x82", 0},
    {"fa c4", "offset 10: expected a text, found 0xc4", 0},
    {"fa 81 7fffffffffffffff", "offset 10: expected a text of a size that a value may have", 0},
    {"00 01'k' c3 05 81 7fffffffffffffff", "offset 12: expected a text of a size", 0},
    {"00 01'k' 3f'hell'", "found the end of the file, in the string \"k\"", 0},
    {"00 01'j' 01'v' 01 c00b 81 ffffffffffffffff 01'a'",
     "offset 28: expected a text, found 0xff, in the list \"11\"", 1},
    {"01 c3 01 05 61 81 ffffffffffffffff 01'a'", "offset 25: expected a text, found 0xff", 0},
    {"07 01'k' 81 44978e920ef8bd80 02 01 00",
     "offset 9: expected a value of Redis itself, found one of the module RJeOkg74v", 0},
    {"06 01'k' 81 44978e920ef8bd80 00", "found one of the module RJeOkg74v", 0},
    {"f7 81 44978e920ef8bd80 02 01 06", "offset 21: expected a value of a module, found 0x06", 0},
    {"00 01'k' 01'v' 00 01'k' 01'w'",
     "offset 15: expected a key that was not there before, found \"k\" again", 1},
    {"fe01 00 01'k' 01'v' fe00 00 01'k' 01'v' fe01 01 c00b 01 01'w' 00 02'11' 01'x'",
     "offset 32: expected a key that was not there before, found \"11\" again", 3},
    {"02 01'k' 02 01'a' 01'a'",
     "offset 12: expected a sound set of type 2, found the value of \"k\" damaged", 0},
    {"0b 03'k\n\x01' 0a 02000000 02000000 0100",
     "offset 14: expected a sound set of type 11, found the value of \"k??\" damaged", 0},
    {"00 c3 01 05 61 01'v'", "offset 10: expected a sound key", 0},
    {"00 01'k' c3 01 05 61",
     "offset 12: expected a sound string of type 0, found the value of \"k\" damaged", 0},
};

START_TEST(what_is_no_file_is_refused_by_its_offset)
{
    kv_load_options options = KV_OPTIONS(kv_load_options);
    store_setup();
    options.threads = (unsigned)_i % 2;
    ck_assert_int_eq(load_parts(refused[_i].parts, &options), KV_CORRUPT);
    must_say(refused[_i].message);
    ck_assert_uint_eq(report.keys_before, refused[_i].keys_before);
    store_must_be_empty();
    store_teardown();
}
END_TEST

START_TEST(what_is_damaged_costs_no_memory)
{
    static const char *const lies[] = {"00 80 1fffffff 'k'",
                                       "00 01'k' 80 1fffffff",
                                       "00 01'k' c3 80 1fffffff 801fffffff",
                                       "01 01'k' 81 0fffffffffffffff",
                                       "13 01'k' 81 0fffffffffffffff",
                                       "0b 01'k' 80 1fffffff",
                                       "fa 80 1fffffff",
                                       "f5 80 1fffffff",
                                       "f7 00 00 00 05 80 1fffffff"};
    store_setup();
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        long before = atomic_load(&fx.alloc.live_bytes);
        atomic_store(&fx.alloc.largest, 0);
        ck_assert_int_eq(load_parts(lies[i], NULL), KV_CORRUPT);
        ck_assert_uint_lt(atomic_load(&fx.alloc.largest), 1 << 19);
        ck_assert_int_eq(atomic_load(&fx.alloc.live_bytes), before);
    }
    store_teardown();
}
END_TEST

START_TEST(a_string_beyond_the_setting_is_too_big)
{
    struct file file = {0};
    char text[2000];
    memset(text, 'x', sizeof text);
    store_setup();
    ck_assert_int_eq(kv_configure(db, KV_SETTING_MAX_VALUE_SIZE, 1500), KV_OK);
    file_append_text(&file, "'REDIS0010' 00 01'k' 47d0");
    file_append(&file, kv_bytes(text, sizeof text));
    file_append_text(&file, "ff 0000000000000000");
    ck_assert_int_eq(load_into(db, &file, NULL), KV_TOOBIG);
    must_say("offset 12: expected no text above 1500 bytes in the value of \"k\"");
    store_teardown();
    file_free(&file);
}
END_TEST

START_TEST(what_the_reader_says_ends_it)
{
    struct file file = {.fails = KV_TIMEOUT};
    store_setup();
    file_append_text(&file, "'REDIS0010' 00 01'k' 01");
    ck_assert_int_eq(load_into(db, &file, NULL), KV_TIMEOUT);
    must_say("offset 13: what follows could not be read");
    store_must_be_empty();
    store_teardown();
    file_free(&file);
}
END_TEST

/* A reader that gives a status at one of its calls, and its bytes at all others. */
struct failing {
    struct file *file;
    size_t calls, fails_at;
    kv_status status;
};

static kv_status failing_read(void *context, void *bytes, size_t room, size_t *size)
{
    struct failing *failing = context;
    if (++failing->calls == failing->fails_at) return failing->status;
    return file_read(failing->file, bytes, room, size);
}

static kv_status load_failing(struct failing *failing, const kv_load_options *options)
{
    failing->file->at = failing->calls = 0;
    report = KV_OPTIONS(kv_load_report);
    kv_status status = kv_load(db, failing_read, failing, options, &report);
    kv_check(db);
    return status;
}

/* No status is an end of the file, or that of a piece, whatever else it stands for. */
static void must_fail_with_every_status(struct file *file, const kv_load_options *options)
{
    uint64_t before = fixture_digest(db);
    struct failing failing = {.file = file};
    for (failing.fails_at = 1; failing.fails_at <= 5; failing.fails_at++) {
        for (int status = KV_LOST - 1; status <= KV_CANCELLED + 1; status++) {
            if (status == KV_OK) continue;
            failing.status = (kv_status)status;
            ck_assert_int_eq(load_failing(&failing, options), status);
            must_say("what follows could not be read");
            ck_assert_uint_eq(failing.calls, failing.fails_at); /* not asked again */
            ck_assert_uint_eq(fixture_digest(db), before);
        }
    }
    ck_assert_int_eq(load_failing(&failing, options), KV_OK); /* it had just these five */
    ck_assert_uint_eq(failing.calls, 5);
}

/* By number of threads. */
START_TEST(whatever_the_reader_says_nothing_has_changed)
{
    for (int replaces = 0; replaces < 2; replaces++) {
        struct file file = {0};
        kv_load_options options = KV_OPTIONS(kv_load_options);
        options.threads = (unsigned)_i;
        options.replaces = replaces;
        file_append_text(&file, "'REDIS0012' fe00");
        for (int i = 0; i < 10000; i++) { /* several pieces full */
            char key[32];
            snprintf(key, sizeof key, "0007'key%04d'02'ab'", i);
            file_append_text(&file, key);
        }
        file_append_text(&file, "ff");
        file_append_sum(&file);
        file.piece = file.size / 5 + 1;
        store_setup();
        if (replaces) fixture_set(db, "old", "v");
        must_fail_with_every_status(&file, &options);
        store_teardown();
        file_free(&file);
    }
}
END_TEST

START_TEST(arguments_out_of_range_are_refused)
{
    kv *txn;
    struct file file = {0};
    kv_load_options options = KV_OPTIONS(kv_load_options);
    kv_txn_options whole = KV_OPTIONS(kv_txn_options);
    store_setup();
    file_of_redis(&file);
    ck_assert_int_eq(kv_load(NULL, file_read, &file, NULL, NULL), KV_BADARG);
    ck_assert_int_eq(kv_load(db, NULL, &file, NULL, NULL), KV_BADARG);
    ck_assert_int_eq(kv_load_file(db, NULL, NULL, NULL), KV_BADARG);
    options.size = 1;
    ck_assert_int_eq(kv_load(db, file_read, &file, &options, NULL), KV_BADARG);
    report.size = sizeof report + 1;
    ck_assert_int_eq(kv_load(db, file_read, &file, NULL, &report), KV_BADARG);
    whole.flags = KV_TXN_ALL;
    ck_assert_int_eq(kv_begin(db, &whole, &txn), KV_OK);
    ck_assert_int_eq(kv_load(txn, file_read, &file, NULL, NULL), KV_BADARG);
    ck_assert_int_eq(kv_commit(txn), KV_OK);
    store_must_be_empty();
    store_teardown();
    file_free(&file);
}
END_TEST

/* ------------------------------------------------------------------------------- random stores */

/* Writes keys of a store to a file, and what kv_restore() makes of each to another store. */
struct saving {
    kv *from, *reference;
    struct file *file;
};

static bool save_key(void *context, kv_slice key)
{
    struct saving *saving = context;
    static kv_buffer dump;
    kv_object_info info = KV_OPTIONS(kv_object_info);
    uint8_t head[6] = {0x80};
    dump.size = 0;
    MUST(kv_object(saving->from, key, &info) == KV_OK);
    MUST(kv_dump(saving->from, key, &dump) == KV_OK);
    if (info.deadline_ms != KV_NEVER) {
        uint8_t deadline[9] = {0xfc};
        for (int i = 0; i < 8; i++) deadline[1 + i] = (uint8_t)(info.deadline_ms >> 8 * i);
        file_append(saving->file, kv_bytes(deadline, sizeof deadline));
    }
    for (int i = 0; i < 4; i++) head[1 + i] = (uint8_t)(key.size >> (24 - 8 * i));
    file_append(saving->file, kv_bytes(dump.data, 1));
    file_append(saving->file, kv_bytes(head, 5));
    file_append(saving->file, key);
    file_append(saving->file, kv_bytes((char *)dump.data + 1, dump.size - 11));
    if (saving->reference == NULL) return true;
    kv_restore_options options = KV_OPTIONS(kv_restore_options);
    options.deadline_ms = info.deadline_ms != KV_NEVER ? info.deadline_ms : 0;
    MUST(kv_restore(saving->reference, key, kv_bytes(dump.data, dump.size), &options) == KV_OK);
    return true;
}

struct gathering {
    kv_slice keys[70000];
    size_t count;
};

static bool gather_key(void *context, kv_slice key)
{
    struct gathering *gathering = context;
    char *copy = malloc(key.size + 1);
    MUST(copy != NULL && gathering->count < 70000);
    if (key.size > 0) memcpy(copy, key.data, key.size);
    gathering->keys[gathering->count++] = kv_bytes(copy, key.size);
    return true;
}

/* A file of all that a store holds, out of kv_dump(). */
static void file_of_store(struct file *file, kv *from, kv *reference)
{
    struct gathering *gathering = malloc(sizeof *gathering);
    MUST(gathering != NULL);
    file_append_text(file, "'REDIS0012'");
    for (uint32_t i = 0; i < kv_databases(from); i++) {
        uint8_t select[2] = {0xfe, (uint8_t)i};
        kv *to = reference != NULL ? kv_select(reference, i) : NULL;
        struct saving saving = {kv_select(from, i), to, file};
        file_append(file, kv_bytes(select, 2));
        gathering->count = 0;
        MUST(kv_keys(saving.from, K("*"), gather_key, gathering) == KV_OK);
        for (size_t k = 0; k < gathering->count; k++) {
            (void)save_key(&saving, gathering->keys[k]);
            free((void *)(uintptr_t)gathering->keys[k].data);
        }
    }
    file_append_text(file, "ff");
    file_append_sum(file);
    free(gathering);
}

/* And what it holds as a number: not the same as the store, where members may have deadlines. */
static uint64_t file_of_random_store(struct file *file, uint64_t seed, int calls)
{
    struct fixture source, reference;
    struct caller caller = CALLER(seed, 50);
    fixture_open(&source, 8);
    fixture_open(&reference, 1);
    caller_fill(&caller, source.db, calls);
    file_of_store(file, source.db, reference.db);
    uint64_t digest = fixture_digest(reference.db);
    fixture_close(&reference);
    fixture_close(&source);
    caller_free(&caller);
    return digest;
}

START_TEST(a_load_is_a_restore_of_every_key)
{
    uint64_t seed = unit_seed();
    for (int round = 0; round < fixture_rounds(20, 200); round++) {
        struct file file = {.piece = fixture_below(&seed, 5000)};
        kv_load_options options = KV_OPTIONS(kv_load_options);
        options.threads = (unsigned)fixture_below(&seed, 3);
        uint64_t digest = file_of_random_store(&file, fixture_random(&seed), 3000);
        store_setup();
        ck_assert_msg(load_into(db, &file, &options) == KV_OK, "%s", report.message);
        ck_assert_uint_eq(fixture_digest(db), digest);
        store_teardown();
        file_free(&file);
    }
}
END_TEST

static kv_status append_bytes(void *context, kv_slice bytes)
{
    file_append(context, bytes);
    return KV_OK;
}

/* By the snapshot, with any of its options, at any version. */
START_TEST(a_snapshot_is_loaded_as_it_was)
{
    uint64_t seed = unit_seed();
    for (int round = 0; round < fixture_rounds(12, 100); round++) {
        struct fixture source;
        struct file dumps = {0}, file = {0};
        kv_snapshot_options how = KV_OPTIONS(kv_snapshot_options);
        kv_load_options options = KV_OPTIONS(kv_load_options);
        kv_snapshot *snapshot;
        uint64_t digest = file_of_random_store(&dumps, fixture_random(&seed), 2000);
        fixture_open(&source, 4);
        MUST(load_into(source.db, &dumps, NULL) == KV_OK);
        how.rdb_version = 12;
        how.uncompressed = fixture_below(&seed, 2) == 0;
        how.unsummed = fixture_below(&seed, 2) == 0;
        MUST(kv_snapshot_begin(source.db, &how, append_bytes, &file, &snapshot) == KV_OK);
        MUST(kv_snapshot_step(snapshot, 0) == KV_OK && kv_snapshot_end(snapshot) == KV_OK);
        store_setup();
        options.threads = (unsigned)fixture_below(&seed, 2);
        ck_assert_msg(load_into(db, &file, &options) == KV_OK, "%s", report.message);
        ck_assert_uint_eq(fixture_digest(db), digest);
        store_teardown();
        fixture_close(&source);
        file_free(&dumps);
        file_free(&file);
    }
}
END_TEST

/* Which other loaders pass over, as they are in fields with a name of our own. */
START_TEST(members_keep_their_deadlines)
{
    static char many[3000][12];
    struct file file = {.piece = 4000};
    struct fixture source;
    kv_snapshot *snapshot;
    kv_slice members[3000];
    kv_scored scored[3000];
    int64_t deadline_ms, deadlines_ms[3000];
    fixture_open(&source, 2);
    for (int i = 0; i < 3000; i++) {
        members[i] = kv_bytes(many[i], (size_t)snprintf(many[i], sizeof many[i], "member%d", i));
        scored[i] = (kv_scored){members[i], i};
    }
    for (int i = 0; i < 400; i++) fixture_set(source.db, many[i], "a key beside them");
    fixture_add_all(source.db, "s", "a b 17 d");
    ck_assert_int_eq(kv_sadd(source.db, KV_TEXT("t"), members, 3000, NULL), KV_OK);
    ck_assert_int_eq(kv_zadd(source.db, KV_TEXT("z"), scored, 3000, 0, NULL, NULL), KV_OK);
    ck_assert_int_eq(kv_sexpire_at(source.db, KV_TEXT("s"), FIXTURE_START_MS + 5000, 0,
                                   (kv_slice[]){KV_TEXT("17"), KV_TEXT("d")}, 2, NULL),
                     KV_OK);
    ck_assert_int_eq(
        kv_sexpire_at(source.db, KV_TEXT("t"), FIXTURE_START_MS + 6000, 0, members, 2500, NULL),
        KV_OK);
    ck_assert_int_eq(
        kv_zexpire_at(source.db, KV_TEXT("z"), FIXTURE_START_MS + 7000, 0, members, 2999, NULL),
        KV_OK);
    ck_assert_int_eq(kv_expire(source.db, KV_TEXT("z"), 8000, 0), KV_OK);
    MUST(kv_snapshot_begin(source.db, NULL, append_bytes, &file, &snapshot) == KV_OK);
    MUST(kv_snapshot_step(snapshot, 0) == KV_OK && kv_snapshot_end(snapshot) == KV_OK);
    fixture_close(&source);

    store_setup();
    ck_assert_msg(load_into(db, &file, NULL) == KV_OK, "%s", report.message);
    ck_assert_int_eq(
        kv_sdeadline(db, KV_TEXT("s"), (kv_slice[]){KV_TEXT("17"), KV_TEXT("a")}, 2, deadlines_ms),
        KV_OK);
    ck_assert_int_eq(deadlines_ms[0], FIXTURE_START_MS + 5000);
    ck_assert_int_eq(deadlines_ms[1], KV_NEVER);
    ck_assert_int_eq(kv_sdeadline(db, KV_TEXT("t"), members, 3000, deadlines_ms), KV_OK);
    for (int i = 0; i < 3000; i++)
        MUST(deadlines_ms[i] == (i < 2500 ? FIXTURE_START_MS + 6000 : KV_NEVER));
    ck_assert_int_eq(kv_zdeadline(db, KV_TEXT("z"), members, 3000, deadlines_ms), KV_OK);
    for (int i = 0; i < 3000; i++)
        MUST(deadlines_ms[i] == (i < 2999 ? FIXTURE_START_MS + 7000 : KV_NEVER));
    ck_assert_int_eq(kv_deadline(db, KV_TEXT("z"), &deadline_ms), KV_OK);
    ck_assert_int_eq(deadline_ms, FIXTURE_START_MS + 8000);
    fixture_pass(&fx, 7500);
    ck_assert_key(db, "s", "[a b]");
    ck_assert_key(db, "z", "[member2999:2999]");
    kv_check(db);
    store_teardown();
    file_free(&file);
}
END_TEST

START_TEST(a_snapshot_under_way_has_what_was_there_before_the_load)
{
    struct file before = {0}, file = {0}, saved_file = {0};
    kv_load_options options = KV_OPTIONS(kv_load_options);
    kv_snapshot *snapshot;
    uint64_t digest = file_of_random_store(&before, unit_seed(), 5000);
    options.replaces = true;
    file_of_redis(&file);
    store_setup();
    for (int round = 0; round < 3; round++) {
        MUST(load_into(db, &before, &options) == KV_OK);
        saved_file.size = 0;
        kv_snapshot_options how = KV_OPTIONS(kv_snapshot_options);
        how.rdb_version = 12;
        MUST(kv_snapshot_begin(db, &how, append_bytes, &saved_file, &snapshot) == KV_OK);
        for (int i = 0; i < round; i++) MUST(kv_snapshot_step(snapshot, 1) >= KV_OK);
        MUST(load_into(db, &file, &options) == KV_OK);
        must_hold_what_redis_saved();
        MUST(kv_snapshot_step(snapshot, 0) == KV_OK && kv_snapshot_end(snapshot) == KV_OK);
        must_hold_what_redis_saved();
        MUST(load_into(db, &saved_file, &options) == KV_OK);
        ck_assert_uint_eq(fixture_digest(db), digest);
    }
    store_teardown();
    file_free(&before);
    file_free(&file);
    file_free(&saved_file);
}
END_TEST

START_TEST(damage_anywhere_is_refused_or_does_no_harm)
{
    uint64_t seed = unit_seed();
    struct file file = {0};
    (void)file_of_random_store(&file, seed, 400);
    memset(file.bytes + file.size - 8, 0, 8); /* without a sum to see it */
    store_setup();
    size_t step = file.size / (size_t)fixture_rounds(500, 100000) + 1;
    for (size_t at = 9; at < file.size; at += 1 + fixture_below(&seed, 2 * step)) {
        uint8_t before = file.bytes[at];
        kv_load_options options = KV_OPTIONS(kv_load_options);
        options.replaces = true;
        file.bytes[at] = (uint8_t)fixture_random(&seed);
        kv_status status = load_into(db, &file, &options);
        MUST(status == KV_OK || status == KV_CORRUPT || status == KV_TOOBIG);
        file.bytes[at] = before;
    }
    store_teardown();
    file_free(&file);
}
END_TEST

/* Many pieces, and values that are larger than one. */
static void file_of_much(struct file *file, uint64_t seed)
{
    static char text[500000];
    char key[32];
    for (size_t i = 0; i < sizeof text; i++) text[i] = (char)fixture_random(&seed);
    file_append_text(file, "'REDIS0010' fa 80 0007a120");
    file_append(file, kv_bytes(text, sizeof text)); /* a field that takes several pieces */
    file_append_text(file, "01'v' fe00");
    for (int i = 0; i < 30000; i++) {
        snprintf(key, sizeof key, "%ckey%06d", 9, i);
        file_append_text(file, i % 100 == 0 ? "fe01" : "fe00");
        file_append_text(file, "00");
        file_append(file, kv_text(key));
        file_append_text(file, "c2 01020304");
        if (i % 5000 != 0) continue;
        snprintf(key, sizeof key, "%ctext%05d", 9, i);
        file_append_text(file, "00");
        file_append(file, kv_text(key));
        file_append_text(file, "80 0007a120");
        file_append(file, kv_bytes(text, sizeof text));
        snprintf(key, sizeof key, "%clist%05d", 9, i);
        file_append_text(file, "01");
        file_append(file, kv_text(key));
        file_append_text(file, "80 00007530");
        for (int k = 0; k < 30000; k++)
            file_append(file, kv_bytes("\x08"
                                       "elements",
                                       9));
    }
    file_append_text(file, "ff");
    file_append_sum(file);
}

START_TEST(threads_and_pieces_make_no_difference)
{
    static const struct {
        unsigned threads;
        size_t piece;
        uint32_t shards;
    } ways[] = {{0, 0, 4}, {1, 0, 4}, {3, 0, 1}, {2, 1000, 64}, {64, 70000, 16}};
    struct file file = {0};
    uint64_t digest = 0;
    file_of_much(&file, unit_seed());
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        kv_load_options options = KV_OPTIONS(kv_load_options);
        struct fixture other;
        fixture_open(&other, ways[i].shards);
        options.threads = ways[i].threads;
        file.piece = ways[i].piece;
        ck_assert_msg(load_into(other.db, &file, &options) == KV_OK, "%s", report.message);
        ck_assert_uint_eq(report.keys, 30012);
        ck_assert_uint_eq(report.bytes, file.size);
        if (i == 0) digest = fixture_digest(other.db);
        ck_assert_uint_eq(fixture_digest(other.db), digest);
        fixture_close(&other);
    }
    file_free(&file);
}
END_TEST

START_TEST(with_threads_the_first_damage_is_told_of)
{
    struct file file = {0};
    kv_load_options options = KV_OPTIONS(kv_load_options);
    store_setup();
    file_of_much(&file, unit_seed());
    /* The same key twice, twice; the later one may be found first. */
    size_t second = 0, third = 0;
    for (size_t at = 500000; at < file.size - 20; at++) {
        if (memcmp(file.bytes + at, "\tkey000300", 10) == 0) second = at;
        if (memcmp(file.bytes + at, "\tkey029000", 10) == 0) third = at;
    }
    memcpy(file.bytes + second, "\tkey000200", 10);
    memcpy(file.bytes + third, "\tkey000200", 10);
    for (options.threads = 0; options.threads < 4; options.threads++) {
        ck_assert_int_eq(load_into(db, &file, &options), KV_CORRUPT);
        ck_assert_uint_eq(report.bytes, second);
        store_must_be_empty();
    }
    store_teardown();
    file_free(&file);
}
END_TEST

static uint64_t progress_bytes;
static unsigned progress_calls;

static void note_progress(void *context, uint64_t bytes, uint64_t keys)
{
    (void)context;
    MUST(bytes >= progress_bytes && keys <= 30012);
    progress_bytes = bytes;
    progress_calls++;
}

START_TEST(progress_is_told)
{
    struct file file = {0};
    kv_load_options options = KV_OPTIONS(kv_load_options);
    store_setup();
    file_of_much(&file, 1);
    options.progress = note_progress;
    progress_calls = 0;
    progress_bytes = 0;
    ck_assert_int_eq(load_into(db, &file, &options), KV_OK);
    ck_assert_uint_ge(progress_calls, 3);
    ck_assert_uint_eq(progress_bytes, file.size);
    store_teardown();
    file_free(&file);
}
END_TEST

/* -------------------------------------------------------------------------- what was there before */

START_TEST(a_store_with_keys_must_be_told_to_give_way)
{
    struct file file = {0};
    store_setup();
    file_of_redis(&file);
    fixture_set(kv_select(db, 7), "old", "one");
    ck_assert_int_eq(load_into(db, &file, NULL), KV_CONFLICT);
    must_say("expected a store without keys");
    ck_assert_uint_eq(file.at, 0);
    ck_assert_key(kv_select(db, 7), "old", "'one'");
    store_teardown();
    file_free(&file);
}
END_TEST

static bool write_meanwhile(void *context, kv_slice name, kv_slice value)
{
    (void)context, (void)name, (void)value;
    fixture_set(db, "meanwhile", "v");
    return true;
}

START_TEST(a_store_that_got_keys_meanwhile_keeps_them)
{
    struct file file = {0};
    kv_load_options options = KV_OPTIONS(kv_load_options);
    store_setup();
    file_of_redis(&file);
    options.aux = write_meanwhile;
    ck_assert_int_eq(load_into(db, &file, &options), KV_CONFLICT);
    ck_assert_key(db, "meanwhile", "'v'");
    ck_assert_key(db, "text", "-");
    options.replaces = true;
    ck_assert_int_eq(load_into(db, &file, &options), KV_OK);
    ck_assert_key(db, "meanwhile", "-");
    must_hold_what_redis_saved();
    store_teardown();
    file_free(&file);
}
END_TEST

static bool look_at_old(void *context, kv_slice name, kv_slice value)
{
    (void)context, (void)name, (void)value;
    ck_assert_key(db, "text", "'old'");
    ck_assert_key(kv_select(db, 5), "other", "'old'");
    return true;
}

static void count_instants(void *context)
{
    ++*(int *)context;
}

START_TEST(old_keys_are_seen_until_the_new_ones_are_there)
{
    struct file file = {0};
    kv_load_options options = KV_OPTIONS(kv_load_options);
    kv_statistics statistics = KV_OPTIONS(kv_statistics);
    int instants = 0;
    store_setup();
    long before = atomic_load(&fx.alloc.live_bytes);
    file_of_redis(&file);
    options.replaces = true;
    options.aux = look_at_old;
    options.at_instant = count_instants;
    options.context = &instants;
    for (int round = 1; round < 6; round++) {
        fixture_set(db, "text", "old");
        fixture_set_for(kv_select(db, 5), "other", "old", 1000000);
        for (int i = 0; i < 500; i++) fixture_push(db, "long", "some element of a long list");
        file.size -= 1;
        ck_assert_int_eq(load_into(db, &file, &options), KV_CORRUPT);
        ck_assert_key(db, "text", "'old'");
        file.size += 1;
        ck_assert_int_eq(load_into(db, &file, &options), KV_OK);
        ck_assert_int_eq(instants, round);
        must_hold_what_redis_saved();
        ck_assert_key(kv_select(db, 5), "other", "-");
        ck_assert_key(db, "long", "-");
        if (round % 2 == 0) ck_assert_int_eq(kv_tick(db, 0), KV_OK);
        kv_check(db);
    }
    ck_assert_int_eq(kv_tick(db, 0), KV_OK);
    ck_assert_int_eq(kv_stats(db, &statistics), KV_OK);
    ck_assert_uint_eq(statistics.keys, 12);
    ck_assert_int_eq(kv_flush_all(db, false), KV_OK);
    ck_assert_int_eq(kv_tick(db, 0), KV_OK);
    ck_assert_int_lt(atomic_load(&fx.alloc.live_bytes) - before, 300000);
    store_teardown();
    file_free(&file);
}
END_TEST

START_TEST(watches_see_what_came_and_what_went)
{
    static const struct {
        const char *key;
        bool is_dirty;
    } watched[] = {{"old", true}, {"text", true}, {"neither", false}};
    for (size_t i = 0; i < 3; i++) {
        struct file file = {0};
        kv_load_options options = KV_OPTIONS(kv_load_options);
        kv_watch *watch;
        kv_slice key = kv_text(watched[i].key);
        store_setup();
        file_of_redis(&file);
        fixture_set(db, "old", "v");
        ck_assert_int_eq(kv_watch_open(db, &watch), KV_OK);
        ck_assert_int_eq(kv_watch_add(watch, db, key), KV_OK);
        options.replaces = true;
        ck_assert_int_eq(load_into(db, &file, &options), KV_OK);
        ck_assert_int_eq(kv_watch_is_dirty(watch), watched[i].is_dirty);
        kv_watch_close(watch);
        store_teardown();
        file_free(&file);
    }
}
END_TEST

static char popped[100];

static void note_popped(void *context, kv_waiter *waiter, const kv_wait_result *result)
{
    (void)context, (void)waiter;
    MUST(result->status == KV_OK && result->element_count == 1);
    memcpy(popped, result->elements[0].data, result->elements[0].size);
}

START_TEST(who_waits_for_a_list_is_served)
{
    struct file file = {0};
    kv_wait_options wait = KV_OPTIONS(kv_wait_options);
    kv_waiter *waiter;
    kv_slice key = K("list");
    store_setup();
    file_of_redis(&file);
    wait.keys = &key;
    wait.key_count = 1;
    wait.done = note_popped;
    ck_assert_int_eq(kv_wait(db, &wait, &waiter), KV_PENDING);
    ck_assert_int_eq(load_into(db, &file, NULL), KV_OK);
    ck_assert_str_eq(popped, "abc");
    ck_assert_key(db, "list", "[-1]");
    (void)kv_wait_cancel(waiter);
    store_teardown();
    file_free(&file);
}
END_TEST

/* --------------------------------------------------------------------------------------- memory */

START_TEST(a_load_is_whole_or_nothing_when_memory_runs_out)
{
    struct file file = {0};
    uint64_t digest = file_of_random_store(&file, unit_seed(), 200);
    store_setup();
    fixture_set(db, "old", "v");
    fixture_push_all(kv_select(db, 3), "old", "a b c");
    uint64_t before = fixture_digest(db);
    FIXTURE_FAIL_EACH_ALLOCATION(&fx.alloc)
    {
        kv_load_options options = KV_OPTIONS(kv_load_options);
        options.replaces = true;
        options.threads = (unsigned)fixture_allowed % 2;
        kv_status status = load_into(db, &file, &options);
        bool was_enough = fixture_alloc_was_enough(&fx.alloc);
        fixture_alloc_allow(&fx.alloc, FIXTURE_UNLIMITED);
        MUST(status == KV_OK || (status == KV_NOMEM && !was_enough));
        MUST(fixture_digest(db) == (status == KV_OK ? digest : before));
        if (status == KV_OK && !was_enough) { /* it did without what it was refused */
            MUST(kv_flush_all(db, false) == KV_OK);
            fixture_set(db, "old", "v");
            fixture_push_all(kv_select(db, 3), "old", "a b c");
        }
    }
    store_teardown();
    file_free(&file);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("load");
    TCase *tcase = tcase_create("tables");
    tcase_add_loop_test(tcase, what_is_no_file_is_refused_by_its_offset, 0,
                        (int)(sizeof refused / sizeof *refused));
    tcase_add_loop_test(tcase, whatever_the_reader_says_nothing_has_changed, 0, 3);
    suite_add_tcase(suite, tcase);
    const TTest *const tests[] = {
        a_file_of_redis_7_is_read_however_its_bytes_come,
        a_file_is_loaded_by_its_path,
        a_file_that_ends_early_is_refused_and_leaves_nothing,
        any_changed_bit_is_noticed,
        every_encoding_there_was_is_read,
        streams_of_all_three_forms_are_read,
        a_version_is_a_number_above_zero,
        versions_are_no_reason_to_refuse,
        fields_are_told_and_may_end_it,
        what_a_store_has_no_use_for_is_passed_over,
        keys_with_nothing_in_them_are_passed_over,
        what_is_said_of_a_key_holds_for_that_one,
        what_has_expired_is_dropped_unless_asked_for,
        what_is_damaged_costs_no_memory,
        a_string_beyond_the_setting_is_too_big,
        what_the_reader_says_ends_it,
        arguments_out_of_range_are_refused,
        a_load_is_a_restore_of_every_key,
        a_snapshot_is_loaded_as_it_was,
        members_keep_their_deadlines,
        a_snapshot_under_way_has_what_was_there_before_the_load,
        damage_anywhere_is_refused_or_does_no_harm,
        threads_and_pieces_make_no_difference,
        with_threads_the_first_damage_is_told_of,
        progress_is_told,
        a_store_with_keys_must_be_told_to_give_way,
        a_store_that_got_keys_meanwhile_keeps_them,
        old_keys_are_seen_until_the_new_ones_are_there,
        watches_see_what_came_and_what_went,
        who_waits_for_a_list_is_served,
        a_load_is_whole_or_nothing_when_memory_runs_out,
    };
    return unit_run_suite(suite, tests, sizeof tests / sizeof *tests);
}
