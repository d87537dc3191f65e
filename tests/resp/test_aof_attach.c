/*
 * tests/resp/test_aof_attach.c -- the append-only file behind the commands: CONFIG, INFO, MISCONF,
 * held replies.
 */
#include "kvresp.h"
#include "resp/aof.h"

#include "../unit.h"
#include "aof_disk.h"
#include "aof_status.h"

#include <limits.h>
#include <unistd.h>

static struct disk disk;
static kv *db;
static kvresp_aof *aof;
static kvresp *resp;
static kvresp_worker *worker;
static kvresp_session *session;
static _Atomic int woken;
static const char *configuration; /* the file; NULL: none */

static void wake(void *context)
{
    (void)context;
    woken++;
}

/* A gate before each sync of a file. */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static int sync_at_the_gate(void *context, int file)
{
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    return disk_sync(context, file);
}

/* How many writes and renames that are still to come are slow. */
static _Atomic int slow_writes, slow_renames;

enum { SLOW_US = 2000 };

static void rest(_Atomic int *count)
{
    if (*count == 0) return;
    --*count;
    usleep(SLOW_US);
}

static int write_slowly(void *context, int file, const void *bytes, size_t size, uint64_t offset,
                        size_t *done)
{
    rest(&slow_writes);
    return disk_write(context, file, bytes, size, offset, done);
}

static int rename_slowly(void *context, const char *from, const char *to)
{
    rest(&slow_renames);
    return disk_rename(context, from, to);
}

static void begin(void)
{
    disk_open_empty(&disk);
    disk.io.sync = sync_at_the_gate;
    disk.io.write = write_slowly;
    disk.io.rename = rename_slowly;
    slow_writes = slow_renames = 0;
    ck_assert_int_eq(kv_open(NULL, &db), KV_OK);
    kvresp_aof_options options = KV_OPTIONS(kvresp_aof_options);
    options.directory = "data";
    char message[256];
    ck_assert_int_eq(aof_open_on(db, &options, &disk.io, &aof, message), KV_OK);
    kvresp_options resp_options = KV_OPTIONS(kvresp_options);
    resp_options.config_file = configuration;
    ck_assert_int_eq(kvresp_open(db, &resp_options, &resp), KV_OK);
    ck_assert_int_eq(kvresp_attach_aof(resp, aof), KV_OK);
    ck_assert_int_eq(kvresp_worker_open(resp, &worker), KV_OK);
    kvresp_session_options session_options = KV_OPTIONS(kvresp_session_options);
    session_options.wake = wake;
    ck_assert_int_eq(kvresp_session_open(resp, &session_options, &session), KV_OK);
    woken = 0;
}

static void end(void)
{
    kvresp_session_close(session);
    kvresp_worker_close(worker);
    kvresp_close(resp);
    ck_assert_int_eq(kvresp_aof_close(aof), KV_OK);
    kv_close(db);
    disk_free(&disk);
}

static void send_text(const char *text)
{
    size_t size = strlen(text), room;
    void *space;
    ck_assert_int_eq(kvresp_input_space(session, &space, &room), KV_OK);
    ck_assert_uint_ge(room, size);
    memcpy(space, text, size);
    kvresp_input_add(session, size);
    kvresp_worker_turn(worker);
    kvresp_run(worker, session);
}

/* What may be sent now, taken. */
static const char *output(void)
{
    static char text[65536];
    kv_slice bytes = kvresp_output(session);
    ck_assert_uint_lt(bytes.size, sizeof text);
    if (bytes.size > 0) memcpy(text, bytes.data, bytes.size);
    text[bytes.size] = '\0';
    kvresp_output_consume(session, bytes.size);
    return text;
}

static const char *ask(const char *text)
{
    send_text(text);
    return output();
}

