/*
 * resp/input.h -- what a client has sent and nobody has executed yet.
 *
 *     bytes  |  executed  |  requests  |  room  |  slack
 *            0          start         end    capacity
 *
 * The memory follows what is announced, but not faster than the client makes good on it: an
 * announced bulk of 512 MiB gets room for as much again as has come, so that a liar costs little
 * and an honest value is moved a logarithmic number of times, which for large blocks is the
 * kernel's remapping.
 */
#ifndef KV_RESP_INPUT_H
#define KV_RESP_INPUT_H

#include "resp/parser.h"
#include "resp/pool.h"

struct input {
    uint8_t *bytes;
    size_t start, end, capacity; /* the slack comes after capacity */
};

enum { INPUT_BLOCK_CAPACITY = POOL_BLOCK_SIZE - PARSER_SLACK };

static inline size_t input_size(const struct input *input)
{
    return input->end - input->start;
}

/*
 * Makes room after `end`. `wanted` is the size in all of the request at `start`, 0 if not known.
 * KV_OK or KV_NOMEM.
 */
kv_status input_make_room(struct input *input, struct pool *pool, unsigned slot, size_t wanted);

/* Says that `size` bytes were put there. */
static inline void input_add(struct input *input, size_t size)
{
    input->end += size;
    memset(input->bytes + input->end, 0, PARSER_SLACK);
}

/* Gives back memory that what is left does not need: all of a block if nothing is left. */
void input_settle(struct input *input, struct pool *pool, unsigned slot);

void input_free(struct input *input);

#endif
