/*
 * tests/engine/test_stream_value.c -- values/stream.h and values/stream_group.h.
 */
#include "values/stream.h"
#include "values/stream_group.h"

#include "base/random.h"
#include "base/slice.h"
#include "values/large.h"

#include "fixture_memory.h"

#define ID(ms, sequence) ((kv_stream_id){ms, sequence})
#define ID_ZERO          ID(0, 0)

static struct memory other_memory; /* another shard's */
static struct stream_limits limits;
static struct collection held;

static void setup(void)
{
    fixture_memory_begin();
    memory_init(&other_memory, &pages);
    limits = (struct stream_limits){4096, 100};
    ck_assert_int_eq(stream_create(&memory, &held), KV_OK);
}

static void teardown(void)
{
    stream_check(&held);
    stream_destroy(&held, &memory);
    ck_assert_uint_eq(other_memory.used, 0);
    memory_destroy(&other_memory);
    fixture_memory_end(); /* of a large stream, too, nothing is left */
}

/* -------------------------------------------------------------------------------------- helpers */

static struct stream *stream(void)
{
    return stream_of(&held);
}

static struct stream_edit begin(void)
{
    struct stream_edit edit;
    MUST(stream_edit_begin(&edit, &held, &memory) == KV_OK);
    return edit;
}

static kv_status append(kv_stream_id id, const kv_slice *pairs, size_t pair_count)
{
    struct stream_edit edit;
    kv_status status = stream_edit_begin(&edit, &held, &memory);
    if (status != KV_OK) return status;
    status = stream_append(&edit, &limits, id, pairs, pair_count);
    stream_edit_end(&edit);
    return status;
}

static void append_texts(kv_stream_id id, const char *field, const char *value)
{
    kv_slice pair[2] = {KV_TEXT(field), KV_TEXT(value)};
    ck_assert_int_eq(append(id, pair, 1), KV_OK);
}

static bool delete_id(kv_stream_id id)
{
    struct stream_edit edit = begin();
    bool was_there = stream_delete(&edit, id);
    stream_edit_end(&edit);
    return was_there;
}

static uint64_t trim(const struct stream_trim *how)
{
    struct stream_edit edit = begin();
    uint64_t removed = stream_trim(&edit, how);
    stream_edit_end(&edit);
    return removed;
}

/* Reads the next field and value of an entry, from where the last one left off. */
struct pair_reader {
    const uint8_t *field, *value;
};

static struct pair_reader pairs_of(const struct stream_entry *entry)
{
    return (struct pair_reader){entry->fields, entry->values};
}

static void next_pair(const struct stream_entry *entry, struct pair_reader *reader, kv_slice *field,
                      kv_slice *value, char scratch[2][PACK_TEXT_SIZE])
{
    *field = pack_text(reader->field, scratch[0]);
    const uint8_t *at = entry->is_alike ? reader->value : pack_next(reader->field);
    *value = pack_text(at, scratch[1]);
    reader->value = pack_next(at);
    reader->field = entry->is_alike ? pack_next(reader->field) : reader->value;
}

/* ------------------------------------------------------------------------------------ the model */

/* What an entry was made of is told by its number alone. */
struct model_entry {
    kv_stream_id id;
    uint64_t number;
};

#define MODEL_MOST 20000
static struct model_entry model[MODEL_MOST];
static size_t model_count;

/* The pairs of the entry with that number, in `room`. */
struct model_pairs {
    char room[16][300];
    kv_slice pairs[16];
    size_t pair_count;
};

static void model_make(uint64_t number, struct model_pairs *made)
{
    static const char *const fields[] = {"temperature", "humidity", "1", "", "a field", "-17", "x"};
    made->pair_count = number % 11 == 0 ? 1 + number % 7 : 2;
    for (size_t i = 0; i < made->pair_count; i++) {
        const char *name = fields[number % 13 == 0 ? (number + i) % 7 : i];
        size_t size = number % 29 == 0 ? 290 : number % 20;
        char *field = made->room[2 * i], *value = made->room[2 * i + 1];
        made->pairs[2 * i] = KV_BYTES(field, (size_t)snprintf(field, 300, "%s", name));
        int written = snprintf(value, 300, "%" PRIu64, number * 7);
        if (number % 3 == 0) {
            memset(value + written, 'v', size);
            made->pairs[2 * i + 1] = KV_BYTES(value, size);
        } else {
            made->pairs[2 * i + 1] = KV_BYTES(value, (size_t)written);
        }
    }
}

