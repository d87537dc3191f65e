#include "resp/aof_io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int aof_io_open(void *context, const char *path, enum aof_open how, int *file)
{
    (void)context;
    static const int flags[] = {
        [AOF_OPEN_READ] = O_RDONLY,
        [AOF_OPEN_WRITE] = O_WRONLY,
        [AOF_OPEN_CREATE] = O_WRONLY | O_CREAT | O_TRUNC,
        [AOF_OPEN_PRIVATE] = O_WRONLY | O_CREAT | O_TRUNC,
    };
    do {
        *file = open(path, flags[how] | O_CLOEXEC, how == AOF_OPEN_PRIVATE ? 0600 : 0644);
    } while (*file < 0 && errno == EINTR);
    return *file < 0 ? errno : 0;
}

static int aof_io_close(void *context, int file)
{
    (void)context;
    /* Not repeated on EINTR: the descriptor is gone on every system we know. */
    return close(file) != 0 && errno != EINTR ? errno : 0;
}

static int aof_io_size(void *context, int file, uint64_t *size)
{
    (void)context;
    struct stat status;
    if (fstat(file, &status) != 0) return errno;
    if (!S_ISREG(status.st_mode)) return EINVAL;
    *size = (uint64_t)status.st_size;
    return 0;
}

static int aof_io_read(void *context, int file, void *bytes, size_t size, uint64_t offset,
                       size_t *done)
{
    (void)context;
    ssize_t moved;
    do {
        moved = pread(file, bytes, size, (off_t)offset);
    } while (moved < 0 && errno == EINTR);
    if (moved < 0) return errno;
    *done = (size_t)moved;
    return 0;
}

static int aof_io_write(void *context, int file, const void *bytes, size_t size, uint64_t offset,
                        size_t *done)
{
    (void)context;
    ssize_t moved;
    do {
        moved = pwrite(file, bytes, size, (off_t)offset);
    } while (moved < 0 && errno == EINTR);
    if (moved < 0) return errno;
    *done = (size_t)moved;
    return 0;
}

static int aof_io_truncate(void *context, int file, uint64_t size)
{
    (void)context;
    int result;
    do {
        result = ftruncate(file, (off_t)size);
    } while (result != 0 && errno == EINTR);
    return result != 0 ? errno : 0;
}

/*
 * fdatasync() also brings the size to disk, which is all the metadata that reading back needs. On
 * macOS neither it nor fsync() empties the drive's own cache; F_FULLFSYNC does.
 */
static int aof_io_sync(void *context, int file)
{
    (void)context;
    int result;
    do {
#if defined(__APPLE__)
        result = fcntl(file, F_FULLFSYNC);
#else
        result = fdatasync(file);
#endif
    } while (result == -1 && errno == EINTR);
    return result == -1 ? errno : 0;
}

static void aof_io_begin_sync(void *context, int file, uint64_t offset, uint64_t size)
{
    (void)context;
#if defined(__linux__)
    sync_file_range(file, (off_t)offset, (off_t)size, SYNC_FILE_RANGE_WRITE);
#else
    (void)file, (void)offset, (void)size;
#endif
}

static int aof_io_rename(void *context, const char *from, const char *to)
{
    (void)context;
    return rename(from, to) != 0 ? errno : 0;
}

static int aof_io_remove(void *context, const char *path)
{
    (void)context;
    return unlink(path) != 0 ? errno : 0;
}

static int aof_io_make_directory(void *context, const char *path)
{
    (void)context;
    return mkdir(path, 0755) != 0 ? errno : 0;
}

static int aof_io_open_directory(const char *path, int *directory)
{
    do {
        *directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    } while (*directory < 0 && errno == EINTR);
    return *directory < 0 ? errno : 0;
}

static int aof_io_sync_directory(void *context, const char *path)
{
    (void)context;
    int directory;
    int error = aof_io_open_directory(path, &directory);
    if (error != 0) return error;

    int result;
    do {
        result = fsync(directory);
    } while (result != 0 && errno == EINTR);
    /*
     * Some file systems (of the network, of user space) know no sync of directories and say EINVAL.
     */
    error = result != 0 && errno != EINVAL ? errno : 0;
    close(directory);
    return error;
}

/*
 * The lock is on the directory itself: the manifest is replaced by renaming, so a lock on it would
 * be on a file that is gone, and a lock file would be one more file that tools do not expect there.
 */
static int aof_io_lock_directory(void *context, const char *path, int *lock)
{
    (void)context;
    int error = aof_io_open_directory(path, lock);
    if (error != 0) return error;

    int result;
    do {
        result = flock(*lock, LOCK_EX | LOCK_NB);
    } while (result != 0 && errno == EINTR);
    if (result == 0) return 0;
    error = errno;
    close(*lock);
    return error;
}

static int aof_io_take_permissions(void *context, int file, const char *path)
{
    (void)context;
    struct stat old;
    mode_t mode = stat(path, &old) == 0 ? old.st_mode & 0777 : 0644;
    return fchmod(file, mode) != 0 ? errno : 0;
}

const struct aof_io aof_io_system = {
    .open = aof_io_open,
    .close = aof_io_close,
    .size = aof_io_size,
    .read = aof_io_read,
    .write = aof_io_write,
    .truncate = aof_io_truncate,
    .sync = aof_io_sync,
    .begin_sync = aof_io_begin_sync,
    .rename = aof_io_rename,
    .remove = aof_io_remove,
    .make_directory = aof_io_make_directory,
    .sync_directory = aof_io_sync_directory,
    .lock_directory = aof_io_lock_directory,
    .take_permissions = aof_io_take_permissions,
};

int aof_io_write_all(const struct aof_io *io, int file, const void *bytes, size_t size,
                     uint64_t offset, size_t *done)
{
    int error = 0;
    *done = 0;
    while (*done < size && error == 0) {
        size_t moved = 0;
        error = io->write(io->context, file, (const char *)bytes + *done, size - *done,
                          offset + *done, &moved);
        if (error == 0 && moved == 0) error = EIO; /* no progress and no reason: do not spin */
        if (error == 0) *done += moved;
    }
    return error;
}

char *aof_path(const char *directory, const char *name)
{
    size_t size = strlen(directory) + 1 + strlen(name) + 1;
    char *path = malloc(size);
    if (path != NULL) snprintf(path, size, "%s/%s", directory, name);
    return path;
}

int aof_io_cut(const struct aof_io *io, const char *path, uint64_t size)
{
    int file;
    int error = io->open(io->context, path, AOF_OPEN_WRITE, &file);
    if (error != 0) return error;
    error = io->truncate(io->context, file, size);
    if (error == 0) error = io->sync(io->context, file);
    io->close(io->context, file);
    return error;
}

const char *aof_io_explain(int error)
{
    switch (error) {
    case ENOSPC: return "No space left on device";
    case EIO: return "Input/output error";
    case EDQUOT: return "Disk quota exceeded";
    case EFBIG: return "File too large";
    case EROFS: return "Read-only file system";
    case EACCES: return "Permission denied";
    case EPERM: return "Operation not permitted";
    case ENOENT: return "No such file or directory";
    case ENOTDIR: return "Not a directory";
    case EISDIR: return "Is a directory";
    case EEXIST: return "File exists";
    case EINVAL: return "Invalid argument";
    case EBADF: return "Bad file descriptor";
    case EMFILE: return "Too many open files";
    case ENFILE: return "Too many open files in system";
    case ENAMETOOLONG: return "File name too long";
    case ELOOP: return "Too many levels of symbolic links";
    case ENOMEM: return "Cannot allocate memory";
    default: return "An error of the file system";
    }
}
