/*
 * net/server.c -- what the loops of a server share, and the calls of kvnet.h.
 */
#include "net/server.h"

#include "net/connection.h"
#include "net/dialer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
    SERVER_ACCEPT_BATCH = 64,
    SERVER_BACKLOG = 511,
    SERVER_CLIENTS = 10000,
    SERVER_KEEPALIVE_S = 300
};

static const char *const server_default_bind[] = {"127.0.0.1", "-::1"};

int64_t server_clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---------------------------------------------------------------------------------- connections */

/*
 * Tells a client why it is not served, as far as that can be done without waiting, and closes its
 * socket.
 */
static void server_turn_away(struct kvnet *server, int descriptor, const char *error)
{
    socket_write(descriptor, error, strlen(error));
    close(descriptor);
    kvresp_count(server->resp, KVRESP_COUNT_REJECTED_CONNECTIONS, 1);
}

static bool server_has_password(struct kvnet *server)
{
    kv_buffer password = {0};
    bool is_set =
        kvresp_config_get(server->resp, "requirepass", &password) == KV_OK && password.size > 0;
    kv_buffer_free(&password);
    return is_set;
}

static struct loop *server_choose_loop(struct kvnet *server)
{
    struct loop *chosen = &server->loops[0];
    unsigned least = atomic_load_explicit(&chosen->load, memory_order_relaxed);
    for (unsigned i = 1; i < server->loop_count; i++) {
        unsigned load = atomic_load_explicit(&server->loops[i].load, memory_order_relaxed);
        if (load >= least) continue;
        least = load;
        chosen = &server->loops[i];
    }
    return chosen;
}

/* Gives a connected socket, which is ours from now on, to a loop. */
static kv_status server_take(struct kvnet *server, int descriptor, bool is_accepted)
{
    kvresp_count(server->resp, KVRESP_COUNT_CONNECTIONS, 1);
    unsigned others = atomic_fetch_add(&server->client_count, 1);
    struct socket_ends ends;
    socket_describe(descriptor, &ends);

    const char *error = NULL;
    if (others >= atomic_load(&server->max_clients))
        error = "-ERR max number of clients reached\r\n";
    else if (is_accepted && ends.is_remote && atomic_load(&server->is_protected) &&
             !server_has_password(server))
        error = "-DENIED The server runs in protected mode and no password is set for the default "
                "user. In this "
                "mode it serves clients on this machine only. Set a password (requirepass), bind "
                "to other "
                "addresses deliberately with protected-mode no, or connect from this machine.\r\n";
    if (error != NULL) {
        atomic_fetch_sub(&server->client_count, 1);
        server_turn_away(server, descriptor, error);
        return KV_SKIPPED;
    }

    if (!ends.is_unix) socket_tune(descriptor, atomic_load(&server->keepalive_s));
    struct loop *loop = server_choose_loop(server);
    struct connection *connection = connection_create(loop, descriptor, &ends);
    if (connection == NULL) {
        atomic_fetch_sub(&server->client_count, 1);
        close(descriptor);
        return KV_NOMEM;
    }
    atomic_fetch_add(&loop->load, 1);
    loop_post(loop, connection);
    return KV_OK;
}

/* ------------------------------------------------------------------------------------ listeners */

/*
 * Accepts under the lock, as another thread may close the listener and its number may come to mean
 * another file.
 */
static int server_accept_one(struct kvnet *server, size_t index)
{
    int descriptor = -1;
    pthread_mutex_lock(&server->listeners_lock);
    errno = EAGAIN;
    if (index < server->listeners.count)
        descriptor = socket_accept(server->listeners.items[index].descriptor);
    int error = errno;
    pthread_mutex_unlock(&server->listeners_lock);
    errno = error;
    return descriptor;
}

static bool server_poll_listeners(struct kvnet *server)
{
    for (size_t i = 0; i < server->listeners.count; i++)
        if (!poller_add_listener(&server->loops[0].poller, server->listeners.items[i].descriptor,
                                 NULL))
            return false;
    return true;
}

/*
 * There is no descriptor left. The client that waits is told by means of the spare one; without it
 * the listeners are left alone for a while, or they would keep the loop busy for nothing.
 */
