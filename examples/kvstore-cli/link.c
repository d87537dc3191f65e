/*
 * kvstore-cli/link.c -- the way to a store: a connection to a server, or a data directory opened in
 * this process.
 */
#include "kvstore-cli/link.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

enum { LINK_READ_SIZE = 64 << 10 };

static bool link_fail(struct link *link, const char *what, const char *reason)
{
    snprintf(link->error, sizeof link->error, "%.150s: %.150s", what, reason);
    return false;
}

/* ---------------------------------------------------------------------------------- to a server */

static int connect_path(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    errno = ENAMETOOLONG;
    if (strlen(path) >= sizeof address.sun_path) return -1;
    memcpy(address.sun_path, path, strlen(path) + 1);
    int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
    if (descriptor < 0 || connect(descriptor, (struct sockaddr *)&address, sizeof address) == 0)
        return descriptor;
    int error = errno;
    close(descriptor);
    errno = error;
    return -1;
}

/* Tries each address of the host. -1, and the reason. */
static int connect_host(const char *host, int port, const char **reason)
{
    char service[16];
    snprintf(service, sizeof service, "%d", port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC}, *found;
    int failure = getaddrinfo(host, service, &hints, &found);
    if (failure != 0) {
        *reason = gai_strerror(failure);
        return -1;
    }
    int descriptor = -1;
    for (struct addrinfo *info = found; info != NULL && descriptor < 0; info = info->ai_next) {
        descriptor = socket(info->ai_family, info->ai_socktype, info->ai_protocol);
        if (descriptor >= 0 && connect(descriptor, info->ai_addr, info->ai_addrlen) != 0) {
            int error = errno;
            close(descriptor);
            errno = error;
            descriptor = -1;
        }
    }
    *reason = strerror(errno);
    freeaddrinfo(found);
    int on = 1;
    if (descriptor >= 0) setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return descriptor;
}

static bool link_connect(struct link *link, const struct cli_options *options)
{
    char what[300];
    const char *reason;
    if (options->socket_path != NULL) {
        link->descriptor = connect_path(options->socket_path);
        reason = strerror(errno);
        snprintf(link->name, sizeof link->name, "%s", options->socket_path);
    } else {
        link->descriptor = connect_host(options->host, options->port, &reason);
        snprintf(link->name, sizeof link->name,
                 strchr(options->host, ':') != NULL ? "[%s]:%d" : "%s:%d", options->host,
                 options->port);
    }
    if (link->descriptor >= 0) return true;
    snprintf(what, sizeof what, "Could not connect to %.200s", link->name);
    return link_fail(link, what, reason);
}

