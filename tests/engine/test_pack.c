/*
 * tests/engine/test_pack.c -- structures/pack.h: a small collection in Redis's listpack format.
 */
#include "structures/pack.h"

#include "base/random.h"

#include "fixture_memory.h"
#include "model_sequence.h"

/* -------------------------------------------------------------------------------------- helpers */

static struct pack *new_pack(void)
{
    struct pack *pack;
    ck_assert_int_eq(pack_create(&memory, 0, KV_TAIL, &pack), KV_OK);
    pack_check(pack);
    return pack;
}

static struct pack_run measure(const kv_slice *values, size_t count)
{
    struct pack_run run;
    ck_assert_int_eq(pack_measure(values, count, &run), KV_OK);
    return run;
}

static void push(struct pack **pack, kv_end end, kv_slice value)
{
    struct pack_run run = measure(&value, 1);
    ck_assert_int_eq(pack_reserve(&memory, pack, run.size, end), KV_OK);
    pack_push(*pack, end, &run);
    pack_check(*pack);
}

/* A pack of the given texts, in order. */
#define PACK_OF(...) pack_of((const char *const[]){__VA_ARGS__, NULL})

static struct pack *pack_of(const char *const *texts)
{
    struct pack *pack = new_pack();
    for (; *texts != NULL; texts++) push(&pack, KV_TAIL, KV_TEXT(*texts));
    return pack;
}

static bool item_is(const uint8_t *at, kv_slice value)
{
    char scratch[PACK_TEXT_SIZE];
    kv_slice text = pack_text(at, scratch);
    return text.size == value.size &&
           (text.size == 0 || memcmp(text.data, value.data, value.size) == 0);
}

/* Walks both ways and asserts that the pack holds what the model does. */
static void assert_holds(const struct pack *pack, const struct model_sequence *model)
{
    ck_assert_uint_eq(pack_count(pack), model->count);
    const uint8_t *at = pack_first(pack);
    for (size_t i = 0; i < model->count; i++) {
        MUST(item_is(at, model_at(model, i)));
        at = pack_next(at);
    }
    ck_assert_uint_eq(*at, PACK_END);
    ck_assert_ptr_eq(at, pack_end(pack));
    for (size_t i = model->count; i-- > 0;) {
        at = pack_prev(pack, at);
        MUST(at != NULL);
        MUST(item_is(at, model_at(model, i)));
    }
    ck_assert_ptr_null(pack_prev(pack, at));
}

static void assert_texts(const struct pack *pack, const char *const *texts)
{
    struct model_sequence model = {0};
    for (; *texts != NULL; texts++) model_insert(&model, model.count, KV_TEXT(*texts));
    assert_holds(pack, &model);
    model_free(&model);
}

#define ASSERT_TEXTS(pack, ...) assert_texts((pack), (const char *const[]){__VA_ARGS__, NULL})

/* --------------------------------------------------------------------------------------- format */

