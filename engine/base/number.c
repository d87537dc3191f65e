/*
 * base/number.c -- reading and writing numbers, the same in any locale.
 *
 * strtod() and printf() are exact, but use the decimal point of the host's locale, which another
 * thread may even change meanwhile. So neither ever sees a point here:
 *   - a text is first scanned against the grammar below and rewritten as an integer with exponent,
 *     "1.50e3" as "150e1", which strtod() reads alike everywhere; the common case, digits that make
 *     at most 2^53 and a power of ten up to 22, needs no strtod() (Clinger, PLDI 1990);
 *   - doubles are printed by the algorithm below, and what it leaves to printf() is taken from
 *   there
 *     digit by digit.
 *
 *     number   = [ "+" | "-" ] ( decimal | hex | "inf" | "infinity" )
 *     decimal  = digits with at most one "." and at least one digit, [ ("e"|"E") ["+"|"-"] digits ]
 *     hex      = ("0x"|"0X") hex digits, as above, [ ("p"|"P") ["+"|"-"] digits ]
 */
#include "base/number.h"
#include "base/bits.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- integers --------------------------------------------------------------------------------- */

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

static const char number_pairs[200] = "000102030405060708091011121314151617181920212223242526272829"
                                      "3031323334353637383940414243444546474849"
                                      "505152535455565758596061626364656667686970717273747576777879"
                                      "8081828384858687888990919293949596979899";

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

/* --- reading floating point ------------------------------------------------------------------- */

/*
 * The digits that can decide how a double is rounded: the longest number half way between two
 * doubles has 767. What comes after them matters only by not being zero, and is kept as one digit
 * more.
 */
enum { NUMBER_DOUBLE_DIGITS = 768 };

/* A scanned number: sign * digits * base^exponent, base 10, or 2 if hexadecimal. */
struct number_scan {
    bool negative, infinite, hex;
    char *digits; /* without a point or leading zeros; there is room for `limit` + 1 */
    size_t limit; /* digits beyond it become one last digit "1" if any of them is not zero */
    size_t count; /* digits kept */
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

    /* A libc may read an exponent into an int; a million is beyond every format there is. */
    int64_t exponent = scan->count == 0 ? 0 : scan->exponent;
    if (exponent > 1000000) exponent = 1000000;
    if (exponent < -1000000) exponent = -1000000;
    text += number_format_int64(text, exponent);
    *text = '\0';
}

/* 0x, the digit "1", e, the exponent, the terminator. */
enum { NUMBER_REWRITE_EXTRA = 2 + 1 + 1 + NUMBER_INT64_SIZE + 1 };

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
    for (size_t i = 0; i < scan->count; i++) {
        digits = digits * 10 + (uint64_t)(scan->digits[i] - '0');
    }
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

/* --- writing floating point ------------------------------------------------------------------- */

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

/* "1.5e-9". */
static size_t number_layout_exponent(char *text, const struct number_decimal *decimal)
{
    char *at = text;
    *at++ = decimal->digits[0];
    if (decimal->count > 1) *at++ = '.';
    for (int i = 1; i < decimal->count; i++) *at++ = decimal->digits[i];
    int exponent = decimal->point - 1;
    *at++ = 'e';
    *at++ = exponent < 0 ? '-' : '+';
    if (exponent < 0) exponent = -exponent;
    at += number_format_uint64(at, (uint64_t)exponent);
    return (size_t)(at - text);
}

/* What has no digits. Returns 0 for others. */
static size_t number_format_special(char *text, double value)
{
    const char *word = "";
    if (isnan(value)) word = "nan";
    else if (isinf(value)) word = value > 0 ? "inf" : "-inf";
    else if (value == 0) word = signbit(value) ? "-0" : "0";
    size_t size = strlen(word);
    memcpy(text, word, size);
    return size;
}