START_TEST(parameters_tell_and_change_what_is_in_force)
{
    ck_assert_str_eq(ask("CONFIG GET appendonly\r\n"), "*2\r\n$10\r\nappendonly\r\n$3\r\nyes\r\n");
    ck_assert_str_eq(ask("CONFIG GET appendfsync\r\n"),
                     "*2\r\n$11\r\nappendfsync\r\n$8\r\neverysec\r\n");
    ck_assert_str_eq(ask("CONFIG GET appendfilename\r\n"),
                     "*2\r\n$14\r\nappendfilename\r\n$14\r\nappendonly.aof\r\n");
    ck_assert_str_eq(ask("CONFIG GET appenddirname\r\n"),
                     "*2\r\n$13\r\nappenddirname\r\n$13\r\nappendonlydir\r\n");

    ck_assert_str_eq(ask("CONFIG SET appendfsync ALWAYS\r\n"), "+OK\r\n");
    kvresp_aof_status status = KV_OPTIONS(kvresp_aof_status);
    kvresp_aof_stat(aof, &status);
    ck_assert_int_eq(status.fsync, KVRESP_FSYNC_ALWAYS);
    ck_assert_str_eq(ask("CONFIG GET appendfsync\r\n"),
                     "*2\r\n$11\r\nappendfsync\r\n$6\r\nalways\r\n");
    ck_assert_has(ask("CONFIG SET appendfsync sometimes\r\n"),
                  "argument(s) must be one of the following: everysec, always, no");

    ck_assert_str_eq(ask("CONFIG SET appendonly yes\r\n"), "+OK\r\n");
    ck_assert_has(ask("CONFIG SET appendfilename other\r\n"), "can't set immutable config");
    ck_assert_str_eq(ask("CONFIG SET aof-load-truncated no\r\n"), "+OK\r\n");
    ck_assert_str_eq(ask("CONFIG GET aof-load-truncated\r\n"),
                     "*2\r\n$18\r\naof-load-truncated\r\n$2\r\nno\r\n");
    ck_assert_has(ask("CONFIG SET aof-load-truncated maybe\r\n"), "must be 'yes' or 'no'");

    ck_assert_str_eq(ask("CONFIG SET auto-aof-rewrite-min-size 1mb\r\n"), "+OK\r\n");
    ck_assert_has(ask("CONFIG GET auto-aof-rewrite-min-size\r\n"), "\r\n1048576\r\n");
    ck_assert_has(ask("CONFIG SET auto-aof-rewrite-min-size x\r\n"), "must be a memory value");
    ck_assert_str_eq(ask("CONFIG SET auto-aof-rewrite-percentage 0\r\n"), "+OK\r\n");
    ck_assert_has(ask("CONFIG GET auto-aof-rewrite-percentage\r\n"), "\r\n0\r\n");
    ck_assert_has(ask("CONFIG SET auto-aof-rewrite-percentage -1\r\n"),
                  "argument must be between 0 and 2147483647 inclusive");
    ck_assert_has(ask("CONFIG SET auto-aof-rewrite-percentage x\r\n"),
                  "argument couldn't be parsed into an integer");
    const char *const switches[] = {"aof-timestamp-enabled", "aof-use-rdb-preamble",
                                    "aof-rewrite-incremental-fsync", "aof-disable-auto-gc"};
    for (size_t i = 0; i < sizeof switches / sizeof *switches; i++) {
        char line[128];
        for (int is_yes = 0; is_yes < 2; is_yes++) {
            const char *value = is_yes ? "yes" : "no";
            snprintf(line, sizeof line, "CONFIG SET %s %s\r\n", switches[i], value);
            ck_assert_str_eq(ask(line), "+OK\r\n");
            snprintf(line, sizeof line, "CONFIG GET %s\r\n", switches[i]);
            ck_assert_has(ask(line), value);
        }
    }
}
END_TEST

/* A log that is being ended still follows. */
static void await_end(void)
{
    while (aof->writer.follows) usleep(200);
}

#define FILES "data/appendonlydir/appendonly.aof"

START_TEST(bgrewriteaof_answers_as_redis_does)
{
    ask("SET key value\r\n");
    ck_assert_str_eq(ask("BGREWRITEAOF\r\n"), "+Background append only file rewriting started\r\n");
    await_rewrite(aof);
    ck_assert_has(ask("INFO persistence\r\n"), "aof_rewrites:1\r\n");
    ck_assert_has(ask("INFO persistence\r\n"), "aof_last_rewrite_time_sec:0\r\n");
    ck_assert_ptr_nonnull(disk_file(&disk, FILES ".1.base.rdb"));
    ck_assert_ptr_null(disk_file(&disk, FILES ".1.incr.aof"));

    pthread_mutex_lock(&gate); /* it cannot end, and the log cannot begin its next file */
    ask("BGREWRITEAOF\r\n");
    ck_assert(stat_now(aof).is_rewriting);
    ck_assert_str_eq(ask("BGREWRITEAOF\r\n"),
                     "-ERR Background append only file rewriting already in progress\r\n");
    ck_assert_has(ask("INFO persistence\r\n"), "aof_rewrite_in_progress:1\r\n");
    ck_assert_has(ask("INFO persistence\r\n"), "aof_current_rewrite_time_sec:0\r\n");
    pthread_mutex_unlock(&gate);
    await_rewrite(aof);

    ask("MULTI\r\n");
    ask("BGREWRITEAOF\r\n");
    ck_assert_str_eq(ask("EXEC\r\n"), "*1\r\n+Background append only file rewriting scheduled\r\n");
    await_rewrite(aof);
    ck_assert_uint_eq(stat_now(aof).rewrites, 3);
    ck_assert(!stat_now(aof).has_rewrite_failed);
    ck_assert_str_eq(ask("BGREWRITEAOF now\r\n"),
                     "-ERR wrong number of arguments for 'bgrewriteaof' command\r\n");
}
END_TEST

#define IN_PROGRESS "-ERR Background append only file rewriting already in progress\r\n"

/* A sync has begun, and is at the gate if that is shut. */
static void await_sync(void)
{
    while (aof->writer.sync_started_us == 0) usleep(200);
}

