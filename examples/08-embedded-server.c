/*
 * 08-embedded-server.c -- Redis clients inside the process: no port, no file, no thread.
 *
 * One end of a socketpair is given to the server, the other to a client; here that is a plain
 * socket, it could be hiredis's redisConnectFd(). Tests get a store of their own in microseconds,
 * which nobody else can reach. The host's loop polls the server's descriptor along with its own;
 * kvnet_poll() does what there is to do. The host uses the same store by direct calls meanwhile,
 * and the clients see it.
 */
#include "kvnet.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The loop of the host: serves until an answer is at `client`, and reads it. */
static bool await_answer(kvnet *server, int client, char *answer, size_t size)
{
    struct pollfd polled[] = {{.fd = kvnet_fd(server), .events = POLLIN},
                              {.fd = client, .events = POLLIN}};
    while (poll(polled, 2, 5000) > 0) {
        if (polled[0].revents != 0) kvnet_poll(server, 0);
        if (polled[1].revents == 0) continue;
        ssize_t got = read(client, answer, size - 1);
        answer[got > 0 ? got : 0] = '\0';
        return got > 0;
    }
    return false;
}

static bool expect(kvnet *server, int client, const char *request, const char *expected)
{
    char answer[256] = "";
    if (write(client, request, strlen(request)) < 0) return false;
    bool is_right =
        await_answer(server, client, answer, sizeof answer) && strcmp(answer, expected) == 0;
    printf("%.*s -> %.*s\n", (int)strcspn(request, "\r"), request, (int)strcspn(answer, "\r"),
           answer);
    return is_right;
}

int main(void)
{
    kv *db;
    kvresp *resp;
    kvnet *server;
    kvnet_options options = KV_OPTIONS(kvnet_options);
    options.port = -1;    /* no TCP */
    options.threads = -1; /* kvnet_poll() */
    char message[256];
    if (kv_open(NULL, &db) != KV_OK || kvresp_open(db, NULL, &resp) != KV_OK) return 1;
    if (kvnet_start(resp, &options, &server, message) != KV_OK) {
        fprintf(stderr, "08-embedded-server: %s\n", message);
        return 1;
    }

    int pair[2], other[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 ||
        socketpair(AF_UNIX, SOCK_STREAM, 0, other) != 0)
        return 1;
    kvnet_serve_fd(server, pair[1]); /* which is the server's from now on */
    kvnet_serve_fd(server, other[1]);

    bool is_well = expect(server, pair[0], "SET color blue\r\n", "+OK\r\n");

    /* The host is in the same store, without any protocol. */
    kv_append(db, KV_TEXT("color"), KV_TEXT("-green"), NULL);
    is_well = is_well && expect(server, other[0], "GET color\r\n", "$10\r\nblue-green\r\n");

    /* A client that waits is served by a push of the host. */
    if (write(pair[0], "BLPOP news 0\r\n", 14) != 14) return 1;
    is_well = is_well && expect(server, other[0], "PING\r\n", "+PONG\r\n");
    kv_slice news = KV_TEXT("rain");
    kv_rpush(db, KV_TEXT("news"), &news, 1, NULL);
    char answer[256];
    is_well = is_well && await_answer(server, pair[0], answer, sizeof answer) &&
              strcmp(answer, "*2\r\n$4\r\nnews\r\n$4\r\nrain\r\n") == 0;
    printf("the client that waited got %s\n", is_well ? "rain" : answer);

    kvnet_stop(server, 1000);
    kvresp_close(resp);
    kv_close(db);
    close(pair[0]);
    close(other[0]);
    return is_well ? 0 : 1;
}
