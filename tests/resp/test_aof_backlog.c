/* tests/resp/test_aof_backlog.c -- resp/aof_backlog: encoding, order, bounds. */
#include "resp/aof_backlog.h"
#include "resp/text.h"

#include "../unit.h"

#include <stdio.h>
#include <stdlib.h>

static struct aof_backlog backlog;

static void setup(void)
{
    ck_assert_int_eq(aof_backlog_open(&backlog, UINT64_MAX), KV_OK);
}

static void teardown(void)
{
    aof_backlog_close(&backlog);
}

static void append(uint32_t database, const char *name, kv_slice argument)
{
    kv_slice arguments[] = {kv_text(name), argument};
    kv_change change = {.database = database, .argument_count = 2, .arguments = arguments};
    aof_backlog_append(&backlog, &change, 1);
}

/* All bytes from `from` on. */
static kv_buffer take(uint64_t from)
{
    kv_buffer bytes = {0};
    uint64_t to = aof_backlog_position(&backlog);
    while (from < to) {
        kv_slice part = aof_backlog_read(&backlog, from, to);
        ck_assert_uint_gt(part.size, 0);
        text_append(&bytes, part);
        from += part.size;
    }
    return bytes;
}

static void assert_taken(uint64_t from, const char *text)
{
    kv_buffer bytes = take(from);
    ck_assert_msg(text_equal(text_of_buffer(&bytes), kv_text(text)), "%.*s", (int)bytes.size,
                  (const char *)bytes.data);
    kv_buffer_free(&bytes);
}

START_TEST(a_change_is_a_command_after_the_select_it_needs)
{
    append(0, "DEL", KV_TEXT("a"));
    append(0, "DEL", KV_TEXT(""));
    append(12, "DEL", KV_TEXT("b"));
    append(12, "DEL", KV_TEXT("b"));
    assert_taken(0, "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n"
                    "*2\r\n$3\r\nDEL\r\n$1\r\na\r\n"
                    "*2\r\n$3\r\nDEL\r\n$0\r\n\r\n"
                    "*2\r\n$6\r\nSELECT\r\n$2\r\n12\r\n"
                    "*2\r\n$3\r\nDEL\r\n$1\r\nb\r\n"
                    "*2\r\n$3\r\nDEL\r\n$1\r\nb\r\n");
    struct aof_mark mark = aof_backlog_mark(&backlog);
    ck_assert_uint_eq(mark.position, aof_backlog_position(&backlog));
    ck_assert_int_eq(mark.database, 12);
}
END_TEST

START_TEST(a_group_is_in_brackets_and_selects_within)
{
    kv_slice first[] = {KV_TEXT("DEL"), KV_TEXT("a")}, second[] = {KV_TEXT("DEL"), KV_TEXT("b")};
    kv_change changes[] = {{.database = 1, .argument_count = 2, .arguments = first},
                           {.database = 2, .argument_count = 2, .arguments = second}};
    aof_backlog_append(&backlog, changes, 2);
    append(2, "DEL", KV_TEXT("c"));
    assert_taken(0, "*2\r\n$6\r\nSELECT\r\n$1\r\n1\r\n"
                    "*1\r\n$5\r\nMULTI\r\n"
                    "*2\r\n$3\r\nDEL\r\n$1\r\na\r\n"
                    "*2\r\n$6\r\nSELECT\r\n$1\r\n2\r\n"
                    "*2\r\n$3\r\nDEL\r\n$1\r\nb\r\n"
                    "*1\r\n$4\r\nEXEC\r\n"
                    "*2\r\n$3\r\nDEL\r\n$1\r\nc\r\n");
}
END_TEST

/*
 * Sizes around each way in which a record is encoded: on the stack, by copying, as a chunk of its
 * own.
 */
