#include "resp/aof_rdb.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * Types and opcodes: rdb.h of Redis, whose comments are the specification. A type that is not
 * listed here is refused by its number.
 */
enum {
    RDB_TYPE_STRING = 0,
    RDB_TYPE_LIST = 1,
    RDB_TYPE_LIST_ZIPLIST = 10,
    RDB_TYPE_LIST_QUICKLIST = 14,
    RDB_TYPE_LIST_QUICKLIST2 = 18,

    RDB_SLOT_INFO = 0xF4,
    RDB_FUNCTION2 = 0xF5,
    RDB_FUNCTION = 0xF6,
    RDB_MODULE_AUX = 0xF7,
    RDB_IDLE = 0xF8,
    RDB_FREQUENCY = 0xF9,
    RDB_AUX = 0xFA,
    RDB_RESIZE = 0xFB,
    RDB_EXPIRE_MS = 0xFC,
    RDB_EXPIRE_S = 0xFD,
    RDB_SELECT = 0xFE,
    RDB_END = 0xFF,

    RDB_OLDEST = 1,
    RDB_NEWEST = 12
};

enum { RDB_NODE_PLAIN = 1, RDB_NODE_PACKED = 2 };

enum { RDB_ELEMENTS = 64 }; /* of a list, pushed at a time */

struct rdb {
    struct aof_reader *reader;
    const char *path;
    const struct aof_sink *sink;
    char *message;
    uint64_t crc;
    uint64_t crc_tables[8][256];
    uint64_t key_offset; /* of the key being read, for messages about it */
    kv_slice key;
    int64_t deadline_ms; /* KV_NEVER if none */
    kv_buffer key_buffer, value_buffer;
};

/* ------------------------------------------------------------------------------------- checksum */

/*
 * CRC-64 "Jones": the polynomial 0xad93d23594c935a9, bits reflected, eight bytes at a time (Intel,
 * 2006).
 */
static void rdb_crc_start(struct rdb *rdb)
{
    const uint64_t reflected = UINT64_C(0x95ac9329ac4bc9b5);
    for (unsigned i = 0; i < 256; i++) {
        uint64_t crc = i;
        for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (crc & 1 ? reflected : 0);
        rdb->crc_tables[0][i] = crc;
    }
    for (int table = 1; table < 8; table++) {
        for (unsigned i = 0; i < 256; i++) {
            uint64_t crc = rdb->crc_tables[table - 1][i];
            rdb->crc_tables[table][i] = (crc >> 8) ^ rdb->crc_tables[0][crc & 0xff];
        }
    }
    rdb->crc = 0;
}

static uint64_t rdb_little_endian(const uint8_t *bytes, int size)
{
    uint64_t value = 0;
    for (int i = size - 1; i >= 0; i--) value = value << 8 | bytes[i];
    return value;
}

static uint64_t rdb_big_endian(const uint8_t *bytes, int size)
{
    uint64_t value = 0;
    for (int i = 0; i < size; i++) value = value << 8 | bytes[i];
    return value;
}

static void rdb_crc_add(struct rdb *rdb, const uint8_t *bytes, size_t size)
{
    uint64_t crc = rdb->crc;
    for (; size >= 8; size -= 8, bytes += 8) {
        crc ^= rdb_little_endian(bytes, 8);
        uint64_t next = 0;
        for (int i = 0; i < 8; i++) next ^= rdb->crc_tables[7 - i][(crc >> 8 * i) & 0xff];
        crc = next;
    }
    for (; size > 0; size--, bytes++) crc = (crc >> 8) ^ rdb->crc_tables[0][(crc ^ *bytes) & 0xff];
    rdb->crc = crc;
}

/* ---------------------------------------------------------------------------- bytes and numbers */

static kv_status rdb_refuse_at(struct rdb *rdb, uint64_t offset, const char *text)
{
    return aof_refuse(rdb->message, rdb->path, offset, "%s", text);
}

static kv_status rdb_refuse(struct rdb *rdb, const char *text)
{
    return rdb_refuse_at(rdb, rdb->reader->offset, text);
}

