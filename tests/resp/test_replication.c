/*
 * tests/resp/test_replication.c -- resp/replication and resp/replicas without sockets: ids and
 * offsets through changes of role, what a session that asks to follow is sent, WAIT, FAILOVER.
 */
#include "follower.h"

#include <time.h>

#define NO_REPLICAS "-NOREPLICAS Not enough good replicas to write.\r\n"

static struct server server;
static struct server_client *client, *replica;
static struct replication *history;

static void setup(void)
{
    server_open(&server);
    client = server_client(&server);
    replica = server_client(&server);
    history = &server.resp->replication;
    assert_says(client, "config set repl-diskless-sync-delay 0", "+OK\r\n");
}

static void teardown(void)
{
    server_close(&server);
}

/* Bytes to be loaded. */
struct source {
    const char *at;
    size_t left;
};

static kv_status source_read(void *context, void *bytes, size_t room, size_t *size)
{
    struct source *source = context;
    *size = source->left < room ? source->left : room;
    memcpy(bytes, source->at, *size);
    source->at += *size;
    source->left -= *size;
    return KV_OK;
}

START_TEST(a_replica_is_sent_the_snapshot_and_then_the_changes)
{
    say(&server, client, "set before 1");
    ck_assert_str_eq(say(&server, replica, "replconf capa eof capa psync2"), "+OK\r\n");
    ck_assert_str_eq(say(&server, replica, "psync ? -1"), "");
    server_tick(&server);
    server_await_snapshots(&server);
    say(&server, client, "set after 2");
    follower_receive(&server, replica);
    const char *text = server.answer.data;
    ck_assert_int_eq(strncmp(text, "+FULLRESYNC ", 12), 0);
    ck_assert_int_eq(strncmp(text + 12, server_place(&server).id, 40), 0);
    ck_assert_int_eq(strncmp(text + 52, " 0\r\n$EOF:", 9), 0);
    ck_assert_int_eq(strncmp(text + 101, "\r\nREDIS0010", 11), 0);
    /* It ends with the mark; nothing follows before the replica has seen it. */
    ck_assert_mem_eq(text + server.answer.size - 40, text + 61, 40);
    ck_assert_str_eq(say(&server, replica, "replconf ack 0"),
                     "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n"
                     "*3\r\n$3\r\nSET\r\n$5\r\nafter\r\n$1\r\n2\r\n");
    ck_assert(strstr(say(&server, client, "client list"), "flags=S") != NULL);
    assert_says(client, "select 3\r\nset x 1", "+OK\r\n+OK\r\n");
    ck_assert_str_eq(follower_receive(&server, replica),
                     "*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n"
                     "*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$1\r\n1\r\n");
}
END_TEST

/* What has no keys is an RDB as any, with what it says of the history, and a checksum or none. */
START_TEST(a_snapshot_of_functions_has_no_keys_and_a_checksum)
{
    char message[256];
    for (int sums = 1; sums >= 0; sums--) {
        kv_slice value = sums ? KV_TEXT("yes") : KV_TEXT("no");
        ck_assert_ptr_null(kvresp_config_set(server.resp, "rdbchecksum", value, true, message));
        say(&server, client, "set key value");
        struct server_client *reader = server_client(&server);
        const char *wish = "replconf capa eof rdb-only 1 rdb-filter-only functions";
        ck_assert_str_eq(say(&server, reader, wish), "+OK\r\n");
        ck_assert_str_eq(say(&server, reader, "sync"), "");
        server_tick(&server);
        follower_receive(&server, reader);
        const char *rdb = strstr(server.answer.data, "REDIS0010");
        const char *end = (const char *)server.answer.data + server.answer.size - 40; /* the mark */
        ck_assert_ptr_nonnull(rdb);
        ck_assert_int_eq((uint8_t)rdb[9], 0xfa);
        ck_assert_int_eq((uint8_t)end[-9], 0xff);
        uint64_t sum;
        memcpy(&sum, end - 8, sizeof sum);
        ck_assert((sum != 0) == sums);

        struct source source = {rdb, (size_t)(end - rdb)};
        kv *loaded;
        ck_assert_int_eq(kv_open(NULL, &loaded), KV_OK);
        ck_assert_int_eq(kv_load(loaded, source_read, &source, NULL, NULL), KV_OK);
        uint64_t count;
        ck_assert_int_eq(kv_count(loaded, &count), KV_OK);
        ck_assert_uint_eq(count, 0);
        kv_close(loaded);
    }
}
END_TEST

