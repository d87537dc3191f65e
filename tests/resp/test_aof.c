/*
 * tests/resp/test_aof.c -- the append-only file from end to end: a store, closed or killed, comes
 * back.
 */
#include "kvresp.h"
#include "resp/aof.h"

#include "../unit.h"
#include "aof_clock.h"
#include "aof_disk.h"
#include "aof_dump.h"
#include "aof_random.h"
#include "aof_record.h"
#include "aof_status.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct disk disk;
static struct record lines; /* for its log */
static kvresp_aof_options options;
static kv *db;
static kvresp_aof *aof;
static char message[256];

static void open_store(void)
{
    kv_options store_options = KV_OPTIONS(kv_options);
    store_options.clock = &still_clock;
    store_options.shards = 4;
    ck_assert_int_eq(kv_open(&store_options, &db), KV_OK);
}

static kv_status try_open(void)
{
    open_store();
    kv_status status = aof_open_on(db, &options, &disk.io, &aof, message);
    if (status != KV_OK) kv_close(db);
    return status;
}

static void open_aof(void)
{
    kv_status status = try_open();
    ck_assert_msg(status == KV_OK, "%d %s", status, message);
}

static void close_aof(void)
{
    ck_assert_int_eq(kvresp_aof_close(aof), KV_OK);
    kv_close(db);
}

static void reopen(void)
{
    close_aof();
    open_aof();
}

static void begin(void)
{
    disk_open_empty(&disk);
    record_open(&lines);
    options = KV_OPTIONS(kvresp_aof_options);
    options.directory = "data";
    options.log = record_log;
    options.log_context = &lines;
    clock_ms = INT64_C(1700000000000);
    *message = '\0';
}

static void end(void)
{
    record_close(&lines);
    disk_free(&disk);
}

static void put_text(const char *path, const char *text)
{
    disk_put_file(&disk, path, text, strlen(text));
}

static void put_commands(const char *path, const char *const *commands)
{
    kv_buffer file = {0};
    for (; *commands != NULL; commands++) record_encode(&file, *commands);
    disk_put_file(&disk, path, file.data, file.size);
    kv_buffer_free(&file);
}

#define COMMANDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define DIRECTORY     "data/appendonlydir"
#define FILES         DIRECTORY "/appendonly.aof"

static void assert_holds(const char *expected)
{
    dump_assert_same(text_duplicate(kv_text(expected)), dump_store(db));
}

static void assert_message(const char *part)
{
    ck_assert_msg(strstr(message, part) != NULL, "\"%s\" lacks \"%s\"", message, part);
}

static void assert_manifest(const char *expected)
{
    const struct disk_inode *file = disk_file(&disk, FILES ".manifest");
    ck_assert_ptr_nonnull(file);
    ck_assert_msg(file->size == strlen(expected) && memcmp(file->bytes, expected, file->size) == 0,
                  "%.*s", (int)file->size, file->bytes);
}

/* ---------------------------------------------------------------------------------- round trips */

START_TEST(what_was_written_is_there_again)
{
    open_aof();
    kv *third = kv_select(db, 3);
    kv_slice elements[] = {KV_TEXT("a"), KV_TEXT(""), KV_BYTES("x\0y", 3)};
    kv_set_options expiring = KV_OPTIONS(kv_set_options);
    expiring.ttl_ms = 5000;
    ck_assert_int_eq(kv_set(db, KV_TEXT("s"), KV_TEXT("value"), NULL), KV_OK);
    ck_assert_int_eq(kv_set(db, KV_TEXT("n"), KV_TEXT("-17"), NULL), KV_OK);
    ck_assert_int_eq(kv_set(third, KV_TEXT("e"), KV_TEXT("soon"), &expiring), KV_OK);
    ck_assert_int_eq(kv_rpush(third, KV_TEXT("l"), elements, 3, NULL), KV_OK);
    ck_assert_int_eq(kv_lpush(third, KV_TEXT("l"), elements, 1, NULL), KV_OK);
    ck_assert_int_eq(kv_expire(third, KV_TEXT("l"), 7000, 0), KV_OK);
    const char *expected = "0 \"n\" string \"-17\"\n"
                           "0 \"s\" string \"value\"\n"
                           "3 \"e\" string \"soon\" @1700000005000\n"
                           "3 \"l\" list \"a\" \"a\" \"\" \"x\\x00y\" @1700000007000\n";
    assert_holds(expected);
    for (int i = 0; i < 3; i++) {
        reopen();
        assert_holds(expected);
    }
    assert_manifest("file appendonly.aof.1.incr.aof seq 1 type i\n");
    close_aof();
}
END_TEST

