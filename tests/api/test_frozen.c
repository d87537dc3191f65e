/*
 * tests/api/test_frozen.c -- a frozen view is the store at one instant, for every call that reads,
 * whatever writers do meanwhile; they do not notice it, even when it is lost.
 */
#include "caller.h"
#include "ignore.h"
#include "one_store.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#define KEYS 60 /* of callers, in each of three databases */

static void setup(void)
{
    store_setup();
    MUST(kv_configure(db, KV_SETTING_SNAPSHOT_MEMORY, INT64_C(1) << 30) == KV_OK);
}

static kv *freeze(void)
{
    kv *view;
    ck_assert_int_eq(kv_freeze(db, NULL, &view), KV_OK);
    return view;
}

static kv_freeze_info stats(const kv *view)
{
    kv_freeze_info info = KV_OPTIONS(kv_freeze_info);
    ck_assert_int_eq(kv_freeze_stats(view, &info), KV_OK);
    return info;
}

/* A key that has a deadline, or nothing; time passes at times, and is made use of. */
static void write_much(struct caller *caller, int calls)
{
    for (int i = 0; i < calls; i++) {
        uint64_t pick = fixture_below(&caller->seed, 40);
        if (pick == 0) fixture_pass(&fx, (int64_t)fixture_below(&caller->seed, 200));
        else if (pick == 1) ck_assert_int_eq(kv_tick(db, 0), KV_OK);
        (void)caller_call(caller, db);
    }
}

static void write_in_transaction(struct caller *caller)
{
    kv_txn_options options = KV_OPTIONS(kv_txn_options);
    options.flags = KV_TXN_ALL | KV_TXN_ABORTABLE;
    kv *txn;
    caller->swaps_no_databases = true;
    ck_assert_int_eq(kv_begin(db, &options, &txn), KV_OK);
    for (uint64_t i = fixture_below(&caller->seed, 20); i > 0; i--) (void)caller_call(caller, txn);
    bool aborts = fixture_below(&caller->seed, 2) == 0;
    ck_assert_int_eq(aborts ? kv_abort(txn) : kv_commit(txn), KV_OK);
    caller->swaps_no_databases = false;
}

/* --------------------------------------------------------------------------------- whole stores */

static bool count_key(void *context, kv_slice key)
{
    (void)key;
    ++*(uint64_t *)context;
    return true;
}

static void check_counts(kv *view)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < kv_databases(view); i++) {
        uint64_t count, keys = 0, scanned = 0, cursor = 0;
        kv_database_info info = KV_OPTIONS(kv_database_info);
        kv *one = kv_select(view, i);
        ck_assert_int_eq(kv_count(one, &count), KV_OK);
        ck_assert_int_eq(kv_keys(one, KV_TEXT("*"), count_key, &keys), KV_OK);
        do ck_assert_int_eq(kv_scan(one, &cursor, 7, NULL, count_key, &scanned), KV_OK);
        while (cursor != 0);
        ck_assert_int_eq(kv_database_stats(one, &info), KV_OK);
        ck_assert_uint_eq(keys, count);
        ck_assert_uint_ge(scanned, count);
        ck_assert_uint_eq(info.keys, count);
        ck_assert_uint_le(info.keys_with_ttl, count);
        total += count;
    }
    ck_assert_uint_eq(stats(view).keys, total);
}

static kv_status ignore_bytes(void *context, kv_slice bytes)
{
    (void)bytes;
    ++*(uint64_t *)context;
    return KV_OK;
}

