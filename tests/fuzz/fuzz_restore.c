/*
 * tests/fuzz/fuzz_restore.c -- payloads from anybody: refused, or a value that is sound and comes
 * back the same.
 *
 * The input is a type and a value without the footer, so that a change in it is not stopped by the
 * checksum. What is made of it is walked, changed a little, dumped, and restored from that under
 * other limits: the second dump must restore to a third that has its bytes, where these do not
 * depend on the order of a table.
 */
#include "kvstore.h"

#include "fuzz.h"

#include <stdlib.h>

enum { FOOTER = 10, SIZE_MAX_OF_STRING = 1 << 20, SHARDS = 1 };

static kv *db;
static uint8_t *payload;

static void open_once(void)
{
    kv_options options = KV_OPTIONS(kv_options);
    options.shards = SHARDS;
    if (db != NULL) return;
    check(kv_open(&options, &db) == KV_OK);
    check(kv_configure(db, KV_SETTING_EXPIRE, 0) == KV_OK);
    check(kv_configure(db, KV_SETTING_MAX_VALUE_SIZE, SIZE_MAX_OF_STRING) == KV_OK);
}

/* A value of few elements is small or large as this says. */
static void limit_small_forms(bool has_none)
{
    static const int64_t usual[] = {512, 64, 128, 64, 128, 64, 512};
    for (int i = 0; i < 7; i++)
        check(kv_configure(db, (kv_setting)(KV_SETTING_HASH_PACK_COUNT + i),
                           has_none ? 1 : usual[i]) == KV_OK);
    check(kv_configure(db, KV_SETTING_LIST_PACK_SIZE, has_none ? 1 : -2) == KV_OK);
}

/* The bytes with a footer behind them. */
static kv_slice with_footer(const uint8_t *data, size_t size)
{
    uint64_t sum = 0;
    payload = realloc(payload, size + FOOTER);
    check(payload != NULL);
    if (size > 0) memcpy(payload, data, size);
    payload[size] = 12;
    payload[size + 1] = 0;
    for (size_t i = 0; i < size + 2; i++) {
        sum ^= payload[i];
        for (int bit = 0; bit < 8; bit++)
            sum = sum >> 1 ^ ((sum & 1) != 0 ? UINT64_C(0x95ac9329ac4bc9b5) : 0);
    }
    for (size_t i = 0; i < 8; i++) payload[size + 2 + i] = (uint8_t)(sum >> 8 * i);
    return kv_bytes(payload, size + FOOTER);
}

static kv_status restore(kv_slice key, kv_slice bytes)
{
    kv_restore_options options = KV_OPTIONS(kv_restore_options);
    options.replace = true;
    kv_status status = kv_restore(db, key, bytes, &options);
    kv_check(db);
    return status;
}

static uint64_t length_of(kv_slice key, kv_type *type)
{
    kv_object_info info = KV_OPTIONS(kv_object_info);
    check(kv_object(db, key, &info) == KV_OK);
    *type = info.type;
    return info.length;
}

/* Reads with a group and without, deletes, trims, and adds if there is an id left. */
static void change_stream(kv_slice key)
{
    static const kv_slice group = {"g", 1}, consumer = {"c", 1}, pair[2] = {{"f", 1}, {"v", 1}};
    kv_stream_from from = {.key = key, .only_new = true};
    kv_stream_trim trim = KV_OPTIONS(kv_stream_trim);
    kv_status status = kv_xadd(db, key, pair, 1, NULL, NULL);
    check(status != KV_NOMEM && status != KV_WRONGTYPE);
    check(kv_xgroup_create(db, key, group, NULL) >= KV_OK);
    check(kv_xreadgroup(db, group, consumer, &from, 1, NULL, NULL, NULL, NULL, NULL) >= KV_OK);
    kv_check(db);
    trim.length = 1;
    check(kv_xtrim(db, key, &trim, NULL) >= KV_OK);
}

/* Takes out and puts in, which an unsound value would not survive. */
static void change(kv_slice key, kv_type type)
{
    static const kv_slice texts[4] = {{"7", 1}, {"a", 1}, {"-129", 4}, {"b", 1}};
    static const kv_scored scored[2] = {{{"a", 1}, 1.5}, {{"7", 1}, -2}};
    switch (type) {
    case KV_TYPE_STRING: check(kv_append(db, key, texts[0], NULL) == KV_OK); break;
    case KV_TYPE_LIST:
        check(kv_lrem(db, key, 0, texts[1], NULL) >= KV_OK);
        check(kv_rpush(db, key, texts, 4, NULL) == KV_OK);
        break;
    case KV_TYPE_SET:
        check(kv_srem(db, key, texts, 2, NULL) == KV_OK);
        check(kv_sadd(db, key, texts, 4, NULL) == KV_OK);
        break;
    case KV_TYPE_SORTED_SET: check(kv_zadd(db, key, scored, 2, 0, NULL, NULL) == KV_OK); break;
    case KV_TYPE_HASH:
        check(kv_hdel(db, key, texts, 1, NULL) >= KV_OK);
        check(kv_hset(db, key, texts, 2, NULL) == KV_OK);
        break;
    case KV_TYPE_STREAM: change_stream(key); break;
    default: break;
    }
    kv_check(db);
}

/* A dump restores to the same number of things, and to the same dump unless a table ordered it. */
static void move(kv_slice from, kv_slice to)
{
    static kv_buffer first, second;
    kv_type type, moved_type;
    uint64_t length = length_of(from, &type);
    check(kv_dump(db, from, &first) == KV_OK);
    check(restore(to, kv_bytes(first.data, first.size)) == KV_OK);
    check(length_of(to, &moved_type) == length && moved_type == type);
    check(kv_dump(db, to, &second) == KV_OK);
    check(restore(to, kv_bytes(second.data, second.size)) == KV_OK);
    check(length_of(to, &moved_type) == length && moved_type == type);
    if (type == KV_TYPE_STRING)
        check(first.size == second.size && memcmp(first.data, second.data, first.size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const kv_slice key = KV_TEXT("key"), other = KV_TEXT("other");
    kv_type type;
    open_once();
    check(kv_flush(db, false) == KV_OK);
    limit_small_forms(size % 2 == 0);
    kv_status status = restore(key, with_footer(data, size));
    check(status == KV_OK || status == KV_CORRUPT || status == KV_TOOBIG);
    if (status != KV_OK) return 0;
    (void)length_of(key, &type);
    move(key, other);
    limit_small_forms(size % 2 == 1);
    move(key, other);
    change(other, type);
    change(key, type);
    move(key, other);
    return 0;
}
