/*
 * tests/api/test_batch.c -- many keys in one call: kv_mget(), kv_mset(), kv_msetnx(), kv_batch().
 */
#include "ignore.h"
#include "notes.h"
#include "one_store.h"

#include <pthread.h>
#include <string.h>

static void setup(void)
{
    store_setup_with(8);
}

/* ----------------------------------------------------------------------------------------- MGET */

struct listing {
    char text[4000];
    size_t size;
    size_t next;  /* the index that must come */
    size_t limit; /* how many are wanted; 0: all */
};

static bool list_item(void *context, size_t index, const kv_slice *item)
{
    struct listing *listing = context;
    MUST(index == listing->next++);
    listing->size +=
        (size_t)snprintf(listing->text + listing->size, sizeof listing->text - listing->size,
                         "%s%.*s", index == 0 ? "" : " ", item != NULL ? (int)item->size : 1,
                         item != NULL ? (const char *)item->data : "-");
    return listing->next != listing->limit;
}

static const char *mget_some(kv *view, const char *keys, size_t limit)
{
    static struct listing listing;
    struct fixture_words words;
    listing = (struct listing){.limit = limit};
    fixture_split(&words, keys);
    ck_assert_int_eq(kv_mget(view, words.items, words.count, list_item, &listing), KV_OK);
    if (limit == 0) ck_assert_uint_eq(listing.next, words.count);
    return listing.text;
}

static const char *mget(const char *keys)
{
    return mget_some(db, keys, 0);
}

START_TEST(mget_lends_strings_in_order)
{
    fixture_set(db, "a", "one");
    fixture_set(db, "n", "42");
    fixture_push(db, "l", "e");
    ck_assert_str_eq(mget("a"), "one");
    ck_assert_str_eq(mget("n a absent l a n"), "42 one - - one 42");
    ck_assert_str_eq(mget(""), "");
    ck_assert_str_eq(mget_some(db, "a n a n", 2), "one 42");
    ck_assert_str_eq(mget_some(db, "absent a", 1), "-");
    kv_slice key = KV_TEXT("a");
    ck_assert_int_eq(kv_mget(db, &key, 1, NULL, NULL), KV_BADARG);
    ck_assert_int_eq(kv_mget(db, NULL, 1, list_item, NULL), KV_BADARG);
    ck_assert_int_eq(kv_mget(NULL, &key, 1, list_item, NULL), KV_BADARG);
}
END_TEST

static bool count_right_ones(void *context, size_t index, const kv_slice *item)
{
    uint64_t *right = context;
    char text[2000];
    size_t size = (size_t)snprintf(text, sizeof text, "value %zu", index);
    if (index % 3 == 0) memset(text + size, '.', 1000), size += index % 2 == 0 ? 100 : 1000;
    *right += item != NULL && item->size == size && memcmp(item->data, text, size) == 0;
    return true;
}

START_TEST(mget_takes_any_number_of_keys)
{
    enum { MANY = 1000 };
    static char names[MANY][20], values[MANY][2000];
    static kv_slice keys[MANY], texts[MANY];
    for (size_t i = 0; i < MANY; i++) {
        keys[i] = KV_BYTES(names[i], (size_t)snprintf(names[i], sizeof names[i], "key %zu", i));
        texts[i] = KV_BYTES(values[i], (size_t)snprintf(values[i], 30, "value %zu", i));
        if (i % 3 == 0) {
            memset(values[i] + texts[i].size, '.', 1000);
            texts[i].size += i % 2 == 0 ? 100 : 1000;
        }
    }
    static const size_t counts[] = {1, 2, 63, 64, 65, 128, 129, MANY};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        uint64_t right = 0;
        ck_assert_int_eq(kv_flush(db, false), KV_OK);
        ck_assert_int_eq(kv_mset(db, keys, texts, counts[i]), KV_OK);
        ck_assert_int_eq(kv_mget(db, keys, counts[i], count_right_ones, &right), KV_OK);
        ck_assert_uint_eq(right, counts[i]);
        right = 0;
        FIXTURE_FAIL_EACH_ALLOCATION(&fx.alloc)
        {
            right = 0;
            kv_status status = kv_mget(db, keys, counts[i], count_right_ones, &right);
            bool was_enough = fixture_alloc_was_enough(&fx.alloc);
            ck_assert_int_eq(status, was_enough ? KV_OK : KV_NOMEM);
            ck_assert_uint_eq(right, was_enough ? counts[i] : 0);
            if (counts[i] <= 64) ck_assert(was_enough);
        }
    }
}
END_TEST

