/*
 * base/memory.c -- slab pages of one owner.
 *
 *     page:  | next previous free fresh used class | block | block | block | ...    | rest |
 *            0                                     24                                  4096
 *
 * Sizes of blocks go by 8 bytes up to 128. Above, each is the largest multiple of 8 of which n fit
 * into a page, for some n from 28 down to 4: any other size would waste the difference anyway.
 *
 * The pages of a class form a ring; memory->rings[] has its head, from which blocks are taken.
 *
 * Invariants (memory_check() asserts them):
 *   1. Behind the head come first the pages with a free block, then the full ones. The head itself
 *      may be full: it goes to the end, by advancing the head, only when a block is wanted from it.
 *   2. No page in a ring is empty. An empty one is the spare, or it has gone back to the pool; one
 *      spare per owner keeps a block that is taken and freed in turn from moving a page each time.
 *   3. used + blocks in the list `free` + blocks from `fresh` on = blocks that fit into the page.
 *   4. memory->used is the sum of the capacities of all blocks in use, small and large.
 *
 * Blocks never used are not touched: they enter the list `free` a few at a time.
 *
 * After Bonwick, "The slab allocator", USENIX Summer 1994; the list inside each page, and taking
 * it first, as in Leijen, Zorn & de Moura, "Mimalloc", APLAS 2019.
 */
#include "base/memory.h"

enum {
    /* How many fresh blocks enter the free list at once: enough to pay for the call, on few lines. */
    MEMORY_BATCH = 8,

    /* In the size of a large block, which is a multiple of 16: it is one of memory_get_lines(). */
    MEMORY_LINES = 1
};

/*
 * Before a large block. Its 24 bytes and a capacity of a multiple of 16 make just what malloc, with
 * a header of 8 in a multiple of 16, has room for.
 */
struct memory_large {
    struct memory_large *next, *previous;
    uint64_t size; /* the capacity, for giving it back without the owner; and MEMORY_LINES */
};
_Static_assert(sizeof(struct memory_large) % 8 == 0, "a large block is 8-aligned");

/*   size   8 .. 128                             blocks in a page:
 *          144 160 176 192 208 224 232 248      28 25 23 21 19 18 17 16
 *          264 288 312 336 368 400 448 504      15 14 13 12 11 10  9  8
 *          576 672 808 1016                      7  6  5  4                                    */
KV_INTERNAL const uint16_t memory_class_size[MEMORY_CLASSES] = {
    8,   16,  24,  32,  40,  48,  56,  64,  72,  80,  88,  96,  104, 112, 120, 128, 144, 160,
    176, 192, 208, 224, 232, 248, 264, 288, 312, 336, 368, 400, 448, 504, 576, 672, 808, 1016,
};

/* clang-format off */
KV_INTERNAL const uint8_t memory_class_of[128] = {
     0,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14,
    15, 16, 16, 17, 17, 18, 18, 19, 19, 20, 20, 21, 21, 22, 23, 23,
    24, 24, 25, 25, 25, 26, 26, 26, 27, 27, 27, 28, 28, 28, 28, 29,
    29, 29, 29, 30, 30, 30, 30, 30, 30, 31, 31, 31, 31, 31, 31, 31,
    32, 32, 32, 32, 32, 32, 32, 32, 32, 33, 33, 33, 33, 33, 33, 33,
    33, 33, 33, 33, 33, 34, 34, 34, 34, 34, 34, 34, 34, 34, 34, 34,
    34, 34, 34, 34, 34, 34, 35, 35, 35, 35, 35, 35, 35, 35, 35, 35,
    35, 35, 35, 35, 35, 35, 35, 35, 35, 35, 35, 35, 35, 35, 35, 35,
};

/* clang-format on */

KV_INTERNAL void memory_init(struct memory *memory, struct pages *pages)
{
    *memory = (struct memory){.pages = pages};
}

/* --- rings ------------------------------------------------------------------------------------ */

static bool memory_page_is_full(const struct memory_page *page)
{
    return (page->free | page->fresh) == 0;
}

static void memory_ring_push(struct memory *memory, struct memory_page *page)
{
    struct memory_page **head = &memory->rings[page->size_class];
    if (*head == NULL) {
        page->next = page->previous = page;
    } else {
        page->next = *head;
        page->previous = (*head)->previous;
        page->next->previous = page->previous->next = page;
    }
    *head = page;
}

