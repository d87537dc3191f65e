/*
 * api/api_zset.c -- sorted sets: put and take, look, ranges. Several sets at once are in
 * api_zset_combine.c.
 */
#include "base/buffer.h"
#include "base/number.h"
#include "keyspace/access_collection.h"
#include "keyspace/timing.h"
#include "keyspace/effect.h"
#include "values/zset.h"

#include <math.h>

/* Opens a key that must hold a sorted set or nothing. */
static kv_status zsets_open(struct access *access, kv *db, kv_slice key, enum access_mode mode)
{
    return access_open_type(access, db, key, KV_TYPE_SORTED_SET, mode);
}

/* The same, and there must be one: else KV_NONE. */
static kv_status zsets_open_existing(struct access *access, kv *db, kv_slice key,
                                     enum access_mode mode)
{
    return access_open_existing(access, db, key, KV_TYPE_SORTED_SET, mode);
}

static struct zset_rules zsets_rules(const struct access *access)
{
    return (struct zset_rules){access_limits(access, KV_SETTING_SORTED_SET_PACK_COUNT),
                               &access->store->hash_key, false};
}

static void zsets_tell(struct access *access, const char *event)
{
    access_event(access, KV_EVENT_SORTED_SET, event);
}

/* Puts a set back that may lie elsewhere now although it has the same members. */
static kv_status zsets_put(struct access *access, const struct collection *set, uint64_t changes,
                           const char *event)
{
    if (changes == 0) {
        if (access->entry != NULL) access_set_payload(access, set->word);
        return KV_OK;
    }
    kv_status status = access_put_collection(access, KV_TYPE_SORTED_SET, set, changes);
    if (status == KV_OK) zsets_tell(access, event);
    return status;
}

/* -------------------------------------------------------------------------------------- putting */

static bool zsets_flags_are_valid(unsigned flags)
{
    if ((flags & ~(KV_ZADD_NX | KV_ZADD_XX | KV_ZADD_GT | KV_ZADD_LT)) != 0) return false;
    if ((flags & KV_ZADD_NX) != 0) return flags == KV_ZADD_NX;
    return (flags & (KV_ZADD_GT | KV_ZADD_LT)) != (KV_ZADD_GT | KV_ZADD_LT);
}

/* What zadd notes of each member: its outcome, and its score as text for the journal. */
#define ZSETS_ON_STACK 16

struct zsets_adding {
    const kv_scored *members;
    size_t count;
    uint8_t *outcomes;
    char (*texts)[NUMBER_DOUBLE_SIZE];
    void *block;
    char texts_on_stack[ZSETS_ON_STACK][NUMBER_DOUBLE_SIZE];
    uint8_t outcomes_on_stack[ZSETS_ON_STACK];
};

static kv_status zsets_adding_open(struct zsets_adding *adding, struct access *access,
                                   const kv_scored *members, size_t count)
{
    adding->members = members;
    adding->count = count;
    adding->block = NULL;
    adding->texts = adding->texts_on_stack;
    adding->outcomes = adding->outcomes_on_stack;
    if (count <= ZSETS_ON_STACK) return KV_OK;
    adding->block = alloc_get_array(&access->store->alloc, count, NUMBER_DOUBLE_SIZE + 1);
    if (adding->block == NULL) return KV_NOMEM;
    adding->texts = adding->block;
    adding->outcomes = (uint8_t *)(adding->texts + count);
    return KV_OK;
}

static void zsets_adding_close(struct zsets_adding *adding, struct access *access)
{
    alloc_free(&access->store->alloc, adding->block, adding->count * (NUMBER_DOUBLE_SIZE + 1));
}

static kv_status zsets_adding_reserve(const struct zsets_adding *adding, struct access *access,
                                      struct effect *effect)
{
    size_t size = 0;
    if (access_is_journaled(access)) {
        for (size_t i = 0; i < adding->count; i++)
            size += adding->members[i].member.size + NUMBER_DOUBLE_SIZE;
    }
    return effect_open(effect, access, EFFECT_NAME("ZADD"), adding->count * 2, size);
}