START_TEST(without_an_end_mark_the_size_comes_first)
{
    say(&server, client, "set before 1");
    follower_sync(&server, replica);
    struct server_client *second = server_client(&server);
    ck_assert_str_eq(say(&server, second, "sync"), "");
    server_tick(&server);
    /* The snapshot may not have begun, or be under way, or be done. */
    kv_buffer sent = {0};
    text_append(&sent, kv_text(server_run(&server, second)));
    server_await_snapshots(&server);
    follower_receive(&server, second);
    text_append(&sent, text_of_buffer(&server.answer));
    const char *said = sent.data;
    ck_assert(said[0] == '\n' || said[0] == '$');
    unsigned long long size;
    const char *head = strchr(said, '$');
    ck_assert_int_eq(sscanf(head, "$%llu\r\n", &size), 1);
    const char *rdb = strstr(head, "\r\n") + 2;
    ck_assert_uint_eq(size, sent.size - (size_t)(rdb - said));
    kv_buffer_free(&sent);
}
END_TEST

START_TEST(one_that_was_away_goes_on_where_it_was)
{
    char text[128];
    follower_sync(&server, replica);
    say(&server, client, "set a 1");
    struct replication_place place = server_place(&server);
    say(&server, client, "set b 2");
    struct server_client *again = server_client(&server);
    say(&server, again, "replconf capa psync2");
    snprintf(text, sizeof text, "psync %s %lld", place.id, (long long)place.offset + 1);
    server_feed(again, text, strlen(text));
    say_bytes(&server, again, "\r\n", 2);
    snprintf(text, sizeof text, "+CONTINUE %s\r\n", place.id);
    ck_assert_str_eq(server.answer.data, text);
    ck_assert_str_eq(follower_receive(&server, again), "*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$1\r\n2\r\n");
    ck_assert(strstr(say(&server, client, "info stats"), "sync_partial_ok:1\r\n") != NULL);

    /* Letters are digits in both cases. */
    struct server_client *loud = server_client(&server);
    snprintf(text, sizeof text, "PSYNC %s %lld\r\n", place.id, (long long)place.offset + 1);
    for (char *at = text; *at != '\0'; at++) *at = (char)(*at >= 'a' ? *at - 32 : *at);
    ck_assert_str_eq(say_bytes(&server, loud, text, strlen(text)), "+CONTINUE\r\n");

    /* A byte that is not written yet, another history, one that is not kept: a full sync. */
    struct server_client *late = server_client(&server);
    snprintf(text, sizeof text, "psync %s %lld\r\n", place.id,
             (long long)server_place(&server).offset + 2);
    ck_assert_str_eq(say_bytes(&server, late, text, strlen(text)), "");
    struct server_client *stranger = server_client(&server);
    ck_assert_str_eq(say(&server, stranger, "psync 0123456789012345678901234567890123456789 1"),
                     "");
    ck_assert(strstr(say(&server, client, "info stats"), "sync_partial_err:2\r\n") != NULL);
}
END_TEST

