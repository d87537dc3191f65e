/*
 * tests/resp/test_aof_writer.c -- resp/aof_writer, step by step, on a disk that fails. Time is by
 * hand.
 */
#include "resp/aof_loader.h"
#include "resp/aof_writer.h"
#include "resp/text.h"

#include "../unit.h"
#include "aof_disk.h"
#include "aof_record.h"

enum { MS = 1000, SECOND = 1000 * MS };

static struct disk disk;
static struct aof_files files;
static struct aof_writer writer;
static struct record lines; /* for its log */
static bool accepts;
static char message[AOF_MESSAGE_SIZE];
static kv_buffer journal; /* what was appended, one line a change: "database command" */
static size_t journal_count;

static void accept_writes(void *context, bool accept)
{
    (void)context;
    ck_assert_int_ne(accept, accepts);
    accepts = accept;
}

static kv_status open_writer_of(kvresp_fsync fsync, uint64_t size)
{
    struct aof_writer_options options = {
        .files = &files,
        .log = {record_log, &lines},
        .fsync = fsync,
        .accept_writes = accept_writes,
    };
    ck_assert_int_eq(aof_writer_open(&writer, &options), KV_OK);
    writer.follows = true;
    kv_status status = aof_writer_begin(&writer, size, 0, message);
    if (status != KV_OK) aof_writer_close(&writer);
    return status;
}

static void open_writer(kvresp_fsync fsync)
{
    ck_assert_int_eq(open_writer_of(fsync, 0), KV_OK);
}

static void begin(void)
{
    disk_open_empty(&disk);
    record_open(&lines);
    kvresp_aof_options names = {.directory = "p", .directory_name = "d", .file_name = "f"};
    ck_assert_int_eq(aof_files_name(&files, &names, &disk.io, message), KV_OK);
    accepts = true;
    journal = (kv_buffer){0};
    journal_count = 0;
}

static void end(void)
{
    aof_writer_close(&writer);
    aof_files_close(&files);
    record_close(&lines);
    kv_buffer_free(&journal);
    disk_free(&disk);
}

/* Appends "RPUSH list <number>", which must be applied once and in order to come out right. */
static void append_to(uint32_t database)
{
    char number[16];
    int size = snprintf(number, sizeof number, "%zu", journal_count++);
    kv_slice arguments[] = {KV_TEXT("RPUSH"), KV_TEXT("list"), kv_bytes(number, (size_t)size)};
    kv_change change = {.database = database, .argument_count = 3, .arguments = arguments};
    aof_backlog_append(&writer.backlog, &change, 1);
    text_format(&journal, "%u RPUSH list %s\n", (unsigned)database, number);
}

static void append_bytes(size_t size)
{
    void *value = calloc(1, size);
    kv_slice arguments[] = {KV_TEXT("ECHO"), kv_bytes(value, size)};
    kv_change change = {.argument_count = 2, .arguments = arguments};
    aof_backlog_append(&writer.backlog, &change, 1);
    free(value);
}

static uint64_t appended(void)
{
    return aof_backlog_position(&writer.backlog);
}

/* --------------------------------------------------------------------------------- reading back */

struct reading {
    kv_buffer text;
    size_t count;
    long database;
};

static kv_status reading_apply(void *context, const struct aof_command *commands, size_t count,
                               size_t *failed, char why[AOF_WHY_SIZE])
{
    struct reading *reading = context;
    (void)failed;
    (void)why;
    for (size_t i = 0; i < count; i++) {
        const kv_slice *arguments = commands[i].arguments;
        if (text_is(arguments[0], "select")) {
            reading->database = strtol(arguments[1].data, NULL, 10);
            continue;
        }
        text_format(&reading->text, "%ld", reading->database);
        for (size_t j = 0; j < commands[i].argument_count; j++) {
            text_append_string(&reading->text, " ");
            text_append(&reading->text, arguments[j]);
        }
        text_append_string(&reading->text, "\n");
        reading->count++;
    }
    return KV_OK;
}

