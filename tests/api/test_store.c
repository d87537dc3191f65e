/*
 * tests/api/test_store.c -- a store as a whole: options, limits, ticks, statistics, views,
 * attachments, the background thread.
 */
#include "one_store.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <time.h>

static void setup(void)
{
    store_setup_with(0);
}

static kv_statistics statistics(void)
{
    kv_statistics result = KV_OPTIONS(kv_statistics);
    ck_assert_int_eq(kv_stats(db, &result), KV_OK);
    return result;
}

/* -------------------------------------------------------------------------------------- options */

START_TEST(an_empty_store_stays_under_64_kib)
{
    kv_statistics empty = statistics();
    ck_assert_uint_lt(empty.bytes, 65536);
    ck_assert_uint_eq(empty.bytes, (uint64_t)atomic_load(&fx.alloc.live_bytes));
    ck_assert_uint_eq(empty.keys, 0);
    ck_assert_uint_eq(empty.databases, 16);
    ck_assert_uint_eq(kv_databases(db), 16);
}
END_TEST

START_TEST(options_have_their_limits)
{
    static const struct {
        uint32_t shards, databases;
        kv_status status;
    } cases[] = {{1, 1, KV_OK},         {1024, 0, KV_OK},  {3, 1, KV_BADARG}, {2048, 1, KV_BADARG},
                 {0, 65537, KV_BADARG}, {1, 65536, KV_OK}, {0, 0, KV_OK}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kv_options options = KV_OPTIONS(kv_options);
        kv *opened = NULL;
        options.shards = cases[i].shards;
        options.databases = cases[i].databases;
        ck_assert_int_eq(kv_open(&options, &opened), cases[i].status);
        ck_assert((opened != NULL) == (cases[i].status == KV_OK));
        if (opened == NULL) continue;
        uint32_t last = kv_databases(opened) - 1;
        fixture_set(kv_select(opened, last), "a", "1");
        ck_assert_key(kv_select(opened, last), "a", "'1'");
        ck_assert_uint_eq(kv_database(kv_select(opened, last)), last);
        ck_assert_ptr_null(kv_select(opened, last + 1));
        kv_close(opened);
    }
    kv_options options = KV_OPTIONS(kv_options);
    kv_clock clock = {NULL, NULL, NULL};
    kv_allocator allocator = {NULL, NULL, NULL, NULL};
    kv *opened;
    options.size = sizeof options + 1;
    ck_assert_int_eq(kv_open(&options, &opened), KV_BADARG);
    options.size = 0;
    ck_assert_int_eq(kv_open(&options, &opened), KV_BADARG);
    options.size = sizeof options;
    options.clock = &clock;
    ck_assert_int_eq(kv_open(&options, &opened), KV_BADARG);
    options.clock = NULL;
    options.allocator = &allocator;
    ck_assert_int_eq(kv_open(&options, &opened), KV_BADARG);
    ck_assert_int_eq(kv_open(NULL, NULL), KV_BADARG);
    kv_close(NULL);
}
END_TEST

START_TEST(a_shorter_options_struct_of_an_older_program_is_read_as_far_as_it_goes)
{
    kv_options options = KV_OPTIONS(kv_options);
    kv *opened;
    options.shards = 2;
    options.databases = 4;
    options.background = true;
    options.size = offsetof(kv_options, databases);
    ck_assert_int_eq(kv_open(&options, &opened), KV_OK);
    kv_statistics result = {.size = sizeof result};
    ck_assert_int_eq(kv_stats(opened, &result), KV_OK);
    ck_assert_uint_eq(result.shards, 2);
    ck_assert_uint_eq(result.databases, 16);
    kv_close(opened);
}
END_TEST

START_TEST(stores_do_not_know_each_other)
{
    struct fixture other;
    fixture_open(&other, 1);
    fixture_set(db, "a", "1");
    fixture_set(other.db, "a", "2");
    ck_assert_key(db, "a", "'1'");
    ck_assert_int_eq(kv_copy(db, K("a"), other.db, K("b"), true), KV_BADARG);
    ck_assert_int_eq(kv_move(db, K("a"), kv_select(other.db, 1)), KV_BADARG);
    ck_assert_int_eq(kv_swapdb(db, other.db), KV_BADARG);
    fixture_close(&other);
}
END_TEST

