/*
 * tests/resp/test_following.c -- following a master that is a text: what is said, what is counted,
 * and that memory may run out at any allocation.
 */
#include "failing_malloc.h"
#include "script.h"
#include "server.h"

#include "resp/session.h"

#define ID   "0123456789abcdef0123456789abcdef01234567"
#define HAND "+PONG\r\n+OK\r\n+OK\r\n"
/* A data set with one key, new. */
#define DATA                   \
    "REDIS0010\xfe\0\0\3new\1" \
    "2\xff\0\0\0\0\0\0\0\0"
#define FULL  HAND "+FULLRESYNC " ID " 100\r\n$27\r\n" DATA
#define SET   "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n"
#define INCR  "*2\r\n$4\r\nINCR\r\n$1\r\na\r\n"
#define MULTI "*1\r\n$5\r\nMULTI\r\n"
#define EXEC  "*1\r\n$4\r\nEXEC\r\n"
#define ACK   "*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n"

static struct server server;
static struct server_client *client;

static void setup(void)
{
    atomic_store(&allowed, UNLIMITED);
    server_open(&server);
    client = server_client(&server);
    say(&server, client, "SET old 1");
    ck_assert_int_eq(kvresp_replicaof(server.resp, "master", 1), KV_OK);
}

static void teardown(void)
{
    atomic_store(&allowed, UNLIMITED);
    server_close(&server);
}

static struct script script_of(const char *text, size_t size, size_t piece)
{
    return (struct script){.resp = server.resp,
                           .bytes = (const uint8_t *)text,
                           .size = size,
                           .piece = piece,
                           .dismissed = SIZE_MAX};
}

/* Follows a master that says this literal; what was said is in *said, to be freed. */
#define FOLLOW(literal, piece, said) follow(literal, sizeof(literal) - 1, piece, said)

static kv_status follow(const char *text, size_t size, size_t piece, kv_buffer *said)
{
    struct script script = script_of(text, size, piece);
    kv_status status = script_follow(&script);
    if (said != NULL) *said = script.said;
    else kv_buffer_free(&script.said);
    return status;
}

static kvresp_following look(void)
{
    kvresp_following now = KV_OPTIONS(kvresp_following);
    ck_assert_int_eq(kvresp_following_look(server.resp, &now), KV_OK);
    return now;
}

START_TEST(a_conversation_is_had_to_its_end)
{
    static const size_t pieces[] = {1, 2, 13, 100000};
    kv_buffer said;
    ck_assert_int_eq(FOLLOW(FULL SET MULTI INCR INCR EXEC ACK, pieces[_i], &said), KV_NONE);
    ck_assert_has(said.data, "*3\r\n$5\r\nPSYNC\r\n$1\r\n?\r\n$2\r\n-1\r\n");
    char ack[64];
    size_t offset = 100 + sizeof(SET MULTI INCR INCR EXEC ACK) - 1;
    snprintf(ack, sizeof ack, "ACK\r\n$3\r\n%zu\r\n", offset);
    ck_assert_has(said.data, ack);
    kv_buffer_free(&said);
    assert_says(client, "GET a", "$1\r\n3\r\n");
    assert_says(client, "GET new", "$1\r\n2\r\n");
    assert_says(client, "GET old", "$-1\r\n");
    ck_assert_int_eq(look().offset, (int64_t)offset);
    ck_assert_str_eq(look().master_id, ID);
    ck_assert(!look().is_connected);

    /* Where it was. */
    ck_assert_int_eq(FOLLOW(HAND "+CONTINUE\r\n" INCR, pieces[_i], &said), KV_NONE);
    snprintf(ack, sizeof ack, "PSYNC\r\n$40\r\n" ID "\r\n$3\r\n%zu\r\n", offset + 1);
    ck_assert_has(said.data, ack);
    kv_buffer_free(&said);
    assert_says(client, "GET a", "$1\r\n4\r\n");
    ck_assert_uint_eq(look().partial_syncs, 1);
}
END_TEST

START_TEST(a_half_transaction_is_no_change)
{
    ck_assert_int_eq(FOLLOW(FULL SET MULTI INCR INCR, 50, NULL), KV_NONE);
    assert_says(client, "GET a", "$1\r\n1\r\n");
    ck_assert_int_eq(look().offset, 100 + (int64_t)sizeof SET - 1);
}
END_TEST

