/*
 * resp/metrics.c -- metrics for Prometheus, made from INFO and the statistics.
 */
#include "resp/metrics.h"

#include "resp/config.h"
#include "resp/info.h"

#include <stdlib.h>

enum {
    METRICS_SAMPLES = 10000,
    METRICS_INFO_SIZE = 16 * 1024 /* twice what INFO takes, so that no line is lost on the way */
};

/* What the text is made from, and where it goes. */
struct metrics {
    kvresp *resp;
    const char *prefix;
    kv_buffer *text;
    kv_slice info;
    bool failed;
};

/* ------------------------------------------------------------------------------------- registry */

/* A letter or underscore, and digits after the first; a colon, too, in prefixes. */
static bool metrics_name_is_valid(const char *name)
{
    for (const char *at = name; *at != '\0'; at++) {
        bool is_letter = text_lower((uint8_t)*at) >= 'a' && text_lower((uint8_t)*at) <= 'z';
        bool is_digit = *at >= '0' && *at <= '9' && at > name;
        if (!is_letter && !is_digit && *at != '_' && *at != ':') return false;
    }
    return true;
}

static bool metrics_table_has(const kvresp_metric *table, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(table[i].name, name) == 0) return true;
    return false;
}

/* Under the configuration's lock. The families that are no lines of INFO are not looked at. */
static bool metrics_may_add(const kvresp *resp, const kvresp_metric *metric)
{
    if (metric->field == NULL || metric->name == NULL || metric->help == NULL) return false;
    if (metric->name[0] == '\0' || !metrics_name_is_valid(metric->name)) return false;
    if (strpbrk(metric->help, "\\\n") != NULL) return false;
    if (metrics_table_has(metrics_own, metrics_own_count, metric->name)) return false;
    for (const struct metrics_table *at = resp->metrics; at != NULL; at = at->next)
        if (metrics_table_has(at->metrics, at->count, metric->name)) return false;
    return true;
}

kv_status kvresp_metrics_add(kvresp *resp, const kvresp_metric *table, size_t count, void *context)
{
    if (resp == NULL || table == NULL) return KV_BADARG;
    struct metrics_table *added = malloc(sizeof *added);
    if (added == NULL) return KV_NOMEM;
    *added = (struct metrics_table){NULL, table, count, context};
    config_lock(&resp->config);
    bool is_valid = true;
    for (size_t i = 0; i < count; i++)
        is_valid &= metrics_may_add(resp, &table[i]) && !metrics_table_has(table, i, table[i].name);
    struct metrics_table **link = &resp->metrics;
    while (*link != NULL) link = &(*link)->next;
    if (is_valid) *link = added;
    config_unlock(&resp->config);
    if (!is_valid) free(added);
    return is_valid ? KV_OK : KV_BADARG;
}

void metrics_forget(kvresp *resp, void *context)
{
    for (struct metrics_table **link = &resp->metrics; *link != NULL;) {
        struct metrics_table *table = *link;
        if (table->context == context) {
            *link = table->next;
            free(table);
        } else {
            link = &table->next;
        }
    }
}

void metrics_free(kvresp *resp)
{
    while (resp->metrics != NULL) {
        struct metrics_table *next = resp->metrics->next;
        free(resp->metrics);
        resp->metrics = next;
    }
}

/* -------------------------------------------------------------------------------------- writing */

static void metrics_text(struct metrics *metrics, kv_slice text)
{
    if (text_append(metrics->text, text) != KV_OK) metrics->failed = true;
}

static void metrics_string(struct metrics *metrics, const char *text)
{
    metrics_text(metrics, kv_text(text));
}

/* Begins a family of samples: what it is about, and of which kind it is. */
static void metrics_family(struct metrics *metrics, const char *name, const char *kind,
                           const char *help)
{
    const char *const words[] = {"# HELP ", metrics->prefix, name, " ", help, "\n",
                                 "# TYPE ", metrics->prefix, name, " ", kind, "\n"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) metrics_string(metrics, words[i]);
}

