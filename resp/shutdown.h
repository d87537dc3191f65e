/*
 * resp/shutdown.h -- the end of the server, from the wish to the host that is asked.
 *
 *     none --SHUTDOWN, kvresp_shutdown()--> awaits replicas     writes are held back
 *       ^                                    |         ^
 *       | aborted; the save has failed;      v         | once: somebody has still written
 *       | the host refuses                  saves -----+
 *       |                                    |
 *       +------------------------------------+--> the host is asked, and writes are never executed
 *
 * Whoever wants to end while a shutdown is under way joins it, with the options of the first. Where
 * nothing is to be saved and no replica to be waited for, nothing is held back.
 *
 * Threads   Any. It goes on in the thread that brings the news: that of a replica which says how far
 *           it is, of the save, of kvresp_cron(), or of the host that waits. `lock` comes before
 *           those of replication, replicas and saving, and nobody who holds shards takes it.
 */
#ifndef KV_RESP_SHUTDOWN_H
#define KV_RESP_SHUTDOWN_H

#include "resp/waiters.h"

#include <stdatomic.h>

enum shutdown_state { SHUTDOWN_NONE, SHUTDOWN_AWAITS_REPLICAS, SHUTDOWN_SAVES };

struct shutdown {
    kvresp *resp;
    _Atomic int64_t timeout_s; /* shutdown-timeout */

    pthread_mutex_t lock;
    _Atomic int state;        /* this and the next: read by all */
    _Atomic int64_t until_ms; /* replicas are waited for */
    unsigned flags;           /* KVRESP_SHUTDOWN_... */
    bool asks_host;           /* else it is the host that ends */
    bool holds_writes;
    bool is_repetition;
    struct waiters waiters;
    char message[256]; /* why the last one failed */
};

kv_status shutdown_open(struct shutdown *shutdown, kvresp *resp);
void shutdown_close(struct shutdown *shutdown);

/* Begins one, or joins the one under way. `waiter` is told KV_OK, maybe at once: the server ends. */
void shutdown_begin(struct shutdown *shutdown, unsigned flags, bool asks_host,
                    struct waiter *waiter);

/* Waits, in this thread, until a waiter without a session is told. Returns what. */
kv_status shutdown_await(struct shutdown *shutdown, struct waiter *waiter);

/* SHUTDOWN ABORT. False: there is none, or it cannot be ended any more. */
bool shutdown_abort(struct shutdown *shutdown);

/* Looks whether replicas have caught up, or time is up: on their word, and now and then. */
void shutdown_look(struct shutdown *shutdown);

/* saving_want_last() has ended so; `has_changed`: something is not in the file. */
void shutdown_saved(struct shutdown *shutdown, kv_status status, bool has_changed);

static inline bool shutdown_is_under_way(const struct shutdown *shutdown)
{
    return atomic_load_explicit(&shutdown->state, memory_order_relaxed) != SHUTDOWN_NONE;
}

/* How long replicas are still waited for; 0: not any more. */
int64_t shutdown_left_ms(const struct shutdown *shutdown);

#endif
