/*
 * bench/inprocess.c -- the store in its user's process, against the floor and LMDB, and against
 * itself.
 *
 *      inprocess access  --keys N     get, set, mget of 16: floor, kvstore, LMDB; ns an operation
 *      inprocess threads --keys N     get and set, one thread and two; operations a second
 *      inprocess growth  --keys N     every insert into an empty store: latency, largest allocation
 *      inprocess memory  --keys N     resident bytes a key, for several kinds of value
 *      inprocess deadlines --keys N   SET with a deadline against SET; all keys due in one second
 *
 *      --rounds N      interleaved rounds of access, threads and deadlines (5)
 *      --operations N  in one round (1000000)
 *
 * Keys are 16 bytes, values 64 (memory: as said there), accesses uniformly random. The keys of a
 * round are written out in order before the clock starts, so making them costs nothing and reading
 * them is a stream. Fences: a processor runs hundreds of instructions ahead, so in a plain loop
 * over such keys it overlaps the misses of ten gets, which a program that uses what it got cannot
 * hope for. Therefore a fence ends each operation, for all engines alike; "free" is the plain loop,
 * for who wants it.
 *
 * What is compared runs in turns, round by round, in one process: floor, kvstore, LMDB, floor... so
 * that a slow moment of the machine hits all alike. The result is a line of JSON for each thing
 * measured, with the value of every round; bench/run.py makes medians and ratios of them.
 */
#include "floor.h"
#include "kvstore.h"
#include "store.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef BENCH_LMDB
#include <lmdb.h>
#endif

enum { ROUNDS_MAX = 99, BATCH = 16, VALUE_SIZE = FLOOR_VALUE_SIZE };

static uint64_t key_count = 1000000, operation_count = 1000000;
static size_t round_count = 5;

/* ---- what all cases use ---- */

static struct key *make_keys(uint64_t count, uint64_t seed)
{
    struct random random = {seed};
    struct key *keys = must_allocate(count * sizeof *keys);
    for (uint64_t i = 0; i < count; i++)
        keys[i] = make_key("key:", random_below(&random, key_count));
    return keys;
}

/* Every set writes another value, so that no set is a write of what is there already. */
static char value[] = "a value of sixty-four bytes, not a number; its first eight vary.";

_Static_assert(sizeof value == VALUE_SIZE + 1, "the text and its zero");

static void change_value(uint64_t number)
{
    memcpy(value, &number, sizeof number);
}

static void print_samples(const char *engine, const char *operation, const char *unit,
                          const double *samples)
{
    printf("{\"engine\":\"%s\",\"operation\":\"%s\",\"keys\":%llu,\"%s\":[", engine, operation,
           (unsigned long long)key_count, unit);
    for (size_t i = 0; i < round_count; i++) printf("%s%.1f", i == 0 ? "" : ",", samples[i]);
    printf("]}\n");
    fflush(stdout);
}

/* ---- passes: one operation over a sequence of keys, for each engine ---- */

/* `waits`: each operation (each batch, for mget) is complete before the next begins. */
typedef void pass(const struct key *keys, uint64_t count, bool waits);

static struct floor_table table;

static void floor_get_pass(const struct key *keys, uint64_t count, bool waits)
{
    char found[VALUE_SIZE];
    for (uint64_t i = 0; i < count; i++) {
        if (!floor_get(&table, keys[i].bytes, found)) fail("floor: a key is missing");
        end_operation(waits);
    }
}

static void floor_set_pass(const struct key *keys, uint64_t count, bool waits)
{
    for (uint64_t i = 0; i < count; i++) {
        change_value(i);
        floor_set(&table, keys[i].bytes, value);
        end_operation(waits);
    }
}

static void floor_mget_pass(const struct key *keys, uint64_t count, bool waits)
{
    char found[BATCH][VALUE_SIZE];
    for (uint64_t i = 0; i + BATCH <= count; i += BATCH) {
        const char *batch[BATCH];
        for (size_t j = 0; j < BATCH; j++) batch[j] = keys[i + j].bytes;
        if (floor_mget(&table, batch, BATCH, found) != BATCH) fail("floor: a key is missing");
        end_operation(waits);
    }
}

static kv *db;