START_TEST(it_is_the_store_at_the_instant_whatever_writers_do)
{
    struct caller caller = CALLER(unit_seed() + (uint64_t)_i, KEYS);
    caller_fill(&caller, db, 3000);
    for (int round = 0; round < fixture_rounds(15, 200); round++) {
        kv_snapshot *snapshot = NULL;
        uint64_t pieces = 0;
        caller_fill(&caller, db, 300);
        uint64_t before = fixture_digest(db);
        kv *view = freeze();
        check_counts(view);
        for (int i = 0; i < 10; i++) {
            caller.is_careful = round % 3 != 0 || i < 4;
            if (i == round % 7)
                MUST(kv_snapshot_begin(db, NULL, ignore_bytes, &pieces, &snapshot) == KV_OK);
            if (i % 3 == 0) write_in_transaction(&caller);
            write_much(&caller, (int)fixture_below(&caller.seed, 100));
            if (snapshot != NULL && i % 2 == 0) (void)kv_snapshot_step(snapshot, 1);
            if (fixture_digest(view) != before) {
                fixture_print(view);
                ck_abort_msg("round %d, step %d: the view has changed", round, i);
            }
            check_counts(kv_select(view, 1));
            kv_check(db);
        }
        bool is_first = round % 2 == 0;
        if (is_first) ck_assert_int_ge(kv_snapshot_end(snapshot), KV_OK);
        ck_assert_int_eq(kv_thaw(kv_select(view, 2)), KV_OK);
        kv_check(db);
        if (!is_first) ck_assert_int_ge(kv_snapshot_end(snapshot), KV_OK);
        kv_check(db);
    }
    caller_free(&caller);
}
END_TEST

/* Another store with the same keys stands still while the view's goes on: both must look alike. */
START_TEST(every_call_reads_what_a_store_that_stood_still_reads)
{
    struct fixture still;
    fixture_open(&still, 2);
    struct caller writer = CALLER(unit_seed() + (uint64_t)_i, KEYS), twin = writer;
    caller_fill(&writer, db, 4000);
    caller_fill(&twin, still.db, 4000);
    kv *view = freeze();
    ck_assert_int_eq(kv_configure(still.db, KV_SETTING_ACCEPT_WRITES, 0), KV_OK);
    uint64_t before = fixture_digest(still.db);
    unsigned compared = 0;
    for (uint64_t i = 0; i < 20000; i++) {
        struct caller reader = CALLER(writer.seed + i, KEYS), other = reader;
        if (i % 4 == 0) write_much(&writer, 1);
        kv_status status = caller_call(&reader, view);
        kv_status expected = caller_call(&other, still.db);
        bool is_refused = status == KV_READONLY || status == KV_BADARG || status == KV_NOMEM;
        if (!is_refused && (status != expected || reader.seen != other.seen)) {
            ck_abort_msg("%s: %s, and %s where nothing changed", reader.last, kv_strerror(status),
                         kv_strerror(expected));
        }
        compared += !is_refused;
        caller_free(&reader);
        caller_free(&other);
    }
    ck_assert_uint_gt(compared, 5000);
    ck_assert_uint_eq(fixture_digest(view), before);
    ck_assert_int_eq(kv_thaw(view), KV_OK);
    caller_free(&writer);
    caller_free(&twin);
    fixture_close(&still);
}
END_TEST

/* -------------------------------------------------------------------------------- one by one */

START_TEST(databases_are_those_of_the_instant)
{
    fixture_set(db, "a", "zero");
    fixture_set(kv_select(db, 1), "a", "one");
    fixture_set(kv_select(db, 2), "b", "two");
    kv *view = freeze();
    ck_assert_int_eq(kv_swapdb(db, kv_select(db, 1)), KV_OK);
    ck_assert_key(view, "a", "'zero'");
    ck_assert_key(kv_select(view, 1), "a", "'one'");
    fixture_set(db, "a", "1");
    ck_assert_int_eq(kv_flush_all(db, false), KV_OK);
    ck_assert_int_eq(kv_tick(db, 0), KV_OK);
    fixture_set(db, "a", "new");
    fixture_set(kv_select(db, 3), "a", "new");
    ck_assert_int_eq(kv_swapdb(kv_select(db, 1), kv_select(db, 2)), KV_OK);
    ck_assert_key(view, "a", "'zero'");
    ck_assert_key(kv_select(view, 1), "a", "'one'");
    ck_assert_key(kv_select(view, 2), "b", "'two'");
    ck_assert_key(kv_select(view, 2), "a", "-");
    ck_assert_key(kv_select(view, 3), "a", "-");
    ck_assert_uint_eq(kv_database(kv_select(view, 2)), 2);
    ck_assert_int_eq(kv_thaw(view), KV_OK);
    ck_assert_int_eq(kv_tick(db, 0), KV_OK);
    ck_assert_key(db, "a", "'new'");
}
END_TEST

