/*
 * tests/api/stream_text.h -- all of a stream as a row of texts, for digests and messages.
 */
#ifndef KV_TESTS_API_STREAM_TEXT_H
#define KV_TESTS_API_STREAM_TEXT_H

#include "kvstore.h"

/*
 * Shows the facts, entries, groups, pending entries and consumers of a stream, one text after
 * another; but not when a consumer was seen, which no journal tells.
 */
kv_status stream_text(kv *db, kv_slice key, kv_visit *visit, void *context);

#endif
