/*
 * tests/api/test_bitmap.c -- strings as bits: what each call promises, and BITFIELD against a naive
 * model.
 */
#include "one_store.h"

#include <string.h>

static bool set_bit(const char *key, uint64_t offset, bool bit)
{
    bool old = !bit;
    MUST(kv_setbit(db, K(key), offset, bit, &old) == KV_OK);
    return old;
}

static bool get_bit(const char *key, uint64_t offset)
{
    bool bit = false;
    MUST(kv_getbit(db, K(key), offset, &bit) == KV_OK);
    return bit;
}

START_TEST(bits_are_numbered_from_the_highest_of_the_first_byte)
{
    ck_assert(!set_bit("k", 1, true));
    ck_assert_key(db, "k", "'@'");
    ck_assert(!set_bit("k", 9, true));
    ck_assert(!set_bit("k", 15, true));
    ck_assert_key(db, "k", "'@A'");
    ck_assert(set_bit("k", 1, true));
    ck_assert(set_bit("k", 9, false));
    ck_assert(get_bit("k", 1) && !get_bit("k", 9) && get_bit("k", 15));
    ck_assert(!get_bit("k", 16) && !get_bit("k", UINT64_MAX) && !get_bit("none", 0));
    ck_assert_str_eq(fixture_encoding(db, "k"), "raw");
}
END_TEST

START_TEST(a_number_is_its_text)
{
    fixture_set(db, "n", "12");
    ck_assert_str_eq(fixture_encoding(db, "n"), "int");
    ck_assert(get_bit("n", 2) && get_bit("n", 15 - 1));
    ck_assert(!set_bit("n", 15, true));
    ck_assert_key(db, "n", "'13'");
    ck_assert_str_eq(fixture_encoding(db, "n"), "raw");
    int64_t sum = 0;
    ck_assert_int_eq(kv_incr(db, K("n"), &sum), KV_OK);
    ck_assert_int_eq(sum, 14);
}
END_TEST

START_TEST(a_bit_far_away_makes_the_string_long)
{
    uint64_t length = 0;
    fixture_set(db, "k", "short");
    MUST(kv_expire(db, K("k"), 10000, 0) == KV_OK);
    ck_assert(!set_bit("k", 80000, true));
    ck_assert_int_eq(kv_strlen(db, K("k"), &length), KV_OK);
    ck_assert_uint_eq(length, 10001);
    ck_assert(get_bit("k", 80000) && !get_bit("k", 79999));
    int64_t ttl = 0;
    ck_assert_int_eq(kv_ttl(db, K("k"), &ttl), KV_OK);
    ck_assert_int_eq(ttl, 10000);
    ck_assert_int_eq(kv_configure(db, KV_SETTING_MAX_VALUE_SIZE, 2000), KV_OK);
    ck_assert_int_eq(kv_setbit(db, K("new"), 16000, true, NULL), KV_TOOBIG);
    ck_assert_int_eq(kv_setbit(db, K("new"), UINT64_MAX, true, NULL), KV_TOOBIG);
    ck_assert_key(db, "new", "-");
    ck_assert_int_eq(kv_setbit(db, K("new"), 15999, false, NULL), KV_OK);
    ck_assert_int_eq(kv_strlen(db, K("new"), &length), KV_OK);
    ck_assert_uint_eq(length, 2000);
}
END_TEST

static uint64_t count_bits(const char *key, int64_t start, int64_t end, kv_unit unit)
{
    uint64_t count = 77;
    MUST(kv_bitcount(db, K(key), start, end, unit, &count) == KV_OK);
    return count;
}

