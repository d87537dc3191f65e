/*
 * resp/pool.c -- spare blocks for input and output.
 */
#include "resp/pool.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    POOL_SPINS = 64,      /* about as long as the lock is held */
    POOL_YIELDS = 16,     /* the holder is waiting for a processor */
    POOL_NAP_NS = 1000000 /* the machine is overloaded, and those who wait must not add to it */
};

void pool_open(struct pool *pool)
{
    memset(pool, 0, sizeof *pool);
    for (int i = 0; i < POOL_SLOTS; i++) atomic_flag_clear(&pool->slots[i].is_locked);
}

void pool_close(struct pool *pool)
{
    for (int i = 0; i < POOL_SLOTS; i++) {
        for (void *block = pool->slots[i].first; block != NULL;) {
            void *next;
            memcpy(&next, block, sizeof next);
            free(block);
            block = next;
        }
    }
}

/*
 * A few instructions are done under the lock, so that a short look again is mostly enough. A holder
 * that takes longer was preempted: it is given the processor, and at last time.
 */
static void pool_wait(unsigned looks)
{
    if (looks < POOL_SPINS) return;
    if (looks < POOL_SPINS + POOL_YIELDS) sched_yield();
    else nanosleep(&(struct timespec){.tv_nsec = POOL_NAP_NS}, NULL);
}

static struct pool_slot *pool_lock(struct pool *pool, unsigned slot)
{
    struct pool_slot *locked = &pool->slots[slot % POOL_SLOTS];
    for (unsigned looks = 0;
         atomic_flag_test_and_set_explicit(&locked->is_locked, memory_order_acquire); looks++)
        pool_wait(looks);
    return locked;
}

static void pool_unlock(struct pool_slot *slot)
{
    atomic_flag_clear_explicit(&slot->is_locked, memory_order_release);
}

void *pool_take(struct pool *pool, unsigned slot)
{
    struct pool_slot *mine = pool_lock(pool, slot);
    void *block = mine->first;
    if (block != NULL) {
        memcpy(&mine->first, block, sizeof mine->first);
        mine->count--;
    }
    pool_unlock(mine);
    return block != NULL ? block : malloc(POOL_BLOCK_SIZE);
}

void pool_give(struct pool *pool, unsigned slot, void *block)
{
    struct pool_slot *mine = pool_lock(pool, slot);
    if (mine->count < POOL_SPARES) {
        memcpy(block, &mine->first, sizeof mine->first);
        mine->first = block;
        mine->count++;
        block = NULL;
    }
    pool_unlock(mine);
    free(block);
}
