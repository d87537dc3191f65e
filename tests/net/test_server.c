/*
 * tests/net/test_server.c -- a server as an object: started, driven, stopped, and nothing left of
 * it.
 */
#include "fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>

static struct fixture fx;

START_TEST(starting_and_stopping_leaves_no_descriptor_and_no_thread)
{
    /* The first server may make the system, or a sanitizer, open what stays: it does not count. */
    fixture_open(&fx, 1);
    kvnet_stop(fx.server, 1000);
    int descriptors = count_descriptors(), threads = count_threads(1);
    for (int round = 0; round < 20; round++) {
        kvnet_options options = fixture_options(1 + round % 4);
        options.unix_socket = fixture_path("s.sock");
        ck_assert_int_eq(kvnet_start(fx.resp, &options, &fx.server, fx.message), KV_OK);
        ck_assert_int_eq(count_threads(threads + 1 + round % 4), threads + 1 + round % 4);
        int client = connect_to(&fx), idle = connect_path(fixture_path("s.sock"));
        ask(client, "PING", "+PONG\r\n");
        kvnet_stop(fx.server, 1000);
        hear_end(client);
        hear_end(idle);
        close(client);
        close(idle);
        ck_assert_int_ne(access(fixture_path("s.sock"), F_OK), 0);
        ck_assert_int_eq(count_descriptors(), descriptors);
        ck_assert_int_eq(count_threads(threads), threads);
    }
    fixture_close_store(&fx);
    fixture_remove_paths();
}
END_TEST

START_TEST(a_busy_port_is_an_error_that_names_it_and_leaves_nothing)
{
    fixture_open(&fx, 1);
    kvnet_options options = fixture_options(1);
    const char *bind[] = {"127.0.0.1"};
    options.bind = bind;
    options.bind_count = 1;
    options.port = kvnet_port(fx.server);
    int descriptors = count_descriptors(), threads = count_threads(2);

    kvnet *second = NULL;
    char expected[256];
    snprintf(expected, sizeof expected, "127.0.0.1:%d: Address already in use", options.port);
    ck_assert_int_eq(kvnet_start(fx.resp, &options, &second, fx.message), KV_BADARG);
    ck_assert_str_eq(fx.message, expected);
    ck_assert_ptr_null(second);
    ck_assert_int_eq(count_descriptors(), descriptors);
    ck_assert_int_eq(count_threads(threads), threads);
    fixture_close(&fx);
}
END_TEST

START_TEST(two_servers_of_two_stores_know_nothing_of_each_other)
{
    struct fixture other;
    fixture_open(&fx, 1);
    fixture_open(&other, 2);
    int client = connect_to(&fx), stranger = connect_to(&other);
    ask(client, "SET k here", "+OK\r\n");
    ask(stranger, "GET k", "$-1\r\n");
    fixture_close(&other);
    hear_end(stranger);
    ask(client, "GET k", "$4\r\nhere\r\n");
    close(client);
    close(stranger);
    fixture_close(&fx);
}
END_TEST