START_TEST(settings_are_changed_within_their_ranges)
{
    int64_t value;
    ck_assert_int_eq(kv_configuration(db, KV_SETTING_MAX_VALUE_SIZE, &value), KV_OK);
    ck_assert_int_eq(value, 512 << 20);
    ck_assert_int_eq(kv_configure(db, KV_SETTING_MAX_VALUE_SIZE, 2000), KV_OK);
    static char large[2001];
    ck_assert_int_eq(kv_set(db, K("a"), kv_bytes(large, 2000), NULL), KV_OK);
    ck_assert_int_eq(kv_set(db, K("a"), kv_bytes(large, 2001), NULL), KV_TOOBIG);
    ck_assert_int_eq(kv_append(db, K("a"), K("x"), NULL), KV_TOOBIG);
    ck_assert_int_eq(kv_setrange(db, K("b"), 2000, K("x"), NULL), KV_TOOBIG);
    ck_assert_int_eq(kv_configure(db, KV_SETTING_ACCEPT_WRITES, 0), KV_OK);
    ck_assert_int_eq(kv_set(db, K("a"), K("x"), NULL), KV_READONLY);
    ck_assert_int_eq(kv_strlen(db, K("a"), NULL), KV_OK);
    ck_assert_int_eq(kv_configure(db, KV_SETTING_ACCEPT_WRITES, 2), KV_BADARG);
    ck_assert_int_eq(kv_configure(db, KV_SETTING_COUNT, 1), KV_BADARG);
    ck_assert_int_eq(kv_configuration(db, KV_SETTING_COUNT, &value), KV_BADARG);
    ck_assert_int_eq(kv_configuration(db, KV_SETTING_EXPIRE, NULL), KV_BADARG);
}
END_TEST

START_TEST(every_status_and_type_has_a_name)
{
    for (int i = KV_NOGROUP; i <= KV_MORE; i++) {
        ck_assert_ptr_nonnull(kv_strerror((kv_status)i));
        ck_assert_str_ne(kv_strerror((kv_status)i), kv_strerror((kv_status)1000));
    }
    ck_assert_str_eq(kv_type_name(KV_TYPE_SORTED_SET), "zset");
    ck_assert_str_eq(kv_version(), KV_VERSION_TEXT);
}
END_TEST

/* ---------------------------------------------------------------------------------------- ticks */

START_TEST(ticks_reclaim_what_is_due_and_nothing_else)
{
    char name[24];
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "k%d", i);
        fixture_set_for(db, name, "v", 1 + i);
    }
    ck_assert_int_ge(kv_next_deadline(db), FIXTURE_START_MS);
    ck_assert_int_le(kv_next_deadline(db), FIXTURE_START_MS + 1);
    ck_assert_int_eq(kv_tick(db, 0), KV_OK);
    ck_assert_uint_eq(statistics().keys, 1000);
    fixture_pass(&fx, 400);
    ck_assert_int_eq(kv_tick(db, 0), KV_OK);
    ck_assert_uint_eq(statistics().keys, 600);
    ck_assert_uint_eq(statistics().expired, 400);
    ck_assert_int_gt(kv_next_deadline(db), FIXTURE_START_MS + 400);
    fixture_pass(&fx, 600);
    ck_assert_int_eq(kv_tick(db, 0), KV_OK);
    ck_assert_uint_eq(statistics().keys, 0);
    ck_assert_int_eq(kv_next_deadline(db), KV_NEVER);
    ck_assert_int_eq(kv_tick(db, -1), KV_BADARG);
}
END_TEST

/*
 * The next deadline is where a host sleeps until: from one to the next everything must be reclaimed
 * in time.
 */
START_TEST(a_host_that_sleeps_until_the_next_deadline_misses_nothing)
{
    uint64_t seed = unit_seed();
    char name[24];
    int64_t last_ms = 0;
    for (int i = 0; i < 500; i++) {
        int64_t ttl_ms = 1 + (int64_t)fixture_below(&seed, UINT64_C(1) << fixture_below(&seed, 38));
        snprintf(name, sizeof name, "k%d", i);
        fixture_set_for(db, name, "v", ttl_ms);
        if (ttl_ms > last_ms) last_ms = ttl_ms;
    }
    int turns = 0;
    while (kv_next_deadline(db) != KV_NEVER) {
        int64_t next_ms = kv_next_deadline(db);
        if (next_ms > kv_now(db)) fixture_pass(&fx, next_ms - kv_now(db));
        ck_assert_int_eq(kv_tick(db, 0), KV_OK);
        ck_assert_int_lt(++turns, 20000);
    }
    ck_assert_uint_eq(statistics().keys, 0);
    ck_assert_int_ge(kv_now(db), FIXTURE_START_MS + last_ms);
    ck_assert_int_le(kv_now(db), FIXTURE_START_MS + last_ms + 1);
}
END_TEST

