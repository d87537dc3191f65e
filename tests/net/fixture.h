/*
 * tests/net/fixture.h -- a store with a server, and clients made of plain sockets.
 *
 * Clients send text and expect exact bytes back; what does not come within FIXTURE_PATIENCE_MS
 * fails the test.
 */
#ifndef KV_TESTS_NET_FIXTURE_H
#define KV_TESTS_NET_FIXTURE_H

#include "kvnet.h"

#include "../unit.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { FIXTURE_PATIENCE_MS = 10000 };

struct fixture {
    kv *db;
    kvresp *resp;
    kvnet *server;
    char message[256];
};

static inline kvnet_options fixture_options(int threads)
{
    kvnet_options options = KV_OPTIONS(kvnet_options);
    options.threads = threads;
    return options;
}

static inline void fixture_open_store(struct fixture *fx)
{
    *fx = (struct fixture){0};
    ck_assert_int_eq(kv_open(NULL, &fx->db), KV_OK);
    ck_assert_int_eq(kvresp_open(fx->db, NULL, &fx->resp), KV_OK);
}

static inline void fixture_open_with(struct fixture *fx, const kvnet_options *options)
{
    fixture_open_store(fx);
    kv_status status = kvnet_start(fx->resp, options, &fx->server, fx->message);
    ck_assert_msg(status == KV_OK, "%s", fx->message);
}

static inline void fixture_open(struct fixture *fx, int threads)
{
    kvnet_options options = fixture_options(threads);
    fixture_open_with(fx, &options);
}

static inline void fixture_close_store(struct fixture *fx)
{
    kvresp_close(fx->resp);
    kv_close(fx->db);
}

static inline void fixture_close(struct fixture *fx)
{
    kvnet_stop(fx->server, 1000);
    fixture_close_store(fx);
}

static inline int64_t fixture_clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A file in a directory of this test alone; the test ends by removing both, or the system does. */
static inline const char *fixture_path(const char *name)
{
    static char directory[64], path[128];
    if (directory[0] == '\0') {
        strcpy(directory, "/tmp/kvnet-test-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(directory));
    }
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static inline void fixture_remove_paths(void)
{
    char path[128];
    strcpy(path, fixture_path(""));
    rmdir(path);
}

/* -------------------------------------------------------------------------------------- clients */

static inline int connect_address(const struct sockaddr *address, socklen_t size)
{
    int fd = socket(address->sa_family, SOCK_STREAM, 0);
    ck_assert_int_ge(fd, 0);
    if (connect(fd, address, size) == 0) return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static inline int connect_port(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return connect_address((struct sockaddr *)&address, sizeof address);
}

static inline int connect_port6(int port)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6,
                                   .sin6_port = htons((uint16_t)port),
                                   .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    return connect_address((struct sockaddr *)&address, sizeof address);
}

static inline int connect_path(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    ck_assert_uint_lt(strlen(path), sizeof address.sun_path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    return connect_address((struct sockaddr *)&address, sizeof address);
}

static inline int connect_to(struct fixture *fx)
{
    int fd = connect_port(kvnet_port(fx->server));
    ck_assert_int_ge(fd, 0);
    return fd;
}

static inline void say_bytes(int fd, const void *bytes, size_t size)
{
    const char *at = bytes;
    while (size > 0) {
        ssize_t put = send(fd, at, size, MSG_NOSIGNAL);
        ck_assert_msg(put > 0, "send: %s", strerror(errno));
        at += put;
        size -= (size_t)put;
    }
}

static inline void say(int fd, const char *text)
{
    say_bytes(fd, text, strlen(text));
}

/* Reads up to `size` bytes; 0 at the end of the stream, or when it was reset. */
static inline size_t hear_some(int fd, void *bytes, size_t size)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    int count = poll(&ready, 1, FIXTURE_PATIENCE_MS);
    ck_assert_msg(count == 1, "no answer came");
    ssize_t got = recv(fd, bytes, size, 0);
    if (got < 0) ck_assert_int_eq(errno, ECONNRESET);
    return got < 0 ? 0 : (size_t)got;
}

static inline void hear_bytes(int fd, void *bytes, size_t size)
{
    char *at = bytes;
    for (size_t got; size > 0; at += got, size -= got) {
        got = hear_some(fd, at, size);
        ck_assert_msg(got > 0, "the connection ended, %zu bytes were missing", size);
    }
}

static inline void hear(int fd, const char *expected)
{
    char heard[4096];
    size_t size = strlen(expected);
    ck_assert_uint_lt(size, sizeof heard);
    hear_bytes(fd, heard, size);
    heard[size] = '\0';
    ck_assert_str_eq(heard, expected);
}

static inline void hear_end(int fd)
{
    char byte;
    ck_assert_uint_eq(hear_some(fd, &byte, 1), 0);
}

static inline bool is_silent(int fd)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    return poll(&ready, 1, 50) == 0;
}

/* Sends inline `request` and expects `reply`. */
static inline void ask(int fd, const char *request, const char *reply)
{
    char line[512]; /* in one piece, or the second would wait for the acknowledgement of the
                       first */
    int size = snprintf(line, sizeof line, "%s\r\n", request);
    ck_assert_int_lt(size, (int)sizeof line);
    say(fd, line);
    hear(fd, reply);
}

/* "*3\r\n$3\r\nSET\r\n..." with a value of `size` bytes; the caller frees it. */
static inline char *make_set(const char *key, size_t size, char fill, size_t *request_size)
{
    char *request = malloc(size + 128);
    ck_assert_ptr_nonnull(request);
    int head =
        sprintf(request, "*3\r\n$3\r\nSET\r\n$%zu\r\n%s\r\n$%zu\r\n", strlen(key), key, size);
    memset(request + head, fill, size);
    memcpy(request + head + size, "\r\n", 2);
    *request_size = (size_t)head + size + 2;
    return request;
}

static inline void set_value(int fd, const char *key, size_t size, char fill)
{
    size_t request_size;
    char *request = make_set(key, size, fill, &request_size);
    say_bytes(fd, request, request_size);
    free(request);
    hear(fd, "+OK\r\n");
}

/* The rest of the reply to GET of a value of `size` bytes. */
static inline void hear_value(int fd, size_t size, char fill)
{
    char head[32];
    snprintf(head, sizeof head, "$%zu\r\n", size);
    hear(fd, head);
    char *value = malloc(size + 2);
    ck_assert_ptr_nonnull(value);
    hear_bytes(fd, value, size + 2);
    size_t same = 0;
    while (same < size && value[same] == fill) same++;
    ck_assert_uint_eq(same, size);
    ck_assert_mem_eq(value + size, "\r\n", 2);
    free(value);
}

/* ---------------------------------------------------------------------------------- the process */

static inline int count_directory(const char *path)
{
    DIR *directory = opendir(path);
    ck_assert_ptr_nonnull(directory);
    int count = 0;
    for (struct dirent *item = readdir(directory); item != NULL; item = readdir(directory))
        if (item->d_name[0] != '.') count++;
    closedir(directory);
    return count;
}

static inline int count_descriptors(void)
{
    return count_directory("/proc/self/fd");
}

/* A joined thread leaves the list a moment later. */
static inline int count_threads(int expected)
{
    for (int tries = 0; tries < 200 && count_directory("/proc/self/task") != expected; tries++)
        usleep(1000);
    return count_directory("/proc/self/task");
}

static inline int fixture_main(const char *name, TCase *tests)
{
    Suite *suite = suite_create(name);
    tcase_set_timeout(tests, 40);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}

#endif
