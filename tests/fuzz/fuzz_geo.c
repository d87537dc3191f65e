/*
 * tests/fuzz/fuzz_geo.c -- arguments of GEOSEARCH from anybody, the words of the input, and hashes
 * that are any scores: no distance, shape or polygon may lead astray, and GEOSEARCHSTORE stores as
 * many as GEOSEARCH finds.
 */
#include "fuzz_session.h"

#include <stdio.h>
#include <stdlib.h>

enum { WORDS = 64, SCORES = 16 };

/* The number behind the first letter of the answer, which is one of `kinds`; -1: another. */
static long long ask(size_t count, const kv_slice *words, const char *kinds)
{
    char head[32] = {0};
    check(kvresp_exec(worker, session, count, words) == KV_OK);
    kv_slice reply = kvresp_output(session);
    check(reply.size > 0);
    memcpy(head, reply.data, reply.size < sizeof head ? reply.size : sizeof head - 1);
    kvresp_output_consume(session, reply.size);
    return strchr(kinds, head[0]) != NULL ? strtoll(head + 1, NULL, 10) : -1;
}

/* Members named by letters, their scores the first bytes of the input: also nonsense. */
static void add_scores(const uint8_t *data, size_t size)
{
    kv_scored scored[SCORES];
    size_t count = 0;
    for (; count < SCORES && 8 * (count + 1) <= size; count++) {
        memcpy(&scored[count].score, data + 8 * count, 8);
        if (scored[count].score != scored[count].score) scored[count].score = 0;
        scored[count].member = kv_bytes(&"abcdefghijklmnop"[count], 1);
    }
    if (count > 0) check(kv_zadd(db, KV_TEXT("g"), scored, count, 0, NULL, NULL) == KV_OK);
}

/* Puts words that are separated by newlines behind those that are there. */
static size_t split(const uint8_t *data, size_t size, kv_slice *words, size_t count)
{
    while (size > 0 && count < WORDS) {
        const uint8_t *end = memchr(data, '\n', size);
        size_t length = end != NULL ? (size_t)(end - data) : size;
        words[count++] = kv_bytes(data, length);
        length += end != NULL;
        data += length;
        size -= length;
    }
    return count;
}

static void check_text(const kv_slice *words, size_t count)
{
    kv_slice request[WORDS] = {KV_TEXT("GEOHASH"), KV_TEXT("g")};
    for (size_t i = 2; i < count; i++) request[i] = words[i];
    check(ask(count, request, "*") == (long long)count - 2);
    request[0] = KV_TEXT("GEOPOS");
    check(ask(count, request, "*") == (long long)count - 2);
}

/* The first byte is how many scores follow it; then come words, one a line. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    (void)open_once();
    size_t scores = 8 * (size_t)(data[0] % (SCORES + 1));
    data++, size--;
    if (scores > size) scores = size;
    add_scores(data, scores);

    kv_slice words[WORDS + 1] = {KV_TEXT("GEOSEARCH"), KV_TEXT("g")};
    size_t count = split(data + scores, size - scores, words, 2);
    check_text(words, count);
    long long found = ask(count, words, "*");
    memmove(words + 2, words + 1, (count - 1) * sizeof *words);
    words[0] = KV_TEXT("GEOSEARCHSTORE");
    words[1] = KV_TEXT("to");
    long long stored = ask(count + 1, words, ":");
    check(found < 0 || stored < 0 || found == stored);
    words[1] = KV_TEXT("GEORADIUS");
    (void)ask(count, words + 1, "*:");
    kv_check(db);
    check(kv_flush_all(db, false) == KV_OK);
    return 0;
}