/* From the format's description; Redis 7.0 writes the same bytes into its RDB files. */
static const struct {
    const char *text;
    size_t size;
    uint8_t bytes[16];
} encodings[] = {
    {"0", 2, {0x00, 1}},
    {"127", 2, {0x7F, 1}},
    {"128", 3, {0xC0, 0x80, 2}},
    {"4095", 3, {0xCF, 0xFF, 2}},
    {"4096", 4, {0xF1, 0x00, 0x10, 3}},
    {"-1", 3, {0xDF, 0xFF, 2}},
    {"-4096", 3, {0xD0, 0x00, 2}},
    {"-4097", 4, {0xF1, 0xFF, 0xEF, 3}},
    {"32767", 4, {0xF1, 0xFF, 0x7F, 3}},
    {"-32768", 4, {0xF1, 0x00, 0x80, 3}},
    {"32768", 5, {0xF2, 0x00, 0x80, 0x00, 4}},
    {"-32769", 5, {0xF2, 0xFF, 0x7F, 0xFF, 4}},
    {"8388607", 5, {0xF2, 0xFF, 0xFF, 0x7F, 4}},
    {"-8388608", 5, {0xF2, 0x00, 0x00, 0x80, 4}},
    {"8388608", 6, {0xF3, 0x00, 0x00, 0x80, 0x00, 5}},
    {"-8388609", 6, {0xF3, 0xFF, 0xFF, 0x7F, 0xFF, 5}},
    {"2147483647", 6, {0xF3, 0xFF, 0xFF, 0xFF, 0x7F, 5}},
    {"-2147483648", 6, {0xF3, 0x00, 0x00, 0x00, 0x80, 5}},
    {"2147483648", 10, {0xF4, 0, 0, 0, 0x80, 0, 0, 0, 0, 9}},
    {"9223372036854775807", 10, {0xF4, 255, 255, 255, 255, 255, 255, 255, 0x7F, 9}},
    {"-9223372036854775808", 10, {0xF4, 0, 0, 0, 0, 0, 0, 0, 0x80, 9}},
    {"", 2, {0x80, 1}},
    {"a", 3, {0x81, 'a', 2}},
    {"hello", 7, {0x85, 'h', 'e', 'l', 'l', 'o', 6}},
    {"-", 3, {0x81, '-', 2}},
    {"-0", 4, {0x82, '-', '0', 3}},
    {"01", 4, {0x82, '0', '1', 3}},
    {"+1", 4, {0x82, '+', '1', 3}},
    {" 1", 4, {0x82, ' ', '1', 3}},
    {"1.0", 5, {0x83, '1', '.', '0', 4}},
};

START_TEST(every_value_has_its_published_bytes)
{
    fixture_memory_begin();
    for (size_t i = 0; i < sizeof encodings / sizeof *encodings; i++) {
        kv_slice value = KV_TEXT(encodings[i].text);
        struct pack *pack = new_pack();
        push(&pack, KV_TAIL, value);
        ck_assert_uint_eq(pack_value_size(value), encodings[i].size);
        ck_assert_uint_eq(pack_size(pack), PACK_EMPTY_SIZE + encodings[i].size);
        ck_assert_mem_eq(pack_first(pack), encodings[i].bytes, encodings[i].size);
        ck_assert(item_is(pack_first(pack), value));
        pack_destroy(&memory, pack);
    }
    fixture_memory_end();
}
END_TEST

START_TEST(an_integer_out_of_range_stays_text)
{
    fixture_memory_begin();
    const char *texts[] = {"9223372036854775808", "-9223372036854775809", "99999999999999999999"};
    for (size_t i = 0; i < 3; i++) {
        struct pack *pack = PACK_OF(texts[i]);
        ck_assert(!pack_get(pack_first(pack)).is_integer);
        ck_assert(item_is(pack_first(pack), KV_TEXT(texts[i])));
        pack_destroy(&memory, pack);
    }
    fixture_memory_end();
}
END_TEST

START_TEST(an_empty_pack_is_seven_bytes)
{
    fixture_memory_begin();
    struct pack *pack = new_pack();
    kv_slice bytes = pack_bytes(pack);
    ck_assert_uint_eq(bytes.size, 7);
    ck_assert_mem_eq(bytes.data, ((uint8_t[]){7, 0, 0, 0, 0, 0, 0xFF}), 7);
    ck_assert_ptr_null(pack_last(pack));
    ck_assert_ptr_null(pack_seek(pack, 0));
    pack_destroy(&memory, pack);
    fixture_memory_end();
}
END_TEST

START_TEST(the_header_states_size_and_count)
{
    fixture_memory_begin();
    struct pack *pack = PACK_OF("a", "1024");
    const uint8_t expected[] = {13, 0, 0, 0, 2, 0, 0x81, 'a', 2, 0xC4, 0x00, 2, 0xFF};
    ck_assert_uint_eq(pack_size(pack), sizeof expected);
    ck_assert_mem_eq(pack_bytes(pack).data, expected, sizeof expected);
    pack_destroy(&memory, pack);
    fixture_memory_end();
}
END_TEST

