/*
 * values/stream.h -- the stream value: entries in packs, the packs in a tree by id; and groups.
 *
 * Ownership  A stream is one block that leads to others. While it is little they lie in its shard's
 *            memory, later in one of its own (large.h); stream_open() tells which, and notes what
 *            a change takes. Entries are lent until the stream changes.
 * Failure    Whatever can fail changes the stream entirely or not at all. Deleting, trimming and
 *            acknowledging never fail.
 * Order      An id is given once: greater than every one before it, also of entries deleted since.
 * Empty      A stream without entries stays, as it remembers ids and groups.
 * Cost       Appending O(1). Finding an id O(log n) and a walk in its pack, of 100 entries by
 *            default. Trimming whole packs O(packs). Resident: what the entry takes in its pack and
 *            some 70 bytes a pack.
 */
#ifndef KV_VALUES_STREAM_H
#define KV_VALUES_STREAM_H

#include "structures/sorted.h"
#include "values/collection.h"
#include "values/stream_pack.h"

#define STREAM_ID_MAX ((kv_stream_id){UINT64_MAX, UINT64_MAX})

struct stream {
    struct tree nodes;         /* of struct stream_node; counts the entries that are there */
    struct sorted groups;      /* struct stream_group *, by name: stream_group.h */
    uint64_t added;            /* entries in all its life, or what XSETID says */
    kv_stream_id last;         /* the greatest id ever given */
    kv_stream_id last_deleted; /* the greatest id ever deleted */
    uint64_t pack_count;
    size_t bytes; /* while it lies in its shard's memory: what it takes there */
};

/* Up to where entries share a pack: bytes and entries, 0 for as many as fit. */
struct stream_limits {
    uint64_t size;
    uint64_t count;
};

/* ------------------------------------------------------------------------------ the whole value */

KV_INTERNAL_DATA const struct collection_kind stream_kind;

/* A stream without entries. KV_OK, KV_NOMEM. */
KV_INTERNAL kv_status stream_create(struct memory *memory, struct collection *collection);

/* Frees all; the collection is empty. O(blocks) while it is small. */
KV_INTERNAL void stream_destroy(struct collection *collection, struct memory *memory);

/* A stream to be changed: itself, the memory its parts lie in, and how much was used of that. */
struct stream_edit {
    struct stream *stream;
    struct memory *memory;
    size_t used;
};

/* The stream of a collection that is not empty. */
KV_INTERNAL struct stream *stream_of(const struct collection *collection);

/*
 * Opens a stream for a change; one that has grown moves to a memory of its own first. KV_OK, or
 * KV_NOMEM with nothing changed. The end notes what the change took.
 */
KV_INTERNAL kv_status stream_edit_begin(struct stream_edit *edit, struct collection *collection,
                                        struct memory *memory);
KV_INTERNAL void stream_edit_end(struct stream_edit *edit);

/* The same for a change that goes on: the stream stays where it is, and nothing fails. */
KV_INTERNAL void stream_edit_resume(struct stream_edit *edit, const struct collection *collection,
                                    struct memory *memory);

/* -------------------------------------------------------------------------------------- reading */

static inline uint64_t stream_length(const struct stream *stream)
{
    return tree_count(&stream->nodes);
}

/* A place at one entry that is not deleted, on a walk in one direction up to a limit. */
struct stream_cursor {
    const struct stream *stream;
    struct tree_path path;
    struct stream_entry entry;
    kv_stream_id limit;
    kv_end from; /* where the walk came from */
};

/*
 * The first of the entries from `first` to `last`, or the last of them if the walk is to come from
 * the tail. False if there is none.
 */
KV_INTERNAL bool stream_seek(const struct stream *stream, kv_stream_id first, kv_stream_id last,
                             kv_end from, struct stream_cursor *cursor);
KV_INTERNAL bool stream_next(struct stream_cursor *cursor);

/* The entry with this id. False if there is none. */
KV_INTERNAL bool stream_find(const struct stream *stream, kv_stream_id id,
                             struct stream_cursor *cursor);

/* The id of the first or last entry; {0, 0} if there is none. */
KV_INTERNAL kv_stream_id stream_end_id(const struct stream *stream, kv_end end);

/* The next id there can be. False at the end. */
KV_INTERNAL bool stream_id_next(kv_stream_id *id);

/*
 * The id an entry that is added now gets: of the time `now_ms`, or of that of the last one if it is
 * later, and then the next. False if there is none left.
 */
KV_INTERNAL bool stream_new_id(const struct stream *stream, uint64_t now_ms, kv_stream_id *id);

/*
 * The node whose ids begin behind *id, or with {0, 0} the first, and moves *id to its own; NULL if
 * there is none. For writing a stream out in slices, as RDB keeps it.
 */
KV_INTERNAL KV_UNUSED const struct stream_node *stream_next_node(const struct stream *stream,
                                                                 bool is_first, kv_stream_id *id);

/* ------------------------------------------------------------------------------------- changing */

/*
 * Adds an entry of `pair_count` > 0 fields and values, one behind the other; its id is greater than
 * stream->last. KV_OK, KV_TOOBIG, KV_NOMEM.
 */
KV_INTERNAL kv_status stream_append(struct stream_edit *edit, const struct stream_limits *limits,
                                    kv_stream_id id, const kv_slice *pairs, size_t pair_count);

/* Deletes the entry with this id. False if there is none. */
KV_INTERNAL bool stream_delete(struct stream_edit *edit, kv_stream_id id);

/* What a trimmed stream is to come down to. */
struct stream_trim {
    bool by_id; /* to ids from `first` on, else to `length` entries */
    kv_stream_id first;
    uint64_t length;
    bool in_packs; /* only whole packs, and no more than `limit` entries unless 0 */
    uint64_t limit;
    /* What is asked about each entry, if not NULL: whether it may go. */
    bool (*may_delete)(void *context, kv_stream_id id);
    void *context;
};

/* Deletes entries from the first on, as `trim` says. Gives how many. */
KV_INTERNAL uint64_t stream_trim(struct stream_edit *edit, const struct stream_trim *trim);

/*
 * Adds a node that comes from a file, with a copy of its listpack, which has passed
 * pack_validate(). KV_OK; KV_BADARG if it is no pack of entries with ids behind those that are
 * there; KV_TOOBIG; KV_NOMEM. stream->last becomes its last id if that is greater.
 */
KV_INTERNAL KV_UNUSED kv_status stream_load_node(struct stream_edit *edit, kv_stream_id id,
                                                 kv_slice listpack);

#if KV_DEBUG > 0
/* Asserts what stream.c and stream_group.c promise. */
KV_INTERNAL KV_UNUSED void stream_check(const struct collection *collection);
#endif

#endif
