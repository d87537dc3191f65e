/*
 * tests/resp/test_prefetch.c -- sessions whose requests are parsed ahead, side by side: whatever
 * comes between kvresp_prefetch() and kvresp_run(), the replies are those of running alone.
 */
#include "resp/worker.h"

#include "aof_random.h"
#include "server.h"

enum { CLIENTS = 5, ROUNDS = 4000 };

static struct server server, plain;

static void setup(void)
{
    server_open(&server);
    server_open(&plain);
    for (int i = 0; i < CLIENTS; i++) {
        server_client(&server);
        server_client(&plain);
    }
}

static void teardown(void)
{
    server_close(&server);
    server_close(&plain);
}

static void feed_text(int client, const char *text)
{
    server_feed(&server.clients[client], text, strlen(text));
}

/* As server_run(), which begins a turn, would undo what was prefetched. */
static void assert_runs(int client, const char *expected)
{
    kvresp_session *session = server.clients[client].session;
    kvresp_run(server.worker, session);
    kv_slice output = kvresp_output(session);
    ck_assert_uint_eq(output.size, strlen(expected));
    if (output.size > 0) ck_assert_mem_eq(output.data, expected, output.size);
    kvresp_output_consume(session, output.size);
}

static size_t prefetch(int first, size_t count)
{
    kvresp_session *sessions[CLIENTS];
    for (size_t i = 0; i < count; i++) sessions[i] = server.clients[(size_t)first + i].session;
    return kvresp_prefetch(server.worker, sessions, count);
}

#define SET_A "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n"
#define GET_A "*2\r\n$3\r\nGET\r\n$1\r\na\r\n"

/* -------------------------------------------------------------------------------- one at a time */

START_TEST(sessions_are_run_as_they_were_prefetched)
{
    feed_text(0, SET_A GET_A);
    feed_text(1, GET_A "*1\r\n$6\r\nNOSUCH\r\n");
    feed_text(2, "PING\r\n");
    ck_assert_uint_eq(prefetch(0, 4), 4);
    ck_assert_uint_eq(server.clients[0].session->framed.count, 2);
    ck_assert_uint_eq(server.clients[1].session->framed.first, 2);
    ck_assert_uint_eq(server.clients[2].session->framed.count, 0); /* inline: not a plain one */
    assert_runs(0, "+OK\r\n$1\r\n1\r\n");
    assert_runs(1, "$1\r\n1\r\n-ERR unknown command 'NOSUCH', with args beginning with: \r\n");
    assert_runs(2, "+PONG\r\n");
    assert_runs(3, "");
}
END_TEST

START_TEST(the_order_of_running_is_free)
{
    for (int i = 0; i < 3; i++) feed_text(i, i == 1 ? SET_A : GET_A);
    ck_assert_uint_eq(prefetch(0, 3), 3);
    assert_runs(2, "$-1\r\n");
    assert_runs(1, "+OK\r\n");
    assert_runs(0, "$1\r\n1\r\n");
}
END_TEST

START_TEST(no_more_is_prefetched_than_is_worth_it)
{
    for (int client = 0; client < 3; client++)
        for (int i = 0; i < WORKER_AHEAD / 2; i++) feed_text(client, "*1\r\n$4\r\nPING\r\n");
    ck_assert_uint_eq(prefetch(0, 3), 2);
    ck_assert_uint_eq(prefetch(2, 1), 1);
    ck_assert_uint_eq(prefetch(0, 0), 0);
}
END_TEST

START_TEST(what_comes_later_is_run_too)
{
    feed_text(0, SET_A "*2\r\n$3\r\nGET");
    ck_assert_uint_eq(prefetch(0, 1), 1);
    feed_text(0, "\r\n$1\r\na\r\n");
    assert_runs(0, "+OK\r\n$1\r\n1\r\n");
}
END_TEST

