/*
 * base/alloc.c -- the host's allocator behind a byte count.
 *
 * The count is one relaxed atomic per store. It is off the hot path: small blocks come from slabs
 * (base/memory.h), which come here once per 64 KiB.
 */
#include "base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void *alloc_system_allocate(void *context, size_t size, size_t alignment)
{
    (void)context;
    if (alignment <= ALLOC_ALIGNMENT) return malloc(size);
    void *block;
    return posix_memalign(&block, alignment, size) == 0 ? block : NULL;
}

static void *alloc_system_resize(void *context, void *block, size_t old_size, size_t new_size)
{
    (void)context;
    (void)old_size;
    return realloc(block, new_size);
}

static void alloc_system_release(void *context, void *block, size_t size)
{
    (void)context;
    (void)size;
    free(block);
}

/* A 32-bit malloc may align to 8 only, which is all the engine relies on. */
static const kv_allocator alloc_system = {
    .allocate = alloc_system_allocate,
    .resize = alloc_system_resize,
    .release = alloc_system_release,
    .context = NULL,
};

KV_INTERNAL void alloc_init(struct alloc *alloc, const kv_allocator *hooks)
{
    alloc->hooks = hooks != NULL ? *hooks : alloc_system;
    atomic_init(&alloc->used, 0);
    atomic_init(&alloc->peak, 0);
}

KV_INTERNAL bool alloc_is_system(const struct alloc *alloc)
{
    return alloc->hooks.allocate == alloc_system_allocate;
}

KV_INTERNAL void alloc_count_more(struct alloc *alloc, size_t size)
{
    size_t used = atomic_fetch_add_explicit(&alloc->used, size, memory_order_relaxed) + size;
    size_t peak = atomic_load_explicit(&alloc->peak, memory_order_relaxed);
    while (used > peak &&
           !atomic_compare_exchange_weak_explicit(&alloc->peak, &peak, used, memory_order_relaxed,
                                                  memory_order_relaxed)) {}
}

KV_INTERNAL void alloc_count_less(struct alloc *alloc, size_t size)
{
    size_t before = atomic_fetch_sub_explicit(&alloc->used, size, memory_order_relaxed);
    assert(before >= size);
    (void)before;
}

KV_INTERNAL void *alloc_get_aligned(struct alloc *alloc, size_t size, size_t alignment)
{
    assert(size > 0);
    assert(alignment <= 65536);
    assert((alignment & (alignment - 1)) == 0);

    void *block = alloc->hooks.allocate(alloc->hooks.context, size, alignment);
    if (block == NULL) return NULL;
    assert(((uintptr_t)block & (alignment - 1)) == 0);
    alloc_count_more(alloc, size);
    return block;
}

KV_INTERNAL void *alloc_get(struct alloc *alloc, size_t size)
{
    return alloc_get_aligned(alloc, size, ALLOC_ALIGNMENT);
}

KV_INTERNAL void *alloc_get_array(struct alloc *alloc, size_t count, size_t size)
{
    assert(size > 0);
    if (count > SIZE_MAX / size) return NULL;
    return alloc_get(alloc, count * size);
}

/* For hosts without a resize hook. */
static void *alloc_resize_by_copy(struct alloc *alloc, void *block, size_t old_size,
                                  size_t new_size)
{
    void *copy = alloc_get(alloc, new_size);
    if (copy == NULL) return NULL;
    memcpy(copy, block, old_size < new_size ? old_size : new_size);
    alloc_free(alloc, block, old_size);
    return copy;
}

KV_INTERNAL void *alloc_resize(struct alloc *alloc, void *block, size_t old_size, size_t new_size)
{
    assert(new_size > 0);
    assert((block == NULL) == (old_size == 0));

    if (block == NULL) return alloc_get(alloc, new_size);
    if (alloc->hooks.resize == NULL) return alloc_resize_by_copy(alloc, block, old_size, new_size);

    void *moved = alloc->hooks.resize(alloc->hooks.context, block, old_size, new_size);
    if (moved == NULL) return NULL;
    if (new_size > old_size) alloc_count_more(alloc, new_size - old_size);
    else alloc_count_less(alloc, old_size - new_size);
    return moved;
}

KV_INTERNAL void alloc_free(struct alloc *alloc, void *block, size_t size)
{
    if (block == NULL) return;
    alloc_count_less(alloc, size);
    alloc->hooks.release(alloc->hooks.context, block, size);
}
