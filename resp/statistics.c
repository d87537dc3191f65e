/*
 * resp/statistics.c -- what INFO tells about commands.
 */
#include "resp/statistics.h"

#include <stdlib.h>

/* ------------------------------------------------------------------------------------ latencies */

static size_t latency_bucket(uint64_t nanoseconds)
{
    if (nanoseconds < 32) return (size_t)nanoseconds;
    unsigned exponent = 0;
    while (nanoseconds >> exponent >= 64) exponent++;
    /* Now the top six bits are nanoseconds >> exponent, from 32 to 63 */
    size_t bucket = (size_t)(exponent + 1) * 32 + (size_t)(nanoseconds >> exponent) - 32;
    return bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1;
}

/* The largest duration that falls into the bucket. */
static uint64_t latency_bucket_end(size_t bucket)
{
    if (bucket < 32) return bucket;
    unsigned exponent = (unsigned)(bucket / 32) - 1;
    return ((bucket % 32 + 32 + 1) << exponent) - 1;
}

static void counters_add_latency(struct command_counters *counters, uint64_t n,
                                 uint64_t nanoseconds)
{
    _Atomic uint64_t *latency = atomic_load_explicit(&counters->latency, memory_order_relaxed);
    if (latency == NULL) {
        latency = calloc(LATENCY_SLOTS, sizeof *latency);
        if (latency == NULL) return; /* a statistic less */
        atomic_store_explicit(&counters->latency, latency, memory_order_release);
    }
    counter_add(&latency[latency_bucket(nanoseconds / n)], n);
    counter_add(&latency[LATENCY_BUCKETS], nanoseconds);
}

void counters_add(struct counters *counters, const struct command *command, uint64_t n,
                  uint64_t nanoseconds, bool latencies)
{
    struct command_counters *mine = &counters->commands[command_index(command)];
    counter_add(&mine->calls, n);
    counter_add(&mine->nanoseconds, nanoseconds);
    if (latencies) counters_add_latency(mine, n, nanoseconds);
}

/* ----------------------------------------------------------------------------- opening, closing */

kv_status statistics_open(struct statistics *statistics)
{
    *statistics = (struct statistics){0};
    statistics->retired = calloc(command_table_size, sizeof *statistics->retired);
    statistics->baseline = calloc(command_table_size, sizeof *statistics->baseline);
    if (statistics->retired == NULL || statistics->baseline == NULL ||
        pthread_mutex_init(&statistics->lock, NULL) != 0) {
        free(statistics->retired);
        free(statistics->baseline);
        return KV_NOMEM;
    }
    return KV_OK;
}

void statistics_close(struct statistics *statistics)
{
    free(statistics->retired);
    free(statistics->baseline);
    free(statistics->retired_latency);
    free(statistics->baseline_latency);
    pthread_mutex_destroy(&statistics->lock);
}

kv_status statistics_join(struct statistics *statistics, struct counters *counters)
{
    counters->commands = calloc(command_table_size, sizeof *counters->commands);
    if (counters->commands == NULL) return KV_NOMEM;
    pthread_mutex_lock(&statistics->lock);
    counters->next = statistics->threads;
    statistics->threads = counters;
    pthread_mutex_unlock(&statistics->lock);
    return KV_OK;
}

static void sums_add(struct command_sums *sums, struct command_counters *counters)
{
    sums->calls += atomic_load_explicit(&counters->calls, memory_order_relaxed);
    sums->nanoseconds += atomic_load_explicit(&counters->nanoseconds, memory_order_relaxed);
    sums->rejected += atomic_load_explicit(&counters->rejected, memory_order_relaxed);
    sums->failed += atomic_load_explicit(&counters->failed, memory_order_relaxed);
}

/* Adds a thread's latencies of one command to `sums`, of LATENCY_SLOTS. */
static void latency_add(uint64_t *sums, struct command_counters *counters)
{
    _Atomic uint64_t *latency = atomic_load_explicit(&counters->latency, memory_order_acquire);
    if (latency == NULL) return;
    for (size_t i = 0; i < LATENCY_SLOTS; i++)
        sums[i] += atomic_load_explicit(&latency[i], memory_order_relaxed);
}

