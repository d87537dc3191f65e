/*
 * tests/engine/test_memory.c -- base/memory.h and base/pages.h: the slabs of one owner.
 */
#include "base/memory.h"
#include "base/random.h"

#include "fixture_memory.h"

#include <pthread.h>

static void setup(void)
{
    fixture_memory_begin();
}

/* Ends each test: the owner's memory goes back to the last byte. */
static void teardown(void)
{
    memory_destroy(&memory);
    memory_check(&memory);
    pages_check(&pages);
    ck_assert_uint_eq(pages.regions, 0);
    ck_assert_uint_eq(alloc_used(&alloc), 0);
    fixture_alloc_end(&host);
}

START_TEST(capacity_is_the_smallest_class_that_fits)
{
    setup();
    for (size_t size = 0; size <= 3000; size++) {
        size_t capacity = memory_capacity(size);
        ck_assert_uint_ge(capacity, size);
        ck_assert_uint_eq(capacity % 8, 0);
        ck_assert_uint_ge(memory_capacity(size + 1), capacity);
        ck_assert_uint_eq(memory_capacity(capacity), capacity);
        if (MEMORY_SMALL_MAX == 0) continue;
        if (size > 0 && size <= 128) ck_assert_uint_lt(capacity - size, 8);
        if (size > 128 && size <= 256) ck_assert_uint_lt(capacity - size, 16);
    }
    teardown();
}
END_TEST

START_TEST(classes_waste_no_room_a_larger_block_could_use)
{
    if (MEMORY_SMALL_MAX == 0) return; /* KV_MEMORY_DIRECT: there are no slabs */
    for (int size_class = 16; size_class < MEMORY_CLASSES; size_class++) {
        size_t room = PAGES_PAGE_SIZE - sizeof(struct memory_page);
        size_t size = memory_class_size[size_class];
        ck_assert_uint_lt(room / (size + 8), room / size);
    }
}
END_TEST

START_TEST(blocks_of_40_bytes_cost_less_than_41)
{
    if (MEMORY_SMALL_MAX == 0) return; /* KV_MEMORY_DIRECT: there are no slabs */
    setup();
    enum { COUNT = 200000 };
    for (int i = 0; i < COUNT; i++) ck_assert_ptr_nonnull(memory_get(&memory, 40));
    ck_assert_uint_eq(memory.used, COUNT * 40);
    /* A region occupies 65536 bytes of the address space, whatever the host was asked for. */
    ck_assert_double_le((double)pages.regions * PAGES_REGION_SIZE / COUNT, 40.7);
    memory_check(&memory);
    teardown();
}
END_TEST

START_TEST(no_allocation_exceeds_64_kib)
{
    if (MEMORY_SMALL_MAX == 0) return; /* KV_MEMORY_DIRECT: there are no slabs */
    setup();
    for (size_t size = 0; size <= MEMORY_SMALL_MAX; size++) {
        for (int i = 0; i < 50; i++) ck_assert_ptr_nonnull(memory_get(&memory, size));
    }
    ck_assert_uint_le(atomic_load(&host.largest), 65536);
    teardown();
}
END_TEST

START_TEST(a_page_is_kept_as_spare_and_a_second_one_returned)
{
    if (MEMORY_SMALL_MAX == 0) return; /* KV_MEMORY_DIRECT: there are no slabs */
    setup();
    void *a = memory_get(&memory, 24);
    void *b = memory_get(&memory, 100);
    ck_assert_uint_eq(memory.page_count, 2);
    memory_free(&memory, a, 24);
    ck_assert_uint_eq(memory.page_count, 2);
    memory_free(&memory, b, 100);
    ck_assert_uint_eq(memory.page_count, 1);
    memory_check(&memory);
    ck_assert_ptr_nonnull(memory_get(&memory, 700)); /* the spare serves any class */
    ck_assert_uint_eq(memory.page_count, 1);
    teardown();
}
END_TEST