/* A clock that goes on by a microsecond whenever it is read. */
static int64_t counting_us(void *context)
{
    return atomic_fetch_add((_Atomic int64_t *)context, 1);
}

static int64_t counting_ms(void *context)
{
    (void)context;
    return FIXTURE_START_MS;
}

START_TEST(a_tick_keeps_to_its_budget_and_says_what_is_left)
{
    _Atomic int64_t now_us = 0;
    kv_clock clock = {counting_ms, counting_us, &now_us};
    kv_options options = KV_OPTIONS(kv_options);
    kv *opened;
    options.shards = 1;
    options.clock = &clock;
    ck_assert_int_eq(kv_open(&options, &opened), KV_OK);
    char name[24];
    for (int i = 0; i < 20000; i++) {
        snprintf(name, sizeof name, "k%d", i);
        fixture_set(opened, name, "v");
    }
    ck_assert_int_eq(kv_flush(opened, true), KV_OK);
    int ticks = 0;
    while (kv_tick(opened, 5) == KV_MORE) MUST(++ticks < 10000);
    ck_assert_int_gt(ticks, 3);
    ck_assert_int_eq(kv_tick(opened, 5), KV_OK);
    kv_close(opened);
}
END_TEST

START_TEST(writes_pay_the_debt_when_nobody_ticks)
{
    char name[24];
    for (int i = 0; i < 2000; i++) {
        snprintf(name, sizeof name, "k%d", i);
        fixture_set_for(db, name, "v", 10);
    }
    fixture_pass(&fx, 20);
    for (int i = 0; i < 4000; i++) {
        snprintf(name, sizeof name, "other%d", i);
        fixture_set(db, name, "v");
    }
    ck_assert_uint_eq(statistics().keys, 4000);
    ck_assert_uint_eq(statistics().expired, 2000);
}
END_TEST

START_TEST(expiry_can_be_left_to_access_or_switched_off)
{
    ck_assert_int_eq(kv_configure(db, KV_SETTING_ACTIVE_EXPIRE, 0), KV_OK);
    fixture_set_for(db, "a", "1", 10);
    fixture_set_for(db, "b", "1", 10);
    fixture_pass(&fx, 10);
    ck_assert_int_eq(kv_tick(db, 0), KV_OK);
    ck_assert_uint_eq(statistics().keys, 2);
    ck_assert_key(db, "a", "-");
    ck_assert_uint_eq(statistics().keys, 1);
    ck_assert_int_eq(kv_next_deadline(db), KV_NEVER);
    ck_assert_int_eq(kv_configure(db, KV_SETTING_EXPIRE, 0), KV_OK);
    ck_assert_key(db, "b", "'1'");
    fixture_set_for(db, "c", "1", 1);
    ck_assert_int_eq(kv_expire_at(db, K("c"), 5, 0), KV_OK); /* long past, and kept */
    ck_assert_key(db, "c", "'1'");
    ck_assert_int_eq(kv_configure(db, KV_SETTING_EXPIRE, 1), KV_OK);
    ck_assert_key(db, "c", "-");
    ck_assert_key(db, "b", "-");
}
END_TEST

