/*
 * resp/writer.h -- replies, written straight into the output of a session, in RESP2 or RESP3.
 *
 *     bytes  |  sent  |  to be sent  |  room  |
 *            0      start          size    capacity
 *
 * A writer that runs out of memory drops what does not fit and remembers that it `failed`; its
 * session is then closed, as a reply with a hole in it would shift all that follow. So nothing here
 * returns a status, and a handler just writes.
 *
 * Types that RESP2 lacks become what Redis makes of them: a map an array of twice the size, a set
 * and a push an array, a double and a big number a bulk string, a boolean an integer.
 */
#ifndef KV_RESP_WRITER_H
#define KV_RESP_WRITER_H

#include "resp/text.h"

struct writer {
    uint8_t *bytes;
    size_t start, size, capacity;
    uint8_t protocol; /* 2 or 3 */
    bool failed;
};

enum { WRITER_HEADER_SIZE = 1 + TEXT_INTEGER_SIZE + 2 }; /* "*18446744073709551615\r\n" */

/* Grows the room to at least `size` bytes; false when memory is short. */
bool writer_grow(struct writer *writer, size_t size);

/*
 * Where at least `size` bytes may be written, or NULL. What was written is then given to
 * writer_advance().
 */
static inline uint8_t *writer_reserve(struct writer *writer, size_t size)
{
    if (TEXT_UNLIKELY(writer->capacity - writer->size < size) && !writer_grow(writer, size))
        return NULL;
    return writer->bytes + writer->size;
}

static inline void writer_advance(struct writer *writer, const uint8_t *end)
{
    writer->size = (size_t)(end - writer->bytes);
}

static inline void writer_raw(struct writer *writer, const void *bytes, size_t size)
{
    uint8_t *at = writer_reserve(writer, size);
    if (at == NULL || size == 0) return;
    memcpy(at, bytes, size);
    writer->size += size;
}

/* A literal: its size is known to the compiler. */
#define WRITER_LITERAL(writer, literal) writer_raw(writer, literal, sizeof literal - 1)

static inline uint8_t *writer_put_header(uint8_t *at, char kind, uint64_t count)
{
    *at++ = (uint8_t)kind;
    at = text_write_unsigned(at, count);
    memcpy(at, "\r\n", 2);
    return at + 2;
}

static inline void writer_bulk(struct writer *writer, kv_slice bytes)
{
    uint8_t *at = writer_reserve(writer, bytes.size + WRITER_HEADER_SIZE + 2);
    if (TEXT_UNLIKELY(at == NULL)) return;
    at = writer_put_header(at, '$', bytes.size);
    if (bytes.size > 0) memcpy(at, bytes.data, bytes.size);
    at += bytes.size;
    memcpy(at, "\r\n", 2);
    writer_advance(writer, at + 2);
}

static inline void writer_header(struct writer *writer, char kind, uint64_t count)
{
    uint8_t *at = writer_reserve(writer, WRITER_HEADER_SIZE);
    if (TEXT_UNLIKELY(at == NULL)) return;
    writer_advance(writer, writer_put_header(at, kind, count));
}

static inline void writer_integer(struct writer *writer, int64_t value)
{
    uint8_t *at = writer_reserve(writer, WRITER_HEADER_SIZE + 1);
    if (TEXT_UNLIKELY(at == NULL)) return;
    *at++ = ':';
    at = text_write_integer(at, value);
    memcpy(at, "\r\n", 2);
    writer_advance(writer, at + 2);
}

static inline void writer_ok(struct writer *writer)
{
    WRITER_LITERAL(writer, "+OK\r\n");
}

static inline void writer_null(struct writer *writer)
{
    if (writer->protocol > 2) WRITER_LITERAL(writer, "_\r\n");
    else WRITER_LITERAL(writer, "$-1\r\n");
}

static inline void writer_null_array(struct writer *writer)
{
    if (writer->protocol > 2) WRITER_LITERAL(writer, "_\r\n");
    else WRITER_LITERAL(writer, "*-1\r\n");
}

static inline void writer_array(struct writer *writer, uint64_t count)
{
    writer_header(writer, '*', count);
}

/* `count` pairs follow. */
static inline void writer_map(struct writer *writer, uint64_t count)
{
    if (writer->protocol > 2) writer_header(writer, '%', count);
    else writer_header(writer, '*', 2 * count);
}

static inline void writer_set(struct writer *writer, uint64_t count)
{
    writer_header(writer, writer->protocol > 2 ? '~' : '*', count);
}

static inline void writer_push(struct writer *writer, uint64_t count)
{
    writer_header(writer, writer->protocol > 2 ? '>' : '*', count);
}

void writer_simple(struct writer *writer, const char *text);
void writer_bulk_text(struct writer *writer, const char *text);
void writer_double(struct writer *writer, double value);
void writer_boolean(struct writer *writer, bool value);
void writer_big_number(struct writer *writer, kv_slice digits);

/* `format` is three letters, "txt" or "mkd". */
void writer_verbatim(struct writer *writer, const char format[3], kv_slice text);

/*
 * An error, whose text begins with its code, not with '-'. Newlines at its end are left out, others
 * become spaces.
 */
void writer_error(struct writer *writer, kv_slice text);

/*
 * An aggregate whose count comes after its members: begin, write members, end with what begin
 * returned. The members are moved once, by the header's size.
 */
size_t writer_begin_deferred(const struct writer *writer);
void writer_end_deferred(struct writer *writer, size_t began, char kind, uint64_t count);

/* Puts bytes of RESP before what was written since `began`. */
void writer_insert(struct writer *writer, size_t began, kv_slice bytes);

/* A kv_visit that writes each item as a bulk string; `context` is the writer. */
bool writer_visit_bulk(void *context, kv_slice item);

void writer_free(struct writer *writer);

#endif