START_TEST(bits_are_counted_in_a_range_of_bytes_or_bits)
{
    fixture_set(db, "k", "foobar");
    ck_assert_uint_eq(count_bits("k", 0, -1, KV_UNIT_BYTE), 26);
    ck_assert_uint_eq(count_bits("k", 0, 0, KV_UNIT_BYTE), 4);
    ck_assert_uint_eq(count_bits("k", 1, 1, KV_UNIT_BYTE), 6);
    ck_assert_uint_eq(count_bits("k", 5, 30, KV_UNIT_BIT), 17);
    ck_assert_uint_eq(count_bits("k", -3, -2, KV_UNIT_BYTE), 6);
    ck_assert_uint_eq(count_bits("k", 3, 1, KV_UNIT_BYTE), 0);
    ck_assert_uint_eq(count_bits("k", 100, 200, KV_UNIT_BYTE), 0);
    ck_assert_uint_eq(count_bits("k", 0, -100, KV_UNIT_BYTE), 4);
    ck_assert_uint_eq(count_bits("k", -1, -100, KV_UNIT_BYTE), 0);
    ck_assert_uint_eq(count_bits("k", INT64_MIN, INT64_MAX, KV_UNIT_BIT), 26);
    ck_assert_uint_eq(count_bits("none", 0, -1, KV_UNIT_BYTE), 0);
}
END_TEST

/* The position, or -1. */
static int64_t find_bit(const char *key, bool bit, int64_t start, const int64_t *end, kv_unit unit)
{
    uint64_t position = 0;
    kv_status status = kv_bitpos(db, K(key), bit, start, end, unit, &position);
    MUST(status == KV_OK || status == KV_NONE);
    return status == KV_OK ? (int64_t)position : -1;
}

START_TEST(a_bit_is_found_and_zeros_follow_a_string_without_end)
{
    const int64_t last = -1, first = 0, seventh = 7;
    MUST(kv_set(db, K("k"), kv_bytes("\xff\xf0\x00", 3), NULL) == KV_OK);
    MUST(kv_set(db, K("ones"), kv_bytes("\xff\xff\xff", 3), NULL) == KV_OK);
    MUST(kv_set(db, K("zeros"), kv_bytes("\0\0\0", 3), NULL) == KV_OK);
    fixture_set(db, "empty", "");
    ck_assert_int_eq(find_bit("k", false, 0, NULL, KV_UNIT_BYTE), 12);
    ck_assert_int_eq(find_bit("k", true, 1, NULL, KV_UNIT_BYTE), 8);
    ck_assert_int_eq(find_bit("k", true, 2, NULL, KV_UNIT_BYTE), -1);
    ck_assert_int_eq(find_bit("k", true, 10, &last, KV_UNIT_BIT), 10);
    ck_assert_int_eq(find_bit("k", false, 3, &seventh, KV_UNIT_BIT), -1);
    ck_assert_int_eq(find_bit("ones", false, 0, NULL, KV_UNIT_BYTE), 24);
    ck_assert_int_eq(find_bit("ones", false, 0, &last, KV_UNIT_BYTE), -1);
    ck_assert_int_eq(find_bit("ones", false, 3, NULL, KV_UNIT_BYTE), -1);
    ck_assert_int_eq(find_bit("zeros", true, 0, NULL, KV_UNIT_BYTE), -1);
    ck_assert_int_eq(find_bit("zeros", false, 0, &first, KV_UNIT_BYTE), 0);
    ck_assert_int_eq(find_bit("none", false, 5, &last, KV_UNIT_BYTE), 0);
    ck_assert_int_eq(find_bit("none", true, 0, NULL, KV_UNIT_BYTE), -1);
    ck_assert_int_eq(find_bit("empty", false, 0, NULL, KV_UNIT_BYTE), -1);
}
END_TEST

static uint64_t combine(kv_bit_operation operation, const char *destination, size_t count,
                        kv_slice a, kv_slice b, kv_slice c)
{
    kv_slice keys[3] = {a, b, c};
    uint64_t length = 77;
    MUST(kv_bitop(db, operation, K(destination), keys, count, &length) == KV_OK);
    return length;
}

