/*
 * tests/api/test_journal.c -- the journal: its words, its groups, and that replaying it gives the
 * same store.
 */
#include "caller.h"
#include "notes.h"
#include "one_store.h"

#include <string.h>

static void setup(void)
{
    store_setup_with(8);
}

/* ------------------------------------------------------------------------------ the words of it */

static struct notes notes;

START_TEST(each_change_is_told_in_words_that_say_nothing_relative)
{
    notes_begin(&notes, db);
    kv_slice a = KV_TEXT("a"), b = KV_TEXT("b");
    fixture_set(db, "a", "x");
    notes_expect(&notes, "0 SET a x;\n");
    fixture_set_for(db, "a", "y", 5000);
    notes_expect(&notes, "0 SET a y PXAT 1700000005000;\n");
    ck_assert_int_eq(kv_expire(db, a, 1000, 0), KV_OK);
    notes_expect(&notes, "0 PEXPIREAT a 1700000001000;\n");
    ck_assert_int_eq(kv_persist(db, a), KV_OK);
    notes_expect(&notes, "0 PERSIST a;\n");
    ck_assert_int_eq(kv_incrbyfloat(db, b, KV_TEXT("1.5"), NULL), KV_OK);
    ck_assert_int_eq(strncmp(notes.text, "0 SET b 1.5", 11), 0);
    notes_expect(&notes, notes.text);
    ck_assert_int_eq(kv_rename(db, a, b), KV_OK);
    notes_expect(&notes, "0 RENAME a b;\n");
    ck_assert_int_eq(kv_move(db, b, kv_select(db, 2)), KV_OK);
    notes_expect(&notes, "0 MOVE b 2;\n");
    ck_assert_int_eq(kv_expire(kv_select(db, 2), b, 0, 0), KV_OK);
    notes_expect(&notes, "2 DEL b;\n");
    fixture_push_all(db, "a", "1 2");
    notes_expect(&notes, "0 RPUSH a 1;\n0 RPUSH a 2;\n");
    ck_assert_int_eq(kv_pop(db, a, KV_TAIL, 5, NULL, NULL, NULL), KV_OK);
    notes_expect(&notes, "0 RPOP a 2;\n");
    notes_end(&notes);
    fixture_set(db, "a", "untold");
    notes_expect(&notes, "");
}
END_TEST

START_TEST(what_changes_nothing_is_not_told)
{
    kv_slice a = KV_TEXT("a"), x = KV_TEXT("x");
    kv_set_options present = KV_OPTIONS(kv_set_options);
    present.flags = KV_IF_PRESENT;
    fixture_push(db, "list", "e");
    notes_begin(&notes, db);
    ck_assert_int_eq(kv_set(db, a, x, &present), KV_SKIPPED);
    ck_assert_int_eq(kv_del(db, &a, 1, NULL), KV_OK);
    ck_assert_int_eq(kv_persist(db, a), KV_NONE);
    ck_assert_int_eq(kv_lrem(db, KV_TEXT("list"), 0, x, NULL), KV_OK);
    ck_assert_int_eq(kv_ltrim(db, KV_TEXT("list"), 0, -1), KV_OK);
    ck_assert_int_eq(kv_lpushx(db, a, &x, 1, NULL), KV_NONE);
    ck_assert_int_eq(kv_pop(db, KV_TEXT("list"), KV_HEAD, 0, NULL, NULL, NULL), KV_OK);
    ck_assert_int_eq(kv_append(db, KV_TEXT("list"), x, NULL), KV_WRONGTYPE);
    ck_assert_int_eq(kv_rename(db, a, x), KV_NOTFOUND);
    ck_assert_int_eq(kv_swapdb(db, db), KV_OK);
    notes_expect(&notes, "");
    notes_end(&notes);
}
END_TEST

START_TEST(expiry_is_told_with_its_cause_by_whoever_finds_it)
{
    for (int way = 0; way < 3; way++) {
        fixture_set_for(db, "a", "x", 10);
        notes_begin(&notes, db);
        fixture_pass(&fx, 10);
        if (way == 0) ck_assert_int_eq(kv_tick(db, 0), KV_OK);
        if (way == 1) ck_assert_int_eq(kv_get(db, KV_TEXT("a"), NULL), KV_NONE);
        if (way == 2) ck_assert_int_eq(kv_lpop(db, KV_TEXT("a"), NULL), KV_NONE);
        notes_expect(&notes, "expired 0 DEL a;\n");
        notes_end(&notes);
    }
}
END_TEST

