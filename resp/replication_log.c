/*
 * resp/replication_log.c -- the stream of a replication history in memory.
 */
#include "resp/replication_log.h"

#include "resp/record.h"

#include <stdlib.h>
#include <string.h>

enum {
    LOG_BLOCK = 64 * 1024, /* one write to a socket, which rarely takes more at once */
    LOG_LINK = 256 * 1024, /* records of this size become a block instead of being copied */
    LOG_COMMAND = 1024     /* the longest that is not a change */
};

/* --------------------------------------------------------------------------------------- blocks */

/* Takes the first block out; it is freed by whoever still reads it, or added to `freed`. */
static void log_unlink_first(struct replication_log *log, struct block **freed)
{
    struct block *block = blocks_unlink_first(&log->blocks);
    if (block->pins > 0) {
        block->start = UINT64_MAX; /* no longer the log's */
        return;
    }
    if (log->spare == NULL && block->capacity == LOG_BLOCK) {
        log->spare = block;
        return;
    }
    block->next = *freed;
    *freed = block;
}

static void reader_unpin(struct replication_reader *reader, struct block **freed)
{
    struct block *block = reader->block;
    reader->block = NULL;
    if (block == NULL || --block->pins > 0 || block->start != UINT64_MAX) return;
    block->next = *freed;
    *freed = block;
}

/* ------------------------------------------------------------------------------------- trimming */

static void log_overtake(struct replication_log *log, struct replication_reader *reader)
{
    reader->is_overtaken = true;
    reader->is_waiting = true;
    log->has_waiting = true;
}

/* The first byte that has to stay: of the backlog, or of the reader that is furthest behind. */
static uint64_t log_needed(struct replication_log *log)
{
    uint64_t end = log->end;
    uint64_t needed = end > log->backlog_size ? end - log->backlog_size : 0;
    for (struct replication_reader *at = log->readers; at != NULL; at = at->next) {
        uint64_t position = atomic_load_explicit(&at->position, memory_order_relaxed);
        if (log->lag_max > 0 && !at->is_overtaken && end - position > log->lag_max) {
            log_overtake(log, at);
        }
        if (!at->is_overtaken && position < needed) needed = position;
    }
    return needed;
}

/*
 * Lets go of the blocks that nobody needs. Under the lock, whenever a block is begun: so what is
 * kept is at most a block too much.
 */
static void log_trim(struct replication_log *log, struct block **freed)
{
    uint64_t needed = log_needed(log);
    struct blocks *blocks = &log->blocks;
    while (blocks->first != blocks->last && block_end(blocks->first) <= needed) {
        log_unlink_first(log, freed);
    }
    if (blocks->first != NULL && blocks->first->start > log->start)
        log->start = blocks->first->start;
}

static void log_overtake_all(struct replication_log *log)
{
    for (struct replication_reader *at = log->readers; at != NULL; at = at->next) {
        log_overtake(log, at);
    }
}

static void log_forget_all(struct replication_log *log, uint64_t position, struct block **freed)
{
    while (log->blocks.first != NULL) log_unlink_first(log, freed);
    log_overtake_all(log);
    log->start = position;
    atomic_store_explicit(&log->end, position, memory_order_release);
}

/* --------------------------------------------------------------------------------------- waking */

void replication_log_wake(struct replication_log *log)
{
    pthread_mutex_lock(&log->waking);
    aof_lock_take(&log->lock);
    log->has_waiting = false;
    aof_lock_release(&log->lock);
    /* The list changes only under `waking`. */
    for (struct replication_reader *at = log->readers; at != NULL; at = at->next) {
        aof_lock_take(&log->lock);
        bool is_waiting = at->is_waiting;
        at->is_waiting = false;
        aof_lock_release(&log->lock);
        if (is_waiting && at->wake != NULL) at->wake(at->context);
    }
    pthread_mutex_unlock(&log->waking);
}

/* What is done when the lock is let go of. */
static void log_release(struct replication_log *log, struct block *freed)
{
    bool has_waiting = log->has_waiting;
    aof_lock_release(&log->lock);
    block_free_all(freed);
    if (has_waiting) replication_log_wake(log);
}

/* ----------------------------------------------------------------------------------- life cycle */

kv_status replication_log_open(struct replication_log *log, uint64_t backlog_size)
{
    *log = (struct replication_log){.backlog_size = backlog_size, .database = -1};
    log->is_closed = true;
    return pthread_mutex_init(&log->waking, NULL) == 0 ? KV_OK : KV_NOMEM;
}

