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
    while (from->lists.bits != 0) {
        struct list list = from->lists;
        from->lists.bits = list_next_waiting(&list);
        garbage_add_list(to, list);
    }
    *from = (struct garbage){0};
}

KV_INTERNAL uint64_t garbage_count(const struct garbage *garbage)
{
    uint64_t count = 0;
    for (const struct blob *blob = garbage->blobs; blob != NULL; blob = blob->next) count++;
    struct list list = garbage->lists;
    for (; list.bits != 0; list.bits = list_next_waiting(&list)) count++;
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
    while (garbage->lists.bits != 0) {
        uintptr_t next = list_next_waiting(&garbage->lists);
        if (!list_destroy_some(&garbage->lists, limit)) return false;
        garbage->lists.bits = next;
        ++*freed;
    }
    return true;
}