/* The store as it was while the link was still up, with all that had come. */
static kvresp_following seen;
static char seen_info[4000];

static void look_at_end(void)
{
    seen = look();
    snprintf(seen_info, sizeof seen_info, "%s", say(&server, client, "INFO replication"));
}

/* Follows, and looks before the link ends and after. */
static void watch(const char *text, size_t piece, int64_t offset, int64_t received)
{
    char line[100];
    struct script script = script_of(text, strlen(text), piece);
    script.at_end = look_at_end;
    ck_assert_int_eq(script_follow(&script), KV_NONE);
    kv_buffer_free(&script.said);
    ck_assert(seen.is_connected);
    ck_assert_int_eq(seen.offset, offset);
    ck_assert_int_eq(seen.received, received);
    snprintf(line, sizeof line, "slave_read_repl_offset:%lld\r\nslave_repl_offset:%lld\r\n",
             (long long)received, (long long)offset);
    ck_assert_has(seen_info, line);
    ck_assert(!look().is_connected);
    ck_assert_int_eq(look().offset, offset);
    ck_assert_int_eq(look().received, offset);
    snprintf(line, sizeof line, "slave_read_repl_offset:%lld\r\n", (long long)offset);
    ck_assert_has(say(&server, client, "INFO replication"), line);
}

/* A data set without zeros before its end, which has no sum: as texts of C have none. */
#define AT(offset)                           \
    HAND "+FULLRESYNC " ID " " offset "\r\n" \
         "$EOF:" ID "\r\nREDIS0001\xff" ID

/* By the bytes that come at once: one, some, and all with the data set. */
START_TEST(what_has_come_is_told_of_this_link_only)
{
    static const size_t pieces[] = {1, 30, 100000};
    int64_t set = sizeof SET - 1, half = sizeof(MULTI INCR "*2\r\n$4\r\nIN") - 1;
    size_t piece = pieces[_i];
    watch(AT("90000") SET, piece, 90000 + set, 90000 + set);
    watch(HAND "+CONTINUE\r\n" SET, piece, 90000 + 2 * set, 90000 + 2 * set);
    watch(AT("100"), piece, 100, 100); /* a shorter history, of which nothing comes */
    watch(AT("100") SET, piece, 100 + set, 100 + set);
    watch(AT("700") SET MULTI INCR "*2\r\n$4\r\nIN", piece, 700 + set, 700 + set + half);
    watch(HAND "+CONTINUE\r\n", piece, 700 + set, 700 + set); /* of one that lacks the half */
    watch(AT("0"), piece, 0, 0);
}
END_TEST

START_TEST(what_is_no_change_is_counted_and_not_executed)
{
#define ODD "*2\r\n$3\r\nGET\r\n$1\r\na\r\n*1\r\n$8\r\nSHUTDOWN\r\n*1\r\n$8\r\nNONSENSE\r\n\r\n"
    server.may_shut_down = true;
    ck_assert_int_eq(FOLLOW(FULL ODD MULTI ODD INCR EXEC, 50, NULL), KV_NONE);
    ck_assert_uint_eq(server.shutdown_flags, 0);
    assert_says(client, "GET a", "$1\r\n1\r\n");
    ck_assert_int_eq(look().offset, 100 + (int64_t)sizeof(ODD MULTI ODD INCR EXEC) - 1);
    ck_assert_has(server.log, "sends 'SHUTDOWN'");
#undef ODD
}
END_TEST

/* Its lengths may go on beyond it. */
START_TEST(a_change_in_a_ping_is_whole_or_ends_the_link)
{
#define PING(size, carried) "*2\r\n$4\r\nPING\r\n$" size "\r\nkvstore " carried "\r\n"
    ck_assert_int_eq(FOLLOW(FULL PING("19", "*2\r\n$999999"), 500, NULL), KV_BADARG);
    ck_assert_has(server.log, "it sends a change that is not known here");
    ck_assert_int_eq(
        FOLLOW(FULL PING("30", "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1"), 500, NULL), KV_BADARG);
    ck_assert_int_eq(FOLLOW(FULL PING("10", "*2") "$999999\r\n", 500, NULL), KV_BADARG);
#undef PING
}
END_TEST

