/*
 * net/socket.c -- what the systems' socket calls differ in, and the names of their ends.
 */
#include "net/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* where it is missing, SO_NOSIGPIPE is there */
#endif

bool socket_adopt(int descriptor)
{
    int type;
    socklen_t size = sizeof type;
    if (getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_STREAM)
        return false;
#if defined(SO_NOSIGPIPE)
    int on = 1;
    if (setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on) != 0) return false;
#endif
    int flags = fcntl(descriptor, F_GETFL);
    return flags >= 0 && fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0 &&
           fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0;
}

#if defined(SOCK_NONBLOCK) && defined(SOCK_CLOEXEC) && !defined(SO_NOSIGPIPE)

int socket_open(int family)
{
    return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

int socket_accept(int listener)
{
    return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

#else

static int socket_adopt_new(int descriptor)
{
    if (descriptor < 0 || socket_adopt(descriptor)) return descriptor;
    int error = errno;
    close(descriptor);
    errno = error;
    return -1;
}

int socket_open(int family)
{
    return socket_adopt_new(socket(family, SOCK_STREAM, 0));
}

int socket_accept(int listener)
{
    return socket_adopt_new(accept(listener, NULL, NULL));
}

#endif

static void socket_set(int descriptor, int level, int option, int64_t value)
{
    int number = value > INT32_MAX ? INT32_MAX : (int)value;
    setsockopt(descriptor, level, option, &number, sizeof number);
}

void socket_set_delay(int descriptor, bool delays)
{
    socket_set(descriptor, IPPROTO_TCP, TCP_NODELAY, !delays);
}

/* After `keepalive_s` of silence three probes, a third of that apart, decide, as Redis has it. */
void socket_tune(int descriptor, int64_t keepalive_s)
{
    socket_set(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
    if (keepalive_s <= 0) return;
    socket_set(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1);
#if defined(TCP_KEEPIDLE)
    socket_set(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, keepalive_s);
#elif defined(TCP_KEEPALIVE)
    socket_set(descriptor, IPPROTO_TCP, TCP_KEEPALIVE, keepalive_s);
#endif
#if defined(TCP_KEEPINTVL) && defined(TCP_KEEPCNT)
    socket_set(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, keepalive_s < 3 ? 1 : keepalive_s / 3);
    socket_set(descriptor, IPPROTO_TCP, TCP_KEEPCNT, 3);
#endif
}

ssize_t socket_read(int descriptor, void *bytes, size_t size)
{
    ssize_t got;
    do got = recv(descriptor, bytes, size, 0);
    while (got < 0 && errno == EINTR);
    return got;
}

ssize_t socket_write(int descriptor, const void *bytes, size_t size)
{
    ssize_t put;
    do put = send(descriptor, bytes, size, MSG_NOSIGNAL);
    while (put < 0 && errno == EINTR);
    return put;
}

void socket_format(const struct sockaddr_storage *address, socklen_t size,
                   char name[SOCKET_NAME_SIZE])
{
    char text[INET6_ADDRSTRLEN] = "";
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)address;
        inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
        snprintf(name, SOCKET_NAME_SIZE, "%s:%d", text, ntohs(in->sin_port));
    } else if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
        inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof text);
        snprintf(name, SOCKET_NAME_SIZE, "[%s]:%d", text, ntohs(in6->sin6_port));
    } else {
        /* The path of a unix socket need not be terminated, and that of a client is empty. */
        const struct sockaddr_un *un = (const struct sockaddr_un *)address;
        size_t head = offsetof(struct sockaddr_un, sun_path);
        size_t room = size > head ? size - head : 0;
        snprintf(name, SOCKET_NAME_SIZE, "%.*s:0", (int)strnlen(un->sun_path, room), un->sun_path);
    }
}

bool socket_address_is_remote(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)address;
        return ntohl(in->sin_addr.s_addr) >> 24 != 127;
    }
    if (address->ss_family == AF_INET6) {
        const struct in6_addr *in6 = &((const struct sockaddr_in6 *)address)->sin6_addr;
        if (IN6_IS_ADDR_V4MAPPED(in6)) return in6->s6_addr[12] != 127;
        return !IN6_IS_ADDR_LOOPBACK(in6);
    }
    return false;
}

void socket_describe(int descriptor, struct socket_ends *ends)
{
    struct sockaddr_storage peer, local;
    socklen_t peer_size = sizeof peer, local_size = sizeof local;
    memset(&peer, 0, sizeof peer);
    memset(&local, 0, sizeof local);
    if (getpeername(descriptor, (struct sockaddr *)&peer, &peer_size) != 0) peer_size = 0;
    if (getsockname(descriptor, (struct sockaddr *)&local, &local_size) != 0) local_size = 0;

    ends->is_unix = local.ss_family == AF_UNIX;
    ends->is_remote = socket_address_is_remote(&peer);
    socket_format(&local, local_size, ends->local);
    /* A unix client has no name of its own: like Redis, show where it came in. */
    if (ends->is_unix) memcpy(ends->peer, ends->local, sizeof ends->peer);
    else socket_format(&peer, peer_size, ends->peer);
}
