/*
 * tests/net/test_pubsub.c -- messages between clients of different loops, slow readers among them.
 */
#include "fixture.h"

#include <pthread.h>
#include <stdatomic.h>

static struct fixture fx;

static void setup(void)
{
    fixture_open(&fx, 2);
}

static void teardown(void)
{
    fixture_close(&fx);
}

#define SUBSCRIBED "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"

static int subscriber(void)
{
    int fd = connect_to(&fx);
    ask(fd, "SUBSCRIBE a", SUBSCRIBED);
    return fd;
}

static void hear_message(int fd, const char *text)
{
    char expected[128];
    snprintf(expected, sizeof expected, "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$%zu\r\n%s\r\n",
             strlen(text), text);
    hear(fd, expected);
}

START_TEST(a_message_reaches_the_clients_of_every_loop)
{
    enum { CLIENTS = 8 };
    int fds[CLIENTS], publisher = connect_to(&fx);
    for (int i = 0; i < CLIENTS; i++) fds[i] = subscriber();
    for (int round = 0; round < 50; round++) {
        ask(publisher, "PUBLISH a hello", ":8\r\n");
        for (int i = 0; i < CLIENTS; i++) hear_message(fds[i], "hello");
    }
    /* What was published before a request of a subscriber comes before its answer. */
    for (int round = 0; round < 50; round++) {
        ask(publisher, "PUBLISH a x", ":8\r\n");
        for (int i = 0; i < CLIENTS; i++) say(fds[i], "PING\r\n");
        for (int i = 0; i < CLIENTS; i++) {
            hear_message(fds[i], "x");
            hear(fds[i], "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
        }
    }
    for (int i = 0; i < CLIENTS; i++) close(fds[i]);
    close(publisher);
}
END_TEST

START_TEST(pipelined_messages_keep_their_order)
{
    enum { CLIENTS = 5, MESSAGES = 2000 };
    int fds[CLIENTS], publisher = connect_to(&fx);
    for (int i = 0; i < CLIENTS; i++) fds[i] = subscriber();
    for (int i = 0; i < MESSAGES; i++) {
        char line[64];
        snprintf(line, sizeof line, "PUBLISH a %d\r\n", i);
        say(publisher, line);
    }
    for (int i = 0; i < MESSAGES; i++) hear(publisher, ":5\r\n");
    for (int c = 0; c < CLIENTS; c++) {
        for (int i = 0; i < MESSAGES; i++) {
            char text[32];
            snprintf(text, sizeof text, "%d", i);
            hear_message(fds[c], text);
        }
        close(fds[c]);
    }
    close(publisher);
}
END_TEST

/* Reads messages until the connection ends; returns the bytes. */
static size_t hear_all(int fd)
{
    static char bytes[1 << 16];
    size_t total = 0;
    for (size_t got; (got = hear_some(fd, bytes, sizeof bytes)) > 0;) total += got;
    return total;
}

START_TEST(a_slow_reader_hurts_only_itself)
{
    enum { SIZE = 10000, MESSAGES = 4000, LIMIT = 4 << 20 };
    static char payload[SIZE];
    static char heard[SIZE + 64];
    kv_statistics before = KV_OPTIONS(kv_statistics), after = KV_OPTIONS(kv_statistics);
    int slow = subscriber(), quick = subscriber(), publisher = connect_to(&fx);
    ask(publisher, "CONFIG SET client-output-buffer-limit \"pubsub 4mb 0 0\"", "+OK\r\n");
    memset(payload, 'x', sizeof payload);
    int head = snprintf(heard, sizeof heard, "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$%d\r\n", SIZE);
    kv_stats(fx.db, &before);
    for (int i = 0; i < MESSAGES; i++) {
        ck_assert_int_eq(kv_publish(fx.db, KV_TEXT("a"), kv_bytes(payload, sizeof payload), NULL),
                         KV_OK);
        hear_bytes(quick, heard, (size_t)head + SIZE + 2);
        kv_stats(fx.db, &after);
        ck_assert_uint_lt(after.bytes, before.bytes + 2 * LIMIT);
    }
    ck_assert_uint_lt(hear_all(slow), (size_t)SIZE * MESSAGES);
    kv_stats(fx.db, &after);
    ck_assert_uint_lt(after.bytes, before.bytes + LIMIT / 4);
    ask(quick, "PING", "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
    close(slow);
    close(quick);
    close(publisher);
}
END_TEST

START_TEST(a_reader_that_was_slow_gets_all_of_it)
{
    enum { SIZE = 10000, MESSAGES = 500 };
    static char payload[SIZE];
    int fd = subscriber();
    memset(payload, 'y', sizeof payload);
    for (int i = 0; i < MESSAGES; i++)
        (void)kv_publish(fx.db, KV_TEXT("a"), kv_bytes(payload, sizeof payload), NULL);
    for (int i = 0; i < MESSAGES; i++) {
        hear(fd, "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n");
        hear_value(fd, SIZE, 'y');
    }
    /* And may end its subscription in the middle of it. */
    for (int i = 0; i < MESSAGES; i++)
        (void)kv_publish(fx.db, KV_TEXT("a"), kv_bytes(payload, sizeof payload), NULL);
    say(fd, "UNSUBSCRIBE a\r\nPING\r\n");
    for (int i = 0; i < MESSAGES; i++) {
        hear(fd, "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n");
        hear_value(fd, SIZE, 'y');
    }
    hear(fd, "*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n+PONG\r\n");
    close(fd);
}
END_TEST

static atomic_bool is_over;

static void *publish_from_the_host(void *context)
{
    (void)context;
    while (!atomic_load(&is_over)) {
        (void)kv_publish(fx.db, KV_TEXT("a"), KV_TEXT("from the host"), NULL);
        usleep(20); /* or nobody could read as much */
    }
    return NULL;
}

START_TEST(subscribers_come_and_go_while_others_publish)
{
    pthread_t threads[2];
    int publisher = connect_to(&fx);
    atomic_store(&is_over, false);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, publish_from_the_host, NULL), 0);
    for (int round = 0; round < 60; round++) {
        int fd = subscriber();
        char some[1000];
        ck_assert_uint_gt(hear_some(fd, some, sizeof some), 0);
        say(publisher, "PUBLISH a x\r\n");
        if (round % 3 == 0) say(fd, "UNSUBSCRIBE a\r\n");
        if (round % 3 == 1) say(fd, "QUIT\r\n");
        close(fd);
    }
    atomic_store(&is_over, true);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    close(publisher);
}
END_TEST

