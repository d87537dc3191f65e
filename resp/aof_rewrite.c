#include "resp/aof_rewrite.h"

#include "resp/shared.h"
#include "resp/snapshots.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum rewrite_phase {
    REWRITE_IDLE,
    REWRITE_IN_LINE, /* submitted */
    REWRITE_READY,   /* it may begin */
    REWRITE_RUNS,    /* begun */
    REWRITE_DONE     /* of the log thread again */
};

enum {
    REWRITE_FAILURES = 3, /* one after another; then there is a pause before the next */
    REWRITE_FIRST_MINUTES = 1,
    REWRITE_LAST_MINUTES = 60,
    MINUTE_US = 60 * 1000 * 1000
};

/* -------------------------------------------------------------------------------------- the job */

static const char *rewrite_explain(const struct aof_rewrite *rewrite, kv_status status)
{
    return status == KV_IOERROR ? aof_io_explain(rewrite->base.target.error) : kv_strerror(status);
}

/* From now on it is under way for everyone. */
static void rewrite_start(struct aof_rewrite *rewrite)
{
    rewrite->began_us = aof_now_us();
    atomic_fetch_add(&rewrite->count, 1);
    rewrite->is_scheduled = false;
}

static bool rewrite_is_ready(void *context)
{
    return ((struct aof_rewrite *)context)->phase >= REWRITE_READY;
}

/* The snapshot's RDB is only a stage on the way. */
static kv_status rewrite_begin_commands(struct aof_rewrite *rewrite, kv_snapshot_options *options)
{
    options->uncompressed = options->unsummed = true;
    kv_status status = aof_commands_open(&rewrite->commands, kv_databases(rewrite->db),
                                         rdb_file_write, &rewrite->base);
    if (status != KV_OK || !rewrite->stamps) return status;
    char stamp[32];
    int size = snprintf(stamp, sizeof stamp, "#TS:%" PRId64 "\r\n", kv_now(rewrite->db) / 1000);
    return rdb_file_write(&rewrite->base, kv_bytes(stamp, (size_t)size));
}

static kv_status rewrite_begin_job(void *context, kv_snapshot_options *options)
{
    struct aof_rewrite *rewrite = context;
    struct aof_files *files = rewrite->files;
    kv_status status =
        rdb_file_create(&rewrite->base, files->io, files->temporary_base, rewrite->syncs_early);
    if (status != KV_OK) return status;
    rewrite->is_rdb = !rewrite->avoids_rdb;
    if (rewrite->is_rdb) {
        rdb_aux_begin(&rewrite->aux, rewrite->db);
        rdb_aux_give(&rewrite->aux, true, options);
    } else {
        status = rewrite_begin_commands(rewrite, options);
    }
    if (status == KV_OK) atomic_store(&rewrite->phase, REWRITE_RUNS);
    else rdb_file_discard(&rewrite->base);
    return status;
}

static void rewrite_at_instant(void *context)
{
    struct aof_rewrite *rewrite = context;
    if (rewrite->cuts) aof_writer_cut(rewrite->writer);
    if (rewrite->is_scheduled) rewrite_start(rewrite);
}

static kv_status rewrite_write(void *context, kv_slice bytes)
{
    struct aof_rewrite *rewrite = context;
    if (rewrite->is_rdb) return rdb_file_write(&rewrite->base, bytes);
    return aof_commands_take(&rewrite->commands, bytes);
}

static void rewrite_end_job(void *context, kv_status status)
{
    struct aof_rewrite *rewrite = context;
    int in_line = REWRITE_IN_LINE;
    /* It had nothing but its place: that is free at once, for another. */
    if (atomic_compare_exchange_strong(&rewrite->phase, &in_line, REWRITE_IDLE)) {
        aof_backlog_poke(&rewrite->writer->backlog);
        return;
    }
    bool has_file = rewrite->phase == REWRITE_RUNS;
    if (status != KV_CANCELLED && rewrite->is_scheduled) rewrite_start(rewrite);
    if (status == KV_OK) status = rdb_file_finish(&rewrite->base);
    else if (has_file) rdb_file_discard(&rewrite->base);
    aof_commands_close(&rewrite->commands);
    rewrite->status = status;
    atomic_store(&rewrite->phase, REWRITE_DONE);
    aof_backlog_poke(&rewrite->writer->backlog);
}

