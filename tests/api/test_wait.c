/*
 * tests/api/test_wait.c -- waiting for elements of lists: kv_wait() by callback, kv_blpop() and its
 * kin by thread.
 */
#include "one_store.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

static void setup(void)
{
    store_setup_with(8);
}

/* ------------------------------------------------------------------------------------ callbacks */

/*
 * What came to a waiter: "status index key: elements", and how often and as which in the run it was
 * called.
 */
struct outcome {
    int calls;
    int order;
    kv_status status;
    char text[200];
};

static int called; /* how many callbacks there have been */

static void on_done(void *context, kv_waiter *waiter, const kv_wait_result *result)
{
    (void)waiter;
    struct outcome *outcome = context;
    outcome->calls++;
    outcome->order = called++;
    outcome->status = result->status;
    int size = snprintf(outcome->text, sizeof outcome->text, "%zu %.*s:", result->key_index,
                        (int)result->key.size, (const char *)result->key.data);
    for (size_t i = 0; i < result->element_count; i++) {
        size += snprintf(outcome->text + size, sizeof outcome->text - (size_t)size, " %.*s",
                         (int)result->elements[i].size, (const char *)result->elements[i].data);
    }
}

/* Begins to wait for up to `count` elements at the head of one of the keys, given as words. */
static kv_status wait_for(kv *view, const char *words, uint64_t count, struct outcome *outcome,
                          kv_waiter **waiter)
{
    struct fixture_words keys;
    kv_wait_options options = KV_OPTIONS(kv_wait_options);
    options.keys = fixture_split(&keys, words)->items;
    options.key_count = keys.count;
    options.count = count;
    options.done = on_done;
    options.context = outcome;
    *outcome = (struct outcome){0};
    return kv_wait(view, &options, waiter);
}

/* Begins to move the head of one list to the tail of another. */
static kv_status wait_to_move(const char *from, const char *to, struct outcome *outcome,
                              kv_waiter **waiter)
{
    kv_slice source = KV_TEXT(from), destination = KV_TEXT(to);
    kv_wait_options options = KV_OPTIONS(kv_wait_options);
    options.keys = &source;
    options.key_count = 1;
    options.destination = &destination;
    options.to_end = KV_TAIL;
    options.done = on_done;
    options.context = outcome;
    *outcome = (struct outcome){0};
    return kv_wait(db, &options, waiter);
}

static uint64_t waiters(void)
{
    kv_statistics statistics = KV_OPTIONS(kv_statistics);
    ck_assert_int_eq(kv_stats(db, &statistics), KV_OK);
    return statistics.waiters;
}

START_TEST(what_is_there_is_taken_at_once)
{
    struct outcome outcome;
    kv_waiter *waiter = (kv_waiter *)&outcome;
    fixture_push_all(db, "b", "1 2 3");
    ck_assert_int_eq(wait_for(db, "a b", 2, &outcome, &waiter), KV_OK);
    ck_assert_ptr_null(waiter);
    ck_assert_int_eq(outcome.calls, 1);
    ck_assert_str_eq(outcome.text, "1 b: 1 2");
    ck_assert_key(db, "b", "[3]");
    ck_assert_uint_eq(waiters(), 0);
}
END_TEST

START_TEST(a_push_serves_before_it_returns)
{
    struct outcome outcome;
    kv_waiter *waiter;
    ck_assert_int_eq(wait_for(db, "a b", 1, &outcome, &waiter), KV_PENDING);
    ck_assert_uint_eq(waiters(), 1);
    fixture_push(db, "b", "x");
    ck_assert_int_eq(outcome.calls, 1);
    ck_assert_str_eq(outcome.text, "1 b: x");
    ck_assert_key(db, "b", "-");
    ck_assert_int_eq(kv_wait_cancel(waiter), KV_NONE);
    ck_assert_uint_eq(waiters(), 0);
    fixture_push(db, "b", "y");
    ck_assert_key(db, "b", "[y]");
}
END_TEST

START_TEST(first_come_first_served)
{
    struct outcome outcomes[4];
    kv_waiter *waiters_of[4];
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(wait_for(db, "q", 1, &outcomes[i], &waiters_of[i]), KV_PENDING);
    called = 0;
    kv_slice values[3] = {KV_TEXT("1"), KV_TEXT("2"), KV_TEXT("3")};
    ck_assert_int_eq(kv_rpush(db, KV_TEXT("q"), values, 3, NULL), KV_OK);
    ck_assert_int_eq(called, 3);
    for (int i = 0; i < 3; i++) ck_assert_int_eq(outcomes[i].order, i);
    ck_assert_str_eq(outcomes[0].text, "0 q: 1");
    ck_assert_str_eq(outcomes[2].text, "0 q: 3");
    ck_assert_int_eq(outcomes[3].calls, 0);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(kv_wait_cancel(waiters_of[i]), i < 3 ? KV_NONE : KV_OK);
}
END_TEST

START_TEST(a_waiter_for_several_keys_is_served_once)
{
    struct outcome both, second;
    kv_waiter *waiter, *other;
    ck_assert_int_eq(wait_for(db, "a b c", 1, &both, &waiter), KV_PENDING);
    ck_assert_int_eq(wait_for(db, "b", 1, &second, &other), KV_PENDING);
    fixture_push(db, "c", "1");
    ck_assert_str_eq(both.text, "2 c: 1");
    fixture_push(db, "b", "2");
    fixture_push(db, "a", "3");
    ck_assert_int_eq(both.calls, 1);
    ck_assert_str_eq(second.text, "0 b: 2");
    ck_assert_key(db, "a", "[3]");
    ck_assert_int_eq(kv_wait_cancel(waiter), KV_NONE);
    ck_assert_int_eq(kv_wait_cancel(other), KV_NONE);
}
END_TEST

START_TEST(a_key_given_twice_is_waited_for_once)
{
    struct outcome outcome;
    kv_waiter *waiter;
    ck_assert_int_eq(wait_for(db, "a a", 1, &outcome, &waiter), KV_PENDING);
    fixture_push_all(db, "a", "1 2");
    ck_assert_int_eq(outcome.calls, 1);
    ck_assert_str_eq(outcome.text, "0 a: 1");
    ck_assert_key(db, "a", "[2]");
    ck_assert_int_eq(kv_wait_cancel(waiter), KV_NONE);
}
END_TEST

