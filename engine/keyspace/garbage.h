/*
 * keyspace/garbage.h -- values that nothing points to any more, freed when no lock is held.
 *
 * Large values lie in host memory or in a memory of their own, so freeing them needs no shard's
 * lock; a call collects them and frees them when it has let its locks go, or leaves them to
 * kv_tick().
 */
#ifndef KV_KEYSPACE_GARBAGE_H
#define KV_KEYSPACE_GARBAGE_H

#include "keyspace/entry.h"
#include "values/large.h"

struct garbage {
    struct blob *blobs;
    struct large *collections;
};

static inline bool garbage_is_empty(const struct garbage *garbage)
{
    return garbage->blobs == NULL && garbage->collections == NULL;
}

static inline void garbage_add_blob(struct garbage *garbage, struct blob *blob)
{
    blob->next = garbage->blobs;
    garbage->blobs = blob;
}

static inline void garbage_add_large(struct garbage *garbage, struct large *large)
{
    large->next_waiting = garbage->collections;
    garbage->collections = large;
}

/* Moves all of `from` to `to`. */
KV_INTERNAL void garbage_move(struct garbage *to, struct garbage *from);

/* How many values there are. O(that). */
KV_INTERNAL uint64_t garbage_count(const struct garbage *garbage);

/* Frees all of it. */
KV_INTERNAL void garbage_free(struct garbage *garbage, struct alloc *alloc);

/*
 * Frees about `limit` blocks' worth and adds the number of values that are gone to *freed; true
 * when nothing is left.
 */
KV_INTERNAL bool garbage_free_some(struct garbage *garbage, struct alloc *alloc, size_t limit,
                                   uint64_t *freed);

#endif