/* Loads what the disk has, as a server would that starts now. */
static struct reading read_back(void)
{
    struct reading reading = {0};
    const struct disk_inode *file = disk_file(&disk, "p/d/f.manifest");
    if (file == NULL) return reading;
    struct aof_manifest manifest = {0};
    ck_assert_msg(aof_manifest_parse(&manifest, kv_bytes(file->bytes, file->size), message) ==
                      KV_OK,
                  "%s", message);
    struct aof_sink sink = {reading_apply, &reading};
    struct aof_loader loader = {
        .io = &disk.io, .sink = &sink, .log = &(struct aof_log){NULL, NULL}, .max_text = 1 << 20};
    for (size_t i = 0; i < manifest.count; i++) {
        char *path = aof_path("p/d", manifest.files[i].name);
        uint64_t size;
        reading.database = 0;
        kv_status status =
            aof_load_file(&loader, path, i + 1 == manifest.count, true, &size, message);
        ck_assert_msg(status == KV_OK, "%s: %d %s", path, status, message);
        free(path);
    }
    aof_manifest_clear(&manifest);
    return reading;
}

/* What is on the disk is a beginning of the journal, of at least `count` changes. */
static void assert_reads_at_least(size_t count)
{
    struct reading reading = read_back();
    ck_assert_uint_ge(reading.count, count);
    ck_assert_uint_le(reading.text.size, journal.size);
    if (reading.text.size > 0) ck_assert_mem_eq(reading.text.data, journal.data, reading.text.size);
    kv_buffer_free(&reading.text);
}

static void assert_reads_all(void)
{
    assert_reads_at_least(journal_count);
}

/* --------------------------------------------------------------------------------------- rhythm */

START_TEST(a_new_file_is_on_disk_before_anything_is_written)
{
    open_writer(KVRESP_FSYNC_ALWAYS);
    disk_crash(&disk, false);
    ck_assert_ptr_nonnull(disk_file(&disk, "p/d/f.1.incr.aof"));
    const struct disk_inode *file = disk_file(&disk, "p/d/f.manifest");
    const char *text = "file f.1.incr.aof seq 1 type i\n";
    ck_assert_uint_eq(file->size, strlen(text));
    ck_assert_mem_eq(file->bytes, text, file->size);
    disk.open[writer.file] = disk.inodes[0];
}
END_TEST

START_TEST(everysec_writes_within_a_millisecond_and_syncs_within_a_second)
{
    open_writer(KVRESP_FSYNC_EVERYSEC);
    int64_t now = 100 * SECOND;
    ck_assert_uint_eq(writer.wake_position, 1);
    append_to(0);
    aof_writer_step(&writer, now);
    ck_assert_uint_eq(writer.written_position, 0);
    ck_assert_int_eq(writer.wake_us, now + MS);

    append_to(0);
    aof_writer_step(&writer, now += MS);
    ck_assert_uint_eq(writer.written_position, appended());
    ck_assert_uint_eq(writer.synced_position, appended()); /* the last sync was long ago */
    ck_assert_int_eq(writer.wake_us, INT64_MAX);

    append_to(0);
    aof_writer_step(&writer, now);
    aof_writer_step(&writer, now + MS);
    ck_assert_uint_eq(writer.written_position, appended());
    ck_assert_uint_lt(writer.synced_position, appended());
    ck_assert_int_eq(writer.wake_us, now + SECOND);
    ck_assert_uint_eq(writer.wake_position, appended() + 1);
    int syncs = disk.syncs;
    aof_writer_step(&writer, now + SECOND - 1);
    ck_assert_int_eq(disk.syncs, syncs);
    aof_writer_step(&writer, now + SECOND);
    ck_assert_int_eq(disk.syncs, syncs + 1);
    ck_assert_uint_eq(writer.synced_position, appended());
    disk_crash(&disk, false);
    assert_reads_all();
}
END_TEST

START_TEST(much_is_written_at_once_and_very_much_is_synced)
{
    open_writer(KVRESP_FSYNC_EVERYSEC);
    append_bytes(300000);
    aof_writer_step(&writer, SECOND);
    ck_assert_uint_eq(writer.written_position, appended());
    ck_assert_uint_eq(writer.synced_position, appended());
    append_bytes(3 << 20);
    aof_writer_step(&writer, SECOND + 1);
    ck_assert_uint_eq(writer.written_position, appended());
    ck_assert_uint_lt(writer.synced_position, appended());
    append_bytes(2 << 20);
    aof_writer_step(&writer, SECOND + 2);
    ck_assert_uint_eq(writer.synced_position, appended());
}
END_TEST

