/* tests/resp/test_pool.c -- resp/pool: spare blocks, and waiting for who holds them. */
#include "resp/pool.h"

#include "../unit.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

static struct pool pool;

static void setup(void)
{
    pool_open(&pool);
}

static void teardown(void)
{
    pool_close(&pool);
}

START_TEST(the_last_block_given_is_the_next_taken)
{
    void *one = pool_take(&pool, 3), *two = pool_take(&pool, 3);
    pool_give(&pool, 3, one);
    pool_give(&pool, 3, two);
    ck_assert_ptr_eq(pool_take(&pool, 3), two);
    ck_assert_ptr_eq(pool_take(&pool, 3 + POOL_SLOTS), one);
    free(one);
    free(two);
}
END_TEST

START_TEST(no_more_than_some_spares_are_kept)
{
    for (int i = 0; i < POOL_SPARES + 10; i++) pool_give(&pool, 0, malloc(POOL_BLOCK_SIZE));
    ck_assert_uint_eq(pool.slots[0].count, POOL_SPARES);
}
END_TEST

/* Takes a block from a slot that another holds; tells the processor time that the wait took. */
static void *take_and_measure(void *context)
{
    struct timespec used;
    int64_t *used_us = context;
    free(pool_take(&pool, 0));
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    *used_us = (int64_t)used.tv_sec * 1000000 + used.tv_nsec / 1000;
    return NULL;
}

START_TEST(waiting_for_one_who_was_preempted_leaves_him_the_processor)
{
    enum { HELD_US = 200000 };
    pthread_t waiter;
    int64_t used_us = 0;
    ck_assert(!atomic_flag_test_and_set(&pool.slots[0].is_locked));
    ck_assert_int_eq(pthread_create(&waiter, NULL, take_and_measure, &used_us), 0);
    nanosleep(&(struct timespec){.tv_nsec = HELD_US * 1000L}, NULL);
    atomic_flag_clear(&pool.slots[0].is_locked);
    pthread_join(waiter, NULL);
    ck_assert_int_lt(used_us, HELD_US / 4);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pool");
    TCase *tests = tcase_create("pool");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, the_last_block_given_is_the_next_taken);
    tcase_add_test(tests, no_more_than_some_spares_are_kept);
    tcase_add_test(tests, waiting_for_one_who_was_preempted_leaves_him_the_processor);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
