/*
 * tests/api/test_dump.c -- kv_dump() and kv_restore(): every type and every encoding there
 * ever was, what is refused, and what a restored key is like.
 *
 * How values move between this store and a real Redis is in tests/integration/moving.py.
 */
#include "one_store.h"
#include "rdb_text.h"

#include <string.h>

/* ------------------------------------------------------------------------------ making payloads */

enum { PAYLOAD_ROOM = 4000 };

struct payload {
    uint8_t bytes[PAYLOAD_ROOM];
    size_t size;
};

static void put_sum(struct payload *payload)
{
    rdb_text_sum(payload->bytes, payload->size - 8);
}

/* Type and value as rdb_text.h has them, with the footer of this version. */
static kv_slice payload_of(struct payload *payload, const char *text, unsigned version)
{
    payload->size = rdb_text_bytes(payload->bytes, text);
    payload->bytes[payload->size] = (uint8_t)version;
    payload->bytes[payload->size + 1] = (uint8_t)(version >> 8);
    payload->size += 10;
    put_sum(payload);
    return kv_bytes(payload->bytes, payload->size);
}

static kv_status restore(const char *key, kv_slice payload)
{
    kv_restore_options options = KV_OPTIONS(kv_restore_options);
    options.replace = true;
    return kv_restore(db, kv_text(key), payload, &options);
}

static kv_status restore_text(const char *text)
{
    struct payload payload;
    kv_status status = restore("k", payload_of(&payload, text, 10));
    kv_check(db);
    return status;
}

static kv_slice dump(const char *key)
{
    static kv_buffer buffer; /* is kept */
    buffer.size = 0;
    MUST(kv_dump(db, kv_text(key), &buffer) == KV_OK);
    return kv_bytes(buffer.data, buffer.size);
}

static void must_be(kv_slice found, const char *expected, unsigned version)
{
    struct payload payload;
    kv_slice wanted = payload_of(&payload, expected, version);
    ck_assert_uint_eq(found.size, wanted.size);
    ck_assert_mem_eq(found.data, wanted.data, wanted.size);
}

static void must_dump(const char *key, const char *expected, unsigned version)
{
    must_be(dump(key), expected, version);
}

static void must_dump_as(const char *key, unsigned asked, const char *expected, unsigned version)
{
    kv_buffer payload = {0};
    ck_assert_int_eq(kv_dump_as(db, kv_text(key), asked, &payload), KV_OK);
    must_be(kv_bytes(payload.data, payload.size), expected, version);
    kv_buffer_free(&payload);
}

/* ----------------------------------------------------------------------------- what is accepted */

START_TEST(every_encoding_there_was_is_read)
{
    store_setup();
    ck_assert_int_eq(restore_text(rdb_values[_i].value), KV_OK);
    ck_assert_key(db, "k", rdb_values[_i].shown);
    store_teardown();
}
END_TEST

START_TEST(streams_are_read_and_written_as_by_redis)
{
    /* As DUMP of Redis 7.0 gave them. */
    static const char *const same[] = {
        "13 01" RDB_NODE RDB_TOTALS "00",
        "13 00 00 00 00 00 00 00 00 00 01 01'g' 00 00 81 ffffffffffffffff 00 00",
        "13 01" RDB_NODE RDB_TOTALS "01 01'g' 01 01 01 01" RDB_ID_1 RDB_TIME "01 02 01'c'" RDB_TIME
        "01" RDB_ID_1 "01'd'" RDB_TIME "00",
    };
    store_setup();
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        ck_assert_int_eq(restore_text(same[i]), KV_OK);
        must_dump("k", same[i], 10);
    }
    /* Redis 5 did not know some numbers, and 7.2 knows another time. */
    ck_assert_int_eq(restore_text("0f 01" RDB_NODE "01 01 01 01 01'g' 00 00 00 00"), KV_OK);
    must_dump("k", "13 01" RDB_NODE RDB_TOTALS "01 01'g' 00 00 00 00 00", 10);
    ck_assert_int_eq(restore_text("15 01" RDB_NODE RDB_TOTALS
                                  "01 01'g' 01 01 01 00 01 01'c'" RDB_TIME "ffffffffffffffff 00"),
                     KV_OK);
    must_dump("k", "13 01" RDB_NODE RDB_TOTALS "01 01'g' 01 01 01 00 01 01'c'" RDB_TIME "00", 10);
    store_teardown();
}
END_TEST

