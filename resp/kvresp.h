/*
 * kvresp.h -- Redis commands for a store: bytes in, calls of kvstore.h, bytes out. It opens no
 * socket.
 *
 *     kvresp *resp;  kvresp_session *session;  kvresp_worker *worker;
 *     kvresp_open(db, NULL, &resp);
 *     kvresp_worker_open(resp, &worker);
 *     kvresp_session_open(resp, NULL, &session);
 *     kvresp_exec(worker, session, 3, (kv_slice[]){KV_TEXT("SET"), KV_TEXT("k"), KV_TEXT("v")});
 *     kv_slice reply = kvresp_output(session);                          // "+OK\r\n"
 *     kvresp_output_consume(session, reply.size);
 *
 * Objects
 *   kvresp          what all clients of a store share: configuration, statistics, the client list,
 *                   the slow log.
 *   kvresp_worker   what one thread needs to run commands: a private view of the store, scratch
 *                   memory.
 *   kvresp_session  one client: its protocol version, database, transaction, input and output.
 *   kvresp_aof      the append-only file; works without the others, for hosts that want durability
 *                   alone.
 *
 * Threads   A worker and a session belong to one thread at a time (a session may be run by any
 *           worker of its kvresp). kvresp_* functions on `kvresp` and `kvresp_aof` may be called
 *           from any thread.
 * Memory, status, slices and options are as in kvstore.h: options begin with their size (KV_OPTIONS
 * sets it), those of an older and smaller struct are taken, and a size that is too small, or larger
 * than this library's, is KV_BADARG.
 */
#ifndef KVRESP_H
#define KVRESP_H

#include "kvstore.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifndef KVRESP_API
#if defined(__GNUC__)
#define KVRESP_API __attribute__((visibility("default")))
#else
#define KVRESP_API
#endif
#endif

typedef struct kvresp kvresp;
typedef struct kvresp_worker kvresp_worker;
typedef struct kvresp_session kvresp_session;
typedef struct kvresp_aof kvresp_aof;

/* ------------------------------------------------------------------------------- what is shared */

typedef enum kvresp_level {
    KVRESP_DEBUG,
    KVRESP_VERBOSE,
    KVRESP_NOTICE,
    KVRESP_WARNING
} kvresp_level;

/*
 * Receives log lines, from any thread. `message` is one line without a newline, lent for the call.
 */
typedef void kvresp_log(void *context, kvresp_level level, const char *message);

/*
 * What SHUTDOWN was given. When the host is asked, replicas were waited for, and what was to be saved
 * is saved: SAVE even without save points, NOSAVE not even with them. FORCE asks to end even if what
 * is not on disk is lost, as NOSAVE does; NOW not to wait for replicas. ABORT is answered without the
 * host.
 */
#define KVRESP_SHUTDOWN_SAVE   1u
#define KVRESP_SHUTDOWN_NOSAVE 2u
#define KVRESP_SHUTDOWN_NOW    4u
#define KVRESP_SHUTDOWN_FORCE  8u
#define KVRESP_SHUTDOWN_ABORT  16u

typedef struct kvresp_options {
    size_t size;
    kvresp_log *log; /* NULL: no log */
    void *log_context;
    /*
     * The SHUTDOWN command asks the host to end; NULL: the command answers with an error. Called
     * from a worker's thread, that of kvresp_cron() or the one that took the last snapshot; it may
     * only note the wish. Returning false makes the command answer with an error.
     */
    bool (*shutdown)(void *context, unsigned flags);
    void *shutdown_context;
    const char *config_file; /* absolute path for CONFIG REWRITE and INFO; NULL: none */
    const char *executable;  /* for INFO; NULL: unknown */
    /*
     * Background snapshots are taken by a thread, which is there only meanwhile. True: by
     * kvresp_cron(), within its budget, and there is none.
     */
    bool no_snapshot_thread;
} kvresp_options;

/*
 * Begins to execute commands for a store, which keeps what kv_configure() has made of it: parameters
 * that are settings of the store (notify-keyspace-events, proto-max-bulk-len, those about encodings)
 * start as they are there, CONFIG SET changes them there, and CONFIG GET asks.
 *
 * db        A view that lasts as long.
 * Returns   KV_OK, KV_NOMEM, KV_BADARG.
 */
KVRESP_API kv_status kvresp_open(kv *db, const kvresp_options *options, kvresp **resp);

/* All its sessions and workers must be closed. The store and the append-only file stay. */
KVRESP_API void kvresp_close(kvresp *resp);

/* The store's plain view of database 0 that was given to kvresp_open(). */
KVRESP_API kv *kvresp_store(kvresp *resp);

/*
 * Writes one log line through the host's callback (printf format; cut at 1 KiB, control characters
 * as spaces).
 */
KVRESP_API void kvresp_logf(kvresp *resp, kvresp_level level, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 3, 4)))
#endif
    ;

/* -------------------------------------------------------------------------------- configuration */

#define KVRESP_PARAMETER_IMMUTABLE 1u /* CONFIG SET answers that it cannot be changed at run time */
#define KVRESP_PARAMETER_SENSITIVE 2u /* left out of logs and the slow log */
#define KVRESP_PARAMETER_MULTIPLE  4u /* takes several words (save, bind) */
#define KVRESP_PARAMETER_HIDDEN    8u /* only found by its exact name */
#define KVRESP_PARAMETER_PROTECTED 16u /* CONFIG SET needs enable-protected-configs */
#define KVRESP_PARAMETER_OMITTED   32u /* CONFIG REWRITE leaves it out while it is empty */

