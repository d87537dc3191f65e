/*
 * tests/net/test_poller.c -- what net/poller.h promises, on whichever system this runs.
 */
#include "net/poller.h"

#include "fixture.h"

#include <signal.h>

static struct poller poller;
static int pair[2];
static struct poller_event events[8];
static int tag;

static void open_poller(void)
{
    ck_assert(poller_open(&poller));
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    ck_assert_int_eq(fcntl(pair[0], F_SETFL, O_NONBLOCK), 0);
    ck_assert(poller_add(&poller, pair[0], &tag));
}

static void close_poller(void)
{
    poller_remove(&poller, pair[0]);
    close(pair[0]);
    close(pair[1]);
    poller_close(&poller);
}

START_TEST(reports_input_once_until_more_comes)
{
    ck_assert_int_eq(poller_wait(&poller, 0, events, 8), 0);
    say(pair[1], "a");
    ck_assert_int_eq(poller_wait(&poller, -1, events, 8), 1);
    ck_assert_ptr_eq(events[0].tag, &tag);
    ck_assert_uint_eq(events[0].what, POLLER_READ);
    ck_assert_int_eq(poller_wait(&poller, 0, events, 8), 0);
    say(pair[1], "b");
    ck_assert_int_eq(poller_wait(&poller, -1, events, 8), 1);
}
END_TEST

START_TEST(reports_input_that_was_there_before_it_was_added)
{
    int other[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, other), 0);
    say(other[1], "a");
    ck_assert(poller_add(&poller, other[0], other));
    ck_assert_int_eq(poller_wait(&poller, -1, events, 8), 1);
    ck_assert_ptr_eq(events[0].tag, other);
    close(other[0]);
    close(other[1]);
}
END_TEST

START_TEST(reports_that_the_peer_sends_no_more)
{
    say(pair[1], "last");
    shutdown(pair[1], SHUT_WR);
    ck_assert_int_eq(poller_wait(&poller, -1, events, 8), 1);
    ck_assert_uint_eq(events[0].what, POLLER_READ | POLLER_HANGUP);
}
END_TEST

START_TEST(reports_room_only_when_asked_and_when_it_comes)
{
    char bytes[4096] = {0};
    ck_assert(poller_watch_write(&poller, pair[0], &tag, true));
    ck_assert_int_eq(poller_wait(&poller, 0, events, 8), 1); /* there is room at once */
    ck_assert_uint_eq(events[0].what, POLLER_WRITE);

    while (write(pair[0], bytes, sizeof bytes) > 0) continue;
    ck_assert_int_eq(errno, EAGAIN);
    ck_assert_int_eq(poller_wait(&poller, 0, events, 8), 0);
    while (recv(pair[1], bytes, sizeof bytes, MSG_DONTWAIT) > 0) continue;
    ck_assert_int_eq(poller_wait(&poller, FIXTURE_PATIENCE_MS, events, 8), 1);
    ck_assert_uint_eq(events[0].what, POLLER_WRITE);

    ck_assert(poller_watch_write(&poller, pair[0], &tag, false));
    while (write(pair[0], bytes, sizeof bytes) > 0) continue;
    hear_bytes(pair[1], bytes, sizeof bytes);
    ck_assert_int_eq(poller_wait(&poller, 0, events, 8), 0);
}
END_TEST

START_TEST(reports_a_listener_as_long_as_somebody_waits)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(listener, 8), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    ck_assert(poller_add_listener(&poller, listener, NULL));

    int first = connect_port(ntohs(address.sin_port)),
        second = connect_port(ntohs(address.sin_port));
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(poller_wait(&poller, FIXTURE_PATIENCE_MS, events, 8), 1);
        ck_assert_ptr_null(events[0].tag);
        close(accept(listener, NULL, NULL));
    }
    ck_assert_int_eq(poller_wait(&poller, 0, events, 8), 0);
    close(first);
    close(second);
    poller_remove(&poller, listener);
    close(listener);
}
END_TEST

static bool is_readable(int fd)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    return poll(&ready, 1, 0) == 1;
}

START_TEST(a_wake_ends_one_wait_and_shows_in_the_descriptor)
{
    ck_assert(!is_readable(poller.descriptor));
    for (int i = 0; i < 3; i++) {
        poller_wake(&poller);
        ck_assert(is_readable(poller.descriptor));
        ck_assert_int_eq(poller_wait(&poller, -1, events, 8), 0);
        ck_assert(!is_readable(poller.descriptor));
    }
}
END_TEST

static void wake_in_handler(int signal)
{
    (void)signal;
    poller_wake(&poller);
}

START_TEST(a_signal_handler_may_wake)
{
    struct sigaction action = {.sa_handler = wake_in_handler};
    ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
    raise(SIGUSR1);
    ck_assert_int_eq(poller_wait(&poller, -1, events, 8), 0);
}
END_TEST

START_TEST(the_timer_rings_once_and_can_be_taken_back)
{
    poller_set_timer(&poller, 0);
    struct pollfd ready = {.fd = poller.descriptor, .events = POLLIN};
    ck_assert_int_eq(poll(&ready, 1, FIXTURE_PATIENCE_MS), 1);
    ck_assert_int_eq(poller_wait(&poller, -1, events, 8), 0);
    ck_assert_int_eq(poll(&ready, 1, 5), 0);

    poller_set_timer(&poller, 1);
    poller_set_timer(&poller, -1);
    ck_assert_int_eq(poll(&ready, 1, 20), 0);

    int64_t start_ms = fixture_clock_ms();
    poller_set_timer(&poller, 30);
    ck_assert_int_eq(poll(&ready, 1, FIXTURE_PATIENCE_MS), 1);
    ck_assert_int_ge(fixture_clock_ms() - start_ms, 29);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("poller");
    tcase_add_checked_fixture(tests, open_poller, close_poller);
    tcase_add_test(tests, reports_input_once_until_more_comes);
    tcase_add_test(tests, reports_input_that_was_there_before_it_was_added);
    tcase_add_test(tests, reports_that_the_peer_sends_no_more);
    tcase_add_test(tests, reports_room_only_when_asked_and_when_it_comes);
    tcase_add_test(tests, reports_a_listener_as_long_as_somebody_waits);
    tcase_add_test(tests, a_wake_ends_one_wait_and_shows_in_the_descriptor);
    tcase_add_test(tests, a_signal_handler_may_wake);
    tcase_add_test(tests, the_timer_rings_once_and_can_be_taken_back);
    return fixture_main("poller", tests);
}
