/*
 * base/lock.c -- waiting for a taken lock: spin, yield, sleep.
 *
 * The spin lasts about as long as a lock is usually held, 0.5 to 1 us: on an uncontended machine
 * the holder is running and will be done. If it is not done by then it was probably preempted, so
 * the processor is offered to it; and if that does not help either, the machine is overloaded and
 * waiters must not add to it.
 */
#include "base/lock.h"

#include <sched.h>
#include <time.h>

enum {
    LOCK_SPINS = 64,          /* pauses of 10-40 ns, or as many loads */
    LOCK_YIELDS = 16,         /* of 0.2-0.5 us when nobody else wants to run */
    LOCK_NAP_FIRST_NS = 2000, /* Linux adds about 50 us of timer slack to any nap */
    LOCK_NAP_MAX_NS = 1000000
};

static void lock_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) && defined(__GNUC__)
    __asm__ volatile("yield");
#endif
}

KV_INTERNAL void lock_wait(struct lock *lock)
{
    for (int i = 0; i < LOCK_SPINS; i++) {
        lock_pause();
        if (lock_try(lock)) return;
    }
    for (int i = 0; i < LOCK_YIELDS; i++) {
        sched_yield();
        if (lock_try(lock)) return;
    }
    struct timespec nap = {.tv_sec = 0, .tv_nsec = LOCK_NAP_FIRST_NS};
    while (!lock_try(lock)) {
        nanosleep(&nap, NULL);
        nap.tv_nsec *= 2;
        if (nap.tv_nsec > LOCK_NAP_MAX_NS) nap.tv_nsec = LOCK_NAP_MAX_NS;
    }
}