static void assert_entry(const struct stream_entry *entry, const struct model_entry *expected)
{
    struct model_pairs made;
    char scratch[2][PACK_TEXT_SIZE];
    struct pair_reader reader = pairs_of(entry);
    MUST(!entry->is_deleted);
    MUST(stream_id_compare(entry->id, expected->id) == 0);
    model_make(expected->number, &made);
    MUST(entry->field_count == made.pair_count);
    for (size_t i = 0; i < made.pair_count; i++) {
        kv_slice field, value;
        next_pair(entry, &reader, &field, &value, scratch);
        MUST(slice_equal(field, made.pairs[2 * i]));
        MUST(slice_equal(value, made.pairs[2 * i + 1]));
    }
}

static void model_append(kv_stream_id id, uint64_t number)
{
    struct model_pairs made;
    model_make(number, &made);
    MUST(append(id, made.pairs, made.pair_count) == KV_OK);
    MUST(model_count < MODEL_MOST);
    model[model_count++] = (struct model_entry){id, number};
}

/* The index of the first entry with an id that is not less. */
static size_t model_from(kv_stream_id id)
{
    size_t index = 0;
    while (index < model_count && stream_id_compare(model[index].id, id) < 0) index++;
    return index;
}

static void model_take(size_t index, size_t count)
{
    memmove(model + index, model + index + count, (model_count - index - count) * sizeof *model);
    model_count -= count;
}

/* Asserts that a stream holds what the model does from one id to another, walking both ways. */
static void assert_range(const struct stream *checked, kv_stream_id first, kv_stream_id last)
{
    struct stream_cursor cursor;
    size_t index = model_from(first), end = model_from(last);
    if (end < model_count && stream_id_compare(model[end].id, last) == 0) end++;
    if (end < index) end = index;

    bool more = stream_seek(checked, first, last, KV_HEAD, &cursor);
    for (size_t i = index; i < end; i++) {
        MUST(more);
        assert_entry(&cursor.entry, &model[i]);
        more = stream_next(&cursor);
    }
    MUST(!more);
    more = stream_seek(checked, first, last, KV_TAIL, &cursor);
    for (size_t i = end; i-- > index;) {
        MUST(more);
        assert_entry(&cursor.entry, &model[i]);
        more = stream_next(&cursor);
    }
    MUST(!more);
}

static void assert_same(const struct collection *collection)
{
    stream_check(collection);
    const struct stream *checked = stream_of(collection);
    MUST(stream_length(checked) == model_count);
    assert_range(checked, ID_ZERO, STREAM_ID_MAX);
    kv_stream_id first = model_count > 0 ? model[0].id : ID_ZERO;
    kv_stream_id last = model_count > 0 ? model[model_count - 1].id : ID_ZERO;
    MUST(stream_id_compare(stream_end_id(checked, KV_HEAD), first) == 0);
    MUST(stream_id_compare(stream_end_id(checked, KV_TAIL), last) == 0);
}

/* --------------------------------------------------------------------------------- entry tests */

START_TEST(a_new_stream_is_empty_and_small)
{
    struct stream_cursor cursor;
    setup();
    ck_assert_uint_eq(stream_length(stream()), 0);
    ck_assert(collection_is_small(&held));
    ck_assert(!stream_seek(stream(), ID_ZERO, STREAM_ID_MAX, KV_HEAD, &cursor));
    ck_assert(!stream_find(stream(), ID(1, 1), &cursor));
    ck_assert(!delete_id(ID(1, 1)));
    ck_assert_uint_eq(stream()->bytes, memory.used);
    append_texts(ID(1, 1), "field", "value");
    ck_assert_uint_eq(stream()->bytes, memory.used);
    ck_assert_uint_lt(memory.used, 400);
    teardown();
}
END_TEST