static kv_statistics statistics(void)
{
    kv_statistics result = KV_OPTIONS(kv_statistics);
    ck_assert_int_eq(kv_stats(db, &result), KV_OK);
    return result;
}

START_TEST(keys_that_are_waited_for_are_counted_once)
{
    struct outcome outcomes[3];
    kv_waiter *waiters[3];
    ck_assert_int_eq(wait_for(db, "a b a", 1, &outcomes[0], &waiters[0]), KV_PENDING);
    ck_assert_int_eq(wait_for(db, "b c", 1, &outcomes[1], &waiters[1]), KV_PENDING);
    ck_assert_int_eq(wait_for(kv_select(db, 1), "a", 1, &outcomes[2], &waiters[2]), KV_PENDING);
    ck_assert_uint_eq(statistics().waiters, 3);
    ck_assert_uint_eq(statistics().waited_keys, 4);
    fixture_push(db, "a", "1");
    ck_assert_int_eq(kv_wait_cancel(waiters[0]), KV_NONE);
    ck_assert_uint_eq(statistics().waited_keys, 3);
    ck_assert_int_eq(kv_wait_cancel(waiters[1]), KV_OK);
    ck_assert_int_eq(kv_wait_cancel(waiters[2]), KV_OK);
    ck_assert_uint_eq(statistics().waited_keys, 0);
}
END_TEST

START_TEST(a_wait_that_is_cancelled_takes_nothing)
{
    struct outcome outcome, next;
    kv_waiter *waiter, *other;
    ck_assert_int_eq(wait_for(db, "a", 1, &outcome, &waiter), KV_PENDING);
    ck_assert_int_eq(wait_for(db, "a", 1, &next, &other), KV_PENDING);
    ck_assert_int_eq(kv_wait_cancel(waiter), KV_OK);
    fixture_push(db, "a", "1");
    ck_assert_int_eq(outcome.calls, 0);
    ck_assert_str_eq(next.text, "0 a: 1");
    ck_assert_int_eq(kv_wait_cancel(other), KV_NONE);
    ck_assert_int_eq(kv_wait_cancel(NULL), KV_BADARG);
}
END_TEST

START_TEST(moves_are_chained)
{
    /*
     * b to c and a to b: an element pushed to a ends in c, by two waiters, before the push returns.
     */
    struct outcome first, second, last;
    kv_waiter *waiters_of[3];
    ck_assert_int_eq(wait_to_move("a", "b", &first, &waiters_of[0]), KV_PENDING);
    ck_assert_int_eq(wait_to_move("b", "c", &second, &waiters_of[1]), KV_PENDING);
    ck_assert_int_eq(wait_for(db, "c", 1, &last, &waiters_of[2]), KV_PENDING);
    fixture_push(db, "a", "x");
    ck_assert_str_eq(first.text, "0 a: x");
    ck_assert_str_eq(second.text, "0 b: x");
    ck_assert_str_eq(last.text, "0 c: x");
    ck_assert_key(db, "a", "-");
    ck_assert_key(db, "b", "-");
    ck_assert_key(db, "c", "-");
    for (int i = 0; i < 3; i++) ck_assert_int_eq(kv_wait_cancel(waiters_of[i]), KV_NONE);
}
END_TEST

START_TEST(moves_in_a_circle_end)
{
    struct outcome there, back, itself;
    kv_waiter *waiters_of[3];
    ck_assert_int_eq(wait_to_move("a", "b", &there, &waiters_of[0]), KV_PENDING);
    ck_assert_int_eq(wait_to_move("b", "a", &back, &waiters_of[1]), KV_PENDING);
    ck_assert_int_eq(wait_to_move("a", "a", &itself, &waiters_of[2]), KV_PENDING);
    fixture_push(db, "a", "x");
    ck_assert_int_eq(there.calls + back.calls + itself.calls, 3);
    ck_assert_key(db, "a", "[x]");
    ck_assert_key(db, "b", "-");
    for (int i = 0; i < 3; i++) ck_assert_int_eq(kv_wait_cancel(waiters_of[i]), KV_NONE);
}
END_TEST

START_TEST(a_move_to_what_is_no_list_fails_and_the_next_is_served)
{
    struct outcome outcome, next;
    kv_waiter *waiter, *other;
    fixture_set(db, "text", "t");
    ck_assert_int_eq(wait_to_move("a", "text", &outcome, &waiter), KV_PENDING);
    ck_assert_int_eq(wait_for(db, "a", 1, &next, &other), KV_PENDING);
    fixture_push(db, "a", "x");
    ck_assert_int_eq(outcome.status, KV_WRONGTYPE);
    ck_assert_str_eq(outcome.text, "0 a:");
    ck_assert_str_eq(next.text, "0 a: x");
    ck_assert_key(db, "text", "'t'");
    ck_assert_int_eq(kv_wait_cancel(waiter), KV_NONE);
    ck_assert_int_eq(kv_wait_cancel(other), KV_NONE);
}
END_TEST

START_TEST(another_type_is_refused_at_once_and_slept_through_later)
{
    struct outcome outcome;
    kv_waiter *waiter;
    fixture_set(db, "text", "t");
    ck_assert_int_eq(wait_for(db, "a text", 1, &outcome, &waiter), KV_WRONGTYPE);
    ck_assert_int_eq(outcome.calls, 0);
    ck_assert_int_eq(wait_for(db, "a", 1, &outcome, &waiter), KV_PENDING);
    fixture_set(db, "a", "a string");
    ck_assert_int_eq(outcome.calls, 0);
    uint64_t removed;
    kv_slice key = KV_TEXT("a");
    ck_assert_int_eq(kv_del(db, &key, 1, &removed), KV_OK);
    fixture_push(db, "a", "x");
    ck_assert_str_eq(outcome.text, "0 a: x");
    ck_assert_int_eq(kv_wait_cancel(waiter), KV_NONE);
}
END_TEST

