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

/* structures: containers of bytes; they know nothing of keys, expiry, locks. */

/* values: what a key can hold. */

/* keyspace: shards, databases, deadlines, observers, the journal, transactions. */

/* api: the functions of kvstore.h. */
