/*
 * resp/commands_stream_read.c -- XREAD and XREADGROUP, which may wait.
 */
#include "resp/blocked.h"
#include "resp/commands.h"
#include "resp/stream.h"

#include <stdlib.h>

/* What the error about a missing group ends with. */
#define READ_NO_GROUP_MORE " in XREADGROUP with GROUP option"

/*
 * What a read wants. One that waits is copied with all it points to into one block (read_keep), as
 * its request is gone by the time it is served.
 */
struct read_request {
    bool of_group;
    kv_slice group, consumer;
    kv_xread_options options;
    kv_stream_from *streams;
    size_t count;
    int64_t timeout_ms; /* with options.wait */
};

/* ----------------------------------------------------------------------------------------- reply */

/* The reply as it grows: {key: entries...}, or [[key, entries]...]. */
struct read_reply {
    struct writer *reply;
    const struct read_request *request;
    struct stream_entries entries;
    size_t began;
    uint64_t streams;
};

static void read_begin(struct read_reply *read, struct writer *reply,
                       const struct read_request *request)
{
    *read = (struct read_reply){
        .reply = reply, .request = request, .began = writer_begin_deferred(reply)};
}

static void read_end_stream(struct read_reply *read)
{
    if (read->streams > 0) stream_entries_end(&read->entries);
}

static void read_visit_stream(void *context, size_t index)
{
    struct read_reply *read = context;
    read_end_stream(read);
    read->streams++;
    if (read->reply->protocol == 2) writer_array(read->reply, 2);
    writer_bulk(read->reply, read->request->streams[index].key);
    stream_entries_begin(&read->entries, read->reply);
}

static bool read_visit_entry(void *context, kv_stream_entry *entry)
{
    return stream_entries_visit(&((struct read_reply *)context)->entries, entry);
}

static void read_end(struct read_reply *read)
{
    read_end_stream(read);
    writer_end_deferred(read->reply, read->began, read->reply->protocol == 2 ? '*' : '%',
                        read->streams);
}

/* Reads `count` of the streams from `first` on, without waiting, and writes what there is. */
static kv_status read_streams(const struct read_request *request, kv *db, size_t first,
                              size_t count, struct writer *reply, size_t *failed)
{
    struct read_reply read;
    struct read_request part = *request;
    part.streams += first;
    kv_xread_options options = request->options;
    options.wait = false;
    read_begin(&read, reply, &part);
    kv_status status =
        request->of_group
            ? kv_xreadgroup(db, request->group, request->consumer, part.streams, count, &options,
                            read_visit_stream, read_visit_entry, &read, failed)
            : kv_xread(db, part.streams, count, &options, read_visit_stream, read_visit_entry,
                       &read);
    if (status == KV_OK) read_end(&read);
    return status;
}

/* --------------------------------------------------------------------------------------- waiting */

/* Copies bytes to *at, which moves behind them. */
static kv_slice read_keep_bytes(char **at, kv_slice bytes)
{
    if (bytes.size > 0) memcpy(*at, bytes.data, bytes.size);
    kv_slice kept = kv_bytes(*at, bytes.size);
    *at += bytes.size;
    return kept;
}

/* A copy of the request in one block of malloc(); NULL when memory is short. */
static struct read_request *read_keep(const struct read_request *request)
{
    size_t size = sizeof *request + request->count * sizeof *request->streams +
                  request->group.size + request->consumer.size;
    for (size_t i = 0; i < request->count; i++) size += request->streams[i].key.size;
    struct read_request *kept = malloc(size);
    if (kept == NULL) return NULL;
    *kept = *request;
    kept->streams = (kv_stream_from *)(kept + 1);
    memcpy(kept->streams, request->streams, request->count * sizeof *request->streams);
    char *at = (char *)(kept->streams + request->count);
    kept->group = read_keep_bytes(&at, request->group);
    kept->consumer = read_keep_bytes(&at, request->consumer);
    for (size_t i = 0; i < request->count; i++)
        kept->streams[i].key = read_keep_bytes(&at, request->streams[i].key);
    return kept;
}

