/* tests/resp/test_aof_loader.c -- resp/aof_loader: whole records, torn tails, damage. */
#include "resp/aof_loader.h"

#include "../unit.h"
#include "aof_disk.h"
#include "aof_record.h"

#include <time.h>

static struct disk disk;
static struct record record;
static struct aof_log log_lines;
static struct aof_loader loader;
static char message[AOF_MESSAGE_SIZE];
static uint64_t size_after;
static const char path[] = "d/f.1.incr.aof";

static void begin(void)
{
    disk_open_empty(&disk);
    record_open(&record);
    log_lines = (struct aof_log){record_log, &record};
    loader = (struct aof_loader){
        .io = &disk.io, .sink = &record.sink, .log = &log_lines, .max_text = 512 << 20};
    memset(message, 0, sizeof message);
    size_after = UINT64_MAX;
}

static void end(void)
{
    record_close(&record);
    disk_free(&disk);
}

enum { NOT_LAST, LAST, REFUSE_TORN };

static kv_status load(const void *bytes, size_t size, int how)
{
    disk_put_file(&disk, path, bytes, size);
    return aof_load_file(&loader, path, how != NOT_LAST, how != REFUSE_TORN, &size_after, message);
}

static kv_status load_text(const char *text, int how)
{
    return load(text, strlen(text), how);
}

static void assert_message(const char *text)
{
    ck_assert_msg(strstr(message, text) != NULL, "\"%s\" lacks \"%s\"", message, text);
    ck_assert_has(message, path);
}

/* ---------------------------------------------------------------------------------- whole files */

START_TEST(an_empty_file_is_a_file)
{
    ck_assert_int_eq(load("", 0, LAST), KV_OK);
    ck_assert_uint_eq(size_after, 0);
    ck_assert_uint_eq(record.commands, 0);
}
END_TEST

START_TEST(a_missing_file_is_none)
{
    ck_assert_int_eq(aof_load_file(&loader, "d/none", true, true, &size_after, message), KV_NONE);
}
END_TEST

START_TEST(commands_come_in_order_and_annotations_are_passed_over)
{
    kv_buffer file = {0};
    record_encode(&file, "SELECT 0");
    text_append_string(&file, "#TS:1700000000\r\n");
    record_encode(&file, "SET a 1");
    text_append_string(&file, "#anything\n#TS:1700000001\r\n");
    record_encode(&file, "RPUSH l x y z");
    ck_assert_int_eq(load(file.data, file.size, LAST), KV_OK);
    ck_assert(record_is(&record, "SELECT 0\nSET a 1\nRPUSH l x y z\n"));
    ck_assert_uint_eq(size_after, file.size);
    ck_assert_uint_eq(loader.commands, 3);
    ck_assert_uint_eq(loader.loaded, file.size);
    kv_buffer_free(&file);
}
END_TEST

START_TEST(what_is_later_than_wanted_is_not_loaded)
{
    static const struct {
        int64_t until_s;
        const char *expected;
    } cases[] = {{99, ""},
                 {100, "SET a 1\n"},
                 {150, "SET a 1\n"},
                 {200, "SET a 1\nSET b 2\nSET c 3\n"},
                 {0, "SET a 1\nSET b 2\nSET c 3\nSET d 4\n"}};
    kv_buffer file = {0};
    text_append_string(&file, "#TS:100\r\n");
    record_encode(&file, "SET a 1");
    text_append_string(&file, "#TS:200\r\n");
    record_encode(&file, "MULTI");
    record_encode(&file, "SET b 2");
    text_append_string(&file, "#TS:300\r\n"); /* a group is whole, whatever is said within */
    record_encode(&file, "SET c 3");
    record_encode(&file, "EXEC");
    text_append_string(&file, "#TS:300\r\n");
    record_encode(&file, "SET d 4");
    text_append_string(&file, "*1\r\n$4\r\nPI");
    loader.until_s = cases[_i].until_s;
    ck_assert_int_eq(load(file.data, file.size, LAST), KV_OK);
    ck_assert(record_is(&record, cases[_i].expected));
    ck_assert_int_eq(loader.is_over, _i < 4);
    if (_i < 4) ck_assert_uint_eq(size_after, file.size); /* nothing was cut */
    kv_buffer_free(&file);
}
END_TEST

