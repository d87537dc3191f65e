/* tests/engine/test_crc64.c -- base/crc64 against its definition, bit by bit. */
#include "base/crc64.h"

#include "../unit.h"

#include <string.h>

static uint64_t sum_by_bits(uint64_t sum, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        sum ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            sum = sum >> 1 ^ ((sum & 1) != 0 ? UINT64_C(0x95ac9329ac4bc9b5) : 0);
    }
    return sum;
}

START_TEST(the_digits_give_the_published_sum)
{
    ck_assert_uint_eq(crc64(0, kv_text("123456789")), UINT64_C(0xe9c6d914c4b8d9ca));
    ck_assert_uint_eq(crc64(0, kv_bytes(NULL, 0)), 0);
}
END_TEST

START_TEST(any_size_and_any_cut_give_the_sum_of_the_definition)
{
    uint8_t bytes[200];
    srand((unsigned)unit_seed());
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)rand();
    for (size_t size = 0; size <= sizeof bytes; size++) {
        size_t cut = size > 0 ? (size_t)rand() % size : 0;
        uint64_t sum = crc64(0, kv_bytes(bytes, cut));
        sum = crc64(sum, kv_bytes(bytes + cut, size - cut));
        ck_assert_uint_eq(sum, sum_by_bits(0, bytes, size));
    }
}
END_TEST

START_TEST(large_blocks_give_the_sum_of_the_definition_wherever_they_lie)
{
    static uint8_t bytes[5000];
    srand((unsigned)unit_seed());
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)rand();
    for (int round = 0; round < 2000; round++) {
        size_t begin = (size_t)rand() % 500, size = (size_t)rand() % (sizeof bytes - begin);
        uint64_t before = (uint64_t)rand() << 33 ^ (uint64_t)rand();
        uint64_t sum = crc64(before, kv_bytes(bytes + begin, size));
        ck_assert_uint_eq(sum, sum_by_bits(before, bytes + begin, size));
    }
}
END_TEST

int main(void)
{
    return UNIT_RUN("crc64", the_digits_give_the_published_sum,
                    any_size_and_any_cut_give_the_sum_of_the_definition,
                    large_blocks_give_the_sum_of_the_definition_wherever_they_lie);
}
