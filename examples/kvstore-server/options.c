/*
 * kvstore-server/options.c -- the options that this program itself acts on when it starts.
 */
#include "kvstore-server/options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum option_kind { OPTION_NUMBER, OPTION_OCTAL, OPTION_TEXT, OPTION_WORDS, OPTION_CHOICE };

#define OPTION_SHOWN      1u /* CONFIG GET has it from here */
#define OPTION_CHANGEABLE 2u /* and CONFIG SET too */
#define OPTION_HIDDEN     4u /* only by its exact name */

struct option {
    const char *name;
    enum option_kind kind;
    size_t offset; /* in struct options, of an int64_t or a const char * */
    unsigned flags;
    int64_t least, most;      /* of a number */
    const char *const *names; /* of a choice; its value is the index */
};

static const char *const no_yes[] = {"no", "yes", NULL};
static const char *const levels[] = {"debug", "verbose", "notice", "warning", "nothing", NULL};
static const char *const formats[] = {"text", "logfmt", "json", NULL};

const struct options options_default = {
    .databases = 16,
    .shards = 0,
    .bind = NULL,
    .port = 6379,
    .backlog = 511,
    .max_clients = 10000,
    .keepalive_s = 300,
    .unix_socket = "",
    .protected_mode = true,
    .metrics_bind = "127.0.0.1",
    .metrics_prefix = "kvstore_",
    .directory = ".",
    .append_directory = "appendonlydir",
    .append_file = "appendonly.aof",
    .progress_bytes = 2 * 1024 * 1024,
    .log_file = "",
    .pid_file = "",
    .log_level = KVRESP_NOTICE,
};

#define AT(field) offsetof(struct options, field)
static const struct option option_table[] = {
    {"aof-load-until", OPTION_NUMBER, AT(load_until_s), 0, 0, INT64_MAX, NULL},
    {"appenddirname", OPTION_TEXT, AT(append_directory), 0, 0, 0, NULL},
    {"appendfilename", OPTION_TEXT, AT(append_file), 0, 0, 0, NULL},
    {"appendonly", OPTION_CHOICE, AT(append_only), 0, 0, 0, no_yes},
    {"bind", OPTION_WORDS, AT(bind), 0, 0, 0, NULL},
    {"daemonize", OPTION_CHOICE, AT(daemonize), OPTION_SHOWN, 0, 0, no_yes},
    {"databases", OPTION_NUMBER, AT(databases), OPTION_SHOWN, 1, 65536, NULL},
    {"dir", OPTION_TEXT, AT(directory), 0, 0, 0, NULL},
    {"io-threads", OPTION_NUMBER, AT(threads), 0, 0, 128, NULL},
    {"key-load-delay", OPTION_NUMBER, AT(load_delay_us), OPTION_SHOWN | OPTION_HIDDEN, 0, INT32_MAX,
     NULL},
    {"loading-process-events-interval-bytes", OPTION_NUMBER, AT(progress_bytes),
     OPTION_SHOWN | OPTION_HIDDEN, 1024, INT64_MAX, NULL},
    {"log-format", OPTION_CHOICE, AT(log_format), OPTION_SHOWN | OPTION_CHANGEABLE, 0, 0, formats},
    {"logfile", OPTION_TEXT, AT(log_file), OPTION_SHOWN, 0, 0, NULL},
    {"loglevel", OPTION_CHOICE, AT(log_level), OPTION_SHOWN | OPTION_CHANGEABLE, 0, 0, levels},
    {"maxclients", OPTION_NUMBER, AT(max_clients), 0, 1, UINT32_MAX, NULL},
    {"metrics-bind", OPTION_TEXT, AT(metrics_bind), OPTION_SHOWN, 0, 0, NULL},
    {"metrics-port", OPTION_NUMBER, AT(metrics_port), OPTION_SHOWN, 0, 65535, NULL},
    {"metrics-prefix", OPTION_TEXT, AT(metrics_prefix), OPTION_SHOWN, 0, 0, NULL},
    {"pidfile", OPTION_TEXT, AT(pid_file), OPTION_SHOWN, 0, 0, NULL},
    {"port", OPTION_NUMBER, AT(port), 0, 0, 65535, NULL},
    {"protected-mode", OPTION_CHOICE, AT(protected_mode), 0, 0, 0, no_yes},
    {"shards", OPTION_NUMBER, AT(shards), OPTION_SHOWN, 0, 1024, NULL},
    {"tcp-backlog", OPTION_NUMBER, AT(backlog), 0, 1, INT32_MAX, NULL},
    {"tcp-keepalive", OPTION_NUMBER, AT(keepalive_s), 0, 0, INT32_MAX, NULL},
    {"timeout", OPTION_NUMBER, AT(timeout_s), 0, 0, INT32_MAX, NULL},
    {"unixsocket", OPTION_TEXT, AT(unix_socket), 0, 0, 0, NULL},
    {"unixsocketperm", OPTION_OCTAL, AT(unix_permissions), 0, 0, 0777, NULL},
};
#undef AT

