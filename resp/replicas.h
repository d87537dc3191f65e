/*
 * resp/replicas.h -- the master's side of replication: who follows this store, and what they are
 * sent.
 *
 * A session that asks to follow (PSYNC, SYNC) becomes a replica: from then on its output is not of
 * replies, but of the snapshot and the history that all replicas share.
 *
 *     PSYNC --> partial: what it lacks is in the log ------------------------------> ONLINE
 *          \
 *           --> WAITS --snapshot begun--> PREPARED --> RECEIVES --> AWAITS_ACK --> ONLINE
 *                 +FULLRESYNC id offset               the RDB     (with $EOF only)  the log
 *
 * With "$EOF:" the RDB is sent while it is made, with "$size" when its size is known, after
 * PREPARED. A replica that is sent an end mark has to say that it has seen it (REPLCONF ACK) before
 * more is sent, or it might take what follows for the RDB's.
 *
 * Threads   A replica belongs to its session's thread, but for what is marked. The list, and which
 *           full sync a replica waits for, are under `lock`. Locks in order: configuration >
 *           replication.lock > shards > replicas.lock > logs; nothing is called under `lock` but
 *           the host's functions to wake and to log.
 */
#ifndef KV_RESP_REPLICAS_H
#define KV_RESP_REPLICAS_H

#include "resp/replication.h"
#include "resp/spool.h"

struct full_sync;
struct replica_wait;

enum replica_state {
    REPLICA_NONE, /* may have said something by REPLCONF */
    REPLICA_WAITS,
    REPLICA_PREPARED,
    REPLICA_RECEIVES,
    REPLICA_AWAITS_ACK,
    REPLICA_ONLINE
};

/* What REPLCONF rdb-filter-only leaves out. */
enum replica_filter { FILTER_DATA = 1 << 0, FILTER_FUNCTIONS = 1 << 1 };

enum { REPLICA_ADDRESS_SIZE = 256 };

struct replica {
    kvresp_session *session;
    struct replica *next, *previous;

    /* As REPLCONF said. */
    int64_t port;
    char address[REPLICA_ADDRESS_SIZE]; /* "": that of its socket */
    bool takes_eof, takes_psync2, is_kvstore, wants_rdb_only;
    unsigned filter;

    _Atomic int state; /* changed by its thread, read by all */
    bool is_old;       /* came by SYNC: acknowledges nothing, knows no ids */
    struct replication_reader reader;
    struct full_sync *sync; /* under the lock; NULL: none, or none any more */
    struct spool_reader spool;
    int64_t soft_limit_since_ms; /* of cron */

    /* Any thread. */
    _Atomic int64_t ack, file_ack; /* offsets it has applied, and has on its disk; -1: unknown */
    _Atomic int64_t ack_ms, progress_ms;
    _Atomic bool owes_newline;
    _Atomic(const char *) end; /* why it is to be closed */
};

/* Parameters, in the order of the table in replicas.c. */
enum replicas_setting {
    REPLICAS_BACKLOG_SIZE,
    REPLICAS_BACKLOG_TTL,
    REPLICAS_TIMEOUT,
    REPLICAS_PING_PERIOD,
    REPLICAS_DISKLESS,
    REPLICAS_DELAY,
    REPLICAS_DELAY_COUNT, /* repl-diskless-sync-max-replicas */
    REPLICAS_MIN_COUNT,
    REPLICAS_MIN_LAG,
    REPLICAS_NO_DELAY, /* repl-disable-tcp-nodelay */
    REPLICAS_SETTINGS
};

enum { REPLICAS_BACKLOG_MIN = 16 * 1024 };

struct replicas {
    kvresp *resp;
    _Atomic int64_t settings[REPLICAS_SETTINGS];
    _Atomic uint64_t full_syncs, partial_syncs, failed_partial_syncs, output_bytes;
    _Atomic int64_t last_ping_ms;
    _Atomic size_t good_count; /* online, and not lagging more than min-replicas-max-lag */

