#include "resp/aof_files.h"

#include "resp/aof_reader.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum { FILES_MAX_MANIFEST = 16 * 1024 * 1024 };

/* ---------------------------------------------------------------------------------------- names */

static bool files_is_plain_name(const char *name)
{
    return *name != '\0' && strchr(name, '/') == NULL && strcmp(name, ".") != 0 &&
           strcmp(name, "..") != 0;
}

/* printf() to memory from malloc(), or NULL. */
static char *files_print(const char *format, ...) TEXT_PRINTF(1, 2);
static char *files_print(const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int size = vsnprintf(NULL, 0, format, arguments);
    char *text = size >= 0 ? malloc((size_t)size + 1) : NULL;
    if (text != NULL) vsnprintf(text, (size_t)size + 1, format, again);
    va_end(again);
    va_end(arguments);
    return text;
}

static void files_free_names(struct aof_files *files)
{
    free(files->parent);
    free(files->directory_name);
    free(files->file_name);
    free(files->path);
    free(files->manifest_name);
    free(files->temporary_base);
    free(files->temporary_increment);
}

kv_status aof_files_name(struct aof_files *files, const kvresp_aof_options *options,
                         const struct aof_io *io, char message[AOF_MESSAGE_SIZE])
{
    const char *parent = options->directory != NULL ? options->directory : ".";
    const char *name = options->directory_name != NULL ? options->directory_name : "appendonlydir";
    const char *file = options->file_name != NULL ? options->file_name : "appendonly.aof";
    *files = (struct aof_files){.io = io, .lock = -1};
    files->log = (struct aof_log){options->log, options->log_context};
    if (!files_is_plain_name(name) || !files_is_plain_name(file)) {
        snprintf(message, AOF_MESSAGE_SIZE,
                 "appenddirname and appendfilename must be names, not paths");
        return KV_BADARG;
    }
    files->parent = text_duplicate(kv_text(parent));
    files->directory_name = text_duplicate(kv_text(name));
    files->file_name = text_duplicate(kv_text(file));
    files->path = aof_path(parent, name);
    files->manifest_name = files_print("%s.manifest", file);
    files->temporary_base = files_print("%s/%s/temp-%s.base", parent, name, file);
    files->temporary_increment = files_print("%s/%s/temp-%s.incr", parent, name, file);
    bool has_all = files->parent != NULL && files->directory_name != NULL &&
                   files->file_name != NULL && files->path != NULL &&
                   files->manifest_name != NULL && files->temporary_base != NULL &&
                   files->temporary_increment != NULL;
    if (has_all) return KV_OK;
    files_free_names(files);
    *files = (struct aof_files){.lock = -1};
    return KV_NOMEM;
}

char *aof_files_path(const struct aof_files *files, const char *name)
{
    return aof_path(files->path, name);
}

static bool files_lists(const struct aof_files *files, const char *name)
{
    for (size_t i = 0; i < files->manifest.count; i++) {
        if (strcmp(files->manifest.files[i].name, name) == 0) return true;
    }
    return false;
}

/* The first of "file_name.NUMBER.END", with a number above *sequence, that is not listed. */
static char *files_next_name(const struct aof_files *files, const char *end, int64_t *sequence)
{
    for (;;) {
        char *name = files_print("%s.%" PRId64 ".%s", files->file_name, ++*sequence, end);
        if (name == NULL || !files_lists(files, name)) return name;
        free(name);
    }
}

char *aof_files_next_increment(const struct aof_files *files, int64_t *sequence)
{
    const struct aof_file *last = aof_manifest_last_increment(&files->manifest);
    *sequence = last != NULL ? last->sequence : 0;
    return files_next_name(files, "incr.aof", sequence);
}

static char *files_next_base(const struct aof_files *files, bool is_rdb, int64_t *sequence)
{
    const struct aof_file *base = aof_manifest_base(&files->manifest);
    *sequence = base != NULL ? base->sequence : 0;
    return files_next_name(files, is_rdb ? "base.rdb" : "base.aof", sequence);
}

/* ---------------------------------------------------------------------------------- single files */

static kv_status files_refuse(char *message, const char *path, const char *what, int error)
{
    if (error == ENOMEM) return KV_NOMEM;
    return aof_refuse(message, path, 0, "%s: %s", what, aof_io_explain(error));
}