/* Under the lock: where to stand in line; NULL: there is none yet. */
static kvresp *rewrite_line(const struct aof_rewrite *rewrite)
{
    return rewrite->resp != NULL ? rewrite->resp : rewrite->own;
}

/* Under the lock. */
static bool rewrite_must_wait(const struct aof_rewrite *rewrite)
{
    kv_snapshot_progress progress;
    return snapshots_progress(&rewrite_line(rewrite)->snapshots, &progress) != NULL;
}

/* Under the lock, while none is there: takes its place in line. */
static kv_status rewrite_submit(struct aof_rewrite *rewrite, bool schedules)
{
    kvresp *line = rewrite_line(rewrite);
    rewrite->job = (kvresp_snapshot_job){
        .size = sizeof rewrite->job,
        .name = SNAPSHOTS_AOF,
        .options = {.size = sizeof rewrite->job.options,
                    .at_instant = rewrite_at_instant,
                    .at_instant_context = rewrite},
        .begin = rewrite_begin_job,
        .is_ready = rewrite_is_ready,
        .write = rewrite_write,
        .done = rewrite_end_job,
        .context = rewrite,
    };
    rewrite->is_cancelled = rewrite->is_wanted = false;
    rewrite->is_scheduled = false;
    atomic_store(&rewrite->phase, REWRITE_IN_LINE);
    kv_status status = kvresp_snapshot_submit(line, &rewrite->job);
    rewrite->submitted = status == KV_OK ? line : NULL;
    if (status != KV_OK) {
        atomic_store(&rewrite->phase, REWRITE_IDLE);
        return status;
    }
    rewrite->is_scheduled = schedules || !snapshots_is_first(&line->snapshots, &rewrite->job);
    if (!rewrite->is_scheduled) rewrite_start(rewrite);
    return KV_OK;
}

/* Under the lock. */
static void rewrite_cancel_job(struct aof_rewrite *rewrite)
{
    if (rewrite->submitted != NULL) kvresp_snapshot_cancel(rewrite->submitted, &rewrite->job);
}

static void rewrite_cancel(struct aof_rewrite *rewrite)
{
    pthread_mutex_lock(&rewrite->lock);
    if (!rewrite->is_cancelled) rewrite_cancel_job(rewrite);
    rewrite->is_cancelled = true;
    pthread_mutex_unlock(&rewrite->lock);
}

bool aof_rewrite_cancel(struct aof_rewrite *rewrite)
{
    if (rewrite->phase <= REWRITE_IN_LINE) return true;
    rewrite_cancel(rewrite);
    return false;
}

/* ----------------------------------------------------------------------------- when it is due */

static uint64_t rewrite_size(const struct aof_rewrite *rewrite)
{
    return rewrite->writer->earlier_size + rewrite->writer->file_size;
}

static uint64_t rewrite_growth(const struct aof_rewrite *rewrite)
{
    uint64_t before = rewrite->size_after > 0 ? rewrite->size_after : 1;
    uint64_t percents = 100 * rewrite_size(rewrite) / before;
    return percents > 100 ? percents - 100 : 0;
}

static bool rewrite_has_grown(const struct aof_rewrite *rewrite)
{
    int64_t percentage = rewrite->percentage;
    return rewrite->writer->is_on && percentage > 0 && rewrite_size(rewrite) > rewrite->min_size &&
           rewrite_growth(rewrite) >= (uint64_t)percentage;
}

/* True while what failed several times has to wait, each time twice as long, an hour at most. */
static bool rewrite_rests(struct aof_rewrite *rewrite, int64_t now_us)
{
    if (rewrite->failures < REWRITE_FAILURES) {
        rewrite->retry_us = rewrite->delay_minutes = 0;
        return false;
    }
    if (rewrite->retry_us == 0) {
        int64_t minutes = 2 * rewrite->delay_minutes;
        if (minutes < REWRITE_FIRST_MINUTES) minutes = REWRITE_FIRST_MINUTES;
        if (minutes > REWRITE_LAST_MINUTES) minutes = REWRITE_LAST_MINUTES;
        rewrite->delay_minutes = minutes;
        rewrite->retry_us = now_us + minutes * MINUTE_US;
        aof_logf(&rewrite->log, KVRESP_WARNING,
                 "rewriting the append-only file failed %" PRIu64
                 " times in a row; the next attempt is in %" PRId64 " minutes",
                 rewrite->failures, minutes);
    }
    return now_us < rewrite->retry_us;
}

