/*
 * resp/run.c -- the pipeline: frame many requests, prefetch their keys, execute them in order.
 *
 *     input   |R1|R2|R3| ... |R64|            one pass: frame, look up the command, note the key
 *     store    k1 k2 k3 ...  k64              one kv_prefetch(): 64 cache misses overlap
 *     output  |r1|r2|r3| ... |r64|            one pass: execute, reply
 *
 * This is the hot path, and what it does for a GET is counted in nanoseconds: no copy, no
 * allocation, no lock of its own, no clock read of its own (see statistics.h). A command that is
 * not simply to be executed (a transaction is open, the client must authenticate, there is a
 * pause...) goes through call_checked() instead.
 */
#include "resp/run.h"

#include "resp/blocked.h"
#include "resp/commands.h"
#include "resp/pushes.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    RUN_LONG_REQUEST = 4 * 1024, /* bytes; longer ones are timed by themselves */
    RUN_LONG_REPLY = 16 * 1024
};

/* --------------------------------------------------------------------------------------- timing */

/* Ends a stretch of equal commands and shares its time out. The last of them is in run->call. */
static void run_end_stretch(struct run *run)
{
    if (run->timed_count == 0) return;
    uint64_t now = statistics_clock(), took = now - run->began;
    struct counters *counters = &run->worker->counters;
    counters_add(counters, run->timed, run->timed_count, took, run->tracks_latency);
    kvresp_session *session = run->session;
    if (session->errors != session->charged)
        counters_fail(counters, run->timed, session->errors - session->charged);
    session->charged = session->errors;
    if (call_is_notable(&run->call, took)) call_note(&run->call, took);
    run->executed += run->timed_count;
    run->timed_count = 0;
    run->began = now;
}

static void run_begin_stretch(struct run *run, const struct command *command)
{
    run_end_stretch(run);
    run->timed = command;
}

/* -------------------------------------------------------------------------------------- framing */

static kv_status run_make_room(kvresp_worker *worker, size_t needed)
{
    kv_slice *arguments = realloc(worker->arguments, needed * sizeof *arguments);
    if (arguments == NULL) return KV_NOMEM;
    worker->arguments = arguments;
    worker->argument_capacity = needed;
    return KV_OK;
}

/* Frames the request at the front of the input, whatever it looks like. */
static enum parser_outcome run_frame_one(struct run *run, struct parser_request *parsed)
{
    kvresp_session *session = run->session;
    struct input *input = &session->input;
    struct parser_limits limits = {resp_bulk_max(run->resp), session->flags & SESSION_STRANGER};
    parsed->scratch = &session->scratch;
    for (;;) {
        parsed->arguments = run->worker->arguments;
        parsed->room = run->worker->argument_capacity;
        enum parser_outcome outcome = parser_read(
            &session->parser, &limits, input->bytes + input->start, input_size(input), parsed);
        if (outcome == PARSER_EMPTY) input->start += parsed->size;
        else if (outcome != PARSER_ROOM) return outcome;
        else if (run_make_room(run->worker, parsed->needed) != KV_OK) return PARSER_NOMEM;
    }
}

/*
 * Frames the requests at the front of the input from worker->requests[first] on, arguments from
 * worker->arguments[*used] on, and returns how many; it ends with the input, with the room for
 * requests or arguments, or before something odd.
 */
static size_t run_frame_plain(kvresp_worker *worker, const kvresp_session *session, size_t first,
                              size_t *used)
{
    if (TEXT_UNLIKELY(session->parser.expected != 0 || session->flags & SESSION_STRANGER)) return 0;
    const struct input *input = &session->input;
    const uint8_t *at = input->bytes + input->start, *end = input->bytes + input->end;
    size_t count = first;
    for (; count < WORKER_AHEAD && at < end; count++) {
        kv_slice *arguments = worker->arguments + *used;
        struct request *request = &worker->requests[count];
        const uint8_t *next =
            parser_frame(at, end, arguments, worker->argument_capacity - *used, &request->count);
        if (next == NULL) break;
        request->slot =
            command_map_find_padded(&worker->resp->commands, arguments[0].data, arguments[0].size);
        request->arguments = arguments;
        request->size = (size_t)(next - at);
        *used += request->count;
        at = next;
    }
    return count - first;
}

