/*
 * resp/replica_stream.c -- the changes of a master: executed as a client's requests are, in batches,
 * counted and handed on.
 *
 *     input   | *3 SET | *3 SET | *1 MULTI | *2 INCR | *1 EXEC | *3 SE
 *             '--- a batch: executed, then given to the history -'
 *             '-- a transaction is given when it is whole --'    '-- waits for the rest
 *
 * The offset is that of the last byte of the last command or transaction that was executed; those
 * bytes, as they came, are the history, and so what replicas of this one read. Both change under
 * following->applying, together with the data.
 *
 * What a master sends is what a store's journal holds, and PING, SELECT, MULTI, EXEC, PUBLISH and
 * REPLCONF GETACK. Anything else is not executed. An error in answer to a change is told in the log,
 * as the data may differ from then on; a change that finds no memory makes them differ for sure, and
 * all data are fetched anew.
 */
#include "resp/replica_link.h"

#include "resp/aof_link.h"
#include "resp/commands.h"
#include "resp/run.h"

#include <stdio.h>
#include <stdlib.h>

enum { STREAM_ARGUMENTS = 1024, STREAM_WAIT_MS = 2, STREAM_FIRST_ACK_MS = 10 };

struct stream {
    struct follow *follow;
    kvresp_worker *worker;
    kvresp_session *session;
    kv_buffer held;    /* a transaction that is not executed yet, as it came */
    uint32_t database; /* selected behind what is executed next */
    bool wants_ack;
    bool is_old; /* the master takes no acknowledgements */
    int64_t last_io_ms;
    int64_t ack_period_ms;  /* until the next sign of life */
    uint64_t errors;        /* of the session, when they were last looked at */
    kv_slice *carried;      /* arguments of a request that a PING carries */
    int64_t acked_offset;   /* what is durable: an offset, and the place in the journal... */
    int64_t awaited_offset; /* ...that is waited for */
    uint64_t awaited_position;
};

/* ------------------------------------------------------------------------------------ signs of life */

/* Which offset is safe on disk, for WAITAOF of the master. -1: there is no append-only file. */
static int64_t stream_durable_offset(struct stream *stream, int64_t offset)
{
    const struct aof_link *aof = stream->follow->resp->aof;
    if (!aof_link_is_wanted(aof)) return -1;
    if (aof->is_durable(aof->context, stream->awaited_position)) {
        stream->acked_offset = stream->awaited_offset;
        stream->awaited_offset = offset;
        stream->awaited_position = aof->position(aof->context);
    }
    return stream->acked_offset;
}

static kv_status stream_acknowledge(struct stream *stream)
{
    uint8_t digits[2][TEXT_INTEGER_SIZE];
    struct follow *follow = stream->follow;
    follow->signed_ms = following_clock_ms();
    stream->wants_ack = false;
    if (stream->is_old) return KV_OK;
    int64_t offset = replication_offset(&follow->resp->replication);
    int64_t durable = stream_durable_offset(stream, offset);
    uint8_t *end = text_write_integer(digits[0], offset);
    kv_slice words[5] = {KV_TEXT("REPLCONF"), KV_TEXT("ACK"),
                         kv_bytes(digits[0], (size_t)(end - digits[0])), KV_TEXT("FACK")};
    end = text_write_integer(digits[1], durable);
    words[4] = kv_bytes(digits[1], (size_t)(end - digits[1]));
    return follow_command(follow, words, durable >= 0 ? 5 : 3);
}

/* While it waits: now and then, and so it is noticed that the link has ended. */
static kv_status stream_sign(struct stream *stream)
{
    struct follow *follow = stream->follow;
    if (following_clock_ms() - follow->signed_ms < FOLLOW_ACK_MS) return KV_OK;
    return stream->is_old ? follow_write(follow, KV_TEXT("\n")) : stream_acknowledge(stream);
}

/* ------------------------------------------------------------------------------------ executing */