START_TEST(strings_of_several_shards_are_combined)
{
    fixture_set(db, "a", "abc");
    fixture_set(db, "b", "ABCDE");
    fixture_set_for(db, "c", "1", 1000);
    ck_assert_uint_eq(combine(KV_BIT_OR, "r", 2, K("a"), K("b"), K("")), 5);
    ck_assert_key(db, "r", "'abcDE'");
    ck_assert_uint_eq(combine(KV_BIT_AND, "r", 2, K("a"), K("b"), K("")), 5);
    fixture_set(db, "r", "x");
    ck_assert_uint_eq(combine(KV_BIT_XOR, "r", 3, K("a"), K("b"), K("none")), 5);
    ck_assert_key(db, "r", "'   DE'");
    ck_assert_uint_eq(combine(KV_BIT_DIFF1, "r", 2, K("b"), K("a"), K("")), 5);
    ck_assert_uint_eq(count_bits("r", 0, -1, KV_UNIT_BYTE), 3);
    ck_assert_uint_eq(combine(KV_BIT_OR, "c", 2, K("a"), K("c"), K("")), 3);
    ck_assert_key(db, "c", "'qbc'");
    int64_t ttl = 0;
    ck_assert_int_eq(kv_ttl(db, K("c"), &ttl), KV_OK);
    ck_assert_int_eq(ttl, KV_NEVER);
    ck_assert_str_eq(fixture_encoding(db, "c"), "raw");
}
END_TEST

START_TEST(nothing_combined_removes_the_destination)
{
    fixture_push(db, "r", "x");
    ck_assert_uint_eq(combine(KV_BIT_AND, "r", 2, K("none"), K("nor this"), K("")), 0);
    ck_assert_key(db, "r", "-");
    ck_assert_uint_eq(combine(KV_BIT_NOT, "r", 1, K("none"), K(""), K("")), 0);
    ck_assert_key(db, "r", "-");
}
END_TEST

START_TEST(a_large_result_may_lie_where_a_source_lay)
{
    static char bytes[3][100000];
    memset(bytes[0], 0x0f, sizeof bytes[0]);
    memset(bytes[1], 0x3c, sizeof bytes[1]);
    for (size_t i = 0; i < sizeof bytes[2]; i++) bytes[2][i] = bytes[0][i] ^ bytes[1][i];
    MUST(kv_set(db, K("a"), kv_bytes(bytes[0], sizeof bytes[0]), NULL) == KV_OK);
    MUST(kv_set(db, K("b"), kv_bytes(bytes[1], sizeof bytes[1]), NULL) == KV_OK);
    fixture_set(db, "r", "new");
    kv_buffer result = {0};
    for (int i = 0; i < 3; i++) {
        const char *destination = i == 0 ? "r" : i == 1 ? "r" : "b";
        combine(KV_BIT_XOR, destination, 2, K("a"), K("b"), K(""));
        ck_assert_int_eq(kv_get(db, K(destination), &result), KV_OK);
        ck_assert_uint_eq(result.size, sizeof bytes[2]);
        ck_assert_int_eq(memcmp(result.data, bytes[2], result.size), 0);
    }
    kv_buffer_free(&result);
}
END_TEST

START_TEST(a_bit_operation_has_as_many_keys_as_it_needs)
{
    kv_slice keys[2] = {K("a"), K("b")};
    ck_assert_int_eq(kv_bitop(db, KV_BIT_NOT, K("r"), keys, 2, NULL), KV_BADARG);
    ck_assert_int_eq(kv_bitop(db, KV_BIT_AND, K("r"), keys, 0, NULL), KV_BADARG);
    ck_assert_int_eq(kv_bitop(db, KV_BIT_AND, K("r"), NULL, 1, NULL), KV_BADARG);
    ck_assert_int_eq(kv_bitop(db, KV_BIT_DIFF, K("r"), keys, 1, NULL), KV_BADARG);
    ck_assert_int_eq(kv_bitop(db, (kv_bit_operation)99, K("r"), keys, 2, NULL), KV_BADARG);
}
END_TEST

static kv_field_operation step(kv_field_kind kind, bool is_signed, uint8_t bits, uint64_t offset,
                               int64_t value, kv_overflow overflow)
{
    return (kv_field_operation){.kind = kind,
                                .is_signed = is_signed,
                                .bits = bits,
                                .overflow = overflow,
                                .offset = offset,
                                .value = value};
}

