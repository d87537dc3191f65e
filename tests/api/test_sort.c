/*
 * tests/api/test_sort.c -- kv_sort() and kv_sortstore(): what each option does, and all of them
 * against a naive model.
 */
#include "notes.h"
#include "one_store.h"
#include "visited.h"

#include <string.h>

static void setup(void)
{
    store_setup();
    visited[0] = 0;
}

static bool note(void *context, size_t index, const kv_slice *item)
{
    size_t *left = context;
    (void)index;
    visited_add_item(visited_gap(), item != NULL ? *item : K("-"));
    return left == NULL || --*left > 0;
}

/* Sorts the key and asserts the answers. */
#define ck_assert_sorted(key, options, expected)                                 \
    do {                                                                         \
        visited[0] = 0;                                                          \
        ck_assert_int_eq(kv_sort(db, K(key), options, NULL, note, NULL), KV_OK); \
        ck_assert_str_eq(visited, expected);                                     \
    } while (0)

START_TEST(elements_are_sorted_as_numbers_or_as_texts)
{
    kv_sort_options options = KV_OPTIONS(kv_sort_options);
    fixture_push_all(db, "l", "10 9 -3.5 1e1 0x10 2");
    ck_assert_sorted("l", NULL, "-3.5 2 9 10 1e1 0x10");
    options.descending = true;
    ck_assert_sorted("l", &options, "0x10 1e1 10 9 2 -3.5");
    options.alphabetic = true;
    ck_assert_sorted("l", &options, "9 2 1e1 10 0x10 -3.5");
    fixture_add_all(db, "s", "3 1 2");
    ck_assert_sorted("s", NULL, "1 2 3");
    ck_assert_sorted("none", NULL, "");
    kv_scored members[2] = {{K("7"), 1}, {K("5"), 2}};
    ck_assert_int_eq(kv_zadd(db, K("z"), members, 2, 0, NULL, NULL), KV_OK);
    ck_assert_sorted("z", NULL, "5 7");
    fixture_push(db, "l", "word");
    ck_assert_int_eq(kv_sort(db, K("l"), NULL, NULL, note, NULL), KV_NOTFLOAT);
    fixture_set(db, "t", "text");
    ck_assert_int_eq(kv_sort(db, K("t"), NULL, NULL, note, NULL), KV_WRONGTYPE);
}
END_TEST

START_TEST(patterns_name_weights_and_answers)
{
    kv_sort_options options = KV_OPTIONS(kv_sort_options);
    kv_slice by = K("w_*"), get[3] = {K("#"), K("h_*->name"), K("nothing")};
    fixture_push_all(db, "l", "1 2 3 4");
    fixture_set(db, "w_1", "30");
    fixture_set(db, "w_2", "20");
    fixture_set(db, "w_4", "-1");
    kv_slice pair[2] = {K("name"), K("two")};
    ck_assert_int_eq(kv_hset(db, K("h_2"), pair, 1, NULL), KV_OK);
    fixture_set(db, "h_3", "no hash");
    options.by = &by;
    ck_assert_sorted("l", &options, "4 3 2 1"); /* what has no weight counts as 0 */
    options.alphabetic = true;
    ck_assert_sorted("l", &options, "3 4 2 1"); /* or comes first */
    options.get = get;
    options.get_count = 3;
    ck_assert_sorted("l", &options, "3 - - 4 - - 2 two - 1 - -");
    kv_slice by_field = K("h_*->name");
    options.by = &by_field;
    options.get_count = 1;
    ck_assert_sorted("l", &options, "1 3 4 2"); /* a list's own order among equal ones */
    options.alphabetic = false;
    ck_assert_int_eq(kv_sort(db, K("l"), &options, NULL, note, NULL), KV_NOTFLOAT);
    options.get = NULL;
    ck_assert_int_eq(kv_sort(db, K("l"), &options, NULL, note, NULL), KV_BADARG);
}
END_TEST

