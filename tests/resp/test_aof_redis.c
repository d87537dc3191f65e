/* tests/resp/test_aof_redis.c -- redis-server loads what kvstore wrote, and the reverse. */
#include "kvresp.h"
#include "resp/text.h"

#include "../unit.h"
#include "aof_clock.h"
#include "aof_dump.h"
#include "aof_random.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[64];
static char socket_path[96];
static pid_t server;
static FILE *connection;
static kv *db;
static kvresp_aof *aof;

/* --------------------------------------------------------------------------------- redis-server */

static bool redis_connect(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", socket_path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return false;
    }
    connection = fdopen(fd, "r+");
    return true;
}

static kv_buffer ask_slices(const kv_slice *arguments, size_t count);

/* A reply as text: a bulk as it is, elements quoted with a blank before each. */
static void read_reply(kv_buffer *text, bool is_element)
{
    char line[512];
    ck_assert_ptr_nonnull(fgets(line, sizeof line, connection));
    long number = strtol(line + 1, NULL, 10);
    if (line[0] == '*') {
        for (long i = 0; i < number; i++) read_reply(text, true);
    } else if (line[0] == '$' && number >= 0) {
        char *bytes = malloc((size_t)number + 2);
        ck_assert_uint_eq(fread(bytes, 1, (size_t)number + 2, connection), (size_t)number + 2);
        if (is_element) text_append_string(text, " ");
        if (is_element) text_append_quoted(text, kv_bytes(bytes, (size_t)number));
        else text_append(text, kv_bytes(bytes, (size_t)number));
        free(bytes);
    } else {
        text_append(text, kv_bytes(line, strcspn(line, "\r\n")));
    }
}

static kv_buffer ask_slices(const kv_slice *arguments, size_t count)
{
    fprintf(connection, "*%zu\r\n", count);
    for (size_t i = 0; i < count; i++) {
        fprintf(connection, "$%zu\r\n", arguments[i].size);
        fwrite(arguments[i].data, 1, arguments[i].size, connection);
        fprintf(connection, "\r\n");
    }
    fflush(connection);
    fseek(connection, 0, SEEK_CUR);
    kv_buffer text = {0};
    read_reply(&text, false);
    return text;
}

/*
 * Asks a command of words in printf's manner, and gives its reply, ended by a zero; valid until the
 * next.
 */
static const char *ask(const char *format, ...)
{
    static kv_buffer reply;
    char words[2048];
    va_list list;
    va_start(list, format);
    vsnprintf(words, sizeof words, format, list);
    va_end(list);
    kv_slice arguments[64];
    size_t count = 0;
    for (char *at = words; at != NULL && *at != '\0'; count++) {
        size_t size = strcspn(at, " ");
        arguments[count] = kv_bytes(at, size);
        at += size + (at[size] == ' ');
    }
    kv_buffer_free(&reply);
    reply = ask_slices(arguments, count);
    text_append(&reply, KV_BYTES("", 1));
    return reply.data;
}

static void redis_start(void)
{
    snprintf(socket_path, sizeof socket_path, "%s/socket", directory);
    server = fork();
    if (server == 0) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, STDOUT_FILENO);
        /* One program under several names: this one is in redis-tools, which runs no service. */
        execlp("redis-check-rdb", "redis-server", "--port", "0", "--unixsocket", socket_path,
               "--dir", directory, "--save", "", "--appendonly", "yes", "--appendfsync", "no",
               "--auto-aof-rewrite-percentage", "0", (char *)NULL);
        _exit(127);
    }
    bool is_ready = false;
    for (int i = 0; i < 200 && !is_ready; i++) {
        usleep(50000);
        ck_assert_int_eq(waitpid(server, NULL, WNOHANG), 0); /* it has refused what it found */
        if (connection == NULL && !redis_connect()) continue;
        is_ready = strcmp(ask("PING"), "+PONG") == 0;
    }
    ck_assert(is_ready);
}

static void redis_stop(void)
{
    fclose(connection);
    connection = NULL;
    kill(server, SIGTERM);
    int status;
    waitpid(server, &status, 0);
    ck_assert_int_eq(status, 0);
    unlink(socket_path);
}

