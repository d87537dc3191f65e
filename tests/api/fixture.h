/*
 * tests/api/fixture.h -- a store whose time and memory the test decides, and short ways to look
 * into it.
 *
 * The clock stands still until fixture_pass() moves it. The allocator is engine/fixture_alloc.h: it
 * fails when told to, and closing the fixture asserts that everything was given back.
 */
#ifndef KV_TESTS_API_FIXTURE_H
#define KV_TESTS_API_FIXTURE_H

#include "kvstore.h"

#include "../engine/fixture_alloc.h"
#include "../unit.h"

#include <stdatomic.h>
#include <stdbool.h>

#define FIXTURE_START_MS INT64_C(1700000000000)
#define FIXTURE_WORDS    300

struct fixture {
    struct fixture_alloc alloc;
    _Atomic int64_t now_ms;  /* what the store's clock says */
    _Atomic int64_t pace_us; /* passes each time that the clock of budgets is read; 0 at first */
    _Atomic int64_t passed_us;
    kv_clock clock;
    kv *db;
};

/*
 * Opens a store with this many shards (0: the default). The struct must not move until it is
 * closed.
 */
void fixture_open(struct fixture *fixture, uint32_t shards);

/* The same with options of one's own; clock and allocator are the fixture's. */
void fixture_open_with(struct fixture *fixture, kv_options options);

/* Checks and closes the store; fails the test if a block is left. */
void fixture_close(struct fixture *fixture);

/* Lets time pass. */
void fixture_pass(struct fixture *fixture, int64_t milliseconds);

/* ------------------------------------------------------------------------- short forms, by text */

/* Stores a string, or fails the test. */
void fixture_set(kv *db, const char *key, const char *value);

/* Stores a string that lives for `ttl_ms`. */
void fixture_set_for(kv *db, const char *key, const char *value, int64_t ttl_ms);

/* The words of a text, for calls that take many keys or values. */
struct fixture_words {
    char text[4000];
    kv_slice items[FIXTURE_WORDS];
    size_t count;
};

/* Splits a text at its spaces; returns `words`. */
struct fixture_words *fixture_split(struct fixture_words *words, const char *text);

/* Pushes one element at the tail. */
void fixture_push(kv *db, const char *key, const char *element);

/* Pushes the words of a text at the tail. */
void fixture_push_all(kv *db, const char *key, const char *words);

/* Adds the words of a text to a set. */
void fixture_add_all(kv *db, const char *key, const char *words);

/*
 * What a key holds, as text: "-" if it is absent, "'abc'" for a string, "[a b c]" for a list or set,
 * "[a:1 b:2]" for a hash or a sorted set. The memory is the function's, eight results long.
 */
const char *fixture_show(kv *db, const char *key);

/* The name of the encoding of a key that is there. */
const char *fixture_encoding(kv *db, const char *key);

/* Asserts what a key holds, in the words of fixture_show(). */
#define ck_assert_key(db, key, expected) ck_assert_str_eq(fixture_show(db, key), expected)

/* --------------------------------------------------------------------------------- whole stores */

/*
 * A number made of every key of every database: its database, bytes, type, value and deadline.
 * Equal stores have equal digests, whatever their hash keys and shards. Must not be called in a
 * transaction.
 */
uint64_t fixture_digest(kv *db);

/* Writes the same to standard error, a line for each key, for whoever has to find a difference. */
void fixture_print(kv *db);

/* ------------------------------------------------------------------------------- random numbers */

/* Tests need no more than splitmix64 (Steele, Lea, Flood 2014). */
static inline uint64_t fixture_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline uint64_t fixture_below(uint64_t *state, uint64_t bound)
{
    return fixture_random(state) % bound;
}

/*
 * Repetitions: `full` of them when the tests run at full length (KVSTORE_TEST_FULL), else `brief`.
 */
int fixture_rounds(int brief, int full);

#endif