/* The next `size` bytes, in the reader's buffer: they last until the next call. */
static kv_status rdb_bytes(struct rdb *rdb, uint64_t size, const uint8_t **bytes)
{
    kv_status status = aof_reader_need(rdb->reader, size);
    if (status == KV_NONE) return rdb_refuse(rdb, "the file ends within the RDB part");
    if (status == KV_BADARG) {
        return aof_refuse(rdb->message, rdb->path, rdb->reader->offset, "cannot read: %s",
                          aof_io_explain(rdb->reader->error));
    }
    if (status != KV_OK) return status;
    *bytes = aof_reader_at(rdb->reader);
    rdb_crc_add(rdb, *bytes, (size_t)size);
    aof_reader_consume(rdb->reader, (size_t)size);
    return KV_OK;
}

static kv_status rdb_byte(struct rdb *rdb, uint8_t *byte)
{
    const uint8_t *bytes;
    kv_status status = rdb_bytes(rdb, 1, &bytes);
    if (status == KV_OK) *byte = *bytes;
    return status;
}

/*
 * A length, or in *special how a text is encoded if it is not plain (else -1):
 *
 *     00nnnnnn             n                     11000000   int8 follows
 *     01nnnnnn n(1)        n, 14 bits            11000001   int16
 *     10000000 n(4)        n, big-endian         11000010   int32
 *     10000001 n(8)        n, big-endian         11000011   compressed by LZF
 */
static kv_status rdb_length_or_special(struct rdb *rdb, uint64_t *length, int *special)
{
    uint64_t offset = rdb->reader->offset;
    uint8_t first;
    kv_status status = rdb_byte(rdb, &first);
    if (status != KV_OK) return status;

    const uint8_t *bytes;
    *length = 0;
    *special = -1;
    switch (first >> 6) {
    case 0: *length = first & 0x3f; return KV_OK;
    case 1:
        status = rdb_bytes(rdb, 1, &bytes);
        if (status == KV_OK) *length = (uint64_t)(first & 0x3f) << 8 | *bytes;
        return status;
    case 3: *special = first & 0x3f; return KV_OK;
    default: break;
    }
    int size = first == 0x80 ? 4 : first == 0x81 ? 8 : 0;
    if (size == 0) return rdb_refuse_at(rdb, offset, "an unknown form of length");
    status = rdb_bytes(rdb, (uint64_t)size, &bytes);
    if (status == KV_OK) *length = rdb_big_endian(bytes, size);
    return status;
}

static kv_status rdb_length(struct rdb *rdb, uint64_t *length)
{
    uint64_t offset = rdb->reader->offset;
    int special;
    kv_status status = rdb_length_or_special(rdb, length, &special);
    if (status == KV_OK && special >= 0) {
        return rdb_refuse_at(rdb, offset, "expected a length, found a special encoding");
    }
    return status;
}

/* ---------------------------------------------------------------------------------------- texts */

/*
 * LZF (Marc Lehmann's liblzf): a control byte below 32 starts a run of that many bytes and one; of
 * any other, the upper 3 bits are a length less 2 (7: one more byte adds to it), the lower 5 and
 * the next byte how far back to copy from, less 1. False unless the result has exactly the size
 * announced.
 */
static bool rdb_lzf_expand(const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size)
{
    const uint8_t *in_end = in + in_size;
    uint8_t *start = out, *out_end = out + out_size;
    while (in < in_end) {
        unsigned control = *in++;
        if (control < 32) {
            size_t run = control + 1;
            if ((size_t)(in_end - in) < run || (size_t)(out_end - out) < run) return false;
            memcpy(out, in, run);
            in += run;
            out += run;
        } else {
            size_t run = control >> 5;
            if (run == 7) {
                if (in == in_end) return false;
                run += *in++;
            }
            run += 2;
            if (in == in_end) return false;
            size_t back = ((size_t)(control & 0x1f) << 8) + *in++ + 1;
            if ((size_t)(out - start) < back || (size_t)(out_end - out) < run) return false;
            /* Byte by byte: the two ranges may overlap, and then repeat. */
            for (const uint8_t *from = out - back; run > 0; run--) *out++ = *from++;
        }
    }
    return out == out_end;
}