size_t run_frame(struct run *run)
{
    kvresp_worker *worker = run->worker;
    kvresp_session *session = run->session;
    if (input_size(&session->input) == 0) return 0;
    size_t used = 0;
    worker->round++;
    run->requests = worker->requests;
    size_t count = run_frame_plain(worker, session, 0, &used);
    if (count > 0) return count;

    struct parser_request parsed;
    switch (run_frame_one(run, &parsed)) {
    case PARSER_DONE:
        worker->requests[0] =
            (struct request){command_map_find(&run->resp->commands, parsed.arguments[0]),
                             parsed.arguments, parsed.count, parsed.size};
        return 1;
    case PARSER_ERROR: {
        char text[80];
        snprintf(text, sizeof text, "ERR %s", parsed.message);
        if (replica_is_attached(session->replica)) replica_refuse(session->replica, "no request");
        else call_error(&run->call, text);
        session->flags |= SESSION_CLOSING;
        return 0;
    }
    case PARSER_NOMEM: session->is_failed = true; return 0;
    default: return 0;
    }
}

/* What kvresp_prefetch() has framed, if it still stands. A stranger's requests have limits. */
static size_t run_take_framed(struct run *run)
{
    struct framed *framed = &run->session->framed;
    bool stands = framed->round == run->worker->round;
    framed->round = 0;
    if (!stands || run->session->flags & SESSION_STRANGER) return 0;
    run->requests = run->worker->requests + framed->first;
    return framed->count;
}

/* What a request looks up in its collection; no data if its key is not one of a collection. */
static kv_slice run_member(const struct request *request)
{
    const struct command_slot *slot = request->slot;
    if (!slot->is_deep) return (kv_slice){NULL, 0};
    bool has_member = slot->member != 0 && slot->member < request->count;
    return has_member ? request->arguments[slot->member] : KV_TEXT("");
}

/* Adds the key of each of the requests that has one, in one place, to worker->prefetch. */
static size_t run_gather_keys(kvresp_worker *worker, const struct request *requests, size_t count,
                              size_t keys)
{
    if (keys == 0) worker->prefetches_members = false;
    for (size_t i = 0; i < count; i++) {
        const struct request *request = &requests[i];
        if (request->slot == NULL || request->slot->first_key == 0) continue;
        if (request->slot->first_key >= request->count) continue;
        worker->prefetch[keys] = request->arguments[request->slot->first_key];
        worker->prefetch_members[keys++] = run_member(request);
        worker->prefetches_members |= request->slot->is_deep;
    }
    return keys;
}

static void run_prefetch(kvresp_worker *worker, uint32_t database, size_t keys)
{
    if (keys < 2) return;
    kv_prefetch_members(kv_select(worker->view, database), worker->prefetch,
                        worker->prefetches_members ? worker->prefetch_members : NULL, keys);
}

void run_fetch_ahead(struct run *run, size_t count)
{
    size_t keys = run_gather_keys(run->worker, run->requests, count, 0);
    if (!(run->session->flags & SESSION_MULTI))
        run_prefetch(run->worker, run->session->database, keys);
}

size_t kvresp_prefetch(kvresp_worker *worker, kvresp_session *const *sessions, size_t count)
{
    size_t done = 0, framed = 0, used = 0, keys = 0;
    worker->round++;
    for (; done < count && framed < WORKER_AHEAD; done++) {
        kvresp_session *session = sessions[done];
        if (keys > 0 && session->database != sessions[done - 1]->database) {
            run_prefetch(worker, sessions[done - 1]->database, keys);
            keys = 0;
        }
        size_t more = run_frame_plain(worker, session, framed, &used);
        session->framed = (struct framed){worker->round, (uint32_t)framed, (uint32_t)more};
        keys = run_gather_keys(worker, worker->requests + framed, more, keys);
        framed += more;
    }
    if (done > 0) run_prefetch(worker, sessions[done - 1]->database, keys);
    return done;
}

/* ------------------------------------------------------------------------------------ executing */

/* What may come from one that follows; to ask to follow again is ignored. */
static bool run_is_of_replicas(const struct command_slot *slot)
{
    if (slot == NULL) return false;
    command_handler *handler = slot->command->handler;
    return handler == replconf_command || handler == psync_command || handler == sync_command;
}

/*
 * A request of one that follows: among the bytes it is sent there is no room for a reply, so that
 * one that asks for a reply has lost its way.
 */