START_TEST(what_is_past_is_hidden_and_stays_until_whoever_decides_says_so)
{
    kv *applier;
    ck_assert_int_eq(kv_view_open(db, &applier), KV_OK);
    kv_view_expires(applier, false);
    ck_assert_int_eq(kv_configure(db, KV_SETTING_EXPIRE, 2), KV_OK);
    ck_assert_int_eq(kv_configure(db, KV_SETTING_EXPIRE, 3), KV_BADARG);
    fixture_set_for(applier, "a", "1", 10);
    fixture_set_for(applier, "b", "1", 10);
    fixture_pass(&fx, 10);
    kv_view_refresh(applier);

    ck_assert_int_eq(kv_tick(db, 0), KV_OK);
    ck_assert_int_eq(kv_next_deadline(db), KV_NEVER);
    ck_assert_key(db, "a", "-");
    uint64_t found = 9;
    ck_assert_int_eq(kv_exists(db, (kv_slice[]){K("a"), K("b")}, 2, &found), KV_OK);
    ck_assert_uint_eq(found, 0);
    ck_assert_int_eq(kv_randomkey(db, NULL), KV_NONE);
    ck_assert_int_eq(kv_copy(db, K("a"), NULL, K("copy"), false), KV_NONE);
    ck_assert_uint_eq(statistics().keys, 2);
    fixture_set(db, "other", "1"); /* pays no debt */
    ck_assert_uint_eq(statistics().keys, 3);

    ck_assert_key(applier, "a", "'1'");
    ck_assert_int_eq(kv_incr(applier, K("a"), NULL), KV_OK);
    ck_assert_key(applier, "a", "'2'");
    kv *txn;
    kv_txn_options all = KV_OPTIONS(kv_txn_options);
    all.flags = KV_TXN_ALL;
    ck_assert_int_eq(kv_begin(applier, &all, &txn), KV_OK);
    ck_assert_key(txn, "a", "'2'");
    ck_assert_int_eq(kv_commit(txn), KV_OK);
    ck_assert_int_eq(kv_expire_at(applier, K("other"), 5, 0), KV_OK);
    ck_assert_key(db, "other", "-");
    ck_assert_int_eq(kv_del(applier, (kv_slice[]){K("a")}, 1, &found), KV_OK);
    ck_assert_uint_eq(found, 1);

    /* A write by anybody else finds no key. */
    ck_assert_int_eq(kv_append(db, K("b"), K("x"), NULL), KV_OK);
    ck_assert_key(db, "b", "'x'");
    kv_view_close(applier);
}
END_TEST

/* ----------------------------------------------------------------------------------- statistics */

START_TEST(statistics_count)
{
    fixture_set(db, "a", "1");
    fixture_set_for(kv_select(db, 3), "b", "1", 1000);
    fixture_push_all(db, "list", "x y z");
    ck_assert_int_eq(kv_get(db, K("a"), NULL), KV_OK);
    ck_assert_int_eq(kv_get(db, K("none"), NULL), KV_NONE);
    kv_statistics now = statistics();
    ck_assert_uint_eq(now.keys, 3);
    ck_assert_uint_eq(now.keys_with_ttl, 1);
    ck_assert_uint_eq(now.hits, 1);
    ck_assert_uint_eq(now.misses, 1);
    ck_assert_uint_eq(now.changes, 5);
    ck_assert_uint_eq(now.bytes, (uint64_t)atomic_load(&fx.alloc.live_bytes));
    ck_assert_uint_ge(now.bytes_peak, now.bytes);
    ck_assert_uint_gt(now.bytes_tables, 0);
    kv_database_info info = KV_OPTIONS(kv_database_info);
    ck_assert_int_eq(kv_database_stats(kv_select(db, 3), &info), KV_OK);
    ck_assert_uint_eq(info.keys, 1);
    ck_assert_uint_eq(info.keys_with_ttl, 1);
    ck_assert_int_eq(info.average_ttl_ms, 1000);
    kv_stats_reset(db);
    now = statistics();
    ck_assert_uint_eq(now.hits + now.misses + now.expired, 0);
    ck_assert_uint_eq(now.changes, 5);
    kv_statistics small = {.size = offsetof(kv_statistics, keys_with_ttl), .keys_with_ttl = 99};
    ck_assert_int_eq(kv_stats(db, &small), KV_OK);
    ck_assert_uint_eq(small.keys, 3);
    ck_assert_uint_eq(small.keys_with_ttl, 99);
    small.size = 1;
    ck_assert_int_eq(kv_stats(db, &small), KV_BADARG);
}
END_TEST