static kv_status rdb_compressed(struct rdb *rdb, uint64_t offset, kv_buffer *buffer, kv_slice *text)
{
    uint64_t packed_size, size;
    kv_status status = rdb_length(rdb, &packed_size);
    if (status == KV_OK) status = rdb_length(rdb, &size);
    const uint8_t *packed;
    if (status == KV_OK) status = rdb_bytes(rdb, packed_size, &packed);
    if (status != KV_OK) return status;

    /*
     * Three bytes give 264 at the most: a size beyond is a lie, and memory is not asked for on its
     * word.
     */
    if (size / 264 > packed_size || size > SIZE_MAX) {
        return rdb_refuse_at(rdb, offset, "the size of a compressed text is impossible");
    }
    buffer->size = 0;
    status = text_reserve(buffer, (size_t)size + 1); /* not NULL for an empty one */
    if (status != KV_OK) return status;
    if (!rdb_lzf_expand(packed, (size_t)packed_size, buffer->data, (size_t)size)) {
        return rdb_refuse_at(rdb, offset, "a compressed text is damaged");
    }
    buffer->size = (size_t)size;
    *text = text_of_buffer(buffer);
    return KV_OK;
}

/*
 * A text of any encoding. It lies in `buffer`, or in the reader's and then lasts until the next
 * call.
 */
static kv_status rdb_text(struct rdb *rdb, kv_buffer *buffer, kv_slice *text)
{
    uint64_t offset = rdb->reader->offset;
    uint64_t length;
    int special;
    kv_status status = rdb_length_or_special(rdb, &length, &special);
    if (status != KV_OK) return status;

    const uint8_t *bytes;
    if (special < 0) {
        status = rdb_bytes(rdb, length, &bytes);
        if (status == KV_OK) *text = kv_bytes(bytes, (size_t)length);
        return status;
    }
    if (special == 3) return rdb_compressed(rdb, offset, buffer, text);
    if (special > 3) return rdb_refuse_at(rdb, offset, "an unknown encoding of a text");

    int size = 1 << special;
    status = rdb_bytes(rdb, (uint64_t)size, &bytes);
    if (status != KV_OK) return status;
    uint64_t raw = rdb_little_endian(bytes, size);
    int64_t value = special == 0 ? (int8_t)raw : special == 1 ? (int16_t)raw : (int32_t)raw;
    buffer->size = 0;
    status = text_append_integer(buffer, value);
    *text = text_of_buffer(buffer);
    return status;
}

/* ------------------------------------------------------------------------------------- commands */

static kv_status rdb_apply(struct rdb *rdb, const kv_slice *arguments, size_t count)
{
    struct aof_command command = {arguments, count, rdb->key_offset};
    size_t failed = 0;
    char why[AOF_WHY_SIZE] = "";
    kv_status status = rdb->sink->apply(rdb->sink->context, &command, 1, &failed, why);
    if (status == KV_BADARG) return rdb_refuse_at(rdb, rdb->key_offset, why);
    return status;
}

static kv_slice rdb_digits(uint8_t digits[TEXT_INTEGER_SIZE], int64_t value)
{
    return kv_bytes(digits, (size_t)(text_write_integer(digits, value) - digits));
}

static kv_status rdb_load_string(struct rdb *rdb)
{
    kv_slice value;
    kv_status status = rdb_text(rdb, &rdb->value_buffer, &value);
    if (status != KV_OK) return status;

    uint8_t digits[TEXT_INTEGER_SIZE];
    kv_slice arguments[] = {KV_TEXT("SET"), rdb->key, value, KV_TEXT("PXAT"), {NULL, 0}};
    if (rdb->deadline_ms == KV_NEVER) return rdb_apply(rdb, arguments, 3);
    arguments[4] = rdb_digits(digits, rdb->deadline_ms);
    return rdb_apply(rdb, arguments, 5);
}

/* ---------------------------------------------------------------------------------------- lists */

/* Elements on their way to a list; integers are given their text here. */
struct rdb_push {
    struct rdb *rdb;
    size_t count;
    kv_slice arguments[2 + RDB_ELEMENTS];
    uint8_t digits[RDB_ELEMENTS][TEXT_INTEGER_SIZE];
};

