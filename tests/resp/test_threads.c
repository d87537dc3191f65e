/*
 * tests/resp/test_threads.c -- several workers at once: commands, waits, kills, pauses,
 * configuration.
 *
 * Each thread has a worker and runs its own sessions, as an event loop does. For the thread
 * sanitizer above all; without it, for deadlocks and lost wakes.
 */
#include "server.h"

#include <pthread.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 4, TURNS = 400, ELEMENTS = 300 };

static struct server server;

/* A session that its thread runs until it has answered, sleeping while it waits. */
struct talker {
    kvresp_worker *worker;
    kvresp_session *session;
    atomic_int wakes;
    char answer[1 << 16];
    size_t size;
    bool is_closed;
};

static void talker_wake(void *context)
{
    atomic_fetch_add(&((struct talker *)context)->wakes, 1);
}

static void talker_open(struct talker *talker)
{
    kvresp_session_options options = KV_OPTIONS(kvresp_session_options);
    options.wake = talker_wake;
    options.wake_context = talker;
    memset(talker, 0, sizeof *talker);
    ck_assert_int_eq(kvresp_worker_open(server.resp, &talker->worker), KV_OK);
    ck_assert_int_eq(kvresp_session_open(server.resp, &options, &talker->session), KV_OK);
}

static void talker_close(struct talker *talker)
{
    kvresp_session_close(talker->session);
    kvresp_worker_close(talker->worker);
}

/* Time passes, also when all wait. */
static void talker_nap(void)
{
    server.now_ms += 1;
    nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
}

static void talker_take_output(struct talker *talker)
{
    kv_slice output = kvresp_output(talker->session);
    size_t kept = sizeof talker->answer - 1 - talker->size;
    if (output.size > 0)
        memcpy(talker->answer + talker->size, output.data, output.size < kept ? output.size : kept);
    talker->size += output.size < kept ? output.size : kept;
    talker->answer[talker->size] = '\0';
    kvresp_output_consume(talker->session, output.size);
}

/* Runs until there is nothing more to do; `waits` says whether to wait for others. */
static kvresp_state talker_run(struct talker *talker, bool waits)
{
    talker->size = 0;
    for (;;) {
        int wakes = atomic_load(&talker->wakes);
        kvresp_worker_turn(talker->worker);
        kvresp_state state = kvresp_run(talker->worker, talker->session);
        talker_take_output(talker);
        bool is_held = state == KVRESP_BLOCKED || state == KVRESP_PAUSED;
        if (state == KVRESP_CLOSE || state == KVRESP_CLOSE_NOW) talker->is_closed = true;
        if (state == KVRESP_YIELD || state == KVRESP_OUTPUT_FULL) continue;
        if (!is_held || !waits) return state;
        while (atomic_load(&talker->wakes) == wakes &&
               kv_now(server.db) < kvresp_deadline(talker->session))
            talker_nap();
    }
}

static void talker_feed(struct talker *talker, const char *line)
{
    void *space;
    size_t room, size = strlen(line);
    ck_assert_int_eq(kvresp_input_space(talker->session, &space, &room), KV_OK);
    ck_assert_uint_ge(room, size);
    memcpy(space, line, size);
    kvresp_input_add(talker->session, size);
}

static const char *talker_say(struct talker *talker, const char *line)
{
    talker_feed(talker, line);
    talker_run(talker, true);
    return talker->answer;
}

static void setup(void)
{
    server_open(&server);
}

static void teardown(void)
{
    server_close(&server);
}

static void run_threads(void *(*main)(void *), void *const *contexts, size_t count)
{
    pthread_t threads[2 * THREADS];
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, main, contexts[i]), 0);
    for (size_t i = 0; i < count; i++) pthread_join(threads[i], NULL);
}

/*
 * ----------------------------------------------------------------------------------------
 * everything
 */

