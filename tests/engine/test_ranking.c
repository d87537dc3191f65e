/*
 * tests/engine/test_ranking.c -- structures/ranking.h: members in the order of their scores.
 */
#include "structures/ranking.h"

#include "base/random.h"
#include "base/slice.h"

#include "fixture_memory.h"

#include <math.h>
#include <stdlib.h>

static struct members members; /* the owner's table */
static const struct siphash_key hash_key = {1, 2};
static struct ranking ranking;

/* The naive model: an array in order. */
#define MODEL_MOST 20000
struct scored {
    double score;
    struct member *member;
};
static struct scored model[MODEL_MOST];
static size_t model_count;

static void setup(void)
{
    fixture_memory_begin();
    members_init(&members, &memory, &hash_key);
    ranking_init(&ranking);
    model_count = 0;
}

static void teardown(void)
{
    ranking_remove_range(&ranking, &memory, 0, ranking_count(&ranking));
    for (size_t i = 0; i < model_count; i++) members_remove_member(&members, model[i].member);
    fixture_memory_end();
}

/* --------------------------------------------------------------------------------------- helpers */

/* The score is kept as the member's value, as its owner would. */
static double score_of(const struct member *member)
{
    double score;
    memcpy(&score, member_value(member).data, sizeof score);
    return score;
}

static void set_score(struct member *member, double score)
{
    memcpy((void *)(uintptr_t)member_value(member).data, &score, sizeof score);
}

static int compare_names(const struct member *a, kv_slice name)
{
    char scratch[MEMBER_TEXT_SIZE];
    return slice_compare(member_text(a, scratch), name);
}

static bool model_is_before(const struct scored *a, const struct scored *b)
{
    if (a->score != b->score) return a->score < b->score;
    char scratch[MEMBER_TEXT_SIZE];
    return compare_names(a->member, member_text(b->member, scratch)) < 0;
}

static size_t model_rank(const struct scored *one)
{
    size_t rank = 0;
    while (rank < model_count && model_is_before(&model[rank], one)) rank++;
    return rank;
}

static void model_put(struct member *member, double score)
{
    struct scored one = {score, member};
    size_t rank = model_rank(&one);
    MUST(model_count < MODEL_MOST);
    memmove(model + rank + 1, model + rank, (model_count - rank) * sizeof *model);
    model[rank] = one;
    model_count++;
}

static void model_take(size_t rank, size_t count)
{
    model_count -= count;
    memmove(model + rank, model + rank + count, (model_count - rank) * sizeof *model);
}

/* Asserts that the ranking has the model's members, by walking both ways. */
static void assert_same(void)
{
    ranking_check(&ranking, score_of);
    MUST(ranking_count(&ranking) == model_count);
    if (model_count == 0) return;
    struct ranking_place place;
    ranking_at(&ranking, 0, &place);
    for (size_t i = 0; i < model_count; i++) {
        MUST(ranking_member(&place) == model[i].member);
        MUST(ranking_next(&ranking, &place) == (i + 1 < model_count));
    }
    ranking_at(&ranking, model_count - 1, &place);
    for (size_t i = model_count; i-- > 0;) {
        MUST(ranking_member(&place) == model[i].member);
        MUST(ranking_prev(&ranking, &place) == (i > 0));
    }
}

/* How many of the model's members are before a key. */
static size_t model_before(double score, enum ranking_side side, kv_slice name)
{
    size_t rank = 0;
    for (; rank < model_count; rank++) {
        const struct scored *one = &model[rank];
        if (one->score > score) break;
        if (one->score < score || side == RANKING_AFTER_ALL) continue;
        if (side == RANKING_BEFORE_ALL) break;
        int order = compare_names(one->member, name);
        if (order > 0 || (order == 0 && side == RANKING_AT)) break;
    }
    return rank;
}

static void assert_found(double score, kv_slice name)
{
    for (int side = RANKING_BEFORE_ALL; side <= RANKING_AFTER_ALL; side++) {
        struct ranking_key key = ranking_key(score, (enum ranking_side)side, name);
        MUST(ranking_before(&ranking, &key) == model_before(score, (enum ranking_side)side, name));
    }
}

static struct member *member_numbered(double score, uint64_t number)
{
    char text[400];
    const char *format = number % 3 == 0 ? "%" PRIu64 : "m:%" PRIu64; /* integers are special */
    int size = snprintf(text, sizeof text, format, number);
    if (number % 50 == 0) {
        memset(text + size, 'x', sizeof text - (size_t)size); /* beyond a size of one byte */
        size = sizeof text;
    }
    struct member *old;
    struct member_name name;
    members_name(&hash_key, KV_BYTES(text, (size_t)size), &name);
    MUST(members_put(&members, &name, KV_BYTES(&score, sizeof score), &old) == KV_OK);
    MUST(old == NULL);
    return members_find(&members, &name);
}

