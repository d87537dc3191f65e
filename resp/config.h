/*
 * resp/config.h -- parameters: a registry to which each room adds its own, and CONFIG GET, SET and
 * REWRITE over it.
 */
#ifndef KV_RESP_CONFIG_H
#define KV_RESP_CONFIG_H

#include "resp/shared.h"

kv_status config_open(struct config *config);
void config_close(struct config *config);

void config_lock(struct config *config);
void config_unlock(struct config *config);

/*
 * Adds a parameter. One that is only a stand-in gives way to a later one of its name; else
 * KV_BADARG.
 */
kv_status config_add(struct config *config, struct config_entry entry);

/* Takes the parameters of a context out; stand-ins come back. Under the lock. */
void config_remove(struct config *config, const void *context);

/* Finds a parameter by its name or alias, in any case; NULL if there is none. Under the lock. */
struct config_entry *config_find(const struct config *config, kv_slice name);

bool config_is_sensitive(struct config *config, kv_slice name);

/*
 * Sets several parameters, all or none. Returns NULL, or the whole error without "ERR " in
 * `message`: Redis's words, which name the parameter at fault. `powers` allow those that are fixed
 * at run time, and those that are protected.
 */
enum config_powers { CONFIG_STARTING = 1, CONFIG_PROTECTED = 2 };
enum { CONFIG_MESSAGE_SIZE = 512, CONFIG_REASON_SIZE = 256 };
const char *config_set(struct config *config, const kv_slice *names, const kv_slice *values,
                       size_t count, unsigned powers, char message[CONFIG_MESSAGE_SIZE]);

/*
 * Shows each name or alias that matches one of the patterns, once, with the value. KV_OK or
 * KV_NOMEM.
 */
typedef void config_visit(void *context, kv_slice name, kv_slice value);
kv_status config_get(struct config *config, const kv_slice *patterns, size_t count,
                     config_visit *visit, void *context);

/*
 * Makes the file say what is in force: lines of parameters are changed in place, comments and order
 * stay; parameters without a line that somebody set are added at the end. Returns 0 or an errno.
 */
int config_rewrite(kvresp *resp, const char *path);

/*
 * Appends a value as a line of a configuration file needs it: quoted if it is empty or has odd
 * bytes.
 */
kv_status config_append_value(kv_buffer *line, kv_slice value);

/* ------------------------------------------------------------------- this room's own parameters */

/* Sets the defaults and adds all parameters this room knows of. In config_table.c. */
kv_status config_add_own(kvresp *resp);
void config_free_own(kvresp *resp);

/* ------------------------------------------------------------------------------- values in text */

/*
 * "1gb", "100mb", "512": bytes, as Redis counts them (1k is 1000, 1kb is 1024). False if it is
 * none.
 */
bool config_parse_memory(kv_slice text, uint64_t *bytes);

#endif
