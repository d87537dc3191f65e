/*
 * resp/shared.h -- struct kvresp: what all clients of a store share.
 *
 * Locks, in the order in which one thread may take them:
 *
 *     configuration  >  shards of the store  >  saving  >  client list  >  slow log, latency monitor, statistics
 *                                               saving  >  snapshots
 *     shutdown  >  replication, replicas, saving
 *
 * The configuration comes first, since applying a parameter may call the store; EXEC takes it
 * before it begins when a command that needs it is queued: CONFIG, INFO, or AUTH and HELLO, which
 * look at the password. The others are held briefly and nothing is called under them but the host's
 * functions to wake, to log and to shut down.
 */
#ifndef KV_RESP_SHARED_H
#define KV_RESP_SHARED_H

#include "kvresp.h"
#include "resp/command.h"
#include "resp/failover.h"
#include "resp/following.h"
#include "resp/latency.h"
#include "resp/migration.h"
#include "resp/pool.h"
#include "resp/replicas.h"
#include "resp/replication.h"
#include "resp/saving.h"
#include "resp/shutdown.h"
#include "resp/slowlog.h"
#include "resp/snapshots.h"
#include "resp/statistics.h"

#include <pthread.h>
#include <stdatomic.h>

struct aof_link;

/* The compatibility level, which clients look at to decide what they may ask for. */
#define RESP_REDIS_VERSION "7.2.4"

/* -------------------------------------------------------------------------------- configuration */

struct config_entry {
    const kvresp_parameter *parameter;
    void *context;
    bool is_stand_in; /* keeps the name until a room adds the parameter that is meant */
    bool was_set;     /* by a CONFIG SET or by the host, so that CONFIG REWRITE must keep it */
    const kvresp_parameter
        *under; /* the stand-in that this entry displaced, and its context; NULL: none */
    void *under_context;
};

struct config {
    pthread_mutex_t lock;         /* recursive: EXEC may hold it around a CONFIG */
    struct config_entry *entries; /* sorted by name */
    size_t count, capacity;
    const struct aof_io *io; /* where the configuration file is */
};

/* The classes of client-output-buffer-limit. */
enum { OUTPUT_NORMAL, OUTPUT_REPLICA, OUTPUT_PUBSUB, OUTPUT_CLASSES };

struct output_limit {
    _Atomic uint64_t hard, soft;
    _Atomic int64_t soft_seconds;
};

/* Who may do what is dangerous: DEBUG, and changing protected parameters. */
enum access { ACCESS_NO, ACCESS_LOCAL, ACCESS_YES };

enum { PERCENTILES_MAX = 16 };

struct config_value; /* config_table.c: a parameter of this room */

/*
 * This room's parameters in the form in which they are used; read at any time, written by CONFIG
 * SET.
 */
struct settings {
    _Atomic uint64_t query_buffer_limit; /* client-query-buffer-limit */
    struct output_limit output_limits[OUTPUT_CLASSES];
    _Atomic int64_t slowlog_threshold_us; /* slowlog-log-slower-than; below 0: no log */
    _Atomic uint64_t slowlog_length_max;  /* slowlog-max-len */
    _Atomic int64_t latency_threshold_ms; /* latency-monitor-threshold; 0: no monitor */
    _Atomic uint64_t notable_ns;          /* the shorter of these two: what is looked at closer */
    _Atomic bool tracks_latency;          /* latency-tracking */
    _Atomic int debug_command;            /* enable-debug-command: enum access */
    _Atomic int protected_configs;        /* enable-protected-configs: the same */
    _Atomic bool has_password;            /* requirepass is not empty */
    _Atomic bool deletes_later;           /* lazyfree-lazy-user-del */
    _Atomic bool flushes_later;           /* lazyfree-lazy-user-flush */
    _Atomic bool replica_read_only;       /* replica-read-only */
    _Atomic bool serves_stale_data;       /* replica-serve-stale-data */
    _Atomic(const char *) memory_policy;  /* maxmemory-policy */
    _Atomic bool tells_idle;              /* it is one by disuse, of which snapshots tell then */

    /* Under the configuration's lock. */
    char *password;
    double percentiles[PERCENTILES_MAX]; /* latency-tracking-info-percentiles */
    size_t percentile_count;
    struct config_value *values;
};

/* ------------------------------------------------------------------------------------- the rest */

/*
 * Conditions under which a command may not simply be executed. Session flags use the bits from 16
 * on.
 */
