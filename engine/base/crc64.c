/*
 * base/crc64.c -- eight bytes at a time, by eight tables ("slicing by 8", Kounavis and Berry 2005);
 * 64 at a time where the processor multiplies polynomials.
 *
 * crc64_tables[k][b] is the sum of byte b with k zero bytes behind it. A sum is linear: that of a
 * byte is the exclusive or of those of its bits. So each table is spelled out, for the compiler to
 * work out, from eight numbers.
 *
 * With PCLMULQDQ: bytes are a polynomial, the first bit the highest power, and only its remainder
 * counts. So 16 bytes H, L with n bits behind them may be added to the last 16 of those as
 * H * x^(n + 64) + L * x^n, each power being replaced by its remainder, of 64 bits. Four such rows
 * run side by side, 64 bytes apart. What is left is 16 bytes of the same remainder as all there was,
 * for the tables. As bits are reflected a product comes out one power too high, which each constant
 * makes up for by being one less.
 *
 * Source: Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ", Intel 2009.
 */
#include "base/crc64.h"

#include "base/bytes.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define CRC64_PCLMUL
#include <immintrin.h>
#endif

#define CRC64_BIT(b, bit, sum) (((b) >> (bit)&1) != 0 ? UINT64_C(sum) : 0)

#define CRC64_SUM(b, s0, s1, s2, s3, s4, s5, s6, s7)                                         \
    (CRC64_BIT(b, 0, s0) ^ CRC64_BIT(b, 1, s1) ^ CRC64_BIT(b, 2, s2) ^ CRC64_BIT(b, 3, s3) ^ \
     CRC64_BIT(b, 4, s4) ^ CRC64_BIT(b, 5, s5) ^ CRC64_BIT(b, 6, s6) ^ CRC64_BIT(b, 7, s7))

#define CRC64_4(b, ...)                                                                            \
    CRC64_SUM((b), __VA_ARGS__), CRC64_SUM((b) + 1, __VA_ARGS__), CRC64_SUM((b) + 2, __VA_ARGS__), \
        CRC64_SUM((b) + 3, __VA_ARGS__)
#define CRC64_16(b, ...)                                                                     \
    CRC64_4((b), __VA_ARGS__), CRC64_4((b) + 4, __VA_ARGS__), CRC64_4((b) + 8, __VA_ARGS__), \
        CRC64_4((b) + 12, __VA_ARGS__)
#define CRC64_64(b, ...)                                                                          \
    CRC64_16((b), __VA_ARGS__), CRC64_16((b) + 16, __VA_ARGS__), CRC64_16((b) + 32, __VA_ARGS__), \
        CRC64_16((b) + 48, __VA_ARGS__)
#define CRC64_TABLE(...)                                                                 \
    {                                                                                    \
        CRC64_64(0, __VA_ARGS__), CRC64_64(64, __VA_ARGS__), CRC64_64(128, __VA_ARGS__), \
            CRC64_64(192, __VA_ARGS__)                                                   \
    }

/* clang-format off */
static const uint64_t crc64_tables[8][256] = {
    CRC64_TABLE(0x7ad870c830358979, 0xf5b0e190606b12f2,
                0xc038e5739841b68f, 0xab28ecb46814fe75,
                0x7d08ff3b88be6f81, 0xfa11fe77117cdf02,
                0xdf7adabd7a6e2d6f, 0x95ac9329ac4bc9b5),
    CRC64_TABLE(0x89e99ffd73bddf69, 0x388a19a9bfec2db9,
                0x711433537fd85b72, 0xe22866a6ffb0b6e4,
                0xef09eb1ea7f6fea3, 0xf54af06e177a6e2d,
                0xc1ccc68f76634f31, 0xa8c0ab4db4510d09),
    CRC64_TABLE(0xf4125129ce4038be, 0xc37d8400c417e217,
                0xada22e52d0b85745, 0x701d7af6f9e73de1,
                0xe03af5edf3ce7bc2, 0xeb2ccd88bf0b64ef,
                0xfd00bd4226815ab5, 0xd1585cd715952601),
    CRC64_TABLE(0x8ce168638c796306, 0x329bf69440655567,
                0x6537ed2880caaace, 0xca6fda510195559c,
                0xbf8692f15bbd3853, 0x545403b1efede3cd,
                0xa8a80763dfdbc79a, 0x7a092894e7201c5f),
    CRC64_TABLE(0x3504e58b9ba6dd1e, 0x6a09cb17374dba3c,
                0xd413962e6e9b7478, 0x837e0a0f85a17b9b,
                0x2da5324c53d5645d, 0x5b4a6498a7aac8ba,
                0xb694c9314f559174, 0x4670b431c63cb183),
    CRC64_TABLE(0xe39d1389931b9354, 0xec6301407ea0b5c3,
                0xf39f24d3a5d6f8ed, 0xcc676ff4133a62b1,
                0xb397f9bb7ee35609, 0x4c76d525a5513f79,
                0x98edaa4b4aa27ef2, 0x1a8272c5cdd36e8f),
    CRC64_TABLE(0x62a95de6e302eff2, 0xc552bbcdc605dfe4,
                0xa1fc51c8d49c2ca3, 0x68a185c2f1afca2d,
                0xd1430b85e35f945a, 0x89df31589e28bbdf,
                0x38e744e264c6e4d5, 0x71ce89c4c98dc9aa),
    CRC64_TABLE(0x381d0015c96f4444, 0x703a002b92de8888,
                0xe074005725bd1110, 0xebb126fd13edb14b,
                0xfc3b6ba97f4cf1fd, 0xd32ff101a60e7091,
                0x8d06c450148b7249, 0x3154aef3718177f9),
};
/* clang-format on */

