/*
 * tests/engine/test_bitmap.c -- values/bitmap.h against the plainest loops there are, a bit at a
 * time.
 */
#include "values/bitmap.h"
#include "base/random.h"

#include "../unit.h"

#include <stdlib.h>

#define ROOM 5000

__extension__ typedef __int128 wide; /* numbers without an end, nearly */

static struct random numbers;

static void setup(void)
{
    random_seed(&numbers, unit_seed());
}

static uint64_t below(uint64_t bound)
{
    return random_below(&numbers, bound);
}

/* Exactly as large, so that a sanitizer sees a read outside; mostly dense, sparse or full. */
static uint8_t *random_bytes(size_t size)
{
    uint8_t *bytes = malloc(size > 0 ? size : 1);
    uint64_t kind = below(4);
    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < size; i++) {
        if (kind == 0) bytes[i] = (uint8_t)below(256);
        else if (kind == 1) bytes[i] = below(size) == 0 ? (uint8_t)below(256) : 0;
        else if (kind == 2) bytes[i] = below(size) == 0 ? (uint8_t)below(256) : 0xff;
        else bytes[i] = below(2) == 0 ? 0xff : 0;
    }
    return bytes;
}

static bool plain_bit(kv_slice text, uint64_t offset)
{
    const uint8_t *bytes = text.data;
    return offset / 8 < text.size && (bytes[offset / 8] & 128 >> offset % 8) != 0;
}

START_TEST(bits_are_counted_and_found_in_any_range)
{
    for (int round = 0; round < 3000; round++) {
        size_t size = below(4) == 0 ? below(ROOM) : below(40);
        uint8_t *bytes = random_bytes(size);
        kv_slice text = {bytes, size};
        uint64_t first = below(8 * size + 1), end = below(8 * size + 1);
        bool bit = below(2) == 0;
        if (first > end) first = end;
        uint64_t count = 0, found = end;
        for (uint64_t i = first; i < end; i++) {
            count += plain_bit(text, i);
            if (found == end && plain_bit(text, i) == bit) found = i;
        }
        ck_assert_uint_eq(bitmap_count(bytes, first, end), count);
        ck_assert_uint_eq(bitmap_find(bytes, bit, first, end), found);
        free(bytes);
    }
}
END_TEST

START_TEST(bits_of_full_and_empty_strings_are_counted)
{
    uint8_t *bytes = malloc(1 << 20);
    memset(bytes, 0xff, 1 << 20);
    ck_assert_uint_eq(bitmap_count(bytes, 0, 8 << 20), 8 << 20);
    ck_assert_uint_eq(bitmap_count(bytes, 3, (8 << 20) - 5), (8 << 20) - 8);
    ck_assert_uint_eq(bitmap_find(bytes, false, 7, 8 << 20), 8 << 20);
    memset(bytes, 0, 1 << 20);
    ck_assert_uint_eq(bitmap_count(bytes, 0, 8 << 20), 0);
    ck_assert_uint_eq(bitmap_find(bytes, true, 0, 8 << 20), 8 << 20);
    ck_assert_uint_eq(bitmap_count(NULL, 0, 0), 0);
    ck_assert_uint_eq(bitmap_find(NULL, true, 0, 0), 0);
    free(bytes);
}
END_TEST

/* What one bit of the result is. */
static bool combine_bits(kv_bit_operation operation, const bool *bits, size_t count)
{
    size_t set = 0;
    for (size_t i = 0; i < count; i++) set += bits[i];
    size_t others = set - bits[0];
    switch (operation) {
    case KV_BIT_AND: return set == count;
    case KV_BIT_OR: return set > 0;
    case KV_BIT_XOR: return set % 2 == 1;
    case KV_BIT_NOT: return set == 0;
    case KV_BIT_DIFF: return bits[0] && others == 0;
    case KV_BIT_DIFF1: return !bits[0] && others > 0;
    case KV_BIT_ANDOR: return bits[0] && others > 0;
    case KV_BIT_ONE: return set == 1;
    }
    return false;
}

#define SOURCES 5

/* Combines strings of any sizes, the result being one of them or not. */
static void combine_once(kv_bit_operation operation)
{
    kv_slice sources[SOURCES];
    uint8_t *owned[SOURCES];
    bool bits[SOURCES];
    size_t count = operation == KV_BIT_NOT ? 1 : 1 + below(SOURCES), size = 0;
    if (!bitmap_can_combine(operation, count)) count++;
    for (size_t i = 0; i < count; i++) {
        sources[i].size = below(3) == 0 ? below(ROOM) : below(40);
        sources[i].data = owned[i] = random_bytes(sources[i].size);
        if (sources[i].size > size) size = sources[i].size;
    }
    uint8_t *expected = calloc(1, size + 1), *result = malloc(size + 1);
    for (uint64_t at = 0; at < 8 * size; at++) {
        for (size_t i = 0; i < count; i++) bits[i] = plain_bit(sources[i], at);
        if (combine_bits(operation, bits, count)) expected[at / 8] |= (uint8_t)(128 >> at % 8);
    }
    for (size_t i = 0; i < count; i++) { /* in the place of one of the longest */
        if (sources[i].size != size || below(2) == 0) continue;
        memcpy(result, sources[i].data, size);
        sources[i].data = result;
        break;
    }
    bitmap_combine(operation, sources, count, result, size);
    ck_assert_int_eq(memcmp(result, expected, size), 0);
    for (size_t i = 0; i < count; i++) free(owned[i]);
    free(expected);
    free(result);
}