START_TEST(a_change_with_an_error_is_told)
{
    ck_assert_int_eq(FOLLOW(FULL "*3\r\n$5\r\nLPUSH\r\n$3\r\nnew\r\n$1\r\nx\r\n" SET, 500, NULL),
                     KV_NONE);
    assert_says(client, "GET a", "$1\r\n1\r\n");
    ck_assert_has(server.log, "answered with an error: WRONGTYPE");
}
END_TEST

START_TEST(a_change_that_is_refused_makes_all_come_anew)
{
    ck_assert_int_eq(FOLLOW(FULL SET, 500, NULL), KV_NONE);
    ck_assert_int_eq(kv_configure(server.resp->store, KV_SETTING_ACCEPT_WRITES, 0), KV_OK);
    ck_assert_int_ne(FOLLOW(HAND "+CONTINUE\r\n" INCR INCR, 500, NULL), KV_NONE);
    ck_assert_has(server.log, "the store refused its changes");
    ck_assert_int_eq(kv_configure(server.resp->store, KV_SETTING_ACCEPT_WRITES, 1), KV_OK);
    kv_buffer said;
    ck_assert_int_eq(FOLLOW(FULL SET INCR, 500, &said), KV_NONE);
    ck_assert_has(said.data, "*3\r\n$5\r\nPSYNC\r\n$1\r\n?\r\n$2\r\n-1\r\n");
    kv_buffer_free(&said);
    assert_says(client, "GET a", "$1\r\n2\r\n");
}
END_TEST

/* An append-only file that cannot be written for a while: until it was asked so often. */
static int refusals;

static const char *link_refuses(void *context)
{
    (void)context;
    if (refusals > 0 && --refusals == 0)
        kv_configure(server.resp->store, KV_SETTING_ACCEPT_WRITES, 1);
    return refusals > 0 ? "No space left on device" : NULL;
}

static bool link_is_not(void *context)
{
    (void)context;
    return false;
}

static uint64_t link_position(void *context)
{
    (void)context;
    return 0;
}

static void link_forgets(void *context, struct aof_waiter *waiter)
{
    (void)context, (void)waiter;
}

START_TEST(changes_wait_while_the_append_only_file_cannot_be_written)
{
    const struct aof_link link = {.refusal = link_refuses,
                                  .holds_replies = link_is_not,
                                  .is_full = link_is_not,
                                  .is_wanted = link_is_not,
                                  .position = link_position,
                                  .forget = link_forgets};
    ck_assert_int_eq(FOLLOW(FULL SET, 500, NULL), KV_NONE);
    ck_assert_int_eq(kv_configure(server.resp->store, KV_SETTING_ACCEPT_WRITES, 0), KV_OK);
    refusals = 20;
    server.resp->aof = &link;
    ck_assert_int_eq(FOLLOW(HAND "+CONTINUE\r\n" INCR INCR, 500, NULL), KV_NONE);
    server.resp->aof = NULL;
    ck_assert_int_eq(refusals, 0);
    ck_assert_lacks(server.log, "answered with an error");
    assert_says(client, "GET a", "$1\r\n3\r\n");
}
END_TEST

START_TEST(a_role_that_ends_ends_the_link)
{
    static const char text[] = FULL SET SET SET;
    for (size_t at = 0; at < sizeof text; at += 7) {
        struct script script = script_of(text, sizeof text - 1, 7);
        script.dismissed = at;
        kv_status status = script_follow(&script);
        kv_buffer_free(&script.said);
        ck_assert_int_eq(status, script.dismissed == SIZE_MAX ? KV_CANCELLED : KV_NONE);
        assert_says(client, "SET mine 1", "+OK\r\n");
        bool has_new = kv_get(server.db, KV_TEXT("new"), NULL) == KV_OK;
        bool has_old = kv_get(server.db, KV_TEXT("old"), NULL) == KV_OK;
        ck_assert(has_new != has_old);
        ck_assert_int_eq(kv_flush_all(server.db, false), KV_OK);
        say(&server, client, "SET old 1");
        ck_assert_int_eq(kvresp_replicaof(server.resp, "master", 1), KV_OK);
    }
}
END_TEST

/*
 * Whatever fails, the data are the old, or the new with the changes as far as the offset counts
 * them; and with memory again all is well.
 */
