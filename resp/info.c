/*
 * resp/info.c -- INFO: sections of lines, each true at the moment it is written.
 *
 * The names and their order are Redis's, so that what reads Redis's INFO reads this. A line about
 * something that is not here (replicas, scripts, forks) says so by its 0. Rooms that know more add
 * lines by kvresp_info_add().
 */
#include "resp/info.h"

#include "resp/clients.h"
#include "resp/commands.h"
#include "resp/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <unistd.h>

/* ------------------------------------------------------------------------- lines of other rooms */

kv_status kvresp_info_add(kvresp *resp, const char *section,
                          void (*write)(void *context, kv_buffer *text), void *context)
{
    if (section == NULL || write == NULL) return KV_BADARG;
    struct info_writer *writer = malloc(sizeof *writer);
    if (writer == NULL) return KV_NOMEM;
    *writer = (struct info_writer){.section = section, .write = write, .context = context};
    config_lock(&resp->config);
    struct info_writer **link = &resp->info_writers;
    while (*link != NULL) link = &(*link)->next;
    *link = writer;
    config_unlock(&resp->config);
    return KV_OK;
}

void kvresp_forget(kvresp *resp, void *context)
{
    config_lock(&resp->config);
    config_remove(&resp->config, context);
    for (struct info_writer **link = &resp->info_writers; *link != NULL;) {
        struct info_writer *writer = *link;
        if (writer->context == context) {
            *link = writer->next;
            free(writer);
        } else {
            link = &writer->next;
        }
    }
    metrics_forget(resp, context);
    config_unlock(&resp->config);
}

void info_free_writers(kvresp *resp)
{
    while (resp->info_writers != NULL) {
        struct info_writer *next = resp->info_writers->next;
        free(resp->info_writers);
        resp->info_writers = next;
    }
}

/* --------------------------------------------------------------------------------------- values */

/* What a section is written from. */
struct info {
    kvresp *resp;
    kv *db;
    kv_buffer *text;
    kv_statistics store;
    struct client_sums clients;
};

static void info_number(struct info *info, const char *name, uint64_t value)
{
    text_format(info->text, "%s:%llu\r\n", name, (unsigned long long)value);
}

static void info_zeros(struct info *info, const char *const *names)
{
    for (; *names != NULL; names++) info_number(info, *names, 0);
}

/* The number, and beside it the same for people: 943.45K. */
static void info_bytes(struct info *info, const char *name, uint64_t bytes)
{
    static const char units[] = "BKMGTP";
    double value = (double)bytes;
    int unit = 0;
    for (; value >= 1024 && unit < 5; unit++) value /= 1024;
    info_number(info, name, bytes);
    text_format(info->text, unit == 0 ? "%s_human:%.0f%c\r\n" : "%s_human:%.2f%c\r\n", name, value,
                units[unit]);
}

static uint64_t info_counter(const struct info *info, kvresp_counter counter)
{
    return atomic_load(&info->resp->counters[counter]);
}

static uint64_t info_rate(kvresp *resp, const struct rate *rate)
{
    uint64_t sum = 0;
    pthread_mutex_lock(&resp->rate_lock);
    for (int i = 0; i < RATE_SAMPLES; i++) sum += rate->samples[i];
    pthread_mutex_unlock(&resp->rate_lock);
    return sum / RATE_SAMPLES;
}

/* Pages in memory, from Linux; elsewhere what the store holds has to do. */
static uint64_t info_resident_bytes(const struct info *info)
{
    unsigned long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    bool found = file != NULL && fscanf(file, "%*u %llu", &pages) == 1;
    if (file != NULL) fclose(file);
    return found ? pages * (uint64_t)sysconf(_SC_PAGESIZE) : info->store.bytes;
}

static uint64_t info_system_bytes(void)
{
#ifdef _SC_PHYS_PAGES
    long pages = sysconf(_SC_PHYS_PAGES);
    if (pages > 0) return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
#endif
    return 0;
}

/* ------------------------------------------------------------------------------------- sections */