START_TEST(packs_have_the_layout_of_redis)
{
    static const uint8_t expected[] = "\x02\x01\x00\x01\x01\x01\x84"
                                      "kind\x05\x00\x01"             /* 2, 0, 1, kind, 0 */
                                      "\x02\x01\x00\x01\x00\x01\x81" /* 2, 0, 0 */
                                      "a\x02\x04\x01"                /* a, 4 */
                                      "\x00\x01\x01\x01\xdf\xfd\x02" /* 0, 1, -3 */
                                      "\x01\x01\x85"                 /* 1 */
                                      "other\x06\x07\x01\x06\x01";   /* other, 7, 6 */
    setup();
    append_texts(ID(5, 3), "kind", "a");
    append_texts(ID(6, 0), "other", "7");
    const struct stream_node *node = stream()->nodes.first;
    ck_assert_uint_eq(pack_size(node->pack), sizeof expected - 1 + PACK_EMPTY_SIZE);
    ck_assert_mem_eq(pack_first(node->pack), expected, sizeof expected - 1);
    ck_assert_uint_eq(pack_count(node->pack), 17);
    ck_assert(delete_id(ID(5, 3)));
    ck_assert_uint_eq(stream_pack_count(node->pack), 1);
    ck_assert_uint_eq(stream_pack_deleted(node->pack), 1);
    ck_assert(delete_id(ID(6, 0)));
    ck_assert_ptr_null(stream()->nodes.first);
    teardown();
}
END_TEST

START_TEST(a_pack_ends_at_either_limit)
{
    setup();
    limits = (struct stream_limits){0, 3};
    for (uint64_t i = 1; i <= 10; i++) append_texts(ID(i, 0), "f", "v");
    ck_assert_uint_eq(stream_pack_count(((struct stream_node *)stream()->nodes.first)->pack), 3);
    ck_assert_uint_eq(stream_pack_count(((struct stream_node *)stream()->nodes.last)->pack), 1);
    limits = (struct stream_limits){60, 0};
    for (uint64_t i = 11; i <= 30; i++) append_texts(ID(i, 0), "f", "some value");
    const struct stream_node *last = stream()->nodes.last;
    ck_assert_uint_le(pack_size(last->pack), 60 + 20);
    ck_assert_uint_eq(stream_length(stream()), 30);
    teardown();
}
END_TEST

START_TEST(ids_count_on)
{
    kv_stream_id id = ID(5, UINT64_MAX);
    setup();
    ck_assert(stream_id_next(&id));
    ck_assert(id.ms == 6 && id.sequence == 0);
    id = STREAM_ID_MAX;
    ck_assert(!stream_id_next(&id));

    ck_assert(stream_new_id(stream(), 10, &id));
    ck_assert(id.ms == 10 && id.sequence == 0);
    append_texts(ID(20, 5), "f", "v");
    ck_assert(stream_new_id(stream(), 10, &id));
    ck_assert(id.ms == 20 && id.sequence == 6);
    append_texts(STREAM_ID_MAX, "f", "v");
    ck_assert(!stream_new_id(stream(), 10, &id));
    teardown();
}
END_TEST

static void random_step(struct random *random, uint64_t step, unsigned appends, kv_stream_id *last)
{
    unsigned what = (unsigned)random_below(random, 1000);
    if (what < appends) {
        if (random_below(random, 3) > 0) *last = ID(last->ms + random_below(random, 300), 0);
        if (stream_id_compare(*last, stream()->last) <= 0)
            *last = ID(stream()->last.ms, stream()->last.sequence + 1 + random_below(random, 200));
        model_append(*last, step);
    } else if (what < 990 && model_count > 0) {
        size_t index = (size_t)random_below(random, model_count);
        if (random_below(random, 4) == 0) index = index % 50;
        kv_stream_id id = model[index].id;
        MUST(delete_id(id));
        MUST(!delete_id(id));
        model_take(index, 1);
    } else if (model_count > 0) {
        struct stream_trim how = {.by_id = random_below(random, 2) == 0};
        size_t kept = model_count - (size_t)random_below(random, 300) % (model_count + 1);
        how.length = kept;
        how.first = model[model_count - (kept > 0 ? kept : 1)].id;
        how.in_packs = random_below(random, 2) == 0;
        if (how.in_packs && random_below(random, 2) == 0) how.limit = 1 + random_below(random, 200);
        size_t excess = how.by_id ? model_from(how.first) : model_count - kept;
        uint64_t removed = trim(&how);
        MUST(removed <= excess);
        if (!how.in_packs) MUST(removed == excess);
        if (how.limit > 0) MUST(removed <= how.limit);
        model_take(0, (size_t)removed);
    }
}