START_TEST(deadlines_of_fields_are_read)
{
    int64_t deadlines[2];
    kv_slice fields[2] = {K("a"), K("b")};
    store_setup();
    /* 18d00000000 is an instant of 2024, after the fixture's. */
    static const char *const payloads[] = {
        "16 02 81 0000018d00000000 01'a' 01'1' 00 01'b' 01'2'",
        "17 1d  1d000000 0600 81'a'02 0101 f4 000000008d010000 09 81'b'02 0201 0001 ff",
        "18 000000008d010000 02 01 01'a' 01'1' 00 01'b' 01'2'",
        "18 ff0000008c010000 02 80 ffffff02 01'a' 01'1' 00 01'b' 01'2'",
        ("19 000000008d010000 1d  1d000000 0600 81'a'02 0101 f4 000000008d010000 09 81'b'02 0201 "
         "0001 ff")};
    for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++) {
        ck_assert_int_eq(restore_text(payloads[i]), KV_OK);
        ck_assert_int_eq(kv_hdeadline(db, K("k"), fields, 2, deadlines), KV_OK);
        ck_assert_int_eq(deadlines[1], KV_NEVER);
        ck_assert_int_eq(deadlines[0], INT64_C(0x18d00000000));
    }
    store_teardown();
}
END_TEST

/* ------------------------------------------------------------------------------ what is refused */

