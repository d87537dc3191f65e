/*
 * net/connection.c -- one client's socket: bytes from it to its session, replies from the session
 * to it.
 */
#include "net/connection.h"

#include "net/loop.h"
#include "net/server.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { CONNECTION_WRITES = 16 /* of a turn: a megabyte for a replica, others need one */ };

static void connection_wake(void *context)
{
    struct connection *connection = context;
    loop_post(connection->loop, connection);
}

struct connection *connection_create(struct loop *loop, int descriptor,
                                     const struct socket_ends *ends)
{
    struct connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) return NULL;
    connection->loop = loop;
    connection->descriptor = descriptor;
    connection->state = KVRESP_IDLE;

    kvresp_session_options options = KV_OPTIONS(kvresp_session_options);
    options.address = ends->peer;
    options.local_address = ends->local;
    options.descriptor = descriptor;
    options.is_unix = ends->is_unix;
    options.wake = connection_wake;
    options.wake_context = connection;
    if (kvresp_session_open(loop->server->resp, &options, &connection->session) != KV_OK) {
        free(connection);
        return NULL;
    }
    return connection;
}

void connection_destroy(struct connection *connection)
{
    if (!connection->is_closed) {
        kvresp_session_close(connection->session);
        close(connection->descriptor);
    }
    free(connection);
}

void connection_attach(struct connection *connection)
{
    struct loop *loop = connection->loop;
    if (!loop_add(loop, connection)) {
        connection_close(connection);
        return;
    }
    connection->is_attached = poller_add(&loop->poller, connection->descriptor, connection);
    if (!connection->is_attached) {
        kvresp_logf(loop->server->resp, KVRESP_WARNING, "Cannot watch a connection (errno %d)",
                    errno);
        connection_close(connection);
        return;
    }
    /* What came before it was watched is reported as the first edge; no read is tried in vain. */
    connection->active_ms = loop->now_ms;
    if (!loop->is_draining) return;
    connection->is_readable = true;
    loop_enqueue(loop, connection);
}

void connection_close(struct connection *connection)
{
    struct loop *loop = connection->loop;
    if (connection->is_closed) return;
    connection->is_closed = true;
    kvresp_session_close(connection->session);
    if (connection->is_attached) poller_remove(&loop->poller, connection->descriptor);
    close(connection->descriptor);
    deadlines_remove(&loop->deadlines, &connection->deadline);
    loop_remove(loop, connection);
}

/*
 * One read, straight into the session's input. False: the connection is broken, or asks for too
 * much.
 */
static bool connection_read(struct connection *connection)
{
    struct loop *loop = connection->loop;
    void *space;
    size_t size;
    kv_status status = kvresp_input_space(connection->session, &space, &size);
    if (status == KV_TOOBIG) {
        kvresp_count(loop->server->resp, KVRESP_COUNT_QUERY_LIMIT, 1);
        kvresp_logf(loop->server->resp, KVRESP_WARNING,
                    "Closing client id=%llu that reached the maximum query buffer length",
                    (unsigned long long)kvresp_session_id(connection->session));
    }
    if (status != KV_OK) return false;

    ssize_t got = socket_read(connection->descriptor, space, size);
    loop->reads++;
    if (got < 0) {
        connection->is_readable = false;
        return errno == EAGAIN || errno == EWOULDBLOCK;
    }
    if (got == 0) {
        connection->is_readable = false;
        connection->has_ended = true;
        return true;
    }
    kvresp_input_add(connection->session, (size_t)got);
    loop->input_bytes += (uint64_t)got;
    connection->active_ms = loop->now_ms;
    connection->must_run = true;
    /*
     * A short read has emptied the socket; but an end of the stream that was reported already is
     * not reported again.
     */
    connection->is_readable = (size_t)got == size || connection->is_hung_up;
    return true;
}

static void connection_watch_write(struct connection *connection, bool watch)
{
    if (connection->is_watched == watch) return;
    poller_watch_write(&connection->loop->poller, connection->descriptor, connection, watch);
    connection->is_watched = watch;
}

/*
 * Writes what may be sent, straight from the session's output, until the socket is full, or this
 * turn's share is used up, as a replica's output has no end while others write. False: broken.
 */
