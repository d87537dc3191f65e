/*
 * tests/api/test_snapshot.c -- a snapshot is the store at one instant, whatever writers do
 * meanwhile; nothing but the snapshot suffers when its writer fails.
 *
 * Strings that are neither numbers nor long are plain in an RDB file, so that a few lines here read
 * them.
 */
#include "one_store.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void setup(void)
{
    store_setup();
    atomic_store(&fx.pace_us, 1000); /* a step with a budget of 1 is one slice */
}

/* --------------------------------------------------------------------------- what comes out of it */

struct file {
    kv_buffer bytes;
    size_t limit;     /* fails when it would hold more; 0: none */
    unsigned slow_us; /* each piece takes */
    size_t largest;
};

static kv_status file_write(void *context, kv_slice bytes)
{
    struct file *file = context;
    if (file->limit != 0 && file->bytes.size + bytes.size > file->limit) return KV_IOERROR;
    if (file->bytes.size + bytes.size > file->bytes.capacity) {
        file->bytes.capacity = (file->bytes.size + bytes.size) * 2;
        file->bytes.data = realloc(file->bytes.data, file->bytes.capacity);
        MUST(file->bytes.data != NULL);
    }
    memcpy((char *)file->bytes.data + file->bytes.size, bytes.data, bytes.size);
    file->bytes.size += bytes.size;
    if (bytes.size > file->largest) file->largest = bytes.size;
    if (file->slow_us > 0) usleep(file->slow_us);
    return KV_OK;
}

#define KEYS      400
#define DATABASES 3
#define TEXT      24

/* What databases hold: keys "key0", "key1"..., with short texts. */
struct content {
    char value[DATABASES][KEYS][TEXT]; /* "" if there is no such key */
    int64_t deadline_ms[DATABASES][KEYS];
    unsigned sizes; /* of FB opcodes */
};

static const uint8_t *read_text(const uint8_t *at, char *text)
{
    MUST(*at < TEXT);
    memcpy(text, at + 1, *at);
    text[*at] = '\0';
    return at + 1 + *at;
}

static const uint8_t *read_sizes(const uint8_t *at)
{
    for (int i = 0; i < 2; i++) at += *at < 0x40 ? 1 : *at < 0x80 ? 2 : 5;
    return at;
}

/* Reads all records; each key may come once. */
static void content_read(struct content *content, const struct file *file)
{
    const uint8_t *at = file->bytes.data;
    const uint8_t *end = at + file->bytes.size - 9;
    unsigned database = 0;
    int64_t deadline_ms = KV_NEVER;
    memset(content, 0, sizeof *content);
    ck_assert_mem_eq(at, "REDIS0010", 9);
    for (at += 9; at < end;) {
        uint8_t opcode = *at++;
        if (opcode == 0xfe) {
            database = *at++;
        } else if (opcode == 0xfb) {
            at = read_sizes(at);
            content->sizes++;
        } else if (opcode == 0xfc) {
            memcpy(&deadline_ms, at, 8);
            at += 8;
        } else {
            char key[TEXT];
            MUST(opcode == 0 && database < DATABASES);
            at = read_text(at, key);
            int number = atoi(key + 3);
            MUST(strncmp(key, "key", 3) == 0 && number < KEYS);
            MUST(content->value[database][number][0] == '\0');
            at = read_text(at, content->value[database][number]);
            content->deadline_ms[database][number] = deadline_ms;
            deadline_ms = KV_NEVER;
        }
    }
    ck_assert_uint_eq(*end, 0xff);
}

static kv_slice key_of(char text[TEXT], unsigned number)
{
    return kv_bytes(text, (size_t)snprintf(text, TEXT, "key%u", number));
}

