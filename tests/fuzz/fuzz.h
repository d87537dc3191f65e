/*
 * tests/fuzz/fuzz.h -- what all targets share: the function that libFuzzer and replay.c call, and a
 * check that no build leaves out.
 */
#ifndef KV_TESTS_FUZZ_H
#define KV_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void check(bool condition)
{
    if (!condition) abort();
}

#endif
