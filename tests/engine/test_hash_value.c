/*
 * tests/engine/test_hash_value.c -- values/hash.h: the hash value, small and large.
 */
#include "values/hash.h"

#include "base/slice.h"

#include "fixture_memory.h"

#include <string.h>

#define MIN ((int64_t)100) /* a deadline that takes less room than others */

static struct memory other_memory; /* another shard's */
static const struct siphash_key key = {1, 2};
static struct hash_owner owner;
static struct collection hash;
static struct random source;

static void setup(void)
{
    fixture_memory_begin();
    memory_init(&other_memory, &pages);
    owner = (struct hash_owner){&memory, &key, {128, 64}};
    hash = (struct collection){0};
    random_seed(&source, 7);
}

static void teardown(void)
{
    hash_check(&hash);
    hash_destroy(&hash, &memory);
    ck_assert_uint_eq(other_memory.used, 0);
    memory_destroy(&other_memory);
    fixture_memory_end();
}

static kv_slice number_text(char room[32], const char *prefix, size_t number)
{
    return KV_BYTES(room, (size_t)snprintf(room, 32, "%s%zu", prefix, number));
}

static uint64_t set_one(kv_slice field, kv_slice value)
{
    kv_slice pair[2] = {field, value};
    uint64_t added = 7;
    MUST(hash_set(&hash, &owner, pair, 1, KV_NEVER, &added) == KV_OK);
    return added;
}

/* Fields "0" to count - 1, "f0"... */
static void set_numbered(size_t count)
{
    char field[32], value[32];
    for (size_t i = 0; i < count; i++) {
        MUST(set_one(number_text(field, i % 2 == 0 ? "f" : "", i),
                     number_text(value, i % 3 == 0 ? "value " : "", i)) == 1);
    }
    hash_check(&hash);
}

static bool is_value(const struct collection *of, kv_slice field, kv_slice expected)
{
    char scratch[PACK_TEXT_SIZE];
    kv_slice value;
    return hash_get(of, field, scratch, &value) && slice_equal(value, expected);
}

static bool has_field(kv_slice field)
{
    char scratch[PACK_TEXT_SIZE];
    kv_slice value;
    return hash_get(&hash, field, scratch, &value);
}

START_TEST(an_empty_hash_holds_nothing)
{
    setup();
    kv_slice field = KV_TEXT("f");
    ck_assert_uint_eq(hash_length(&hash), 0);
    ck_assert(!has_field(field));
    ck_assert_uint_eq(hash_remove(&hash, &memory, &field, 1), 0);
    ck_assert_uint_eq(collection_bytes(&hash, &hash_kind), 0);
    teardown();
}
END_TEST

static char shown[500];

static bool show(void *context, kv_slice field, kv_slice value)
{
    size_t *left = context;
    size_t size = strlen(shown);
    snprintf(shown + size, sizeof shown - size, "%.*s=%.*s ", (int)field.size,
             (const char *)field.data, (int)value.size, (const char *)value.data);
    return left == NULL || --*left > 0;
}

START_TEST(a_small_hash_keeps_the_order_in_which_fields_came)
{
    setup();
    kv_slice pairs[] = {KV_TEXT("b"), KV_TEXT("1"), KV_TEXT("a"), KV_TEXT("two"),
                        KV_TEXT("7"), KV_TEXT(""),  KV_TEXT("b"), KV_TEXT("3")};
    uint64_t added;
    ck_assert_int_eq(hash_set(&hash, &owner, pairs, 4, KV_NEVER, &added), KV_OK);
    ck_assert_uint_eq(added, 3);
    ck_assert_str_eq(hash_kind.encoding(&hash), "listpack");
    ck_assert_uint_eq(set_one(KV_TEXT("a"), KV_TEXT("a longer text than before")), 0);
    shown[0] = 0;
    hash_visit(&hash, show, NULL);
    ck_assert_str_eq(shown, "b=3 a=a longer text than before 7= ");
    ck_assert_uint_eq(hash_remove(&hash, &memory, &pairs[2], 1), 1);
    shown[0] = 0;
    size_t limit = 1;
    hash_visit(&hash, show, &limit);
    ck_assert_str_eq(shown, "b=3 ");
    teardown();
}
END_TEST

