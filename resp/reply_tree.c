/*
 * resp/reply_tree.c -- a reply as a tree, for hosts that execute commands in-process, and for
 * clients.
 *
 * The bytes are walked once, recursively; a reply may be nested as deep as REPLY_DEPTH_MAX.
 * The elements of an aggregate are one array, which grows as they come, so that an announced count
 * of millions costs nothing until they do.
 */
#include "resp/text.h"

#include "kvresp.h"

#include <limits.h>
#include <stdlib.h>

enum { REPLY_DEPTH_MAX = 128 };

struct reply_reader {
    const uint8_t *begin, *at, *end;
};

static kv_status reply_read(struct reply_reader *reader, kvresp_reply *reply, unsigned depth);

/* The line at the reader without its mark and end. */
static kv_status reply_line(struct reply_reader *reader, kv_slice *line)
{
    const uint8_t *from = reader->at + 1;
    const uint8_t *end =
        from < reader->end ? memchr(from, '\r', (size_t)(reader->end - from)) : NULL;
    if (end == NULL || end + 1 == reader->end) return KV_MORE;
    if (end[1] != '\n') return KV_BADARG;
    *line = kv_bytes(from, (size_t)(end - from));
    reader->at = end + 2;
    return KV_OK;
}

/* A number on a line of its own; -1 stands for null where `may_be_null`. */
static kv_status reply_number(struct reply_reader *reader, bool may_be_null, int64_t *number)
{
    kv_slice line;
    kv_status status = reply_line(reader, &line);
    if (status != KV_OK) return status;
    if (!text_parse_integer(line, number)) return KV_BADARG;
    return *number >= (may_be_null ? -1 : 0) ? KV_OK : KV_BADARG;
}

static kv_status reply_bulk(struct reply_reader *reader, kvresp_kind kind, kvresp_reply *reply)
{
    int64_t size;
    kv_status status = reply_number(reader, kind == KVRESP_BULK, &size);
    if (status != KV_OK) return status;
    if (size < 0) {
        reply->kind = KVRESP_NULL;
        return KV_OK;
    }
    if (reader->end - reader->at - 2 < size) return KV_MORE;
    if (reader->at[size] != '\r' || reader->at[size + 1] != '\n') return KV_BADARG;
    reply->kind = kind;
    reply->text = kv_bytes(reader->at, (size_t)size);
    reader->at += size + 2;
    if (kind != KVRESP_VERBATIM) return KV_OK;
    if (size < 4 || ((const char *)reply->text.data)[3] != ':') return KV_BADARG;
    reply->text = kv_bytes((const char *)reply->text.data + 4, (size_t)size - 4);
    return KV_OK;
}

static kv_status reply_elements(struct reply_reader *reader, kvresp_reply *reply, uint64_t count,
                                unsigned depth)
{
    size_t capacity = reply->count; /* attributes may be there already */
    for (uint64_t i = 0; i < count; i++) {
        if (reply->count == capacity) {
            size_t grown = capacity == 0 ? (count < 16 ? (size_t)count : 16) : 2 * capacity;
            kvresp_reply *elements = realloc(reply->elements, grown * sizeof *elements);
            if (elements == NULL) return KV_NOMEM;
            reply->elements = elements;
            capacity = grown;
        }
        kvresp_reply *element = &reply->elements[reply->count++];
        *element = (kvresp_reply){.kind = KVRESP_NULL};
        kv_status status = reply_read(reader, element, depth + 1);
        if (status != KV_OK) return status;
    }
    return KV_OK;
}

static kv_status reply_aggregate(struct reply_reader *reader, kvresp_kind kind, kvresp_reply *reply,
                                 unsigned depth)
{
    int64_t count;
    kv_status status = reply_number(reader, kind == KVRESP_ARRAY, &count);
    if (status != KV_OK) return status;
    if (count < 0) {
        reply->kind = KVRESP_NULL;
        return KV_OK;
    }
    if (depth == REPLY_DEPTH_MAX || count > INT_MAX) return KV_BADARG;
    reply->kind = kind;
    bool in_pairs = kind == KVRESP_MAP || kind == KVRESP_ATTRIBUTE;
    return reply_elements(reader, reply, in_pairs ? 2 * (uint64_t)count : (uint64_t)count, depth);
}

static kv_status reply_text(struct reply_reader *reader, kvresp_kind kind, kvresp_reply *reply)
{
    reply->kind = kind;
    return reply_line(reader, &reply->text);
}

