/*
 * kvstore-cli/modes.h -- what the program does besides single commands. Each returns the program's
 * exit status.
 */
#ifndef KVSTORE_CLI_MODES_H
#define KVSTORE_CLI_MODES_H

#include "kvstore-cli/link.h"

/* Sends standard input, in the protocol's form, as fast as it goes, and counts the replies. */
int mode_pipe(struct link *link);

/* Prints all keys, or those that match. */
int mode_scan(struct link *link, const struct cli_options *options);

#endif
