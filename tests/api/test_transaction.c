/*
 * tests/api/test_transaction.c -- kv_begin() to kv_commit() or kv_abort(), and watches.
 */
#include "caller.h"
#include "ignore.h"
#include "one_store.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <time.h>

static void setup(void)
{
    store_setup_with(8);
}

/* Begins a transaction on all keys, or on those given as words. */
static kv *begin(unsigned flags, const char *words)
{
    kv_txn_options options = KV_OPTIONS(kv_txn_options);
    struct fixture_words keys;
    options.keys = fixture_split(&keys, words)->items;
    options.key_count = keys.count;
    options.flags = flags;
    kv *txn;
    ck_assert_int_eq(kv_begin(db, &options, &txn), KV_OK);
    return txn;
}

START_TEST(calls_in_a_transaction_see_each_other_and_stay)
{
    kv *txn = begin(0, "a b");
    fixture_set(txn, "a", "1");
    fixture_push(txn, "b", "x");
    ck_assert_key(txn, "a", "'1'");
    ck_assert_int_eq(kv_rename(txn, KV_TEXT("b"), KV_TEXT("a")), KV_OK);
    ck_assert_int_eq(kv_commit(txn), KV_OK);
    ck_assert_key(db, "a", "[x]");
    ck_assert_key(db, "b", "-");
}
END_TEST

START_TEST(a_selected_view_is_part_of_the_transaction)
{
    kv *txn = begin(KV_TXN_ALL | KV_TXN_ABORTABLE, "");
    kv *third = kv_select(txn, 3);
    ck_assert_uint_eq(kv_database(third), 3);
    fixture_set(third, "a", "1");
    ck_assert_int_eq(kv_move(third, KV_TEXT("a"), kv_select(txn, 4)), KV_OK);
    ck_assert_key(kv_select(third, 4), "a", "'1'");
    ck_assert_ptr_null(kv_select(txn, 16));
    ck_assert_int_eq(kv_abort(kv_select(txn, 7)), KV_OK); /* any view of it ends it */
    ck_assert_key(kv_select(db, 4), "a", "-");
}
END_TEST

/* A key that lies in another shard than all the keys given. */
static kv_slice undeclared(kv *txn, char name[16])
{
    for (int i = 0; i < 1000; i++) {
        kv_slice key = {name, (size_t)snprintf(name, 16, "other%d", i)};
        if (kv_exists(txn, &key, 1, NULL) == KV_NOTLOCKED) return key;
    }
    ck_abort_msg("every key is declared");
}

