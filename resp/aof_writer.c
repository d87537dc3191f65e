#include "resp/aof_writer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    MIB = 1024 * 1024,
    WRITER_GATHER_US = 1000,         /* what is appended within it goes with one write */
    WRITER_GATHER_SIZE = 256 * 1024, /* but so much is not kept waiting */
    WRITER_BUSY_SIZE = 64 * 1024,    /* one that wrote so much expects more, and waits for it */
    WRITER_BUSY_US = 10000,
    WRITER_BUSY_GATHER_SIZE = MIB,
    WRITER_SYNC_US = 1000000,
    WRITER_LATE_US = 2000000, /* a turn that lasts longer makes sessions pause */
    /*
     * Sync before the second is over, so that what waits for it is still in the cache when its
     * chunks are used again, and the system has no heap of its own to write at once: half more
     * throughput than with 32 MiB. Less than this, and the log thread does little else.
     */
    WRITER_SYNC_SIZE = 4 * MIB,
    WRITER_PAUSE_SIZE = 64 * MIB,  /* unwritten bytes at which sessions pause */
    WRITER_LIMIT_SIZE = 128 * MIB, /* bytes in memory at which the journal itself waits */
    WRITER_RETRY_FIRST_US = 100000,
    WRITER_RETRY_LAST_US = 1000000,
    WRITER_TOLD_US = 1000 /* what took less is told to nobody */
};

static const struct aof_io *writer_io(const struct aof_writer *writer)
{
    return writer->options.files->io;
}

static void writer_log(struct aof_writer *writer, kvresp_level level, const char *what, int error)
{
    aof_logf(&writer->options.log, level, "%s: %s: %s", writer->path, what, aof_io_explain(error));
}

void aof_writer_watch(struct aof_writer *writer, aof_watch *watch, void *context)
{
    pthread_mutex_lock(&writer->wait_lock);
    writer->watch = watch;
    writer->watch_context = context;
    pthread_mutex_unlock(&writer->wait_lock);
}

static void writer_tell(struct aof_writer *writer, enum aof_work work, int64_t began_us)
{
    int64_t us = aof_now_us() - began_us;
    if (us < WRITER_TOLD_US) return;
    pthread_mutex_lock(&writer->wait_lock);
    if (writer->watch != NULL) writer->watch(writer->watch_context, work, us);
    pthread_mutex_unlock(&writer->wait_lock);
}

/* ---------------------------------------------------------------------------------------- files */

/* Writes the bytes of the queue from `from` to `to` at `offset`. */
static int writer_copy(struct aof_writer *writer, int file, uint64_t offset, uint64_t from,
                       uint64_t to)
{
    int error = 0;
    while (from < to && error == 0) {
        kv_slice bytes = aof_backlog_read(&writer->backlog, from, to);
        size_t done;
        error = aof_io_write_all(writer_io(writer), file, bytes.data, bytes.size, offset, &done);
        from += bytes.size;
        offset += bytes.size;
    }
    return error;
}

/* An incremental file that is about to be listed. */
struct writer_next {
    char *name, *path;
    int64_t sequence;
    int file; /* -1: none */
};

static void writer_drop(struct aof_writer *writer, struct writer_next *next)
{
    if (next->file >= 0) writer_io(writer)->close(writer_io(writer)->context, next->file);
    free(next->path);
    free(next->name);
}

/* Creates the next file. Returns an errno; to be dropped in any case. */
static int writer_next(struct aof_writer *writer, struct writer_next *next)
{
    *next = (struct writer_next){.file = -1};
    next->name = aof_files_next_increment(writer->options.files, &next->sequence);
    if (next->name != NULL) next->path = aof_files_path(writer->options.files, next->name);
    if (next->path == NULL) return ENOMEM;
    return aof_files_create(writer->options.files, next->path, &next->file);
}

/* ------------------------------------------------------------------------------- write and sync */

static void writer_set_written(struct aof_writer *writer, struct aof_mark mark, uint64_t size)
{
    writer->written = mark;
    atomic_store(&writer->written_position, mark.position);
    atomic_store(&writer->file_size, size);
}

static void writer_set_synced(struct aof_writer *writer)
{
    writer->synced = writer->written;
    writer->synced_size = writer->file_size;
    if (writer->is_on) atomic_store(&writer->synced_position, writer->synced.position);
}

