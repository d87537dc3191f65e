/*
 * tests/api/test_string.c -- strings: every call on one key, alone and against a naive model.
 */
#include "ignore.h"
#include "notes.h"
#include "one_store.h"

#include <string.h>

static kv_buffer buffer;

static void teardown(void)
{
    store_teardown();
    kv_buffer_free(&buffer);
}

/* What kv_get() gives, as text; "-" for no key. The memory is `buffer`'s. */
static const char *get(const char *key)
{
    kv_status status = kv_get(db, KV_TEXT(key), &buffer);
    if (status == KV_NONE) return "-";
    ck_assert_int_eq(status, KV_OK);
    static char text[200];
    snprintf(text, sizeof text, "%.*s", (int)buffer.size, (const char *)buffer.data);
    return text;
}

static const char *buffer_text(const kv_buffer *from)
{
    static char text[200];
    snprintf(text, sizeof text, "%.*s", (int)from->size,
             from->size > 0 ? (const char *)from->data : "");
    return text;
}

/* Milliseconds until a key's deadline; -1 if it has none, -2 if there is no key. */
static int64_t ttl(const char *key)
{
    int64_t ttl_ms;
    kv_status status = kv_ttl(db, KV_TEXT(key), &ttl_ms);
    if (status == KV_NONE) return -2;
    ck_assert_int_eq(status, KV_OK);
    return ttl_ms == KV_NEVER ? -1 : ttl_ms;
}

static kv_status set_flags(const char *key, const char *value, unsigned flags)
{
    kv_set_options options = KV_OPTIONS(kv_set_options);
    options.flags = flags;
    return kv_set(db, KV_TEXT(key), KV_TEXT(value), &options);
}

/* ---------------------------------------------------------------------------------- set and get */

START_TEST(what_is_set_is_given_back_whatever_its_size)
{
    static const size_t sizes[] = {0,   1,    7,    8,    9,    20,    44,    45,    63,
                                   64,  65,   200,  255,  256,  257,   900,   975,   976,
                                   977, 1015, 1016, 1017, 4096, 16383, 16384, 100000};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    char *bytes = malloc(200000);
    MUST(bytes != NULL);
    for (size_t i = 0; i < 200000; i++) bytes[i] = (char)(i * 7 + i / 251); /* zeros, too */
    for (int round = 0; round < 2; round++) { /* the second time over values of other sizes */
        for (size_t k = 0; k < SIZES - 2; k++) {
            for (size_t v = 0; v < SIZES; v++) {
                kv_slice key = {bytes, sizes[k]},
                         value = {bytes + v, sizes[round == 0 ? v : SIZES - 1 - v]};
                MUST(kv_set(db, key, value, NULL) == KV_OK);
                MUST(kv_get(db, key, &buffer) == KV_OK);
                MUST(buffer.size == value.size);
                if (value.size > 0) MUST(memcmp(buffer.data, value.data, value.size) == 0);
                uint64_t length;
                MUST(kv_strlen(db, key, &length) == KV_OK && length == value.size);
            }
        }
    }
    uint64_t count;
    ck_assert_int_eq(kv_count(db, &count), KV_OK);
    ck_assert_uint_eq(count, SIZES - 2);
    free(bytes);
}
END_TEST

static bool keep_item(void *context, kv_slice item)
{
    kv_buffer *kept = context;
    MUST(item.size <= 100);
    kept->data = realloc(kept->data, 100);
    memcpy(kept->data, item.data, item.size);
    kept->size = item.size;
    kept->capacity = 100;
    return false;
}

