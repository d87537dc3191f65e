/*
 * tests/resp/test_shutdown.c -- an end of the server that waits for replicas. That it saves is in
 * test_saving.c.
 */
#include "aof_disk.h"
#include "follower.h"

#include <pthread.h>

#define ERROR "-ERR Errors trying to SHUTDOWN. Check logs.\r\n"

static struct server server;
static struct server_client *one, *two, *replica;
static struct disk disk;

static void setup(void)
{
    server_open(&server);
    disk_open_empty(&disk);
    server.resp->saving.io = &disk.io;
    server.may_shut_down = true;
    one = server_client(&server);
    two = server_client(&server);
    replica = server_client(&server);
    assert_says(one, "config set repl-diskless-sync-delay 0", "+OK\r\n");
    say(&server, replica, "replconf listening-port 7777");
    follower_sync(&server, replica);
}

static void teardown(void)
{
    server_close(&server);
    disk_free(&disk);
}

static bool has_logged(const char *text)
{
    return strstr(server.log, text) != NULL;
}

/* What INFO says is left, -1 if nothing. */
static long long left_ms(void)
{
    long long ms = -1;
    const char *found = strstr(say(&server, two, "info server"), "shutdown_in_milliseconds:");
    if (found != NULL) ck_assert_int_eq(sscanf(found, "%*[^:]:%lld", &ms), 1);
    return ms;
}

/* The replica has all but what was written last. */
static void begin(const char *line)
{
    follower_acknowledge(&server, replica);
    assert_says(one, "set a 1", "+OK\r\n");
    ck_assert_str_eq(say(&server, one, line), "");
    ck_assert_int_eq(one->state, KVRESP_BLOCKED);
    ck_assert_uint_eq(server.shutdown_flags, 0);
}

static void assert_ended(void)
{
    ck_assert_str_eq(server_run(&server, one), "");
    ck_assert_int_eq(one->state, KVRESP_CLOSE);
    ck_assert_int_eq(left_ms(), -1);
}

START_TEST(it_waits_until_the_replica_has_all)
{
    begin("shutdown force");
    ck_assert(has_logged("User requested shutdown...\nWaiting for replicas before shutting down."));
    ck_assert_int_eq(left_ms(), 10000);
    server.now_ms += 300;
    ck_assert_int_eq(left_ms(), 9700);
    assert_says(two, "get a", "$1\r\n1\r\n");
    ck_assert_str_eq(say(&server, two, "set a 2"), "");
    ck_assert_int_eq(two->state, KVRESP_PAUSED);

    int64_t offset = server_place(&server).offset;
    const char *sent = follower_receive(&server, replica);
    const char *ask = strstr(sent, "*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n");
    ck_assert_ptr_nonnull(ask);
    ck_assert_lacks(ask + 30, "GETACK");
    char text[64];
    snprintf(text, sizeof text, "replconf ack %lld", (long long)offset - 38);
    say(&server, replica, text);
    ck_assert_uint_eq(server.shutdown_flags, 0);
    /* What Redis answers is where the question began. */
    snprintf(text, sizeof text, "replconf ack %lld", (long long)offset - 37);
    say(&server, replica, text);
    ck_assert_uint_eq(server.shutdown_flags, KVRESP_SHUTDOWN_FORCE);
    ck_assert(has_logged("1 of 1 replicas are in sync."));
    ck_assert_int_gt(one->wakes, 0);
    ck_assert_str_eq(server_run(&server, one), "");
    ck_assert_int_eq(one->state, KVRESP_CLOSE);
    ck_assert_str_eq(server_run(&server, two), ""); /* not executed: the replica has it not */
    ck_assert_int_eq(two->state, KVRESP_CLOSE);
}
END_TEST