static kv_status rdb_push_flush(struct rdb_push *push)
{
    if (push->count == 0) return KV_OK;
    push->arguments[0] = KV_TEXT("RPUSH");
    push->arguments[1] = push->rdb->key;
    kv_status status = rdb_apply(push->rdb, push->arguments, 2 + push->count);
    push->count = 0;
    return status;
}

static kv_status rdb_push_text(struct rdb_push *push, kv_slice element)
{
    push->arguments[2 + push->count++] = element;
    return push->count == RDB_ELEMENTS ? rdb_push_flush(push) : KV_OK;
}

static kv_status rdb_push_integer(struct rdb_push *push, int64_t element)
{
    return rdb_push_text(push, rdb_digits(push->digits[push->count], element));
}

/* A little-endian integer of `size` bytes with its sign. */
static int64_t rdb_signed(const uint8_t *bytes, int size)
{
    uint64_t value = rdb_little_endian(bytes, size);
    uint64_t sign = UINT64_C(1) << (8 * size - 1);
    return (int64_t)((value ^ sign) - sign);
}

/*
 * The elements of a listpack: size(4) count(2) { element back-length } FF. An element is
 *
 *     0nnnnnnn             a number of 7 bits          11110001 n(2)   int16
 *     10nnnnnn             a text of n bytes           11110010 n(3)   int24
 *     110nnnnn n(1)        a signed 13-bit number      11110011 n(4)   int32
 *     1110nnnn n(1)        a text, 12-bit length       11110100 n(8)   int64
 *     11110000 n(4)        a text, 32-bit length
 */
static bool rdb_listpack_element(struct rdb_push *push, const uint8_t **at, const uint8_t *end,
                                 kv_status *status)
{
    const uint8_t *start = *at;
    size_t room = (size_t)(end - start);
    uint8_t first = *start;
    size_t head, body = 0;
    if (first < 0x80) head = 1;
    else if (first < 0xc0) head = 1, body = first & 0x3f;
    else if (first < 0xe0) head = 2;
    else if (first < 0xf0) head = 2;
    else if (first == 0xf0) head = 5;
    else if (first <= 0xf4) head = first == 0xf4 ? 9 : (size_t)(first - 0xf1) + 3;
    else return false;
    if (room < head) return false;
    if (first >= 0xe0 && first < 0xf0) body = (size_t)(first & 0x0f) << 8 | start[1];
    if (first == 0xf0) body = (size_t)rdb_little_endian(start + 1, 4);
    if (room - head < body) return false;

    size_t size = head + body;
    size_t back = size < 128 ? 1 : size < 16384 ? 2 : size < 2097152 ? 3 : size < 268435456 ? 4 : 5;
    if (room - size < back) return false;
    *at = start + size + back;

    bool is_text = (first >= 0x80 && first < 0xc0) || (first >= 0xe0 && first <= 0xf0);
    if (is_text) {
        *status = rdb_push_text(push, kv_bytes(start + head, body));
    } else if (first < 0x80) {
        *status = rdb_push_integer(push, first);
    } else if (first < 0xe0) {
        int64_t value = (int64_t)(first & 0x1f) << 8 | start[1];
        *status = rdb_push_integer(push, value >= 4096 ? value - 8192 : value);
    } else {
        *status = rdb_push_integer(push, rdb_signed(start + 1, (int)head - 1));
    }
    return true;
}

static kv_status rdb_load_listpack(struct rdb_push *push, kv_slice blob, uint64_t offset)
{
    const uint8_t *bytes = blob.data, *end = bytes + blob.size;
    kv_status status = KV_OK;
    bool is_sound = blob.size >= 7 && rdb_little_endian(bytes, 4) == blob.size && end[-1] == 0xff;
    if (is_sound) {
        const uint8_t *at = bytes + 6;
        end--;
        while (at < end && is_sound && status == KV_OK) {
            is_sound = rdb_listpack_element(push, &at, end, &status);
        }
    }
    if (!is_sound) return rdb_refuse_at(push->rdb, offset, "a listpack is damaged");
    return status == KV_OK ? rdb_push_flush(push) : status;
}

