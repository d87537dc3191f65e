/*
 * resp/aof_check.c -- kvresp_check(): what is in an RDB file or an append-only file, and whether it
 * is sound.
 */
#include "resp/aof_check.h"

#include "resp/aof_loader.h"
#include "resp/aof_manifest.h"
#include "resp/aof_reader.h"
#include "resp/aof_replay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { CHECK_MANIFEST_MAX = 16 * 1024 * 1024 };

struct check {
    kvresp_check_options options;
    const struct aof_io *io;
    struct aof_log log;
    struct aof_replay *replay;
    struct aof_sink sink;
    struct aof_loader loader;
    char *message;
};

static kv_status check_refuse_file(const struct check *check, const char *path, int error)
{
    if (error == ENOMEM) return KV_NOMEM;
    return aof_refuse(check->message, path, 0, "cannot be read: %s", aof_io_explain(error));
}

/* ------------------------------------------------------------------------------------- one file */

static kvresp_checked check_found(const struct check *check, const char *path, enum aof_kind kind,
                                  kv_status status)
{
    const struct aof_loaded *file = &check->loader.file;
    return (kvresp_checked){.path = path,
                            .kind = (char)kind,
                            .bytes = file->size,
                            .sound_bytes = status == KV_OK ? file->size : file->whole,
                            .rdb_version = file->rdb_version,
                            .rdb_bytes = file->rdb_size,
                            .rdb_keys = file->rdb_keys,
                            .commands = file->commands,
                            .is_rdb = check->loader.is_rdb,
                            .is_refused = file->is_refused};
}

/* Whether there is something before the damage, or nothing but the first record, cut short. */
static bool check_may_cut(const struct check *check, const kvresp_checked *found)
{
    bool is_torn = found->kind == AOF_INCREMENT && check->loader.file.is_torn;
    return (found->sound_bytes > 0 || is_torn) && !found->is_refused;
}

/* Cuts off what is not sound, of the last file, if the host wants it. */
static kv_status check_cut(struct check *check, kvresp_checked *found)
{
    if (check->options.cut == NULL || !check_may_cut(check, found)) return KV_CORRUPT;
    if (!check->options.cut(check->options.context, found, check->message)) return KV_CORRUPT;
    int error = aof_io_cut(check->io, found->path, found->sound_bytes);
    if (error != 0) {
        (void)aof_refuse(check->message, found->path, found->sound_bytes, "cannot be cut: %s",
                         aof_io_explain(error));
        return KV_CORRUPT;
    }
    found->bytes = found->sound_bytes;
    return KV_OK;
}

static bool check_has_suffix(const char *path, const char *suffix)
{
    size_t size = strlen(path), wanted = strlen(suffix);
    return size >= wanted && strcmp(path + size - wanted, suffix) == 0;
}

static kv_status check_file(struct check *check, const char *path, enum aof_kind kind, bool is_last)
{
    uint64_t size;
    check->loader.is_rdb = kind == 0 && check_has_suffix(path, ".rdb");
    check->loader.may_have_rest = kind == 0;
    check->loader.file = (struct aof_loaded){0};
    aof_replay_begin_file(check->replay, path);
    kv_status status = aof_load_file(&check->loader, path, is_last, false, &size, check->message);
    if (status == KV_NONE && kind == 0) return check_refuse_file(check, path, ENOENT);
    if (status == KV_NONE) {
        (void)aof_refuse(check->message, path, 0, "expected a file, as the manifest names it");
        return KV_CORRUPT;
    }
    if (status == KV_NOMEM) return status;
    kvresp_checked found = check_found(check, path, kind, status);
    if (status != KV_OK) status = is_last ? check_cut(check, &found) : KV_CORRUPT;
    if (check->options.file != NULL) check->options.file(check->options.context, &found);
    return status;
}

/* ----------------------------------------------------------------------------------- a manifest */

