#include "resp/aof_restore.h"

#include "resp/aof_backlog.h"
#include "resp/aof_loader.h"
#include "resp/aof_replay.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

enum { RESTORE_LOG_US = 2 * 1000 * 1000, RESTORE_MAX_TEXT = 512 * 1024 * 1024 };

/* Where loading stands: for the host, and every few seconds for the log. */
struct restore {
    const struct aof_files *files;
    const kvresp_aof_options *options;
    struct aof_replay *replay;
    struct aof_loader loader;
    struct aof_restored *restored;
    int64_t log_at_us;
    int64_t made_s; /* when the last RDB was; 0: it did not say */
    char *message;
};

static void restore_note_time(void *context, kv_slice name, kv_slice value)
{
    struct restore *restore = context;
    if (text_is(name, "ctime")) (void)text_parse_integer(value, &restore->made_s);
}

static void restore_tell_progress(void *context, uint64_t loaded, uint64_t total)
{
    struct restore *restore = context;
    const kvresp_aof_options *options = restore->options;
    if (options->progress != NULL) options->progress(options->progress_context, loaded, total);
    int64_t now_us = aof_now_us();
    if (now_us < restore->log_at_us) return;
    restore->log_at_us = now_us + RESTORE_LOG_US;
    aof_logf(&restore->files->log, KVRESP_NOTICE, "loading the append-only file: %.0f%%",
             total > 0 ? 100.0 * (double)loaded / (double)total : 100.0);
}

/* The sink of a load with rests (load_delay_us). */
struct restore_slow_sink {
    struct aof_sink sink;
    uint32_t delay_us;
};

static kv_status restore_apply_slowly(void *context, const struct aof_command *commands,
                                      size_t count, size_t *failed, char why[AOF_WHY_SIZE])
{
    const struct restore_slow_sink *slow = context;
    uint64_t rest_us = (uint64_t)count * slow->delay_us;
    struct timespec rest = {(time_t)(rest_us / 1000000), (long)(rest_us % 1000000) * 1000};
    nanosleep(&rest, NULL);
    return slow->sink.apply(slow->sink.context, commands, count, failed, why);
}

/* Adds up the sizes of the files, all of which must be there. */
static kv_status restore_add_up(struct restore *restore)
{
    const struct aof_manifest *manifest = &restore->files->manifest;
    for (size_t i = 0; i < manifest->count; i++) {
        if (manifest->files[i].kind == AOF_HISTORY) continue;
        char *path = aof_files_path(restore->files, manifest->files[i].name);
        uint64_t size = 0;
        int error = path != NULL ? aof_files_size(restore->files, path, &size) : ENOMEM;
        kv_status status = error == ENOMEM ? KV_NOMEM : KV_OK;
        if (error != 0 && status == KV_OK) {
            status =
                aof_refuse(restore->message, path, 0, "is in the manifest and cannot be opened: %s",
                           aof_io_explain(error));
        }
        free(path);
        if (status != KV_OK) return status;
        restore->loader.total += size;
    }
    return KV_OK;
}

static kv_status restore_file(struct restore *restore, const struct aof_file *file, bool is_last)
{
    char *path = aof_files_path(restore->files, file->name);
    if (path == NULL) return KV_NOMEM;
    uint64_t size = 0;
    aof_replay_begin_file(restore->replay, path);
    kv_status status = aof_load_file(&restore->loader, path, is_last,
                                     !restore->options->refuse_truncated, &size, restore->message);
    if (status == KV_NONE)
        status = aof_refuse(restore->message, path, 0, "cannot open: %s", aof_io_explain(ENOENT));
    int64_t until_s = restore->options->load_until_s;
    bool is_later = restore->loader.is_over || (until_s > 0 && restore->made_s > until_s);
    if (status == KV_OK && is_later && file->kind == AOF_BASE) {
        status = aof_refuse(restore->message, path, 0,
                            "the base is of a later time than aof-load-until");
    }
    free(path);
    if (status != KV_OK) return status;

    if (file->kind == AOF_BASE) restore->restored->base_size = size;
    if (file->kind == AOF_INCREMENT && is_last) restore->restored->last_size = size;
    else restore->restored->earlier_size += size;
    return KV_OK;
}

static kv_status restore_all(struct restore *restore)
{
    const struct aof_manifest *manifest = &restore->files->manifest;
    size_t last = manifest->count;
    kv_status status = KV_OK;
    while (last > 0 && manifest->files[last - 1].kind == AOF_HISTORY) last--;
    for (size_t i = 0; i < last && status == KV_OK && !restore->loader.is_over; i++) {
        const struct aof_file *file = &manifest->files[i];
        if (file->kind != AOF_HISTORY) status = restore_file(restore, file, i + 1 == last);
    }
    return status;
}

static void restore_log(const struct restore *restore)
{
    const struct aof_restored *restored = restore->restored;
    const struct aof_loader *loader = &restore->loader;
    aof_logf(&restore->files->log, KVRESP_NOTICE,
             "append-only file loaded%s: %llu commands, %llu bytes, %.3f seconds",
             loader->is_over ? " up to aof-load-until" : "", (unsigned long long)loader->commands,
             (unsigned long long)loader->loaded, (double)restored->took_ms / 1000);
}

kv_status aof_restore(kv *db, const struct aof_files *files, const kvresp_aof_options *options,
                      struct aof_restored *restored, char message[AOF_MESSAGE_SIZE])
{
    struct aof_replay *replay;
    kv_status status = aof_replay_open(db, &files->log, &replay);
    if (status != KV_OK) return status;

    int64_t began_us = aof_now_us(), max_value = 0;
    kv_configuration(db, KV_SETTING_MAX_VALUE_SIZE, &max_value);
    struct aof_sink sink = {aof_replay_apply, replay};
    struct restore_slow_sink slow = {sink, options->load_delay_us};
    if (slow.delay_us > 0) sink = (struct aof_sink){restore_apply_slowly, &slow};
    *restored = (struct aof_restored){0};
    struct restore restore = {
        .files = files,
        .options = options,
        .replay = replay,
        .restored = restored,
        .log_at_us = began_us + RESTORE_LOG_US,
        .message = message,
        .loader = {.io = files->io,
                   .sink = &sink,
                   .log = &files->log,
                   .db = db,
                   .load_threads = options->load_threads,
                   .load_delay_us = options->load_delay_us,
                   .aux = restore_note_time,
                   .aux_context = &restore,
                   .max_text =
                       (uint64_t)(max_value > RESTORE_MAX_TEXT ? max_value : RESTORE_MAX_TEXT),
                   .keeps_tail = "and aof-load-truncated is \"no\"",
                   .until_s = options->load_until_s,
                   .progress_bytes = options->progress_bytes,
                   .progress = restore_tell_progress,
                   .progress_context = &restore},
    };
    status = restore_add_up(&restore);
    if (status == KV_OK) {
        restore_tell_progress(&restore, 0, restore.loader.total);
        status = restore_all(&restore);
    }
    aof_replay_close(replay);
    if (status != KV_OK) return status;
    restored->commands = restore.loader.commands;
    restored->took_ms = (aof_now_us() - began_us) / 1000;
    restore_log(&restore);
    return KV_OK;
}
