/*
 * values/zset.c -- the sorted set: a pack while it is small, a table and a ranking when it is large.
 *
 *     small:  pack [ a 1 b 2 c 2 ]        large:  members  name -> member (its value: the score)
 *                                                 ranking  scores and members, in order
 *
 * Invariants (zset_check() asserts them):
 *   1. No set but {0} is empty.
 *   2. A pack holds members and scores by turns, in order. It is a listpack as Redis keeps one.
 *   3. A large set's members are all in its ranking, each once, with the score that is its value: 8
 *      bytes, a double.
 *   4. Only a large set has members with deadlines; they are in its agenda.
 *
 * Several members are put into a large set so that all of it can be taken back: a member that gets
 * another score stays at its old place in the ranking, too, until all are put, since taking places
 * away cannot fail and making new ones can.
 *
 * May use structures/ and base/. Knows nothing of keys, expiry, locks.
 */
#include "values/zset.h"

#include "base/bytes.h"
#include "base/number.h"
#include "base/slice.h"
#include "structures/members.h"
#include "structures/pack.h"
#include "structures/ranking.h"
#include "values/large.h"
#include "values/timed.h"

#include <math.h>
#include <string.h>

struct zset_large {
    struct large large;
    struct members members;
    struct ranking ranking;
    struct agenda agenda;
};

static struct pack *zset_small(const struct collection *set)
{
    return collection_block(set);
}

static struct zset_large *zset_large(const struct collection *set)
{
    return (struct zset_large *)collection_large(set);
}

KV_INTERNAL uint64_t zset_count(const struct collection *set)
{
    if (!collection_is_small(set)) return ranking_count(&zset_large(set)->ranking);
    return collection_is_empty(set) ? 0 : pack_count(zset_small(set)) / 2;
}

/* ---------------------------------------------------------------------------------- small: a pack */

/* A member and its score on their way into a pack. */
struct zset_pair {
    char text[NUMBER_DOUBLE_SIZE];
    kv_slice values[2];
    struct pack_run run;
};

/* As in Redis, -0 becomes 0 here. */
static kv_status zset_pair_make(struct zset_pair *pair, kv_slice member, double score)
{
    score += 0.0;
    pair->values[0] = member;
    pair->values[1] = (kv_slice){pair->text, number_format_double_shortest(pair->text, score)};
    return pack_measure(pair->values, 2, &pair->run);
}

/* The score in an element. What Redis wrote there may be written differently, but is a number. */
static double zset_pack_score(const uint8_t *at)
{
    double score = 0;
    struct pack_item item = pack_get(at);
    if (item.is_integer) return (double)item.integer;
    (void)number_parse_double(item.text, &score);
    return score;
}

/* The element of a member; NULL if it is not there. */
static const uint8_t *zset_pack_find(const struct pack *pack, kv_slice member)
{
    struct pack_needle needle = pack_needle(member);
    return pack_find(pack_first(pack), &needle, 1);
}

/* Whether the member at `at` comes behind this one. */
static bool zset_pack_is_behind(const uint8_t *at, kv_slice member, double score)
{
    double other = zset_pack_score(pack_next(at));
    if (other != score) return other > score;
    char scratch[PACK_TEXT_SIZE];
    return slice_compare(pack_text(at, scratch), member) > 0;
}

/* Where in the order a member belongs that is not there. */
static const uint8_t *zset_pack_place(const struct pack *pack, kv_slice member, double score)
{
    const uint8_t *at = pack_last(pack);
    if (at == NULL) return pack_first(pack);
    if (!zset_pack_is_behind(pack_prev(pack, at), member, score)) return pack_end(pack);
    at = pack_first(pack);
    while (!zset_pack_is_behind(at, member, score)) at = pack_next(pack_next(at));
    return at;
}

/* Puts a pair that is not there into a pack with room for it. */
static void zset_pack_insert(struct pack *pack, const struct zset_pair *pair, double score)
{
    pack_insert(pack, zset_pack_place(pack, pair->values[0], score), &pair->run);
}

/* ----------------------------------------------------------------------- large: table and ranking */

static double zset_member_score(const struct member *member)
{
    uint64_t bits = bytes_load64(member_value(member).data);
    double score;
    memcpy(&score, &bits, sizeof score);
    return score;
}

static void zset_score_bytes(double score, uint8_t bytes[8])
{
    uint64_t bits;
    memcpy(&bits, &score, sizeof bits);
    bytes_store64(bytes, bits);
}

static void zset_set_member_score(struct member *member, double score)
{
    zset_score_bytes(score, (uint8_t *)(uintptr_t)member_value(member).data);
}

static struct zset_large *zset_large_create(struct memory *memory, const struct siphash_key *key)
{
    struct zset_large *large = large_create(memory, sizeof *large);
    if (large == NULL) return NULL;
    members_init(&large->members, &large->large.memory, key);
    ranking_init(&large->ranking);
    return large;
}

static struct member *zset_large_find(const struct zset_large *large, kv_slice text)
{
    struct member_name name;
    members_name(large->members.table.context, text, &name);
    return members_find(&large->members, &name);
}

