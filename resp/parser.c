/*
 * resp/parser.c -- requests: bytes to arguments, without a copy.
 */
#include "resp/parser.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

/* ---------------------------------------------------------------------- the common shapes, fast */

/* Six digits at most: below every bulk_max there may be, which is 1 MiB at least. */
enum { FRAME_PREFIX_MAX = 99999 };

/*
 * Reads "<mark><digits>\r\n" and returns what follows, or NULL. The zero byte after the input ends
 * every loop here, so that no end is needed; what follows may lie behind one that comes before it.
 */
static inline const uint8_t *frame_length(const uint8_t *at, uint8_t mark, size_t *length)
{
    if (TEXT_UNLIKELY(at[0] != mark)) return NULL;
    size_t value = (size_t)at[1] - '0';
    if (TEXT_UNLIKELY(value > 9)) return NULL;
    at += 2;
    if (*at != '\r') {
        if (value == 0) return NULL; /* a leading zero */
        do {
            size_t digit = (size_t)*at - '0';
            if (digit > 9 || value > FRAME_PREFIX_MAX) return NULL;
            value = value * 10 + digit;
        } while (*++at != '\r');
    }
    if (TEXT_UNLIKELY(at[1] != '\n')) return NULL;
    *length = value;
    return at + 2;
}

const uint8_t *parser_frame(const uint8_t *at, const uint8_t *end, kv_slice *arguments, size_t room,
                            size_t *count)
{
    size_t expected;
    at = frame_length(at, '*', &expected);
    if (at == NULL || expected == 0 || expected > room) return NULL;
    for (size_t i = 0; i < expected; i++) {
        size_t size;
        at = frame_length(at, '$', &size);
        /* Below 0 where the zero byte is not at the end, and the length goes on beyond that. */
        if (at == NULL || end - at < (ptrdiff_t)size + 2) return NULL;
        arguments[i].data = at;
        arguments[i].size = size;
        at += size + 2;
    }
    *count = expected;
    return at;
}

/* ----------------------------------------------------------------------- every shape, in pieces */

static enum parser_outcome parser_fail(struct parser_request *request, const char *message)
{
    snprintf(request->message, sizeof request->message, "Protocol error: %s", message);
    return PARSER_ERROR;
}

/*
 * Finds the line at `bytes`: *line is what comes before its CR, *next what follows its LF.
 * PARSER_MORE if the line has not ended; PARSER_ERROR if it is too long.
 */
static enum parser_outcome parser_find_line(const uint8_t *bytes, size_t size, kv_slice *line,
                                            size_t *next)
{
    const uint8_t *end = size > 0 ? memchr(bytes, '\r', size) : NULL;
    if (end == NULL) return size > PARSER_LINE_MAX ? PARSER_ERROR : PARSER_MORE;
    size_t length = (size_t)(end - bytes);
    if (length + 2 > size) return PARSER_MORE;
    *line = kv_bytes(bytes, length);
    *next = length + 2;
    return PARSER_DONE;
}

static kv_slice parser_after_mark(kv_slice line)
{
    return line.size > 0 ? kv_bytes((const char *)line.data + 1, line.size - 1) : line;
}

static enum parser_outcome parser_read_count(struct parser *parser,
                                             const struct parser_limits *limits,
                                             const uint8_t *bytes, size_t size,
                                             struct parser_request *request)
{
    kv_slice line;
    size_t next;
    enum parser_outcome outcome = parser_find_line(bytes, size, &line, &next);
    if (outcome == PARSER_ERROR) return parser_fail(request, "too big mbulk count string");
    if (outcome != PARSER_DONE) return outcome;

    int64_t count;
    if (!text_parse_integer(parser_after_mark(line), &count) || count > INT_MAX)
        return parser_fail(request, "invalid multibulk length");
    if (limits->is_stranger && count > PARSER_STRANGER_ARGUMENTS_MAX)
        return parser_fail(request, "unauthenticated multibulk length");
    parser->position = next;
    if (count <= 0) {
        request->size = next;
        return PARSER_EMPTY;
    }
    parser->expected = (size_t)count;
    return PARSER_DONE;
}

