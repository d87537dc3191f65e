/*
 * api/api_history.c -- the last changes of the journal, kept in a ring for readers who come later.
 *
 *     bytes  |  free  | group | group | ... | group |  free  |      offsets count all bytes ever
 *                     ^                             ^                written; a place in the ring is
 *                     first                         end              an offset modulo its capacity
 *
 *     group  | number | size | changes | arguments |  then, for each change:
 *     change | database | cause | arguments | their sizes | their bytes |
 *
 * Everything is a uint64_t of this machine but the bytes of arguments. A group is written when the
 * journal is, under the locks of its keys, so it takes no memory and cannot fail: room is made by
 * dropping the oldest groups, and a group that is larger than the ring is itself lost. A reader
 * copies some groups out, under the ring's lock, and looks at the copy without it.
 */
#include "base/buffer.h"
#include "base/lock.h"
#include "keyspace/store.h"

/* About how many bytes a read takes out at once, and the least that a ring has. */
#define HISTORY_BATCH    65536
#define HISTORY_SIZE_MIN 4096

struct history_group {
    uint64_t number; /* of the groups before it, since the history was opened */
    uint64_t size;   /* of all of it, in bytes */
    uint64_t changes, arguments;
};

struct history_change {
    uint64_t database, cause, arguments;
};

struct kv_history {
    struct store *store;
    kv_follower *follower;
    uint64_t id; /* random: positions of another history are not good here */
    uint8_t *bytes;
    size_t capacity;
    struct lock lock; /* of what follows */
    uint64_t first_offset, end_offset;
    uint64_t first_number, end_number;
};

/* ------------------------------------------------------------------------------------- the ring */

static void history_put(struct kv_history *history, const void *bytes, size_t size)
{
    size_t at = (size_t)(history->end_offset % history->capacity);
    size_t before_end = history->capacity - at < size ? history->capacity - at : size;
    if (before_end > 0) memcpy(history->bytes + at, bytes, before_end);
    if (size > before_end)
        memcpy(history->bytes, (const uint8_t *)bytes + before_end, size - before_end);
    history->end_offset += size;
}

static void history_copy(const struct kv_history *history, uint64_t offset, void *to, size_t size)
{
    size_t at = (size_t)(offset % history->capacity);
    size_t before_end = history->capacity - at < size ? history->capacity - at : size;
    memcpy(to, history->bytes + at, before_end);
    if (size > before_end) memcpy((uint8_t *)to + before_end, history->bytes, size - before_end);
}

static struct history_group history_group_at(const struct kv_history *history, uint64_t offset)
{
    struct history_group group;
    history_copy(history, offset, &group, sizeof group);
    return group;
}

/* ----------------------------------------------------------------------------------- remembering */

/* False if it has more bytes than any ring. */
static bool history_measure(const kv_change *changes, size_t count, struct history_group *group)
{
    uint64_t size = sizeof *group;
    group->changes = count;
    group->arguments = 0;
    for (size_t i = 0; i < count; i++) {
        group->arguments += changes[i].argument_count;
        size += sizeof(struct history_change) + changes[i].argument_count * sizeof(uint64_t);
        for (size_t j = 0; j < changes[i].argument_count; j++) {
            uint64_t bytes = changes[i].arguments[j].size;
            if (bytes > SIZE_MAX / 4 || size > SIZE_MAX / 4) return false;
            size += bytes;
        }
    }
    group->size = size;
    return size <= SIZE_MAX / 4;
}

static void history_put_change(struct kv_history *history, const kv_change *change)
{
    struct history_change head = {change->database, change->cause, change->argument_count};
    history_put(history, &head, sizeof head);
    for (size_t i = 0; i < change->argument_count; i++) {
        uint64_t size = change->arguments[i].size;
        history_put(history, &size, sizeof size);
    }
    for (size_t i = 0; i < change->argument_count; i++) {
        kv_slice argument = change->arguments[i];
        if (argument.size > 0) history_put(history, argument.data, argument.size);
    }
}

