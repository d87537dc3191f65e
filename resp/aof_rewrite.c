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

static void rewrite_cut(void *context)
{
    aof_writer_cut(((struct aof_rewrite *)context)->writer);
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
    bool has_file = rewrite->phase == REWRITE_RUNS;
    if (status == KV_OK) status = rdb_file_finish(&rewrite->base);
    else if (has_file) rdb_file_discard(&rewrite->base);
    aof_commands_close(&rewrite->commands);
    rewrite->status = status;
    atomic_store(&rewrite->phase, REWRITE_DONE);
    aof_backlog_poke(&rewrite->writer->backlog);
}

/* The line of the kvresp that we are attached to, or one of our own, made when it is needed. */
static kv_status rewrite_submit(struct aof_rewrite *rewrite)
{
    rewrite->job = (kvresp_snapshot_job){
        .size = sizeof rewrite->job,
        .name = SNAPSHOTS_AOF,
        .options = {.size = sizeof rewrite->job.options,
                    .at_instant = rewrite->cuts ? rewrite_cut : NULL,
                    .at_instant_context = rewrite},
        .begin = rewrite_begin_job,
        .write = rewrite_write,
        .done = rewrite_end_job,
        .context = rewrite,
    };
    pthread_mutex_lock(&rewrite->lock);
    kv_status status = KV_OK;
    kvresp *resp = rewrite->resp;
    if (resp == NULL && rewrite->own == NULL)
        status = kvresp_open(rewrite->db, NULL, &rewrite->own);
    if (resp == NULL) resp = rewrite->own;
    if (status == KV_OK) status = kvresp_snapshot_submit(resp, &rewrite->job);
    rewrite->submitted = status == KV_OK ? resp : NULL;
    pthread_mutex_unlock(&rewrite->lock);
    return status;
}

static void rewrite_cancel_job(struct aof_rewrite *rewrite)
{
    pthread_mutex_lock(&rewrite->lock);
    if (rewrite->submitted != NULL) kvresp_snapshot_cancel(rewrite->submitted, &rewrite->job);
    pthread_mutex_unlock(&rewrite->lock);
}

bool aof_rewrite_cancel(struct aof_rewrite *rewrite)
{
    if (rewrite->phase == REWRITE_IDLE) return true;
    if (!rewrite->is_cancelled) rewrite_cancel_job(rewrite);
    rewrite->is_cancelled = true;
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
    if (rewrite->is_wanted) return true;
    bool has_no_base = rewrite->writer->follows && !rewrite->writer->is_on;
    bool has_grown = !has_no_base && rewrite_has_grown(rewrite);
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

static void rewrite_begin(struct aof_rewrite *rewrite)
{
    rewrite->is_cancelled = false;
    rewrite->cuts = rewrite->writer->follows;
    rewrite->writer->cut_error = 0;
    rewrite->began_us = aof_now_us();
    atomic_fetch_add(&rewrite->count, 1);
    atomic_store(&rewrite->phase, REWRITE_IN_LINE);
    rewrite->is_wanted = false; /* after that, so that it is scheduled at any moment */
    kv_status status = rewrite_submit(rewrite);
    if (status != KV_OK) rewrite_fail(rewrite, kv_strerror(status));
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
    if (rewrite->is_cancelled) {
        rewrite_drop(rewrite);
    } else if (cut_error != 0) {
        rewrite_fail(rewrite, aof_io_explain(cut_error));
    } else if (rewrite->status == KV_CANCELLED) {
        rewrite_drop(rewrite);
    } else if (rewrite->status != KV_OK) {
        rewrite_fail(rewrite, rewrite_explain(rewrite, rewrite->status));
    } else if (rewrite_has_cut(rewrite)) {
        rewrite_commit(rewrite);
    }
}

void aof_rewrite_step(struct aof_rewrite *rewrite, int64_t now_us, bool may_begin)
{
    rewrite->wake_us = INT64_MAX;
    int phase = rewrite->phase;
    if (phase == REWRITE_DONE) {
        rewrite_end(rewrite);
        /* The next may be due, and nothing else need happen: a log that was off and on in between. */
        if (rewrite->phase == REWRITE_IDLE) rewrite->wake_us = now_us;
    } else if (phase == REWRITE_IDLE && may_begin && rewrite_is_due(rewrite, now_us)) {
        rewrite_begin(rewrite);
    } else if (phase == REWRITE_RUNS && rewrite->writer->cut_error != 0) {
        rewrite_cancel_job(rewrite); /* there is nothing that could follow this base */
    }
}

/* ----------------------------------------------------------------------------------- for others */

kv_status aof_rewrite_want(struct aof_rewrite *rewrite)
{
    if (aof_rewrite_is_under_way(rewrite)) return KV_BUSY;
    if (rewrite->phase == REWRITE_IDLE) rewrite->is_wanted = true;
    aof_backlog_poke(&rewrite->writer->backlog);
    return KV_OK;
}

bool aof_rewrite_is_under_way(const struct aof_rewrite *rewrite)
{
    return rewrite->phase >= REWRITE_RUNS;
}

bool aof_rewrite_is_scheduled(const struct aof_rewrite *rewrite)
{
    return rewrite->is_wanted || rewrite->phase == REWRITE_IN_LINE;
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
    if (!aof_rewrite_cancel(rewrite)) {
        if (rewrite->submitted != NULL) kvresp_snapshot_await(rewrite->submitted, &rewrite->job);
        rewrite_end(rewrite);
    }
    if (rewrite->own != NULL) kvresp_close(rewrite->own);
    pthread_mutex_destroy(&rewrite->lock);
}