/* The value of a label, escaped. */
static void metrics_label_value(struct metrics *metrics, kv_slice value)
{
    const char *at = value.data;
    for (size_t i = 0; i < value.size; i++) {
        if (at[i] == '\n') metrics_string(metrics, "\\n");
        else if (at[i] == '"' || at[i] == '\\') metrics_string(metrics, "\\");
        if (at[i] != '\n') metrics_text(metrics, kv_bytes(at + i, 1));
    }
}

/* One or two labels; none if `name` is NULL. */
struct label {
    const char *name;
    kv_slice value;
};

/* Begins a sample: its value and the end of the line are to follow. */
static void metrics_sample(struct metrics *metrics, const char *name, const char *suffix,
                           const struct label *labels, size_t count)
{
    metrics_string(metrics, metrics->prefix);
    metrics_string(metrics, name);
    metrics_string(metrics, suffix);
    for (size_t i = 0; i < count; i++) {
        metrics_string(metrics, i == 0 ? "{" : ",");
        metrics_string(metrics, labels[i].name);
        metrics_string(metrics, "=\"");
        metrics_label_value(metrics, labels[i].value);
        metrics_string(metrics, "\"");
    }
    metrics_string(metrics, count > 0 ? "} " : " ");
}

static void metrics_double(struct metrics *metrics, double value)
{
    char text[32];
    metrics_text(metrics, kv_bytes(text, kv_format_double(text, value)));
    metrics_string(metrics, "\n");
}

static void metrics_number(struct metrics *metrics, uint64_t value)
{
    uint8_t digits[TEXT_INTEGER_SIZE];
    metrics_text(metrics, kv_bytes(digits, (size_t)(text_write_unsigned(digits, value) - digits)));
    metrics_string(metrics, "\n");
}

/* A sample with a label, or none if that is NULL. */
static void metrics_write(struct metrics *metrics, const char *name, const char *label,
                          kv_slice value, uint64_t number)
{
    metrics_sample(metrics, name, "", &(struct label){label, value}, label != NULL);
    metrics_number(metrics, number);
}

/* ---------------------------------------------------------------------------------- INFO's lines */

static const char *metrics_kind(kvresp_metric_kind kind)
{
    return kind == KVRESP_COUNTER ? "counter" : "gauge";
}

static void metrics_write_line(struct metrics *metrics, const kvresp_metric *metric, kv_slice value)
{
    double number;
    if (metric->word != NULL) {
        number = text_equal(value, kv_text(metric->word));
    } else {
        if (kv_parse_double(value, &number) != KV_OK) return;
        if (metric->scale != 0) number *= metric->scale;
    }
    metrics_family(metrics, metric->name, metrics_kind(metric->kind), metric->help);
    metrics_sample(metrics, metric->name, "", NULL, 0);
    if (metric->word == NULL && metric->scale == 0) {
        metrics_text(metrics, value); /* as it stands: a double would round large numbers */
        metrics_string(metrics, "\n");
    } else {
        metrics_double(metrics, number);
    }
}

/* Takes the next "name:value" off the text. False at its end. */
static bool metrics_next_line(kv_slice *text, kv_slice *name, kv_slice *value)
{
    while (text->size > 0) {
        const char *at = text->data, *end = memchr(at, '\n', text->size);
        size_t size = end != NULL ? (size_t)(end - at) : text->size;
        size_t used = end != NULL ? size + 1 : size;
        *text = kv_bytes(at + used, text->size - used);
        if (size > 0 && at[size - 1] == '\r') size--;
        const char *colon = size > 0 ? memchr(at, ':', size) : NULL;
        if (colon == NULL) continue;
        *name = kv_bytes(at, (size_t)(colon - at));
        *value = kv_bytes(colon + 1, size - name->size - 1);
        return true;
    }
    return false;
}

/* The line of this name; the last one, as rooms that know better come later. */
static bool metrics_find_line(kv_slice info, const char *field, kv_slice *found)
{
    kv_slice name, value;
    bool is_found = false;
    while (metrics_next_line(&info, &name, &value)) {
        if (!text_equal(name, kv_text(field))) continue;
        *found = value;
        is_found = true;
    }
    return is_found;
}

static void metrics_write_table(struct metrics *metrics, const kvresp_metric *table, size_t count)
{
    kv_slice value;
    for (size_t i = 0; i < count; i++)
        if (metrics_find_line(metrics->info, table[i].field, &value))
            metrics_write_line(metrics, &table[i], value);
}