static void writer_set_file(struct aof_writer *writer, int file, char *path)
{
    if (writer->file >= 0) writer_io(writer)->close(writer_io(writer)->context, writer->file);
    free(writer->path);
    writer->file = file;
    writer->path = path;
}

/* Goes on in the next file, which is listed and holds `size` bytes, synced, up to the mark. */
static void writer_go_on(struct aof_writer *writer, struct writer_next *next, struct aof_mark mark,
                         uint64_t size)
{
    atomic_fetch_add(&writer->earlier_size, writer->file_size);
    writer_set_file(writer, next->file, next->path);
    free(next->name);
    writer_set_written(writer, mark, size);
    writer_set_synced(writer);
}

static int writer_write(struct aof_writer *writer, struct aof_mark mark)
{
    if (mark.position == writer->written.position) return 0;
    uint64_t size = writer->file_size;
    int64_t began_us = aof_now_us();
    int error = writer_copy(writer, writer->file, size, writer->written.position, mark.position);
    writer_tell(writer, AOF_WORK_WRITE, began_us);
    if (error != 0) {
        /* Should this fail too: the next attempt writes the same bytes over what stands there. */
        writer_io(writer)->truncate(writer_io(writer)->context, writer->file, size);
        return error;
    }
    writer_set_written(writer, mark, size + (mark.position - writer->written.position));
    return 0;
}

static void writer_tell_sync(struct aof_writer *writer, int64_t began_us)
{
    if (writer->fsync == KVRESP_FSYNC_ALWAYS)
        writer_tell(writer, AOF_WORK_SYNC_FOR_REPLIES, began_us);
    else if (aof_backlog_position(&writer->backlog) > writer->written.position)
        writer_tell(writer, AOF_WORK_SYNC, began_us);
}

static int writer_sync(struct aof_writer *writer, int64_t now_us)
{
    const struct aof_io *io = writer_io(writer);
    int64_t began_us = aof_now_us();
    atomic_store(&writer->sync_started_us, began_us);
    int error = io->sync(io->context, writer->file);
    atomic_store(&writer->sync_started_us, 0);
    writer_tell_sync(writer, began_us);
    writer->last_sync_us = now_us;
    if (error == 0) {
        writer_set_synced(writer);
        return 0;
    }
    writer->is_broken = writer->backlog.released > writer->synced.position;
    writer->must_switch = !writer->is_broken;
    return error;
}

static bool writer_sync_is_due(struct aof_writer *writer, int64_t now_us)
{
    uint64_t unsynced = writer->written.position - writer->synced.position;
    if (unsynced == 0) return false;
    if (writer->fsync == KVRESP_FSYNC_ALWAYS || writer->flushes) return true;
    if (writer->sync_wanted > writer->synced.position) return true;
    if (writer->fsync == KVRESP_FSYNC_NO) return false;
    return unsynced >= WRITER_SYNC_SIZE || now_us - writer->last_sync_us >= WRITER_SYNC_US ||
           aof_backlog_is_full(&writer->backlog);
}

/* --------------------------------------------------------------------------------------- errors */

/*
 * Writes SELECT, as a file begins in database 0, and everything since the last sync to a new file.
 */
static int writer_fill(struct aof_writer *writer, int file, struct aof_mark mark, uint64_t *size)
{
    char select[64], digits[24];
    int digit_count = snprintf(digits, sizeof digits, "%" PRId64, writer->synced.database);
    int length =
        snprintf(select, sizeof select, "*2\r\n$6\r\nSELECT\r\n$%d\r\n%s\r\n", digit_count, digits);
    if (writer->synced.database < 0) length = 0;

    size_t done;
    int error = aof_io_write_all(writer_io(writer), file, select, (size_t)length, 0, &done);
    if (error != 0) return error;
    error = writer_copy(writer, file, (uint64_t)length, writer->synced.position, mark.position);
    if (error != 0) return error;
    *size = (uint64_t)length + (mark.position - writer->synced.position);
    return writer_io(writer)->sync(writer_io(writer)->context, file);
}

/*
 * After a failed sync: the old file ends where it was last known to be good, and all that came
 * later goes to a new one. Each step may fail and all are then done again, under the same name. A
 * crash in between finds the old file alone, or both, the new one perhaps short: no more is lost
 * than was not synced.
 */
