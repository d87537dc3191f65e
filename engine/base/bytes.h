/*
 * base/bytes.h -- little-endian integers at any address.
 *
 * Published formats (listpack, RDB) and SipHash are little-endian; where the machine is too, each
 * of these is one load or store. memcpy is how C reads an unaligned integer without breaking its
 * rules.
 */
#ifndef KV_BASE_BYTES_H
#define KV_BASE_BYTES_H

#include "base/attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define KV_LITTLE_ENDIAN 1
#else
#define KV_LITTLE_ENDIAN 0 /* or unknown: integers are put together byte by byte, right on both */
#endif

KV_INLINE uint16_t bytes_load16(const void *at)
{
    const uint8_t *p = at;
    return (uint16_t)(p[0] | p[1] << 8);
}

KV_INLINE uint32_t bytes_load32(const void *at)
{
#if KV_LITTLE_ENDIAN
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
#else
    const uint8_t *p = at;
    return bytes_load16(p) | (uint32_t)bytes_load16(p + 2) << 16;
#endif
}

KV_INLINE uint64_t bytes_load64(const void *at)
{
#if KV_LITTLE_ENDIAN
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return value;
#else
    const uint8_t *p = at;
    return bytes_load32(p) | (uint64_t)bytes_load32(p + 4) << 32;
#endif
}

/* Of small keys this takes half as long as a call of memcmp(). `size` may be 0. */
KV_INLINE bool bytes_equal(const void *a, const void *b, size_t size)
{
    const uint8_t *p = a, *q = b;
    if (size > 32) return memcmp(p, q, size) == 0;
    if (size < 4) {
        for (; size > 0; size--) {
            if (*p++ != *q++) return false;
        }
        return true;
    }
    /* Words, of which the last overlaps the one before it. */
    if (size < 8)
        return bytes_load32(p) == bytes_load32(q) &&
               bytes_load32(p + size - 4) == bytes_load32(q + size - 4);
    for (size_t at = 0; at + 8 < size; at += 8) {
        if (bytes_load64(p + at) != bytes_load64(q + at)) return false;
    }
    return bytes_load64(p + size - 8) == bytes_load64(q + size - 8);
}

KV_INLINE void bytes_store16(void *at, uint16_t value)
{
    uint8_t *p = at;
    p[0] = (uint8_t)value;
    p[1] = (uint8_t)(value >> 8);
}

KV_INLINE void bytes_store32(void *at, uint32_t value)
{
#if KV_LITTLE_ENDIAN
    memcpy(at, &value, sizeof value);
#else
    uint8_t *p = at;
    bytes_store16(p, (uint16_t)value);
    bytes_store16(p + 2, (uint16_t)(value >> 16));
#endif
}

KV_INLINE void bytes_store64(void *at, uint64_t value)
{
#if KV_LITTLE_ENDIAN
    memcpy(at, &value, sizeof value);
#else
    uint8_t *p = at;
    bytes_store32(p, (uint32_t)value);
    bytes_store32(p + 4, (uint32_t)(value >> 32));
#endif
}

#endif
