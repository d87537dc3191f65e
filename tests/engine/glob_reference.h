/*
 * tests/engine/glob_reference.h -- what a glob matches, by its definition: short, and exponential.
 *
 * Written apart from base/glob.c: a star is tried with every length, a class is first made a set of
 * bytes.
 */
#ifndef KV_TESTS_GLOB_REFERENCE_H
#define KV_TESTS_GLOB_REFERENCE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline int glob_reference_lower(int byte)
{
    return byte >= 'A' && byte <= 'Z' ? byte + 32 : byte;
}

static inline bool glob_reference_same(int a, int b, bool nocase)
{
    return a == b || (nocase && glob_reference_lower(a) == glob_reference_lower(b));
}

/* Makes the set of the class that starts behind "[" at p; returns the pattern behind it. */
static inline const uint8_t *glob_reference_class(const uint8_t *p, const uint8_t *end, bool nocase,
                                                  bool set[256])
{
    bool negated = p != end && *p == '^';
    if (negated) p++;
    memset(set, 0, 256);
    for (; p != end && *p != ']'; p++) {
        if (*p == '\\' && end - p > 1) {
            set[*++p] = true;
        } else if (end - p > 2 && p[1] == '-') {
            int low = (signed char)p[0], high = (signed char)p[2];
            if (low > high) {
                int swap = low;
                low = high;
                high = swap;
            }
            if (nocase) low = glob_reference_lower(low), high = glob_reference_lower(high);
            for (int byte = -128; byte < 128; byte++) {
                int seen = nocase ? glob_reference_lower(byte) : byte;
                if (seen >= low && seen <= high) set[(uint8_t)byte] = true;
            }
            p += 2;
        } else {
            for (int byte = 0; byte < 256; byte++) {
                if (glob_reference_same(byte, *p, nocase)) set[byte] = true;
            }
        }
    }
    for (int byte = 0; byte < 256; byte++) set[byte] = set[byte] != negated;
    return p == end ? end : p + 1;
}

static inline bool glob_reference(const uint8_t *p, const uint8_t *p_end, const uint8_t *t,
                                  const uint8_t *t_end, bool nocase)
{
    if (p == p_end) return t == t_end;
    if (*p == '*') {
        for (;; t++) {
            if (glob_reference(p + 1, p_end, t, t_end, nocase)) return true;
            if (t == t_end) return false;
        }
    }
    if (t == t_end) return false;
    bool set[256] = {false};
    if (*p == '[') {
        p = glob_reference_class(p + 1, p_end, nocase, set);
    } else {
        if (*p == '?') memset(set, 1, sizeof set);
        else if (*p == '\\' && p_end - p > 1) p++;
        for (int byte = 0; byte < 256; byte++) {
            if (glob_reference_same(byte, *p, nocase)) set[byte] = true;
        }
        p++;
    }
    return set[*t] && glob_reference(p, p_end, t + 1, t_end, nocase);
}

#endif
