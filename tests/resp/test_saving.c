/*
 * tests/resp/test_saving.c -- SAVE, BGSAVE, save points and SHUTDOWN, on a disk that fails on
 * demand.
 */
#include "resp/session.h"

#include "aof_disk.h"
#include "server.h"

#include <unistd.h>

static struct server server;
static struct server_client *one, *two;
static struct disk disk;
static char directory[4096], path[4200];

static void setup(void)
{
    server_open(&server);
    disk_open_empty(&disk);
    server.resp->saving.io = &disk.io;
    ck_assert_ptr_nonnull(getcwd(directory, sizeof directory));
    snprintf(path, sizeof path, "%s/dump.rdb", directory);
    one = server_client(&server);
    two = server_client(&server);
    assert_says(one, "CONFIG SET save \"100 10\"", "+OK\r\n");
}

static void teardown(void)
{
    server_close(&server);
    disk_free(&disk);
}

#define MISCONF                                                                                    \
    "-MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to " \
    "disk. Commands that may modify the data set are disabled, because this instance is "          \
    "configured to report errors during writes if RDB snapshotting fails "                         \
    "(stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB " \
    "error.\r\n"

/* Asks, and waits until the answer is there. */
static const char *ask(struct server_client *client, const char *line)
{
    const char *answer = say(&server, client, line);
    while (client->state == KVRESP_BLOCKED) {
        usleep(1000);
        answer = server_run(&server, client);
    }
    return answer;
}

#define assert_answers(client, line, expected) ck_assert_str_eq(ask(client, line), expected)

/* What INFO persistence says of a name. */
static const char *info(const char *name)
{
    static char value[64];
    char wanted[64];
    snprintf(wanted, sizeof wanted, "\n%s:", name);
    const char *found = strstr(say(&server, two, "INFO persistence"), wanted);
    ck_assert_msg(found != NULL, "%s", name);
    sscanf(found + strlen(wanted), "%63s", value);
    return value;
}

#define assert_info(name, expected) ck_assert_str_eq(info(name), expected)

/* Until no save is under way. */
static void await_none(void)
{
    kvresp_snapshot_await(server.resp, &server.resp->saving.job);
    assert_info("rdb_bgsave_in_progress", "0");
}

/* Until it has marked its instant. */
static void await_begin(void)
{
    while (strcmp(info("current_save_keys_total"), "0") == 0) usleep(1000);
}

/* A save takes so long, by key, that others come in between. */
static void slow_down(const char *microseconds)
{
    ck_assert_ptr_eq(kvresp_config_set(server.resp, "rdb-key-save-delay", kv_text(microseconds),
                                       false, (char[256]){0}),
                     NULL);
}

static bool has_file(void)
{
    const struct disk_inode *file = disk_file(&disk, path);
    return file != NULL && file->size > 9 && memcmp(file->bytes, "REDIS0010", 9) == 0 &&
           disk.seen.count == 1;
}

START_TEST(save_writes_the_file_and_answers_then)
{
    assert_says(one, "SET a 1\r\nLPUSH l a b", "+OK\r\n:2\r\n");
    assert_info("rdb_changes_since_last_save", "3");
    server.now_ms += 5000;
    assert_answers(one, "SAVE\r\nGET a", "+OK\r\n$1\r\n1\r\n");
    ck_assert(has_file());
    assert_info("rdb_changes_since_last_save", "0");
    assert_info("rdb_saves", "1");
    assert_info("rdb_last_save_time", "1700005");
    assert_says(one, "LASTSAVE", ":1700005\r\n");
    disk_crash(&disk, false);
    ck_assert(has_file());
    assert_says(one, "CONFIG RESETSTAT", "+OK\r\n");
    assert_info("rdb_saves", "0");
}
END_TEST