/* The same from the store. */
static void content_take(struct content *content)
{
    kv_buffer buffer = {0};
    char key[TEXT];
    memset(content, 0, sizeof *content);
    for (unsigned d = 0; d < DATABASES; d++) {
        for (unsigned i = 0; i < KEYS; i++) {
            kv *view = kv_select(db, d);
            if (kv_get(view, key_of(key, i), &buffer) != KV_OK) continue;
            memcpy(content->value[d][i], buffer.data, buffer.size);
            MUST(kv_deadline(view, key_of(key, i), &content->deadline_ms[d][i]) == KV_OK);
        }
    }
    kv_buffer_free(&buffer);
}

static void content_compare(const struct content *content, const struct content *expected)
{
    for (unsigned d = 0; d < DATABASES; d++) {
        for (unsigned i = 0; i < KEYS; i++) {
            ck_assert_msg(strcmp(content->value[d][i], expected->value[d][i]) == 0 &&
                              content->deadline_ms[d][i] == expected->deadline_ms[d][i],
                          "key%u of %u: '%s', expected '%s'", i, d, content->value[d][i],
                          expected->value[d][i]);
        }
    }
}

/* ----------------------------------------------------------------------------------- writers */

static uint64_t next(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return *seed >> 33;
}

static kv_slice text_of(char text[TEXT], uint64_t *seed)
{
    size_t size = (size_t)snprintf(text, TEXT, "x%u", (unsigned)next(seed));
    size_t padding = next(seed) % 10;
    memset(text + size, '.', padding);
    return kv_bytes(text, size + padding);
}

/* A call of any kind that strings know. */
static void write_something(uint64_t *seed)
{
    char key[TEXT], other[TEXT], text[TEXT];
    kv *view = kv_select(db, (uint32_t)(next(seed) % DATABASES));
    kv *another = kv_select(db, (uint32_t)(next(seed) % DATABASES));
    kv_slice name = key_of(key, (unsigned)next(seed) % KEYS);
    kv_slice name_of_other = key_of(other, (unsigned)next(seed) % KEYS);
    kv_set_options options = KV_OPTIONS(kv_set_options);
    options.ttl_ms = 1 + (int64_t)(next(seed) % 100000);
    unsigned pick = (unsigned)next(seed) % 1000;
    if (pick < 500) (void)kv_set(view, name, text_of(text, seed), NULL);
    else if (pick < 600) (void)kv_set(view, name, text_of(text, seed), &options);
    else if (pick < 750) (void)kv_del(view, &name, 1, NULL);
    else if (pick < 800) (void)kv_rename(view, name, name_of_other);
    else if (pick < 850) (void)kv_copy(view, name, another, name_of_other, true);
    else if (pick < 900) (void)kv_move(view, name, another);
    else if (pick < 950) (void)kv_expire(view, name, options.ttl_ms, 0);
    else if (pick < 970) fixture_pass(&fx, 500);
    else if (pick < 980) (void)kv_tick(db, 0);
    else if (pick < 990) (void)kv_swapdb(view, another);
    else if (pick < 993) (void)kv_flush(view, true);
    else (void)kv_persist(view, name);
}

static void write_in_transaction(uint64_t *seed)
{
    char key[TEXT], other[TEXT], text[TEXT];
    kv_slice names[2] = {key_of(key, (unsigned)next(seed) % KEYS),
                         key_of(other, (unsigned)next(seed) % KEYS)};
    kv_txn_options options = KV_OPTIONS(kv_txn_options);
    options.keys = names;
    options.key_count = 2;
    options.flags = KV_TXN_ABORTABLE;
    kv *view;
    ck_assert_int_eq(kv_begin(db, &options, &view), KV_OK);
    (void)kv_set(view, names[0], text_of(text, seed), NULL);
    (void)kv_del(view, &names[1], 1, NULL);
    if (next(seed) % 2 == 0) ck_assert_int_eq(kv_abort(view), KV_OK);
    else ck_assert_int_eq(kv_commit(view), KV_OK);
}

static void write_much(uint64_t *seed, int calls)
{
    for (int i = 0; i < calls; i++) {
        if (next(seed) % 8 == 0) write_in_transaction(seed);
        else write_something(seed);
    }
}