/* In the thread of whoever brought something. */
static kv_status read_attempt(void *context, kv *txn, size_t index, kv_slice key,
                              struct writer *reply)
{
    const struct read_request *request = context;
    size_t failed;
    (void)key;
    kv_status status = read_streams(request, txn, index, 1, reply, &failed);
    if (status == KV_NOTFOUND || status == KV_NOGROUP) {
        stream_write_no_group(reply, request->streams[index].key, request->group,
                              READ_NO_GROUP_MORE);
        return KV_NOGROUP;
    }
    return status;
}

static void read_wait(struct call *call, const struct read_request *request)
{
    struct read_request *kept = read_keep(request);
    kv_slice *keys = malloc(request->count * sizeof *keys);
    if (kept == NULL || keys == NULL) {
        free(kept);
        free(keys);
        call_fail(call, KV_NOMEM);
        return;
    }
    for (size_t i = 0; i < request->count; i++) keys[i] = request->streams[i].key;
    struct blocked_wish wish = {.keys = keys,
                                .key_count = request->count,
                                .attempt = read_attempt,
                                .type = KV_TYPE_STREAM,
                                .minds_removal = request->of_group,
                                .request = kept};
    blocked_begin(call, &wish, request->timeout_ms);
    free(keys);
}

static void read_run(struct call *call, const struct read_request *request)
{
    size_t failed = 0;
    kv_status status = read_streams(request, call->db, 0, request->count, call->reply, &failed);
    if (status == KV_NONE && request->options.wait && call_may_wait(call)) read_wait(call, request);
    else if (status == KV_NONE) writer_null_array(call->reply);
    else if (status == KV_NOTFOUND || status == KV_NOGROUP)
        stream_no_group(call, request->streams[failed].key, request->group, READ_NO_GROUP_MORE);
    else if (status != KV_OK) call_fail(call, status);
}

/* ------------------------------------------------------------------------------------- arguments */

/* A timeout in milliseconds. False: answered. */
static bool read_timeout(struct call *call, size_t index, int64_t *timeout_ms)
{
    if (!call_integer(call, index, timeout_ms, "ERR timeout is not an integer or out of range"))
        return false;
    const char *error = NULL;
    if (*timeout_ms < 0) error = "ERR timeout is negative";
    else if (*timeout_ms > KV_NEVER - kv_now(call->db)) error = "ERR timeout is out of range";
    if (error != NULL) call_error(call, error);
    return error == NULL;
}

static void read_only_of_group(struct call *call, const char *option)
{
    call_error_format(call,
                      "ERR The %s option is only supported by XREADGROUP. You called XREAD "
                      "instead.",
                      option);
}

/* One option at *at, which moves to its last word. False: answered. */
static bool read_option(struct call *call, size_t *at, struct read_request *request)
{
    size_t more = call->count - *at - 1;
    if (call_is(call, *at, "block") && more > 0) {
        request->options.wait = true;
        return read_timeout(call, ++*at, &request->timeout_ms);
    }
    if (call_is(call, *at, "count") && more > 0)
        return stream_count_argument(call, ++*at, &request->options.count);
    if (call_is(call, *at, "group") && more > 1) {
        if (!request->of_group) {
            read_only_of_group(call, "GROUP");
            return false;
        }
        request->group = call->arguments[*at + 1];
        request->consumer = call->arguments[*at + 2];
        *at += 2;
        return true;
    }
    if (call_is(call, *at, "noack")) {
        if (!request->of_group) read_only_of_group(call, "NOACK");
        request->options.no_ack = true;
        return request->of_group;
    }
    call_error(call, ERROR_SYNTAX);
    return false;
}

/* All up to STREAMS; *first receives where the keys begin. False: answered. */
static bool read_options(struct call *call, struct read_request *request, size_t *first)
{
    size_t at = 1;
    bool has_group = false;
    while (at < call->count && !(call_is(call, at, "streams") && at + 1 < call->count)) {
        has_group = has_group || call_is(call, at, "group");
        if (!read_option(call, &at, request)) return false;
        at++;
    }
    if (at >= call->count) {
        call_error(call, ERROR_SYNTAX);
        return false;
    }
    *first = at + 1;
    if ((call->count - *first) % 2 != 0) {
        call_error(call, "ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' "
                         "must be specified.");
        return false;
    }
    if (request->of_group && !has_group) {
        call_error(call, "ERR Missing GROUP option for XREADGROUP");
        return false;
    }
    request->count = (call->count - *first) / 2;
    return true;
}

