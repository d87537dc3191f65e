/*
 * tests/resp/test_latency.c -- statistics of durations, and the latency monitor.
 */
#include "resp/latency.h"
#include "resp/statistics.h"

#include "resp/shared.h"

#include "server.h"

static struct server server;
static struct server_client *a;

static void assert_begins(const char *answer, const char *begin)
{
    ck_assert_msg(strncmp(answer, begin, strlen(begin)) == 0, "%s", answer);
}

static void setup(void)
{
    server_open(&server);
    a = server_client(&server);
}

static void teardown(void)
{
    server_close(&server);
}

/* ----------------------------------------------------------------------------------- statistics */

static struct statistics statistics;
static struct counters counters;

static void setup_statistics(void)
{
    ck_assert_int_eq(statistics_open(&statistics), KV_OK);
    counters = (struct counters){0};
    ck_assert_int_eq(statistics_join(&statistics, &counters), KV_OK);
}

static void teardown_statistics(void)
{
    if (counters.commands != NULL) statistics_leave(&statistics, &counters);
    statistics_close(&statistics);
}

START_TEST(a_percentile_is_right_to_3_percent)
{
    const double percents[] = {50};
    double us;
    for (uint64_t ns = 1; ns < UINT64_C(1) << 40; ns += ns / 7 + 1) {
        counters_add(&counters, &command_table[0], 1, ns, true);
        ck_assert(statistics_percentiles(&statistics, &command_table[0], percents, 1, &us));
        ck_assert_msg(us * 1000 >= (double)ns && us * 1000 <= (double)ns * 1.032,
                      "%llu ns shown as %f us", (unsigned long long)ns, us);
        statistics_reset(&statistics);
        ck_assert(!statistics_percentiles(&statistics, &command_table[0], percents, 1, &us));
    }
}
END_TEST

START_TEST(latencies_are_counted_below_powers_of_two)
{
    struct latencies latencies;
    const struct command *command = &command_table[3];
    for (int i = 5; i < 40; i++) {
        counters_add(&counters, command, 1, (UINT64_C(1) << i) - 1, true);
        counters_add(&counters, command, 1, UINT64_C(1) << i, true);
    }
    statistics_latencies(&statistics, command, &latencies);
    ck_assert_uint_eq(latencies.count, 70);
    for (int i = 5; i < 40; i++)
        ck_assert_uint_eq(latencies_below(&latencies, UINT64_C(1) << i), 2 * (uint64_t)(i - 5) + 1);
}
END_TEST

START_TEST(a_run_is_shared_out_and_what_was_too_long_falls_into_the_last_bucket)
{
    struct latencies latencies;
    const struct command *command = &command_table[1];
    counters_add(&counters, command, 10, 20000, true);
    counters_add(&counters, command, 1, UINT64_MAX / 2, true);
    counters_add(&counters, command, 5, 7, false); /* not tracked */
    statistics_leave(&statistics, &counters);      /* a closed worker's are kept */
    statistics_latencies(&statistics, command, &latencies);
    ck_assert_uint_eq(latencies.count, 11);
    ck_assert_uint_eq(latencies.nanoseconds, 20000 + UINT64_MAX / 2);
    ck_assert_uint_eq(latencies_below(&latencies, 2048), 10);
    ck_assert_uint_eq(latencies_below(&latencies, 1024), 0);
    ck_assert_uint_eq(latencies.buckets[LATENCY_BUCKETS - 1], 1);
    ck_assert_uint_eq(statistics_of(&statistics, command).calls, 16);
}
END_TEST

/* ---------------------------------------------------------------------------------- the monitor */

static void note(const char *name, uint64_t ms)
{
    latency_note(&server.resp->latency, name, server.now_ms / 1000, ms);
}

