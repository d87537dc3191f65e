/*
 * resp/text.c -- slices, buffers and integers.
 */
#include "resp/text.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

const char text_digit_pairs[200] = {"00010203040506070809101112131415161718192021222324252627282930"
                                    "313233343536373839404142434445464748"
                                    "49505152535455565758596061626364656667686970717273747576777879"
                                    "808182838485868788899091929394959697"
                                    "9899"};

bool text_is(kv_slice slice, const char *word)
{
    const uint8_t *bytes = slice.data;
    size_t i = 0;
    for (; i < slice.size && word[i] != '\0'; i++)
        if (text_lower(bytes[i]) != (uint8_t)word[i]) return false;
    return i == slice.size && word[i] == '\0';
}

kv_slice text_terminated(kv_slice slice)
{
    const void *zero = slice.size > 0 ? memchr(slice.data, 0, slice.size) : NULL;
    if (zero != NULL) slice.size = (size_t)((const char *)zero - (const char *)slice.data);
    return slice;
}

bool text_parse_integer(kv_slice slice, int64_t *value)
{
    const uint8_t *at = slice.data, *end = at + slice.size;
    if (slice.size == 0 || slice.size > TEXT_INTEGER_SIZE) return false;
    bool negative = *at == '-';
    at += negative;
    if (at == end) return false;
    if (*at == '0') {
        if (end - at > 1 || negative) return false;
        *value = 0;
        return true;
    }

    uint64_t magnitude = 0;
    for (; at < end; at++) {
        unsigned digit = (unsigned)*at - '0';
        if (digit > 9) return false;
        if (magnitude > (UINT64_MAX - digit) / 10) return false;
        magnitude = magnitude * 10 + digit;
    }
    if (magnitude > (uint64_t)INT64_MAX + negative) return false;
    *value = (int64_t)(negative ? 0 - magnitude : magnitude);
    return true;
}

/* --------------------------------------------------------------------------------------- doubles */

bool text_for_strtod(kv_slice text, char plain[TEXT_NUMBER_SIZE])
{
    char half[16]; /* "0.5", with the locale's point, which printf() tells without a race with
                      setlocale() */
    int point_size = snprintf(half, sizeof half, "%.1f", 0.5) - 2;
    const char *bytes = text.data;
    bool has_point = false;
    if (text.size == 0 || text.size >= 5 * 1024) return false;
    for (size_t i = 0; i < text.size; i++) {
        if (bytes[i] == '.' && !has_point) {
            has_point = true;
            memcpy(plain, half + 1, (size_t)point_size);
            plain += point_size;
        } else if (isalnum((unsigned char)bytes[i]) || bytes[i] == '+' || bytes[i] == '-') {
            *plain++ = bytes[i];
        } else {
            return false;
        }
    }
    *plain = '\0';
    return true;
}

bool text_parse_c_double(kv_slice text, double *value)
{
    const char *at = text.data;
    *value = 0;
    if (text.size == 0) return true;
    while (text.size > 0 && text_is_space((uint8_t)*at)) at++, text.size--;
    if (kv_parse_double(kv_bytes(at, text.size), value) == KV_OK) return true;
    char plain[TEXT_NUMBER_SIZE], *end;
    if (!text_for_strtod(kv_bytes(at, text.size), plain)) return false;
    *value = strtod(plain, &end);
    return *end == '\0' && !isnan(*value);
}

kv_status text_reserve(kv_buffer *buffer, size_t capacity)
{
    if (capacity <= buffer->capacity) return KV_OK;
    size_t grown = buffer->capacity + buffer->capacity / 2;
    if (grown < capacity) grown = capacity;
    if (grown < 64) grown = 64;
    void *data = realloc(buffer->data, grown);
    if (data == NULL) return KV_NOMEM;
    buffer->data = data;
    buffer->capacity = grown;
    return KV_OK;
}

kv_status text_append(kv_buffer *buffer, kv_slice bytes)
{
    if (bytes.size == 0) return KV_OK;
    if (bytes.size > SIZE_MAX / 2 - buffer->size) return KV_NOMEM;
    kv_status status = text_reserve(buffer, buffer->size + bytes.size);
    if (status != KV_OK) return status;
    memcpy((char *)buffer->data + buffer->size, bytes.data, bytes.size);
    buffer->size += bytes.size;
    return KV_OK;
}

kv_status text_append_string(kv_buffer *buffer, const char *string)
{
    return text_append(buffer, kv_text(string));
}

kv_status text_append_integer(kv_buffer *buffer, int64_t value)
{
    uint8_t digits[TEXT_INTEGER_SIZE + 1];
    uint8_t *end = text_write_integer(digits, value);
    return text_append(buffer, kv_bytes(digits, (size_t)(end - digits)));
}

kv_status text_format_list(kv_buffer *buffer, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int size = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (size < 0) return KV_BADARG;

    /* One more for the terminator that vsnprintf() insists on. */
    kv_status status = text_reserve(buffer, buffer->size + (size_t)size + 1);
    if (status != KV_OK) return status;
    vsnprintf((char *)buffer->data + buffer->size, (size_t)size + 1, format, arguments);
    buffer->size += (size_t)size;
    return KV_OK;
}

kv_status text_format(kv_buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    kv_status status = text_format_list(buffer, format, arguments);
    va_end(arguments);
    return status;
}

static kv_status text_append_escaped(kv_buffer *buffer, uint8_t c)
{
    static const char plain[] = "\n\r\t\a\b\"\\", letters[] = "nrtab\"\\";
    const char *found = c != 0 ? strchr(plain, c) : NULL;
    if (found != NULL) return text_format(buffer, "\\%c", letters[found - plain]);
    if (c >= 0x20 && c < 0x7f) return text_append(buffer, kv_bytes(&c, 1));
    return text_format(buffer, "\\x%02x", c);
}

kv_status text_append_quoted(kv_buffer *buffer, kv_slice bytes)
{
    const uint8_t *at = bytes.data;
    kv_status status = text_append_string(buffer, "\"");
    for (size_t i = 0; i < bytes.size && status == KV_OK; i++)
        status = text_append_escaped(buffer, at[i]);
    return status != KV_OK ? status : text_append_string(buffer, "\"");
}

char *text_duplicate(kv_slice slice)
{
    char *copy = malloc(slice.size + 1);
    if (copy == NULL) return NULL;
    if (slice.size > 0) memcpy(copy, slice.data, slice.size);
    copy[slice.size] = '\0';
    return copy;
}