/* Adds a member that is not there. */
static kv_status zset_large_add(struct zset_large *large, const struct member_name *name,
                                double score, struct member **added)
{
    uint8_t bytes[8];
    struct member *old;
    zset_score_bytes(score, bytes);
    kv_status status = members_put(&large->members, name, kv_bytes(bytes, sizeof bytes), &old);
    if (status != KV_OK) return status;
    assert(old == NULL);
    *added = members_find(&large->members, name);
    status = ranking_insert(&large->ranking, &large->large.memory, *added, score);
    if (status != KV_OK) members_undo(&large->members, name, NULL);
    return status;
}

static kv_status zset_large_add_text(struct zset_large *large, kv_slice text, double score)
{
    struct member_name name;
    struct member *added;
    members_name(large->members.table.context, text, &name);
    return zset_large_add(large, &name, score, &added);
}

static void zset_large_remove(struct zset_large *large, struct member *member, double score)
{
    ranking_remove(&large->ranking, &large->large.memory, member, score);
    timed_forget(&large->members, &large->agenda, member);
    members_remove_member(&large->members, member);
}

/* ---------------------------------------------------------------------------- from form to form */

struct zset_filling {
    struct zset_large *large;
    kv_status status;
};

static bool zset_fill(void *context, kv_slice member, double score)
{
    struct zset_filling *filling = context;
    filling->status = zset_large_add_text(filling->large, member, score);
    return filling->status == KV_OK;
}

/* A large set with the same members. NULL without memory. */
static struct zset_large *zset_large_from(const struct collection *set, struct memory *memory,
                                          const struct siphash_key *key)
{
    struct zset_large *large = zset_large_create(memory, key);
    if (large == NULL) return NULL;
    struct zset_filling filling = {large, KV_OK};
    zset_visit(set, KV_HEAD, 0, UINT64_MAX, zset_fill, &filling);
    if (filling.status == KV_OK) return large;
    large_destroy(&large->large);
    return NULL;
}

/* A pack with the members of a large set that is within the limits. NULL without memory. */
static struct pack *zset_small_from(const struct zset_large *large, struct memory *memory)
{
    struct pack *pack;
    struct ranking_place place;
    if (pack_create(memory, 0, KV_TAIL, &pack) != KV_OK) return NULL;
    ranking_at(&large->ranking, 0, &place);
    do {
        struct zset_pair pair;
        char scratch[MEMBER_TEXT_SIZE];
        struct member *member = ranking_member(&place);
        double score = zset_member_score(member);
        if (zset_pair_make(&pair, member_text(member, scratch), score) != KV_OK ||
            pack_reserve(memory, &pack, pair.run.size, KV_TAIL) != KV_OK) {
            pack_destroy(memory, pack);
            return NULL;
        }
        pack_push(pack, KV_TAIL, &pair.run);
    } while (ranking_next(&large->ranking, &place));
    return pack;
}

/* Whether a score is one that a small set would not keep, and that is to be kept. */
static bool zset_is_kept_large(const struct zset_rules *rules, double score)
{
    return rules->is_whole && score == 0 && signbit(score);
}

/* Whether a small set stays within its limits with so many members and bytes of text more. */
static bool zset_fits(const struct collection *set, const struct collection_limits *limits,
                      size_t count, size_t text_size)
{
    size_t size = collection_is_empty(set) ? 0 : pack_size(zset_small(set));
    uint64_t before = zset_count(set);
    if (before > limits->count || count > limits->count - before) return false;
    /* Scores and the heads of elements take some bytes more than the texts. */
    size_t most = PACK_SIZE_MAX / 2 - size;
    return size < PACK_SIZE_MAX / 2 && text_size <= most && count <= (most - text_size) / 64;
}

/* -------------------------------------------------------------------------------------- reading */

KV_INTERNAL bool zset_score(const struct collection *set, kv_slice member, double *score)
{
    if (collection_is_empty(set)) return false;
    if (collection_is_small(set)) {
        const uint8_t *at = zset_pack_find(zset_small(set), member);
        if (at != NULL) *score = zset_pack_score(pack_next(at));
        return at != NULL;
    }
    const struct member *found = zset_large_find(zset_large(set), member);
    if (found != NULL) *score = zset_member_score(found);
    return found != NULL;
}

KV_INTERNAL bool zset_rank(const struct collection *set, kv_slice member, uint64_t *rank,
                           double *score)
{
    if (collection_is_empty(set)) return false;
    if (collection_is_small(set)) {
        const uint8_t *found = zset_pack_find(zset_small(set), member);
        if (found == NULL) return false;
        *rank = 0;
        for (const uint8_t *at = pack_first(zset_small(set)); at != found; ++*rank)
            at = pack_next(pack_next(at));
        *score = zset_pack_score(pack_next(found));
        return true;
    }
    const struct zset_large *large = zset_large(set);
    const struct member *found = zset_large_find(large, member);
    if (found == NULL) return false;
    *score = zset_member_score(found);
    *rank = ranking_rank(&large->ranking, found, *score);
    return true;
}

/* ---------------------------------------------------------------------------------------- ranges */

/* Which side of equal scores or names a bound is on. As a maximum it comes behind what it includes. */
static bool zset_bound_is_behind(const kv_zbound *bound, bool is_maximum)
{
    return (bound->bound == KV_BOUND_INCLUDED) == is_maximum;
}

