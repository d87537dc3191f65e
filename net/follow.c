/*
 * net/follow.c -- a store that follows a master without being a server: kvnet_follow().
 */
#include "kvnet.h"

#include "net/follower.h"
#include "net/server.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

struct kvnet_follower {
    kv *store;
    kvresp *resp;
    struct follower follower;
    bool has_follower;
};

/* What it is attached to its store as: there is one at a time. */
#define FOLLOW_NAME "kvnet.follower"

enum { FOLLOW_LOOK_MS = 2 };

/* --------------------------------------------------------------------------------- the address */

static bool follow_copy_host(const char *begin, size_t size, char host[KVRESP_HOST_SIZE])
{
    if (size == 0 || size >= KVRESP_HOST_SIZE) return false;
    memcpy(host, begin, size);
    host[size] = '\0';
    return true;
}

static bool follow_is_directory(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0 && S_ISDIR(found.st_mode);
}

/* The name of a socket, which no directory is. Nothing need be there yet. */
static bool follow_parse_path(const char *path, char host[KVRESP_HOST_SIZE])
{
    struct sockaddr_un *address = NULL;
    size_t size = strlen(path);
    return size < sizeof address->sun_path && path[size - 1] != '/' && !follow_is_directory(path) &&
           follow_copy_host(path, size, host);
}

/* Of names and of numbers of IPv4: no delimiter, no space, nothing that is not seen. */
static bool follow_is_name(const char *host)
{
    for (; *host != '\0'; host++)
        if ((unsigned char)*host <= ' ' || *host == 0x7f || strchr(":[]/", *host) != NULL)
            return false;
    return true;
}

/* "::1" or "fe80::1%eth0". */
static bool follow_is_ipv6(const char *host)
{
    char address[INET6_ADDRSTRLEN];
    struct in6_addr parsed;
    size_t size = strcspn(host, "%");
    const char *zone = host[size] == '%' ? host + size + 1 : "none";
    if (size >= sizeof address || zone[0] == '\0' || !follow_is_name(zone)) return false;
    memcpy(address, host, size);
    address[size] = '\0';
    return inet_pton(AF_INET6, address, &parsed) == 1;
}

static bool follow_parse_port(const char *text, int *port)
{
    char *end;
    if (*text < '0' || *text > '9') return false;
    long number = strtol(text, &end, 10);
    if (*end != '\0' || number < 1 || number > 65535) return false;
    *port = (int)number;
    return true;
}

/* "host:port", "[::1]:6379" or "/path/of/a.socket". False if it is none of them. */
static bool follow_parse_address(const char *address, char host[KVRESP_HOST_SIZE], int *port)
{
    *port = 0;
    if (address[0] == '/') return follow_parse_path(address, host);
    const char *colon = strrchr(address, ':');
    if (colon == NULL || !follow_parse_port(colon + 1, port)) return false;
    size_t size = (size_t)(colon - address);
    if (size > 1 && address[0] == '[' && colon[-1] == ']')
        return follow_copy_host(address + 1, size - 2, host) && follow_is_ipv6(host);
    return follow_copy_host(address, size, host) && follow_is_name(host);
}

/* ------------------------------------------------------------------------------------- following */

static int follow_no_port(const void *context)
{
    (void)context;
    return 0;
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

/* A store is followed by a view that lasts: a transaction has none to give. */
static kv_status follow_refuse_transaction(kv *db)
{
    kv *view;
    kv_status status = kv_view_open(db, &view);
    if (status == KV_OK) kv_view_close(view);
    return status;
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
    kv_status status = follow_refuse_transaction(db);
    if (status != KV_OK) return status;
    struct kvnet_follower *opened = calloc(1, sizeof *opened);
    if (opened == NULL) return KV_NOMEM;
    opened->store = db;
    status = kv_attach(db, KV_TEXT(FOLLOW_NAME), opened);
    if (status != KV_OK) {
        free(opened);
        return status;
    }
    status = follow_open(opened, db, &options, host, port);
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
    (void)kv_detach(follower->store, KV_TEXT(FOLLOW_NAME), NULL);
    free(follower);
}