/*
 * One CONFIG parameter of whatever room owns it. `read` appends the value's text: KV_OK, or
 * KV_NOMEM, which CONFIG passes on; half a text is never shown, kept or written to a file. `check`
 * (may be NULL) refuses a value by returning a message (Redis's words, static or written to
 * `message` of 256 bytes), else NULL; `apply` makes it true and may still refuse the same way (then
 * CONFIG SET restores all parameters of that call). All are called under the configuration's lock.
 */
typedef struct kvresp_parameter {
    const char *name;
    const char *alias; /* another name (slaveof forms), or NULL */
    unsigned flags;
    kv_status (*read)(void *context, kv_buffer *value);
    const char *(*check)(void *context, kv_slice value, char message[256]);
    const char *(*apply)(void *context, kv_slice value, char message[256]);
} kvresp_parameter;

/*
 * Adds parameters of another room; the table must live as long as `resp`. KV_BADARG if a name is
 * taken; KV_NOMEM. After an error none was added.
 */
KVRESP_API kv_status kvresp_config_add(kvresp *resp, const kvresp_parameter *table, size_t count,
                                       void *context);

/*
 * Sets a parameter as CONFIG SET would, or as a line of a configuration file would (`starting`:
 * immutable ones may be set too). Returns NULL or the error message in `message`: that of CONFIG
 * SET, without "ERR ", or just the reason at the start, as the host knows which line it was.
 */
KVRESP_API const char *kvresp_config_set(kvresp *resp, const char *name, kv_slice value,
                                         bool starting, char message[256]);

/*
 * Says that a parameter's value was asked for and is no default, as after kvresp_config_set(): then
 * CONFIG REWRITE writes it to the file. For options that a host was given, and gave to a room by
 * its own options. KV_OK or KV_NONE.
 */
KVRESP_API kv_status kvresp_config_keep(kvresp *resp, const char *name);

/* Copies a parameter's value to `value`. KV_OK, KV_NONE or KV_NOMEM. */
KVRESP_API kv_status kvresp_config_get(kvresp *resp, const char *name, kv_buffer *value);

/*
 * Adds lines to a section of INFO ("server", "clients", "stats", "persistence"...): `write` appends
 * "name:value\r\n" lines to `text`. It must live as long as `resp`.
 */
KVRESP_API kv_status kvresp_info_add(kvresp *resp, const char *section,
                                     void (*write)(void *context, kv_buffer *text), void *context);

typedef enum kvresp_metric_kind {
    KVRESP_GAUGE = 0,
    KVRESP_COUNTER = 1 /* only grows, but for CONFIG RESETSTAT */
} kvresp_metric_kind;

/* How a line of INFO is shown as a metric. */
typedef struct kvresp_metric {
    const char *field; /* the line's name */
    const char *name;  /* the metric's, without the prefix */
    kvresp_metric_kind kind;
    double scale;     /* what the number is multiplied by; 0: shown as it is */
    const char *word; /* not NULL: the metric is 1 if the line says this, else 0 */
    const char *help; /* a line of text */
} kvresp_metric;

/*
 * Adds lines of INFO to the metrics: of a room that added them by kvresp_info_add(), or of a host.
 * A line that is not there, or is no number, gives no metric. The table must live as long as `resp`
 * or until kvresp_forget() of its context. KV_OK; KV_NOMEM; KV_BADARG for a name that is taken or
 * that no metric may have, or help of several lines: then none was added.
 */
KVRESP_API kv_status kvresp_metrics_add(kvresp *resp, const kvresp_metric *table, size_t count,
                                        void *context);

typedef struct kvresp_metrics_options {
    size_t size;
    const char *prefix; /* before each name; NULL: "kvstore_". "redis_" for dashboards made for
                           redis_exporter, whose names these are where it has one */
    uint64_t samples;   /* keys looked at for memory by type (kv_usage_by_type); 0: 10000 */
} kvresp_metrics_options;

/*
 * Appends all metrics to `text`, in Prometheus's text format 0.0.4: what INFO tells as numbers,
 * calls, durations and a histogram for each command, errors by code, keys by database, keys and
 * memory by type, replicas. docs/metrics.md has the list. To be served by kvnet_metrics_start(), or
 * by a host's own HTTP server as "text/plain; version=0.0.4".
 *
 * Threads   Any, beside all else.
 * Returns   KV_OK; KV_NOMEM, or KV_BADARG for a prefix that no metric may have: `text` is as it was.
 * Cost      That of INFO and of kv_usage_by_type(): some milliseconds.
 */
KVRESP_API kv_status kvresp_metrics(kvresp *resp, const kvresp_metrics_options *options,
                                    kv_buffer *text);

/*
 * Takes out what kvresp_config_add(), kvresp_info_add() and kvresp_metrics_add() were given with this context, so that
 * its owner may end before `resp` does. When it returns, none of the callbacks is running or will
 * be called.
 */
KVRESP_API void kvresp_forget(kvresp *resp, void *context);

/* Counters that net/ feeds and INFO and CONFIG RESETSTAT use. Any thread. */
typedef enum kvresp_counter {
    KVRESP_COUNT_CONNECTIONS,          /* total_connections_received */
    KVRESP_COUNT_REJECTED_CONNECTIONS, /* rejected_connections */
    KVRESP_COUNT_INPUT_BYTES,          /* total_net_input_bytes */
    KVRESP_COUNT_OUTPUT_BYTES,         /* total_net_output_bytes */
    KVRESP_COUNT_QUERY_LIMIT,          /* client_query_buffer_limit_disconnections */
    KVRESP_COUNT_OUTPUT_LIMIT,         /* client_output_buffer_limit_disconnections */
    KVRESP_COUNT_READS,                /* total_reads_processed: system calls */
    KVRESP_COUNT_WRITES,               /* total_writes_processed */
    KVRESP_COUNTERS
} kvresp_counter;
KVRESP_API void kvresp_count(kvresp *resp, kvresp_counter counter, uint64_t n);

