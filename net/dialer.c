/*
 * net/dialer.c -- connections that commands make to other servers.
 */
#include "net/dialer.h"

#include "net/server.h"
#include "net/socket.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { DIALER_SLICE_MS = 100, DIALER_KEEPALIVE_S = 60 };

struct dialed {
    int descriptor;
};

/* What a wait is for, and how long. */
struct patience {
    int64_t until_ms; /* by server_clock_ms() */
    bool (*goes_on)(void *context);
    void *context;
};

/* Waits for events of a descriptor. KV_OK or KV_TIMEOUT. */
static kv_status dialer_wait(int descriptor, short events, int64_t timeout_ms)
{
    struct pollfd polled = {.fd = descriptor, .events = events};
    int count = poll(&polled, 1, timeout_ms > INT32_MAX ? INT32_MAX : (int)timeout_ms);
    return count > 0 ? KV_OK : KV_TIMEOUT;
}

/* Waits until a socket is connected, and looks up now and then whether that is still wanted. */
static kv_status dialer_await(int descriptor, const struct patience *patience)
{
    kv_status status = KV_TIMEOUT;
    while (status == KV_TIMEOUT) {
        int64_t left_ms = patience->until_ms - server_clock_ms();
        if (left_ms <= 0) return KV_TIMEOUT;
        if (!patience->goes_on(patience->context)) return KV_CANCELLED;
        status =
            dialer_wait(descriptor, POLLOUT, left_ms < DIALER_SLICE_MS ? left_ms : DIALER_SLICE_MS);
    }
    int error = 0;
    socklen_t size = sizeof error;
    bool is_connected =
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
    return is_connected ? KV_OK : KV_IOERROR;
}

static kv_status dialer_connect_to(const struct addrinfo *info, const struct patience *patience,
                                   int *connected)
{
    int descriptor = socket_open(info->ai_family);
    if (descriptor < 0) return KV_IOERROR;
    kv_status status = KV_OK;
    if (connect(descriptor, info->ai_addr, info->ai_addrlen) != 0) {
        bool is_under_way = errno == EINPROGRESS || errno == EINTR;
        status = is_under_way ? dialer_await(descriptor, patience) : KV_IOERROR;
    }
    if (status == KV_OK) *connected = descriptor;
    else close(descriptor);
    return status;
}

/* Tries the addresses of a name, one after another. */
static kv_status dialer_connect_any(const char *host, int port, const struct patience *patience,
                                    int *connected)
{
    char service[16];
    snprintf(service, sizeof service, "%u", (unsigned)port & 0xffff);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found;
    int failure = getaddrinfo(host, service, &hints, &found);
    if (failure != 0) return failure == EAI_MEMORY ? KV_NOMEM : KV_BADARG;
    kv_status status = KV_BADARG;
    for (const struct addrinfo *at = found; at != NULL && status != KV_OK; at = at->ai_next) {
        status = dialer_connect_to(at, patience, connected);
        if (status == KV_TIMEOUT || status == KV_CANCELLED) break;
    }
    freeaddrinfo(found);
    return status;
}

static kv_status dialer_connect(void *context, const char *host, int port, int64_t timeout_ms,
                                bool (*goes_on)(void *goes_on_context), void *goes_on_context,
                                void **connection)
{
    (void)context;
    int64_t now_ms = server_clock_ms();
    struct patience patience = {timeout_ms < INT64_MAX - now_ms ? now_ms + timeout_ms : INT64_MAX,
                                goes_on, goes_on_context};
    struct dialed *dialed = malloc(sizeof *dialed);
    if (dialed == NULL) return KV_NOMEM;
    kv_status status = dialer_connect_any(host, port, &patience, &dialed->descriptor);
    if (status != KV_OK) {
        free(dialed);
        return status;
    }
    socket_tune(dialed->descriptor, DIALER_KEEPALIVE_S);
    *connection = dialed;
    return KV_OK;
}

static kv_status dialer_write(void *connection, kv_slice bytes, int64_t timeout_ms, size_t *size)
{
    const struct dialed *dialed = connection;
    for (int tries = 0; tries < 2; tries++) {
        ssize_t put = socket_write(dialed->descriptor, bytes.data, bytes.size);
        if (put >= 0) {
            *size = (size_t)put;
            return KV_OK;
        }
        if (errno != EAGAIN && errno != EWOULDBLOCK) return KV_IOERROR;
        if (tries == 0 && dialer_wait(dialed->descriptor, POLLOUT, timeout_ms) != KV_OK)
            return KV_TIMEOUT;
    }
    return KV_TIMEOUT;
}

static kv_status dialer_read(void *connection, void *bytes, size_t room, int64_t timeout_ms,
                             size_t *size)
{
    const struct dialed *dialed = connection;
    for (int tries = 0; tries < 2; tries++) {
        ssize_t got = socket_read(dialed->descriptor, bytes, room);
        if (got > 0) {
            *size = (size_t)got;
            return KV_OK;
        }
        if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) return KV_IOERROR;
        if (tries == 0 && dialer_wait(dialed->descriptor, POLLIN, timeout_ms) != KV_OK)
            return KV_TIMEOUT;
    }
    return KV_TIMEOUT;
}

static void dialer_close(void *connection)
{
    close(((struct dialed *)connection)->descriptor);
    free(connection);
}

const kvresp_dialer dialer = {sizeof(kvresp_dialer), dialer_connect, dialer_write,
                              dialer_read,           dialer_close,   NULL};
