/*
 * kvnet.h -- a server for a store: sockets, event loops, threads. Redis clients connect to it.
 *
 *     kvnet_options options = KV_OPTIONS(kvnet_options);
 *     options.port = 0;                                    // any free one
 *     kvnet *server;
 *     kvnet_start(resp, &options, &server, message);
 *     printf("port %d\n", kvnet_port(server));
 *     ...
 *     kvnet_stop(server, 1000);
 *
 * kvnet_metrics_start() shows the metrics of a kvresp over HTTP, with or without such a server.
 *
 * A server has one event loop per thread; each connection belongs to one loop and its commands run
 * there, directly on the store. With `threads` below 0 there is no thread at all: the host calls
 * kvnet_poll(). A store that is made a replica (REPLICAOF) gets one thread more, in either case,
 * which speaks with its master. Several stores may be served by one process. The library installs no signal handler
 * and ignores none: it sends with MSG_NOSIGNAL.
 *
 * Several servers may share one kvresp: they serve the same keys, and CLIENT LIST shows the clients
 * of all. CONFIG GET and SET of what is a server's (bind, port, maxclients, timeout...) and its
 * lines in INFO are of one server only, the one that started first; when that is stopped, another
 * takes its place within about a second. The parameters of the others stay as they were started.
 */
#ifndef KVNET_H
#define KVNET_H

#include "kvresp.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifndef KVNET_API
#if defined(__GNUC__)
#define KVNET_API __attribute__((visibility("default")))
#else
#define KVNET_API
#endif
#endif

typedef struct kvnet kvnet;

typedef struct kvnet_options {
    size_t size;
    /*
     * Addresses or names, IPv4 or IPv6; "*" and "::*" for all; one after '-' may be unavailable. A
     * single "": none, until CONFIG SET bind gives some.
     */
    const char *const *bind;
    size_t bind_count;         /* 0: 127.0.0.1 and -::1 */
    int port;                  /* 0: a free one the system picks; -1: no TCP */
    const char *unix_socket;   /* path; NULL: none */
    unsigned unix_permissions; /* 0: as the umask says */
    int threads;               /* 0: cores, at most 8; -1: none, the host calls kvnet_poll() */
    int backlog;               /* 0: 511 */
    uint32_t max_clients;      /* 0: 10000; lowered, and told, to what the file limit allows */
    int64_t idle_timeout_s;    /* 0: never */
    int64_t keepalive_s;       /* 0: 300; -1: off */
    bool protected_mode;       /* without a password, serve only clients on this machine */
} kvnet_options;

/*
 * Listens and starts the threads. Returns KV_OK; KV_BADARG with the reason in `message` (256 bytes:
 * "127.0.0.1:6379: Address already in use"); KV_NOMEM.
 */
KVNET_API kv_status kvnet_start(kvresp *resp, const kvnet_options *options, kvnet **server,
                                char message[256]);

/* The TCP port in use; -1 if none. */
KVNET_API int kvnet_port(const kvnet *server);

/*
 * Writes the addresses it listens on, "127.0.0.1:6379, [::1]:6379, /run/kvstore.sock". KV_TOOBIG if
 * they do not fit.
 */
KVNET_API kv_status kvnet_addresses(kvnet *server, char *text, size_t size);

/*
 * For servers without threads: waits up to timeout_ms (-1: as long as nothing happens) for
 * something to do, does it, and returns. Any one thread at a time. kvnet_fd() is readable when a
 * call has something to do, for hosts with their own poll loop.
 */
KVNET_API kv_status kvnet_poll(kvnet *server, int timeout_ms);
KVNET_API int kvnet_fd(const kvnet *server);

/* Wakes a kvnet_poll() from another thread or a signal handler. */
KVNET_API void kvnet_wake(kvnet *server);

/*
 * Hands a connected stream socket (TCP, unix, one end of a socketpair) to the server, which owns
 * and closes it from now on, also on an error. KV_OK, KV_NOMEM, KV_BADARG (no stream socket),
 * KV_SKIPPED (max_clients: it was told so and closed).
 */
KVNET_API kv_status kvnet_serve_fd(kvnet *server, int descriptor);

/*
 * Stops: accepts no more, answers what was received, writes what can be written within `grace_ms`,
 * closes all, ends the threads, frees `server`. Nothing is left behind but the unix socket's file,
 * which is removed.
 */
KVNET_API void kvnet_stop(kvnet *server, int64_t grace_ms);

