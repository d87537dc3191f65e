/*
 * tests/engine/test_rdb_items.c -- rdb/rdb_items: blocks of Redis's compact encodings, whole ones
 * and damaged ones.
 */
#include "rdb/rdb_items.h"

#include "../unit.h"

#include <string.h>

struct block {
    enum rdb_packing packing;
    const char *shown; /* its items */
    size_t size;
    uint8_t bytes[80];
};

/* Put together by hand, after the specifications that rdb_items.h names. */
static const struct block blocks[] = {
    {RDB_ZIPLIST, "", 11, {11, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0xff}},
    {RDB_ZIPLIST, "hello 5 -1 ", 23, {23,  0,   0,   0,   19,  0, 0,    0, 3,    0,    0,   5,
                                      'h', 'e', 'l', 'l', 'o', 7, 0xf6, 2, 0xfe, 0xff, 0xff}},
    {RDB_ZIPLIST,
     "-2 70000 -8388608 4294967296 ",
     36,
     {36, 0, 0, 0,    25, 0, 0,    0, 4,    0, 0, 0xc0, 0xfe, 0xff, 4, 0xd0, 0x70, 0x11,
      1,  0, 6, 0xf0, 0,  0, 0x80, 5, 0xe0, 0, 0, 0,    0,    1,    0, 0,    0,    0xff}},
    {RDB_ZIPMAP, "a 1 bc  ", 12, {2, 1, 'a', 1, 0, '1', 2, 'b', 'c', 0, 0, 0xff}},
    {RDB_ZIPMAP, "a 1 ", 9, {254, 1, 'a', 1, 2, '1', 'x', 'x', 0xff}},
    {RDB_ZIPMAP, "a 1 ", 11, {1, 1, 'a', 0xfe, 1, 0, 0, 0, 0, '1', 0xff}},
    {RDB_LISTPACK, "a -3 ", 13, {13, 0, 0, 0, 2, 0, 0x81, 'a', 2, 0xdf, 0xfd, 2, 0xff}},
    {RDB_INTSET, "-5 300 ", 12, {2, 0, 0, 0, 2, 0, 0, 0, 0xfb, 0xff, 0x2c, 1}},
    {RDB_INTSET, "", 8, {2, 0, 0, 0, 0, 0, 0, 0}},
};

/* The items, or "damaged", of a copy that ends where the block does. */
static const char *show(enum rdb_packing packing, const uint8_t *bytes, size_t size)
{
    static char shown[1000];
    struct rdb_items items;
    struct pack_item item;
    uint8_t *copy = malloc(size > 0 ? size : 1);
    memcpy(copy, bytes, size);
    strcpy(shown, "damaged");
    if (rdb_items_open(&items, packing, kv_bytes(copy, size))) {
        size_t count = 0;
        shown[0] = 0;
        for (; rdb_items_next(&items, &item); count++) {
            char scratch[NUMBER_INT64_SIZE];
            kv_slice text = rdb_item_text(&item, scratch);
            size_t length = strlen(shown);
            snprintf(shown + length, sizeof shown - length, "%.*s ", (int)text.size,
                     text.size > 0 ? (const char *)text.data : "");
        }
        ck_assert_uint_eq(count, items.count);
        ck_assert(!rdb_items_next(&items, &item));
    }
    free(copy);
    return shown;
}

START_TEST(sound_blocks_give_their_items)
{
    const struct block *block = &blocks[_i];
    ck_assert_str_eq(show(block->packing, block->bytes, block->size), block->shown);
}
END_TEST

START_TEST(cut_blocks_are_refused)
{
    const struct block *block = &blocks[_i];
    for (size_t size = 0; size < block->size; size++)
        ck_assert_str_eq(show(block->packing, block->bytes, size), "damaged");
}
END_TEST

/* Whatever a byte becomes: refused, or read within bounds. Sizes, counts and links are refused. */
START_TEST(changed_blocks_stay_within_bounds)
{
    const struct block *block = &blocks[_i];
    uint8_t bytes[80];
    for (size_t at = 0; at < block->size; at++) {
        for (unsigned value = 0; value < 256; value++) {
            memcpy(bytes, block->bytes, sizeof bytes);
            if (bytes[at] == value) continue;
            bytes[at] = (uint8_t)value;
            bool is_damaged = strcmp(show(block->packing, bytes, block->size), "damaged") == 0;
            if (block->packing == RDB_ZIPLIST && at < 8) ck_assert(is_damaged);
            if (block->packing == RDB_LISTPACK && at < 4) ck_assert(is_damaged);
            if (block->packing != RDB_INTSET && at + 1 == block->size) ck_assert(is_damaged);
        }
    }
}
END_TEST

int main(void)
{
    int count = sizeof blocks / sizeof *blocks;
    Suite *suite = suite_create("rdb_items");
    TCase *tcase = tcase_create("blocks");
    tcase_add_loop_test(tcase, sound_blocks_give_their_items, 0, count);
    tcase_add_loop_test(tcase, cut_blocks_are_refused, 0, count);
    tcase_add_loop_test(tcase, changed_blocks_stay_within_bounds, 0, count);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