START_TEST(under_load_a_write_waits_for_more)
{
    open_writer(KVRESP_FSYNC_EVERYSEC);
    int64_t now = SECOND;
    append_bytes(300000);
    aof_writer_step(&writer, now);
    uint64_t written = writer.written_position;
    ck_assert_uint_eq(written, appended());
    ck_assert_uint_eq(writer.wake_position,
                      written + (1 << 20)); /* the next byte does not wake it */
    ck_assert_int_eq(writer.wake_us, now + 10 * MS);

    append_to(0);
    aof_writer_step(&writer, now + 5 * MS);
    ck_assert_uint_eq(writer.written_position, written);
    ck_assert_int_eq(writer.wake_us, now + 10 * MS);
    append_bytes(1 << 20);
    aof_writer_step(&writer, now += 6 * MS); /* that is enough */
    ck_assert_uint_eq(writer.written_position, appended());

    append_to(0);
    aof_writer_step(&writer, now += 10 * MS); /* less than it was worth waiting for */
    ck_assert_uint_eq(writer.written_position, appended());
    ck_assert_uint_eq(writer.wake_position, appended() + 1);
    append_to(0);
    aof_writer_step(&writer, now);
    ck_assert_int_eq(writer.wake_us, now + MS);
}
END_TEST

START_TEST(always_writes_and_syncs_all_that_waits_in_one_step)
{
    open_writer(KVRESP_FSYNC_ALWAYS);
    for (int i = 0; i < 10; i++) append_to(0);
    int syncs = disk.syncs;
    aof_writer_step(&writer, 1);
    ck_assert_int_eq(disk.syncs, syncs + 1);
    ck_assert_uint_eq(writer.synced_position, appended());
    ck_assert_uint_eq(writer.wake_position, appended() + 1);
    disk_crash(&disk, false);
    assert_reads_all();
}
END_TEST

START_TEST(no_syncs_only_when_asked_or_at_the_end)
{
    open_writer(KVRESP_FSYNC_NO);
    append_to(0);
    int syncs = disk.syncs;
    for (int64_t now = SECOND; now < 10 * SECOND; now += SECOND) aof_writer_step(&writer, now);
    ck_assert_uint_eq(writer.written_position, appended());
    ck_assert_int_eq(disk.syncs, syncs);
    ck_assert_int_eq(aof_writer_wait(&writer, appended(), 1), KV_TIMEOUT);
    aof_writer_step(&writer, 10 * SECOND);
    ck_assert_int_eq(disk.syncs, syncs + 1);
    ck_assert_int_eq(aof_writer_wait(&writer, appended(), 1), KV_OK);
    append_to(0);
    ck_assert_int_eq(aof_writer_finish(&writer), KV_OK);
    disk_crash(&disk, false);
    assert_reads_all();
}
END_TEST

START_TEST(a_wait_is_served_without_gathering_and_refuses_nonsense)
{
    open_writer(KVRESP_FSYNC_EVERYSEC);
    append_to(0);
    ck_assert_int_eq(aof_writer_wait(&writer, appended() + 1, 1), KV_BADARG);
    ck_assert_int_eq(aof_writer_wait(&writer, appended(), -1), KV_BADARG);
    ck_assert_int_eq(aof_writer_wait(&writer, appended(), 1), KV_TIMEOUT);
    aof_writer_step(&writer, 0);
    ck_assert_int_eq(aof_writer_wait(&writer, appended(), 0), KV_OK);
    ck_assert_int_eq(aof_writer_wait(&writer, 0, 0), KV_OK);
}
END_TEST