START_TEST(a_value_that_is_a_field_s_name_is_not_found)
{
    setup();
    (void)set_one(KV_TEXT("a"), KV_TEXT("b"));
    ck_assert(!has_field(KV_TEXT("b")));
    (void)set_one(KV_TEXT("b"), KV_TEXT("a"));
    ck_assert(is_value(&hash, KV_TEXT("b"), KV_TEXT("a")));
    teardown();
}
END_TEST

START_TEST(fields_go_in_the_order_of_their_deadlines)
{
    for (size_t n = 50; n <= 400; n += 350) {
        setup();
        set_numbered(n);
        ck_assert_int_eq(hash_kind.next_deadline(&hash), 0);
        for (size_t i = 0; i < n; i++) {
            char room[32];
            kv_slice field = number_text(room, i % 2 == 0 ? "f" : "", i);
            ck_assert_int_eq(hash_set_deadline(&hash, &memory, field, MIN + 1000 - (int64_t)i),
                             KV_OK);
            hash_check(&hash);
        }
        ck_assert_str_eq(hash_kind.encoding(&hash), n == 50 ? "listpackex" : "hashtable");
        for (size_t i = n; i-- > 0;) {
            struct collection_due due[COLLECTION_DUE_BATCH];
            char room[32];
            ck_assert(!hash_kind.is_spent(&hash, MIN + 999));
            ck_assert(hash_kind.is_spent(&hash, MIN + 1000));
            ck_assert_int_eq(hash_kind.next_deadline(&hash), MIN + 1000 - (int64_t)i);
            ck_assert_uint_eq(hash_kind.peek_due(&hash, MIN + 999 - (int64_t)i, due), 0);
            ck_assert_uint_eq(hash_kind.peek_due(&hash, MIN + 1000 - (int64_t)i, due), 1);
            ck_assert(slice_equal(due[0].name, number_text(room, i % 2 == 0 ? "f" : "", i)));
            hash_kind.drop_due(&hash, &memory, due, 1);
        }
        ck_assert_uint_eq(hash.word, 0);
        teardown();
    }
}
END_TEST

START_TEST(setting_takes_a_deadline_away_unless_it_is_kept)
{
    for (size_t n = 50; n <= 400; n += 350) {
        setup();
        set_numbered(n);
        int64_t deadline_ms;
        kv_slice pair[4] = {KV_TEXT("f0"), KV_TEXT("a"), KV_TEXT("f0"), KV_TEXT("a longer one")};
        uint64_t added;
        ck_assert_int_eq(hash_set_deadline(&hash, &memory, pair[0], MIN + 77), KV_OK);
        ck_assert_int_eq(hash_set(&hash, &owner, pair, 2, HASH_KEEP_DEADLINE, &added), KV_OK);
        hash_check(&hash);
        ck_assert(hash_get_deadline(&hash, pair[0], &deadline_ms));
        ck_assert_int_eq(deadline_ms, MIN + 77);
        ck_assert_int_eq(hash_set(&hash, &owner, pair, 2, KV_NEVER, &added), KV_OK);
        hash_check(&hash);
        ck_assert(hash_get_deadline(&hash, pair[0], &deadline_ms));
        ck_assert_int_eq(deadline_ms, KV_NEVER);
        ck_assert_int_eq(hash_set(&hash, &owner, pair, 2, MIN + 78, &added), KV_OK);
        ck_assert_uint_eq(added, 0);
        hash_check(&hash);
        ck_assert_int_eq(hash_kind.next_deadline(&hash), MIN + 78);
        teardown();
    }
}
END_TEST

