/*
 * tests/resp/test_aof_manifest.c -- resp/aof_manifest: reading as Redis does, writing what Redis
 * reads.
 */
#include "resp/aof_manifest.h"
#include "resp/text.h"

#include "../unit.h"
#include "aof_disk.h"

static struct aof_manifest manifest;
static char message[256];

static void setup(void)
{
    manifest = (struct aof_manifest){0};
    *message = '\0';
}

static void teardown(void)
{
    aof_manifest_clear(&manifest);
}

static kv_status parse(const char *text)
{
    aof_manifest_clear(&manifest);
    return aof_manifest_parse(&manifest, kv_text(text), message);
}

static void assert_prints(const char *text)
{
    kv_buffer buffer = {0};
    ck_assert_int_eq(aof_manifest_print(&manifest, &buffer), KV_OK);
    ck_assert_uint_eq(buffer.size, strlen(text));
    ck_assert_mem_eq(buffer.data, text, buffer.size);
    kv_buffer_free(&buffer);
}

START_TEST(what_redis_writes_is_read_and_written_alike)
{
    const char *text = "file appendonly.aof.2.base.rdb seq 2 type b\n"
                       "file appendonly.aof.1.base.rdb seq 1 type h\n"
                       "file appendonly.aof.3.incr.aof seq 3 type i\n"
                       "file appendonly.aof.4.incr.aof seq 4 type i\n";
    ck_assert_int_eq(parse(text), KV_OK);
    ck_assert_uint_eq(manifest.count, 4);
    ck_assert_str_eq(aof_manifest_base(&manifest)->name, "appendonly.aof.2.base.rdb");
    ck_assert_str_eq(aof_manifest_last_increment(&manifest)->name, "appendonly.aof.4.incr.aof");
    ck_assert_int_eq(aof_manifest_last_increment(&manifest)->sequence, 4);
    assert_prints(text);
}
END_TEST

START_TEST(comments_other_words_and_any_case_are_understood)
{
    ck_assert_int_eq(parse("# written by hand\n"
                           "  TYPE i  color blue\tFILE 'a b'  SEQ 7 \r\n"),
                     KV_OK);
    ck_assert_uint_eq(manifest.count, 1);
    ck_assert_str_eq(manifest.files[0].name, "a b");
    assert_prints("file \"a b\" seq 7 type i\n");
}
END_TEST

static const struct {
    const char *quoted, *name;
} quotes[] = {
    {"plain", "plain"},
    {"\"a b\"", "a b"},
    {"\"tab\\there\"", "tab\there"},
    {"\"\\x41\\x2e\"", "A."},
    {"\"say \\\"hi\\\"\"", "say \"hi\""},
    {"'it\\'s'", "it's"},
    {"\"\\q\"", "q"},
    {"x\"y\"", "xy"},
    {"\"\\x4\"", "x4"},
};

START_TEST(quotes_are_undone_as_redis_does)
{
    char line[256];
    snprintf(line, sizeof line, "file %s seq 1 type i\n", quotes[_i].quoted);
    ck_assert_msg(parse(line) == KV_OK, "%s: %s", line, message);
    ck_assert_str_eq(manifest.files[0].name, quotes[_i].name);

    /* And what is written of it is read back. */
    kv_buffer buffer = {0};
    aof_manifest_print(&manifest, &buffer);
    struct aof_manifest copy = {0};
    ck_assert_int_eq(aof_manifest_parse(&copy, text_of_buffer(&buffer), message), KV_OK);
    ck_assert_str_eq(copy.files[0].name, quotes[_i].name);
    aof_manifest_clear(&copy);
    kv_buffer_free(&buffer);
}
END_TEST

static const struct {
    const char *text, *message;
} refused[] = {
    {"", "line 1, offset 0: the manifest is empty"},
    {"file a seq 1 type i", "line 1, offset 0: the line has no end"},
    {"file a seq 1 type i\nfile b", "line 2, offset 20: the line has no end"},
    {"file a seq 1\n", "needs file, seq and type"},
    {"seq 1 type i\n", "needs file, seq and type"},
    {"file a seq 0 type i\n", "needs file, seq and type"},
    {"file a seq -1 type i\n", "needs file, seq and type"},
    {"\n", "needs file, seq and type"},
    {"file a seq x type i\n", "seq must be a number"},
    {"file a seq 1 type\n", "words must come in pairs"},
    {"file a seq 1 type x\n", "unknown type"},
    {"file \"a seq 1 type i\n", "words must come in pairs"},
    {"file a seq 1 type i \"\n", "quotes do not match"},
    {"file \"a\"b seq 1 type i\n", "words must come in pairs"},
    {"file ../a seq 1 type i\n", "not a path"},
    {"file .. seq 1 type i\n", "not a path"},
    {"file a\\b seq 1 type i\n", "not a path"},
    {"file a seq 1 type b\nfile b seq 2 type b\n", "line 2, offset 20: a second base"},
    {"file a seq 2 type i\nfile b seq 2 type i\n", "does not rise"},
    {"file a seq 2 type i\nfile b seq 1 type i\n", "does not rise"},
    {"file a seq 1 type b\nfile a seq 1 type i\n", "listed twice"},
};

