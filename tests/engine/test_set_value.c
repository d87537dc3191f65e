/* tests/engine/test_set_value.c -- values/set against a naive model. */
#include "values/set.h"

#include "fixture_memory.h"

#include <math.h>
#include <string.h>

static const struct siphash_key key = {3, 4};
static struct set_owner owner;

static void setup(void)
{
    fixture_memory_begin();
    owner = (struct set_owner){&memory, &key, {128, 64}, 512};
}

static void teardown(void)
{
    fixture_memory_end();
}

static uint64_t add(struct collection *set, const char *member)
{
    kv_slice text = kv_text(member);
    uint64_t added = 99;
    if (set_add(set, &owner, &text, 1, &added) != KV_OK) ck_abort_msg("no memory");
    return added;
}

static void check_encoding(const struct collection *set, const char *encoding)
{
    set_check(set);
    ck_assert_str_eq(set_kind.encoding(set), encoding);
}

/* ----------------------------------------------------------------------------------------- the model */

enum { MODEL_MEMBERS = 700 };

/* Of every fourth kind an integer; a few too long for a pack. */
static kv_slice model_member(unsigned number, bool integers_only, char text[100])
{
    int size = integers_only || number % 4 == 0
                   ? sprintf(text, "%d", (int)number * (number % 3 == 0 ? 1 : -100000))
                   : sprintf(text, "member %u", number);
    if (!integers_only && number == 333) {
        memset(text, 'x', 65);
        size = 65;
    }
    return (kv_slice){text, (size_t)size};
}

static void model_compare(const struct collection *set, const bool *present, bool integers_only)
{
    set_check(set);
    uint64_t count = 0;
    char text[100];
    for (unsigned i = 0; i < MODEL_MEMBERS; i++) {
        if (set_has(set, model_member(i, integers_only, text)) != present[i])
            ck_abort_msg("member %u", i);
        count += present[i];
    }
    ck_assert_uint_eq(set_length(set), count);
}

static void model_add(struct collection *set, bool *present, bool integers_only, unsigned count)
{
    char texts[50][100];
    kv_slice members[50];
    uint64_t added, expected = 0;
    for (unsigned i = 0; i < count; i++) {
        unsigned number = (unsigned)rand() % MODEL_MEMBERS;
        members[i] = model_member(number, integers_only, texts[i]);
        expected += !present[number];
        present[number] = true;
    }
    if (set_add(set, &owner, members, count, &added) != KV_OK || added != expected)
        ck_abort_msg("added");
}

static void model_remove(struct collection *set, bool *present, bool integers_only, unsigned count)
{
    char texts[50][100];
    kv_slice members[50];
    uint64_t expected = 0;
    for (unsigned i = 0; i < count; i++) {
        unsigned number = (unsigned)rand() % MODEL_MEMBERS;
        members[i] = model_member(number, integers_only, texts[i]);
        expected += present[number];
        present[number] = false;
    }
    if (set_remove(set, &memory, members, count) != expected) ck_abort_msg("removed");
}

START_TEST(random_changes_match_a_model)
{
    srand((unsigned)unit_seed());
    setup();
    for (int round = 0; round < 20; round++) {
        struct collection set = {0};
        bool present[MODEL_MEMBERS] = {false};
        bool integers_only = round % 2 == 0;
        unsigned most = round % 4 < 2 ? 1 : 50;
        for (int step = 0; step < 1500; step++) {
            unsigned count = (unsigned)rand() % most + 1;
            if (rand() % 100 < (step < 1000 ? 60 : 20))
                model_add(&set, present, integers_only, count);
            else model_remove(&set, present, integers_only, count);
            if (step % 100 == 0) model_compare(&set, present, integers_only);
        }
        model_compare(&set, present, integers_only);
        struct collection copy;
        ck_assert_int_eq(set_copy(&set, &memory, &copy), KV_OK);
        model_compare(&copy, present, integers_only);
        if (!collection_is_empty(&set))
            ck_assert_str_eq(set_kind.encoding(&copy), set_kind.encoding(&set));
        set_destroy(&set, &memory);
        set_destroy(&copy, &memory);
    }
    teardown();
}
END_TEST

/* ---------------------------------------------------------------------------------------- encodings */