START_TEST(mget_does_not_see_expired_keys_and_drops_them)
{
    struct notes notes;
    fixture_set_for(db, "a", "x", 10);
    fixture_set_for(db, "b", "y", 20);
    notes_begin(&notes, db);
    fixture_pass(&fx, 10);
    ck_assert_str_eq(mget("a b a c"), "- y - -");
    notes_expect(&notes, "expired 0 DEL a;\n");
    kv_statistics statistics = KV_OPTIONS(kv_statistics);
    ck_assert_int_eq(kv_stats(db, &statistics), KV_OK);
    ck_assert_uint_eq(statistics.keys, 1);
    ck_assert_uint_eq(statistics.expired, 1);
    ck_assert_uint_eq(statistics.hits, 1);
    ck_assert_uint_eq(statistics.misses, 3);
    ck_assert_int_eq(kv_configure(db, KV_SETTING_EXPIRE, 0), KV_OK);
    fixture_pass(&fx, 10);
    ck_assert_str_eq(mget("b"), "y");
    notes_end(&notes);
}
END_TEST

START_TEST(mget_renews_the_access_clock)
{
    kv_object_info info = KV_OPTIONS(kv_object_info);
    fixture_set(db, "a", "x");
    fixture_pass(&fx, 5000);
    ck_assert_int_eq(kv_object(db, KV_TEXT("a"), &info), KV_OK);
    ck_assert_int_eq(info.idle_ms, 5000);
    ck_assert_str_eq(mget("a"), "x");
    ck_assert_int_eq(kv_object(db, KV_TEXT("a"), &info), KV_OK);
    ck_assert_int_eq(info.idle_ms, 0);
    kv *view;
    ck_assert_int_eq(kv_view_open(db, &view), KV_OK);
    kv_view_touches(view, false);
    fixture_pass(&fx, 5000);
    kv_view_refresh(view);
    ck_assert_str_eq(mget_some(view, "a", 0), "x");
    ck_assert_int_eq(kv_object(db, KV_TEXT("a"), &info), KV_OK);
    ck_assert_int_eq(info.idle_ms, 5000);
    kv_view_close(view);
}
END_TEST

/* --------------------------------------------------------------------------------- MSET, MSETNX */

static kv_status mset(kv *view, bool only_new, const char *keys, const char *values)
{
    struct fixture_words k, v;
    fixture_split(&k, keys);
    fixture_split(&v, values);
    MUST(k.count == v.count);
    return only_new ? kv_msetnx(view, k.items, v.items, k.count)
                    : kv_mset(view, k.items, v.items, k.count);
}

START_TEST(mset_stores_all_whatever_was_there)
{
    fixture_set(db, "a", "old");
    fixture_set_for(db, "b", "timed", 1000);
    fixture_push(db, "c", "e");
    fixture_set(db, "d", "7");
    ck_assert_int_eq(mset(db, false, "a b c d e f", "new 12 text 8 x 9"), KV_OK);
    ck_assert_str_eq(mget("a b c d e f"), "new 12 text 8 x 9");
    int64_t ttl_ms;
    ck_assert_int_eq(kv_ttl(db, KV_TEXT("b"), &ttl_ms), KV_OK);
    ck_assert_int_eq(ttl_ms, KV_NEVER);
    kv_statistics statistics = KV_OPTIONS(kv_statistics);
    ck_assert_int_eq(kv_stats(db, &statistics), KV_OK);
    ck_assert_uint_eq(statistics.keys_with_ttl, 0);
    ck_assert_uint_eq(statistics.keys, 6);
    ck_assert_int_eq(kv_mset(db, NULL, NULL, 0), KV_OK);
    kv_slice key = KV_TEXT("a");
    ck_assert_int_eq(kv_mset(db, &key, NULL, 1), KV_BADARG);
}
END_TEST