START_TEST(a_save_in_the_background_is_one_at_a_time)
{
    assert_says(one, "SET a 1\r\nSET b 2", "+OK\r\n+OK\r\n");
    slow_down("100000000");
    assert_says(one, "BGSAVE", "+Background saving started\r\n");
    assert_info("rdb_bgsave_in_progress", "1");
    await_begin();
    assert_info("rdb_current_bgsave_time_sec", "0");
    assert_says(one, "BGSAVE", "-ERR Background save already in progress\r\n");
    assert_says(one, "BGSAVE SCHEDULE", "-ERR Background save already in progress\r\n");
    assert_says(one, "SAVE", "-ERR Background save already in progress\r\n");
    assert_says(one, "BGSAVE nosuch", "-ERR syntax error\r\n");
    assert_says(one, "BGSAVE SCHEDULE x", "-ERR syntax error\r\n");
    assert_says(one, "SET c 3", "+OK\r\n");
    slow_down("0");
    await_none();
    ck_assert(has_file());
    assert_info("rdb_changes_since_last_save", "1");
    assert_info("rdb_last_bgsave_status", "ok");
    assert_info("rdb_last_bgsave_time_sec", "0");
    ck_assert_has(server.log, "Background saving terminated with success");
}
END_TEST

START_TEST(in_a_transaction_it_is_scheduled)
{
    assert_says(one, "MULTI\r\nSAVE\r\nEXEC",
                "+OK\r\n-ERR Command not allowed inside a transaction\r\n"
                "-EXECABORT Transaction discarded because of previous errors.\r\n");
    assert_says(one, "MULTI\r\nSET a 1\r\nBGSAVE\r\nBGSAVE\r\nSET a 2\r\nEXEC",
                "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*4\r\n+OK\r\n"
                "+Background saving scheduled\r\n+Background saving scheduled\r\n+OK\r\n");
    await_none();
    ck_assert(has_file());
}
END_TEST

START_TEST(a_save_is_cancelled)
{
    assert_says(one, "BGSAVE CANCEL",
                "-ERR Background saving is currently not in progress or scheduled\r\n");
    assert_says(one, "SET a 1\r\nSET b 2", "+OK\r\n+OK\r\n");
    slow_down("100000000");
    assert_says(one, "BGSAVE", "+Background saving started\r\n");
    assert_says(one, "BGSAVE CANCEL", "+Background saving cancelled\r\n");
    await_none();
    ck_assert_uint_eq(disk.seen.count, 0);
    assert_info("rdb_last_bgsave_status", "ok");
    assert_info("rdb_changes_since_last_save", "2");
}
END_TEST

/* A job of somebody else's that waits in its writer. */
static atomic_bool is_held;

static kv_status hold(void *context, kv_slice bytes)
{
    (void)context, (void)bytes;
    while (atomic_load(&is_held)) usleep(1000);
    return KV_OK;
}

static void begin_other(kvresp_snapshot_job *job, const char *name)
{
    *job = KV_OPTIONS(kvresp_snapshot_job);
    job->name = name;
    job->write = hold;
    atomic_store(&is_held, true);
    ck_assert_int_eq(kvresp_snapshot_submit(server.resp, job), KV_OK);
}

static void end_other(kvresp_snapshot_job *job)
{
    atomic_store(&is_held, false);
    kvresp_snapshot_await(server.resp, job);
}

START_TEST(while_the_append_only_file_is_rewritten_it_is_scheduled_if_asked)
{
    kvresp_snapshot_job job;
    begin_other(&job, "aof");
    assert_says(one, "BGSAVE",
                "-ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE "
                "SCHEDULE in order to schedule a BGSAVE whenever possible.\r\n");
    assert_says(one, "BGSAVE SCHEDULE", "+Background saving scheduled\r\n");
    assert_info("rdb_bgsave_in_progress", "0");
    assert_says(one, "BGSAVE CANCEL", "+Scheduled background saving cancelled\r\n");
    assert_says(one, "BGSAVE CANCEL",
                "-ERR Background saving is currently not in progress or scheduled\r\n");
    assert_says(one, "BGSAVE SCHEDULE", "+Background saving scheduled\r\n");
    say(&server, one, "SAVE");
    ck_assert_int_eq(one->state, KVRESP_BLOCKED);
    assert_says(two, "CLIENT UNBLOCK 1", ":0\r\n");
    end_other(&job);
    while (one->state == KVRESP_BLOCKED) usleep(1000), server_run(&server, one);
    ck_assert_str_eq(server.answer.data, "+OK\r\n");
    await_none();
    ck_assert(has_file());
}
END_TEST