START_TEST(encodings_change_where_those_of_redis_do)
{
    setup();
    struct collection set = {0};
    char text[100];
    for (int i = 0; i < 512; i++) {
        sprintf(text, "%d", i);
        add(&set, text);
    }
    check_encoding(&set, "intset");
    ck_assert_uint_eq(add(&set, "511"), 0);
    check_encoding(&set, "intset");
    ck_assert_uint_eq(add(&set, "512"), 1);
    check_encoding(&set, "hashtable");
    set_destroy(&set, &memory);

    for (int i = 0; i < 127; i++) {
        sprintf(text, "%d", i);
        add(&set, text);
    }
    add(&set, "word"); /* the 128th member */
    check_encoding(&set, "listpack");
    ck_assert(set_has(&set, KV_TEXT("126")));
    ck_assert_uint_eq(add(&set, "126"), 0);
    add(&set, "another");
    check_encoding(&set, "hashtable");
    set_destroy(&set, &memory);

    for (int i = 0; i < 129; i++) {
        sprintf(text, "%d", i);
        add(&set, text);
    }
    check_encoding(&set, "intset");
    add(&set, "word");
    check_encoding(&set, "hashtable");
    set_destroy(&set, &memory);

    memset(text, 'a', 65);
    text[64] = 0;
    add(&set, text);
    check_encoding(&set, "listpack");
    text[64] = 'a';
    text[65] = 0;
    add(&set, text);
    check_encoding(&set, "hashtable");
    set_destroy(&set, &memory);
    add(&set, text);
    check_encoding(&set, "hashtable");
    set_destroy(&set, &memory);
    teardown();
}
END_TEST

START_TEST(what_is_announced_decides_the_first_encoding)
{
    setup();
    char texts[600][8];
    kv_slice members[600];
    for (int i = 0; i < 600; i++)
        members[i] = (kv_slice){texts[i], (size_t)sprintf(texts[i], "%d", i % 100)};
    struct collection set = {0};
    uint64_t added;
    ck_assert_int_eq(set_add(&set, &owner, members, 512, &added), KV_OK);
    ck_assert_uint_eq(added, 100);
    check_encoding(&set, "intset");
    ck_assert_int_eq(set_add(&set, &owner, members, 513, &added), KV_OK);
    ck_assert_uint_eq(added, 0);
    check_encoding(&set, "hashtable");
    set_destroy(&set, &memory);

    members[0] = KV_TEXT("a");
    ck_assert_int_eq(set_add(&set, &owner, members, 128, &added), KV_OK);
    check_encoding(&set, "listpack");
    ck_assert_int_eq(set_add(&set, &owner, members, 129, &added), KV_OK);
    check_encoding(&set, "hashtable");
    set_destroy(&set, &memory);
    ck_assert_int_eq(set_add(&set, &owner, members, 129, &added), KV_OK);
    check_encoding(&set, "hashtable");
    ck_assert_uint_eq(set_length(&set), 101);
    set_destroy(&set, &memory);
    teardown();
}
END_TEST

/* ------------------------------------------------------------------------------------------- chance */

/* Sets of the three encodings with members "0" to "99" (and a word). */
static void fill(struct collection *set, int encoding)
{
    *set = (struct collection){0};
    if (encoding == 1) add(set, "word");
    for (int i = 0; i < 100; i++) {
        char text[100];
        sprintf(text, "%d", i);
        add(set, text);
    }
    if (encoding == 2) {
        char text[100];
        memset(text, 'x', 99);
        text[99] = 0;
        add(set, text);
    }
    static const char *const names[] = {"intset", "listpack", "hashtable"};
    check_encoding(set, names[encoding]);
}

static void count_text(unsigned visits[101], kv_slice text)
{
    char terminated[100] = {0};
    memcpy(terminated, text.data, text.size);
    int number = text.size > 2 ? 100 : atoi(terminated);
    visits[number]++;
}

static void check_even(const unsigned *visits, uint64_t members, double draws)
{
    double expected = draws / (double)members, chi = 0;
    for (uint64_t i = 0; i < members; i++)
        chi += (visits[i] - expected) * (visits[i] - expected) / expected;
    ck_assert_double_lt(chi, (double)members + 6 * sqrt(2.0 * (double)members));
}

START_TEST(members_are_drawn_equally_often)
{
    setup();
    struct collection set;
    fill(&set, _i);
    struct random random;
    random_seed(&random, 5);
    unsigned visits[101] = {0};
    char scratch[MEMBER_TEXT_SIZE];
    for (int i = 0; i < 50000; i++)
        count_text(visits, set_text_at(&set, set_random(&set, &random), scratch));
    check_even(visits, set_length(&set), 50000);
    set_destroy(&set, &memory);
    teardown();
}
END_TEST

