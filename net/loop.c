/*
 * net/loop.c -- one thread's share of a server: its poller, its connections, what they wait for.
 */
#include "net/loop.h"

#include "net/connection.h"
#include "net/server.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>

enum {
    LOOP_EVENTS = 256,
    LOOP_BATCH = 64,               /* connections; as many keys as a prefetch takes */
    LOOP_BATCH_BYTES = 256 * 1024, /* of input, and of output: more would leave the cache */
    LOOP_CRON_MS = 100,
    LOOP_SWEEP_MS = 1000,
    /*
     * What the store's owed work may take of a turn: a request or some dozens on a busy loop, more
     * on an idle one.
     */
    LOOP_BUSY_BUDGET_US = 250,
    LOOP_IDLE_BUDGET_US = 5000
};

/* The loop whose turn this thread is in. */
static _Thread_local struct loop *loop_current;

kv_status loop_open(struct loop *loop, struct kvnet *server, unsigned index)
{
    *loop = (struct loop){.server = server, .index = index};
    loop->ready_end = &loop->ready;
    loop->now_ms = server_clock_ms();
    if (!poller_open(&loop->poller)) return KV_BADARG;
    kv_status status = kvresp_worker_open(server->resp, &loop->worker);
    if (status != KV_OK) poller_close(&loop->poller);
    return status;
}

/* Sends the queue, which holds none but closed connections, to the dead. */
static void loop_skip_closed(struct loop *loop)
{
    while (loop->ready != NULL) {
        struct connection *connection = loop->ready;
        loop->ready = connection->next;
        connection->next = loop->dead;
        loop->dead = connection;
    }
}

void loop_close(struct loop *loop)
{
    while (loop->count > 0) connection_close(loop->connections[loop->count - 1]);
    struct connection *posted = atomic_exchange(&loop->inbox, NULL);
    while (posted != NULL) {
        struct connection *next = posted->inbox_next;
        /* One that was never attached is in no other list. */
        if (!posted->is_closed) {
            atomic_fetch_sub(&loop->server->client_count, 1);
            connection_destroy(posted);
        }
        posted = next;
    }
    loop_skip_closed(loop);
    while (loop->dead != NULL) {
        struct connection *next = loop->dead->next;
        connection_destroy(loop->dead);
        loop->dead = next;
    }
    kvresp_worker_close(loop->worker);
    poller_close(&loop->poller);
    deadlines_free(&loop->deadlines);
    free(loop->connections);
}

bool loop_add(struct loop *loop, struct connection *connection)
{
    connection->index = SIZE_MAX;
    if (loop->count == loop->capacity) {
        size_t capacity = loop->capacity == 0 ? 16 : 2 * loop->capacity;
        struct connection **connections =
            realloc(loop->connections, capacity * sizeof *connections);
        if (connections == NULL) return false;
        loop->connections = connections;
        loop->capacity = capacity;
    }
    connection->index = loop->count;
    loop->connections[loop->count++] = connection;
    return true;
}

void loop_remove(struct loop *loop, struct connection *connection)
{
    if (connection->index != SIZE_MAX) {
        struct connection *last = loop->connections[--loop->count];
        loop->connections[connection->index] = last;
        last->index = connection->index;
    }
    atomic_fetch_sub(&loop->load, 1);
    atomic_fetch_sub(&loop->server->client_count, 1);
    if (connection->is_queued) return; /* `next` is in use; loop_receive_batch() sends it on */
    connection->next = loop->dead;
    loop->dead = connection;
}

void loop_enqueue(struct loop *loop, struct connection *connection)
{
    if (connection->is_queued) return;
    connection->is_queued = true;
    connection->next = NULL;
    *loop->ready_end = connection;
    loop->ready_end = &connection->next;
}

static void loop_ring(struct loop *loop)
{
    if (atomic_exchange(&loop->is_asleep, false)) poller_wake(&loop->poller);
}

/*
 * The loop stores is_asleep, then looks into the inbox; this pushes, then looks at is_asleep. Both
 * orders are sequentially consistent, so that one of the two sees the other.
 */
