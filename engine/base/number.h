/*
 * base/number.h -- numbers as Redis reads and writes them, in any locale.
 *
 * A parser takes the whole text or nothing and writes its result on success only. A formatter
 * writes no terminator and returns the size.
 */
#ifndef KV_BASE_NUMBER_H
#define KV_BASE_NUMBER_H

#include "base/attributes.h"

#include "kvstore.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    NUMBER_INT64_SIZE = 20,        /* the longest int64_t or uint64_t */
    NUMBER_DOUBLE_SIZE = 32,       /* more than the longest double */
    NUMBER_LONG_DOUBLE_SIZE = 5120 /* the longest long double; also the longest text read as one */
};

/*
 * An integer in its one canonical form: what number_format_int64() would write, nothing else. So no
 * "+1", "01", "-0", " 1" or "1 ", and nothing out of range.
 */
KV_INTERNAL bool number_parse_int64(kv_slice text, int64_t *value);

/*
 * A finite or infinite double: decimal, hexadecimal ("0x1.8p3") or "inf"/"infinity" in any case,
 * with an optional sign. Refused: nan, space anywhere, and what is not 0 or infinite but becomes
 * so.
 */
KV_INTERNAL bool number_parse_double(kv_slice text, double *value);

/* The same as a long double, for INCRBYFLOAT; text of 5120 bytes and more is refused. */
KV_INTERNAL bool number_parse_long_double(kv_slice text, long double *value);

/* In `text`, of NUMBER_INT64_SIZE bytes at least. */
KV_INTERNAL size_t number_format_int64(char *text, int64_t value);
KV_INTERNAL size_t number_format_uint64(char *text, uint64_t value);

/*
 * The shortest decimal that reads back as the same double, laid out as by Redis 7.2 and later:
 * integers up to 2^62 in full, "0.1", "1.5e-9", "1e+20", "inf", "-inf", "nan", "-0". In
 * NUMBER_DOUBLE_SIZE bytes.
 */
KV_INTERNAL size_t number_format_double_shortest(char *text, double value);

/*
 * As INCRBYFLOAT and HINCRBYFLOAT answer: never an exponent, up to 17 decimals, no zeros at the
 * end. In NUMBER_LONG_DOUBLE_SIZE bytes. The value is finite. 0 if printf() had no memory.
 */
KV_INTERNAL size_t number_format_long_double_human(char *text, long double value);

#endif
