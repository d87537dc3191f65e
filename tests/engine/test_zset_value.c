/*
 * tests/engine/test_zset_value.c -- values/zset.h: the sorted set, small and large, against an array
 * in order.
 */
#include "values/zset.h"

#include "base/slice.h"
#include "values/large.h"

#include "fixture_memory.h"

#include <math.h>
#include <stdlib.h>

static const struct siphash_key hash_key = {3, 4};
static struct zset_rules rules;
static struct collection set;

/* The naive model. */
#define MODEL_MOST 3000
struct scored {
    char text[80];
    double score;
};
static struct scored model[MODEL_MOST];
static size_t model_count;

static void setup(size_t limit)
{
    fixture_memory_begin();
    rules = (struct zset_rules){{limit, 64}, &hash_key, false};
    set = (struct collection){0};
    model_count = 0;
}

static void teardown(void)
{
    zset_destroy(&set, &memory);
    fixture_memory_end();
}

/* --------------------------------------------------------------------------------------- helpers */

static kv_slice name_of(const struct scored *one)
{
    return KV_TEXT(one->text);
}

static int model_compare(const void *a, const void *b)
{
    const struct scored *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? -1 : 1;
    return slice_compare(name_of(x), name_of(y));
}

static void model_sort(void)
{
    qsort(model, model_count, sizeof *model, model_compare);
}

static size_t model_find(const char *text)
{
    size_t i = 0;
    while (i < model_count && strcmp(model[i].text, text) != 0) i++;
    return i;
}

/* What zset_put() should do. */
static enum zset_outcome model_put(const char *text, double score, unsigned flags)
{
    size_t i = model_find(text);
    bool exists = i < model_count;
    if (exists ? (flags & KV_ZADD_NX) != 0 : (flags & KV_ZADD_XX) != 0) return ZSET_REFUSED;
    if (exists && (flags & KV_ZADD_GT) != 0 && score <= model[i].score) return ZSET_REFUSED;
    if (exists && (flags & KV_ZADD_LT) != 0 && score >= model[i].score) return ZSET_REFUSED;
    if (exists && score == model[i].score) return ZSET_SAME;
    MUST(i < MODEL_MOST);
    if (!exists) {
        strcpy(model[i].text, text);
        model_count++;
    }
    model[i].score = score;
    model_sort();
    return exists ? ZSET_UPDATED : ZSET_ADDED;
}

static void model_take(size_t first, size_t count)
{
    model_count -= count;
    memmove(model + first, model + first + count, (model_count - first) * sizeof *model);
}

struct reader {
    size_t at;
    int step;
    size_t seen, stop;
};

static bool read_one(void *context, kv_slice member, double score)
{
    struct reader *reader = context;
    MUST(reader->at < model_count);
    MUST(slice_equal(member, name_of(&model[reader->at])));
    MUST(score == model[reader->at].score);
    reader->at += (size_t)reader->step;
    return ++reader->seen < reader->stop;
}

static void assert_lends(kv_end end, size_t skip, size_t count, size_t stop)
{
    size_t there = skip < model_count ? model_count - skip : 0;
    size_t expected = count < there ? count : there;
    struct reader reader = {end == KV_HEAD ? skip : model_count - 1 - skip, end == KV_HEAD ? 1 : -1,
                            0, stop};
    zset_visit(&set, end, skip, count, read_one, &reader);
    MUST(reader.seen == (expected < stop ? expected : stop));
}

static void assert_same(void)
{
    zset_check(&set);
    MUST(zset_count(&set) == model_count);
    MUST(collection_is_empty(&set) == (model_count == 0));
    assert_lends(KV_HEAD, 0, SIZE_MAX, SIZE_MAX);
    assert_lends(KV_TAIL, 0, SIZE_MAX, SIZE_MAX);
}

static bool model_is_in(const struct scored *one, const kv_zrange_options *range)
{
    for (int side = 0; side < 2; side++) {
        const kv_zbound *bound = side == 0 ? &range->minimum : &range->maximum;
        if (bound->bound == KV_BOUND_LOWEST) {
            if (side == 1) return false;
            continue;
        }
        if (bound->bound == KV_BOUND_HIGHEST) {
            if (side == 0) return false;
            continue;
        }
        int order = slice_compare(name_of(one), bound->name);
        if (range->by == KV_BY_SCORE)
            order = (one->score > bound->score) - (one->score < bound->score);
        if (side == 1) order = -order;
        if (bound->bound == KV_BOUND_INCLUDED ? order < 0 : order <= 0) return false;
    }
    return true;
}

