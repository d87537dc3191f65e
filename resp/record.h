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
#include "resp/blocks.h"

#include <stdbool.h>

enum {
    RECORD_SELECT = 64,   /* the longest SELECT */
    RECORD_SCRATCH = 1024 /* groups up to this size need no memory */
};

/* Writes a SELECT and returns the end of it. */
uint8_t *record_put_select(uint8_t *at, uint32_t database);

/* Writes a command and returns the end of it; there is room for record_command_bound() bytes. */
uint8_t *record_put_command(uint8_t *at, const kv_slice *arguments, size_t count);
size_t record_command_bound(const kv_slice *arguments, size_t count);

/* A group, encoded, without a SELECT before it. */
struct record {
    const uint8_t *bytes;
    size_t size;
    uint32_t database;      /* of the first change */
    uint32_t database_left; /* what is selected behind it */
    struct block *block;    /* that has the bytes, and nothing else; NULL: they are in scratch */
    uint8_t scratch[RECORD_SCRATCH];
};

/*
 * Encodes a group of one change or more. Without memory it is false, and the size is one that the
 * record would not have exceeded.
 */
bool record_open(struct record *record, const kv_change *changes, size_t count);

/* The block, which is the caller's now, if the record has at least this size; else NULL. */
struct block *record_take_block(struct record *record, size_t size_min);

void record_close(struct record *record);

#endif