struct text {
    char bytes[400];
    size_t size, at;
};

static kv_status write_text(void *context, kv_slice bytes)
{
    struct text *text = context;
    MUST(text->size + bytes.size <= sizeof text->bytes);
    memcpy(text->bytes + text->size, bytes.data, bytes.size);
    text->size += bytes.size;
    return KV_OK;
}

static kv_status read_text(void *context, void *bytes, size_t room, size_t *size)
{
    struct text *text = context;
    *size = text->size - text->at < room ? text->size - text->at : room;
    memcpy(bytes, text->bytes + text->at, *size);
    text->at += *size;
    return KV_OK;
}

START_TEST(a_load_in_the_place_of_all_leaves_it_as_it_was)
{
    kv_load_options options = KV_OPTIONS(kv_load_options);
    options.replaces = true;
    for (int round = 0; round < 2; round++) {
        struct text file = {.size = 0};
        kv_snapshot *snapshot;
        kv_slice key = KV_TEXT("a");
        fixture_set(db, "a", "loaded");
        fixture_set(kv_select(db, 1), "a", "loaded");
        ck_assert_int_eq(kv_snapshot_begin(db, NULL, write_text, &file, &snapshot), KV_OK);
        ck_assert_int_eq(kv_snapshot_step(snapshot, 0), KV_OK);
        ck_assert_int_eq(kv_snapshot_end(snapshot), KV_OK);
        fixture_set(db, "a", "frozen");
        kv *view = freeze();
        if (round == 0) ck_assert_int_eq(kv_del(db, &key, 1, NULL), KV_OK);
        ck_assert_int_eq(kv_load(db, read_text, &file, &options, NULL), KV_OK);
        ck_assert_key(view, "a", "'frozen'");
        ck_assert_key(kv_select(view, 1), "a", "'loaded'");
        ck_assert_int_eq(kv_del(db, &key, 1, NULL), KV_OK);
        check_counts(view);
        ck_assert_int_eq(kv_load(view, read_text, &file, &options, NULL), KV_BADARG);
        ck_assert_int_eq(kv_thaw(view), KV_OK);
        kv_check(db);
    }
}
END_TEST

START_TEST(time_stands_still)
{
    kv_slice pairs[4] = {KV_TEXT("due"), KV_TEXT("1"), KV_TEXT("later"), KV_TEXT("2")};
    kv_slice later = KV_TEXT("later");
    kv_hsetex_options soon = KV_OPTIONS(kv_hsetex_options);
    int64_t ttl_ms, deadline_ms;
    soon.ttl_ms = 10;
    fixture_set_for(db, "due", "x", 10);
    fixture_set_for(db, "later", "y", 1000);
    ck_assert_int_eq(kv_hsetex(db, KV_TEXT("hash"), pairs, 1, &soon), KV_OK);
    ck_assert_int_eq(kv_hsetex(db, KV_TEXT("spent"), pairs, 1, &soon), KV_OK);
    soon.ttl_ms = 1000;
    ck_assert_int_eq(kv_hsetex(db, KV_TEXT("hash"), pairs + 2, 1, &soon), KV_OK);
    fixture_pass(&fx, 10);
    kv *view = freeze();
    int64_t now_ms = kv_now(db);
    fixture_pass(&fx, 5000);
    ck_assert_int_eq(kv_now(view), now_ms);
    ck_assert_int_eq(stats(view).instant_ms, now_ms);
    for (int i = 0; i < 2; i++) {
        ck_assert_key(view, "due", "-");
        ck_assert_key(view, "spent", "-");
        ck_assert_key(view, "later", "'y'");
        ck_assert_key(view, "hash", "[later:2]");
        ck_assert_int_eq(kv_ttl(view, later, &ttl_ms), KV_OK);
        ck_assert_int_eq(ttl_ms, 990);
        ck_assert_int_eq(kv_hdeadline(view, KV_TEXT("hash"), &later, 1, &deadline_ms), KV_OK);
        ck_assert_int_eq(deadline_ms, now_ms + 990);
        ck_assert_int_eq(kv_tick(db, 0), KV_OK);
    }
    ck_assert_key(db, "later", "-");
    ck_assert_key(db, "hash", "-");
    ck_assert_int_eq(kv_thaw(view), KV_OK);
}
END_TEST

