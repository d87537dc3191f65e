/*
 * tests/engine/test_siphash.c -- base/siphash.h and base/bytes.h.
 */
#include "base/siphash.h"
#include "base/random.h"

#include "../unit.h"

#include <stdlib.h>

/* The hashes of {0}, {0, 1}, {0, 1, 2}... under this key by CPython 3.11, PYTHONHASHSEED=42. */
static const struct siphash_key key = {0xdc504fd368cd90af, 0xb920bb9ffe99e9c1};
static const uint64_t expected[64] = {
    0xce880c366bcf3489, 0xef32fbc0469f0756, 0xef4b9dcae9b04417, 0x79793200f3b3b3db,
    0xbe8653fc64f95fbd, 0xb32b5a11619800dd, 0xce280fabc397fbda, 0x60866c3c108c6afb,
    0x68814005f7469e03, 0x060a514cd0a2e301, 0x72f315ef14fb4b09, 0x550fe6ca26ef7fdd,
    0x19c8185b4c3e2799, 0xfaa1fc2224a07929, 0x94ace24d68c18cf8, 0x339176f3ac59ce05,
    0xed2706b414c296f1, 0xcdd77102531929e2, 0x33a51c4b838d8070, 0xa7dbb0b1fa0842a3,
    0x20dfd910e0134ee5, 0xcd0fe2c8291e801e, 0xad71bad831e3a42d, 0xae431c6fb201ce8b,
    0x0979abaf2e4d385e, 0x7a6386516c9db280, 0xb0c2acd9e8f32b9c, 0x539526f9be7bc8e8,
    0x80aca43c39d622a3, 0x02bdd64163fc53a4, 0x06f3af51bda71c61, 0x26f2ecd47de50371,
    0x0c2f62fe705a39bc, 0xf36e3b1fa0873bc4, 0x5f01e52e566b6883, 0x325168a6b0dc469f,
    0x2be7232ee94b7e5f, 0xc475b8968275842d, 0xc6e27a94ae5452f3, 0xde03d697bf20e38a,
    0x738c6863d812c266, 0xde0a234ddc2bb678, 0xb67b95b357062551, 0x29911eff4d51e13d,
    0x53f6e668e7fb95e2, 0xed79c3358e44c539, 0x275680412b4519a3, 0x567c448c8884a52b,
    0x8be2a3cb52704009, 0x164feac24917ec19, 0x39b726f73ef545d1, 0x7ec4a07d0082066b,
    0x23ab9cd189b60fb0, 0x7a5be6d78842117c, 0x1aa5ebf1421bacc3, 0x6d85aecde75643f1,
    0x553957a2ca3d0178, 0x958f5b7f5f952508, 0xa23119bd8d7ba75c, 0xc2f6babeec826e14,
    0xa0d5052b62d88a85, 0x4ff1b6793caa7e77, 0x06e24d6f0d014c37, 0x91639ef7de8d52cb,
};

/* The paper's appendix A vector, computed here with its two and four rounds from the same parts. */
static uint64_t siphash_2_4(const struct siphash_key *k, const uint8_t *data, size_t size)
{
    struct siphash_state s = {k->first ^ 0x736f6d6570736575, k->second ^ 0x646f72616e646f6d,
                              k->first ^ 0x6c7967656e657261, k->second ^ 0x7465646279746573};
    uint64_t word = 0;
    for (size_t i = 0; i <= size; i++) {
        if (i == size) word |= (uint64_t)size << 56;
        else word |= (uint64_t)data[i] << i % 8 * 8;
        if (i % 8 != 7 && i != size) continue;
        s.v3 ^= word;
        siphash_round(&s);
        siphash_round(&s);
        s.v0 ^= word;
        word = 0;
    }
    s.v2 ^= 0xff;
    for (int i = 0; i < 4; i++) siphash_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

START_TEST(the_round_is_the_papers)
{
    const struct siphash_key paper = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    uint8_t data[15];
    for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)i;
    ck_assert_uint_eq(siphash_2_4(&paper, data, sizeof data), 0xa129ca6149be45e5);
}
END_TEST

START_TEST(hashes_equal_those_of_another_implementation)
{
    for (size_t size = 1; size <= 64; size++) {
        uint8_t *data = malloc(size); /* so that a sanitizer sees a read outside */
        for (size_t i = 0; i < size; i++) data[i] = (uint8_t)i;
        ck_assert_uint_eq(siphash(&key, data, size), expected[size - 1]);
        free(data);
    }
}
END_TEST

