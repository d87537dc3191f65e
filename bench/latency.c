/*
 * bench/latency.c -- single GETs and SETs at a steady rate, before and while a server does something
 * in the background.
 *
 *      latency --unix PATH --keys N --rate N --connections N --rounds N --calm SECONDS
 *              --command BGSAVE --field rdb_bgsave_in_progress
 *
 * Each connection has one request under way at most. Requests are due by the clock, not when the
 * reply before has come: a server that stops for 10 ms delays all that became due in that time, and
 * each of them counts with what it waited since (G. Tene's "coordinated omission"; wrk2 does the
 * same). A request that is late because this program was woken late, while a connection was free,
 * counts from when it was sent, as that is no doing of the server. Between two requests the program
 * sleeps: it takes little of the processors that the server and its background work have, too.
 *
 * A round has three phases:
 *
 *      calm     for --calm seconds
 *      crowded  the same, beside a process that only computes: what a busy core does to this machine
 *      busy     from --command to the moment in which INFO persistence says that --field is 0
 *
 * Prints a line of JSON for each round: latencies in nanoseconds, and the seconds of the busy phase.
 */
#include "beside.h"
#include "connect.h"
#include "measure.h"
#include "replies.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

enum {
    CONNECTIONS_MAX = 256,
    REQUEST_SIZE_MAX = 128,
    VALUE_SIZE = 16,
    READ_SIZE = 4096,
    INFO_SIZE_MAX = 1 << 16,
    ASK_NS =
        20000000, /* between two questions whether it is done; the phase goes on as long after */
};

enum operation { GET, SET, OPERATIONS };

struct connection {
    int fd;
    enum operation operation;
    uint64_t from_ns; /* from when the request under way counts */
    uint64_t free_ns; /* when the last reply had come */
    struct replies replies;
};

/* The connections that have nothing under way, longest free first. */
struct queue {
    struct connection *items[CONNECTIONS_MAX];
    size_t first, count;
};

struct load {
    struct connection connections[CONNECTIONS_MAX];
    struct pollfd polled[CONNECTIONS_MAX + 1]; /* the last: of the question, or -1 */
    size_t count;
    struct queue free;
    struct random random;
    uint64_t keys, interval_ns, sent;
    struct histogram latencies[OPERATIONS]; /* of the phase */
};

static void queue_add(struct queue *queue, struct connection *connection)
{
    queue->items[(queue->first + queue->count++) % CONNECTIONS_MAX] = connection;
}

static struct connection *queue_take(struct queue *queue)
{
    struct connection *connection = queue->items[queue->first];
    queue->first = (queue->first + 1) % CONNECTIONS_MAX;
    queue->count--;
    return connection;
}

/* ---- the question whether it is done ---- */

struct question {
    int fd;
    const char *field;
    uint64_t next_ns; /* when it is asked again; UINT64_MAX: an answer is awaited */
    size_t size;
    char answer[INFO_SIZE_MAX + 1];
};

static void must_send(int fd, const char *bytes, size_t size)
{
    if (send(fd, bytes, size, MSG_NOSIGNAL) != (ssize_t)size) fail("send: %s", strerror(errno));
}

/* As an inline command; the answer to that is a line. */
static void give_command(int fd, const char *command)
{
    char text[256];
    int size = snprintf(text, sizeof text, "%s\r\n", command);
    if (size < 0 || (size_t)size >= sizeof text) fail("the command is too long");
    must_send(fd, text, (size_t)size);
}

static void ask(struct question *question)
{
    give_command(question->fd, "INFO persistence");
    question->size = 0;
    question->next_ns = UINT64_MAX;
}

/* Is an answer complete? A line, or the bytes that its first line counts. */
static bool is_complete(const struct question *question)
{
    const char *end = strstr(question->answer, "\r\n");
    if (end == NULL) return false;
    if (question->answer[0] == '-') fail("the server replied with an error: %s", question->answer);
    if (question->answer[0] != '$') return true;
    size_t head = (size_t)(end + 2 - question->answer);
    return question->size >= head + strtoul(question->answer + 1, NULL, 10) + 2;
}

static bool says_done(const struct question *question)
{
    if (question->answer[0] != '$') return false; /* the answer to the command */
    const char *at = strstr(question->answer, question->field);
    if (at == NULL) fail("INFO persistence has no field %s", question->field);
    return strncmp(at + strlen(question->field), ":0", 2) == 0;
}

