/*
 * values/bitmap.h -- a string seen as bits: counted, searched, combined with others, read and
 * written by fields.
 *
 * Bit 0 is the highest bit of the first byte, as in Redis. Ranges run from a first bit to an end
 * that is not included. Behind the last byte there are only zeros, as far as one looks.
 *
 * May use base/. Knows nothing of keys; the caller owns all bytes.
 */
#ifndef KV_VALUES_BITMAP_H
#define KV_VALUES_BITMAP_H

#include "base/attributes.h"

#include "kvstore.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool bitmap_bit(const uint8_t *bytes, uint64_t offset)
{
    return (bytes[offset >> 3] >> (7 - (offset & 7)) & 1) != 0;
}

static inline void bitmap_set_bit(uint8_t *bytes, uint64_t offset, bool bit)
{
    uint8_t mask = (uint8_t)(0x80 >> (offset & 7));
    bytes[offset >> 3] = (uint8_t)(bit ? bytes[offset >> 3] | mask : bytes[offset >> 3] & ~mask);
}

/* How many bits of the range are set. At the speed of memory. */
KV_INTERNAL uint64_t bitmap_count(const uint8_t *bytes, uint64_t first, uint64_t end);

/* The first bit of the range that is set, or clear; `end` if there is none. */
KV_INTERNAL uint64_t bitmap_find(const uint8_t *bytes, bool bit, uint64_t first, uint64_t end);

/* ------------------------------------------------------------------------------------ combining */

/* True if the operation can be done with so many sources. */
KV_INTERNAL bool bitmap_can_combine(kv_bit_operation operation, size_t count);

/*
 * Combines the sources, each with zeros behind it as far as `size`, into `result`, which has that
 * many bytes and may be one of the sources, or begin where one does. At the speed of memory.
 */
KV_INTERNAL void bitmap_combine(kv_bit_operation operation, const kv_slice *sources, size_t count,
                                uint8_t *result, size_t size);

/* --------------------------------------------------------------------------------------- fields */

/* The `bits` (1 to 64) from `offset` on as a number, the first the highest. */
KV_INTERNAL uint64_t bitmap_field(const uint8_t *bytes, size_t size, uint64_t offset,
                                  unsigned bits);

/* The same as a number in two's complement. */
static inline int64_t bitmap_signed(uint64_t field, unsigned bits)
{
    uint64_t sign = UINT64_C(1) << (bits - 1);
    return (int64_t)((field ^ sign) - sign);
}

/* Writes a field; it lies within the `size` bytes. */
KV_INTERNAL void bitmap_set_field(uint8_t *bytes, size_t size, uint64_t offset, unsigned bits,
                                  uint64_t field);

/*
 * The sum of a number and an increment, where the number may be outside the range of its field, as
 * that of BITFIELD SET may: *field receives it as `overflow` says, with KV_OK. KV_OVERFLOW if it is
 * outside and that is KV_OVERFLOW_FAIL.
 */
KV_INTERNAL kv_status bitmap_add_signed(int64_t number, int64_t increment, unsigned bits,
                                        kv_overflow overflow, uint64_t *field);
KV_INTERNAL kv_status bitmap_add_unsigned(uint64_t number, int64_t increment, unsigned bits,
                                          kv_overflow overflow, uint64_t *field);

#endif