static void kvstore_get_pass(const struct key *keys, uint64_t count, bool waits)
{
    kv_buffer found = {0};
    for (uint64_t i = 0; i < count; i++) {
        must(kv_get(db, key_slice(&keys[i]), &found));
        end_operation(waits);
    }
    kv_buffer_free(&found);
}

static void kvstore_set_pass(const struct key *keys, uint64_t count, bool waits)
{
    for (uint64_t i = 0; i < count; i++) {
        change_value(i);
        must(kv_set(db, key_slice(&keys[i]), KV_BYTES(value, VALUE_SIZE), NULL));
        end_operation(waits);
    }
}

static bool copy_found(void *context, size_t index, const kv_slice *item)
{
    char(*found)[VALUE_SIZE] = context;
    if (item == NULL || item->size != VALUE_SIZE) fail("kvstore: a key is missing");
    memcpy(found[index], item->data, VALUE_SIZE);
    return true;
}

static void kvstore_mget_pass(const struct key *keys, uint64_t count, bool waits)
{
    char found[BATCH][VALUE_SIZE];
    for (uint64_t i = 0; i + BATCH <= count; i += BATCH) {
        kv_slice batch[BATCH];
        for (size_t j = 0; j < BATCH; j++) batch[j] = key_slice(&keys[i + j]);
        must(kv_mget(db, batch, BATCH, copy_found, found));
        end_operation(waits);
    }
}

#ifdef BENCH_LMDB
/*
 * LMDB in a file in memory, without sync. A call is a call: get and set have a transaction each, as
 * theirs is the only way to see and publish the latest state. The forms of 1000 share one
 * transaction among a thousand calls, which is LMDB's own way to be fast.
 */
static MDB_env *lmdb_env;
static MDB_dbi lmdb_db;
static MDB_txn *lmdb_reader;

static void lmdb_must(int problem)
{
    if (problem != 0) fail("lmdb: %s", mdb_strerror(problem));
}

static MDB_txn *lmdb_begin(void)
{
    MDB_txn *txn;
    lmdb_must(mdb_txn_begin(lmdb_env, NULL, 0, &txn));
    return txn;
}

static void lmdb_get_one(MDB_txn *txn, const struct key *key)
{
    char copy[VALUE_SIZE];
    MDB_val name = {KEY_SIZE, (void *)(uintptr_t)key->bytes}, found;
    lmdb_must(mdb_get(txn, lmdb_db, &name, &found));
    memcpy(copy, found.mv_data, VALUE_SIZE);
    __asm__ volatile("" : : "r"(copy) : "memory"); /* the copy is made, though nobody reads it */
}

static void lmdb_set_one(MDB_txn *txn, const struct key *key)
{
    MDB_val name = {KEY_SIZE, (void *)(uintptr_t)key->bytes}, new_value = {VALUE_SIZE, value};
    lmdb_must(mdb_put(txn, lmdb_db, &name, &new_value, 0));
}

static void lmdb_get_pass(const struct key *keys, uint64_t count, bool waits)
{
    for (uint64_t i = 0; i < count; i++) {
        lmdb_must(mdb_txn_renew(lmdb_reader));
        lmdb_get_one(lmdb_reader, &keys[i]);
        mdb_txn_reset(lmdb_reader);
        end_operation(waits);
    }
}

static void lmdb_set_pass(const struct key *keys, uint64_t count, bool waits)
{
    for (uint64_t i = 0; i < count; i++) {
        change_value(i);
        MDB_txn *txn = lmdb_begin();
        lmdb_set_one(txn, &keys[i]);
        lmdb_must(mdb_txn_commit(txn));
        end_operation(waits);
    }
}

static void lmdb_get_in_groups(const struct key *keys, uint64_t count, uint64_t group, bool waits)
{
    for (uint64_t i = 0; i < count; i++) {
        if (i % group == 0) lmdb_must(mdb_txn_renew(lmdb_reader));
        lmdb_get_one(lmdb_reader, &keys[i]);
        if (i % group == group - 1 || i == count - 1) mdb_txn_reset(lmdb_reader);
        end_operation(waits);
    }
}

