/*
 * kvstore-cli/modes.c -- what the program does besides single commands.
 */
#include "kvstore-cli/modes.h"

#include "kvstore-cli/print.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { PIPE_BUFFER_SIZE = 64 << 10, PIPE_MARK_SIZE = 20 };

struct pipe_run {
    struct link *link;
    char bytes[PIPE_BUFFER_SIZE];
    size_t size, sent;
    char mark[PIPE_MARK_SIZE + 1]; /* echoed after everything else, so that its reply is the last */
    bool is_input_over, is_marked, is_done;
    uint64_t replies, errors;
};

/* Letters that nobody will have as a value by chance. */
static void pipe_make_mark(char *mark)
{
    srand((unsigned)time(NULL) ^ (unsigned)getpid());
    for (int i = 0; i < PIPE_MARK_SIZE; i++) mark[i] = (char)('a' + rand() % 26);
    mark[PIPE_MARK_SIZE] = '\0';
}

/* Fills the buffer from standard input, or at its end with the mark. False on an error. */
static bool pipe_fill(struct pipe_run *run)
{
    run->sent = run->size = 0;
    if (!run->is_input_over) {
        ssize_t got;
        do got = read(STDIN_FILENO, run->bytes, sizeof run->bytes);
        while (got < 0 && errno == EINTR);
        if (got < 0) {
            perror("kvstore-cli: standard input");
            return false;
        }
        run->size = (size_t)got;
        run->is_input_over = got == 0;
    }
    if (run->is_input_over && !run->is_marked) {
        /* The empty line before it ends an inline command that was left unfinished. */
        run->size =
            (size_t)snprintf(run->bytes, sizeof run->bytes, "\r\n*2\r\n$4\r\nECHO\r\n$%d\r\n%s\r\n",
                             PIPE_MARK_SIZE, run->mark);
        run->is_marked = true;
        printf("All data transferred. Waiting for the last reply...\n");
    }
    return true;
}

static void pipe_count(struct pipe_run *run, const kvresp_reply *reply)
{
    if (run->is_marked && reply->kind == KVRESP_BULK && reply->text.size == PIPE_MARK_SIZE &&
        memcmp(reply->text.data, run->mark, PIPE_MARK_SIZE) == 0) {
        run->is_done = true;
        return;
    }
    run->replies++;
    if (reply->kind != KVRESP_ERROR && reply->kind != KVRESP_BULK_ERROR) return;
    run->errors++;
    fwrite(reply->text.data, 1, reply->text.size, stderr);
    putc('\n', stderr);
}

static bool pipe_take_replies(struct pipe_run *run)
{
    const kvresp_reply *reply;
    while (!run->is_done) {
        if (!link_receive(run->link, &reply, false)) return false;
        if (reply == NULL) return true;
        pipe_count(run, reply);
    }
    return true;
}

/* Waits until the server has sent something, or can be sent to if there is something to send. */
static bool pipe_wait(struct pipe_run *run, bool *may_send)
{
    bool has_data = run->sent < run->size;
    *may_send = has_data;
    if (run->link->descriptor < 0) return true;
    struct pollfd ready = {.fd = run->link->descriptor,
                           .events = POLLIN | (has_data ? POLLOUT : 0)};
    if (poll(&ready, 1, -1) < 0 && errno != EINTR) return false;
    *may_send = (ready.revents & POLLOUT) != 0;
    return true;
}

/*
 * Sending must not wait while the server waits for its replies to be read: the socket does not
 * block here.
 */
static bool pipe_step(struct pipe_run *run)
{
    if (run->sent == run->size && !run->is_marked && !pipe_fill(run)) return false;
    bool may_send;
    if (!pipe_wait(run, &may_send)) return false;
    if (may_send) {
        ssize_t put = link_send_raw(run->link, run->bytes + run->sent, run->size - run->sent);
        if (put < 0 && errno != EAGAIN && errno != EWOULDBLOCK) return false;
        if (put > 0) run->sent += (size_t)put;
    }
    return pipe_take_replies(run);
}

int mode_pipe(struct link *link)
{
    struct pipe_run *run = calloc(1, sizeof *run);
    if (run == NULL) return 1;
    run->link = link;
    pipe_make_mark(run->mark);
    link_do_not_block(link);
    bool is_well = true;
    while (is_well && !run->is_done) is_well = pipe_step(run);
    if (is_well) printf("Last reply received from server.\n");
    else fprintf(stderr, "%s\n", link->error);
    printf("errors: %" PRIu64 ", replies: %" PRIu64 "\n", run->errors, run->replies);
    int status = is_well && run->errors == 0 ? 0 : 1;
    free(run);
    return status;
}

/* ----------------------------------------------------------------------------------------- scan */

static bool is_scan_reply(const kvresp_reply *reply)
{
    return reply->kind == KVRESP_ARRAY && reply->count == 2 &&
           reply->elements[0].kind == KVRESP_BULK && reply->elements[0].text.size < 32 &&
           reply->elements[1].kind == KVRESP_ARRAY;
}

int mode_scan(struct link *link, const struct cli_options *options)
{
    char cursor[32] = "0";
    do {
        kv_slice words[6] = {KV_TEXT("SCAN"), KV_TEXT(cursor)};
        size_t count = 2;
        if (options->pattern != NULL) {
            words[count++] = KV_TEXT("MATCH");
            words[count++] = KV_TEXT(options->pattern);
        }
        if (options->count != NULL) {
            words[count++] = KV_TEXT("COUNT");
            words[count++] = KV_TEXT(options->count);
        }
        const kvresp_reply *reply;
        if (!link_call(link, count, words, &reply)) {
            fprintf(stderr, "%s\n", link->error);
            return 1;
        }
        if (!is_scan_reply(reply)) {
            print_typed(stderr, reply);
            return 1;
        }
        const kvresp_reply *keys = &reply->elements[1];
        for (size_t i = 0; i < keys->count; i++)
            (options->is_raw ? print_raw : print_typed)(stdout, &keys->elements[i]);
        snprintf(cursor, sizeof cursor, "%.*s", (int)reply->elements[0].text.size,
                 (const char *)reply->elements[0].text.data);
    } while (strcmp(cursor, "0") != 0);
    return 0;
}
