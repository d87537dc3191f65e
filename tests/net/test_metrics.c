/*
 * tests/net/test_metrics.c -- metrics over HTTP: where it listens, what it answers, how it ends. The
 * rest is in tests/integration/metrics.py.
 */
#include "fixture.h"

static struct fixture fx;
static kvnet_metrics *metrics;

static void setup(void)
{
    fixture_open(&fx, 1);
    metrics = NULL;
}

static void teardown(void)
{
    kvnet_metrics_stop(metrics);
    fixture_close(&fx);
}

/* False if the library was built without it: then it says so. */
static bool start(int port)
{
    char message[256];
    kvnet_metrics_options options = KV_OPTIONS(kvnet_metrics_options);
    options.port = port;
    kv_status status = kvnet_metrics_start(fx.resp, &options, &metrics, message);
    if (status != KV_OK) ck_assert_has(message, "built without");
    return status == KV_OK;
}

static size_t get(int port, const char *request, char *answer, size_t size)
{
    int fd = connect_port(port);
    say(fd, request);
    size_t used = 0;
    ssize_t more;
    while (used < size - 1 && (more = recv(fd, answer + used, size - 1 - used, 0)) > 0)
        used += (size_t)more;
    answer[used] = '\0';
    close(fd);
    return used;
}

START_TEST(it_answers_on_a_port_that_the_system_picks)
{
    static char answer[100000];
    if (!start(0)) return;
    int port = kvnet_metrics_port(metrics);
    ck_assert_int_gt(port, 0);
    get(port, "GET /metrics HTTP/1.0\r\n\r\n", answer, sizeof answer);
    ck_assert_int_eq(strncmp(answer, "HTTP/1.", 7), 0);
    ck_assert_has(answer, " 200 OK\r\n");
    ck_assert_has(answer, "\nkvstore_up 1\n");
    get(port, "HEAD /metrics HTTP/1.0\r\n\r\n", answer, sizeof answer);
    ck_assert_has(answer, " 200 OK\r\n");
    ck_assert_has(answer, "\r\nContent-Length: ");
    ck_assert_str_eq(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
    get(port, "GET /other HTTP/1.0\r\n\r\n", answer, sizeof answer);
    ck_assert_has(answer, " 404 ");

    kvnet_metrics_options options = KV_OPTIONS(kvnet_metrics_options);
    kvnet_metrics *second;
    char message[256];
    options.port = port;
    ck_assert_int_eq(kvnet_metrics_start(fx.resp, &options, &second, message), KV_BADARG);
    ck_assert_has(message, "Address already in use");
    kvnet_metrics_stop(metrics);
    metrics = NULL;
    ck_assert(start(port)); /* it was left free */
}
END_TEST

static void must_answer(int fd)
{
    char line[16] = "";
    say(fd, "HEAD /metrics HTTP/1.1\r\nHost: here\r\n\r\n");
    size_t size = hear_some(fd, line, sizeof line - 1);
    ck_assert_uint_eq(size, sizeof line - 1);
    ck_assert_str_eq(line, "HTTP/1.1 200 OK");
    while (poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 20) > 0)
        ck_assert_uint_gt(hear_some(fd, line, sizeof line), 0);
}

static bool is_closed(int fd)
{
    char byte;
    ssize_t got = recv(fd, &byte, 1, MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno != EAGAIN);
}

static int64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Who connects and says nothing, or half a request, by the place in line. */
START_TEST(silent_connections_keep_nobody_waiting)
{
    enum { LIMIT = 32, SILENT = 200 };
    int silent[SILENT];
    if (!start(0)) return;
    int port = kvnet_metrics_port(metrics), before = count_descriptors();
    int64_t began_ms = clock_ms();
    int scrape = connect_port(port);
    must_answer(scrape);
    for (int i = 0; i < SILENT; i++) {
        silent[i] = connect_port(port);
        ck_assert_int_ge(silent[i], 0);
        if (i % 2 == 0) say(silent[i], "GET /met");
        if (i == LIMIT / 2) must_answer(scrape); /* so others are longer silent from now on */
        if (i == LIMIT) ck_assert(!is_closed(scrape));
    }
    int late = connect_port(port);
    must_answer(late);
    ck_assert(is_closed(silent[0]));
    ck_assert(is_closed(silent[SILENT - 2 * LIMIT]));
    ck_assert(!is_closed(silent[SILENT - 1]));
    ck_assert(!is_closed(silent[SILENT - LIMIT + 1]));
    must_answer(late);
    ck_assert_int_lt(clock_ms() - began_ms, 5000); /* half of what silence may last */
    ck_assert_int_le(count_descriptors() - before, SILENT + 2 + 2 * LIMIT);
    for (int i = 0; i < SILENT; i++) close(silent[i]);
    must_answer(late);
    close(late);
    close(scrape);
}
END_TEST

START_TEST(stopping_does_not_wait_for_clients)
{
    if (!start(0)) return;
    int before = count_descriptors(), fd = connect_port(kvnet_metrics_port(metrics));
    say(fd, "GET /met");
    kvnet_metrics_stop(metrics);
    metrics = NULL;
    close(fd);
    ck_assert_int_lt(count_descriptors(), before); /* the listener's have gone, too */
}
END_TEST

START_TEST(bad_options_are_refused)
{
    kvnet_metrics_options options = KV_OPTIONS(kvnet_metrics_options);
    ck_assert_int_eq(kvnet_metrics_start(NULL, &options, &metrics, NULL), KV_BADARG);
    ck_assert_int_eq(kvnet_metrics_start(fx.resp, &options, NULL, NULL), KV_BADARG);
    options.port = 65536;
    ck_assert_int_eq(kvnet_metrics_start(fx.resp, &options, &metrics, NULL), KV_BADARG);
    options.port = -1;
    ck_assert_int_eq(kvnet_metrics_start(fx.resp, &options, &metrics, NULL), KV_BADARG);
    options.port = 0;
    options.prefix = "no prefix";
    ck_assert_int_eq(kvnet_metrics_start(fx.resp, &options, &metrics, NULL), KV_BADARG);
    options.size = 3;
    ck_assert_int_eq(kvnet_metrics_start(fx.resp, &options, &metrics, NULL), KV_BADARG);
    kvnet_metrics_stop(NULL);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("metrics");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, it_answers_on_a_port_that_the_system_picks);
    tcase_add_test(tcase, silent_connections_keep_nobody_waiting);
    tcase_add_test(tcase, stopping_does_not_wait_for_clients);
    tcase_add_test(tcase, bad_options_are_refused);
    return fixture_main("metrics", tcase);
}