START_TEST(the_policy_changes_at_any_time)
{
    open_writer(KVRESP_FSYNC_NO);
    append_to(0);
    aof_writer_step(&writer, 0);
    aof_writer_step(&writer, SECOND);
    aof_writer_set_fsync(&writer, KVRESP_FSYNC_ALWAYS);
    aof_writer_step(&writer, SECOND);
    ck_assert_uint_eq(writer.synced_position, appended());
    append_to(0);
    aof_writer_step(&writer, SECOND);
    ck_assert_uint_eq(writer.synced_position, appended());
    aof_writer_set_fsync(&writer, KVRESP_FSYNC_EVERYSEC);
    append_to(0);
    aof_writer_step(&writer, SECOND);
    aof_writer_step(&writer, SECOND + MS);
    ck_assert_uint_lt(writer.synced_position, appended());
}
END_TEST

START_TEST(an_earlier_file_is_continued_after_its_end)
{
    open_writer(KVRESP_FSYNC_ALWAYS);
    append_to(5);
    ck_assert_int_eq(aof_writer_finish(&writer), KV_OK);
    uint64_t size = writer.file_size;
    aof_writer_close(&writer);

    ck_assert_int_eq(open_writer_of(KVRESP_FSYNC_ALWAYS, size), KV_OK);
    append_to(0); /* the database must be selected again */
    aof_writer_step(&writer, 0);
    assert_reads_all();
    ck_assert_uint_eq(files.manifest.count, 1);
}
END_TEST

START_TEST(a_file_that_no_manifest_lists_is_not_overwritten)
{
    disk_put_file(&disk, "p/d/f.1.incr.aof", "data", 4);
    ck_assert_int_eq(open_writer_of(KVRESP_FSYNC_ALWAYS, 0), KV_BADARG);
    ck_assert_has(message, "p/d/f.1.incr.aof");
    ck_assert_has(message, "not in the manifest");
    ck_assert_uint_eq(disk_file(&disk, "p/d/f.1.incr.aof")->size, 4);
    disk_remove(&disk, "p/d/f.1.incr.aof");
    open_writer(KVRESP_FSYNC_ALWAYS);
}
END_TEST

/* ---------------------------------------------------------------------------------- a full disk */

START_TEST(a_full_disk_refuses_writes_until_there_is_room)
{
    open_writer(_i == 0 ? KVRESP_FSYNC_ALWAYS : _i == 1 ? KVRESP_FSYNC_EVERYSEC : KVRESP_FSYNC_NO);
    append_to(0);
    aof_writer_step(&writer, 0);
    aof_writer_step(&writer, MS);
    uint64_t written = writer.written_position, size = disk_file(&disk, "p/d/f.1.incr.aof")->size;
    disk.space = disk_used(&disk) + 50; /* in the middle of the second record */
    append_to(0);
    append_to(0);
    int64_t now = SECOND;
    aof_writer_step(&writer, now);
    aof_writer_step(&writer, now += MS);
    ck_assert(!accepts);
    ck_assert_int_eq(writer.error, ENOSPC);
    ck_assert_has(lines.warning, "No space left on device");
    ck_assert_uint_eq(writer.written_position, written);
    ck_assert_uint_eq(disk_file(&disk, "p/d/f.1.incr.aof")->size, size);
    ck_assert_int_eq(aof_writer_wait(&writer, appended(), 1000), KV_READONLY);

    now = writer.wake_us - 100 * MS; /* when it failed: gathering may have come first */
    ck_assert(now == SECOND || now == SECOND + MS);

    /* Attempts come after 100, 200, 400, 800, 1000, 1000... milliseconds, and not sooner. */
    for (int64_t delay = 100 * MS, i = 0; i < 6; i++) {
        ck_assert_int_eq(writer.wake_us, now + delay);
        ck_assert_uint_eq(writer.wake_position, UINT64_MAX);
        int steps = disk.steps;
        aof_writer_step(&writer, now + delay - 1);
        ck_assert_int_eq(disk.steps, steps);
        aof_writer_step(&writer, now += delay);
        ck_assert_int_gt(disk.steps, steps);
        delay = delay < 500 * MS ? 2 * delay : SECOND;
    }
    disk.space = SIZE_MAX;
    append_to(0);
    aof_writer_step(&writer, now + SECOND);
    ck_assert(accepts);
    ck_assert_int_eq(writer.error, 0);
    ck_assert_uint_eq(writer.written_position, appended());
    ck_assert_int_eq(aof_writer_finish(&writer), KV_OK);
    disk_crash(&disk, false);
    assert_reads_all();
}
END_TEST

