/* tests/engine/test_members.c -- structures/members against a naive model. */
#include "structures/members.h"

#include "../unit.h"
#include "fixture_alloc.h"

#include <math.h>
#include <string.h>

/* A memory of its own with a key, over an allocator that can fail. */
struct owner {
    struct fixture_alloc fixture;
    struct alloc alloc;
    struct pages pages;
    struct memory memory;
    struct siphash_key key;
    struct members members;
};

static struct owner owner;

static void owner_open(void)
{
    fixture_alloc_begin(&owner.fixture);
    alloc_init(&owner.alloc, &owner.fixture.hooks);
    pages_init(&owner.pages, &owner.alloc);
    memory_init(&owner.memory, &owner.pages);
    owner.key = (struct siphash_key){1, 2};
    members_init(&owner.members, &owner.memory, &owner.key);
}

/* Everything is given back in bulk, as a large collection is. */
static void owner_close(void)
{
    members_check(&owner.members);
    memory_check(&owner.memory);
    memory_destroy(&owner.memory);
    ck_assert_uint_eq(alloc_used(&owner.alloc), 0);
    fixture_alloc_end(&owner.fixture);
}

static void name_of(const char *text, struct member_name *name)
{
    members_name(&owner.key, kv_text(text), name);
}

static kv_status add(const char *text)
{
    struct member_name name;
    name_of(text, &name);
    return members_add(&owner.members, &name);
}

static struct member *find(const char *text)
{
    struct member_name name;
    name_of(text, &name);
    return members_find(&owner.members, &name);
}

static bool is_text(kv_slice slice, const char *text)
{
    return slice.size == strlen(text) && memcmp(slice.data, text, slice.size) == 0;
}

/* --------------------------------------------------------------------------------------- the model */

/* Names of every kind: integers that fit a pointer and not, near the limits, texts short and long. */
static size_t model_name(unsigned number, char *text)
{
    static const int64_t anchors[] = {
        0,         100000,   -70000, INT64_C(1) << 46, -(INT64_C(1) << 46), INT64_C(1) << 62,
        INT64_MAX, INT64_MIN};
    unsigned kind = number % 16;
    if (kind < 8) {
        uint64_t value = (uint64_t)anchors[kind];
        int64_t around = (int64_t)(number / 16) - (kind < 6 ? 400 : 0);
        value = kind == 6 ? value - (uint64_t)around : value + (uint64_t)around;
        return (size_t)sprintf(text, "%" PRId64, (int64_t)value);
    }
    static const size_t sizes[] = {1, 7, 8, 24, 28, 29, 255, 256};
    size_t size = sizes[kind - 8];
    memset(text, 'a' + (int)kind, size);
    char digits[16];
    size_t digit_count = (size_t)sprintf(digits, "%u", number);
    /* a letter first, so that it is no integer */
    if (size == 1) {
        text[0] = (char)(number / 16 % 256);
        if (text[0] >= '0' && text[0] <= '9') text[0] = 'x';
        return 1;
    }
    memcpy(text + 1, digits, digit_count < size - 1 ? digit_count : size - 1);
    return size;
}

struct model_item {
    bool present;
    bool has_value;
    size_t value_size;
    uint8_t value_fill;
    int64_t deadline_ms;
    uint32_t deadline_id;
};

static char model_value[70000];

static kv_slice model_fill(const struct model_item *item)
{
    memset(model_value, item->value_fill, item->value_size);
    return (kv_slice){model_value, item->value_size};
}

static void model_compare_one(const struct model_item *item, const struct member *member)
{
    ck_assert_ptr_nonnull(member);
    ck_assert_int_eq(member_deadline(member), item->deadline_ms);
    ck_assert_uint_eq(member_deadline_id(member), item->deadline_id);
    kv_slice value = member_value(member);
    kv_slice expected = model_fill(item);
    ck_assert_uint_eq(value.size, item->has_value ? expected.size : 0);
    if (value.size > 0) ck_assert_mem_eq(value.data, expected.data, value.size);
}