static int writer_switch(struct aof_writer *writer, struct aof_mark mark)
{
    const struct aof_io *io = writer_io(writer);
    writer_set_written(writer, writer->synced, writer->synced_size);
    int error = io->truncate(io->context, writer->file, writer->synced_size);
    if (error == 0) error = io->sync(io->context, writer->file);
    if (error != 0) return error;

    struct writer_next next;
    uint64_t size = 0;
    error = writer_next(writer, &next);
    if (error == 0) {
        error = writer_fill(writer, next.file, mark, &size);
        if (error == 0) error = aof_files_list(writer->options.files, next.sequence, next.name);
    }
    if (error != 0) {
        writer_drop(writer, &next);
        return error;
    }

    aof_logf(&writer->options.log, KVRESP_WARNING,
             "%s: could not be synced, cut to %" PRIu64 " bytes; going on in %s", writer->path,
             writer->synced_size, next.path);
    writer->must_switch = false;
    writer_go_on(writer, &next, mark, size);
    return 0;
}

static void writer_fail(struct aof_writer *writer, int error, int64_t now_us)
{
    bool is_first = writer->error == 0;
    atomic_store(&writer->error, error);
    writer->retry_delay_us = is_first ? WRITER_RETRY_FIRST_US : 2 * writer->retry_delay_us;
    if (writer->retry_delay_us > WRITER_RETRY_LAST_US)
        writer->retry_delay_us = WRITER_RETRY_LAST_US;
    writer->retry_us = now_us + writer->retry_delay_us;
    if (writer->is_broken) {
        writer_log(
            writer, KVRESP_WARNING,
            "cannot be synced, and what may be missing in it is no longer in memory (appendfsync "
            "no). Writes are refused from now on; save the data elsewhere before closing",
            error);
    } else if (is_first) {
        writer_log(writer, KVRESP_WARNING, "cannot be written; refusing writes until it can",
                   error);
    }
    if (!is_first) return;
    aof_backlog_limit(&writer->backlog, UINT64_MAX);
    writer->options.accept_writes(writer->options.accept_context, false);
}

/* There is no error any more. */
static void writer_accept(struct aof_writer *writer)
{
    if (writer->error == 0) return;
    atomic_store(&writer->error, 0);
    aof_backlog_limit(&writer->backlog, WRITER_LIMIT_SIZE);
    writer->options.accept_writes(writer->options.accept_context, true);
}

static void writer_heal(struct aof_writer *writer)
{
    int error = writer->error;
    if (error == 0) return;
    writer_accept(writer);
    writer_log(writer, KVRESP_NOTICE, "can be written again; accepting writes; it was", error);
}

/* -------------------------------------------------------------------------------------- waiting */

bool aof_writer_is_behind(struct aof_writer *writer)
{
    if (writer->error != 0) return false; /* writes are refused, and reads may go on */
    uint64_t unwritten = aof_backlog_position(&writer->backlog) - writer->written_position;
    /* The two may be read at different times; a negative number means nothing is waiting. */
    if ((int64_t)unwritten > WRITER_PAUSE_SIZE) return true;

    int64_t started_us = writer->turn_started_us;
    if (started_us == 0 || writer->fsync != KVRESP_FSYNC_EVERYSEC) return false;
    if (aof_now_us() - started_us <= WRITER_LATE_US) return false;
    if (!atomic_exchange(&writer->turn_is_late, true)) atomic_fetch_add(&writer->delayed_syncs, 1);
    return true;
}

bool aof_writer_is_durable(const struct aof_writer *writer, uint64_t position)
{
    return writer->synced_position >= position || writer->fsync != KVRESP_FSYNC_ALWAYS ||
           !writer->is_on;
}

static bool writer_is_due(struct aof_writer *writer, const struct aof_waiter *waiter)
{
    if (waiter->position == AOF_AWAIT_ROOM) return !aof_writer_is_behind(writer);
    return aof_writer_is_durable(writer, waiter->position);
}

static void writer_unlist(struct aof_writer *writer, struct aof_waiter *waiter)
{
    if (waiter->next != NULL) waiter->next->previous = waiter->previous;
    if (waiter->previous != NULL) waiter->previous->next = waiter->next;
    else writer->waiters = waiter->next;
    waiter->is_waiting = false;
}

/*
 * The log thread sets what is_due() looks at before it takes the lock, so whoever joins the list is
 * either due already or found by it.
 */
