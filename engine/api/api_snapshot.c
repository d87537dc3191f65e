/*
 * api/api_snapshot.c -- all of the store as an RDB file: kv_snapshot_begin() to kv_save().
 */
#include "keyspace/snapshot.h"
#include "keyspace/transaction.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static size_t snapshot_size(const struct store *store)
{
    return sizeof(struct kv_snapshot) + store->shard_count * sizeof(struct snapshot_part);
}

static bool snapshot_read_options(const kv_snapshot_options *given, kv_snapshot_options *options)
{
    *options = KV_OPTIONS(kv_snapshot_options);
    if (given != NULL) {
        if (given->size < sizeof given->size || given->size > sizeof *options) return false;
        memcpy(options, given, given->size);
    }
    if (options->aux_count % 2 != 0 || (options->aux == NULL && options->aux_count > 0))
        return false;
    return rdb_writes_version(options->rdb_version);
}

static void snapshot_destroy(struct kv_snapshot *snapshot)
{
    struct store *store = snapshot->store;
    pthread_mutex_destroy(&snapshot->output);
    pthread_mutex_destroy(&snapshot->next);
    alloc_free(&store->alloc, snapshot, snapshot_size(store));
}

static struct kv_snapshot *snapshot_create(kv *db, const kv_snapshot_options *options)
{
    struct store *store = db->view->store;
    struct kv_snapshot *snapshot = alloc_get(&store->alloc, snapshot_size(store));
    if (snapshot == NULL) return NULL;
    memset(snapshot, 0, snapshot_size(store));
    snapshot->store = store;
    snapshot->is_summed = !options->unsummed;
    snapshot->rules = (struct record_rules){.version = options->rdb_version,
                                            .tells_idle = options->tells_idle,
                                            .is_uncompressed = options->uncompressed,
                                            .now_s = view_seconds(db->view)};
    pthread_mutex_init(&snapshot->next, NULL);
    pthread_mutex_init(&snapshot->output, NULL);
    return snapshot;
}

kv_status kv_snapshot_begin(kv *db, const kv_snapshot_options *given, kv_writer *writer,
                            void *context, kv_snapshot **snapshot)
{
    kv_snapshot_options options;
    if (db == NULL || writer == NULL || snapshot == NULL) return KV_BADARG;
    if (!view_is_plain(db->view)) return KV_BADARG;
    if (!snapshot_read_options(given, &options)) return KV_BADARG;
    struct kv_snapshot *begun = snapshot_create(db, &options);
    if (begun == NULL) return KV_NOMEM;
    begun->writer = writer;
    begun->context = context;
    kv_status status = snapshot_begin(begun, &options);
    if (status == KV_OK) {
        *snapshot = begun;
        return KV_OK;
    }
    if (status != KV_BUSY) snapshot_end(begun);
    snapshot_destroy(begun);
    return status;
}

kv_status kv_snapshot_step(kv_snapshot *snapshot, int64_t budget_us)
{
    if (snapshot == NULL || budget_us < 0) return KV_BADARG;
    struct budget budget = {&snapshot->store->clock, 0};
    if (budget_us > 0) budget.until_us = clock_monotonic_us(budget.clock) + budget_us;
    return snapshot_step(snapshot, &budget);
}

kv_status kv_snapshot_end(kv_snapshot *snapshot)
{
    if (snapshot == NULL) return KV_BADARG;
    snapshot_end(snapshot);
    kv_status status = (kv_status)atomic_load(&snapshot->status);
    snapshot_destroy(snapshot);
    return status;
}

static uint64_t snapshot_number(const _Atomic uint64_t *number)
{
    return atomic_load_explicit(number, memory_order_relaxed);
}

kv_status kv_snapshot_stats(const kv_snapshot *snapshot, kv_snapshot_progress *progress)
{
    if (snapshot == NULL || progress == NULL) return KV_BADARG;
    size_t size = progress->size;
    if (size < sizeof size || size > sizeof *progress) return KV_BADARG;
    kv_snapshot_progress now = {.size = size,
                                .keys = snapshot_number(&snapshot->keys),
                                .keys_total = snapshot->keys_total,
                                .bytes = snapshot_number(&snapshot->bytes),
                                .held = snapshot_number(&snapshot->held),
                                .held_peak = snapshot_number(&snapshot->held_peak),
                                .saved = snapshot_number(&snapshot->saved),
                                .helped = snapshot_number(&snapshot->helped)};
    memcpy(progress, &now, size);
    return KV_OK;
}