START_TEST(a_hash_is_small_up_to_its_limits_and_large_from_then_on)
{
    setup();
    set_numbered(128);
    ck_assert(collection_is_small(&hash));
    (void)set_one(KV_TEXT("f0"), KV_TEXT("again"));
    ck_assert(collection_is_small(&hash));
    (void)set_one(KV_TEXT("one more"), KV_TEXT(""));
    ck_assert(!collection_is_small(&hash));
    ck_assert_str_eq(hash_kind.encoding(&hash), "hashtable");
    for (size_t i = 2; i < 128; i++) {
        char room[32];
        kv_slice field = number_text(room, i % 2 == 0 ? "f" : "", i);
        ck_assert_uint_eq(hash_remove(&hash, &memory, &field, 1), 1);
    }
    ck_assert_uint_eq(hash_length(&hash), 3);
    ck_assert(!collection_is_small(&hash));
    hash_destroy(&hash, &memory);

    char text[65];
    memset(text, 'x', sizeof text);
    (void)set_one(KV_BYTES(text, 64), KV_BYTES(text, 64));
    ck_assert(collection_is_small(&hash));
    (void)set_one(KV_TEXT("f"), KV_BYTES(text, 65));
    ck_assert(!collection_is_small(&hash));
    teardown();
}
END_TEST

START_TEST(fields_given_twice_count_once_for_the_limit)
{
    setup();
    owner.limits.count = 4;
    kv_slice pairs[12];
    const char *const names = "abcaca";
    for (size_t i = 0; i < 6; i++) {
        pairs[2 * i] = KV_BYTES(names + i, 1);
        pairs[2 * i + 1] = KV_TEXT("v");
    }
    uint64_t added;
    ck_assert_int_eq(hash_set(&hash, &owner, pairs, 4, KV_NEVER, &added), KV_OK);
    ck_assert_uint_eq(added, 3);
    ck_assert(collection_is_small(&hash));
    pairs[2] = pairs[4] = KV_TEXT("d");
    ck_assert_int_eq(hash_set(&hash, &owner, pairs, 4, KV_NEVER, &added), KV_OK);
    ck_assert_uint_eq(added, 1);
    ck_assert(collection_is_small(&hash));
    (void)set_one(KV_TEXT("e"), KV_TEXT("v"));
    ck_assert(!collection_is_small(&hash));
    teardown();
}
END_TEST

START_TEST(the_last_field_takes_the_hash_with_it)
{
    for (size_t count = 10; count <= 1000; count += 990) {
        setup();
        set_numbered(count);
        for (size_t i = 0; i < count; i++) {
            char room[32];
            kv_slice field = number_text(room, i % 2 == 0 ? "f" : "", i);
            ck_assert_uint_eq(hash_remove(&hash, &memory, &field, 1), 1);
            hash_check(&hash);
        }
        ck_assert_uint_eq(hash.word, 0);
        teardown();
    }
}
END_TEST

static const kv_slice *seen[100];
static char seen_text[100][32];
static kv_slice seen_slices[100];

static bool note_value(void *context, size_t index, const kv_slice *value)
{
    size_t *expected = context;
    MUST(index == (*expected)++);
    seen[index] = value != NULL ? &seen_slices[index] : NULL;
    if (value == NULL) return true;
    memcpy(seen_text[index], value->data, value->size);
    seen_slices[index] = KV_BYTES(seen_text[index], value->size);
    return true;
}

START_TEST(many_values_are_had_at_once)
{
    for (size_t count = 20; count <= 300; count += 280) {
        setup();
        set_numbered(count);
        char rooms[100][32];
        kv_slice fields[100];
        for (size_t i = 0; i < 100; i++)
            fields[i] = number_text(rooms[i], i % 2 == 0 ? "f" : "", i * 3);
        size_t told = 0;
        hash_get_many(&hash, fields, 100, note_value, &told);
        ck_assert_uint_eq(told, 100);
        for (size_t i = 0; i < 100; i++) {
            char room[32];
            ck_assert_int_eq(seen[i] != NULL, i * 3 < count);
            if (seen[i] == NULL) continue;
            ck_assert(slice_equal(*seen[i], number_text(room, "value ", i * 3)));
        }
        teardown();
    }
}
END_TEST

