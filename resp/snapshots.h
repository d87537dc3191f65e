/*
 * resp/snapshots.h -- background snapshots of the store, one at a time: who wants one waits for
 * those that came before. kvresp.h has the calls; here is what is behind them.
 *
 * A thread of this room's own steps the snapshot that is under way. It is begun when the first is
 * submitted and ends with the last, so that a store that takes none has no thread. Where the host
 * wants none at all, kvresp_cron() and whoever awaits a snapshot step it.
 */
#ifndef KV_RESP_SNAPSHOTS_H
#define KV_RESP_SNAPSHOTS_H

#include "kvresp.h"

#include <pthread.h>
#include <stdatomic.h>

#define SNAPSHOTS_AOF "aof" /* the name of a rewrite of the append-only file */

struct snapshots {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* of anything below */
    kvresp *resp;

    kvresp_snapshot_job *first, *last; /* in line; the first is under way or about to be */
    struct snapshots_ending *endings;  /* out of line, and their done() is running */
    kv_snapshot *snapshot;             /* of the first; of who steps it */
    bool is_begun;                     /* the first was called by begin() */
    bool is_cancelled;                 /* the first is to be ended */
    bool is_stepped;                   /* some thread is at it, without the lock */
    kv_snapshot_progress progress;     /* of the first */

    _Atomic int64_t
        key_delay_us; /* rdb-key-save-delay: a rest for each key; below 0: for so many */

    bool has_thread, is_joinable, needs_no_thread, is_closing;
    pthread_t thread;
};

/* `needs_no_thread` is set already, the rest zero. */
kv_status snapshots_open(struct snapshots *snapshots, kvresp *resp);

/* Cancels all that is in line, and ends the thread. */
void snapshots_close(struct snapshots *snapshots);

/* The share of kvresp_cron(): steps the snapshot under way if there is no thread that does. */
void snapshots_cron(struct snapshots *snapshots, int64_t budget_us);

/*
 * The name of the job under way and how far it is; NULL if there is none. The name is lent as long
 * as the job's owner keeps it: a constant.
 */
const char *snapshots_progress(struct snapshots *snapshots, kv_snapshot_progress *progress);

/* Whether nothing comes before the job, which is in line. */
bool snapshots_is_first(struct snapshots *snapshots, const kvresp_snapshot_job *job);

/* A job that was not ready is. */
void snapshots_poke(struct snapshots *snapshots);

#endif
