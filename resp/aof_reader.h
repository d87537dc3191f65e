/*
 * resp/aof_reader.h -- reads a file from front to back through one large buffer.
 *
 *     file:   0 ......... offset [ begin ........ end ] ........ size
 *                                 in the buffer
 *
 * What is looked at is contiguous and is not copied out: a caller that needs more than the buffer
 * holds asks for it and the buffer is moved and grown. It never grows beyond what the file still
 * has, so a damaged length cannot make it large.
 */
#ifndef KV_RESP_AOF_READER_H
#define KV_RESP_AOF_READER_H

#include "kvstore.h"
#include "resp/aof_io.h"

#include <stdbool.h>

struct aof_reader {
    const struct aof_io *io;
    int file;
    int error;       /* errno of a read that failed */
    uint64_t size;   /* of the file when it was opened */
    uint64_t offset; /* in the file of `begin` */
    uint8_t *bytes;
    size_t begin, end, capacity;
};

/* Opens the file at `path`. Returns an errno; then there is nothing to close. */
int aof_reader_open(struct aof_reader *reader, const struct aof_io *io, const char *path);
void aof_reader_close(struct aof_reader *reader);

static inline const uint8_t *aof_reader_at(const struct aof_reader *reader)
{
    return reader->bytes + reader->begin;
}

/* How much can be looked at now, and how much there is until the end of the file. */
static inline size_t aof_reader_held(const struct aof_reader *reader)
{
    return reader->end - reader->begin;
}

static inline uint64_t aof_reader_left(const struct aof_reader *reader)
{
    return reader->size - reader->offset;
}

/* Goes past bytes that are held. */
static inline void aof_reader_consume(struct aof_reader *reader, size_t size)
{
    reader->begin += size;
    reader->offset += size;
}

/* Goes on at another place of the file. */
static inline void aof_reader_seek(struct aof_reader *reader, uint64_t offset)
{
    reader->begin = reader->end = 0;
    reader->offset = offset;
}

/*
 * Makes at least `wanted` bytes from the present place on visible, or all that are left, by reading
 * as much as the buffer takes. Pointers into the buffer are void afterwards.
 * Returns KV_OK; KV_NONE if less is left than wanted (what is left is then held); KV_NOMEM;
 * KV_BADARG when a read failed (`error`).
 */
kv_status aof_reader_need(struct aof_reader *reader, uint64_t wanted);

/* Appends all of a file to `text`. Returns an errno; EFBIG for one of more than `most` bytes. */
int aof_read_whole(const struct aof_io *io, const char *path, uint64_t most, kv_buffer *text);

#endif
