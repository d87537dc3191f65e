/*
 * keyspace/garbage.c -- see garbage.h.
 */
#include "keyspace/garbage.h"

static struct blob **garbage_last_blob(struct garbage *garbage)
{
    struct blob **last = &garbage->blobs;
    while (*last != NULL) last = &(*last)->next;
    return last;
}

KV_INTERNAL void garbage_move(struct garbage *to, struct garbage *from)
{
    if (from->blobs != NULL) {
        *garbage_last_blob(from) = to->blobs;
        to->blobs = from->blobs;
    }
    while (from->collections != NULL) {
        struct large *large = from->collections;
        from->collections = large->next_waiting;
        garbage_add_large(to, large);
    }
    *from = (struct garbage){0};
}

KV_INTERNAL uint64_t garbage_count(const struct garbage *garbage)
{
    uint64_t count = 0;
    for (const struct blob *blob = garbage->blobs; blob != NULL; blob = blob->next) count++;
    const struct large *large = garbage->collections;
    for (; large != NULL; large = large->next_waiting) count++;
    return count;
}

KV_INTERNAL void garbage_free(struct garbage *garbage, struct alloc *alloc)
{
    uint64_t freed = 0;
    while (!garbage_free_some(garbage, alloc, SIZE_MAX, &freed)) continue;
}

KV_INTERNAL bool garbage_free_some(struct garbage *garbage, struct alloc *alloc, size_t limit,
                                   uint64_t *freed)
{
    for (; garbage->blobs != NULL; limit--, ++*freed) {
        if (limit == 0) return false;
        struct blob *blob = garbage->blobs;
        garbage->blobs = blob->next;
        blob_destroy(alloc, blob);
    }
    while (garbage->collections != NULL) {
        struct large *next = garbage->collections->next_waiting;
        if (!large_destroy_some(garbage->collections, limit)) return false;
        garbage->collections = next;
        ++*freed;
    }
    return true;
}
