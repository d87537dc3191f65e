/*
 * values/collection.h -- what lists, hashes, sets, sorted sets and streams have in common: one
 * word.
 *
 *     0       the empty collection, which holds nothing
 *     even    a small one: the address of its only block, in the memory of the shard it belongs to
 *     odd     a large one: the address of a struct large (large.h), and 1
 *
 * The word is what an entry keeps. Functions that change a collection are given the shard's memory
 * and leave 0 when they took out the last element, so that nobody frees an empty one.
 */
#ifndef KV_VALUES_COLLECTION_H
#define KV_VALUES_COLLECTION_H

#include "base/attributes.h"
#include "base/memory.h"

#include "kvstore.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct large;

struct collection {
    uintptr_t word;
};

#define COLLECTION_LARGE ((uintptr_t)1)

/* Up to where a collection is small, as Redis's ...-max-listpack-entries and -value say. */
struct collection_limits {
    size_t count;      /* elements, fields or members */
    size_t value_size; /* bytes of each of them, and of each value */
};

static inline bool collection_is_empty(const struct collection *collection)
{
    return collection->word == 0;
}

/* The empty collection is small, too. */
static inline bool collection_is_small(const struct collection *collection)
{
    return (collection->word & COLLECTION_LARGE) == 0;
}

/* The block of a small one; NULL if it is empty. */
static inline void *collection_block(const struct collection *collection)
{
    assert(collection_is_small(collection));
    return (void *)collection->word;
}

static inline struct large *collection_large(const struct collection *collection)
{
    assert(!collection_is_small(collection));
    return (struct large *)(collection->word - COLLECTION_LARGE);
}

static inline void collection_set_block(struct collection *collection, const void *block)
{
    collection->word = (uintptr_t)block;
    assert(collection_is_small(collection));
}

static inline void collection_set_large(struct collection *collection, const struct large *large)
{
    collection->word = (uintptr_t)large + COLLECTION_LARGE;
    assert(!collection_is_small(collection));
}

/*
 * What a type of collection is to rooms that do not know it (value.c). None of the functions is
 * called for an empty collection.
 */
struct collection_kind {
    /* How many elements, fields or members it has. O(1). */
    uint64_t (*length)(const struct collection *collection);

    /* The name of its encoding, as Redis has it. */
    const char *(*encoding)(const struct collection *collection);

    /* The size of the only block of a small one, as memory_free() wants it. */
    size_t (*block_size)(const void *block);

    /* A deep copy in the memory of another shard. KV_OK, or KV_NOMEM with nothing left. */
    kv_status (*copy)(const struct collection *collection, struct memory *memory,
                      struct collection *copy);

    /* Asserts what the room promises. */
    void (*check)(const struct collection *collection);
};

#endif
