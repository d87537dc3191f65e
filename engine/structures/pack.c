/*
 * structures/pack.c -- a small collection in one block of bytes; the format is drawn in pack.h.
 *
 *     room: | free | size count element element ... FF | free |
 *                  ^ start                               capacity ^
 *
 * Invariants (pack_check() asserts them):
 *   1. start + size <= capacity; PACK_EMPTY_SIZE <= size <= PACK_SIZE_MAX.
 *   2. Elements follow each other without a gap from the header to PACK_END, the last byte.
 *   3. Each back length is that of its element, in the size pack_back_size() gives.
 *   4. count is the number of elements, or 65535, which says nothing.
 *
 * All editing is one act: pack_open() makes so many bytes at one place into so many others, moving
 * the shorter side if there is room on it.
 *
 * May use base/. Knows nothing of keys and types.
 */
#include "structures/pack.h"

#include "base/number.h"
#include "base/slice.h"

#include <string.h>

_Static_assert(sizeof(struct pack) == 8, "the header before each pack is 8 bytes");
_Static_assert(PACK_TEXT_SIZE > NUMBER_INT64_SIZE, "any integer's text fits");

enum {
    PACK_COUNT_UNKNOWN = 65535,
    PACK_INT16 = 0xF1,
    PACK_INT24 = 0xF2,
    PACK_INT32 = 0xF3,
    PACK_INT64 = 0xF4,
    PACK_TEXT32 = 0xF0
};

/* ------------------------------------------------------------------------------------- elements */

static size_t pack_integer_size(int64_t value)
{
    if (value >= 0 && value <= 127) return 1;
    if (value >= -4096 && value <= 4095) return 2;
    if (value >= INT16_MIN && value <= INT16_MAX) return 3;
    if (value >= -8388608 && value <= 8388607) return 4;
    return value >= INT32_MIN && value <= INT32_MAX ? 5 : 9;
}

static uint8_t *pack_write_integer(uint8_t *at, int64_t value)
{
    uint64_t bits = (uint64_t)value; /* two's complement, cut to the width of each form */
    size_t size = pack_integer_size(value);
    switch (size) {
    case 1: at[0] = (uint8_t)bits; break;
    case 2:
        at[0] = (uint8_t)(0xC0 | (bits >> 8 & 0x1F));
        at[1] = (uint8_t)bits;
        break;
    case 3:
        at[0] = PACK_INT16;
        bytes_store16(at + 1, (uint16_t)bits);
        break;
    case 4:
        at[0] = PACK_INT24;
        bytes_store16(at + 1, (uint16_t)bits);
        at[3] = (uint8_t)(bits >> 16);
        break;
    case 5:
        at[0] = PACK_INT32;
        bytes_store32(at + 1, (uint32_t)bits);
        break;
    default:
        at[0] = PACK_INT64;
        bytes_store64(at + 1, bits);
        break;
    }
    return at + size;
}

static size_t pack_text_head_size(size_t size)
{
    if (size < 64) return 1;
    return size < 4096 ? 2 : 5;
}

static uint8_t *pack_write_text(uint8_t *at, kv_slice text)
{
    size_t size = text.size;
    if (size < 64) {
        *at++ = (uint8_t)(0x80 | size);
    } else if (size < 4096) {
        *at++ = (uint8_t)(0xE0 | size >> 8);
        *at++ = (uint8_t)size;
    } else {
        *at++ = PACK_TEXT32;
        bytes_store32(at, (uint32_t)size);
        at += 4;
    }
    if (size > 0) memcpy(at, text.data, size);
    return at + size;
}

/*
 * Written so that it is read from its end: all bytes but the first one say that more come before.
 */
static uint8_t *pack_write_back(uint8_t *at, size_t entry_size)
{
    size_t size = pack_back_size(entry_size);
    for (size_t i = size; i-- > 0; entry_size >>= 7) {
        at[i] = (uint8_t)((entry_size & 127) | (i > 0 ? 128 : 0));
    }
    return at + size;
}

