/*
 * resp/resp.c -- what all clients share: open, close, the periodic work.
 */
#include "resp/shared.h"

#include "resp/aof_link.h"
#include "resp/clients.h"
#include "resp/config.h"
#include "resp/info.h"
#include "resp/metrics.h"
#include "resp/unique.h"

#include <stdio.h>
#include <stdlib.h>

/* ------------------------------------------------------------------------------- open and close */

static kv_status resp_copy_options(kvresp *resp, const kvresp_options *given)
{
    kvresp_options copy = KV_OPTIONS(kvresp_options), *options = &copy;
    if (given != NULL) {
        if (given->size < sizeof given->size || given->size > sizeof copy) return KV_BADARG;
        memcpy(&copy, given, given->size);
    }
    resp->log = options->log;
    resp->log_context = options->log_context;
    resp->shutdown = options->shutdown;
    resp->shutdown_context = options->shutdown_context;
    resp->snapshots.needs_no_thread = options->no_snapshot_thread;
    if (options->config_file != NULL)
        resp->config_file = text_duplicate(kv_text(options->config_file));
    if (options->executable != NULL)
        resp->executable = text_duplicate(kv_text(options->executable));
    bool failed = (options->config_file != NULL && resp->config_file == NULL) ||
                  (options->executable != NULL && resp->executable == NULL);
    return failed ? KV_NOMEM : KV_OK;
}

/* The parts in the order in which they are opened; closing them stops at the first that was not. */
static kv_status resp_open_parts(kvresp *resp, int *opened)
{
    kv_status status = clients_open(&resp->clients);
    if (status == KV_OK) *opened = 1, status = config_open(&resp->config);
    if (status == KV_OK) *opened = 2, status = slowlog_open(&resp->slowlog);
    if (status == KV_OK) *opened = 3, status = statistics_open(&resp->statistics);
    if (status == KV_OK)
        *opened = 4, status = pthread_mutex_init(&resp->rate_lock, NULL) == 0 ? KV_OK : KV_NOMEM;
    if (status == KV_OK) *opened = 5, status = snapshots_open(&resp->snapshots, resp);
    if (status == KV_OK) *opened = 6, status = saving_open(&resp->saving, resp);
    if (status == KV_OK) *opened = 7, status = replication_open(&resp->replication, resp);
    if (status == KV_OK) *opened = 8, status = replicas_open(&resp->replicas, resp);
    if (status == KV_OK) *opened = 9, status = failover_open(&resp->failover);
    if (status == KV_OK) *opened = 10, status = following_open(&resp->following, resp);
    if (status == KV_OK) *opened = 11, status = latency_open(&resp->latency);
    if (status == KV_OK) *opened = 12, status = migrations_open(&resp->migrations);
    if (status == KV_OK) *opened = 13, status = shutdown_open(&resp->ending, resp);
    if (status == KV_OK) *opened = 14, status = config_add_own(resp);
    return status;
}

static void resp_close_parts(kvresp *resp, int opened)
{
    const struct aof_link *aof = resp->aof;
    if (opened >= 11) following_close(&resp->following);
    if (aof != NULL) aof->leave(aof->context);
    if (opened >= 6) snapshots_close(&resp->snapshots);
    if (opened >= 14) shutdown_close(&resp->ending);
    if (opened >= 7) saving_close(&resp->saving);
    if (opened >= 10) failover_close(&resp->failover);
    if (opened >= 9) replicas_close(&resp->replicas);
    if (opened >= 8) replication_close(&resp->replication);
    if (opened >= 13) migrations_close(&resp->migrations);
    if (opened >= 12) latency_close(&resp->latency);
    if (opened >= 5) pthread_mutex_destroy(&resp->rate_lock);
    if (opened >= 4) statistics_close(&resp->statistics);
    if (opened >= 3) slowlog_close(&resp->slowlog);
    if (opened >= 2) config_close(&resp->config);
    if (opened >= 1) clients_close(&resp->clients);
    config_free_own(resp);
    info_free_writers(resp);
    metrics_free(resp);
    pool_close(&resp->pool);
    free(resp->config_file);
    free(resp->executable);
    free(resp);
}

kv_status kvresp_open(kv *db, const kvresp_options *options, kvresp **resp)
{
    if (db == NULL || resp == NULL) return KV_BADARG;
    kvresp *opened = aligned_alloc(_Alignof(kvresp), sizeof *opened);
    if (opened == NULL) return KV_NOMEM;
    memset(opened, 0, sizeof *opened);
    opened->store = db;
    pool_open(&opened->pool);
    opened->opened_ms = kv_now(db);
    opened->opened_us = statistics_clock() / 1000;
    unique_digits(opened->run_id, sizeof opened->run_id - 1);
    command_map_build(&opened->commands);
    int parts = 0;
    kv_status status = resp_copy_options(opened, options);
    if (status == KV_OK) status = resp_open_parts(opened, &parts);
    if (status != KV_OK) resp_close_parts(opened, parts);
    else *resp = opened;
    return status;
}

