/*
 * bench/loadgen.c -- a load generator for RESP servers that spends almost nothing per request.
 *
 * One thread, N connections in an epoll set, each a closed loop: send a batch of P requests, wait
 * for its P replies, send the next. All batches are made before the clock starts, in one ring that
 * the connections walk together, so that sending is one write() of ready bytes and receiving one
 * read() and a count. What remains is the kernel; bench/nullserver shows how much that is.
 *
 *      ring      | batch: P requests | batch | batch | ...      keys drawn at random from 0..R-1
 *                        ^ connection 7 sends this; the next free connection takes the one after it
 *
 * Phases: flush (optional), fill (optional: the test's data, keys in order), warm-up, measurement.
 * A phase ends when every request it sent is answered, so counts, time and CPU belong together. The
 * server's CPU is read from its process clock; user and system shares from /proc/PID/stat.
 *
 * Latency is from the write of a batch to the read that brought the reply, as a client sees it.
 * Prints a readable line on standard error and one line of JSON on standard output; exits with 1 if
 * a reply was an error.
 */
#include "connect.h"
#include "measure.h"
#include "replies.h"

#include <errno.h>
#include <getopt.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    RING_BYTES = 128 << 20, /* longer rings would not make keys more random, only memory fuller */
    RING_REQUESTS = 1 << 20,
    FILL_PIPELINE = 64,
    FILL_SLICE = 1 << 18, /* requests made and sent at a time while filling */
    READ_SIZE = 256 << 10,
    WORDS_MAX = 64,
    EVENTS_MAX = 256
};

/* ---- tests ---- */

/*
 * A request is words with placeholders: __key__ is a 16-byte key (the prefix and twelve digits,
 * below --keys), __value__ is --value-size letters, __number__ is a number below --keys, __field__
 * one of ten, __longitude__ and __latitude__ are degrees. To add a test, add a line. `fill` is sent beforehand if --fill asks for it, with keys in order.
 */
#define FIVE_KEYS " __key__ __key__ __key__ __key__ __key__"
#define FIVE_PAIRS                                                                     \
    " __key__ __value__ __key__ __value__ __key__ __value__ __key__ __value__ __key__" \
    " __value__"
#define TEN_FIELDS                                                                       \
    " field:0 __value__ field:1 __value__ field:2 __value__ field:3 __value__ field:4"   \
    " __value__ field:5 __value__ field:6 __value__ field:7 __value__ field:8 __value__" \
    " field:9 __value__"