/* ------------------------------------------------------------------- lines with several numbers */

/* The value behind "key=" in "key=value,key=value..."; no data if there is none. */
static kv_slice metrics_part(kv_slice line, const char *key)
{
    size_t size = strlen(key);
    while (line.size > 0) {
        const char *at = line.data, *comma = memchr(at, ',', line.size);
        size_t length = comma != NULL ? (size_t)(comma - at) : line.size;
        if (length > size && memcmp(at, key, size) == 0 && at[size] == '=')
            return kv_bytes(at + size + 1, length - size - 1);
        size_t used = comma != NULL ? length + 1 : length;
        line = kv_bytes(at + used, line.size - used);
    }
    return (kv_slice){NULL, 0};
}

/* True for "db0", "slave12": a word and a number. */
static bool metrics_is_numbered(kv_slice name, const char *word)
{
    size_t size = strlen(word);
    int64_t number;
    return name.size > size && memcmp(name.data, word, size) == 0 &&
           text_parse_integer(kv_bytes((const char *)name.data + size, name.size - size), &number);
}

/* A family with a sample for each line of databases: one of its numbers. */
static void metrics_write_databases(struct metrics *metrics, const char *metric, const char *help,
                                    const char *part, double scale)
{
    kv_slice info = metrics->info, name, line;
    double number;
    metrics_family(metrics, metric, "gauge", help);
    while (metrics_next_line(&info, &name, &line)) {
        if (!metrics_is_numbered(name, "db")) continue;
        if (kv_parse_double(metrics_part(line, part), &number) != KV_OK) continue;
        metrics_sample(metrics, metric, "", &(struct label){"db", name}, 1);
        metrics_double(metrics, number * scale);
    }
}

static void metrics_write_replicas(struct metrics *metrics, const char *metric, const char *help,
                                   const char *part)
{
    kv_slice info = metrics->info, name, line;
    double number;
    metrics_family(metrics, metric, "gauge", help);
    while (metrics_next_line(&info, &name, &line)) {
        if (!metrics_is_numbered(name, "slave")) continue;
        if (kv_parse_double(metrics_part(line, part), &number) != KV_OK) continue;
        const struct label labels[] = {{"slave_ip", metrics_part(line, "ip")},
                                       {"slave_port", metrics_part(line, "port")},
                                       {"slave_state", metrics_part(line, "state")}};
        metrics_sample(metrics, metric, "", labels, 3);
        metrics_double(metrics, number);
    }
}

/* ------------------------------------------------------------------------------------- commands */

enum command_number { COMMAND_CALLS, COMMAND_SECONDS, COMMAND_REJECTED, COMMAND_FAILED };

static void metrics_write_commands(struct metrics *metrics, const char *name, const char *help,
                                   enum command_number which)
{
    metrics_family(metrics, name, "counter", help);
    for (size_t i = 0; i < command_table_size; i++) {
        const struct command *command = &command_table[i];
        struct command_sums sums = statistics_of(&metrics->resp->statistics, command);
        if (sums.calls == 0 && sums.rejected == 0 && sums.failed == 0) continue;
        metrics_sample(metrics, name, "", &(struct label){"cmd", kv_text(command->facts.name)}, 1);
        switch (which) {
        case COMMAND_CALLS: metrics_number(metrics, sums.calls); break;
        case COMMAND_SECONDS: metrics_double(metrics, (double)sums.nanoseconds / 1e9); break;
        case COMMAND_REJECTED: metrics_number(metrics, sums.rejected); break;
        case COMMAND_FAILED: metrics_number(metrics, sums.failed); break;
        }
    }
}

/* Buckets from 1.024 microseconds to 1.07 seconds, each twice the one before. */
enum { HISTOGRAM_FIRST_BIT = 10, HISTOGRAM_LAST_BIT = 30 };

static const char histogram_name[] = "command_duration_seconds";

