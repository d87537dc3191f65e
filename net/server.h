/*
 * net/server.h -- what the loops of a server share.
 *
 * Connections are accepted by loop 0 and given to the loop that has the fewest. The alternative, a
 * listener per loop with SO_REUSEPORT, lets the kernel choose by a hash of the addresses: with few
 * long-lived connections, which is how Redis is used, that leaves loops idle; and it takes away the
 * error for a port that is in use.
 */
#ifndef KV_NET_SERVER_H
#define KV_NET_SERVER_H

#include "kvnet.h"
#include "net/follower.h"
#include "net/listener.h"
#include "net/loop.h"

#include <pthread.h>
#include <stdatomic.h>

enum { SERVER_THREADS_MAX = 128, SERVER_THREADS_DEFAULT_MAX = 8, SERVER_RESERVED_DESCRIPTORS = 32 };

/* A list of words in one block; NULL: none. */
struct words {
    char **items;
    size_t count;
};

struct kvnet {
    kvresp *resp;
    kv *db;
    struct loop *loops;
    unsigned loop_count;
    bool has_threads;
    bool has_parameters; /* CONFIG and INFO show those of this server. Loop 0, once it runs */

    struct follower follower; /* of the store's master, if it is a replica */
    bool has_follower;

    /* Where it listens: changed by CONFIG SET bind and port in any thread, read by loop 0. */
    pthread_mutex_t listeners_lock;
    struct listeners listeners;
    struct words bind;
    int port;      /* in use; -1: none */
    int bind_port; /* the same, also while there is no address to listen on */
    bool is_deaf;  /* out of descriptors: the listeners are not polled for a while */
    int spare;     /* let go for a moment to turn away a client when no descriptor is left */
    int backlog;
    char *unix_path; /* NULL: none */
    unsigned unix_permissions;

    atomic_uint client_count;
    atomic_uint max_clients;
    _Atomic int64_t idle_timeout_s; /* 0: never */
    _Atomic int64_t keepalive_s;    /* 0: off */
    atomic_bool is_protected;
    atomic_bool is_stopping;
    _Atomic int64_t stop_at_ms; /* monotonic: when the grace ends */
};

/* Accepts what waits, in batches. Loop 0. */
void server_accept(struct kvnet *server);

/* Listens again after a lack of descriptors. Loop 0, now and then. */
void server_recover(struct kvnet *server);

/*
 * Listens on other addresses or another port; NULL, or why not in `message`: then it listens where
 * it did. `words` is taken over.
 */
const char *server_rebind(struct kvnet *server, struct words bind, int port, char message[256]);

/* The port that new addresses will have; -1: none. */
int server_bind_port(struct kvnet *server);

/* All loops take a turn. */
void server_wake_all(struct kvnet *server);

/* The monotonic clock in milliseconds. */
int64_t server_clock_ms(void);

/* Splits text at blanks. False if memory is exhausted. */
bool words_split(struct words *words, kv_slice text);

/* items is NULL, and count 0, if memory is exhausted or there is none. */
struct words words_copy(const char *const *items, size_t count);
void words_free(struct words *words);

/*
 * net/parameters.c: CONFIG's parameters and INFO's lines. Only one server of a kvresp has them: the
 * first, and when it has ended, another one. KV_OK, or KV_NOMEM: then none is there.
 */
kv_status parameters_add(struct kvnet *server);
/* Takes over what a server that has ended left free. Loop 0, now and then. */
void parameters_inherit(struct kvnet *server);
void parameters_remove(struct kvnet *server);

/* The most clients that the limit of open files allows. */
uint32_t server_clients_possible(const struct kvnet *server);

#endif
