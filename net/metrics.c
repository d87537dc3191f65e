/*
 * net/metrics.c -- GET /metrics over HTTP, by libmicrohttpd and a thread of its own.
 *
 * libmicrohttpd (Debian's libmicrohttpd-dev) is optional: a library built without it has the calls,
 * and they say so.
 *
 * Whoever connects is accepted: libmicrohttpd would let the next ones wait at its limit, a scrape
 * among them, until one of those that say nothing has timed out. One connection too many ends that
 * which has asked for nothing for the longest time. All of this is the daemon's thread alone.
 */
#include "net/listener.h"

#include "kvnet.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    METRICS_BACKLOG = 128,
    METRICS_CONNECTIONS = 32,
    METRICS_ENDING = 32, /* above those: libmicrohttpd accepts some ten before it ends any */
    METRICS_SLOTS = METRICS_CONNECTIONS + METRICS_ENDING,
    METRICS_TIMEOUT_S = 10,
    METRICS_MEMORY = 16 * 1024 /* of a connection: a request is a few hundred bytes */
};

struct metrics_slot {
    struct MHD_Connection *connection; /* NULL: free */
    uint64_t turn;                     /* of its last request, or else of the connecting */
    bool is_ending;
};

struct kvnet_metrics {
    kvresp *resp;
    int port;
    char *prefix; /* NULL: the usual one */
    struct MHD_Daemon *daemon;
    struct metrics_slot slots[METRICS_SLOTS];
    uint64_t turn;
};

#ifdef KVNET_MICROHTTPD

#include <microhttpd.h>

#define METRICS_METHODS "GET, HEAD"

/* -------------------------------------------------------------------------------- connections */

static struct metrics_slot *metrics_slot_of(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

static void metrics_slot_use(struct kvnet_metrics *metrics, struct metrics_slot *slot)
{
    if (slot != NULL) slot->turn = ++metrics->turn;
}

/* libmicrohttpd finds it at its end. */
static void metrics_slot_end(struct metrics_slot *slot)
{
    slot->is_ending = true;
    (void)shutdown(
        MHD_get_connection_info(slot->connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd,
        SHUT_RDWR);
}

static void metrics_end_quietest(struct kvnet_metrics *metrics)
{
    struct metrics_slot *quietest = NULL;
    size_t count = 0;
    for (size_t i = 0; i < METRICS_SLOTS; i++) {
        struct metrics_slot *slot = &metrics->slots[i];
        if (slot->connection == NULL || slot->is_ending) continue;
        count++;
        if (quietest == NULL || slot->turn < quietest->turn) quietest = slot;
    }
    if (count > METRICS_CONNECTIONS) metrics_slot_end(quietest);
}

static void metrics_note(void *context, struct MHD_Connection *connection, void **slot,
                         enum MHD_ConnectionNotificationCode code)
{
    struct kvnet_metrics *metrics = context;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (*slot != NULL) *(struct metrics_slot *)*slot = (struct metrics_slot){0};
        return;
    }
    struct metrics_slot *found = metrics->slots, *end = metrics->slots + METRICS_SLOTS;
    while (found < end && found->connection != NULL) found++;
    *slot = found < end ? found : NULL; /* as many as libmicrohttpd has connections */
    if (found == end) return;
    found->connection = connection;
    metrics_slot_use(metrics, found);
    metrics_end_quietest(metrics);
}

/* ----------------------------------------------------------------------------------- requests */

static enum MHD_Result metrics_queue(struct MHD_Connection *connection, unsigned status,
                                     struct MHD_Response *response, const char *type)
{
    if (response == NULL) return MHD_NO;
    MHD_add_response_header(response, "Content-Type", type);
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, "Allow", METRICS_METHODS);
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result metrics_refuse(struct MHD_Connection *connection, unsigned status,
                                      const char *text)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);
    return metrics_queue(connection, status, response, "text/plain; charset=utf-8");
}

static kv_status metrics_collect(const struct kvnet_metrics *metrics, kv_buffer *text)
{
    kvresp_metrics_options options = KV_OPTIONS(kvresp_metrics_options);
    options.prefix = metrics->prefix;
    return kvresp_metrics(metrics->resp, &options, text);
}

