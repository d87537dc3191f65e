/*
 * tests/integration/faults.c -- calls to the system that fail when they are told to. A library to be
 * preloaded.
 *
 * It stands between a program and the C library for all calls that change files, and for those that
 * move bytes of sockets. A file of shared memory, named in KVSTORE_FAULTS, tells it which calls
 * count (rules), and which of those fail, and how (faults); there it notes what it saw. faults.py
 * has the other end.
 *
 *     switched on    each call that a rule takes is a step, and noted with its kind and its name
 *     a fault        the first step from `at` on that is of one of its kinds; if it lasts, each
 *
 * What a failed sync should have written is lost, as systems do: it reads as zeros.
 *
 * A file's name is what follows `directory` in its path; a socket's is "socket:tcp" or "socket:unix".
 * What is read from a descriptor is its name of now, after a rename, too.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { OPEN, WRITE, SYNC, TRUNCATE, RENAME, UNLINK, DIRSYNC, MKDIR, SEND, RECV, KINDS };
enum action { FAIL, SHORTEN, KILL };
enum { RULES = 8, FAULTS = 2, STEPS_NOTED = 4096, NAME_SIZE = 60, DIRECTORY_SIZE = 256 };

struct rule { /* of all whose pattern fits the first decides */
    uint32_t kinds;
    char pattern[NAME_SIZE];
};

struct fault {
    uint32_t kinds; /* none: there is no fault */
    uint32_t action;
    int32_t error;
    uint32_t lasts;
    uint64_t at;
    _Atomic uint64_t fired, first; /* how often, and the step of the first time */
};

struct control {
    _Atomic uint32_t is_on;
    uint32_t rule_count;
    char directory[DIRECTORY_SIZE];
    struct rule rules[RULES];
    struct fault faults[FAULTS];
    _Atomic uint64_t steps;
    struct {
        uint32_t kind;
        char name[NAME_SIZE];
    } noted[STEPS_NOTED];
};

static struct control *control;

__attribute__((constructor)) static void faults_begin(void)
{
    const char *path = getenv("KVSTORE_FAULTS");
    int file = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *memory = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (memory != MAP_FAILED) control = memory;
}

static bool faults_are_on(void)
{
    return control != NULL && atomic_load(&control->is_on);
}

/* ---------------------------------------------------------------------------------------- names */

/* What a path is called here; NULL if it is of no interest. */
static const char *faults_name_path(const char *path, char room[PATH_MAX])
{
    if (path[0] != '/') {
        char here[PATH_MAX / 2];
        if (getcwd(here, sizeof here) == NULL) return NULL;
        snprintf(room, PATH_MAX, "%s/%s", here, strncmp(path, "./", 2) == 0 ? path + 2 : path);
        path = room;
    }
    size_t size = strlen(control->directory);
    if (strncmp(path, control->directory, size) != 0) return NULL;
    if (path[size] == '\0') return ".";
    return path[size] == '/' ? path + size + 1 : NULL;
}

static const char *faults_name_file(int file, char room[PATH_MAX])
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t size = readlink(link, room, PATH_MAX - 1);
    if (size < 0) return NULL;
    room[size] = '\0';
    if (room[0] == '/') return faults_name_path(room, room);
    if (strncmp(room, "socket:", 7) != 0) return NULL;
    struct sockaddr_storage address = {0};
    socklen_t address_size = sizeof address;
    if (getsockname(file, (struct sockaddr *)&address, &address_size) != 0) return NULL;
    return address.ss_family == AF_UNIX ? "socket:unix" : "socket:tcp";
}

/* ------------------------------------------------------------------------------------- decisions */

static bool faults_count(enum kind kind, const char *name)
{
    for (uint32_t i = 0; i < control->rule_count; i++) {
        if (fnmatch(control->rules[i].pattern, name, 0) == 0)
            return control->rules[i].kinds & 1U << kind;
    }
    return false;
}

