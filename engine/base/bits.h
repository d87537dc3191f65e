/*
 * base/bits.h -- finding bits in a word: one instruction where the compiler knows how.
 */
#ifndef KV_BASE_BITS_H
#define KV_BASE_BITS_H

#include "base/attributes.h"

#include <stdint.h>

/* The index of the lowest bit that is set; bits != 0. */
KV_INLINE unsigned bits_lowest(uint64_t bits)
{
    assert(bits != 0);
#if defined(__GNUC__)
    return (unsigned)__builtin_ctzll(bits);
#else
    unsigned index = 0;
    while ((bits >> index & 1) == 0) index++;
    return index;
#endif
}

/* How many bits above the highest one that is set are not; bits != 0. */
KV_INLINE unsigned bits_leading_zeros(uint64_t bits)
{
    assert(bits != 0);
#if defined(__GNUC__)
    return (unsigned)__builtin_clzll(bits);
#else
    unsigned count = 0;
    while ((bits << count >> 63) == 0) count++;
    return count;
#endif
}

/* The bits in the opposite order. */
KV_UNUSED static inline uint64_t bits_reverse(uint64_t bits)
{
    uint64_t reversed = 0;
    for (unsigned i = 0; i < 64; i++, bits >>= 1) reversed = reversed << 1 | (bits & 1);
    return reversed;
}

/* How many bits are set. */
KV_INLINE unsigned bits_count(uint64_t bits)
{
#if defined(__GNUC__)
    return (unsigned)__builtin_popcountll(bits);
#else
    unsigned count = 0;
    for (; bits != 0; bits &= bits - 1) count++;
    return count;
#endif
}

#endif
