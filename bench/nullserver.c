/*
 * bench/nullserver.c -- a server that answers without looking.
 *
 *      nullserver PORT|PATH REQUEST-SIZE [REPLY-SIZE]
 *
 * Every REQUEST-SIZE bytes received are taken for one request, and answered with +OK, or with a
 * bulk string of REPLY-SIZE bytes. Against it, bench/loadgen measures itself and the kernel: what
 * any server on this machine pays for moving the bytes, and the most requests the load can send.
 */
#include "serve.h"

static size_t request_size;
static const char *reply = "+OK\r\n";
static size_t reply_size = 5;

static size_t answer(const char *input, size_t size, struct output *out)
{
    (void)input;
    size_t count = size / request_size;
    if (count > SERVE_OUTPUT_SIZE / reply_size) count = SERVE_OUTPUT_SIZE / reply_size;
    for (size_t i = 0; i < count; i++) memcpy(out->bytes + i * reply_size, reply, reply_size);
    out->size = count * reply_size;
    return count * request_size;
}

static void make_bulk_reply(size_t size)
{
    char *bulk = must_allocate(size + 32);
    size_t head = (size_t)sprintf(bulk, "$%zu\r\n", size);
    memset(bulk + head, 'x', size);
    memcpy(bulk + head + size, "\r\n", 2);
    reply = bulk;
    reply_size = head + size + 2;
    if (reply_size > SERVE_OUTPUT_SIZE) fail("replies are at most %d bytes", SERVE_OUTPUT_SIZE);
}

int main(int argc, char **argv)
{
    if (argc < 3 || argc > 4) fail("usage: nullserver PORT|PATH REQUEST-SIZE [REPLY-SIZE]");
    request_size = strtoul(argv[2], NULL, 10);
    if (request_size == 0 || request_size > SERVE_INPUT_SIZE)
        fail("not a request size: '%s'", argv[2]);
    if (argc == 4) make_bulk_reply(strtoul(argv[3], NULL, 10));

    serve(strchr(argv[1], '/') != NULL ? listen_unix(argv[1])
                                       : listen_tcp((uint16_t)atoi(argv[1])));
}