START_TEST(a_snapshot_for_replicas_is_a_save_in_progress)
{
    kvresp_snapshot_job job;
    begin_other(&job, "replicas");
    assert_says(one, "BGSAVE SCHEDULE", "-ERR Background save already in progress\r\n");
    assert_says(one, "SAVE", "-ERR Background save already in progress\r\n");
    end_other(&job);
}
END_TEST

START_TEST(a_client_may_leave_while_its_save_is_under_way)
{
    assert_says(one, "SET a 1\r\nSET b 2", "+OK\r\n+OK\r\n");
    slow_down("100000000");
    say(&server, one, "SAVE");
    ck_assert_int_eq(one->state, KVRESP_BLOCKED);
    ck_assert_str_eq(info("rdb_bgsave_in_progress"), "1");
    kvresp_session_close(one->session);
    server.clients[0] = server.clients[1];
    server.client_count = 1;
    two = &server.clients[0];
    slow_down("0");
    await_none();
    ck_assert(has_file());
}
END_TEST

START_TEST(without_waiting_save_answers_when_it_is_done)
{
    kv_slice words[] = {KV_TEXT("SAVE")};
    ck_assert_int_eq(kvresp_exec(server.worker, one->session, 1, words), KV_OK);
    kv_slice output = kvresp_output(one->session);
    ck_assert_uint_eq(output.size, 5);
    ck_assert_int_eq(memcmp(output.data, "+OK\r\n", 5), 0);
    ck_assert(has_file());
}
END_TEST

START_TEST(a_disk_that_fails_refuses_writes_until_a_save_succeeds)
{
    disk_put_file(&disk, path, "old", 3);
    assert_says(one, "SET a 1", "+OK\r\n");
    disk.space = 50;
    assert_answers(one, "SAVE", "-ERR\r\n"); /* that is told; writes go on */
    assert_says(one, "SET a 2", "+OK\r\n");
    assert_info("rdb_last_bgsave_status", "ok");

    assert_says(one, "BGSAVE", "+Background saving started\r\n");
    await_none();
    assert_info("rdb_last_bgsave_status", "err");
    assert_info("rdb_changes_since_last_save", "2");
    ck_assert_has(server.log, "No space left on device");
    ck_assert_uint_eq(disk_file(&disk, path)->size, 3);
    ck_assert_uint_eq(disk.seen.count, 1);
    assert_says(one, "SET a 3\r\nGET a\r\nPING", MISCONF "$1\r\n2\r\n" MISCONF);
    assert_says(one, "MULTI\r\nGET a\r\nEXEC", "+OK\r\n+QUEUED\r\n*1\r\n$1\r\n2\r\n");
    assert_says(one, "MULTI\r\nSET a 3\r\nEXEC",
                "+OK\r\n" MISCONF
                "-EXECABORT Transaction discarded because of previous errors.\r\n");
    assert_says(one, "CONFIG SET stop-writes-on-bgsave-error no\r\nPING", "+OK\r\n+PONG\r\n");
    assert_says(one, "CONFIG SET stop-writes-on-bgsave-error yes\r\nPING", "+OK\r\n" MISCONF);
    assert_says(one, "CONFIG SET save \"\"\r\nPING", "+OK\r\n+PONG\r\n");
    assert_says(one, "CONFIG SET save \"100 10\"\r\nPING", "+OK\r\n" MISCONF);

    disk.space = SIZE_MAX;
    assert_says(one, "BGSAVE", "+Background saving started\r\n");
    await_none();
    assert_says(one, "SET a 3", "+OK\r\n");
    assert_info("rdb_last_bgsave_status", "ok");
    ck_assert(has_file());
}
END_TEST