/* What redis-server holds, in the form of dump_store(). */
static char *dump_redis(void)
{
    struct dump dump = {0};
    for (int database = 0; database < 16; database++) {
        ask("SELECT %d", database);
        for (int i = 0; i < 8; i++) {
            const char *key = i < 5    ? random_names[i]
                              : i == 5 ? "large"
                              : i == 6 ? "long"
                                       : "bytes";
            kv_buffer line = {0};
            text_format(&line, "%d \"%s\" %s", database, key, ask("TYPE %s", key) + 1);
            if (strcmp(ask("EXISTS %s", key), ":1") == 0) {
                if (strcmp(ask("TYPE %s", key), "+list") == 0) {
                    text_append_string(&line, ask("LRANGE %s 0 -1", key));
                } else {
                    kv_slice get[] = {KV_TEXT("GET"), kv_text(key)};
                    kv_buffer value = ask_slices(get, 2);
                    text_append_string(&line, " ");
                    text_append_quoted(&line, text_of_buffer(&value));
                    kv_buffer_free(&value);
                }
                long long deadline = strtoll(ask("PEXPIRETIME %s", key) + 1, NULL, 10);
                if (deadline >= 0) text_format(&line, " @%lld", deadline);
                dump_add(&dump, &line);
            }
            kv_buffer_free(&line);
        }
    }
    return dump_text(&dump);
}

/* -------------------------------------------------------------------------------------- kvstore */

static void kvstore_start(void)
{
    kv_options store_options = KV_OPTIONS(kv_options);
    store_options.clock = &still_clock;
    ck_assert_int_eq(kv_open(&store_options, &db), KV_OK);
    kvresp_aof_options options = KV_OPTIONS(kvresp_aof_options);
    options.directory = directory;
    char message[256] = "";
    kv_status status = kvresp_aof_open(db, &options, &aof, message);
    ck_assert_msg(status == KV_OK, "%d %s", status, message);
}

static void kvstore_stop(void)
{
    ck_assert_int_eq(kvresp_aof_close(aof), KV_OK);
    kv_close(db);
}

/* ---------------------------------------------------------------------------------------- tests */

