#include "resp/aof_backlog.h"

#include "resp/record.h"
#include "resp/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    BACKLOG_BLOCK = 256 * 1024, /* one write call; large enough to forget its cost */
    BACKLOG_LINK = 1024 * 1024, /* records of this size become a block instead of being copied */
    BACKLOG_SPARE = 2,          /* blocks kept when nothing happens */
    BACKLOG_HEAD = RECORD_SELECT + 64 /* what may come before a record: an annotation, SELECT */
};

/* ------------------------------------------------------------------------------------ the clock */

int64_t aof_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

bool aof_condition_wait(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t until_us)
{
    if (until_us == INT64_MAX) return pthread_cond_wait(condition, lock) == 0;
#if defined(__APPLE__)
    int64_t left = until_us - aof_now_us();
    if (left <= 0) return false;
    struct timespec at = {.tv_sec = left / 1000000, .tv_nsec = left % 1000000 * 1000};
    return pthread_cond_timedwait_relative_np(condition, lock, &at) == 0;
#else
    struct timespec at = {.tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000};
    return pthread_cond_timedwait(condition, lock, &at) == 0;
#endif
}

int aof_condition_open(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    int error = pthread_condattr_init(&attributes);
    if (error != 0) return error;
#if !defined(__APPLE__)
    error = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
#endif
    if (error == 0) error = pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
    return error;
}

/* ----------------------------------------------------------------------------------- life cycle */

kv_status aof_backlog_open(struct aof_backlog *backlog, uint64_t limit)
{
    *backlog = (struct aof_backlog){.limit = limit, .database = -1, .wake_at = UINT64_MAX};
    struct block *first = block_create(BACKLOG_BLOCK);
    if (first == NULL) return KV_NOMEM;
    blocks_link(&backlog->blocks, first, 0);

    int sleep = pthread_mutex_init(&backlog->sleep, NULL);
    int wake = sleep == 0 ? aof_condition_open(&backlog->wake) : sleep;
    int room = wake == 0 ? aof_condition_open(&backlog->room) : wake;
    if (room == 0) return KV_OK;
    if (wake == 0) pthread_cond_destroy(&backlog->wake);
    if (sleep == 0) pthread_mutex_destroy(&backlog->sleep);
    free(first);
    return KV_NOMEM;
}

void aof_backlog_close(struct aof_backlog *backlog)
{
    block_free_all(backlog->blocks.first);
    block_free_all(backlog->spare);
    pthread_cond_destroy(&backlog->room);
    pthread_cond_destroy(&backlog->wake);
    pthread_mutex_destroy(&backlog->sleep);
}

/* ------------------------------------------------------------------------------------ appending */

static void backlog_wake(struct aof_backlog *backlog)
{
    pthread_mutex_lock(&backlog->sleep);
    backlog->is_woken = true;
    pthread_mutex_unlock(&backlog->sleep);
    pthread_cond_signal(&backlog->wake);
}

/*
 * Waits, without the lock that the caller holds before and after, for the log thread to release
 * something, or a while: memory may also come from elsewhere.
 */
static void backlog_wait_for_room(struct aof_backlog *backlog)
{
    backlog->waiting++;
    uint64_t releases = backlog->releases;
    aof_lock_release(&backlog->lock);

    backlog_wake(backlog);
    int64_t until_us = aof_now_us() + 100000;
    pthread_mutex_lock(&backlog->sleep);
    while (backlog->releases == releases &&
           aof_condition_wait(&backlog->room, &backlog->sleep, until_us)) {}
    pthread_mutex_unlock(&backlog->sleep);

    aof_lock_take(&backlog->lock);
    backlog->waiting--;
}

/* Lets appenders that wait try again. */
static void backlog_tell_of_room(struct aof_backlog *backlog)
{
    pthread_mutex_lock(&backlog->sleep);
    backlog->releases++;
    pthread_mutex_unlock(&backlog->sleep);
    pthread_cond_broadcast(&backlog->room);
}

/* Makes sure of spare blocks for `size` bytes beyond what the last block takes. Under the lock. */
static bool backlog_reserve(struct aof_backlog *backlog, size_t size)
{
    size_t room = block_room(backlog->blocks.last);
    size_t needed = size <= room ? 0 : (size - room + BACKLOG_BLOCK - 1) / BACKLOG_BLOCK;
    while (backlog->spare_count < needed) {
        struct block *block = block_create(BACKLOG_BLOCK);
        if (block == NULL) return false;
        block->next = backlog->spare;
        backlog->spare = block;
        backlog->spare_count++;
    }
    return true;
}