START_TEST(texts_take_the_shortest_head_and_back_length)
{
    static const struct {
        size_t size, head, back;
    } cases[] = {
        {63, 1, 1},    {64, 2, 1},    {125, 2, 1},   {126, 2, 2},     {4095, 2, 2},    {4096, 5, 2},
        {16377, 5, 2}, {16378, 5, 3}, {65536, 5, 3}, {2097145, 5, 3}, {2097146, 5, 4},
    };
    fixture_memory_begin();
    char *text = malloc(2097146);
    memset(text, 'x', 2097146);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kv_slice value = KV_BYTES(text, cases[i].size);
        struct pack *pack = PACK_OF("before");
        push(&pack, KV_TAIL, value);
        push(&pack, KV_TAIL, KV_TEXT("behind"));
        const uint8_t *at = pack_seek(pack, 1);
        ck_assert_uint_eq(pack_entry_size(at), cases[i].size + cases[i].head);
        ck_assert_uint_eq(pack_element_size(at), cases[i].size + cases[i].head + cases[i].back);
        ck_assert(item_is(at, value));
        ck_assert_ptr_eq(pack_prev(pack, pack_last(pack)), at);
        pack_destroy(&memory, pack);
    }
    ck_assert_uint_eq(pack_back_size(268435454), 4);
    ck_assert_uint_eq(pack_back_size(268435455), 5);
    free(text);
    fixture_memory_end();
}
END_TEST

START_TEST(more_than_65534_elements_are_counted_by_walking)
{
    fixture_memory_begin();
    static kv_slice values[70000];
    for (size_t i = 0; i < 70000; i++) values[i] = KV_TEXT("7");
    struct pack_run run = measure(values, 70000);
    struct pack *pack = new_pack();
    ck_assert_int_eq(pack_reserve(&memory, &pack, run.size, KV_TAIL), KV_OK);
    pack_push(pack, KV_TAIL, &run);
    pack_check(pack);
    ck_assert_uint_eq(bytes_load16(pack_begin(pack) + 4), 65535);
    ck_assert_uint_eq(pack_count(pack), 70000);
    ck_assert_ptr_nonnull(pack_seek(pack, 69999));
    ck_assert_ptr_null(pack_seek(pack, 70000));

    pack_delete(pack, pack_first(pack), 69998);
    pack_check(pack);
    ck_assert_uint_eq(pack_count(pack), 2);
    pack_destroy(&memory, pack);
    fixture_memory_end();
}
END_TEST

/* -------------------------------------------------------------------------------------- editing */

START_TEST(values_pushed_at_the_head_end_up_reversed)
{
    fixture_memory_begin();
    kv_slice values[] = {KV_TEXT("a"), KV_TEXT("b"), KV_TEXT("c")};
    struct pack_run run = measure(values, 3);
    struct pack *pack = PACK_OF("x");
    ck_assert_int_eq(pack_reserve(&memory, &pack, run.size, KV_HEAD), KV_OK);
    pack_push(pack, KV_HEAD, &run);
    pack_check(pack);
    ASSERT_TEXTS(pack, "c", "b", "a", "x");
    pack_destroy(&memory, pack);
    fixture_memory_end();
}
END_TEST

START_TEST(work_at_the_ends_moves_no_other_element)
{
    fixture_memory_begin();
    struct pack *pack = PACK_OF("a", "middle", "z");
    ck_assert_int_eq(pack_reserve(&memory, &pack, 64, KV_TAIL), KV_OK);
    const uint8_t *middle = pack_seek(pack, 1);

    pack_delete(pack, pack_first(pack), 1);
    ck_assert_ptr_eq(pack_seek(pack, 0), middle);
    pack_delete(pack, pack_last(pack), 1);
    ck_assert_ptr_eq(pack_seek(pack, 0), middle);
    push(&pack, KV_HEAD, KV_TEXT("b")); /* into the room the first one left */
    ck_assert_ptr_eq(pack_seek(pack, 1), middle);
    push(&pack, KV_TAIL, KV_TEXT("y"));
    ck_assert_ptr_eq(pack_seek(pack, 1), middle);
    ASSERT_TEXTS(pack, "b", "middle", "y");
    pack_destroy(&memory, pack);
    fixture_memory_end();
}
END_TEST

