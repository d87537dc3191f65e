/*
 * keyspace/attachments.c -- what parts of the program keep with a store, under names of their own.
 */
#include "keyspace/attachments.h"

#include <string.h>

struct attachment {
    struct attachment *next;
    void *data;
    size_t name_size;
    uint8_t name[];
};

KV_INTERNAL void attachments_init(struct attachments *attachments, struct alloc *alloc)
{
    *attachments = (struct attachments){.alloc = alloc};
    lock_init(&attachments->lock);
}

static void attachments_free(struct attachments *attachments, struct attachment *attachment)
{
    alloc_free(attachments->alloc, attachment, sizeof *attachment + attachment->name_size);
}

KV_INTERNAL void attachments_close(struct attachments *attachments)
{
    while (attachments->first != NULL) {
        struct attachment *attachment = attachments->first;
        attachments->first = attachment->next;
        attachments_free(attachments, attachment);
    }
}

/* Under the lock: the link that leads to the name, or the last one, which is NULL. */
static struct attachment **attachments_link(struct attachments *attachments, kv_slice name)
{
    struct attachment **link = &attachments->first;
    for (; *link != NULL; link = &(*link)->next) {
        const struct attachment *at = *link;
        if (at->name_size != name.size) continue;
        if (name.size == 0 || memcmp(at->name, name.data, name.size) == 0) break;
    }
    return link;
}

KV_INTERNAL kv_status attachments_add(struct attachments *attachments, kv_slice name, void *data)
{
    if (name.size > SIZE_MAX - sizeof(struct attachment)) return KV_NOMEM;
    struct attachment *added = alloc_get(attachments->alloc, sizeof *added + name.size);
    if (added == NULL) return KV_NOMEM;
    *added = (struct attachment){.data = data, .name_size = name.size};
    if (name.size > 0) memcpy(added->name, name.data, name.size);

    lock_lock(&attachments->lock);
    struct attachment **link = attachments_link(attachments, name);
    bool is_new = *link == NULL;
    if (is_new) *link = added;
    lock_unlock(&attachments->lock);
    if (!is_new) attachments_free(attachments, added);
    return is_new ? KV_OK : KV_BUSY;
}

KV_INTERNAL kv_status attachments_find(struct attachments *attachments, kv_slice name, bool takes,
                                       void **data)
{
    lock_lock(&attachments->lock);
    struct attachment **link = attachments_link(attachments, name);
    struct attachment *found = *link;
    if (found != NULL && data != NULL) *data = found->data;
    if (found != NULL && takes) *link = found->next;
    lock_unlock(&attachments->lock);
    if (found != NULL && takes) attachments_free(attachments, found);
    return found != NULL ? KV_OK : KV_NONE;
}