/* The first error in the replies of a batch. */
static kv_slice stream_find_error(const struct writer *reply)
{
    const uint8_t *at = reply->bytes + reply->start, *end = reply->bytes + reply->size;
    for (; at < end; at++) {
        if (*at != '-') continue;
        if (at > reply->bytes + reply->start && at[-1] != '\n') continue;
        const uint8_t *newline = memchr(at, '\r', (size_t)(end - at));
        return kv_bytes(at + 1, newline != NULL ? (size_t)(newline - at) - 1 : 0);
    }
    return KV_TEXT("");
}

/* Looks at the replies of a batch, which nobody reads, and drops them. */
static kv_status stream_review(struct stream *stream)
{
    kvresp_session *session = stream->session;
    struct follow *follow = stream->follow;
    kv_status status = KV_OK;
    if (session->errors != stream->errors) {
        kv_slice error = stream_find_error(&session->reply);
        atomic_fetch_add(&follow->following->errors, session->errors - stream->errors);
        kvresp_logf(follow->resp, KVRESP_WARNING,
                    "A change of the master is answered with an error: %.*s",
                    (int)(error.size < 200 ? error.size : 200), (const char *)error.data);
        if (error.size >= 4 && memcmp(error.data, "OOM ", 4) == 0) status = KV_NOMEM;
        if (error.size >= 9 && memcmp(error.data, "READONLY ", 9) == 0) status = KV_READONLY;
    }
    if (session->is_failed || session->reply.failed) status = KV_NOMEM;
    stream->errors = session->errors;
    kvresp_output_consume(session, kvresp_output_pending(session));
    return status;
}

/* Data and history have parted: all has to come anew. Under `applying`. */
static kv_status stream_lose(struct stream *stream, const char *reason)
{
    struct follow *follow = stream->follow;
    replication_abandon(&follow->resp->replication);
    return follow_fail(follow, "%s", reason);
}

static kv_status stream_lose_refused(struct stream *stream, kv_status status)
{
    return stream_lose(stream, status == KV_READONLY ? "the store refused its changes"
                                                     : "memory ran out under its changes");
}

/*
 * The append-only file has its say, as it has with clients: while it cannot be written, the changes
 * of the master have to wait like those of everybody else. KV_OK, KV_CANCELLED, or that of a link
 * that has failed meanwhile.
 */
static kv_status stream_await_room(struct stream *stream)
{
    const struct aof_link *aof = stream->follow->resp->aof;
    struct follow *follow = stream->follow;
    while (aof != NULL && (aof->is_full(aof->context) || aof->refusal(aof->context) != NULL)) {
        kv_status status = stream_sign(stream);
        if (status != KV_OK) return status;
        const struct timespec moment = {.tv_nsec = STREAM_WAIT_MS * 1000000};
        (void)nanosleep(&moment, NULL);
        if (!following_is_wanted(follow->following, follow->master->generation))
            return KV_CANCELLED;
    }
    return KV_OK;
}

/*
 * Executes the first framed request; `skips`: steps over it. A transaction is held until its EXEC,
 * and then counts as one. False without memory.
 */
static bool stream_execute_one(struct stream *stream, struct run *run, bool skips)
{
    kvresp_session *session = stream->session;
    struct replication *replication = &stream->follow->resp->replication;
    const struct request *request = &run->requests[0];
    kv_slice bytes = kv_bytes(session->input.bytes + session->input.start, request->size);
    bool was_in_multi = session->flags & SESSION_MULTI;
    command_handler *handler = request->slot != NULL ? request->slot->command->handler : NULL;
    bool is_part = was_in_multi || (!skips && handler == multi_command);
    bool ends = was_in_multi && (handler == exec_command || handler == discard_command);
    bool is_select = !was_in_multi && handler == select_command;
    if ((!was_in_multi && !is_select) || handler == discard_command)
        stream->database = session->database;
    if (is_part) {
        if (text_append(&stream->held, bytes) != KV_OK) return false;
        bytes = text_of_buffer(&stream->held);
    }
    if (!is_part || ends) replication_apply_begin(replication, bytes, stream->database);
    if (skips) session->input.start += request->size;
    else (void)run_execute_some(run, 1);
    if (!is_part || ends) replication_apply_end(replication);
    if (ends) stream->held.size = 0;
    return true;
}

