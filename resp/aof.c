#include "resp/aof.h"

#include "resp/aof_restore.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { AOF_AGAIN_US = 100 * 1000 }; /* when memory was short, or a rewrite has to end first */

/* -------------------------------------------------------------------------- the log begins, ends */

/* From the log thread: the store itself refuses, so that calls of the host are refused as well. */
static void aof_accept_writes(void *context, bool accept)
{
    kvresp_aof *aof = context;
    int64_t accepts = 1;
    kv_configuration(aof->db, KV_SETTING_ACCEPT_WRITES, &accepts);
    if (!accept && accepts) {
        aof->refuses_writes = true;
        kv_configure(aof->db, KV_SETTING_ACCEPT_WRITES, 0);
    } else if (accept && aof->refuses_writes) {
        aof->refuses_writes = false;
        kv_configure(aof->db, KV_SETTING_ACCEPT_WRITES, 1);
    }
}

/* What is loaded in part must not be continued: neither the store nor the file. */
static void aof_set_partly(kvresp_aof *aof, bool is_partly)
{
    if (aof->is_partly == is_partly) return;
    aof->is_partly = is_partly;
    aof_accept_writes(aof, !is_partly);
}

static kv_status aof_follow(kvresp_aof *aof)
{
    aof_backlog_discard(&aof->writer.backlog, false);
    kv_status status = kv_follow(aof->db, aof_backlog_append, &aof->writer.backlog, &aof->follower);
    if (status == KV_OK) aof->writer.follows = true;
    return status;
}

/* Its base is due at once, however many rewrites have failed before. */
static void aof_begin_log(kvresp_aof *aof)
{
    if (aof_follow(aof) != KV_OK) return; /* to be tried again */
    aof_rewrite_want_base(&aof->rewrite);
    aof_set_partly(aof, false);
    aof_logf(&aof->log, KVRESP_NOTICE, "%s: the append-only file begins with a base",
             aof->files.path);
}

static void aof_end_log(kvresp_aof *aof)
{
    int error = aof_writer_stop(&aof->writer);
    aof->is_stale = false; /* no earlier: what is there would be taken for what is on disk */
    if (error != 0) {
        aof_logf(&aof->log, KVRESP_WARNING,
                 "%s: the append-only file ends without changes that could not be written: %s",
                 aof->files.path, aof_io_explain(error));
    } else {
        aof_logf(&aof->log, KVRESP_NOTICE, "%s: the append-only file ends here", aof->files.path);
    }
    /* Who waits for room must not: to let go of the journal takes the locks he holds. */
    aof_backlog_discard(&aof->writer.backlog, true);
    kv_unfollow(aof->follower);
    aof->follower = NULL;
    aof->writer.follows = false;
}

/* -------------------------------------------------------------------------------------- loading */

/* Goes on where the files end. */
static kv_status aof_go_on(kvresp_aof *aof, const struct aof_restored *restored, char *message)
{
    aof->rewrite.size_after = restored->base_size;
    aof_files_remove_history(&aof->files);
    kv_status status =
        aof_writer_begin(&aof->writer, restored->last_size, restored->earlier_size, message);
    if (status == KV_OK) status = aof_follow(aof);
    if (status == KV_OK) aof->is_wanted = true;
    return status;
}

/*
 * Fills the store. Keys may expire again only when the journal is followed: an expiry that it does
 * not tell would leave the key in the file, for later changes to meet there.
 */
static kv_status aof_fill(kvresp_aof *aof, bool goes_on, char *message)
{
    struct aof_restored restored;
    bool is_part = aof->options.load_until_s > 0;
    aof->options.refuse_truncated = aof->refuses_truncated;
    int64_t expires = 1;
    (void)kv_configuration(aof->db, KV_SETTING_EXPIRE, &expires);
    kv_status status = kv_configure(aof->db, KV_SETTING_EXPIRE, 0);
    if (status != KV_OK) return status;
    status = aof_restore(aof->db, &aof->files, &aof->options, &restored, message);
    if (status == KV_OK) {
        aof->loaded_commands = restored.commands;
        aof->load_ms = restored.took_ms;
        if (is_part) aof_set_partly(aof, true);
        else if (goes_on) status = aof_go_on(aof, &restored, message);
    }
    kv_configure(aof->db, KV_SETTING_EXPIRE, expires);
    return status;
}