/*
 * The elements of a ziplist, the form before Redis 7: size(4) tail(4) count(2) { previous element }
 * FF. previous is one byte, or FE and four. An element is
 *
 *     00nnnnnn             a text of n bytes           C0 n(2)  D0 n(4)  E0 n(8)    integers
 *     01nnnnnn n(1)        a text, 14-bit length       F0 n(3)  FE n(1)             integers
 *     10000000 n(4)        a text, 32-bit length       F1 to FD                     0 to 12
 *
 * where lengths are big-endian and integers little-endian.
 */
static bool rdb_ziplist_element(struct rdb_push *push, const uint8_t **at, const uint8_t *end,
                                kv_status *status)
{
    const uint8_t *in = *at;
    size_t previous = *in == 0xfe ? 5 : 1;
    if (*in == 0xff || (size_t)(end - in) <= previous) return false;
    in += previous;

    size_t room = (size_t)(end - in);
    uint8_t first = *in;
    if (first < 0xc0) {
        size_t head = first < 0x40 ? 1 : first < 0x80 ? 2 : 5;
        if (room < head) return false;
        size_t body = head == 1   ? first
                      : head == 2 ? (size_t)(first & 0x3f) << 8 | in[1]
                                  : (size_t)rdb_big_endian(in + 1, 4);
        if (room - head < body) return false;
        *status = rdb_push_text(push, kv_bytes(in + head, body));
        *at = in + head + body;
        return true;
    }
    if (first >= 0xf1 && first <= 0xfd) {
        *status = rdb_push_integer(push, first - 0xf1);
        *at = in + 1;
        return true;
    }
    int size = first == 0xc0   ? 2
               : first == 0xd0 ? 4
               : first == 0xe0 ? 8
               : first == 0xf0 ? 3
               : first == 0xfe ? 1
                               : 0;
    if (size == 0 || room - 1 < (size_t)size) return false;
    *status = rdb_push_integer(push, rdb_signed(in + 1, size));
    *at = in + 1 + size;
    return true;
}

static kv_status rdb_load_ziplist(struct rdb_push *push, kv_slice blob, uint64_t offset)
{
    const uint8_t *bytes = blob.data, *end = bytes + blob.size;
    kv_status status = KV_OK;
    bool is_sound = blob.size >= 11 && rdb_little_endian(bytes, 4) == blob.size && end[-1] == 0xff;
    if (is_sound) {
        const uint8_t *at = bytes + 10;
        end--;
        while (at < end && is_sound && status == KV_OK) {
            is_sound = rdb_ziplist_element(push, &at, end, &status);
        }
    }
    if (!is_sound) return rdb_refuse_at(push->rdb, offset, "a ziplist is damaged");
    return status == KV_OK ? rdb_push_flush(push) : status;
}

/* One node of a list: a text by itself, or many in a block. */
static kv_status rdb_load_node(struct rdb *rdb, uint8_t type)
{
    struct rdb_push push = {.rdb = rdb};
    uint64_t form = 0, offset = rdb->reader->offset;
    kv_status status = KV_OK;
    if (type == RDB_TYPE_LIST_QUICKLIST2) {
        status = rdb_length(rdb, &form);
        if (status == KV_OK && form != RDB_NODE_PLAIN && form != RDB_NODE_PACKED) {
            return rdb_refuse_at(rdb, offset, "an unknown kind of list node");
        }
        offset = rdb->reader->offset;
    }
    kv_slice blob;
    if (status == KV_OK) status = rdb_text(rdb, &rdb->value_buffer, &blob);
    if (status != KV_OK) return status;

    if (form == RDB_NODE_PACKED) return rdb_load_listpack(&push, blob, offset);
    if (type == RDB_TYPE_LIST_ZIPLIST || type == RDB_TYPE_LIST_QUICKLIST) {
        return rdb_load_ziplist(&push, blob, offset);
    }
    status = rdb_push_text(&push, blob);
    return status == KV_OK ? rdb_push_flush(&push) : status;
}