START_TEST(of_a_key_given_twice_the_last_value_stays)
{
    static const char *const before[] = {"-", "xy", "a long one that nothing fits", "12", "-5"};
    static const char *const values[] = {
        "1", "2", "xy", "zz", "a long one that nothing fits", "and this one is longer still"};
    enum { BEFORE = sizeof before / sizeof *before, VALUES = sizeof values / sizeof *values };
    for (int b = 0; b < BEFORE; b++) {
        for (int i = 0; i < VALUES * VALUES * VALUES; i++) {
            kv_slice keys[4] = {KV_TEXT("k"), KV_TEXT("k"), KV_TEXT("other"), KV_TEXT("k")};
            kv_slice texts[4] = {KV_TEXT(values[i % VALUES]), KV_TEXT(values[i / VALUES % VALUES]),
                                 KV_TEXT("x"), KV_TEXT(values[i / VALUES / VALUES])};
            char expected[100];
            (void)kv_del(db, keys, 1, NULL);
            if (b > 0) fixture_set_for(db, "k", before[b], b % 2 == 0 ? 1000 : INT64_C(1) << 50);
            MUST(kv_mset(db, keys, texts, 4) == KV_OK);
            snprintf(expected, sizeof expected, "'%s'", values[i / VALUES / VALUES]);
            ck_assert_key(db, "k", expected);
            kv_check(db);
        }
    }
}
END_TEST

START_TEST(msetnx_stores_all_or_none)
{
    fixture_push(db, "l", "e");
    fixture_set_for(db, "t", "x", 10);
    ck_assert_int_eq(mset(db, true, "a l b", "1 2 3"), KV_SKIPPED);
    ck_assert_str_eq(mget("a b"), "- -");
    ck_assert_int_eq(mset(db, true, "a t", "1 2"), KV_SKIPPED);
    fixture_pass(&fx, 10);
    ck_assert_int_eq(mset(db, true, "a t a", "1 2 3"), KV_OK);
    ck_assert_str_eq(mget("a t"), "3 2");
    ck_assert_int_eq(mset(db, true, "b a", "1 2"), KV_SKIPPED);
    ck_assert_str_eq(mget("a b"), "3 -");
}
END_TEST

START_TEST(settings_refuse_all_of_it)
{
    char large[2000] = {0};
    kv_slice keys[2] = {KV_TEXT("a"), KV_TEXT("b")},
             values[2] = {KV_TEXT("x"), {large, sizeof large}};
    ck_assert_int_eq(kv_configure(db, KV_SETTING_MAX_VALUE_SIZE, 1999), KV_OK);
    ck_assert_int_eq(kv_mset(db, keys, values, 2), KV_TOOBIG);
    ck_assert_int_eq(kv_msetnx(db, keys, values, 2), KV_TOOBIG);
    ck_assert_int_eq(kv_configure(db, KV_SETTING_ACCEPT_WRITES, 0), KV_OK);
    ck_assert_int_eq(kv_mset(db, keys, values, 1), KV_READONLY);
    ck_assert_int_eq(kv_msetnx(db, keys, values, 1), KV_READONLY);
    ck_assert_str_eq(mget("a b"), "- -");
}
END_TEST

