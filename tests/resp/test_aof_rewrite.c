/*
 * tests/resp/test_aof_rewrite.c -- rewriting, step by step, on a disk that fails or a machine that
 * stops at each step. What loads is what was written, whatever becomes of the rewrite.
 *
 * The log thread and the thread of the snapshots are played by turns of one thread.
 */
#include "resp/aof.h"
#include "resp/shared.h"
#include "resp/text.h"

#include "../unit.h"
#include "aof_disk.h"
#include "aof_dump.h"
#include "aof_record.h"

enum { MS = 1000, SECOND = 1000 * MS, MINUTE = 60 * SECOND };

static struct disk disk;
static struct record lines; /* for the log */
static struct aof_files files;
static struct aof_writer writer;
static struct aof_rewrite rewrite;
static kv *db;
static kvresp *resp;
static kv_follower *follower;
static int64_t now;
static bool accepts;
static int written;      /* numbers in the store: 0 ... written - 1 */
static int acknowledged; /* of which so many are promised to survive a crash */
static char message[AOF_MESSAGE_SIZE];

#define FILES "p/d/f"

static void accept_writes(void *context, bool accept)
{
    (void)context;
    accepts = accept;
}

static void open_disk(void)
{
    disk_open_empty(&disk);
    record_open(&lines);
    accepts = true;
    written = acknowledged = 0;
    now = SECOND;
    *message = '\0';
}

static void close_disk(void)
{
    record_close(&lines);
    disk_free(&disk);
}

static kv_status open_files(void)
{
    kvresp_aof_options names = {.directory = "p",
                                .directory_name = "d",
                                .file_name = "f",
                                .log = record_log,
                                .log_context = &lines};
    ck_assert_int_eq(aof_files_name(&files, &names, &disk.io, message), KV_OK);
    return aof_files_open(&files, message);
}

static void follow(void)
{
    ck_assert_int_eq(kv_follow(db, aof_backlog_append, &writer.backlog, &follower), KV_OK);
    writer.follows = true;
}

/* A store, its log if there is to be one, and who takes turns. */
static void open_log(bool is_on)
{
    kv_options store = KV_OPTIONS(kv_options);
    store.shards = 2;
    ck_assert_int_eq(kv_open(&store, &db), KV_OK);
    kvresp_options options = KV_OPTIONS(kvresp_options);
    options.no_snapshot_thread = true;
    ck_assert_int_eq(kvresp_open(db, &options, &resp), KV_OK);
    ck_assert_int_eq(open_files(), KV_OK);
    struct aof_writer_options writer_options = {
        .files = &files,
        .log = files.log,
        .fsync = KVRESP_FSYNC_ALWAYS,
        .accept_writes = accept_writes,
    };
    ck_assert_int_eq(aof_writer_open(&writer, &writer_options), KV_OK);
    ck_assert_int_eq(aof_rewrite_open(&rewrite, db, &files, &writer), KV_OK);
    aof_rewrite_join(&rewrite, resp);
    if (is_on) ck_assert_int_eq(aof_writer_begin(&writer, 0, 0, message), KV_OK);
    if (is_on) follow();
}

static void close_log(void)
{
    if (follower != NULL) kv_unfollow(follower);
    follower = NULL;
    aof_rewrite_join(&rewrite, NULL);
    kvresp_close(resp);
    aof_rewrite_close(&rewrite);
    aof_writer_close(&writer);
    aof_files_close(&files);
    kv_close(db);
}

/* One more number: at the end of a list, and alone. */
static void write_number(void)
{
    char text[16], key[16];
    int size = snprintf(text, sizeof text, "%d", written);
    snprintf(key, sizeof key, "key:%d", written % 5);
    kv_slice number = kv_bytes(text, (size_t)size);
    kv *second = kv_select(db, 1);
    ck_assert_int_eq(kv_rpush(db, KV_TEXT("list"), &number, 1, NULL), KV_OK);
    ck_assert_int_eq(kv_set(second, kv_text(key), number, NULL), KV_OK);
    written++;
}

static bool is_synced(void)
{
    return writer.is_on && writer.synced_position == aof_backlog_position(&writer.backlog);
}

/* The log thread's turn. What is synced may be acknowledged. */
static void step_log(void)
{
    aof_writer_step(&writer, now);
    aof_rewrite_step(&rewrite, now, true);
    if (is_synced()) acknowledged = written;
    now += SECOND;
}