static void run_replica(struct run *run, const struct request *request, size_t mark)
{
    kvresp_session *session = run->session;
    bool is_expected = run_is_of_replicas(request->slot);
    if (is_expected) call_checked(&run->call, request->slot);
    if (is_expected && session->reply.size - session->reply.start == mark) return;
    replica_refuse(session->replica,
                   request->slot != NULL ? request->slot->command->facts.name : "no command");
}

/* A command with something in its way. Returns false if it has to wait: it is not consumed then. */
static bool run_gated(struct run *run, const struct request *request)
{
    kvresp_session *session = run->session;
    run_end_stretch(run);
    size_t mark = run->session->reply.size - run->session->reply.start;
    if (replica_is_attached(session->replica)) run_replica(run, request, mark);
    else call_checked(&run->call, request->slot);
    session->charged = session->errors; /* those of refusals are counted as such */
    run->executed += !(session->flags & SESSION_PAUSED);

    /* CLIENT REPLY: what was said while replies were off is unsaid; pushes are no replies. */
    if (session->flags & (SESSION_REPLY_OFF | SESSION_REPLY_SKIP) && !session->has_pushed)
        session->reply.size = session->reply.start + mark;
    session->has_pushed = false;
    if (!(session->flags & (SESSION_PAUSED | SESSION_BLOCKED))) /* else the reply is yet to come */
        session->flags &= ~(uint32_t)SESSION_REPLY_SKIP;
    if (session->skip_next) session->flags |= SESSION_REPLY_SKIP;
    session->skip_next = false;
    /* What it has published to itself comes after the reply. */
    if (session->flags & SESSION_SUBSCRIBED) pushes_flush(session, SIZE_MAX);

    run->began = statistics_clock();
    return !(session->flags & SESSION_PAUSED);
}

bool run_execute_some(struct run *run, size_t count)
{
    kvresp_session *session = run->session;
    struct call *call = &run->call;
    unsigned done_flags = 0;
    bool goes_on = true;
    for (size_t i = 0; i < count && goes_on; i++) {
        const struct request *request = &run->requests[i];
        const struct command_slot *slot = request->slot;
        call->arguments = request->arguments;
        call->count = request->count;
        /* Acquired: with the end of loading comes the link to the append-only file. */
        unsigned gates = (session->flags & SESSION_GATES) | run->gates |
                         atomic_load_explicit(&run->resp->gates, memory_order_acquire);
        gates &= ~run->ignored_gates;
        if (TEXT_UNLIKELY(gates == GATE_READ_ONLY) && slot != NULL &&
            !(slot->flags & COMMAND_WRITE))
            gates = 0;
        if (TEXT_LIKELY(gates == 0 && slot != NULL && request->count >= slot->arity_min &&
                        request->count <= slot->arity_max)) {
            if (slot->command != run->timed) run_begin_stretch(run, slot->command);
            call->command = slot->command;
            slot->command->handler(call);
            run->timed_count++;
            done_flags |= slot->flags;
            session->input.start += request->size;
            size_t output = session->reply.size - session->reply.start;
            if (TEXT_UNLIKELY(!(slot->is_short & run->shares_time) ||
                              request->size > RUN_LONG_REQUEST || output > RUN_LONG_REPLY)) {
                run_end_stretch(run);
                goes_on = output < WORKER_OUTPUT_MAX;
            }
        } else {
            if (!run_gated(run, request)) return false;
            session->input.start += request->size;
        }
        if (TEXT_UNLIKELY(session->flags & (SESSION_CLOSING | SESSION_BLOCKED | SESSION_PAUSED)))
            goes_on = false;
    }
    if (done_flags & COMMAND_WRITE) session->wrote = true;
    return goes_on;
}

void run_settle(struct run *run)
{
    run_end_stretch(run);
}

bool run_execute(struct run *run, size_t count)
{
    bool goes_on = run_execute_some(run, count);
    run_settle(run);
    return goes_on;
}

/* ------------------------------------------------------------------------------------- the turn */

static unsigned run_aof_gates(const kvresp *resp)
{
    const struct aof_link *aof = resp->aof;
    if (aof == NULL) return 0;
    unsigned gates = aof->refusal(aof->context) != NULL ? GATE_REFUSE_WRITES : 0;
    return aof->is_full(aof->context) ? gates | GATE_AWAIT_ROOM : gates;
}

/*
 * Notes how far the journal goes with what was just written, and holds back the replies since
 * `from` until it is durable so far.
 */
