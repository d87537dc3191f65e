/*
 * resp/migration.h -- MIGRATE: keys go to another server by RESTORE, and are deleted here when it has
 * them.
 *
 * What takes the time of a network is done by a thread, while the session waits and all else goes
 * on. So a key may change between being sent and being acknowledged. Each is sent with the version
 * that it has (kv_version_of) and deleted only if it still has that; otherwise it is sent once more,
 * with REPLACE, or deleted over there if it is gone here. Seen from outside a key moves at one
 * instant, when it is deleted here with what it holds having arrived. Inside a transaction, whose
 * locks nobody waits for in vain, and for kvresp_exec(), the calling thread does the same.
 *
 *     session        threads, made when needed,             links, kept for 10 s
 *     MIGRATE  --->  queue  --->  run  --->  reply          host:port  database selected
 *     waits          <--- wake ---
 *
 * Connections are made by the host's kvresp_dialer; without one MIGRATE cannot connect.
 */
#ifndef KV_RESP_MIGRATION_H
#define KV_RESP_MIGRATION_H

#include "kvresp.h"

#include <pthread.h>
#include <stdatomic.h>

enum { MIGRATION_ERROR_SIZE = 1024 + 64 };

/* A key on its way. */
struct migrated_key {
    kv_slice key;
    uint64_t version;
    bool is_left;    /* nothing more is to be done about it */
    bool is_sent;    /* in this round, and its reply is awaited */
    bool was_sent;   /* at all: it may be over there */
    bool is_removal; /* what was sent is its removal */
};

struct migration {
    struct migration *next;
    kvresp *resp;
    kvresp_session *session; /* that waits, under the lock; NULL: nobody does */
    kv *db;
    kv_slice host;
    int64_t port, database, timeout_ms;
    bool copies, replaces, is_locked; /* by a transaction: nothing changes meanwhile */
    kv_slice user, password;          /* no data: none is given */
    struct migrated_key *keys;
    size_t count;

    bool is_done;                     /* under the lock */
    bool has_deleted;                 /* keys, in this store */
    char error[MIGRATION_ERROR_SIZE]; /* "": none */
};

struct migration_link;

/* What all of them share. */
struct migrations {
    pthread_mutex_t lock;
    pthread_cond_t work, rest;
    struct migration *first, **end; /* that wait for a thread */
    size_t waiting;
    unsigned threads, idle;
    _Atomic bool is_closing;
    bool has_dialer;
    kvresp_dialer dialer;
    struct migration_link *links; /* that nobody uses, the latest used first */
    size_t link_count;
};

kv_status migrations_open(struct migrations *migrations);

/* Ends those under way and closes all links. */
void migrations_close(struct migrations *migrations);

/* Closes links that were not used for a while. Now and then. */
void migrations_sweep(struct migrations *migrations);

size_t migrations_links(struct migrations *migrations);

/* Does it, in the calling thread. */
void migration_run(struct migration *migration);

/*
 * Has it done by a thread, which wakes the session when it is. KV_OK; KV_NOMEM if there is no
 * thread. It is of malloc(), and from now on freed by whoever sees its end last.
 */
kv_status migration_start(struct migration *migration);

bool migration_is_done(struct migration *migration);

/* The session goes. False: it is under way, and its thread frees it. */
bool migration_abandon(struct migration *migration);

#endif