START_TEST(ids_shift_when_a_replica_becomes_a_master)
{
    static const char id[] = "aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd";
    struct replication_reader reader = {0};
    char now[REPLICATION_ID_SIZE + 1];
    replication_become_replica(history);
    ck_assert_int_eq(replication_adopt(history, id, 1000), KV_OK);
    replication_feed(history, KV_TEXT("*1\r\n$4\r\nPING\r\n"), 0);
    say(&server, client, "set local 1"); /* not of the history */
    struct replication_place place = server_place(&server);
    ck_assert_str_eq(place.id, id);
    ck_assert_int_eq(place.offset, 1014);
    ck_assert_int_eq(place.backlog_first, 1001);
    ck_assert(place.has_strayed);

    replication_become_master(history);
    place = server_place(&server);
    ck_assert_str_eq(place.id2, id);
    ck_assert_int_eq(place.second_offset, 1015);
    ck_assert_str_ne(place.id, id);
    say(&server, client, "set a 1");
    ck_assert_int_gt(server_place(&server).offset, 1014);

    /* Those who followed the same master go on, up to where the histories part. */
    ck_assert(replication_resume(history, kv_text(id), 1015, &reader, now));
    ck_assert_str_eq(now, place.id);
    kv_slice bytes = replication_reader_read(&history->log, &reader);
    ck_assert_int_eq(memcmp(bytes.data, "*2\r\n$6\r\nSELECT\r\n", 16), 0);
    replication_reader_close(&history->log, &reader);
    ck_assert(replication_resume(history, kv_text(id), 1001, &reader, now));
    replication_reader_close(&history->log, &reader);
    ck_assert(!replication_resume(history, kv_text(id), 1016, &reader, now));
    ck_assert(!replication_resume(history, kv_text(id), 1000, &reader, now));
    ck_assert(!replication_resume(history, kv_text(id), -5, &reader, now));

    /* And back: what it wrote as a master is kept, for a master that knows it. */
    int64_t offset = server_place(&server).offset;
    replication_become_replica(history);
    ck_assert_int_eq(server_place(&server).offset, offset);
    replication_continue(history, "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee");
    ck_assert_str_eq(server_place(&server).id2, place.id);
    ck_assert_int_eq(server_place(&server).second_offset, offset + 1);
}
END_TEST

START_TEST(bytes_count_from_the_change_they_make)
{
    static const char id[] = "aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd";
    kv_slice set = KV_TEXT("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n");
    replication_become_replica(history);
    ck_assert_int_eq(replication_adopt(history, id, 0), KV_OK);
    replication_apply_begin(history, set, 2);
    ck_assert_int_eq(server_place(&server).offset, 0);
    kv_set(server.db, KV_TEXT("a"), KV_TEXT("1"), NULL);
    ck_assert_int_eq(server_place(&server).offset, (int64_t)set.size);
    kv_set(server.db, KV_TEXT("b"), KV_TEXT("1"), NULL); /* of the same command */
    replication_apply_end(history);
    ck_assert_int_eq(server_place(&server).offset, (int64_t)set.size);
    ck_assert(!server_place(&server).has_strayed);

    replication_apply_begin(history, set, 2); /* one that changes nothing */
    replication_apply_end(history);
    ck_assert_int_eq(server_place(&server).offset, 2 * (int64_t)set.size);
}
END_TEST

START_TEST(a_deadline_of_the_replica_s_own_is_not_of_the_history)
{
    static const char id[] = "aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd";
    replication_become_replica(history);
    ck_assert_int_eq(kv_configure(server.db, KV_SETTING_EXPIRE, 2), KV_OK);
    ck_assert_int_eq(replication_adopt(history, id, 0), KV_OK);
    say(&server, client, "set own 1 px 100");
    ck_assert_str_eq(say(&server, client, "dbsize"), ":1\r\n");
    server.now_ms += 200;
    kvresp_cron(server.resp, 0);
    ck_assert_str_eq(say(&server, client, "dbsize"), ":0\r\n");
    ck_assert_has(say(&server, client, "info stats"), "expired_keys:1\r\n");
    ck_assert_int_eq(server_place(&server).offset, 0);
}
END_TEST

#define MESSAGE(payload)   "*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n$1\r\n" payload "\r\n"
#define SHARD_MESSAGE      "*3\r\n$8\r\nSPUBLISH\r\n$2\r\nsc\r\n$1\r\nm\r\n"
#define CHANGE(key)        "*3\r\n$3\r\nSET\r\n$1\r\n" key "\r\n$1\r\n1\r\n"
#define SELECTION(number)  "*2\r\n$6\r\nSELECT\r\n$1\r\n" number "\r\n"
#define TRANSACTION(words) "*1\r\n$5\r\nMULTI\r\n" words "*1\r\n$4\r\nEXEC\r\n"