/* The log thread stands at the closed gate: it has been asked to sync. */
static void keep_the_log_thread(void)
{
    pthread_mutex_lock(&gate);
    ask("SET key value\r\n");
    kvresp_aof_wait(aof, kvresp_aof_position(aof), 1);
    await_sync();
}

static void assert_is_under_way(void)
{
    ck_assert_has(ask("INFO persistence\r\n"), "aof_rewrite_in_progress:1\r\n"
                                               "aof_rewrite_scheduled:0\r\n");
    ck_assert_has(ask("BGSAVE\r\n"), "-ERR Another child process is active (AOF?): can't BGSAVE "
                                     "right now. Use BGSAVE SCHEDULE");
    ck_assert_str_eq(ask("BGREWRITEAOF\r\n"), IN_PROGRESS);
}

START_TEST(what_is_answered_as_started_is_under_way_for_everyone)
{
    keep_the_log_thread(); /* who asks does not wait for it */
    ck_assert_str_eq(ask("BGREWRITEAOF\r\n"), "+Background append only file rewriting started\r\n");
    assert_is_under_way();
    ck_assert(stat_now(aof).is_rewriting);
    ck_assert_uint_eq(stat_now(aof).rewrites, 1);
    ck_assert_int_eq(stat_now(aof).this_rewrite_s, 0);
    ck_assert_int_eq(kvresp_aof_rewrite(aof), KV_BUSY);
    ck_assert_str_eq(ask("BGSAVE SCHEDULE\r\n"), "+Background saving scheduled\r\n");
    usleep(20 * 1000);
    ck_assert_has(ask("INFO persistence\r\n"), "rdb_bgsave_in_progress:0\r\n");
    ck_assert_str_eq(ask("BGSAVE CANCEL\r\n"), "+Scheduled background saving cancelled\r\n");
    pthread_mutex_unlock(&gate);
    await_rewrite(aof);
    ck_assert(!stat_now(aof).has_rewrite_failed);
    ck_assert_ptr_nonnull(disk_file(&disk, FILES ".1.base.rdb"));
}
END_TEST

START_TEST(a_log_that_is_turned_on_has_its_rewrite_under_way)
{
    keep_the_log_thread();
    ask("CONFIG SET appendonly no\r\n");
    ck_assert_has(ask("INFO persistence\r\n"), "aof_rewrite_in_progress:0\r\n"
                                               "aof_rewrite_scheduled:0\r\n");
    ck_assert_str_eq(ask("CONFIG SET appendonly yes\r\n"), "+OK\r\n");
    assert_is_under_way();
    ck_assert_str_eq(ask("CONFIG SET appendonly no\r\n"), "+OK\r\n"); /* nor is there one then */
    ck_assert_str_eq(ask("BGREWRITEAOF\r\n"), "+Background append only file rewriting started\r\n");
    ck_assert_str_eq(ask("CONFIG SET appendonly yes\r\n"), "+OK\r\n");
    assert_is_under_way();
    pthread_mutex_unlock(&gate);
    await_rewrite(aof);
    ck_assert(stat_now(aof).is_on);
    ck_assert(!stat_now(aof).has_rewrite_failed);
    ck_assert_ptr_nonnull(disk_file(&disk, FILES ".1.base.rdb"));
}
END_TEST

static void set_space(size_t space)
{
    pthread_mutex_lock(&disk.lock);
    disk.space = space;
    pthread_mutex_unlock(&disk.lock);
}

START_TEST(no_rewrite_begins_while_the_disk_refuses_the_log)
{
    set_space(0);
    ask("SET key value\r\n");
    while (stat_now(aof).error == 0) usleep(200);
    ck_assert_str_eq(ask("BGREWRITEAOF\r\n"),
                     "-ERR Can't execute an AOF background rewriting. Please check the server "
                     "logs for more information.\r\n");
    ck_assert_int_eq(kvresp_aof_rewrite(aof), KV_READONLY);
    ck_assert_has(ask("INFO persistence\r\n"), "aof_last_bgrewrite_status:err\r\n"
                                               "aof_rewrites:0\r\n");
    set_space(SIZE_MAX);
    while (stat_now(aof).error != 0) usleep(200);
    ck_assert_str_eq(ask("BGREWRITEAOF\r\n"), "+Background append only file rewriting started\r\n");
    await_rewrite(aof);
    ck_assert(!stat_now(aof).has_rewrite_failed);
}
END_TEST

START_TEST(a_rewrite_that_fails_is_told)
{
    ask("SET key value\r\n");
    kvresp_aof_wait(aof, kvresp_aof_position(aof), 0);
    disk.fail_error = ENOSPC;
    disk.fail_count = 1000;
    disk.fail_at = disk.steps;
    ask("BGREWRITEAOF\r\n");
    await_rewrite(aof);
    disk.fail_at = DISK_EVERY;
    ck_assert_has(ask("INFO persistence\r\n"), "aof_last_bgrewrite_status:err\r\n");
    ck_assert_has(ask("INFO persistence\r\n"), "aof_rewrites_consecutive_failures:1\r\n");
    ask("BGREWRITEAOF\r\n");
    await_rewrite(aof);
    ck_assert_has(ask("INFO persistence\r\n"), "aof_last_bgrewrite_status:ok\r\n");
}
END_TEST

