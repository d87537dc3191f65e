/*
 * values/sort.c -- see sort.h.
 */
#include "values/sort.h"

#include "base/number.h"
#include "base/slice.h"

#include <string.h>

/* ------------------------------------------------------------------------------------- patterns */

/* Up to the first zero byte: where Redis looks at C text. */
static kv_slice sort_terminated(kv_slice text)
{
    const char *end = text.size > 0 ? memchr(text.data, 0, text.size) : NULL;
    if (end != NULL) text.size = (size_t)(end - (const char *)text.data);
    return text;
}

/* Where an arrow with something behind it begins, from a place on; else the text's size. */
static size_t sort_find_arrow(kv_slice text, size_t from)
{
    const char *bytes = text.data;
    for (size_t i = from; i + 2 < text.size; i++) {
        if (bytes[i] == '-' && bytes[i + 1] == '>') return i;
    }
    return text.size;
}

/*
 * As in Redis the star and the arrow must come before the first zero byte; what lies between them
 * and behind may have others.
 */
KV_INTERNAL struct sort_pattern sort_pattern(kv_slice text)
{
    struct sort_pattern pattern = {0};
    kv_slice shown = sort_terminated(text);
    const char *bytes = text.data;
    const char *star = shown.size > 0 ? memchr(bytes, '*', shown.size) : NULL;
    pattern.is_element = shown.size == 1 && bytes[0] == '#';
    pattern.is_constant = star == NULL;
    if (star == NULL) return pattern;
    size_t star_at = (size_t)(star - bytes), arrow = sort_find_arrow(shown, star_at + 1);
    pattern.has_field = arrow < shown.size;
    size_t end = pattern.has_field ? arrow : text.size;
    pattern.before = (kv_slice){bytes, star_at};
    pattern.after = (kv_slice){star + 1, end - star_at - 1};
    if (pattern.has_field) pattern.field = (kv_slice){bytes + arrow + 2, text.size - arrow - 2};
    return pattern;
}

static char *sort_append(char *at, kv_slice text)
{
    if (text.size > 0) memcpy(at, text.data, text.size);
    return at + text.size;
}

KV_INTERNAL kv_status sort_pattern_key(const struct sort_pattern *pattern, kv_slice element,
                                       struct memory *memory, kv_slice *key)
{
    assert(!pattern->is_constant);
    size_t rest = pattern->before.size + pattern->after.size;
    if (element.size > SIZE_MAX / 2 || rest > SIZE_MAX / 4) return KV_NOMEM;
    char *block = memory_get(memory, rest + element.size);
    if (block == NULL) return KV_NOMEM;
    char *at = sort_append(block, pattern->before);
    at = sort_append(at, element);
    (void)sort_append(at, pattern->after);
    *key = (kv_slice){block, rest + element.size};
    return KV_OK;
}

/* ---------------------------------------------------------------------------------------- order */

KV_INTERNAL bool sort_score(kv_slice text, double *score)
{
    kv_slice shown = sort_terminated(text);
    const char *at = shown.data, *end = at + shown.size;
    int64_t integer; /* mostly */
    if (number_parse_int64(shown, &integer)) {
        *score = (double)integer;
        return true;
    }
    *score = 0;
    if (shown.size == 0) return true;
    while (at < end && (*at == ' ' || (*at >= '\t' && *at <= '\r'))) at++;
    return number_parse_double((kv_slice){at, (size_t)(end - at)}, score);
}

/* A number with the order of the scores: as integers of sign and magnitude. */
static uint64_t sort_mark_score(double score)
{
    uint64_t bits;
    score += 0.0; /* makes -0 be 0 */
    memcpy(&bits, &score, sizeof bits);
    return (bits >> 63) != 0 ? ~bits : bits | UINT64_C(1) << 63;
}

/* The first bytes of a text, as a number with their order. */
static uint64_t sort_mark_text(kv_slice text)
{
    uint64_t mark = 0;
    size_t size = text.size < sizeof mark ? text.size : sizeof mark;
    for (size_t i = 0; i < size; i++) {
        uint64_t byte = ((const uint8_t *)text.data)[i];
        mark |= byte << (8 * (sizeof mark - 1 - i));
    }
    return mark;
}

static void sort_mark(const struct sort_item *items, struct sort_key *keys, size_t count,
                      const struct sort_order *order)
{
    uint64_t turn = order->is_descending ? UINT64_MAX : 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t mark =
            order->by_score ? sort_mark_score(items[i].score) : sort_mark_text(items[i].weight);
        keys[i] = (struct sort_key){mark ^ turn, &items[i]};
    }
}