START_TEST(a_queue_that_keeps_its_length_keeps_its_block)
{
    fixture_memory_begin();
    struct pack *pack = new_pack();
    for (int i = 0; i < 100; i++) push(&pack, KV_HEAD, KV_TEXT("element"));
    size_t block = 0;
    for (int i = 0; i < 5000; i++) {
        push(&pack, KV_HEAD, KV_TEXT("element"));
        pack_delete(pack, pack_last(pack), 1);
        if (i == 1000) block = pack_block_size(pack);
        if (i > 1000) ck_assert_uint_eq(pack_block_size(pack), block);
    }
    ck_assert_uint_le(block, pack_size(pack) * 5 / 4);
    pack_destroy(&memory, pack);
    fixture_memory_end();
}
END_TEST

START_TEST(replace_changes_one_element_to_any_size)
{
    fixture_memory_begin();
    struct pack *pack = PACK_OF("a", "b", "c");
    const char *texts[] = {"longer than it was", "7", "", "-70000"};
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(pack_reserve(&memory, &pack, pack_value_size(KV_TEXT(texts[i])), KV_TAIL),
                         KV_OK);
        pack_replace(pack, pack_seek(pack, 1), KV_TEXT(texts[i]));
        pack_check(pack);
        ASSERT_TEXTS(pack, "a", texts[i], "c");
    }
    pack_destroy(&memory, pack);
    fixture_memory_end();
}
END_TEST

START_TEST(split_and_merge_are_inverse)
{
    fixture_memory_begin();
    for (size_t cut = 0; cut <= 5; cut++) {
        struct pack *pack = PACK_OF("a", "1000", "c", "", "e");
        struct pack *tail;
        const uint8_t *at = cut < 5 ? pack_seek(pack, cut) : pack_end(pack);
        ck_assert_int_eq(pack_create(&memory, pack_size(pack), KV_TAIL, &tail), KV_OK);
        pack_split(pack, at, tail);
        pack_check(pack);
        pack_check(tail);
        ck_assert_uint_eq(pack_count(pack), cut);
        ck_assert_uint_eq(pack_count(tail), 5 - cut);

        pack_merge(pack, KV_TAIL, tail);
        pack_check(pack);
        ASSERT_TEXTS(pack, "a", "1000", "c", "", "e");
        pack_delete(pack, pack_first(pack), 5);
        ck_assert_int_eq(pack_reserve(&memory, &pack, pack_size(tail), KV_HEAD), KV_OK);
        pack_merge(pack, KV_HEAD, tail);
        ck_assert_uint_eq(pack_count(pack), 5 - cut);
        pack_destroy(&memory, pack);
        pack_destroy(&memory, tail);
    }
    fixture_memory_end();
}
END_TEST

START_TEST(elements_are_copied_from_pack_to_pack)
{
    fixture_memory_begin();
    struct pack *from = PACK_OF("a", "1000", "c", "d");
    struct pack *to = PACK_OF("x");
    ck_assert_int_eq(pack_reserve(&memory, &to, pack_size(from), KV_TAIL), KV_OK);
    pack_copy(to, KV_TAIL, pack_seek(from, 1), 2);
    pack_check(to);
    ASSERT_TEXTS(to, "x", "1000", "c");
    ck_assert_int_eq(pack_reserve(&memory, &to, pack_size(from), KV_HEAD), KV_OK);
    pack_copy(to, KV_HEAD, pack_seek(from, 2), 2);
    pack_check(to);
    ASSERT_TEXTS(to, "c", "d", "x", "1000", "c");
    ASSERT_TEXTS(from, "a", "1000", "c", "d");
    pack_destroy(&memory, from);
    pack_destroy(&memory, to);
    fixture_memory_end();
}
END_TEST

