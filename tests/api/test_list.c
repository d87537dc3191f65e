/*
 * tests/api/test_list.c -- lists: what each call promises, and all of them against a naive model.
 */
#include "one_store.h"
#include "visited.h"

#include <string.h>

static kv_buffer buffer;

/* What the last call that copies an element gave. */
static const char *copied(void)
{
    static char text[64];
    MUST(buffer.size < sizeof text);
    memcpy(text, buffer.data, buffer.size);
    text[buffer.size] = 0;
    return text;
}

static bool note(void *context, kv_slice item)
{
    (void)context;
    visited_add_item(visited_gap(), item);
    return true;
}

static bool note_position(void *context, uint64_t position)
{
    (void)context;
    visited_add("%s%d", visited_gap(), (int)position);
    return true;
}

START_TEST(pushes_go_in_one_by_one)
{
    kv_slice abc[3] = {K("a"), K("b"), K("c")};
    uint64_t length = 0;
    ck_assert_int_eq(kv_lpush(db, K("k"), abc, 3, &length), KV_OK);
    ck_assert_uint_eq(length, 3);
    ck_assert_key(db, "k", "[c b a]");
    ck_assert_int_eq(kv_rpush(db, K("k"), abc, 2, &length), KV_OK);
    ck_assert_uint_eq(length, 5);
    ck_assert_key(db, "k", "[c b a a b]");
    ck_assert_int_eq(kv_rpush(db, K("k"), abc, 0, &length), KV_BADARG);
    ck_assert_int_eq(kv_rpush(db, K("k"), NULL, 1, &length), KV_BADARG);
    ck_assert_int_eq(kv_lpushx(db, K("none"), abc, 1, &length), KV_NONE);
    ck_assert_uint_eq(length, 0);
    ck_assert_key(db, "none", "-");
    ck_assert_int_eq(kv_rpushx(db, K("k"), abc, 1, &length), KV_OK);
    ck_assert_uint_eq(length, 6);
}
END_TEST

