/*
 * resp/aof_rdb.h -- the RDB that a base file is, or begins with, on its way into the store.
 */
#ifndef KV_RESP_AOF_RDB_H
#define KV_RESP_AOF_RDB_H

#include "resp/aof_reader.h"
#include "resp/aof_sink.h"

/* How an RDB is loaded. */
struct aof_rdb {
    kv *db;                          /* whose store has no keys; NULL: it is refused */
    unsigned threads;                /* kv_load_options */
    uint32_t delay_us;               /* a rest for each key, to test what comes meanwhile */
    void (*progress)(void *context); /* called now and then; may be NULL */
    void *context;
    void (*aux)(void *context, kv_slice name, kv_slice value); /* may be NULL */
    void *aux_context;
    const struct aof_log *log;
};

/* True if the file starts like an RDB. May read. */
bool aof_rdb_is_there(struct aof_reader *reader);

/*
 * Loads the RDB at the reader's place and leaves the reader behind it. Keys that have expired are
 * loaded, too, as the commands that follow may be about them. KV_OK; KV_NOMEM; KV_BADARG with a
 * message (path, offset, what is wrong); then the store has none of it.
 */
kv_status aof_rdb_load(struct aof_reader *reader, const char *path, const struct aof_rdb *how,
                       kv_load_report *report, char message[AOF_MESSAGE_SIZE]);

#endif