START_TEST(what_does_not_expire_at_the_instant_never_does)
{
    fixture_set_for(db, "due", "x", 10);
    ck_assert_int_eq(kv_configure(db, KV_SETTING_EXPIRE, 0), KV_OK);
    fixture_pass(&fx, 20);
    kv *view = freeze();
    ck_assert_int_eq(kv_configure(db, KV_SETTING_EXPIRE, 1), KV_OK);
    ck_assert_key(view, "due", "'x'");
    ck_assert_key(db, "due", "-");
    ck_assert_key(view, "due", "'x'");
    check_counts(view);
    ck_assert_int_eq(kv_thaw(view), KV_OK);
}
END_TEST

START_TEST(writes_and_what_is_about_the_present_are_refused)
{
    kv_slice key = KV_TEXT("key"), other = KV_TEXT("other");
    kv *another, *txn;
    kv_watch *watch;
    kv_follower *follower;
    kv_history *history;
    kv_snapshot *snapshot;
    uint64_t number;
    fixture_set(db, "key", "value");
    kv *view = freeze();
    kv_statistics first = KV_OPTIONS(kv_statistics), second = KV_OPTIONS(kv_statistics);
    ck_assert_int_eq(kv_stats(db, &first), KV_OK);
    ck_assert_int_eq(kv_set(view, key, other, NULL), KV_READONLY);
    ck_assert_int_eq(kv_mset(view, &key, &other, 1), KV_READONLY);
    ck_assert_int_eq(kv_del(view, &key, 1, NULL), KV_READONLY);
    ck_assert_int_eq(kv_rename(view, key, other), KV_READONLY);
    ck_assert_int_eq(kv_copy(view, key, db, other, true), KV_READONLY);
    ck_assert_int_eq(kv_copy(db, key, view, other, true), KV_READONLY);
    ck_assert_int_eq(kv_move(db, key, kv_select(view, 1)), KV_READONLY);
    ck_assert_int_eq(kv_swapdb(db, kv_select(view, 1)), KV_READONLY);
    ck_assert_int_eq(kv_swapdb(view, kv_select(view, 1)), KV_READONLY);
    ck_assert_int_eq(kv_flush(view, false), KV_READONLY);
    ck_assert_int_eq(kv_flush_all(view, true), KV_READONLY);
    ck_assert_int_eq(kv_begin(view, NULL, &txn), KV_BADARG);
    ck_assert_int_eq(kv_view_open(view, &another), KV_BADARG);
    ck_assert_int_eq(kv_freeze(view, NULL, &another), KV_BADARG);
    ck_assert_int_eq(kv_freeze(db, NULL, &another), KV_BUSY);
    ck_assert_int_eq(kv_version_of(view, key, &number), KV_BADARG);
    ck_assert_int_eq(kv_watch_open(db, &watch), KV_OK);
    ck_assert_int_eq(kv_watch_add(watch, view, key), KV_BADARG);
    kv_watch_close(watch);
    ck_assert_int_eq(kv_follow(view, ignore_changes, NULL, &follower), KV_BADARG);
    ck_assert_int_eq(kv_history_open(view, 4096, &history), KV_BADARG);
    ck_assert_int_eq(kv_snapshot_begin(view, NULL, ignore_bytes, &number, &snapshot), KV_BADARG);
    ck_assert_int_eq(kv_tick(view, 0), KV_BADARG);
    kv_view_touches(view, true);
    kv_view_refresh(view);
    kv_view_close(view); /* these three do nothing */
    ck_assert_key(view, "key", "'value'");
    ck_assert_key(view, "other", "-");
    ck_assert_int_eq(kv_stats(db, &second), KV_OK);
    ck_assert_uint_eq(second.hits, first.hits);
    ck_assert_uint_eq(second.misses, first.misses);
    ck_assert_uint_eq(stats(view).kept, 0);
    ck_assert_int_eq(kv_thaw(view), KV_OK);

    kv_freeze_options options = KV_OPTIONS(kv_freeze_options);
    kv_freeze_info info = KV_OPTIONS(kv_freeze_info);
    options.size++;
    ck_assert_int_eq(kv_freeze(db, &options, &view), KV_BADARG);
    ck_assert_int_eq(kv_freeze(NULL, NULL, &view), KV_BADARG);
    ck_assert_int_eq(kv_freeze(db, NULL, NULL), KV_BADARG);
    ck_assert_int_eq(kv_thaw(db), KV_BADARG);
    ck_assert_int_eq(kv_thaw(NULL), KV_BADARG);
    ck_assert_int_eq(kv_freeze_stats(db, &info), KV_BADARG);
}
END_TEST