static const struct test {
    const char *name;
    const char *prefix;
    const char *request;
    const char *fill;
} tests[] = {
    {"ping", "key:", "PING", NULL},
    {"get", "key:", "GET __key__", "SET __key__ __value__"},
    {"set", "key:", "SET __key__ __value__", "SET __key__ __value__"},
    {"setex", "key:", "SET __key__ __value__ EX 3600", "SET __key__ __value__"},
    {"mget10", "key:", "MGET" FIVE_KEYS FIVE_KEYS, "SET __key__ __value__"},
    {"mset10", "key:", "MSET" FIVE_PAIRS FIVE_PAIRS, "SET __key__ __value__"},
    {"del", "key:", "DEL __key__", "SET __key__ __value__"},
    {"incr", "cnt:", "INCR __key__", "SET __key__ __number__"},
    {"incr1", "cnt:", "INCR counter", NULL},
    {"lpush", "lst:", "LPUSH __key__ __value__", "LPUSH __key__ __value__"},
    {"rpop", "lst:", "RPOP __key__", "LPUSH __key__ __value__"},
    {"lpush1", "lst:", "LPUSH list __value__", NULL},
    {"rpush1", "lst:", "RPUSH list __value__", "RPUSH list __value__"},
    {"lpop1", "lst:", "LPOP list", "RPUSH list __value__"},
    {"rpop1", "lst:", "RPOP list", "RPUSH list __value__"},
    {"lrange100", "lst:", "LRANGE list 0 99", "RPUSH list __value__"},
    {"lindex1", "lst:", "LINDEX list __number__", "RPUSH list __key__"},
    {"linsert1", "lst:", "LINSERT list BEFORE __key__ new", "RPUSH list __key__"},
    {"hset", "hsh:", "HSET __key__ __field__ __value__", "HSET __key__" TEN_FIELDS},
    {"hget", "hsh:", "HGET __key__ __field__", "HSET __key__" TEN_FIELDS},
    {"hgetall", "hsh:", "HGETALL __key__", "HSET __key__" TEN_FIELDS},
    {"sadd", "set:", "SADD set __key__", "SADD set __key__"},
    {"sismember", "set:", "SISMEMBER set __key__", "SADD set __key__"},
    {"zadd", "zst:", "ZADD scores __number__ __key__", "ZADD scores __number__ __key__"},
    {"zscore", "zst:", "ZSCORE scores __key__", "ZADD scores __number__ __key__"},
    {"zrank", "zst:", "ZRANK scores __key__", "ZADD scores __number__ __key__"},
    {"zrangebyscore", "zst:", "ZRANGEBYSCORE scores __number__ inf LIMIT 0 100",
     "ZADD scores __number__ __key__"},
    {"zrange", "zst:", "ZRANGE scores 500000 500099", "ZADD scores __number__ __key__"},
    {"geoadd", "geo:", "GEOADD places __longitude__ __latitude__ __key__",
     "GEOADD places __longitude__ __latitude__ __key__"},
    {"pfadd", "hll:", "PFADD visitors __key__", "PFADD visitors __key__"},
    {"publish", "chn:", "PUBLISH __key__ __value__", NULL},
    {"xadd", "str:", "XADD stream * a __number__ b __number__",
     "XADD stream * a __number__ b __number__"},
};

#undef FIVE_KEYS
#undef FIVE_PAIRS
#undef TEN_FIELDS

static const struct test *find_test(const char *name)
{
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        if (strcmp(tests[i].name, name) == 0) return &tests[i];
    fail("no test called '%s' (see --help)", name);
}

/* ---- options ---- */

struct options {
    const char *host, *port, *unix_path;
    struct test test;
    uint64_t keys, requests, fill, seed;
    size_t connections, pipeline, value_size, subscribers;
    double seconds, warmup;
    pid_t server_pid;
    bool flush;
};

static void print_help(void)
{
    printf("usage: loadgen --port N | --unix PATH [options]\n\n"
           "  --host NAME          server address (127.0.0.1)\n"
           "  --port N             server port\n"
           "  --unix PATH          unix socket instead of TCP\n"
           "  --test NAME          what to send (get); see below\n"
           "  --command TEXT       send this instead: words with __key__ __value__ __number__ ...\n"
           "  --connections N      (50)\n"
           "  --pipeline N         requests in flight on each connection (1)\n"
           "  --keys N             key space: keys are drawn from 0..N-1 (1000000)\n"
           "  --value-size N       bytes of __value__ (64)\n"
           "  --flush              send FLUSHALL first\n"
           "  --fill N             then send the test's fill request N times, keys in order\n"
           "  --warmup SECONDS     load before the measurement (0.5)\n"
           "  --seconds S          length of the measurement (3)\n"
           "  --requests N         measure N requests instead of a time; 0: only fill\n"
           "  --server-pid PID     report the CPU that this process spends\n"
           "  --subscribers N      connections beside, subscribed to one __key__ of the test each\n"
           "  --seed N             (1)\n\ntests:");
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) printf(" %s", tests[i].name);
    printf("\n");
}

static uint64_t parse_count(const char *text)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != 0 || *text == '-') fail("not a count: '%s'", text);
    return number;
}

