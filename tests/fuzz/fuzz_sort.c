/*
 * tests/fuzz/fuzz_sort.c -- SORT's patterns and weights: two texts, a pattern and an element, with a
 * newline between them.
 */
#include "values/sort.h"

#include "fuzz.h"

#include <string.h>

static bool is_within(kv_slice part, kv_slice whole)
{
    const char *begin = whole.data, *at = part.data;
    return part.size == 0 || (at >= begin && at + part.size <= begin + whole.size);
}

static void check_pattern(kv_slice text, kv_slice element, struct memory *memory)
{
    struct sort_pattern pattern = sort_pattern(text);
    check(!pattern.is_element || pattern.is_constant);
    if (pattern.is_constant) return;
    check(is_within(pattern.before, text) && is_within(pattern.after, text));
    check(is_within(pattern.field, text) && pattern.has_field == (pattern.field.size > 0));
    check(pattern.before.size == 0 ||
          memchr(pattern.before.data, '*', pattern.before.size) == NULL);
    kv_slice key;
    check(sort_pattern_key(&pattern, element, memory, &key) == KV_OK);
    check(key.size == pattern.before.size + element.size + pattern.after.size);
    check(element.size == 0 ||
          memcmp((const char *)key.data + pattern.before.size, element.data, element.size) == 0);
}

/* The byte that an item was made of, and what it is sorted by: -1 for none. */
static int rank_of(const struct sort_item *item, bool by_score)
{
    int byte = *(const uint8_t *)item->element.data;
    if (by_score) return byte / 8;
    return byte % 8 != 0 ? byte : -1;
}

/* The bytes as items, a byte each, sorted both ways. */
static void check_order(kv_slice bytes, bool by_score, bool is_descending)
{
    struct sort_item items[300] = {0};
    struct sort_key keys[300], room[300];
    size_t count = bytes.size < 300 ? bytes.size : 300;
    for (size_t i = 0; i < count; i++) {
        items[i] = (struct sort_item){.element = {(const uint8_t *)bytes.data + i, 1}};
        if (by_score) items[i].score = rank_of(&items[i], true);
        else if (rank_of(&items[i], false) >= 0) items[i].weight = items[i].element;
    }
    struct sort_order order = {by_score, is_descending, false};
    sort_items(items, keys, room, count, &order);
    for (size_t i = 1; i < count; i++) {
        int one = rank_of(keys[i - 1].item, by_score), next = rank_of(keys[i].item, by_score);
        check(is_descending ? one >= next : one <= next);
        check(one != next || keys[i - 1].item < keys[i].item); /* stable */
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *newline = size > 0 ? memchr(data, '\n', size) : NULL;
    size_t first = newline != NULL ? (size_t)(newline - data) : size;
    kv_slice pattern = {data, first};
    kv_slice element = {data + size, 0};
    if (newline != NULL) element = (kv_slice){newline + 1, size - first - 1};
    struct alloc alloc;
    struct pages pages;
    struct memory memory;
    alloc_init(&alloc, NULL);
    pages_init(&pages, &alloc);
    memory_init(&memory, &pages);
    check_pattern(pattern, element, &memory);
    check_pattern(element, pattern, &memory);
    double score;
    if (sort_score(element, &score)) check(score == score);
    for (int i = 0; i < 4; i++) check_order((kv_slice){data, size}, i % 2 != 0, i / 2 != 0);
    memory_destroy(&memory);
    return 0;
}