/* Copies bytes that there is room for; returns the position behind them. */
static uint64_t backlog_copy(struct aof_backlog *backlog, uint64_t position, const uint8_t *bytes,
                             size_t size)
{
    for (;;) {
        size_t part = blocks_copy(&backlog->blocks, bytes, size);
        position += part;
        size -= part;
        bytes += part;
        if (size == 0) return position;

        struct block *block = backlog->spare;
        backlog->spare = block->next;
        backlog->spare_count--;
        block->size = 0;
        blocks_link(&backlog->blocks, block, position);
    }
}

/* What has to come before a record of `database`: the time, SELECT. Under the lock. */
static uint8_t *backlog_put_head(struct aof_backlog *backlog, uint8_t *at, uint32_t database)
{
    int64_t now = backlog->clock != NULL ? kv_now(backlog->clock) / 1000 : 0;
    if (now > backlog->stamped) {
        backlog->stamped = now;
        memcpy(at, "#TS:", 4);
        at = text_write_unsigned(at + 4, (uint64_t)now);
        memcpy(at, "\r\n", 2);
        at += 2;
    }
    return backlog->database == database ? at : record_put_select(at, database);
}

/* A record larger than the limit goes when it is alone. */
static bool backlog_has_room(struct aof_backlog *backlog, size_t size, size_t copied)
{
    uint64_t held = backlog->appended - backlog->released;
    return (held == 0 || held + size <= backlog->limit) && backlog_reserve(backlog, copied);
}

/* Queues a record, which has a block of its own if that is to be linked in instead of a copy. */
static void backlog_queue(struct aof_backlog *backlog, struct record *record)
{
    bool is_linked = record->size >= BACKLOG_LINK;
    size_t copied = BACKLOG_HEAD + (is_linked ? 0 : record->size);
    aof_lock_take(&backlog->lock);
    while (!backlog->discards && !backlog_has_room(backlog, record->size, copied)) {
        backlog_wait_for_room(backlog);
    }
    if (backlog->discards) {
        aof_lock_release(&backlog->lock);
        return;
    }

    uint64_t position = atomic_load_explicit(&backlog->appended, memory_order_relaxed);
    uint8_t head[BACKLOG_HEAD];
    size_t head_size = (size_t)(backlog_put_head(backlog, head, record->database) - head);
    if (head_size > 0) position = backlog_copy(backlog, position, head, head_size);
    backlog->database = record->database_left;
    struct block *block = record_take_block(record, BACKLOG_LINK);
    if (block != NULL) {
        blocks_link(&backlog->blocks, block, position);
        position += record->size;
    } else {
        position = backlog_copy(backlog, position, record->bytes, record->size);
    }
    atomic_store_explicit(&backlog->appended, position, memory_order_release);

    bool wake = position >= backlog->wake_at;
    if (wake) backlog->wake_at = UINT64_MAX;
    aof_lock_release(&backlog->lock);
    if (wake) backlog_wake(backlog);
}

/* Waits a while for memory. False: what is appended is discarded. */
static bool backlog_wait_for_memory(struct aof_backlog *backlog)
{
    aof_lock_take(&backlog->lock);
    bool is_wanted = !backlog->discards;
    if (is_wanted) backlog_wait_for_room(backlog);
    aof_lock_release(&backlog->lock);
    return is_wanted;
}

void aof_backlog_append(void *context, const kv_change *changes, size_t count)
{
    struct aof_backlog *backlog = context;
    if (count == 0) return;
    struct record record;
    while (!record_open(&record, changes, count)) {
        if (!backlog_wait_for_memory(backlog)) return;
    }
    backlog_queue(backlog, &record);
    record_close(&record);
}

/* ------------------------------------------------------------------------------- the log thread */

struct aof_mark aof_backlog_mark(struct aof_backlog *backlog)
{
    aof_lock_take(&backlog->lock);
    struct aof_mark mark = {backlog->appended, backlog->database};
    aof_lock_release(&backlog->lock);
    return mark;
}

uint64_t aof_backlog_cut(struct aof_backlog *backlog)
{
    aof_lock_take(&backlog->lock);
    uint64_t position = backlog->appended;
    backlog->database = -1;
    backlog->stamped = 0;
    aof_lock_release(&backlog->lock);
    return position;
}

void aof_backlog_discard(struct aof_backlog *backlog, bool discards)
{
    aof_lock_take(&backlog->lock);
    backlog->discards = discards;
    backlog->database = -1;
    backlog->stamped = 0;
    aof_lock_release(&backlog->lock);
    backlog_tell_of_room(backlog);
}

