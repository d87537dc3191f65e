/*
 * bench/miniserver.c -- a plain prefetching table behind a minimal server: the second yardstick.
 *
 *      miniserver PORT|PATH [MAX-KEYS]
 *
 * The table of bench/floor.h, served: GET and SET of 16-byte keys and 64-byte values, and FLUSHALL,
 * parsed without mercy (lengths are read, nothing else is checked). A read's requests go through
 * the table in passes of up to 64: frame all, prefetch slots, prefetch pairs, execute. A real
 * server adds types, expiry, errors, limits and a protocol; this is about as fast as it could get.
 */
#include "floor.h"
#include "serve.h"

static struct floor_table table;
static uint64_t keys_max = 1 << 21;

struct request {
    char command; /* 'G', 'S', 'F' */
    const char *key, *value;
};

/* Reads "<mark><number>\r\n" at `at`; NULL if it is not all there. */
static const char *read_length(const char *at, const char *end, char mark, size_t *length)
{
    if (at == end) return NULL;
    if (*at++ != mark) fail("not a request");
    size_t number = 0;
    while (at < end && *at >= '0' && *at <= '9') number = 10 * number + (size_t)(*at++ - '0');
    if (end - at < 2) return NULL;
    *length = number;
    return at + 2;
}

/* Frames one request. Returns its end, or NULL if it is not all there. */
static const char *read_request(const char *at, const char *end, struct request *request)
{
    const char *words[3] = {NULL, NULL, NULL};
    size_t count, sizes[3] = {0, 0, 0};
    at = read_length(at, end, '*', &count);
    if (at == NULL) return NULL;
    if (count == 0 || count > 3) fail("a request of %zu words", count);
    for (size_t i = 0; i < count; i++) {
        at = read_length(at, end, '$', &sizes[i]);
        if (at == NULL || (size_t)(end - at) < sizes[i] + 2) return NULL;
        words[i] = at;
        at += sizes[i] + 2;
    }
    *request = (struct request){*words[0], words[1], words[2]};
    if (request->command != 'F' && sizes[1] != KEY_SIZE) fail("keys are 16 bytes");
    if (request->command == 'S' && sizes[2] != FLOOR_VALUE_SIZE) fail("values are 64 bytes");
    return at;
}

static void append(struct output *out, const char *bytes, size_t size)
{
    memcpy(out->bytes + out->size, bytes, size);
    out->size += size;
}

static void execute(const struct request *request, uint64_t hash, struct output *out)
{
    switch (request->command) {
    case 'G':
        memcpy(out->bytes + out->size, "$64\r\n", 5);
        if (!floor_get_hashed(&table, request->key, hash, out->bytes + out->size + 5)) {
            append(out, "$-1\r\n", 5);
            break;
        }
        out->size += 5 + FLOOR_VALUE_SIZE;
        append(out, "\r\n", 2);
        break;
    case 'S':
        if (table.count == keys_max) fail("more than %llu keys", (unsigned long long)keys_max);
        floor_set_hashed(&table, request->key, hash, request->value);
        append(out, "+OK\r\n", 5);
        break;
    case 'F':
        floor_destroy(&table);
        table = floor_create(keys_max);
        append(out, "+OK\r\n", 5);
        break;
    default: fail("a request that is not GET, SET or FLUSHALL");
    }
}

static size_t answer(const char *input, size_t size, struct output *out)
{
    const char *at = input, *end = input + size;
    for (;;) {
        struct request requests[FLOOR_BATCH_MAX];
        const char *keys[FLOOR_BATCH_MAX];
        uint64_t hashes[FLOOR_BATCH_MAX];
        size_t count = 0;
        for (const char *next; count < FLOOR_BATCH_MAX; count++, at = next) {
            next = read_request(at, end, &requests[count]);
            if (next == NULL) break;
            /* FLUSHALL has no key; prefetching its last bytes in vain keeps the passes simple. */
            keys[count] = requests[count].command == 'F' ? next - KEY_SIZE : requests[count].key;
        }
        if (count == 0) return (size_t)(at - input);
        if (count > 1) floor_prefetch(&table, keys, hashes, count);
        else hashes[0] = floor_hash(keys[0]);
        for (size_t i = 0; i < count; i++) execute(&requests[i], hashes[i], out);
    }
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 3) fail("usage: miniserver PORT|PATH [MAX-KEYS]");
    if (argc == 3) keys_max = strtoul(argv[2], NULL, 10);
    table = floor_create(keys_max);
    serve(strchr(argv[1], '/') != NULL ? listen_unix(argv[1])
                                       : listen_tcp((uint16_t)atoi(argv[1])));
}
