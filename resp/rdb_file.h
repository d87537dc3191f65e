/*
 * resp/rdb_file.h -- an RDB on its way to disk: whole under its name, or not there at all.
 *
 *     begin            write...               commit
 *     temp-4711-1.rdb  bytes, in large pieces  sync, rename to dump.rdb, sync of the directory
 *
 * Whatever fails in between, or if nobody commits, the old file stays as it is and the temporary
 * one is removed. A process that is killed leaves the temporary one behind.
 *
 * The system is told early to begin to bring what was written to the medium (incremental fsync), so
 * that the sync at the end is short and other files' syncs do not wait behind all of it.
 */
#ifndef KV_RESP_RDB_FILE_H
#define KV_RESP_RDB_FILE_H

#include "kvresp.h"
#include "resp/aof_io.h"

struct rdb_file {
    const struct aof_io *io;
    const char *what; /* after a failure: the step, "write"; with `error` it makes a message */
    int error;        /* of it, an errno; 0: none */
    char *directory, *path, *temporary;
    int file;
    bool is_open, was_created, syncs_early;
    uint8_t *buffer;
    size_t held;           /* in the buffer */
    uint64_t size, hinted; /* written, and of that the system was told to bring to the medium */
};

/*
 * Creates a temporary file in `directory`, to become `name` there. KV_OK; KV_NOMEM; KV_IOERROR with
 * `error` and `what`, and nothing is there.
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

/*
 * Ends a file that was created at a path: KV_OK if it is there, whole, and its bytes are on the
 * medium. KV_IOERROR: it has been removed. `size` stays.
 */
kv_status rdb_file_finish(struct rdb_file *file);

/*
 * Ends the file and gives it its name. KV_OK: it is on the medium. KV_IOERROR: it is not, and has
 * been removed. Where only the sync of the directory failed the new file has the name and either
 * may be there after a power failure.
 */
kv_status rdb_file_commit(struct rdb_file *file);

/* Drops what was not committed, and all memory. */
void rdb_file_discard(struct rdb_file *file);

#endif