START_TEST(a_string_is_kept_the_way_redis_says)
{
    static const struct {
        const char *value, *encoding;
    } cases[] = {
        {"0", "int"},
        {"-1", "int"},
        {"9223372036854775807", "int"},
        {"-9223372036854775808", "int"},
        {"9223372036854775808", "embstr"},
        {"-0", "embstr"},
        {"+1", "embstr"},
        {"01", "embstr"},
        {" 1", "embstr"},
        {"1.5", "embstr"},
        {"", "embstr"},
        {"-", "embstr"},
        {"12345678901234567890123456789012345678901234", "embstr"},
        {"123456789012345678901234567890123456789012345", "raw"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture_set(db, "k", cases[i].value);
        ck_assert_str_eq(fixture_encoding(db, "k"), cases[i].encoding);
        ck_assert_str_eq(get("k"), cases[i].value);
        ck_assert_int_eq(kv_read(db, KV_TEXT("k"), keep_item, &buffer), KV_OK);
        ck_assert_str_eq(buffer_text(&buffer), cases[i].value);
    }
}
END_TEST

START_TEST(an_absent_key_and_another_type_are_told_apart)
{
    kv_slice absent = KV_TEXT("absent"), list = KV_TEXT("list");
    int64_t number = 7;
    uint64_t length = 7;
    fixture_push(db, "list", "e");
    ck_assert_int_eq(kv_get(db, absent, &buffer), KV_NONE);
    ck_assert_int_eq(kv_get(db, list, &buffer), KV_WRONGTYPE);
    ck_assert_int_eq(kv_read(db, absent, keep_item, &buffer), KV_NONE);
    ck_assert_int_eq(kv_read(db, list, keep_item, &buffer), KV_WRONGTYPE);
    ck_assert_int_eq(kv_getdel(db, absent, &buffer), KV_NONE);
    ck_assert_int_eq(kv_getdel(db, list, &buffer), KV_WRONGTYPE);
    ck_assert_int_eq(kv_getex(db, absent, NULL, &buffer), KV_NONE);
    ck_assert_int_eq(kv_getex(db, list, NULL, &buffer), KV_WRONGTYPE);
    ck_assert_int_eq(kv_getrange(db, list, 0, -1, &buffer), KV_WRONGTYPE);
    ck_assert_int_eq(kv_append(db, list, absent, &length), KV_WRONGTYPE);
    ck_assert_int_eq(kv_setrange(db, list, 0, absent, &length), KV_WRONGTYPE);
    ck_assert_int_eq(kv_setrange(db, list, 0, KV_TEXT(""), &length), KV_WRONGTYPE);
    ck_assert_int_eq(kv_strlen(db, list, &length), KV_WRONGTYPE);
    ck_assert_int_eq(kv_incr(db, list, &number), KV_WRONGTYPE);
    ck_assert_int_eq(kv_incrbyfloat(db, list, KV_TEXT("1"), &buffer), KV_WRONGTYPE);
    ck_assert_int_eq(kv_lcs(db, absent, list, 0, &length, NULL, NULL, NULL), KV_WRONGTYPE);
    ck_assert_uint_eq(length, 7); /* nothing was written */
    ck_assert_int_eq(number, 7);
    ck_assert_ptr_null(buffer.data);
    ck_assert_int_eq(kv_strlen(db, absent, &length), KV_NONE);
    ck_assert_uint_eq(length, 0);
    ck_assert_key(db, "list", "[e]");
    ck_assert_key(db, "absent", "-");
}
END_TEST

START_TEST(results_that_nobody_wants_are_not_given)
{
    kv_slice key = KV_TEXT("k");
    fixture_set(db, "k", "1");
    ck_assert_int_eq(kv_get(db, key, NULL), KV_OK);
    ck_assert_int_eq(kv_getex(db, key, NULL, NULL), KV_OK);
    ck_assert_int_eq(kv_getrange(db, key, 0, 1, NULL), KV_OK);
    ck_assert_int_eq(kv_strlen(db, key, NULL), KV_OK);
    ck_assert_int_eq(kv_incr(db, key, NULL), KV_OK);
    ck_assert_int_eq(kv_incrbyfloat(db, key, KV_TEXT("1"), NULL), KV_OK);
    ck_assert_int_eq(kv_append(db, key, key, NULL), KV_OK);
    ck_assert_int_eq(kv_setrange(db, key, 0, key, NULL), KV_OK);
    ck_assert_int_eq(kv_lcs(db, key, key, 0, NULL, NULL, NULL, NULL), KV_OK);
    ck_assert_int_eq(set_flags("k", "v", KV_GET_OLD), KV_OK);
    ck_assert_int_eq(kv_getdel(db, key, NULL), KV_OK);
    ck_assert_int_eq(kv_get(NULL, key, &buffer), KV_BADARG);
    ck_assert_int_eq(kv_set(NULL, key, key, NULL), KV_BADARG);
    ck_assert_int_eq(kv_read(db, key, NULL, NULL), KV_BADARG);
}
END_TEST

/* --------------------------------------------------------------------------- kv_set()'s options */

/* Does a kv_set() with a condition; gives "status now", for instance "KV_SKIPPED old". */
static const char *set_if(const char *key, unsigned flags, const char *if_equal)
{
    static char text[100];
    kv_set_options options = KV_OPTIONS(kv_set_options);
    options.flags = flags;
    if (if_equal != NULL) options.if_equal = KV_TEXT(if_equal);
    kv_status status = kv_set(db, KV_TEXT(key), KV_TEXT("new"), &options);
    snprintf(text, sizeof text, "%d %s", (int)status, fixture_show(db, key));
    return text;
}

START_TEST(a_condition_decides)
{
    fixture_set(db, "k", "old");
    fixture_set(db, "n", "42");
    fixture_push(db, "l", "e");
    ck_assert_str_eq(set_if("k", KV_IF_ABSENT, NULL), "2 'old'");
    ck_assert_str_eq(set_if("l", KV_IF_ABSENT, NULL), "2 [e]");
    ck_assert_str_eq(set_if("a", KV_IF_ABSENT, NULL), "0 'new'");
    ck_assert_str_eq(set_if("b", KV_IF_PRESENT, NULL), "2 -");
    ck_assert_str_eq(set_if("a", KV_IF_PRESENT, NULL), "0 'new'");
    ck_assert_str_eq(set_if("k", KV_IF_EQUAL, "ol"), "2 'old'");
    ck_assert_str_eq(set_if("k", KV_IF_EQUAL, "old"), "0 'new'");
    ck_assert_str_eq(set_if("n", KV_IF_EQUAL, "42"), "0 'new'");
    ck_assert_str_eq(set_if("b", KV_IF_EQUAL, ""), "2 -");
    ck_assert_str_eq(set_if("l", KV_IF_EQUAL, "e"), "-1 [e]");
    ck_assert_str_eq(set_if("k", KV_IF_DIFFERS, "new"), "2 'new'");
    ck_assert_str_eq(set_if("k", KV_IF_DIFFERS, "old"), "0 'new'");
    ck_assert_str_eq(set_if("l", KV_IF_DIFFERS, "e"), "-1 [e]");
    ck_assert_str_eq(set_if("b", KV_IF_DIFFERS, ""), "0 'new'");
    ck_assert_str_eq(set_if("l", KV_IF_PRESENT, NULL), "0 'new'"); /* of any type */
}
END_TEST

/* As a get, which says of an absent key that it is so. */
static kv_status set_getting(const char *key, const char *value, unsigned flags,
                             kv_status *old_status)
{
    kv_set_options options = KV_OPTIONS(kv_set_options);
    options.flags = flags | KV_GET_OLD;
    options.old_value = &buffer;
    options.old_status = old_status;
    return kv_set(db, KV_TEXT(key), KV_TEXT(value), &options);
}

START_TEST(the_old_value_is_given_if_it_is_asked_for)
{
    kv_status old = KV_BADARG;
    ck_assert_int_eq(set_getting("k", "1", 0, &old), KV_OK);
    ck_assert_int_eq(old, KV_NONE);
    ck_assert_uint_eq(buffer.size, 0);
    ck_assert_int_eq(set_getting("k", "two", 0, &old), KV_OK);
    ck_assert_int_eq(old, KV_OK);
    ck_assert_str_eq(buffer_text(&buffer), "1");
    /* the buffer is not empty now */
    ck_assert_int_eq(set_getting("k", "three", KV_IF_ABSENT, &old), KV_SKIPPED);
    ck_assert_int_eq(old, KV_OK);
    ck_assert_str_eq(buffer_text(&buffer), "two");
    ck_assert_int_eq(set_getting("absent", "x", KV_IF_PRESENT, &old), KV_SKIPPED);
    ck_assert_int_eq(old, KV_NONE);
    ck_assert_uint_eq(buffer.size, 0);
    ck_assert_int_eq(set_getting("k", "longer than that", 0, NULL), KV_OK);
    ck_assert_str_eq(buffer_text(&buffer), "two");
    ck_assert_int_eq(set_getting("k", "x", 0, NULL), KV_OK);
    ck_assert_str_eq(buffer_text(&buffer), "longer than that");

    fixture_push(db, "l", "e");
    old = KV_BADARG;
    ck_assert_int_eq(set_getting("l", "x", 0, &old), KV_WRONGTYPE);
    ck_assert_int_eq(set_getting("l", "x", KV_IF_ABSENT, &old), KV_WRONGTYPE);
    ck_assert_int_eq(old, KV_BADARG);
    ck_assert_str_eq(buffer_text(&buffer), "longer than that");
    ck_assert_key(db, "l", "[e]");
}
END_TEST

START_TEST(a_deadline_is_set_kept_or_taken_away)
{
    kv_set_options options = KV_OPTIONS(kv_set_options);
    kv_slice key = KV_TEXT("k"), value = KV_TEXT("v");
    options.ttl_ms = 1000;
    ck_assert_int_eq(kv_set(db, key, value, &options), KV_OK);
    ck_assert_int_eq(ttl("k"), 1000);
    ck_assert_int_eq(set_flags("k", "another", KV_KEEP_TTL), KV_OK);
    ck_assert_int_eq(ttl("k"), 1000);
    ck_assert_int_eq(set_flags("k", "7", KV_KEEP_TTL), KV_OK);
    ck_assert_int_eq(ttl("k"), 1000);
    fixture_set(db, "k", "v");
    ck_assert_int_eq(ttl("k"), -1);
    ck_assert_int_eq(set_flags("k", "v", KV_KEEP_TTL), KV_OK);
    ck_assert_int_eq(ttl("k"), -1);
    options = KV_OPTIONS(kv_set_options);
    options.deadline_ms = FIXTURE_START_MS + 5;
    ck_assert_int_eq(kv_set(db, key, value, &options), KV_OK);
    ck_assert_int_eq(ttl("k"), 5);
    fixture_pass(&fx, 4);
    ck_assert_str_eq(get("k"), "v");
    fixture_pass(&fx, 1);
    ck_assert_str_eq(get("k"), "-");
    ck_assert_int_eq(set_flags("k", "v", KV_KEEP_TTL), KV_OK); /* nothing was left to keep */
    ck_assert_int_eq(ttl("k"), -1);
    options.deadline_ms = KV_NEVER;
    ck_assert_int_eq(kv_set(db, key, value, &options), KV_OK);
    ck_assert_int_eq(ttl("k"), -1);
}
END_TEST

START_TEST(a_deadline_far_away_is_kept_to_the_millisecond)
{
    static const int64_t deadlines[] = {INT64_C(2676000000000), INT64_C(2677344000000),
                                        INT64_C(9999999999999), INT64_MAX - 2, INT64_MAX - 1};
    for (size_t i = 0; i < sizeof deadlines / sizeof *deadlines; i++) {
        kv_set_options options = KV_OPTIONS(kv_set_options);
        int64_t found;
        options.deadline_ms = deadlines[i];
        ck_assert_int_eq(kv_set(db, KV_TEXT("k"), KV_TEXT("v"), &options), KV_OK);
        ck_assert_int_eq(kv_deadline(db, KV_TEXT("k"), &found), KV_OK);
        ck_assert_int_eq(found, deadlines[i]);
    }
}
END_TEST

START_TEST(a_deadline_that_has_passed_leaves_no_key)
{
    kv_set_options options = KV_OPTIONS(kv_set_options);
    uint64_t version = 7;
    fixture_set(db, "k", "v");
    options.deadline_ms = FIXTURE_START_MS;
    options.version = &version;
    ck_assert_int_eq(kv_set(db, KV_TEXT("k"), KV_TEXT("w"), &options), KV_OK);
    ck_assert_key(db, "k", "-");
    ck_assert_uint_eq(version, 0);
    options.deadline_ms = -1;
    ck_assert_int_eq(kv_set(db, KV_TEXT("k"), KV_TEXT("w"), &options), KV_OK);
    ck_assert_key(db, "k", "-");

    /* While nothing expires it is a deadline like others. */
    ck_assert_int_eq(kv_configure(db, KV_SETTING_EXPIRE, 0), KV_OK);
    options.deadline_ms = FIXTURE_START_MS - 10;
    ck_assert_int_eq(kv_set(db, KV_TEXT("k"), KV_TEXT("w"), &options), KV_OK);
    ck_assert_key(db, "k", "'w'");
    ck_assert_int_eq(set_flags("k", "x", KV_KEEP_TTL), KV_OK);
    ck_assert_int_eq(kv_append(db, KV_TEXT("k"), KV_TEXT("y"), NULL), KV_OK);
    ck_assert_key(db, "k", "'xy'");
    ck_assert_int_eq(kv_configure(db, KV_SETTING_EXPIRE, 1), KV_OK);
    ck_assert_key(db, "k", "-");
}
END_TEST

START_TEST(options_that_make_no_sense_are_refused)
{
    static const struct {
        unsigned flags;
        int64_t ttl_ms, deadline_ms;
        kv_status status;
    } cases[] = {
        {0, -1, 0, KV_BADARG},
        {0, 1, FIXTURE_START_MS + 5, KV_BADARG},
        {KV_KEEP_TTL, 1, 0, KV_BADARG},
        {KV_KEEP_TTL, 0, FIXTURE_START_MS + 5, KV_BADARG},
        {KV_IF_ABSENT | KV_IF_PRESENT, 0, 0, KV_BADARG},
        {KV_IF_EQUAL | KV_IF_DIFFERS, 0, 0, KV_BADARG},
        {KV_IF_VERSION | KV_IF_ABSENT, 0, 0, KV_BADARG},
        {128, 0, 0, KV_BADARG},
        {0, INT64_MAX, 0, KV_OVERFLOW},
        {0, INT64_MAX - FIXTURE_START_MS, 0, KV_OVERFLOW},
        {0, INT64_MAX - 1 - FIXTURE_START_MS, 0, KV_OK},
    };
    kv_set_options options;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        options = KV_OPTIONS(kv_set_options);
        options.flags = cases[i].flags;
        options.ttl_ms = cases[i].ttl_ms;
        options.deadline_ms = cases[i].deadline_ms;
        ck_assert_int_eq(kv_set(db, KV_TEXT("k"), KV_TEXT("v"), &options), cases[i].status);
        ck_assert_key(db, "k", cases[i].status == KV_OK ? "'v'" : "-");
    }
    options = KV_OPTIONS(kv_set_options);
    options.size++;
    ck_assert_int_eq(kv_set(db, KV_TEXT("k"), KV_TEXT("v"), &options), KV_BADARG);
    options.size = 3;
    ck_assert_int_eq(kv_set(db, KV_TEXT("k"), KV_TEXT("v"), &options), KV_BADARG);
    /* A caller that knows the first fields only. */
    options = KV_OPTIONS(kv_set_options);
    options.size = offsetof(kv_set_options, ttl_ms);
    options.flags = KV_IF_ABSENT;
    options.ttl_ms = -1;
    ck_assert_int_eq(kv_set(db, KV_TEXT("k"), KV_TEXT("w"), &options), KV_SKIPPED);
}
END_TEST

