/*
 * resp/stream.c -- see stream.h.
 */
#include "resp/stream.h"

#include <stdlib.h>

#define ERROR_STREAM_ID "ERR Invalid stream ID specified as stream command argument"

/* ------------------------------------------------------------------------------------ arguments */

static bool stream_text_is(kv_slice text, char character)
{
    return text.size == 1 && *(const char *)text.data == character;
}

static bool stream_id_of_text(kv_slice text, struct stream_id_form *form, kv_stream_id *id)
{
    bool has_sequence;
    form->has_star = false;
    if (form->takes_ends && (stream_text_is(text, '-') || stream_text_is(text, '+'))) {
        *id = stream_text_is(text, '-') ? STREAM_ID_LEAST : STREAM_ID_MOST;
        return true;
    }
    const char *bytes = text.data;
    const char *dash = text.size > 0 ? memchr(bytes, '-', text.size) : NULL;
    if (form->takes_star && dash != NULL && text.size - (size_t)(dash - bytes) == 2 &&
        dash[1] == '*') {
        form->has_star = true;
        text.size -= 2;
    }
    if (kv_stream_id_parse(text, id, &has_sequence) != KV_OK) return false;
    if (!has_sequence && !form->has_star) id->sequence = form->sequence;
    return true;
}

bool stream_id_read(const struct call *call, size_t index, struct stream_id_form *form,
                    kv_stream_id *id)
{
    kv_slice text = call->arguments[index];
    if (text.size > 127) return false; /* as Redis has it */
    return stream_id_of_text(text_terminated(text), form, id);
}

bool stream_id_argument(struct call *call, size_t index, kv_stream_id *id)
{
    struct stream_id_form form = {.sequence = 0};
    if (stream_id_read(call, index, &form, id)) return true;
    call_error(call, ERROR_STREAM_ID);
    return false;
}

/* A bound of a range, and whether it is not included. False: answered. */
static bool stream_bound(struct call *call, size_t index, uint64_t sequence, kv_stream_id *id,
                         bool *is_excluded)
{
    kv_slice text = call->arguments[index];
    struct stream_id_form form = {.sequence = sequence, .takes_ends = true};
    *is_excluded = text.size > 1 && *(const char *)text.data == '(';
    if (*is_excluded) {
        text = kv_bytes((const char *)text.data + 1, text.size - 1);
        form.takes_ends = false;
    }
    if (text.size <= 127 && stream_id_of_text(text_terminated(text), &form, id)) return true;
    call_error(call, ERROR_STREAM_ID);
    return false;
}

bool stream_start_argument(struct call *call, size_t index, kv_stream_id *start)
{
    bool is_excluded;
    if (!stream_bound(call, index, 0, start, &is_excluded)) return false;
    if (!is_excluded) return true;
    if (start->sequence == UINT64_MAX && start->ms == UINT64_MAX) {
        call_error(call, "ERR invalid start ID for the interval");
        return false;
    }
    if (++start->sequence == 0) start->ms++;
    return true;
}

static bool stream_last_argument(struct call *call, size_t index, kv_stream_id *last)
{
    bool is_excluded;
    if (!stream_bound(call, index, UINT64_MAX, last, &is_excluded)) return false;
    if (!is_excluded) return true;
    if (last->sequence == 0 && last->ms == 0) {
        call_error(call, "ERR invalid end ID for the interval");
        return false;
    }
    if (last->sequence-- == 0) last->ms--;
    return true;
}

bool stream_range_arguments(struct call *call, size_t first_at, size_t last_at, kv_stream_id *first,
                            kv_stream_id *last)
{
    return stream_start_argument(call, first_at, first) &&
           stream_last_argument(call, last_at, last);
}

bool stream_count_argument(struct call *call, size_t index, uint64_t *count)
{
    int64_t number;
    if (!call_integer(call, index, &number, NULL)) return false;
    *count = number > 0 ? (uint64_t)number : 0;
    return true;
}

bool stream_ids_open(struct call *call, size_t count, struct stream_ids *ids)
{
    ids->items = ids->few;
    ids->count = count;
    if (count <= STREAM_IDS_FEW) return true;
    ids->items = count <= SIZE_MAX / sizeof *ids->items ? malloc(count * sizeof *ids->items) : NULL;
    if (ids->items == NULL) call_fail(call, KV_NOMEM);
    return ids->items != NULL;
}

bool stream_ids_arguments(struct call *call, size_t first, size_t count, struct stream_ids *ids)
{
    if (!stream_ids_open(call, count, ids)) return false;
    for (size_t i = 0; i < count; i++) {
        if (stream_id_argument(call, first + i, &ids->items[i])) continue;
        stream_ids_close(ids);
        return false;
    }
    return true;
}

void stream_ids_close(struct stream_ids *ids)
{
    if (ids->items != ids->few) free(ids->items);
}

bool stream_references_argument(const struct call *call, size_t index,
                                kv_stream_references *references)
{
    if (call_is(call, index, "keepref")) *references = KV_REFERENCES_KEEP;
    else if (call_is(call, index, "delref")) *references = KV_REFERENCES_DELETE;
    else if (call_is(call, index, "acked")) *references = KV_REFERENCES_ACKED;
    else return false;
    return true;
}