static void assert_selects(const kv_zrange_options *range)
{
    uint64_t skip, count = zset_select(&set, range, &skip);
    size_t in_range[MODEL_MOST], found = 0;
    for (size_t n = 0; n < model_count; n++) {
        size_t i = range->reverse ? model_count - 1 - n : n;
        if (model_is_in(&model[i], range)) in_range[found++] = n;
    }
    size_t offset = range->limited ? (size_t)range->offset : 0;
    size_t most = range->limited ? (size_t)range->count : SIZE_MAX;
    size_t expected = offset < found ? found - offset : 0;
    if (expected > most) expected = most;
    MUST(count == expected);
    if (expected > 0) MUST(skip == in_range[offset]);
}

static void text_numbered(char text[80], uint64_t number)
{
    if (number % 3 == 0) snprintf(text, 80, "%" PRIu64, number); /* integers are special */
    else if (number % 7 == 0)
        snprintf(text, 80, "%s%" PRIu64, "a-rather-long-member-name-", number);
    else snprintf(text, 80, "m%" PRIu64, number);
}

static enum zset_outcome put(const char *text, double score, unsigned flags)
{
    double result = score;
    enum zset_outcome outcome;
    MUST(zset_put(&set, &memory, &rules, KV_TEXT(text), flags, false, &result, &outcome) == KV_OK);
    return outcome;
}

static void fill(size_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        char text[80];
        text_numbered(text, i);
        MUST(put(text, (double)(i * 7919 % 1000) / 2, 0) ==
             model_put(text, (double)(i * 7919 % 1000) / 2, 0));
    }
}

/* ----------------------------------------------------------------------------------------- tests */

START_TEST(a_set_grows_large_beyond_either_limit_and_stays_so)
{
    char text[80];
    setup(128);
    fill(128);
    ck_assert_str_eq(zset_kind.encoding(&set), "listpack");
    put("one-more", 1, 0);
    model_put("one-more", 1, 0);
    ck_assert_str_eq(zset_kind.encoding(&set), "skiplist");
    assert_same();
    while (model_count > 1) {
        MUST(zset_remove(&set, &memory, name_of(&model[model_count / 2])));
        model_take(model_count / 2, 1);
    }
    ck_assert_str_eq(zset_kind.encoding(&set), "skiplist");
    MUST(zset_remove(&set, &memory, name_of(&model[0])));
    ck_assert(collection_is_empty(&set));

    memset(text, 'x', 64);
    text[64] = '\0';
    put(text, 1, 0);
    ck_assert_str_eq(zset_kind.encoding(&set), "listpack");
    text[64] = 'x';
    text[65] = '\0';
    put(text, 1, KV_ZADD_XX);
    ck_assert_str_eq(zset_kind.encoding(&set), "listpack");
    put(text, 1, 0);
    ck_assert_str_eq(zset_kind.encoding(&set), "skiplist");
    teardown();
}
END_TEST

START_TEST(scores_come_back_as_they_were)
{
    static const double scores[] = {-INFINITY, -1e300,  -0.0, 0.0,   5e-324, 0.1,
                                    1e17,      1.5e100, 3,    -7e18, 1e19,   INFINITY};
    for (size_t limit = 0; limit <= 128; limit += 128) {
        for (size_t i = 0; i < sizeof scores / sizeof *scores; i++) {
            double score;
            uint64_t rank;
            setup(limit);
            put("m", scores[i], 0);
            MUST(zset_score(&set, KV_TEXT("m"), &score));
            double expected = limit == 0 ? scores[i] : scores[i] + 0.0; /* -0 is 0 in a small set */
            MUST(memcmp(&score, &expected, sizeof score) == 0);
            MUST(zset_rank(&set, KV_TEXT("m"), &rank, &score));
            MUST(memcmp(&score, &expected, sizeof score) == 0);
            teardown();
        }
    }
}
END_TEST