/* Everyone's turn. */
static void step(void)
{
    step_log();
    kvresp_cron(resp, 1000);
}

static void step_until_idle(void)
{
    for (int i = 0; i < 100 && (rewrite.phase != 0 || rewrite.is_wanted); i++) step();
    ck_assert_int_eq(rewrite.phase, 0);
}

static void rewrite_all(void)
{
    ck_assert_int_eq(aof_rewrite_want(&rewrite, false), KV_OK);
    step_until_idle();
}

static void assert_manifest(const char *expected)
{
    const struct disk_inode *file = disk_file(&disk, FILES ".manifest");
    ck_assert_ptr_nonnull(file);
    ck_assert_msg(file->size == strlen(expected) && memcmp(file->bytes, expected, file->size) == 0,
                  "%.*s", (int)file->size, file->bytes);
}

/* ------------------------------------------------------------------------------- what is loaded */

static kvresp_aof *loaded;

static void load(void)
{
    kvresp_aof_options options = KV_OPTIONS(kvresp_aof_options);
    options.directory = "p";
    options.directory_name = "d";
    options.file_name = "f";
    ck_assert_int_eq(kv_open(NULL, &db), KV_OK);
    kv_status status = aof_open_on(db, &options, &disk.io, &loaded, message);
    ck_assert_msg(status == KV_OK, "%d %s", status, message);
}

static void unload(void)
{
    ck_assert_int_eq(kvresp_aof_close(loaded), KV_OK);
    kv_close(db);
}

struct found {
    int count;
};

static bool find_number(void *context, kv_slice element)
{
    struct found *found = context;
    char expected[16];
    int size = snprintf(expected, sizeof expected, "%d", found->count++);
    ck_assert(text_equal(element, kv_bytes(expected, (size_t)size)));
    return true;
}

/* The keys of numbers are those of the list, but that the last number may have none yet. */
static void assert_whole(int count)
{
    kv *second = kv_select(db, 1);
    for (int i = 0; i < 5; i++) {
        char key[16];
        snprintf(key, sizeof key, "key:%d", i);
        int last = count - 1;
        while (last >= 0 && last % 5 != i) last--;
        struct kv_buffer value = {0};
        kv_status status = kv_get(second, kv_text(key), &value);
        char now_text[16], before[16];
        snprintf(now_text, sizeof now_text, "%d", last);
        snprintf(before, sizeof before, "%d", last - 5);
        bool is_last = last == count - 1;
        bool is_now =
            last < 0 ? status == KV_NONE
                     : status == KV_OK && text_equal(text_of_buffer(&value), kv_text(now_text));
        bool is_before =
            last < 5 ? status == KV_NONE
                     : status == KV_OK && text_equal(text_of_buffer(&value), kv_text(before));
        ck_assert_msg(is_now || (is_last && is_before), "%s is %.*s of %d", key, (int)value.size,
                      (const char *)value.data, count);
        kv_buffer_free(&value);
    }
}

/* What the disk has loads to the first numbers, `least` of them or more. Twice: it goes on. */
static void assert_loads(int least)
{
    for (int i = 0; i < 2; i++) {
        load();
        struct found found = {0};
        kv_status status = kv_lrange(db, KV_TEXT("list"), 0, -1, NULL, find_number, &found);
        ck_assert(status == KV_OK || status == KV_NONE);
        ck_assert_int_ge(found.count, least);
        ck_assert_int_le(found.count, written);
        assert_whole(found.count);
        unload();
        ck_assert_ptr_null(disk_file(&disk, "p/d/temp-f.base"));
        ck_assert_ptr_null(disk_file(&disk, "p/d/temp-f.incr"));
    }
}

/* ------------------------------------------------------------------------------------- it works */