/* One random call on the members and on the model. */
static void model_step(struct model_item *item, const struct member_name *name)
{
    struct members *members = &owner.members;
    static const size_t sizes[] = {0, 1, 16, 16, 20, 127, 128, 1000, 16384, 65000};
    size_t value_size = sizes[rand() % (rand() % 16 == 0 ? 10 : 6)];
    switch (rand() % 6) {
    case 0:
        ck_assert_int_eq(members_add(members, name), item->present ? KV_SKIPPED : KV_OK);
        if (!item->present) *item = (struct model_item){.present = true, .deadline_ms = KV_NEVER};
        break;
    case 1:
        ck_assert(members_remove(members, name) == item->present);
        *item = (struct model_item){0};
        break;
    case 2: {
        struct member *old;
        struct model_item wanted = {true, true, value_size, (uint8_t)rand(), KV_NEVER, 0};
        ck_assert_int_eq(members_put(members, name, model_fill(&wanted), &old), KV_OK);
        ck_assert((old != NULL) == item->present);
        if (rand() % 2 == 0) {
            members_undo(members, name, old);
        } else {
            members_free(members, old);
            *item = wanted;
        }
        break;
    }
    case 3:
        if (!item->present) break;
        item->has_value = true;
        item->value_size = value_size;
        item->value_fill = (uint8_t)rand();
        ck_assert_int_eq(members_set_value(members, name, model_fill(item)), KV_OK);
        break;
    case 4: {
        if (!item->present) break;
        struct member *moved;
        bool ends = rand() % 3 == 0;
        item->deadline_ms = ends ? KV_NEVER : rand();
        item->deadline_id = ends ? 0 : (uint32_t)rand();
        ck_assert_int_eq(
            members_set_deadline(members, name, item->deadline_ms, item->deadline_id, &moved),
            KV_OK);
        ck_assert_ptr_eq(moved, members_find(members, name));
        break;
    }
    case 5: {
        struct member *member = members_find(members, name);
        ck_assert((member != NULL) == item->present);
        if (member == NULL || rand() % 4 != 0) break;
        members_remove_member(members, member);
        *item = (struct model_item){0};
        break;
    }
    }
}

START_TEST(random_changes_match_a_model)
{
    srand((unsigned)unit_seed());
    enum { N = 6000, STEPS = 60000 };
    struct model_item *items = calloc(N, sizeof *items);
    owner_open();
    char text[300];
    for (int step = 0; step < STEPS; step++) {
        unsigned number = (unsigned)rand() % N;
        size_t size = model_name(number, text);
        /* one-letter names repeat: they are all the first one's */
        if (number % 16 == 8) {
            for (unsigned other = 8; other < number; other += 16) {
                char first[300];
                if (model_name(other, first) == size && first[0] == text[0]) number = other;
                if (number == other) break;
            }
        }
        struct member_name name;
        members_name(&owner.key, (kv_slice){text, size}, &name);
        model_step(&items[number], &name);
        if (step % (STEPS / 8) == 0) members_check(&owner.members);
    }
    uint64_t count = 0;
    for (unsigned number = 0; number < N; number++) {
        if (!items[number].present) continue;
        struct member_name name;
        size_t size = model_name(number, text);
        members_name(&owner.key, (kv_slice){text, size}, &name);
        struct member *member = members_find(&owner.members, &name);
        model_compare_one(&items[number], member);
        char scratch[MEMBER_TEXT_SIZE];
        kv_slice back = member_text(member, scratch);
        ck_assert_uint_eq(back.size, size);
        ck_assert_mem_eq(back.data, text, size);
        count++;
    }
    ck_assert_uint_eq(members_count(&owner.members), count);
    for (unsigned number = 0; number < N; number++) {
        struct member_name name;
        size_t size = model_name(number, text);
        members_name(&owner.key, (kv_slice){text, size}, &name);
        (void)members_remove(&owner.members, &name);
    }
    ck_assert_uint_eq(members_count(&owner.members), 0);
    ck_assert_uint_eq(owner.memory.used, 0); /* taking all out gives all back */
    owner_close();
    free(items);
}
END_TEST

/* ------------------------------------------------------------------------------------------- names */

START_TEST(an_integer_is_the_same_member_however_it_came_in)
{
    owner_open();
    ck_assert_int_eq(add("12345"), KV_OK);
    ck_assert_int_eq(add("12345"), KV_SKIPPED);
    ck_assert_int_eq(add("012345"), KV_OK); /* no canonical integer: a text */
    ck_assert_int_eq(add("-0"), KV_OK);
    ck_assert_int_eq(add(""), KV_OK);
    ck_assert_int_eq(add("9223372036854775807"), KV_OK);
    ck_assert_int_eq(add("9223372036854775808"), KV_OK);
    int64_t integer = 0;
    ck_assert(member_integer(find("12345"), &integer));
    ck_assert_int_eq(integer, 12345);
    ck_assert(!member_integer(find("012345"), &integer));
    ck_assert(!member_integer(find("9223372036854775808"), &integer));
    char scratch[MEMBER_TEXT_SIZE];
    ck_assert(is_text(member_text(find("9223372036854775807"), scratch), "9223372036854775807"));
    ck_assert(is_text(member_text(find(""), scratch), ""));
    owner_close();
}
END_TEST

