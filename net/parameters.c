/*
 * net/parameters.c -- what CONFIG and INFO say about sockets, and CONFIG SET's effect on a running
 * server.
 *
 * A value is checked first, then applied, both under the lock of the configuration. New limits hold
 * for what comes next: `maxclients` and `tcp-keepalive` for connections that are accepted later,
 * `timeout` for all.
 */
#include "net/server.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Appends text, printf-like, to a buffer; without memory it stays as it was. */
static kv_status append(kv_buffer *text, const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (size <= 0) return KV_OK;
    if ((size_t)size >= sizeof line) size = sizeof line - 1;
    if (text->capacity - text->size < (size_t)size) {
        size_t capacity = 2 * text->capacity + (size_t)size;
        void *data = realloc(text->data, capacity);
        if (data == NULL) return KV_NOMEM;
        text->data = data;
        text->capacity = capacity;
    }
    memcpy((char *)text->data + text->size, line, (size_t)size);
    text->size += (size_t)size;
    return KV_OK;
}

/* A decimal number from `least` to `most`, or an error in Redis's words. */
static const char *parse_number(kv_slice value, int64_t least, int64_t most, int64_t *number,
                                char message[256])
{
    char digits[32], *end;
    if (value.size == 0 || value.size >= sizeof digits)
        return "argument couldn't be parsed into an integer";
    memcpy(digits, value.data, value.size);
    digits[value.size] = '\0';
    long long parsed = strtoll(digits, &end, 10);
    if (*end != '\0' || digits[0] == ' ' || digits[0] == '+')
        return "argument couldn't be parsed into an integer";
    if (parsed < least || parsed > most) {
        snprintf(message, 256, "argument must be between %" PRId64 " and %" PRId64 " inclusive",
                 least, most);
        return message;
    }
    *number = parsed;
    return NULL;
}

/* ----------------------------------------------------------------------------------------- port */

static kv_status read_port(void *context, kv_buffer *value)
{
    int port = server_bind_port(context);
    return append(value, "%d", port < 0 ? 0 : port);
}

static const char *check_port(void *context, kv_slice value, char message[256])
{
    (void)context;
    int64_t port;
    return parse_number(value, 0, 65535, &port, message);
}

/*
 * As Redis has it, port 0 means none: a free one would be of no use to somebody who sets it by
 * name.
 */
static const char *apply_port(void *context, kv_slice value, char message[256])
{
    struct kvnet *server = context;
    int64_t port = 0;
    const char *error = parse_number(value, 0, 65535, &port, message);
    if (error != NULL) return error;
    if (port == server_bind_port(server)) return NULL;
    struct words bind = words_copy((const char *const *)server->bind.items, server->bind.count);
    if (bind.count != server->bind.count) return "out of memory";
    if (server_rebind(server, bind, port == 0 ? -1 : (int)port, message) == NULL) return NULL;
    kvresp_logf(server->resp, KVRESP_WARNING, "Cannot listen on port %d: %s", (int)port, message);
    return "Unable to listen on this port. Check server logs.";
}

/* ----------------------------------------------------------------------------------------- bind */

static kv_status read_bind(void *context, kv_buffer *value)
{
    struct kvnet *server = context;
    kv_status status = KV_OK;
    for (size_t i = 0; i < server->bind.count && status == KV_OK; i++)
        status = append(value, "%s%s", i > 0 ? " " : "", server->bind.items[i]);
    return status;
}

static const char *check_bind(void *context, kv_slice value, char message[256])
{
    (void)context;
    (void)message;
    struct words bind;
    if (!words_split(&bind, value)) return "out of memory";
    size_t count = bind.count;
    words_free(&bind);
    return count < LISTENERS_MAX ? NULL : "Too many bind addresses specified.";
}

static const char *apply_bind(void *context, kv_slice value, char message[256])
{
    struct kvnet *server = context;
    struct words bind;
    if (!words_split(&bind, value)) return "out of memory";
    if (server_rebind(server, bind, server_bind_port(server), message) == NULL) return NULL;
    kvresp_logf(server->resp, KVRESP_WARNING, "Cannot listen on other addresses: %s", message);
    return "Failed to bind to specified addresses.";
}

/* --------------------------------------------------------------------------------------- limits */

static kv_status read_maxclients(void *context, kv_buffer *value)
{
    return append(value, "%u", atomic_load(&((struct kvnet *)context)->max_clients));
}

static const char *check_maxclients(void *context, kv_slice value, char message[256])
{
    int64_t wanted = 0;
    const char *error = parse_number(value, 1, UINT32_MAX, &wanted, message);
    uint32_t possible = server_clients_possible(context);
    if (error != NULL || wanted <= possible) return error;
    snprintf(
        message, 256,
        "The operating system is not able to handle the specified number of clients, try with %u",
        possible);
    return message;
}

static const char *apply_maxclients(void *context, kv_slice value, char message[256])
{
    int64_t wanted = 0;
    const char *error = parse_number(value, 1, UINT32_MAX, &wanted, message);
    if (error == NULL) atomic_store(&((struct kvnet *)context)->max_clients, (uint32_t)wanted);
    return error;
}

static kv_status read_timeout(void *context, kv_buffer *value)
{
    return append(value, "%" PRId64, atomic_load(&((struct kvnet *)context)->idle_timeout_s));
}

static const char *check_seconds(void *context, kv_slice value, char message[256])
{
    (void)context;
    int64_t seconds;
    return parse_number(value, 0, INT32_MAX, &seconds, message);
}