static void metrics_write_histogram(struct metrics *metrics, const struct command *command,
                                    const struct latencies *latencies)
{
    struct label labels[2] = {{"cmd", kv_text(command->facts.name)}, {"le", {NULL, 0}}};
    char text[32];
    for (int bit = HISTOGRAM_FIRST_BIT; bit <= HISTOGRAM_LAST_BIT; bit++) {
        uint64_t nanoseconds = UINT64_C(1) << bit;
        labels[1].value = kv_bytes(text, kv_format_double(text, (double)nanoseconds / 1e9));
        metrics_sample(metrics, histogram_name, "_bucket", labels, 2);
        metrics_number(metrics, latencies_below(latencies, nanoseconds));
    }
    labels[1].value = KV_TEXT("+Inf");
    metrics_sample(metrics, histogram_name, "_bucket", labels, 2);
    metrics_number(metrics, latencies->count);
    metrics_sample(metrics, histogram_name, "_sum", labels, 1);
    metrics_double(metrics, (double)latencies->nanoseconds / 1e9);
    metrics_sample(metrics, histogram_name, "_count", labels, 1);
    metrics_number(metrics, latencies->count);
}

static void metrics_write_histograms(struct metrics *metrics)
{
    struct latencies latencies;
    if (!atomic_load(&metrics->resp->settings.tracks_latency)) return;
    metrics_family(metrics, histogram_name, "histogram", "How long commands took.");
    for (size_t i = 0; i < command_table_size; i++) {
        statistics_latencies(&metrics->resp->statistics, &command_table[i], &latencies);
        if (latencies.count > 0) metrics_write_histogram(metrics, &command_table[i], &latencies);
    }
}

static void metrics_write_errors(struct metrics *metrics)
{
    struct error_count errors[ERROR_CODES_MAX];
    size_t count = statistics_errors(&metrics->resp->statistics, errors, NULL);
    metrics_family(metrics, "errors_total", "counter", "Replies that were errors, by their code.");
    for (size_t i = 0; i < count; i++)
        metrics_write(metrics, "errors_total", "err", kv_text(errors[i].code), errors[i].count);
}

static void metrics_write_spike(void *context, const struct latency_event *event)
{
    struct metrics *metrics = context;
    metrics_sample(metrics, "latency_spike_duration_seconds", "",
                   &(struct label){"event_name", kv_text(event->name)}, 1);
    metrics_double(metrics, (double)event->samples[event->count - 1].ms / 1000);
}

static void metrics_write_slow(struct metrics *metrics)
{
    metrics_family(metrics, "slowlog_length", "gauge", "Entries in the slow log.");
    metrics_write(metrics, "slowlog_length", NULL, kv_text(""),
                  slowlog_length(&metrics->resp->slowlog));
    metrics_family(metrics, "latency_spike_duration_seconds", "gauge",
                   "The latest event that the latency monitor has noted.");
    latency_read(&metrics->resp->latency, NULL, NULL, metrics_write_spike, metrics);
}

/* ------------------------------------------------------------------------------------ the store */

static const char *const metrics_types[KV_TYPES] = {NULL,   "string", "list",  "set",
                                                    "zset", "hash",   "stream"};

static void metrics_write_types(struct metrics *metrics, const char *name, const char *help,
                                const kv_usage *usage, bool of_bytes)
{
    metrics_family(metrics, name, "gauge", help);
    for (int i = 1; i < KV_TYPES; i++)
        metrics_write(metrics, name, "type", kv_text(metrics_types[i]),
                      of_bytes ? usage->types[i].bytes : usage->types[i].keys);
}

static void metrics_write_store(struct metrics *metrics, uint64_t samples)
{
    kv_usage usage = KV_OPTIONS(kv_usage);
    kv_statistics statistics = KV_OPTIONS(kv_statistics);
    kv_usage_by_type(metrics->resp->store, samples, &usage);
    kv_stats(metrics->resp->store, &statistics);
    metrics_write_types(metrics, "type_keys", "Keys by type; an estimate if there are many.",
                        &usage, false);
    metrics_write_types(metrics, "type_memory_bytes",
                        "Bytes of keys and values by type; an estimate if there are many.", &usage,
                        true);
    metrics_family(metrics, "type_sampled_keys", "gauge", "Keys that those estimates looked at.");
    metrics_write(metrics, "type_sampled_keys", NULL, kv_text(""), usage.sampled);
    metrics_family(metrics, "expiry_debt_keys", "gauge",
                   "Expired keys that are not reclaimed yet; an estimate if there are many keys.");
    metrics_write(metrics, "expiry_debt_keys", NULL, kv_text(""), usage.due);
    metrics_family(metrics, "expiry_debt_seconds", "gauge",
                   "How long the earliest deadline has passed that was not attended to.");
    metrics_sample(metrics, "expiry_debt_seconds", "", NULL, 0);
    metrics_double(metrics, (double)statistics.overdue_ms / 1000);
}

