/*
 * tests/fuzz/fuzz_inline.c -- lines typed by people: what is split must come from the line, and
 * words that are quoted and joined again must split into the same words.
 */
#include "resp/parser.h"

#include "fuzz.h"

enum { WORDS = 256 };

static enum parser_outcome split(kv_slice line, kv_slice *words, kv_buffer *scratch, size_t *count)
{
    struct parser_request request = {.arguments = words, .room = WORDS, .scratch = scratch};
    enum parser_outcome outcome = parser_split(line, &request);
    *count = request.count;
    return outcome;
}

static kv_buffer join_quoted(const kv_slice *words, size_t count)
{
    kv_buffer line = {0};
    for (size_t i = 0; i < count; i++) {
        check(text_append_string(&line, i == 0 ? "  " : " ") == KV_OK);
        check(text_append_quoted(&line, words[i]) == KV_OK);
    }
    return line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kv_slice words[WORDS], again[WORDS];
    kv_buffer scratch = {0}, scratch_again = {0};
    size_t count, count_again, total = 0;
    if (size > PARSER_LINE_MAX) return 0;
    enum parser_outcome outcome = split(kv_bytes(data, size), words, &scratch, &count);
    if (outcome == PARSER_DONE) {
        check(count > 0 && count <= WORDS);
        for (size_t i = 0; i < count; i++) total += words[i].size;
        check(total <= size);
        kv_buffer line = join_quoted(words, count);
        check(split(text_of_buffer(&line), again, &scratch_again, &count_again) == PARSER_DONE);
        check(count_again == count);
        for (size_t i = 0; i < count; i++) check(text_equal(words[i], again[i]));
        kv_buffer_free(&line);
    }
    kv_buffer_free(&scratch);
    kv_buffer_free(&scratch_again);
    return 0;
}
