/*
 * bench/typed.c -- the typed calls of the collections, one element each, in their user's process.
 *
 *      typed [--keys N] [--rounds N] [--operations N]
 *
 * The tests are those of the same names of bench/loadgen, with the same keys and sizes: a set, a
 * sorted set and a list of N, and N / 5 hashes of ten fields. Each call is complete before the next
 * begins, as in bench/inprocess; what is called with is made before the clock starts. Prints a line
 * of JSON for each test, with nanoseconds a call for each round.
 */
#include "kvstore.h"
#include "store.h"

enum { ROUNDS_MAX = 99, FIELDS = 10, VALUE_SIZE = 16 };

static uint64_t key_count = 1000000, operation_count = 1000000, round_count = 5;
static kv *db;
static kv_buffer found;
static const char value[VALUE_SIZE + 1] = "a value of 16 by";

/* What one call is about. */
struct operand {
    struct key key;
    uint32_t number;
};

static kv_slice field_slice(uint32_t number)
{
    static const char names[FIELDS][8] = {"field:0", "field:1", "field:2", "field:3", "field:4",
                                          "field:5", "field:6", "field:7", "field:8", "field:9"};
    return KV_BYTES(names[number % FIELDS], 7);
}

/* ---- the tests ---- */

static uint64_t hash_count(void)
{
    return key_count / 5 + 1;
}

static void fill_hashes(void)
{
    for (uint64_t i = 0; i < hash_count(); i++) {
        struct key key = make_key("hsh:", i);
        kv_slice pairs[2 * FIELDS];
        for (uint32_t j = 0; j < FIELDS; j++) {
            pairs[2 * j] = field_slice(j);
            pairs[2 * j + 1] = KV_BYTES(value, VALUE_SIZE);
        }
        must(kv_hset(db, key_slice(&key), pairs, FIELDS, NULL));
    }
}

static void call_hset(const struct operand *operand)
{
    kv_slice pair[2] = {field_slice(operand->number), KV_BYTES(value, VALUE_SIZE)};
    must(kv_hset(db, key_slice(&operand->key), pair, 1, NULL));
}

static void call_hget(const struct operand *operand)
{
    must(kv_hget(db, key_slice(&operand->key), field_slice(operand->number), &found));
}

static void call_sadd(const struct operand *operand)
{
    kv_slice member = key_slice(&operand->key);
    must(kv_sadd(db, KV_TEXT("set"), &member, 1, NULL));
}

static void call_sismember(const struct operand *operand)
{
    must(kv_sismember(db, KV_TEXT("set"), key_slice(&operand->key)));
}

static void call_zadd(const struct operand *operand)
{
    kv_scored scored = {key_slice(&operand->key), operand->number};
    must(kv_zadd(db, KV_TEXT("scores"), &scored, 1, 0, NULL, NULL));
}

static void call_zscore(const struct operand *operand)
{
    double score;
    must(kv_zscore(db, KV_TEXT("scores"), key_slice(&operand->key), &score));
}

static void call_zrank(const struct operand *operand)
{
    uint64_t rank;
    must(kv_zrank(db, KV_TEXT("scores"), key_slice(&operand->key), KV_HEAD, &rank, NULL));
}

static void call_rpush(const struct operand *operand)
{
    (void)operand;
    kv_slice element = KV_BYTES(value, VALUE_SIZE);
    must(kv_rpush(db, KV_TEXT("list"), &element, 1, NULL));
}

static void call_lindex(const struct operand *operand)
{
    must(kv_lindex(db, KV_TEXT("list"), operand->number, &found));
}

static void call_lpop(const struct operand *operand)
{
    (void)operand;
    must(kv_lpop(db, KV_TEXT("list"), &found));
}

static const struct test {
    const char *name; /* of bench/loadgen */
    const char *prefix;
    void (*call)(const struct operand *);
    void (*fill_call)(const struct operand *); /* for each key; NULL: fill_hashes() */
} tests[] = {
    {"hset", "hsh:", call_hset, NULL},
    {"hget", "hsh:", call_hget, NULL},
    {"sadd", "set:", call_sadd, call_sadd},
    {"sismember", "set:", call_sismember, call_sadd},
    {"zadd", "zst:", call_zadd, call_zadd},
    {"zscore", "zst:", call_zscore, call_zadd},
    {"zrank", "zst:", call_zrank, call_zadd},
    {"rpush1", "lst:", call_rpush, call_rpush},
    {"lindex1", "lst:", call_lindex, call_rpush},
    {"lpop1", "lst:", call_lpop, call_rpush},
};

/* ---- running them ---- */

static uint64_t test_keys(const struct test *test)
{
    return test->fill_call == NULL ? hash_count() : key_count;
}

static struct operand *make_operands(const struct test *test, uint64_t seed)
{
    struct random random = {seed};
    struct operand *operands = must_allocate(operation_count * sizeof *operands);
    for (uint64_t i = 0; i < operation_count; i++) {
        operands[i].key = make_key(test->prefix, random_below(&random, test_keys(test)));
        operands[i].number = (uint32_t)random_below(&random, key_count);
    }
    return operands;
}

/* What is popped must have been pushed. */
static uint64_t fill_count(const struct test *test)
{
    return test->call == call_lpop && operation_count > key_count ? operation_count : key_count;
}

static void fill(const struct test *test)
{
    struct random random = {77};
    if (test->fill_call == NULL) fill_hashes();
    for (uint64_t i = 0; test->fill_call != NULL && i < fill_count(test); i++) {
        struct operand operand = {make_key(test->prefix, i),
                                  (uint32_t)random_below(&random, key_count)};
        test->fill_call(&operand);
    }
}

static double time_round(const struct test *test, uint64_t seed)
{
    struct operand *operands = make_operands(test, seed);
    uint64_t started = now_ns();
    for (uint64_t i = 0; i < operation_count; i++) {
        test->call(&operands[i]);
        end_operation(true);
    }
    double ns = (double)(now_ns() - started) / (double)operation_count;
    free(operands);
    return ns;
}

static void run(const struct test *test)
{
    printf("{\"engine\":\"kvstore\",\"operation\":\"%s\",\"ns\":[", test->name);
    for (uint64_t round = 0; round < round_count; round++) {
        must(kv_open(NULL, &db));
        fill(test);
        printf("%s%.1f", round == 0 ? "" : ",", time_round(test, round));
        kv_close(db);
    }
    printf("]}\n");
    fflush(stdout);
}

int main(int argc, char **argv)
{
    if (argc % 2 == 0) fail("usage: typed [--keys N] [--rounds N] [--operations N]");
    key_count = parse_option(argc, argv, 1, "--keys", key_count);
    round_count = parse_option(argc, argv, 1, "--rounds", round_count);
    operation_count = parse_option(argc, argv, 1, "--operations", operation_count);
    if (round_count > ROUNDS_MAX) fail("at most %d rounds", ROUNDS_MAX);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) run(&tests[i]);
    kv_buffer_free(&found);
    return 0;
}
