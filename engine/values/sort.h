/*
 * values/sort.h -- what SORT does with texts: patterns that make keys of elements, weights, order.
 *
 * Knows nothing of keys and types: who sorts looks up what a pattern names.
 */
#ifndef KV_VALUES_SORT_H
#define KV_VALUES_SORT_H

#include "base/attributes.h"
#include "base/memory.h"

#include "kvstore.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * "weight_*->field": the first star stands for the element, and what follows an arrow behind it is a
 * field of the hash at that key. "#" is the element itself.
 */
struct sort_pattern {
    bool is_element;
    bool is_constant; /* it has no star: it names nothing, and as a weight it asks for no order */
    bool has_field;
    kv_slice before, after, field;
};

KV_INTERNAL struct sort_pattern sort_pattern(kv_slice text);

/* The key that a pattern with a star makes of an element, in a block of `memory`. KV_OK, KV_NOMEM. */
KV_INTERNAL kv_status sort_pattern_key(const struct sort_pattern *pattern, kv_slice element,
                                       struct memory *memory, kv_slice *key);

struct sort_item {
    kv_slice element;
    union {
        kv_slice weight; /* data is NULL: it has none, and comes before all that have one */
        double score;    /* if that is the order */
    };
};

struct sort_order {
    bool by_score; /* else by weight */
    bool is_descending;
    bool is_by_element; /* where the rest is equal by the element, too; else they stay in order */
};

/*
 * A weight as a number: as strtod() reads it in the C locale, where space may come first and no text
 * at all is 0. False if it is none, nan, or out of range.
 */
KV_INTERNAL bool sort_score(kv_slice text, double *score);

/* An item on its way, and what tells most of them apart: their order is that of the marks. */
struct sort_key {
    uint64_t mark;
    const struct sort_item *item;
};

/*
 * Sets `keys` to the items in order; `room` is for as many. Stable. O(n) by a number, O(n log n)
 * for those of the same number and for texts that begin with the same 8 bytes.
 */
KV_INTERNAL void sort_items(const struct sort_item *items, struct sort_key *keys,
                            struct sort_key *room, size_t count, const struct sort_order *order);

#endif
