/*
 * 14-near-cache.c -- a copy of a server's data in the program's own memory, that is kept right.
 *
 * A cache in front of a server has to be told what is no longer true. Here the program is a replica
 * of the server: all data come once, then each change as it happens, in the server's order. Reading
 * costs no packet; how far behind the copy is can be asked.
 *
 * Usage: 14-near-cache [host:port]. Without an address the program is its own server: any Redis,
 * Valkey or kvstore-server will do in its place.
 */
#include "kvnet.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PATIENCE_MS = 10000 };

static void must(kv_status status, const char *what)
{
    if (status == KV_OK) return;
    fprintf(stderr, "%s: %s\n", what, kv_strerror(status));
    exit(1);
}

static void pause_ms(long milliseconds)
{
    struct timespec moment = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    nanosleep(&moment, NULL);
}

/* ------------------------------------------------------------------- a server to be the replica of */

struct shop {
    kv *db;
    kvresp *resp;
    kvnet *server;
    char address[64];
};

static void open_shop(struct shop *shop)
{
    char message[256];
    must(kv_open(NULL, &shop->db), "store");
    must(kvresp_open(shop->db, NULL, &shop->resp), "commands");
    /* A server waits some seconds for more replicas before it sends them all one snapshot. */
    kvresp_config_set(shop->resp, "repl-diskless-sync-delay", KV_TEXT("0"), true, message);
    kvnet_options options = KV_OPTIONS(kvnet_options);
    options.threads = 1;
    must(kvnet_start(shop->resp, &options, &shop->server, message), "server");
    snprintf(shop->address, sizeof shop->address, "127.0.0.1:%d", kvnet_port(shop->server));
}

static void close_shop(struct shop *shop)
{
    kvnet_stop(shop->server, 1000);
    kvresp_close(shop->resp);
    kv_close(shop->db);
}

/* --------------------------------------------------------------------------------------- the cache */

static void tell_lag(kvnet_follower *follower)
{
    kvresp_following now = KV_OPTIONS(kvresp_following);
    must(kvnet_following(follower, &now), "state");
    printf("  %s; %lld bytes not applied yet; heard %lld ms ago\n",
           now.is_connected ? "connected" : "not connected", (long long)(now.received - now.offset),
           (long long)now.silent_ms);
}

/* Reads from the copy until it says what it should: a change needs a moment on its way. */
static void expect_price(kv *cache, const char *key, const char *price)
{
    kv_buffer value = {0};
    for (int waited = 0; waited < PATIENCE_MS; waited++) {
        kv_status status = kv_get(cache, KV_TEXT(key), &value);
        if (status == KV_OK && value.size == strlen(price) &&
            memcmp(value.data, price, value.size) == 0) {
            printf("  %s costs %s\n", key, price);
            kv_buffer_free(&value);
            return;
        }
        pause_ms(1);
    }
    fprintf(stderr, "%s never cost %s\n", key, price);
    exit(1);
}

static void read_many(kv *cache)
{
    enum { READS = 100000 };
    struct timespec begin, end;
    kv_buffer value = {0};
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (int i = 0; i < READS; i++) (void)kv_get(cache, KV_TEXT("tea"), &value);
    clock_gettime(CLOCK_MONOTONIC, &end);
    kv_buffer_free(&value);
    double ns = (double)(end.tv_sec - begin.tv_sec) * 1e9 + (double)(end.tv_nsec - begin.tv_nsec);
    printf("  a read takes about %.0f ns\n", ns / READS);
}

static void run(const char *address, struct shop *shop)
{
    kv *cache;
    kvnet_follower *follower;
    must(kv_open(NULL, &cache), "cache");
    must(kvnet_follow(cache, address, NULL, &follower), "following");
    must(kvnet_follow_wait(follower, PATIENCE_MS), "first copy");

    uint64_t count;
    must(kv_count(cache, &count), "count");
    printf("the copy has %llu keys\n", (unsigned long long)count);
    tell_lag(follower);
    read_many(cache);

    if (shop != NULL) {
        printf("prices change\n");
        expect_price(cache, "tea", "3.10");
        must(kv_set(shop->db, KV_TEXT("tea"), KV_TEXT("3.40"), NULL), "set");
        expect_price(cache, "tea", "3.40");
        tell_lag(follower);
    }

    kvnet_unfollow(follower); /* the copy stays, as it is now */
    kv_close(cache);
}

int main(int argc, char **argv)
{
    struct shop shop;
    if (argc > 1) {
        run(argv[1], NULL);
        return 0;
    }
    open_shop(&shop);
    must(kv_set(shop.db, KV_TEXT("tea"), KV_TEXT("3.10"), NULL), "set");
    must(kv_set(shop.db, KV_TEXT("coffee"), KV_TEXT("2.80"), NULL), "set");
    run(shop.address, &shop);
    close_shop(&shop);
    return 0;
}