    pthread_mutex_t lock;
    struct replica *first;
    _Atomic size_t count;
    struct full_sync *syncs;
    struct replica_wait *waits;
    uint64_t asked_position; /* the end of the last GETACK */

    /* Of the thread that runs cron. */
    int64_t last_second_ms, idle_since_ms;
};

kv_status replicas_open(struct replicas *replicas, kvresp *resp);
void replicas_close(struct replicas *replicas);

/* A parameter, or the limits of output, have changed. */
void replicas_configure(struct replicas *replicas);

/*
 * Counts the replicas that min-replicas-to-write is about, and refuses writes if they are too few:
 * when one comes, goes or says how far it is, and when the role or what is wanted changes; time
 * alone is looked at once a second. Takes the lock.
 */
void replicas_judge(struct replicas *replicas);

/* Ten times a second, or more often. */
void replicas_cron(struct replicas *replicas, int64_t now_ms);

static inline int64_t replicas_setting(const struct replicas *replicas, enum replicas_setting which)
{
    return atomic_load_explicit(&replicas->settings[which], memory_order_relaxed);
}

/* ----------------------------------------------------------------------------------- one replica */

/* What the session has said of itself so far, for REPLCONF to add to; NULL: out of memory. */
struct replica *replica_of(kvresp_session *session);

/* Ends it with its session. */
void replica_close(struct replica *replica);

/*
 * Goes on with byte `offset` of history `id`, as replication_resume(). False if that cannot be:
 * nothing has changed.
 */
bool replica_continue(struct replica *replica, kv_slice id, int64_t offset,
                      char now[REPLICATION_ID_SIZE + 1]);

/* Waits for a snapshot. KV_OK, KV_NOMEM. */
kv_status replica_sync(struct replica *replica);

/* Ends one that has sent what asks for a reply, in its session's turn; the log says what. */
void replica_refuse(struct replica *replica, const char *what);

/* REPLCONF ACK: offsets, -1 for none. Those that are beyond the end of the history do not count. */
void replica_acknowledge(struct replica *replica, int64_t offset, int64_t file_offset);

/* Goes from state to state, in its session's turn. False: it has to be closed, as the log says. */
bool replica_turn(struct replica *replica);

/* What it is to be sent next, when its replies are sent; what of it was sent. */
kv_slice replica_output(struct replica *replica);
void replica_sent(struct replica *replica, size_t size);

static inline bool replica_is_attached(const struct replica *replica)
{
    return replica != NULL && replica->state != REPLICA_NONE;
}

/* The bytes that it is behind. */
uint64_t replica_unread(const struct replica *replica);

/* The address others reach it at, "/unixsocket" if it has none; the port is 0 if it said none. */
void replica_name(const struct replica *replica, char address[REPLICA_ADDRESS_SIZE]);

/* Whether somebody could follow it there: not if it came by a unix socket and announced nothing. */
bool replica_is_reachable(const struct replica *replica);

/* ----------------------------------------------------------------------------- all, under the lock */

/* Tells a replica to end, with the reason for the log, a constant. */
void replica_end(struct replica *replica, const char *reason);

/* How many online replicas have `offset`, or have it on their disks. */
size_t replicas_that_have(const struct replicas *replicas, int64_t offset, bool on_disk);

/*
 * Asks the replicas how far they are: the answer comes by replica_acknowledge(). Takes the lock.
 */
void replicas_ask(struct replicas *replicas);

/*
 * How many online replicas have not said yet that they have all that was written; they are asked if
 * they were not since then. The question itself does not count. Those that came by SYNC never say
 * anything, and do not count either. Takes the lock, as does the next: it tells the log who lags.
 */
size_t replicas_lag(struct replicas *replicas);
void replicas_log_lag(struct replicas *replicas);

/* Lines of INFO replication. */
void replicas_write_info(struct replicas *replicas, kv_buffer *text, int64_t now_ms);

#endif