START_TEST(an_expired_key_is_told_of_in_time)
{
    int fd = connect_to(&fx), writer = connect_to(&fx);
    ask(writer, "CONFIG SET notify-keyspace-events Ex", "+OK\r\n");
    ask(fd, "SUBSCRIBE __keyevent@0__:expired",
        "*3\r\n$9\r\nsubscribe\r\n$22\r\n__keyevent@0__:expired\r\n:1\r\n");
    int64_t began_ms = fixture_clock_ms();
    ask(writer, "SET k v PX 100", "+OK\r\n");
    hear(fd, "*3\r\n$7\r\nmessage\r\n$22\r\n__keyevent@0__:expired\r\n$1\r\nk\r\n");
    ck_assert_int_ge(fixture_clock_ms() - began_ms, 99);
    close(fd);
    close(writer);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("pubsub");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_message_reaches_the_clients_of_every_loop);
    tcase_add_test(tests, pipelined_messages_keep_their_order);
    tcase_add_test(tests, a_slow_reader_hurts_only_itself);
    tcase_add_test(tests, a_reader_that_was_slow_gets_all_of_it);
    tcase_add_test(tests, subscribers_come_and_go_while_others_publish);
    tcase_add_test(tests, an_expired_key_is_told_of_in_time);
    return fixture_main("pubsub", tests);
}
