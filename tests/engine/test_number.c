/*
 * tests/engine/test_number.c -- base/number.h: the tables were checked with redis-server 7.0.15.
 */
#include "base/number.h"
#include "base/random.h"

#include "../unit.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <string.h>

/* Runs a formatter into a terminated text of its own. */
#define FORMAT(formatter, value) (text[formatter(text, value)] = '\0', text)
static char text[NUMBER_LONG_DOUBLE_SIZE + 1];

/* A copy of exactly the text's size, so that a sanitizer sees a read behind it. */
static bool parse_int64(const char *digits, size_t size, int64_t *value)
{
    char *copy = malloc(size + (size == 0));
    memcpy(copy, digits, size);
    bool ok = number_parse_int64(kv_bytes(copy, size), value);
    free(copy);
    return ok;
}

static bool parse_double(const char *digits, size_t size, double *value)
{
    char *copy = malloc(size + (size == 0));
    memcpy(copy, digits, size);
    bool ok = number_parse_double(kv_bytes(copy, size), value);
    free(copy);
    return ok;
}

/* --- integers --------------------------------------------------------------------------------- */

START_TEST(canonical_integers_are_read)
{
    static const struct {
        const char *digits;
        int64_t value;
    } rows[] = {
        {"0", 0},
        {"1", 1},
        {"-1", -1},
        {"9", 9},
        {"10", 10},
        {"-10", -10},
        {"1234567890123", 1234567890123},
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
        {"-9223372036854775807", -INT64_MAX},
        {"1000000000000000000", 1000000000000000000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t value;
        ck_assert(parse_int64(rows[i].digits, strlen(rows[i].digits), &value));
        ck_assert_int_eq(value, rows[i].value);
        ck_assert_str_eq(FORMAT(number_format_int64, value), rows[i].digits);
    }
}
END_TEST

START_TEST(other_integers_are_refused)
{
    static const char *rows[] = {
        "",
        "-",
        "+",
        "+1",
        "01",
        "00",
        "-0",
        "-01",
        " 1",
        "1 ",
        "1.0",
        "1e3",
        "0x1",
        "a",
        "1a",
        "--1",
        "1-",
        "9223372036854775808",
        "-9223372036854775809",
        "9999999999999999999",
        "18446744073709551616",
        "-99999999999999999999",
        "10000000000000000000",
        "123456789012345678901",
        "/",
        ":",
        "1\n",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t value = 77;
        ck_assert_msg(!parse_int64(rows[i], strlen(rows[i]), &value), "%s", rows[i]);
        ck_assert_int_eq(value, 77);
    }
    int64_t value;
    ck_assert(!parse_int64("1\0", 2, &value));
    ck_assert(!parse_int64("\0", 1, &value));
}
END_TEST

START_TEST(random_integers_read_back)
{
    struct random random;
    random_seed(&random, unit_seed());
    for (int i = 0; i < 300000; i++) {
        uint64_t bits = random_next(&random) >> random_below(&random, 64);
        int64_t value = (int64_t)(random_below(&random, 2) ? bits : 0 - bits), back;
        char wanted[32];
        snprintf(wanted, sizeof wanted, "%" PRId64, value);
        ck_assert_str_eq(FORMAT(number_format_int64, value), wanted);
        ck_assert(parse_int64(wanted, strlen(wanted), &back));
        ck_assert_int_eq(back, value);
        snprintf(wanted, sizeof wanted, "%" PRIu64, bits);
        ck_assert_str_eq(FORMAT(number_format_uint64, bits), wanted);
    }
    ck_assert_str_eq(FORMAT(number_format_uint64, UINT64_MAX), "18446744073709551615");
}
END_TEST

/* --- reading doubles -------------------------------------------------------------------------- */

START_TEST(doubles_are_read)
{
    static const struct {
        const char *digits;
        double value;
    } rows[] = {
        {"0", 0},
        {"-0", -0.0},
        {"1", 1},
        {"+1", 1},
        {"-1.5", -1.5},
        {".5", .5},
        {"5.", 5},
        {"01", 1},
        {"1e3", 1000},
        {"1E+3", 1000},
        {"1e-3", .001},
        {"+.5e1", 5},
        {"0.1", .1},
        {"0.30000000000000004", .1 + .2},
        {"inf", HUGE_VAL},
        {"-INF", -HUGE_VAL},
        {"+Infinity", HUGE_VAL},
        {"infINITY", HUGE_VAL},
        {"0x10", 16},
        {"0X1.8P3", 12},
        {"-0x.8", -.5},
        {"0xa", 10},
        {"0x1p-1074", 0x1p-1074},
        {"9007199254740993", 9007199254740992},
        {"9007199254740993.0000000000000000001", 9007199254740994},
        {"1.7976931348623157e308", DBL_MAX},
        {"1.797693134862315807e308", DBL_MAX},
        {"2.2250738585072014e-308", DBL_MIN},
        {"2.2250738585072011e-308", 0x0.fffffffffffffp-1022},
        {"4.9e-324", 0x1p-1074},
        {"2.4703282292062328e-324", 0x1p-1074},
        {"0e999999999999999999999", 0},
        {"0x0p99999999999999999999", 0},
        {"1e22", 1e22},
        {"1e23", 1e23},
        {"123456789012345678", 123456789012345680},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double value = 77;
        ck_assert_msg(parse_double(rows[i].digits, strlen(rows[i].digits), &value), "%s",
                      rows[i].digits);
        ck_assert_msg(value == rows[i].value, "%s is %.17g", rows[i].digits, value);
        ck_assert_int_eq(!!signbit(value), !!signbit(rows[i].value));
    }
}
END_TEST

START_TEST(other_texts_are_refused)
{
    static const char *rows[] = {
        "",
        "+",
        "-",
        ".",
        "-.",
        "e5",
        ".e5",
        "1e",
        "1e+",
        "1e-",
        "1e5.",
        "1 ",
        " 1",
        "\t1",
        "1\n",
        "1x",
        "1,5",
        "--1",
        "+-1",
        "nan",
        "-nan",
        "NaN",
        "nan(1)",
        "in",
        "infi",
        "infinit",
        "infinityy",
        "inf ",
        "0x",
        "0x.",
        "0xp1",
        "0xg",
        "0x1p",
        "0x1p+",
        "1p3",
        "1..2",
        "1.2.3",
        "0x1e5p",
        "1_000",
        "1e5e5",
        "1\xc2\xa0",
        "1e 5",
        "i",
        "0x1p0x1",
        "1e99999999999999999999",
        "1e-99999999999999999999",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double value = 77;
        long double long_value = 77;
        ck_assert_msg(!parse_double(rows[i], strlen(rows[i]), &value), "%s is %g", rows[i], value);
        ck_assert_double_eq(value, 77);
        ck_assert(!number_parse_long_double(kv_text(rows[i]), &long_value));
        ck_assert(long_value == 77);
    }
    double value;
    ck_assert(!parse_double("1\0", 2, &value));
}
END_TEST

START_TEST(what_a_double_cannot_hold_is_refused)
{
    static const char *rows[] = {
        "1e309",
        "-1e309",
        "1e-400",
        "2.4703282292062327e-324",
        "0x1p1024",
        "0x1p-1076",
        "-0x1p-1075",
        "1.7976931348623159e308",
        "179769313486231580793e289",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double value = 77;
        ck_assert_msg(!parse_double(rows[i], strlen(rows[i]), &value), "%s is %g", rows[i], value);
        ck_assert_double_eq(value, 77);
    }
}
END_TEST

START_TEST(digits_decide_however_far_they_are)
{
    /* 1 + 2^-53 is half way between 1 and the next double: it becomes 1, with anything more not. */
    static const char half[] = "1.00000000000000011102230246251565404236316680908203125";
    enum { SIZE = 100000 };
    static char digits[SIZE];
    memset(digits, '0', sizeof digits);
    memcpy(digits, half, sizeof half - 1);
    double value;
    ck_assert(parse_double(digits, SIZE, &value));
    ck_assert(value == 1);
    digits[SIZE - 1] = '1';
    ck_assert(parse_double(digits, SIZE, &value));
    ck_assert(value == 1 + DBL_EPSILON);

    memset(digits, '0', sizeof digits); /* 0.000...0001e99992 and 1000...000e-99992 */
    memcpy(digits + SIZE - 7, "1e99992", 7);
    digits[1] = '.';
    ck_assert(parse_double(digits, SIZE, &value));
    ck_assert_double_eq(value, 1);
    memset(digits, '0', sizeof digits);
    digits[0] = '1';
    memcpy(digits + SIZE - 7, "e-99992", 7);
    ck_assert(parse_double(digits, SIZE, &value));
    ck_assert_double_eq(value, 1);
}
END_TEST

static double random_double(struct random *random)
{
    uint64_t bits = random_next(random);
    double value;
    switch (random_below(random, 6)) {
    case 0: return (double)(int64_t)bits / 1000;
    case 1: return (double)(int64_t)(bits >> random_below(random, 64)) / 100;
    case 2: return ldexp(1, (int)random_below(random, 2098) - 1074);
    case 3: bits &= UINT64_C(0x800fffffffffffff); break; /* below DBL_MIN */
    default: break;
    }
    memcpy(&value, &bits, sizeof value);
    return isfinite(value) ? value : 0;
}

/* How many digits a value needs at least, but for a power of two, which may do with one less. */
static int digits_needed(double value)
{
    char printed[40];
    int precision = 1;
    do snprintf(printed, sizeof printed, "%.*e", precision - 1, value);
    while (strtod(printed, NULL) != value && precision++ < 17);
    return precision;
}

static int digits_written(const char *at, size_t size)
{
    int digits = 0, zeros = 0;
    for (size_t i = 0; i < size && at[i] != 'e'; i++) {
        if (at[i] == '0' && digits > 0) zeros++;
        if (at[i] < '1' || at[i] > '9') continue;
        digits += zeros + 1;
        zeros = 0;
    }
    return digits;
}

START_TEST(doubles_are_written_with_the_digits_they_need)
{
    struct random random;
    random_seed(&random, unit_seed());
    for (int i = 0; i < 100000; i++) {
        double value = random_double(&random);
        if (value == 0 || fabs(value) > 0x1p53) continue; /* integers are written in full */
        int exponent;
        bool power_of_two = fabs(frexp(value, &exponent)) == 0.5;
        int written = digits_written(text, number_format_double_shortest(text, value));
        int needed = digits_needed(value);
        ck_assert_int_le(written, needed);
        ck_assert_int_ge(written, needed - power_of_two);
    }
}
END_TEST

START_TEST(random_doubles_read_back)
{
    struct random random;
    random_seed(&random, unit_seed());
    for (int i = 0; i < 100000; i++) {
        double value = random_double(&random), back;
        size_t size = number_format_double_shortest(text, value);
        ck_assert_uint_le(size, NUMBER_DOUBLE_SIZE);
        ck_assert_msg(parse_double(text, size, &back), "%.*s", (int)size, text);
        ck_assert_msg(memcmp(&back, &value, sizeof value) == 0, "%.*s", (int)size, text);
        char printed[64];
        snprintf(printed, sizeof printed, "%a", value);
        ck_assert(parse_double(printed, strlen(printed), &back));
        ck_assert(back == value);
    }
}
END_TEST

/* --- writing doubles -------------------------------------------------------------------------- */

START_TEST(doubles_are_written)
{
    static const struct {
        double value;
        const char *text;
    } rows[] = {
        {0, "0"},
        {-0.0, "-0"},
        {1, "1"},
        {-1, "-1"},
        {HUGE_VAL, "inf"},
        {-HUGE_VAL, "-inf"},
        {.1, "0.1"},
        {1.5, "1.5"},
        {-2.25, "-2.25"},
        {.1 + .2, "0.30000000000000004"},
        {3.14, "3.14"},
        {100, "100"},
        {1e15, "1000000000000000"},
        {1e17, "100000000000000000"},
        {1e18, "1000000000000000000"},
        {1e20, "1e+20"},
        {1.5e300, "1.5e+300"},
        {123456789.125, "123456789.125"},
        {.001, "0.001"},
        {.0001, "0.0001"},
        {.00001, "0.00001"},
        {1e-6, "0.000001"},
        {1e-7, "1e-7"},
        {1.5e-9, "1.5e-9"},
        {1.25e-10, "1.25e-10"},
        {0x1p-1074, "5e-324"},
        {DBL_MAX, "1.7976931348623157e+308"},
        {DBL_MIN, "2.2250738585072014e-308"},
        {9007199254740993.0, "9007199254740992"},
        {0x1p62, "4611686018427387904"},
        {-0x1.0000000000001p62, "-4611686018427389000"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ck_assert_str_eq(FORMAT(number_format_double_shortest, rows[i].value), rows[i].text);
    }
    ck_assert_str_eq(FORMAT(number_format_double_shortest, (double)NAN), "nan");
}
END_TEST

START_TEST(short_decimals_stay_short)
{
    for (int digits = 0; digits < 100000; digits += 7) {
        for (int decimals = 1; decimals <= 6; decimals++) {
            char wanted[40];
            double value = digits / pow(10, decimals);
            snprintf(wanted, sizeof wanted, "%.*f", decimals, value);
            size_t size = strlen(wanted);
            while (wanted[size - 1] == '0') size--;
            if (wanted[size - 1] == '.') size--;
            wanted[size] = '\0';
            ck_assert_str_eq(FORMAT(number_format_double_shortest, value), wanted);
        }
    }
}
END_TEST

/* --- long doubles ----------------------------------------------------------------------------- */

/* What INCRBYFLOAT does. */
static const char *sum(const char *a, const char *b)
{
    long double x, y;
    if (!number_parse_long_double(kv_text(a), &x)) return "refused";
    if (!number_parse_long_double(kv_text(b), &y)) return "refused";
    return FORMAT(number_format_long_double_human, x + y);
}

START_TEST(long_doubles_are_written_without_exponent)
{
    ck_assert_str_eq(sum("3.0", "1.1"), "4.1");
    ck_assert_str_eq(sum("10.50", "0.1"), "10.6");
    ck_assert_str_eq(sum("5.0e3", "2.0e2"), "5200");
    ck_assert_str_eq(sum("1", "-1"), "0");
    ck_assert_str_eq(sum("-0", "-0"), "0");
    ck_assert_str_eq(sum("-1e-30", "0"), "0");
    ck_assert_str_eq(sum("0.5", "0"), "0.5");
    ck_assert_str_eq(sum("-0.25", "0"), "-0.25");
    ck_assert_str_eq(sum("0x10", "0"), "16");
    ck_assert_str_eq(sum("1e20", "0"), "100000000000000000000");
    ck_assert_str_eq(sum(" 1", "0"), "refused");
    ck_assert_str_eq(sum("nan", "0"), "refused");
    ck_assert_str_eq(sum("1e99999", "0"), "refused");
    ck_assert_str_eq(sum("1e-99999", "0"), "refused");
    long double value;
    ck_assert(number_parse_long_double(kv_text("-inf"), &value));
    ck_assert(value == -HUGE_VALL);
}
END_TEST

START_TEST(the_longest_long_double_fits)
{
    size_t size = number_format_long_double_human(text, -LDBL_MAX);
    ck_assert_uint_eq(size, LDBL_MAX_10_EXP + 2u);
    ck_assert_uint_le(size, NUMBER_LONG_DOUBLE_SIZE);
    long double value;
    ck_assert(number_parse_long_double(kv_bytes(text, size), &value));
    ck_assert(value == -LDBL_MAX);

    static char digits[NUMBER_LONG_DOUBLE_SIZE];
    memset(digits, '0', sizeof digits);
    digits[NUMBER_LONG_DOUBLE_SIZE - 2] = '7';
    ck_assert(number_parse_long_double(kv_bytes(digits, sizeof digits - 1), &value));
    ck_assert(value == 7);
    ck_assert(!number_parse_long_double(kv_bytes(digits, sizeof digits), &value)); /* as Redis */
    memset(digits, '9', sizeof digits);
    memcpy(digits + NUMBER_LONG_DOUBLE_SIZE - 7, "e-5111", 6);
    ck_assert(number_parse_long_double(kv_bytes(digits, sizeof digits - 1), &value));
    ck_assert(value > 99.9L && value <= 100);
}
END_TEST

/* --- locales ---------------------------------------------------------------------------------- */

START_TEST(the_locale_of_the_host_does_not_matter)
{
    static const char *names[] = {"de_DE.UTF-8", "de_DE.utf8",  "fr_FR.UTF-8",
                                  "de_DE",       "ru_RU.UTF-8", "ps_AF.UTF-8"};
    const char *found = NULL;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && found == NULL; i++) {
        found = setlocale(LC_ALL, names[i]);
    }
    if (found == NULL)
        fprintf(stderr, "no locale with a decimal comma here: only the C locale is tested\n");
    double value;
    ck_assert(parse_double("1.50000000000000000000000001e-30", 32, &value));
    ck_assert_double_eq(value, 1.5e-30);
    ck_assert(!parse_double("1,5", 3, &value));
    ck_assert_str_eq(FORMAT(number_format_double_shortest, 1.0 / 3), "0.3333333333333333");
    ck_assert_str_eq(sum("1.25", "1e-5"), "1.25001");
    setlocale(LC_ALL, "C");
}
END_TEST

int main(void)
{
    return UNIT_RUN("number", canonical_integers_are_read, other_integers_are_refused,
                    random_integers_read_back, doubles_are_read, other_texts_are_refused,
                    what_a_double_cannot_hold_is_refused, digits_decide_however_far_they_are,
                    random_doubles_read_back, doubles_are_written_with_the_digits_they_need,
                    doubles_are_written, short_decimals_stay_short,
                    long_doubles_are_written_without_exponent, the_longest_long_double_fits,
                    the_locale_of_the_host_does_not_matter);
}