/* Commands that look at others or at all, and commands that write; in and out of transactions. */
static const char *const lines[] = {
    "INCR n\r\n",
    "CLIENT LIST\r\n",
    "INFO\r\n",
    "CONFIG SET slowlog-max-len 5 latency-tracking no\r\n",
    "CONFIG GET *\r\n",
    "MULTI\r\nINCR n\r\nCONFIG SET slowlog-max-len 9\r\nINFO\r\nCLIENT LIST\r\nEXEC\r\n",
    "WATCH n\r\nMULTI\r\nINCR m\r\nEXEC\r\n",
    "MSET a 1 b 2 c 3\r\nMGET a b c n m\r\nDEL a b\r\n",
    "CLIENT SETNAME me\r\nCLIENT GETNAME\r\nCLIENT INFO\r\n",
    "CONFIG RESETSTAT\r\n",
    "NOSUCH\r\n",
    "SLOWLOG GET\r\nSLOWLOG RESET\r\n",
    "CONFIG SET slowlog-log-slower-than 0\r\n",
    "DBSIZE\r\nKEYS *\r\n",
    "MULTI\r\nDBSIZE\r\nFLUSHALL\r\nEXEC\r\n",
    "CLIENT PAUSE 1 WRITE\r\nSET p 1\r\n",
    "CLIENT UNPAUSE\r\n",
    "SELECT 3\r\nSWAPDB 3 4\r\nSELECT 0\r\n",
    "CLIENT UNBLOCK 1\r\n",
    "AUTH default x\r\n",
    "CONFIG SET requirepass \"\"\r\n",
    "RESET\r\n",
    "COMMAND COUNT\r\n",
    "OBJECT ENCODING n\r\n",
};
enum { LINES = sizeof lines / sizeof *lines };

static void *say_anything(void *context)
{
    unsigned random = (unsigned)(uintptr_t)context;
    struct talker *talker = malloc(sizeof *talker);
    talker_open(talker);
    for (int turn = 0; turn < TURNS; turn++) {
        random = random * 1103515245 + 12345;
        server.now_ms += 1;
        talker_say(talker, lines[(random >> 16) % LINES]);
        kvresp_cron(server.resp, 100);
    }
    ck_assert(!talker->is_closed);
    talker_close(talker);
    free(talker);
    return NULL;
}

START_TEST(any_commands_may_run_side_by_side)
{
    void *seeds[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++) seeds[i] = (void *)(i + 1);
    run_threads(say_anything, seeds, THREADS);
}
END_TEST

/*
 * Commands that take the configuration's lock, in a transaction that holds shards, against INFO,
 * which asks the shards with that lock held. All keys lie in few shards at most, so the two meet.
 */
static const char *const locking[] = {
    "MULTI\r\nSET n 1\r\nAUTH default x\r\nEXEC\r\n",
    "MULTI\r\nSET n 1\r\nHELLO 2 AUTH default x\r\nEXEC\r\n",
    "MULTI\r\nSET n 1\r\nCONFIG GET hz\r\nEXEC\r\n",
    "MULTI\r\nSET n 1\r\nINFO\r\nEXEC\r\n",
};
enum { LOCKING = sizeof locking / sizeof *locking };

static void *say_again_and_again(void *context)
{
    struct talker *talker = malloc(sizeof *talker);
    talker_open(talker);
    for (int turn = 0; turn < 10 * TURNS; turn++) talker_say(talker, context);
    talker_close(talker);
    free(talker);
    return NULL;
}

START_TEST(a_transaction_takes_the_configuration_before_shards)
{
    char info[] = "INFO keyspace\r\n", line[128];
    snprintf(line, sizeof line, "%s", locking[_i]);
    void *said[] = {line, info, line, info};
    run_threads(say_again_and_again, said, 4);
}
END_TEST

/*
 * --------------------------------------------------------------------------------------------
 * waiting
 */

static atomic_int popped, sum;

static void *pop_from_two(void *context)
{
    struct talker *talker = malloc(sizeof *talker);
    (void)context;
    talker_open(talker);
    for (int i = 0; i < ELEMENTS; i++) {
        const char *answer = talker_say(talker, i % 2 == 0 ? "BLPOP q1 q2 0\r\n"
                                                           : "BLMPOP 0 2 q2 q1 LEFT COUNT 1\r\n");
        const char *element = strrchr(answer, '$');
        ck_assert_msg(element != NULL, "%s", answer);
        atomic_fetch_add(&sum, atoi(strchr(element, '\n') + 1));
        atomic_fetch_add(&popped, 1);
    }
    talker_close(talker);
    free(talker);
    return NULL;
}

