#include "resp/rdb_file.h"

#include "resp/text.h"
#include "resp/unique.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    RDB_FILE_BUFFER = 256 * 1024,
    RDB_FILE_HINT = 4 * 1024 * 1024 /* as much as a disk writes in some tens of milliseconds */
};

/* One for each file that is begun, as several stores may share the directory. */
static char *rdb_file_temporary(const char *directory)
{
    char name[64], digits[17];
    unique_digits(digits, sizeof digits - 1);
    snprintf(name, sizeof name, "temp-%ld-%s.rdb", (long)getpid(), digits);
    return aof_path(directory, name);
}

static kv_status rdb_file_open(struct rdb_file *file, const struct aof_io *io, char *path,
                               char *temporary, bool syncs_early)
{
    *file = (struct rdb_file){.syncs_early = syncs_early};
    kv_status status = new_file_begin(&file->target, io, AOF_OPEN_CREATE, path, temporary);
    if (status != KV_OK) return status;
    file->buffer = malloc(RDB_FILE_BUFFER);
    if (file->buffer != NULL) return KV_OK;
    rdb_file_discard(file);
    return KV_NOMEM;
}

kv_status rdb_file_begin(struct rdb_file *file, const struct aof_io *io, const char *directory,
                         const char *name, bool syncs_early)
{
    return rdb_file_open(file, io, aof_path(directory, name), rdb_file_temporary(directory),
                         syncs_early);
}

kv_status rdb_file_create(struct rdb_file *file, const struct aof_io *io, const char *path,
                          bool syncs_early)
{
    return rdb_file_open(file, io, text_duplicate(kv_text(path)), text_duplicate(kv_text(path)),
                         syncs_early);
}

static kv_status rdb_file_put(struct rdb_file *file, const void *bytes, size_t size)
{
    struct new_file *target = &file->target;
    kv_status status = new_file_write(target, bytes, size);
    if (status == KV_OK && file->syncs_early && target->size - file->hinted >= RDB_FILE_HINT) {
        target->io->begin_sync(target->io->context, target->file, file->hinted,
                               target->size - file->hinted);
        file->hinted = target->size;
    }
    return status;
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

static kv_status rdb_file_end(struct rdb_file *file, kv_status (*end)(struct new_file *file))
{
    kv_status status = rdb_file_flush(file);
    if (status == KV_OK) status = end(&file->target);
    rdb_file_discard(file);
    return status;
}

kv_status rdb_file_finish(struct rdb_file *file)
{
    return rdb_file_end(file, new_file_finish);
}

kv_status rdb_file_commit(struct rdb_file *file)
{
    return rdb_file_end(file, new_file_commit);
}

void rdb_file_discard(struct rdb_file *file)
{
    new_file_discard(&file->target);
    free(file->buffer);
    file->buffer = NULL;
    file->held = 0;
}