START_TEST(fit_gives_spare_room_back)
{
    fixture_memory_begin();
    struct pack *pack = new_pack();
    for (int i = 0; i < 100; i++) push(&pack, KV_TAIL, KV_TEXT("an element"));
    size_t before = pack_block_size(pack);
    pack_delete(pack, pack_first(pack), 98);
    ck_assert_uint_eq(pack_block_size(pack), before);
    pack_fit(&memory, &pack, before);
    ck_assert_uint_eq(pack_block_size(pack), before); /* so much it may keep */
    pack_fit(&memory, &pack, 100);
    pack_check(pack);
    ck_assert_uint_lt(pack_block_size(pack), 64);
    ASSERT_TEXTS(pack, "an element", "an element");

    struct pack *same = pack;
    pack_fit(&memory, &pack, 0); /* nothing to gain now */
    ck_assert_ptr_eq(pack, same);
    pack_destroy(&memory, pack);
    fixture_memory_end();
}
END_TEST

/* -------------------------------------------------------------------------------------- finding */

START_TEST(find_passes_over_what_it_is_told_to_skip)
{
    fixture_memory_begin();
    struct pack *pack = PACK_OF("field", "value", "value", "field", "7", "7");
    struct pack_needle value = pack_needle(KV_TEXT("value"));
    struct pack_needle seven = pack_needle(KV_TEXT("7"));
    struct pack_needle absent = pack_needle(KV_TEXT("8"));
    const uint8_t *first = pack_first(pack);
    ck_assert_ptr_eq(pack_find(first, &value, 0), pack_seek(pack, 1));
    ck_assert_ptr_eq(pack_find(first, &value, 1), pack_seek(pack, 2));
    ck_assert_ptr_eq(pack_find(first, &seven, 1), pack_seek(pack, 4));
    ck_assert_ptr_null(pack_find(first, &seven, 2));
    ck_assert_ptr_null(pack_find(first, &absent, 0));
    ck_assert_ptr_null(pack_find(pack_end(pack), &value, 0));
    pack_destroy(&memory, pack);
    fixture_memory_end();
}
END_TEST

START_TEST(an_integer_kept_as_text_by_a_stranger_is_found)
{
    fixture_memory_begin();
    const uint8_t bytes[] = {12, 0, 0, 0, 1, 0, 0x83, '1', '2', '3', 4, 0xFF};
    struct pack *pack;
    ck_assert(pack_validate(KV_BYTES(bytes, sizeof bytes), true));
    ck_assert_int_eq(pack_load(&memory, KV_BYTES(bytes, sizeof bytes), &pack), KV_OK);
    struct pack_needle needle = pack_needle(KV_TEXT("123"));
    ck_assert(pack_equals(pack_first(pack), &needle));
    pack_destroy(&memory, pack);
    fixture_memory_end();
}
END_TEST

START_TEST(only_the_equal_elements_at_one_end_are_deleted)
{
    fixture_memory_begin();
    struct pack_needle x = pack_needle(KV_TEXT("x"));
    struct pack *pack = PACK_OF("x", "a", "x", "x", "b", "x");
    ck_assert_uint_eq(pack_delete_equal(pack, &x, 2, KV_TAIL), 2);
    pack_check(pack);
    ASSERT_TEXTS(pack, "x", "a", "x", "b");
    ck_assert_uint_eq(pack_delete_equal(pack, &x, 1, KV_HEAD), 1);
    pack_check(pack);
    ASSERT_TEXTS(pack, "a", "x", "b");
    ck_assert_uint_eq(pack_delete_equal(pack, &x, SIZE_MAX, KV_TAIL), 1);
    pack_check(pack);
    ASSERT_TEXTS(pack, "a", "b");
    ck_assert_uint_eq(pack_delete_equal(pack, &x, SIZE_MAX, KV_HEAD), 0);
    pack_destroy(&memory, pack);
    fixture_memory_end();
}
END_TEST

/* ------------------------------------------------------------------------------ limits, failure */