START_TEST(a_transaction_is_one_group_and_an_aborted_one_is_none)
{
    kv_txn_options options = KV_OPTIONS(kv_txn_options);
    options.flags = KV_TXN_ALL;
    kv *txn;
    notes_begin(&notes, db);
    ck_assert_int_eq(kv_begin(db, &options, &txn), KV_OK);
    fixture_set(txn, "a", "1");
    fixture_push(kv_select(txn, 1), "b", "2");
    ck_assert_int_eq(kv_flush(kv_select(txn, 1), false), KV_OK);
    notes_expect(&notes, "");
    ck_assert_int_eq(kv_commit(txn), KV_OK);
    notes_expect(&notes, "0 SET a 1;1 RPUSH b 2;1 FLUSHDB;\n");

    ck_assert_int_eq(kv_begin(db, &options, &txn), KV_OK);
    ck_assert_int_eq(kv_get(txn, KV_TEXT("a"), NULL), KV_OK);
    ck_assert_int_eq(kv_commit(txn), KV_OK);
    options.flags |= KV_TXN_ABORTABLE;
    ck_assert_int_eq(kv_begin(db, &options, &txn), KV_OK);
    fixture_set(txn, "a", "3");
    ck_assert_int_eq(kv_abort(txn), KV_OK);
    notes_expect(&notes, "");
    notes_end(&notes);
}
END_TEST

START_TEST(calls_on_several_keys_are_one_group)
{
    kv_slice keys[2] = {KV_TEXT("a"), KV_TEXT("b")}, values[2] = {KV_TEXT("1"), KV_TEXT("2")};
    notes_begin(&notes, db);
    ck_assert_int_eq(kv_mset(db, keys, values, 2), KV_OK);
    notes_expect(&notes, "0 SET a 1;0 SET b 2;\n");
    ck_assert_int_eq(kv_del(db, keys, 2, NULL), KV_OK);
    notes_expect(&notes, "0 DEL a;0 DEL b;\n");
    notes_end(&notes);
}
END_TEST

static void ignore_result(void *context, kv_waiter *waiter, const kv_wait_result *result)
{
    (void)context;
    (void)waiter;
    (void)result;
}

START_TEST(a_wait_that_is_served_is_told_after_what_served_it)
{
    kv_slice a = KV_TEXT("a"), b = KV_TEXT("b");
    kv_wait_options options = KV_OPTIONS(kv_wait_options);
    kv_waiter *waiter;
    options.keys = &a;
    options.key_count = 1;
    options.destination = &b;
    options.to_end = KV_TAIL;
    options.done = ignore_result;
    ck_assert_int_eq(kv_wait(db, &options, &waiter), KV_PENDING);
    notes_begin(&notes, db);
    fixture_push(db, "a", "x");
    notes_expect(&notes, "0 RPUSH a x;\n0 LMOVE a b LEFT RIGHT;\n");
    ck_assert_int_eq(kv_wait_cancel(waiter), KV_NONE);
    notes_end(&notes);
}
END_TEST

START_TEST(all_followers_are_told_until_they_leave)
{
    static struct notes other;
    kv_follower *none;
    notes_begin(&notes, db);
    notes_begin(&other, db);
    fixture_set(db, "a", "1");
    notes_end(&notes);
    fixture_set(db, "a", "2");
    notes_end(&other);
    notes_expect(&notes, "0 SET a 1;\n");
    notes_expect(&other, "0 SET a 1;\n0 SET a 2;\n");
    kv_unfollow(NULL);
    ck_assert_int_eq(kv_follow(db, NULL, NULL, &none), KV_BADARG);
}
END_TEST

/* ------------------------------------------------------------------------------------- messages */

static void publish(kv *view, const char *payload)
{
    ck_assert_int_eq(kv_publish(view, KV_TEXT("news"), KV_TEXT(payload), NULL), KV_OK);
}

START_TEST(messages_are_told_to_those_who_follow_them)
{
    static struct notes changes;
    kv_follower *none;
    notes_begin(&changes, db);
    notes_begin_with_messages(&notes, db);
    publish(kv_select(db, 2), "rain");
    ck_assert_int_eq(kv_spublish(db, KV_TEXT("sea"), KV_TEXT(""), NULL), KV_OK);
    fixture_set(db, "a", "1");
    notes_expect(&notes, "message 2 PUBLISH news rain;\nmessage 0 SPUBLISH sea ;\n0 SET a 1;\n");
    notes_expect(&changes, "0 SET a 1;\n");
    ck_assert_int_eq(kv_configure(db, KV_SETTING_EVENTS, KV_EVENT_BY_NAME | KV_EVENT_STRING),
                     KV_OK); /* an event is no message */
    fixture_set(db, "a", "2");
    notes_expect(&notes, "0 SET a 2;\n");
    notes_end(&notes);
    publish(db, "sun");
    notes_expect(&notes, "");
    notes_expect(&changes, "0 SET a 2;\n");
    notes_end(&changes);
    ck_assert_int_eq(kv_follow_messages(db, NULL, NULL, &none), KV_BADARG);
}
END_TEST