void aof_backlog_stamp(struct aof_backlog *backlog, kv *clock)
{
    aof_lock_take(&backlog->lock);
    backlog->clock = clock;
    aof_lock_release(&backlog->lock);
}

uint64_t aof_backlog_held(struct aof_backlog *backlog)
{
    aof_lock_take(&backlog->lock);
    uint64_t held = backlog->appended - backlog->released;
    aof_lock_release(&backlog->lock);
    return held;
}

bool aof_backlog_is_full(struct aof_backlog *backlog)
{
    aof_lock_take(&backlog->lock);
    bool is_full = backlog->waiting > 0;
    aof_lock_release(&backlog->lock);
    return is_full;
}

kv_slice aof_backlog_read(struct aof_backlog *backlog, uint64_t from, uint64_t to)
{
    aof_lock_take(&backlog->lock);
    struct block *block = backlog->reading;
    if (block == NULL || block->start > from) block = backlog->blocks.first;
    while (block_end(block) <= from) block = block->next;
    backlog->reading = block;
    uint64_t end = block_end(block) < to ? block_end(block) : to;
    aof_lock_release(&backlog->lock);
    return kv_bytes(block->bytes + (from - block->start), (size_t)(end - from));
}

/* Takes the spare blocks beyond `keep` out. Under the lock. */
static struct block *backlog_take_spare(struct aof_backlog *backlog, size_t keep)
{
    struct block **end = &backlog->spare;
    for (size_t i = 0; i < keep && *end != NULL; i++) end = &(*end)->next;
    struct block *taken = *end;
    *end = NULL;
    if (backlog->spare_count > keep) backlog->spare_count = keep;
    return taken;
}

/* Takes the blocks out of which nothing is needed. The large ones are added to `freed`. */
static void backlog_take_released(struct aof_backlog *backlog, struct block **freed)
{
    struct blocks *blocks = &backlog->blocks;
    while (blocks->first != blocks->last && block_end(blocks->first) <= backlog->released) {
        struct block *block = blocks_unlink_first(blocks);
        if (backlog->reading == block) backlog->reading = NULL;
        bool is_large = block->capacity != BACKLOG_BLOCK;
        struct block **list = is_large ? freed : &backlog->spare;
        block->next = *list;
        *list = block;
        backlog->spare_count += !is_large;
    }
    struct block *last = blocks->last;
    if (block_end(last) == backlog->released && last->capacity == BACKLOG_BLOCK) {
        /* It is empty: start over at its front, which is still in the cache. */
        last->start = backlog->released;
        last->size = 0;
    }
}

bool aof_backlog_release(struct aof_backlog *backlog, uint64_t position)
{
    struct block *large = NULL;
    aof_lock_take(&backlog->lock);
    if (position < backlog->released) position = backlog->released;
    size_t keep = BACKLOG_SPARE + (size_t)((position - backlog->released) / BACKLOG_BLOCK);
    backlog->released = position;
    backlog_take_released(backlog, &large);
    struct block *surplus = backlog_take_spare(backlog, keep);
    bool has_spare = backlog->spare_count > BACKLOG_SPARE;
    bool has_waiting = backlog->waiting > 0;
    aof_lock_release(&backlog->lock);

    if (has_waiting) backlog_tell_of_room(backlog);
    block_free_all(large);
    block_free_all(surplus);
    return has_spare;
}

void aof_backlog_limit(struct aof_backlog *backlog, uint64_t limit)
{
    aof_lock_take(&backlog->lock);
    backlog->limit = limit;
    aof_lock_release(&backlog->lock);
    backlog_tell_of_room(backlog);
}

void aof_backlog_wait(struct aof_backlog *backlog, uint64_t position, int64_t until_us)
{
    aof_lock_take(&backlog->lock);
    bool is_there = backlog->appended >= position;
    if (!is_there) backlog->wake_at = position;
    aof_lock_release(&backlog->lock);
    if (is_there) return;

    pthread_mutex_lock(&backlog->sleep);
    while (!backlog->is_woken && aof_condition_wait(&backlog->wake, &backlog->sleep, until_us)) {}
    backlog->is_woken = false;
    pthread_mutex_unlock(&backlog->sleep);

    aof_lock_take(&backlog->lock);
    backlog->wake_at = UINT64_MAX;
    aof_lock_release(&backlog->lock);
}

void aof_backlog_poke(struct aof_backlog *backlog)
{
    backlog_wake(backlog);
}
