/*
 * resp/new_file.h -- a file on its way to disk, to take the place of another: whole under its name, or
 * not there at all.
 *
 *     begin               write...    commit
 *     a temporary name    bytes       sync, close, rename to its name, sync of the directory
 *
 * Whatever fails in between, or if nobody commits, the old file stays as it is and the temporary one
 * is removed. A process that is killed leaves the temporary one behind.
 */
#ifndef KV_RESP_NEW_FILE_H
#define KV_RESP_NEW_FILE_H

#include "kvstore.h"
#include "resp/aof_io.h"

#include <stdbool.h>

struct new_file {
    const struct aof_io *io;
    const char *what; /* after a failure: the step, "write"; with `error` it makes a message */
    int error;        /* of it, an errno; 0: none */
    bool
        may_be_there; /* after a failure: perhaps in the place of the old one; else that is there */
    uint64_t size;    /* written */
    char *path, *temporary;
    int file;
    bool is_open, was_created;
};

/*
 * Creates the file at `temporary`, to become the one at `path`; both are from malloc(), NULL where
 * that failed, and are taken over. `how` is one of those that create. KV_OK; KV_NOMEM; KV_IOERROR
 * with `error` and `what`, and nothing is there.
 */
kv_status new_file_begin(struct new_file *file, const struct aof_io *io, enum aof_open how,
                         char *path, char *temporary);

/* Adds bytes at its end. KV_OK or KV_IOERROR. */
kv_status new_file_write(struct new_file *file, const void *bytes, size_t size);

/*
 * Ends the file under its temporary name, for whoever asked for it to move it: KV_OK if it is there,
 * whole, and its bytes are on the medium. KV_IOERROR: it has been removed.
 */
kv_status new_file_finish(struct new_file *file);

/*
 * Ends the file and gives it its name. KV_OK: it is on the medium. KV_IOERROR: it is not, and has been
 * removed. Where only the sync of the directory failed the new file has the name, and either may be
 * there after a power failure.
 */
kv_status new_file_commit(struct new_file *file);

/* Drops what was not committed, and all memory; what is known of a failure and the size stay. */
void new_file_discard(struct new_file *file);

/*
 * All of it for a text: replaces the file at `path` by way of the one at `temporary`, both from
 * malloc() as above. One that is private is for its owner only, until it has the permissions of the
 * file that was there. Returns 0 or an errno; `may_be_there`, which may be NULL, is as above, and true
 * on success.
 */
int new_file_put(const struct aof_io *io, char *path, char *temporary, bool is_private,
                 kv_slice text, bool *may_be_there);

#endif