START_TEST(any_bytes_are_values)
{
    const char file[] = "*3\r\n$3\r\nSET\r\n$4\r\n\r\n\0*\r\n$0\r\n\r\n*1\r\n$1\r\nx\r\n";
    ck_assert_int_eq(load(file, sizeof file - 1, LAST), KV_OK);
    const char expected[] = "SET \r\n\0* \nx\n";
    ck_assert_uint_eq(record.text.size, sizeof expected - 1);
    ck_assert_mem_eq(record.text.data, expected, sizeof expected - 1);
}
END_TEST

/*
 * Values of every size around those of the reader's buffer, so that records straddle its end in
 * every way.
 */
START_TEST(records_of_any_size_come_through)
{
    const size_t sizes[] = {0, 1, 1000, 262144, 524200, 524287, 524288, 524289, 1048576, 3000000};
    char *value = malloc(3000000);
    for (size_t i = 0; i < 3000000; i++) value[i] = (char)('a' + i % 26);
    kv_buffer file = {0}, expected = {0};
    for (int round = 0; round < 20; round++) {
        size_t size = sizes[(size_t)round * 7 % 10];
        text_format(&file, "*2\r\n$4\r\nECHO\r\n$%zu\r\n", size);
        text_append(&file, kv_bytes(value, size));
        text_append_string(&file, "\r\n");
        text_append_string(&expected, "ECHO ");
        text_append(&expected, kv_bytes(value, size));
        text_append_string(&expected, "\n");
    }
    ck_assert_int_eq(load(file.data, file.size, LAST), KV_OK);
    ck_assert_uint_eq(record.text.size, expected.size);
    ck_assert_mem_eq(record.text.data, expected.data, expected.size);
    free(value);
    kv_buffer_free(&file);
    kv_buffer_free(&expected);
}
END_TEST

START_TEST(many_commands_and_many_arguments_come_through)
{
    enum { COMMANDS = 20000, ARGUMENTS = 50000 };
    kv_buffer file = {0}, expected = {0};
    for (int i = 0; i < COMMANDS; i++) {
        char words[64];
        snprintf(words, sizeof words, "SET key:%d value:%d", i, i);
        record_encode(&file, words);
        text_format(&expected, "%s\n", words);
    }
    text_format(&file, "*%d\r\n", ARGUMENTS);
    for (int i = 0; i < ARGUMENTS; i++) {
        text_append_string(&file, "$1\r\nx\r\n");
        text_append_string(&expected, i == 0 ? "x" : " x");
    }
    text_append_string(&expected, "\n");
    ck_assert_int_eq(load(file.data, file.size, LAST), KV_OK);
    ck_assert(text_equal(text_of_buffer(&record.text), text_of_buffer(&expected)));
    ck_assert_uint_lt(record.batches, COMMANDS / 30);
    kv_buffer_free(&file);
    kv_buffer_free(&expected);
}
END_TEST

START_TEST(a_group_larger_than_the_buffer_is_applied_without_its_brackets)
{
    kv_buffer file = {0}, expected = {0};
    record_encode(&file, "SET a 1");
    record_encode(&file, "MULTI");
    text_append_string(&expected, "SET a 1\n");
    for (int i = 0; i < 50000; i++) {
        record_encode(&file, "RPUSH list element");
        text_append_string(&expected, "RPUSH list element\n");
    }
    record_encode(&file, "EXEC");
    record_encode(&file, "multi");
    record_encode(&file, "exec");
    record_encode(&file, "SET b 2");
    text_append_string(&expected, "SET b 2\n");
    ck_assert_int_eq(load(file.data, file.size, LAST), KV_OK);
    ck_assert(text_equal(text_of_buffer(&record.text), text_of_buffer(&expected)));
    kv_buffer_free(&file);
    kv_buffer_free(&expected);
}
END_TEST

/* ---------------------------------------------------------------------------------------- tails */

/* A file, and after each of its bytes how far the whole records reach. */
struct sample {
    kv_buffer file;
    size_t whole[1024];
    size_t commands[1024]; /* applied when the file ends there */
};

static void sample_add(struct sample *sample, const char *words, bool ends_group)
{
    size_t from = sample->file.size, whole = sample->whole[from], commands = sample->commands[from];
    record_encode(&sample->file, words);
    for (size_t i = from + 1; i <= sample->file.size; i++) {
        sample->whole[i] = whole;
        sample->commands[i] = commands;
    }
    if (!ends_group) return;
    sample->whole[sample->file.size] = sample->file.size;
    sample->commands[sample->file.size]++;
}