/* ------------------------------------------------------------------------------------------ tests */

START_TEST(an_empty_store_is_a_head_and_an_end)
{
    struct file file = {0};
    kv_snapshot *snapshot;
    ck_assert_int_eq(kv_snapshot_begin(db, NULL, file_write, &file, &snapshot), KV_OK);
    ck_assert_int_eq(kv_snapshot_step(snapshot, 0), KV_OK);
    ck_assert_int_eq(kv_snapshot_end(snapshot), KV_OK);
    ck_assert_uint_eq(file.bytes.size, 18);
    ck_assert_mem_eq(file.bytes.data, "REDIS0010\377", 10);
    kv_buffer_free(&file.bytes);
}
END_TEST

START_TEST(a_file_is_what_the_format_says)
{
    static const char expected[] = "REDIS0012"
                                   "\372\003abc\301\071\060" /* a number as such */
                                   "\376\002\373\001\001"
                                   "\376\002\374\001\000\000\000\000\001\000\000"
                                   "\000\001k\001v"
                                   "\377\0\0\0\0\0\0\0";
    const kv_slice aux[2] = {KV_TEXT("abc"), KV_TEXT("12345")};
    kv_snapshot_options options = KV_OPTIONS(kv_snapshot_options);
    options.aux = aux;
    options.aux_count = 2;
    options.unsummed = true;
    options.rdb_version = 12;
    struct file file = {0};
    kv_snapshot *snapshot;
    kv *view = kv_select(db, 2);
    ck_assert_int_eq(kv_configure(db, KV_SETTING_EXPIRE, 0), KV_OK);
    fixture_set(view, "k", "v");
    ck_assert_int_eq(kv_expire_at(view, KV_TEXT("k"), 0x10000000001, 0), KV_OK);
    ck_assert_int_eq(kv_snapshot_begin(db, &options, file_write, &file, &snapshot), KV_OK);
    ck_assert_int_eq(kv_snapshot_step(snapshot, 0), KV_OK);
    ck_assert_int_eq(kv_snapshot_end(snapshot), KV_OK);
    ck_assert_uint_eq(file.bytes.size, sizeof expected);
    ck_assert_mem_eq(file.bytes.data, expected, sizeof expected);
    kv_buffer_free(&file.bytes);
}
END_TEST

START_TEST(writers_between_steps_change_nothing_in_it)
{
    uint64_t seed = unit_seed() + (uint64_t)_i;
    struct content expected, found;
    write_much(&seed, 2000);
    for (int round = 0; round < 30; round++) {
        struct file file = {0};
        kv_snapshot *snapshot;
        kv_status status;
        write_much(&seed, 50);
        content_take(&expected);
        int pace = (int)(next(&seed) % 60);
        ck_assert_int_eq(kv_snapshot_begin(db, NULL, file_write, &file, &snapshot), KV_OK);
        do write_much(&seed, pace);
        while ((status = kv_snapshot_step(snapshot, 1)) == KV_MORE);
        ck_assert_int_eq(status, KV_OK);
        write_much(&seed, 5);
        ck_assert_int_eq(kv_snapshot_end(snapshot), KV_OK);
        kv_check(db);
        content_read(&found, &file);
        content_compare(&found, &expected);
        kv_buffer_free(&file.bytes);
    }
}
END_TEST

