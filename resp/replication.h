/*
 * resp/replication.h -- the replication history of a store: what it is called, how far it goes, and
 * its last bytes. Masters and replicas have one.
 *
 *     as a master    kv_follow_messages() --> commands -----+
 *                                                           +--> replication_log --> replicas
 *     as a replica   the master's bytes, once applied ------+
 *
 * A history has an id, 40 hexadecimal digits, and an offset, the number of its bytes so far. Two
 * servers with the same id and offset have the same data. A replica has its master's id and offset,
 * and hands the master's bytes on as they are, so that whoever followed the one can go on with the
 * other. One that becomes a master writes its own continuation, under a new id; the old one is
 * remembered with the offset up to which both are the same (Redis: PSYNC2).
 *
 *     id     5f3a...  offset 1200           a replica of 5f3a..., promoted at 1200
 *     id     c04d...  offset 1200           the new history
 *     id2    5f3a...  second_offset 1201    5f3a... is good for those who want byte 1201 or less
 *
 * Offsets as PSYNC and INFO count them: the first byte of a history is number 1, `offset` is the
 * number of the last. A replica at offset n asks for n+1.
 *
 * A store without replicas pays nothing: the journal is followed, and the log kept, from the first
 * PSYNC on (replication_begin()), until there has been no replica for repl-backlog-ttl. While
 * nobody follows the journal changes are not counted, and so the history ends there: a new id is
 * chosen when it begins again.
 *
 * Threads   All functions may be called from any thread. replication_begin() holds all shards for a
 *           moment, so it may not be called in a transaction. Those that change the role, the id or
 *           begin and end the history take `lock`; the log has its own. Locks in order:
 *           configuration > replication.lock > shards > log.
 */
#ifndef KV_RESP_REPLICATION_H
#define KV_RESP_REPLICATION_H

#include "kvresp.h"
#include "resp/replication_log.h"

struct call;

enum { REPLICATION_ID_SIZE = 40 };

enum replication_role { REPLICATION_MASTER, REPLICATION_REPLICA };

/* Where a history stands: a copy, to be looked at in peace. */
struct replication_place {
    enum replication_role role;
    char id[REPLICATION_ID_SIZE + 1];
    char id2[REPLICATION_ID_SIZE + 1]; /* forty '0': none */
    int64_t offset;
    int64_t second_offset; /* the first byte that is no longer of id2; -1: none */
    bool has_strayed;      /* somebody else wrote since it became a replica: ask for a full sync */
    bool has_backlog;
    int64_t backlog_first; /* the number of the first byte that is kept */
    uint64_t backlog_length, backlog_size;
};

/*
 * What the replica's room (resp/following.h) does when it is asked by the master's side. It registers
 * one of these by replication_attach_replica(), before there are sessions. All may be called from
 * workers' threads; none waits.
 */
struct replica_link {
    void *context;

    /*
     * Follow host:port from now on, as REPLICAOF does; `failover`: the handshake says PSYNC id
     * offset FAILOVER, and failover_end() is told how it went; if it was refused, or the link is
     * lost before the answer, this server is promoted again first. KV_OK or KV_NOMEM.
     */
    kv_status (*follow)(void *context, const char *host, int port, bool failover);

    /* As REPLICAOF NO ONE: ends the link, then replication_become_master(). */
    void (*promote)(void *context);

    /* The lines of INFO replication behind "role:slave", from master_host to replica_announced. */
    void (*write_info)(void *context, kv_buffer *text);

    /* Whether the link is up, and what it brings is applied. */
    bool (*is_connected)(void *context);

    /* The whole reply of ROLE, while the role is REPLICATION_REPLICA. */
    void (*write_role)(void *context, struct call *call);
};

struct replication {
    kvresp *resp;
    _Atomic int role; /* enum replication_role */
    struct replication_log log;
    const struct replica_link *replica;

    pthread_mutex_t lock; /* of what follows */
    char id[REPLICATION_ID_SIZE + 1], id2[REPLICATION_ID_SIZE + 1];
    struct aof_lock id_lock; /* of `id` as well, for those who may not take `lock` */
    int64_t second_offset;
    _Atomic bool has_begun;
    _Atomic bool has_strayed;
    kv_follower *follower; /* NULL until a master has replicas */
};

kv_status replication_open(struct replication *replication, kvresp *resp);
void replication_close(struct replication *replication);

