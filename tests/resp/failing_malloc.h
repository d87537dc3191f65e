/*
 * tests/resp/failing_malloc.h -- malloc(), calloc() and realloc() that fail when told to: the linker
 * puts them before the C library's (-Wl,--wrap). In one program only, and all of it has them; with
 * FAILING_MALLOC_STORAGE defined as _Thread_local each thread is told for itself.
 */
#ifndef KV_TESTS_RESP_FAILING_MALLOC_H
#define KV_TESTS_RESP_FAILING_MALLOC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#ifndef FAILING_MALLOC_STORAGE
#define FAILING_MALLOC_STORAGE
#endif

enum { UNLIMITED = -1 };

/* Allocations until they fail; UNLIMITED: they do not. */
static FAILING_MALLOC_STORAGE atomic_long allowed = UNLIMITED;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);

static bool may_allocate(void)
{
    long left = atomic_load(&allowed);
    if (left < 0) return true;
    if (left == 0) return false;
    atomic_store(&allowed, left - 1);
    return true;
}

void *__wrap_malloc(size_t size)
{
    return may_allocate() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return may_allocate() ? __real_calloc(count, size) : NULL;
}

void *__wrap_realloc(void *block, size_t size)
{
    return may_allocate() ? __real_realloc(block, size) : NULL;
}

#endif