int aof_files_size(const struct aof_files *files, const char *path, uint64_t *size)
{
    const struct aof_io *io = files->io;
    int file;
    int error = io->open(io->context, path, AOF_OPEN_READ, &file);
    if (error != 0) return error;
    error = io->size(io->context, file, size);
    io->close(io->context, file);
    return error;
}

uint64_t aof_files_total(const struct aof_files *files, enum aof_kind kind)
{
    uint64_t total = 0;
    for (size_t i = 0; i < files->manifest.count; i++) {
        if (files->manifest.files[i].kind != kind) continue;
        char *path = aof_files_path(files, files->manifest.files[i].name);
        uint64_t size = 0;
        if (path != NULL && aof_files_size(files, path, &size) == 0) total += size;
        free(path);
    }
    return total;
}

int aof_files_create(const struct aof_files *files, const char *path, int *file)
{
    const struct aof_io *io = files->io;
    int error = io->open(io->context, path, AOF_OPEN_CREATE, file);
    if (error != 0) return error;
    error = io->sync_directory(io->context, files->path);
    if (error != 0) io->close(io->context, *file);
    return error;
}

void aof_files_remove(const struct aof_files *files, const char *path)
{
    int error = files->io->remove(files->io->context, path);
    if (error == 0 || error == ENOENT) return;
    aof_logf(&files->log, KVRESP_WARNING, "%s: cannot be removed: %s", path, aof_io_explain(error));
}

/* ------------------------------------------------------------------------------------- manifest */

static int files_save(struct aof_files *files, const struct aof_manifest *manifest)
{
    bool may_be_there = false;
    int error =
        aof_manifest_save(manifest, files->io, files->path, files->manifest_name, &may_be_there);
    if (error == 0) {
        files->is_in_doubt = false;
        files->has_manifest = true;
    } else if (may_be_there) {
        files->is_in_doubt = true;
    }
    return error;
}

int aof_files_list(struct aof_files *files, int64_t sequence, const char *name)
{
    struct aof_manifest *manifest = &files->manifest;
    if (aof_manifest_add(manifest, AOF_INCREMENT, sequence, name) != KV_OK) return ENOMEM;
    int error = files_save(files, manifest);
    if (error != 0) aof_manifest_drop(manifest, manifest->count - 1);
    return error;
}

/* What the set will be, in an empty manifest. */
static kv_status files_plan(const struct aof_files *files, int64_t first_increment,
                            struct aof_manifest *next)
{
    kv_status status = KV_OK;
    for (size_t i = 0; i < files->manifest.count && status == KV_OK; i++) {
        const struct aof_file *file = &files->manifest.files[i];
        bool is_kept = file->kind == AOF_INCREMENT && file->sequence >= first_increment;
        enum aof_kind kind = is_kept ? AOF_INCREMENT : AOF_HISTORY;
        status = aof_manifest_add(next, kind, file->sequence, file->name);
    }
    return status;
}

static int files_put(const struct aof_files *files, const char *temporary, const char *path)
{
    return files->io->rename(files->io->context, temporary, path);
}

/* The names are chosen: plans the manifest, moves the files to their places, saves it. */
static int files_replace(struct aof_files *files, const struct aof_replacement *replacement,
                         const char *base, const char *base_path, int64_t base_sequence,
                         const char *increment, int64_t sequence)
{
    struct aof_manifest next = {0};
    int64_t first = replacement->has_increment ? INT64_MAX : replacement->first_increment;
    kv_status status = files_plan(files, first, &next);
    if (status == KV_OK) status = aof_manifest_add(&next, AOF_BASE, base_sequence, base);
    if (status == KV_OK && increment != NULL)
        status = aof_manifest_add(&next, AOF_INCREMENT, sequence, increment);

    int error = status != KV_OK ? ENOMEM : 0;
    if (error == 0) error = files_put(files, files->temporary_base, base_path);
    if (error == 0 && increment != NULL)
        error = files_put(files, files->temporary_increment, replacement->increment_path);
    if (error == 0) error = files->io->sync_directory(files->io->context, files->path);
    if (error == 0) error = files_save(files, &next);
    if (error == 0) {
        struct aof_manifest old = files->manifest;
        files->manifest = next;
        next = old;
    } else if (!files->is_in_doubt) {
        aof_files_remove(files, base_path);
        if (increment != NULL) aof_files_remove(files, replacement->increment_path);
    }
    aof_manifest_clear(&next);
    return error;
}

