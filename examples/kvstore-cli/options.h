/*
 * kvstore-cli/options.h -- what the command line asks for.
 */
#ifndef KVSTORE_CLI_OPTIONS_H
#define KVSTORE_CLI_OPTIONS_H

#include "kvstore.h"

enum cli_mode { CLI_COMMANDS, CLI_PIPE, CLI_SCAN, CLI_HELP, CLI_VERSION };

struct cli_options {
    enum cli_mode mode;
    const char *host, *socket_path, *directory; /* a server's address or path; a data directory */
    const char *append_directory, *append_file; /* below the latter; NULL: as usual */
    int databases;                              /* of the latter; 0: as usual */
    int port;
    const char *user, *password;
    int database;
    int protocol; /* 2 or 3 */
    bool is_raw;  /* replies as plain text */
    bool last_from_stdin;
    long repeat; /* below 0: for ever */
    double interval_s;
    const char *pattern, *count; /* of --scan */
    char **command;              /* what is left of the arguments */
    int command_count;
};

/*
 * Reads the arguments; false, and what is wrong on standard error. Texts point into argv or are
 * never freed.
 */
bool options_read(struct cli_options *options, int argc, char **argv);

void options_print_usage(void);

#endif
