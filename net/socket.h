/*
 * net/socket.h -- what the systems' socket calls differ in, and the names of their ends.
 *
 * All descriptors made here are non-blocking and closed on exec. Nothing here raises SIGPIPE.
 */
#ifndef KV_NET_SOCKET_H
#define KV_NET_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

enum { SOCKET_NAME_SIZE = 160 }; /* "/path:0" with the longest path, "[address]:port" */

/* A stream socket of `family`, or -1 with errno. */
int socket_open(int family);

/* The next connection that waits at a listener, or -1 with errno. */
int socket_accept(int listener);

/*
 * Makes a descriptor that came from elsewhere like those made here. False if it is no stream
 * socket.
 */
bool socket_adopt(int descriptor);

/*
 * Sends small packets at once and probes silent peers (`keepalive_s` 0: does not); no-ops on unix
 * sockets.
 */
void socket_tune(int descriptor, int64_t keepalive_s);

/* Whether the system may gather small writes for a while. Without effect for other than TCP. */
void socket_set_delay(int descriptor, bool delays);

/*
 * One read or write: the bytes moved; 0 the end of the stream (reading); -1 with errno, never
 * EINTR.
 */
ssize_t socket_read(int descriptor, void *bytes, size_t size);
ssize_t socket_write(int descriptor, const void *bytes, size_t size);

/* Writes "127.0.0.1:50312", "[::1]:50312" or "/path:0". */
void socket_format(const struct sockaddr_storage *address, socklen_t size,
                   char name[SOCKET_NAME_SIZE]);

/*
 * The names of both ends; `is_unix` and `is_remote` (from beyond this machine's loopback) of the
 * peer.
 */
struct socket_ends {
    char peer[SOCKET_NAME_SIZE];
    char local[SOCKET_NAME_SIZE];
    bool is_unix;
    bool is_remote;
};
void socket_describe(int descriptor, struct socket_ends *ends);

/*
 * True unless the address is loopback (IPv4, IPv6, or the one mapped into the other) or a unix
 * socket's.
 */
bool socket_address_is_remote(const struct sockaddr_storage *address);

#endif
