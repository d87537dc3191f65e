/*
 * resp/config_table.c -- the parameters of this room, and stand-ins for all others that Redis 7
 * knows.
 *
 * A stand-in has the one value that is true of kvstore. It can be read, and set to that value, as
 * configuration files of Redis do; any other value is refused, since it could not be honoured. A
 * room that makes such a parameter mean something adds it by kvresp_config_add(), and the stand-in
 * goes. A hint is a stand-in that takes any value Redis takes: it is about effort, and nothing that
 * could be observed would follow from it here.
 * What is a setting of the store has no value here: the store has it, as the host left it, and is
 * asked each time.
 * docs/configuration.md says the same in prose.
 */
#include "resp/config.h"

#include "resp/aof_link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum config_kind {
    CONFIG_BOOLEAN,
    CONFIG_INTEGER,
    CONFIG_CLAMPED, /* an int; what lies outside its range becomes the nearest that does not */
    CONFIG_MEMORY,
    CONFIG_WORD,
    CONFIG_TEXT
};

struct config_facts {
    const char *name, *alias;
    enum config_kind kind;
    const char *value;        /* at the start; of a stand-in: always; NULL: as the store has it */
    int64_t minimum, maximum; /* of numbers; 0 and 0: any that is not negative */
    const char *const *words; /* of WORD, the last NULL */
    unsigned flags;           /* KVRESP_PARAMETER_... */
    /* Makes a changed value true; NULL marks a stand-in. */
    const char *(*change)(kvresp *resp, const struct config_value *value, char message[256]);
    /* What is odd about its text: reads it, and replaces the checks by kind. May be NULL. */
    kv_status (*read)(kvresp *resp, kv_buffer *text);
    const char *(*check)(kvresp *resp, kv_slice text, char message[256]);
    int setting; /* of the store, where value is NULL, or the replicas; for config_change_saving()
                    where it is in struct saving */
};

struct config_value {
    const struct config_facts *facts;
    kvresp *resp;
    kvresp_parameter parameter;
    int64_t number; /* BOOLEAN, INTEGER, CLAMPED, MEMORY, WORD (its index), as it was said last */
    char *text;     /* TEXT, from malloc() */
};

/* ------------------------------------------------------------------------------- values by kind */

static bool config_parse_word(const char *const *words, kv_slice text, int64_t *index)
{
    for (*index = 0; words[*index] != NULL; ++*index)
        if (text_is(text, words[*index])) return true;
    return false;
}

static const char *config_words_error(const char *const *words, char message[256])
{
    int size = snprintf(message, 256, "argument(s) must be one of the following: ");
    for (int i = 0; words[i] != NULL && size < 256; i++)
        size += snprintf(message + size, (size_t)(256 - size), i == 0 ? "%s" : ", %s", words[i]);
    return message;
}

static const char *config_parse_number(const struct config_facts *facts, kv_slice text,
                                       int64_t *number)
{
    if (facts->kind == CONFIG_MEMORY) {
        uint64_t bytes;
        if (!config_parse_memory(text, &bytes)) return "argument must be a memory value";
        *number = bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes;
        return NULL;
    }
    return text_parse_integer(text, number) ? NULL : "argument couldn't be parsed into an integer";
}

/* Whether a number may be set; what the host has made a setting of the store may lie outside. */
static const char *config_check_range(const struct config_facts *facts, int64_t number,
                                      char message[256])
{
    bool is_clamped = facts->kind == CONFIG_CLAMPED;
    int64_t minimum = is_clamped ? 0 : facts->minimum;
    int64_t maximum = is_clamped ? INT32_MAX : facts->maximum;
    if (minimum == 0 && maximum == 0) maximum = INT64_MAX;
    if (number >= minimum && number <= maximum) return NULL;
    snprintf(message, 256, "argument must be between %lld and %lld inclusive", (long long)minimum,
             (long long)maximum);
    return message;
}

static int64_t config_clamp(const struct config_facts *facts, int64_t number)
{
    if (number < facts->minimum) return facts->minimum;
    return number > facts->maximum ? facts->maximum : number;
}

/* Reads a value of the kind; returns NULL or why it is none. TEXT leaves *number alone. */
static const char *config_parse(const struct config_facts *facts, kv_slice text, int64_t *number,
                                char message[256])
{
    switch (facts->kind) {
    case CONFIG_BOOLEAN:
        *number = text_is(text, "yes");
        return *number || text_is(text, "no") ? NULL : "argument must be 'yes' or 'no'";
    case CONFIG_INTEGER:
    case CONFIG_CLAMPED:
    case CONFIG_MEMORY: return config_parse_number(facts, text, number);
    case CONFIG_WORD:
        return config_parse_word(facts->words, text, number)
                   ? NULL
                   : config_words_error(facts->words, message);
    case CONFIG_TEXT: break;
    }
    return NULL;
}

/* No count or size means anything to a store above a quarter of all addresses: more is the same. */
static int64_t config_fit(int64_t number)
{
    return number > 0 && (uint64_t)number > SIZE_MAX / 4 ? (int64_t)(SIZE_MAX / 4) : number;
}

/* What is in force; of the store, in the words in which it was said, while they are true. */
static int64_t config_number(const struct config_value *value)
{
    int64_t number = value->number, kept = number;
    if (value->facts->value != NULL) return number;
    (void)kv_configuration(value->resp->store, (kv_setting)value->facts->setting, &kept);
    return kept == config_fit(number) ? number : kept;
}

static kv_status config_read_value(void *context, kv_buffer *text)
{
    struct config_value *value = context;
    const struct config_facts *facts = value->facts;
    if (facts->read != NULL) return facts->read(value->resp, text);
    switch (facts->kind) {
    case CONFIG_BOOLEAN: return text_append_string(text, value->number ? "yes" : "no");
    case CONFIG_WORD: return text_append_string(text, facts->words[value->number]);
    case CONFIG_TEXT: return text_append_string(text, value->text);
    case CONFIG_INTEGER:
    case CONFIG_CLAMPED:
    case CONFIG_MEMORY: break;
    }
    return text_append_integer(text, config_number(value));
}

static bool config_is_present(const struct config_value *value, kv_slice text, int64_t number)
{
    return value->facts->kind == CONFIG_TEXT ? text_equal(text, kv_text(value->text))
                                             : number == value->number;
}