START_TEST(one_that_fails_or_is_given_up_leaves_no_trace)
{
    uint64_t seed = unit_seed();
    struct content expected, found;
    write_much(&seed, 3000);
    for (size_t limit = 1; limit < 12000; limit += 1 + limit / 2) {
        struct file file = {.limit = limit};
        kv_snapshot *snapshot;
        int steps = (int)(next(&seed) % 20);
        ck_assert_int_eq(kv_snapshot_begin(db, NULL, file_write, &file, &snapshot), KV_OK);
        kv_snapshot *another;
        ck_assert_int_eq(kv_snapshot_begin(db, NULL, file_write, &file, &another), KV_BUSY);
        kv_status status = KV_MORE;
        for (int i = 0; i < steps; i++) {
            status = kv_snapshot_step(snapshot, 1);
            write_much(&seed, 20);
        }
        if (status == KV_MORE) status = KV_CANCELLED;
        ck_assert_int_eq(kv_snapshot_end(snapshot), status);
        ck_assert(status != KV_OK || file.bytes.size <= limit); /* when most was flushed */
        kv_check(db);
        kv_buffer_free(&file.bytes);
    }
    struct file file = {0};
    kv_snapshot *snapshot;
    content_take(&expected);
    ck_assert_int_eq(kv_snapshot_begin(db, NULL, file_write, &file, &snapshot), KV_OK);
    ck_assert_int_eq(kv_snapshot_step(snapshot, 0), KV_OK);
    kv_snapshot_progress progress = KV_OPTIONS(kv_snapshot_progress);
    ck_assert_int_eq(kv_snapshot_stats(snapshot, &progress), KV_OK);
    ck_assert_uint_eq(progress.keys, progress.keys_total);
    ck_assert_uint_eq(progress.bytes, file.bytes.size);
    ck_assert_uint_eq(progress.held, 0);
    ck_assert_int_eq(kv_snapshot_end(snapshot), KV_OK);
    content_read(&found, &file);
    content_compare(&found, &expected);
    kv_buffer_free(&file.bytes);
}
END_TEST

/* A number for each thread, and pairs that transactions keep equal. */
#define THREADS 4
#define PAIRS   64

static atomic_bool is_ending;
static _Atomic uint32_t told[THREADS]; /* by its last call that returned */

static void *count_up(void *context)
{
    unsigned number = *(const unsigned *)context;
    uint64_t seed = number;
    for (uint32_t i = 1; !atomic_load(&is_ending); i++) {
        char key[TEXT], pair[2][TEXT], text[TEXT];
        kv_slice value = kv_bytes(text, (size_t)snprintf(text, TEXT, "n%u", i));
        MUST(kv_set(db, key_of(key, number), value, NULL) == KV_OK);
        atomic_store(&told[number], i);
        unsigned at = (unsigned)next(&seed) % PAIRS;
        kv_slice names[2] = {key_of(pair[0], THREADS + at), key_of(pair[1], THREADS + PAIRS + at)};
        kv_slice values[2] = {value, value};
        if (i % 2 == 0) {
            MUST(kv_mset(db, names, values, 2) == KV_OK);
            continue;
        }
        kv_txn_options options = KV_OPTIONS(kv_txn_options);
        options.keys = names;
        options.key_count = 2;
        kv *view;
        MUST(kv_begin(db, &options, &view) == KV_OK);
        MUST(kv_set(view, names[1], value, NULL) == KV_OK);
        MUST(kv_set(view, names[0], value, NULL) == KV_OK);
        MUST(kv_commit(view) == KV_OK);
    }
    return NULL;
}

static void note_told(void *context)
{
    uint32_t *at_instant = context;
    for (int i = 0; i < THREADS; i++) at_instant[i] = atomic_load(&told[i]);
}

static void check_instant(const struct content *content, const uint32_t *at_instant)
{
    for (int i = 0; i < THREADS; i++) {
        uint32_t number = (uint32_t)atoi(content->value[0][i] + 1); /* of "", too */
        ck_assert(number == at_instant[i] || number == at_instant[i] + 1);
    }
    for (int i = THREADS; i < THREADS + PAIRS; i++)
        ck_assert_str_eq(content->value[0][i], content->value[0][i + PAIRS]);
}

