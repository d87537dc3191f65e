/*
 * rdb/rdb_sink.h -- writing lengths, texts and numbers of the RDB format (rdb_format.h).
 *
 * The bytes go behind what is in a caller's buffer already, whose size stays until
 * rdb_sink_close() puts them in its place: so a failure leaves it as it was. Once memory is short
 * nothing more is written, and the close tells.
 */
#ifndef KV_RDB_RDB_SINK_H
#define KV_RDB_RDB_SINK_H

#include "base/alloc.h"
#include "base/attributes.h"

#include "kvstore.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rdb_sink {
    kv_buffer *buffer;
    struct alloc *alloc;  /* whose memory the buffer is; NULL: a caller's */
    size_t size;          /* written so far */
    kv_status status;     /* KV_OK or KV_NOMEM */
    bool is_uncompressed; /* texts are not tried */
};

KV_INTERNAL void rdb_sink_open(struct rdb_sink *sink, kv_buffer *buffer);

/* The same with a buffer of the store's, whose memory is freed by alloc_free(). */
KV_INTERNAL void rdb_sink_open_within(struct rdb_sink *sink, kv_buffer *buffer,
                                      struct alloc *alloc);

/* What was written so far, lent until more is. */
KV_INTERNAL kv_slice rdb_sink_bytes(const struct rdb_sink *sink);

/* Makes what was written the buffer's contents. KV_OK; KV_NOMEM, and they are as they were. */
KV_INTERNAL kv_status rdb_sink_close(struct rdb_sink *sink);

/* The same, behind what is in the buffer. */
KV_INTERNAL kv_status rdb_sink_append(struct rdb_sink *sink);

KV_INTERNAL void rdb_write_bytes(struct rdb_sink *sink, kv_slice bytes);
KV_INTERNAL void rdb_write_byte(struct rdb_sink *sink, uint8_t byte);

/* Little-endian numbers, and a double as one. */
KV_INTERNAL void rdb_write_16(struct rdb_sink *sink, uint16_t number);
KV_INTERNAL void rdb_write_64(struct rdb_sink *sink, uint64_t number);
KV_INTERNAL void rdb_write_double(struct rdb_sink *sink, double number);

KV_INTERNAL void rdb_write_length(struct rdb_sink *sink, uint64_t length);
KV_INTERNAL size_t rdb_length_size(uint64_t length); /* as written */

/* A text as it is, and its size as written. */
KV_INTERNAL void rdb_write_plain(struct rdb_sink *sink, kv_slice text);
KV_INTERNAL size_t rdb_plain_size(kv_slice text);

/*
 * A text in the shortest of the forms that there are: as an integer of up to 32 bits if it is the
 * text of one, compressed if it is longer than 20 bytes and that makes it shorter, or plain.
 */
KV_INTERNAL void rdb_write_text(struct rdb_sink *sink, kv_slice text);

#endif
