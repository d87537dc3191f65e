/*
 * tests/fuzz/fuzz_load.c -- RDB files from anybody: refused, or a store that is sound and comes back
 * the same.
 *
 * The first byte says in what pieces the rest is read; a sum of 0 is one that was not kept, so a
 * change is not stopped by it. What is loaded is walked, written by a snapshot, and loaded from that
 * into a store of other limits, which must have as many keys.
 */
#include "kvstore.h"

#include "fuzz.h"

#include <stdlib.h>

enum { SIZE_MAX_OF_STRING = 1 << 20 };

static kv *open_store(bool has_small_forms)
{
    kv *db;
    kv_options options = KV_OPTIONS(kv_options);
    options.shards = 2;
    check(kv_open(&options, &db) == KV_OK);
    check(kv_configure(db, KV_SETTING_EXPIRE, 0) == KV_OK);
    check(kv_configure(db, KV_SETTING_MAX_VALUE_SIZE, SIZE_MAX_OF_STRING) == KV_OK);
    if (has_small_forms) return db;
    for (int i = 0; i < 7; i++)
        check(kv_configure(db, (kv_setting)(KV_SETTING_HASH_PACK_COUNT + i), 1) == KV_OK);
    check(kv_configure(db, KV_SETTING_LIST_PACK_SIZE, 1) == KV_OK);
    return db;
}

struct file {
    const uint8_t *bytes;
    size_t size, at, piece;
};

static kv_status read_file(void *context, void *bytes, size_t room, size_t *size)
{
    struct file *file = context;
    size_t left = file->size - file->at;
    *size = left < room ? left : room;
    if (*size > file->piece) *size = file->piece;
    if (*size > 0) memcpy(bytes, file->bytes + file->at, *size);
    file->at += *size;
    return KV_OK;
}

static kv_status append(void *context, kv_slice bytes)
{
    kv_buffer *buffer = context;
    if (bytes.size == 0) return KV_OK;
    void *data = realloc(buffer->data, buffer->size + bytes.size);
    check(data != NULL);
    memcpy((char *)data + buffer->size, bytes.data, bytes.size);
    buffer->data = data;
    buffer->size += bytes.size;
    return KV_OK;
}

static void write_store(kv *db, kv_buffer *buffer)
{
    kv_snapshot *snapshot;
    kv_snapshot_options options = KV_OPTIONS(kv_snapshot_options);
    options.rdb_version = 12;
    options.uncompressed = true;
    check(kv_snapshot_begin(db, &options, append, buffer, &snapshot) == KV_OK);
    check(kv_snapshot_step(snapshot, 0) == KV_OK);
    check(kv_snapshot_end(snapshot) == KV_OK);
}

static uint64_t count_keys(kv *db)
{
    kv_statistics statistics = KV_OPTIONS(kv_statistics);
    check(kv_stats(db, &statistics) == KV_OK);
    return statistics.keys;
}

static void must_come_back(kv *db)
{
    kv_buffer buffer = {0};
    kv_load_options options = KV_OPTIONS(kv_load_options);
    kv_load_report report = KV_OPTIONS(kv_load_report);
    kv *other = open_store(false);
    write_store(db, &buffer);
    struct file file = {buffer.data, buffer.size, 0, 1000};
    options.keeps_expired = true;
    check(kv_load(other, read_file, &file, &options, &report) == KV_OK);
    kv_check(other);
    check(report.bytes == buffer.size && report.keys == count_keys(db));
    check(count_keys(other) == count_keys(db));
    free(buffer.data);
    kv_close(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    kv *db = open_store(size % 2 == 0);
    struct file file = {data + 1, size - 1, 0, 1 + (size_t)data[0] * data[0]};
    kv_load_options options = KV_OPTIONS(kv_load_options);
    kv_load_report report = KV_OPTIONS(kv_load_report);
    options.keeps_expired = true;
    kv_status status = kv_load(db, read_file, &file, &options, &report);
    kv_check(db);
    check(status == KV_OK || status == KV_CORRUPT || status == KV_TOOBIG);
    check(report.bytes <= size - 1);
    check((status == KV_OK) == (report.message[0] == 0));
    check(count_keys(db) == report.keys);
    if (status == KV_OK) must_come_back(db);
    kv_close(db);
    return 0;
}
