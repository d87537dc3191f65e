/*
 * resp/following.h -- a store that follows a master: which one, how far the link is, what clients may
 * do meanwhile.
 *
 *     REPLICAOF  -->  wish  -->  role  -->  connector (net/)  -->  kvresp_follow()
 *                                            connects, again        replica_link.c: handshake
 *                                            and again              replica_payload.c: the data set
 *                                                                   replica_stream.c: the changes
 *
 * A wish is what a client or the configuration asked for, and what CONFIG and INFO show; it is
 * carried out at once, but for one that was queued in a transaction: its EXEC holds the store, and
 * carries it out when it has let go.
 *
 * The data, the history's id and its offset change together, under `applying`: by a batch of the
 * stream, by the end of a full sync, by a change of role. A link that finds another generation than
 * its own once it has the lock has been dismissed, and changes nothing more. (A snapshot for a replica
 * of this replica has all three of one instant by replication_apply_begin().)
 *
 * Locks in order: configuration > applying > lock, replication.lock, shards.
 */
#ifndef KV_RESP_FOLLOWING_H
#define KV_RESP_FOLLOWING_H

#include "kvresp.h"
#include "resp/replication.h"

#include <pthread.h>
#include <stdatomic.h>

enum following_state {
    FOLLOWING_CONNECT, /* to be connected */
    FOLLOWING_CONNECTING,
    FOLLOWING_HANDSHAKE,
    FOLLOWING_SYNC,
    FOLLOWING_CONNECTED
};

struct following_master {
    char host[KVRESP_HOST_SIZE]; /* "": none */
    int port;
    bool is_failover; /* the master is one only from the moment on when it is asked */
};

struct following {
    kvresp *resp;
    struct replica_link link; /* what the master's room calls */

    pthread_mutex_t applying;
    _Atomic uint64_t generation; /* how many wishes were carried out. Changed under `applying` */
    uint32_t stream_database;    /* selected where the stream stands. Under `applying` */

    pthread_mutex_t lock; /* of what follows; nothing is called under it */
    struct following_master wish;
    const kvresp_connector *connector; /* NULL: nobody here can connect */
    kvresp_connector connector_copy;
    char last_error[256]; /* why there is no link; told once, not each time it is tried */

    _Atomic int state;             /* enum following_state */
    _Atomic int64_t last_io_ms;    /* by following_clock_ms(); when the master was heard last */
    _Atomic int64_t down_since_ms; /* 0: there was no link yet */
    _Atomic int64_t read_offset; /* of what was received; of the link that is, if it is connected */
    _Atomic uint64_t sync_total, sync_read; /* bytes of a full sync; total 0: not known */
    _Atomic uint64_t full_syncs, partial_syncs, errors;
};

kv_status following_open(struct following *following, kvresp *resp);
void following_close(struct following *following);

/* A clock that never goes back. */
int64_t following_clock_ms(void);

/* ------------------------------------------------------------------------------- wishes and roles */

/* What is wished for at present. */
void following_look(struct following *following, struct following_master *wish);

/* Asks for a master, or with host "" for none. The caller sees to it that it is carried out. */
void following_wish(struct following *following, const struct following_master *wish);

/* kvresp_wanted_master() may give another answer, or the link is to be looked at. */
void following_tell_connector(struct following *following);

/*
 * The data that were loaded at the start are those of a history: a replica goes on there with its
 * master; a master writes its own continuation, for replicas that have the same data.
 */
void following_inherit(struct following *following, const char *id, int64_t offset,
                       uint32_t database);

/* The store is loaded: a replica goes on with its master. */
void following_resume(struct following *following);

/* Makes the role that of the last wish. Not in a transaction. */
void following_carry_out(struct following *following);

/* Makes the gates of sessions true: replica-read-only, replica-serve-stale-data, the state. */
void following_set_gates(struct following *following);

/* Keeps others from changing data, history or role, until following_release(). */
void following_hold(struct following *following);
void following_release(struct following *following);

/* ------------------------------------------------------------------------------------- the link */

void following_set_state(struct following *following, enum following_state state);

/* The link is up, and so many bytes of the stream that are not executed yet have come already. */
void following_connect(struct following *following, size_t waiting);

/* So many bytes of it have come now. */
void following_note_waiting(struct following *following, size_t waiting);

/* The link is down, and why. True if that is news. */
bool following_note_failure(struct following *following, const char *reason);

/* True as long as a link of this generation is wanted. */
static inline bool following_is_wanted(const struct following *following, uint64_t generation)
{
    return atomic_load(&following->generation) == generation;
}

/* Notes that the master was heard. */
static inline void following_note_io(struct following *following)
{
    atomic_store(&following->last_io_ms, following_clock_ms());
}

#endif