static enum parser_outcome parser_read_bulk_size(struct parser *parser,
                                                 const struct parser_limits *limits,
                                                 const uint8_t *bytes, size_t size,
                                                 struct parser_request *request)
{
    kv_slice line;
    size_t next;
    enum parser_outcome outcome =
        parser_find_line(bytes + parser->position, size - parser->position, &line, &next);
    if (outcome == PARSER_ERROR) return parser_fail(request, "too big bulk count string");
    if (outcome != PARSER_DONE) return outcome;

    char mark = (char)bytes[parser->position];
    if (mark != '$') {
        char message[] = "expected '$', got '?'";
        message[sizeof message - 3] = mark == '\r' || mark == '\n' ? ' ' : mark;
        return parser_fail(request, message);
    }
    int64_t length;
    if (!text_parse_integer(parser_after_mark(line), &length) || length < 0 ||
        (uint64_t)length > limits->bulk_max)
        return parser_fail(request, "invalid bulk length");
    if (limits->is_stranger && length > PARSER_STRANGER_BULK_MAX)
        return parser_fail(request, "unauthenticated bulk length");
    parser->position += next;
    parser->bulk = (size_t)length + 1;
    return PARSER_DONE;
}

static bool parser_keep_span(struct parser *parser, struct parser_span span)
{
    if (parser->count == parser->capacity) {
        size_t grown = parser->capacity < 8 ? 8 : 2 * parser->capacity;
        struct parser_span *spans = realloc(parser->spans, grown * sizeof *spans);
        if (spans == NULL) return false;
        parser->spans = spans;
        parser->capacity = grown;
    }
    parser->spans[parser->count++] = span;
    return true;
}

static enum parser_outcome parser_read_bulk(struct parser *parser, size_t size)
{
    size_t length = parser->bulk - 1;
    if (size - parser->position < length + 2) return PARSER_MORE;
    if (!parser_keep_span(parser, (struct parser_span){parser->position, length}))
        return PARSER_NOMEM;
    parser->position += length + 2;
    parser->bulk = 0;
    return PARSER_DONE;
}

static enum parser_outcome parser_finish(struct parser *parser, const uint8_t *bytes,
                                         struct parser_request *request)
{
    request->needed = parser->count;
    if (parser->count > request->room) return PARSER_ROOM;
    for (size_t i = 0; i < parser->count; i++)
        request->arguments[i] = kv_bytes(bytes + parser->spans[i].offset, parser->spans[i].size);
    request->count = parser->count;
    request->size = parser->position;
    parser_reset(parser);
    return PARSER_DONE;
}

static enum parser_outcome parser_read_array(struct parser *parser,
                                             const struct parser_limits *limits,
                                             const uint8_t *bytes, size_t size,
                                             struct parser_request *request)
{
    enum parser_outcome outcome = PARSER_DONE;
    if (parser->expected == 0) {
        outcome = parser_read_count(parser, limits, bytes, size, request);
        if (outcome == PARSER_EMPTY) parser_reset(parser);
    }
    while (outcome == PARSER_DONE && parser->count < parser->expected) {
        if (parser->bulk == 0)
            outcome = parser_read_bulk_size(parser, limits, bytes, size, request);
        if (outcome == PARSER_DONE) outcome = parser_read_bulk(parser, size);
    }
    return outcome == PARSER_DONE ? parser_finish(parser, bytes, request) : outcome;
}

size_t parser_wanted(const struct parser *parser)
{
    return parser->bulk > 0 ? parser->position + parser->bulk - 1 + 2 : 0;
}

void parser_reset(struct parser *parser)
{
    free(parser->spans);
    *parser = (struct parser){0};
}

/* --------------------------------------------------------------------------------------- inline */

/* Reads a line of words; bytes past its end are seen as zero, which ends words and quotes alike. */
struct splitter {
    const uint8_t *at, *end;
    uint8_t *out; /* where unescaped bytes go */
};

static uint8_t splitter_peek(const struct splitter *splitter, size_t ahead)
{
    return (size_t)(splitter->end - splitter->at) > ahead ? splitter->at[ahead] : 0;
}

static int splitter_hex(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c = text_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static uint8_t splitter_escape(uint8_t letter)
{
    switch (letter) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'b': return '\b';
    case 'a': return '\a';
    default: return letter;
    }
}

