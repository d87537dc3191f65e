/*
 * resp/aof.h -- the append-only file as the rest of its room and its tests see it. Sessions see
 * aof_link.h.
 *
 * The log thread runs it all: it follows the journal and lets go of it as is wished, writes
 * (aof_writer), and begins and ends rewrites (aof_rewrite).
 */
#ifndef KV_RESP_AOF_H
#define KV_RESP_AOF_H

#include "kvresp.h"
#include "resp/aof_files.h"
#include "resp/aof_link.h"
#include "resp/aof_rewrite.h"
#include "resp/aof_writer.h"

/* A parameter that is yes or no. */
struct aof_switch {
    kvresp_aof *aof;
    _Atomic bool *is_set;
    bool is_inverted; /* yes clears it */
};

enum { AOF_SWITCHES = 5 };

struct kvresp_aof {
    kv *db;
    struct aof_log log;
    struct aof_files files;
    struct aof_writer writer;
    struct aof_rewrite rewrite;
    kvresp_aof_options options; /* about loading: no texts but what the host lends for good */

    pthread_t thread;
    _Atomic bool is_stopping; /* the thread is to end */

    pthread_mutex_t lock;      /* of these; not held while shards are waited for */
    bool has_thread;           /* from the first need on */
    bool is_turning;           /* the log begins or ends at this moment */
    _Atomic int reload_status; /* of the last reload; KV_PENDING: it is wanted */
    char reload_message[AOF_MESSAGE_SIZE];
    bool is_closing; /* it does neither any more */
    /*
     * Where a log that begins will be; NULL: where the files are. And the files there, open: the
     * log thread, whose the present ones are, makes them those of the log. Set under the lock.
     */
    _Atomic(char *) directory;
    _Atomic(struct aof_files *) next;
    pthread_cond_t turned;

    _Atomic bool is_loading;
    kv_follower *follower;  /* NULL: there is no log */
    _Atomic bool is_wanted; /* there should be one */
    _Atomic bool is_stale;  /* and it should begin anew: the store was replaced */

    bool refuses_writes;    /* it was this room that told the store to; of the log thread */
    _Atomic bool is_partly; /* loaded up to load_until_s, and refusing writes for it */
    _Atomic uint64_t loaded_commands;
    _Atomic int64_t load_ms;
    _Atomic bool refuses_truncated; /* as the option; may change */
    struct aof_link link;           /* these are filled by kvresp_attach_aof() */
    struct aof_switch switches[AOF_SWITCHES];
};

/*
 * Empties the store and fills it from the files: DEBUG LOADAOF. What is written meanwhile is lost.
 * KV_OK; as kvresp_aof_load() if it fails, and then the store refuses writes. Not within a
 * transaction.
 */
kv_status aof_reload(kvresp_aof *aof, char message[AOF_MESSAGE_SIZE]);

/*
 * kvresp_aof_rewrite(), which tells apart what is under way, KV_OK, and what is scheduled,
 * KV_PENDING: because another snapshot comes first, or because the caller holds them all up.
 */
kv_status aof_ask_for_rewrite(kvresp_aof *aof, bool schedules);

/* To be called when settings were changed. */
void aof_heed_settings(kvresp_aof *aof);

/* kvresp_aof_open() on another file system than the machine's. */
kv_status aof_open_on(kv *db, const kvresp_aof_options *options, const struct aof_io *io,
                      kvresp_aof **aof, char message[256]);

#endif