/* ------------------------------------------------------------------------------------- scanning */

#define MANY 5000

struct seen {
    unsigned char times[MANY];
    unsigned strangers;
};

static bool see_key(void *context, kv_slice key)
{
    struct seen *seen = context;
    unsigned number = (unsigned)atoi((const char *)key.data + 3);
    bool is_known = key.size == 7 && number < MANY;
    if (is_known) seen->times[number]++;
    else seen->strangers++;
    return true;
}

static kv_slice key_of(char text[16], unsigned number)
{
    return kv_bytes(text, (size_t)snprintf(text, 16, "key%04u", number));
}

START_TEST(a_scan_shows_all_keys_of_the_instant_and_no_other)
{
    uint64_t seed = unit_seed() + (uint64_t)_i;
    char text[16];
    for (unsigned i = 0; i < MANY; i++)
        MUST(kv_set(db, key_of(text, i), KV_TEXT("old"), NULL) == KV_OK);
    kv *view = freeze();
    struct seen seen = {{0}, 0};
    uint64_t cursor = 0;
    unsigned largest = 0;
    do {
        struct seen before = seen;
        MUST(kv_scan(view, &cursor, 10, NULL, see_key, &seen) == KV_OK);
        unsigned shown = 0;
        for (unsigned i = 0; i < MANY; i++) shown += seen.times[i] != before.times[i];
        if (shown > largest) largest = shown;
        for (int i = 0; i < 40; i++) {
            kv_slice key = key_of(text, (unsigned)fixture_below(&seed, 3 * MANY));
            if (fixture_below(&seed, 3) > 0) MUST(kv_del(db, &key, 1, NULL) == KV_OK);
            else MUST(kv_set(db, key, KV_TEXT("new"), NULL) == KV_OK);
        }
        if (_i == 1 && cursor > UINT64_C(1) << 47) MUST(kv_flush(db, true) == KV_OK);
    } while (cursor != 0);
    ck_assert_uint_eq(seen.strangers, 0);
    for (unsigned i = 0; i < MANY; i++) ck_assert_uint_ge(seen.times[i], 1);
    ck_assert_uint_lt(largest, 60); /* no call shows much more than it was asked for */
    for (int i = 0; i < 500; i++) {
        kv_buffer key = {0};
        MUST(kv_randomkey(view, &key) == KV_OK);
        MUST(key.size == 7 && memcmp(key.data, "key5", 4) < 0);
        kv_buffer_free(&key);
    }
    check_counts(view);
    ck_assert_int_eq(kv_thaw(view), KV_OK);
}
END_TEST

/* ---------------------------------------------------------------------------------------- losing */

static const char large[3000];

static void ck_assert_lost(kv *view)
{
    uint64_t count, cursor = 0;
    kv_slice keys[2] = {KV_TEXT("a"), KV_TEXT("b")};
    kv_buffer buffer = {0};
    kv_database_info info = KV_OPTIONS(kv_database_info);
    ck_assert_int_eq(kv_get(view, KV_TEXT("a"), &buffer), KV_LOST);
    ck_assert_int_eq(kv_get(view, KV_TEXT("absent"), &buffer), KV_LOST);
    ck_assert_int_eq(kv_exists(view, keys, 2, &count), KV_LOST);
    ck_assert_int_eq(kv_count(view, &count), KV_LOST);
    ck_assert_int_eq(kv_keys(view, KV_TEXT("*"), count_key, &count), KV_LOST);
    ck_assert_int_eq(kv_scan(view, &cursor, 1, NULL, count_key, &count), KV_LOST);
    ck_assert_int_eq(kv_randomkey(view, &buffer), KV_LOST);
    ck_assert_int_eq(kv_database_stats(view, &info), KV_LOST);
    ck_assert_int_eq(kv_sunioncard(view, keys, 2, 0, &count), KV_LOST);
    ck_assert(stats(view).is_lost);
}