static uint64_t zset_pack_before(const struct pack *pack, kv_zrange_by by, const kv_zbound *bound,
                                 bool is_behind)
{
    uint64_t before = 0;
    for (const uint8_t *at = pack_first(pack); *at != PACK_END; at = pack_next(pack_next(at))) {
        int order;
        if (by == KV_BY_SCORE) {
            double score = zset_pack_score(pack_next(at));
            order = (score > bound->score) - (score < bound->score);
        } else {
            char scratch[PACK_TEXT_SIZE];
            order = slice_compare(pack_text(at, scratch), bound->name);
        }
        if (is_behind ? order > 0 : order >= 0) break;
        before++;
    }
    return before;
}

static uint64_t zset_large_before(const struct zset_large *large, kv_zrange_by by,
                                  const kv_zbound *bound, bool is_behind)
{
    struct ranking_key key;
    if (by == KV_BY_SCORE) {
        enum ranking_side side = is_behind ? RANKING_AFTER_ALL : RANKING_BEFORE_ALL;
        key = ranking_key(bound->score, side, bound->name);
    } else { /* all scores are that of the first member */
        struct ranking_place place;
        ranking_at(&large->ranking, 0, &place);
        double score = zset_member_score(ranking_member(&place));
        key = ranking_key(score, is_behind ? RANKING_BEHIND : RANKING_AT, bound->name);
    }
    return ranking_before(&large->ranking, &key);
}

/* How many members are before a bound. */
static uint64_t zset_before(const struct collection *set, kv_zrange_by by, const kv_zbound *bound,
                            bool is_maximum)
{
    if (bound->bound == KV_BOUND_LOWEST) return 0;
    if (bound->bound == KV_BOUND_HIGHEST) return zset_count(set);
    bool is_behind = zset_bound_is_behind(bound, is_maximum);
    return collection_is_small(set) ? zset_pack_before(zset_small(set), by, bound, is_behind)
                                    : zset_large_before(zset_large(set), by, bound, is_behind);
}

/* Of `length` members those from `start` to `stop`, negative ones counted from the end. */
static uint64_t zset_select_ranks(uint64_t length, int64_t start, int64_t stop, uint64_t *first)
{
    int64_t end = (int64_t)length; /* far below 2^63: there is no memory for more */
    if (start < 0) start = start + end < 0 ? 0 : start + end;
    if (stop < 0) stop += end;
    if (stop >= end) stop = end - 1;
    *first = (uint64_t)start;
    return start > stop ? 0 : (uint64_t)(stop - start) + 1;
}

KV_INTERNAL uint64_t zset_select(const struct collection *set, const kv_zrange_options *range,
                                 uint64_t *skip)
{
    uint64_t count = 0, length = zset_count(set);
    *skip = 0;
    if (length == 0) return 0;
    if (range->by == KV_BY_RANK) {
        count = zset_select_ranks(length, range->start, range->stop, skip);
    } else {
        uint64_t first = zset_before(set, range->by, &range->minimum, false);
        uint64_t end = zset_before(set, range->by, &range->maximum, true);
        if (end > first) count = end - first;
        *skip = range->reverse ? length - end : first;
    }
    if (!range->limited) return count;
    if (range->offset >= count) return 0;
    *skip += range->offset;
    count -= range->offset;
    return count < range->count ? count : range->count;
}

static void zset_small_visit(const struct pack *pack, kv_end end, uint64_t first, uint64_t count,
                             kv_visit_scored *visit, void *context)
{
    const uint8_t *at = pack_seek(pack, (size_t)first * 2);
    for (;;) {
        char scratch[PACK_TEXT_SIZE];
        double score = zset_pack_score(pack_next(at));
        if (!visit(context, pack_text(at, scratch), score) || --count == 0) return;
        at = end == KV_HEAD ? pack_next(pack_next(at)) : pack_prev(pack, pack_prev(pack, at));
    }
}

static void zset_large_visit(const struct zset_large *large, kv_end end, uint64_t first,
                             uint64_t count, kv_visit_scored *visit, void *context)
{
    struct ranking_place place;
    ranking_at(&large->ranking, first, &place);
    ranking_fetch(&place, end);
    for (;;) {
        char scratch[MEMBER_TEXT_SIZE];
        const struct member *member = ranking_member(&place);
        double score = zset_member_score(member);
        if (!visit(context, member_text(member, scratch), score) || --count == 0) return;
        if (end == KV_HEAD) ranking_next(&large->ranking, &place);
        else ranking_prev(&large->ranking, &place);
    }
}

KV_INTERNAL void zset_visit(const struct collection *set, kv_end end, uint64_t skip, uint64_t count,
                            kv_visit_scored *visit, void *context)
{
    uint64_t length = zset_count(set);
    if (skip >= length || count == 0) return;
    if (count > length - skip) count = length - skip;
    uint64_t first = end == KV_HEAD ? skip : length - 1 - skip;
    if (collection_is_small(set))
        zset_small_visit(zset_small(set), end, first, count, visit, context);
    else zset_large_visit(zset_large(set), end, first, count, visit, context);
}

/* ---------------------------------------------------------------------- in no order, or by chance */

struct zset_lending {
    kv_visit_scored *visit;
    void *context;
};

static void zset_lend(void *context, const struct member *member)
{
    struct zset_lending *lending = context;
    char scratch[MEMBER_TEXT_SIZE];
    (void)lending->visit(lending->context, member_text(member, scratch), zset_member_score(member));
}