/* Whether CONFIG GET port comes to show the server's. */
static bool comes_to_show(kvresp *resp, const kvnet *server)
{
    char expected[16], shown[16] = "";
    snprintf(expected, sizeof expected, "%d", kvnet_port(server));
    int64_t until_ms = fixture_clock_ms() + FIXTURE_PATIENCE_MS;
    while (strcmp(shown, expected) != 0 && fixture_clock_ms() < until_ms) {
        kv_buffer value = {0};
        ck_assert_int_eq(kvresp_config_get(resp, "port", &value), KV_OK);
        snprintf(shown, sizeof shown, "%.*s", (int)value.size, (const char *)value.data);
        kv_buffer_free(&value);
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    return strcmp(shown, expected) == 0;
}

START_TEST(the_parameters_of_a_server_that_ends_go_to_another)
{
    char message[256];
    kvnet *second;
    fixture_open(&fx, 2);
    kvnet_options options = fixture_options(2);
    ck_assert_int_eq(kvnet_start(fx.resp, &options, &second, fx.message), KV_OK);
    ck_assert(comes_to_show(fx.resp, fx.server));
    kvnet_stop(fx.server, 1000);
    fx.server = second;
    ck_assert(comes_to_show(fx.resp, second));
    ck_assert_ptr_null(kvresp_config_set(fx.resp, "maxclients", KV_TEXT("1"), false, message));
    int client = connect_to(&fx), excess = connect_to(&fx);
    ask(client, "PING", "+PONG\r\n");
    hear(excess, "-ERR max number of clients reached\r\n");
    close(client);
    close(excess);
    fixture_close(&fx);
}
END_TEST

START_TEST(two_servers_may_share_one_store)
{
    fixture_open(&fx, 1);
    kvnet_options options = fixture_options(1);
    kvnet *second;
    ck_assert_int_eq(kvnet_start(fx.resp, &options, &second, fx.message), KV_OK);
    int client = connect_to(&fx), other = connect_port(kvnet_port(second));
    ask(client, "SET k shared", "+OK\r\n");
    ask(other, "GET k", "$6\r\nshared\r\n");

    kvnet_stop(fx.server, 1000);
    ask(other, "GET k", "$6\r\nshared\r\n");
    kvnet_stop(second, 1000);
    close(client);
    close(other);
    fixture_close_store(&fx);
}
END_TEST

START_TEST(both_ip_versions_and_the_unix_socket_are_served)
{
    kvnet_options options = fixture_options(2);
    options.unix_socket = fixture_path("s.sock");
    options.unix_permissions = 0700;
    fixture_open_with(&fx, &options);
    int fds[3] = {connect_to(&fx), connect_port6(kvnet_port(fx.server)),
                  connect_path(options.unix_socket)};
    for (int i = 0; i < 3; i++) {
        ck_assert_int_ge(fds[i], 0);
        ask(fds[i], "PING", "+PONG\r\n");
        close(fds[i]);
    }
    char expected[512], addresses[512];
    snprintf(expected, sizeof expected, "%s, 127.0.0.1:%d, [::1]:%d", options.unix_socket,
             kvnet_port(fx.server), kvnet_port(fx.server));
    ck_assert_int_eq(kvnet_addresses(fx.server, addresses, sizeof addresses), KV_OK);
    ck_assert_str_eq(addresses, expected);
    ck_assert_int_eq(kvnet_addresses(fx.server, addresses, strlen(expected)), KV_TOOBIG);
    fixture_close(&fx);
    fixture_remove_paths();
}
END_TEST

START_TEST(one_end_of_a_socketpair_is_a_client_of_a_server_without_listeners)
{
    kvnet_options options = fixture_options(1);
    options.port = -1;
    fixture_open_with(&fx, &options);
    ck_assert_int_eq(kvnet_port(fx.server), -1);
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    say(pair[0], "SET k v\r\n"); /* may be sent before the server has it */
    ck_assert_int_eq(kvnet_serve_fd(fx.server, pair[1]), KV_OK);
    hear(pair[0], "+OK\r\n");
    ask(pair[0], "GET k", "$1\r\nv\r\n");
    fixture_close(&fx);
    hear_end(pair[0]);
    close(pair[0]);
}
END_TEST

START_TEST(a_descriptor_that_cannot_be_served_is_closed)
{
    fixture_open(&fx, 1);
    int descriptors = count_descriptors();
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    close(ends[1]);
    int others[] = {open("/dev/null", O_RDONLY), ends[0], socket(AF_UNIX, SOCK_DGRAM, 0)};
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_ge(others[i], 0);
        ck_assert_int_eq(kvnet_serve_fd(fx.server, others[i]), KV_BADARG);
    }
    ck_assert_int_eq(count_descriptors(), descriptors);
    ck_assert_int_eq(kvnet_serve_fd(fx.server, -1), KV_BADARG);
    fixture_close(&fx);
}
END_TEST