void aof_writer_await(struct aof_writer *writer, struct aof_waiter *waiter, uint64_t position)
{
    pthread_mutex_lock(&writer->wait_lock);
    if (waiter->is_waiting) writer_unlist(writer, waiter);
    waiter->position = position;
    bool is_due = writer_is_due(writer, waiter);
    if (!is_due) {
        waiter->previous = NULL;
        waiter->next = writer->waiters;
        if (waiter->next != NULL) waiter->next->previous = waiter;
        writer->waiters = waiter;
        waiter->is_waiting = true;
    }
    pthread_mutex_unlock(&writer->wait_lock);
    if (is_due) waiter->wake(waiter->context);
}

void aof_writer_forget(struct aof_writer *writer, struct aof_waiter *waiter)
{
    pthread_mutex_lock(&writer->wait_lock);
    if (waiter->is_waiting) writer_unlist(writer, waiter);
    pthread_mutex_unlock(&writer->wait_lock);
}

/* Under the lock, so that a waiter that is forgotten is not being woken. */
static void writer_wake_waiters(struct aof_writer *writer)
{
    pthread_mutex_lock(&writer->wait_lock);
    for (struct aof_waiter *waiter = writer->waiters, *next; waiter != NULL; waiter = next) {
        next = waiter->next;
        if (!writer_is_due(writer, waiter)) continue;
        writer_unlist(writer, waiter);
        waiter->wake(waiter->context);
    }
    pthread_cond_broadcast(&writer->wait_done);
    pthread_mutex_unlock(&writer->wait_lock);
}

void aof_writer_turn_begins(struct aof_writer *writer, int64_t now_us)
{
    atomic_store(&writer->turn_started_us, now_us);
}

void aof_writer_turn_ends(struct aof_writer *writer)
{
    atomic_store(&writer->turn_started_us, 0);
    if (atomic_exchange(&writer->turn_is_late, false)) writer_wake_waiters(writer);
}

static void writer_want_sync(struct aof_writer *writer, uint64_t position)
{
    uint64_t wanted = writer->sync_wanted;
    while (wanted < position &&
           !atomic_compare_exchange_weak(&writer->sync_wanted, &wanted, position)) {}
    aof_backlog_poke(&writer->backlog);
}

kv_status aof_writer_wait(struct aof_writer *writer, uint64_t position, int64_t timeout_ms)
{
    if (position > aof_backlog_position(&writer->backlog) || timeout_ms < 0) return KV_BADARG;
    if (writer->synced_position >= position) return KV_OK;
    int64_t now_us = aof_now_us();
    bool is_bounded = timeout_ms > 0 && timeout_ms < (INT64_MAX - now_us) / 1000;
    int64_t until_us = is_bounded ? now_us + 1000 * timeout_ms : INT64_MAX;

    writer_want_sync(writer, position);
    kv_status status = KV_OK;
    pthread_mutex_lock(&writer->wait_lock);
    while (writer->synced_position < position && status == KV_OK) {
        if (!writer->follows) status = KV_NONE;
        else if (writer->error != 0) status = KV_READONLY;
        else if (!aof_condition_wait(&writer->wait_done, &writer->wait_lock, until_us))
            status = KV_TIMEOUT;
    }
    if (writer->synced_position >= position) status = KV_OK;
    pthread_mutex_unlock(&writer->wait_lock);
    return status;
}

void aof_writer_set_fsync(struct aof_writer *writer, kvresp_fsync fsync)
{
    atomic_store(&writer->fsync, (int)fsync);
    aof_backlog_poke(&writer->backlog);
}

/* ---------------------------------------------------------------------------------------- steps */

static void writer_sleep(struct aof_writer *writer, uint64_t position, int64_t until_us)
{
    writer->wake_position = position;
    writer->wake_us = until_us;
}

/*
 * True if what is appended should wait a moment for more; the sleep is then set. Where much is
 * appended a write waits longer for more to go with it: it saves a tenth of the processor time of
 * a SET, as the log thread shares the cores with those that append.
 */
static bool writer_gathers(struct aof_writer *writer, struct aof_mark mark, int64_t now_us)
{
    uint64_t unwritten = mark.position - writer->written.position;
    uint64_t enough = writer->is_busy ? WRITER_BUSY_GATHER_SIZE : WRITER_GATHER_SIZE;
    bool is_urgent = writer->fsync == KVRESP_FSYNC_ALWAYS || writer->flushes ||
                     writer->sync_wanted > writer->synced.position || unwritten >= enough;
    if (unwritten == 0 || is_urgent) return false;
    if (writer->gather_until_us == 0) writer->gather_until_us = now_us + WRITER_GATHER_US;
    if (now_us >= writer->gather_until_us) return false;
    writer_sleep(writer, writer->written.position + enough, writer->gather_until_us);
    return true;
}