START_TEST(a_page_freed_into_is_used_before_a_new_one)
{
    if (MEMORY_SMALL_MAX == 0) return; /* KV_MEMORY_DIRECT: there are no slabs */
    setup();
    enum { COUNT = 1000 };
    void *blocks[COUNT];
    for (int i = 0; i < COUNT; i++) blocks[i] = memory_get(&memory, 64);
    size_t held = memory.page_count;
    for (int i = 0; i < COUNT; i += 7) memory_free(&memory, blocks[i], 64);
    memory_check(&memory);
    for (int i = 0; i < COUNT; i += 7) {
        blocks[i] = memory_get(&memory, 64);
        memory_check(&memory);
    }
    ck_assert_uint_eq(memory.page_count, held);
    teardown();
}
END_TEST

START_TEST(a_region_goes_back_when_its_last_page_is_free)
{
    if (MEMORY_SMALL_MAX == 0) return; /* KV_MEMORY_DIRECT: there are no slabs */
    setup();
    enum { COUNT = PAGES_REGION_PAGES * 3 };
    void *taken[COUNT];
    for (int i = 0; i < COUNT; i++) {
        taken[i] = pages_get(&pages);
        ck_assert_uint_eq((uintptr_t)taken[i] % PAGES_PAGE_SIZE, 0);
        memset(taken[i], i, pages_usable(taken[i]));
        pages_check(&pages);
    }
    ck_assert_uint_eq(pages.regions, 3);
    ck_assert_int_eq(atomic_load(&host.live_blocks), 3);
    for (int i = 0; i < COUNT; i++) {
        for (size_t at = 0; at < pages_usable(taken[i]); at++) {
            ck_assert_uint_eq(((unsigned char *)taken[i])[at], (unsigned char)i);
        }
        pages_put(&pages, taken[i]);
        pages_check(&pages);
    }
    ck_assert_uint_eq(pages.regions, 0);
    teardown();
}
END_TEST

START_TEST(a_failed_get_or_resize_changes_nothing)
{
    setup();
    static const size_t sizes[] = {1, 40, 1016, 1017, 5000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        unsigned char *block = NULL;
        FIXTURE_FAIL_EACH_ALLOCATION(&host)
        {
            size_t used = memory.used;
            block = memory_get(&memory, sizes[i]);
            ck_assert_int_eq(block != NULL, fixture_alloc_was_enough(&host));
            if (block == NULL) ck_assert_uint_eq(memory.used, used);
            memory_check(&memory);
        }
        memset(block, 7, sizes[i]);
        for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
            size_t smaller = sizes[i] < sizes[k] ? sizes[i] : sizes[k];
            unsigned char *moved = NULL;
            FIXTURE_FAIL_EACH_ALLOCATION(&host)
            {
                moved = memory_resize(&memory, block, sizes[i], sizes[k]);
                if (moved != NULL) break;
                ck_assert_uint_eq(block[sizes[i] - 1], 7);
                memory_check(&memory);
            }
            fixture_alloc_allow(&host, FIXTURE_UNLIMITED);
            for (size_t at = 0; at < smaller; at++) ck_assert_uint_eq(moved[at], 7);
            block = memory_resize(&memory, moved, sizes[k], sizes[i]);
            ck_assert_ptr_nonnull(block);
            memset(block, 7, sizes[i]);
            memory_check(&memory);
        }
    }
    ck_assert_ptr_null(memory_get(&memory, SIZE_MAX));
    ck_assert_ptr_null(memory_get(&memory, SIZE_MAX - 40));
    teardown();
}
END_TEST

START_TEST(resize_within_the_capacity_stays_in_place)
{
    setup();
    void *block = memory_get(&memory, 130);
    size_t capacity = memory_capacity(130);
    ck_assert_ptr_eq(memory_resize(&memory, block, 130, capacity), block);
    ck_assert_ptr_eq(memory_resize(&memory, block, capacity, 129), block);
    memory_free(&memory, block, 135); /* any size of that capacity will do */
    ck_assert_uint_eq(memory.used, 0);
    memory_free(&memory, NULL, 10);
    memory_free(&memory, NULL, 100000);
    block = memory_resize(&memory, NULL, 0, 50);
    ck_assert_ptr_nonnull(block);
    teardown();
}
END_TEST