static bool zset_lend_all(void *context, kv_slice member, double score)
{
    struct zset_lending *lending = context;
    (void)lending->visit(lending->context, member, score);
    return true;
}

KV_INTERNAL uint64_t zset_scan(const struct collection *set, uint64_t cursor, uint64_t limit,
                               kv_visit_scored *visit, void *context)
{
    struct zset_lending lending = {visit, context};
    if (!collection_is_small(set))
        return members_scan(&zset_large(set)->members, cursor, limit, zset_lend, &lending);
    zset_visit(set, KV_HEAD, 0, UINT64_MAX, zset_lend_all, &lending);
    return 0;
}

KV_INTERNAL void zset_draw(const struct collection *set, struct random *random, uint64_t count,
                           kv_visit_scored *visit, void *context)
{
    struct zset_lending lending = {visit, context};
    for (; count > 0; count--) {
        if (collection_is_small(set)) {
            uint64_t index = random_below(random, zset_count(set));
            zset_visit(set, KV_HEAD, index, 1, visit, context);
        } else {
            zset_lend(&lending, members_random(&zset_large(set)->members, random));
        }
    }
}

/* Goes through all and takes each with the chance (still wanted) / (still to come). */
static void zset_small_sample(const struct collection *set, struct random *random, uint64_t count,
                              kv_visit_scored *visit, void *context)
{
    uint64_t length = zset_count(set);
    for (uint64_t i = 0; count > 0; i++) {
        if (random_below(random, length - i) >= count) continue;
        zset_visit(set, KV_HEAD, i, 1, visit, context);
        count--;
    }
}

KV_INTERNAL kv_status zset_sample(const struct collection *set, struct memory *memory,
                                  struct random *random, uint64_t count, kv_visit_scored *visit,
                                  void *context)
{
    assert(count <= zset_count(set));
    if (collection_is_small(set)) {
        zset_small_sample(set, random, count, visit, context);
        return KV_OK;
    }
    struct zset_lending lending = {visit, context};
    struct alloc *alloc = memory->pages->alloc;
    if (count == 0) return KV_OK;
    struct member **sample = alloc_get_array(alloc, (size_t)count, sizeof *sample);
    if (sample == NULL) return KV_NOMEM;
    kv_status status = members_sample(&zset_large(set)->members, random, count, sample);
    for (uint64_t i = 0; i < count && status == KV_OK; i++) zset_lend(&lending, sample[i]);
    alloc_free(alloc, sample, (size_t)count * sizeof *sample);
    return status;
}

/* --------------------------------------------------------------------------------- one member in */

/*
 * What is to become of a member that has the score `old` if it `exists`; *score receives its new
 * one.
 */
static kv_status zset_decide(unsigned flags, bool increments, bool exists, double old,
                             double *score, enum zset_outcome *outcome)
{
    *outcome = ZSET_REFUSED;
    if (!exists) {
        if ((flags & KV_ZADD_XX) == 0) *outcome = ZSET_ADDED;
        return KV_OK;
    }
    if ((flags & KV_ZADD_NX) != 0) return KV_OK;
    double wanted = increments ? old + *score : *score;
    if (isnan(wanted)) return KV_NOTFINITE;
    if ((flags & KV_ZADD_GT) != 0 && wanted <= old) return KV_OK;
    if ((flags & KV_ZADD_LT) != 0 && wanted >= old) return KV_OK;
    *outcome = wanted == old ? ZSET_SAME : ZSET_UPDATED;
    *score = wanted;
    return KV_OK;
}

/* Puts a member into a pack with room for it; `at` is its element there, or NULL. */
static void zset_small_write(struct pack *pack, const uint8_t *at, const struct zset_pair *pair,
                             double score)
{
    if (at != NULL) pack_delete(pack, at, 2);
    zset_pack_insert(pack, pair, score);
}

static kv_status zset_large_put(struct zset_large *large, kv_slice member, unsigned flags,
                                bool increments, double *score, enum zset_outcome *outcome)
{
    struct member_name name;
    members_name(large->members.table.context, member, &name);
    struct member *found = members_find(&large->members, &name);
    double old = found != NULL ? zset_member_score(found) : 0;
    kv_status status = zset_decide(flags, increments, found != NULL, old, score, outcome);
    if (status != KV_OK) return status;
    if (*outcome == ZSET_ADDED) return zset_large_add(large, &name, *score, &found);
    if (*outcome != ZSET_UPDATED) return KV_OK;
    status = ranking_move(&large->ranking, &large->large.memory, found, old, *score);
    if (status == KV_OK) zset_set_member_score(found, *score);
    return status;
}

/* Puts a member that a small set has no room for into a large one in its place. */
static kv_status zset_outgrow(struct collection *set, struct memory *memory,
                              const struct zset_rules *rules, kv_slice member, double score)
{
    struct zset_large *large = zset_large_from(set, memory, rules->key);
    if (large == NULL) return KV_NOMEM;
    kv_status status = zset_large_add_text(large, member, score);
    if (status != KV_OK) {
        large_destroy(&large->large);
        return status;
    }
    pack_destroy(memory, zset_small(set));
    collection_set_large(set, &large->large);
    return KV_OK;
}

