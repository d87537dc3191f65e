/*
 * rdb/rdb_sink.c -- see rdb_sink.h.
 */
#include "rdb/rdb_sink.h"

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/lzf.h"
#include "base/number.h"

enum {
    RDB_LENGTH_SIZE = 9,   /* the longest */
    RDB_INTEGER_TEXT = 11, /* the longest text of 32 bits */
    RDB_COMPRESS_MIN = 20, /* texts longer than this are tried, and have to lose */
    RDB_COMPRESS_GAIN = 4  /* this many bytes at least, as in Redis */
};

KV_INTERNAL void rdb_sink_open(struct rdb_sink *sink, kv_buffer *buffer)
{
    *sink = (struct rdb_sink){.buffer = buffer, .status = KV_OK};
}

KV_INTERNAL void rdb_sink_open_within(struct rdb_sink *sink, kv_buffer *buffer, struct alloc *alloc)
{
    *sink = (struct rdb_sink){.buffer = buffer, .alloc = alloc, .status = KV_OK};
}

static uint8_t *rdb_sink_begin(const struct rdb_sink *sink)
{
    return (uint8_t *)sink->buffer->data + sink->buffer->size;
}

KV_INTERNAL kv_slice rdb_sink_bytes(const struct rdb_sink *sink)
{
    return sink->size > 0 ? kv_bytes(rdb_sink_begin(sink), sink->size) : (kv_slice){0};
}

KV_INTERNAL kv_status rdb_sink_close(struct rdb_sink *sink)
{
    if (sink->status != KV_OK) return sink->status;
    if (sink->size > 0) memmove(sink->buffer->data, rdb_sink_begin(sink), sink->size);
    sink->buffer->size = sink->size;
    return KV_OK;
}

KV_INTERNAL kv_status rdb_sink_append(struct rdb_sink *sink)
{
    if (sink->status == KV_OK) sink->buffer->size += sink->size;
    return sink->status;
}

/* Grows a buffer of the store's, by half at least. */
static kv_status rdb_sink_grow_within(struct rdb_sink *sink, size_t capacity)
{
    kv_buffer *buffer = sink->buffer;
    size_t grown = buffer->capacity + buffer->capacity / 2;
    if (grown < capacity) grown = capacity;
    void *data = alloc_resize(sink->alloc, buffer->data, buffer->capacity, grown);
    if (data == NULL) return KV_NOMEM;
    buffer->data = data;
    buffer->capacity = grown;
    return KV_OK;
}

static KV_NOINLINE void rdb_sink_grow(struct rdb_sink *sink, size_t size)
{
    size_t used = sink->buffer->size + sink->size;
    if (sink->status != KV_OK) return;
    if (size > SIZE_MAX - used) sink->status = KV_NOMEM;
    else if (sink->alloc != NULL) sink->status = rdb_sink_grow_within(sink, used + size);
    else sink->status = buffer_reserve(sink->buffer, used + size);
}

/* Room for `size` bytes behind those written, which are not counted yet; NULL without memory. */
static inline uint8_t *rdb_sink_room(struct rdb_sink *sink, size_t size)
{
    const kv_buffer *buffer = sink->buffer;
    if (KV_UNLIKELY(size > buffer->capacity - buffer->size - sink->size)) rdb_sink_grow(sink, size);
    return KV_LIKELY(sink->status == KV_OK) ? rdb_sink_begin(sink) + sink->size : NULL;
}

KV_INTERNAL void rdb_write_bytes(struct rdb_sink *sink, kv_slice bytes)
{
    uint8_t *room = rdb_sink_room(sink, bytes.size);
    if (room == NULL) return;
    if (bytes.size > 0) memcpy(room, bytes.data, bytes.size);
    sink->size += bytes.size;
}

KV_INTERNAL void rdb_write_byte(struct rdb_sink *sink, uint8_t byte)
{
    uint8_t *room = rdb_sink_room(sink, 1);
    if (room == NULL) return;
    *room = byte;
    sink->size++;
}

KV_INTERNAL void rdb_write_16(struct rdb_sink *sink, uint16_t number)
{
    uint8_t bytes[2];
    bytes_store16(bytes, number);
    rdb_write_bytes(sink, kv_bytes(bytes, sizeof bytes));
}

