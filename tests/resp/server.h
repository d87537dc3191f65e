/*
 * tests/resp/server.h -- a store with a clock of its own and all that is needed to talk to it,
 * without a socket: server_open(), server_client(), then say() what a client would send and look at
 * the answer.
 */
#ifndef KV_TESTS_RESP_SERVER_H
#define KV_TESTS_RESP_SERVER_H

#include "kvresp.h"

#include "../unit.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { SERVER_CLIENTS = 8, SERVER_START_MS = 1700000000 };

struct server_client {
    kvresp_session *session;
    atomic_int wakes;
    kvresp_state state;
};

struct server {
    _Atomic int64_t now_ms;
    kv *db;
    kvresp *resp;
    kvresp_worker *worker;
    struct server_client clients[SERVER_CLIENTS];
    int client_count;
    kv_buffer answer;
    char log[4096];
    unsigned shutdown_flags;
    bool may_shut_down;
};

static int64_t server_wall_ms(void *context)
{
    return ((struct server *)context)->now_ms;
}

static int64_t server_monotonic_us(void *context)
{
    return ((struct server *)context)->now_ms * 1000;
}

/* From any thread. */
static void server_log(void *context, kvresp_level level, const char *message)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    struct server *server = context;
    (void)level;
    pthread_mutex_lock(&lock);
    size_t size = strlen(server->log);
    snprintf(server->log + size, sizeof server->log - size, "%s\n", message);
    pthread_mutex_unlock(&lock);
}

static bool server_shutdown(void *context, unsigned flags)
{
    struct server *server = context;
    server->shutdown_flags = flags;
    return server->may_shut_down;
}

static void server_wake(void *context)
{
    atomic_fetch_add(&((struct server_client *)context)->wakes, 1);
}

static inline void server_open_store(struct server *server)
{
    static const uint8_t seed[16] = "0123456789abcde";
    memset(server, 0, sizeof *server);
    server->now_ms = SERVER_START_MS;
    kv_clock clock = {server_wall_ms, server_monotonic_us, server};
    kv_options options = KV_OPTIONS(kv_options);
    options.clock = &clock;
    options.seed = seed;
    ck_assert_int_eq(kv_open(&options, &server->db), KV_OK);
}

/* On its store, which may have been served before. */
static inline void server_open_resp(struct server *server, const char *config_file)
{
    kvresp_options resp_options = KV_OPTIONS(kvresp_options);
    resp_options.log = server_log;
    resp_options.shutdown = server_shutdown;
    resp_options.log_context = resp_options.shutdown_context = server;
    resp_options.config_file = config_file;
    ck_assert_int_eq(kvresp_open(server->db, &resp_options, &server->resp), KV_OK);
    ck_assert_int_eq(kvresp_worker_open(server->resp, &server->worker), KV_OK);
}

static inline void server_open_with(struct server *server, const char *config_file)
{
    server_open_store(server);
    server_open_resp(server, config_file);
}

static inline void server_open(struct server *server)
{
    server_open_with(server, NULL);
}

static inline void server_close_resp(struct server *server)
{
    for (int i = 0; i < server->client_count; i++) kvresp_session_close(server->clients[i].session);
    server->client_count = 0;
    kv_buffer_free(&server->answer);
    kvresp_worker_close(server->worker);
    kvresp_close(server->resp);
}

static inline void server_close(struct server *server)
{
    server_close_resp(server);
    kv_check(server->db);
    kv_close(server->db);
}

static inline struct server_client *server_client(struct server *server)
{
    ck_assert_int_lt(server->client_count, SERVER_CLIENTS);
    struct server_client *client = &server->clients[server->client_count++];
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%d", 1000 + server->client_count);
    kvresp_session_options options = KV_OPTIONS(kvresp_session_options);
    options.address = address;
    options.local_address = "127.0.0.1:6379";
    options.descriptor = 10 + server->client_count;
    options.wake = server_wake;
    options.wake_context = client;
    ck_assert_int_eq(kvresp_session_open(server->resp, &options, &client->session), KV_OK);
    return client;
}

/* Gives bytes to a session, as many at a time as it has room for. */
static inline void server_feed(struct server_client *client, const void *bytes, size_t size)
{
    const char *at = bytes;
    while (size > 0) {
        void *space;
        size_t room;
        ck_assert_int_eq(kvresp_input_space(client->session, &space, &room), KV_OK);
        if (room > size) room = size;
        memcpy(space, at, room);
        kvresp_input_add(client->session, room);
        at += room;
        size -= room;
    }
}

/*
 * Runs a session until it has done what it can; what it answers is in server->answer, terminated.
 */
static inline const char *server_run(struct server *server, struct server_client *client)
{
    kv_buffer *answer = &server->answer;
    answer->size = 0;
    do {
        kvresp_worker_turn(server->worker);
        client->state = kvresp_run(server->worker, client->session);
        kv_slice output = kvresp_output(client->session);
        answer->data = realloc(answer->data, answer->size + output.size + 1);
        ck_assert_ptr_nonnull(answer->data);
        if (output.size > 0) memcpy((char *)answer->data + answer->size, output.data, output.size);
        answer->size += output.size;
        kvresp_output_consume(client->session, output.size);
    } while (client->state == KVRESP_YIELD || client->state == KVRESP_OUTPUT_FULL);
    ((char *)answer->data)[answer->size] = '\0';
    return answer->data;
}

static inline const char *say_bytes(struct server *server, struct server_client *client,
                                    const void *bytes, size_t size)
{
    server_feed(client, bytes, size);
    return server_run(server, client);
}

/* Inline commands, a line each; the last needs no end. */
static inline const char *say(struct server *server, struct server_client *client,
                              const char *lines)
{
    server_feed(client, lines, strlen(lines));
    return say_bytes(server, client, "\r\n", 2);
}

#define assert_says(client, lines, expected) ck_assert_str_eq(say(&server, client, lines), expected)

#endif
