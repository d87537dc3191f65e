#include "resp/aof.h"

#include "resp/aof_loader.h"
#include "resp/aof_manifest.h"
#include "resp/aof_reader.h"
#include "resp/aof_replay.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { AOF_MAX_MANIFEST = 16 * 1024 * 1024, AOF_LOG_PROGRESS_US = 2 * 1000 * 1000 };

/* ------------------------------------------------------------------------------------- manifest */

static kv_status aof_refuse_file(char *message, const char *path, const char *what, int error)
{
    if (error == ENOMEM) return KV_NOMEM;
    return aof_refuse(message, path, 0, "%s: %s", what, aof_io_explain(error));
}

static int aof_size_of(const struct aof_io *io, const char *path, uint64_t *size)
{
    int file;
    int error = io->open(io->context, path, AOF_OPEN_READ, &file);
    if (error != 0) return error;
    error = io->size(io->context, file, size);
    io->close(io->context, file);
    return error;
}

/* Reads a whole small file into `text`. Returns an errno. */
static int aof_read_file(const struct aof_io *io, const char *path, kv_buffer *text)
{
    struct aof_reader reader;
    int error = aof_reader_open(&reader, io, path);
    if (error != 0) return error;
    kv_status status = KV_BADARG;
    if (reader.size > AOF_MAX_MANIFEST) reader.error = EFBIG;
    else status = aof_reader_need(&reader, reader.size);
    if (status == KV_OK) {
        status = text_append(text, kv_bytes(aof_reader_at(&reader), aof_reader_held(&reader)));
    }
    error = status == KV_NOMEM ? ENOMEM : status != KV_OK ? reader.error : 0;
    aof_reader_close(&reader);
    return error;
}

/* KV_OK; KV_NONE if there is none; errors with a message. */
static kv_status aof_read_manifest(const struct aof_io *io, const char *path,
                                   struct aof_manifest *manifest, char *message)
{
    kv_buffer text = {0};
    int error = aof_read_file(io, path, &text);
    kv_status status = KV_OK;
    if (error == ENOENT) {
        status = KV_NONE;
    } else if (error != 0) {
        status = aof_refuse_file(message, path, "cannot read", error);
    } else {
        char why[AOF_MESSAGE_SIZE];
        status = aof_manifest_parse(manifest, text_of_buffer(&text), why);
        if (status == KV_BADARG) snprintf(message, AOF_MESSAGE_SIZE, "%.100s, %.100s", path, why);
    }
    kv_buffer_free(&text);
    return status;
}

/*
 * A data directory from before Redis 7 has one file, beside where the directory of the files is
 * now. It becomes the base file: first a manifest names it, then it is moved. A crash in between is
 * found by `manifest` naming nothing but a base of that name which is not there yet.
 */
static kv_status aof_adopt_old_file(kvresp_aof *aof, const struct aof_io *io,
                                    struct aof_manifest *manifest, const char *manifest_name,
                                    char *message)
{
    const struct aof_file *base = aof_manifest_base(manifest);
    bool is_begun = manifest->count == 1 && base != NULL && strcmp(base->name, aof->file_name) == 0;
    if (manifest->count > 0 && !is_begun) return KV_OK;

    char *old = aof_path(aof->directory, aof->file_name);
    char *new = aof_path(aof->path, aof->file_name);
    int error = old == NULL || new == NULL ? ENOMEM : 0;
    uint64_t size;
    bool is_needed = error == 0 && aof_size_of(io, old, &size) == 0 &&
                     (!is_begun || aof_size_of(io, new, &size) == ENOENT);
    kv_status status = KV_OK;
    if (is_needed) {
        if (!is_begun) status = aof_manifest_add(manifest, AOF_BASE, 1, aof->file_name);
        if (status == KV_OK) error = aof_manifest_save(manifest, io, aof->path, manifest_name);
        if (status == KV_OK && error == 0) error = io->rename(io->context, old, new);
        if (status == KV_OK && error == 0) error = io->sync_directory(io->context, aof->path);
        if (status == KV_OK && error == 0) error = io->sync_directory(io->context, aof->directory);
    }
    if (status == KV_OK && error != 0) {
        status = aof_refuse_file(message, old != NULL ? old : "", "cannot be moved", error);
    }
    if (status == KV_OK && is_needed) {
        aof_logf(&aof->log, KVRESP_NOTICE, "%s is now the base file %s", old, new);
    }
    free(old);
    free(new);
    return status;
}