START_TEST(whatever_brings_a_list_serves)
{
    struct outcome outcome;
    kv_waiter *waiter;
    kv_slice x = KV_TEXT("x");
    kv *other = kv_select(db, 1);
    for (int way = 0; way < 7; way++) {
        ck_assert_int_eq(wait_for(db, "a", 1, &outcome, &waiter), KV_PENDING);
        switch (way) {
        case 0: ck_assert_int_eq(kv_lpush(db, KV_TEXT("a"), &x, 1, NULL), KV_OK); break;
        case 1:
            fixture_push(db, "b", "x");
            ck_assert_int_eq(kv_rename(db, KV_TEXT("b"), KV_TEXT("a")), KV_OK);
            break;
        case 2:
            fixture_push(db, "b", "x");
            ck_assert_int_eq(kv_copy(db, KV_TEXT("b"), NULL, KV_TEXT("a"), false), KV_OK);
            ck_assert_int_eq(kv_lpop(db, KV_TEXT("b"), NULL), KV_OK);
            break;
        case 3:
            fixture_push(other, "a", "x");
            ck_assert_int_eq(kv_move(other, KV_TEXT("a"), db), KV_OK);
            break;
        case 4:
            fixture_push(other, "a", "x");
            ck_assert_int_eq(kv_swapdb(db, other), KV_OK);
            break;
        case 5:
            fixture_push(db, "b", "x");
            ck_assert_int_eq(kv_lmove(db, KV_TEXT("b"), KV_TEXT("a"), KV_HEAD, KV_TAIL, NULL),
                             KV_OK);
            break;
        case 6:
            fixture_push(other, "c", "x");
            ck_assert_int_eq(kv_copy(other, KV_TEXT("c"), db, KV_TEXT("a"), true), KV_OK);
            ck_assert_int_eq(kv_flush(other, false), KV_OK);
            break;
        }
        ck_assert_msg(outcome.calls == 1, "way %d", way);
        ck_assert_str_eq(outcome.text, "0 a: x");
        ck_assert_int_eq(kv_wait_cancel(waiter), KV_NONE);
        ck_assert_uint_eq(fixture_digest(db), 0);
    }
}
END_TEST

START_TEST(databases_are_apart)
{
    struct outcome outcome;
    kv_waiter *waiter;
    ck_assert_int_eq(wait_for(kv_select(db, 3), "a", 1, &outcome, &waiter), KV_PENDING);
    fixture_push(db, "a", "zero");
    ck_assert_int_eq(outcome.calls, 0);
    fixture_push(kv_select(db, 3), "a", "three");
    ck_assert_str_eq(outcome.text, "0 a: three");
    ck_assert_int_eq(kv_wait_cancel(waiter), KV_NONE);
}
END_TEST

START_TEST(a_transaction_serves_at_its_end_from_what_it_left)
{
    struct outcome outcome;
    kv_waiter *waiter;
    kv_slice key = KV_TEXT("a"), values[2] = {KV_TEXT("1"), KV_TEXT("2")};
    kv_txn_options options = KV_OPTIONS(kv_txn_options);
    options.keys = &key;
    options.key_count = 1;
    kv *txn;

    ck_assert_int_eq(wait_for(db, "a", 1, &outcome, &waiter), KV_PENDING);
    ck_assert_int_eq(kv_begin(db, &options, &txn), KV_OK);
    ck_assert_int_eq(kv_rpush(txn, key, values, 2, NULL), KV_OK);
    ck_assert_int_eq(outcome.calls, 0);
    ck_assert_int_eq(kv_lpop(txn, key, NULL), KV_OK);
    ck_assert_int_eq(kv_commit(txn), KV_OK);
    ck_assert_str_eq(outcome.text, "0 a: 2");
    ck_assert_int_eq(kv_wait_cancel(waiter), KV_NONE);

    ck_assert_int_eq(wait_for(db, "a", 1, &outcome, &waiter), KV_PENDING);
    options.flags = KV_TXN_ABORTABLE;
    ck_assert_int_eq(kv_begin(db, &options, &txn), KV_OK);
    ck_assert_int_eq(kv_rpush(txn, key, values, 2, NULL), KV_OK);
    ck_assert_int_eq(kv_abort(txn), KV_OK);
    ck_assert_int_eq(outcome.calls, 0);
    ck_assert_key(db, "a", "-");
    ck_assert_int_eq(kv_wait_cancel(waiter), KV_OK);
}
END_TEST

