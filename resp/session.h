/*
 * resp/session.h -- one client: its protocol, database, transaction, input and output.
 *
 * A session is run by one thread at a time. What other threads may see or change is set apart:
 * `shown` is written by the session's thread once a run and read by CLIENT LIST; `orders` is where
 * others leave word (CLIENT KILL, UNBLOCK); names and the links of the client list are under the
 * list's lock.
 */
#ifndef KV_RESP_SESSION_H
#define KV_RESP_SESSION_H

#include "resp/aof_link.h"
#include "resp/input.h"
#include "resp/replica_waits.h"
#include "resp/saving.h"
#include "resp/shared.h"
#include "resp/writer.h"

/* Flags. The first group are gates: they send a command through the slow path. */
enum session_flag {
    SESSION_STRANGER = 1 << 16,   /* has to authenticate and has not */
    SESSION_MULTI = 1 << 17,      /* commands are queued */
    SESSION_REPLY_OFF = 1 << 18,  /* CLIENT REPLY OFF */
    SESSION_REPLY_SKIP = 1 << 19, /* the next reply is dropped */
    SESSION_CLOSING = 1 << 20,    /* nothing more is executed; to be closed after the output */
    SESSION_BLOCKED = 1 << 21,    /* in a blocking command */
    SESSION_PAUSED =
        1 << 22, /* the request at the front waits for a pause to end or for the disk */
    SESSION_SUBSCRIBED = 1 << 9, /* to a channel or pattern */
    SESSION_REPLICA = 1 << 10,   /* its output is what replicas are sent */
    SESSION_OF_MASTER = 1 << 11, /* what a master sends its replica */
    SESSION_GATES = 0x7f << 16 | SESSION_SUBSCRIBED,

    SESSION_WATCH_DIRTY = 1 << 8,   /* only as shown: a watched key has changed */
    SESSION_MULTI_FAILED = 1 << 23, /* a command could not be queued: EXEC will refuse */
    SESSION_AUTHENTICATED = 1 << 24,
    SESSION_TRUSTED = 1 << 25,
    SESSION_UNIX = 1 << 26,
    SESSION_NO_EVICT = 1 << 27,
    SESSION_NO_TOUCH = 1 << 28,
    SESSION_MAY_NOT_BLOCK = 1 << 29, /* while kvresp_exec() runs a command */
    SESSION_AWAITS_ROOM = 1 << 30    /* paused, and by the append-only file: only a wake ends it */
};

/* What others ask of a session, for its thread to find. */
enum session_order {
    ORDER_CLOSE = 1 << 0,           /* CLIENT KILL */
    ORDER_UNBLOCK_TIMEOUT = 1 << 1, /* CLIENT UNBLOCK */
    ORDER_UNBLOCK_ERROR = 1 << 2,
    ORDER_UNBLOCK_DEMOTED = 1 << 3, /* the store has become a replica */
    ORDER_UNBLOCKS = ORDER_UNBLOCK_TIMEOUT | ORDER_UNBLOCK_ERROR | ORDER_UNBLOCK_DEMOTED
};

/* What others may look at. */
struct session_shown {
    _Atomic(const struct command *) command;
    _Atomic int64_t active_ms;
    _Atomic uint32_t flags, database;
    _Atomic bool is_watching;
    _Atomic int32_t queued; /* -1 outside a transaction */
    _Atomic uint64_t input_size, input_room, output_size, memory, transaction_memory;
    _Atomic uint64_t pushes, pushes_size; /* messages that are not in the output yet */
    _Atomic uint32_t channels, patterns, shard_channels;
    _Atomic uint8_t protocol;
};

/*
 * Takes what a blocked command came for, by calls on `txn` about this key, and writes the reply, in
 * the thread of whoever brought it. KV_NONE: it is not there, and nothing is written. Other
 * statuses than KV_OK answer as call_fail() does, unless the text of an error was written,
 * terminated.
 */
typedef kv_status blocked_attempt(void *request, kv *txn, size_t key_index, kv_slice key,
                                  struct writer *reply);

/* A blocked command. BLOCKED_FIRMLY: neither CLIENT UNBLOCK nor a change of role ends it. */
enum blocked_state { BLOCKED_NOT, BLOCKED_WAITING, BLOCKED_FIRMLY, BLOCKED_SERVED };

struct blocked {
    kv_waiter *waiter;
    const struct blocked_kind *kind; /* what is waited for if not keys */
    _Atomic int state;
    const struct command *command;
    bool names_key,
        as_array; /* the form of the reply: [key, element], [key, [elements]], element */
    blocked_attempt *attempt; /* struct blocked_wish */
    void *request;
    _Atomic int64_t deadline_ms;
    kv_status status;    /* once served */
    struct writer reply; /* once served: written by whoever brought the elements */
};