/*
 * Removes the files that a rewrite has replaced; what cannot be removed stays listed and is tried
 * next time.
 */
static void aof_remove_history(kvresp_aof *aof, const struct aof_io *io,
                               struct aof_manifest *manifest, const char *manifest_name)
{
    bool is_changed = false;
    for (size_t i = manifest->count; i-- > 0;) {
        if (manifest->files[i].kind != AOF_HISTORY) continue;
        char *path = aof_path(aof->path, manifest->files[i].name);
        int error = path != NULL ? io->remove(io->context, path) : ENOMEM;
        free(path);
        if (error == 0 || error == ENOENT) {
            aof_manifest_drop(manifest, i);
            is_changed = true;
        }
    }
    if (is_changed && manifest->count > 0) {
        aof_manifest_save(manifest, io, aof->path, manifest_name);
    }
}

/* -------------------------------------------------------------------------------------- loading */

static kv_status aof_add_up(kvresp_aof *aof, const struct aof_io *io,
                            const struct aof_manifest *manifest, uint64_t *total, char *message)
{
    *total = 0;
    for (size_t i = 0; i < manifest->count; i++) {
        if (manifest->files[i].kind == AOF_HISTORY) continue;
        char *path = aof_path(aof->path, manifest->files[i].name);
        uint64_t size = 0;
        int error = path != NULL ? aof_size_of(io, path, &size) : ENOMEM;
        kv_status status = KV_OK;
        if (error != 0) {
            status = aof_refuse_file(message, path != NULL ? path : "",
                                     "is in the manifest and cannot be opened", error);
        }
        free(path);
        if (status != KV_OK) return status;
        *total += size;
    }
    return KV_OK;
}

/*
 * Loads the files of the manifest in order. `last_size` is that of the last file, cut if it was
 * torn.
 */
static kv_status aof_load_all(kvresp_aof *aof, const struct aof_manifest *manifest,
                              struct aof_loader *loader, struct aof_replay *replay,
                              uint64_t *last_size, uint64_t *earlier_size, char *message)
{
    size_t last = manifest->count;
    while (last > 0 && manifest->files[last - 1].kind == AOF_HISTORY) last--;
    for (size_t i = 0; i < last; i++) {
        const struct aof_file *file = &manifest->files[i];
        if (file->kind == AOF_HISTORY) continue;
        char *path = aof_path(aof->path, file->name);
        if (path == NULL) return KV_NOMEM;
        uint64_t size = 0;
        aof_replay_begin_file(replay);
        kv_status status =
            aof_load_file(loader, path, i + 1 == last, !aof->refuse_truncated, &size, message);
        if (status == KV_NONE) status = aof_refuse_file(message, path, "cannot open", ENOENT);
        free(path);
        if (status != KV_OK) return status;

        if (file->kind == AOF_BASE) aof->base_size = size;
        bool is_continued = file->kind == AOF_INCREMENT && i + 1 == last;
        if (is_continued) *last_size = size;
        else *earlier_size += size;
    }
    return KV_OK;
}

/* Where loading stands: for the host, and every few seconds for the log. */
struct aof_progress {
    kvresp_aof *aof;
    const kvresp_aof_options *options;
    int64_t log_at_us;
};

static void aof_tell_progress(void *context, uint64_t loaded, uint64_t total)
{
    struct aof_progress *progress = context;
    const kvresp_aof_options *options = progress->options;
    if (options->progress != NULL) options->progress(options->progress_context, loaded, total);
    int64_t now_us = aof_now_us();
    if (now_us < progress->log_at_us) return;
    progress->log_at_us = now_us + AOF_LOG_PROGRESS_US;
    aof_logf(&progress->aof->log, KVRESP_NOTICE, "loading the append-only file: %.0f%%",
             total > 0 ? 100.0 * (double)loaded / (double)total : 100.0);
}

/* The sink of a load with rests (load_delay_us). */
struct aof_slow_sink {
    struct aof_sink sink;
    uint32_t delay_us;
};