START_TEST(a_part_can_be_asked_for)
{
    kv_sort_options options = KV_OPTIONS(kv_sort_options);
    fixture_push_all(db, "l", "5 4 3 2 1");
    options.limited = true;
    options.offset = 1;
    options.count = 2;
    ck_assert_sorted("l", &options, "2 3");
    options.count = -1;
    ck_assert_sorted("l", &options, "2 3 4 5");
    options.offset = -7;
    options.count = 1;
    ck_assert_sorted("l", &options, "1");
    options.offset = 5;
    ck_assert_sorted("l", &options, "");
    options.offset = 1;
    options.count = 2;
    kv_slice constant = K("nosort");
    options.by = &constant;
    ck_assert_sorted("l", &options, "4 3");
    options.descending = true;
    ck_assert_sorted("l", &options, "2 3");
    kv_scored members[3] = {{K("a"), 1}, {K("b"), 2}, {K("c"), 3}};
    ck_assert_int_eq(kv_zadd(db, K("z"), members, 3, 0, NULL, NULL), KV_OK);
    ck_assert_sorted("z", &options, "b a");
    options.limited = false;
    ck_assert_int_eq(kv_sort(db, K("z"), &options, visited_add_count, note, NULL), KV_OK);
    size_t limit = 2;
    visited[0] = 0;
    ck_assert_int_eq(kv_sort(db, K("z"), &options, NULL, note, &limit), KV_OK);
    ck_assert_str_eq(visited, "c b");
}
END_TEST

START_TEST(what_is_stored_is_a_list)
{
    kv_sort_options options = KV_OPTIONS(kv_sort_options);
    kv_slice constant = K("nosort"), get[2] = {K("#"), K("g*")};
    uint64_t stored = 7;
    fixture_add_all(db, "s", "10 9 1");
    fixture_set_for(db, "d", "a string that would expire", 1000);
    fixture_set(db, "g9", "nine");
    ck_assert_int_eq(kv_sortstore(db, K("d"), K("s"), NULL, &stored), KV_OK);
    ck_assert_uint_eq(stored, 3);
    ck_assert_key(db, "d", "[1 9 10]");
    int64_t ttl;
    ck_assert_int_eq(kv_ttl(db, K("d"), &ttl), KV_OK);
    ck_assert_int_eq(ttl, KV_NEVER);
    options.by = &constant;
    ck_assert_int_eq(kv_sortstore(db, K("d"), K("s"), &options, NULL), KV_OK);
    ck_assert_key(db, "d", "[1 10 9]"); /* a set is stored in the order of bytes at least */
    options.by = NULL;
    options.get = get;
    options.get_count = 2;
    ck_assert_int_eq(kv_sortstore(db, K("s"), K("s"), &options, &stored), KV_OK);
    ck_assert_uint_eq(stored, 6);
    ck_assert_key(db, "s", "[1  9 nine 10 ]");
    ck_assert_int_eq(kv_sortstore(db, K("d"), K("none"), &options, &stored), KV_OK);
    ck_assert_uint_eq(stored, 0);
    ck_assert_key(db, "d", "-");
    kv_check(db);
}
END_TEST

START_TEST(the_journal_and_the_events_say_what_was_done)
{
    kv_sort_options options = KV_OPTIONS(kv_sort_options);
    kv_slice by = K("w*"), get[2] = {K("#"), K("g*")};
    struct notes notes;
    fixture_push_all(db, "l", "3 1 2");
    notes_begin(&notes, db);
    ck_assert_int_eq(kv_sortstore(db, K("d"), K("l"), NULL, NULL), KV_OK);
    options.by = &by;
    options.get = get;
    options.get_count = 2;
    options.descending = options.alphabetic = options.limited = true;
    options.offset = 1;
    options.count = -1;
    ck_assert_int_eq(kv_sortstore(db, K("d"), K("l"), &options, NULL), KV_OK);
    ck_assert_int_eq(kv_sortstore(db, K("d"), K("none"), NULL, NULL), KV_OK);
    ck_assert_int_eq(kv_sortstore(db, K("d"), K("none"), NULL, NULL), KV_OK);
    (void)kv_sort(db, K("l"), &options, NULL, note, NULL);
    notes_expect(&notes, "0 SORT l STORE d;\n"
                         "0 SORT l BY w* LIMIT 1 -1 GET # GET g* DESC ALPHA STORE d;\n"
                         "0 DEL d;\n");
    notes_end(&notes);
}
END_TEST

