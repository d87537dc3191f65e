/* tests/engine/test_lzf.c -- base/lzf: what is compressed expands to the same, no more, no less. */
#include "base/lzf.h"

#include "../unit.h"

#include <string.h>

static uint8_t text[70000], packed[80000], back[70000];

static void fill_random(size_t size, unsigned letters)
{
    for (size_t i = 0; i < size; i++) text[i] = (uint8_t)((unsigned)rand() % letters);
}

/* Repeats of earlier pieces, near and far, between random bytes. */
static void fill_with_repeats(size_t size)
{
    fill_random(size, 256);
    for (size_t at = 1; at < size;) {
        size_t from = (size_t)rand() % at, run = 1 + (size_t)rand() % 600;
        if (rand() % 2 == 0 && at > 10) from = at - 1 - (size_t)rand() % 10;
        if (run > size - at) run = size - at;
        for (size_t i = 0; i < run; i++) text[at + i] = text[from + i];
        at += run + (size_t)rand() % 50;
    }
}

static size_t compress_exactly(size_t size)
{
    kv_slice whole = {text, size};
    size_t packed_size = lzf_compress(whole, packed, sizeof packed);
    ck_assert_uint_gt(packed_size, 0);
    ck_assert_uint_le(size / LZF_RATIO_MAX, packed_size);
    /* A room of that size is enough, one less is not, and is not written beyond. */
    uint8_t *exact = malloc(packed_size);
    ck_assert_uint_eq(lzf_compress(whole, exact, packed_size), packed_size);
    ck_assert_mem_eq(exact, packed, packed_size);
    free(exact);
    exact = malloc(packed_size - 1);
    ck_assert_uint_eq(lzf_compress(whole, exact, packed_size - 1), 0);
    free(exact);
    return packed_size;
}

START_TEST(what_was_compressed_expands_to_the_same)
{
    srand((unsigned)unit_seed());
    for (int round = 0; round < 300; round++) {
        size_t size = 1 + (size_t)rand() % (round % 10 == 0 ? sizeof text : 300);
        if (round % 3 == 0) fill_with_repeats(size);
        else fill_random(size, round % 3 == 1 ? 3 : 256);
        size_t packed_size = compress_exactly(size);
        kv_slice bytes = {packed, packed_size};
        ck_assert(lzf_expand(bytes, back, size));
        ck_assert_mem_eq(back, text, size);
        ck_assert(!lzf_expand(bytes, back, size - 1));
        ck_assert(!lzf_expand(bytes, back, size + 1));
        for (size_t cut = 0; cut < packed_size && cut < 300; cut++)
            ck_assert(!lzf_expand(kv_bytes(packed, cut), back, size));
    }
}
END_TEST

START_TEST(damaged_bytes_stay_within_bounds)
{
    srand((unsigned)unit_seed());
    for (int round = 0; round < 20000; round++) {
        size_t size = 1 + (size_t)rand() % 60, out_size = (size_t)rand() % 400;
        uint8_t *bytes = malloc(size), *out = malloc(out_size + 1);
        for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)rand();
        (void)lzf_expand(kv_bytes(bytes, size), out, out_size); /* the sanitizer looks on */
        free(bytes);
        free(out);
    }
}
END_TEST

/* As redis-server wrote it (DUMP of a string of 89 times "a"). */
START_TEST(what_redis_compressed_expands)
{
    static const uint8_t bytes[] = {0x01, 'a', 'a', 0xe0, 0x4c, 0x00, 0x01, 'a', 'a'};
    ck_assert(lzf_expand(kv_bytes(bytes, sizeof bytes), back, 89));
    for (size_t i = 0; i < 89; i++) ck_assert_int_eq(back[i], 'a');
}
END_TEST

int main(void)
{
    return UNIT_RUN("lzf", what_was_compressed_expands_to_the_same,
                    damaged_bytes_stay_within_bounds, what_redis_compressed_expands);
}