static void server_turn_away_with_spare(struct kvnet *server, size_t index)
{
    int error = errno;
    if (server->spare >= 0) {
        close(server->spare);
        int descriptor = server_accept_one(server, index);
        if (descriptor >= 0)
            server_turn_away(server, descriptor, "-ERR max number of clients reached\r\n");
        server->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (descriptor >= 0 && server->spare >= 0) return;
    }
    kvresp_logf(server->resp, KVRESP_WARNING, "Cannot accept connections for a moment: %s",
                strerror(error));
    pthread_mutex_lock(&server->listeners_lock);
    for (size_t i = 0; i < server->listeners.count; i++)
        poller_remove(&server->loops[0].poller, server->listeners.items[i].descriptor);
    server->is_deaf = true;
    pthread_mutex_unlock(&server->listeners_lock);
}

void server_recover(struct kvnet *server)
{
    if (server->spare < 0) server->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    pthread_mutex_lock(&server->listeners_lock);
    if (server->is_deaf && server->spare >= 0) {
        server->is_deaf = false;
        server_poll_listeners(server);
    }
    pthread_mutex_unlock(&server->listeners_lock);
}

/*
 * True if accepting failed for want of descriptors or memory; other failures are of one client that
 * has gone.
 */
static bool server_is_exhausted(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* Accepts from one listener until nobody waits, or its share of this turn is used up. */
static void server_accept_from(struct kvnet *server, size_t index)
{
    for (int taken = 0; taken < SERVER_ACCEPT_BATCH && !server->is_deaf; taken++) {
        int descriptor = server_accept_one(server, index);
        if (descriptor >= 0) server_take(server, descriptor, true);
        else if (server_is_exhausted(errno)) server_turn_away_with_spare(server, index);
        else if (errno == EAGAIN || errno == EWOULDBLOCK) return;
    }
}

void server_accept(struct kvnet *server)
{
    pthread_mutex_lock(&server->listeners_lock);
    size_t count = server->listeners.count;
    pthread_mutex_unlock(&server->listeners_lock);
    for (size_t i = 0; i < count && !server->is_deaf; i++) server_accept_from(server, i);
}

/*
 * Fills `fresh` with the unix socket, if any, which comes first, and listeners on `port` and
 * `bind`: those that are in `listeners` already are taken as they are. 0 as port: any.
 */
static bool server_listen(struct kvnet *server, const struct words *bind, int *port,
                          struct listeners *fresh, char *message)
{
    fresh->count = server->unix_path == NULL ? 0 : 1;
    if (fresh->count > 0) fresh->items[0] = server->listeners.items[0];
    if (*port < 0 || bind->count == 0) {
        *port = -1;
        return true;
    }
    return listeners_open_tcp(fresh, &server->listeners, (const char *const *)bind->items,
                              bind->count, port, server->backlog, message);
}

/* Closes the listeners that are not among those of `kept`. */
static void server_close_others(struct kvnet *server, const struct listeners *kept)
{
    struct listeners *listeners = &server->listeners;
    size_t left = 0;
    for (size_t i = 0; i < listeners->count; i++) {
        struct listener *listener = &listeners->items[i];
        if (listeners_have(kept, listener->descriptor)) {
            listeners->items[left++] = *listener;
        } else {
            poller_remove(&server->loops[0].poller, listener->descriptor);
            listener_close(listener);
        }
    }
    listeners->count = left;
}

/*
 * Puts `fresh` in the place of the listeners. False, with a message and nothing changed, if the
 * poller refuses one; those of `fresh` that are new are closed then.
 */
static bool server_adopt(struct kvnet *server, const struct listeners *fresh, char *message)
{
    struct poller *poller = &server->loops[0].poller;
    bool is_polled = true;
    for (size_t i = 0; i < fresh->count && is_polled && !server->is_deaf; i++) {
        int descriptor = fresh->items[i].descriptor;
        if (listeners_have(&server->listeners, descriptor)) continue;
        is_polled = poller_add_listener(poller, descriptor, NULL);
    }
    if (is_polled) {
        server_close_others(server, fresh);
        server->listeners = *fresh;
        return true;
    }
    snprintf(message, LISTENER_MESSAGE_SIZE, "cannot watch the listeners: %s", strerror(errno));
    for (size_t i = 0; i < fresh->count; i++) {
        struct listener listener = fresh->items[i];
        if (listeners_have(&server->listeners, listener.descriptor)) continue;
        poller_remove(poller, listener.descriptor);
        listener_close(&listener);
    }
    return false;
}

/* Listens on `port` and `bind` and no longer where it did; or as before, with a message. */
static bool server_relisten(struct kvnet *server, const struct words *bind, int *port,
                            char *message)
{
    struct listeners fresh;
    return server_listen(server, bind, port, &fresh, message) &&
           server_adopt(server, &fresh, message);
}

/*
 * The same when an old listener may be in the way, as 127.0.0.1 is in that of every address: all go
 * first. If that fails as well they are opened again, the only case in which they may be lost, for
 * want of memory or because another program came between.
 */
static bool server_relisten_alone(struct kvnet *server, const struct words *bind, int *port,
                                  char *message)
{
    char again[LISTENER_MESSAGE_SIZE];
    int old_port = server->port, none = -1;
    (void)server_relisten(server, &server->bind, &none, again); /* nothing new: cannot fail */
    if (server_relisten(server, bind, port, message)) return true;
    if (!server_relisten(server, &server->bind, &old_port, again)) {
        server->port = -1;
        kvresp_logf(server->resp, KVRESP_WARNING, "Cannot listen where it did before: %s", again);
    }
    return false;
}

const char *server_rebind(struct kvnet *server, struct words bind, int port, char message[256])
{
    pthread_mutex_lock(&server->listeners_lock);
    int wanted_port = port;
    errno = 0;
    bool is_open = server_relisten(server, &bind, &port, message);
    if (!is_open && errno == EADDRINUSE && server->port == wanted_port) {
        port = wanted_port;
        is_open = server_relisten_alone(server, &bind, &port, message);
    }
    if (is_open) {
        words_free(&server->bind);
        server->bind = bind;
        server->port = port;
        server->bind_port = port >= 0 ? port : wanted_port;
    } else {
        words_free(&bind);
    }
    pthread_mutex_unlock(&server->listeners_lock);
    return is_open ? NULL : message;
}

int server_bind_port(struct kvnet *server)
{
    pthread_mutex_lock(&server->listeners_lock);
    int port = server->bind_port;
    pthread_mutex_unlock(&server->listeners_lock);
    return port;
}

/* ------------------------------------------------------------------------------- start and stop */

uint32_t server_clients_possible(const struct kvnet *server)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return UINT32_MAX;
    rlim_t reserved = SERVER_RESERVED_DESCRIPTORS + 4 * (rlim_t)server->loop_count;
    rlim_t possible = limit.rlim_cur > reserved ? limit.rlim_cur - reserved : 1;
    return possible > UINT32_MAX ? UINT32_MAX : (uint32_t)possible;
}

