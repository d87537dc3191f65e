/*
 * tests/api/one_store.h -- the store of a program each of whose tests needs one: store_setup() and
 * store_teardown() are a checked fixture, alone or within one of the program's own.
 */
#ifndef KV_TESTS_API_ONE_STORE_H
#define KV_TESTS_API_ONE_STORE_H

#include "fixture.h"

static struct fixture fx;
static kv *db;

/* Opens it with this many shards (0: the default). */
static inline void store_setup_with(uint32_t shards)
{
    fixture_open(&fx, shards);
    db = fx.db;
}

static inline void store_setup(void)
{
    store_setup_with(4);
}

static inline void store_teardown(void)
{
    fixture_close(&fx);
}

/* A key, or what else is a text. */
#define K(text) KV_TEXT(text)

#endif