void replication_log_close(struct replication_log *log)
{
    block_free_all(log->blocks.first);
    block_free_all(log->spare);
    pthread_mutex_destroy(&log->waking);
}

void replication_log_reset(struct replication_log *log, uint64_t position)
{
    struct block *freed = NULL;
    aof_lock_take(&log->lock);
    log_forget_all(log, position, &freed);
    log->database = -1;
    if (log->spare != NULL) {
        log->spare->next = freed;
        freed = log->spare;
        log->spare = NULL;
    }
    log_release(log, freed);
}

void replication_log_overtake_all(struct replication_log *log)
{
    aof_lock_take(&log->lock);
    log_overtake_all(log);
    log_release(log, NULL);
}

void replication_log_take_changes(struct replication_log *log, bool takes)
{
    aof_lock_take(&log->lock);
    log->is_closed = !takes;
    log->database = -1;
    aof_lock_release(&log->lock);
}

uint64_t replication_log_mark(struct replication_log *log, int64_t *database)
{
    aof_lock_take(&log->lock);
    if (!log->is_closed) log->database = -1;
    *database = log->database;
    uint64_t position = log->end;
    aof_lock_release(&log->lock);
    return position;
}

void replication_log_configure(struct replication_log *log, uint64_t backlog_size, uint64_t lag_max)
{
    struct block *freed = NULL;
    aof_lock_take(&log->lock);
    log->backlog_size = backlog_size;
    log->lag_max = lag_max;
    log_trim(log, &freed);
    log_release(log, freed);
}

uint64_t replication_log_memory(struct replication_log *log)
{
    aof_lock_take(&log->lock);
    uint64_t bytes = log->blocks.capacity;
    aof_lock_release(&log->lock);
    return bytes;
}

/* ------------------------------------------------------------------------------------ appending */

/* Makes sure that the last block has room. Under the lock. */
static bool log_begin_block(struct replication_log *log, uint64_t position, struct block **freed)
{
    if (log->blocks.last != NULL && block_room(log->blocks.last) > 0) return true;
    log_trim(log, freed);
    struct block *block = log->spare;
    log->spare = NULL;
    if (block == NULL) block = block_create(LOG_BLOCK);
    if (block == NULL) return false;
    block->size = 0;
    blocks_link(&log->blocks, block, position);
    return true;
}

/* Appends bytes; they count when log->end is moved. False: out of memory. Under the lock. */
static bool log_copy(struct replication_log *log, uint64_t *position, const uint8_t *bytes,
                     size_t size, struct block **freed)
{
    while (size > 0) {
        if (!log_begin_block(log, *position, freed)) return false;
        size_t part = blocks_copy(&log->blocks, bytes, size);
        *position += part;
        bytes += part;
        size -= part;
    }
    return true;
}

/* Under the lock, which it lets go of. */
static bool log_append(struct replication_log *log, kv_slice bytes, uint64_t *end)
{
    uint64_t position = log->end;
    struct block *freed = NULL;
    *end = position + bytes.size;
    bool is_kept = log_copy(log, &position, bytes.data, bytes.size, &freed);
    if (is_kept) atomic_store_explicit(&log->end, *end, memory_order_release);
    else log_forget_all(log, *end, &freed);
    log_release(log, freed);
    return is_kept;
}

bool replication_log_append(struct replication_log *log, kv_slice bytes, int64_t database)
{
    uint64_t end;
    aof_lock_take(&log->lock);
    if (database >= 0) log->database = database;
    return log_append(log, bytes, &end);
}

bool replication_log_command(struct replication_log *log, const kv_slice *arguments, size_t count,
                             uint64_t *end)
{
    uint8_t bytes[LOG_COMMAND];
    if (record_command_bound(arguments, count) > sizeof bytes) return false;
    size_t size = (size_t)(record_put_command(bytes, arguments, count) - bytes);
    aof_lock_take(&log->lock);
    if (!log->is_closed) return log_append(log, kv_bytes(bytes, size), end);
    aof_lock_release(&log->lock);
    return false;
}

void replication_log_lose(struct replication_log *log)
{
    struct block *freed = NULL;
    aof_lock_take(&log->lock);
    log_forget_all(log, log->end + 1, &freed);
    log->database = -1;
    log_release(log, freed);
}