START_TEST(each_step_may_fail_and_the_next_save_succeeds)
{
    disk_put_file(&disk, path, "old", 3);
    int failures = 0;
    for (int step = 0;; step++, failures++) {
        ck_assert_int_lt(step, 20);
        disk.fail_at = disk.steps + step;
        assert_says(one, "BGSAVE", "+Background saving started\r\n");
        await_none();
        ck_assert_uint_eq(disk.seen.count, 1);
        if (strcmp(info("rdb_last_bgsave_status"), "ok") == 0) break;
        disk.fail_at = DISK_EVERY;
        assert_answers(one, "SAVE", "+OK\r\n");
        ck_assert(has_file());
    }
    ck_assert_int_ge(failures, 5); /* create, write, sync, rename, sync of the directory */
}
END_TEST

START_TEST(save_points_are_looked_at_once_a_second)
{
    for (int i = 0; i < 9; i++) assert_says(one, "INCR n", i == 0 ? ":1\r\n" : server.answer.data);
    server.now_ms += 101000;
    kvresp_cron(server.resp, 100);
    await_none();
    ck_assert_uint_eq(disk.seen.count, 0); /* nine changes are not ten */
    say(&server, one, "INCR n");
    kvresp_cron(server.resp, 100);
    await_none();
    ck_assert_uint_eq(disk.seen.count, 0); /* in this second it was looked at */
    server.now_ms += 1000;
    kvresp_cron(server.resp, 100);
    await_none();
    ck_assert(has_file());
    ck_assert_has(server.log, "10 changes in 100 seconds. Saving...");
    assert_info("rdb_saves", "1");
    server.now_ms += 1000;
    kvresp_cron(server.resp, 100);
    await_none();
    assert_info("rdb_saves", "1");
}
END_TEST

START_TEST(a_failed_save_point_is_tried_again_after_a_while)
{
    assert_says(one, "CONFIG SET save \"1 1\"\r\nSET a 1", "+OK\r\n+OK\r\n");
    disk.space = 10;
    for (int second = 0; second < 5; second++) {
        server.now_ms += 1000;
        kvresp_cron(server.resp, 100);
        await_none();
    }
    assert_info("rdb_saves", "1");
    server.now_ms += 4000;
    disk.space = SIZE_MAX;
    kvresp_cron(server.resp, 100);
    await_none();
    assert_info("rdb_saves", "2");
    ck_assert(has_file());
}
END_TEST

START_TEST(a_flush_of_everything_is_saved_at_once)
{
    assert_says(one, "SET a 1\r\nSET b 2", "+OK\r\n+OK\r\n");
    assert_answers(one, "SAVE", "+OK\r\n");
    size_t size = disk_file(&disk, path)->size;
    slow_down("100000000");
    assert_says(one, "BGSAVE", "+Background saving started\r\n");
    await_begin();
    assert_says(one, "FLUSHALL", "+OK\r\n");
    await_none(); /* what was under way is not gone on with */
    ck_assert(has_file());
    ck_assert_uint_lt(disk_file(&disk, path)->size, size);
    assert_info("rdb_changes_since_last_save", "0");
    assert_says(one, "CONFIG SET save \"\"\r\nSET a 1\r\nFLUSHALL", "+OK\r\n+OK\r\n+OK\r\n");
    await_none();
    assert_info("rdb_saves", "2"); /* as Redis counts */
}
END_TEST

/* -------------------------------------------------------------------------------------- SHUTDOWN */

START_TEST(shutdown_saves_before_the_host_ends)
{
    server.may_shut_down = true;
    assert_says(one, "SET a 1", "+OK\r\n");
    slow_down("100000");
    say(&server, one, "SHUTDOWN\r\nGET a");
    ck_assert_int_eq(one->state, KVRESP_BLOCKED);
    say(&server, two, "GET a"); /* who reads goes on, who writes waits */
    ck_assert_str_eq(server.answer.data, "$1\r\n1\r\n");
    say(&server, two, "SET a 2");
    ck_assert_str_eq(ask(one, ""), "");
    ck_assert_int_eq(one->state, KVRESP_CLOSE);
    ck_assert(has_file());
    ck_assert_str_eq(server_run(&server, two), ""); /* not answered, as it is not in the file */
    ck_assert_int_eq(two->state, KVRESP_CLOSE);
}
END_TEST