START_TEST(what_is_freed_later_is_counted)
{
    static char large[200000];
    kv_slice keys[2] = {K("large"), K("small")};
    fixture_set(db, "small", "1");
    ck_assert_int_eq(kv_set(db, keys[0], KV_BYTES(large, sizeof large), NULL), KV_OK);
    ck_assert_int_eq(kv_unlink(db, keys, 2, NULL), KV_OK);
    ck_assert_uint_eq(statistics().owed, 1); /* the small one is gone already */
    ck_assert_uint_eq(statistics().freed_later, 0);
    fixture_set(db, "a", "1");
    fixture_set(db, "b", "2");
    fixture_set(kv_select(db, 3), "c", "3");
    ck_assert_int_eq(kv_set(db, K("d"), KV_BYTES(large, sizeof large), NULL), KV_OK);
    ck_assert_int_eq(kv_flush_all(db, true), KV_OK);
    ck_assert_uint_eq(statistics().owed, 5);
    while (kv_tick(db, 1) == KV_MORE) continue;
    ck_assert_uint_eq(statistics().owed, 0);
    ck_assert_uint_eq(statistics().freed_later, 5);

    kv_stats_reset(db);
    ck_assert_int_eq(kv_set(db, keys[0], KV_BYTES(large, sizeof large), NULL), KV_OK);
    ck_assert_int_eq(kv_del(db, keys, 1, NULL), KV_OK);
    fixture_set(db, "a", "1");
    ck_assert_int_eq(kv_flush_all(db, false), KV_OK);
    ck_assert_int_eq(kv_tick(db, 0), KV_OK);
    ck_assert_uint_eq(statistics().owed + statistics().freed_later, 0);
}
END_TEST

/* ---------------------------------------------------------------------------------------- views */

static uint64_t changes_of(kv_status status)
{
    static uint64_t before;
    uint64_t now = statistics().changes, made = now - before;
    ck_assert_int_eq(status, KV_OK);
    before = now;
    return made;
}

START_TEST(changes_are_counted_as_redis_counts_them)
{
    fixture_push_all(db, "list", "x y z");
    fixture_set(db, "a", "1");
    fixture_set_for(db, "seen", "1", 10);
    fixture_set_for(db, "unseen", "1", 10);
    (void)changes_of(KV_OK);
    ck_assert_uint_eq(changes_of(kv_rename(db, K("a"), K("b"))), 1);
    ck_assert_uint_eq(changes_of(kv_rename(db, K("b"), K("another shard"))), 1);
    ck_assert_uint_eq(changes_of(kv_rename(db, K("list"), K("l"))), 1);
    ck_assert_uint_eq(changes_of(kv_move(db, K("another shard"), kv_select(db, 1))), 1);
    ck_assert_uint_eq(changes_of(kv_lmove(db, K("l"), K("m"), KV_HEAD, KV_TAIL, NULL)), 1);
    ck_assert_uint_eq(changes_of(kv_lmove(db, K("l"), K("l"), KV_HEAD, KV_TAIL, NULL)), 1);
    ck_assert_uint_eq(changes_of(kv_copy(db, K("l"), NULL, K("n"), false)), 1);
    ck_assert_uint_eq(changes_of(kv_ltrim(db, K("n"), 5, 9)), 2);
    fixture_pass(&fx, 10);
    ck_assert_key(db, "seen", "-");
    ck_assert_uint_eq(changes_of(kv_tick(db, 0)), 0);
    ck_assert_uint_eq(statistics().expired, 2);
}
END_TEST

START_TEST(a_private_view_holds_its_clock)
{
    kv *view;
    kv_object_info info = KV_OPTIONS(kv_object_info);
    ck_assert_int_eq(kv_view_open(kv_select(db, 2), &view), KV_OK);
    ck_assert_uint_eq(kv_database(view), 2);
    fixture_set_for(view, "a", "1", 10);
    fixture_pass(&fx, 60000);
    ck_assert_int_eq(kv_now(view), FIXTURE_START_MS);
    ck_assert_key(view, "a", "'1'");
    ck_assert_key(kv_select(view, 2), "a", "'1'");
    kv_view_refresh(view);
    ck_assert_key(view, "a", "-");

    fixture_set(view, "b", "1");
    fixture_pass(&fx, 60000);
    kv_view_refresh(view);
    kv_view_touches(view, false);
    ck_assert_key(view, "b", "'1'");
    ck_assert_int_eq(kv_object(view, K("b"), &info), KV_OK);
    ck_assert_int_eq(info.idle_ms, 60000);
    ck_assert_int_eq(info.integer, 1);
    kv_view_touches(view, true);
    ck_assert_key(view, "b", "'1'");
    ck_assert_int_eq(kv_object(view, K("b"), &info), KV_OK);
    ck_assert_int_eq(info.idle_ms, 0);
    kv_view_close(view);
    kv_view_close(NULL);
    kv_view_refresh(db); /* not a private one: nothing */
    kv_view_close(db);
    fixture_set(db, "still", "open");
}
END_TEST

/* ------------------------------------------------------------------------- threads of the store */

