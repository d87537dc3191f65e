/*
 * resp/aof_backlog.h -- the journal on its way to the disk: a queue of bytes that many threads
 * append to and one, the log thread, takes from.
 *
 *     positions:  0 ... released ......... written ......... appended
 *                          [ block ][ block ][ block ][ block ]      + spare blocks
 *
 * A position is a count of bytes since the queue was opened. Appenders encode outside the lock and
 * copy under it; they hold the locks of the keys they changed, so the order of positions is the
 * order of execution for each key. They are made to wait only when memory cannot be had or the
 * limit is reached.
 *
 * Bytes stay until they are released, which is when they are synced: should the disk fail to sync,
 * they are written again, as what the system keeps in its cache after such a failure cannot be
 * trusted.
 */
#ifndef KV_RESP_AOF_BACKLOG_H
#define KV_RESP_AOF_BACKLOG_H

#include "kvstore.h"
#include "resp/aof_lock.h"
#include "resp/blocks.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/* A place between two records, and the database that is selected there; -1: none yet. */
struct aof_mark {
    uint64_t position;
    int64_t database;
};

struct aof_backlog {
    struct aof_lock lock; /* of what follows */
    struct blocks blocks;
    struct block *reading, *spare;
    size_t spare_count;
    _Atomic uint64_t appended;
    uint64_t released;
    uint64_t limit;   /* of appended - released */
    int64_t database; /* selected at the end */
    kv *clock;        /* annotates records with its time; NULL: they have none */
    int64_t stamped;  /* the second of the last annotation since the file began; 0: none */
    uint64_t wake_at; /* wake the log thread when so much is appended */
    unsigned waiting; /* appenders that wait for room */
    bool discards;    /* nothing is kept of what is appended */

    pthread_mutex_t
        sleep;           /* taken by those who sleep and those who wake them, never for an append */
    pthread_cond_t wake; /* the log thread has something to do */
    pthread_cond_t room; /* appenders may try again */
    bool is_woken;
    _Atomic uint64_t releases; /* counts the occasions for appenders to try again */
};

/*
 * The clock of the room, in microseconds, and conditions on it: one that waits until an instant
 * (INT64_MAX: none) says false when it has come. Opening returns an errno.
 */
int64_t aof_now_us(void);
int aof_condition_open(pthread_cond_t *condition);
bool aof_condition_wait(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t until_us);

kv_status aof_backlog_open(struct aof_backlog *backlog, uint64_t limit);
void aof_backlog_close(struct aof_backlog *backlog);

/*
 * Appends the changes as one group of records: SELECT if the database is another one, MULTI and
 * EXEC around more than one change. A kv_journal.
 */
void aof_backlog_append(void *backlog, const kv_change *changes, size_t count);

static inline uint64_t aof_backlog_position(const struct aof_backlog *backlog)
{
    return atomic_load_explicit(&backlog->appended, memory_order_acquire);
}

/* The end of what has been appended. */
struct aof_mark aof_backlog_mark(struct aof_backlog *backlog);

/*
 * The end of what has been appended, where a new file begins: no database is selected there, as if
 * nothing came before. To be called while nobody appends.
 */
uint64_t aof_backlog_cut(struct aof_backlog *backlog);

/*
 * From now on what is appended is dropped, and those who wait for room wait no longer; or it is kept
 * again, as if nothing had come before.
 */
void aof_backlog_discard(struct aof_backlog *backlog, bool discards);

/*
 * Annotates each record that begins a new second of this store's clock: "#TS:1700000000\r\n". NULL:
 * none, as at first.
 */
void aof_backlog_stamp(struct aof_backlog *backlog, kv *clock);

/* How many bytes are appended and not released. */
uint64_t aof_backlog_held(struct aof_backlog *backlog);

/* True if appenders wait for something to be released. */
bool aof_backlog_is_full(struct aof_backlog *backlog);

/*
 * The bytes at `from`, which is below `to`: some or all of them, in one piece. For the log thread.
 */
kv_slice aof_backlog_read(struct aof_backlog *backlog, uint64_t from, uint64_t to);

/*
 * Lets go of everything below `position`. Slices into it are void. As many blocks are kept for
 * reuse as were released; true if that is more than should be kept while nothing happens: then call
 * again in a while. For the log thread.
 */
bool aof_backlog_release(struct aof_backlog *backlog, uint64_t position);

/* Changes the limit; UINT64_MAX for none. */
void aof_backlog_limit(struct aof_backlog *backlog, uint64_t limit);

/*
 * Sleeps until `position` is appended, someone pokes, or the clock reaches until_us (INT64_MAX:
 * never).
 */
void aof_backlog_wait(struct aof_backlog *backlog, uint64_t position, int64_t until_us);
void aof_backlog_poke(struct aof_backlog *backlog);

#endif
