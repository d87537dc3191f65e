/*
 * tests/resp/follower.h -- a client that follows a server of server.h as a replica: its full sync,
 * what it is sent, what it says it has.
 */
#ifndef KV_TESTS_RESP_FOLLOWER_H
#define KV_TESTS_RESP_FOLLOWER_H

#include "server.h"

#include "resp/session.h"

#include <unistd.h>

/* A second passes, and what is due is done. */
static inline void server_tick(struct server *server)
{
    server->now_ms += 1000;
    kvresp_cron(server->resp, 0);
}

static inline bool server_has_snapshots(struct server *server)
{
    struct snapshots *snapshots = &server->resp->snapshots;
    pthread_mutex_lock(&snapshots->lock);
    bool has_some = snapshots->first != NULL || snapshots->endings != NULL;
    pthread_mutex_unlock(&snapshots->lock);
    return has_some;
}

/* Waits until the snapshots in line are made, and those who wanted them know. */
static inline void server_await_snapshots(struct server *server)
{
    while (server_has_snapshots(server)) usleep(1000);
}

static inline struct replication_place server_place(struct server *server)
{
    struct replication_place place;
    replication_look(&server->resp->replication, &place);
    return place;
}

/* All that it is sent, in server->answer. */
static inline const char *follower_receive(struct server *server, struct server_client *follower)
{
    kv_buffer all = {0};
    for (int i = 0; i < 50; i++) {
        server_run(server, follower);
        text_append(&all, text_of_buffer(&server->answer));
        kv_slice more;
        while ((more = kvresp_output(follower->session)).size > 0) {
            text_append(&all, more);
            kvresp_output_consume(follower->session, more.size);
        }
    }
    text_append(&all, kv_bytes("", 1));
    kv_buffer_free(&server->answer);
    server->answer = all;
    server->answer.size--;
    return server->answer.data;
}

static inline void follower_sync(struct server *server, struct server_client *follower)
{
    ck_assert_str_eq(say(server, follower, "psync ? -1"), "");
    server_tick(server);
    server_await_snapshots(server);
    const char *text = follower_receive(server, follower);
    ck_assert_msg(strncmp(text, "+FULLRESYNC ", 12) == 0, "%s", text);
    say(server, follower, "replconf ack 0");
}

/* Says that it has all that was written until now. */
static inline void follower_acknowledge(struct server *server, struct server_client *follower)
{
    char text[64];
    follower_receive(server, follower);
    snprintf(text, sizeof text, "replconf ack %lld", (long long)server_place(server).offset);
    say(server, follower, text);
}

#endif