START_TEST(of_several_keys_the_one_that_was_written_first_serves)
{
    static const struct {
        const char *first, *second, *served;
    } cases[] = {{"x", "y", "1 x: of x"}, {"y", "x", "0 y: of y"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct outcome outcome;
        kv_waiter *waiter;
        kv_slice keys[2] = {KV_TEXT("x"), KV_TEXT("y")};
        kv_txn_options options = KV_OPTIONS(kv_txn_options);
        options.keys = keys;
        options.key_count = 2;
        kv *txn;
        ck_assert_int_eq(wait_for(db, "y x", 1, &outcome, &waiter), KV_PENDING);
        ck_assert_int_eq(kv_begin(db, &options, &txn), KV_OK);
        fixture_push(txn, cases[i].first, cases[i].first[0] == 'x' ? "of x" : "of y");
        fixture_push(txn, cases[i].second, cases[i].second[0] == 'x' ? "of x" : "of y");
        ck_assert_int_eq(kv_commit(txn), KV_OK);
        ck_assert_str_eq(outcome.text, cases[i].served);
        ck_assert_int_eq(kv_wait_cancel(waiter), KV_NONE);
        ck_assert_int_eq(kv_del(db, keys, 2, NULL), KV_OK);
    }
}
END_TEST

/* ----------------------------------------------------------------------------- order of service */

/*
 * What is done in one transaction: "push KEY ELEMENT...", "set KEY", "del KEY", "rename KEY KEY".
 */
static void order_do(kv *txn, const char *words)
{
    char copy[100], *rest = copy;
    strcpy(copy, words);
    const char *verb = strtok_r(rest, " ", &rest), *key = strtok_r(rest, " ", &rest), *word;
    kv_slice of_key = KV_TEXT(key);
    if (strcmp(verb, "set") == 0) fixture_set(txn, key, "text");
    else if (strcmp(verb, "del") == 0) ck_assert_int_eq(kv_del(txn, &of_key, 1, NULL), KV_OK);
    while ((word = strtok_r(rest, " ", &rest)) != NULL) {
        if (strcmp(verb, "push") == 0) fixture_push(txn, key, word);
        else ck_assert_int_eq(kv_rename(txn, of_key, KV_TEXT(word)), KV_OK);
    }
}

enum { ORDER_WAITERS = 4, ORDER_KEYS = 5 };

/*
 * Redis's order, as observed with 7.0: a key is ready from when it became a list, keys are served
 * in that order, the waiters of a key as they came, and what service makes ready comes after all
 * that was ready before.
 */
static const struct order_case {
    const char *waits[ORDER_WAITERS]; /* keys, or "from > to", in the order they come */
    const char *changes[ORDER_WAITERS];
    const char *served[ORDER_WAITERS]; /* "" for one that waits on */
    const char *left[ORDER_KEYS];      /* what a, b, c, d and t hold then; NULL for nothing */
} order_cases[] = {
    {.waits = {"a b", "b a", "a"},
     .changes = {"push b b1", "push a a1 a2"},
     .served = {"1 b: b1", "1 a: a1", "0 a: a2"}},
    {.waits = {"a", "b", "a", "b"},
     .changes = {"push b b1 b2", "push a a1 a2"},
     .served = {"0 a: a1", "0 b: b1", "0 a: a2", "0 b: b2"}},
    {.waits = {"a", "a b", "b"},
     .changes = {"push a a1", "push b b1"},
     .served = {"0 a: a1", "1 b: b1", ""}},
    /* It was ready first, though what serves came last. */
    {.waits = {"a b", "b a"},
     .changes = {"push b x", "del b", "push a a1", "push b b1"},
     .served = {"1 b: b1", "1 a: a1"}},
    {.waits = {"a b"},
     .changes = {"push t x", "rename t b", "push a y"},
     .served = {"1 b: x"},
     .left = {"[y]"}},
    /* A move to a key that is ready, but not served yet. */
    {.waits = {"a > b", "b", "b"},
     .changes = {"push a x", "push b y"},
     .served = {"0 a: x", "0 b: y", "0 b: x"}},
    /* What a move makes ready comes after what was ready already. */
    {.waits = {"a > b", "b c"},
     .changes = {"push a x", "push c y"},
     .served = {"0 a: x", "1 c: y"},
     .left = {[1] = "[x]"}},
    {.waits = {"a > b", "a > c", "c b"},
     .changes = {"push a x y"},
     .served = {"0 a: x", "0 a: y", "1 b: x"},
     .left = {[2] = "[y]"}},
    {.waits = {"a > b", "b > c", "c d"},
     .changes = {"push a x", "push d y"},
     .served = {"0 a: x", "0 b: x", "1 d: y"},
     .left = {[2] = "[x]"}},
    {.waits = {"b", "a > b", "b c"},
     .changes = {"push b y", "push a x", "push c z"},
     .served = {"0 b: y", "0 a: x", "1 c: z"},
     .left = {[1] = "[x]"}},
    {.waits = {"a > b", "b > a", "a c"},
     .changes = {"push a x", "push c y"},
     .served = {"0 a: x", "0 b: x", "1 c: y"},
     .left = {[0] = "[x]"}},
    /* A key that holds another type is not ready. */
    {.waits = {"a b"},
     .changes = {"set a", "push b y", "del a", "push a x"},
     .served = {"1 b: y"},
     .left = {"[x]"}},
};

START_TEST(a_transaction_serves_in_the_order_in_which_keys_became_ready)
{
    const struct order_case *one = &order_cases[_i];
    const char *const names[ORDER_KEYS] = {"a", "b", "c", "d", "t"};
    struct outcome outcomes[ORDER_WAITERS];
    kv_waiter *waiters_of[ORDER_WAITERS];
    for (int i = 0; i < ORDER_WAITERS && one->waits[i] != NULL; i++) {
        const char *keys = one->waits[i], *to = strstr(keys, " > ");
        char from[8] = {keys[0]};
        kv_status status = to != NULL ? wait_to_move(from, to + 3, &outcomes[i], &waiters_of[i])
                                      : wait_for(db, keys, 1, &outcomes[i], &waiters_of[i]);
        ck_assert_int_eq(status, KV_PENDING);
    }
    kv_txn_options options = KV_OPTIONS(kv_txn_options);
    options.flags = KV_TXN_ALL;
    kv *txn;
    ck_assert_int_eq(kv_begin(db, &options, &txn), KV_OK);
    for (int i = 0; i < ORDER_WAITERS && one->changes[i] != NULL; i++)
        order_do(txn, one->changes[i]);
    ck_assert_int_eq(kv_commit(txn), KV_OK);
    for (int i = 0; i < ORDER_WAITERS && one->waits[i] != NULL; i++) {
        ck_assert_str_eq(outcomes[i].text, one->served[i]);
        ck_assert_int_eq(kv_wait_cancel(waiters_of[i]), outcomes[i].calls > 0 ? KV_NONE : KV_OK);
    }
    for (int i = 0; i < ORDER_KEYS; i++)
        ck_assert_key(db, names[i], one->left[i] != NULL ? one->left[i] : "-");
}
END_TEST

START_TEST(in_a_transaction_nobody_waits_and_no_queue_is_in_the_way)
{
    struct outcome outcome, mine;
    kv_waiter *waiter, *none = NULL;
    kv_slice key = KV_TEXT("a");
    kv_buffer value = {0};
    size_t index = 7;
    kv *txn;
    kv_txn_options options = KV_OPTIONS(kv_txn_options);
    options.flags = KV_TXN_ALL;
    ck_assert_int_eq(wait_for(db, "a", 1, &outcome, &waiter), KV_PENDING);
    ck_assert_int_eq(kv_begin(db, &options, &txn), KV_OK);
    ck_assert_int_eq(kv_blpop(txn, &key, 1, 0, &index, &value), KV_TIMEOUT);
    ck_assert_uint_eq(index, 7);
    ck_assert_int_eq(wait_for(txn, "a", 1, &mine, &none), KV_TIMEOUT);
    ck_assert_int_eq(kv_blmove(txn, key, KV_TEXT("b"), KV_HEAD, KV_TAIL, 0, &value), KV_TIMEOUT);
    fixture_push(txn, "a", "x");
    ck_assert_int_eq(kv_blpop(txn, &key, 1, 0, &index, &value), KV_OK);
    ck_assert_uint_eq(value.size, 1);
    ck_assert_uint_eq(index, 0);
    ck_assert_int_eq(kv_commit(txn), KV_OK);
    ck_assert_int_eq(outcome.calls, 0);
    ck_assert_int_eq(kv_wait_cancel(waiter), KV_OK);
    kv_buffer_free(&value);
}
END_TEST

START_TEST(a_list_that_expires_serves_nobody)
{
    struct outcome outcome;
    kv_waiter *waiter;
    ck_assert_int_eq(wait_for(db, "a", 1, &outcome, &waiter), KV_PENDING);
    fixture_push(db, "b", "x");
    ck_assert_int_eq(kv_expire(db, KV_TEXT("b"), 10, 0), KV_OK);
    fixture_pass(&fx, 10);
    ck_assert_int_eq(kv_rename(db, KV_TEXT("b"), KV_TEXT("a")), KV_NOTFOUND);
    ck_assert_int_eq(outcome.calls, 0);
    ck_assert_int_eq(kv_wait_cancel(waiter), KV_OK);
}
END_TEST

START_TEST(many_elements_and_large_ones_arrive_whole)
{
    struct outcome outcome;
    kv_waiter *waiter;
    kv_slice values[100];
    for (int i = 0; i < 100; i++) values[i] = KV_TEXT("");
    ck_assert_int_eq(wait_for(db, "a", 1000, &outcome, &waiter), KV_PENDING);
    ck_assert_int_eq(kv_rpush(db, KV_TEXT("a"), values, 100, NULL), KV_OK);
    ck_assert_int_eq(outcome.calls, 1);
    ck_assert_uint_eq(strlen(outcome.text), 4 + 100);
    ck_assert_int_eq(kv_wait_cancel(waiter), KV_NONE);
    ck_assert_key(db, "a", "-");
}
END_TEST

START_TEST(what_makes_no_sense_is_refused)
{
    kv_slice key = KV_TEXT("a");
    kv_waiter *waiter = NULL;
    kv_wait_options options = KV_OPTIONS(kv_wait_options);
    ck_assert_int_eq(kv_wait(db, NULL, &waiter), KV_BADARG);
    ck_assert_int_eq(kv_wait(db, &options, &waiter), KV_BADARG);
    options.keys = &key;
    options.key_count = 1;
    ck_assert_int_eq(kv_wait(db, &options, &waiter), KV_BADARG); /* nobody to tell */
    options.done = on_done;
    ck_assert_int_eq(kv_wait(db, &options, NULL), KV_BADARG);
    options.destination = &key;
    options.count = 2;
    ck_assert_int_eq(kv_wait(db, &options, &waiter), KV_BADARG); /* a move takes one */
    ck_assert_int_eq(kv_blpop(db, &key, 1, -1, NULL, NULL), KV_BADARG);
    ck_assert_int_eq(kv_blpop(db, &key, 0, 1, NULL, NULL), KV_BADARG);
    ck_assert_int_eq(kv_blmpop(db, &key, 1, KV_HEAD, 0, 1, NULL, NULL, NULL), KV_BADARG);
    ck_assert_int_eq(kv_configure(db, KV_SETTING_ACCEPT_WRITES, 0), KV_OK);
    ck_assert_int_eq(kv_blpop(db, &key, 1, 1, NULL, NULL), KV_READONLY);
}
END_TEST

/* -------------------------------------------------------------------------------------- threads */

START_TEST(a_timeout_ends_a_thread_s_wait)
{
    kv_slice keys[2] = {KV_TEXT("a"), KV_TEXT("b")};
    kv_buffer value = {0};
    size_t index = 9;
    ck_assert_int_eq(kv_blpop(db, keys, 2, 1, &index, &value), KV_TIMEOUT);
    ck_assert_int_eq(kv_brpop(db, keys, 2, 1, &index, &value), KV_TIMEOUT);
    ck_assert_int_eq(kv_blmove(db, keys[0], keys[1], KV_HEAD, KV_TAIL, 1, &value), KV_TIMEOUT);
    ck_assert_int_eq(kv_blmpop(db, keys, 2, KV_HEAD, 1, 1, &index, NULL, NULL), KV_TIMEOUT);
    ck_assert_uint_eq(index, 9);
    ck_assert_ptr_null(value.data);
    ck_assert_uint_eq(waiters(), 0);
}
END_TEST

struct blocked {
    pthread_t thread;
    int call;
    kv_status status;
    size_t index;
    kv_buffer value;
    char elements[64];
};

static bool add_element(void *context, kv_slice element)
{
    strncat(context, element.data, element.size);
    return true;
}

static void *blocked_main(void *context)
{
    struct blocked *blocked = context;
    kv_slice keys[2] = {KV_TEXT("a"), KV_TEXT("b")};
    switch (blocked->call) {
    case 0: blocked->status = kv_blpop(db, keys, 2, 0, &blocked->index, &blocked->value); break;
    case 1: blocked->status = kv_brpop(db, keys, 2, 60000, &blocked->index, &blocked->value); break;
    case 2:
        blocked->status =
            kv_blmove(db, keys[1], KV_TEXT("c"), KV_HEAD, KV_TAIL, 0, &blocked->value);
        break;
    case 3:
        blocked->status =
            kv_blmpop(db, keys, 2, KV_TAIL, 9, 0, &blocked->index, add_element, blocked->elements);
        break;
    }
    return NULL;
}

static void until_waiting(uint64_t count)
{
    while (waiters() != count) sched_yield();
}

struct visits {
    pthread_t thread; /* that made them all */
    char elements[64];
};

static bool add_element_and_have_enough(void *context, kv_slice element)
{
    struct visits *visits = context;
    if (visits->elements[0] != 0) MUST(pthread_equal(visits->thread, pthread_self()));
    visits->thread = pthread_self();
    return add_element(visits->elements, element) && false;
}

static void *blocked_visiting(void *context)
{
    kv_slice key = KV_TEXT("a");
    MUST(kv_blmpop(db, &key, 1, KV_HEAD, 9, 0, NULL, add_element_and_have_enough, context) ==
         KV_OK);
    return NULL;
}

START_TEST(the_waiting_thread_is_shown_all_that_was_taken)
{
    struct visits visits = {.elements = ""};
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, blocked_visiting, &visits), 0);
    until_waiting(1);
    kv_slice values[3] = {KV_TEXT("1"), KV_TEXT("2"), KV_TEXT("3")};
    ck_assert_int_eq(kv_rpush(db, KV_TEXT("a"), values, 3, NULL), KV_OK);
    ck_assert_key(db, "a", "-");
    pthread_join(thread, NULL);
    ck_assert_str_eq(visits.elements, "123");
    ck_assert(pthread_equal(visits.thread, thread));
}
END_TEST