/* Whether the value is kept as an integer. Most are not, as their first byte shows. */
static bool pack_is_integer(kv_slice value, int64_t *integer)
{
    if (value.size == 0 || value.size > NUMBER_INT64_SIZE) return false;
    uint8_t first = *(const uint8_t *)value.data;
    if (first != '-' && (first < '0' || first > '9')) return false;
    return number_parse_int64(value, integer);
}

KV_INTERNAL uint8_t *pack_put_integer(uint8_t *at, int64_t integer)
{
    uint8_t *end = pack_write_integer(at, integer);
    return pack_write_back(end, (size_t)(end - at));
}

KV_INTERNAL uint8_t *pack_put(uint8_t *at, kv_slice value)
{
    int64_t integer;
    if (pack_is_integer(value, &integer)) return pack_put_integer(at, integer);
    uint8_t *end = pack_write_text(at, value);
    return pack_write_back(end, (size_t)(end - at));
}

KV_INTERNAL size_t pack_integer_element_size(int64_t integer)
{
    size_t size = pack_integer_size(integer);
    return size + pack_back_size(size);
}

KV_INTERNAL size_t pack_value_size(kv_slice value)
{
    int64_t integer;
    size_t size = pack_is_integer(value, &integer) ? pack_integer_size(integer)
                                                   : pack_text_head_size(value.size) + value.size;
    return size + pack_back_size(size);
}

KV_INTERNAL kv_status pack_measure(const kv_slice *values, size_t count, struct pack_run *run)
{
    const size_t most = PACK_SIZE_MAX - PACK_EMPTY_SIZE;
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        if (values[i].size > most) return KV_TOOBIG;
        size_t one = pack_value_size(values[i]); /* no overflow: both stay below 2^31 */
        if (one > most - size) return KV_TOOBIG;
        size += one;
    }
    *run = (struct pack_run){values, count, size};
    return KV_OK;
}

/* ----------------------------------------------------------------------------------- the header */

static uint8_t *pack_begin_mutable(struct pack *pack)
{
    return pack->room + pack->start;
}

static uint8_t *pack_mutable(struct pack *pack, const uint8_t *at)
{
    return pack->room + (at - pack->room);
}

static void pack_set_size(struct pack *pack, size_t size)
{
    bytes_store32(pack_begin_mutable(pack), (uint32_t)size);
}

static size_t pack_header_count(const struct pack *pack)
{
    return bytes_load16(pack_begin(pack) + 4);
}

static void pack_set_count(struct pack *pack, size_t count)
{
    size_t kept = count < PACK_COUNT_UNKNOWN ? count : PACK_COUNT_UNKNOWN;
    bytes_store16(pack_begin_mutable(pack) + 4, (uint16_t)kept);
}

/* A count once unknown stays so: to know it again would take a walk, and few ask. */
static void pack_count_change(struct pack *pack, size_t removed, size_t added)
{
    size_t count = pack_header_count(pack);
    if (count == PACK_COUNT_UNKNOWN) return;
    assert(count >= removed);
    pack_set_count(pack, count - removed + added);
}

static size_t pack_offset(const struct pack *pack, const uint8_t *at)
{
    assert(at >= pack_first(pack));
    assert(at <= pack_end(pack));
    return (size_t)(at - pack_begin(pack));
}

static size_t pack_front(const struct pack *pack)
{
    return pack->start;
}

static size_t pack_behind(const struct pack *pack)
{
    return pack->capacity - pack->start - pack_size(pack);
}

/* -------------------------------------------------------------------------------------- reading */

/* The size of the head and data that end before `at`, from the back length there. */
static size_t pack_read_back(const uint8_t *at)
{
    size_t size = 0;
    unsigned shift = 0;
    do {
        at--;
        size |= (size_t)(*at & 127) << shift;
        shift += 7;
    } while (*at & 128);
    return size;
}

