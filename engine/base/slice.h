/*
 * base/slice.h -- the small things one does with a kv_slice. kv_bytes() makes one.
 */
#ifndef KV_BASE_SLICE_H
#define KV_BASE_SLICE_H

#include "base/attributes.h"

#include "kvstore.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static inline bool slice_equal(kv_slice a, kv_slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* Byte order, a prefix before what it begins: below 0, 0 or above 0, as memcmp(). */
KV_UNUSED static inline int slice_compare(kv_slice a, kv_slice b)
{
    size_t shared = a.size < b.size ? a.size : b.size;
    int order = shared != 0 ? memcmp(a.data, b.data, shared) : 0;
    if (order != 0) return order;
    return (a.size > b.size) - (a.size < b.size);
}

#endif