START_TEST(the_file_ends_and_begins_at_run_time)
{
    ask("SET key value\r\n");
    ck_assert_str_eq(ask("CONFIG SET appendonly no\r\n"), "+OK\r\n");
    ck_assert_str_eq(ask("CONFIG GET appendonly\r\n"), "*2\r\n$10\r\nappendonly\r\n$2\r\nno\r\n");
    const char *text = ask("INFO persistence\r\n");
    ck_assert_has(text, "aof_enabled:0\r\n");
    await_end();
    ck_assert_lacks(ask("INFO persistence\r\n"), "aof_current_size");
    ck_assert_uint_eq(disk_file(&disk, FILES ".1.incr.aof")->size, 56);
    ask("SET unlogged value\r\n");
    uint64_t position = kvresp_aof_position(aof);
    ck_assert_int_eq(kvresp_aof_wait(aof, position, 0), KV_OK); /* all that was logged */

    pthread_mutex_lock(&gate);
    ck_assert_str_eq(ask("CONFIG SET appendonly yes\r\n"), "+OK\r\n");
    ck_assert_has(ask("INFO persistence\r\n"), "aof_enabled:1\r\n");
    ask("CONFIG SET appendfsync always\r\n");
    ck_assert_str_eq(ask("SET key other\r\n"), "+OK\r\n"); /* nothing is promised yet */
    pthread_mutex_unlock(&gate);
    await_rewrite(aof);
    ck_assert_ptr_nonnull(disk_file(&disk, FILES ".1.base.rdb"));
    ck_assert_ptr_null(disk_file(&disk, FILES ".1.incr.aof"));
    ck_assert_int_eq(kvresp_aof_wait(aof, kvresp_aof_position(aof), 0), KV_OK);
}
END_TEST

START_TEST(waitaof_is_an_error_once_the_file_is_off)
{
    const char *error =
        "-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.\r\n";
    ask("SET key value\r\n");
    ck_assert_str_eq(ask("WAITAOF 1 5 0\r\n"), ""); /* there is no replica */
    kvresp_cron(resp, 0);
    ck_assert_str_eq(ask(""), "");
    woken = 0;
    kvresp_aof_stop(aof);
    kvresp_cron(resp, 0);
    ck_assert_int_gt(woken, 0);
    ck_assert_str_eq(ask(""), error);
    ck_assert_str_eq(ask("WAITAOF 1 0 0\r\n"), error);
    ck_assert_has(ask("WAITAOF 0 0 0\r\n"), "*2\r\n:");
}
END_TEST

START_TEST(a_transaction_may_turn_it_off_and_on)
{
    ask("MULTI\r\n");
    ask("SET a 1\r\n");
    ask("CONFIG SET appendonly no\r\n");
    ask("CONFIG SET appendonly yes\r\n");
    ask("CONFIG SET appendonly no\r\n");
    ask("SET b 2\r\n");
    ck_assert_str_eq(ask("EXEC\r\n"), "*5\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n");
    await_end();
    ck_assert(!stat_now(aof).is_on);
    ask("MULTI\r\n");
    ask("CONFIG SET appendonly yes\r\n");
    ask("SET c 3\r\n");
    ask("BGREWRITEAOF\r\n");
    ask("EXEC\r\n");
    await_rewrite(aof);
    ck_assert(stat_now(aof).is_on);
}
END_TEST

/* Two directories that are there, for CONFIG SET dir looks; what is in them is the test's disk's. */
static const char *set_directory(const char *path)
{
    char text[64];
    snprintf(text, sizeof text, "CONFIG SET dir %s\r\n", path);
    return ask(text);
}

static void begin_directories(void)
{
    static char path[sizeof "/tmp/kvstore-attach-XXXXXX"];
    memcpy(path, "/tmp/kvstore-attach-XXXXXX", sizeof path);
    int file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    close(file);
    configuration = path;
    begin();
    char why[256];
    kv_slice yes = KV_TEXT("yes");
    ck_assert_ptr_null(kvresp_config_set(resp, "enable-protected-configs", yes, true, why));
}

static void end_directories(void)
{
    end();
    unlink(configuration);
}

static const struct disk_inode *file_in(const char *parent, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/appendonlydir/appendonly.aof%s", parent, name);
    return disk_file(&disk, path);
}

