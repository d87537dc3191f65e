/*
 * kvstore-cli/options.c -- what the command line asks for.
 */
#include "kvstore-cli/options.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: kvstore-cli [OPTION]... [COMMAND [ARGUMENT]...]\n"
    "\n"
    "Without a command it reads commands, a line each: with editing and history from a terminal.\n"
    "\n"
    "  -h HOST, -p PORT       the server (127.0.0.1, 6379)\n"
    "  -s PATH                its unix socket\n"
    "  -u URI                 redis://[[user:]password@]host[:port][/database], or unix:///path\n"
    "  --file DIRECTORY       no server: the data directory, opened by this program itself\n"
    "  --appenddirname NAME, --appendfilename NAME, --databases NUMBER\n"
    "                         what its server was given of these\n"
    "  -a PASSWORD            authenticate (better: the environment variable REDISCLI_AUTH)\n"
    "  --user NAME            as this user\n"
    "  -n NUMBER              select a database\n"
    "  -2, -3                 the version of the protocol (2)\n"
    "  --raw, --no-raw        replies as plain text, or with their types (as standard output is a\n"
    "                         terminal or not)\n"
    "  -x                     the last argument is read from standard input\n"
    "  -r NUMBER, -i SECONDS  repeat the command (-1: for ever), with pauses\n"
    "  --scan                 print all keys; with --pattern GLOB those that match, --count NUMBER "
    "at a time\n"
    "  --pipe                 send standard input, which is in the protocol's form, and count the "
    "replies\n"
    "  --help, --version\n"
    "\n"
    "Ends with 0, or with 1 if it could not connect or a reply was an error.\n";

void options_print_usage(void)
{
    fputs(usage, stdout);
}

static bool fail(const char *problem, const char *what)
{
    fprintf(stderr, "kvstore-cli: %s '%s'; see --help\n", problem, what);
    return false;
}

static bool parse_number(const char *text, long least, long most, long *number)
{
    char *end;
    *number = strtol(text, &end, 10);
    return end != text && *end == '\0' && *number >= least && *number <= most;
}

/* Replaces %41 by A, in place. */
static void decode_percent(char *text)
{
    char *to = text;
    for (; *text != '\0'; text++) {
        unsigned byte;
        if (*text == '%' && isxdigit((unsigned char)text[1]) && isxdigit((unsigned char)text[2]) &&
            sscanf(text + 1, "%2x", &byte) == 1) {
            *to++ = (char)byte;
            text += 2;
        } else {
            *to++ = *text;
        }
    }
    *to = '\0';
}

/* "user:password@", "password@" or ":password@"; returns what follows. */
static char *read_credentials(struct cli_options *options, char *at)
{
    char *end = strrchr(at, '@');
    if (end == NULL) return at;
    *end = '\0';
    char *colon = strchr(at, ':');
    if (colon != NULL) *colon = '\0';
    if (colon != NULL && colon != at) options->user = at;
    options->password = colon != NULL ? colon + 1 : at;
    decode_percent(at);
    if (colon != NULL) decode_percent(colon + 1);
    return end + 1;
}

/* The text lives as long as the program. */
static bool read_uri(struct cli_options *options, const char *uri)
{
    char *text = strdup(uri), *database, *port;
    long number;
    if (text == NULL) return false;
    if (strncmp(text, "unix://", 7) == 0) {
        options->socket_path = text + 7;
        return text[7] != '\0';
    }
    if (strncmp(text, "redis://", 8) != 0) return false;
    char *host = read_credentials(options, text + 8);
    if ((database = strchr(host, '/')) != NULL) *database++ = '\0';
    char *bracket =
        host[0] == '[' ? strchr(host, ']') : NULL; /* an IPv6 address has colons of its own */
    if ((port = strchr(bracket != NULL ? bracket : host, ':')) != NULL) *port++ = '\0';
    if (bracket != NULL) {
        host++;
        *bracket = '\0';
    }
    if (host[0] != '\0') options->host = host;
    if (port != NULL) {
        if (!parse_number(port, 1, 65535, &number)) return false;
        options->port = (int)number;
    }
    if (database != NULL && database[0] != '\0') {
        if (!parse_number(database, 0, 65535, &number)) return false;
        options->database = (int)number;
    }
    return true;
}

