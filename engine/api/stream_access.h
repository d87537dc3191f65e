/*
 * api/stream_access.h -- what the calls on streams and those on their groups have in common.
 *
 *     struct access access;
 *     struct stream_edit edit;
 *     ... open the access and an effect, reserve the journal ...
 *     status = streams_edit(&access, &edit);                  // may fail, changes nothing one sees
 *     ... change edit.stream in edit.memory ...
 *     streams_settle(&access, &edit, changes);                // also when there are none
 */
#ifndef KV_API_STREAM_ACCESS_H
#define KV_API_STREAM_ACCESS_H

#include "keyspace/access_collection.h"
#include "keyspace/effect.h"
#include "values/stream.h"
#include "values/stream_group.h"

/* Opens a key that must hold a stream or nothing. */
KV_INTERNAL kv_status streams_open(struct access *access, kv *db, kv_slice key,
                                   enum access_mode mode);

/* The stream at a key that is there. */
KV_INTERNAL struct stream *streams_of(const struct access *access);

/*
 * Begins a change of it, or goes on with one, which cannot fail; and ends it, telling of it if
 * there were any changes.
 */
KV_INTERNAL kv_status streams_edit(struct access *access, struct stream_edit *edit);
KV_INTERNAL void streams_resume(const struct access *access, struct stream_edit *edit);
KV_INTERNAL void streams_settle(struct access *access, struct stream_edit *edit, uint64_t changes);

/* Tells an event of the key. */
static inline void streams_event(struct access *access, const char *name)
{
    access_event(access, KV_EVENT_STREAM, name);
}

/* Lends an entry; or one that is no more than an id. What the visitor returned. */
KV_INTERNAL bool streams_lend(const struct stream_entry *entry, kv_visit_entry *visit,
                              void *context);
KV_INTERNAL bool streams_lend_id(kv_stream_id id, bool is_deleted, kv_visit_entry *visit,
                                 void *context);

/* Lends up to `count` entries, 0 for all. Gives how many it lent. */
KV_INTERNAL uint64_t streams_visit(const struct stream *stream, kv_stream_id first,
                                   kv_stream_id last, kv_end from, uint64_t count,
                                   kv_visit_entry *visit, void *context);

/* What there is to tell about a stream. */
KV_INTERNAL kv_stream_info streams_info(const struct stream *stream);

/*
 * Begins an effect of some words and ids, whose texts are kept in *texts until it is closed. KV_OK,
 * KV_NOMEM.
 */
KV_INTERNAL kv_status streams_effect_open(struct effect *effect, struct access *access,
                                          kv_slice name, const kv_slice *words, size_t word_count,
                                          const kv_stream_id *ids, size_t id_count, char **texts);
KV_INTERNAL void streams_effect_close(struct effect *effect, struct access *access, char *texts,
                                      size_t id_count, bool happened);

/* Deletes an entry as far as `references` allows; the word for that; and telling of no entry. */
KV_INTERNAL kv_stream_deletion streams_delete(struct stream_edit *edit, kv_stream_id id,
                                              kv_stream_references references);
KV_INTERNAL kv_slice streams_references_word(kv_stream_references references);
KV_INTERNAL void streams_tell_none(kv_visit_deletion *visit, void *context, size_t count);

/* Whom a read calls. */
struct streams_visitors {
    kv_visit_stream *begin;
    kv_visit_entry *visit;
    void *context;
};

/* The streams of a read, copied, and their keys side by side. */
#define STREAMS_FEW 8

struct streams_request {
    struct alloc *alloc;
    kv_stream_from *streams;
    kv_slice *keys;
    size_t count;
    kv_stream_from few_streams[STREAMS_FEW];
    kv_slice few_keys[STREAMS_FEW];
};

KV_INTERNAL bool streams_read_options(const kv_xread_options *given, kv_xread_options *options);
KV_INTERNAL kv_status streams_request_open(struct streams_request *request, kv *db,
                                           const kv_stream_from *streams, size_t count);
/* Waits for one of the streams; `how` says for what. */
KV_INTERNAL kv_status streams_request_wait(struct streams_request *request, kv *db,
                                           kv_wait_options *how, int64_t timeout_ms);
KV_INTERNAL void streams_request_close(struct streams_request *request);

#endif
