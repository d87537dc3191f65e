/*
 * structures/grace.h -- memory that a reader without a lock may still be looking at.
 *
 * A prefetch walks directories and buckets without the shard's lock: what it reads is only used as
 * an address to prefetch, so it may be out of date, but it must still be mapped. A reader therefore
 * brackets its walk with grace_enter() and grace_leave(), and whoever takes a directory or a
 * segment out of use gives it to grace_retire(), which frees it once every reader that could have
 * seen it has left. Two generations of readers are counted; a block waits for the generation that
 * was current when it was retired.
 *
 * Source: the epoch scheme of Fraser, Practical Lock-Freedom (2004), section 5.2.3, cut down to two
 * counters.
 */
#ifndef KV_STRUCTURES_GRACE_H
#define KV_STRUCTURES_GRACE_H

#include "base/lines.h"
#include "base/lock.h"

struct grace_block;

struct grace {
    _Atomic uint32_t generation;
    _Atomic uint32_t readers[2]; /* of the even and the odd generations */
    struct lock lock;            /* guards what follows */
    struct lines *lines;
    struct grace_block *retired[2]; /* what waits for the readers of a generation to leave */
};

KV_INTERNAL void grace_init(struct grace *grace, struct lines *lines);

/* Frees all that waits; no reader may be inside. */
KV_INTERNAL void grace_destroy(struct grace *grace);

/*
 * Brackets a walk without locks. The ticket goes from one to the other. Two atomic additions
 * together.
 */
static inline uint32_t grace_enter(struct grace *grace)
{
    for (;;) {
        uint32_t generation = atomic_load(&grace->generation);
        atomic_fetch_add(&grace->readers[generation & 1], 1);
        if (atomic_load(&grace->generation) == generation) return generation & 1;
        /* it changed under us: count in the new one */
        atomic_fetch_sub(&grace->readers[generation & 1], 1);
    }
}

static inline void grace_leave(struct grace *grace, uint32_t ticket)
{
    atomic_fetch_sub_explicit(&grace->readers[ticket], 1, memory_order_release);
}

/*
 * Puts a block of lines_get() back that is already unreachable for new readers: at once if nobody
 * reads, else later. Overwrites its first bytes.
 */
KV_INTERNAL void grace_retire(struct grace *grace, void *block, size_t count, bool is_of_strip);

/*
 * Frees what no reader can see any more. Called now and then (kv_tick), and by each grace_retire().
 */
KV_INTERNAL void grace_collect(struct grace *grace);

#endif
