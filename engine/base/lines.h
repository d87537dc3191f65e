/*
 * base/lines.h -- blocks of 34 to 63 cache lines, which a table's segments are, for a large store.
 *
 * Once the store takes its pages out of chunks (base/chunks.h) these come from there, too, for the
 * same reason. Each size has regions of its own. Before that, and where there are no chunks, a
 * block is the host's.
 */
#ifndef KV_BASE_LINES_H
#define KV_BASE_LINES_H

#include "base/alloc.h"
#include "base/chunks.h"

enum { LINES_MIN = 34, LINES_MAX = 63 };

struct lines {
    struct alloc *alloc;
    struct chunks *chunks;                         /* NULL: all blocks are the host's */
    struct parts *open[LINES_MAX - LINES_MIN + 1]; /* by size, the strips with a free block */
    struct lock lock;
};

KV_INTERNAL void lines_init(struct lines *lines, struct alloc *alloc, struct chunks *chunks);

/*
 * `count` cache lines, contents undefined; NULL when there is no memory. Who gives them back has to
 * remember *is_of_strip.
 */
KV_INTERNAL void *lines_get(struct lines *lines, size_t count, bool *is_of_strip);
KV_INTERNAL void lines_put(struct lines *lines, void *block, size_t count, bool is_of_strip);

#if KV_DEBUG
/* Asserts that the lists have the strips with a free block, and with one that is not. */
KV_INTERNAL KV_UNUSED void lines_check(struct lines *lines);
#endif

#endif