/* Reads more of an answer; true if it says that all is done. */
static bool read_answer(struct question *question)
{
    ssize_t size = recv(question->fd, question->answer + question->size,
                        INFO_SIZE_MAX - question->size, MSG_DONTWAIT);
    if (size <= 0) fail("no answer to INFO");
    question->size += (size_t)size;
    question->answer[question->size] = 0;
    if (!is_complete(question)) return false;
    question->next_ns = now_ns() + ASK_NS;
    return says_done(question);
}

/* ---- requests and replies ---- */

static size_t write_request(struct load *load, enum operation operation, char *out)
{
    static const char get[] = "*2\r\n$3\r\nGET\r\n$16\r\n";
    static const char set[] = "*3\r\n$3\r\nSET\r\n$16\r\n";
    char *at = out;
    memcpy(at, operation == GET ? get : set, sizeof get - 1);
    at += sizeof get - 1;
    write_key(at, "key:", random_below(&load->random, load->keys));
    at += KEY_SIZE;
    if (operation == SET) {
        memcpy(at, "\r\n$16\r\n", 7);
        random_text(&load->random, at + 7, VALUE_SIZE);
        at += 7 + VALUE_SIZE;
    }
    memcpy(at, "\r\n", 2);
    return (size_t)(at + 2 - out);
}

/* Sends what was due at `due` on the connection that is free for the longest time. */
static void send_due(struct load *load, uint64_t due)
{
    char request[REQUEST_SIZE_MAX];
    struct connection *connection = queue_take(&load->free);
    connection->operation = (enum operation)(load->sent++ % OPERATIONS);
    size_t size = write_request(load, connection->operation, request);
    connection->from_ns = connection->free_ns <= due ? now_ns() : due;
    must_send(connection->fd, request, size);
}