START_TEST(blocks_of_lines_are_aligned_and_go_back_like_any_other)
{
    setup();
    void *blocks[3] = {NULL};
    static const size_t sizes[3] = {64, 4160, 100000};
    for (int i = 0; i < 3; i++) {
        blocks[i] = memory_get_lines(&memory, sizes[i]);
        ck_assert_uint_eq((uintptr_t)blocks[i] % KV_CACHE_LINE, 0);
        memset(blocks[i], 0xAA, sizes[i]);
        memory_check(&memory);
    }
    ck_assert_ptr_null(memory_get_lines(&memory, SIZE_MAX));
    fixture_alloc_allow(&host, 0);
    ck_assert_ptr_null(memory_get_lines(&memory, 64));
    fixture_alloc_allow(&host, FIXTURE_UNLIMITED);
    size_t used = memory.used;
    memory_free_lines(&memory, blocks[1], sizes[1]);
    ck_assert_uint_eq(used - memory.used, memory_capacity(sizes[1]) + KV_CACHE_LINE);
    memory_check(&memory);
    teardown(); /* gives the others back in bulk */
}
END_TEST

START_TEST(destroying_in_slices_ends_and_the_memory_can_be_used_again)
{
    setup();
    for (int i = 0; i < 5000; i++) memory_get(&memory, (size_t)i % 3000);
    struct memory moved = memory; /* as when a flush takes a shard's memory away */
    memory_init(&memory, &pages);
    memory_check(&moved);
    int slices = 0;
    while (!memory_destroy_some(&moved, 10)) slices++;
    ck_assert_int_gt(slices, 100);
    ck_assert_uint_eq(moved.used, 0);
    ck_assert_int_eq(atomic_load(&host.live_blocks), 0);
    memory_check(&moved);
    ck_assert_ptr_nonnull(memory_get(&moved, 10));
    memory_destroy(&moved);
    teardown();
}
END_TEST

/* Blocks of all sizes, every `nth` of which is freed again. */
static size_t fill_with_gaps(struct memory *owner, void **blocks, size_t count, size_t nth)
{
    size_t left = 0;
    for (size_t i = 0; i < count; i++) blocks[i] = memory_get(owner, i * 7 % 3000);
    for (size_t i = 0; i < count; i++) {
        if (nth > 0 && i % nth == 0) {
            memory_free(owner, blocks[i], i * 7 % 3000);
            blocks[i] = NULL;
        }
        left += blocks[i] != NULL;
    }
    return left;
}

START_TEST(one_memory_takes_over_another_whatever_both_hold)
{
    enum { BLOCKS = 3000 };
    static void *blocks[2][BLOCKS];
    for (size_t round = 0; round < 36; round++) {
        struct memory other;
        setup();
        memory_init(&other, &pages);
        size_t first =
            fill_with_gaps(&memory, blocks[0], round % 6 < 1 ? 0 : BLOCKS, round % 6 - 1);
        size_t second =
            fill_with_gaps(&other, blocks[1], round / 6 < 1 ? 0 : BLOCKS, round / 6 - 1);
        size_t used = memory.used + other.used;
        memory_join(&memory, &other);
        memory_check(&memory);
        memory_check(&other);
        ck_assert_uint_eq(memory.used, used);
        ck_assert_uint_eq(other.used, 0);
        for (size_t i = 0; i < BLOCKS; i++) {
            if (first > 0) memory_free(&memory, blocks[0][i], i * 7 % 3000);
            if (second > 0) memory_free(&memory, blocks[1][i], i * 7 % 3000);
            if (i % 500 == 0) memory_check(&memory);
        }
        ck_assert_uint_eq(memory.used, 0);
        memory_destroy(&memory);
        memory_destroy(&other);
        teardown();
    }
}
END_TEST

/* Blocks filled with their own pattern, in random order of getting, resizing and freeing. */
struct model_block {
    unsigned char *block;
    size_t size;
    unsigned char fill;
};

static void model_verify(const struct model_block *at, size_t size)
{
    size_t wrong = 0;
    for (size_t i = 0; i < size; i++) wrong += at->block[i] != at->fill;
    ck_assert_uint_eq(wrong, 0);
}

static size_t model_size(struct random *random)
{
    switch (random_below(random, 8)) {
    case 0: return random_below(random, 9);
    case 1: return random_below(random, 1100);
    case 2: return random_below(random, 20000);
    default: return random_below(random, 200);
    }
}

