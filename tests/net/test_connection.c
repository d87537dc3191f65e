/*
 * tests/net/test_connection.c -- what a client meets: pieces, pipelines, slow reading, blocking,
 * leaving.
 */
#include "fixture.h"

static struct fixture fx;

static void open_server(void)
{
    fixture_open(&fx, 2);
}

static void close_server(void)
{
    fixture_close(&fx);
}

/* Waits until the server counts `expected` clients. */
static void await_clients(int expected)
{
    char line[64];
    snprintf(line, sizeof line, "connected_clients:%d\r\n", expected);
    int fd = connect_to(&fx);
    char info[16384] = "";
    for (int tries = 0; tries < 500; tries++) {
        say(fd, "INFO clients\r\n");
        char head[32] = "";
        for (size_t i = 0; i < sizeof head - 1 && (i == 0 || head[i - 1] != '\n'); i++)
            hear_bytes(fd, head + i, 1);
        size_t size = strtoul(head + 1, NULL, 10);
        ck_assert_uint_lt(size + 2, sizeof info);
        hear_bytes(fd, info, size + 2);
        info[size] = '\0';
        if (strstr(info, line) != NULL) break;
        usleep(5000);
    }
    ck_assert_msg(strstr(info, line) != NULL, "%s not in: %s", line, info);
    close(fd);
}

START_TEST(a_request_may_come_byte_by_byte)
{
    int fd = connect_to(&fx);
    for (const char *at = "*2\r\n$4\r\nECHO\r\n$5\r\nhello\r\n"; *at != '\0'; at++)
        say_bytes(fd, at, 1);
    hear(fd, "$5\r\nhello\r\n");
    close(fd);
}
END_TEST

START_TEST(a_pipeline_is_answered_in_order)
{
    enum { COUNT = 5000 };
    int fd = connect_to(&fx);
    char *requests = malloc(COUNT * 40), *at = requests;
    for (int i = 0; i < COUNT; i++) at += sprintf(at, "*2\r\n$4\r\nECHO\r\n$6\r\n%06d\r\n", i);
    say_bytes(fd, requests, (size_t)(at - requests));
    for (int i = 0; i < COUNT; i++) {
        char reply[32];
        snprintf(reply, sizeof reply, "$6\r\n%06d\r\n", i);
        hear(fd, reply);
    }
    free(requests);
    close(fd);
}
END_TEST

START_TEST(values_larger_than_any_socket_buffer_pass_both_ways)
{
    enum { SIZE = 24 << 20 };
    int fd = connect_to(&fx);
    set_value(fd, "large", SIZE, 'v');
    say(fd, "GET large\r\n");
    hear_value(fd, SIZE, 'v');
    ask(fd, "PING", "+PONG\r\n");
    close(fd);
}
END_TEST

/*
 * The client asks for far more than sockets hold and does not read. If the server went on reading
 * its requests, all would be taken; as it must not, sending stops at some point. Then the client
 * reads, and gets every answer.
 */