enum { OPTION_COUNT = sizeof option_table / sizeof *option_table };

static const struct option *option_find(const char *name)
{
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (strcasecmp(option_table[i].name, name) == 0) return &option_table[i];
    return NULL;
}

bool options_has(const char *name)
{
    return option_find(name) != NULL;
}

static int64_t *option_number(const struct option *option, struct options *options)
{
    return (int64_t *)(void *)((char *)options + option->offset);
}

static const char **option_text(const struct option *option, struct options *options)
{
    return (const char **)(void *)((char *)options + option->offset);
}

/* Reads a value that is no text; false, and what was expected in `message`. */
static bool option_parse(const struct option *option, const char *value, int64_t *number,
                         char *message, size_t size)
{
    if (option->kind == OPTION_CHOICE) {
        size_t used = (size_t)snprintf(message, size, "argument(s) must be one of the following:");
        for (int i = 0; option->names[i] != NULL; i++) {
            *number = i;
            if (strcasecmp(option->names[i], value) == 0) return true;
            const char *comma = i == 0 ? "" : ",";
            if (used < size)
                used +=
                    (size_t)snprintf(message + used, size - used, "%s %s", comma, option->names[i]);
        }
        return false;
    }
    char *end;
    errno = 0;
    bool is_octal = option->kind == OPTION_OCTAL;
    *number = strtoll(value, &end, is_octal ? 8 : 10);
    snprintf(message, size,
             is_octal ? "argument must be octal, from %" PRIo64 " to %" PRIo64
                      : "argument must be between %" PRId64 " and %" PRId64 " inclusive",
             option->least, option->most);
    bool is_number = end != value && *end == '\0' && errno == 0;
    return is_number && *number >= option->least && *number <= option->most;
}

bool options_set(struct options *options, const struct setting *setting,
                 char message[SETTINGS_MESSAGE_SIZE])
{
    const struct option *option = option_find(setting->name);
    char reason[SETTINGS_MESSAGE_SIZE / 2] = "one value is expected";
    bool is_set = option->kind == OPTION_WORDS || setting->word_count == 1;
    if (is_set && (option->kind == OPTION_TEXT || option->kind == OPTION_WORDS)) {
        *option_text(option, options) = setting->value;
    } else if (is_set) {
        int64_t number = 0;
        is_set = option_parse(option, setting->value, &number, reason, sizeof reason);
        if (is_set) *option_number(option, options) = number;
    }
    if (!is_set)
        snprintf(message, SETTINGS_MESSAGE_SIZE, "%.150s: '%.30s %.60s': %.200s", setting->origin,
                 option->name, setting->value, reason);
    return is_set;
}

/*
 * Port 0 means no TCP, as it does for Redis, where a unix socket is given to connect to. Where none
 * is, such a server would serve nobody; there it means a free port, which the log tells.
 */
