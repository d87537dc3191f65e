/*
 * values/stream_group.c -- consumer groups of a stream; see stream_group.h.
 *
 * Invariants (stream_groups_check() asserts them):
 *   1. An id is in a consumer's list if and only if it is in its group's and that one names the
 *      consumer. (Between stream_hold() and what follows it is there and named otherwise; a check in
 *      between finds no more such ids than consumers have held.)
 *
 * A pending entry is 40 bytes in the group's list and 16 in the consumer's. Rejected: a block for
 * each to which both lists point, which would make walks jump about.
 *
 * May use structures/ and base/, and values/stream.h. Knows nothing of keys, commands.
 */
#include "values/stream_group.h"

#include "base/slice.h"

#include <string.h>

_Static_assert(sizeof(struct stream_pending) == 40, "what a pending entry takes in its group");
_Static_assert(offsetof(struct stream_group, name) == 0, "found by its name");
_Static_assert(offsetof(struct stream_consumer, name) == 0, "found by its name");
_Static_assert(offsetof(struct stream_pending, id) == 0, "found by its id");

/* --------------------------------------------------------------------------------------- orders */

/* By name: a record points to a struct that begins with its name, a key is a name. */

static uint64_t stream_name_mark(const void *key)
{
    const kv_slice *name = key;
    const uint8_t *bytes = name->data;
    uint64_t mark = 0;
    for (size_t i = 0; i < 8; i++) mark = mark << 8 | (i < name->size ? bytes[i] : 0u);
    return mark;
}

static int stream_name_compare(const void *key, const void *record)
{
    return slice_compare(*(const kv_slice *)key, **(const kv_slice *const *)record);
}

static uint64_t stream_names_mark(const void *leaf)
{
    return stream_name_mark(*(const kv_slice *const *)sorted_leaf_first(leaf));
}

static int stream_names_compare(const void *key, const void *leaf)
{
    return stream_name_compare(key, sorted_leaf_first(leaf));
}

static const struct sorted_kind stream_by_name = {{stream_names_mark, stream_names_compare},
                                                  sizeof(void *),
                                                  stream_name_mark,
                                                  stream_name_compare};

/* By id: a record begins with its id. */

static uint64_t stream_record_mark(const void *key)
{
    return ((const kv_stream_id *)key)->ms;
}

static int stream_record_compare(const void *key, const void *record)
{
    return stream_id_compare(*(const kv_stream_id *)key, *(const kv_stream_id *)record);
}

static uint64_t stream_records_mark(const void *leaf)
{
    return stream_record_mark(sorted_leaf_first(leaf));
}

static int stream_records_compare(const void *key, const void *leaf)
{
    return stream_record_compare(key, sorted_leaf_first(leaf));
}

static const struct sorted_kind stream_by_id = {{stream_records_mark, stream_records_compare},
                                                sizeof(kv_stream_id),
                                                stream_record_mark,
                                                stream_record_compare};
static const struct sorted_kind stream_pending_by_id = {
    {stream_records_mark, stream_records_compare},
    sizeof(struct stream_pending),
    stream_record_mark,
    stream_record_compare};

/* ---------------------------------------------------------------------------- groups, consumers */

KV_INTERNAL void stream_groups_init(struct stream *stream)
{
    sorted_init(&stream->groups, &stream_by_name);
}

static void *stream_named_find(const struct sorted *sorted, kv_slice name)
{
    void **record = sorted_find(sorted, &name);
    return record != NULL ? *record : NULL;
}

/* A zeroed block of `size` bytes that begins with a name whose bytes follow it, put in order. */
static void *stream_named_create(struct sorted *sorted, struct memory *memory, size_t size,
                                 kv_slice name)
{
    if (name.size > SIZE_MAX - size) return NULL;
    void *block = memory_get(memory, size + name.size);
    if (block == NULL) return NULL;
    memset(block, 0, size);
    char *bytes = (char *)block + size;
    if (name.size > 0) memcpy(bytes, name.data, name.size);
    *(kv_slice *)block = (kv_slice){bytes, name.size};
    if (sorted_insert(sorted, memory, block, &block) == KV_OK) return block;
    memory_free(memory, block, size + name.size);
    return NULL;
}

static void stream_named_destroy(struct sorted *sorted, struct memory *memory, size_t size,
                                 kv_slice *block)
{
    (void)sorted_remove(sorted, memory, block);
    memory_free(memory, block, size + block->size);
}

