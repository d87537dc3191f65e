/*
 * tests/api/test_threads.c -- many threads at once: nothing races, each key is linearizable,
 * transactions are whole.
 *
 * The thread sanitizer's build runs this too. Repetitions are few by default; KVSTORE_TEST_FULL
 * makes them many.
 */
#include "history.h"
#include "one_store.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

#define THREADS 8

static void setup(void)
{
    store_setup_with(4); /* few shards: threads shall meet */
}

struct worker {
    pthread_t thread;
    uint64_t seed;
    int rounds;
    int number;
};

static void run_workers(struct worker *workers, int count, int rounds, void *(*work)(void *))
{
    uint64_t seed = unit_seed();
    for (int i = 0; i < count; i++) {
        workers[i] =
            (struct worker){.seed = seed * 1000 + (uint64_t)i, .rounds = rounds, .number = i};
        MUST(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
    }
    for (int i = 0; i < count; i++) pthread_join(workers[i].thread, NULL);
}

/* A text that outlives the call it is given to. */
struct name {
    char bytes[24];
};

static kv_slice name_of(struct name *name, const char *prefix, uint64_t number)
{
    int size = snprintf(name->bytes, sizeof name->bytes, "%s%u", prefix, (unsigned)number);
    return kv_bytes(name->bytes, (size_t)size);
}

static bool visit_nothing(void *context, kv_slice item)
{
    (void)context;
    (void)item;
    return true;
}

static bool visit_at_nothing(void *context, size_t index, const kv_slice *item)
{
    (void)context;
    (void)index;
    (void)item;
    return true;
}

/* ---------------------------------------------------------------------------------- mixed calls */

#define MIXED_KEYS 40

static kv_slice mixed_key(struct name *name, uint64_t *seed)
{
    return name_of(name, "k", fixture_below(seed, MIXED_KEYS));
}

static void mixed_strings(kv *view, uint64_t *seed)
{
    struct name a, b, c;
    kv_slice keys[3] = {mixed_key(&a, seed), mixed_key(&b, seed), mixed_key(&c, seed)};
    kv_slice values[3] = {KV_TEXT("12"), KV_TEXT("a value that is not a number"), KV_TEXT("")};
    kv_set_options options = KV_OPTIONS(kv_set_options);
    kv_operation operations[3] = {{.kind = KV_OPERATION_SET, .key = keys[0], .value = values[0]},
                                  {.kind = KV_OPERATION_INCRBY, .key = keys[1], .number = 1},
                                  {.kind = KV_OPERATION_RPUSH, .key = keys[2], .value = values[2]}};
    options.ttl_ms = 1 + (int64_t)fixture_below(seed, 20);
    switch (fixture_below(seed, 12)) {
    case 0: (void)kv_set(view, keys[0], values[fixture_below(seed, 3)], NULL); break;
    case 1: (void)kv_set(view, keys[0], values[fixture_below(seed, 3)], &options); break;
    case 2: (void)kv_read(view, keys[0], visit_nothing, NULL); break;
    case 3: (void)kv_mget(view, keys, 3, visit_at_nothing, NULL); break;
    case 4: (void)kv_mset(view, keys, values, 3); break;
    case 5: (void)kv_msetnx(view, keys, values, 3); break;
    case 6: (void)kv_incrby(view, keys[0], 3, NULL); break;
    case 7: (void)kv_append(view, keys[0], values[1], NULL); break;
    case 8: (void)kv_batch(view, operations, 3); break;
    case 9: (void)kv_setrange(view, keys[0], fixture_below(seed, 200), values[1], NULL); break;
    case 10: (void)kv_getdel(view, keys[0], NULL); break;
    case 11: kv_prefetch(view, keys, 3); break;
    }
}

static void mixed_keys(kv *view, uint64_t *seed)
{
    struct name a, b;
    kv_slice keys[2] = {mixed_key(&a, seed), mixed_key(&b, seed)};
    kv *other = kv_select(view, 1);
    uint64_t version;
    kv_object_info info = KV_OPTIONS(kv_object_info);
    switch (fixture_below(seed, 11)) {
    case 0: (void)kv_del(view, keys, 2, NULL); break;
    case 1: (void)kv_unlink(view, keys, 1, NULL); break;
    case 2: (void)kv_rename(view, keys[0], keys[1]); break;
    case 3: (void)kv_renamenx(view, keys[0], keys[1]); break;
    case 4: (void)kv_copy(view, keys[0], other, keys[1], true); break;
    case 5: (void)kv_move(other, keys[0], kv_select(view, 0)); break;
    case 6: (void)kv_expire(view, keys[0], (int64_t)fixture_below(seed, 20), 0); break;
    case 7: (void)kv_persist(view, keys[0]); break;
    case 8: (void)kv_version_of(view, keys[0], &version); break;
    case 9: (void)kv_object(view, keys[0], &info); break;
    case 10: (void)kv_exists(view, keys, 2, NULL); break;
    }
}

static void mixed_lists(kv *view, uint64_t *seed)
{
    struct name a, b;
    kv_slice keys[2] = {mixed_key(&a, seed), mixed_key(&b, seed)};
    kv_slice values[3] = {KV_TEXT("x"), KV_TEXT("7"), KV_TEXT("an element of some length")};
    switch (fixture_below(seed, 12)) {
    case 0:
    case 1: (void)kv_lpush(view, keys[0], values, 3, NULL); break;
    case 2:
    case 3: (void)kv_rpush(view, keys[0], values, 2, NULL); break;
    case 4: (void)kv_lpop(view, keys[0], NULL); break;
    case 5: (void)kv_pop(view, keys[0], KV_TAIL, 4, visit_nothing, NULL, NULL); break;
    case 6: (void)kv_lrange(view, keys[0], 0, -1, NULL, visit_nothing, NULL); break;
    case 7: (void)kv_lmove(view, keys[0], keys[1], KV_HEAD, KV_TAIL, NULL); break;
    case 8: (void)kv_lrem(view, keys[0], 1, values[1], NULL); break;
    case 9: (void)kv_ltrim(view, keys[0], 1, 20); break;
    case 10: (void)kv_lset(view, keys[0], 0, values[2]); break;
    case 11: (void)kv_lmpop(view, keys, 2, KV_HEAD, 2, NULL, visit_nothing, NULL); break;
    }
}

static void mixed_done(void *context, kv_waiter *waiter, const kv_wait_result *result)
{
    (void)waiter;
    atomic_fetch_add((atomic_ulong *)context, result->element_count);
}

static void mixed_waits(uint64_t *seed)
{
    struct name a, b;
    kv_slice keys[2] = {mixed_key(&a, seed), mixed_key(&b, seed)};
    switch (fixture_below(seed, 4)) {
    case 0: (void)kv_blpop(db, keys, 2, 1, NULL, NULL); break;
    case 1: (void)kv_blmove(db, keys[0], keys[1], KV_TAIL, KV_HEAD, 1, NULL); break;
    case 2: (void)kv_blmpop(db, keys, 2, KV_TAIL, 3, 1, NULL, visit_nothing, NULL); break;
    case 3: {
        atomic_ulong elements = 0;
        kv_wait_options options = KV_OPTIONS(kv_wait_options);
        options.keys = keys;
        options.key_count = 2;
        options.done = mixed_done;
        options.context = &elements;
        kv_waiter *waiter;
        if (kv_wait(db, &options, &waiter) != KV_PENDING) break;
        sched_yield();
        (void)kv_wait_cancel(waiter);
        break;
    }
    }
}

static void mixed_databases(uint64_t *seed)
{
    uint64_t cursor = 0, count;
    kv_statistics statistics = KV_OPTIONS(kv_statistics);
    kv_database_info info = KV_OPTIONS(kv_database_info);
    kv_buffer key = {0};
    switch (fixture_below(seed, 12)) {
    case 0: MUST(kv_flush(db, fixture_below(seed, 2) == 0) == KV_OK); break;
    case 1: MUST(kv_flush_all(kv_select(db, 1), true) == KV_OK); break;
    case 2: MUST(kv_swapdb(db, kv_select(db, 1)) == KV_OK); break;
    case 3:
        do MUST(kv_scan(db, &cursor, 10, NULL, visit_nothing, NULL) == KV_OK);
        while (cursor != 0);
        break;
    case 4: MUST(kv_keys(db, KV_TEXT("k1*"), visit_nothing, NULL) == KV_OK); break;
    case 5: (void)kv_randomkey(db, &key); break;
    case 6: MUST(kv_count(db, &count) == KV_OK); break;
    case 7: MUST(kv_stats(db, &statistics) == KV_OK); break;
    case 8: MUST(kv_database_stats(db, &info) == KV_OK); break;
    case 9: MUST(kv_delete_matching(db, KV_TEXT("k3*"), &cursor, 5, NULL) == KV_OK); break;
    case 10: (void)kv_next_deadline(db); break;
    case 11:
        fixture_pass(&fx, 3);
        (void)kv_tick(db, 0);
        break;
    }
    kv_buffer_free(&key);
}

static void mixed_transaction(uint64_t *seed)
{
    struct name names[4];
    kv_slice keys[4];
    for (int i = 0; i < 4; i++) keys[i] = mixed_key(&names[i], seed);
    kv_txn_options options = KV_OPTIONS(kv_txn_options);
    options.keys = keys;
    options.key_count = 4;
    options.flags = (unsigned)fixture_below(seed, 4); /* KV_TXN_ALL, KV_TXN_ABORTABLE */
    kv_watch *watch = NULL;
    if (fixture_below(seed, 2) == 0) {
        MUST(kv_watch_open(db, &watch) == KV_OK);
        MUST(kv_watch_add(watch, db, keys[0]) == KV_OK &&
             kv_watch_add(watch, db, keys[1]) == KV_OK);
        sched_yield();
        (void)kv_watch_is_dirty(watch);
        options.watch = watch;
    }
    kv *txn;
    kv_status status = kv_begin(db, &options, &txn);
    MUST(status == KV_OK || (status == KV_CONFLICT && watch != NULL));
    if (status == KV_OK) {
        /* What it did not declare it may not touch; what it says to that is not the matter here. */
        for (int i = 0; i < 4; i++) {
            mixed_strings(txn, seed);
            mixed_keys(txn, seed);
            mixed_lists(txn, seed);
        }
        if (fixture_below(seed, 8) == 0) (void)kv_flush(txn, false);
        bool is_abortable = (options.flags & KV_TXN_ABORTABLE) != 0;
        MUST((is_abortable && fixture_below(seed, 2) == 0 ? kv_abort(txn) : kv_commit(txn)) ==
             KV_OK);
    }
    kv_watch_close(watch);
}

struct mixed_reader {
    atomic_ulong changes, bytes;
};

static void mixed_journal(void *context, const kv_change *changes, size_t count)
{
    struct mixed_reader *reader = context;
    unsigned long bytes = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < changes[i].argument_count; j++)
            bytes += changes[i].arguments[j].size;
    }
    atomic_fetch_add(&reader->changes, count);
    atomic_fetch_add(&reader->bytes, bytes);
}