START_TEST(what_was_not_declared_is_refused)
{
    fixture_set(db, "a", "1");
    fixture_push(db, "list", "x");
    for (unsigned flags = 0; flags <= KV_TXN_ABORTABLE; flags += KV_TXN_ABORTABLE) {
        uint64_t before = fixture_digest(db);
        kv *txn = begin(flags, "a list");
        char name[16];
        kv_slice a = KV_TEXT("a"), list = KV_TEXT("list"), x = undeclared(txn, name);
        kv_slice mixed[2] = {a, x}, values[2] = {x, x};
        kv_buffer buffer = {0};
        uint64_t number, cursor = 0;
        int64_t instant;
        kv_type type;
        kv_object_info info = KV_OPTIONS(kv_object_info);
        kv_operation operations[2] = {{.kind = KV_OPERATION_GET, .key = a, .buffer = &buffer},
                                      {.kind = KV_OPERATION_SET, .key = x}};
        ck_assert_int_eq(kv_set(txn, x, a, NULL), KV_NOTLOCKED);
        ck_assert_int_eq(kv_get(txn, x, &buffer), KV_NOTLOCKED);
        ck_assert_int_eq(kv_read(txn, x, ignore, NULL), KV_NOTLOCKED);
        ck_assert_int_eq(kv_getdel(txn, x, NULL), KV_NOTLOCKED);
        ck_assert_int_eq(kv_getex(txn, x, NULL, NULL), KV_NOTLOCKED);
        ck_assert_int_eq(kv_append(txn, x, a, NULL), KV_NOTLOCKED);
        ck_assert_int_eq(kv_strlen(txn, x, &number), KV_NOTLOCKED);
        ck_assert_int_eq(kv_incr(txn, x, NULL), KV_NOTLOCKED);
        ck_assert_int_eq(kv_incrbyfloat(txn, x, KV_TEXT("1"), NULL), KV_NOTLOCKED);
        ck_assert_int_eq(kv_lcs(txn, a, x, 0, &number, NULL, NULL, NULL), KV_NOTLOCKED);
        ck_assert_int_eq(kv_del(txn, mixed, 2, NULL), KV_NOTLOCKED);
        ck_assert_int_eq(kv_unlink(txn, &x, 1, NULL), KV_NOTLOCKED);
        ck_assert_int_eq(kv_exists(txn, mixed, 2, NULL), KV_NOTLOCKED);
        ck_assert_int_eq(kv_mget(txn, mixed, 2, ignore_at, NULL), KV_NOTLOCKED);
        ck_assert_int_eq(kv_mset(txn, mixed, values, 2), KV_NOTLOCKED);
        ck_assert_int_eq(kv_msetnx(txn, mixed, values, 2), KV_NOTLOCKED);
        ck_assert_int_eq(kv_batch(txn, operations, 2), KV_OK);
        ck_assert_int_eq(operations[0].status, KV_OK);
        ck_assert_int_eq(operations[1].status, KV_NOTLOCKED);
        ck_assert_int_eq(kv_type_of(txn, x, &type), KV_NOTLOCKED);
        ck_assert_int_eq(kv_rename(txn, a, x), KV_NOTLOCKED);
        ck_assert_int_eq(kv_rename(txn, x, a), KV_NOTLOCKED);
        ck_assert_int_eq(kv_copy(txn, a, NULL, x, true), KV_NOTLOCKED);
        ck_assert_int_eq(kv_move(txn, x, kv_select(txn, 1)), KV_NOTLOCKED);
        ck_assert_int_eq(kv_expire(txn, x, 5, 0), KV_NOTLOCKED);
        ck_assert_int_eq(kv_ttl(txn, x, &instant), KV_NOTLOCKED);
        ck_assert_int_eq(kv_persist(txn, x), KV_NOTLOCKED);
        ck_assert_int_eq(kv_object(txn, x, &info), KV_NOTLOCKED);
        ck_assert_int_eq(kv_version_of(txn, x, &number), KV_NOTLOCKED);
        ck_assert_int_eq(kv_lpush(txn, x, &a, 1, NULL), KV_NOTLOCKED);
        ck_assert_int_eq(kv_lpop(txn, x, NULL), KV_NOTLOCKED);
        ck_assert_int_eq(kv_llen(txn, x, &number), KV_NOTLOCKED);
        ck_assert_int_eq(kv_lset(txn, x, 0, a), KV_NOTLOCKED);
        ck_assert_int_eq(kv_lmove(txn, list, x, KV_HEAD, KV_TAIL, NULL), KV_NOTLOCKED);
        ck_assert_int_eq(kv_lmpop(txn, &x, 1, KV_HEAD, 1, NULL, ignore, NULL), KV_NOTLOCKED);
        ck_assert_int_eq(kv_blpop(txn, &x, 1, 0, NULL, NULL), KV_NOTLOCKED);
        ck_assert_int_eq(kv_blmove(txn, list, x, KV_HEAD, KV_TAIL, 0, NULL), KV_NOTLOCKED);
        /* Calls on whole databases need all of it. */
        ck_assert_int_eq(kv_flush(txn, false), KV_NOTLOCKED);
        ck_assert_int_eq(kv_flush_all(txn, false), KV_NOTLOCKED);
        ck_assert_int_eq(kv_swapdb(txn, kv_select(txn, 1)), KV_NOTLOCKED);
        ck_assert_int_eq(kv_keys(txn, KV_TEXT("*"), ignore, NULL), KV_NOTLOCKED);
        ck_assert_int_eq(kv_scan(txn, &cursor, 1000, NULL, ignore, NULL), KV_NOTLOCKED);
        ck_assert_int_eq(kv_count(txn, &number), KV_NOTLOCKED);
        ck_assert_int_eq(kv_randomkey(txn, &buffer), KV_NOTLOCKED);
        ck_assert_int_eq(kv_delete_matching(txn, KV_TEXT("*"), &cursor, 1000, NULL), KV_NOTLOCKED);
        ck_assert_uint_eq(cursor, 0);
        ck_assert_int_eq(kv_commit(txn), KV_OK);
        ck_assert_uint_eq(fixture_digest(db), before);
        kv_buffer_free(&buffer);
    }
}
END_TEST