START_TEST(loading_and_rewriting_leave_the_store_s_settings)
{
    put_commands(FILES ".1.incr.aof", COMMANDS("HSET h a 1 b 2 c 3"));
    put_text(FILES ".manifest", "file appendonly.aof.1.incr.aof seq 1 type i\n");
    open_store();
    ck_assert_int_eq(kv_configure(db, KV_SETTING_HASH_PACK_COUNT, 2), KV_OK);
    ck_assert_int_eq(kv_configure(db, KV_SETTING_EVENTS, KV_EVENT_BY_KEY | KV_EVENT_ALL), KV_OK);
    ck_assert_int_eq(kv_configure(db, KV_SETTING_EXPIRE, 2), KV_OK);
    ck_assert_int_eq(aof_open_on(db, &options, &disk.io, &aof, message), KV_OK);
    kv_object_info info = KV_OPTIONS(kv_object_info);
    ck_assert_int_eq(kv_object(db, KV_TEXT("h"), &info), KV_OK);
    ck_assert_str_eq(info.encoding, "hashtable");
    ck_assert_int_eq(kvresp_aof_rewrite(aof), KV_OK);
    int64_t value = 0;
    ck_assert_int_eq(kv_configuration(db, KV_SETTING_HASH_PACK_COUNT, &value), KV_OK);
    ck_assert_int_eq(value, 2);
    ck_assert_int_eq(kv_configuration(db, KV_SETTING_EVENTS, &value), KV_OK);
    ck_assert_int_eq(value, KV_EVENT_BY_KEY | KV_EVENT_ALL);
    ck_assert_int_eq(kv_configuration(db, KV_SETTING_EXPIRE, &value), KV_OK);
    ck_assert_int_eq(value, 2);
    close_aof();
}
END_TEST

START_TEST(random_calls_leave_what_they_left)
{
    seed_random();
    open_aof();
    for (int round = 0; round < 100; round++) {
        random_work(db, &clock_ms, 50);
        if (rand() % 2) kv_tick(db, 0);
        char *before = dump_store(db);
        if (rand() % 2) {
            reopen();
        } else {
            /* The power fails after the host has waited. */
            ck_assert_int_eq(kvresp_aof_wait(aof, kvresp_aof_position(aof), 0), KV_OK);
            close_aof();
            disk_crash(&disk, false);
            open_aof();
        }
        dump_assert_same(before, dump_store(db));
    }
    close_aof();
}
END_TEST

/*
 * What was replaced, pushed to or counted before its deadline must not begin anew because that has
 * passed.
 */
START_TEST(a_key_that_expires_while_the_store_is_down_does_not_live_on_in_parts)
{
    open_aof();
    kv_set_options expiring = KV_OPTIONS(kv_set_options);
    expiring.ttl_ms = 1000;
    kv_slice element = KV_TEXT("x");
    kv_set(db, KV_TEXT("count"), KV_TEXT("5"), &expiring);
    kv_incr(db, KV_TEXT("count"), NULL);
    kv_rpush(db, KV_TEXT("list"), &element, 1, NULL);
    kv_expire(db, KV_TEXT("list"), 1000, 0);
    kv_rpush(db, KV_TEXT("list"), &element, 1, NULL);
    kv_set(db, KV_TEXT("kept"), KV_TEXT("1"), &expiring);
    kv_persist(db, KV_TEXT("kept"));
    close_aof();
    clock_ms += 2000;
    open_aof();
    assert_holds("0 \"kept\" string \"1\"\n");
    close_aof();
}
END_TEST

enum { THREADS = 4, EACH = 3000 };

static void *write_much(void *context)
{
    int self = *(int *)context;
    for (int i = 0; i < EACH; i++) {
        char key[32];
        snprintf(key, sizeof key, "%d:%d", self, i % 97);
        kv_slice value = kv_text(key);
        kv *view = kv_select(db, (uint32_t)(i % 3));
        if (i % 5 == 0) kv_del(view, &value, 1, NULL);
        else if (i % 5 == 1) kv_set(view, value, value, NULL);
        else kv_rpush(view, KV_TEXT("shared"), &value, 1, NULL);
    }
    return NULL;
}