KV_INTERNAL struct stream_group *stream_group_find(const struct stream *stream, kv_slice name)
{
    return stream_named_find(&stream->groups, name);
}

KV_INTERNAL struct stream_consumer *stream_consumer_find(const struct stream_group *group,
                                                         kv_slice name)
{
    return stream_named_find(&group->consumers, name);
}

KV_INTERNAL kv_status stream_group_create(struct stream_edit *edit, kv_slice name,
                                          struct stream_group **group)
{
    struct stream_group *created =
        stream_named_create(&edit->stream->groups, edit->memory, sizeof *created, name);
    if (created == NULL) return KV_NOMEM;
    sorted_init(&created->pending, &stream_pending_by_id);
    sorted_init(&created->consumers, &stream_by_name);
    created->read = STREAM_READ_UNKNOWN;
    *group = created;
    return KV_OK;
}

KV_INTERNAL kv_status stream_consumer_create(struct stream_edit *edit, struct stream_group *group,
                                             kv_slice name, int64_t now_ms,
                                             struct stream_consumer **consumer)
{
    struct stream_consumer *created =
        stream_named_create(&group->consumers, edit->memory, sizeof *created, name);
    if (created == NULL) return KV_NOMEM;
    sorted_init(&created->pending, &stream_by_id);
    created->seen_ms = now_ms;
    created->active_ms = -1;
    *consumer = created;
    return KV_OK;
}

/* Takes a consumer out of its group, which has nothing pending of it any more. */
static void stream_consumer_free(struct stream_edit *edit, struct stream_group *group,
                                 struct stream_consumer *consumer)
{
    sorted_clear(&consumer->pending, edit->memory);
    stream_named_destroy(&group->consumers, edit->memory, sizeof *consumer, &consumer->name);
}

KV_INTERNAL void stream_consumer_destroy(struct stream_edit *edit, struct stream_group *group,
                                         struct stream_consumer *consumer)
{
    struct sorted_place place;
    bool more = sorted_end(&consumer->pending, KV_HEAD, &place);
    for (; more; more = sorted_next(&consumer->pending, &place))
        (void)sorted_remove(&group->pending, edit->memory, sorted_at(&consumer->pending, &place));
    stream_consumer_free(edit, group, consumer);
}

KV_INTERNAL void stream_group_destroy(struct stream_edit *edit, struct stream_group *group)
{
    struct sorted_place place;
    sorted_clear(&group->pending, edit->memory);
    while (sorted_end(&group->consumers, KV_TAIL, &place))
        stream_consumer_free(edit, group, stream_consumer_at(group, &place));
    stream_named_destroy(&edit->stream->groups, edit->memory, sizeof *group, &group->name);
}

KV_INTERNAL void stream_groups_clear(struct stream_edit *edit)
{
    struct sorted_place place;
    while (sorted_end(&edit->stream->groups, KV_TAIL, &place))
        stream_group_destroy(edit, stream_group_at(edit->stream, &place));
}

/* ------------------------------------------------------------------------------ pending entries */

KV_INTERNAL struct stream_pending *stream_pending_find(const struct stream_group *group,
                                                       kv_stream_id id)
{
    return sorted_find(&group->pending, &id);
}

KV_INTERNAL kv_status stream_hold(struct stream_edit *edit, struct stream_group *group,
                                  struct stream_consumer *consumer, kv_stream_id id)
{
    struct stream_pending *pending = stream_pending_find(group, id);
    if (pending != NULL && pending->consumer == consumer) return KV_OK;
    if (sorted_find(&consumer->pending, &id) != NULL) return KV_OK; /* held a moment ago */
    kv_status status = sorted_insert(&consumer->pending, edit->memory, &id, &id);
    if (status != KV_OK || pending != NULL) return status;
    struct stream_pending nobodys = {.id = id, .deliveries = 1};
    status = sorted_insert(&group->pending, edit->memory, &id, &nobodys);
    if (status != KV_OK) (void)sorted_remove(&consumer->pending, edit->memory, &id);
    return status;
}

KV_INTERNAL void stream_let_go(struct stream_edit *edit, struct stream_group *group,
                               struct stream_consumer *consumer, kv_stream_id id)
{
    const struct stream_pending *pending = stream_pending_find(group, id);
    if (pending == NULL || pending->consumer == consumer) return;
    (void)sorted_remove(&consumer->pending, edit->memory, &id);
    if (pending->consumer == NULL) (void)sorted_remove(&group->pending, edit->memory, &id);
}

