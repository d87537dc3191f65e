/*
 * resp/replica_waits.h -- WAIT and WAITAOF: sessions that wait until what they wrote has reached
 * replicas, or disks.
 *
 * The waiting session finds out by itself whether it has waited enough. Those who bring news, a
 * replica's acknowledgement or the periodic work, wake the sessions for which that is so.
 */
#ifndef KV_RESP_REPLICA_WAITS_H
#define KV_RESP_REPLICA_WAITS_H

#include "kvresp.h"

#include <stdbool.h>

struct call;
struct replicas;

struct replica_wait {
    struct replica_wait *next, *previous; /* under replicas.lock */
    kvresp_session *session;
    bool is_listed, is_of_files; /* WAITAOF */
    int64_t offset;              /* of the history */
    uint64_t position;           /* of the append-only file */
    int64_t replicas, local;     /* how many are wanted */
};

/*
 * Replies if enough have what the session wrote last, or if it may not wait; else makes it wait,
 * timeout_ms long, 0 for ever. Who is to wait for the local file is answered with an error if there is
 * none, then or later.
 */
void replica_wait_begin(struct call *call, bool is_of_files, int64_t local, int64_t replicas,
                        int64_t timeout_ms);

/* Wakes who has waited enough; those that wait for the local file only if `looks_at_files`. */
void replica_waits_look(struct replicas *replicas, bool looks_at_files);

#endif
