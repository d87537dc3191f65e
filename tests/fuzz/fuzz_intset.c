/*
 * tests/fuzz/fuzz_intset.c -- intsets from outside: what is let in is safe to use.
 */
#include "structures/intset.h"

#include "fuzz.h"

static void use(struct intset *intset, struct memory *memory)
{
    size_t index, count = intset_count(intset);
    intset_check(intset);
    for (size_t i = 0; i < count; i++) {
        check(intset_find(intset, intset_at(intset, i), &index));
        check(index == i);
    }
    static const int64_t integers[] = {0, -7, 40000, INT64_MIN, INT64_MAX};
    for (size_t i = 0; i < sizeof integers / sizeof *integers; i++) {
        if (intset_find(intset, integers[i], &index)) {
            intset_delete(intset, index);
        } else if (intset_reserve(memory, &intset, 1, integers[i]) == KV_OK) {
            intset_insert(intset, index, integers[i]);
        }
        intset_check(intset);
    }
    intset_destroy(memory, intset);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kv_slice bytes = {data, size};
    if (!intset_validate(bytes, true)) return 0;
    check(intset_validate(bytes, false));
    struct alloc alloc;
    struct pages pages;
    struct memory memory;
    struct intset *intset;
    alloc_init(&alloc, NULL);
    pages_init(&pages, &alloc);
    memory_init(&memory, &pages);
    if (intset_load(&memory, bytes, &intset) == KV_OK) use(intset, &memory);
    memory_destroy(&memory);
    return 0;
}