static void begin(void)
{
    strcpy(directory, "/tmp/kvstore-test-aof-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    /* A day ahead, so that what lives for seconds here has not expired there. */
    clock_ms = ((int64_t)time(NULL) + 86400) * 1000;
    seed_random();
}

static void end(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", directory);
    ck_assert_int_eq(system(command), 0);
}

/* Strings that compress, lists of many nodes, every byte. */
static void kvstore_add_large(void)
{
    char bytes[256];
    for (int i = 0; i < 256; i++) bytes[i] = (char)i;
    ck_assert_int_eq(kv_set(db, KV_TEXT("bytes"), kv_bytes(bytes, 256), NULL), KV_OK);
    for (int i = 0; i < 5000; i++) {
        int size = snprintf(bytes, sizeof bytes, i % 3 ? "%d" : "element-%d", i);
        kv_slice element = kv_bytes(bytes, (size_t)size);
        ck_assert_int_eq(kv_rpush(db, KV_TEXT("large"), &element, 1, NULL), KV_OK);
        ck_assert_int_eq(kv_append(db, KV_TEXT("long"), element, NULL), KV_OK);
    }
}

static void kvstore_work(void)
{
    random_work(db, &clock_ms, 1000);
    kvstore_add_large();
    kv_tick(db, 0); /* so that what has expired on this clock is deleted for the other */
}

static const char *const redis_commands[] = {
    "SET %s %d",
    "SET %s %d PX 100000000",
    "SETEX %s 100000 %d",
    "APPEND %s %d",
    "SETRANGE %s %d x",
    "INCRBYFLOAT %s %d.5",
    "INCRBY %s %d",
    "GETDEL %s",
    "GETEX %s EX 20000%d",
    "LPUSH %s %d a b",
    "RPUSH %s %d a",
    "LPUSH %s %d",
    "RPUSH %s a b %d",
    "RPOP %s",
    "LPOP %s 2",
    "LSET %s 0 %d",
    "LINSERT %s BEFORE a %d",
    "LREM %s 1 a",
    "LTRIM %s 1 -1",
    "RPOPLPUSH %s a",
    "LMOVE %s b LEFT RIGHT",
    "BLMOVE a %s LEFT LEFT 1",
    "LMPOP 2 %s c LEFT COUNT 2",
    "RENAME %s c",
    "COPY %s d REPLACE",
    "MOVE %s %d",
    "EXPIRE %s 10000%d",
    "PEXPIREAT %s 4102444800%d",
    "PERSIST %s",
    "MULTI",
    "EXEC",
    "DEL %s",
    "UNLINK %s",
    "MSET %s %d e 5",
    "SWAPDB 0 2",
    "DECR %s",
};

static void redis_work(void)
{
    enum { COMMANDS = sizeof redis_commands / sizeof *redis_commands };
    bool is_queuing = false;
    for (int i = 0; i < 3000; i++) {
        const char *command = redis_commands[rand() % COMMANDS];
        if (rand() % 20 == 0 && !is_queuing) ask("SELECT %d", rand() % 3);
        if (strcmp(command, "EXEC") == 0 && !is_queuing) continue;
        if (strcmp(command, "MULTI") == 0 && is_queuing) continue;
        if (strncmp(command, "BLMOVE", 6) == 0 && !is_queuing) continue; /* it would wait */
        if (strcmp(command, "MULTI") == 0) is_queuing = true;
        if (strcmp(command, "EXEC") == 0) is_queuing = false;
        ask(command, random_names[rand() % 5], rand() % 3);
    }
    if (is_queuing) ask("EXEC");
    ask("SELECT 1");
    char bytes[256];
    for (int i = 0; i < 256; i++) bytes[i] = (char)i;
    kv_slice set[] = {KV_TEXT("SET"), KV_TEXT("bytes"), kv_bytes(bytes, 256)};
    kv_buffer reply = ask_slices(set, 3);
    kv_buffer_free(&reply);
    for (int i = 0; i < 3000; i++) {
        ask(i % 3 ? "RPUSH large %d" : "RPUSH large element-%d", i * i);
        ask("APPEND long value-%d", i);
    }
}

static void redis_rewrite(void)
{
    ask("BGREWRITEAOF");
    bool is_done = false;
    for (int i = 0; i < 200 && !is_done; i++) {
        usleep(50000);
        const char *info = ask("INFO persistence");
        is_done = strstr(info, "aof_rewrite_in_progress:0") != NULL &&
                  strstr(info, "aof_rewrite_scheduled:0") != NULL;
    }
    ck_assert(is_done);
}

static void assert_same(char *wanted, char *found)
{
    ck_assert_uint_gt(strlen(wanted), 1000);
    dump_assert_same(wanted, found);
}

START_TEST(redis_loads_what_kvstore_wrote)
{
    kvstore_start();
    kvstore_work();
    char *ours = dump_store(db);
    kvstore_stop();
    redis_start();
    assert_same(ours, dump_redis());
    redis_stop();
}
END_TEST

START_TEST(kvstore_loads_what_redis_wrote)
{
    redis_start();
    redis_work();
    if (_i == 1) {
        redis_rewrite(); /* now there is a base in RDB form */
        ask("SELECT 0");
        ask("RPUSH a afterwards");
    }
    char *theirs = dump_redis();
    redis_stop();
    kvstore_start();
    assert_same(theirs, dump_store(db));
    kvstore_stop();
}
END_TEST

START_TEST(a_directory_goes_back_and_forth)
{
    char *before = NULL;
    for (int i = 0; i < 3; i++) {
        kvstore_start();
        if (before != NULL) assert_same(before, dump_store(db));
        kvstore_work();
        before = dump_store(db);
        kvstore_stop();

        redis_start();
        assert_same(before, dump_redis());
        redis_work();
        if (i == 1) redis_rewrite();
        before = dump_redis();
        redis_stop();
    }
    free(before);
}
END_TEST

int main(void)
{
    if (system("command -v redis-check-rdb >/dev/null") != 0) {
        printf("1..0 # SKIP redis-tools is not installed\n");
        return 0;
    }
    Suite *suite = suite_create("aof_redis");
    TCase *tests = tcase_create("aof_redis");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, redis_loads_what_kvstore_wrote);
    tcase_add_loop_test(tests, kvstore_loads_what_redis_wrote, 0, 2);
    tcase_add_test(tests, a_directory_goes_back_and_forth);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