START_TEST(threads_write_and_no_transaction_is_torn)
{
    pthread_t threads[THREADS];
    unsigned numbers[THREADS];
    atomic_store(&is_ending, false);
    atomic_store(&fx.pace_us, 0);
    ck_assert_int_eq(kv_configure(db, KV_SETTING_SNAPSHOT_MEMORY, 500), KV_OK); /* they help */
    for (unsigned i = 0; i < THREADS; i++) {
        numbers[i] = i;
        atomic_store(&told[i], 0);
        pthread_create(&threads[i], NULL, count_up, &numbers[i]);
    }
    for (int round = 0; round < 100; round++) {
        struct file file = {.slow_us = round % 4 == 0 ? 100 : 0};
        struct content found;
        uint32_t at_instant[THREADS];
        kv_snapshot *snapshot;
        kv_snapshot_options options = KV_OPTIONS(kv_snapshot_options);
        options.at_instant = note_told;
        options.at_instant_context = at_instant;
        ck_assert_int_eq(kv_snapshot_begin(db, &options, file_write, &file, &snapshot), KV_OK);
        if (round % 2 == 0) usleep(200);
        ck_assert_int_eq(kv_snapshot_step(snapshot, 0), KV_OK);
        ck_assert_int_eq(kv_snapshot_end(snapshot), KV_OK);
        content_read(&found, &file);
        check_instant(&found, at_instant);
        kv_buffer_free(&file.bytes);
    }
    atomic_store(&is_ending, true);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
}
END_TEST

START_TEST(memory_is_bounded_and_writers_help)
{
    char key[TEXT], text[TEXT];
    uint64_t seed = 1;
    for (unsigned i = 0; i < 20000; i++)
        MUST(kv_set(db, key_of(key, i), text_of(text, &seed), NULL) == KV_OK);
    ck_assert_int_eq(kv_configure(db, KV_SETTING_SNAPSHOT_MEMORY, 4096), KV_OK);
    struct file file = {0};
    kv_snapshot *snapshot;
    ck_assert_int_eq(kv_snapshot_begin(db, NULL, file_write, &file, &snapshot), KV_OK);
    for (unsigned i = 0; i < 10000; i++) /* nobody steps */
        MUST(kv_set(db, key_of(key, i), text_of(text, &seed), NULL) == KV_OK);
    kv_snapshot_progress progress = KV_OPTIONS(kv_snapshot_progress);
    ck_assert_int_eq(kv_snapshot_stats(snapshot, &progress), KV_OK);
    ck_assert_uint_eq(progress.saved, 10000);
    ck_assert_uint_ge(progress.helped, 10);
    ck_assert_uint_le(progress.held_peak, 4096 + 100);
    kv_statistics statistics = KV_OPTIONS(kv_statistics);
    ck_assert_int_eq(kv_stats(db, &statistics), KV_OK);
    ck_assert_uint_eq(statistics.snapshot_keys, progress.keys);
    ck_assert_uint_eq(statistics.snapshot_keys_total, 20000);
    ck_assert_uint_eq(statistics.snapshot_held, progress.held);
    ck_assert_int_eq(kv_snapshot_step(snapshot, 0), KV_OK);
    ck_assert_int_eq(kv_snapshot_stats(snapshot, &progress), KV_OK);
    ck_assert_uint_eq(progress.keys, 20000);
    ck_assert_int_eq(kv_snapshot_end(snapshot), KV_OK);
    ck_assert_int_eq(kv_stats(db, &statistics), KV_OK);
    ck_assert_uint_eq(statistics.snapshot_keys_total, 0);
    kv_buffer_free(&file.bytes);
}
END_TEST

static kv_status say_more(void *context, kv_slice bytes)
{
    (void)context, (void)bytes;
    return KV_MORE;
}

START_TEST(a_writer_that_says_more_has_failed)
{
    kv_snapshot *snapshot;
    ck_assert_int_eq(kv_snapshot_begin(db, NULL, say_more, NULL, &snapshot), KV_OK);
    ck_assert_int_eq(kv_snapshot_step(snapshot, 0), KV_IOERROR);
    ck_assert_int_eq(kv_snapshot_end(snapshot), KV_IOERROR);
}
END_TEST