static void info_server(struct info *info)
{
    struct utsname system = {0};
    struct timeval now;
    kvresp *resp = info->resp;
    uname(&system);
    gettimeofday(&now, NULL);
    uint64_t uptime_s = (statistics_clock() / 1000 - resp->opened_us) / 1000000;
    text_format(info->text,
                "redis_version:" RESP_REDIS_VERSION
                "\r\nserver_name:kvstore\r\nkvstore_version:%s\r\n",
                kv_version());
    text_format(info->text,
                "redis_git_sha1:00000000\r\nredis_git_dirty:0\r\nredis_build_id:0\r\n"
                "redis_mode:standalone\r\nos:%s %s %s\r\narch_bits:%zu\r\n",
                system.sysname, system.release, system.machine, 8 * sizeof(void *));
    text_format(info->text, "monotonic_clock:POSIX clock_gettime\r\natomicvar_api:c11-builtin\r\n");
#ifdef __VERSION__
    text_format(info->text, "gcc_version:%d.%d.0\r\n", __GNUC__, __GNUC_MINOR__);
#endif
    text_format(info->text, "process_id:%ld\r\nprocess_supervised:no\r\nrun_id:%s\r\n",
                (long)getpid(), resp->run_id);
    text_format(info->text, "server_time_usec:%lld\r\n",
                (long long)now.tv_sec * 1000000 + now.tv_usec);
    info_number(info, "uptime_in_seconds", uptime_s);
    info_number(info, "uptime_in_days", uptime_s / 86400);
    text_format(info->text, "hz:10\r\nconfigured_hz:10\r\nlru_clock:%lld\r\n",
                (long long)now.tv_sec & 0xffffff);
    text_format(info->text, "executable:%s\r\nconfig_file:%s\r\n",
                resp->executable != NULL ? resp->executable : "",
                resp->config_file != NULL ? resp->config_file : "");
    if (shutdown_is_under_way(&resp->ending))
        info_number(info, "shutdown_in_milliseconds", (uint64_t)shutdown_left_ms(&resp->ending));
}

static void info_clients(struct info *info)
{
    info_number(info, "connected_clients", info->clients.count - info->clients.replicas);
    info_number(info, "cluster_connections", 0);
    info_number(info, "client_recent_max_input_buffer", info->clients.input_max);
    info_number(info, "client_recent_max_output_buffer", info->clients.output_max);
    info_number(info, "blocked_clients", atomic_load(&info->resp->blocked_clients));
    info_number(info, "tracking_clients", 0);
    info_number(info, "pubsub_clients", info->clients.subscribed);
    info_number(info, "clients_in_timeout_table", info->clients.timed);
    info_number(info, "watching_clients", info->clients.watching);
    info_number(info, "total_watched_keys", info->store.watched);
    info_number(info, "total_blocking_keys", info->store.waited_keys);
    info_number(info, "total_blocking_keys_on_nokey", 0); /* of streams */
}

static void info_ratio(struct info *info, const char *name, uint64_t a, uint64_t b)
{
    text_format(info->text, "%s:%.2f\r\n", name, b == 0 ? 0 : (double)a / (double)b);
}

/*
 * What would be the allocator's own accounts is that of the process: the store counts what it
 * takes, to the byte.
 */
