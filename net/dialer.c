/*
 * net/dialer.c -- connections that commands make to other servers.
 */
#include "net/dialer.h"

#include "net/connecting.h"
#include "net/server.h"
#include "net/socket.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
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

/* Waits for a connection, and looks up now and then whether that is still wanted. */
static int dialer_await(void *context, int descriptor)
{
    const struct patience *patience = context;
    for (;;) {
        int64_t left_ms = patience->until_ms - server_clock_ms();
        if (left_ms <= 0) return ETIMEDOUT;
        if (!patience->goes_on(patience->context)) return ECANCELED;
        int64_t wait_ms = left_ms < DIALER_SLICE_MS ? left_ms : DIALER_SLICE_MS;
        if (dialer_wait(descriptor, POLLOUT, wait_ms) == KV_OK) return 0;
    }
}

/* Why nothing was connected. */
static kv_status dialer_status(const struct connecting *connecting)
{
    if (connecting->lookup != 0) return connecting->lookup == EAI_MEMORY ? KV_NOMEM : KV_BADARG;
    if (connecting->error == ETIMEDOUT) return KV_TIMEOUT;
    return connecting->error == ECANCELED ? KV_CANCELLED : KV_IOERROR;
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
    struct connecting connecting = {.wait = dialer_await, .context = &patience};
    dialed->descriptor = connecting_to_host(&connecting, host, port);
    if (dialed->descriptor < 0) {
        free(dialed);
        return dialer_status(&connecting);
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