START_TEST(memory_may_run_out_at_any_time)
{
    static const char text[] = FULL SET MULTI INCR EXEC INCR INCR;
    const int64_t end = 100 + (int64_t)sizeof(SET MULTI INCR EXEC INCR INCR) - 1;
    bool is_done = false;
    for (long n = 0; !is_done; n++) {
        struct script script = script_of(text, sizeof text - 1, 40);
        atomic_store(&allowed, n);
        (void)script_follow(&script);
        is_done = atomic_load(&allowed) > 0;
        atomic_store(&allowed, UNLIMITED);
        kv_buffer_free(&script.said);
        kv_check(server.db);
        bool is_old = kv_get(server.db, KV_TEXT("old"), NULL) == KV_OK;
        bool is_new = kv_get(server.db, KV_TEXT("new"), NULL) == KV_OK;
        ck_assert(is_old != is_new);
        if (is_new && strcmp(look().master_id, ID) == 0 && look().offset == end)
            assert_says(client, "GET a", "$1\r\n4\r\n");
        ck_assert_int_eq(FOLLOW(FULL SET, 1000, NULL), KV_NONE);
        assert_says(client, "GET a", "$1\r\n1\r\n");

        ck_assert_int_eq(kvresp_replicaof(server.resp, NULL, 0), KV_OK);
        ck_assert_int_eq(kv_flush_all(server.db, false), KV_OK);
        say(&server, client, "SET old 1");
        ck_assert_int_eq(kvresp_replicaof(server.resp, "master", 1), KV_OK);
        server.log[0] = '\0';
    }
}
END_TEST

START_TEST(the_role_is_told)
{
    const char *info = say(&server, client, "INFO replication");
    ck_assert_has(info, "role:slave\r\nmaster_host:master\r\nmaster_port:1\r\n"
                        "master_link_status:down\r\n");
    assert_says(client, "ROLE",
                "*5\r\n$5\r\nslave\r\n$6\r\nmaster\r\n:1\r\n$7\r\nconnect\r\n:-1\r\n");
    assert_says(client, "CONFIG GET slaveof", "*2\r\n$7\r\nslaveof\r\n$8\r\nmaster 1\r\n");
    assert_says(client, "SET a 1", "-READONLY You can't write against a read only replica.\r\n");
    assert_says(client, "REPLICAOF x 1",
                "-ERR REPLICAOF is not possible: this store has nobody who connects\r\n");
    assert_says(client, "REPLICAOF NO ONE", "+OK\r\n");
    assert_says(client, "SET a 1", "+OK\r\n");
    assert_says(client, "CONFIG GET replicaof", "*2\r\n$9\r\nreplicaof\r\n$0\r\n\r\n");
}
END_TEST

/* min-replicas-to-write is for masters, and holds from the moment on that this is one. */
START_TEST(a_new_master_lacks_replicas_at_once)
{
    assert_says(client, "CONFIG SET min-replicas-to-write 1\r\nCONFIG SET replica-read-only no",
                "+OK\r\n+OK\r\n");
    assert_says(client, "SET a 1", "+OK\r\n");
    assert_says(client, "REPLICAOF NO ONE\r\nSET a 1",
                "+OK\r\n-NOREPLICAS Not enough good replicas to write.\r\n");
    ck_assert_int_eq(kvresp_replicaof(server.resp, "master", 1), KV_OK);
    assert_says(client, "SET a 1", "+OK\r\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("following");
    TCase *tcase = tcase_create("following");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, a_conversation_is_had_to_its_end, 0, 4);
    tcase_add_test(tcase, a_half_transaction_is_no_change);
    tcase_add_loop_test(tcase, what_has_come_is_told_of_this_link_only, 0, 3);
    tcase_add_test(tcase, what_is_no_change_is_counted_and_not_executed);
    tcase_add_test(tcase, a_change_in_a_ping_is_whole_or_ends_the_link);
    tcase_add_test(tcase, a_change_with_an_error_is_told);
    tcase_add_test(tcase, a_change_that_is_refused_makes_all_come_anew);
    tcase_add_test(tcase, changes_wait_while_the_append_only_file_cannot_be_written);
    tcase_add_test(tcase, a_role_that_ends_ends_the_link);
    tcase_add_test(tcase, memory_may_run_out_at_any_time);
    tcase_add_test(tcase, the_role_is_told);
    tcase_add_test(tcase, a_new_master_lacks_replicas_at_once);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
