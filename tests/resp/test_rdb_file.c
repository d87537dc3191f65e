/*
 * tests/resp/test_rdb_file.c -- an RDB file is the old one or the new one, whole, whatever fails and
 * whenever the machine stops; and nothing else is left.
 */
#include "resp/rdb_file.h"

#include "../unit.h"
#include "aof_disk.h"

enum { LARGE = 700000 }; /* some buffers */

static struct disk disk;
static struct rdb_file file;
static uint8_t bytes[LARGE];

static void setup(void)
{
    disk_open_empty(&disk);
    disk_put_file(&disk, "d/dump.rdb", "old", 3);
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 7 + i / 256);
}

static void teardown(void)
{
    disk_free(&disk);
}

/* Writes `size` bytes in pieces of odd sizes, and commits. */
static kv_status save(size_t size)
{
    kv_status status = rdb_file_begin(&file, &disk.io, "d", "dump.rdb", true);
    if (status != KV_OK) return status;
    for (size_t at = 0, piece = 1; at < size && status == KV_OK; at += piece) {
        piece = 2 * piece + 1;
        if (piece > size - at) piece = size - at;
        status = rdb_file_write(&file, kv_bytes(bytes + at, piece));
    }
    if (status == KV_OK) return rdb_file_commit(&file);
    rdb_file_discard(&file);
    return status;
}

static bool is_old(void)
{
    const struct disk_inode *dump = disk_file(&disk, "d/dump.rdb");
    return dump != NULL && dump->size == 3 && memcmp(dump->bytes, "old", 3) == 0;
}

static bool is_new(size_t size)
{
    const struct disk_inode *dump = disk_file(&disk, "d/dump.rdb");
    return dump != NULL && dump->size == size && memcmp(dump->bytes, bytes, size) == 0;
}

START_TEST(a_file_has_its_name_when_it_is_whole_and_on_the_medium)
{
    ck_assert_int_eq(save(LARGE), KV_OK);
    ck_assert(is_new(LARGE));
    ck_assert_uint_eq(disk.seen.count, 1);
    disk_crash(&disk, false);
    ck_assert(is_new(LARGE));
    ck_assert_int_eq(save(0), KV_OK);
    ck_assert(is_new(0));
}
END_TEST

START_TEST(short_writes_are_continued)
{
    disk.short_write = 1000;
    ck_assert_int_eq(save(LARGE), KV_OK);
    ck_assert(is_new(LARGE));
}
END_TEST

START_TEST(what_is_discarded_leaves_nothing)
{
    ck_assert_int_eq(rdb_file_begin(&file, &disk.io, "d", "dump.rdb", true), KV_OK);
    ck_assert_int_eq(rdb_file_write(&file, kv_bytes(bytes, LARGE)), KV_OK);
    ck_assert_uint_eq(disk.seen.count, 2);
    ck_assert(is_old());
    rdb_file_discard(&file);
    ck_assert_uint_eq(disk.seen.count, 1);
    ck_assert(is_old());
    rdb_file_discard(&file); /* once more changes nothing */
    ck_assert_int_eq(rdb_file_begin(&file, &disk.io, "d", "dump.rdb", true), KV_OK);
    rdb_file_discard(&file);
    ck_assert_uint_eq(disk.seen.count, 1);
}
END_TEST

/*
 * `how` 0: each step fails in turn; 1, 2: the machine stops at each, losing or keeping what is not
 * synced.
 */
START_TEST(the_old_or_the_new_one_is_there_whatever_fails)
{
    static const int errors[] = {EIO, ENOSPC, EDQUOT, EACCES};
    kv_status status = KV_IOERROR;
    for (int step = 0; status != KV_OK; step++) {
        ck_assert_int_lt(step, 40);
        int error = errors[step % 4];
        disk.fail_error = error;
        if (_i == 0) disk.fail_at = disk.steps + step;
        else disk.die_at = disk.steps + step;
        status = save(LARGE);
        ck_assert(status == KV_OK || status == KV_IOERROR);
        if (status != KV_OK) {
            ck_assert_int_eq(file.target.error, _i == 0 ? error : EIO);
            ck_assert_ptr_nonnull(file.target.what);
        }
        bool lost_directory =
            status != KV_OK && strcmp(file.target.what, "sync the directory of") == 0;
        if (_i > 0) disk_crash(&disk, _i == 2);
        if (status == KV_OK) ck_assert(is_new(LARGE));
        else ck_assert(is_old() || is_new(LARGE));
        if (_i == 0) ck_assert(lost_directory ? is_new(LARGE) : status == KV_OK || is_old());
        if (_i == 0) ck_assert_uint_eq(disk.seen.count, 1);

        /* Once it works again, it works. */
        disk.fail_at = disk.die_at = DISK_EVERY;
        ck_assert_int_eq(save(1000), KV_OK);
        disk_crash(&disk, false);
        ck_assert(is_new(1000));
        disk_free(&disk);
        setup();
    }
}
END_TEST

START_TEST(a_full_disk_keeps_the_old_file)
{
    for (size_t space = 3; space < LARGE + 3; space += 33333) {
        disk.space = space;
        ck_assert_int_eq(save(LARGE), KV_IOERROR);
        ck_assert_int_eq(file.target.error, ENOSPC);
        ck_assert_uint_eq(disk.seen.count, 1);
        ck_assert(is_old());
    }
    disk.space = SIZE_MAX;
    ck_assert_int_eq(save(LARGE), KV_OK);
    ck_assert(is_new(LARGE));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rdb_file");
    TCase *tests = tcase_create("rdb_file");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_file_has_its_name_when_it_is_whole_and_on_the_medium);
    tcase_add_test(tests, short_writes_are_continued);
    tcase_add_test(tests, what_is_discarded_leaves_nothing);
    tcase_add_loop_test(tests, the_old_or_the_new_one_is_there_whatever_fails, 0, 3);
    tcase_add_test(tests, a_full_disk_keeps_the_old_file);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