KV_INTERNAL const uint8_t *pack_prev(const struct pack *pack, const uint8_t *at)
{
    if (at == pack_first(pack)) return NULL;
    size_t size = pack_read_back(at);
    return at - pack_back_size(size) - size;
}

KV_INTERNAL const uint8_t *pack_last(const struct pack *pack)
{
    return pack_prev(pack, pack_end(pack));
}

KV_INTERNAL size_t pack_count(const struct pack *pack)
{
    size_t count = pack_header_count(pack);
    if (KV_LIKELY(count != PACK_COUNT_UNKNOWN)) return count;

    count = 0;
    for (const uint8_t *at = pack_first(pack); *at != PACK_END; at = pack_next(at)) count++;
    return count;
}

KV_INTERNAL const uint8_t *pack_seek(const struct pack *pack, size_t index)
{
    size_t count = pack_count(pack);
    if (index >= count) return NULL;

    const uint8_t *at;
    if (index <= count / 2) {
        at = pack_first(pack);
        for (; index > 0; index--) at = pack_next(at);
    } else {
        at = pack_end(pack);
        for (; index < count; index++) at = pack_prev(pack, at);
    }
    return at;
}

/* The integer in the low `width` bits. */
static int64_t pack_sign_extend(uint64_t bits, unsigned width)
{
    uint64_t sign = (uint64_t)1 << (width - 1);
    return (int64_t)((bits ^ sign) - sign);
}

KV_INTERNAL struct pack_item pack_get(const uint8_t *at)
{
    struct pack_item item = {{NULL, 0}, 0, true};
    uint8_t head = at[0];
    if (head < 0x80) {
        item.integer = head;
    } else if (head < 0xC0) {
        item.is_integer = false;
        item.text = KV_BYTES(at + 1, head & 0x3F);
    } else if (head < 0xE0) {
        item.integer = pack_sign_extend((uint64_t)(head & 0x1F) << 8 | at[1], 13);
    } else if (head < 0xF0) {
        item.is_integer = false;
        item.text = KV_BYTES(at + 2, (size_t)(head & 0x0F) << 8 | at[1]);
    } else {
        switch (head) {
        case PACK_TEXT32:
            item.is_integer = false;
            item.text = KV_BYTES(at + 5, bytes_load32(at + 1));
            break;
        case PACK_INT16: item.integer = pack_sign_extend(bytes_load16(at + 1), 16); break;
        case PACK_INT24:
            item.integer = pack_sign_extend(bytes_load16(at + 1) | (uint64_t)at[3] << 16, 24);
            break;
        case PACK_INT32: item.integer = pack_sign_extend(bytes_load32(at + 1), 32); break;
        default:
            assert(head == PACK_INT64);
            item.integer = (int64_t)bytes_load64(at + 1);
            break;
        }
    }
    return item;
}

KV_INTERNAL kv_slice pack_text_of_any(const uint8_t *at, char scratch[PACK_TEXT_SIZE])
{
    struct pack_item item = pack_get(at);
    if (!item.is_integer) return item.text;
    return KV_BYTES(scratch, number_format_int64(scratch, item.integer));
}

/* -------------------------------------------------------------------------------------- finding */

KV_INTERNAL struct pack_needle pack_needle(kv_slice value)
{
    struct pack_needle needle = {.text = value};
    needle.is_integer = pack_is_integer(value, &needle.integer);
    size_t size = value.size < 8 ? value.size : 8;
    if (size == 0) return needle;
    uint8_t tail[8] = {0}, mask[8] = {0};
    memcpy(tail + 8 - size, (const uint8_t *)value.data + value.size - size, size);
    memset(mask + 8 - size, 0xFF, size);
    needle.tail = bytes_load64(tail);
    needle.tail_mask = bytes_load64(mask);
    return needle;
}

/* A file may hold as text what we would keep as an integer, so an integer is compared both ways. */
KV_INTERNAL bool pack_equals_any(const uint8_t *at, const struct pack_needle *needle)
{
    struct pack_item item = pack_get(at);
    if (item.is_integer) return needle->is_integer && item.integer == needle->integer;
    return slice_equal(item.text, needle->text);
}

