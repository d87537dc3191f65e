/*
 * net/follower.c -- the thread that connects to a master and speaks with it.
 */
#include "net/follower.h"

#include "net/connecting.h"
#include "net/server.h"
#include "net/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    FOLLOWER_CONNECT_MS = 10000, /* for one address */
    FOLLOWER_WRITE_MS = 5000,    /* of the few bytes that are written a second */
    FOLLOWER_PAUSE_MIN_MS = 50,  /* before it connects again; doubled each time */
    FOLLOWER_PAUSE_MAX_MS = 1000,
    FOLLOWER_STEADY_MS = 5000, /* a link that lasted so long was good */
    FOLLOWER_KEEPALIVE_S = 60,
    FOLLOWER_REASON_SIZE = 256
};

/* ------------------------------------------------------------------------------------- being told */

/* kvresp_connector.changed */
static void follower_note(void *context)
{
    struct follower *follower = context;
    if (atomic_exchange(&follower->is_noted, true)) return;
    while (write(follower->pipe[1], "", 1) < 0 && errno == EINTR) continue;
}

/* Whether it was told to look up, since the last time. */
static bool follower_was_told(struct follower *follower)
{
    return atomic_load(&follower->is_noted) && atomic_exchange(&follower->is_noted, false);
}

/*
 * Waits for `events` of a descriptor (-1: of none), or to be told. The events; 0 for neither, and
 * also when it was told.
 */
static int follower_poll(struct follower *follower, int descriptor, short events, int64_t wait_ms)
{
    if (atomic_load(&follower->is_noted)) return 0;
    struct pollfd polled[2] = {{.fd = follower->pipe[0], .events = POLLIN},
                               {.fd = descriptor, .events = events}};
    int count = poll(polled, 2, wait_ms > INT32_MAX || wait_ms < 0 ? -1 : (int)wait_ms);
    if (count <= 0) return 0;
    char bytes[16]; /* that tell of notes; one that is late wakes once more than it had to */
    if (polled[0].revents != 0) (void)!read(follower->pipe[0], bytes, sizeof bytes);
    return polled[1].revents;
}

/* A pause between two attempts, unless it is told. */
static void follower_pause(struct follower *follower, int64_t wait_ms)
{
    if (!atomic_load(&follower->is_stopping)) (void)follower_poll(follower, -1, 0, wait_ms);
    (void)follower_was_told(follower);
}

/* ---------------------------------------------------------------------------------- the transport */

struct follower_link {
    struct follower *follower;
    int descriptor;
};

static kv_status follower_read(void *context, void *bytes, size_t room, int64_t wait_ms,
                               size_t *size)
{
    struct follower_link *link = context;
    struct follower *follower = link->follower;
    for (int tries = 0; tries < 2; tries++) {
        if (atomic_load(&follower->is_stopping)) {
            errno = ECANCELED;
            return KV_IOERROR;
        }
        if (follower_was_told(follower)) return KV_CANCELLED;
        ssize_t got = socket_read(link->descriptor, bytes, room);
        if (got > 0) {
            *size = (size_t)got;
            return KV_OK;
        }
        if (got == 0) return KV_NONE;
        if (errno != EAGAIN && errno != EWOULDBLOCK) return KV_IOERROR;
        if (tries == 0) (void)follower_poll(follower, link->descriptor, POLLIN, wait_ms);
    }
    return KV_TIMEOUT;
}

static kv_status follower_write(void *context, kv_slice bytes)
{
    struct follower_link *link = context;
    struct follower *follower = link->follower;
    int64_t deadline_ms = server_clock_ms() + FOLLOWER_WRITE_MS;
    const char *at = bytes.data, *end = at + bytes.size;
    while (at < end) {
        if (atomic_load(&follower->is_stopping)) {
            errno = ECANCELED;
            return KV_IOERROR;
        }
        ssize_t put = socket_write(link->descriptor, at, (size_t)(end - at));
        if (put > 0) {
            at += put;
            continue;
        }
        if (put < 0 && errno != EAGAIN && errno != EWOULDBLOCK) return KV_IOERROR;
        struct pollfd polled = {.fd = link->descriptor, .events = POLLOUT};
        int64_t wait_ms = deadline_ms - server_clock_ms();
        if (wait_ms <= 0) {
            errno = ETIMEDOUT;
            return KV_IOERROR;
        }
        (void)poll(&polled, 1, (int)wait_ms);
    }
    return KV_OK;
}

/* ------------------------------------------------------------------------------------- connecting */

/* Waits for a connection, unless it is told. */
static int follower_await_connection(void *context, int descriptor)
{
    struct follower *follower = context;
    int64_t deadline_ms = server_clock_ms() + FOLLOWER_CONNECT_MS;
    for (;;) {
        int64_t wait_ms = deadline_ms - server_clock_ms();
        if (wait_ms <= 0) return ETIMEDOUT;
        if (follower_poll(follower, descriptor, POLLOUT, wait_ms) != 0) return 0;
        if (atomic_load(&follower->is_noted)) return ECANCELED;
    }
}

