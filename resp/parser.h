/*
 * resp/parser.h -- requests: bytes to arguments, without a copy.
 *
 *     *2\r\n  $3\r\n  GET\r\n  $4\r\n  user\r\n        an array of bulk strings: what programs send
 *     GET user\r\n   or   SET k "two\x20words"\r\n     inline: what people type
 *
 * Arguments point into the input. A request that is all there is framed in one go by
 * parser_frame(), which knows the common shapes only and has no opinion on anything else. What it
 * declines is read by parser_read(), which knows every shape and every error, and remembers in a
 * `struct parser` how far it came, so that a request that arrives in a thousand pieces is still
 * read once.
 *
 * Input has a zero byte after its end, and PARSER_SLACK bytes in all that may be read there.
 *
 * What is an error, and in which words, is as in Redis 7. As there, the two bytes that should be CR
 * LF after a length or a bulk are not looked at in all cases. Other than there, a zero byte does
 * not hide what follows it: such a line is answered, not waited for.
 */
#ifndef KV_RESP_PARSER_H
#define KV_RESP_PARSER_H

#include "resp/text.h"

enum {
    PARSER_SLACK = 16,
    PARSER_LINE_MAX = 64 * 1024,        /* of an inline request, and of the digits of a length */
    PARSER_STRANGER_ARGUMENTS_MAX = 10, /* until the client has said who it is */
    PARSER_STRANGER_BULK_MAX = 16 * 1024
};

struct parser_limits {
    uint64_t bulk_max; /* proto-max-bulk-len */
    bool is_stranger;  /* has yet to authenticate */
};

enum parser_outcome {
    PARSER_DONE,  /* a request: its arguments and its size */
    PARSER_EMPTY, /* no arguments ("*0", an empty line): only a size, to be skipped */
    PARSER_MORE,  /* not all of it has come */
    PARSER_ROOM,  /* it has come, but `needed` arguments do not fit: call again with room */
    PARSER_ERROR, /* the connection is to be closed after the message */
    PARSER_NOMEM
};

/*
 * Where an argument lies, from the start of its request: input may move while the rest is awaited.
 */
struct parser_span {
    size_t offset, size;
};

/* A request of which a part has come. Zero is none. */
struct parser {
    struct parser_span *spans; /* of the arguments that are complete */
    size_t count, capacity;
    size_t expected; /* arguments announced; 0: the array's length is not known yet */
    size_t position; /* where to go on, from the start of the request */
    size_t bulk;     /* size of the argument under way, plus 1; 0: not known yet */
};

struct parser_request {
    kv_slice *arguments; /* in: where they go */
    size_t room;         /* in: how many fit there */
    size_t count, size;  /* out: arguments, and bytes of the request */
    size_t needed;       /* out, for PARSER_ROOM */
    kv_buffer
        *scratch; /* in: for inline arguments that had quotes; reused by the next inline request */
    char message[64]; /* out, for PARSER_ERROR: without "ERR " */
};

/*
 * Frames an array of at most `room` bulk strings if it is all there and has nothing odd about it.
 * Returns the request's end and *count, or NULL: no verdict. There is a zero byte at `end` or behind
 * it, and all up to that may be read.
 */
const uint8_t *parser_frame(const uint8_t *at, const uint8_t *end, kv_slice *arguments, size_t room,
                            size_t *count);

/*
 * Reads the request that starts at `bytes`, going on where `parser` stopped on these bytes before.
 */
enum parser_outcome parser_read(struct parser *parser, const struct parser_limits *limits,
                                const uint8_t *bytes, size_t size, struct parser_request *request);

/*
 * How many bytes the request under way is known to have in all, from its start; 0 if that is not
 * known.
 */
size_t parser_wanted(const struct parser *parser);

/* Forgets a request under way and gives its memory back. */
void parser_reset(struct parser *parser);

/*
 * Splits a line into words as Redis does: quotes "..." with \n \r \t \a \b \xHH and '...' with \'.
 * Words with quotes are unescaped into `scratch`, which keeps them. PARSER_DONE, PARSER_EMPTY,
 * PARSER_ROOM, PARSER_ERROR, PARSER_NOMEM. Also for lines of configuration files and for REPLs.
 */
enum parser_outcome parser_split(kv_slice line, struct parser_request *request);

#endif