static void memory_ring_remove(struct memory *memory, struct memory_page *page)
{
    struct memory_page **head = &memory->rings[page->size_class];
    if (page->next == page) {
        *head = NULL;
        return;
    }
    page->next->previous = page->previous;
    page->previous->next = page->next;
    if (*head == page) *head = page->next;
}

/* If the head is full, makes the next page the head, which puts the full one at the end. */
static void memory_ring_skip_full(struct memory *memory, unsigned size_class)
{
    struct memory_page *head = memory->rings[size_class];
    if (head != NULL && memory_page_is_full(head)) memory->rings[size_class] = head->next;
}

/* --- pages ------------------------------------------------------------------------------------ */

static struct memory_page *memory_page_create(struct memory *memory, unsigned size_class)
{
    struct memory_page *page = memory->spare;
    if (page != NULL) {
        memory->spare = NULL;
    } else {
        page = pages_get(memory->pages);
        if (page == NULL) return NULL;
        memory->page_count++;
    }
    MEMORY_UNPOISON(page, pages_usable(page));
    MEMORY_POISON(page + 1, pages_usable(page) - sizeof *page);
    page->free = 0;
    page->fresh = sizeof *page;
    page->used = 0;
    page->size_class = (uint16_t)size_class;
    memory_ring_push(memory, page);
    return page;
}

static void memory_page_return(struct memory *memory, struct memory_page *page)
{
    MEMORY_UNPOISON(page, pages_usable(page));
    memory->page_count--;
    pages_put(memory->pages, page);
}

/* Moves a few fresh blocks into the free list, which is empty, the lowest first. */
static void memory_page_carve(struct memory_page *page)
{
    size_t size = memory_class_size[page->size_class];
    size_t end = pages_usable(page);
    size_t offset = page->fresh;
    assert(page->free == 0);
    assert(offset != 0);

    page->free = (uint16_t)offset;
    for (int i = 0; i < MEMORY_BATCH && offset + size <= end; i++) {
        size_t next = offset + size;
        bool last = i == MEMORY_BATCH - 1 || next + size > end;
        uint16_t link = last ? 0 : (uint16_t)next;
        MEMORY_UNPOISON((char *)page + offset, sizeof link);
        memcpy((char *)page + offset, &link, sizeof link);
        MEMORY_POISON((char *)page + offset, size);
        offset = next;
    }
    page->fresh = offset + size <= end ? (uint16_t)offset : 0;
}

/* A block is wanted, and the head of its class's ring has none in its free list. */
KV_INTERNAL KV_NOINLINE void *memory_get_slowly(struct memory *memory, size_t size)
{
    unsigned size_class = memory_class_of[(size + 7) / 8];
    memory_ring_skip_full(memory, size_class);
    struct memory_page *page = memory->rings[size_class];
    if (page == NULL || memory_page_is_full(page)) {
        page = memory_page_create(memory, size_class);
        if (page == NULL) return NULL;
    }
    if (page->free == 0) memory_page_carve(page);
    return memory_get(memory, size);
}

/* A block was freed in a page that was full, or the last block in use of a page. */
KV_INTERNAL KV_NOINLINE void memory_settle(struct memory *memory, struct memory_page *page,
                                           bool was_full)
{
    if (page->used == 0) {
        memory_ring_remove(memory, page);
        if (memory->spare == NULL) memory->spare = page;
        else memory_page_return(memory, page);
    } else if (was_full && page != memory->rings[page->size_class]) {
        memory_ring_remove(memory, page);
        memory_ring_skip_full(memory, page->size_class);
        memory_ring_push(memory, page);
    }
}

/* --- large blocks ----------------------------------------------------------------------------- */

static size_t memory_large_total(size_t size)
{
    return memory_capacity(size) + sizeof(struct memory_large);
}

/* The list ends with NULL, but its first block's `previous` is the last one. */
static void memory_large_link(struct memory *memory, struct memory_large *large)
{
    struct memory_large *head = memory->large;
    large->next = head;
    large->previous = head != NULL ? head->previous : large;
    if (head != NULL) head->previous = large;
    memory->large = large;
}

static void memory_large_unlink(struct memory *memory, struct memory_large *large)
{
    if (large->next != NULL) large->next->previous = large->previous;
    else memory->large->previous = large->previous;
    if (large == memory->large) memory->large = large->next;
    else large->previous->next = large->next;
}

/* All of another list before this one. */
static void memory_large_join(struct memory *memory, struct memory_large *list)
{
    struct memory_large *head = memory->large;
    if (list != NULL && head != NULL) {
        struct memory_large *last = head->previous;
        list->previous->next = head;
        head->previous = list->previous;
        list->previous = last;
    }
    if (list != NULL) memory->large = list;
}

