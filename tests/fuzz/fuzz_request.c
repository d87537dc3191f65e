/*
 * tests/fuzz/fuzz_request.c -- requests from anybody: the parser must say the same of the same
 * bytes, however they are cut, must not read beyond them, and its fast form must agree with its
 * careful one.
 *
 * The first byte of an input decides where it is cut and whether the client is a stranger.
 */
#include "resp/parser.h"

#include "fuzz.h"

#include <stdlib.h>

enum { ARGUMENTS = 64 };

/* What was read: a number that depends on each outcome, each argument and each size. */
struct reading {
    uint64_t digest;
    size_t requests;
};

static void mix(struct reading *reading, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < size; i++) reading->digest = (reading->digest ^ at[i]) * 0x100000001b3u;
    reading->digest = (reading->digest ^ size) * 0x100000001b3u;
}

static bool is_within(kv_slice argument, const uint8_t *bytes, size_t size)
{
    const uint8_t *at = argument.data;
    return at >= bytes && at <= bytes + size && argument.size <= (size_t)(bytes + size - at);
}

static void note(struct reading *reading, const struct parser_request *request,
                 const uint8_t *bytes, size_t size)
{
    check(request->size <= size);
    for (size_t i = 0; i < request->count; i++) {
        kv_slice argument = request->arguments[i];
        check(is_within(argument, bytes, size) ||
              is_within(argument, request->scratch->data, request->scratch->capacity));
        mix(reading, argument.data, argument.size);
    }
    mix(reading, &request->size, sizeof request->size);
    reading->requests++;
}

/* Where the fast reader has a verdict, it is the careful one's. */
static void compare_frame(const uint8_t *bytes, size_t size, const struct parser_request *request)
{
    kv_slice arguments[ARGUMENTS];
    size_t count;
    const uint8_t *next = parser_frame(bytes, bytes + size, arguments, ARGUMENTS, &count);
    if (next == NULL) return;
    check(count == request->count);
    check((size_t)(next - bytes) == request->size);
    for (size_t i = 0; i < count; i++) {
        check(arguments[i].data == request->arguments[i].data);
        check(arguments[i].size == request->arguments[i].size);
    }
}

/* Reads all requests of the input, of which `step` more bytes come each time. */
static struct reading read_all(const uint8_t *data, size_t size, size_t step, bool is_stranger)
{
    static kv_slice more[1 << 16];
    struct reading reading = {0xcbf29ce484222325u, 0};
    struct parser parser = {0};
    struct parser_limits limits = {1 << 20, is_stranger};
    kv_buffer scratch = {0};
    kv_slice arguments[ARGUMENTS];
    size_t begin = 0, end = 0;
    enum parser_outcome outcome = PARSER_MORE;
    while (outcome != PARSER_ERROR && outcome != PARSER_NOMEM) {
        if (outcome == PARSER_MORE) {
            if (end == size) break;
            end = size - end > step ? end + step : size;
        }
        /* In memory of its own, so that the requests move and a sanitizer sees what is read. */
        uint8_t *bytes = calloc(1, end - begin + PARSER_SLACK);
        check(bytes != NULL);
        memcpy(bytes, data + begin, end - begin);
        struct parser_request request = {
            .arguments = arguments, .room = ARGUMENTS, .scratch = &scratch};
        bool is_fresh = parser.expected == 0;
        outcome = parser_read(&parser, &limits, bytes, end - begin, &request);
        if (outcome == PARSER_ROOM) {
            check(request.needed > ARGUMENTS);
            request.arguments = more;
            request.room = sizeof more / sizeof *more;
            outcome = parser_read(&parser, &limits, bytes, end - begin, &request);
            if (outcome == PARSER_ROOM)
                outcome = PARSER_ERROR; /* more than this test has room for */
        }
        if (outcome == PARSER_DONE) {
            note(&reading, &request, bytes, end - begin);
            if (is_fresh && !is_stranger) compare_frame(bytes, end - begin, &request);
        }
        if (outcome == PARSER_ERROR) mix(&reading, request.message, strlen(request.message));
        if (outcome == PARSER_DONE || outcome == PARSER_EMPTY) begin += request.size;
        if (outcome == PARSER_MORE)
            check(parser_wanted(&parser) == 0 || parser_wanted(&parser) > end - begin);
        free(bytes);
    }
    parser_reset(&parser);
    kv_buffer_free(&scratch);
    return reading;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 1 << 16) return 0;
    bool is_stranger = data[0] & 0x80;
    size_t step = 1 + (data[0] & 0x7f);
    struct reading whole = read_all(data + 1, size - 1, size, is_stranger);
    struct reading pieces = read_all(data + 1, size - 1, step, is_stranger);
    check(whole.requests == pieces.requests);
    check(whole.digest == pieces.digest);
    return 0;
}