/* ---------------------------------------------------------------------------------------- chance */

static size_t counts[400];

static bool count_field(void *context, kv_slice field, kv_slice value)
{
    (void)context;
    (void)value;
    char text[32];
    memcpy(text, field.data, field.size);
    text[field.size] = 0;
    counts[strtoul(text[0] == 'f' ? text + 1 : text, NULL, 10)]++;
    return true;
}

/* Each of `n` fields was drawn about `mean` times, within six deviations of that. */
static void assert_even(size_t n, double mean)
{
    for (size_t i = 0; i < n; i++) {
        double off = (double)counts[i] - mean;
        ck_assert_msg(off * off < 36 * mean + 36, "field %zu: %zu of %f", i, counts[i], mean);
    }
}

START_TEST(each_field_is_drawn_equally_often)
{
    for (size_t n = 50; n <= 400; n += 350) {
        setup();
        set_numbered(n);
        memset(counts, 0, sizeof counts);
        ck_assert_int_eq(hash_draw(&hash, &alloc, &source, n * 200, count_field, NULL), KV_OK);
        assert_even(n, 200);
        memset(counts, 0, sizeof counts);
        for (size_t i = 0; i < n * 50; i++)
            MUST(hash_draw(&hash, &alloc, &source, 1, count_field, NULL) == KV_OK);
        assert_even(n, 50);
        teardown();
    }
}
END_TEST

START_TEST(a_sample_has_no_field_twice)
{
    for (size_t n = 50; n <= 400; n += 350) {
        for (size_t wanted = 0; wanted <= n; wanted += 10) {
            setup();
            set_numbered(n);
            memset(counts, 0, sizeof counts);
            for (size_t i = 0; i < 100; i++) {
                size_t before = 0, after = 0;
                size_t counted[400];
                memcpy(counted, counts, sizeof counted);
                for (size_t j = 0; j < n; j++) before += counts[j];
                MUST(hash_sample(&hash, &alloc, &source, wanted, count_field, NULL) == KV_OK);
                for (size_t j = 0; j < n; j++) {
                    after += counts[j];
                    MUST(counts[j] - counted[j] <= 1);
                }
                MUST(after - before == wanted);
            }
            assert_even(n, 100.0 * (double)wanted / (double)n);
            teardown();
        }
    }
}
END_TEST

/* -------------------------------------------------------------------------- failing allocations */

static kv_slice many_pairs[400];
static char pair_rooms[400][32];

static kv_status set_many(void)
{
    uint64_t added;
    return hash_set(&hash, &owner, many_pairs, 200, KV_NEVER, &added);
}

static kv_status set_few(void)
{
    uint64_t added;
    return hash_set(&hash, &owner, many_pairs, 10, KV_NEVER, &added);
}

static kv_status set_timed(void)
{
    uint64_t added;
    return hash_set(&hash, &owner, many_pairs, 200, MIN + 5000, &added);
}

static kv_status time_one(void)
{
    if (hash_length(&hash) == 0) return KV_OK;
    return hash_set_deadline(&hash, &memory, KV_TEXT("f0"), MIN + 5000);
}

static kv_status set_long(void)
{
    static char text[5000];
    kv_slice pair[2] = {KV_TEXT("f0"), KV_BYTES(text, sizeof text)};
    uint64_t added;
    return hash_set(&hash, &owner, pair, 1, KV_NEVER, &added);
}

/* Runs one change of a hash of `n` fields with each of its allocations failing in turn. */
static void fail_each_allocation(size_t n, kv_status (*change)(void))
{
    setup();
    set_numbered(n);
    FIXTURE_FAIL_EACH_ALLOCATION(&host)
    {
        kv_status status = change();
        if (status == KV_OK) break;
        fixture_alloc_allow(&host, FIXTURE_UNLIMITED);
        ck_assert_int_eq(status, KV_NOMEM);
        hash_check(&hash);
        ck_assert_uint_eq(hash_length(&hash), n);
        for (size_t i = 0; i < n; i++) {
            char field[32], value[32];
            MUST(is_value(&hash, number_text(field, i % 2 == 0 ? "f" : "", i),
                          number_text(value, i % 3 == 0 ? "value " : "", i)));
        }
        fixture_alloc_allow(&host, 0);
        atomic_store(&host.refused, 1); /* another round */
    }
    fixture_alloc_allow(&host, FIXTURE_UNLIMITED);
    hash_check(&hash);
    teardown();
}