START_TEST(adding_to_a_score_may_not_give_nan)
{
    for (size_t limit = 0; limit <= 128; limit += 128) {
        setup(limit);
        double score = -INFINITY;
        enum zset_outcome outcome;
        put("m", INFINITY, 0);
        ck_assert_int_eq(zset_put(&set, &memory, &rules, KV_TEXT("m"), 0, true, &score, &outcome),
                         KV_NOTFINITE);
        score = 5;
        MUST(zset_put(&set, &memory, &rules, KV_TEXT("n"), 0, true, &score, &outcome) == KV_OK);
        ck_assert_int_eq(outcome, ZSET_ADDED);
        score = 2.5;
        MUST(zset_put(&set, &memory, &rules, KV_TEXT("n"), 0, true, &score, &outcome) == KV_OK);
        ck_assert_int_eq(outcome, ZSET_UPDATED);
        ck_assert(score == 7.5);
        zset_check(&set);
        teardown();
    }
}
END_TEST

static kv_zbound random_bound(struct random *random, char text[80])
{
    text_numbered(text, random_below(random, 60));
    if (random_below(random, 4) == 0) strcat(text, "x");
    uint64_t draw = random_below(random, 8);
    kv_bound bound = draw > 3 ? KV_BOUND_INCLUDED : (kv_bound)draw;
    return (kv_zbound){bound, (double)random_below(random, 40) / 2 - 1, KV_TEXT(text)};
}

START_TEST(every_range_is_selected)
{
    struct random random;
    random_seed(&random, unit_seed());
    for (size_t limit = 0; limit <= 128; limit += 128) {
        for (int equal = 0; equal < 2; equal++) {
            setup(limit);
            for (uint64_t i = 0; i < 60; i += 2) {
                char text[80];
                text_numbered(text, i);
                double score = equal ? 1 : (double)(i * 7 % 19);
                put(text, score, 0);
                model_put(text, score, 0);
            }
            for (int i = 0; i < 20000; i++) {
                char minimum[80], maximum[80];
                kv_zrange_options range = KV_OPTIONS(kv_zrange_options);
                range.by = equal ? KV_BY_NAME : KV_BY_SCORE;
                range.minimum = random_bound(&random, minimum);
                range.maximum = random_bound(&random, maximum);
                range.reverse = random_below(&random, 2) == 0;
                range.limited = random_below(&random, 2) == 0;
                range.offset = random_below(&random, 12);
                range.count = random_below(&random, 5) == 0 ? UINT64_MAX : random_below(&random, 9);
                assert_selects(&range);
            }
            teardown();
        }
    }
}
END_TEST

START_TEST(ranks_count_from_either_end)
{
    static const int64_t at[] = {INT64_MIN, -8, -7, -3, -1, 0, 1, 5, 6, 7, 8, INT64_MAX};
    const size_t n = sizeof at / sizeof *at;
    setup(128);
    fill(7);
    for (size_t i = 0; i < n * n; i++) {
        kv_zrange_options range = KV_OPTIONS(kv_zrange_options);
        range.start = at[i % n];
        range.stop = at[i / n];
        uint64_t skip, count = zset_select(&set, &range, &skip);
        int64_t start = range.start < -7 ? 0 : range.start < 0 ? range.start + 7 : range.start;
        int64_t stop = range.stop < -7 ? -1 : range.stop < 0 ? range.stop + 7 : range.stop;
        if (stop > 6) stop = 6;
        uint64_t expected = start > stop ? 0 : (uint64_t)(stop - start + 1);
        ck_assert_uint_eq(count, expected);
        if (count > 0) ck_assert_uint_eq(skip, (uint64_t)start);
    }
    teardown();
}
END_TEST

START_TEST(every_range_can_be_removed)
{
    struct random random;
    random_seed(&random, unit_seed());
    for (int round = 0; round < 60; round++) {
        setup(round % 2 == 0 ? 0 : 1000);
        fill(round % 10 == 0 ? 1500 : 100);
        while (model_count > 0) {
            kv_end end = (kv_end)random_below(&random, 2);
            size_t skip = (size_t)random_below(&random, model_count);
            size_t count = (size_t)random_below(&random, model_count - skip + 1);
            struct reader reader = {end == KV_HEAD ? skip : model_count - 1 - skip,
                                    end == KV_HEAD ? 1 : -1, 0, SIZE_MAX};
            bool lends = random_below(&random, 2) == 0;
            zset_remove_range(&set, &memory, end, skip, count, lends ? read_one : NULL, &reader);
            MUST(reader.seen == (lends ? count : 0));
            model_take(end == KV_HEAD ? skip : model_count - skip - count, count);
            assert_same();
        }
        teardown();
    }
}
END_TEST

