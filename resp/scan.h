/*
 * resp/scan.h -- what SCAN, SSCAN, HSCAN and ZSCAN have in common: the cursor, MATCH, COUNT, and the
 * form of the reply.
 */
#ifndef KV_RESP_SCAN_H
#define KV_RESP_SCAN_H

#include "resp/call.h"

struct scan_wish {
    uint64_t cursor;
    int64_t count;
    bool has_match;
    kv_slice match;
};

/* Reads the cursor in argument `index`; the rest is at its default. False: answered. */
bool scan_begin(struct call *call, size_t index, struct scan_wish *wish);

/*
 * Reads the option at `*index` and its value if it is one that all have, and passes over it.
 * KV_NONE: it is none, nothing is answered; KV_BADARG: answered.
 */
kv_status scan_option(struct call *call, size_t *index, struct scan_wish *wish);

/* Reads options from `index` on, of which there are no others. False: answered. */
bool scan_options(struct call *call, size_t index, struct scan_wish *wish);

/* Whether an item is one of those wanted. */
static inline bool scan_matches(const struct scan_wish *wish, kv_slice item)
{
    return !wish->has_match || kv_match(wish->match, item, false);
}

/*
 * Ends a reply that began (writer_begin_deferred) with `count` items: an array of the cursor and
 * them.
 */
void scan_end(struct call *call, size_t began, uint64_t cursor, uint64_t count);

/* The reply where there is no key. */
void scan_nothing(struct call *call);

#endif