START_TEST(mset_gives_new_versions_and_marks_watches)
{
    kv_watch *watch;
    uint64_t before[3], after[3];
    kv_slice keys[3] = {KV_TEXT("a"), KV_TEXT("b"), KV_TEXT("c")};
    fixture_set(db, "a", "xx");
    fixture_set(db, "b", "1");
    fixture_push(db, "c", "e");
    for (int i = 0; i < 3; i++) ck_assert_int_eq(kv_version_of(db, keys[i], &before[i]), KV_OK);
    ck_assert_int_eq(kv_watch_open(db, &watch), KV_OK);
    ck_assert_int_eq(kv_watch_add(watch, db, keys[2]), KV_OK);
    ck_assert_int_eq(mset(db, false, "a b", "yy 2"), KV_OK);
    ck_assert(!kv_watch_is_dirty(watch));
    ck_assert_int_eq(mset(db, false, "a b c", "zzz 3 e"), KV_OK);
    ck_assert(kv_watch_is_dirty(watch));
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(kv_version_of(db, keys[i], &after[i]), KV_OK);
        ck_assert_uint_gt(after[i], before[i]);
    }
    kv_watch_close(watch);
}
END_TEST

START_TEST(mset_is_one_group_in_the_journal)
{
    struct notes notes;
    fixture_set_for(db, "b", "x", 10);
    notes_begin(&notes, db);
    fixture_pass(&fx, 10);
    ck_assert_int_eq(mset(db, false, "a b c", "1 2 3"), KV_OK);
    notes_expect(&notes, "expired 0 DEL b;0 SET a 1;0 SET b 2;0 SET c 3;\n");
    ck_assert_int_eq(mset(db, true, "a d", "1 2"), KV_SKIPPED);
    ck_assert_int_eq(mset(db, true, "d e", "1 2"), KV_OK);
    notes_expect(&notes, "0 SET d 1;0 SET e 2;\n");
    notes_end(&notes);
}
END_TEST

/*
 * Each pair of what may be there before and what may be stored; one key twice, so that it is in its
 * own way.
 */
START_TEST(mset_is_all_or_nothing_when_memory_runs_out)
{
    enum { SIZE = 20000 };
    static char large[SIZE];
    memset(large, 'x', SIZE);
    kv_slice keys[10], values[10];
    struct fixture_words names;
    fixture_split(&names, "same short timed list large number new same short timed");
    memcpy(keys, names.items, sizeof keys);
    values[0] = KV_TEXT("yy");
    values[1] = KV_TEXT("a longer one");
    values[2] = KV_TEXT("12");
    values[3] = KV_BYTES(large, SIZE / 2);
    values[4] = KV_TEXT("v");
    values[5] = KV_BYTES(large, SIZE);
    values[6] = KV_TEXT("new");
    values[7] = KV_TEXT("no longer the same");
    values[8] = KV_BYTES(large, 3000);
    values[9] = KV_BYTES(large, 3001);
    for (int way = 0; way < 4; way++) { /* alone, journaled, in a transaction, in an abortable
                                           one */
        kv_follower *follower = NULL;
        kv_txn_options options = KV_OPTIONS(kv_txn_options);
        options.flags = KV_TXN_ALL | (way == 3 ? KV_TXN_ABORTABLE : 0);
        if (way > 0) ck_assert_int_eq(kv_follow(db, ignore_changes, NULL, &follower), KV_OK);
        FIXTURE_FAIL_EACH_ALLOCATION(&fx.alloc)
        {
            long allowed = atomic_load(&fx.alloc.allowed);
            fixture_alloc_allow(&fx.alloc, FIXTURE_UNLIMITED);
            ck_assert_int_eq(kv_flush(db, false), KV_OK);
            fixture_set(db, "same", "xx");
            fixture_set(db, "short", "v");
            fixture_set_for(db, "timed", "v", 1000);
            fixture_push(db, "list", "e");
            fixture_push_all(db, "number", "1 2 3");
            fixture_set(db, "number", "7");
            ck_assert_int_eq(kv_set(db, KV_TEXT("large"), KV_BYTES(large, SIZE), NULL), KV_OK);
            uint64_t before = fixture_digest(db);
            kv *view = db;
            if (way > 1) ck_assert_int_eq(kv_begin(db, &options, &view), KV_OK);
            fixture_alloc_allow(&fx.alloc, allowed);
            kv_status status = kv_mset(view, keys, values, 10);
            bool was_enough = fixture_alloc_was_enough(&fx.alloc);
            atomic_store(&fx.alloc.allowed, FIXTURE_UNLIMITED);
            if (way > 1) ck_assert_int_eq(kv_commit(view), KV_OK);
            kv_check(db);
            ck_assert_int_eq(status, was_enough ? KV_OK : KV_NOMEM);
            if (status == KV_OK) {
                ck_assert_key(db, "same", "'no longer the same'");
                ck_assert_key(db, "large", "'v'");
            } else {
                ck_assert_uint_eq(fixture_digest(db), before);
            }
        }
        if (way > 0) kv_unfollow(follower);
    }
}
END_TEST

