/*
 * values/zset.h -- the sorted set: a pack of members and scores in order while it is small, a table
 * of members and a ranking of them when it is large.
 *
 * Ownership  A struct collection (collection.h). A small one is one block of its shard's memory,
 *            which every call is given. A large one has a memory of its own.
 * Failure    Whatever can fail changes everything it was asked to or nothing. Taking members out
 *            never fails.
 * Encoding   As in Redis, "listpack" (small) up to the limits of zset-max-listpack-entries and
 *            -value, and "skiplist" (large, though there is none) once a member came in that was
 *            beyond one of them. A large one stays so.
 * Order      By score, then by name, byte by byte. 0 and -0 are the same score; nan is none. As in
 *            Redis, a small set has 0 for -0, and so has a member put before its set became large,
 *            unless the set is made as a whole: read from a file, or made of others.
 * Members    Of up to KV_SETTING_MAX_VALUE_SIZE bytes. Lent slices end with the next change;
 *            integers are lent as text from a scratch room. A member put in must not be one lent
 *            from the same set.
 * Cost       Of a large set: O(1) for the score of a member, O(log n) for its rank, for any place
 *            by rank, score or name, and for a change. Resident: about 62 bytes for each of many
 *            members of 16 bytes.
 */
#ifndef KV_VALUES_ZSET_H
#define KV_VALUES_ZSET_H

#include "base/random.h"
#include "base/siphash.h"
#include "values/collection.h"

/* What value.c knows of sorted sets. */
KV_INTERNAL_DATA const struct collection_kind zset_kind;

/* What a set must know to become a large one. */
struct zset_rules {
    struct collection_limits limits;
    const struct siphash_key *key; /* the store's, which stays where it is */
    bool is_whole; /* it is made as a whole: a -0 makes it large until zset_shrink() */
};

/* -------------------------------------------------------------------------------------- reading */

/* The number of members. O(1). */
KV_INTERNAL uint64_t zset_count(const struct collection *set);

/* The score of a member; false if it is not there. */
KV_INTERNAL bool zset_score(const struct collection *set, kv_slice member, double *score);

/* The score, and how many members are before it in order. */
KV_INTERNAL bool zset_rank(const struct collection *set, kv_slice member, uint64_t *rank,
                           double *score);

/*
 * Which members a range means: how many, and how many lie between them and the end they are counted
 * from, which is the tail if the range is a reverse one.
 */
KV_INTERNAL uint64_t zset_select(const struct collection *set, const kv_zrange_options *range,
                                 uint64_t *skip);

/*
 * Lends up to `count` members, from the one `skip` members away from `end` on towards the other
 * end, until the visitor has enough.
 */
KV_INTERNAL void zset_visit(const struct collection *set, kv_end end, uint64_t skip, uint64_t count,
                            kv_visit_scored *visit, void *context);

/*
 * Lends about `limit` members from `cursor` on and gives the cursor that goes on; start at 0, it is
 * over when it is 0 again. A member that is there from start to end is lent once or more. What the
 * visitor returns is ignored.
 */
KV_INTERNAL uint64_t zset_scan(const struct collection *set, uint64_t cursor, uint64_t limit,
                               kv_visit_scored *visit, void *context);

/* Lends `count` members chosen at random, each anew, so that one may come again. Not empty. */
KV_INTERNAL void zset_draw(const struct collection *set, struct random *random, uint64_t count,
                           kv_visit_scored *visit, void *context);

/*
 * Lends `count` different members chosen at random, no more than there are. Takes memory for a
 * time: KV_OK, or KV_NOMEM with none lent.
 */
KV_INTERNAL kv_status zset_sample(const struct collection *set, struct memory *memory,
                                  struct random *random, uint64_t count, kv_visit_scored *visit,
                                  void *context);

/* ------------------------------------------------------------------------------------- changing */

/* What became of a member that was put. */
enum zset_outcome {
    ZSET_REFUSED, /* a condition (KV_ZADD_...) did not hold */
    ZSET_SAME,    /* it has that score already */
    ZSET_UPDATED,
    ZSET_ADDED
};

/*
 * Puts a member with *score, or adds *score to what it has if `increments`, under the conditions of
 * `flags` (KV_ZADD_...). *score receives the score it has, unless refused. KV_OK; KV_NOTFINITE if
 * the sum is nan; KV_TOOBIG; KV_NOMEM.
 */
KV_INTERNAL kv_status zset_put(struct collection *set, struct memory *memory,
                               const struct zset_rules *rules, kv_slice member, unsigned flags,
                               bool increments, double *score, enum zset_outcome *outcome);

/*
 * Puts several, one after another, the same one perhaps twice; outcomes[] tells of each (enum
 * zset_outcome). All or none: KV_OK, KV_TOOBIG, KV_NOMEM.
 */
KV_INTERNAL kv_status zset_put_all(struct collection *set, struct memory *memory,
                                   const struct zset_rules *rules, const kv_scored *members,
                                   size_t count, unsigned flags, uint8_t *outcomes);

/* Makes a large set that is within the limits a small one. KV_OK, KV_NOMEM. */
KV_INTERNAL kv_status zset_shrink(struct collection *set, struct memory *memory,
                                  const struct zset_rules *rules);

/* Takes a member out; false if it is not there. */
KV_INTERNAL bool zset_remove(struct collection *set, struct memory *memory, kv_slice member);

/*
 * Takes out `count` members, from the one `skip` members away from `end` on towards the other end,
 * which must be there, and lends each to `visit`, if not NULL, before it goes; what that returns is
 * ignored. O(log n + count).
 */
KV_INTERNAL void zset_remove_range(struct collection *set, struct memory *memory, kv_end end,
                                   uint64_t skip, uint64_t count, kv_visit_scored *visit,
                                   void *context);

/*
 * As the functions of struct collection_kind: any member may have a deadline, and a set is large
 * from the first one on. Giving a member that is there a score leaves its deadline.
 */
KV_INTERNAL bool zset_get_deadline(const struct collection *set, kv_slice member,
                                   int64_t *deadline_ms);
KV_INTERNAL kv_status zset_reserve_deadlines(struct collection *set, struct memory *memory,
                                             const struct siphash_key *key, size_t count);
KV_INTERNAL kv_status zset_set_deadline(struct collection *set, struct memory *memory,
                                        kv_slice member, int64_t deadline_ms);

/* Frees all; the set is the empty one. O(blocks). */
KV_INTERNAL void zset_destroy(struct collection *set, struct memory *memory);

#if KV_DEBUG > 0
/* Asserts what zset.c promises. */
KV_INTERNAL KV_UNUSED void zset_check(const struct collection *set);
#endif

#endif
