/*
 * tests/resp/test_aof_memory.c -- opening and closing the append-only file while memory runs out,
 * at each allocation in turn. The linker puts our allocator before the C library's (-Wl,--wrap);
 * the store and the disk below have all they want.
 */
#include "resp/aof.h"

#include "../unit.h"
#include "aof_disk.h"
#include "aof_record.h"

#define FAILING_MALLOC_STORAGE _Thread_local /* the threads of the file have all they want */
#include "failing_malloc.h"

/* What lies below the room under test is given memory, whatever is allowed. */
static int open_with_memory(void *context, const char *path, enum aof_open how, int *file)
{
    long kept = allowed;
    allowed = UNLIMITED;
    int error = disk_open(context, path, how, file);
    allowed = kept;
    return error;
}

static int write_with_memory(void *context, int file, const void *bytes, size_t size,
                             uint64_t offset, size_t *done)
{
    long kept = allowed;
    allowed = UNLIMITED;
    int error = disk_write(context, file, bytes, size, offset, done);
    allowed = kept;
    return error;
}

static int truncate_with_memory(void *context, int file, uint64_t size)
{
    long kept = allowed;
    allowed = UNLIMITED;
    int error = disk_truncate(context, file, size);
    allowed = kept;
    return error;
}

static int sync_with_memory(void *context, int file)
{
    long kept = allowed;
    allowed = UNLIMITED;
    int error = disk_sync(context, file);
    allowed = kept;
    return error;
}

static int rename_with_memory(void *context, const char *from, const char *to)
{
    long kept = allowed;
    allowed = UNLIMITED;
    int error = disk_rename(context, from, to);
    allowed = kept;
    return error;
}

static int sync_directory_with_memory(void *context, const char *path)
{
    long kept = allowed;
    allowed = UNLIMITED;
    int error = disk_sync_directory(context, path);
    allowed = kept;
    return error;
}

static void *allocate_for_store(void *context, size_t size, size_t alignment)
{
    (void)context;
    void *block;
    return posix_memalign(&block, alignment < 16 ? 16 : alignment, size) == 0 ? block : NULL;
}

static void release_for_store(void *context, void *block, size_t size)
{
    (void)context;
    (void)size;
    free(block);
}

static void open_disk(struct disk *disk)
{
    disk_open_empty(disk);
    disk->io.open = open_with_memory;
    disk->io.write = write_with_memory;
    disk->io.truncate = truncate_with_memory;
    disk->io.sync = sync_with_memory;
    disk->io.rename = rename_with_memory;
    disk->io.sync_directory = sync_directory_with_memory;
}

/* The old layout, a group, a torn tail: all that opening can be made to do. */
static void put_old_file(struct disk *disk)
{
    kv_buffer file = {0};
    record_encode(&file, "SET string value");
    record_encode(&file, "APPEND string more");
    record_encode(&file, "MULTI");
    record_encode(&file, "RPUSH list 1 2");
    record_encode(&file, "EXEC");
    text_append_string(&file, "*3\r\n");
    disk_put_file(disk, "data/appendonly.aof", file.data, file.size);
    kv_buffer_free(&file);
}

START_TEST(opening_says_so_at_whatever_allocation_memory_runs_out)
{
    static const kv_allocator allocator = {allocate_for_store, NULL, release_for_store, NULL};
    kv_options store_options = KV_OPTIONS(kv_options);
    store_options.allocator = &allocator;
    kvresp_aof_options options = KV_OPTIONS(kvresp_aof_options);
    options.directory = "data";
    kv_status status = KV_NOMEM;
    int count = 0;
    for (; status != KV_OK; count++) {
        struct disk disk;
        open_disk(&disk);
        put_old_file(&disk);
        kv *db;
        kvresp_aof *aof;
        ck_assert_int_eq(kv_open(&store_options, &db), KV_OK);
        allowed = count;
        status = aof_open_on(db, &options, &disk.io, &aof, NULL);
        allowed = UNLIMITED;
        ck_assert(status == KV_OK || status == KV_NOMEM);
        if (status == KV_OK) ck_assert_int_eq(kvresp_aof_close(aof), KV_OK);
        kv_close(db);

        /* Nothing was left open, and nothing was lost. */
        ck_assert_int_eq(disk_lock_count(&disk), 0);
        for (int i = 0; i < DISK_FILES; i++) ck_assert_ptr_null(disk.open[i]);
        ck_assert_int_eq(kv_open(&store_options, &db), KV_OK);
        ck_assert_int_eq(aof_open_on(db, &options, &disk.io, &aof, NULL), KV_OK);
        uint64_t keys = 0;
        kv_count(db, &keys);
        ck_assert_uint_eq(keys, 2);
        ck_assert_int_eq(kvresp_aof_close(aof), KV_OK);
        kv_close(db);
        disk_free(&disk);
    }
    ck_assert_int_gt(count, 20);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("aof_memory");
    TCase *tests = tcase_create("aof_memory");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, opening_says_so_at_whatever_allocation_memory_runs_out);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