START_TEST(misuse_is_refused)
{
    kv *txn = begin(0, "a"), *inner = NULL;
    kv_follower *follower;
    kv_txn_options options = KV_OPTIONS(kv_txn_options);
    ck_assert_int_eq(kv_abort(txn), KV_BADARG); /* it was not asked to be able to */
    fixture_set(txn, "a", "still open");
    ck_assert_int_eq(kv_begin(txn, NULL, &inner), KV_BADARG);
    ck_assert_int_eq(kv_view_open(txn, &inner), KV_BADARG);
    ck_assert_int_eq(kv_tick(txn, 0), KV_BADARG);
    ck_assert_int_eq(kv_follow(txn, NULL, NULL, &follower), KV_BADARG);
    ck_assert_int_eq(kv_commit(txn), KV_OK);
    ck_assert_key(db, "a", "'still open'");
    ck_assert_int_eq(kv_commit(db), KV_BADARG);
    ck_assert_int_eq(kv_abort(db), KV_BADARG);
    ck_assert_int_eq(kv_commit(NULL), KV_BADARG);
    options.flags = 64;
    ck_assert_int_eq(kv_begin(db, &options, &inner), KV_BADARG);
    options.flags = 0;
    options.key_count = 1;
    ck_assert_int_eq(kv_begin(db, &options, &inner), KV_BADARG);
    options.size = sizeof options + 1;
    ck_assert_int_eq(kv_begin(db, &options, &inner), KV_BADARG);
    ck_assert_ptr_null(inner);
}
END_TEST

START_TEST(a_transaction_that_has_begun_is_not_refused_in_the_middle)
{
    kv *txn = begin(KV_TXN_ALL, "");
    fixture_set(txn, "a", "1");
    ck_assert_int_eq(kv_configure(db, KV_SETTING_ACCEPT_WRITES, 0), KV_OK);
    fixture_set(txn, "b", "2");
    ck_assert_int_eq(kv_commit(txn), KV_OK);
    ck_assert_int_eq(kv_set(db, KV_TEXT("c"), KV_TEXT("3"), NULL), KV_READONLY);

    txn = begin(KV_TXN_ALL, "");
    ck_assert_int_eq(kv_configure(db, KV_SETTING_ACCEPT_WRITES, 1), KV_OK);
    ck_assert_int_eq(kv_set(txn, KV_TEXT("c"), KV_TEXT("3"), NULL), KV_READONLY);
    ck_assert_int_eq(kv_commit(txn), KV_OK);
    ck_assert_key(db, "b", "'2'");
    ck_assert_key(db, "c", "-");
}
END_TEST

START_TEST(time_stands_still_in_a_transaction)
{
    fixture_set_for(db, "a", "1", 10);
    kv *txn = begin(KV_TXN_ALL, "");
    fixture_pass(&fx, 50);
    int64_t ttl_ms;
    ck_assert_int_eq(kv_ttl(txn, KV_TEXT("a"), &ttl_ms), KV_OK);
    ck_assert_int_eq(ttl_ms, 10);
    ck_assert_int_eq(kv_now(txn), FIXTURE_START_MS);
    ck_assert_key(txn, "a", "'1'");
    ck_assert_int_eq(kv_commit(txn), KV_OK);
    ck_assert_key(db, "a", "-");
}
END_TEST

/* ---------------------------------------------------------------------------------------- abort */

START_TEST(an_abort_gives_back_values_types_and_deadlines)
{
    fixture_set_for(db, "timed", "1", 1000);
    fixture_push_all(db, "list", "a b c");
    fixture_set(db, "text", "t");
    uint64_t before = fixture_digest(db);
    kv *txn = begin(KV_TXN_ALL | KV_TXN_ABORTABLE, "");
    ck_assert_int_eq(kv_persist(txn, KV_TEXT("timed")), KV_OK);
    ck_assert_int_eq(kv_expire(txn, KV_TEXT("text"), 5, 0), KV_OK);
    ck_assert_int_eq(kv_lpop(txn, KV_TEXT("list"), NULL), KV_OK);
    fixture_set(txn, "list", "a string now");
    fixture_set(txn, "new", "n");
    ck_assert_int_eq(kv_rename(txn, KV_TEXT("text"), KV_TEXT("timed")), KV_OK);
    ck_assert_int_eq(kv_abort(txn), KV_OK);
    ck_assert_uint_eq(fixture_digest(db), before);
    ck_assert_key(db, "list", "[a b c]");
    fixture_pass(&fx, 1000);
    ck_assert_key(db, "timed", "-");
    ck_assert_int_eq(kv_tick(db, 0), KV_OK);
    ck_assert_int_eq(kv_next_deadline(db), KV_NEVER);
}
END_TEST