START_TEST(a_server_without_threads_is_driven_by_its_host)
{
    int threads = count_threads(1);
    fixture_open(&fx, -1);
    ck_assert_int_eq(count_threads(threads), threads);
    int client = connect_to(&fx);
    say(client, "PING\r\nSET k v\r\n");
    for (int tries = 0; tries < 1000 && is_silent(client); tries++)
        ck_assert_int_eq(kvnet_poll(fx.server, 10), KV_OK);
    hear(client, "+PONG\r\n");
    while (is_silent(client)) kvnet_poll(fx.server, 10);
    hear(client, "+OK\r\n");

    /* The stop answers what was received. */
    say(client, "GET k\r\n");
    fixture_close(&fx);
    hear(client, "$1\r\nv\r\n");
    hear_end(client);
    close(client);
}
END_TEST

/* Polls the server only when its descriptor says so, as a host with its own loop does. */
static void drive(struct pollfd *watched, int count)
{
    for (;;) {
        ck_assert_int_gt(poll(watched, (nfds_t)count, FIXTURE_PATIENCE_MS), 0);
        if (watched[0].revents != 0) kvnet_poll(fx.server, 0);
        if (watched[1].revents != 0) return;
    }
}

START_TEST(the_descriptor_tells_the_host_when_there_is_something_to_do)
{
    fixture_open(&fx, -1);
    int client = connect_to(&fx);
    struct pollfd watched[2] = {{.fd = kvnet_fd(fx.server), .events = POLLIN},
                                {.fd = client, .events = POLLIN}};

    say(client, "PING\r\n");
    drive(watched, 2);
    hear(client, "+PONG\r\n");

    /* Time passes in it too: nobody but its timer says that the wait is over. */
    say(client, "BLPOP nothing 0.05\r\n");
    drive(watched, 2);
    hear(client, "*-1\r\n");

    /* A push from the host itself serves a client that is blocked. */
    say(client, "BLPOP q 0\r\n");
    for (int i = 0; i < 20; i++) kvnet_poll(fx.server, 1);
    kvresp_worker *worker;
    kvresp_session *session;
    ck_assert_int_eq(kvresp_worker_open(fx.resp, &worker), KV_OK);
    ck_assert_int_eq(kvresp_session_open(fx.resp, NULL, &session), KV_OK);
    kv_slice push[] = {KV_TEXT("RPUSH"), KV_TEXT("q"), KV_TEXT("v")};
    ck_assert_int_eq(kvresp_exec(worker, session, 3, push), KV_OK);
    drive(watched, 2);
    hear(client, "*2\r\n$1\r\nq\r\n$1\r\nv\r\n");
    kvresp_session_close(session);
    kvresp_worker_close(worker);

    close(client);
    fixture_close(&fx);
}
END_TEST

static void *wake_soon(void *context)
{
    usleep(20000);
    kvnet_wake(context);
    return NULL;
}

static unsigned long info_number(int fd, const char *name)
{
    static char text[16 * 1024];
    size_t size = 0;
    char *end = NULL;
    say(fd, "INFO stats\r\n");
    /* The reply says its size: "$1234\r\n", so many bytes, "\r\n". */
    while (end == NULL || size < (size_t)(end - text) + 2 + strtoul(text + 1, NULL, 10) + 2) {
        struct pollfd wanted = {fd, POLLIN, 0};
        ck_assert_int_eq(poll(&wanted, 1, FIXTURE_PATIENCE_MS), 1);
        ssize_t got = read(fd, text + size, sizeof text - 1 - size);
        ck_assert_int_gt(got, 0);
        size += (size_t)got;
        text[size] = '\0';
        end = strstr(text, "\r\n");
    }
    const char *line = strstr(text, name);
    ck_assert_ptr_nonnull(line);
    return strtoul(line + strlen(name), NULL, 10);
}