static atomic_uint writes_of_the_host, writes_waited_for;
static atomic_bool is_stepping;

static kv_status count_slowly(void *context, kv_slice bytes)
{
    (void)context, (void)bytes;
    atomic_fetch_add(&writes_of_the_host, 1);
    usleep(5000);
    return KV_OK;
}

/* Overwrites keys, and notes how many calls of the writer went by in one call at the most. */
static void *overwrite_and_count(void *context)
{
    unsigned first = *(unsigned *)context;
    char key[TEXT], text[TEXT];
    uint64_t seed = first;
    for (unsigned i = 0; atomic_load(&is_stepping); i++) {
        unsigned before = atomic_load(&writes_of_the_host);
        MUST(kv_set(db, key_of(key, (first + 2 * i) % 200000), text_of(text, &seed), NULL) ==
             KV_OK);
        unsigned waited = atomic_load(&writes_of_the_host) - before;
        if (waited > atomic_load(&writes_waited_for)) atomic_store(&writes_waited_for, waited);
    }
    return NULL;
}

/* Of many shards each has little: that little must not be a call of the writer each. */
START_TEST(who_helps_waits_for_a_few_calls_of_the_writer_only)
{
    store_teardown();
    store_setup_with(256);
    char key[TEXT], text[TEXT];
    uint64_t seed = 1;
    for (unsigned i = 0; i < 200000; i++)
        MUST(kv_set(db, key_of(key, i), text_of(text, &seed), NULL) == KV_OK);
    ck_assert_int_eq(kv_configure(db, KV_SETTING_SNAPSHOT_MEMORY, 1024), KV_OK);
    atomic_store(&writes_of_the_host, 0);
    atomic_store(&writes_waited_for, 0);
    atomic_store(&is_stepping, true);
    kv_snapshot *snapshot;
    ck_assert_int_eq(kv_snapshot_begin(db, NULL, count_slowly, NULL, &snapshot), KV_OK);
    unsigned firsts[2] = {0, 1};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        MUST(pthread_create(&threads[i], NULL, overwrite_and_count, &firsts[i]) == 0);
    kv_status status = kv_snapshot_step(snapshot, 0);
    atomic_store(&is_stepping, false);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    ck_assert_int_eq(status, KV_OK);
    unsigned waited_for = atomic_load(&writes_waited_for);
    ck_assert_uint_le(waited_for, 40); /* of some 70; a busy machine may add to one or two */
    ck_assert_int_eq(kv_snapshot_end(snapshot), KV_OK);
}
END_TEST

START_TEST(what_is_flushed_is_written_first_and_freed_then)
{
    struct content expected, found;
    uint64_t seed = 7;
    write_much(&seed, 2000);
    content_take(&expected);
    struct file file = {0};
    kv_snapshot *snapshot;
    ck_assert_int_eq(kv_snapshot_begin(db, NULL, file_write, &file, &snapshot), KV_OK);
    ck_assert_int_eq(kv_snapshot_step(snapshot, 1), KV_MORE);
    ck_assert_int_eq(kv_flush_all(db, false), KV_OK);
    ck_assert_int_eq(kv_tick(db, 0), KV_OK);
    fixture_set(db, "key1", "new");
    ck_assert_int_eq(kv_snapshot_step(snapshot, 0), KV_OK);
    ck_assert_int_eq(kv_snapshot_end(snapshot), KV_OK);
    content_read(&found, &file);
    content_compare(&found, &expected);
    ck_assert_int_eq(kv_next_deadline(db), 0);
    ck_assert_int_eq(kv_tick(db, 0), KV_OK);
    ck_assert_int_eq(kv_next_deadline(db), KV_NEVER);
    kv_buffer_free(&file.bytes);
}
END_TEST