static void mixed_follow(uint64_t *seed)
{
    struct mixed_reader reader = {0, 0};
    kv_follower *follower;
    MUST(kv_follow(db, mixed_journal, &reader, &follower) == KV_OK);
    for (int i = 0; i < 5; i++) mixed_lists(db, seed);
    kv_unfollow(follower);
}

static void mixed_view(uint64_t *seed)
{
    kv *view;
    MUST(kv_view_open(db, &view) == KV_OK);
    for (int i = 0; i < 5; i++) {
        mixed_strings(view, seed);
        kv_view_refresh(view);
        mixed_keys(view, seed);
    }
    kv_view_close(view);
}

static void *mixed_main(void *context)
{
    struct worker *worker = context;
    for (int i = 0; i < worker->rounds; i++) {
        uint64_t pick = fixture_below(&worker->seed, 100);
        if (pick < 30) mixed_strings(db, &worker->seed);
        else if (pick < 50) mixed_keys(db, &worker->seed);
        else if (pick < 80) mixed_lists(db, &worker->seed);
        else if (pick < 88) mixed_transaction(&worker->seed);
        else if (pick < 92) mixed_waits(&worker->seed);
        else if (pick < 96) mixed_databases(&worker->seed);
        else if (pick < 98) mixed_view(&worker->seed);
        else mixed_follow(&worker->seed);
    }
    return NULL;
}

