/*
 * values/stream.c -- the stream value: entries in packs, the packs in a tree by id.
 *
 *     stream ---+-- tree ---+---------------+---------------+
 *               |        node 5-0        node 9-0        node 9-7
 *               |     [ 5-0 5-1 7-0 ]  [ 9-0 9-1 9-2 ]  [ 9-7 ]      packs
 *               +-- groups
 *
 * Invariants (stream_check() asserts them):
 *   1. Ids ascend through all entries, deleted ones included, and none is above stream->last.
 *   2. No node is without an entry that is there; the tree counts those of each.
 *
 * Where a pack ends and which entries it still marks is as in Redis, whatever was deleted: trimming
 * by whole packs (~) deletes the same entries then. But packs that are not added to any more give
 * back what is deleted in them, which shows nowhere.
 *
 * May use structures/ and base/. Knows nothing of keys, time, commands.
 */
#include "values/stream.h"

#include "values/large.h"
#include "values/stream_group.h"

#include <string.h>

enum {
    /*
     * A stream that takes more than this gets a memory of its own, which costs some pages at first
     * but can be freed without looking at it.
     */
    STREAM_SMALL_MAX = 16 * 1024
};

struct stream_large {
    struct large large; /* first */
    struct stream stream;
};

/* ---------------------------------------------------------------------------------------- nodes */

static uint64_t stream_node_mark(const void *leaf)
{
    return ((const struct stream_node *)leaf)->id.ms;
}

static int stream_node_compare(const void *key, const void *leaf)
{
    return stream_id_compare(*(const kv_stream_id *)key, ((const struct stream_node *)leaf)->id);
}

static const struct tree_order stream_node_order = {stream_node_mark, stream_node_compare};

/* The path to the node in which the id is if it is anywhere. The stream has a node. */
static void stream_locate(const struct stream *stream, kv_stream_id id, struct tree_path *path)
{
    if (stream_node_compare(&id, stream->nodes.last) >= 0) tree_end(&stream->nodes, KV_TAIL, path);
    else tree_locate_key(&stream->nodes, &id, id.ms, path);
}

/* ------------------------------------------------------------------------------ the whole value */

static void stream_init(struct stream *stream)
{
    *stream = (struct stream){.nodes = {.order = &stream_node_order}};
    stream_groups_init(stream);
}

KV_INTERNAL struct stream *stream_of(const struct collection *collection)
{
    if (collection_is_small(collection)) return collection_block(collection);
    return &((struct stream_large *)collection_large(collection))->stream;
}

static struct memory *stream_memory(const struct collection *collection, struct memory *memory)
{
    return collection_is_small(collection) ? memory : &collection_large(collection)->memory;
}

static struct stream_edit stream_edit_of(const struct collection *collection, struct memory *memory)
{
    memory = stream_memory(collection, memory);
    return (struct stream_edit){stream_of(collection), memory, memory->used};
}

KV_INTERNAL kv_status stream_create(struct memory *memory, struct collection *collection)
{
    size_t used = memory->used;
    struct stream *stream = memory_get(memory, sizeof *stream);
    if (stream == NULL) return KV_NOMEM;
    stream_init(stream);
    stream->bytes = memory->used - used;
    collection_set_block(collection, stream);
    return KV_OK;
}

static kv_status stream_create_large(struct memory *memory, struct collection *collection)
{
    struct stream_large *large = large_create(memory, sizeof *large);
    if (large == NULL) return KV_NOMEM;
    stream_init(&large->stream);
    collection_set_large(collection, &large->large);
    return KV_OK;
}

static void stream_drop_node(void *context, void *leaf)
{
    struct stream_edit *edit = context;
    stream_node_destroy(edit->memory, leaf);
    edit->stream->pack_count--;
}

KV_INTERNAL void stream_destroy(struct collection *collection, struct memory *memory)
{
    if (!collection_is_small(collection)) {
        large_destroy(collection_large(collection));
    } else {
        struct stream_edit edit = stream_edit_of(collection, memory);
        stream_groups_clear(&edit);
        tree_clear(&edit.stream->nodes, memory, stream_drop_node, &edit);
        memory_free(memory, edit.stream, sizeof *edit.stream);
    }
    collection->word = 0;
}

/* ------------------------------------------------------------------------------------- copying */