/* Adds those that were changed to the effect, and counts them. */
static void zsets_adding_tell(struct zsets_adding *adding, struct effect *effect, uint64_t *added,
                              uint64_t *updated)
{
    *added = *updated = 0;
    for (size_t i = 0; i < adding->count; i++) {
        if (adding->outcomes[i] < ZSET_UPDATED) continue;
        if (adding->outcomes[i] == ZSET_ADDED) ++*added;
        else ++*updated;
        if (effect->words == NULL) continue;
        const kv_scored *one = &adding->members[i];
        size_t size = number_format_double_shortest(adding->texts[i], one->score);
        effect_add(effect, kv_bytes(adding->texts[i], size));
        effect_add(effect, one->member);
    }
}

static kv_status zsets_add_opened(struct access *access, struct zsets_adding *adding,
                                  unsigned flags, uint64_t *added, uint64_t *updated)
{
    struct effect effect;
    struct zset_rules rules = zsets_rules(access);
    struct collection set = access_collection(access);
    kv_status status = zsets_adding_reserve(adding, access, &effect);
    if (status != KV_OK) return status;
    status = zset_put_all(&set, &access->shard->memory, &rules, adding->members, adding->count,
                          flags, adding->outcomes);
    uint64_t new_ones = 0, changed = 0;
    if (status == KV_OK) {
        zsets_adding_tell(adding, &effect, &new_ones, &changed);
        status = zsets_put(access, &set, new_ones + changed, "zadd");
    }
    effect_close(&effect, access, status == KV_OK && new_ones + changed > 0);
    if (status != KV_OK) return status;
    if (added != NULL) *added = new_ones;
    if (updated != NULL) *updated = changed;
    return KV_OK;
}

kv_status kv_zadd(kv *db, kv_slice key, const kv_scored *members, size_t count, unsigned flags,
                  uint64_t *added, uint64_t *updated)
{
    if (members == NULL || count == 0 || !zsets_flags_are_valid(flags)) return KV_BADARG;
    for (size_t i = 0; i < count; i++) {
        if (isnan(members[i].score)) return KV_BADARG;
    }
    struct access access;
    struct zsets_adding adding;
    kv_status status = zsets_open(&access, db, key, ACCESS_WRITE);
    if (status != KV_OK) return status;
    status = zsets_adding_open(&adding, &access, members, count);
    if (status == KV_OK) {
        status = zsets_add_opened(&access, &adding, flags, added, updated);
        zsets_adding_close(&adding, &access);
    }
    return access_close(&access, status);
}

static kv_status zsets_increase_opened(struct access *access, kv_slice member, double increment,
                                       unsigned flags, double *score)
{
    struct effect effect;
    char text[NUMBER_DOUBLE_SIZE];
    kv_slice words[2] = {{text, number_format_double_shortest(text, increment)}, member};
    struct zset_rules rules = zsets_rules(access);
    struct collection set = access_collection(access);
    enum zset_outcome outcome;
    double sum = increment;
    kv_status status = effect_open_with(&effect, access, EFFECT_NAME("ZINCRBY"), words, 2);
    if (status != KV_OK) return status;
    status = zset_put(&set, &access->shard->memory, &rules, member, flags, true, &sum, &outcome);
    bool changed = status == KV_OK && outcome >= ZSET_UPDATED;
    if (status == KV_OK) status = zsets_put(access, &set, changed ? 1 : 0, "zincr");
    effect_close(&effect, access, status == KV_OK && changed);
    if (status != KV_OK) return status;
    if (outcome == ZSET_REFUSED) return KV_SKIPPED;
    if (score != NULL) *score = sum;
    return KV_OK;
}

kv_status kv_zincrby(kv *db, kv_slice key, kv_slice member, double increment, unsigned flags,
                     double *score)
{
    if (isnan(increment) || !zsets_flags_are_valid(flags)) return KV_BADARG;
    struct access access;
    kv_status status = zsets_open(&access, db, key, ACCESS_WRITE);
    if (status != KV_OK) return status;
    return access_close(&access, zsets_increase_opened(&access, member, increment, flags, score));
}