/* A socket, or -1 with a reason. */
static int follower_connect(struct follower *follower, const kvresp_master *master, char *reason)
{
    struct connecting connecting = {.wait = follower_await_connection, .context = follower};
    bool is_path = master->host[0] == '/';
    int descriptor = is_path ? connecting_to_path(&connecting, master->host)
                             : connecting_to_host(&connecting, master->host, master->port);
    if (descriptor >= 0) socket_tune(descriptor, FOLLOWER_KEEPALIVE_S);
    else if (connecting.lookup != 0)
        snprintf(reason, FOLLOWER_REASON_SIZE, "cannot look up its name: %s",
                 gai_strerror(connecting.lookup));
    else snprintf(reason, FOLLOWER_REASON_SIZE, "cannot connect: %s", strerror(connecting.error));
    return descriptor;
}

/* ------------------------------------------------------------------------------------ the thread */

static kv_status follower_speak(struct follower *follower, const kvresp_master *master,
                                int descriptor)
{
    struct follower_link link = {follower, descriptor};
    struct socket_ends ends;
    socket_describe(descriptor, &ends);
    int port = follower->port(follower->port_context);
    kvresp_transport transport = KV_OPTIONS(kvresp_transport);
    transport.read = follower_read;
    transport.write = follower_write;
    transport.context = &link;
    transport.address = ends.peer;
    transport.local_address = ends.local;
    transport.descriptor = descriptor;
    transport.is_unix = ends.is_unix;
    transport.listening_port = port > 0 ? port : 0;
    return kvresp_follow(follower->resp, master, &transport);
}

/* One connection, from its beginning to its end. KV_CANCELLED: look anew at once. */
static kv_status follower_try(struct follower *follower, const kvresp_master *master)
{
    char reason[FOLLOWER_REASON_SIZE];
    kvresp_follow_begins(follower->resp, master);
    int descriptor = follower_connect(follower, master, reason);
    if (descriptor < 0) {
        if (follower_was_told(follower)) return KV_CANCELLED;
        kvresp_follow_failed(follower->resp, master, reason);
        return KV_IOERROR;
    }
    kv_status status = follower_speak(follower, master, descriptor);
    close(descriptor);
    return status;
}

static void *follower_run(void *context)
{
    struct follower *follower = context;
    int64_t pause_ms = FOLLOWER_PAUSE_MIN_MS;
    while (!atomic_load(&follower->is_stopping)) {
        kvresp_master master = KV_OPTIONS(kvresp_master);
        if (kvresp_wanted_master(follower->resp, &master) != KV_OK) {
            follower_pause(follower, -1);
            continue;
        }
        int64_t began_ms = server_clock_ms();
        kv_status status = follower_try(follower, &master);
        if (status == KV_CANCELLED || server_clock_ms() - began_ms > FOLLOWER_STEADY_MS)
            pause_ms = FOLLOWER_PAUSE_MIN_MS;
        if (status == KV_CANCELLED) continue;
        follower_pause(follower, pause_ms);
        pause_ms = 2 * pause_ms < FOLLOWER_PAUSE_MAX_MS ? 2 * pause_ms : FOLLOWER_PAUSE_MAX_MS;
    }
    return NULL;
}

/* Signals are the host's. */
static void follower_start_thread(struct follower *follower)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_mutex_lock(&follower->lock);
    if (!follower->has_thread)
        follower->has_thread = pthread_create(&follower->thread, NULL, follower_run, follower) == 0;
    bool is_started = follower->has_thread;
    pthread_mutex_unlock(&follower->lock);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!is_started)
        kvresp_logf(follower->resp, KVRESP_WARNING,
                    "Cannot start the thread that follows a master");
}

static void follower_changed(void *context)
{
    follower_note(context);
    follower_start_thread(context);
}

/* --------------------------------------------------------------------------------- open and close */

void follower_renew(struct follower *follower)
{
    if (follower->is_attached) return;
    kvresp_connector connector = KV_OPTIONS(kvresp_connector);
    connector.changed = follower_changed;
    connector.context = follower;
    follower->is_attached = kvresp_connector_attach(follower->resp, &connector) == KV_OK;
    kvresp_master master = KV_OPTIONS(kvresp_master);
    if (follower->is_attached && kvresp_wanted_master(follower->resp, &master) == KV_OK)
        follower_changed(follower);
}

static bool follower_open_pipe(struct follower *follower)
{
    if (pipe(follower->pipe) != 0) return false;
    for (int i = 0; i < 2; i++) {
        (void)fcntl(follower->pipe[i], F_SETFD, FD_CLOEXEC);
        (void)fcntl(follower->pipe[i], F_SETFL, O_NONBLOCK);
    }
    return true;
}

kv_status follower_open(struct follower *follower, kvresp *resp, int (*port)(const void *context),
                        const void *port_context)
{
    *follower = (struct follower){.resp = resp, .port = port, .port_context = port_context};
    if (!follower_open_pipe(follower)) return KV_BADARG;
    if (pthread_mutex_init(&follower->lock, NULL) != 0) {
        close(follower->pipe[0]);
        close(follower->pipe[1]);
        return KV_NOMEM;
    }
    follower_renew(follower);
    return KV_OK;
}

void follower_close(struct follower *follower)
{
    if (follower->is_attached) kvresp_connector_detach(follower->resp);
    atomic_store(&follower->is_stopping, true);
    follower_note(follower);
    if (follower->has_thread) pthread_join(follower->thread, NULL);
    pthread_mutex_destroy(&follower->lock);
    close(follower->pipe[0]);
    close(follower->pipe[1]);
}