int aof_files_replace(struct aof_files *files, struct aof_replacement *replacement)
{
    /*
     * The names are free by our manifest, so the medium must not have another; and it must have one,
     * or a crash would leave files that look as if it had been lost.
     */
    bool is_known = files->has_manifest && !files->is_in_doubt;
    int error = is_known ? 0 : files_save(files, &files->manifest);
    if (error != 0) return error;

    int64_t base_sequence, sequence = 0;
    char *base = files_next_base(files, replacement->is_rdb, &base_sequence), *increment = NULL;
    char *base_path = base != NULL ? aof_files_path(files, base) : NULL;
    bool has_names = base_path != NULL;
    replacement->increment_path = NULL;
    if (replacement->has_increment) {
        increment = aof_files_next_increment(files, &sequence);
        if (increment != NULL) replacement->increment_path = aof_files_path(files, increment);
        has_names = has_names && replacement->increment_path != NULL;
    }
    error = has_names ? files_replace(files, replacement, base, base_path, base_sequence, increment,
                                      sequence)
                      : ENOMEM;
    if (error != 0) {
        free(replacement->increment_path);
        replacement->increment_path = NULL;
    }
    free(increment);
    free(base_path);
    free(base);
    return error;
}

void aof_files_remove_history(struct aof_files *files)
{
    struct aof_manifest *manifest = &files->manifest;
    if (files->is_in_doubt) return; /* the manifest that is there may need them */
    bool is_changed = false;
    for (size_t i = manifest->count; i-- > 0;) {
        if (manifest->files[i].kind != AOF_HISTORY) continue;
        char *path = aof_files_path(files, manifest->files[i].name);
        int error = path != NULL ? files->io->remove(files->io->context, path) : ENOMEM;
        free(path);
        if (error == 0 || error == ENOENT) {
            aof_manifest_drop(manifest, i);
            is_changed = true;
        }
    }
    /* Should this fail: a listed file of history that is not there harms nobody. */
    if (is_changed && manifest->count > 0) files_save(files, manifest);
}

/* -------------------------------------------------------------------------------------- opening */

/* KV_OK, also if there is none; errors with a message. */
static kv_status files_read_manifest(struct aof_files *files, char *message)
{
    char *path = aof_files_path(files, files->manifest_name);
    if (path == NULL) return KV_NOMEM;
    kv_buffer text = {0};
    int error = aof_read_whole(files->io, path, FILES_MAX_MANIFEST, &text);
    kv_status status = KV_OK;
    if (error != 0 && error != ENOENT) {
        status = files_refuse(message, path, "cannot read", error);
    } else if (error == 0) {
        char why[AOF_MESSAGE_SIZE];
        status = aof_manifest_parse(&files->manifest, text_of_buffer(&text), why);
        files->has_manifest = status == KV_OK;
        if (status == KV_BADARG) snprintf(message, AOF_MESSAGE_SIZE, "%.100s, %.100s", path, why);
    }
    kv_buffer_free(&text);
    free(path);
    return status;
}

/*
 * A data directory from before Redis 7 has one file, beside where the directory of the files is
 * now. It becomes the base file: first a manifest names it, then it is moved. A crash in between is
 * found by `manifest` naming nothing but a base of that name which is not there yet.
 */
