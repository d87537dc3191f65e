/*
 * kvstore -- the Redis data model in your own process. MIT licence; see kvstore.h for the manual.
 *
 * engine/engine.c is the table of contents of the engine: the rooms in order of dependency, a line
 * about each. scripts/amalgamate.py makes kvstore.c of it, which is this file with every include
 * below put in its place, and which is therefore never edited by hand.
 */
#define KV_AMALGAMATION

/* What the engine asks of the system: POSIX 2008 and, where it hides them, a few old friends. */
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
#include "base/alloc.c"   /* the host's allocator, counted, and made to fail by tests */
#include "base/chunks.c"  /* 2 MiB at a time, in huge pages */
#include "base/lines.c"   /* blocks of some tens of lines, out of those */
#include "base/pages.c"   /* aligned regions, carved into pages */
#include "base/memory.c"  /* slabs of small blocks for one owner */
#include "base/lock.c"    /* a lock that spins briefly, then sleeps */
#include "base/thread.c"  /* the library's own threads, where an option asks for some */
#include "base/clock.c"   /* the wall and the clock that never goes back, or the host's */
#include "base/random.c"  /* seeds from the system, and a fast generator */
#include "base/siphash.c" /* the hash of keys, of many at a time */
#include "base/number.c"  /* numbers to text and back, in Redis's syntax */
#include "base/glob.c"    /* Redis's patterns, without exponential ones */
#include "base/buffer.c"  /* the caller's reusable memory */
#include "base/trig.c"    /* sine and the like, the same on every machine */
#include "base/geo.c"     /* places on the globe as numbers, distances, areas */
#include "base/crc64.c"   /* the checksum of RDB files */
#include "base/lzf.c"     /* the compression of RDB files */

/* structures: containers of bytes; they know nothing of keys, expiry, locks. */
#include "structures/grace.c"   /* memory that readers without the lock may still be looking at */
#include "structures/table.c"   /* a hash table that grows one piece at a time */
#include "structures/members.c" /* the members of a large collection: names, values, deadlines */
#include "structures/agenda.c" /* those of them that have a deadline, the earliest at hand */
#include "structures/pack.c"  /* a small collection in one block of bytes, in listpack format */
#include "structures/intset.c" /* a small set of integers, in intset format */
#include "structures/tree.c"  /* a counted B+tree: elements in order, found by position or by key */
#include "structures/ranking.c" /* members in the order of their scores, on that tree */
#include "structures/sorted.c" /* records of one size in the order of their keys */

/* values: what a key can hold. */
#include "values/large.c" /* what every large collection begins with */
#include "values/timed.c" /* members of a large one with deadlines */
#include "values/list.c"  /* a pack while it is small, a tree of packs when it is large */
#include "values/hash_pack.c" /* a small hash: fields, values, deadlines in one block */
#include "values/hash.c"  /* a pack while it is small, a table of members when it is large */
#include "values/bitmap.c" /* a string seen as bits */
#include "values/set.c"   /* an intset or a pack while it is small, members when it is large */
#include "values/set_algebra.c" /* sets made of others: intersection, union, difference */
#include "values/zset.c"  /* a pack while it is small, a table and a ranking when it is large */
#include "values/hyperloglog.c" /* a string that estimates how many elements were seen */
#include "values/stream_pack.c"  /* entries of a stream in one pack, as Redis keeps them */
#include "values/stream.c"       /* a stream: such packs in a tree by id */
#include "values/stream_group.c" /* its consumer groups and what is pending */
#include "values/sort.c"  /* the patterns and the order of SORT */

/* rdb: values as bytes, in Redis's format of files, DUMP and RESTORE. */
#include "rdb/rdb_source.c"     /* reading lengths, texts and numbers */
#include "rdb/rdb_sink.c"       /* writing them */
#include "rdb/rdb_items.c"      /* what is in a ziplist, zipmap, listpack or intset */
#include "rdb/rdb_feed.c"       /* the texts of a collection, some at a time */
#include "rdb/rdb_list.c"       /* lists, from and to the format */
#include "rdb/rdb_set.c"        /* sets */
#include "rdb/rdb_sorted_set.c" /* sorted sets */
#include "rdb/rdb_hash.c"       /* hashes */
#include "rdb/rdb_stream.c"     /* streams */
#include "rdb/rdb_value.c"      /* which of them for which type */
#include "rdb/rdb_frame.c"      /* how far a value reaches */
#include "rdb/rdb_file.c"       /* a whole file: opcodes, keys, the checksum */

