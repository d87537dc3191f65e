/*
 * resp/replication_log.h -- the stream of a replication history in memory: bytes with positions,
 * appended by many threads, read by any number of readers where they stand.
 *
 *     position  0 ....... first ................ reader A ......... reader B ..... end
 *                           [ block ][ block ][ block ][ block ][ block ]
 *                               kept for those who come again |<- backlog size ->|
 *
 * A position is the number of bytes of the history before it: what PSYNC calls an offset, less one.
 * Bytes are there once, however many replicas read them. They stay while a reader is before them,
 * and the last `backlog_size` of them in any case. A reader who falls further behind than the
 * limits allow is overtaken: it is told so and holds nothing any more, and it is for its owner to
 * end it. When memory runs out, all are overtaken, and the log goes on empty from its end.
 *
 * Appenders encode outside the lock and copy under it, holding the locks of the keys they changed;
 * so the order of positions is the order of execution for each key. Nobody waits for a reader.
 */
#ifndef KV_RESP_REPLICATION_LOG_H
#define KV_RESP_REPLICATION_LOG_H

#include "kvstore.h"
#include "resp/aof_lock.h"
#include "resp/blocks.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/* Of its owner, who alone reads with it; the fields are the log's. */
struct replication_reader {
    struct replication_reader *next, *previous;
    _Atomic uint64_t position; /* of the next byte it reads */
    struct block *block;       /* of which it has been given bytes; NULL: none */
    _Atomic bool is_open;
    bool is_waiting; /* to be woken by the next append */
    _Atomic bool is_overtaken;
    void (*wake)(void *context); /* from any thread; may only note it */
    void *context;
};

struct replication_log {
    struct aof_lock lock; /* of what follows */
    struct blocks blocks;
    struct block *spare;
    _Atomic uint64_t start, end; /* positions of the bytes that are kept */
    uint64_t backlog_size;
    uint64_t lag_max;       /* of a reader; 0: any */
    int64_t database;       /* selected at the end; -1: none, the next change says which */
    _Atomic bool is_closed; /* no change is taken */
    struct replication_reader *readers;
    bool has_waiting;

    pthread_mutex_t waking; /* taken before the lock, for as long as wake functions are called */
};

kv_status replication_log_open(struct replication_log *log, uint64_t backlog_size);
void replication_log_close(struct replication_log *log);

/* Forgets all bytes and goes on at `position`. Readers are overtaken and woken. */
void replication_log_reset(struct replication_log *log, uint64_t position);

/*
 * Appends bytes as they are, behind which `database` is selected (-1: none, or as it was before).
 * replication_log_changes() appends a group of changes, encoded, if the
 * log takes changes: it is not open to them at first. If memory runs out, the bytes are counted as
 * far as it matters that they were, and all readers are overtaken: as by replication_log_lose().
 * replication_log_append() is false then.
 */
bool replication_log_append(struct replication_log *log, kv_slice bytes, int64_t database);
void replication_log_changes(struct replication_log *log, const kv_change *changes, size_t count);

/* Something that belongs at the end could not be made: nobody may go on reading across it. */
void replication_log_lose(struct replication_log *log);

/* All readers are overtaken and woken; the bytes stay. */
void replication_log_overtake_all(struct replication_log *log);

/*
 * Appends a command that is no change of the store, as PING, if the log takes changes, and tells
 * the position behind it. False: it does not, or memory ran out.
 */
bool replication_log_command(struct replication_log *log, const kv_slice *arguments, size_t count,
                             uint64_t *end);

/* Takes changes from here on, or no more. The next will say which database it is of. */
void replication_log_take_changes(struct replication_log *log, bool takes);

/*
 * The position now, for those who begin to read there, and the database selected; if the log takes
 * changes, the next will say which it is of, and none is selected.
 */
uint64_t replication_log_mark(struct replication_log *log, int64_t *database);

void replication_log_configure(struct replication_log *log, uint64_t backlog_size,
                               uint64_t lag_max);

static inline uint64_t replication_log_end(const struct replication_log *log)
{
    return atomic_load_explicit(&log->end, memory_order_acquire);
}

static inline uint64_t replication_log_start(const struct replication_log *log)
{
    return atomic_load_explicit(&log->start, memory_order_acquire);
}

/* Wakes the readers that wait for more. */
void replication_log_wake(struct replication_log *log);

uint64_t replication_log_memory(struct replication_log *log);

/* ------------------------------------------------------------------------------------- readers */

/*
 * Begins to read at `position`. False if what is there is not kept (or not written yet): the reader
 * is not open then. `wake` and `context` are set before. From here on the bytes stay.
 */
bool replication_reader_open(struct replication_log *log, struct replication_reader *reader,
                             uint64_t position);

/* When it returns, wake is not running and will not be called. Any reader, also one not open. */
void replication_reader_close(struct replication_log *log, struct replication_reader *reader);

/*
 * The bytes at the reader's position, some or all, in one piece; they stay until it advances. Empty
 * at the end of the log, and then `wake` is called when there is more; or if it is overtaken.
 */
kv_slice replication_reader_read(struct replication_log *log, struct replication_reader *reader);
void replication_reader_advance(struct replication_log *log, struct replication_reader *reader,
                                size_t size);

/* How far it is behind the end. */
uint64_t replication_reader_lag(const struct replication_log *log,
                                const struct replication_reader *reader);

#endif