static void info_memory(struct info *info)
{
    const struct aof_link *aof = info->resp->aof;
    static const char *const scripts[] = {"used_memory_vm_eval",
                                          "used_memory_scripts_eval",
                                          "number_of_cached_scripts",
                                          "number_of_functions",
                                          "number_of_libraries",
                                          "used_memory_vm_functions",
                                          NULL};
    struct replication_place place;
    replication_look(&info->resp->replication, &place);
    uint64_t stream = replication_log_memory(&info->resp->replication.log);
    uint64_t backlog = stream < place.backlog_size ? stream : place.backlog_size;
    uint64_t used = info->store.bytes + info->clients.memory + stream;
    uint64_t resident = info_resident_bytes(info);
    uint64_t peak = info->store.bytes_peak > used ? info->store.bytes_peak : used;
    uint64_t overhead = info->store.bytes_tables + info->clients.memory + stream;
    uint64_t dataset = used > overhead ? used - overhead : 0;
    info_bytes(info, "used_memory", used);
    info_bytes(info, "used_memory_rss", resident);
    info_bytes(info, "used_memory_peak", peak);
    text_format(info->text, "used_memory_peak_perc:%.2f%%\r\n",
                peak == 0 ? 0 : 100.0 * (double)used / (double)peak);
    info_number(info, "used_memory_overhead", overhead);
    info_number(info, "used_memory_startup", 0);
    info_number(info, "used_memory_dataset", dataset);
    text_format(info->text, "used_memory_dataset_perc:%.2f%%\r\n",
                used == 0 ? 0 : 100.0 * (double)dataset / (double)used);
    info_number(info, "allocator_allocated", used);
    info_number(info, "allocator_active", resident);
    info_number(info, "allocator_resident", resident);
    info_bytes(info, "total_system_memory", info_system_bytes());
    info_bytes(info, "used_memory_lua", 0);
    info_zeros(info, scripts);
    info_bytes(info, "used_memory_vm_total", 0);
    info_number(info, "used_memory_functions", 0);
    info_bytes(info, "used_memory_scripts", 0);
    info_bytes(info, "maxmemory", 0);
    text_format(info->text, "maxmemory_policy:%s\r\n", info->resp->settings.memory_policy);
    info_ratio(info, "allocator_frag_ratio", resident, used);
    info_number(info, "allocator_frag_bytes", resident > used ? resident - used : 0);
    text_format(info->text, "allocator_rss_ratio:1.00\r\nallocator_rss_bytes:0\r\n");
    text_format(info->text, "rss_overhead_ratio:1.00\r\nrss_overhead_bytes:0\r\n");
    info_ratio(info, "mem_fragmentation_ratio", resident, used);
    text_format(info->text, "mem_fragmentation_bytes:%lld\r\n",
                (long long)resident - (long long)used);
    info_number(info, "mem_not_counted_for_evict", stream - backlog);
    info_number(info, "mem_replication_backlog", backlog);
    info_number(info, "mem_total_replication_buffers", stream);
    info_number(info, "mem_clients_slaves", stream - backlog);
    info_number(info, "mem_clients_normal", info->clients.memory);
    info_number(info, "mem_cluster_links", 0);
    info_number(info, "mem_aof_buffer", aof != NULL ? aof->held(aof->context) : 0);
    text_format(info->text, "mem_allocator:libc\r\nactive_defrag_running:0\r\n");
    info_number(info, "lazyfree_pending_objects", info->store.owed);
    info_number(info, "lazyfreed_objects", info->store.freed_later);
}

/* The end is as far as the bytes that are left take at the pace so far; at first, a guess. */
static void info_loading(struct info *info)
{
    struct loading *loading = &info->resp->loading;
    uint64_t total = atomic_load(&loading->total), loaded = atomic_load(&loading->loaded);
    uint64_t left = total > loaded ? total - loaded : 0;
    double elapsed_s =
        (double)(statistics_clock() / 1000 - atomic_load(&loading->began_us)) / 1000000;
    double eta_s = loaded == 0 ? 1 : elapsed_s * (double)left / (double)loaded;
    text_format(info->text, "loading_start_time:%lld\r\n",
                (long long)atomic_load(&loading->began_s));
    info_number(info, "loading_total_bytes", total);
    info_number(info, "loading_rdb_used_mem", 0);
    info_number(info, "loading_loaded_bytes", loaded);
    text_format(info->text, "loading_loaded_perc:%.2f\r\nloading_eta_seconds:%.0f\r\n",
                total > 0 ? 100.0 * (double)loaded / (double)total : 0, eta_s);
}