START_TEST(many_names_are_the_same_as_each_alone)
{
    enum { N = 100 };
    owner_open();
    char texts[N][24];
    kv_slice slices[N];
    struct member_name many[N], back[N];
    const struct member *members[N];
    for (int i = 0; i < N; i++) {
        int size =
            sprintf(texts[i], i % 3 == 0 ? "%d" : "name:%0*d", i % 3 == 0 ? i : i % 16 + 1, i);
        slices[i] = (kv_slice){texts[i], (size_t)size};
    }
    members_names(&owner.key, slices, N, many);
    members_fetch(&owner.members, many, MEMBERS_BATCH); /* of an empty table */
    for (int i = 0; i < N; i++) {
        struct member_name alone;
        members_name(&owner.key, slices[i], &alone);
        ck_assert_uint_eq(many[i].hash, alone.hash);
        ck_assert(many[i].is_integer == alone.is_integer);
        ck_assert_int_eq(members_add(&owner.members, &many[i]), KV_OK);
        members[i] = members_find(&owner.members, &alone);
    }
    members_fetch(&owner.members, many, MEMBERS_BATCH);
    for (int i = 0; i < N; i++) members[i] = members_find(&owner.members, &many[i]);
    members_names_of(&owner.key, members, N, back);
    for (int i = 0; i < N; i++) ck_assert_uint_eq(back[i].hash, many[i].hash);
    owner_close();
}
END_TEST

/* -------------------------------------------------------------------------------------- all of them */

static void count_visit(void *context, const struct member *member)
{
    unsigned *visits = context;
    int64_t integer = -1;
    MUST(member_integer(member, &integer));
    visits[integer]++;
}

static kv_status add_number(int64_t number)
{
    char text[24];
    sprintf(text, "%" PRId64, number);
    return add(text);
}

static void remove_number(int64_t number)
{
    char text[24];
    sprintf(text, "%" PRId64, number);
    struct member_name name;
    name_of(text, &name);
    MUST(members_remove(&owner.members, &name));
}

START_TEST(a_scan_visits_whatever_stays_while_members_come_and_go)
{
    enum { STAY = 3000, COME = 9000 };
    unsigned *visits = calloc(STAY + COME, sizeof *visits);
    owner_open();
    for (int i = 0; i < STAY; i++) MUST(add_number(i) == KV_OK);
    uint64_t cursor = 0;
    int come = 0;
    do {
        cursor = members_scan(&owner.members, cursor, 10, count_visit, visits);
        for (int i = 0; i < 80; i++) {
            if (come < COME) ck_assert_int_eq(add_number(STAY + come), KV_OK);
            else if (come < 2 * COME) remove_number(come - COME + STAY);
            else break;
            come++;
        }
    } while (cursor != 0);
    for (int i = 0; i < STAY; i++) ck_assert_uint_ge(visits[i], 1);
    owner_close();
    free(visits);
}
END_TEST

START_TEST(a_walk_visits_each_member_once)
{
    enum { N = 5000 };
    unsigned visits[N] = {0};
    owner_open();
    struct member *batch[MEMBERS_BATCH];
    struct table_cursor cursor = {0};
    ck_assert_uint_eq(members_next(&owner.members, &cursor, batch, MEMBERS_BATCH), 0);
    for (int i = 0; i < N; i++) MUST(add_number(i) == KV_OK);
    size_t count, total = 0;
    while ((count = members_next(&owner.members, &cursor, batch, MEMBERS_BATCH)) > 0) {
        for (size_t i = 0; i < count; i++) count_visit(visits, batch[i]);
        total += count;
    }
    ck_assert_uint_eq(total, N);
    for (int i = 0; i < N; i++) ck_assert_uint_eq(visits[i], 1);
    owner_close();
}
END_TEST

/* ------------------------------------------------------------------------------------------- chance */

static double chi_square(const unsigned *visits, size_t count, size_t present, double total)
{
    double expected = total / (double)present, sum = 0;
    for (size_t i = 0; i < count; i++) {
        struct member_name name;
        char text[24];
        sprintf(text, "%zu", i);
        name_of(text, &name);
        if (members_find(&owner.members, &name) == NULL) {
            MUST(visits[i] == 0);
            continue;
        }
        sum += (visits[i] - expected) * (visits[i] - expected) / expected;
    }
    return sum;
}

/* Only the members in one narrow range of hashes stay: few full segments below a deep directory. */
START_TEST(a_draw_is_fair_where_nearly_all_was_removed_by_hash)
{
    enum { N = 60000, DRAWS = 40000 };
    static unsigned visits[N];
    owner_open();
    for (int i = 0; i < N; i++) MUST(add_number(i) == KV_OK);
    for (int i = 0; i < N; i++) {
        char text[24];
        sprintf(text, "%d", i);
        struct member_name name;
        name_of(text, &name);
        bool stays = name.hash >> 56 == 77 || name.hash >> 52 == 0x123;
        if (!stays) MUST(members_remove(&owner.members, &name));
    }
    members_check(&owner.members);
    size_t present = members_count(&owner.members);
    struct random random;
    random_seed(&random, 42);
    for (int i = 0; i < DRAWS; i++) count_visit(visits, members_random(&owner.members, &random));
    double chi = chi_square(visits, N, present, DRAWS);
    ck_assert_double_lt(chi, (double)present + 6 * sqrt(2.0 * (double)present));
    owner_close();
}
END_TEST

