/*
 * tests/fuzz/fuzz_xadd.c -- commands on streams from anybody, the words of the input, a line each:
 * whatever they are, each is answered, and the streams are as they should be.
 */
#include "fuzz_session.h"

#include <string.h>

enum { WORDS = 64 };

static bool count_entry(void *context, kv_stream_entry *entry)
{
    uint64_t fields = 0;
    while (kv_stream_entry_next(entry, NULL, NULL)) fields++;
    check(fields == entry->field_count);
    ++*(uint64_t *)context;
    return true;
}

/* Only commands on streams, and none that waits. */
static bool is_meant(size_t count, const kv_slice *words)
{
    if (count < 2 || words[0].size == 0 || (*(const char *)words[0].data | 0x20) != 'x')
        return false;
    for (size_t i = 0; i < count; i++)
        if (kv_match(KV_TEXT("block"), words[i], true)) return false;
    return true;
}

static void execute(size_t count, const kv_slice *words)
{
    if (!is_meant(count, words)) return;
    check(kvresp_exec(worker, session, count, words) == KV_OK);
    kv_slice reply = kvresp_output(session);
    check(reply.size > 0 && ((const char *)reply.data)[reply.size - 1] == '\n');
    kvresp_output_consume(session, reply.size);
}

static void look(kv_slice key)
{
    static const kv_stream_id first = {0, 0}, last = {UINT64_MAX, UINT64_MAX};
    uint64_t length = 0;
    if (kv_xlen(db, key, &length) != KV_OK) return;
    for (int from = KV_HEAD; from <= KV_TAIL; from++) {
        uint64_t seen = 0;
        check(kv_xrange(db, key, first, last, (kv_end)from, 0, count_entry, &seen) == KV_OK);
        check(seen == length);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kv_slice words[WORDS];
    if (size > 4096) return 0;
    if (open_once()) check(kv_configure(db, KV_SETTING_STREAM_NODE_COUNT, 4) == KV_OK);
    size_t count = 0;
    for (size_t at = 0; at < size;) {
        size_t end = at;
        while (end < size && data[end] != ' ' && data[end] != '\n') end++;
        if (count < WORDS) words[count++] = kv_bytes(data + at, end - at);
        if (end == size || data[end] == '\n') {
            execute(count, words);
            count = 0;
        }
        at = end + 1;
    }
    look(KV_TEXT("s"));
    kv_check(db);
    check(kv_flush(db, false) == KV_OK);
    return 0;
}