START_TEST(a_stream_does_what_the_model_does)
{
    struct random random;
    random_seed(&random, unit_seed());
    for (int round = 0; round < 12; round++) {
        setup();
        model_count = 0;
        kv_stream_id last = ID(1000, 0);
        limits.count = (uint64_t[]){100, 10, 1, 0}[round % 4];
        limits.size = (uint64_t[]){4096, 0, 500}[round % 3];
        for (uint64_t step = 0; step < 4000; step++) {
            random_step(&random, step, step % 2000 < 1000 ? 700 : 350, &last);
            if (step % 128 == 0) assert_same(&held);
            if (step % 16 == 0 && model_count > 0) {
                kv_stream_id a = model[random_below(&random, model_count)].id;
                kv_stream_id b = model[random_below(&random, model_count)].id;
                a.sequence += random_below(&random, 2);
                b.ms -= random_below(&random, 2);
                assert_range(stream(), a, b);
            }
        }
        assert_same(&held);
        struct collection copy;
        ck_assert_int_eq(stream_kind.copy(&held, &other_memory, &copy), KV_OK);
        assert_same(&copy);
        ck_assert(collection_is_small(&copy) == collection_is_small(&held));
        stream_destroy(&copy, &other_memory);
        teardown();
    }
}
END_TEST

START_TEST(a_stream_that_grows_moves_out_of_its_shards_memory)
{
    setup();
    model_count = 0;
    size_t before = memory.used;
    for (uint64_t i = 1; collection_is_small(&held); i++) {
        MUST(stream()->bytes == memory.used);
        before = memory.used;
        model_append(ID(i, i), i);
    }
    ck_assert_uint_gt(before, 16 * 1024);
    ck_assert_uint_lt(before, 24 * 1024);
    ck_assert_uint_eq(memory.used, 0);
    assert_same(&held);
    teardown();
}
END_TEST

START_TEST(what_is_deleted_in_old_packs_is_given_back)
{
    setup();
    model_count = 0;
    for (uint64_t i = 1; i <= 10000; i++) model_append(ID(i, 0), 1);
    const struct large *large = collection_large(&held);
    size_t before = large->memory.used;
    for (uint64_t i = 1; i <= 10000; i++) {
        if (i % 10 == 0) continue;
        ck_assert(delete_id(ID(i, 0)));
    }
    ck_assert_uint_eq(stream_length(stream()), 1000);
    ck_assert_uint_lt(large->memory.used, before / 3);
    teardown();
}
END_TEST

START_TEST(an_entry_of_two_small_fields_takes_little)
{
    setup();
    for (uint64_t i = 0; i < 100000; i++) {
        char first[16], second[16];
        kv_slice pairs[4] = {
            KV_TEXT("sensor"), KV_BYTES(first, (size_t)snprintf(first, 16, "%06d", (int)i)),
            KV_TEXT("value"), KV_BYTES(second, (size_t)snprintf(second, 16, "%d.5", (int)i % 100))};
        MUST(append(ID(1700000000000 + i, 0), pairs, 2) == KV_OK);
    }
    const struct large *large = collection_large(&held);
    double bytes = (double)(atomic_load(&host.live_bytes)) / 100000;
    fprintf(stderr, "bytes an entry: %.1f used, %.1f held\n", (double)large->memory.used / 100000,
            bytes);
    ck_assert_double_lt(bytes, 27);
    teardown();
}
END_TEST

START_TEST(without_memory_an_entry_is_not_there)
{
    setup();
    model_count = 0;
    limits.count = 7;
    for (uint64_t i = 1; i < 1200; i++) {
        struct model_pairs made;
        model_make(i, &made);
        FIXTURE_FAIL_EACH_ALLOCATION(&host)
        {
            kv_status status = append(ID(i, 0), made.pairs, made.pair_count);
            if (status == KV_OK) model[model_count++] = (struct model_entry){ID(i, 0), i};
            MUST(status == KV_OK || status == KV_NOMEM);
            MUST(stream_length(stream()) == model_count);
            if (status == KV_OK) break;
        }
        fixture_alloc_allow(&host, FIXTURE_UNLIMITED);
        if (i % 50 == 0) assert_same(&held);
    }
    teardown();
}
END_TEST

