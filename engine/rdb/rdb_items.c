/*
 * rdb/rdb_items.c -- see rdb_items.h.
 */
#include "rdb/rdb_items.h"

#include "structures/intset.h"

#define ZIPLIST_HEADER       10
#define ITEMS_COUNT_UNKNOWN  UINT16_MAX
#define ZIP_END              0xff
#define ZIP_LONG             0xfe /* 4 bytes of size follow */
#define ZIPMAP_COUNT_UNKNOWN 254

static void rdb_item_set_integer(struct pack_item *item, int64_t integer)
{
    *item = (struct pack_item){.integer = integer, .is_integer = true};
}

static void rdb_item_set_text(struct pack_item *item, const uint8_t *at, size_t size)
{
    *item = (struct pack_item){.text = {at, size}};
}

/* The size that stands at `at`, in 1 or 5 bytes, as ziplists and zipmaps have it; 0: none fits. */
static size_t rdb_zip_size(const uint8_t *at, const uint8_t *end, size_t *size)
{
    if (at == end || *at == ZIP_END) return 0;
    if (*at < ZIP_LONG) {
        *size = *at;
        return 1;
    }
    if (end - at < 5) return 0;
    *size = bytes_load32(at + 1);
    return 5;
}

/* ------------------------------------------------------------------------------------- ziplists */

/* The integer of `size` bytes at `at`. */
static int64_t rdb_zip_integer(const uint8_t *at, size_t size)
{
    uint64_t bits = 0;
    for (size_t i = size; i-- > 0;) bits = bits << 8 | at[i];
    uint64_t sign = UINT64_C(1) << (8 * size - 1);
    return (int64_t)((bits ^ sign) - sign);
}

/* How many bytes the integer behind this head takes; 0: it is not the head of one that has any. */
static size_t rdb_ziplist_integer_size(uint8_t head)
{
    switch (head) {
    case 0xc0: return 2;
    case 0xd0: return 4;
    case 0xe0: return 8;
    case 0xf0: return 3;
    case 0xfe: return 1;
    default: return 0;
    }
}

/* Reads what stands behind the size of the previous entry. Gives its size; 0 if it is none. */
static size_t rdb_ziplist_data(const uint8_t *at, const uint8_t *end, struct pack_item *item)
{
    size_t left = (size_t)(end - at), head_size = 1, size;
    if (left == 0) return 0;
    uint8_t head = *at;
    if (head >= 0xc0) {
        if (head >= 0xf1 && head <= 0xfd) {
            rdb_item_set_integer(item, (head & 0x0f) - 1);
            return 1;
        }
        size = rdb_ziplist_integer_size(head);
        if (size == 0 || left - 1 < size) return 0;
        rdb_item_set_integer(item, rdb_zip_integer(at + 1, size));
        return 1 + size;
    }
    if (head < 0x40) {
        size = head;
    } else if (head < 0x80) {
        head_size = 2;
        if (left < head_size) return 0;
        size = (size_t)(head & 0x3f) << 8 | at[1];
    } else {
        head_size = 5;
        if (head != 0x80 || left < head_size) return 0;
        size = (size_t)at[1] << 24 | (size_t)at[2] << 16 | (size_t)at[3] << 8 | at[4];
    }
    if (left - head_size < size) return 0;
    rdb_item_set_text(item, at + head_size, size);
    return head_size + size;
}

/* The whole entry; *previous receives what it says of the one before. */
static size_t rdb_ziplist_entry(const uint8_t *at, const uint8_t *end, size_t *previous,
                                struct pack_item *item)
{
    size_t link = rdb_zip_size(at, end, previous);
    if (link == 0) return 0;
    size_t size = rdb_ziplist_data(at + link, end, item);
    return size == 0 ? 0 : link + size;
}

static bool rdb_open_ziplist(struct rdb_items *items, kv_slice block)
{
    const uint8_t *begin = block.data;
    if (block.size < ZIPLIST_HEADER + 1 || block.size > UINT32_MAX) return false;
    if (bytes_load32(begin) != block.size || begin[block.size - 1] != ZIP_END) return false;
    items->at = begin + ZIPLIST_HEADER;
    items->end = begin + block.size - 1;
    size_t last = ZIPLIST_HEADER, size = 0;
    for (const uint8_t *at = items->at; at < items->end; at += size, items->count++) {
        struct pack_item item;
        size_t before = size, previous;
        size = rdb_ziplist_entry(at, items->end, &previous, &item);
        if (size == 0 || previous != before) return false;
        last = (size_t)(at - begin);
    }
    size_t stated = bytes_load16(begin + 8);
    return bytes_load32(begin + 4) == last &&
           (stated == items->count || stated == ITEMS_COUNT_UNKNOWN);
}