static void lmdb_mget_pass(const struct key *keys, uint64_t count, bool waits)
{
    lmdb_get_in_groups(keys, count, BATCH, waits);
}

static void lmdb_get_1000_pass(const struct key *keys, uint64_t count, bool waits)
{
    lmdb_get_in_groups(keys, count, 1000, waits);
}

static void lmdb_set_1000_pass(const struct key *keys, uint64_t count, bool waits)
{
    MDB_txn *txn = NULL;
    for (uint64_t i = 0; i < count; i++) {
        if (i % 1000 == 0) txn = lmdb_begin();
        change_value(i);
        lmdb_set_one(txn, &keys[i]);
        if (i % 1000 == 999 || i == count - 1) lmdb_must(mdb_txn_commit(txn));
        end_operation(waits);
    }
}

static void lmdb_open(void)
{
    char path[64], lock_path[80];
    snprintf(path, sizeof path, "%s/kvstore-bench-%d.mdb",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (int)getpid());
    snprintf(lock_path, sizeof lock_path, "%s-lock", path);
    lmdb_must(mdb_env_create(&lmdb_env));
    lmdb_must(mdb_env_set_mapsize(lmdb_env, (size_t)(key_count * 400 + (64 << 20))));
    lmdb_must(mdb_env_open(lmdb_env, path, MDB_NOSUBDIR | MDB_NOSYNC | MDB_WRITEMAP, 0600));
    unlink(path); /* both live on while they are open */
    unlink(lock_path);
    MDB_txn *txn = lmdb_begin();
    lmdb_must(mdb_dbi_open(txn, NULL, 0, &lmdb_db));
    lmdb_must(mdb_txn_commit(txn));
    lmdb_must(mdb_txn_begin(lmdb_env, NULL, MDB_RDONLY, &lmdb_reader));
    mdb_txn_reset(lmdb_reader);
}

static void lmdb_close(void)
{
    mdb_txn_abort(lmdb_reader);
    mdb_env_close(lmdb_env);
}
#endif

/* ---- access ---- */

static const struct measure {
    const char *engine, *operation;
    pass *pass;
    bool waits;
} access_measures[] = {
    {"floor", "get", floor_get_pass, true},
    {"kvstore", "get", kvstore_get_pass, true},
#ifdef BENCH_LMDB
    {"lmdb", "get", lmdb_get_pass, true},
    {"lmdb1000", "get", lmdb_get_1000_pass, true},
#endif
    {"floor", "set", floor_set_pass, true},
    {"kvstore", "set", kvstore_set_pass, true},
#ifdef BENCH_LMDB
    {"lmdb", "set", lmdb_set_pass, true},
    {"lmdb1000", "set", lmdb_set_1000_pass, true},
#endif
    {"floor", "mget16", floor_mget_pass, true},
    {"kvstore", "mget16", kvstore_mget_pass, true},
#ifdef BENCH_LMDB
    {"lmdb", "mget16", lmdb_mget_pass, true},
#endif
    {"floor", "get, free", floor_get_pass, false},
    {"kvstore", "get, free", kvstore_get_pass, false},
    {"floor", "set, free", floor_set_pass, false},
    {"kvstore", "set, free", kvstore_set_pass, false},
#ifdef BENCH_LMDB
    {"lmdb", "get, free", lmdb_get_pass, false},
    {"lmdb", "set, free", lmdb_set_pass, false},
#endif
};

enum { ACCESS_MEASURES = sizeof access_measures / sizeof access_measures[0] };

/* All keys, in an order of chance, so that neighbours in memory are not neighbours in number. */
static struct key *make_all_keys(void)
{
    struct random random = {99};
    struct key *keys = must_allocate(key_count * sizeof *keys);
    for (uint64_t i = 0; i < key_count; i++) {
        uint64_t j = random_below(&random, i + 1);
        keys[i] = keys[j];
        keys[j] = make_key("key:", i);
    }
    return keys;
}

static double time_pass(pass *run, const struct key *keys, uint64_t count, bool waits)
{
    uint64_t started = now_ns();
    run(keys, count, waits);
    return (double)(now_ns() - started) / (double)count;
}