/* Part of the data would be worse than none, and what is written to it a loss. */
static kv_status aof_fill_anew(kvresp_aof *aof, char *message)
{
    bool goes_on = aof->writer.follows;
    if (goes_on) aof_end_log(aof);
    aof_set_partly(aof, false);
    kv_status status = kv_flush_all(aof->db, false);
    if (status == KV_OK) status = aof_fill(aof, goes_on, message);
    if (status == KV_OK) return KV_OK;
    aof->is_wanted = false;
    aof_set_partly(aof, true);
    aof_logf(&aof->log, KVRESP_WARNING, "the append-only file cannot be loaded: %s",
             status == KV_BADARG ? message : kv_strerror(status));
    return status;
}

/* ------------------------------------------------------------------------- in another directory */

static void aof_forget_directory(kvresp_aof *aof)
{
    free(aof->directory);
    aof->directory = NULL;
}

static void aof_drop_next(kvresp_aof *aof)
{
    struct aof_files *next = aof->next;
    if (next != NULL) aof_files_close(next);
    free(next);
    aof->next = NULL;
}

/* Opens the files where the next log will be. What is there now stays what it is if that fails. */
static kv_status aof_open_next(kvresp_aof *aof, char *message)
{
    kvresp_aof_options options = KV_OPTIONS(kvresp_aof_options);
    options.directory = aof->directory;
    options.directory_name = aof->files.directory_name;
    options.file_name = aof->files.file_name;
    options.log = aof->log.write;
    options.log_context = aof->log.context;
    aof_drop_next(aof);
    struct aof_files *next = malloc(sizeof *next);
    if (next == NULL) return KV_NOMEM;
    kv_status status = aof_files_name(next, &options, aof->files.io, message);
    if (status == KV_OK) status = aof_files_open(next, message);
    if (status == KV_OK) {
        aof->next = next;
        aof_forget_directory(aof);
        return KV_OK;
    }
    aof_files_close(next);
    free(next);
    return status;
}

/* Under the lock: the files that a log, or a base, would be in are open. */
static kv_status aof_need_set(kvresp_aof *aof, char *message)
{
    bool moves = aof->directory != NULL && !aof->is_wanted;
    if (moves && !aof_files_is_in(&aof->files, aof->directory)) return aof_open_next(aof, message);
    if (moves) { /* back, before the log thread had left */
        aof_drop_next(aof);
        aof_forget_directory(aof);
    }
    if (aof->next != NULL || aof->files.is_open) return KV_OK;
    return aof_files_open(&aof->files, message);
}

/* The log thread goes there, with the log, if there is one, at its end. */
static void aof_move(kvresp_aof *aof)
{
    if (aof->writer.follows) aof_end_log(aof);
    pthread_mutex_lock(&aof->lock);
    struct aof_files *next = aof->next;
    if (next != NULL) aof_files_move(&aof->files, next);
    free(next);
    aof->next = NULL;
    pthread_mutex_unlock(&aof->lock);
}

kv_status kvresp_aof_set_directory(kvresp_aof *aof, const char *directory)
{
    if (aof == NULL || directory == NULL) return KV_BADARG;
    char *copy = text_duplicate(kv_text(directory));
    if (copy == NULL) return KV_NOMEM;
    pthread_mutex_lock(&aof->lock);
    const struct aof_files *next = aof->next;
    if (aof_files_is_in(next != NULL ? next : &aof->files, copy)) {
        free(copy);
        copy = NULL;
    }
    aof_forget_directory(aof);
    aof->directory = copy;
    if (copy != NULL && aof->is_wanted) {
        aof_logf(&aof->log, KVRESP_WARNING,
                 "the append-only file stays in %s; in %s it begins when it is turned off and on",
                 next != NULL ? next->path : aof->files.path, copy);
    }
    pthread_mutex_unlock(&aof->lock);
    return KV_OK;
}

/* ------------------------------------------------------------------------------- what is wished */

