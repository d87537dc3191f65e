/*
 * resp/record.h -- the journal as bytes: a group of changes in the form in which it is written to
 * the append-only file and sent to replicas.
 *
 * A group is a command in RESP, or several between MULTI and EXEC; SELECT comes where the database
 * is another one than before. The one that may have to come before the whole is left to the caller,
 * who knows only when the record gets its place what was selected there.
 */
#ifndef KV_RESP_RECORD_H
#define KV_RESP_RECORD_H

#include "kvstore.h"

enum { RECORD_SELECT = 64 /* the longest SELECT */ };

/* Writes a SELECT and returns the end of it. */
uint8_t *record_put_select(uint8_t *at, uint32_t database);

/* Writes a command and returns the end of it; there is room for record_command_bound() bytes. */
uint8_t *record_put_command(uint8_t *at, const kv_slice *arguments, size_t count);
size_t record_command_bound(const kv_slice *arguments, size_t count);

/* No less than what record_encode() writes, a SELECT before each change included. */
size_t record_bound(const kv_change *changes, size_t count);

/* Encodes a group of one change or more, without a SELECT before it, and returns its size. */
size_t record_encode(uint8_t *bytes, const kv_change *changes, size_t count);

#endif
