/* tests/resp/test_pubsub.c -- publish and subscribe: what a session receives, when, and its limits. */
#include "two_clients.h"

static struct server_client *three;

static void setup(void)
{
    clients_setup();
    three = server_client(&server);
}

#define assert_gets(client, expected) ck_assert_str_eq(server_run(&server, client), expected)

#define SUBSCRIBED(channel, count)    "*3\r\n$9\r\nsubscribe\r\n$1\r\n" channel "\r\n:" count "\r\n"
#define MESSAGE(channel, text)        "*3\r\n$7\r\nmessage\r\n$1\r\n" channel "\r\n" text "\r\n"

START_TEST(a_message_wakes_its_receivers)
{
    assert_says(one, "SUBSCRIBE a b", SUBSCRIBED("a", "1") SUBSCRIBED("b", "2"));
    assert_says(two, "PSUBSCRIBE [ab]", "*3\r\n$10\r\npsubscribe\r\n$4\r\n[ab]\r\n:1\r\n");
    ck_assert(!kvresp_session_is_idle(one->session));
    assert_says(three, "PUBLISH a hi\r\nPUBLISH c hi\r\nPUBLISH b ho", ":2\r\n:0\r\n:2\r\n");
    ck_assert_int_eq(one->wakes, 1);
    ck_assert_int_eq(two->wakes, 1);
    ck_assert_int_eq(three->wakes, 0);
    assert_gets(one, MESSAGE("a", "$2\r\nhi") MESSAGE("b", "$2\r\nho"));
    assert_gets(two, "*4\r\n$8\r\npmessage\r\n$4\r\n[ab]\r\n$1\r\na\r\n$2\r\nhi\r\n"
                     "*4\r\n$8\r\npmessage\r\n$4\r\n[ab]\r\n$1\r\nb\r\n$2\r\nho\r\n");
    assert_gets(one, "");
    say(&server, three, "PUBLISH a hi");
    ck_assert_int_eq(one->wakes, 2);
}
END_TEST

START_TEST(shard_channels_are_apart)
{
    assert_says(one, "SSUBSCRIBE a\r\nSUBSCRIBE a",
                "*3\r\n$10\r\nssubscribe\r\n$1\r\na\r\n:1\r\n" SUBSCRIBED("a", "1"));
    assert_says(two, "SPUBLISH a x\r\nPUBLISH a y", ":1\r\n:1\r\n");
    assert_gets(one, "*3\r\n$8\r\nsmessage\r\n$1\r\na\r\n$1\r\nx\r\n" MESSAGE("a", "$1\r\ny"));
    assert_says(two, "PUBSUB SHARDNUMSUB a b\r\nPUBSUB NUMPAT",
                "*4\r\n$1\r\na\r\n:1\r\n$1\r\nb\r\n:0\r\n:0\r\n");
}
END_TEST

START_TEST(a_subscribed_client_of_resp2_may_do_little_else)
{
    say(&server, one, "SUBSCRIBE a");
    assert_says(one, "GET a",
                "-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / "
                "RESET are allowed in this context\r\n");
    assert_says(one, "PING\r\nPING x",
                "*2\r\n$4\r\npong\r\n$0\r\n\r\n*2\r\n$4\r\npong\r\n$1\r\nx\r\n");
    assert_says(one, "UNSUBSCRIBE\r\nGET a",
                "*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n$-1\r\n");
    say(&server, one, "PSUBSCRIBE *\r\nSSUBSCRIBE a");
    assert_says(one, "RESET\r\nPING", "+RESET\r\n+PONG\r\n");
    assert_says(two, "PUBLISH a x\r\nSPUBLISH a x", ":0\r\n:0\r\n");
}
END_TEST

START_TEST(a_subscribed_client_of_resp3_may_do_anything)
{
    say(&server, one, "HELLO 3");
    assert_says(one, "SUBSCRIBE a\r\nSET k v\r\nPUBLISH a me\r\nGET k",
                ">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n+OK\r\n:1\r\n"
                ">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nme\r\n$1\r\nv\r\n");
    assert_says(one, "MULTI\r\nPUBLISH a in\r\nGET k\r\nEXEC",
                "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:1\r\n$1\r\nv\r\n"
                ">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nin\r\n");
    assert_says(one, "UNSUBSCRIBE\r\nUNSUBSCRIBE",
                ">3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n"
                ">3\r\n$11\r\nunsubscribe\r\n_\r\n:0\r\n");
}
END_TEST