static kv_status files_adopt_old_file(struct aof_files *files, char *message)
{
    const struct aof_io *io = files->io;
    struct aof_manifest *manifest = &files->manifest;
    const struct aof_file *base = aof_manifest_base(manifest);
    bool is_begun =
        manifest->count == 1 && base != NULL && strcmp(base->name, files->file_name) == 0;
    if (manifest->count > 0 && !is_begun) return KV_OK;

    char *old = aof_path(files->parent, files->file_name);
    char *new = aof_files_path(files, files->file_name);
    int error = old == NULL || new == NULL ? ENOMEM : 0;
    uint64_t size;
    bool is_needed = error == 0 && aof_files_size(files, old, &size) == 0 &&
                     (!is_begun || aof_files_size(files, new, &size) == ENOENT);
    kv_status status = KV_OK;
    if (is_needed) {
        if (!is_begun) status = aof_manifest_add(manifest, AOF_BASE, 1, files->file_name);
        if (status == KV_OK) error = files_save(files, manifest);
        if (status == KV_OK && error == 0) error = io->rename(io->context, old, new);
        if (status == KV_OK && error == 0) error = io->sync_directory(io->context, files->path);
        if (status == KV_OK && error == 0) error = io->sync_directory(io->context, files->parent);
    }
    if (status == KV_OK && error != 0) {
        status = files_refuse(message, old != NULL ? old : "", "cannot be moved", error);
    }
    if (status == KV_OK && is_needed) {
        aof_logf(&files->log, KVRESP_NOTICE, "%s is now the base file %s", old, new);
    }
    free(old);
    free(new);
    return status;
}

static kv_status files_lock(struct aof_files *files, char *message)
{
    int error = files->io->lock_directory(files->io->context, files->path, &files->lock);
    if (error == 0) return KV_OK;
    files->lock = -1;
    if (error == EWOULDBLOCK) {
        return aof_refuse(message, files->path, 0, "the directory is in use by another store");
    }
    aof_logf(&files->log, KVRESP_WARNING, "%s cannot be locked against other processes: %s",
             files->path, aof_io_explain(error));
    return KV_OK;
}

static void files_unlock(struct aof_files *files)
{
    if (files->lock >= 0) files->io->close(files->io->context, files->lock);
    files->lock = -1;
}

static kv_status files_make_directory(struct aof_files *files, char *message)
{
    const struct aof_io *io = files->io;
    int error = io->make_directory(io->context, files->path);
    if (error == EEXIST) return KV_OK;
    if (error == 0) error = io->sync_directory(io->context, files->parent);
    if (error == 0) return KV_OK;
    return files_refuse(message, files->path, "cannot create the directory", error);
}

kv_status aof_files_check_exist(const struct aof_files *files, char message[AOF_MESSAGE_SIZE])
{
    char *paths[2] = {aof_files_path(files, files->manifest_name),
                      aof_path(files->parent, files->file_name)};
    kv_status status = paths[0] == NULL || paths[1] == NULL ? KV_NOMEM : KV_NONE;
    int error = ENOENT;
    for (int i = 0; i < 2 && status == KV_NONE && error == ENOENT; i++) {
        uint64_t size;
        error = aof_files_size(files, paths[i], &size);
        if (error == 0) status = KV_OK;
    }
    if (status == KV_NONE)
        status = files_refuse(message, paths[0], "there is no append-only file", error);
    free(paths[0]);
    free(paths[1]);
    return status;
}

kv_status aof_files_open(struct aof_files *files, char message[AOF_MESSAGE_SIZE])
{
    kv_status status = files_make_directory(files, message);
    if (status == KV_OK) status = files_lock(files, message);
    if (status != KV_OK) return status;
    status = files_read_manifest(files, message);
    if (status == KV_OK) status = files_adopt_old_file(files, message);
    if (status != KV_OK) {
        aof_manifest_clear(&files->manifest);
        files_unlock(files);
        return status;
    }
    aof_files_remove(files, files->temporary_base);
    aof_files_remove(files, files->temporary_increment);
    files->is_open = true;
    return KV_OK;
}

bool aof_files_is_in(const struct aof_files *files, const char *parent)
{
    char ours[PATH_MAX], other[PATH_MAX];
    if (strcmp(files->parent, parent) == 0) return true;
    return realpath(files->parent, ours) != NULL && realpath(parent, other) != NULL &&
           strcmp(ours, other) == 0;
}

void aof_files_move(struct aof_files *files, struct aof_files *next)
{
    struct aof_files old = *files;
    *files = *next;
    aof_files_close(&old);
}

void aof_files_close(struct aof_files *files)
{
    files_unlock(files);
    aof_manifest_clear(&files->manifest);
    files_free_names(files);
    *files = (struct aof_files){.lock = -1};
}