START_TEST(an_end_on_a_full_disk_says_so)
{
    open_writer(KVRESP_FSYNC_EVERYSEC);
    disk.space = 0;
    append_to(0);
    ck_assert_int_eq(aof_writer_finish(&writer), KV_BADARG);
    disk.space = SIZE_MAX;
    ck_assert_int_eq(aof_writer_finish(&writer), KV_OK);
    assert_reads_all();
}
END_TEST

START_TEST(short_writes_are_continued)
{
    open_writer(KVRESP_FSYNC_ALWAYS);
    disk.short_write = 7;
    for (int i = 0; i < 20; i++) append_to(0);
    aof_writer_step(&writer, 0);
    disk_crash(&disk, false);
    assert_reads_all();
}
END_TEST

/* --------------------------------------------------------------------------------- failed syncs */

START_TEST(what_a_failed_sync_left_in_doubt_is_written_to_a_new_file)
{
    open_writer(_i == 0 ? KVRESP_FSYNC_ALWAYS : KVRESP_FSYNC_EVERYSEC);
    for (int i = 0; i < 5; i++) append_to(7);
    aof_writer_step(&writer, 0);
    aof_writer_step(&writer, 2 * SECOND);
    ck_assert_uint_eq(writer.synced_position, appended());
    uint64_t good = writer.synced_size;

    disk.sync_failures = 1;
    append_to(7);
    append_to(7);
    int64_t now = 4 * SECOND;
    aof_writer_step(&writer, now);
    aof_writer_step(&writer, now += MS);
    ck_assert(!accepts);
    ck_assert_uint_lt(writer.synced_position, appended());
    append_to(7); /* a call that was under way */
    aof_writer_step(&writer, now + SECOND);
    ck_assert(accepts);
    ck_assert_uint_eq(writer.synced_position, appended());
    ck_assert_uint_eq(files.manifest.count, 2);
    ck_assert_uint_eq(disk_file(&disk, "p/d/f.1.incr.aof")->size, good);
    ck_assert_uint_eq(writer.earlier_size, good);
    append_to(8);
    append_to(7);
    ck_assert_int_eq(aof_writer_finish(&writer), KV_OK);
    ck_assert_uint_eq(writer.file_size, disk_file(&disk, "p/d/f.2.incr.aof")->size);
    disk_crash(&disk, false);
    assert_reads_all();
}
END_TEST

/* Each call to the disk fails, once or three times, while a failed sync is recovered from. */
START_TEST(recovery_survives_the_failure_of_each_of_its_steps)
{
    bool has_reached_the_end = false;
    for (int step = 0; !has_reached_the_end; step++) {
        ck_assert_int_lt(step, 100);
        begin();
        open_writer(KVRESP_FSYNC_ALWAYS);
        append_to(3);
        aof_writer_step(&writer, 0);
        disk.sync_failures = 1;
        append_to(3);
        aof_writer_step(&writer, 1);
        ck_assert(!accepts);

        disk.fail_at = disk.steps + step;
        disk.fail_count = _i == 0 ? 1 : 3;
        int64_t now = SECOND;
        for (int i = 0; i < 20 && !accepts; i++) aof_writer_step(&writer, now += SECOND);
        has_reached_the_end = disk.steps <= disk.fail_at;
        ck_assert(accepts);
        ck_assert_uint_eq(writer.synced_position, appended());
        append_to(3);
        for (int i = 0; i < 10; i++) aof_writer_step(&writer, now += SECOND);
        disk_crash(&disk, false);
        assert_reads_all();
        end();
    }
}
END_TEST

static size_t acknowledged;

/*
 * Some appends and steps; notes how many changes were synced, and so could have been acknowledged.
 */
static void run_script(void)
{
    int64_t now = 0;
    for (int i = 0; i < 12; i++) {
        if (i == 5) disk.sync_failures = 1;
        append_to(i < 8 ? 0 : 2);
        if (i % 3 == 1) append_to(1);
        for (int tries = 0; tries < 3; tries++) aof_writer_step(&writer, now += 2 * SECOND);
        if (writer.synced_position == appended()) acknowledged = journal_count;
    }
}

