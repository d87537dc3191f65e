/*
 * kvstore -- the Redis data model in your own process. MIT licence; see kvstore.h for the manual.
 *
 * engine/engine.c is the table of contents of the engine: the rooms in order of dependency, one line
 * about each. scripts/amalgamate.py makes kvstore.c of it, which is this file with every include
 * below put in its place, and which is therefore never edited by hand.
 */
#define KV_AMALGAMATION

/* What the engine asks of the system: POSIX 2008 and, where the system hides them, a few old friends. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE
#endif
#ifndef _DARWIN_C_SOURCE
#define _DARWIN_C_SOURCE
#endif

#include "kvstore.h"

/* base: what any C program needs, and nothing about keys. */
#include "base/alloc.c"  /* the host's allocator, counted, and made to fail by tests */
#include "base/pages.c"  /* aligned regions, carved into pages */
#include "base/memory.c" /* slabs of small blocks for one owner */
#include "base/lock.c"   /* a lock that spins briefly, then sleeps */
#include "base/clock.c"  /* the wall and the clock that never goes back, or the host's */
#include "base/random.c" /* seeds from the system, and a fast generator */
#include "base/number.c" /* numbers to text and back, in Redis's syntax */
#include "base/glob.c"   /* Redis's patterns, without exponential ones */
#include "base/buffer.c" /* the caller's reusable memory */

/* structures: containers of bytes; they know nothing of keys, expiry, locks. */
#include "structures/grace.c" /* memory that readers without the lock may still be looking at */
#include "structures/table.c" /* a hash table that grows one piece at a time */
#include "structures/pack.c"  /* a small collection in one block of bytes, in listpack format */

/* values: what a key can hold. */

/* keyspace: shards, databases, deadlines, observers, the journal, transactions. */

/* api: the functions of kvstore.h. */
#include "api/api_text.c" /* patterns and numbers, lent to hosts */
#include "api/api_text.c" /* patterns and numbers for hosts */
