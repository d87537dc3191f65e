/*
 * kvstore-cli/main.c -- commands for a store, from the command line, a terminal or standard input.
 *
 *     options   what the command line asks for       print    replies for people
 *     link      the way to the store                 prompt   lines from a terminal
 *     modes     --pipe and --scan
 */
#include "common/quoting.h"
#include "kvstore-cli/link.h"
#include "kvstore-cli/modes.h"
#include "kvstore-cli/options.h"
#include "kvstore-cli/print.h"
#include "kvstore-cli/prompt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Replies that took longer are followed by how long. */
static const double slow_reply_s = 0.5;

struct cli {
    struct cli_options options;
    struct link link;
    bool is_interactive;
    bool is_in_transaction;
};

static bool complain(struct cli *cli)
{
    fprintf(stderr, "%s\n", cli->link.error);
    return false;
}

static bool is_word(kv_slice word, const char *text)
{
    return word.size == strlen(text) && strncasecmp(word.data, text, word.size) == 0;
}

static bool is_error(const kvresp_reply *reply)
{
    return reply->kind == KVRESP_ERROR || reply->kind == KVRESP_BULK_ERROR;
}

/* Replies that are pages of text, to be shown as such also on a terminal. */
static bool is_text_command(size_t count, const kv_slice *words)
{
    static const char *const pairs[][2] = {
        {"client", "list"},    {"client", "info"},   {"memory", "doctor"},
        {"latency", "doctor"}, {"latency", "graph"}, {"cluster", "nodes"},
        {"cluster", "info"},   {"debug", "htstats"}, {"memory", "malloc-stats"}};
    if (is_word(words[0], "info") || is_word(words[0], "lolwut")) return true;
    for (size_t i = 0; count > 1 && i < sizeof pairs / sizeof *pairs; i++)
        if (is_word(words[0], pairs[i][0]) && is_word(words[1], pairs[i][1])) return true;
    return false;
}

/* Commands after which replies come for as long as there is somebody to read them. */
static bool is_endless_command(const kv_slice *words)
{
    return is_word(words[0], "subscribe") || is_word(words[0], "psubscribe") ||
           is_word(words[0], "ssubscribe") || is_word(words[0], "monitor");
}

static void print_reply(const struct cli *cli, const kvresp_reply *reply, bool is_text)
{
    if (cli->options.is_raw || (is_text && !is_error(reply))) print_raw(stdout, reply);
    else print_typed(stdout, reply);
    fflush(stdout);
}

