/*
 * tests/resp/test_session.c -- sessions and workers: input, output, limits, waits, pauses, orders.
 */
#include "resp/aof_link.h"
#include "resp/session.h"

#include "two_clients.h"

/* ------------------------------------------------------------------------------------ pipelines */

START_TEST(a_pipeline_is_answered_in_order)
{
    assert_says(one, "SET a 1\r\nGET a\r\nINCR a\r\nNOSUCH\r\nGET b",
                "+OK\r\n$1\r\n1\r\n:2\r\n-ERR unknown command 'NOSUCH', with args beginning with: "
                "\r\n$-1\r\n");
    ck_assert_int_eq(one->state, KVRESP_IDLE);
}
END_TEST

/* More requests than are framed at once, cut into pieces of every size. */
START_TEST(a_pipeline_may_be_cut_anywhere)
{
    enum { COUNT = 200 };
    char *requests = malloc(COUNT * 64), *expected = malloc(COUNT * 32);
    size_t size = 0, expected_size = 0;
    for (int i = 0; i < COUNT; i++) {
        size += (size_t)sprintf(requests + size, "*3\r\n$3\r\nSET\r\n$4\r\nk%03d\r\n$3\r\n%03d\r\n",
                                i, i);
        size += (size_t)sprintf(requests + size, "*2\r\n$3\r\nGET\r\n$4\r\nk%03d\r\n", i);
        expected_size += (size_t)sprintf(expected + expected_size, "+OK\r\n$3\r\n%03d\r\n", i);
    }
    for (size_t piece = 1; piece < size; piece = piece * 3 / 2 + 1) {
        char *answer = malloc(expected_size + 1);
        size_t got = 0;
        for (size_t at = 0; at < size; at += piece) {
            const char *text =
                say_bytes(&server, one, requests + at, at + piece < size ? piece : size - at);
            memcpy(answer + got, text, server.answer.size);
            got += server.answer.size;
        }
        ck_assert_uint_eq(got, expected_size);
        ck_assert_mem_eq(answer, expected, expected_size);
        free(answer);
    }
    free(requests);
    free(expected);
}
END_TEST

START_TEST(a_request_of_many_arguments_is_executed)
{
    enum { COUNT = 5000 };
    kv_buffer request = {0};
    text_format(&request, "*%d\r\n$5\r\nRPUSH\r\n$1\r\nl\r\n", COUNT + 2);
    for (int i = 0; i < COUNT; i++) text_format(&request, "$4\r\n%04d\r\n", i);
    ck_assert_str_eq(say_bytes(&server, one, request.data, request.size), ":5000\r\n");
    assert_says(one, "LINDEX l 4999", "$4\r\n4999\r\n");
    kv_buffer_free(&request);
}
END_TEST