START_TEST(its_memory_is_bounded_and_then_it_is_lost)
{
    char text[16];
    kv_freeze_options options = KV_OPTIONS(kv_freeze_options);
    kv *view;
    options.memory = 50000;
    for (unsigned i = 0; i < 1000; i++)
        MUST(kv_set(db, key_of(text, i), kv_bytes(large, i % 10 * 30), NULL) == KV_OK);
    fixture_push_all(db, "list", "a b c");
    ck_assert_int_eq(kv_freeze(db, &options, &view), KV_OK);
    long before = atomic_load(&fx.alloc.live_bytes);
    ck_assert_int_eq(kv_set(db, KV_TEXT("new"), kv_bytes(large, sizeof large), NULL), KV_OK);
    ck_assert_uint_eq(stats(view).kept, 0);
    ck_assert_int_eq(kv_rpop(db, KV_TEXT("list"), NULL), KV_OK);
    ck_assert_int_eq(kv_rpop(db, KV_TEXT("list"), NULL), KV_OK);
    ck_assert_uint_eq(stats(view).kept, 1);
    ck_assert_key(view, "list", "[a b c]");
    for (unsigned i = 0; i < 1000; i++)
        MUST(kv_set(db, key_of(text, i), KV_TEXT("short"), NULL) == KV_OK);
    ck_assert_lost(view);
    ck_assert_uint_le(stats(view).held, 50000 + 8192);
    ck_assert_uint_gt(stats(view).held, 30000);
    ck_assert_int_lt(atomic_load(&fx.alloc.live_bytes) - before, 400000);
    kv_check(db);
    ck_assert_int_eq(kv_thaw(view), KV_LOST);
    view = freeze();
    ck_assert_key(view, "list", "[a]");
    ck_assert_int_eq(kv_thaw(view), KV_OK);
}
END_TEST

START_TEST(a_value_that_is_too_large_loses_it_at_once)
{
    kv_freeze_options options = KV_OPTIONS(kv_freeze_options);
    kv *view;
    options.memory = 2000;
    fixture_set(db, "a", "small");
    ck_assert_int_eq(kv_set(db, KV_TEXT("b"), kv_bytes(large, sizeof large), NULL), KV_OK);
    ck_assert_int_eq(kv_freeze(db, &options, &view), KV_OK);
    ck_assert_int_eq(kv_append(db, KV_TEXT("b"), KV_TEXT("x"), NULL), KV_OK);
    ck_assert_lost(view);
    ck_assert_uint_eq(stats(view).held, 0);
    ck_assert_int_eq(kv_thaw(view), KV_LOST);
}
END_TEST

START_TEST(a_write_succeeds_where_a_copy_cannot_be_had)
{
    uint64_t before = 0;
    for (int round = 0;; round++) {
        fixture_set(db, "a", "first");
        fixture_push_all(db, "list", "a b c");
        ck_assert_int_eq(kv_set(db, KV_TEXT("b"), kv_bytes(large, sizeof large), NULL), KV_OK);
        before = fixture_digest(db);
        kv *view = freeze();
        fixture_alloc_allow(&fx.alloc, round);
        ck_assert_int_eq(kv_set(db, KV_TEXT("a"), KV_TEXT("other"), NULL), KV_OK);
        ck_assert_int_eq(kv_lset(db, KV_TEXT("list"), 0, KV_TEXT("x")), KV_OK);
        ck_assert_int_eq(kv_setrange(db, KV_TEXT("b"), 0, KV_TEXT("x"), NULL), KV_OK);
        bool was_enough = fixture_alloc_was_enough(&fx.alloc);
        fixture_alloc_allow(&fx.alloc, FIXTURE_UNLIMITED);
        kv_check(db);
        if (was_enough) ck_assert_uint_eq(fixture_digest(view), before);
        else ck_assert_lost(view);
        ck_assert_int_eq(kv_thaw(view), was_enough ? KV_OK : KV_LOST);
        ck_assert_int_eq(kv_flush_all(db, false), KV_OK);
        if (was_enough) break;
    }
}
END_TEST