static const char *config_check_value(void *context, kv_slice text, char message[256])
{
    struct config_value *value = context;
    const struct config_facts *facts = value->facts;
    if (facts->check != NULL) return facts->check(value->resp, text, message);
    int64_t number = 0;
    const char *reason = config_parse(facts, text, &number, message);
    if (reason == NULL) reason = config_check_range(facts, number, message);
    if (reason != NULL || facts->change != NULL || config_is_present(value, text, number))
        return reason;
    kv_buffer present = {0};
    (void)config_read_value(value, &present); /* without memory the message is shorter */
    snprintf(message, 256, "kvstore cannot honour another value than '%.*s'",
             (int)(present.size < 150 ? present.size : 150),
             present.size > 0 ? (const char *)present.data : "");
    kv_buffer_free(&present);
    return message;
}

static const char *config_apply_value(void *context, kv_slice text, char message[256])
{
    struct config_value *value = context, old = *value;
    const struct config_facts *facts = value->facts;
    const char *reason = NULL;
    if (facts->check == NULL) reason = config_parse(facts, text, &value->number, message);
    if (reason != NULL) return reason;
    if (facts->kind == CONFIG_CLAMPED) value->number = config_clamp(facts, value->number);
    if (facts->kind == CONFIG_TEXT && (value->text = text_duplicate(text)) == NULL)
        reason = "memory is exhausted";
    if (reason == NULL && facts->change != NULL)
        reason = facts->change(value->resp, value, message);

    char *useless = reason != NULL ? value->text : old.text;
    if (reason != NULL) *value = old;
    if (value->text != useless) free(useless);
    return reason;
}

/* ---------------------------------------------------------------------------- what changes mean */

static const char *config_change_memory_policy(kvresp *resp, const struct config_value *value,
                                               char message[256])
{
    const char *policy = value->facts->words[value->number];
    (void)message;
    if (strstr(policy, "lfu") != NULL) return "kvstore cannot honour a policy by frequency of use";
    atomic_store(&resp->settings.memory_policy, policy);
    atomic_store(&resp->settings.tells_idle, strstr(policy, "lru") != NULL);
    return NULL;
}

static const char *config_change_query_limit(kvresp *resp, const struct config_value *value,
                                             char message[256])
{
    (void)message;
    atomic_store(&resp->settings.query_buffer_limit, (uint64_t)value->number);
    return NULL;
}

/* What a command has to last to be noted anywhere. */
static void config_renew_notable(struct settings *settings)
{
    int64_t us = atomic_load(&settings->slowlog_threshold_us);
    int64_t ms = atomic_load(&settings->latency_threshold_ms);
    uint64_t of_log = us >= 0 && us < INT64_MAX / 1000 ? (uint64_t)us * 1000 : UINT64_MAX;
    uint64_t of_monitor = ms > 0 && ms < INT64_MAX / 1000000 ? (uint64_t)ms * 1000000 : UINT64_MAX;
    atomic_store(&settings->notable_ns, of_log < of_monitor ? of_log : of_monitor);
}

static const char *config_change_slow_threshold(kvresp *resp, const struct config_value *value,
                                                char message[256])
{
    (void)message;
    atomic_store(&resp->settings.slowlog_threshold_us, value->number);
    config_renew_notable(&resp->settings);
    return NULL;
}

static const char *config_change_latency_threshold(kvresp *resp, const struct config_value *value,
                                                   char message[256])
{
    (void)message;
    atomic_store(&resp->settings.latency_threshold_ms, value->number);
    config_renew_notable(&resp->settings);
    return NULL;
}

static const char *config_change_slow_length(kvresp *resp, const struct config_value *value,
                                             char message[256])
{
    (void)message;
    atomic_store(&resp->settings.slowlog_length_max, (uint64_t)value->number);
    return NULL;
}

static const char *config_change_tracking(kvresp *resp, const struct config_value *value,
                                          char message[256])
{
    (void)message;
    atomic_store(&resp->settings.tracks_latency, value->number != 0);
    return NULL;
}

static const char *config_change_debug(kvresp *resp, const struct config_value *value,
                                       char message[256])
{
    (void)message;
    atomic_store(&resp->settings.debug_command, (int)value->number);
    return NULL;
}

static const char *config_change_protected(kvresp *resp, const struct config_value *value,
                                           char message[256])
{
    (void)message;
    atomic_store(&resp->settings.protected_configs, (int)value->number);
    return NULL;
}

static const char *config_change_lazy_del(kvresp *resp, const struct config_value *value,
                                          char message[256])
{
    (void)message;
    atomic_store(&resp->settings.deletes_later, value->number != 0);
    return NULL;
}

static const char *config_change_lazy_flush(kvresp *resp, const struct config_value *value,
                                            char message[256])
{
    (void)message;
    atomic_store(&resp->settings.flushes_later, value->number != 0);
    return NULL;
}

static const char *config_change_password(kvresp *resp, const struct config_value *value,
                                          char message[256])
{
    (void)message;
    resp->settings.password = value->text;
    atomic_store(&resp->settings.has_password, value->text[0] != '\0');
    return NULL;
}

static const char *config_check_password(kvresp *resp, kv_slice text, char message[256])
{
    (void)resp, (void)message;
    return text_terminated(text).size == text.size ? NULL
                                                   : "the password must not have a zero byte";
}

static const char *config_change_setting(kvresp *resp, const struct config_value *value,
                                         char message[256])
{
    (void)message;
    kv_status status =
        kv_configure(resp->store, (kv_setting)value->facts->setting, config_fit(value->number));
    return status == KV_OK ? NULL : kv_strerror(status);
}

static const char *config_change_replicas(kvresp *resp, const struct config_value *value,
                                          char message[256])
{
    (void)message;
    atomic_store(&resp->replicas.settings[value->facts->setting], value->number);
    replicas_configure(&resp->replicas);
    replicas_judge(&resp->replicas);
    return NULL;
}

/* A size below the least is that. */
static const char *config_change_backlog_size(kvresp *resp, const struct config_value *value,
                                              char message[256])
{
    struct config_value raised = *value;
    if (raised.number < REPLICAS_BACKLOG_MIN) raised.number = REPLICAS_BACKLOG_MIN;
    return config_change_replicas(resp, &raised, message);
}

static kv_status config_read_backlog_size(kvresp *resp, kv_buffer *text)
{
    return text_append_integer(text, replicas_setting(&resp->replicas, REPLICAS_BACKLOG_SIZE));
}

