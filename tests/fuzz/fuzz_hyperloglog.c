/*
 * tests/fuzz/fuzz_hyperloglog.c -- a string from anybody where a HyperLogLog is expected: refused,
 * or safe in every use, and then both forms agree.
 *
 * The input is tried as it is, and again as the runs behind a right header.
 */
#include "kvstore.h"

#include "fuzz.h"

#include <string.h>

static kv *db;

static const kv_slice key = {"k", 1}, other = {"other", 5}, keys[2] = {{"k", 1}, {"other", 5}};

static bool is_refusal(kv_status status)
{
    return status == KV_NOTHLL || status == KV_CORRUPT;
}

/* The string, and a number made of it. */
static uint64_t digest(kv_slice of, kv_buffer *buffer)
{
    uint64_t hash = 14695981039346656037u;
    kv_status status = kv_get(db, of, buffer);
    check(status == KV_OK || status == KV_NONE);
    if (status == KV_NONE) return 0;
    for (size_t i = 0; i < buffer->size; i++)
        hash = (hash ^ ((const uint8_t *)buffer->data)[i]) * 0x100000001b3u;
    return hash;
}

static bool add_up(void *context, kv_run_kind kind, unsigned count, unsigned value)
{
    check((value > 0) == (kind == KV_RUN_VALUE) && count > 0 && count <= KV_HYPERLOGLOG_REGISTERS);
    *(uint64_t *)context += count;
    return true;
}

/* All of it can be read: so it can be made dense, and is the same then. */
static void use_good(void)
{
    static uint8_t before[KV_HYPERLOGLOG_REGISTERS], after[KV_HYPERLOGLOG_REGISTERS];
    uint64_t count = 0, dense_count = 0, runs = 0;
    check(kv_pfregisters(db, key, before) == KV_OK);
    kv_status status = kv_pfruns(db, key, add_up, &runs);
    check(status == KV_SKIPPED || (status == KV_OK && runs == KV_HYPERLOGLOG_REGISTERS));
    check(kv_pfmerge(db, other, &key, 1) == KV_OK);
    check(kv_pfcount(db, keys, 2, &count) == KV_OK);
    check(kv_pfdense(db, key) >= 0);
    check(kv_pfregisters(db, key, after) == KV_OK);
    check(memcmp(before, after, sizeof before) == 0);
    check(kv_pfregisters(db, other, after) == KV_OK);
    check(memcmp(before, after, sizeof before) == 0);
    check(kv_pfcount(db, keys, 2, &dense_count) == KV_OK && count == dense_count);
}

static void add_and_count(kv_buffer *buffer)
{
    uint64_t count;
    for (uint8_t i = 0; i < 20; i++) {
        kv_slice element = kv_bytes(&i, 1);
        uint64_t before = digest(key, buffer);
        bool changed = false;
        kv_status status = kv_pfadd(db, key, &element, 1, &changed);
        check(status == KV_OK || is_refusal(status));
        check((digest(key, buffer) != before) == changed || status != KV_OK);
        if (status != KV_OK) check(digest(key, buffer) == before);
        status = kv_pfcount(db, &key, 1, &count);
        check(status == KV_OK || is_refusal(status));
    }
}

static void try_string(kv_slice string)
{
    static kv_buffer buffer;
    uint8_t registers[KV_HYPERLOGLOG_REGISTERS];
    kv_del(db, keys, 2, NULL);
    check(kv_set(db, key, string, NULL) == KV_OK);
    kv_status status = kv_pfregisters(db, key, registers);
    check(status == KV_OK || is_refusal(status));
    if (status == KV_OK) {
        use_good();
    } else {
        uint64_t before = digest(key, &buffer), runs = 0;
        check(kv_pfmerge(db, other, &key, 1) == status);
        check(kv_pfmerge(db, key, NULL, 0) == status);
        check(kv_pfcount(db, keys, 2, NULL) == status);
        check(kv_pfdense(db, key) == status);
        check(kv_pfruns(db, key, add_up, &runs) != KV_NONE);
        check(digest(key, &buffer) == before);
    }
    check(kv_set(db, key, string, NULL) == KV_OK);
    add_and_count(&buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t runs[16 + 65536] = "HYLL\1";
    kv_options options = KV_OPTIONS(kv_options);
    options.shards = 1;
    if (size > 65536) return 0;
    if (db == NULL) check(kv_open(&options, &db) == KV_OK);
    try_string(kv_bytes(data, size));
    if (size > 0) memcpy(runs + 16, data, size);
    try_string(kv_bytes(runs, 16 + size));
    return 0;
}
