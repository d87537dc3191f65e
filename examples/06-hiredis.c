/*
 * 06-hiredis.c -- a program written for Redis, with Debian's libhiredis, on a store.
 *
 *     06-hiredis               starts a server in its own process, on a free port
 *     06-hiredis HOST PORT     talks to whoever listens there: kvstore-server, or Redis itself
 *
 * Nothing between the two lines of stars knows what it talks to.
 */
#include "kvnet.h"

#include <hiredis/hiredis.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fail(const char *what)
{
    fprintf(stderr, "06-hiredis: %s\n", what);
    exit(1);
}

/* ***************************************************************** */

static redisReply *ask(redisContext *redis, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    redisReply *reply = redisvCommand(redis, format, arguments);
    va_end(arguments);
    if (reply == NULL) fail(redis->errstr);
    if (reply->type == REDIS_REPLY_ERROR) fail(reply->str);
    return reply;
}

/*
 * Page views, as many a program counts them: a counter with a deadline, a list of the latest, all
 * in one go.
 */
static void count_views(redisContext *redis)
{
    for (int i = 1; i <= 100; i++) {
        redisAppendCommand(redis, "INCR views:%s", i % 3 == 0 ? "home" : "news");
        redisAppendCommand(redis, "EXPIRE views:%s 3600", i % 3 == 0 ? "home" : "news");
        redisAppendCommand(redis, "LPUSH latest visitor-%d", i);
    }
    for (int i = 0; i < 300; i++) {
        redisReply *reply;
        if (redisGetReply(redis, (void **)&reply) != REDIS_OK) fail(redis->errstr);
        freeReplyObject(reply);
    }
    freeReplyObject(ask(redis, "LTRIM latest 0 2"));
}

static void report(redisContext *redis)
{
    redisReply *views = ask(redis, "MGET views:home views:news views:none");
    printf("home %s, news %s, none %s\n", views->element[0]->str, views->element[1]->str,
           views->element[2]->type == REDIS_REPLY_NIL ? "nil" : views->element[2]->str);
    if (strcmp(views->element[0]->str, "33") != 0 || strcmp(views->element[1]->str, "67") != 0)
        fail("wrong counts");
    freeReplyObject(views);

    redisReply *latest = ask(redis, "LRANGE latest 0 -1");
    printf("latest:");
    for (size_t i = 0; i < latest->elements; i++) printf(" %s", latest->element[i]->str);
    printf("\n");
    if (latest->elements != 3 || strcmp(latest->element[0]->str, "visitor-100") != 0)
        fail("wrong list");
    freeReplyObject(latest);

    redisReply *ttl = ask(redis, "TTL views:home");
    if (ttl->integer <= 3590 || ttl->integer > 3600) fail("wrong deadline");
    freeReplyObject(ttl);
}

/* A transaction, and bytes of every kind. */
static void move_money(redisContext *redis)
{
    freeReplyObject(ask(redis, "MSET alice 100 bob 20"));
    freeReplyObject(ask(redis, "MULTI"));
    freeReplyObject(ask(redis, "DECRBY alice 30"));
    freeReplyObject(ask(redis, "INCRBY bob 30"));
    redisReply *done = ask(redis, "EXEC");
    printf("alice %lld, bob %lld\n", done->element[0]->integer, done->element[1]->integer);
    if (done->element[0]->integer != 70 || done->element[1]->integer != 50) fail("wrong sums");
    freeReplyObject(done);

    char bytes[256];
    for (int i = 0; i < 256; i++) bytes[i] = (char)i;
    freeReplyObject(ask(redis, "SET %b %b", bytes, sizeof bytes, bytes, sizeof bytes));
    redisReply *reply = ask(redis, "GET %b", bytes, sizeof bytes);
    if (reply->len != sizeof bytes || memcmp(reply->str, bytes, sizeof bytes) != 0)
        fail("wrong bytes");
    freeReplyObject(reply);
}

/* ***************************************************************** */

int main(int argc, char **argv)
{
    kv *db = NULL;
    kvresp *resp = NULL;
    kvnet *server = NULL;
    const char *host = "127.0.0.1";
    int port;
    if (argc == 3) {
        host = argv[1];
        port = atoi(argv[2]);
    } else {
        char message[256];
        kvnet_options options = KV_OPTIONS(kvnet_options); /* port 0: a free one */
        options.threads = 1;
        if (kv_open(NULL, &db) != KV_OK || kvresp_open(db, NULL, &resp) != KV_OK)
            fail("out of memory");
        if (kvnet_start(resp, &options, &server, message) != KV_OK) fail(message);
        port = kvnet_port(server);
    }

    redisContext *redis = redisConnect(host, port);
    if (redis == NULL || redis->err) fail(redis == NULL ? "out of memory" : redis->errstr);
    freeReplyObject(ask(redis, "DEL latest views:home views:news"));
    count_views(redis);
    report(redis);
    move_money(redis);
    redisFree(redis);

    kvnet_stop(server, 1000);
    if (resp != NULL) kvresp_close(resp);
    kv_close(db);
    return 0;
}
