/*
 * kvstore-cli/prompt.h -- lines from a terminal, with editing and history where libedit is there.
 *
 * The history is kept in ~/.kvstore_cli_history, or where KVSTORE_CLI_HISTFILE says; "/dev/null" or
 * an empty name keeps none.
 */
#ifndef KVSTORE_CLI_PROMPT_H
#define KVSTORE_CLI_PROMPT_H

#include <stdbool.h>

void prompt_open(void);
void prompt_close(void);

/* Reads a line; the caller frees it. NULL at the end of the input. */
char *prompt_read(const char *prompt);

/* Remembers a line, unless it holds a password. */
void prompt_remember(const char *line);

/*
 * True for commands whose arguments are secrets: AUTH, HELLO with AUTH, ACL SETUSER, CONFIG SET
 * with a password.
 */
bool prompt_is_secret(const char *line);

#endif