KV_INTERNAL struct stream_pending *stream_assign(struct stream_edit *edit,
                                                 struct stream_group *group,
                                                 struct stream_consumer *consumer, kv_stream_id id)
{
    struct stream_pending *pending = stream_pending_find(group, id);
    assert(pending != NULL);
    struct stream_consumer *owner = pending->consumer;
    if (owner != NULL && owner != consumer) (void)sorted_remove(&owner->pending, edit->memory, &id);
    pending->consumer = consumer;
    return pending;
}

KV_INTERNAL bool stream_acknowledge(struct stream_edit *edit, struct stream_group *group,
                                    kv_stream_id id)
{
    struct stream_pending *pending = stream_pending_find(group, id);
    if (pending == NULL) return false;
    (void)sorted_remove(&pending->consumer->pending, edit->memory, &id);
    (void)sorted_remove(&group->pending, edit->memory, &id);
    return true;
}

KV_INTERNAL void stream_forget(struct stream_edit *edit, kv_stream_id id)
{
    struct sorted_place place;
    bool more = sorted_end(&edit->stream->groups, KV_HEAD, &place);
    for (; more; more = sorted_next(&edit->stream->groups, &place))
        (void)stream_acknowledge(edit, stream_group_at(edit->stream, &place), id);
}

KV_INTERNAL bool stream_is_wanted(const struct stream *stream, kv_stream_id id)
{
    struct sorted_place place;
    bool more = sorted_end(&stream->groups, KV_HEAD, &place);
    for (; more; more = sorted_next(&stream->groups, &place)) {
        const struct stream_group *group = stream_group_at(stream, &place);
        if (stream_id_compare(id, group->last) > 0) return true;
        if (stream_pending_find(group, id) != NULL) return true;
    }
    return false;
}

/* -------------------------------------------------------------------------------------- copying */

static kv_status stream_consumer_copy(struct stream_edit *edit, struct stream_group *group,
                                      const struct stream_group *from,
                                      const struct stream_consumer *consumer)
{
    struct stream_consumer *copy;
    kv_status status =
        stream_consumer_create(edit, group, consumer->name, consumer->seen_ms, &copy);
    if (status != KV_OK) return status;
    copy->active_ms = consumer->active_ms;
    struct sorted_place place;
    bool more = sorted_end(&consumer->pending, KV_HEAD, &place);
    for (; more; more = sorted_next(&consumer->pending, &place)) {
        kv_stream_id id = *(const kv_stream_id *)sorted_at(&consumer->pending, &place);
        const struct stream_pending *pending = stream_pending_find(from, id);
        status = stream_hold(edit, group, copy, id);
        if (status != KV_OK) return status;
        struct stream_pending *copied = stream_assign(edit, group, copy, id);
        copied->delivered_ms = pending->delivered_ms;
        copied->deliveries = pending->deliveries;
    }
    return KV_OK;
}

static kv_status stream_group_copy(struct stream_edit *edit, const struct stream_group *from)
{
    struct stream_group *copy;
    kv_status status = stream_group_create(edit, from->name, &copy);
    if (status != KV_OK) return status;
    copy->last = from->last;
    copy->read = from->read;
    struct sorted_place place;
    bool more = sorted_end(&from->consumers, KV_HEAD, &place);
    for (; more && status == KV_OK; more = sorted_next(&from->consumers, &place))
        status = stream_consumer_copy(edit, copy, from, stream_consumer_at(from, &place));
    return status;
}

KV_INTERNAL kv_status stream_groups_copy(struct stream_edit *edit, const struct stream *from)
{
    kv_status status = KV_OK;
    struct sorted_place place;
    bool more = sorted_end(&from->groups, KV_HEAD, &place);
    for (; more && status == KV_OK; more = sorted_next(&from->groups, &place))
        status = stream_group_copy(edit, stream_group_at(from, &place));
    return status;
}

/* ------------------------------------------------------------------------- what a group has read */

static bool stream_id_is_zero(kv_stream_id id)
{
    return id.ms == 0 && id.sequence == 0;
}

/*
 * Whether an entry behind `id`, or that one, was deleted from among those that are left, so that
 * counting on would be wrong.
 */