/* False once the file is being closed, which waits for a turn that was allowed. */
static bool aof_may_turn(kvresp_aof *aof)
{
    pthread_mutex_lock(&aof->lock);
    aof->is_turning = !aof->is_closing;
    bool may_turn = aof->is_turning;
    pthread_mutex_unlock(&aof->lock);
    return may_turn;
}

static void aof_end_turn(kvresp_aof *aof, kv_status reload_status)
{
    pthread_mutex_lock(&aof->lock);
    aof->is_turning = false;
    aof->reload_status = reload_status;
    pthread_cond_broadcast(&aof->turned);
    pthread_mutex_unlock(&aof->lock);
}

/* Makes what is wished true. False if that has to wait. */
static bool aof_turn(kvresp_aof *aof)
{
    bool is_there = aof->writer.follows, reloads = aof->reload_status == KV_PENDING;
    bool moves = aof->next != NULL;
    bool ends = is_there && (!aof->is_wanted || aof->is_stale) && !moves;
    bool begins = !is_there && aof->is_wanted;
    if (!ends && !begins && !reloads && !moves) return true;
    if (!aof_rewrite_cancel(&aof->rewrite)) return false;
    if (!aof_may_turn(aof)) return true;
    kv_status status = (kv_status)aof->reload_status;
    if (moves) aof_move(aof);
    if (reloads) status = aof_fill_anew(aof, aof->reload_message);
    else if (ends) aof_end_log(aof);
    if (!reloads && aof->is_wanted) aof_begin_log(aof);
    aof_end_turn(aof, status);
    return aof->writer.follows == aof->is_wanted;
}

/* ------------------------------------------------------------------------------- the log thread */

static void *aof_run(void *context)
{
    kvresp_aof *aof = context;
    struct aof_writer *writer = &aof->writer;
    while (!aof->is_stopping) {
        bool has_turned = aof_turn(aof);
        int64_t now_us = aof_now_us();
        aof_writer_turn_begins(writer, now_us);
        aof_writer_step(writer, now_us);
        aof_rewrite_step(&aof->rewrite, now_us, has_turned);
        aof_writer_turn_ends(writer);
        int64_t until_us = writer->wake_us;
        if (aof->rewrite.wake_us < until_us) until_us = aof->rewrite.wake_us;
        if (!has_turned && now_us + AOF_AGAIN_US < until_us) until_us = now_us + AOF_AGAIN_US;
        aof_backlog_wait(&writer->backlog, writer->wake_position, until_us);
    }
    return NULL;
}

/* The thread takes no signals: they are for the host's threads. */
static kv_status aof_need_thread(kvresp_aof *aof)
{
    if (aof->has_thread) return KV_OK;
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int error = pthread_create(&aof->thread, NULL, aof_run, aof);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    aof->has_thread = error == 0;
    return error == 0 ? KV_OK : KV_NOMEM;
}

static void aof_stop_thread(kvresp_aof *aof)
{
    if (!aof->has_thread) return;
    atomic_store(&aof->is_stopping, true);
    aof_backlog_poke(&aof->writer.backlog);
    pthread_join(aof->thread, NULL);
}

/* -------------------------------------------------------------------------------------- opening */

static kv_status aof_check_empty(kv *db, char *message)
{
    kv_statistics statistics = KV_OPTIONS(kv_statistics);
    kv_status status = kv_stats(db, &statistics);
    if (status != KV_OK || statistics.keys == 0) return status;
    snprintf(message, AOF_MESSAGE_SIZE,
             "the append-only file can only be opened on an empty store");
    return KV_BADARG;
}

static kv_status aof_open_files(kvresp_aof *aof, char *message)
{
    kv_status status = aof_check_empty(aof->db, message);
    if (status == KV_OK && aof->options.must_exist)
        status = aof_files_check_exist(&aof->files, message);
    if (status == KV_OK) status = aof_files_open(&aof->files, message);
    if (status == KV_OK) status = aof_fill(aof, true, message);
    return status == KV_OK && aof->is_wanted ? aof_need_thread(aof) : status;
}

