/*
 * base/chunks.c -- huge pages for large stores.
 *
 *     chunk, at a multiple of 2 MiB:
 *     | region 0 | region 1 |  ...  | region 31, the last 80 bytes missing | record | not asked for |
 *
 * Bits in a chunk's record: `free`, regions that nobody has; `kept`, those of them whose memory was
 * not given back. The last region always keeps it, since the record is in its last page.
 *
 * Invariants (chunks_check() asserts them):
 *   1. The list `open` has the chunks with a free region; `kept` counts their bits of that name.
 *   2. A chunk of free regions only is `empty`, and then all others are full and there are some.
 */
#include "base/chunks.h"
#include "base/bits.h"

#include <stdlib.h>
#include <sys/mman.h>

enum {
    CHUNKS_REGIONS = CHUNKS_CHUNK_SIZE / CHUNKS_REGION_SIZE,
    CHUNKS_ALLOCATED = CHUNKS_CHUNK_SIZE - 40, /* malloc puts its header between two chunks */
    CHUNKS_KEPT_MAX = 16                       /* 1 MiB: what comes and goes needs no system call */
};

struct chunk {
    struct chunk *next, *previous; /* in `open` */
    uint32_t free, kept;           /* bit i: region i */
};
_Static_assert(CHUNKS_REGIONS == 32, "one bit a region");
_Static_assert(CHUNKS_CHUNK_SIZE - CHUNKS_ALLOCATED + sizeof(struct chunk) <=
                   CHUNKS_REGION_SIZE - CHUNKS_REGION_USABLE,
               "the record is behind the last region");

static struct chunk *chunks_chunk_of(const void *region)
{
    uintptr_t base = (uintptr_t)region & ~(uintptr_t)(CHUNKS_CHUNK_SIZE - 1);
    return (struct chunk *)(base + CHUNKS_ALLOCATED) - 1;
}

static char *chunks_base(const struct chunk *chunk)
{
    return (char *)((uintptr_t)chunk & ~(uintptr_t)(CHUNKS_CHUNK_SIZE - 1));
}

KV_INTERNAL void chunks_init(struct chunks *chunks)
{
    chunks->open = chunks->empty = NULL;
    chunks->kept = 0;
    atomic_init(&chunks->count, 0);
    lock_init(&chunks->lock);
}

static void chunks_link(struct chunks *chunks, struct chunk *chunk)
{
    chunk->previous = NULL;
    chunk->next = chunks->open;
    if (chunks->open != NULL) chunks->open->previous = chunk;
    chunks->open = chunk;
}

static void chunks_unlink(struct chunks *chunks, struct chunk *chunk)
{
    if (chunk->previous != NULL) chunk->previous->next = chunk->next;
    else chunks->open = chunk->next;
    if (chunk->next != NULL) chunk->next->previous = chunk->previous;
}

/* --------------------------------------------------------------------------------- the system */

static struct chunk *chunks_create(void)
{
#if defined(MADV_HUGEPAGE)
    void *base;
    if (posix_memalign(&base, CHUNKS_CHUNK_SIZE, CHUNKS_ALLOCATED) != 0) return NULL;
    (void)madvise(base, CHUNKS_CHUNK_SIZE, MADV_HUGEPAGE); /* a hint; all of it or none */
    struct chunk *chunk = chunks_chunk_of(base);
    chunk->free = UINT32_MAX;
    chunk->kept = 0;
    return chunk;
#else
    return NULL;
#endif
}

/* Gives the memory of a region back, but not the region. */
static void chunks_discard(void *region)
{
#if defined(MADV_DONTNEED)
    (void)madvise(region, CHUNKS_REGION_SIZE, MADV_DONTNEED);
#else
    (void)region;
#endif
}

/* -------------------------------------------------------------------------------- get and put */

