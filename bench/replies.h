/*
 * bench/replies.h -- counts RESP replies in a stream without keeping them.
 *
 * The stream arrives in pieces of any size. A reply is one element; an aggregate of n elements adds
 * n to the number still to come, so nesting needs a counter and no stack:
 *
 *      expected = 1; each element: expected -= 1, and += n for an aggregate; 0: reply complete
 *
 * Bulk strings are jumped over. Lines are taken byte by byte, as they are short. Understands RESP2
 * and RESP3's scalars, sets and maps; pushes and attributes do not occur, as nobody here asks for
 * them.
 */
#ifndef KV_BENCH_REPLIES_H
#define KV_BENCH_REPLIES_H

#include "measure.h"

enum { ERROR_TEXT_SIZE = 120 };

struct replies {
    uint64_t complete;                /* replies seen to their end */
    uint64_t nils;                    /* null elements among them */
    uint64_t errors;                  /* error elements, nested ones too */
    char error_text[ERROR_TEXT_SIZE]; /* the first error, zero-terminated */

    uint64_t expected; /* elements until the current reply ends; 0 between replies */
    uint64_t skip;     /* bytes of a bulk string, CRLF included, still to be jumped over */
    uint64_t number;   /* digits of the current line, read so far */
    size_t error_size; /* bytes of the first error kept so far */
    char type;         /* first byte of the current line; 0: at its start */
    bool is_negative;  /* the line's number has a minus */
};

static inline void replies_end_element(struct replies *replies, uint64_t children)
{
    replies->expected += children;
    replies->expected--;
    if (replies->expected == 0) replies->complete++;
}

/* The line of an element is complete: decide what follows it. */
static inline void replies_end_line(struct replies *replies)
{
    uint64_t number = replies->number;
    switch (replies->type) {
    case '$':
    case '=':
    case '!':
        if (replies->type == '!') replies->errors++;
        if (replies->is_negative) break;
        replies->skip = number + 2; /* ends the element when it is used up */
        return;
    case '*':
    case '~':
    case '%':
        if (replies->is_negative) break;
        replies_end_element(replies, replies->type == '%' ? 2 * number : number);
        return;
    case '-':
        replies->errors++;
        replies->error_size = ERROR_TEXT_SIZE; /* later errors are only counted */
        break;
    default: break;
    }
    if (replies->type == '_' || replies->is_negative) replies->nils++;
    replies_end_element(replies, 0);
}

static inline void replies_line_byte(struct replies *replies, char byte)
{
    switch (replies->type) {
    case '-':
        if (replies->error_size + 1 < ERROR_TEXT_SIZE)
            replies->error_text[replies->error_size++] = byte;
        break;
    case '$':
    case '=':
    case '!':
    case '*':
    case '~':
    case '%':
        if (byte == '-') replies->is_negative = true;
        else if (byte >= '0' && byte <= '9')
            replies->number = 10 * replies->number + (uint64_t)(byte - '0');
        else fail("broken reply: length with byte %d", byte);
        break;
    default: break; /* a simple string or number: nobody reads it */
    }
}

static inline void replies_start_line(struct replies *replies, char type)
{
    if (memchr("+-:$*_,#(=!~%", type, 13) == NULL || type == 0)
        fail("broken reply: type byte %d", type);
    if (replies->expected == 0) replies->expected = 1;
    replies->type = type;
    replies->number = 0;
    replies->is_negative = false;
}

static inline void replies_read(struct replies *replies, const char *at, size_t size)
{
    const char *end = at + size;
    while (at < end) {
        if (replies->skip > 0) {
            uint64_t left = (uint64_t)(end - at);
            uint64_t step = replies->skip < left ? replies->skip : left;
            at += step;
            replies->skip -= step;
            if (replies->skip == 0) replies_end_element(replies, 0);
            continue;
        }
        char byte = *at++;
        if (replies->type == 0) {
            replies_start_line(replies, byte);
        } else if (byte == '\n') {
            replies_end_line(replies);
            replies->type = 0;
        } else if (byte != '\r') {
            replies_line_byte(replies, byte);
        }
    }
}

#endif
