/*
 * resp/spool.h -- bytes on their way from one writer, who does not wait, to several readers, who
 * may be slow: a snapshot that replicas are sent.
 *
 *     writer --> [ memory, up to a limit ][ a file without a name ] --> readers, each at its own pace
 *
 * What all readers have read goes from memory at once. When too much has to wait, the rest goes to
 * a temporary file, so that memory is bounded however slow a reader is and whoever is writing: it
 * may be a client's thread that helps the snapshot on.
 */
#ifndef KV_RESP_SPOOL_H
#define KV_RESP_SPOOL_H

#include "resp/replication_log.h"

struct spool {
    struct replication_log log; /* the bytes before `spilled_from` */
    uint64_t memory_max;
    const char *directory; /* of the temporary file */
    int file;              /* -1: none */
    _Atomic uint64_t spilled_from, end;
};

struct spool_reader {
    struct replication_reader memory;
    uint64_t position;
    uint8_t *bytes; /* of the file: what was read last */
    size_t room;
};

/* KV_OK or KV_NOMEM. `directory` is lent until the spool is closed. */
kv_status spool_open(struct spool *spool, uint64_t memory_max, const char *directory);
void spool_close(struct spool *spool);

/*
 * KV_OK; KV_NOMEM; KV_IOERROR with errno. After an error readers have lost bytes. Not by two
 * threads at once.
 */
kv_status spool_append(struct spool *spool, kv_slice bytes);

static inline uint64_t spool_size(const struct spool *spool)
{
    return atomic_load_explicit(&spool->end, memory_order_acquire);
}

/* `wake` and `context` of reader->memory are set before, and it reads from the beginning. */
void spool_reader_open(struct spool *spool, struct spool_reader *reader);
void spool_reader_close(struct spool *spool, struct spool_reader *reader);

/*
 * Gives the next bytes, some or all, which stay until the reader advances; none at the end of what
 * was written, and then `wake` is called when there is more. KV_OK; KV_NOMEM; KV_IOERROR; KV_GAP
 * after an error of the writer.
 */
kv_status spool_read(struct spool *spool, struct spool_reader *reader, kv_slice *bytes);
void spool_advance(struct spool *spool, struct spool_reader *reader, size_t size);

#endif
