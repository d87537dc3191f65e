/*
 * base/siphash.c -- the hashes of many keys: four at a time where the processor can.
 *
 * A hash of a short key is a chain of 6 rounds, each 14 instructions for one key. AVX2 does four
 * keys in 20, so that with reading the keys and turning them round a key of 16 bytes takes half the
 * instructions. It is asked for when the program runs, so one build serves all processors of the
 * architecture.
 *
 * Four keys go together if they have the same number of whole words; else each goes alone, and
 * either way the hashes are those of siphash().
 *
 * Rejected: two at a time with SSE2, which every x86-64 has, or with NEON: without rotations by 13,
 * 17 and 21 bits a round is 21 instructions again. Two at a time in plain registers: one at a time
 * keeps the processor as busy, since it runs ahead into the next key by itself.
 */
#include "base/siphash.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define SIPHASH_AVX2
#include <immintrin.h>
#endif

/* The `index`th of slices that lie `stride` bytes apart. */
static inline kv_slice siphash_slice(const void *slices, size_t stride, size_t index)
{
    return *(const kv_slice *)(const void *)((const char *)slices + index * stride);
}

#ifdef SIPHASH_AVX2
/* One state of each of four keys. */
struct siphash_four {
    __m256i v0, v1, v2, v3;
};

#define SIPHASH_TARGET __attribute__((target("avx2")))
#define SIPHASH_ROTATE(x, by) \
    _mm256_or_si256(_mm256_slli_epi64((x), (by)), _mm256_srli_epi64((x), 64 - (by)))
#define SIPHASH_SWAP(x) _mm256_shuffle_epi32((x), 0xb1) /* a rotation by 32 */

SIPHASH_TARGET static inline void siphash_four_round(struct siphash_four *s)
{
    const __m256i by_16 = _mm256_set_epi64x(0x0d0c0b0a09080f0e, 0x0504030201000706,
                                            0x0d0c0b0a09080f0e, 0x0504030201000706);
    s->v0 = _mm256_add_epi64(s->v0, s->v1);
    s->v2 = _mm256_add_epi64(s->v2, s->v3);
    s->v1 = _mm256_xor_si256(SIPHASH_ROTATE(s->v1, 13), s->v0);
    s->v3 = _mm256_xor_si256(_mm256_shuffle_epi8(s->v3, by_16), s->v2);
    s->v0 = SIPHASH_SWAP(s->v0);
    s->v2 = _mm256_add_epi64(s->v2, s->v1);
    s->v0 = _mm256_add_epi64(s->v0, s->v3);
    s->v1 = _mm256_xor_si256(SIPHASH_ROTATE(s->v1, 17), s->v2);
    s->v3 = _mm256_xor_si256(SIPHASH_ROTATE(s->v3, 21), s->v0);
    s->v2 = SIPHASH_SWAP(s->v2);
}

SIPHASH_TARGET static inline void siphash_four_word(struct siphash_four *s, __m256i word)
{
    s->v3 = _mm256_xor_si256(s->v3, word);
    siphash_four_round(s);
    s->v0 = _mm256_xor_si256(s->v0, word);
}

SIPHASH_TARGET static inline __m128i siphash_read16(kv_slice key, size_t at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)((const char *)key.data + at));
}

/* Two words of each key: read 16 bytes a key, and turn them round. */
SIPHASH_TARGET static inline void siphash_four_words(struct siphash_four *s, const kv_slice keys[4],
                                                     size_t at)
{
    __m256i even = _mm256_set_m128i(siphash_read16(keys[2], at), siphash_read16(keys[0], at));
    __m256i odd = _mm256_set_m128i(siphash_read16(keys[3], at), siphash_read16(keys[1], at));
    siphash_four_word(s, _mm256_unpacklo_epi64(even, odd));
    siphash_four_word(s, _mm256_unpackhi_epi64(even, odd));
}

