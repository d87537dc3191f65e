/*
 * bench/serve.h -- the least a server can be: one thread, one epoll set, read, answer, write.
 *
 * The program supplies answer(): it looks at the bytes a connection has, appends replies to `out`
 * and says how many bytes it used up; the rest is kept until more arrives. One read and one write a
 * turn, as in any good server, so what such a program costs is what the kernel costs. A reply that
 * does not fit the socket is waited for, as the load generator always reads.
 */
#ifndef KV_BENCH_SERVE_H
#define KV_BENCH_SERVE_H

#include "measure.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { SERVE_INPUT_SIZE = 64 << 10, SERVE_OUTPUT_SIZE = 1 << 20, SERVE_EVENTS_MAX = 256 };

struct output {
    char *bytes;
    size_t size; /* at most SERVE_OUTPUT_SIZE */
};

struct served {
    int fd;
    size_t size; /* bytes in `input` that are not used up */
    char input[SERVE_INPUT_SIZE];
};

/* Provided by the program: answers what is complete in `input`, returns the bytes used up. */
static size_t answer(const char *input, size_t size, struct output *out);

static inline int listen_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) fail("path too long: %s", path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    unlink(path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(fd, 512) != 0)
        fail("cannot listen on %s: %s", path, strerror(errno));
    return fd;
}

static inline int listen_tcp(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    if (fd >= 0) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(fd, 512) != 0)
        fail("cannot listen on port %d: %s", port, strerror(errno));
    return fd;
}

static inline void serve_accept(int epoll, int listener)
{
    struct served *served = must_allocate(sizeof *served);
    served->size = 0;
    served->fd = accept(listener, NULL, NULL);
    if (served->fd < 0) fail("accept: %s", strerror(errno));
    int on = 1;
    setsockopt(served->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* refused by a unix socket */
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = served};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, served->fd, &event) != 0)
        fail("epoll_ctl: %s", strerror(errno));
}

static inline bool write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = send(fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (written < 0) {
            if (errno != EAGAIN) return false;
            struct pollfd room = {.fd = fd, .events = POLLOUT};
            poll(&room, 1, -1);
            continue;
        }
        bytes += written;
        size -= (size_t)written;
    }
    return true;
}

/* Reads once, answers, writes once. False: the connection is over. */
static inline bool serve_turn(struct served *served, struct output *out)
{
    ssize_t got = recv(served->fd, served->input + served->size, SERVE_INPUT_SIZE - served->size,
                       MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) return true;
    if (got <= 0) return false;
    served->size += (size_t)got;

    out->size = 0;
    size_t used = answer(served->input, served->size, out);
    if (used == 0 && served->size == SERVE_INPUT_SIZE)
        fail("a request does not fit the input buffer");
    served->size -= used;
    memmove(served->input, served->input + used, served->size);
    return out->size == 0 || write_all(served->fd, out->bytes, out->size);
}

static inline void serve(int listener)
{
    int epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}; /* NULL marks the listener */
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) != 0)
        fail("epoll: %s", strerror(errno));
    struct output out = {.bytes = must_allocate(SERVE_OUTPUT_SIZE)};

    for (;;) {
        struct epoll_event events[SERVE_EVENTS_MAX];
        int count = epoll_wait(epoll, events, SERVE_EVENTS_MAX, -1);
        for (int i = 0; i < count; i++) {
            struct served *served = events[i].data.ptr;
            if (served == NULL) {
                serve_accept(epoll, listener);
            } else if (!serve_turn(served, &out)) {
                close(served->fd);
                free(served);
            }
        }
    }
}

#endif
