/*
 * base/memory.h -- one owner's memory: a shard's, or one large collection's.
 *
 * Blocks up to MEMORY_SMALL_MAX bytes come from slab pages that hold blocks of one size: no header
 * per block, no lock, no atomics; larger ones come from the host and are kept in a list. So the
 * owner can give everything back at once, without visiting its blocks.
 *
 * An owner is used by one thread at a time (under its shard's lock, or before anybody knows of it).
 * A `struct memory` may be moved by assignment: nothing points to it. Blocks are 8-aligned. With
 * KV_MEMORY_DIRECT every block comes from the host, so that a sanitizer sees overflows of each and
 * failure injection reaches each.
 */
#ifndef KV_BASE_MEMORY_H
#define KV_BASE_MEMORY_H

#include "base/attributes.h"
#include "base/pages.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    MEMORY_CLASSES = 36,
#ifdef KV_MEMORY_DIRECT
    MEMORY_SMALL_MAX = 0
#else
    MEMORY_SMALL_MAX = 1016 /* four to a page; three would waste up to a quarter of it */
#endif
};

/* At the start of a page of blocks. Offsets are from the start of the page; 0 means none. */
struct memory_page {
    struct memory_page *next, *previous; /* the ring of its class */
    uint16_t free;  /* the first freed block; in it is the offset of the next */
    uint16_t fresh; /* the first block never used; all after it are so too */
    uint16_t used;  /* blocks in use */
    uint16_t size_class;
    uint64_t reserved; /* so that blocks whose size is a multiple of 32 lie across few lines */
};
_Static_assert(sizeof(struct memory_page) <= 32, "a page's header is small");
_Static_assert(sizeof(struct memory_page) % 32 == 0 || sizeof(void *) < 8,
               "lines hold whole blocks");

struct memory_large;

struct memory {
    struct pages *pages;
    size_t used;                /* bytes of the blocks in use, as memory_capacity() */
    size_t page_count;          /* pages held, the spare one included */
    struct memory_page *spare;  /* an empty page, kept for the next need */
    struct memory_large *large; /* a list of the large blocks */
    struct memory_page *rings[MEMORY_CLASSES]; /* see memory.c */
};
_Static_assert(sizeof(struct memory) <= 512, "a shard or a collection holds one");

/* The class of (size + 7) / 8, and the block size of a class. */
KV_INTERNAL_DATA const uint8_t memory_class_of[128];
KV_INTERNAL_DATA const uint16_t memory_class_size[MEMORY_CLASSES];

/* An empty memory, which holds nothing yet. */
KV_INTERNAL void memory_init(struct memory *memory, struct pages *pages);

/* Gives all of it back: every block is gone. The memory is empty and may be used again. */
KV_INTERNAL void memory_destroy(struct memory *memory);

/*
 * The same in slices, for freeing in the background: gives up to `limit` pages or large blocks
 * back. True when nothing is left. Between the slices nothing else may be done with the memory.
 */
KV_INTERNAL bool memory_destroy_some(struct memory *memory, size_t limit);

/*
 * Takes over all blocks of another memory out of the same pages, which is empty then. O(size classes
 * and pages of `from` that have room).
 */
KV_INTERNAL void memory_join(struct memory *memory, struct memory *from);

/* What memory_get() and memory_free() do when their short way ends. */
KV_INTERNAL void *memory_get_slowly(struct memory *memory, size_t size);
KV_INTERNAL void *memory_get_large(struct memory *memory, size_t size);
KV_INTERNAL void memory_free_large(struct memory *memory, void *block, size_t size);
KV_INTERNAL void memory_settle(struct memory *memory, struct memory_page *page, bool was_full);

/*
 * A block of `size` bytes, contents undefined; NULL when there is no memory. It may be used up to
 * memory_capacity(size).
 */
static inline void *memory_get(struct memory *memory, size_t size);

/* Gives a block back; `size` is any of the same capacity as the one asked for. NULL is ignored. */
static inline void memory_free(struct memory *memory, void *block, size_t size);