START_TEST(a_blocked_client_receives_messages)
{
    say(&server, one, "HELLO 3\r\nSUBSCRIBE a\r\nBLPOP l 0");
    ck_assert_int_eq(one->state, KVRESP_BLOCKED);
    say(&server, two, "PUBLISH a x");
    assert_gets(one, ">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n");
    ck_assert_int_eq(one->state, KVRESP_BLOCKED);
    say(&server, two, "PUBLISH a y\r\nRPUSH l e");
    assert_gets(one, ">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\ny\r\n"
                     "*2\r\n$1\r\nl\r\n$1\r\ne\r\n");
    ck_assert_int_eq(one->state, KVRESP_IDLE);
}
END_TEST

START_TEST(messages_come_before_the_end_of_their_subscription)
{
    say(&server, one, "SUBSCRIBE a b");
    say(&server, two, "PUBLISH a 1\r\nPUBLISH b 2\r\nPUBLISH a 3");
    assert_says(one, "UNSUBSCRIBE a\r\nPING",
                MESSAGE("a", "$1\r\n1") MESSAGE("b", "$1\r\n2")
                    MESSAGE("a", "$1\r\n3") "*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:1\r\n*2\r\n$"
                                            "4\r\npong\r\n$0\r\n\r\n");
    say(&server, two, "PUBLISH a 4\r\nPUBLISH b 5");
    assert_says(one, "RESET", MESSAGE("b", "$1\r\n5") "+RESET\r\n");
}
END_TEST

START_TEST(switched_off_replies_leave_messages_and_confirmations)
{
    assert_says(one, "CLIENT REPLY OFF\r\nSUBSCRIBE a\r\nGET k", SUBSCRIBED("a", "1"));
    say(&server, two, "PUBLISH a x");
    assert_gets(one, MESSAGE("a", "$1\r\nx"));
    say(&server, one, "RESET\r\nHELLO 3\r\nSUBSCRIBE a");
    assert_says(one, "CLIENT REPLY SKIP\r\nPUBLISH a y\r\nPING",
                ">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\ny\r\n+PONG\r\n");
}
END_TEST

START_TEST(a_subscription_inside_a_transaction_holds)
{
    assert_says(one, "MULTI\r\nSUBSCRIBE a b\r\nUNSUBSCRIBE b\r\nEXEC",
                "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n" SUBSCRIBED("a", "1")
                    SUBSCRIBED("b", "2") "*3\r\n$11\r\nunsubscribe\r\n$1\r\nb\r\n:1\r\n");
    assert_says(two, "PUBLISH a x", ":1\r\n");
    assert_gets(one, MESSAGE("a", "$1\r\nx"));
    assert_says(two, "MULTI\r\nSSUBSCRIBE a\r\nEXEC",
                "+OK\r\n+QUEUED\r\n*1\r\n"
                "-ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client\r\n");
}
END_TEST

START_TEST(subscriptions_end_with_the_session)
{
    say(&server, three, "SUBSCRIBE a\r\nPSUBSCRIBE *\r\nSSUBSCRIBE a");
    say(&server, two, "PUBLISH a x");
    kvresp_session_close(three->session);
    server.client_count--;
    assert_says(two, "PUBLISH a x\r\nSPUBLISH a x\r\nPUBSUB NUMPAT", ":0\r\n:0\r\n:0\r\n");
}
END_TEST

START_TEST(channels_and_their_clients_are_counted)
{
    say(&server, one, "SUBSCRIBE a\r\nPSUBSCRIBE x* y*");
    say(&server, two, "SSUBSCRIBE s");
    const char *text = say(&server, three, "INFO stats");
    ck_assert_has(text, "pubsub_channels:1\r\npubsub_patterns:2\r\n"
                        "pubsubshard_channels:1\r\n");
    ck_assert_has(say(&server, three, "INFO clients"), "pubsub_clients:2\r\n");
    text = say(&server, three, "CLIENT LIST TYPE pubsub");
    ck_assert_has(text, "flags=P db=0 sub=1 psub=2 ssub=0");
    ck_assert_has(text, "flags=P db=0 sub=0 psub=0 ssub=1");
    ck_assert_lacks(text, "sub=0 psub=0 ssub=0");
    assert_says(three, "PUBSUB CHANNELS\r\nPUBSUB CHANNELS b*\r\nPUBSUB SHARDCHANNELS",
                "*1\r\n$1\r\na\r\n*0\r\n*1\r\n$1\r\ns\r\n");
    assert_says(three, "CLIENT KILL TYPE pubsub", ":2\r\n");
    server_run(&server, one);
    ck_assert_int_eq(one->state, KVRESP_CLOSE_NOW);
}
END_TEST