START_TEST(a_rewrite_makes_a_base_and_leaves_what_comes_later_to_a_new_file)
{
    open_disk();
    open_log(true);
    for (int i = 0; i < 20; i++) write_number();
    step();
    assert_manifest("file f.1.incr.aof seq 1 type i\n");
    ck_assert_int_eq(aof_rewrite_want(&rewrite, false), KV_OK);
    ck_assert_int_eq(aof_rewrite_state(&rewrite), AOF_REWRITE_UNDER_WAY);
    step(); /* begun */
    ck_assert_int_eq(aof_rewrite_state(&rewrite), AOF_REWRITE_UNDER_WAY);
    ck_assert_int_eq(aof_rewrite_want(&rewrite, false), KV_BUSY);
    write_number();
    step_until_idle();
    write_number();
    step();
    assert_manifest("file f.1.base.rdb seq 1 type b\nfile f.2.incr.aof seq 2 type i\n");
    ck_assert_ptr_null(disk_file(&disk, FILES ".1.incr.aof"));
    ck_assert_ptr_null(disk_file(&disk, "p/d/temp-f.base"));
    ck_assert(!rewrite.has_failed);
    ck_assert_uint_eq(rewrite.count, 1);
    ck_assert_uint_eq(writer.earlier_size + writer.file_size,
                      disk_file(&disk, FILES ".1.base.rdb")->size +
                          disk_file(&disk, FILES ".2.incr.aof")->size);
    ck_assert_int_eq(acknowledged, 22);

    rewrite_all();
    assert_manifest("file f.2.base.rdb seq 2 type b\nfile f.3.incr.aof seq 3 type i\n");
    close_log();
    disk_crash(&disk, false);
    assert_loads(22);
    close_disk();
}
END_TEST

START_TEST(history_is_kept_if_so_wished)
{
    open_disk();
    open_log(true);
    rewrite.keeps_history = true;
    write_number();
    step();
    rewrite_all();
    rewrite_all();
    assert_manifest("file f.2.base.rdb seq 2 type b\nfile f.1.base.rdb seq 1 type h\n"
                    "file f.1.incr.aof seq 1 type h\nfile f.2.incr.aof seq 2 type h\n"
                    "file f.3.incr.aof seq 3 type i\n");
    ck_assert_ptr_nonnull(disk_file(&disk, FILES ".1.incr.aof"));
    close_log();
    assert_loads(1);
    assert_manifest("file f.2.base.rdb seq 2 type b\nfile f.3.incr.aof seq 3 type i\n");
    close_disk();
}
END_TEST

START_TEST(a_log_begins_with_a_base)
{
    open_disk();
    open_log(false);
    for (int i = 0; i < 10; i++) write_number();
    step();
    follow();
    write_number();
    ck_assert(!writer.is_on);
    ck_assert_int_eq(aof_writer_wait(&writer, aof_backlog_position(&writer.backlog), 1),
                     KV_TIMEOUT);
    step();
    write_number();
    step();
    write_number();
    step_until_idle();
    ck_assert(writer.is_on);
    step();
    ck_assert_int_eq(acknowledged, 13);
    assert_manifest("file f.1.base.rdb seq 1 type b\nfile f.1.incr.aof seq 1 type i\n");
    close_log();
    disk_crash(&disk, false);
    assert_loads(13);
    close_disk();
}
END_TEST

START_TEST(without_a_log_there_is_only_a_base)
{
    open_disk();
    open_log(false);
    for (int i = 0; i < 10; i++) write_number();
    rewrite_all();
    rewrite_all();
    assert_manifest("file f.2.base.rdb seq 2 type b\n");
    ck_assert_ptr_null(disk_file(&disk, FILES ".1.base.rdb"));
    close_log();
    assert_loads(10);
    close_disk();
}
END_TEST

START_TEST(it_begins_by_itself_when_the_files_have_grown)
{
    open_disk();
    open_log(true);
    rewrite.min_size = 1000;
    rewrite.percentage = 50;
    while (writer.file_size + writer.earlier_size <= 1000) {
        ck_assert_uint_eq(rewrite.count, 0);
        write_number();
        step_log();
    }
    step();
    ck_assert_uint_eq(rewrite.count, 1);
    step_until_idle();
    uint64_t size = rewrite.size_after;
    ck_assert_uint_gt(size, 0);
    while (writer.file_size + writer.earlier_size < 1000 ||
           100 * (writer.file_size + writer.earlier_size) / size < 150) {
        ck_assert_uint_eq(rewrite.count, 1);
        write_number();
        step_log();
    }
    step_log();
    ck_assert_uint_eq(rewrite.count, 2);
    step_until_idle();
    rewrite.percentage = 0;
    for (int i = 0; i < 100; i++) write_number();
    for (int i = 0; i < 10; i++) step();
    ck_assert_uint_eq(rewrite.count, 2);
    close_log();
    assert_loads(acknowledged);
    close_disk();
}
END_TEST