/*
 * Makes a block larger or smaller; the bytes up to the smaller size are kept. In place if the
 * capacity stays the same. On NULL the old block is untouched.
 */
KV_INTERNAL KV_UNUSED void *memory_resize(struct memory *memory, void *block, size_t old_size,
                                          size_t new_size);

/*
 * A block at a multiple of a cache line, for what is laid out by lines and seldom taken: 64 bytes
 * and an allocation of the host's each. It is given back with memory_free_lines() and the size it
 * was asked for.
 */
KV_INTERNAL void *memory_get_lines(struct memory *memory, size_t size);
KV_INTERNAL void memory_free_lines(struct memory *memory, void *block, size_t size);

/* How many bytes a block asked for with `size` really has. It depends on nothing else. */
static inline size_t memory_capacity(size_t size);

#if KV_DEBUG
/* Asserts the promises of memory.c. */
KV_INTERNAL KV_UNUSED void memory_check(const struct memory *memory);
#endif

/* --- the short ways, inline ------------------------------------------------------------------- */

#if defined(__SANITIZE_ADDRESS__)
#define MEMORY_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MEMORY_ASAN 1
#endif
#endif

/* Under the address sanitizer free blocks are poisoned, but for the link in the first two bytes. */
#ifdef MEMORY_ASAN
#include <sanitizer/asan_interface.h>
#define MEMORY_POISON(block, size)   ASAN_POISON_MEMORY_REGION((char *)(block) + 2, (size)-2)
#define MEMORY_UNPOISON(block, size) ASAN_UNPOISON_MEMORY_REGION((block), (size))
#else
#define MEMORY_POISON(block, size)   ((void)0)
#define MEMORY_UNPOISON(block, size) ((void)0)
#endif

static inline bool memory_is_small(size_t size)
{
    return size <= MEMORY_SMALL_MAX && MEMORY_SMALL_MAX > 0;
}

static inline size_t memory_capacity(size_t size)
{
    if (memory_is_small(size)) return memory_class_size[memory_class_of[(size + 7) / 8]];
    return size == 0 ? 16 : (size + 15) & ~(size_t)15;
}

static inline struct memory_page *memory_page_of(const void *block)
{
    return (struct memory_page *)((uintptr_t)block & ~(uintptr_t)(PAGES_PAGE_SIZE - 1));
}

/* Fetches what memory_free() of this block will change. */
static inline void memory_prefetch_free(const void *block)
{
    KV_PREFETCH_WRITE(memory_page_of(block));
}

static inline uint16_t memory_link(const void *block)
{
    uint16_t offset;
    memcpy(&offset, block, sizeof offset);
    return offset;
}

static inline void *memory_get(struct memory *memory, size_t size)
{
    if (KV_UNLIKELY(!memory_is_small(size))) return memory_get_large(memory, size);
    unsigned size_class = memory_class_of[(size + 7) / 8];
    struct memory_page *page = memory->rings[size_class];
    if (KV_UNLIKELY(page == NULL || page->free == 0)) return memory_get_slowly(memory, size);
    char *block = (char *)page + page->free;
    page->free = memory_link(block);
    page->used++;
    memory->used += memory_class_size[size_class];
    MEMORY_UNPOISON(block, memory_class_size[size_class]);
    return block;
}

static inline void memory_free(struct memory *memory, void *block, size_t size)
{
    if (KV_UNLIKELY(!memory_is_small(size))) {
        memory_free_large(memory, block, size);
        return;
    }
    if (block == NULL) return;
    struct memory_page *page = memory_page_of(block);
    bool was_full = (page->free | page->fresh) == 0;
    size_t capacity = memory_class_size[page->size_class];
    assert(page->size_class == memory_class_of[(size + 7) / 8]);
    assert(page->used > 0);
    memcpy(block, &page->free, sizeof page->free);
    page->free = (uint16_t)((uintptr_t)block & (PAGES_PAGE_SIZE - 1));
    page->used--;
    memory->used -= capacity;
    MEMORY_POISON(block, capacity);
    if (KV_UNLIKELY(was_full || page->used == 0)) memory_settle(memory, page, was_full);
}

#endif