START_TEST(calls_of_all_kinds_by_eight_threads_leave_a_sound_store)
{
    struct worker workers[THREADS];
    run_workers(workers, THREADS, fixture_rounds(3000, 200000), mixed_main);
    kv_statistics statistics = KV_OPTIONS(kv_statistics);
    ck_assert_int_eq(kv_stats(db, &statistics), KV_OK);
    ck_assert_uint_eq(statistics.waiters, 0);
    ck_assert_uint_eq(statistics.watched, 0);
    kv_check(db);
}
END_TEST

/* --------------------------------------------------------------------------------- transactions */

#define ACCOUNTS      16
#define ACCOUNT_START 1000

static kv_slice account(struct name *name, uint64_t number)
{
    return name_of(name, "account", number);
}

struct account_sum {
    int64_t sum;
    int count;
};

static bool add_account(void *context, size_t index, const kv_slice *item)
{
    (void)index;
    struct account_sum *sum = context;
    MUST(item != NULL);
    char text[32] = {0};
    memcpy(text, item->data, item->size);
    sum->sum += atoll(text);
    sum->count++;
    return true;
}

static void read_accounts(kv *view)
{
    struct name names[ACCOUNTS];
    kv_slice keys[ACCOUNTS];
    struct account_sum sum = {0, 0};
    for (uint64_t i = 0; i < ACCOUNTS; i++) keys[i] = account(&names[i], i);
    MUST(kv_mget(view, keys, ACCOUNTS, add_account, &sum) == KV_OK);
    MUST(sum.count == ACCOUNTS && sum.sum == ACCOUNTS * ACCOUNT_START);
}

