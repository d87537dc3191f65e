/*
 * structures/ranking.h -- members in the order of their scores: found by score, by name or by rank
 * in O(log n).
 *
 * A counted tree (structures/tree.h) whose leaves are arrays of pointers to the owner's members
 * (structures/members.h), each with its score beside it. So a search looks at the members
 * themselves only to tell equal scores apart: those are ordered by their names, byte by byte.
 *
 * Ownership  Members are the owner's and must stay where they are, unless it tells the place
 *            (ranking_move_member); where the owner keeps their
 *            scores is its own affair. Leaves and nodes are in the memory that each changing call
 *            is given: the owner may give all of it back at once and forget the ranking.
 * Failure    Only ranking_insert() and ranking_move() need memory; they change everything or
 *            nothing.
 * Places     A place is a path to a member. It is good until the ranking changes.
 * Size       About 19 bytes for each of many members that came in any order, 17 if in order.
 */
#ifndef KV_STRUCTURES_RANKING_H
#define KV_STRUCTURES_RANKING_H

#include "base/attributes.h"
#include "base/memory.h"
#include "structures/members.h"
#include "structures/tree.h"

#include "kvstore.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ranking {
    struct tree tree;
};

/* Where a search for a place goes among the members of one score. */
enum ranking_side {
    RANKING_BEFORE_ALL, /* before them */
    RANKING_AT,         /* at the one with this name, or where it would be */
    RANKING_BEHIND,     /* behind that one */
    RANKING_AFTER_ALL   /* behind all of them */
};

/* A point between two neighbours, or before or behind all. */
struct ranking_key {
    uint64_t mark; /* of the score, see ranking_key() */
    enum ranking_side side;
    kv_slice name; /* for RANKING_AT and RANKING_BEHIND */
};

struct ranking_slot {
    uint64_t mark;
    struct member *member;
};

struct ranking_leaf {
    uint32_t count, capacity;
    struct ranking_slot slots[];
};

struct ranking_place {
    struct tree_path path;
    unsigned index; /* in the leaf */
};

/* An empty ranking, which holds nothing. */
KV_INTERNAL void ranking_init(struct ranking *ranking);

static inline uint64_t ranking_count(const struct ranking *ranking)
{
    return tree_count(&ranking->tree);
}

/*
 * A number with the order of the score: IEEE 754 doubles compare as integers of sign and magnitude.
 * 0 and -0 are the same. The score is a number.
 */
static inline uint64_t ranking_mark(double score)
{
    uint64_t bits;
    score += 0.0; /* makes -0 be 0 */
    memcpy(&bits, &score, sizeof bits);
    return (bits >> 63) != 0 ? ~bits : bits | UINT64_C(1) << 63;
}

static inline struct ranking_key ranking_key(double score, enum ranking_side side, kv_slice name)
{
    return (struct ranking_key){ranking_mark(score), side, name};
}

/* -------------------------------------------------------------------------------------- finding */

/* How many members are before the key. O(log n). */
KV_INTERNAL uint64_t ranking_before(const struct ranking *ranking, const struct ranking_key *key);

/* The place of the member with so many before it, which must be there. O(log n). */
KV_INTERNAL void ranking_at(const struct ranking *ranking, uint64_t rank,
                            struct ranking_place *place);

/* How many members come before one that is there. O(log n). */
KV_INTERNAL uint64_t ranking_rank(const struct ranking *ranking, const struct member *member,
                                  double score);

/* The place of a member that is there with this score. O(log n). */
KV_INTERNAL void ranking_find(const struct ranking *ranking, const struct member *member,
                              double score, struct ranking_place *place);

/* The member there lies elsewhere now. */
static inline void ranking_move_member(const struct ranking_place *place, struct member *moved)
{
    ((struct ranking_leaf *)place->path.leaf)->slots[place->index].member = moved;
}

static inline struct member *ranking_member(const struct ranking_place *place)
{
    return ((const struct ranking_leaf *)place->path.leaf)->slots[place->index].member;
}

/*
 * Goes on to the next or previous member. False, and the place is none any more, if there is none.
 * Members some way ahead are brought into the cache; ranking_fetch() does so at the start of a walk
 * from `end` on. O(1) on average.
 */
KV_INTERNAL void ranking_fetch(const struct ranking_place *place, kv_end end);
KV_INTERNAL bool ranking_next(const struct ranking *ranking, struct ranking_place *place);
KV_INTERNAL bool ranking_prev(const struct ranking *ranking, struct ranking_place *place);

/* ------------------------------------------------------------------------------------- changing */

/*
 * Adds a member, even one that is there with another score: it is then in two places, until one is
 * removed. KV_OK, KV_NOMEM. O(log n).
 */
KV_INTERNAL kv_status ranking_insert(struct ranking *ranking, struct memory *memory,
                                     struct member *member, double score);

/* Takes out a member, which is there with that score. O(log n). */
KV_INTERNAL void ranking_remove(struct ranking *ranking, struct memory *memory,
                                const struct member *member, double score);

/*
 * Both in one: gives a member that is there with one score another. KV_OK, KV_NOMEM. O(log n).
 */
KV_INTERNAL kv_status ranking_move(struct ranking *ranking, struct memory *memory,
                                   struct member *member, double from, double to);

/*
 * Takes out `count` members from a rank on, which must be there, without looking at them: they may
 * be gone already. O(log n + leaves).
 */
KV_INTERNAL void ranking_remove_range(struct ranking *ranking, struct memory *memory, uint64_t rank,
                                      uint64_t count);

#if KV_DEBUG > 0
/* Asserts what ranking.c promises; `score` tells the score of a member. */
KV_INTERNAL KV_UNUSED void ranking_check(const struct ranking *ranking,
                                         double (*score)(const struct member *member));
#endif

#endif
