/*
 * structures/intset.c -- see intset.h.
 */
#include "structures/intset.h"

#include <string.h>

static size_t intset_width_of(int64_t integer)
{
    if (integer >= INT16_MIN && integer <= INT16_MAX) return 2;
    return integer >= INT32_MIN && integer <= INT32_MAX ? 4 : 8;
}

static int64_t intset_load_integer(const uint8_t *at, size_t width)
{
    if (width == 2) return (int16_t)bytes_load16(at);
    return width == 4 ? (int64_t)(int32_t)bytes_load32(at) : (int64_t)bytes_load64(at);
}

static void intset_store_integer(uint8_t *at, size_t width, int64_t integer)
{
    if (width == 2) bytes_store16(at, (uint16_t)integer);
    else if (width == 4) bytes_store32(at, (uint32_t)integer);
    else bytes_store64(at, (uint64_t)integer);
}

static uint8_t *intset_place(struct intset *intset, size_t index)
{
    return intset->room + INTSET_HEADER + index * intset_width(intset);
}

static void intset_set_count(struct intset *intset, size_t count)
{
    bytes_store32(intset->room + 4, (uint32_t)count);
}

KV_INTERNAL int64_t intset_at(const struct intset *intset, size_t index)
{
    assert(index < intset_count(intset));
    size_t width = intset_width(intset);
    return intset_load_integer(intset->room + INTSET_HEADER + index * width, width);
}

KV_INTERNAL bool intset_find(const struct intset *intset, int64_t integer, size_t *index)
{
    size_t low = 0, high = intset_count(intset);
    if (high > 0 && integer > intset_at(intset, high - 1))
        low = high; /* mostly they come in order */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (intset_at(intset, middle) < integer) low = middle + 1;
        else high = middle;
    }
    *index = low;
    return low < intset_count(intset) && intset_at(intset, low) == integer;
}

KV_INTERNAL kv_status intset_reserve(struct memory *memory, struct intset **intset, size_t count,
                                     int64_t integer)
{
    struct intset *old = *intset;
    size_t old_count = old != NULL ? intset_count(old) : 0;
    size_t width = intset_width_of(integer);
    if (old != NULL && intset_width(old) > width) width = intset_width(old);
    if (count > INTSET_COUNT_MAX - old_count) return KV_TOOBIG;

    size_t wanted = INTSET_HEADER + (old_count + count) * width;
    if (old != NULL && wanted <= old->capacity) return KV_OK;
    /* an eighth to spare, so that growing by one costs O(1) moves of the block */
    size_t old_size = old != NULL ? intset_block_size(old) : 0;
    size_t size = memory_capacity(sizeof *old + wanted + (old != NULL ? wanted / 8 : 0));
    struct intset *moved = memory_resize(memory, old, old_size, size);
    if (moved == NULL) return KV_NOMEM;
    moved->capacity = (uint32_t)(size - sizeof *moved);
    if (old == NULL) {
        moved->mark = INTSET_MARK;
        bytes_store32(moved->room, (uint32_t)width);
        intset_set_count(moved, 0);
    }
    *intset = moved;
    return KV_OK;
}

/* Makes all integers wider, from the last one on, as they grow into each other. */
static void intset_widen(struct intset *intset, size_t width)
{
    size_t old_width = intset_width(intset);
    for (size_t i = intset_count(intset); i-- > 0;) {
        int64_t integer =
            intset_load_integer(intset->room + INTSET_HEADER + i * old_width, old_width);
        intset_store_integer(intset->room + INTSET_HEADER + i * width, width, integer);
    }
    bytes_store32(intset->room, (uint32_t)width);
}

KV_INTERNAL void intset_insert(struct intset *intset, size_t index, int64_t integer)
{
    size_t count = intset_count(intset);
    size_t needed = intset_width_of(integer);
    assert(index <= count);
    if (needed > intset_width(intset)) intset_widen(intset, needed);
    size_t width = intset_width(intset);
    assert(INTSET_HEADER + (count + 1) * width <= intset->capacity);
    uint8_t *at = intset_place(intset, index);
    memmove(at + width, at, (count - index) * width);
    intset_store_integer(at, width, integer);
    intset_set_count(intset, count + 1);
}

KV_INTERNAL void intset_delete(struct intset *intset, size_t index)
{
    size_t count = intset_count(intset);
    size_t width = intset_width(intset);
    assert(index < count);
    uint8_t *at = intset_place(intset, index);
    memmove(at, at + width, (count - index - 1) * width);
    intset_set_count(intset, count - 1);
}

KV_INTERNAL void intset_destroy(struct memory *memory, struct intset *intset)
{
    if (intset != NULL) memory_free(memory, intset, intset_block_size(intset));
}

KV_INTERNAL bool intset_validate(kv_slice bytes, bool deep)
{
    const uint8_t *at = bytes.data;
    if (bytes.size < INTSET_HEADER) return false;
    size_t width = bytes_load32(at);
    size_t count = bytes_load32(at + 4);
    if (width != 2 && width != 4 && width != 8) return false;
    if (count > INTSET_COUNT_MAX || bytes.size != INTSET_HEADER + count * width) return false;
    if (!deep) return true;
    at += INTSET_HEADER;
    for (size_t i = 1; i < count; i++, at += width) {
        if (intset_load_integer(at, width) >= intset_load_integer(at + width, width)) return false;
    }
    return true;
}

KV_INTERNAL kv_status intset_load(struct memory *memory, kv_slice bytes, struct intset **intset)
{
    assert(intset_validate(bytes, false));
    size_t size = memory_capacity(sizeof **intset + bytes.size);
    struct intset *loaded = memory_get(memory, size);
    if (loaded == NULL) return KV_NOMEM;
    loaded->capacity = (uint32_t)(size - sizeof *loaded);
    loaded->mark = INTSET_MARK;
    memcpy(loaded->room, bytes.data, bytes.size);
    *intset = loaded;
    return KV_OK;
}

#if KV_DEBUG > 0
KV_INTERNAL void intset_check(const struct intset *intset)
{
    assert(intset_is(intset));
    assert(intset_validate(intset_bytes(intset), true));
    assert(intset_bytes(intset).size <= intset->capacity);
}
#endif
