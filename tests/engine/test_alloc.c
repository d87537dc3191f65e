/*
 * tests/engine/test_alloc.c -- base/alloc.h and base/buffer.h, and the fixture that watches them.
 */
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/slice.h"

#include "../unit.h"
#include "fixture_alloc.h"

#include <signal.h>
#include <string.h>

START_TEST(bytes_are_counted_with_their_peak)
{
    struct fixture_alloc host;
    struct alloc alloc;
    fixture_alloc_begin(&host);
    alloc_init(&alloc, &host.hooks);
    void *a = alloc_get(&alloc, 100);
    void *b = alloc_get_aligned(&alloc, 1000, 4096);
    ck_assert_uint_eq((uintptr_t)a % ALLOC_ALIGNMENT, 0);
    ck_assert_uint_eq((uintptr_t)b % 4096, 0);
    ck_assert_uint_eq(alloc_used(&alloc), 1100);
    a = alloc_resize(&alloc, a, 100, 50);
    ck_assert_uint_eq(alloc_used(&alloc), 1050);
    ck_assert_uint_eq(alloc_peak(&alloc), 1100);
    a = alloc_resize(&alloc, a, 50, 500);
    ck_assert_uint_eq(alloc_peak(&alloc), 1500);
    alloc_free(&alloc, a, 500);
    alloc_free(&alloc, b, 1000);
    alloc_free(&alloc, NULL, 7);
    ck_assert_uint_eq(alloc_used(&alloc), 0);
    ck_assert_uint_eq(alloc_peak(&alloc), 1500);
    fixture_alloc_end(&host);
}
END_TEST

static void resize_keeps_the_bytes(const kv_allocator *hooks, struct fixture_alloc *host)
{
    struct alloc alloc;
    alloc_init(&alloc, hooks);
    char *block = alloc_resize(&alloc, NULL, 0, 5);
    memcpy(block, "12345", 5);
    block = alloc_resize(&alloc, block, 5, 10000);
    ck_assert_int_eq(memcmp(block, "12345", 5), 0);
    if (host != NULL) {
        fixture_alloc_allow(host, 0);
        ck_assert_ptr_null(alloc_resize(&alloc, block, 10000, 20000));
        fixture_alloc_allow(host, FIXTURE_UNLIMITED);
        ck_assert_int_eq(memcmp(block, "12345", 5), 0);
        ck_assert_uint_eq(alloc_used(&alloc), 10000);
    }
    block = alloc_resize(&alloc, block, 10000, 3);
    ck_assert_int_eq(memcmp(block, "123", 3), 0);
    ck_assert_uint_eq(alloc_used(&alloc), 3);
    alloc_free(&alloc, block, 3);
    ck_assert_uint_eq(alloc_used(&alloc), 0);
}

START_TEST(resize_works_with_and_without_a_hook)
{
    struct fixture_alloc host;
    fixture_alloc_begin(&host);
    resize_keeps_the_bytes(NULL, NULL);
    resize_keeps_the_bytes(&host.hooks, &host);
    kv_allocator without = host.hooks;
    without.resize = NULL;
    resize_keeps_the_bytes(&without, &host);
    fixture_alloc_end(&host);
}
END_TEST

START_TEST(a_failure_is_null_and_counts_nothing)
{
    struct fixture_alloc host;
    struct alloc alloc;
    fixture_alloc_begin(&host);
    alloc_init(&alloc, &host.hooks);
    fixture_alloc_allow(&host, 0);
    ck_assert_ptr_null(alloc_get(&alloc, 1));
    ck_assert_ptr_null(alloc_get_aligned(&alloc, 1, 65536));
    ck_assert_ptr_null(alloc_get_array(&alloc, 3, 5));
    ck_assert_ptr_null(alloc_resize(&alloc, NULL, 0, 5));
    ck_assert_uint_eq(atomic_load(&host.refused), 4);
    ck_assert_uint_eq(alloc_used(&alloc), 0);
    fixture_alloc_end(&host);
}
END_TEST

START_TEST(a_product_that_wraps_is_refused)
{
    struct alloc alloc;
    alloc_init(&alloc, NULL);
    ck_assert_ptr_null(alloc_get_array(&alloc, SIZE_MAX / 4 + 2, 4));
    ck_assert_ptr_null(alloc_get_array(&alloc, SIZE_MAX, 2));
    uint32_t *items = alloc_get_array(&alloc, 10, sizeof *items);
    ck_assert_uint_eq(alloc_used(&alloc), 40);
    alloc_free(&alloc, items, 40);
}
END_TEST

START_TEST(the_system_aligns_as_asked)
{
    struct alloc alloc;
    alloc_init(&alloc, NULL);
    for (size_t alignment = 1; alignment <= 65536; alignment *= 2) {
        void *block = alloc_get_aligned(&alloc, 10, alignment);
        ck_assert_ptr_nonnull(block);
        ck_assert_uint_eq((uintptr_t)block % alignment, 0);
        alloc_free(&alloc, block, 10);
    }
    ck_assert_uint_eq(alloc_used(&alloc), 0);
}
END_TEST

/* --- the fixture must catch what it promises to ----------------------------------------------- */

static void misuse(int which)
{
    struct fixture_alloc host;
    fixture_alloc_begin(&host);
    char *block = host.hooks.allocate(&host, 10, 16);
    switch (which) {
    case 0: host.hooks.release(&host, block, 11); break;
    case 1: host.hooks.resize(&host, block, 9, 20); break;
    case 2: fixture_alloc_end(&host); break;
    case 3: host.hooks.allocate(&host, 0, 16); break;
    case 4: host.hooks.allocate(&host, 10, 48); break;
    case 5: host.hooks.resize(&host, host.hooks.allocate(&host, 8, 64), 8, 10); break;
    case 6: host.hooks.release(&host, NULL, 0); break;
    }
}