START_TEST(deleting_needs_no_memory)
{
    setup();
    model_count = 0;
    limits = (struct stream_limits){0, 0};
    for (uint64_t i = 1; i <= 400; i++) model_append(ID(i, 0), i);
    struct stream_edit edit = begin();
    stream_node_settle(edit.memory, stream()->nodes.last); /* no room left */
    stream_edit_end(&edit);
    fixture_alloc_allow(&host, 0);
    for (size_t i = 0; i < 399; i++) {
        size_t index = (i * 7) % model_count;
        MUST(delete_id(model[index].id));
        model_take(index, 1);
        assert_same(&held);
    }
    fixture_alloc_allow(&host, FIXTURE_UNLIMITED);
    teardown();
}
END_TEST

static bool has_odd_ms(void *context, kv_stream_id id)
{
    ++*(uint64_t *)context;
    return id.ms % 2 == 1;
}

START_TEST(trimming_spares_what_may_not_go)
{
    setup();
    model_count = 0;
    limits.count = 10;
    for (uint64_t i = 1; i <= 100; i++) model_append(ID(i, 0), i);
    uint64_t asked = 0;
    struct stream_trim how = {.length = 30, .may_delete = has_odd_ms, .context = &asked};
    ck_assert_uint_eq(trim(&how), 50); /* from 1 to 99 */
    ck_assert_uint_eq(stream_length(stream()), 50);
    stream_check(&held);
    how = (struct stream_trim){.by_id = true, .first = ID(50, 0)};
    ck_assert_uint_eq(trim(&how), 24);
    ck_assert_uint_eq(stream_end_id(stream(), KV_HEAD).ms, 50);
    teardown();
}
END_TEST

/* -------------------------------------------------------------------------------- loading tests */

/* Copies all nodes of the held stream into another one, as a file would bring them. */
static kv_status load_all(struct stream_edit *edit)
{
    kv_stream_id id;
    const struct stream_node *node = stream_next_node(stream(), true, &id);
    kv_status status = KV_OK;
    for (; node != NULL && status == KV_OK; node = stream_next_node(stream(), false, &id))
        status = stream_load_node(edit, id, pack_bytes(node->pack));
    return status;
}

START_TEST(nodes_go_to_a_file_and_back)
{
    struct collection loaded;
    struct stream_edit edit;
    setup();
    model_count = 0;
    for (uint64_t i = 1; i <= 2000; i++) model_append(ID(i / 3, i), i);
    for (uint64_t i = 1; i <= 2000; i += 3) {
        MUST(delete_id(ID(i / 3, i)));
        model_take(model_from(ID(i / 3, i)), 1);
    }
    ck_assert_int_eq(stream_create(&other_memory, &loaded), KV_OK);
    ck_assert_int_eq(stream_edit_begin(&edit, &loaded, &other_memory), KV_OK);
    ck_assert_int_eq(load_all(&edit), KV_OK);
    stream_edit_end(&edit);
    assert_same(&loaded);
    ck_assert_int_eq(load_all(&edit), KV_BADARG); /* nothing may come twice */
    stream_destroy(&loaded, &other_memory);
    teardown();
}
END_TEST

START_TEST(a_damaged_pack_is_refused_or_read_safely)
{
    struct random random;
    setup();
    model_count = 0;
    for (uint64_t i = 1; i <= 12; i++) model_append(ID(i, i), i);
    MUST(delete_id(ID(4, 4)));
    const struct stream_node *node = stream()->nodes.first;
    kv_slice good = pack_bytes(node->pack);
    uint8_t *bytes = malloc(good.size);
    random_seed(&random, unit_seed());
    int refused = 0;
    for (int round = 0; round < 20000; round++) {
        memcpy(bytes, good.data, good.size);
        for (int i = 0; i < 1 + round % 3; i++) {
            size_t at = PACK_HEADER + (size_t)random_below(&random, good.size - PACK_HEADER);
            bytes[at] = (uint8_t)random_next(&random);
        }
        kv_slice listpack = KV_BYTES(bytes, good.size);
        if (!pack_validate(listpack, true)) continue;
        struct collection loaded;
        struct stream_edit edit;
        MUST(stream_create(&other_memory, &loaded) == KV_OK);
        MUST(stream_edit_begin(&edit, &loaded, &other_memory) == KV_OK);
        kv_status status = stream_load_node(&edit, ID(1, 1), listpack);
        stream_edit_end(&edit);
        MUST(status == KV_OK || status == KV_BADARG);
        stream_check(&loaded);
        refused += status != KV_OK;
        stream_destroy(&loaded, &other_memory);
    }
    ck_assert_int_gt(refused, 100);
    free(bytes);
    teardown();
}
END_TEST

