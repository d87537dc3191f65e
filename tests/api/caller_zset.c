/*
 * tests/api/caller_zset.c -- random calls about sorted sets, and replaying what they journal.
 */
#include "caller_internal.h"

#include <string.h>

#define MEMBERS 30

/* --------------------------------------------------------------------------------------- calling */

static bool zset_see(void *context, kv_slice member, double score)
{
    char text[32];
    caller_see_bytes(context, member);
    score += 0.0; /* -0 becomes 0 in a small set */
    caller_see_bytes(context, kv_bytes(text, kv_format_double(text, score)));
    return true;
}

/* A scan comes in an order of the store's own: a sum is seen. */
static bool zset_sum(void *context, kv_slice member, double score)
{
    *(uint64_t *)context += member.size + (uint64_t)(int64_t)(score > 1e9 ? 1e9 : score);
    return true;
}

static double zset_score(struct caller *caller)
{
    static const double odd[] = {0.1, -2.5, 1e300, 1e17, 3.3333333333333335};
    if (caller_below(caller, 5) == 0) return odd[caller_below(caller, 5)];
    return (double)caller_index(caller);
}

static unsigned zset_flags(struct caller *caller)
{
    static const unsigned some[] = {0, 0, 0, KV_ZADD_NX, KV_ZADD_XX, KV_ZADD_GT, KV_ZADD_LT};
    return some[caller_below(caller, sizeof some / sizeof *some)];
}

static kv_zrange_options zset_range(struct caller *caller)
{
    kv_zrange_options range = KV_OPTIONS(kv_zrange_options);
    range.by = (kv_zrange_by)caller_below(caller, 3);
    range.start = caller_index(caller);
    range.stop = caller_index(caller);
    kv_zbound *const bounds[2] = {&range.minimum, &range.maximum};
    for (int i = 0; i < 2; i++) {
        bounds[i]->bound = (kv_bound)caller_below(caller, 4);
        bounds[i]->score = zset_score(caller);
        bounds[i]->name = caller_element(caller);
    }
    return range;
}

static kv_zrange_options zset_walk(struct caller *caller)
{
    kv_zrange_options range = zset_range(caller);
    /* By name the members of different scores mean nothing, and differ from form to form. */
    if (range.by == KV_BY_NAME) range.by = KV_BY_SCORE;
    range.reverse = caller_below(caller, 2) == 0;
    range.limited = caller_below(caller, 2) == 0;
    range.offset = caller_below(caller, 4);
    range.count = caller_below(caller, 8);
    return range;
}

static kv_status zset_change(struct caller *caller, kv *db, kv_slice key)
{
    kv_scored scored[MEMBERS];
    kv_slice members[3];
    uint64_t added = 0, updated = 0;
    double score = 0;
    size_t count = 1 + (size_t)caller_below(caller, caller_below(caller, 4) == 0 ? MEMBERS : 3);
    kv_status status;
    switch (caller_below(caller, 6)) {
    case 0:
        for (size_t i = 0; i < 3; i++) members[i] = caller_element(caller);
        status = CALL(kv_zrem)(db, key, members, 1 + (size_t)caller_below(caller, 3), &added);
        if (status >= 0) caller_see(caller, added);
        return status;
    case 1: {
        unsigned flags = zset_flags(caller);
        double increment = zset_score(caller);
        status = CALL(kv_zincrby)(db, key, caller_element(caller), increment, flags, &score);
        if (status == KV_OK) zset_see(caller, kv_bytes(NULL, 0), score);
        return status;
    }
    default:
        for (size_t i = 0; i < count; i++)
            scored[i] = (kv_scored){caller_element(caller), zset_score(caller)};
        status = CALL(kv_zadd)(db, key, scored, count, zset_flags(caller), &added, &updated);
        if (status == KV_OK) caller_see(caller, added << 8 | updated);
        return status;
    }
}

static kv_status zset_take(struct caller *caller, kv *db, kv_slice key, kv_slice other)
{
    kv_slice keys[2] = {key, other};
    size_t index = 0;
    uint64_t number = 0;
    kv_zrange_options range;
    kv_status status;
    switch (caller_below(caller, 4)) {
    case 0:
        return CALL(kv_zpop)(db, key, caller_end(caller), caller_below(caller, 4), zset_see, caller,
                             NULL);
    case 1:
        status = CALL(kv_zmpop)(db, keys, 2, caller_end(caller), 1 + caller_below(caller, 3),
                                &index, zset_see, caller);
        caller_see(caller, index);
        return status;
    case 2:
        status = CALL(kv_bzmpop)(db, keys, 1, caller_end(caller), 1, 1, &index, zset_see, caller);
        return status;
    default:
        range = zset_range(caller);
        if (range.by == KV_BY_NAME) range.by = KV_BY_RANK;
        status = CALL(kv_zremrange)(db, key, &range, &number);
        caller_see(caller, number);
        return status;
    }
}