START_TEST(every_change_is_all_or_nothing_when_memory_runs_out)
{
    kv_status (*const changes[])(void) = {set_many, set_few, set_long, set_timed, time_one};
    for (size_t i = 0; i < 400; i++)
        many_pairs[i] = number_text(pair_rooms[i], i % 4 == 0 ? "f" : "new ", i);
    for (size_t i = 0; i < 5; i++) {
        fail_each_allocation(0, changes[i]);
        fail_each_allocation(10, changes[i]);
        fail_each_allocation(128, changes[i]);
        fail_each_allocation(3000, changes[i]);
    }

    setup();
    set_numbered(2000);
    struct collection copy = {0};
    FIXTURE_FAIL_EACH_ALLOCATION(&host)
    {
        kv_status status = hash_copy(&hash, &other_memory, &copy);
        ck_assert_int_eq(status, fixture_alloc_was_enough(&host) ? KV_OK : KV_NOMEM);
        ck_assert_int_eq(copy.word != 0, status == KV_OK);
    }
    hash_check(&copy);
    hash_destroy(&copy, &other_memory);
    teardown();
}
END_TEST

/* ------------------------------------------------------------------------------ against a model */

enum { MODEL_FIELDS = 300, MODEL_SPAN = 1000000 };

/* The naive hash: the value of each field there may be, in an array. */
static struct model {
    bool is_there[MODEL_FIELDS];
    char values[MODEL_FIELDS][200];
    int64_t deadlines[MODEL_FIELDS]; /* KV_NEVER: none */
    size_t sizes[MODEL_FIELDS];
    size_t count;
} model;

static kv_slice model_field(char room[32], size_t i)
{
    return number_text(room, i % 3 == 0 ? "" : i % 3 == 1 ? "-" : "field ", i);
}

static void model_set(size_t i, kv_slice value, int64_t deadline_ms)
{
    if (deadline_ms != HASH_KEEP_DEADLINE) model.deadlines[i] = deadline_ms;
    else if (!model.is_there[i]) model.deadlines[i] = KV_NEVER;
    model.count += !model.is_there[i];
    model.is_there[i] = true;
    model.sizes[i] = value.size;
    if (value.size > 0) memcpy(model.values[i], value.data, value.size);
}

static kv_slice model_value(size_t i)
{
    return KV_BYTES(model.values[i], model.sizes[i]);
}

static void assert_same(const struct collection *of)
{
    char room[32];
    int64_t first_ms = 0;
    bool all_are_timed = true;
    MUST(hash_length(of) == model.count);
    for (size_t i = 0; i < MODEL_FIELDS; i++) {
        char scratch[PACK_TEXT_SIZE];
        kv_slice value;
        MUST(hash_get(of, model_field(room, i), scratch, &value) == model.is_there[i]);
        if (!model.is_there[i]) continue;
        int64_t deadline_ms;
        MUST(slice_equal(value, model_value(i)));
        MUST(hash_get_deadline(of, model_field(room, i), &deadline_ms));
        MUST(deadline_ms == model.deadlines[i]);
        if (first_ms == 0 || deadline_ms < first_ms) first_ms = deadline_ms;
        all_are_timed = all_are_timed && deadline_ms <= MIN + MODEL_SPAN;
    }
    if (model.count == 0) return;
    MUST(hash_kind.next_deadline(of) == (first_ms != KV_NEVER ? first_ms : 0));
    MUST(hash_kind.is_spent(of, MIN + MODEL_SPAN) == all_are_timed);
}

static bool count_visited(void *context, kv_slice field, kv_slice value)
{
    size_t *count = context;
    MUST(is_value(&hash, field, value));
    ++*count;
    return true;
}