/* Short texts by the shortest way from one to the next, which is what such a search waits for. */
KV_INTERNAL const uint8_t *pack_find_next(const uint8_t *from, const struct pack_needle *needle,
                                          uint64_t *passed)
{
    const uint8_t *at = from;
    uint64_t count = 0;
    for (;; count++) {
        unsigned size = at[0] ^ 0x80u;
        if (KV_LIKELY(size < 0x40)) {
            if (size == needle->text.size && pack_equals(at, needle)) break;
            at += size + 2;
        } else {
            if (*at == PACK_END || pack_equals_any(at, needle)) break;
            at = pack_next(at);
        }
    }
    *passed += count;
    return at;
}

KV_INTERNAL const uint8_t *pack_find(const uint8_t *from, const struct pack_needle *needle,
                                     size_t skip)
{
    const uint8_t *at = from;
    while (*at != PACK_END) {
        if (pack_equals(at, needle)) return at;
        at = pack_next(at);
        for (size_t i = 0; i < skip && *at != PACK_END; i++) at = pack_next(at);
    }
    return NULL;
}

/* --------------------------------------------------------------------------------------- blocks */

/*
 * What a pack that grows to `size` asks room for: an eighth more, but not past PACK_PAGE for that.
 */
static size_t pack_roomy(size_t size)
{
    size_t roomy = size + size / 8;
    if (roomy > PACK_PAGE && size <= PACK_PAGE) return PACK_PAGE;
    return roomy < PACK_SIZE_MAX ? roomy : PACK_SIZE_MAX;
}

/* A block with room for `size` bytes, and all that its class gives; the listpack is not written. */
static struct pack *pack_block(struct memory *memory, size_t size)
{
    assert(size >= PACK_EMPTY_SIZE);
    assert(size <= PACK_SIZE_MAX);

    size_t capacity = memory_capacity(sizeof(struct pack) + size);
    struct pack *pack = memory_get(memory, capacity);
    if (pack != NULL) pack->capacity = (uint32_t)(capacity - sizeof *pack);
    return pack;
}

/* Copies a listpack into a block, leaving the free room at `end`. */
static void pack_place(struct pack *pack, kv_slice bytes, kv_end end)
{
    assert(bytes.size <= pack->capacity);
    pack->start = end == KV_HEAD ? pack->capacity - (uint32_t)bytes.size : 0;
    memmove(pack->room + pack->start, bytes.data, bytes.size);
}

KV_INTERNAL kv_status pack_create(struct memory *memory, size_t size, kv_end end,
                                  struct pack **pack)
{
    static const uint8_t empty[PACK_EMPTY_SIZE] = {PACK_EMPTY_SIZE, 0, 0, 0, 0, 0, PACK_END};

    if (size > PACK_SIZE_MAX - PACK_EMPTY_SIZE) return KV_TOOBIG;
    struct pack *created = pack_block(memory, PACK_EMPTY_SIZE + size);
    if (created == NULL) return KV_NOMEM;
    pack_place(created, KV_BYTES(empty, sizeof empty), end);
    *pack = created;
    return KV_OK;
}

/* Moves the listpack to another block, with the free room at `end`. False if there is no memory. */
static bool pack_move(struct memory *memory, struct pack **pack, size_t size, kv_end end)
{
    struct pack *moved = pack_block(memory, size);
    if (moved == NULL) return false;
    pack_place(moved, pack_bytes(*pack), end);
    pack_destroy(memory, *pack);
    *pack = moved;
    return true;
}