START_TEST(what_is_wrong_is_refused_with_line_and_offset)
{
    ck_assert_int_eq(parse(refused[_i].text), KV_BADARG);
    ck_assert_msg(strstr(message, refused[_i].message) != NULL, "%s", message);
    ck_assert_has(message, "offset ");
    ck_assert_uint_eq(manifest.count, 0);
}
END_TEST

START_TEST(lines_have_the_limit_of_redis)
{
    char line[1100];
    memset(line, 'a', sizeof line);
    memcpy(line, "file ", 5);
    const char tail[] = " seq 1 type i\n";
    size_t size = 1024;
    memcpy(line + size - strlen(tail), tail, strlen(tail));
    ck_assert_int_eq(aof_manifest_parse(&manifest, kv_bytes(line, size), message), KV_OK);
    aof_manifest_clear(&manifest);

    memset(line + size - strlen(tail), 'a', strlen(tail));
    memcpy(line + size + 1 - strlen(tail), tail, strlen(tail));
    ck_assert_int_eq(aof_manifest_parse(&manifest, kv_bytes(line, size + 1), message), KV_BADARG);
    ck_assert_has(message, "too long");
}
END_TEST

static void put(struct disk *disk, int64_t sequence)
{
    char name[64];
    snprintf(name, sizeof name, "x.%d.incr.aof", (int)sequence);
    ck_assert_int_eq(aof_manifest_add(&manifest, AOF_INCREMENT, sequence, name), KV_OK);
    (void)disk;
}

static bool is_on_disk(struct disk *disk, const char *text)
{
    const struct disk_inode *file = disk_file(disk, "d/m");
    return file != NULL && file->size == strlen(text) && memcmp(file->bytes, text, file->size) == 0;
}

#define OLD "file x.1.incr.aof seq 1 type i\n"
#define NEW OLD "file x.2.incr.aof seq 2 type i\n"

/* When the old one is certain to be there, it is. */
static int save(struct disk *disk)
{
    bool was_old = is_on_disk(disk, OLD), may_be_there;
    int error = aof_manifest_save(&manifest, &disk->io, "d", "m", &may_be_there);
    if (error == 0) ck_assert(may_be_there);
    if (!may_be_there && was_old) ck_assert(is_on_disk(disk, OLD));
    return error;
}

/*
 * `how` 0: each step fails in turn; 1, 2: the machine stops at each, losing or keeping what is not
 * synced.
 */
START_TEST(saving_leaves_the_old_or_the_new_one_whatever_fails)
{
    int error = -1;
    for (int step = 0; error != 0; step++) {
        ck_assert_int_lt(step, 20);
        struct disk disk;
        disk_open_empty(&disk);
        aof_manifest_clear(&manifest);
        put(&disk, 1);
        ck_assert_int_eq(save(&disk), 0);
        ck_assert(is_on_disk(&disk, OLD));

        put(&disk, 2);
        int at = disk.steps + step;
        if (_i == 0) disk.fail_at = at;
        else disk.die_at = at;
        error = save(&disk);
        if (_i > 0) disk_crash(&disk, _i == 2);
        ck_assert(is_on_disk(&disk, NEW) || (error != 0 && is_on_disk(&disk, OLD)));

        /* Once it works again, it works. */
        disk.fail_at = DISK_EVERY;
        ck_assert_int_eq(save(&disk), 0);
        disk_crash(&disk, false);
        ck_assert(is_on_disk(&disk, NEW));
        disk_free(&disk);
    }
}
END_TEST

START_TEST(short_writes_are_continued)
{
    struct disk disk;
    disk_open_empty(&disk);
    disk.short_write = 3;
    put(&disk, 1);
    put(&disk, 2);
    ck_assert_int_eq(save(&disk), 0);
    ck_assert(is_on_disk(&disk, NEW));
    disk_free(&disk);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("aof_manifest");
    TCase *tests = tcase_create("aof_manifest");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, what_redis_writes_is_read_and_written_alike);
    tcase_add_test(tests, comments_other_words_and_any_case_are_understood);
    tcase_add_loop_test(tests, quotes_are_undone_as_redis_does, 0, sizeof quotes / sizeof *quotes);
    tcase_add_loop_test(tests, what_is_wrong_is_refused_with_line_and_offset, 0,
                        sizeof refused / sizeof *refused);
    tcase_add_test(tests, lines_have_the_limit_of_redis);
    tcase_add_loop_test(tests, saving_leaves_the_old_or_the_new_one_whatever_fails, 0, 3);
    tcase_add_test(tests, short_writes_are_continued);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
