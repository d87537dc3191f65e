/*
 * tests/fuzz/fuzz_pack.c -- bytes from outside as a listpack: refused, or safe in every use.
 *
 * The input is tried as it is, and again as the elements between a right header and end, which an
 * input seldom hits by itself.
 */
#include "structures/pack.h"

#include "fuzz.h"

#include <stdlib.h>

static struct alloc alloc;
static struct pages pages;
static struct memory memory;

/* Reads all of the pack in every way there is. */
static void read_all(const struct pack *pack)
{
    size_t count = 0;
    char scratch[PACK_TEXT_SIZE];
    unsigned volatile sum = 0;
    const uint8_t *at;
    for (at = pack_first(pack); *at != PACK_END; at = pack_next(at)) {
        kv_slice text = pack_text(at, scratch);
        for (size_t i = 0; i < text.size; i++) sum += ((const uint8_t *)text.data)[i];
        struct pack_needle needle = pack_needle(text);
        check(pack_equals(at, &needle));
        check(pack_find(at, &needle, 1) == at);
        count++;
    }
    (void)sum;
    check(pack_count(pack) == count);
    check(at == pack_end(pack));
    for (at = pack_last(pack); at != NULL; at = pack_prev(pack, at)) count--;
    check(count == 0);
}

/* A pack with the same texts, each put in anew: it is no larger, and reads the same. */
static void put_anew(const struct pack *pack)
{
    struct pack *copy;
    char scratch[PACK_TEXT_SIZE];
    check(pack_create(&memory, 0, KV_TAIL, &copy) == KV_OK);
    for (const uint8_t *at = pack_first(pack); *at != PACK_END; at = pack_next(at)) {
        kv_slice text = pack_text(at, scratch);
        struct pack_run run;
        check(pack_measure(&text, 1, &run) == KV_OK);
        check(pack_reserve(&memory, &copy, run.size, KV_TAIL) == KV_OK);
        pack_push(copy, KV_TAIL, &run);
    }
    check(pack_size(copy) <= pack_size(pack));
    check(pack_count(copy) == pack_count(pack));
    check(pack_validate(pack_bytes(copy), true));
    pack_destroy(&memory, copy);
}

/* Takes a pack apart from its middle. */
static void take_apart(struct pack *pack)
{
    size_t count;
    while ((count = pack_count(pack)) > 0) {
        const uint8_t *at = pack_seek(pack, count / 2);
        struct pack_needle needle = pack_needle(KV_TEXT("0"));
        if (count % 3 == 0) pack_delete(pack, pack_first(pack), (count + 1) / 2);
        else if (count % 3 == 1) pack_delete_equal(pack, &needle, 2, KV_TAIL);
        else pack_replace(pack, at, KV_TEXT(""));
        if (count == pack_count(pack)) pack_delete(pack, pack_last(pack), 1);
        check(pack_validate(pack_bytes(pack), true));
    }
}

static void try_bytes(kv_slice bytes)
{
    bool from_outside = pack_validate(bytes, false);
    if (!pack_validate(bytes, true)) return;
    check(from_outside);

    struct pack *pack;
    check(pack_load(&memory, bytes, &pack) == KV_OK);
    read_all(pack);
    put_anew(pack);
    take_apart(pack);
    pack_destroy(&memory, pack);
}

static void try_as_elements(const uint8_t *data, size_t size)
{
    size_t whole = PACK_EMPTY_SIZE + size;
    uint8_t *bytes =
        malloc(whole); /* exactly as large, so that a sanitizer sees a read past its end */
    check(bytes != NULL);
    bytes_store32(bytes, (uint32_t)whole);
    bytes_store16(bytes + 4, 65535);
    memcpy(bytes + PACK_HEADER, data, size);
    bytes[whole - 1] = PACK_END;
    try_bytes(KV_BYTES(bytes, whole));
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 65536) return 0;
    if (pages.alloc == NULL) {
        alloc_init(&alloc, NULL);
        pages_init(&pages, &alloc);
        memory_init(&memory, &pages);
    }
    try_bytes(KV_BYTES(data, size));
    if (size > 0) try_as_elements(data, size);
    check(memory.used == 0);
    return 0;
}