static kv_status aof_apply_slowly(void *context, const struct aof_command *commands, size_t count,
                                  size_t *failed, char why[AOF_WHY_SIZE])
{
    const struct aof_slow_sink *slow = context;
    uint64_t rest_us = (uint64_t)count * slow->delay_us;
    struct timespec rest = {(time_t)(rest_us / 1000000), (long)(rest_us % 1000000) * 1000};
    nanosleep(&rest, NULL);
    return slow->sink.apply(slow->sink.context, commands, count, failed, why);
}

static kv_status aof_load(kvresp_aof *aof, const kvresp_aof_options *options,
                          const struct aof_io *io, const struct aof_manifest *manifest,
                          uint64_t *last_size, uint64_t *earlier_size, char *message)
{
    struct aof_replay *replay;
    kv_status status = aof_replay_open(aof->db, &replay);
    if (status != KV_OK) return status;

    int64_t began_us = aof_now_us(), max_value = 0;
    const int64_t default_max = 512 * 1024 * 1024;
    kv_configuration(aof->db, KV_SETTING_MAX_VALUE_SIZE, &max_value);
    struct aof_sink sink = {aof_replay_apply, replay};
    struct aof_slow_sink slow = {sink, options->load_delay_us};
    if (slow.delay_us > 0) sink = (struct aof_sink){aof_apply_slowly, &slow};
    struct aof_progress progress = {aof, options, began_us + AOF_LOG_PROGRESS_US};
    struct aof_loader loader = {
        .io = io,
        .sink = &sink,
        .log = &aof->log,
        .db = aof->db,
        .load_threads = options->load_threads,
        .load_delay_us = options->load_delay_us,
        .max_text = (uint64_t)(max_value > default_max ? max_value : default_max),
        .progress_bytes = options->progress_bytes,
        .progress = aof_tell_progress,
        .progress_context = &progress,
    };
    status = aof_add_up(aof, io, manifest, &loader.total, message);
    if (status == KV_OK) {
        aof_tell_progress(&progress, 0, loader.total);
        status = aof_load_all(aof, manifest, &loader, replay, last_size, earlier_size, message);
    }
    aof_replay_close(replay);
    if (status != KV_OK) return status;

    aof->loaded_commands = loader.commands;
    aof->load_ms = (aof_now_us() - began_us) / 1000;
    aof_logf(&aof->log, KVRESP_NOTICE,
             "append-only file loaded: %llu commands, %llu bytes, %.3f seconds",
             (unsigned long long)loader.commands, (unsigned long long)loader.loaded,
             (double)aof->load_ms / 1000);
    return KV_OK;
}

/* -------------------------------------------------------------------------------------- opening */

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

static kv_status aof_lock(kvresp_aof *aof, const struct aof_io *io, char *message)
{
    int error = io->lock_directory(io->context, aof->path, &aof->lock);
    if (error == 0) return KV_OK;
    aof->lock = -1;
    if (error == EWOULDBLOCK) {
        return aof_refuse(message, aof->path, 0, "the directory is in use by another store");
    }
    aof_logf(&aof->log, KVRESP_WARNING, "%s cannot be locked against other processes: %s",
             aof->path, aof_io_explain(error));
    return KV_OK;
}

static kv_status aof_make_directory(kvresp_aof *aof, const struct aof_io *io, char *message)
{
    int error = io->make_directory(io->context, aof->path);
    if (error == EEXIST) return KV_OK;
    if (error == 0) error = io->sync_directory(io->context, aof->directory);
    if (error == 0) return KV_OK;
    return aof_refuse_file(message, aof->path, "cannot create the directory", error);
}