/* Takes a region of a chunk that has one, rather one that has memory. */
static void *chunks_take(struct chunks *chunks, struct chunk *chunk)
{
    uint32_t kept = chunk->free & chunk->kept;
    unsigned index = bits_lowest(kept != 0 ? kept : chunk->free);
    uint32_t bit = UINT32_C(1) << index;
    if (kept != 0) chunks->kept--;
    chunk->kept &= ~bit;
    chunk->free &= ~bit;
    if (chunk->free == 0) chunks_unlink(chunks, chunk);
    if (chunk == chunks->empty) chunks->empty = NULL;
    return chunks_base(chunk) + (size_t)index * CHUNKS_REGION_SIZE;
}

KV_INTERNAL void *chunks_get(struct chunks *chunks)
{
    lock_lock(&chunks->lock);
    void *region = chunks->open != NULL ? chunks_take(chunks, chunks->open) : NULL;
    lock_unlock(&chunks->lock);
    if (region != NULL) return region;

    struct chunk *chunk = chunks_create(); /* without the lock, as the system may be slow */
    if (chunk == NULL) return NULL;
    lock_lock(&chunks->lock);
    bool is_wanted = chunks->open == NULL; /* else a region has come back meanwhile */
    if (is_wanted) {
        chunks_link(chunks, chunk);
        chunks->count++;
    }
    region = chunks_take(chunks, chunks->open);
    lock_unlock(&chunks->lock);
    if (!is_wanted) free(chunks_base(chunk));
    return region;
}

/* Whether a region that comes back keeps its memory. */
static bool chunks_keep(struct chunks *chunks, struct chunk *chunk, unsigned index)
{
    bool is_last = index == CHUNKS_REGIONS - 1;
    lock_lock(&chunks->lock);
    bool is_kept = is_last || chunks->kept < CHUNKS_KEPT_MAX;
    if (is_kept) chunks->kept++;
    if (is_kept) chunk->kept |= UINT32_C(1) << index;
    lock_unlock(&chunks->lock);
    return is_kept;
}

/* The chunk that goes, now that a region of this one is free; NULL: none does. */
static struct chunk *chunks_choose(struct chunks *chunks, struct chunk *chunk)
{
    struct chunk *other = chunks->empty;
    if (chunk->free != UINT32_MAX) {
        chunks->empty = NULL;
        return other;
    }
    if (other != NULL || chunks->count == 1 || chunk->next != NULL || chunk->previous != NULL)
        return chunk;
    chunks->empty = chunk;
    return NULL;
}

KV_INTERNAL void chunks_put(struct chunks *chunks, void *region)
{
    struct chunk *chunk = chunks_chunk_of(region);
    unsigned index = (unsigned)(((char *)region - chunks_base(chunk)) / CHUNKS_REGION_SIZE);
    if (!chunks_keep(chunks, chunk, index)) chunks_discard(region);

    lock_lock(&chunks->lock);
    assert((chunk->free >> index & 1) == 0);
    if (chunk->free == 0) chunks_link(chunks, chunk);
    chunk->free |= UINT32_C(1) << index;
    struct chunk *released = chunks_choose(chunks, chunk);
    if (released != NULL) {
        chunks_unlink(chunks, released);
        chunks->count--;
        chunks->kept -= bits_count(released->kept);
    }
    lock_unlock(&chunks->lock);
    if (released != NULL) free(chunks_base(released));
}

#if KV_DEBUG
KV_INTERNAL void chunks_check(struct chunks *chunks)
{
    lock_lock(&chunks->lock);
    size_t open = 0, kept = 0, empty = 0;
    const struct chunk *previous = NULL;
    for (const struct chunk *chunk = chunks->open; chunk != NULL; chunk = chunk->next) {
        assert(chunk->previous == previous);
        assert(chunk->free != 0);
        assert((chunk->kept & ~chunk->free) == 0);
        empty += chunk->free == UINT32_MAX;
        assert(chunk->free != UINT32_MAX || chunk == chunks->empty);
        kept += bits_count(chunk->kept);
        open++;
        previous = chunk;
    }
    assert(open <= chunks->count);
    assert(kept == chunks->kept);
    assert(empty == (chunks->empty != NULL));
    assert(empty == 0 || open == 1);
    lock_unlock(&chunks->lock);
}
#endif
