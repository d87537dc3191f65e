/*
 * resp/blocks.h -- bytes with positions in a chain of blocks, which grows at one end and is let go
 * of at the other.
 *
 *     [ start, size of capacity ][ start, ... ][ start, ... ]
 *       first                                    last
 *
 * A position is the number of bytes before it. Locks, spare blocks and limits are their owner's.
 */
#ifndef KV_RESP_BLOCKS_H
#define KV_RESP_BLOCKS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct block {
    struct block *next;
    uint64_t start; /* position of the first byte */
    size_t size, capacity;
    unsigned pins; /* those who read it, as its owner counts them */
    uint8_t bytes[];
};

struct blocks {
    struct block *first, *last;
    uint64_t capacity; /* of all of them together */
};

/* An empty block of no chain; NULL: out of memory. */
struct block *block_create(size_t capacity);

/* Frees a block and those behind it; NULL: none. */
void block_free_all(struct block *block);

/* The position behind its last byte. */
static inline uint64_t block_end(const struct block *block)
{
    return block->start + block->size;
}

static inline size_t block_room(const struct block *block)
{
    return block->capacity - block->size;
}

void blocks_link(struct blocks *blocks, struct block *block, uint64_t start);

/* Takes the first one out of the chain; there is one. */
struct block *blocks_unlink_first(struct blocks *blocks);

/* Copies to the last block, which there is, what it has room for; gives how much that was. */
static inline size_t blocks_copy(struct blocks *blocks, const uint8_t *bytes, size_t size)
{
    struct block *last = blocks->last;
    size_t room = block_room(last);
    size_t part = size < room ? size : room;
    memcpy(last->bytes + last->size, bytes, part);
    last->size += part;
    return part;
}

#endif