static void model_run(struct random *random, struct memory *owners, int owner_count)
{
    enum { BLOCKS = 3000, STEPS = 100000 };
    static struct model_block blocks[BLOCKS];
    memset(blocks, 0, sizeof blocks);
    size_t live = BLOCKS;
    for (int step = 0; step < STEPS; step++) {
        /* Load swings, so that pages fill up and run empty. */
        if (step % 10000 == 0) live = 1 + random_below(random, BLOCKS);
        size_t index = random_below(random, BLOCKS);
        struct model_block *at = &blocks[index];
        struct memory *owner = &owners[index % (size_t)owner_count];
        if (at->block != NULL && random_below(random, 3) == 0) {
            size_t size = model_size(random);
            at->block = memory_resize(owner, at->block, at->size, size);
            ck_assert_ptr_nonnull(at->block);
            model_verify(at, size < at->size ? size : at->size);
            at->size = size;
        } else if (at->block != NULL) {
            model_verify(at, at->size);
            memory_free(owner, at->block, at->size);
            at->block = NULL;
        } else if (index < live) {
            at->size = model_size(random);
            at->block = memory_get(owner, at->size);
            ck_assert_ptr_nonnull(at->block);
            ck_assert_uint_eq((uintptr_t)at->block % 8, 0);
        }
        if (at->block != NULL) {
            at->fill = (unsigned char)random_next(random);
            memset(at->block, at->fill, at->size);
        }
        if (step % 256 == 0) memory_check(owner);
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        if (blocks[i].block == NULL || i % 5 == 0) continue; /* some are left to memory_destroy() */
        model_verify(&blocks[i], blocks[i].size);
        memory_free(&owners[i % (size_t)owner_count], blocks[i].block, blocks[i].size);
    }
}

START_TEST(random_use_keeps_every_byte)
{
    setup();
    struct random random;
    random_seed(&random, unit_seed());
    struct memory owners[3];
    for (int i = 0; i < 3; i++) memory_init(&owners[i], &pages);
    model_run(&random, owners, 3);
    pages_check(&pages);
    for (int i = 0; i < 3; i++) {
        memory_check(&owners[i]);
        memory_destroy(&owners[i]);
    }
    teardown();
}
END_TEST

/* One owner per thread, all over one pool. */
static void *own(void *context)
{
    struct random random;
    random_seed(&random, *(uint64_t *)context);
    struct memory own;
    memory_init(&own, &pages);
    void *blocks[500] = {0};
    for (int i = 0; i < 50000; i++) {
        size_t index = random_below(&random, 500), size = 8 + index * 2;
        if (blocks[index] == NULL) {
            blocks[index] = memory_get(&own, size);
            memset(blocks[index], (int)index, size);
        } else {
            ck_assert_uint_eq(((unsigned char *)blocks[index])[size - 1], (unsigned char)index);
            memory_free(&own, blocks[index], size);
            blocks[index] = NULL;
        }
        if (i % 5000 == 4999) {
            memory_check(&own);
            memory_destroy(&own);
            memset(blocks, 0, sizeof blocks);
        }
    }
    return NULL;
}

START_TEST(owners_in_several_threads_share_the_pool)
{
    setup();
    pthread_t threads[4];
    uint64_t seeds[4], seed = unit_seed();
    for (int i = 0; i < 4; i++) {
        seeds[i] = seed + (uint64_t)i;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, own, &seeds[i]), 0);
    }
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    teardown();
}
END_TEST

int main(void)
{
    return UNIT_RUN(
        "memory", blocks_of_lines_are_aligned_and_go_back_like_any_other,
        capacity_is_the_smallest_class_that_fits, classes_waste_no_room_a_larger_block_could_use,
        blocks_of_40_bytes_cost_less_than_41, no_allocation_exceeds_64_kib,
        a_page_is_kept_as_spare_and_a_second_one_returned,
        a_page_freed_into_is_used_before_a_new_one, a_region_goes_back_when_its_last_page_is_free,
        a_failed_get_or_resize_changes_nothing, resize_within_the_capacity_stays_in_place,
        destroying_in_slices_ends_and_the_memory_can_be_used_again,
        one_memory_takes_over_another_whatever_both_hold, random_use_keeps_every_byte,
        owners_in_several_threads_share_the_pool);
}