START_TEST(many_threads_write_and_the_file_has_the_order_of_each_key)
{
    options.fsync = _i == 0 ? KVRESP_FSYNC_ALWAYS : KVRESP_FSYNC_EVERYSEC;
    open_aof();
    pthread_t threads[THREADS];
    int self[THREADS];
    for (int i = 0; i < THREADS; i++) {
        self[i] = i;
        pthread_create(&threads[i], NULL, write_much, &self[i]);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    char *before = dump_store(db);
    reopen();
    dump_assert_same(before, dump_store(db));
    close_aof();
}
END_TEST

/* ------------------------------------------------------------------------------------ rewriting */

static _Atomic bool is_enough;

static void *write_until_it_is_enough(void *context)
{
    while (!is_enough) write_much(context);
    return NULL;
}

/* _i: 0, 1 it is rewritten again and again; 2, 3 it also ends and begins. */
START_TEST(threads_write_while_the_file_is_rewritten)
{
    options.fsync = _i % 2 == 0 ? KVRESP_FSYNC_ALWAYS : KVRESP_FSYNC_EVERYSEC;
    open_aof();
    pthread_t threads[THREADS];
    int self[THREADS];
    is_enough = false;
    for (int i = 0; i < THREADS; i++) {
        self[i] = i;
        pthread_create(&threads[i], NULL, write_until_it_is_enough, &self[i]);
    }
    for (int turns = 0; stat_now(aof).rewrites < 12; turns++) {
        if (_i >= 2 && turns % 3 == 0) kvresp_aof_stop(aof);
        if (_i >= 2 && turns % 3 == 1) kvresp_aof_start(aof, message);
        kvresp_aof_rewrite(aof);
        usleep(2000);
    }
    is_enough = true;
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    ck_assert_int_eq(kvresp_aof_start(aof, message), KV_OK);
    await_rewrite(aof);
    ck_assert(!stat_now(aof).has_rewrite_failed);
    char *before = dump_store(db);
    reopen();
    dump_assert_same(before, dump_store(db));
    close_aof();
}
END_TEST

START_TEST(a_store_that_was_replaced_begins_anew)
{
    open_aof();
    kv_set(db, KV_TEXT("a"), KV_TEXT("1"), NULL);
    kvresp_aof_restart(aof);
    await_rewrite(aof);
    kv_set(db, KV_TEXT("b"), KV_TEXT("2"), NULL);
    reopen();
    assert_holds("0 \"a\" string \"1\"\n0 \"b\" string \"2\"\n");
    assert_manifest("file appendonly.aof.1.base.rdb seq 1 type b\n"
                    "file appendonly.aof.2.incr.aof seq 2 type i\n");
    close_aof();
}
END_TEST

START_TEST(a_file_that_is_off_is_none_until_it_begins)
{
    options.off = true;
    open_aof();
    ck_assert_uint_eq(disk.seen.count, 0);
    kv_set(db, KV_TEXT("a"), KV_TEXT("1"), NULL);
    ck_assert_int_eq(kvresp_aof_wait(aof, kvresp_aof_position(aof), 0), KV_OK);
    ck_assert_int_eq(kvresp_aof_load(aof, message), KV_BADARG);
    assert_message("empty store");
    ck_assert_int_eq(kvresp_aof_start(aof, message), KV_OK);
    await_rewrite(aof);
    ck_assert_int_eq(kvresp_aof_load(aof, message), KV_BADARG);
    close_aof();

    open_aof();
    ck_assert_int_eq(kvresp_aof_load(aof, message), KV_OK);
    assert_holds("0 \"a\" string \"1\"\n");
    kv_set(db, KV_TEXT("b"), KV_TEXT("2"), NULL);
    options.off = false;
    reopen();
    assert_holds("0 \"a\" string \"1\"\n0 \"b\" string \"2\"\n");
    close_aof();
}
END_TEST

START_TEST(what_is_later_than_wanted_is_neither_loaded_nor_touched)
{
    options.timestamps = true;
    open_aof();
    for (int i = 0; i < 5; i++) {
        char number[8];
        snprintf(number, sizeof number, "%d", i);
        kv_set(db, kv_text(number), kv_text(number), NULL);
        clock_ms += 1000;
        if (i != 1) continue;
        ck_assert_int_eq(kvresp_aof_rewrite(aof), KV_OK);
        await_rewrite(aof);
    }
    close_aof();
    size_t size = disk_file(&disk, FILES ".2.incr.aof")->size;

    options.load_until_s = 1700000003;
    open_aof();
    assert_holds("0 \"0\" string \"0\"\n0 \"1\" string \"1\"\n0 \"2\" string \"2\"\n"
                 "0 \"3\" string \"3\"\n");
    ck_assert_int_eq(kv_set(db, KV_TEXT("x"), KV_TEXT("x"), NULL), KV_READONLY);
    ck_assert_int_eq(kvresp_aof_rewrite(aof), KV_READONLY);
    ck_assert(!stat_now(aof).is_on);
    close_aof();
    ck_assert_uint_eq(disk_file(&disk, FILES ".2.incr.aof")->size, size);

    options.load_until_s = 1700000000; /* before the base was made */
    ck_assert_int_eq(try_open(), KV_BADARG);
    assert_message("later time");
    options.load_until_s = 1700000003;

    open_aof(); /* and once more, to go on from there */
    ck_assert_int_eq(kvresp_aof_start(aof, message), KV_OK);
    await_rewrite(aof);
    ck_assert_int_eq(kv_set(db, KV_TEXT("4"), KV_TEXT("anew"), NULL), KV_OK);
    options.load_until_s = 0;
    reopen();
    assert_holds("0 \"0\" string \"0\"\n0 \"1\" string \"1\"\n0 \"2\" string \"2\"\n"
                 "0 \"3\" string \"3\"\n0 \"4\" string \"anew\"\n");
    close_aof();
}
END_TEST

/* -------------------------------------------------------------------------------------- layouts */

START_TEST(a_base_in_commands_and_increments_load_in_order)
{
    put_commands(FILES ".1.base.aof", COMMANDS("SELECT 1", "SET a base", "SET b base"));
    put_commands(FILES ".4.incr.aof", COMMANDS("SET a first", "SELECT 1", "SET b first"));
    put_commands(FILES ".5.incr.aof", COMMANDS("SELECT 1", "SET c second"));
    put_text(FILES ".3.incr.aof", "garbage");
    const char *manifest = "file appendonly.aof.1.base.aof seq 1 type b\n"
                           "file appendonly.aof.3.incr.aof seq 3 type h\n"
                           "file appendonly.aof.4.incr.aof seq 4 type i\n"
                           "file appendonly.aof.5.incr.aof seq 5 type i\n";
    put_text(FILES ".manifest", manifest);
    open_aof();
    assert_holds("0 \"a\" string \"first\"\n1 \"a\" string \"base\"\n1 \"b\" string \"first\"\n"
                 "1 \"c\" string \"second\"\n");
    kvresp_aof_status status = KV_OPTIONS(kvresp_aof_status);
    kvresp_aof_stat(aof, &status);
    ck_assert_uint_eq(status.loaded_commands, 8);
    ck_assert_uint_eq(status.base_size, disk_file(&disk, FILES ".1.base.aof")->size);
    ck_assert_uint_eq(status.current_size, status.base_size +
                                               disk_file(&disk, FILES ".4.incr.aof")->size +
                                               disk_file(&disk, FILES ".5.incr.aof")->size);
    /* What was replaced is gone, from the disk and the manifest. */
    ck_assert_ptr_null(disk_file(&disk, FILES ".3.incr.aof"));
    assert_manifest("file appendonly.aof.1.base.aof seq 1 type b\n"
                    "file appendonly.aof.4.incr.aof seq 4 type i\n"
                    "file appendonly.aof.5.incr.aof seq 5 type i\n");
    kv_set(db, KV_TEXT("d"), KV_TEXT("third"), NULL);
    reopen();
    kv_buffer value = {0};
    ck_assert_int_eq(kv_get(db, KV_TEXT("d"), &value), KV_OK);
    kv_buffer_free(&value);
    close_aof();
}
END_TEST

START_TEST(an_empty_base_is_a_base)
{
    put_text(FILES ".1.base.rdb", "");
    put_text(FILES ".manifest", "file appendonly.aof.1.base.rdb seq 1 type b\n");
    open_aof();
    assert_holds("");
    kv_set(db, KV_TEXT("a"), KV_TEXT("1"), NULL);
    reopen();
    assert_holds("0 \"a\" string \"1\"\n");
    assert_manifest("file appendonly.aof.1.base.rdb seq 1 type b\n"
                    "file appendonly.aof.1.incr.aof seq 1 type i\n");
    close_aof();
}
END_TEST

/* The machine or the process (`_i`) stops at each step of becoming a directory of several files. */
START_TEST(the_one_file_of_old_becomes_the_base_whatever_happens)
{
    bool is_done = false;
    for (int step = 0; !is_done; step++) {
        ck_assert_int_lt(step, 60);
        begin();
        put_commands("data/appendonly.aof", COMMANDS("SET a old", "RPUSH l 1 2"));
        disk.die_at = step;
        kv_status status = try_open();
        is_done = disk.steps <= disk.die_at;
        if (status == KV_OK) {
            kvresp_aof_close(aof);
            kv_close(db);
        }
        disk_crash(&disk, _i == 1);
        open_aof();
        assert_holds("0 \"a\" string \"old\"\n0 \"l\" list \"1\" \"2\"\n");
        assert_manifest("file appendonly.aof seq 1 type b\n"
                        "file appendonly.aof.1.incr.aof seq 1 type i\n");
        /* A power failure between the syncs of two directories may leave both names. */
        if (_i == 1) ck_assert_ptr_null(disk_file(&disk, "data/appendonly.aof"));
        kv_set(db, KV_TEXT("a"), KV_TEXT("new"), NULL);
        reopen();
        assert_holds("0 \"a\" string \"new\"\n0 \"l\" list \"1\" \"2\"\n");
        close_aof();
        end();
    }
}
END_TEST

START_TEST(a_file_beside_a_directory_in_use_is_left_alone)
{
    put_commands("data/appendonly.aof", COMMANDS("SET a stray"));
    put_commands(FILES, COMMANDS("SET a base"));
    put_text(FILES ".manifest", "file appendonly.aof seq 1 type b\n");
    open_aof();
    assert_holds("0 \"a\" string \"base\"\n");
    ck_assert_ptr_nonnull(disk_file(&disk, "data/appendonly.aof"));
    close_aof();
}
END_TEST

START_TEST(names_are_the_options)
{
    options.directory = "elsewhere";
    options.directory_name = "dir";
    options.file_name = "odd name";
    open_aof();
    close_aof();
    ck_assert_ptr_nonnull(disk_file(&disk, "elsewhere/dir/odd name.1.incr.aof"));
    const struct disk_inode *file = disk_file(&disk, "elsewhere/dir/odd name.manifest");
    ck_assert_ptr_nonnull(file);
    ck_assert_mem_eq(file->bytes, "file \"odd name.1.incr.aof\" seq 1", 32);
    open_aof();
    close_aof();
}
END_TEST

/* ------------------------------------------------------------------------------------- refusals */

START_TEST(a_directory_in_use_is_refused)
{
    open_aof();
    kv *first_db = db;
    kvresp_aof *first = aof;
    ck_assert_int_eq(try_open(), KV_BADARG);
    assert_message(DIRECTORY);
    assert_message("in use");
    db = first_db;
    aof = first;
    close_aof();
    open_aof();
    close_aof();
}
END_TEST

START_TEST(a_store_with_keys_is_refused)
{
    open_store();
    kv_set(db, KV_TEXT("a"), KV_TEXT("1"), NULL);
    ck_assert_int_eq(aof_open_on(db, &options, &disk.io, &aof, message), KV_BADARG);
    assert_message("empty store");
    kv_close(db);
}
END_TEST

START_TEST(paths_for_names_are_refused)
{
    const char *const paths[] = {"a/b", "", ".", "..", "/"};
    for (int i = 0; i < 5; i++) {
        options.directory_name = paths[i];
        options.file_name = NULL;
        ck_assert_int_eq(try_open(), KV_BADARG);
        options.directory_name = NULL;
        options.file_name = paths[i];
        ck_assert_int_eq(try_open(), KV_BADARG);
        assert_message("must be names");
    }
}
END_TEST

static const struct {
    const char *manifest, *message;
} refusals[] = {
    {"file missing.aof seq 1 type i\n", "missing.aof, offset 0: is in the manifest and cannot be"},
    {"nonsense\n", "appendonly.aof.manifest, line 1, offset 0: words must come in pairs"},
    {"", "appendonly.aof.manifest, line 1, offset 0: the manifest is empty"},
    {"file torn.aof seq 1 type b\nfile whole.aof seq 1 type i\n",
     "torn.aof, offset 22: the file ends too early, and is not the last"},
    {"file damaged.aof seq 1 type i\n", "damaged.aof, offset 22: expected '*'"},
    {"file unknown.aof seq 1 type i\n", "unknown.aof, offset 22: "},
    {"file wrongtype.aof seq 1 type i\n", "wrongtype.aof, offset 30: RPUSH failed: "},
    {"file select.aof seq 1 type i\n", "select.aof, offset 0: SELECT"},
};

START_TEST(what_cannot_be_loaded_is_refused_with_file_and_offset)
{
    put_commands(DIRECTORY "/whole.aof", COMMANDS("SET a 1"));
    put_text(DIRECTORY "/torn.aof", "*2\r\n$3\r\nDEL\r\n$3\r\nkey\r\n*3");
    put_text(DIRECTORY "/damaged.aof", "*2\r\n$3\r\nDEL\r\n$3\r\nkey\r\n!\r\n");
    put_commands(DIRECTORY "/unknown.aof", COMMANDS("DEL key", "FROBNICATE key"));
    put_commands(DIRECTORY "/wrongtype.aof", COMMANDS("SET key v1", "RPUSH key x"));
    put_commands(DIRECTORY "/select.aof", COMMANDS("SELECT 16"));
    put_text(FILES ".manifest", refusals[_i].manifest);
    ck_assert_int_eq(try_open(), KV_BADARG);
    assert_message(refusals[_i].message);

    /* The refusal has let go of everything: the next try gets as far. */
    ck_assert_int_eq(try_open(), KV_BADARG);
    assert_message(refusals[_i].message);
}
END_TEST

START_TEST(a_torn_tail_is_refused_if_so_wished)
{
    put_text(FILES ".1.incr.aof", "*2\r\n$3\r\nDEL\r\n$3\r\nkey\r\n*3");
    put_text(FILES ".manifest", "file appendonly.aof.1.incr.aof seq 1 type i\n");
    options.refuse_truncated = true;
    ck_assert_int_eq(try_open(), KV_BADARG);
    assert_message("appendonly.aof.1.incr.aof, offset 22: the file ends too early");
    options.refuse_truncated = false;
    open_aof();
    kv_set(db, KV_TEXT("a"), KV_TEXT("1"), NULL);
    reopen();
    assert_holds("0 \"a\" string \"1\"\n");
    close_aof();
}
END_TEST

/*
 * Each call to the disk fails in turn while a store is opened: a message, nothing lost, nothing
 * left open.
 */
START_TEST(opening_survives_the_failure_of_each_of_its_steps)
{
    kv_status status = KV_BADARG;
    for (int step = 0; status != KV_OK; step++) {
        ck_assert_int_lt(step, 60);
        begin();
        put_commands("data/appendonly.aof", COMMANDS("SET a old"));
        disk.fail_at = step;
        disk.fail_error = EACCES;
        status = try_open();
        if (status == KV_OK) close_aof();
        else assert_message("Permission denied");
        bool has_failed = disk.steps > disk.fail_at;
        disk.fail_at = DISK_EVERY;
        ck_assert_int_eq(disk_lock_count(&disk), 0);
        for (int i = 0; i < DISK_FILES; i++) ck_assert_ptr_null(disk.open[i]);
        open_aof();
        assert_holds("0 \"a\" string \"old\"\n");
        close_aof();
        if (has_failed) status = KV_BADARG; /* where a failure does no harm, as in cleaning up */
        end();
    }
}
END_TEST

/* ---------------------------------------------------------------------------------- a sick disk */

static void wait_for_accepting(int64_t wanted)
{
    int64_t accepts = -1;
    for (int i = 0; i < 5000 && accepts != wanted; i++) {
        usleep(1000);
        kv_configuration(db, KV_SETTING_ACCEPT_WRITES, &accepts);
    }
    ck_assert_int_eq(accepts, wanted);
}

START_TEST(a_full_disk_refuses_writes_and_recovers_by_itself)
{
    options.fsync = KVRESP_FSYNC_ALWAYS;
    open_aof();
    kv_set(db, KV_TEXT("a"), KV_TEXT("1"), NULL);
    ck_assert_int_eq(kvresp_aof_wait(aof, kvresp_aof_position(aof), 0), KV_OK);
    pthread_mutex_lock(&disk.lock);
    disk.space = disk_used(&disk);
    pthread_mutex_unlock(&disk.lock);
    ck_assert_int_eq(kv_set(db, KV_TEXT("b"), KV_TEXT("2"), NULL), KV_OK);
    wait_for_accepting(0);
    ck_assert_int_eq(kv_set(db, KV_TEXT("c"), KV_TEXT("3"), NULL), KV_READONLY);
    ck_assert_int_eq(kvresp_aof_wait(aof, kvresp_aof_position(aof), 0), KV_READONLY);
    kvresp_aof_status status = KV_OPTIONS(kvresp_aof_status);
    kvresp_aof_stat(aof, &status);
    ck_assert_int_eq(status.error, ENOSPC);

    pthread_mutex_lock(&disk.lock);
    disk.space = SIZE_MAX;
    pthread_mutex_unlock(&disk.lock);
    wait_for_accepting(1);
    ck_assert_int_eq(kv_set(db, KV_TEXT("c"), KV_TEXT("3"), NULL), KV_OK);
    ck_assert_int_eq(kvresp_aof_wait(aof, kvresp_aof_position(aof), 0), KV_OK);
    kvresp_aof_stat(aof, &status);
    ck_assert_int_eq(status.error, 0);
    close_aof();
    disk_crash(&disk, false);
    open_aof();
    assert_holds("0 \"a\" string \"1\"\n0 \"b\" string \"2\"\n0 \"c\" string \"3\"\n");
    close_aof();
}
END_TEST

START_TEST(the_hosts_own_refusal_of_writes_stays)
{
    open_aof();
    kv_set(db, KV_TEXT("a"), KV_TEXT("1"), NULL);
    kv_configure(db, KV_SETTING_ACCEPT_WRITES, 0);
    pthread_mutex_lock(&disk.lock);
    disk.fail_at = disk.steps;
    pthread_mutex_unlock(&disk.lock);
    kvresp_aof_wait(aof, kvresp_aof_position(aof), 0);
    while (kvresp_aof_wait(aof, kvresp_aof_position(aof), 0) != KV_OK) usleep(1000);
    int64_t accepts = 1;
    kv_configuration(db, KV_SETTING_ACCEPT_WRITES, &accepts);
    ck_assert_int_eq(accepts, 0);
    close_aof();
}
END_TEST

/* ------------------------------------------------------------------------------- the real thing */

/* A child writes and says what was acknowledged; it is killed; what it said must be there. */
START_TEST(an_acknowledged_write_survives_kill_9)
{
    char directory[] = "/tmp/kvstore-test-aof-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(directory));
    int acknowledged = 0;
    seed_random();
    for (int round = 0; round < 10; round++) {
        int ends[2];
        ck_assert_int_eq(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0) {
            kv_open(NULL, &db);
            kvresp_aof_options always = KV_OPTIONS(kvresp_aof_options);
            always.directory = directory;
            always.fsync = KVRESP_FSYNC_ALWAYS;
            if (kvresp_aof_open(db, &always, &aof, message) != KV_OK) _exit(1);
            for (int i = acknowledged;; i++) {
                char text[16];
                kv_slice element = kv_bytes(text, (size_t)snprintf(text, sizeof text, "%d", i));
                kv_rpush(db, KV_TEXT("list"), &element, 1, NULL);
                if (kvresp_aof_wait(aof, kvresp_aof_position(aof), 0) != KV_OK) _exit(1);
                if (write(ends[1], "x", 1) != 1) _exit(1);
            }
        }
        close(ends[1]);
        char bytes[64];
        int wanted = 1 + rand() % 60;
        for (int got = 0; got < wanted;) {
            ssize_t n = read(ends[0], bytes, (size_t)(wanted - got));
            ck_assert_int_gt(n, 0);
            got += (int)n;
            acknowledged += (int)n;
        }
        kill(child, SIGKILL);
        ssize_t n;
        while ((n = read(ends[0], bytes, sizeof bytes)) > 0) acknowledged += (int)n;
        close(ends[0]);
        waitpid(child, NULL, 0);

        ck_assert_int_eq(kv_open(NULL, &db), KV_OK);
        kvresp_aof_options plain = KV_OPTIONS(kvresp_aof_options);
        plain.directory = directory;
        kv_status status = kvresp_aof_open(db, &plain, &aof, message);
        ck_assert_msg(status == KV_OK, "%s", message);
        uint64_t length = 0;
        kv_llen(db, KV_TEXT("list"), &length);
        ck_assert_int_ge((int)length, acknowledged);
        acknowledged = (int)length;
        kv_buffer element = {0};
        kv_lindex(db, KV_TEXT("list"), -1, &element);
        char last[16];
        size_t last_size = (size_t)snprintf(last, sizeof last, "%d", acknowledged - 1);
        ck_assert_uint_eq(element.size, last_size);
        ck_assert_mem_eq(element.data, last, last_size);
        kv_buffer_free(&element);
        close_aof();
    }
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", directory);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

START_TEST(the_machines_own_directory_is_locked_between_processes)
{
    char directory[] = "/tmp/kvstore-test-aof-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(directory));
    options.directory = directory;
    kvresp_aof *second;
    kv *second_db;
    open_store();
    ck_assert_int_eq(kvresp_aof_open(db, &options, &aof, message), KV_OK);
    ck_assert_int_eq(kv_open(NULL, &second_db), KV_OK);
    ck_assert_int_eq(kvresp_aof_open(second_db, &options, &second, message), KV_BADARG);
    assert_message("in use");
    close_aof();
    ck_assert_int_eq(kvresp_aof_open(second_db, &options, &second, NULL), KV_OK);
    ck_assert_int_eq(kvresp_aof_close(second), KV_OK);

    options.directory = "/nowhere/at/all";
    ck_assert_int_eq(kvresp_aof_open(second_db, &options, &second, message), KV_BADARG);
    assert_message(
        "/nowhere/at/all/appendonlydir, offset 0: cannot create the directory: No such file");
    kv_close(second_db);
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", directory);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("aof");
    TCase *tests = tcase_create("stores");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, what_was_written_is_there_again);
    tcase_add_test(tests, random_calls_leave_what_they_left);
    tcase_add_test(tests, loading_and_rewriting_leave_the_store_s_settings);
    tcase_add_test(tests, a_key_that_expires_while_the_store_is_down_does_not_live_on_in_parts);
    tcase_add_loop_test(tests, many_threads_write_and_the_file_has_the_order_of_each_key, 0, 2);
    tcase_add_loop_test(tests, threads_write_while_the_file_is_rewritten, 0, 4);
    tcase_add_test(tests, a_store_that_was_replaced_begins_anew);
    tcase_add_test(tests, a_file_that_is_off_is_none_until_it_begins);
    tcase_add_test(tests, what_is_later_than_wanted_is_neither_loaded_nor_touched);
    tcase_add_test(tests, a_base_in_commands_and_increments_load_in_order);
    tcase_add_test(tests, an_empty_base_is_a_base);
    tcase_add_test(tests, a_file_beside_a_directory_in_use_is_left_alone);
    tcase_add_test(tests, names_are_the_options);
    tcase_add_test(tests, a_directory_in_use_is_refused);
    tcase_add_test(tests, a_store_with_keys_is_refused);
    tcase_add_test(tests, paths_for_names_are_refused);
    tcase_add_loop_test(tests, what_cannot_be_loaded_is_refused_with_file_and_offset, 0,
                        sizeof refusals / sizeof *refusals);
    tcase_add_test(tests, a_torn_tail_is_refused_if_so_wished);
    tcase_add_test(tests, a_full_disk_refuses_writes_and_recovers_by_itself);
    tcase_add_test(tests, the_hosts_own_refusal_of_writes_stays);
    tcase_add_test(tests, an_acknowledged_write_survives_kill_9);
    tcase_add_test(tests, the_machines_own_directory_is_locked_between_processes);
    suite_add_tcase(suite, tests);

    TCase *rounds = tcase_create("rounds"); /* these begin and end by themselves, many times */
    tcase_set_timeout(rounds, 120);
    tcase_add_loop_test(rounds, the_one_file_of_old_becomes_the_base_whatever_happens, 0, 2);
    tcase_add_test(rounds, opening_survives_the_failure_of_each_of_its_steps);
    suite_add_tcase(suite, rounds);

    return unit_run(suite);
}