static const char *config_change_list_size(kvresp *resp, const struct config_value *value,
                                           char message[256])
{
    return config_change_setting(resp, value, message) == NULL
               ? NULL
               : "kvstore knows -1 to -5 and counts of elements above 0";
}

static kv_status config_read_databases(kvresp *resp, kv_buffer *text)
{
    return text_append_integer(text, kv_databases(resp->store));
}

static const char *config_check_databases(kvresp *resp, kv_slice text, char message[256])
{
    int64_t number;
    if (text_parse_integer(text, &number) && number == (int64_t)kv_databases(resp->store))
        return NULL;
    snprintf(message, 256, "the store was opened with %u databases", kv_databases(resp->store));
    return message;
}

static const char *config_change_replica_writes(kvresp *resp, const struct config_value *value,
                                                char message[256])
{
    (void)message;
    atomic_store(&resp->settings.replica_read_only, value->number != 0);
    following_set_gates(&resp->following);
    return NULL;
}

static const char *config_change_stale_data(kvresp *resp, const struct config_value *value,
                                            char message[256])
{
    (void)message;
    atomic_store(&resp->settings.serves_stale_data, value->number != 0);
    following_set_gates(&resp->following);
    return NULL;
}

/* The value is kept and answered; who needs it asks for it. */
static const char *config_change_nothing(kvresp *resp, const struct config_value *value,
                                         char message[256])
{
    (void)resp, (void)value, (void)message;
    return NULL;
}

static const char *config_keep_hint(kvresp *resp, const struct config_value *value,
                                    char message[256])
{
    return config_change_nothing(resp, value, message);
}

/* ------------------------------------------------------------------- client-output-buffer-limit */

static const char *const output_class_names[OUTPUT_CLASSES] = {"normal", "slave", "pubsub"};

struct output_limit_words {
    int class;
    uint64_t hard, soft;
    int64_t seconds;
};

static kv_status config_read_output_limits(kvresp *resp, kv_buffer *text)
{
    kv_status status = KV_OK;
    for (int i = 0; i < OUTPUT_CLASSES && status == KV_OK; i++) {
        struct output_limit *limit = &resp->settings.output_limits[i];
        status = text_format(text, "%s%s %llu %llu %lld", i > 0 ? " " : "", output_class_names[i],
                             (unsigned long long)atomic_load(&limit->hard),
                             (unsigned long long)atomic_load(&limit->soft),
                             (long long)atomic_load(&limit->soft_seconds));
    }
    return status;
}

/*
 * Splits at single or several spaces; returns how many words there are, of which `maximum` are
 * kept.
 */
static size_t config_split(kv_slice text, kv_slice *words, size_t maximum)
{
    const char *at = text.data, *end = at + text.size;
    size_t count = 0;
    while (at < end) {
        while (at < end && text_is_space((uint8_t)*at)) at++;
        const char *first = at;
        while (at < end && !text_is_space((uint8_t)*at)) at++;
        if (at == first) break;
        if (count < maximum) words[count] = kv_bytes(first, (size_t)(at - first));
        count++;
    }
    return count;
}

enum { OUTPUT_WORDS_MAX = 4 * 16 };

static const char *config_parse_output_limit(const kv_slice *words,
                                             struct output_limit_words *limit)
{
    limit->class = text_is(words[0], "replica") ? OUTPUT_REPLICA : -1;
    for (int i = 0; i < OUTPUT_CLASSES; i++)
        if (text_is(words[0], output_class_names[i])) limit->class = i;
    if (limit->class < 0) return "Invalid client class specified in buffer limit configuration.";
    if (!config_parse_memory(words[1], &limit->hard) ||
        !config_parse_memory(words[2], &limit->soft) ||
        !text_parse_integer(words[3], &limit->seconds) || limit->seconds < 0)
        return "Error in hard, soft or soft_seconds setting in buffer limit configuration.";
    return NULL;
}

static const char *config_each_output_limit(kvresp *resp, kv_slice text, bool applies)
{
    kv_slice words[OUTPUT_WORDS_MAX];
    size_t count = config_split(text, words, OUTPUT_WORDS_MAX);
    if (count % 4 != 0 || count == 0 || count > OUTPUT_WORDS_MAX)
        return "Wrong number of arguments in buffer limit configuration.";
    for (size_t i = 0; i < count; i += 4) {
        struct output_limit_words words_of_class;
        const char *reason = config_parse_output_limit(words + i, &words_of_class);
        if (reason != NULL) return reason;
        if (!applies) continue;
        struct output_limit *limit = &resp->settings.output_limits[words_of_class.class];
        atomic_store(&limit->hard, words_of_class.hard);
        atomic_store(&limit->soft, words_of_class.soft);
        atomic_store(&limit->soft_seconds, words_of_class.seconds);
    }
    return NULL;
}

static const char *config_check_output_limits(kvresp *resp, kv_slice text, char message[256])
{
    (void)message;
    return config_each_output_limit(resp, text, false);
}

static const char *config_change_output_limits(kvresp *resp, const struct config_value *value,
                                               char message[256])
{
    (void)message;
    const char *reason = config_each_output_limit(resp, kv_text(value->text), true);
    replicas_configure(&resp->replicas);
    return reason;
}

/* ------------------------------------------------------------ latency-tracking-info-percentiles */

static kv_status config_read_percentiles(kvresp *resp, kv_buffer *text)
{
    struct settings *settings = &resp->settings;
    kv_status status = KV_OK;
    for (size_t i = 0; i < settings->percentile_count && status == KV_OK; i++)
        status = text_format(text, i > 0 ? " %.6g" : "%.6g", settings->percentiles[i]);
    return status;
}

static const char *config_each_percentile(kv_slice text, double *percentiles, size_t *count)
{
    kv_slice words[PERCENTILES_MAX];
    *count = config_split(text, words, PERCENTILES_MAX);
    if (*count > PERCENTILES_MAX) return "Invalid latency-tracking-info-percentiles parameters";
    for (size_t i = 0; i < *count; i++) {
        if (kv_parse_double(words[i], &percentiles[i]) != KV_OK)
            return "Invalid latency-tracking-info-percentiles parameters";
        if (percentiles[i] < 0 || percentiles[i] > 100)
            return "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]";
    }
    return NULL;
}

static const char *config_check_percentiles(kvresp *resp, kv_slice text, char message[256])
{
    double percentiles[PERCENTILES_MAX];
    size_t count;
    (void)resp, (void)message;
    return config_each_percentile(text, percentiles, &count);
}

