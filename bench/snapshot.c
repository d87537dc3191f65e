/*
 * bench/snapshot.c -- a thread that gets and sets, while another takes snapshots.
 *
 *      snapshot FILE --keys N --rounds N --calm-ms N
 *
 * The store has N keys of 16 bytes with values of 16; the thread gets and sets in turns, keys at
 * random, as fast as it can. A latency is from the end of the call before to the end of this one, so
 * that whatever stops the thread is in it. A round has three phases, the first two of the calm time:
 *
 *      calm     the other core computes, not in the store: what cores take from each other is no cost
 *               of snapshots
 *      crowded  the same, in a process that also writes to FILE: what the kernel takes for that, and
 *               its choice of who runs where, is none either
 *      busy     a snapshot goes to FILE from its begin to its end, a millisecond a step
 *
 * Prints a line of JSON for each round: latencies in nanoseconds, seconds and resident memory of the
 * snapshot.
 */
#include "beside.h"
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

enum {
    VALUE_SIZE = 16,
    STEP_US = 1000,
    SEQUENCE = 1 << 20,
    TAIL_US = 10000,
    CROWD_WRITE = 64 * 1024, /* bytes a millisecond: about what a snapshot writes */
    CROWD_FILE = 256 << 20   /* bytes; then from the start */
};

enum phase { CALM, CROWDED, BUSY, BETWEEN, PHASES };
enum operation { GET, SET, OPERATIONS };

/* ---- the thread that uses the store ---- */

struct user {
    kv *db;
    const struct key *keys; /* SEQUENCE of them */
    atomic_int phase;
    atomic_bool stop;
    struct histogram latencies[PHASES][OPERATIONS];
};

static void do_one(struct user *user, uint64_t number, kv_buffer *found, char *value)
{
    kv_slice key = key_slice(&user->keys[number % SEQUENCE]);
    if (number % OPERATIONS == GET) {
        must(kv_get(user->db, key, found));
    } else {
        memcpy(value, &number, sizeof number); /* no set writes what is there already */
        must(kv_set(user->db, key, KV_BYTES(value, VALUE_SIZE), NULL));
    }
}

/* A call counts for the phase in which it ended; a phase outlasts what is done in it by TAIL_US. */
static void *use(void *context)
{
    struct user *user = context;
    kv_buffer found = {0};
    char value[VALUE_SIZE + 1] = "a value, sixteen";
    uint64_t before = now_ns();
    for (uint64_t i = 0; !atomic_load_explicit(&user->stop, memory_order_relaxed); i++) {
        do_one(user, i, &found, value);
        uint64_t after = now_ns();
        int phase = atomic_load_explicit(&user->phase, memory_order_relaxed);
        histogram_add(&user->latencies[phase][i % OPERATIONS], after - before, 1);
        before = after;
    }
    kv_buffer_free(&found);
    return NULL;
}

static void fill(kv *db, uint64_t count)
{
    char value[VALUE_SIZE + 1] = "a value, sixteen";
    for (uint64_t i = 0; i < count; i++) {
        struct key key = make_key("key:", i);
        memcpy(value, &i, sizeof i);
        must(kv_set(db, key_slice(&key), KV_BYTES(value, VALUE_SIZE), NULL));
    }
}

static struct key *make_sequence(uint64_t count)
{
    struct random random = {1};
    struct key *keys = must_allocate(SEQUENCE * sizeof *keys);
    for (size_t i = 0; i < SEQUENCE; i++) keys[i] = make_key("key:", random_below(&random, count));
    return keys;
}

/* ---- what is done beside it ---- */

struct result {
    double seconds;
    uint64_t begin_ns, end_ns; /* what these two calls took */
    uint64_t resident_before, resident_peak;
    kv_snapshot_progress progress;
};

static uint64_t resident_bytes(void)
{
    unsigned long long size, resident;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%llu %llu", &size, &resident) != 2)
        fail("cannot read /proc/self/statm");
    fclose(file);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static int open_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) fail("%s: %s", path, strerror(errno));
    return fd;
}

static kv_status write_bytes(void *context, kv_slice bytes)
{
    int fd = *(int *)context;
    const char *at = bytes.data;
    for (size_t left = bytes.size; left > 0;) {
        ssize_t written = write(fd, at, left);
        if (written < 0 && errno != EINTR) return KV_IOERROR;
        if (written < 0) continue;
        at += written;
        left -= (size_t)written;
    }
    return KV_OK;
}