START_TEST(a_shutdown_that_cannot_save_does_not_end)
{
    server.may_shut_down = true;
    disk.space = 10;
    assert_answers(one, "SHUTDOWN", "-ERR Errors trying to SHUTDOWN. Check logs.\r\n");
    ck_assert_has(server.log, "Error trying to save the DB, can't exit.");
    assert_answers(one, "SHUTDOWN SAVE NOW", "-ERR Errors trying to SHUTDOWN. Check logs.\r\n");
    ck_assert_uint_eq(server.shutdown_flags, 0);
    assert_says(one, "SET a 1", "+OK\r\n");
    ck_assert_str_eq(ask(two, "SHUTDOWN FORCE"), "");
    ck_assert_uint_eq(server.shutdown_flags, KVRESP_SHUTDOWN_FORCE);
    ck_assert_has(server.log, "Error trying to save the DB. Exit anyway.");
}
END_TEST

START_TEST(nosave_and_no_save_points_end_without_a_file)
{
    server.may_shut_down = true;
    assert_says(one, "SHUTDOWN NOSAVE", "");
    ck_assert_int_eq(one->state, KVRESP_CLOSE);
    assert_says(two, "CONFIG SET save \"\"\r\nSHUTDOWN NOW", "+OK\r\n");
    ck_assert_uint_eq(server.shutdown_flags, KVRESP_SHUTDOWN_NOW);
    ck_assert_uint_eq(disk.seen.count, 0);
}
END_TEST

START_TEST(save_makes_a_file_without_save_points)
{
    server.may_shut_down = true;
    assert_says(one, "CONFIG SET save \"\"", "+OK\r\n");
    ck_assert_str_eq(ask(one, "SHUTDOWN SAVE"), "");
    ck_assert(has_file());
}
END_TEST

START_TEST(a_host_that_does_not_want_to_end_goes_on)
{
    assert_answers(one, "SHUTDOWN", "-ERR Errors trying to SHUTDOWN. Check logs.\r\n");
    assert_says(one, "SET a 1", "+OK\r\n");
}
END_TEST

START_TEST(a_shutdown_is_aborted)
{
    assert_says(two, "SHUTDOWN ABORT", "-ERR No shutdown in progress.\r\n");
    assert_says(one, "SET a 1\r\nSET b 2", "+OK\r\n+OK\r\n");
    server.may_shut_down = true;
    slow_down("100000000");
    say(&server, one, "SHUTDOWN FORCE");
    ck_assert_int_eq(one->state, KVRESP_BLOCKED);
    assert_says(two, "SHUTDOWN ABORT", "+OK\r\n");
    ck_assert_str_eq(ask(one, ""), "-ERR Errors trying to SHUTDOWN. Check logs.\r\n");
    ck_assert_uint_eq(server.shutdown_flags, 0);
    assert_says(two, "SET a 3", "+OK\r\n");
}
END_TEST

START_TEST(a_shutdown_takes_the_place_of_a_save_that_began_before)
{
    server.may_shut_down = true;
    assert_says(one, "SET a 1\r\nSET b 2", "+OK\r\n+OK\r\n");
    slow_down("100000000");
    assert_says(two, "BGSAVE", "+Background saving started\r\n");
    await_begin();
    assert_says(one, "SET c 1", "+OK\r\n");
    slow_down("1");
    say(&server, one, "SHUTDOWN");
    ck_assert_str_eq(ask(one, ""), "");
    ck_assert(has_file());
    assert_info("rdb_changes_since_last_save", "0");
}
END_TEST

START_TEST(a_host_saves_by_itself)
{
    char message[256] = "";
    ck_assert_int_eq(kvresp_save(server.resp, message), KV_OK);
    ck_assert(has_file());
    assert_info("rdb_saves", "0"); /* those that clients and save points begin count */
    disk.space = 10;
    ck_assert_int_eq(kvresp_save(server.resp, message), KV_IOERROR);
    ck_assert_str_eq(message, "cannot write the RDB file: No space left on device");
    ck_assert_int_eq(kvresp_shutdown(server.resp, 0, message), KV_IOERROR);
    assert_says(one, "SET a 1", "+OK\r\n");
    ck_assert_int_eq(kvresp_shutdown(server.resp, KVRESP_SHUTDOWN_NOSAVE, message), KV_OK);
    assert_says(one, "SET a 1", "+OK\r\n"); /* as it was not saved, nothing is held back */
    disk.space = SIZE_MAX;
    ck_assert_int_eq(kvresp_shutdown(server.resp, 0, message), KV_OK);
    ck_assert_uint_eq(server.shutdown_flags, 0);
    assert_says(one, "GET a", "$1\r\n1\r\n");
    assert_says(one, "SET a 1", "");
    ck_assert_int_eq(one->state, KVRESP_CLOSE);
}
END_TEST

