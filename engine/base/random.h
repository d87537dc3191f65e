/*
 * base/random.h -- unpredictable seeds from the system, and a fast generator to spend them.
 *
 * The generator is xoshiro256** 1.0 (Blackman & Vigna, "Scrambled linear pseudorandom number
 * generators", ACM TOMS 47, 2021): for choosing and sampling, never for secrets. Secrets, such as
 * the hash key, come from random_system().
 */
#ifndef KV_BASE_RANDOM_H
#define KV_BASE_RANDOM_H

#include "base/attributes.h"

#include <stddef.h>
#include <stdint.h>

struct random {
    uint64_t state[4]; /* not all zero */
};

/*
 * Fills `bytes` from the system's generator. Where there is none (a chroot without /dev/urandom on
 * an old kernel) it falls back to mixed clocks and addresses: distinct, but guessable.
 */
KV_INTERNAL void random_system(void *bytes, size_t size);

/* Starts the generator at a place decided by `seed` alone: the same seed, the same sequence. */
KV_INTERNAL void random_seed(struct random *random, uint64_t seed);

/* Starts it at a place nobody knows. */
KV_INTERNAL void random_seed_from_system(struct random *random);

static inline uint64_t random_rotate(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

/* 64 random bits. */
static inline uint64_t random_next(struct random *random)
{
    uint64_t *s = random->state;
    uint64_t result = random_rotate(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = random_rotate(s[3], 45);
    return result;
}

/* A number from 0 to limit - 1, each as likely as any other; limit > 0. */
KV_INTERNAL uint64_t random_below(struct random *random, uint64_t limit);

#endif
