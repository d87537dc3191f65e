/*
 * rdb/rdb_items.h -- the texts in a block of one of Redis's compact encodings, one after another.
 *
 *     ziplist  size:4  where the last entry is:4  count:2  entry...  FF
 *     entry    size of the previous entry (1 byte, or FE and 4), head, data
 *
 *     head       data                               head       data
 *     00nnnnnn   n bytes             text           11000000   2 bytes   an integer
 *     01nnnnnn   n:14, big-endian    text           11010000   4
 *     10000000   n:32, big-endian    text           11100000   8
 *     1111xxxx   -    1 to 13: an integer, less 1   11110000   3
 *                                                   11111110   1
 *
 *     zipmap   count:1 (254: unknown)  { size text  size free:1 text  free bytes }...  FF
 *     size     1 byte, or FE and 4
 *
 * All numbers not called big-endian are little-endian. Of listpacks see structures/pack.h, of
 * intsets structures/intset.h. Source: ziplist.c and zipmap.c of Redis, whose opening comments are
 * the specification.
 */
#ifndef KV_RDB_RDB_ITEMS_H
#define KV_RDB_RDB_ITEMS_H

#include "base/attributes.h"
#include "base/number.h"
#include "structures/pack.h"

#include "kvstore.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rdb_packing { RDB_LISTPACK, RDB_ZIPLIST, RDB_INTSET, RDB_ZIPMAP };

struct rdb_items {
    enum rdb_packing packing;
    size_t count;            /* of all */
    const uint8_t *at, *end; /* what is still to come */
    size_t width;            /* of an intset's integers */
    bool is_value;           /* the next one is a value of a zipmap */
};

/*
 * Begins with a block, which is walked to its end before anything is shown: every size, count and
 * link in it. False if it is not sound. The block must stay.
 */
KV_INTERNAL bool rdb_items_open(struct rdb_items *items, enum rdb_packing packing, kv_slice block);

/* The next one; texts are lent from the block. False at the end. */
KV_INTERNAL bool rdb_items_next(struct rdb_items *items, struct pack_item *item);

/* What an item is as text: its own or, of an integer, in `scratch`. */
KV_INTERNAL kv_slice rdb_item_text(const struct pack_item *item, char scratch[NUMBER_INT64_SIZE]);

#endif
