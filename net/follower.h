/*
 * net/follower.h -- the thread that connects to a master and speaks with it, for as long as the
 * store is to be somebody's replica.
 *
 * A thread of its own, and not a place in a loop: a name may take seconds to look up, a full sync
 * keeps a core busy, and the stream of a busy master should not stand in the way of clients. There
 * is none until the first REPLICAOF.
 *
 * What waits, waits in poll() on two descriptors: the socket, and a pipe by which the thread is told
 * to look up.
 */
#ifndef KV_NET_FOLLOWER_H
#define KV_NET_FOLLOWER_H

#include "kvresp.h"

#include <pthread.h>
#include <stdatomic.h>

struct follower {
    kvresp *resp;
    int (*port)(const void *context); /* where clients reach the store; below 1: nowhere */
    const void *port_context;
    int pipe[2];
    _Atomic bool is_noted; /* it is to look up; a byte in the pipe says so, too */
    _Atomic bool is_stopping;
    bool is_attached;

    pthread_mutex_t lock; /* of what follows */
    pthread_t thread;
    bool has_thread;
};

/*
 * Attaches itself to `resp`, unless another has: then it is idle, and follower_renew() tries again.
 * KV_OK; KV_NOMEM; KV_BADARG with errno, without descriptors.
 */
kv_status follower_open(struct follower *follower, kvresp *resp, int (*port)(const void *context),
                        const void *port_context);
void follower_renew(struct follower *follower);

/*
 * Ends the link, if there is one, and the thread. It may have to wait for the system to look up a
 * name.
 */
void follower_close(struct follower *follower);

#endif