/* ---------------------------------------------------------------------------------- the RDB file */

/*
 * A store may be kept in an RDB file, `dbfilename` in the directory `dir`: saved by the commands SAVE
 * and BGSAVE, by kvresp_cron() when one of the save points that parameter `save` names has come, at
 * FLUSHALL if there are any, and by these calls. Another file takes the old one's place only when it
 * is whole and synced. A failure shows in the log and in INFO; the next save may succeed.
 */

/*
 * Saves the store and waits until that is done; what is under way already began too early, and is
 * begun anew. KV_OK; KV_IOERROR, KV_NOMEM or KV_CANCELLED with the reason in `message` (may be
 * NULL).
 */
KVRESP_API kv_status kvresp_save(kvresp *resp, char message[256]);

/*
 * To be called by a host that is about to end for a reason of its own. (SHUTDOWN does the same
 * before it asks the host.)
 *
 * A master waits until its online replicas have said that they have everything, `shutdown-timeout`
 * seconds at most, or not at all with KVRESP_SHUTDOWN_NOW: other threads must run their sessions
 * meanwhile. Then the store is saved if there are save points, or if `flags` have
 * KVRESP_SHUTDOWN_SAVE, and not with KVRESP_SHUTDOWN_NOSAVE. Where there is something to wait for or
 * to save, commands that write wait from the beginning, and are not executed any more when it has
 * succeeded: nothing is answered that is not in the file and with the replicas that the log does not
 * name.
 *
 * A call joins the shutdown that is under way, if there is one, with the flags of that.
 *
 * Returns KV_OK: the host may end. After an error, which `message` (may be NULL) tells, all goes on
 * as before; KVRESP_SHUTDOWN_FORCE makes it KV_OK. KV_CANCELLED: by SHUTDOWN ABORT.
 */
KVRESP_API kv_status kvresp_shutdown(kvresp *resp, unsigned flags, char message[256]);

typedef struct kvresp_load_options {
    size_t size;
    /* Told now and then: bytes read so far and in all. May be NULL. */
    void (*progress)(void *context, uint64_t loaded, uint64_t total);
    void *progress_context;
    uint32_t delay_us; /* a rest for each key loaded, to test what comes meanwhile */
} kvresp_load_options;

/*
 * Fills an empty store from its RDB file, in whatever version Redis or Valkey wrote it, by all
 * processors; see kvresp_loading_begin() on what clients are told meanwhile. A file that is damaged
 * is left as it is, and so is the store. NULL options: none.
 *
 * Returns KV_OK; KV_NONE if there is no such file; KV_BADARG with a message (256 bytes; may be NULL:
 * the path, at which byte, what was expected there) if it is damaged or cannot be read, or the store
 * has keys; KV_NOMEM.
 */
KVRESP_API kv_status kvresp_load(kvresp *resp, const kvresp_load_options *options,
                                 char message[256]);

/* -------------------------------------------------------------------------------------- loading */

/*
 * Lets a host serve clients while it still fills the store, as by kvresp_aof_open() or
 * kvresp_load(). From begin to
 * end, commands that need the data are answered "-LOADING Redis is loading the dataset in memory",
 * others (INFO, CONFIG, AUTH, SHUTDOWN...) run, and section persistence of INFO tells how far it
 * is. To be begun before there are sessions that could be in the middle of a command. The thread
 * that fills the store tells the progress, in bytes.
 */
KVRESP_API void kvresp_loading_begin(kvresp *resp);
KVRESP_API void kvresp_loading_progress(kvresp *resp, uint64_t loaded, uint64_t total);
KVRESP_API void kvresp_loading_end(kvresp *resp);

/* ------------------------------------------------------------------------ background snapshots */

/*
 * A snapshot of the store, taken in the background while clients write: by BGSAVE, by a rewrite of
 * the append-only file, for replicas, or for the host. A store has one at a time, so they stand in
 * line. A job is its owner's; it may be submitted again once it is done.
 *
 * One thread at a time, kvresp's own or the one in kvresp_cron(), calls for each job, in this order:
 *
 *   begin    when its turn has come. It may fill in what is known only now (`options`, its aux). Any
 *            status but KV_OK ends the job. May be NULL. Under a maxmemory-policy by disuse (...-lru)
 *            the snapshot tells of it whatever `options.tells_idle` says.
 *   is_ready whether to go on now; if not, it is asked again in some milliseconds. So one whose bytes
 *            have nowhere to go keeps more from being made, where `write` may be called by a thread
 *            that must not be kept. It only looks. May be NULL.
 *   options.at_instant   at the snapshot's point in time (kv_snapshot_begin()).
 *   write    takes the RDB's bytes, in order. It may take its time: writers are not held up by it,
 *            only memory for what they change (KV_SETTING_SNAPSHOT_MEMORY); where that is used up,
 *            the thread of a writer may be the one that calls it. Any status but KV_OK ends the job.
 *   done     once for each submit that returned KV_OK, whatever came of it: KV_OK if all was
 *            written, KV_CANCELLED, or the status of what failed. No lock is held and the job is
 *            its owner's again: it may be submitted or freed. May be NULL.
 */