/* keyspace: shards, databases, deadlines, observers, the journal, transactions. */
#include "keyspace/entry.c"       /* a key with its type, deadline and value, in one block */
#include "keyspace/deadlines.c"   /* the keys that have a deadline, in that order: a timing wheel */
#include "keyspace/garbage.c"     /* values that nothing points to, freed when no lock is held */
#include "keyspace/attachments.c" /* what parts of the program keep with a store */
#include "keyspace/channels.c"    /* publish and subscribe: names, who is subscribed, delivery */
#include "keyspace/observers.c"   /* who cares about a key: watches and waiters */
#include "keyspace/store.c"       /* the shards, and the views of them that are the public kv */
#include "keyspace/events.c"      /* what happens to keys, published on channels */
#include "keyspace/value.c"       /* what can be done with a value whatever its type */
#include "keyspace/shard.c"       /* what happens to entries under their shard's lock */
#include "keyspace/journal.c"     /* the ordered changes and their followers */
#include "keyspace/transaction.c" /* several keys at one instant */
#include "keyspace/waiting.c"     /* calls that wait for a key, first come, first served */
#include "keyspace/access.c"      /* one call on one key, from its lock to its journal entry */
#include "keyspace/access_collection.c" /* the same for lists, hashes, sets... */
#include "keyspace/effect.c"            /* one effect of a call, put together for the journal */
#include "keyspace/timing.c" /* calls about deadlines of fields and members */
#include "keyspace/text.c"              /* the string at a key as bytes, changed where it lies */
#include "keyspace/flushing.c"          /* databases emptied at one instant */
#include "keyspace/loading.c"           /* keys out of files, for a store that does not see them yet */
#include "keyspace/reclaim.c"           /* owed work: expired keys, flushed databases, garbage */
#include "keyspace/record.c"            /* a key with its value as a record of an RDB file */
#include "keyspace/snapshot.c" /* the state at one instant, written out while writers go on */
#include "keyspace/frozen.c"   /* the same, for readers */
#include "keyspace/era.c"      /* who of these two must be told before an entry changes */

/* api: the functions of kvstore.h. */
#include "api/api_store.c"       /* kv_open() to kv_close(): settings, statistics, ticks, views */
#include "api/api_usage.c"       /* keys and bytes by type */
#include "api/api_key.c"         /* keys of any type */
#include "api/api_dump.c"        /* values as bytes, for other stores */
#include "api/api_snapshot.c"    /* all of the store as an RDB file */
#include "api/api_load.c"        /* all of a store out of a file */
#include "api/api_freeze.c"      /* views of the store as it was at one instant */
#include "api/api_keyspace.c"    /* whole databases */
#include "api/api_string.c"      /* strings */
#include "api/api_bitmap.c"      /* strings as bits */
#include "api/api_hyperloglog.c" /* estimates of how many elements were seen */
#include "api/api_batch.c"       /* many keys in one call */
#include "api/api_list.c"        /* lists */
#include "api/api_prefetch.c"        /* lists */
#include "api/api_hash.c"        /* hashes */
#include "api/api_set.c"         /* sets */
#include "api/api_set_combine.c" /* sets made of others */
#include "api/api_zset.c"        /* sorted sets */
#include "api/api_zset_combine.c" /* sorted sets made of others */
#include "api/api_stream.c"      /* streams: entries */
#include "api/api_stream_group.c" /* streams: consumer groups */
#include "api/api_geo.c"          /* places */
#include "api/api_sort.c"        /* the elements of lists and sets in order */
#include "api/api_wait.c"        /* waiting for elements of lists */
#include "api/api_transaction.c" /* transactions and watches */
#include "api/api_channel.c"     /* publish and subscribe */
#include "api/api_history.c"     /* the last changes, for readers who come later */
#include "api/api_text.c"        /* patterns and numbers for hosts */
