/*
 * tests/net/test_memory.c -- memory runs out under a server: each allocation fails in turn.
 *
 * A server starts whole or not at all. Once it serves, a client is answered, with an error perhaps,
 * or its connection ends; others are served as before, and nothing is lost.
 *
 * The linker puts functions of this test before the C library's. Each sweep is made twice: all
 * allocations from the n-th on fail, and only the n-th.
 */
#include "fixture.h"

#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>

enum { EXHAUSTED, HICCUP, MODES };

static atomic_long allowed = -1;         /* allocations until they fail; below 0: they do not */
static atomic_bool is_hiccup;            /* one fails, then there is memory again */
static atomic_bool store_fails;          /* the store's allocations are among those that fail */
static atomic_bool lookups_fail;         /* looking up addresses, too */
static atomic_long threads_allowed = -1; /* the same for threads */
static atomic_long blocks;               /* in use */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
char *__real_strdup(const char *text);
void __real_free(void *block);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*run)(void *context), void *context);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__wrap_strdup(const char *text);
void __wrap_free(void *block);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*run)(void *context), void *context);
int __real_getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                       struct addrinfo **found);
int __wrap_getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                       struct addrinfo **found);

static bool may_allocate(void)
{
    long left = atomic_load(&allowed);
    while (left > 0 || (left == 0 && atomic_load(&is_hiccup)))
        if (atomic_compare_exchange_weak(&allowed, &left, left - 1)) return left > 0;
    return left < 0;
}

static void *counted(void *block)
{
    if (block != NULL) atomic_fetch_add(&blocks, 1);
    return block;
}

void *__wrap_malloc(size_t size)
{
    return may_allocate() ? counted(__real_malloc(size)) : NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return may_allocate() ? counted(__real_calloc(count, size)) : NULL;
}

void *__wrap_realloc(void *block, size_t size)
{
    if (!may_allocate()) return NULL;
    return block == NULL ? counted(__real_malloc(size)) : __real_realloc(block, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return may_allocate() ? counted(__real_aligned_alloc(alignment, size)) : NULL;
}

char *__wrap_strdup(const char *text)
{
    return may_allocate() ? counted(__real_strdup(text)) : NULL;
}

void __wrap_free(void *block)
{
    if (block != NULL) atomic_fetch_sub(&blocks, 1);
    __real_free(block);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*run)(void *context), void *context)
{
    long left = atomic_load(&threads_allowed);
    if (left == 0) return EAGAIN;
    if (left > 0) atomic_store(&threads_allowed, left - 1);
    return __real_pthread_create(thread, attributes, run, context);
}

int __wrap_getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                       struct addrinfo **found)
{
    if (atomic_load(&lookups_fail) && !may_allocate()) return EAI_MEMORY;
    return __real_getaddrinfo(name, service, hints, found);
}

static void fail_from(long n, int mode)
{
    atomic_store(&is_hiccup, mode == HICCUP);
    atomic_store(&allowed, n);
}

/* There is memory again. True if there was enough of it all the time. */
static bool fail_no_more(void)
{
    return atomic_exchange(&allowed, -1) > 0;
}

/* ------------------------------------------------------------------------------------ the store */

static void *allocate(void *context, size_t size, size_t alignment)
{
    (void)context;
    if (atomic_load(&store_fails) && !may_allocate()) return NULL;
    return counted(__real_aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment));
}

static void release(void *context, void *block, size_t size)
{
    (void)context, (void)size;
    __wrap_free(block);
}

static struct fixture fx;
static long blocks_before;
static int descriptors_before, threads_before;

static void setup(void)
{
    static const kv_allocator allocator = {.allocate = allocate, .release = release};
    kv_options options = KV_OPTIONS(kv_options);
    options.allocator = &allocator;
    atomic_store(&store_fails, false);
    atomic_store(&lookups_fail, false);
    /* The first server may make the system, or a sanitizer, open what stays: it does not count. */
    fixture_open(&fx, 1);
    fixture_close(&fx);
    descriptors_before = count_descriptors();
    threads_before = count_threads(1);
    fx = (struct fixture){0};
    blocks_before = atomic_load(&blocks);
    ck_assert_int_eq(kv_open(&options, &fx.db), KV_OK);
    ck_assert_int_eq(kvresp_open(fx.db, NULL, &fx.resp), KV_OK);
}