/* As Redis 7.0 sends them, whether somebody here receives them or not. */
START_TEST(messages_are_sent_in_their_place)
{
    follower_sync(&server, replica);
    assert_says(client, "publish c 1", ":0\r\n");
    assert_says(client, "spublish sc m", ":0\r\n");
    ck_assert_str_eq(follower_receive(&server, replica), SELECTION("0") MESSAGE("1") SHARD_MESSAGE);
    say(&server, client, "multi\r\npublish c 1\r\nexec");
    ck_assert_str_eq(follower_receive(&server, replica), MESSAGE("1"));
    say(&server, client, "multi\r\npublish c 1\r\npublish c 2\r\nexec");
    ck_assert_str_eq(follower_receive(&server, replica), TRANSACTION(MESSAGE("1") MESSAGE("2")));
    say(&server, client, "multi\r\nset a 1\r\npublish c 1\r\nset b 1\r\nget a\r\nexec");
    ck_assert_str_eq(follower_receive(&server, replica),
                     TRANSACTION(CHANGE("a") MESSAGE("1") CHANGE("b")));
    say(&server, client, "multi\r\npublish c 1\r\nselect 3\r\npublish c 2\r\nset a 1\r\nexec");
    ck_assert_str_eq(follower_receive(&server, replica),
                     TRANSACTION(MESSAGE("1") SELECTION("3") MESSAGE("2") CHANGE("a")));
    say(&server, client, "multi\r\npublish c 1\r\ndiscard");
    ck_assert_str_eq(follower_receive(&server, replica), "");
    /* Those of the host as well. */
    ck_assert_int_eq(kv_publish(kv_select(server.db, 3), KV_TEXT("c"), KV_TEXT("1"), NULL), KV_OK);
    ck_assert_str_eq(follower_receive(&server, replica), MESSAGE("1"));
}
END_TEST

START_TEST(messages_of_a_replica_s_clients_stay_there)
{
    static const char id[] = "aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd";
    kv_slice message = KV_TEXT(MESSAGE("1"));
    replication_become_replica(history);
    ck_assert_int_eq(replication_adopt(history, id, 0), KV_OK);
    assert_says(client, "publish c 1", ":0\r\n");
    ck_assert_int_eq(server_place(&server).offset, 0);
    ck_assert(!server_place(&server).has_strayed);

    replication_apply_begin(history, message, 0); /* those of the master count */
    ck_assert_int_eq(kv_publish(server.db, KV_TEXT("c"), KV_TEXT("1"), NULL), KV_OK);
    ck_assert_int_eq(server_place(&server).offset, (int64_t)message.size);
    replication_apply_end(history);
    ck_assert_int_eq(server_place(&server).offset, (int64_t)message.size);
}
END_TEST

START_TEST(wait_counts_messages_and_pauses_hold_them)
{
    follower_sync(&server, replica);
    follower_acknowledge(&server, replica);
    assert_says(client, "publish c 1\r\nwait 1 1000", ":0\r\n");
    follower_acknowledge(&server, replica);
    ck_assert_str_eq(server_run(&server, client), ":1\r\n");
    assert_says(client, "multi\r\npublish c 1\r\nexec\r\nwait 1 1000",
                "+OK\r\n+QUEUED\r\n*1\r\n:0\r\n");
    follower_acknowledge(&server, replica);
    ck_assert_str_eq(server_run(&server, client), ":1\r\n");

    struct server_client *other = server_client(&server);
    int64_t offset = server_place(&server).offset;
    assert_says(other, "client pause 1000 write", "+OK\r\n");
    assert_says(client, "publish c 1", "");
    ck_assert_int_eq(server_place(&server).offset, offset);
    assert_says(other, "client unpause", "+OK\r\n");
    ck_assert_str_eq(server_run(&server, client), ":0\r\n");
    ck_assert_int_gt(server_place(&server).offset, offset);
}
END_TEST