START_TEST(messages_have_their_place_in_a_transaction)
{
    static struct notes changes;
    kv_txn_options options = KV_OPTIONS(kv_txn_options);
    kv_slice key = KV_TEXT("a");
    kv *txn;
    notes_begin(&changes, db);
    notes_begin_with_messages(&notes, db);
    options.keys = &key;
    options.key_count = 1;
    ck_assert_int_eq(kv_begin(db, &options, &txn), KV_OK);
    publish(txn, "1");
    fixture_set(txn, "a", "2");
    publish(kv_select(txn, 3), "3");
    notes_expect(&notes, "");
    ck_assert_int_eq(kv_commit(txn), KV_OK);
    notes_expect(&notes, "message 0 PUBLISH news 1;0 SET a 2;message 3 PUBLISH news 3;\n");
    notes_expect(&changes, "0 SET a 2;\n");

    options.key_count = 0; /* nothing but messages, and no key is held */
    ck_assert_int_eq(kv_begin(db, &options, &txn), KV_OK);
    publish(txn, "1");
    publish(txn, "2");
    ck_assert_int_eq(kv_commit(txn), KV_OK);
    notes_expect(&notes, "message 0 PUBLISH news 1;message 0 PUBLISH news 2;\n");

    options.flags = KV_TXN_ALL | KV_TXN_ABORTABLE; /* what was delivered was delivered */
    ck_assert_int_eq(kv_begin(db, &options, &txn), KV_OK);
    fixture_set(txn, "a", "3");
    publish(txn, "1");
    ck_assert_int_eq(kv_abort(txn), KV_OK);
    notes_expect(&notes, "message 0 PUBLISH news 1;\n");
    notes_expect(&changes, "");
    notes_end(&notes);
    notes_end(&changes);
}
END_TEST

static void count_message(void *context, const kv_message *message)
{
    (void)message;
    (*(int *)context)++;
}

START_TEST(a_message_without_memory_is_given_to_nobody)
{
    int received = 0;
    kv_subscriber *subscriber;
    kv *txn;
    notes_begin_with_messages(&notes, db);
    ck_assert_int_eq(kv_subscriber_open(db, count_message, &received, &subscriber), KV_OK);
    ck_assert_int_eq(kv_subscribe(subscriber, KV_CHANNEL, KV_TEXT("news")), KV_OK);
    ck_assert_int_eq(kv_begin(db, NULL, &txn), KV_OK);
    kv_status status = KV_NOMEM;
    for (int allowed = 0; status != KV_OK; allowed++) {
        ck_assert_int_eq(received, 0);
        fixture_alloc_allow(&fx.alloc, allowed);
        status = kv_publish(txn, KV_TEXT("news"), KV_TEXT("rain"), NULL);
        fixture_alloc_allow(&fx.alloc, FIXTURE_UNLIMITED);
    }
    ck_assert_int_eq(received, 1);
    fixture_alloc_allow(&fx.alloc, 0);
    publish(db, "sun"); /* outside it needs none */
    fixture_alloc_allow(&fx.alloc, FIXTURE_UNLIMITED);
    ck_assert_int_eq(received, 2);
    kv_subscriber_close(subscriber);
    ck_assert_int_eq(kv_commit(txn), KV_OK);
    notes_end(&notes);
}
END_TEST

/* --------------------------------------------------------------------------------------- replay */

/*
 * A second store that does what the journal of the first says. Nothing expires in it but by what it
 * is told.
 */
static struct fixture copy;
static uint64_t replayed;

static void replay(void *context, const kv_change *changes, size_t count)
{
    (void)context;
    for (size_t i = 0; i < count; i++) {
        caller_replay(copy.db, &changes[i]);
        replayed++;
    }
}

/* A transaction of some calls on some keys or all; the end of it is up to chance. */
static void call_in_transaction(struct caller *caller)
{
    kv_txn_options options = KV_OPTIONS(kv_txn_options);
    char names[4][16];
    kv_slice keys[4];
    kv *txn;
    options.flags = (unsigned)fixture_below(&caller->seed, 4);
    options.keys = keys;
    options.key_count = 4;
    for (int i = 0; i < 4; i++) {
        int size = snprintf(names[i], sizeof names[i], "key:%u",
                            (unsigned)fixture_below(&caller->seed, caller->keys));
        keys[i] = kv_bytes(names[i], (size_t)size);
    }
    ck_assert_int_eq(kv_begin(db, &options, &txn), KV_OK);
    uint64_t calls = fixture_below(&caller->seed, 12);
    for (uint64_t i = 0; i < calls; i++) (void)caller_call(caller, txn);
    bool is_abortable = (options.flags & KV_TXN_ABORTABLE) != 0;
    if (is_abortable && fixture_below(&caller->seed, 2) == 0)
        ck_assert_int_eq(kv_abort(txn), KV_OK);
    else ck_assert_int_eq(kv_commit(txn), KV_OK);
}