static void statistics_retire(struct statistics *statistics, struct counters *counters,
                              size_t command)
{
    struct command_counters *leaving = &counters->commands[command];
    sums_add(&statistics->retired[command], leaving);
    if (leaving->latency == NULL) return;
    if (statistics->retired_latency == NULL)
        statistics->retired_latency = calloc(command_table_size * LATENCY_SLOTS, sizeof(uint64_t));
    if (statistics->retired_latency != NULL)
        latency_add(statistics->retired_latency + command * LATENCY_SLOTS, leaving);
    free(leaving->latency);
}

static void turns_add(struct turn_sums *sums, struct counters *counters)
{
    sums->turns += atomic_load_explicit(&counters->turns, memory_order_relaxed);
    sums->busy_ns += atomic_load_explicit(&counters->busy_ns, memory_order_relaxed);
}

void statistics_leave(struct statistics *statistics, struct counters *counters)
{
    pthread_mutex_lock(&statistics->lock);
    struct counters **link = &statistics->threads;
    while (*link != counters) link = &(*link)->next;
    *link = counters->next;
    for (size_t i = 0; i < command_table_size; i++) statistics_retire(statistics, counters, i);
    turns_add(&statistics->retired_turns, counters);
    pthread_mutex_unlock(&statistics->lock);
    free(counters->commands);
    counters->commands = NULL;
}

/* -------------------------------------------------------------------------------------- summing */

/* Since the beginning of time, under the lock. */
static struct command_sums statistics_sum(struct statistics *statistics, size_t command)
{
    struct command_sums sums = statistics->retired[command];
    for (struct counters *at = statistics->threads; at != NULL; at = at->next)
        sums_add(&sums, &at->commands[command]);
    return sums;
}

static void statistics_sum_latency(struct statistics *statistics, size_t command, uint64_t *sums)
{
    memset(sums, 0, LATENCY_SLOTS * sizeof *sums);
    const uint64_t *retired = statistics->retired_latency;
    if (retired != NULL)
        memcpy(sums, retired + command * LATENCY_SLOTS, LATENCY_SLOTS * sizeof *sums);
    for (struct counters *at = statistics->threads; at != NULL; at = at->next)
        latency_add(sums, &at->commands[command]);
}

struct command_sums statistics_of(struct statistics *statistics, const struct command *command)
{
    size_t index = command_index(command);
    pthread_mutex_lock(&statistics->lock);
    struct command_sums sums = statistics_sum(statistics, index);
    const struct command_sums *zero = &statistics->baseline[index];
    sums.calls -= zero->calls;
    sums.nanoseconds -= zero->nanoseconds;
    sums.rejected -= zero->rejected;
    sums.failed -= zero->failed;
    pthread_mutex_unlock(&statistics->lock);
    return sums;
}

uint64_t statistics_calls(struct statistics *statistics)
{
    uint64_t calls = 0;
    pthread_mutex_lock(&statistics->lock);
    for (size_t i = 0; i < command_table_size; i++)
        calls += statistics_sum(statistics, i).calls - statistics->baseline[i].calls;
    pthread_mutex_unlock(&statistics->lock);
    return calls;
}

/* Since the beginning of time, under the lock. */
static struct turn_sums statistics_sum_turns(struct statistics *statistics)
{
    struct turn_sums sums = statistics->retired_turns;
    for (struct counters *at = statistics->threads; at != NULL; at = at->next) turns_add(&sums, at);
    return sums;
}

struct turn_sums statistics_turns(struct statistics *statistics)
{
    pthread_mutex_lock(&statistics->lock);
    struct turn_sums sums = statistics_sum_turns(statistics);
    sums.turns -= statistics->baseline_turns.turns;
    sums.busy_ns -= statistics->baseline_turns.busy_ns;
    for (size_t i = 0; i < command_table_size; i++)
        sums.command_ns +=
            statistics_sum(statistics, i).nanoseconds - statistics->baseline[i].nanoseconds;
    pthread_mutex_unlock(&statistics->lock);
    return sums;
}

