/*
 * base/lines.c -- strips of blocks of one size.
 *
 *     strip, a region of a chunk:
 *     | block 0 | block 1 |  ...  | block n - 1 | too little for another | record |
 */
#include "base/lines.h"

enum { LINES_ROOM = CHUNKS_REGION_USABLE - sizeof(struct parts) };
_Static_assert(LINES_ROOM / (LINES_MIN * KV_CACHE_LINE) <= 32, "one bit a block");

static struct parts *lines_strip_of(const void *block)
{
    char *base = parts_block(block, CHUNKS_REGION_SIZE);
    return (struct parts *)(base + CHUNKS_REGION_USABLE) - 1;
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

/* A block of a strip; NULL: there is none. Under the lock. */
static void *lines_take(struct lines *lines, size_t count)
{
    struct parts **list = &lines->open[count - LINES_MIN], *strip = *list;
    if (strip == NULL) {
        void *region = chunks_get(lines->chunks);
        if (region == NULL) return NULL;
        strip = lines_strip_of(region);
        strip->free = lines_all(count);
        parts_link(list, strip);
    }
    unsigned index = parts_take(list, strip, UINT32_MAX);
    return parts_block(strip, CHUNKS_REGION_SIZE) + index * count * KV_CACHE_LINE;
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
    if (block == NULL) return alloc_get_aligned(lines->alloc, count * KV_CACHE_LINE, KV_CACHE_LINE);
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
    struct parts **list = &lines->open[count - LINES_MIN], *strip = lines_strip_of(block);
    char *base = parts_block(block, CHUNKS_REGION_SIZE);
    size_t index = (size_t)((char *)block - base) / (count * KV_CACHE_LINE);
    lock_lock(&lines->lock);
    parts_put(list, strip, (unsigned)index);
    bool is_empty = strip->free == lines_all(count);
    if (is_empty) parts_unlink(list, strip);
    lock_unlock(&lines->lock);
    if (is_empty) chunks_put(lines->chunks, base);
}

#if KV_DEBUG
KV_INTERNAL void lines_check(struct lines *lines)
{
    lock_lock(&lines->lock);
    for (size_t count = LINES_MIN; count <= LINES_MAX; count++) {
        const struct parts *previous = NULL, *strip = lines->open[count - LINES_MIN];
        for (; strip != NULL; previous = strip, strip = strip->next) {
            parts_check(strip, previous);
            assert(strip->free != lines_all(count));
            assert((strip->free & ~lines_all(count)) == 0);
        }
    }
    lock_unlock(&lines->lock);
}
#endif