START_TEST(a_version_changes_with_every_change_and_never_comes_back)
{
    kv_slice key = KV_TEXT("k"), value = KV_TEXT("v");
    kv_set_options options = KV_OPTIONS(kv_set_options);
    uint64_t first, second, third;
    ck_assert_int_eq(kv_version_of(db, key, &first), KV_OK);
    ck_assert_uint_eq(first, 0);
    options.version = &first;
    ck_assert_int_eq(kv_set(db, key, value, &options), KV_OK);
    ck_assert_uint_ne(first, 0);
    ck_assert_int_eq(kv_version_of(db, key, &second), KV_OK);
    ck_assert_uint_eq(first, second);
    fixture_set(db, "k", "v"); /* the same value is a change, too */
    ck_assert_int_eq(kv_version_of(db, key, &second), KV_OK);
    ck_assert_uint_gt(second, first);
    for (int way = 0; way < 6; way++) {
        int64_t number;
        kv_getex_options expires = KV_OPTIONS(kv_getex_options);
        expires.ttl_ms = 1000;
        ck_assert_int_eq(kv_version_of(db, key, &first), KV_OK);
        if (way == 0) ck_assert_int_eq(kv_set(db, key, KV_TEXT("12"), NULL), KV_OK);
        if (way == 1) ck_assert_int_eq(kv_incr(db, key, &number), KV_OK);
        if (way == 2) ck_assert_int_eq(kv_append(db, key, KV_TEXT("5"), NULL), KV_OK);
        if (way == 3) ck_assert_int_eq(kv_setrange(db, key, 2, KV_TEXT("1"), NULL), KV_OK);
        if (way == 4) ck_assert_int_eq(kv_incrbyfloat(db, key, KV_TEXT("1"), NULL), KV_OK);
        if (way == 5) ck_assert_int_eq(kv_getex(db, key, &expires, NULL), KV_OK);
        ck_assert_int_eq(kv_version_of(db, key, &second), KV_OK);
        ck_assert_uint_gt(second, first);
        ck_assert_int_eq(kv_get(db, key, NULL), KV_OK);
        ck_assert_int_eq(kv_version_of(db, key, &third), KV_OK);
        ck_assert_uint_eq(second, third);
    }
    ck_assert_int_eq(kv_del(db, &key, 1, NULL), KV_OK);
    ck_assert_int_eq(kv_set(db, key, value, &options), KV_OK); /* `first` receives */
    ck_assert_uint_gt(first, third);
}
END_TEST

START_TEST(a_version_decides_whether_to_set)
{
    kv_slice key = KV_TEXT("k");
    kv_set_options options = KV_OPTIONS(kv_set_options);
    uint64_t version = 0, old;
    options.flags = KV_IF_VERSION;
    options.version = &version;
    ck_assert_int_eq(kv_set(db, key, KV_TEXT("1"), &options), KV_OK); /* 0: it must be absent */
    ck_assert_int_eq(kv_set(db, key, KV_TEXT("2"), &options), KV_SKIPPED);
    options.if_version = old = version;
    ck_assert_int_eq(kv_set(db, key, KV_TEXT("3"), &options), KV_OK);
    ck_assert_uint_ne(version, old);
    ck_assert_int_eq(kv_set(db, key, KV_TEXT("4"), &options), KV_SKIPPED);
    ck_assert_str_eq(get("k"), "3");
    fixture_set(db, "unasked", "v"); /* carries no version, so none is right */
    ck_assert_int_eq(kv_set(db, KV_TEXT("unasked"), KV_TEXT("4"), &options), KV_SKIPPED);
    options.if_version = 0;
    ck_assert_int_eq(kv_set(db, KV_TEXT("unasked"), KV_TEXT("4"), &options), KV_SKIPPED);
    ck_assert_int_eq(kv_del(db, &key, 1, NULL), KV_OK);
    options.if_version = version;
    ck_assert_int_eq(kv_set(db, key, KV_TEXT("5"), &options), KV_SKIPPED);
    ck_assert_key(db, "k", "-");
}
END_TEST

START_TEST(settings_refuse_writes_and_sizes)
{
    char *large = calloc(1, 3000);
    kv_slice key = KV_TEXT("k"), value = {large, 2001};
    kv_getex_options persist = KV_OPTIONS(kv_getex_options);
    persist.flags = KV_PERSIST;
    MUST(large != NULL);
    ck_assert_int_eq(kv_configure(db, KV_SETTING_MAX_VALUE_SIZE, 2000), KV_OK);
    ck_assert_int_eq(kv_set(db, key, value, NULL), KV_TOOBIG);
    ck_assert_int_eq(kv_append(db, key, value, NULL), KV_TOOBIG);
    ck_assert_int_eq(kv_setrange(db, key, 0, value, NULL), KV_TOOBIG);
    ck_assert_int_eq(kv_setrange(db, key, 2000, KV_TEXT("x"), NULL), KV_TOOBIG);
    ck_assert_int_eq(kv_setrange(db, key, UINT64_MAX, KV_TEXT("x"), NULL), KV_TOOBIG);
    ck_assert_int_eq(kv_setrange(db, key, UINT64_MAX, KV_TEXT(""), NULL), KV_OK);
    ck_assert_key(db, "k", "-");
    value.size = 2000;
    ck_assert_int_eq(kv_set(db, key, value, NULL), KV_OK);
    ck_assert_int_eq(kv_append(db, key, KV_TEXT("x"), NULL), KV_TOOBIG);
    ck_assert_int_eq(kv_append(db, key, KV_TEXT(""), NULL), KV_OK);
    ck_assert_int_eq(kv_setrange(db, key, 1999, KV_TEXT("xy"), NULL), KV_TOOBIG);
    ck_assert_int_eq(kv_setrange(db, key, 1999, KV_TEXT("x"), NULL), KV_OK);
    free(large);

    uint64_t before = fixture_digest(db);
    ck_assert_int_eq(kv_configure(db, KV_SETTING_ACCEPT_WRITES, 0), KV_OK);
    ck_assert_int_eq(kv_set(db, key, key, NULL), KV_READONLY);
    ck_assert_int_eq(set_flags("k", "v", KV_GET_OLD), KV_READONLY);
    ck_assert_int_eq(kv_getdel(db, key, &buffer), KV_READONLY);
    ck_assert_int_eq(kv_getex(db, key, &persist, &buffer), KV_READONLY);
    ck_assert_int_eq(kv_getex(db, key, NULL, &buffer), KV_OK); /* changes nothing */
    ck_assert_int_eq(kv_append(db, key, key, NULL), KV_READONLY);
    ck_assert_int_eq(kv_setrange(db, key, 0, key, NULL), KV_READONLY);
    ck_assert_int_eq(kv_incr(db, key, NULL), KV_READONLY);
    ck_assert_int_eq(kv_incrbyfloat(db, key, KV_TEXT("1"), NULL), KV_READONLY);
    ck_assert_uint_eq(fixture_digest(db), before);
}
END_TEST

/* ------------------------------------------------------------------------- getdel, getex, parts */

START_TEST(getdel_gives_and_removes)
{
    fixture_set(db, "k", "v");
    ck_assert_int_eq(kv_getdel(db, KV_TEXT("k"), &buffer), KV_OK);
    ck_assert_str_eq(buffer_text(&buffer), "v");
    ck_assert_int_eq(kv_getdel(db, KV_TEXT("k"), &buffer), KV_NONE);
    ck_assert_key(db, "k", "-");
}
END_TEST