static void server_set_max_clients(struct kvnet *server, uint32_t wanted)
{
    uint32_t possible = server_clients_possible(server);
    atomic_store(&server->max_clients, wanted < possible ? wanted : possible);
    if (wanted > possible)
        kvresp_logf(
            server->resp, KVRESP_WARNING,
            "The limit of open files allows %u clients instead of %u; raise it to serve more",
            possible, wanted);
}

static unsigned server_thread_count(int asked)
{
    if (asked > 0) return asked > SERVER_THREADS_MAX ? SERVER_THREADS_MAX : (unsigned)asked;
    if (asked < 0) return 1;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (cores < 1) return 1;
    return cores > SERVER_THREADS_DEFAULT_MAX ? SERVER_THREADS_DEFAULT_MAX : (unsigned)cores;
}

void server_wake_all(struct kvnet *server)
{
    for (unsigned i = 0; i < server->loop_count; i++) poller_wake(&server->loops[i].poller);
}

static void *server_run_loop(void *context)
{
    struct loop *loop = context;
    while (loop_turn(loop, -1)) continue;
    return NULL;
}

/*
 * Signals are the host's: they are blocked in the threads, so that the system gives them to its
 * own.
 */
static bool server_start_threads(struct kvnet *server)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool is_started = true;
    for (unsigned i = 0; i < server->loop_count && is_started; i++) {
        struct loop *loop = &server->loops[i];
        is_started = pthread_create(&loop->thread, NULL, server_run_loop, loop) == 0;
        loop->has_thread = is_started;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return is_started;
}