/* ------------------------------------------------------------------------------------- it fails */

START_TEST(what_fails_three_times_waits_longer_and_longer)
{
    open_disk();
    open_log(true);
    rewrite.min_size = 1;
    write_number();
    int64_t last = 0;
    static const int64_t pauses[] = {1, 2, 4, 8, 16, 32, 60, 60};
    for (size_t i = 0; i < sizeof pauses / sizeof *pauses + 2; i++) {
        while (rewrite.phase == 0) step_log();
        int64_t began = now;
        if (i > 2) ck_assert_int_ge(began - last, pauses[i - 3] * MINUTE);
        if (i > 2) ck_assert_int_le(began - last, pauses[i - 3] * MINUTE + 5 * SECOND);
        disk.fail_at = disk.steps;
        disk.fail_error = ENOSPC;
        kvresp_cron(resp, 1000);
        disk.fail_at = DISK_EVERY;
        step_log();
        ck_assert(rewrite.has_failed);
        ck_assert_uint_eq(rewrite.failures, i + 1);
        ck_assert_int_eq(rewrite.phase == 0 || i < 2, 1);
        last = now - SECOND;
        if (i >= 2) {
            step_log();
            ck_assert_int_gt(rewrite.wake_us, now);
            now = rewrite.wake_us - 2 * SECOND;
        }
    }
    ck_assert_has(lines.warning, "minutes");
    ck_assert(accepts);
    rewrite_all(); /* who asks need not wait */
    ck_assert(!rewrite.has_failed);
    ck_assert_uint_eq(rewrite.failures, 0);
    close_log();
    assert_loads(1);
    close_disk();
}
END_TEST

START_TEST(a_snapshot_of_another_comes_first)
{
    open_disk();
    open_log(true);
    write_number();
    step();
    kv_snapshot *other;
    ck_assert_int_eq(kv_snapshot_begin(db, NULL, rdb_file_write, NULL, &other), KV_OK);
    ck_assert_int_eq(aof_rewrite_want(&rewrite, false), KV_OK);
    for (int i = 0; i < 5; i++) step();
    ck_assert_uint_eq(rewrite.count, 1);
    kv_snapshot_end(other);
    step_until_idle();
    ck_assert(!rewrite.has_failed);
    close_log();
    assert_loads(1);
    close_disk();
}
END_TEST

/* A job of somebody else in the same line, of which it is noted what became. */
static _Atomic int other_status;

static kv_status drop_bytes(void *context, kv_slice bytes)
{
    (void)context;
    (void)bytes;
    return KV_OK;
}

static void end_other(void *context, kv_status status)
{
    (void)context;
    other_status = status;
}

static void submit_other(kvresp_snapshot_job *other)
{
    *other = KV_OPTIONS(kvresp_snapshot_job);
    other->name = "other";
    other->write = drop_bytes;
    other->done = end_other;
    other_status = KV_PENDING;
    ck_assert_int_eq(kvresp_snapshot_submit(resp, other), KV_OK);
}

START_TEST(what_was_asked_for_has_its_place_in_line_before_the_log_thread_knows)
{
    kvresp_snapshot_job other;
    open_disk();
    open_log(true);
    write_number();
    step();
    ck_assert_int_eq(aof_rewrite_want(&rewrite, false), KV_OK);
    ck_assert_int_eq(aof_rewrite_state(&rewrite), AOF_REWRITE_UNDER_WAY);
    ck_assert_uint_eq(rewrite.count, 1);
    ck_assert_int_eq(aof_rewrite_want(&rewrite, false), KV_BUSY);
    submit_other(&other);
    for (int i = 0; i < 5; i++) kvresp_cron(resp, 1000);
    ck_assert_int_eq(other_status, KV_PENDING);
    for (int i = 0; i < 100 && rewrite.count == 1 && rewrite.phase != 4; i++) step();
    ck_assert_int_eq(other_status, KV_PENDING); /* the rewrite went first */
    step_until_idle();
    for (int i = 0; i < 100 && other_status == KV_PENDING; i++) step();
    ck_assert_int_eq(other_status, KV_OK);
    ck_assert(!rewrite.has_failed);
    close_log();
    assert_loads(1);
    close_disk();
}
END_TEST