START_TEST(a_second_has_one_sample_the_longest)
{
    assert_says(a, "LATENCY LATEST", "*0\r\n");
    note("command", 10);
    note("command", 30);
    note("command", 20);
    assert_says(a, "LATENCY HISTORY command", "*1\r\n*2\r\n:1700000\r\n:30\r\n");
    server.now_ms += 1000;
    note("command", 5);
    note("fast-command", 7);
    assert_says(a, "LATENCY HISTORY command",
                "*2\r\n*2\r\n:1700000\r\n:30\r\n*2\r\n:1700001\r\n:5\r\n");
    assert_says(a, "LATENCY LATEST",
                "*2\r\n*4\r\n$7\r\ncommand\r\n:1700001\r\n:5\r\n:30\r\n"
                "*4\r\n$12\r\nfast-command\r\n:1700001\r\n:7\r\n:7\r\n");
    assert_says(a, "LATENCY HISTORY nosuch", "*0\r\n");
    assert_says(a, "LATENCY HISTORY COMMAND", "*0\r\n"); /* names of events have one case */
    assert_says(a, "LATENCY RESET nosuch command", ":1\r\n");
    assert_says(a, "LATENCY LATEST", "*1\r\n*4\r\n$12\r\nfast-command\r\n:1700001\r\n:7\r\n:7\r\n");
    assert_says(a, "LATENCY RESET", ":1\r\n");
    assert_says(a, "LATENCY LATEST", "*0\r\n");
}
END_TEST

START_TEST(the_last_160_samples_are_kept)
{
    for (int i = 0; i < 1000; i++, server.now_ms += 1000) note("command", 1000 - (uint64_t)i);
    const char *answer = say(&server, a, "LATENCY HISTORY command");
    assert_begins(answer, "*160\r\n*2\r\n:1700840\r\n:160\r\n");
    ck_assert_has(say(&server, a, "LATENCY LATEST"), ":1\r\n:1000\r\n");
    answer = say(&server, a, "LATENCY GRAPH command");
    ck_assert_has(answer, "command - high 160 ms, low 1 ms (all time high 1000 ms)\n");
    const char *second = strstr(answer, "\n\n"); /* a second row of 80 */
    ck_assert_ptr_nonnull(second);
}
END_TEST

/* As redis-server 7.0.15 draws them. */
START_TEST(the_graph_is_redis_s)
{
    static const uint64_t ms[] = {10, 80, 80, 10, 20, 80, 50, 80, 6, 80, 6, 50, 20, 80};
    for (size_t i = 0; i < sizeof ms / sizeof ms[0]; i++, server.now_ms += 1000)
        note("command", ms[i]);
    static const char graph[] =
        "command - high 80 ms, low 6 ms (all time high 80 ms)\n"
        "--------------------------------------------------------------------------------\n"
        " ##  # # #   #\n"
        " ||  |o| | o |\n"
        " ||  ||| | | |\n"
        "_||_#|||_|_|#|\n"
        "              \n"
        "11111987654321\n"
        "43210sssssssss\n"
        "sssss         \n";
    char answer[1024];
    snprintf(answer, sizeof answer, "$%zu\r\n%s\r\n", sizeof graph - 1, graph);
    assert_says(a, "LATENCY GRAPH command", answer);
    assert_says(a, "LATENCY GRAPH foo", "-ERR No samples available for event 'foo'\r\n");
}
END_TEST

