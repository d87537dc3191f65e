/*
 * values/hyperloglog.h -- how many different elements were seen, about: a string in Redis's format,
 * byte for byte.
 *
 *     offset  size
 *     0       4     "HYLL"
 *     4       1     0: dense, 1: sparse
 *     5       3     unused
 *     8       8     the estimate that was last made, little-endian; bit 63: it is out of date
 *     16      ...   16384 registers
 *
 *     dense         6 bits each, the first in the lowest bits of the first byte: 12288 bytes
 *     sparse        runs of equal registers, in order:
 *                     00nnnnnn            n + 1 times 0            "ZERO"
 *                     01nnnnnn nnnnnnnn   n + 1 times 0            "XZERO"
 *                     1vvvvvnn            n + 1 times v + 1        "VAL"
 *
 * An element's hash picks a register with 14 of its bits; the register holds the longest run of
 * zeros, and one more, that was seen in the 50 others. The standard error of the estimate is 0.81%.
 *
 * A string may come from anybody: whatever reads one finds KV_CORRUPT where its runs contradict
 * themselves, and never reads or writes beyond it.
 *
 * May use base/. Knows nothing of keys; the caller owns all bytes.
 * Source: Flajolet et al. 2007 for the structure; Ertl 2017 (arXiv 1702.01284), algorithm 6, for
 * the estimate; Appleby's MurmurHash64A, whose results the format implies.
 */
#ifndef KV_VALUES_HYPERLOGLOG_H
#define KV_VALUES_HYPERLOGLOG_H

#include "base/attributes.h"

#include "kvstore.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HYPERLOGLOG_HEADER    16
#define HYPERLOGLOG_REGISTERS KV_HYPERLOGLOG_REGISTERS
#define HYPERLOGLOG_DENSE     (HYPERLOGLOG_HEADER + HYPERLOGLOG_REGISTERS * 6 / 8)
#define HYPERLOGLOG_EMPTY     (HYPERLOGLOG_HEADER + 2) /* sparse: one run of zeros */

/* ------------------------------------------------------------------------------- a whole string */

/* True if it begins as a HyperLogLog does and, if dense, has the right size. */
KV_INTERNAL bool hyperloglog_is_one(kv_slice text);

/* The rest is for strings that are one. */
static inline bool hyperloglog_is_dense(kv_slice text)
{
    return ((const uint8_t *)text.data)[4] == 0;
}

/* Writes an empty one, sparse, of HYPERLOGLOG_EMPTY bytes. */
KV_INTERNAL void hyperloglog_init(uint8_t *bytes);

/* The estimate that lies in the header, if it is not out of date. */
KV_INTERNAL bool hyperloglog_cached(kv_slice text, uint64_t *cardinality);
KV_INTERNAL void hyperloglog_cache(uint8_t *bytes, uint64_t cardinality);
KV_INTERNAL void hyperloglog_forget_cached(uint8_t *bytes);

/* The estimate. KV_OK or KV_CORRUPT. */
KV_INTERNAL kv_status hyperloglog_count(kv_slice text, uint64_t *cardinality);

/*
 * Raises each of HYPERLOGLOG_REGISTERS registers, one byte each, to that of the string. KV_OK;
 * KV_CORRUPT, then some may have been raised.
 */
KV_INTERNAL kv_status hyperloglog_merge(kv_slice text, uint8_t *registers);

/* The estimate for such registers. */
KV_INTERNAL uint64_t hyperloglog_count_registers(const uint8_t *registers);

/* --------------------------------------------------------------------------------- one register */

/* Which register an element raises, and to what. */
struct hyperloglog_mark {
    uint16_t index;
    uint8_t value; /* 1 to 51 */
};

KV_INTERNAL struct hyperloglog_mark hyperloglog_mark_of(kv_slice element);

/* One that is being changed, in memory of the caller with room for it to grow. */
struct hyperloglog {
    uint8_t *bytes;
    size_t size;
    size_t sparse_max; /* a sparse one that would be longer becomes dense */
};

/* How much room `count` calls of hyperloglog_raise() may need. */
KV_INTERNAL size_t hyperloglog_room(size_t size, size_t count, size_t sparse_max);

/* Where a search in a sparse one may begin, for indexes that only rise; {0} is the beginning. */
struct hyperloglog_cursor {
    size_t at;
    unsigned first; /* the register that the run there begins with */
};

/*
 * Raises a register, if it is lower; `raised` receives whether it was. A sparse one may become
 * dense. The cursor may be NULL. KV_OK; KV_CORRUPT, with nothing changed.
 */
KV_INTERNAL kv_status hyperloglog_raise(struct hyperloglog *log, struct hyperloglog_mark mark,
                                        struct hyperloglog_cursor *cursor, bool *raised);

/* Makes a sparse one dense. There is room for HYPERLOGLOG_DENSE bytes. KV_OK or KV_CORRUPT. */
KV_INTERNAL kv_status hyperloglog_make_dense(struct hyperloglog *log);

/* Raises all registers of a dense one to these, none of which is lower. */
KV_INTERNAL void hyperloglog_set_dense(struct hyperloglog *log, const uint8_t *registers);

/* ----------------------------------------------------------------------------------------- runs */

struct hyperloglog_run {
    kv_run_kind kind;
    uint8_t value;
    unsigned count; /* of registers */
    size_t size;    /* of the run itself: 1 or 2 bytes */
};

/* Reads the run at `at`, which is before `end`. False if it goes beyond. */
KV_INTERNAL bool hyperloglog_run(const uint8_t *at, const uint8_t *end,
                                 struct hyperloglog_run *run);

#endif