static const char *apply_timeout(void *context, kv_slice value, char message[256])
{
    struct kvnet *server = context;
    int64_t seconds = 0;
    const char *error = parse_number(value, 0, INT32_MAX, &seconds, message);
    if (error != NULL) return error;
    atomic_store(&server->idle_timeout_s, seconds);
    server_wake_all(server); /* they may sleep without a thought of it */
    return NULL;
}

static kv_status read_keepalive(void *context, kv_buffer *value)
{
    return append(value, "%" PRId64, atomic_load(&((struct kvnet *)context)->keepalive_s));
}

static const char *apply_keepalive(void *context, kv_slice value, char message[256])
{
    int64_t seconds = 0;
    const char *error = parse_number(value, 0, INT32_MAX, &seconds, message);
    if (error == NULL) atomic_store(&((struct kvnet *)context)->keepalive_s, seconds);
    return error;
}

static bool is_text(kv_slice value, const char *text)
{
    return value.size == strlen(text) && strncasecmp(value.data, text, value.size) == 0;
}

static kv_status read_protected(void *context, kv_buffer *value)
{
    return append(value, "%s",
                  atomic_load(&((struct kvnet *)context)->is_protected) ? "yes" : "no");
}

static const char *check_protected(void *context, kv_slice value, char message[256])
{
    (void)context;
    (void)message;
    return is_text(value, "yes") || is_text(value, "no") ? NULL : "argument must be 'yes' or 'no'";
}

static const char *apply_protected(void *context, kv_slice value, char message[256])
{
    (void)message;
    atomic_store(&((struct kvnet *)context)->is_protected, is_text(value, "yes"));
    return NULL;
}

/* --------------------------------------------------------------------------- fixed at the start */

static kv_status read_unix_socket(void *context, kv_buffer *value)
{
    const char *path = ((struct kvnet *)context)->unix_path;
    return append(value, "%s", path == NULL ? "" : path);
}

static kv_status read_unix_permissions(void *context, kv_buffer *value)
{
    return append(value, "%o", ((struct kvnet *)context)->unix_permissions);
}

static kv_status read_backlog(void *context, kv_buffer *value)
{
    return append(value, "%d", ((struct kvnet *)context)->backlog);
}

static kv_status read_io_threads(void *context, kv_buffer *value)
{
    return append(value, "%u", ((struct kvnet *)context)->loop_count);
}

static const kvresp_parameter parameters[] = {
    {"bind", NULL, KVRESP_PARAMETER_MULTIPLE, read_bind, check_bind, apply_bind},
    {"io-threads", NULL, KVRESP_PARAMETER_IMMUTABLE, read_io_threads, NULL, NULL},
    {"maxclients", NULL, 0, read_maxclients, check_maxclients, apply_maxclients},
    {"port", NULL, 0, read_port, check_port, apply_port},
    {"protected-mode", NULL, 0, read_protected, check_protected, apply_protected},
    {"tcp-backlog", NULL, KVRESP_PARAMETER_IMMUTABLE, read_backlog, NULL, NULL},
    {"tcp-keepalive", NULL, 0, read_keepalive, check_seconds, apply_keepalive},
    {"timeout", NULL, 0, read_timeout, check_seconds, apply_timeout},
    {"unixsocket", NULL, KVRESP_PARAMETER_IMMUTABLE, read_unix_socket, NULL, NULL},
    {"unixsocketperm", NULL, KVRESP_PARAMETER_IMMUTABLE, read_unix_permissions, NULL, NULL},
};

/* ----------------------------------------------------------------------------------------- INFO */

static void write_server_info(void *context, kv_buffer *text)
{
    struct kvnet *server = context;
    append(text, "multiplexing_api:%s\r\n", poller_name());
    append(text, "tcp_port:%d\r\n", kvnet_port(server) < 0 ? 0 : kvnet_port(server));
    append(text, "io_threads_active:%d\r\n", server->loop_count > 1);
    pthread_mutex_lock(&server->listeners_lock);
    for (size_t i = 0; i < server->listeners.count; i++) {
        const struct listener *listener = &server->listeners.items[i];
        const char *colon = strrchr(listener->name, ':');
        if (listener->inode != 0 || colon == NULL)
            append(text, "listener%zu:name=unix,bind=%s\r\n", i, listener->name);
        else
            append(text, "listener%zu:name=tcp,bind=%.*s,port=%s\r\n", i,
                   (int)(colon - listener->name), listener->name, colon + 1);
    }
    pthread_mutex_unlock(&server->listeners_lock);
}

static void write_clients_info(void *context, kv_buffer *text)
{
    append(text, "maxclients:%u\r\n", atomic_load(&((struct kvnet *)context)->max_clients));
}

kv_status parameters_add(struct kvnet *server)
{
    size_t count = sizeof parameters / sizeof *parameters;
    kv_status status = kvresp_config_add(server->resp, parameters, count, server);
    if (status == KV_BADARG) return KV_OK; /* another server has them */
    if (status == KV_OK)
        status = kvresp_info_add(server->resp, "server", write_server_info, server);
    if (status == KV_OK)
        status = kvresp_info_add(server->resp, "clients", write_clients_info, server);
    if (status != KV_OK) parameters_remove(server);
    server->has_parameters = status == KV_OK;
    return status;
}

/* Without memory it is tried again. */
void parameters_inherit(struct kvnet *server)
{
    if (!server->has_parameters && !atomic_load(&server->is_stopping)) parameters_add(server);
}

void parameters_remove(struct kvnet *server)
{
    kvresp_forget(server->resp, server);
}