START_TEST(a_pack_never_exceeds_its_limit)
{
    fixture_memory_begin();
    /* Measured, not read: the texts need not be there. */
    char byte = 'x';
    kv_slice huge[] = {KV_BYTES(&byte, PACK_SIZE_MAX / 2), KV_BYTES(&byte, PACK_SIZE_MAX / 2)};
    kv_slice largest = KV_BYTES(&byte, PACK_SIZE_MAX - PACK_EMPTY_SIZE - 10);
    kv_slice beyond = KV_BYTES(&byte, SIZE_MAX);
    struct pack_run run;
    ck_assert_int_eq(pack_measure(huge, 1, &run), KV_OK);
    ck_assert_int_eq(pack_measure(huge, 2, &run), KV_TOOBIG);
    ck_assert_int_eq(pack_measure(&largest, 1, &run), KV_OK);
    ck_assert_uint_eq(run.size, PACK_SIZE_MAX - PACK_EMPTY_SIZE);
    largest.size++;
    ck_assert_int_eq(pack_measure(&largest, 1, &run), KV_TOOBIG);
    ck_assert_int_eq(pack_measure(&beyond, 1, &run), KV_TOOBIG);

    struct pack *pack = PACK_OF("a");
    struct pack *other;
    ck_assert_int_eq(pack_reserve(&memory, &pack, PACK_SIZE_MAX - 9, KV_TAIL), KV_TOOBIG);
    ck_assert_int_eq(pack_reserve(&memory, &pack, SIZE_MAX, KV_HEAD), KV_TOOBIG);
    ck_assert_int_eq(pack_create(&memory, PACK_SIZE_MAX - 6, KV_TAIL, &other), KV_TOOBIG);
    ck_assert_int_eq(pack_create(&memory, SIZE_MAX, KV_TAIL, &other), KV_TOOBIG);
    ASSERT_TEXTS(pack, "a");
    pack_destroy(&memory, pack);
    fixture_memory_end();
}
END_TEST

START_TEST(a_reservation_that_fails_changes_nothing)
{
    fixture_memory_begin();
    struct pack *pack = PACK_OF("a", "b", "c");
    kv_slice before = pack_bytes(pack);
    fixture_alloc_allow(&host, 0);
    ck_assert_int_eq(pack_reserve(&memory, &pack, 100000, KV_TAIL), KV_NOMEM);
    struct pack *other = NULL;
    ck_assert_int_eq(pack_create(&memory, 100000, KV_TAIL, &other), KV_NOMEM);
    ck_assert_ptr_null(other);
    fixture_alloc_allow(&host, FIXTURE_UNLIMITED);
    ck_assert_ptr_eq(pack_bytes(pack).data, before.data);
    ASSERT_TEXTS(pack, "a", "b", "c");
    pack_destroy(&memory, pack);
    fixture_memory_end();
}
END_TEST

START_TEST(fit_without_memory_leaves_the_pack_where_it_is)
{
    fixture_memory_begin();
    struct pack *pack = new_pack();
    for (int i = 0; i < 1000; i++) push(&pack, KV_TAIL, KV_TEXT("an element of some size"));
    pack_delete(pack, pack_first(pack), 900);
    struct pack *same = pack;
    fixture_alloc_allow(&host, 0);
    pack_fit(&memory, &pack, 0);
    fixture_alloc_allow(&host, FIXTURE_UNLIMITED);
    ck_assert_ptr_eq(pack, same);
    ck_assert_uint_eq(pack_count(pack), 100);
    pack_check(pack);
    pack_destroy(&memory, pack);
    fixture_memory_end();
}
END_TEST

/* --------------------------------------------------------------------------- bytes from outside */

