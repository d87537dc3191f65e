/*
 * base/number.c -- reading and writing numbers, the same in any locale.
 *
 * strtod() and printf() are exact, but use the decimal point of the host's locale, which another thread
 * may even change meanwhile. So neither ever sees a point here:
 *   - a text is first scanned against the grammar below and rewritten as an integer with an exponent,
 *     "1.50e3" as "150e1", which strtod() reads alike everywhere; the common case, up to 19 digits that
 *     make at most 2^53 and a power of ten up to 22, needs no strtod (Clinger, PLDI 1990);
 *   - a number is printed with "%.*e" and only the digits and the exponent are taken from that.
 *
 *     number   = [ "+" | "-" ] ( decimal | hex | "inf" | "infinity" )
 *     decimal  = digits with at most one "." and at least one digit, [ ("e"|"E") ["+"|"-"] digits ]
 *     hex      = ("0x"|"0X") hex digits, as above, [ ("p"|"P") ["+"|"-"] digits ]
 */
#include "base/number.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- integers ------------------------------------------------------------------------------------- */

KV_INTERNAL bool number_parse_int64(kv_slice text, int64_t *value)
{
    const char *at = text.data;
    if (text.size == 0 || text.size > NUMBER_INT64_SIZE) return false;
    const char *end = at + text.size;
    bool negative = *at == '-';
    if (negative) at++;
    if (at == end) return false;
    if (*at == '0') {
        if (text.size != 1) return false;
        *value = 0;
        return true;
    }

    uint64_t magnitude = 0; /* 19 digits fit whatever they are */
    if (end - at > 19) return false;
    for (; at < end; at++) {
        unsigned digit = (unsigned)((unsigned char)*at - '0');
        if (digit > 9) return false;
        magnitude = magnitude * 10 + digit;
    }
    if (magnitude > (uint64_t)INT64_MAX + negative) return false;
    *value = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

static const char number_pairs[200] =
    "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
    "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

KV_INTERNAL size_t number_format_uint64(char *text, uint64_t value)
{
    char digits[NUMBER_INT64_SIZE];
    char *at = digits + sizeof digits;
    while (value >= 100) {
        at -= 2;
        memcpy(at, number_pairs + value % 100 * 2, 2);
        value /= 100;
    }
    if (value >= 10) {
        at -= 2;
        memcpy(at, number_pairs + value * 2, 2);
    } else {
        *--at = (char)('0' + value);
    }
    size_t size = (size_t)(digits + sizeof digits - at);
    memcpy(text, at, size);
    return size;
}

KV_INTERNAL size_t number_format_int64(char *text, int64_t value)
{
    if (value >= 0) return number_format_uint64(text, (uint64_t)value);
    *text = '-';
    return 1 + number_format_uint64(text + 1, 0 - (uint64_t)value);
}

/* --- reading floating point ----------------------------------------------------------------------- */

/*
 * The digits that can decide how a double is rounded: the longest number half way between two doubles
 * has 767. What comes after them matters only by not being zero, and is kept as one digit more.
 */
enum { NUMBER_DOUBLE_DIGITS = 768 };

/* A scanned number: sign * digits * base^exponent, base 10, or 2 if hexadecimal. */
struct number_scan {
    bool negative, infinite, hex;
    char *digits;      /* significant digits without a point, leading zeros removed; room for `limit` + 1 */
    size_t limit;      /* digits beyond it are summed up by a last digit "1" if any is not zero */
    size_t count;      /* digits kept */
    int64_t exponent;
};

static bool number_same_word(const char *at, const char *end, const char *word)
{
    size_t size = strlen(word);
    if ((size_t)(end - at) != size) return false;
    for (size_t i = 0; i < size; i++) {
        if ((at[i] | 0x20) != word[i]) return false;
    }
    return true;
}

static bool number_is_digit(char c, bool hex)
{
    if (c >= '0' && c <= '9') return true;
    return hex && (c | 0x20) >= 'a' && (c | 0x20) <= 'f';
}

/* Reads digits with at most one point; returns where they end, or NULL if there is no digit. */
static const char *number_scan_digits(struct number_scan *scan, const char *at, const char *end)
{
    bool point = false, any = false, more = false;
    int64_t shift = 0; /* of the point, in digits */
    for (; at < end; at++) {
        if (*at == '.' && !point) {
            point = true;
            continue;
        }
        if (!number_is_digit(*at, scan->hex)) break;
        any = true;
        if (point) shift--;
        if (scan->count == 0 && *at == '0') continue;
        if (scan->count < scan->limit) {
            scan->digits[scan->count++] = *at;
        } else {
            more |= *at != '0';
            shift++;
        }
    }
    if (more) {
        scan->digits[scan->count++] = '1';
        shift--;
    }
    scan->exponent = scan->hex ? shift * 4 : shift;
    return any ? at : NULL;
}

/* Reads an exponent, which must end the text. Beyond any range it may be imprecise. */
static bool number_scan_exponent(struct number_scan *scan, const char *at, const char *end)
{
    bool negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+')) at++;
    if (at == end) return false;
    int64_t exponent = 0;
    for (; at < end; at++) {
        if (!number_is_digit(*at, false)) return false;
        if (exponent < INT64_MAX / 1000) exponent = exponent * 10 + (*at - '0');
    }
    scan->exponent += negative ? -exponent : exponent;
    return true;
}

static bool number_scan(struct number_scan *scan, kv_slice text)
{
    const char *at = text.data;
    if (text.size == 0) return false;
    const char *end = at + text.size;
    scan->negative = *at == '-';
    if (*at == '-' || *at == '+') at++;

    scan->infinite = number_same_word(at, end, "inf") || number_same_word(at, end, "infinity");
    if (scan->infinite) return true;

    scan->hex = end - at > 2 && at[0] == '0' && (at[1] | 0x20) == 'x';
    if (scan->hex) at += 2;
    scan->count = 0;
    at = number_scan_digits(scan, at, end);
    if (at == NULL) return false;
    if (at == end) return true;
    if ((*at | 0x20) != (scan->hex ? 'p' : 'e')) return false;
    return number_scan_exponent(scan, at + 1, end);
}

/* Writes what strtod() can read in any locale, with its terminator; `text` has room for it. */
static void number_scan_rewrite(const struct number_scan *scan, char *text)
{
    if (scan->hex) {
        memcpy(text, "0x", 2);
        text += 2;
    }
    if (scan->count == 0) *text++ = '0';
    memcpy(text, scan->digits, scan->count);
    text += scan->count;
    *text++ = scan->hex ? 'p' : 'e';

    /* An int is what a libc may read an exponent into; a million is beyond every format there is. */
    int64_t exponent = scan->count == 0 ? 0 : scan->exponent;
    if (exponent > 1000000) exponent = 1000000;
    if (exponent < -1000000) exponent = -1000000;
    text += number_format_int64(text, exponent);
    *text = '\0';
}

enum { NUMBER_REWRITE_EXTRA = 2 + 1 + 1 + NUMBER_INT64_SIZE + 1 }; /* 0x, digit "1", e, exponent, end */

/* The value where one multiplication or division of two exact doubles gives it, rounded once. */
static bool number_scan_easy(const struct number_scan *scan, double *value)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
#if FLT_EVAL_METHOD != 0
    return (void)powers, (void)scan, (void)value, false; /* the x87 rounds twice */
#endif
    if (scan->hex || scan->count > 19 || scan->exponent < -22 || scan->exponent > 22) return false;
    uint64_t digits = 0;
    for (size_t i = 0; i < scan->count; i++) digits = digits * 10 + (uint64_t)(scan->digits[i] - '0');
    if (digits > UINT64_C(1) << 53) return false;
    *value = scan->exponent < 0 ? (double)digits / powers[-scan->exponent]
                                : (double)digits * powers[scan->exponent];
    return true;
}

