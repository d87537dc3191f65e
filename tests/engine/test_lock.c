/*
 * tests/engine/test_lock.c -- base/lock.h, between threads.
 */
#include "base/lock.h"

#include "../unit.h"

#include <pthread.h>
#include <sched.h>

enum { THREADS = 6 };

static struct lock lock;
static long counter;      /* guarded by the lock */
static long copy;         /* always counter, when the lock is free */
static atomic_long tries; /* by lock_try() */

START_TEST(a_lock_is_one_word_and_starts_free)
{
    static struct lock zeroed;
    ck_assert_uint_eq(sizeof zeroed, 4);
    ck_assert(!lock_is_held(&zeroed));
    lock_lock(&zeroed);
    ck_assert(lock_is_held(&zeroed));
    ck_assert(!lock_try(&zeroed));
    lock_unlock(&zeroed);
    ck_assert(!lock_is_held(&zeroed));
    ck_assert(lock_try(&zeroed));
    lock_unlock(&zeroed);
    lock_init(&zeroed);
    ck_assert(!lock_is_held(&zeroed));
}
END_TEST

static void *count(void *context)
{
    long rounds = (long)(intptr_t)context;
    for (long i = 0; i < rounds; i++) {
        if (i % 3 != 0) {
            lock_lock(&lock);
        } else {
            while (!lock_try(&lock)) {
                atomic_fetch_add(&tries, 1);
                sched_yield();
            }
        }
        ck_assert(lock_is_held(&lock));
        ck_assert_int_eq(counter, copy);
        counter++;
        if (i % 5000 == 0) sched_yield(); /* a preempted holder: the others come to sleep */
        copy++;
        lock_unlock(&lock);
    }
    return NULL;
}

START_TEST(one_thread_at_a_time_holds_it)
{
    enum { ROUNDS = 50000 };
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, count, (void *)(intptr_t)ROUNDS), 0);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    ck_assert_int_eq(counter, (long)THREADS * ROUNDS);
    ck_assert(!lock_is_held(&lock));
}
END_TEST

static void *take_once(void *context)
{
    (void)context;
    lock_lock(&lock);
    counter++;
    lock_unlock(&lock);
    return NULL;
}

START_TEST(waiters_outlast_a_long_holder)
{
    pthread_t threads[THREADS];
    counter = 0;
    lock_lock(&lock);
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, take_once, NULL), 0);
    }
    /* Long enough, in turns of the scheduler, for all of them to be past spinning. */
    for (int i = 0; i < 2000; i++) sched_yield();
    ck_assert_int_eq(counter, 0);
    lock_unlock(&lock);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    ck_assert_int_eq(counter, THREADS);
}
END_TEST

int main(void)
{
    return UNIT_RUN("lock", a_lock_is_one_word_and_starts_free, one_thread_at_a_time_holds_it,
                    waiters_outlast_a_long_holder);
}
