/*
 * resp/shared.h -- struct kvresp: what all clients of a store share.
 *
 * Locks, in the order in which one thread may take them:
 *
 *     configuration  >  shards of the store  >  client list  >  slow log, statistics
 *
 * The configuration comes first, since applying a parameter may call the store; EXEC takes it before
 * it begins when CONFIG or INFO is queued. The others are held briefly and nothing is called under them
 * but the hosts' wake functions.
 */
#ifndef KV_RESP_SHARED_H
#define KV_RESP_SHARED_H

#include "kvresp.h"
#include "resp/command.h"
#include "resp/pool.h"
#include "resp/slowlog.h"
#include "resp/statistics.h"

#include <pthread.h>
#include <stdatomic.h>

struct aof_link;

/* The compatibility level, which clients look at to decide what they may ask for. */
#define RESP_REDIS_VERSION "7.2.4"

/* ------------------------------------------------------------------------------------ configuration */

struct config_table {
    struct config_table *next;
    const kvresp_parameter *parameters;
    size_t count;
    void *context;
};

struct config {
    pthread_mutex_t lock; /* recursive: EXEC may hold it around a CONFIG */
    struct config_table *tables; /* in the order added */
};

/* The classes of client-output-buffer-limit. There are no replicas or subscribers yet; their limits are kept. */
enum { OUTPUT_NORMAL, OUTPUT_REPLICA, OUTPUT_PUBSUB, OUTPUT_CLASSES };

struct output_limit {
    _Atomic uint64_t hard, soft;
    _Atomic int64_t soft_seconds;
};

enum debug_command_access { DEBUG_COMMAND_NO, DEBUG_COMMAND_LOCAL, DEBUG_COMMAND_YES };

/* Parameters of this room in the form in which they are used; read at any time, written by CONFIG SET. */
struct settings {
    _Atomic uint64_t bulk_max;             /* proto-max-bulk-len */
    _Atomic uint64_t query_buffer_limit;   /* client-query-buffer-limit */
    struct output_limit output_limits[OUTPUT_CLASSES];
    _Atomic int64_t slowlog_threshold_us;  /* slowlog-log-slower-than; below 0: no log */
    _Atomic uint64_t slowlog_length_max;   /* slowlog-max-len */
    _Atomic bool tracks_latency;           /* latency-tracking */
    _Atomic int debug_command;             /* enum debug_command_access */
    _Atomic bool has_password;             /* requirepass is not empty */
    _Atomic bool protected_configs;
    char *password;                        /* under the configuration's lock */
    kv_buffer values;                      /* texts of parameters that are kept as they were written; see config_table.c */
};

/* ------------------------------------------------------------------------------------------ the rest */

/* Conditions under which a command may not simply be executed. Session flags use the bits from 16 on. */
enum gate {
    GATE_PAUSE_WRITES = 1 << 0,  /* CLIENT PAUSE ... WRITE */
    GATE_PAUSE_ALL = 1 << 1,
    GATE_PAUSES = GATE_PAUSE_WRITES | GATE_PAUSE_ALL,
    GATE_REFUSE_WRITES = 1 << 2, /* the append-only file cannot be written */
    GATE_AWAIT_ROOM = 1 << 3     /* too much waits to be written to it */
};

struct client_list {
    pthread_mutex_t lock;
    kvresp_session *first, *last;
    size_t count;
    uint64_t next_id;
    uint64_t kept_biggest_input, kept_biggest_output;
};

struct info_writer {
    struct info_writer *next;
    const char *section;
    void (*write)(void *context, kv_buffer *text);
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
    _Atomic unsigned gates; /* enum gate: those of pauses */
    const struct aof_link *aof;
    struct settings settings;

    kvresp_log *log;
    void *log_context;
    bool (*shutdown)(void *context, unsigned flags);
    void *shutdown_context;
    char *config_file, *executable;
    char run_id[41];
    int64_t opened_ms; /* by the store's clock */
    uint64_t opened_us; /* by the clock that never goes back */

    struct pool pool;
    struct client_list clients;
    struct config config;
    struct slowlog slowlog;
    struct statistics statistics;
    struct info_writer *info_writers; /* under the configuration's lock */

    _Atomic uint64_t counters[KVRESP_COUNTERS];
    _Atomic uint64_t blocked_clients, clients_in_timeout_table;
    _Atomic uint64_t hits_zero, misses_zero; /* the store's counts at CONFIG RESETSTAT */
    _Atomic int64_t pause_until_ms;
    _Atomic int64_t last_save_s;
    _Atomic unsigned next_worker;
    _Atomic int active_expire;

    pthread_mutex_t rate_lock;
    uint64_t rate_time_us; /* of the last sample */
    struct rate rate_commands, rate_input, rate_output;
};

static inline uint64_t resp_setting(const _Atomic uint64_t *setting)
{
    return atomic_load_explicit(setting, memory_order_relaxed);
}

#endif
