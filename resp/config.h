/*
 * resp/config.h -- parameters: a registry to which each room adds its own, and CONFIG GET, SET and REWRITE over it.
 */
#ifndef KV_RESP_CONFIG_H
#define KV_RESP_CONFIG_H

#include "resp/shared.h"

kv_status config_open(struct config *config);
void config_close(struct config *config);

void config_lock(struct config *config);
void config_unlock(struct config *config);

/* A parameter found by name or alias, in any case, and the context of its table; NULL if there is none. */
const kvresp_parameter *config_find(struct config *config, kv_slice name, void **context);

bool config_is_sensitive(struct config *config, kv_slice name);

/*
 * Sets several parameters, all or none. Returns NULL, or the whole error without "ERR " in `message`: Redis's words, which
 * name the parameter at fault. `starting` allows those that are fixed at run time.
 */
enum { CONFIG_MESSAGE_SIZE = 512 };
const char *config_set(struct config *config, const kv_slice *names, const kv_slice *values, size_t count,
                       bool starting, char message[CONFIG_MESSAGE_SIZE]);

/* Visits each parameter whose name or alias matches one of the patterns, once per name that matches. */
typedef void config_visit(void *context, const char *name, kv_slice value);
kv_status config_get(struct config *config, const kv_slice *patterns, size_t count, config_visit *visit, void *context);

/* Visits all parameters in the order of their tables. */
typedef void config_visit_parameter(void *context, const kvresp_parameter *parameter, kv_slice value);
kv_status config_each(struct config *config, config_visit_parameter *visit, void *context);

/*
 * Makes the file say what is in force: lines of parameters are changed in place, comments and order stay, parameters that
 * differ from `defaults` and have no line are added at the end. KV_OK; KV_BADARG with errno set.
 */
kv_status config_rewrite(struct config *config, const char *path);

/* ------------------------------------------------------------------- this room's own parameters */

/* Sets the defaults and adds the table. In config_table.c. */
kv_status config_add_own(kvresp *resp);
void config_free_own(kvresp *resp);

/* ---------------------------------------------------------------------------- values in text */

/* "1gb", "100mb", "512": bytes, as Redis counts them (1k is 1000, 1kb is 1024). False if it is none. */
bool config_parse_memory(kv_slice text, uint64_t *bytes);

#endif