/* The server has been stopped. */
static void teardown(void)
{
    ck_assert_int_eq(count_descriptors(), descriptors_before);
    ck_assert_int_eq(count_threads(threads_before), threads_before);
    fixture_close_store(&fx);
    ck_assert_int_eq(atomic_load(&blocks), blocks_before);
}

/* ------------------------------------------------------------------------------------- starting */

static const char *const loopback[] = {"127.0.0.1", "-::1"};

static kvnet_options options_of(int threads)
{
    kvnet_options options = fixture_options(threads);
    options.bind = loopback;
    options.bind_count = 1;
    options.backlog = 77;
    return options;
}

static void must_have(const char *name, const char *expected)
{
    kv_buffer value = {0};
    ck_assert_int_eq(kvresp_config_get(fx.resp, name, &value), KV_OK);
    ck_assert_msg(value.size == strlen(expected) && memcmp(value.data, expected, value.size) == 0,
                  "%s is '%.*s', not '%s'", name, (int)value.size, (const char *)value.data,
                  expected);
    kv_buffer_free(&value);
}

static void must_not_have_started(void)
{
    kv_buffer value = {0};
    ck_assert_int_eq(count_descriptors(), descriptors_before);
    ck_assert_int_eq(count_threads(threads_before), threads_before);
    ck_assert_int_eq(access(fixture_path("memory.sock"), F_OK), -1);
    ck_assert_int_eq(kvresp_config_get(fx.resp, "tcp-backlog", &value), KV_OK); /* a stand-in */
    ck_assert(value.size != 2 || memcmp(value.data, "77", 2) != 0);
    kv_buffer_free(&value);
}

/*
 * With all that only a server that has started has: a client is served, and it can be configured.
 */
static void must_have_started(void)
{
    must_have("tcp-backlog", "77");
    int fd = connect_path(fixture_path("memory.sock"));
    ck_assert_int_ge(fd, 0);
    say(fd, "INFO server\r\nINFO clients\r\nQUIT\r\n");
    char text[16384];
    size_t size = 0;
    for (size_t got; (got = hear_some(fd, text + size, sizeof text - 1 - size)) > 0;) size += got;
    text[size] = '\0';
    ck_assert_has(text, "\r\ntcp_port:");
    ck_assert_has(text, "\r\nmaxclients:");
    close(fd);
}

START_TEST(a_server_starts_whole_or_not_at_all)
{
    kvnet_options options = options_of(2);
    options.unix_socket = fixture_path("memory.sock");
    options.bind_count = 2;
    atomic_store(&store_fails, true);
    atomic_store(&lookups_fail, true);
    bool is_enough = false;
    long failures = 0, lookups = 0;
    for (long n = 0; !is_enough; n++) {
        fail_from(n, _i);
        kv_status status = kvnet_start(fx.resp, &options, &fx.server, fx.message);
        is_enough = fail_no_more();
        if (status == KV_OK) {
            must_have_started();
            kvnet_stop(fx.server, 1000);
        } else {
            /* An address that cannot be looked up is told in words, also one that may be absent. */
            const char *reason = strstr(fx.message, gai_strerror(EAI_MEMORY));
            ck_assert_int_eq(status, reason != NULL ? KV_BADARG : KV_NOMEM);
            failures++;
            lookups += reason != NULL;
        }
        must_not_have_started();
    }
    ck_assert_int_gt(failures, 10);
    ck_assert_int_eq(lookups, 2);
    fixture_remove_paths();
}
END_TEST

START_TEST(a_server_without_its_threads_does_not_start)
{
    kvnet_options options = options_of(3);
    options.unix_socket = fixture_path("memory.sock");
    for (long n = 0; n < 3; n++) {
        atomic_store(&threads_allowed, n);
        ck_assert_int_eq(kvnet_start(fx.resp, &options, &fx.server, fx.message), KV_NOMEM);
        atomic_store(&threads_allowed, -1);
        ck_assert_str_ne(fx.message, "");
        must_not_have_started();
    }
    ck_assert_int_eq(kvnet_start(fx.resp, &options, &fx.server, fx.message), KV_OK);
    must_have_started();
    kvnet_stop(fx.server, 1000);
    fixture_remove_paths();
}
END_TEST

