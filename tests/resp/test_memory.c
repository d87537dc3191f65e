/*
 * tests/resp/test_memory.c -- memory runs out: each allocation of each call fails in turn.
 *
 * The room takes its memory from malloc(), so the linker puts functions of this test before it. The
 * store has its own allocator, which does not fail here.
 */
#include "resp/session.h"

#include "failing_malloc.h"
#include "server.h"

#include <dirent.h>
#include <unistd.h>

static void *allocate(void *context, size_t size, size_t alignment)
{
    (void)context;
    return aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

static void release(void *context, void *block, size_t size)
{
    (void)context, (void)size;
    free(block);
}

static char directory[64];
static kv *db;
static kvresp *resp;
static kvresp_worker *worker;
static kvresp_session *session;

static void setup(void)
{
    kv_allocator allocator = {.allocate = allocate, .release = release};
    kv_options options = KV_OPTIONS(kv_options);
    options.allocator = &allocator;
    atomic_store(&allowed, UNLIMITED);
    ck_assert_int_eq(kv_open(&options, &db), KV_OK);
    snprintf(directory, sizeof directory, "/tmp/kvstore-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void teardown(void)
{
    atomic_store(&allowed, UNLIMITED);
    kv_close(db);
    DIR *files = opendir(directory);
    for (struct dirent *file; (file = readdir(files)) != NULL;) {
        if (file->d_name[0] == '.') continue;
        ck_assert_lacks(file->d_name, "temp"); /* nothing half written is left */
        char path[512];
        snprintf(path, sizeof path, "%s/%s", directory, file->d_name);
        unlink(path);
    }
    closedir(files);
    rmdir(directory);
}

START_TEST(opening_fails_as_a_whole_or_not_at_all)
{
    kv_status status = KV_NOMEM;
    for (long n = 0; status != KV_OK; n++) {
        atomic_store(&allowed, n);
        status = kvresp_open(db, NULL, &resp);
        atomic_store(&allowed, UNLIMITED); /* Check allocates, too */
        ck_assert(status == KV_OK || status == KV_NOMEM);
    }
    status = KV_NOMEM;
    for (long n = 0; status != KV_OK; n++) {
        atomic_store(&allowed, n);
        status = kvresp_worker_open(resp, &worker);
        atomic_store(&allowed, UNLIMITED);
        ck_assert(status == KV_OK || status == KV_NOMEM);
    }
    status = KV_NOMEM;
    for (long n = 0; status != KV_OK; n++) {
        atomic_store(&allowed, n);
        status = kvresp_session_open(resp, NULL, &session);
        atomic_store(&allowed, UNLIMITED);
        ck_assert(status == KV_OK || status == KV_NOMEM);
    }
    kvresp_session_close(session);
    kvresp_worker_close(worker);
    kvresp_close(resp);
}
END_TEST

/* Pipelines that need memory of many kinds. */
static const char *const pipelines[] = {
    "PING\r\n",
    "SET k v\r\nGET k\r\n",
    "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n",
    "RPUSH l a b c\r\nLRANGE l 0 -1\r\nLPOP l 2\r\nLMPOP 2 x l RIGHT\r\n",
    "MULTI\r\nSET k v\r\nRPUSH l a\r\nLRANGE l 0 -1\r\nEXEC\r\n",
    "WATCH k\r\nMULTI\r\nINCR n\r\nDISCARD\r\n",
    "MSET a 1 b 2\r\nMGET a b\r\nGETDEL a\r\nGETRANGE b 0 -1\r\nAPPEND b x\r\n",
    "CLIENT SETNAME me\r\nCLIENT LIST\r\nCLIENT SETINFO LIB-NAME x\r\nCLIENT INFO\r\n",
    "CONFIG SET slowlog-log-slower-than 0 requirepass \"\"\r\nPING\r\nSLOWLOG GET\r\n",
    "CONFIG GET *\r\n",
    "COMMAND\r\n",
    "COMMAND DOCS get set\r\n",
    "INFO everything\r\n",
    "SET k v\r\nLATENCY HISTOGRAM\r\nLATENCY LATEST\r\nLATENCY DOCTOR\r\nLATENCY RESET\r\n",
    "CONFIG SET latency-monitor-threshold 1\r\nDEBUG SLEEP 0.001\r\nLATENCY GRAPH command\r\n"
    "LATENCY HISTORY command\r\nLATENCY DOCTOR\r\n",
    "SCAN 0\r\nKEYS *\r\nRANDOMKEY\r\nCOMMAND GETKEYS MSET a 1 b 2\r\n",
    "NOSUCH with \"some quotes\" 'in it'\r\nCONFIG SET nosuch 1\r\nOBJECT HELP\r\nLCS a b IDX\r\n",
    "BLPOP none 0\r\n",
    "SET k v\r\nMIGRATE host 1 k 0 10\r\n",
    "HELLO 3\r\nSUBSCRIBE a b\r\nPSUBSCRIBE *\r\nPUBLISH a x\r\nUNSUBSCRIBE\r\nPUBSUB CHANNELS\r\n",
    "CONFIG SET save \"900 1 300 10\" dbfilename a.rdb\r\nCONFIG GET save dir\r\nBGSAVE\r\n"
    "BGSAVE CANCEL\r\n",
    "SAVE\r\n",
    "DEBUG RELOAD\r\nDEBUG RELOAD NOFLUSH MERGE\r\n",
    "REPLCONF capa eof listening-port 1\r\nROLE\r\nWAIT 0 0\r\nWAITAOF 0 0 0\r\nFAILOVER\r\n",
    "PFADD h a b\r\nPFDEBUG DECODE h\r\nPFDEBUG NOSUCH h\r\nDEBUG DIGEST\r\nDEBUG DIGEST-VALUE "
    "h\r\n",
};
enum { PIPELINES = sizeof pipelines / sizeof *pipelines };

/* A reply that could not be written whole may only be followed by the end of the connection. */
static void assert_replies_or_end(kvresp_state state)
{
    kv_slice output = kvresp_output(session);
    if (state == KVRESP_CLOSE_NOW) return;
    while (output.size > 0) {
        kvresp_reply *reply;
        size_t used;
        ck_assert_int_eq(kvresp_reply_parse(output, &reply, &used), KV_OK);
        kvresp_reply_free(reply);
        output = kv_bytes((const char *)output.data + used, output.size - used);
    }
}

/* False if the input did not even fit. */
static bool feed(const char *text)
{
    void *space;
    size_t room;
    if (kvresp_input_space(session, &space, &room) != KV_OK || room < strlen(text)) return false;
    memcpy(space, text, strlen(text));
    kvresp_input_add(session, strlen(text));
    return true;
}

START_TEST(a_session_answers_or_ends_whatever_allocation_fails)
{
    const char *pipeline = pipelines[_i];
    char message[256];
    ck_assert_int_eq(kvresp_open(db, NULL, &resp), KV_OK);
    ck_assert_ptr_null(
        kvresp_config_set(resp, "enable-debug-command", KV_TEXT("yes"), true, message));
    ck_assert_ptr_null(
        kvresp_config_set(resp, "enable-protected-configs", KV_TEXT("yes"), true, message));
    ck_assert_ptr_null(kvresp_config_set(resp, "dir", kv_text(directory), true, message));
    bool is_enough = false;
    for (long n = 0; !is_enough; n++) {
        ck_assert_int_eq(kvresp_worker_open(resp, &worker), KV_OK);
        ck_assert_int_eq(kvresp_session_open(resp, NULL, &session), KV_OK);
        atomic_store(&allowed, n);
        kvresp_state state = KVRESP_CLOSE_NOW;
        if (feed(pipeline)) {
            do {
                kvresp_worker_turn(worker);
                state = kvresp_run(worker, session);
                is_enough = atomic_load(&allowed) > 0;
                atomic_store(&allowed, UNLIMITED);
                assert_replies_or_end(state);
                kvresp_output_consume(session, kvresp_output_pending(session));
            } while (state == KVRESP_YIELD || state == KVRESP_OUTPUT_FULL);
        }
        atomic_store(&allowed, UNLIMITED);
        kvresp_session_close(session);
        kvresp_worker_close(worker);
    }
    kvresp_close(resp);
}
END_TEST

/* Asks to follow and takes what comes, for some rounds; true if it was sent all that was written. */
static bool follow_a_while(void)
{
    bool is_sent = false;
    feed("REPLCONF capa eof\r\n");
    for (int round = 0; round < 6; round++) {
        if (round == 1) feed("PSYNC ? -1\r\n");
        if (round == 3) feed("REPLCONF ACK 0\r\n");
        kvresp_worker_turn(worker);
        if (kvresp_run(worker, session) == KVRESP_CLOSE_NOW) return false;
        kv_slice output;
        while ((output = kvresp_output(session)).size > 0) {
            is_sent = memmem(output.data, output.size, "a value", 7) != NULL;
            kvresp_output_consume(session, output.size);
        }
        kvresp_cron(resp, 1000000);
        if (round >= 3 && kv_set(db, KV_TEXT("k"), KV_TEXT("a value"), NULL) != KV_OK)
            abort(); /* a write succeeds, whether or not it can be sent; Check allocates */
    }
    return is_sent;
}

START_TEST(a_replica_is_served_or_ends_whatever_allocation_fails)
{
    char message[256];
    kvresp_options options = KV_OPTIONS(kvresp_options);
    options.no_snapshot_thread = true;
    ck_assert_int_eq(kvresp_open(db, &options, &resp), KV_OK);
    ck_assert_ptr_null(
        kvresp_config_set(resp, "repl-diskless-sync-delay", KV_TEXT("0"), false, message));
    bool is_enough = false;
    for (long n = 0; !is_enough; n++) {
        ck_assert_int_eq(kvresp_worker_open(resp, &worker), KV_OK);
        ck_assert_int_eq(kvresp_session_open(resp, NULL, &session), KV_OK);
        atomic_store(&allowed, n);
        bool is_sent = follow_a_while();
        is_enough = atomic_load(&allowed) > 0;
        atomic_store(&allowed, UNLIMITED);
        ck_assert(is_sent || !is_enough);
        kvresp_session_close(session);
        kvresp_worker_close(worker);
        kvresp_cron(resp, 1000000);
        replication_end(&resp->replication);
    }
    kvresp_close(resp);
}
END_TEST

static bool refuse_shutdown(void *context, unsigned flags)
{
    (void)context, (void)flags;
    return false;
}

/* With a replica that lags, and a file; the host refuses at last. */
START_TEST(a_shutdown_is_over_whatever_allocation_fails)
{
    char message[256];
    kvresp_options options = KV_OPTIONS(kvresp_options);
    options.no_snapshot_thread = true;
    options.shutdown = refuse_shutdown;
    ck_assert_int_eq(kvresp_open(db, &options, &resp), KV_OK);
    ck_assert_ptr_null(
        kvresp_config_set(resp, "repl-diskless-sync-delay", KV_TEXT("0"), false, message));
    ck_assert_ptr_null(kvresp_config_set(resp, "dir", kv_text(directory), true, message));
    ck_assert_int_eq(kvresp_worker_open(resp, &worker), KV_OK);
    ck_assert_int_eq(kvresp_session_open(resp, NULL, &session), KV_OK);
    follow_a_while();
    replica_acknowledge(session->replica, 0, -1); /* now, if the RDB was slow */
    ck_assert_int_eq(session->replica->state, REPLICA_ONLINE);
    kvresp_session *follower = session;
    bool is_enough = false;
    for (long n = 0; !is_enough; n++) {
        ck_assert_int_eq(kvresp_session_open(resp, NULL, &session), KV_OK);
        ck_assert_int_eq(kv_set(db, KV_TEXT("k"), KV_TEXT("a value"), NULL), KV_OK);
        atomic_store(&allowed, n);
        kvresp_state state = KVRESP_CLOSE_NOW;
        if (feed("SHUTDOWN SAVE\r\n")) {
            kvresp_worker_turn(worker);
            state = kvresp_run(worker, session);
        }
        for (int i = 0; i < 20 && state == KVRESP_BLOCKED; i++) {
            kvresp_cron(resp, 1000000);
            replica_acknowledge(follower->replica, replication_offset(&resp->replication), -1);
            state = kvresp_run(worker, session);
        }
        is_enough = atomic_load(&allowed) > 0;
        atomic_store(&allowed, UNLIMITED);
        ck_assert_int_ne(state, KVRESP_BLOCKED);
        assert_replies_or_end(state);
        ck_assert(!shutdown_is_under_way(&resp->ending));
        ck_assert(!(resp->gates & (GATE_ENDING | GATE_ENDED)));
        kvresp_session_close(session);
    }
    kvresp_session_close(follower);
    kvresp_worker_close(worker);
    kvresp_close(resp);
}
END_TEST

START_TEST(a_reply_is_parsed_whole_or_not_at_all)
{
    kv_slice text = KV_TEXT("*3\r\n*2\r\n:1\r\n:2\r\n%1\r\n+a\r\n+b\r\n$1\r\nx\r\n");
    kvresp_reply *reply;
    kv_status status = KV_NOMEM;
    for (long n = 0; status != KV_OK; n++) {
        atomic_store(&allowed, n);
        status = kvresp_reply_parse(text, &reply, NULL);
        atomic_store(&allowed, UNLIMITED);
        ck_assert(status == KV_OK || status == KV_NOMEM);
    }
    ck_assert_uint_eq(reply->count, 3);
    kvresp_reply_free(reply);
}
END_TEST

static void open_in_directory(void)
{
    char message[256];
    ck_assert_int_eq(kvresp_open(db, NULL, &resp), KV_OK);
    ck_assert_ptr_null(kvresp_config_set(resp, "dir", kv_text(directory), true, message));
}

START_TEST(the_rdb_file_is_saved_and_loaded_or_nothing_happens)
{
    kv_status status = KV_NOMEM;
    open_in_directory();
    for (int i = 0; i < 2; i++) {
        kv_slice key = kv_bytes(&"ab"[i], 1);
        ck_assert_int_eq(kv_set(kv_select(db, (uint32_t)i), key, key, NULL), KV_OK);
    }
    for (long n = 0; status != KV_OK; n++) {
        atomic_store(&allowed, n);
        status = kvresp_save(resp, NULL);
        atomic_store(&allowed, UNLIMITED);
        ck_assert(status == KV_OK || status == KV_NOMEM);
    }
    ck_assert_int_eq(kv_flush_all(db, false), KV_OK);
    status = KV_NOMEM;
    for (long n = 0; status != KV_OK; n++) {
        uint64_t keys = 0;
        atomic_store(&allowed, n);
        status = kvresp_load(resp, NULL, NULL);
        atomic_store(&allowed, UNLIMITED);
        ck_assert(status == KV_OK || status == KV_NOMEM || status == KV_BADARG);
        ck_assert_int_eq(kv_count(db, &keys), KV_OK);
        ck_assert_uint_eq(keys, status == KV_OK);
        ck_assert_int_lt(n, 1000);
    }
    kvresp_close(resp);
}
END_TEST

START_TEST(metrics_are_told_whole_or_not_at_all)
{
    static const kvresp_metric some[] = {{"role", "some", KVRESP_GAUGE, 0, "master", "Some."}};
    kv_buffer text = {0};
    ck_assert_int_eq(kvresp_open(db, NULL, &resp), KV_OK);
    kv_status status = KV_NOMEM;
    for (long n = 0; status != KV_OK; n++) {
        atomic_store(&allowed, n);
        status = kvresp_metrics_add(resp, some, 1, NULL);
        atomic_store(&allowed, UNLIMITED);
        ck_assert(status == KV_OK || status == KV_NOMEM);
    }
    ck_assert_int_eq(kvresp_metrics(resp, NULL, &text), KV_OK);
    size_t whole = text.size;
    kv_buffer_free(&text);
    status = KV_NOMEM;
    for (long n = 0; status != KV_OK; n++) {
        atomic_store(&allowed, n);
        status = kvresp_metrics(resp, NULL, &text);
        atomic_store(&allowed, UNLIMITED);
        ck_assert(status == KV_OK || status == KV_NOMEM);
        ck_assert(status == KV_OK || text.size == 0);
    }
    ck_assert_uint_ge(text.size, whole - 100); /* numbers differ in length */
    kv_buffer_free(&text);
    kvresp_close(resp);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memory");
    TCase *tests = tcase_create("memory");
    tcase_set_timeout(tests, 60); /* on a busy machine, with sanitizers */
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, opening_fails_as_a_whole_or_not_at_all);
    tcase_add_loop_test(tests, a_session_answers_or_ends_whatever_allocation_fails, 0, PIPELINES);
    tcase_add_test(tests, a_replica_is_served_or_ends_whatever_allocation_fails);
    tcase_add_test(tests, a_shutdown_is_over_whatever_allocation_fails);
    tcase_add_test(tests, a_reply_is_parsed_whole_or_not_at_all);
    tcase_add_test(tests, the_rdb_file_is_saved_and_loaded_or_nothing_happens);
    tcase_add_test(tests, metrics_are_told_whole_or_not_at_all);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