/* Adds a node behind all others. */
static kv_status stream_add_node(struct stream_edit *edit, struct stream_node *node)
{
    struct tree *nodes = &edit->stream->nodes;
    struct tree_path path;
    if (nodes->root != NULL) tree_end(nodes, KV_TAIL, &path);
    kv_status status =
        tree_insert(nodes, edit->memory, &path, KV_TAIL, node, stream_pack_count(node->pack));
    if (status == KV_OK) edit->stream->pack_count++;
    return status;
}

/* A node with a copy of a listpack. */
static kv_status stream_node_load(struct memory *memory, kv_stream_id id, kv_slice listpack,
                                  struct stream_node **node)
{
    struct stream_node *loaded = memory_get(memory, sizeof *loaded);
    if (loaded == NULL) return KV_NOMEM;
    loaded->id = id;
    kv_status status = pack_load(memory, listpack, &loaded->pack);
    if (status == KV_OK) *node = loaded;
    else memory_free(memory, loaded, sizeof *loaded);
    return status;
}

static kv_status stream_copy_nodes(struct stream_edit *edit, const struct stream *from)
{
    struct tree_path path;
    if (from->nodes.root == NULL) return KV_OK;
    tree_end(&from->nodes, KV_HEAD, &path);
    kv_status status;
    do {
        const struct stream_node *node = path.leaf;
        struct stream_node *copy;
        status = stream_node_load(edit->memory, node->id, pack_bytes(node->pack), &copy);
        if (status != KV_OK) return status;
        status = stream_add_node(edit, copy);
        if (status != KV_OK) stream_node_destroy(edit->memory, copy);
    } while (status == KV_OK && tree_next(&from->nodes, &path));
    return status;
}

static kv_status stream_copy_as(const struct stream *from, struct memory *memory, bool as_large,
                                struct collection *copy)
{
    struct collection made;
    kv_status status = as_large ? stream_create_large(memory, &made) : stream_create(memory, &made);
    if (status != KV_OK) return status;

    struct stream_edit edit = stream_edit_of(&made, memory);
    edit.stream->added = from->added;
    edit.stream->last = from->last;
    edit.stream->last_deleted = from->last_deleted;
    status = stream_copy_nodes(&edit, from);
    if (status == KV_OK) status = stream_groups_copy(&edit, from);
    stream_edit_end(&edit);
    if (status == KV_OK) *copy = made;
    else stream_destroy(&made, memory);
    return status;
}

static kv_status stream_copy(const struct collection *collection, struct memory *memory,
                             struct collection *copy)
{
    return stream_copy_as(stream_of(collection), memory, !collection_is_small(collection), copy);
}

KV_INTERNAL kv_status stream_edit_begin(struct stream_edit *edit, struct collection *collection,
                                        struct memory *memory)
{
    if (collection_is_small(collection) && stream_of(collection)->bytes > STREAM_SMALL_MAX) {
        struct collection large;
        kv_status status = stream_copy_as(stream_of(collection), memory, true, &large);
        if (status != KV_OK) return status;
        stream_destroy(collection, memory);
        *collection = large;
    }
    *edit = stream_edit_of(collection, memory);
    return KV_OK;
}

KV_INTERNAL void stream_edit_resume(struct stream_edit *edit, const struct collection *collection,
                                    struct memory *memory)
{
    *edit = stream_edit_of(collection, memory);
}

KV_INTERNAL void stream_edit_end(struct stream_edit *edit)
{
    edit->stream->bytes += edit->memory->used - edit->used; /* may be less; it wraps both times */
    edit->used = edit->memory->used;
}

/* -------------------------------------------------------------------------------------- reading */

/* The entry after the cursor's on its way, deleted ones included. */
static bool stream_step(struct stream_cursor *cursor)
{
    const struct tree *nodes = &cursor->stream->nodes;
    if (cursor->from == KV_HEAD) {
        if (stream_pack_next(cursor->path.leaf, &cursor->entry)) return true;
        if (!tree_next(nodes, &cursor->path)) return false;
    } else {
        if (stream_pack_prev(cursor->path.leaf, &cursor->entry)) return true;
        if (!tree_prev(nodes, &cursor->path)) return false;
    }
    stream_pack_end(cursor->path.leaf, cursor->from, &cursor->entry);
    return true;
}

/* Whether the id comes before another one on the cursor's way. */
static bool stream_is_before(const struct stream_cursor *cursor, kv_stream_id id, kv_stream_id than)
{
    int order = stream_id_compare(id, than);
    return cursor->from == KV_HEAD ? order < 0 : order > 0;
}