static const char *config_change_percentiles(kvresp *resp, const struct config_value *value,
                                             char message[256])
{
    struct settings *settings = &resp->settings;
    (void)message;
    return config_each_percentile(kv_text(value->text), settings->percentiles,
                                  &settings->percentile_count);
}

/* ----------------------------------------------------------------------- notify-keyspace-events */

/* In the order in which they are shown; the first stands for several of those that follow. */
static const struct {
    char letter;
    int64_t events;
} config_events[] = {
    {'A', KV_EVENT_ALL},        {'g', KV_EVENT_GENERIC}, {'$', KV_EVENT_STRING},
    {'l', KV_EVENT_LIST},       {'s', KV_EVENT_SET},     {'h', KV_EVENT_HASH},
    {'z', KV_EVENT_SORTED_SET}, {'x', KV_EVENT_EXPIRED}, {'e', KV_EVENT_EVICTED},
    {'t', KV_EVENT_STREAM},     {'d', KV_EVENT_MODULE},  {'n', KV_EVENT_NEW},
    {'K', KV_EVENT_BY_KEY},     {'E', KV_EVENT_BY_NAME}, {'m', KV_EVENT_MISS},
};
enum { CONFIG_EVENTS = sizeof config_events / sizeof config_events[0] };

static bool config_parse_events(kv_slice text, int64_t *events)
{
    const char *letters = text.data;
    *events = 0;
    for (size_t i = 0; i < text.size; i++) {
        size_t at = 0;
        while (at < CONFIG_EVENTS && config_events[at].letter != letters[i]) at++;
        if (at == CONFIG_EVENTS) return false;
        *events |= config_events[at].events;
    }
    return true;
}

static kv_status config_read_events(kvresp *resp, kv_buffer *text)
{
    int64_t events = 0;
    char letters[CONFIG_EVENTS];
    size_t size = 0;
    (void)kv_configuration(resp->store, KV_SETTING_EVENTS, &events);
    for (size_t i = 0; i < CONFIG_EVENTS; i++) {
        if ((events & config_events[i].events) != config_events[i].events) continue;
        letters[size++] = config_events[i].letter;
        if (i == 0) events &= ~(int64_t)KV_EVENT_ALL;
    }
    return text_append(text, kv_bytes(letters, size));
}

static const char *config_check_events(kvresp *resp, kv_slice text, char message[256])
{
    int64_t events;
    (void)resp, (void)message;
    if (config_parse_events(text, &events)) return NULL;
    return "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.";
}

static const char *config_change_events(kvresp *resp, const struct config_value *value,
                                        char message[256])
{
    int64_t events;
    (void)message;
    if (config_parse_events(kv_text(value->text), &events))
        (void)kv_configure(resp->store, KV_SETTING_EVENTS, events);
    return NULL;
}

/* --------------------------------------------------------------------------------- the RDB file */

static const char *config_check_save(kvresp *resp, kv_slice text, char message[256])
{
    struct save_point *points;
    size_t count;
    (void)resp, (void)message;
    if (!saving_parse_points(text, &points, &count)) return "Invalid save parameters";
    free(points);
    return NULL;
}

static const char *config_change_save(kvresp *resp, const struct config_value *value,
                                      char message[256])
{
    (void)message;
    return saving_set_points(&resp->saving, kv_text(value->text)) ? NULL : "memory is exhausted";
}

static kv_status config_read_save(kvresp *resp, kv_buffer *text)
{
    return saving_read_points(&resp->saving, text);
}

static const char *config_check_file_name(kvresp *resp, kv_slice text, char message[256])
{
    (void)resp, (void)message;
    bool is_plain = text.size == 0 || memchr(text.data, '/', text.size) == NULL;
    if (is_plain && text_terminated(text).size == text.size) return NULL;
    return "dbfilename can't be a path, just a filename";
}

static const char *config_change_file_name(kvresp *resp, const struct config_value *value,
                                           char message[256])
{
    (void)message;
    return saving_set_file_name(&resp->saving, value->text) ? NULL : "memory is exhausted";
}

static const char *config_change_directory(kvresp *resp, const struct config_value *value,
                                           char message[256])
{
    (void)message;
    char *directory;
    int error = saving_find_directory(value->text, &directory);
    if (error == 0 && aof_link_set_directory(resp->aof, directory) != KV_OK) {
        free(directory);
        error = ENOMEM;
    }
    if (error != 0) return aof_io_explain(error);
    saving_set_directory(&resp->saving, directory);
    return NULL;
}

static kv_status config_read_directory(kvresp *resp, kv_buffer *text)
{
    return saving_read_directory(&resp->saving, text);
}

/* The rest are numbers that a save looks at when it begins. */
static const char *config_change_saving(kvresp *resp, const struct config_value *value,
                                        char message[256])
{
    (void)message;
    char *saving = (char *)&resp->saving;
    atomic_store((atomic_int *)(void *)(saving + value->facts->setting), (int)value->number);
    saving_judge(&resp->saving);
    return NULL;
}

/* The versions that a snapshot can be written in. */
static const char *config_change_rdb_version(kvresp *resp, const struct config_value *value,
                                             char message[256])
{
    if (value->number > 0 && value->number < 10) return "argument must be 0, 10, 11 or 12";
    return config_change_saving(resp, value, message);
}

static const char *config_change_key_delay(kvresp *resp, const struct config_value *value,
                                           char message[256])
{
    (void)message;
    atomic_store(&resp->snapshots.key_delay_us, value->number);
    return NULL;
}

static const char *config_change_shutdown_timeout(kvresp *resp, const struct config_value *value,
                                                  char message[256])
{
    (void)message;
    atomic_store(&resp->ending.timeout_s, value->number);
    return NULL;
}

/* ------------------------------------------------------------------------------------ the table */

#define WORDS(...)        \
    (const char *const[]) \
    {                     \
        __VA_ARGS__, NULL \
    }
#define STAND_IN(name, kind, value)                                 \
    {                                                               \
        name, NULL, kind, value, 0, 0, NULL, 0, NULL, NULL, NULL, 0 \
    }
#define STAND_IN_RANGE(name, kind, value, minimum, maximum)                     \
    {                                                                           \
        name, NULL, kind, value, minimum, maximum, NULL, 0, NULL, NULL, NULL, 0 \
    }
#define STAND_IN_ALIAS(name, alias, kind, value)                     \
    {                                                                \
        name, alias, kind, value, 0, 0, NULL, 0, NULL, NULL, NULL, 0 \
    }