START_TEST(the_fixture_catches_misuse)
{
    misuse(_i); /* aborts: the test is registered to end by a signal */
}
END_TEST

START_TEST(failing_each_allocation_ends_after_the_first_success)
{
    struct fixture_alloc host;
    fixture_alloc_begin(&host);
    int rounds = 0;
    FIXTURE_FAIL_EACH_ALLOCATION(&host)
    {
        void *blocks[3] = {0};
        int given = 0;
        while (given < 3 && (blocks[given] = host.hooks.allocate(&host, 8, 16)) != NULL) given++;
        ck_assert_int_eq(given, rounds);
        ck_assert_int_eq(fixture_alloc_was_enough(&host), given == 3);
        for (int i = 0; i < given; i++) host.hooks.release(&host, blocks[i], 8);
        rounds++;
    }
    ck_assert_int_eq(rounds, 4);
    ck_assert_int_eq(atomic_load(&host.allowed), FIXTURE_UNLIMITED);
    fixture_alloc_end(&host);
}
END_TEST

/* --- buffers and slices ----------------------------------------------------------------------- */

START_TEST(a_buffer_grows_and_is_reused)
{
    kv_buffer buffer = {0};
    char wanted[1000];
    for (size_t i = 0; i < sizeof wanted; i++) wanted[i] = (char)i;
    int moves = 0;
    for (size_t i = 0; i < sizeof wanted; i++) {
        size_t capacity = buffer.capacity;
        ck_assert_int_eq(buffer_set(&buffer, kv_bytes(wanted, i + 1)), KV_OK);
        moves += buffer.capacity != capacity;
    }
    ck_assert_int_le(moves, 10);
    ck_assert(slice_equal(kv_bytes(buffer.data, buffer.size), kv_bytes(wanted, sizeof wanted)));

    void *data = buffer.data;
    ck_assert_int_eq(buffer_set(&buffer, kv_text("short")), KV_OK);
    ck_assert_ptr_eq(buffer.data, data);
    ck_assert_uint_eq(buffer.size, 5);
    ck_assert_int_eq(buffer_set(&buffer, kv_bytes((char *)buffer.data + 1, 3)), KV_OK);
    ck_assert(slice_equal(kv_bytes(buffer.data, buffer.size), kv_text("hor")));
    ck_assert_int_eq(buffer_set(&buffer, kv_bytes(NULL, 0)), KV_OK);
    ck_assert_uint_eq(buffer.size, 0);

    kv_buffer_free(&buffer);
    ck_assert_ptr_null(buffer.data);
    ck_assert_uint_eq(buffer.capacity, 0);
    kv_buffer_free(&buffer);
    kv_buffer_free(NULL);
}
END_TEST

START_TEST(a_buffer_that_cannot_grow_is_unchanged)
{
    kv_buffer buffer = {0};
    ck_assert_int_eq(buffer_set(&buffer, kv_text("kept")), KV_OK);
    kv_buffer before = buffer;
    ck_assert_int_eq(buffer_reserve(&buffer, (size_t)PTRDIFF_MAX + 1), KV_NOMEM);
    ck_assert_int_eq(buffer_set(&buffer, kv_bytes("", SIZE_MAX)), KV_NOMEM);
    ck_assert_ptr_eq(buffer.data, before.data);
    ck_assert_uint_eq(buffer.capacity, before.capacity);
    ck_assert(slice_equal(kv_bytes(buffer.data, buffer.size), kv_text("kept")));
    kv_buffer_free(&buffer);
}
END_TEST

START_TEST(slices_are_ordered_by_bytes)
{
    ck_assert(slice_equal(kv_bytes(NULL, 0), kv_text("")));
    ck_assert(slice_equal(kv_bytes("a\0b", 3), kv_bytes("a\0b", 3)));
    ck_assert(!slice_equal(kv_bytes("a\0b", 3), kv_bytes("a\0c", 3)));
    ck_assert(!slice_equal(kv_text("a"), kv_text("ab")));
    ck_assert_int_eq(slice_compare(kv_text("ab"), kv_text("ab")), 0);
    ck_assert_int_eq(slice_compare(kv_bytes(NULL, 0), kv_bytes(NULL, 0)), 0);
    ck_assert_int_lt(slice_compare(kv_bytes(NULL, 0), kv_text("a")), 0);
    ck_assert_int_lt(slice_compare(kv_text("a"), kv_text("ab")), 0);
    ck_assert_int_gt(slice_compare(kv_text("b"), kv_text("ab")), 0);
    ck_assert_int_gt(slice_compare(kv_text("\xff"), kv_text("a")), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("alloc");
    TCase *tcase = tcase_create("misuse");
    tcase_add_loop_test_raise_signal(tcase, the_fixture_catches_misuse, SIGABRT, 0, 7);
    suite_add_tcase(suite, tcase);
    const TTest *tests[] = {
        bytes_are_counted_with_their_peak,    resize_works_with_and_without_a_hook,
        a_failure_is_null_and_counts_nothing, a_product_that_wraps_is_refused,
        the_system_aligns_as_asked,           failing_each_allocation_ends_after_the_first_success,
        a_buffer_grows_and_is_reused,         a_buffer_that_cannot_grow_is_unchanged,
        slices_are_ordered_by_bytes,
    };
    return unit_run_suite(suite, tests, sizeof tests / sizeof tests[0]);
}
