/*
 * rdb/rdb_frame.h -- how far a value or another part of an RDB file reaches, without making it.
 *
 * What a part is made of is its layout, a text of these:
 *
 *     t    a text                 1 to 9   so many bytes
 *     l    a length               i        an id, 16 bytes
 *     s    a score as text        (...)    a length, and so many times what is in between
 *     m    what a module wrote: pairs of a kind and a value, to a kind that is 0
 *
 * Bytes may come in pieces: a frame that ran out of them goes on where it stopped, so that going
 * over a part costs no more than its size however it comes. Nothing is remembered but where that
 * is, so a size or a count that is a lie costs no memory.
 */
#ifndef KV_RDB_RDB_FRAME_H
#define KV_RDB_RDB_FRAME_H

#include "rdb/rdb_source.h"

#define RDB_FRAME_DEPTH 3 /* of the brackets of a stream: groups, consumers, what is pending */

enum rdb_framed {
    RDB_FRAMED, /* to the end */
    RDB_SHORT,  /* the bytes do not suffice */
    RDB_DAMAGED /* they are not what the layout says: frame->expected */
};

struct rdb_frame {
    const char *next; /* in the layout */
    const char *expected;
    unsigned depth;
    struct {
        const char *begin;
        uint64_t left; /* times, the present one included */
    } loops[RDB_FRAME_DEPTH];
};

/* The layout of a value of this type (enum rdb_type, or anything); NULL: it is none of them. */
KV_INTERNAL const char *rdb_layout_of(unsigned type);

static inline void rdb_frame_begin(struct rdb_frame *frame, const char *layout)
{
    frame->next = layout;
    frame->depth = 0;
}

/*
 * Goes on from source->at, which moves to the end of the part or to the first of its things that
 * is not whole or not sound. A text of more than source->text_max bytes is not.
 */
KV_INTERNAL enum rdb_framed rdb_frame_advance(struct rdb_frame *frame, struct rdb_source *source);

#endif