/* Moves an amount, or as much of it as an abort leaves, which is nothing. */
static void transfer(uint64_t *seed)
{
    struct name a, b;
    kv_slice keys[2] = {account(&a, fixture_below(seed, ACCOUNTS)),
                        account(&b, fixture_below(seed, ACCOUNTS))};
    int64_t amount = (int64_t)fixture_below(seed, 100);
    kv_txn_options options = KV_OPTIONS(kv_txn_options);
    options.keys = keys;
    options.key_count = 2;
    options.flags = fixture_below(seed, 2) == 0 ? KV_TXN_ABORTABLE : 0;
    kv *txn;
    MUST(kv_begin(db, &options, &txn) == KV_OK);
    MUST(kv_decrby(txn, keys[0], amount, NULL) == KV_OK);
    if (options.flags != 0 && fixture_below(seed, 2) == 0) {
        MUST(kv_abort(txn) == KV_OK);
        return;
    }
    MUST(kv_incrby(txn, keys[1], amount, NULL) == KV_OK);
    MUST(kv_commit(txn) == KV_OK);
}

static void *transfer_main(void *context)
{
    struct worker *worker = context;
    for (int i = 0; i < worker->rounds; i++) {
        if (worker->number < THREADS / 2) {
            transfer(&worker->seed);
        } else if (worker->number % 2 == 0) {
            read_accounts(db);
        } else {
            kv_txn_options options = KV_OPTIONS(kv_txn_options);
            options.flags = KV_TXN_ALL;
            kv *txn;
            MUST(kv_begin(db, &options, &txn) == KV_OK);
            read_accounts(txn);
            MUST(kv_commit(txn) == KV_OK);
        }
    }
    return NULL;
}

START_TEST(no_reader_sees_half_a_transaction)
{
    struct worker workers[THREADS];
    struct name name;
    for (uint64_t i = 0; i < ACCOUNTS; i++) {
        MUST(kv_incrby(db, account(&name, i), ACCOUNT_START, NULL) == KV_OK);
    }
    run_workers(workers, THREADS, fixture_rounds(2000, 200000), transfer_main);
    read_accounts(db);
}
END_TEST

#define TOGETHER 6

static bool note_first(void *context, size_t index, const kv_slice *item)
{
    kv_slice *first = context;
    static _Thread_local char bytes[16];
    if (index == 0) {
        MUST(item != NULL && item->size < sizeof bytes);
        memcpy(bytes, item->data, item->size);
        *first = kv_bytes(bytes, item->size);
    }
    MUST(item != NULL && item->size == first->size &&
         memcmp(item->data, first->data, item->size) == 0);
    return true;
}