/* ------------------------------------------------------------------------------------ parameters */

START_TEST(protected_parameters_need_leave)
{
#define PROTECTED(name)                                                                       \
    "-ERR CONFIG SET failed (possibly related to argument '" name "') - can't set protected " \
    "config\r\n"
    assert_says(one, "CONFIG SET dir /tmp", PROTECTED("dir"));
    assert_says(one, "CONFIG SET dbfilename x", PROTECTED("dbfilename"));
    char message[256];
    ck_assert_ptr_null(kvresp_config_set(server.resp, "enable-protected-configs", KV_TEXT("local"),
                                         true, message));
    assert_says(one, "CONFIG SET dbfilename other.rdb", "+OK\r\n");
    assert_answers(one, "SAVE", "+OK\r\n");
    snprintf(path, sizeof path, "%s/other.rdb", directory);
    ck_assert(has_file());
    assert_says(one, "CONFIG SET dbfilename a/b",
                "-ERR CONFIG SET failed (possibly related to argument 'dbfilename') - dbfilename "
                "can't be a path, just a filename\r\n");
    assert_says(one, "CONFIG SET dir /nosuch",
                "-ERR CONFIG SET failed (possibly related to argument 'dir') - No such file or "
                "directory\r\n");
    assert_says(
        one, "CONFIG SET dir /etc/passwd",
        "-ERR CONFIG SET failed (possibly related to argument 'dir') - Not a directory\r\n");
    assert_says(one, "CONFIG SET dir /tmp/../tmp\r\nCONFIG GET dir",
                "+OK\r\n*2\r\n$3\r\ndir\r\n$4\r\n/tmp\r\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("saving");
    TCase *tests = tcase_create("saving");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, save_writes_the_file_and_answers_then);
    tcase_add_test(tests, a_save_in_the_background_is_one_at_a_time);
    tcase_add_test(tests, in_a_transaction_it_is_scheduled);
    tcase_add_test(tests, a_save_is_cancelled);
    tcase_add_test(tests, while_the_append_only_file_is_rewritten_it_is_scheduled_if_asked);
    tcase_add_test(tests, a_snapshot_for_replicas_is_a_save_in_progress);
    tcase_add_test(tests, a_client_may_leave_while_its_save_is_under_way);
    tcase_add_test(tests, without_waiting_save_answers_when_it_is_done);
    tcase_add_test(tests, a_disk_that_fails_refuses_writes_until_a_save_succeeds);
    tcase_add_test(tests, each_step_may_fail_and_the_next_save_succeeds);
    tcase_add_test(tests, save_points_are_looked_at_once_a_second);
    tcase_add_test(tests, a_failed_save_point_is_tried_again_after_a_while);
    tcase_add_test(tests, a_flush_of_everything_is_saved_at_once);
    tcase_add_test(tests, shutdown_saves_before_the_host_ends);
    tcase_add_test(tests, a_shutdown_that_cannot_save_does_not_end);
    tcase_add_test(tests, nosave_and_no_save_points_end_without_a_file);
    tcase_add_test(tests, save_makes_a_file_without_save_points);
    tcase_add_test(tests, a_host_that_does_not_want_to_end_goes_on);
    tcase_add_test(tests, a_shutdown_is_aborted);
    tcase_add_test(tests, a_shutdown_takes_the_place_of_a_save_that_began_before);
    tcase_add_test(tests, a_host_saves_by_itself);
    tcase_add_test(tests, protected_parameters_need_leave);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