START_TEST(putting_several_is_like_putting_each)
{
    static char texts[200][80];
    static kv_scored members[200];
    static uint8_t outcomes[200];
    struct random random;
    random_seed(&random, unit_seed());
    for (int round = 0; round < 300; round++) {
        setup(round % 3 == 0 ? 0 : 128);
        fill((size_t)random_below(&random, 160));
        for (int step = 0; step < 4; step++) {
            static const unsigned conditions[] = {0,          KV_ZADD_NX, KV_ZADD_XX,
                                                  KV_ZADD_GT, KV_ZADD_LT, KV_ZADD_XX | KV_ZADD_GT};
            unsigned flags = conditions[random_below(&random, 6)];
            size_t count = 1 + (size_t)random_below(&random, step == 0 ? 200 : 20);
            for (size_t i = 0; i < count; i++) {
                text_numbered(texts[i], random_below(&random, 250));
                members[i] = (kv_scored){KV_TEXT(texts[i]), (double)random_below(&random, 30)};
            }
            MUST(zset_put_all(&set, &memory, &rules, members, count, flags, outcomes) == KV_OK);
            for (size_t i = 0; i < count; i++)
                MUST(outcomes[i] == model_put(texts[i], members[i].score, flags));
            assert_same();
        }
        ck_assert(collection_is_small(&set) || rules.limits.count == 0 || model_count > 0);
        teardown();
    }
}
END_TEST

START_TEST(putting_several_that_fails_changes_nothing)
{
    static const char *const texts[] = {"zz", "m1", "m5", "m1", "3", "new", "m8", "m1", "3", "zz"};
    static const size_t sizes[] = {0, 1, 5, 120, 125, 126, 128, 300, 1000};
    for (size_t limit = 0; limit <= 128; limit += 128) {
        for (size_t n = 0; n < sizeof sizes / sizeof *sizes; n++) {
            setup(limit);
            fill(sizes[n]);
            kv_scored members[10];
            uint8_t outcomes[10];
            for (size_t i = 0; i < 10; i++)
                members[i] = (kv_scored){KV_TEXT(texts[i]), (double)(i * 100 % 350)};
            FIXTURE_FAIL_EACH_ALLOCATION(&host)
            {
                kv_status status = zset_put_all(&set, &memory, &rules, members, 10, 0, outcomes);
                if (status == KV_OK) {
                    for (size_t i = 0; i < 10; i++)
                        MUST(outcomes[i] == model_put(texts[i], members[i].score, 0));
                    assert_same();
                    break;
                }
                ck_assert_int_eq(status, KV_NOMEM);
                assert_same();
            }
            fixture_alloc_allow(&host, FIXTURE_UNLIMITED);
            teardown();
        }
    }
}
END_TEST

START_TEST(a_put_or_copy_that_fails_changes_nothing)
{
    static const size_t sizes[] = {0, 1, 5, 127, 128, 300, 1000};
    for (size_t n = 0; n < sizeof sizes / sizeof *sizes; n++) {
        for (int round = 0; round < 3; round++) {
            setup(128);
            fill(sizes[n]);
            const char *text = round == 0 ? "m1" : round == 1 ? "new" : "m8";
            double score = round == 0 ? 1000 : 250.25;
            FIXTURE_FAIL_EACH_ALLOCATION(&host)
            {
                double result = score;
                enum zset_outcome outcome;
                kv_status status =
                    zset_put(&set, &memory, &rules, KV_TEXT(text), 0, false, &result, &outcome);
                if (status == KV_OK) {
                    MUST(outcome == model_put(text, score, 0));
                    break;
                }
                assert_same();
            }
            assert_same();
            FIXTURE_FAIL_EACH_ALLOCATION(&host)
            {
                struct collection copy = {0}, kept = set;
                size_t used = memory.used;
                kv_status status = zset_kind.copy(&set, &memory, &copy);
                ck_assert_int_eq(status, fixture_alloc_was_enough(&host) ? KV_OK : KV_NOMEM);
                if (status == KV_OK) {
                    set = copy;
                    assert_same();
                    set = kept;
                    zset_destroy(&copy, &memory);
                }
                ck_assert_uint_eq(memory.used, used);
                assert_same();
            }
            teardown();
        }
    }
}
END_TEST