START_TEST(records_of_any_size_are_kept_in_order_and_released)
{
    const size_t sizes[] = {0, 1, 900, 1024, 5000, 262144, 300000, 1048500, 1048576, 2000000};
    uint8_t *value = malloc(2000000);
    for (size_t i = 0; i < 2000000; i++) value[i] = (uint8_t)i;
    kv_buffer expected = {0};
    uint64_t released = 0;
    text_append_string(&expected, "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n");
    for (int round = 0; round < 60; round++) {
        size_t size = sizes[round * 3 % 10];
        append(0, "ECHO", kv_bytes(value, size));
        text_format(&expected, "*2\r\n$4\r\nECHO\r\n$%zu\r\n", size);
        text_append(&expected, kv_bytes(value, size));
        text_append_string(&expected, "\r\n");
        if (round % 7 == 0) {
            kv_buffer bytes = take(released);
            ck_assert_uint_eq(released + bytes.size, expected.size);
            ck_assert_mem_eq(bytes.data, (uint8_t *)expected.data + released, bytes.size);
            kv_buffer_free(&bytes);
            /* All, or in the middle of a chunk. */
            released = round % 2 ? expected.size : released + (expected.size - released) / 2;
            aof_backlog_release(&backlog, released);
        }
    }
    kv_buffer bytes = take(released);
    ck_assert_mem_eq(bytes.data, (uint8_t *)expected.data + released, bytes.size);
    kv_buffer_free(&bytes);
    kv_buffer_free(&expected);
    free(value);
}
END_TEST

START_TEST(spare_memory_is_given_back_when_nothing_happens)
{
    char value[1000] = {0};
    for (int i = 0; i < 10000; i++) append(0, "ECHO", kv_bytes(value, sizeof value));
    ck_assert(aof_backlog_release(&backlog, aof_backlog_position(&backlog)));
    ck_assert(!aof_backlog_release(&backlog, aof_backlog_position(&backlog)));
}
END_TEST

enum { THREADS = 4, EACH = 50000 };

static void *append_many(void *context)
{
    unsigned self = *(unsigned *)context;
    for (unsigned i = 0; i < EACH; i++) {
        char text[32];
        int size = snprintf(text, sizeof text, "%u:%u", self, i);
        append(self % 2, "ECHO", kv_bytes(text, (size_t)size));
    }
    return NULL;
}

/*
 * Checks that the bytes are whole records and that each thread's come in its order; returns how
 * many.
 */
static size_t check_records(const char *at, const char *end, unsigned next[THREADS], long *database)
{
    size_t count = 0;
    while (at < end) {
        unsigned thread, number;
        int size = 0;
        if (sscanf(at, "*2\r\n$6\r\nSELECT\r\n$1\r\n%ld\r\n%n", database, &size) == 1 && size > 0) {
            at += size;
            continue;
        }
        ck_assert_int_eq(
            sscanf(at, "*2\r\n$4\r\nECHO\r\n$%*d\r\n%u:%u\r\n%n", &thread, &number, &size), 2);
        ck_assert_uint_eq(number, next[thread]++);
        ck_assert_int_eq(*database, thread % 2);
        at += size;
        count++;
    }
    return count;
}