static void case_access(void)
{
    struct key *all = make_all_keys();
    table = floor_create(key_count);
    floor_set_pass(all, key_count, false);
    must(kv_open(NULL, &db));
    kvstore_set_pass(all, key_count, false);
#ifdef BENCH_LMDB
    lmdb_open();
    lmdb_set_1000_pass(all, key_count, false);
#endif
    free(all);

    static double samples[ACCESS_MEASURES][ROUNDS_MAX];
    uint64_t count = operation_count - operation_count % BATCH;
    for (size_t round = 0; round < round_count; round++) {
        struct key *keys = make_keys(count, round);
        for (size_t i = 0; i < ACCESS_MEASURES; i++)
            samples[i][round] =
                time_pass(access_measures[i].pass, keys, count, access_measures[i].waits);
        free(keys);
    }
    for (size_t i = 0; i < ACCESS_MEASURES; i++)
        print_samples(access_measures[i].engine, access_measures[i].operation, "ns", samples[i]);

#ifdef BENCH_LMDB
    lmdb_close();
#endif
    kv_close(db);
    floor_destroy(&table);
}

/* ---- threads ---- */

struct worker {
    pthread_t thread;
    pass *pass;
    const struct key *keys;
    uint64_t count;
};

static void *work(void *context)
{
    struct worker *worker = context;
    worker->pass(worker->keys, worker->count, true);
    return NULL;
}

/* Operations a second of `threads` threads that do `operation_count` each. */
static double time_workers(pass *run, size_t threads, struct key *const *keys)
{
    struct worker workers[2];
    uint64_t started = now_ns();
    for (size_t i = 0; i < threads; i++) {
        workers[i] = (struct worker){.pass = run, .keys = keys[i], .count = operation_count};
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) fail("no thread");
    }
    for (size_t i = 0; i < threads; i++) pthread_join(workers[i].thread, NULL);
    return (double)(threads * operation_count) * 1e9 / (double)(now_ns() - started);
}

/* Sets without change_value(), which is for one thread. */
static void kvstore_set_shared_pass(const struct key *keys, uint64_t count, bool waits)
{
    for (uint64_t i = 0; i < count; i++) {
        must(kv_set(db, key_slice(&keys[i]), KV_BYTES(value, VALUE_SIZE), NULL));
        end_operation(waits);
    }
}

/* The floor's gets, which share nothing, show what two cores of this machine give at most. */
static void case_threads(void)
{
    static const struct measure measures[] = {
        {"floor", "get", floor_get_pass, true},
        {"kvstore", "get", kvstore_get_pass, true},
        {"kvstore", "set", kvstore_set_shared_pass, true},
    };
    enum { MEASURES = sizeof measures / sizeof measures[0] };
    static double samples[MEASURES][2][ROUNDS_MAX];

    struct key *all = make_all_keys();
    table = floor_create(key_count);
    floor_set_pass(all, key_count, false);
    must(kv_open(NULL, &db));
    kvstore_set_pass(all, key_count, false);
    free(all);

    struct key *keys[2] = {make_keys(operation_count, 1), make_keys(operation_count, 2)};
    for (size_t round = 0; round < round_count; round++)
        for (size_t i = 0; i < MEASURES; i++)
            for (size_t threads = 1; threads <= 2; threads++)
                samples[i][threads - 1][round] = time_workers(measures[i].pass, threads, keys);
    for (size_t i = 0; i < MEASURES; i++) {
        for (size_t threads = 1; threads <= 2; threads++) {
            char operation[32];
            snprintf(operation, sizeof operation, "%s, threads %zu", measures[i].operation,
                     threads);
            print_samples(measures[i].engine, operation, "per_second", samples[i][threads - 1]);
        }
    }
    free(keys[0]);
    free(keys[1]);
    kv_close(db);
    floor_destroy(&table);
}

/* ---- growth ---- */

/* An allocator that remembers what was asked of it. One thread uses it. */
enum { ALLOCATION_LIMIT = 64 << 10, LARGE_KINDS = 64 };

static struct {
    size_t largest;
    uint64_t count, large_count;
    size_t large_sizes[LARGE_KINDS]; /* the distinct sizes above the limit */
    size_t large_kinds;
} observed;