START_TEST(behind_another_it_is_scheduled)
{
    kvresp_snapshot_job other;
    open_disk();
    open_log(true);
    write_number();
    step();
    submit_other(&other);
    ck_assert_int_eq(aof_rewrite_want(&rewrite, false), KV_PENDING);
    ck_assert_int_eq(aof_rewrite_want(&rewrite, false), KV_PENDING);
    ck_assert_int_eq(aof_rewrite_state(&rewrite), AOF_REWRITE_SCHEDULED);
    ck_assert_uint_eq(rewrite.count, 0);
    while (other_status == KV_PENDING) step();
    ck_assert_int_eq(other_status, KV_OK);
    for (int i = 0; i < 100 && rewrite.is_scheduled; i++) step();
    ck_assert_int_eq(aof_rewrite_state(&rewrite), AOF_REWRITE_UNDER_WAY);
    ck_assert_uint_eq(rewrite.count, 1);
    step_until_idle();
    ck_assert_int_eq(aof_rewrite_state(&rewrite), AOF_REWRITE_NONE);
    close_log();
    assert_loads(1);
    close_disk();
}
END_TEST

START_TEST(after_one_that_was_forgotten_another_can_be_asked_for)
{
    kvresp_snapshot_job other;
    open_disk();
    open_log(true);
    write_number();
    step();
    for (int i = 0; i < 6; i++) {
        bool is_behind = i % 2 != 0;
        if (is_behind) submit_other(&other);
        aof_rewrite_want(&rewrite, false);
        for (int j = 0; j < i / 2; j++) step();
        aof_rewrite_forget(&rewrite);
        kv_status status = aof_rewrite_want(&rewrite, false);
        ck_assert(status == KV_OK || status == KV_PENDING);
        step_until_idle();
        for (int j = 0; j < 100 && is_behind && other_status == KV_PENDING; j++) step();
    }
    char base[64];
    snprintf(base, sizeof base, FILES ".6.base.rdb");
    ck_assert_ptr_nonnull(disk_file(&disk, base));
    ck_assert(!rewrite.has_failed);
    close_log();
    assert_loads(1);
    close_disk();
}
END_TEST

START_TEST(the_end_of_a_rewrite_under_way_leaves_the_old_files)
{
    open_disk();
    open_log(true);
    for (int i = 0; i < 10; i++) write_number();
    step();
    ck_assert_int_eq(aof_rewrite_want(&rewrite, false), KV_OK);
    for (int i = 0; i < _i; i++) step();
    write_number();
    if (_i % 2 == 0) step_log();
    ck_assert(!aof_rewrite_cancel(&rewrite) || _i == 0 || rewrite.phase == 0);
    int known = acknowledged;
    close_log();
    disk_crash(&disk, false);
    assert_loads(known);
    close_disk();
}
END_TEST

/* Without the log there is no going on from the base, which takes room on a disk that has none. */
START_TEST(while_the_log_cannot_be_written_a_rewrite_fails)
{
    open_disk();
    open_log(true);
    for (int i = 0; i < 10; i++) write_number();
    step();
    ck_assert_int_eq(aof_rewrite_want(&rewrite, false), KV_OK);
    step_log();
    write_number();
    for (int i = 0; i < 5; i++) kvresp_cron(resp, 1000);
    ck_assert_ptr_nonnull(disk_file(&disk, "p/d/temp-f.base"));
    size_t space = disk.space;
    disk.space = disk_used(&disk);
    step_log();
    ck_assert(!accepts);
    ck_assert(rewrite.has_failed);
    ck_assert_int_eq(rewrite.phase, 0);
    ck_assert_ptr_null(disk_file(&disk, "p/d/temp-f.base"));
    ck_assert_has(lines.warning, "could not be rewritten");
    disk.space = space;
    step_log();
    ck_assert(accepts);
    ck_assert_int_eq(acknowledged, written);
    rewrite_all();
    ck_assert(!rewrite.has_failed);
    close_log();
    assert_loads(11);
    close_disk();
}
END_TEST

/* ------------------------------------------------------------------------- each step of the disk */