static void spin(uint64_t ms)
{
    for (uint64_t started = now_ns(); now_ns() - started < ms * 1000000;) continue;
}

/* What the process beside does in the crowded phase: as a snapshot, but without the store. */
static void crowd(void *context)
{
    static char bytes[CROWD_WRITE];
    int fd = open_file(context);
    for (;;) {
        spin(1);
        must(write_bytes(&fd, KV_BYTES(bytes, sizeof bytes)));
    }
}

static uint64_t since(uint64_t *instant)
{
    uint64_t before = *instant;
    *instant = now_ns();
    return *instant - before;
}

static struct result take_snapshot(kv *db, int fd)
{
    struct result result = {.resident_before = resident_bytes(),
                            .progress = KV_OPTIONS(kv_snapshot_progress)};
    uint64_t started = now_ns(), instant = started;
    kv_snapshot *snapshot;
    must(kv_snapshot_begin(db, NULL, write_bytes, &fd, &snapshot));
    result.begin_ns = since(&instant);
    kv_status status;
    while ((status = kv_snapshot_step(snapshot, STEP_US)) == KV_MORE) {
        uint64_t resident = resident_bytes();
        if (resident > result.resident_peak) result.resident_peak = resident;
    }
    must(status);
    must(kv_snapshot_stats(snapshot, &result.progress));
    since(&instant);
    must(kv_snapshot_end(snapshot));
    result.end_ns = since(&instant);
    result.seconds = (double)(instant - started) / 1e9;
    return result;
}

static struct result run_round(struct user *user, const char *path, uint64_t calm_ms, pid_t beside)
{
    atomic_store(&user->phase, CALM);
    spin(calm_ms);
    beside_go(beside);
    atomic_store(&user->phase, CROWDED);
    usleep((useconds_t)calm_ms * 1000);
    beside_stand(beside);
    atomic_store(&user->phase, BETWEEN);
    usleep(TAIL_US);

    int fd = open_file(path);
    atomic_store(&user->phase, BUSY);
    struct result result = take_snapshot(user->db, fd);
    usleep(TAIL_US);
    atomic_store(&user->phase, BETWEEN);
    usleep(TAIL_US); /* from here on the thread counts there */
    close(fd);
    return result;
}

/* ---- the report ---- */

static void print_phase(const char *name, const struct user *user, enum phase phase)
{
    printf("\"%s\":{", name);
    histogram_print("GET", &user->latencies[phase][GET]);
    printf(",");
    histogram_print("SET", &user->latencies[phase][SET]);
    printf("},");
}

static void print_round(const struct user *user, const struct result *result)
{
    printf("{");
    print_phase("calm", user, CALM);
    print_phase("crowded", user, CROWDED);
    print_phase("busy", user, BUSY);
    printf("\"seconds\":%.3f,\"begin_ns\":%llu,\"end_ns\":%llu,\"resident_before\":%llu,"
           "\"resident_peak\":%llu,\"saved\":%llu,\"helped\":%llu,\"held_peak\":%llu}\n",
           result->seconds, (unsigned long long)result->begin_ns,
           (unsigned long long)result->end_ns, (unsigned long long)result->resident_before,
           (unsigned long long)result->resident_peak, (unsigned long long)result->progress.saved,
           (unsigned long long)result->progress.helped,
           (unsigned long long)result->progress.held_peak);
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc % 2 != 0)
        fail("usage: snapshot FILE [--keys N] [--rounds N] [--calm-ms N]");
    uint64_t keys = parse_option(argc, argv, 2, "--keys", 5000000);
    uint64_t rounds = parse_option(argc, argv, 2, "--rounds", 5);
    uint64_t calm_ms = parse_option(argc, argv, 2, "--calm-ms", 2000);

    pid_t beside = beside_start(crowd, argv[1]);
    static struct user user = {.phase = BETWEEN};
    must(kv_open(NULL, &user.db));
    fill(user.db, keys);
    struct key *sequence = make_sequence(keys);
    user.keys = sequence;
    pthread_t thread;
    if (pthread_create(&thread, NULL, use, &user) != 0) fail("no thread");
    spin(200);
    for (uint64_t i = 0; i < rounds; i++) {
        memset(user.latencies, 0, BETWEEN * sizeof user.latencies[0]);
        struct result result = run_round(&user, argv[1], calm_ms, beside);
        print_round(&user, &result);
    }
    atomic_store(&user.stop, true);
    pthread_join(thread, NULL);
    beside_end(beside);
    free(sequence);
    kv_close(user.db);
    return 0;
}