/* clang-format off */
static const char *const refused[] = {
    /* no type, or none of a value */
    "", "06 00", "07 00", "08 00", "1a 00", "f7 00", "ff",
    /* strings cut off, or no strings */
    "00", "00 01", "00 05 'hell'", "00 c4 00", "00 82 00",
    /* something behind */
    "00 05 'hello' 00", "01 01 01'a' 00", "0b 0a 02000000 01000000 0100 00",
    /* empty */
    "01 00", "02 00", "03 00", "04 00", "05 00", "0e 00", "12 00", "16 00",
    "18 0000000000000000 00", "0b 08 02000000 00000000", "10 07 07000000 0000 ff",
    "11 07 07000000 0000 ff", "14 07 07000000 0000 ff", "0a 0b 0b000000 0a000000 0000 ff",
    "12 01 02 07 07000000 0000 ff", "09 02 00 ff",
    /* counts that lie */
    "01 81 ffffffffffffffff 01'a'", "02 80 7fffffff 01'a'", "04 3f 01'a'",
    "05 81 1000000000000000 01'a' 000000000000f03f", "12 81 ffffffffffffffff 02",
    /* members twice */
    "02 02 01'a' 01'a'", "02 02 c0 07 01'7'",
    "14 0d 0d000000 0200 81'a'02 81'a'02 ff", "14 0c 0c000000 0200 81'7'02 0701 ff",
    "03 02 01'a' fe 01'a' ff", "05 02 01'a' 000000000000f03f 01'a' 000000000000e0bf",
    "11 11  11000000 0400 81'a'02 0101 81'a'02 0201 ff",
    "04 02 01'a' 01'1' 01'a' 01'2'", "10 11  11000000 0400 81'a'02 0101 81'a'02 0101 ff",
    "09 0b 02 01'a' 01 00 '1' 01'a' 00 00 ff",
    "18 000000008d010000 02 01 01'a' 01'1' 00 01'a' 01'2'",
    /* no numbers */
    "03 01 01'a' fd", "05 01 01'a' 000000000000f87f", "03 01 01'a' 03'nan'",
    "03 01 01'a' 01'x'", "03 01 01'a' 00", "11 0d  0d000000 0200 81'a'02 81'x'02 ff",
    "11 0f  0f000000 0200 81'a'02 83'nan'04 ff",
    /* out of order */
    "0c 16  16000000 12000000 0400 00 01'b' 03 f2 02 01'a' 03 01'1' ff",
    "11 11  11000000 0400 81'a'02 0201 81'b'02 0101 ff",
    "11 11  11000000 0400 81'b'02 0101 81'a'02 0101 ff",
    "0b 0c 02000000 02000000 2c01 fbff", "0b 0c 02000000 02000000 0100 0100",
    "17 15  15000000 0600 81'a'02 0101 0201 81'b'02 0201 0101 ff",
    "17 15  15000000 0600 81'a'02 0101 0001 81'b'02 0201 0101 ff",
    "17 0f  0f000000 0300 81'a'02 0101 81'1'02 ff", "17 0f  0f000000 0300 81'a'02 0101 dfff02 ff",
    "16 01 81 8000000000000000 01'a' 01'1'", "18 ffffffffffffffff 01 01 01'a' 01'1'",
    "18 ffffffffffffff7f 01 01 01'a' 01'1'", "18 0000000000000000 01 01 01'a' 01'1'",
    /* half a group */
    "10 0a  0a000000 0100 81'a'02 ff", "11 0a  0a000000 0100 81'a'02 ff",
    "17 0c  0c000000 0200 81'a'02 0101 ff", "0d 0e  0e000000 0a000000 0100 00 01'a' ff",
    /* no kind of node */
    "12 01 03 0a  0a000000 0100 81'a'02 ff", "12 01 00 01'a'",
    "12 01 02 0a  0b000000 0100 81'a'02 ff", "12 01 02 0a  0a000000 0200 81'a'02 ff",
    "12 01 02 0a  0a000000 0100 81'a'03 ff", "12 01 02 0a  0a000000 0100 82'a'02 ff",
    "12 01 02 0a  0a000000 0100 81'a'02 fe", "12 01 02 07  0a000000 0100 ff",
    /* streams: cut off, wrong totals, wrong ids, wrong order */
    "13", "13 00", "13 01" RDB_NODE, "13 01" RDB_NODE RDB_TOTALS, "0f 00 00 00 00", "13 01" RDB_NODE RDB_TOTALS "01",
    "13 01" RDB_NODE "02 01 01 01 01 00 00 02 00", "13 01" RDB_NODE "01 00 01 01 01 00 00 01 00",
    "13 01" RDB_NODE "01 01 01 01 01 02 00 01 00", "13 01" RDB_NODE "01 01 01 01 01 00 00 00 00",
    "13 01 01'x' 07 07000000 0000 ff 00 00 00 00 00 00 00 00 00",
    "13 01 10 0000000000000001 0000000000000001 07 07000000 0000 ff 00 01 01 00 00 00 00 00 00",
    "13 02" RDB_NODE RDB_NODE "02 01 01 01 01 00 00 02 00",
    "13 02" RDB_LATER_NODE RDB_NODE "02 02 01 01 01 00 00 02 00", "13 01" RDB_NODE RDB_TOTALS "00 00",
    /* and their groups */
    "13 01" RDB_NODE RDB_TOTALS "02 01'g' 01 01 01 00 00 01'g' 01 01 01 00 00",
    "13 01" RDB_NODE RDB_TOTALS "01 01'g' 01 01 81 8000000000000000 00 00",
    "13 01" RDB_NODE RDB_TOTALS "01 01'g' 01 01 01 01" RDB_ID_1 RDB_TIME "01 00",
    "13 01" RDB_NODE RDB_TOTALS "01 01'g' 01 01 01 00 01 01'c'" RDB_TIME "01" RDB_ID_1,
    "13 01" RDB_NODE RDB_TOTALS "01 01'g' 01 01 01 01" RDB_ID_1 RDB_TIME "01 01 01'c'" RDB_TIME "01" RDB_ID_2,
    "13 01" RDB_NODE RDB_TOTALS "01 01'g' 01 01 01 01" RDB_ID_1 RDB_TIME "01 01 01'c'" RDB_TIME "02" RDB_ID_1 RDB_ID_1,
    "13 01" RDB_NODE RDB_TOTALS "01 01'g' 01 01 01 02" RDB_ID_1 RDB_TIME "01" RDB_ID_1 RDB_TIME "01 01 01'c'" RDB_TIME "01" RDB_ID_1,
    "13 01" RDB_NODE RDB_TOTALS "01 01'g' 01 01 01 00 02 01'c'" RDB_TIME "00 01'c'" RDB_TIME "00",
    "13 01" RDB_NODE RDB_TOTALS "01 01'g' 01 01 01 00 01 01'c' 00000000000000ff 00",
    "13 01" RDB_NODE RDB_TOTALS "01 01'g' 01 01 01 81 0fffffffffffffff" RDB_ID_1 RDB_TIME "01 00",
    /* intsets */
    "0b 0c 03000000 02000000 fbff 2c01", "0b 0c 02000000 03000000 fbff 2c01",
};
/* clang-format on */

