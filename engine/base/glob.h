/*
 * base/glob.h -- Redis's glob patterns.
 *
 *     *        any bytes, also none            [abc]    one of these bytes
 *     ?        any one byte                    [^abc]   one byte that is none of these
 *     \x       the byte x itself               [a-c]    one byte in the range, ends in any order
 *
 * Odd patterns mean what they mean to Redis: see glob.c.
 */
#ifndef KV_BASE_GLOB_H
#define KV_BASE_GLOB_H

#include "base/attributes.h"

#include "kvstore.h"

#include <stdbool.h>

/*
 * True if the whole of `text` matches `pattern`; `nocase` ignores the case of ASCII letters.
 *
 * Cost   O(size of text) for a pattern of one star, never more than O(pattern * text).
 */
KV_INTERNAL bool glob_match(kv_slice pattern, kv_slice text, bool nocase);

#endif