static void sample_make(struct sample *sample)
{
    *sample = (struct sample){0};
    sample_add(sample, "SELECT 3", true);
    sample_add(sample, "SET key value", true);
    size_t before = sample->file.size;
    sample_add(sample, "MULTI", false);
    sample_add(sample, "RPUSH list a b", false);
    sample_add(sample, "DEL key", false);
    sample_add(sample, "EXEC", true);
    sample->commands[sample->file.size] = sample->commands[before] + 2;
    size_t at = sample->file.size;
    text_append_string(&sample->file, "#TS:1\r\n");
    for (size_t i = at + 1; i <= sample->file.size; i++) {
        sample->whole[i] = i == sample->file.size ? i : at;
        sample->commands[i] = sample->commands[at];
    }
    sample_add(sample, "SET other 12345678901234567890", true);
}

START_TEST(every_torn_tail_is_cut_to_what_is_whole)
{
    struct sample sample;
    sample_make(&sample);
    for (size_t size = 0; size <= sample.file.size; size++) {
        begin();
        ck_assert_int_eq(load(sample.file.data, size, LAST), KV_OK);
        ck_assert_uint_eq(size_after, sample.whole[size]);
        ck_assert_uint_eq(record.commands, sample.commands[size]);
        ck_assert_uint_eq(disk_file(&disk, path)->size, sample.whole[size]);
        bool was_torn = sample.whole[size] < size;
        ck_assert_int_eq(*record.warning != '\0', was_torn);

        /* What is left loads without another word, also after a crash of the machine. */
        disk_crash(&disk, false);
        *record.warning = '\0';
        ck_assert_int_eq(aof_load_file(&loader, path, true, false, &size_after, message), KV_OK);
        ck_assert_uint_eq(record.commands, 2 * sample.commands[size]);
        end();
    }
    kv_buffer_free(&sample.file);
}
END_TEST

START_TEST(every_torn_tail_is_refused_where_it_must_be)
{
    struct sample sample;
    sample_make(&sample);
    for (size_t size = 0; size <= sample.file.size; size++) {
        begin();
        bool is_torn = sample.whole[size] < size;
        int how = _i == 0 ? NOT_LAST : REFUSE_TORN;
        ck_assert_int_eq(load(sample.file.data, size, how), is_torn ? KV_BADARG : KV_OK);
        if (is_torn) {
            char offset[64];
            snprintf(offset, sizeof offset, "offset %zu: the file ends too early",
                     sample.whole[size]);
            assert_message(offset);
            ck_assert_uint_eq(disk_file(&disk, path)->size, size);
        }
        end();
    }
    kv_buffer_free(&sample.file);
}
END_TEST

START_TEST(a_tail_of_zeros_is_torn)
{
    struct sample sample;
    sample_make(&sample);
    for (size_t size = 0; size <= sample.file.size; size++) {
        for (size_t zeros = 1; zeros <= 4096; zeros = 3 * zeros + 700) {
            begin();
            uint8_t bytes[8192] = {0};
            memcpy(bytes, sample.file.data, size);
            ck_assert_msg(load(bytes, size + zeros, LAST) == KV_OK, "%s", message);
            ck_assert_uint_eq(size_after, sample.whole[size]);
            ck_assert_uint_eq(record.commands, sample.commands[size]);
            end();
        }
    }
    kv_buffer_free(&sample.file);
}
END_TEST

START_TEST(a_tail_that_cannot_be_cut_is_refused)
{
    disk.fail_at = disk.steps + _i; /* the truncation, the sync */
    disk.fail_error = EROFS;
    ck_assert_int_eq(load_text("*1\r\n$1\r\nx\r\n*1", LAST), KV_BADARG);
    assert_message("offset 11: cannot cut the torn tail: Read-only file system");
}
END_TEST

/* --------------------------------------------------------------------------------------- damage */

