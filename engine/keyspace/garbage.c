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
    *from = (struct garbage){0};
}

KV_INTERNAL bool garbage_free(struct garbage *garbage, struct alloc *alloc, size_t limit)
{
    for (; garbage->blobs != NULL; limit--) {
        if (limit == 0) return false;
        struct blob *blob = garbage->blobs;
        garbage->blobs = blob->next;
        blob_destroy(alloc, blob);
    }
    return true;
}