START_TEST(validation_refuses_what_is_no_listpack)
{
    static const struct {
        const char *what;
        size_t size;
        uint8_t bytes[24];
    } cases[] = {
        {"nothing", 0, {0}},
        {"no end", 6, {6, 0, 0, 0, 0, 0}},
        {"a size too small", 7, {6, 0, 0, 0, 0, 0, 0xFF}},
        {"a size too large", 7, {8, 0, 0, 0, 0, 0, 0xFF}},
        {"another last byte", 7, {7, 0, 0, 0, 0, 0, 0xFE}},
        {"a count too small", 9, {9, 0, 0, 0, 0, 0, 1, 1, 0xFF}},
        {"a count too large", 9, {9, 0, 0, 0, 2, 0, 1, 1, 0xFF}},
        {"a wrong back length", 9, {9, 0, 0, 0, 1, 0, 1, 2, 0xFF}},
        {"a back length of no bytes", 8, {8, 0, 0, 0, 1, 0, 1, 0xFF}},
        {"a back length too wide", 10, {10, 0, 0, 0, 1, 0, 1, 0, 0x81, 0xFF}},
        {"an end within", 9, {9, 0, 0, 0, 1, 0, 0xFF, 1, 0xFF}},
        {"an unknown head", 9, {9, 0, 0, 0, 1, 0, 0xF5, 1, 0xFF}},
        {"a short text cut off", 9, {9, 0, 0, 0, 1, 0, 0x85, 1, 0xFF}},
        {"a text of 12 bits cut off", 9, {9, 0, 0, 0, 1, 0, 0xE0, 100, 0xFF}},
        {"a head of two bytes cut off", 8, {8, 0, 0, 0, 1, 0, 0xE0, 0xFF}},
        {"an int of 13 bits cut off", 8, {8, 0, 0, 0, 1, 0, 0xC0, 0xFF}},
        {"an int of 64 bits cut off", 12, {12, 0, 0, 0, 1, 0, 0xF4, 0, 0, 0, 0, 0xFF}},
        {"a text longer than a size_t", 13, {13, 0, 0, 0, 1, 0, 0xF0, 255, 255, 255, 255, 5, 0xFF}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kv_slice bytes = KV_BYTES(cases[i].bytes, cases[i].size);
        ck_assert_msg(!pack_validate(bytes, true), "%s", cases[i].what);
    }
    const uint8_t good[] = {9, 0, 0, 0, 1, 0, 1, 1, 0xFF};
    const uint8_t unknown_count[] = {9, 0, 0, 0, 255, 255, 1, 1, 0xFF};
    const uint8_t rotten[] = {9, 0, 0, 0, 1, 0, 0x85, 1, 0xFF};
    ck_assert(pack_validate(KV_BYTES(good, 9), true));
    ck_assert(pack_validate(KV_BYTES(unknown_count, 9), true));
    ck_assert(pack_validate(KV_BYTES(rotten, 9), false)); /* fine from outside */
}
END_TEST

START_TEST(whatever_passes_validation_can_be_walked)
{
    fixture_memory_begin();
    struct random random;
    random_seed(&random, unit_seed());
    struct pack *pack = PACK_OF("a", "1000", "70000",
                                "longer text, of more than sixty-four bytes, so that "
                                "its head takes two",
                                "-5", "9223372036854775807", "");
    size_t size = pack_size(pack);
    unsigned passed = 0;
    for (int round = 0; round < 30000; round++) {
        uint8_t *bytes = malloc(size);
        memcpy(bytes, pack_bytes(pack).data, size);
        for (uint64_t i = random_below(&random, 4); i > 0; i--) {
            bytes[random_below(&random, size)] = (uint8_t)random_next(&random);
        }
        struct pack *loaded;
        if (pack_validate(KV_BYTES(bytes, size), true)) {
            passed++;
            ck_assert_int_eq(pack_load(&memory, KV_BYTES(bytes, size), &loaded), KV_OK);
            pack_check(loaded);
            pack_destroy(&memory, loaded);
        }
        free(bytes);
    }
    ck_assert_uint_gt(passed, 0);
    pack_destroy(&memory, pack);
    fixture_memory_end();
}
END_TEST

/* ------------------------------------------------------------------------------ against a model */

/* A value of many kinds: few different ones, so that searches find some. */
static kv_slice random_value(struct random *random, char *room)
{
    switch (random_below(random, 6)) {
    case 0: return KV_BYTES(room, (size_t)snprintf(room, 64, "%d", (int)random_below(random, 20)));
    case 1: {
        int64_t number = (int64_t)(random_next(random) >> random_below(random, 64));
        return KV_BYTES(room, (size_t)snprintf(room, 64, "%" PRId64, number));
    }
    case 2: return KV_BYTES(room, (size_t)snprintf(room, 64, "0%d", (int)random_below(random, 9)));
    case 3: memset(room, 'x', 300); return KV_BYTES(room, random_below(random, 300));
    default: return KV_BYTES(room, (size_t)snprintf(room, 64, "e%d", (int)random_below(random, 9)));
    }
}

START_TEST(a_pack_does_what_the_model_does)
{
    fixture_memory_begin();
    struct random random;
    random_seed(&random, unit_seed());
    struct pack *pack = new_pack();
    struct model_sequence model = {0};
    char rooms[8][320];
    kv_slice values[8];

    for (int step = 0; step < 20000; step++) {
        size_t count = 1 + random_below(&random, 8);
        for (size_t i = 0; i < count; i++) values[i] = random_value(&random, rooms[i]);
        struct pack_run run = measure(values, count);
        kv_end end = (kv_end)random_below(&random, 2);
        size_t index = random_below(&random, model.count + 1);

        switch (random_below(&random, 7)) {
        case 0:
            ck_assert_int_eq(pack_reserve(&memory, &pack, run.size, end), KV_OK);
            pack_push(pack, end, &run);
            model_push(&model, end, values, count);
            break;
        case 1: {
            const uint8_t *at = index < model.count ? pack_seek(pack, index) : pack_end(pack);
            ck_assert_int_eq(pack_reserve_at(&memory, &pack, &at, run.size), KV_OK);
            pack_insert(pack, at, &run);
            for (size_t i = 0; i < count; i++) model_insert(&model, index + i, values[i]);
            break;
        }
        case 2: {
            if (index == model.count) break;
            const uint8_t *replaced = pack_seek(pack, index);
            size_t size = pack_value_size(values[0]);
            ck_assert_int_eq(pack_reserve_at(&memory, &pack, &replaced, size), KV_OK);
            pack_replace(pack, replaced, values[0]);
            model_delete(&model, index, 1);
            model_insert(&model, index, values[0]);
            break;
        }
        case 3:
        case 4:
            if (index == model.count) break;
            if (count > model.count - index) count = model.count - index;
            pack_delete(pack, pack_seek(pack, index), count);
            model_delete(&model, index, count);
            break;
        case 5: {
            struct pack_needle needle = pack_needle(values[0]);
            size_t limit = random_below(&random, 4);
            if (limit == 0) limit = SIZE_MAX;
            ck_assert_uint_eq(pack_delete_equal(pack, &needle, limit, end),
                              model_delete_equal(&model, values[0], limit, end));
            break;
        }
        default:
            pack_fit(&memory, &pack, random_below(&random, 100));
            if (model.count > 200) {
                pack_delete(pack, pack_first(pack), model.count - 10);
                model_delete(&model, 0, model.count - 10);
            }
            break;
        }
        pack_check(pack);
        ck_assert(pack_validate(pack_bytes(pack), true));
        assert_holds(pack, &model);
    }
    model_free(&model);
    pack_destroy(&memory, pack);
    fixture_memory_end();
}
END_TEST

int main(void)
{
    return UNIT_RUN(
        "pack", every_value_has_its_published_bytes, an_integer_out_of_range_stays_text,
        an_empty_pack_is_seven_bytes, the_header_states_size_and_count,
        texts_take_the_shortest_head_and_back_length,
        more_than_65534_elements_are_counted_by_walking, values_pushed_at_the_head_end_up_reversed,
        work_at_the_ends_moves_no_other_element, a_queue_that_keeps_its_length_keeps_its_block,
        replace_changes_one_element_to_any_size, split_and_merge_are_inverse,
        elements_are_copied_from_pack_to_pack, fit_gives_spare_room_back,
        find_passes_over_what_it_is_told_to_skip, an_integer_kept_as_text_by_a_stranger_is_found,
        only_the_equal_elements_at_one_end_are_deleted, a_pack_never_exceeds_its_limit,
        a_reservation_that_fails_changes_nothing, fit_without_memory_leaves_the_pack_where_it_is,
        validation_refuses_what_is_no_listpack, whatever_passes_validation_can_be_walked,
        a_pack_does_what_the_model_does);
}
