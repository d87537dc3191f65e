/*
 * resp/aof_rdb.h -- reads a base file in RDB form, and an RDB preamble, into commands.
 *
 * Understood are strings and lists, with deadlines, in every encoding that Redis 2.x to 7.x wrote.
 * What this version of the store cannot hold (other types, modules, functions) is refused by name:
 * to pass over it would lose it with the next rewrite.
 *
 *     "REDIS" "0010"                       magic, version (four digits)
 *     { FA text text                       auxiliary field
 *     | FE n                               the keys that follow are of database n
 *     | FB n n                             how many keys, and keys with a deadline, follow
 *     | [FC ms(8) | FD s(4)] [F8 n | F9 b] type key value }
 *     FF crc64(8)                          the end; a sum since version 5, zero if not kept
 *
 *     n, text: the length encoding of the table at rdb_length().
 */
#ifndef KV_RESP_AOF_RDB_H
#define KV_RESP_AOF_RDB_H

#include "resp/aof_reader.h"
#include "resp/aof_sink.h"

/* True if the file starts like an RDB. May read. */
bool aof_rdb_is_there(struct aof_reader *reader);

/*
 * Reads the RDB at the reader's place and leaves the reader behind it. `progress`, which may be
 * NULL, is called after each key. Returns KV_OK; KV_NOMEM; KV_BADARG with a message (path, offset,
 * what is wrong).
 */
kv_status aof_rdb_load(struct aof_reader *reader, const char *path, const struct aof_sink *sink,
                       void (*progress)(void *context), void *progress_context, uint64_t *keys,
                       char message[AOF_MESSAGE_SIZE]);

#endif