static kv_status reply_integer(struct reply_reader *reader, kvresp_reply *reply)
{
    kv_status status = reply_text(reader, KVRESP_INTEGER, reply);
    if (status != KV_OK) return status;
    return text_parse_integer(reply->text, &reply->integer) ? KV_OK : KV_BADARG;
}

static kv_status reply_double(struct reply_reader *reader, kvresp_reply *reply)
{
    kv_status status = reply_text(reader, KVRESP_DOUBLE, reply);
    if (status != KV_OK) return status;
    if (text_is(reply->text, "nan")) {
        reply->number = 0.0 / 0.0;
        return KV_OK;
    }
    return kv_parse_double(reply->text, &reply->number) == KV_OK ? KV_OK : KV_BADARG;
}

static kv_status reply_boolean(struct reply_reader *reader, kvresp_reply *reply)
{
    kv_status status = reply_text(reader, KVRESP_BOOLEAN, reply);
    if (status != KV_OK) return status;
    reply->integer = text_equal(reply->text, kv_text("t"));
    return reply->integer || text_equal(reply->text, kv_text("f")) ? KV_OK : KV_BADARG;
}

/* Attributes are a map before the reply they tell of; several in a row are one. */
static kv_status reply_attributes(struct reply_reader *reader, kvresp_reply *reply, unsigned depth)
{
    while (reader->at < reader->end && *reader->at == '|') {
        if (reply->attributes == NULL) reply->attributes = calloc(1, sizeof *reply);
        if (reply->attributes == NULL) return KV_NOMEM;
        kv_status status = reply_aggregate(reader, KVRESP_ATTRIBUTE, reply->attributes, depth);
        if (status != KV_OK) return status;
    }
    return KV_OK;
}

static kv_status reply_read(struct reply_reader *reader, kvresp_reply *reply, unsigned depth)
{
    kv_status status = reply_attributes(reader, reply, depth);
    if (status != KV_OK) return status;
    if (reader->at == reader->end) return KV_MORE;
    switch (*reader->at) {
    case '+': return reply_text(reader, KVRESP_SIMPLE, reply);
    case '-': return reply_text(reader, KVRESP_ERROR, reply);
    case ':': return reply_integer(reader, reply);
    case '$': return reply_bulk(reader, KVRESP_BULK, reply);
    case '*': return reply_aggregate(reader, KVRESP_ARRAY, reply, depth);
    case '_': return reply_text(reader, KVRESP_NULL, reply);
    case ',': return reply_double(reader, reply);
    case '#': return reply_boolean(reader, reply);
    case '(': return reply_text(reader, KVRESP_BIG_NUMBER, reply);
    case '!': return reply_bulk(reader, KVRESP_BULK_ERROR, reply);
    case '=': return reply_bulk(reader, KVRESP_VERBATIM, reply);
    case '%': return reply_aggregate(reader, KVRESP_MAP, reply, depth);
    case '~': return reply_aggregate(reader, KVRESP_SET, reply, depth);
    case '>': return reply_aggregate(reader, KVRESP_PUSH, reply, depth);
    default: return KV_BADARG;
    }
}

static void reply_free_elements(kvresp_reply *reply)
{
    for (size_t i = 0; i < reply->count; i++) reply_free_elements(&reply->elements[i]);
    free(reply->elements);
    kvresp_reply_free(reply->attributes);
}

kv_status kvresp_reply_parse(kv_slice bytes, kvresp_reply **reply, size_t *used)
{
    if (reply == NULL || (bytes.data == NULL && bytes.size > 0)) return KV_BADARG;
    kvresp_reply *root = calloc(1, sizeof *root);
    if (root == NULL) return KV_NOMEM;
    const uint8_t *begin = bytes.size > 0 ? bytes.data : (const uint8_t *)"";
    struct reply_reader reader = {begin, begin, begin + bytes.size};
    root->kind = KVRESP_NULL;
    kv_status status = reply_read(&reader, root, 0);
    if (status != KV_OK) {
        kvresp_reply_free(root);
        return status;
    }
    *reply = root;
    if (used != NULL) *used = (size_t)(reader.at - reader.begin);
    return KV_OK;
}

void kvresp_reply_free(kvresp_reply *reply)
{
    if (reply == NULL) return;
    reply_free_elements(reply);
    free(reply);
}
