/*
 * net/connecting.c -- connecting to a server by its name.
 */
#include "net/connecting.h"

#include "net/socket.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

/* What became of an attempt that is over: 0 or an errno. */
static int connecting_result(int descriptor)
{
    int error = 0;
    socklen_t size = sizeof error;
    return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

static int connecting_to_address(struct connecting *connecting, const struct sockaddr *address,
                                 socklen_t size)
{
    int descriptor = socket_open(address->sa_family);
    if (descriptor < 0) {
        connecting->error = errno;
        return -1;
    }
    int error = connect(descriptor, address, size) == 0 ? 0 : errno;
    if (error == EINPROGRESS || error == EINTR) {
        error = connecting->wait(connecting->context, descriptor);
        if (error == 0) error = connecting_result(descriptor);
    }
    connecting->error = error;
    if (error == 0) return descriptor;
    close(descriptor);
    return -1;
}

int connecting_to_host(struct connecting *connecting, const char *host, int port)
{
    char service[16];
    snprintf(service, sizeof service, "%u", (unsigned)port & 0xffff);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found;
    connecting->error = 0;
    connecting->lookup = getaddrinfo(host, service, &hints, &found);
    if (connecting->lookup != 0) return -1;
    int descriptor = -1;
    for (struct addrinfo *at = found; at != NULL && descriptor < 0; at = at->ai_next) {
        descriptor = connecting_to_address(connecting, at->ai_addr, at->ai_addrlen);
        if (connecting->error == ECANCELED) break;
    }
    freeaddrinfo(found);
    return descriptor;
}

int connecting_to_path(struct connecting *connecting, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t size = strlen(path) + 1;
    connecting->lookup = 0;
    if (size > sizeof address.sun_path) {
        connecting->error = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, path, size);
    return connecting_to_address(connecting, (const struct sockaddr *)&address,
                                 (socklen_t)sizeof address);
}