static kv_status check_read_manifest(const struct check *check, const char *path,
                                     struct aof_manifest *manifest)
{
    struct aof_reader reader;
    char why[AOF_MESSAGE_SIZE];
    int error = aof_reader_open(&reader, check->io, path);
    if (error != 0) return check_refuse_file(check, path, error);
    kv_status status = KV_BADARG;
    if (reader.size > CHECK_MANIFEST_MAX) reader.error = EFBIG;
    else status = aof_reader_need(&reader, reader.size);
    if (status == KV_BADARG) {
        status = check_refuse_file(check, path, reader.error);
    } else if (status == KV_OK) {
        kv_slice text = {aof_reader_at(&reader), aof_reader_held(&reader)};
        status = aof_manifest_parse(manifest, text, why);
        if (status == KV_BADARG) {
            snprintf(check->message, AOF_MESSAGE_SIZE, "%.100s, %.100s", path, why);
            status = KV_CORRUPT;
        }
    }
    aof_reader_close(&reader);
    return status;
}

/* The path of a file of the manifest at `path`, beside which it is. */
static char *check_path_beside(const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');
    size_t size = slash != NULL ? (size_t)(slash - path) + 1 : 0;
    char *beside = malloc(size + strlen(name) + 1);
    if (beside == NULL) return NULL;
    memcpy(beside, path, size);
    strcpy(beside + size, name);
    return beside;
}

static kv_status check_set(struct check *check, const char *path)
{
    struct aof_manifest manifest = {0};
    kv_status status = check_read_manifest(check, path, &manifest);
    size_t last = manifest.count;
    while (last > 0 && manifest.files[last - 1].kind == AOF_HISTORY) last--;
    for (size_t i = 0; i < last && status == KV_OK; i++) {
        const struct aof_file *file = &manifest.files[i];
        if (file->kind == AOF_HISTORY) continue;
        char *beside = check_path_beside(path, file->name);
        status = beside != NULL ? check_file(check, beside, file->kind, i + 1 == last) : KV_NOMEM;
        free(beside);
    }
    aof_manifest_clear(&manifest);
    return status;
}

/* ---------------------------------------------------------------------------------------- whole */

static void check_tell_progress(void *context, uint64_t loaded, uint64_t total)
{
    const struct check *check = context;
    (void)total;
    if (check->options.progress != NULL) check->options.progress(check->options.context, loaded);
}

static kv_status check_open(struct check *check, kv *db)
{
    int64_t max_value = 0;
    kv_status status = kv_configure(db, KV_SETTING_EXPIRE, 0);
    if (status == KV_OK) status = kv_configuration(db, KV_SETTING_MAX_VALUE_SIZE, &max_value);
    check->log = (struct aof_log){check->options.log, check->options.context};
    if (status == KV_OK) status = aof_replay_open(db, &check->log, &check->replay);
    if (status != KV_OK) return status;
    check->sink = (struct aof_sink){aof_replay_apply, check->replay};
    check->loader = (struct aof_loader){.io = check->io,
                                        .sink = &check->sink,
                                        .log = &check->log,
                                        .db = db,
                                        .load_threads = check->options.load_threads,
                                        .aux = check->options.aux,
                                        .aux_context = check->options.context,
                                        .max_text = (uint64_t)max_value,
                                        .progress = check_tell_progress,
                                        .progress_context = check};
    return KV_OK;
}

kv_status aof_check_on(kv *db, const struct aof_io *io, const char *path,
                       const kvresp_check_options *given, char *message)
{
    char none[AOF_MESSAGE_SIZE] = "";
    struct check check = {.io = io, .message = message != NULL ? message : none};
    check.options = KV_OPTIONS(kvresp_check_options);
    if (db == NULL || path == NULL) return KV_BADARG;
    if (given != NULL) {
        if (given->size < sizeof given->size || given->size > sizeof *given) return KV_BADARG;
        memcpy(&check.options, given, given->size);
    }
    *check.message = '\0';
    kv_status status = check_open(&check, db);
    if (status != KV_OK) return status;
    status = check_has_suffix(path, ".manifest") ? check_set(&check, path)
                                                 : check_file(&check, path, (enum aof_kind)0, true);
    aof_replay_close(check.replay);
    return status;
}

kv_status kvresp_check(kv *db, const char *path, const kvresp_check_options *options,
                       char message[256])
{
    return aof_check_on(db, &aof_io_system, path, options, message);
}
