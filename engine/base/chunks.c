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
    struct parts regions; /* in `open` */
    uint32_t kept;        /* bit i: region i */
};
_Static_assert(CHUNKS_REGIONS == 32, "one bit a region");
_Static_assert(CHUNKS_CHUNK_SIZE - CHUNKS_ALLOCATED + sizeof(struct chunk) <=
                   CHUNKS_REGION_SIZE - CHUNKS_REGION_USABLE,
               "the record is behind the last region");

static struct chunk *chunks_chunk_of(const void *region)
{
    char *base = parts_block(region, CHUNKS_CHUNK_SIZE);
    return (struct chunk *)(base + CHUNKS_ALLOCATED) - 1;
}

KV_INTERNAL void chunks_init(struct chunks *chunks)
{
    chunks->open = NULL;
    chunks->empty = NULL;
    chunks->kept = 0;
    atomic_init(&chunks->count, 0);
    lock_init(&chunks->lock);
}

/* --------------------------------------------------------------------------------- the system */

static struct chunk *chunks_create(void)
{
#if defined(MADV_HUGEPAGE)
    void *base;
    if (posix_memalign(&base, CHUNKS_CHUNK_SIZE, CHUNKS_ALLOCATED) != 0) return NULL;
    (void)madvise(base, CHUNKS_CHUNK_SIZE, MADV_HUGEPAGE); /* a hint; all of it or none */
    struct chunk *chunk = chunks_chunk_of(base);
    chunk->regions.free = UINT32_MAX;
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

/* Takes a region of the first chunk that has one, rather one that has memory. */
static void *chunks_take(struct chunks *chunks)
{
    struct chunk *chunk = chunks_chunk_of(chunks->open);
    uint32_t kept = chunk->regions.free & chunk->kept;
    unsigned index = parts_take(&chunks->open, &chunk->regions, kept != 0 ? kept : UINT32_MAX);
    if (kept != 0) chunks->kept--;
    chunk->kept &= ~(UINT32_C(1) << index);
    if (chunk == chunks->empty) chunks->empty = NULL;
    return parts_block(chunk, CHUNKS_CHUNK_SIZE) + (size_t)index * CHUNKS_REGION_SIZE;
}

KV_INTERNAL void *chunks_get(struct chunks *chunks)
{
    lock_lock(&chunks->lock);
    void *region = chunks->open != NULL ? chunks_take(chunks) : NULL;
    lock_unlock(&chunks->lock);
    if (region != NULL) return region;

    struct chunk *chunk = chunks_create(); /* without the lock, as the system may be slow */
    if (chunk == NULL) return NULL;
    lock_lock(&chunks->lock);
    bool is_wanted = chunks->open == NULL; /* else a region has come back meanwhile */
    if (is_wanted) {
        parts_link(&chunks->open, &chunk->regions);
        chunks->count++;
    }
    region = chunks_take(chunks);
    lock_unlock(&chunks->lock);
    if (!is_wanted) free(parts_block(chunk, CHUNKS_CHUNK_SIZE));
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
    const struct parts *regions = &chunk->regions;
    if (regions->free != UINT32_MAX) {
        chunks->empty = NULL;
        return other;
    }
    if (other != NULL || chunks->count == 1 || regions->next != NULL || regions->previous != NULL)
        return chunk;
    chunks->empty = chunk;
    return NULL;
}

KV_INTERNAL void chunks_put(struct chunks *chunks, void *region)
{
    struct chunk *chunk = chunks_chunk_of(region);
    size_t offset = (size_t)((char *)region - parts_block(region, CHUNKS_CHUNK_SIZE));
    unsigned index = (unsigned)(offset / CHUNKS_REGION_SIZE);
    if (!chunks_keep(chunks, chunk, index)) chunks_discard(region);

    lock_lock(&chunks->lock);
    parts_put(&chunks->open, &chunk->regions, index);
    struct chunk *released = chunks_choose(chunks, chunk);
    if (released != NULL) {
        parts_unlink(&chunks->open, &released->regions);
        chunks->count--;
        chunks->kept -= bits_count(released->kept);
    }
    lock_unlock(&chunks->lock);
    if (released != NULL) free(parts_block(released, CHUNKS_CHUNK_SIZE));
}

#if KV_DEBUG
KV_INTERNAL void chunks_check(struct chunks *chunks)
{
    lock_lock(&chunks->lock);
    size_t open = 0, kept = 0, empty = 0;
    const struct parts *previous = NULL;
    for (const struct parts *regions = chunks->open; regions != NULL; regions = regions->next) {
        const struct chunk *chunk = chunks_chunk_of(regions);
        parts_check(regions, previous);
        assert((chunk->kept & ~regions->free) == 0);
        empty += regions->free == UINT32_MAX;
        assert(regions->free != UINT32_MAX || chunk == chunks->empty);
        kept += bits_count(chunk->kept);
        open++;
        previous = regions;
    }
    assert(open <= chunks->count);
    assert(kept == chunks->kept);
    assert(empty == (chunks->empty != NULL));
    assert(empty == 0 || open == 1);
    lock_unlock(&chunks->lock);
}
#endif