/* Options without a value. */
static bool read_flag(struct cli_options *options, const char *name)
{
    if (strcmp(name, "-2") == 0) options->protocol = 2;
    else if (strcmp(name, "-3") == 0) options->protocol = 3;
    else if (strcmp(name, "--raw") == 0) options->is_raw = true;
    else if (strcmp(name, "--no-raw") == 0) options->is_raw = false;
    else if (strcmp(name, "-x") == 0) options->last_from_stdin = true;
    else if (strcmp(name, "--scan") == 0) options->mode = CLI_SCAN;
    else if (strcmp(name, "--pipe") == 0) options->mode = CLI_PIPE;
    else if (strcmp(name, "--help") == 0) options->mode = CLI_HELP;
    else if (strcmp(name, "--version") == 0 || strcmp(name, "-v") == 0) options->mode = CLI_VERSION;
    else return false;
    return true;
}

/* Options with one. `is_known` tells a bad value from an option that there is not. */
static bool read_option(struct cli_options *options, const char *name, const char *value,
                        bool *is_known)
{
    long number = 0;
    char *end;
    *is_known = true;
    if (strcmp(name, "-h") == 0) options->host = value;
    else if (strcmp(name, "-s") == 0) options->socket_path = value;
    else if (strcmp(name, "-u") == 0) return read_uri(options, value);
    else if (strcmp(name, "--file") == 0) options->directory = value;
    else if (strcmp(name, "--appenddirname") == 0) options->append_directory = value;
    else if (strcmp(name, "--appendfilename") == 0) options->append_file = value;
    else if (strcmp(name, "-a") == 0 || strcmp(name, "--pass") == 0) options->password = value;
    else if (strcmp(name, "--user") == 0) options->user = value;
    else if (strcmp(name, "--pattern") == 0) options->pattern = value;
    else if (strcmp(name, "--count") == 0) {
        options->count = value;
        return parse_number(value, 1, 1000000000, &number);
    } else if (strcmp(name, "-p") == 0) {
        if (!parse_number(value, 1, 65535, &number)) return false;
        options->port = (int)number;
    } else if (strcmp(name, "--databases") == 0) {
        if (!parse_number(value, 1, 65536, &number)) return false;
        options->databases = (int)number;
    } else if (strcmp(name, "-n") == 0) {
        if (!parse_number(value, 0, 65535, &number)) return false;
        options->database = (int)number;
    } else if (strcmp(name, "-r") == 0) {
        return parse_number(value, -1, 2000000000, &options->repeat);
    } else if (strcmp(name, "-i") == 0) {
        options->interval_s = strtod(value, &end);
        return end != value && *end == '\0' && options->interval_s >= 0;
    } else {
        *is_known = false;
        return false;
    }
    return true;
}

bool options_read(struct cli_options *options, int argc, char **argv)
{
    *options = (struct cli_options){.host = "127.0.0.1", .port = 6379, .protocol = 2, .repeat = 1};
    options->is_raw = !isatty(STDOUT_FILENO);
    options->password = getenv("REDISCLI_AUTH");

    int i = 1;
    for (; i < argc && argv[i][0] == '-' && argv[i][1] != '\0'; i++) {
        if (read_flag(options, argv[i])) continue;
        bool is_known;
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        bool is_read = read_option(options, argv[i], value, &is_known);
        if (!is_known) return fail("there is no option", argv[i]);
        if (i + 1 == argc) return fail("a value is missing after", argv[i]);
        if (!is_read) return fail("not a value for its option:", value);
        i++;
    }
    options->command = argv + i;
    options->command_count = argc - i;
    return true;
}