void kvresp_close(kvresp *resp)
{
    if (resp != NULL) resp_close_parts(resp, 14);
}

kv *kvresp_store(kvresp *resp)
{
    return resp->store;
}

uint64_t resp_bulk_max(const kvresp *resp)
{
    int64_t size = 0;
    (void)kv_configuration(resp->store, KV_SETTING_MAX_VALUE_SIZE, &size);
    return size > RESP_BULK_MAX_LEAST ? (uint64_t)size : RESP_BULK_MAX_LEAST;
}

void resp_attach_link(kvresp *resp, const struct aof_link *link)
{
    resp->aof = link;
}

/* Texts of clients may be among the values: what could end the line, or steer a terminal, goes. */
static void resp_keep_one_line(char *line)
{
    for (; *line != '\0'; line++)
        if ((unsigned char)*line < ' ' || *line == '\x7f') *line = ' ';
}

void kvresp_logf(kvresp *resp, kvresp_level level, const char *format, ...)
{
    if (resp->log == NULL) return;
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    resp_keep_one_line(line);
    resp->log(resp->log_context, level, line);
}

void kvresp_count(kvresp *resp, kvresp_counter counter, uint64_t n)
{
    atomic_fetch_add_explicit(&resp->counters[counter], n, memory_order_relaxed);
}

/* -------------------------------------------------------------------------------------- loading */

void kvresp_loading_begin(kvresp *resp)
{
    struct loading *loading = &resp->loading;
    atomic_store(&loading->began_s, kv_now(resp->store) / 1000);
    atomic_store(&loading->began_us, statistics_clock() / 1000);
    kvresp_loading_progress(resp, 0, 0);
    atomic_fetch_or(&resp->gates, GATE_LOADING);
}

void kvresp_loading_progress(kvresp *resp, uint64_t loaded, uint64_t total)
{
    atomic_store(&resp->loading.total, total);
    atomic_store(&resp->loading.loaded, loaded);
}

void kvresp_loading_end(kvresp *resp)
{
    atomic_fetch_and(&resp->gates, ~(unsigned)GATE_LOADING);
    following_resume(&resp->following);
}

/* -------------------------------------------------------------------------------- periodic work */

enum {
    RATE_PERIOD_US = 90 * 1000
}; /* a little less than the tenth of a second in which cron is called */

static void rate_sample(struct rate *rate, uint64_t value, uint64_t elapsed_us)
{
    uint64_t grown = value >= rate->last_value ? value - rate->last_value : 0; /* reset */
    rate->samples[rate->next++ % RATE_SAMPLES] = grown * 1000000 / elapsed_us;
    rate->last_value = value;
}

static void resp_sample_rates(kvresp *resp)
{
    uint64_t now_us = statistics_clock() / 1000;
    pthread_mutex_lock(&resp->rate_lock);
    uint64_t elapsed_us = now_us - resp->rate_time_us;
    if (elapsed_us >= RATE_PERIOD_US) {
        rate_sample(&resp->rate_commands, statistics_calls(&resp->statistics), elapsed_us);
        struct turn_sums turns = statistics_turns(&resp->statistics);
        rate_sample(&resp->rate_turns, turns.turns, elapsed_us);
        rate_sample(&resp->rate_busy_us, turns.busy_ns / 1000, elapsed_us);
        rate_sample(&resp->rate_input, atomic_load(&resp->counters[KVRESP_COUNT_INPUT_BYTES]),
                    elapsed_us);
        rate_sample(&resp->rate_output, atomic_load(&resp->counters[KVRESP_COUNT_OUTPUT_BYTES]),
                    elapsed_us);
        resp->rate_time_us = now_us;
    }
    pthread_mutex_unlock(&resp->rate_lock);
}

void resp_note_latency(kvresp *resp, const char *event, uint64_t ms)
{
    int64_t threshold_ms = atomic_load(&resp->settings.latency_threshold_ms);
    if (threshold_ms > 0 && ms >= (uint64_t)threshold_ms)
        latency_note(&resp->latency, event, kv_now(resp->store) / 1000, ms);
}

/* Expires what is due. Not during a shutdown: replicas would be waited for with one more change. */
static void resp_tick(kvresp *resp, int64_t budget_us)
{
    if (shutdown_is_under_way(&resp->ending)) return;
    uint64_t began = statistics_clock();
    kv_tick(resp->store, budget_us);
    resp_note_latency(resp, "expire-cycle", (statistics_clock() - began) / 1000000);
}

void kvresp_cron(kvresp *resp, int64_t budget_us)
{
    resp_tick(resp, budget_us);
    resp_sample_rates(resp);
    saving_cron(&resp->saving);
    snapshots_cron(&resp->snapshots, budget_us);
    replicas_cron(&resp->replicas, kv_now(resp->store));
    failover_look(resp);
    shutdown_look(&resp->ending);
    migrations_sweep(&resp->migrations);
    if (atomic_load(&resp->gates) & GATE_PAUSES &&
        kv_now(resp->store) >= atomic_load(&resp->pause_until_ms))
        clients_unpause(resp);
}