#define SETTING(name, alias, kind, minimum, maximum, setting)                                  \
    {                                                                                          \
        name, alias, kind, NULL, minimum, maximum, NULL, 0, config_change_setting, NULL, NULL, \
            setting                                                                            \
    }
#define REPLICAS(name, alias, kind, value, minimum, maximum, setting)                            \
    {                                                                                            \
        name, alias, kind, value, minimum, maximum, NULL, 0, config_change_replicas, NULL, NULL, \
            setting                                                                              \
    }
#define HINT(name, kind, value, minimum, maximum)                                           \
    {                                                                                       \
        name, NULL, kind, value, minimum, maximum, NULL, 0, config_keep_hint, NULL, NULL, 0 \
    }
#define HINT_ALIAS(name, alias, kind, value)                                     \
    {                                                                            \
        name, alias, kind, value, 0, 0, NULL, 0, config_keep_hint, NULL, NULL, 0 \
    }
#define HINT_WORD(name, value, ...)                                                                \
    {                                                                                              \
        name, NULL, CONFIG_WORD, value, 0, 0, WORDS(__VA_ARGS__), 0, config_keep_hint, NULL, NULL, \
            0                                                                                      \
    }
#define STAND_IN_WORD(name, value, ...)                                                  \
    {                                                                                    \
        name, NULL, CONFIG_WORD, value, 0, 0, WORDS(__VA_ARGS__), 0, NULL, NULL, NULL, 0 \
    }