enum how { FAILS_ONCE, FAILS_THRICE, FAILS_LONG, SYNC_FAILS, LOSES, KEEPS, HOWS };

/* Writes and rewrites in turn; or begins, ends and begins a log. */
static void run_script(bool begins_late)
{
    for (int i = 0; i < 3; i++) {
        write_number();
        step();
    }
    if (begins_late) follow();
    else aof_rewrite_want(&rewrite, false);
    for (int i = 0; i < 12; i++) {
        write_number();
        step();
        if (i == 8 && !begins_late) aof_rewrite_want(&rewrite, false);
    }
}

static void arm(enum how how, int step)
{
    int at = disk.steps + step;
    switch (how) {
    case FAILS_ONCE: disk.fail_at = at; break;
    case FAILS_THRICE: disk.fail_at = at, disk.fail_count = 3; break;
    case FAILS_LONG: disk.fail_at = at, disk.fail_count = 60, disk.fail_error = ENOSPC; break;
    case SYNC_FAILS: disk.sync_fails_at = at; break;
    case LOSES:
    case KEEPS: disk.die_at = at; break;
    case HOWS: break;
    }
}

/*
 * Whatever fails: nothing acknowledged is lost, the files load at any time, and when the disk is
 * well again so is the log, without a restart.
 */
static int fail_at_each_step(enum how how, bool begins_late)
{
    int step_count = 0;
    for (bool is_over = false; !is_over; step_count++) {
        ck_assert_int_lt(step_count, 400);
        open_disk();
        open_log(!begins_late);
        if (step_count % 3 == 1) disk.short_write = 11;
        int first = disk.steps;
        arm(how, step_count);
        run_script(begins_late);
        is_over = disk.steps - first <= step_count;
        bool is_dead = how == LOSES || how == KEEPS;
        if (!is_dead) {
            for (int i = 0; i < 200 && !(accepts && writer.is_on && rewrite.phase == 0); i++) {
                if (i == 50) disk.fail_at = DISK_EVERY;
                if (i > 50) now += MINUTE;
                step();
            }
            disk.fail_at = DISK_EVERY;
            ck_assert(accepts);
            ck_assert(writer.is_on);
            write_number();
            for (int i = 0; i < 10; i++) step();
            ck_assert_int_eq(acknowledged, written);
            rewrite_all();
            ck_assert(!rewrite.has_failed);
            write_number();
            step();
            ck_assert_int_eq(acknowledged, written);
        }
        int known = acknowledged;
        close_log();
        disk_crash(&disk, how == KEEPS);
        disk.short_write = 0;
        assert_loads(known);
        close_disk();
    }
    return step_count;
}

START_TEST(a_rewrite_survives_each_failing_step)
{
    ck_assert_int_gt(fail_at_each_step((enum how)_i, false), 50);
}
END_TEST

START_TEST(a_log_that_begins_survives_each_failing_step)
{
    ck_assert_int_gt(fail_at_each_step((enum how)_i, true), 20);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("aof_rewrite");
    TCase *tcase = tcase_create("aof_rewrite");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, a_rewrite_makes_a_base_and_leaves_what_comes_later_to_a_new_file);
    tcase_add_test(tcase, history_is_kept_if_so_wished);
    tcase_add_test(tcase, a_log_begins_with_a_base);
    tcase_add_test(tcase, without_a_log_there_is_only_a_base);
    tcase_add_test(tcase, it_begins_by_itself_when_the_files_have_grown);
    tcase_add_test(tcase, what_fails_three_times_waits_longer_and_longer);
    tcase_add_test(tcase, a_snapshot_of_another_comes_first);
    tcase_add_test(tcase, what_was_asked_for_has_its_place_in_line_before_the_log_thread_knows);
    tcase_add_test(tcase, behind_another_it_is_scheduled);
    tcase_add_test(tcase, after_one_that_was_forgotten_another_can_be_asked_for);
    tcase_add_loop_test(tcase, the_end_of_a_rewrite_under_way_leaves_the_old_files, 0, 6);
    tcase_add_test(tcase, while_the_log_cannot_be_written_a_rewrite_fails);
    tcase_add_loop_test(tcase, a_rewrite_survives_each_failing_step, 0, HOWS);
    tcase_add_loop_test(tcase, a_log_that_begins_survives_each_failing_step, 0, HOWS);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