START_TEST(elements_lie_in_the_stores_memory_or_in_the_callers_buffer)
{
    static const char bytes[30000];
    kv_slice large = kv_bytes(bytes, sizeof bytes), key = KV_TEXT("a");
    struct outcome outcome;
    kv_waiter *waiter;
    kv_wait_options options = KV_OPTIONS(kv_wait_options);
    options.keys = &key;
    options.key_count = 1;
    options.done = on_done;
    options.context = &outcome;
    outcome.calls = 0;
    ck_assert_int_eq(kv_rpush(db, key, &large, 1, NULL), KV_OK);
    atomic_store(&fx.alloc.largest, 0);
    ck_assert_int_eq(kv_wait(db, &options, &waiter), KV_OK);
    ck_assert_int_eq(outcome.calls, 1);
    ck_assert_uint_ge(atomic_load(&fx.alloc.largest), sizeof bytes);

    kv_buffer value = {0};
    ck_assert_int_eq(kv_rpush(db, key, &large, 1, NULL), KV_OK);
    atomic_store(&fx.alloc.largest, 0);
    ck_assert_int_eq(kv_blpop(db, &key, 1, 0, NULL, &value), KV_OK);
    ck_assert_uint_lt(atomic_load(&fx.alloc.largest), sizeof bytes);
    ck_assert_uint_eq(value.size, sizeof bytes);
    kv_buffer_free(&value);
}
END_TEST

