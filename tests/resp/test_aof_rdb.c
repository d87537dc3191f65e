/*
 * tests/resp/test_aof_rdb.c -- resp/aof_rdb: the RDB part of a file, from the disk into the store;
 * what is damaged there, with the place. What can be in one is tested in tests/api/test_load.c.
 */
#include "resp/aof_rdb.h"

#include "../unit.h"
#include "aof_disk.h"
#include "aof_record.h"

static struct disk disk;
static struct record record;
static struct aof_log log_lines;
static struct aof_rdb how;
static struct aof_reader reader;
static kv *db;
static char message[AOF_MESSAGE_SIZE];
static kv_load_report report;
static uint64_t end_offset;

static void begin(void)
{
    disk_open_empty(&disk);
    record_open(&record);
    log_lines = (struct aof_log){record_log, &record};
    ck_assert_int_eq(kv_open(NULL, &db), KV_OK);
    how = (struct aof_rdb){.db = db, .log = &log_lines};
    *message = '\0';
}

static void end(void)
{
    kv_close(db);
    record_close(&record);
    disk_free(&disk);
}

static kv_status load(const void *bytes, size_t size)
{
    disk_put_file(&disk, "d/base", bytes, size);
    ck_assert_int_eq(aof_reader_open(&reader, &disk.io, "d/base"), 0);
    ck_assert(aof_rdb_is_there(&reader));
    kv_status status = aof_rdb_load(&reader, "d/base", &how, &report, message);
    end_offset = reader.offset;
    aof_reader_close(&reader);
    return status;
}

#define LOAD(literal) load(literal, sizeof literal - 1)

static void assert_message(const char *text)
{
    ck_assert_msg(strstr(message, text) != NULL, "\"%s\" lacks \"%s\"", message, text);
}

/* A key that is there, one that expired long ago, a list in another database. */
#define RDB                                                                                        \
    "REDIS0010\xfa\x01n\x01v\xfe\0\0\x01k\x01v\xfc\x01\0\0\0\0\0\0\0\0\x01x\x01y\xfe\x03\x01\x01l" \
    "\x02\x01\x61\x01\x62\xf5\x03lib\xff\0\0\0\0\0\0\0\0"

static uint64_t count_of(uint32_t database)
{
    uint64_t count;
    ck_assert_int_eq(kv_count(kv_select(db, database), &count), KV_OK);
    return count;
}

START_TEST(all_of_it_comes_into_the_store_and_what_follows_is_left)
{
    ck_assert_int_eq(kv_configure(db, KV_SETTING_EXPIRE, 0), KV_OK); /* as while a log is read */
    how.threads = (unsigned)_i;
    ck_assert_msg(LOAD(RDB "*1\r\n$1\r\nx\r\n") == KV_OK, "%s", message);
    ck_assert_uint_eq(end_offset, sizeof RDB - 1);
    ck_assert_uint_eq(report.keys, 3);
    ck_assert_uint_eq(count_of(0), 2); /* the commands that follow say what has expired */
    ck_assert_uint_eq(count_of(3), 1);
    ck_assert_str_eq(record.warning, "d/base: passed over a library of functions");
}
END_TEST

START_TEST(damage_is_refused_with_path_and_offset_and_nothing_is_loaded)
{
    ck_assert_int_eq(LOAD("REDIS0010\xfe\0\0\x01k\x01v\x63"), KV_BADARG);
    assert_message("d/base, offset 16: expected a type or an opcode, found 0x63");
    ck_assert_uint_eq(count_of(0), 0);
    for (size_t size = 5; size < sizeof RDB - 1; size++) {
        ck_assert_int_eq(load(RDB, size), KV_BADARG);
        assert_message("found the end of the file");
    }
    ck_assert_uint_eq(count_of(0), 0);
}
END_TEST

START_TEST(a_store_with_keys_is_refused)
{
    ck_assert_int_eq(kv_set(db, KV_TEXT("old"), KV_TEXT("v"), NULL), KV_OK);
    ck_assert_int_eq(LOAD(RDB), KV_BADARG);
    assert_message("d/base, offset 0: expected a store without keys");
    ck_assert_uint_eq(count_of(0), 1);
    how.db = NULL;
    ck_assert_int_eq(LOAD(RDB), KV_BADARG);
    assert_message("d/base, offset 0: expected commands, found an RDB");
}
END_TEST

START_TEST(a_disk_that_cannot_be_read_is_named)
{
    disk_put_file(&disk, "d/base", RDB, sizeof RDB - 1);
    ck_assert_int_eq(aof_reader_open(&reader, &disk.io, "d/base"), 0);
    disk.read_error = EIO;
    ck_assert_int_eq(aof_rdb_load(&reader, "d/base", &how, &report, message), KV_BADARG);
    assert_message("d/base, offset 0: cannot read: ");
    aof_reader_close(&reader);
    ck_assert_uint_eq(count_of(0), 0);
}
END_TEST

static unsigned told;
static uint64_t told_offset;

static void tell(void *context)
{
    ck_assert_ptr_eq(context, &told);
    told++;
    told_offset = reader.offset;
}

START_TEST(progress_is_told)
{
    how.progress = tell;
    how.context = &told;
    how.delay_us = 1000;
    told = 0;
    ck_assert_int_eq(LOAD(RDB), KV_OK);
    ck_assert_uint_ge(told, 1);
    ck_assert_uint_eq(told_offset, sizeof RDB - 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("aof_rdb");
    TCase *tests = tcase_create("files");
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_loop_test(tests, all_of_it_comes_into_the_store_and_what_follows_is_left, 0, 2);
    tcase_add_test(tests, damage_is_refused_with_path_and_offset_and_nothing_is_loaded);
    tcase_add_test(tests, a_store_with_keys_is_refused);
    tcase_add_test(tests, a_disk_that_cannot_be_read_is_named);
    tcase_add_test(tests, progress_is_told);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
