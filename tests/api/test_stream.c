/*
 * tests/api/test_stream.c -- streams: entries, consumer groups, and who waits for them.
 */
#include "one_store.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

static void setup(void)
{
    store_setup_with(0);
}

/* -------------------------------------------------------------------------------------- helpers */

#define S                KV_TEXT("s")
#define G                KV_TEXT("g")
#define ID(ms, sequence) ((kv_stream_id){ms, sequence})
#define FIRST            ID(0, 0)
#define LAST             ID(UINT64_MAX, UINT64_MAX)

static kv_stream_id add(const char *key, const char *field, const char *value)
{
    kv_slice pair[2] = {KV_TEXT(field), KV_TEXT(value)};
    kv_stream_id id;
    ck_assert_int_eq(kv_xadd(db, KV_TEXT(key), pair, 1, NULL, &id), KV_OK);
    return id;
}

static kv_status add_at(const char *key, kv_stream_id id)
{
    kv_slice pair[2] = {KV_TEXT("f"), KV_TEXT("v")};
    kv_xadd_options options = KV_OPTIONS(kv_xadd_options);
    options.how = KV_ID_GIVEN;
    options.id = id;
    return kv_xadd(db, KV_TEXT(key), pair, 1, &options, NULL);
}

/* Entries 1-0 to n-0. */
static void add_many(const char *key, uint64_t n)
{
    for (uint64_t i = 1; i <= n; i++) ck_assert_int_eq(add_at(key, ID(i, 0)), KV_OK);
}

/* What visitors are shown, as text: "1-0 2-0x", x for a deleted one; "key:" before each stream. */
struct text {
    char bytes[4000];
    size_t size;
};

static void text_add(struct text *text, const char *format, kv_slice word)
{
    int size = snprintf(text->bytes + text->size, sizeof text->bytes - text->size, format,
                        (int)word.size, (const char *)word.data);
    MUST(size >= 0 && (size_t)size < sizeof text->bytes - text->size);
    text->size += (size_t)size;
}

static bool note_entry(void *context, kv_stream_entry *entry)
{
    struct text *text = context;
    char id[KV_STREAM_ID_SIZE];
    kv_slice field, value;
    size_t size = kv_stream_id_format(id, entry->id);
    text_add(text, text->size > 0 ? " %.*s" : "%.*s", kv_bytes(id, size));
    if (entry->is_deleted) text_add(text, "%.*s", KV_TEXT("x"));
    uint64_t fields = 0;
    while (kv_stream_entry_next(entry, &field, &value)) fields++;
    MUST(fields == entry->field_count);
    return true;
}

static void note_stream(void *context, size_t index)
{
    char digit = (char)('0' + index);
    text_add(context, "#%.*s", kv_bytes(&digit, 1));
}

static bool note_pending(void *context, const kv_pending_entry *entry)
{
    char text[200], id[KV_STREAM_ID_SIZE];
    int size =
        snprintf(text, sizeof text, "%.*s %.*s %lld %llu;", (int)kv_stream_id_format(id, entry->id),
                 id, (int)entry->consumer.size, (const char *)entry->consumer.data,
                 (long long)entry->idle_ms, (unsigned long long)entry->deliveries);
    text_add(context, "%.*s", kv_bytes(text, (size_t)size));
    return true;
}

static const char *range(const char *key, kv_stream_id first, kv_stream_id last, kv_end from,
                         uint64_t count)
{
    static struct text texts[4];
    static unsigned turn;
    struct text *text = &texts[turn++ % 4];
    *text = (struct text){.size = 0};
    kv_status status = kv_xrange(db, KV_TEXT(key), first, last, from, count, note_entry, text);
    ck_assert_int_ge(status, KV_OK);
    return text->bytes;
}

static const char *all(const char *key)
{
    return range(key, FIRST, LAST, KV_HEAD, 0);
}

static void make_group(const char *key, const char *group)
{
    ck_assert_int_eq(kv_xgroup_create(db, KV_TEXT(key), KV_TEXT(group), NULL), KV_OK);
}

static kv_status read_group(const char *key, const char *consumer, uint64_t count,
                            struct text *text)
{
    kv_stream_from from = {.key = KV_TEXT(key), .only_new = true};
    kv_xread_options options = KV_OPTIONS(kv_xread_options);
    options.count = count;
    *text = (struct text){.size = 0};
    return kv_xreadgroup(db, G, KV_TEXT(consumer), &from, 1, &options, NULL, note_entry, text,
                         NULL);
}

static const char *pending(const char *key, const char *consumer)
{
    static struct text text;
    kv_xpending_options options = KV_OPTIONS(kv_xpending_options);
    kv_slice name = KV_TEXT(consumer);
    text = (struct text){.size = 0};
    options.last = LAST;
    options.consumer = consumer[0] != '\0' ? &name : NULL;
    ck_assert_int_ge(kv_xpending_range(db, KV_TEXT(key), G, &options, note_pending, &text), KV_OK);
    return text.bytes;
}

static uint64_t length_of(const char *key)
{
    uint64_t length = 99;
    ck_assert_int_ge(kv_xlen(db, KV_TEXT(key), &length), KV_OK);
    return length;
}

/* ------------------------------------------------------------------------------------------ ids */