static kv_status getex(unsigned flags, int64_t ttl_ms, int64_t deadline_ms)
{
    kv_getex_options options = KV_OPTIONS(kv_getex_options);
    options.flags = flags;
    options.ttl_ms = ttl_ms;
    options.deadline_ms = deadline_ms;
    buffer.size = 0;
    return kv_getex(db, KV_TEXT("k"), &options, &buffer);
}

START_TEST(getex_gives_and_changes_the_deadline)
{
    fixture_set(db, "k", "v");
    ck_assert_int_eq(getex(0, 500, 0), KV_OK);
    ck_assert_str_eq(buffer_text(&buffer), "v");
    ck_assert_int_eq(ttl("k"), 500);
    ck_assert_int_eq(getex(0, 0, 0), KV_OK);
    ck_assert_int_eq(ttl("k"), 500);
    ck_assert_int_eq(getex(0, 0, FIXTURE_START_MS + 9), KV_OK);
    ck_assert_int_eq(ttl("k"), 9);
    ck_assert_int_eq(getex(KV_PERSIST, 0, 0), KV_OK);
    ck_assert_str_eq(buffer_text(&buffer), "v");
    ck_assert_int_eq(ttl("k"), -1);
    ck_assert_int_eq(getex(KV_PERSIST, 0, 0), KV_OK);
    ck_assert_int_eq(getex(0, INT64_MAX, 0), KV_OVERFLOW);
    ck_assert_int_eq(getex(0, -1, 0), KV_BADARG);
    ck_assert_int_eq(getex(KV_PERSIST, 1, 0), KV_BADARG);
    ck_assert_int_eq(getex(0, 1, FIXTURE_START_MS + 9), KV_BADARG);
    ck_assert_int_eq(getex(2, 0, 0), KV_BADARG);
    ck_assert_int_eq(getex(0, 0, 1), KV_OK);
    ck_assert_str_eq(buffer_text(&buffer), "v");
    ck_assert_key(db, "k", "-");
    ck_assert_int_eq(getex(0, 500, 0), KV_NONE);
}
END_TEST

START_TEST(a_range_is_clipped_as_redis_does)
{
    static const struct {
        int64_t start, end;
        const char *part;
    } cases[] = {
        {0, 4, "hello"},
        {0, -1, "hello"},
        {1, 3, "ell"},
        {-3, -2, "ll"},
        {0, 0, "h"},
        {4, 4, "o"},
        {4, 100, "o"},
        {5, 5, ""},
        {5, 100, ""},
        {3, 1, ""},
        {-1, -3, ""},
        {-100, 1, "he"},
        {-100, -100, "h"},
        {0, -100, "h"},
        {-100, -5, "h"},
        {-100, 100, "hello"},
        {INT64_MIN, INT64_MAX, "hello"},
        {INT64_MAX, INT64_MIN, ""},
        {INT64_MIN, INT64_MIN, "h"},
        {1, -100, ""},
        {-1, 0, ""},
        {-5, -6, ""},
    };
    fixture_set(db, "k", "hello");
    fixture_set(db, "n", "-123");
    fixture_set(db, "e", "");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(kv_getrange(db, KV_TEXT("k"), cases[i].start, cases[i].end, &buffer),
                         KV_OK);
        ck_assert_str_eq(buffer_text(&buffer), cases[i].part);
        ck_assert_int_eq(kv_getrange(db, KV_TEXT("e"), cases[i].start, cases[i].end, &buffer),
                         KV_OK);
        ck_assert_uint_eq(buffer.size, 0);
        ck_assert_int_eq(kv_getrange(db, KV_TEXT("absent"), cases[i].start, cases[i].end, &buffer),
                         KV_OK);
        ck_assert_uint_eq(buffer.size, 0);
    }
    ck_assert_int_eq(kv_read_range(db, KV_TEXT("n"), 0, -2, keep_item, &buffer), KV_OK);
    ck_assert_str_eq(buffer_text(&buffer), "-12");
    ck_assert_int_eq(kv_read_range(db, KV_TEXT("n"), 0, -2, NULL, NULL), KV_BADARG);
}
END_TEST

/* ----------------------------------------------------------------------------- append, setrange */

START_TEST(append_and_setrange_leave_raw_strings)
{
    uint64_t length;
    kv_slice key = KV_TEXT("k");
    ck_assert_int_eq(kv_append(db, key, KV_TEXT("12"), &length), KV_OK); /* the first is a set */
    ck_assert_uint_eq(length, 2);
    ck_assert_str_eq(fixture_encoding(db, "k"), "int");
    ck_assert_int_eq(kv_append(db, key, KV_TEXT("3"), &length), KV_OK);
    ck_assert_uint_eq(length, 3);
    ck_assert_str_eq(get("k"), "123");
    ck_assert_str_eq(fixture_encoding(db, "k"), "raw");
    ck_assert_int_eq(kv_incr(db, key, NULL), KV_OK);
    ck_assert_str_eq(fixture_encoding(db, "k"), "int");
    ck_assert_int_eq(kv_append(db, key, KV_TEXT(""), &length), KV_OK);
    ck_assert_str_eq(fixture_encoding(db, "k"), "raw");
    ck_assert_str_eq(get("k"), "124");
    ck_assert_int_eq(kv_rename(db, key, KV_TEXT("r")), KV_OK);
    ck_assert_str_eq(fixture_encoding(db, "r"), "raw");

    ck_assert_int_eq(kv_setrange(db, KV_TEXT("s"), 3, KV_TEXT(""), &length), KV_OK);
    ck_assert_uint_eq(length, 0);
    ck_assert_key(db, "s", "-");
    ck_assert_int_eq(kv_setrange(db, KV_TEXT("s"), 2, KV_TEXT("7"), &length), KV_OK);
    ck_assert_uint_eq(length, 3);
    ck_assert_int_eq(kv_get(db, KV_TEXT("s"), &buffer), KV_OK);
    ck_assert_mem_eq(buffer.data, "\0\0007", 3);
    ck_assert_str_eq(fixture_encoding(db, "s"), "raw");
    ck_assert_int_eq(kv_setrange(db, KV_TEXT("s"), 0, KV_TEXT("45"), &length), KV_OK);
    ck_assert_uint_eq(length, 3);
    ck_assert_str_eq(get("s"), "457");
    fixture_set(db, "n", "1000");
    ck_assert_int_eq(kv_setrange(db, KV_TEXT("n"), 1, KV_TEXT("9"), &length), KV_OK);
    ck_assert_str_eq(get("n"), "1900");
    ck_assert_int_eq(kv_setrange(db, KV_TEXT("n"), 1, KV_TEXT(""), &length), KV_OK);
    ck_assert_uint_eq(length, 4);
}
END_TEST

START_TEST(what_changes_a_part_keeps_the_deadline)
{
    fixture_set_for(db, "k", "1", 1000);
    ck_assert_int_eq(kv_incrby(db, KV_TEXT("k"), 5, NULL), KV_OK);
    ck_assert_int_eq(ttl("k"), 1000);
    ck_assert_int_eq(kv_incrbyfloat(db, KV_TEXT("k"), KV_TEXT("0.5"), NULL), KV_OK);
    ck_assert_int_eq(ttl("k"), 1000);
    for (int i = 0; i < 600; i++) { /* from its entry to a blob */
        ck_assert_int_eq(kv_append(db, KV_TEXT("k"), KV_TEXT("abc"), NULL), KV_OK);
        ck_assert_int_eq(kv_setrange(db, KV_TEXT("k"), (uint64_t)i * 4, KV_TEXT("x"), NULL), KV_OK);
        ck_assert_int_eq(ttl("k"), 1000);
    }
    fixture_pass(&fx, 1000);
    uint64_t length;
    ck_assert_int_eq(kv_append(db, KV_TEXT("k"), KV_TEXT("abc"), &length), KV_OK);
    ck_assert_uint_eq(length, 3);
    ck_assert_int_eq(ttl("k"), -1);
}
END_TEST

START_TEST(many_small_appends_cost_few_allocations)
{
    for (int way = 0; way < 2; way++) {
        unsigned long before = atomic_load(&fx.alloc.allocations);
        char key[] = {'k', (char)('0' + way)};
        for (uint64_t i = 0; i < 65536; i++) {
            kv_slice piece = KV_TEXT("sixteen bytes...");
            kv_status status = way == 0 ? kv_append(db, KV_BYTES(key, 2), piece, NULL)
                                        : kv_setrange(db, KV_BYTES(key, 2), i * 16, piece, NULL);
            MUST(status == KV_OK);
        }
        uint64_t length;
        ck_assert_int_eq(kv_strlen(db, KV_BYTES(key, 2), &length), KV_OK);
        ck_assert_uint_eq(length, 1 << 20);
        ck_assert_uint_lt(atomic_load(&fx.alloc.allocations) - before, 100);
        kv_object_info info = KV_OPTIONS(kv_object_info);
        ck_assert_int_eq(kv_object(db, KV_BYTES(key, 2), &info), KV_OK);
        ck_assert_uint_lt(info.bytes, (2 << 20) + 1000);
    }
}
END_TEST

