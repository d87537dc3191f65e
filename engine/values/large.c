/*
 * values/large.c -- see large.h.
 */
#include "values/large.h"

#include <string.h>

KV_INTERNAL void *large_create(struct memory *memory, size_t size)
{
    assert(size >= sizeof(struct large));
    struct large *large = alloc_get(memory->pages->alloc, size);
    if (large == NULL) return NULL;
    memset(large, 0, size);
    memory_init(&large->memory, memory->pages);
    large->size = size;
    return large;
}

KV_INTERNAL void large_destroy(struct large *large)
{
    memory_destroy(&large->memory);
    alloc_free(large->memory.pages->alloc, large, large->size);
}

KV_INTERNAL bool large_destroy_some(struct large *large, size_t limit)
{
    if (!memory_destroy_some(&large->memory, limit)) return false;
    alloc_free(large->memory.pages->alloc, large, large->size);
    return true;
}