KV_INTERNAL bool number_parse_double(kv_slice text, double *value)
{
    char digits[NUMBER_DOUBLE_DIGITS + 1];
    struct number_scan scan = {.digits = digits, .limit = NUMBER_DOUBLE_DIGITS};
    if (!number_scan(&scan, text)) return false;

    double magnitude;
    if (scan.infinite) {
        magnitude = HUGE_VAL;
    } else if (!number_scan_easy(&scan, &magnitude)) {
        char plain[NUMBER_DOUBLE_DIGITS + NUMBER_REWRITE_EXTRA];
        number_scan_rewrite(&scan, plain);
        magnitude = strtod(plain, NULL);
        if (magnitude == HUGE_VAL) return false;
        if (magnitude == 0 && scan.count != 0) return false;
    }
    *value = scan.negative ? -magnitude : magnitude;
    return true;
}

KV_INTERNAL bool number_parse_long_double(kv_slice text, long double *value)
{
    if (text.size >= NUMBER_LONG_DOUBLE_SIZE) return false;
    char digits[NUMBER_LONG_DOUBLE_SIZE + 1];
    struct number_scan scan = {.digits = digits, .limit = NUMBER_LONG_DOUBLE_SIZE};
    if (!number_scan(&scan, text)) return false;

    long double magnitude;
    if (scan.infinite) {
        magnitude = HUGE_VALL;
    } else {
        char plain[NUMBER_LONG_DOUBLE_SIZE + NUMBER_REWRITE_EXTRA];
        number_scan_rewrite(&scan, plain);
        magnitude = strtold(plain, NULL);
        if (magnitude == HUGE_VALL) return false;
        if (magnitude == 0 && scan.count != 0) return false;
    }
    *value = scan.negative ? -magnitude : magnitude;
    return true;
}