/*
 * Sleeps till there is something to write: the first byte wakes the thread; under load there will be
 * some, and it begins to gather at once.
 */
static void writer_sleep_until_appended(struct aof_writer *writer, int64_t now_us, int64_t until_us)
{
    uint64_t position = writer->written.position + 1;
    if (writer->is_busy && writer->fsync != KVRESP_FSYNC_ALWAYS) {
        writer->gather_until_us = now_us + WRITER_BUSY_US;
        if (writer->gather_until_us < until_us) until_us = writer->gather_until_us;
        position = writer->written.position + WRITER_BUSY_GATHER_SIZE;
    }
    writer_sleep(writer, position, until_us);
}

/* ------------------------------------------------------------------------------ at a cut, and after */

/* What is appended is of no use to anybody. */
static void writer_pass(struct aof_writer *writer, struct aof_mark mark)
{
    writer_set_written(writer, mark, 0);
    writer_set_synced(writer);
}

static void writer_end_cut(struct aof_writer *writer, int64_t sequence, int error)
{
    writer->cut_sequence = sequence;
    writer->cut_error = error;
    writer->cut_earlier = writer->earlier_size;
    atomic_store(&writer->cut, AOF_NO_CUT);
}

/* Begins a log whose base is being written. */
static void writer_begin_unlisted(struct aof_writer *writer)
{
    struct aof_files *files = writer->options.files;
    int file = -1;
    char *path = text_duplicate(kv_text(files->temporary_increment));
    int error = path != NULL ? aof_files_create(files, path, &file) : ENOMEM;
    if (error == 0) {
        writer->is_unlisted = true;
        writer->earlier_size = 0;
        writer_set_file(writer, file, path);
    } else {
        free(path);
    }
    writer_end_cut(writer, 0, error);
}

/*
 * Ends the file at a cut and goes on in the next. That there is none to go on in is the rewrite's
 * misfortune, not the log's, unless the manifest may have it: then the file that was must not be
 * continued, and the list is to be mended first.
 */
static int writer_turn(struct aof_writer *writer, struct aof_mark mark, int64_t now_us)
{
    int error = writer->synced.position < mark.position ? writer_sync(writer, now_us) : 0;
    if (error != 0) return error;

    struct aof_files *files = writer->options.files;
    struct writer_next next;
    error = writer_next(writer, &next);
    bool is_created = error == 0;
    if (is_created) error = aof_files_list(files, next.sequence, next.name);
    if (error == 0) {
        int64_t sequence = next.sequence;
        writer_go_on(writer, &next, mark, 0);
        writer_end_cut(writer, sequence, 0);
        return 0;
    }
    bool may_be_listed = is_created && files->is_in_doubt;
    if (is_created && !may_be_listed) aof_files_remove(files, next.path);
    writer_drop(writer, &next);
    if (may_be_listed) return error;
    writer_end_cut(writer, 0, error);
    return 0;
}

void aof_writer_cut(struct aof_writer *writer)
{
    atomic_store(&writer->cut, aof_backlog_cut(&writer->backlog));
    aof_backlog_poke(&writer->backlog);
}

/* The unlisted file, if that is what there is, is no more. */
static void writer_give_up(struct aof_writer *writer, int error)
{
    if (!writer->is_unlisted) return;
    writer_set_file(writer, -1, NULL);
    aof_files_remove(writer->options.files, writer->options.files->temporary_increment);
    writer->is_unlisted = writer->must_switch = writer->is_broken = false;
    writer->cut_error = error;
}

void aof_writer_abandon(struct aof_writer *writer)
{
    if (writer->file < 0) atomic_store(&writer->cut, AOF_NO_CUT);
    writer_give_up(writer, ECANCELED);
}