static bool rewrite_is_due(struct aof_rewrite *rewrite, int64_t now_us)
{
    pthread_mutex_lock(&rewrite->lock);
    bool is_wanted = rewrite->is_wanted;
    pthread_mutex_unlock(&rewrite->lock);
    if (is_wanted) return true;
    bool has_no_base = rewrite->writer->follows && !rewrite->writer->is_on;
    bool has_grown = !has_no_base && rewrite->writer->error == 0 && rewrite_has_grown(rewrite);
    if (!has_no_base && !has_grown) return false;
    if (rewrite_rests(rewrite, now_us)) {
        rewrite->wake_us = rewrite->retry_us;
        return false;
    }
    if (has_grown) {
        aof_logf(&rewrite->log, KVRESP_NOTICE,
                 "rewriting the append-only file, which has grown by %" PRIu64 "%%",
                 rewrite_growth(rewrite));
    }
    return true;
}

/* ---------------------------------------------------------------------------------- its two ends */

static void rewrite_settle(struct aof_rewrite *rewrite, bool has_failed)
{
    int64_t began_us = rewrite->began_us;
    rewrite->last_s = (aof_now_us() - began_us) / 1000000;
    rewrite->began_us = 0;
    rewrite->retry_us = 0;
    rewrite->has_failed = has_failed;
    if (has_failed) atomic_fetch_add(&rewrite->failures, 1);
    else rewrite->failures = 0;
    atomic_store(&rewrite->phase, REWRITE_IDLE);
}

/* What was made for a rewrite that came to nothing. */
static void rewrite_leave(struct aof_rewrite *rewrite)
{
    aof_writer_abandon(rewrite->writer);
    if (rewrite->files->is_open) aof_files_remove(rewrite->files, rewrite->files->temporary_base);
}

static void rewrite_fail(struct aof_rewrite *rewrite, const char *why)
{
    rewrite_leave(rewrite);
    aof_logf(&rewrite->log, KVRESP_WARNING,
             "the append-only file could not be rewritten, its files go on as they are: %s", why);
    rewrite_settle(rewrite, true);
}

/* Nobody's failure: the log ends, or the process. */
static void rewrite_drop(struct aof_rewrite *rewrite)
{
    rewrite_leave(rewrite);
    aof_logf(&rewrite->log, KVRESP_NOTICE, "rewriting the append-only file was ended");
    rewrite->began_us = 0;
    atomic_store(&rewrite->phase, REWRITE_IDLE);
}

/* A line of our own, if there is no other. */
static kv_status rewrite_need_line(struct aof_rewrite *rewrite)
{
    pthread_mutex_lock(&rewrite->lock);
    bool has_line = rewrite_line(rewrite) != NULL;
    pthread_mutex_unlock(&rewrite->lock);
    if (has_line) return KV_OK;
    kvresp *own;
    kv_status status = kvresp_open(rewrite->db, NULL, &own);
    if (status != KV_OK) return status;
    pthread_mutex_lock(&rewrite->lock);
    rewrite->own = own;
    pthread_mutex_unlock(&rewrite->lock);
    return KV_OK;
}

/* What is due takes its place in line, if nobody asked for another in the meantime. */
static void rewrite_begin(struct aof_rewrite *rewrite)
{
    kv_status status = rewrite_need_line(rewrite);
    pthread_mutex_lock(&rewrite->lock);
    if (rewrite->phase != REWRITE_IDLE) status = KV_OK;
    else if (status == KV_OK) status = rewrite_submit(rewrite, false);
    rewrite->is_wanted = false;
    if (status != KV_OK) rewrite_start(rewrite);
    pthread_mutex_unlock(&rewrite->lock);
    if (status != KV_OK) rewrite_fail(rewrite, kv_strerror(status));
}