/* ---------------------------------------------------------------------------------- group tests */

static struct stream_group *make_group(const char *name)
{
    struct stream_edit edit = begin();
    struct stream_group *group;
    MUST(stream_group_create(&edit, KV_TEXT(name), &group) == KV_OK);
    stream_edit_end(&edit);
    return group;
}

static struct stream_consumer *make_consumer(struct stream_group *group, const char *name)
{
    struct stream_edit edit = begin();
    struct stream_consumer *consumer;
    MUST(stream_consumer_create(&edit, group, KV_TEXT(name), 1, &consumer) == KV_OK);
    stream_edit_end(&edit);
    return consumer;
}

static kv_status give(struct stream_group *group, struct stream_consumer *consumer, kv_stream_id id)
{
    struct stream_edit edit = begin();
    kv_status status = stream_hold(&edit, group, consumer, id);
    if (status == KV_OK) stream_assign(&edit, group, consumer, id)->deliveries++;
    stream_edit_end(&edit);
    return status;
}

START_TEST(names_are_found_and_in_order)
{
    static const char *const names[] = {
        "workers",  "a",        "", "workers of the night shift", "w", "workers of the day shift",
        "zzzzzzzz", "zzzzzzzzz"};
    setup();
    for (size_t i = 0; i < 8; i++) {
        ck_assert_ptr_null(stream_group_find(stream(), KV_TEXT(names[i])));
        struct stream_group *group = make_group(names[i]);
        ck_assert_ptr_eq(stream_group_find(stream(), KV_TEXT(names[i])), group);
        stream_check(&held);
    }
    struct sorted_place place;
    kv_slice before = KV_TEXT("");
    bool more = sorted_end(&stream()->groups, KV_HEAD, &place);
    for (; more; more = sorted_next(&stream()->groups, &place)) {
        ck_assert_int_le(slice_compare(before, stream_group_at(stream(), &place)->name), 0);
        before = stream_group_at(stream(), &place)->name;
    }
    struct stream_edit edit = begin();
    stream_group_destroy(&edit, stream_group_find(stream(), KV_TEXT("w")));
    stream_edit_end(&edit);
    ck_assert_ptr_null(stream_group_find(stream(), KV_TEXT("w")));
    ck_assert_ptr_nonnull(stream_group_find(stream(), KV_TEXT("workers")));
    teardown();
}
END_TEST

/* Which consumer has an entry, 0 for none, and how often it was given. */
#define IDS       2000
#define CONSUMERS 5
static unsigned owner_of[IDS];
static uint64_t given[IDS];

static void assert_same_group(const struct stream_group *group)
{
    struct stream_consumer *consumers[CONSUMERS + 1] = {NULL};
    uint64_t counts[CONSUMERS + 1] = {0};
    stream_check(&held);
    for (unsigned i = 1; i <= CONSUMERS; i++) {
        char name[2] = {(char)('a' + i), '\0'};
        consumers[i] = stream_consumer_find(group, KV_TEXT(name));
    }
    for (size_t i = 0; i < IDS; i++) {
        const struct stream_pending *pending = stream_pending_find(group, ID(i / 5, i % 5));
        MUST((pending != NULL) == (owner_of[i] != 0));
        if (pending == NULL) continue;
        MUST(pending->consumer == consumers[owner_of[i]]);
        MUST(pending->deliveries == given[i]);
        counts[owner_of[i]]++;
    }
    for (unsigned i = 1; i <= CONSUMERS; i++)
        if (consumers[i] != NULL) MUST(sorted_count(&consumers[i]->pending) == counts[i]);
}