typedef struct kvresp_snapshot_job {
    size_t size;      /* KV_OPTIONS(kvresp_snapshot_job) */
    const char *name; /* of the kind of job, a constant: "rdb" */
    kv_snapshot_options options;
    kv_status (*begin)(void *context, kv_snapshot_options *options);
    bool (*is_ready)(void *context);
    kv_writer *write;
    void (*done)(void *context, kv_status status);
    void *context;                 /* of these four */
    kv_snapshot_progress progress; /* for done(): how far it was */

    struct kvresp_snapshot_job *next; /* kvresp's; zero at first */
    int state;
} kvresp_snapshot_job;

/*
 * Puts a job in line. Returns KV_OK; KV_BUSY if it is there already; KV_NOMEM if no thread can be
 * begun; KV_CANCELLED from within kvresp_close(); KV_BADARG without a name or `write`.
 */
KVRESP_API kv_status kvresp_snapshot_submit(kvresp *resp, kvresp_snapshot_job *job);

/*
 * Asks for a job's end; done() tells when it has come, which may be before this returns. KV_OK, or
 * KV_NONE if it is not in line.
 */
KVRESP_API kv_status kvresp_snapshot_cancel(kvresp *resp, kvresp_snapshot_job *job);

/*
 * Returns when a job is not in line and its done() is not running. Not to be called by any of its
 * functions, nor by a thread that they wait for.
 */
KVRESP_API void kvresp_snapshot_await(kvresp *resp, kvresp_snapshot_job *job);

/* ------------------------------------------------------------------------- following a master */

/*
 * A store can be the replica of a Redis or Valkey server, or of another kvstore. Which one to
 * follow is decided here, by REPLICAOF or kvresp_replicaof(), and the protocol is spoken here; the
 * host, who has the sockets, connects:
 *
 *     for (;;) {
 *         if (kvresp_wanted_master(resp, &master) != KV_OK) ... wait for `changed` ...
 *         else if (... connects to master.host, master.port ...)
 *             kvresp_follow(resp, &master, &transport);        // as long as the link lasts
 *         ... and again, after a pause that grows ...
 *     }
 *
 * net/ does this for a server, and for stores without one (kvnet_follow()).
 */
enum { KVRESP_HOST_SIZE = 256 };

typedef struct kvresp_master {
    size_t size;
    char host[KVRESP_HOST_SIZE];
    int port;
    uint64_t generation; /* of the wish */
} kvresp_master;

/*
 * Who connects. `changed` is called when kvresp_wanted_master() may give another answer, and when
 * the link should be looked at: a read() under way is to return KV_CANCELLED. From any thread,
 * under locks; it may only note it. Without a connector, REPLICAOF is answered with an error.
 */
typedef struct kvresp_connector {
    size_t size;
    void (*changed)(void *context);
    void *context;
} kvresp_connector;

/* KV_OK; KV_BUSY if there is one already. It is copied. */
KVRESP_API kv_status kvresp_connector_attach(kvresp *resp, const kvresp_connector *connector);
/* When it returns, `changed` is not running and will not be called. */
KVRESP_API void kvresp_connector_detach(kvresp *resp);

/*
 * As REPLICAOF host port does, or with NULL as REPLICAOF NO ONE: from now on the store is a
 * replica, or is a master again with the data it has. KV_OK; KV_BADARG for a host that is empty or
 * too long or a port outside 0 to 65535. Not in a transaction.
 */
KVRESP_API kv_status kvresp_replicaof(kvresp *resp, const char *host, int port);

/* The master to follow; KV_NONE if the store is to be none's replica, or is being loaded. */
KVRESP_API kv_status kvresp_wanted_master(kvresp *resp, kvresp_master *master);

/*
 * A connection to a master. read() waits up to wait_ms for bytes: KV_OK with *size above 0;
 * KV_TIMEOUT; KV_NONE if the master closed; KV_CANCELLED once after `changed`; anything else is an
 * error. write() takes all of the bytes, in the order of the calls: KV_OK, or an error; of some
 * hundred bytes at a time, so that it may give up after a moment. Both are called by the thread that
 * is in kvresp_follow(), or by one it waits for.
 */
typedef struct kvresp_transport {
    size_t size;
    kv_status (*read)(void *context, void *bytes, size_t room, int64_t wait_ms, size_t *size);
    kv_status (*write)(void *context, kv_slice bytes);
    void *context;
    const char *address, *local_address; /* for CLIENT LIST, as kvresp_session_options has them */
    int descriptor;
    bool is_unix;
    int listening_port; /* where clients reach this store, told to the master; 0: nowhere */
} kvresp_transport;

/*
 * Speaks with the master at the other end for as long as the link lasts: logs in (masteruser,
 * masterauth), goes on where the store stands or takes over all data, and then applies each change.
 * A full sync exchanges the data at one instant, when all of it has come and is sound; until then
 * clients see the old. Whatever a master sends that is not what it should be ends the link, with the
 * reason in the log, and leaves the data as they are.
 *
 * Returns   KV_CANCELLED if this master is no longer wanted: ask at once for the next. Anything
 *           else: the link is lost; connect again after a while.
 * Threads   One at a time for each kvresp. Changes are applied in this thread; while a full sync
 *           comes in, another helps it to build the values.
 */
KVRESP_API kv_status kvresp_follow(kvresp *resp, const kvresp_master *master,
                                   const kvresp_transport *transport);