static double parse_seconds(const char *text)
{
    char *end;
    double seconds = strtod(text, &end);
    if (end == text || *end != 0 || !(seconds >= 0)) fail("not a time in seconds: '%s'", text);
    return seconds;
}

static struct options parse_options(int argc, char **argv)
{
    static const struct option names[] = {
        {"host", 1, NULL, 'h'},     {"port", 1, NULL, 'p'},     {"unix", 1, NULL, 'u'},
        {"test", 1, NULL, 't'},     {"command", 1, NULL, 'C'},  {"connections", 1, NULL, 'c'},
        {"pipeline", 1, NULL, 'P'}, {"keys", 1, NULL, 'k'},     {"value-size", 1, NULL, 'v'},
        {"flush", 0, NULL, 'F'},    {"fill", 1, NULL, 'f'},     {"warmup", 1, NULL, 'w'},
        {"seconds", 1, NULL, 's'},  {"requests", 1, NULL, 'n'}, {"server-pid", 1, NULL, 'S'},
        {"seed", 1, NULL, 'r'},     {"help", 0, NULL, 'H'},     {"subscribers", 1, NULL, 'b'},
        {NULL, 0, NULL, 0},
    };
    struct options options = {
        .host = "127.0.0.1",
        .test = *find_test("get"),
        .keys = 1000000,
        .requests = UINT64_MAX,
        .seed = 1,
        .connections = 50,
        .pipeline = 1,
        .value_size = 64,
        .seconds = 3,
        .warmup = 0.5,
    };
    int letter;
    while ((letter = getopt_long_only(argc, argv, "", names, NULL)) != -1) {
        switch (letter) {
        case 'h': options.host = optarg; break;
        case 'p': options.port = optarg; break;
        case 'u': options.unix_path = optarg; break;
        case 't': options.test = *find_test(optarg); break;
        case 'C': options.test = (struct test){"command", "key:", optarg, NULL}; break;
        case 'c': options.connections = parse_count(optarg); break;
        case 'P': options.pipeline = parse_count(optarg); break;
        case 'k': options.keys = parse_count(optarg); break;
        case 'v': options.value_size = parse_count(optarg); break;
        case 'F': options.flush = true; break;
        case 'f': options.fill = parse_count(optarg); break;
        case 'w': options.warmup = parse_seconds(optarg); break;
        case 's': options.seconds = parse_seconds(optarg); break;
        case 'n': options.requests = parse_count(optarg); break;
        case 'S': options.server_pid = (pid_t)parse_count(optarg); break;
        case 'b': options.subscribers = parse_count(optarg); break;
        case 'r': options.seed = parse_count(optarg); break;
        case 'H': print_help(); exit(0);
        default: exit(2);
        }
    }
    if (optind < argc) fail("unexpected argument '%s'", argv[optind]);
    if (options.port == NULL && options.unix_path == NULL) fail("give --port or --unix");
    if (options.connections == 0 || options.pipeline == 0)
        fail("connections and pipeline are at least 1");
    if (options.keys == 0 || options.keys > UINT32_MAX) fail("--keys is from 1 to 4294967295");
    if (options.fill > 0 && options.test.fill == NULL)
        fail("test %s has nothing to fill", options.test.name);
    return options;
}

/* ---- requests ---- */

struct batch {
    size_t offset;
    uint32_t size;  /* bytes */
    uint32_t count; /* requests */
};

struct ring {
    char *bytes;
    size_t size, capacity;
    struct batch *batches;
    size_t count;
};

/* Where a request's keys come from: at random, or counting up from `next`. */
struct source {
    const struct options *options;
    struct random random;
    bool is_ordered;
    uint64_t next;
};

static uint64_t source_number(struct source *source)
{
    if (source->is_ordered) return source->next++ % source->options->keys;
    return random_below(&source->random, source->options->keys);
}

/* Each writes what stands for a placeholder, and returns its size. */
static size_t put_key(struct source *source, char *out)
{
    write_key(out, source->options->test.prefix, source_number(source));
    return KEY_SIZE;
}