int aof_writer_rebase(struct aof_writer *writer, bool is_rdb, uint64_t size)
{
    if (writer->cut_error != 0) return writer->cut_error;
    bool is_unlisted = writer->is_unlisted;
    int error = is_unlisted ? writer_sync(writer, aof_now_us()) : 0;
    struct aof_replacement replacement = {
        .is_rdb = is_rdb,
        .first_increment = writer->file >= 0 ? writer->cut_sequence : INT64_MAX,
        .has_increment = is_unlisted,
    };
    int64_t began_us = aof_now_us();
    if (error == 0) error = aof_files_replace(writer->options.files, &replacement);
    writer_tell(writer, AOF_WORK_REBASE, began_us);
    if (error != 0) return error;

    writer->earlier_size = size + (writer->earlier_size - writer->cut_earlier);
    if (is_unlisted) {
        free(writer->path);
        writer->path = replacement.increment_path;
        writer->is_unlisted = false;
        atomic_store(&writer->is_on, true);
        writer_set_synced(writer);
    }
    return 0;
}

/* --------------------------------------------------------------------------------------- a step */

/* What is due for the file, up to the mark. */
static void writer_advance(struct aof_writer *writer, struct aof_mark mark, bool is_cut,
                           int64_t now_us)
{
    int error = writer->must_switch ? writer_switch(writer, mark) : 0;
    if (error == 0) error = writer_write(writer, mark);
    if (error == 0 && is_cut) error = writer_turn(writer, mark, now_us);
    else if (error == 0 && writer_sync_is_due(writer, now_us)) error = writer_sync(writer, now_us);
    if (error == 0) writer_heal(writer);
    else if (writer->is_unlisted) writer_give_up(writer, error);
    else writer_fail(writer, error, now_us);
}

static void writer_sleep_after(struct aof_writer *writer, bool has_spare, int64_t now_us)
{
    bool will_sync = writer->fsync == KVRESP_FSYNC_EVERYSEC &&
                     writer->synced.position < writer->written.position;
    int64_t until_us = INT64_MAX;
    if (has_spare) until_us = now_us + WRITER_SYNC_US;
    if (will_sync) until_us = writer->last_sync_us + WRITER_SYNC_US;
    if (writer->error != 0) writer_sleep(writer, UINT64_MAX, writer->retry_us);
    else writer_sleep_until_appended(writer, now_us, until_us);
}

void aof_writer_step(struct aof_writer *writer, int64_t now_us)
{
    bool is_waiting_to_retry = writer->error != 0 && now_us < writer->retry_us;
    if (writer->is_broken || is_waiting_to_retry) {
        writer_sleep(writer, UINT64_MAX, writer->is_broken ? INT64_MAX : writer->retry_us);
        writer_wake_waiters(writer);
        return;
    }
    struct aof_mark mark = aof_backlog_mark(&writer->backlog);
    /* Looked at after the mark: what is appended behind a cut is appended after that was noted. */
    uint64_t cut = writer->cut;
    bool is_cut = cut <= mark.position;
    if (is_cut) mark = (struct aof_mark){cut, -1};
    bool has_file = writer->file >= 0;
    if (has_file && writer->error == 0 && !is_cut && writer_gathers(writer, mark, now_us)) return;
    writer->gather_until_us = 0;
    writer->is_busy = mark.position - writer->written.position >= WRITER_BUSY_SIZE;

    if (has_file) writer_advance(writer, mark, is_cut, now_us);
    else writer_pass(writer, mark);
    if (!has_file && is_cut) writer_begin_unlisted(writer);

    bool is_kept = writer->fsync != KVRESP_FSYNC_NO || writer->must_switch;
    bool has_spare = aof_backlog_release(&writer->backlog, is_kept ? writer->synced.position
                                                                   : writer->written.position);
    writer_wake_waiters(writer);
    writer_sleep_after(writer, has_spare, now_us);
    if (is_cut && writer->error == 0) writer_sleep(writer, 0, now_us); /* there may be more */
}

/* Writes and syncs all that is appended, trying once. Returns an errno. */
static int writer_flush(struct aof_writer *writer)
{
    enum { TRIES = 2 }; /* a failed sync needs a second one, to a new file */
    writer->flushes = true;
    for (int i = 0; i < TRIES; i++) {
        writer->retry_us = 0;
        aof_writer_step(writer, aof_now_us());
    }
    writer->flushes = false;
    bool is_done = writer->synced.position == aof_backlog_position(&writer->backlog);
    return writer->error != 0 ? writer->error : is_done ? 0 : EAGAIN;
}

kv_status aof_writer_finish(struct aof_writer *writer)
{
    if (!writer->follows) return KV_OK;
    if (!writer->is_on) return KV_BADARG;
    atomic_store(&writer->cut, AOF_NO_CUT);
    return writer_flush(writer) == 0 ? KV_OK : KV_BADARG;
}