/* A limit far below what is appended makes the appenders wait for the reader, who also sleeps. */
START_TEST(threads_append_while_another_takes)
{
    pthread_t threads[THREADS];
    unsigned self[THREADS], next[THREADS] = {0};
    long database = -1;
    aof_backlog_limit(&backlog, 100000);
    for (unsigned i = 0; i < THREADS; i++) {
        self[i] = i;
        pthread_create(&threads[i], NULL, append_many, &self[i]);
    }
    size_t count = 0;
    uint64_t done = 0;
    while (count < THREADS * EACH) {
        aof_backlog_wait(&backlog, done + 5000, aof_now_us() + 1000);
        struct aof_mark mark = aof_backlog_mark(&backlog);
        ck_assert_uint_le(mark.position - done, 100100);
        kv_buffer bytes = {0};
        while (done < mark.position) {
            kv_slice part = aof_backlog_read(&backlog, done, mark.position);
            text_append(&bytes, part);
            done += part.size;
        }
        if (bytes.size > 0) {
            text_append(&bytes, KV_BYTES("", 1)); /* sscanf needs an end */
            const char *text = bytes.data;
            count += check_records(text, text + bytes.size - 1, next, &database);
            ck_assert_int_eq(mark.database, database);
        }
        kv_buffer_free(&bytes);
        aof_backlog_release(&backlog, done);
    }
    for (unsigned i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    ck_assert_uint_eq(done, aof_backlog_position(&backlog));
}
END_TEST

START_TEST(a_record_above_the_limit_goes_alone)
{
    char value[5000] = {0};
    aof_backlog_limit(&backlog, 1000);
    append(0, "ECHO", kv_bytes(value, sizeof value));
    ck_assert_uint_gt(aof_backlog_position(&backlog), 5000);
}
END_TEST

static int64_t clock_s;

static int64_t tell_wall_ms(void *context)
{
    (void)context;
    return 1000 * clock_s + 999;
}

static int64_t tell_monotonic_us(void *context)
{
    (void)context;
    return 0;
}

START_TEST(each_new_second_is_annotated_if_so_wished)
{
    static const kv_clock clock = {tell_wall_ms, tell_monotonic_us, NULL};
    kv_options options = KV_OPTIONS(kv_options);
    options.clock = &clock;
    kv *db;
    ck_assert_int_eq(kv_open(&options, &db), KV_OK);
    clock_s = 1700000000;
    append(1, "DEL", KV_TEXT("a"));
    uint64_t from = aof_backlog_position(&backlog);
    aof_backlog_stamp(&backlog, db);
    append(1, "DEL", KV_TEXT("b"));
    append(1, "DEL", KV_TEXT("c"));
    clock_s++;
    append(2, "DEL", KV_TEXT("d"));
    clock_s--; /* set back: the file's time does not go back */
    append(2, "DEL", KV_TEXT("e"));
    assert_taken(from, "#TS:1700000000\r\n*2\r\n$3\r\nDEL\r\n$1\r\nb\r\n"
                       "*2\r\n$3\r\nDEL\r\n$1\r\nc\r\n"
                       "#TS:1700000001\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n2\r\n"
                       "*2\r\n$3\r\nDEL\r\n$1\r\nd\r\n"
                       "*2\r\n$3\r\nDEL\r\n$1\r\ne\r\n");
    from = aof_backlog_cut(&backlog);
    append(2, "DEL", KV_TEXT("f"));
    assert_taken(from, "#TS:1700000000\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n2\r\n"
                       "*2\r\n$3\r\nDEL\r\n$1\r\nf\r\n");
    from = aof_backlog_position(&backlog);
    aof_backlog_stamp(&backlog, NULL);
    clock_s += 10;
    append(2, "DEL", KV_TEXT("g"));
    assert_taken(from, "*2\r\n$3\r\nDEL\r\n$1\r\ng\r\n");
    kv_close(db);
}
END_TEST

static void *append_much(void *context)
{
    char value[200 * 1024] = {0};
    (void)context;
    for (int i = 0; i < 10; i++) {
        append(0, "ECHO", kv_bytes(value, 1000));
        append(0, "ECHO", kv_bytes(value, sizeof value));
    }
    return NULL;
}

START_TEST(what_is_discarded_takes_no_room_and_nobody_waits_for_it)
{
    aof_backlog_limit(&backlog, 1000);
    append(0, "DEL", KV_TEXT("a"));
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, append_much, NULL), 0);
    while (!aof_backlog_is_full(&backlog)) sched_yield();
    aof_backlog_discard(&backlog, true);
    pthread_join(thread, NULL);
    uint64_t position = aof_backlog_position(&backlog);
    append_much(NULL);
    ck_assert_uint_eq(aof_backlog_position(&backlog), position);
    aof_backlog_discard(&backlog, false);
    aof_backlog_release(&backlog, position);
    append(0, "DEL", KV_TEXT("b"));
    assert_taken(position, "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*2\r\n$3\r\nDEL\r\n$1\r\nb\r\n");
}
END_TEST

START_TEST(a_sleep_ends_by_time_position_or_poke)
{
    int64_t before = aof_now_us();
    aof_backlog_wait(&backlog, 1, before + 2000);
    ck_assert_int_ge(aof_now_us(), before + 2000);

    append(0, "DEL", KV_TEXT("a"));
    aof_backlog_wait(&backlog, 1, INT64_MAX);
    aof_backlog_poke(&backlog);
    aof_backlog_wait(&backlog, UINT64_MAX, INT64_MAX);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("aof_backlog");
    TCase *tests = tcase_create("aof_backlog");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_change_is_a_command_after_the_select_it_needs);
    tcase_add_test(tests, a_group_is_in_brackets_and_selects_within);
    tcase_add_test(tests, records_of_any_size_are_kept_in_order_and_released);
    tcase_add_test(tests, spare_memory_is_given_back_when_nothing_happens);
    tcase_add_test(tests, threads_append_while_another_takes);
    tcase_add_test(tests, a_record_above_the_limit_goes_alone);
    tcase_add_test(tests, each_new_second_is_annotated_if_so_wished);
    tcase_add_test(tests, what_is_discarded_takes_no_room_and_nobody_waits_for_it);
    tcase_add_test(tests, a_sleep_ends_by_time_position_or_poke);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
