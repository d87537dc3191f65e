/*
 * values/set.h -- the set value: an intset or a pack while it is small, a table of members when it
 * is large.
 *
 * Ownership  A set is a struct collection. A small one is an intset or a pack in its owner's memory;
 *            a large one begins with a struct large.
 * Failure    Whatever can fail changes the set entirely or not at all. Removing never fails.
 * Encoding   As in Redis 7.2 a set is "intset" while it has integers only, up to a number of them;
 *            "listpack" within the limits of set-max-listpack-entries and -value; "hashtable"
 *            (large) beyond. It never goes back, however much is removed.
 * Lent       Members are lent until the next change; integers as text from a scratch room. What is
 *            put in must not be lent from the same set.
 * Order      An intset's is ascending, a pack's that in which the members came, a large one's any.
 * Cost       Small: O(n) at a few ns a member. Large: O(1) a member and two cache misses, of an
 *            integer one. 33 bytes for a member of 16 among a million, 9 for an integer.
 */
#ifndef KV_VALUES_SET_H
#define KV_VALUES_SET_H

#include "base/random.h"
#include "base/siphash.h"
#include "structures/members.h"
#include "structures/pack.h"
#include "values/large.h"

/* Whose set it is: a shard with this memory, in a store with this key. */
struct set_owner {
    struct memory *memory;
    const struct siphash_key *key;
    struct collection_limits limits; /* of a pack */
    size_t integer_count;            /* of an intset */
};

/* -------------------------------------------------------------------------------------- reading */

/* The number of members. O(1). */
KV_INTERNAL uint64_t set_length(const struct collection *set);

static inline bool set_is_large(const struct collection *set)
{
    return !collection_is_small(set);
}

/* The table of a large set. */
KV_INTERNAL const struct members *set_members(const struct collection *set);

/* Whether it has the member. */
KV_INTERNAL bool set_has(const struct collection *set, kv_slice member);

/* The same for many, the cache misses of several overlapping. */
KV_INTERNAL void set_has_many(const struct collection *set, const kv_slice *members, size_t count,
                              bool *found);

/* Lends all members until the visitor has enough. O(n). */
KV_INTERNAL void set_visit(const struct collection *set, kv_visit *visit, void *context);

/*
 * Lends about `limit` members from a cursor on, all of a small set; gives the cursor to go on with,
 * 0 at the end. What visit returns is ignored.
 */
KV_INTERNAL uint64_t set_scan(const struct collection *set, uint64_t cursor, uint64_t limit,
                              kv_visit *visit, void *context);

/* ------------------------------------------------------------------------------- members in hand */

/*
 * Where a member of a set is, whatever its encoding, until the next change. The places of a small
 * set go up from its first member to its last.
 */
typedef uintptr_t set_place;

/* The member at a place, lent. */
KV_INTERNAL kv_slice set_text_at(const struct collection *set, set_place place,
                                 char scratch[MEMBER_TEXT_SIZE]);

/* A member chosen at random, each equally likely; the set is not empty. O(1), of a pack O(n). */
KV_INTERNAL set_place set_random(const struct collection *set, struct random *random);

/*
 * `count` different members chosen at random, every choice equally likely; there are as many.
 * O(count), or O(n) of a small set and for more than a third. KV_OK; KV_NOMEM.
 */
KV_INTERNAL kv_status set_sample(const struct collection *set, struct random *random,
                                 uint64_t count, set_place *places);

/* Takes out the members at these places, which are different, and of a small set go up. */
KV_INTERNAL void set_remove_at(struct collection *set, struct memory *memory,
                               const set_place *places, uint64_t count);

/* ------------------------------------------------------------------------------------- changing */

/*
 * Adds members one by one; *added receives how many were not there. KV_OK, KV_NOMEM. O(count), and
 * of a small set O(n).
 */
KV_INTERNAL kv_status set_add(struct collection *set, const struct set_owner *owner,
                              const kv_slice *members, size_t count, uint64_t *added);

/*
 * Removes members and gives how many there were. A set of which nothing is left is {0}. O(count).
 */
KV_INTERNAL uint64_t set_remove(struct collection *set, struct memory *memory,
                                const kv_slice *members, size_t count);

/* ------------------------------------------------------------------------------------ deadlines */

/*
 * As the functions of struct collection_kind: any member may have a deadline, and a set is large
 * from the first one on. Adding a member that is there leaves its deadline.
 */
KV_INTERNAL bool set_get_deadline(const struct collection *set, kv_slice member,
                                  int64_t *deadline_ms);
KV_INTERNAL kv_status set_reserve_deadlines(struct collection *set, struct memory *memory,
                                            const struct siphash_key *key, size_t count);
KV_INTERNAL kv_status set_set_deadline(struct collection *set, struct memory *memory,
                                       kv_slice member, int64_t deadline_ms);

/* ------------------------------------------------------------------ names, for set operations */

/* Where a walk through a set stands. */
struct set_walk {
    const struct collection *set;
    struct table_cursor cursor; /* of a large one */
    const uint8_t *at;          /* of a pack */
    size_t index;               /* of an intset */
};

KV_INTERNAL void set_walk_begin(struct set_walk *walk, const struct collection *set);

/*
 * Sets `names` to those of the next members, MEMBERS_BATCH at most, not hashed yet; 0: there are no
 * more. They are lent until the next change.
 */
KV_INTERNAL size_t set_walk_next(struct set_walk *walk, struct member_name names[MEMBERS_BATCH]);

/* Whether it has a member of that name, which has been hashed if the set is large. */
KV_INTERNAL bool set_has_name(const struct collection *set, const struct member_name *name);

/* Adds a member of that name, which has been hashed. KV_OK; KV_SKIPPED if it is there; KV_NOMEM. */
KV_INTERNAL kv_status set_add_name(struct collection *set, const struct set_owner *owner,
                                   const struct member_name *name);

/* ----------------------------------------------------------------------------------- whole sets */

/* A deep copy, in the memory of the shard it is for. KV_OK, KV_NOMEM. O(n). */
KV_INTERNAL kv_status set_copy(const struct collection *set, struct memory *memory,
                               struct collection *copy);

/* Frees all; the set is {0}. */
KV_INTERNAL void set_destroy(struct collection *set, struct memory *memory);

/* What value.c knows of sets. */
KV_INTERNAL_DATA const struct collection_kind set_kind;

#if KV_DEBUG > 0
/* Asserts what set.c promises. */
KV_INTERNAL KV_UNUSED void set_check(const struct collection *set);
#endif

#endif