static void run_hold(struct run *run, uint64_t from)
{
    const struct aof_link *aof = run->resp->aof;
    kvresp_session *session = run->session;
    session->wrote = false;
    session_note_offset(session);
    if (aof != NULL) session->written_position = aof->position(aof->context);
    if (aof == NULL || !aof->holds_replies(aof->context)) return;
    if (session_output_end(session) == from) return;
    uint64_t position = session->written_position;
    if (session->hold_count == HOLDS_MAX) session->holds[HOLDS_MAX - 1].position = position;
    else session->holds[session->hold_count++] = (struct hold){from, position};
}

static void run_tell_too_much(kvresp_session *session, const char *reason)
{
    kvresp_count(session->resp, KVRESP_COUNT_OUTPUT_LIMIT, 1);
    kvresp_logf(session->resp, KVRESP_WARNING, "Client id=%llu addr=%s closed for %s.",
                (unsigned long long)session->id, (const char *)session->address.data, reason);
}

/* The limits of client-output-buffer-limit. True if the session has gone too far. */
static bool run_passes_output_limit(struct run *run)
{
    kvresp_session *session = run->session;
    struct output_limit *limit = session_output_limit(session);
    uint64_t output = session_unread(session), soft = resp_setting(&limit->soft);
    uint64_t hard = resp_setting(&limit->hard);
    int64_t now_ms = kv_now(run->worker->view);
    if (soft == 0 || output < soft) session->soft_limit_since_ms = 0;
    else if (session->soft_limit_since_ms == 0) session->soft_limit_since_ms = now_ms;
    bool is_soft = session->soft_limit_since_ms != 0 &&
                   now_ms - session->soft_limit_since_ms > 1000 * atomic_load(&limit->soft_seconds);
    if (!is_soft && (hard == 0 || output < hard)) return false;
    run_tell_too_much(session, "overcoming of output buffer limits");
    return true;
}

/* With what is still to be sent, but for a replica, which is sent nothing more. */
static kvresp_state run_closes(const kvresp_session *session)
{
    return replica_is_attached(session->replica) ? KVRESP_CLOSE_NOW : KVRESP_CLOSE;
}

static kvresp_state run_requests(struct run *run)
{
    kvresp_session *session = run->session;
    run->began = statistics_clock();
    uint64_t executed_before = run->executed;
    size_t count = run_take_framed(run);
    while (run->executed - executed_before < WORKER_SHARE) {
        uint64_t from = session_output_end(session);
        if (count == 0) {
            count = run_frame(run);
            run_fetch_ahead(run, count);
        }
        run->gates = run_aof_gates(run->resp);
        if (count > 0) run_execute(run, count);
        if (session->wrote) run_hold(run, from);
        if (session->is_failed || session->reply.failed) return KVRESP_CLOSE_NOW;
        if (session->flags & SESSION_CLOSING) return run_closes(session);
        if (session->flags & SESSION_BLOCKED) return KVRESP_BLOCKED;
        if (session->flags & SESSION_PAUSED) return KVRESP_PAUSED;
        if (count == 0) return KVRESP_IDLE;
        if (session->reply.size - session->reply.start >= WORKER_OUTPUT_MAX)
            return KVRESP_OUTPUT_FULL;
        count = 0;
    }
    return KVRESP_YIELD;
}

void run_begin(struct run *run, kvresp_worker *worker, kvresp_session *session)
{
    kvresp *resp = worker->resp;
    struct settings *settings = &resp->settings;
    run->resp = resp;
    run->worker = worker;
    run->session = session;
    run->call = (struct call){.resp = resp,
                              .worker = worker,
                              .session = session,
                              .reply = &session->reply,
                              .db = kv_select(worker->view, session->database)};
    run->tracks_latency = atomic_load_explicit(&settings->tracks_latency, memory_order_relaxed);
    int64_t threshold_us =
        atomic_load_explicit(&settings->slowlog_threshold_us, memory_order_relaxed);
    run->shares_time = threshold_us < 0 || threshold_us >= 1000;
    session->pool_slot = worker->slot;
    session_judge(session);
    worker_leave_traces(worker, !(session->flags & SESSION_NO_TOUCH));
    if (session->reply.bytes != NULL) return;
    session->reply.bytes = pool_take(&resp->pool, worker->slot);
    session->reply.capacity = session->reply.bytes != NULL ? POOL_BLOCK_SIZE : 0;
}