static void *together_main(void *context)
{
    struct worker *worker = context;
    struct name names[TOGETHER], value;
    kv_slice keys[TOGETHER], values[TOGETHER];
    for (uint64_t i = 0; i < TOGETHER; i++) keys[i] = name_of(&names[i], "t", i);
    for (int i = 0; i < worker->rounds; i++) {
        if (worker->number % 2 == 0) {
            values[0] = name_of(&value, "v", fixture_below(&worker->seed, 1000));
            for (size_t j = 1; j < TOGETHER; j++) values[j] = values[0];
            MUST(kv_mset(db, keys, values, TOGETHER) == KV_OK);
        } else {
            kv_slice first;
            MUST(kv_mget(db, keys, TOGETHER, note_first, &first) == KV_OK);
        }
    }
    return NULL;
}

START_TEST(keys_stored_together_are_read_together)
{
    struct worker workers[4];
    struct name names[TOGETHER];
    kv_slice keys[TOGETHER], values[TOGETHER];
    for (uint64_t i = 0; i < TOGETHER; i++) {
        keys[i] = name_of(&names[i], "t", i);
        values[i] = KV_TEXT("v");
    }
    ck_assert_int_eq(kv_mset(db, keys, values, TOGETHER), KV_OK);
    run_workers(workers, 4, fixture_rounds(4000, 200000), together_main);
}
END_TEST

/* ----------------------------------------------------------------------------- what threads saw */

#define RECORD_THREADS 4
#define RECORD_EACH    8 /* operations of a thread in a round, half of them on each key */
#define RECORD_KEYS    2 /* one string, one list */

static _Atomic uint64_t record_clock;
static pthread_barrier_t record_barrier;

struct recorder {
    struct worker worker;
    struct history histories[RECORD_KEYS];
};

static struct recorder recorders[RECORD_THREADS];

static uint32_t record_number(const kv_buffer *buffer)
{
    char text[32] = {0};
    memcpy(text, buffer->data, buffer->size);
    return (uint32_t)atol(text);
}

static void record_begin(struct history_operation *operation)
{
    operation->began = atomic_fetch_add(&record_clock, 1);
}

static void record_end(struct history_operation *operation)
{
    operation->ended = atomic_fetch_add(&record_clock, 1);
}

/* Reads and writes in a transaction: one operation. */
static uint32_t record_swap(kv_slice key, kv_slice value, kv_buffer *buffer)
{
    kv_txn_options options = KV_OPTIONS(kv_txn_options);
    options.keys = &key;
    options.key_count = 1;
    kv *txn;
    MUST(kv_begin(db, &options, &txn) == KV_OK);
    kv_status status = kv_get(txn, key, buffer);
    MUST(kv_set(txn, key, value, NULL) == KV_OK);
    MUST(kv_commit(txn) == KV_OK);
    return status == KV_OK ? record_number(buffer) : 0;
}

static void record_string(struct history_operation *operation, kv_slice key, uint64_t *seed,
                          kv_buffer *buffer)
{
    struct name text, old;
    kv_slice value = name_of(&text, "", operation->argument);
    kv_set_options options = KV_OPTIONS(kv_set_options);
    int64_t sum = 0;
    uint64_t removed = 0;
    static const enum history_kind kinds[] = {HISTORY_READ,  HISTORY_READ,    HISTORY_WRITE,
                                              HISTORY_SWAP,  HISTORY_COMPARE, HISTORY_ADD,
                                              HISTORY_REMOVE};
    operation->kind = kinds[fixture_below(seed, sizeof kinds / sizeof *kinds)];
    operation->expected = (uint32_t)(1 + fixture_below(seed, 5));
    options.flags = KV_IF_EQUAL;
    options.if_equal = name_of(&old, "", operation->expected);
    record_begin(operation);
    switch (operation->kind) {
    case HISTORY_WRITE: MUST(kv_set(db, key, value, NULL) == KV_OK); break;
    case HISTORY_SWAP: operation->result = record_swap(key, value, buffer); break;
    case HISTORY_COMPARE: operation->result = kv_set(db, key, value, &options) == KV_OK; break;
    case HISTORY_ADD:
        MUST(kv_incrby(db, key, operation->argument, &sum) == KV_OK);
        operation->result = (uint32_t)sum;
        break;
    case HISTORY_REMOVE:
        MUST(kv_del(db, &key, 1, &removed) == KV_OK);
        operation->result = (uint32_t)removed;
        break;
    default:
        operation->result = kv_get(db, key, buffer) == KV_OK ? record_number(buffer) : 0;
        break;
    }
    record_end(operation);
}

