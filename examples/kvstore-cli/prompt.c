/*
 * kvstore-cli/prompt.c -- lines from a terminal, with editing and history where libedit is there.
 */
#include "kvstore-cli/prompt.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#ifdef KVSTORE_CLI_LIBEDIT
#include <editline/readline.h>
#endif

bool prompt_is_secret(const char *line)
{
    char first[16] = "";
    if (sscanf(line, "%15s", first) != 1) return false;
    if (strcasecmp(first, "auth") == 0) return true;
    if (strcasecmp(first, "hello") == 0) return strcasestr(line, " auth ") != NULL;
    if (strcasecmp(first, "acl") == 0) return strcasestr(line, "setuser") != NULL;
    if (strcasecmp(first, "config") == 0)
        return strcasestr(line, "set") != NULL &&
               (strcasestr(line, "pass") != NULL || strcasestr(line, "masterauth") != NULL);
    return false;
}

#ifdef KVSTORE_CLI_LIBEDIT

enum { PROMPT_HISTORY_MAX = 1000 };

static char history_path[PATH_MAX];

void prompt_open(void)
{
    const char *path = getenv("KVSTORE_CLI_HISTFILE"), *home = getenv("HOME");
    if (path != NULL) snprintf(history_path, sizeof history_path, "%s", path);
    else if (home != NULL)
        snprintf(history_path, sizeof history_path, "%s/.kvstore_cli_history", home);
    rl_readline_name = "kvstore-cli";
    using_history();
    stifle_history(PROMPT_HISTORY_MAX);
    if (history_path[0] != '\0') read_history(history_path);
}

void prompt_close(void)
{
    if (history_path[0] == '\0') return;
    mode_t before = umask(0077); /* what was typed is its writer's own */
    write_history(history_path);
    umask(before);
}

char *prompt_read(const char *prompt)
{
    return readline(prompt);
}

void prompt_remember(const char *line)
{
    if (!prompt_is_secret(line)) add_history(line);
}

#else

void prompt_open(void)
{
}

void prompt_close(void)
{
}

char *prompt_read(const char *prompt)
{
    char *line = NULL;
    size_t capacity = 0;
    fputs(prompt, stdout);
    fflush(stdout);
    ssize_t size = getline(&line, &capacity, stdin);
    if (size < 0) {
        free(line);
        return NULL;
    }
    if (size > 0 && line[size - 1] == '\n') line[size - 1] = '\0';
    return line;
}

void prompt_remember(const char *line)
{
    (void)line;
}

#endif