static void *push_to_two(void *context)
{
    struct talker *talker = malloc(sizeof *talker);
    char line[64];
    (void)context;
    talker_open(talker);
    for (int i = 1; i <= ELEMENTS; i++) {
        snprintf(line, sizeof line,
                 i % 3 == 0 ? "MULTI\r\nRPUSH q%d %d\r\nEXEC\r\n" : "RPUSH q%d %d\r\n", 1 + i % 2,
                 i);
        talker_say(talker, line);
    }
    talker_close(talker);
    free(talker);
    return NULL;
}

static void *push_or_pop(void *context)
{
    return context == NULL ? pop_from_two(NULL) : push_to_two(NULL);
}

START_TEST(each_element_reaches_one_who_waits)
{
    void *roles[THREADS] = {NULL, &server, NULL, &server};
    atomic_store(&popped, 0);
    atomic_store(&sum, 0);
    run_threads(push_or_pop, roles, THREADS);
    ck_assert_int_eq(popped, 2 * ELEMENTS);
    ck_assert_int_eq(sum, ELEMENTS * (ELEMENTS + 1));
}
END_TEST

/*
 * A wait that three may end at the same moment: a push, its timeout, CLIENT UNBLOCK; and CLIENT
 * KILL.
 */
static atomic_bool is_over;
static atomic_int pushed, got;

static void *wait_and_be_disturbed(void *context)
{
    struct talker *talker = malloc(sizeof *talker);
    (void)context;
    talker_open(talker);
    for (int i = 0; i < TURNS; i++) {
        const char *answer = talker_say(talker, "BLPOP w 0.002\r\n");
        if (talker->is_closed) {
            talker_close(talker);
            talker_open(talker);
        } else if (strstr(answer, "$1\r\nw\r\n") != NULL) {
            atomic_fetch_add(&got, 1);
        } else {
            ck_assert_msg(strcmp(answer, "*-1\r\n") == 0 || strncmp(answer, "-UNBLOCKED", 10) == 0,
                          "%s", answer);
        }
    }
    talker_close(talker);
    free(talker);
    atomic_store(&is_over, true);
    return NULL;
}

static void *disturb(void *context)
{
    struct talker *talker = malloc(sizeof *talker);
    char line[64];
    unsigned random = (unsigned)(uintptr_t)context;
    talker_open(talker);
    while (!atomic_load(&is_over)) {
        random = random * 1103515245 + 12345;
        server.now_ms += 1;
        int id = 1 + (int)(random >> 20) % 8;
        if ((random >> 16) % 4 == 0) {
            talker_say(talker, "RPUSH w x\r\n");
            atomic_fetch_add(&pushed, 1);
        } else if ((random >> 16) % 16 == 1) {
            snprintf(line, sizeof line, "CLIENT KILL ID %d\r\n", id);
            talker_say(talker, line);
        } else {
            snprintf(line, sizeof line, "CLIENT UNBLOCK %d%s\r\n", id,
                     random & 4096 ? " ERROR" : "");
            talker_say(talker, line);
        }
        if (talker->is_closed) {
            talker_close(talker);
            talker_open(talker);
        }
    }
    talker_close(talker);
    free(talker);
    return NULL;
}

static void *wait_or_disturb(void *context)
{
    return context == NULL ? wait_and_be_disturbed(NULL) : disturb(context);
}

START_TEST(a_wait_ends_once_however_many_end_it)
{
    void *roles[3] = {NULL, (void *)1, (void *)2};
    atomic_store(&is_over, false);
    atomic_store(&pushed, 0);
    atomic_store(&got, 0);
    run_threads(wait_or_disturb, roles, 3);
    struct talker *talker = malloc(sizeof *talker);
    talker_open(talker);
    int left = atoi(talker_say(talker, "LLEN w\r\n") + 1);
    /* What a killed client was served at the moment of its end is gone with it. */
    ck_assert_int_le(got + left, pushed);
    ck_assert_int_gt(got, 0);
    talker_close(talker);
    free(talker);
}
END_TEST

/* ------------------------------------------------------------------------------------------ pauses */

enum { PAUSES = 5000, PAUSE_SPINS = 2000, PAUSE_NAPS = 20000 };

static atomic_int pauses_begun, pauses_over;

/* Spins at first, so that both go on at the same moment. */
static void await_round(atomic_int *rounds, int round)
{
    for (int spins = 0; atomic_load(rounds) < round; spins++)
        if (spins > 10 * PAUSE_SPINS) sched_yield();
}

