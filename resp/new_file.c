#include "resp/new_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static kv_status new_file_fail(struct new_file *file, const char *what, int error)
{
    file->what = what;
    file->error = error;
    return KV_IOERROR;
}

kv_status new_file_begin(struct new_file *file, const struct aof_io *io, enum aof_open how,
                         char *path, char *temporary)
{
    *file = (struct new_file){.io = io, .path = path, .temporary = temporary};
    kv_status status = path != NULL && temporary != NULL ? KV_OK : KV_NOMEM;
    if (status == KV_OK) {
        int error = io->open(io->context, temporary, how, &file->file);
        file->is_open = file->was_created = error == 0;
        if (error != 0) status = new_file_fail(file, "create", error);
    }
    if (status != KV_OK) new_file_discard(file);
    return status;
}

kv_status new_file_write(struct new_file *file, const void *bytes, size_t size)
{
    size_t done;
    int error = aof_io_write_all(file->io, file->file, bytes, size, file->size, &done);
    file->size += done;
    return error == 0 ? KV_OK : new_file_fail(file, "write", error);
}

static kv_status new_file_close(struct new_file *file)
{
    file->is_open = false;
    int error = file->io->close(file->io->context, file->file);
    return error == 0 ? KV_OK : new_file_fail(file, "close", error);
}

/* All is on the medium, under the temporary name. */
static kv_status new_file_complete(struct new_file *file)
{
    int error = file->io->sync(file->io->context, file->file);
    return error == 0 ? new_file_close(file) : new_file_fail(file, "sync", error);
}

kv_status new_file_finish(struct new_file *file)
{
    kv_status status = new_file_complete(file);
    file->was_created = status != KV_OK;
    new_file_discard(file);
    return status;
}

/* Of a path, which it may cut short. */
static const char *new_file_directory(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash == NULL) return ".";
    slash[slash == path] = '\0';
    return path;
}

static kv_status new_file_move(struct new_file *file)
{
    const struct aof_io *io = file->io;
    file->may_be_there = true;
    int error = io->rename(io->context, file->temporary, file->path);
    if (error != 0) return new_file_fail(file, "rename", error);
    file->was_created = false; /* under that name there is nothing more */
    error = io->sync_directory(io->context, new_file_directory(file->path));
    return error == 0 ? KV_OK : new_file_fail(file, "sync the directory of", error);
}

kv_status new_file_commit(struct new_file *file)
{
    kv_status status = new_file_complete(file);
    if (status == KV_OK) status = new_file_move(file);
    new_file_discard(file);
    return status;
}

void new_file_discard(struct new_file *file)
{
    const struct aof_io *io = file->io;
    if (file->is_open) io->close(io->context, file->file);
    if (file->was_created) io->remove(io->context, file->temporary);
    free(file->path);
    free(file->temporary);
    *file = (struct new_file){.io = io,
                              .what = file->what,
                              .error = file->error,
                              .may_be_there = file->may_be_there,
                              .size = file->size};
}

/* -------------------------------------------------------------------------------- a text at once */

static kv_status new_file_take_permissions(struct new_file *file)
{
    const struct aof_io *io = file->io;
    int error = io->take_permissions(io->context, file->file, file->path);
    return error == 0 ? KV_OK : new_file_fail(file, "set the permissions of", error);
}

int new_file_put(const struct aof_io *io, char *path, char *temporary, bool is_private,
                 kv_slice text, bool *may_be_there)
{
    struct new_file file;
    enum aof_open how = is_private ? AOF_OPEN_PRIVATE : AOF_OPEN_CREATE;
    kv_status status = new_file_begin(&file, io, how, path, temporary);
    if (status == KV_OK) {
        status = new_file_write(&file, text.data, text.size);
        if (status == KV_OK && is_private) status = new_file_take_permissions(&file);
        if (status == KV_OK) status = new_file_commit(&file);
        else new_file_discard(&file);
    }
    if (may_be_there != NULL) *may_be_there = file.may_be_there;
    return status == KV_OK ? 0 : status == KV_NOMEM ? ENOMEM : file.error;
}