START_TEST(a_push_wakes_a_thread)
{
    for (int call = 0; call < 4; call++) {
        struct blocked blocked = {.call = call, .status = KV_PENDING, .index = 5};
        ck_assert_int_eq(pthread_create(&blocked.thread, NULL, blocked_main, &blocked), 0);
        until_waiting(1);
        kv_slice values[3] = {KV_TEXT("1"), KV_TEXT("2"), KV_TEXT("3")};
        ck_assert_int_eq(kv_rpush(db, KV_TEXT("b"), values, 3, NULL), KV_OK);
        pthread_join(blocked.thread, NULL);
        ck_assert_int_eq(blocked.status, KV_OK);
        if (call < 3) {
            ck_assert_uint_eq(blocked.value.size, 1);
            ck_assert_int_eq(*(char *)blocked.value.data, call == 1 ? '3' : '1');
        } else {
            ck_assert_str_eq(blocked.elements, "321");
        }
        if (call != 2) ck_assert_uint_eq(blocked.index, 1);
        ck_assert_key(db, "c", call == 2 ? "[1]" : "-");
        kv_buffer_free(&blocked.value);
        ck_assert_int_eq(kv_flush_all(db, false), KV_OK);
    }
}
END_TEST

START_TEST(threads_are_served_in_the_order_they_came)
{
    struct blocked blocked[5] = {0};
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(pthread_create(&blocked[i].thread, NULL, blocked_main, &blocked[i]), 0);
        until_waiting((uint64_t)i + 1);
    }
    fixture_push_all(db, "a", "1 2 3 4 5");
    for (int i = 0; i < 5; i++) {
        pthread_join(blocked[i].thread, NULL);
        ck_assert_int_eq(blocked[i].status, KV_OK);
        ck_assert_int_eq(*(char *)blocked[i].value.data, '1' + i);
        kv_buffer_free(&blocked[i].value);
    }
}
END_TEST

/* ---------------------------------------------------------------------------------------- races */

/* A callback that says where it is, and stays there until it is let go. */
struct gate {
    atomic_bool is_reached, is_open;
};

static void stay_at_gate(void *context, kv_waiter *waiter, const kv_wait_result *result)
{
    (void)waiter;
    struct gate *gate = context;
    MUST(result->status == KV_OK);
    atomic_store(&gate->is_reached, true);
    while (!atomic_load(&gate->is_open)) sched_yield();
}

static kv_waiter *wait_at_gate(const char *key, struct gate *gate)
{
    kv_slice name = KV_TEXT(key);
    kv_wait_options options = KV_OPTIONS(kv_wait_options);
    options.keys = &name;
    options.key_count = 1;
    options.done = stay_at_gate;
    options.context = gate;
    kv_waiter *waiter;
    MUST(kv_wait(db, &options, &waiter) == KV_PENDING);
    return waiter;
}

static void *push_one(void *context)
{
    fixture_push(db, context, "x");
    return NULL;
}

static void *push_to_both(void *context)
{
    const char *const *names = context;
    kv_txn_options options = KV_OPTIONS(kv_txn_options);
    options.flags = KV_TXN_ALL;
    kv *txn;
    MUST(kv_begin(db, &options, &txn) == KV_OK);
    fixture_push(txn, names[0], "y");
    fixture_push(txn, names[1], "y");
    MUST(kv_commit(txn) == KV_OK);
    return NULL;
}

/*
 * The first thread serves key 1 while a transaction brings something to keys 1 and 2. The first
 * serves that too and nobody is left at key 1, before the transaction, held up at key 2, comes
 * there. In both orders of its pushes.
 */
START_TEST(a_key_may_be_served_and_left_before_who_made_it_ready_comes_to_it)
{
    static const char *const names[3] = {"1", "2", "1"};
    for (int order = 0; order < 2; order++) {
        struct gate first = {false, false}, second = {false, true}, third = {false, false};
        kv_waiter *waiters_of[3] = {wait_at_gate("1", &first), wait_at_gate("1", &second),
                                    wait_at_gate("2", &third)};
        pthread_t pusher, transaction;
        pthread_create(&pusher, NULL, push_one, (void *)names[0]);
        while (!atomic_load(&first.is_reached)) sched_yield();
        pthread_create(&transaction, NULL, push_to_both, (void *)&names[order]);
        while (!atomic_load(&third.is_reached)) sched_yield();
        atomic_store(&first.is_open, true);
        pthread_join(pusher, NULL);
        ck_assert(atomic_load(&second.is_reached));
        ck_assert_int_eq(kv_wait_cancel(waiters_of[0]), KV_NONE);
        ck_assert_int_eq(kv_wait_cancel(waiters_of[1]), KV_NONE);
        atomic_store(&third.is_open, true);
        pthread_join(transaction, NULL);
        ck_assert_int_eq(kv_wait_cancel(waiters_of[2]), KV_NONE);
        ck_assert_uint_eq(fixture_digest(db), 0);
    }
}
END_TEST