/* One parameter a line, if it can be. */
static const struct config_facts config_own[] = {
    {"client-output-buffer-limit", NULL, CONFIG_TEXT,
     "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60", 0, 0, NULL,
     KVRESP_PARAMETER_MULTIPLE, config_change_output_limits, config_read_output_limits,
     config_check_output_limits, 0},
    {"client-query-buffer-limit", NULL, CONFIG_MEMORY, "1073741824", 1048576, INT64_MAX, NULL, 0,
     config_change_query_limit, NULL, NULL, 0},
    {"databases", NULL, CONFIG_TEXT, "", 0, 0, NULL, KVRESP_PARAMETER_IMMUTABLE,
     config_change_nothing, config_read_databases, config_check_databases, 0},
    {"dbfilename", NULL, CONFIG_TEXT, "dump.rdb", 0, 0, NULL, KVRESP_PARAMETER_PROTECTED,
     config_change_file_name, NULL, config_check_file_name, 0},
    {"dir", NULL, CONFIG_TEXT, ".", 0, 0, NULL, KVRESP_PARAMETER_PROTECTED, config_change_directory,
     config_read_directory, NULL, 0},
    {"enable-debug-command", NULL, CONFIG_WORD, "no", 0, 0, WORDS("no", "local", "yes"),
     KVRESP_PARAMETER_IMMUTABLE, config_change_debug, NULL, NULL, 0},
    {"enable-protected-configs", NULL, CONFIG_WORD, "no", 0, 0, WORDS("no", "local", "yes"),
     KVRESP_PARAMETER_IMMUTABLE, config_change_protected, NULL, NULL, 0},
    {"latency-monitor-threshold", NULL, CONFIG_INTEGER, "0", 0, INT64_MAX, NULL, 0,
     config_change_latency_threshold, NULL, NULL, 0},
    {"latency-tracking", NULL, CONFIG_BOOLEAN, "yes", 0, 0, NULL, 0, config_change_tracking, NULL,
     NULL, 0},
    {"latency-tracking-info-percentiles", NULL, CONFIG_TEXT, "50 99 99.9", 0, 0, NULL,
     KVRESP_PARAMETER_MULTIPLE, config_change_percentiles, config_read_percentiles,
     config_check_percentiles, 0},
    {"lazyfree-lazy-user-del", NULL, CONFIG_BOOLEAN, "no", 0, 0, NULL, 0, config_change_lazy_del,
     NULL, NULL, 0},
    {"lazyfree-lazy-user-flush", NULL, CONFIG_BOOLEAN, "no", 0, 0, NULL, 0,
     config_change_lazy_flush, NULL, NULL, 0},
    {"list-max-listpack-size", "list-max-ziplist-size", CONFIG_INTEGER, NULL, INT32_MIN, INT32_MAX,
     NULL, 0, config_change_list_size, NULL, NULL, KV_SETTING_LIST_PACK_SIZE},
    {"masterauth", NULL, CONFIG_TEXT, "", 0, 0, NULL, KVRESP_PARAMETER_SENSITIVE,
     config_change_nothing, NULL, NULL, 0},
    {"masteruser", NULL, CONFIG_TEXT, "", 0, 0, NULL, KVRESP_PARAMETER_SENSITIVE,
     config_change_nothing, NULL, NULL, 0},
    {"notify-keyspace-events", NULL, CONFIG_TEXT, NULL, 0, 0, NULL, 0, config_change_events,
     config_read_events, config_check_events, KV_SETTING_EVENTS},
    SETTING("proto-max-bulk-len", NULL, CONFIG_MEMORY, RESP_BULK_MAX_LEAST, INT64_MAX,
            KV_SETTING_MAX_VALUE_SIZE),
    {"rdb-key-save-delay", NULL, CONFIG_INTEGER, "0", INT32_MIN, INT32_MAX, NULL,
     KVRESP_PARAMETER_HIDDEN, config_change_key_delay, NULL, NULL, 0},
    {"rdb-save-incremental-fsync", NULL, CONFIG_BOOLEAN, "yes", 0, 0, NULL, 0, config_change_saving,
     NULL, NULL, offsetof(struct saving, syncs_early)},
    {"rdb-version", NULL, CONFIG_INTEGER, "0", 0, 12, NULL, 0, config_change_rdb_version, NULL,
     NULL, offsetof(struct saving, rdb_version)},
    {"rdbchecksum", NULL, CONFIG_BOOLEAN, "yes", 0, 0, NULL, KVRESP_PARAMETER_IMMUTABLE,
     config_change_saving, NULL, NULL, offsetof(struct saving, sums)},
    {"rdbcompression", NULL, CONFIG_BOOLEAN, "yes", 0, 0, NULL, 0, config_change_saving, NULL, NULL,
     offsetof(struct saving, compresses)},
    {"replica-announce-ip", "slave-announce-ip", CONFIG_TEXT, "", 0, 0, NULL, 0,
     config_change_nothing, NULL, NULL, 0},
    {"replica-announce-port", "slave-announce-port", CONFIG_INTEGER, "0", 0, 65535, NULL, 0,
     config_change_nothing, NULL, NULL, 0},
    {"replica-announced", NULL, CONFIG_BOOLEAN, "yes", 0, 0, NULL, 0, config_change_nothing, NULL,
     NULL, 0},
    {"replica-priority", "slave-priority", CONFIG_INTEGER, "100", 0, INT32_MAX, NULL, 0,
     config_change_nothing, NULL, NULL, 0},
    {"replica-read-only", "slave-read-only", CONFIG_BOOLEAN, "yes", 0, 0, NULL, 0,
     config_change_replica_writes, NULL, NULL, 0},
    {"replica-serve-stale-data", "slave-serve-stale-data", CONFIG_BOOLEAN, "yes", 0, 0, NULL, 0,
     config_change_stale_data, NULL, NULL, 0},
    {"requirepass", NULL, CONFIG_TEXT, "", 0, 0, NULL, KVRESP_PARAMETER_SENSITIVE,
     config_change_password, NULL, config_check_password, 0},
    {"save", NULL, CONFIG_TEXT, "", 0, 0, NULL, KVRESP_PARAMETER_MULTIPLE, config_change_save,
     config_read_save, config_check_save, 0},
    {"shutdown-timeout", NULL, CONFIG_INTEGER, "10", 0, INT32_MAX, NULL, 0,
     config_change_shutdown_timeout, NULL, NULL, 0},
    {"slowlog-log-slower-than", NULL, CONFIG_INTEGER, "10000", -1, INT64_MAX, NULL, 0,
     config_change_slow_threshold, NULL, NULL, 0},
    {"slowlog-max-len", NULL, CONFIG_INTEGER, "128", 0, INT64_MAX, NULL, 0,
     config_change_slow_length, NULL, NULL, 0},
    {"stop-writes-on-bgsave-error", NULL, CONFIG_BOOLEAN, "yes", 0, 0, NULL, 0,
     config_change_saving, NULL, NULL, offsetof(struct saving, stops_writes)},

    /* For replicas. */
    REPLICAS("min-replicas-max-lag", "min-slaves-max-lag", CONFIG_INTEGER, "10", 0, INT32_MAX,
             REPLICAS_MIN_LAG),
    REPLICAS("min-replicas-to-write", "min-slaves-to-write", CONFIG_INTEGER, "0", 0, INT32_MAX,
             REPLICAS_MIN_COUNT),
    {"repl-backlog-size", NULL, CONFIG_MEMORY, "1048576", 1, INT64_MAX, NULL, 0,
     config_change_backlog_size, config_read_backlog_size, NULL, REPLICAS_BACKLOG_SIZE},
    REPLICAS("repl-backlog-ttl", NULL, CONFIG_INTEGER, "3600", 0, INT64_MAX, REPLICAS_BACKLOG_TTL),
    REPLICAS("repl-disable-tcp-nodelay", NULL, CONFIG_BOOLEAN, "no", 0, 0, REPLICAS_NO_DELAY),
    REPLICAS("repl-diskless-sync", NULL, CONFIG_BOOLEAN, "yes", 0, 0, REPLICAS_DISKLESS),
    REPLICAS("repl-diskless-sync-delay", NULL, CONFIG_INTEGER, "5", 0, INT32_MAX, REPLICAS_DELAY),
    REPLICAS("repl-diskless-sync-max-replicas", NULL, CONFIG_INTEGER, "0", 0, INT32_MAX,
             REPLICAS_DELAY_COUNT),
    REPLICAS("repl-ping-replica-period", "repl-ping-slave-period", CONFIG_INTEGER, "10", 1,
             INT32_MAX, REPLICAS_PING_PERIOD),
    REPLICAS("repl-timeout", NULL, CONFIG_INTEGER, "60", 1, INT32_MAX, REPLICAS_TIMEOUT),

    /*
     * Memory: there is no limit yet, and nothing is evicted. So all policies do the same, but for
     * those that need a count of uses, which OBJECT FREQ would tell.
     */
    STAND_IN("maxmemory", CONFIG_MEMORY, "0"),
    STAND_IN("maxmemory-clients", CONFIG_MEMORY, "0"),
    HINT("maxmemory-eviction-tenacity", CONFIG_INTEGER, "10", 0, 100),
    {"maxmemory-policy", NULL, CONFIG_WORD, "noeviction", 0, 0,
     WORDS("volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl", "allkeys-lru",
           "allkeys-lfu", "allkeys-random", "noeviction"),
     0, config_change_memory_policy, NULL, NULL, 0},
    HINT("maxmemory-samples", CONFIG_INTEGER, "5", 1, INT32_MAX),
    HINT("lfu-decay-time", CONFIG_INTEGER, "1", 0, INT32_MAX),
    HINT("lfu-log-factor", CONFIG_INTEGER, "10", 0, INT32_MAX),
    HINT("lazyfree-lazy-eviction", CONFIG_BOOLEAN, "no", 0, 0),
    HINT("lazyfree-lazy-expire", CONFIG_BOOLEAN, "no", 0, 0),
    HINT("lazyfree-lazy-server-del", CONFIG_BOOLEAN, "no", 0, 0),
    HINT("active-defrag-cycle-max", CONFIG_INTEGER, "25", 0, 0),
    HINT("active-defrag-cycle-min", CONFIG_INTEGER, "1", 0, 0),
    HINT("active-defrag-ignore-bytes", CONFIG_MEMORY, "104857600", 0, 0),
    HINT("active-defrag-max-scan-fields", CONFIG_INTEGER, "1000", 0, 0),
    HINT("active-defrag-threshold-lower", CONFIG_INTEGER, "10", 0, 0),
    HINT("active-defrag-threshold-upper", CONFIG_INTEGER, "100", 0, 0),
    STAND_IN("activedefrag", CONFIG_BOOLEAN, "no"),
    HINT("jemalloc-bg-thread", CONFIG_BOOLEAN, "no", 0, 0),

    /* Encodings: up to where a value is kept in one piece. */
    SETTING("hash-max-listpack-entries", "hash-max-ziplist-entries", CONFIG_INTEGER, 0, 0,
            KV_SETTING_HASH_PACK_COUNT),
    SETTING("hash-max-listpack-value", "hash-max-ziplist-value", CONFIG_MEMORY, 0, 0,
            KV_SETTING_HASH_PACK_VALUE),
    SETTING("hll-sparse-max-bytes", NULL, CONFIG_MEMORY, 0, 0, KV_SETTING_HLL_SPARSE_SIZE),
    STAND_IN_RANGE("list-compress-depth", CONFIG_INTEGER, "0", 0, INT32_MAX),
    SETTING("set-max-intset-entries", NULL, CONFIG_INTEGER, 0, 0, KV_SETTING_SET_INTEGER_COUNT),
    SETTING("set-max-listpack-entries", NULL, CONFIG_INTEGER, 0, 0, KV_SETTING_SET_PACK_COUNT),
    SETTING("set-max-listpack-value", NULL, CONFIG_INTEGER, 0, 0, KV_SETTING_SET_PACK_VALUE),
    SETTING("stream-node-max-bytes", NULL, CONFIG_MEMORY, 0, 0, KV_SETTING_STREAM_NODE_SIZE),
    SETTING("stream-node-max-entries", NULL, CONFIG_INTEGER, 0, 0, KV_SETTING_STREAM_NODE_COUNT),
    SETTING("zset-max-listpack-entries", "zset-max-ziplist-entries", CONFIG_INTEGER, 0, 0,
            KV_SETTING_SORTED_SET_PACK_COUNT),
    SETTING("zset-max-listpack-value", "zset-max-ziplist-value", CONFIG_MEMORY, 0, 0,
            KV_SETTING_SORTED_SET_PACK_VALUE),

    /* Files: what a store without them has to say. */
    HINT("aof-disable-auto-gc", CONFIG_BOOLEAN, "no", 0, 0),
    STAND_IN("aof-load-truncated", CONFIG_BOOLEAN, "yes"),
    HINT("aof-rewrite-incremental-fsync", CONFIG_BOOLEAN, "yes", 0, 0),
    STAND_IN("aof-timestamp-enabled", CONFIG_BOOLEAN, "no"),
    HINT("aof-use-rdb-preamble", CONFIG_BOOLEAN, "yes", 0, 0),
    STAND_IN("appenddirname", CONFIG_TEXT, "appendonlydir"),
    STAND_IN("appendfilename", CONFIG_TEXT, "appendonly.aof"),
    HINT_WORD("appendfsync", "everysec", "everysec", "always", "no"),
    STAND_IN("appendonly", CONFIG_BOOLEAN, "no"),
    STAND_IN("auto-aof-rewrite-min-size", CONFIG_MEMORY, "67108864"),
    STAND_IN("auto-aof-rewrite-percentage", CONFIG_INTEGER, "100"),
    HINT("no-appendfsync-on-rewrite", CONFIG_BOOLEAN, "no", 0, 0),
    HINT("rdb-del-sync-files", CONFIG_BOOLEAN, "no", 0, 0),
    HINT_WORD("sanitize-dump-payload", "yes", "no", "yes", "clients"),

    /* Sockets, processes, logs: of net/ and of the program, where there are any. */
    HINT("always-show-logo", CONFIG_BOOLEAN, "no", 0, 0),
    STAND_IN("bind", CONFIG_TEXT, ""),
    STAND_IN("bind-source-addr", CONFIG_TEXT, ""),
    HINT("crash-log-enabled", CONFIG_BOOLEAN, "no", 0, 0),
    HINT("crash-memcheck-enabled", CONFIG_BOOLEAN, "no", 0, 0),
    STAND_IN("daemonize", CONFIG_BOOLEAN, "no"),
    HINT("disable-thp", CONFIG_BOOLEAN, "no", 0, 0),
    STAND_IN("enable-module-command", CONFIG_TEXT, "no"),
    HINT("ignore-warnings", CONFIG_TEXT, "", 0, 0),
    STAND_IN("io-threads", CONFIG_INTEGER, "1"),
    HINT("io-threads-do-reads", CONFIG_BOOLEAN, "yes", 0, 0),
    STAND_IN("logfile", CONFIG_TEXT, ""),
    STAND_IN_WORD("loglevel", "notice", "debug", "verbose", "notice", "warning", "nothing"),
    STAND_IN("maxclients", CONFIG_INTEGER, "10000"),
    STAND_IN("oom-score-adj", CONFIG_TEXT, "no"),
    HINT("oom-score-adj-values", CONFIG_TEXT, "0 200 800", 0, 0),
    STAND_IN("pidfile", CONFIG_TEXT, ""),
    STAND_IN("port", CONFIG_INTEGER, "0"),
    HINT("proc-title-template", CONFIG_TEXT, "{title} {listen-addr} {server-mode}", 0, 0),
    STAND_IN("protected-mode", CONFIG_BOOLEAN, "no"),
    HINT("set-proc-title", CONFIG_BOOLEAN, "no", 0, 0),
    STAND_IN("shutdown-on-sigint", CONFIG_TEXT, "default"),
    STAND_IN("shutdown-on-sigterm", CONFIG_TEXT, "default"),
    STAND_IN("socket-mark-id", CONFIG_INTEGER, "0"),
    STAND_IN_WORD("supervised", "no", "upstart", "systemd", "auto", "no"),
    STAND_IN("syslog-enabled", CONFIG_BOOLEAN, "no"),
    HINT("syslog-facility", CONFIG_TEXT, "local0", 0, 0),
    HINT("syslog-ident", CONFIG_TEXT, "redis", 0, 0),
    STAND_IN("tcp-backlog", CONFIG_INTEGER, "511"),
    STAND_IN("tcp-keepalive", CONFIG_INTEGER, "300"),
    STAND_IN("timeout", CONFIG_INTEGER, "0"),
    STAND_IN("unixsocket", CONFIG_TEXT, ""),
    STAND_IN("unixsocketperm", CONFIG_TEXT, "0"),
    STAND_IN("aof_rewrite_cpulist", CONFIG_TEXT, ""),
    STAND_IN("bgsave_cpulist", CONFIG_TEXT, ""),
    STAND_IN("bio_cpulist", CONFIG_TEXT, ""),
    STAND_IN("server_cpulist", CONFIG_TEXT, ""),
    STAND_IN("tls-auth-clients", CONFIG_TEXT, "yes"),
    STAND_IN("tls-ca-cert-dir", CONFIG_TEXT, ""),
    STAND_IN("tls-ca-cert-file", CONFIG_TEXT, ""),
    STAND_IN("tls-cert-file", CONFIG_TEXT, ""),
    STAND_IN("tls-ciphers", CONFIG_TEXT, ""),
    STAND_IN("tls-ciphersuites", CONFIG_TEXT, ""),
    STAND_IN("tls-client-cert-file", CONFIG_TEXT, ""),
    STAND_IN("tls-client-key-file", CONFIG_TEXT, ""),
    STAND_IN("tls-client-key-file-pass", CONFIG_TEXT, ""),
    STAND_IN("tls-cluster", CONFIG_BOOLEAN, "no"),
    STAND_IN("tls-dh-params-file", CONFIG_TEXT, ""),
    STAND_IN("tls-key-file", CONFIG_TEXT, ""),
    STAND_IN("tls-key-file-pass", CONFIG_TEXT, ""),
    STAND_IN("tls-port", CONFIG_INTEGER, "0"),
    STAND_IN("tls-prefer-server-ciphers", CONFIG_BOOLEAN, "no"),
    STAND_IN("tls-protocols", CONFIG_TEXT, ""),
    STAND_IN("tls-replication", CONFIG_BOOLEAN, "no"),
    STAND_IN("tls-session-cache-size", CONFIG_INTEGER, "20480"),
    STAND_IN("tls-session-cache-timeout", CONFIG_INTEGER, "300"),
    STAND_IN("tls-session-caching", CONFIG_BOOLEAN, "yes"),

    /* Replication, clusters, access control, scripts, notifications, tracking: not here. */
    HINT_WORD("acl-pubsub-default", "resetchannels", "allchannels", "resetchannels"),
    STAND_IN("aclfile", CONFIG_TEXT, ""),
    HINT("acllog-max-len", CONFIG_INTEGER, "128", 0, 0),
    HINT_ALIAS("busy-reply-threshold", "lua-time-limit", CONFIG_INTEGER, "5000"),
    HINT("cluster-allow-pubsubshard-when-down", CONFIG_BOOLEAN, "yes", 0, 0),
    HINT("cluster-allow-reads-when-down", CONFIG_BOOLEAN, "no", 0, 0),
    HINT("cluster-allow-replica-migration", CONFIG_BOOLEAN, "yes", 0, 0),
    STAND_IN("cluster-announce-bus-port", CONFIG_INTEGER, "0"),
    STAND_IN("cluster-announce-hostname", CONFIG_TEXT, ""),
    STAND_IN("cluster-announce-human-nodename", CONFIG_TEXT, ""),
    STAND_IN("cluster-announce-ip", CONFIG_TEXT, ""),
    STAND_IN("cluster-announce-port", CONFIG_INTEGER, "0"),
    STAND_IN("cluster-announce-tls-port", CONFIG_INTEGER, "0"),
    HINT("cluster-config-file", CONFIG_TEXT, "nodes.conf", 0, 0),
    STAND_IN("cluster-enabled", CONFIG_BOOLEAN, "no"),
    HINT("cluster-link-sendbuf-limit", CONFIG_MEMORY, "0", 0, 0),
    HINT("cluster-migration-barrier", CONFIG_INTEGER, "1", 0, 0),
    HINT("cluster-node-timeout", CONFIG_INTEGER, "15000", 0, 0),
    STAND_IN("cluster-port", CONFIG_INTEGER, "0"),
    HINT_WORD("cluster-preferred-endpoint-type", "ip", "ip", "hostname", "unknown-endpoint"),
    HINT_ALIAS("cluster-replica-no-failover", "cluster-slave-no-failover", CONFIG_BOOLEAN, "no"),
    HINT_ALIAS("cluster-replica-validity-factor", "cluster-slave-validity-factor", CONFIG_INTEGER,
               "10"),
    HINT("cluster-require-full-coverage", CONFIG_BOOLEAN, "yes", 0, 0),
    HINT_WORD("propagation-error-behavior", "ignore", "ignore", "panic", "panic-on-replicas"),
    HINT_WORD("repl-diskless-load", "disabled", "disabled", "on-empty-db", "swapdb"),
    HINT("replica-ignore-disk-write-errors", CONFIG_BOOLEAN, "no", 0, 0),
    HINT_ALIAS("replica-ignore-maxmemory", "slave-ignore-maxmemory", CONFIG_BOOLEAN, "yes"),
    HINT_ALIAS("replica-lazy-flush", "slave-lazy-flush", CONFIG_BOOLEAN, "no"),
    HINT("tracking-table-max-keys", CONFIG_INTEGER, "1000000", 0, 0),

    /* The rhythm of a loop that is the host's. */
    HINT("active-expire-effort", CONFIG_INTEGER, "1", 1, 10),
    HINT("activerehashing", CONFIG_BOOLEAN, "yes", 0, 0),
    HINT("dynamic-hz", CONFIG_BOOLEAN, "yes", 0, 0),
    HINT("hz", CONFIG_CLAMPED, "10", 1, 500),
};
enum { CONFIG_OWN_COUNT = sizeof config_own / sizeof config_own[0] };

