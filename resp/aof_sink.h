/*
 * resp/aof_sink.h -- where the commands go that are read from files, and what the room's log is.
 *
 * The readers (aof_loader, aof_rdb) know no store: a sink applies the commands they find. So they
 * are tested, and fuzzed, with a sink that only looks.
 */
#ifndef KV_RESP_AOF_SINK_H
#define KV_RESP_AOF_SINK_H

#include "kvresp.h"
#include "resp/text.h"

enum { AOF_MESSAGE_SIZE = 256, AOF_WHY_SIZE = 160 };

struct aof_command {
    const kv_slice *arguments; /* the first is the name */
    size_t argument_count;
    uint64_t offset; /* in its file */
};

struct aof_sink {
    /*
     * Applies `count` commands in order; all is lent for the call. Returns KV_OK; KV_NOMEM;
     * KV_BADARG with the index of the command that cannot be applied in *failed and the reason in
     * `why`.
     */
    kv_status (*apply)(void *context, const struct aof_command *commands, size_t count,
                       size_t *failed, char why[AOF_WHY_SIZE]);
    void *context;
};

struct aof_log {
    kvresp_log *write; /* NULL: no log */
    void *context;
};

void aof_logf(const struct aof_log *log, kvresp_level level, const char *format, ...)
    TEXT_PRINTF(3, 4);

/* Writes "path, offset N: text" to `message` and returns KV_BADARG. */
kv_status aof_refuse(char message[AOF_MESSAGE_SIZE], const char *path, uint64_t offset,
                     const char *format, ...) TEXT_PRINTF(4, 5);

#endif