static kv_status rdb_load_list(struct rdb *rdb, uint8_t type)
{
    uint64_t nodes = 1;
    kv_status status = type == RDB_TYPE_LIST_ZIPLIST ? KV_OK : rdb_length(rdb, &nodes);
    for (; nodes > 0 && status == KV_OK; nodes--) status = rdb_load_node(rdb, type);
    if (status != KV_OK || rdb->deadline_ms == KV_NEVER) return status;

    uint8_t digits[TEXT_INTEGER_SIZE];
    kv_slice arguments[] = {KV_TEXT("PEXPIREAT"), rdb->key, rdb_digits(digits, rdb->deadline_ms)};
    return rdb_apply(rdb, arguments, 3);
}

/* ------------------------------------------------------------------------------------- the file */

static const char *rdb_type_name(uint8_t type)
{
    switch (type) {
    case 2:
    case 11:
    case 20: return "a set";
    case 3:
    case 5:
    case 12:
    case 17: return "a sorted set";
    case 4:
    case 9:
    case 13:
    case 16:
    case 22:
    case 23:
    case 24:
    case 25: return "a hash";
    case 6:
    case 7: return "a value of a module";
    case 15:
    case 19:
    case 21: return "a stream";
    default: return "a value of an unknown type";
    }
}

static kv_status rdb_load_key(struct rdb *rdb, uint8_t type, uint64_t offset)
{
    bool is_list = type == RDB_TYPE_LIST || type == RDB_TYPE_LIST_ZIPLIST ||
                   type == RDB_TYPE_LIST_QUICKLIST || type == RDB_TYPE_LIST_QUICKLIST2;
    if (type != RDB_TYPE_STRING && !is_list) {
        return aof_refuse(rdb->message, rdb->path, offset,
                          "%s (RDB type %u), which this version cannot hold", rdb_type_name(type),
                          (unsigned)type);
    }
    rdb->key_offset = offset;
    kv_slice key;
    kv_status status = rdb_text(rdb, &rdb->value_buffer, &key);
    if (status != KV_OK) return status;
    /* Kept: the value will take its place in the buffers. */
    rdb->key_buffer.size = 0;
    status = text_append(&rdb->key_buffer, key);
    if (status != KV_OK) return status;
    rdb->key = text_of_buffer(&rdb->key_buffer);
    return is_list ? rdb_load_list(rdb, type) : rdb_load_string(rdb);
}

static kv_status rdb_load_deadline(struct rdb *rdb, uint8_t opcode)
{
    const uint8_t *bytes;
    int size = opcode == RDB_EXPIRE_MS ? 8 : 4;
    kv_status status = rdb_bytes(rdb, (uint64_t)size, &bytes);
    if (status != KV_OK) return status;
    int64_t deadline = rdb_signed(bytes, size);
    if (opcode == RDB_EXPIRE_S) deadline *= 1000;
    /* SET takes no instant before 1 ms; what expired before that expired all the same. */
    rdb->deadline_ms = deadline < 1 ? 1 : deadline;
    return KV_OK;
}

static kv_status rdb_select(struct rdb *rdb, uint64_t offset)
{
    uint64_t database;
    kv_status status = rdb_length(rdb, &database);
    if (status != KV_OK) return status;
    if (database > INT64_MAX) return rdb_refuse_at(rdb, offset, "an impossible database");
    uint8_t digits[TEXT_INTEGER_SIZE];
    kv_slice arguments[] = {KV_TEXT("SELECT"), rdb_digits(digits, (int64_t)database)};
    rdb->key_offset = offset;
    return rdb_apply(rdb, arguments, 2);
}

/* Goes past what says nothing about keys. KV_SKIPPED if the opcode is none of these. */
static kv_status rdb_pass_over(struct rdb *rdb, uint8_t opcode)
{
    kv_slice text;
    uint64_t length;
    uint8_t byte;
    kv_status status;
    switch (opcode) {
    case RDB_AUX:
        status = rdb_text(rdb, &rdb->value_buffer, &text);
        return status == KV_OK ? rdb_text(rdb, &rdb->value_buffer, &text) : status;
    case RDB_RESIZE:
        status = rdb_length(rdb, &length);
        return status == KV_OK ? rdb_length(rdb, &length) : status;
    case RDB_SLOT_INFO:
        status = rdb_length(rdb, &length);
        if (status == KV_OK) status = rdb_length(rdb, &length);
        return status == KV_OK ? rdb_length(rdb, &length) : status;
    case RDB_IDLE: return rdb_length(rdb, &length);
    case RDB_FREQUENCY: return rdb_byte(rdb, &byte);
    default: return KV_SKIPPED;
    }
}