/* The reference: one kv_set() after another, in another store. */
START_TEST(random_batches_agree_with_single_calls)
{
    enum { KEYS = 60 };
    struct fixture single;
    static char bytes[5000];
    uint64_t seed = unit_seed();
    fixture_open(&single, 2);
    for (int round = 0; round < fixture_rounds(2000, 200000); round++) {
        char names[100][12], numbers[100][24];
        kv_slice keys[100], values[100];
        size_t count = (size_t)fixture_below(&seed, fixture_below(&seed, 4) == 0 ? 100 : 6);
        bool only_new = fixture_below(&seed, 6) == 0, is_free = true;
        for (size_t i = 0; i < count; i++) {
            static const size_t sizes[] = {4, 4, 4, 30, 31, 1000, 5000};
            int number = (int)fixture_below(&seed, KEYS);
            keys[i] =
                KV_BYTES(names[i], (size_t)snprintf(names[i], sizeof names[i], "key %d", number));
            memset(bytes, (int)fixture_below(&seed, 256), 1);
            values[i] = KV_BYTES(bytes, sizes[fixture_below(&seed, 7)]);
            if (fixture_below(&seed, 3) == 0) {
                int value = (int)fixture_below(&seed, 100000);
                values[i] = KV_BYTES(numbers[i],
                                     (size_t)snprintf(numbers[i], sizeof numbers[i], "%d", value));
            }
            is_free = is_free && kv_exists(single.db, &keys[i], 1, &(uint64_t){0}) == KV_OK &&
                      kv_get(single.db, keys[i], NULL) == KV_NONE;
        }
        kv_status status =
            only_new ? kv_msetnx(db, keys, values, count) : kv_mset(db, keys, values, count);
        MUST(status == (only_new && !is_free ? KV_SKIPPED : KV_OK));
        for (size_t i = 0; i < count && status == KV_OK; i++)
            MUST(kv_set(single.db, keys[i], values[i], NULL) == KV_OK);
        if (count > 0 && fixture_below(&seed, 2) == 0) {
            int64_t ttl_ms = (int64_t)fixture_below(&seed, 100);
            MUST(kv_expire(db, keys[0], ttl_ms, 0) == kv_expire(single.db, keys[0], ttl_ms, 0));
        }
        if (fixture_below(&seed, 4) == 0) {
            (void)kv_del(db, keys, count / 2, NULL);
            (void)kv_del(single.db, keys, count / 2, NULL);
        }
        if (fixture_below(&seed, 8) == 0) {
            fixture_pass(&fx, 20);
            fixture_pass(&single, 20);
        }
        if (round % 20 == 0) {
            ck_assert_uint_eq(fixture_digest(db), fixture_digest(single.db));
            kv_check(db);
        }
    }
    fixture_close(&single);
}
END_TEST

/* ------------------------------------------------------------------------------ in transactions */