/* --------------------------------------------------------------------------------------- taking */

static kv_status zsets_remove_opened(struct access *access, const kv_slice *members, size_t count,
                                     uint64_t *removed)
{
    struct effect effect;
    size_t size = 0;
    if (access_is_journaled(access))
        for (size_t i = 0; i < count; i++) size += members[i].size;
    kv_status status = effect_open(&effect, access, EFFECT_NAME("ZREM"), count, size);
    if (status != KV_OK) return status;
    struct collection set = access_collection(access);
    uint64_t gone = 0;
    for (size_t i = 0; i < count; i++) {
        if (!zset_remove(&set, &access->shard->memory, members[i])) continue;
        effect_add(&effect, members[i]);
        gone++;
    }
    effect_close(&effect, access, gone > 0);
    if (gone > 0) {
        zsets_tell(access, "zrem");
        access_settle(access, &set, gone);
    }
    if (removed != NULL) *removed = gone;
    return KV_OK;
}

kv_status kv_zrem(kv *db, kv_slice key, const kv_slice *members, size_t count, uint64_t *removed)
{
    if (members == NULL || count == 0) return KV_BADARG;
    struct access access;
    kv_status status = zsets_open_existing(&access, db, key, ACCESS_WRITE);
    if (status == KV_NONE && removed != NULL) *removed = 0;
    if (status != KV_OK) return status;
    return access_close(&access, zsets_remove_opened(&access, members, count, removed));
}

static kv_status zsets_pop_opened(struct access *access, kv_end end, uint64_t count,
                                  kv_visit_scored *visit, void *context, uint64_t *popped)
{
    struct collection set = access_collection(access);
    uint64_t length = zset_count(&set);
    if (count > length) count = length;
    if (count > 0) {
        struct effect effect;
        char number[NUMBER_INT64_SIZE];
        kv_slice text = {number, number_format_uint64(number, count)};
        kv_slice name = end == KV_HEAD ? EFFECT_NAME("ZPOPMIN") : EFFECT_NAME("ZPOPMAX");
        kv_status status = effect_open_with(&effect, access, name, &text, count == 1 ? 0 : 1);
        if (status != KV_OK) return status;
        effect_close(&effect, access, true);
        zset_remove_range(&set, &access->shard->memory, end, 0, count, visit, context);
        zsets_tell(access, end == KV_HEAD ? "zpopmin" : "zpopmax");
        access_settle(access, &set, count);
    }
    if (popped != NULL) *popped = count;
    return KV_OK;
}

kv_status kv_zpop(kv *db, kv_slice key, kv_end end, uint64_t count, kv_visit_scored *visit,
                  void *context, uint64_t *popped)
{
    struct access access;
    kv_status status = zsets_open_existing(&access, db, key, ACCESS_WRITE);
    if (status != KV_OK) return status;
    return access_close(&access, zsets_pop_opened(&access, end, count, visit, context, popped));
}

kv_status kv_zmpop(kv *db, const kv_slice *keys, size_t key_count, kv_end end, uint64_t count,
                   size_t *index, kv_visit_scored *visit, void *context)
{
    if (db == NULL || keys == NULL || key_count == 0 || count == 0) return KV_BADARG;
    struct span span;
    span_begin(&span, db, keys, key_count, 0);
    kv_status status = KV_NONE;
    for (size_t i = 0; i < key_count && status == KV_NONE; i++) {
        status = kv_zpop(&span.db, keys[i], end, count, visit, context, NULL);
        if (status == KV_OK && index != NULL) *index = i;
    }
    span_end(&span);
    return status;
}

/* ----------------------------------------------------------------------------------- one member */

kv_status kv_zcard(kv *db, kv_slice key, uint64_t *count)
{
    struct access access;
    kv_status status = zsets_open(&access, db, key, ACCESS_READ);
    if (status != KV_OK) return status;
    struct collection set = access_collection(&access);
    if (count != NULL) *count = zset_count(&set);
    return access_close(&access, access.entry != NULL ? KV_OK : KV_NONE);
}