/* The machine or the process (`_i`) stops at each step, recovery from a failed sync included. */
START_TEST(whatever_was_synced_survives_a_crash_at_any_step)
{
    int step = 0, steps = INT32_MAX;
    for (; step < steps; step++) {
        begin();
        acknowledged = 0;
        open_writer(KVRESP_FSYNC_ALWAYS);
        int first = disk.steps;
        disk.die_at = first + step;
        run_script();
        if (disk.steps < disk.die_at) steps = step;
        if (step == 0) ck_assert_uint_eq(acknowledged, 0);
        disk_crash(&disk, _i == 1);
        assert_reads_at_least(acknowledged);
        end();
    }
    ck_assert_int_gt(step, 30);
}
END_TEST

START_TEST(under_no_a_failed_sync_cannot_be_made_good_and_is_not_hidden)
{
    open_writer(KVRESP_FSYNC_NO);
    append_to(0);
    aof_writer_step(&writer, 0);
    aof_writer_step(&writer, SECOND);
    disk.sync_failures = 1;
    ck_assert_int_eq(aof_writer_wait(&writer, appended(), 1), KV_TIMEOUT);
    aof_writer_step(&writer, 2 * SECOND);
    ck_assert(!accepts);
    ck_assert_has(lines.warning, "no longer in memory");
    for (int64_t now = 3 * SECOND; now < 10 * SECOND; now += SECOND) aof_writer_step(&writer, now);
    ck_assert(!accepts);
    ck_assert_int_eq(aof_writer_wait(&writer, appended(), 1), KV_READONLY);
    ck_assert_int_eq(aof_writer_finish(&writer), KV_BADARG);
}
END_TEST

/* -------------------------------------------------------------------------------------- waiters */

static void count_wake(void *context)
{
    ++*(int *)context;
}

START_TEST(sessions_are_woken_when_their_position_is_synced)
{
    open_writer(KVRESP_FSYNC_ALWAYS);
    int woken[3] = {0};
    struct aof_waiter waiters[3] = {{.wake = count_wake, .context = &woken[0]},
                                    {.wake = count_wake, .context = &woken[1]},
                                    {.wake = count_wake, .context = &woken[2]}};
    append_to(0);
    for (int i = 0; i < 3; i++) aof_writer_await(&writer, &waiters[i], appended());
    ck_assert(!aof_writer_is_durable(&writer, appended()));
    append_to(0);
    aof_writer_await(&writer, &waiters[0], appended()); /* instead of the one before */
    aof_writer_forget(&writer, &waiters[1]);
    ck_assert_int_eq(woken[0] + woken[1] + woken[2], 0);
    aof_writer_step(&writer, 0);
    ck_assert_int_eq(woken[0], 1);
    ck_assert_int_eq(woken[1], 0);
    ck_assert_int_eq(woken[2], 1);
    ck_assert(aof_writer_is_durable(&writer, appended()));
    aof_writer_forget(&writer, &waiters[0]);

    aof_writer_await(&writer, &waiters[1], appended()); /* there is nothing to wait for */
    ck_assert_int_eq(woken[1], 1);

    /* Under a policy that holds no replies back nobody waits any longer. */
    append_to(0);
    disk.space = 0;
    aof_writer_await(&writer, &waiters[2], appended());
    aof_writer_step(&writer, 1);
    ck_assert_int_eq(woken[2], 1);
    aof_writer_set_fsync(&writer, KVRESP_FSYNC_EVERYSEC);
    aof_writer_step(&writer, 2);
    ck_assert_int_eq(woken[2], 2);
}
END_TEST

START_TEST(sessions_pause_while_much_is_unwritten)
{
    open_writer(KVRESP_FSYNC_EVERYSEC);
    int woken = 0;
    struct aof_waiter waiter = {.wake = count_wake, .context = &woken};
    ck_assert(!aof_writer_is_behind(&writer));
    for (int i = 0; i < 65; i++) append_bytes(1 << 20);
    ck_assert(aof_writer_is_behind(&writer));
    aof_writer_await(&writer, &waiter, AOF_AWAIT_ROOM);
    ck_assert_int_eq(woken, 0);
    aof_writer_step(&writer, 0);
    ck_assert(!aof_writer_is_behind(&writer));
    ck_assert_int_eq(woken, 1);
}
END_TEST

