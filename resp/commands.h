/*
 * resp/commands.h -- the handlers, by the identifiers of command_facts.h, and what several files of
 * them share.
 */
#ifndef KV_RESP_COMMANDS_H
#define KV_RESP_COMMANDS_H

#include "resp/call.h"
#include "resp/config.h"

#define COMMAND(identifier, ...) command_handler identifier##_command;
#include "resp/command_facts.h"
#undef COMMAND

/* Keeps the call's command for EXEC and answers QUEUED. In commands_transaction.c. */
void transaction_queue(struct call *call);

/* Reads the index of a database. False: answered, with `error` if that is not NULL. */
bool database_argument(struct call *call, size_t index, uint32_t *database, const char *error);

/* A timeout in seconds, possibly with a fraction, as milliseconds. False: answered. */
bool timeout_argument(struct call *call, size_t index, int64_t *timeout_ms);

/*
 * Reads the offset of a bit; "#2" is that of the third field, if fields have so many bits, above 0.
 * False: answered.
 */
bool bit_offset_argument(struct call *call, size_t index, unsigned field_bits, uint64_t *offset);

/*
 * Sets the name of the session; "" takes it away. False: answered, as the name has spaces or the
 * like.
 */
bool client_rename(struct call *call, kv_slice name);

/*
 * Whether a snapshot is taken at present, or is to be, that is neither for the RDB file nor for the
 * append-only file: for Redis that is a save all the same.
 */
bool save_is_foreign(kvresp *resp);
/* Leaves a MIGRATE that the session waits for to its thread, if there is one. */
void migrate_end(kvresp_session *session);

/* Ends all subscriptions of a session without a word. */
void pubsub_end(kvresp_session *session);

/* Checks a password for the default user and lets the session in. False: answered. */
bool authenticate(struct call *call, kv_slice user, kv_slice password);

#endif