static void info_aof(struct info *info)
{
    kvresp_aof_status file = {.size = sizeof file, .last_rewrite_s = -1, .this_rewrite_s = -1};
    const struct aof_link *aof = info->resp->aof;
    if (aof != NULL) aof->stat(aof->context, &file);
    info_number(info, "aof_enabled", file.is_on || file.is_starting);
    info_number(info, "aof_rewrite_in_progress", file.is_rewriting);
    info_number(info, "aof_rewrite_scheduled", file.is_rewrite_scheduled);
    text_format(info->text,
                "aof_last_rewrite_time_sec:%lld\r\naof_current_rewrite_time_sec:%lld\r\n"
                "aof_last_bgrewrite_status:%s\r\n",
                (long long)file.last_rewrite_s, (long long)file.this_rewrite_s,
                file.has_rewrite_failed ? "err" : "ok");
    info_number(info, "aof_rewrites", file.rewrites);
    info_number(info, "aof_rewrites_consecutive_failures", file.rewrite_failures);
    text_format(info->text, "aof_last_write_status:%s\r\naof_last_cow_size:0\r\n",
                file.error == 0 ? "ok" : "err");
}

static void info_persistence(struct info *info)
{
    kv_snapshot_progress snapshot;
    bool is_loading = atomic_load(&info->resp->gates) & GATE_LOADING;
    info_number(info, "loading", is_loading);
    (void)snapshots_progress(&info->resp->snapshots, &snapshot);
    info_number(info, "async_loading", 0);
    info_number(info, "current_cow_peak", snapshot.held_peak);
    info_number(info, "current_cow_size", snapshot.held);
    info_number(info, "current_cow_size_age", 0);
    text_format(
        info->text, "current_fork_perc:%.2f\r\n",
        snapshot.keys_total > 0 ? 100.0 * (double)snapshot.keys / (double)snapshot.keys_total : 0);
    info_number(info, "current_save_keys_processed", snapshot.keys);
    info_number(info, "current_save_keys_total", snapshot.keys_total);
    saving_write_info(&info->resp->saving, info->store.changes, info->text);
    info_aof(info);
    text_format(info->text, "module_fork_in_progress:0\r\nmodule_fork_last_cow_size:0\r\n");
    if (is_loading) info_loading(info);
}

/* The loops of all threads together. */
static void info_turns(struct info *info)
{
    kvresp *resp = info->resp;
    struct turn_sums sums = statistics_turns(&resp->statistics);
    uint64_t turns = info_rate(resp, &resp->rate_turns);
    uint64_t busy_us = info_rate(resp, &resp->rate_busy_us);
    info_number(info, "eventloop_cycles", sums.turns);
    info_number(info, "eventloop_duration_sum", sums.busy_ns / 1000);
    info_number(info, "eventloop_duration_cmd_sum", sums.command_ns / 1000);
    info_number(info, "instantaneous_eventloop_cycles_per_sec", turns);
    info_number(info, "instantaneous_eventloop_duration_usec", turns > 0 ? busy_us / turns : 0);
}