KV_INTERNAL bool stream_seek(const struct stream *stream, kv_stream_id first, kv_stream_id last,
                             kv_end from, struct stream_cursor *cursor)
{
    if (stream_length(stream) == 0) return false;
    kv_stream_id start = from == KV_HEAD ? first : last;
    cursor->stream = stream;
    cursor->from = from;
    cursor->limit = from == KV_HEAD ? last : first;
    stream_locate(stream, start, &cursor->path);
    stream_pack_end(cursor->path.leaf, from, &cursor->entry);
    while (cursor->entry.is_deleted || stream_is_before(cursor, cursor->entry.id, start)) {
        if (!stream_step(cursor)) return false;
    }
    return !stream_is_before(cursor, cursor->limit, cursor->entry.id);
}

KV_INTERNAL bool stream_next(struct stream_cursor *cursor)
{
    do {
        if (!stream_step(cursor)) return false;
    } while (cursor->entry.is_deleted);
    return !stream_is_before(cursor, cursor->limit, cursor->entry.id);
}

KV_INTERNAL bool stream_find(const struct stream *stream, kv_stream_id id,
                             struct stream_cursor *cursor)
{
    return stream_seek(stream, id, id, KV_HEAD, cursor);
}

KV_INTERNAL kv_stream_id stream_end_id(const struct stream *stream, kv_end end)
{
    struct stream_cursor cursor;
    if (!stream_seek(stream, (kv_stream_id){0, 0}, STREAM_ID_MAX, end, &cursor))
        return (kv_stream_id){0, 0};
    return cursor.entry.id;
}

KV_INTERNAL bool stream_id_next(kv_stream_id *id)
{
    if (id->sequence == UINT64_MAX && id->ms == UINT64_MAX) return false;
    id->sequence++;
    if (id->sequence == 0) id->ms++;
    return true;
}

KV_INTERNAL bool stream_new_id(const struct stream *stream, uint64_t now_ms, kv_stream_id *id)
{
    kv_stream_id new = {now_ms, 0};
    if (now_ms <= stream->last.ms) {
        new = stream->last;
        if (!stream_id_next(&new)) return false;
    }
    *id = new;
    return true;
}

KV_INTERNAL const struct stream_node *stream_next_node(const struct stream *stream, bool is_first,
                                                       kv_stream_id *id)
{
    struct tree_path path;
    if (stream->nodes.root == NULL) return NULL;
    if (is_first) {
        tree_end(&stream->nodes, KV_HEAD, &path);
    } else {
        stream_locate(stream, *id, &path);
        if (stream_node_compare(id, path.leaf) >= 0 && !tree_next(&stream->nodes, &path))
            return NULL;
    }
    const struct stream_node *node = path.leaf;
    *id = node->id;
    return node;
}

/* --------------------------------------------------------------------------------------- adding */

/* Whether one more entry, of texts of so many bytes, begins a new node. */
static bool stream_is_full(const struct stream_node *node, const struct stream_limits *limits,
                           size_t text_size)
{
    uint64_t size =
        limits->size == 0 || limits->size > PACK_SIZE_MAX ? PACK_SIZE_MAX : limits->size;
    if (pack_size(node->pack) + text_size >= size) return true;
    uint64_t count = stream_pack_count(node->pack) + stream_pack_deleted(node->pack);
    return limits->count > 0 && count >= limits->count;
}

static size_t stream_text_size(const kv_slice *pairs, size_t pair_count)
{
    size_t size = 0;
    for (size_t i = 0; i < 2 * pair_count; i++) {
        if (pairs[i].size > PACK_SIZE_MAX - size) return PACK_SIZE_MAX;
        size += pairs[i].size;
    }
    return size;
}

/*
 * A new node for an entry. As entries are mostly alike it gets as much room as the one before took,
 * which is given its final size.
 */
static kv_status stream_begin_node(struct stream_edit *edit, struct stream_node *before,
                                   kv_stream_id id, const kv_slice *pairs, size_t pair_count)
{
    struct stream_node *node;
    size_t size = before != NULL ? pack_size(before->pack) : 0;
    kv_status status = stream_node_create(edit->memory, id, pairs, pair_count, size, &node);
    if (status != KV_OK) return status;
    status = stream_add_node(edit, node);
    if (status != KV_OK) {
        stream_node_destroy(edit->memory, node);
        return status;
    }
    if (before != NULL) stream_node_settle(edit->memory, before);
    return KV_OK;
}