START_TEST(a_flush_is_undone_too)
{
    struct caller caller = CALLER(7, 300);
    caller_fill(&caller, db, 3000);
    uint64_t before = fixture_digest(db);
    ck_assert_uint_ne(before, 0);
    for (int all = 0; all < 2; all++) {
        kv *txn = begin(KV_TXN_ALL | KV_TXN_ABORTABLE, "");
        ck_assert_int_eq(all ? kv_flush_all(txn, true) : kv_flush(txn, false), KV_OK);
        uint64_t count;
        ck_assert_int_eq(kv_count(txn, &count), KV_OK);
        ck_assert_uint_eq(count, 0);
        fixture_set(txn, "key:1", "new after the flush");
        ck_assert_int_eq(kv_abort(txn), KV_OK);
        ck_assert_uint_eq(fixture_digest(db), before);
        kv_check(db);
    }
    caller_free(&caller);
}
END_TEST

START_TEST(what_expires_within_is_gone_after_an_abort_too)
{
    fixture_set_for(db, "a", "1", 10);
    fixture_pass(&fx, 20);
    kv *txn = begin(KV_TXN_ABORTABLE, "a");
    ck_assert_int_eq(kv_get(txn, KV_TEXT("a"), NULL), KV_NONE);
    fixture_set(txn, "a", "2");
    ck_assert_int_eq(kv_abort(txn), KV_OK);
    ck_assert_key(db, "a", "-");
    ck_assert_int_eq(kv_tick(db, 0), KV_OK);
    ck_assert_int_eq(kv_next_deadline(db), KV_NEVER);
}
END_TEST

START_TEST(an_abort_leaves_no_version_that_was_given_out_within)
{
    kv_set_options options = KV_OPTIONS(kv_set_options);
    uint64_t before, within, after;
    fixture_set(db, "a", "1");
    ck_assert_int_eq(kv_version_of(db, KV_TEXT("a"), &before), KV_OK);
    kv *txn = begin(KV_TXN_ABORTABLE, "a");
    fixture_set(txn, "a", "2");
    ck_assert_int_eq(kv_version_of(txn, KV_TEXT("a"), &within), KV_OK);
    ck_assert_uint_ne(within, before);
    ck_assert_int_eq(kv_abort(txn), KV_OK);
    options.flags = KV_IF_VERSION;
    options.if_version = within;
    ck_assert_int_eq(kv_set(db, KV_TEXT("a"), KV_TEXT("3"), &options), KV_SKIPPED);
    fixture_set(db, "a", "4");
    ck_assert_int_eq(kv_version_of(db, KV_TEXT("a"), &after), KV_OK);
    ck_assert(after != within && after != before);
}
END_TEST

START_TEST(a_swap_of_databases_cannot_be_undone_and_is_refused)
{
    fixture_set(db, "a", "1");
    kv *txn = begin(KV_TXN_ALL | KV_TXN_ABORTABLE, "");
    ck_assert_int_eq(kv_swapdb(txn, kv_select(txn, 1)), KV_BADARG);
    ck_assert_int_eq(kv_commit(txn), KV_OK);
    txn = begin(KV_TXN_ALL, "");
    ck_assert_int_eq(kv_swapdb(txn, kv_select(txn, 1)), KV_OK);
    ck_assert_key(txn, "a", "-");
    ck_assert_key(kv_select(txn, 1), "a", "'1'");
    ck_assert_int_eq(kv_commit(txn), KV_OK);
    ck_assert_key(kv_select(db, 1), "a", "'1'");
}
END_TEST

/*
 * Random transactions on three stores that hold the same: the first aborts them, the second, which
 * commits them as abortable, and the third, which makes the same calls outside of any, must come to
 * the same.
 */