KV_INTERNAL KV_NOINLINE void *memory_get_large(struct memory *memory, size_t size)
{
    if (size > SIZE_MAX - 64) return NULL; /* rounding up would wrap */
    struct memory_large *large = alloc_get(memory->pages->alloc, memory_large_total(size));
    if (large == NULL) return NULL;
    large->size = memory_capacity(size);
    memory_large_link(memory, large);
    memory->used += memory_capacity(size);
    return large + 1;
}

KV_INTERNAL KV_NOINLINE void memory_free_large(struct memory *memory, void *block, size_t size)
{
    if (block == NULL) return;
    struct memory_large *large = (struct memory_large *)block - 1;
    assert(large->size == memory_capacity(size));
    memory_large_unlink(memory, large);
    memory->used -= memory_capacity(size);
    alloc_free(memory->pages->alloc, large, memory_large_total(size));
}

static void *memory_resize_large(struct memory *memory, void *block, size_t old_size,
                                 size_t new_size)
{
    if (new_size > SIZE_MAX - 64) return NULL;
    struct memory_large *large = (struct memory_large *)block - 1;
    bool is_first = large == memory->large;
    large = alloc_resize(memory->pages->alloc, large, memory_large_total(old_size),
                         memory_large_total(new_size));
    if (large == NULL) return NULL;
    if (is_first) memory->large = large;
    else large->previous->next = large;
    if (large->next != NULL) large->next->previous = large;
    else memory->large->previous = large;
    large->size = memory_capacity(new_size);
    memory->used += memory_capacity(new_size) - memory_capacity(old_size);
    return large + 1;
}

/* A line for the header goes before the block, so that that is aligned, too. */
KV_INTERNAL void *memory_get_lines(struct memory *memory, size_t size)
{
    if (size > SIZE_MAX - 2 * KV_CACHE_LINE) return NULL;
    size_t total = memory_capacity(size) + KV_CACHE_LINE;
    char *lines = alloc_get_aligned(memory->pages->alloc, total, KV_CACHE_LINE);
    if (lines == NULL) return NULL;
    struct memory_large *large = (struct memory_large *)(void *)(lines + KV_CACHE_LINE) - 1;
    large->size = total | MEMORY_LINES;
    memory_large_link(memory, large);
    memory->used += total;
    return large + 1;
}

/* Gives a large block back to the host. */
static void memory_large_release(struct memory *memory, struct memory_large *large)
{
    size_t size = (size_t)large->size;
    if ((size & MEMORY_LINES) != 0) {
        alloc_free(memory->pages->alloc, (char *)(large + 1) - KV_CACHE_LINE, size - MEMORY_LINES);
    } else {
        alloc_free(memory->pages->alloc, large, memory_large_total(size));
    }
}

KV_INTERNAL void memory_free_lines(struct memory *memory, void *block, size_t size)
{
    if (block == NULL) return;
    struct memory_large *large = (struct memory_large *)block - 1;
    size_t total = memory_capacity(size) + KV_CACHE_LINE;
    assert(large->size == (total | MEMORY_LINES));
    memory_large_unlink(memory, large);
    memory->used -= total;
    memory_large_release(memory, large);
}

/* --- for all sizes ---------------------------------------------------------------------------- */

KV_INTERNAL void *memory_resize(struct memory *memory, void *block, size_t old_size,
                                size_t new_size)
{
    if (block == NULL) return memory_get(memory, new_size);
    if (memory_capacity(old_size) == memory_capacity(new_size)) return block;
    if (!memory_is_small(old_size) && !memory_is_small(new_size)) {
        return memory_resize_large(memory, block, old_size, new_size);
    }
    void *moved = memory_get(memory, new_size);
    if (moved == NULL) return NULL;
    memcpy(moved, block, old_size < new_size ? old_size : new_size);
    memory_free(memory, block, old_size);
    return moved;
}

/* Gives one page or one large block back; false if there is none. */
static bool memory_destroy_one(struct memory *memory)
{
    struct memory_large *large = memory->large;
    if (large != NULL) {
        memory_large_unlink(memory, large);
        memory_large_release(memory, large);
        return true;
    }
    struct memory_page *page = memory->spare;
    memory->spare = NULL;
    for (unsigned size_class = 0; page == NULL && size_class < MEMORY_CLASSES; size_class++) {
        page = memory->rings[size_class];
        if (page != NULL) memory_ring_remove(memory, page);
    }
    if (page == NULL) return false;
    memory_page_return(memory, page);
    return true;
}

