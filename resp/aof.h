/*
 * resp/aof.h -- the append-only file as the rest of its room and its tests see it. Sessions see
 * aof_link.h.
 */
#ifndef KV_RESP_AOF_H
#define KV_RESP_AOF_H

#include "kvresp.h"
#include "resp/aof_io.h"
#include "resp/aof_link.h"
#include "resp/aof_writer.h"

struct kvresp_aof {
    kv *db;
    struct aof_log log;
    char *directory, *directory_name, *file_name; /* as the options named them */
    char *path;                                   /* of the directory of the files */
    bool refuse_truncated;
    int lock; /* on that directory; -1 where there are no such locks */
    struct aof_writer writer;
    kv_follower *follower;
    pthread_t thread;
    bool refuses_writes; /* it was this room that told the store to; of the log thread */
    uint64_t base_size, loaded_commands;
    int64_t load_ms;
    struct aof_link link; /* filled by kvresp_attach_aof() */
};

/* kvresp_aof_open() on another file system than the machine's. */
kv_status aof_open_on(kv *db, const kvresp_aof_options *options, const struct aof_io *io,
                      kvresp_aof **aof, char message[256]);

#endif
