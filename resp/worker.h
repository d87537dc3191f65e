/*
 * resp/worker.h -- what one thread needs to run commands.
 */
#ifndef KV_RESP_WORKER_H
#define KV_RESP_WORKER_H

#include "resp/session.h"

enum {
    WORKER_AHEAD = 64,             /* requests framed before the first is executed, of one session
                                      or, if they have fewer, of several */
    WORKER_ARGUMENTS = 1024,       /* of all of them together, unless one alone has more */
    WORKER_SHARE = 2048,           /* requests of one session in a turn */
    WORKER_OUTPUT_MAX = 128 * 1024 /* output that waits before a session goes on */
};

/* A framed request. */
struct request {
    const struct command_slot *slot; /* NULL: no such command */
    const kv_slice *arguments;
    size_t count;
    size_t size; /* bytes of input */
};

struct kvresp_worker {
    kvresp *resp;
    kv *view;          /* of one thread: holds its clock for a turn */
    unsigned slot;     /* in the pool */
    bool is_traceless; /* the view is told to leave access clocks alone, at present */
    struct counters counters;
    uint64_t turn_began; /* by statistics_clock(); 0: between turns */

    /*
     * The framed requests, of sessions whose `framed` names this round. A new round begins when
     * others take their place. Rounds of different workers differ.
     */
    uint64_t round;
    struct request requests[WORKER_AHEAD];
    kv_slice prefetch[WORKER_AHEAD], prefetch_members[WORKER_AHEAD]; /* for a kv_prefetch...() */
    bool prefetches_members;
    kv_slice *arguments;
    size_t argument_capacity;
    kv_buffer value, text; /* for handlers */
};

/* Lets the view's reads renew access clocks, or not (CLIENT NO-TOUCH). */
static inline void worker_leave_traces(kvresp_worker *worker, bool leaves)
{
    if (TEXT_LIKELY(worker->is_traceless == !leaves)) return;
    worker->is_traceless = !leaves;
    kv_view_touches(worker->view, leaves);
}

#endif