START_TEST(in_a_transaction_all_keys_must_be_declared)
{
    kv_slice keys[2] = {KV_TEXT("a"), KV_TEXT("b")};
    kv_txn_options options = KV_OPTIONS(kv_txn_options);
    struct listing listing = {.limit = 0};
    kv *txn;
    options.keys = keys;
    options.key_count = 1;
    while (true) { /* until both are in different shards, which takes a few tries */
        ck_assert_int_eq(kv_begin(db, &options, &txn), KV_OK);
        kv_status status = kv_get(txn, keys[1], NULL);
        if (status == KV_NOTLOCKED) break;
        ck_assert_int_eq(status, KV_NONE);
        ck_assert_int_eq(kv_commit(txn), KV_OK);
        static char name[20];
        static int number;
        keys[1] = KV_BYTES(name, (size_t)snprintf(name, sizeof name, "b%d", number++));
    }
    ck_assert_int_eq(kv_mset(txn, keys, keys, 2), KV_NOTLOCKED);
    ck_assert_int_eq(kv_msetnx(txn, keys, keys, 2), KV_NOTLOCKED);
    ck_assert_int_eq(kv_mget(txn, keys, 2, list_item, &listing), KV_NOTLOCKED);
    ck_assert_uint_eq(listing.next, 0);
    ck_assert_int_eq(kv_mset(txn, keys, keys, 1), KV_OK);
    ck_assert_str_eq(mget_some(txn, "a", 0), "a");
    kv_operation operations[2] = {{.kind = KV_OPERATION_DEL, .key = keys[0]},
                                  {.kind = KV_OPERATION_DEL, .key = keys[1]}};
    ck_assert_int_eq(kv_batch(txn, operations, 2), KV_OK);
    ck_assert_int_eq(operations[0].status, KV_OK);
    ck_assert_int_eq(operations[1].status, KV_NOTLOCKED);
    ck_assert_int_eq(kv_commit(txn), KV_OK);
    ck_assert_key(db, "a", "-");
}
END_TEST

START_TEST(an_abort_takes_an_mset_back)
{
    kv_txn_options options = KV_OPTIONS(kv_txn_options);
    kv *txn;
    fixture_set(db, "a", "xx");
    fixture_set_for(db, "b", "y", 500);
    fixture_push(db, "c", "e");
    uint64_t before = fixture_digest(db);
    options.flags = KV_TXN_ALL | KV_TXN_ABORTABLE;
    ck_assert_int_eq(kv_begin(db, &options, &txn), KV_OK);
    ck_assert_int_eq(mset(txn, false, "a b c d a", "zz 1 2 3 4"), KV_OK);
    ck_assert_str_eq(mget_some(txn, "a b c d", 0), "4 1 2 3");
    ck_assert_int_eq(kv_abort(txn), KV_OK);
    ck_assert_uint_eq(fixture_digest(db), before);
}
END_TEST

/* ----------------------------------------------------------------------------------- kv_batch() */

