/*
 * base/lock.h -- the lock of a shard: one word, adaptive.
 *
 * It is held for a fraction of a microsecond (a lookup, a copy), so whoever waits first spins for
 * about as long, then gives the processor away, then sleeps with growing naps of at most 1 ms.
 *
 * Rejected: pthread_mutex (40 bytes, a call each way, and its unlock must be an atomic exchange to
 * learn of waiters); a futex (Linux only, and the same exchange). Here locking is one exchange and
 * unlocking a plain release store, 4 bytes, on any C11 host. The price: no fairness, no priority
 * inheritance, and a waiter behind a long holder may sleep up to 1 ms too long. Nobody holds a
 * shard's lock across a system call, so this happens only when the holder itself was preempted.
 */
#ifndef KV_BASE_LOCK_H
#define KV_BASE_LOCK_H

#include "base/attributes.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct lock {
    _Atomic uint32_t held; /* 0 or 1; all zero bytes is an unlocked lock */
};

static inline void lock_init(struct lock *lock)
{
    atomic_init(&lock->held, 0);
}

/* Takes the lock if it is free; never waits. */
static inline bool lock_try(struct lock *lock)
{
    return atomic_load_explicit(&lock->held, memory_order_relaxed) == 0 &&
           atomic_exchange_explicit(&lock->held, 1, memory_order_acquire) == 0;
}

/* Waits for a lock that lock_lock() found taken; returns holding it. */
KV_INTERNAL void lock_wait(struct lock *lock);

/* Takes the lock, waiting for it. Not recursive. */
static inline void lock_lock(struct lock *lock)
{
    if (KV_UNLIKELY(atomic_exchange_explicit(&lock->held, 1, memory_order_acquire) != 0)) {
        lock_wait(lock);
    }
}

static inline void lock_unlock(struct lock *lock)
{
    assert(atomic_load_explicit(&lock->held, memory_order_relaxed) == 1);
    atomic_store_explicit(&lock->held, 0, memory_order_release);
}

/* True if somebody holds it: for asserts of "the caller holds the lock". */
KV_UNUSED static inline bool lock_is_held(const struct lock *lock)
{
    return atomic_load_explicit(&lock->held, memory_order_relaxed) != 0;
}

#endif
