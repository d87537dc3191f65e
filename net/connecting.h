/*
 * net/connecting.h -- connecting to a server by its name, while the caller decides how to wait.
 */
#ifndef KV_NET_CONNECTING_H
#define KV_NET_CONNECTING_H

/*
 * Waits until a descriptor can be written to. 0, or the errno with which to give this address up;
 * with ECANCELED all addresses are.
 */
typedef int connecting_wait(void *context, int descriptor);

struct connecting {
    connecting_wait *wait;
    void *context;
    int error;  /* when nothing was connected: an errno */
    int lookup; /* or, if it is not 0, what getaddrinfo() said */
};

/* Connects to one of the addresses of a host, tried one after another. The socket, or -1. */
int connecting_to_host(struct connecting *connecting, const char *host, int port);

/* Connects to a unix socket. The same. */
int connecting_to_path(struct connecting *connecting, const char *path);

#endif