START_TEST(a_save_replaces_the_file_as_a_whole)
{
    char directory[] = "/tmp/kvstore-test-XXXXXX", path[64], missing[64];
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/dump.rdb", directory);
    snprintf(missing, sizeof missing, "%s/none/dump.rdb", directory);
    fixture_set(db, "key1", "one");
    ck_assert_int_eq(kv_save(db, path, NULL), KV_OK);
    ck_assert_int_eq(kv_save(db, path, NULL), KV_OK);
    errno = 0;
    ck_assert_int_eq(kv_save(db, missing, NULL), KV_IOERROR);
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_int_eq(kv_save(db, directory, NULL), KV_IOERROR);
    ck_assert_int_eq(errno, EISDIR);
    ck_assert_int_eq(kv_save(db, "", NULL), KV_BADARG);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkfifo(path, 0600), 0); /* no more than a device does it give way */
    ck_assert_int_eq(kv_save(db, path, NULL), KV_IOERROR);
    ck_assert_int_eq(errno, EINVAL);
    struct stat found;
    ck_assert(stat(path, &found) == 0 && S_ISFIFO(found.st_mode));
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rmdir(directory), 0); /* nothing else is in it */
    ck_assert_int_eq(kv_save(db, path, NULL), KV_IOERROR);
}
END_TEST

START_TEST(arguments_outside_their_range_are_refused)
{
    kv_snapshot_options options = KV_OPTIONS(kv_snapshot_options);
    kv_snapshot_progress progress = {0};
    kv_snapshot *snapshot;
    struct file file = {0};
    ck_assert_int_eq(kv_snapshot_begin(NULL, NULL, file_write, &file, &snapshot), KV_BADARG);
    ck_assert_int_eq(kv_snapshot_begin(db, NULL, NULL, &file, &snapshot), KV_BADARG);
    ck_assert_int_eq(kv_snapshot_begin(db, NULL, file_write, &file, NULL), KV_BADARG);
    options.rdb_version = 9;
    ck_assert_int_eq(kv_snapshot_begin(db, &options, file_write, &file, &snapshot), KV_BADARG);
    options.rdb_version = 0;
    options.aux_count = 2;
    ck_assert_int_eq(kv_snapshot_begin(db, &options, file_write, &file, &snapshot), KV_BADARG);
    options.aux_count = 0;
    options.size++;
    ck_assert_int_eq(kv_snapshot_begin(db, &options, file_write, &file, &snapshot), KV_BADARG);
    ck_assert_int_eq(kv_snapshot_step(NULL, 0), KV_BADARG);
    ck_assert_int_eq(kv_snapshot_end(NULL), KV_BADARG);
    ck_assert_int_eq(kv_snapshot_begin(db, NULL, file_write, &file, &snapshot), KV_OK);
    ck_assert_int_eq(kv_snapshot_step(snapshot, -1), KV_BADARG);
    ck_assert_int_eq(kv_snapshot_stats(snapshot, &progress), KV_BADARG);
    ck_assert_int_eq(kv_snapshot_end(snapshot), KV_CANCELLED);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("snapshot");
    TCase *tcase = tcase_create("snapshot");
    tcase_add_checked_fixture(tcase, setup, store_teardown);
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, an_empty_store_is_a_head_and_an_end);
    tcase_add_test(tcase, a_file_is_what_the_format_says);
    tcase_add_loop_test(tcase, writers_between_steps_change_nothing_in_it, 0, 4);
    tcase_add_test(tcase, one_that_fails_or_is_given_up_leaves_no_trace);
    tcase_add_test(tcase, threads_write_and_no_transaction_is_torn);
    tcase_add_test(tcase, memory_is_bounded_and_writers_help);
    tcase_add_test(tcase, a_writer_that_says_more_has_failed);
    tcase_add_test(tcase, who_helps_waits_for_a_few_calls_of_the_writer_only);
    tcase_add_test(tcase, what_is_flushed_is_written_first_and_freed_then);
    tcase_add_test(tcase, a_save_replaces_the_file_as_a_whole);
    tcase_add_test(tcase, arguments_outside_their_range_are_refused);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
