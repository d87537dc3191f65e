/*
 * resp/statistics.h -- what INFO tells about commands: calls, durations, errors.
 *
 * Counting must cost next to nothing, and reading may cost a little. So each worker has counters of
 * its own, which only its thread writes, by a plain load, addition and store (relaxed atomics: no
 * lock prefix, no fence), and a reader sums up all workers. What closed workers counted is kept,
 * and CONFIG RESETSTAT notes the sums as the new zero.
 *
 * Durations. A clock read costs as much as a third of a GET, so the clock is not read for every
 * command, but between runs: successive requests of one batch for the same short command are timed
 * together and each is given its share. A command that is not short, or whose request or reply is
 * long, ends a run, and so is timed by itself or weighs on the few short ones before it; and with a
 * slow log threshold below a millisecond each command is. What it takes to frame a batch and to
 * prefetch its keys counts for its first run.
 */
#ifndef KV_RESP_STATISTICS_H
#define KV_RESP_STATISTICS_H

#include "resp/command.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

/*
 * Durations in nanoseconds by size: each power of two in 32 equal parts, so that a percentile is
 * right to 3%. Everything above 2^40 (18 minutes) falls into the last.
 */
enum { LATENCY_BUCKETS = (40 - 5 + 1) * 32, LATENCY_SLOTS = LATENCY_BUCKETS + 1 };

struct command_counters {
    _Atomic uint64_t calls, nanoseconds, rejected, failed;
    _Atomic(_Atomic uint64_t *)
        latency; /* LATENCY_SLOTS of them, from the first call on; may stay NULL. The last is the
                    sum of what is in the others */
};

/* The counters of one thread. */
struct counters {
    struct counters *next;             /* in `struct statistics` */
    struct command_counters *commands; /* by command_index() */
    _Atomic uint64_t turns;            /* of the thread's loop */
    _Atomic uint64_t busy_ns;          /* their durations, without the waits between them */
};

struct command_sums {
    uint64_t calls, nanoseconds, rejected, failed;
};

/* Turns of all loops, and how long they and the commands in them took. */
struct turn_sums {
    uint64_t turns, busy_ns, command_ns;
};

enum { ERROR_CODES_MAX = 128, ERROR_CODE_SIZE = 32 };

struct error_count {
    char code[ERROR_CODE_SIZE];
    uint64_t count;
};

struct statistics {
    pthread_mutex_t lock;
    struct counters *threads;
    struct command_sums *retired;                   /* by command: what closed workers counted */
    struct command_sums *baseline;                  /* by command: the sums at the last reset */
    struct turn_sums retired_turns, baseline_turns; /* likewise, without command_ns */
    uint64_t
        *retired_latency; /* by command and bucket; NULL until a worker with latencies closes */
    uint64_t *baseline_latency; /* likewise */
    struct error_count errors[ERROR_CODES_MAX];
    size_t error_count;
    uint64_t error_total;
};

static inline void counter_add(_Atomic uint64_t *counter, uint64_t n)
{
    uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, value + n, memory_order_relaxed);
}

/* Nanoseconds of a clock that never goes back. */
static inline uint64_t statistics_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* -------------------------------------------------------------------------- writing, one thread */

/* `n` calls that took `nanoseconds` together. Latencies are kept only if asked for. */
void counters_add(struct counters *counters, const struct command *command, uint64_t n,
                  uint64_t nanoseconds, bool latencies);

static inline void counters_reject(struct counters *counters, const struct command *command)
{
    counter_add(&counters->commands[command_index(command)].rejected, 1);
}

static inline void counters_fail(struct counters *counters, const struct command *command,
                                 uint64_t n)
{
    counter_add(&counters->commands[command_index(command)].failed, n);
}

/* ----------------------------------------------------------------------------------- any thread */

kv_status statistics_open(struct statistics *statistics);
void statistics_close(struct statistics *statistics);

kv_status statistics_join(struct statistics *statistics, struct counters *counters);
void statistics_leave(struct statistics *statistics, struct counters *counters);

/* An error was sent; `text` begins with its code. */
void statistics_error(struct statistics *statistics, kv_slice text);

void statistics_reset(struct statistics *statistics);

struct command_sums statistics_of(struct statistics *statistics, const struct command *command);
uint64_t statistics_calls(
    struct statistics *statistics); /* of all commands, since the last reset */

struct turn_sums statistics_turns(struct statistics *statistics); /* likewise */

/* The calls of a command whose latency was recorded, since the last reset. */
struct latencies {
    uint64_t count, nanoseconds; /* in all */
    uint64_t buckets[LATENCY_BUCKETS];
};
void statistics_latencies(struct statistics *statistics, const struct command *command,
                          struct latencies *latencies);

/* How many took less than this, which is a power of two of at least 32. */
uint64_t latencies_below(const struct latencies *latencies, uint64_t nanoseconds);

/*
 * The latencies in microseconds below which the given percents of the calls lie. False if none was
 * recorded. `percents` ascend.
 */
bool statistics_percentiles(struct statistics *statistics, const struct command *command,
                            const double *percents, size_t count, double *microseconds);

/* Copies the errors by code, at most ERROR_CODES_MAX; returns how many. */
size_t statistics_errors(struct statistics *statistics, struct error_count *errors,
                         uint64_t *total);

#endif