/* Lets a key expire and waits until the thread has seen to it. */
static void until_ticked(struct fixture *other)
{
    kv_statistics now = KV_OPTIONS(kv_statistics);
    ck_assert_int_eq(kv_stats(other->db, &now), KV_OK);
    uint64_t expired = now.expired;
    fixture_set_for(other->db, "key", "v", 10);
    fixture_pass(other, 10);
    struct timespec nap = {0, 1000000};
    for (int i = 0; i < 10000 && now.expired == expired; i++) {
        nanosleep(&nap, NULL);
        ck_assert_int_eq(kv_stats(other->db, &now), KV_OK);
    }
    ck_assert_uint_eq(now.expired, expired + 1);
}

static atomic_int signals_taken;

static void take_signal(int number)
{
    (void)number;
    atomic_fetch_add(&signals_taken, 1);
}

START_TEST(the_background_thread_leaves_signals_to_the_hosts)
{
    struct fixture other;
    kv_options options = KV_OPTIONS(kv_options);
    struct sigaction action = {.sa_handler = take_signal};
    sigset_t one, now;
    options.background = true;
    ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
    fixture_open_with(&other, options);
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    ck_assert_int_eq(pthread_sigmask(SIG_BLOCK, &one, &now), 0);
    ck_assert_int_eq(sigismember(&now, SIGUSR1), 0); /* opening left the caller's mask alone */
    ck_assert_int_eq(kill(getpid(), SIGUSR1), 0);
    until_ticked(&other); /* it would have taken it by then */
    ck_assert_int_eq(atomic_load(&signals_taken), 0);
    ck_assert_int_eq(pthread_sigmask(SIG_UNBLOCK, &one, NULL), 0);
    ck_assert_int_eq(atomic_load(&signals_taken), 1);
    fixture_close(&other);
}
END_TEST

START_TEST(the_background_thread_ticks)
{
    struct fixture other;
    kv_options options = KV_OPTIONS(kv_options);
    options.background = true;
    fixture_open_with(&other, options);
    for (int i = 0; i < 100; i++) {
        char name[24];
        snprintf(name, sizeof name, "k%d", i);
        fixture_set_for(other.db, name, "v", 10);
    }
    fixture_pass(&other, 10);
    kv_statistics now = KV_OPTIONS(kv_statistics);
    struct timespec nap = {0, 1000000};
    for (int i = 0; i < 10000; i++) {
        ck_assert_int_eq(kv_stats(other.db, &now), KV_OK);
        if (now.expired == 100) break;
        nanosleep(&nap, NULL);
    }
    ck_assert_uint_eq(now.expired, 100);
    fixture_close(&other);
}
END_TEST

static atomic_bool prefetch_ends;

static void *prefetch_main(void *context)
{
    char names[32][16];
    kv_slice keys[32];
    uint64_t seed = 1;
    (void)context;
    while (!atomic_load(&prefetch_ends)) {
        for (int i = 0; i < 32; i++) {
            keys[i] = kv_bytes(names[i], (size_t)snprintf(names[i], 16, "k%u",
                                                          (unsigned)fixture_below(&seed, 3000)));
        }
        kv_prefetch(db, keys, 32);
    }
    return NULL;
}

/*
 * Prefetching takes no locks: what it looks at may grow, shrink or go meanwhile. The address
 * sanitizer watches.
 */
START_TEST(prefetching_is_safe_while_tables_grow_and_go)
{
    pthread_t threads[2];
    atomic_store(&prefetch_ends, false);
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, prefetch_main, NULL);
    for (int round = 0; round < fixture_rounds(20, 1000); round++) {
        char name[24];
        for (int i = 0; i < 3000; i++) {
            snprintf(name, sizeof name, "k%d", i);
            fixture_set(db, name, "v");
        }
        if (round % 3 == 0) ck_assert_int_eq(kv_flush(db, false), KV_OK);
        if (round % 3 == 1) ck_assert_int_eq(kv_swapdb(db, kv_select(db, 1)), KV_OK);
        if (round % 3 == 2) {
            for (int i = 0; i < 3000; i++) {
                kv_slice key = kv_bytes(name, (size_t)snprintf(name, sizeof name, "k%d", i));
                ck_assert_int_eq(kv_del(db, &key, 1, NULL), KV_OK);
            }
        }
        (void)kv_tick(db, 0);
    }
    atomic_store(&prefetch_ends, true);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    kv_prefetch(NULL, NULL, 0);
}
END_TEST

enum { COLLECTIONS = 6, MEMBERS = 3000 };

