/*
 * base/parts.h -- blocks that are cut into at most 32 parts of one size, and the list of those that
 * have a free part.
 *
 * A block lies at a multiple of its size, a power of two, and has the record below at a fixed place
 * in it; so it is found from the address of any part. Blocks without a free part are in no list.
 */
#ifndef KV_BASE_PARTS_H
#define KV_BASE_PARTS_H

#include "base/attributes.h"
#include "base/bits.h"

#include <stddef.h>
#include <stdint.h>

struct parts {
    struct parts *next, *previous; /* in the list */
    uint32_t free;                 /* bit i: part i is free */
};

/* The start of the block of `size` bytes in which an address is. */
static inline char *parts_block(const void *address, size_t size)
{
    return (char *)((uintptr_t)address & ~(uintptr_t)(size - 1));
}

static inline void parts_link(struct parts **list, struct parts *parts)
{
    parts->previous = NULL;
    parts->next = *list;
    if (*list != NULL) (*list)->previous = parts;
    *list = parts;
}

static inline void parts_unlink(struct parts **list, struct parts *parts)
{
    if (parts->previous != NULL) parts->previous->next = parts->next;
    else *list = parts->next;
    if (parts->next != NULL) parts->next->previous = parts->previous;
}

/* Takes the first of the free parts among `wanted`, of which there is one, and gives its index. */
static inline unsigned parts_take(struct parts **list, struct parts *parts, uint32_t wanted)
{
    unsigned index = bits_lowest(parts->free & wanted);
    parts->free &= ~(UINT32_C(1) << index);
    if (parts->free == 0) parts_unlink(list, parts);
    return index;
}

/* Makes a part free that is not. */
static inline void parts_put(struct parts **list, struct parts *parts, unsigned index)
{
    assert((parts->free >> index & 1) == 0);
    if (parts->free == 0) parts_link(list, parts);
    parts->free |= UINT32_C(1) << index;
}

#if KV_DEBUG
/* Asserts that a block is where the one before it in the list says, and belongs there. */
KV_UNUSED static inline void parts_check(const struct parts *parts, const struct parts *previous)
{
    assert(parts->previous == previous);
    assert(previous == NULL || previous->next == parts);
    assert(parts->free != 0);
}
#endif

#endif
