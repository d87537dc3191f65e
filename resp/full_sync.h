/*
 * resp/full_sync.h -- one snapshot for all replicas that wait for one.
 *
 *     gathers    replicas join, for repl-diskless-sync-delay seconds after the first
 *     submitted  it stands in line with other snapshots; nobody joins any more
 *     begun      at its instant: where the history stands is where each of them goes on
 *     complete, failed
 *
 * Replicas that can be served with the same bytes share a sync: the version of the RDB, and what is
 * left out of it, are the same for all.
 *
 * All under replicas.lock, but what says otherwise.
 */
#ifndef KV_RESP_FULL_SYNC_H
#define KV_RESP_FULL_SYNC_H

#include "resp/replicas.h"

enum full_sync_state {
    FULL_SYNC_GATHERS,
    FULL_SYNC_SUBMITTED,
    FULL_SYNC_BEGUN,
    FULL_SYNC_COMPLETE,
    FULL_SYNC_FAILED
};

struct full_sync {
    struct full_sync *next;
    struct replicas *replicas;
    _Atomic int state;
    unsigned users;   /* replicas, and the job until it is done */
    int64_t since_ms; /* the first replica came */
    bool is_kvstore;
    unsigned filter;
    bool uses_eof; /* from submitted on: with an end mark, and sent while it is made */
    char mark[REPLICATION_ID_SIZE + 1];
    char id[REPLICATION_ID_SIZE + 1]; /* from begun on */
    int64_t offset;
    char database[11]; /* selected there, as digits */
    kv_slice aux[2];
    kv_buffer directory;
    struct spool spool;
    kvresp_snapshot_job job;
};

/* Joins one that gathers, or begins one. KV_OK or KV_NOMEM. */
kv_status full_sync_join(struct replicas *replicas, struct replica *replica, int64_t now_ms);

/* The replica has what it needs, or goes. */
void full_sync_leave(struct replica *replica);

/* Submits those that have waited long enough. Takes the lock. */
void full_syncs_start_due(struct replicas *replicas, int64_t now_ms);

/* Ends those that nobody waits for any more. Takes the lock. */
void full_syncs_cancel_unwanted(struct replicas *replicas);

#endif
