/*
 * keyspace/attachments.h -- what parts of the program keep with a store, under names of their own.
 *
 * A list, as there are a few: the store pays a pointer for it. A name is there once. The data is the
 * host's and is never looked at.
 */
#ifndef KV_KEYSPACE_ATTACHMENTS_H
#define KV_KEYSPACE_ATTACHMENTS_H

#include "base/alloc.h"
#include "base/lock.h"

struct attachment;

struct attachments {
    struct alloc *alloc;
    struct lock lock; /* of the list */
    struct attachment *first;
};

KV_INTERNAL void attachments_init(struct attachments *attachments, struct alloc *alloc);
KV_INTERNAL void attachments_close(struct attachments *attachments);

/* KV_OK; KV_BUSY if the name is there; KV_NOMEM. */
KV_INTERNAL kv_status attachments_add(struct attachments *attachments, kv_slice name, void *data);

/* Gives what is under the name, and takes it out if asked to. KV_OK or KV_NONE. */
KV_INTERNAL kv_status attachments_find(struct attachments *attachments, kv_slice name, bool takes,
                                       void **data);

#endif