START_TEST(a_host_receives_what_a_command_publishes)
{
    kv_slice subscribe[2] = {KV_TEXT("SUBSCRIBE"), KV_TEXT("a")}, ping[1] = {KV_TEXT("PING")};
    ck_assert_int_eq(kvresp_exec(server.worker, one->session, 2, subscribe), KV_OK);
    kvresp_output_consume(one->session, kvresp_output_pending(one->session));
    ck_assert_int_eq(kv_publish(server.db, KV_TEXT("a"), KV_TEXT("x"), NULL), KV_OK);
    ck_assert_int_eq(one->wakes, 1);
    ck_assert_int_eq(kvresp_exec(server.worker, one->session, 1, ping), KV_OK);
    kv_slice output = kvresp_output(one->session);
    const char *expected = MESSAGE("a", "$1\r\nx") "*2\r\n$4\r\npong\r\n$0\r\n\r\n";
    ck_assert_uint_eq(output.size, strlen(expected));
    ck_assert_mem_eq(output.data, expected, output.size);
}
END_TEST

/* --------------------------------------------------------------------------------------- events */

START_TEST(keys_tell_what_happens_to_them)
{
    assert_says(one, "CONFIG SET notify-keyspace-events KEg$", "+OK\r\n");
    assert_says(one, "CONFIG GET notify-keyspace-events",
                "*2\r\n$22\r\nnotify-keyspace-events\r\n$4\r\ng$KE\r\n");
    say(&server, one, "PSUBSCRIBE __key*__:*");
    say(&server, two, "SELECT 3\r\nSET k v\r\nRPUSH l a");
    assert_gets(one, "*4\r\n$8\r\npmessage\r\n$10\r\n__key*__:*\r\n$16\r\n__keyspace@3__:k\r\n"
                     "$3\r\nset\r\n"
                     "*4\r\n$8\r\npmessage\r\n$10\r\n__key*__:*\r\n$18\r\n__keyevent@3__:set\r\n"
                     "$1\r\nk\r\n");
}
END_TEST

static const struct {
    const char *given, *shown; /* NULL: refused */
} event_words[] = {
    {"", ""},       {"KEA", "AKE"},   {"g$lshzxetd", "A"}, {"Kn", "nK"},
    {"mEl", "lEm"}, {"KEAn", "AnKE"}, {"xeg", "gxe"},      {"AAmmK", "AKm"},
    {"q", NULL},    {"K E", NULL},    {"a", NULL},
};

