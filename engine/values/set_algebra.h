/*
 * values/set_algebra.h -- sets made of others: intersection, union, difference.
 *
 * The members of one set are gone through in batches, and each batch is looked up in the others at
 * once, so that cache misses overlap. Large sets of one store lie in the order of the same hash, so
 * such lookups go through the other table in order, too.
 *
 * The sets stay as they are; the result goes member by member to a sink, each once.
 */
#ifndef KV_VALUES_SET_ALGEBRA_H
#define KV_VALUES_SET_ALGEBRA_H

#include "values/set.h"

enum set_operation {
    SET_INTERSECTION,
    SET_UNION,
    SET_DIFFERENCE /* of the first set: what no other has */
};

/* What becomes of the result: called for each member; false: no more is wanted. */
struct set_sink {
    bool (*put)(void *context, const struct member_name *name);
    void *context;
    bool (*count)(void *context, uint64_t count); /* in place of `put`, where so many members are in
                                                     the result whatever they are; may be NULL */
    bool takes_duplicates; /* and sorts them out itself: it is given hashed names */
};

/*
 * Does the operation. `sets` may be reordered, and empty ones may be among them; `owner` has room
 * for what is needed for a time. KV_OK; KV_NOMEM, and what the sink has got is of no use.
 *
 * Cost: intersection O(smallest x sets), less where most members are missing in the next smallest
 * set; union O(members of all); difference O(members of all) or O(first x sets), the lesser. A sink
 * that counts is spared the members of the largest set in a union, and those of a set alone.
 */
KV_INTERNAL kv_status set_operate(enum set_operation operation, struct collection *sets,
                                  size_t count, const struct set_owner *owner,
                                  const struct set_sink *sink);

#endif
