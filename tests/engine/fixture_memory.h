/*
 * tests/engine/fixture_memory.h -- the memory of one owner, as a structure or value is given it, over
 * an allocator that fails when told to: what a test that needs one of each begins and ends with.
 */
#ifndef KV_TESTS_FIXTURE_MEMORY_H
#define KV_TESTS_FIXTURE_MEMORY_H

#include "base/memory.h"
#include "base/pages.h"

#include "../unit.h"
#include "fixture_alloc.h"

static struct fixture_alloc host;
static struct alloc alloc;
static struct pages pages;
static struct memory memory;

static inline void fixture_memory_begin(void)
{
    fixture_alloc_begin(&host);
    alloc_init(&alloc, &host.hooks);
    pages_init(&pages, &alloc);
    memory_init(&memory, &pages);
}

/* Asserts that every block was given back, with the size it had. */
static inline void fixture_memory_end(void)
{
    ck_assert_uint_eq(memory.used, 0);
    memory_destroy(&memory);
    fixture_alloc_end(&host);
}

#endif
