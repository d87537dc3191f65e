/*
 * resp/aof_replay.h -- applies commands read from files to a store: the sink of the loader.
 *
 * The keys of a batch are prefetched together; the commands that make up nearly all of a journal
 * call the store at once; any other goes through the command table, in a session of its own. A
 * command that the store refuses ends the load: the journal holds only what once succeeded, so the
 * file does not fit the store. But FUNCTION and SCRIPT, which say what scripts there are and change no
 * key, are passed over with a warning, as the libraries of functions in an RDB are.
 */
#ifndef KV_RESP_AOF_REPLAY_H
#define KV_RESP_AOF_REPLAY_H

#include "resp/aof_sink.h"

struct aof_replay;

/*
 * No key of the store may expire meanwhile (KV_SETTING_EXPIRE is 0). `log` stays the caller's.
 * KV_OK, KV_NOMEM.
 */
kv_status aof_replay_open(kv *db, const struct aof_log *log, struct aof_replay **replay);
void aof_replay_close(struct aof_replay *replay);

/* Each file begins in database 0. `path`, for the log, is lent until the next one begins. */
void aof_replay_begin_file(struct aof_replay *replay, const char *path);

/* The aof_sink of the replay. */
kv_status aof_replay_apply(void *replay, const struct aof_command *commands, size_t count,
                           size_t *failed, char why[AOF_WHY_SIZE]);

#endif