/* What a blocked session has left is kept in a small block until more comes. */
START_TEST(input_may_move_after_it_was_parsed)
{
    feed_text(0, "*3\r\n$5\r\nBLPOP\r\n$1\r\nl\r\n$1\r\n0\r\n" GET_A);
    assert_runs(0, "");
    ck_assert_uint_eq(prefetch(0, 1), 1);
    ck_assert_uint_eq(server.clients[0].session->framed.count, 1);
    kv_slice element = KV_TEXT("e");
    ck_assert_int_eq(kv_rpush(server.db, KV_TEXT("l"), &element, 1, NULL), KV_OK);
    feed_text(0, GET_A);
    assert_runs(0, "*2\r\n$1\r\nl\r\n$1\r\ne\r\n$-1\r\n$-1\r\n");
}
END_TEST

START_TEST(a_session_that_was_prefetched_may_close)
{
    feed_text(0, SET_A);
    feed_text(1, GET_A);
    ck_assert_uint_eq(prefetch(0, 2), 2);
    kvresp_session_close(server.clients[0].session);
    assert_runs(1, "$-1\r\n");
    server.clients[0].session = server.clients[--server.client_count].session;
}
END_TEST

START_TEST(another_worker_parses_for_itself)
{
    kvresp_worker *other;
    ck_assert_int_eq(kvresp_worker_open(server.resp, &other), KV_OK);
    feed_text(0, SET_A);
    feed_text(1, GET_A);
    ck_assert_uint_eq(prefetch(0, 2), 2);
    kvresp_session *session = server.clients[0].session;
    ck_assert_int_eq(kvresp_run(other, session), KVRESP_IDLE);
    ck_assert_uint_eq(kvresp_output(session).size, 5);
    assert_runs(1, "$1\r\n1\r\n");
    kvresp_worker_close(other);
}
END_TEST

/* Requests of those who have yet to say who they are have limits of their own. */
START_TEST(a_strangers_requests_are_not_parsed_ahead)
{
    char message[256];
    ck_assert_ptr_null(kvresp_config_set(server.resp, "requirepass", KV_TEXT("p"), false, message));
    kvresp_session_options options = KV_OPTIONS(kvresp_session_options);
    kvresp_session *stranger;
    ck_assert_int_eq(kvresp_session_open(server.resp, &options, &stranger), KV_OK);
    void *space;
    size_t size;
    ck_assert_int_eq(kvresp_input_space(stranger, &space, &size), KV_OK);
    memcpy(space, GET_A, sizeof GET_A - 1);
    kvresp_input_add(stranger, sizeof GET_A - 1);
    ck_assert_uint_eq(kvresp_prefetch(server.worker, &stranger, 1), 1);
    ck_assert_uint_eq(stranger->framed.count, 0);
    kvresp_run(server.worker, stranger);
    kv_slice output = kvresp_output(stranger);
    ck_assert_mem_eq(output.data, "-NOAUTH", 7);
    kvresp_session_close(stranger);
}
END_TEST

/* ------------------------------------------------------------------------------------ at random */

static const char *const requests[] = {
    "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\n12\r\n",
    "*2\r\n$3\r\nget\r\n$1\r\nk\r\n",
    "*2\r\n$4\r\nINCR\r\n$1\r\nk\r\n",
    "*3\r\n$5\r\nLPUSH\r\n$1\r\nl\r\n$3\r\nabc\r\n",
    "*3\r\n$5\r\nBLPOP\r\n$1\r\nl\r\n$1\r\n0\r\n",
    "*4\r\n$6\r\nLRANGE\r\n$1\r\nl\r\n$1\r\n0\r\n$2\r\n-1\r\n",
    "*5\r\n$4\r\nMSET\r\n$1\r\nk\r\n$1\r\n1\r\n$1\r\nm\r\n$1\r\n2\r\n",
    "*2\r\n$6\r\nSELECT\r\n$1\r\n1\r\n",
    "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n",
    "*1\r\n$5\r\nMULTI\r\n",
    "*1\r\n$4\r\nEXEC\r\n",
    "*2\r\n$5\r\nWATCH\r\n$1\r\nk\r\n",
    "*1\r\n$3\r\nGET\r\n",
    "*1\r\n$6\r\nNOSUCH\r\n",
    "*0\r\n",
    "ECHO \"inline words\"\r\n",
    "*3\r\n$6\r\nCLIENT\r\n$5\r\nREPLY\r\n$4\r\nSKIP\r\n",
};