/* After the backslash of a "..." string. */
static void splitter_unescape(struct splitter *splitter)
{
    int high = splitter_hex(splitter_peek(splitter, 2)), low = -1;
    if (high >= 0) low = splitter_hex(splitter_peek(splitter, 3));
    if (splitter_peek(splitter, 1) == 'x' && low >= 0) {
        *splitter->out++ = (uint8_t)(high << 4 | low);
        splitter->at += 4;
    } else {
        *splitter->out++ = splitter_escape(splitter_peek(splitter, 1));
        splitter->at += 2;
    }
}

/* From the opening quote on. False if it is not closed, or not followed by space or the end. */
static bool splitter_quoted(struct splitter *splitter)
{
    uint8_t quote = *splitter->at++;
    for (;;) {
        uint8_t c = splitter_peek(splitter, 0), next = splitter_peek(splitter, 1);
        if (c == 0) return false;
        if (c == quote) {
            splitter->at++;
            return next == 0 || text_is_space(next);
        }
        if (c == '\\' && quote == '"' && next != 0) {
            splitter_unescape(splitter);
        } else if (c == '\\' && quote == '\'' && next == '\'') {
            *splitter->out++ = '\'';
            splitter->at += 2;
        } else {
            *splitter->out++ = c;
            splitter->at++;
        }
    }
}

/* Vertical tabs and form feeds separate words but do not end one, as in Redis. */
static bool splitter_ends_word(uint8_t c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == 0;
}

/* One word: in place if nothing in it is quoted, else unescaped. False for unbalanced quotes. */
static bool splitter_word(struct splitter *splitter, kv_slice *word)
{
    const uint8_t *first = splitter->at;
    uint8_t c;
    while (!splitter_ends_word(c = splitter_peek(splitter, 0)) && c != '"' && c != '\'')
        splitter->at++;
    *word = kv_bytes(first, (size_t)(splitter->at - first));
    if (splitter_ends_word(c)) return true;

    uint8_t *copy = splitter->out;
    memcpy(copy, first, word->size);
    splitter->out += word->size;
    while (!splitter_ends_word(c = splitter_peek(splitter, 0))) {
        if (c == '"' || c == '\'') {
            if (!splitter_quoted(splitter)) return false;
            break; /* a closing quote ends the word */
        }
        *splitter->out++ = c;
        splitter->at++;
    }
    *word = kv_bytes(copy, (size_t)(splitter->out - copy));
    return true;
}

enum parser_outcome parser_split(kv_slice line, struct parser_request *request)
{
    line = text_terminated(line);
    request->scratch->size = 0;
    if (text_reserve(request->scratch, line.size) != KV_OK) return PARSER_NOMEM;

    struct splitter splitter = {line.data, (const uint8_t *)line.data + line.size,
                                request->scratch->data};
    size_t count = 0;
    for (;;) {
        while (text_is_space(splitter_peek(&splitter, 0))) splitter.at++;
        if (splitter.at == splitter.end) break;
        kv_slice word;
        if (!splitter_word(&splitter, &word))
            return parser_fail(request, "unbalanced quotes in request");
        if (count < request->room) request->arguments[count] = word;
        count++;
    }
    request->count = request->needed = count;
    if (count > request->room) return PARSER_ROOM;
    return count > 0 ? PARSER_DONE : PARSER_EMPTY;
}

static enum parser_outcome parser_read_inline(const uint8_t *bytes, size_t size,
                                              struct parser_request *request)
{
    const uint8_t *end = memchr(bytes, '\n', size);
    if (end == NULL)
        return size > PARSER_LINE_MAX ? parser_fail(request, "too big inline request")
                                      : PARSER_MORE;
    request->size = (size_t)(end - bytes) + 1;
    if (end > bytes && end[-1] == '\r') end--;
    return parser_split(kv_bytes(bytes, (size_t)(end - bytes)), request);
}

enum parser_outcome parser_read(struct parser *parser, const struct parser_limits *limits,
                                const uint8_t *bytes, size_t size, struct parser_request *request)
{
    if (size == 0) return PARSER_MORE;
    if (bytes[0] == '*') return parser_read_array(parser, limits, bytes, size, request);
    return parser_read_inline(bytes, size, request);
}