START_TEST(a_client_that_does_not_read_is_not_read_from)
{
    enum { VALUE = 64 << 10, LIMIT = 64 << 20 };
    static const char request[] = "GET k\r\n";
    int fd = connect_to(&fx);
    set_value(fd, "k", VALUE, 'x');

    char batch[1024 * (sizeof request - 1)];
    for (size_t i = 0; i < sizeof batch; i += sizeof request - 1)
        memcpy(batch + i, request, sizeof request - 1);
    size_t sent = 0;
    struct pollfd room = {.fd = fd, .events = POLLOUT};
    while (sent < LIMIT && poll(&room, 1, 300) == 1) {
        size_t from = sent % (sizeof request - 1); /* goes on within a request that was cut */
        ssize_t put = send(fd, batch + from, sizeof batch - from, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (put > 0) sent += (size_t)put;
    }
    ck_assert_uint_lt(sent, LIMIT);

    /* Another client is not disturbed. */
    int other = connect_to(&fx);
    ask(other, "PING", "+PONG\r\n");
    close(other);

    /* A part is read and checked; the rest is thrown away. */
    for (int i = 0; i < 200; i++) hear_value(fd, VALUE, 'x');
    close(fd);
    await_clients(1);
}
END_TEST

START_TEST(a_client_that_reads_late_gets_every_reply)
{
    enum { VALUE = 100 << 10, COUNT = 300 };
    int fd = connect_to(&fx);
    set_value(fd, "k", VALUE, 'y');
    for (int i = 0; i < COUNT; i++) say(fd, "GET k\r\n");
    say(fd, "PING\r\n");
    usleep(50000);
    for (int i = 0; i < COUNT; i++) hear_value(fd, VALUE, 'y');
    hear(fd, "+PONG\r\n");
    close(fd);
}
END_TEST

START_TEST(after_a_half_close_what_was_sent_is_answered)
{
    int fd = connect_to(&fx);
    set_value(fd, "k", 1 << 20, 'z');
    say(fd, "GET k\r\nGET k\r\nPING\r\n");
    shutdown(fd, SHUT_WR);
    hear_value(fd, 1 << 20, 'z');
    hear_value(fd, 1 << 20, 'z');
    hear(fd, "+PONG\r\n");
    hear_end(fd);
    close(fd);
    await_clients(1);
}
END_TEST

START_TEST(half_a_request_before_the_end_is_dropped)
{
    int fd = connect_to(&fx);
    say(fd, "PING\r\n*2\r\n$3\r\nGET\r\n$10\r\nabc");
    shutdown(fd, SHUT_WR);
    hear(fd, "+PONG\r\n");
    hear_end(fd);
    close(fd);
}
END_TEST

static void reset_connection(int fd)
{
    struct linger hard = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(fd);
}

START_TEST(a_reset_ends_the_connection_and_nothing_else)
{
    for (int i = 0; i < 20; i++) {
        int fd = connect_to(&fx);
        say(fd, i % 2 == 0 ? "PING\r\nPI" : "BLPOP nothing 0\r\n");
        if (i % 3 == 0) usleep(1000);
        reset_connection(fd);
    }
    await_clients(1);
}
END_TEST

START_TEST(a_push_by_a_client_of_another_loop_serves_a_blocked_one)
{
    enum { CLIENTS = 6 }; /* they are spread over both loops */
    int fds[CLIENTS], pusher = connect_to(&fx);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < CLIENTS; i++) {
            char request[32];
            fds[i] = connect_to(&fx);
            snprintf(request, sizeof request, "PING\r\nBLPOP q%d 0\r\n", i);
            say(fds[i], request);
            hear(fds[i], "+PONG\r\n");
        }
        for (int i = 0; i < CLIENTS; i++) {
            char request[32], reply[64];
            snprintf(request, sizeof request, "RPUSH q%d v%d", i, i);
            ask(pusher, request, ":1\r\n");
            snprintf(reply, sizeof reply, "*2\r\n$2\r\nq%d\r\n$2\r\nv%d\r\n", i, i);
            hear(fds[i], reply);
            ask(fds[i], "PING", "+PONG\r\n");
            close(fds[i]);
        }
    }
    close(pusher);
}
END_TEST

START_TEST(a_blocked_client_gets_its_timeout_and_then_what_it_piped)
{
    int fd = connect_to(&fx);
    int64_t start_ms = fixture_clock_ms();
    say(fd, "BLPOP nothing 0.05\r\nPING\r\n");
    hear(fd, "*-1\r\n+PONG\r\n");
    ck_assert_int_ge(fixture_clock_ms() - start_ms, 45);
    close(fd);
}
END_TEST

START_TEST(timeouts_end_in_their_order)
{
    enum { CLIENTS = 20 };
    int fds[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        char request[64];
        fds[i] = connect_to(&fx);
        snprintf(request, sizeof request, "BLPOP nothing %.3f\r\n",
                 0.05 + 0.01 * ((7 * i) % CLIENTS));
        say(fds[i], request);
    }
    for (int i = 0; i < CLIENTS; i++) {
        hear(fds[i], "*-1\r\n");
        close(fds[i]);
    }
}
END_TEST