kv_status kvresp_aof_load(kvresp_aof *aof, char message[256])
{
    char unwanted[AOF_MESSAGE_SIZE];
    if (message == NULL) message = unwanted;
    *message = '\0';
    pthread_mutex_lock(&aof->lock);
    aof->is_loading = !aof->has_thread && !aof->files.is_open && !aof->is_loading;
    bool may_load = aof->is_loading;
    pthread_mutex_unlock(&aof->lock);
    if (!may_load) return KV_BADARG;
    kv_status status = aof_open_files(aof, message);
    aof->is_loading = false;
    return status;
}

/* What is open, when opening failed and `opened` steps were taken; or all of it. */
static void aof_free(kvresp_aof *aof, int opened)
{
    if (aof->follower != NULL) kv_unfollow(aof->follower);
    if (opened > 3) aof_rewrite_close(&aof->rewrite);
    if (opened > 2) aof_writer_close(&aof->writer);
    if (opened > 1) {
        pthread_cond_destroy(&aof->turned);
        pthread_mutex_destroy(&aof->lock);
    }
    aof_drop_next(aof);
    aof_forget_directory(aof);
    if (opened > 0) aof_files_close(&aof->files);
    free(aof);
}

static kv_status aof_open_lock(kvresp_aof *aof)
{
    if (pthread_mutex_init(&aof->lock, NULL) != 0) return KV_NOMEM;
    if (pthread_cond_init(&aof->turned, NULL) == 0) return KV_OK;
    pthread_mutex_destroy(&aof->lock);
    return KV_NOMEM;
}

static kv_status aof_open_parts(kvresp_aof *aof, const struct aof_io *io, int *opened,
                                char *message)
{
    const kvresp_aof_options *options = &aof->options;
    *opened = 0;
    kv_status status = aof_files_name(&aof->files, options, io, message);
    if (status == KV_OK) {
        *opened = 1;
        status = aof_open_lock(aof);
    }
    struct aof_writer_options writer_options = {
        .files = &aof->files,
        .log = aof->log,
        .fsync = options->fsync,
        .accept_writes = aof_accept_writes,
        .accept_context = aof,
    };
    if (status == KV_OK) *opened = 2, status = aof_writer_open(&aof->writer, &writer_options);
    if (status == KV_OK)
        *opened = 3, status = aof_rewrite_open(&aof->rewrite, aof->db, &aof->files, &aof->writer);
    if (status != KV_OK) return status;
    *opened = 4;
    kvresp_aof_set_growth(aof, options->rewrite_percentage, options->rewrite_min_size);
    kvresp_aof_set_timestamps(aof, options->timestamps);
    aof->refuses_truncated = options->refuse_truncated;
    aof->rewrite.avoids_rdb = options->commands_base;
    aof->options.directory = aof->options.directory_name = aof->options.file_name = NULL;
    return options->off ? KV_OK : kvresp_aof_load(aof, message);
}

kv_status aof_open_on(kv *db, const kvresp_aof_options *given, const struct aof_io *io,
                      kvresp_aof **out, char message[256])
{
    kvresp_aof_options copy = KV_OPTIONS(kvresp_aof_options);
    char unwanted[AOF_MESSAGE_SIZE];
    if (message == NULL) message = unwanted;
    *message = '\0';
    if (db == NULL || out == NULL) return KV_BADARG;
    if (given != NULL) {
        if (given->size < sizeof given->size || given->size > sizeof copy) {
            snprintf(message, AOF_MESSAGE_SIZE, "options of a size that is not known here");
            return KV_BADARG;
        }
        memcpy(&copy, given, given->size);
    }
    kvresp_aof *aof = calloc(1, sizeof *aof);
    if (aof == NULL) return KV_NOMEM;
    aof->db = db;
    aof->log = (struct aof_log){copy.log, copy.log_context};
    aof->options = copy;
    int opened;
    kv_status status = aof_open_parts(aof, io, &opened, message);
    if (status != KV_OK) {
        aof_free(aof, opened);
        return status;
    }
    *out = aof;
    return KV_OK;
}

kv_status kvresp_aof_open(kv *db, const kvresp_aof_options *options, kvresp_aof **aof,
                          char message[256])
{
    return aof_open_on(db, options, &aof_io_system, aof, message);
}