START_TEST(what_redis_does_not_know_travels_in_a_ping)
{
    follower_sync(&server, replica);
    say(&server, client, "hset h f v");
    follower_receive(&server, replica);
    say(&server, client, "hpexpireat h 9999999999999 fields 1 f");
    const char *text = follower_receive(&server, replica);
    ck_assert_msg(strncmp(text, "*2\r\n$4\r\nPING\r\n$", 15) == 0, "%s", text);
    const char *message = strstr(text + 15, "\r\n") + 2;
    kv_slice request = replication_carried(kv_text(message));
    ck_assert_ptr_nonnull(request.data);
    ck_assert_int_eq(memcmp(request.data, "*6\r\n$10\r\nHPEXPIREAT\r\n$1\r\nh\r\n", 28), 0);
    ck_assert_ptr_null(replication_carried(KV_TEXT("kvstore ")).data);
    ck_assert_ptr_null(replication_carried(KV_TEXT("hello")).data);
    /* In a transaction as well, between other changes. */
    say(&server, client, "multi\r\nset a 1\r\nhpersist h fields 1 f\r\nexec");
    text = follower_receive(&server, replica);
    ck_assert(strstr(text, "MULTI\r\n*3\r\n$3\r\nSET\r\n") != NULL);
    ck_assert(strstr(text, "HPERSIST") != NULL);
    ck_assert(strstr(text, "EXEC\r\n") != NULL);
}
END_TEST

START_TEST(wait_counts_acknowledgements)
{
    char text[64];
    assert_says(client, "wait 0 0", ":0\r\n");
    follower_sync(&server, replica);
    say(&server, client, "set a 1");
    assert_says(client, "wait 0 0", ":0\r\n");
    ck_assert_str_eq(say(&server, client, "wait 1 0"), "");
    ck_assert_int_eq(client->state, KVRESP_BLOCKED);
    ck_assert(strstr(follower_receive(&server, replica), "GETACK") != NULL);
    snprintf(text, sizeof text, "replconf ack %lld", (long long)server_place(&server).offset);
    say(&server, replica, text);
    ck_assert_int_gt(client->wakes, 0);
    ck_assert_str_eq(server_run(&server, client), ":1\r\n");
    assert_says(client, "wait 1 0", ":1\r\n");
    assert_says(client, "multi\r\nwait 2 0\r\nexec", "+OK\r\n+QUEUED\r\n*1\r\n:1\r\n");
    ck_assert_str_eq(say(&server, client, "wait 2 500"), "");
    server.now_ms += 501;
    ck_assert_str_eq(server_run(&server, client), ":1\r\n");
}
END_TEST

START_TEST(few_replicas_refuse_writes)
{
    say(&server, client, "config set min-replicas-to-write 1");
    assert_says(client, "set a 1", NO_REPLICAS);
    follower_sync(&server, replica);
    assert_says(client, "set a 1", "+OK\r\n");
    for (int i = 0; i < 12; i++) server_tick(&server);
    assert_says(client, "set a 1", NO_REPLICAS);
    assert_says(client, "get a", "$1\r\n1\r\n");
}
END_TEST

/* Nothing here waits for the clock. */
START_TEST(few_replicas_are_noticed_at_once)
{
    char text[128];
    follower_sync(&server, replica);
    assert_says(client, "config set min-replicas-to-write 2\r\nset a 1", "+OK\r\n" NO_REPLICAS);
    assert_says(client, "config set min-replicas-to-write 1\r\nset a 1", "+OK\r\n+OK\r\n");
    for (int i = 0; i < 12; i++) server_tick(&server);
    assert_says(client, "set a 1", NO_REPLICAS);
    say(&server, replica, "replconf ack 0");
    assert_says(client, "set a 1", "+OK\r\n");

    struct server_client *second = server_client(&server);
    snprintf(text, sizeof text, "psync %s 1\r\n", server_place(&server).id);
    say_bytes(&server, second, text, strlen(text));
    assert_says(client, "config set min-replicas-to-write 2\r\nset a 1", "+OK\r\n+OK\r\n");
    kvresp_session_close(second->session);
    server.client_count--;
    assert_says(client, "set a 1", NO_REPLICAS);

    assert_says(client, "config set min-replicas-max-lag 0\r\nset a 1", "+OK\r\n+OK\r\n");
}
END_TEST