/* Executes the first `count` framed requests; `skips`: steps over the one. */
static kv_status stream_batch(struct stream *stream, struct run *run, size_t count, bool skips)
{
    struct follow *follow = stream->follow;
    kv_status status = stream_await_room(stream);
    if (status != KV_OK) return status;
    following_hold(follow->following);
    bool is_wanted = following_is_wanted(follow->following, follow->master->generation),
         is_kept = true;
    for (size_t i = 0; i < count && is_wanted && is_kept; i++, run->requests++)
        is_kept = stream_execute_one(stream, run, skips);
    run_settle(run);
    if (!is_wanted) status = KV_CANCELLED;
    else if ((status = stream_review(stream)) != KV_OK || !is_kept)
        status = stream_lose_refused(stream, status);
    follow->following->stream_database = stream->session->database;
    following_release(follow->following);
    return status;
}

/* ------------------------------------------------------------------------------- odd requests */

/* True for what may be executed among others without a look. */
static bool stream_is_plain(const struct request *request)
{
    if (request->slot == NULL) return false;
    if (command_may_replicate(request->slot->command)) return true;
    command_handler *handler = request->slot->command->handler;
    return handler == multi_command || handler == exec_command || handler == discard_command ||
           (handler == ping_command && request->count == 1);
}

/* A PING may carry a change that Redis has no command for. */
static kv_status stream_take_carried(struct stream *stream, struct run *run)
{
    struct request *request = &stream->worker->requests[0];
    kv_slice carried = replication_carried(request->arguments[1]);
    if (carried.size == 0) return stream_batch(stream, run, 1, true);
    if (stream->carried == NULL)
        stream->carried = malloc(STREAM_ARGUMENTS * sizeof *stream->carried);
    size_t count = 0;
    const uint8_t *begin = carried.data, *end = begin + carried.size, *next = NULL;
    if (stream->carried != NULL)
        next = parser_frame(begin, end, stream->carried, STREAM_ARGUMENTS, &count);
    const struct command_slot *slot = NULL;
    if (next == end) slot = command_map_find(&stream->follow->resp->commands, stream->carried[0]);
    if (slot == NULL || !(slot->flags & COMMAND_WRITE))
        return follow_fail(stream->follow, "it sends a change that is not known here");
    request->slot = slot;
    request->arguments = stream->carried;
    request->count = count;
    return stream_batch(stream, run, 1, false);
}

static kv_status stream_take_select(struct stream *stream, struct run *run)
{
    const struct request *request = &run->requests[0];
    int64_t index;
    bool is_there = request->count == 2 && text_parse_integer(request->arguments[1], &index) &&
                    index >= 0 && index < (int64_t)kv_databases(stream->follow->resp->store);
    if (is_there) stream->database = (uint32_t)index;
    if (is_there) return stream_batch(stream, run, 1, false);
    return follow_fail(stream->follow, "it uses database %.*s, and there are %u here",
                       request->count == 2 && request->arguments[1].size < 20
                           ? (int)request->arguments[1].size
                           : 0,
                       request->count == 2 ? (const char *)request->arguments[1].data : "",
                       (unsigned)kv_databases(stream->follow->resp->store));
}

/* XGROUP CREATE and the like: what a container's name does not tell. */
static bool stream_is_change(const struct request *request)
{
    if (request->slot == NULL || request->count < 2) return false;
    const struct command *subcommand =
        command_find_subcommand(request->slot->command, request->arguments[1]);
    return subcommand != NULL && subcommand->facts.flags & COMMAND_WRITE;
}

/* The first framed request is none of the plain ones. */
static kv_status stream_take_odd(struct stream *stream, struct run *run)
{
    const struct request *request = &run->requests[0];
    const struct command *command = request->slot != NULL ? request->slot->command : NULL;
    if (command != NULL && command->handler == select_command)
        return stream_take_select(stream, run);
    if (command != NULL && command->handler == ping_command && request->count == 2)
        return stream_take_carried(stream, run);
    if (request->count >= 2 && text_is(request->arguments[0], "replconf")) {
        if (text_is(request->arguments[1], "getack")) stream->wants_ack = true;
        return stream_batch(stream, run, 1, true);
    }
    if (stream_is_change(request)) return stream_batch(stream, run, 1, false);
    kv_slice name = request->arguments[0];
    atomic_fetch_add(&stream->follow->following->errors, 1);
    kvresp_logf(stream->follow->resp, KVRESP_WARNING,
                "The master sends '%.*s', which is no change that this store knows: not executed",
                (int)(name.size < 64 ? name.size : 64), (const char *)name.data);
    return stream_batch(stream, run, 1, true);
}

