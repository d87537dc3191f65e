/*
 * resp/failover.h -- FAILOVER: this master and one of its replicas change places, and no write is
 * lost.
 *
 *     none --FAILOVER--> waiting for sync    writes are held back; a replica catches up
 *                  ^           |
 *                  |           v  it has all, or with FORCE the time is up
 *                  +---- in progress         this one follows it; PSYNC ... FAILOVER makes it master
 *
 * The replica's room does the second half, and says by failover_end() how it went: it has promoted
 * this server again if it failed. Writes are let go on then; a replica answers that it is one.
 *
 * Threads   Any. `lock` comes before replicas.lock; neither the store nor the replica's room is
 *           called under it.
 */
#ifndef KV_RESP_FAILOVER_H
#define KV_RESP_FAILOVER_H

#include "resp/replicas.h"

enum failover_state { FAILOVER_NONE, FAILOVER_WAITS, FAILOVER_IN_PROGRESS };

struct failover {
    pthread_mutex_t lock;
    _Atomic int state; /* read by all */
    bool has_target, is_forced;
    char host[REPLICA_ADDRESS_SIZE]; /* of the target, given or found */
    int port;
    int64_t until_ms, asked_ms; /* until: 0: no limit */
};

struct failover_wish {
    kv_slice host; /* no data: any replica */
    int port;
    bool is_forced;
    int64_t timeout_ms; /* 0: none */
};

kv_status failover_open(struct failover *failover);
void failover_close(struct failover *failover);

static inline bool failover_is_under_way(const struct failover *failover)
{
    return atomic_load_explicit(&failover->state, memory_order_relaxed) != FAILOVER_NONE;
}

/* "no-failover", "waiting-for-sync", "failover-in-progress". */
const char *failover_state_name(const struct failover *failover);

/* Begins. NULL, or why not, as an error's text. */
const char *failover_begin(kvresp *resp, const struct failover_wish *wish);

/* FAILOVER ABORT. False: there is none. */
bool failover_abort(kvresp *resp, const char *reason);

/* The handshake of the link that replica->follow() began for a failover is over. */
void failover_end(kvresp *resp, bool has_succeeded);

/* Looks whether the replica has caught up, or time is up: on its word, and now and then. */
void failover_look(kvresp *resp);

#endif