START_TEST(reads_and_writes_are_counted_as_system_calls)
{
    fixture_open(&fx, 1);
    int client = connect_port(kvnet_port(fx.server));
    say(client, "PING\r\n");
    hear(client, "+PONG\r\n");
    unsigned long reads = info_number(client, "\ntotal_reads_processed:");
    unsigned long writes = info_number(client, "\ntotal_writes_processed:");
    ck_assert_uint_ge(reads, 1);
    ck_assert_uint_ge(writes, 2);
    for (int i = 0; i < 10; i++) {
        say(client, "PING\r\nPING\r\n");
        hear(client, "+PONG\r\n+PONG\r\n");
    }
    /* Each of the ten is one of both, or more if it came in pieces; a retry in vain counts too. */
    ck_assert_uint_ge(info_number(client, "\ntotal_reads_processed:"), reads + 10);
    ck_assert_uint_ge(info_number(client, "\ntotal_writes_processed:"), writes + 10);
    ck_assert_uint_le(info_number(client, "\ntotal_writes_processed:"), writes + 40);
    say(client, "CONFIG RESETSTAT\r\n");
    hear(client, "+OK\r\n");
    ck_assert_uint_le(info_number(client, "\ntotal_writes_processed:"), 3);
    close(client);
    fixture_close(&fx);
}
END_TEST

START_TEST(a_wake_ends_a_poll)
{
    fixture_open(&fx, -1);
    pthread_t thread;
    pthread_create(&thread, NULL, wake_soon, fx.server);
    for (int64_t start_ms = fixture_clock_ms(); fixture_clock_ms() - start_ms < 15;)
        kvnet_poll(fx.server, FIXTURE_PATIENCE_MS); /* its own periodic work may end some */
    pthread_join(thread, NULL);
    int64_t start_ms = fixture_clock_ms();
    kvnet_wake(fx.server);
    kvnet_poll(fx.server, FIXTURE_PATIENCE_MS);
    ck_assert_int_lt(fixture_clock_ms() - start_ms, FIXTURE_PATIENCE_MS / 2);
    ck_assert_int_eq(kvnet_poll(NULL, 0), KV_BADARG);
    fixture_close(&fx);
}
END_TEST

START_TEST(clients_beyond_the_limit_are_told_so_and_closed)
{
    kvnet_options options = fixture_options(2);
    options.max_clients = 3;
    fixture_open_with(&fx, &options);
    int fds[3];
    for (int i = 0; i < 3; i++) {
        fds[i] = connect_to(&fx);
        ask(fds[i], "PING", "+PONG\r\n");
    }
    for (int i = 0; i < 5; i++) {
        int fd = connect_to(&fx);
        hear(fd, "-ERR max number of clients reached\r\n");
        hear_end(fd);
        close(fd);
    }
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    ck_assert_int_eq(kvnet_serve_fd(fx.server, pair[1]), KV_SKIPPED);
    hear(pair[0], "-ERR max number of clients reached\r\n");
    close(pair[0]);

    /* A place that becomes free is given again. */
    close(fds[0]);
    bool is_served = false;
    for (int tries = 0; tries < 500 && !is_served; tries++) {
        char reply[64];
        int fd = connect_to(&fx);
        send(fd, "PING\r\n", 6, MSG_NOSIGNAL);
        size_t size = hear_some(fd, reply, sizeof reply);
        is_served = size >= 5 && memcmp(reply, "+PONG", 5) == 0;
        close(fd);
    }
    ck_assert(is_served);
    close(fds[1]);
    close(fds[2]);
    fixture_close(&fx);
}
END_TEST

START_TEST(without_descriptors_clients_are_turned_away_and_served_again_later)
{
    fixture_open(&fx, 1);
    int served = connect_to(&fx);
    ask(served, "PING", "+PONG\r\n");
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    int fds[2] = {socket(AF_INET, SOCK_STREAM, 0), socket(AF_INET, SOCK_STREAM, 0)};
    struct rlimit tight = {.rlim_cur = (rlim_t)fds[1] + 1, .rlim_max = limit.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &tight), 0);

    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)kvnet_port(fx.server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ck_assert_int_eq(connect(fds[0], (struct sockaddr *)&address, sizeof address), 0);
    hear(fds[0], "-ERR max number of clients reached\r\n");
    hear_end(fds[0]);
    ask(served, "PING", "+PONG\r\n");

    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_int_eq(connect(fds[1], (struct sockaddr *)&address, sizeof address), 0);
    ask(fds[1], "PING", "+PONG\r\n");
    close(fds[0]);
    close(fds[1]);
    close(served);
    fixture_close(&fx);
}
END_TEST