START_TEST(classes_of_events_are_letters)
{
    char line[128], expected[128];
    snprintf(line, sizeof line, "CONFIG SET notify-keyspace-events \"%s\"", event_words[_i].given);
    if (event_words[_i].shown == NULL) {
        ck_assert_has(say(&server, one, line),
                      "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
        return;
    }
    assert_says(one, line, "+OK\r\n");
    snprintf(expected, sizeof expected, "*2\r\n$22\r\nnotify-keyspace-events\r\n$%zu\r\n%s\r\n",
             strlen(event_words[_i].shown), event_words[_i].shown);
    assert_says(one, "CONFIG GET notify-keyspace-events", expected);
}
END_TEST

/* --------------------------------------------------------------------------------------- limits */

static void publish(size_t size)
{
    static char text[4096];
    ck_assert_uint_le(size, sizeof text);
    ck_assert_int_eq(kv_publish(server.db, KV_TEXT("a"), kv_bytes(text, size), NULL), KV_OK);
}

START_TEST(what_fits_a_buffer_does_not_count)
{
    static char text[20000]; /* a limit below any reply locks nobody out, but this is too much */
    ck_assert_str_eq(say(&server, one, "CONFIG SET client-output-buffer-limit \"normal 1 1 1\""),
                     "+OK\r\n");
    ck_assert_str_eq(say(&server, one, "PING"), "+PONG\r\n");
    ck_assert_int_eq(one->state, KVRESP_IDLE);
    ck_assert_int_eq(kv_set(server.db, KV_TEXT("k"), kv_bytes(text, sizeof text), NULL), KV_OK);
    server_feed(one, "GET k\r\n", 7);
    server_run(&server, one);
    ck_assert_int_eq(one->state, KVRESP_CLOSE_NOW);
}
END_TEST

START_TEST(a_slow_reader_is_dropped_at_the_hard_limit_and_nobody_else)
{
    kv_statistics before = KV_OPTIONS(kv_statistics), after = KV_OPTIONS(kv_statistics);
    say(&server, three, "CONFIG SET client-output-buffer-limit \"pubsub 100kb 0 0\"");
    say(&server, one, "SUBSCRIBE a");
    say(&server, two, "SUBSCRIBE a");
    kv_stats(server.db, &before);
    for (int i = 0; i < 1000; i++) {
        publish(1000);
        server_run(&server, two);
    }
    ck_assert_int_eq(two->state, KVRESP_IDLE);
    kv_stats(server.db, &after);
    ck_assert_uint_lt(after.bytes, before.bytes + 2000); /* what it did not read is gone */
    server_run(&server, one);
    ck_assert_int_eq(one->state, KVRESP_CLOSE_NOW);
    ck_assert_has(server.log, "overcoming of output buffer limits");
    ck_assert_has(say(&server, three, "INFO stats"),
                  "client_output_buffer_limit_disconnections:1\r\n");
}
END_TEST

START_TEST(a_slow_reader_is_dropped_when_it_stays_above_the_soft_limit)
{
    say(&server, three, "CONFIG SET client-output-buffer-limit \"pubsub 0 10kb 5\"");
    say(&server, one, "SUBSCRIBE a");
    int wakes = one->wakes;
    for (int i = 0; i < 9; i++) publish(1000);
    ck_assert_int_eq(one->wakes, wakes + 1);
    for (int i = 0; i < 300; i++) publish(1000);
    ck_assert_int_eq(one->wakes, wakes + 2); /* once more, to see to its limit */
    kvresp_worker_turn(server.worker);
    ck_assert_int_eq(kvresp_run(server.worker, one->session), KVRESP_IDLE);
    ck_assert_int_eq(kvresp_deadline(one->session), SERVER_START_MS + 5001);
    ck_assert_uint_lt(kvresp_output_pending(one->session), 200000); /* the rest is still queued */
    server.now_ms += 5001;
    kvresp_worker_turn(server.worker);
    ck_assert_int_eq(kvresp_run(server.worker, one->session), KVRESP_CLOSE_NOW);
}
END_TEST

START_TEST(what_does_not_fit_into_the_output_follows_when_that_is_sent)
{
    say(&server, one, "SUBSCRIBE a");
    for (int i = 0; i < 1000; i++) publish(1000);
    size_t received = 0;
    int wakes = one->wakes, runs = 0;
    do {
        wakes = one->wakes;
        received += strlen(server_run(&server, one)) > 0 ? server.answer.size : 0;
        runs++;
    } while (one->wakes > wakes);
    ck_assert_int_gt(runs, 5);
    ck_assert_uint_eq(received, 1000 * (strlen(MESSAGE("a", "$1000\r\n")) + 1000));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pubsub");
    TCase *tests = tcase_create("pubsub");
    tcase_set_timeout(tests, 60); /* on a busy machine, with sanitizers */
    tcase_add_checked_fixture(tests, setup, clients_teardown);
    tcase_add_test(tests, a_message_wakes_its_receivers);
    tcase_add_test(tests, shard_channels_are_apart);
    tcase_add_test(tests, a_subscribed_client_of_resp2_may_do_little_else);
    tcase_add_test(tests, a_subscribed_client_of_resp3_may_do_anything);
    tcase_add_test(tests, a_blocked_client_receives_messages);
    tcase_add_test(tests, messages_come_before_the_end_of_their_subscription);
    tcase_add_test(tests, switched_off_replies_leave_messages_and_confirmations);
    tcase_add_test(tests, a_subscription_inside_a_transaction_holds);
    tcase_add_test(tests, subscriptions_end_with_the_session);
    tcase_add_test(tests, channels_and_their_clients_are_counted);
    tcase_add_test(tests, a_host_receives_what_a_command_publishes);
    tcase_add_test(tests, keys_tell_what_happens_to_them);
    tcase_add_loop_test(tests, classes_of_events_are_letters, 0,
                        sizeof event_words / sizeof *event_words);
    tcase_add_test(tests, what_fits_a_buffer_does_not_count);
    tcase_add_test(tests, a_slow_reader_is_dropped_at_the_hard_limit_and_nobody_else);
    tcase_add_test(tests, a_slow_reader_is_dropped_when_it_stays_above_the_soft_limit);
    tcase_add_test(tests, what_does_not_fit_into_the_output_follows_when_that_is_sent);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
