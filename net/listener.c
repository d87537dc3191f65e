/*
 * net/listener.c -- sockets that clients connect to: TCP on several addresses, and a unix socket.
 */
#include "net/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* How often a free port is asked for when the one given is taken on another of the addresses. */
enum { LISTENER_PORT_TRIES = 32 };

/* Closes a descriptor and keeps errno, which says why. */
static void listener_give_up(int descriptor)
{
    int error = errno;
    close(descriptor);
    errno = error;
}

static int listener_bind(const struct addrinfo *info, int backlog)
{
    int descriptor = socket_open(info->ai_family);
    if (descriptor < 0) return -1;
    int on = 1;
    bool is_set = setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0;
    if (is_set && info->ai_family == AF_INET6)
        is_set = setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0;
    if (is_set && bind(descriptor, info->ai_addr, info->ai_addrlen) == 0 &&
        listen(descriptor, backlog) == 0)
        return descriptor;
    listener_give_up(descriptor);
    return -1;
}

/* Fills in the listener's name and returns its port. */
static int listener_describe(struct listener *listener)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    memset(&address, 0, sizeof address);
    if (getsockname(listener->descriptor, (struct sockaddr *)&address, &size) != 0) return -1;
    socket_format(&address, size, listener->name);
    if (address.ss_family == AF_INET6) return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

static bool listener_fail(char *message, const char *address, int port, const char *reason)
{
    snprintf(message, LISTENER_MESSAGE_SIZE,
             strchr(address, ':') != NULL ? "[%s]:%d: %s" : "%s:%d: %s", address, port, reason);
    return false;
}

/* What an address has that this machine has not. */
static bool listener_error_is_absence(int error)
{
    return error == EADDRNOTAVAIL || error == EAFNOSUPPORT || error == EPROTONOSUPPORT ||
           error == ESOCKTNOSUPPORT || error == EPFNOSUPPORT || error == ENOPROTOOPT;
}

bool listeners_have(const struct listeners *listeners, int descriptor)
{
    for (size_t i = 0; i < listeners->count; i++)
        if (listeners->items[i].descriptor == descriptor) return true;
    return false;
}

/* The one in `open` that listens at the address, unless `listeners` has it already; else NULL. */
static const struct listener *listener_find(const struct listeners *open,
                                            const struct listeners *listeners,
                                            const struct addrinfo *info)
{
    struct sockaddr_storage address;
    char name[SOCKET_NAME_SIZE];
    memset(&address, 0, sizeof address);
    memcpy(&address, info->ai_addr, info->ai_addrlen);
    socket_format(&address, info->ai_addrlen, name);
    for (size_t i = 0; open != NULL && i < open->count; i++) {
        const struct listener *listener = &open->items[i];
        if (listener->inode == 0 && strcmp(listener->name, name) == 0 &&
            !listeners_have(listeners, listener->descriptor))
            return listener;
    }
    return NULL;
}

/*
 * Adds one address; one that is absent and may be adds nothing. errno tells a taken port from the
 * rest.
 */
static bool listener_open_address(struct listeners *listeners, const struct listeners *open,
                                  const char *address, int *port, int backlog, char *message)
{
    bool is_optional = address[0] == '-';
    if (is_optional) address++;
    bool is_any6 = strcmp(address, "::*") == 0;
    bool is_any = is_any6 || strcmp(address, "*") == 0;

    char service[16];
    snprintf(service, sizeof service, "%d", *port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
                             .ai_family = AF_UNSPEC};
    if (is_any) hints.ai_family = is_any6 ? AF_INET6 : AF_INET;
    struct addrinfo *found;
    int failure = getaddrinfo(is_any ? NULL : address, service, &hints, &found);
    errno = 0;
    if (failure != 0) {
        if (is_optional && failure != EAI_MEMORY) return true;
        return listener_fail(message, address, *port, gai_strerror(failure));
    }

    const struct listener *same = listener_find(open, listeners, found);
    if (same != NULL) {
        listeners->items[listeners->count++] = *same;
        freeaddrinfo(found);
        return true;
    }
    int descriptor = listener_bind(found, backlog);
    int error = errno;
    freeaddrinfo(found);
    if (descriptor < 0) {
        if (is_optional && listener_error_is_absence(error)) return true;
        listener_fail(message, address, *port, strerror(error));
        errno = error;
        return false;
    }
    struct listener *listener = &listeners->items[listeners->count++];
    *listener = (struct listener){.descriptor = descriptor};
    *port = listener_describe(listener);
    return true;
}

