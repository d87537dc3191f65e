/*
 * resp/aof_rewrite.h -- rewriting the append-only file: when a new base is due, the snapshot that is
 * written to it, and what came of it.
 *
 *     log thread                       thread of the snapshots
 *     it is due: submit a job          who asks for one does that himself: from then on it has its
 *                                      place in line, and counts as under way if that is the first
 *     it may begin                     when the log has become what it is wished to be
 *                                      begin    a temporary file for the base
 *     a new incremental file           at the instant: aof_writer_cut()
 *     goes on in it                    write... sync; done
 *     aof_writer_rebase(), history is removed
 *
 * Until the last step the old files go on, whatever fails.
 *
 * A log that has just been asked for begins in the same way: what makes it due is that there is no
 * base yet. Without a log a rewrite makes a base and nothing follows it.
 */
#ifndef KV_RESP_AOF_REWRITE_H
#define KV_RESP_AOF_REWRITE_H

#include "resp/aof_commands.h"
#include "resp/aof_files.h"
#include "resp/aof_writer.h"
#include "resp/rdb_aux.h"
#include "resp/rdb_file.h"

struct aof_rewrite {
    kv *db;
    struct aof_files *files;
    struct aof_writer *writer;
    struct aof_log log;

    /* Settings, of any thread. */
    _Atomic int64_t percentage; /* growth at which a rewrite begins by itself; 0: never */
    _Atomic uint64_t min_size;  /* but not below this size */
    _Atomic bool avoids_rdb;    /* the base is to be commands */
    _Atomic bool stamps;        /* and to tell their time */
    _Atomic bool syncs_early, keeps_history;

    pthread_mutex_t lock; /* of these, and of what takes the job into line */
    kvresp *resp;         /* whose line of snapshots is used; NULL: one of our own */
    kvresp *own;
    kvresp *submitted; /* where the job is in line; NULL: nowhere */
    bool is_cancelled; /* nothing is to come of it */
    bool cuts;         /* the log goes on in a file of its own after the instant */
    bool is_wanted;    /* another is to begin, as soon as this one has ended or there is a line */

    /* The job: of who runs it, between its begin and its done. */
    kvresp_snapshot_job job;
    struct rdb_aux aux;
    struct rdb_file base;
    bool is_rdb;                  /* else: */
    struct aof_commands commands; /* what the snapshot hands out becomes these */
    kv_status status;
    _Atomic int phase; /* enum rewrite_phase */

    /* Of the log thread. */
    int64_t retry_us;      /* after many failures: not before; 0: any time */
    int64_t delay_minutes; /* the last such pause */
    int64_t wake_us;       /* to step at; INT64_MAX: no need */

    /* For everyone. */
    _Atomic bool is_scheduled;   /* not under way yet, as others see it: it waits for its instant */
    _Atomic uint64_t size_after; /* of all files at the end of the last one, or after loading */
    _Atomic int64_t began_us;    /* the one under way; 0: none is */
    _Atomic int64_t last_s;      /* how long the last one took; -1: there was none */
    _Atomic bool has_failed;     /* the last one */
    _Atomic uint64_t count, failures; /* begun, and failed one after another */
};

kv_status aof_rewrite_open(struct aof_rewrite *rewrite, kv *db, struct aof_files *files,
                           struct aof_writer *writer);

/* Ends what is under way. The log thread has ended. */
void aof_rewrite_close(struct aof_rewrite *rewrite);

/* Whose snapshots to stand in line with; NULL: it ends, and what is under way with it. */
void aof_rewrite_join(struct aof_rewrite *rewrite, kvresp *resp);

/*
 * Asks for a rewrite; any thread. KV_OK: it is under way from now on. KV_PENDING: it is scheduled, as
 * another snapshot, or a rewrite that was cancelled, has to end first, or because of `schedules`: the
 * caller holds up all snapshots. KV_BUSY if one is under way; KV_READONLY if no file could follow it,
 * as the disk refuses what comes before; KV_NOMEM; KV_CANCELLED while the kvresp is being closed.
 */
kv_status aof_rewrite_want(struct aof_rewrite *rewrite, bool schedules);

/* The same for the base that a log begins with: one that is under way without a log will not do. */
void aof_rewrite_want_base(struct aof_rewrite *rewrite);

/* The log is not wanted any more: ends what is under way, and gives up what is in line. */
void aof_rewrite_forget(struct aof_rewrite *rewrite);

/* The log thread: begins what is due if it may, ends what is complete, and sets wake_us. */
void aof_rewrite_step(struct aof_rewrite *rewrite, int64_t now_us, bool may_begin);

/*
 * The log thread: asks for the end of what has to do with the log as it is. True if nothing has; one
 * that may not begin yet keeps its place in line.
 */
bool aof_rewrite_cancel(struct aof_rewrite *rewrite);

enum aof_rewrite_state { AOF_REWRITE_NONE, AOF_REWRITE_SCHEDULED, AOF_REWRITE_UNDER_WAY };

enum aof_rewrite_state aof_rewrite_state(struct aof_rewrite *rewrite);

#endif