/* Replies among the bytes of the history would be taken for them. */
START_TEST(a_replica_that_asks_for_replies_is_dropped)
{
    static const char *const requests[] = {
        "ping",         "get a",           "set a 2",  "subscribe x",       "blpop l 0",
        "multi",        "nosuch",          "quit",     "replconf capa eof", "replconf nosuch 1",
        "replconf ack", "client reply on", "*1\r\nfoo"};
    static const char *const others[] = {"replconf ack 1", "replconf getack *", "psync ? -1",
                                         "sync"};
    char text[128];
    follower_sync(&server, replica);
    say(&server, client, "set a 1");
    follower_receive(&server, replica);
    struct replication_place place = server_place(&server);
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct server_client *other = server_client(&server);
        snprintf(text, sizeof text, "psync %s %lld", place.id, (long long)place.offset + 1);
        ck_assert_str_eq(say(&server, other, text), "+CONTINUE\r\n");
        for (size_t j = 0; j < sizeof others / sizeof *others; j++)
            ck_assert_str_eq(say(&server, other, others[j]), "");
        ck_assert_int_eq(other->state, KVRESP_IDLE);
        server.log[0] = '\0';
        ck_assert_str_eq(say(&server, other, requests[i]), "");
        ck_assert_msg(other->state == KVRESP_CLOSE_NOW, "%s: %d", requests[i], other->state);
        ck_assert_msg(strstr(server.log, "replicas get no replies") != NULL, "%s", server.log);
        kvresp_session_close(other->session);
        server.client_count--;
    }
    assert_says(client, "get a", "$1\r\n1\r\n");
    ck_assert_int_eq(server_place(&server).offset, place.offset);
    ck_assert_str_eq(follower_receive(&server, replica), "");
}
END_TEST

START_TEST(who_subscribes_does_not_follow)
{
    say(&server, replica, "hello 3\r\nsubscribe x");
    ck_assert_str_eq(say(&server, replica, "psync ? -1"),
                     "-ERR SYNC and PSYNC are invalid with subscriptions\r\n");
    say(&server, replica, "unsubscribe x");
    ck_assert_str_eq(say(&server, replica, "psync ? -1"), "");
    assert_says(client, "publish x message", ":0\r\n");
}
END_TEST

START_TEST(a_replica_cannot_have_what_was_not_written)
{
    follower_sync(&server, replica);
    assert_says(client, "set a 1", "+OK\r\n");
    say(&server, replica, "replconf ack 1000000 fack 1000000");
    ck_assert_str_eq(say(&server, client, "wait 1 1"), "");
    server.now_ms += 2;
    ck_assert_str_eq(server_run(&server, client), ":0\r\n");
}
END_TEST

START_TEST(a_backlog_has_a_least_size)
{
    assert_says(client, "config set repl-backlog-size 10\r\nconfig get repl-backlog-size",
                "+OK\r\n*2\r\n$17\r\nrepl-backlog-size\r\n$5\r\n16384\r\n");
    ck_assert_uint_eq(server_place(&server).backlog_size, 16384);
    assert_says(client, "config set repl-backlog-size 20kb\r\nconfig get repl-backlog-size",
                "+OK\r\n*2\r\n$17\r\nrepl-backlog-size\r\n$5\r\n20480\r\n");
}
END_TEST

START_TEST(silence_ends_a_replica)
{
    follower_sync(&server, replica);
    say(&server, client, "config set repl-timeout 5");
    for (int i = 0; i < 5; i++) server_tick(&server);
    server_run(&server, replica);
    ck_assert_int_ne(replica->state, KVRESP_CLOSE_NOW);
    server_tick(&server);
    server_tick(&server);
    server_run(&server, replica);
    ck_assert_int_eq(replica->state, KVRESP_CLOSE_NOW);
}
END_TEST

START_TEST(a_history_without_replicas_ends)
{
    say(&server, client, "config set repl-backlog-ttl 3");
    follower_sync(&server, replica);
    char id[REPLICATION_ID_SIZE + 1];
    replication_read_id(history, id);
    kvresp_session_close(replica->session);
    server.client_count--;
    for (int i = 0; i < 3; i++) server_tick(&server);
    ck_assert(server_place(&server).has_backlog);
    for (int i = 0; i < 3; i++) server_tick(&server);
    ck_assert(!server_place(&server).has_backlog);
    ck_assert_str_ne(server_place(&server).id, id);
    int64_t offset = server_place(&server).offset;
    say(&server, client, "set a 1");
    ck_assert_int_eq(server_place(&server).offset, offset);
}
END_TEST