static void add(double score, uint64_t number)
{
    struct member *member = member_numbered(score, number);
    MUST(ranking_insert(&ranking, &memory, member, score) == KV_OK);
    model_put(member, score);
}

/* Adds behind all that are there. */
static void add_last(double score, uint64_t number)
{
    struct member *member = member_numbered(score, number);
    MUST(ranking_insert(&ranking, &memory, member, score) == KV_OK);
    model[model_count++] = (struct scored){score, member};
}

/* The memory of the ranking alone. */
static size_t ranking_used(void)
{
    size_t used = memory.used;
    ranking_remove_range(&ranking, &memory, 0, ranking_count(&ranking));
    used -= memory.used;
    for (size_t i = 0; i < model_count; i++)
        MUST(ranking_insert(&ranking, &memory, model[i].member, model[i].score) == KV_OK);
    return used;
}

/* ----------------------------------------------------------------------------------------- tests */

START_TEST(marks_are_in_the_order_of_the_scores)
{
    static const double scores[] = {-INFINITY, -1e308, -2, -1.5, -1, -1e-308, -5e-324, 0,
                                    5e-324,    1e-308, 1,  1.5,  2,  1e308,   INFINITY};
    for (size_t i = 0; i + 1 < sizeof scores / sizeof *scores; i++) {
        ck_assert_uint_lt(ranking_mark(scores[i]), ranking_mark(scores[i + 1]));
    }
    ck_assert_uint_eq(ranking_mark(0.0), ranking_mark(-0.0));
}
END_TEST

START_TEST(an_empty_ranking_holds_nothing)
{
    setup();
    struct ranking_key key = ranking_key(0, RANKING_BEFORE_ALL, KV_TEXT(""));
    ck_assert_uint_eq(ranking_before(&ranking, &key), 0);
    ck_assert_uint_eq(ranking_count(&ranking), 0);
    assert_same();
    add(1, 1);
    assert_same();
    teardown();
}
END_TEST

START_TEST(members_that_come_in_order_fill_leaves)
{
    for (int backwards = 0; backwards < 2; backwards++) {
        setup();
        for (int i = 0; i < 10000; i++) add(backwards ? -i : i, (uint64_t)i);
        assert_same();
        for (size_t i = 0; i < model_count; i += 97) {
            ck_assert_uint_eq(ranking_rank(&ranking, model[i].member, model[i].score), i);
        }
        ck_assert_uint_le(ranking_used(), 10000 * 17 + 2000);
        teardown();
    }
}
END_TEST

START_TEST(members_that_come_in_any_order_take_little_more)
{
    setup();
    struct random random;
    random_seed(&random, unit_seed());
    for (uint64_t i = 0; i < 10000; i++) add((double)random_below(&random, 1 << 30), i);
    assert_same();
    ck_assert_uint_le(ranking_used(), 10000 * 20 + 2000);
    teardown();
}
END_TEST

START_TEST(equal_scores_are_ordered_by_text)
{
    setup();
    struct random random;
    random_seed(&random, unit_seed());
    for (uint64_t i = 0; i < 3000; i++) {
        uint64_t number = (i * 7919) % 3000;
        add(number % 2 == 0 ? 0.0 : -0.0, number);
    }
    assert_same();
    for (int i = 0; i < 500; i++) {
        char text[24];
        int size = snprintf(text, sizeof text, i % 2 == 0 ? "m:%" PRIu64 : "%" PRIu64,
                            random_below(&random, 4000));
        assert_found(0, KV_BYTES(text, (size_t)size));
    }
    assert_found(0, KV_TEXT(""));
    assert_found(-1, KV_TEXT("5"));
    assert_found(1, KV_TEXT("5"));
    for (size_t i = 0; i < model_count; i += 11) {
        ck_assert_uint_eq(ranking_rank(&ranking, model[i].member, model[i].score), i);
    }
    teardown();
}
END_TEST

START_TEST(every_range_can_be_removed)
{
    struct random random;
    random_seed(&random, unit_seed());
    for (int round = 0; round < 40; round++) {
        setup();
        size_t n = 1 + (size_t)random_below(&random, round % 4 == 0 ? 9000 : 400);
        for (uint64_t i = 0; i < n; i++) add((double)random_below(&random, n), i);
        while (model_count > 0) {
            size_t rank = (size_t)random_below(&random, model_count);
            size_t count = 1 + (size_t)random_below(&random, model_count - rank);
            if (random_below(&random, 2) == 0 && count > 70) count = 1 + count % 70;
            for (size_t i = 0; i < count; i++)
                members_remove_member(&members, model[rank + i].member);
            ranking_remove_range(&ranking, &memory, rank, count);
            model_take(rank, count);
            assert_same();
        }
        ck_assert_uint_eq(memory.used, 0);
        teardown();
    }
}
END_TEST

