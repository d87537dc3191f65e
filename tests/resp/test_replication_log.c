/* tests/resp/test_replication_log.c -- resp/replication_log: positions, readers, what is kept. */
#include "resp/replication_log.h"
#include "resp/text.h"

#include "../unit.h"

#include <stdio.h>
#include <stdlib.h>

static struct replication_log history;
static atomic_int wakes;

static void setup(void)
{
    ck_assert_int_eq(replication_log_open(&history, 100000), KV_OK);
    replication_log_take_changes(&history, true);
    wakes = 0;
}

static void teardown(void)
{
    replication_log_close(&history);
}

static void wake(void *context)
{
    (void)context;
    wakes++;
}

static struct replication_reader reader_at(uint64_t position)
{
    return (struct replication_reader){.wake = wake, .position = position};
}

static void append(uint32_t database, const char *name, kv_slice argument)
{
    kv_slice arguments[] = {kv_text(name), argument};
    kv_change change = {.database = database, .argument_count = 2, .arguments = arguments};
    replication_log_changes(&history, &change, 1);
}

/* Bytes that tell where they stand: each that of its position, modulo a prime. */
static void append_pattern(size_t size)
{
    uint8_t *bytes = malloc(size);
    uint64_t at = replication_log_end(&history);
    for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)((at + i) % 251);
    ck_assert(replication_log_append(&history, kv_bytes(bytes, size), -1));
    free(bytes);
}

/* Reads up to `size` bytes, checking them against the pattern; how many there were. */
static size_t read_pattern(struct replication_reader *reader, size_t size)
{
    size_t done = 0;
    while (done < size) {
        kv_slice part = replication_reader_read(&history, reader);
        if (part.size == 0) break;
        size_t take = part.size < size - done ? part.size : size - done;
        size_t wrong = 0;
        for (size_t i = 0; i < take; i++)
            wrong += ((const uint8_t *)part.data)[i] != (reader->position + i) % 251;
        ck_assert_uint_eq(wrong, 0);
        replication_reader_advance(&history, reader, take);
        done += take;
    }
    return done;
}

static void assert_reads(struct replication_reader *reader, const char *text)
{
    kv_buffer bytes = {0};
    kv_slice part;
    while ((part = replication_reader_read(&history, reader)).size > 0) {
        text_append(&bytes, part);
        replication_reader_advance(&history, reader, part.size);
    }
    ck_assert_msg(text_equal(text_of_buffer(&bytes), kv_text(text)), "%.*s", (int)bytes.size,
                  (const char *)bytes.data);
    kv_buffer_free(&bytes);
}

START_TEST(changes_are_commands_with_select_and_brackets)
{
    struct replication_reader reader = reader_at(0);
    kv_slice first[] = {KV_TEXT("DEL"), KV_TEXT("a")}, second[] = {KV_TEXT("DEL"), KV_TEXT("b")};
    kv_change changes[] = {{.database = 3, .argument_count = 2, .arguments = first},
                           {.database = 3, .argument_count = 2, .arguments = second}};
    int64_t database;
    append(0, "DEL", KV_TEXT("x"));
    append(0, "DEL", KV_TEXT("y"));
    replication_log_changes(&history, changes, 2);
    ck_assert(replication_reader_open(&history, &reader, 0));
    assert_reads(&reader, "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n"
                          "*2\r\n$3\r\nDEL\r\n$1\r\nx\r\n"
                          "*2\r\n$3\r\nDEL\r\n$1\r\ny\r\n"
                          "*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n"
                          "*1\r\n$5\r\nMULTI\r\n"
                          "*2\r\n$3\r\nDEL\r\n$1\r\na\r\n"
                          "*2\r\n$3\r\nDEL\r\n$1\r\nb\r\n"
                          "*1\r\n$4\r\nEXEC\r\n");
    /* Who begins at a mark is told the database, though it is the same as before. */
    ck_assert_uint_eq(replication_log_mark(&history, &database), replication_log_end(&history));
    append(3, "DEL", KV_TEXT("z"));
    assert_reads(&reader, "*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n*2\r\n$3\r\nDEL\r\n$1\r\nz\r\n");
    replication_reader_close(&history, &reader);
}
END_TEST

START_TEST(a_closed_log_takes_bytes_and_no_changes)
{
    replication_log_take_changes(&history, false);
    append(0, "DEL", KV_TEXT("x"));
    ck_assert_uint_eq(replication_log_end(&history), 0);
    ck_assert(replication_log_append(&history, KV_TEXT("PING\r\n"), 5));
    ck_assert_uint_eq(replication_log_end(&history), 6);
    int64_t database;
    replication_log_mark(&history, &database);
    ck_assert_int_eq(database, 5);
    uint64_t end;
    kv_slice ping = KV_TEXT("PING");
    ck_assert(!replication_log_command(&history, &ping, 1, &end));
}
END_TEST

START_TEST(large_records_are_whole)
{
    struct replication_reader reader = reader_at(0);
    ck_assert(replication_reader_open(&history, &reader, 0));
    for (size_t size = 900; size < 3000000; size = size * 2 + 77) {
        char *bytes = malloc(size), head[64];
        memset(bytes, 'v', size);
        append(0, "APPEND", kv_bytes(bytes, size));
        free(bytes);
        kv_buffer found = {0};
        kv_slice part;
        while ((part = replication_reader_read(&history, &reader)).size > 0) {
            text_append(&found, part);
            replication_reader_advance(&history, &reader, part.size);
        }
        int head_size = snprintf(head, sizeof head, "*2\r\n$6\r\nAPPEND\r\n$%zu\r\n", size);
        ck_assert_uint_ge(found.size, size + (size_t)head_size + 2);
        size_t begin = found.size - size - 2 - (size_t)head_size;
        ck_assert_mem_eq((char *)found.data + begin, head, head_size);
        ck_assert_int_eq(((char *)found.data)[found.size - 3], 'v');
        ck_assert_uint_eq(reader.position, replication_log_end(&history));
        kv_buffer_free(&found);
    }
    replication_reader_close(&history, &reader);
}
END_TEST