START_TEST(it_does_not_wait_where_nothing_lags)
{
    assert_says(one, "set a 1", "+OK\r\n");
    follower_acknowledge(&server, replica);
    assert_says(one, "shutdown", "");
    assert_ended();
    ck_assert(!has_logged("Waiting for replicas"));
    ck_assert_str_eq(say(&server, two, "set a 2"), ""); /* would be lost */
    ck_assert_int_eq(two->state, KVRESP_CLOSE);
}
END_TEST

START_TEST(time_passes)
{
    assert_says(one, "config set shutdown-timeout 2\r\nconfig get shutdown-timeout",
                "+OK\r\n*2\r\n$16\r\nshutdown-timeout\r\n$1\r\n2\r\n");
    begin("shutdown");
    assert_says(two, "config set shutdown-timeout 100", "+OK\r\n"); /* of the next one */
    server.now_ms += 1999;
    kvresp_cron(server.resp, 0);
    ck_assert_int_eq(left_ms(), 1);
    server.now_ms += 1;
    kvresp_cron(server.resp, 0);
    assert_ended();
    ck_assert(
        has_logged("Replica 127.0.0.1:7777 lags: it is 50 bytes behind, lag=2, state=online."));
    ck_assert(has_logged("0 of 1 replicas are in sync."));
}
END_TEST

START_TEST(now_and_no_time_do_not_wait)
{
    assert_says(one, "set a 1\r\nshutdown now", "+OK\r\n");
    assert_ended();
    ck_assert_uint_eq(server.shutdown_flags, KVRESP_SHUTDOWN_NOW);
    ck_assert(has_logged("lags: it is 50 bytes behind"));
    assert_says(two, "config set shutdown-timeout 0\r\nset a 2\r\nshutdown nosave",
                "+OK\r\n+OK\r\n");
    ck_assert_int_eq(two->state, KVRESP_CLOSE);
    ck_assert_uint_eq(server.shutdown_flags, KVRESP_SHUTDOWN_NOSAVE);
}
END_TEST

START_TEST(it_is_aborted)
{
    begin("shutdown");
    ck_assert_str_eq(say(&server, two, "set b 2"), "");
    struct server_client *third = server_client(&server);
    assert_says(third, "shutdown abort\r\nshutdown abort",
                "+OK\r\n-ERR No shutdown in progress.\r\n");
    ck_assert(has_logged("Shutdown manually aborted."));
    ck_assert_str_eq(server_run(&server, one), ERROR);
    ck_assert_str_eq(server_run(&server, two), "+OK\r\n");
    ck_assert_int_eq(left_ms(), -1);
    follower_acknowledge(&server, replica);
    ck_assert_uint_eq(server.shutdown_flags, 0);
}
END_TEST

START_TEST(a_second_one_joins)
{
    begin("shutdown nosave");
    assert_says(two, "shutdown now force", "");
    ck_assert_int_eq(two->state, KVRESP_BLOCKED);
    struct server_client *third = server_client(&server);
    assert_says(third, "client unblock 1\r\nclient unblock 2", ":0\r\n:0\r\n");
    ck_assert_str_eq(server_run(&server, two), "");
    ck_assert_int_eq(two->state, KVRESP_BLOCKED);
    ck_assert_uint_eq(server.shutdown_flags, 0);
    follower_acknowledge(&server, replica);
    ck_assert_uint_eq(server.shutdown_flags, KVRESP_SHUTDOWN_NOSAVE);
    ck_assert_str_eq(server_run(&server, two), "");
    ck_assert_int_eq(two->state, KVRESP_CLOSE);
    assert_says(third, "shutdown abort", "-ERR No shutdown in progress.\r\n");
}
END_TEST

/* Takes a client away; the last one has its place then. */
static void leave(struct server_client *client)
{
    kvresp_session_close(client->session);
    struct server_client *last = &server.clients[--server.client_count];
    if (client != last) client->session = last->session;
}