START_TEST(an_abort_undoes_everything_and_a_commit_nothing)
{
    uint64_t seed = unit_seed();
    struct fixture others[2];
    int64_t pack_size = _i == 0 ? -2 : 3;
    struct caller callers[3];
    kv *stores[3];
    for (int i = 0; i < 2; i++) fixture_open(&others[i], i == 0 ? 1 : 16);
    for (int i = 0; i < 3; i++) {
        stores[i] = i == 0 ? db : others[i - 1].db;
        callers[i] = CALLER(seed, 40);
        callers[i].swaps_no_databases = true; /* an abortable transaction refuses to */
        ck_assert_int_eq(kv_configure(stores[i], KV_SETTING_LIST_PACK_SIZE, pack_size), KV_OK);
        caller_fill(&callers[i], stores[i], 500);
    }
    for (int round = 0; round < fixture_rounds(150, 20000); round++) {
        uint64_t before = fixture_digest(db);
        int calls = (int)fixture_below(&seed, 20);
        for (int i = 0; i < 3; i++) {
            /* The first aborts what it did, then does it again like the others. */
            struct caller again = callers[i];
            again.buffer = (kv_buffer){0};
            for (int pass = i == 0 ? 0 : 1; pass < 2; pass++) {
                struct caller *caller = pass == 0 ? &again : &callers[i];
                kv_txn_options options = KV_OPTIONS(kv_txn_options);
                options.flags = KV_TXN_ALL | (i < 2 ? KV_TXN_ABORTABLE : 0);
                kv *txn = stores[i];
                caller->is_careful = round % 10 != 0;
                if (i < 2 || round % 2 == 0)
                    ck_assert_int_eq(kv_begin(stores[i], &options, &txn), KV_OK);
                for (int j = 0; j < calls; j++) (void)caller_call(caller, txn);
                if (pass == 0) {
                    ck_assert_int_eq(kv_abort(txn), KV_OK);
                    if (fixture_digest(db) != before) {
                        fixture_print(db);
                        ck_abort_msg("round %d: not all was undone", round);
                    }
                } else if (txn != stores[i]) {
                    ck_assert_int_eq(kv_commit(txn), KV_OK);
                }
            }
            caller_free(&again);
        }
        for (int i = 1; i < 3; i++) {
            if (fixture_digest(stores[i]) != fixture_digest(db)) {
                fixture_print(db);
                fprintf(stderr, "---- store %d\n", i);
                fixture_print(stores[i]);
                ck_abort_msg("round %d: store %d differs", round, i);
            }
            ck_assert_uint_eq(callers[i].seen, callers[0].seen);
        }
        int64_t pause_ms = (int64_t)fixture_below(&seed, 30);
        fixture_pass(&fx, pause_ms);
        for (int i = 0; i < 2; i++) fixture_pass(&others[i], pause_ms);
        if (round % 50 == 0) kv_check(db);
    }
    for (int i = 0; i < 3; i++) caller_free(&callers[i]);
    for (int i = 0; i < 2; i++) fixture_close(&others[i]);
}
END_TEST

/* -------------------------------------------------------------------------------------- watches */

static kv_status begin_watched(kv_watch *watch)
{
    kv_txn_options options = KV_OPTIONS(kv_txn_options);
    options.watch = watch;
    kv *txn = NULL;
    kv_status status = kv_begin(db, &options, &txn);
    ck_assert((txn != NULL) == (status == KV_OK));
    if (status == KV_OK) ck_assert_int_eq(kv_commit(txn), KV_OK);
    return status;
}

static kv_watch *watch_key(const char *key)
{
    kv_watch *watch;
    ck_assert_int_eq(kv_watch_open(db, &watch), KV_OK);
    ck_assert_int_eq(kv_watch_add(watch, db, KV_TEXT(key)), KV_OK);
    ck_assert(!kv_watch_is_dirty(watch));
    return watch;
}

/* The ways to change key "a", which holds a string, or "list", by number; false after the last. */
static bool change_watched(int way)
{
    kv_slice a = KV_TEXT("a"), list = KV_TEXT("list"), x = KV_TEXT("x");
    kv_getex_options getex = KV_OPTIONS(kv_getex_options);
    getex.ttl_ms = 50;
    kv *other = kv_select(db, 1);
    switch (way) {
    case 0: fixture_set(db, "a", "1"); return true; /* also to what it was */
    case 1: ck_assert_int_eq(kv_del(db, &a, 1, NULL), KV_OK); return true;
    case 2: ck_assert_int_eq(kv_append(db, a, x, NULL), KV_OK); return true;
    case 3: ck_assert_int_eq(kv_incr(db, a, NULL), KV_OK); return true;
    case 4: ck_assert_int_eq(kv_expire(db, a, 100, 0), KV_OK); return true;
    case 5: ck_assert_int_eq(kv_getex(db, a, &getex, NULL), KV_OK); return true;
    case 6: ck_assert_int_eq(kv_rename(db, a, KV_TEXT("b")), KV_OK); return true;
    case 7: ck_assert_int_eq(kv_rename(db, list, a), KV_OK); return true;
    case 8: ck_assert_int_eq(kv_copy(db, list, NULL, a, true), KV_OK); return true;
    case 9: ck_assert_int_eq(kv_move(db, a, other), KV_OK); return true;
    case 10: ck_assert_int_eq(kv_flush(db, true), KV_OK); return true;
    case 11: ck_assert_int_eq(kv_flush_all(other, true), KV_OK); return true;
    case 12: ck_assert_int_eq(kv_swapdb(db, other), KV_OK); return true;
    case 13: ck_assert_int_eq(kv_setrange(db, a, 3, x, NULL), KV_OK); return true;
    case 14: ck_assert_int_eq(kv_mset(db, &a, &x, 1), KV_OK); return true;
    case 15: ck_assert_int_eq(kv_getdel(db, a, NULL), KV_OK); return true;
    case 16: ck_assert_int_eq(kv_unlink(db, &a, 1, NULL), KV_OK); return true;
    case 17:
        ck_assert_int_eq(kv_incrbyfloat(db, a, x.size ? KV_TEXT("1.5") : x, NULL), KV_OK);
        return true;
    case 18: ck_assert_int_eq(kv_expire_at(db, a, 1, 0), KV_OK); return true;
    default: return false;
    }
}