START_TEST(fields_are_read_and_changed_in_order)
{
    kv_field_operation steps[] = {
        step(KV_FIELD_SET, false, 8, 0, 255, KV_OVERFLOW_WRAP),
        step(KV_FIELD_GET, true, 8, 0, 0, KV_OVERFLOW_WRAP),
        step(KV_FIELD_INCRBY, false, 8, 0, 2, KV_OVERFLOW_FAIL),
        step(KV_FIELD_INCRBY, false, 8, 0, 2, KV_OVERFLOW_WRAP),
        step(KV_FIELD_INCRBY, true, 5, 100, -40, KV_OVERFLOW_SATURATE),
        step(KV_FIELD_SET, true, 64, 37, INT64_MIN, KV_OVERFLOW_WRAP),
        step(KV_FIELD_GET, true, 64, 37, 0, KV_OVERFLOW_WRAP),
    };
    const int64_t results[] = {0, -1, 0, 1, -16, 1, INT64_MIN};
    ck_assert_int_eq(kv_bitfield(db, K("k"), steps, 7), KV_OK);
    for (int i = 0; i < 7; i++) {
        ck_assert_int_eq(steps[i].status, i == 2 ? KV_OVERFLOW : KV_OK);
        if (i != 2) ck_assert_int_eq(steps[i].result, results[i]);
    }
    uint64_t length = 0;
    ck_assert_int_eq(kv_strlen(db, K("k"), &length), KV_OK);
    ck_assert_uint_eq(length, 14);
}
END_TEST

START_TEST(reading_fields_creates_nothing_and_needs_no_permission)
{
    kv_field_operation get = step(KV_FIELD_GET, false, 63, 100, 0, KV_OVERFLOW_WRAP);
    MUST(kv_configure(db, KV_SETTING_ACCEPT_WRITES, 0) == KV_OK);
    ck_assert_int_eq(kv_bitfield(db, K("k"), &get, 1), KV_OK);
    ck_assert_int_eq(get.result, 0);
    ck_assert_int_eq(kv_bitfield(db, K("k"), NULL, 0), KV_OK);
    get.kind = KV_FIELD_SET;
    ck_assert_int_eq(kv_bitfield(db, K("k"), &get, 1), KV_READONLY);
    ck_assert_key(db, "k", "-");
}
END_TEST

START_TEST(a_field_outside_its_range_is_refused_before_anything_is_done)
{
    kv_field_operation steps[2] = {step(KV_FIELD_SET, false, 8, 0, 1, KV_OVERFLOW_WRAP)};
    const kv_field_operation bad[] = {
        step(KV_FIELD_GET, false, 0, 0, 0, KV_OVERFLOW_WRAP),
        step(KV_FIELD_GET, false, 64, 0, 0, KV_OVERFLOW_WRAP),
        step(KV_FIELD_GET, true, 65, 0, 0, KV_OVERFLOW_WRAP),
        step((kv_field_kind)3, true, 8, 0, 0, KV_OVERFLOW_WRAP),
        step(KV_FIELD_SET, true, 8, 0, 0, (kv_overflow)3),
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        steps[1] = bad[i];
        ck_assert_int_eq(kv_bitfield(db, K("k"), steps, 2), KV_BADARG);
    }
    steps[1] = step(KV_FIELD_SET, true, 8, (UINT64_C(4) << 30) - 4, 0, KV_OVERFLOW_WRAP);
    ck_assert_int_eq(kv_bitfield(db, K("k"), steps, 2), KV_TOOBIG);
    steps[1] = step(KV_FIELD_SET, true, 8, UINT64_MAX, 0, KV_OVERFLOW_WRAP);
    ck_assert_int_eq(kv_bitfield(db, K("k"), steps, 2), KV_TOOBIG);
    ck_assert_key(db, "k", "-");
}
END_TEST