static size_t put_value(struct source *source, char *out)
{
    random_text(&source->random, out, source->options->value_size);
    return source->options->value_size;
}

static size_t put_number(struct source *source, char *out)
{
    uint64_t number = random_below(&source->random, source->options->keys);
    return (size_t)sprintf(out, "%llu", (unsigned long long)number);
}

static size_t put_field(struct source *source, char *out)
{
    return (size_t)sprintf(out, "field:%d", (int)random_below(&source->random, 10));
}

/* A number of degrees within +-limit, with six decimals. */
static size_t put_degrees(struct source *source, int limit, char *out)
{
    int64_t millionths =
        (int64_t)random_below(&source->random, 2000000u * (uint64_t)limit) - limit * 1000000ll;
    return (size_t)sprintf(out, "%.6f", (double)millionths / 1e6);
}

static size_t put_longitude(struct source *source, char *out)
{
    return put_degrees(source, 180, out);
}

static size_t put_latitude(struct source *source, char *out)
{
    return put_degrees(source, 85, out);
}

static const struct placeholder {
    const char *text;
    size_t size;
    size_t (*put)(struct source *, char *);
} placeholders[] = {
#define PLACEHOLDER(text, put)     \
    {                              \
        text, sizeof text - 1, put \
    }
    PLACEHOLDER("__key__", put_key),
    PLACEHOLDER("__value__", put_value),
    PLACEHOLDER("__number__", put_number),
    PLACEHOLDER("__field__", put_field),
    PLACEHOLDER("__longitude__", put_longitude),
    PLACEHOLDER("__latitude__", put_latitude),
#undef PLACEHOLDER
};

/* The placeholder that begins here, or NULL. */
static const struct placeholder *placeholder_at(const char *word, size_t size)
{
    for (size_t i = 0; i < sizeof placeholders / sizeof placeholders[0]; i++)
        if (size >= placeholders[i].size &&
            memcmp(word, placeholders[i].text, placeholders[i].size) == 0)
            return &placeholders[i];
    return NULL;
}

/* Copies `word` to `out` with its placeholders replaced; returns the bytes written. */
static size_t expand_word(struct source *source, const char *word, size_t size, char *out)
{
    char *at = out;
    for (size_t i = 0; i < size;) {
        const struct placeholder *placeholder =
            word[i] == '_' ? placeholder_at(word + i, size - i) : NULL;
        if (placeholder == NULL) {
            *at++ = word[i++];
        } else {
            at += placeholder->put(source, at);
            i += placeholder->size;
        }
    }
    return (size_t)(at - out);
}

static size_t count_words(const char *text)
{
    size_t count = 0;
    for (text += strspn(text, " "); *text != 0; text += strspn(text, " ")) {
        count++;
        text += strcspn(text, " ");
    }
    return count;
}

/* No request of this text is longer: each placeholder is at least 7 bytes of the text. */
static size_t request_size_max(const struct options *options, const char *text)
{
    return (strlen(text) / 7 + 1) * (options->value_size + KEY_SIZE + 20) + strlen(text) +
           (count_words(text) + 1) * 32;
}

static size_t write_request(struct source *source, const char *text, char *scratch, char *out)
{
    char *at = out + sprintf(out, "*%zu\r\n", count_words(text));
    for (text += strspn(text, " "); *text != 0; text += strspn(text, " ")) {
        size_t word_size = strcspn(text, " ");
        size_t size = expand_word(source, text, word_size, scratch);
        at += sprintf(at, "$%zu\r\n", size);
        memcpy(at, scratch, size);
        at += size;
        *at++ = '\r';
        *at++ = '\n';
        text += word_size;
    }
    return (size_t)(at - out);
}