/* The log is what it will be at the instant. */
static void rewrite_make_ready(struct aof_rewrite *rewrite)
{
    int in_line = REWRITE_IN_LINE;
    pthread_mutex_lock(&rewrite->lock);
    rewrite->writer->cut_error = 0;
    rewrite->cuts = rewrite->writer->follows;
    bool is_there = atomic_compare_exchange_strong(&rewrite->phase, &in_line, REWRITE_READY);
    if (is_there && rewrite->submitted != NULL) snapshots_poke(&rewrite->submitted->snapshots);
    pthread_mutex_unlock(&rewrite->lock);
}

/* True if the new incremental file is there, or there will be none. */
static bool rewrite_has_cut(const struct aof_rewrite *rewrite)
{
    const struct aof_writer *writer = rewrite->writer;
    return !rewrite->cuts || aof_writer_has_cut(writer) || writer->is_broken;
}

static void rewrite_commit(struct aof_rewrite *rewrite)
{
    struct aof_writer *writer = rewrite->writer;
    uint64_t size = rewrite->base.target.size;
    bool has_cut = !rewrite->cuts || aof_writer_has_cut(writer);
    int error = has_cut ? aof_writer_rebase(writer, rewrite->is_rdb, size) : EIO;
    if (error != 0) {
        rewrite_fail(rewrite, aof_io_explain(error));
        return;
    }
    rewrite->size_after = rewrite_size(rewrite);
    aof_logf(&rewrite->log, KVRESP_NOTICE,
             "the append-only file was rewritten: a base of %" PRIu64 " bytes, %" PRIu64
             " with all",
             size, rewrite->size_after);
    if (!rewrite->keeps_history) aof_files_remove_history(rewrite->files);
    rewrite_settle(rewrite, false);
}

static void rewrite_end(struct aof_rewrite *rewrite)
{
    int cut_error = rewrite->writer->cut_error;
    pthread_mutex_lock(&rewrite->lock);
    bool is_cancelled = rewrite->is_cancelled;
    pthread_mutex_unlock(&rewrite->lock);
    if (is_cancelled) {
        rewrite_drop(rewrite);
    } else if (cut_error != 0) {
        rewrite_fail(rewrite, aof_io_explain(cut_error));
    } else if (rewrite->status == KV_CANCELLED) {
        rewrite_drop(rewrite);
    } else if (rewrite->status != KV_OK) {
        rewrite_fail(rewrite, rewrite_explain(rewrite, rewrite->status));
    } else if (rewrite_has_cut(rewrite)) {
        rewrite_commit(rewrite);
    } else if (rewrite->writer->error != 0) {
        /* The log cannot get to the cut, and the base takes room that it may lack. */
        rewrite_fail(rewrite, aof_io_explain(rewrite->writer->error));
    }
}

void aof_rewrite_step(struct aof_rewrite *rewrite, int64_t now_us, bool may_begin)
{
    rewrite->wake_us = INT64_MAX;
    if (rewrite->phase == REWRITE_IDLE && may_begin && rewrite_is_due(rewrite, now_us))
        rewrite_begin(rewrite);
    if (rewrite->phase == REWRITE_IN_LINE && may_begin) rewrite_make_ready(rewrite);
    if (rewrite->phase == REWRITE_DONE) {
        rewrite_end(rewrite);
        /* The next may be due, and nothing else need happen: a log that was off and on in between. */
        if (rewrite->phase == REWRITE_IDLE) rewrite->wake_us = now_us;
    } else if (rewrite->phase == REWRITE_RUNS && rewrite->writer->cut_error != 0) {
        pthread_mutex_lock(&rewrite->lock);
        rewrite_cancel_job(rewrite); /* there is nothing that could follow this base */
        pthread_mutex_unlock(&rewrite->lock);
    }
}

/* ----------------------------------------------------------------------------------- for others */

/* Under the lock. What has no place in line because another has to end first is scheduled. */
static bool rewrite_is_under_way(const struct aof_rewrite *rewrite)
{
    if (rewrite->is_wanted) return rewrite_line(rewrite) == NULL;
    return rewrite->phase != REWRITE_IDLE && !rewrite->is_scheduled;
}