static bool faults_fires(struct fault *fault, enum kind kind, uint64_t step)
{
    if (!(fault->kinds & 1U << kind) || step < fault->at) return false;
    bool is_first = atomic_fetch_add(&fault->fired, 1) == 0;
    if (is_first) fault->first = step;
    return is_first || fault->lasts;
}

/* One step. Returns an errno, or 0, perhaps with fewer bytes to be moved. */
static int faults_step(enum kind kind, const char *name, size_t *size)
{
    if (name == NULL || !faults_count(kind, name)) return 0;
    uint64_t step = atomic_fetch_add(&control->steps, 1);
    if (step < STEPS_NOTED) {
        control->noted[step].kind = kind;
        snprintf(control->noted[step].name, NAME_SIZE, "%s", name);
    }
    for (int i = 0; i < FAULTS; i++) {
        struct fault *fault = &control->faults[i];
        if (!faults_fires(fault, kind, step)) continue;
        if (fault->action == KILL) raise(SIGKILL);
        if (fault->action == FAIL) return fault->error;
        if (size != NULL && *size > 1) *size /= 2;
    }
    return 0;
}

static bool faults_step_path(enum kind kind, const char *path)
{
    char room[PATH_MAX];
    if (!faults_are_on()) return true;
    int error = faults_step(kind, faults_name_path(path, room), NULL);
    if (error != 0) errno = error;
    return error == 0;
}

static bool faults_step_file(enum kind kind, int file, size_t *size)
{
    char room[PATH_MAX];
    if (!faults_are_on()) return true;
    int error = faults_step(kind, faults_name_file(file, room), size);
    if (error != 0) errno = error;
    return error == 0;
}

/* ---------------------------------------------------------------------------------------- calls */

/*
 * A function under the name of one of the C library's, and the one it stands before. The names are
 * given to the assembler, as headers may have given them to others (open to open64).
 */
