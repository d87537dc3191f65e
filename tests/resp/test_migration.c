/*
 * tests/resp/test_migration.c -- MIGRATE over a dialer of the test's own: what is waited for, who
 * lets go of what, and memory that runs out. The exchange itself is compared with redis-server's in
 * tests/integration/migrating.py.
 */
#include "server.h"

#include <pthread.h>
#include <unistd.h>

static struct server server;
static struct server_client *a;

/* The other side: answers each request that is written with the next of `answers`. */
static struct {
    pthread_mutex_t lock;
    kv_status connects;
    const char *answers; /* what is read, as often as it is asked for; "": nothing comes */
    char written[4096];
    atomic_int open, opened;
    void (*on_read)(void);
} there = {.lock = PTHREAD_MUTEX_INITIALIZER};

static kv_status there_connect(void *context, const char *host, int port, int64_t timeout_ms,
                               bool (*goes_on)(void *), void *goes_on_context, void **connection)
{
    (void)context, (void)host, (void)port, (void)timeout_ms, (void)goes_on, (void)goes_on_context;
    if (there.connects != KV_OK) return there.connects;
    atomic_fetch_add(&there.open, 1);
    atomic_fetch_add(&there.opened, 1);
    *connection = &there;
    return KV_OK;
}

static kv_status there_write(void *connection, kv_slice bytes, int64_t timeout_ms, size_t *size)
{
    (void)connection, (void)timeout_ms;
    pthread_mutex_lock(&there.lock);
    size_t used = strlen(there.written);
    *size = bytes.size > 7 ? 7 : bytes.size; /* a little at a time */
    for (size_t i = 0; i < *size && used < sizeof there.written - 1; i++) {
        char byte = ((const char *)bytes.data)[i];
        there.written[used++] = byte != '\0' ? byte : '0';
    }
    there.written[used] = '\0';
    pthread_mutex_unlock(&there.lock);
    return KV_OK;
}

static kv_status there_read(void *connection, void *bytes, size_t room, int64_t timeout_ms,
                            size_t *size)
{
    (void)connection, (void)room;
    if (there.on_read != NULL) there.on_read();
    if (there.answers == NULL) return KV_IOERROR;
    *size = strlen(there.answers);
    memcpy(bytes, there.answers, *size);
    if (*size > 0) return KV_OK;
    usleep((useconds_t)timeout_ms * 1000);
    return KV_TIMEOUT;
}

static void there_close(void *connection)
{
    (void)connection;
    atomic_fetch_sub(&there.open, 1);
}

static void setup(void)
{
    static const kvresp_dialer dialer = {
        sizeof(kvresp_dialer), there_connect, there_write, there_read, there_close, NULL};
    server_open(&server);
    a = server_client(&server);
    there.connects = KV_OK;
    there.answers = "+OK\r\n";
    there.written[0] = '\0';
    there.on_read = NULL;
    atomic_store(&there.open, 0);
    atomic_store(&there.opened, 0);
    ck_assert_int_eq(kvresp_dial_by(server.resp, &dialer), KV_OK);
    ck_assert_int_eq(kvresp_dial_by(server.resp, &dialer), KV_SKIPPED);
}

static void teardown(void)
{
    server_close(&server);
    ck_assert_int_eq(atomic_load(&there.open), 0);
}

/* Waits for the wake of a session that waits, and runs it. */
static const char *await(struct server_client *client)
{
    for (int i = 0; i < 20000 && atomic_load(&client->wakes) == 0; i++) usleep(1000);
    atomic_store(&client->wakes, 0);
    return server_run(&server, client);
}

#define assert_migrates(line, expected)              \
    do {                                             \
        ck_assert_str_eq(say(&server, a, line), ""); \
        ck_assert_int_eq(a->state, KVRESP_BLOCKED);  \
        ck_assert_str_eq(await(a), expected);        \
    } while (0)