static enum MHD_Result metrics_answer(void *context, struct MHD_Connection *connection,
                                      const char *url, const char *method, const char *version,
                                      const char *upload, size_t *upload_size, void **state)
{
    struct kvnet_metrics *metrics = context;
    (void)version, (void)upload;
    if (strcmp(url, "/metrics") != 0)
        return metrics_refuse(connection, MHD_HTTP_NOT_FOUND, "The metrics are at /metrics.\n");
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) /* that is sent no body */
        return metrics_refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
                              METRICS_METHODS " are all there is.\n");
    /* Called when the head of a request is there, again when all is. To answer the first call would
       end the connection, which other methods deserve, as they may bring a body of any size. */
    bool is_whole = *state != NULL;
    *state = metrics;
    if (!is_whole) metrics_slot_use(metrics, metrics_slot_of(connection));
    if (!is_whole || *upload_size > 0) {
        *upload_size = 0;
        return MHD_YES;
    }
    kv_buffer text = {0};
    if (metrics_collect(metrics, &text) != KV_OK) {
        kv_buffer_free(&text);
        return metrics_refuse(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "Memory is exhausted.\n");
    }
    struct MHD_Response *response =
        MHD_create_response_from_buffer(text.size, text.data, MHD_RESPMEM_MUST_FREE);
    if (response == NULL) kv_buffer_free(&text);
    return metrics_queue(connection, MHD_HTTP_OK, response,
                         "text/plain; version=0.0.4; charset=utf-8");
}

/* The descriptor is the daemon's from now on. Its thread takes no signals. */
static struct MHD_Daemon *metrics_run(struct kvnet_metrics *metrics, int descriptor)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, metrics_answer, metrics,
        MHD_OPTION_LISTEN_SOCKET, descriptor, MHD_OPTION_CONNECTION_LIMIT, (unsigned)METRICS_SLOTS,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)METRICS_TIMEOUT_S,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)METRICS_MEMORY, MHD_OPTION_NOTIFY_CONNECTION,
        metrics_note, metrics, MHD_OPTION_END);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return daemon;
}

static kv_status metrics_listen(struct kvnet_metrics *metrics, const kvnet_metrics_options *options,
                                char *message)
{
    struct listeners listeners = {0};
    kv_buffer text = {0};
    kv_status status = metrics_collect(metrics, &text); /* what cannot be told now never will be */
    kv_buffer_free(&text);
    if (status == KV_BADARG)
        snprintf(message, 256, "no metric may be called '%.100s...'", metrics->prefix);
    if (status != KV_OK) return status;
    const char *bind = options->bind != NULL ? options->bind : "127.0.0.1";
    metrics->port = options->port;
    if (!listeners_open_tcp(&listeners, NULL, &bind, 1, &metrics->port, METRICS_BACKLOG, message))
        return errno == ENOMEM ? KV_NOMEM : KV_BADARG;
    metrics->daemon = metrics_run(metrics, listeners.items[0].descriptor);
    if (metrics->daemon != NULL) return KV_OK;
    listener_close(&listeners.items[0]);
    snprintf(message, 256, "the HTTP server could not be started");
    return KV_NOMEM;
}

static void metrics_end(struct kvnet_metrics *metrics)
{
    if (metrics->daemon != NULL) MHD_stop_daemon(metrics->daemon);
}

#else

static kv_status metrics_listen(struct kvnet_metrics *metrics, const kvnet_metrics_options *options,
                                char *message)
{
    (void)metrics, (void)options;
    snprintf(message, 256, "metrics over HTTP need libmicrohttpd, and this was built without it");
    return KV_BADARG;
}

static void metrics_end(struct kvnet_metrics *metrics)
{
    (void)metrics;
}

#endif

kv_status kvnet_metrics_start(kvresp *resp, const kvnet_metrics_options *options,
                              kvnet_metrics **metrics, char message[256])
{
    char unused[256];
    kvnet_metrics_options given = KV_OPTIONS(kvnet_metrics_options);
    if (message == NULL) message = unused;
    message[0] = '\0';
    if (resp == NULL || metrics == NULL) return KV_BADARG;
    if (options != NULL) {
        if (options->size < sizeof options->size || options->size > sizeof given) return KV_BADARG;
        memcpy(&given, options, options->size);
    }
    if (given.port < 0 || given.port > 65535) return KV_BADARG;
    struct kvnet_metrics *started = calloc(1, sizeof *started);
    if (started == NULL) return KV_NOMEM;
    started->resp = resp;
    if (given.prefix != NULL) started->prefix = strdup(given.prefix);
    kv_status status = KV_NOMEM;
    if (given.prefix == NULL || started->prefix != NULL)
        status = metrics_listen(started, &given, message);
    if (status == KV_OK) *metrics = started;
    else kvnet_metrics_stop(started);
    return status;
}

int kvnet_metrics_port(const kvnet_metrics *metrics)
{
    return metrics->port;
}

void kvnet_metrics_stop(kvnet_metrics *metrics)
{
    if (metrics == NULL) return;
    metrics_end(metrics);
    free(metrics->prefix);
    free(metrics);
}