static inline bool replication_is_replica(const struct replication *replication)
{
    return atomic_load_explicit(&replication->role, memory_order_acquire) == REPLICATION_REPLICA;
}

/* The number of the history's last byte. */
static inline int64_t replication_offset(const struct replication *replication)
{
    return (int64_t)replication_log_end(&replication->log);
}

void replication_look(struct replication *replication, struct replication_place *place);

/* Whether a text is that id, in any case of its letters. */
bool replication_is_id(kv_slice text, const char *id);

/* The id alone; also where `lock` may not be taken. */
void replication_read_id(struct replication *replication, char id[REPLICATION_ID_SIZE + 1]);

/*
 * Lets a reader go on with byte number `offset` of history `id`, if it is this one, or was it up to
 * there, and the byte is kept. `now` receives the id that it has from here on. False: neither.
 */
bool replication_resume(struct replication *replication, kv_slice id, int64_t offset,
                        struct replication_reader *reader, char now[REPLICATION_ID_SIZE + 1]);

void replication_attach_replica(struct replication *replication, const struct replica_link *link);

/* ---------------------------------------------------------------------------- beginning and end */

/*
 * Keeps the history from here on, if it is not kept already: as a master under a new id, as changes
 * may have been missed. KV_OK or KV_NOMEM.
 */
kv_status replication_begin(struct replication *replication);

/* Forgets the log, and follows the journal no more. Replicas are overtaken: their owners drop them. */
void replication_end(struct replication *replication);

/* ------------------------------------------------------------------------------------- the role */

/*
 * From now on the changes of the store are those of a master, which replication_feed() tells: the
 * journal is not listened to. Id, offset, log and replicas stay: the new master may know this
 * history and go on with it (Redis: cached master). A write that is under way in another thread
 * makes the data another than the history says: place.has_strayed tells then, and the handshake is
 * to ask for a full sync. (Later it only tells that a replica was written to, as may be allowed.)
 */
void replication_become_replica(struct replication *replication);

/*
 * Writes its own continuation from here on: the id becomes the second one, a new one is chosen.
 * Replicas are overtaken, so that they come again and learn it. When the caller has ended the link,
 * and applied nothing that it did not feed. Without effect for a master.
 */
void replication_become_master(struct replication *replication);

/* ---------------------------------------------------------------------------- as a replica */

/*
 * A full sync begins (+FULLRESYNC): the history up to here is void. Replicas are overtaken. To be
 * called before the data set is exchanged.
 */
void replication_abandon(struct replication *replication);

/*
 * A full sync is complete: the data set is that of `id` at `offset`. Also used when a snapshot with
 * repl-id and repl-offset was loaded at the start. KV_OK or KV_NOMEM (then nothing is kept for
 * replicas of this one, and it will be tried again).
 */
kv_status replication_adopt(struct replication *replication, const char *id, int64_t offset);

/*
 * +CONTINUE, or +CONTINUE id: the history goes on where it was, under another id maybe. Then the old
 * one becomes the second, and replicas are overtaken, to come again and learn it.
 */
void replication_continue(struct replication *replication, const char *id);

/*
 * Bytes of the master's stream, whole commands as they were received, that change nothing in the
 * store: PING, SELECT. The offset grows by their size; `database` is what is selected behind them.
 */
void replication_feed(struct replication *replication, kv_slice bytes, uint32_t database);

/*
 * The same around a command that is applied, or a transaction with all its commands from MULTI to
 * EXEC, by this thread:
 *
 *     replication_apply_begin(replication, bytes, database);
 *     ... apply it ...
 *     replication_apply_end(replication);
 *
 * The bytes count from the moment at which the store is changed, under the locks of the keys. So a
 * snapshot, which replicas of this replica may be waiting for, has the change if and only if its
 * offset counts the bytes. They are lent until the end.
 */
void replication_apply_begin(struct replication *replication, kv_slice bytes, uint32_t database);
void replication_apply_end(struct replication *replication);

/* ------------------------------------------------------------------------- extensions of Redis */

/*
 * Effects that Redis 7.0 has no command for (lifetimes of fields and members) travel as the message
 * of a PING, which Redis ignores, so that the same bytes serve replicas of both kinds:
 *
 *     PING "kvstore *4\r\n$10\r\nHPEXPIREAT\r\n..."
 *
 * replication_carried() gives the request that such a message holds, as RESP; no data if it holds
 * none. A replica applies it as if it had come in place of the PING, in a transaction as well.
 */
kv_slice replication_carried(kv_slice message);

#endif