START_TEST(a_sample_has_different_members_each_as_often_as_any_other)
{
    enum { N = 400, ROUNDS = 3000 };
    static const uint64_t counts[] = {0, 1, 10, 100, 133, 134, 399, 400};
    uint64_t count = counts[_i];
    unsigned visits[N] = {0};
    struct member *sample[N];
    owner_open();
    for (int i = 0; i < N; i++) MUST(add_number(i) == KV_OK);
    struct random random;
    random_seed(&random, 43);
    for (int round = 0; round < ROUNDS; round++) {
        unsigned seen[N] = {0};
        MUST(members_sample(&owner.members, &random, count, sample) == KV_OK);
        for (uint64_t i = 0; i < count; i++) {
            count_visit(seen, sample[i]);
            count_visit(visits, sample[i]);
        }
        for (int i = 0; i < N; i++) MUST(seen[i] <= 1);
    }
    if (count > 0) {
        double chi = chi_square(visits, N, N, (double)(ROUNDS * count));
        ck_assert_double_lt(chi, N + 6 * sqrt(2.0 * N));
    }
    owner_close();
}
END_TEST

/* ------------------------------------------------------------------------------------------ failure */

START_TEST(a_change_that_finds_no_memory_changes_nothing)
{
    enum { N = 3000 };
    owner_open();
    size_t failures = 0;
    char text[40], value[600] = {0};
    for (int i = 0; i < N; i++) {
        sprintf(text, i % 2 == 0 ? "%d" : "a name of some length %d", i);
        struct member_name name;
        name_of(text, &name);
        FIXTURE_FAIL_EACH_ALLOCATION(&owner.fixture)
        {
            struct member *old = NULL, *moved;
            kv_slice new_value = {value, (size_t)i % 600};
            kv_status status = members_find(&owner.members, &name) == NULL
                                   ? members_put(&owner.members, &name, new_value, &old)
                                   : KV_OK;
            if (status == KV_OK) status = members_set_deadline(&owner.members, &name, i, 7, &moved);
            if (fixture_alloc_was_enough(&owner.fixture)) {
                ck_assert_int_eq(status, KV_OK);
            } else {
                ck_assert_int_eq(status, KV_NOMEM);
                failures++;
            }
        }
        if (i % 500 == 0) members_check(&owner.members);
    }
    ck_assert_uint_gt(failures, 20);
    ck_assert_uint_eq(members_count(&owner.members), N);
    struct random random;
    random_seed(&random, 1);
    struct member *sample[100];
    fixture_alloc_allow(&owner.fixture, 0);
    ck_assert_int_eq(members_sample(&owner.members, &random, 100, sample), KV_NOMEM);
    while (members_count(&owner.members) > 0) /* needs no memory */
        members_remove_member(&owner.members, members_random(&owner.members, &random));
    fixture_alloc_allow(&owner.fixture, FIXTURE_UNLIMITED);
    owner_close();
}
END_TEST

/* A million members of 16 bytes stay within 42 bytes each, and as many integers within 17. */
START_TEST(members_are_small)
{
    if (MEMORY_SMALL_MAX == 0) return; /* KV_MEMORY_DIRECT: there are no slabs */
    enum { N = 1000000 };
    owner_open();
    char text[24];
    for (int i = 0; i < N; i++) {
        sprintf(text, _i == 0 ? "member:%09d" : "%d", i);
        MUST(add(text) == KV_OK);
    }
    double each = (double)alloc_used(&owner.alloc) / N;
    fprintf(stderr, "%.1f bytes each\n", each);
    ck_assert_double_lt(each, _i == 0 ? 42 : 17);
    owner_close();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("members");
    TCase *tests = tcase_create("members");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, random_changes_match_a_model);
    tcase_add_test(tests, an_integer_is_the_same_member_however_it_came_in);
    tcase_add_test(tests, many_names_are_the_same_as_each_alone);
    tcase_add_test(tests, a_scan_visits_whatever_stays_while_members_come_and_go);
    tcase_add_test(tests, a_walk_visits_each_member_once);
    tcase_add_test(tests, a_draw_is_fair_where_nearly_all_was_removed_by_hash);
    tcase_add_loop_test(tests, a_sample_has_different_members_each_as_often_as_any_other, 0, 8);
    tcase_add_test(tests, a_change_that_finds_no_memory_changes_nothing);
    tcase_add_loop_test(tests, members_are_small, 0, 2);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