START_TEST(a_log_that_begins_is_in_the_directory_of_the_moment)
{
    ask("SET key value\r\n");
    ask("CONFIG SET appendonly no\r\n");
    ck_assert_str_eq(set_directory("/usr"), "+OK\r\n");
    ck_assert_str_eq(ask("CONFIG SET appendonly yes\r\n"), "+OK\r\n");
    await_rewrite(aof);
    ck_assert_uint_eq(file_in("data", ".1.incr.aof")->size, 56); /* as it was */
    ck_assert_ptr_nonnull(file_in("/usr", ".1.base.rdb"));
    ck_assert_ptr_nonnull(file_in("/usr", ".1.incr.aof"));
    ck_assert_ptr_nonnull(file_in("/usr", ".manifest"));
    ck_assert_str_eq(ask("CONFIG GET appenddirname\r\n"),
                     "*2\r\n$13\r\nappenddirname\r\n$13\r\nappendonlydir\r\n");

    /* One lock: the old directory is free for others. */
    ck_assert_int_eq(disk_lock_count(&disk), 1);
    int lock;
    ck_assert_int_eq(disk.io.lock_directory(&disk, "data/appendonlydir", &lock), 0);
    disk.io.close(&disk, lock);

    /* And it is the log: what is written is there, and loaded from there. */
    ask("SET later value\r\n");
    ck_assert_str_eq(ask("BGREWRITEAOF\r\n"), "+Background append only file rewriting started\r\n");
    await_rewrite(aof);
    ck_assert_ptr_nonnull(file_in("/usr", ".2.base.rdb"));
    ck_assert_ptr_null(file_in("/usr", ".1.base.rdb"));
    char why[256];
    ck_assert_ptr_null(kvresp_config_set(resp, "enable-debug-command", KV_TEXT("yes"), true, why));
    ask("SET last value\r\n");
    ck_assert_str_eq(ask("DEBUG LOADAOF\r\n"), "+OK\r\n");
    ck_assert_str_eq(ask("DBSIZE\r\n"), ":3\r\n");
}
END_TEST

START_TEST(a_log_that_is_on_stays_in_its_directory)
{
    ask("SET key value\r\n");
    ck_assert_str_eq(set_directory("/usr"), "+OK\r\n");
    ck_assert(stat_now(aof).is_elsewhere);
    ck_assert_str_eq(ask("BGREWRITEAOF\r\n"), "+Background append only file rewriting started\r\n");
    await_rewrite(aof);
    ck_assert_ptr_nonnull(file_in("data", ".1.base.rdb"));
    ck_assert_ptr_null(file_in("/usr", ".1.base.rdb"));
    ck_assert_str_eq(ask("CONFIG SET appendonly yes\r\n"), "+OK\r\n"); /* it is on */
    ck_assert_ptr_null(file_in("/usr", ".manifest"));

    /* Saves went elsewhere for a while. */
    ck_assert_int_eq(kvresp_aof_set_directory(aof, "data"), KV_OK);
    ck_assert(!stat_now(aof).is_elsewhere);
    ck_assert_str_eq(ask("CONFIG SET appendonly no\r\n"), "+OK\r\n");
    ck_assert_str_eq(ask("CONFIG SET appendonly yes\r\n"), "+OK\r\n");
    await_rewrite(aof);
    ck_assert_ptr_null(file_in("/usr", ".manifest"));
}
END_TEST

START_TEST(the_configuration_is_not_rewritten_to_name_where_the_log_is_not)
{
    ck_assert_str_eq(set_directory("/usr"), "+OK\r\n");
    ck_assert_has(ask("CONFIG REWRITE\r\n"), "-ERR Rewriting config file: the append-only file");
    ask("CONFIG SET appendonly no\r\n");
    ck_assert_str_eq(ask("CONFIG REWRITE\r\n"), "+OK\r\n");
    ask("CONFIG SET appendonly yes\r\n");
    await_rewrite(aof);
    ck_assert_str_eq(ask("CONFIG REWRITE\r\n"), "+OK\r\n");
}
END_TEST

/* Each step of opening the new directory fails in turn, and then all is as it was. */
START_TEST(a_directory_that_cannot_be_used_leaves_all_as_it_was)
{
    ask("SET key value\r\n");
    ck_assert_has(set_directory("/usr/absent"), "-ERR CONFIG SET failed");
    ck_assert(!stat_now(aof).is_elsewhere);
    ask("CONFIG SET appendonly no\r\n");
    await_end();
    disk.fail_error = EROFS;
    disk.fail_at = disk.steps; /* the directory cannot be made */
    ck_assert_str_eq(ask("CONFIG SET dir /usr appendonly yes\r\n"),
                     "-ERR CONFIG SET failed (possibly related to argument 'appendonly') - Unable "
                     "to turn on AOF. Check server logs.\r\n");
    ck_assert_int_lt(disk.fail_at, disk.steps);
    ck_assert_lacks(ask("CONFIG GET dir\r\n"), "/usr");
    ck_assert_str_eq(ask("CONFIG GET appendonly\r\n"), "*2\r\n$10\r\nappendonly\r\n$2\r\nno\r\n");
    ck_assert_uint_eq(disk.seen.count, 2);
    ck_assert_uint_eq(file_in("data", ".1.incr.aof")->size, 56);
    ck_assert_int_eq(disk_lock_count(&disk), 1);

    /* Damaged there, it is not begun there either. */
    disk_put_file(&disk, "/usr/appendonlydir/appendonly.aof.manifest", "?\n", 2);
    ck_assert_has(ask("CONFIG SET dir /usr appendonly yes\r\n"), "-ERR CONFIG SET failed");
    ck_assert_int_eq(disk_lock_count(&disk), 1);
    disk.io.remove(&disk, "/usr/appendonlydir/appendonly.aof.manifest");
    ck_assert_str_eq(ask("CONFIG SET dir /usr appendonly yes\r\n"), "+OK\r\n");
    await_rewrite(aof);
    ck_assert_ptr_nonnull(file_in("/usr", ".1.base.rdb"));
}
END_TEST