/* `requests` of this text, `pipeline` to a batch; fewer, but a batch at least, if bytes run out. */
static struct ring ring_create(struct source *source, const char *text, uint64_t requests,
                               size_t pipeline)
{
    size_t size_max = request_size_max(source->options, text);
    struct ring ring = {.capacity = RING_BYTES + pipeline * size_max};
    ring.bytes = must_allocate(ring.capacity);
    ring.batches = must_allocate((requests / pipeline + 1) * sizeof *ring.batches);
    char *scratch = must_allocate(size_max);

    while (requests > 0 && ring.size < RING_BYTES) {
        struct batch *batch = &ring.batches[ring.count++];
        *batch = (struct batch){.offset = ring.size};
        for (; requests > 0 && batch->count < pipeline; batch->count++, requests--)
            ring.size += write_request(source, text, scratch, ring.bytes + ring.size);
        batch->size = (uint32_t)(ring.size - batch->offset);
    }
    free(scratch);
    return ring;
}

static void ring_destroy(struct ring *ring)
{
    free(ring->bytes);
    free(ring->batches);
}

/* ---- connections ---- */

struct connection {
    int fd;
    bool is_subscriber;  /* only reads, and counts bytes */
    bool waits_for_room; /* epoll also watches for writability */
    const struct batch *batch;
    size_t written; /* bytes of the batch that the kernel took */
    uint64_t outstanding;
    uint64_t sent_ns;
    struct replies replies;
};

static int open_socket(const struct options *options)
{
    return options->unix_path != NULL ? connect_unix(options->unix_path)
                                      : connect_tcp(options->host, options->port);
}

/* ---- a phase: requests out, replies in ---- */

struct load {
    const struct options *options;
    int epoll;
    struct connection *connections; /* those of --connections, then the subscribers */
    char *read_buffer;
    uint64_t delivered; /* bytes of messages */
};

struct phase {
    const struct ring *ring;
    uint64_t requests_left; /* not yet sent */
    uint64_t stop_ns;       /* nothing is sent after this instant */
    size_t next_batch;
    uint64_t busy; /* connections with replies outstanding */
    uint64_t started_ns, ended_ns, answered;
    struct histogram *latencies;
};

static void watch(struct load *load, struct connection *connection, int operation, bool for_room)
{
    struct epoll_event event = {.events = EPOLLIN | (for_room ? EPOLLOUT : 0u),
                                .data.ptr = connection};
    if (epoll_ctl(load->epoll, operation, connection->fd, &event) != 0)
        fail("epoll_ctl: %s", strerror(errno));
    connection->waits_for_room = for_room;
}

