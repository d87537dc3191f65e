#include "resp/aof_reader.h"

#include "resp/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * Large enough that a system call a refill is nothing, small enough to stay in the second-level
 * cache.
 */
enum { READER_CAPACITY = 512 * 1024 };

int aof_reader_open(struct aof_reader *reader, const struct aof_io *io, const char *path)
{
    *reader = (struct aof_reader){.io = io};
    int error = io->open(io->context, path, AOF_OPEN_READ, &reader->file);
    if (error != 0) return error;
    error = io->size(io->context, reader->file, &reader->size);
    if (error == 0) {
        reader->capacity =
            reader->size < READER_CAPACITY ? (size_t)reader->size + 1 : READER_CAPACITY;
        reader->bytes = malloc(reader->capacity);
        if (reader->bytes == NULL) error = ENOMEM;
    }
    if (error != 0) io->close(io->context, reader->file);
    return error;
}

void aof_reader_close(struct aof_reader *reader)
{
    reader->io->close(reader->io->context, reader->file);
    free(reader->bytes);
    *reader = (struct aof_reader){0};
}

/* Puts what is held at the front of a buffer that takes `wanted` bytes. */
static bool reader_make_room(struct aof_reader *reader, size_t wanted)
{
    size_t held = aof_reader_held(reader);
    if (wanted > reader->capacity) {
        size_t capacity = reader->capacity;
        while (capacity < wanted && capacity <= SIZE_MAX / 2) capacity *= 2;
        if (capacity < wanted) return false;
        uint8_t *bytes = malloc(capacity);
        if (bytes == NULL) return false;
        if (held > 0) memcpy(bytes, aof_reader_at(reader), held);
        free(reader->bytes);
        reader->bytes = bytes;
        reader->capacity = capacity;
    } else if (held > 0 && reader->begin > 0) {
        memmove(reader->bytes, aof_reader_at(reader), held);
    }
    reader->begin = 0;
    reader->end = held;
    return true;
}

kv_status aof_reader_need(struct aof_reader *reader, uint64_t wanted)
{
    uint64_t left = aof_reader_left(reader);
    bool is_short = wanted > left;
    if (is_short) wanted = left;
    if (wanted > SIZE_MAX) return KV_NOMEM;

    if (aof_reader_held(reader) < wanted && !reader_make_room(reader, (size_t)wanted)) {
        return KV_NOMEM;
    }
    while (aof_reader_held(reader) < wanted) {
        uint64_t unread = left - aof_reader_held(reader);
        size_t room = reader->capacity - reader->end, done = 0;
        reader->error = reader->io->read(
            reader->io->context, reader->file, reader->bytes + reader->end,
            room < unread ? room : (size_t)unread, reader->offset + aof_reader_held(reader), &done);
        if (reader->error == 0 && done == 0) reader->error = EIO; /* it has shrunk below us */
        if (reader->error != 0) return KV_BADARG;
        reader->end += done;
    }
    return is_short ? KV_NONE : KV_OK;
}

int aof_read_whole(const struct aof_io *io, const char *path, uint64_t most, kv_buffer *text)
{
    struct aof_reader reader;
    int error = aof_reader_open(&reader, io, path);
    if (error != 0) return error;
    kv_status status = KV_BADARG;
    if (reader.size > most) reader.error = EFBIG;
    else status = aof_reader_need(&reader, reader.size);
    if (status == KV_OK)
        status = text_append(text, kv_bytes(aof_reader_at(&reader), aof_reader_held(&reader)));
    error = status == KV_NOMEM ? ENOMEM : status != KV_OK ? reader.error : 0;
    aof_reader_close(&reader);
    return error;
}
