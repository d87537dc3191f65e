/*
 * resp/writer.c -- replies in RESP2 and RESP3.
 */
#include "resp/writer.h"

#include <stdio.h>
#include <stdlib.h>

enum { WRITER_CAPACITY_FIRST = 1024 };

bool writer_grow(struct writer *writer, size_t size)
{
    /* What was sent makes room first, if that is worth the copy. */
    size_t kept = writer->size - writer->start;
    if (writer->start > 0 && writer->start >= kept) {
        if (kept > 0) memmove(writer->bytes, writer->bytes + writer->start, kept);
        writer->start = 0;
        writer->size = kept;
        if (writer->capacity - writer->size >= size) return true;
    }
    if (size > SIZE_MAX / 4 || writer->capacity > SIZE_MAX / 4) {
        writer->failed = true;
        return false;
    }

    size_t grown =
        writer->capacity < WRITER_CAPACITY_FIRST ? WRITER_CAPACITY_FIRST : 2 * writer->capacity;
    if (grown - writer->size < size) grown = writer->size + size;
    uint8_t *bytes = realloc(writer->bytes, grown);
    if (bytes == NULL) {
        writer->failed = true;
        return false;
    }
    writer->bytes = bytes;
    writer->capacity = grown;
    return true;
}

void writer_free(struct writer *writer)
{
    free(writer->bytes);
    writer->bytes = NULL;
    writer->start = writer->size = writer->capacity = 0;
}

void writer_simple(struct writer *writer, const char *text)
{
    size_t size = strlen(text);
    uint8_t *at = writer_reserve(writer, size + 3);
    if (at == NULL) return;
    *at++ = '+';
    memcpy(at, text, size);
    memcpy(at + size, "\r\n", 2);
    writer_advance(writer, at + size + 2);
}

void writer_bulk_text(struct writer *writer, const char *text)
{
    writer_bulk(writer, kv_text(text));
}

/* A line of RESP3: its mark, its text, its end. */
static void writer_line(struct writer *writer, char mark, kv_slice text)
{
    uint8_t *at = writer_reserve(writer, text.size + 3);
    if (at == NULL) return;
    *at++ = (uint8_t)mark;
    if (text.size > 0) memcpy(at, text.data, text.size);
    memcpy(at + text.size, "\r\n", 2);
    writer_advance(writer, at + text.size + 2);
}

void writer_double(struct writer *writer, double value)
{
    char text[32];
    kv_slice digits = kv_bytes(text, kv_format_double(text, value));
    if (writer->protocol > 2) writer_line(writer, ',', digits);
    else writer_bulk(writer, digits);
}

void writer_boolean(struct writer *writer, bool value)
{
    if (writer->protocol > 2) writer_line(writer, '#', kv_text(value ? "t" : "f"));
    else writer_integer(writer, value);
}

void writer_big_number(struct writer *writer, kv_slice digits)
{
    if (writer->protocol > 2) writer_line(writer, '(', digits);
    else writer_bulk(writer, digits);
}

void writer_verbatim(struct writer *writer, const char format[3], kv_slice text)
{
    if (writer->protocol <= 2) {
        writer_bulk(writer, text);
        return;
    }
    uint8_t *at = writer_reserve(writer, text.size + WRITER_HEADER_SIZE + 4 + 2);
    if (at == NULL) return;
    at = writer_put_header(at, '=', text.size + 4);
    for (int i = 0; i < 3; i++) *at++ = (uint8_t)format[i]; /* gcc 12 warns wrongly of a memcpy() */
    *at++ = ':';
    if (text.size > 0) memcpy(at, text.data, text.size);
    memcpy(at + text.size, "\r\n", 2);
    writer_advance(writer, at + text.size + 2);
}

void writer_error(struct writer *writer, kv_slice text)
{
    uint8_t *at = writer_reserve(writer, text.size + 3);
    if (at == NULL) return;
    const uint8_t *from = text.data;
    while (text.size > 0 && (from[text.size - 1] == '\r' || from[text.size - 1] == '\n'))
        text.size--;
    *at++ = '-';
    for (size_t i = 0; i < text.size; i++)
        *at++ = from[i] == '\r' || from[i] == '\n' ? ' ' : from[i];
    memcpy(at, "\r\n", 2);
    writer_advance(writer, at + 2);
}

size_t writer_begin_deferred(const struct writer *writer)
{
    return writer->size - writer->start; /* `start` may go back to 0 when the writer grows */
}

void writer_insert(struct writer *writer, size_t began, kv_slice bytes)
{
    if (writer_reserve(writer, bytes.size) == NULL) return;
    uint8_t *at = writer->bytes + writer->start + began;
    memmove(at + bytes.size, at, (size_t)(writer->bytes + writer->size - at));
    memcpy(at, bytes.data, bytes.size);
    writer->size += bytes.size;
}

void writer_end_deferred(struct writer *writer, size_t began, char kind, uint64_t count)
{
    uint8_t header[WRITER_HEADER_SIZE];
    if (writer->protocol <= 2 && kind == '%') count *= 2;
    if (writer->protocol <= 2) kind = '*';
    size_t size = (size_t)(writer_put_header(header, kind, count) - header);
    writer_insert(writer, began, kv_bytes(header, size));
}

bool writer_visit_bulk(void *context, kv_slice item)
{
    writer_bulk(context, item);
    return true;
}