/* Says where the host is before kvresp_follow(), for INFO and ROLE: it connects, or why it cannot. */
KVRESP_API void kvresp_follow_begins(kvresp *resp, const kvresp_master *master);
KVRESP_API void kvresp_follow_failed(kvresp *resp, const kvresp_master *master, const char *reason);

/* How a replica stands. */
typedef struct kvresp_following {
    size_t size;
    bool is_replica;
    bool is_connected;        /* the link is up, and what comes is applied */
    bool is_syncing;          /* a full sync is under way */
    int64_t silent_ms;        /* since the master was heard last; -1: never */
    int64_t offset;           /* of the history, up to which changes are applied */
    int64_t received;         /* and up to which they have come */
    uint64_t full_syncs, partial_syncs; /* that succeeded */
    char master_id[41];       /* of the history */
    char error[256];          /* why there is no link; "" if there is one */
} kvresp_following;
KVRESP_API kv_status kvresp_following_look(kvresp *resp, kvresp_following *following);

/* ------------------------------------------------------------- connections that commands make */

/*
 * How MIGRATE reaches other servers. The functions are called by threads of kvresp's own (and in a
 * transaction, or from kvresp_exec(), by the caller), several at a time; each connection is used by
 * one. Waits are given in milliseconds; a connection is silent for at most about 100 of them before
 * kvresp looks whether it still has a use for it.
 *
 *   connect  to a host (a name or an address) and port within timeout_ms, or as long as goes_on()
 *            says so. KV_OK and *connection; KV_BADARG: there is no such host; KV_TIMEOUT;
 *            KV_CANCELLED; KV_IOERROR, KV_NOMEM.
 *   write    some of the bytes, *size of them: KV_OK; KV_TIMEOUT; KV_IOERROR.
 *   read     some bytes, 1 to `room`: KV_OK; KV_TIMEOUT; KV_IOERROR, also when the other side closed.
 *   close    frees the connection.
 */
typedef struct kvresp_dialer {
    size_t size;
    kv_status (*connect)(void *context, const char *host, int port, int64_t timeout_ms,
                         bool (*goes_on)(void *goes_on_context), void *goes_on_context,
                         void **connection);
    kv_status (*write)(void *connection, kv_slice bytes, int64_t timeout_ms, size_t *size);
    kv_status (*read)(void *connection, void *bytes, size_t room, int64_t timeout_ms, size_t *size);
    void (*close)(void *connection);
    void *context; /* of connect */
} kvresp_dialer;

/*
 * Gives commands the host's way to connect; copied. Without one MIGRATE answers that it cannot
 * connect. net/ gives its own when a server starts. KV_OK; KV_SKIPPED if one was given before, which
 * stays; KV_BADARG.
 */
KVRESP_API kv_status kvresp_dial_by(kvresp *resp, const kvresp_dialer *dialer);

/* -------------------------------------------------------------------------------------- workers */

KVRESP_API kv_status kvresp_worker_open(kvresp *resp, kvresp_worker **worker);
KVRESP_API void kvresp_worker_close(kvresp_worker *worker);

/*
 * Begins a turn of the thread's loop: reads the clock once for all commands run until the next
 * turn. kvresp_exec() does it by itself.
 */
KVRESP_API void kvresp_worker_turn(kvresp_worker *worker);

/*
 * Ends it, before the loop waits: INFO tells how many turns there were and how long they took. To
 * be left out by a host that has no use for that.
 */
KVRESP_API void kvresp_worker_rest(kvresp_worker *worker);

/*
 * The periodic work that is nobody's: kv_tick() within `budget_us`, statistics per second, the end
 * of CLIENT PAUSE, snapshots that are due (and, with no_snapshot_thread, as long again for the one
 * under way). To be called by one thread about ten times a second and whenever
 * kv_next_deadline() has passed.
 */
KVRESP_API void kvresp_cron(kvresp *resp, int64_t budget_us);

/* ------------------------------------------------------------------------------------- sessions */

typedef struct kvresp_session_options {
    size_t size;
    const char *address; /* "127.0.0.1:50312", "/path.sock:0", for CLIENT LIST; copied; NULL:
                                  "" */
    const char *local_address;
    int descriptor;  /* for CLIENT LIST fd=; 0 or -1: none */
    bool is_unix;    /* flag U of CLIENT LIST */
    bool is_trusted; /* needs no AUTH (in-process use, append-only file) */
    /*
     * Called from any thread when the session should be run again: a blocked command was served or
     * ended, it was killed, a pause ended, a write became durable, a message was published to it.
     * It must be short: note it and wake the loop. After kvresp_session_close() it is not called. NULL for hosts that only use
     * kvresp_exec().
     */
    void (*wake)(void *context);
    void *wake_context;
} kvresp_session_options;

KVRESP_API kv_status kvresp_session_open(kvresp *resp, const kvresp_session_options *options,
                                         kvresp_session **session);

/* Ends a blocked command, drops the transaction and watches, leaves the client list. */
KVRESP_API void kvresp_session_close(kvresp_session *session);

KVRESP_API uint64_t kvresp_session_id(const kvresp_session *session);

/*
 * Input without a copy: asks for room to read into (at least 1 byte; as much as is useful for the
 * command under way), then says how many bytes came.
 * Returns KV_OK; KV_NOMEM; KV_TOOBIG if the query buffer would pass client-query-buffer-limit
 * (close it).
 */
KVRESP_API kv_status kvresp_input_space(kvresp_session *session, void **space, size_t *size);
KVRESP_API void kvresp_input_add(kvresp_session *session, size_t size);