static void send_rest(struct load *load, struct phase *phase, struct connection *connection)
{
    const struct batch *batch = connection->batch;
    const char *bytes = phase->ring->bytes + batch->offset;
    ssize_t size = send(connection->fd, bytes + connection->written,
                        batch->size - connection->written, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (size < 0) {
        if (errno != EAGAIN && errno != EINTR) fail("send: %s", strerror(errno));
        size = 0;
    }
    connection->written += (size_t)size;
    bool needs_room = connection->written < batch->size;
    if (needs_room != connection->waits_for_room)
        watch(load, connection, EPOLL_CTL_MOD, needs_room);
}

static void send_next_batch(struct load *load, struct phase *phase, struct connection *connection,
                            uint64_t now)
{
    if (phase->requests_left == 0 || now >= phase->stop_ns) return;

    connection->batch = &phase->ring->batches[phase->next_batch];
    if (++phase->next_batch == phase->ring->count) phase->next_batch = 0;
    connection->written = 0;
    connection->outstanding = connection->batch->count;
    connection->sent_ns = now;
    phase->requests_left -= connection->outstanding < phase->requests_left ? connection->outstanding
                                                                           : phase->requests_left;
    phase->busy++;
    send_rest(load, phase, connection);
}

static void receive(struct load *load, struct phase *phase, struct connection *connection)
{
    ssize_t size = recv(connection->fd, load->read_buffer, READ_SIZE, MSG_DONTWAIT);
    if (size == 0) fail("the server closed a connection");
    if (size < 0) {
        if (errno == EAGAIN || errno == EINTR) return;
        fail("recv: %s", strerror(errno));
    }
    if (connection->is_subscriber) {
        load->delivered += (uint64_t)size;
        return;
    }
    uint64_t before = connection->replies.complete;
    replies_read(&connection->replies, load->read_buffer, (size_t)size);
    uint64_t complete = connection->replies.complete - before;
    if (complete > connection->outstanding) fail("more replies than requests");
    if (complete == 0) return;

    uint64_t now = now_ns();
    histogram_add(phase->latencies, now - connection->sent_ns, complete);
    phase->answered += complete;
    connection->outstanding -= complete;
    if (connection->outstanding > 0) return;
    phase->busy--;
    send_next_batch(load, phase, connection, now);
}

static void run_phase(struct load *load, struct phase *phase)
{
    phase->started_ns = now_ns();
    for (size_t i = 0; i < load->options->connections; i++)
        send_next_batch(load, phase, &load->connections[i], now_ns());

    struct epoll_event events[EVENTS_MAX];
    while (phase->busy > 0) {
        int count = epoll_wait(load->epoll, events, EVENTS_MAX, -1);
        if (count < 0 && errno != EINTR) fail("epoll_wait: %s", strerror(errno));
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if (events[i].events & EPOLLOUT) send_rest(load, phase, connection);
            if (events[i].events & ~(uint32_t)EPOLLOUT) receive(load, phase, connection);
        }
    }
    phase->ended_ns = now_ns();
}

/* Subscribes to a channel and waits for the answer. */
static void subscribe(const struct options *options, struct connection *connection, uint64_t number)
{
    static const char end[] = ":1\r\n";
    char name[KEY_SIZE + 1] = {0}, text[128];
    size_t size = 0;
    write_key(name, options->test.prefix, number % options->keys);
    int request =
        snprintf(text, sizeof text, "*2\r\n$9\r\nSUBSCRIBE\r\n$%d\r\n%s\r\n", KEY_SIZE, name);
    if (send(connection->fd, text, (size_t)request, MSG_NOSIGNAL) != request)
        fail("send: %s", strerror(errno));
    while (size < sizeof end || memcmp(text + size - strlen(end), end, strlen(end)) != 0) {
        ssize_t more = recv(connection->fd, text + size, sizeof text - size, 0);
        if (more <= 0) fail("no answer to SUBSCRIBE");
        size += (size_t)more;
    }
    connection->is_subscriber = true;
}

/* The bytes of one message. */
static size_t message_size(const struct options *options)
{
    char text[128];
    return (size_t)snprintf(text, sizeof text, "*3\r\n$7\r\nmessage\r\n$%d\r\n\r\n$%zu\r\n\r\n",
                            KEY_SIZE, options->value_size) +
           KEY_SIZE + options->value_size;
}

static size_t connection_count(const struct options *options)
{
    return options->connections + options->subscribers;
}

static struct load load_open(const struct options *options)
{
    struct load load = {.options = options, .epoll = epoll_create1(0)};
    if (load.epoll < 0) fail("epoll_create1: %s", strerror(errno));
    load.read_buffer = must_allocate(READ_SIZE);
    load.connections = calloc(connection_count(options), sizeof *load.connections);
    if (load.connections == NULL) fail("out of memory");
    for (size_t i = 0; i < connection_count(options); i++) {
        struct connection *connection = &load.connections[i];
        connection->fd = open_socket(options);
        if (i >= options->connections) subscribe(options, connection, i);
        watch(&load, connection, EPOLL_CTL_ADD, false);
    }
    return load;
}

static void load_close(struct load *load)
{
    for (size_t i = 0; i < connection_count(load->options); i++) close(load->connections[i].fd);
    close(load->epoll);
    free(load->connections);
    free(load->read_buffer);
}