static void observe(size_t size)
{
    observed.count++;
    if (size > observed.largest) observed.largest = size;
    if (size <= ALLOCATION_LIMIT) return;
    observed.large_count++;
    for (size_t i = 0; i < observed.large_kinds; i++)
        if (observed.large_sizes[i] == size) return;
    if (observed.large_kinds < LARGE_KINDS) observed.large_sizes[observed.large_kinds++] = size;
}

static void *observed_allocate(void *context, size_t size, size_t alignment)
{
    (void)context;
    observe(size);
    if (alignment <= 16) return malloc(size);
    void *block;
    return posix_memalign(&block, alignment, size) == 0 ? block : NULL;
}

static void *observed_resize(void *context, void *block, size_t old_size, size_t new_size)
{
    (void)context;
    (void)old_size;
    observe(new_size);
    return realloc(block, new_size);
}

static void observed_release(void *context, void *block, size_t size)
{
    (void)context;
    (void)size;
    free(block);
}

static void case_growth(void)
{
    static struct histogram latencies, clock_alone;
    kv_allocator allocator = {observed_allocate, observed_resize, observed_release, NULL};
    kv_options options = KV_OPTIONS(kv_options);
    options.allocator = &allocator;
    must(kv_open(&options, &db));
    struct key *all = make_all_keys();

    /* The same loop without the store first: what the machine itself interrupts. */
    uint64_t before = now_ns(), started;
    for (uint64_t i = 0; i < key_count; i++) {
        uint64_t after = now_ns();
        histogram_add(&clock_alone, after - before, 1);
        before = after;
    }
    started = before = now_ns();
    for (uint64_t i = 0; i < key_count; i++) {
        must(kv_set(db, key_slice(&all[i]), KV_BYTES(value, VALUE_SIZE), NULL));
        uint64_t after = now_ns();
        histogram_add(&latencies, after - before, 1);
        before = after;
    }
    printf("{\"keys\":%llu,\"seconds\":%.3f,\"allocations\":%llu,\"largest_allocation\":%zu,"
           "\"above_64k\":%llu,\"sizes_above_64k\":[",
           (unsigned long long)key_count, (double)(before - started) / 1e9,
           (unsigned long long)observed.count, observed.largest,
           (unsigned long long)observed.large_count);
    for (size_t i = 0; i < observed.large_kinds; i++)
        printf("%s%zu", i == 0 ? "" : ",", observed.large_sizes[i]);
    printf("],");
    histogram_print("insert_ns", &latencies);
    printf(",");
    histogram_print("clock_ns", &clock_alone);
    printf("}\n");
    free(all);
    kv_close(db);
}

/* ---- memory ---- */