static int sort_compare_weights(kv_slice a, kv_slice b)
{
    if (a.data == NULL || b.data == NULL) return (a.data != NULL) - (b.data != NULL);
    return slice_compare(a, b);
}

static int sort_compare(const struct sort_key *a, const struct sort_key *b,
                        const struct sort_order *order)
{
    if (a->mark != b->mark) return a->mark > b->mark ? 1 : -1;
    int result = order->by_score ? 0 : sort_compare_weights(a->item->weight, b->item->weight);
    if (result == 0 && order->is_by_element)
        result = slice_compare(a->item->element, b->item->element);
    return order->is_descending ? -result : result;
}

/* Merges the sorted runs before and from `middle` on into `to`. */
static void sort_merge(const struct sort_key *from, size_t middle, size_t end, struct sort_key *to,
                       const struct sort_order *order)
{
    size_t left = 0, right = middle;
    for (size_t i = 0; i < end; i++) {
        bool take_left =
            right == end || (left < middle && sort_compare(&from[left], &from[right], order) <= 0);
        to[i] = from[take_left ? left++ : right++];
    }
}

/* Short runs, which merging begins with. */
static void sort_insert(struct sort_key *keys, size_t count, const struct sort_order *order)
{
    for (size_t i = 1; i < count; i++) {
        struct sort_key key = keys[i];
        size_t at = i;
        for (; at > 0 && sort_compare(&keys[at - 1], &key, order) > 0; at--)
            keys[at] = keys[at - 1];
        keys[at] = key;
    }
}

#define SORT_RUN 16

static void sort_by_merging(struct sort_key *keys, struct sort_key *room, size_t count,
                            const struct sort_order *order)
{
    for (size_t at = 0; at < count; at += SORT_RUN)
        sort_insert(keys + at, count - at < SORT_RUN ? count - at : SORT_RUN, order);
    struct sort_key *from = keys, *to = room;
    for (size_t run = SORT_RUN; run < count; run *= 2) {
        for (size_t at = 0; at < count; at += 2 * run) {
            size_t left = count - at;
            size_t end = left < 2 * run ? left : 2 * run;
            sort_merge(from + at, end < run ? end : run, end, to + at, order);
        }
        struct sort_key *sorted = to;
        to = from;
        from = sorted;
    }
    if (from != keys) memcpy(keys, from, count * sizeof *keys);
}

/* Distributes by one byte of the marks. */
static void sort_distribute(const struct sort_key *from, size_t count, unsigned shift,
                            struct sort_key *to)
{
    size_t places[256] = {0}, place = 0;
    for (size_t i = 0; i < count; i++) places[from[i].mark >> shift & 255]++;
    for (size_t i = 0; i < 256; i++) {
        size_t here = places[i];
        places[i] = place;
        place += here;
    }
    for (size_t i = 0; i < count; i++) to[places[from[i].mark >> shift & 255]++] = from[i];
}

/* By all bytes in which marks differ, the lowest first: stable, and without a single comparison. */
static void sort_by_marks(struct sort_key *keys, struct sort_key *room, size_t count)
{
    struct sort_key *from = keys, *to = room;
    uint64_t differ = 0;
    for (size_t i = 1; i < count; i++) differ |= keys[i].mark ^ keys[0].mark;
    for (unsigned shift = 0; shift < 64; shift += 8) {
        if ((differ >> shift & 255) == 0) continue;
        sort_distribute(from, count, shift, to);
        struct sort_key *sorted = to;
        to = from;
        from = sorted;
    }
    if (from != keys) memcpy(keys, from, count * sizeof *keys);
}

/* Fewer are sorted sooner by comparing. */
#define SORT_MANY 128

KV_INTERNAL void sort_items(const struct sort_item *items, struct sort_key *keys,
                            struct sort_key *room, size_t count, const struct sort_order *order)
{
    sort_mark(items, keys, count, order);
    if (count < SORT_MANY) {
        sort_by_merging(keys, room, count, order);
        return;
    }
    sort_by_marks(keys, room, count);
    for (size_t at = 0, end; at < count; at = end) { /* what has the same mark */
        for (end = at + 1; end < count && keys[end].mark == keys[at].mark;) end++;
        if (end - at > 1) sort_by_merging(keys + at, room, end - at, order);
    }
}
