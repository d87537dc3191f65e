/*
 * tests/api/stream_text.c -- see the header.
 */
#include "stream_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

struct stream_texts {
    kv_visit *visit;
    void *context;
};

static void show_id(const struct stream_texts *texts, kv_stream_id id)
{
    char text[KV_STREAM_ID_SIZE];
    (void)texts->visit(texts->context, kv_bytes(text, kv_stream_id_format(text, id)));
}

static void show_number(const struct stream_texts *texts, const char *name, int64_t number)
{
    char text[64];
    int size = snprintf(text, sizeof text, "%s=%" PRId64, name, number);
    (void)texts->visit(texts->context, kv_bytes(text, (size_t)size));
}

static void show_stream(void *context, const kv_stream_info *info)
{
    show_number(context, "length", (int64_t)info->length);
    show_number(context, "added", (int64_t)info->added);
    show_id(context, info->first);
    show_id(context, info->last);
    show_id(context, info->last_deleted);
}

static bool show_entry(void *context, kv_stream_entry *entry)
{
    const struct stream_texts *texts = context;
    kv_slice field, value;
    show_id(texts, entry->id);
    while (kv_stream_entry_next(entry, &field, &value)) {
        (void)texts->visit(texts->context, field);
        (void)texts->visit(texts->context, value);
    }
    return true;
}

static bool show_group(void *context, const kv_group_info *group)
{
    const struct stream_texts *texts = context;
    (void)texts->visit(texts->context, group->name);
    show_id(texts, group->last);
    show_number(texts, "read", group->read);
    show_number(texts, "lag", group->has_lag ? group->lag : -77);
    return true;
}

static bool show_pending(void *context, const kv_pending_entry *entry)
{
    const struct stream_texts *texts = context;
    show_id(texts, entry->id);
    (void)texts->visit(texts->context, entry->consumer);
    show_number(texts, "at", entry->delivered_ms);
    show_number(texts, "times", (int64_t)entry->deliveries);
    return true;
}

static bool show_consumer(void *context, const kv_consumer_info *consumer)
{
    const struct stream_texts *texts = context;
    (void)texts->visit(texts->context, consumer->name);
    show_number(texts, "pending", (int64_t)consumer->pending);
    return true;
}

kv_status stream_text(kv *db, kv_slice key, kv_visit *visit, void *context)
{
    struct stream_texts texts = {visit, context};
    kv_stream_visitors visitors = KV_OPTIONS(kv_stream_visitors);
    visitors.stream = show_stream;
    visitors.entry = show_entry;
    visitors.group = show_group;
    visitors.pending = show_pending;
    visitors.consumer = show_consumer;
    visitors.pending_of_consumer = show_pending;
    return kv_xinfo_full(db, key, 0, &visitors, &texts);
}