/* False if the operation has no place in the history: a wait that was in vain. */
static bool record_list(struct history_operation *operation, kv_slice key, uint64_t *seed,
                        kv_buffer *buffer)
{
    struct name text;
    kv_slice value = name_of(&text, "", operation->argument);
    uint64_t length = 0;
    kv_status status = KV_OK;
    operation->kind = HISTORY_PUSH_HEAD + (enum history_kind)fixture_below(seed, 5);
    bool blocks = fixture_below(seed, 4) == 0;
    record_begin(operation);
    switch (operation->kind) {
    case HISTORY_PUSH_HEAD: MUST(kv_lpush(db, key, &value, 1, &length) == KV_OK); break;
    case HISTORY_PUSH_TAIL: MUST(kv_rpush(db, key, &value, 1, &length) == KV_OK); break;
    case HISTORY_POP_HEAD:
        status = blocks ? kv_blpop(db, &key, 1, 1, NULL, buffer) : kv_lpop(db, key, buffer);
        break;
    case HISTORY_POP_TAIL:
        status = blocks ? kv_brpop(db, &key, 1, 1, NULL, buffer) : kv_rpop(db, key, buffer);
        break;
    default: (void)kv_llen(db, key, &length); break;
    }
    record_end(operation);
    bool pops = operation->kind == HISTORY_POP_HEAD || operation->kind == HISTORY_POP_TAIL;
    operation->result = !pops ? (uint32_t)length : status == KV_OK ? record_number(buffer) : 0;
    return status != KV_TIMEOUT;
}

static void record_flush(struct recorder *recorder)
{
    struct history_operation operation = {.kind = HISTORY_ERASE};
    record_begin(&operation);
    MUST(kv_flush(db, true) == KV_OK);
    record_end(&operation);
    for (int i = 0; i < RECORD_KEYS; i++) {
        struct history *history = &recorder->histories[i];
        history->operations[history->count++] = operation;
    }
}

static void *record_main(void *context)
{
    struct recorder *recorder = context;
    uint64_t *seed = &recorder->worker.seed;
    kv_buffer buffer = {0};
    for (int round = 0; round < recorder->worker.rounds; round++) {
        pthread_barrier_wait(&record_barrier);
        for (int i = 0; i < RECORD_KEYS; i++) recorder->histories[i].count = 0;
        for (int i = 0; i < RECORD_EACH; i++) {
            struct name name;
            int which = (int)fixture_below(seed, RECORD_KEYS);
            kv_slice key = name_of(&name, which == 0 ? "s" : "l", (uint64_t)round);
            struct history *history = &recorder->histories[which];
            struct history_operation *operation = &history->operations[history->count];
            *operation =
                (struct history_operation){.argument = (uint32_t)(1 + fixture_below(seed, 9))};
            if (fixture_below(seed, 40) == 0) record_flush(recorder);
            else if (which == 1) history->count += record_list(operation, key, seed, &buffer);
            else record_string(operation, key, seed, &buffer), history->count++;
            if (fixture_below(seed, 4) == 0) sched_yield();
        }
        pthread_barrier_wait(&record_barrier); /* the main thread reads the histories now */
    }
    kv_buffer_free(&buffer);
    return NULL;
}

static void collect_history(int key, struct history *history)
{
    history->count = 0;
    for (int i = 0; i < RECORD_THREADS; i++) {
        const struct history *part = &recorders[i].histories[key];
        MUST(history->count + part->count <= HISTORY_MAX);
        memcpy(history->operations + history->count, part->operations,
               part->count * sizeof *part->operations);
        history->count += part->count;
    }
}