/* What a reply tells about the connection itself, for the prompt and for connecting again. */
static void note_state(struct cli *cli, size_t count, const kv_slice *words,
                       const kvresp_reply *reply)
{
    if (is_error(reply)) return;
    if (is_word(words[0], "select") && count == 2) cli->options.database = atoi(words[1].data);
    else if (is_word(words[0], "multi")) cli->is_in_transaction = true;
    else if (is_word(words[0], "exec") || is_word(words[0], "discard"))
        cli->is_in_transaction = false;
    else if (is_word(words[0], "hello") && count > 1) cli->options.protocol = atoi(words[1].data);
    else if (is_word(words[0], "reset")) {
        cli->is_in_transaction = false;
        cli->options.database = 0;
        cli->options.protocol = 2;
    }
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/*
 * Sends a command and prints its reply. False if the link is lost; `failed` tells whether the reply
 * was an error.
 */
static bool run_command(struct cli *cli, size_t count, const kv_slice *words, bool *failed)
{
    const kvresp_reply *reply;
    double start_s = seconds_now();
    if (!link_send(&cli->link, count, words)) return false;
    do {
        if (!link_receive(&cli->link, &reply, true)) return false;
        *failed = is_error(reply);
        print_reply(cli, reply, is_text_command(count, words));
    } while (is_endless_command(words) && !*failed);
    double took_s = seconds_now() - start_s;
    if (cli->is_interactive && !cli->options.is_raw && took_s >= slow_reply_s)
        printf("(%.2fs)\n", took_s);
    note_state(cli, count, words, reply);
    return true;
}

/*
 * A link that was lost while the program waited for its user is opened again, once for a command.
 */
static bool run_command_connected(struct cli *cli, size_t count, const kv_slice *words,
                                  bool *failed)
{
    for (int tries = 0;; tries++) {
        bool was_open = link_is_open(&cli->link);
        if (!was_open) {
            cli->is_in_transaction = false;
            if (!link_open(&cli->link, &cli->options)) return complain(cli);
        }
        if (run_command(cli, count, words, failed)) return true;
        char error[LINK_ERROR_SIZE];
        memcpy(error, cli->link.error, sizeof error);
        link_close(&cli->link);
        bool was_shutdown = is_word(words[0], "shutdown") || is_word(words[0], "quit");
        if (was_shutdown) return true;
        memcpy(cli->link.error, error, sizeof error);
        if (!was_open || tries > 0 || !cli->is_interactive) return complain(cli);
    }
}

static void pause_between(double seconds)
{
    struct timespec wait = {.tv_sec = (time_t)seconds,
                            .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    if (seconds > 0) nanosleep(&wait, NULL);
}

static bool run_repeatedly(struct cli *cli, long repeat, size_t count, const kv_slice *words,
                           bool *failed)
{
    bool is_well = true;
    for (long i = 0; is_well && (repeat < 0 || i < repeat); i++) {
        if (i > 0) pause_between(cli->options.interval_s);
        is_well = run_command_connected(cli, count, words, failed);
    }
    return is_well;
}

/* ---------------------------------------------------------------------------------------- lines */

/*
 * Words that are not for the store. Returns true if there is nothing more to do; *is_over if the
 * program should end.
 */
static bool run_own_command(struct cli *cli, const struct words *words, bool *is_over)
{
    if (is_word(words->items[0], "exit") ||
        (is_word(words->items[0], "quit") && words->count == 1)) {
        *is_over = true;
        return true;
    }
    if (!cli->is_interactive || words->count != 1) return false;
    if (is_word(words->items[0], "clear")) {
        fputs("\x1b[H\x1b[2J", stdout);
        return true;
    }
    if (is_word(words->items[0], "help")) {
        puts("Commands are the server's: COMMAND DOCS name describes one. A number before a "
             "command repeats it.\n"
             "\"quotes\" take escapes (\\n, \\xff), 'quotes' take everything as it is. clear, "
             "quit, exit.");
        return true;
    }
    return false;
}

/* Splits a line and runs it. False if the program should end. */
static bool run_line(struct cli *cli, const char *line, size_t size, bool *failed)
{
    struct words words;
    if (quoting_split(&words, line, size) != QUOTING_OK) {
        puts("Invalid argument(s)");
        *failed = true;
        return true;
    }
    bool is_over = false;
    if (words.count > 0 && !run_own_command(cli, &words, &is_over)) {
        char *end;
        long repeat = strtol(words.items[0].data, &end, 10);
        bool is_repeated = words.count > 1 && words.items[0].size > 0 && *end == '\0' && repeat > 0;
        size_t skip = is_repeated ? 1 : 0;
        bool is_well = run_repeatedly(cli, is_repeated ? repeat : cli->options.repeat,
                                      words.count - skip, words.items + skip, failed);
        /* A script does not go on without its server; a person may start it again. */
        is_over = !is_well && !cli->is_interactive;
        if (!is_well) *failed = true;
    }
    quoting_free(&words);
    return !is_over;
}

static void make_prompt(const struct cli *cli, char *prompt, size_t size)
{
    char database[16] = "";
    if (cli->options.database > 0)
        snprintf(database, sizeof database, "[%d]", cli->options.database);
    if (!link_is_open(&cli->link)) snprintf(prompt, size, "not connected> ");
    else
        snprintf(prompt, size, "%s%s%s> ", cli->link.name, database,
                 cli->is_in_transaction ? "(TX)" : "");
}

static int run_prompt(struct cli *cli)
{
    bool failed = false, goes_on = true;
    cli->is_interactive = true;
    prompt_open();
    while (goes_on) {
        char prompt[360];
        make_prompt(cli, prompt, sizeof prompt);
        char *line = prompt_read(prompt);
        if (line == NULL) {
            putchar('\n');
            break;
        }
        if (line[0] != '\0') prompt_remember(line);
        goes_on = run_line(cli, line, strlen(line), &failed);
        free(line);
    }
    prompt_close();
    return 0;
}

static int run_standard_input(struct cli *cli)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t size;
    bool has_failed = false, goes_on = true;
    while (goes_on && (size = getline(&line, &capacity, stdin)) >= 0) {
        bool failed = false;
        goes_on = run_line(cli, line, (size_t)size, &failed);
        if (failed) has_failed = true;
    }
    free(line);
    return has_failed ? 1 : 0;
}

/* ----------------------------------------------------------------------------- a single command */

/* All of standard input; the caller frees it. */
static char *read_standard_input(size_t *size)
{
    char *bytes = NULL;
    size_t capacity = 0;
    *size = 0;
    for (;;) {
        if (*size == capacity) {
            capacity = capacity == 0 ? 4096 : 2 * capacity;
            char *grown = realloc(bytes, capacity);
            if (grown == NULL) break;
            bytes = grown;
        }
        size_t got = fread(bytes + *size, 1, capacity - *size, stdin);
        *size += got;
        if (got == 0) return bytes;
    }
    free(bytes);
    return NULL;
}

static int run_single(struct cli *cli)
{
    size_t count = (size_t)cli->options.command_count, size = 0;
    kv_slice *words = calloc(count + 1, sizeof *words);
    char *last = NULL;
    if (words == NULL) return 1;
    for (size_t i = 0; i < count; i++) words[i] = KV_TEXT(cli->options.command[i]);
    if (cli->options.last_from_stdin) {
        last = read_standard_input(&size);
        words[count++] = KV_BYTES(last, last == NULL ? 0 : size);
    }
    bool failed = false;
    bool is_well = run_repeatedly(cli, cli->options.repeat, count, words, &failed);
    free(last);
    free(words);
    return is_well && !failed ? 0 : 1;
}

int main(int argc, char **argv)
{
    static struct cli cli = {.link = {.descriptor = -1}};
    if (!options_read(&cli.options, argc, argv)) return 1;
    if (cli.options.mode == CLI_HELP) {
        options_print_usage();
        return 0;
    }
    if (cli.options.mode == CLI_VERSION) {
        printf("kvstore-cli %s\n", kv_version());
        return 0;
    }

    bool is_prompt =
        cli.options.mode == CLI_COMMANDS && cli.options.command_count == 0 && isatty(STDIN_FILENO);
    if (!link_open(&cli.link, &cli.options)) {
        complain(&cli);
        if (!is_prompt || cli.options.directory != NULL) return 1;
    }
    int status;
    if (cli.options.mode == CLI_PIPE) status = mode_pipe(&cli.link);
    else if (cli.options.mode == CLI_SCAN) status = mode_scan(&cli.link, &cli.options);
    else if (cli.options.command_count > 0) status = run_single(&cli);
    else status = is_prompt ? run_prompt(&cli) : run_standard_input(&cli);

    if (link_close(&cli.link)) return status;
    fprintf(stderr, "kvstore-cli: not everything could be written to %s\n", cli.options.directory);
    return 1;
}
