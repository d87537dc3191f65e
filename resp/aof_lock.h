/*
 * resp/aof_lock.h -- a lock that is held for some tens of nanoseconds: one exchange to take it, one
 * plain store to let go of it.
 *
 * Every change of the store takes it, just after it wrote to memory that is rarely in the cache. An
 * atomic exchange waits for those writes, so a second one, which a mutex needs to unlock, would
 * nearly double the cost of the journal. Waiters spin, give the processor away, then sleep.
 */
#ifndef KV_RESP_AOF_LOCK_H
#define KV_RESP_AOF_LOCK_H

#include <sched.h>
#include <stdatomic.h>
#include <time.h>

struct aof_lock {
    _Atomic unsigned held;
};

static inline void aof_lock_wait(struct aof_lock *lock)
{
    enum { SPINS = 200, YIELDS = 20, NAP_NS = 50000 };
    for (int tries = 0;; tries++) {
        if (atomic_load_explicit(&lock->held, memory_order_relaxed) == 0 &&
            atomic_exchange_explicit(&lock->held, 1, memory_order_acquire) == 0) {
            return;
        }
        if (tries < SPINS) continue;
        if (tries < SPINS + YIELDS) {
            sched_yield();
        } else {
            /* The holder is not running: do not keep it from it. */
            struct timespec nap = {.tv_nsec = NAP_NS};
            nanosleep(&nap, NULL);
        }
    }
}

static inline void aof_lock_take(struct aof_lock *lock)
{
    if (atomic_exchange_explicit(&lock->held, 1, memory_order_acquire) != 0) aof_lock_wait(lock);
}

static inline void aof_lock_release(struct aof_lock *lock)
{
    atomic_store_explicit(&lock->held, 0, memory_order_release);
}

#endif
