/*
 * structures/members.h -- the members of a large collection: a table of names, each with a value
 * and a deadline if its owner wants that (the fields of a hash), found by name in O(1).
 *
 * A member is one block of the owner's memory, and what the table points to:
 *
 *     head:1   [deadline:8 id:4]   [size of the name]   name   [size of the value, value]
 *
 *     head     bits 0 to 4: the size of the name up to 28, or that it follows in 1 (29), 4 (30) or
 *              8 (31) bytes; then flags: the name is an integer, there is a value, a deadline
 *     name     text; or an integer, in as few bytes as it takes
 *     value    text; its size goes before it, 7 bits a byte, the lowest first, each but the last
 *              with bit 7
 *
 * So a set's member of 7 bytes takes 8, one of 16 takes 24. A name that is the canonical text of an
 * int64_t is kept as the integer. If it fits, and there is neither value nor deadline, it is kept in
 * the table's pointer itself, 2n + 1, which no block's address is: then there is no block, and a
 * lookup costs one cache miss, not two.
 *
 * Ownership  All lies in the memory that members_init() was given. To drop everything give that
 *            back; no call here is needed.
 * Failure    What can fail changes nothing then. Taking members out never fails.
 * Members    A struct member is opaque, its address may be odd, and it is good until that member is
 *            changed or removed; adding others does not move it.
 * Hash       The store's keyed SipHash, of the text or of the integer's 8 bytes. So all tables of a
 *            store have the same order, and a name that was made for one is good for every other.
 */
#ifndef KV_STRUCTURES_MEMBERS_H
#define KV_STRUCTURES_MEMBERS_H

#include "base/attributes.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/siphash.h"
#include "structures/table.h"

#include "kvstore.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEMBER_TEXT_SIZE 21 /* room for the text of any int64_t, and to spare */

/* How many names are looked up at once so that their cache misses overlap. */
#define MEMBERS_BATCH 32

struct member;

struct members {
    struct table table; /* of struct member; its memory is the owner's */
};

/*
 * A name to look for, prepared once. `hashed` may point into the struct itself, which is therefore
 * not to be copied.
 */
struct member_name {
    kv_slice hashed; /* the text; of an integer the 8 bytes below */
    int64_t integer;
    bool is_integer;
    bool mark; /* the caller's */
    uint64_t hash;
};

/* An empty table. Memory and key stay where they are as long as it is used. */
KV_INTERNAL KV_UNUSED void members_init(struct members *members, struct memory *memory,
                                        const struct siphash_key *key);

/* The key of its names' hashes. */
static inline const struct siphash_key *members_key(const struct members *members)
{
    return members->table.context;
}

static inline uint64_t members_count(const struct members *members)
{
    return members->table.count;
}

/* --------------------------------------------------------------------------------------- names */

/* Prepares a name, whose text stays the caller's and must stay while the name is used. */
KV_INTERNAL KV_UNUSED void members_name(const struct siphash_key *key, kv_slice text,
                                        struct member_name *name);

/* The same for many, which takes half the time for each. */
KV_INTERNAL KV_UNUSED void members_names(const struct siphash_key *key, const kv_slice *texts,
                                         size_t count, struct member_name *names);

/*
 * The same in two steps, for names that come from elsewhere: each is set to a text, an integer or
 * the name of a member, and then they are hashed.
 */
KV_INTERNAL KV_UNUSED void member_name_set(struct member_name *name, kv_slice text);
KV_INTERNAL KV_UNUSED void member_name_set_integer(struct member_name *name, int64_t integer);
KV_INTERNAL KV_UNUSED void member_name_set_member(struct member_name *name,
                                                  const struct member *member);
KV_INTERNAL KV_UNUSED void member_names_hash(const struct siphash_key *key,
                                             struct member_name *names, size_t count);

/* A name as text, which is the one it was made of or, of an integer, in `scratch`. */
KV_INTERNAL KV_UNUSED kv_slice member_name_text(const struct member_name *name,
                                                char scratch[MEMBER_TEXT_SIZE]);

/* The names of members, to look them up in another table. */
KV_INTERNAL KV_UNUSED void members_names_of(const struct siphash_key *key,
                                            const struct member *const *members, size_t count,
                                            struct member_name *names);

/* -------------------------------------------------------------------------------------- reading */

/*
 * Fetches what looking these names up will need, the cache misses of all overlapping. A hint; worth
 * it for up to MEMBERS_BATCH names at a time.
 */
KV_INTERNAL KV_UNUSED void members_fetch(const struct members *members,
                                         const struct member_name *names, size_t count);

/* The member of that name; NULL if there is none. O(1). */
KV_INTERNAL KV_UNUSED struct member *members_find(const struct members *members,
                                                  const struct member_name *name);