#define RACE_THREADS 6
#define RACE_KEYS    3

struct race {
    pthread_t thread;
    uint64_t seed;
    uint64_t pushed, taken;
    int rounds;
};

static atomic_int race_pushers;

static kv_slice race_key(uint64_t number)
{
    static const char *const names[RACE_KEYS + 1] = {"r0", "r1", "r2", "stop"};
    return KV_TEXT(names[number]);
}

static void *race_push(void *context)
{
    struct race *race = context;
    for (int i = 0; i < race->rounds; i++) {
        kv_slice values[3] = {KV_TEXT("1"), KV_TEXT("1"), KV_TEXT("1")};
        size_t count = 1 + fixture_below(&race->seed, 3);
        MUST(kv_rpush(db, race_key(fixture_below(&race->seed, RACE_KEYS)), values, count, NULL) ==
             KV_OK);
        race->pushed += count;
        if (i % 16 == 0) sched_yield();
    }
    atomic_fetch_sub(&race_pushers, 1);
    return NULL;
}

static void race_done(void *context, kv_waiter *waiter, const kv_wait_result *result)
{
    (void)waiter;
    MUST(result->status == KV_OK);
    atomic_fetch_add((atomic_ulong *)context, result->element_count);
}

/* Takes by a callback that is cancelled right away, by a thread, and by plain calls, in turn. */
static void *race_take(void *context)
{
    struct race *race = context;
    while (atomic_load(&race_pushers) > 0) {
        kv_slice keys[2] = {race_key(fixture_below(&race->seed, RACE_KEYS)),
                            race_key(fixture_below(&race->seed, RACE_KEYS))};
        size_t way = fixture_below(&race->seed, 4);
        if (way == 0) {
            atomic_ulong taken = 0;
            kv_wait_options options = KV_OPTIONS(kv_wait_options);
            options.keys = keys;
            options.key_count = 2;
            options.count = 1 + fixture_below(&race->seed, 3);
            options.done = race_done;
            options.context = &taken;
            kv_waiter *waiter;
            kv_status status = kv_wait(db, &options, &waiter);
            MUST(status == KV_OK || status == KV_PENDING);
            if (status == KV_PENDING) {
                if (fixture_below(&race->seed, 2) == 0) sched_yield();
                kv_status ended = kv_wait_cancel(waiter);
                MUST((ended == KV_OK) == (taken == 0));
            }
            race->taken += taken;
        } else if (way == 1) {
            kv_status status = kv_blpop(db, keys, 2, 1, NULL, NULL);
            MUST(status == KV_OK || status == KV_TIMEOUT);
            race->taken += status == KV_OK;
        } else if (way == 2) {
            kv_status status = kv_blmove(db, keys[0], keys[1], KV_HEAD, KV_TAIL, 1, NULL);
            MUST(status == KV_OK || status == KV_TIMEOUT);
        } else {
            race->taken += kv_lpop(db, keys[0], NULL) == KV_OK;
        }
    }
    return NULL;
}

START_TEST(no_element_is_lost_or_given_twice_when_pushes_waits_and_cancels_race)
{
    uint64_t seed = unit_seed(), pushed = 0, taken = 0;
    struct race races[RACE_THREADS] = {0};
    atomic_store(&race_pushers, RACE_THREADS / 2);
    for (int i = 0; i < RACE_THREADS; i++) {
        races[i].seed = seed + (uint64_t)i;
        races[i].rounds = fixture_rounds(4000, 200000);
        pthread_create(&races[i].thread, NULL, i < RACE_THREADS / 2 ? race_push : race_take,
                       &races[i]);
    }
    for (int i = 0; i < RACE_THREADS; i++) {
        pthread_join(races[i].thread, NULL);
        pushed += races[i].pushed;
        taken += races[i].taken;
    }
    uint64_t left = 0;
    for (uint64_t i = 0; i < RACE_KEYS; i++) {
        uint64_t length;
        if (kv_llen(db, race_key(i), &length) == KV_OK) left += length;
    }
    ck_assert_uint_eq(pushed, taken + left);
    ck_assert_uint_eq(waiters(), 0);
}
END_TEST

/* --------------------------------------------------------------------------------- any other type */

/* Takes the string of the key, if it is the one wanted. */
struct wish {
    const char *wanted;
    int tries;
    struct outcome outcome;
};

static kv_status take_string(void *context, kv *txn, size_t key_index, kv_slice key)
{
    struct wish *wish = context;
    kv_buffer value = {0};
    kv_status status = kv_get(txn, key, &value);
    wish->tries++;
    (void)key_index;
    if (status == KV_OK && strncmp(value.data, wish->wanted, value.size) != 0) status = KV_NONE;
    else if (status == KV_OK) status = kv_del(txn, &key, 1, NULL);
    kv_buffer_free(&value);
    return status;
}

static void on_string(void *context, kv_waiter *waiter, const kv_wait_result *result)
{
    on_done(&((struct wish *)context)->outcome, waiter, result);
}

static kv_wait_options string_options(const kv_slice *key, struct wish *wish)
{
    kv_wait_options options = KV_OPTIONS(kv_wait_options);
    options.keys = key;
    options.key_count = 1;
    options.type = KV_TYPE_STRING;
    options.attempt = take_string;
    options.done = on_string;
    options.context = wish;
    return options;
}