static bool stream_has_gap_from(const struct stream *stream, kv_stream_id id)
{
    if (stream_length(stream) == 0 || stream_id_is_zero(stream->last_deleted)) return false;
    if (stream_id_compare(stream_end_id(stream, KV_HEAD), stream->last_deleted) > 0) return false;
    return stream_id_compare(id, stream->last_deleted) <= 0;
}

KV_INTERNAL int64_t stream_entries_read(const struct stream *stream, kv_stream_id id)
{
    uint64_t length = stream_length(stream);
    int with_last = stream_id_compare(id, stream->last);
    if (stream->added == 0) return 0;
    if (length == 0 && with_last < 1) return (int64_t)stream->added;
    if (with_last == 0) return (int64_t)stream->added;
    if (with_last > 0) return STREAM_READ_UNKNOWN;

    kv_stream_id first = stream_end_id(stream, KV_HEAD);
    bool has_gap = !stream_id_is_zero(stream->last_deleted) &&
                   stream_id_compare(stream->last_deleted, first) >= 0;
    int with_first = stream_id_compare(id, first);
    if (has_gap || with_first > 0) return STREAM_READ_UNKNOWN;
    return (int64_t)(stream->added - length + (with_first == 0 ? 1 : 0));
}

KV_INTERNAL void stream_group_advance(const struct stream *stream, struct stream_group *group,
                                      kv_stream_id id)
{
    if (stream_id_compare(id, group->last) <= 0) return;
    if (group->read != STREAM_READ_UNKNOWN && !stream_has_gap_from(stream, id)) group->read++;
    else if (stream->added > 0) group->read = stream_entries_read(stream, id);
    group->last = id;
}

KV_INTERNAL bool stream_group_lag(const struct stream *stream, const struct stream_group *group,
                                  int64_t *lag)
{
    int64_t read = group->read;
    if (stream->added == 0) {
        *lag = 0;
        return true;
    }
    if (read == STREAM_READ_UNKNOWN || stream_has_gap_from(stream, group->last))
        read = stream_entries_read(stream, group->last);
    if (read == STREAM_READ_UNKNOWN) return false;
    *lag = (int64_t)(stream->added - (uint64_t)read);
    return true;
}

/* ------------------------------------------------------------------------------------- checking */

#if KV_DEBUG > 0
static const void *stream_record_name(const void *record)
{
    return *(const void *const *)record;
}

static const void *stream_record_id(const void *record)
{
    return record;
}

/* Gives how many of a consumer's ids are its own; the others it holds. */
static uint64_t stream_consumer_check(const struct stream_group *group,
                                      const struct stream_consumer *consumer)
{
    struct sorted_place place;
    uint64_t owned = 0;
    sorted_check(&consumer->pending, stream_record_id);
    bool more = sorted_end(&consumer->pending, KV_HEAD, &place);
    for (; more; more = sorted_next(&consumer->pending, &place)) {
        kv_stream_id id = *(const kv_stream_id *)sorted_at(&consumer->pending, &place);
        const struct stream_pending *pending = stream_pending_find(group, id);
        assert(pending != NULL);
        if (pending->consumer == consumer) owned++;
    }
    assert(sorted_count(&consumer->pending) - owned <= consumer->held);
    return owned;
}

static void stream_group_check(const struct stream_group *group)
{
    struct sorted_place place;
    uint64_t owned = 0, held = 0, unowned = 0;
    sorted_check(&group->pending, stream_record_id);
    sorted_check(&group->consumers, stream_record_name);
    bool more = sorted_end(&group->consumers, KV_HEAD, &place);
    for (; more; more = sorted_next(&group->consumers, &place)) {
        owned += stream_consumer_check(group, stream_consumer_at(group, &place));
        held += stream_consumer_at(group, &place)->held;
    }
    more = sorted_end(&group->pending, KV_HEAD, &place);
    for (; more; more = sorted_next(&group->pending, &place))
        if (stream_pending_at(group, &place)->consumer == NULL) unowned++;
    assert(unowned <= held);
    assert(owned + unowned == sorted_count(&group->pending));
}

KV_INTERNAL void stream_groups_check(const struct stream *stream)
{
    struct sorted_place place;
    sorted_check(&stream->groups, stream_record_name);
    bool more = sorted_end(&stream->groups, KV_HEAD, &place);
    for (; more; more = sorted_next(&stream->groups, &place))
        stream_group_check(stream_group_at(stream, &place));
}
#endif
