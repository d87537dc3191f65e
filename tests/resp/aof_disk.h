/*
 * tests/resp/aof_disk.h -- a file system in memory that fails on demand, for tests of the
 * append-only file.
 *
 * It keeps two states: what a running system sees, and what would be there after the power failed:
 * bytes are in the second once their file was synced, names once their directory was. A failed sync
 * forgets what it should have written, as real systems do: a later sync succeeds, and the bytes
 * become zeros in the second state unless they are written again.
 */
#ifndef KV_TESTS_AOF_DISK_H
#define KV_TESTS_AOF_DISK_H

#include "resp/aof_io.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct disk_inode {
    uint8_t *bytes, *durable;
    size_t size, durable_size;
    size_t lost_from, lost_to; /* dropped by a failed sync */
};

struct disk_name {
    char *path;
    struct disk_inode *inode;
};

struct disk_names {
    struct disk_name *items;
    size_t count;
};

enum { DISK_FILES = 64, DISK_LOCKS = 2, DISK_EVERY = 1000000 };

struct disk {
    struct aof_io io;
    pthread_mutex_t lock;
    struct disk_names seen, durable;
    struct disk_inode *inodes[1024];
    size_t inode_count;
    struct disk_inode *open[DISK_FILES];
    char *locks[DISK_LOCKS]; /* the paths of directories that are locked */

    /* Every call that changes something is a step. */
    int steps;
    int fail_at;    /* this step fails with fail_error... */
    int fail_count; /* ...and so many in all */
    int fail_error;
    int die_at;        /* from this step on nothing has an effect and everything fails */
    int sync_failures; /* so many syncs of files fail with EIO */
    int sync_fails_at; /* the first sync of a file from this step on fails with EIO */
    int read_error;
    size_t short_write; /* a write moves no more than this; 0: all */
    size_t space;       /* bytes that all files may have */
    int syncs, writes;
};

static inline size_t disk_used(const struct disk *disk)
{
    size_t used = 0;
    for (size_t i = 0; i < disk->seen.count; i++) used += disk->seen.items[i].inode->size;
    return used;
}

/* An errno if this step is to fail. */
static inline int disk_step(struct disk *disk)
{
    int step = disk->steps++;
    if (step >= disk->die_at) return EIO;
    if (step >= disk->fail_at && step < disk->fail_at + disk->fail_count) return disk->fail_error;
    return 0;
}

static inline struct disk_inode *disk_new_inode(struct disk *disk)
{
    struct disk_inode *inode = calloc(1, sizeof *inode);
    disk->inodes[disk->inode_count++] = inode;
    return inode;
}

static inline struct disk_name *disk_find(struct disk_names *names, const char *path)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->items[i].path, path) == 0) return &names->items[i];
    }
    return NULL;
}

static inline void disk_put(struct disk_names *names, const char *path, struct disk_inode *inode)
{
    struct disk_name *name = disk_find(names, path);
    if (name == NULL) {
        names->items = realloc(names->items, (names->count + 1) * sizeof *names->items);
        name = &names->items[names->count++];
        name->path = strdup(path);
    }
    name->inode = inode;
}

static inline void disk_take(struct disk_names *names, const char *path)
{
    struct disk_name *name = disk_find(names, path);
    if (name == NULL) return;
    free(name->path);
    *name = names->items[--names->count];
}

static inline void disk_resize(struct disk_inode *inode, size_t size)
{
    inode->bytes = realloc(inode->bytes, size + 1);
    if (size > inode->size) memset(inode->bytes + inode->size, 0, size - inode->size);
    inode->size = size;
}