static kv_slice random_value(char room[200])
{
    switch (random_below(&source, 4)) {
    case 0: return number_text(room, "", (size_t)random_next(&source) >> random_below(&source, 64));
    case 1: return number_text(room, "-", (size_t)random_below(&source, 100000));
    default: {
        size_t size = (size_t)random_below(&source, random_below(&source, 9) == 0 ? 200 : 40);
        memset(room, 'v', size);
        return KV_BYTES(room, size);
    }
    }
}

static int64_t random_deadline(void)
{
    switch (random_below(&source, 4)) {
    case 0: return KV_NEVER;
    case 1: return MIN + (int64_t)random_below(&source, 10);
    default: return MIN + (int64_t)random_below(&source, MODEL_SPAN);
    }
}

/* Gives one field a deadline. */
static void random_time(size_t range, bool fails)
{
    char room[32];
    size_t chosen = (size_t)random_below(&source, range);
    int64_t deadline_ms = random_deadline();
    if (!model.is_there[chosen]) return;
    if (fails) fixture_alloc_allow(&host, (long)random_below(&source, 3));
    kv_status status = hash_set_deadline(&hash, &memory, model_field(room, chosen), deadline_ms);
    fixture_alloc_allow(&host, FIXTURE_UNLIMITED);
    MUST(status == KV_OK || (fails && status == KV_NOMEM && deadline_ms != KV_NEVER));
    if (status == KV_OK) model.deadlines[chosen] = deadline_ms;
}

/* Lets time pass, so that some fields go. */
static void random_expiry(bool fails)
{
    int64_t now_ms =
        MIN + (int64_t)random_below(&source, random_below(&source, 3) == 0 ? 20000 : 10);
    struct collection_due due[COLLECTION_DUE_BATCH];
    size_t expected = 0, dropped = 0, count;
    for (size_t i = 0; i < MODEL_FIELDS; i++) {
        if (!model.is_there[i] || model.deadlines[i] > now_ms) continue;
        model.is_there[i] = false;
        expected++;
    }
    model.count -= expected;
    if (fails) fixture_alloc_allow(&host, 0);
    while (!collection_is_empty(&hash) && (count = hash_kind.peek_due(&hash, now_ms, due)) > 0) {
        hash_kind.drop_due(&hash, &memory, due, count);
        dropped += count;
    }
    fixture_alloc_allow(&host, FIXTURE_UNLIMITED);
    MUST(dropped == expected);
}

/* One random change, the same to the hash and to the model; `fails`: memory may run out. */
static void random_step(size_t range, bool grow, bool fails)
{
    static char rooms[40][200];
    char names[40][32];
    kv_slice pairs[80], fields[40];
    size_t chosen[40];
    size_t count = 1 + (size_t)random_below(&source, random_below(&source, 8) == 0 ? 40 : 3);
    for (size_t i = 0; i < count; i++) {
        chosen[i] = (size_t)random_below(&source, range);
        fields[i] = pairs[2 * i] = model_field(names[i], chosen[i]);
        pairs[2 * i + 1] = random_value(rooms[i]);
    }
    if (random_below(&source, 3) == 0) random_time(range, fails);
    if (random_below(&source, 30) == 0) random_expiry(fails);
    if (random_below(&source, 3) < (grow ? 2 : 1)) {
        uint64_t added = 0;
        int64_t deadline_ms =
            random_below(&source, 3) == 0 ? HASH_KEEP_DEADLINE : random_deadline();
        size_t before = model.count;
        if (fails) fixture_alloc_allow(&host, (long)random_below(&source, 4));
        kv_status status = hash_set(&hash, &owner, pairs, count, deadline_ms, &added);
        fixture_alloc_allow(&host, FIXTURE_UNLIMITED);
        MUST(status == KV_OK || (fails && status == KV_NOMEM));
        if (status != KV_OK) return;
        for (size_t i = 0; i < count; i++) model_set(chosen[i], pairs[2 * i + 1], deadline_ms);
        MUST(added == model.count - before);
    } else {
        size_t before = model.count;
        for (size_t i = 0; i < count; i++) {
            model.count -= model.is_there[chosen[i]];
            model.is_there[chosen[i]] = false;
        }
        if (fails) fixture_alloc_allow(&host, 0);
        MUST(hash_remove(&hash, &memory, fields, count) == before - model.count);
        fixture_alloc_allow(&host, FIXTURE_UNLIMITED);
    }
}