/* ------------------------------------------------------------------------------------ the input */

/* Hands on what is between requests, unless the master is no longer wanted. */
static void stream_feed(struct stream *stream, kv_slice bytes)
{
    struct follow *follow = stream->follow;
    following_hold(follow->following);
    if (following_is_wanted(follow->following, follow->master->generation))
        replication_feed(&follow->resp->replication, bytes, stream->session->database);
    following_release(follow->following);
}

/* Empty lines are no requests, and other lines are not a master's. False: it is not one. */
static bool stream_skip_lines(struct stream *stream)
{
    struct input *input = &stream->session->input;
    const struct parser *parser = &stream->session->parser;
    if (parser->expected != 0 || parser->position != 0) return true;
    size_t from = input->start;
    while (input_size(input) > 0 &&
           (input->bytes[input->start] == '\n' || input->bytes[input->start] == '\r'))
        input->start++;
    kv_slice lines = kv_bytes(input->bytes + from, input->start - from);
    bool is_kept = true;
    if (lines.size > 0 && stream->session->flags & SESSION_MULTI)
        is_kept = text_append(&stream->held, lines) == KV_OK;
    else if (lines.size > 0) stream_feed(stream, lines);
    return is_kept && (input_size(input) == 0 || input->bytes[input->start] == '*');
}

/* Executes all complete requests of the input. */
static kv_status stream_apply_framed(struct stream *stream, struct run *run)
{
    for (;;) {
        if (!stream_skip_lines(stream))
            return follow_fail(stream->follow, "what it sends is no stream of changes");
        size_t count = run_frame(run), plain = 0;
        if (stream->session->flags & SESSION_CLOSING) {
            kv_slice error = stream_find_error(&stream->session->reply);
            return follow_fail(stream->follow, "what it sends is no stream of changes: %.*s",
                               (int)(error.size < 100 ? error.size : 100),
                               (const char *)error.data);
        }
        if (count == 0)
            return stream->session->is_failed ? follow_fail_io(stream->follow, KV_NOMEM) : KV_OK;
        run_fetch_ahead(run, count);
        while (plain < count && stream_is_plain(&run->requests[plain])) plain++;
        kv_status status =
            plain > 0 ? stream_batch(stream, run, plain, false) : stream_take_odd(stream, run);
        if (status != KV_OK) return status;
    }
}

static kv_status stream_apply(struct stream *stream)
{
    struct run run = {.ignored_gates = ~(unsigned)SESSION_GATES};
    kvresp_worker_turn(stream->worker);
    run_begin(&run, stream->worker, stream->session);
    stream->session->flags |= SESSION_MAY_NOT_BLOCK;
    kv_status status = stream_apply_framed(stream, &run);
    run_end(&run);
    kvresp_worker_rest(stream->worker);
    return status;
}

static void stream_note_received(struct stream *stream)
{
    const struct follow *follow = stream->follow;
    size_t rest = follow->end - follow->start; /* of what came with the answer */
    following_note_waiting(follow->following,
                           input_size(&stream->session->input) + stream->held.size + rest);
}

static kv_status stream_take(struct stream *stream, size_t size)
{
    input_add(&stream->session->input, size);
    stream->last_io_ms = following_clock_ms();
    stream->ack_period_ms = FOLLOW_ACK_MS;
    stream_note_received(stream);
    return stream_apply(stream);
}

