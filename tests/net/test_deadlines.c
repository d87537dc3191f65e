/*
 * tests/net/test_deadlines.c -- the heap of deadlines against a plain search for the earliest.
 */
#include "net/deadlines.h"

#include "fixture.h"

enum { ITEMS = 300, STEPS = 20000 };

static struct deadline items[ITEMS];

static bool is_heap(const struct deadlines *heap)
{
    for (size_t i = 1; i <= heap->count; i++) {
        if (heap->items[i]->place != i) return false;
        if (i > 1 && heap->items[i / 2]->at_ms > heap->items[i]->at_ms) return false;
    }
    return true;
}

static const struct deadline *find_earliest(void)
{
    const struct deadline *earliest = NULL;
    for (int i = 0; i < ITEMS; i++)
        if (items[i].place != 0 && (earliest == NULL || items[i].at_ms < earliest->at_ms))
            earliest = &items[i];
    return earliest;
}

START_TEST(the_first_is_the_earliest_whatever_is_set_moved_and_removed)
{
    unsigned seed = (unsigned)time(NULL);
    printf("# seed %u\n", seed);
    srand(seed);
    struct deadlines heap = {0};
    for (int step = 0; step < STEPS; step++) {
        struct deadline *item = &items[rand() % ITEMS];
        if (rand() % 3 == 0) deadlines_remove(&heap, item);
        else ck_assert(deadlines_set(&heap, item, rand() % 1000));
        ck_assert(is_heap(&heap));

        const struct deadline *expected = find_earliest();
        const struct deadline *first = deadlines_first(&heap);
        ck_assert((first == NULL) == (expected == NULL));
        if (first != NULL) ck_assert_int_eq(first->at_ms, expected->at_ms);
    }
    deadlines_free(&heap);
}
END_TEST

START_TEST(removing_what_is_not_there_does_nothing)
{
    struct deadlines heap = {0};
    struct deadline one = {0}, other = {0};
    deadlines_remove(&heap, &one);
    ck_assert(deadlines_set(&heap, &one, 5));
    deadlines_remove(&heap, &other);
    ck_assert_ptr_eq(deadlines_first(&heap), &one);
    deadlines_remove(&heap, &one);
    deadlines_remove(&heap, &one);
    ck_assert_ptr_null(deadlines_first(&heap));
    deadlines_free(&heap);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("deadlines");
    tcase_add_test(tests, the_first_is_the_earliest_whatever_is_set_moved_and_removed);
    tcase_add_test(tests, removing_what_is_not_there_does_nothing);
    return fixture_main("deadlines", tests);
}