START_TEST(a_transaction_must_have_declared_what_patterns_name)
{
    kv_sort_options options = KV_OPTIONS(kv_sort_options);
    kv_slice by = K("w*"), key = K("l");
    fixture_push_all(db, "l", "5 4 3 2 1 6 7 8 9 10 11 12");
    options.by = &by;
    for (int all = 0; all < 2; all++) {
        kv_txn_options txn_options = KV_OPTIONS(kv_txn_options);
        kv *txn;
        txn_options.flags = all == 1 ? KV_TXN_ALL : 0;
        txn_options.keys = &key;
        txn_options.key_count = 1;
        ck_assert_int_eq(kv_begin(db, &txn_options, &txn), KV_OK);
        ck_assert_int_eq(kv_sort(txn, key, &options, NULL, note, NULL),
                         all == 1 ? KV_OK : KV_NOTLOCKED);
        ck_assert_int_eq(kv_sort(txn, key, NULL, NULL, note, NULL), KV_OK);
        ck_assert_int_eq(kv_commit(txn), KV_OK);
    }
}
END_TEST

/* ----------------------------------------------------------------------------------------- the model */

enum { MODEL = 200 };

struct model_item {
    int element, weight; /* weights[] has none for it: weight is -1 */
    int index;
};

static struct model_item model[MODEL];
static bool model_descending;

static int model_compare(const void *a, const void *b)
{
    const struct model_item *x = a, *y = b;
    int result = (x->weight > y->weight) - (x->weight < y->weight);
    if (result == 0) {
        char left[16], right[16];
        sprintf(left, "%d", x->element);
        sprintf(right, "%d", y->element);
        result = strcmp(left, right);
    }
    if (model_descending) result = -result;
    return result != 0 ? result : (x->index > y->index) - (x->index < y->index);
}

static bool model_check(void *context, size_t index, const kv_slice *item)
{
    const struct model_item *expected = context;
    char text[16];
    int size = sprintf(text, "%d", expected[index].element);
    MUST(item->size == (size_t)size && memcmp(item->data, text, item->size) == 0);
    return true;
}

START_TEST(orders_match_a_model)
{
    uint64_t seed = unit_seed();
    int rounds = fixture_rounds(200, 5000);
    for (int i = 0; i < 50; i += 2) { /* elements 0 to 49, of which every other has a weight */
        char key[16], value[16];
        sprintf(key, "w%d", i);
        sprintf(value, "%d", (int)fixture_below(&seed, 10) + 1);
        fixture_set(db, key, value);
    }
    for (int round = 0; round < rounds; round++) {
        kv_sort_options options = KV_OPTIONS(kv_sort_options);
        kv_slice by = K("w*"), key = K("l");
        int count = (int)fixture_below(&seed, MODEL);
        bool has_by = fixture_below(&seed, 2) == 0;
        (void)kv_del(db, &key, 1, NULL);
        for (int i = 0; i < count; i++) {
            char text[16], weight[16] = "0";
            int element = (int)fixture_below(&seed, 50);
            sprintf(text, "%d", element);
            fixture_push(db, "l", text);
            if (has_by && element % 2 == 0) {
                kv_buffer buffer = {0};
                char name[16];
                sprintf(name, "w%d", element);
                MUST(kv_get(db, K(name), &buffer) == KV_OK);
                memcpy(weight, buffer.data, buffer.size);
                weight[buffer.size] = 0;
                kv_buffer_free(&buffer);
            }
            model[i] = (struct model_item){element, has_by ? atoi(weight) : element, i};
        }
        model_descending = options.descending = fixture_below(&seed, 2) == 0;
        if (has_by) options.by = &by;
        qsort(model, (size_t)count, sizeof *model, model_compare);
        options.limited = fixture_below(&seed, 2) == 0;
        options.offset = options.limited ? (int64_t)fixture_below(&seed, 20) : 0;
        options.count = (int64_t)fixture_below(&seed, 100) - 1;
        MUST(kv_sort(db, key, &options, NULL, model_check, model + options.offset) == KV_OK);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sort");
    TCase *tcase = tcase_create("sort");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, store_teardown);
    const TTest *const tests[] = {
        elements_are_sorted_as_numbers_or_as_texts,
        patterns_name_weights_and_answers,
        a_part_can_be_asked_for,
        what_is_stored_is_a_list,
        the_journal_and_the_events_say_what_was_done,
        a_transaction_must_have_declared_what_patterns_name,
        orders_match_a_model,
    };
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
