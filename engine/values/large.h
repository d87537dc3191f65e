/*
 * values/large.h -- what every large collection begins with, so that it can be measured, moved to
 * another shard and freed without knowing what it is.
 *
 *     struct list_large {
 *         struct large large;      // first
 *         ... what the type adds; all it points to lies in large.memory
 *     };
 *
 * Its memory is its own, out of the same pages as the shards': it may go to another shard by its
 * word alone, and be given back in bulk, at once or in slices, by any thread. The header itself is
 * a block of the host's allocator.
 */
#ifndef KV_VALUES_LARGE_H
#define KV_VALUES_LARGE_H

#include "values/collection.h"

struct large {
    struct memory memory;
    struct large *next_waiting; /* while it waits to be freed: the next of those that do */
    size_t size;                /* of the whole header */
};

/*
 * A header of `size` bytes, all zeros behind struct large, whose memory is out of the same pages as
 * `memory`. NULL without memory.
 */
KV_INTERNAL void *large_create(struct memory *memory, size_t size);

/* Frees it with all that lies in its memory. O(pages and large blocks). */
KV_INTERNAL void large_destroy(struct large *large);

/* The same in slices of about `limit` pages or large blocks. True when all is gone. */
KV_INTERNAL bool large_destroy_some(struct large *large, size_t limit);

/* The memory that a collection of this kind holds. O(1). */
static inline size_t collection_bytes(const struct collection *collection,
                                      const struct collection_kind *kind)
{
    if (collection_is_empty(collection)) return 0;
    if (collection_is_small(collection)) return kind->block_size(collection_block(collection));
    const struct large *large = collection_large(collection);
    return large->size + large->memory.used;
}

#endif
