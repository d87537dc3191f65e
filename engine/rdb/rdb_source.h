/*
 * rdb/rdb_source.h -- reading lengths, texts and numbers of the RDB format (rdb_format.h).
 *
 * Nothing is read beyond the end, and no size is believed before the bytes for it are there: of a
 * compressed text, as many as could expand to it. So what is damaged costs no memory.
 *
 * A bool is false, and a status KV_CORRUPT, for bytes that are not in the format.
 */
#ifndef KV_RDB_RDB_SOURCE_H
#define KV_RDB_RDB_SOURCE_H

#include "base/alloc.h"
#include "base/attributes.h"
#include "base/number.h"

#include "kvstore.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rdb_source {
    const uint8_t *at, *end;
    struct alloc *alloc; /* for texts that are compressed */
    size_t text_max;     /* the longest of these that is expanded; a longer one is KV_TOOBIG */
};

/*
 * A text that was read: lent from the source, or in its digits, or in a block. It must stay where
 * it is. {0} is none, and so it is after rdb_text_free().
 */
struct rdb_text {
    kv_slice bytes;
    void *block; /* of bytes.size bytes, or NULL */
    char digits[NUMBER_INT64_SIZE];
};

static inline size_t rdb_left(const struct rdb_source *source)
{
    return (size_t)(source->end - source->at);
}

KV_INTERNAL bool rdb_read_bytes(struct rdb_source *source, uint64_t size, kv_slice *bytes);

KV_INTERNAL bool rdb_read_byte(struct rdb_source *source, uint8_t *byte);

/* A little-endian number of 8 bytes, and a double of the same form. */
KV_INTERNAL bool rdb_read_64(struct rdb_source *source, uint64_t *number);
KV_INTERNAL bool rdb_read_double(struct rdb_source *source, double *number);

KV_INTERNAL bool rdb_read_length(struct rdb_source *source, uint64_t *length);

/*
 * The same of how many things follow that take `size` bytes each at least: false, too, if there
 * cannot be so many.
 */
KV_INTERNAL bool rdb_read_count(struct rdb_source *source, size_t size, uint64_t *count);

/* KV_OK, KV_CORRUPT, KV_TOOBIG, KV_NOMEM; unless KV_OK it needs no freeing. */
KV_INTERNAL kv_status rdb_read_text(struct rdb_source *source, struct rdb_text *text);

/* Frees what the text needed. */
KV_INTERNAL void rdb_text_free(struct rdb_source *source, struct rdb_text *text);

#endif