kv_status kvresp_aof_close(kvresp_aof *aof)
{
    if (aof == NULL) return KV_OK;
    pthread_mutex_lock(&aof->lock);
    aof->is_closing = true;
    while (aof->is_turning) pthread_cond_wait(&aof->turned, &aof->lock);
    pthread_mutex_unlock(&aof->lock);
    /* The thread goes on meanwhile: somebody may be waiting for it to make room. */
    if (aof->follower != NULL) kv_unfollow(aof->follower);
    aof->follower = NULL;
    aof_stop_thread(aof);
    aof_rewrite_close(&aof->rewrite);
    kv_status status = aof_writer_finish(&aof->writer);
    if (status != KV_OK) {
        aof_logf(&aof->log, KVRESP_WARNING, "%s: closed with changes that could not be written: %s",
                 aof->files.path,
                 aof->writer.is_on ? aof_io_explain(aof->writer.error) : "there is no base yet");
    }
    aof_free(aof, 3);
    return status;
}

/* ------------------------------------------------------------------------------------- requests */

/*
 * Makes sure that the files are there to be replaced, and that there is who does it: they are the
 * log thread's from then on.
 */
static kv_status aof_need_files(kvresp_aof *aof, char *message)
{
    if (aof->is_loading) return KV_BUSY;
    pthread_mutex_lock(&aof->lock);
    kv_status status = aof_need_set(aof, message);
    if (status == KV_OK) status = aof_need_thread(aof);
    pthread_mutex_unlock(&aof->lock);
    return status;
}

kv_status kvresp_aof_start(kvresp_aof *aof, char message[256])
{
    char unwanted[AOF_MESSAGE_SIZE];
    if (message == NULL) message = unwanted;
    *message = '\0';
    kv_status status = aof_need_files(aof, message);
    if (status != KV_OK) return status;
    bool begins = !atomic_exchange(&aof->is_wanted, true);
    /* Asked for again, a base that could not be made does not wait any longer. */
    if (begins || !aof->writer.is_on) aof_rewrite_want_base(&aof->rewrite);
    aof_backlog_poke(&aof->writer.backlog);
    return KV_OK;
}

void kvresp_aof_stop(kvresp_aof *aof)
{
    if (!atomic_exchange(&aof->is_wanted, false)) return;
    aof_rewrite_forget(&aof->rewrite);
    aof_backlog_poke(&aof->writer.backlog);
}

/* Nothing that comes later may get behind what the files are about. */
void kvresp_aof_restart(kvresp_aof *aof)
{
    if (!aof->is_wanted) return;
    aof_backlog_discard(&aof->writer.backlog, true);
    aof->is_stale = true;
    aof_backlog_poke(&aof->writer.backlog);
}

kv_status aof_reload(kvresp_aof *aof, char message[AOF_MESSAGE_SIZE])
{
    *message = '\0';
    kv_status status = aof_need_files(aof, message);
    if (status != KV_OK) return status;
    pthread_mutex_lock(&aof->lock);
    aof->reload_status = KV_PENDING;
    aof_backlog_poke(&aof->writer.backlog);
    while (aof->reload_status == KV_PENDING && !aof->is_closing)
        pthread_cond_wait(&aof->turned, &aof->lock);
    status = (kv_status)aof->reload_status;
    snprintf(message, AOF_MESSAGE_SIZE, "%s", aof->reload_message);
    pthread_mutex_unlock(&aof->lock);
    return status;
}

void aof_heed_settings(kvresp_aof *aof)
{
    aof_backlog_stamp(&aof->writer.backlog, aof->rewrite.stamps ? aof->db : NULL);
    aof_backlog_poke(&aof->writer.backlog); /* a rewrite may be due */
}

static const char *aof_explain_refusal(const kvresp_aof *aof, kv_status status, const char *message)
{
    if (status == KV_BADARG) return message;
    return status == KV_READONLY ? aof_io_explain(aof->writer.error) : kv_strerror(status);
}

