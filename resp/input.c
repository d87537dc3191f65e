/*
 * resp/input.c -- what a client has sent and nobody has executed yet.
 */
#include "resp/input.h"

#include <stdlib.h>

enum {
    INPUT_ROOM_MIN = 4 * 1024,   /* less is not worth a system call */
    INPUT_RESIDUE_MAX = 4 * 1024 /* part of a request for which a block is not kept */
};

/* Exchanges the memory for `capacity` bytes, what is there moving to the front. */
static kv_status input_move(struct input *input, struct pool *pool, unsigned slot, size_t capacity)
{
    size_t kept = input_size(input);
    uint8_t *bytes =
        capacity == INPUT_BLOCK_CAPACITY ? pool_take(pool, slot) : malloc(capacity + PARSER_SLACK);
    if (bytes == NULL) return KV_NOMEM;
    if (kept > 0) memcpy(bytes, input->bytes + input->start, kept);
    if (input->capacity == INPUT_BLOCK_CAPACITY) pool_give(pool, slot, input->bytes);
    else free(input->bytes);
    *input = (struct input){.bytes = bytes, .end = kept, .capacity = capacity};
    input_add(input, 0);
    return KV_OK;
}

static void input_move_to_front(struct input *input)
{
    if (input->start == 0) return;
    memmove(input->bytes, input->bytes + input->start, input_size(input) + PARSER_SLACK);
    input->end -= input->start;
    input->start = 0;
}

static kv_status input_grow(struct input *input, size_t capacity)
{
    uint8_t *bytes = realloc(input->bytes, capacity + PARSER_SLACK);
    if (bytes == NULL) return KV_NOMEM;
    input->bytes = bytes;
    input->capacity = capacity;
    return KV_OK;
}

kv_status input_make_room(struct input *input, struct pool *pool, unsigned slot, size_t wanted)
{
    if (input->capacity < INPUT_BLOCK_CAPACITY) {
        kv_status status = input_move(input, pool, slot, INPUT_BLOCK_CAPACITY);
        if (status != KV_OK) return status;
    }

    /* Room for what is wanted, but no more than has come already, or a block. */
    size_t size = input_size(input);
    size_t room = wanted > size ? wanted - size : 0;
    size_t limit = size > INPUT_BLOCK_CAPACITY ? size : INPUT_BLOCK_CAPACITY;
    if (room > limit) room = limit;
    if (room < INPUT_ROOM_MIN) room = INPUT_ROOM_MIN;

    /*
     * What is left of an earlier growth is used up first, or each read would grow the block a
     * little.
     */
    if (input->capacity - input->end >= INPUT_ROOM_MIN) return KV_OK;
    input_move_to_front(input);
    if (input->capacity - input->end >= INPUT_ROOM_MIN) return KV_OK;
    return input_grow(input, input->end + room);
}

void input_settle(struct input *input, struct pool *pool, unsigned slot)
{
    size_t size = input_size(input);
    if (input->bytes == NULL) return;
    if (size == 0) {
        if (input->capacity == INPUT_BLOCK_CAPACITY) pool_give(pool, slot, input->bytes);
        else free(input->bytes);
        *input = (struct input){0};
    } else if (size <= INPUT_RESIDUE_MAX && input->capacity >= INPUT_BLOCK_CAPACITY) {
        (void)input_move(input, pool, slot,
                         size); /* without memory for a small copy the block stays */
    }
}

void input_free(struct input *input)
{
    free(input->bytes);
    *input = (struct input){0};
}