START_TEST(the_backlog_is_kept_and_little_more)
{
    for (int i = 0; i < 2000; i++) append_pattern(997);
    uint64_t end = replication_log_end(&history), start = replication_log_start(&history);
    ck_assert_uint_le(start, end - 100000);
    ck_assert_uint_ge(start, end - 100000 - 2 * 65536);
    ck_assert_uint_le(replication_log_memory(&history), 100000 + 3 * 65536);
    struct replication_reader early = reader_at(0), late = reader_at(0), kept = reader_at(0);
    ck_assert(!replication_reader_open(&history, &early, start - 1));
    ck_assert(!replication_reader_open(&history, &late, end + 1));
    ck_assert(replication_reader_open(&history, &kept, end - 100000));
    ck_assert_uint_eq(read_pattern(&kept, SIZE_MAX), 100000);
    replication_reader_close(&history, &early);
    replication_reader_close(&history, &kept);
}
END_TEST

START_TEST(bytes_stay_for_a_reader_that_is_behind)
{
    struct replication_reader slow = reader_at(0), fast = reader_at(0);
    ck_assert(replication_reader_open(&history, &slow, 0));
    ck_assert(replication_reader_open(&history, &fast, 0));
    for (int i = 0; i < 1000; i++) {
        append_pattern(3001);
        ck_assert_uint_eq(read_pattern(&fast, SIZE_MAX), 3001);
    }
    ck_assert_uint_eq(replication_log_start(&history), 0);
    ck_assert_uint_eq(replication_reader_lag(&history, &slow), 3001000);
    ck_assert_uint_eq(read_pattern(&slow, SIZE_MAX), 3001000);
    append_pattern(70000);
    ck_assert_uint_gt(replication_log_start(&history), 2800000);
    replication_reader_close(&history, &slow);
    replication_reader_close(&history, &fast);
}
END_TEST

START_TEST(a_reader_too_far_behind_is_overtaken_and_woken)
{
    struct replication_reader slow = reader_at(0), fast = reader_at(0);
    replication_log_configure(&history, 100000, 500000);
    ck_assert(replication_reader_open(&history, &slow, 0));
    ck_assert(replication_reader_open(&history, &fast, 0));
    append_pattern(10);
    kv_slice held = replication_reader_read(&history, &slow);
    ck_assert_uint_eq(held.size, 10);
    for (int i = 0; i < 70; i++) {
        append_pattern(10000);
        read_pattern(&fast, SIZE_MAX);
    }
    ck_assert(slow.is_overtaken);
    ck_assert(!fast.is_overtaken);
    ck_assert_int_gt(wakes, 0);
    /* What it was given is still there, as it may be in a write. */
    for (int i = 0; i < 10; i++) ck_assert_uint_eq(((const uint8_t *)held.data)[i], i);
    replication_reader_advance(&history, &slow, 10);
    ck_assert_uint_eq(replication_reader_read(&history, &slow).size, 0);
    ck_assert_uint_le(replication_log_memory(&history), 100000 + 4 * 65536);
    replication_reader_close(&history, &slow);
    replication_reader_close(&history, &fast);
}
END_TEST

START_TEST(a_reader_is_woken_once_for_what_it_waits_for)
{
    struct replication_reader reader = reader_at(0);
    ck_assert(replication_reader_open(&history, &reader, 0));
    append_pattern(5);
    ck_assert_int_eq(wakes, 0);
    read_pattern(&reader, SIZE_MAX);
    append_pattern(5);
    append_pattern(5);
    ck_assert_int_eq(wakes, 1);
    read_pattern(&reader, SIZE_MAX);
    append_pattern(5);
    ck_assert_int_eq(wakes, 2);
    replication_reader_close(&history, &reader);
    append_pattern(5);
    ck_assert_int_eq(wakes, 2);
}
END_TEST

START_TEST(nobody_reads_across_a_reset)
{
    struct replication_reader reader = reader_at(0), later = reader_at(0);
    ck_assert(replication_reader_open(&history, &reader, 0));
    append_pattern(1000);
    replication_log_lose(&history);
    ck_assert(reader.is_overtaken);
    ck_assert_uint_eq(replication_log_end(&history), 1001);
    ck_assert_uint_eq(replication_log_start(&history), 1001);
    ck_assert(!replication_reader_open(&history, &later, 1000));
    replication_log_reset(&history, 50);
    ck_assert(replication_reader_open(&history, &later, 50));
    append_pattern(1000);
    ck_assert_uint_eq(read_pattern(&later, SIZE_MAX), 1000);
    replication_reader_close(&history, &reader);
    replication_reader_close(&history, &later);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("replication_log");
    TCase *tcase = tcase_create("all");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, changes_are_commands_with_select_and_brackets);
    tcase_add_test(tcase, a_closed_log_takes_bytes_and_no_changes);
    tcase_add_test(tcase, large_records_are_whole);
    tcase_add_test(tcase, the_backlog_is_kept_and_little_more);
    tcase_add_test(tcase, bytes_stay_for_a_reader_that_is_behind);
    tcase_add_test(tcase, a_reader_too_far_behind_is_overtaken_and_woken);
    tcase_add_test(tcase, a_reader_is_woken_once_for_what_it_waits_for);
    tcase_add_test(tcase, nobody_reads_across_a_reset);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