static uint64_t resident_bytes(void)
{
    unsigned long long total, resident;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%llu %llu", &total, &resident) != 2)
        fail("cannot read /proc/self/statm");
    fclose(file);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void fill_values(void)
{
    for (uint64_t i = 0; i < key_count; i++) {
        struct key key = make_key("key:", i);
        must(kv_set(db, key_slice(&key), KV_BYTES(value, 16), NULL));
    }
}

static void fill_deadlines(void)
{
    kv_set_options options = KV_OPTIONS(kv_set_options);
    struct random random = {5};
    for (uint64_t i = 0; i < key_count; i++) {
        struct key key = make_key("key:", i);
        options.ttl_ms = 3600000 + (int64_t)random_below(&random, 3600000);
        must(kv_set(db, key_slice(&key), KV_BYTES(value, 16), &options));
    }
}

/* Thirteen digits and more: no small number that some store might share. */
static void fill_integers(void)
{
    for (uint64_t i = 0; i < key_count; i++) {
        struct key key = make_key("key:", i);
        char text[32];
        int size =
            snprintf(text, sizeof text, "%llu", 1000000000000ull + (unsigned long long)i * 977);
        must(kv_set(db, key_slice(&key), KV_BYTES(text, (size_t)size), NULL));
    }
}

static void fill_list(void)
{
    for (uint64_t i = 0; i < key_count; i++) {
        struct key element = make_key("key:", i);
        kv_slice slice = key_slice(&element);
        must(kv_rpush(db, KV_TEXT("list"), &slice, 1, NULL));
    }
}

static void measure_memory(const char *kind, void (*fill)(void))
{
    uint64_t before = resident_bytes();
    must(kv_open(NULL, &db));
    fill();
    uint64_t after = resident_bytes();
    kv_statistics statistics = {.size = sizeof statistics};
    must(kv_stats(db, &statistics));
    printf("{\"kind\":\"%s\",\"count\":%llu,\"bytes_each\":%.2f,\"accounted_each\":%.2f,"
           "\"tables_each\":%.2f}\n",
           kind, (unsigned long long)key_count, (double)(after - before) / (double)key_count,
           (double)statistics.bytes / (double)key_count,
           (double)statistics.bytes_tables / (double)key_count);
    kv_close(db);
}

/* In a child of its own, so that each starts from an empty process. */
static void fork_memory(const char *kind, void (*fill)(void))
{
    fflush(stdout);
    pid_t child = fork();
    if (child < 0) fail("no process");
    if (child == 0) {
        measure_memory(kind, fill);
        exit(0);
    }
    int status;
    if (waitpid(child, &status, 0) != child || status != 0)
        fail("memory: the case '%s' failed", kind);
}

static void case_memory(void)
{
    fork_memory("value", fill_values);
    fork_memory("deadline", fill_deadlines);
    fork_memory("integer", fill_integers);
    fork_memory("list", fill_list);
}

/* ---- deadlines ---- */

/* A clock that stands where it is put. */
static _Atomic int64_t injected_ms = 1700000000000;

static int64_t injected_wall_ms(void *context)
{
    (void)context;
    return atomic_load_explicit(&injected_ms, memory_order_relaxed);
}

static int64_t injected_monotonic_us(void *context)
{
    (void)context;
    return (int64_t)(now_ns() / 1000); /* kv_tick()'s budget is real time */
}

static void kvstore_setex_pass(const struct key *keys, uint64_t count, bool waits)
{
    kv_set_options options = KV_OPTIONS(kv_set_options);
    for (uint64_t i = 0; i < count; i++) {
        change_value(i);
        options.ttl_ms = 60000 + (int64_t)(i & 0xffff);
        must(kv_set(db, key_slice(&keys[i]), KV_BYTES(value, VALUE_SIZE), &options));
        end_operation(waits);
    }
}

static void measure_set_with_deadline(void)
{
    static double plain[ROUNDS_MAX], with_deadline[ROUNDS_MAX];
    kv *other;
    must(kv_open(NULL, &db));
    must(kv_open(NULL, &other)); /* for deadlines: neither pass converts the other's keys */
    struct key *all = make_all_keys();
    kvstore_set_pass(all, key_count, false);
    kv *stores[2] = {db, other};
    db = other;
    kvstore_setex_pass(all, key_count, false);
    free(all);
    for (size_t round = 0; round < round_count; round++) {
        struct key *keys = make_keys(operation_count, round);
        db = stores[0];
        plain[round] = time_pass(kvstore_set_pass, keys, operation_count, true);
        db = stores[1];
        with_deadline[round] = time_pass(kvstore_setex_pass, keys, operation_count, true);
        free(keys);
    }
    print_samples("kvstore", "set", "ns", plain);
    print_samples("kvstore", "set ex", "ns", with_deadline);
    kv_close(stores[0]);
    kv_close(stores[1]);
}

/* A thread that gets keys without deadlines until it is told to stop, timing each get. */
struct reader {
    const struct key *keys;
    atomic_bool is_running, stop;
    struct histogram latencies;
};

static void *read_on(void *context)
{
    struct reader *reader = context;
    kv_buffer found = {0};
    atomic_store(&reader->is_running, true);
    uint64_t before = now_ns();
    for (uint64_t i = 0; !atomic_load_explicit(&reader->stop, memory_order_relaxed); i++) {
        must(kv_get(db, key_slice(&reader->keys[i % operation_count]), &found));
        uint64_t after = now_ns();
        histogram_add(&reader->latencies, after - before, 1);
        before = after;
    }
    kv_buffer_free(&found);
    return NULL;
}

/* Runs `task` beside a reading thread and returns the latencies of the reads. */
static void read_beside(void (*task)(void *), void *context, struct reader *reader)
{
    memset(&reader->latencies, 0, sizeof reader->latencies);
    atomic_store(&reader->is_running, false);
    atomic_store(&reader->stop, false);
    pthread_t thread;
    if (pthread_create(&thread, NULL, read_on, reader) != 0) fail("no thread");
    while (!atomic_load(&reader->is_running)) usleep(100);
    task(context);
    atomic_store(&reader->stop, true);
    pthread_join(thread, NULL);
}

/* Calm: another core works just as hard, but not in the store. */
static void spin_100_ms(void *context)
{
    (void)context;
    for (uint64_t started = now_ns(); now_ns() - started < 100000000;) continue;
}

static void tick_until_done(void *tick_ns)
{
    uint64_t started = now_ns();
    kv_status status;
    while ((status = kv_tick(db, 1000)) == KV_MORE) continue;
    must(status);
    *(uint64_t *)tick_ns = now_ns() - started;
}

/* All at once: `key_count` keys with deadlines spread by chance over one second that has passed. */
static void add_due_keys(void)
{
    kv_set_options options = KV_OPTIONS(kv_set_options);
    struct random random = {11};
    for (uint64_t i = 0; i < key_count; i++) {
        struct key key = make_key("key:", i);
        memcpy(key.bytes, "due:", KEY_PREFIX_SIZE);
        options.ttl_ms = 60000 + (int64_t)random_below(&random, 1000);
        must(kv_set(db, key_slice(&key), KV_BYTES(value, VALUE_SIZE), &options));
    }
}

static void measure_mass_expiry(void)
{
    kv_clock clock = {injected_wall_ms, injected_monotonic_us, NULL};
    kv_options options = KV_OPTIONS(kv_options);
    options.clock = &clock;
    must(kv_open(&options, &db));
    struct key *all = make_all_keys();
    kvstore_set_pass(all, key_count, false);
    free(all);

    static double tick_ms[ROUNDS_MAX], calm_p99[ROUNDS_MAX], busy_p99[ROUNDS_MAX],
        busy_max[ROUNDS_MAX];
    static struct reader reader;
    struct key *keys = make_keys(operation_count, 3);
    reader.keys = keys;
    for (size_t round = 0; round < round_count; round++) {
        add_due_keys();
        read_beside(spin_100_ms, NULL, &reader);
        calm_p99[round] = (double)histogram_quantile(&reader.latencies, 0.99);
        atomic_fetch_add(&injected_ms, 61001);
        uint64_t tick_ns;
        read_beside(tick_until_done, &tick_ns, &reader);
        tick_ms[round] = (double)tick_ns / 1e6;
        busy_p99[round] = (double)histogram_quantile(&reader.latencies, 0.99);
        busy_max[round] = (double)reader.latencies.max;
        kv_statistics statistics = {.size = sizeof statistics};
        must(kv_stats(db, &statistics));
        if (statistics.keys != key_count || statistics.keys_with_ttl != 0)
            fail("due keys are left over");
    }
    print_samples("kvstore", "tick, all due", "ms", tick_ms);
    print_samples("kvstore", "get p99, calm", "ns", calm_p99);
    print_samples("kvstore", "get p99, ticking", "ns", busy_p99);
    print_samples("kvstore", "get max, ticking", "ns", busy_max);
    free(keys);
    kv_close(db);
}

static void case_deadlines(void)
{
    measure_set_with_deadline();
    measure_mass_expiry();
}

/* ---- the command line ---- */

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } cases[] = {
        {"access", case_access}, {"threads", case_threads},     {"growth", case_growth},
        {"memory", case_memory}, {"deadlines", case_deadlines},
    };
    if (argc < 2 || argc % 2 != 0)
        fail("usage: inprocess CASE [--keys N] [--rounds N] [--operations N]");
    key_count = parse_option(argc, argv, 2, "--keys", key_count);
    round_count = parse_option(argc, argv, 2, "--rounds", round_count);
    operation_count = parse_option(argc, argv, 2, "--operations", operation_count);
    if (round_count > ROUNDS_MAX) fail("at most %d rounds", ROUNDS_MAX);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (strcmp(argv[1], cases[i].name) != 0) continue;
        cases[i].run();
        return 0;
    }
    fail("no case called '%s'", argv[1]);
}
