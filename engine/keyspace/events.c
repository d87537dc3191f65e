/*
 * keyspace/events.c -- see events.h.
 */
#include "keyspace/events.h"

#include "base/number.h"

/* The name of a channel that fits needs no memory. */
#define EVENTS_NAME_SIZE 256

static size_t events_append(char *text, size_t size, kv_slice bytes)
{
    if (bytes.size > 0) memcpy(text + size, bytes.data, bytes.size);
    return size + bytes.size;
}

/* Publishes `payload` on the channel "PREFIX DATABASE __: NAME". Without memory it is lost. */
static void events_publish_on(struct store *store, const char *prefix, uint32_t database,
                              kv_slice name, kv_slice payload)
{
    char digits[NUMBER_INT64_SIZE], on_stack[EVENTS_NAME_SIZE];
    kv_slice index = {digits, number_format_uint64(digits, database)};
    size_t size = strlen(prefix) + index.size + 3 + name.size;
    char *text = size <= sizeof on_stack ? on_stack : alloc_get(&store->alloc, size);
    if (text == NULL) return;
    size_t end = events_append(text, 0, kv_text(prefix));
    end = events_append(text, end, index);
    end = events_append(text, end, kv_bytes("__:", 3));
    end = events_append(text, end, name);
    (void)channels_publish(&store->channels, KV_CHANNEL, (kv_slice){text, end}, payload);
    if (text != on_stack) alloc_free(&store->alloc, text, size);
}

KV_INTERNAL void events_publish(struct store *store, uint32_t database, const char *event,
                                kv_slice key)
{
    if (!channels_are_heard(&store->channels)) return;
    int64_t wanted = store_setting(store, KV_SETTING_EVENTS);
    kv_slice name = kv_text(event);
    if ((wanted & KV_EVENT_BY_KEY) != 0)
        events_publish_on(store, "__keyspace@", database, key, name);
    if ((wanted & KV_EVENT_BY_NAME) != 0)
        events_publish_on(store, "__keyevent@", database, name, key);
}