/* -------------------------------------------------------------------------------------- serving */

static bool has_threads;

static void start(int threads)
{
    kvnet_options options = options_of(threads);
    has_threads = threads >= 0;
    kv_status status = kvnet_start(fx.resp, &options, &fx.server, fx.message);
    ck_assert_msg(status == KV_OK, "%s", fx.message);
}

/* Lets the server work, and waits for the socket to have something. */
static bool wait_for(int fd)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    if (has_threads) return poll(&ready, 1, 100) == 1;
    kvnet_poll(fx.server, 1);
    return poll(&ready, 1, 0) == 1;
}

/* What a client got. */
struct heard {
    size_t replies, errors;
    bool has_ended;
    size_t size; /* of what is not parsed yet */
    char bytes[512 * 1024];
};

static void parse_heard(struct heard *heard)
{
    kvresp_reply *reply;
    size_t used, parsed = 0;
    while (parsed < heard->size) {
        kv_slice rest = kv_bytes(heard->bytes + parsed, heard->size - parsed);
        kv_status status = kvresp_reply_parse(rest, &reply, &used);
        ck_assert(status == KV_OK || status == KV_MORE);
        if (status != KV_OK) break;
        heard->replies++;
        heard->errors += reply->kind == KVRESP_ERROR;
        kvresp_reply_free(reply);
        parsed += used;
    }
    heard->size -= parsed;
    memmove(heard->bytes, heard->bytes + parsed, heard->size);
}

/* Listens until `count` replies have come, or the end. */
static void hear_replies(int fd, size_t count, struct heard *heard)
{
    int64_t until_ms = fixture_clock_ms() + FIXTURE_PATIENCE_MS;
    heard->replies = heard->errors = heard->size = 0;
    heard->has_ended = false;
    while (heard->replies < count && !heard->has_ended) {
        if (fixture_clock_ms() > until_ms) {
            atomic_store(&allowed, -1);
            ck_abort_msg("neither an answer nor the end came");
        }
        if (!wait_for(fd)) continue;
        ssize_t got = recv(fd, heard->bytes + heard->size, sizeof heard->bytes - heard->size, 0);
        heard->has_ended = got <= 0;
        if (got > 0) heard->size += (size_t)got;
        long left = atomic_exchange(&allowed, -1); /* Check allocates, too */
        ck_assert_uint_lt(heard->size, sizeof heard->bytes);
        parse_heard(heard);
        atomic_store(&allowed, left);
    }
}

static struct heard heard;

static void must_be_served(int fd)
{
    say(fd, "PING\r\n");
    hear_replies(fd, 1, &heard);
    ck_assert_uint_eq(heard.replies, 1);
    ck_assert_uint_eq(heard.errors, 0);
}

/* Waits until the server has closed all connections but `count`. */
static void wait_for_descriptors(int count)
{
    for (int tries = 0; tries < 10000 && count_descriptors() != count; tries++) {
        if (has_threads) usleep(1000);
        else kvnet_poll(fx.server, 1);
    }
    ck_assert_int_eq(count_descriptors(), count);
}

#define TEN(text) text text text text text text text text text text