static kv_status aof_open_files(kvresp_aof *aof, const kvresp_aof_options *options,
                                const struct aof_io *io, struct aof_manifest *manifest,
                                const char *manifest_name, char *message)
{
    char *path = aof_path(aof->path, manifest_name);
    if (path == NULL) return KV_NOMEM;
    kv_status status = aof_read_manifest(io, path, manifest, message);
    free(path);
    if (status == KV_OK || status == KV_NONE) {
        status = aof_adopt_old_file(aof, io, manifest, manifest_name, message);
    }
    uint64_t last_size = 0, earlier_size = 0;
    if (status == KV_OK) {
        status = aof_load(aof, options, io, manifest, &last_size, &earlier_size, message);
    }
    if (status != KV_OK) return status;

    aof_remove_history(aof, io, manifest, manifest_name);
    struct aof_writer_options writer_options = {
        .io = io,
        .log = aof->log,
        .directory = aof->path,
        .file_name = aof->file_name,
        .fsync = options->fsync,
        .accept_writes = aof_accept_writes,
        .accept_context = aof,
    };
    return aof_writer_open(&aof->writer, &writer_options, manifest, last_size, earlier_size,
                           message);
}

/* ------------------------------------------------------------------------------- the log thread */

static void *aof_run(void *context)
{
    struct aof_writer *writer = &((kvresp_aof *)context)->writer;
    while (!writer->is_stopping) {
        aof_writer_step(writer, aof_now_us());
        aof_backlog_wait(&writer->backlog, writer->wake_position, writer->wake_us);
    }
    return NULL;
}

/* The thread takes no signals: they are for the host's threads. */
static kv_status aof_start_thread(kvresp_aof *aof)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int error = pthread_create(&aof->thread, NULL, aof_run, aof);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return error == 0 ? KV_OK : KV_NOMEM;
}

static void aof_stop_thread(kvresp_aof *aof)
{
    atomic_store(&aof->writer.is_stopping, true);
    aof_backlog_poke(&aof->writer.backlog);
    pthread_join(aof->thread, NULL);
}

/* ----------------------------------------------------------------------------------- life cycle */

static bool aof_is_plain_name(const char *name)
{
    return *name != '\0' && strchr(name, '/') == NULL && strcmp(name, ".") != 0 &&
           strcmp(name, "..") != 0;
}

static void aof_free(kvresp_aof *aof, const struct aof_io *io)
{
    if (aof->lock >= 0) io->close(io->context, aof->lock);
    free(aof->directory);
    free(aof->directory_name);
    free(aof->file_name);
    free(aof->path);
    free(aof);
}

static kv_status aof_copy_names(kvresp_aof *aof, const kvresp_aof_options *options, char *message)
{
    const char *directory = options->directory != NULL ? options->directory : ".";
    const char *name = options->directory_name != NULL ? options->directory_name : "appendonlydir";
    const char *file = options->file_name != NULL ? options->file_name : "appendonly.aof";
    if (!aof_is_plain_name(name) || !aof_is_plain_name(file)) {
        snprintf(message, AOF_MESSAGE_SIZE,
                 "appenddirname and appendfilename must be names, not paths");
        return KV_BADARG;
    }
    aof->directory = text_duplicate(kv_text(directory));
    aof->directory_name = text_duplicate(kv_text(name));
    aof->file_name = text_duplicate(kv_text(file));
    aof->path = aof_path(directory, name);
    bool has_all = aof->directory != NULL && aof->directory_name != NULL &&
                   aof->file_name != NULL && aof->path != NULL;
    return has_all ? KV_OK : KV_NOMEM;
}

static kv_status aof_check_empty(kv *db, char *message)
{
    kv_statistics statistics = KV_OPTIONS(kv_statistics);
    kv_status status = kv_stats(db, &statistics);
    if (status != KV_OK || statistics.keys == 0) return status;
    snprintf(message, AOF_MESSAGE_SIZE,
             "the append-only file can only be opened on an empty store");
    return KV_BADARG;
}

/* A manifest, or the single file of earlier versions. Nothing is created. */
static kv_status aof_check_exists(const kvresp_aof *aof, const struct aof_io *io,
                                  const char *manifest_name, char *message)
{
    char *paths[2] = {aof_path(aof->path, manifest_name), aof_path(aof->directory, aof->file_name)};
    kv_status status = paths[0] == NULL || paths[1] == NULL ? KV_NOMEM : KV_NONE;
    int error = ENOENT, file;
    for (int i = 0; i < 2 && status == KV_NONE && error == ENOENT; i++) {
        error = io->open(io->context, paths[i], AOF_OPEN_READ, &file);
        if (error != 0) continue;
        io->close(io->context, file);
        status = KV_OK;
    }
    if (status == KV_NONE)
        status = aof_refuse_file(message, paths[0], "there is no append-only file", error);
    free(paths[0]);
    free(paths[1]);
    return status;
}