START_TEST(the_session_waits_and_goes_on)
{
    say(&server, a, "SET k v");
    say(&server, a, "SET other v");
    ck_assert_str_eq(say(&server, a, "MIGRATE host 1 k 0 1000\r\nPING"), "");
    ck_assert_int_eq(a->state, KVRESP_BLOCKED);
    ck_assert_str_eq(await(a), "+OK\r\n+PONG\r\n");
    assert_says(a, "EXISTS k", ":0\r\n");
    ck_assert_has(there.written, "RESTORE");
    assert_says(a, "MIGRATE host 1 k 0 1000", "+NOKEY\r\n");
    assert_migrates("MIGRATE host 1 other 0 1000", "+OK\r\n");
    ck_assert_int_eq(atomic_load(&there.opened), 1); /* the link was kept */
    say(&server, a, "SET k v");
    there.answers = "+OK\r\n+OK\r\n"; /* one who says more than he was asked is not trusted again */
    assert_migrates("MIGRATE host 1 k 0 1000", "+OK\r\n");
    ck_assert_int_eq(atomic_load(&there.open), 0);
}
END_TEST

START_TEST(errors_of_the_dialer_are_told_in_redis_s_words)
{
    say(&server, a, "SET k v");
    there.connects = KV_BADARG;
    assert_migrates("MIGRATE host 1 k 0 1000",
                    "-IOERR error or timeout connecting to the client\r\n");
    there.connects = KV_TIMEOUT;
    assert_migrates("MIGRATE host 1 k 0 1000",
                    "-IOERR error or timeout writing to target instance\r\n");
    there.connects = KV_NOMEM;
    assert_migrates("MIGRATE host 1 k 0 1000", "-ERR memory is exhausted\r\n");
    there.connects = KV_OK;
    there.answers = NULL;
    assert_migrates("MIGRATE host 1 k 0 1000",
                    "-IOERR error or timeout reading to target instance\r\n");
    ck_assert_int_eq(atomic_load(&there.opened), 2); /* once more, on a new link */
    assert_says(a, "GET k", "$1\r\nv\r\n");
}
END_TEST

START_TEST(without_waiting_the_caller_does_it)
{
    kv_slice words[] = {KV_TEXT("MIGRATE"), KV_TEXT("host"), KV_TEXT("1"),
                        KV_TEXT("k"),       KV_TEXT("0"),    KV_TEXT("1000")};
    say(&server, a, "SET k v");
    ck_assert_int_eq(kvresp_exec(server.worker, a->session, 6, words), KV_OK);
    kv_slice output = kvresp_output(a->session);
    ck_assert_int_eq((int)output.size, 5);
    kvresp_output_consume(a->session, output.size);
    say(&server, a, "SET k v");
    assert_says(a, "MULTI\r\nMIGRATE host 1 k 0 1000\r\nEXISTS k\r\nEXEC",
                "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n:0\r\n");
}
END_TEST

static void change(void)
{
    there.on_read = NULL;
    there.written[0] = '\0';
    kv_slice value = KV_TEXT("new");
    ck_assert_int_eq(kv_set(server.db, KV_TEXT("k"), value, NULL), KV_OK);
}

static void delete (void)
{
    there.on_read = NULL;
    there.written[0] = '\0';
    kv_slice key = KV_TEXT("k");
    ck_assert_int_eq(kv_del(server.db, &key, 1, NULL), KV_OK);
}

START_TEST(a_key_that_changes_meanwhile_is_sent_again)
{
    say(&server, a, "SET k v");
    there.on_read = change;
    assert_migrates("MIGRATE host 1 k 0 1000", "+OK\r\n");
    ck_assert_has(there.written, "new");
    ck_assert_has(there.written, "REPLACE");
    assert_says(a, "EXISTS k", ":0\r\n");
    say(&server, a, "SET k v");
    there.on_read = delete;
    assert_migrates("MIGRATE host 1 k 0 1000", "+OK\r\n");
    ck_assert_has(there.written, "DEL\r\n$1\r\nk\r\n");
    say(&server, a, "SET k v"); /* with COPY it does not matter */
    there.on_read = change;
    assert_migrates("MIGRATE host 1 k 0 1000 COPY", "+OK\r\n");
    ck_assert_str_eq(there.written, "");
}
END_TEST