typedef enum kvresp_state {
    KVRESP_IDLE,        /* all complete requests are answered; wants input */
    KVRESP_BLOCKED,     /* in a blocking command: read on only to notice disconnects; run again on
                            wake or deadline */
    KVRESP_PAUSED,      /* CLIENT PAUSE or append-only back-pressure: keep what is there, run again
                            on wake */
    KVRESP_OUTPUT_FULL, /* much output is waiting: write it, then run again */
    KVRESP_YIELD,       /* more requests are waiting but the turn's share is used: run again next
                            turn */
    KVRESP_CLOSE,       /* write the output (as far as it is ready), then close */
    KVRESP_CLOSE_NOW    /* close without writing (killed, output limit) */
} kvresp_state;

/*
 * For a loop that reads from many clients before it runs the first: parses ahead what `sessions`
 * have received, which kvresp_run() then does not parse again, and brings in what those requests
 * will need, the cache misses of all of them overlapping. A hint: no reply, no effect on a key.
 *
 * Returns how many of the sessions, from the first on, it has looked at; at least one, unless
 * `count` is 0. Some tens of requests are as much as the cache keeps: run those sessions, with the
 * same worker, then call it for the others.
 */
KVRESP_API size_t kvresp_prefetch(kvresp_worker *worker, kvresp_session *const *sessions,
                                  size_t count);

/*
 * Parses and executes what the input holds: looks ahead over pipelined requests, prefetches their
 * keys, executes them in order and appends the replies to the output.
 */
KVRESP_API kvresp_state kvresp_run(kvresp_worker *worker, kvresp_session *session);

/*
 * The replies that may be sent now (with appendfsync always, only those whose writes are durable),
 * or what a replica is to be sent, and how many bytes of them were sent. The slice stays valid until the next call on the session.
 * kvresp_output_pending() also counts those held back, and what a replica has still to be sent.
 */
KVRESP_API kv_slice kvresp_output(kvresp_session *session);
KVRESP_API void kvresp_output_consume(kvresp_session *session, size_t size);
KVRESP_API size_t kvresp_output_pending(const kvresp_session *session);

/*
 * The instant (kv_now() time) at which the session must be run even if nobody wakes it (the timeout
 * of a blocked command, an idle timeout, a soft output limit); KV_NEVER if none.
 */
KVRESP_API int64_t kvresp_deadline(const kvresp_session *session);

/*
 * True if the system may gather small pieces of output before it sends them: to a replica, with
 * repl-disable-tcp-nodelay.
 */
KVRESP_API bool kvresp_session_may_delay(const kvresp_session *session);

/*
 * True if the connection may be closed for idleness (parameter `timeout`): not blocked, not
 * subscribed, no replica.
 */
KVRESP_API bool kvresp_session_is_idle(const kvresp_session *session);

/*
 * Executes one command in-process; the reply goes to the session's output. Blocking commands do not
 * wait: they answer as in a transaction. Returns KV_OK (also when the reply is an error),
 * KV_BADARG, KV_NOMEM.
 */
KVRESP_API kv_status kvresp_exec(kvresp_worker *worker, kvresp_session *session,
                                 size_t argument_count, const kv_slice *arguments);

/* ----------------------------------------------------------------------------- replies as trees */

typedef enum kvresp_kind {
    KVRESP_SIMPLE,  /* +OK */
    KVRESP_ERROR,   /* -ERR ... */
    KVRESP_INTEGER, /* :1 */
    KVRESP_BULK,    /* $3 */
    KVRESP_NULL,    /* $-1, *-1, _ */
    KVRESP_ARRAY,
    KVRESP_MAP, /* `count` counts keys and values */
    KVRESP_SET,
    KVRESP_PUSH,
    KVRESP_ATTRIBUTE, /* as KVRESP_MAP; never a reply by itself */
    KVRESP_DOUBLE,
    KVRESP_BOOLEAN,
    KVRESP_BIG_NUMBER,
    KVRESP_VERBATIM, /* text without its "txt:" prefix */
    KVRESP_BULK_ERROR
} kvresp_kind;

typedef struct kvresp_reply {
    kvresp_kind kind;
    kv_slice text;   /* SIMPLE, ERROR, BULK, VERBATIM...: into the bytes that were parsed */
    int64_t integer; /* INTEGER, BOOLEAN */
    double number;   /* DOUBLE */
    size_t count;    /* elements of an aggregate */
    struct kvresp_reply *elements;
    struct kvresp_reply *attributes; /* what was said about this reply before it; NULL: nothing */
} kvresp_reply;

/*
 * Parses one reply from `bytes` into a tree (its texts point into `bytes`). KV_OK and *used;
 * KV_MORE if it is not complete; KV_BADARG if it is no RESP; KV_NOMEM. Freed by
 * kvresp_reply_free().
 */
KVRESP_API kv_status kvresp_reply_parse(kv_slice bytes, kvresp_reply **reply, size_t *used);
KVRESP_API void kvresp_reply_free(kvresp_reply *reply);

/* ------------------------------------------------------------------------- the append-only file */

typedef enum kvresp_fsync {
    KVRESP_FSYNC_EVERYSEC = 0,
    KVRESP_FSYNC_ALWAYS = 1,
    KVRESP_FSYNC_NO = 2
} kvresp_fsync;

