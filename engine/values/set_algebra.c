/*
 * values/set_algebra.c -- see set_algebra.h.
 *
 * A union looks up the members of each set in those before it; a difference looks up those of the
 * first in all others. With many sets that would be many lookups for each member: then the sets that
 * are looked up are put together in a table first, for the time of the call; but the largest, if it
 * is large, stays what a union looks up in.
 */
#include "values/set_algebra.h"

#include <stdlib.h>

/* Up to so many sets each lookup is made in one after the other. */
#define SET_FEW 4

/* Members under way. */
struct set_batch {
    struct member_name names[MEMBERS_BATCH]; /* those with a mark are out */
    size_t count, left;
    bool is_hashed;
};

/* Members of several sets, in a memory that lasts as long as the call. */
struct set_heap {
    struct memory memory;
    struct members members;
};

static void set_heap_open(struct set_heap *heap, const struct set_owner *owner)
{
    memory_init(&heap->memory, owner->memory->pages);
    members_init(&heap->members, &heap->memory, owner->key);
}

static void set_heap_close(struct set_heap *heap)
{
    memory_destroy(&heap->memory);
}

/* -------------------------------------------------------------------------------------- batches */

static bool set_batch_next(struct set_batch *batch, struct set_walk *walk)
{
    batch->count = batch->left = set_walk_next(walk, batch->names);
    batch->is_hashed = false;
    return batch->count > 0;
}

static void set_batch_hash(struct set_batch *batch, const struct set_owner *owner)
{
    if (!batch->is_hashed) member_names_hash(owner->key, batch->names, batch->count);
    batch->is_hashed = true;
}

/* Keeps the members that a set has, or those that it has not. */
static void set_batch_filter(struct set_batch *batch, const struct collection *set, bool keep,
                             const struct set_owner *owner)
{
    if (batch->left == 0) return;
    if (set_is_large(set)) {
        set_batch_hash(batch, owner);
        members_fetch(set_members(set), batch->names, batch->count);
    }
    for (size_t i = 0; i < batch->count; i++) {
        struct member_name *name = &batch->names[i];
        if (name->mark || set_has_name(set, name) == keep) continue;
        name->mark = true;
        batch->left--;
    }
}

/* Gives what is left of a batch to the sink; false if it wants no more. */
static bool set_batch_put(struct set_batch *batch, const struct set_owner *owner,
                          const struct set_sink *sink)
{
    if (batch->left == 0) return true;
    if (sink->takes_duplicates) set_batch_hash(batch, owner);
    for (size_t i = 0; i < batch->count; i++) {
        if (!batch->names[i].mark && !sink->put(sink->context, &batch->names[i])) return false;
    }
    return true;
}

/* ----------------------------------------------------------------------------------- operations */

static int set_compare_length(const void *a, const void *b)
{
    uint64_t x = set_length(a), y = set_length(b);
    return x < y ? -1 : x > y;
}

static void set_intersect(struct collection *sets, size_t count, const struct set_owner *owner,
                          const struct set_sink *sink)
{
    qsort(sets, count, sizeof *sets, set_compare_length);
    struct set_walk walk;
    struct set_batch batch;
    set_walk_begin(&walk, &sets[0]);
    do {
        if (!set_batch_next(&batch, &walk)) return;
        for (size_t i = 1; i < count && batch.left > 0; i++)
            set_batch_filter(&batch, &sets[i], true, owner);
    } while (set_batch_put(&batch, owner, sink));
}

/* The members of a set that `others` do not have. */
static bool set_subtract(const struct collection *set, const struct collection *others,
                         size_t count, const struct set_owner *owner, const struct set_sink *sink)
{
    struct set_walk walk;
    struct set_batch batch;
    if (count == 0 && sink->count != NULL) return sink->count(sink->context, set_length(set));
    set_walk_begin(&walk, set);
    while (set_batch_next(&batch, &walk)) {
        for (size_t i = 0; i < count && batch.left > 0; i++)
            set_batch_filter(&batch, &others[i], false, owner);
        if (!set_batch_put(&batch, owner, sink)) return false;
    }
    return true;
}

/* Adds what is left of a batch to a heap and takes those out of the batch that were there. */
static kv_status set_heap_add(struct set_heap *heap, struct set_batch *batch,
                              const struct set_owner *owner)
{
    if (batch->left == 0) return KV_OK;
    set_batch_hash(batch, owner);
    members_fetch(&heap->members, batch->names, batch->count);
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->names[i].mark) continue;
        kv_status status = members_add(&heap->members, &batch->names[i]);
        if (status < 0) return status;
        if (status == KV_OK) continue;
        batch->names[i].mark = true;
        batch->left--;
    }
    return KV_OK;
}

