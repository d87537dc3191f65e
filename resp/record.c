/*
 * resp/record.c -- the journal as bytes.
 */
#include "resp/record.h"

#include "resp/text.h"

#include <stdlib.h>

enum { RECORD_HEAD = 1 + TEXT_INTEGER_SIZE + 2, RECORD_MULTI_EXEC = 64 };

/*
 * Most groups are a word or two, a key and a value, all of them short: writing such a one must cost
 * little more than moving its bytes, as it is done under the lock of the key.
 */
static inline uint8_t *record_put_count(uint8_t *at, char prefix, uint64_t count)
{
    *at++ = (uint8_t)prefix;
    at = text_write_unsigned(at, count);
    memcpy(at, "\r\n", 2);
    return at + 2;
}

/* Copies what is not long in two moves that overlap. */
static inline void record_copy(uint8_t *at, const uint8_t *bytes, size_t size)
{
    if (TEXT_UNLIKELY(size > 32)) {
        memcpy(at, bytes, size);
    } else if (size >= 16) {
        memcpy(at, bytes, 16);
        memcpy(at + size - 16, bytes + size - 16, 16);
    } else if (size >= 8) {
        memcpy(at, bytes, 8);
        memcpy(at + size - 8, bytes + size - 8, 8);
    } else if (size >= 4) {
        memcpy(at, bytes, 4);
        memcpy(at + size - 4, bytes + size - 4, 4);
    } else if (size > 0) {
        at[0] = bytes[0];
        at[size / 2] = bytes[size / 2];
        at[size - 1] = bytes[size - 1];
    }
}

static inline uint8_t *record_put_text(uint8_t *at, kv_slice text)
{
    at = record_put_count(at, '$', text.size);
    record_copy(at, text.data, text.size);
    at += text.size;
    memcpy(at, "\r\n", 2);
    return at + 2;
}

static uint8_t *record_put_word(uint8_t *at, const char *word)
{
    return record_put_text(record_put_count(at, '*', 1), kv_text(word));
}

uint8_t *record_put_select(uint8_t *at, uint32_t database)
{
    uint8_t digits[TEXT_INTEGER_SIZE];
    size_t size = (size_t)(text_write_unsigned(digits, database) - digits);
    at = record_put_count(at, '*', 2);
    at = record_put_text(at, KV_TEXT("SELECT"));
    return record_put_text(at, kv_bytes(digits, size));
}

uint8_t *record_put_command(uint8_t *at, const kv_slice *arguments, size_t count)
{
    at = record_put_count(at, '*', count);
    for (size_t i = 0; i < count; i++) at = record_put_text(at, arguments[i]);
    return at;
}

size_t record_command_bound(const kv_slice *arguments, size_t count)
{
    size_t size = RECORD_HEAD + count * (RECORD_HEAD + 2);
    for (size_t i = 0; i < count; i++) size += arguments[i].size;
    return size;
}

/* No less than what record_encode() writes, a SELECT before each change included. */
static size_t record_bound(const kv_change *changes, size_t count)
{
    size_t size = RECORD_MULTI_EXEC;
    for (size_t i = 0; i < count; i++) {
        size +=
            RECORD_SELECT + record_command_bound(changes[i].arguments, changes[i].argument_count);
    }
    return size;
}

static size_t record_encode(uint8_t *bytes, const kv_change *changes, size_t count)
{
    uint8_t *at = bytes;
    uint32_t database = changes[0].database;
    if (count > 1) at = record_put_word(at, "MULTI");
    for (size_t i = 0; i < count; i++) {
        if (changes[i].database != database) {
            database = changes[i].database;
            at = record_put_select(at, database);
        }
        at = record_put_command(at, changes[i].arguments, changes[i].argument_count);
    }
    if (count > 1) at = record_put_word(at, "EXEC");
    return (size_t)(at - bytes);
}

bool record_open(struct record *record, const kv_change *changes, size_t count)
{
    record->size = record_bound(changes, count);
    record->database = changes[0].database;
    record->database_left = changes[count - 1].database;
    record->block = NULL;
    uint8_t *bytes = record->scratch;
    if (record->size > sizeof record->scratch) {
        record->block = block_create(record->size);
        if (record->block == NULL) return false;
        bytes = record->block->bytes;
    }
    record->bytes = bytes;
    record->size = record_encode(bytes, changes, count);
    if (record->block != NULL) record->block->size = record->size;
    return true;
}

struct block *record_take_block(struct record *record, size_t size_min)
{
    struct block *block = record->size >= size_min ? record->block : NULL;
    if (block == NULL) return NULL;
    block->capacity = block->size; /* no more is added to it */
    record->block = NULL;
    return block;
}

void record_close(struct record *record)
{
    free(record->block);
}