/* Under the lock. Without a line it is for the log thread to open one. */
static kv_status rewrite_want(struct aof_rewrite *rewrite, bool schedules)
{
    bool has_line = rewrite_line(rewrite) != NULL;
    if (!schedules && rewrite->writer->error != 0 && !(has_line && rewrite_must_wait(rewrite)))
        return KV_READONLY;
    rewrite->is_wanted = !has_line;
    kv_status status = has_line ? rewrite_submit(rewrite, schedules) : KV_OK;
    return status == KV_OK && rewrite->is_scheduled ? KV_PENDING : status;
}

kv_status aof_rewrite_want(struct aof_rewrite *rewrite, bool schedules)
{
    pthread_mutex_lock(&rewrite->lock);
    kv_status status = KV_PENDING;
    if (rewrite->phase == REWRITE_IDLE && !rewrite->is_wanted)
        status = rewrite_want(rewrite, schedules);
    else if (rewrite->phase != REWRITE_IDLE && rewrite->is_cancelled) rewrite->is_wanted = true;
    else if (rewrite_is_under_way(rewrite)) status = KV_BUSY;
    pthread_mutex_unlock(&rewrite->lock);
    aof_backlog_poke(&rewrite->writer->backlog);
    return status;
}

void aof_rewrite_want_base(struct aof_rewrite *rewrite)
{
    pthread_mutex_lock(&rewrite->lock);
    bool has_no_log = rewrite->phase > REWRITE_IN_LINE && !rewrite->cuts;
    if (rewrite->phase != REWRITE_IDLE) rewrite->is_wanted |= rewrite->is_cancelled || has_no_log;
    /* Should there be no memory: it is due in any case. */
    else if (!rewrite->is_wanted) (void)rewrite_want(rewrite, false);
    pthread_mutex_unlock(&rewrite->lock);
}

void aof_rewrite_forget(struct aof_rewrite *rewrite)
{
    rewrite_cancel(rewrite);
    pthread_mutex_lock(&rewrite->lock);
    rewrite->is_wanted = false;
    pthread_mutex_unlock(&rewrite->lock);
}

enum aof_rewrite_state aof_rewrite_state(struct aof_rewrite *rewrite)
{
    pthread_mutex_lock(&rewrite->lock);
    bool is_under_way = rewrite_is_under_way(rewrite);
    bool is_there = rewrite->phase != REWRITE_IDLE || rewrite->is_wanted;
    pthread_mutex_unlock(&rewrite->lock);
    return is_under_way ? AOF_REWRITE_UNDER_WAY
           : is_there   ? AOF_REWRITE_SCHEDULED
                        : AOF_REWRITE_NONE;
}

void aof_rewrite_join(struct aof_rewrite *rewrite, kvresp *resp)
{
    pthread_mutex_lock(&rewrite->lock);
    if (resp == NULL && rewrite->submitted == rewrite->resp) rewrite->submitted = NULL;
    rewrite->resp = resp;
    pthread_mutex_unlock(&rewrite->lock);
}

kv_status aof_rewrite_open(struct aof_rewrite *rewrite, kv *db, struct aof_files *files,
                           struct aof_writer *writer)
{
    *rewrite = (struct aof_rewrite){
        .db = db,
        .files = files,
        .writer = writer,
        .log = files->log,
        .percentage = 100,
        .min_size = 64 * 1024 * 1024,
        .syncs_early = true,
        .wake_us = INT64_MAX,
        .last_s = -1,
    };
    return pthread_mutex_init(&rewrite->lock, NULL) == 0 ? KV_OK : KV_NOMEM;
}

void aof_rewrite_close(struct aof_rewrite *rewrite)
{
    if (rewrite->phase != REWRITE_IDLE) {
        rewrite_cancel(rewrite);
        if (rewrite->submitted != NULL) kvresp_snapshot_await(rewrite->submitted, &rewrite->job);
        rewrite_end(rewrite);
    }
    if (rewrite->own != NULL) kvresp_close(rewrite->own);
    pthread_mutex_destroy(&rewrite->lock);
}
