/*
 * base/buffer.h -- writing into a caller's kv_buffer.
 *
 * A kv_buffer belongs to the caller and outlives any store, so it lives on malloc, not on a store's
 * allocator; kv_buffer_free() is public (kvstore.h). Whatever fails leaves the buffer as it was.
 */
#ifndef KV_BASE_BUFFER_H
#define KV_BASE_BUFFER_H

#include "base/attributes.h"

#include "kvstore.h"

/* Makes room for `capacity` bytes in all, at least; contents and size stay. KV_OK or KV_NOMEM. */
KV_INTERNAL kv_status buffer_reserve(kv_buffer *buffer, size_t capacity);

/* Replaces the contents by `bytes`, which may lie in the buffer itself. KV_OK or KV_NOMEM. */
KV_INTERNAL kv_status buffer_set(kv_buffer *buffer, kv_slice bytes);

#endif
