/*
 * tests/engine/fixture_alloc.h -- an allocator that fails when told to, and catches wrong use.
 *
 * It knows kvstore.h only, so that tests of the API use it too. Every block remembers its size: one
 * that is released or resized with another size, twice, or never (fixture_alloc_end) fails the
 * test. May be used by several threads at once.
 */
#ifndef KV_TESTS_FIXTURE_ALLOC_H
#define KV_TESTS_FIXTURE_ALLOC_H

#include "kvstore.h"

#include <stdatomic.h>
#include <stddef.h>

#define FIXTURE_UNLIMITED (-1L)

struct fixture_alloc {
    kv_allocator hooks;       /* give this to kv_open() or alloc_init() */
    atomic_long allowed;      /* allocations that will still succeed; below 0: all */
    atomic_ulong refused;     /* allocations refused so far */
    atomic_ulong allocations; /* allocations that succeeded; a resize counts as one */
    atomic_long live_blocks;
    atomic_long live_bytes;
    atomic_ulong largest; /* the largest block asked for, in bytes */
};

/* Starts counting; every allocation succeeds. The struct must not move from here on. */
void fixture_alloc_begin(struct fixture_alloc *fixture);

/* The next `count` allocations succeed and all after them fail; FIXTURE_UNLIMITED ends that. */
void fixture_alloc_allow(struct fixture_alloc *fixture, long count);

/* Asserts that every block was released. */
void fixture_alloc_end(struct fixture_alloc *fixture);

/*
 * A loop in which 0, 1, 2... allocations are allowed, until a round needed no more:
 *
 *     FIXTURE_FAIL_EACH_ALLOCATION(&fixture) {
 *         kv_status status = kv_set(...);
 *         if (fixture_alloc_was_enough(&fixture)) ... it must have worked
 *         else ... it must have changed nothing
 *     }
 */
#define FIXTURE_FAIL_EACH_ALLOCATION(fixture) \
    for (long fixture_allowed = 0; fixture_alloc_next(fixture, &fixture_allowed);)

/* One step of the loop above: false after a round in which nothing was refused. */
bool fixture_alloc_next(struct fixture_alloc *fixture, long *allowed);

/* True if no allocation was refused since the last fixture_alloc_allow(). */
bool fixture_alloc_was_enough(struct fixture_alloc *fixture);

#endif