START_TEST(a_stop_answers_what_was_received)
{
    enum { CLIENTS = 20, REQUESTS = 2000 };
    for (int round = 0; round < 5; round++) {
        int fds[CLIENTS];
        fixture_open(&fx, 2);
        for (int i = 0; i < CLIENTS; i++) {
            fds[i] = connect_to(&fx);
            ask(fds[i], "PING", "+PONG\r\n"); /* it is accepted, so what follows is received */
        }
        char *requests = malloc(REQUESTS * 6 + 1);
        for (int i = 0; i < REQUESTS; i++) memcpy(requests + 6 * i, "PING\r\n", 7);
        for (int i = 0; i < CLIENTS; i++) say(fds[i], requests);
        free(requests);
        fixture_close(&fx);
        for (int i = 0; i < CLIENTS; i++) {
            for (int j = 0; j < REQUESTS; j++) hear(fds[i], "+PONG\r\n");
            hear_end(fds[i]);
            close(fds[i]);
        }
    }
}
END_TEST

START_TEST(a_stop_waits_for_a_slow_reader_only_as_long_as_its_grace)
{
    fixture_open(&fx, 1);
    int fd = connect_to(&fx), blocked = connect_to(&fx);
    set_value(fd, "k", 16 << 20, 'x');
    say(blocked, "BLPOP nothing 0\r\n");
    say(fd, "GET k\r\nGET k\r\n");
    usleep(20000);
    int64_t start_ms = fixture_clock_ms();
    kvnet_stop(fx.server, 200);
    int64_t took_ms = fixture_clock_ms() - start_ms;
    ck_assert_int_ge(took_ms, 190);
    ck_assert_int_lt(took_ms, 5000);
    hear_end(blocked);
    close(fd);
    close(blocked);
    fixture_close_store(&fx);
}
END_TEST

struct reader {
    int fd;
    atomic_bool has_asked;
    size_t heard;
};

static void *ask_and_read(void *context)
{
    struct reader *reader = context;
    char bytes[65536];
    set_value(reader->fd, "k", 8 << 20, 'x');
    say(reader->fd, "GET k\r\n");
    atomic_store(&reader->has_asked, true);
    for (size_t got; (got = hear_some(reader->fd, bytes, sizeof bytes)) > 0; reader->heard += got)
        continue;
    return NULL;
}

START_TEST(a_stop_flushes_to_a_reader_that_reads)
{
    fixture_open(&fx, -1);
    struct reader reader = {.fd = connect_to(&fx)};
    pthread_t thread;
    pthread_create(&thread, NULL, ask_and_read, &reader);
    while (!atomic_load(&reader.has_asked)) kvnet_poll(fx.server, 10);
    kvnet_stop(fx.server, FIXTURE_PATIENCE_MS);
    pthread_join(thread, NULL);
    ck_assert_uint_eq(reader.heard, strlen("$8388608\r\n") + (8 << 20) + 2);
    close(reader.fd);
    fixture_close_store(&fx);
}
END_TEST

START_TEST(signals_are_left_to_the_threads_of_the_host)
{
    static const int numbers[] = {SIGPIPE, SIGTERM, SIGINT, SIGHUP};
    struct sigaction before[4], after[4];
    sigset_t mask_before, mask_after;
    for (int i = 0; i < 4; i++) sigaction(numbers[i], NULL, &before[i]);
    pthread_sigmask(SIG_SETMASK, NULL, &mask_before);
    fixture_open(&fx, 2);
    for (int i = 0; i < 4; i++) {
        sigaction(numbers[i], NULL, &after[i]);
        ck_assert(before[i].sa_handler == after[i].sa_handler);
    }
    ck_assert(after[0].sa_handler == SIG_DFL);
    pthread_sigmask(SIG_SETMASK, NULL, &mask_after);
    for (int i = 1; i < 32; i++)
        ck_assert_int_eq(sigismember(&mask_before, i), sigismember(&mask_after, i));

    /* A client that leaves before its replies raises no SIGPIPE, which would end this process. */
    for (int i = 0; i < 20; i++) {
        int fd = connect_to(&fx);
        say(fd, "PING\r\nPING\r\n");
        close(fd);
    }
    fixture_close(&fx);
}
END_TEST

