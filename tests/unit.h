/*
 * tests/unit.h -- a Check program from a suite or a list of tests, assertions that Check lacks, and a
 * random number for each run.
 */
#ifndef KV_TESTS_UNIT_H
#define KV_TESTS_UNIT_H

#include <check.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ck_assert() for inner loops and other threads, which it would slow down or confuse. */
#define MUST(condition)                                                      \
    do {                                                                     \
        if (!(condition)) ck_abort_msg("line %d: %s", __LINE__, #condition); \
    } while (0)

/* Assert that a text has this part or lacks it, or show both. */
#define ck_assert_has(text, part)   unit_assert_part(text, part, true)
#define ck_assert_lacks(text, part) unit_assert_part(text, part, false)

#define unit_assert_part(text, part, is_wanted)                                                \
    do {                                                                                       \
        const char *unit_text = (text), *unit_part = (part);                                   \
        ck_assert_msg((strstr(unit_text, unit_part) != NULL) == is_wanted, "\"%s\" %s \"%s\"", \
                      unit_text, is_wanted ? "lacks" : "has", unit_part);                      \
    } while (0)

/* Runs a suite; to be returned from main(). */
static inline int unit_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* The same, with the tests as one more case of the suite. */
static inline int unit_run_suite(Suite *suite, const TTest *const *tests, size_t count)
{
    TCase *tcase = tcase_create("tests");
    tcase_set_timeout(tcase, 60);
    for (size_t i = 0; i < count; i++) tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}

#define UNIT_RUN(name, ...)                                                 \
    unit_run_suite(suite_create(name), (const TTest *const[]){__VA_ARGS__}, \
                   sizeof((const TTest *const[]){__VA_ARGS__}) / sizeof(const TTest *))

/*
 * The seed of a randomised test: KV_TEST_SEED, or the time. It is printed, so that a failure can be
 * had again.
 */
static inline uint64_t unit_seed(void)
{
    const char *given = getenv("KV_TEST_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    fprintf(stderr, "KV_TEST_SEED=%" PRIu64 "\n", seed);
    return seed;
}

#endif