static void info_stats(struct info *info)
{
    static const char *const eviction[] = {"evicted_clients", "evicted_scripts",
                                           "total_eviction_exceeded_time",
                                           "current_eviction_exceeded_time", NULL};
    static const char *const forks[] = {"latest_fork_usec", "total_forks", NULL};
    static const char *const absent[] = {
        "slave_expires_tracked_keys", "active_defrag_hits",       "active_defrag_misses",
        "active_defrag_key_hits",     "active_defrag_key_misses", "total_active_defrag_time",
        "current_active_defrag_time", "tracking_total_keys",      "tracking_total_items",
        "tracking_total_prefixes",    "unexpected_error_replies", NULL};
    static const char *const denied[] = {"acl_access_denied_cmd", "acl_access_denied_key",
                                         "acl_access_denied_channel", NULL};
    kvresp *resp = info->resp;
    uint64_t errors;
    statistics_errors(&resp->statistics, NULL, &errors);
    info_number(info, "total_connections_received", info_counter(info, KVRESP_COUNT_CONNECTIONS));
    info_number(info, "total_commands_processed", statistics_calls(&resp->statistics));
    info_number(info, "instantaneous_ops_per_sec", info_rate(resp, &resp->rate_commands));
    info_number(info, "total_net_input_bytes", info_counter(info, KVRESP_COUNT_INPUT_BYTES));
    info_number(info, "total_net_output_bytes", info_counter(info, KVRESP_COUNT_OUTPUT_BYTES));
    text_format(info->text, "total_net_repl_input_bytes:0\r\n");
    info_number(info, "total_net_repl_output_bytes", atomic_load(&resp->replicas.output_bytes));
    text_format(info->text, "instantaneous_input_kbps:%.2f\r\ninstantaneous_output_kbps:%.2f\r\n",
                (double)info_rate(resp, &resp->rate_input) / 1024,
                (double)info_rate(resp, &resp->rate_output) / 1024);
    text_format(info->text,
                "instantaneous_input_repl_kbps:0.00\r\ninstantaneous_output_repl_kbps:0.00\r\n");
    info_number(info, "rejected_connections",
                info_counter(info, KVRESP_COUNT_REJECTED_CONNECTIONS));
    info_number(info, "sync_full", atomic_load(&resp->replicas.full_syncs));
    info_number(info, "sync_partial_ok", atomic_load(&resp->replicas.partial_syncs));
    info_number(info, "sync_partial_err", atomic_load(&resp->replicas.failed_partial_syncs));
    info_number(info, "expired_subkeys", info->store.expired_fields);
    info_number(info, "expired_keys", info->store.expired);
    text_format(info->text, "expired_stale_perc:0.00\r\nexpired_time_cap_reached_count:0\r\n"
                            "expire_cycle_cpu_milliseconds:0\r\n");
    info_number(info, "evicted_keys", info->store.evicted);
    info_zeros(info, eviction);
    info_number(info, "keyspace_hits", info->store.hits);
    info_number(info, "keyspace_misses", info->store.misses);
    info_number(info, "pubsub_channels", kv_channel_count(resp->store, KV_CHANNEL));
    info_number(info, "pubsub_patterns", kv_channel_count(resp->store, KV_PATTERN));
    info_number(info, "pubsubshard_channels", kv_channel_count(resp->store, KV_SHARD_CHANNEL));
    info_zeros(info, forks);
    info_number(info, "migrate_cached_sockets", migrations_links(&resp->migrations));
    info_zeros(info, absent);
    info_number(info, "total_error_replies", errors);
    info_number(info, "dump_payload_sanitizations", 0);
    info_number(info, "total_reads_processed", info_counter(info, KVRESP_COUNT_READS));
    info_number(info, "total_writes_processed", info_counter(info, KVRESP_COUNT_WRITES));
    text_format(info->text, "io_threaded_reads_processed:0\r\nio_threaded_writes_processed:0\r\n");
    info_number(info, "client_query_buffer_limit_disconnections",
                info_counter(info, KVRESP_COUNT_QUERY_LIMIT));
    info_number(info, "client_output_buffer_limit_disconnections",
                info_counter(info, KVRESP_COUNT_OUTPUT_LIMIT));
    text_format(info->text, "reply_buffer_shrinks:0\r\nreply_buffer_expands:0\r\n");
    info_turns(info);
    info_number(info, "acl_access_denied_auth", atomic_load(&resp->refused_logins));
    info_zeros(info, denied); /* the one user may do all */
}

static void info_replication(struct info *info)
{
    kvresp *resp = info->resp;
    struct replication *replication = &resp->replication;
    struct replication_place place;
    replication_look(replication, &place);
    bool is_replica = place.role == REPLICATION_REPLICA;
    text_format(info->text, "role:%s\r\n", is_replica ? "slave" : "master");
    if (is_replica && replication->replica != NULL)
        replication->replica->write_info(replication->replica->context, info->text);
    replicas_write_info(&resp->replicas, info->text, kv_now(resp->store));
    text_format(info->text, "master_failover_state:%s\r\n", failover_state_name(&resp->failover));
    text_format(info->text, "master_replid:%s\r\nmaster_replid2:%s\r\n", place.id, place.id2);
    text_format(info->text, "master_repl_offset:%lld\r\nsecond_repl_offset:%lld\r\n",
                (long long)place.offset, (long long)place.second_offset);
    info_number(info, "repl_backlog_active", place.has_backlog);
    info_number(info, "repl_backlog_size", place.backlog_size);
    info_number(info, "repl_backlog_first_byte_offset", (uint64_t)place.backlog_first);
    info_number(info, "repl_backlog_histlen", place.backlog_length);
}