bool stream_deletion_arguments(struct call *call, size_t first, kv_stream_references *references,
                               struct stream_ids *ids)
{
    int64_t number;
    size_t at = first;
    *references = KV_REFERENCES_KEEP;
    if (stream_references_argument(call, at, references)) at++;
    if (at + 1 >= call->count || !call_is(call, at, "ids")) {
        call_error(call, ERROR_SYNTAX);
        return false;
    }
    if (!call_integer_between(call, at + 1, 1, INT64_MAX, &number,
                              "ERR Number of IDs must be a positive integer"))
        return false;
    size_t count = call->count - at - 2;
    if ((uint64_t)number != count) {
        call_error(call, "ERR The `numids` parameter must match the number of arguments");
        return false;
    }
    return stream_ids_arguments(call, at + 2, count, ids);
}

/* -------------------------------------------------------------------------------------- replies */

void stream_write_id(struct writer *reply, kv_stream_id id)
{
    char text[KV_STREAM_ID_SIZE];
    writer_bulk(reply, kv_bytes(text, kv_stream_id_format(text, id)));
}

bool stream_write_entry(void *context, kv_stream_entry *entry)
{
    struct writer *reply = context;
    kv_slice field, value;
    writer_array(reply, 2);
    stream_write_id(reply, entry->id);
    if (entry->is_deleted) {
        writer_null_array(reply);
        return true;
    }
    writer_array(reply, 2 * entry->field_count);
    while (kv_stream_entry_next(entry, &field, &value)) {
        writer_bulk(reply, field);
        writer_bulk(reply, value);
    }
    return true;
}

void stream_entries_begin(struct stream_entries *entries, struct writer *reply)
{
    *entries = (struct stream_entries){reply, writer_begin_deferred(reply), 0};
}

bool stream_entries_visit(void *context, kv_stream_entry *entry)
{
    struct stream_entries *entries = context;
    entries->count++;
    return stream_write_entry(entries->reply, entry);
}

bool stream_entries_visit_id(void *context, kv_stream_entry *entry)
{
    struct stream_entries *entries = context;
    entries->count++;
    stream_write_id(entries->reply, entry->id);
    return true;
}

void stream_entries_end(struct stream_entries *entries)
{
    writer_end_deferred(entries->reply, entries->began, '*', entries->count);
}

void stream_write_deletion(void *context, size_t index, kv_stream_deletion deletion)
{
    (void)index;
    writer_integer(context, deletion);
}

kv_status stream_look(const struct call *call, kv_slice key)
{
    uint64_t length;
    kv_status status = kv_xlen(call->db, key, &length);
    return status == KV_NONE ? KV_NOTFOUND : status;
}

kv_status stream_look_for_group(const struct call *call, kv_slice key, kv_slice group)
{
    kv_status status = stream_look(call, key);
    return status == KV_OK ? kv_xpending(call->db, key, group, NULL, NULL, NULL) : status;
}

/* Pieces of the text of an error, terminated. Names end at their first zero byte, as in Redis. */
static void stream_write_error(struct writer *text, const char *first, kv_slice a,
                               const char *second, kv_slice b, const char *third)
{
    a = text_terminated(a);
    b = text_terminated(b);
    writer_raw(text, first, strlen(first));
    writer_raw(text, a.data, a.size);
    writer_raw(text, second, strlen(second));
    writer_raw(text, b.data, b.size);
    writer_raw(text, third, strlen(third) + 1);
}

/* Answers with such a text, and frees it. */
static void stream_error(struct call *call, struct writer *text)
{
    if (text->failed) call_fail(call, KV_NOMEM);
    else call_error(call, (const char *)text->bytes);
    writer_free(text);
}

void stream_write_no_group(struct writer *reply, kv_slice key, kv_slice group, const char *more)
{
    char end[64] = "'";
    strcat(end, more);
    stream_write_error(reply, "NOGROUP No such key '", key, "' or consumer group '", group, end);
}

void stream_no_group(struct call *call, kv_slice key, kv_slice group, const char *more)
{
    struct writer text = {.protocol = 2};
    stream_write_no_group(&text, key, group, more);
    stream_error(call, &text);
}

void stream_no_consumer_group(struct call *call, kv_slice key, kv_slice group)
{
    struct writer text = {.protocol = 2};
    stream_write_error(&text, "NOGROUP No such consumer group '", group, "' for key name '", key,
                       "'");
    stream_error(call, &text);
}

void stream_unknown_option(struct call *call, kv_slice option)
{
    struct writer text = {.protocol = 2};
    stream_write_error(&text, "ERR Unrecognized XCLAIM option '", option, "'", kv_bytes("", 0), "");
    stream_error(call, &text);
}

void stream_fail(struct call *call, kv_status status, kv_slice key, kv_slice group)
{
    if (status == KV_NOTFOUND || status == KV_NOGROUP) stream_no_group(call, key, group, "");
    else call_fail(call, status);
}