static void server_stop_threads(struct kvnet *server, int64_t grace_ms)
{
    atomic_store(&server->stop_at_ms, server_clock_ms() + (grace_ms > 0 ? grace_ms : 0));
    atomic_store(&server->is_stopping, true);
    server_wake_all(server);
    for (unsigned i = 0; i < server->loop_count; i++)
        if (server->loops[i].has_thread) pthread_join(server->loops[i].thread, NULL);
}

static void server_free(struct kvnet *server)
{
    while (server->listeners.count > 0)
        listener_close(&server->listeners.items[--server->listeners.count]);
    for (unsigned i = 0; i < server->loop_count; i++) loop_close(&server->loops[i]);
    if (server->spare >= 0) close(server->spare);
    pthread_mutex_destroy(&server->listeners_lock);
    words_free(&server->bind);
    free(server->unix_path);
    free(server->loops);
    free(server);
}

static int server_announced_port(const void *context)
{
    return kvnet_port(context);
}

static struct kvnet *server_create(kvresp *resp, const kvnet_options *options)
{
    struct kvnet *server = calloc(1, sizeof *server);
    if (server == NULL) return NULL;
    server->resp = resp;
    server->db = kvresp_store(resp);
    server->spare = -1;
    server->port = -1;
    server->has_threads = options->threads >= 0;
    server->backlog = options->backlog > 0 ? options->backlog : SERVER_BACKLOG;
    server->unix_permissions = options->unix_permissions;
    atomic_store(&server->idle_timeout_s, options->idle_timeout_s);
    atomic_store(&server->keepalive_s, options->keepalive_s == 0  ? SERVER_KEEPALIVE_S
                                       : options->keepalive_s < 0 ? 0
                                                                  : options->keepalive_s);
    atomic_store(&server->is_protected, options->protected_mode);
    pthread_mutex_init(&server->listeners_lock, NULL);

    size_t default_count = sizeof server_default_bind / sizeof *server_default_bind;
    bool is_nowhere = options->bind_count == 1 && options->bind[0][0] == '\0';
    if (options->bind_count == 0) server->bind = words_copy(server_default_bind, default_count);
    else if (!is_nowhere) server->bind = words_copy(options->bind, options->bind_count);
    if (options->unix_socket != NULL) server->unix_path = strdup(options->unix_socket);
    server->loops = calloc(server_thread_count(options->threads), sizeof *server->loops);
    if ((server->bind.items != NULL || is_nowhere) && server->loops != NULL &&
        (server->unix_path != NULL || options->unix_socket == NULL))
        return server;
    server_free(server);
    return NULL;
}

/* The loops, then what they listen to. Errors of the system are told in `message`. */
static kv_status server_open(struct kvnet *server, const kvnet_options *options, char *message)
{
    unsigned thread_count = server_thread_count(options->threads);
    while (server->loop_count < thread_count) {
        kv_status status =
            loop_open(&server->loops[server->loop_count], server, server->loop_count);
        if (status == KV_BADARG)
            snprintf(message, 256, "cannot open an event queue: %s", strerror(errno));
        if (status != KV_OK) return status;
        server->loop_count++;
    }
    server->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    server->port = options->port;
    if (server->unix_path != NULL &&
        !listeners_open_unix(&server->listeners, server->unix_path, server->unix_permissions,
                             server->backlog, message))
        return KV_BADARG;
    struct listeners all;
    if (!server_listen(server, &server->bind, &server->port, &all, message)) return KV_BADARG;
    server->listeners = all;
    server->bind_port = server->port >= 0 ? server->port : options->port;
    if (!server_poll_listeners(server)) {
        snprintf(message, 256, "cannot watch the listeners: %s", strerror(errno));
        return KV_BADARG;
    }
    return KV_OK;
}