static bool change_watched_list(int way)
{
    kv_slice list = KV_TEXT("list"), x = KV_TEXT("x");
    kv_slice keys[1] = {list};
    kv_operation operation = {.kind = KV_OPERATION_RPOP, .key = list};
    switch (way) {
    case 0: ck_assert_int_eq(kv_lpush(db, list, &x, 1, NULL), KV_OK); return true;
    case 1: ck_assert_int_eq(kv_rpushx(db, list, &x, 1, NULL), KV_OK); return true;
    case 2: ck_assert_int_eq(kv_lpop(db, list, NULL), KV_OK); return true;
    case 3: ck_assert_int_eq(kv_lset(db, list, 0, x), KV_OK); return true;
    case 4: ck_assert_int_eq(kv_linsert(db, list, true, KV_TEXT("e"), x, NULL), KV_OK); return true;
    case 5: ck_assert_int_eq(kv_lrem(db, list, 0, KV_TEXT("e"), NULL), KV_OK); return true;
    case 6: ck_assert_int_eq(kv_ltrim(db, list, 1, 1), KV_OK); return true;
    case 7:
        ck_assert_int_eq(kv_lmove(db, list, KV_TEXT("b"), KV_HEAD, KV_TAIL, NULL), KV_OK);
        return true;
    case 8:
        ck_assert_int_eq(kv_lmove(db, KV_TEXT("more"), list, KV_HEAD, KV_TAIL, NULL), KV_OK);
        return true;
    case 9: ck_assert_int_eq(kv_blpop(db, keys, 1, 0, NULL, NULL), KV_OK); return true;
    case 10:
        ck_assert_int_eq(kv_lmpop(db, keys, 1, KV_TAIL, 1, NULL, NULL, NULL), KV_OK);
        return true;
    case 11: ck_assert_int_eq(kv_batch(db, &operation, 1), KV_OK); return true;
    case 12: ck_assert_int_eq(kv_lmove(db, list, list, KV_HEAD, KV_TAIL, NULL), KV_OK); return true;
    default: return false;
    }
}

static void reset_watched(void)
{
    ck_assert_int_eq(kv_flush_all(db, false), KV_OK);
    fixture_set(db, "a", "1");
    fixture_push_all(db, "list", "e f");
    fixture_push_all(db, "more", "e f");
}

START_TEST(every_change_of_a_watched_key_is_a_conflict)
{
    for (int kind = 0; kind < 2; kind++) {
        for (int way = 0;; way++) {
            reset_watched();
            kv_watch *watch = watch_key(kind == 0 ? "a" : "list");
            kv_watch *bystander = watch_key("another");
            bool changed = kind == 0 ? change_watched(way) : change_watched_list(way);
            ck_assert_msg(kv_watch_is_dirty(watch) == changed, "kind %d, way %d", kind, way);
            ck_assert_int_eq(begin_watched(watch), changed ? KV_CONFLICT : KV_OK);
            ck_assert_int_eq(begin_watched(bystander), KV_OK);
            kv_watch_close(watch);
            kv_watch_close(bystander);
            if (!changed) break;
        }
    }
}
END_TEST

