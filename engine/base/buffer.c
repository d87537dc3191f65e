/*
 * base/buffer.c -- a caller's kv_buffer grows by half at least, so that one in use soon fits all.
 */
#include "base/buffer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* One small allocation serves numbers and most keys. */
enum { BUFFER_FIRST_CAPACITY = 64 };

KV_INTERNAL kv_status buffer_reserve(kv_buffer *buffer, size_t capacity)
{
    assert(buffer->size <= buffer->capacity);
    if (capacity <= buffer->capacity) return KV_OK;
    if (capacity > PTRDIFF_MAX) return KV_NOMEM; /* no object is larger */

    size_t grown = buffer->capacity + buffer->capacity / 2; /* cannot wrap: see above */
    if (grown < BUFFER_FIRST_CAPACITY) grown = BUFFER_FIRST_CAPACITY;
    if (grown < capacity) grown = capacity;

    void *data = realloc(buffer->data, grown);
    if (data == NULL && grown > capacity) data = realloc(buffer->data, grown = capacity);
    if (data == NULL) return KV_NOMEM;
    buffer->data = data;
    buffer->capacity = grown;
    return KV_OK;
}

/* What lies in the buffer needs no growth, so reserving never moves `bytes` away. */
KV_INTERNAL kv_status buffer_set(kv_buffer *buffer, kv_slice bytes)
{
    kv_status status = buffer_reserve(buffer, bytes.size);
    if (status != KV_OK) return status;
    if (bytes.size != 0) memmove(buffer->data, bytes.data, bytes.size);
    buffer->size = bytes.size;
    return KV_OK;
}

void kv_buffer_free(kv_buffer *buffer)
{
    if (buffer == NULL) return;
    free(buffer->data);
    *buffer = (kv_buffer){0};
}