/* What is still to be sent to a client, the same to both servers. */
struct stream {
    char bytes[256];
    size_t size;
};

static void stream_add(struct stream *stream)
{
    const char *request = requests[(size_t)rand() % (sizeof requests / sizeof *requests)];
    if (stream->size + strlen(request) > sizeof stream->bytes) return;
    memcpy(stream->bytes + stream->size, request, strlen(request));
    stream->size += strlen(request);
}

static void stream_send(struct stream *stream, int client)
{
    size_t size = (size_t)rand() % (stream->size + 1);
    server_feed(&server.clients[client], stream->bytes, size);
    server_feed(&plain.clients[client], stream->bytes, size);
    stream->size -= size;
    memmove(stream->bytes, stream->bytes + size, stream->size);
}

static void exec_both(int client)
{
    kv_slice words[] = {KV_TEXT("APPEND"), KV_TEXT("k"), KV_TEXT("0")};
    kv_status status = kvresp_exec(server.worker, server.clients[client].session, 3, words);
    ck_assert_int_eq(kvresp_exec(plain.worker, plain.clients[client].session, 3, words), status);
}

static void run_both(int client)
{
    kvresp_session *session = server.clients[client].session, *other;
    other = plain.clients[client].session;
    kvresp_state state = kvresp_run(server.worker, session);
    ck_assert_int_eq(kvresp_run(plain.worker, other), state);
    kv_slice output = kvresp_output(session), expected = kvresp_output(other);
    ck_assert_uint_eq(output.size, expected.size);
    if (output.size > 0) ck_assert_mem_eq(output.data, expected.data, output.size);
    kvresp_output_consume(session, output.size);
    kvresp_output_consume(other, expected.size);
}

START_TEST(replies_are_those_of_sessions_that_run_alone)
{
    struct stream streams[CLIENTS] = {{.size = 0}};
    seed_random();
    for (int round = 0; round < ROUNDS; round++) {
        kvresp_worker_turn(server.worker);
        kvresp_worker_turn(plain.worker);
        for (int i = 0; i < CLIENTS; i++) {
            stream_add(&streams[i]);
            if (rand() % 2 == 0) stream_send(&streams[i], i);
        }
        size_t prefetched = prefetch(0, CLIENTS);
        ck_assert_uint_ge(prefetched, 1);
        for (int i = 0; i < CLIENTS; i++) {
            int client = (i + round) % CLIENTS;
            switch (rand() % 8) {
            case 0: break; /* it is run in a later round */
            case 1:
                stream_send(&streams[client], client);
                run_both(client);
                break;
            case 2:
                exec_both(client);
                run_both(client);
                break;
            default: run_both(client);
            }
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("prefetch");
    TCase *each = tcase_create("each");
    tcase_add_checked_fixture(each, setup, teardown);
    tcase_add_test(each, sessions_are_run_as_they_were_prefetched);
    tcase_add_test(each, the_order_of_running_is_free);
    tcase_add_test(each, no_more_is_prefetched_than_is_worth_it);
    tcase_add_test(each, what_comes_later_is_run_too);
    tcase_add_test(each, input_may_move_after_it_was_parsed);
    tcase_add_test(each, a_session_that_was_prefetched_may_close);
    tcase_add_test(each, another_worker_parses_for_itself);
    tcase_add_test(each, a_strangers_requests_are_not_parsed_ahead);
    tcase_add_test(each, replies_are_those_of_sessions_that_run_alone);
    suite_add_tcase(suite, each);
    return unit_run(suite);
}