/*
 * One held-back stretch of output: from byte `from` (of all ever written) on it needs `position` to
 * be durable.
 */
struct hold {
    uint64_t from, position;
};
enum { HOLDS_MAX = 8 };

/*
 * Requests at the front of the input that a worker has framed already: from `first` on in its
 * requests, as long as its round is `round`. Void when input or its memory changes.
 */
struct framed {
    uint64_t round;
    uint32_t first, count;
};

struct queued_command {
    const struct command *command;
    size_t count;
    kv_slice *arguments; /* one allocation with their bytes */
};

struct transaction {
    struct queued_command *commands;
    size_t count, capacity;
    size_t bytes;
    unsigned flags;        /* of all queued commands together */
    bool may_replicate;    /* one of them adds to the history */
    bool needs_data;       /* one of them may not run while loading */
    bool needs_fresh_data; /* one of them may not run on a replica whose data may be old */
};

struct kvresp_session {
    kvresp *resp;
    uint32_t flags;
    uint32_t database;
    uint32_t pool_slot;
    struct input input;
    struct framed framed;
    struct writer reply;
    struct parser parser;
    kv_buffer scratch;     /* inline arguments with quotes */
    uint64_t errors;       /* replies that were errors */
    uint64_t charged;      /* how many of them count as the failure of some command already */
    uint64_t output_begin; /* bytes ever sent: where reply.start stands in all of the output */
    bool skip_next;        /* CLIENT REPLY SKIP was just executed */
    bool has_pushed;       /* the command just executed wrote no reply, but pushes */
    bool wrote;            /* a command that writes was executed in this run */
    bool is_failed;        /* memory ran out where a reply could not say so */
    bool has_wish;         /* REPLICAOF in the transaction under way, to be carried out after it */

    int64_t written_offset;    /* of the history, behind its last write or message */
    uint64_t written_position; /* of the append-only file */
    struct replica_wait replica_wait;
    struct replica *replica; /* NULL: never said anything that replicas say */

    struct hold holds[HOLDS_MAX];
    unsigned hold_count;
    struct aof_waiter aof_waiter;

    struct migration *migration; /* that it waits for */
    struct waiter waiter;        /* in SAVE and SHUTDOWN */

    struct transaction transaction;
    kv_watch *watch;  /* opened by the first WATCH */
    bool is_watching; /* it has keys */
    struct blocked blocked;
    struct pushes *pushes;       /* NULL until the first subscription */
    int64_t soft_limit_since_ms; /* output above its soft limit since then; 0: it is not */

    _Atomic unsigned orders;
    struct session_shown shown;
    uint64_t id;
    int64_t opened_ms;
    int descriptor;
    kv_slice address, local_address; /* copies, in one block with the session */
    void (*wake)(void *context);
    void *wake_context;

    kvresp_session *next, *previous; /* from here on under the lock of the client list */
    char *name, *library_name, *library_version; /* NULL: none */
};

/* Where the output stands, counted from the session's beginning. */
static inline uint64_t session_output_end(const kvresp_session *session)
{
    return session->output_begin + (session->reply.size - session->reply.start);
}

/* Decides anew whether the session has to authenticate. */
void session_judge(kvresp_session *session);

/* Calls the host's wake function, if there is one. */
void session_wake(kvresp_session *session);

/* Arranges for a wake, at once maybe, when the append-only file takes more. */
void session_await_room(kvresp_session *session);

/* Replies that do not count, as in Redis those in a client's own buffer do not. */
enum { SESSION_UNCOUNTED = 16 * 1024 };

/*
 * What waits to be read and counts: replies and messages. Replicas are looked after by their room.
 */
static inline uint64_t session_unread(const kvresp_session *session)
{
    uint64_t replies = session->reply.size - session->reply.start;
    replies = replies > SESSION_UNCOUNTED ? replies - SESSION_UNCOUNTED : 0;
    return replies + resp_setting(&session->shown.pushes_size);
}

/* The limits of client-output-buffer-limit that hold for the session. */
static inline struct output_limit *session_output_limit(const kvresp_session *session)
{
    bool is_subscribed = (session->flags & SESSION_SUBSCRIBED) != 0;
    return &session->resp->settings.output_limits[is_subscribed ? OUTPUT_PUBSUB : OUTPUT_NORMAL];
}

/* Makes what CLIENT LIST tells true. */
void session_show(kvresp_session *session);

/* What was added to the history until now is what a WAIT of this session waits for. */
void session_note_offset(kvresp_session *session);

/* Forgets the transaction's commands; the watch stays. */
void session_drop_queue(kvresp_session *session);
void session_unwatch(kvresp_session *session);

#endif
