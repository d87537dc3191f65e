/*
 * resp/spool.c -- bytes on their way from one writer to several slower readers.
 */
#include "resp/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SPOOL_READ = 128 * 1024 /* bytes of the file that a reader has in memory */ };

kv_status spool_open(struct spool *spool, uint64_t memory_max, const char *directory)
{
    *spool = (struct spool){.memory_max = memory_max, .directory = directory, .file = -1};
    spool->spilled_from = UINT64_MAX;
    return replication_log_open(&spool->log, 0);
}

void spool_close(struct spool *spool)
{
    if (spool->file >= 0) close(spool->file);
    replication_log_close(&spool->log);
}

/* A file that is gone when it is closed, however the process ends. */
static int spool_open_file(const char *directory)
{
#if defined(O_TMPFILE)
    int file = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file >= 0) return file;
#endif
    char path[4096];
    int size = snprintf(path, sizeof path, "%s/kvstore-sync-XXXXXX", directory);
    if (size < 0 || (size_t)size >= sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int made = mkstemp(path);
    if (made < 0) return -1;
    fcntl(made, F_SETFD, FD_CLOEXEC);
    unlink(path);
    return made;
}

static kv_status spool_spill(struct spool *spool, kv_slice bytes)
{
    if (spool->file < 0) {
        spool->file = spool_open_file(spool->directory);
        if (spool->file < 0) return KV_IOERROR;
        spool->spilled_from = spool->end;
    }
    uint64_t at = spool->end - spool->spilled_from;
    for (size_t done = 0; done < bytes.size;) {
        ssize_t put = pwrite(spool->file, (const char *)bytes.data + done, bytes.size - done,
                             (off_t)(at + done));
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return KV_IOERROR;
        done += (size_t)put;
    }
    atomic_store_explicit(&spool->end, spool->end + bytes.size, memory_order_release);
    replication_log_wake(&spool->log);
    return KV_OK;
}

kv_status spool_append(struct spool *spool, kv_slice bytes)
{
    if (bytes.size == 0) return KV_OK;
    bool is_spilling = spool->file >= 0;
    if (!is_spilling && replication_log_memory(&spool->log) + bytes.size > spool->memory_max)
        is_spilling = true;
    if (is_spilling) return spool_spill(spool, bytes);
    atomic_store_explicit(&spool->end, spool->end + bytes.size, memory_order_release);
    return replication_log_append(&spool->log, bytes, -1) ? KV_OK : KV_NOMEM;
}

/* -------------------------------------------------------------------------------------- readers */

void spool_reader_open(struct spool *spool, struct spool_reader *reader)
{
    reader->position = 0;
    reader->bytes = NULL;
    (void)replication_reader_open(&spool->log, &reader->memory, 0);
}

void spool_reader_close(struct spool *spool, struct spool_reader *reader)
{
    replication_reader_close(&spool->log, &reader->memory);
    free(reader->bytes);
    reader->bytes = NULL;
}

static kv_status spool_read_file(struct spool *spool, struct spool_reader *reader, kv_slice *bytes)
{
    if (reader->bytes == NULL) reader->bytes = malloc(SPOOL_READ);
    if (reader->bytes == NULL) return KV_NOMEM;
    uint64_t left = spool_size(spool) - reader->position;
    size_t wanted = left < SPOOL_READ ? (size_t)left : SPOOL_READ;
    ssize_t got;
    do
        got = pread(spool->file, reader->bytes, wanted,
                    (off_t)(reader->position - spool->spilled_from));
    while (got < 0 && errno == EINTR);
    if (got <= 0) return KV_IOERROR;
    *bytes = kv_bytes(reader->bytes, (size_t)got);
    return KV_OK;
}

kv_status spool_read(struct spool *spool, struct spool_reader *reader, kv_slice *bytes)
{
    *bytes = replication_reader_read(&spool->log, &reader->memory);
    if (bytes->size > 0) return KV_OK;
    if (reader->memory.is_overtaken || !reader->memory.is_open) return KV_GAP;
    /* It is noted as waiting; what was written to the file before that is seen here. */
    if (reader->position < spool->spilled_from || reader->position == spool_size(spool))
        return KV_OK;
    return spool_read_file(spool, reader, bytes);
}

void spool_advance(struct spool *spool, struct spool_reader *reader, size_t size)
{
    bool is_of_memory = reader->position < spool->spilled_from;
    reader->position += size;
    if (is_of_memory) replication_reader_advance(&spool->log, &reader->memory, size);
}