/* Drops the oldest groups until there are so many free bytes. */
static void history_make_room(struct kv_history *history, uint64_t size)
{
    while (history->capacity - (history->end_offset - history->first_offset) < size) {
        history->first_offset += history_group_at(history, history->first_offset).size;
        history->first_number++;
    }
}

/* The kv_journal of the history. */
static void history_remember(void *context, const kv_change *changes, size_t count)
{
    struct kv_history *history = context;
    struct history_group group;
    bool fits = history_measure(changes, count, &group) && group.size <= history->capacity;
    lock_lock(&history->lock);
    group.number = history->end_number++;
    if (fits) {
        history_make_room(history, group.size);
        history_put(history, &group, sizeof group);
        for (size_t i = 0; i < count; i++) history_put_change(history, &changes[i]);
    } else {
        history->first_offset = history->end_offset;
        history->first_number = history->end_number;
    }
    lock_unlock(&history->lock);
}

/* ------------------------------------------------------------------------------- open and close */

kv_status kv_history_open(kv *db, size_t bytes, kv_history **history)
{
    if (db == NULL || history == NULL || bytes < HISTORY_SIZE_MIN || bytes > SIZE_MAX / 4 ||
        !view_is_plain(db->view))
        return KV_BADARG;
    struct store *store = db->view->store;
    struct kv_history *opened = alloc_get(&store->alloc, sizeof *opened);
    if (opened == NULL) return KV_NOMEM;
    memset(opened, 0, sizeof *opened);
    opened->store = store;
    opened->capacity = bytes;
    lock_init(&opened->lock);
    random_system(&opened->id, sizeof opened->id);
    opened->bytes = alloc_get(&store->alloc, bytes);
    kv_status status = opened->bytes != NULL ? KV_OK : KV_NOMEM;
    if (status == KV_OK) status = kv_follow(db, history_remember, opened, &opened->follower);
    if (status != KV_OK) {
        kv_history_close(opened);
        return status;
    }
    *history = opened;
    return KV_OK;
}

void kv_history_close(kv_history *history)
{
    if (history == NULL) return;
    struct alloc *alloc = &history->store->alloc;
    kv_unfollow(history->follower);
    alloc_free(alloc, history->bytes, history->capacity);
    alloc_free(alloc, history, sizeof *history);
}

/*
 * A position is sealed, so that one of another history, or of another run of the program, or a
 * damaged one is known as such, and the ring is only ever read from where a group begins.
 */
static uint64_t history_seal(const struct kv_history *history, uint64_t number, uint64_t offset)
{
    uint64_t words[3] = {history->id, number, offset};
    return siphash(&history->store->hash_key, words, sizeof words);
}

static kv_position history_position(const struct kv_history *history, uint64_t number,
                                    uint64_t offset)
{
    return (kv_position){number, offset, history_seal(history, number, offset)};
}

static kv_position history_first(const struct kv_history *history)
{
    return history_position(history, history->first_number, history->first_offset);
}

void kv_history_oldest(kv_history *history, kv_position *position)
{
    lock_lock(&history->lock);
    *position = history_first(history);
    lock_unlock(&history->lock);
}

void kv_history_newest(kv_history *history, kv_position *position)
{
    lock_lock(&history->lock);
    *position = history_position(history, history->end_number, history->end_offset);
    lock_unlock(&history->lock);
}

/* -------------------------------------------------------------------------------------- reading */

/* Some groups that are to be read: their bytes, and the memory for showing the largest of them. */
struct history_batch {
    uint64_t groups, bytes, show_size;
};

static uint64_t history_show_size(const struct history_group *group)
{
    return group->changes * sizeof(kv_change) + group->arguments * sizeof(kv_slice);
}

