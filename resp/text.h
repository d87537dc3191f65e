/*
 * resp/text.h -- slices, buffers and integers, as a protocol of text needs them.
 *
 * Integers are read in their one canonical form only, as Redis reads them: no "+1", "01", "-0", "
 * 1".
 */
#ifndef KV_RESP_TEXT_H
#define KV_RESP_TEXT_H

#include "kvstore.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__)
#define TEXT_LIKELY(condition)   __builtin_expect(!!(condition), 1)
#define TEXT_UNLIKELY(condition) __builtin_expect(!!(condition), 0)
#define TEXT_PRINTF(text, first) __attribute__((format(printf, text, first)))
#define TEXT_NOINLINE            __attribute__((noinline))
#else
#define TEXT_LIKELY(condition)   (condition)
#define TEXT_UNLIKELY(condition) (condition)
#define TEXT_PRINTF(text, first)
#define TEXT_NOINLINE
#endif

enum { TEXT_INTEGER_SIZE = 20 }; /* the longest int64_t or uint64_t */

/* --------------------------------------------------------------------------------------- slices */

static inline bool text_is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline uint8_t text_lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

static inline bool text_equal(kv_slice a, kv_slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* True if `slice` is `word`, which is written in lower case, in any case. */
bool text_is(kv_slice slice, const char *word);

/* The slice up to its first zero byte: what Redis sees where it takes an argument for C text. */
kv_slice text_terminated(kv_slice slice);

/* ------------------------------------------------------------------------------------- integers */

/* Reads the whole slice or nothing. */
bool text_parse_integer(kv_slice slice, int64_t *value);

extern const char text_digit_pairs[200];

/* Writes the digits at `at`, which has TEXT_INTEGER_SIZE bytes, and returns their end. */
static inline uint8_t *text_write_unsigned(uint8_t *at, uint64_t value)
{
    if (TEXT_LIKELY(value < 10)) {
        *at = (uint8_t)('0' + value);
        return at + 1;
    }
    if (TEXT_LIKELY(value < 100)) {
        memcpy(at, text_digit_pairs + 2 * value, 2);
        return at + 2;
    }
    uint8_t digits[TEXT_INTEGER_SIZE], *first = digits + sizeof digits;
    while (value >= 100) {
        first -= 2;
        memcpy(first, text_digit_pairs + 2 * (value % 100), 2);
        value /= 100;
    }
    if (value >= 10) {
        first -= 2;
        memcpy(first, text_digit_pairs + 2 * value, 2);
    } else {
        *--first = (uint8_t)('0' + value);
    }
    size_t size = (size_t)(digits + sizeof digits - first);
    memcpy(at, first, size);
    return at + size;
}

static inline uint8_t *text_write_integer(uint8_t *at, int64_t value)
{
    uint64_t magnitude = (uint64_t)value;
    if (value < 0) {
        *at++ = '-';
        magnitude = 0 - magnitude;
    }
    return text_write_unsigned(at, magnitude);
}

/* --------------------------------------------------------------------------------------- doubles */

/* Redis reads no number of 5120 bytes or more; and room for a decimal point of several. */
enum { TEXT_NUMBER_SIZE = 5 * 1024 + 16 };

/*
 * Copies the text of a number for strtod() and its kin, which want the decimal point of the host's
 * locale. False if it is empty, too long, or has a byte that no number has in the C locale.
 */
bool text_for_strtod(kv_slice text, char plain[TEXT_NUMBER_SIZE]);

/*
 * Reads a double as strtod() does in the C locale, where kv_parse_double() is strict: space may come
 * first, what is too great is infinite, too small is 0, and so is no text at all. Not nan.
 */
bool text_parse_c_double(kv_slice text, double *value);

/* -------------------------------------------------------------------------------------- buffers */

/*
 * A kv_buffer's memory comes from malloc(), as kvstore.h promises; these grow one. KV_OK or
 * KV_NOMEM.
 */
kv_status text_reserve(kv_buffer *buffer, size_t capacity);
kv_status text_append(kv_buffer *buffer, kv_slice bytes);
kv_status text_append_string(kv_buffer *buffer, const char *string);
kv_status text_append_integer(kv_buffer *buffer, int64_t value);
kv_status text_format(kv_buffer *buffer, const char *format, ...) TEXT_PRINTF(2, 3);
kv_status text_format_list(kv_buffer *buffer, const char *format, va_list arguments);

/*
 * Appends the bytes in double quotes, with escapes for what does not print, as Redis shows strings.
 */
kv_status text_append_quoted(kv_buffer *buffer, kv_slice bytes);

static inline kv_slice text_of_buffer(const kv_buffer *buffer)
{
    return kv_bytes(buffer->data, buffer->size);
}

/* A copy in terminated text, from malloc(); NULL when memory is short. */
char *text_duplicate(kv_slice slice);

#endif
