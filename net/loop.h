/*
 * net/loop.h -- one thread's share of a server: its poller, its connections, what they wait for.
 *
 * A turn: wait, then collect the connections that the poller reported, those that other threads
 * posted, those with something left from the turn before, and those whose deadline has come. They
 * are served in batches: read from all, run all, write to all. Then chores.
 *
 * Before they are run, kvresp_prefetch() brings in the keys of several sessions at once. That is
 * what a batch is for: a request that comes alone waits for two or three cache misses of 200 ns,
 * thirty of them side by side wait hardly longer than one. With 50 connections and a million keys
 * it saves a sixth of the processor time of a GET. Writing to all at the end wakes a client that
 * holds many of them once, and not for each: a fifth at 64 requests each. But a batch must not
 * outgrow the cache: replies are written whenever there are LOOP_BATCH_BYTES of them. Per request
 * that comes alone there are two system calls, and a share of the wait.
 *
 * Other threads reach a loop through its inbox, a stack that needs no lock. Its bell is rung only
 * if the loop sleeps or is about to, and never by its own thread: under load a wake costs no system
 * call. What a loop posts to others, as messages to their clients, it rings for once, when a batch
 * has been executed: rung for at each message, the other loop would wake for each.
 */
#ifndef KV_NET_LOOP_H
#define KV_NET_LOOP_H

#include "kvresp.h"
#include "net/deadlines.h"
#include "net/poller.h"

#include <pthread.h>
#include <stdatomic.h>

struct connection;
struct kvnet;

struct loop {
    struct kvnet *server;
    kvresp_worker *worker;
    struct poller poller;
    unsigned index; /* loop 0 also accepts, and does the store's periodic work */
    bool has_thread;
    pthread_t thread;

    struct connection **connections;
    size_t count, capacity;
    struct connection *ready, **ready_end; /* to be turned in the next turn, in order */
    struct connection *dead;               /* freed at the end of the turn */
    struct deadlines deadlines;            /* in kv_now() time */
    int64_t now_ms;                        /* monotonic, of this turn */
    int64_t next_cron_ms, next_sweep_ms;
    int64_t timer_ms; /* when loop_rest() has set the poller's timer to */
    int last_count;   /* what the poller reported in the last turn */
    bool owes_work;   /* the last cron ended with keys due */
    bool owes_bells;  /* something was posted to other loops, whose bells are still to be rung */
    bool is_draining; /* the server stops: each connection is closed when it is idle */
    uint64_t input_bytes, output_bytes; /* of this turn */
    uint64_t reads, writes;             /* system calls of this turn */

    /* Any thread. */
    atomic_uint load; /* connections that were given to it */
    atomic_bool is_asleep;
    _Atomic(struct connection *) inbox;
};

/* KV_OK; KV_NOMEM; KV_BADARG with errno: no descriptors. After an error nothing is held. */
kv_status loop_open(struct loop *loop, struct kvnet *server, unsigned index);

/* Closes its connections, hard, and all else. Its thread must have ended. */
void loop_close(struct loop *loop);

/*
 * Waits up to timeout_ms (-1: for ever) and does one turn. False: the server stops, and no
 * connection is left.
 */
bool loop_turn(struct loop *loop, int timeout_ms);

/*
 * Leaves the loop to its host between turns: arms the bell and the timer so that its descriptor
 * tells when it has something to do.
 */
void loop_rest(struct loop *loop);

/* Any thread: has `connection` attached if it is new, else run. */
void loop_post(struct loop *loop, struct connection *connection);

/* The loop's thread: another turn for the connection in the next turn of the loop. */
void loop_enqueue(struct loop *loop, struct connection *connection);

/* Adds to, and removes from, loop->connections. False if memory is exhausted. */
bool loop_add(struct loop *loop, struct connection *connection);
void loop_remove(struct loop *loop, struct connection *connection);

#endif