KV_INTERNAL kv_status pack_reserve(struct memory *memory, struct pack **pack, size_t grow,
                                   kv_end end)
{
    struct pack *old = *pack;
    if (KV_LIKELY((end == KV_HEAD ? pack_front(old) : pack_behind(old)) >= grow)) return KV_OK;

    size_t size = pack_size(old);
    if (grow > PACK_SIZE_MAX - size) return KV_TOOBIG;

    /* With an eighth free, sliding costs no more a byte pushed than growing does. */
    size_t roomy = pack_roomy(size + grow);
    if (roomy <= old->capacity) {
        pack_place(old, pack_bytes(old), end);
        return KV_OK;
    }
    return pack_move(memory, pack, roomy, end) ? KV_OK : KV_NOMEM;
}

KV_INTERNAL kv_status pack_reserve_at(struct memory *memory, struct pack **pack, const uint8_t **at,
                                      size_t grow)
{
    size_t offset = pack_offset(*pack, *at);
    bool fits_front = pack_front(*pack) >= grow;
    bool fits_behind = pack_behind(*pack) >= grow;
    if (fits_front || fits_behind) return KV_OK;

    kv_end end = offset < pack_size(*pack) / 2 ? KV_HEAD : KV_TAIL;
    kv_status status = pack_reserve(memory, pack, grow, end);
    if (status == KV_OK) *at = pack_begin(*pack) + offset;
    return status;
}

KV_INTERNAL void pack_fit(struct memory *memory, struct pack **pack, size_t spare)
{
    size_t size = pack_size(*pack);
    if (pack_front(*pack) + pack_behind(*pack) <= spare) return;
    if (memory_capacity(sizeof(struct pack) + size) >= pack_block_size(*pack)) return;
    (void)pack_move(memory, pack, size, KV_TAIL); /* else it stays where it is, which is no harm */
}

KV_INTERNAL void pack_destroy(struct memory *memory, struct pack *pack)
{
    if (pack != NULL) memory_free(memory, pack, pack_block_size(pack));
}

/* -------------------------------------------------------------------------------------- editing */

/*
 * Makes the `old` bytes at `offset` of the listpack into `new` ones, undefined, and gives where
 * they are. The shorter side moves if there is room on it.
 */
static uint8_t *pack_open(struct pack *pack, size_t offset, size_t old, size_t new)
{
    uint8_t *begin = pack_begin_mutable(pack);
    size_t size = pack_size(pack);
    size_t before = offset;
    size_t behind = size - offset - old;
    assert(offset >= PACK_HEADER);
    assert(behind >= 1);

    bool move_front = before < behind;
    if (new > old) {
        size_t grow = new - old;
        bool fits_front = pack_front(pack) >= grow;
        bool fits_behind = pack_behind(pack) >= grow;
        assert(fits_front || fits_behind);
        if (!fits_front || !fits_behind) move_front = fits_front;
    }

    if (move_front) {
        uint8_t *moved = begin + old - new; /* lower if it grows, higher if it shrinks */
        memmove(moved, begin, before);
        begin = moved;
        pack->start = (uint32_t)(begin - pack->room);
    } else {
        memmove(begin + offset + new, begin + offset + old, behind);
    }
    pack_set_size(pack, size - old + new);
    return begin + offset;
}

KV_INTERNAL void pack_insert(struct pack *pack, const uint8_t *at, const struct pack_run *run)
{
    uint8_t *gap = pack_open(pack, pack_offset(pack, at), 0, run->size);
    for (size_t i = 0; i < run->count; i++) gap = pack_put(gap, run->values[i]);
    pack_count_change(pack, 0, run->count);
}

KV_INTERNAL void pack_push(struct pack *pack, kv_end end, const struct pack_run *run)
{
    if (end == KV_TAIL) {
        pack_insert(pack, pack_end(pack), run);
        return;
    }
    uint8_t *gap = pack_open(pack, PACK_HEADER, 0, run->size);
    for (size_t i = run->count; i-- > 0;) gap = pack_put(gap, run->values[i]);
    pack_count_change(pack, 0, run->count);
}

KV_INTERNAL void pack_replace(struct pack *pack, const uint8_t *at, kv_slice value)
{
    assert(*at != PACK_END);
    uint8_t *gap =
        pack_open(pack, pack_offset(pack, at), pack_element_size(at), pack_value_size(value));
    pack_put(gap, value);
}

