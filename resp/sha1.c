/*
 * resp/sha1.c -- see sha1.h.
 */
#include "resp/sha1.h"

#include <string.h>

#define SHA1_BLOCK 64

static inline uint32_t sha1_rotate(uint32_t word, int bits)
{
    return word << bits | word >> (32 - bits);
}

static inline uint32_t sha1_load(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void sha1_store(uint8_t *at, uint32_t word)
{
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(word >> (24 - 8 * i));
}

/* The five words that a block changes. */
struct sha1_state {
    uint32_t a, b, c, d, e;
};

static inline void sha1_step(struct sha1_state *s, uint32_t mixed, uint32_t word)
{
    uint32_t next = sha1_rotate(s->a, 5) + mixed + s->e + word;
    s->e = s->d;
    s->d = s->c;
    s->c = sha1_rotate(s->b, 30);
    s->b = s->a;
    s->a = next;
}

static void sha1_schedule(uint32_t words[80], const uint8_t *block)
{
    for (int t = 0; t < 16; t++) words[t] = sha1_load(block + t * 4);
    for (int t = 16; t < 80; t++)
        words[t] = sha1_rotate(words[t - 3] ^ words[t - 8] ^ words[t - 14] ^ words[t - 16], 1);
}

/* Four rounds of twenty steps, each with a function and a constant of its own. */
static void sha1_add_block(struct sha1_state *state, const uint8_t *block)
{
    uint32_t words[80];
    struct sha1_state s = *state;
    int t = 0;
    sha1_schedule(words, block);
    for (; t < 20; t++) sha1_step(&s, (s.d ^ (s.b & (s.c ^ s.d))) + UINT32_C(0x5a827999), words[t]);
    for (; t < 40; t++) sha1_step(&s, (s.b ^ s.c ^ s.d) + UINT32_C(0x6ed9eba1), words[t]);
    for (; t < 60; t++)
        sha1_step(&s, ((s.b & s.c) | (s.d & (s.b | s.c))) + UINT32_C(0x8f1bbcdc), words[t]);
    for (; t < 80; t++) sha1_step(&s, (s.b ^ s.c ^ s.d) + UINT32_C(0xca62c1d6), words[t]);
    state->a += s.a;
    state->b += s.b;
    state->c += s.c;
    state->d += s.d;
    state->e += s.e;
}

/* What is left of the bytes, a one bit, zeros, and the number of bits: one block or two. */
static void sha1_add_end(struct sha1_state *state, const uint8_t *left, size_t size, uint64_t bits)
{
    uint8_t blocks[2 * SHA1_BLOCK] = {0};
    if (size > 0) memcpy(blocks, left, size);
    blocks[size] = 0x80;
    size_t end = size + 1 + 8 <= SHA1_BLOCK ? SHA1_BLOCK : 2 * SHA1_BLOCK;
    sha1_store(blocks + end - 8, (uint32_t)(bits >> 32));
    sha1_store(blocks + end - 4, (uint32_t)bits);
    for (size_t at = 0; at < end; at += SHA1_BLOCK) sha1_add_block(state, blocks + at);
}

void sha1(kv_slice bytes, uint8_t hash[SHA1_SIZE])
{
    struct sha1_state state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    const uint8_t *at = bytes.data;
    size_t left = bytes.size;
    for (; left >= SHA1_BLOCK; at += SHA1_BLOCK, left -= SHA1_BLOCK) sha1_add_block(&state, at);
    sha1_add_end(&state, at, left, (uint64_t)bytes.size * 8);
    const uint32_t words[] = {state.a, state.b, state.c, state.d, state.e};
    for (int i = 0; i < 5; i++) sha1_store(hash + i * 4, words[i]);
}

#undef SHA1_BLOCK