static const struct {
    const char *file, *message;
} damages[] = {
    {"x", "offset 0: expected '*'"},
    {"*1\r\n$1\r\nx\r\nGET", "offset 11: expected '*'"},
    {"*0\r\n", "offset 0: expected at least one argument"},
    {"*-1\r\n", "offset 1: expected a number"},
    {"*\r\n", "offset 1: expected a number"},
    {"*1x\r\n", "offset 2: expected the end of a line"},
    {"*1\n$1\r\nx\r\n", "offset 2: expected the end of a line"},
    {"*1\r\r", "offset 3: expected the end of a line"},
    {"*1\r\n*1\r\n", "offset 4: expected '$'"},
    {"*1\r\n$-1\r\n", "offset 5: expected a number"},
    {"*1\r\n$1x", "offset 6: expected the end of a line"},
    {"*1\r\n$1\r\nxy\r\n", "offset 9: expected the end of a line"},
    {"*1\r\n$1\r\nx\ry", "offset 10: expected the end of a line"},
    {"*1234567890123456789\r\n", "offset 0: expected a number of at most 18 digits"},
    {"*1\r\n$1234567890123456789\r\n", "offset 4: expected a number of at most 18 digits"},
    {"*1\r\n$536870913\r\n", "offset 4: expected a size that a value can have"},
    {"*1\r\n$4\r\nEXEC\r\n", "offset 0: expected no EXEC without a MULTI"},
    {"*1\r\n$1\r\nx\r\n*1\r\n$4\r\nEXEC\r\n", "offset 11: expected no EXEC without a MULTI"},
    {"*1\r\n$5\r\nMULTI\r\n*1\r\n$5\r\nMULTI\r\n", "offset 15: expected no MULTI within a MULTI"},
    {"*1\r\n$5\r\nMULTI\r\n*1\r\n$1\r\nx!\r\n", "offset 24: expected the end of a line"},
};

START_TEST(damage_is_refused_with_its_place_even_in_the_last_file)
{
    ck_assert_int_eq(load_text(damages[_i].file, LAST), KV_BADARG);
    assert_message(damages[_i].message);
    ck_assert_uint_eq(disk_file(&disk, path)->size, strlen(damages[_i].file));
}
END_TEST

START_TEST(a_long_annotation_is_damage)
{
    char file[2000];
    memset(file, '#', sizeof file);
    ck_assert_int_eq(load(file, sizeof file, LAST), KV_BADARG);
    assert_message("offset 1024: expected an annotation of one line");
}
END_TEST

START_TEST(what_precedes_damage_was_applied_and_what_follows_was_not)
{
    ck_assert_int_eq(load_text("*1\r\n$1\r\na\r\n*1\r\n$1\r\nb\r\n?\r\n*1\r\n$1\r\nc\r\n", LAST),
                     KV_BADARG);
    assert_message("offset 22: expected '*'");
    ck_assert(record_is(&record, "a\nb\n"));
}
END_TEST

START_TEST(what_the_store_refuses_is_refused_with_its_offset)
{
    record.refuse_at = 1;
    ck_assert_int_eq(load_text("*1\r\n$1\r\na\r\n*1\r\n$1\r\nb\r\n*1\r\n$1\r\nc\r\n", LAST),
                     KV_BADARG);
    assert_message("offset 11: refused");
    record.is_out_of_memory = true;
    ck_assert_int_eq(load_text("*1\r\n$1\r\na\r\n", LAST), KV_NOMEM);
}
END_TEST

START_TEST(a_read_that_fails_is_refused)
{
    disk.read_error = EIO;
    ck_assert_int_eq(load_text("*1\r\n$1\r\na\r\n", LAST), KV_BADARG);
    assert_message("offset 0: cannot read: Input/output error");
}
END_TEST

/*
 * Any byte of a file becomes any other: it loads or is refused with an offset; what loads begins as
 * it did.
 */
START_TEST(random_damage_loads_or_is_refused)
{
    struct sample sample;
    sample_make(&sample);
    const char *seed_text = getenv("KV_TEST_SEED");
    unsigned seed = seed_text != NULL ? (unsigned)atoi(seed_text) : (unsigned)time(NULL);
    fprintf(stderr, "KV_TEST_SEED=%u\n", seed);
    srand(seed);
    for (int round = 0; round < 20000; round++) {
        uint8_t bytes[1024];
        memcpy(bytes, sample.file.data, sample.file.size);
        size_t first = sample.file.size;
        for (int n = rand() % 3; n >= 0; n--) {
            size_t at = (size_t)rand() % sample.file.size;
            bytes[at] = rand() % 2 ? (uint8_t)rand() : (uint8_t) "\r\n$*0123456789"[rand() % 14];
            if (at < first) first = at;
        }
        begin();
        kv_status status = load(bytes, sample.file.size, LAST);
        ck_assert(status == KV_OK || status == KV_BADARG);
        if (status == KV_BADARG) assert_message("offset ");
        ck_assert_uint_ge(record.commands, sample.commands[first]);
        end();
    }
    kv_buffer_free(&sample.file);
}
END_TEST