KV_INTERNAL void pack_replace_integer(struct pack *pack, const uint8_t *at, int64_t integer)
{
    assert(*at != PACK_END);
    size_t size = pack_integer_element_size(integer);
    pack_put_integer(pack_open(pack, pack_offset(pack, at), pack_element_size(at), size), integer);
}

KV_INTERNAL uint8_t *pack_extend(struct pack *pack, size_t size, size_t count)
{
    pack_count_change(pack, 0, count);
    return pack_open(pack, pack_size(pack) - 1, 0, size);
}

KV_INTERNAL void pack_delete(struct pack *pack, const uint8_t *at, size_t count)
{
    const uint8_t *to = at;
    for (size_t i = 0; i < count; i++) to = pack_next(to);
    pack_open(pack, pack_offset(pack, at), (size_t)(to - at), 0);
    pack_count_change(pack, count, 0);
}

/* Copies the elements between `from` and `to`, `count` of them, to one end. */
static void pack_copy_range(struct pack *pack, kv_end end, const uint8_t *from, const uint8_t *to,
                            size_t count)
{
    size_t size = (size_t)(to - from);
    size_t offset = end == KV_HEAD ? PACK_HEADER : pack_size(pack) - 1;
    memcpy(pack_open(pack, offset, 0, size), from, size);
    pack_count_change(pack, 0, count);
}

static void pack_reverse(uint8_t *from, uint8_t *to)
{
    while (from < to) {
        uint8_t byte = *from;
        *from++ = *--to;
        *to = byte;
    }
}

KV_INTERNAL void pack_exchange(struct pack *pack, const uint8_t *first, const uint8_t *middle,
                               const uint8_t *end)
{
    uint8_t *begin = pack_begin_mutable(pack);
    uint8_t *from = begin + pack_offset(pack, first);
    uint8_t *within = begin + pack_offset(pack, middle);
    uint8_t *to = begin + pack_offset(pack, end);
    pack_reverse(from, within);
    pack_reverse(within, to);
    pack_reverse(from, to);
}

KV_INTERNAL void pack_copy(struct pack *pack, kv_end end, const uint8_t *from, size_t count)
{
    const uint8_t *to = from;
    for (size_t i = 0; i < count; i++) to = pack_next(to);
    pack_copy_range(pack, end, from, to, count);
}

KV_INTERNAL void pack_merge(struct pack *pack, kv_end end, const struct pack *from)
{
    pack_copy_range(pack, end, pack_first(from), pack_end(from), pack_count(from));
}

KV_INTERNAL void pack_split(struct pack *pack, const uint8_t *at, struct pack *tail)
{
    const uint8_t *end = pack_end(pack);
    size_t count = 0;
    for (const uint8_t *next = at; next != end; next = pack_next(next)) count++;

    pack_copy_range(tail, KV_TAIL, at, end, count);
    pack_open(pack, pack_offset(pack, at), (size_t)(end - at), 0);
    pack_count_change(pack, count, 0);
}

static size_t pack_count_equal(const struct pack *pack, const struct pack_needle *needle)
{
    size_t count = 0;
    for (const uint8_t *at = pack_first(pack); *at != PACK_END; at = pack_next(at)) {
        count += pack_equals(at, needle);
    }
    return count;
}