/* One read and what it brings. */
static kv_status stream_turn(struct stream *stream, int64_t until_ms)
{
    struct follow *follow = stream->follow;
    void *space;
    size_t room, size = 0;
    kv_status status = kvresp_input_space(stream->session, &space, &room);
    if (status == KV_TOOBIG)
        return follow_fail(follow, "a change is larger than client-query-buffer-limit");
    if (status != KV_OK) return follow_fail_io(follow, status);
    status = follow_read(follow, space, room, until_ms, &size);
    if (status == KV_OK) return stream_take(stream, size);
    if (atomic_load(&stream->session->orders) & ORDER_CLOSE)
        return follow_fail(follow, "the link was closed by CLIENT KILL");
    return status == KV_TIMEOUT || status == KV_MORE ? KV_OK : status;
}

/* What came in one piece with the answer before the stream. */
static kv_status stream_take_rest(struct stream *stream)
{
    struct follow *follow = stream->follow;
    kv_status status = KV_OK;
    while (status == KV_OK && follow->start < follow->end) {
        void *space;
        size_t room, size = follow->end - follow->start;
        status = kvresp_input_space(stream->session, &space, &room);
        if (status != KV_OK) return follow_fail_io(follow, status);
        if (size > room) size = room;
        memcpy(space, follow->bytes + follow->start, size);
        follow->start += size;
        status = stream_take(stream, size);
    }
    return status;
}

/*
 * A Redis that has sent its data set without a file begins to send the stream with the first
 * acknowledgement that comes after its child is gone, which may be a moment after the last byte. So
 * as long as nothing has come the next one is soon, and each time twice as late.
 */
static kv_status stream_acknowledge_in_time(struct stream *stream)
{
    follow_renew_timeout(stream->follow);
    stream->ack_period_ms =
        2 * stream->ack_period_ms < FOLLOW_ACK_MS ? 2 * stream->ack_period_ms : FOLLOW_ACK_MS;
    return stream_acknowledge(stream);
}

static kv_status stream_run(struct stream *stream)
{
    struct follow *follow = stream->follow;
    stream->last_io_ms = following_clock_ms();
    stream->ack_period_ms = STREAM_FIRST_ACK_MS;
    kv_status status = stream_acknowledge(stream); /* also says that the data set has come */
    if (status == KV_OK) status = stream_take_rest(stream);
    while (status == KV_OK) {
        int64_t now_ms = following_clock_ms(), until_ms = follow->signed_ms + stream->ack_period_ms;
        if (now_ms - stream->last_io_ms > follow->timeout_ms)
            return follow_fail_io(follow, KV_TIMEOUT);
        if (now_ms >= until_ms) status = stream_acknowledge_in_time(stream);
        else if (stream->wants_ack) status = stream_acknowledge(stream);
        else status = stream_turn(stream, until_ms);
    }
    return status;
}

/* ------------------------------------------------------------------------------- open and close */

static void stream_wake(void *context)
{
    following_tell_connector(context);
}

static kv_status stream_open(struct stream *stream)
{
    struct follow *follow = stream->follow;
    kvresp_session_options options = KV_OPTIONS(kvresp_session_options);
    options.address = follow->transport->address;
    options.local_address = follow->transport->local_address;
    options.descriptor = follow->transport->descriptor;
    options.is_unix = follow->transport->is_unix;
    options.is_trusted = true;
    options.wake = stream_wake;
    options.wake_context = follow->following;
    kv_status status = kvresp_worker_open(follow->resp, &stream->worker);
    if (status == KV_OK) status = kvresp_session_open(follow->resp, &options, &stream->session);
    if (status != KV_OK) return status;
    kv_view_expires(stream->worker->view, false);
    stream->session->flags |= SESSION_OF_MASTER;
    stream->session->database = follow->following->stream_database;
    session_show(stream->session);
    return KV_OK;
}

kv_status follow_stream(struct follow *follow, bool is_old)
{
    struct stream stream = {.follow = follow, .is_old = is_old, .acked_offset = 0};
    kv_status status = stream_open(&stream);
    if (status == KV_OK) status = stream_run(&stream);
    else (void)follow_fail_io(follow, status);
    if (stream.session != NULL) kvresp_session_close(stream.session);
    kvresp_worker_close(stream.worker);
    kv_buffer_free(&stream.held);
    free(stream.carried);
    return status;
}