/* --- writing floating point ----------------------------------------------------------------------- */

/* A finite number above 0 in decimal: 0.d1d2d3... * 10^point, no zeros at the end. */
struct number_decimal {
    char digits[NUMBER_INT64_SIZE];
    int count;
    int point;
};

/* `precision` digits of a finite value above 0, correctly rounded. */
static void number_decimal_print(struct number_decimal *decimal, double value, int precision)
{
    char text[64];
    snprintf(text, sizeof text, "%.*e", precision - 1, value);
    char *exponent = strchr(text, 'e');
    decimal->count = 0;
    for (const char *at = text; at < exponent; at++) {
        if (*at >= '0' && *at <= '9') decimal->digits[decimal->count++] = *at;
    }
    decimal->point = (int)strtol(exponent + 1, NULL, 10) + 1;
    while (decimal->count > 1 && decimal->digits[decimal->count - 1] == '0') decimal->count--;
}

/* Digits, then zeros or a point as needed, never an exponent: "1500", "1.5", "0.0015". */
static size_t number_layout_fixed(char *text, const struct number_decimal *decimal)
{
    char *at = text;
    int point = decimal->point, count = decimal->count;
    if (point <= 0) {
        *at++ = '0';
        *at++ = '.';
        for (; point < 0; point++) *at++ = '0';
    }
    for (int i = 0; i < count || i < point; i++) {
        if (i == point && i > 0) *at++ = '.';
        *at++ = i < count ? decimal->digits[i] : '0';
    }
    return (size_t)(at - text);
}

/* "1.5e-09": `width` is the fewest digits of the exponent. */
static size_t number_layout_exponent(char *text, const struct number_decimal *decimal, int width)
{
    char *at = text;
    *at++ = decimal->digits[0];
    if (decimal->count > 1) *at++ = '.';
    for (int i = 1; i < decimal->count; i++) *at++ = decimal->digits[i];
    int exponent = decimal->point - 1;
    *at++ = 'e';
    *at++ = exponent < 0 ? '-' : '+';
    if (exponent < 0) exponent = -exponent;
    if (exponent < 10 && width > 1) *at++ = '0';
    at += number_format_uint64(at, (uint64_t)exponent);
    return (size_t)(at - text);
}

/* What has no digits. Returns 0 for others. */
static size_t number_format_special(char *text, double value)
{
    const char *word = isnan(value)       ? "nan"
                     : value == HUGE_VAL  ? "inf"
                     : value == -HUGE_VAL ? "-inf"
                     : value != 0         ? ""
                     : signbit(value)     ? "-0"
                                          : "0";
    size_t size = strlen(word);
    memcpy(text, word, size);
    return size;
}

/*
 * Most doubles people use have few decimals. Where m below 10^15 divided by 10^k gives the value, reading
 * "m e-k" gives it too, as that is the same division; and as 15 digits always tell doubles apart, the
 * smallest such k gives the shortest text.
 */
