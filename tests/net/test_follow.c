/*
 * tests/net/test_follow.c -- kvnet_follow(): what is an address, and one follower a store. What
 * followers do with what they are sent is in tests/resp and tests/integration.
 */
#include "fixture.h"

static kv *db;

static void setup(void)
{
    ck_assert_int_eq(kv_open(NULL, &db), KV_OK);
}

static void teardown(void)
{
    kv_close(db);
}

/* Nobody listens there; a follower tries again for as long as it is there. */
static const char *const addresses[] = {
    "127.0.0.1:1", "localhost:65535",  "[::1]:1",     "[fe80::1%lo]:1",
    "a.example:1", "/nosuch/a.socket", "/nosuch:1/a", "/s",
};

START_TEST(an_address_is_a_host_with_a_port_or_a_path)
{
    kvnet_follower *follower = NULL;
    ck_assert_int_eq(kvnet_follow(db, addresses[_i], NULL, &follower), KV_OK);
    kvnet_unfollow(follower);
}
END_TEST

static const char *const others[] = {
    "",
    "/",
    "//",
    "/run/",
    "/tmp",
    "/tmp/.",
    "/tmp//..",
    ":",
    ":1",
    "host",
    "host:",
    "host:0",
    "host:-1",
    "host:65536",
    "host:1x",
    "host: 1",
    "host:+1",
    "[]:5",
    "[]",
    "[:5",
    "]:5",
    "[host]:5",
    "[::1:5",
    "::1]:5",
    "::1:5",
    "[[::1]]:5",
    "[::1]",
    "[::1]5",
    "[::1%]:5",
    "[1.2.3.4]:5",
    "a:b:5",
    " host:5",
    "host :5",
    "host:5 ",
    "\thost:5",
    "a host:5",
    "host\n:5",
    "\x7f:5",
    " /s",
    "s/s:5",
    "[ ::1]:5",
    "[fe80::1% lo]:5",
    "host:18446744073709551617",
};

START_TEST(what_is_no_address_is_refused)
{
    kvnet_follower *follower = NULL;
    ck_assert_int_eq(kvnet_follow(db, others[_i], NULL, &follower), KV_BADARG);
    ck_assert_ptr_null(follower);
}
END_TEST

/* It is looked at, whatever its name is like. */
START_TEST(a_path_may_be_that_of_anything_but_a_directory)
{
    char directory[] = "/tmp/kvstore-follow-XXXXXX", path[100], link[100];
    kvnet_follower *follower = NULL;
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/a.socket", directory);
    snprintf(link, sizeof link, "%s/link", directory);
    ck_assert_int_eq(symlink(path, link), 0);
    for (const char *at = path; at != NULL; at = at == path ? link : NULL) {
        ck_assert_int_eq(kvnet_follow(db, at, NULL, &follower), KV_OK); /* of nothing yet */
        kvnet_unfollow(follower);
    }
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_int_eq(kvnet_follow(db, path, NULL, &follower), KV_BADARG);
    ck_assert_int_eq(kvnet_follow(db, link, NULL, &follower), KV_BADARG);
    ck_assert_int_eq(kvnet_follow(db, directory, NULL, &follower), KV_BADARG);
    rmdir(path);
    unlink(link);
    rmdir(directory);
}
END_TEST

START_TEST(an_address_that_is_too_long_is_refused)
{
    char text[600] = "/";
    kvnet_follower *follower = NULL;
    struct sockaddr_un socket;
    memset(text + 1, 'a', sizeof socket.sun_path - 2);
    ck_assert_int_eq(kvnet_follow(db, text, NULL, &follower), KV_OK);
    kvnet_unfollow(follower);
    text[sizeof socket.sun_path - 1] = 'a';
    ck_assert_int_eq(kvnet_follow(db, text, NULL, &follower), KV_BADARG);
    memset(text, 'a', 500);
    strcpy(text + 500, ":1");
    ck_assert_int_eq(kvnet_follow(db, text, NULL, &follower), KV_BADARG);
    text[0] = '[';
    strcpy(text + 500, "]:1");
    ck_assert_int_eq(kvnet_follow(db, text, NULL, &follower), KV_BADARG);
}
END_TEST

START_TEST(a_store_has_one_follower_at_a_time)
{
    kvnet_follower *first, *second = NULL, *other;
    kv *another;
    ck_assert_int_eq(kv_open(NULL, &another), KV_OK);
    ck_assert_int_eq(kvnet_follow(db, "127.0.0.1:1", NULL, &first), KV_OK);
    ck_assert_int_eq(kvnet_follow(db, "127.0.0.1:1", NULL, &second), KV_BUSY);
    ck_assert_int_eq(kvnet_follow(kv_select(db, 3), "127.0.0.1:2", NULL, &second), KV_BUSY);
    ck_assert_ptr_null(second);
    ck_assert_int_eq(kvnet_follow(another, "127.0.0.1:1", NULL, &other), KV_OK);
    kvnet_unfollow(first);
    ck_assert_int_eq(kvnet_follow(kv_select(db, 3), "127.0.0.1:2", NULL, &second), KV_OK);
    ck_assert_int_eq(kvnet_follow(db, "127.0.0.1:1", NULL, &first), KV_BUSY);
    kvnet_unfollow(second);
    kvnet_unfollow(other);
    kv_close(another);
}
END_TEST

START_TEST(one_that_did_not_begin_is_none)
{
    kvnet_follower *follower = NULL;
    kvnet_follow_options options = KV_OPTIONS(kvnet_follow_options);
    options.timeout_s = -1;
    ck_assert_int_eq(kvnet_follow(db, "127.0.0.1:1", &options, &follower), KV_BADARG);
    kv *transaction;
    kv_txn_options all = KV_OPTIONS(kv_txn_options);
    all.flags = KV_TXN_ALL;
    ck_assert_int_eq(kv_begin(db, &all, &transaction), KV_OK);
    ck_assert_int_eq(kvnet_follow(transaction, "127.0.0.1:1", NULL, &follower), KV_BADARG);
    ck_assert_int_eq(kv_commit(transaction), KV_OK);
    options.timeout_s = 1;
    ck_assert_int_eq(kvnet_follow(db, "127.0.0.1:1", &options, &follower), KV_OK);
    kvnet_unfollow(follower);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("follow");
    TCase *tests = tcase_create("follow");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, an_address_is_a_host_with_a_port_or_a_path, 0,
                        (int)(sizeof addresses / sizeof *addresses));
    tcase_add_loop_test(tests, what_is_no_address_is_refused, 0,
                        (int)(sizeof others / sizeof *others));
    tcase_add_test(tests, a_path_may_be_that_of_anything_but_a_directory);
    tcase_add_test(tests, an_address_that_is_too_long_is_refused);
    tcase_add_test(tests, a_store_has_one_follower_at_a_time);
    tcase_add_test(tests, one_that_did_not_begin_is_none);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
