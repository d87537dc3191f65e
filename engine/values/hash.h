/*
 * values/hash.h -- the hash value: a pack of fields and values while it is small, a table of
 * members when it is large. Any field may have a deadline.
 *
 * Ownership  A hash is a struct collection. A small one is a pack in its owner's memory; a large
 *            one begins with a struct large.
 * Failure    Whatever can fail changes the hash entirely or not at all. Removing never fails.
 * Encoding   As in Redis a hash is "listpack" (small; "listpackex" from the first deadline on)
 *            within the limits of hash-max-listpack-entries and -value and "hashtable" (large) from
 *            then on, however much is removed.
 * Deadlines  Nothing expires by itself here: a field is there until hash_drop_due(), whatever its
 *            deadline. A deadline is above 0.
 * Lent       Fields and values are lent until the next change; integers as text from a scratch
 *            room. What is put in must not be lent from the same hash.
 * Cost       Small: O(n) at a few ns a field. Large: O(1) a field, and two cache misses.
 */
#ifndef KV_VALUES_HASH_H
#define KV_VALUES_HASH_H

#include "base/random.h"
#include "base/siphash.h"
#include "structures/members.h"
#include "values/hash_pack.h"
#include "values/large.h"

/* Whose hash it is: a shard with this memory, in a store with this key. */
struct hash_owner {
    struct memory *memory;
    const struct siphash_key *key;
    struct collection_limits limits;
};

/* -------------------------------------------------------------------------------------- reading */

/* The number of fields. O(1). */
KV_INTERNAL uint64_t hash_length(const struct collection *hash);

/* Lends the value of a field; false if there is no such field. */
KV_INTERNAL bool hash_get(const struct collection *hash, kv_slice field,
                          char scratch[PACK_TEXT_SIZE], kv_slice *value);

/* Gives the deadline of a field, KV_NEVER if it has none; false if there is no such field. */
KV_INTERNAL bool hash_get_deadline(const struct collection *hash, kv_slice field,
                                   int64_t *deadline_ms);

/* The same for many, each shown with its index, in order, the misses of several overlapping. */
KV_INTERNAL void hash_get_many(const struct collection *hash, const kv_slice *fields, size_t count,
                               kv_visit_at *visit, void *context);

/* Lends all fields and values until the visitor has enough. O(n). */
KV_INTERNAL void hash_visit(const struct collection *hash, kv_visit_field *visit, void *context);

/* The same with the deadline of each, KV_NEVER if it has none. */
typedef bool hash_visit_dated(void *context, kv_slice field, kv_slice value, int64_t deadline_ms);
KV_INTERNAL void hash_visit_deadlines(const struct collection *hash, hash_visit_dated *visit,
                                      void *context);

/*
 * Lends about `limit` fields from a cursor on, all of a small hash; gives the cursor to go on with,
 * 0 at the end.
 */
KV_INTERNAL uint64_t hash_scan(const struct collection *hash, uint64_t cursor, uint64_t limit,
                               kv_visit_field *visit, void *context);

/*
 * Lends `count` fields chosen at random, which may come again. The hash is not empty. KV_OK, or
 * KV_NOMEM for a large count of a small hash.
 */
KV_INTERNAL kv_status hash_draw(const struct collection *hash, struct alloc *alloc,
                                struct random *random, uint64_t count, kv_visit_field *visit,
                                void *context);

/* The same, but none comes again; `count` is no more than there are. KV_OK, KV_NOMEM. */
KV_INTERNAL kv_status hash_sample(const struct collection *hash, struct alloc *alloc,
                                  struct random *random, uint64_t count, kv_visit_field *visit,
                                  void *context);

/* ------------------------------------------------------------------------------------- changing */

/*
 * Puts `count` pairs, a field and its value in turn, one by one, all with this deadline (KV_NEVER:
 * none, HASH_KEEP_DEADLINE: that which a field has); *added receives how many fields are new.
 * KV_OK, KV_TOOBIG, KV_NOMEM. O(count), O(count log n) with deadlines.
 */
KV_INTERNAL kv_status hash_set(struct collection *hash, const struct hash_owner *owner,
                               const kv_slice *pairs, size_t count, int64_t deadline_ms,
                               uint64_t *added);

/*
 * Makes room for deadlines of `count` fields, which only a large hash can then still be without
 * memory for. KV_OK, KV_NOMEM.
 */
KV_INTERNAL kv_status hash_reserve_deadlines(struct collection *hash, struct memory *memory,
                                             const struct siphash_key *key, size_t count);

/*
 * Gives a field that is there a deadline. KV_NEVER takes it away, and does not fail; nor, where
 * hash_reserve_deadlines() came before, does putting back what it had. KV_OK, KV_NOMEM. O(log n),
 * O(n) of a small hash.
 */
KV_INTERNAL kv_status hash_set_deadline(struct collection *hash, struct memory *memory,
                                        kv_slice field, int64_t deadline_ms);

/*
 * Removes fields and gives how many there were. A hash of which nothing is left is {0}. O(count).
 */
KV_INTERNAL uint64_t hash_remove(struct collection *hash, struct memory *memory,
                                 const kv_slice *fields, size_t count);

/* --------------------------------------------------------------------------------- whole hashes */

/* A deep copy, in the memory of the shard it is for. KV_OK, KV_NOMEM. O(n). */
KV_INTERNAL kv_status hash_copy(const struct collection *hash, struct memory *memory,
                                struct collection *copy);

/* Frees all; the hash is {0}. */
KV_INTERNAL void hash_destroy(struct collection *hash, struct memory *memory);

/* What value.c knows of hashes. */
KV_INTERNAL_DATA const struct collection_kind hash_kind;

#if KV_DEBUG > 0
/* Asserts what hash.c promises. */
KV_INTERNAL void hash_check(const struct collection *hash);
#endif

#endif
