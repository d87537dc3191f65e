/*
 * tests/fuzz/fuzz_bitfield.c -- arguments of BITFIELD from anybody, the words of the input: many
 * steps in one request must do and say the same as one request for each step.
 */
#include "fuzz_session.h"

#include <stdio.h>

enum { WORDS = 64, ANSWER = 4096, SIZE_MAX_OF_STRING = 4096 };

/* Executes a request and appends the answer, without its first line if it is a list. */
static bool answer(size_t count, const kv_slice *words, kv_buffer *answers)
{
    check(kvresp_exec(worker, session, count, words) == KV_OK);
    kv_slice reply = kvresp_output(session);
    const char *text = reply.data;
    bool is_list = reply.size > 0 && text[0] == '*';
    const char *body = is_list ? (const char *)memchr(text, '\n', reply.size) + 1 : text;
    size_t size = reply.size - (size_t)(body - text);
    check(answers->size + size <= ANSWER);
    memcpy((char *)answers->data + answers->size, body, size);
    answers->size += size;
    kvresp_output_consume(session, reply.size);
    return is_list;
}

static bool is_word(kv_slice word, const char *letters)
{
    return word.size == strlen(letters) && kv_match(kv_text(letters), word, true);
}

/* The same steps one by one, each after the last OVERFLOW. */
static void answer_one_by_one(size_t count, const kv_slice *words, kv_buffer *answers)
{
    kv_slice request[8] = {KV_TEXT("BITFIELD"), KV_TEXT("single"), KV_TEXT("OVERFLOW"),
                           KV_TEXT("WRAP")};
    for (size_t i = 2; i < count;) {
        if (is_word(words[i], "overflow")) {
            request[3] = words[i + 1];
            i += 2;
            continue;
        }
        size_t size = is_word(words[i], "get") ? 3 : 4;
        memcpy(request + 4, words + i, size * sizeof *words);
        check(answer(4 + size, request, answers));
        i += size;
    }
}

static kv_slice string_at(const char *key, kv_buffer *value)
{
    value->size = 0;
    kv_status status = kv_get(db, kv_text(key), value);
    check(status == KV_OK || status == KV_NONE);
    return kv_bytes(value->data, value->size);
}

/* Each step makes the string as long as it needs, so that both end up the same. */
static void compare_strings(void)
{
    static kv_buffer whole, single;
    kv_slice a = string_at("whole", &whole), b = string_at("single", &single);
    check(a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0));
    check(a.size <= SIZE_MAX_OF_STRING);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char room[2][ANSWER];
    kv_buffer together = {room[0], 0, ANSWER}, apart = {room[1], 0, ANSWER};
    kv_slice words[WORDS] = {KV_TEXT("BITFIELD"), KV_TEXT("whole")};
    size_t count = 2;
    if (open_once()) /* kvresp_open() has set a size of its own */
        check(kv_configure(db, KV_SETTING_MAX_VALUE_SIZE, SIZE_MAX_OF_STRING) == KV_OK);
    kv_del(db, (kv_slice[]){KV_TEXT("whole"), KV_TEXT("single")}, 2, NULL);
    for (size_t at = 0; at < size && count < WORDS;) {
        const uint8_t *end = memchr(data + at, ' ', size - at);
        size_t length = end != NULL ? (size_t)(end - data) - at : size - at;
        words[count++] = kv_bytes(data + at, length);
        at += length + 1;
    }
    if (!answer(count, words, &together)) { /* an error: nothing was done */
        static kv_buffer nothing;
        check(string_at("whole", &nothing).size == 0);
        return 0;
    }
    answer_one_by_one(count, words, &apart);
    check(together.size == apart.size && memcmp(room[0], room[1], apart.size) == 0);
    compare_strings();
    return 0;
}
