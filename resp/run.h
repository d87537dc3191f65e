/*
 * resp/run.h -- the steps of the pipeline (see run.c), for whoever takes them one by one: the stream
 * of a master is executed as clients' requests are, but counted and handed on.
 *
 *     struct run run = {0};
 *     run_begin(&run, worker, session);
 *     while ((count = run_frame(&run)) > 0) {      // run.requests: complete requests of the input
 *         run_fetch_ahead(&run, count);            // their keys, while there is time
 *         run_execute(&run, count);                // and session->input moves on
 *     }
 *     run_end(&run);
 */
#ifndef KV_RESP_RUN_H
#define KV_RESP_RUN_H

#include "resp/call.h"

struct run {
    kvresp *resp;
    kvresp_worker *worker;
    kvresp_session *session;
    const struct request *requests; /* of the batch */
    struct call call;
    unsigned gates;         /* those of the append-only file, looked at once a batch */
    unsigned ignored_gates; /* that do not hold for this session */
    bool shares_time;       /* short commands may be timed together */
    bool tracks_latency;
    const struct command *timed; /* the commands since `began`: all the same */
    uint64_t timed_count, began;
    uint64_t executed;
};

/* Lets the session have what it needs to run in this thread. */
void run_begin(struct run *run, kvresp_worker *worker, kvresp_session *session);

/*
 * Frames requests, up to WORKER_AHEAD, and returns how many. Something odd is looked at when it is
 * the first. Ends a session that breaks the protocol.
 */
size_t run_frame(struct run *run);

/* Brings in what `count` framed requests will look up. */
void run_fetch_ahead(struct run *run, size_t count);

/*
 * Executes `count` framed requests, as far as they go, and consumes them. False if the session must
 * stop: it blocks, closes, pauses or has too much output.
 */
bool run_execute(struct run *run, size_t count);

/* The same for some of a batch: when all of it is done run_settle() follows. */
bool run_execute_some(struct run *run, size_t count);
void run_settle(struct run *run);

void run_end(struct run *run);

#endif
