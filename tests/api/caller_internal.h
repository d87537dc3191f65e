/*
 * tests/api/caller_internal.h -- what the files of caller.h share.
 */
#ifndef KV_TESTS_API_CALLER_INTERNAL_H
#define KV_TESTS_API_CALLER_INTERNAL_H

#include "caller.h"

void caller_see(struct caller *caller, uint64_t word);
void caller_see_bytes(struct caller *caller, kv_slice bytes);
void caller_begin_range(void *context, uint64_t count); /* a kv_range_begin that sees the count */

static inline uint64_t caller_below(struct caller *caller, uint64_t bound)
{
    return fixture_below(&caller->seed, bound);
}

/* An element: often one of a few, so that there is something to find. */
kv_slice caller_element(struct caller *caller);
int64_t caller_index(struct caller *caller);
kv_end caller_end(struct caller *caller);

#define CALL(name) (caller->last = #name, name)

/* For replays. */
bool caller_is(kv_slice word, const char *text);
int64_t caller_number(kv_slice text);

/* One call about sorted sets. In caller_zset.c, as what is below. */
kv_status caller_call_zset(struct caller *caller, kv *db, kv_slice key, kv_slice other);

/* Executes a change if it is one of a sorted set; false if it is not. */
bool caller_replay_zset(kv *db, const kv_slice *words, size_t count, kv_status *status);

#endif