static bool read_note_id(void *context, kv_stream_entry *entry)
{
    *(kv_stream_id *)context = entry->id;
    return false;
}

/* "$": what is added from now on. "+": the last entry, and what is added behind it. */
static kv_status read_end_id(struct call *call, kv_stream_from *from, bool is_last)
{
    kv_stream_info info = KV_OPTIONS(kv_stream_info);
    kv_status status = kv_xinfo(call->db, from->key, &info, NULL, NULL);
    from->after = info.last; /* {0, 0} without a stream */
    if (status != KV_OK || !is_last || info.length == 0) return status;
    status = kv_xrange(call->db, from->key, STREAM_ID_LEAST, STREAM_ID_MOST, KV_TAIL, 1,
                       read_note_id, &from->after);
    if (from->after.sequence-- == 0) from->after.ms--;
    return status;
}

static bool read_refuse_id(struct call *call, const char *id)
{
    call_error_format(call,
                      "ERR The %s ID is meaningless in the context of XREADGROUP: you want to "
                      "read the history of this consumer by specifying a proper ID, or use the > "
                      "ID to get new messages. The %s ID would just return an empty result set.",
                      id, id);
    return false;
}

/* The id at `index`, of a stream whose key and group have been looked at. False: answered. */
static bool read_id(struct call *call, size_t index, const struct read_request *request,
                    kv_stream_from *from)
{
    bool is_end = call_is(call, index, "$"), is_last = call_is(call, index, "+");
    if (is_end || is_last) {
        if (request->of_group) return read_refuse_id(call, is_end ? "$" : "+");
        kv_status status = read_end_id(call, from, is_last);
        if (status < 0) call_fail(call, status);
        return status >= 0;
    }
    if (call_is(call, index, ">")) {
        from->only_new = true;
        if (request->of_group) return true;
        call_error(call, "ERR The > ID can be specified only when calling XREADGROUP using the "
                         "GROUP <group> <consumer> option.");
        return false;
    }
    if (!stream_id_argument(call, index, &from->after)) return false;
    /* In Redis the greatest id stands for ">". */
    from->only_new =
        request->of_group && from->after.ms == UINT64_MAX && from->after.sequence == UINT64_MAX;
    return true;
}

/* Keys and ids, each stream looked at before its id, as Redis does it. False: answered. */
static bool read_sources(struct call *call, size_t first, const struct read_request *request)
{
    for (size_t i = 0; i < request->count; i++) {
        kv_stream_from *from = &request->streams[i];
        *from = (kv_stream_from){.key = call->arguments[first + i]};
        kv_status status = request->of_group
                               ? stream_look_for_group(call, from->key, request->group)
                               : stream_look(call, from->key);
        if (status == KV_NOTFOUND && !request->of_group) status = KV_OK;
        if (status == KV_NOTFOUND || status == KV_NOGROUP)
            stream_no_group(call, from->key, request->group, READ_NO_GROUP_MORE);
        else if (status < 0) call_fail(call, status);
        if (status < 0 || !read_id(call, first + request->count + i, request, from)) return false;
    }
    return true;
}

static void read_command(struct call *call, bool of_group)
{
    kv_stream_from few[8];
    struct read_request request = {
        .of_group = of_group, .options = KV_OPTIONS(kv_xread_options), .streams = few};
    size_t first;
    if (!read_options(call, &request, &first)) return;
    if (request.count > sizeof few / sizeof *few)
        request.streams = malloc(request.count * sizeof *request.streams);
    if (request.streams == NULL) {
        call_fail(call, KV_NOMEM);
        return;
    }
    if (read_sources(call, first, &request)) read_run(call, &request);
    if (request.streams != few) free(request.streams);
}

void xread_command(struct call *call)
{
    read_command(call, false);
}

void xreadgroup_command(struct call *call)
{
    read_command(call, true);
}