/*
 * The shortest digits that read back as the same double, and of those the nearest, by Grisu3
 * (Loitsch, "Printing floating-point numbers quickly and accurately with integers", PLDI 2010,
 * section 6). It knows when it is not sure, which is about once in 200 doubles; then they are found
 * by trying.
 *
 * The double is f * 2^e; with it go the two numbers half way to its neighbours. All three are
 * scaled by a power of ten to an exponent at which the integral part has at most 32 bits. Scaling
 * is off by less than one unit of f; that unit is carried along with the digits.
 */
struct number_scaled {
    uint64_t f;
    int e;
};

enum {
    NUMBER_POWER_FIRST = -348,
    NUMBER_POWER_STEP = 8, /* 26.6 bits; exponents have a range of 28 to fall into */
    NUMBER_POWER_COUNT = 87,
    NUMBER_EXPONENT_MIN = -60,
    NUMBER_EXPONENT_MAX = -32
};

/* The first 64 bits of 10^-348, 10^-340, ..., 10^340, rounded. */
static const uint64_t number_powers[NUMBER_POWER_COUNT] = {
    0xfa8fd5a0081c0288, 0xbaaee17fa23ebf76, 0x8b16fb203055ac76, 0xcf42894a5dce35ea,
    0x9a6bb0aa55653b2d, 0xe61acf033d1a45df, 0xab70fe17c79ac6ca, 0xff77b1fcbebcdc4f,
    0xbe5691ef416bd60c, 0x8dd01fad907ffc3c, 0xd3515c2831559a83, 0x9d71ac8fada6c9b5,
    0xea9c227723ee8bcb, 0xaecc49914078536d, 0x823c12795db6ce57, 0xc21094364dfb5637,
    0x9096ea6f3848984f, 0xd77485cb25823ac7, 0xa086cfcd97bf97f4, 0xef340a98172aace5,
    0xb23867fb2a35b28e, 0x84c8d4dfd2c63f3b, 0xc5dd44271ad3cdba, 0x936b9fcebb25c996,
    0xdbac6c247d62a584, 0xa3ab66580d5fdaf6, 0xf3e2f893dec3f126, 0xb5b5ada8aaff80b8,
    0x87625f056c7c4a8b, 0xc9bcff6034c13053, 0x964e858c91ba2655, 0xdff9772470297ebd,
    0xa6dfbd9fb8e5b88f, 0xf8a95fcf88747d94, 0xb94470938fa89bcf, 0x8a08f0f8bf0f156b,
    0xcdb02555653131b6, 0x993fe2c6d07b7fac, 0xe45c10c42a2b3b06, 0xaa242499697392d3,
    0xfd87b5f28300ca0e, 0xbce5086492111aeb, 0x8cbccc096f5088cc, 0xd1b71758e219652c,
    0x9c40000000000000, 0xe8d4a51000000000, 0xad78ebc5ac620000, 0x813f3978f8940984,
    0xc097ce7bc90715b3, 0x8f7e32ce7bea5c70, 0xd5d238a4abe98068, 0x9f4f2726179a2245,
    0xed63a231d4c4fb27, 0xb0de65388cc8ada8, 0x83c7088e1aab65db, 0xc45d1df942711d9a,
    0x924d692ca61be758, 0xda01ee641a708dea, 0xa26da3999aef774a, 0xf209787bb47d6b85,
    0xb454e4a179dd1877, 0x865b86925b9bc5c2, 0xc83553c5c8965d3d, 0x952ab45cfa97a0b3,
    0xde469fbd99a05fe3, 0xa59bc234db398c25, 0xf6c69a72a3989f5c, 0xb7dcbf5354e9bece,
    0x88fcf317f22241e2, 0xcc20ce9bd35c78a5, 0x98165af37b2153df, 0xe2a0b5dc971f303a,
    0xa8d9d1535ce3b396, 0xfb9b7cd9a4a7443c, 0xbb764c4ca7a44410, 0x8bab8eefb6409c1a,
    0xd01fef10a657842c, 0x9b10a4e5e9913129, 0xe7109bfba19c0c9d, 0xac2820d9623bf429,
    0x80444b5e7aa7cf85, 0xbf21e44003acdd2d, 0x8e679c2f5e44ff8f, 0xd433179d9c8cb841,
    0x9e19db92b4e31ba9, 0xeb96bf6ebadf77d9, 0xaf87023b9bf0ee6b,
};