kvnet_options options_for_net(const struct options *options, struct words *words,
                              const char **addresses)
{
    kvnet_options net = KV_OPTIONS(kvnet_options);
    bool has_path = options->unix_socket[0] != '\0';
    if (options->bind != NULL &&
        quoting_split(words, options->bind, strlen(options->bind)) == QUOTING_OK) {
        for (size_t i = 0; i < words->count && i < OPTIONS_ADDRESSES_MAX; i++)
            addresses[i] = words->items[i].data;
        if (words->count == 0) addresses[0] = ""; /* nowhere */
        net.bind = addresses;
        net.bind_count = words->count == 0                      ? 1
                         : words->count < OPTIONS_ADDRESSES_MAX ? words->count
                                                                : OPTIONS_ADDRESSES_MAX;
    }
    net.port = options->port == 0 && has_path ? -1 : (int)options->port;
    net.unix_socket = has_path ? options->unix_socket : NULL;
    net.unix_permissions = (unsigned)options->unix_permissions;
    net.threads = (int)options->threads;
    net.backlog = (int)options->backlog;
    net.max_clients = (uint32_t)options->max_clients;
    net.idle_timeout_s = options->timeout_s;
    net.keepalive_s = options->keepalive_s == 0 ? -1 : options->keepalive_s;
    net.protected_mode = options->protected_mode;
    return net;
}

/* ------------------------------------------------------------------------------ shown by CONFIG */

static kv_status append(kv_buffer *text, const char *more)
{
    size_t size = strlen(more);
    if (text->capacity - text->size < size) {
        void *data = realloc(text->data, text->size + size);
        if (data == NULL) return KV_NOMEM;
        text->data = data;
        text->capacity = text->size + size;
    }
    if (size > 0) memcpy((char *)text->data + text->size, more, size);
    text->size += size;
    return KV_OK;
}

static kv_status read_option(void *context, kv_buffer *value)
{
    const struct options_item *item = context;
    struct options *options = item->shown->options;
    const struct option *option = item->option;
    char digits[32];
    if (option->kind == OPTION_TEXT) return append(value, *option_text(option, options));
    if (option->kind == OPTION_CHOICE)
        return append(value, option->names[*option_number(option, options)]);
    snprintf(digits, sizeof digits, "%" PRId64, *option_number(option, options));
    return append(value, digits);
}

static const char *parse_slice(const struct option *option, kv_slice value, int64_t *number,
                               char message[256])
{
    char text[64];
    snprintf(text, sizeof text, "%.*s", (int)(value.size < 63 ? value.size : 63),
             (const char *)value.data);
    return option_parse(option, text, number, message, 256) ? NULL : message;
}

static const char *check_option(void *context, kv_slice value, char message[256])
{
    int64_t number;
    return parse_slice(((struct options_item *)context)->option, value, &number, message);
}

static const char *apply_option(void *context, kv_slice value, char message[256])
{
    const struct options_item *item = context;
    struct options_shown *shown = item->shown;
    int64_t number = 0;
    const char *error = parse_slice(item->option, value, &number, message);
    if (error != NULL) return error;
    *option_number(item->option, shown->options) = number;
    atomic_store(&shown->log->level, (int)shown->options->log_level);
    atomic_store(&shown->log->format, (int)shown->options->log_format);
    return NULL;
}

void options_show(kvresp *resp, struct options_shown *shown)
{
    struct options_item *item = shown->items;
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *option = &option_table[i];
        if (!(option->flags & OPTION_SHOWN)) continue;
        bool is_fixed = !(option->flags & OPTION_CHANGEABLE);
        *item =
            (struct options_item){option, shown, {option->name, NULL, 0, read_option, NULL, NULL}};
        if (option->flags & OPTION_HIDDEN) item->parameter.flags = KVRESP_PARAMETER_HIDDEN;
        if (is_fixed) item->parameter.flags |= KVRESP_PARAMETER_IMMUTABLE;
        else item->parameter.check = check_option, item->parameter.apply = apply_option;
        kvresp_config_add(resp, &item->parameter, 1, item);
        item++;
    }
}
