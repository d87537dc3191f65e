/*
 * base/pages.c -- the page pool.
 *
 *     region, at a multiple of 64 KiB:
 *     | page 0 | page 1 |  ...  | page 15, the last 112 bytes missing | record | not asked for |
 *     0        4096             61440                             65424    65456           65536
 *
 * The host is asked for 80 bytes less than the region. malloc puts its own header before each
 * block, so a block of exactly 64 KiB at a 64 KiB boundary would leave nearly as much unused before
 * the next one; like this the regions follow each other without a gap. (64 bytes would do for that,
 * but glibc's posix_memalign() asks itself for size + alignment + 32, and maps 128 KiB and more one
 * by one, which costs 12% of memory.) The record of a region is at its end, so that only one page
 * is short.
 *
 * Invariants (pages_check() asserts them):
 *   1. A region has at least one page in use, or it would have gone back to the host.
 *   2. The regions in the list `open` are those with a free page; `free` counts these pages.
 *   3. A region's record is found from any of its pages by masking the address.
 */
#include "base/pages.h"
#include "base/bits.h"

enum {
    PAGES_MISSING = 80, /* at the end of a region */
    PAGES_REGION_ALLOCATED = PAGES_REGION_SIZE - PAGES_MISSING
};
_Static_assert((size_t)PAGES_REGION_ALLOCATED <= (size_t)CHUNKS_REGION_USABLE,
               "a region of a chunk is enough");

struct pages_region {
    struct parts pages; /* in `open` */
    bool is_of_chunk;
};
_Static_assert(PAGES_MISSING % 8 == 0 && sizeof(struct pages_region) % 8 == 0, "aligned record");
_Static_assert(PAGES_REGION_PAGES <= 32, "one bit a page");

static struct pages_region *pages_region_of(const void *page)
{
    char *base = parts_block(page, PAGES_REGION_SIZE);
    return (struct pages_region *)(base + PAGES_REGION_ALLOCATED) - 1;
}

KV_INTERNAL void pages_init(struct pages *pages, struct alloc *alloc)
{
    *pages = (struct pages){.alloc = alloc};
    chunks_init(&pages->chunks);
    lock_init(&pages->lock);
}

static void *pages_take(struct pages *pages, struct parts *region)
{
    unsigned index = parts_take(&pages->open, region, UINT32_MAX);
    pages->free--;
    return parts_block(region, PAGES_REGION_SIZE) + (size_t)index * PAGES_PAGE_SIZE;
}

static void *pages_get_of_chunk(struct pages *pages)
{
    if (!alloc_is_system(pages->alloc)) return NULL;
    void *base = chunks_get(&pages->chunks);
    if (base != NULL) alloc_count_more(pages->alloc, PAGES_REGION_ALLOCATED);
    return base;
}

static struct pages_region *pages_region_create(struct pages *pages, bool wants_chunk)
{
    void *base = wants_chunk ? pages_get_of_chunk(pages) : NULL;
    bool is_of_chunk = base != NULL;
    if (base == NULL)
        base = alloc_get_aligned(pages->alloc, PAGES_REGION_ALLOCATED, PAGES_REGION_SIZE);
    if (base == NULL) return NULL;
    struct pages_region *region = pages_region_of(base);
    region->pages.free = (uint32_t)((UINT64_C(1) << PAGES_REGION_PAGES) - 1);
    region->is_of_chunk = is_of_chunk;
    return region;
}

static void pages_region_destroy(struct pages *pages, struct pages_region *region)
{
    void *base = parts_block(region, PAGES_REGION_SIZE);
    if (!region->is_of_chunk) {
        alloc_free(pages->alloc, base, PAGES_REGION_ALLOCATED);
        return;
    }
    alloc_count_less(pages->alloc, PAGES_REGION_ALLOCATED);
    chunks_put(&pages->chunks, base);
}

KV_INTERNAL void *pages_get(struct pages *pages)
{
    lock_lock(&pages->lock);
    void *page = pages->open != NULL ? pages_take(pages, pages->open) : NULL;
    bool wants_chunk = pages->regions >= PAGES_BEFORE_CHUNKS;
    lock_unlock(&pages->lock);
    if (page != NULL) return page;

    /* The host may be slow, so it is asked outside the lock; two threads may both get a region. */
    struct pages_region *region = pages_region_create(pages, wants_chunk);
    if (region == NULL) return NULL;
    lock_lock(&pages->lock);
    parts_link(&pages->open, &region->pages);
    pages->regions++;
    pages->free += PAGES_REGION_PAGES;
    page = pages_take(pages, &region->pages);
    lock_unlock(&pages->lock);
    return page;
}

KV_INTERNAL void pages_put(struct pages *pages, void *page)
{
    assert(((uintptr_t)page & (PAGES_PAGE_SIZE - 1)) == 0);
    struct pages_region *region = pages_region_of(page);
    size_t offset = (size_t)((char *)page - parts_block(page, PAGES_REGION_SIZE));

    lock_lock(&pages->lock);
    parts_put(&pages->open, &region->pages, (unsigned)(offset / PAGES_PAGE_SIZE));
    pages->free++;
    bool empty = bits_count(region->pages.free) == PAGES_REGION_PAGES;
    if (empty) {
        parts_unlink(&pages->open, &region->pages);
        pages->regions--;
        pages->free -= PAGES_REGION_PAGES;
    }
    lock_unlock(&pages->lock);

    if (empty) pages_region_destroy(pages, region);
}

KV_INTERNAL size_t pages_usable(const void *page)
{
    bool last = ((uintptr_t)page & (PAGES_REGION_SIZE - 1)) == PAGES_REGION_SIZE - PAGES_PAGE_SIZE;
    return last ? PAGES_PAGE_SIZE - PAGES_MISSING - sizeof(struct pages_region) : PAGES_PAGE_SIZE;
}

#if KV_DEBUG
KV_INTERNAL void pages_check(struct pages *pages)
{
    lock_lock(&pages->lock);
    size_t open = 0, free = 0;
    const struct parts *previous = NULL;
    for (const struct parts *region = pages->open; region != NULL; region = region->next) {
        parts_check(region, previous);
        assert(region == &pages_region_of(parts_block(region, PAGES_REGION_SIZE))->pages);
        unsigned count = bits_count(region->free);
        assert(count < PAGES_REGION_PAGES);
        free += count;
        open++;
        previous = region;
    }
    assert(open <= pages->regions);
    assert(free == pages->free);
    lock_unlock(&pages->lock);
}
#endif