static kv_status zset_small_put(struct collection *set, struct memory *memory,
                                const struct zset_rules *rules, kv_slice member, unsigned flags,
                                bool increments, double *score, enum zset_outcome *outcome)
{
    struct pack *pack = zset_small(set);
    const uint8_t *at = pack != NULL ? zset_pack_find(pack, member) : NULL;
    double old = at != NULL ? zset_pack_score(pack_next(at)) : 0;
    kv_status status = zset_decide(flags, increments, at != NULL, old, score, outcome);
    if (status != KV_OK || *outcome < ZSET_UPDATED) return status;
    if (*outcome == ZSET_ADDED &&
        (member.size > rules->limits.value_size || zset_is_kept_large(rules, *score) ||
         !zset_fits(set, &rules->limits, 1, member.size)))
        return zset_outgrow(set, memory, rules, member, *score);

    struct zset_pair pair;
    status = zset_pair_make(&pair, member, *score);
    if (status == KV_OK) {
        status = pack == NULL ? pack_create(memory, pair.run.size, KV_TAIL, &pack)
                              : pack_reserve(memory, &pack, pair.run.size, KV_TAIL);
    }
    if (status != KV_OK) return status;
    zset_small_write(pack, at != NULL ? zset_pack_find(pack, member) : NULL, &pair, *score);
    collection_set_block(set, pack);
    return KV_OK;
}

KV_INTERNAL kv_status zset_put(struct collection *set, struct memory *memory,
                               const struct zset_rules *rules, kv_slice member, unsigned flags,
                               bool increments, double *score, enum zset_outcome *outcome)
{
    if (!collection_is_small(set))
        return zset_large_put(zset_large(set), member, flags, increments, score, outcome);
    return zset_small_put(set, memory, rules, member, flags, increments, score, outcome);
}

/* ------------------------------------------------------------------------------- several members in */

/* Puts members into a small set that stays small whatever becomes of them. */
static kv_status zset_small_put_all(struct collection *set, struct memory *memory,
                                    const kv_scored *members, size_t count, size_t text_size,
                                    unsigned flags, uint8_t *outcomes)
{
    struct pack *pack = zset_small(set);
    size_t size = text_size + count * 64; /* see zset_fits() */
    kv_status status = pack == NULL ? pack_create(memory, size, KV_TAIL, &pack)
                                    : pack_reserve(memory, &pack, size, KV_TAIL);
    if (status != KV_OK) return status;
    for (size_t i = 0; i < count; i++) {
        double score = members[i].score;
        enum zset_outcome outcome;
        const uint8_t *at = zset_pack_find(pack, members[i].member);
        double old = at != NULL ? zset_pack_score(pack_next(at)) : 0;
        (void)zset_decide(flags, false, at != NULL, old, &score, &outcome);
        outcomes[i] = (uint8_t)outcome;
        if (outcome < ZSET_UPDATED) continue;
        struct zset_pair pair;
        status = zset_pair_make(&pair, members[i].member, score);
        assert(status == KV_OK); /* as it fits */
        zset_small_write(pack, at, &pair, score);
    }
    pack_fit(memory, &pack, pack_size(pack) / 8 + 16);
    collection_set_block(set, pack);
    return KV_OK;
}

/* A large set that members are put into: whether it would still be a small one. */
struct zset_growth {
    const struct zset_rules *rules;
    bool is_small;
};

static bool zset_grows(const struct zset_growth *growth, const struct zset_large *large,
                       const kv_scored *added)
{
    const struct zset_rules *rules = growth->rules;
    return members_count(&large->members) >= rules->limits.count ||
           added->member.size > rules->limits.value_size || zset_is_kept_large(rules, added->score);
}

/* What was done with a member, for taking it back. */
struct zset_note {
    struct member *member; /* NULL: nothing */
    double old, score;     /* before and after, if it was there before */
    bool was_added;
};

/* Puts a member; one that gets another score keeps its old place, too. */
static kv_status zset_note_put(struct zset_large *large, struct zset_growth *growth,
                               const struct member_name *name, const kv_scored *put, unsigned flags,
                               struct zset_note *note, uint8_t *outcome)
{
    double score = put->score;
    enum zset_outcome decided;
    struct member *found = members_find(&large->members, name);
    *note = (struct zset_note){.score = score};
    if (found != NULL) note->old = zset_member_score(found);
    (void)zset_decide(flags, false, found != NULL, note->old, &note->score, &decided);
    *outcome = (uint8_t)decided;
    if (decided < ZSET_UPDATED) return KV_OK;
    if (growth->is_small) {
        growth->is_small = decided != ZSET_ADDED || !zset_grows(growth, large, put);
        if (growth->is_small) score += 0.0; /* makes -0 be 0 */
    }

    kv_status status;
    note->was_added = decided == ZSET_ADDED;
    if (note->was_added) {
        status = zset_large_add(large, name, score, &found);
    } else {
        status = ranking_insert(&large->ranking, &large->large.memory, found, score);
        if (status == KV_OK) zset_set_member_score(found, score);
    }
    if (status == KV_OK) note->member = found;
    return status;
}

static void zset_note_take_back(struct zset_large *large, const struct zset_note *note)
{
    if (note->member == NULL) return;
    if (note->was_added) {
        zset_large_remove(large, note->member, note->score);
    } else {
        ranking_remove(&large->ranking, &large->large.memory, note->member, note->score);
        zset_set_member_score(note->member, note->old);
    }
}