/* Requests that need memory of many kinds, and the number of replies. */
static const struct pipeline {
    const char *requests;
    size_t replies;
} pipelines[] = {
    {"PING\r\n", 1},
    {"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", 2},
    {"RPUSH l a b c\r\nLRANGE l 0 -1\r\nLMPOP 2 x l RIGHT\r\nLMOVE l m LEFT LEFT\r\n", 4},
    {"MULTI\r\nSET k v\r\nRPUSH l a\r\nLRANGE l 0 -1\r\nEXEC\r\n", 5},
    {"WATCH k\r\nMULTI\r\nINCR n\r\nDISCARD\r\nUNWATCH\r\n", 5},
    {"MSET a 1 b 2\r\nMGET a b\r\nSETRANGE big 60000 x\r\n" TEN("GET big\r\n"), 13},
    {"CLIENT SETNAME me\r\nCLIENT LIST\r\nCLIENT SETINFO LIB-NAME x\r\nCLIENT INFO\r\n", 4},
    {"HELLO 3 SETNAME you\r\nCLIENT NO-EVICT on\r\nRESET\r\n", 3},
    {"CONFIG SET slowlog-log-slower-than 0\r\nPING\r\nSLOWLOG GET\r\nSLOWLOG RESET\r\n", 4},
    {"CONFIG GET *\r\nINFO everything\r\nCOMMAND DOCS GET\r\nLATENCY HISTOGRAM\r\n", 4},
    {"CONFIG SET maxclients 90 timeout 900 tcp-keepalive 9\r\nCONFIG GET maxclients\r\n", 2},
    {"SCAN 0\r\nKEYS *\r\nRANDOMKEY\r\nCOPY k copy\r\nRENAME copy k\r\nFLUSHALL\r\n", 6},
    {"NOSUCH with \"some quotes\" 'in it'\r\nOBJECT HELP\r\nLCS a b IDX\r\n", 3},
    {"BLPOP none 0.002\r\n", 1},
    {"MULTI\r\nBLPOP none 0\r\nEXEC\r\nBLMOVE none l LEFT LEFT 0.002\r\n", 4},
};
enum { PIPELINES = sizeof pipelines / sizeof *pipelines };

/* One client after the other asks, from connecting on, and another one looks on. */
static void sweep(const struct pipeline *pipeline, int mode)
{
    int other = connect_to(&fx);
    must_be_served(other);
    int quiet = count_descriptors();
    bool is_enough = false;
    for (long n = 0; !is_enough; n++) {
        int fd = connect_to(&fx);
        say(fd, pipeline->requests);
        fail_from(n, mode);
        hear_replies(fd, pipeline->replies, &heard);
        is_enough = fail_no_more();
        must_be_served(other);
        close(fd);
        wait_for_descriptors(quiet);
    }
    close(other);
}

START_TEST(a_client_is_answered_or_its_connection_ends)
{
    atomic_store(&store_fails, _i % 2);
    for (int mode = 0; mode < MODES; mode++) {
        start(_i / 2 % 2 == 0 ? -1 : 2);
        sweep(&pipelines[_i / 4], mode);
        kvnet_stop(fx.server, 1000);
    }
}
END_TEST

/* With as many connections as the loop has room for, so that one more needs memory. */
START_TEST(a_connection_too_much_ends)
{
    enum { MANY = 16 };
    int others[MANY], pair[2];
    start(-1);
    for (int i = 0; i < MANY; i++) {
        others[i] = connect_to(&fx);
        must_be_served(others[i]);
    }
    int quiet = count_descriptors();
    bool is_enough = false;
    long failures = 0;
    for (long n = 0; !is_enough; n++) {
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        say(pair[0], "PING\r\n");
        fail_from(n, _i);
        kv_status status = kvnet_serve_fd(fx.server, pair[1]);
        hear_replies(pair[0], 1, &heard);
        is_enough = fail_no_more();
        ck_assert(status == KV_OK || status == KV_NOMEM);
        if (status != KV_OK) ck_assert(heard.has_ended);
        if (heard.has_ended) failures++;
        close(pair[0]);
        wait_for_descriptors(quiet);
    }
    ck_assert_int_ge(failures, 3);
    for (int i = 0; i < MANY; i++) {
        must_be_served(others[i]);
        close(others[i]);
    }
    kvnet_stop(fx.server, 1000);
}
END_TEST

/* -------------------------------------------------------------------------------- configuration */

