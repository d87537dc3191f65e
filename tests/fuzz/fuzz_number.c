/*
 * tests/fuzz/fuzz_number.c -- number parsers against the C library's, and formatters against
 * parsers.
 *
 * Input: a text. Its first 8 bytes are also taken as an integer and as a double to be written.
 * What Redis accepts as a double is what strtod() reads to the end in the C locale, with a few
 * exceptions; a fuzzer does not set a locale.
 */
#include "base/number.h"

#include "fuzz.h"

#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void fuzz_int64(kv_slice text)
{
    int64_t value;
    char written[NUMBER_INT64_SIZE];
    if (number_parse_int64(text, &value)) {
        check(number_format_int64(written, value) == text.size);
        check(memcmp(written, text.data, text.size) == 0);
        return;
    }
    /* A refused text is no canonical integer: strtoll() reads it as something written otherwise. */
    char copy[32] = {0};
    if (text.size >= sizeof copy) return;
    memcpy(copy, text.data, text.size);
    size_t size = number_format_int64(written, strtoll(copy, NULL, 10));
    check(size != text.size || memcmp(written, copy, size) != 0);
}

static bool fuzz_strtod(const char *text, size_t size, double *value)
{
    char *end;
    errno = 0;
    *value = strtod(text, &end);
    if (size == 0 || isspace((unsigned char)text[0]) || (size_t)(end - text) != size) return false;
    if (errno == ERANGE && (isinf(*value) || *value == 0)) return false;
    return !isnan(*value);
}

static bool fuzz_strtold(const char *text, size_t size, long double *value)
{
    char *end;
    errno = 0;
    *value = strtold(text, &end);
    if (size == 0 || size >= NUMBER_LONG_DOUBLE_SIZE) return false;
    if (isspace((unsigned char)text[0]) || (size_t)(end - text) != size) return false;
    if (errno == ERANGE && (isinf(*value) || *value == 0)) return false;
    return !isnan(*value);
}

static void fuzz_parse(kv_slice text)
{
    char *copy = malloc(text.size + 1);
    check(copy != NULL);
    if (text.size != 0) memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';

    double value = 77, wanted;
    bool ok = number_parse_double(text, &value);
    check(ok == fuzz_strtod(copy, text.size, &wanted));
    if (ok) check(memcmp(&value, &wanted, sizeof value) == 0);
    else check(value == 77);

    long double long_value = 77, long_wanted;
    ok = number_parse_long_double(text, &long_value);
    check(ok == fuzz_strtold(copy, text.size, &long_wanted));
    check(long_value == (ok ? long_wanted : 77));
    if (ok && isfinite(long_value)) {
        static char written[NUMBER_LONG_DOUBLE_SIZE];
        size_t size = number_format_long_double_human(written, long_value);
        check(size <= sizeof written);
        check(number_parse_long_double(kv_bytes(written, size), &long_wanted));
        /* Half of the last decimal, and the rounding of what is read back. */
        check(fabsl(long_wanted - long_value) <= 5.1e-18L + fabsl(long_value) * LDBL_EPSILON);
    }
    free(copy);
}

static void fuzz_format(uint64_t bits)
{
    char written[NUMBER_DOUBLE_SIZE];
    int64_t integer;
    size_t size = number_format_int64(written, (int64_t)bits);
    check(number_parse_int64(kv_bytes(written, size), &integer));
    check(integer == (int64_t)bits);

    double value, back;
    memcpy(&value, &bits, sizeof value);
    size = number_format_double_shortest(written, value);
    check(size <= sizeof written);
    check(number_parse_double(kv_bytes(written, size), &back) == !isnan(value));
    check(isnan(value) || memcmp(&back, &value, sizeof value) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kv_slice text = kv_bytes(data, size);
    fuzz_int64(text);
    fuzz_parse(text);
    if (size >= 8) {
        uint64_t bits;
        memcpy(&bits, data, sizeof bits);
        fuzz_format(bits);
    }
    return 0;
}
