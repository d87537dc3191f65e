/*
 * base/alloc.h -- all memory of a store: the host's hooks, and a count of what they gave.
 *
 * A block is released with the size it was asked for, so nothing is stored beside it. Every
 * function may be called from any thread if the hooks may. Failure is NULL; nothing aborts.
 */
#ifndef KV_BASE_ALLOC_H
#define KV_BASE_ALLOC_H

#include "base/attributes.h"

#include "kvstore.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* What alloc_get() asks for: malloc's own alignment on 64-bit hosts. */
#define ALLOC_ALIGNMENT 16

struct alloc {
    kv_allocator hooks;
    _Atomic size_t used; /* bytes asked for and not yet released */
    _Atomic size_t peak; /* the most `used` has been */
};

/* Prepares `alloc` over the host's hooks; NULL means malloc. Holds no memory, needs no destroy. */
KV_INTERNAL void alloc_init(struct alloc *alloc, const kv_allocator *hooks);

/* A block of `size` > 0 bytes for any type, contents undefined; NULL when there is no memory. */
KV_INTERNAL void *alloc_get(struct alloc *alloc, size_t size);

/* The same at an address that is a multiple of `alignment`, a power of two up to 65536. */
KV_INTERNAL void *alloc_get_aligned(struct alloc *alloc, size_t size, size_t alignment);

/* `count` items of `size` bytes; NULL also when the product does not fit a size_t. */
KV_INTERNAL void *alloc_get_array(struct alloc *alloc, size_t count, size_t size);

/*
 * Makes a block of alloc_get() larger or smaller; the bytes up to the smaller size are kept. A NULL
 * block (old_size 0) is a new one. On NULL the old block is untouched and still the caller's.
 */
KV_INTERNAL void *alloc_resize(struct alloc *alloc, void *block, size_t old_size, size_t new_size);

/* Gives a block back. `size` is what was last asked for. NULL does nothing. */
KV_INTERNAL void alloc_free(struct alloc *alloc, void *block, size_t size);

/* Whether the host has no hooks of its own. */
KV_INTERNAL bool alloc_is_system(const struct alloc *alloc);

/* For a block that is the store's and comes from elsewhere. */
KV_INTERNAL void alloc_count_more(struct alloc *alloc, size_t size);
KV_INTERNAL void alloc_count_less(struct alloc *alloc, size_t size);

/* Takes a block of another alloc with the same hooks into this one's count. */
static inline void alloc_adopt(struct alloc *alloc, size_t size)
{
    atomic_fetch_add_explicit(&alloc->used, size, memory_order_relaxed);
}

/* The peak counts from now on. */
static inline void alloc_reset_peak(struct alloc *alloc)
{
    size_t used = atomic_load_explicit(&alloc->used, memory_order_relaxed);
    atomic_store_explicit(&alloc->peak, used, memory_order_relaxed);
}

static inline size_t alloc_used(const struct alloc *alloc)
{
    return atomic_load_explicit(&alloc->used, memory_order_relaxed);
}

static inline size_t alloc_peak(const struct alloc *alloc)
{
    return atomic_load_explicit(&alloc->peak, memory_order_relaxed);
}

#endif