/* ---------------------------------------------------------------------------------- all of them */

static void metrics_write_instance(struct metrics *metrics)
{
    const struct label labels[] = {{"version", kv_text(kv_version())},
                                   {"redis_version", KV_TEXT(RESP_REDIS_VERSION)},
                                   {"run_id", kv_text(metrics->resp->run_id)}};
    metrics_family(metrics, "up", "gauge", "1: the store is there.");
    metrics_write(metrics, "up", NULL, kv_text(""), 1);
    metrics_family(metrics, "instance_info", "gauge", "Which server this is; always 1.");
    metrics_sample(metrics, "instance_info", "", labels, 3);
    metrics_number(metrics, 1);
}

static void metrics_write_all(struct metrics *metrics, uint64_t samples)
{
    metrics_write_instance(metrics);
    metrics_write_table(metrics, metrics_own, metrics_own_count);
    config_lock(&metrics->resp->config);
    for (struct metrics_table *at = metrics->resp->metrics; at != NULL; at = at->next)
        metrics_write_table(metrics, at->metrics, at->count);
    config_unlock(&metrics->resp->config);
    metrics_write_replicas(metrics, "connected_slave_offset_bytes",
                           "Up to where a replica has taken the stream.", "offset");
    metrics_write_replicas(metrics, "connected_slave_lag_seconds",
                           "Seconds since a replica last said so.", "lag");
    metrics_write_databases(metrics, "db_keys", "Keys of a database.", "keys", 1);
    metrics_write_databases(metrics, "db_keys_expiring", "Of these, keys with a deadline.",
                            "expires", 1);
    metrics_write_databases(metrics, "db_avg_ttl_seconds", "The time they have left on average.",
                            "avg_ttl", 0.001);
    metrics_write_store(metrics, samples);
    metrics_write_commands(metrics, "commands_total", "Calls of a command.", COMMAND_CALLS);
    metrics_write_commands(metrics, "commands_duration_seconds_total", "How long all of them took.",
                           COMMAND_SECONDS);
    metrics_write_commands(metrics, "commands_rejected_calls_total",
                           "Calls that were refused before they began.", COMMAND_REJECTED);
    metrics_write_commands(metrics, "commands_failed_calls_total", "Calls that ended in an error.",
                           COMMAND_FAILED);
    metrics_write_histograms(metrics);
    metrics_write_errors(metrics);
    metrics_write_slow(metrics);
}

kv_status kvresp_metrics(kvresp *resp, const kvresp_metrics_options *options, kv_buffer *text)
{
    kvresp_metrics_options given = KV_OPTIONS(kvresp_metrics_options);
    if (resp == NULL || text == NULL) return KV_BADARG;
    if (options != NULL) {
        if (options->size < sizeof options->size || options->size > sizeof given) return KV_BADARG;
        memcpy(&given, options, options->size);
    }
    const char *prefix = given.prefix != NULL ? given.prefix : "kvstore_";
    if (!metrics_name_is_valid(prefix)) return KV_BADARG;
    size_t began = text->size;
    kv_buffer info = {0};
    if (text_reserve(&info, METRICS_INFO_SIZE) != KV_OK) return KV_NOMEM;
    info_write(resp, resp->store, NULL, 0, &info);
    struct metrics metrics = {resp, prefix, text, text_of_buffer(&info), false};
    metrics_write_all(&metrics, given.samples != 0 ? given.samples : METRICS_SAMPLES);
    kv_buffer_free(&info);
    if (!metrics.failed) return KV_OK;
    text->size = began;
    return KV_NOMEM;
}