#undef CRC64_BIT
#undef CRC64_SUM
#undef CRC64_4
#undef CRC64_16
#undef CRC64_64
#undef CRC64_TABLE

static uint64_t crc64_by_tables(uint64_t sum, const uint8_t *at, size_t left)
{
    for (; left >= 8; left -= 8, at += 8) {
        uint64_t word = sum ^ bytes_load64(at);
        sum = 0;
        for (unsigned i = 0; i < 8; i++) sum ^= crc64_tables[7 - i][word >> 8 * i & 0xff];
    }
    for (; left > 0; left--, at++) sum = sum >> 8 ^ crc64_tables[0][(sum ^ *at) & 0xff];
    return sum;
}

#ifdef CRC64_PCLMUL
#define CRC64_TARGET __attribute__((target("pclmul,sse2")))
#define CRC64_STRIDE 64

/* The row moved forward, by as many bits as the powers say, onto what is there. */
CRC64_TARGET static inline __m128i crc64_fold(__m128i row, __m128i powers, __m128i there)
{
    __m128i high = _mm_clmulepi64_si128(row, powers, 0x00);
    __m128i low = _mm_clmulepi64_si128(row, powers, 0x11);
    return _mm_xor_si128(_mm_xor_si128(high, low), there);
}

CRC64_TARGET static inline __m128i crc64_load(const uint8_t *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

/* The sum of `size` bytes, a multiple of the stride that is not 0. */
CRC64_TARGET static uint64_t crc64_by_products(uint64_t sum, const uint8_t *at, size_t size)
{
    /* x^575 and x^511, x^191 and x^127: the former is the lower half. */
    const __m128i by_64 = _mm_set_epi64x((int64_t)0xf49784a634f014e4, (int64_t)0xaf86efb16d9ab4fb);
    const __m128i by_16 = _mm_set_epi64x(0x381d0015c96f4444, (int64_t)0xd9d7be7d505da32c);
    const uint8_t *end = at + size;
    __m128i rows[4];
    for (unsigned i = 0; i < 4; i++) rows[i] = crc64_load(at + 16 * i);
    rows[0] = _mm_xor_si128(rows[0], _mm_set_epi64x(0, (int64_t)sum));
    for (at += CRC64_STRIDE; at < end; at += CRC64_STRIDE)
        for (unsigned i = 0; i < 4; i++)
            rows[i] = crc64_fold(rows[i], by_64, crc64_load(at + 16 * i));
    for (unsigned i = 1; i < 4; i++) rows[i] = crc64_fold(rows[i - 1], by_16, rows[i]);
    uint8_t left[16];
    _mm_storeu_si128((__m128i *)(void *)left, rows[3]);
    return crc64_by_tables(0, left, sizeof left);
}
#endif

KV_INTERNAL uint64_t crc64(uint64_t sum, kv_slice bytes)
{
    const uint8_t *at = bytes.data;
    size_t left = bytes.size;
#ifdef CRC64_PCLMUL
    if (left >= 2 * CRC64_STRIDE && __builtin_cpu_supports("pclmul")) {
        size_t whole = left - left % CRC64_STRIDE;
        sum = crc64_by_products(sum, at, whole);
        at += whole;
        left -= whole;
    }
#endif
    return crc64_by_tables(sum, at, left);
}

#ifdef CRC64_PCLMUL
#undef CRC64_TARGET
#undef CRC64_STRIDE
#undef CRC64_PCLMUL
#endif