KV_INTERNAL size_t pack_delete_equal(struct pack *pack, const struct pack_needle *needle,
                                     size_t limit, kv_end end)
{
    size_t spared = 0; /* equal ones at the head to leave where they are */
    if (end == KV_TAIL) {
        size_t equal = pack_count_equal(pack, needle);
        if (equal > limit) spared = equal - limit;
    }

    /* What stays moves down over what goes, stretch by stretch: all is moved once at most. */
    const uint8_t *at = pack_first(pack);
    const uint8_t *stretch = at; /* since the last one taken out; not moved yet */
    uint8_t *to = pack_mutable(pack, at);
    size_t removed = 0;
    while (*at != PACK_END && removed < limit) {
        const uint8_t *next = pack_next(at);
        if (!pack_equals(at, needle)) {
            at = next;
        } else if (spared > 0) {
            spared--;
            at = next;
        } else {
            memmove(to, stretch, (size_t)(at - stretch));
            to += at - stretch;
            stretch = at = next;
            removed++;
        }
    }
    if (removed == 0) return 0;

    memmove(to, stretch, (size_t)(pack_end(pack) + 1 - stretch));
    pack_set_size(pack, pack_size(pack) - (size_t)(stretch - to));
    pack_count_change(pack, removed, 0);
    return removed;
}

/* --------------------------------------------------------------------------- bytes from outside */

/*
 * The size of the element at `at`, all of it known to lie before `end`, where PACK_END is; 0 if it
 * does not, or is no element.
 */
static size_t pack_validate_element(const uint8_t *at, const uint8_t *end)
{
    static const uint8_t head_sizes[] = {5, 3, 4, 5, 9}; /* of 0xF0 and on */

    size_t left = (size_t)(end - at);
    uint8_t head = at[0];
    size_t head_size = head < 0xC0 ? 1 : head < 0xF0 ? 2 : 0;
    if (head_size == 0) {
        if (head > PACK_INT64) return 0;
        head_size = head_sizes[head - PACK_TEXT32];
    }
    if (head_size > left) return 0;

    size_t entry_size = pack_entry_size(at);
    if (entry_size > left) return 0;
    size_t back_size = pack_back_size(entry_size);
    if (back_size > left - entry_size) return 0;

    uint8_t back[5];
    pack_write_back(back, entry_size);
    if (memcmp(at + entry_size, back, back_size) != 0) return 0;
    return entry_size + back_size;
}

KV_INTERNAL bool pack_validate(kv_slice bytes, bool deep)
{
    const uint8_t *begin = bytes.data;
    if (bytes.size < PACK_EMPTY_SIZE || bytes.size > PACK_SIZE_MAX) return false;
    if (bytes_load32(begin) != bytes.size) return false;
    const uint8_t *end = begin + bytes.size - 1;
    if (*end != PACK_END) return false;
    if (!deep) return true;

    size_t count = 0;
    for (const uint8_t *at = begin + PACK_HEADER; at < end; count++) {
        size_t size = pack_validate_element(at, end);
        if (size == 0) return false;
        at += size;
    }
    size_t stated = bytes_load16(begin + 4);
    return stated == count || stated == PACK_COUNT_UNKNOWN;
}

KV_INTERNAL kv_status pack_load(struct memory *memory, kv_slice bytes, struct pack **pack)
{
    if (bytes.size > PACK_SIZE_MAX) return KV_TOOBIG;
    struct pack *loaded = pack_block(memory, bytes.size);
    if (loaded == NULL) return KV_NOMEM;
    pack_place(loaded, bytes, KV_TAIL);
    *pack = loaded;
    return KV_OK;
}

#if KV_DEBUG > 0
KV_INTERNAL void pack_check(const struct pack *pack)
{
    assert(pack->start <= pack->capacity);
    size_t size = pack_size(pack);
    assert(size >= PACK_EMPTY_SIZE);
    assert(size <= PACK_SIZE_MAX);
    assert(size <= pack->capacity - pack->start);

    size_t count = 0;
    const uint8_t *end = pack_begin(pack) + size - 1;
    const uint8_t *at = pack_first(pack);
    while (at < end) {
        size_t element_size = pack_validate_element(at, end);
        assert(element_size > 0);
        assert(element_size == pack_element_size(at));
        const uint8_t *next = at + element_size;
        assert(pack_prev(pack, next) == at);
        at = next;
        count++;
    }
    assert(at == end);
    assert(*at == PACK_END);
    size_t stated = pack_header_count(pack);
    assert(stated == count || stated == PACK_COUNT_UNKNOWN);
}
#endif
