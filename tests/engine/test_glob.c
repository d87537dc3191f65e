/*
 * tests/engine/test_glob.c -- base/glob.h: every row was checked with redis-server 7.0.15.
 */
#include "base/glob.h"
#include "base/random.h"

#include "../unit.h"
#include "glob_reference.h"

static bool match(const char *pattern, const char *text)
{
    return glob_match(kv_text(pattern), kv_text(text), false);
}

static const struct {
    const char *pattern, *text;
    bool matches;
} rows[] = {
    /* plain */
    {"", "", true},
    {"", "a", false},
    {"a", "", false},
    {"abc", "abc", true},
    {"abc", "abd", false},
    {"abc", "ab", false},
    {"ab", "abc", false},
    {"?", "a", true},
    {"?", "", false},
    {"??", "a", false},
    {"a?c", "abc", true},
    {"A", "a", false},
    /* stars */
    {"*", "", true},
    {"*", "abc", true},
    {"a*", "a", true},
    {"a*c", "abbc", true},
    {"a*c", "abcb", false},
    {"*a*", "bab", true},
    {"**a", "a", true},
    {"a**", "a", true},
    {"*ab", "aab", true},
    {"*?*", "", false},
    {"*?*?", "ab", true},
    {"*a*b*c", "xaybzc", true},
    {"*a*b*c", "xaybz", false},
    {"h*llo", "heeeello", true},
    /* classes */
    {"[abc]", "b", true},
    {"[abc]", "d", false},
    {"[^abc]", "d", true},
    {"[^abc]", "a", false},
    {"[a-c]", "b", true},
    {"[c-a]", "b", true},
    {"[a-c]", "d", false},
    {"[a-c]x", "bx", true},
    {"[-a]", "-", true},
    {"[a-]", "-", false},
    {"[a-]", "a", true},
    {"[a-]", "]", true},
    {"[]", "]", false},
    {"[]a]", "a]", false},
    {"[^]", "a", true},
    {"[^]]", "a]", true},
    {"[a", "a", true},
    {"[a", "b", false},
    {"[", "[", false},
    {"[^", "x", true},
    {"[^", "", false},
    {"[a-c", "b", true},
    {"[\\]]", "]", true},
    {"[\\a-c]", "b", false},
    {"[\\a-c]", "-", true},
    {"[a\\", "\\", true},
    {"[!a]", "!", true},
    {"[*]", "*", true},
    {"[*]", "a", false},
    {"[?]", "a", false},
    /* escapes */
    {"\\*", "*", true},
    {"\\*", "a", false},
    {"\\a", "a", true},
    {"\\", "\\", true},
    {"a\\", "a\\", true},
    {"\\\\", "\\", true},
    {"\\?", "?", true},
    {"\\[a]", "[a]", true},
    {"*\\", "a\\", true},
    {"\\", "", false},
};

START_TEST(a_pattern_means_what_it_means_to_redis)
{
    ck_assert_msg(match(rows[_i].pattern, rows[_i].text) == rows[_i].matches, "\"%s\" and \"%s\"",
                  rows[_i].pattern, rows[_i].text);
}
END_TEST

START_TEST(ranges_are_of_signed_bytes)
{
    ck_assert(glob_match(kv_text("[\x80-a]"), kv_text("\xff"), false));
    ck_assert(glob_match(kv_text("[\x80-a]"), kv_text("\x01"), false));
    ck_assert(!glob_match(kv_text("[a-\x80]"), kv_text("b"), false));
}
END_TEST

START_TEST(zeros_are_bytes_like_others)
{
    ck_assert(glob_match(kv_bytes("a\0?", 3), kv_bytes("a\0b", 3), false));
    ck_assert(!glob_match(kv_bytes("a\0c", 3), kv_bytes("a\0b", 3), false));
    ck_assert(!glob_match(kv_bytes("a", 1), kv_bytes("a\0b", 3), false));
    ck_assert(glob_match(kv_bytes("[\0]", 3), kv_bytes("\0", 1), false));
}
END_TEST

START_TEST(case_is_ignored_on_request)
{
    ck_assert(glob_match(kv_text("MAX*y"), kv_text("maxmemorY"), true));
    ck_assert(glob_match(kv_text("[A-C]"), kv_text("b"), true));
    ck_assert(glob_match(kv_text("[xyB]"), kv_text("b"), true));
    ck_assert(!glob_match(kv_text("[^B]"), kv_text("b"), true));
    ck_assert(glob_match(kv_text("\\B"), kv_text("b"), true));
    ck_assert(!glob_match(kv_text("[\\B]"), kv_text("b"), true)); /* escaped in a class: as it is */
    ck_assert(
        !glob_match(kv_text("[c-H]"), kv_text("e"), true)); /* put in order as H-c, then h-c */
    ck_assert(!glob_match(kv_text("\xc4"), kv_text("\xe4"), true)); /* ASCII only */
}
END_TEST

START_TEST(no_pattern_is_exponential)
{
    enum { SIZE = 2000 };
    static char text[SIZE], pattern[SIZE];
    memset(text, 'a', sizeof text);
    for (int i = 0; i < SIZE; i += 2) memcpy(pattern + i, "*a", 2);
    pattern[SIZE - 1] = 'b';
    /* A recursive matcher would outlive the universe; this one needs milliseconds. */
    ck_assert(!glob_match(kv_bytes(pattern, SIZE), kv_bytes(text, SIZE), false));
    pattern[SIZE - 1] = 'a';
    ck_assert(glob_match(kv_bytes(pattern, SIZE), kv_bytes(text, SIZE), false));
}
END_TEST

START_TEST(random_patterns_agree_with_the_definition)
{
    static const char alphabet[] = "ab*?[]^-\\A";
    struct random random;
    random_seed(&random, unit_seed());
    int matched = 0;
    for (int round = 0; round < 300000; round++) {
        uint8_t pattern[8], text[6];
        size_t pattern_size = random_below(&random, sizeof pattern + 1);
        size_t text_size = random_below(&random, sizeof text + 1);
        for (size_t i = 0; i < pattern_size; i++) {
            pattern[i] = (uint8_t)alphabet[random_below(&random, sizeof alphabet - 1)];
        }
        for (size_t i = 0; i < text_size; i++) {
            text[i] = (uint8_t)alphabet[random_below(&random, random_below(&random, 10) + 1)];
        }
        bool nocase = random_below(&random, 2);
        bool wanted =
            glob_reference(pattern, pattern + pattern_size, text, text + text_size, nocase);
        bool found = glob_match(kv_bytes(pattern, pattern_size), kv_bytes(text, text_size), nocase);
        ck_assert_msg(found == wanted, "\"%.*s\" and \"%.*s\": %d", (int)pattern_size,
                      (char *)pattern, (int)text_size, (char *)text, found);
        matched += found;
    }
    ck_assert_int_gt(matched, 3000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("glob");
    TCase *tcase = tcase_create("table");
    tcase_add_loop_test(tcase, a_pattern_means_what_it_means_to_redis, 0,
                        sizeof rows / sizeof rows[0]);
    suite_add_tcase(suite, tcase);
    const TTest *tests[] = {ranges_are_of_signed_bytes, zeros_are_bytes_like_others,
                            case_is_ignored_on_request, no_pattern_is_exponential,
                            random_patterns_agree_with_the_definition};
    return unit_run_suite(suite, tests, sizeof tests / sizeof tests[0]);
}