START_TEST(who_asked_may_leave)
{
    begin("shutdown");
    leave(one);
    struct server_client *moved = one; /* the replica */
    ck_assert_int_ge(left_ms(), 0);
    follower_acknowledge(&server, moved);
    ck_assert_int_eq(left_ms(), -1);
    ck_assert(has_logged("1 of 1 replicas are in sync."));
}
END_TEST

START_TEST(a_replica_that_leaves_is_not_waited_for)
{
    begin("shutdown");
    leave(replica);
    kvresp_cron(server.resp, 0);
    assert_ended();
    ck_assert(!has_logged("replicas are in sync"));
}
END_TEST

START_TEST(what_was_in_the_middle_of_it_is_waited_for)
{
    begin("shutdown");
    follower_receive(&server, replica);
    int64_t offset = server_place(&server).offset;
    ck_assert_int_eq(kv_set(server.db, KV_TEXT("b"), KV_TEXT("2"), NULL), KV_OK);
    char text[64];
    snprintf(text, sizeof text, "replconf ack %lld", (long long)offset);
    ck_assert_has(say(&server, replica, text), "GETACK"); /* again */
    ck_assert_int_gt(left_ms(), 0);
    follower_acknowledge(&server, replica);
    assert_ended();
}
END_TEST

/* The offset stands still: no PING, and no key that expires. */
START_TEST(nothing_is_written_meanwhile)
{
    assert_says(one, "config set repl-ping-replica-period 1\r\nset gone 1 px 1500",
                "+OK\r\n+OK\r\n");
    begin("shutdown");
    int64_t offset = server_place(&server).offset;
    for (int i = 0; i < 5; i++) server_tick(&server);
    ck_assert_int_eq(server_place(&server).offset, offset);
    assert_says(two, "shutdown abort", "+OK\r\n");
    server_tick(&server);
    ck_assert_int_gt(server_place(&server).offset, offset);
}
END_TEST

START_TEST(those_that_cannot_answer_are_not_waited_for)
{
    follower_acknowledge(&server, replica);
    struct server_client *old = server_client(&server);
    say(&server, old, "sync");
    server_tick(&server);
    server_await_snapshots(&server);
    follower_receive(&server, old);
    struct server_client *late = server_client(&server);
    assert_says(one, "config set repl-diskless-sync-delay 100", "+OK\r\n");
    say(&server, late, "psync ? -1");
    assert_says(one, "set a 1", "+OK\r\n");
    follower_acknowledge(&server, replica);
    assert_says(one, "shutdown", "");
    assert_ended();
    ck_assert(has_logged("1 of 3 replicas are in sync."));
    ck_assert(has_logged("state=wait_bgsave."));
}
END_TEST

START_TEST(a_replica_does_not_wait_for_those_that_follow_it)
{
    assert_says(one, "set a 1", "+OK\r\n");
    replication_become_replica(&server.resp->replication);
    assert_says(one, "shutdown", "");
    assert_ended();
    ck_assert(!has_logged("Waiting for replicas"));
}
END_TEST

START_TEST(then_it_saves)
{
    assert_says(one, "config set save \"100 100\"", "+OK\r\n");
    begin("shutdown");
    ck_assert_uint_eq(disk.seen.count, 0);
    follower_acknowledge(&server, replica);
    while (one->state == KVRESP_BLOCKED) usleep(1000), server_run(&server, one);
    ck_assert_int_eq(one->state, KVRESP_CLOSE);
    ck_assert_uint_eq(disk.seen.count, 1);
}
END_TEST

START_TEST(a_save_that_fails_lets_writes_go_on)
{
    assert_says(one, "config set save \"100 100\"", "+OK\r\n");
    disk.space = 10;
    begin("shutdown");
    say(&server, two, "set b 1");
    follower_acknowledge(&server, replica);
    while (one->state == KVRESP_BLOCKED) usleep(1000), server_run(&server, one);
    ck_assert_str_eq(server.answer.data, ERROR);
    ck_assert(has_logged("Error trying to save the DB, can't exit.\nErrors trying to shut down"));
    ck_assert_str_eq(server_run(&server, two), "+OK\r\n");
}
END_TEST