START_TEST(what_changes_nothing_is_no_conflict)
{
    reset_watched();
    kv_slice a = KV_TEXT("a"), list = KV_TEXT("list"), none = KV_TEXT("none");
    kv_set_options absent = KV_OPTIONS(kv_set_options);
    absent.flags = KV_IF_ABSENT;
    kv_watch *watch = watch_key("a");
    ck_assert_int_eq(kv_watch_add(watch, db, list), KV_OK);
    ck_assert_int_eq(kv_watch_add(watch, db, none), KV_OK);
    ck_assert_int_eq(kv_watch_add(watch, db, a), KV_OK); /* twice is once */
    kv_statistics statistics = KV_OPTIONS(kv_statistics);
    ck_assert_int_eq(kv_stats(db, &statistics), KV_OK);
    ck_assert_uint_eq(statistics.watched, 3);
    ck_assert_key(db, "a", "'1'");
    ck_assert_int_eq(kv_set(db, a, none, &absent), KV_SKIPPED);
    ck_assert_int_eq(kv_lpush(db, a, &none, 1, NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_del(db, &none, 1, NULL), KV_OK);
    ck_assert_int_eq(kv_lrem(db, list, 0, none, NULL), KV_OK);
    ck_assert_int_eq(kv_flush(kv_select(db, 2), false), KV_OK);
    ck_assert_int_eq(kv_swapdb(kv_select(db, 3), kv_select(db, 2)), KV_OK);
    fixture_set(kv_select(db, 1), "a", "of another database");
    kv_set_options absent_key = KV_OPTIONS(kv_set_options);
    absent_key.flags = KV_IF_PRESENT;
    ck_assert_int_eq(kv_set(db, none, a, &absent_key), KV_SKIPPED);
    ck_assert_int_eq(begin_watched(watch), KV_OK);
    fixture_set(db, "none", "is here now");
    ck_assert_int_eq(begin_watched(watch), KV_CONFLICT);
    kv_watch_reset(watch);
    ck_assert_int_eq(begin_watched(watch), KV_OK);
    kv_watch_close(watch);
    kv_watch_close(NULL);
    kv_watch_reset(NULL);
    ck_assert(!kv_watch_is_dirty(NULL));
}
END_TEST

START_TEST(expiry_is_a_conflict_reclaimed_or_not)
{
    for (int way = 0; way < 3; way++) {
        fixture_set_for(db, "a", "1", 10);
        kv_watch *watch = watch_key("a");
        fixture_pass(&fx, 9);
        ck_assert_int_eq(begin_watched(watch), KV_OK);
        fixture_pass(&fx, 1);
        if (way == 1) ck_assert_int_eq(kv_tick(db, 0), KV_OK);
        if (way == 2) ck_assert_key(db, "a", "-");
        ck_assert(kv_watch_is_dirty(watch));
        ck_assert_int_eq(begin_watched(watch), KV_CONFLICT);
        kv_watch_close(watch);
    }
    /* One that had expired already when it was added was absent, and stays so. */
    fixture_set_for(db, "a", "1", 10);
    fixture_pass(&fx, 10);
    kv_watch *watch = watch_key("a");
    ck_assert_int_eq(kv_tick(db, 0), KV_OK);
    ck_assert_int_eq(begin_watched(watch), KV_OK);
    kv_watch_close(watch);
}
END_TEST

START_TEST(a_transaction_s_own_changes_are_seen_by_other_watches_only_when_it_commits_or_not_at_all)
{
    fixture_set(db, "a", "1");
    kv_watch *watch = watch_key("a");
    kv *txn = begin(0, "a");
    fixture_set(txn, "a", "2");
    ck_assert_int_eq(kv_commit(txn), KV_OK);
    ck_assert(kv_watch_is_dirty(watch));
    kv_watch_close(watch);
}
END_TEST

/* Counting up by optimistic transactions: every conflict is tried again, and none is missed. */
#define COUNTERS 4

static void *count_up(void *context)
{
    int *rounds = context;
    kv_slice key = KV_TEXT("counter");
    kv_watch *watch;
    kv_buffer value = {0};
    MUST(kv_watch_open(db, &watch) == KV_OK);
    for (int i = 0; i < *rounds;) {
        char text[32] = {0};
        MUST(kv_watch_add(watch, db, key) == KV_OK);
        kv_status status = kv_get(db, key, &value);
        MUST(status == KV_OK || status == KV_NONE);
        if (status == KV_OK) memcpy(text, value.data, value.size);
        int size = snprintf(text, sizeof text, "%d", atoi(text) + 1);
        if (i % 3 == 0) sched_yield();
        kv_txn_options options = KV_OPTIONS(kv_txn_options);
        options.keys = &key;
        options.key_count = 1;
        options.watch = watch;
        kv *txn;
        status = kv_begin(db, &options, &txn);
        if (status == KV_OK) {
            MUST(kv_set(txn, key, kv_bytes(text, (size_t)size), NULL) == KV_OK);
            MUST(kv_commit(txn) == KV_OK);
            i++;
        } else {
            MUST(status == KV_CONFLICT);
        }
        kv_watch_reset(watch);
    }
    kv_buffer_free(&value);
    kv_watch_close(watch);
    return NULL;
}

START_TEST(a_watch_of_many_keys_and_a_key_of_many_watches_cost_no_more_each)
{
    enum { MANY = 40000 };
    static kv_watch *watches[MANY];
    kv_watch *watch = watch_key("a");
    clock_t began = clock();
    for (int i = 0; i < MANY; i++) {
        char name[16];
        kv_slice key = {name, (size_t)snprintf(name, sizeof name, "k%d", i)};
        MUST(kv_watch_add(watch, db, key) == KV_OK);
        MUST(!kv_watch_is_dirty(watch));
        watches[i] = watch_key("b");
    }
    MUST(kv_watch_add(watch, db, KV_TEXT("k7")) == KV_OK); /* known, if not found at once */
    MUST(kv_watch_add(watch, db, KV_TEXT("b")) == KV_OK);
    MUST(kv_watch_add(watches[7], db, KV_TEXT("b")) == KV_OK);
    kv_statistics statistics = KV_OPTIONS(kv_statistics);
    ck_assert_int_eq(kv_stats(db, &statistics), KV_OK);
    ck_assert_uint_eq(statistics.watched, 1 + 2 * MANY + 1);
    fixture_set(db, "k7", "changed");
    ck_assert(kv_watch_is_dirty(watch));
    ck_assert(!kv_watch_is_dirty(watches[7]));
    kv_watch_close(watch);
    for (int i = 0; i < MANY; i++) kv_watch_close(watches[i]);
    /* It takes a tenth of a second; to walk the keys at each call took several whole ones. */
    ck_assert_int_lt(clock() - began, 2 * CLOCKS_PER_SEC);
}
END_TEST

START_TEST(a_watch_notices_the_first_of_its_keys_that_expires)
{
    fixture_set_for(db, "soon", "1", 10);
    fixture_set_for(db, "late", "1", 100);
    kv_watch *watch = watch_key("late");
    ck_assert_int_eq(kv_watch_add(watch, db, KV_TEXT("soon")), KV_OK);
    ck_assert_int_eq(kv_watch_add(watch, db, KV_TEXT("late")), KV_OK);
    fixture_pass(&fx, 9);
    ck_assert(!kv_watch_is_dirty(watch));
    fixture_pass(&fx, 1);
    ck_assert(kv_watch_is_dirty(watch));
    kv_watch_reset(watch);
    ck_assert_int_eq(kv_watch_add(watch, db, KV_TEXT("late")), KV_OK);
    ck_assert(!kv_watch_is_dirty(watch));
    kv_watch_close(watch);
}
END_TEST

START_TEST(no_update_is_lost_between_watch_and_begin)
{
    pthread_t threads[COUNTERS];
    int rounds = fixture_rounds(500, 50000);
    int64_t sum;
    for (int i = 0; i < COUNTERS; i++) pthread_create(&threads[i], NULL, count_up, &rounds);
    for (int i = 0; i < COUNTERS; i++) pthread_join(threads[i], NULL);
    ck_assert_int_eq(kv_incrby(db, KV_TEXT("counter"), 0, &sum), KV_OK);
    ck_assert_int_eq(sum, rounds * COUNTERS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("transaction");
    TCase *tcase = tcase_create("transaction");
    tcase_add_checked_fixture(tcase, setup, store_teardown);
    tcase_set_timeout(tcase, getenv("KVSTORE_TEST_FULL") != NULL ? 3600 : 300);
    tcase_add_test(tcase, calls_in_a_transaction_see_each_other_and_stay);
    tcase_add_test(tcase, a_selected_view_is_part_of_the_transaction);
    tcase_add_test(tcase, what_was_not_declared_is_refused);
    tcase_add_test(tcase, misuse_is_refused);
    tcase_add_test(tcase, a_transaction_that_has_begun_is_not_refused_in_the_middle);
    tcase_add_test(tcase, time_stands_still_in_a_transaction);
    tcase_add_test(tcase, an_abort_gives_back_values_types_and_deadlines);
    tcase_add_test(tcase, a_flush_is_undone_too);
    tcase_add_test(tcase, what_expires_within_is_gone_after_an_abort_too);
    tcase_add_test(tcase, an_abort_leaves_no_version_that_was_given_out_within);
    tcase_add_test(tcase, a_swap_of_databases_cannot_be_undone_and_is_refused);
    tcase_add_loop_test(tcase, an_abort_undoes_everything_and_a_commit_nothing, 0, 2);
    tcase_add_test(tcase, every_change_of_a_watched_key_is_a_conflict);
    tcase_add_test(tcase, what_changes_nothing_is_no_conflict);
    tcase_add_test(tcase, expiry_is_a_conflict_reclaimed_or_not);
    tcase_add_test(
        tcase,
        a_transaction_s_own_changes_are_seen_by_other_watches_only_when_it_commits_or_not_at_all);
    tcase_add_test(tcase, a_watch_of_many_keys_and_a_key_of_many_watches_cost_no_more_each);
    tcase_add_test(tcase, a_watch_notices_the_first_of_its_keys_that_expires);
    tcase_add_test(tcase, no_update_is_lost_between_watch_and_begin);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
