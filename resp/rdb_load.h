/*
 * resp/rdb_load.h -- filling the store from its RDB file: at the start, and by DEBUG RELOAD.
 */
#ifndef KV_RESP_RDB_LOAD_H
#define KV_RESP_RDB_LOAD_H

#include "kvresp.h"

/* What becomes of the keys that are there. */
enum rdb_load {
    RDB_LOAD_FIRST,   /* there are none */
    RDB_LOAD_REPLACE, /* they go, at the instant at which those of the file come */
    RDB_LOAD_ADD,     /* they stay; if the file has one of them, too: KV_SKIPPED, half way */
    RDB_LOAD_MERGE    /* they stay, but those that are in the file have its value */
};

/*
 * Loads `dbfilename`. KV_OK; KV_NONE if there is no such file; else KV_BADARG, KV_NOMEM or
 * KV_CANCELLED with a message. `options` may be NULL.
 */
kv_status rdb_load(kvresp *resp, enum rdb_load how, const kvresp_load_options *options,
                   char message[256]);

#endif
