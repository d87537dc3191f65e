/*
 * base/glob.c -- glob matching without recursion.
 *
 * Every item of a pattern but a star takes exactly one byte. So when a later star has been reached,
 * an earlier one need never be tried again: whatever it could give up, the later one can take. It
 * is enough to remember the last star, and no pattern is exponential.
 *
 * What Redis does with odd patterns, and so is done here:
 *   - a backslash at the very end stands for itself, also at the end of an unclosed class;
 *   - a class that is not closed ends with the pattern; "[" alone matches nothing, "[^" any byte;
 *   - "]" closes a class even in first place, so "[]" matches nothing and "[^]" any byte;
 *   - "-" in a class makes a range whenever a byte is before and after it, be that "]"; the ends of
 *     a range are compared as signed bytes, and may be in any order; they cannot be escaped;
 *   - an escaped byte in a class is compared with its case even if `nocase`.
 *
 * One difference: here "**" matches the empty text, as "*" does. To Redis a star matches it only
 * where a command knows "*" beforehand (KEYS, SCAN).
 */
#include "base/glob.h"

#include <stdint.h>

static uint8_t glob_fold(uint8_t byte, bool nocase)
{
    return nocase && byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + ('a' - 'A')) : byte;
}

static bool glob_same(uint8_t a, uint8_t b, bool nocase)
{
    return glob_fold(a, nocase) == glob_fold(b, nocase);
}

/* The ends are put in order before their case is dropped: with `nocase`, [c-H] is empty. */
static bool glob_in_range(uint8_t first, uint8_t last, uint8_t byte, bool nocase)
{
    bool ordered = (int8_t)first <= (int8_t)last;
    int8_t low = (int8_t)glob_fold(ordered ? first : last, nocase);
    int8_t high = (int8_t)glob_fold(ordered ? last : first, nocase);
    int8_t at = (int8_t)glob_fold(byte, nocase);
    return low <= at && at <= high;
}

/* Compares one byte with the class whose "[" is at *at, and moves *at behind the class. */
static bool glob_class(const uint8_t **at, const uint8_t *end, uint8_t byte, bool nocase)
{
    const uint8_t *p = *at + 1;
    bool negated = p < end && *p == '^';
    if (negated) p++;

    bool found = false;
    while (p < end && *p != ']') {
        if (*p == '\\' && end - p >= 2) {
            found |= p[1] == byte;
            p += 2;
        } else if (end - p >= 3 && p[1] == '-') {
            found |= glob_in_range(p[0], p[2], byte, nocase);
            p += 3;
        } else {
            found |= glob_same(*p, byte, nocase);
            p++;
        }
    }
    *at = p < end ? p + 1 : end;
    return found != negated;
}

/* Compares one byte with the item at *at, which is not a star, and moves *at behind it. */
static bool glob_item(const uint8_t **at, const uint8_t *end, uint8_t byte, bool nocase)
{
    const uint8_t *p = *at;
    switch (*p) {
    case '?': *at = p + 1; return true;
    case '[': return glob_class(at, end, byte, nocase);
    case '\\':
        if (end - p >= 2) p++;
        break;
    default: break;
    }
    *at = p + 1;
    return glob_same(*p, byte, nocase);
}

/* C knows no NULL + 0. */
static const uint8_t *glob_bytes(kv_slice slice)
{
    return slice.size != 0 ? slice.data : (const uint8_t *)"";
}

KV_INTERNAL bool glob_match(kv_slice pattern, kv_slice text, bool nocase)
{
    const uint8_t *p = glob_bytes(pattern), *p_end = p + pattern.size;
    const uint8_t *t = glob_bytes(text), *t_end = t + text.size;
    const uint8_t *after_star = NULL; /* the pattern behind the last star */
    const uint8_t *star_ends = NULL;  /* and the text behind what that star has taken so far */

    while (t < t_end) {
        if (p < p_end && *p == '*') {
            after_star = ++p;
            star_ends = t;
            if (p == p_end) return true;
        } else if (p < p_end && glob_item(&p, p_end, *t, nocase)) {
            t++;
        } else if (after_star != NULL) {
            p = after_star;
            t = ++star_ends;
        } else {
            return false;
        }
    }
    while (p < p_end && *p == '*') p++;
    return p == p_end;
}