KV_INTERNAL bool memory_destroy_some(struct memory *memory, size_t limit)
{
    for (size_t i = 0; i < limit; i++) {
        if (!memory_destroy_one(memory)) {
            assert(memory->page_count == 0);
            memory->used = 0;
            return true;
        }
    }
    return false;
}

KV_INTERNAL void memory_destroy(struct memory *memory)
{
    memory_destroy_some(memory, SIZE_MAX);
}

/* All pages of another ring of this class, in which those with a free block come first. */
static void memory_ring_join(struct memory *memory, struct memory *from, unsigned size_class)
{
    memory_ring_skip_full(memory, size_class);
    memory_ring_skip_full(from, size_class);
    struct memory_page *page;
    while ((page = from->rings[size_class]) != NULL && !memory_page_is_full(page)) {
        memory_ring_remove(from, page);
        memory_ring_push(memory, page);
    }
    struct memory_page *head = memory->rings[size_class];
    if (page != NULL && head != NULL) { /* the full ones go behind the last */
        struct memory_page *last = page->previous;
        page->previous = head->previous;
        head->previous->next = page;
        last->next = head;
        head->previous = last;
    } else if (page != NULL) {
        memory->rings[size_class] = page;
    }
}

KV_INTERNAL void memory_join(struct memory *memory, struct memory *from)
{
    assert(memory->pages == from->pages);
    if (from->spare != NULL) memory_page_return(from, from->spare);
    for (unsigned size_class = 0; size_class < MEMORY_CLASSES; size_class++)
        memory_ring_join(memory, from, size_class);
    memory_large_join(memory, from->large);
    memory->used += from->used;
    memory->page_count += from->page_count;
    memory_init(from, memory->pages);
}

#if KV_DEBUG
static void memory_check_page(const struct memory_page *page)
{
    size_t size = memory_class_size[page->size_class];
    size_t fitting = (pages_usable(page) - sizeof *page) / size;
    size_t fresh = 0;
    if (page->fresh != 0) {
        assert((page->fresh - sizeof *page) % size == 0);
        fresh = fitting - (page->fresh - sizeof *page) / size;
        assert(fresh > 0);
    }
    size_t free = 0;
    for (uint16_t at = page->free; at != 0; at = memory_link((const char *)page + at)) {
        assert(at >= sizeof *page);
        assert((at - sizeof *page) % size == 0);
        assert(page->fresh == 0 || at < page->fresh);
        free++;
        assert(free <= fitting); /* or the list runs in a circle */
    }
    assert(page->used > 0);
    assert(page->used + free + fresh == fitting);
}

/* Returns the bytes in use in the ring, and adds its pages to *pages. */
static size_t memory_check_ring(const struct memory *memory, unsigned size_class, size_t *pages)
{
    const struct memory_page *head = memory->rings[size_class];
    if (head == NULL) return 0;
    size_t blocks = 0;
    bool full_seen = false;
    const struct memory_page *page = head;
    do {
        assert(page->size_class == size_class);
        assert(page->next->previous == page);
        memory_check_page(page);
        bool full = memory_page_is_full(page);
        assert(full || !full_seen);
        if (page != head) full_seen |= full;
        blocks += page->used;
        (*pages)++;
        page = page->next;
    } while (page != head);
    return blocks * memory_class_size[size_class];
}

KV_INTERNAL void memory_check(const struct memory *memory)
{
    size_t used = 0;
    size_t pages = memory->spare != NULL;
    for (unsigned size_class = 0; size_class < MEMORY_CLASSES; size_class++) {
        used += memory_check_ring(memory, size_class, &pages);
    }
    const struct memory_large *previous = NULL, *first = memory->large;
    for (const struct memory_large *at = memory->large; at != NULL; at = at->next) {
        assert(at == first || at->previous == previous);
        assert(at->next != NULL || first->previous == at);
        bool lines = (at->size & MEMORY_LINES) != 0;
        assert(lines || !memory_is_small((size_t)at->size));
        used += lines ? (size_t)at->size - MEMORY_LINES : memory_capacity((size_t)at->size);
        previous = at;
    }
    assert(used == memory->used);
    assert(pages == memory->page_count);
}
#endif

#undef MEMORY_POISON
#undef MEMORY_UNPOISON