/* ------------------------------------------------------------------------------------- progress */

static uint64_t told_loaded, told_total, told_count;

static void tell(void *context, uint64_t loaded, uint64_t total)
{
    (void)context;
    ck_assert_uint_ge(loaded, told_loaded);
    ck_assert_uint_le(loaded, total);
    told_loaded = loaded;
    told_total = total;
    told_count++;
}

START_TEST(progress_is_told_while_loading)
{
    kv_buffer file = {0};
    while (file.size < 20u << 20) record_encode(&file, "SET some-key some-value-of-some-length");
    loader.progress = tell;
    loader.total = file.size;
    told_loaded = told_count = 0;
    ck_assert_int_eq(load(file.data, file.size, LAST), KV_OK);
    ck_assert_uint_ge(told_count, 4);
    ck_assert_uint_eq(told_total, file.size);
    ck_assert_uint_gt(told_loaded, 15u << 20);
    kv_buffer_free(&file);
}
END_TEST

START_TEST(progress_is_told_as_often_as_asked_for_in_an_rdb_too)
{
    enum { KEYS = 20000, EVERY = 512 * 1024, STEP = 128 * 1024 };
    kv_buffer file = {0};
    ck_assert_int_eq(kv_open(NULL, &loader.db), KV_OK);
    text_append(&file, KV_TEXT("REDIS0010"));
    for (int i = 0; i < KEYS; i++) { /* type, size and bytes of the key, of the value */
        char value[200] = {0};
        text_append(&file, KV_BYTES("\0\x05", 2));
        text_format(&file, "%05d", i);
        text_append(&file, KV_BYTES("\x40\xc8", 2));
        text_append(&file, kv_bytes(value, sizeof value));
    }
    text_append(&file, KV_BYTES("\xff\0\0\0\0\0\0\0\0", 9));
    loader.progress = tell;
    loader.progress_bytes = EVERY;
    loader.total = file.size;
    told_loaded = told_count = 0;
    ck_assert_int_eq(load(file.data, file.size, LAST), KV_OK);
    ck_assert_uint_eq(loader.commands, KEYS);
    ck_assert_uint_ge(told_count, file.size / (EVERY + STEP) - 1);
    ck_assert_uint_le(told_count, file.size / EVERY + 1);
    kv_close(loader.db);
    kv_buffer_free(&file);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("aof_loader");
    TCase *tests = tcase_create("files");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, an_empty_file_is_a_file);
    tcase_add_test(tests, a_missing_file_is_none);
    tcase_add_test(tests, commands_come_in_order_and_annotations_are_passed_over);
    tcase_add_loop_test(tests, what_is_later_than_wanted_is_not_loaded, 0, 5);
    tcase_add_test(tests, any_bytes_are_values);
    tcase_add_test(tests, records_of_any_size_come_through);
    tcase_add_test(tests, many_commands_and_many_arguments_come_through);
    tcase_add_test(tests, a_group_larger_than_the_buffer_is_applied_without_its_brackets);
    tcase_add_loop_test(tests, a_tail_that_cannot_be_cut_is_refused, 0, 2);
    tcase_add_loop_test(tests, damage_is_refused_with_its_place_even_in_the_last_file, 0,
                        sizeof damages / sizeof *damages);
    tcase_add_test(tests, a_long_annotation_is_damage);
    tcase_add_test(tests, what_precedes_damage_was_applied_and_what_follows_was_not);
    tcase_add_test(tests, what_the_store_refuses_is_refused_with_its_offset);
    tcase_add_test(tests, a_read_that_fails_is_refused);
    tcase_add_test(tests, progress_is_told_while_loading);
    tcase_add_test(tests, progress_is_told_as_often_as_asked_for_in_an_rdb_too);
    suite_add_tcase(suite, tests);

    TCase *rounds = tcase_create("rounds"); /* these begin and end by themselves, many times */
    tcase_set_timeout(rounds, 60);
    tcase_add_test(rounds, every_torn_tail_is_cut_to_what_is_whole);
    tcase_add_loop_test(rounds, every_torn_tail_is_refused_where_it_must_be, 0, 2);
    tcase_add_test(rounds, a_tail_of_zeros_is_torn);
    tcase_add_test(rounds, random_damage_loads_or_is_refused);
    suite_add_tcase(suite, rounds);

    return unit_run(suite);
}