static bool connection_write(struct connection *connection)
{
    for (int writes = 0; writes < CONNECTION_WRITES; writes++) {
        kv_slice output = kvresp_output(connection->session);
        if (output.size == 0) {
            connection_watch_write(connection, false);
            return true;
        }
        ssize_t put = socket_write(connection->descriptor, output.data, output.size);
        connection->loop->writes++;
        if (put < 0 && errno != EAGAIN && errno != EWOULDBLOCK) return false;
        if (put > 0) {
            kvresp_output_consume(connection->session, (size_t)put);
            connection->loop->output_bytes += (uint64_t)put;
        }
        if (put < 0 || (size_t)put < output.size) {
            connection->is_full = true;
            connection_watch_write(connection, true);
            return true;
        }
    }
    loop_enqueue(connection->loop, connection);
    return true;
}

static void connection_set_deadline(struct connection *connection)
{
    struct deadlines *deadlines = &connection->loop->deadlines;
    int64_t at_ms = KV_NEVER;
    if (connection->state != KVRESP_IDLE || connection->is_full)
        at_ms = kvresp_deadline(connection->session);
    if (at_ms == KV_NEVER) deadlines_remove(deadlines, &connection->deadline);
    else if (at_ms != connection->deadline.at_ms || connection->deadline.place == 0)
        if (!deadlines_set(deadlines, &connection->deadline, at_ms)) connection_close(connection);
}

static void connection_run_again(struct connection *connection)
{
    connection->must_run = true;
    loop_enqueue(connection->loop, connection);
}

/* True if nothing is left to be done for it but to close it. */
static bool connection_is_over(const struct connection *connection)
{
    bool is_draining = connection->loop->is_draining;
    switch (connection->state) {
    case KVRESP_CLOSE_NOW: return true;
    case KVRESP_CLOSE: return kvresp_output_pending(connection->session) == 0;
    case KVRESP_BLOCKED: return connection->is_hung_up || connection->has_ended || is_draining;
    case KVRESP_IDLE:
        return !connection->is_readable && (connection->has_ended || is_draining) &&
               kvresp_output_pending(connection->session) == 0;
    default: return false;
    }
}

/* Decides what is next for a connection that had its turn. */
static void connection_settle(struct connection *connection)
{
    if (connection_is_over(connection)) {
        connection_close(connection);
        return;
    }
    if (connection->state == KVRESP_YIELD) connection_run_again(connection);
    if (connection->state == KVRESP_IDLE && connection->is_readable)
        loop_enqueue(connection->loop, connection);
    /* Output that is left though the socket is not full waits to be durable; a wake will tell. */
    if (connection->state == KVRESP_OUTPUT_FULL && kvresp_output_pending(connection->session) == 0)
        connection_run_again(connection);
    connection_set_deadline(connection);
}

void connection_receive(struct connection *connection)
{
    if (connection->is_readable && connection->state == KVRESP_IDLE)
        connection->is_broken = !connection_read(connection);
}

void connection_execute(struct connection *connection)
{
    if (connection->is_broken || !connection->must_run) return;
    connection->must_run = false;
    connection->state = kvresp_run(connection->loop->worker, connection->session);
    bool may_delay = kvresp_session_may_delay(connection->session);
    if (may_delay != connection->may_delay) socket_set_delay(connection->descriptor, may_delay);
    connection->may_delay = may_delay;
}

void connection_reply(struct connection *connection)
{
    if (!connection->is_broken && !connection->is_full && connection->state != KVRESP_CLOSE_NOW)
        connection->is_broken = !connection_write(connection);
    if (connection->is_broken) connection_close(connection);
    else connection_settle(connection);
}

void connection_notice(struct connection *connection, unsigned what)
{
    if (connection->is_closed) return;
    if (what & POLLER_HANGUP) connection->is_hung_up = true;
    if (what & (POLLER_READ | POLLER_HANGUP)) connection->is_readable = true;
    /* After a hang-up, a write tells whether the peer still reads. */
    if (what & (POLLER_WRITE | POLLER_HANGUP)) connection->is_full = false;
    loop_enqueue(connection->loop, connection);
}
