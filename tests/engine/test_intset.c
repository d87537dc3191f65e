/* tests/engine/test_intset.c -- structures/intset against a naive model. */
#include "structures/intset.h"
#include "structures/pack.h"

#include "fixture_memory.h"

#include <string.h>

static bool add(struct intset **intset, int64_t integer)
{
    size_t index;
    if (*intset != NULL && intset_find(*intset, integer, &index)) return false;
    ck_assert_int_eq(intset_reserve(&memory, intset, 1, integer), KV_OK);
    (void)intset_find(*intset, integer, &index);
    intset_insert(*intset, index, integer);
    return true;
}

/* Numbers near the limits of each width, a few of them the same. */
static int64_t random_integer(int widths)
{
    static const int64_t anchors[] = {0,         INT16_MAX, INT16_MIN, INT32_MAX,
                                      INT32_MIN, INT64_MAX, INT64_MIN};
    int64_t anchor = anchors[rand() % widths];
    return (int64_t)((uint64_t)anchor + (uint64_t)(rand() % 40) - 20);
}

START_TEST(random_changes_match_a_model)
{
    srand((unsigned)unit_seed());
    fixture_memory_begin();
    for (int round = 0; round < 30; round++) {
        struct intset *intset = NULL;
        int64_t model[400];
        size_t count = 0;
        for (int step = 0; step < 600; step++) {
            int64_t integer = random_integer(step < 200 ? 2 : step < 400 ? 5 : 7);
            size_t at = 0;
            while (at < count && model[at] < integer) at++;
            bool is_there = at < count && model[at] == integer;
            if (rand() % 3 > 0) {
                ck_assert(add(&intset, integer) == !is_there);
                if (is_there) continue;
                memmove(model + at + 1, model + at, (count++ - at) * sizeof *model);
                model[at] = integer;
            } else if (intset != NULL) {
                size_t index;
                ck_assert(intset_find(intset, integer, &index) == is_there);
                ck_assert_uint_eq(index, at);
                if (!is_there) continue;
                intset_delete(intset, index);
                memmove(model + at, model + at + 1, (--count - at) * sizeof *model);
            }
            if (intset == NULL) continue;
            intset_check(intset);
            ck_assert_uint_eq(intset_count(intset), count);
            if (count > 0) ck_assert_int_eq(intset_at(intset, count - 1), model[count - 1]);
        }
        for (size_t i = 0; i < count; i++) ck_assert_int_eq(intset_at(intset, i), model[i]);
        intset_destroy(&memory, intset);
    }
    fixture_memory_end();
}
END_TEST

/* As redis-server writes them (DUMP of a set of 1, 2, 70000). */
START_TEST(the_bytes_are_those_of_redis)
{
    fixture_memory_begin();
    struct intset *intset = NULL;
    add(&intset, 2);
    add(&intset, 1);
    static const uint8_t narrow[] = {2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 2, 0};
    ck_assert_uint_eq(intset_bytes(intset).size, sizeof narrow);
    ck_assert_mem_eq(intset_bytes(intset).data, narrow, sizeof narrow);
    add(&intset, 70000);
    static const uint8_t wide[] = {4, 0, 0, 0, 3, 0, 0,    0,    1, 0,
                                   0, 0, 2, 0, 0, 0, 0x70, 0x11, 1, 0};
    ck_assert_uint_eq(intset_bytes(intset).size, sizeof wide);
    ck_assert_mem_eq(intset_bytes(intset).data, wide, sizeof wide);
    intset_delete(intset, 2);
    ck_assert_uint_eq(intset_width(intset), 4); /* as wide as it ever was */

    struct intset *copy;
    ck_assert_int_eq(intset_load(&memory, intset_bytes(intset), &copy), KV_OK);
    intset_check(copy);
    ck_assert_int_eq(intset_at(copy, 1), 2);
    intset_destroy(&memory, copy);
    intset_destroy(&memory, intset);
    fixture_memory_end();
}
END_TEST

START_TEST(damaged_bytes_are_refused)
{
    uint8_t good[] = {2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 2, 0};
    ck_assert(intset_validate((kv_slice){good, sizeof good}, true));
    ck_assert(intset_validate((kv_slice){good, 8}, false) == false);
    for (size_t size = 0; size < sizeof good; size++)
        ck_assert(!intset_validate((kv_slice){good, size}, true));
    good[0] = 3;
    ck_assert(!intset_validate((kv_slice){good, sizeof good}, true));
    good[0] = 2;
    good[10] = 1; /* twice the same */
    ck_assert(!intset_validate((kv_slice){good, sizeof good}, true));
    ck_assert(intset_validate((kv_slice){good, sizeof good}, false));
    memset(good + 4, 0xff, 4);
    ck_assert(!intset_validate((kv_slice){good, sizeof good}, true));
}
END_TEST

START_TEST(an_intset_is_told_from_a_pack)
{
    fixture_memory_begin();
    struct intset *intset = NULL;
    add(&intset, 7);
    struct pack *pack;
    ck_assert_int_eq(pack_create(&memory, 100, KV_HEAD, &pack), KV_OK);
    ck_assert(intset_is(intset));
    ck_assert(!intset_is(pack));
    pack_destroy(&memory, pack);
    intset_destroy(&memory, intset);
    fixture_memory_end();
}
END_TEST

START_TEST(a_reservation_that_fails_changes_nothing)
{
    fixture_memory_begin();
    struct intset *intset = NULL;
    ck_assert_int_eq(intset_reserve(&memory, &intset, INTSET_COUNT_MAX + 1, 1), KV_TOOBIG);
    for (int i = 0; i < 3000; i++) {
        FIXTURE_FAIL_EACH_ALLOCATION(&host)
        {
            kv_status status = intset_reserve(&memory, &intset, 1, i);
            ck_assert_int_eq(status, fixture_alloc_was_enough(&host) ? KV_OK : KV_NOMEM);
            if (intset != NULL) intset_check(intset);
        }
        add(&intset, i);
    }
    ck_assert_uint_eq(intset_count(intset), 3000);
    intset_destroy(&memory, intset);
    fixture_memory_end();
}
END_TEST

int main(void)
{
    return UNIT_RUN("intset", random_changes_match_a_model, the_bytes_are_those_of_redis,
                    damaged_bytes_are_refused, an_intset_is_told_from_a_pack,
                    a_reservation_that_fails_changes_nothing);
}
