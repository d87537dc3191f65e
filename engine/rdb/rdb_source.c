/*
 * rdb/rdb_source.c -- see rdb_source.h.
 */
#include "rdb/rdb_source.h"

#include "base/bytes.h"
#include "base/lzf.h"

KV_INTERNAL bool rdb_read_bytes(struct rdb_source *source, uint64_t size, kv_slice *bytes)
{
    if (size > rdb_left(source)) return false;
    *bytes = kv_bytes(source->at, (size_t)size);
    source->at += size;
    return true;
}

KV_INTERNAL bool rdb_read_byte(struct rdb_source *source, uint8_t *byte)
{
    if (rdb_left(source) == 0) return false;
    *byte = *source->at++;
    return true;
}

KV_INTERNAL bool rdb_read_64(struct rdb_source *source, uint64_t *number)
{
    kv_slice bytes;
    if (!rdb_read_bytes(source, 8, &bytes)) return false;
    *number = bytes_load64(bytes.data);
    return true;
}

KV_INTERNAL bool rdb_read_double(struct rdb_source *source, double *number)
{
    uint64_t bits;
    if (!rdb_read_64(source, &bits)) return false;
    memcpy(number, &bits, sizeof *number);
    return true;
}

/* -------------------------------------------------------------------------------------- lengths */

/* How a text is kept that is not plain. */
enum rdb_special { RDB_PLAIN = -1, RDB_INT8 = 0, RDB_INT16 = 1, RDB_INT32 = 2, RDB_LZF = 3 };

static bool rdb_read_big_endian(struct rdb_source *source, size_t size, uint64_t *number)
{
    kv_slice bytes;
    if (!rdb_read_bytes(source, size, &bytes)) return false;
    *number = 0;
    for (size_t i = 0; i < size; i++) *number = *number << 8 | ((const uint8_t *)bytes.data)[i];
    return true;
}

/* A length, or what stands in its place for a text. */
static bool rdb_read_head(struct rdb_source *source, uint64_t *length, int *special)
{
    uint8_t first, second;
    *special = RDB_PLAIN;
    if (!rdb_read_byte(source, &first)) return false;
    switch (first >> 6) {
    case 0: *length = first; return true;
    case 1:
        if (!rdb_read_byte(source, &second)) return false;
        *length = (uint64_t)(first & 0x3f) << 8 | second;
        return true;
    case 2:
        if (first != 0x80 && first != 0x81) return false;
        return rdb_read_big_endian(source, first == 0x80 ? 4 : 8, length);
    default: *special = first & 0x3f; return *special <= RDB_LZF;
    }
}

KV_INTERNAL bool rdb_read_length(struct rdb_source *source, uint64_t *length)
{
    int special;
    return rdb_read_head(source, length, &special) && special == RDB_PLAIN;
}

KV_INTERNAL bool rdb_read_count(struct rdb_source *source, size_t size, uint64_t *count)
{
    return rdb_read_length(source, count) && *count <= rdb_left(source) / size;
}

/* ---------------------------------------------------------------------------------------- texts */

static kv_status rdb_read_integer(struct rdb_source *source, int special, struct rdb_text *text)
{
    kv_slice bytes;
    if (!rdb_read_bytes(source, (uint64_t)1 << special, &bytes)) return KV_CORRUPT;
    const uint8_t *at = bytes.data;
    int64_t integer = special == RDB_INT8    ? (int8_t)at[0]
                      : special == RDB_INT16 ? (int16_t)bytes_load16(at)
                                             : (int32_t)bytes_load32(at);
    text->bytes = kv_bytes(text->digits, number_format_int64(text->digits, integer));
    return KV_OK;
}

static kv_status rdb_read_compressed(struct rdb_source *source, struct rdb_text *text)
{
    uint64_t packed_size, size;
    kv_slice packed;
    if (!rdb_read_length(source, &packed_size) || !rdb_read_length(source, &size) ||
        !rdb_read_bytes(source, packed_size, &packed))
        return KV_CORRUPT;
    if (size == 0 || size / LZF_RATIO_MAX > packed_size) return KV_CORRUPT;
    if (size > source->text_max) return KV_TOOBIG;
    uint8_t *block = alloc_get(source->alloc, (size_t)size);
    if (block == NULL) return KV_NOMEM;
    if (!lzf_expand(packed, block, (size_t)size)) {
        alloc_free(source->alloc, block, (size_t)size);
        return KV_CORRUPT;
    }
    text->block = block;
    text->bytes = kv_bytes(block, (size_t)size);
    return KV_OK;
}

KV_INTERNAL kv_status rdb_read_text(struct rdb_source *source, struct rdb_text *text)
{
    uint64_t length;
    int special;
    text->block = NULL;
    if (!rdb_read_head(source, &length, &special)) return KV_CORRUPT;
    if (special == RDB_LZF) return rdb_read_compressed(source, text);
    if (special != RDB_PLAIN) return rdb_read_integer(source, special, text);
    return rdb_read_bytes(source, length, &text->bytes) ? KV_OK : KV_CORRUPT;
}

KV_INTERNAL void rdb_text_free(struct rdb_source *source, struct rdb_text *text)
{
    alloc_free(source->alloc, text->block, text->bytes.size);
    text->block = NULL;
    text->bytes = (kv_slice){0};
}