START_TEST(ids_are_read_and_written_as_text)
{
    static const struct {
        const char *text;
        kv_status status;
        kv_stream_id id;
        bool has_sequence;
    } rows[] = {
        {"5-3", KV_OK, {5, 3}, true},
        {"5", KV_OK, {5, 0}, false},
        {"18446744073709551615-18446744073709551615", KV_OK, {UINT64_MAX, UINT64_MAX}, true},
        {"007-01", KV_OK, {7, 1}, true},
        {"18446744073709551616", KV_BADARG, {0, 0}, false},
        {"", KV_BADARG, {0, 0}, false},
        {"-", KV_BADARG, {0, 0}, false},
        {"5-", KV_BADARG, {0, 0}, false},
        {"-5", KV_BADARG, {0, 0}, false},
        {"5--1", KV_BADARG, {0, 0}, false},
        {"5-3-1", KV_BADARG, {0, 0}, false},
        {"a-1", KV_BADARG, {0, 0}, false},
        {"1-*", KV_BADARG, {0, 0}, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        kv_stream_id id;
        bool has_sequence;
        kv_status status = kv_stream_id_parse(KV_TEXT(rows[i].text), &id, &has_sequence);
        ck_assert_int_eq(status, rows[i].status);
        if (status != KV_OK) continue;
        ck_assert(id.ms == rows[i].id.ms && id.sequence == rows[i].id.sequence);
        ck_assert(has_sequence == rows[i].has_sequence);
    }
    char text[KV_STREAM_ID_SIZE];
    size_t size = kv_stream_id_format(text, LAST);
    ck_assert_uint_eq(size, 41);
    ck_assert_mem_eq(text, "18446744073709551615-18446744073709551615", 41);
}
END_TEST

START_TEST(ids_of_the_moment_grow_though_the_clock_stands_still)
{
    kv_stream_id a = add("s", "f", "1"), b = add("s", "f", "2");
    ck_assert_uint_eq(a.ms, (uint64_t)FIXTURE_START_MS);
    ck_assert_uint_eq(a.sequence, 0);
    ck_assert(b.ms == a.ms && b.sequence == 1);
    fixture_pass(&fx, 5);
    kv_stream_id c = add("s", "f", "3");
    ck_assert(c.ms == a.ms + 5 && c.sequence == 0);
    fixture_pass(&fx, -100); /* a clock that was put back */
    kv_stream_id d = add("s", "f", "4");
    ck_assert(d.ms == c.ms && d.sequence == 1);
}
END_TEST

START_TEST(an_id_that_does_not_grow_is_refused)
{
    kv_slice pair[2] = {KV_TEXT("f"), KV_TEXT("v")};
    kv_xadd_options options = KV_OPTIONS(kv_xadd_options);
    kv_stream_id id;
    ck_assert_int_eq(add_at("s", ID(0, 0)), KV_BADARG);
    ck_assert_int_eq(add_at("s", ID(5, 5)), KV_OK);
    ck_assert_int_eq(add_at("s", ID(5, 5)), KV_SKIPPED);
    ck_assert_int_eq(add_at("s", ID(4, 9)), KV_SKIPPED);
    options.how = KV_ID_TIME;
    options.id.ms = 5;
    ck_assert_int_eq(kv_xadd(db, S, pair, 1, &options, &id), KV_OK);
    ck_assert(id.ms == 5 && id.sequence == 6);
    options.id.ms = 4;
    ck_assert_int_eq(kv_xadd(db, S, pair, 1, &options, &id), KV_SKIPPED);
    ck_assert_int_eq(add_at("s", ID(6, UINT64_MAX)), KV_OK);
    options.id.ms = 6;
    ck_assert_int_eq(kv_xadd(db, S, pair, 1, &options, &id), KV_SKIPPED);
    ck_assert_int_eq(add_at("s", LAST), KV_OK);
    ck_assert_int_eq(kv_xadd(db, S, pair, 1, NULL, &id), KV_OVERFLOW);
    ck_assert_str_eq(all("s"), "5-5 5-6 6-18446744073709551615 "
                               "18446744073709551615-18446744073709551615");
    /* Deleted ids do not come again. */
    kv_stream_id gone = LAST;
    ck_assert_int_eq(kv_xdel(db, S, &gone, 1, NULL), KV_OK);
    ck_assert_int_eq(add_at("s", LAST), KV_OVERFLOW);
}
END_TEST

/* --------------------------------------------------------------------------------------- entries */

START_TEST(arguments_that_cannot_be_are_refused)
{
    kv_slice pair[2] = {KV_TEXT("f"), KV_TEXT("v")};
    kv_stream_trim trim = KV_OPTIONS(kv_stream_trim);
    kv_stream_id id = ID(1, 1);
    ck_assert_int_eq(kv_xadd(db, S, pair, 0, NULL, NULL), KV_BADARG);
    ck_assert_int_eq(kv_xadd(db, S, NULL, 1, NULL, NULL), KV_BADARG);
    ck_assert_int_eq(kv_xadd(NULL, S, pair, 1, NULL, NULL), KV_BADARG);
    ck_assert_int_eq(kv_xtrim(db, S, NULL, NULL), KV_BADARG);
    trim.limit = 5; /* means nothing where trimming is exact */
    ck_assert_int_eq(kv_xtrim(db, S, &trim, NULL), KV_BADARG);
    ck_assert_int_eq(kv_xdel(db, S, &id, 0, NULL), KV_BADARG);
    ck_assert_int_eq(kv_xread(db, NULL, 1, NULL, NULL, NULL, NULL), KV_BADARG);
    ck_assert_int_eq(kv_xinfo(db, S, NULL, NULL, NULL), KV_BADARG);
    ck_assert_int_eq(kv_xpending_range(db, S, G, NULL, note_pending, NULL), KV_BADARG);
    ck_assert_key(db, "s", "-");
}
END_TEST

START_TEST(a_key_of_another_type_is_left_alone)
{
    uint64_t number;
    kv_slice pair[2] = {KV_TEXT("f"), KV_TEXT("v")};
    kv_stream_from from = {.key = S};
    kv_xgroup_options options = KV_OPTIONS(kv_xgroup_options);
    fixture_set(db, "s", "text");
    ck_assert_int_eq(kv_xadd(db, S, pair, 1, NULL, NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_xlen(db, S, &number), KV_WRONGTYPE);
    ck_assert_int_eq(kv_xread(db, &from, 1, NULL, NULL, NULL, NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_xgroup_create(db, S, G, &options), KV_WRONGTYPE);
    ck_assert_int_eq(kv_xsetid(db, S, ID(1, 1), NULL), KV_WRONGTYPE);
    ck_assert_key(db, "s", "'text'");
    add("t", "f", "v");
    ck_assert_int_eq(kv_append(db, KV_TEXT("t"), KV_TEXT("x"), NULL), KV_WRONGTYPE);
}
END_TEST

START_TEST(entries_are_read_from_either_end)
{
    add_many("s", 9);
    ck_assert_str_eq(range("s", ID(3, 0), ID(5, 0), KV_HEAD, 0), "3-0 4-0 5-0");
    ck_assert_str_eq(range("s", ID(3, 0), ID(5, 0), KV_TAIL, 0), "5-0 4-0 3-0");
    ck_assert_str_eq(range("s", ID(3, 1), LAST, KV_HEAD, 2), "4-0 5-0");
    ck_assert_str_eq(range("s", FIRST, ID(4, 9), KV_TAIL, 2), "4-0 3-0");
    ck_assert_str_eq(range("s", ID(5, 0), ID(3, 0), KV_HEAD, 0), "");
    ck_assert_str_eq(range("none", FIRST, LAST, KV_HEAD, 0), "");
}
END_TEST

START_TEST(fields_come_back_as_they_were_given)
{
    char large[200];
    memset(large, 'x', sizeof large);
    kv_slice pairs[8] = {
        KV_TEXT("a"), KV_TEXT("1"),     KV_TEXT("a"), KV_TEXT(""),
        KV_TEXT(""),  KV_TEXT("-0017"), KV_TEXT("n"), kv_bytes(large, sizeof large)};
    ck_assert_int_eq(kv_xadd(db, S, pairs, 4, NULL, NULL), KV_OK);
    ck_assert_int_eq(kv_xadd(db, S, pairs, 4, NULL, NULL), KV_OK);
    const char *shown = fixture_show(db, "s");
    ck_assert_has(shown, " a 1 a   -0017 n x");
    ck_assert_has(shown, "length=2");
}
END_TEST

START_TEST(a_stream_stays_when_its_entries_go)
{
    uint64_t deleted;
    kv_stream_id ids[3] = {ID(2, 0), ID(9, 0), ID(1, 0)};
    add_many("s", 2);
    ck_assert_int_eq(kv_xdel(db, S, ids, 3, &deleted), KV_OK);
    ck_assert_uint_eq(deleted, 2);
    ck_assert_uint_eq(length_of("s"), 0);
    ck_assert_key(db, "s", "[length=0 added=2 0-0 2-0 2-0]");
    ck_assert_int_eq(kv_xdel(db, KV_TEXT("none"), ids, 3, &deleted), KV_NONE);
    ck_assert_uint_eq(deleted, 0);
    ck_assert_int_eq(add_at("s", ID(2, 0)), KV_SKIPPED);
}
END_TEST

START_TEST(trimming_is_exact_or_by_whole_packs)
{
    kv_stream_trim trim = KV_OPTIONS(kv_stream_trim);
    uint64_t deleted;
    ck_assert_int_eq(kv_configure(db, KV_SETTING_STREAM_NODE_COUNT, 10), KV_OK);
    add_many("s", 100);
    trim.length = 85;
    trim.approximately = true;
    ck_assert_int_eq(kv_xtrim(db, S, &trim, &deleted), KV_OK);
    ck_assert_uint_eq(deleted, 10);
    trim.length = 0;
    trim.limit = 25;
    ck_assert_int_eq(kv_xtrim(db, S, &trim, &deleted), KV_OK);
    ck_assert_uint_eq(deleted, 20);
    trim = KV_OPTIONS(kv_stream_trim);
    trim.by_id = true;
    trim.first = ID(36, 0);
    ck_assert_int_eq(kv_xtrim(db, S, &trim, &deleted), KV_OK);
    ck_assert_uint_eq(deleted, 5);
    ck_assert_uint_eq(length_of("s"), 65);

    kv_slice pair[2] = {KV_TEXT("f"), KV_TEXT("v")};
    kv_xadd_options options = KV_OPTIONS(kv_xadd_options);
    trim = KV_OPTIONS(kv_stream_trim);
    trim.length = 2;
    options.trim = &trim;
    options.how = KV_ID_GIVEN;
    options.id = ID(200, 0);
    ck_assert_int_eq(kv_xadd(db, S, pair, 1, &options, NULL), KV_OK);
    ck_assert_str_eq(all("s"), "100-0 200-0");
    ck_assert_int_eq(kv_xtrim(db, KV_TEXT("none"), &trim, &deleted), KV_NONE);
}
END_TEST

START_TEST(the_last_id_can_be_set)
{
    kv_xsetid_options options = KV_OPTIONS(kv_xsetid_options);
    kv_stream_id third = ID(3, 0);
    ck_assert_int_eq(kv_xsetid(db, S, ID(5, 0), NULL), KV_NOTFOUND);
    add_many("s", 3);
    ck_assert_int_eq(kv_xsetid(db, S, ID(2, 9), NULL), KV_SKIPPED);
    ck_assert_int_eq(kv_xdel(db, S, &third, 1, NULL), KV_OK);
    ck_assert_int_eq(kv_xsetid(db, S, ID(2, 9), NULL), KV_SKIPPED); /* 3-0 was there */
    options.has_added = true;
    options.added = 1;
    ck_assert_int_eq(kv_xsetid(db, S, ID(9, 0), &options), KV_SKIPPED);
    options.added = 50;
    options.last_deleted = ID(10, 0);
    ck_assert_int_eq(kv_xsetid(db, S, ID(9, 0), &options), KV_BADARG);
    options.last_deleted = ID(8, 0);
    ck_assert_int_eq(kv_xsetid(db, S, ID(9, 0), &options), KV_OK);
    kv_stream_info info = KV_OPTIONS(kv_stream_info);
    struct text ends = {.size = 0};
    ck_assert_int_eq(kv_xinfo(db, S, &info, note_entry, &ends), KV_OK);
    ck_assert_uint_eq(info.length, 2);
    ck_assert_uint_eq(info.added, 50);
    ck_assert_uint_eq(info.last.ms, 9);
    ck_assert_uint_eq(info.last_deleted.ms, 8);
    ck_assert_uint_eq(info.pieces, 1);
    ck_assert_str_eq(ends.bytes, "1-0 2-0");
}
END_TEST

START_TEST(several_streams_are_read_at_once)
{
    kv_stream_from from[3] = {{.key = S, .after = ID(2, 0)},
                              {.key = KV_TEXT("none")},
                              {.key = KV_TEXT("t"), .after = ID(0, 0)}};
    kv_xread_options options = KV_OPTIONS(kv_xread_options);
    struct text text = {.size = 0};
    add_many("s", 4);
    add_many("t", 3);
    options.count = 2;
    ck_assert_int_eq(kv_xread(db, from, 3, &options, note_stream, note_entry, &text), KV_OK);
    ck_assert_str_eq(text.bytes, "#0 3-0 4-0#2 1-0 2-0");
    from[0].after = from[2].after = ID(4, 0);
    ck_assert_int_eq(kv_xread(db, from, 3, &options, note_stream, note_entry, &text), KV_NONE);
    from[2].key = KV_TEXT("text");
    from[0].after = FIRST;
    fixture_set(db, "text", "x");
    ck_assert_int_eq(kv_xread(db, from, 3, &options, note_stream, note_entry, &text), KV_WRONGTYPE);
    ck_assert_str_eq(text.bytes, "#0 3-0 4-0#2 1-0 2-0"); /* nothing was lent before that */
}
END_TEST

/* ---------------------------------------------------------------------------------------- groups */

START_TEST(a_group_gives_each_entry_to_one_consumer)
{
    struct text text;
    add_many("s", 5);
    make_group("s", "g");
    ck_assert_int_eq(kv_xgroup_create(db, S, G, NULL), KV_SKIPPED);
    ck_assert_int_eq(read_group("s", "a", 2, &text), KV_OK);
    ck_assert_str_eq(text.bytes, "1-0 2-0");
    ck_assert_int_eq(read_group("s", "b", 0, &text), KV_OK);
    ck_assert_str_eq(text.bytes, "3-0 4-0 5-0");
    ck_assert_int_eq(read_group("s", "a", 0, &text), KV_NONE);
    fixture_pass(&fx, 30);
    ck_assert_str_eq(pending("s", ""), "1-0 a 30 1;2-0 a 30 1;3-0 b 30 1;4-0 b 30 1;5-0 b 30 1;");
    ck_assert_str_eq(pending("s", "a"), "1-0 a 30 1;2-0 a 30 1;");
    ck_assert_str_eq(pending("s", "nobody"), "");

    kv_stream_id ids[3] = {ID(2, 0), ID(3, 0), ID(7, 0)};
    uint64_t acknowledged;
    ck_assert_int_eq(kv_xack(db, S, G, ids, 3, &acknowledged), KV_OK);
    ck_assert_uint_eq(acknowledged, 2);
    ck_assert_str_eq(pending("s", ""), "1-0 a 30 1;4-0 b 30 1;5-0 b 30 1;");
    ck_assert_int_eq(kv_xack(db, KV_TEXT("none"), G, ids, 3, &acknowledged), KV_OK);
    ck_assert_uint_eq(acknowledged, 0);
}
END_TEST

START_TEST(what_is_pending_is_shown_again)
{
    struct text text;
    kv_stream_from from = {.key = S, .after = ID(1, 0)};
    kv_stream_id third = ID(3, 0);
    add_many("s", 4);
    make_group("s", "g");
    ck_assert_int_eq(read_group("s", "a", 0, &text), KV_OK);
    ck_assert_int_eq(kv_xdel(db, S, &third, 1, NULL), KV_OK);
    text = (struct text){.size = 0};
    ck_assert_int_eq(
        kv_xreadgroup(db, G, KV_TEXT("a"), &from, 1, NULL, note_stream, note_entry, &text, NULL),
        KV_OK);
    ck_assert_str_eq(text.bytes, "#0 2-0 3-0x 4-0");
    ck_assert_str_eq(pending("s", ""), "1-0 a 0 1;2-0 a 0 2;3-0 a 0 1;4-0 a 0 2;");
    from.after = ID(9, 0);
    text = (struct text){.size = 0};
    ck_assert_int_eq(
        kv_xreadgroup(db, G, KV_TEXT("b"), &from, 1, NULL, note_stream, note_entry, &text, NULL),
        KV_OK);
    ck_assert_str_eq(text.bytes, "#0"); /* nothing, and that is told */
}
END_TEST

START_TEST(entries_that_need_no_acknowledgement_are_not_pending)
{
    kv_stream_from from = {.key = S, .only_new = true};
    kv_xread_options options = KV_OPTIONS(kv_xread_options);
    struct text text = {.size = 0};
    add_many("s", 3);
    make_group("s", "g");
    options.no_ack = true;
    ck_assert_int_eq(
        kv_xreadgroup(db, G, KV_TEXT("a"), &from, 1, &options, NULL, note_entry, &text, NULL),
        KV_OK);
    ck_assert_str_eq(text.bytes, "1-0 2-0 3-0");
    ck_assert_str_eq(pending("s", ""), "");
    ck_assert_int_eq(read_group("s", "a", 0, &text), KV_NONE);
}
END_TEST

START_TEST(one_stream_named_twice_is_read_on)
{
    kv_stream_from from[3] = {
        {.key = S, .only_new = true}, {.key = S, .only_new = true}, {.key = S, .after = ID(0, 0)}};
    kv_xread_options options = KV_OPTIONS(kv_xread_options);
    struct text text = {.size = 0};
    add_many("s", 9);
    make_group("s", "g");
    options.count = 2;
    ck_assert_int_eq(
        kv_xreadgroup(db, G, KV_TEXT("a"), from, 3, &options, note_stream, note_entry, &text, NULL),
        KV_OK);
    ck_assert_str_eq(text.bytes, "#0 1-0 2-0#1 3-0 4-0#2 1-0 2-0");
    kv_check(db);

    /* The same entries once more, for another consumer. */
    kv_xgroup_options back = KV_OPTIONS(kv_xgroup_options);
    ck_assert_int_eq(kv_xgroup_setid(db, S, G, &back), KV_OK);
    text.size = 0;
    ck_assert_int_eq(
        kv_xreadgroup(db, G, KV_TEXT("b"), from, 3, &options, note_stream, note_entry, &text, NULL),
        KV_OK);
    ck_assert_str_eq(text.bytes, "#0 1-0 2-0#1 3-0 4-0#2 1-0 2-0");
    ck_assert_str_eq(pending("s", "a"), "");
    kv_check(db);
}
END_TEST

START_TEST(a_missing_group_is_named)
{
    kv_stream_from from[2] = {{.key = S, .only_new = true},
                              {.key = KV_TEXT("t"), .only_new = true}};
    struct text text = {.size = 0};
    size_t failed = 9;
    kv_slice a = KV_TEXT("a");
    uint64_t number;
    ck_assert_int_eq(kv_xreadgroup(db, G, a, from, 2, NULL, NULL, note_entry, &text, &failed),
                     KV_NOTFOUND);
    ck_assert_uint_eq(failed, 0);
    add_many("s", 2);
    make_group("s", "g");
    add_many("t", 2);
    ck_assert_int_eq(kv_xreadgroup(db, G, a, from, 2, NULL, NULL, note_entry, &text, &failed),
                     KV_NOGROUP);
    ck_assert_uint_eq(failed, 1);
    ck_assert_str_eq(text.bytes, "");
    ck_assert_str_eq(pending("s", ""), ""); /* and nothing has been given */
    ck_assert_int_eq(kv_xgroup_delconsumer(db, S, G, a, &number), KV_NONE);

    ck_assert_int_eq(kv_xgroup_create(db, KV_TEXT("u"), G, NULL), KV_NOTFOUND);
    ck_assert_int_eq(kv_xgroup_setid(db, KV_TEXT("t"), G, NULL), KV_NOGROUP);
    ck_assert_int_eq(kv_xgroup_destroy(db, KV_TEXT("t"), G), KV_NONE);
    ck_assert_int_eq(kv_xpending(db, KV_TEXT("t"), G, NULL, NULL, NULL), KV_NOGROUP);
    ck_assert_int_eq(kv_xclaim(db, KV_TEXT("u"), G, a, &(kv_stream_id){1, 0}, 1, NULL, NULL, NULL),
                     KV_NOTFOUND);
}
END_TEST

START_TEST(consumers_come_and_go)
{
    struct text text;
    uint64_t count;
    kv_slice a = KV_TEXT("a");
    add_many("s", 3);
    make_group("s", "g");
    ck_assert_int_eq(kv_xgroup_createconsumer(db, S, G, a), KV_OK);
    ck_assert_int_eq(kv_xgroup_createconsumer(db, S, G, a), KV_SKIPPED);
    ck_assert_int_eq(read_group("s", "a", 2, &text), KV_OK);
    ck_assert_int_eq(kv_xgroup_delconsumer(db, S, G, a, &count), KV_OK);
    ck_assert_uint_eq(count, 2);
    ck_assert_int_eq(kv_xgroup_delconsumer(db, S, G, a, &count), KV_NONE);
    ck_assert_uint_eq(count, 0);
    ck_assert_str_eq(pending("s", ""), "");
    ck_assert_int_eq(kv_xgroup_destroy(db, S, G), KV_OK);
    ck_assert_int_eq(read_group("s", "a", 2, &text), KV_NOGROUP);
}
END_TEST

START_TEST(an_idle_entry_is_claimed)
{
    struct text text;
    kv_xclaim_options options = KV_OPTIONS(kv_xclaim_options);
    kv_stream_id ids[4] = {ID(1, 0), ID(2, 0), ID(4, 0), ID(9, 0)};
    add_many("s", 4);
    make_group("s", "g");
    ck_assert_int_eq(read_group("s", "a", 1, &text), KV_OK);
    fixture_pass(&fx, 100);
    ck_assert_int_eq(read_group("s", "a", 1, &text), KV_OK);
    fixture_pass(&fx, 50);
    options.min_idle_ms = 100;
    text = (struct text){.size = 0};
    ck_assert_int_eq(kv_xclaim(db, S, G, KV_TEXT("b"), ids, 4, &options, note_entry, &text), KV_OK);
    ck_assert_str_eq(text.bytes, "1-0");
    ck_assert_str_eq(pending("s", ""), "1-0 b 0 2;2-0 a 50 1;");
    options.min_idle_ms = 0;
    options.force = options.just_id = true;
    options.has_time = options.has_deliveries = true;
    options.time_ms = FIXTURE_START_MS;
    options.deliveries = 7;
    text = (struct text){.size = 0};
    ck_assert_int_eq(kv_xclaim(db, S, G, KV_TEXT("b"), ids, 4, &options, note_entry, &text), KV_OK);
    ck_assert_str_eq(text.bytes, "1-0 2-0 4-0");
    ck_assert_str_eq(pending("s", ""), "1-0 b 150 7;2-0 b 150 7;4-0 b 150 7;");
    ck_assert_str_eq(pending("s", "a"), "");
}
END_TEST

START_TEST(idle_entries_are_found_and_claimed)
{
    struct text text;
    kv_xclaim_options options = KV_OPTIONS(kv_xclaim_options);
    kv_stream_id next, second = ID(2, 0);
    add_many("s", 6);
    make_group("s", "g");
    ck_assert_int_eq(read_group("s", "a", 0, &text), KV_OK);
    ck_assert_int_eq(kv_xdel(db, S, &second, 1, NULL), KV_OK);
    fixture_pass(&fx, 100);
    options.count = 3;
    options.min_idle_ms = 100;
    text = (struct text){.size = 0};
    ck_assert_int_eq(kv_xautoclaim(db, S, G, KV_TEXT("b"), &options, note_entry, &text, &next),
                     KV_OK);
    ck_assert_str_eq(text.bytes, "1-0 2-0x 3-0");
    ck_assert(next.ms == 4 && next.sequence == 0);
    options.start = next;
    text = (struct text){.size = 0};
    ck_assert_int_eq(kv_xautoclaim(db, S, G, KV_TEXT("b"), &options, note_entry, &text, &next),
                     KV_OK);
    ck_assert_str_eq(text.bytes, "4-0 5-0 6-0");
    ck_assert(next.ms == 0);
    ck_assert_str_eq(pending("s", ""), "1-0 b 0 2;3-0 b 0 2;4-0 b 0 2;5-0 b 0 2;6-0 b 0 2;");
}
END_TEST

static void note_deletion(void *context, size_t index, kv_stream_deletion deletion)
{
    ((int *)context)[index] = deletion;
}

START_TEST(deleting_minds_the_groups_as_it_is_told)
{
    struct text text;
    kv_stream_id ids[4] = {ID(1, 0), ID(2, 0), ID(5, 0), ID(9, 0)};
    int told[4] = {0};
    add_many("s", 6);
    make_group("s", "g");
    make_group("s", "h");
    kv_stream_from from = {.key = S, .only_new = true};
    kv_xread_options options = KV_OPTIONS(kv_xread_options);
    options.count = 4;
    ck_assert_int_eq(
        kv_xreadgroup(db, KV_TEXT("h"), KV_TEXT("x"), &from, 1, &options, NULL, NULL, NULL, NULL),
        KV_OK);
    ck_assert_int_eq(read_group("s", "a", 4, &text), KV_OK);
    ck_assert_int_eq(kv_xack(db, S, KV_TEXT("h"), ids, 1, NULL), KV_OK);

    /* 1-0 is pending in g, 2-0 in both, 5-0 was not read, 9-0 is not there. */
    ck_assert_int_eq(kv_xdelex(db, S, ids, 4, KV_REFERENCES_ACKED, note_deletion, told), KV_OK);
    ck_assert(told[0] == 2 && told[1] == 2 && told[2] == 2 && told[3] == -1);
    ck_assert_int_eq(kv_xackdel(db, S, G, ids, 4, KV_REFERENCES_ACKED, note_deletion, told), KV_OK);
    ck_assert(told[0] == 1 && told[1] == 2 && told[2] == -1 && told[3] == -1);
    ck_assert_str_eq(all("s"), "2-0 3-0 4-0 5-0 6-0");
    ck_assert_int_eq(kv_xdelex(db, S, ids, 4, KV_REFERENCES_DELETE, note_deletion, told), KV_OK);
    ck_assert(told[0] == -1 && told[1] == 1 && told[2] == 1 && told[3] == -1);
    kv_pending_summary summary;
    ck_assert_int_eq(kv_xpending(db, S, KV_TEXT("h"), &summary, NULL, NULL), KV_OK);
    ck_assert_uint_eq(summary.count, 2); /* 3-0 and 4-0 */
    ck_assert_uint_eq(summary.first.ms, 3);
    ck_assert_int_eq(kv_xdelex(db, S, ids + 1, 1, KV_REFERENCES_KEEP, note_deletion, told), KV_OK);
    ck_assert_int_eq(told[0], -1);

    kv_stream_trim trim = KV_OPTIONS(kv_stream_trim);
    uint64_t deleted;
    trim.references = KV_REFERENCES_ACKED;
    ck_assert_int_eq(kv_xtrim(db, S, &trim, &deleted), KV_OK);
    ck_assert_uint_eq(deleted, 0);
    trim.references = KV_REFERENCES_DELETE;
    ck_assert_int_eq(kv_xtrim(db, S, &trim, &deleted), KV_OK);
    ck_assert_uint_eq(deleted, 3);
    ck_assert_str_eq(pending("s", ""), "");
}
END_TEST

struct lags {
    int64_t lag[4], read[4];
    bool known[4];
    size_t count;
};

static bool note_lag(void *context, const kv_group_info *group)
{
    struct lags *lags = context;
    lags->lag[lags->count] = group->lag;
    lags->known[lags->count] = group->has_lag;
    lags->read[lags->count++] = group->read;
    return true;
}

static struct lags lags_of(const char *key)
{
    struct lags lags = {.count = 0};
    ck_assert_int_eq(kv_xinfo_groups(db, KV_TEXT(key), note_lag, &lags), KV_OK);
    return lags;
}

START_TEST(the_lag_is_told_as_long_as_it_is_known)
{
    struct text text;
    kv_stream_id third = ID(3, 0);
    add_many("s", 5);
    make_group("s", "g");
    ck_assert_int_eq(lags_of("s").lag[0], 5);
    ck_assert_int_eq(read_group("s", "a", 2, &text), KV_OK);
    ck_assert_int_eq(lags_of("s").lag[0], 3);
    ck_assert_int_eq(lags_of("s").read[0], 2);
    ck_assert_int_eq(kv_xdel(db, S, &third, 1, NULL), KV_OK);
    ck_assert(!lags_of("s").known[0]); /* one of those ahead is gone */
    ck_assert_int_eq(kv_xinfo_groups(db, KV_TEXT("none"), note_lag, NULL), KV_NOTFOUND);
}
END_TEST

START_TEST(a_copy_has_groups_of_its_own)
{
    struct text text;
    uint64_t count;
    add_many("s", 5);
    make_group("s", "g");
    ck_assert_int_eq(read_group("s", "a", 3, &text), KV_OK);
    ck_assert_int_eq(kv_copy(db, S, NULL, KV_TEXT("t"), false), KV_OK);
    ck_assert_str_eq(fixture_show(db, "t"), fixture_show(db, "s"));
    ck_assert_int_eq(kv_xgroup_delconsumer(db, S, G, KV_TEXT("a"), &count), KV_OK);
    ck_assert_str_eq(pending("t", ""), "1-0 a 0 1;2-0 a 0 1;3-0 a 0 1;");
    ck_assert_int_eq(kv_rename(db, KV_TEXT("t"), KV_TEXT("u")), KV_OK);
    ck_assert_str_eq(pending("u", ""), "1-0 a 0 1;2-0 a 0 1;3-0 a 0 1;");
    kv_object_info info = KV_OPTIONS(kv_object_info);
    ck_assert_int_eq(kv_object(db, KV_TEXT("u"), &info), KV_OK);
    ck_assert_str_eq(info.encoding, "stream");
    ck_assert_int_eq(info.type, KV_TYPE_STREAM);
}
END_TEST

/* ----------------------------------------------------------------------------------------- waits */

/* A thread that reads and waits. */
struct reader {
    pthread_t thread;
    kv_stream_from from;
    bool of_group;
    int64_t timeout_ms;
    struct text text;
    kv_status status;
};

static void *reader_run(void *context)
{
    struct reader *reader = context;
    kv_xread_options options = KV_OPTIONS(kv_xread_options);
    options.wait = true;
    options.timeout_ms = reader->timeout_ms;
    reader->status =
        reader->of_group
            ? kv_xreadgroup(db, G, KV_TEXT("a"), &reader->from, 1, &options, NULL, note_entry,
                            &reader->text, NULL)
            : kv_xread(db, &reader->from, 1, &options, NULL, note_entry, &reader->text);
    return NULL;
}

static void reader_begin(struct reader *reader, uint64_t already_waiting)
{
    kv_statistics statistics = KV_OPTIONS(kv_statistics);
    MUST(pthread_create(&reader->thread, NULL, reader_run, reader) == 0);
    do {
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
        MUST(kv_stats(db, &statistics) == KV_OK);
    } while (statistics.waiters == already_waiting);
}

static void reader_end(struct reader *reader, kv_status status, const char *text)
{
    MUST(pthread_join(reader->thread, NULL) == 0);
    ck_assert_int_eq(reader->status, status);
    ck_assert_str_eq(reader->text.bytes, text);
}

START_TEST(every_reader_that_waits_gets_the_entry_and_one_of_a_group)
{
    struct reader readers[4] = {
        {.from = {.key = S, .after = FIRST}},
        {.from = {.key = S, .only_new = true}, .of_group = true},
        {.from = {.key = S, .only_new = true}, .of_group = true, .timeout_ms = 300},
        {.from = {.key = S, .only_new = true}},
    };
    kv_xgroup_options options = KV_OPTIONS(kv_xgroup_options);
    options.create_stream = true;
    ck_assert_int_eq(kv_xgroup_create(db, S, G, &options), KV_OK);
    for (uint64_t i = 0; i < 4; i++) reader_begin(&readers[i], i);
    add_many("s", 1);
    reader_end(&readers[0], KV_OK, "1-0");
    reader_end(&readers[1], KV_OK, "1-0");
    reader_end(&readers[2], KV_TIMEOUT, "");
    reader_end(&readers[3], KV_OK, "1-0");
}
END_TEST

START_TEST(a_reader_of_a_group_is_told_when_that_goes)
{
    for (int how = 0; how < 5; how++) {
        struct reader reader = {.from = {.key = S, .only_new = true}, .of_group = true};
        kv_xgroup_options options = KV_OPTIONS(kv_xgroup_options);
        kv_slice key = S;
        options.create_stream = true;
        ck_assert_int_eq(kv_xgroup_create(db, S, G, &options), KV_OK);
        reader_begin(&reader, 0);
        kv_status expected = KV_NOTFOUND;
        if (how == 0) {
            ck_assert_int_eq(kv_xgroup_destroy(db, S, G), KV_OK);
            expected = KV_NOGROUP;
        } else if (how == 1) {
            fixture_set(db, "s", "text");
            expected = KV_WRONGTYPE;
        } else if (how == 2) {
            ck_assert_int_eq(kv_del(db, &key, 1, NULL), KV_OK);
        } else if (how == 3) {
            ck_assert_int_eq(kv_flush(db, false), KV_OK);
        } else {
            ck_assert_int_eq(kv_expire(db, key, 10, 0), KV_OK);
            fixture_pass(&fx, 20);
            ck_assert_int_eq(kv_tick(db, 0), KV_OK);
        }
        reader_end(&reader, expected, "");
        ck_assert_int_eq(kv_del(db, &key, 1, NULL), KV_OK);
    }
}
END_TEST

START_TEST(nobody_waits_in_a_transaction)
{
    kv_slice key = S;
    kv_stream_from from = {.key = S, .only_new = true};
    kv_xread_options options = KV_OPTIONS(kv_xread_options);
    kv_txn_options locked = KV_OPTIONS(kv_txn_options);
    kv *txn;
    options.wait = true;
    locked.keys = &key;
    locked.key_count = 1;
    add_many("s", 1);
    make_group("s", "g");
    ck_assert_int_eq(kv_begin(db, &locked, &txn), KV_OK);
    ck_assert_int_eq(kv_xread(txn, &from, 1, &options, NULL, NULL, NULL), KV_TIMEOUT);
    kv_slice a = KV_TEXT("a");
    ck_assert_int_eq(kv_xreadgroup(txn, G, a, &from, 1, &options, NULL, NULL, NULL, NULL), KV_OK);
    ck_assert_int_eq(kv_xreadgroup(txn, G, a, &from, 1, &options, NULL, NULL, NULL, NULL),
                     KV_TIMEOUT);
    ck_assert_int_eq(kv_commit(txn), KV_OK);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        ids_are_read_and_written_as_text,
        ids_of_the_moment_grow_though_the_clock_stands_still,
        an_id_that_does_not_grow_is_refused,
        arguments_that_cannot_be_are_refused,
        a_key_of_another_type_is_left_alone,
        entries_are_read_from_either_end,
        fields_come_back_as_they_were_given,
        a_stream_stays_when_its_entries_go,
        trimming_is_exact_or_by_whole_packs,
        the_last_id_can_be_set,
        several_streams_are_read_at_once,
        a_group_gives_each_entry_to_one_consumer,
        what_is_pending_is_shown_again,
        entries_that_need_no_acknowledgement_are_not_pending,
        one_stream_named_twice_is_read_on,
        a_missing_group_is_named,
        consumers_come_and_go,
        an_idle_entry_is_claimed,
        idle_entries_are_found_and_claimed,
        deleting_minds_the_groups_as_it_is_told,
        the_lag_is_told_as_long_as_it_is_known,
        a_copy_has_groups_of_its_own,
        every_reader_that_waits_gets_the_entry_and_one_of_a_group,
        a_reader_of_a_group_is_told_when_that_goes,
        nobody_waits_in_a_transaction,
    };
    Suite *suite = suite_create("stream");
    TCase *fixture = tcase_create("fixture");
    tcase_add_checked_fixture(fixture, setup, store_teardown);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) tcase_add_test(fixture, tests[i]);
    suite_add_tcase(suite, fixture);
    return unit_run(suite);
}