START_TEST(a_large_value_goes_in_and_out)
{
    enum { SIZE = 3 << 20 };
    kv_buffer request = {0};
    text_format(&request, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n", SIZE);
    char *value = malloc(SIZE + 2);
    for (int i = 0; i < SIZE; i++) value[i] = (char)(i * 7);
    memcpy(value + SIZE, "\r\n", 2);
    text_append(&request, kv_bytes(value, SIZE + 2));
    ck_assert_str_eq(say_bytes(&server, one, request.data, request.size), "+OK\r\n");
    say(&server, one, "GET k");
    ck_assert_uint_eq(server.answer.size, 10 + SIZE + 2);
    ck_assert_mem_eq((char *)server.answer.data + 10, value, SIZE);
    ck_assert_uint_eq(one->session->input.capacity, 0); /* and nothing of it is kept */
    ck_assert_uint_eq(one->session->reply.capacity, 0);
    free(value);
    kv_buffer_free(&request);
}
END_TEST

START_TEST(a_protocol_error_comes_after_the_answers_before_it)
{
    const char *answer = say(&server, one, "PING\r\n*1\r\n#\r\nPING");
    ck_assert_str_eq(answer, "+PONG\r\n-ERR Protocol error: expected '$', got '#'\r\n");
    ck_assert_int_eq(one->state, KVRESP_CLOSE);
    ck_assert_int_eq(kvresp_run(server.worker, one->session),
                     KVRESP_CLOSE); /* and nothing after it */
}
END_TEST

START_TEST(much_output_stops_execution_until_it_is_taken)
{
    char *big = malloc(70000);
    memset(big, 'x', 70000);
    kv_set(server.db, KV_TEXT("big"), kv_bytes(big, 70000), NULL);
    const char *requests = "GET big\r\nGET big\r\nGET big\r\nGET big\r\nPING\r\n";
    server_feed(one, requests, strlen(requests));
    kvresp_worker_turn(server.worker);
    ck_assert_int_eq(kvresp_run(server.worker, one->session), KVRESP_OUTPUT_FULL);
    ck_assert_uint_eq(kvresp_output_pending(one->session), 2 * (70000 + 10));
    kvresp_output_consume(one->session, kvresp_output_pending(one->session));
    ck_assert_str_eq(server_run(&server, one) + 2 * (70000 + 10), "+PONG\r\n");
    free(big);
}
END_TEST

/* --------------------------------------------------------------------------------------- limits */

START_TEST(the_query_buffer_has_a_limit)
{
    assert_says(one, "CONFIG SET client-query-buffer-limit 1mb", "+OK\r\n");
    const char *begin = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4000000\r\n";
    server_feed(one, begin, strlen(begin));
    void *space;
    size_t room, sent = strlen(begin);
    for (;;) {
        kvresp_worker_turn(server.worker);
        ck_assert_int_eq(kvresp_run(server.worker, one->session), KVRESP_IDLE);
        if (kvresp_input_space(one->session, &space, &room) != KV_OK) break;
        memset(space, 'x', room);
        kvresp_input_add(one->session, room);
        sent += room;
    }
    ck_assert_int_eq(kvresp_input_space(one->session, &space, &room), KV_TOOBIG);
    ck_assert_uint_eq(sent, (1 << 20) + 1);
}
END_TEST

START_TEST(what_a_transaction_queues_counts_for_the_query_buffer)
{
    char line[1024 + 1];
    void *space;
    size_t room, sent = 0;
    snprintf(line, sizeof line, "SET k %01016d\r\n", 1);
    assert_says(one, "CONFIG SET client-query-buffer-limit 1mb\r\nMULTI", "+OK\r\n+OK\r\n");
    while (sent < 4 << 20 && kvresp_input_space(one->session, &space, &room) == KV_OK) {
        for (size_t i = 0; i < room; i++) ((char *)space)[i] = line[(sent + i) % 1024];
        kvresp_input_add(one->session, room);
        sent += room;
        server_run(&server, one);
    }
    ck_assert_int_eq(kvresp_input_space(one->session, &space, &room), KV_TOOBIG);
    ck_assert_uint_gt(sent, 800 << 10);
    ck_assert_uint_le(sent, 1 << 20);
    assert_says(two, "MULTI\r\nGET a\r\nEXEC", "+OK\r\n+QUEUED\r\n*1\r\n$-1\r\n");
}
END_TEST

START_TEST(output_beyond_the_hard_limit_closes_at_once)
{
    assert_says(one, "CONFIG SET client-output-buffer-limit \"normal 1kb 0 0\"", "+OK\r\n");
    assert_says(one, "SET k 1", "+OK\r\n");
    assert_says(one, "SETRANGE k 20000 x", ":20001\r\n");
    say(&server, one, "GET k");
    ck_assert_int_eq(one->state, KVRESP_CLOSE_NOW);
    ck_assert_has(server.log, "output buffer limits");
    ck_assert_has(say(&server, two, "INFO stats"),
                  "client_output_buffer_limit_disconnections:1\r\n");
}
END_TEST

START_TEST(output_beyond_the_soft_limit_closes_after_its_time)
{
    assert_says(one, "CONFIG SET client-output-buffer-limit \"normal 0 100 10\"", "+OK\r\n");
    assert_says(one, "SETRANGE k 17000 x", ":17001\r\n");
    server_feed(one, "GET k\r\n", 7);
    kvresp_worker_turn(server.worker);
    ck_assert_int_eq(kvresp_run(server.worker, one->session), KVRESP_IDLE);
    ck_assert_int_eq(kvresp_deadline(one->session), SERVER_START_MS + 10001);
    server.now_ms += 10000;
    kvresp_worker_turn(server.worker);
    ck_assert_int_eq(kvresp_run(server.worker, one->session), KVRESP_IDLE);
    server.now_ms += 1;
    kvresp_worker_turn(server.worker);
    ck_assert_int_eq(kvresp_run(server.worker, one->session), KVRESP_CLOSE_NOW);
}
END_TEST

/* ---------------------------------------------------------------------------------------- waits */

START_TEST(a_waiting_client_is_served_by_a_push)
{
    assert_says(one, "BLPOP a b 0\r\nPING", "");
    ck_assert_int_eq(one->state, KVRESP_BLOCKED);
    ck_assert(!kvresp_session_is_idle(one->session));
    ck_assert_int_eq(kvresp_deadline(one->session), KV_NEVER);
    assert_says(two, "RPUSH b x y", ":2\r\n");
    ck_assert_int_eq(one->wakes, 1);
    ck_assert_str_eq(server_run(&server, one), "*2\r\n$1\r\nb\r\n$1\r\nx\r\n+PONG\r\n");
    assert_says(two, "LRANGE b 0 -1", "*1\r\n$1\r\ny\r\n");
    ck_assert_has(say(&server, two, "INFO clients"), "blocked_clients:0\r\n");
}
END_TEST

START_TEST(info_counts_keys_that_are_waited_for_and_what_is_freed_later)
{
    say(&server, one, "BLPOP a b a 0");
    ck_assert_has(say(&server, two, "INFO clients"), "total_blocking_keys:2\r\n");
    say(&server, two, "RPUSH a x");
    server_run(&server, one);
    ck_assert_has(say(&server, two, "INFO clients"), "total_blocking_keys:0\r\n");

    say(&server, two, "MSET a 1 b 2 c 3\r\nFLUSHALL ASYNC");
    ck_assert_has(say(&server, two, "INFO memory"),
                  "lazyfree_pending_objects:3\r\nlazyfreed_objects:0\r\n");
    while (kv_tick(server.db, 0) == KV_MORE) continue;
    ck_assert_has(say(&server, two, "INFO memory"),
                  "lazyfree_pending_objects:0\r\nlazyfreed_objects:3\r\n");
    assert_says(two, "CONFIG RESETSTAT", "+OK\r\n");
    ck_assert_has(say(&server, two, "INFO memory"), "lazyfreed_objects:0\r\n");
}
END_TEST

START_TEST(each_waiting_command_has_its_form_of_reply)
{
    say(&server, one, "BLMPOP 0 2 a b RIGHT COUNT 2");
    assert_says(two, "RPUSH b x y z", ":3\r\n");
    ck_assert_str_eq(server_run(&server, one), "*2\r\n$1\r\nb\r\n*2\r\n$1\r\nz\r\n$1\r\ny\r\n");
    say(&server, one, "BLMOVE a b LEFT RIGHT 0");
    assert_says(two, "RPUSH a w", ":1\r\n");
    ck_assert_str_eq(server_run(&server, one), "$1\r\nw\r\n");
    say(&server, one, "BRPOPLPUSH a b 0");
    assert_says(two, "RPUSH a v", ":1\r\n");
    ck_assert_str_eq(server_run(&server, one), "$1\r\nv\r\n");
    assert_says(two, "LRANGE b 0 -1", "*3\r\n$1\r\nv\r\n$1\r\nx\r\n$1\r\nw\r\n");
    say(&server, one, "BLMOVE a b LEFT RIGHT 0");
    assert_says(two, "DEL b\r\nSET b 1\r\nRPUSH a u", ":1\r\n+OK\r\n:1\r\n");
    ck_assert_str_eq(server_run(&server, one),
                     "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
}
END_TEST

#define NO_GROUP \
    "-NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option\r\n"
#define WRONG_TYPE "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"

/* As Redis 7.2 does; 7.0 has other words for some of it. */
START_TEST(who_reads_with_a_group_is_told_when_it_goes)
{
    static const struct {
        const char *request, *reply, *told;
    } rows[] = {
        {"XGROUP DESTROY s g", ":1\r\n", NO_GROUP},
        {"DEL s", ":1\r\n", NO_GROUP},
        {"UNLINK s", ":1\r\n", NO_GROUP},
        {"FLUSHDB", "+OK\r\n", NO_GROUP},
        {"EXPIRE s -1", ":1\r\n", NO_GROUP},
        {"RENAME s x", "+OK\r\n", NO_GROUP},
        {"MOVE s 1", ":1\r\n", NO_GROUP},
        {"SWAPDB 0 1", "+OK\r\n", NO_GROUP},
        {"SET s v", "+OK\r\n", WRONG_TYPE},
        {"SUNIONSTORE s members", ":1\r\n", WRONG_TYPE},
        {"COPY other s REPLACE", ":1\r\n", NO_GROUP},
        {"MULTI\r\nDEL s\r\nRPUSH s x\r\nEXEC", "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:1\r\n:1\r\n",
         WRONG_TYPE},
        {"MULTI\r\nDEL s\r\nXGROUP CREATE s g $ MKSTREAM\r\nXADD s 5-1 a b\r\nEXEC",
         "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n:1\r\n+OK\r\n$3\r\n5-1\r\n",
         "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n5-1\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        say(&server, two, "FLUSHALL\r\nSADD members a\r\nXADD other 9-9 a b\r\nXADD s 1-1 a b");
        assert_says(two, "XGROUP CREATE s g $", "+OK\r\n");
        assert_says(one, "XREADGROUP GROUP g c BLOCK 0 STREAMS s >", "");
        ck_assert_int_eq(one->state, KVRESP_BLOCKED);
        assert_says(two, rows[i].request, rows[i].reply);
        ck_assert_str_eq(server_run(&server, one), rows[i].told);
    }
}
END_TEST

START_TEST(who_reads_a_stream_goes_on_waiting_when_it_goes)
{
    assert_says(two, "XADD s 1-1 a b", "$3\r\n1-1\r\n");
    assert_says(one, "XREAD BLOCK 0 STREAMS t s $ $", "");
    assert_says(two, "DEL s\r\nSET s v\r\nDEL s", ":1\r\n+OK\r\n:1\r\n");
    assert_says(two, "XADD s 1-1 a b", "$3\r\n1-1\r\n");
    ck_assert_str_eq(server_run(&server, one), "");
    assert_says(two, "XADD s 1-2 c d\r\nXDEL s 1-2", "$3\r\n1-2\r\n:1\r\n");
    ck_assert_str_eq(server_run(&server, one), "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-2\r\n"
                                               "*2\r\n$1\r\nc\r\n$1\r\nd\r\n");
}
END_TEST

START_TEST(a_wait_ends_at_its_deadline)
{
    assert_says(one, "BLPOP a 1.5", "");
    ck_assert_int_eq(kvresp_deadline(one->session), SERVER_START_MS + 1500);
    server.now_ms += 1499;
    ck_assert_str_eq(server_run(&server, one), "");
    ck_assert_int_eq(one->state, KVRESP_BLOCKED);
    server.now_ms += 1;
    ck_assert_str_eq(server_run(&server, one), "*-1\r\n");
    assert_says(one, "HELLO 3\r\nBLPOP a 1", server.answer.data);
    server.now_ms += 1000;
    ck_assert_str_eq(server_run(&server, one), "_\r\n");
}
END_TEST

START_TEST(a_wait_can_be_ended_by_another)
{
    assert_says(two, "CLIENT UNBLOCK 1", ":0\r\n");
    say(&server, one, "BLPOP a 0");
    assert_says(two, "CLIENT UNBLOCK 1\r\nCLIENT UNBLOCK 1", ":1\r\n:0\r\n");
    ck_assert_int_eq(one->wakes, 1);
    ck_assert_str_eq(server_run(&server, one), "*-1\r\n");
    say(&server, one, "BLPOP a 0");
    assert_says(two, "CLIENT UNBLOCK 1 ERROR", ":1\r\n");
    ck_assert_str_eq(server_run(&server, one),
                     "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n");
}
END_TEST

START_TEST(a_session_may_close_while_it_waits)
{
    say(&server, one, "BLPOP a 0");
    kvresp_session_close(one->session);
    one->session = NULL;
    assert_says(two, "RPUSH a x\r\nLLEN a", ":1\r\n:1\r\n");
    ck_assert_int_eq(one->wakes, 0);
}
END_TEST

START_TEST(in_process_execution_does_not_wait)
{
    kv_slice blpop[] = {KV_TEXT("blpop"), KV_TEXT("a"), KV_TEXT("0")};
    ck_assert_int_eq(kvresp_exec(server.worker, one->session, 3, blpop), KV_OK);
    kv_slice output = kvresp_output(one->session);
    ck_assert(text_equal(output, KV_TEXT("*-1\r\n")));
    kvresp_output_consume(one->session, output.size);
    ck_assert_int_eq(kvresp_exec(server.worker, one->session, 0, blpop), KV_BADARG);
}
END_TEST

/* --------------------------------------------------------------------------------------- pauses */

START_TEST(a_pause_holds_commands_back_until_its_end)
{
    assert_says(two, "CLIENT PAUSE 1000", "+OK\r\n");
    assert_says(one, "PING\r\nGET a", "");
    ck_assert_int_eq(one->state, KVRESP_PAUSED);
    ck_assert_int_eq(kvresp_deadline(one->session), SERVER_START_MS + 1000);
    server.now_ms += 999;
    ck_assert_str_eq(server_run(&server, one), "");
    server.now_ms += 1;
    ck_assert_str_eq(server_run(&server, one), "+PONG\r\n$-1\r\n");
    ck_assert_int_eq(one->state, KVRESP_IDLE);
}
END_TEST

START_TEST(a_pause_of_writes_lets_reads_pass)
{
    assert_says(two, "CLIENT PAUSE 1000 WRITE", "+OK\r\n");
    assert_says(one, "GET a\r\nSET a 1\r\nGET a", "$-1\r\n");
    ck_assert_int_eq(one->state, KVRESP_PAUSED);
    assert_says(two, "MULTI\r\nGET a\r\nEXEC", "+OK\r\n+QUEUED\r\n*1\r\n$-1\r\n");
    assert_says(two, "MULTI\r\nSET a 2\r\nEXEC", "+OK\r\n");
    ck_assert_int_eq(two->state, KVRESP_PAUSED);
}
END_TEST

START_TEST(a_second_pause_only_makes_the_first_longer_or_stricter)
{
    assert_says(two, "CLIENT PAUSE 1000 WRITE\r\nCLIENT PAUSE 10 WRITE", "+OK\r\n+OK\r\n");
    assert_says(one, "GET a\r\nSET a 1", "$-1\r\n");
    ck_assert_int_eq(kvresp_deadline(one->session), SERVER_START_MS + 1000);
    assert_says(two, "MULTI\r\nCLIENT PAUSE 10 ALL\r\nCLIENT PAUSE 2000 WRITE\r\nEXEC",
                "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n+OK\r\n");
    assert_says(two, "GET a", "");
    server.now_ms += 2000;
    ck_assert_str_eq(server_run(&server, two), "$-1\r\n");
    ck_assert_str_eq(server_run(&server, one), "+OK\r\n");

    assert_says(two, "CLIENT PAUSE 10 ALL", "+OK\r\n");
    server.now_ms += 10;
    kvresp_session *fresh = NULL;
    ck_assert_int_eq(kvresp_session_open(server.resp, NULL, &fresh), KV_OK);
    const kv_slice pause[] = {kv_text("CLIENT"), kv_text("PAUSE"), kv_text("5"), kv_text("WRITE")};
    ck_assert_int_eq(kvresp_exec(server.worker, fresh, 4, pause), KV_OK);
    kvresp_session_close(fresh);
    assert_says(one, "GET a", "$1\r\n1\r\n"); /* what is over counts for nothing */
}
END_TEST

START_TEST(the_end_of_a_pause_wakes_those_held_back)
{
    assert_says(two, "CLIENT PAUSE 1000 WRITE", "+OK\r\n");
    say(&server, one, "SET a 1");
    assert_says(two, "CLIENT UNPAUSE", "+OK\r\n");
    ck_assert_int_eq(one->wakes, 1);
    ck_assert_str_eq(server_run(&server, one), "+OK\r\n");

    assert_says(two, "CLIENT PAUSE 1000 WRITE", "+OK\r\n");
    say(&server, one, "SET a 2");
    server.now_ms += 1000;
    kvresp_cron(server.resp, 1000);
    ck_assert_int_eq(one->wakes, 2);
}
END_TEST

/* --------------------------------------------------------------------------------------- orders */

START_TEST(a_killed_client_is_closed_at_once)
{
    assert_says(two, "CLIENT KILL ID 1", ":1\r\n");
    ck_assert_int_eq(one->wakes, 1);
    say(&server, one, "PING");
    ck_assert_int_eq(one->state, KVRESP_CLOSE_NOW);
    ck_assert_str_eq(server.answer.data, "");
}
END_TEST

START_TEST(a_client_that_kills_itself_gets_its_answer)
{
    assert_says(one, "CLIENT KILL 127.0.0.1:1001\r\nPING", "+OK\r\n");
    ck_assert_int_eq(one->state, KVRESP_CLOSE);
    assert_says(two, "CLIENT KILL ADDR 127.0.0.1:1002", ":0\r\n"); /* SKIPME is the default */
    assert_says(two, "CLIENT KILL ADDR 127.0.0.1:1002 SKIPME NO", ":1\r\n");
    ck_assert_int_eq(two->state, KVRESP_CLOSE);
}
END_TEST

START_TEST(clients_are_listed_and_filtered)
{
    assert_says(one, "CLIENT SETNAME first\r\nSELECT 3\r\nMULTI", "+OK\r\n+OK\r\n+OK\r\n");
    const char *list = say(&server, two, "CLIENT LIST");
    ck_assert_has(list, "id=1 addr=127.0.0.1:1001 laddr=127.0.0.1:6379 fd=11 name=first age=0 "
                        "idle=0 flags=x db=3 sub=0 psub=0 ssub=0 multi=0 ");
    ck_assert_has(list, "\nid=2 addr=127.0.0.1:1002 ");
    ck_assert_has(list, " cmd=client|list user=default redir=-1 resp=2 lib-name= lib-ver=\n\r\n");
    ck_assert_lacks(say(&server, two, "CLIENT LIST ID 1"), "id=2");
    assert_says(two, "CLIENT LIST TYPE pubsub", "$0\r\n\r\n");
    assert_says(two, "CLIENT KILL ID 1\r\nCLIENT KILL ID 1", ":1\r\n:0\r\n");
}
END_TEST

/* ----------------------------------------------------------------------------------- connection */

START_TEST(replies_can_be_switched_off)
{
    assert_says(one, "CLIENT REPLY OFF\r\nPING\r\nNOSUCH\r\nCLIENT REPLY ON\r\nPING",
                "+OK\r\n+PONG\r\n");
    assert_says(one, "CLIENT REPLY SKIP\r\nSET a 1\r\nGET a", "$1\r\n1\r\n");
    assert_says(one, "CLIENT REPLY OFF\r\nCLIENT REPLY SKIP\r\nPING\r\nPING", "");
}
END_TEST

START_TEST(replies_that_are_switched_off_do_not_come_after_a_wait_either)
{
    assert_says(one, "CLIENT REPLY SKIP\r\nBLPOP a 0\r\nPING", "");
    assert_says(two, "RPUSH a x", ":1\r\n");
    assert_says(one, "", "+PONG\r\n"); /* one reply was skipped, not two */
    assert_says(one, "CLIENT REPLY OFF\r\nBLPOP a 0", "");
    assert_says(two, "CLIENT UNBLOCK 1 ERROR", ":1\r\n");
    assert_says(one, "CLIENT REPLY ON", "+OK\r\n");
}
END_TEST

START_TEST(strangers_may_only_introduce_themselves)
{
    assert_says(one, "CONFIG SET requirepass secret", "+OK\r\n");
    assert_says(one, "PING", "+PONG\r\n"); /* it was let in before */
    struct server_client *three = server_client(&server);
    assert_says(three, "PING", "-NOAUTH Authentication required.\r\n");
    assert_says(three, "AUTH wrong",
                "-WRONGPASS invalid username-password pair or user is disabled.\r\n");
    assert_says(three, "AUTH other secret",
                "-WRONGPASS invalid username-password pair or user is disabled.\r\n");
    assert_says(three, "AUTH secret\r\nPING", "+OK\r\n+PONG\r\n");
    assert_says(three, "RESET\r\nPING", "+RESET\r\n-NOAUTH Authentication required.\r\n");
    assert_says(three, "HELLO 2 AUTH default secret SETNAME n\r\nCLIENT GETNAME",
                "*14\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.2.4\r\n$"
                "5\r\nproto\r\n:2\r\n"
                "$2\r\nid\r\n:3\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$"
                "6\r\nmaster\r\n$7\r\nmodules\r\n"
                "*0\r\n$1\r\nn\r\n");
    struct server_client *four = server_client(&server);
    assert_says(four, "*11\r\n", "-ERR Protocol error: unauthenticated multibulk length\r\n");
    ck_assert_int_eq(four->state, KVRESP_CLOSE);
}
END_TEST

START_TEST(a_trusted_session_needs_no_password)
{
    assert_says(one, "CONFIG SET requirepass secret", "+OK\r\n");
    kvresp_session_options options = KV_OPTIONS(kvresp_session_options);
    struct server_client trusted = {0};
    options.is_trusted = true;
    ck_assert_int_eq(kvresp_session_open(server.resp, &options, &trusted.session), KV_OK);
    assert_says(&trusted, "PING\r\nRESET\r\nPING", "+PONG\r\n+RESET\r\n+PONG\r\n");
    kvresp_session_close(trusted.session);
}
END_TEST

START_TEST(quit_ends_a_pipeline)
{
    assert_says(one, "PING\r\nQUIT\r\nPING", "+PONG\r\n+OK\r\n");
    ck_assert_int_eq(one->state, KVRESP_CLOSE);
}
END_TEST

START_TEST(a_browser_is_shown_the_door_without_a_word)
{
    assert_says(one, "PING\r\nPOST / HTTP/1.1\r\nSET a 1", "+PONG\r\n");
    ck_assert_int_eq(one->state, KVRESP_CLOSE_NOW);
    ck_assert_has(server.log, "SECURITY");
    assert_says(two, "EXISTS a", ":0\r\n");
}
END_TEST

START_TEST(shutdown_is_the_host_s_decision)
{
    assert_says(one, "SHUTDOWN NOSAVE", "-ERR Errors trying to SHUTDOWN. Check logs.\r\n");
    server.may_shut_down = true;
    assert_says(one, "SHUTDOWN NOW FORCE", "");
    ck_assert_uint_eq(server.shutdown_flags, KVRESP_SHUTDOWN_NOW | KVRESP_SHUTDOWN_FORCE);
    ck_assert_int_eq(one->state, KVRESP_CLOSE);
}
END_TEST

/* -------------------------------------------------------------------------------------- loading */

#define LOADING "-LOADING Redis is loading the dataset in memory\r\n"

START_TEST(what_needs_the_data_is_refused_while_it_is_loaded)
{
    static const char *const refused[] = {
        "PING",      "GET a",       "SET a b", "DBSIZE",
        "KEYS *",    "BLPOP a 0",   "SCAN 0",  "OBJECT ENCODING a",
        "FLUSHALL",  "SWAPDB 0 1",  "TOUCH a", "MEMORY USAGE a",
        "LPUSH a b", "EXPIRE a 10", "DEL a",   "MSET a b c d"};
    kvresp_loading_begin(server.resp);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        ck_assert_msg(strcmp(say(&server, one, refused[i]), LOADING) == 0, "%s", refused[i]);
    }
    assert_says(one, "ECHO hello", "$5\r\nhello\r\n");
    assert_says(one, "SELECT 1", "+OK\r\n");
    assert_says(one, "CONFIG SET slowlog-max-len 5", "+OK\r\n");
    assert_says(one, "CLIENT ID", ":1\r\n");
    /* A mistake is told as such. */
    assert_says(one, "GET", "-ERR wrong number of arguments for 'get' command\r\n");
    assert_says(one, "NO", "-ERR unknown command 'NO', with args beginning with: \r\n");
    kvresp_loading_end(server.resp);
    assert_says(one, "PING", "+PONG\r\n");
    assert_says(one, "SET a b", "+OK\r\n");
}
END_TEST

START_TEST(transactions_run_while_loading_if_they_need_no_data)
{
    assert_says(two, "MULTI", "+OK\r\n");
    assert_says(two, "SET a 1", "+QUEUED\r\n");
    assert_says(two, "ECHO b", "+QUEUED\r\n");
    kvresp_loading_begin(server.resp);
    assert_says(one, "MULTI", "+OK\r\n");
    assert_says(one, "ECHO a", "+QUEUED\r\n");
    assert_says(one, "EXEC", "*1\r\n$1\r\na\r\n");
    assert_says(one, "MULTI", "+OK\r\n");
    assert_says(one, "GET a", LOADING);
    assert_says(one, "EXEC", "-EXECABORT Transaction discarded because of previous errors.\r\n");
    /* Queued before. */
    assert_says(two, "EXEC",
                "-EXECABORT Transaction discarded because of: LOADING Redis is loading the dataset "
                "in memory\r\n");
    kvresp_loading_end(server.resp);
    assert_says(two, "GET a", "$-1\r\n");
}
END_TEST

START_TEST(info_tells_how_far_loading_is)
{
    ck_assert_has(say(&server, one, "INFO persistence"), "\nloading:0\r\n");
    ck_assert_lacks(say(&server, one, "INFO persistence"), "loading_");
    kvresp_loading_begin(server.resp);
    const char *info = say(&server, one, "INFO persistence");
    ck_assert_has(info, "\nloading:1\r\nasync_loading:0\r\n");
    ck_assert_has(info, "\nloading_start_time:1700000\r\n"
                        "loading_total_bytes:0\r\nloading_rdb_used_mem:0\r\n"
                        "loading_loaded_bytes:0\r\nloading_loaded_perc:0.00\r\n"
                        "loading_eta_seconds:1\r\n");
    kvresp_loading_progress(server.resp, 500, 2000);
    ck_assert_has(say(&server, one, "INFO persistence"),
                  "\nloading_total_bytes:2000\r\nloading_rdb_used_mem:0\r\n"
                  "loading_loaded_bytes:500\r\nloading_loaded_perc:25.00\r\n"
                  "loading_eta_seconds:");
    kvresp_loading_end(server.resp);
    ck_assert_lacks(say(&server, one, "INFO persistence"), "loading_");
}
END_TEST

START_TEST(debug_adds_no_keys_while_loading)
{
    assert_says(one, "CONFIG GET enable-debug-command",
                "*2\r\n$20\r\nenable-debug-command\r\n$2\r\nno\r\n");
    char message[256];
    ck_assert_ptr_null(
        kvresp_config_set(server.resp, "enable-debug-command", KV_TEXT("yes"), true, message));
    kvresp_loading_begin(server.resp);
    assert_says(one, "DEBUG SLEEP 0", "+OK\r\n");
    assert_says(one, "DEBUG POPULATE 1", LOADING);
    kvresp_loading_end(server.resp);
    assert_says(one, "DBSIZE", ":0\r\n");
}
END_TEST

#undef LOADING

/* ------------------------------------------------------------------------- the append-only file */

/* A stand-in for the file: says what it is told to say. */
static struct {
    struct aof_link link;
    const char *refusal;
    bool holds, is_full;
    uint64_t position, durable;
    struct aof_waiter *waiter;
    uint64_t awaited;
} file;

static const char *file_refusal(void *context)
{
    (void)context;
    return file.refusal;
}

static bool file_holds_replies(void *context)
{
    (void)context;
    return file.holds;
}

static bool file_is_full(void *context)
{
    (void)context;
    return file.is_full;
}

static uint64_t file_position(void *context)
{
    (void)context;
    return file.position += 100;
}

static uint64_t file_held(void *context)
{
    (void)context;
    return file.position - file.durable;
}

static bool file_is_durable(void *context, uint64_t position)
{
    (void)context;
    return position <= file.durable;
}

static void file_await(void *context, struct aof_waiter *waiter, uint64_t position)
{
    (void)context;
    file.waiter = waiter;
    file.awaited = position;
}

static void file_forget(void *context, struct aof_waiter *waiter)
{
    (void)context;
    if (file.waiter == waiter) file.waiter = NULL;
}

static void file_stat(void *context, kvresp_aof_status *status)
{
    (void)context;
    *status = (kvresp_aof_status){.size = status->size, .is_on = true};
}

static kv_status file_rewrite(void *context, bool schedules)
{
    (void)context;
    (void)schedules;
    return KV_BUSY;
}

static kv_status file_reload(void *context)
{
    (void)context;
    return KV_BUSY;
}

static void file_leave(void *context)
{
    (void)context;
}

static void attach_file(void)
{
    memset(&file, 0, sizeof file);
    file.link = (struct aof_link){.refusal = file_refusal,
                                  .holds_replies = file_holds_replies,
                                  .is_full = file_is_full,
                                  .position = file_position,
                                  .held = file_held,
                                  .is_durable = file_is_durable,
                                  .await = file_await,
                                  .forget = file_forget,
                                  .stat = file_stat,
                                  .rewrite = file_rewrite,
                                  .reload = file_reload,
                                  .leave = file_leave};
    resp_attach_link(server.resp, &file.link);
}

START_TEST(writes_are_refused_while_the_disk_fails)
{
    attach_file();
    file.refusal = "No space left on device";
    const char *error = "-MISCONF Errors writing to the AOF file: No space left on device\r\n";
    assert_says(one, "SET a 1", error);
    assert_says(one, "PING", error);
    assert_says(one, "GET a", "$-1\r\n");
    assert_says(one, "MULTI\r\nGET a\r\nEXEC", "+OK\r\n+QUEUED\r\n*1\r\n$-1\r\n");
    file.refusal = NULL;
    assert_says(one, "SET a 1", "+OK\r\n");
}
END_TEST

START_TEST(replies_to_writes_wait_until_they_are_durable)
{
    attach_file();
    file.holds = true;
    assert_says(one, "GET a", "$-1\r\n");
    assert_says(one, "SET a 1\r\nGET a", "");
    ck_assert_uint_eq(kvresp_output_pending(one->session), 5 + 7);
    ck_assert_uint_eq(file.awaited, 100);
    assert_says(one, "GET a", ""); /* replies stay in order */
    file.durable = 99;
    ck_assert_uint_eq(kvresp_output(one->session).size, 0);
    file.durable = 100;
    file.waiter->wake(file.waiter->context);
    ck_assert_int_eq(one->wakes, 1);
    ck_assert_str_eq(server_run(&server, one), "+OK\r\n$1\r\n1\r\n$1\r\n1\r\n");
    assert_says(one, "GET a", "$1\r\n1\r\n");
}
END_TEST

START_TEST(what_is_durable_goes_out_before_what_is_not)
{
    attach_file();
    file.holds = true;
    for (int i = 0; i < 20; i++) say(&server, one, "INCR a"); /* more than marks are kept for */
    ck_assert_uint_eq(kvresp_output_pending(one->session), 9 * 4 + 11 * 5);
    file.durable = 300;
    ck_assert_str_eq(server_run(&server, one), ":1\r\n:2\r\n:3\r\n");
    file.durable = 1999; /* the last mark stands for all that came after it */
    ck_assert_str_eq(server_run(&server, one), ":4\r\n:5\r\n:6\r\n:7\r\n");
    file.durable = 2000;
    ck_assert_uint_eq(strlen(server_run(&server, one)), 2 * 4 + 11 * 5);
}
END_TEST

START_TEST(writes_pause_while_the_disk_is_behind)
{
    attach_file();
    file.is_full = true;
    assert_says(one, "GET a\r\nSET a 1\r\nGET a", "$-1\r\n");
    ck_assert_int_eq(one->state, KVRESP_PAUSED);
    ck_assert_uint_eq(file.awaited, AOF_AWAIT_ROOM);
    ck_assert_int_eq(kvresp_deadline(one->session), KV_NEVER); /* a past one would make it spin */
    file.is_full = false;
    ck_assert_str_eq(server_run(&server, one), "+OK\r\n$1\r\n1\r\n");
}
END_TEST

START_TEST(a_pause_while_the_disk_is_behind_has_its_end)
{
    attach_file();
    file.is_full = true;
    assert_says(two, "CLIENT PAUSE 1000 WRITE", "+OK\r\n");
    assert_says(one, "SET a 1", "");
    ck_assert_int_eq(kvresp_deadline(one->session), SERVER_START_MS + 1000);
    ck_assert_uint_eq(file.awaited, 0);
    server.now_ms += 1000;
    ck_assert_str_eq(server_run(&server, one), "");
    ck_assert_int_eq(kvresp_deadline(one->session), KV_NEVER);
    ck_assert_uint_eq(file.awaited, AOF_AWAIT_ROOM);
    file.is_full = false;
    ck_assert_str_eq(server_run(&server, one), "+OK\r\n");
}
END_TEST

/* ----------------------------------------------------------------------------------- statistics */

START_TEST(calls_errors_and_refusals_are_counted)
{
    say(&server, one, "SET a x\r\nGET a\r\nGET a\r\nGET\r\nINCR a\r\nLPUSH a 1\r\nNOSUCH");
    say(&server, one, "MULTI\r\nINCR a\r\nGET a\r\nEXEC");
    const char *text = say(&server, two, "INFO commandstats errorstats stats");
    ck_assert_has(text, "\ncmdstat_get:calls=3,");
    ck_assert_has(strstr(text, "\ncmdstat_get:"), "rejected_calls=1,failed_calls=0\r\n");
    ck_assert_has(strstr(text, "\ncmdstat_incr:calls=2,"), "rejected_calls=0,failed_calls=2\r\n");
    ck_assert_has(strstr(text, "\ncmdstat_exec:calls=1,"), "rejected_calls=0,failed_calls=0\r\n");
    ck_assert_has(text, "\nerrorstat_ERR:count=4\r\n");
    ck_assert_has(text, "\nerrorstat_WRONGTYPE:count=1\r\n");
    ck_assert_has(text, "\ntotal_error_replies:5\r\n");
    ck_assert_has(text, "\ntotal_commands_processed:9\r\n");
    assert_says(one, "CONFIG RESETSTAT", "+OK\r\n");
    text = say(&server, two, "INFO commandstats errorstats");
    ck_assert_lacks(text, "cmdstat_get");
    ck_assert_lacks(text, "errorstat_");
}
END_TEST

/* Each with the hits and misses that Redis counts for it. */
static const struct {
    const char *line;
    int hits, misses;
} looks[] = {
    {"GET s", 1, 0},
    {"GETEX s", 1, 0},
    {"GETEX s EX 100", 1, 0},
    {"GETEX none EX 100", 0, 1},
    {"GETEX l EX 100", 1, 0},
    {"LCS s t", 2, 0},
    {"LCS s t LEN", 2, 0},
    {"LCS s t IDX", 2, 0},
    {"LCS s none", 1, 1},
    {"OBJECT ENCODING s", 1, 0},
    {"OBJECT IDLETIME none", 0, 0}, /* Redis counts a miss here, without an event */
    {"MEMORY USAGE s", 0, 0},
    {"XRANGE x - + COUNT 0", 1, 0},
    {"XADD none NOMKSTREAM * a b", 0, 0},
    {"XDEL none 1-1", 0, 0},
    {"XREAD STREAMS x none $ 0", 2, 2},
    {"XREADGROUP GROUP g c STREAMS x >", 2, 0},
    {"XREADGROUP GROUP g c STREAMS none >", 0, 1},
    {"XACK none g 1-1", 0, 1},
    {"XPENDING x g - + 0", 1, 0},
    {"XCLAIM x g c 0 1-1", 1, 0},
    {"XAUTOCLAIM none g c 0 x", 0, 1},
    {"XGROUP CREATE x h 0", 0, 0},
    {"XGROUP SETID none g 0", 0, 0},
    {"XINFO STREAM x FULL", 1, 0},
    {"XINFO CONSUMERS x g", 1, 0},
};

START_TEST(hits_and_misses_are_counted_as_redis_does)
{
    char expected[64];
    say(&server, one, "SET s abc\r\nSET t abd\r\nRPUSH l x\r\nXADD x 1-1 a b");
    say(&server, one, "XGROUP CREATE x g 0\r\nCONFIG RESETSTAT");
    say(&server, one, looks[_i].line);
    snprintf(expected, sizeof expected, "keyspace_hits:%d\r\nkeyspace_misses:%d\r\n",
             looks[_i].hits, looks[_i].misses);
    const char *text = say(&server, two, "INFO stats");
    ck_assert_msg(strstr(text, expected) != NULL, "%s: not %s but %.40s", looks[_i].line, expected,
                  strstr(text, "keyspace_hits"));
}
END_TEST

START_TEST(turns_and_their_durations_are_counted)
{
    unsigned long long turns, busy_us, command_us;
    const char *format = "\neventloop_cycles:%llu\r\neventloop_duration_sum:%llu\r\n"
                         "eventloop_duration_cmd_sum:%llu\r\n";
    kvresp_worker_turn(server.worker);
    server_feed(one, "DEBUG SLEEP 0.02\r\n", 18);
    char message[256];
    ck_assert_ptr_null(
        kvresp_config_set(server.resp, "enable-debug-command", KV_TEXT("yes"), true, message));
    ck_assert_int_eq(kvresp_run(server.worker, one->session), KVRESP_IDLE);
    kvresp_worker_rest(server.worker);
    kvresp_worker_rest(server.worker); /* there is no turn to end */
    const char *text = strstr(say(&server, one, "INFO stats"), "\neventloop_cycles");
    ck_assert_int_eq(sscanf(text, format, &turns, &busy_us, &command_us), 3);
    ck_assert_uint_eq(turns, 1);
    ck_assert_uint_ge(command_us, 20000);
    ck_assert_uint_ge(busy_us, command_us);

    say(&server, one, "CONFIG RESETSTAT");
    text = strstr(say(&server, one, "INFO stats"), "\neventloop_cycles:0\r\n");
    ck_assert_ptr_nonnull(text);
}
END_TEST

START_TEST(refused_logins_are_counted)
{
    say(&server, one, "CONFIG SET requirepass right\r\nAUTH wrong\r\nAUTH nobody right");
    say(&server, one, "HELLO 2 AUTH default wrong\r\nAUTH right");
    const char *text = say(&server, one, "INFO stats");
    ck_assert_has(text, "\nacl_access_denied_auth:3\r\n");
    say(&server, one, "CONFIG RESETSTAT");
    text = say(&server, one, "INFO stats");
    ck_assert_has(text, "\nacl_access_denied_auth:0\r\n");
}
END_TEST

START_TEST(a_closed_worker_s_counts_are_kept)
{
    say(&server, one, "SET a 1\r\nGET a\r\nGET a");
    kvresp_worker_close(server.worker);
    ck_assert_int_eq(kvresp_worker_open(server.resp, &server.worker), KV_OK);
    const char *text = say(&server, one, "INFO commandstats latencystats");
    ck_assert_has(text, "cmdstat_get:calls=2,");
    ck_assert_has(text, "latency_percentiles_usec_get:p50=");
}
END_TEST

START_TEST(slow_commands_are_logged_and_their_secrets_are_not)
{
    say(&server, one, "CONFIG SET slowlog-log-slower-than 0\r\nCLIENT SETNAME me\r\nSLOWLOG RESET");
    say(&server, one,
        "GET a\r\nAUTH secret\r\nCONFIG SET requirepass \"\" slowlog-max-len "
        "5\r\nMULTI\r\nPING\r\nEXEC");
    const char *text = say(&server, two, "SLOWLOG GET 10");
    ck_assert_has(text, "$4\r\nAUTH\r\n$10\r\n(redacted)\r\n");
    ck_assert_has(
        text, "$11\r\nrequirepass\r\n$10\r\n(redacted)\r\n$15\r\nslowlog-max-len\r\n$1\r\n5\r\n");
    ck_assert_has(text, "$4\r\nPING\r\n$14\r\n127.0.0.1:1001\r\n$2\r\nme\r\n");
    ck_assert_lacks(text, "EXEC");
    ck_assert_lacks(text, "secret");
    assert_says(two, "SLOWLOG LEN", ":5\r\n");
}
END_TEST

START_TEST(a_log_line_is_one_line)
{
    char message[256];
    ck_assert_ptr_null(
        kvresp_config_set(server.resp, "enable-debug-command", KV_TEXT("yes"), true, message));
    server.log[0] = '\0';
    assert_says(one, "DEBUG LOG \"mine\\r\\n1:M 1 Jan 2024 # forged\\x1b[2J\"", "+OK\r\n");
    ck_assert_str_eq(server.log, "DEBUG LOG: mine  1:M 1 Jan 2024 # forged [2J\n");
}
END_TEST

START_TEST(long_requests_are_cut_in_the_slow_log)
{
    kv_buffer request = {0};
    text_append_string(&request, "DEL ");
    for (int i = 0; i < 200; i++) text_append_string(&request, "x");
    for (int i = 0; i < 40; i++) text_append_string(&request, " k");
    text_append(&request, kv_bytes("", 1));
    say(&server, one, "CONFIG SET slowlog-log-slower-than 0");
    say(&server, one, request.data);
    const char *text = say(&server, two, "SLOWLOG GET 1");
    ck_assert_has(text, "*32\r\n$3\r\nDEL\r\n$147\r\nxxx");
    ck_assert_has(text, "xxx... (72 more bytes)\r\n$1\r\nk\r\n");
    ck_assert_has(text, "$23\r\n... (11 more arguments)\r\n");
    kv_buffer_free(&request);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("session");
    TCase *tests = tcase_create("session");
    tcase_set_timeout(tests, 60); /* on a busy machine, with sanitizers */
    tcase_add_checked_fixture(tests, clients_setup, clients_teardown);
    tcase_add_test(tests, a_pipeline_is_answered_in_order);
    tcase_add_test(tests, a_pipeline_may_be_cut_anywhere);
    tcase_add_test(tests, a_request_of_many_arguments_is_executed);
    tcase_add_test(tests, a_large_value_goes_in_and_out);
    tcase_add_test(tests, a_protocol_error_comes_after_the_answers_before_it);
    tcase_add_test(tests, much_output_stops_execution_until_it_is_taken);
    tcase_add_test(tests, the_query_buffer_has_a_limit);
    tcase_add_test(tests, what_a_transaction_queues_counts_for_the_query_buffer);
    tcase_add_test(tests, output_beyond_the_hard_limit_closes_at_once);
    tcase_add_test(tests, output_beyond_the_soft_limit_closes_after_its_time);
    tcase_add_test(tests, a_waiting_client_is_served_by_a_push);
    tcase_add_test(tests, info_counts_keys_that_are_waited_for_and_what_is_freed_later);
    tcase_add_test(tests, each_waiting_command_has_its_form_of_reply);
    tcase_add_test(tests, who_reads_with_a_group_is_told_when_it_goes);
    tcase_add_test(tests, who_reads_a_stream_goes_on_waiting_when_it_goes);
    tcase_add_test(tests, a_wait_ends_at_its_deadline);
    tcase_add_test(tests, a_wait_can_be_ended_by_another);
    tcase_add_test(tests, a_session_may_close_while_it_waits);
    tcase_add_test(tests, in_process_execution_does_not_wait);
    tcase_add_test(tests, a_pause_holds_commands_back_until_its_end);
    tcase_add_test(tests, a_pause_of_writes_lets_reads_pass);
    tcase_add_test(tests, a_second_pause_only_makes_the_first_longer_or_stricter);
    tcase_add_test(tests, the_end_of_a_pause_wakes_those_held_back);
    tcase_add_test(tests, a_killed_client_is_closed_at_once);
    tcase_add_test(tests, a_client_that_kills_itself_gets_its_answer);
    tcase_add_test(tests, clients_are_listed_and_filtered);
    tcase_add_test(tests, replies_can_be_switched_off);
    tcase_add_test(tests, replies_that_are_switched_off_do_not_come_after_a_wait_either);
    tcase_add_test(tests, strangers_may_only_introduce_themselves);
    tcase_add_test(tests, a_trusted_session_needs_no_password);
    tcase_add_test(tests, quit_ends_a_pipeline);
    tcase_add_test(tests, a_browser_is_shown_the_door_without_a_word);
    tcase_add_test(tests, shutdown_is_the_host_s_decision);
    tcase_add_test(tests, what_needs_the_data_is_refused_while_it_is_loaded);
    tcase_add_test(tests, transactions_run_while_loading_if_they_need_no_data);
    tcase_add_test(tests, info_tells_how_far_loading_is);
    tcase_add_test(tests, debug_adds_no_keys_while_loading);
    tcase_add_test(tests, writes_are_refused_while_the_disk_fails);
    tcase_add_test(tests, replies_to_writes_wait_until_they_are_durable);
    tcase_add_test(tests, what_is_durable_goes_out_before_what_is_not);
    tcase_add_test(tests, writes_pause_while_the_disk_is_behind);
    tcase_add_test(tests, a_pause_while_the_disk_is_behind_has_its_end);
    tcase_add_test(tests, calls_errors_and_refusals_are_counted);
    tcase_add_loop_test(tests, hits_and_misses_are_counted_as_redis_does, 0,
                        sizeof looks / sizeof *looks);
    tcase_add_test(tests, turns_and_their_durations_are_counted);
    tcase_add_test(tests, refused_logins_are_counted);
    tcase_add_test(tests, a_closed_worker_s_counts_are_kept);
    tcase_add_test(tests, slow_commands_are_logged_and_their_secrets_are_not);
    tcase_add_test(tests, a_log_line_is_one_line);
    tcase_add_test(tests, long_requests_are_cut_in_the_slow_log);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
