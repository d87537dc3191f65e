/*
 * base/crc64.h -- the checksum of RDB files and of DUMP: CRC-64 with the polynomial of Jones.
 *
 *     polynomial 0xad93d23594c935a9, bits reflected, begins with 0, nothing is inverted
 *
 * Of "123456789" it is e9c6d914c4b8d9ca.
 */
#ifndef KV_BASE_CRC64_H
#define KV_BASE_CRC64_H

#include "base/attributes.h"

#include "kvstore.h"

#include <stdint.h>

/*
 * The sum of what went before, 0 at first, and then of these bytes. A byte takes about 1 ns, of 128
 * or more on x86-64 a twentieth of that.
 */
KV_INTERNAL uint64_t crc64(uint64_t sum, kv_slice bytes);

#endif