/* -------------------------------------------------------------------------------------- numbers */

START_TEST(integers_are_counted_up_and_down)
{
    static const struct {
        const char *before; /* NULL: no key */
        int64_t increment;
        kv_status status;
        const char *after;
    } cases[] = {
        {NULL, 1, KV_OK, "1"},
        {"10", -11, KV_OK, "-1"},
        {"0", 0, KV_OK, "0"},
        {"9223372036854775806", 1, KV_OK, "9223372036854775807"},
        {"9223372036854775807", 1, KV_OVERFLOW, "9223372036854775807"},
        {"-9223372036854775808", -1, KV_OVERFLOW, "-9223372036854775808"},
        {"-9223372036854775808", INT64_MAX, KV_OK, "-1"},
        {"-1", INT64_MIN, KV_OVERFLOW, "-1"},
        {"0", INT64_MIN, KV_OK, "-9223372036854775808"},
        {"9223372036854775808", 1, KV_NOTINT, "9223372036854775808"},
        {"1.0", 1, KV_NOTINT, "1.0"},
        {"", 1, KV_NOTINT, ""},
        {" 1", 1, KV_NOTINT, " 1"},
        {"1 ", 1, KV_NOTINT, "1 "},
        {"01", 1, KV_NOTINT, "01"},
        {"abc", 1, KV_NOTINT, "abc"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kv_slice key = KV_TEXT("k");
        int64_t result = 77;
        ck_assert_int_eq(kv_del(db, &key, 1, NULL), KV_OK);
        if (cases[i].before != NULL) fixture_set(db, "k", cases[i].before);
        ck_assert_int_eq(kv_incrby(db, key, cases[i].increment, &result), cases[i].status);
        ck_assert_str_eq(get("k"), cases[i].after);
        if (cases[i].status == KV_OK) ck_assert_int_eq(result, strtoll(cases[i].after, NULL, 10));
        else ck_assert_int_eq(result, 77);
        if (cases[i].status == KV_OK) ck_assert_str_eq(fixture_encoding(db, "k"), "int");
    }
    int64_t result;
    ck_assert_int_eq(kv_incr(db, KV_TEXT("n"), &result), KV_OK);
    ck_assert_int_eq(kv_decr(db, KV_TEXT("n"), &result), KV_OK);
    ck_assert_int_eq(kv_decrby(db, KV_TEXT("n"), 5, &result), KV_OK);
    ck_assert_int_eq(result, -5);
    ck_assert_int_eq(kv_decrby(db, KV_TEXT("n"), INT64_MIN, &result), KV_OVERFLOW);
}
END_TEST

START_TEST(other_numbers_are_added_as_redis_does)
{
    static const struct {
        const char *before, *increment;
        kv_status status;
        const char *after;
    } cases[] = {
        {NULL, "10.5", KV_OK, "10.5"},
        {"10.50", "0.1", KV_OK, "10.6"},
        {"5.0e3", "2.0e2", KV_OK, "5200"},
        {"3.0", "1.1", KV_OK, "4.1"},
        {"1", "-1", KV_OK, "0"},
        {"1e20", "0", KV_OK, "100000000000000000000"},
        {"9223372036854775807", "1", KV_OK, "9223372036854775808"},
        {"x", "1", KV_NOTFLOAT, "x"},
        {"", "1", KV_NOTFLOAT, ""},
        {"1", "", KV_NOTFLOAT, "1"},
        {"1", "one", KV_NOTFLOAT, "1"},
        {"1", "nan", KV_NOTFLOAT, "1"},
        {"1", "inf", KV_NOTFINITE, "1"},
        {"inf", "1", KV_NOTFINITE, "inf"},
        {" 1", "1", KV_NOTFLOAT, " 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kv_slice key = KV_TEXT("k");
        ck_assert_int_eq(kv_del(db, &key, 1, NULL), KV_OK);
        if (cases[i].before != NULL) fixture_set(db, "k", cases[i].before);
        buffer.size = 0;
        ck_assert_int_eq(kv_incrbyfloat(db, key, KV_TEXT(cases[i].increment), &buffer),
                         cases[i].status);
        if (cases[i].status == KV_OK) {
            ck_assert_str_eq(buffer_text(&buffer), cases[i].after);
            ck_assert_str_eq(fixture_encoding(db, "k"), "embstr"); /* whole numbers, too */
        } else {
            ck_assert_uint_eq(buffer.size, 0);
        }
        ck_assert_str_eq(get("k"), cases[i].after);
    }
    fixture_set(db, "k", "1e300");
    ck_assert_int_eq(kv_incrbyfloat(db, KV_TEXT("k"), KV_TEXT("1e300"), &buffer), KV_OK);
    ck_assert_uint_eq(buffer.size, 301);
    ck_assert_str_eq(fixture_encoding(db, "k"), "raw");
    fixture_set(db, "k", "1");
    ck_assert_int_eq(kv_incrbyfloat(db, KV_TEXT("k"), KV_TEXT("2"), &buffer), KV_OK);
    ck_assert_int_eq(kv_incr(db, KV_TEXT("k"), NULL), KV_OK); /* the text of an integer is one */
    ck_assert_str_eq(get("k"), "4");
}
END_TEST

/* ------------------------------------------------------------------------------------------ LCS */

struct runs {
    char text[400];
    size_t size;
    int left; /* to be visited before enough is enough; below 0: all */
};

static bool write_run(void *context, const kv_lcs_match *match)
{
    struct runs *runs = context;
    runs->size += (size_t)snprintf(runs->text + runs->size, sizeof runs->text - runs->size,
                                   "%d-%d:%d-%d ", (int)match->first_start, (int)match->first_end,
                                   (int)match->second_start, (int)match->second_end);
    return --runs->left != 0;
}

static const char *lcs_runs(const char *first, const char *second, uint64_t minimum, int limit)
{
    static struct runs runs;
    runs = (struct runs){{0}, 0, limit};
    ck_assert_int_eq(
        kv_lcs(db, KV_TEXT(first), KV_TEXT(second), minimum, NULL, NULL, write_run, &runs), KV_OK);
    return runs.text;
}

START_TEST(lcs_finds_what_redis_finds)
{
    uint64_t length = 0;
    fixture_set(db, "a", "ohmytext");
    fixture_set(db, "b", "mynewtext");
    fixture_set(db, "n", "1012");
    fixture_set(db, "empty", "");
    ck_assert_int_eq(kv_lcs(db, KV_TEXT("a"), KV_TEXT("b"), 0, &length, &buffer, NULL, NULL),
                     KV_OK);
    ck_assert_uint_eq(length, 6);
    ck_assert_str_eq(buffer_text(&buffer), "mytext");
    ck_assert_int_eq(kv_lcs(db, KV_TEXT("a"), KV_TEXT("b"), 0, &length, NULL, NULL, NULL), KV_OK);
    ck_assert_uint_eq(length, 6);
    ck_assert_str_eq(lcs_runs("a", "b", 0, -1), "4-7:5-8 2-3:0-1 ");
    ck_assert_str_eq(lcs_runs("a", "b", 3, -1), "4-7:5-8 ");
    ck_assert_str_eq(lcs_runs("a", "b", 0, 1), "4-7:5-8 ");
    ck_assert_str_eq(lcs_runs("a", "a", 0, -1), "0-7:0-7 ");
    ck_assert_str_eq(lcs_runs("a", "absent", 0, -1), "");
    ck_assert_int_eq(kv_lcs(db, KV_TEXT("empty"), KV_TEXT("n"), 0, &length, &buffer, NULL, NULL),
                     KV_OK);
    ck_assert_uint_eq(length, 0);
    ck_assert_uint_eq(buffer.size, 0);
    ck_assert_int_eq(kv_lcs(db, KV_TEXT("n"), KV_TEXT("n"), 0, &length, &buffer, NULL, NULL),
                     KV_OK);
    ck_assert_str_eq(buffer_text(&buffer), "1012");
}
END_TEST

static void write_random_text(char *text, size_t size, uint64_t *seed)
{
    for (size_t i = 0; i < size; i++) text[i] = (char)('a' + fixture_below(seed, 3));
    text[size] = 0;
}

static bool is_subsequence(const char *sought, size_t size, const char *text)
{
    size_t at = 0;
    for (; *text != 0 && at < size; text++) at += *text == sought[at];
    return at == size;
}

/* The length by the definition, with memory for what was found. */
static int naive_lcs(const char *a, const char *b, int (*known)[40], int i, int j)
{
    if (a[i] == 0 || b[j] == 0) return 0;
    if (known[i][j] >= 0) return known[i][j];
    int best;
    if (a[i] == b[j]) {
        best = 1 + naive_lcs(a, b, known, i + 1, j + 1);
    } else {
        int skip_a = naive_lcs(a, b, known, i + 1, j), skip_b = naive_lcs(a, b, known, i, j + 1);
        best = skip_a > skip_b ? skip_a : skip_b;
    }
    return known[i][j] = best;
}

START_TEST(lcs_is_a_longest_common_subsequence)
{
    uint64_t seed = unit_seed();
    for (int round = 0; round < fixture_rounds(300, 20000); round++) {
        char a[40], b[40];
        int known[40][40];
        uint64_t length, alone;
        write_random_text(a, (size_t)fixture_below(&seed, 40), &seed);
        write_random_text(b, (size_t)fixture_below(&seed, 40), &seed);
        memset(known, 0xff, sizeof known);
        fixture_set(db, "a", a);
        fixture_set(db, "b", b);
        MUST(kv_lcs(db, KV_TEXT("a"), KV_TEXT("b"), 0, &length, &buffer, NULL, NULL) == KV_OK);
        MUST(kv_lcs(db, KV_TEXT("a"), KV_TEXT("b"), 0, &alone, NULL, NULL, NULL) == KV_OK);
        MUST(length == alone && length == buffer.size);
        MUST(length == (uint64_t)naive_lcs(a, b, known, 0, 0));
        MUST(is_subsequence(buffer.data, buffer.size, a) &&
             is_subsequence(buffer.data, buffer.size, b));
    }
}
END_TEST

START_TEST(lcs_refuses_a_table_that_is_too_large)
{
    uint64_t length;
    ck_assert_int_eq(kv_setrange(db, KV_TEXT("a"), 40000, KV_TEXT("x"), NULL), KV_OK);
    ck_assert_int_eq(kv_lcs(db, KV_TEXT("a"), KV_TEXT("a"), 0, NULL, &buffer, NULL, NULL),
                     KV_TOOBIG);
    ck_assert_int_eq(kv_lcs(db, KV_TEXT("a"), KV_TEXT("absent"), 0, &length, &buffer, NULL, NULL),
                     KV_OK);
}
END_TEST

/* ---------------------------------------------------------------------------------- the journal */

START_TEST(each_change_is_journaled_as_what_it_came_to)
{
    struct notes notes;
    kv_slice key = KV_TEXT("k");
    kv_set_options options = KV_OPTIONS(kv_set_options);
    kv_getex_options getex_options = KV_OPTIONS(kv_getex_options);
    kv_status old;
    notes_begin(&notes, db);
    fixture_set_for(db, "k", "v", 1000);
    notes_expect(&notes, "0 SET k v PXAT 1700000001000;\n");
    ck_assert_int_eq(set_flags("k", "7", KV_KEEP_TTL), KV_OK);
    notes_expect(&notes, "0 SET k 7 KEEPTTL;\n");
    ck_assert_int_eq(kv_incrby(db, key, -3, NULL), KV_OK);
    ck_assert_int_eq(kv_decrby(db, key, 2, NULL), KV_OK);
    notes_expect(&notes, "0 INCRBY k -3;\n0 INCRBY k -2;\n");
    ck_assert_int_eq(kv_incrbyfloat(db, key, KV_TEXT("1e1"), NULL), KV_OK);
    notes_expect(&notes, "0 SET k 12 KEEPTTL;\n");
    ck_assert_int_eq(kv_append(db, key, KV_TEXT("ab"), NULL), KV_OK);
    ck_assert_int_eq(kv_setrange(db, key, 10, KV_TEXT("c"), NULL), KV_OK);
    notes_expect(&notes, "0 APPEND k ab;\n0 SETRANGE k 10 c;\n");
    getex_options.flags = KV_PERSIST;
    ck_assert_int_eq(kv_getex(db, key, &getex_options, NULL), KV_OK);
    ck_assert_int_eq(kv_getex(db, key, &getex_options, NULL), KV_OK); /* had none: no change */
    notes_expect(&notes, "0 PERSIST k;\n");
    getex_options.flags = 0;
    getex_options.ttl_ms = 77;
    ck_assert_int_eq(kv_getex(db, key, &getex_options, NULL), KV_OK);
    notes_expect(&notes, "0 PEXPIREAT k 1700000000077;\n");
    getex_options.ttl_ms = 0;
    getex_options.deadline_ms = FIXTURE_START_MS - 1;
    ck_assert_int_eq(kv_getex(db, key, &getex_options, NULL), KV_OK);
    notes_expect(&notes, "0 DEL k;\n");
    fixture_set(db, "k", "v");
    ck_assert_int_eq(kv_getdel(db, key, NULL), KV_OK);
    notes_expect(&notes, "0 SET k v;\n0 DEL k;\n");
    options.flags = KV_IF_ABSENT | KV_GET_OLD;
    options.old_status = &old;
    options.ttl_ms = 5;
    ck_assert_int_eq(kv_set(db, key, KV_TEXT("w"), &options), KV_OK);
    notes_expect(&notes, "0 SET k w PXAT 1700000000005;\n");
    ck_assert_int_eq(kv_set(db, key, KV_TEXT("x"), &options), KV_SKIPPED);
    notes_expect(&notes, "");
    options = KV_OPTIONS(kv_set_options);
    options.deadline_ms = FIXTURE_START_MS - 1;
    ck_assert_int_eq(kv_set(db, key, KV_TEXT("y"), &options), KV_OK);
    ck_assert_int_eq(kv_set(db, key, KV_TEXT("y"), &options), KV_OK); /* was not there: no change */
    notes_expect(&notes, "0 DEL k;\n");
    fixture_set_for(db, "k", "1", 10);
    fixture_pass(&fx, 10);
    ck_assert_int_eq(kv_incr(db, key, NULL), KV_OK);
    notes_expect(&notes, "0 SET k 1 PXAT 1700000000010;\nexpired 0 DEL k;\n0 INCRBY k 1;\n");
    notes_end(&notes);
}
END_TEST

/* -------------------------------------------------------------------------------- out of memory */

/* Every call that can want memory, each on a key prepared for it. */
static kv_status call_of(int which, kv *view, kv_slice large, kv_buffer *result)
{
    kv_set_options options = KV_OPTIONS(kv_set_options);
    kv_getex_options expires = KV_OPTIONS(kv_getex_options);
    expires.ttl_ms = 100000;
    uint64_t version;
    switch (which) {
    case 0: return kv_set(view, KV_TEXT("new"), KV_TEXT("v"), NULL);
    case 1: return kv_set(view, KV_TEXT("short"), KV_TEXT("a longer one than before"), NULL);
    case 2: return kv_set(view, KV_TEXT("short"), large, NULL);
    case 3: return kv_set(view, KV_TEXT("list"), large, NULL);
    case 4: options.ttl_ms = 5; return kv_set(view, KV_TEXT("short"), KV_TEXT("v"), &options);
    case 5:
        options.flags = KV_GET_OLD;
        options.old_value = result;
        options.version = &version;
        return kv_set(view, KV_TEXT("timed"), KV_TEXT("v"), &options);
    case 6:
        return kv_append(view, KV_TEXT("short"), KV_TEXT("and that is too much for its block"),
                         NULL);
    case 7:
        return kv_append(view, KV_TEXT("number"), KV_TEXT("0123456789012345678901234567890"), NULL);
    case 8: return kv_append(view, KV_TEXT("timed"), large, NULL);
    case 9: return kv_append(view, KV_TEXT("large"), large, NULL);
    case 10: return kv_setrange(view, KV_TEXT("large"), 50000, KV_TEXT("v"), NULL);
    case 11: return kv_setrange(view, KV_TEXT("new"), 50000, KV_TEXT("v"), NULL);
    case 12: return kv_incrbyfloat(view, KV_TEXT("number"), KV_TEXT("1e200"), result);
    case 13: return kv_getex(view, KV_TEXT("short"), &expires, result);
    case 14: return kv_lcs(view, KV_TEXT("short"), KV_TEXT("number"), 0, NULL, result, NULL, NULL);
    case 15: return kv_incr(view, KV_TEXT("new"), NULL);
    case 16: return kv_set(view, KV_TEXT("large"), KV_TEXT("v"), NULL);
    case 17: return kv_getdel(view, KV_TEXT("large"), result);
    case 18: return kv_set(view, KV_TEXT("new"), large, NULL);
    default: return KV_BADARG;
    }
}

enum { CALLS_THAT_WANT_MEMORY = 19 };

/* Fills a store with what the calls above expect. */
static void prepare(kv_slice large)
{
    fixture_set(db, "short", "v");
    fixture_set(db, "number", "12");
    fixture_set_for(db, "timed", "v", 1000);
    fixture_push(db, "list", "e");
    MUST(kv_set(db, KV_TEXT("large"), large, NULL) == KV_OK);
}

/* One call, with 0, 1, 2... allocations allowed: it is done, or nothing has changed. */
static void fail_each_allocation_of(int which, int way, kv_slice large)
{
    kv_txn_options options = KV_OPTIONS(kv_txn_options);
    options.flags = KV_TXN_ALL | (way == 2 ? KV_TXN_ABORTABLE : 0);
    FIXTURE_FAIL_EACH_ALLOCATION(&fx.alloc)
    {
        long allowed = atomic_load(&fx.alloc.allowed);
        fixture_alloc_allow(&fx.alloc, FIXTURE_UNLIMITED);
        MUST(kv_flush(db, false) == KV_OK);
        prepare(large);
        kv_buffer result = {malloc(100), 3, 100};
        memcpy(result.data, "abc", 3);
        uint64_t before = fixture_digest(db);
        kv *view = db;
        if (way > 0) MUST(kv_begin(db, &options, &view) == KV_OK);
        fixture_alloc_allow(&fx.alloc, allowed);
        kv_status status = call_of(which, view, large, &result);
        bool was_enough = fixture_alloc_was_enough(&fx.alloc);
        atomic_store(&fx.alloc.allowed, FIXTURE_UNLIMITED);
        if (way > 0) MUST(kv_commit(view) == KV_OK);
        kv_check(db);
        ck_assert_int_eq(status, was_enough || status == KV_OK ? KV_OK : KV_NOMEM);
        if (status != KV_OK) {
            ck_assert_uint_eq(fixture_digest(db), before);
            ck_assert_str_eq(buffer_text(&result), "abc");
        }
        kv_buffer_free(&result);
    }
}

START_TEST(a_call_is_all_or_nothing_when_memory_runs_out)
{
    char *bytes = malloc(20000);
    MUST(bytes != NULL);
    memset(bytes, 'x', 20000);
    for (int way = 0; way < 3; way++) { /* alone; in a transaction that is journaled; in an
                                           abortable one */
        kv_follower *follower = NULL;
        if (way > 0) ck_assert_int_eq(kv_follow(db, ignore_changes, NULL, &follower), KV_OK);
        for (int which = 0; which < CALLS_THAT_WANT_MEMORY; which++) {
            for (size_t size = 2000; size <= 20000; size += 18000) {
                fail_each_allocation_of(which, way, (kv_slice){bytes, size});
            }
        }
        if (way > 0) kv_unfollow(follower);
    }
    free(bytes);
}
END_TEST

/* ------------------------------------------------------------------------ against a naive model */

enum { MODEL_KEYS = 24, MODEL_SIZE = 3000 };

struct model_string {
    bool is_present;
    bool is_raw, is_plain; /* what OBJECT ENCODING remembers */
    size_t size;
    int64_t deadline_ms;
    uint64_t version; /* as last seen; 0: changed since, or never asked for */
    char bytes[MODEL_SIZE];
};

static struct model_string model[MODEL_KEYS];

struct player {
    uint64_t seed;
    int key; /* the number of the key in play */
    char name[200];
    char value[MODEL_SIZE]; /* a new value */
    size_t size;
};

static kv_slice player_key(const struct player *player)
{
    return KV_BYTES(player->name, strlen(player->name));
}

static kv_slice player_value(const struct player *player)
{
    return KV_BYTES(player->value, player->size);
}

/* Some names are long enough for an entry with a wide key. */
static void choose(struct player *player)
{
    player->key = (int)fixture_below(&player->seed, MODEL_KEYS);
    snprintf(player->name, sizeof player->name, "key %d", player->key);
    static const size_t limits[] = {2, 10, 60, 300, 1000, MODEL_SIZE / 3};
    player->size = (size_t)fixture_below(&player->seed, limits[fixture_below(&player->seed, 6)]);
    if (fixture_below(&player->seed, 3) == 0) {
        int64_t number =
            (int64_t)(fixture_random(&player->seed) >> fixture_below(&player->seed, 63));
        player->size = (size_t)snprintf(player->value, 40, "%lld", (long long)number);
    } else {
        memset(player->value, (int)('a' + fixture_below(&player->seed, 26)), player->size);
    }
}

static struct model_string *chosen(const struct player *player)
{
    struct model_string *string = &model[player->key];
    if (string->is_present && string->deadline_ms <= atomic_load(&fx.now_ms))
        string->is_present = false;
    return string;
}

static void model_store(struct model_string *string, const char *bytes, size_t size,
                        int64_t deadline_ms)
{
    *string = (struct model_string){.is_present = true, .size = size, .deadline_ms = deadline_ms};
    memcpy(string->bytes, bytes, size);
}

static bool model_is_integer(const struct model_string *string, int64_t *number)
{
    char text[40];
    if (string->size == 0 || string->size > 20) return false;
    memcpy(text, string->bytes, string->size);
    text[string->size] = 0;
    *number = strtoll(text, NULL, 10);
    char again[40];
    snprintf(again, sizeof again, "%lld", (long long)*number);
    return strlen(again) == string->size && strcmp(text, again) == 0;
}

static const char *model_encoding(const struct model_string *string)
{
    int64_t number;
    if (string->is_raw) return "raw";
    if (!string->is_plain && model_is_integer(string, &number)) return "int";
    return string->size <= 44 ? "embstr" : "raw";
}

static void expect_value(const struct model_string *string)
{
    MUST(buffer.size == string->size);
    if (string->size > 0) MUST(memcmp(buffer.data, string->bytes, string->size) == 0);
}

static void play_set(struct player *player)
{
    static const unsigned conditions[] = {
        0, 0, KV_IF_ABSENT, KV_IF_PRESENT, KV_IF_EQUAL, KV_IF_DIFFERS, KV_IF_VERSION};
    struct model_string *string = chosen(player);
    kv_set_options options = KV_OPTIONS(kv_set_options);
    kv_status old_status;
    uint64_t version = 0;
    int64_t now_ms = atomic_load(&fx.now_ms), deadline_ms = KV_NEVER;
    unsigned condition = conditions[fixture_below(&player->seed, 7)];
    options.flags = condition;
    options.if_equal = player_value(player);
    if (fixture_below(&player->seed, 2) == 0 && string->is_present) {
        options.if_equal = KV_BYTES(string->bytes, string->size);
    }
    /*
     * One that no key has: a small number might be that of a change which the model was not told
     * of.
     */
    uint64_t strange = fixture_below(&player->seed, 2) == 0 ? 0 : UINT64_MAX;
    options.if_version = fixture_below(&player->seed, 4) == 0 ? strange : string->version;
    switch (fixture_below(&player->seed, 5)) {
    case 0:
        options.ttl_ms = 1 + (int64_t)fixture_below(&player->seed, 300);
        deadline_ms = now_ms + options.ttl_ms;
        break;
    case 1:
        options.deadline_ms = deadline_ms = now_ms - 5 + (int64_t)fixture_below(&player->seed, 300);
        break;
    case 2:
        options.flags |= KV_KEEP_TTL;
        if (string->is_present) deadline_ms = string->deadline_ms;
        break;
    default: break;
    }
    if (fixture_below(&player->seed, 2) == 0) options.flags |= KV_GET_OLD;
    options.old_value = &buffer;
    options.old_status = &old_status;
    if (fixture_below(&player->seed, 3) == 0) options.version = &version;

    bool is_equal = string->is_present && string->size == options.if_equal.size &&
                    memcmp(string->bytes, options.if_equal.data, string->size) == 0;
    bool holds = condition == 0 || (condition == KV_IF_ABSENT && !string->is_present) ||
                 (condition == KV_IF_PRESENT && string->is_present) ||
                 (condition == KV_IF_EQUAL && is_equal) ||
                 (condition == KV_IF_DIFFERS && !is_equal);
    if (condition == KV_IF_VERSION) {
        holds = string->is_present ? string->version != 0 && options.if_version == string->version
                                   : options.if_version == 0;
    }
    kv_status status = kv_set(db, player_key(player), player_value(player), &options);
    MUST(status == (holds ? KV_OK : KV_SKIPPED));
    if ((options.flags & KV_GET_OLD) != 0) {
        MUST(old_status == (string->is_present ? KV_OK : KV_NONE));
        if (string->is_present) expect_value(string);
        else MUST(buffer.size == 0);
    }
    if (!holds) return;
    model_store(string, player->value, player->size, deadline_ms);
    string->is_present = deadline_ms > now_ms;
    if (options.version != NULL) {
        MUST((version != 0) == string->is_present);
        string->version = version;
    }
}

static void play_version(struct player *player)
{
    struct model_string *string = chosen(player);
    uint64_t version;
    MUST(kv_version_of(db, player_key(player), &version) == KV_OK);
    MUST((version != 0) == string->is_present);
    if (!string->is_present) return;
    if (string->version != 0) MUST(version == string->version);
    string->version = version;
}

static void play_get(struct player *player)
{
    struct model_string *string = chosen(player);
    kv_status status = kv_get(db, player_key(player), &buffer);
    MUST(status == (string->is_present ? KV_OK : KV_NONE));
    if (string->is_present) expect_value(string);
}

static void play_take(struct player *player)
{
    struct model_string *string = chosen(player);
    kv_slice key = player_key(player);
    if (fixture_below(&player->seed, 2) == 0) {
        MUST(kv_getdel(db, key, &buffer) == (string->is_present ? KV_OK : KV_NONE));
        if (string->is_present) expect_value(string);
    } else {
        uint64_t removed;
        MUST(kv_del(db, &key, 1, &removed) == KV_OK && removed == string->is_present);
    }
    string->is_present = false;
}

static void play_getex(struct player *player)
{
    struct model_string *string = chosen(player);
    kv_getex_options options = KV_OPTIONS(kv_getex_options);
    int64_t now_ms = atomic_load(&fx.now_ms), deadline_ms = string->deadline_ms;
    switch (fixture_below(&player->seed, 4)) {
    case 0:
        options.ttl_ms = 1 + (int64_t)fixture_below(&player->seed, 500);
        deadline_ms = now_ms + options.ttl_ms;
        break;
    case 1:
        options.deadline_ms = deadline_ms = now_ms - 9 + (int64_t)fixture_below(&player->seed, 300);
        break;
    case 2:
        options.flags = KV_PERSIST;
        deadline_ms = KV_NEVER;
        break;
    default: break;
    }
    kv_status status = kv_getex(db, player_key(player), &options, &buffer);
    MUST(status == (string->is_present ? KV_OK : KV_NONE));
    if (!string->is_present) return;
    expect_value(string);
    if (deadline_ms != string->deadline_ms) string->version = 0;
    else if (options.ttl_ms != 0 || options.deadline_ms != 0) string->version = 0;
    string->deadline_ms = deadline_ms;
    string->is_present = deadline_ms > now_ms;
}

static void play_append(struct player *player)
{
    struct model_string *string = chosen(player);
    uint64_t length;
    if (!string->is_present) {
        MUST(kv_append(db, player_key(player), player_value(player), &length) == KV_OK);
        MUST(length == player->size);
        model_store(string, player->value, player->size, KV_NEVER);
        return;
    }
    if (string->size + player->size > MODEL_SIZE) return;
    MUST(kv_append(db, player_key(player), player_value(player), &length) == KV_OK);
    memcpy(string->bytes + string->size, player->value, player->size);
    string->size += player->size;
    MUST(length == string->size);
    string->is_raw = true;
    string->version = 0;
}

static void play_setrange(struct player *player)
{
    struct model_string *string = chosen(player);
    uint64_t length;
    size_t offset =
        (size_t)fixture_below(&player->seed, fixture_below(&player->seed, 2) == 0 ? 10 : 2000);
    if (player->size == 0) {
        MUST(kv_setrange(db, player_key(player), offset, player_value(player), &length) == KV_OK);
        MUST(length == (string->is_present ? string->size : 0));
        return;
    }
    if (offset + player->size > MODEL_SIZE) return;
    if (!string->is_present) model_store(string, "", 0, KV_NEVER);
    if (offset > string->size) memset(string->bytes + string->size, 0, offset - string->size);
    memcpy(string->bytes + offset, player->value, player->size);
    if (offset + player->size > string->size) string->size = offset + player->size;
    string->is_raw = true;
    string->version = 0;
    MUST(kv_setrange(db, player_key(player), offset, player_value(player), &length) == KV_OK);
    MUST(length == string->size);
}

static void play_incrby(struct player *player)
{
    struct model_string *string = chosen(player);
    int64_t number = 0, result,
            increment =
                (int64_t)(fixture_random(&player->seed) >> fixture_below(&player->seed, 64));
    bool is_integer = !string->is_present || model_is_integer(string, &number);
    kv_status status = kv_incrby(db, player_key(player), increment, &result);
    if (!is_integer) {
        MUST(status == KV_NOTINT);
        return;
    }
    int64_t sum;
    if (__builtin_add_overflow(number, increment, &sum)) {
        MUST(status == KV_OVERFLOW);
        return;
    }
    MUST(status == KV_OK && result == sum);
    char text[40];
    int64_t deadline_ms = string->is_present ? string->deadline_ms : KV_NEVER;
    model_store(string, text, (size_t)snprintf(text, sizeof text, "%lld", (long long)sum),
                deadline_ms);
}

static void play_incrbyfloat(struct player *player)
{
    struct model_string *string = chosen(player);
    int64_t number = 0;
    bool is_integer = !string->is_present || model_is_integer(string, &number);
    /* other sums: see the table above */
    if (!is_integer || number > INT32_MAX || number < INT32_MIN) return;
    char text[40], increment[40];
    int64_t deadline_ms = string->is_present ? string->deadline_ms : KV_NEVER;
    int addend = (int)fixture_below(&player->seed, 1000) - 500;
    snprintf(increment, sizeof increment, "%d.0", addend);
    model_store(string, text,
                (size_t)snprintf(text, sizeof text, "%lld", (long long)number + addend),
                deadline_ms);
    string->is_plain = true;
    MUST(kv_incrbyfloat(db, player_key(player), KV_TEXT(increment), &buffer) == KV_OK);
    expect_value(string);
}

static void play_getrange(struct player *player)
{
    struct model_string *string = chosen(player);
    int64_t size = string->is_present ? (int64_t)string->size : 0;
    int64_t start = (int64_t)fixture_below(&player->seed, 100) - 20,
            end = (int64_t)fixture_below(&player->seed, 2000) - 20;
    MUST(kv_getrange(db, player_key(player), start, end, &buffer) == KV_OK);
    if (start >= 0 && end >= 0) {
        int64_t last = end < size - 1 ? end : size - 1;
        size_t expected = start > last ? 0 : (size_t)(last - start) + 1;
        MUST(buffer.size == expected);
        if (expected > 0) MUST(memcmp(buffer.data, string->bytes + start, expected) == 0);
    }
}

/* Everything that can be known of the key in play. */
static void play_look(struct player *player)
{
    struct model_string *string = chosen(player);
    kv_object_info info = KV_OPTIONS(kv_object_info);
    uint64_t length;
    kv_status status = kv_object(db, player_key(player), &info);
    MUST(status == (string->is_present ? KV_OK : KV_NONE));
    MUST(kv_strlen(db, player_key(player), &length) == status);
    if (!string->is_present) return;
    MUST(info.length == string->size && length == string->size);
    MUST(info.deadline_ms == string->deadline_ms);
    ck_assert_str_eq(info.encoding, model_encoding(string));
}

static void (*const plays[])(struct player *) = {
    play_set,         play_set,   play_set,      play_version,  play_get,
    play_take,        play_getex, play_append,   play_setrange, play_incrby,
    play_incrbyfloat, play_look,  play_getrange, play_append,
};

START_TEST(random_calls_agree_with_a_naive_model)
{
    struct player player = {.seed = unit_seed() + (uint64_t)_i};
    memset(model, 0, sizeof model);
    if (_i == 1) ck_assert_int_eq(kv_configure(db, KV_SETTING_ACTIVE_EXPIRE, 0), KV_OK);
    int rounds = fixture_rounds(30000, 3000000);
    for (int round = 0; round < rounds; round++) {
        choose(&player);
        plays[fixture_below(&player.seed, sizeof plays / sizeof *plays)](&player);
        play_look(&player);
        if (fixture_below(&player.seed, 10) == 0)
            fixture_pass(&fx, (int64_t)fixture_below(&player.seed, 60));
        if (fixture_below(&player.seed, 100) == 0) (void)kv_tick(db, 0);
        if (round % 1000 == 0) kv_check(db);
    }
    for (player.key = 0; player.key < MODEL_KEYS; player.key++) {
        snprintf(player.name, sizeof player.name, "key %d", player.key);
        play_look(&player);
        play_get(&player);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("string");
    TCase *tcase = tcase_create("string");
    tcase_add_checked_fixture(tcase, store_setup, teardown);
    tcase_set_timeout(tcase, getenv("KVSTORE_TEST_FULL") != NULL ? 3600 : 300);
    const TTest *const tests[] = {
        what_is_set_is_given_back_whatever_its_size,
        a_string_is_kept_the_way_redis_says,
        an_absent_key_and_another_type_are_told_apart,
        results_that_nobody_wants_are_not_given,
        a_condition_decides,
        the_old_value_is_given_if_it_is_asked_for,
        a_deadline_is_set_kept_or_taken_away,
        a_deadline_far_away_is_kept_to_the_millisecond,
        a_deadline_that_has_passed_leaves_no_key,
        options_that_make_no_sense_are_refused,
        a_version_changes_with_every_change_and_never_comes_back,
        a_version_decides_whether_to_set,
        settings_refuse_writes_and_sizes,
        getdel_gives_and_removes,
        getex_gives_and_changes_the_deadline,
        a_range_is_clipped_as_redis_does,
        append_and_setrange_leave_raw_strings,
        what_changes_a_part_keeps_the_deadline,
        many_small_appends_cost_few_allocations,
        integers_are_counted_up_and_down,
        other_numbers_are_added_as_redis_does,
        lcs_finds_what_redis_finds,
        lcs_is_a_longest_common_subsequence,
        lcs_refuses_a_table_that_is_too_large,
        each_change_is_journaled_as_what_it_came_to,
        a_call_is_all_or_nothing_when_memory_runs_out,
    };
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) tcase_add_test(tcase, tests[i]);
    tcase_add_loop_test(tcase, random_calls_agree_with_a_naive_model, 0, 2);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