/* -------------------------------------------------------------------------------------- zipmaps */

/* A key, or a value with the free bytes behind it. Gives the size of all; 0 if it is none. */
static size_t rdb_zipmap_item(const uint8_t *at, const uint8_t *end, bool is_value,
                              struct pack_item *item)
{
    size_t size, head = rdb_zip_size(at, end, &size), unused = 0;
    size_t left = (size_t)(end - at);
    if (head == 0) return 0;
    if (is_value) {
        if (left == head) return 0;
        unused = at[head++];
    }
    if (left - head < size || left - head - size < unused) return 0;
    rdb_item_set_text(item, at + head, size);
    return head + size + unused;
}

static bool rdb_open_zipmap(struct rdb_items *items, kv_slice block)
{
    const uint8_t *begin = block.data;
    if (block.size < 2 || begin[block.size - 1] != ZIP_END) return false;
    items->at = begin + 1;
    items->end = begin + block.size - 1;
    size_t size;
    for (const uint8_t *at = items->at; at < items->end; at += size, items->count++) {
        struct pack_item item;
        size = rdb_zipmap_item(at, items->end, items->count % 2 == 1, &item);
        if (size == 0) return false;
    }
    if (items->count % 2 != 0) return false;
    return begin[0] >= ZIPMAP_COUNT_UNKNOWN || begin[0] == items->count / 2;
}

/* ------------------------------------------------------------------------ listpacks and intsets */

static bool rdb_open_listpack(struct rdb_items *items, kv_slice block)
{
    if (!pack_validate(block, true)) return false;
    items->at = (const uint8_t *)block.data + PACK_HEADER;
    items->end = (const uint8_t *)block.data + block.size - 1;
    items->count = bytes_load16((const uint8_t *)block.data + 4);
    if (items->count < ITEMS_COUNT_UNKNOWN) return true;
    items->count = 0;
    for (const uint8_t *at = items->at; at < items->end; at = pack_next(at)) items->count++;
    return true;
}

static bool rdb_open_intset(struct rdb_items *items, kv_slice block)
{
    if (!intset_validate(block, true)) return false;
    const uint8_t *begin = block.data;
    items->width = bytes_load32(begin);
    items->count = bytes_load32(begin + 4);
    items->at = begin + INTSET_HEADER;
    items->end = begin + block.size;
    return true;
}

/* ------------------------------------------------------------------------------------- whatever */

KV_INTERNAL bool rdb_items_open(struct rdb_items *items, enum rdb_packing packing, kv_slice block)
{
    *items = (struct rdb_items){.packing = packing};
    switch (packing) {
    case RDB_LISTPACK: return rdb_open_listpack(items, block);
    case RDB_ZIPLIST: return rdb_open_ziplist(items, block);
    case RDB_INTSET: return rdb_open_intset(items, block);
    case RDB_ZIPMAP: return rdb_open_zipmap(items, block);
    }
    return false;
}

KV_INTERNAL bool rdb_items_next(struct rdb_items *items, struct pack_item *item)
{
    size_t previous;
    if (items->at == items->end) return false;
    switch (items->packing) {
    case RDB_LISTPACK:
        *item = pack_get(items->at);
        items->at = pack_next(items->at);
        break;
    case RDB_ZIPLIST: items->at += rdb_ziplist_entry(items->at, items->end, &previous, item); break;
    case RDB_INTSET:
        rdb_item_set_integer(item, rdb_zip_integer(items->at, items->width));
        items->at += items->width;
        break;
    case RDB_ZIPMAP:
        items->at += rdb_zipmap_item(items->at, items->end, items->is_value, item);
        items->is_value = !items->is_value;
        break;
    }
    return true;
}

KV_INTERNAL kv_slice rdb_item_text(const struct pack_item *item, char scratch[NUMBER_INT64_SIZE])
{
    if (!item->is_integer) return item->text;
    return kv_bytes(scratch, number_format_int64(scratch, item->integer));
}

#undef ZIPLIST_HEADER
#undef ITEMS_COUNT_UNKNOWN
#undef ZIP_END
#undef ZIP_LONG
#undef ZIPMAP_COUNT_UNKNOWN