static void run_against_model(bool fails)
{
    for (size_t round = 0; round < 12; round++) {
        setup();
        random_seed(&source, unit_seed() + round);
        size_t range = round % 3 == 0 ? 20 : round % 3 == 1 ? 100 : MODEL_FIELDS;
        if (round % 2 == 0) owner.limits = (struct collection_limits){1000, 1000};
        model.count = 0;
        memset(model.is_there, 0, sizeof model.is_there);
        for (int step = 0; step < 1500; step++) {
            random_step(range, step / 300 % 2 == 0, fails);
            if (step % 10 != 0) continue;
            hash_check(&hash);
            assert_same(&hash);
            size_t visited = 0, scanned = 0;
            hash_visit(&hash, count_visited, &visited);
            MUST(visited == model.count);
            uint64_t cursor = 0;
            do cursor = hash_scan(&hash, cursor, 10, count_visited, &scanned);
            while (cursor != 0);
            MUST(scanned == model.count); /* nothing changed in between */
            if (step % 100 != 0) continue;
            struct collection copy = {0};
            MUST(hash_copy(&hash, &other_memory, &copy) == KV_OK);
            assert_same(&copy);
            hash_check(&copy);
            hash_destroy(&copy, &other_memory);
        }
        teardown();
    }
}

START_TEST(a_hash_does_what_the_model_does)
{
    run_against_model(false);
}
END_TEST

START_TEST(a_hash_survives_allocations_that_fail_at_random)
{
    run_against_model(true);
}
END_TEST

START_TEST(a_large_hash_has_nothing_of_its_shard)
{
    setup();
    set_numbered(3000);
    ck_assert_uint_eq(memory.used, 0);
    int slices = 1;
    while (!large_destroy_some(collection_large(&hash), 3)) slices++;
    ck_assert_int_gt(slices, 5);
    hash.word = 0;
    teardown();
}
END_TEST

START_TEST(a_small_hash_takes_little_beside_its_bytes)
{
    setup();
    kv_slice pairs[20];
    char rooms[20][32];
    for (size_t i = 0; i < 20; i++)
        pairs[i] = KV_BYTES(rooms[i], (size_t)snprintf(rooms[i], 32, "%08zu-%07zu", i, i));
    uint64_t added;
    ck_assert_int_eq(hash_set(&hash, &owner, pairs, 10, KV_NEVER, &added), KV_OK);
    /* Field and value have a byte before and one behind; a class of blocks is an eighth wide. */
    ck_assert_uint_le(collection_bytes(&hash, &hash_kind), 10 * 36 * 9 / 8 + 16);
    teardown();
}
END_TEST

int main(void)
{
    return UNIT_RUN(
        "hash_value", an_empty_hash_holds_nothing,
        a_small_hash_keeps_the_order_in_which_fields_came,
        a_value_that_is_a_field_s_name_is_not_found, fields_go_in_the_order_of_their_deadlines,
        setting_takes_a_deadline_away_unless_it_is_kept,
        a_hash_is_small_up_to_its_limits_and_large_from_then_on,
        fields_given_twice_count_once_for_the_limit, the_last_field_takes_the_hash_with_it,
        many_values_are_had_at_once, each_field_is_drawn_equally_often, a_sample_has_no_field_twice,
        every_change_is_all_or_nothing_when_memory_runs_out, a_hash_does_what_the_model_does,
        a_hash_survives_allocations_that_fail_at_random, a_large_hash_has_nothing_of_its_shard,
        a_small_hash_takes_little_beside_its_bytes);
}