START_TEST(nothing_can_be_hashed)
{
    ck_assert_uint_eq(siphash(&key, NULL, 0), siphash(&key, "", 0));
    ck_assert_uint_ne(siphash(&key, NULL, 0), siphash(&key, "\0", 1));
}
END_TEST

START_TEST(alignment_does_not_matter)
{
    uint8_t data[64 + 8];
    for (size_t at = 0; at < 8; at++) {
        for (size_t size = 1; size <= 64; size++) {
            for (size_t i = 0; i < size; i++) data[at + i] = (uint8_t)i;
            ck_assert_uint_eq(siphash(&key, data + at, size), expected[size - 1]);
        }
    }
}
END_TEST

/* Sizes and places of chance: some groups have one number of words and go together, some not. */
START_TEST(many_at_a_time_are_the_same)
{
    enum { MANY = 23, STRIDE_MAX = 3 };
    struct random random;
    random_seed(&random, 4711);
    for (int round = 0; round < 3000; round++) {
        size_t count = random_below(&random, MANY + 1), stride = 1 + random_below(&random, 3);
        size_t size_max = 1 + random_below(&random, 40), from = random_below(&random, size_max);
        kv_slice slices[MANY * STRIDE_MAX];
        uint64_t hashes[MANY + 1];
        hashes[count] = 77;
        for (size_t i = 0; i < count; i++) {
            size_t size = from + random_below(&random, size_max - from + 1);
            uint8_t *bytes = malloc(size); /* exactly, so that a sanitizer sees each byte beyond */
            for (size_t j = 0; j < size; j++) bytes[j] = (uint8_t)random_next(&random);
            slices[i * stride] = (kv_slice){bytes, size};
        }
        siphash_many(&key, slices, stride * sizeof *slices, count, hashes);
        ck_assert_uint_eq(hashes[count], 77);
        for (size_t i = 0; i < count; i++) {
            kv_slice one = slices[i * stride];
            ck_assert_uint_eq(hashes[i], siphash(&key, one.data, one.size));
            free((void *)(uintptr_t)one.data);
        }
    }
}
END_TEST

START_TEST(every_bit_of_key_and_data_changes_half_of_the_hash)
{
    struct random random;
    random_seed(&random, unit_seed());
    long changed = 0, pairs = 0;
    for (int round = 0; round < 200; round++) {
        uint64_t words[6]; /* key and 29 bytes of data */
        for (int i = 0; i < 6; i++) words[i] = random_next(&random);
        struct siphash_key before = {words[0], words[1]};
        uint64_t hash = siphash(&before, words + 2, 29);
        for (int bit = 0; bit < 128 + 29 * 8; bit++) {
            words[bit / 64] ^= UINT64_C(1) << bit % 64;
            struct siphash_key after = {words[0], words[1]};
            uint64_t difference = hash ^ siphash(&after, words + 2, 29);
            words[bit / 64] ^= UINT64_C(1) << bit % 64;
            ck_assert_uint_ne(difference, 0);
            for (; difference != 0; difference &= difference - 1) changed++;
            pairs++;
        }
    }
    ck_assert_double_eq_tol((double)changed / (double)pairs, 32, 0.2);
}
END_TEST

START_TEST(stored_integers_are_little_endian)
{
    uint8_t bytes[9] = {0};
    bytes_store64(bytes + 1, 0x0807060504030201);
    for (int i = 1; i <= 8; i++) ck_assert_uint_eq(bytes[i], (unsigned)i);
    ck_assert_uint_eq(bytes_load64(bytes + 1), 0x0807060504030201);
    ck_assert_uint_eq(bytes_load32(bytes + 3), 0x06050403);
    ck_assert_uint_eq(bytes_load16(bytes + 7), 0x0807);
    bytes_store32(bytes + 1, 0xfffefdfc);
    bytes_store16(bytes + 5, 0xabcd);
    ck_assert_uint_eq(bytes_load64(bytes + 1), 0x0807abcdfffefdfc);
}
END_TEST

int main(void)
{
    return UNIT_RUN(
        "siphash", the_round_is_the_papers, hashes_equal_those_of_another_implementation,
        nothing_can_be_hashed, alignment_does_not_matter, many_at_a_time_are_the_same,
        every_bit_of_key_and_data_changes_half_of_the_hash, stored_integers_are_little_endian);
}
