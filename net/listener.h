/*
 * net/listener.h -- sockets that clients connect to: TCP on several addresses, and a unix socket.
 */
#ifndef KV_NET_LISTENER_H
#define KV_NET_LISTENER_H

#include "net/socket.h"

#include <stddef.h>

enum { LISTENERS_MAX = 32, LISTENER_MESSAGE_SIZE = 256 };

struct listener {
    int descriptor;              /* -1: closed */
    char name[SOCKET_NAME_SIZE]; /* "127.0.0.1:6379", "/path" */
    dev_t device; /* of a unix socket's file, so that no other's is removed; inode 0: TCP */
    ino_t inode;
};

struct listeners {
    size_t count;
    struct listener items[LISTENERS_MAX];
};

/*
 * Listens on `port` of each address and adds to `listeners`. "*" and "::*" mean every address of
 * IPv4 and IPv6; an address after '-' may be unavailable. A *port of 0 becomes a free one, the same
 * for all. False with a reason in `message` ("127.0.0.1:6379: Address already in use") and in errno
 * as far as there is one; then nothing was added.
 *
 * open   Those that listen already, or NULL: one of the same address and port is added as it is, and
 *        stays in `open`, too.
 */
bool listeners_open_tcp(struct listeners *listeners, const struct listeners *open,
                        const char *const *bind, size_t bind_count, int *port, int backlog,
                        char message[LISTENER_MESSAGE_SIZE]);

/* Whether one of them has this descriptor. */
bool listeners_have(const struct listeners *listeners, int descriptor);

/*
 * Listens on a unix socket. A file that a dead server left is replaced; one that is served, or is
 * no socket, is not. `permissions` 0: as the umask says.
 */
bool listeners_open_unix(struct listeners *listeners, const char *path, unsigned permissions,
                         int backlog, char message[LISTENER_MESSAGE_SIZE]);

/* Closes it; the file of a unix socket is removed if it is still the same. */
void listener_close(struct listener *listener);

#endif
