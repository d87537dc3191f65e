/*
 * kvstore-server/options.h -- the options that this program itself acts on when it starts.
 *
 * Names are Redis's. All other names are parameters of the modules (kvresp_config_set), which know
 * them.
 */
#ifndef KVSTORE_SERVER_OPTIONS_H
#define KVSTORE_SERVER_OPTIONS_H

#include "kvnet.h"
#include "kvstore-server/log.h"
#include "kvstore-server/settings.h"

struct options {
    /* The store. */
    int64_t databases, shards;
    /* Where and how it listens. */
    const char *bind; /* words */
    int64_t port, unix_permissions, backlog, max_clients, timeout_s, keepalive_s, threads;
    const char *unix_socket;
    int64_t protected_mode;
    /* Metrics over HTTP; port 0: none. */
    const char *metrics_bind, *metrics_prefix;
    int64_t metrics_port;
    /* The append-only file. */
    const char *directory, *append_directory, *append_file;
    int64_t append_only, load_until_s, progress_bytes, load_delay_us;
    /* The process. */
    const char *log_file, *pid_file;
    int64_t log_level, log_format, daemonize;
};

extern const struct options options_default;

/* True if the program itself acts on an option of this name. */
bool options_has(const char *name);

/* Sets an option; its texts are lent by the setting. False, and why in `message`. */
bool options_set(struct options *options, const struct setting *setting,
                 char message[SETTINGS_MESSAGE_SIZE]);

/*
 * The options of the server. `addresses`, of OPTIONS_ADDRESSES_MAX, points into `words`; both are
 * needed until it has started.
 */
enum { OPTIONS_ADDRESSES_MAX = 64 };
kvnet_options options_for_net(const struct options *options, struct words *words,
                              const char **addresses);

/*
 * Lets CONFIG show these options, and change those of the log. A name that a module owns is left to
 * it. All must outlive `resp`.
 */
enum { OPTIONS_SHOWN_MAX = 24 };
struct options_shown {
    struct options *options;
    struct log *log;
    struct options_item {
        const struct option *option;
        struct options_shown *shown;
        kvresp_parameter parameter;
    } items[OPTIONS_SHOWN_MAX];
};
void options_show(kvresp *resp, struct options_shown *shown);

#endif
