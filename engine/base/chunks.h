/*
 * base/chunks.h -- regions of 64 KiB out of chunks of 2 MiB that the system may back by huge pages.
 *
 * Large stores are read at random. With pages of 4 KiB nearly each such read misses the processor's
 * cache of address translations as well, and to walk its tables costs as much as the read; a huge
 * page needs one translation for 2 MiB. Linux gives them to who asks (transparent_hugepage:
 * madvise), and this asks. Nobody pays for that who writes after a fork(): the engine does not fork.
 *
 * A chunk is a block of malloc(). When a region comes back its memory goes back to the system but
 * for a few regions, and when all of a chunk have come back so does the chunk; one empty chunk stays
 * while all others are full.
 */
#ifndef KV_BASE_CHUNKS_H
#define KV_BASE_CHUNKS_H

#include "base/attributes.h"
#include "base/lock.h"
#include "base/parts.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CHUNKS_REGION_SIZE = 65536,       /* also a region's alignment */
    CHUNKS_CHUNK_SIZE = 2 << 20,      /* also a chunk's alignment */
    CHUNKS_REGION_USABLE = 65536 - 80 /* the chunk's own record is in the rest of the last one */
};

struct chunk;

struct chunks {
    struct parts *open;   /* those with a free region */
    struct chunk *empty;  /* the one of them that has no other; NULL: there is none */
    _Atomic size_t count; /* of all chunks */
    size_t kept;          /* free regions that still have memory */
    struct lock lock;
};

KV_INTERNAL void chunks_init(struct chunks *chunks);

/* Whether there are any. */
static inline bool chunks_are_in_use(const struct chunks *chunks)
{
    return atomic_load_explicit(&chunks->count, memory_order_relaxed) > 0;
}

/*
 * CHUNKS_REGION_USABLE bytes, contents undefined; NULL when there is no memory, or no system that
 * has huge pages.
 */
KV_INTERNAL void *chunks_get(struct chunks *chunks);

/* Gives a region back. When all are back nothing is held. */
KV_INTERNAL void chunks_put(struct chunks *chunks, void *region);

#if KV_DEBUG
/* Asserts what chunks.c promises of the chunks with a free region. */
KV_INTERNAL KV_UNUSED void chunks_check(struct chunks *chunks);
#endif

#endif