START_TEST(nothing_is_left_of_it)
{
    struct caller caller = CALLER(unit_seed(), KEYS);
    caller_fill(&caller, db, 1000);
    fixture_alloc_allow(&fx.alloc, FIXTURE_UNLIMITED);
    for (int round = 0; round < 20; round++) {
        long before = atomic_load(&fx.alloc.live_bytes);
        kv *view = freeze();
        uint64_t digest = fixture_digest(view);
        ck_assert_int_eq(kv_thaw(view), KV_OK);
        ck_assert_int_eq(atomic_load(&fx.alloc.live_bytes), before);
        ck_assert_uint_eq(fixture_digest(db), digest);
        write_much(&caller, 50);
    }
    caller_free(&caller);
}
END_TEST

/* --------------------------------------------------------------------------------------- threads */

/* A number for each thread, and pairs that transactions keep equal. */
#define THREADS 3
#define READERS 2
#define PAIRS   64

static atomic_bool is_ending;
static _Atomic uint32_t told[THREADS]; /* by its last call that returned */

static kv_slice number_of(char text[16], uint32_t number)
{
    return kv_bytes(text, (size_t)snprintf(text, 16, "n%u", (unsigned)number));
}

static void *count_up(void *context)
{
    unsigned number = *(const unsigned *)context;
    uint64_t seed = number;
    for (uint32_t i = 1; !atomic_load(&is_ending); i++) {
        char key[16], pair[2][16], text[16];
        kv_slice value = number_of(text, i);
        MUST(kv_set(db, key_of(key, number), value, NULL) == KV_OK);
        atomic_store(&told[number], i);
        unsigned at = (unsigned)fixture_below(&seed, PAIRS);
        kv_slice names[2] = {key_of(pair[0], 100 + at), key_of(pair[1], 200 + at)};
        kv_slice values[2] = {value, value};
        if (i % 3 == 0) {
            MUST(kv_mset(db, names, values, 2) == KV_OK);
            continue;
        }
        kv_txn_options options = KV_OPTIONS(kv_txn_options);
        options.keys = names;
        options.key_count = 2;
        options.flags = i % 3 == 1 ? KV_TXN_ABORTABLE : 0;
        kv *txn;
        MUST(kv_begin(db, &options, &txn) == KV_OK);
        MUST(kv_del(txn, names, 2, NULL) == KV_OK);
        MUST(kv_set(txn, names[1], value, NULL) == KV_OK);
        MUST(kv_set(txn, names[0], value, NULL) == KV_OK);
        bool aborts = i % 6 == 1;
        MUST((aborts ? kv_abort(txn) : kv_commit(txn)) == KV_OK);
    }
    return NULL;
}

static void note_told(void *context)
{
    uint32_t *at_instant = context;
    for (int i = 0; i < THREADS; i++) at_instant[i] = atomic_load(&told[i]);
}

struct reading {
    kv *view;
    uint32_t at_instant[THREADS];
    char pairs[2 * PAIRS][16];
};

static bool keep_text(void *context, size_t index, const kv_slice *value)
{
    struct reading *reading = context;
    size_t size = value != NULL ? value->size : 0;
    if (size > 0) memcpy(reading->pairs[index], value->data, size);
    reading->pairs[index][size] = '\0';
    return true;
}

