/*
 * tests/engine/test_chunks.c -- base/chunks.h and base/lines.h: memory of large stores.
 */
#include "base/lines.h"
#include "base/pages.h"

#include "../unit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static bool has_chunks(void)
{
#if defined(MADV_HUGEPAGE)
    return true;
#else
    return false;
#endif
}

/* Writes something that tells one block from all others. */
static void mark(unsigned char *block, size_t size, size_t number)
{
    memset(block, (int)(number * 7 % 251), size);
    memcpy(block, &number, sizeof number);
}

static void check_mark(const unsigned char *block, size_t size, size_t number)
{
    ck_assert_int_eq(memcmp(block, &number, sizeof number), 0);
    ck_assert_uint_eq(block[size / 2], number * 7 % 251);
    ck_assert_uint_eq(block[size - 1], number * 7 % 251);
}

START_TEST(random_gets_and_puts_leave_nothing)
{
    enum { SLOTS = 300, STEPS = 20000 };
    static unsigned char *taken[SLOTS];
    struct chunks chunks;
    srand((unsigned)unit_seed());
    chunks_init(&chunks);
    memset(taken, 0, sizeof taken);
    for (int step = 0; step < STEPS && has_chunks(); step++) {
        size_t slot = (size_t)rand() % SLOTS;
        bool grows = step / (STEPS / 8) % 2 == 0;
        if (taken[slot] == NULL && (grows || rand() % 4 == 0)) {
            taken[slot] = chunks_get(&chunks);
            ck_assert_ptr_nonnull(taken[slot]);
            ck_assert_uint_eq((uintptr_t)taken[slot] % CHUNKS_REGION_SIZE, 0);
            mark(taken[slot], CHUNKS_REGION_USABLE, slot);
        } else if (taken[slot] != NULL && (!grows || rand() % 4 == 0)) {
            check_mark(taken[slot], CHUNKS_REGION_USABLE, slot);
            chunks_put(&chunks, taken[slot]);
            taken[slot] = NULL;
        }
        chunks_check(&chunks);
    }
    for (size_t slot = 0; slot < SLOTS; slot++)
        if (taken[slot] != NULL) chunks_put(&chunks, taken[slot]);
    ck_assert_uint_eq(chunks.count, 0);
    ck_assert(!chunks_are_in_use(&chunks));
    ck_assert_uint_eq(chunks.kept, 0);
}
END_TEST

static bool is_resident(void *region)
{
    unsigned char pages[CHUNKS_REGION_SIZE / 4096];
    ck_assert_int_eq(mincore(region, CHUNKS_REGION_SIZE, pages), 0);
    return pages[0] & 1;
}

START_TEST(what_comes_back_goes_to_the_system)
{
    enum { REGIONS = 320 };
    void *taken[REGIONS];
    struct chunks chunks;
    size_t resident = 0;
    if (!has_chunks()) return;
    chunks_init(&chunks);
    for (int i = 0; i < REGIONS; i++) {
        taken[i] = chunks_get(&chunks);
        memset(taken[i], 1, CHUNKS_REGION_USABLE);
    }
    ck_assert_uint_eq(chunks.count, REGIONS / 32);
    for (int i = 0; i < REGIONS; i++)
        if (i % 8 != 0) chunks_put(&chunks, taken[i]); /* each chunk still has some */
    ck_assert_uint_eq(chunks.count, REGIONS / 32);
    for (int i = 0; i < REGIONS; i++) resident += is_resident(taken[i]);
    ck_assert_uint_le(resident, REGIONS / 8 + 16 + REGIONS / 32);
    for (int i = 0; i < REGIONS; i += 8) chunks_put(&chunks, taken[i]);
    ck_assert_uint_eq(chunks.count, 0);
}
END_TEST

START_TEST(a_region_that_comes_and_goes_takes_no_new_chunk)
{
    void *taken[33];
    struct chunks chunks;
    if (!has_chunks()) return;
    chunks_init(&chunks);
    for (int i = 0; i < 33; i++) taken[i] = chunks_get(&chunks);
    ck_assert_uint_eq(chunks.count, 2);
    for (int i = 0; i < 10; i++) {
        chunks_put(&chunks, taken[32]);
        ck_assert_uint_eq(chunks.count, 2); /* the empty one stays, as the other is full */
        chunks_check(&chunks);
        taken[32] = chunks_get(&chunks);
    }
    chunks_put(&chunks, taken[32]);
    chunks_put(&chunks, taken[0]);
    ck_assert_uint_eq(chunks.count, 1); /* now the other can serve */
    for (int i = 1; i < 32; i++) chunks_put(&chunks, taken[i]);
    ck_assert_uint_eq(chunks.count, 0);
}
END_TEST

