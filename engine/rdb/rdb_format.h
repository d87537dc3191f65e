/*
 * rdb/rdb_format.h -- Redis's format of values outside of a server: RDB files, DUMP and RESTORE.
 *
 *     value in an RDB file      type(1)  key: text  value
 *     payload of DUMP           type(1)  value  version(2)  crc64 of all before(8)
 *
 *     length   00nnnnnn              6 bits           text   length, bytes
 *              01nnnnnn n(1)         14 bits                 11000000 n(1)    an integer, of which
 *              10000000 n(4)         32 bits                 11000001 n(2)    the text is meant
 *              10000001 n(8)         64 bits                 11000010 n(4)
 *                                                            11000011 length of the LZF, length
 *                                                                     of the text, LZF
 *
 *     value by its type:
 *      0  string               text                    14  list of ziplists      n, {text}
 *      1  list                 n, {element}            15  stream
 *      2  set                  n, {member}             16  hash, a listpack      text
 *      3  sorted set           n, {member score}       17  sorted set, a listpack text
 *      4  hash                 n, {field value}        18  list of listpacks     n, {kind text}
 *      5  sorted set           n, {member double(8)}   19  stream, of Redis 7.0
 *      9  hash, a zipmap       text                    20  set, a listpack       text
 *     10  list, a ziplist      text                    21  stream, of Redis 7.2
 *     11  set, an intset       text                    22  hash    n, {deadline field value}
 *     12  sorted set, a ziplist text                   23  hash, a listpack of triples  text
 *     13  hash, a ziplist      text                    24  hash    first(8) n, {after field value}
 *                                                      25  hash    first(8) text, as 23
 *
 *     score    as text with a byte for its size; 253: nan, 254: inf, 255: -inf
 *     kind     1: the text is an element, 2: a listpack of elements
 *     first    the earliest deadline of the fields; `after` is 0 for a field without one, else how
 *              much later its is, and 1
 *
 * Lengths of 32 and 64 bits are big-endian; all else is little-endian.
 *
 * Version 10, Redis 7.0, knows types up to 19; 11, Redis 7.2, up to 21; 12, Redis 7.4, all of
 * these. Source: rdb.h of Redis, whose comments are the specification.
 */
#ifndef KV_RDB_RDB_FORMAT_H
#define KV_RDB_RDB_FORMAT_H

enum rdb_type {
    RDB_STRING = 0,
    RDB_LIST = 1,
    RDB_SET = 2,
    RDB_SORTED_SET = 3,
    RDB_HASH = 4,
    RDB_SORTED_SET_2 = 5,
    RDB_HASH_ZIPMAP = 9,
    RDB_LIST_ZIPLIST = 10,
    RDB_SET_INTSET = 11,
    RDB_SORTED_SET_ZIPLIST = 12,
    RDB_HASH_ZIPLIST = 13,
    RDB_LIST_QUICKLIST = 14,
    RDB_STREAM = 15,
    RDB_HASH_LISTPACK = 16,
    RDB_SORTED_SET_LISTPACK = 17,
    RDB_LIST_QUICKLIST_2 = 18,
    RDB_STREAM_2 = 19,
    RDB_SET_LISTPACK = 20,
    RDB_STREAM_3 = 21,
    RDB_HASH_TIMED_OLD = 22,
    RDB_HASH_TIMED_LISTPACK_OLD = 23,
    RDB_HASH_TIMED = 24,
    RDB_HASH_TIMED_LISTPACK = 25
};

/* What may stand in a file in the place of a type. */
enum rdb_opcode {
    RDB_OPCODE_SLOT_SIZES = 0xf4, /* of Valkey: three lengths, the first a slot */
    RDB_OPCODE_FUNCTIONS = 0xf5,  /* a library: text */
    RDB_OPCODE_FUNCTIONS_OLD = 0xf6,
    RDB_OPCODE_MODULE = 0xf7,      /* what a module has to say: rdb_frame.h */
    RDB_OPCODE_IDLE = 0xf8,        /* length: seconds */
    RDB_OPCODE_FREQUENCY = 0xf9,   /* 1 byte */
    RDB_OPCODE_AUX = 0xfa,         /* name, value: texts */
    RDB_OPCODE_SIZES = 0xfb,       /* two lengths: keys, and those with a deadline */
    RDB_OPCODE_DEADLINE_MS = 0xfc, /* 8 bytes */
    RDB_OPCODE_DEADLINE_S = 0xfd,  /* 4 bytes */
    RDB_OPCODE_DATABASE = 0xfe,    /* length */
    RDB_OPCODE_END = 0xff          /* then the checksum of all before, 0: none */
};

/* The kinds of nodes of a list. */
#define RDB_NODE_PLAIN  1
#define RDB_NODE_PACKED 2

/* What is written: the first, and the second where a value needs it. The last that is read. */
#define RDB_VERSION              10
#define RDB_VERSION_TIMED        12
#define RDB_VERSION_SET_LISTPACK 11
#define RDB_VERSION_MAX          12

/* Whether this version can be asked for; 0: whichever loses nothing. */
KV_UNUSED static inline bool rdb_writes_version(unsigned version)
{
    return version == 0 || (version >= RDB_VERSION && version <= RDB_VERSION_MAX);
}

#endif
