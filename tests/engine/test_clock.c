/*
 * tests/engine/test_clock.c -- base/clock.h and base/random.h.
 */
#include "base/clock.h"
#include "base/random.h"

#include "../unit.h"

#include <string.h>
#include <time.h>

static int64_t told_wall_ms(void *context)
{
    return *(int64_t *)context;
}

static int64_t told_monotonic_us(void *context)
{
    return *(int64_t *)context * 7;
}

START_TEST(the_hosts_clock_is_used_for_all)
{
    int64_t told = 1234567;
    const kv_clock hooks = {told_wall_ms, told_monotonic_us, &told};
    struct clock clock;
    clock_init(&clock, &hooks);
    ck_assert_int_eq(clock_wall_ms(&clock), 1234567);
    ck_assert_int_eq(clock_coarse_ms(&clock), 1234567);
    ck_assert_int_eq(clock_coarse_seconds(&clock), 1234);
    ck_assert_int_eq(clock_monotonic_us(&clock), 1234567 * 7);
}
END_TEST

START_TEST(a_missing_hook_is_the_systems_clock)
{
    int64_t told = 5;
    const kv_clock wall_only = {told_wall_ms, NULL, &told};
    struct clock clock, system;
    clock_init(&clock, &wall_only);
    clock_init(&system, NULL);
    ck_assert_int_eq(clock_wall_ms(&clock), 5);
    int64_t before = clock_monotonic_us(&system);
    int64_t between = clock_monotonic_us(&clock);
    int64_t after = clock_monotonic_us(&system);
    ck_assert_int_le(before, between);
    ck_assert_int_le(between, after);
}
END_TEST

START_TEST(the_systems_clocks_agree)
{
    struct clock clock;
    clock_init(&clock, NULL);
    int64_t seconds = (int64_t)time(NULL);
    int64_t wall_ms = clock_wall_ms(&clock);
    int64_t coarse_ms = clock_coarse_ms(&clock);
    ck_assert_int_ge(wall_ms, seconds * 1000);
    ck_assert_int_lt(wall_ms, seconds * 1000 + 30000);
    ck_assert_int_ge(coarse_ms, wall_ms - 100);
    ck_assert_int_lt(coarse_ms, wall_ms + 30000);
}
END_TEST

START_TEST(the_generator_is_xoshiro256_starstar)
{
    /* From the state 1, 2, 3, 4: the numbers other implementations test with. */
    struct random random = {{1, 2, 3, 4}};
    ck_assert_uint_eq(random_next(&random), 11520);
    ck_assert_uint_eq(random_next(&random), 0);
    ck_assert_uint_eq(random_next(&random), 1509978240);
    ck_assert_uint_eq(random_next(&random), 1215971899390074240);
}
END_TEST

START_TEST(the_same_seed_gives_the_same_sequence)
{
    struct random a, b, c;
    random_seed(&a, 42);
    random_seed(&b, 42);
    random_seed(&c, 43);
    uint64_t same = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t drawn = random_next(&a);
        ck_assert_uint_eq(drawn, random_next(&b));
        same += drawn == random_next(&c);
    }
    ck_assert_uint_eq(same, 0);
    random_seed(&a, 0);
    ck_assert((a.state[0] | a.state[1] | a.state[2] | a.state[3]) != 0);
}
END_TEST

START_TEST(numbers_below_a_limit_are_equally_likely)
{
    struct random random;
    random_seed(&random, unit_seed());
    enum { ROUNDS = 100000 };
    for (uint64_t limit = 1; limit <= 33; limit++) {
        int counts[33] = {0};
        for (int i = 0; i < ROUNDS; i++) {
            uint64_t drawn = random_below(&random, limit);
            ck_assert_uint_lt(drawn, limit);
            counts[drawn]++;
        }
        double expected = (double)ROUNDS / (double)limit, square = 0;
        for (uint64_t i = 0; i < limit; i++) {
            square += (counts[i] - expected) * (counts[i] - expected) / expected;
        }
        /* Chi-square: mean limit - 1, deviation sqrt(2 * (limit - 1)); 8 deviations away. */
        ck_assert_double_lt(square, (double)limit + 8 * 8.2);
    }
    int high = 0; /* with a limit of 3/4 of the range, a modulus would favour the lower third */
    for (int i = 0; i < ROUNDS; i++) high += random_below(&random, UINT64_C(3) << 62) >> 63;
    ck_assert_double_eq_tol((double)high / ROUNDS, 1.0 / 3, 0.02);
    ck_assert_uint_le(random_below(&random, UINT64_MAX), UINT64_MAX - 1);
}
END_TEST

START_TEST(the_system_fills_every_byte)
{
    for (size_t size = 0; size <= 40; size++) {
        uint8_t bytes[48] = {0}, seen[48] = {0};
        for (int i = 0; i < 64; i++) {
            random_system(bytes, size);
            for (size_t at = 0; at < sizeof bytes; at++) seen[at] |= bytes[at];
        }
        for (size_t at = 0; at < size; at++) ck_assert_uint_eq(seen[at], 0xff);
        for (size_t at = size; at < sizeof seen; at++) ck_assert_uint_eq(seen[at], 0);
    }
    struct random a, b;
    random_seed_from_system(&a);
    random_seed_from_system(&b);
    ck_assert_int_ne(memcmp(&a, &b, sizeof a), 0);
}
END_TEST

int main(void)
{
    return UNIT_RUN("clock", the_hosts_clock_is_used_for_all, a_missing_hook_is_the_systems_clock,
                    the_systems_clocks_agree, the_generator_is_xoshiro256_starstar,
                    the_same_seed_gives_the_same_sequence, numbers_below_a_limit_are_equally_likely,
                    the_system_fills_every_byte);
}