enum gate {
    GATE_PAUSE_WRITES = 1 << 0, /* CLIENT PAUSE ... WRITE */
    GATE_PAUSE_ALL = 1 << 1,
    GATE_PAUSES = GATE_PAUSE_WRITES | GATE_PAUSE_ALL,
    GATE_REFUSE_WRITES = 1 << 2, /* the append-only file cannot be written */
    GATE_AWAIT_ROOM = 1 << 3,    /* too much waits to be written to it */
    GATE_LOADING = 1 << 4,       /* the host is filling the store */
    GATE_NOT_SAVED = 1 << 5,     /* the last save failed, and writes are to be refused then */
    GATE_ENDING = 1 << 6,        /* a shutdown is under way: writes wait */
    GATE_ENDED = 1 << 7,         /* and has succeeded: they will not be executed */
    GATE_FEW_REPLICAS = 1 << 8,  /* fewer than min-replicas-to-write */
    GATE_FAILOVER = 1 << 9,      /* writes wait until it is decided who is the master */
    GATE_READ_ONLY = 1 << 10,    /* a replica, of which clients only read */
    GATE_STALE = 1 << 11,        /* its data may be old, and are not to be shown then */
    GATE_RELOADING = 1 << 12,    /* writes wait until the data are exchanged for themselves */
    /* Writes wait, and a history stands still. */
    GATE_HOLDS = GATE_PAUSES | GATE_FAILOVER | GATE_ENDING | GATE_RELOADING
};

/* Where loading stands, while it lasts. */
struct loading {
    _Atomic int64_t began_s;
    _Atomic uint64_t began_us; /* by the clock that never goes back */
    _Atomic uint64_t loaded, total;
};

struct client_list {
    pthread_mutex_t lock;
    kvresp_session *first, *last;
    size_t count;
    uint64_t next_id;
};

struct info_writer {
    struct info_writer *next;
    const char *section;
    void (*write)(void *context, kv_buffer *text);
    void *context;
};

/* A table of kvresp_metrics_add(). */
struct metrics_table {
    struct metrics_table *next;
    const kvresp_metric *metrics;
    size_t count;
    void *context;
};

enum { RATE_SAMPLES = 16 };

/* A value per second, of the last 16 turns of kvresp_cron(). */
struct rate {
    uint64_t samples[RATE_SAMPLES];
    uint64_t last_value;
    unsigned next;
};

struct kvresp {
    kv *store;
    struct command_map commands;
    _Atomic unsigned gates; /* enum gate, but those that the append-only file is asked about */
    struct loading loading;
    _Atomic(const struct aof_link *) aof; /* comes while loading, at the latest */
    struct settings settings;

    kvresp_log *log;
    void *log_context;
    bool (*shutdown)(void *context, unsigned flags);
    void *shutdown_context;
    char *config_file, *executable;
    char run_id[41];
    int64_t opened_ms;  /* by the store's clock */
    uint64_t opened_us; /* by the clock that never goes back */

    struct pool pool;
    struct client_list clients;
    struct config config;
    struct slowlog slowlog;
    struct latency latency;
    struct migrations migrations;
    struct statistics statistics;
    struct replicas replicas;
    struct failover failover;
    struct snapshots snapshots;
    struct saving saving;
    struct shutdown ending;
    struct replication replication;
    struct following following;
    struct info_writer *info_writers; /* under the configuration's lock */
    struct metrics_table *metrics;    /* likewise */

    _Atomic uint64_t counters[KVRESP_COUNTERS];
    _Atomic uint64_t refused_logins; /* wrong passwords and users */
    _Atomic uint64_t blocked_clients;
    _Atomic int64_t pause_until_ms;
    _Atomic unsigned next_worker;

    pthread_mutex_t rate_lock;
    uint64_t rate_time_us; /* of the last sample */
    struct rate rate_commands, rate_input, rate_output;
    struct rate rate_turns, rate_busy_us; /* turns, and microseconds in them, per second */
};

/*
 * proto-max-bulk-len, the longest argument: as long as the longest string, but what Redis always
 * takes is read, so that the store can refuse it in words and the connection goes on.
 */
enum { RESP_BULK_MAX_LEAST = 1024 * 1024 };
uint64_t resp_bulk_max(const kvresp *resp);

/* Tells the latency monitor, if it is on and `ms` is as long as it wants to be told of. */
void resp_note_latency(kvresp *resp, const char *event, uint64_t ms);

static inline uint64_t resp_setting(const _Atomic uint64_t *setting)
{
    return atomic_load_explicit(setting, memory_order_relaxed);
}

#endif
