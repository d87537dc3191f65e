/*
 * resp/shutdown.h -- the end of the server, from the wish to the host that is asked.
 *
 *     none --SHUTDOWN, kvresp_shutdown()--> saves     writes are held back
 *       ^                                    |
 *       | aborted; the save has failed;      |
 *       | the host refuses                   |
 *       +------------------------------------+--> the host is asked, and writes are never executed
 *
 * Whoever wants to end while a shutdown is under way joins it, with the options of the first. Where
 * nothing is to be saved, nothing is held back.
 *
 * Threads   Any. It goes on in the thread of the save. `lock` comes before that of saving, and nobody
 *           who holds shards takes it.
 */
#ifndef KV_RESP_SHUTDOWN_H
#define KV_RESP_SHUTDOWN_H

#include "resp/waiters.h"

enum shutdown_state { SHUTDOWN_NONE, SHUTDOWN_SAVES };

struct shutdown {
    kvresp *resp;
    pthread_mutex_t lock;
    int state;
    unsigned flags; /* KVRESP_SHUTDOWN_... */
    bool asks_host; /* else it is the host that ends */
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

/* saving_want_last() has ended so; `has_changed`: something is not in the file. */
void shutdown_saved(struct shutdown *shutdown, kv_status status, bool has_changed);

#endif