kv_status kvnet_start(kvresp *resp, const kvnet_options *given, kvnet **server_out,
                      char message[256])
{
    kvnet_options copy = KV_OPTIONS(kvnet_options), *options = &copy;
    char unheard[256];
    if (message == NULL) message = unheard;
    message[0] = '\0';
    if (resp == NULL || server_out == NULL) return KV_BADARG;
    if (given != NULL) {
        if (given->size < sizeof given->size || given->size > sizeof copy) {
            snprintf(message, 256, "options of a size that is not known here");
            return KV_BADARG;
        }
        memcpy(&copy, given, given->size);
    }
    if (options->port < -1 || options->port > 65535 || options->idle_timeout_s < 0) {
        snprintf(message, 256, "an option of the server is out of range");
        return KV_BADARG;
    }

    struct kvnet *server = server_create(resp, options);
    if (server == NULL) return KV_NOMEM;
    kv_status status = server_open(server, options, message);
    (void)kvresp_dial_by(resp, &dialer); /* unless the host has its own way */
    if (status == KV_OK) {
        server_set_max_clients(server,
                               options->max_clients > 0 ? options->max_clients : SERVER_CLIENTS);
        status = parameters_add(server);
    }
    if (status != KV_OK) {
        server_free(server);
        return status;
    }
    server->has_follower =
        follower_open(&server->follower, resp, server_announced_port, server) == KV_OK;
    if (server->has_follower && (!server->has_threads || server_start_threads(server))) {
        if (!server->has_threads) loop_rest(&server->loops[0]);
        *server_out = server;
        return KV_OK;
    }
    kvnet_stop(server, 0);
    snprintf(message, 256, "cannot start a thread");
    return KV_NOMEM;
}

int kvnet_port(const kvnet *server)
{
    struct kvnet *shared = (struct kvnet *)server; /* CONFIG SET port may change it */
    pthread_mutex_lock(&shared->listeners_lock);
    int port = shared->port;
    pthread_mutex_unlock(&shared->listeners_lock);
    return port;
}

kv_status kvnet_addresses(kvnet *server, char *text, size_t size)
{
    size_t used = 0;
    bool fits = size > 0;
    if (fits) text[0] = '\0';
    pthread_mutex_lock(&server->listeners_lock);
    for (size_t i = 0; i < server->listeners.count && fits; i++) {
        int more = snprintf(text + used, size - used, "%s%s", i > 0 ? ", " : "",
                            server->listeners.items[i].name);
        used += (size_t)more;
        fits = used < size;
    }
    pthread_mutex_unlock(&server->listeners_lock);
    return fits ? KV_OK : KV_TOOBIG;
}

kv_status kvnet_poll(kvnet *server, int timeout_ms)
{
    if (server == NULL || server->has_threads) return KV_BADARG;
    loop_turn(&server->loops[0], timeout_ms);
    loop_rest(&server->loops[0]);
    return KV_OK;
}

int kvnet_fd(const kvnet *server)
{
    return server->has_threads ? -1 : server->loops[0].poller.descriptor;
}

void kvnet_wake(kvnet *server)
{
    poller_wake(&server->loops[0].poller);
}

kv_status kvnet_serve_fd(kvnet *server, int descriptor)
{
    if (server == NULL || descriptor < 0) return KV_BADARG;
    if (!socket_adopt(descriptor)) {
        close(descriptor);
        return KV_BADARG;
    }
    return server_take(server, descriptor, false);
}

void kvnet_stop(kvnet *server, int64_t grace_ms)
{
    if (server == NULL) return;
    parameters_remove(server);
    pthread_mutex_lock(&server->listeners_lock);
    while (server->listeners.count > 0) {
        struct listener *listener = &server->listeners.items[--server->listeners.count];
        poller_remove(&server->loops[0].poller, listener->descriptor);
        listener_close(listener);
    }
    pthread_mutex_unlock(&server->listeners_lock);
    server_stop_threads(server, grace_ms);
    if (!server->has_threads)
        while (loop_turn(&server->loops[0], -1)) continue;
    parameters_remove(server); /* a loop may have inherited them meanwhile */
    if (server->has_follower) follower_close(&server->follower); /* no loop renews it any more */
    server_free(server);
}
