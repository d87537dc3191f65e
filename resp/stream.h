/*
 * resp/stream.h -- ids and entries of streams, as requests have them and replies show them.
 */
#ifndef KV_RESP_STREAM_H
#define KV_RESP_STREAM_H

#include "resp/call.h"

#define STREAM_ID_LEAST ((kv_stream_id){0, 0})
#define STREAM_ID_MOST  ((kv_stream_id){UINT64_MAX, UINT64_MAX})

/* ------------------------------------------------------------------------------------ arguments */

/* How an id may be written beside "ms-sequence", and what was. */
struct stream_id_form {
    uint64_t sequence; /* the one of an id without: "ms" */
    bool takes_ends;   /* "-" and "+" are the least and the greatest */
    bool takes_star;   /* "ms-*" is an id whose sequence is still to be found */
    bool has_star;
};

/* Reads argument `index`. False: it is no id, and nothing is answered. */
bool stream_id_read(const struct call *call, size_t index, struct stream_id_form *form,
                    kv_stream_id *id);

/* Reads an id that must be one. False: answered. */
bool stream_id_argument(struct call *call, size_t index, kv_stream_id *id);

/* Reads both bounds of a range, each of them "(id" if it is not included itself. False: answered. */
bool stream_range_arguments(struct call *call, size_t first_at, size_t last_at, kv_stream_id *first,
                            kv_stream_id *last);

/* Reads where a range begins. False: answered. */
bool stream_start_argument(struct call *call, size_t index, kv_stream_id *start);

/* Reads a count, of which one below 0 means 0. False: answered. */
bool stream_count_argument(struct call *call, size_t index, uint64_t *count);

/* Many ids. */
enum { STREAM_IDS_FEW = 16 };

struct stream_ids {
    kv_stream_id few[STREAM_IDS_FEW];
    kv_stream_id *items;
    size_t count;
};

/* Makes room for `count` ids. False: answered. To be closed. */
bool stream_ids_open(struct call *call, size_t count, struct stream_ids *ids);

/* The same, and reads them from argument `first` on. False: answered, nothing to be closed. */
bool stream_ids_arguments(struct call *call, size_t first, size_t count, struct stream_ids *ids);
void stream_ids_close(struct stream_ids *ids);

/* KEEPREF, DELREF or ACKED. False: none of them. */
bool stream_references_argument(const struct call *call, size_t index,
                                kv_stream_references *references);

/*
 * "[KEEPREF | DELREF | ACKED] IDS numids id [id ...]" from argument `first` to the end. False:
 * answered, nothing to be closed.
 */
bool stream_deletion_arguments(struct call *call, size_t first, kv_stream_references *references,
                               struct stream_ids *ids);

/* -------------------------------------------------------------------------------------- replies */

void stream_write_id(struct writer *reply, kv_stream_id id);

/* A kv_visit_entry that writes [id, [field, value...]]; `context` is the writer. */
bool stream_write_entry(void *context, kv_stream_entry *entry);

/* An array of entries whose number is told at its end. */
struct stream_entries {
    struct writer *reply;
    size_t began;
    uint64_t count;
};

void stream_entries_begin(struct stream_entries *entries, struct writer *reply);
bool stream_entries_visit(void *context, kv_stream_entry *entry); /* `context`: the entries */
bool stream_entries_visit_id(void *context, kv_stream_entry *entry);
void stream_entries_end(struct stream_entries *entries);

/* A kv_visit_deletion that writes a number; `context` is the writer. */
void stream_write_deletion(void *context, size_t index, kv_stream_deletion deletion);

/*
 * "NOGROUP No such key 'x' or consumer group 'y'", and more; or only its text, for an attempt that
 * is served later.
 */
void stream_no_group(struct call *call, kv_slice key, kv_slice group, const char *more);
void stream_write_no_group(struct writer *reply, kv_slice key, kv_slice group, const char *more);

/*
 * Looks for a stream, or for a group of it, as Redis does before it reads the other arguments of a
 * command: a reading of the key. KV_OK; KV_NOTFOUND, KV_NOGROUP, KV_WRONGTYPE.
 */
kv_status stream_look(const struct call *call, kv_slice key);
kv_status stream_look_for_group(const struct call *call, kv_slice key, kv_slice group);

/* "NOGROUP No such consumer group 'y' for key name 'x'". */
void stream_no_consumer_group(struct call *call, kv_slice key, kv_slice group);

/* "ERR Unrecognized XCLAIM option 'x'". */
void stream_unknown_option(struct call *call, kv_slice option);

/* The error of a status below 0 of a call that needs a group: that one, or the usual. */
void stream_fail(struct call *call, kv_status status, kv_slice key, kv_slice group);

#endif