static inline int disk_open(void *context, const char *path, enum aof_open how, int *file)
{
    struct disk *disk = context;
    pthread_mutex_lock(&disk->lock);
    bool creates = how == AOF_OPEN_CREATE || how == AOF_OPEN_PRIVATE;
    int error = creates ? disk_step(disk) : 0;
    struct disk_name *name = disk_find(&disk->seen, path);
    if (error == 0 && name == NULL && !creates) error = ENOENT;
    if (error == 0 && name == NULL) {
        disk_put(&disk->seen, path, disk_new_inode(disk));
        name = disk_find(&disk->seen, path);
    }
    if (error == 0) {
        if (creates) {
            disk_resize(name->inode, 0);
            name->inode->lost_from = name->inode->lost_to = 0;
        }
        int slot = 0;
        while (disk->open[slot] != NULL) slot++;
        disk->open[slot] = name->inode;
        *file = slot;
    }
    pthread_mutex_unlock(&disk->lock);
    return error;
}

static inline void disk_unlock(struct disk *disk, int lock)
{
    free(disk->locks[lock]);
    disk->locks[lock] = NULL;
}

static inline int disk_lock_count(const struct disk *disk)
{
    int count = 0;
    for (int i = 0; i < DISK_LOCKS; i++) count += disk->locks[i] != NULL;
    return count;
}

static inline int disk_close(void *context, int file)
{
    struct disk *disk = context;
    pthread_mutex_lock(&disk->lock);
    if (file >= DISK_FILES) disk_unlock(disk, file - DISK_FILES);
    else disk->open[file] = NULL;
    pthread_mutex_unlock(&disk->lock);
    return 0;
}

static inline int disk_size(void *context, int file, uint64_t *size)
{
    struct disk *disk = context;
    pthread_mutex_lock(&disk->lock);
    *size = disk->open[file]->size;
    pthread_mutex_unlock(&disk->lock);
    return 0;
}

static inline int disk_read(void *context, int file, void *bytes, size_t size, uint64_t offset,
                            size_t *done)
{
    struct disk *disk = context;
    pthread_mutex_lock(&disk->lock);
    struct disk_inode *inode = disk->open[file];
    int error = disk->read_error;
    size_t left = offset < inode->size ? inode->size - (size_t)offset : 0;
    *done = size < left ? size : left;
    if (error == 0 && *done > 0) memcpy(bytes, inode->bytes + offset, *done);
    pthread_mutex_unlock(&disk->lock);
    return error;
}

static inline int disk_write(void *context, int file, const void *bytes, size_t size,
                             uint64_t offset, size_t *done)
{
    struct disk *disk = context;
    pthread_mutex_lock(&disk->lock);
    struct disk_inode *inode = disk->open[file];
    int error = disk_step(disk);
    if (disk->short_write > 0 && size > disk->short_write) size = disk->short_write;
    size_t end = (size_t)offset + size;
    if (error == 0 && end > inode->size) {
        size_t used = disk_used(disk), room = disk->space > used ? disk->space - used : 0;
        if (end - inode->size > room) end = inode->size + room;
        if (end <= offset) error = ENOSPC;
        else size = end - (size_t)offset;
    }
    if (error == 0) {
        if (end > inode->size) disk_resize(inode, end);
        memcpy(inode->bytes + offset, bytes, size);
        if (offset <= inode->lost_from && end > inode->lost_from) {
            inode->lost_from = end < inode->lost_to ? end : inode->lost_to;
        }
        *done = size;
        disk->writes++;
    }
    pthread_mutex_unlock(&disk->lock);
    return error;
}

static inline int disk_truncate(void *context, int file, uint64_t size)
{
    struct disk *disk = context;
    pthread_mutex_lock(&disk->lock);
    int error = disk_step(disk);
    struct disk_inode *inode = disk->open[file];
    if (error == 0) {
        disk_resize(inode, (size_t)size);
        if (inode->lost_to > size) inode->lost_to = (size_t)size;
        if (inode->lost_from > inode->lost_to) inode->lost_from = inode->lost_to;
    }
    pthread_mutex_unlock(&disk->lock);
    return error;
}