KV_INTERNAL kv_status stream_append(struct stream_edit *edit, const struct stream_limits *limits,
                                    kv_stream_id id, const kv_slice *pairs, size_t pair_count)
{
    struct stream *stream = edit->stream;
    struct stream_node *node = stream->nodes.last;
    assert(stream_id_compare(id, stream->last) > 0);
    kv_status status;
    if (node == NULL || stream_is_full(node, limits, stream_text_size(pairs, pair_count))) {
        status = stream_begin_node(edit, node, id, pairs, pair_count);
    } else {
        status = stream_node_append(edit->memory, node, id, pairs, pair_count);
        if (status == KV_OK) tree_adjust_end(&stream->nodes, KV_TAIL, 1);
    }
    if (status != KV_OK) return status;
    stream->last = id;
    stream->added++;
    return KV_OK;
}

/* Whether a node that comes from a file may follow those that are there. */
static bool stream_may_follow(const struct stream *stream, const struct stream_node *node,
                              kv_stream_id *last)
{
    uint64_t count;
    struct stream_entry before;
    if (!stream_pack_validate(node, &count, last)) return false;
    if (stream->nodes.last == NULL) return true;
    stream_pack_end(stream->nodes.last, KV_TAIL, &before);
    return stream_id_compare(before.id, node->id) < 0;
}

KV_INTERNAL kv_status stream_load_node(struct stream_edit *edit, kv_stream_id id, kv_slice listpack)
{
    struct stream_node *node;
    kv_stream_id last;
    kv_status status = stream_node_load(edit->memory, id, listpack, &node);
    if (status != KV_OK) return status;
    if (!stream_may_follow(edit->stream, node, &last)) status = KV_BADARG;
    else status = stream_add_node(edit, node);
    if (status != KV_OK) stream_node_destroy(edit->memory, node);
    else if (stream_id_compare(last, edit->stream->last) > 0) edit->stream->last = last;
    return status;
}

/* ------------------------------------------------------------------------------------- deleting */

/* Deletes the cursor's entry. False if the cursor has lost its place by that. */
static bool stream_delete_at(struct stream_edit *edit, struct stream_cursor *cursor)
{
    struct tree *nodes = &edit->stream->nodes;
    struct stream_node *node = cursor->path.leaf;
    if (stream_pack_count(node->pack) == 1) {
        tree_remove(nodes, edit->memory, &cursor->path);
        stream_drop_node(edit, node);
        return false;
    }
    tree_adjust(nodes, &cursor->path, -1);
    return stream_node_delete(edit->memory, node, &cursor->entry, node != nodes->last);
}

static void stream_note_deleted(struct stream *stream, kv_stream_id id)
{
    if (stream_id_compare(id, stream->last_deleted) > 0) stream->last_deleted = id;
}

KV_INTERNAL bool stream_delete(struct stream_edit *edit, kv_stream_id id)
{
    struct stream_cursor cursor;
    if (!stream_find(edit->stream, id, &cursor)) return false;
    (void)stream_delete_at(edit, &cursor);
    stream_note_deleted(edit->stream, id);
    return true;
}

/* Whether the trimming ends before an entry, `length` of them being there. */
static bool stream_trim_stops(const struct stream_trim *trim, uint64_t length, kv_stream_id id)
{
    return trim->by_id ? stream_id_compare(id, trim->first) >= 0 : length <= trim->length;
}

/* Whether all of a node goes, `length` entries being there. */
static bool stream_trim_takes(const struct stream_trim *trim, uint64_t length,
                              const struct stream_node *node)
{
    struct stream_entry last;
    uint64_t count = stream_pack_count(node->pack);
    if (!trim->by_id) return length >= count && length - count >= trim->length;
    stream_pack_end(node, KV_TAIL, &last);
    return stream_id_compare(last.id, trim->first) < 0;
}

static bool stream_trim_exceeds(const struct stream_trim *trim, uint64_t removed,
                                const struct stream_node *node)
{
    return trim->limit > 0 && removed + stream_pack_count(node->pack) > trim->limit;
}

