/*
 * base/lines.c -- strips of blocks of one size.
 *
 *     strip, a region of a chunk:
 *     | block 0 | block 1 |  ...  | block n - 1 | too little for another | record |
 */
#include "base/lines.h"
#include "base/bits.h"

struct lines_strip {
    struct lines_strip *next, *previous; /* in the list of its size */
    uint32_t free;                       /* bit i: block i is free */
};

enum { LINES_ROOM = CHUNKS_REGION_USABLE - sizeof(struct lines_strip) };
_Static_assert(LINES_ROOM / (LINES_MIN * KV_CACHE_LINE) <= 32, "one bit a block");

static struct lines_strip *lines_strip_of(const void *block)
{
    uintptr_t base = (uintptr_t)block & ~(uintptr_t)(CHUNKS_REGION_SIZE - 1);
    return (struct lines_strip *)(base + CHUNKS_REGION_USABLE) - 1;
}

static char *lines_base(const struct lines_strip *strip)
{
    return (char *)((uintptr_t)strip & ~(uintptr_t)(CHUNKS_REGION_SIZE - 1));
}

/* All blocks of a strip. */
static uint32_t lines_all(size_t count)
{
    return UINT32_MAX >> (32 - LINES_ROOM / (count * KV_CACHE_LINE));
}

KV_INTERNAL void lines_init(struct lines *lines, struct alloc *alloc, struct chunks *chunks)
{
    *lines = (struct lines){.alloc = alloc, .chunks = chunks};
    lock_init(&lines->lock);
}

static void lines_link(struct lines_strip **list, struct lines_strip *strip)
{
    strip->previous = NULL;
    strip->next = *list;
    if (*list != NULL) (*list)->previous = strip;
    *list = strip;
}

static void lines_unlink(struct lines_strip **list, struct lines_strip *strip)
{
    if (strip->previous != NULL) strip->previous->next = strip->next;
    else *list = strip->next;
    if (strip->next != NULL) strip->next->previous = strip->previous;
}

/* A block of a strip; NULL: there is none. Under the lock. */
static void *lines_take(struct lines *lines, size_t count)
{
    struct lines_strip **list = &lines->open[count - LINES_MIN], *strip = *list;
    if (strip == NULL) {
        void *region = chunks_get(lines->chunks);
        if (region == NULL) return NULL;
        strip = lines_strip_of(region);
        strip->free = lines_all(count);
        lines_link(list, strip);
    }
    unsigned index = bits_lowest(strip->free);
    strip->free &= strip->free - 1;
    if (strip->free == 0) lines_unlink(list, strip);
    return lines_base(strip) + index * count * KV_CACHE_LINE;
}

KV_INTERNAL void *lines_get(struct lines *lines, size_t count, bool *is_of_strip)
{
    void *block = NULL;
    if (count >= LINES_MIN && count <= LINES_MAX && lines->chunks != NULL &&
        chunks_are_in_use(lines->chunks)) {
        lock_lock(&lines->lock);
        block = lines_take(lines, count);
        lock_unlock(&lines->lock);
    }
    *is_of_strip = block != NULL;
    if (block == NULL)
        return alloc_get_aligned(lines->alloc, count * KV_CACHE_LINE, KV_CACHE_LINE);
    alloc_count_more(lines->alloc, count * KV_CACHE_LINE);
    return block;
}

KV_INTERNAL void lines_put(struct lines *lines, void *block, size_t count, bool is_of_strip)
{
    if (!is_of_strip) {
        alloc_free(lines->alloc, block, count * KV_CACHE_LINE);
        return;
    }
    alloc_count_less(lines->alloc, count * KV_CACHE_LINE);
    struct lines_strip **list = &lines->open[count - LINES_MIN];
    struct lines_strip *strip = lines_strip_of(block);
    size_t index = (size_t)((char *)block - lines_base(strip)) / (count * KV_CACHE_LINE);
    lock_lock(&lines->lock);
    assert((strip->free >> index & 1) == 0);
    if (strip->free == 0) lines_link(list, strip);
    strip->free |= UINT32_C(1) << index;
    bool is_empty = strip->free == lines_all(count);
    if (is_empty) lines_unlink(list, strip);
    lock_unlock(&lines->lock);
    if (is_empty) chunks_put(lines->chunks, lines_base(strip));
}

#if KV_DEBUG
KV_INTERNAL void lines_check(struct lines *lines)
{
    lock_lock(&lines->lock);
    for (size_t count = LINES_MIN; count <= LINES_MAX; count++) {
        const struct lines_strip *previous = NULL, *strip = lines->open[count - LINES_MIN];
        for (; strip != NULL; previous = strip, strip = strip->next) {
            assert(strip->previous == previous);
            assert(strip->free != 0);
            assert(strip->free != lines_all(count));
            assert((strip->free & ~lines_all(count)) == 0);
        }
    }
    lock_unlock(&lines->lock);
}
#endif
