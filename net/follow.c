/*
 * net/follow.c -- a store that follows a master without being a server: kvnet_follow().
 */
#include "kvnet.h"

#include "net/follower.h"
#include "net/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct kvnet_follower {
    kvresp *resp;
    struct follower follower;
    bool has_follower;
};

enum { FOLLOW_LOOK_MS = 2 };

static int follow_no_port(const void *context)
{
    (void)context;
    return 0;
}

/* "host:port", "[::1]:6379" or "/path/of/a.socket". False if it is none of them. */
static bool follow_parse_address(const char *address, char host[KVRESP_HOST_SIZE], int *port)
{
    const char *colon = strrchr(address, ':'), *begin = address;
    *port = 0;
    size_t size = strlen(address);
    if (address[0] != '/') {
        char *end;
        if (colon == NULL || colon[1] < '0' || colon[1] > '9') return false;
        long number = strtol(colon + 1, &end, 10);
        if (*end != '\0' || number < 1 || number > 65535) return false;
        *port = (int)number;
        size = (size_t)(colon - address);
        if (size > 2 && begin[0] == '[' && begin[size - 1] == ']') {
            begin++;
            size -= 2;
        }
    }
    if (size == 0 || size >= KVRESP_HOST_SIZE) return false;
    memcpy(host, begin, size);
    host[size] = '\0';
    return true;
}

static const char *follow_set(struct kvnet_follower *follower, const char *name, const char *value,
                              char message[256])
{
    return value == NULL ? NULL
                         : kvresp_config_set(follower->resp, name, KV_TEXT(value), true, message);
}

static kv_status follow_configure(struct kvnet_follower *follower,
                                  const kvnet_follow_options *options)
{
    char message[256], seconds[24];
    if (options->timeout_s < 0) return KV_BADARG;
    snprintf(seconds, sizeof seconds, "%lld", (long long)options->timeout_s);
    const char *error = follow_set(follower, "masteruser", options->user, message);
    if (error == NULL) error = follow_set(follower, "masterauth", options->password, message);
    if (error == NULL && options->timeout_s > 0)
        error = follow_set(follower, "repl-timeout", seconds, message);
    return error == NULL ? KV_OK : KV_BADARG;
}

static kv_status follow_open(struct kvnet_follower *follower, kv *db,
                             const kvnet_follow_options *options, const char *host, int port)
{
    kvresp_options resp = KV_OPTIONS(kvresp_options);
    resp.log = options->log;
    resp.log_context = options->log_context;
    kv_status status = kvresp_open(db, &resp, &follower->resp);
    if (status == KV_OK) status = follow_configure(follower, options);
    if (status == KV_OK)
        status = follower_open(&follower->follower, follower->resp, follow_no_port, NULL);
    follower->has_follower = status == KV_OK;
    return status == KV_OK ? kvresp_replicaof(follower->resp, host, port) : status;
}

kv_status kvnet_follow(kv *db, const char *address, const kvnet_follow_options *given,
                       kvnet_follower **follower)
{
    kvnet_follow_options options = KV_OPTIONS(kvnet_follow_options);
    char host[KVRESP_HOST_SIZE];
    int port;
    if (db == NULL || address == NULL || follower == NULL) return KV_BADARG;
    if (given != NULL) {
        if (given->size < sizeof given->size || given->size > sizeof options) return KV_BADARG;
        memcpy(&options, given, given->size);
    }
    if (!follow_parse_address(address, host, &port)) return KV_BADARG;
    struct kvnet_follower *opened = calloc(1, sizeof *opened);
    if (opened == NULL) return KV_NOMEM;
    kv_status status = follow_open(opened, db, &options, host, port);
    if (status == KV_OK) *follower = opened;
    else kvnet_unfollow(opened);
    return status;
}

kv_status kvnet_following(kvnet_follower *follower, kvresp_following *following)
{
    return follower == NULL ? KV_BADARG : kvresp_following_look(follower->resp, following);
}

kv_status kvnet_follow_wait(kvnet_follower *follower, int64_t timeout_ms)
{
    int64_t deadline_ms = server_clock_ms() + timeout_ms;
    const struct timespec moment = {.tv_nsec = FOLLOW_LOOK_MS * 1000000};
    for (;;) {
        kvresp_following now = KV_OPTIONS(kvresp_following);
        kv_status status = kvnet_following(follower, &now);
        if (status != KV_OK) return status;
        if (now.is_connected && now.received == now.offset) return KV_OK;
        if (server_clock_ms() >= deadline_ms) return KV_TIMEOUT;
        (void)nanosleep(&moment, NULL);
    }
}

void kvnet_unfollow(kvnet_follower *follower)
{
    if (follower == NULL) return;
    if (follower->resp != NULL) (void)kvresp_replicaof(follower->resp, NULL, 0);
    if (follower->has_follower) follower_close(&follower->follower);
    kvresp_close(follower->resp);
    free(follower);
}