START_TEST(what_is_no_value_is_refused_and_changes_nothing)
{
    store_setup();
    fixture_set(db, "k", "old");
    ck_assert_int_eq(restore_text(refused[_i]), KV_CORRUPT);
    ck_assert_key(db, "k", "'old'");
    store_teardown();
}
END_TEST

/* Few members are compared with each other, many by a table. */
START_TEST(the_last_of_many_members_may_be_there_already)
{
    store_setup();
    for (unsigned count = 2; count < 60; count++) {
        for (int is_twice = 0; is_twice < 2; is_twice++) {
            char text[2000];
            unsigned size = 6 + 3 * count + 1;
            int at = snprintf(text, sizeof text, "14 40%02x %02x000000 %02x00", size, size, count);
            for (unsigned i = 0; i < count; i++) {
                unsigned letter = is_twice && i + 1 == count ? 'A' : 'A' + i;
                at += snprintf(text + at, sizeof text - (size_t)at, " 81 %02x 02", letter);
            }
            snprintf(text + at, sizeof text - (size_t)at, " ff");
            ck_assert_int_eq(restore_text(text), is_twice ? KV_CORRUPT : KV_OK);
        }
    }
    store_teardown();
}
END_TEST

START_TEST(a_wrong_footer_is_refused)
{
    struct payload payload;
    store_setup();
    kv_slice good = payload_of(&payload, "00 05 'hello'", 10);
    for (size_t size = 0; size < good.size; size++)
        ck_assert_int_eq(restore("k", kv_bytes(good.data, size)), KV_BADSUM);
    for (size_t bit = 0; bit < 8 * good.size; bit++) {
        payload.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_int_eq(restore("k", good), KV_BADSUM);
        payload.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    ck_assert_int_eq(restore("k", payload_of(&payload, "00 05 'hello'", 13)), KV_BADSUM);
    ck_assert_int_eq(restore("k", payload_of(&payload, "00 05 'hello'", 256)), KV_BADSUM);
    ck_assert_key(db, "k", "-");
    ck_assert_int_eq(restore("k", payload_of(&payload, "00 05 'hello'", 12)), KV_OK);
    ck_assert_int_eq(restore("k", payload_of(&payload, "00 05 'hello'", 1)), KV_OK);
    ck_assert_key(db, "k", "'hello'");
    store_teardown();
}
END_TEST

START_TEST(a_string_beyond_the_setting_is_too_big)
{
    store_setup();
    ck_assert_int_eq(kv_configure(db, KV_SETTING_MAX_VALUE_SIZE, 1024), KV_OK);
    ck_assert_int_eq(restore_text("00 c3 0e 4421 00'a' e0ff00 e0ff00 e0ff00 e0ff00"), KV_TOOBIG);
    ck_assert_int_eq(restore_text("00 c3 0b 4319 00'a' e0ff00 e0ff00 e0ff00"), KV_OK);
    store_teardown();
}
END_TEST

/* ------------------------------------------------------------------------------ what is written */

START_TEST(dumps_are_as_redis_writes_them)
{
    store_setup();
    kv_slice pair[2] = {K("a"), K("1")};
    kv_scored scored[2] = {{K("a"), 1}, {K("b"), 2.5}};
    kv_buffer none = {0};
    fixture_set(db, "text", "hello");
    fixture_set(db, "number", "-200");
    fixture_set(db, "wide", "4294967296");
    fixture_push_all(db, "list", "a 7");
    fixture_add_all(db, "integers", "-5 300");
    fixture_add_all(db, "set", "a b");
    ck_assert_int_eq(kv_zadd(db, K("zset"), scored, 2, 0, NULL, NULL), KV_OK);
    ck_assert_int_eq(kv_hset(db, K("hash"), pair, 1, NULL), KV_OK);
    must_dump("text", "00 05 'hello'", 10);
    must_dump("number", "00 c1 38ff", 10);
    must_dump("wide", "00 0a '4294967296'", 10);
    must_dump("list", "12 01 02 0c 0c000000 0200 81'a'02 0701 ff", 10);
    must_dump("integers", "0b 0c 02000000 02000000 fbff 2c01", 10);
    must_dump("set", "02 02 01'a' 01'b'", 10);
    must_dump("zset", "11 14 14000000 0400 81'a'02 0101 81'b'02 83'2.5'04 ff", 10);
    must_dump("hash", "10 0c 0c000000 0200 81'a'02 0101 ff", 10);
    /* Deadlines of fields make it version 12, while there is one. */
    ck_assert_int_eq(kv_hexpire_at(db, K("hash"), INT64_C(0x18d00000000), 0, pair, 1, NULL), KV_OK);
    must_dump("hash", "19 000000008d010000 16 16000000 0300 81'a'02 0101 f4 000000008d010000 09 ff",
              12);
    ck_assert_int_eq(kv_hpersist(db, K("hash"), pair, 1, NULL), KV_OK);
    must_dump("hash", "04 01 01'a' c001", 10);
    /* The large forms. */
    ck_assert_int_eq(kv_configure(db, KV_SETTING_HASH_PACK_COUNT, 0), KV_OK);
    ck_assert_int_eq(kv_configure(db, KV_SETTING_SORTED_SET_PACK_COUNT, 0), KV_OK);
    ck_assert_int_eq(kv_hset(db, K("table"), pair, 1, NULL), KV_OK);
    must_dump("table", "04 01 01'a' c001", 10);
    ck_assert_int_eq(kv_hexpire_at(db, K("table"), INT64_C(0x18d00000000), 0, pair, 1, NULL),
                     KV_OK);
    must_dump("table", "18 000000008d010000 01 01 01'a' c001", 12);
    must_dump_as("table", 12, "18 000000008d010000 01 01 01'a' c001", 12);
    must_dump_as("table", 10, "04 01 01'a' c001", 10);
    must_dump_as("text", 12, "00 05 'hello'", 10);
    ck_assert_int_eq(kv_zadd(db, K("ranking"), scored, 2, 0, NULL, NULL), KV_OK);
    must_dump("ranking", "05 02 01'b' 0000000000000440 01'a' 000000000000f03f", 10);
    ck_assert_int_eq(kv_dump(db, K("absent"), &none), KV_NONE);
    ck_assert_ptr_null(none.data);
    store_teardown();
}
END_TEST

/* -------------------------------------------------------------------- random values, and damage */

static kv_slice random_text(uint64_t *seed, char room[300])
{
    static const char *const odd[] = {"", "0", "-1", "01", "9223372036854775808", "-129"};
    size_t size = fixture_below(seed, fixture_below(seed, 10) == 0 ? 300 : 24);
    switch (fixture_below(seed, 4)) {
    case 0: return kv_text(odd[fixture_below(seed, sizeof odd / sizeof *odd)]);
    case 1:
        size = (size_t)snprintf(room, 300, "%lld",
                                (long long)(fixture_random(seed) >> fixture_below(seed, 64)));
        break;
    case 2: memset(room, 'a' + (int)fixture_below(seed, 3), size); break;
    default:
        for (size_t i = 0; i < size; i++) room[i] = (char)fixture_random(seed);
        break;
    }
    return kv_bytes(room, size);
}

/* An entry, and now and then what groups do with entries. */
static void put_random_entry(uint64_t *seed, kv_slice key, const kv_slice pair[2])
{
    kv_slice group = fixture_below(seed, 2) == 0 ? K("g") : K("h");
    kv_slice consumer = fixture_below(seed, 2) == 0 ? K("c") : K("d");
    kv_stream_from from = {.key = key, .only_new = true};
    kv_xread_options read = KV_OPTIONS(kv_xread_options);
    kv_stream_id id = {0, 0};
    MUST(kv_xadd(db, key, pair, 1, NULL, &id) == KV_OK);
    if (fixture_below(seed, 5) == 0) (void)kv_xgroup_create(db, key, group, NULL);
    read.count = 1 + fixture_below(seed, 4);
    if (fixture_below(seed, 4) == 0)
        (void)kv_xreadgroup(db, group, consumer, &from, 1, &read, NULL, NULL, NULL, NULL);
    if (fixture_below(seed, 8) == 0) (void)kv_xack(db, key, group, &id, 1, NULL);
    if (fixture_below(seed, 8) == 0) (void)kv_xdel(db, key, &id, 1, NULL);
}

static void put_random(uint64_t *seed, unsigned kind, kv_slice key)
{
    char room[2][300];
    kv_slice pair[2] = {random_text(seed, room[0]), random_text(seed, room[1])};
    kv_scored scored = {pair[0], (double)(int64_t)fixture_below(seed, 20) / 4 - 2};
    int64_t later_ms = FIXTURE_START_MS + 100000 + (int64_t)fixture_below(seed, 1000000);
    switch (kind) {
    case 0: MUST(kv_set(db, key, pair[0], NULL) == KV_OK); break;
    case 1: MUST(kv_rpush(db, key, pair, 1, NULL) == KV_OK); break;
    case 2: MUST(kv_sadd(db, key, pair, 1, NULL) == KV_OK); break;
    case 3: MUST(kv_zadd(db, key, &scored, 1, 0, NULL, NULL) == KV_OK); break;
    case 6: put_random_entry(seed, key, pair); break;
    default:
        MUST(kv_hset(db, key, pair, 1, NULL) == KV_OK);
        if (kind == 5 && fixture_below(seed, 2) == 0)
            MUST(kv_hexpire_at(db, key, later_ms, 0, pair, 1, NULL) == KV_OK);
    }
}

/* Makes a value of some size around the limits, which are low. */
static void fill_random(uint64_t *seed, unsigned kind, kv_slice key)
{
    uint64_t count = 1 + fixture_below(seed, kind == 0                     ? 1
                                             : fixture_below(seed, 4) == 0 ? 300
                                                                           : 40);
    for (kv_setting setting = KV_SETTING_HASH_PACK_COUNT; setting <= KV_SETTING_SET_INTEGER_COUNT;
         setting++)
        MUST(kv_configure(db, setting, (int64_t)fixture_below(seed, 64)) == KV_OK);
    int64_t list_size = (int64_t)fixture_below(seed, 40) - 5;
    MUST(kv_configure(db, KV_SETTING_LIST_PACK_SIZE, list_size != 0 ? list_size : -1) == KV_OK);
    MUST(kv_del(db, &key, 1, NULL) == KV_OK);
    while (count-- > 0) put_random(seed, kind, key);
}

static uint64_t digest_of(kv_slice key)
{
    kv *alone = kv_select(db, 1);
    MUST(kv_flush(alone, false) == KV_OK);
    MUST(kv_copy(db, key, alone, K("k"), true) == KV_OK);
    MUST(kv_del(db, &key, 1, NULL) == KV_OK);
    return fixture_digest(db);
}

START_TEST(random_values_come_back_the_same_under_any_limits)
{
    uint64_t seed = unit_seed();
    store_setup();
    for (int round = 0; round < fixture_rounds(300, 5000); round++) {
        kv_buffer payload = {0};
        fill_random(&seed, (unsigned)(round % 7), K("k"));
        MUST(kv_dump(db, K("k"), &payload) == KV_OK);
        uint64_t before = digest_of(K("k"));
        MUST(kv_configure(db, KV_SETTING_HASH_PACK_COUNT, (int64_t)fixture_below(&seed, 64)) ==
             KV_OK);
        MUST(kv_restore(db, K("k"), kv_bytes(payload.data, payload.size), NULL) == KV_OK);
        kv_check(db);
        MUST(digest_of(K("k")) == before);
        kv_buffer_free(&payload);
    }
    store_teardown();
}
END_TEST

/* Sound or refused, never anything else; the sanitizer looks on. */
START_TEST(damaged_payloads_with_a_right_sum_do_no_harm)
{
    uint64_t seed = unit_seed();
    unsigned refusals = 0;
    store_setup();
    for (int round = 0; round < fixture_rounds(600, 20000); round++) {
        struct payload payload;
        fill_random(&seed, (unsigned)(round % 7), K("k"));
        kv_slice sound = dump("k");
        if (sound.size > sizeof payload.bytes) continue;
        for (int damage = 0; damage < 20; damage++) {
            memcpy(payload.bytes, sound.data, sound.size);
            payload.size = sound.size;
            uint64_t changes = 1 + fixture_below(&seed, 3);
            while (changes-- > 0)
                payload.bytes[fixture_below(&seed, sound.size - 10)] =
                    (uint8_t)fixture_random(&seed);
            put_sum(&payload);
            kv_status status = restore("k", kv_bytes(payload.bytes, payload.size));
            MUST(status == KV_OK || status == KV_CORRUPT || status == KV_TOOBIG);
            refusals += status != KV_OK;
            kv_check(db);
        }
    }
    ck_assert_uint_gt(refusals, 100);
    store_teardown();
}
END_TEST

/* ------------------------------------------------------------------------- the key and its time */

START_TEST(a_key_that_exists_gives_way_if_asked_to)
{
    struct payload payload;
    kv_restore_options options = KV_OPTIONS(kv_restore_options);
    store_setup();
    kv_slice bytes = payload_of(&payload, "00 05 'hello'", 10);
    fixture_push_all(db, "k", "a b");
    ck_assert_int_eq(kv_restore(db, K("k"), bytes, NULL), KV_SKIPPED);
    ck_assert_int_eq(kv_restore(db, K("k"), bytes, &options), KV_SKIPPED);
    ck_assert_key(db, "k", "[a b]");
    options.replace = true;
    ck_assert_int_eq(kv_restore(db, K("k"), bytes, &options), KV_OK);
    ck_assert_key(db, "k", "'hello'");
    ck_assert_int_eq(kv_restore(db, K("new"), bytes, NULL), KV_OK);
    ck_assert_key(db, "new", "'hello'");
    store_teardown();
}
END_TEST

START_TEST(a_restored_key_has_the_time_it_was_given)
{
    struct payload payload;
    kv_restore_options options = KV_OPTIONS(kv_restore_options);
    kv_object_info info = KV_OPTIONS(kv_object_info);
    int64_t ttl_ms = 0;
    store_setup();
    kv_slice bytes = payload_of(&payload, "01 02 01'a' c0 07", 10);
    options.replace = true;
    options.ttl_ms = 5000;
    options.idle_ms = 70500;
    ck_assert_int_eq(kv_restore(db, K("k"), bytes, &options), KV_OK);
    ck_assert_int_eq(kv_ttl(db, K("k"), &ttl_ms), KV_OK);
    ck_assert_int_eq(ttl_ms, 5000);
    ck_assert_int_eq(kv_restore(db, K("k"), bytes, &options), KV_OK);
    ck_assert_int_eq(kv_object(db, K("k"), &info), KV_OK);
    ck_assert_int_eq(info.idle_ms, 70000);
    options.ttl_ms = 0;
    options.deadline_ms = FIXTURE_START_MS + 77;
    options.idle_ms = INT64_MAX;
    ck_assert_int_eq(kv_restore(db, K("k"), bytes, &options), KV_OK);
    ck_assert_int_eq(kv_object(db, K("k"), &info), KV_OK);
    ck_assert_int_eq(info.deadline_ms, FIXTURE_START_MS + 77);
    ck_assert_int_gt(info.idle_ms, 1000000);
    options.deadline_ms = FIXTURE_START_MS;
    ck_assert_int_eq(kv_restore(db, K("k"), bytes, &options), KV_OK);
    ck_assert_key(db, "k", "-");
    options.deadline_ms = 0;
    ck_assert_int_eq(kv_restore(db, K("k"), bytes, &options), KV_OK);
    ck_assert_int_eq(kv_ttl(db, K("k"), &ttl_ms), KV_OK);
    ck_assert_int_eq(ttl_ms, KV_NEVER);
    store_teardown();
}
END_TEST

START_TEST(options_out_of_range_are_refused)
{
    struct payload payload;
    kv_buffer buffer = {0};
    store_setup();
    kv_slice bytes = payload_of(&payload, "00 05 'hello'", 10);
    const kv_restore_options bad[] = {
        {.size = 1},
        {.size = sizeof(kv_restore_options) + 1},
        {.size = sizeof(kv_restore_options), .ttl_ms = -1},
        {.size = sizeof(kv_restore_options), .deadline_ms = -1},
        {.size = sizeof(kv_restore_options), .idle_ms = -1},
        {.size = sizeof(kv_restore_options), .ttl_ms = 1, .deadline_ms = FIXTURE_START_MS + 1},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_int_eq(kv_restore(db, K("k"), bytes, &bad[i]), KV_BADARG);
    kv_restore_options endless = {.size = sizeof endless, .ttl_ms = INT64_MAX};
    ck_assert_int_eq(kv_restore(db, K("k"), bytes, &endless), KV_OVERFLOW);
    ck_assert_int_eq(kv_dump(db, K("k"), NULL), KV_BADARG);
    ck_assert_int_eq(kv_dump_as(db, K("k"), 9, &buffer), KV_BADARG);
    ck_assert_int_eq(kv_dump_as(db, K("k"), 13, &buffer), KV_BADARG);
    ck_assert_int_eq(kv_configure(db, KV_SETTING_ACCEPT_WRITES, 0), KV_OK);
    ck_assert_int_eq(kv_restore(db, K("k"), bytes, NULL), KV_READONLY);
    ck_assert_key(db, "k", "-");
    store_teardown();
}
END_TEST

static char journal[400];

static void note_journal(void *context, const kv_change *changes, size_t count)
{
    (void)context;
    for (size_t i = 0; i < count; i++) {
        for (size_t word = 0; word < changes[i].argument_count; word++) {
            kv_slice text = changes[i].arguments[word];
            size_t size = strlen(journal);
            bool is_payload = word == 3;
            snprintf(journal + size, sizeof journal - size, "%.*s ",
                     is_payload ? 1 : (int)text.size, is_payload ? "*" : (const char *)text.data);
        }
        strcat(journal, "| ");
    }
}

START_TEST(the_journal_gets_instants)
{
    struct payload payload;
    kv_follower *follower;
    kv_restore_options options = KV_OPTIONS(kv_restore_options);
    store_setup();
    journal[0] = 0;
    kv_slice bytes = payload_of(&payload, "00 05 'hello'", 10);
    ck_assert_int_eq(kv_follow(db, note_journal, NULL, &follower), KV_OK);
    ck_assert_int_eq(kv_restore(db, K("k"), bytes, NULL), KV_OK);
    options.replace = true;
    options.ttl_ms = 1000;
    options.idle_ms = 3000;
    ck_assert_int_eq(kv_restore(db, K("k"), bytes, &options), KV_OK);
    options = KV_OPTIONS(kv_restore_options);
    options.replace = true;
    options.deadline_ms = 1;
    ck_assert_int_eq(kv_restore(db, K("k"), bytes, &options), KV_OK);
    ck_assert_int_eq(kv_restore(db, K("k"), bytes, &options), KV_OK);
    ck_assert_str_eq(journal, "RESTORE k 0 * | "
                              "RESTORE k 1700000001000 * REPLACE IDLETIME 3 ABSTTL | "
                              "DEL k | ");
    kv_unfollow(follower);
    store_teardown();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dump");
    TCase *tcase = tcase_create("tables");
    tcase_add_loop_test(tcase, every_encoding_there_was_is_read, 0, (int)RDB_VALUES);
    tcase_add_loop_test(tcase, what_is_no_value_is_refused_and_changes_nothing, 0,
                        (int)(sizeof refused / sizeof *refused));
    suite_add_tcase(suite, tcase);
    const TTest *const tests[] = {
        streams_are_read_and_written_as_by_redis,
        deadlines_of_fields_are_read,
        the_last_of_many_members_may_be_there_already,
        a_wrong_footer_is_refused,
        a_string_beyond_the_setting_is_too_big,
        dumps_are_as_redis_writes_them,
        random_values_come_back_the_same_under_any_limits,
        damaged_payloads_with_a_right_sum_do_no_harm,
        a_key_that_exists_gives_way_if_asked_to,
        a_restored_key_has_the_time_it_was_given,
        options_out_of_range_are_refused,
        the_journal_gets_instants,
    };
    return unit_run_suite(suite, tests, sizeof tests / sizeof *tests);
}