/* -------------------------------------------------------------------------- following a master */

/*
 * A store in the program's own memory that holds what a Redis or Valkey server, or another kvstore,
 * holds, and is told of each change: a near cache that needs no invalidation.
 *
 *     kvnet_follower *follower;
 *     kvnet_follow(db, "cache.example:6379", NULL, &follower);
 *     if (kvnet_follow_wait(follower, 5000) == KV_OK)
 *         kv_get(db, KV_TEXT("price:42"), &price);       // no packet is sent for it
 *     kvnet_unfollow(follower);
 *
 * Reads see the master's changes in the master's order, as late as they travel: kvnet_following()
 * tells how late. When the link is lost the data stay, and it is connected again, going on where it
 * was if the master still has what was missed. A full sync exchanges all data at one instant. Keys
 * go when the master says so; until then those whose time is over are hidden, as ever.
 *
 * What the program itself writes to the store stays there until the master changes the same key, or
 * all comes anew. What it gives a deadline goes by itself when that has passed, in kv_tick(), in the
 * background thread or with later writes; unless the master has given the key one since.
 */
typedef struct kvnet_follower kvnet_follower;

typedef struct kvnet_follow_options {
    size_t size;
    const char *user, *password; /* NULL: no login; a password alone is that of the default user */
    int64_t timeout_s;           /* of silence, after which the link is lost; 0: 60 */
    kvresp_log *log;             /* NULL: no log */
    void *log_context;
} kvnet_follow_options;

/*
 * Begins to follow the master at "host:port", "[address]:port" or "/path/of/its.socket", in a thread
 * of its own. What the store held is replaced by the first full sync.
 *
 * Returns   KV_OK, connected or not yet; KV_BUSY if the store has a follower; KV_BADARG for an
 *           address that is none (not in one of these forms, with a space, with no port from 1 to
 *           65535, or with a path that is too long for a socket or, at present, a directory's; it may
 *           be that of nothing yet), and in a transaction; KV_NOMEM.
 * Threads   No server may have a master of its own for this store meanwhile. The thread takes no
 *           signals.
 */
KVNET_API kv_status kvnet_follow(kv *db, const char *address, const kvnet_follow_options *options,
                                 kvnet_follower **follower);

/* How it stands. `size` is set by the caller. Any thread. */
KVNET_API kv_status kvnet_following(kvnet_follower *follower, kvresp_following *following);

/*
 * Waits until the link is up and all that has come is applied, at most timeout_ms. KV_OK,
 * KV_TIMEOUT.
 */
KVNET_API kv_status kvnet_follow_wait(kvnet_follower *follower, int64_t timeout_ms);

/*
 * Ends it. The store keeps its data, and is an ordinary one again. Before the store is closed. While
 * the system looks up a name, it waits for that.
 */
KVNET_API void kvnet_unfollow(kvnet_follower *follower);

/* -------------------------------------------------------------------------------------- metrics */

typedef struct kvnet_metrics kvnet_metrics;

typedef struct kvnet_metrics_options {
    size_t size;
    const char *bind;   /* one address or name; NULL: 127.0.0.1 */
    int port;           /* 0: a free one the system picks */
    const char *prefix; /* as in kvresp_metrics_options; copied */
} kvnet_metrics_options;

/*
 * Answers GET /metrics over HTTP with what kvresp_metrics() tells, for Prometheus, in a thread of
 * its own that takes no signals. Other paths are answered 404, other methods than GET and HEAD 405.
 * There is no authentication: listen where only those who may know can connect.
 *
 * Memory    Some KiB a connection, of which there are at most 32: one more ends that which has asked
 *           for nothing for the longest time. Stopped by kvnet_metrics_stop(), before kvresp_close().
 * Returns   KV_OK; KV_BADARG with the reason in `message` (256 bytes; may be NULL), also where the
 *           library was built without libmicrohttpd; KV_NOMEM.
 */
KVNET_API kv_status kvnet_metrics_start(kvresp *resp, const kvnet_metrics_options *options,
                                        kvnet_metrics **metrics, char message[256]);

/* The port in use. */
KVNET_API int kvnet_metrics_port(const kvnet_metrics *metrics);

/* Closes all, ends the thread. NULL is ignored. */
KVNET_API void kvnet_metrics_stop(kvnet_metrics *metrics);

#ifdef __cplusplus
}
#endif

#endif /* KVNET_H */
