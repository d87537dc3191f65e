/*
 * tests/engine/fixture_alloc.c -- see the header.
 *
 * Each block is preceded by a record, whose `state` tells a live block from anything else. Released
 * memory is overwritten, so that a stale read is seen even without a sanitizer.
 */
#include "fixture_alloc.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fixture_block {
    void *base; /* what malloc gave */
    size_t size;
    size_t alignment;
    uint64_t state;
};

#define FIXTURE_LIVE UINT64_C(0x6c6976656c697665)
#define FIXTURE_DEAD UINT64_C(0x6465616464656164)

static void fixture_fail(const char *what)
{
    fprintf(stderr, "fixture_alloc: %s\n", what);
    abort();
}

static struct fixture_block *fixture_block_of(void *block, size_t size)
{
    struct fixture_block *record = (struct fixture_block *)block - 1;
    if (record->state == FIXTURE_DEAD) fixture_fail("a block is released twice");
    if (record->state != FIXTURE_LIVE) fixture_fail("not a block, or its head was overwritten");
    if (record->size != size) fixture_fail("a block is released with another size");
    return record;
}

static bool fixture_refuses(struct fixture_alloc *fixture)
{
    long allowed = atomic_load(&fixture->allowed);
    while (allowed > 0 && !atomic_compare_exchange_weak(&fixture->allowed, &allowed, allowed - 1)) {
    }
    if (allowed != 0) return 0;
    atomic_fetch_add(&fixture->refused, 1);
    return 1;
}

static void *fixture_give(struct fixture_alloc *fixture, size_t size, size_t alignment)
{
    size_t room = sizeof(struct fixture_block) + alignment;
    char *base = malloc(size + room);
    if (base == NULL) return NULL;
    uintptr_t at = ((uintptr_t)base + room) & ~(uintptr_t)(alignment - 1);
    struct fixture_block *record = (struct fixture_block *)at - 1;
    *record = (struct fixture_block){base, size, alignment, FIXTURE_LIVE};
    memset((void *)at, 0xa5, size);

    atomic_fetch_add(&fixture->allocations, 1);
    atomic_fetch_add(&fixture->live_blocks, 1);
    atomic_fetch_add(&fixture->live_bytes, (long)size);
    unsigned long largest = atomic_load(&fixture->largest);
    while (size > largest && !atomic_compare_exchange_weak(&fixture->largest, &largest, size)) {}
    return (void *)at;
}

static void *fixture_allocate(void *context, size_t size, size_t alignment)
{
    if (size == 0) fixture_fail("a block of no bytes is asked for");
    if (alignment == 0 || alignment > 65536 || (alignment & (alignment - 1)) != 0) {
        fixture_fail("an alignment is not a power of two up to 65536");
    }
    if (fixture_refuses(context)) return NULL;
    return fixture_give(context, size, alignment < 16 ? 16 : alignment);
}

static void fixture_release(void *context, void *block, size_t size)
{
    struct fixture_alloc *fixture = context;
    if (block == NULL) fixture_fail("NULL is released");
    struct fixture_block *record = fixture_block_of(block, size);
    void *base = record->base;
    record->state = FIXTURE_DEAD;
    memset(block, 0x5a, size);
    atomic_fetch_sub(&fixture->live_blocks, 1);
    atomic_fetch_sub(&fixture->live_bytes, (long)size);
    free(base);
}

static void *fixture_resize(void *context, void *block, size_t old_size, size_t new_size)
{
    if (new_size == 0) fixture_fail("a block is resized to no bytes");
    struct fixture_block *record = fixture_block_of(block, old_size);
    if (record->alignment > 16) fixture_fail("an aligned block is resized");
    if (fixture_refuses(context)) return NULL;
    void *moved = fixture_give(context, new_size, 16); /* always elsewhere: stale pointers show */
    if (moved == NULL) return NULL;
    memcpy(moved, block, old_size < new_size ? old_size : new_size);
    fixture_release(context, block, old_size);
    return moved;
}

void fixture_alloc_begin(struct fixture_alloc *fixture)
{
    fixture->hooks = (kv_allocator){fixture_allocate, fixture_resize, fixture_release, fixture};
    atomic_init(&fixture->allowed, FIXTURE_UNLIMITED);
    atomic_init(&fixture->refused, 0);
    atomic_init(&fixture->allocations, 0);
    atomic_init(&fixture->live_blocks, 0);
    atomic_init(&fixture->live_bytes, 0);
    atomic_init(&fixture->largest, 0);
}

void fixture_alloc_allow(struct fixture_alloc *fixture, long count)
{
    atomic_store(&fixture->allowed, count);
    atomic_store(&fixture->refused, 0);
}

void fixture_alloc_end(struct fixture_alloc *fixture)
{
    if (atomic_load(&fixture->live_blocks) != 0) fixture_fail("a block was never released");
    if (atomic_load(&fixture->live_bytes) != 0) fixture_fail("the bytes do not add up");
}

bool fixture_alloc_was_enough(struct fixture_alloc *fixture)
{
    return atomic_load(&fixture->refused) == 0;
}

bool fixture_alloc_next(struct fixture_alloc *fixture, long *allowed)
{
    if (*allowed > 0 && fixture_alloc_was_enough(fixture)) {
        fixture_alloc_allow(fixture, FIXTURE_UNLIMITED);
        return 0;
    }
    fixture_alloc_allow(fixture, (*allowed)++);
    return 1;
}