#define STANDS_BEFORE(name, result, ...)                                                     \
    __attribute__((visibility("default"))) result faults_##name(__VA_ARGS__) __asm__(#name); \
    static result (*real_##name(void))(__VA_ARGS__)                                          \
    {                                                                                        \
        void *found = dlsym(RTLD_NEXT, #name);                                               \
        result (*function)(__VA_ARGS__);                                                     \
        memcpy(&function, &found, sizeof function); /* what C has no cast for */             \
        return function;                                                                     \
    }                                                                                        \
    result faults_##name(__VA_ARGS__)

#define OPENS(name)                                                         \
    STANDS_BEFORE(name, int, const char *path, int flags, ...)              \
    {                                                                       \
        bool creates = flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE; \
        mode_t mode = 0;                                                    \
        if (creates) {                                                      \
            va_list rest;                                                   \
            va_start(rest, flags);                                          \
            mode = va_arg(rest, mode_t);                                    \
            va_end(rest);                                                   \
        }                                                                   \
        if (creates && !faults_step_path(OPEN, path)) return -1;            \
        return real_##name()(path, flags, mode);                            \
    }

OPENS(open)
OPENS(open64)

#define MAKES(name)                                   \
    STANDS_BEFORE(name, int, char *path)              \
    {                                                 \
        if (!faults_step_path(OPEN, path)) return -1; \
        return real_##name()(path);                   \
    }

MAKES(mkstemp)
MAKES(mkstemp64)

STANDS_BEFORE(write, ssize_t, int file, const void *bytes, size_t size)
{
    if (!faults_step_file(WRITE, file, &size)) return -1;
    return real_write()(file, bytes, size);
}

#define WRITES_AT(name)                                                                  \
    STANDS_BEFORE(name, ssize_t, int file, const void *bytes, size_t size, off_t offset) \
    {                                                                                    \
        if (!faults_step_file(WRITE, file, &size)) return -1;                            \
        return real_##name()(file, bytes, size, offset);                                 \
    }

WRITES_AT(pwrite)
WRITES_AT(pwrite64)

/* Shortened they write their first piece. */
STANDS_BEFORE(writev, ssize_t, int file, const struct iovec *pieces, int count)
{
    size_t size = (size_t)count;
    if (!faults_step_file(WRITE, file, &size)) return -1;
    return real_writev()(file, pieces, (int)size);
}

#define WRITES_PIECES_AT(name)                                                                  \
    STANDS_BEFORE(name, ssize_t, int file, const struct iovec *pieces, int count, off_t offset) \
    {                                                                                           \
        size_t size = (size_t)count;                                                            \
        if (!faults_step_file(WRITE, file, &size)) return -1;                                   \
        return real_##name()(file, pieces, (int)size, offset);                                  \
    }

WRITES_PIECES_AT(pwritev)
WRITES_PIECES_AT(pwritev64)

/* How much of the files that were synced last is on the medium. */
static struct {
    ino_t file;
    off_t size;
} synced[64];
static size_t synced_next;
static pthread_mutex_t synced_lock = PTHREAD_MUTEX_INITIALIZER;

static void faults_note_synced(const struct stat *status)
{
    size_t i = 0;
    pthread_mutex_lock(&synced_lock);
    while (i < 64 && synced[i].file != status->st_ino) i++;
    if (i == 64) i = synced_next++ % 64;
    synced[i].file = status->st_ino;
    synced[i].size = status->st_size;
    pthread_mutex_unlock(&synced_lock);
}

static void faults_lose_unsynced(int file, const struct stat *status)
{
    off_t from = 0;
    pthread_mutex_lock(&synced_lock);
    for (size_t i = 0; i < 64; i++)
        if (synced[i].file == status->st_ino) from = synced[i].size;
    pthread_mutex_unlock(&synced_lock);
    static const char zeros[4096];
    int error = errno;
    while (from < status->st_size) {
        off_t left = status->st_size - from;
        ssize_t put = real_pwrite()(file, zeros, left < 4096 ? (size_t)left : 4096, from);
        if (put <= 0) break;
        from += put;
    }
    errno = error;
}

static bool faults_sync(int file, int (*sync)(int file))
{
    struct stat status = {0};
    bool is_directory = fstat(file, &status) == 0 && S_ISDIR(status.st_mode);
    if (!faults_step_file(is_directory ? DIRSYNC : SYNC, file, NULL)) {
        if (S_ISREG(status.st_mode)) faults_lose_unsynced(file, &status);
        return false;
    }
    if (sync(file) != 0) return false;
    if (control != NULL && S_ISREG(status.st_mode)) faults_note_synced(&status);
    return true;
}

#define SYNCS(name)                                       \
    STANDS_BEFORE(name, int, int file)                    \
    {                                                     \
        return faults_sync(file, real_##name()) ? 0 : -1; \
    }

SYNCS(fsync)
SYNCS(fdatasync)

#define TRUNCATES(name)                                         \
    STANDS_BEFORE(name, int, int file, off_t size)              \
    {                                                           \
        if (!faults_step_file(TRUNCATE, file, NULL)) return -1; \
        return real_##name()(file, size);                       \
    }

TRUNCATES(ftruncate)
TRUNCATES(ftruncate64)

STANDS_BEFORE(rename, int, const char *from, const char *to)
{
    if (!faults_step_path(RENAME, to)) return -1;
    return real_rename()(from, to);
}

STANDS_BEFORE(unlink, int, const char *path)
{
    if (!faults_step_path(UNLINK, path)) return -1;
    return real_unlink()(path);
}

STANDS_BEFORE(mkdir, int, const char *path, mode_t mode)
{
    if (!faults_step_path(MKDIR, path)) return -1;
    return real_mkdir()(path, mode);
}

STANDS_BEFORE(send, ssize_t, int file, const void *bytes, size_t size, int flags)
{
    if (!faults_step_file(SEND, file, &size)) return -1;
    return real_send()(file, bytes, size, flags);
}

STANDS_BEFORE(recv, ssize_t, int file, void *bytes, size_t size, int flags)
{
    if (!faults_step_file(RECV, file, NULL)) return -1;
    return real_recv()(file, bytes, size, flags);
}