static void info_time(struct info *info, const char *name, const struct timeval *time)
{
    text_format(info->text, "%s:%ld.%06ld\r\n", name, (long)time->tv_sec, (long)time->tv_usec);
}

static void info_cpu(struct info *info)
{
    struct rusage self = {0}, children = {0}, thread = {0};
    getrusage(RUSAGE_SELF, &self);
    getrusage(RUSAGE_CHILDREN, &children);
    info_time(info, "used_cpu_sys", &self.ru_stime);
    info_time(info, "used_cpu_user", &self.ru_utime);
    info_time(info, "used_cpu_sys_children", &children.ru_stime);
    info_time(info, "used_cpu_user_children", &children.ru_utime);
#ifdef RUSAGE_THREAD
    getrusage(RUSAGE_THREAD, &thread); /* there is no main thread: of the one that answers */
#endif
    info_time(info, "used_cpu_sys_main_thread", &thread.ru_stime);
    info_time(info, "used_cpu_user_main_thread", &thread.ru_utime);
}

static void info_nothing(struct info *info)
{
    (void)info;
}

static void info_commandstats(struct info *info)
{
    for (size_t i = 0; i < command_table_size; i++) {
        const struct command *command = &command_table[i];
        struct command_sums sums = statistics_of(&info->resp->statistics, command);
        if (sums.calls == 0 && sums.rejected == 0 && sums.failed == 0) continue;
        double usec = (double)sums.nanoseconds / 1000;
        text_format(info->text,
                    "cmdstat_%s:calls=%llu,usec=%.0f,usec_per_call=%.2f,rejected_calls=%llu,failed_"
                    "calls=%llu\r\n",
                    command->facts.name, (unsigned long long)sums.calls, usec,
                    sums.calls > 0 ? usec / (double)sums.calls : 0,
                    (unsigned long long)sums.rejected, (unsigned long long)sums.failed);
    }
}

static int info_compare_errors(const void *a, const void *b)
{
    return strcmp(((const struct error_count *)a)->code, ((const struct error_count *)b)->code);
}

static void info_errorstats(struct info *info)
{
    struct error_count errors[ERROR_CODES_MAX];
    size_t count = statistics_errors(&info->resp->statistics, errors, NULL);
    qsort(errors, count, sizeof errors[0], info_compare_errors);
    for (size_t i = 0; i < count; i++)
        text_format(info->text, "errorstat_%s:count=%llu\r\n", errors[i].code,
                    (unsigned long long)errors[i].count);
}

static void info_latencystats(struct info *info)
{
    struct settings *settings = &info->resp->settings;
    double microseconds[PERCENTILES_MAX];
    if (!atomic_load(&settings->tracks_latency)) return;
    for (size_t i = 0; i < command_table_size; i++) {
        const struct command *command = &command_table[i];
        size_t count = settings->percentile_count;
        if (!statistics_percentiles(&info->resp->statistics, command, settings->percentiles, count,
                                    microseconds))
            continue;
        text_format(info->text, "latency_percentiles_usec_%s:", command->facts.name);
        for (size_t j = 0; j < count; j++)
            text_format(info->text, "%sp%.6g=%.3f", j > 0 ? "," : "", settings->percentiles[j],
                        microseconds[j]);
        text_append_string(info->text, "\r\n");
    }
}

static void info_cluster(struct info *info)
{
    info_number(info, "cluster_enabled", 0);
}

