/*
 * tests/fuzz/fuzz_glob.c -- glob_match() against the definition of a glob.
 *
 * Input: a byte whose lowest bit is `nocase`, a byte that is the size of the pattern, pattern,
 * text.
 */
#include "base/glob.h"

#include "../engine/glob_reference.h"
#include "fuzz.h"

#include <stddef.h>

/* The definition is exponential in the stars. */
static bool fuzz_is_affordable(kv_slice pattern, kv_slice text)
{
    const uint8_t *p = pattern.data;
    size_t stars = 0;
    for (size_t i = 0; i < pattern.size; i++) stars += p[i] == '*';
    return stars <= 3 && pattern.size <= 64 && text.size <= 32;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) return 0;
    bool nocase = data[0] & 1;
    size_t pattern_size = data[1] < size - 2 ? data[1] : size - 2;
    const uint8_t *p = data + 2, *t = p + pattern_size, *end = data + size;
    kv_slice pattern = kv_bytes(p, pattern_size);
    kv_slice text = kv_bytes(t, (size_t)(end - t));

    bool found = glob_match(pattern, text, nocase);
    if (fuzz_is_affordable(pattern, text)) check(found == glob_reference(p, t, t, end, nocase));
    if (found && !nocase) check(glob_match(pattern, text, true) || memchr(p, '[', pattern_size));
    return 0;
}