/* Ends each pause at a moment of its own, and no other comes before the held one has gone on. */
static void *pause_and_go_on(void *context)
{
    struct talker *talker = malloc(sizeof *talker);
    (void)context;
    talker_open(talker);
    for (int i = 1; i <= PAUSES; i++) {
        await_round(&pauses_over, i - 1);
        talker_say(talker, "CLIENT PAUSE 1000000 WRITE\r\n");
        atomic_store(&pauses_begun, i);
        for (volatile int spin = 0; spin < i * 7919 % PAUSE_SPINS; spin++) {}
        talker_say(talker, "CLIENT UNPAUSE\r\n");
    }
    talker_close(talker);
    free(talker);
    return NULL;
}

static void *write_in_pauses(void *context)
{
    struct talker *talker = malloc(sizeof *talker);
    (void)context;
    talker_open(talker);
    for (int i = 1; i <= PAUSES; i++) {
        await_round(&pauses_begun, i);
        int wakes = atomic_load(&talker->wakes);
        talker_feed(talker, "INCR held\r\n");
        kvresp_state state = talker_run(talker, false);
        for (int naps = 0; state == KVRESP_PAUSED; naps++) {
            ck_assert_int_lt(naps, PAUSE_NAPS);
            if (atomic_load(&talker->wakes) == wakes) {
                nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
                continue;
            }
            wakes = atomic_load(&talker->wakes);
            state = talker_run(talker, false);
        }
        ck_assert_int_eq(atoi(talker->answer + 1), i);
        atomic_store(&pauses_over, i);
    }
    talker_close(talker);
    free(talker);
    return NULL;
}

static void *pause_or_write(void *context)
{
    return context == NULL ? pause_and_go_on(NULL) : write_in_pauses(context);
}

START_TEST(the_end_of_a_pause_is_missed_by_nobody)
{
    void *roles[2] = {NULL, (void *)1};
    atomic_store(&pauses_begun, 0);
    atomic_store(&pauses_over, 0);
    run_threads(pause_or_write, roles, 2);
}
END_TEST

/* ----------------------------------------------------------------------------------------- reload */

enum { RELOADS = 10 };

/* What is answered is there, before and after the data are exchanged for what was saved of them. */
static void *count_on(void *context)
{
    struct talker *talker = malloc(sizeof *talker);
    (void)context;
    talker_open(talker);
    for (int count = 1; !atomic_load(&is_over); count++) {
        int answered = atoi(talker_say(talker, "INCR mine\r\n") + 1);
        if (answered != count) ck_abort_msg("%d comes after %d", answered, count - 1);
    }
    talker_close(talker);
    free(talker);
    return NULL;
}

static void *reload(void *context)
{
    struct talker *talker = malloc(sizeof *talker);
    (void)context;
    talker_open(talker);
    for (int i = 0; i < RELOADS; i++)
        ck_assert_str_eq(talker_say(talker, "DEBUG RELOAD\r\n"), "+OK\r\n");
    atomic_store(&is_over, true);
    talker_close(talker);
    free(talker);
    return NULL;
}

static void *count_or_reload(void *context)
{
    return context == NULL ? count_on(NULL) : reload(context);
}

START_TEST(a_reload_loses_nothing)
{
    char directory[] = "/tmp/kv-threads-XXXXXX", path[64], message[256];
    void *roles[2] = {NULL, (void *)1};
    ck_assert_ptr_nonnull(mkdtemp(directory));
    ck_assert_ptr_null(
        kvresp_config_set(server.resp, "enable-debug-command", KV_TEXT("yes"), true, message));
    ck_assert_ptr_null(kvresp_config_set(server.resp, "dir", kv_text(directory), true, message));
    atomic_store(&is_over, false);
    run_threads(count_or_reload, roles, 2);
    snprintf(path, sizeof path, "%s/dump.rdb", directory);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("threads");
    TCase *tests = tcase_create("threads");
    tcase_set_timeout(tests, 120); /* on a busy machine, with sanitizers */
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, any_commands_may_run_side_by_side);
    tcase_add_loop_test(tests, a_transaction_takes_the_configuration_before_shards, 0, LOCKING);
    tcase_add_test(tests, each_element_reaches_one_who_waits);
    tcase_add_test(tests, a_wait_ends_once_however_many_end_it);
    tcase_add_test(tests, the_end_of_a_pause_is_missed_by_nobody);
    tcase_add_test(tests, a_reload_loses_nothing);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