static bool buffer_reserve(kv_buffer *buffer, size_t size)
{
    if (buffer->capacity - buffer->size >= size) return true;
    size_t capacity =
        2 * buffer->capacity > buffer->size + size ? 2 * buffer->capacity : buffer->size + size;
    void *data = realloc(buffer->data, capacity);
    if (data == NULL) return false;
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

static bool buffer_append(kv_buffer *buffer, const void *bytes, size_t size)
{
    if (!buffer_reserve(buffer, size)) return false;
    if (size > 0) memcpy((char *)buffer->data + buffer->size, bytes, size);
    buffer->size += size;
    return true;
}

static bool encode(kv_buffer *request, size_t count, const kv_slice *words)
{
    char head[32];
    int size = snprintf(head, sizeof head, "*%zu\r\n", count);
    bool is_encoded = buffer_append(request, head, (size_t)size);
    for (size_t i = 0; i < count && is_encoded; i++) {
        size = snprintf(head, sizeof head, "$%zu\r\n", words[i].size);
        is_encoded = buffer_append(request, head, (size_t)size) &&
                     buffer_append(request, words[i].data, words[i].size) &&
                     buffer_append(request, "\r\n", 2);
    }
    return is_encoded;
}

static bool link_is_readable(const struct link *link)
{
    struct pollfd ready = {.fd = link->descriptor, .events = POLLIN};
    return poll(&ready, 1, 0) == 1;
}

/* Reads what there is, at least a byte. */
static bool link_read(struct link *link)
{
    if (!buffer_reserve(&link->input, LINK_READ_SIZE))
        return link_fail(link, "Error", "out of memory");
    ssize_t got;
    do
        got = recv(link->descriptor, (char *)link->input.data + link->input.size,
                   link->input.capacity - link->input.size, 0);
    while (got < 0 && errno == EINTR);
    if (got == 0) return link_fail(link, "Error", "Server closed the connection");
    if (got < 0) return link_fail(link, "Error", strerror(errno));
    link->input.size += (size_t)got;
    return true;
}

/* ------------------------------------------------------------------------------- to a directory */

static void log_to_stderr(void *context, kvresp_level level, const char *message)
{
    (void)context;
    if (level >= KVRESP_WARNING) fprintf(stderr, "kvstore-cli: %s\n", message);
}

/*
 * True if a directory has no append-only file and is not said to have one, but an RDB file, which is
 * what a server leaves there that was not told otherwise.
 */
static bool is_directory_of_rdb(const struct cli_options *options, char path[PATH_MAX])
{
    static const char *const names[] = {"appendonlydir", "appendonly.aof", "dump.rdb"};
    struct stat about;
    bool is_there = false;
    if (options->append_directory != NULL || options->append_file != NULL) return false;
    for (size_t i = 0; i < 3; i++) {
        int size = snprintf(path, PATH_MAX, "%s/%s", options->directory, names[i]);
        if (size < 0 || size >= PATH_MAX) return false;
        is_there = stat(path, &about) == 0;
        if (is_there && i < 2) return false;
    }
    return is_there;
}

/*
 * For reading only: a server may have it open, and would write its own state over any other; and a
 * save from here could put an older state over the server's.
 */
static bool link_load_rdb(struct link *link, const char *path)
{
    kv_load_report report = KV_OPTIONS(kv_load_report);
    kv_status status = kv_load_file(link->db, path, NULL, &report);
    if (status == KV_IOERROR) return link_fail(link, path, strerror(errno));
    if (status != KV_OK)
        return link_fail(link, path,
                         *report.message != '\0' ? report.message : kv_strerror(status));
    (void)kv_configure(link->db, KV_SETTING_ACCEPT_WRITES, 0);
    fprintf(stderr, "kvstore-cli: there is no append-only file; %s is open for reading only\n",
            path);
    return true;
}

static bool link_open_append_file(struct link *link, const struct cli_options *options)
{
    kvresp_aof_options aof = KV_OPTIONS(kvresp_aof_options);
    aof.directory = options->directory;
    aof.directory_name = options->append_directory;
    aof.file_name = options->append_file;
    aof.rewrite_percentage = -1; /* to look at a directory should not change more than it must */
    aof.must_exist = true;       /* a directory that was named by mistake stays as it is */
    aof.log = log_to_stderr;
    char message[256] = "out of memory";
    return kvresp_aof_open(link->db, &aof, &link->aof, message) == KV_OK ||
           link_fail(link, options->directory, message);
}

/* SAVE is to write into the directory; without a file name it fails. */
static bool link_place_saves(struct link *link, const struct cli_options *options, bool may_save,
                             char message[256])
{
    kv_slice directory = KV_TEXT(options->directory);
    const char *error = kvresp_config_set(link->resp, "dir", directory, true, message);
    if (error == NULL && !may_save)
        error = kvresp_config_set(link->resp, "dbfilename", KV_TEXT(""), true, message);
    if (error != NULL && error != message) snprintf(message, 256, "%s", error);
    return error == NULL;
}

static bool link_open_directory(struct link *link, const struct cli_options *options)
{
    char path[PATH_MAX], message[256] = "out of memory";
    snprintf(link->name, sizeof link->name, "%.250s", options->directory);
    kv_options store = KV_OPTIONS(kv_options);
    store.databases = (uint32_t)options->databases;
    if (kv_open(&store, &link->db) != KV_OK) return link_fail(link, options->directory, message);
    bool is_of_rdb = is_directory_of_rdb(options, path);
    if (is_of_rdb ? !link_load_rdb(link, path) : !link_open_append_file(link, options))
        return false;

    kvresp_session_options session = KV_OPTIONS(kvresp_session_options);
    session.is_trusted = true;
    kvresp_options resp = KV_OPTIONS(kvresp_options);
    resp.log = log_to_stderr;
    if (kvresp_open(link->db, &resp, &link->resp) == KV_OK &&
        link_place_saves(link, options, !is_of_rdb, message) &&
        (link->aof == NULL || kvresp_attach_aof(link->resp, link->aof) == KV_OK) &&
        kvresp_worker_open(link->resp, &link->worker) == KV_OK &&
        kvresp_session_open(link->resp, &session, &link->session) == KV_OK)
        return true;
    return link_fail(link, options->directory, message);
}

/* Moves the session's output to the input of this link. */
static bool link_take_output(struct link *link)
{
    kv_slice output = kvresp_output(link->session);
    if (!buffer_append(&link->input, output.data, output.size))
        return link_fail(link, "Error", "out of memory");
    kvresp_output_consume(link->session, output.size);
    return true;
}

static ssize_t link_feed(struct link *link, const void *bytes, size_t size)
{
    void *space;
    size_t room;
    if (kvresp_input_space(link->session, &space, &room) != KV_OK) {
        link_fail(link, "Error", "the input is too large");
        return -1;
    }
    if (size > room) size = room;
    memcpy(space, bytes, size);
    kvresp_input_add(link->session, size);
    kvresp_state state;
    do {
        state = kvresp_run(link->worker, link->session);
        if (!link_take_output(link)) return -1;
    } while (state == KVRESP_YIELD || state == KVRESP_OUTPUT_FULL);
    return (ssize_t)size;
}

/* ----------------------------------------------------------------------------------------- both */

bool link_is_open(const struct link *link)
{
    return link->descriptor >= 0 || link->session != NULL;
}

bool link_close(struct link *link)
{
    bool is_saved = true;
    kvresp_reply_free(link->reply);
    link->reply = NULL;
    kv_buffer_free(&link->input);
    link->input_used = 0;
    if (link->descriptor >= 0) close(link->descriptor);
    link->descriptor = -1;
    if (link->session != NULL) kvresp_session_close(link->session);
    if (link->worker != NULL) kvresp_worker_close(link->worker);
    if (link->resp != NULL) kvresp_close(link->resp);
    if (link->aof != NULL) is_saved = kvresp_aof_close(link->aof) == KV_OK;
    kv_close(link->db);
    link->session = NULL;
    link->worker = NULL;
    link->resp = NULL;
    link->aof = NULL;
    link->db = NULL;
    return is_saved;
}

bool link_send(struct link *link, size_t count, const kv_slice *words)
{
    if (link->session != NULL) {
        kv_status status = kvresp_exec(link->worker, link->session, count, words);
        return status == KV_OK ? link_take_output(link)
                               : link_fail(link, "Error", kv_strerror(status));
    }
    kv_buffer request = {0};
    bool is_sent = encode(&request, count, words) || link_fail(link, "Error", "out of memory");
    for (size_t sent = 0; is_sent && sent < request.size;) {
        ssize_t put = link_send_raw(link, (char *)request.data + sent, request.size - sent);
        is_sent = put >= 0;
        sent += (size_t)(put > 0 ? put : 0);
    }
    kv_buffer_free(&request);
    return is_sent;
}

ssize_t link_send_raw(struct link *link, const void *bytes, size_t size)
{
    if (link->session != NULL) return link_feed(link, bytes, size);
    ssize_t put;
    do put = send(link->descriptor, bytes, size, MSG_NOSIGNAL);
    while (put < 0 && errno == EINTR);
    if (put < 0) link_fail(link, "Error", strerror(errno));
    return put;
}

void link_do_not_block(struct link *link)
{
    if (link->descriptor < 0) return;
    int flags = fcntl(link->descriptor, F_GETFL);
    if (flags >= 0) fcntl(link->descriptor, F_SETFL, flags | O_NONBLOCK);
}

/* Parses the reply at the front of the input: KV_OK, KV_MORE, or an error. */
static kv_status link_parse(struct link *link)
{
    size_t used;
    kvresp_reply_free(link->reply);
    link->reply = NULL;
    /* The bytes of the reply before go now, as its texts pointed into them. */
    link->input.size -= link->input_used;
    if (link->input_used > 0)
        memmove(link->input.data, (char *)link->input.data + link->input_used, link->input.size);
    link->input_used = 0;
    if (link->input.size == 0) return KV_MORE;
    kv_status status =
        kvresp_reply_parse(KV_BYTES(link->input.data, link->input.size), &link->reply, &used);
    if (status == KV_OK) link->input_used = used;
    return status;
}

bool link_receive(struct link *link, const kvresp_reply **reply, bool may_wait)
{
    *reply = NULL;
    for (;;) {
        kv_status status = link_parse(link);
        if (status == KV_OK) {
            *reply = link->reply;
            return true;
        }
        if (status != KV_MORE)
            return link_fail(link, "Error", "the server does not speak the protocol");
        if (!may_wait && (link->descriptor < 0 || !link_is_readable(link))) return true;
        if (link->descriptor < 0) return link_fail(link, "Error", "no reply");
        /*
         * A long reply is parsed when twice as much is there, or all of it: not again for each
         * packet.
         */
        size_t enough = 2 * link->input.size;
        do
            if (!link_read(link)) return false;
        while (link->input.size < enough && link_is_readable(link));
    }
}

bool link_call(struct link *link, size_t count, const kv_slice *words, const kvresp_reply **reply)
{
    return link_send(link, count, words) && link_receive(link, reply, true);
}

static bool link_greet(struct link *link, const char *what, size_t count, const kv_slice *words)
{
    const kvresp_reply *reply;
    if (!link_call(link, count, words, &reply)) return false;
    if (reply->kind != KVRESP_ERROR) return true;
    char text[200];
    snprintf(text, sizeof text, "%.*s", (int)(reply->text.size < 199 ? reply->text.size : 199),
             (const char *)reply->text.data);
    return link_fail(link, what, text);
}

static bool link_introduce(struct link *link, const struct cli_options *options)
{
    kv_slice user = KV_TEXT(options->user != NULL ? options->user : "default");
    char number[16];
    if (options->password != NULL && options->password[0] != '\0' && link->descriptor >= 0) {
        kv_slice password = KV_TEXT(options->password);
        kv_slice words[] = {KV_TEXT("AUTH"), user, password}, older[] = {KV_TEXT("AUTH"), password};
        bool is_in = options->user != NULL ? link_greet(link, "AUTH failed", 3, words)
                                           : link_greet(link, "AUTH failed", 2, older);
        /* As redis-cli has it, a password that is not needed does not hinder. */
        if (!is_in) fprintf(stderr, "Warning: %s\n", link->error);
    }
    if (options->protocol == 3) {
        kv_slice words[] = {KV_TEXT("HELLO"), KV_TEXT("3")};
        if (!link_greet(link, "HELLO 3 failed", 2, words)) return false;
    }
    if (options->database == 0) return true;
    snprintf(number, sizeof number, "%d", options->database);
    kv_slice words[] = {KV_TEXT("SELECT"), KV_TEXT(number)};
    char what[64];
    snprintf(what, sizeof what, "SELECT %d failed", options->database);
    return link_greet(link, what, 2, words);
}

bool link_open(struct link *link, const struct cli_options *options)
{
    *link = (struct link){.descriptor = -1};
    bool is_open = options->directory != NULL ? link_open_directory(link, options)
                                              : link_connect(link, options);
    if (is_open && link_introduce(link, options)) return true;
    link_close(link);
    return false;
}
