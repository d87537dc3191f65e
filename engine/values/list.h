/*
 * values/list.h -- the list value: a pack while it is small, a tree of packs when it is large.
 *
 * Ownership  A list is a struct collection. A small one is a pack in its shard's memory, which
 *            every call is given; a large one begins with a struct large.
 * Failure    Whatever can fail changes the list entirely or not at all (the tree's shape aside,
 *            which nobody sees). Taking elements out, trimming and popping never fail.
 * Encoding   As in Redis 7.2 a list is "listpack" (small) within the limits of
 *            list-max-listpack-size and "quicklist" (large) beyond. It becomes large when what is
 *            put in could exceed a limit, counting the size of the texts; small again when taking
 *            out has brought it below half.
 * Elements   Of up to 1 GiB less a few bytes, more is KV_TOOBIG. Lent slices end with the next
 *            change; integers are lent as text from a scratch room. A value put in must not be one
 *            lent from the same list.
 * Cost       At the ends O(1); at a position O(log n); searching and counting past elements O(n),
 *            at a few ns each. Resident: 18.5 bytes for each element of 16 pushed one by one.
 */
#ifndef KV_VALUES_LIST_H
#define KV_VALUES_LIST_H

#include "base/attributes.h"
#include "base/memory.h"
#include "structures/pack.h"
#include "values/large.h"

#include "kvstore.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Up to where a list is small: bytes of its listpack, and elements. */
struct list_limits {
    size_t size;
    size_t count;
};

/*
 * What Redis's list-max-listpack-size means: -1 to -5 for 4 to 64 KiB, else a number of elements.
 */
KV_INTERNAL struct list_limits list_limits_of(int64_t setting);

/* Where list_edit() puts a value: before or after the element, or in its place. */
enum list_place { LIST_BEFORE, LIST_AFTER, LIST_INSTEAD };

/* -------------------------------------------------------------------------------------- reading */

/* The number of elements. O(1). */
KV_INTERNAL uint64_t list_length(const struct collection *list);

/*
 * Lends the element at an index, from the end if it is negative. False if there is none. O(log n),
 * at the ends O(1).
 */
KV_INTERNAL bool list_at(const struct collection *list, int64_t index, char scratch[PACK_TEXT_SIZE],
                         kv_slice *element);

/*
 * What LRANGE and LTRIM mean: of a list of `length` the elements from `start` to `stop`, negative
 * ones counted from the end. Gives how many they are and, if any, the index of the first.
 */
KV_INTERNAL uint64_t list_span(uint64_t length, int64_t start, int64_t stop, uint64_t *first);

/*
 * Lends up to `count` elements, from the one `skip` elements away from `end` on towards the other
 * end, until the visitor has enough. Gives how many it lent: a walk can be resumed there, also
 * after a change. O(log n + elements lent).
 */
KV_INTERNAL uint64_t list_visit(const struct collection *list, kv_end end, uint64_t skip,
                                uint64_t count, kv_visit *visit, void *context);

/*
 * Visits the positions of elements equal to `value`, as kv_lpos() does: the first one told of is
 * the rank-th match (from the tail if rank < 0; never 0), `count` matches at most unless 0, and
 * `maximum` elements are compared at most unless 0. Positions always count from the head. O(n).
 */
KV_INTERNAL void list_find(const struct collection *list, kv_slice value, int64_t rank,
                           uint64_t count, uint64_t maximum, kv_visit_position *visit,
                           void *context);

/*
 * The pack with the element at *position, and moves *position behind its last one; NULL if there is
 * no such element. For writing a list out in slices, as RDB keeps it: start at 0. Changes between
 * slices are seen or not; the caller has them under control. O(log n).
 */
KV_INTERNAL KV_UNUSED const struct pack *list_next_pack(const struct collection *list,
                                                        uint64_t *position);

/* ------------------------------------------------------------------------------------- changing */

/*
 * Pushes values at one end, one by one: at the head the last one given ends up first. KV_OK,
 * KV_TOOBIG, KV_NOMEM. O(count), moving nothing else.
 */
KV_INTERNAL kv_status list_push(struct collection *list, struct memory *memory,
                                const struct list_limits *limits, kv_end end,
                                const kv_slice *values, size_t count);

/*
 * Appends the elements of a listpack that has been validated and is not empty, to a list that is
 * large then: a pack at a time, not an element. KV_OK; KV_NOMEM, and some of them may be there.
 */
KV_INTERNAL kv_status list_append_pack(struct collection *list, struct memory *memory,
                                       kv_slice listpack);

/*
 * Takes up to `count` elements off one end and lends them to `visit`, if not NULL, in that order;
 * what it returns is ignored. Gives how many. A list of which nothing is left is {0}. O(count).
 */
KV_INTERNAL uint64_t list_pop(struct collection *list, struct memory *memory,
                              const struct list_limits *limits, kv_end end, uint64_t count,
                              kv_visit *visit, void *context);

/*
 * Puts a value before, after or in place of the element at an index (which may be negative). KV_OK;
 * KV_NONE if there is no such element; KV_TOOBIG; KV_NOMEM. O(log n).
 */
KV_INTERNAL kv_status list_edit(struct collection *list, struct memory *memory,
                                const struct list_limits *limits, int64_t index,
                                enum list_place place, kv_slice value);

/* The same at the first element equal to `pivot`; KV_SKIPPED if there is none. O(n). */
KV_INTERNAL kv_status list_insert(struct collection *list, struct memory *memory,
                                  const struct list_limits *limits, enum list_place place,
                                  kv_slice pivot, kv_slice value);

/*
 * Removes elements equal to `value`: the first `count`, the last -count, or all if 0. Gives how
 * many; with 0 the list is as it was. O(n).
 */
KV_INTERNAL uint64_t list_remove(struct collection *list, struct memory *memory,
                                 const struct list_limits *limits, int64_t count, kv_slice value);

/* Keeps the elements from `start` to `stop` only, as LTRIM. O(log n + blocks freed). */
KV_INTERNAL void list_trim(struct collection *list, struct memory *memory,
                           const struct list_limits *limits, int64_t start, int64_t stop);

/* ---------------------------------------------------------------------------------- whole lists */

/* A deep copy, in the memory of the shard it is for. KV_OK, KV_NOMEM. O(n). */
KV_INTERNAL kv_status list_copy(const struct collection *list, struct memory *memory,
                                struct collection *copy);

/* Frees all; the list is {0}. O(blocks). */
KV_INTERNAL void list_destroy(struct collection *list, struct memory *memory);

/* What value.c knows of lists. */
KV_INTERNAL_DATA const struct collection_kind list_kind;

#if KV_DEBUG > 0
/* Asserts what list.c promises. */
KV_INTERNAL KV_UNUSED void list_check(const struct collection *list);
#endif

#endif