/* Nothing that was sent so far may have failed. */
static void check_errors(const struct load *load)
{
    for (size_t i = 0; i < load->options->connections; i++) {
        const struct replies *replies = &load->connections[i].replies;
        if (replies->errors > 0) fail("the server replied with an error: %s", replies->error_text);
    }
}

/* ---- preparation ---- */

static void flush(struct load *load, struct histogram *unused)
{
    char request[] = "*1\r\n$8\r\nFLUSHALL\r\n";
    struct batch batch = {.size = sizeof request - 1, .count = 1};
    struct ring ring = {.bytes = request, .batches = &batch, .count = 1};
    run_phase(load,
              &(struct phase){
                  .ring = &ring, .requests_left = 1, .stop_ns = UINT64_MAX, .latencies = unused});
    check_errors(load);
}

static void fill(struct load *load, struct histogram *unused)
{
    const struct options *options = load->options;
    struct source source = {.options = options, .random = {options->seed + 1}, .is_ordered = true};
    for (uint64_t left = options->fill; left > 0;) {
        uint64_t slice = left < FILL_SLICE ? left : FILL_SLICE;
        struct ring ring = ring_create(&source, options->test.fill, slice, FILL_PIPELINE);
        uint64_t made = 0;
        for (size_t i = 0; i < ring.count; i++) made += ring.batches[i].count;
        run_phase(load, &(struct phase){.ring = &ring,
                                        .requests_left = made,
                                        .stop_ns = UINT64_MAX,
                                        .latencies = unused});
        ring_destroy(&ring);
        left -= made;
    }
    check_errors(load);
}

/* ---- the server's CPU ---- */

struct cpu {
    uint64_t total_ns;
    uint64_t user_ticks, system_ticks; /* coarse: they only split the total */
};

static struct cpu read_cpu(pid_t pid)
{
    struct cpu cpu = {0};
    if (pid == 0) return cpu;
    clockid_t clock;
    if (clock_getcpuclockid(pid, &clock) != 0) fail("no process %d", (int)pid);
    cpu.total_ns = clock_ns(clock);