/* -------------------------------------------------------------------------------------- to a file */

/* Bytes that are sent on their way to the medium before more is written: so the last sync is short. */
#define SAVE_FLUSH_BYTES (4 * 1024 * 1024)

/* A file in the making beside the one that it is to replace. */
struct save {
    int file;
    int error; /* errno of what failed */
    size_t unsynced;
    char *path; /* of alloc_get() */
    size_t path_size;
};

static kv_status save_write(void *context, kv_slice bytes)
{
    struct save *save = context;
    const char *at = bytes.data;
    size_t left = bytes.size;
    while (left > 0) {
        ssize_t written = write(save->file, at, left);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) {
            save->error = written == 0 ? EIO : errno;
            return KV_IOERROR;
        }
        at += written;
        left -= (size_t)written;
    }
    save->unsynced += bytes.size;
    if (save->unsynced < SAVE_FLUSH_BYTES) return KV_OK;
    save->unsynced = 0;
#if defined(__linux__) && defined(SYNC_FILE_RANGE_WRITE)
    (void)sync_file_range(save->file, 0, 0, SYNC_FILE_RANGE_WRITE);
#endif
    return KV_OK;
}

/* An errno if what has the name is no file: a device, or a pipe, would be gone for good. */
static int save_check_name(const char *path)
{
    struct stat found;
    if (stat(path, &found) != 0 || S_ISREG(found.st_mode)) return 0;
    return S_ISDIR(found.st_mode) ? EISDIR : EINVAL;
}

/* Opens a file beside `path` whose name nobody else has. */
static kv_status save_open(struct save *save, struct alloc *alloc, const char *path)
{
    save->error = save_check_name(path);
    if (save->error != 0) return KV_IOERROR;
    save->path_size = strlen(path) + 32;
    save->path = alloc_get(alloc, save->path_size);
    if (save->path == NULL) return KV_NOMEM;
    for (unsigned i = 0; i < 100; i++) {
        snprintf(save->path, save->path_size, "%s.%ld-%u.tmp", path, (long)getpid(), i);
        save->file = open(save->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (save->file >= 0 || errno != EEXIST) break;
    }
    save->error = errno;
    return save->file >= 0 ? KV_OK : KV_IOERROR;
}

/* Syncs the directory that a path lies in; gives an errno. */
static int save_sync_directory(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash != NULL) slash[slash == path] = '\0';
    int directory = open(slash != NULL ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) return errno;
    int error = fsync(directory) != 0 ? errno : 0;
    close(directory);
    return error == EINVAL ? 0 : error; /* a file system whose directories cannot be synced */
}

/* Makes what was written the file. */
static kv_status save_commit(struct save *save, const char *path)
{
    bool is_synced = fsync(save->file) == 0;
    if (!is_synced) save->error = errno;
    if (close(save->file) != 0 && is_synced) {
        save->error = errno;
        is_synced = false;
    }
    save->file = -1;
    if (!is_synced) return KV_IOERROR;
    if (rename(save->path, path) != 0) {
        save->error = errno;
        return KV_IOERROR;
    }
    memcpy(save->path, path, strlen(path) + 1); /* it is there now */
    save->error = save_sync_directory(save->path);
    save->path[0] = '\0';
    return save->error == 0 ? KV_OK : KV_IOERROR;
}

static kv_status save_take(kv *db, struct save *save, const kv_snapshot_options *options)
{
    kv_snapshot *snapshot;
    kv_status status = kv_snapshot_begin(db, options, save_write, save, &snapshot);
    if (status != KV_OK) return status;
    (void)kv_snapshot_step(snapshot, 0);
    return kv_snapshot_end(snapshot);
}

kv_status kv_save(kv *db, const char *path, const kv_snapshot_options *options)
{
    if (db == NULL || path == NULL || path[0] == '\0') return KV_BADARG;
    struct save save = {.file = -1};
    struct alloc *alloc = &db->view->store->alloc;
    kv_status status = save_open(&save, alloc, path);
    bool is_open = status == KV_OK;
    if (status == KV_OK) status = save_take(db, &save, options);
    if (status == KV_OK) status = save_commit(&save, path);
    if (save.file >= 0) close(save.file);
    if (is_open && status != KV_OK && save.path[0] != '\0') unlink(save.path);
    alloc_free(alloc, save.path, save.path_size);
    if (status == KV_IOERROR) errno = save.error;
    return status;
}

#undef SAVE_FLUSH_BYTES
