/*
 * resp/blocks.c -- see blocks.h.
 */
#include "resp/blocks.h"

#include <stdlib.h>

struct block *block_create(size_t capacity)
{
    if (capacity > SIZE_MAX - sizeof(struct block)) return NULL;
    struct block *block = malloc(sizeof *block + capacity);
    if (block == NULL) return NULL;
    *block = (struct block){.capacity = capacity};
    return block;
}

void block_free_all(struct block *block)
{
    while (block != NULL) {
        struct block *next = block->next;
        free(block);
        block = next;
    }
}

void blocks_link(struct blocks *blocks, struct block *block, uint64_t start)
{
    block->next = NULL;
    block->start = start;
    if (blocks->last != NULL) blocks->last->next = block;
    else blocks->first = block;
    blocks->last = block;
    blocks->capacity += block->capacity;
}

struct block *blocks_unlink_first(struct blocks *blocks)
{
    struct block *block = blocks->first;
    blocks->first = block->next;
    if (blocks->first == NULL) blocks->last = NULL;
    blocks->capacity -= block->capacity;
    block->next = NULL;
    return block;
}
