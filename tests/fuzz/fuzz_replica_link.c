/*
 * tests/fuzz/fuzz_replica_link.c -- masters that say anything: the link ends, and the store is sound.
 *
 * The first byte of the input says in which pieces the rest comes, and whether the store has a
 * history already and asks to go on with it; the rest is what the master says, from its first answer
 * on. A store that took over no data set and went on with no history has the data that it had.
 */
#include "tests/resp/script.h"
#include "fuzz.h"

#include <stdio.h>

enum { LIMIT = 1 << 20 };

static kv *db;
static kvresp *resp;

static void set(const char *name, const char *value)
{
    char message[256];
    check(kvresp_config_set(resp, name, KV_TEXT(value), true, message) == NULL);
}

static void open_once(void)
{
    kv_options options = KV_OPTIONS(kv_options);
    options.shards = 2;
    if (db != NULL) return;
    check(kv_open(&options, &db) == KV_OK);
    check(kvresp_open(db, NULL, &resp) == KV_OK);
    set("proto-max-bulk-len", "1048576");
    set("client-query-buffer-limit", "1048576");
}

static void follow(const void *bytes, size_t size, size_t piece, size_t dismissed)
{
    struct script script = {
        .resp = resp, .bytes = bytes, .size = size, .piece = piece, .dismissed = dismissed};
    (void)script_follow(&script);
    kv_buffer_free(&script.said);
}

/* An honest full sync of one key, so that there is a history. */
static void begin_history(void)
{
    static const char honest[] =
        "+PONG\r\n+OK\r\n+OK\r\n+FULLRESYNC 0123456789abcdef0123456789abcdef01234567 100\r\n"
        "$27\r\nREDIS0010\xfe\0\0\3old\1"
        "1\xff\0\0\0\0\0\0\0\0";
    follow(honest, sizeof honest - 1, sizeof honest, SIZE_MAX);
    uint64_t count = 0;
    check(kv_count(db, &count) == KV_OK && count == 1);
}

static kvresp_following look(void)
{
    kvresp_following now = KV_OPTIONS(kvresp_following);
    check(kvresp_following_look(resp, &now) == KV_OK);
    return now;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t pieces[] = {1, 7, 1000, LIMIT};
    if (size == 0 || size > LIMIT) return 0;
    open_once();
    check(kv_set(db, KV_TEXT("old"), KV_TEXT("1"), NULL) == KV_OK);
    check(kvresp_replicaof(resp, "master", 1) == KV_OK);
    if (data[0] & 4) begin_history();

    kvresp_following before = look();
    size_t dismissed = data[0] & 8 ? (size_t)data[0] / 16 * 16 : SIZE_MAX;
    follow(data + 1, size - 1, pieces[data[0] & 3], dismissed);
    kvresp_following after = look();
    check(!after.is_connected || dismissed != SIZE_MAX);
    kv_check(db);
    if (after.full_syncs == before.full_syncs && after.partial_syncs == before.partial_syncs) {
        kv_buffer value = {0};
        bool is_old = kv_get(db, KV_TEXT("old"), &value) == KV_OK && value.size == 1;
        kv_buffer_free(&value);
        /* Unless a sound data set came with something behind it: then history has ended, too. */
        check(is_old || memcmp(before.master_id, after.master_id, sizeof after.master_id) != 0);
        check(after.offset == before.offset || !is_old);
    }
    check(kvresp_replicaof(resp, NULL, 0) == KV_OK);
    check(kv_flush_all(db, false) == KV_OK);
    return 0;
}