/* CONFIG SET of several parameters, the last of which may fail, changes all or none. */
START_TEST(a_configuration_is_set_as_a_whole_or_not_at_all)
{
    static const struct {
        const char *request, *name[2], *value[2];
    } sets[2] = {
        {"CONFIG SET timeout 111 bind 127.0.0.1\r\n", {"timeout", "bind"}, {"111", "127.0.0.1"}},
        {"CONFIG SET timeout 222 bind \"127.0.0.1 127.0.0.2\"\r\n",
         {"timeout", "bind"},
         {"222", "127.0.0.1 127.0.0.2"}},
    };
    start(-1);
    int fd = connect_to(&fx), now = 0;
    say(fd, sets[now].request);
    hear_replies(fd, 1, &heard);
    bool is_enough = false;
    for (long n = 0; !is_enough || n < 3; n++) {
        say(fd, sets[!now].request);
        fail_from(n, _i);
        hear_replies(fd, 1, &heard);
        is_enough = fail_no_more();
        if (heard.has_ended) { /* its input or output had no room: whether it was set is not
                                  known */
            close(fd);
            kv_buffer value = {0};
            ck_assert_int_eq(kvresp_config_get(fx.resp, "timeout", &value), KV_OK);
            now = memcmp(value.data, sets[0].value[0], 3) != 0;
            kv_buffer_free(&value);
            fd = connect_to(&fx);
        } else if (heard.errors == 0) {
            now = !now;
        }
        must_have(sets[now].name[0], sets[now].value[0]);
        must_have(sets[now].name[1], sets[now].value[1]);
        must_be_served(fd);
        int another = connect_to(&fx); /* it still listens */
        must_be_served(another);
        close(another);
    }
    close(fd);
    kvnet_stop(fx.server, 1000);
}
END_TEST

/* What CONFIG GET says is so. */
START_TEST(a_parameter_is_told_right_or_not_at_all)
{
    start(-1);
    int fd = connect_to(&fx);
    must_be_served(fd);
    bool is_enough = false;
    for (long n = 0; !is_enough; n++) {
        kv_buffer value = {0};
        fail_from(n, _i);
        kv_status status = kvresp_config_get(fx.resp, "bind", &value);
        is_enough = fail_no_more();
        if (status == KV_OK) must_have("bind", "127.0.0.1");
        ck_assert(status == KV_NOMEM ||
                  (value.size == 9 && memcmp(value.data, "127.0.0.1", 9) == 0));
        kv_buffer_free(&value);
    }
    close(fd);
    kvnet_stop(fx.server, 1000);
}
END_TEST

/* ------------------------------------------------------------------------------------- stopping */

START_TEST(a_server_stops_without_memory)
{
    enum { CLIENTS = 3 };
    static const char requests[] = "RPUSH l a b\r\nCONFIG GET *\r\nMULTI\r\nGET k\r\nEXEC\r\n";
    int fds[CLIENTS];
    bool is_enough = false;
    for (long n = 0; !is_enough; n++) {
        start(n % 2 == 0 ? -1 : 2);
        for (int i = 0; i < CLIENTS; i++) {
            fds[i] = connect_to(&fx);
            must_be_served(fds[i]);
        }
        say(fds[0], requests);
        say(fds[1], "BLPOP none 0\r\n");
        fail_from(n / 2, _i);
        kvnet_stop(fx.server, 1000);
        is_enough = fail_no_more();
        for (int i = 0; i < CLIENTS; i++) {
            has_threads = true;
            hear_replies(fds[i], SIZE_MAX, &heard);
            ck_assert(heard.has_ended);
            close(fds[i]);
        }
        ck_assert_int_eq(count_descriptors(), descriptors_before);
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("memory");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, a_server_starts_whole_or_not_at_all, 0, MODES);
    tcase_add_test(tests, a_server_without_its_threads_does_not_start);
    tcase_add_loop_test(tests, a_client_is_answered_or_its_connection_ends, 0, 4 * PIPELINES);
    tcase_add_loop_test(tests, a_connection_too_much_ends, 0, MODES);
    tcase_add_loop_test(tests, a_configuration_is_set_as_a_whole_or_not_at_all, 0, MODES);
    tcase_add_loop_test(tests, a_parameter_is_told_right_or_not_at_all, 0, MODES);
    tcase_add_loop_test(tests, a_server_stops_without_memory, 0, MODES);
    return fixture_main("memory", tests);
}