static kv_status config_add_value(kvresp *resp, struct config_value *value,
                                  const struct config_facts *facts)
{
    char message[256];
    value->facts = facts;
    value->resp = resp;
    value->parameter = (kvresp_parameter){.name = facts->name,
                                          .alias = facts->alias,
                                          .flags = facts->flags,
                                          .read = config_read_value,
                                          .check = config_check_value,
                                          .apply = config_apply_value};
    if (facts->value != NULL && config_apply_value(value, kv_text(facts->value), message) != NULL)
        return KV_NOMEM;
    bool is_stand_in = facts->change == NULL || facts->change == config_keep_hint;
    struct config_entry entry = {
        .parameter = &value->parameter, .context = value, .is_stand_in = is_stand_in};
    return config_add(&resp->config, entry);
}

kv_status config_add_own(kvresp *resp)
{
    resp->settings.values = calloc(CONFIG_OWN_COUNT, sizeof *resp->settings.values);
    if (resp->settings.values == NULL) return KV_NOMEM;
    for (size_t i = 0; i < CONFIG_OWN_COUNT; i++) {
        kv_status status = config_add_value(resp, &resp->settings.values[i], &config_own[i]);
        if (status != KV_OK) return status;
    }
    return KV_OK;
}

void config_free_own(kvresp *resp)
{
    for (size_t i = 0; resp->settings.values != NULL && i < CONFIG_OWN_COUNT; i++)
        free(resp->settings.values[i].text);
    free(resp->settings.values);
}
