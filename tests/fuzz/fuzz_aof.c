/*
 * tests/fuzz/fuzz_aof.c -- a file of the append-only file: bytes to commands, or a refusal with an
 * offset.
 *
 * What must hold of any bytes: they load or are refused with a message; what a torn tail left loads
 * again without complaint, into the same commands; no length that the bytes claim is believed
 * beyond what they hold.
 */
#include "resp/aof_loader.h"

#include "../resp/aof_disk.h"
#include "../resp/aof_record.h"
#include "fuzz.h"

/* A store for the RDB that a file may begin with. */
static kv *open_store(void)
{
    kv_options options = KV_OPTIONS(kv_options);
    kv *db = NULL;
    options.shards = 1;
    check(kv_open(&options, &db) == KV_OK);
    kv_configure(db, KV_SETTING_EXPIRE, 0);
    kv_configure(db, KV_SETTING_MAX_VALUE_SIZE, 1 << 20);
    return db;
}

static uint64_t close_store(kv *db)
{
    kv_statistics statistics = KV_OPTIONS(kv_statistics);
    kv_stats(db, &statistics);
    kv_close(db);
    return statistics.keys;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    struct disk disk;
    disk_open_empty(&disk);
    disk_put_file(&disk, "d/file", data + 1, size - 1);

    struct record first, second;
    record_open(&first);
    record_open(&second);
    struct aof_log log = {NULL, NULL};
    struct aof_loader loader = {
        .io = &disk.io, .sink = &first.sink, .log = &log, .max_text = UINT64_C(1) << 62};
    loader.db = open_store();
    bool is_last = data[0] & 1, cut = data[0] & 2;
    char message[AOF_MESSAGE_SIZE] = "";
    uint64_t left = 0, left_again = 0;
    kv_status status = aof_load_file(&loader, "d/file", is_last, cut, &left, message);
    check(status == KV_OK || status == KV_BADARG);
    check(status == KV_OK || strstr(message, "offset ") != NULL);
    uint64_t keys = close_store(loader.db);
    if (status == KV_OK) {
        check(left == disk_file(&disk, "d/file")->size);
        check(left == size - 1 || (is_last && cut && left < size - 1));
        loader.sink = &second.sink;
        loader.db = open_store();
        status = aof_load_file(&loader, "d/file", false, false, &left_again, message);
        check(status == KV_OK);
        check(left_again == left);
        check(close_store(loader.db) == keys);
        check(text_equal(text_of_buffer(&first.text), text_of_buffer(&second.text)));
    }
    record_close(&first);
    record_close(&second);
    disk_free(&disk);
    return 0;
}