START_TEST(an_insertion_that_fails_changes_nothing)
{
    for (size_t n = 0; n <= 63 * 65; n += n < 130 ? 1 : 63) {
        setup();
        for (uint64_t i = 0; i < n; i++) add_last((double)i, i);
        double score = (double)(n / 2) - 0.5;
        struct member *member = member_numbered(score, n);
        FIXTURE_FAIL_EACH_ALLOCATION(&host)
        {
            kv_status status = ranking_insert(&ranking, &memory, member, score);
            bool enough = fixture_alloc_was_enough(&host);
            ck_assert_int_eq(status, enough ? KV_OK : KV_NOMEM);
            if (enough) model_put(member, score);
            assert_same();
        }
        teardown();
    }
}
END_TEST

START_TEST(a_move_that_fails_changes_nothing)
{
    for (size_t n = 2; n <= 63 * 64; n += n < 200 ? 1 : 63) {
        setup();
        for (uint64_t i = 0; i < n; i++) add_last((double)i, i);
        size_t from = n * 3 / 4;
        struct scored one = model[from];
        double score = (double)(n / 3) - 0.5;
        FIXTURE_FAIL_EACH_ALLOCATION(&host)
        {
            kv_status status = ranking_move(&ranking, &memory, one.member, one.score, score);
            bool enough = fixture_alloc_was_enough(&host);
            if (status != KV_OK) {
                ck_assert_int_eq(status, KV_NOMEM);
                ck_assert(!enough);
                assert_same();
                continue;
            }
            model_take(from, 1);
            model_put(one.member, score);
            set_score(one.member, score);
            assert_same();
            break;
        }
        fixture_alloc_allow(&host, FIXTURE_UNLIMITED);
        teardown();
    }
}
END_TEST

START_TEST(a_member_may_be_in_two_places_for_a_time)
{
    setup();
    for (uint64_t i = 0; i < 300; i++) add((double)(i % 10), i);
    for (size_t i = 0; i < model_count; i += 7) {
        struct scored one = model[i];
        for (int other = 0; other < 10; other++) { /* its own score among them */
            MUST(ranking_insert(&ranking, &memory, one.member, other) == KV_OK);
        }
        for (int other = 0; other < 10; other++) {
            ranking_remove(&ranking, &memory, one.member, other);
        }
        assert_same();
    }
    teardown();
}
END_TEST

static double random_score(struct random *random, uint64_t range)
{
    return ((double)random_below(random, range) - (double)(range / 2)) / 4;
}

static void random_step(struct random *random, uint64_t range, bool grow, uint64_t *number)
{
    if (model_count == 0 || random_below(random, 8) < (grow ? 5u : 2u)) {
        add(random_score(random, range), (*number)++);
        return;
    }
    size_t rank = (size_t)random_below(random, model_count);
    struct scored one = model[rank];
    MUST(ranking_rank(&ranking, one.member, one.score) == rank);
    model_take(rank, 1);
    if (random_below(random, 3) == 0) {
        ranking_remove(&ranking, &memory, one.member, one.score);
        members_remove_member(&members, one.member);
        return;
    }
    double score = one.score + random_score(random, random_below(random, 2) == 0 ? 8 : range);
    MUST(ranking_move(&ranking, &memory, one.member, one.score, score) == KV_OK);
    set_score(one.member, score);
    model_put(one.member, score);
}

START_TEST(a_ranking_does_what_the_model_does)
{
    static const uint64_t ranges[] = {4, 100, 100000};
    struct random random;
    random_seed(&random, unit_seed());
    for (int round = 0; round < 3; round++) {
        setup();
        uint64_t number = 0;
        for (; number < 3000; number++) add(random_score(&random, ranges[round]), number);
        for (int step = 0; step < 20000; step++) {
            random_step(&random, ranges[round], step / 4000 % 2 == 1, &number);
            if (step % 64 == 0) assert_same();
            if (step % 16 == 0) {
                char text[24];
                int size = snprintf(text, sizeof text, "%" PRIu64, random_below(&random, 9999));
                assert_found(random_score(&random, ranges[round]), KV_BYTES(text, (size_t)size));
            }
        }
        teardown();
    }
}
END_TEST

int main(void)
{
    return UNIT_RUN("ranking", marks_are_in_the_order_of_the_scores, an_empty_ranking_holds_nothing,
                    members_that_come_in_order_fill_leaves,
                    members_that_come_in_any_order_take_little_more,
                    equal_scores_are_ordered_by_text, every_range_can_be_removed,
                    an_insertion_that_fails_changes_nothing, a_move_that_fails_changes_nothing,
                    a_member_may_be_in_two_places_for_a_time, a_ranking_does_what_the_model_does);
}