START_TEST(a_batch_does_one_after_another)
{
    kv_buffer got = {0}, popped = {0};
    kv_slice k = KV_TEXT("k"), l = KV_TEXT("l"), x = KV_TEXT("x"), y = KV_TEXT("y");
    kv_operation operations[] = {
        {.kind = KV_OPERATION_EXISTS, .key = k, .number = 9},
        {.kind = KV_OPERATION_SET, .key = k, .value = KV_TEXT("41"), .ttl_ms = 100},
        {.kind = KV_OPERATION_EXISTS, .key = k},
        {.kind = KV_OPERATION_INCRBY, .key = k, .number = 1},
        {.kind = KV_OPERATION_GET, .key = k, .buffer = &got},
        {.kind = KV_OPERATION_RPUSH, .key = l, .value = x},
        {.kind = KV_OPERATION_LPUSH, .key = l, .value = y},
        {.kind = KV_OPERATION_INCRBY, .key = l, .number = 5},
        {.kind = KV_OPERATION_LPOP, .key = l, .buffer = &popped},
        {.kind = KV_OPERATION_EXPIRE, .key = l, .ttl_ms = 7},
        {.kind = KV_OPERATION_RPOP, .key = k},
        {.kind = (kv_operation_kind)77, .key = k},
        {.kind = KV_OPERATION_DEL, .key = k},
        {.kind = KV_OPERATION_DEL, .key = k},
        {.kind = KV_OPERATION_GET, .key = k},
        {.kind = KV_OPERATION_SET, .key = x, .value = y, .ttl_ms = -1},
    };
    enum { COUNT = sizeof operations / sizeof *operations };
    static const struct {
        kv_status status;
        int64_t number;
    } expected[COUNT] = {
        {KV_OK, 0}, {KV_OK, 0}, {KV_OK, 1},        {KV_OK, 42},
        {KV_OK, 0}, {KV_OK, 1}, {KV_OK, 2},        {KV_WRONGTYPE, 5},
        {KV_OK, 0}, {KV_OK, 0}, {KV_WRONGTYPE, 0}, {KV_BADARG, 0},
        {KV_OK, 1}, {KV_OK, 0}, {KV_NONE, 0},      {KV_BADARG, 0},
    };
    struct notes notes;
    notes_begin(&notes, db);
    ck_assert_int_eq(kv_batch(db, operations, COUNT), KV_OK);
    for (int i = 0; i < COUNT; i++) {
        ck_assert_msg(operations[i].status == expected[i].status, "operation %d: %d", i,
                      operations[i].status);
        ck_assert_int_eq(operations[i].number, expected[i].number);
    }
    ck_assert_mem_eq(got.data, "42", 2);
    ck_assert_mem_eq(popped.data, "y", 1);
    ck_assert_key(db, "l", "[x]");
    notes_expect(
        &notes,
        "0 SET k 41 PXAT 1700000000100;\n0 INCRBY k 1;\n0 RPUSH l x;\n0 LPUSH l y;\n0 LPOP l;\n"
        "0 PEXPIREAT l 1700000000007;\n0 DEL k;\n");
    notes_end(&notes);
    ck_assert_int_eq(kv_batch(db, NULL, 0), KV_OK);
    ck_assert_int_eq(kv_batch(db, NULL, 1), KV_BADARG);
    kv_buffer_free(&got);
    kv_buffer_free(&popped);
}
END_TEST

START_TEST(a_large_batch_survives_the_failure_of_each_allocation)
{
    enum { COUNT = 130 };
    kv_operation operations[COUNT];
    char names[COUNT][8];
    FIXTURE_FAIL_EACH_ALLOCATION(&fx.alloc)
    {
        long allowed = atomic_load(&fx.alloc.allowed);
        fixture_alloc_allow(&fx.alloc, FIXTURE_UNLIMITED);
        ck_assert_int_eq(kv_flush(db, false), KV_OK);
        for (int i = 0; i < COUNT; i++) {
            size_t size = (size_t)snprintf(names[i], sizeof names[i], "k%d", i);
            operations[i] = (kv_operation){.kind = KV_OPERATION_SET,
                                           .status = KV_PENDING,
                                           .key = KV_BYTES(names[i], size),
                                           .value = KV_TEXT("value")};
        }
        fixture_alloc_allow(&fx.alloc, allowed);
        kv_status status = kv_batch(db, operations, COUNT);
        atomic_store(&fx.alloc.allowed, FIXTURE_UNLIMITED);
        uint64_t done = 0, keys;
        for (int i = 0; i < COUNT; i++) {
            done += operations[i].status == KV_OK;
            ck_assert_int_eq(operations[i].status == KV_PENDING, status != KV_OK);
        }
        ck_assert_int_eq(kv_count(db, &keys), KV_OK);
        ck_assert_uint_eq(keys, done);
        ck_assert(status == KV_OK || status == KV_NOMEM);
        if (fixture_alloc_was_enough(&fx.alloc)) ck_assert_uint_eq(done, COUNT);
        kv_check(db);
    }
}
END_TEST

/* ---------------------------------------------------------------------------------- one instant */