START_TEST(options_out_of_range_are_refused)
{
    fixture_open_store(&fx);
    kvnet_options options = fixture_options(1);
    options.port = 65536;
    ck_assert_int_eq(kvnet_start(fx.resp, &options, &fx.server, fx.message), KV_BADARG);
    ck_assert_str_ne(fx.message, "");
    options.port = 0;
    options.size = 1;
    ck_assert_int_eq(kvnet_start(fx.resp, &options, &fx.server, NULL), KV_BADARG);
    ck_assert_int_eq(kvnet_start(NULL, NULL, &fx.server, fx.message), KV_BADARG);
    kvnet_stop(NULL, 0);
    fixture_close_store(&fx);
}
END_TEST

START_TEST(options_of_an_older_and_smaller_struct_are_taken)
{
    /* Only what is known of the older struct is read: the rest is at its defaults. */
    fixture_open(&fx, 1);
    kvnet_options options = fixture_options(1);
    kvnet *server;
    options.size = offsetof(kvnet_options, max_clients);
    options.max_clients = 1;
    options.idle_timeout_s = -1; /* which would be refused */
    ck_assert_int_eq(kvnet_start(fx.resp, &options, &server, NULL), KV_OK);
    kvnet_stop(server, 0);

    static const size_t unknown[] = {0, sizeof(size_t) - 1, sizeof(kvnet_options) + 1, 12345};
    options = fixture_options(1);
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        char message[256] = "";
        options.size = unknown[i];
        ck_assert_int_eq(kvnet_start(fx.resp, &options, &server, message), KV_BADARG);
        ck_assert_str_eq(message, "options of a size that is not known here");
    }
    fixture_close(&fx);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("server");
    tcase_add_test(tests, starting_and_stopping_leaves_no_descriptor_and_no_thread);
    tcase_add_test(tests, a_busy_port_is_an_error_that_names_it_and_leaves_nothing);
    tcase_add_test(tests, two_servers_of_two_stores_know_nothing_of_each_other);
    tcase_add_test(tests, the_parameters_of_a_server_that_ends_go_to_another);
    tcase_add_test(tests, two_servers_may_share_one_store);
    tcase_add_test(tests, both_ip_versions_and_the_unix_socket_are_served);
    tcase_add_test(tests, one_end_of_a_socketpair_is_a_client_of_a_server_without_listeners);
    tcase_add_test(tests, a_descriptor_that_cannot_be_served_is_closed);
    tcase_add_test(tests, a_server_without_threads_is_driven_by_its_host);
    tcase_add_test(tests, the_descriptor_tells_the_host_when_there_is_something_to_do);
    tcase_add_test(tests, reads_and_writes_are_counted_as_system_calls);
    tcase_add_test(tests, a_wake_ends_a_poll);
    tcase_add_test(tests, clients_beyond_the_limit_are_told_so_and_closed);
    tcase_add_test(tests, without_descriptors_clients_are_turned_away_and_served_again_later);
    tcase_add_test(tests, a_stop_answers_what_was_received);
    tcase_add_test(tests, a_stop_waits_for_a_slow_reader_only_as_long_as_its_grace);
    tcase_add_test(tests, a_stop_flushes_to_a_reader_that_reads);
    tcase_add_test(tests, signals_are_left_to_the_threads_of_the_host);
    tcase_add_test(tests, options_out_of_range_are_refused);
    tcase_add_test(tests, options_of_an_older_and_smaller_struct_are_taken);
    return fixture_main("server", tests);
}
