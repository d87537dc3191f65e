/*
 * resp/aof_commands.h -- a base in commands (aof-use-rdb-preamble no), made from a snapshot's RDB.
 *
 *     RDB, piece by piece        a store of its own        commands
 *     head, records, ... end     holds one piece           *3 $3 SET ...
 *
 * A snapshot hands out whole records, a piece at a time, that begin with their database
 * (kv_writer). So each piece, between a head and an end, is an RDB by itself: it is loaded into a
 * small store, and what that holds is written as the commands that make it. Memory is that of a few
 * pieces, or of the largest value twice.
 *
 * The commands are those that redis-server writes, up to 64 elements in each. When a consumer was
 * seen last has no command.
 */
#ifndef KV_RESP_AOF_COMMANDS_H
#define KV_RESP_AOF_COMMANDS_H

#include "kvstore.h"

#include <stdbool.h>

struct aof_commands {
    kv *store;
    kv_writer *write;
    void *context;
    kv_buffer text;   /* of the piece at hand */
    kv_buffer names;  /* the keys of a database; the elements of one of them */
    int64_t database; /* selected at the end of what was written */
};

/* `write` takes the commands. KV_OK, KV_NOMEM. */
kv_status aof_commands_open(struct aof_commands *commands, uint32_t databases, kv_writer *write,
                            void *context);
void aof_commands_close(struct aof_commands *commands);

/* Takes what a snapshot hands out; a kv_writer. KV_OK; KV_NOMEM; what `write` returned. */
kv_status aof_commands_take(void *commands, kv_slice piece);

#endif