void run_end(struct run *run)
{
    kvresp_session *session = run->session;
    session->framed.round = 0;
    input_settle(&session->input, &run->resp->pool, run->worker->slot);
    if (session->reply.size == session->reply.start) kvresp_output_consume(session, 0);
    if (run->executed > 0) {
        atomic_store_explicit(&session->shown.active_ms, kv_now(run->worker->view),
                              memory_order_relaxed);
        atomic_store_explicit(&session->shown.command, run->call.command, memory_order_relaxed);
    }
    session_show(session);
}

/* Whether a session that waits may go on. False: *state says what it does instead. */
static bool run_resume(kvresp_worker *worker, kvresp_session *session, kvresp_state *state)
{
    *state = KVRESP_CLOSE_NOW;
    if (atomic_load_explicit(&session->orders, memory_order_relaxed) & ORDER_CLOSE) return false;
    if (session->is_failed) return false;
    if (replica_is_attached(session->replica) && !replica_turn(session->replica)) return false;
    const char *failure = session->pushes != NULL ? pushes_failure(session) : NULL;
    if (failure != NULL) {
        run_tell_too_much(session, failure);
        return false;
    }
    *state = KVRESP_BLOCKED;
    if (session->flags & SESSION_BLOCKED && !blocked_look(worker, session, kv_now(worker->view)))
        return false;
    *state = KVRESP_CLOSE;
    if (session->flags & SESSION_CLOSING) return false;
    /* The command at the front will see for itself. */
    session->flags &= ~(uint32_t)(SESSION_PAUSED | SESSION_AWAITS_ROOM);
    return true;
}

/*
 * Who ends what writes wait for wakes the sessions that are shown as paused. This one has been only
 * for a moment, so it looks again: it may have ended before that.
 */
static bool run_is_held(kvresp_session *session)
{
    if (session->flags & SESSION_AWAITS_ROOM) return true;
    atomic_fetch_or(&session->shown.flags, SESSION_PAUSED); /* that comes before: in one order */
    unsigned gates = atomic_load(&session->resp->gates);
    return gates & GATE_PAUSES || (gates & GATE_HOLDS && !(gates & GATE_ENDED));
}

kvresp_state kvresp_run(kvresp_worker *worker, kvresp_session *session)
{
    struct run run = {0};
    kvresp_state state;
    run_begin(&run, worker, session);
    /* All that came before the requests is told before they are answered. */
    if (session->pushes != NULL)
        pushes_flush(session, input_size(&session->input) > 0 ? SIZE_MAX : WORKER_OUTPUT_MAX);
    uint64_t from = session_output_end(session);
    bool goes_on = run_resume(worker, session, &state);
    if (session->wrote) run_hold(&run, from); /* a blocked command was served */
    if (goes_on) state = run_requests(&run);
    if (state != KVRESP_CLOSE_NOW && run_passes_output_limit(&run)) state = KVRESP_CLOSE_NOW;
    if (session->flags & SESSION_AWAITS_ROOM) session_await_room(session);
    run_end(&run);
    if (state == KVRESP_PAUSED && !run_is_held(session)) return KVRESP_YIELD;
    return state;
}

kv_status kvresp_exec(kvresp_worker *worker, kvresp_session *session, size_t argument_count,
                      const kv_slice *arguments)
{
    if (worker == NULL || session == NULL || arguments == NULL || argument_count == 0)
        return KV_BADARG;
    if (session->flags & (SESSION_BLOCKED | SESSION_PAUSED | SESSION_CLOSING)) return KV_BADARG;
    struct run run = {0};
    kvresp_worker_turn(worker);
    run_begin(&run, worker, session);
    uint64_t from = session_output_end(session);
    struct request request = {command_map_find(&worker->resp->commands, arguments[0]), arguments,
                              argument_count, 0};
    run.call.arguments = arguments;
    run.call.count = argument_count;
    session->flags |= SESSION_MAY_NOT_BLOCK;
    if (session->pushes != NULL) pushes_flush(session, SIZE_MAX);
    (void)run_gated(&run, &request);
    session->flags &= ~(uint32_t)SESSION_MAY_NOT_BLOCK;
    if (session->wrote) run_hold(&run, from);
    run_end(&run);
    return session->is_failed || session->reply.failed ? KV_NOMEM : KV_OK;
}
