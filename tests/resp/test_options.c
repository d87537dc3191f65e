/*
 * tests/resp/test_options.c -- options begin with their size, so that a program that was compiled
 * with an older header, whose structs were smaller, is understood.
 */
#include "server.h"

#include <stddef.h>
#include <unistd.h>

static kv *db;
static kvresp *resp;

static void setup(void)
{
    ck_assert_int_eq(kv_open(NULL, &db), KV_OK);
    ck_assert_int_eq(kvresp_open(db, NULL, &resp), KV_OK);
}

static void teardown(void)
{
    kvresp_close(resp);
    kv_close(db);
}

/* Sizes that no header had: for a struct of `size` bytes. */
static size_t unknown_size(int which, size_t size)
{
    const size_t sizes[] = {0, 1, sizeof(size_t) - 1, size + 1, 12345};
    return sizes[which];
}
enum { UNKNOWN_SIZES = 5 };

static bool refuse_shutdown(void *context, unsigned flags)
{
    (void)flags;
    ++*(int *)context;
    return false;
}

START_TEST(what_all_clients_share_takes_an_older_struct)
{
    kvresp *other;
    kvresp_options options = KV_OPTIONS(kvresp_options);
    options.config_file = (const char *)1; /* behind the end of the older struct: not looked at */
    options.executable = (const char *)1;
    options.size = offsetof(kvresp_options, config_file);
    int asked = 0;
    options.shutdown = refuse_shutdown;
    options.shutdown_context = &asked;
    ck_assert_int_eq(kvresp_open(db, &options, &other), KV_OK);
    kvresp_worker *worker;
    kvresp_session *session;
    ck_assert_int_eq(kvresp_worker_open(other, &worker), KV_OK);
    ck_assert_int_eq(kvresp_session_open(other, NULL, &session), KV_OK);
    kv_slice word = KV_TEXT("SHUTDOWN");
    ck_assert_int_eq(kvresp_exec(worker, session, 1, &word), KV_OK);
    ck_assert_int_eq(asked, 1); /* what is before the end counts */
    kvresp_session_close(session);
    kvresp_worker_close(worker);
    kvresp_close(other);
}
END_TEST

START_TEST(what_all_clients_share_refuses_unknown_sizes)
{
    kvresp *other = NULL;
    kvresp_options options = KV_OPTIONS(kvresp_options);
    options.size = unknown_size(_i, sizeof options);
    ck_assert_int_eq(kvresp_open(db, &options, &other), KV_BADARG);
    ck_assert_ptr_null(other);
}
END_TEST

START_TEST(a_session_takes_an_older_struct)
{
    kvresp_session *session;
    kvresp_session_options options = KV_OPTIONS(kvresp_session_options);
    options.address = "127.0.0.1:7";
    options.local_address = (const char *)1;
    options.size = offsetof(kvresp_session_options, local_address);
    ck_assert_int_eq(kvresp_session_open(resp, &options, &session), KV_OK);
    kvresp_session_close(session);
}
END_TEST

START_TEST(a_session_refuses_unknown_sizes)
{
    kvresp_session *session = NULL;
    kvresp_session_options options = KV_OPTIONS(kvresp_session_options);
    options.size = unknown_size(_i, sizeof options);
    ck_assert_int_eq(kvresp_session_open(resp, &options, &session), KV_BADARG);
    ck_assert_ptr_null(session);
}
END_TEST

START_TEST(the_append_only_file_takes_an_older_struct)
{
    char directory[] = "/tmp/kv-options-XXXXXX", command[64], message[256];
    ck_assert_ptr_nonnull(mkdtemp(directory));
    kvresp_aof *aof;
    kvresp_aof_options options = KV_OPTIONS(kvresp_aof_options);
    options.directory = directory;
    options.must_exist = true;
    ck_assert_int_eq(kvresp_aof_open(db, &options, &aof, message), KV_BADARG);
    ck_assert_has(message, "there is no append-only file");
    ck_assert_int_eq(rmdir(directory), 0); /* nothing was created */
    ck_assert_ptr_nonnull(mkdtemp(strcpy(directory, "/tmp/kv-options-XXXXXX")));

    options.size = offsetof(kvresp_aof_options, must_exist);
    ck_assert_int_eq(kvresp_aof_open(db, &options, &aof, message), KV_OK);
    ck_assert_int_eq(kvresp_aof_close(aof), KV_OK);
    snprintf(command, sizeof command, "rm -r %s", directory);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

START_TEST(the_append_only_file_refuses_unknown_sizes)
{
    kvresp_aof *aof = NULL;
    char message[256];
    kvresp_aof_options options = KV_OPTIONS(kvresp_aof_options);
    options.directory = "/nonexistent";
    options.size = unknown_size(_i, sizeof options);
    ck_assert_int_eq(kvresp_aof_open(db, &options, &aof, message), KV_BADARG);
    ck_assert_str_eq(message, "options of a size that is not known here");
    ck_assert_ptr_null(aof);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("options");
    TCase *tests = tcase_create("options");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, what_all_clients_share_takes_an_older_struct);
    tcase_add_loop_test(tests, what_all_clients_share_refuses_unknown_sizes, 0, UNKNOWN_SIZES);
    tcase_add_test(tests, a_session_takes_an_older_struct);
    tcase_add_loop_test(tests, a_session_refuses_unknown_sizes, 0, UNKNOWN_SIZES);
    tcase_add_test(tests, the_append_only_file_takes_an_older_struct);
    tcase_add_loop_test(tests, the_append_only_file_refuses_unknown_sizes, 0, UNKNOWN_SIZES);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