void loop_post(struct loop *loop, struct connection *connection)
{
    if (atomic_exchange(&connection->is_posted, true)) return;
    struct connection *first = atomic_load_explicit(&loop->inbox, memory_order_relaxed);
    do connection->inbox_next = first;
    while (!atomic_compare_exchange_weak(&loop->inbox, &first, connection));
    if (loop == loop_current) return;
    if (loop_current != NULL && loop_current->server == loop->server)
        loop_current->owes_bells = true;
    else loop_ring(loop);
}

/* Rings for all that this loop has posted. Before it waits, at the latest. */
static void loop_ring_others(struct loop *loop)
{
    struct kvnet *server = loop->server;
    if (!loop->owes_bells) return;
    loop->owes_bells = false;
    for (unsigned i = 0; i < server->loop_count; i++) {
        struct loop *other = &server->loops[i];
        if (other != loop && atomic_load(&other->inbox) != NULL) loop_ring(other);
    }
}

static int64_t loop_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* How long the loop may sleep, at most `limit_ms`; KV_NEVER: until something happens. */
static int64_t loop_patience_ms(struct loop *loop, int64_t limit_ms)
{
    if (loop->ready != NULL) return 0;
    int64_t wait_ms = limit_ms;
    if (loop->index == 0) {
        wait_ms = loop_min(wait_ms, loop->next_cron_ms - loop->now_ms);
        if (loop->owes_work) wait_ms = loop_min(wait_ms, 1);
    }
    if (atomic_load_explicit(&loop->server->idle_timeout_s, memory_order_relaxed) > 0 ||
        loop->index == 0)
        wait_ms = loop_min(wait_ms, loop->next_sweep_ms - loop->now_ms);
    if (loop->is_draining)
        wait_ms = loop_min(wait_ms, atomic_load(&loop->server->stop_at_ms) - loop->now_ms);
    const struct deadline *first = deadlines_first(&loop->deadlines);
    if (first != NULL) wait_ms = loop_min(wait_ms, first->at_ms - kv_now(loop->server->db));
    return wait_ms < 0 ? 0 : wait_ms;
}

/*
 * What there is without sleeping: after a turn with several connections a loop that may wait for
 * ever looks once more, and then lets whoever else wants the core go first. These are its clients,
 * where they share it: their requests then come in one turn, instead of one wake each. With two
 * threads on two cores, the load beside them, it saves a sixth of the processor time of a GET.
 */
static int loop_look(struct loop *loop, int timeout_ms, struct poller_event *events)
{
    if (timeout_ms >= 0 || loop->last_count < 2 || loop->ready != NULL) return 0;
    int count = poller_wait(&loop->poller, 0, events, LOOP_EVENTS);
    if (count == 0) sched_yield();
    return count;
}

static int loop_wait(struct loop *loop, int timeout_ms, struct poller_event *events)
{
    int count = loop_look(loop, timeout_ms, events);
    if (count > 0) return count;
    /* Only now, as the look may have taken the ring of a bell that tells of a change. */
    int64_t patience_ms = loop_patience_ms(loop, timeout_ms < 0 ? KV_NEVER : timeout_ms);
    int wait_ms = patience_ms > INT_MAX ? -1 : (int)patience_ms;
    if (wait_ms != 0) {
        atomic_store(&loop->is_asleep, true);
        bool is_due = atomic_load(&loop->inbox) != NULL;
        if (atomic_load(&loop->server->is_stopping) != loop->is_draining) is_due = true;
        if (is_due) wait_ms = 0;
    }
    count = poller_wait(&loop->poller, wait_ms, events, LOOP_EVENTS);
    atomic_store_explicit(&loop->is_asleep, false, memory_order_relaxed);
    return count;
}

static void loop_empty_inbox(struct loop *loop)
{
    if (atomic_load_explicit(&loop->inbox, memory_order_relaxed) == NULL) return;
    struct connection *posted = atomic_exchange(&loop->inbox, NULL);
    while (posted != NULL) {
        struct connection *connection = posted;
        posted = connection->inbox_next;
        atomic_store(&connection->is_posted, false); /* from here it may be posted again */
        if (connection->is_closed) continue;
        if (!connection->is_attached) {
            connection_attach(connection);
        } else {
            connection->must_run = true;
            loop_enqueue(loop, connection);
        }
    }
}