static void zset_note_keep(struct zset_large *large, const struct zset_note *note)
{
    if (note->member == NULL || note->was_added) return;
    ranking_remove(&large->ranking, &large->large.memory, note->member, note->old);
}

/* Puts some members, up to MEMBERS_BATCH; *done receives how many before memory ran out. */
static kv_status zset_large_put_batch(struct zset_large *large, struct zset_growth *growth,
                                      const kv_scored *members, size_t count, unsigned flags,
                                      struct zset_note *notes, uint8_t *outcomes, size_t *done)
{
    kv_slice texts[MEMBERS_BATCH];
    struct member_name names[MEMBERS_BATCH];
    for (size_t i = 0; i < count; i++) texts[i] = members[i].member;
    members_names(large->members.table.context, texts, count, names);
    members_fetch(&large->members, names, count);
    kv_status status = KV_OK;
    for (*done = 0; *done < count && status == KV_OK; ++*done) {
        status = zset_note_put(large, growth, &names[*done], &members[*done], flags, &notes[*done],
                               &outcomes[*done]);
    }
    if (status != KV_OK) --*done;
    return status;
}

static kv_status zset_large_put_all(struct zset_large *large, struct zset_growth *growth,
                                    const kv_scored *members, size_t count, unsigned flags,
                                    uint8_t *outcomes)
{
    struct alloc *alloc = large->large.memory.pages->alloc;
    struct zset_note *notes = alloc_get_array(alloc, count, sizeof *notes);
    if (notes == NULL) return KV_NOMEM;
    kv_status status = KV_OK;
    size_t done = 0;
    while (done < count && status == KV_OK) {
        size_t here, some = count - done < MEMBERS_BATCH ? count - done : MEMBERS_BATCH;
        status = zset_large_put_batch(large, growth, members + done, some, flags, notes + done,
                                      outcomes + done, &here);
        done += here;
    }
    if (status == KV_OK) {
        for (size_t i = 0; i < done; i++) zset_note_keep(large, &notes[i]);
    } else {
        while (done > 0) zset_note_take_back(large, &notes[--done]);
    }
    alloc_free(alloc, notes, count * sizeof *notes);
    return status;
}

/* Puts members that may make a small set large; whether they did is seen only afterwards. */
static kv_status zset_outgrow_all(struct collection *set, struct memory *memory,
                                  const struct zset_rules *rules, const kv_scored *members,
                                  size_t count, unsigned flags, uint8_t *outcomes)
{
    struct zset_large *large = zset_large_from(set, memory, rules->key);
    if (large == NULL) return KV_NOMEM;
    struct pack *small = NULL;
    struct zset_growth growth = {rules, true};
    kv_status status = zset_large_put_all(large, &growth, members, count, flags, outcomes);
    bool is_small = status == KV_OK && growth.is_small;
    if (is_small) {
        small = zset_small_from(large, memory);
        if (small == NULL) status = KV_NOMEM;
    }
    if (status != KV_OK || is_small) large_destroy(&large->large);
    if (status != KV_OK) return status;
    pack_destroy(memory, zset_small(set));
    if (is_small) collection_set_block(set, small);
    else collection_set_large(set, &large->large);
    return KV_OK;
}

KV_INTERNAL kv_status zset_put_all(struct collection *set, struct memory *memory,
                                   const struct zset_rules *rules, const kv_scored *members,
                                   size_t count, unsigned flags, uint8_t *outcomes)
{
    if (count == 1) {
        enum zset_outcome outcome;
        double score = members[0].score;
        kv_status status =
            zset_put(set, memory, rules, members[0].member, flags, false, &score, &outcome);
        outcomes[0] = (uint8_t)outcome;
        return status;
    }
    if (!collection_is_small(set)) {
        struct zset_growth growth = {rules, false};
        return zset_large_put_all(zset_large(set), &growth, members, count, flags, outcomes);
    }
    if (collection_is_empty(set) && (flags & KV_ZADD_XX) != 0) {
        memset(outcomes, ZSET_REFUSED, count);
        return KV_OK;
    }

    size_t text_size = 0, largest = 0; /* no more is added than is safe */
    bool fits = true;
    for (size_t i = 0; i < count && text_size <= PACK_SIZE_MAX; i++) {
        if (zset_is_kept_large(rules, members[i].score)) fits = false;
        size_t size = members[i].member.size;
        if (size > largest) largest = size;
        text_size += size <= PACK_SIZE_MAX ? size : PACK_SIZE_MAX + 1;
    }
    fits = fits && largest <= rules->limits.value_size &&
           zset_fits(set, &rules->limits, count, text_size);
    if (fits) return zset_small_put_all(set, memory, members, count, text_size, flags, outcomes);
    return zset_outgrow_all(set, memory, rules, members, count, flags, outcomes);
}

static bool zset_is_within(const struct zset_large *large, const struct collection_limits *limits)
{
    struct ranking_place place;
    if (ranking_count(&large->ranking) > limits->count) return false;
    ranking_at(&large->ranking, 0, &place);
    do {
        char scratch[MEMBER_TEXT_SIZE];
        if (member_text(ranking_member(&place), scratch).size > limits->value_size) return false;
    } while (ranking_next(&large->ranking, &place));
    return true;
}