/* Its name as text, which is lent or, of an integer, in `scratch`. */
KV_INTERNAL KV_UNUSED kv_slice member_text(const struct member *member,
                                           char scratch[MEMBER_TEXT_SIZE]);

/* Whether its name is an integer, and which. */
KV_INTERNAL KV_UNUSED bool member_integer(const struct member *member, int64_t *integer);

/* Its value, lent; empty if it has none. */
KV_INTERNAL KV_UNUSED kv_slice member_value(const struct member *member);

/* Its deadline, KV_NEVER if it has none; and the number kept beside that, 0 if there is none. */
KV_INTERNAL KV_UNUSED int64_t member_deadline(const struct member *member);
KV_INTERNAL KV_UNUSED uint32_t member_deadline_id(const struct member *member);

/* ------------------------------------------------------------------------------------- changing */

/* Adds a member without a value. KV_OK; KV_SKIPPED if it is there; KV_NOMEM. O(1). */
KV_INTERNAL KV_UNUSED kv_status members_add(struct members *members,
                                            const struct member_name *name);

/*
 * Gives a member a value, adding it if it is not there; it has no deadline then. The member that it
 * replaces, NULL if there was none, goes to *old, which is freed by members_free() or put back by
 * members_undo(): so several can be put all or none. KV_OK, KV_NOMEM. O(1).
 */
KV_INTERNAL KV_UNUSED kv_status members_put(struct members *members, const struct member_name *name,
                                            kv_slice value, struct member **old);

/* Takes back the last members_put() of this name, or a members_add(), whose `old` is NULL. */
KV_INTERNAL KV_UNUSED void members_undo(struct members *members, const struct member_name *name,
                                        struct member *old);

/* Frees a member that was replaced. */
KV_INTERNAL KV_UNUSED void members_free(struct members *members, struct member *old);

/*
 * Changes the value of a member that is there and keeps its deadline; in place if its block has the
 * right size. The value may not lie in the member. KV_OK, KV_NOMEM. O(1).
 */
KV_INTERNAL KV_UNUSED kv_status members_set_value(struct members *members,
                                                  const struct member_name *name, kv_slice value);

/*
 * Gives a member that is there a deadline and a number, or takes them away with KV_NEVER, which
 * does not fail. *moved receives the member, which may have moved. KV_OK, KV_NOMEM. O(1).
 */
KV_INTERNAL KV_UNUSED kv_status members_set_deadline(struct members *members,
                                                     const struct member_name *name,
                                                     int64_t deadline_ms, uint32_t id,
                                                     struct member **moved);

/* Changes the number of a member that has a deadline. */
KV_INTERNAL KV_UNUSED void member_set_deadline_id(struct member *member, uint32_t id);

/* Takes a member out by name, false if there is none; or the one in hand. O(1). */
KV_INTERNAL KV_UNUSED bool members_remove(struct members *members, const struct member_name *name);
KV_INTERNAL KV_UNUSED void members_remove_member(struct members *members, struct member *member);

/* ------------------------------------------------------------------------------------- all of it */

typedef void members_visit(void *context, const struct member *member);

/*
 * Visits about `limit` members, from `cursor` on, and gives the cursor that goes on; start at 0, it
 * is over when it is 0 again. A member that is there from start to end is visited once or more. The
 * visitor changes nothing.
 */
KV_INTERNAL KV_UNUSED uint64_t members_scan(const struct members *members, uint64_t cursor,
                                            uint64_t limit, members_visit *visit, void *context);

/*
 * Gives the next members of a walk, up to `room`, which is MEMBERS_BATCH or more, and fetches them;
 * 0: there are no more. `cursor` starts as {0}. Nothing may change in between. Another table of the
 * same store is met in the order in which it lies in memory when these members are looked up there.
 */
KV_INTERNAL KV_UNUSED size_t members_next(const struct members *members,
                                          struct table_cursor *cursor, struct member **batch,
                                          size_t room);

/*
 * Copies all members, with values and deadlines, into another table, which is empty, of the same
 * store. What was copied before a failure stays there. KV_OK, KV_NOMEM. O(n).
 */
KV_INTERNAL KV_UNUSED kv_status members_copy(const struct members *from, struct members *to);

/* A member chosen at random, each equally likely; there is one. Expected O(1). */
KV_INTERNAL KV_UNUSED struct member *members_random(const struct members *members,
                                                    struct random *random);

/*
 * `count` different members chosen at random, every choice equally likely, in no order worth
 * mention; there are as many. Expected O(count), or O(n) for more than a third of them; takes
 * memory for a time. KV_OK, KV_NOMEM.
 */
KV_INTERNAL KV_UNUSED kv_status members_sample(const struct members *members, struct random *random,
                                               uint64_t count, struct member **sample);

#if KV_DEBUG > 0
/* Asserts what members.c promises. */
KV_INTERNAL KV_UNUSED void members_check(const struct members *members);
#endif

#endif