    char path[32], line[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    if (file == NULL || fgets(line, sizeof line, file) == NULL) fail("cannot read %s", path);
    fclose(file);
    const char *fields = strrchr(line, ')'); /* the name before it may hold anything */
    unsigned long long user, system;
    if (fields == NULL ||
        sscanf(fields + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user,
               &system) != 2)
        fail("cannot read %s", path);
    cpu.user_ticks = user;
    cpu.system_ticks = system;
    return cpu;
}

/* ---- the report ---- */

struct report {
    struct phase phase;
    struct cpu server_before, server_after;
    uint64_t client_cpu_ns, nils, errors, messages;
    const char *error_text;
};

static void print_report(const struct options *options, const struct report *report)
{
    const struct phase *phase = &report->phase;
    double requests = (double)phase->answered;
    double seconds = (double)(phase->ended_ns - phase->started_ns) / 1e9;
    double server_us =
        (double)(report->server_after.total_ns - report->server_before.total_ns) / 1e3;
    double user = (double)(report->server_after.user_ticks - report->server_before.user_ticks);
    double system =
        (double)(report->server_after.system_ticks - report->server_before.system_ticks);
    double user_share = user + system > 0 ? user / (user + system) : 0;
    double quantiles[] = {0.5, 0.99, 0.999, 0.9999}, us[4];
    for (int i = 0; i < 4; i++)
        us[i] = (double)histogram_quantile(phase->latencies, quantiles[i]) / 1e3;
    double max_us = (double)phase->latencies->max / 1e3;
    double server_cpu = server_us / requests,
           client_cpu = (double)report->client_cpu_ns / 1e3 / requests;

    fprintf(stderr,
            "%-9s P=%-3zu %9.0f/s  server %.3f us/request (%.3f user, %.3f system, %.0f%% busy)  "
            "client %.3f us  p50 %.0f p99 %.0f p99.9 %.0f p99.99 %.0f max %.0f us%s\n",
            options->test.name, options->pipeline, requests / seconds, server_cpu,
            server_cpu * user_share, server_cpu * (1 - user_share), server_us / seconds / 1e4,
            client_cpu, us[0], us[1], us[2], us[3], max_us, report->nils > 0 ? "  (nils)" : "");
    printf(
        "{\"test\":\"%s\",\"connections\":%zu,\"pipeline\":%zu,\"keys\":%llu,\"value_size\":%zu,"
        "\"requests\":%.0f,\"seconds\":%.6f,\"per_second\":%.1f,\"errors\":%llu,\"nils\":%llu,"
        "\"messages_per_second\":%.1f,"
        "\"server_cpu_us\":%.4f,\"server_user_us\":%.4f,\"server_system_us\":%.4f,"
        "\"client_cpu_us\":%.4f,\"mean_us\":%.1f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,"
        "\"p9999_us\":%.1f,\"max_us\":%.1f}\n",
        options->test.name, options->connections, options->pipeline,
        (unsigned long long)options->keys, options->value_size, requests, seconds,
        requests / seconds, (unsigned long long)report->errors, (unsigned long long)report->nils,
        (double)report->messages / seconds, server_cpu, server_cpu * user_share,
        server_cpu * (1 - user_share), client_cpu, histogram_mean(phase->latencies) / 1e3, us[0],
        us[1], us[2], us[3], max_us);
}

static struct report measure(struct load *load, const struct ring *ring,
                             struct histogram *latencies)
{
    const struct options *options = load->options;
    bool is_counted = options->requests != UINT64_MAX;
    for (size_t i = 0; i < options->connections; i++) load->connections[i].replies.nils = 0;

    struct report report = {.server_before = read_cpu(options->server_pid)};
    uint64_t client_before = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    load->delivered = 0;
    report.phase = (struct phase){
        .ring = ring,
        .requests_left = options->requests,
        .stop_ns = is_counted ? UINT64_MAX : now_ns() + (uint64_t)(options->seconds * 1e9),
        .latencies = latencies,
    };
    run_phase(load, &report.phase);
    report.client_cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - client_before;
    report.server_after = read_cpu(options->server_pid);
    report.messages = load->delivered / message_size(options);

    for (size_t i = 0; i < options->connections; i++) {
        const struct replies *replies = &load->connections[i].replies;
        report.nils += replies->nils;
        report.errors += replies->errors;
        if (replies->errors > 0) report.error_text = replies->error_text;
    }
    return report;
}

int main(int argc, char **argv)
{
    struct options options = parse_options(argc, argv);
    struct load load = load_open(&options);
    static struct histogram unused, latencies;

    if (options.flush) flush(&load, &unused);
    if (options.fill > 0) fill(&load, &unused);
    if (options.requests == 0) {
        load_close(&load);
        return 0;
    }

    struct source source = {.options = &options, .random = {options.seed}};
    uint64_t distinct = options.requests < RING_REQUESTS ? options.requests : RING_REQUESTS;
    struct ring ring = ring_create(&source, options.test.request, distinct, options.pipeline);
    if (options.warmup > 0)
        run_phase(&load, &(struct phase){.ring = &ring,
                                         .requests_left = UINT64_MAX,
                                         .latencies = &unused,
                                         .stop_ns = now_ns() + (uint64_t)(options.warmup * 1e9)});
    struct report report = measure(&load, &ring, &latencies);
    print_report(&options, &report);
    if (report.errors > 0)
        fprintf(stderr, "%llu errors, the first: %s\n", (unsigned long long)report.errors,
                report.error_text);

    ring_destroy(&ring);
    load_close(&load);
    return report.errors > 0 ? 1 : 0;
}