/*
 * Takes connections off the queue and reads from them, until there are LOOP_BATCH or they brought
 * LOOP_BATCH_BYTES; the closed ones among them go to the dead.
 */
static size_t loop_receive_batch(struct loop *loop, struct connection **queue,
                                 struct connection *batch[LOOP_BATCH])
{
    uint64_t enough = loop->input_bytes + LOOP_BATCH_BYTES;
    size_t count = 0;
    while (*queue != NULL && count < LOOP_BATCH && loop->input_bytes < enough) {
        struct connection *connection = *queue;
        *queue = connection->next;
        connection->is_queued = false;
        if (!connection->is_closed) {
            connection_receive(connection);
            batch[count++] = connection;
        } else {
            connection->next = loop->dead;
            loop->dead = connection;
        }
    }
    return count;
}

/* Runs the batch and writes its replies, whenever there are LOOP_BATCH_BYTES, and at the end. */
static void loop_answer_batch(struct loop *loop, struct connection **batch, size_t count)
{
    kvresp_session *sessions[LOOP_BATCH];
    for (size_t i = 0; i < count; i++) sessions[i] = batch[i]->session;
    size_t prefetched = 0, answered = 0, bytes = 0;
    for (size_t i = 0; i < count; i++) {
        if (i == prefetched) prefetched += kvresp_prefetch(loop->worker, sessions + i, count - i);
        connection_execute(batch[i]);
        bytes += kvresp_output_pending(batch[i]->session);
        if (bytes < LOOP_BATCH_BYTES && i + 1 < count) continue;
        loop_ring_others(loop);
        while (answered <= i) connection_reply(batch[answered++]);
        bytes = 0;
    }
}

/* Serves those that were ready when it began; what they leave is for the next turn. */
static void loop_serve_ready(struct loop *loop)
{
    struct connection *queue = loop->ready, *batch[LOOP_BATCH];
    loop->ready = NULL;
    loop->ready_end = &loop->ready;
    while (queue != NULL) {
        size_t count = loop_receive_batch(loop, &queue, batch);
        loop_answer_batch(loop, batch, count);
    }
}

/*
 * Those whose deadline has come. One that the run leaves in the past comes again in the next turn.
 */
static void loop_collect_due(struct loop *loop)
{
    struct deadline *first = deadlines_first(&loop->deadlines);
    if (first == NULL) return;
    int64_t now_ms = kv_now(loop->server->db);
    for (; first != NULL && first->at_ms <= now_ms; first = deadlines_first(&loop->deadlines)) {
        struct connection *connection = (struct connection *)first;
        deadlines_remove(&loop->deadlines, first);
        connection->must_run = true;
        loop_enqueue(loop, connection);
    }
}

/*
 * The store's periodic work, ten times a second, when a key's deadline comes, and each turn while
 * it is behind.
 */
static void loop_cron(struct loop *loop, bool is_busy)
{
    kv *db = loop->server->db;
    if (!loop->owes_work && loop->now_ms < loop->next_cron_ms) return;
    kvresp_cron(loop->server->resp, is_busy ? LOOP_BUSY_BUDGET_US : LOOP_IDLE_BUDGET_US);
    int64_t next_ms = kv_next_deadline(db), delay_ms = LOOP_CRON_MS;
    if (next_ms != KV_NEVER) {
        next_ms -= kv_now(db);
        if (next_ms < delay_ms) delay_ms = next_ms;
    }
    loop->owes_work = delay_ms <= 0;
    loop->next_cron_ms = loop->now_ms + (delay_ms > 0 ? delay_ms : LOOP_CRON_MS);
}