kv_status kv_zscore(kv *db, kv_slice key, kv_slice member, double *score)
{
    struct access access;
    double found;
    kv_status status = zsets_open_existing(&access, db, key, ACCESS_READ);
    if (status != KV_OK) return status;
    struct collection set = access_collection(&access);
    if (!zset_score(&set, member, &found)) status = KV_NONE;
    else if (score != NULL) *score = found;
    return access_close(&access, status);
}

kv_status kv_zmscore(kv *db, kv_slice key, const kv_slice *members, size_t count, double *scores)
{
    if ((members == NULL || scores == NULL) && count > 0) return KV_BADARG;
    struct access access;
    kv_status status = zsets_open(&access, db, key, ACCESS_READ);
    if (status != KV_OK) return status;
    struct collection set = access_collection(&access);
    for (size_t i = 0; i < count; i++)
        if (!zset_score(&set, members[i], &scores[i])) scores[i] = (double)NAN;
    return access_close(&access, KV_OK);
}

kv_status kv_zrank(kv *db, kv_slice key, kv_slice member, kv_end end, uint64_t *rank, double *score)
{
    struct access access;
    uint64_t found;
    double its_score;
    kv_status status = zsets_open_existing(&access, db, key, ACCESS_READ);
    if (status != KV_OK) return status;
    struct collection set = access_collection(&access);
    if (zset_rank(&set, member, &found, &its_score)) {
        if (end == KV_TAIL) found = zset_count(&set) - 1 - found;
        if (rank != NULL) *rank = found;
        if (score != NULL) *score = its_score;
    } else {
        status = KV_NONE;
    }
    return access_close(&access, status);
}

kv_status kv_zscan(kv *db, kv_slice key, uint64_t *cursor, uint64_t limit, kv_visit_scored *visit,
                   void *context)
{
    if (cursor == NULL || limit == 0 || visit == NULL) return KV_BADARG;
    struct access access;
    kv_status status = zsets_open_existing(&access, db, key, ACCESS_READ);
    if (status == KV_NONE) *cursor = 0;
    if (status != KV_OK) return status;
    struct collection set = access_collection(&access);
    *cursor = zset_scan(&set, *cursor, limit, visit, context);
    return access_close(&access, KV_OK);
}

/* Tells how many come when the first does, since before that memory may run out. */
struct zsets_sampling {
    uint64_t count;
    kv_range_begin *begin;
    kv_visit_scored *visit;
    void *context;
};

static void zsets_sampling_begin(struct zsets_sampling *sampling)
{
    if (sampling->begin != NULL) sampling->begin(sampling->context, sampling->count);
    sampling->begin = NULL;
}

static bool zsets_sampling_visit(void *context, kv_slice member, double score)
{
    struct zsets_sampling *sampling = context;
    zsets_sampling_begin(sampling);
    return sampling->visit(sampling->context, member, score);
}

kv_status kv_zrandmember(kv *db, kv_slice key, int64_t count, kv_range_begin *begin,
                         kv_visit_scored *visit, void *context)
{
    if (count == INT64_MIN || visit == NULL) return KV_BADARG;
    struct access access;
    kv_status status = zsets_open_existing(&access, db, key, ACCESS_READ);
    if (status != KV_OK) return status;
    struct collection set = access_collection(&access);
    struct random *random = &access.shard->random;
    uint64_t length = zset_count(&set);
    uint64_t wanted = count < 0 ? (uint64_t)-count : (uint64_t)count;
    if (count >= 0 && wanted > length) wanted = length;
    struct zsets_sampling sampling = {wanted, begin, visit, context};
    if (count < 0) {
        zset_draw(&set, random, wanted, zsets_sampling_visit, &sampling);
    } else if (wanted == length) {
        zset_visit(&set, KV_HEAD, 0, wanted, zsets_sampling_visit, &sampling);
    } else {
        status = zset_sample(&set, &access.shard->memory, random, wanted, zsets_sampling_visit,
                             &sampling);
    }
    if (status == KV_OK && wanted == 0) zsets_sampling_begin(&sampling);
    return access_close(&access, status);
}