/* Overlapping pairs: a history in which nothing overlaps would prove little. */
static uint64_t count_overlaps(const struct history *history)
{
    uint64_t overlaps = 0;
    for (size_t i = 0; i < history->count; i++) {
        for (size_t j = 0; j < i; j++) {
            const struct history_operation *a = &history->operations[i],
                                           *b = &history->operations[j];
            overlaps += a->began < b->ended && b->began < a->ended;
        }
    }
    return overlaps;
}

START_TEST(every_key_is_linearizable)
{
    uint64_t seed = unit_seed(), overlaps = 0;
    int rounds = fixture_rounds(400, 50000);
    pthread_barrier_init(&record_barrier, NULL, RECORD_THREADS + 1);
    for (int i = 0; i < RECORD_THREADS; i++) {
        recorders[i].worker = (struct worker){.seed = seed * 1000 + (uint64_t)i, .rounds = rounds};
        MUST(pthread_create(&recorders[i].worker.thread, NULL, record_main, &recorders[i]) == 0);
    }
    for (int round = 0; round < rounds; round++) {
        struct history histories[RECORD_KEYS];
        pthread_barrier_wait(&record_barrier);
        pthread_barrier_wait(&record_barrier);
        /* The threads stand at the next round's barrier until this one comes there. */
        for (int key = 0; key < RECORD_KEYS; key++) {
            collect_history(key, &histories[key]);
            overlaps += count_overlaps(&histories[key]);
            if (!history_is_linearizable(&histories[key])) {
                history_print(&histories[key]);
                ck_abort_msg("round %d: no order explains what was seen of key %d", round, key);
            }
        }
    }
    for (int i = 0; i < RECORD_THREADS; i++) pthread_join(recorders[i].worker.thread, NULL);
    pthread_barrier_destroy(&record_barrier);
    ck_assert_uint_gt(overlaps, (uint64_t)rounds / 4);
}
END_TEST

/* --------------------------------------------------------------------------- the checker itself */

#define HISTORY(...)                                                                          \
    (struct history)                                                                          \
    {                                                                                         \
        sizeof((struct history_operation[]){__VA_ARGS__}) / sizeof(struct history_operation), \
        {                                                                                     \
            __VA_ARGS__                                                                       \
        }                                                                                     \
    }

START_TEST(the_checker_accepts_what_some_order_explains)
{
    const struct history right[] = {
        HISTORY({HISTORY_READ, 0, 0, 0, 0, 1}, {HISTORY_WRITE, 5, 0, 0, 2, 3},
                {HISTORY_READ, 0, 0, 5, 4, 5}),
        /* Two writes at a time: both reads may follow either, */
        HISTORY({HISTORY_WRITE, 1, 0, 0, 0, 5}, {HISTORY_WRITE, 2, 0, 0, 1, 4},
                {HISTORY_READ, 0, 0, 1, 6, 7}),
        HISTORY({HISTORY_WRITE, 1, 0, 0, 0, 5}, {HISTORY_WRITE, 2, 0, 0, 1, 4},
                {HISTORY_READ, 0, 0, 2, 6, 7}),
        /* and a read during a write sees it or not. */
        HISTORY({HISTORY_WRITE, 1, 0, 0, 0, 9}, {HISTORY_READ, 0, 0, 0, 1, 2},
                {HISTORY_READ, 0, 0, 1, 3, 4}),
        HISTORY({HISTORY_PUSH_TAIL, 1, 0, 2, 0, 5}, {HISTORY_PUSH_HEAD, 2, 0, 1, 1, 6},
                {HISTORY_POP_HEAD, 0, 0, 2, 7, 8}, {HISTORY_POP_HEAD, 0, 0, 1, 9, 10}),
        HISTORY({HISTORY_ADD, 2, 0, 5, 0, 3}, {HISTORY_ADD, 3, 0, 3, 1, 2},
                {HISTORY_ERASE, 0, 0, 0, 4, 7}, {HISTORY_READ, 0, 0, 5, 5, 6}),
    };
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        ck_assert_msg(history_is_linearizable(&right[i]), "history %zu", i);
    }
}
END_TEST