static kv_slice member_of(char *text, size_t size, uint64_t number)
{
    return kv_bytes(text, (size_t)snprintf(text, size, "member %u", (unsigned)number));
}

static void *prefetch_members_main(void *context)
{
    static const char *const names[] = {"set", "hash", "sorted", "small", "list", "none", "text"};
    char texts[32][24];
    kv_slice keys[32], members[32];
    uint64_t seed = 1;
    (void)context;
    while (!atomic_load(&prefetch_ends)) {
        for (int i = 0; i < 32; i++) {
            bool same = i > 0 && fixture_below(&seed, 2) == 0;
            keys[i] = same ? keys[i - 1] : kv_text(names[fixture_below(&seed, 7)]);
            members[i] = member_of(texts[i], sizeof texts[i], fixture_below(&seed, 2 * MEMBERS));
            if (fixture_below(&seed, 5) == 0) members[i] = (kv_slice){NULL, 0};
            if (fixture_below(&seed, 5) == 0) members[i] = KV_TEXT("");
        }
        kv_prefetch_members(db, keys, members, 32);
    }
    return NULL;
}

static void grow_collections(void)
{
    kv_slice pair[2] = {KV_TEXT("one"), KV_TEXT("1")};
    fixture_set(db, "text", "a text");
    ck_assert_int_eq(kv_hset(db, KV_TEXT("small"), pair, 1, NULL), KV_OK);
    for (int i = 0; i < MEMBERS; i++) {
        char text[24];
        kv_scored scored = {member_of(text, sizeof text, (uint64_t)i), i};
        kv_slice field[2] = {scored.member, KV_TEXT("value")};
        ck_assert_int_eq(kv_sadd(db, KV_TEXT("set"), field, 1, NULL), KV_OK);
        ck_assert_int_eq(kv_hset(db, KV_TEXT("hash"), field, 1, NULL), KV_OK);
        ck_assert_int_eq(kv_zadd(db, KV_TEXT("sorted"), &scored, 1, 0, NULL, NULL), KV_OK);
        ck_assert_int_eq(kv_rpush(db, KV_TEXT("list"), field, 1, NULL), KV_OK);
    }
}

/* The members' tables are looked at under the shard's lock, which a busy writer has most often. */
START_TEST(prefetching_members_is_safe_while_collections_grow_and_go)
{
    kv_slice keys[COLLECTIONS] = {KV_TEXT("set"),   KV_TEXT("hash"), KV_TEXT("sorted"),
                                  KV_TEXT("small"), KV_TEXT("list"), KV_TEXT("text")};
    pthread_t threads[2];
    atomic_store(&prefetch_ends, false);
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, prefetch_members_main, NULL);
    for (int round = 0; round < fixture_rounds(5, 100); round++) {
        uint64_t deleted;
        grow_collections();
        ck_assert_int_eq(kv_del(db, keys, COLLECTIONS, &deleted), KV_OK);
        ck_assert_uint_eq(deleted, COLLECTIONS);
        (void)kv_tick(db, 0);
    }
    atomic_store(&prefetch_ends, true);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    kv_prefetch_members(NULL, NULL, NULL, 0);
}
END_TEST

/* ---------------------------------------------------------------------------------- attachments */

START_TEST(what_is_attached_is_found_from_every_view)
{
    int mine, other;
    void *found = NULL;
    kv *view, *txn, *then, *another;
    ck_assert_int_eq(kv_open(NULL, &another), KV_OK);
    ck_assert_int_eq(kv_view_open(db, &view), KV_OK);
    ck_assert_int_eq(kv_freeze(db, NULL, &then), KV_OK);
    ck_assert_int_eq(kv_begin(db, NULL, &txn), KV_OK);
    kv *views[] = {db, kv_select(db, 3), view, kv_select(txn, 1), then};
    for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
        ck_assert_int_eq(kv_attach(views[i], KV_TEXT("mine"), &mine), KV_OK);
        for (size_t j = 0; j < sizeof views / sizeof *views; j++) {
            ck_assert_int_eq(kv_attached(views[j], KV_TEXT("mine"), &found), KV_OK);
            ck_assert_ptr_eq(found, &mine);
            ck_assert_int_eq(kv_attach(views[j], KV_TEXT("mine"), &other), KV_BUSY);
        }
        ck_assert_int_eq(kv_attached(another, KV_TEXT("mine"), &found), KV_NONE);
        ck_assert_int_eq(kv_detach(views[i], KV_TEXT("mine"), NULL), KV_OK);
        ck_assert_int_eq(kv_attached(db, KV_TEXT("mine"), NULL), KV_NONE);
    }
    ck_assert_int_eq(kv_commit(txn), KV_OK);
    ck_assert_int_eq(kv_thaw(then), KV_OK);
    kv_view_close(view);
    kv_close(another);
}
END_TEST