static inline int disk_sync(void *context, int file)
{
    struct disk *disk = context;
    pthread_mutex_lock(&disk->lock);
    struct disk_inode *inode = disk->open[file];
    int error = disk_step(disk);
    if (error == 0 && disk->sync_failures > 0) {
        disk->sync_failures--;
        error = EIO;
    }
    if (error == 0 && disk->steps > disk->sync_fails_at) {
        disk->sync_fails_at = DISK_EVERY;
        error = EIO;
    }
    if (error == 0) {
        inode->durable = realloc(inode->durable, inode->size + 1);
        inode->durable_size = inode->size;
        if (inode->size > 0) memcpy(inode->durable, inode->bytes, inode->size);
        memset(inode->durable + inode->lost_from, 0, inode->lost_to - inode->lost_from);
        disk->syncs++;
    } else if (disk->steps <= disk->die_at && inode->size > inode->durable_size) {
        inode->lost_from = inode->durable_size;
        inode->lost_to = inode->size;
    }
    pthread_mutex_unlock(&disk->lock);
    return error;
}

/* A hint, and nothing follows from it. */
static inline void disk_begin_sync(void *context, int file, uint64_t offset, uint64_t size)
{
    (void)context, (void)file, (void)offset, (void)size;
}

static inline int disk_rename(void *context, const char *from, const char *to)
{
    struct disk *disk = context;
    pthread_mutex_lock(&disk->lock);
    int error = disk_step(disk);
    struct disk_name *name = disk_find(&disk->seen, from);
    if (error == 0 && name == NULL) error = ENOENT;
    if (error == 0) {
        disk_put(&disk->seen, to, name->inode);
        disk_take(&disk->seen, from);
    }
    pthread_mutex_unlock(&disk->lock);
    return error;
}

static inline int disk_remove(void *context, const char *path)
{
    struct disk *disk = context;
    pthread_mutex_lock(&disk->lock);
    int error = disk_step(disk);
    if (error == 0 && disk_find(&disk->seen, path) == NULL) error = ENOENT;
    if (error == 0) disk_take(&disk->seen, path);
    pthread_mutex_unlock(&disk->lock);
    return error;
}

static inline int disk_make_directory(void *context, const char *path)
{
    struct disk *disk = context;
    (void)path; /* directories are taken to be there, and durable */
    pthread_mutex_lock(&disk->lock);
    int error = disk_step(disk);
    pthread_mutex_unlock(&disk->lock);
    return error != 0 ? error : EEXIST;
}

static inline bool disk_is_in(const char *path, const char *directory)
{
    size_t size = strlen(directory);
    return strncmp(path, directory, size) == 0 && path[size] == '/' &&
           strchr(path + size + 1, '/') == NULL;
}

static inline int disk_sync_directory(void *context, const char *path)
{
    struct disk *disk = context;
    pthread_mutex_lock(&disk->lock);
    int error = disk_step(disk);
    if (error == 0) {
        for (size_t i = disk->durable.count; i-- > 0;) {
            const char *name = disk->durable.items[i].path;
            if (disk_is_in(name, path) && disk_find(&disk->seen, name) == NULL) {
                disk_take(&disk->durable, name);
            }
        }
        for (size_t i = 0; i < disk->seen.count; i++) {
            struct disk_name *name = &disk->seen.items[i];
            if (disk_is_in(name->path, path)) disk_put(&disk->durable, name->path, name->inode);
        }
    }
    pthread_mutex_unlock(&disk->lock);
    return error;
}

static inline int disk_lock_directory(void *context, const char *path, int *lock)
{
    struct disk *disk = context;
    int unused = -1, error = 0;
    pthread_mutex_lock(&disk->lock);
    for (int i = 0; i < DISK_LOCKS; i++) {
        if (disk->locks[i] == NULL) unused = i;
        else if (strcmp(disk->locks[i], path) == 0) error = EWOULDBLOCK;
    }
    if (error == 0 && unused < 0) error = ENOLCK;
    if (error == 0) {
        disk->locks[unused] = strdup(path);
        *lock = DISK_FILES + unused;
    }
    pthread_mutex_unlock(&disk->lock);
    return error;
}