static struct number_scaled number_power(int index)
{
    int decimal = NUMBER_POWER_FIRST + index * NUMBER_POWER_STEP;
    /* 1741647 / 2^19 is log2(10), exact enough to be rounded down right in this range. */
    int binary = decimal * 1741647;
    binary = binary >= 0 ? binary >> 19 : -((-binary + (1 << 19) - 1) >> 19);
    return (struct number_scaled){number_powers[index], binary - 63};
}

/* The lowest power of ten that brings the exponent of a normalised number into the range. */
static int number_power_index(int e)
{
    int decimal = (NUMBER_EXPONENT_MIN - 1 - e) * 30103 / 100000; /* log10(2); right, or near */
    int index = (decimal - NUMBER_POWER_FIRST) / NUMBER_POWER_STEP;
    while (e + number_power(index).e + 64 < NUMBER_EXPONENT_MIN) index++;
    return index;
}

/* The upper 64 bits of the product, rounded. */
static struct number_scaled number_multiply(struct number_scaled a, struct number_scaled b)
{
    uint64_t a_high = a.f >> 32, a_low = a.f & UINT32_MAX;
    uint64_t b_high = b.f >> 32, b_low = b.f & UINT32_MAX;
    uint64_t cross = a_high * b_low, across = a_low * b_high;
    uint64_t middle = (a_low * b_low >> 32) + (cross & UINT32_MAX) + (across & UINT32_MAX);
    middle += UINT32_C(1) << 31;
    uint64_t high = a_high * b_high + (cross >> 32) + (across >> 32) + (middle >> 32);
    return (struct number_scaled){high, a.e + b.e + 64};
}

/* The same number with the highest bit of f set. */
static struct number_scaled number_normalise(struct number_scaled x)
{
    int zeros = (int)bits_leading_zeros(x.f);
    return (struct number_scaled){x.f << zeros, x.e - zeros};
}

/* A double above 0, and the numbers half way to its neighbours, with one exponent. */
static void number_boundaries(double value, struct number_scaled *at, struct number_scaled *lower,
                              struct number_scaled *upper)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    const uint64_t hidden = UINT64_C(1) << 52;
    int biased = (int)(bits >> 52);
    uint64_t fraction = bits & (hidden - 1);
    *at = biased == 0 ? (struct number_scaled){fraction, -1074}
                      : (struct number_scaled){fraction | hidden, biased - 1075};
    *upper = number_normalise((struct number_scaled){2 * at->f + 1, at->e - 1});
    /* Below a power of two the neighbours are twice as close. */
    *lower = fraction == 0 ? (struct number_scaled){4 * at->f - 1, at->e - 2}
                           : (struct number_scaled){2 * at->f - 1, at->e - 1};
    lower->f <<= lower->e - upper->e;
    lower->e = upper->e;
    *at = number_normalise(*at);
}

/*
 * The digits so far are `left` below the upper boundary. How often to lower the last one, worth
 * `step`, to be nearest to the number itself, which is `distance` below, without leaving the range.
 */
static unsigned number_steps(uint64_t range, uint64_t left, uint64_t step, uint64_t distance)
{
    unsigned steps = 0;
    while (left < distance && range - left >= step &&
           (left + step < distance || distance - left > left + step - distance)) {
        left += step;
        steps++;
    }
    return steps;
}

/* Rounds the last digit; false if being off by `unit` could make a difference. */
static bool number_round_last(char *last, uint64_t range, uint64_t left, uint64_t step,
                              uint64_t distance, uint64_t unit)
{
    unsigned steps = number_steps(range, left, step, distance - unit);
    if (steps != number_steps(range, left, step, distance + unit)) return false;
    *last = (char)(*last - (int)steps);
    left += steps * step;
    return left >= 2 * unit && left <= range - 4 * unit;
}