typedef struct kvresp_aof_options {
    size_t size;
    const char *directory;      /* the data directory; NULL: "." */
    const char *directory_name; /* below it; NULL: "appendonlydir" */
    const char *file_name;      /* prefix of the files; NULL: "appendonly.aof" */
    kvresp_fsync fsync;
    bool refuse_truncated; /* a torn tail refuses to load instead of being cut
                                   (aof-load-truncated no) */
    kvresp_log *log;
    void *log_context;
    /* Told now and then while loading: bytes read so far and in all. May be NULL. */
    void (*progress)(void *context, uint64_t loaded, uint64_t total);
    void *progress_context;
    uint64_t progress_bytes; /* about as often as so many are read; 0: 2 MiB */
    uint32_t load_delay_us;  /* a rest for each command loaded, to test what comes meanwhile */
    unsigned load_threads;   /* that help to load a base file: kv_load_options */
    bool must_exist;         /* where there is no file yet: KV_BADARG, and none is created */
    /*
     * Begin without a log: nothing is loaded or made, the store may have keys. Then it is for
     * kvresp_aof_load() to go on where the files end, or for kvresp_aof_start() to begin anew.
     */
    bool off;
    /*
     * The files are rewritten when they have grown by so many percent since the last time and are
     * larger than min_size. 0: 100 percent, 64 MiB. A negative percentage: only when asked to.
     */
    int64_t rewrite_percentage;
    uint64_t rewrite_min_size;
    bool commands_base; /* a rewrite writes commands instead of an RDB (aof-use-rdb-preamble no) */
    bool timestamps;    /* annotate changes with the second in which they came */
    /*
     * Load what had come by the end of this second (Unix time), as far as the annotations tell, and
     * no more. The files are only read: nothing is cut off, and as nothing may be appended after
     * what was not loaded the store refuses writes, until kvresp_aof_start() makes what was loaded
     * the new beginning, in place of all the files. 0: load everything.
     */
    int64_t load_until_s;
} kvresp_aof_options;

/*
 * Opens the append-only file of an empty store: loads what is there (manifest, base file,
 * incremental files), then follows the store's journal and writes every change, by one log thread
 * with group commit. The files are those of Redis 7, which reads and writes them too; the single
 * file of earlier versions is taken over.
 *
 * Loading   A tail that a crash left incomplete is cut off the last file, with a warning. No other
 *           call may change the store meanwhile, nor read what is half there (see
 *           kvresp_loading_begin()); its keys do not expire (KV_SETTING_EXPIRE).
 * Errors    While the disk refuses to take the changes the store refuses new ones
 *           (KV_SETTING_ACCEPT_WRITES is 0, calls that write return KV_READONLY); what was done
 *           before is kept in memory and written once there is room again.
 * Memory    About 128 MiB at most wait for the disk; then calls that write wait for it too, holding
 *           their keys' locks.
 * Returns   KV_OK; KV_BADARG with a message in `message` (256 bytes; may be NULL) if the store has
 *           keys, if another store uses the directory, or if the files are damaged, not readable or
 *           not writable (file, offset, what was expected); KV_NOMEM. After an error the store may
 *           hold part of the data: close it.
 */
KVRESP_API kv_status kvresp_aof_open(kv *db, const kvresp_aof_options *options, kvresp_aof **aof,
                                     char message[256]);

/*
 * What kvresp_aof_open() does when it is not told `off`, for who attaches the file to the commands
 * first, so that clients are answered while it loads. Returns as that; KV_BADARG also if it was
 * loaded or started already.
 */
KVRESP_API kv_status kvresp_aof_load(kvresp_aof *aof, char message[256]);

/*
 * Writes and syncs what is left, ends the thread. Before the store is closed, and after
 * kvresp_close() of what it was attached to. KV_OK, or KV_BADARG if something could not be written.
 */
KVRESP_API kv_status kvresp_aof_close(kvresp_aof *aof);

/*
 * Where the journal stands, for kvresp_aof_wait(): all changes made by calls that returned before
 * are below it.
 */
KVRESP_API uint64_t kvresp_aof_position(kvresp_aof *aof);

/*
 * Waits until everything below `position` is synced to disk, or timeout_ms passed (0: for ever).
 * Asks for a sync at once under everysec and no. KV_OK, KV_TIMEOUT; KV_READONLY if the disk
 * refuses; KV_NONE if there is no log (any more); KV_BADARG for a position that is not reached yet.
 */
KVRESP_API kv_status kvresp_aof_wait(kvresp_aof *aof, uint64_t position, int64_t timeout_ms);

/*
 * Asks for a rewrite: a snapshot of the store is written to a new base file, in the background and
 * while calls go on, and takes the place of all earlier files, which are removed. What changes
 * meanwhile goes to a new incremental file, so at any moment the files that the manifest names are
 * the whole state, whatever fails. Where there is no log it only makes the base.
 *
 * Returns   KV_OK: it is under way (is_rewriting), or will be when the snapshot that is under way
 *           has ended, of kvresp_attach_aof()'s kvresp (is_rewrite_scheduled). KV_BUSY if one is
 *           under way, or the file is being loaded; KV_READONLY after a load up to load_until_s, or
 *           while the disk refuses what the log has for it; KV_BADARG if the directory cannot be
 *           used (the log tells why); KV_NOMEM. What came of it is in kvresp_aof_stat().
 * Memory    As kv_snapshot_begin(). A thread of its own does the work, unless the kvresp has none.
 */
KVRESP_API kv_status kvresp_aof_rewrite(kvresp_aof *aof);

/*
 * Begins the log of a store that has none, as CONFIG SET appendonly yes does: with a rewrite, that
 * is attempted until it succeeds. Until then is_starting is true, nothing is promised of what is
 * written, and the files are the earlier ones, if there are any. KV_OK, also if there is a log;
 * KV_BADARG with a message if the directory cannot be used; KV_BUSY while it is loaded; KV_NOMEM.
 */