/* ------------------------------------------------------------------------------------- FAILOVER */

static int followed, promoted;

static kv_status link_follow(void *context, const char *host, int port, bool failover)
{
    (void)context;
    ck_assert_str_eq(host, "127.0.0.1");
    ck_assert_int_eq(port, 7777);
    ck_assert(failover);
    followed++;
    replication_become_replica(history);
    return KV_OK;
}

static void link_promote(void *context)
{
    (void)context;
    promoted++;
    replication_become_master(history);
}

static bool link_is_connected(void *context)
{
    (void)context;
    return true;
}

static const struct replica_link fake_link = {
    .follow = link_follow, .promote = link_promote, .is_connected = link_is_connected};

START_TEST(failover_holds_writes_until_a_replica_has_all)
{
    followed = promoted = 0;
    replication_attach_replica(history, &fake_link);
    assert_says(client, "failover", "-ERR FAILOVER requires connected replicas.\r\n");
    say(&server, replica, "replconf listening-port 7777");
    follower_sync(&server, replica);
    assert_says(client, "failover to 127.0.0.1 1",
                "-ERR FAILOVER target HOST and PORT is not a replica.\r\n");
    assert_says(client, "set a 1\r\nfailover", "+OK\r\n+OK\r\n");
    assert_says(client, "failover", "-ERR FAILOVER already in progress.\r\n");
    ck_assert_str_eq(say(&server, client, "set a 2"), "");
    ck_assert_int_eq(client->state, KVRESP_PAUSED);
    ck_assert_int_eq(kvresp_deadline(client->session), KV_NEVER);
    kvresp_cron(server.resp, 0); /* asks the replicas */
    ck_assert_int_eq(followed, 0);
    follower_acknowledge(&server, replica);
    ck_assert_int_eq(followed, 1);
    failover_end(server.resp, true);
    ck_assert_int_gt(client->wakes, 0);
    ck_assert_str_eq(failover_state_name(&server.resp->failover), "no-failover");
    ck_assert_int_eq(promoted, 0);
}
END_TEST

START_TEST(failover_is_given_up)
{
    followed = promoted = 0;
    replication_attach_replica(history, &fake_link);
    say(&server, replica, "replconf listening-port 7777");
    follower_sync(&server, replica);
    assert_says(client, "failover timeout 500", "+OK\r\n");
    server.now_ms += 100;
    kvresp_cron(server.resp, 0);
    server.now_ms += 500;
    kvresp_cron(server.resp, 0);
    ck_assert_int_eq(followed + promoted, 0);
    assert_says(client, "set a 1", "+OK\r\n");
    assert_says(client, "failover abort", "-ERR No failover in progress.\r\n");

    assert_says(client, "failover to 127.0.0.1 7777 timeout 500 force", "+OK\r\n");
    server.now_ms += 600;
    kvresp_cron(server.resp, 0);
    ck_assert_int_eq(followed, 1);
    assert_says(client, "failover abort", "+OK\r\n");
    ck_assert_int_eq(promoted, 1);
    assert_says(client, "set a 1", "+OK\r\n");
}
END_TEST

START_TEST(failover_needs_a_replica_that_can_be_followed)
{
    followed = promoted = 0;
    replication_attach_replica(history, &fake_link);
    /* The path of the socket is this server's, not the replica's. */
    replica->session->flags |= SESSION_UNIX;
    say(&server, replica, "replconf listening-port 7777");
    follower_sync(&server, replica);
    ck_assert(strstr(say(&server, client, "role"), "\r\n$11\r\n/unixsocket\r\n$4\r\n7777\r\n"));
    ck_assert(strstr(say(&server, client, "info replication"), "ip=/unixsocket,port=7777,"));
    assert_says(client, "failover", "-ERR FAILOVER requires connected replicas.\r\n");
    assert_says(client, "failover to /unixsocket 7777",
                "-ERR FAILOVER requires connected replicas.\r\n");

    struct server_client *portless = server_client(&server);
    follower_sync(&server, portless);
    assert_says(client, "failover", "-ERR FAILOVER requires connected replicas.\r\n");

    /* With one that can be, the others are passed over, although they have all first. */
    struct server_client *third = server_client(&server);
    say(&server, third, "replconf listening-port 7777");
    follower_sync(&server, third);
    assert_says(client, "failover to /unixsocket 7777",
                "-ERR FAILOVER target HOST and PORT is not a replica.\r\n");
    assert_says(client, "failover timeout 5000", "+OK\r\n");
    kvresp_cron(server.resp, 0);
    follower_acknowledge(&server, replica);
    follower_acknowledge(&server, portless);
    ck_assert_int_eq(followed, 0);
    follower_acknowledge(&server, third);
    ck_assert_int_eq(followed, 1);
    failover_end(server.resp, true);
}
END_TEST