/* --------------------------------------------------------------------------------------- ranges */

static bool zsets_read_range(const kv_zrange_options *given, kv_zrange_options *range)
{
    *range = KV_OPTIONS(kv_zrange_options);
    if (given == NULL || given->size < sizeof given->size || given->size > sizeof *range)
        return false;
    memcpy(range, given, given->size);
    if (range->by == KV_BY_RANK || range->by == KV_BY_NAME) return true;
    return range->by == KV_BY_SCORE && !isnan(range->minimum.score) && !isnan(range->maximum.score);
}

kv_status kv_zrange(kv *db, kv_slice key, const kv_zrange_options *given, kv_range_begin *begin,
                    kv_visit_scored *visit, void *context)
{
    kv_zrange_options range;
    if (!zsets_read_range(given, &range)) return KV_BADARG;
    struct access access;
    kv_status status = zsets_open(&access, db, key, ACCESS_READ);
    if (status != KV_OK) return status;
    struct collection set = access_collection(&access);
    uint64_t skip, count = zset_select(&set, &range, &skip);
    kv_end end = range.reverse ? KV_TAIL : KV_HEAD;
    if (begin != NULL) begin(context, count);
    if (count > 0 && visit != NULL) zset_visit(&set, end, skip, count, visit, context);
    return access_close(&access, KV_OK);
}

kv_status kv_zcount(kv *db, kv_slice key, const kv_zrange_options *given, uint64_t *count)
{
    kv_zrange_options range;
    if (!zsets_read_range(given, &range)) return KV_BADARG;
    struct access access;
    kv_status status = zsets_open(&access, db, key, ACCESS_READ);
    if (status != KV_OK) return status;
    struct collection set = access_collection(&access);
    uint64_t skip, found = zset_select(&set, &range, &skip);
    if (count != NULL) *count = found;
    return access_close(&access, KV_OK);
}

/* The words of a range for the journal, in the form of ZRANGE. */
struct zsets_words {
    kv_slice words[8]; /* ZRANGESTORE's source first, then these */
    size_t count;
    char *block; /* the texts of the bounds, if they are long */
    size_t block_size;
    char on_stack[256];
};

/* Writes a bound to `at` and gives its size: 1 + NUMBER_DOUBLE_SIZE or 1 + name at most. */
static size_t zsets_write_bound(char *at, kv_zrange_by by, const kv_zbound *bound)
{
    bool is_highest = bound->bound == KV_BOUND_HIGHEST;
    char *from = at;
    if (bound->bound >= KV_BOUND_LOWEST) {
        *at++ = is_highest ? '+' : '-';
        if (by == KV_BY_NAME) return 1;
        memcpy(at, "inf", 3);
        return 4;
    }
    if (bound->bound == KV_BOUND_EXCLUDED) *at++ = '(';
    else if (by == KV_BY_NAME) *at++ = '[';
    if (by == KV_BY_SCORE)
        return (size_t)(at - from) + number_format_double_shortest(at, bound->score);
    if (bound->name.size > 0) memcpy(at, bound->name.data, bound->name.size);
    return (size_t)(at - from) + bound->name.size;
}

static void zsets_words_add(struct zsets_words *words, kv_slice word)
{
    words->words[words->count++] = word;
}

/* Adds both ends of the range, the first one of a walk first. */
static void zsets_words_add_ends(struct zsets_words *words, const kv_zrange_options *range)
{
    char *at = words->block;
    for (int i = 0; i < 2; i++) {
        size_t size;
        if (range->by == KV_BY_RANK) {
            size = number_format_int64(at, i == 0 ? range->start : range->stop);
        } else {
            bool is_minimum = (i == 0) != range->reverse;
            size = zsets_write_bound(at, range->by, is_minimum ? &range->minimum : &range->maximum);
        }
        zsets_words_add(words, kv_bytes(at, size));
        at += size;
    }
}