void statistics_reset(struct statistics *statistics)
{
    pthread_mutex_lock(&statistics->lock);
    for (size_t i = 0; i < command_table_size; i++)
        statistics->baseline[i] = statistics_sum(statistics, i);
    statistics->baseline_turns = statistics_sum_turns(statistics);
    if (statistics->baseline_latency == NULL)
        statistics->baseline_latency = calloc(command_table_size * LATENCY_SLOTS, sizeof(uint64_t));
    if (statistics->baseline_latency != NULL)
        for (size_t i = 0; i < command_table_size; i++)
            statistics_sum_latency(statistics, i, statistics->baseline_latency + i * LATENCY_SLOTS);
    statistics->error_count = 0;
    statistics->error_total = 0;
    pthread_mutex_unlock(&statistics->lock);
}

void statistics_latencies(struct statistics *statistics, const struct command *command,
                          struct latencies *latencies)
{
    size_t index = command_index(command);
    uint64_t sums[LATENCY_SLOTS];
    latencies->count = 0;
    pthread_mutex_lock(&statistics->lock);
    statistics_sum_latency(statistics, index, sums);
    const uint64_t *zero = statistics->baseline_latency;
    for (size_t i = 0; i < LATENCY_SLOTS && zero != NULL; i++)
        sums[i] -= zero[index * LATENCY_SLOTS + i];
    pthread_mutex_unlock(&statistics->lock);
    for (size_t i = 0; i < LATENCY_BUCKETS; i++) latencies->count += sums[i];
    latencies->nanoseconds = sums[LATENCY_BUCKETS];
    memcpy(latencies->buckets, sums, sizeof latencies->buckets);
}

uint64_t latencies_below(const struct latencies *latencies, uint64_t nanoseconds)
{
    uint64_t below = 0;
    size_t end = latency_bucket(nanoseconds - 1) + 1;
    for (size_t i = 0; i < end; i++) below += latencies->buckets[i];
    return below;
}

bool statistics_percentiles(struct statistics *statistics, const struct command *command,
                            const double *percents, size_t count, double *microseconds)
{
    struct latencies latencies;
    statistics_latencies(statistics, command, &latencies);
    uint64_t total = latencies.count, below = 0;
    if (total == 0) return false;
    size_t bucket = 0;
    for (size_t i = 0; i < count; i++) {
        /*
         * The bucket in which the call lies that percents[i] of all calls, rounded up, do not
         * exceed.
         */
        double wanted = percents[i] / 100 * (double)total;
        while (bucket < LATENCY_BUCKETS - 1 && (double)(below + latencies.buckets[bucket]) < wanted)
            below += latencies.buckets[bucket++];
        microseconds[i] = (double)latency_bucket_end(bucket) / 1000;
    }
    return true;
}

/* --------------------------------------------------------------------------------------- errors */

void statistics_error(struct statistics *statistics, kv_slice text)
{
    const char *space = text.size > 0 ? memchr(text.data, ' ', text.size) : NULL;
    size_t size = space != NULL ? (size_t)(space - (const char *)text.data) : text.size;
    if (size >= ERROR_CODE_SIZE) size = ERROR_CODE_SIZE - 1;

    pthread_mutex_lock(&statistics->lock);
    statistics->error_total++;
    size_t i = 0;
    while (i < statistics->error_count &&
           !text_equal(kv_text(statistics->errors[i].code), kv_bytes(text.data, size)))
        i++;
    if (i == statistics->error_count && i < ERROR_CODES_MAX) {
        struct error_count *error = &statistics->errors[statistics->error_count++];
        memcpy(error->code, text.data, size);
        error->code[size] = '\0';
        error->count = 0;
    }
    if (i < ERROR_CODES_MAX) statistics->errors[i].count++;
    pthread_mutex_unlock(&statistics->lock);
}

size_t statistics_errors(struct statistics *statistics, struct error_count *errors, uint64_t *total)
{
    pthread_mutex_lock(&statistics->lock);
    size_t count = statistics->error_count;
    if (errors != NULL) memcpy(errors, statistics->errors, count * sizeof *errors);
    if (total != NULL) *total = statistics->error_total;
    pthread_mutex_unlock(&statistics->lock);
    return count;
}