KV_INTERNAL void rdb_write_64(struct rdb_sink *sink, uint64_t number)
{
    uint8_t bytes[8];
    bytes_store64(bytes, number);
    rdb_write_bytes(sink, kv_bytes(bytes, sizeof bytes));
}

KV_INTERNAL void rdb_write_double(struct rdb_sink *sink, double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    rdb_write_64(sink, bits);
}

/* -------------------------------------------------------------------------------------- lengths */

static size_t rdb_encode_length(uint8_t bytes[RDB_LENGTH_SIZE], uint64_t length)
{
    if (length < 1 << 6) {
        bytes[0] = (uint8_t)length;
        return 1;
    }
    if (length < 1 << 14) {
        bytes[0] = (uint8_t)(0x40 | length >> 8);
        bytes[1] = (uint8_t)length;
        return 2;
    }
    size_t size = length <= UINT32_MAX ? 4 : 8;
    bytes[0] = size == 4 ? 0x80 : 0x81;
    for (size_t i = 0; i < size; i++) bytes[size - i] = (uint8_t)(length >> 8 * i);
    return 1 + size;
}

KV_INTERNAL void rdb_write_length(struct rdb_sink *sink, uint64_t length)
{
    uint8_t bytes[RDB_LENGTH_SIZE];
    rdb_write_bytes(sink, kv_bytes(bytes, rdb_encode_length(bytes, length)));
}

KV_INTERNAL size_t rdb_length_size(uint64_t length)
{
    uint8_t bytes[RDB_LENGTH_SIZE];
    return rdb_encode_length(bytes, length);
}

/* ---------------------------------------------------------------------------------------- texts */

KV_INTERNAL void rdb_write_plain(struct rdb_sink *sink, kv_slice text)
{
    uint8_t head[RDB_LENGTH_SIZE];
    size_t head_size = rdb_encode_length(head, text.size);
    uint8_t *room = rdb_sink_room(sink, head_size + text.size);
    if (room == NULL) return;
    memcpy(room, head, head_size);
    if (text.size > 0) memcpy(room + head_size, text.data, text.size);
    sink->size += head_size + text.size;
}

KV_INTERNAL size_t rdb_plain_size(kv_slice text)
{
    return rdb_length_size(text.size) + text.size;
}

static bool rdb_write_integer(struct rdb_sink *sink, kv_slice text)
{
    int64_t integer;
    if (text.size > RDB_INTEGER_TEXT || !number_parse_int64(text, &integer)) return false;
    if (integer < INT32_MIN || integer > INT32_MAX) return false;
    unsigned width = integer == (int8_t)integer ? 0 : integer == (int16_t)integer ? 1 : 2;
    uint8_t bytes[5];
    bytes[0] = (uint8_t)(0xc0 | width);
    bytes_store32(bytes + 1, (uint32_t)integer);
    rdb_write_bytes(sink, kv_bytes(bytes, 1 + ((size_t)1 << width)));
    return true;
}

/*
 * The LZF is made where it would be if both lengths were the longest there are, and moved behind
 * them as they turn out.
 */
static bool rdb_write_compressed(struct rdb_sink *sink, kv_slice text)
{
    uint8_t *room = rdb_sink_room(sink, 1 + 2 * RDB_LENGTH_SIZE + text.size);
    if (room == NULL) return true; /* the sink knows */
    uint8_t *packed = room + 1 + 2 * RDB_LENGTH_SIZE;
    size_t packed_size = lzf_compress(text, packed, text.size - RDB_COMPRESS_GAIN);
    if (packed_size == 0) return false;
    size_t head = 1;
    room[0] = 0xc3;
    head += rdb_encode_length(room + head, packed_size);
    head += rdb_encode_length(room + head, text.size);
    memmove(room + head, packed, packed_size);
    sink->size += head + packed_size;
    return true;
}

KV_INTERNAL void rdb_write_text(struct rdb_sink *sink, kv_slice text)
{
    if (text.size <= RDB_INTEGER_TEXT && rdb_write_integer(sink, text)) return;
    if (text.size > RDB_COMPRESS_MIN && !sink->is_uncompressed && rdb_write_compressed(sink, text))
        return;
    rdb_write_plain(sink, text);
}