/* Begins with the ends of the range. KV_OK or KV_NOMEM. */
static kv_status zsets_words_open(struct zsets_words *words, struct access *access,
                                  const kv_zrange_options *range)
{
    size_t size = 4 * NUMBER_DOUBLE_SIZE;
    if (range->by == KV_BY_NAME) size += range->minimum.name.size + range->maximum.name.size;
    words->block = words->on_stack;
    words->block_size = size;
    if (!access_is_journaled(access)) return KV_OK;
    if (size > sizeof words->on_stack) words->block = alloc_get(&access->store->alloc, size);
    if (words->block == NULL) return KV_NOMEM;
    zsets_words_add_ends(words, range);
    return KV_OK;
}

static void zsets_words_close(struct zsets_words *words, struct access *access)
{
    if (words->block == words->on_stack) return;
    alloc_free(&access->store->alloc, words->block, words->block_size);
}

static kv_slice zsets_remove_word(kv_zrange_by by)
{
    if (by == KV_BY_RANK) return EFFECT_NAME("ZREMRANGEBYRANK");
    return by == KV_BY_SCORE ? EFFECT_NAME("ZREMRANGEBYSCORE") : EFFECT_NAME("ZREMRANGEBYLEX");
}

static const char *zsets_remove_event(kv_zrange_by by)
{
    if (by == KV_BY_RANK) return "zremrangebyrank";
    return by == KV_BY_SCORE ? "zremrangebyscore" : "zremrangebylex";
}

static kv_status zsets_remove_range_opened(struct access *access, const kv_zrange_options *range,
                                           uint64_t *removed)
{
    struct zsets_words words = {.count = 0};
    struct effect effect;
    struct collection set = access_collection(access);
    uint64_t skip, count = zset_select(&set, range, &skip);
    if (count > 0) {
        kv_status status = zsets_words_open(&words, access, range);
        if (status == KV_OK) {
            status = effect_open_with(&effect, access, zsets_remove_word(range->by), words.words,
                                      words.count);
            if (status == KV_OK) effect_close(&effect, access, true);
            zsets_words_close(&words, access);
        }
        if (status != KV_OK) return status;
        zset_remove_range(&set, &access->shard->memory, KV_HEAD, skip, count, NULL, NULL);
        zsets_tell(access, zsets_remove_event(range->by));
        access_settle(access, &set, count);
    }
    if (removed != NULL) *removed = count;
    return KV_OK;
}

kv_status kv_zremrange(kv *db, kv_slice key, const kv_zrange_options *given, uint64_t *removed)
{
    kv_zrange_options range;
    if (!zsets_read_range(given, &range) || range.reverse || range.limited) return KV_BADARG;
    struct access access;
    kv_status status = zsets_open(&access, db, key, ACCESS_WRITE);
    if (status != KV_OK) return status;
    return access_close(&access, zsets_remove_range_opened(&access, &range, removed));
}

/* ------------------------------------------------------------------------------ a range as a set */

struct zsets_gathering {
    struct collection *result;
    struct memory *memory;
    const struct zset_rules *rules;
    kv_status status;
};

static bool zsets_gather(void *context, kv_slice member, double score)
{
    struct zsets_gathering *gathering = context;
    enum zset_outcome outcome;
    gathering->status = zset_put(gathering->result, gathering->memory, gathering->rules, member, 0,
                                 false, &score, &outcome);
    return gathering->status == KV_OK;
}

/* A set of the range's members, in memory of the destination's shard. */
static kv_status zsets_range_gather(const struct access *source, const struct access *destination,
                                    const kv_zrange_options *range, struct collection *result)
{
    struct zset_rules rules = zsets_rules(destination);
    struct memory *memory = &destination->shard->memory;
    struct zsets_gathering gathering = {result, memory, &rules, KV_OK};
    struct collection set = access_collection(source);
    uint64_t skip, count = zset_select(&set, range, &skip);
    kv_end end = range->reverse ? KV_TAIL : KV_HEAD;
    *result = (struct collection){0};
    if (count > rules.limits.count) rules.limits.count = 0; /* large at once: -0 stays */
    zset_visit(&set, end, skip, count, zsets_gather, &gathering);
    if (gathering.status != KV_OK) zset_destroy(result, memory);
    return gathering.status;
}