START_TEST(a_blocked_client_that_leaves_takes_nothing_with_it)
{
    int fd = connect_to(&fx), other = connect_to(&fx);
    say(fd, "PING\r\nBLPOP q 0\r\n");
    hear(fd, "+PONG\r\n");
    close(fd);
    close(other);
    await_clients(1);
    other = connect_to(&fx);
    ask(other, "RPUSH q element", ":1\r\n");
    ask(other, "BLPOP q 0", "*2\r\n$1\r\nq\r\n$7\r\nelement\r\n");
    close(other);
}
END_TEST

START_TEST(quit_is_answered_before_the_end)
{
    int fd = connect_to(&fx);
    ask(fd, "QUIT", "+OK\r\n");
    hear_end(fd);
    close(fd);
}
END_TEST

START_TEST(a_protocol_error_is_answered_before_the_end)
{
    int fd = connect_to(&fx);
    say(fd, "PING\r\n*1\r\n!4\r\nPING\r\n");
    hear(fd, "+PONG\r\n-ERR Protocol error");
    char rest[256];
    while (hear_some(fd, rest, sizeof rest) > 0) continue;
    close(fd);
}
END_TEST

START_TEST(an_idle_client_is_closed_after_the_timeout_a_blocked_one_is_not)
{
    int fd = connect_to(&fx), idle = connect_to(&fx), blocked = connect_to(&fx);
    ask(idle, "PING", "+PONG\r\n");
    say(blocked, "BLPOP q 0\r\n");
    ask(fd, "CONFIG SET timeout 1", "+OK\r\n");
    int64_t start_ms = fixture_clock_ms();
    hear_end(idle);
    ck_assert_int_ge(fixture_clock_ms() - start_ms, 900);
    close(fd);
    fd = connect_to(&fx);
    ask(fd, "RPUSH q v", ":1\r\n");
    hear(blocked, "*2\r\n$1\r\nq\r\n$1\r\nv\r\n");
    close(fd);
    close(idle);
    close(blocked);
}
END_TEST

START_TEST(many_clients_come_and_go)
{
    int before = count_descriptors();
    for (int round = 0; round < 10; round++) {
        int fds[50];
        for (int i = 0; i < 50; i++) {
            fds[i] = connect_to(&fx);
            say(fds[i], "PING\r\n");
        }
        for (int i = 0; i < 50; i++) {
            hear(fds[i], "+PONG\r\n");
            close(fds[i]);
        }
    }
    await_clients(1);
    for (int tries = 0; tries < 500 && count_descriptors() > before; tries++) usleep(2000);
    ck_assert_int_eq(count_descriptors(), before);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("connection");
    tcase_add_checked_fixture(tests, open_server, close_server);
    tcase_add_test(tests, a_request_may_come_byte_by_byte);
    tcase_add_test(tests, a_pipeline_is_answered_in_order);
    tcase_add_test(tests, values_larger_than_any_socket_buffer_pass_both_ways);
    tcase_add_test(tests, a_client_that_does_not_read_is_not_read_from);
    tcase_add_test(tests, a_client_that_reads_late_gets_every_reply);
    tcase_add_test(tests, after_a_half_close_what_was_sent_is_answered);
    tcase_add_test(tests, half_a_request_before_the_end_is_dropped);
    tcase_add_test(tests, a_reset_ends_the_connection_and_nothing_else);
    tcase_add_test(tests, a_push_by_a_client_of_another_loop_serves_a_blocked_one);
    tcase_add_test(tests, a_blocked_client_gets_its_timeout_and_then_what_it_piped);
    tcase_add_test(tests, timeouts_end_in_their_order);
    tcase_add_test(tests, a_blocked_client_that_leaves_takes_nothing_with_it);
    tcase_add_test(tests, quit_is_answered_before_the_end);
    tcase_add_test(tests, a_protocol_error_is_answered_before_the_end);
    tcase_add_test(tests, an_idle_client_is_closed_after_the_timeout_a_blocked_one_is_not);
    tcase_add_test(tests, many_clients_come_and_go);
    return fixture_main("connection", tests);
}