KV_INTERNAL kv_status zset_shrink(struct collection *set, struct memory *memory,
                                  const struct zset_rules *rules)
{
    if (collection_is_small(set) || !zset_is_within(zset_large(set), &rules->limits)) return KV_OK;
    struct zset_large *large = zset_large(set);
    struct pack *small = zset_small_from(large, memory);
    if (small == NULL) return KV_NOMEM;
    large_destroy(&large->large);
    collection_set_block(set, small);
    return KV_OK;
}

/* -------------------------------------------------------------------------------------- removing */

/* Puts a small set back after members were taken out of it. */
static void zset_small_settle(struct collection *set, struct memory *memory, struct pack *pack)
{
    if (pack_size(pack) == PACK_EMPTY_SIZE) {
        zset_destroy(set, memory);
        return;
    }
    pack_fit(memory, &pack, pack_size(pack) + 64);
    collection_set_block(set, pack);
}

KV_INTERNAL bool zset_remove(struct collection *set, struct memory *memory, kv_slice member)
{
    if (collection_is_empty(set)) return false;
    if (collection_is_small(set)) {
        struct pack *pack = zset_small(set);
        const uint8_t *at = zset_pack_find(pack, member);
        if (at == NULL) return false;
        pack_delete(pack, at, 2);
        zset_small_settle(set, memory, pack);
        return true;
    }
    struct zset_large *large = zset_large(set);
    struct member *found = zset_large_find(large, member);
    if (found == NULL) return false;
    if (ranking_count(&large->ranking) == 1) zset_destroy(set, memory);
    else zset_large_remove(large, found, zset_member_score(found));
    return true;
}

static void zset_large_remove_range(struct zset_large *large, uint64_t first, uint64_t count)
{
    struct ranking_place place;
    ranking_at(&large->ranking, first, &place);
    ranking_fetch(&place, KV_HEAD);
    for (uint64_t i = 0; i < count; i++) {
        timed_forget(&large->members, &large->agenda, ranking_member(&place));
        members_remove_member(&large->members, ranking_member(&place));
        ranking_next(&large->ranking, &place);
    }
    ranking_remove_range(&large->ranking, &large->large.memory, first, count);
}

KV_INTERNAL void zset_remove_range(struct collection *set, struct memory *memory, kv_end end,
                                   uint64_t skip, uint64_t count, kv_visit_scored *visit,
                                   void *context)
{
    uint64_t length = zset_count(set);
    struct zset_lending lending = {visit, context};
    assert(count <= length && skip <= length - count);
    if (count == 0) return;
    if (visit != NULL) zset_visit(set, end, skip, count, zset_lend_all, &lending);
    uint64_t first = end == KV_HEAD ? skip : length - skip - count;
    if (count == length) {
        zset_destroy(set, memory);
    } else if (collection_is_small(set)) {
        struct pack *pack = zset_small(set);
        pack_delete(pack, pack_seek(pack, (size_t)first * 2), (size_t)count * 2);
        zset_small_settle(set, memory, pack);
    } else {
        zset_large_remove_range(zset_large(set), first, count);
    }
}

/* ------------------------------------------------------------------------------------- deadlines */

KV_INTERNAL bool zset_get_deadline(const struct collection *set, kv_slice member,
                                   int64_t *deadline_ms)
{
    if (collection_is_empty(set)) return false;
    if (collection_is_small(set)) {
        *deadline_ms = KV_NEVER;
        return zset_pack_find(zset_small(set), member) != NULL;
    }
    const struct member *found = zset_large_find(zset_large(set), member);
    if (found != NULL) *deadline_ms = member_deadline(found);
    return found != NULL;
}

KV_INTERNAL kv_status zset_reserve_deadlines(struct collection *set, struct memory *memory,
                                             const struct siphash_key *key, size_t count)
{
    if (collection_is_empty(set)) return KV_OK;
    bool is_small = collection_is_small(set);
    struct zset_large *large = is_small ? zset_large_from(set, memory, key) : zset_large(set);
    if (large == NULL) return KV_NOMEM;
    kv_status status = agenda_reserve(&large->agenda, &large->large.memory, count);
    if (!is_small) return status;
    if (status != KV_OK) {
        large_destroy(&large->large);
        return status;
    }
    pack_destroy(memory, zset_small(set));
    collection_set_large(set, &large->large);
    return KV_OK;
}

/* The same of a large set; the member may move, and its place in the ranking is told. */
static kv_status zset_large_set_deadline(struct zset_large *large, kv_slice text,
                                         int64_t deadline_ms)
{
    struct member_name name;
    struct ranking_place place;
    struct member *moved;
    members_name(members_key(&large->members), text, &name);
    const struct member *member = members_find(&large->members, &name);
    ranking_find(&large->ranking, member, zset_member_score(member), &place);
    kv_status status =
        timed_set_deadline(&large->members, &large->agenda, &name, deadline_ms, &moved);
    if (status == KV_OK) ranking_move_member(&place, moved);
    return status;
}

KV_INTERNAL kv_status zset_set_deadline(struct collection *set, struct memory *memory,
                                        kv_slice member, int64_t deadline_ms)
{
    (void)memory;
    if (collection_is_small(set)) return KV_OK; /* it has none that could be taken away */
    return zset_large_set_deadline(zset_large(set), member, deadline_ms);
}