static kv_status rdb_load_part(struct rdb *rdb, uint8_t opcode, uint64_t offset, uint64_t *keys)
{
    kv_status status = rdb_pass_over(rdb, opcode);
    if (status != KV_SKIPPED) return status;

    switch (opcode) {
    case RDB_SELECT: return rdb_select(rdb, offset);
    case RDB_EXPIRE_MS:
    case RDB_EXPIRE_S: return rdb_load_deadline(rdb, opcode);
    case RDB_FUNCTION:
    case RDB_FUNCTION2:
        return rdb_refuse_at(rdb, offset, "a library of functions, which this version cannot hold");
    case RDB_MODULE_AUX:
        return rdb_refuse_at(rdb, offset, "data of a module, which this version cannot hold");
    default: break;
    }
    status = rdb_load_key(rdb, opcode, offset);
    rdb->deadline_ms = KV_NEVER;
    ++*keys;
    return status;
}

static kv_status rdb_check_sum(struct rdb *rdb, int version)
{
    if (version < 5) return KV_OK;
    uint64_t computed = rdb->crc, offset = rdb->reader->offset;
    const uint8_t *bytes;
    kv_status status = rdb_bytes(rdb, 8, &bytes);
    if (status != KV_OK) return status;
    uint64_t stored = rdb_little_endian(bytes, 8);
    if (stored == 0 || stored == computed) return KV_OK; /* 0: written with rdbchecksum no */
    return aof_refuse(rdb->message, rdb->path, offset,
                      "the checksum of the RDB part is %016llx, expected %016llx",
                      (unsigned long long)computed, (unsigned long long)stored);
}

static kv_status rdb_read_version(struct rdb *rdb, int *version)
{
    const uint8_t *bytes;
    kv_status status = rdb_bytes(rdb, 9, &bytes);
    if (status != KV_OK) return status;
    *version = 0;
    for (int i = 5; i < 9; i++) {
        if (bytes[i] < '0' || bytes[i] > '9') *version = 100000;
        else *version = 10 * *version + bytes[i] - '0';
    }
    if (*version >= RDB_OLDEST && *version <= RDB_NEWEST) return KV_OK;
    return aof_refuse(rdb->message, rdb->path, rdb->reader->offset - 4,
                      "expected a version of RDB from %04d to %04d", RDB_OLDEST, RDB_NEWEST);
}

bool aof_rdb_is_there(struct aof_reader *reader)
{
    return aof_reader_need(reader, 5) == KV_OK && memcmp(aof_reader_at(reader), "REDIS", 5) == 0;
}

kv_status aof_rdb_load(struct aof_reader *reader, const char *path, const struct aof_sink *sink,
                       void (*progress)(void *context), void *progress_context, uint64_t *keys,
                       char message[AOF_MESSAGE_SIZE])
{
    struct rdb *rdb = calloc(1, sizeof *rdb);
    if (rdb == NULL) return KV_NOMEM;
    rdb->reader = reader;
    rdb->path = path;
    rdb->sink = sink;
    rdb->message = message;
    rdb->deadline_ms = KV_NEVER;
    rdb_crc_start(rdb);

    int version;
    kv_status status = rdb_read_version(rdb, &version);
    while (status == KV_OK) {
        uint64_t offset = reader->offset;
        uint8_t opcode;
        status = rdb_byte(rdb, &opcode);
        if (status == KV_OK && opcode == RDB_END) {
            status = rdb_check_sum(rdb, version);
            break;
        }
        if (status == KV_OK) status = rdb_load_part(rdb, opcode, offset, keys);
        if (progress != NULL) progress(progress_context);
    }
    kv_buffer_free(&rdb->key_buffer);
    kv_buffer_free(&rdb->value_buffer);
    free(rdb);
    return status;
}