static void receive(struct load *load, struct connection *connection)
{
    char bytes[READ_SIZE];
    ssize_t size = recv(connection->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (size == 0) fail("the server closed a connection");
    if (size < 0) fail("recv: %s", strerror(errno));
    uint64_t before = connection->replies.complete;
    replies_read(&connection->replies, bytes, (size_t)size);
    if (connection->replies.errors > 0)
        fail("the server replied with an error: %s", connection->replies.error_text);
    if (connection->replies.nils > 0) fail("a key was not there");
    if (connection->replies.complete == before) return;
    connection->free_ns = now_ns();
    histogram_add(&load->latencies[connection->operation],
                  connection->free_ns - connection->from_ns, 1);
    queue_add(&load->free, connection);
}

static void sleep_until(struct load *load, uint64_t instant)
{
    uint64_t now = now_ns(), left = instant > now ? instant - now : 0;
    struct timespec timeout = {.tv_sec = (time_t)(left / 1000000000),
                               .tv_nsec = (long)(left % 1000000000)};
    if (ppoll(load->polled, load->count + 1, &timeout, NULL) < 0 && errno != EINTR)
        fail("ppoll: %s", strerror(errno));
}

/* Requests until `stop_ns`, or until `question` is answered and a little longer; then what is
 * under way is awaited. */
static void run_phase(struct load *load, uint64_t stop_ns, struct question *question)
{
    uint64_t due = now_ns();
    memset(load->latencies, 0, sizeof load->latencies);
    load->polled[load->count] = (struct pollfd){question != NULL ? question->fd : -1, POLLIN, 0};
    while (due < stop_ns || load->free.count < load->count) {
        uint64_t wake_ns = load->free.count > 0 && due < stop_ns ? due : UINT64_MAX / 2;
        if (question != NULL && question->next_ns < wake_ns) wake_ns = question->next_ns;
        sleep_until(load, wake_ns);
        for (size_t i = 0; i < load->count; i++)
            if (load->polled[i].revents != 0) receive(load, &load->connections[i]);
        if (load->polled[load->count].revents != 0 && read_answer(question)) {
            stop_ns = now_ns() + ASK_NS;
            question->next_ns = UINT64_MAX;
            load->polled[load->count].fd = -1;
            question = NULL;
        }
        uint64_t now = now_ns();
        if (question != NULL && question->next_ns <= now) ask(question);
        for (; due <= now && due < stop_ns && load->free.count > 0; due += load->interval_ns)
            send_due(load, due);
    }
}

/* ---- phases ---- */

static void compute(void *context)
{
    (void)context;
    for (volatile uint64_t n = 0;; n++) continue;
}

static void run_crowded(struct load *load, uint64_t length_ns)
{
    pid_t child = beside_start(compute, NULL);
    beside_go(child);
    run_phase(load, now_ns() + length_ns, NULL);
    beside_end(child);
}

/* Returns the seconds from the command to the answer that it is done. */
static double run_busy(struct load *load, struct question *question, const char *command)
{
    uint64_t started = now_ns();
    give_command(question->fd, command);
    question->size = 0;
    question->next_ns = UINT64_MAX;
    run_phase(load, UINT64_MAX, question);
    return (double)(now_ns() - started - ASK_NS) / 1e9;
}

/* ---- the command line ---- */

struct options {
    const char *host, *port, *unix_path, *command, *field;
    uint64_t keys, rate, connections, rounds;
    double calm;
};

static int open_socket(const struct options *options)
{
    return options->unix_path != NULL ? connect_unix(options->unix_path)
                                      : connect_tcp(options->host, options->port);
}

static double parse_number(const char *text, double least, double most)
{
    char *end;
    double number = strtod(text, &end);
    if (end == text || *end != 0 || !(number >= least && number <= most))
        fail("not a number from %.0f to %.0f: '%s'", least, most, text);
    return number;
}

static struct options parse_options(int argc, char **argv)
{
    static const struct option names[] = {
        {"host", 1, NULL, 'h'},        {"port", 1, NULL, 'p'},   {"unix", 1, NULL, 'u'},
        {"keys", 1, NULL, 'k'},        {"rate", 1, NULL, 'r'},   {"calm", 1, NULL, 's'},
        {"connections", 1, NULL, 'c'}, {"rounds", 1, NULL, 'n'}, {"command", 1, NULL, 'C'},
        {"field", 1, NULL, 'f'},       {NULL, 0, NULL, 0},
    };
    struct options options = {
        .host = "127.0.0.1",
        .command = "BGSAVE",
        .field = "rdb_bgsave_in_progress",
        .keys = 1000000,
        .rate = 10000,
        .connections = 16,
        .rounds = 3,
        .calm = 2,
    };
    int letter;
    while ((letter = getopt_long_only(argc, argv, "", names, NULL)) != -1) {
        switch (letter) {
        case 'h': options.host = optarg; break;
        case 'p': options.port = optarg; break;
        case 'u': options.unix_path = optarg; break;
        case 'k': options.keys = (uint64_t)parse_number(optarg, 1, UINT32_MAX); break;
        case 'r': options.rate = (uint64_t)parse_number(optarg, 1, 1e6); break;
        case 's': options.calm = parse_number(optarg, 0.1, 3600); break;
        case 'c': options.connections = (uint64_t)parse_number(optarg, 1, CONNECTIONS_MAX); break;
        case 'n': options.rounds = (uint64_t)parse_number(optarg, 1, 1000); break;
        case 'C': options.command = optarg; break;
        case 'f': options.field = optarg; break;
        default: exit(2);
        }
    }
    if (optind < argc) fail("unexpected argument '%s'", argv[optind]);
    if (options.port == NULL && options.unix_path == NULL) fail("give --port or --unix");
    return options;
}

static void load_open(struct load *load, const struct options *options)
{
    load->count = options->connections;
    load->keys = options->keys;
    load->interval_ns = 1000000000 / options->rate;
    load->random = (struct random){(uint64_t)getpid()};
    for (size_t i = 0; i < load->count; i++) {
        struct connection *connection = &load->connections[i];
        connection->fd = open_socket(options);
        load->polled[i] = (struct pollfd){connection->fd, POLLIN, 0};
        queue_add(&load->free, connection);
    }
}

static void print_phase(const struct load *load, const char *name)
{
    printf("\"%s\":{", name);
    histogram_print("GET", &load->latencies[GET]);
    printf(",");
    histogram_print("SET", &load->latencies[SET]);
    printf("},");
}

static void run_round(struct load *load, struct question *question, const struct options *options)
{
    uint64_t calm_ns = (uint64_t)(options->calm * 1e9);
    printf("{");
    run_phase(load, now_ns() + calm_ns, NULL);
    print_phase(load, "calm");
    run_crowded(load, calm_ns);
    print_phase(load, "crowded");
    double seconds = run_busy(load, question, options->command);
    print_phase(load, "busy");
    printf("\"seconds\":%.3f}\n", seconds);
}

int main(int argc, char **argv)
{
    static struct load load;
    static struct question question;
    struct options options = parse_options(argc, argv);
    prctl(PR_SET_TIMERSLACK, 1); /* to be woken when it is time, not 50 us later */
    load_open(&load, &options);
    question.fd = open_socket(&options);
    question.field = options.field;
    for (uint64_t i = 0; i < options.rounds; i++) run_round(&load, &question, &options);
    return 0;
}