START_TEST(pops_take_from_either_end_and_the_last_one_takes_the_key)
{
    uint64_t popped = 0;
    fixture_push_all(db, "k", "1 2 3 4 5 6");
    ck_assert_int_eq(kv_lpop(db, K("k"), &buffer), KV_OK);
    ck_assert_str_eq(copied(), "1");
    ck_assert_int_eq(kv_rpop(db, K("k"), &buffer), KV_OK);
    ck_assert_str_eq(copied(), "6");
    ck_assert_int_eq(kv_pop(db, K("k"), KV_TAIL, 2, note, NULL, &popped), KV_OK);
    ck_assert_visited("5 4");
    ck_assert_uint_eq(popped, 2);
    ck_assert_int_eq(kv_pop(db, K("k"), KV_HEAD, 0, note, NULL, &popped), KV_OK);
    ck_assert_uint_eq(popped, 0);
    ck_assert_int_eq(kv_pop(db, K("k"), KV_HEAD, UINT64_MAX, note, NULL, &popped), KV_OK);
    ck_assert_visited("2 3");
    ck_assert_key(db, "k", "-");
    ck_assert_int_eq(kv_lpop(db, K("k"), &buffer), KV_NONE);
    ck_assert_int_eq(kv_pop(db, K("k"), KV_HEAD, 0, note, NULL, &popped), KV_NONE);
    uint64_t count;
    ck_assert_int_eq(kv_count(db, &count), KV_OK);
    ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(elements_are_found_and_changed_by_index)
{
    uint64_t length = 9;
    fixture_push_all(db, "k", "a b c");
    ck_assert_int_eq(kv_llen(db, K("k"), &length), KV_OK);
    ck_assert_uint_eq(length, 3);
    ck_assert_int_eq(kv_llen(db, K("none"), &length), KV_NONE);
    ck_assert_uint_eq(length, 0);
    ck_assert_int_eq(kv_lindex(db, K("k"), -1, &buffer), KV_OK);
    ck_assert_str_eq(copied(), "c");
    ck_assert_int_eq(kv_lindex(db, K("k"), 3, &buffer), KV_NONE);
    ck_assert_int_eq(kv_lindex(db, K("k"), -4, &buffer), KV_NONE);
    ck_assert_int_eq(kv_lindex(db, K("none"), 0, &buffer), KV_NONE);
    ck_assert_int_eq(kv_lset(db, K("k"), -2, K("B")), KV_OK);
    ck_assert_int_eq(kv_lset(db, K("k"), 3, K("x")), KV_NONE);
    ck_assert_int_eq(kv_lset(db, K("none"), 0, K("x")), KV_NOTFOUND);
    ck_assert_key(db, "k", "[a B c]");
}
END_TEST

START_TEST(insert_remove_and_trim)
{
    uint64_t number = 9;
    fixture_push_all(db, "k", "a b a c a");
    ck_assert_int_eq(kv_linsert(db, K("k"), true, K("b"), K("x"), &number), KV_OK);
    ck_assert_uint_eq(number, 6);
    ck_assert_int_eq(kv_linsert(db, K("k"), false, K("c"), K("y"), &number), KV_OK);
    ck_assert_key(db, "k", "[a x b a c y a]");
    ck_assert_int_eq(kv_linsert(db, K("k"), true, K("nowhere"), K("x"), &number), KV_SKIPPED);
    ck_assert_int_eq(kv_linsert(db, K("none"), true, K("b"), K("x"), &number), KV_NONE);
    ck_assert_int_eq(kv_lrem(db, K("k"), -2, K("a"), &number), KV_OK);
    ck_assert_uint_eq(number, 2);
    ck_assert_key(db, "k", "[a x b c y]");
    ck_assert_int_eq(kv_lrem(db, K("none"), 0, K("a"), &number), KV_NONE);
    ck_assert_uint_eq(number, 0);
    ck_assert_int_eq(kv_ltrim(db, K("k"), 1, -2), KV_OK);
    ck_assert_key(db, "k", "[x b c]");
    ck_assert_int_eq(kv_lrem(db, K("k"), INT64_MIN, K("b"), &number), KV_OK);
    ck_assert_uint_eq(number, 1);
    ck_assert_int_eq(kv_ltrim(db, K("k"), 5, 9), KV_OK);
    ck_assert_key(db, "k", "-");
    ck_assert_int_eq(kv_ltrim(db, K("k"), 0, 0), KV_OK);
}
END_TEST

static uint64_t announced;

static void announce(void *context, uint64_t count)
{
    (void)context;
    announced = count;
}

static bool stop_at_once(void *context, kv_slice item)
{
    (void)note(context, item);
    return false;
}

START_TEST(ranges_are_announced_and_lent)
{
    fixture_push_all(db, "k", "a b c d");
    ck_assert_int_eq(kv_lrange(db, K("k"), -3, 100, announce, note, NULL), KV_OK);
    ck_assert_uint_eq(announced, 3);
    ck_assert_visited("b c d");
    ck_assert_int_eq(kv_lrange(db, K("k"), 2, 1, announce, note, NULL), KV_OK);
    ck_assert_uint_eq(announced, 0);
    announced = 7;
    ck_assert_int_eq(kv_lrange(db, K("none"), 0, -1, announce, note, NULL), KV_OK);
    ck_assert_uint_eq(announced, 0);
    ck_assert_int_eq(kv_lrange(db, K("k"), 0, -1, NULL, stop_at_once, NULL), KV_OK);
    ck_assert_visited("a");
}
END_TEST

START_TEST(positions_are_found_by_rank_count_and_maximum)
{
    fixture_push_all(db, "k", "a b c a b c a");
    ck_assert_int_eq(kv_lpos(db, K("k"), K("a"), 1, 1, 0, note_position, NULL), KV_OK);
    ck_assert_visited("0");
    ck_assert_int_eq(kv_lpos(db, K("k"), K("a"), 2, 0, 0, note_position, NULL), KV_OK);
    ck_assert_visited("3 6");
    ck_assert_int_eq(kv_lpos(db, K("k"), K("a"), -1, 2, 0, note_position, NULL), KV_OK);
    ck_assert_visited("6 3");
    ck_assert_int_eq(kv_lpos(db, K("k"), K("c"), 1, 0, 5, note_position, NULL), KV_OK);
    ck_assert_visited("2");
    ck_assert_int_eq(kv_lpos(db, K("k"), K("z"), 1, 0, 0, note_position, NULL), KV_OK);
    ck_assert_visited("");
    ck_assert_int_eq(kv_lpos(db, K("none"), K("a"), 1, 0, 0, note_position, NULL), KV_NONE);
    ck_assert_int_eq(kv_lpos(db, K("k"), K("a"), 0, 0, 0, note_position, NULL), KV_BADARG);
    ck_assert_int_eq(kv_lpos(db, K("k"), K("a"), INT64_MIN, 0, 0, note_position, NULL), KV_BADARG);
}
END_TEST

START_TEST(elements_move_between_lists_and_round)
{
    fixture_push_all(db, "k", "a b c");
    ck_assert_int_eq(kv_lmove(db, K("k"), K("new"), KV_HEAD, KV_TAIL, &buffer), KV_OK);
    ck_assert_str_eq(copied(), "a");
    ck_assert_key(db, "new", "[a]");
    ck_assert_int_eq(kv_lmove(db, K("k"), K("k"), KV_TAIL, KV_HEAD, NULL), KV_OK);
    ck_assert_key(db, "k", "[c b]");
    ck_assert_int_eq(kv_lmove(db, K("k"), K("k"), KV_HEAD, KV_HEAD, NULL), KV_OK);
    ck_assert_key(db, "k", "[c b]");
    ck_assert_int_eq(kv_lmove(db, K("new"), K("k"), KV_TAIL, KV_TAIL, NULL), KV_OK);
    ck_assert_key(db, "new", "-");
    ck_assert_key(db, "k", "[c b a]");
    ck_assert_int_eq(kv_lmove(db, K("new"), K("k"), KV_HEAD, KV_HEAD, &buffer), KV_NONE);
    /* A list of one, turned round, is still there. */
    fixture_push(db, "one", "x");
    ck_assert_int_eq(kv_lmove(db, K("one"), K("one"), KV_HEAD, KV_TAIL, &buffer), KV_OK);
    ck_assert_key(db, "one", "[x]");
}
END_TEST

START_TEST(the_first_list_that_has_any_is_popped)
{
    kv_slice keys[3] = {K("none"), K("k"), K("k")};
    size_t index = 9;
    fixture_push_all(db, "k", "a b c");
    ck_assert_int_eq(kv_lmpop(db, keys, 3, KV_TAIL, 2, &index, note, NULL), KV_OK);
    ck_assert_uint_eq(index, 1);
    ck_assert_visited("c b");
    ck_assert_int_eq(kv_lmpop(db, keys, 1, KV_TAIL, 2, &index, note, NULL), KV_NONE);
    ck_assert_int_eq(kv_lmpop(db, keys, 0, KV_TAIL, 2, &index, note, NULL), KV_BADARG);
    ck_assert_int_eq(kv_lmpop(db, keys, 3, KV_TAIL, 0, &index, note, NULL), KV_BADARG);
    fixture_set(db, "none", "a string");
    ck_assert_int_eq(kv_lmpop(db, keys, 3, KV_TAIL, 2, &index, note, NULL), KV_WRONGTYPE);
}
END_TEST

START_TEST(another_type_is_refused_by_every_call)
{
    kv_slice x = K("x"), s = K("s");
    uint64_t number;
    fixture_set(db, "s", "text");
    fixture_push(db, "list", "e");
    ck_assert_int_eq(kv_lpush(db, s, &x, 1, NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_rpushx(db, s, &x, 1, NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_lpop(db, s, NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_pop(db, s, KV_HEAD, 1, NULL, NULL, NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_llen(db, s, &number), KV_WRONGTYPE);
    ck_assert_int_eq(kv_lindex(db, s, 0, NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_lset(db, s, 0, x), KV_WRONGTYPE);
    ck_assert_int_eq(kv_linsert(db, s, true, x, x, NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_lrem(db, s, 0, x, NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_ltrim(db, s, 0, 0), KV_WRONGTYPE);
    ck_assert_int_eq(kv_lrange(db, s, 0, 0, NULL, note, NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_lpos(db, s, x, 1, 0, 0, note_position, NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_lmove(db, s, x, KV_HEAD, KV_HEAD, NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_lmove(db, K("list"), s, KV_HEAD, KV_HEAD, NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_blmove(db, K("list"), s, KV_HEAD, KV_HEAD, 1, NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_append(db, K("list"), x, NULL), KV_WRONGTYPE);
    ck_assert_key(db, "s", "'text'");
    ck_assert_key(db, "list", "[e]");
}
END_TEST

START_TEST(any_bytes_are_an_element)
{
    char bytes[3] = {0, '\n', (char)0xff};
    kv_slice odd[4] = {{bytes, 3}, {"", 0}, {"-0", 2}, {"12345678901234567890123", 23}};
    ck_assert_int_eq(kv_rpush(db, kv_bytes(bytes, 2), odd, 4, NULL), KV_OK);
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(kv_lindex(db, kv_bytes(bytes, 2), i, &buffer), KV_OK);
        ck_assert_uint_eq(buffer.size, odd[i].size);
        if (odd[i].size > 0) ck_assert_mem_eq(buffer.data, odd[i].data, odd[i].size);
    }
}
END_TEST

START_TEST(a_list_is_a_listpack_until_it_is_large)
{
    ck_assert_int_eq(kv_configure(db, KV_SETTING_LIST_PACK_SIZE, 4), KV_OK);
    fixture_push_all(db, "k", "1 2 3 4");
    ck_assert_str_eq(fixture_encoding(db, "k"), "listpack");
    fixture_push(db, "k", "5");
    ck_assert_str_eq(fixture_encoding(db, "k"), "quicklist");
    ck_assert_int_eq(kv_ltrim(db, K("k"), 0, 0), KV_OK);
    ck_assert_str_eq(fixture_encoding(db, "k"), "listpack");
    ck_assert_int_eq(kv_configure(db, KV_SETTING_LIST_PACK_SIZE, 0), KV_BADARG);
    ck_assert_int_eq(kv_configure(db, KV_SETTING_LIST_PACK_SIZE, -6), KV_BADARG);
}
END_TEST

START_TEST(removing_nothing_leaves_a_list_with_slack_where_it_lies)
{
    char wide[100];
    memset(wide, 'w', sizeof wide);
    kv_slice values[4] = {KV_BYTES(wide, 100), KV_BYTES(wide, 100), KV_BYTES(wide, 100), K("d")};
    ck_assert_int_eq(kv_rpush(db, K("k"), values, 4, NULL), KV_OK);
    ck_assert_int_eq(kv_lset(db, K("k"), 0, K("a")), KV_OK);
    ck_assert_int_eq(kv_lset(db, K("k"), 1, K("b")), KV_OK);
    ck_assert_int_eq(kv_lset(db, K("k"), 2, K("c")), KV_OK);
    uint64_t removed = 9;
    ck_assert_int_eq(kv_lrem(db, K("k"), 0, K("none"), &removed), KV_OK);
    ck_assert_uint_eq(removed, 0);
    for (char name = 'A'; name <= 'Z'; name++) { /* into memory that was given back, if any was */
        ck_assert_int_eq(kv_rpush(db, KV_BYTES(&name, 1), values, 4, NULL), KV_OK);
    }
    ck_assert_key(db, "k", "[a b c d]");
    kv_check(db);
    ck_assert_int_eq(kv_lrem(db, K("k"), -1, K("b"), &removed), KV_OK);
    ck_assert_uint_eq(removed, 1);
    ck_assert_key(db, "k", "[a c d]");
}
END_TEST

START_TEST(a_list_keeps_its_deadline_until_it_is_empty)
{
    int64_t ttl_ms;
    fixture_push_all(db, "k", "1 2");
    ck_assert_int_eq(kv_expire(db, K("k"), 500, 0), KV_OK);
    fixture_push(db, "k", "3");
    ck_assert_int_eq(kv_ttl(db, K("k"), &ttl_ms), KV_OK);
    ck_assert_int_eq(ttl_ms, 500);
    ck_assert_int_eq(kv_pop(db, K("k"), KV_HEAD, 9, NULL, NULL, NULL), KV_OK);
    fixture_push(db, "k", "4");
    ck_assert_int_eq(kv_ttl(db, K("k"), &ttl_ms), KV_OK);
    ck_assert(ttl_ms == KV_NEVER);
}
END_TEST

/* -------------------------------------------------------------------------------- a naive model */

#define MODEL_MAX     4000
#define MODEL_ELEMENT 40

struct model {
    char name[8];
    size_t count;
    char elements[MODEL_MAX][MODEL_ELEMENT];
};

static struct model models[2];

static void model_insert(struct model *model, size_t index, const char *element)
{
    MUST(model->count < MODEL_MAX);
    memmove(model->elements[index + 1], model->elements[index],
            (model->count - index) * MODEL_ELEMENT);
    strcpy(model->elements[index], element);
    model->count++;
}

static void model_remove(struct model *model, size_t index)
{
    model->count--;
    memmove(model->elements[index], model->elements[index + 1],
            (model->count - index) * MODEL_ELEMENT);
}

/* An index from either end, or beyond; true if there is such an element. */
static bool model_index(const struct model *model, int64_t given, size_t *index)
{
    if (given < 0) given += (int64_t)model->count;
    *index = (size_t)given;
    return given >= 0 && (uint64_t)given < model->count;
}

struct matching {
    const struct model *model;
    size_t at;
    int step;
};

static bool match_element(void *context, kv_slice item)
{
    struct matching *matching = context;
    const char *expected = matching->model->elements[matching->at];
    MUST(item.size == strlen(expected) && memcmp(item.data, expected, item.size) == 0);
    matching->at += (size_t)matching->step;
    return true;
}

static void must_match(const struct model *model)
{
    struct matching matching = {model, 0, 1};
    uint64_t length = 0;
    kv_status status = kv_llen(db, KV_TEXT(model->name), &length);
    MUST(status == (model->count > 0 ? KV_OK : KV_NONE) && length == model->count);
    MUST(kv_lrange(db, KV_TEXT(model->name), 0, -1, NULL, match_element, &matching) == KV_OK);
    MUST(matching.at == model->count);
}

static void random_element(uint64_t *seed, char element[MODEL_ELEMENT])
{
    switch (fixture_below(seed, 3)) {
    case 0: sprintf(element, "%d", (int)fixture_below(seed, 6)); break;
    case 1: sprintf(element, "%lld", (long long)fixture_random(seed)); break;
    default:
        sprintf(element, "%.*s", (int)fixture_below(seed, MODEL_ELEMENT - 1),
                "some text that is cut at a random place");
        break;
    }
}

static int64_t random_index(uint64_t *seed, const struct model *model)
{
    return (int64_t)fixture_below(seed, 2 * model->count + 5) - (int64_t)model->count - 2;
}

static void model_push(struct model *model, uint64_t *seed)
{
    char texts[40][MODEL_ELEMENT];
    kv_slice values[40];
    size_t count = 1 + fixture_below(seed, fixture_below(seed, 10) == 0 ? 40 : 3);
    bool at_head = fixture_below(seed, 2) == 0;
    uint64_t length;
    if (model->count + count > MODEL_MAX) return;
    for (size_t i = 0; i < count; i++) {
        random_element(seed, texts[i]);
        values[i] = KV_TEXT(texts[i]);
        model_insert(model, at_head ? 0 : model->count, texts[i]);
    }
    MUST((at_head ? kv_lpush : kv_rpush)(db, KV_TEXT(model->name), values, count, &length) ==
         KV_OK);
    MUST(length == model->count);
}

static void model_pop(struct model *model, uint64_t *seed)
{
    bool at_head = fixture_below(seed, 2) == 0;
    uint64_t wanted = 1 + fixture_below(seed, fixture_below(seed, 10) == 0 ? 60 : 3), popped = 0;
    struct matching matching = {model, at_head ? 0 : model->count - 1, at_head ? 1 : -1};
    kv_status status = kv_pop(db, KV_TEXT(model->name), at_head ? KV_HEAD : KV_TAIL, wanted,
                              match_element, &matching, &popped);
    MUST(status == (model->count > 0 ? KV_OK : KV_NONE));
    MUST(popped == (wanted < model->count ? wanted : model->count));
    while (popped-- > 0) model_remove(model, at_head ? 0 : model->count - 1);
}

static void model_edit(struct model *model, uint64_t *seed)
{
    char element[MODEL_ELEMENT], pivot[MODEL_ELEMENT];
    kv_slice key = KV_TEXT(model->name);
    int64_t given = random_index(seed, model);
    size_t index;
    bool is_there = model_index(model, given, &index), before = fixture_below(seed, 2) == 0;
    random_element(seed, element);
    random_element(seed, pivot);
    if (fixture_below(seed, 2) == 0) {
        kv_status status = kv_lset(db, key, given, KV_TEXT(element));
        MUST(status == (model->count == 0 ? KV_NOTFOUND : is_there ? KV_OK : KV_NONE));
        if (is_there) strcpy(model->elements[index], element);
        MUST(kv_lindex(db, key, given, &buffer) == (is_there ? KV_OK : KV_NONE));
        return;
    }
    if (is_there) strcpy(pivot, model->elements[index]);
    size_t at = 0;
    while (at < model->count && strcmp(model->elements[at], pivot) != 0) at++;
    kv_status status = kv_linsert(db, key, before, KV_TEXT(pivot), KV_TEXT(element), NULL);
    MUST(status == (model->count == 0 ? KV_NONE : at < model->count ? KV_OK : KV_SKIPPED));
    if (status == KV_OK) model_insert(model, at + !before, element);
}

static void model_lrem(struct model *model, uint64_t *seed)
{
    char element[MODEL_ELEMENT];
    int64_t count = (int64_t)fixture_below(seed, 7) - 3;
    uint64_t removed = 0, expected = 0, limit = count == 0 ? UINT64_MAX : (uint64_t)llabs(count);
    random_element(seed, element);
    MUST(kv_lrem(db, KV_TEXT(model->name), count, KV_TEXT(element), &removed) ==
         (model->count > 0 ? KV_OK : KV_NONE));
    if (count >= 0) {
        for (size_t i = 0; i < model->count && expected < limit;) {
            if (strcmp(model->elements[i], element) == 0) model_remove(model, i), expected++;
            else i++;
        }
    } else {
        for (size_t i = model->count; i-- > 0 && expected < limit;) {
            if (strcmp(model->elements[i], element) == 0) model_remove(model, i), expected++;
        }
    }
    MUST(removed == expected);
}

static void model_trim(struct model *model, uint64_t *seed)
{
    int64_t start = random_index(seed, model), stop = random_index(seed, model);
    if (fixture_below(seed, 4) != 0) { /* mostly a little off the ends */
        start = (int64_t)fixture_below(seed, 3);
        stop = -1 - (int64_t)fixture_below(seed, 3);
    }
    MUST(kv_ltrim(db, KV_TEXT(model->name), start, stop) == KV_OK);
    int64_t count = (int64_t)model->count;
    if (start < 0) start = start + count < 0 ? 0 : start + count;
    if (stop < 0) stop += count;
    if (stop >= count) stop = count - 1;
    while ((int64_t)model->count > (stop < 0 ? 0 : stop + 1)) model_remove(model, model->count - 1);
    for (int64_t i = 0; i < start && model->count > 0; i++) model_remove(model, 0);
}

static void model_move(uint64_t *seed)
{
    struct model *from = &models[fixture_below(seed, 2)], *to = &models[fixture_below(seed, 2)];
    bool from_head = fixture_below(seed, 2) == 0, to_head = fixture_below(seed, 2) == 0;
    char element[MODEL_ELEMENT];
    if (to->count == MODEL_MAX) return;
    kv_status status =
        kv_lmove(db, KV_TEXT(from->name), KV_TEXT(to->name), from_head ? KV_HEAD : KV_TAIL,
                 to_head ? KV_HEAD : KV_TAIL, &buffer);
    MUST(status == (from->count > 0 ? KV_OK : KV_NONE));
    if (status != KV_OK) return;
    size_t index = from_head ? 0 : from->count - 1;
    strcpy(element, from->elements[index]);
    MUST(buffer.size == strlen(element) && memcmp(buffer.data, element, buffer.size) == 0);
    model_remove(from, index);
    model_insert(to, to_head ? 0 : to->count, element);
}

struct positions {
    size_t count;
    uint64_t found[MODEL_MAX];
};

static bool collect_position(void *context, uint64_t position)
{
    struct positions *positions = context;
    positions->found[positions->count++] = position;
    return true;
}

static void model_find(const struct model *model, uint64_t *seed)
{
    static struct positions positions;
    char element[MODEL_ELEMENT];
    int64_t rank = (int64_t)fixture_below(seed, 7) - 3;
    if (rank == 0) rank = 1;
    uint64_t limit = fixture_below(seed, 4),
             maximum = fixture_below(seed, 2) == 0 ? 0 : fixture_below(seed, 50);
    random_element(seed, element);
    positions.count = 0;
    kv_status status = kv_lpos(db, KV_TEXT(model->name), KV_TEXT(element), rank, limit, maximum,
                               collect_position, &positions);
    MUST(status == (model->count > 0 ? KV_OK : KV_NONE));
    size_t found = 0;
    int64_t skip = llabs(rank) - 1;
    for (size_t i = 0; i < model->count && (maximum == 0 || i < maximum); i++) {
        size_t at = rank > 0 ? i : model->count - 1 - i;
        if (strcmp(model->elements[at], element) != 0 || skip-- > 0) continue;
        if (limit > 0 && found == limit) break;
        MUST(found < positions.count && positions.found[found] == at);
        found++;
    }
    MUST(found == positions.count);
}

START_TEST(random_calls_agree_with_the_model)
{
    static const int64_t sizes[] = {-2, -1, 1, 3, 16, 128};
    uint64_t seed = unit_seed();
    memset(models, 0, sizeof models);
    strcpy(models[0].name, "first");
    strcpy(models[1].name, "second");
    ck_assert_int_eq(kv_configure(db, KV_SETTING_LIST_PACK_SIZE, sizes[_i]), KV_OK);
    for (int round = 0; round < fixture_rounds(6000, 300000); round++) {
        struct model *model = &models[fixture_below(&seed, 2)];
        /* Growing and shrinking by turns, so that lists become large and small again. */
        bool grows = round / 500 % 2 == 0;
        uint64_t pick = fixture_below(&seed, 100);
        if (pick < (grows ? 45 : 15)) model_push(model, &seed);
        else if (pick < 60) model_pop(model, &seed);
        else if (pick < 75) model_edit(model, &seed);
        else if (pick < 82) model_lrem(model, &seed);
        else if (pick < 85) model_trim(model, &seed);
        else if (pick < 93) model_move(&seed);
        else model_find(model, &seed);
        if (round % 20 == 0) {
            must_match(&models[0]);
            must_match(&models[1]);
        }
        if (round % 1000 == 0) kv_check(db);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("list");
    TCase *tcase = tcase_create("list");
    tcase_add_checked_fixture(tcase, store_setup, store_teardown);
    tcase_set_timeout(tcase, getenv("KVSTORE_TEST_FULL") != NULL ? 3600 : 120);
    const TTest *const tests[] = {
        pushes_go_in_one_by_one,
        pops_take_from_either_end_and_the_last_one_takes_the_key,
        elements_are_found_and_changed_by_index,
        insert_remove_and_trim,
        ranges_are_announced_and_lent,
        positions_are_found_by_rank_count_and_maximum,
        elements_move_between_lists_and_round,
        the_first_list_that_has_any_is_popped,
        another_type_is_refused_by_every_call,
        any_bytes_are_an_element,
        a_list_is_a_listpack_until_it_is_large,
        removing_nothing_leaves_a_list_with_slack_where_it_lies,
        a_list_keeps_its_deadline_until_it_is_empty,
    };
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) tcase_add_test(tcase, tests[i]);
    tcase_add_loop_test(tcase, random_calls_agree_with_the_model, 0, 6);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
