/*
 * keyspace/events.h -- what happens to keys, published on channels: Redis's keyspace notifications.
 *
 * A call that changes a key tells it with one line, under the key's lock, once nothing can fail any
 * more:
 *
 *     access_event(&access, KV_EVENT_LIST, "lpush");
 *
 * which costs a branch while nobody wants such events. Some are told here below, whatever the type:
 * "new" when a key is made, "expired", "keymiss".
 */
#ifndef KV_KEYSPACE_EVENTS_H
#define KV_KEYSPACE_EVENTS_H

#include "keyspace/store.h"

/* Any class of events; the bits that do not say how they are published. */
#define EVENTS_CLASSES (KV_EVENT_ALL | KV_EVENT_MISS | KV_EVENT_NEW)

static inline bool events_are_wanted(const struct store *store, int64_t class)
{
    return KV_UNLIKELY((store_setting(store, KV_SETTING_EVENTS) & class) != 0);
}

/* Publishes an event of a wanted class. Under the key's lock. */
KV_INTERNAL void events_publish(struct store *store, uint32_t database, const char *event,
                                kv_slice key);

#endif