static kv_status zset_read(struct caller *caller, kv *db, kv_slice key)
{
    kv_zrange_options range = zset_walk(caller);
    kv_slice members[2] = {caller_element(caller), caller_element(caller)};
    uint64_t number = 0, cursor = 0;
    double scores[2] = {0, 0};
    kv_status status;
    switch (caller_below(caller, 7)) {
    case 0: status = CALL(kv_zcard)(db, key, &number); break;
    case 1: status = CALL(kv_zcount)(db, key, &range, &number); break;
    case 2:
        status = CALL(kv_zrank)(db, key, members[0], caller_end(caller), &number, &scores[0]);
        break;
    case 3: status = CALL(kv_zscore)(db, key, members[0], &scores[0]); break;
    case 4:
        status = CALL(kv_zmscore)(db, key, members, 2, scores);
        for (int i = 0; i < 2; i++)
            if (scores[i] != scores[i]) scores[i] = 77;
        break;
    case 5:
        do status = CALL(kv_zscan)(db, key, &cursor, 100, zset_sum, &number);
        while (status == KV_OK && cursor != 0);
        break;
    default: status = CALL(kv_zrange)(db, key, &range, caller_begin_range, zset_see, caller); break;
    }
    caller_see(caller, number);
    for (int i = 0; i < 2; i++) zset_see(caller, kv_bytes(NULL, 0), scores[i]);
    return status;
}

static kv_status zset_combine(struct caller *caller, kv *db, kv_slice key, kv_slice other)
{
    kv_slice keys[3] = {key, other, key};
    double weights[3] = {1, zset_score(caller), 0.5};
    kv_zcombine_options sets = KV_OPTIONS(kv_zcombine_options);
    kv_zrange_options range = zset_walk(caller);
    uint64_t number = 0;
    kv_status status;
    sets.keys = keys;
    sets.key_count = 1 + (size_t)caller_below(caller, 3);
    sets.weights = caller_below(caller, 2) == 0 ? weights : NULL;
    sets.aggregate = (kv_aggregate)caller_below(caller, 3);
    switch (caller_below(caller, 8)) {
    case 0: return CALL(kv_zunion)(db, &sets, caller_begin_range, zset_see, caller);
    case 1: return CALL(kv_zinter)(db, &sets, caller_begin_range, zset_see, caller);
    case 2: return CALL(kv_zdiff)(db, &sets, caller_begin_range, zset_see, caller);
    case 3: status = CALL(kv_zintercard)(db, keys, 2, caller_below(caller, 4), &number); break;
    case 4: status = CALL(kv_zunionstore)(db, other, &sets, &number); break;
    case 5: status = CALL(kv_zinterstore)(db, other, &sets, &number); break;
    case 6: status = CALL(kv_zdiffstore)(db, other, &sets, &number); break;
    default: status = CALL(kv_zrangestore)(db, other, key, &range, &number); break;
    }
    caller_see(caller, number);
    return status;
}

kv_status caller_call_zset(struct caller *caller, kv *db, kv_slice key, kv_slice other)
{
    switch (caller_below(caller, 6)) {
    case 0: return zset_take(caller, db, key, other);
    case 1: return zset_read(caller, db, key);
    case 2: return zset_combine(caller, db, key, other);
    default: return zset_change(caller, db, key);
    }
}

/* --------------------------------------------------------------------------------------- replay */

static double zset_double(kv_slice text)
{
    double value;
    MUST(kv_parse_double(text, &value) == KV_OK);
    return value;
}

static kv_status zset_replay_add(kv *db, const kv_slice *words, size_t count)
{
    kv_scored scored[2 * MEMBERS];
    uint64_t added, updated;
    size_t members = (count - 2) / 2;
    MUST(count % 2 == 0 && members <= 2 * MEMBERS);
    for (size_t i = 0; i < members; i++)
        scored[i] = (kv_scored){words[3 + 2 * i], zset_double(words[2 + 2 * i])};
    kv_status status = kv_zadd(db, words[1], scored, members, 0, &added, &updated);
    MUST(added + updated == members);
    return status;
}

static kv_zbound zset_bound(kv_slice word, kv_zrange_by by)
{
    kv_zbound bound = {.bound = KV_BOUND_INCLUDED};
    const char *text = word.data;
    bool is_open = by == KV_BY_NAME && word.size == 1 && (*text == '-' || *text == '+');
    if (is_open) bound.bound = *text == '-' ? KV_BOUND_LOWEST : KV_BOUND_HIGHEST;
    if (is_open) return bound;
    if (*text == '(') bound.bound = KV_BOUND_EXCLUDED;
    size_t skipped = by == KV_BY_NAME || *text == '(' ? 1 : 0;
    kv_slice rest = kv_bytes(text + skipped, word.size - skipped);
    if (by == KV_BY_NAME) bound.name = rest;
    else bound.score = zset_double(rest);
    return bound;
}

