#include "resp/rdb_file.h"

#include "resp/text.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    RDB_FILE_BUFFER = 256 * 1024,
    RDB_FILE_HINT = 4 * 1024 * 1024 /* as much as a disk writes in some tens of milliseconds */
};

static kv_status rdb_file_fail(struct rdb_file *file, const char *what, int error)
{
    file->what = what;
    file->error = error;
    return KV_IOERROR;
}

static char *rdb_file_join(const char *directory, const char *name)
{
    size_t size = strlen(directory) + strlen(name) + 2;
    char *path = malloc(size);
    if (path != NULL) snprintf(path, size, "%s/%s", directory, name);
    return path;
}

/* One for each file that a process begins, as several stores may share the directory. */
static char *rdb_file_temporary(const char *directory)
{
    static atomic_uint number;
    char name[64];
    snprintf(name, sizeof name, "temp-%ld-%u.rdb", (long)getpid(),
             atomic_fetch_add(&number, 1) + 1);
    return rdb_file_join(directory, name);
}

static kv_status rdb_file_open(struct rdb_file *file, bool has_names)
{
    const struct aof_io *io = file->io;
    file->buffer = malloc(RDB_FILE_BUFFER);
    kv_status status = KV_OK;
    if (!has_names || file->temporary == NULL || file->buffer == NULL) status = KV_NOMEM;
    if (status == KV_OK) {
        int error = io->open(io->context, file->temporary, AOF_OPEN_CREATE, &file->file);
        file->is_open = file->was_created = error == 0;
        if (error != 0) status = rdb_file_fail(file, "create", error);
    }
    if (status != KV_OK) rdb_file_discard(file);
    return status;
}

kv_status rdb_file_begin(struct rdb_file *file, const struct aof_io *io, const char *directory,
                         const char *name, bool syncs_early)
{
    *file = (struct rdb_file){.io = io, .syncs_early = syncs_early};
    file->directory = text_duplicate(kv_text(directory));
    file->path = rdb_file_join(directory, name);
    file->temporary = rdb_file_temporary(directory);
    bool has_names = file->directory != NULL && file->path != NULL;
    return rdb_file_open(file, has_names);
}

kv_status rdb_file_create(struct rdb_file *file, const struct aof_io *io, const char *path,
                          bool syncs_early)
{
    *file = (struct rdb_file){.io = io, .syncs_early = syncs_early};
    file->temporary = text_duplicate(kv_text(path));
    return rdb_file_open(file, true);
}

static kv_status rdb_file_put(struct rdb_file *file, const void *bytes, size_t size)
{
    const struct aof_io *io = file->io;
    size_t done;
    int error = aof_io_write_all(io, file->file, bytes, size, file->size, &done);
    file->size += done;
    if (error != 0) return rdb_file_fail(file, "write", error);
    if (file->syncs_early && file->size - file->hinted >= RDB_FILE_HINT) {
        io->begin_sync(io->context, file->file, file->hinted, file->size - file->hinted);
        file->hinted = file->size;
    }
    return KV_OK;
}

static kv_status rdb_file_flush(struct rdb_file *file)
{
    kv_status status = rdb_file_put(file, file->buffer, file->held);
    file->held = 0;
    return status;
}

kv_status rdb_file_write(void *context, kv_slice bytes)
{
    struct rdb_file *file = context;
    if (bytes.size > RDB_FILE_BUFFER - file->held) {
        kv_status status = rdb_file_flush(file);
        if (status != KV_OK) return status;
        if (bytes.size >= RDB_FILE_BUFFER) return rdb_file_put(file, bytes.data, bytes.size);
    }
    if (bytes.size > 0) memcpy(file->buffer + file->held, bytes.data, bytes.size);
    file->held += bytes.size;
    return KV_OK;
}

static kv_status rdb_file_close(struct rdb_file *file)
{
    file->is_open = false;
    int error = file->io->close(file->io->context, file->file);
    return error == 0 ? KV_OK : rdb_file_fail(file, "close", error);
}

/* All is on the medium, under the temporary name. */
static kv_status rdb_file_complete(struct rdb_file *file)
{
    int error = 0;
    kv_status status = rdb_file_flush(file);
    if (status == KV_OK && (error = file->io->sync(file->io->context, file->file)) != 0)
        status = rdb_file_fail(file, "sync", error);
    return status == KV_OK ? rdb_file_close(file) : status;
}

kv_status rdb_file_finish(struct rdb_file *file)
{
    kv_status status = rdb_file_complete(file);
    uint64_t size = file->size;
    file->was_created = status != KV_OK;
    rdb_file_discard(file);
    file->size = size;
    return status;
}

kv_status rdb_file_commit(struct rdb_file *file)
{
    const struct aof_io *io = file->io;
    int error = 0;
    kv_status status = rdb_file_complete(file);
    if (status == KV_OK && (error = io->rename(io->context, file->temporary, file->path)) != 0)
        status = rdb_file_fail(file, "rename", error);
    if (status == KV_OK) {
        free(file->temporary);
        file->temporary = NULL;
        error = io->sync_directory(io->context, file->directory);
        if (error != 0) status = rdb_file_fail(file, "sync the directory of", error);
    }
    rdb_file_discard(file);
    return status;
}

void rdb_file_discard(struct rdb_file *file)
{
    const struct aof_io *io = file->io;
    if (file->is_open) io->close(io->context, file->file);
    if (file->was_created && file->temporary != NULL) io->remove(io->context, file->temporary);
    free(file->directory);
    free(file->path);
    free(file->temporary);
    free(file->buffer);
    *file = (struct rdb_file){.io = io, .what = file->what, .error = file->error};
}