START_TEST(each_name_has_its_own_attachment)
{
    static const char *const names[] = {"", "a", "ab", "b", "a\0b"};
    static const size_t sizes[] = {0, 1, 2, 1, 3};
    enum { NAMES = sizeof sizes / sizeof *sizes };
    int data[NAMES];
    void *found = &found;
    for (int i = 0; i < NAMES; i++)
        ck_assert_int_eq(kv_attach(db, kv_bytes(names[i], sizes[i]), &data[i]), KV_OK);
    for (int i = 0; i < NAMES; i++) {
        int which = (i + 2) % NAMES; /* from the middle, the end and the beginning */
        ck_assert_int_eq(kv_detach(db, kv_bytes(names[which], sizes[which]), &found), KV_OK);
        ck_assert_ptr_eq(found, &data[which]);
        ck_assert_int_eq(kv_detach(db, kv_bytes(names[which], sizes[which]), &found), KV_NONE);
        ck_assert_ptr_eq(found, &data[which]);
    }
    ck_assert_int_eq(kv_attach(db, KV_TEXT("mark"), NULL), KV_OK);
    ck_assert_int_eq(kv_attached(db, KV_TEXT("mark"), &found), KV_OK);
    ck_assert_ptr_null(found);
    ck_assert_int_eq(kv_attach(NULL, KV_TEXT("x"), NULL), KV_BADARG);
    ck_assert_int_eq(kv_attached(NULL, KV_TEXT("x"), &found), KV_BADARG);
    ck_assert_int_eq(kv_detach(NULL, KV_TEXT("x"), &found), KV_BADARG);
}
END_TEST /* and kv_close() frees the mark */

static atomic_int claims, holders;

static void *claim_now_and_then(void *unused)
{
    (void)unused;
    for (int i = 0; i < 20000; i++) {
        if (kv_attach(db, KV_TEXT("claim"), NULL) != KV_OK) continue;
        if (atomic_fetch_add(&holders, 1) != 0) abort();
        atomic_fetch_add(&claims, 1);
        atomic_fetch_sub(&holders, 1);
        if (kv_detach(db, KV_TEXT("claim"), NULL) != KV_OK) abort();
    }
    return NULL;
}

START_TEST(of_many_threads_one_holds_a_name)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, claim_now_and_then, NULL);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    ck_assert_int_gt(atomic_load(&claims), 0);
    ck_assert_int_eq(kv_attached(db, KV_TEXT("claim"), NULL), KV_NONE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store");
    TCase *tcase = tcase_create("store");
    tcase_add_checked_fixture(tcase, setup, store_teardown);
    tcase_set_timeout(tcase, getenv("KVSTORE_TEST_FULL") != NULL ? 3600 : 120);
    const TTest *const tests[] = {
        an_empty_store_stays_under_64_kib,
        options_have_their_limits,
        a_shorter_options_struct_of_an_older_program_is_read_as_far_as_it_goes,
        stores_do_not_know_each_other,
        settings_are_changed_within_their_ranges,
        every_status_and_type_has_a_name,
        ticks_reclaim_what_is_due_and_nothing_else,
        a_host_that_sleeps_until_the_next_deadline_misses_nothing,
        a_tick_keeps_to_its_budget_and_says_what_is_left,
        writes_pay_the_debt_when_nobody_ticks,
        expiry_can_be_left_to_access_or_switched_off,
        what_is_past_is_hidden_and_stays_until_whoever_decides_says_so,
        what_is_freed_later_is_counted,
        statistics_count,
        changes_are_counted_as_redis_counts_them,
        a_private_view_holds_its_clock,
        the_background_thread_ticks,
        the_background_thread_leaves_signals_to_the_hosts,
        prefetching_is_safe_while_tables_grow_and_go,
        prefetching_members_is_safe_while_collections_grow_and_go,
        what_is_attached_is_found_from_every_view,
        each_name_has_its_own_attachment,
        of_many_threads_one_holds_a_name,
    };
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