START_TEST(an_attempt_takes_what_its_type_brings_and_others_wait_on)
{
    kv_slice key = KV_TEXT("k");
    struct wish wishes[3] = {{.wanted = "x"}, {.wanted = "y"}, {.wanted = "y"}};
    struct outcome of_list;
    kv_waiter *waiters_of[4];
    ck_assert_int_eq(wait_for(db, "k", 1, &of_list, &waiters_of[3]), KV_PENDING);
    for (int i = 0; i < 3; i++) {
        kv_wait_options options = string_options(&key, &wishes[i]);
        ck_assert_int_eq(kv_wait(db, &options, &waiters_of[i]), KV_PENDING);
    }
    fixture_set(db, "k", "y"); /* for the second; the first looks and stays */
    ck_assert_int_eq(wishes[0].tries, 1);
    ck_assert_int_eq(wishes[0].outcome.calls, 0);
    ck_assert_int_eq(wishes[1].outcome.calls, 1);
    ck_assert_int_eq(wishes[1].outcome.status, KV_OK);
    ck_assert_int_eq(wishes[2].outcome.calls, 0);
    ck_assert_key(db, "k", "-");
    fixture_push_all(db, "k", "1"); /* for the list's waiter only, though it came first */
    ck_assert_int_eq(of_list.calls, 1);
    ck_assert_int_eq(wishes[0].tries, 1);
    fixture_set(db, "k", "z"); /* for nobody, who then come too late */
    ck_assert_int_eq(wishes[0].tries, 2);
    ck_assert_int_eq(wishes[2].outcome.calls, 0);
    for (int i = 0; i < 4; i++) {
        bool was_served = i == 1 || i == 3;
        ck_assert_int_eq(kv_wait_cancel(waiters_of[i]), was_served ? KV_NONE : KV_OK);
    }
    ck_assert_uint_eq(waiters(), 0);
}
END_TEST

static kv_status look_whether_it_is_gone(void *context, kv *txn, size_t key_index, kv_slice key)
{
    kv_type type = KV_TYPE_NONE;
    (void)context, (void)key_index;
    (void)kv_type_of(txn, key, &type);
    return type == KV_TYPE_STRING ? KV_NONE : KV_NOTFOUND;
}

START_TEST(who_minds_removal_is_told_of_it)
{
    kv_slice key = KV_TEXT("k");
    for (int i = 0; i < 3; i++) {
        struct wish wish = {.wanted = ""};
        kv_waiter *waiter;
        fixture_set(db, "k", "v");
        kv_wait_options options = string_options(&key, &wish);
        options.attempt = look_whether_it_is_gone;
        options.minds_removal = true;
        ck_assert_int_eq(kv_wait(db, &options, &waiter), KV_PENDING);
        fixture_set(db, "k", "w");
        ck_assert_int_eq(wish.outcome.calls, 0);
        if (i == 0) ck_assert_int_eq(kv_del(db, &key, 1, NULL), KV_OK);
        if (i == 1) ck_assert_int_eq(kv_rename(db, key, KV_TEXT("other")), KV_OK);
        if (i == 2) {
            fixture_push_all(db, "list", "1");
            ck_assert_int_eq(kv_copy(db, KV_TEXT("list"), db, key, true), KV_OK);
        }
        ck_assert_int_eq(wish.outcome.calls, 1);
        ck_assert_int_eq(wish.outcome.status, KV_NOTFOUND);
        ck_assert_int_eq(kv_wait_cancel(waiter), KV_NONE);
    }
}
END_TEST

START_TEST(an_attempt_can_wait_here)
{
    kv_slice key = KV_TEXT("k");
    struct wish wish = {.wanted = "x"};
    size_t index = 7;
    kv_wait_options options = string_options(&key, &wish);
    ck_assert_int_eq(kv_wait_here(db, &options, 1, &index), KV_TIMEOUT);
    fixture_set(db, "k", "x");
    ck_assert_int_eq(kv_wait_here(db, &options, 0, &index), KV_OK);
    ck_assert_uint_eq(index, 0);
    fixture_push_all(db, "k", "1");
    ck_assert_int_eq(kv_wait_here(db, &options, 0, &index), KV_WRONGTYPE);
    options.type = KV_TYPE_NONE;
    ck_assert_int_eq(kv_wait_here(db, &options, 0, &index), KV_BADARG);
    options = KV_OPTIONS(kv_wait_options);
    options.keys = &key;
    options.key_count = 1;
    ck_assert_int_eq(kv_wait_here(db, &options, 0, &index), KV_BADARG);
    ck_assert_int_eq(wish.outcome.calls, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wait");
    TCase *tcase = tcase_create("wait");
    tcase_add_checked_fixture(tcase, setup, store_teardown);
    tcase_set_timeout(tcase, 120);
    const TTest *const tests[] = {
        what_is_there_is_taken_at_once,
        a_push_serves_before_it_returns,
        first_come_first_served,
        a_waiter_for_several_keys_is_served_once,
        a_key_given_twice_is_waited_for_once,
        keys_that_are_waited_for_are_counted_once,
        a_wait_that_is_cancelled_takes_nothing,
        moves_are_chained,
        moves_in_a_circle_end,
        a_move_to_what_is_no_list_fails_and_the_next_is_served,
        another_type_is_refused_at_once_and_slept_through_later,
        whatever_brings_a_list_serves,
        databases_are_apart,
        a_transaction_serves_at_its_end_from_what_it_left,
        of_several_keys_the_one_that_was_written_first_serves,
        in_a_transaction_nobody_waits_and_no_queue_is_in_the_way,
        a_list_that_expires_serves_nobody,
        an_attempt_takes_what_its_type_brings_and_others_wait_on,
        who_minds_removal_is_told_of_it,
        an_attempt_can_wait_here,
        many_elements_and_large_ones_arrive_whole,
        what_makes_no_sense_is_refused,
        a_timeout_ends_a_thread_s_wait,
        a_push_wakes_a_thread,
        the_waiting_thread_is_shown_all_that_was_taken,
        elements_lie_in_the_stores_memory_or_in_the_callers_buffer,
        threads_are_served_in_the_order_they_came,
        a_key_may_be_served_and_left_before_who_made_it_ready_comes_to_it,
        no_element_is_lost_or_given_twice_when_pushes_waits_and_cancels_race,
    };
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) tcase_add_test(tcase, tests[i]);
    tcase_add_loop_test(tcase, a_transaction_serves_in_the_order_in_which_keys_became_ready, 0,
                        sizeof order_cases / sizeof order_cases[0]);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
