/*
 * resp/aof_io.h -- what the append-only file and RDB files ask of a file system, as a table of
 * functions.
 *
 * The table exists so that tests can put a file system of their own below everything above: one
 * that runs full, writes short, fails to sync, loses what was not synced, or dies between two
 * steps.
 *
 * Each function returns 0 or an errno. None is interrupted by signals. Offsets are explicit: a file
 * has no position, so that repeating a failed write overwrites it.
 */
#ifndef KV_RESP_AOF_IO_H
#define KV_RESP_AOF_IO_H

#include <stddef.h>
#include <stdint.h>

enum aof_open {
    AOF_OPEN_READ,   /* an existing file, for reading */
    AOF_OPEN_WRITE,  /* an existing file, for writing */
    AOF_OPEN_CREATE, /* a new file for writing; one of that name is emptied */
    AOF_OPEN_PRIVATE /* the same, which nobody but its owner may read */
};

struct aof_io {
    int (*open)(void *context, const char *path, enum aof_open how, int *file);
    int (*close)(void *context, int file);
    int (*size)(void *context, int file, uint64_t *size);
    /* Fewer bytes than asked for are success; 0 bytes read is the end of the file. */
    int (*read)(void *context, int file, void *bytes, size_t size, uint64_t offset, size_t *done);
    int (*write)(void *context, int file, const void *bytes, size_t size, uint64_t offset,
                 size_t *done);
    int (*truncate)(void *context, int file, uint64_t size);
    /* The bytes and the size are on the medium when this returns 0. */
    int (*sync)(void *context, int file);
    /* Begins to bring these bytes to the medium and does not wait. A hint: nothing is promised. */
    void (*begin_sync)(void *context, int file, uint64_t offset, uint64_t size);
    int (*rename)(void *context, const char *from, const char *to);
    int (*remove)(void *context, const char *path);
    /* EEXIST if it is there already. */
    int (*make_directory)(void *context, const char *path);
    /* Names created, renamed and removed in the directory are on the medium when this returns 0. */
    int (*sync_directory)(void *context, const char *path);
    /* Keeps other openers out until `lock` is closed; EWOULDBLOCK if one is in. */
    int (*lock_directory)(void *context, const char *path, int *lock);
    /* Gives an open file those of another one; where there is none, those of a file for all to read. */
    int (*take_permissions)(void *context, int file, const char *path);
    void *context;
};

/* The file system of the machine. */
extern const struct aof_io aof_io_system;

/*
 * Writes all of the bytes, short writes being continued. `done` receives how many were, on errors
 * too.
 */
int aof_io_write_all(const struct aof_io *io, int file, const void *bytes, size_t size,
                     uint64_t offset, size_t *done);

/* "directory/name" from malloc(), or NULL when memory is short. */
char *aof_path(const char *directory, const char *name);

/* Cuts a file back to a size, durably. */
int aof_io_cut(const struct aof_io *io, const char *path, uint64_t size);

/* The system's words for an errno; a constant, unlike what strerror() gives. */
const char *aof_io_explain(int error);

#endif
