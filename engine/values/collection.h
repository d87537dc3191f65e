/*
 * values/collection.h -- what lists, hashes, sets, sorted sets and streams have in common: one
 * word.
 *
 *     0       the empty collection, which holds nothing
 *     even    a small one: the address of its only block, in the memory of the shard it belongs to,
 *             and 2 if its type has a second form of that and this is it (a stream's leads to
 *             some more)
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
struct members;
struct siphash_key;

struct collection {
    uintptr_t word;
};

#define COLLECTION_LARGE  ((uintptr_t)1)
#define COLLECTION_SECOND ((uintptr_t)2)

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
    return (void *)(collection->word & ~COLLECTION_SECOND);
}

/* Whether a small one is of the second form. */
static inline bool collection_is_second(const struct collection *collection)
{
    return (collection->word & (COLLECTION_LARGE | COLLECTION_SECOND)) == COLLECTION_SECOND;
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

/* The same with a block of the second form. */
static inline void collection_set_second(struct collection *collection, const void *block)
{
    collection->word = (uintptr_t)block | COLLECTION_SECOND;
}

static inline void collection_set_large(struct collection *collection, const struct large *large)
{
    collection->word = (uintptr_t)large + COLLECTION_LARGE;
    assert(!collection_is_small(collection));
}

/* Something in a collection whose deadline has passed: its name, lent, and what it is there. */
struct collection_due {
    kv_slice name;
    char scratch[24]; /* of a name that is kept as an integer */
    void *item;
};

/* How many of them are dealt with at a time. */
#define COLLECTION_DUE_BATCH 32

/* How the journal and events name what deadlines do to the elements of a type. */
struct collection_words {
    const char *remove, *expire, *persist; /* commands: "HDEL", "HPEXPIREAT", "HPERSIST" */
    const char *elements;                  /* before their number in the latter two: "FIELDS" */
    int64_t event_class;
    const char *removed, *timed, *untimed, *expired; /* events: "hdel", "hexpire"... */
};

/*
 * What a type of collection is to rooms that do not know it (value.c). None of the functions is
 * called for an empty collection.
 */
struct collection_kind {
    /* How many elements, fields or members it has. O(1). */
    uint64_t (*length)(const struct collection *collection);

    bool may_have_none; /* it stays when the last of them goes: a stream */

    /* The name of its encoding, as Redis has it. */
    const char *(*encoding)(const struct collection *collection);

    /* The bytes of a small one: the size of its only block, as memory_free() wants it. */
    size_t (*block_size)(const void *block);

    /* The table of the members of a large one; NULL: the type has none. */
    const struct members *(*members)(const struct collection *collection);

    /* Frees a small one whose block leads to others; NULL if there is none of that kind. */
    void (*destroy)(struct collection *collection, struct memory *memory);

    /* A deep copy in the memory of another shard. KV_OK, or KV_NOMEM with nothing left. */
    kv_status (*copy)(const struct collection *collection, struct memory *memory,
                      struct collection *copy);

    /*
     * Of a type whose elements may have deadlines of their own; NULL: it has none of what follows.
     * The earliest of these deadlines, 0 if there is none. O(1).
     */
    int64_t (*next_deadline)(const struct collection *collection);

    /* Whether every element has a deadline that has passed at now_ms. O(elements) at worst. */
    bool (*is_spent)(const struct collection *collection, int64_t now_ms);

    /*
     * Notes up to COLLECTION_DUE_BATCH elements whose deadlines have passed at now_ms, and gives
     * how many; takes them out, in the memory of the collection's shard.
     */
    size_t (*peek_due)(const struct collection *collection, int64_t now_ms,
                       struct collection_due *due);
    void (*drop_due)(struct collection *collection, struct memory *memory,
                     const struct collection_due *due, size_t count);

    /* The deadline of an element, KV_NEVER if it has none; false if it is not there. */
    bool (*get_deadline)(const struct collection *collection, kv_slice name, int64_t *deadline_ms);

    /* Makes room for deadlines of `count` elements. KV_OK, KV_NOMEM. */
    kv_status (*reserve_deadlines)(struct collection *collection, struct memory *memory,
                                   const struct siphash_key *key, size_t count);

    /*
     * Gives an element that is there a deadline, for which there is room. KV_NEVER takes it away,
     * and does not fail; nor does putting back what it had. KV_OK, KV_NOMEM.
     */
    kv_status (*set_deadline)(struct collection *collection, struct memory *memory, kv_slice name,
                              int64_t deadline_ms);

    /* Takes elements out and gives how many there were; also of the empty collection. */
    uint64_t (*remove)(struct collection *collection, struct memory *memory, const kv_slice *names,
                       size_t count);

    /* Those with a deadline; NULL: they are not kept in one, or there are none. */
    const struct agenda *(*agenda)(const struct collection *collection);

    /* What is told of all this. */
    const struct collection_words *words;

    /* Asserts what the room promises. */
    void (*check)(const struct collection *collection);
};

#endif
