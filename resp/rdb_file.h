/*
 * resp/rdb_file.h -- an RDB on its way to disk: a new file that is written in large pieces.
 *
 *     begin            write...               commit
 *     temp-4711-1.rdb  bytes, in a buffer     to dump.rdb, as new_file.h says
 *
 * The system is told early to begin to bring what was written to the medium (incremental fsync), so
 * that the sync at the end is short and other files' syncs do not wait behind all of it.
 */
#ifndef KV_RESP_RDB_FILE_H
#define KV_RESP_RDB_FILE_H

#include "kvresp.h"
#include "resp/new_file.h"

struct rdb_file {
    struct new_file target; /* its size; and after a failure what failed, and why */
    bool syncs_early;
    uint8_t *buffer;
    size_t held;     /* in the buffer */
    uint64_t hinted; /* of what is written the system was told to bring so much to the medium */
};

/*
 * Creates a temporary file in `directory`, to become `name` there. KV_OK; KV_NOMEM;
 * KV_IOERROR, and nothing is there.
 */
kv_status rdb_file_begin(struct rdb_file *file, const struct aof_io *io, const char *directory,
                         const char *name, bool syncs_early);

/*
 * Creates the file at `path`, which keeps that name: it is for whoever asked for it to move it. As
 * above.
 */
kv_status rdb_file_create(struct rdb_file *file, const struct aof_io *io, const char *path,
                          bool syncs_early);

/* A kv_writer; `context` is the file. KV_OK or KV_IOERROR. */
kv_status rdb_file_write(void *context, kv_slice bytes);

/* Ends a file that was created at a path, as new_file_finish(). */
kv_status rdb_file_finish(struct rdb_file *file);

/* Ends the file and gives it its name, as new_file_commit(). */
kv_status rdb_file_commit(struct rdb_file *file);

/* Drops what was not committed, and all memory. */
void rdb_file_discard(struct rdb_file *file);

#endif