/* The file ends, changes its place and begins while the log thread is at it. */
START_TEST(it_may_go_to_and_fro)
{
    static const char *const directories[] = {"/usr", "/tmp"};
    for (int i = 0; i < 200; i++) {
        ask("INCR key\r\n");
        ask("CONFIG SET appendonly no\r\n");
        ck_assert_str_eq(set_directory(directories[i % 2]), "+OK\r\n");
        if (i % 3 == 0) ask("BGREWRITEAOF\r\n");
        ck_assert_str_eq(ask("CONFIG SET appendonly yes\r\n"), "+OK\r\n");
        if (i % 5 == 0) await_rewrite(aof);
    }
    await_rewrite(aof);
    ck_assert(stat_now(aof).is_on);
    ck_assert_ptr_nonnull(file_in("/tmp", ".manifest"));
    ck_assert_int_eq(disk_lock_count(&disk), 1);
}
END_TEST

START_TEST(debug_loadaof_brings_back_what_the_file_has)
{
    ask("CONFIG SET enable-debug-command yes\r\n");
    char why[256];
    ck_assert_ptr_null(kvresp_config_set(resp, "enable-debug-command", KV_TEXT("yes"), true, why));
    ask("SET kept 1\r\n");
    ck_assert_str_eq(ask("DEBUG LOADAOF\r\n"), "+OK\r\n");
    ck_assert_str_eq(ask("GET kept\r\n"), "$1\r\n1\r\n");
    ask("INCR kept\r\n");
    ck_assert_str_eq(ask("BGREWRITEAOF\r\n"), "+Background append only file rewriting started\r\n");
    ck_assert_str_eq(ask("DEBUG LOADAOF\r\n"), "+OK\r\n");
    ck_assert_str_eq(ask("GET kept\r\n"), "$1\r\n2\r\n");

    ask("CONFIG SET appendonly no\r\n");
    await_end();
    ask("INCR kept\r\n");
    ask("SET lost 1\r\n");
    ck_assert_str_eq(ask("DEBUG LOADAOF\r\n"), "+OK\r\n");
    ck_assert_str_eq(ask("MGET kept lost\r\n"), "*2\r\n$1\r\n2\r\n$-1\r\n");

    ask("CONFIG SET appendonly yes\r\n");
    await_rewrite(aof);
    disk.read_error = EIO;
    ck_assert_str_eq(ask("DEBUG LOADAOF\r\n"),
                     "-ERR Error trying to load the AOF files, check server logs.\r\n");
    disk.read_error = 0;
    ck_assert_has(ask("SET more 1\r\n"), "-READONLY ");
    ck_assert_str_eq(ask("PING\r\n"), "+PONG\r\n");
    ck_assert_str_eq(ask("DEBUG LOADAOF\r\n"), "+OK\r\n");
    ck_assert_str_eq(ask("GET kept\r\n"), "$1\r\n2\r\n");
    ask("CONFIG SET appendonly yes\r\n");
    await_rewrite(aof);
    ck_assert_str_eq(ask("SET more 1\r\n"), "+OK\r\n");
}
END_TEST

static int count_of(const char *text, const char *part)
{
    int count = 0;
    for (; (text = strstr(text, part)) != NULL; text++) count++;
    return count;
}

START_TEST(info_has_each_line_once)
{
    ask("SET key value\r\n");
    ck_assert_int_eq(kvresp_aof_wait(aof, kvresp_aof_position(aof), 0), KV_OK);
    const char *text = ask("INFO persistence\r\n");
    const char *const wanted[] = {"aof_enabled:1\r\n",
                                  "aof_last_write_status:ok\r\n",
                                  "aof_current_size:56\r\n",
                                  "aof_base_size:0\r\n",
                                  "aof_pending_rewrite:0\r\n",
                                  "aof_buffer_length:0\r\n",
                                  "aof_pending_bio_fsync:0\r\n",
                                  "aof_delayed_fsync:0\r\n",
                                  "aof_rewrite_in_progress:0\r\n",
                                  "loading:0\r\n"};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        ck_assert_has(text, wanted[i]);
        char name[64];
        snprintf(name, sizeof name, "\n%.*s", (int)strcspn(wanted[i], ":") + 1, wanted[i]);
        ck_assert_msg(count_of(text, name) == 1, "%s", name);
    }
}
END_TEST

