/*
 * kvstore-server/settings.h -- what the configuration file and the command line say, in order.
 *
 * A setting is a name and a value, and where it was written, for errors that name it. The command
 * line comes after the file, so that it has the last word.
 */
#ifndef KVSTORE_SERVER_SETTINGS_H
#define KVSTORE_SERVER_SETTINGS_H

#include "common/quoting.h"

enum { SETTINGS_MESSAGE_SIZE = 512 };

struct setting {
    char *name, *value; /* several words are joined by blanks */
    size_t word_count;
    char *origin; /* "kvstore.conf:12", "--port" */
};

struct settings {
    struct setting *items;
    size_t count, capacity;
};

/* Reads a file; "-" is standard input. False, and where and why in `message`. */
bool settings_read_file(struct settings *settings, const char *path,
                        char message[SETTINGS_MESSAGE_SIZE]);

/* Reads "--name value..." from arguments. */
bool settings_read_arguments(struct settings *settings, int count, char **arguments,
                             char message[SETTINGS_MESSAGE_SIZE]);

void settings_free(struct settings *settings);

#endif