static void info_keyspace(struct info *info)
{
    for (uint32_t i = 0; i < kv_databases(info->db); i++) {
        kv_database_info database = KV_OPTIONS(kv_database_info);
        if (kv_database_stats(kv_select(info->db, i), &database) != KV_OK) continue;
        if (database.keys == 0 && database.keys_with_ttl == 0) continue;
        text_format(info->text, "db%u:keys=%llu,expires=%llu,avg_ttl=%lld\r\n", i,
                    (unsigned long long)database.keys, (unsigned long long)database.keys_with_ttl,
                    (long long)database.average_ttl_ms);
    }
}

/* ------------------------------------------------------------------------------------- choosing */

enum info_set { INFO_DEFAULT = 1, INFO_ALL = 2, INFO_EVERYTHING = 4 };

struct info_section {
    const char *name, *title;
    unsigned sets;
    void (*write)(struct info *info);
};

static const struct info_section info_sections[] = {
    {"server", "Server", INFO_DEFAULT | INFO_ALL, info_server},
    {"clients", "Clients", INFO_DEFAULT | INFO_ALL, info_clients},
    {"memory", "Memory", INFO_DEFAULT | INFO_ALL, info_memory},
    {"persistence", "Persistence", INFO_DEFAULT | INFO_ALL, info_persistence},
    {"stats", "Stats", INFO_DEFAULT | INFO_ALL, info_stats},
    {"replication", "Replication", INFO_DEFAULT | INFO_ALL, info_replication},
    {"cpu", "CPU", INFO_DEFAULT | INFO_ALL, info_cpu},
    {"modules", "Modules", INFO_DEFAULT, info_nothing},
    {"commandstats", "Commandstats", INFO_ALL, info_commandstats},
    {"errorstats", "Errorstats", INFO_DEFAULT | INFO_ALL, info_errorstats},
    {"latencystats", "Latencystats", INFO_ALL, info_latencystats},
    {"cluster", "Cluster", INFO_DEFAULT | INFO_ALL, info_cluster},
    {"keyspace", "Keyspace", INFO_DEFAULT | INFO_ALL, info_keyspace},
};

static bool info_is_asked(const struct info_section *section, const kv_slice *names, size_t count)
{
    if (count == 0) return section->sets & INFO_DEFAULT;
    for (size_t i = 0; i < count; i++) {
        if (text_is(names[i], section->name) || text_is(names[i], "everything")) return true;
        if (text_is(names[i], "all") && section->sets & INFO_ALL) return true;
        if (text_is(names[i], "default") && section->sets & INFO_DEFAULT) return true;
    }
    return false;
}

static void info_write_section(struct info *info, const struct info_section *section)
{
    text_format(info->text, "%s# %s\r\n", info->text->size > 0 ? "\r\n" : "", section->title);
    section->write(info);
    for (struct info_writer *at = info->resp->info_writers; at != NULL; at = at->next)
        if (strcmp(at->section, section->name) == 0) at->write(at->context, info->text);
}

void info_write(kvresp *resp, kv *db, const kv_slice *names, size_t count, kv_buffer *text)
{
    struct info info = {.resp = resp, .db = db, .text = text};
    info.store.size = sizeof info.store;
    kv_stats(db, &info.store);
    clients_sum(&resp->clients, &info.clients);
    config_lock(&resp->config);
    for (size_t i = 0; i < sizeof info_sections / sizeof info_sections[0]; i++)
        if (info_is_asked(&info_sections[i], names, count))
            info_write_section(&info, &info_sections[i]);
    config_unlock(&resp->config);
}

void info_command(struct call *call)
{
    kv_buffer *text = &call->worker->text;
    text->size = 0;
    info_write(call->resp, call->db, call->arguments + 1, call->count - 1, text);
    writer_verbatim(call->reply, "txt", text_of_buffer(text));
}

void info_reset(kvresp *resp, kv *db)
{
    statistics_reset(&resp->statistics);
    kv_stats_reset(db);
    for (int i = 0; i < KVRESP_COUNTERS; i++) atomic_store(&resp->counters[i], 0);
    atomic_store(&resp->refused_logins, 0);
    saving_reset(&resp->saving);
}
