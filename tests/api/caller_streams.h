/*
 * tests/api/caller_streams.h -- random calls on streams, and their effects executed; for caller.c.
 */
#ifndef KV_TESTS_API_CALLER_STREAMS_H
#define KV_TESTS_API_CALLER_STREAMS_H

#include "fixture.h"

/* Whom the call tells what it saw. */
struct stream_caller {
    uint64_t *seed;
    void (*see)(void *context, uint64_t word);
    void *context;
    const char *last; /* the name of the last call */
};

/*
 * Changes or reads a stream. Pending entries are not shown again, as the journal does not say so.
 */
kv_status caller_change_stream(struct stream_caller *caller, kv *db, kv_slice key);
kv_status caller_read_stream(struct stream_caller *caller, kv *db, kv_slice key);

/* Executes the effect of a command on streams. Fails the test if it does nothing. */
kv_status caller_replay_stream(kv *db, const kv_slice *words, size_t count);

#endif
