/*
 * resp/aof_files.h -- the directory of the append-only file: which files there are, how one joins
 * them, how a new base takes the place of the old.
 *
 * The manifest says which files count. Each change of the set is one replacement of the manifest,
 * made when all that the new one names is on the medium, and nothing is removed that the old one
 * names before the new one is there: so a crash at any step finds one set or the other, whole.
 *
 * Names that begin with "temp-" are of files that are not finished; none is kept over a start.
 *
 *     temp-appendonly.aof.base       a base that a rewrite is writing
 *     temp-appendonly.aof.incr       the changes since, where the manifest is of another past: the
 *                                    log begins with that base
 *     temp-appendonly.aof.manifest   the next manifest
 *
 * A set is of one thread at a time.
 */
#ifndef KV_RESP_AOF_FILES_H
#define KV_RESP_AOF_FILES_H

#include "kvresp.h"
#include "resp/aof_io.h"
#include "resp/aof_manifest.h"
#include "resp/aof_sink.h"

struct aof_files {
    const struct aof_io *io;
    struct aof_log log;
    char *parent, *directory_name, *file_name; /* as the options named them */
    char *path;                                /* of the directory */
    char *manifest_name;
    char *temporary_base, *temporary_increment; /* paths */
    struct aof_manifest manifest;
    int lock;     /* on the directory; -1 where there are no such locks */
    bool is_open; /* the directory is there and ours, and the manifest is what it says */
    /*
     * There is a manifest. Where there is none, a file that one may have listed is not overwritten:
     * the manifest may have been lost.
     */
    bool has_manifest;
    /*
     * The last replacement of the manifest failed, and which of the two is on the medium is not
     * known. Until one has succeeded no file that the other names may be removed or replaced.
     */
    bool is_in_doubt;
};

/* Names a set of files; touches none. KV_OK; KV_NOMEM; KV_BADARG with a message. */
kv_status aof_files_name(struct aof_files *files, const kvresp_aof_options *options,
                         const struct aof_io *io, char message[AOF_MESSAGE_SIZE]);

/* KV_OK if there is a manifest, or the single file of earlier versions; else as below. */
kv_status aof_files_check_exist(const struct aof_files *files, char message[AOF_MESSAGE_SIZE]);

/*
 * Makes the directory if there is none, keeps others out of it, reads the manifest, takes over the
 * single file of earlier versions and removes what is not finished. KV_OK; KV_NOMEM; KV_BADARG with
 * a message.
 */
kv_status aof_files_open(struct aof_files *files, char message[AOF_MESSAGE_SIZE]);

/* Lets go of the directory, if it was opened, and of the names. */
void aof_files_close(struct aof_files *files);

/* Whether the parent of the set's directory is this one. */
bool aof_files_is_in(const struct aof_files *files, const char *parent);

/* Becomes `next`, which is of the same names in another parent; the set that was is let go of. */
void aof_files_move(struct aof_files *files, struct aof_files *next);

/* The path of a file of the set, from malloc(), or NULL when memory is short. */
char *aof_files_path(const struct aof_files *files, const char *name);

/* An errno, and the size of a file. */
int aof_files_size(const struct aof_files *files, const char *path, uint64_t *size);

/* The bytes of the files of one kind; of those that cannot be looked at none. */
uint64_t aof_files_total(const struct aof_files *files, enum aof_kind kind);

/* The name of the next incremental file, from malloc(), or NULL when memory is short. */
char *aof_files_next_increment(const struct aof_files *files, int64_t *sequence);

/* Creates a file of which a crash finds either nothing or the name. Returns an errno. */
int aof_files_create(const struct aof_files *files, const char *path, int *file);

/*
 * Lists an incremental file that is there. Returns an errno; on an error the set is as it was, but
 * may be in doubt.
 */
int aof_files_list(struct aof_files *files, int64_t sequence, const char *name);

struct aof_replacement {
    bool is_rdb;             /* the form of the base in temporary_base */
    int64_t first_increment; /* increments from this sequence on follow the new base; those before
                                it, and the old base, are history */
    bool has_increment;      /* temporary_increment is the only one that follows */
    char *increment_path;    /* receives where it is now, from malloc() */
};

/*
 * Makes what was written to the temporary files the set, with one replacement of the manifest.
 * Returns an errno; on an error the set is as it was, but may be in doubt, and the temporary files
 * may be gone.
 */
int aof_files_replace(struct aof_files *files, struct aof_replacement *replacement);

/*
 * Removes the files that were replaced. What cannot be removed stays listed, and is tried when the
 * set is opened the next time.
 */
void aof_files_remove_history(struct aof_files *files);

/* Removes a file, of which it does not matter if it is not there. */
void aof_files_remove(const struct aof_files *files, const char *path);

#endif