START_TEST(lines_of_all_sizes_leave_nothing)
{
    enum { SLOTS = 1000, STEPS = 50000 };
    static struct {
        unsigned char *block;
        size_t count;
        bool is_of_strip;
    } taken[SLOTS];
    struct alloc alloc;
    struct chunks chunks;
    struct lines lines;
    size_t strips = 0;
    srand((unsigned)unit_seed());
    alloc_init(&alloc, NULL);
    chunks_init(&chunks);
    lines_init(&lines, &alloc, &chunks);
    memset(taken, 0, sizeof taken);
    void *first = _i == 0 ? chunks_get(&chunks) : NULL; /* now chunks are in use */
    for (int step = 0; step < STEPS; step++) {
        size_t slot = (size_t)rand() % SLOTS;
        bool grows = step / (STEPS / 8) % 2 == 0;
        if (taken[slot].block == NULL && (grows || rand() % 4 == 0)) {
            taken[slot].count = 1 + (size_t)rand() % 80;
            taken[slot].block = lines_get(&lines, taken[slot].count, &taken[slot].is_of_strip);
            ck_assert_uint_eq((uintptr_t)taken[slot].block % KV_CACHE_LINE, 0);
            mark(taken[slot].block, taken[slot].count * KV_CACHE_LINE, slot);
            strips += taken[slot].is_of_strip;
        } else if (taken[slot].block != NULL && (!grows || rand() % 4 == 0)) {
            check_mark(taken[slot].block, taken[slot].count * KV_CACHE_LINE, slot);
            lines_put(&lines, taken[slot].block, taken[slot].count, taken[slot].is_of_strip);
            taken[slot].block = NULL;
        }
        if (step % 100 == 0) lines_check(&lines);
    }
    ck_assert_int_eq(strips > 0, _i == 0 && has_chunks());
    for (size_t slot = 0; slot < SLOTS; slot++)
        if (taken[slot].block != NULL)
            lines_put(&lines, taken[slot].block, taken[slot].count, taken[slot].is_of_strip);
    if (first != NULL) chunks_put(&chunks, first);
    ck_assert_uint_eq(alloc_used(&alloc), 0);
    ck_assert_uint_eq(chunks.count, 0);
}
END_TEST

START_TEST(pages_beyond_some_megabytes_are_of_chunks)
{
    enum { PAGES = (PAGES_BEFORE_CHUNKS + 100) * PAGES_REGION_PAGES };
    void **taken = calloc(PAGES, sizeof *taken);
    struct alloc alloc;
    struct pages pages;
    alloc_init(&alloc, NULL);
    pages_init(&pages, &alloc);
    for (size_t i = 0; i < PAGES; i++) {
        taken[i] = pages_get(&pages);
        mark(taken[i], pages_usable(taken[i]), i);
    }
    pages_check(&pages);
    ck_assert_int_eq(chunks_are_in_use(&pages.chunks), has_chunks());
    size_t used = alloc_used(&alloc);
    ck_assert_uint_gt(used, (size_t)PAGES * PAGES_PAGE_SIZE * 99 / 100); /* those count, too */
    for (size_t i = 0; i < PAGES; i++) {
        size_t at = i * 7919 % PAGES; /* in another order */
        check_mark(taken[at], pages_usable(taken[at]), at);
        pages_put(&pages, taken[at]);
    }
    ck_assert_uint_eq(alloc_used(&alloc), 0);
    ck_assert_uint_eq(pages.chunks.count, 0);
    free(taken);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("chunks");
    TCase *tests = tcase_create("chunks");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, random_gets_and_puts_leave_nothing);
    tcase_add_test(tests, what_comes_back_goes_to_the_system);
    tcase_add_test(tests, a_region_that_comes_and_goes_takes_no_new_chunk);
    tcase_add_loop_test(tests, lines_of_all_sizes_leave_nothing, 0, 2);
    tcase_add_test(tests, pages_beyond_some_megabytes_are_of_chunks);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