/* All files have the same. */
static inline int disk_take_permissions(void *context, int file, const char *path)
{
    struct disk *disk = context;
    (void)file, (void)path;
    pthread_mutex_lock(&disk->lock);
    int error = disk_step(disk);
    pthread_mutex_unlock(&disk->lock);
    return error;
}

static inline void disk_open_empty(struct disk *disk)
{
    *disk = (struct disk){
        .io = {disk_open, disk_close, disk_size, disk_read, disk_write, disk_truncate, disk_sync,
               disk_begin_sync, disk_rename, disk_remove, disk_make_directory, disk_sync_directory,
               disk_lock_directory, disk_take_permissions, disk},
        .fail_at = DISK_EVERY,
        .fail_count = 1,
        .fail_error = EIO,
        .die_at = DISK_EVERY,
        .sync_fails_at = DISK_EVERY,
        .space = SIZE_MAX,
    };
    pthread_mutex_init(&disk->lock, NULL);
}

static inline void disk_free_names(struct disk_names *names)
{
    for (size_t i = 0; i < names->count; i++) free(names->items[i].path);
    free(names->items);
    *names = (struct disk_names){0};
}

static inline void disk_free(struct disk *disk)
{
    disk_free_names(&disk->seen);
    disk_free_names(&disk->durable);
    for (size_t i = 0; i < disk->inode_count; i++) {
        free(disk->inodes[i]->bytes);
        free(disk->inodes[i]->durable);
        free(disk->inodes[i]);
    }
    for (int i = 0; i < DISK_LOCKS; i++) disk_unlock(disk, i);
    pthread_mutex_destroy(&disk->lock);
}

/* Puts a file there, durably. */
static inline void disk_put_file(struct disk *disk, const char *path, const void *bytes,
                                 size_t size)
{
    struct disk_inode *inode = disk_new_inode(disk);
    disk_resize(inode, size);
    inode->durable = malloc(size + 1);
    inode->durable_size = size;
    if (size > 0) memcpy(inode->bytes, bytes, size);
    if (size > 0) memcpy(inode->durable, bytes, size);
    disk_put(&disk->seen, path, inode);
    disk_put(&disk->durable, path, inode);
}

/* The file's bytes as the system sees them; NULL if there is none. */
static inline const struct disk_inode *disk_file(struct disk *disk, const char *path)
{
    pthread_mutex_lock(&disk->lock);
    struct disk_name *name = disk_find(&disk->seen, path);
    const struct disk_inode *inode = name != NULL ? name->inode : NULL;
    pthread_mutex_unlock(&disk->lock);
    return inode;
}

/*
 * The machine stops and comes back. What was not synced is gone (`keeps` false) or happens to have
 * been written (true, which is also what killing only the process does). Nothing is open, and
 * nothing fails any more.
 */
static inline void disk_crash(struct disk *disk, bool keeps)
{
    if (!keeps) {
        disk_free_names(&disk->seen);
        for (size_t i = 0; i < disk->durable.count; i++) {
            disk_put(&disk->seen, disk->durable.items[i].path, disk->durable.items[i].inode);
        }
        for (size_t i = 0; i < disk->inode_count; i++) {
            struct disk_inode *inode = disk->inodes[i];
            disk_resize(inode, inode->durable_size);
            if (inode->size > 0) memcpy(inode->bytes, inode->durable, inode->size);
        }
    }
    for (size_t i = 0; i < disk->inode_count; i++)
        disk->inodes[i]->lost_to = disk->inodes[i]->lost_from;
    memset(disk->open, 0, sizeof disk->open);
    for (int i = 0; i < DISK_LOCKS; i++) disk_unlock(disk, i);
    disk->fail_at = disk->die_at = disk->sync_fails_at = DISK_EVERY;
    disk->sync_failures = 0;
    disk->steps = 0;
}

#endif