static unsigned long mem_aof_buffer(void)
{
    const char *line = strstr(ask("INFO memory\r\n"), "\nmem_aof_buffer:");
    ck_assert_ptr_nonnull(line);
    return strtoul(strchr(line, ':') + 1, NULL, 10);
}

START_TEST(info_counts_the_journal_that_is_held_in_memory)
{
    /* Bytes are held until they are synced; under everysec, a wait has them synced at once. */
    ask("SET key value\r\n");
    ck_assert_int_eq(kvresp_aof_wait(aof, kvresp_aof_position(aof), 0), KV_OK);
    for (int i = 0; i < 5000 && mem_aof_buffer() > 0; i++) usleep(1000);
    ck_assert_uint_eq(mem_aof_buffer(), 0);

    pthread_mutex_lock(&disk.lock);
    disk.space = 0;
    pthread_mutex_unlock(&disk.lock);
    uint64_t before = kvresp_aof_position(aof);
    ask("SET other value\r\n");
    ck_assert_uint_gt(kvresp_aof_position(aof), before);
    ck_assert_uint_eq(mem_aof_buffer(), kvresp_aof_position(aof) - before);
    pthread_mutex_lock(&disk.lock);
    disk.space = SIZE_MAX;
    pthread_mutex_unlock(&disk.lock);
}
END_TEST

START_TEST(a_full_disk_answers_misconf_to_writes_and_serves_reads)
{
    ck_assert_str_eq(ask("SET key value\r\n"), "+OK\r\n");
    set_space(0);
    const char *reply = "+OK\r\n";
    for (int i = 0; i < 5000 && *reply == '+'; i++) {
        usleep(1000);
        reply = ask("SET other value\r\n");
    }
    ck_assert_str_eq(reply, "-MISCONF Errors writing to the AOF file: No space left on device\r\n");
    ck_assert_str_eq(ask("GET key\r\n"), "$5\r\nvalue\r\n");
    ck_assert_has(ask("INFO persistence\r\n"), "aof_last_write_status:err\r\n");

    set_space(SIZE_MAX);
    reply = "-";
    for (int i = 0; i < 5000 && *reply == '-'; i++) {
        usleep(1000);
        reply = ask("SET other value\r\n");
    }
    ck_assert_str_eq(reply, "+OK\r\n");
}
END_TEST

START_TEST(under_always_a_reply_waits_for_the_disk)
{
    ck_assert_str_eq(ask("CONFIG SET appendfsync always\r\n"), "+OK\r\n");
    pthread_mutex_lock(&gate);
    ck_assert_str_eq(ask("SET key value\r\nGET key\r\n"), "");
    ck_assert_uint_gt(kvresp_output_pending(session), 0);
    usleep(20000);
    ck_assert_str_eq(output(), "");
    ck_assert_int_eq(woken, 0);

    pthread_mutex_unlock(&gate);
    for (int i = 0; i < 5000 && woken == 0; i++) usleep(1000);
    ck_assert_int_eq(woken, 1);
    ck_assert_str_eq(output(), "+OK\r\n$5\r\nvalue\r\n");

    /* And a policy that holds nothing back lets go of what was held. */
    pthread_mutex_lock(&gate);
    ck_assert_str_eq(ask("SET key value\r\n"), "");
    kvresp_aof_set_fsync(aof, KVRESP_FSYNC_EVERYSEC);
    ck_assert_str_eq(output(), "+OK\r\n");
    pthread_mutex_unlock(&gate);
}
END_TEST

START_TEST(a_session_may_close_while_its_replies_are_held)
{
    ck_assert_str_eq(ask("CONFIG SET appendfsync always\r\n"), "+OK\r\n");
    pthread_mutex_lock(&gate);
    ck_assert_str_eq(ask("SET key value\r\n"), "");
    kvresp_session_close(session);
    pthread_mutex_unlock(&gate);
    ck_assert_int_eq(kvresp_aof_wait(aof, kvresp_aof_position(aof), 0), KV_OK);
    ck_assert_int_eq(woken, 0);
    kvresp_session_options options = KV_OPTIONS(kvresp_session_options);
    ck_assert_int_eq(kvresp_session_open(resp, &options, &session), KV_OK);
}
END_TEST

/* -------------------------------------------------------------------------- the latency monitor */

/* Whatever else the machine was slow at. */
static void await_event(const char *event)
{
    char name[64];
    snprintf(name, sizeof name, "\r\n%s\r\n", event);
    while (strstr(ask("LATENCY LATEST\r\n"), name) == NULL) usleep(200);
}

START_TEST(slow_writes_are_noted)
{
    ck_assert_str_eq(ask("CONFIG SET latency-monitor-threshold 1\r\n"), "+OK\r\n");
    slow_writes = 1;
    ck_assert_str_eq(ask("SET key value\r\n"), "+OK\r\n");
    await_event("aof-write");
    await_event("aof-write-alone");
    ck_assert_has(ask("LATENCY DOCTOR\r\n"), "- aof-write: ");
}
END_TEST