/* --------------------------------------------------------------------------------- by the host */

static _Atomic kv_status host_status;
static char host_message[256];

static void *host_run(void *flags)
{
    host_status = kvresp_shutdown(server.resp, *(unsigned *)flags, host_message);
    return NULL;
}

static pthread_t host_begin(unsigned *flags)
{
    pthread_t thread;
    follower_acknowledge(&server, replica);
    assert_says(one, "set a 1", "+OK\r\n");
    host_status = KV_PENDING;
    ck_assert_int_eq(pthread_create(&thread, NULL, host_run, flags), 0);
    while (!shutdown_is_under_way(&server.resp->ending)) usleep(1000);
    return thread;
}

START_TEST(a_host_waits_in_its_thread)
{
    unsigned flags = 0;
    pthread_t thread = host_begin(&flags);
    ck_assert_int_eq(left_ms(), 10000);
    ck_assert_str_eq(say(&server, two, "shutdown now"), ""); /* joins */
    usleep(20000);
    ck_assert_int_eq(host_status, KV_PENDING);
    follower_acknowledge(&server, replica);
    pthread_join(thread, NULL);
    ck_assert_int_eq(host_status, KV_OK);
    ck_assert_uint_eq(server.shutdown_flags, 0); /* it was not asked */
    ck_assert_str_eq(server_run(&server, two), "");
    ck_assert_int_eq(two->state, KVRESP_CLOSE);
}
END_TEST

/* Without kvresp_cron(), too. */
START_TEST(a_host_sees_that_time_passes)
{
    unsigned flags = 0;
    pthread_t thread = host_begin(&flags);
    server.now_ms += 10000;
    pthread_join(thread, NULL);
    ck_assert_int_eq(host_status, KV_OK);
    ck_assert(has_logged("0 of 1 replicas are in sync."));
}
END_TEST

START_TEST(a_host_is_told_that_it_was_aborted)
{
    unsigned flags = KVRESP_SHUTDOWN_FORCE;
    pthread_t thread = host_begin(&flags);
    assert_says(two, "shutdown abort", "+OK\r\n");
    pthread_join(thread, NULL);
    ck_assert_int_eq(host_status, KV_CANCELLED);
    ck_assert_str_eq(host_message, "it was aborted");
    assert_says(one, "set a 2", "+OK\r\n");
    ck_assert_int_eq(kvresp_shutdown(server.resp, KVRESP_SHUTDOWN_NOW, NULL), KV_OK);
    assert_says(one, "set a 3", "+OK\r\n"); /* nothing was saved, nor waited for */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("shutdown");
    TCase *tests = tcase_create("shutdown");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, it_waits_until_the_replica_has_all);
    tcase_add_test(tests, it_does_not_wait_where_nothing_lags);
    tcase_add_test(tests, time_passes);
    tcase_add_test(tests, now_and_no_time_do_not_wait);
    tcase_add_test(tests, it_is_aborted);
    tcase_add_test(tests, a_second_one_joins);
    tcase_add_test(tests, who_asked_may_leave);
    tcase_add_test(tests, a_replica_that_leaves_is_not_waited_for);
    tcase_add_test(tests, what_was_in_the_middle_of_it_is_waited_for);
    tcase_add_test(tests, nothing_is_written_meanwhile);
    tcase_add_test(tests, those_that_cannot_answer_are_not_waited_for);
    tcase_add_test(tests, a_replica_does_not_wait_for_those_that_follow_it);
    tcase_add_test(tests, then_it_saves);
    tcase_add_test(tests, a_save_that_fails_lets_writes_go_on);
    tcase_add_test(tests, a_host_waits_in_its_thread);
    tcase_add_test(tests, a_host_sees_that_time_passes);
    tcase_add_test(tests, a_host_is_told_that_it_was_aborted);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