/* Reads the two ends at words[at], and what ZRANGESTORE has behind them. */
static kv_zrange_options zset_replay_range(const kv_slice *words, size_t count, size_t at,
                                           kv_zrange_by by)
{
    kv_zrange_options range = KV_OPTIONS(kv_zrange_options);
    range.by = by;
    for (size_t i = at + 2; i < count; i++) {
        if (caller_is(words[i], "BYSCORE")) range.by = KV_BY_SCORE;
        else if (caller_is(words[i], "BYLEX")) range.by = KV_BY_NAME;
        else if (caller_is(words[i], "REV")) range.reverse = true;
        else {
            MUST(caller_is(words[i], "LIMIT"));
            range.limited = true;
            range.offset = (uint64_t)caller_number(words[i + 1]);
            range.count = (uint64_t)caller_number(words[i + 2]);
            i += 2;
        }
    }
    bool is_swapped = range.reverse && range.by != KV_BY_RANK;
    kv_slice first = words[at + is_swapped], last = words[at + !is_swapped];
    if (range.by == KV_BY_RANK) {
        range.start = caller_number(first);
        range.stop = caller_number(last);
    } else {
        range.minimum = zset_bound(first, range.by);
        range.maximum = zset_bound(last, range.by);
    }
    return range;
}

static kv_status zset_replay_remove(kv *db, const kv_slice *words, size_t count, kv_zrange_by by)
{
    uint64_t removed = 0;
    kv_zrange_options range = zset_replay_range(words, count, 2, by);
    kv_status status = kv_zremrange(db, words[1], &range, &removed);
    MUST(status == KV_OK && removed > 0);
    return status;
}

static kv_status zset_replay_combine(kv *db, const kv_slice *words, size_t count)
{
    double weights[3];
    uint64_t stored;
    kv_zcombine_options sets = KV_OPTIONS(kv_zcombine_options);
    sets.keys = words + 3;
    sets.key_count = (size_t)caller_number(words[2]);
    size_t at = 3 + sets.key_count;
    if (at < count && caller_is(words[at], "WEIGHTS")) {
        for (size_t i = 0; i < sets.key_count; i++) weights[i] = zset_double(words[at + 1 + i]);
        sets.weights = weights;
        at += 1 + sets.key_count;
    }
    if (at < count) {
        MUST(at + 2 == count && caller_is(words[at], "AGGREGATE"));
        sets.aggregate = caller_is(words[at + 1], "MIN") ? KV_MIN : KV_MAX;
    }
    kv_status status =
        caller_is(words[0], "ZUNIONSTORE")   ? kv_zunionstore(db, words[1], &sets, &stored)
        : caller_is(words[0], "ZINTERSTORE") ? kv_zinterstore(db, words[1], &sets, &stored)
                                             : kv_zdiffstore(db, words[1], &sets, &stored);
    MUST(status == KV_OK && stored > 0);
    return status;
}

static kv_status zset_replay_pop(kv *db, const kv_slice *words, size_t count)
{
    uint64_t popped = 0, wanted = count == 3 ? (uint64_t)caller_number(words[2]) : 1;
    kv_end end = caller_is(words[0], "ZPOPMIN") ? KV_HEAD : KV_TAIL;
    kv_status status = kv_zpop(db, words[1], end, wanted, NULL, NULL, &popped);
    MUST(status != KV_OK || popped == wanted);
    return status;
}

bool caller_replay_zset(kv *db, const kv_slice *words, size_t count, kv_status *status)
{
    uint64_t number = 0;
    kv_slice name = words[0];
    if (*(const char *)name.data != 'Z') return false;
    if (caller_is(name, "ZADD")) {
        *status = zset_replay_add(db, words, count);
    } else if (caller_is(name, "ZINCRBY")) {
        *status = kv_zincrby(db, words[1], words[3], zset_double(words[2]), 0, NULL);
    } else if (caller_is(name, "ZREM")) {
        *status = kv_zrem(db, words[1], words + 2, count - 2, &number);
        MUST(number == count - 2);
    } else if (caller_is(name, "ZPOPMIN") || caller_is(name, "ZPOPMAX")) {
        *status = zset_replay_pop(db, words, count);
    } else if (caller_is(name, "ZREMRANGEBYRANK")) {
        *status = zset_replay_remove(db, words, count, KV_BY_RANK);
    } else if (caller_is(name, "ZREMRANGEBYSCORE")) {
        *status = zset_replay_remove(db, words, count, KV_BY_SCORE);
    } else if (caller_is(name, "ZREMRANGEBYLEX")) {
        *status = zset_replay_remove(db, words, count, KV_BY_NAME);
    } else if (caller_is(name, "ZRANGESTORE")) {
        kv_zrange_options range = zset_replay_range(words, count, 3, KV_BY_RANK);
        *status = kv_zrangestore(db, words[1], words[2], &range, &number);
        MUST(number > 0);
    } else {
        *status = zset_replay_combine(db, words, count);
    }
    return true;
}