/* Adds what ZRANGE has behind the ends. The limits' texts lie in `numbers`. */
static void zsets_words_add_options(struct zsets_words *words, const kv_zrange_options *range,
                                    char numbers[2][NUMBER_INT64_SIZE])
{
    if (range->by == KV_BY_SCORE) zsets_words_add(words, EFFECT_NAME("BYSCORE"));
    if (range->by == KV_BY_NAME) zsets_words_add(words, EFFECT_NAME("BYLEX"));
    if (range->reverse) zsets_words_add(words, EFFECT_NAME("REV"));
    if (!range->limited) return;
    int64_t count = range->count > INT64_MAX ? -1 : (int64_t)range->count; /* -1: all */
    zsets_words_add(words, EFFECT_NAME("LIMIT"));
    size_t size = number_format_uint64(numbers[0], range->offset);
    zsets_words_add(words, kv_bytes(numbers[0], size));
    size = number_format_int64(numbers[1], count);
    zsets_words_add(words, kv_bytes(numbers[1], size));
}

/* Puts the result under its key with the effect of the call; the result is gone if that fails. */
static kv_status zsets_range_keep(struct access *destination, kv_slice source,
                                  const kv_zrange_options *range, struct collection *result)
{
    struct zsets_words words = {.words = {source}, .count = 1};
    char numbers[2][NUMBER_INT64_SIZE];
    kv_status status = zsets_words_open(&words, destination, range);
    if (status != KV_OK) {
        zset_destroy(result, &destination->shard->memory);
        return status;
    }
    zsets_words_add_options(&words, range, numbers);
    status = access_replace_collection(destination, KV_TYPE_SORTED_SET, result,
                                       EFFECT_NAME("ZRANGESTORE"), words.words, words.count);
    zsets_words_close(&words, destination);
    if (status == KV_OK && destination->entry != NULL) zsets_tell(destination, "zrangestore");
    return status;
}

static kv_status zsets_range_store_opened(struct access *destination, struct access *source,
                                          const kv_zrange_options *range, uint64_t *stored)
{
    struct collection result;
    kv_status status = zsets_range_gather(source, destination, range, &result);
    if (status != KV_OK) return status;
    uint64_t count = zset_count(&result);
    status = zsets_range_keep(destination, source->key, range, &result);
    if (status == KV_OK && stored != NULL) *stored = count;
    return status;
}

kv_status kv_zrangestore(kv *db, kv_slice destination, kv_slice source,
                         const kv_zrange_options *given, uint64_t *stored)
{
    kv_zrange_options range;
    if (db == NULL || !zsets_read_range(given, &range)) return KV_BADARG;
    kv_slice keys[2] = {destination, source};
    struct span span;
    struct access to, from;
    span_begin(&span, db, keys, 2, 0);
    span_hold_time(&span);
    kv_status status = access_open(&to, &span.db, destination, ACCESS_WRITE);
    if (status == KV_OK) {
        status = zsets_open(&from, &span.db, source, ACCESS_READ);
        if (status == KV_OK) {
            access_find_again(&to);
            status = zsets_range_store_opened(&to, &from, &range, stored);
            (void)access_close(&from, status);
        }
        (void)access_close(&to, status);
    }
    span_end(&span);
    return status;
}

/* --------------------------------------------------------------------------------------- waiting */

/*
 * What a thread that waits has taken: members and scores, in a buffer, since it is another thread
 * that takes them for it.
 */
struct zsets_wait {
    kv_end end;
    uint64_t count;
    kv_buffer taken; /* of each the score, the size and the bytes */
};

static size_t zsets_wait_size(kv_slice member)
{
    return sizeof(double) + sizeof(size_t) + member.size;
}

static bool zsets_wait_measure(void *context, kv_slice member, double score)
{
    (void)score;
    *(size_t *)context += zsets_wait_size(member);
    return true;
}

