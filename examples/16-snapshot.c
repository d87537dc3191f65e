/*
 * 16-snapshot.c -- a store in a file: saved whole, loaded at the next start, and copied meanwhile.
 *
 * The file is one of Redis, dump.rdb: redis-server starts from it, and this program from one of its.
 * Where every change must be kept, and not only what there was at the last save, there is the
 * append-only file of kvresp.h.
 */
#include "kvstore.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VISITS KV_TEXT("visits")

/* An error here means that memory is exhausted, or that this program is wrong. */
static void must(kv_status status)
{
    if (status >= 0) return;
    fprintf(stderr, "%s\n", kv_strerror(status));
    exit(1);
}

/* Where there is no file yet the store begins empty; a damaged one must not be written over. */
static kv *open_from(const char *path)
{
    kv *db;
    kv_load_report report = KV_OPTIONS(kv_load_report);
    must(kv_open(NULL, &db));
    kv_status status = kv_load_file(db, path, NULL, &report);
    if (status == KV_OK) {
        printf("%llu keys loaded\n", (unsigned long long)report.keys);
    } else if (status == KV_IOERROR && errno == ENOENT) {
        puts("nothing to load yet");
    } else {
        fprintf(stderr, "%s: %s\n", path, status == KV_IOERROR ? strerror(errno) : report.message);
        exit(1);
    }
    return db;
}

static void save_to(kv *db, const char *path)
{
    kv_status status = kv_save(db, path, NULL);
    if (status == KV_IOERROR) fprintf(stderr, "%s: %s\n", path, strerror(errno));
    must(status);
}

/* ------------------------------------------------------------------- a snapshot, a piece at a time */

/* Where its bytes go: to memory here; to a socket, a compressor, another machine elsewhere. */
static kv_status keep(void *context, kv_slice bytes)
{
    kv_buffer *copy = context;
    char *data = realloc(copy->data, copy->size + bytes.size);
    if (data == NULL) return KV_NOMEM;
    memcpy(data + copy->size, bytes.data, bytes.size);
    copy->data = data;
    copy->size += bytes.size;
    return KV_OK;
}

/* All as it is when this begins, while the host goes on with its work between the steps. */
static void copy_while_working(kv *db, kv_buffer *copy)
{
    kv_snapshot *snapshot;
    must(kv_snapshot_begin(db, NULL, keep, copy, &snapshot));
    kv_status status;
    do {
        must(kv_incrby(db, VISITS, 1, NULL)); /* the work; the copy has none of it */
        status = kv_snapshot_step(snapshot, 100);
    } while (status == KV_MORE);
    must(status);
    must(kv_snapshot_end(snapshot));
}

/* A kv_reader of what was kept. */
static kv_status give(void *context, void *bytes, size_t room, size_t *size)
{
    kv_slice *left = context;
    *size = left->size < room ? left->size : room;
    if (*size > 0) memcpy(bytes, left->data, *size);
    *left = KV_BYTES((const char *)left->data + *size, left->size - *size);
    return KV_OK;
}

static int64_t visits_in(kv *db)
{
    int64_t visits;
    must(kv_incrby(db, VISITS, 0, &visits));
    return visits;
}

static int64_t visits_in_copy(const kv_buffer *copy)
{
    kv *db;
    kv_slice left = KV_BYTES(copy->data, copy->size);
    must(kv_open(NULL, &db));
    must(kv_load(db, give, &left, NULL, NULL));
    int64_t visits = visits_in(db);
    kv_close(db);
    return visits;
}

int main(void)
{
    char directory[] = "/tmp/kvstore-XXXXXX", path[64];
    if (mkdtemp(directory) == NULL) return 1;
    snprintf(path, sizeof path, "%s/dump.rdb", directory);

    kv *db = open_from(path);
    must(kv_set(db, VISITS, KV_TEXT("41"), NULL));
    must(kv_set(db, KV_TEXT("pages"), KV_TEXT("7"), NULL));
    save_to(db, path); /* whoever else uses the store goes on meanwhile */
    kv_close(db);

    db = open_from(path); /* the next start */
    must(kv_incrby(db, VISITS, 1, NULL));
    kv_buffer copy = {0};
    copy_while_working(db, &copy);
    int64_t copied = visits_in_copy(&copy), now = visits_in(db);
    printf("%lld visits in the copy, %lld now\n", (long long)copied, (long long)now);
    free(copy.data);
    kv_close(db);
    remove(path);
    rmdir(directory);
    return copied == 42 && now > copied ? 0 : 1;
}