/* A waiter that stays, so that later calls serve it. */
static kv_waiter *wait_for_some_key(struct caller *caller)
{
    char names[2][16];
    kv_slice keys[2];
    kv_wait_options options = KV_OPTIONS(kv_wait_options);
    for (int i = 0; i < 2; i++) {
        int size = snprintf(names[i], sizeof names[i], "key:%u",
                            (unsigned)fixture_below(&caller->seed, caller->keys));
        keys[i] = kv_bytes(names[i], (size_t)size);
    }
    options.keys = keys;
    options.key_count = 1;
    options.destination = fixture_below(&caller->seed, 2) == 0 ? &keys[1] : NULL;
    options.done = ignore_result;
    kv_waiter *waiter = NULL;
    kv_status status = kv_wait(db, &options, &waiter);
    return status == KV_PENDING ? waiter : NULL;
}

START_TEST(replaying_the_journal_gives_the_same_store)
{
    struct caller caller = CALLER(unit_seed(), 30);
    kv_follower *follower;
    kv_waiter *waiters[4] = {NULL};
    int64_t pack_size = _i == 0 ? -2 : 4; /* a second time with lists that are soon large, and soon
                                             small again */
    fixture_open(&copy, 2);
    ck_assert_int_eq(kv_configure(copy.db, KV_SETTING_EXPIRE, 0), KV_OK);
    ck_assert_int_eq(kv_configure(db, KV_SETTING_LIST_PACK_SIZE, pack_size), KV_OK);
    ck_assert_int_eq(kv_follow(db, replay, NULL, &follower), KV_OK);
    for (int i = 0; i < fixture_rounds(15000, 1000000); i++) {
        uint64_t pick = fixture_below(&caller.seed, 100);
        if (pick < 8) {
            call_in_transaction(&caller);
        } else if (pick < 12) {
            uint64_t which = fixture_below(&caller.seed, 4);
            if (waiters[which] != NULL) (void)kv_wait_cancel(waiters[which]);
            waiters[which] = wait_for_some_key(&caller);
        } else if (pick < 20) {
            int64_t passed_ms = (int64_t)fixture_below(&caller.seed, 40);
            fixture_pass(&fx, passed_ms);
            fixture_pass(&copy, passed_ms); /* a claim does not believe in a later time */
            if (pick < 14) ck_assert_int_eq(kv_tick(db, 0), KV_OK);
        } else {
            (void)caller_call(&caller, db);
        }
        if (i % 100 == 99) {
            ck_assert_int_eq(kv_tick(db, 0), KV_OK); /* all that is due is told now */
            if (fixture_digest(db) != fixture_digest(copy.db)) {
                fixture_print(db);
                fprintf(stderr, "---- the copy:\n");
                fixture_print(copy.db);
                ck_abort_msg("round %d: the copy differs", i);
            }
        }
    }
    for (int i = 0; i < 4; i++) {
        if (waiters[i] != NULL) (void)kv_wait_cancel(waiters[i]);
    }
    kv_unfollow(follower);
    ck_assert_uint_gt(replayed, 1000);
    fixture_close(&copy);
    caller_free(&caller);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("journal");
    TCase *tcase = tcase_create("journal");
    tcase_add_checked_fixture(tcase, setup, store_teardown);
    tcase_set_timeout(tcase, getenv("KVSTORE_TEST_FULL") != NULL ? 3600 : 300);
    tcase_add_test(tcase, each_change_is_told_in_words_that_say_nothing_relative);
    tcase_add_test(tcase, what_changes_nothing_is_not_told);
    tcase_add_test(tcase, expiry_is_told_with_its_cause_by_whoever_finds_it);
    tcase_add_test(tcase, a_transaction_is_one_group_and_an_aborted_one_is_none);
    tcase_add_test(tcase, calls_on_several_keys_are_one_group);
    tcase_add_test(tcase, a_wait_that_is_served_is_told_after_what_served_it);
    tcase_add_test(tcase, all_followers_are_told_until_they_leave);
    tcase_add_test(tcase, messages_are_told_to_those_who_follow_them);
    tcase_add_test(tcase, messages_have_their_place_in_a_transaction);
    tcase_add_test(tcase, a_message_without_memory_is_given_to_nobody);
    tcase_add_loop_test(tcase, replaying_the_journal_gives_the_same_store, 0, 2);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