/* One of several threads that read the same view. */
static void *read_view(void *context)
{
    struct reading reading = *(const struct reading *)context;
    char names[2 * PAIRS][16];
    kv_slice keys[2 * PAIRS];
    for (unsigned i = 0; i < THREADS; i++) {
        char key[16];
        kv_slice name = key_of(key, i);
        MUST(kv_mget(reading.view, &name, 1, keep_text, &reading) == KV_OK);
        uint32_t number = reading.pairs[0][0] != '\0' ? (uint32_t)atoi(reading.pairs[0] + 1) : 0;
        MUST(number == reading.at_instant[i] || number == reading.at_instant[i] + 1);
    }
    for (unsigned i = 0; i < PAIRS; i++) {
        keys[2 * i] = key_of(names[2 * i], 100 + i);
        keys[2 * i + 1] = key_of(names[2 * i + 1], 200 + i);
    }
    for (int round = 0; round < 2; round++) { /* many at once, then one by one */
        for (size_t i = 0; i < 2 * PAIRS; i += round == 0 ? 2 * PAIRS : 1) {
            struct reading one = reading;
            size_t count = round == 0 ? 2 * PAIRS : 1;
            MUST(kv_mget(reading.view, keys + i, count, keep_text, &one) == KV_OK);
            if (round == 0) reading = one;
            else MUST(strcmp(one.pairs[0], reading.pairs[i]) == 0);
        }
    }
    for (unsigned i = 0; i < 2 * PAIRS; i += 2)
        MUST(strcmp(reading.pairs[i], reading.pairs[i + 1]) == 0);
    return NULL;
}

static void *take_snapshots(void *context)
{
    uint64_t pieces = 0;
    (void)context;
    while (!atomic_load(&is_ending)) {
        kv_snapshot *snapshot;
        MUST(kv_snapshot_begin(db, NULL, ignore_bytes, &pieces, &snapshot) == KV_OK);
        MUST(kv_snapshot_step(snapshot, 0) == KV_OK);
        MUST(kv_snapshot_end(snapshot) == KV_OK);
    }
    return NULL;
}

START_TEST(threads_write_and_no_transaction_is_torn)
{
    pthread_t writers[THREADS], readers[READERS], saver;
    unsigned numbers[THREADS];
    atomic_store(&is_ending, false);
    for (unsigned i = 0; i < THREADS; i++) {
        numbers[i] = i;
        atomic_store(&told[i], 0);
        pthread_create(&writers[i], NULL, count_up, &numbers[i]);
    }
    pthread_create(&saver, NULL, take_snapshots, NULL);
    for (int round = 0; round < fixture_rounds(100, 1000); round++) {
        struct reading reading = {.view = NULL};
        kv_freeze_options options = KV_OPTIONS(kv_freeze_options);
        options.at_instant = note_told;
        options.at_instant_context = reading.at_instant;
        ck_assert_int_eq(kv_freeze(db, &options, &reading.view), KV_OK);
        for (int i = 0; i < READERS; i++) pthread_create(&readers[i], NULL, read_view, &reading);
        uint64_t digest = fixture_digest(reading.view);
        if (round % 2 == 0) usleep(200);
        ck_assert_uint_eq(fixture_digest(reading.view), digest);
        for (int i = 0; i < READERS; i++) pthread_join(readers[i], NULL);
        ck_assert_int_eq(kv_thaw(reading.view), KV_OK);
    }
    atomic_store(&is_ending, true);
    for (int i = 0; i < THREADS; i++) pthread_join(writers[i], NULL);
    pthread_join(saver, NULL);
    kv_check(db);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("frozen");
    TCase *tcase = tcase_create("frozen");
    tcase_add_checked_fixture(tcase, setup, store_teardown);
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, it_is_the_store_at_the_instant_whatever_writers_do, 0, 4);
    tcase_add_loop_test(tcase, every_call_reads_what_a_store_that_stood_still_reads, 0, 4);
    tcase_add_test(tcase, databases_are_those_of_the_instant);
    tcase_add_test(tcase, a_load_in_the_place_of_all_leaves_it_as_it_was);
    tcase_add_test(tcase, time_stands_still);
    tcase_add_test(tcase, what_does_not_expire_at_the_instant_never_does);
    tcase_add_test(tcase, writes_and_what_is_about_the_present_are_refused);
    tcase_add_loop_test(tcase, a_scan_shows_all_keys_of_the_instant_and_no_other, 0, 2);
    tcase_add_test(tcase, its_memory_is_bounded_and_then_it_is_lost);
    tcase_add_test(tcase, a_value_that_is_too_large_loses_it_at_once);
    tcase_add_test(tcase, a_write_succeeds_where_a_copy_cannot_be_had);
    tcase_add_test(tcase, nothing_is_left_of_it);
    tcase_add_test(tcase, threads_write_and_no_transaction_is_torn);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