/* Follows the journal from here on. */
static kv_status aof_begin(kvresp_aof *aof)
{
    kv_status status = kv_follow(aof->db, aof_backlog_append, &aof->writer.backlog, &aof->follower);
    if (status != KV_OK) return status;
    status = aof_start_thread(aof);
    if (status != KV_OK) kv_unfollow(aof->follower);
    return status;
}

/*
 * Keys may expire again only when the journal is followed: an expiry that it does not tell would
 * leave the key in the file, for later changes to meet there.
 */
static kv_status aof_load_and_begin(kvresp_aof *aof, const kvresp_aof_options *options,
                                    const struct aof_io *io, struct aof_manifest *manifest,
                                    const char *manifest_name, char *message)
{
    kv_status status = kv_configure(aof->db, KV_SETTING_EXPIRE, 0);
    if (status != KV_OK) return status;
    status = aof_open_files(aof, options, io, manifest, manifest_name, message);
    if (status == KV_OK) {
        status = aof_begin(aof);
        if (status != KV_OK) aof_writer_close(&aof->writer);
    }
    kv_configure(aof->db, KV_SETTING_EXPIRE, 1);
    return status;
}

kv_status aof_open_on(kv *db, const kvresp_aof_options *given, const struct aof_io *io,
                      kvresp_aof **out, char message[256])
{
    kvresp_aof_options copy = KV_OPTIONS(kvresp_aof_options), *options = &copy;
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
    aof->lock = -1;
    aof->log = (struct aof_log){options->log, options->log_context};
    aof->refuse_truncated = options->refuse_truncated;

    struct aof_manifest manifest = {0};
    kv_buffer manifest_name = {0};
    kv_status status = aof_copy_names(aof, options, message);
    if (status == KV_OK) status = text_format(&manifest_name, "%s.manifest%c", aof->file_name, 0);
    if (status == KV_OK) status = aof_check_empty(db, message);
    if (status == KV_OK && options->must_exist)
        status = aof_check_exists(aof, io, manifest_name.data, message);
    if (status == KV_OK) status = aof_make_directory(aof, io, message);
    if (status == KV_OK) status = aof_lock(aof, io, message);
    if (status == KV_OK)
        status = aof_load_and_begin(aof, options, io, &manifest, manifest_name.data, message);
    aof_manifest_clear(&manifest);
    kv_buffer_free(&manifest_name);
    if (status != KV_OK) {
        aof_free(aof, io);
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
    const struct aof_io *io = aof->writer.options.io;
    kv_unfollow(aof->follower);
    aof_stop_thread(aof);
    kv_status status = aof_writer_finish(&aof->writer);
    if (status != KV_OK) {
        aof_logf(&aof->log, KVRESP_WARNING, "%s: closed with changes that could not be written: %s",
                 aof->writer.path, aof_io_explain(aof->writer.error));
    }
    aof_writer_close(&aof->writer);
    aof_free(aof, io);
    return status;
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

void kvresp_aof_set_fsync(kvresp_aof *aof, kvresp_fsync fsync)
{
    aof_writer_set_fsync(&aof->writer, fsync);
}

void kvresp_aof_stat(kvresp_aof *aof, kvresp_aof_status *status)
{
    struct aof_writer *writer = &aof->writer;
    /* Read in this order, so that synced <= written <= appended for the reader too. */
    kvresp_aof_status now = {.size = sizeof now};
    now.synced = writer->synced_position;
    now.written = writer->written_position;
    now.appended = aof_backlog_position(&writer->backlog);
    now.base_size = aof->base_size;
    now.current_size = writer->earlier_size + writer->file_size;
    now.delayed_fsyncs = writer->delayed_syncs;
    now.loaded_commands = aof->loaded_commands;
    now.load_ms = aof->load_ms;
    now.error = writer->error;
    now.fsync = (kvresp_fsync)writer->fsync;
    size_t size = status->size < sizeof now ? status->size : sizeof now;
    now.size = status->size;
    memcpy(status, &now, size);
}