/*
 * Takes digits of the upper boundary, the highest first, until what is left is within the range,
 * and rounds the last one. The number is found `distance` below; all are off by up to one unit.
 */
static bool number_take_digits(struct number_decimal *decimal, struct number_scaled upper,
                               uint64_t range, uint64_t distance)
{
    int shift = -upper.e;
    uint64_t one = UINT64_C(1) << shift, unit = 1;
    uint32_t whole = (uint32_t)(upper.f >> shift);
    uint64_t part = upper.f & (one - 1);
    assert(whole != 0);
    decimal->count = 0;
    decimal->point = 10;
    for (uint32_t step = 1000000000; step > 0; step /= 10) {
        uint32_t digit = whole / step;
        whole %= step;
        if (digit == 0 && decimal->count == 0) decimal->point--;
        else decimal->digits[decimal->count++] = (char)('0' + digit);
        uint64_t left = ((uint64_t)whole << shift) + part;
        if (left >= range) continue;
        return number_round_last(&decimal->digits[decimal->count - 1], range, left,
                                 (uint64_t)step << shift, distance, unit);
    }
    do {
        part *= 10;
        range *= 10; /* was not above part, which is below 2^60 */
        distance *= 10;
        unit *= 10;
        decimal->digits[decimal->count++] = (char)('0' + (part >> shift));
        part &= one - 1;
    } while (part >= range);
    return number_round_last(&decimal->digits[decimal->count - 1], range, part, one, distance,
                             unit);
}

/* False if it is not sure. */
static bool number_decimal_grisu(struct number_decimal *decimal, double value)
{
    struct number_scaled at, lower, upper;
    number_boundaries(value, &at, &lower, &upper);
    int index = number_power_index(upper.e);
    struct number_scaled power = number_power(index);
    at = number_multiply(at, power);
    upper = number_multiply(upper, power);
    lower = number_multiply(lower, power);
    assert(upper.e >= NUMBER_EXPONENT_MIN);
    assert(upper.e <= NUMBER_EXPONENT_MAX);
    upper.f++; /* surely outside; number_round_last() sees to it that the result is surely inside */
    lower.f--;
    if (!number_take_digits(decimal, upper, upper.f - lower.f, upper.f - at.f)) return false;
    decimal->point -= NUMBER_POWER_FIRST + index * NUMBER_POWER_STEP;
    return true;
}

/* 17 digits always read back as the same double; 15 or 16 often do, and fewer below DBL_MIN. */
static void number_decimal_try(struct number_decimal *decimal, double value)
{
    for (int precision = value < DBL_MIN ? 1 : 15; precision <= 17; precision++) {
        number_decimal_print(decimal, value, precision);
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
    if (value >= -0x1p62 && value <= 0x1p62 && value == (double)(int64_t)value) {
        return number_format_int64(text, (int64_t)value);
    }

    char *at = text;
    if (value < 0) *at++ = '-';
    struct number_decimal decimal;
    if (!number_decimal_grisu(&decimal, fabs(value))) number_decimal_try(&decimal, fabs(value));
    int zeros = decimal.point - decimal.count; /* behind the digits; below 0: decimals */
    bool fixed =
        zeros >= 0 ? decimal.point <= decimal.count + 7 : zeros > -7 || abs(decimal.point - 1) < 4;
    at += fixed ? number_layout_fixed(at, &decimal) : number_layout_exponent(at, &decimal);
    return (size_t)(at - text);
}

KV_INTERNAL size_t number_format_long_double_human(char *text, long double value)
{
    assert(value - value == 0); /* finite */

    char printed[NUMBER_LONG_DOUBLE_SIZE];
    int length = snprintf(printed, sizeof printed, "%.17Lf", value);
    if (length < 0) return 0; /* printf() may allocate */
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
