/*
 * base/lzf.h -- the compression of RDB files: LZF, the format of Marc Lehmann's LibLZF.
 *
 *     000nnnnn  byte{n + 1}              bytes as they are, 1 to 32
 *     nnnhhhhh  llllllll                 n + 2 bytes, 3 to 8, that came h:l + 1 bytes before
 *     111hhhhh  nnnnnnnn  llllllll       n + 9 bytes, 9 to 264
 *
 * The copy may overlap what it makes, and so repeat it.
 */
#ifndef KV_BASE_LZF_H
#define KV_BASE_LZF_H

#include "base/attributes.h"

#include "kvstore.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No byte of a compressed text stands for more than 264 / 3 of its own. */
#define LZF_RATIO_MAX 88

/*
 * Compresses into `room` bytes. Gives the size, or 0 if it does not fit: so a room a little smaller
 * than the text asks whether it is worth it. The two may not overlap. Takes 16 KiB of stack.
 */
KV_INTERNAL size_t lzf_compress(kv_slice text, uint8_t *out, size_t room);

/* False unless the bytes are sound and expand to exactly `size`. */
KV_INTERNAL bool lzf_expand(kv_slice bytes, uint8_t *out, size_t size);

#endif