/* Puts a record behind what is there. False: out of memory. Under the lock. */
static bool log_put_record(struct replication_log *log, uint64_t position, struct record *record,
                           struct block **freed)
{
    struct block *block = record_take_block(record, LOG_LINK);
    if (block == NULL) return log_copy(log, &position, record->bytes, record->size, freed);
    log_trim(log, freed);
    blocks_link(&log->blocks, block, position);
    return true;
}

/* Appends a record, of which only the size may be there. */
static void log_take_record(struct replication_log *log, struct record *record, bool is_there)
{
    struct block *freed = NULL;
    aof_lock_take(&log->lock);
    if (log->is_closed) {
        aof_lock_release(&log->lock);
        return;
    }
    uint64_t position = log->end;
    uint8_t select[RECORD_SELECT];
    size_t select_size = 0;
    if (log->database != record->database)
        select_size = (size_t)(record_put_select(select, record->database) - select);
    uint64_t end = position + select_size + record->size;
    bool is_kept = is_there && log_copy(log, &position, select, select_size, &freed) &&
                   log_put_record(log, position, record, &freed);
    if (is_kept) {
        log->database = record->database_left;
        atomic_store_explicit(&log->end, end, memory_order_release);
    } else {
        log->database = -1;
        log_forget_all(log, end, &freed);
    }
    log_release(log, freed);
}

void replication_log_changes(struct replication_log *log, const kv_change *changes, size_t count)
{
    if (count == 0 || log->is_closed) return;
    struct record record;
    bool is_there = record_open(&record, changes, count);
    log_take_record(log, &record, is_there);
    record_close(&record);
}

/* -------------------------------------------------------------------------------------- readers */

bool replication_reader_open(struct replication_log *log, struct replication_reader *reader,
                             uint64_t position)
{
    pthread_mutex_lock(&log->waking);
    aof_lock_take(&log->lock);
    bool is_there = position >= log->start && position <= log->end;
    if (is_there) {
        reader->position = position;
        reader->block = NULL;
        reader->is_open = true;
        reader->is_waiting = false;
        reader->is_overtaken = false;
        reader->previous = NULL;
        reader->next = log->readers;
        if (reader->next != NULL) reader->next->previous = reader;
        log->readers = reader;
    }
    aof_lock_release(&log->lock);
    pthread_mutex_unlock(&log->waking);
    return is_there;
}

void replication_reader_close(struct replication_log *log, struct replication_reader *reader)
{
    if (!reader->is_open) return;
    struct block *freed = NULL;
    pthread_mutex_lock(&log->waking);
    aof_lock_take(&log->lock);
    reader_unpin(reader, &freed);
    if (reader->next != NULL) reader->next->previous = reader->previous;
    if (reader->previous != NULL) reader->previous->next = reader->next;
    else log->readers = reader->next;
    reader->is_open = false;
    aof_lock_release(&log->lock);
    pthread_mutex_unlock(&log->waking);
    block_free_all(freed);
}

kv_slice replication_reader_read(struct replication_log *log, struct replication_reader *reader)
{
    kv_slice bytes = {NULL, 0};
    aof_lock_take(&log->lock);
    uint64_t position = reader->position;
    if (reader->is_overtaken) {
        /* Nothing is there for it. */
    } else if (position == log->end) {
        reader->is_waiting = true;
        log->has_waiting = true;
    } else {
        struct block *block = reader->block != NULL ? reader->block : log->blocks.first;
        while (block_end(block) <= position) block = block->next;
        if (block != reader->block) {
            if (reader->block != NULL) reader->block->pins--;
            reader->block = block;
            block->pins++;
        }
        bytes = kv_bytes(block->bytes + (position - block->start),
                         (size_t)(block_end(block) - position));
    }
    aof_lock_release(&log->lock);
    return bytes;
}

void replication_reader_advance(struct replication_log *log, struct replication_reader *reader,
                                size_t size)
{
    struct block *freed = NULL;
    aof_lock_take(&log->lock);
    reader->position += size;
    struct block *block = reader->block;
    bool is_done = block != NULL && (block->start == UINT64_MAX ||
                                     (reader->position == block_end(block) && block->next != NULL));
    if (is_done) reader_unpin(reader, &freed);
    if (is_done) log_trim(log, &freed);
    log_release(log, freed);
}

uint64_t replication_reader_lag(const struct replication_log *log,
                                const struct replication_reader *reader)
{
    uint64_t position = atomic_load_explicit(&reader->position, memory_order_relaxed);
    uint64_t end = replication_log_end(log);
    return end > position ? end - position : 0;
}