static bool number_decimal_easy(struct number_decimal *decimal, double value)
{
    static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
#if FLT_EVAL_METHOD != 0
    return (void)powers, (void)decimal, (void)value, false;
#endif
    if (value >= 1e8 || value < 1e-5) return false;
    for (int k = 0; k < (int)(sizeof powers / sizeof powers[0]); k++) {
        double scaled = value * powers[k];
        uint64_t rounded = (uint64_t)(scaled + 0.5);
        if ((double)rounded / powers[k] != value) continue;
        decimal->count = (int)number_format_uint64(decimal->digits, rounded);
        decimal->point = decimal->count - k;
        while (decimal->count > 1 && decimal->digits[decimal->count - 1] == '0') decimal->count--;
        return true;
    }
    return false;
}

/* 17 digits always read back as the same double; 15 or 16 often do, and fewer below DBL_MIN. */
static void number_decimal_shortest(struct number_decimal *decimal, double value)
{
    if (number_decimal_easy(decimal, value)) return;
    for (int precision = value < DBL_MIN ? 1 : 15; precision <= 17; precision++) {
        number_decimal_print(decimal, value, precision);
        if (precision == 17) return;
        char text[NUMBER_DOUBLE_SIZE];
        char *at = text;
        memcpy(at, decimal->digits, (size_t)decimal->count);
        at += decimal->count;
        *at++ = 'e';
        at += number_format_int64(at, decimal->point - decimal->count);
        *at = '\0';
        if (strtod(text, NULL) == value) return;
    }
}

/* Redis's limits: a long long's half; digits and zeros up to 7 zeros; decimals up to 10^-7. */
KV_INTERNAL size_t number_format_double_shortest(char *text, double value)
{
    size_t size = number_format_special(text, value);
    if (size != 0) return size;
    if (value > -0x1p62 && value < 0x1p62 && value == (double)(int64_t)value) {
        return number_format_int64(text, (int64_t)value);
    }

    char *at = text;
    if (value < 0) *at++ = '-';
    struct number_decimal decimal;
    number_decimal_shortest(&decimal, fabs(value));
    int zeros = decimal.point - decimal.count; /* behind the digits; below 0: decimals */
    bool fixed = zeros >= 0 ? decimal.point <= decimal.count + 7
                            : zeros > -7 || abs(decimal.point - 1) < 4;
    at += fixed ? number_layout_fixed(at, &decimal) : number_layout_exponent(at, &decimal, 1);
    return (size_t)(at - text);
}

KV_INTERNAL size_t number_format_double_17g(char *text, double value)
{
    size_t size = number_format_special(text, value);
    if (size != 0) return size;
    if (value > -1e15 && value < 1e15 && value == (double)(int64_t)value) {
        return number_format_int64(text, (int64_t)value);
    }

    char *at = text;
    if (value < 0) *at++ = '-';
    struct number_decimal decimal;
    number_decimal_print(&decimal, fabs(value), 17);
    bool fixed = decimal.point > -4 && decimal.point <= 17;
    at += fixed ? number_layout_fixed(at, &decimal) : number_layout_exponent(at, &decimal, 2);
    return (size_t)(at - text);
}

KV_INTERNAL size_t number_format_long_double_human(char *text, long double value)
{
    assert(value - value == 0); /* finite */

    char printed[NUMBER_LONG_DOUBLE_SIZE];
    int length = snprintf(printed, sizeof printed, "%.17Lf", value);
    assert(length > 18);
    assert((size_t)length < sizeof printed);

    /* "-123", a point of one or more bytes, and 17 decimals. */
    size_t whole = printed[0] == '-';
    while (printed[whole] >= '0' && printed[whole] <= '9') whole++;
    const char *decimals = printed + length - 17;
    size_t kept = 17;
    while (kept > 0 && decimals[kept - 1] == '0') kept--;

    if (kept == 0 && whole == 2 && memcmp(printed, "-0", 2) == 0) {
        *text = '0';
        return 1;
    }
    memcpy(text, printed, whole);
    if (kept == 0) return whole;
    text[whole] = '.';
    memcpy(text + whole + 1, decimals, kept);
    return whole + 1 + kept;
}