START_TEST(reads_go_on_while_the_disk_refuses)
{
    open_writer(KVRESP_FSYNC_EVERYSEC);
    for (int i = 0; i < 65; i++) append_bytes(1 << 20);
    disk.space = 0;
    aof_writer_step(&writer, 0);
    ck_assert(!accepts);
    ck_assert(!aof_writer_is_behind(&writer));
    append_bytes(
        100 << 20); /* above the limit of the queue: must not wait for a disk that refuses */
    disk.space = SIZE_MAX;
    aof_writer_step(&writer, SECOND);
    ck_assert(accepts);
}
END_TEST

static bool was_behind;

static int slow_sync(void *context, int file)
{
    ck_assert(writer.sync_started_us != 0);
    ck_assert(!aof_writer_is_behind(&writer));
    writer.turn_started_us = writer.turn_started_us - 2 * SECOND - 1;
    was_behind = aof_writer_is_behind(&writer) && aof_writer_is_behind(&writer);
    return disk_sync(context, file);
}

START_TEST(a_sync_that_takes_two_seconds_makes_sessions_pause_and_is_counted)
{
    open_writer(KVRESP_FSYNC_EVERYSEC);
    append_to(0);
    disk.io.sync = slow_sync;
    aof_writer_step(&writer, 0);
    aof_writer_turn_begins(&writer, aof_now_us());
    aof_writer_step(&writer, SECOND);
    ck_assert(was_behind);
    aof_writer_turn_ends(&writer);
    ck_assert_uint_eq(writer.delayed_syncs, 1);
    ck_assert(!aof_writer_is_behind(&writer));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("aof_writer");
    TCase *tests = tcase_create("steps");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, a_new_file_is_on_disk_before_anything_is_written);
    tcase_add_test(tests, everysec_writes_within_a_millisecond_and_syncs_within_a_second);
    tcase_add_test(tests, much_is_written_at_once_and_very_much_is_synced);
    tcase_add_test(tests, under_load_a_write_waits_for_more);
    tcase_add_test(tests, always_writes_and_syncs_all_that_waits_in_one_step);
    tcase_add_test(tests, no_syncs_only_when_asked_or_at_the_end);
    tcase_add_test(tests, a_wait_is_served_without_gathering_and_refuses_nonsense);
    tcase_add_test(tests, the_policy_changes_at_any_time);
    tcase_add_test(tests, an_earlier_file_is_continued_after_its_end);
    tcase_add_test(tests, a_file_that_no_manifest_lists_is_not_overwritten);
    tcase_add_loop_test(tests, a_full_disk_refuses_writes_until_there_is_room, 0, 3);
    tcase_add_test(tests, an_end_on_a_full_disk_says_so);
    tcase_add_test(tests, short_writes_are_continued);
    tcase_add_loop_test(tests, what_a_failed_sync_left_in_doubt_is_written_to_a_new_file, 0, 2);
    tcase_add_test(tests, under_no_a_failed_sync_cannot_be_made_good_and_is_not_hidden);
    tcase_add_test(tests, sessions_are_woken_when_their_position_is_synced);
    tcase_add_test(tests, sessions_pause_while_much_is_unwritten);
    tcase_add_test(tests, reads_go_on_while_the_disk_refuses);
    tcase_add_test(tests, a_sync_that_takes_two_seconds_makes_sessions_pause_and_is_counted);
    suite_add_tcase(suite, tests);

    TCase *rounds = tcase_create("rounds"); /* these begin and end by themselves, many times */
    tcase_set_timeout(rounds, 60);
    tcase_add_loop_test(rounds, recovery_survives_the_failure_of_each_of_its_steps, 0, 2);
    tcase_add_loop_test(rounds, whatever_was_synced_survives_a_crash_at_any_step, 0, 2);
    suite_add_tcase(suite, rounds);

    return unit_run(suite);
}