static size_t drawn[MODEL_MOST];

static bool note_drawn(void *context, kv_slice member, double score)
{
    size_t i = 0;
    while (i < model_count && !slice_equal(member, name_of(&model[i]))) i++;
    MUST(i < model_count);
    MUST(score == model[i].score);
    drawn[i]++;
    ++*(size_t *)context;
    return false; /* which is ignored */
}

START_TEST(samples_have_each_member_once_and_scans_all)
{
    struct random random;
    random_seed(&random, unit_seed());
    for (size_t limit = 0; limit <= 128; limit += 128) {
        setup(limit);
        fill(100);
        for (size_t count = 0; count <= 100; count++) {
            size_t seen = 0;
            memset(drawn, 0, sizeof drawn);
            MUST(zset_sample(&set, &memory, &random, count, note_drawn, &seen) == KV_OK);
            MUST(seen == count);
            for (size_t i = 0; i < model_count; i++) MUST(drawn[i] <= 1);
        }
        size_t seen = 0;
        memset(drawn, 0, sizeof drawn);
        zset_draw(&set, &random, 10000, note_drawn, &seen);
        ck_assert_uint_eq(seen, 10000);
        for (size_t i = 0; i < model_count; i++) MUST(drawn[i] > 20 && drawn[i] < 300);
        memset(drawn, 0, sizeof drawn);
        uint64_t cursor = 0;
        do cursor = zset_scan(&set, cursor, 7, note_drawn, &seen);
        while (cursor != 0);
        for (size_t i = 0; i < model_count; i++) MUST(drawn[i] == 1);
        teardown();
    }
}
END_TEST

static void random_step(struct random *random, uint64_t names)
{
    char text[80];
    double score = (double)random_below(random, 200) / 4 - 20;
    text_numbered(text, random_below(random, names));
    size_t i = model_find(text);
    double result = score;
    switch (random_below(random, 4)) {
    case 0: {
        MUST(zset_remove(&set, &memory, KV_TEXT(text)) == (i < model_count));
        if (i < model_count) model_take(i, 1);
        break;
    }
    case 1: {
        enum zset_outcome outcome;
        double expected = score + (i < model_count ? model[i].score : 0);
        MUST(zset_put(&set, &memory, &rules, KV_TEXT(text), 0, true, &result, &outcome) == KV_OK);
        MUST(result == expected);
        MUST(outcome == model_put(text, expected, 0));
        break;
    }
    default: {
        unsigned flags = (unsigned)random_below(random, 9);
        if (flags != 1 && flags != 2 && flags != 4 && flags != 8 && flags != 6) flags = 0;
        MUST(put(text, score, flags) == model_put(text, score, flags));
        break;
    }
    }
    uint64_t rank;
    i = model_find(text);
    MUST(zset_rank(&set, KV_TEXT(text), &rank, &score) == (i < model_count));
    if (i < model_count) MUST(rank == i);
}

START_TEST(a_set_does_what_the_model_does)
{
    struct random random;
    random_seed(&random, unit_seed());
    for (int round = 0; round < 4; round++) {
        setup(round % 2 == 0 ? 0 : 40);
        for (int step = 0; step < 8000; step++) {
            random_step(&random, round < 2 ? 50 : 600);
            if (step % 16 == 0) assert_same();
            if (step % 16 == 8 && model_count > 0) {
                assert_lends((kv_end)random_below(&random, 2),
                             (size_t)random_below(&random, model_count + 2),
                             (size_t)random_below(&random, model_count + 2),
                             1 + (size_t)random_below(&random, 50));
            }
        }
        teardown();
    }
}
END_TEST

int main(void)
{
    return UNIT_RUN("sorted set", a_set_grows_large_beyond_either_limit_and_stays_so,
                    scores_come_back_as_they_were, adding_to_a_score_may_not_give_nan,
                    every_range_is_selected, ranks_count_from_either_end,
                    every_range_can_be_removed, putting_several_is_like_putting_each,
                    putting_several_that_fails_changes_nothing,
                    a_put_or_copy_that_fails_changes_nothing,
                    samples_have_each_member_once_and_scans_all, a_set_does_what_the_model_does);
}
