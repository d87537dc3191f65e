/*
 * net/connection.h -- one client's socket: bytes from it to its session, replies from the session
 * to it.
 *
 * A turn of a connection is one read, one kvresp_run(), one write; the loop takes these steps for
 * several connections side by side. What the poller reported is remembered in flags, as it is
 * reported once; what kvresp_run() asked for is remembered in `state`, and decides what happens
 * next:
 *
 *     state         reads on    runs again when
 *     IDLE          yes         input came
 *     YIELD         no          its next turn
 *     OUTPUT_FULL   no          the socket took the output: a slow reader is not read from
 *     BLOCKED       no          somebody wakes it, or its deadline has come; a hang-up ends it
 *     PAUSED        no          somebody wakes it
 *     CLOSE         no          never: it is closed when the output is written
 *
 * A connection belongs to one loop. Other threads only touch what is marked so.
 */
#ifndef KV_NET_CONNECTION_H
#define KV_NET_CONNECTION_H

#include "kvresp.h"
#include "net/deadlines.h"
#include "net/socket.h"

#include <stdatomic.h>

struct loop;

struct connection {
    struct deadline deadline; /* first, so that the heap's items are connections */
    struct loop *loop;
    kvresp_session *session;
    int descriptor;
    kvresp_state state;
    int64_t active_ms;       /* when input came last, in the loop's time */
    size_t index;            /* in loop->connections */
    struct connection *next; /* among the ready, or the dead */
    bool is_attached;        /* the loop has it in its poller */
    bool is_readable;        /* a read may give something */
    bool is_full;            /* the socket took no more; the poller will say when it does */
    bool is_watched;         /* the poller reports room to write */
    bool is_hung_up;         /* the peer sends no more */
    bool has_ended;          /* all that it sent is read */
    bool is_broken;          /* the socket has failed, or the client asked for too much */
    bool may_delay;          /* the socket may gather small writes */
    bool must_run;           /* kvresp_run() has something to do */
    bool is_queued;          /* among the ready */
    bool is_closed;          /* among the dead */

    /* Any thread. */
    atomic_bool is_posted; /* in the loop's inbox */
    struct connection *inbox_next;
};

/*
 * A connection of `loop` on a socket that socket_*() made or adopted, not yet attached. NULL if
 * memory is exhausted.
 */
struct connection *connection_create(struct loop *loop, int descriptor,
                                     const struct socket_ends *ends);

/* Frees it; its session and descriptor first if it was not closed. */
void connection_destroy(struct connection *connection);

/* Begins to serve it, in its loop's thread. */
void connection_attach(struct connection *connection);

/* Notes what the poller reported, and asks for a turn. */
void connection_notice(struct connection *connection, unsigned what);

/*
 * The three steps of a turn. The last one writes, and decides what is next, which may be the end.
 */
void connection_receive(struct connection *connection);
void connection_execute(struct connection *connection);
void connection_reply(struct connection *connection);

/* Ends the session and the socket; the memory lasts until the loop's turn ends. */
void connection_close(struct connection *connection);

#endif
