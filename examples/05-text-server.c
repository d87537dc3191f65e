/*
 * 05-text-server.c -- a server with a protocol of its own, on kvstore.h alone.
 *
 *     SET key value          OK
 *     SETEX key s value      OK, and the key is gone after so many seconds
 *     GET key                the value, or NONE
 *     DEL key                OK or NONE
 *     QUIT
 *
 * A request is a line, a value may have blanks, and an answer is a line. One thread serves all
 * clients with poll(); the same loop gives the store its time. The program prints the port it
 * listens on, and ends when its standard input does.
 */
#include "kvstore.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CLIENTS = 64, LINE = 4096, LISTENER = CLIENTS, INPUT = CLIENTS + 1 };

struct client {
    char line[LINE];
    size_t size;
};

static kv *db;
static struct client clients[CLIENTS];
static struct pollfd
    polled[CLIENTS +
           2]; /* the clients, the listener, standard input; a descriptor of -1 is skipped */
static kv_buffer value;

static void answer(int descriptor, const char *text, size_t size)
{
    /*
     * A client that does not read its answers loses them: one that matters would be given a queue.
     */
    send(descriptor, text, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    send(descriptor, "\n", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void answer_text(int descriptor, const char *text)
{
    answer(descriptor, text, strlen(text));
}

static void answer_status(int descriptor, kv_status status)
{
    answer_text(descriptor, status == KV_OK     ? "OK"
                            : status == KV_NONE ? "NONE"
                                                : kv_strerror(status));
}

/* Cuts the next word off the line; the last one takes the rest. */
static kv_slice next_word(char **line, bool is_last)
{
    char *start = *line + strspn(*line, " ");
    size_t size = is_last ? strlen(start) : strcspn(start, " ");
    *line = start + size;
    return KV_BYTES(start, size);
}

/* Executes a line. False if the client wants to leave. */
static bool execute(int descriptor, char *line)
{
    kv_slice command = next_word(&line, false);
    char name[8] = "";
    if (command.size < sizeof name) memcpy(name, command.data, command.size);
    if (strcmp(name, "QUIT") == 0) return false;

    kv_slice key = next_word(&line, false);
    if (strcmp(name, "GET") == 0) {
        kv_status status = kv_get(db, key, &value);
        if (status == KV_OK) answer(descriptor, value.data, value.size);
        else answer_status(descriptor, status);
    } else if (strcmp(name, "SET") == 0) {
        answer_status(descriptor, kv_set(db, key, next_word(&line, true), NULL));
    } else if (strcmp(name, "SETEX") == 0) {
        kv_set_options options = KV_OPTIONS(kv_set_options);
        long seconds = strtol(line, &line, 10);
        options.ttl_ms = seconds * 1000;
        kv_slice text = next_word(&line, true);
        if (seconds <= 0 || seconds > 1000000000)
            answer_text(descriptor, "ERROR a number of seconds is expected");
        else answer_status(descriptor, kv_set(db, key, text, &options));
    } else if (strcmp(name, "DEL") == 0) {
        uint64_t removed = 0;
        kv_status status = kv_del(db, &key, 1, &removed);
        answer_status(descriptor, status == KV_OK && removed == 0 ? KV_NONE : status);
    } else {
        answer_text(descriptor, "ERROR unknown command");
    }
    return true;
}

static void leave(size_t index)
{
    close(polled[index].fd);
    polled[index].fd = -1;
}

/* Reads what a client sent and executes the lines that are complete. */
static void serve(size_t index)
{
    struct client *client = &clients[index];
    int descriptor = polled[index].fd;
    ssize_t got = recv(descriptor, client->line + client->size, LINE - 1 - client->size, 0);
    if (got <= 0) {
        leave(index);
        return;
    }
    client->size += (size_t)got;
    char *start = client->line, *end;
    while ((end = memchr(start, '\n', client->size - (size_t)(start - client->line))) != NULL) {
        *end = '\0';
        if (end > start && end[-1] == '\r') end[-1] = '\0';
        if (!execute(descriptor, start)) {
            leave(index);
            return;
        }
        start = end + 1;
    }
    client->size -= (size_t)(start - client->line);
    memmove(client->line, start, client->size);
    if (client->size < LINE - 1) return;
    answer_text(descriptor, "ERROR the line is too long");
    leave(index);
}

static void welcome(void)
{
    int descriptor = accept(polled[LISTENER].fd, NULL, NULL);
    for (size_t i = 0; descriptor >= 0 && i < CLIENTS; i++) {
        if (polled[i].fd >= 0) continue;
        polled[i] = (struct pollfd){.fd = descriptor, .events = POLLIN};
        clients[i].size = 0;
        return;
    }
    if (descriptor >= 0) close(descriptor);
}

static int listen_on(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int descriptor = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (descriptor < 0 || bind(descriptor, (struct sockaddr *)&address, size) != 0 ||
        listen(descriptor, 64) != 0) {
        perror("05-text-server");
        exit(1);
    }
    getsockname(descriptor, (struct sockaddr *)&address, &size);
    printf("listening on port %d\n", ntohs(address.sin_port));
    fflush(stdout);
    return descriptor;
}

/* How long the loop may sleep: until the store has something to do. */
static int patience_ms(void)
{
    int64_t next_ms = kv_next_deadline(db);
    if (next_ms == KV_NEVER) return -1;
    int64_t wait_ms = next_ms - kv_now(db);
    return wait_ms < 0 ? 0 : wait_ms > 60000 ? 60000 : (int)wait_ms;
}

int main(int argc, char **argv)
{
    if (kv_open(NULL, &db) != KV_OK) return 1;
    for (size_t i = 0; i < CLIENTS; i++) polled[i].fd = -1;
    polled[LISTENER] =
        (struct pollfd){.fd = listen_on(argc > 1 ? (uint16_t)atoi(argv[1]) : 0), .events = POLLIN};
    polled[INPUT] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};

    char ignored[64];
    while (polled[INPUT].revents == 0 || read(STDIN_FILENO, ignored, sizeof ignored) > 0) {
        if (poll(polled, CLIENTS + 2, patience_ms()) < 0 && errno != EINTR) break;
        for (size_t i = 0; i < CLIENTS; i++)
            if (polled[i].fd >= 0 && polled[i].revents != 0) serve(i);
        if (polled[LISTENER].revents != 0) welcome();
        kv_tick(db, 1000);
    }
    for (size_t i = 0; i < CLIENTS; i++)
        if (polled[i].fd >= 0) leave(i);
    close(polled[LISTENER].fd);
    kv_buffer_free(&value);
    kv_close(db);
    return 0;
}
