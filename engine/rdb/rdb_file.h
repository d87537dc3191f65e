/*
 * rdb/rdb_file.h -- an RDB file, read front to back into pieces of whole keys with their values.
 *
 *     "REDIS" version: 4 digits
 *     { FA text text                      a field about the file           AUX
 *     | FE n                              keys of database n follow        SELECTDB
 *     | FB n n                            how many, and how many timed     RESIZEDB
 *     | F4 n n n                          the same of a slot               SLOT_INFO, of Valkey
 *     | F5 text                           a library of functions           FUNCTION2
 *     | F6 text text n {text} text        the same before Redis 7.0.0      FUNCTION
 *     | F7 id n n {kind value} 0          what a module wrote              MODULE_AUX
 *     | [ FC ms(8) | FD seconds(4) ]      when the key expires             EXPIRETIME
 *       [ F8 n | F9 frequency(1) ]        how long it was idle             IDLE, FREQ
 *       type(1) key: text value }
 *     FF sum(8)                           the end; a sum since version 5, 0 if it was not kept
 *
 * A field with the name RDB_DEADLINES is part of the key that follows: the deadlines of members of its
 * set or sorted set, of which Redis has none. Its text is n {deadline in ms(8) member: text}.
 *
 * Texts, lengths (n) and values are those of rdb_format.h. What cannot be read is refused by its
 * type or opcode, never by the number of the version.
 *
 * A piece has the bytes of many keys, or of one that takes more room, which it grows to as the
 * bytes come. It says where each key and value lies; what they are is for others to find out, other
 * threads perhaps. The reader is never asked for more once the last byte is there.
 *
 * Source: rdb.c of Redis, whose reading side is the specification.
 */
#ifndef KV_RDB_RDB_FILE_H
#define KV_RDB_RDB_FILE_H

#include "rdb/rdb_frame.h"

#define RDB_PIECE_SIZE    ((size_t)128 << 10) /* with the records it stays in the cache */
#define RDB_PIECE_RECORDS 4096

#define RDB_DEADLINES     "kv-deadlines"
#define RDB_SHOWN         44 /* bytes of a key in a message, with a zero at the end */

/* A key in a piece: text from `key` to `value`, value to `end`. */
struct rdb_record {
    size_t key, value, end;
    size_t deadlines; /* the text of RDB_DEADLINES, which ends before the key; 0: there is none */
    int64_t deadline_ms; /* KV_NEVER: it has none */
    uint32_t idle_s;
    uint32_t database;
    uint8_t type; /* of enum rdb_type, but for what rdb_layout_of() does not know */
};

struct rdb_piece {
    struct rdb_piece *next; /* for whoever keeps them in lists */
    uint8_t *bytes;
    size_t capacity, size;
    uint64_t offset; /* in the file, of the first byte */
    uint64_t first;  /* keys before it in the file */
    size_t count;
    struct rdb_record records[RDB_PIECE_RECORDS];
};

/* Where and why a file is not read any further. */
struct rdb_fault {
    uint64_t offset;
    uint64_t keys; /* before it in the file */
    char message[256];
};

enum rdb_stage { RDB_BETWEEN, RDB_IN_HEADER, RDB_IN_OPCODE, RDB_IN_KEY, RDB_IN_VALUE };

struct rdb_file {
    /* Set by the caller. */
    kv_reader *reader;
    void *reader_context;
    const kv_load_options *options; /* for aux and warn */
    struct alloc *alloc;
    size_t text_max;
    uint32_t databases;

    /* Results. */
    uint64_t offset; /* behind the last part that was whole */
    uint64_t keys;
    unsigned version;
    bool has_ended;          /* its last part was there, and the sum was right */
    uint64_t sizes;          /* keys that the file said it has of... */
    uint32_t sizes_database; /* ...this database, when it said so last */
    struct rdb_fault fault;  /* once a call has failed */

    /* The part at hand; offsets in the piece that is being filled. */
    enum rdb_stage stage;
    uint8_t code; /* its type or opcode */
    size_t begin, at, value;
    size_t keep; /* where that begins which must stay together: at `begin`, or at a field before */
    size_t summed; /* up to here */
    uint64_t sum;
    struct rdb_frame frame;

    /* What was said of the next key. */
    int64_t deadline_ms;
    uint32_t idle_s, database;
    size_t deadlines;

    /* What was read beyond the last piece. */
    uint8_t *rest;
    size_t rest_size;
};

/* Prepares to read; the fields above were set. KV_OK or KV_NOMEM. */
KV_INTERNAL kv_status rdb_file_open(struct rdb_file *file);
KV_INTERNAL void rdb_file_close(struct rdb_file *file);

/* A piece for use over and over. NULL without memory. */
KV_INTERNAL struct rdb_piece *rdb_piece_create(struct alloc *alloc);
KV_INTERNAL void rdb_piece_destroy(struct alloc *alloc, struct rdb_piece *piece);

/* Whether a piece had to grow, for one large value; and back to what it was. */
static inline bool rdb_piece_is_large(const struct rdb_piece *piece)
{
    return piece->capacity > RDB_PIECE_SIZE;
}
KV_INTERNAL void rdb_piece_shrink(struct alloc *alloc, struct rdb_piece *piece);

/*
 * Fills a piece with what comes next, and file->has_ended tells whether that is all. KV_OK. Else
 * `fault` tells, and the piece has the keys before it: KV_CORRUPT, KV_NOMEM, KV_CANCELLED by
 * options->aux, or what the reader returned, which may be any other status.
 */
KV_INTERNAL kv_status rdb_file_fill(struct rdb_file *file, struct rdb_piece *piece);

/* A key as part of a message: its beginning, without bytes that are no letters. */
KV_INTERNAL void rdb_show_key(kv_slice key, char shown[RDB_SHOWN]);

/* "list"; "value" for what is no type. */
KV_INTERNAL const char *rdb_type_name(unsigned type);

/* Fills in a fault: the offset, then what was expected there. */
KV_INTERNAL void rdb_fault_set(struct rdb_fault *fault, uint64_t offset, const char *format, ...)
    KV_PRINTF(3, 4);

#endif