static int64_t zset_next_deadline(const struct collection *set)
{
    return collection_is_small(set) ? 0 : timed_next_deadline(&zset_large(set)->agenda);
}

static bool zset_is_spent(const struct collection *set, int64_t now_ms)
{
    if (collection_is_small(set)) return false;
    const struct zset_large *large = zset_large(set);
    return timed_is_spent(&large->members, &large->agenda, now_ms);
}

static size_t zset_peek_due(const struct collection *set, int64_t now_ms,
                            struct collection_due *due)
{
    return collection_is_small(set) ? 0 : timed_peek_due(&zset_large(set)->agenda, now_ms, due);
}

static void zset_drop_due(struct collection *set, struct memory *memory,
                          const struct collection_due *due, size_t count)
{
    struct zset_large *large = zset_large(set);
    if (count == ranking_count(&large->ranking)) {
        zset_destroy(set, memory);
        return;
    }
    for (size_t i = 0; i < count; i++)
        zset_large_remove(large, due[i].item, zset_member_score(due[i].item));
}

static uint64_t zset_remove_all(struct collection *set, struct memory *memory,
                                const kv_slice *members, size_t count)
{
    uint64_t removed = 0;
    for (size_t i = 0; i < count; i++) removed += zset_remove(set, memory, members[i]);
    return removed;
}

/* ------------------------------------------------------------------------------------- whole sets */

KV_INTERNAL void zset_destroy(struct collection *set, struct memory *memory)
{
    if (collection_is_small(set)) pack_destroy(memory, zset_small(set));
    else large_destroy(&zset_large(set)->large);
    set->word = 0;
}

static kv_status zset_copy(const struct collection *set, struct memory *memory,
                           struct collection *copy)
{
    if (collection_is_small(set)) {
        struct pack *pack;
        kv_status status = pack_load(memory, pack_bytes(zset_small(set)), &pack);
        if (status == KV_OK) collection_set_block(copy, pack);
        return status;
    }
    const struct zset_large *from = zset_large(set);
    struct zset_large *large = zset_large_from(set, memory, members_key(&from->members));
    if (large == NULL) return KV_NOMEM;
    for (uint32_t i = 0; i < from->agenda.count; i++) {
        char scratch[MEMBER_TEXT_SIZE];
        const struct member *member = agenda_at(&from->agenda, i);
        kv_slice text = member_text(member, scratch);
        if (zset_large_set_deadline(large, text, member_deadline(member)) == KV_OK) continue;
        large_destroy(&large->large);
        return KV_NOMEM;
    }
    collection_set_large(copy, &large->large);
    return KV_OK;
}

static const char *zset_encoding(const struct collection *set)
{
    return collection_is_small(set) ? "listpack" : "skiplist";
}

static size_t zset_block_size(const void *block)
{
    return pack_block_size(block);
}

/* -------------------------------------------------------------------------------------- checking */

#if KV_DEBUG > 0
static void zset_check_small(const struct pack *pack)
{
    pack_check(pack);
    assert(pack_count(pack) % 2 == 0);
    assert(pack_count(pack) > 0);
    for (const uint8_t *at = pack_first(pack);;) {
        const uint8_t *next = pack_next(pack_next(at));
        char scratch[PACK_TEXT_SIZE];
        if (*next == PACK_END) return;
        assert(zset_pack_is_behind(next, pack_text(at, scratch), zset_pack_score(pack_next(at))));
        at = next;
    }
}

KV_INTERNAL void zset_check(const struct collection *set)
{
    if (collection_is_empty(set)) return;
    if (collection_is_small(set)) {
        zset_check_small(zset_small(set));
        return;
    }
    const struct zset_large *large = zset_large(set);
    memory_check(&large->large.memory);
    members_check(&large->members);
    ranking_check(&large->ranking, zset_member_score);
    timed_check(&large->members, &large->agenda);
    assert(members_count(&large->members) == ranking_count(&large->ranking));
    assert(ranking_count(&large->ranking) > 0);
}
#endif

static const struct members *zset_members(const struct collection *set)
{
    return &zset_large(set)->members;
}

static const struct agenda *zset_timed_members(const struct collection *set)
{
    return collection_is_small(set) ? NULL : &zset_large(set)->agenda;
}

static const struct collection_words zset_words = {
    .remove = "ZREM",
    .expire = "KV.ZPEXPIREAT",
    .persist = "KV.ZPERSIST",
    .elements = "MEMBERS",
    .event_class = KV_EVENT_SORTED_SET,
    .removed = "zrem",
    .timed = "zexpire",
    .untimed = "zpersist",
    .expired = "zexpired",
};

KV_INTERNAL const struct collection_kind zset_kind = {
    .length = zset_count,
    .encoding = zset_encoding,
    .block_size = zset_block_size,
    .members = zset_members,
    .copy = zset_copy,
    .next_deadline = zset_next_deadline,
    .is_spent = zset_is_spent,
    .peek_due = zset_peek_due,
    .drop_due = zset_drop_due,
    .get_deadline = zset_get_deadline,
    .reserve_deadlines = zset_reserve_deadlines,
    .set_deadline = zset_set_deadline,
    .remove = zset_remove_all,
    .agenda = zset_timed_members,
    .words = &zset_words,
#if KV_DEBUG > 0
    .check = zset_check,
#endif
};