START_TEST(strings_are_combined_bit_by_bit)
{
    for (int round = 0; round < 150; round++) combine_once((kv_bit_operation)_i);
}
END_TEST

START_TEST(an_operation_takes_as_many_strings_as_it_can_mean)
{
    ck_assert(bitmap_can_combine(KV_BIT_NOT, 1) && !bitmap_can_combine(KV_BIT_NOT, 2));
    ck_assert(bitmap_can_combine(KV_BIT_AND, 1) && !bitmap_can_combine(KV_BIT_AND, 0));
    ck_assert(bitmap_can_combine(KV_BIT_ONE, 1) && !bitmap_can_combine(KV_BIT_DIFF, 1));
    ck_assert(!bitmap_can_combine(KV_BIT_DIFF1, 1) && bitmap_can_combine(KV_BIT_ANDOR, 2));
    ck_assert(!bitmap_can_combine((kv_bit_operation)8, 2));
}
END_TEST

START_TEST(fields_lie_anywhere_and_leave_their_neighbours_alone)
{
    for (int round = 0; round < 5000; round++) {
        size_t size = 1 + below(24);
        uint8_t *bytes = random_bytes(size);
        unsigned bits = 1 + (unsigned)below(64);
        uint64_t offset = below(8 * size + 30), field = 0;
        kv_slice text = {bytes, size};
        for (unsigned i = 0; i < bits; i++) field = field << 1 | plain_bit(text, offset + i);
        ck_assert_uint_eq(bitmap_field(bytes, size, offset, bits), field);
        if (offset + bits <= 8 * size) {
            uint8_t before[32];
            memcpy(before, bytes, size);
            field = random_next(&numbers) >> (64 - bits);
            bitmap_set_field(bytes, size, offset, bits, field);
            ck_assert_uint_eq(bitmap_field(bytes, size, offset, bits), field);
            for (uint64_t i = 0; i < 8 * size; i++) {
                bool is_within = i >= offset && i < offset + bits;
                bool was = plain_bit((kv_slice){before, size}, i);
                ck_assert(is_within || plain_bit(text, i) == was);
            }
        }
        free(bytes);
    }
}
END_TEST

/* Numbers near the edges of their range, and anywhere. */
static wide near_number(unsigned bits)
{
    wide edge = (wide)1 << (bits - below(2));
    if (below(3) == 0) edge = 0;
    if (below(2) == 0) edge = -edge;
    return edge + (wide)below(7) - 3;
}

static int64_t near_int64(unsigned bits)
{
    wide number = near_number(below(4) == 0 ? 63 : bits);
    if (number > INT64_MAX) return INT64_MAX;
    return number < INT64_MIN ? INT64_MIN : (int64_t)number;
}

/* What is to be stored where numbers have no end. */
static kv_status add_plainly(wide number, int64_t increment, wide minimum, wide maximum,
                             kv_overflow overflow, uint64_t *field)
{
    wide sum = number + increment;
    if (sum < minimum || sum > maximum) {
        if (overflow == KV_OVERFLOW_FAIL) return KV_OVERFLOW;
        if (overflow == KV_OVERFLOW_SATURATE) sum = sum < minimum ? minimum : maximum;
    }
    *field = (uint64_t)sum;
    return KV_OK;
}

START_TEST(sums_wrap_saturate_or_fail)
{
    for (int round = 0; round < 100000; round++) {
        bool is_signed = below(2) == 0;
        unsigned bits = 1 + (unsigned)below(is_signed ? 64 : 63);
        kv_overflow overflow = (kv_overflow)below(3);
        int64_t number = near_int64(bits), increment = near_int64(bits);
        if (below(3) == 0) increment = 0; /* SET */
        uint64_t field = 0, expected = 0, mask = UINT64_MAX >> (64 - bits);
        wide range = (wide)1 << bits;
        kv_status status, wanted;
        if (is_signed) {
            if (increment != 0) number = bitmap_signed((uint64_t)number & mask, bits);
            wanted = add_plainly(number, increment, -range / 2, range / 2 - 1, overflow, &expected);
            status = bitmap_add_signed(number, increment, bits, overflow, &field);
        } else {
            if (increment != 0) number = (int64_t)((uint64_t)number & mask);
            wanted = add_plainly((uint64_t)number, increment, 0, range - 1, overflow, &expected);
            status = bitmap_add_unsigned((uint64_t)number, increment, bits, overflow, &field);
        }
        ck_assert_int_eq(status, wanted);
        ck_assert_uint_eq(field, expected & mask);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bitmap");
    TCase *tcase = tcase_create("bitmap");
    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, bits_are_counted_and_found_in_any_range);
    tcase_add_test(tcase, bits_of_full_and_empty_strings_are_counted);
    tcase_add_loop_test(tcase, strings_are_combined_bit_by_bit, 0, KV_BIT_ONE + 1);
    tcase_add_test(tcase, an_operation_takes_as_many_strings_as_it_can_mean);
    tcase_add_test(tcase, fields_lie_anywhere_and_leave_their_neighbours_alone);
    tcase_add_test(tcase, sums_wrap_saturate_or_fail);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