/* Once a second: closes connections that have been idle for too long. */
static void loop_sweep(struct loop *loop)
{
    if (loop->now_ms < loop->next_sweep_ms) return;
    loop->next_sweep_ms = loop->now_ms + LOOP_SWEEP_MS;
    if (loop->index == 0) {
        server_recover(loop->server);
        parameters_inherit(loop->server);
        if (loop->server->has_follower) follower_renew(&loop->server->follower);
    }
    int64_t timeout_ms =
        1000 * atomic_load_explicit(&loop->server->idle_timeout_s, memory_order_relaxed);
    if (timeout_ms <= 0) return;
    for (size_t i = loop->count;
         i-- > 0;) { /* backwards: the last takes the place of one that is closed */
        struct connection *connection = loop->connections[i];
        if (loop->now_ms - connection->active_ms < timeout_ms) continue;
        if (!kvresp_session_is_idle(connection->session)) continue;
        kvresp_logf(loop->server->resp, KVRESP_VERBOSE, "Closing idle client id=%llu",
                    (unsigned long long)kvresp_session_id(connection->session));
        connection_close(connection);
    }
}

/*
 * The server stops: each connection gets a last look at what it sent; when the grace ends all are
 * closed.
 */
static void loop_drain(struct loop *loop)
{
    if (!atomic_load_explicit(&loop->server->is_stopping, memory_order_acquire)) return;
    if (!loop->is_draining) {
        loop->is_draining = true;
        for (size_t i = 0; i < loop->count; i++) {
            loop->connections[i]->is_readable = true;
            loop_enqueue(loop, loop->connections[i]);
        }
    } else if (loop->now_ms >= atomic_load(&loop->server->stop_at_ms)) {
        while (loop->count > 0) connection_close(loop->connections[loop->count - 1]);
    }
}

/* Frees the closed ones, but for those that are in the inbox still. */
static void loop_bury(struct loop *loop)
{
    struct connection *dead = loop->dead;
    loop->dead = NULL;
    while (dead != NULL) {
        struct connection *connection = dead;
        dead = connection->next;
        if (atomic_load(&connection->is_posted)) {
            connection->next = loop->dead;
            loop->dead = connection;
        } else {
            connection_destroy(connection);
        }
    }
}

static void loop_count(struct loop *loop, kvresp_counter counter, uint64_t *of_turn)
{
    if (*of_turn > 0) kvresp_count(loop->server->resp, counter, *of_turn);
    *of_turn = 0;
}

/* Once a turn, as the counters are shared by all loops. */
static void loop_count_traffic(struct loop *loop)
{
    loop_count(loop, KVRESP_COUNT_READS, &loop->reads);
    loop_count(loop, KVRESP_COUNT_WRITES, &loop->writes);
    loop_count(loop, KVRESP_COUNT_INPUT_BYTES, &loop->input_bytes);
    loop_count(loop, KVRESP_COUNT_OUTPUT_BYTES, &loop->output_bytes);
}

bool loop_turn(struct loop *loop, int timeout_ms)
{
    struct poller_event events[LOOP_EVENTS];
    struct loop *outer = loop_current; /* a host may poll one server from the visitor of another */
    loop_current = loop;
    int count = loop_wait(loop, timeout_ms, events);
    loop->last_count = count;
    kvresp_worker_turn(loop->worker);
    loop->now_ms = server_clock_ms();

    for (int i = 0; i < count; i++) {
        if (events[i].tag == NULL) server_accept(loop->server);
        else connection_notice(events[i].tag, events[i].what);
    }
    loop_ring_others(loop); /* for new connections */
    loop_empty_inbox(loop);
    loop_drain(loop);
    loop_collect_due(loop);
    loop_serve_ready(loop);
    if (loop->index == 0) loop_cron(loop, count > 0);
    loop_sweep(loop);
    loop_ring_others(loop);
    loop_count_traffic(loop);
    loop_bury(loop);
    kvresp_worker_rest(loop->worker);
    loop_current = outer;
    return !loop->is_draining || loop->count > 0 || atomic_load(&loop->inbox) != NULL;
}

void loop_rest(struct loop *loop)
{
    loop->now_ms = server_clock_ms();
    int64_t patience_ms =
        loop_patience_ms(loop, KV_NEVER); /* never for ever: loop 0 has its cron */
    int64_t timer_ms = loop->now_ms + patience_ms;
    if (timer_ms != loop->timer_ms || patience_ms == 0)
        poller_set_timer(&loop->poller, patience_ms);
    loop->timer_ms = timer_ms;
    atomic_store(&loop->is_asleep, true);
    if (atomic_load(&loop->inbox) != NULL) poller_wake(&loop->poller);
}