/* There is room. */
static bool zsets_wait_note(void *context, kv_slice member, double score)
{
    kv_buffer *taken = context;
    char *at = (char *)taken->data + taken->size;
    memcpy(at, &score, sizeof score);
    memcpy(at + sizeof score, &member.size, sizeof member.size);
    if (member.size > 0) memcpy(at + sizeof score + sizeof member.size, member.data, member.size);
    taken->size += zsets_wait_size(member);
    return true;
}

static kv_status zsets_wait_attempt(void *context, kv *txn, size_t key_index, kv_slice key)
{
    struct zsets_wait *wait = context;
    kv_zrange_options range = KV_OPTIONS(kv_zrange_options);
    size_t size = 0;
    (void)key_index;
    range.stop = -1;
    range.reverse = wait->end == KV_TAIL;
    range.limited = true;
    range.count = wait->count;
    kv_status status = kv_zrange(txn, key, &range, NULL, zsets_wait_measure, &size);
    if (status != KV_OK) return status == KV_WRONGTYPE ? KV_NONE : status;
    if (size == 0) return KV_NONE;
    if (buffer_reserve(&wait->taken, size) != KV_OK) return KV_NOMEM;
    return kv_zpop(txn, key, wait->end, wait->count, zsets_wait_note, &wait->taken, NULL);
}

static void zsets_wait_lend(const struct zsets_wait *wait, kv_visit_scored *visit, void *context)
{
    const char *at = wait->taken.data;
    for (size_t left = wait->taken.size; left > 0;) {
        double score;
        kv_slice member;
        memcpy(&score, at, sizeof score);
        memcpy(&member.size, at + sizeof score, sizeof member.size);
        member.data = at + sizeof score + sizeof member.size;
        (void)visit(context, member, score);
        at += zsets_wait_size(member);
        left -= zsets_wait_size(member);
    }
}

kv_status kv_bzmpop(kv *db, const kv_slice *keys, size_t key_count, kv_end end, uint64_t count,
                    int64_t timeout_ms, size_t *index, kv_visit_scored *visit, void *context)
{
    if (db == NULL || count == 0) return KV_BADARG;
    if (!view_accepts_writes(db->view)) return KV_READONLY;
    struct zsets_wait wait = {.end = end, .count = count};
    kv_wait_options options = KV_OPTIONS(kv_wait_options);
    options.keys = keys;
    options.key_count = key_count;
    options.attempt = zsets_wait_attempt;
    options.type = KV_TYPE_SORTED_SET;
    options.context = &wait;
    kv_status status = kv_wait_here(db, &options, timeout_ms, index);
    if (status == KV_OK && visit != NULL) zsets_wait_lend(&wait, visit, context);
    kv_buffer_free(&wait.taken);
    return status;
}

/* ------------------------------------------------------------------------------------ deadlines */

kv_status kv_zexpire(kv *db, kv_slice key, int64_t ttl_ms, unsigned flags, const kv_slice *members,
                     size_t count, kv_field_result *results)
{
    struct timing timing = {.flags = flags, .names = members, .count = count, .results = results};
    return timing_expire(db, key, KV_TYPE_SORTED_SET, timing, ttl_ms);
}

kv_status kv_zexpire_at(kv *db, kv_slice key, int64_t deadline_ms, unsigned flags,
                        const kv_slice *members, size_t count, kv_field_result *results)
{
    struct timing timing = {.flags = flags, .names = members, .count = count, .results = results};
    return timing_expire_at(db, key, KV_TYPE_SORTED_SET, timing, deadline_ms);
}

kv_status kv_zpersist(kv *db, kv_slice key, const kv_slice *members, size_t count,
                      kv_field_result *results)
{
    struct timing timing = {.names = members, .count = count, .results = results};
    return timing_persist(db, key, KV_TYPE_SORTED_SET, timing);
}

kv_status kv_zdeadline(kv *db, kv_slice key, const kv_slice *members, size_t count,
                       int64_t *deadlines_ms)
{
    return timing_tell(db, key, KV_TYPE_SORTED_SET, members, count, deadlines_ms);
}