/* Removes nodes from the head on that go as a whole. Gives how many entries they had. */
static uint64_t stream_trim_nodes(struct stream_edit *edit, const struct stream_trim *trim)
{
    struct tree *nodes = &edit->stream->nodes;
    struct tree_path path, last;
    uint64_t removed = 0;
    if (nodes->root == NULL) return 0;
    tree_end(nodes, KV_HEAD, &path);
    struct tree_path first = path;
    for (bool more = true; more; more = tree_next(nodes, &path)) {
        const struct stream_node *node = path.leaf;
        uint64_t length = stream_length(edit->stream) - removed;
        if (!trim->by_id && length <= trim->length) break;
        if (stream_trim_exceeds(trim, removed, node) || !stream_trim_takes(trim, length, node))
            break;
        removed += stream_pack_count(node->pack);
        last = path;
    }
    if (removed > 0) tree_remove_range(nodes, edit->memory, &first, &last, stream_drop_node, edit);
    return removed;
}

/* Deletes entries of one node, from the cursor's on. Gives how many. */
static uint64_t stream_trim_node(struct stream_edit *edit, const struct stream_trim *trim,
                                 struct stream_cursor *cursor)
{
    const struct stream_node *node = cursor->path.leaf;
    uint64_t removed = 0;
    bool more = true;
    while (more && !stream_trim_stops(trim, stream_length(edit->stream), cursor->entry.id)) {
        kv_stream_id id = cursor->entry.id;
        bool goes = !cursor->entry.is_deleted;
        if (goes && trim->may_delete != NULL) {
            goes = trim->may_delete(trim->context, id);
            if (goes) stream_note_deleted(edit->stream, id); /* others may stay before it */
        }
        if (goes) removed++;
        if (!goes || stream_delete_at(edit, cursor)) {
            more = stream_pack_next(node, &cursor->entry);
        } else {
            more = stream_id_next(&id) &&
                   stream_seek(edit->stream, id, STREAM_ID_MAX, KV_HEAD, cursor) &&
                   cursor->path.leaf == node;
        }
    }
    return removed;
}

KV_INTERNAL uint64_t stream_trim(struct stream_edit *edit, const struct stream_trim *trim)
{
    uint64_t removed = trim->may_delete == NULL ? stream_trim_nodes(edit, trim) : 0;
    struct stream_cursor cursor;
    kv_stream_id from = {0, 0};
    while (stream_seek(edit->stream, from, STREAM_ID_MAX, KV_HEAD, &cursor)) {
        const struct stream_node *node = cursor.path.leaf;
        struct stream_entry last;
        stream_pack_end(node, KV_TAIL, &last);
        bool takes_all = stream_trim_takes(trim, stream_length(edit->stream), node);
        if (stream_trim_exceeds(trim, removed, node) || (trim->in_packs && !takes_all)) break;
        removed += stream_trim_node(edit, trim, &cursor);
        from = last.id;
        if (!takes_all || !stream_id_next(&from)) break;
    }
    return removed;
}

/* ------------------------------------------------------------------------------------- checking */

#if KV_DEBUG > 0
static uint64_t stream_node_count(const void *leaf)
{
    return stream_pack_count(((const struct stream_node *)leaf)->pack);
}

KV_INTERNAL void stream_check(const struct collection *collection)
{
    const struct stream *stream = stream_of(collection);
    struct tree_path path;
    kv_stream_id before = {0, 0};
    uint64_t packs = 0;
    bool more = stream->nodes.root != NULL;
    tree_check(&stream->nodes, stream_node_count);
    if (more) tree_end(&stream->nodes, KV_HEAD, &path);
    for (; more; more = tree_next(&stream->nodes, &path)) {
        const struct stream_node *node = path.leaf;
        kv_stream_id last;
        uint64_t count;
        pack_check(node->pack);
        bool is_valid = stream_pack_validate(node, &count, &last);
        assert(is_valid);
        (void)is_valid;
        assert(stream_id_compare(before, node->id) < 0 || node == stream->nodes.first);
        before = last;
        packs++;
    }
    assert(packs == stream->pack_count);
    assert(stream_id_compare(before, stream->last) <= 0);
    stream_groups_check(stream);
}
#endif

/* ----------------------------------------------------------------------------------- as a value */

static uint64_t stream_collection_length(const struct collection *collection)
{
    return stream_length(stream_of(collection));
}

static const char *stream_encoding(const struct collection *collection)
{
    (void)collection;
    return "stream";
}

static size_t stream_small_bytes(const void *block)
{
    return ((const struct stream *)block)->bytes;
}

KV_INTERNAL const struct collection_kind stream_kind = {
    .length = stream_collection_length,
    .may_have_none = true,
    .encoding = stream_encoding,
    .block_size = stream_small_bytes,
    .destroy = stream_destroy,
    .copy = stream_copy,
#if KV_DEBUG > 0
    .check = stream_check,
#endif
};