START_TEST(a_sample_is_fair_and_can_be_taken_out)
{
    setup();
    struct random random;
    random_seed(&random, 6);
    static const uint64_t counts[] = {1, 5, 40, 99, 100};
    for (int c = 0; c < 5; c++) {
        unsigned visits[101] = {0};
        uint64_t length = 0;
        for (int round = 0; round < 200; round++) {
            struct collection set;
            fill(&set, _i);
            length = set_length(&set);
            set_place places[101];
            char texts[101][MEMBER_TEXT_SIZE + 80];
            size_t sizes[101];
            ck_assert_int_eq(set_sample(&set, &random, counts[c], places), KV_OK);
            for (uint64_t i = 0; i < counts[c]; i++) {
                char scratch[MEMBER_TEXT_SIZE];
                kv_slice text = set_text_at(&set, places[i], scratch);
                count_text(visits, text);
                memcpy(texts[i], text.data, text.size);
                sizes[i] = text.size;
            }
            set_remove_at(&set, &memory, places, counts[c]);
            set_check(&set);
            ck_assert_uint_eq(set_length(&set), length - counts[c]);
            for (uint64_t i = 0; i < counts[c]; i++) {
                if (set_has(&set, (kv_slice){texts[i], sizes[i]})) ck_abort_msg("still there");
            }
            set_destroy(&set, &memory);
        }
        check_even(visits, length, 200.0 * (double)counts[c]);
    }
    teardown();
}
END_TEST

/* ------------------------------------------------------------------------------------------ failure */

static void sweep_add(const struct collection *before, const kv_slice *members, size_t count)
{
    struct collection set;
    ck_assert_int_eq(set_copy(before, &memory, &set), KV_OK);
    uint64_t length = set_length(&set);
    FIXTURE_FAIL_EACH_ALLOCATION(&host)
    {
        uint64_t added = 0;
        kv_status status = set_add(&set, &owner, members, count, &added);
        bool enough = fixture_alloc_was_enough(&host);
        ck_assert_int_eq(status, enough ? KV_OK : KV_NOMEM);
        ck_assert_uint_eq(set_length(&set), length + added);
        set_check(&set);
        if (enough) continue;
        ck_assert_uint_eq(added, 0);
        if (!collection_is_empty(&set)) check_encoding(&set, set_kind.encoding(before));
    }
    struct collection copy;
    FIXTURE_FAIL_EACH_ALLOCATION(&host)
    {
        kv_status status = set_copy(&set, &memory, &copy);
        if (status == KV_OK) set_destroy(&copy, &memory);
        ck_assert_int_eq(status, fixture_alloc_was_enough(&host) ? KV_OK : KV_NOMEM);
    }
    set_destroy(&set, &memory);
}

START_TEST(adding_is_all_or_nothing_when_memory_runs_out)
{
    setup();
    enum { COUNT = 1200 };
    static char texts[COUNT][40];
    static kv_slice members[COUNT];
    for (int i = 0; i < COUNT; i++)
        members[i] =
            (kv_slice){texts[i], (size_t)sprintf(texts[i], i < 400 ? "%d" : "a member %d", i)};
    static const int starts[] = {0, 1, 399, 420, 600};
    static const size_t counts[] = {1, 2, 130, 500};
    for (int s = 0; s < 5; s++) {
        for (int c = 0; c < 4; c++) {
            struct collection set = {0};
            for (int i = starts[s] > 420 ? 400 : starts[s] == 420 ? 380 : 0; i < starts[s]; i++)
                ck_assert_int_eq(set_add(&set, &owner, &members[i], 1, &(uint64_t){0}), KV_OK);
            sweep_add(&set, members + (starts[s] > 100 ? starts[s] - 100 : 0), counts[c]);
            sweep_add(&set, members + starts[s], counts[c]);
            set_destroy(&set, &memory);
        }
    }
    teardown();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("set value");
    TCase *tests = tcase_create("set value");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, random_changes_match_a_model);
    tcase_add_test(tests, encodings_change_where_those_of_redis_do);
    tcase_add_test(tests, what_is_announced_decides_the_first_encoding);
    tcase_add_loop_test(tests, members_are_drawn_equally_often, 0, 3);
    tcase_add_loop_test(tests, a_sample_is_fair_and_can_be_taken_out, 0, 3);
    tcase_add_test(tests, adding_is_all_or_nothing_when_memory_runs_out);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