int aof_writer_stop(struct aof_writer *writer)
{
    aof_writer_abandon(writer);
    if (writer->file < 0) return 0;
    atomic_store(&writer->cut, AOF_NO_CUT);
    int error = writer_flush(writer);
    atomic_store(&writer->is_on, false);
    writer->must_switch = writer->is_broken = false;
    writer_accept(writer); /* it is no longer in the way */
    writer_set_file(writer, -1, NULL);
    writer->earlier_size = 0;
    writer_pass(writer, aof_backlog_mark(&writer->backlog));
    writer_wake_waiters(writer);
    return error;
}

/* ----------------------------------------------------------------------------------- life cycle */

/* EEXIST if there is a file with something in it, which a lost manifest may have listed. */
static int writer_check_unused(const struct aof_writer *writer, const char *path)
{
    if (writer->options.files->has_manifest) return 0;
    uint64_t size = 0;
    int error = aof_files_size(writer->options.files, path, &size);
    if (error == ENOENT) return 0;
    return error == 0 && size > 0 ? EEXIST : error;
}

static int writer_begin_file(struct aof_writer *writer)
{
    struct aof_files *files = writer->options.files;
    int64_t sequence;
    int file;
    char *name = aof_files_next_increment(files, &sequence);
    writer->path = name != NULL ? aof_files_path(files, name) : NULL;
    int error = writer->path != NULL ? writer_check_unused(writer, writer->path) : ENOMEM;
    if (error == 0) error = aof_files_create(files, writer->path, &file);
    if (error == 0) {
        error = aof_files_list(files, sequence, name);
        if (error != 0) files->io->close(files->io->context, file);
        else writer->file = file;
    }
    free(name);
    return error;
}

/* Goes on in a file that an earlier process may have left in the system's cache. */
static int writer_continue_file(struct aof_writer *writer, const char *name)
{
    const struct aof_io *io = writer_io(writer);
    int file;
    writer->path = aof_files_path(writer->options.files, name);
    if (writer->path == NULL) return ENOMEM;
    int error = io->open(io->context, writer->path, AOF_OPEN_WRITE, &file);
    if (error != 0) return error;
    error = io->sync(io->context, file);
    if (error != 0) io->close(io->context, file);
    else writer->file = file;
    return error;
}

kv_status aof_writer_begin(struct aof_writer *writer, uint64_t size, uint64_t earlier_size,
                           char message[AOF_MESSAGE_SIZE])
{
    const struct aof_file *last = aof_manifest_last_increment(&writer->options.files->manifest);
    int error = last != NULL ? writer_continue_file(writer, last->name) : writer_begin_file(writer);
    if (error == 0) {
        writer->file_size = writer->synced_size = size;
        writer->earlier_size = earlier_size;
        writer->is_on = true;
        return KV_OK;
    }
    if (error == EEXIST) {
        aof_refuse(message, writer->path, 0,
                   "is not in the manifest, and not empty: move it away, "
                   "or restore the manifest");
    } else if (error != ENOMEM) {
        aof_refuse(message, writer->path, size, "cannot write: %s", aof_io_explain(error));
    }
    free(writer->path);
    writer->path = NULL;
    return error == ENOMEM ? KV_NOMEM : KV_BADARG;
}

kv_status aof_writer_open(struct aof_writer *writer, const struct aof_writer_options *options)
{
    *writer = (struct aof_writer){.options = *options, .file = -1, .cut = AOF_NO_CUT};
    writer->fsync = (int)options->fsync;
    writer->written.database = writer->synced.database = -1;
    writer->wake_position = 1;
    writer->wake_us = INT64_MAX;

    kv_status status = aof_backlog_open(&writer->backlog, WRITER_LIMIT_SIZE);
    if (status != KV_OK) return status;
    if (aof_condition_open(&writer->wait_done) != 0) {
        aof_backlog_close(&writer->backlog);
        return KV_NOMEM;
    }
    pthread_mutex_init(&writer->wait_lock, NULL);
    return KV_OK;
}

void aof_writer_close(struct aof_writer *writer)
{
    writer_set_file(writer, -1, NULL);
    aof_backlog_close(&writer->backlog);
    pthread_cond_destroy(&writer->wait_done);
    pthread_mutex_destroy(&writer->wait_lock);
}