static void change_always(void)
{
    kv_slice value = KV_TEXT("new");
    ck_assert_int_eq(kv_set(server.db, KV_TEXT("k"), value, NULL), KV_OK);
}

START_TEST(a_key_that_changes_all_the_time_stays)
{
    say(&server, a, "SET k v");
    there.on_read = change_always;
    assert_migrates("MIGRATE host 1 k 0 50",
                    "-IOERR error or timeout reading to target instance\r\n");
    assert_says(a, "GET k", "$3\r\nnew\r\n");
}
END_TEST

static void pause_writes(void)
{
    there.on_read = NULL;
    struct server_client *other = &server.clients[1];
    ck_assert_str_eq(say(&server, other, "CLIENT PAUSE 1000000 WRITE"), "+OK\r\n");
}

/* What holds writes back holds back the deletion, too. */
START_TEST(a_pause_of_writes_is_kept)
{
    kv_slice words[] = {KV_TEXT("MIGRATE"), KV_TEXT("host"), KV_TEXT("1"),
                        KV_TEXT("k"),       KV_TEXT("0"),    KV_TEXT("50")};
    server_client(&server);
    say(&server, a, "SET k v");
    there.on_read = pause_writes;
    ck_assert_int_eq(kvresp_exec(server.worker, a->session, 6, words), KV_OK);
    kv_slice output = kvresp_output(a->session);
    ck_assert_int_eq(strncmp(output.data, "-READONLY ", 10), 0);
    kvresp_output_consume(a->session, output.size);
    assert_says(a, "GET k", "$1\r\nv\r\n");
}
END_TEST

START_TEST(a_session_that_goes_leaves_it_to_the_thread)
{
    struct server_client *b = server_client(&server), *c = server_client(&server);
    say(&server, a, "SET k v");
    there.answers = "";
    ck_assert_str_eq(say(&server, b, "MIGRATE host 1 k 0 300"), "");
    ck_assert_str_eq(say(&server, c, "MIGRATE host 1 k 0 100000"), "");
    kvresp_session_close(c->session);
    server.client_count--;
    assert_says(a, "CLIENT UNBLOCK 2", ":0\r\n");
    ck_assert_str_eq(await(b), "-IOERR error or timeout reading to target instance\r\n");
    assert_says(a, "EXISTS k", ":1\r\n");
    /* The other one ends with kvresp_close(), long before its time. */
}
END_TEST

START_TEST(many_at_once_wait_in_line)
{
    char line[64];
    enum { OTHERS = SERVER_CLIENTS - 1 };
    struct server_client *others[OTHERS];
    for (int i = 0; i < OTHERS; i++) {
        others[i] = server_client(&server);
        snprintf(line, sizeof line, "SET k%d v", i);
        say(&server, a, line);
    }
    for (int i = 0; i < OTHERS; i++) {
        snprintf(line, sizeof line, "MIGRATE host%d 1 k%d 0 1000", i, i);
        ck_assert_str_eq(say(&server, others[i], line), "");
    }
    for (int i = 0; i < OTHERS; i++) ck_assert_str_eq(await(others[i]), "+OK\r\n");
    assert_says(a, "DBSIZE", ":0\r\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("migration");
    TCase *tcase = tcase_create("migration");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, the_session_waits_and_goes_on);
    tcase_add_test(tcase, errors_of_the_dialer_are_told_in_redis_s_words);
    tcase_add_test(tcase, without_waiting_the_caller_does_it);
    tcase_add_test(tcase, a_key_that_changes_meanwhile_is_sent_again);
    tcase_add_test(tcase, a_key_that_changes_all_the_time_stays);
    tcase_add_test(tcase, a_pause_of_writes_is_kept);
    tcase_add_test(tcase, a_session_that_goes_leaves_it_to_the_thread);
    tcase_add_test(tcase, many_at_once_wait_in_line);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