enum { TWIN_KEYS = 12, TWIN_THREADS = 4 };

struct twin {
    pthread_t thread;
    uint64_t seed;
    uint64_t looks;
    bool writes;
};

static char twin_names[TWIN_KEYS][4];
static kv_slice twin_keys[TWIN_KEYS];

static bool twin_compare(void *context, size_t index, const kv_slice *item)
{
    kv_buffer *first = context;
    MUST(item != NULL && item->size <= first->capacity);
    if (index == 0) memcpy(first->data, item->data, first->size = item->size);
    MUST(item->size == first->size && memcmp(item->data, first->data, item->size) == 0);
    return true;
}

/* Writers give all keys one value at a time; readers must never see two. */
static void *twin_run(void *context)
{
    struct twin *twin = context;
    char bytes[64];
    for (int i = 0; i < fixture_rounds(3000, 300000); i++) {
        if (twin->writes) {
            kv_slice values[TWIN_KEYS];
            static const char *const formats[] = {"%llu", "text %llu",
                                                  "a longer text, that takes more room, %llu"};
            int size = snprintf(bytes, sizeof bytes, formats[fixture_below(&twin->seed, 3)],
                                (unsigned long long)(fixture_random(&twin->seed) >>
                                                     fixture_below(&twin->seed, 60)));
            for (int k = 0; k < TWIN_KEYS; k++) values[k] = KV_BYTES(bytes, (size_t)size);
            MUST(kv_mset(db, twin_keys, values, TWIN_KEYS) == KV_OK);
        } else {
            kv_buffer first = {bytes, 0, sizeof bytes};
            MUST(kv_mget(db, twin_keys, TWIN_KEYS, twin_compare, &first) == KV_OK);
            twin->looks++;
        }
    }
    return NULL;
}

START_TEST(nobody_sees_half_an_mset)
{
    struct twin twins[TWIN_THREADS] = {0};
    uint64_t seed = unit_seed();
    kv_slice values[TWIN_KEYS];
    for (int i = 0; i < TWIN_KEYS; i++) {
        twin_keys[i] = KV_BYTES(twin_names[i],
                                (size_t)snprintf(twin_names[i], sizeof twin_names[i], "k%d", i));
        values[i] = KV_TEXT("0");
    }
    ck_assert_int_eq(kv_mset(db, twin_keys, values, TWIN_KEYS), KV_OK);
    for (int i = 0; i < TWIN_THREADS; i++) {
        twins[i].seed = seed + (uint64_t)i;
        twins[i].writes = i % 2 == 0;
        MUST(pthread_create(&twins[i].thread, NULL, twin_run, &twins[i]) == 0);
    }
    for (int i = 0; i < TWIN_THREADS; i++) {
        pthread_join(twins[i].thread, NULL);
        if (!twins[i].writes) ck_assert_uint_gt(twins[i].looks, 0);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("batch");
    TCase *tcase = tcase_create("batch");
    tcase_add_checked_fixture(tcase, setup, store_teardown);
    tcase_set_timeout(tcase, getenv("KVSTORE_TEST_FULL") != NULL ? 3600 : 300);
    const TTest *const tests[] = {
        mget_lends_strings_in_order,
        mget_takes_any_number_of_keys,
        mget_does_not_see_expired_keys_and_drops_them,
        mget_renews_the_access_clock,
        mset_stores_all_whatever_was_there,
        of_a_key_given_twice_the_last_value_stays,
        msetnx_stores_all_or_none,
        settings_refuse_all_of_it,
        mset_gives_new_versions_and_marks_watches,
        mset_is_one_group_in_the_journal,
        mset_is_all_or_nothing_when_memory_runs_out,
        random_batches_agree_with_single_calls,
        in_a_transaction_all_keys_must_be_declared,
        an_abort_takes_an_mset_back,
        a_batch_does_one_after_another,
        a_large_batch_survives_the_failure_of_each_allocation,
        nobody_sees_half_an_mset,
    };
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