START_TEST(failover_goes_where_a_replica_says_it_is)
{
    followed = 0;
    replication_attach_replica(history, &fake_link);
    replica->session->flags |= SESSION_UNIX;
    say(&server, replica, "replconf listening-port 7777 ip-address 127.0.0.1");
    follower_sync(&server, replica);
    assert_says(client, "failover", "+OK\r\n");
    kvresp_cron(server.resp, 0);
    follower_acknowledge(&server, replica);
    ck_assert_int_eq(followed, 1);
    failover_end(server.resp, true);
}
END_TEST

START_TEST(a_failover_request_makes_a_master)
{
    static const char id[] = "aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd";
    promoted = 0;
    replication_attach_replica(history, &fake_link);
    replication_become_replica(history);
    ck_assert_int_eq(replication_adopt(history, id, 100), KV_OK);
    ck_assert_str_eq(say(&server, replica, "psync 0123 101 failover"),
                     "-ERR PSYNC FAILOVER replid must match my replid.\r\n");
    say(&server, replica, "replconf capa psync2");
    const char *text =
        say(&server, replica, "psync aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd 101 failover");
    ck_assert_int_eq(promoted, 1);
    ck_assert_int_eq(strncmp(text + 10, server_place(&server).id, 40), 0);
    ck_assert_str_eq(server_place(&server).id2, id);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("replication");
    TCase *tcase = tcase_create("all");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_replica_is_sent_the_snapshot_and_then_the_changes);
    tcase_add_test(tcase, a_snapshot_of_functions_has_no_keys_and_a_checksum);
    tcase_add_test(tcase, without_an_end_mark_the_size_comes_first);
    tcase_add_test(tcase, one_that_was_away_goes_on_where_it_was);
    tcase_add_test(tcase, ids_shift_when_a_replica_becomes_a_master);
    tcase_add_test(tcase, bytes_count_from_the_change_they_make);
    tcase_add_test(tcase, a_deadline_of_the_replica_s_own_is_not_of_the_history);
    tcase_add_test(tcase, messages_are_sent_in_their_place);
    tcase_add_test(tcase, messages_of_a_replica_s_clients_stay_there);
    tcase_add_test(tcase, wait_counts_messages_and_pauses_hold_them);
    tcase_add_test(tcase, what_redis_does_not_know_travels_in_a_ping);
    tcase_add_test(tcase, wait_counts_acknowledgements);
    tcase_add_test(tcase, few_replicas_refuse_writes);
    tcase_add_test(tcase, few_replicas_are_noticed_at_once);
    tcase_add_test(tcase, a_replica_that_asks_for_replies_is_dropped);
    tcase_add_test(tcase, who_subscribes_does_not_follow);
    tcase_add_test(tcase, a_replica_cannot_have_what_was_not_written);
    tcase_add_test(tcase, a_backlog_has_a_least_size);
    tcase_add_test(tcase, silence_ends_a_replica);
    tcase_add_test(tcase, a_history_without_replicas_ends);
    tcase_add_test(tcase, failover_holds_writes_until_a_replica_has_all);
    tcase_add_test(tcase, failover_needs_a_replica_that_can_be_followed);
    tcase_add_test(tcase, failover_goes_where_a_replica_says_it_is);
    tcase_add_test(tcase, failover_is_given_up);
    tcase_add_test(tcase, a_failover_request_makes_a_master);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