/*
 * Adds the members of sets to a heap, but for those of `known`, which may be NULL; those that are new
 * go to the sink, if there is one.
 */
static kv_status set_heap_add_sets(struct set_heap *heap, const struct collection *sets,
                                   size_t count, const struct collection *known,
                                   const struct set_owner *owner, const struct set_sink *sink)
{
    for (size_t i = 0; i < count; i++) {
        struct set_walk walk;
        struct set_batch batch;
        set_walk_begin(&walk, &sets[i]);
        while (set_batch_next(&batch, &walk)) {
            if (known != NULL) set_batch_filter(&batch, known, false, owner);
            kv_status status = set_heap_add(heap, &batch, owner);
            if (status != KV_OK) return status;
            if (sink != NULL && !set_batch_put(&batch, owner, sink)) return KV_OK;
        }
    }
    return KV_OK;
}

/* The largest first: its members need no lookup. Small ones stay in the order they were given. */
static void set_sort_for_union(struct collection *sets, size_t count)
{
    size_t largest = 0;
    for (size_t i = 1; i < count; i++)
        if (set_is_large(&sets[i]) && set_length(&sets[i]) > set_length(&sets[largest]))
            largest = i;
    struct collection first = sets[0];
    sets[0] = sets[largest];
    sets[largest] = first;
}

static kv_status set_unite(struct collection *sets, size_t count, const struct set_owner *owner,
                           const struct set_sink *sink)
{
    set_sort_for_union(sets, count);
    if (sink->takes_duplicates || count <= SET_FEW) {
        for (size_t i = 0; i < count; i++) {
            size_t others = sink->takes_duplicates ? 0 : i;
            if (!set_subtract(&sets[i], sets, others, owner, sink)) break;
        }
        return KV_OK;
    }
    /* A small one would be searched from end to end. */
    const struct collection *known = set_is_large(&sets[0]) ? sets : NULL;
    size_t first = known != NULL;
    if (known != NULL && !set_subtract(known, NULL, 0, owner, sink)) return KV_OK;
    struct set_heap heap;
    set_heap_open(&heap, owner);
    kv_status status = set_heap_add_sets(&heap, sets + first, count - first, known, owner, sink);
    set_heap_close(&heap);
    return status;
}

/* Whether so many sets are better put together before a set's members are looked up in them. */
static bool set_others_are_many(const struct collection *set, const struct collection *others,
                                size_t count)
{
    if (count <= SET_FEW) return false;
    uint64_t total = 0;
    for (size_t i = 0; i < count; i++) total += set_length(&others[i]);
    return set_length(set) > total / count; /* lookups: length x count, or so many as `total` */
}

static kv_status set_differ(struct collection *sets, size_t count, const struct set_owner *owner,
                            const struct set_sink *sink)
{
    if (!set_others_are_many(&sets[0], sets + 1, count - 1)) {
        (void)set_subtract(&sets[0], sets + 1, count - 1, owner, sink);
        return KV_OK;
    }
    struct set_heap heap;
    set_heap_open(&heap, owner);
    kv_status status = set_heap_add_sets(&heap, sets + 1, count - 1, NULL, owner, NULL);
    struct set_walk walk;
    struct set_batch batch;
    set_walk_begin(&walk, &sets[0]);
    while (status == KV_OK && set_batch_next(&batch, &walk)) {
        set_batch_hash(&batch, owner);
        members_fetch(&heap.members, batch.names, batch.count);
        for (size_t i = 0; i < batch.count; i++)
            batch.names[i].mark = members_find(&heap.members, &batch.names[i]) != NULL;
        if (!set_batch_put(&batch, owner, sink)) break;
    }
    set_heap_close(&heap);
    return status;
}

KV_INTERNAL kv_status set_operate(enum set_operation operation, struct collection *sets,
                                  size_t count, const struct set_owner *owner,
                                  const struct set_sink *sink)
{
    assert(count > 0);
    if (operation == SET_UNION) return set_unite(sets, count, owner, sink);
    if (operation == SET_DIFFERENCE || count == 1) return set_differ(sets, count, owner, sink);
    set_intersect(sets, count, owner, sink);
    return KV_OK;
}