/* The word at `at` of each key, one register after the other: an array would go through memory. */
SIPHASH_TARGET static inline __m256i siphash_four_read(const kv_slice keys[4], size_t at)
{
    return _mm256_set_epi64x((long long)bytes_load64((const char *)keys[3].data + at),
                             (long long)bytes_load64((const char *)keys[2].data + at),
                             (long long)bytes_load64((const char *)keys[1].data + at),
                             (long long)bytes_load64((const char *)keys[0].data + at));
}

SIPHASH_TARGET static inline long long siphash_four_last_of(kv_slice key)
{
    return (long long)siphash_last((const uint8_t *)key.data + (key.size & ~(size_t)7), key.size);
}

SIPHASH_TARGET static inline __m256i siphash_four_last(const kv_slice keys[4])
{
    return _mm256_set_epi64x(siphash_four_last_of(keys[3]), siphash_four_last_of(keys[2]),
                             siphash_four_last_of(keys[1]), siphash_four_last_of(keys[0]));
}

/* The hashes of four keys with the same number of whole words. */
SIPHASH_TARGET static inline void siphash_four(const struct siphash_key *key,
                                               const kv_slice keys[4], uint64_t hashes[4])
{
    struct siphash_state start = siphash_start(key);
    struct siphash_four s = {
        _mm256_set1_epi64x((long long)start.v0), _mm256_set1_epi64x((long long)start.v1),
        _mm256_set1_epi64x((long long)start.v2), _mm256_set1_epi64x((long long)start.v3)};
    size_t end = keys[0].size & ~(size_t)7, at = 0;
    for (; at + 16 <= end; at += 16) siphash_four_words(&s, keys, at);
    if (at < end) siphash_four_word(&s, siphash_four_read(keys, at));
    siphash_four_word(&s, siphash_four_last(keys));
    s.v2 = _mm256_xor_si256(s.v2, _mm256_set1_epi64x(0xff));
    siphash_four_round(&s);
    siphash_four_round(&s);
    siphash_four_round(&s);
    __m256i all = _mm256_xor_si256(_mm256_xor_si256(s.v0, s.v1), _mm256_xor_si256(s.v2, s.v3));
    _mm256_storeu_si256((__m256i *)(void *)hashes, all);
}

/* As far as keys go in fours; returns how many are done. */
SIPHASH_TARGET static size_t siphash_fours(const struct siphash_key *key, const void *slices,
                                           size_t stride, size_t count, uint64_t *hashes)
{
    size_t done = 0;
    for (; done + 4 <= count; done += 4) {
        kv_slice keys[4] = {
            siphash_slice(slices, stride, done), siphash_slice(slices, stride, done + 1),
            siphash_slice(slices, stride, done + 2), siphash_slice(slices, stride, done + 3)};
        size_t differ = (keys[0].size ^ keys[1].size) | (keys[0].size ^ keys[2].size) |
                        (keys[0].size ^ keys[3].size);
        if (KV_LIKELY(differ < 8)) {
            siphash_four(key, keys, hashes + done);
        } else {
            for (size_t i = 0; i < 4; i++)
                hashes[done + i] = siphash(key, keys[i].data, keys[i].size);
        }
    }
    return done;
}

#undef SIPHASH_TARGET
#undef SIPHASH_ROTATE
#undef SIPHASH_SWAP
#endif

KV_INTERNAL void siphash_many(const struct siphash_key *key, const void *slices, size_t stride,
                              size_t count, uint64_t *hashes)
{
    size_t i = 0;
#ifdef SIPHASH_AVX2
    if (count >= 4 && __builtin_cpu_supports("avx2"))
        i = siphash_fours(key, slices, stride, count, hashes);
#endif
    for (; i < count; i++) {
        kv_slice slice = siphash_slice(slices, stride, i);
        hashes[i] = siphash(key, slice.data, slice.size);
    }
}

#undef SIPHASH_AVX2