START_TEST(slow_writes_beside_a_snapshot_are_noted)
{
    ck_assert_str_eq(ask("CONFIG SET latency-monitor-threshold 1\r\n"), "+OK\r\n");
    ask("SET a 1\r\nCONFIG SET rdb-key-save-delay 60000000\r\n"); /* until it is 0 again */
    ask("BGREWRITEAOF\r\n");
    while (!stat_now(aof).is_rewriting || !aof_writer_has_cut(&aof->writer)) usleep(200);
    slow_writes = slow_renames = INT_MAX; /* whose comes first is not known */
    ck_assert_str_eq(ask("SET key value\r\n"), "+OK\r\n");
    await_event("aof-write-active-child");
    ask("CONFIG SET rdb-key-save-delay 0\r\n");
    await_rewrite(aof);
    await_event("aof-rename");
}
END_TEST

START_TEST(slow_syncs_are_noted)
{
    ck_assert_str_eq(ask("CONFIG SET latency-monitor-threshold 1\r\n"), "+OK\r\n");
    pthread_mutex_lock(&gate);
    ck_assert_str_eq(ask("SET key value\r\n"), "+OK\r\n");
    await_sync();
    ck_assert_str_eq(ask("SET key value\r\n"), "+OK\r\n"); /* is to be written after it */
    usleep(SLOW_US);
    pthread_mutex_unlock(&gate);
    await_event("aof-write-pending-fsync");

    ck_assert_str_eq(ask("CONFIG SET appendfsync always\r\n"), "+OK\r\n");
    pthread_mutex_lock(&gate);
    ck_assert_str_eq(ask("SET key value\r\n"), "");
    await_sync();
    usleep(SLOW_US);
    pthread_mutex_unlock(&gate);
    ck_assert_int_eq(kvresp_aof_wait(aof, kvresp_aof_position(aof), 0), KV_OK);
    ck_assert_str_eq(output(), "+OK\r\n");
    await_event("aof-fsync-always");
}
END_TEST

START_TEST(nothing_is_noted_without_a_threshold)
{
    slow_writes = 1;
    ck_assert_str_eq(ask("SET key value\r\n"), "+OK\r\n");
    ck_assert_int_eq(kvresp_aof_wait(aof, kvresp_aof_position(aof), 0), KV_OK);
    ck_assert_int_eq(slow_writes, 0);
    ck_assert_str_eq(ask("LATENCY LATEST\r\n"), "*0\r\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("aof_attach");
    TCase *tests = tcase_create("aof_attach");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, parameters_tell_and_change_what_is_in_force);
    tcase_add_test(tests, info_has_each_line_once);
    tcase_add_test(tests, bgrewriteaof_answers_as_redis_does);
    tcase_add_test(tests, what_is_answered_as_started_is_under_way_for_everyone);
    tcase_add_test(tests, a_log_that_is_turned_on_has_its_rewrite_under_way);
    tcase_add_test(tests, no_rewrite_begins_while_the_disk_refuses_the_log);
    tcase_add_test(tests, a_rewrite_that_fails_is_told);
    tcase_add_test(tests, the_file_ends_and_begins_at_run_time);
    tcase_add_test(tests, waitaof_is_an_error_once_the_file_is_off);
    tcase_add_test(tests, a_transaction_may_turn_it_off_and_on);
    tcase_add_test(tests, debug_loadaof_brings_back_what_the_file_has);
    tcase_add_test(tests, info_counts_the_journal_that_is_held_in_memory);
    tcase_add_test(tests, a_full_disk_answers_misconf_to_writes_and_serves_reads);
    tcase_add_test(tests, under_always_a_reply_waits_for_the_disk);
    tcase_add_test(tests, a_session_may_close_while_its_replies_are_held);
    tcase_add_test(tests, slow_writes_are_noted);
    tcase_add_test(tests, slow_writes_beside_a_snapshot_are_noted);
    tcase_add_test(tests, slow_syncs_are_noted);
    tcase_add_test(tests, nothing_is_noted_without_a_threshold);
    suite_add_tcase(suite, tests);
    TCase *directories = tcase_create("directories");
    tcase_set_timeout(directories, 60);
    tcase_add_checked_fixture(directories, begin_directories, end_directories);
    tcase_add_test(directories, a_log_that_begins_is_in_the_directory_of_the_moment);
    tcase_add_test(directories, a_log_that_is_on_stays_in_its_directory);
    tcase_add_test(directories, the_configuration_is_not_rewritten_to_name_where_the_log_is_not);
    tcase_add_test(directories, a_directory_that_cannot_be_used_leaves_all_as_it_was);
    tcase_add_test(directories, it_may_go_to_and_fro);
    suite_add_tcase(suite, directories);
    return unit_run(suite);
}