static void group_step(struct random *random, struct stream_group *group)
{
    size_t index = (size_t)random_below(random, IDS);
    unsigned who = 1 + (unsigned)random_below(random, CONSUMERS);
    char name[2] = {(char)('a' + who), '\0'};
    struct stream_consumer *consumer = stream_consumer_find(group, KV_TEXT(name));
    unsigned what = (unsigned)random_below(random, 1000);
    if (what < 500) {
        if (consumer == NULL) consumer = make_consumer(group, name);
        MUST(give(group, consumer, ID(index / 5, index % 5)) == KV_OK);
        given[index] += owner_of[index] == 0 ? 2 : 1; /* one that is new has 1 */
        owner_of[index] = who;
    } else if (what < 997) {
        struct stream_edit edit = begin();
        MUST(stream_acknowledge(&edit, group, ID(index / 5, index % 5)) == (owner_of[index] != 0));
        stream_edit_end(&edit);
        owner_of[index] = 0;
        given[index] = 0;
    } else if (consumer != NULL) {
        struct stream_edit edit = begin();
        stream_consumer_destroy(&edit, group, consumer);
        stream_edit_end(&edit);
        for (size_t i = 0; i < IDS; i++) {
            if (owner_of[i] != who) continue;
            owner_of[i] = 0;
            given[i] = 0;
        }
    }
}

START_TEST(groups_do_what_the_model_does)
{
    struct random random;
    random_seed(&random, unit_seed());
    setup();
    memset(owner_of, 0, sizeof owner_of);
    memset(given, 0, sizeof given);
    (void)make_group("other");
    (void)make_group("group");
    for (int step = 0; step < 40000; step++) {
        /* The stream, and with it the group, may have moved. */
        struct stream_edit edit = begin();
        stream_edit_end(&edit);
        group_step(&random, stream_group_find(stream(), KV_TEXT("group")));
        if (step % 1000 == 0) assert_same_group(stream_group_find(stream(), KV_TEXT("group")));
    }
    assert_same_group(stream_group_find(stream(), KV_TEXT("group")));
    struct collection copy;
    ck_assert_int_eq(stream_kind.copy(&held, &other_memory, &copy), KV_OK);
    struct collection original = held;
    held = copy;
    assert_same_group(stream_group_find(stream(), KV_TEXT("group")));
    held = original;
    stream_destroy(&copy, &other_memory);
    teardown();
}
END_TEST

START_TEST(what_is_held_is_let_go_without_a_trace)
{
    setup();
    struct stream_group *group = make_group("group");
    struct stream_consumer *a = make_consumer(group, "a");
    struct stream_consumer *b = make_consumer(group, "b");
    for (uint64_t i = 1; i <= 40; i++) MUST(give(group, i % 2 == 0 ? a : b, ID(i, 0)) == KV_OK);
    FIXTURE_FAIL_EACH_ALLOCATION(&host)
    {
        struct stream_edit edit;
        kv_status status = stream_edit_begin(&edit, &held, &memory);
        uint64_t done = 0;
        while (status == KV_OK && done < 80) {
            status = stream_hold(&edit, group, a, ID(done + 1, 0));
            if (status == KV_OK) done++;
        }
        for (uint64_t i = 0; i < done; i++) stream_let_go(&edit, group, a, ID(i + 1, 0));
        stream_edit_end(&edit);
        stream_check(&held);
        ck_assert_uint_eq(sorted_count(&group->pending), 40);
        ck_assert_uint_eq(sorted_count(&a->pending), 20);
    }
    teardown();
}
END_TEST

int main(void)
{
    return UNIT_RUN("stream value", a_new_stream_is_empty_and_small, packs_have_the_layout_of_redis,
                    a_pack_ends_at_either_limit, ids_count_on, a_stream_does_what_the_model_does,
                    a_stream_that_grows_moves_out_of_its_shards_memory,
                    what_is_deleted_in_old_packs_is_given_back,
                    an_entry_of_two_small_fields_takes_little, without_memory_an_entry_is_not_there,
                    deleting_needs_no_memory, trimming_spares_what_may_not_go,
                    nodes_go_to_a_file_and_back, a_damaged_pack_is_refused_or_read_safely,
                    names_are_found_and_in_order, groups_do_what_the_model_does,
                    what_is_held_is_let_go_without_a_trace);
}