KVRESP_API kv_status kvresp_aof_start(kvresp_aof *aof, char message[256]);

/*
 * Ends the log: what is appended is written and synced, soon, and nothing that comes later. The
 * files stay. Who must know that a change is safe calls kvresp_aof_wait() first.
 */
KVRESP_API void kvresp_aof_stop(kvresp_aof *aof);

/*
 * The store was replaced in a way that its journal does not tell: ends the log, if there is one, and
 * starts it anew. May be called at the instant of a kv_load(): then the old files end with what was
 * there before.
 */
KVRESP_API void kvresp_aof_restart(kvresp_aof *aof);

typedef struct kvresp_aof_status {
    size_t size;
    uint64_t appended, written, synced; /* positions */
    uint64_t base_size, current_size;   /* bytes of all files after the last rewrite (at first: of
                                           the base file), and now */
    uint64_t delayed_fsyncs;
    uint64_t loaded_commands; /* at open */
    int64_t load_ms;
    int error; /* errno of the last failed write or sync; 0: well */
    kvresp_fsync fsync;
    bool is_on;       /* what is synced will be loaded */
    bool is_starting; /* there is to be a log, and its first base is not complete */
    bool is_rewriting, is_rewrite_scheduled; /* scheduled: waits for another to end */
    bool has_rewrite_failed;   /* the last one; why is in the log */
    uint64_t rewrites;         /* begun */
    uint64_t rewrite_failures; /* one after another */
    int64_t last_rewrite_s;    /* how long the last one took; -1: there was none */
    int64_t this_rewrite_s;    /* how long the present one has; -1: there is none */
    bool is_elsewhere;         /* not in the directory that was set last */
} kvresp_aof_status;

KVRESP_API void kvresp_aof_stat(kvresp_aof *aof, kvresp_aof_status *status);

/*
 * Sets the data directory of a log that kvresp_aof_start() begins from now on, as CONFIG SET dir
 * does; and of a base where there is no log. A log that there is stays where it is until it is
 * stopped and started, so that who knows only the old directory finds it: a restart, say. The path
 * is not looked at before it is needed. KV_OK, KV_NOMEM.
 */
KVRESP_API kv_status kvresp_aof_set_directory(kvresp_aof *aof, const char *directory);
KVRESP_API void kvresp_aof_set_fsync(kvresp_aof *aof, kvresp_fsync fsync);

/* As the options of these names. */
KVRESP_API void kvresp_aof_set_growth(kvresp_aof *aof, int64_t percentage, uint64_t min_size);
KVRESP_API void kvresp_aof_set_timestamps(kvresp_aof *aof, bool timestamps);

/*
 * Ties the file to the commands: parameters (appendfsync...), INFO persistence, refusing writes
 * while the disk does, holding back replies under `always`. To be called before sessions are
 * opened, or before kvresp_loading_end(); aof must outlive resp.
 */
KVRESP_API kv_status kvresp_attach_aof(kvresp *resp, kvresp_aof *aof);

/* ----------------------------------------------------------------------------- checking files */

/* What one file has in it. */
typedef struct kvresp_checked {
    const char *path;     /* lent */
    char kind;            /* in a set: 'b' the base, 'i' an increment; else 0 */
    uint64_t bytes;       /* of the file */
    uint64_t sound_bytes; /* up to the end of the last RDB, command or transaction that is whole */
    unsigned rdb_version; /* 0: it is not, and does not begin with, an RDB */
    uint64_t rdb_bytes, rdb_keys; /* of a damaged one: 0, and the keys before the damage */
    uint64_t commands;
    bool is_rdb;     /* by its name it is an RDB, and nothing else */
    bool is_refused; /* what is at sound_bytes is a whole command, that this store cannot execute */
} kvresp_checked;

/* `context` is handed to all of the functions, any of which may be NULL. */
typedef struct kvresp_check_options {
    size_t size;
    unsigned load_threads; /* kv_load_options */
    void (*file)(void *context, const kvresp_checked *file); /* after each, the damaged one, too */
    void (*aux)(void *context, kv_slice name, kv_slice value); /* the fields of an RDB */
    void (*progress)(void *context, uint64_t bytes);
    /*
     * The last file is not sound, as `message` says, from sound_bytes on, which is above 0 but where
     * an increment ends within its first record. True: the rest is cut off, and the file is sound then. Without it no file is ever changed, and never
     * one that is_refused, as another program may know the command.
     */
    bool (*cut)(void *context, const kvresp_checked *file, const char *message);
    kvresp_log *log;
    void *context;
} kvresp_check_options;

/*
 * Loads an RDB file, an append-only file, or, by its manifest, whose name ends in ".manifest", the
 * set of files of one into a store without keys, to see whether they are sound and what is in them.
 * A file whose name ends in ".rdb" must be an RDB, and not an empty file; bytes behind the end of one
 * are passed over with a warning, as they are when a store is loaded from it.
 * What has expired is loaded, too; the store's keys do not expire (KV_SETTING_EXPIRE).
 *
 * A set that a server has open may end within a command at any moment.
 *
 * Returns   KV_OK: all of it is sound. KV_CORRUPT, with path, offset and what was expected in
 *           `message` (256 bytes; may be NULL): the store has what came before, of a damaged RDB
 *           nothing. KV_BADARG: a file cannot be read, as `message` says. KV_NOMEM.
 */
KVRESP_API kv_status kvresp_check(kv *db, const char *path, const kvresp_check_options *options,
                                  char message[256]);

#ifdef __cplusplus
}
#endif

#endif /* KVRESP_H */