START_TEST(commands_above_the_threshold_are_noted)
{
    ck_assert_lacks(say(&server, a, "LATENCY DOCTOR"), "took");
    assert_says(a, "CONFIG SET latency-monitor-threshold -1",
                "-ERR CONFIG SET failed (possibly related to argument 'latency-monitor-threshold') "
                "- argument must be between 0 and 9223372036854775807 inclusive\r\n");
    assert_says(a, "CONFIG SET latency-monitor-threshold 50", "+OK\r\n");
    assert_says(a, "CONFIG SET slowlog-log-slower-than 1000000\r\nSLOWLOG RESET",
                "+OK\r\n+OK\r\n");
    char message[256];
    ck_assert_ptr_null(
        kvresp_config_set(server.resp, "enable-debug-command", KV_TEXT("yes"), true, message));
    ck_assert_has(say(&server, a, "LATENCY DOCTOR"), "took");
    assert_says(a, "DEBUG SLEEP 0.002", "+OK\r\n");
    assert_says(a, "LATENCY LATEST", "*0\r\n");
    assert_says(a, "DEBUG SLEEP 0.06", "+OK\r\n");
    assert_begins(say(&server, a, "LATENCY LATEST"), "*1\r\n*4\r\n$7\r\ncommand\r\n:1700000\r\n:");
    assert_says(a, "SLOWLOG LEN", ":0\r\n");
    ck_assert_has(say(&server, a, "LATENCY DOCTOR"), "SLOWLOG");
    assert_says(a, "CONFIG SET latency-monitor-threshold 0", "+OK\r\n");
    assert_says(a, "LATENCY RESET", ":1\r\n");
    assert_says(a, "DEBUG SLEEP 0.06", "+OK\r\n");
    assert_says(a, "LATENCY LATEST", "*0\r\n");
    assert_says(a, "CONFIG SET slowlog-log-slower-than 50000", "+OK\r\n");
    assert_says(a, "DEBUG SLEEP 0.06", "+OK\r\n");
    assert_says(a, "SLOWLOG LEN", ":1\r\n");
}
END_TEST

/* ----------------------------------------------------------------------------------- histograms */

START_TEST(histograms_are_by_command)
{
    assert_says(a, "LATENCY HISTOGRAM nosuch", "*0\r\n");
    say(&server, a, "SET k v\r\nGET k\r\nGET k\r\nCONFIG GET port\r\nCONFIG GET port");
    const char *answer = say(&server, a, "LATENCY HISTOGRAM get nosuch");
    static const char begin[] =
        "*2\r\n$3\r\nget\r\n*4\r\n$5\r\ncalls\r\n:2\r\n$14\r\nhistogram_usec\r\n*";
    assert_begins(answer, begin);
    answer = say(&server, a, "LATENCY HISTOGRAM config GET");
    assert_begins(answer, "*4\r\n$10\r\nconfig|get\r\n*4\r\n");
    answer = say(&server, a, "LATENCY HISTOGRAM config|get");
    assert_begins(answer, "*2\r\n$10\r\nconfig|get\r\n*4\r\n");
    say(&server, a, "HELLO 3");
    answer = say(&server, a, "LATENCY HISTOGRAM set");
    assert_begins(answer, "%1\r\n$3\r\nset\r\n%2\r\n");
    say(&server, a, "CONFIG RESETSTAT");
    assert_says(a, "LATENCY HISTOGRAM set get", "%0\r\n");
}
END_TEST

START_TEST(subcommands_have_their_errors)
{
    assert_says(a, "LATENCY", "-ERR wrong number of arguments for 'latency' command\r\n");
    assert_says(a, "LATENCY foo", "-ERR unknown subcommand 'foo'. Try LATENCY HELP.\r\n");
    assert_says(a, "LATENCY HISTORY",
                "-ERR wrong number of arguments for 'latency|history' command\r\n");
    assert_says(a, "LATENCY LATEST x",
                "-ERR wrong number of arguments for 'latency|latest' command\r\n");
    ck_assert_has(say(&server, a, "LATENCY HELP"), "HISTOGRAM");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("latency");
    TCase *sums = tcase_create("statistics"), *tcase = tcase_create("latency");
    tcase_add_checked_fixture(sums, setup_statistics, teardown_statistics);
    tcase_add_test(sums, a_percentile_is_right_to_3_percent);
    tcase_add_test(sums, latencies_are_counted_below_powers_of_two);
    tcase_add_test(sums, a_run_is_shared_out_and_what_was_too_long_falls_into_the_last_bucket);
    suite_add_tcase(suite, sums);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_second_has_one_sample_the_longest);
    tcase_add_test(tcase, the_last_160_samples_are_kept);
    tcase_add_test(tcase, the_graph_is_redis_s);
    tcase_add_test(tcase, commands_above_the_threshold_are_noted);
    tcase_add_test(tcase, histograms_are_by_command);
    tcase_add_test(tcase, subcommands_have_their_errors);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