static bool listeners_try_tcp(struct listeners *listeners, const struct listeners *open,
                              const char *const *bind, size_t bind_count, int *port, int backlog,
                              char *message)
{
    size_t before = listeners->count;
    for (size_t i = 0; i < bind_count; i++) {
        if (listener_open_address(listeners, open, bind[i], port, backlog, message)) continue;
        int error = errno;
        while (listeners->count > before) {
            struct listener *added = &listeners->items[--listeners->count];
            if (open == NULL || !listeners_have(open, added->descriptor)) listener_close(added);
        }
        errno = error;
        return false;
    }
    if (listeners->count > before) return true;
    errno = 0;
    snprintf(message, LISTENER_MESSAGE_SIZE, "none of the addresses to bind is available");
    return false;
}

bool listeners_open_tcp(struct listeners *listeners, const struct listeners *open,
                        const char *const *bind, size_t bind_count, int *port, int backlog,
                        char message[LISTENER_MESSAGE_SIZE])
{
    if (bind_count > LISTENERS_MAX - listeners->count) {
        errno = 0;
        snprintf(message, LISTENER_MESSAGE_SIZE, "at most %d addresses can be bound",
                 LISTENERS_MAX - 1);
        return false;
    }
    for (int tries = 1;; tries++) {
        int chosen = *port;
        if (listeners_try_tcp(listeners, open, bind, bind_count, &chosen, backlog, message)) {
            *port = chosen;
            return true;
        }
        if (*port != 0 || errno != EADDRINUSE || tries == LISTENER_PORT_TRIES) return false;
    }
}

/* True if the path is free, or was left by a server that is gone: nobody answers there. */
static bool listener_clear_path(const struct sockaddr_un *address)
{
    struct stat file;
    if (lstat(address->sun_path, &file) != 0) return errno == ENOENT;
    errno = EEXIST;
    if (!S_ISSOCK(file.st_mode)) return false;

    int probe = socket_open(AF_UNIX);
    if (probe < 0) return false;
    bool is_stale = connect(probe, (const struct sockaddr *)address, sizeof *address) != 0 &&
                    errno == ECONNREFUSED;
    close(probe);
    errno = EADDRINUSE;
    return is_stale && unlink(address->sun_path) == 0;
}

bool listeners_open_unix(struct listeners *listeners, const char *path, unsigned permissions,
                         int backlog, char message[LISTENER_MESSAGE_SIZE])
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct listener *listener = &listeners->items[listeners->count];
    *listener = (struct listener){.descriptor = -1};

    errno = ENAMETOOLONG;
    bool is_open = strlen(path) < sizeof address.sun_path && listeners->count < LISTENERS_MAX;
    if (is_open) {
        memcpy(address.sun_path, path, strlen(path) + 1);
        is_open = listener_clear_path(&address) &&
                  (listener->descriptor = socket_open(AF_UNIX)) >= 0 &&
                  bind(listener->descriptor, (struct sockaddr *)&address, sizeof address) == 0;
    }
    if (is_open) {
        /* Nobody gets in before the permissions are set, as nobody listens yet. */
        struct stat file;
        is_open = lstat(path, &file) == 0 &&
                  (permissions == 0 || chmod(path, (mode_t)permissions) == 0) &&
                  listen(listener->descriptor, backlog) == 0;
        if (is_open) {
            listener->device = file.st_dev;
            listener->inode = file.st_ino;
            snprintf(listener->name, sizeof listener->name, "%s", path);
            listeners->count++;
            return true;
        }
        int error = errno;
        unlink(path);
        errno = error;
    }
    snprintf(message, LISTENER_MESSAGE_SIZE, "%.200s: %s", path, strerror(errno));
    if (listener->descriptor >= 0) close(listener->descriptor);
    return false;
}

void listener_close(struct listener *listener)
{
    if (listener->descriptor < 0) return;
    struct stat file;
    if (listener->inode != 0 && lstat(listener->name, &file) == 0 &&
        file.st_dev == listener->device && file.st_ino == listener->inode)
        unlink(listener->name);
    close(listener->descriptor);
    listener->descriptor = -1;
}