/*
 * Finds what is to be read from a position on. KV_OK; KV_NONE: nothing yet; KV_GAP: what was there
 * is lost, or no such position was ever given, and *position is that of the oldest group then.
 */
static kv_status history_find(const struct kv_history *history, kv_position *position,
                              struct history_batch *batch)
{
    uint64_t offset = position->offset;
    bool is_sealed = position->seal == history_seal(history, position->number, offset);
    if (!is_sealed || position->number < history->first_number) {
        *position = history_first(history);
        return KV_GAP;
    }
    if (position->number == history->end_number) return KV_NONE;
    *batch = (struct history_batch){0, 0, 0};
    while (offset < history->end_offset && batch->bytes < HISTORY_BATCH) {
        struct history_group group = history_group_at(history, offset);
        uint64_t show_size = history_show_size(&group);
        if (show_size > batch->show_size) batch->show_size = show_size;
        batch->groups++;
        batch->bytes += group.size;
        offset += group.size;
    }
    return KV_OK;
}

/* Where in the buffer changes are put together, behind the bytes of the batch. */
static size_t history_show_at(const struct history_batch *batch)
{
    size_t alignment = _Alignof(max_align_t);
    return ((size_t)batch->bytes + alignment - 1) / alignment * alignment;
}

/* Copies a batch out; the buffer grows without the lock. */
static kv_status history_take(struct kv_history *history, kv_position *position, kv_buffer *buffer,
                              struct history_batch *batch)
{
    for (;;) {
        lock_lock(&history->lock);
        kv_status status = history_find(history, position, batch);
        size_t wanted = status == KV_OK ? history_show_at(batch) + (size_t)batch->show_size : 0;
        bool has_room = wanted <= buffer->capacity;
        if (status == KV_OK && has_room)
            history_copy(history, position->offset, buffer->data, (size_t)batch->bytes);
        lock_unlock(&history->lock);
        if (status != KV_OK || has_room) return status;
        if (buffer_reserve(buffer, wanted) != KV_OK) return KV_NOMEM;
    }
}

/* Shows one group, which lies at `at`; returns its end. */
static const uint8_t *history_show(const uint8_t *at, void *memory, kv_journal *visit,
                                   void *context)
{
    struct history_group group;
    memcpy(&group, at, sizeof group);
    const uint8_t *end = at + group.size;
    kv_change *changes = memory;
    kv_slice *argument = (kv_slice *)(changes + group.changes);
    at += sizeof group;
    for (uint64_t i = 0; i < group.changes; i++) {
        struct history_change head;
        memcpy(&head, at, sizeof head);
        at += sizeof head;
        const uint8_t *bytes = at + head.arguments * sizeof(uint64_t);
        changes[i] = (kv_change){(uint32_t)head.database, (kv_cause)head.cause,
                                 (size_t)head.arguments, argument};
        for (uint64_t j = 0; j < head.arguments; j++, at += sizeof(uint64_t)) {
            uint64_t size;
            memcpy(&size, at, sizeof size);
            *argument++ = (kv_slice){bytes, (size_t)size};
            bytes += size;
        }
        at = bytes;
    }
    assert(at == end);
    visit(context, changes, (size_t)group.changes);
    return end;
}

kv_status kv_history_read(kv_history *history, kv_position *position, kv_buffer *buffer,
                          kv_journal *visit, void *context)
{
    if (history == NULL || position == NULL || buffer == NULL || visit == NULL) return KV_BADARG;
    struct history_batch batch = {0};
    kv_status status = history_take(history, position, buffer, &batch);
    if (status != KV_OK) return status;
    const uint8_t *at = buffer->data, *begin = at;
    uint64_t offset = position->offset;
    for (uint64_t i = 0; i < batch.groups; i++) {
        at = history_show(at, (uint8_t *)buffer->data + history_show_at(&batch), visit, context);
        *position =
            history_position(history, position->number + 1, offset + (uint64_t)(at - begin));
    }
    return KV_OK;
}
