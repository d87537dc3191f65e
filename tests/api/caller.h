/*
 * tests/api/caller.h -- makes random calls, any of those that change or read keys, and remembers
 * what they gave.
 *
 * Two callers with the same seed make the same calls; on stores that hold the same they must see
 * the same.
 */
#ifndef KV_TESTS_API_CALLER_H
#define KV_TESTS_API_CALLER_H

#include "fixture.h"

struct caller {
    uint64_t seed;
    uint64_t seen;   /* every status and result so far, in one number */
    uint32_t keys;   /* how many different keys are used, in each of the first three databases */
    bool is_careful; /* no flush, which leaves little to look at */
    bool swaps_no_databases; /* as in an abortable transaction, which refuses to */
    kv_buffer buffer;
    const char *last; /* the name of the last call */
};

#define CALLER(seed_, keys_) ((struct caller){.seed = (seed_), .keys = (keys_), .last = "none"})

/*
 * Makes one call on one of the first three databases, of the kind of view that `db` is. Its status
 * is mixed in and given back.
 */
kv_status caller_call(struct caller *caller, kv *db);

/* Fills a store with strings, numbers, lists and deadlines by many calls. */
void caller_fill(struct caller *caller, kv *db, int calls);

void caller_free(struct caller *caller);

/*
 * Executes a change of the journal on another store. Fails the test if it does not know the
 * command, or if the command does nothing, which a journal should not hold.
 */
void caller_replay(kv *db, const kv_change *change);

#endif