START_TEST(the_checker_rejects_what_no_order_explains)
{
    const struct history wrong[] = {
        /* A stale read: the write had ended. */
        HISTORY({HISTORY_WRITE, 1, 0, 0, 0, 1}, {HISTORY_WRITE, 2, 0, 0, 2, 3},
                {HISTORY_READ, 0, 0, 1, 4, 5}),
        /* A value that was never written. */
        HISTORY({HISTORY_WRITE, 1, 0, 0, 0, 5}, {HISTORY_READ, 0, 0, 3, 1, 2}),
        /* Time goes back between two readers: new, then old. */
        HISTORY({HISTORY_WRITE, 1, 0, 0, 0, 9}, {HISTORY_READ, 0, 0, 1, 1, 2},
                {HISTORY_READ, 0, 0, 0, 3, 4}),
        /* A lost update: two additions at a time end in the same sum. */
        HISTORY({HISTORY_ADD, 1, 0, 1, 0, 2}, {HISTORY_ADD, 1, 0, 1, 1, 3}),
        /* Both compared with the same value, and both won. */
        HISTORY({HISTORY_WRITE, 1, 0, 0, 0, 1}, {HISTORY_COMPARE, 2, 1, 1, 2, 5},
                {HISTORY_COMPARE, 3, 1, 1, 3, 4}),
        /* A transaction that let another in between its read and its write. */
        HISTORY({HISTORY_SWAP, 1, 0, 0, 0, 3}, {HISTORY_SWAP, 2, 0, 0, 1, 2}),
        /* One element given to two. */
        HISTORY({HISTORY_PUSH_TAIL, 7, 0, 1, 0, 1}, {HISTORY_POP_HEAD, 0, 0, 7, 2, 5},
                {HISTORY_POP_TAIL, 0, 0, 7, 3, 4}),
        /* Out of order. */
        HISTORY({HISTORY_PUSH_TAIL, 1, 0, 1, 0, 1}, {HISTORY_PUSH_TAIL, 2, 0, 2, 2, 3},
                {HISTORY_POP_HEAD, 0, 0, 2, 4, 5}),
        /* Nothing found where something was. */
        HISTORY({HISTORY_PUSH_TAIL, 1, 0, 1, 0, 1}, {HISTORY_POP_HEAD, 0, 0, 0, 2, 3}),
        /* A length before its push. */
        HISTORY({HISTORY_LENGTH, 0, 0, 1, 0, 1}, {HISTORY_PUSH_TAIL, 1, 0, 1, 2, 3}),
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ck_assert_msg(!history_is_linearizable(&wrong[i]), "history %zu", i);
    }
}
END_TEST

/* A store whose swap is not one step: it reads, lets the other thread go on, and writes. */
static atomic_uint broken_value;
static struct history_operation broken_operations[2];
static pthread_barrier_t broken_barrier;

static void *broken_swap(void *context)
{
    struct history_operation *operation = context;
    record_begin(operation);
    operation->result = atomic_load(&broken_value);
    pthread_barrier_wait(&broken_barrier);
    atomic_store(&broken_value, operation->argument);
    record_end(operation);
    return NULL;
}

START_TEST(a_store_that_is_wrong_is_found_out)
{
    pthread_t threads[2];
    pthread_barrier_init(&broken_barrier, NULL, 2);
    for (int i = 0; i < 2; i++) {
        broken_operations[i] =
            (struct history_operation){.kind = HISTORY_SWAP, .argument = (uint32_t)i + 1};
        pthread_create(&threads[i], NULL, broken_swap, &broken_operations[i]);
    }
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&broken_barrier);
    struct history history = HISTORY(broken_operations[0], broken_operations[1]);
    ck_assert(!history_is_linearizable(&history));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("threads");
    TCase *tcase = tcase_create("threads");
    tcase_add_checked_fixture(tcase, setup, store_teardown);
    tcase_set_timeout(tcase, getenv("KVSTORE_TEST_FULL") != NULL ? 3600 : 300);
    const TTest *const tests[] = {
        calls_of_all_kinds_by_eight_threads_leave_a_sound_store,
        no_reader_sees_half_a_transaction,
        keys_stored_together_are_read_together,
        every_key_is_linearizable,
        the_checker_accepts_what_some_order_explains,
        the_checker_rejects_what_no_order_explains,
        a_store_that_is_wrong_is_found_out,
    };
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