kv_status aof_ask_for_rewrite(kvresp_aof *aof, bool schedules)
{
    char message[AOF_MESSAGE_SIZE] = "";
    if (aof->is_partly) return KV_READONLY;
    /* One that is in line, or under way, is not to be ended by a move. */
    bool is_there = aof_rewrite_state(&aof->rewrite) != AOF_REWRITE_NONE;
    kv_status status = is_there ? KV_OK : aof_need_files(aof, message);
    if (status == KV_OK) status = aof_rewrite_want(&aof->rewrite, schedules);
    if (status == KV_OK || status == KV_PENDING || status == KV_BUSY) return status;
    aof->rewrite.has_failed = true;
    aof_logf(&aof->log, KVRESP_WARNING, "the append-only file cannot be rewritten: %s",
             aof_explain_refusal(aof, status, message));
    return status;
}

kv_status kvresp_aof_rewrite(kvresp_aof *aof)
{
    kv_status status = aof_ask_for_rewrite(aof, false);
    return status == KV_PENDING ? KV_OK : status;
}

void kvresp_aof_set_growth(kvresp_aof *aof, int64_t percentage, uint64_t min_size)
{
    enum { DEFAULT_PERCENTAGE = 100, DEFAULT_MIN_SIZE = 64 * 1024 * 1024 };
    aof->rewrite.percentage = percentage < 0 ? 0 : percentage > 0 ? percentage : DEFAULT_PERCENTAGE;
    aof->rewrite.min_size = min_size == 0 ? DEFAULT_MIN_SIZE : min_size;
    aof_heed_settings(aof);
}

void kvresp_aof_set_timestamps(kvresp_aof *aof, bool timestamps)
{
    aof->rewrite.stamps = timestamps;
    aof_heed_settings(aof);
}

void kvresp_aof_set_fsync(kvresp_aof *aof, kvresp_fsync fsync)
{
    aof_writer_set_fsync(&aof->writer, fsync);
}

/* ------------------------------------------------------------------------------------ questions */

uint64_t kvresp_aof_position(kvresp_aof *aof)
{
    return aof_backlog_position(&aof->writer.backlog);
}

kv_status kvresp_aof_wait(kvresp_aof *aof, uint64_t position, int64_t timeout_ms)
{
    return aof_writer_wait(&aof->writer, position, timeout_ms);
}

static void aof_stat_rewrite(kvresp_aof *aof, kvresp_aof_status *status)
{
    struct aof_rewrite *rewrite = &aof->rewrite;
    int64_t began_us = rewrite->began_us;
    enum aof_rewrite_state state = aof_rewrite_state(rewrite);
    status->is_rewrite_scheduled = state == AOF_REWRITE_SCHEDULED;
    status->is_rewriting = state == AOF_REWRITE_UNDER_WAY;
    /* A log that has no base yet will get one: also after a failure, and before its turn. */
    if (status->is_starting && !status->is_rewriting) status->is_rewrite_scheduled = true;
    status->has_rewrite_failed = rewrite->has_failed;
    status->rewrites = rewrite->count;
    status->rewrite_failures = rewrite->failures;
    status->last_rewrite_s = rewrite->last_s;
    status->this_rewrite_s =
        began_us != 0 && status->is_rewriting ? (aof_now_us() - began_us) / 1000000 : -1;
}

void kvresp_aof_stat(kvresp_aof *aof, kvresp_aof_status *status)
{
    struct aof_writer *writer = &aof->writer;
    /* Read in this order, so that synced <= written <= appended for the reader too. */
    kvresp_aof_status now = {.size = sizeof now};
    now.synced = writer->synced_position;
    now.written = writer->written_position;
    now.appended = aof_backlog_position(&writer->backlog);
    now.base_size = aof->rewrite.size_after;
    now.current_size = writer->earlier_size + writer->file_size;
    now.delayed_fsyncs = writer->delayed_syncs;
    now.loaded_commands = aof->loaded_commands;
    now.load_ms = aof->load_ms;
    now.error = writer->error;
    now.fsync = (kvresp_fsync)writer->fsync;
    bool moves = aof->next != NULL;
    now.is_on = writer->is_on && aof->is_wanted && !moves;
    now.is_starting = aof->is_wanted && (!writer->is_on || aof->is_stale || moves);
    now.is_elsewhere = aof->is_wanted && aof->directory != NULL;
    aof_stat_rewrite(aof, &now);
    size_t size = status->size < sizeof now ? status->size : sizeof now;
    now.size = status->size;
    memcpy(status, &now, size);
}