START_TEST(another_type_is_refused_by_every_call)
{
    kv_field_operation set = step(KV_FIELD_SET, false, 8, 0, 1, KV_OVERFLOW_WRAP);
    kv_slice list = K("list");
    fixture_push(db, "list", "x");
    ck_assert_int_eq(kv_setbit(db, list, 0, true, NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_getbit(db, list, 0, NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_bitcount(db, list, 0, -1, KV_UNIT_BYTE, NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_bitpos(db, list, true, 0, NULL, KV_UNIT_BYTE, NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_bitfield(db, list, &set, 1), KV_WRONGTYPE);
    ck_assert_int_eq(kv_bitfield(db, list, NULL, 0), KV_WRONGTYPE);
    ck_assert_int_eq(kv_bitop(db, KV_BIT_NOT, K("r"), &list, 1, NULL), KV_WRONGTYPE);
    ck_assert_key(db, "list", "[x]");
}
END_TEST

static int changes;

static void count_changes(void *context, const kv_change *change, size_t count)
{
    (void)context, (void)change;
    changes += (int)count;
}

START_TEST(what_changes_nothing_is_not_journaled_and_does_not_disturb_a_watch)
{
    kv_follower *follower;
    kv_watch *watch;
    kv_field_operation set = step(KV_FIELD_SET, false, 8, 0, 'a', KV_OVERFLOW_WRAP);
    fixture_set(db, "k", "abc");
    MUST(kv_follow(db, count_changes, NULL, &follower) == KV_OK);
    MUST(kv_watch_open(db, &watch) == KV_OK && kv_watch_add(watch, db, K("k")) == KV_OK);
    changes = 0;
    ck_assert(set_bit("k", 1, true));
    ck_assert_int_eq(kv_bitfield(db, K("k"), &set, 1), KV_OK);
    ck_assert_uint_eq(combine(KV_BIT_AND, "none", 1, K("none"), K(""), K("")), 0);
    ck_assert_int_eq(changes, 0);
    ck_assert(!kv_watch_is_dirty(watch));
    ck_assert(!set_bit("k", 0, true));
    ck_assert_int_eq(changes, 1);
    ck_assert(kv_watch_is_dirty(watch));
    kv_watch_close(watch);
    kv_unfollow(follower);
}
END_TEST

START_TEST(a_transaction_must_have_declared_every_key)
{
    kv_txn_options options = KV_OPTIONS(kv_txn_options);
    kv_slice keys[2] = {K("a"), K("key in another shard")};
    kv *txn;
    options.keys = keys;
    options.key_count = 1;
    MUST(kv_begin(db, &options, &txn) == KV_OK);
    kv_status status = KV_OK;
    for (char name[] = "a"; name[0] <= 'z' && status == KV_OK; name[0]++) {
        kv_slice other = K(name);
        status = kv_bitop(txn, KV_BIT_NOT, keys[0], &other, 1, NULL);
    }
    ck_assert_int_eq(status, KV_NOTLOCKED);
    MUST(kv_commit(txn) == KV_OK);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bitmap");
    TCase *tcase = tcase_create("bitmap");
    tcase_add_checked_fixture(tcase, store_setup, store_teardown);
    const TTest *const tests[] = {
        bits_are_numbered_from_the_highest_of_the_first_byte,
        a_number_is_its_text,
        a_bit_far_away_makes_the_string_long,
        bits_are_counted_in_a_range_of_bytes_or_bits,
        a_bit_is_found_and_zeros_follow_a_string_without_end,
        strings_of_several_shards_are_combined,
        nothing_combined_removes_the_destination,
        a_large_result_may_lie_where_a_source_lay,
        a_bit_operation_has_as_many_keys_as_it_needs,
        fields_are_read_and_changed_in_order,
        reading_fields_creates_nothing_and_needs_no_permission,
        a_field_outside_its_range_is_refused_before_anything_is_done,
        another_type_is_refused_by_every_call,
        what_changes_nothing_is_not_journaled_and_does_not_disturb_a_watch,
        a_transaction_must_have_declared_every_key,
    };
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
