/*
 * kvstore-server/settings.c -- what the configuration file and the command line say, in order.
 */
#include "kvstore-server/settings.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Files that include each other end here. */
enum { SETTINGS_DEPTH_MAX = 16 };

static bool fail(char *message, const char *origin, const char *reason)
{
    snprintf(message, SETTINGS_MESSAGE_SIZE, "%s: %s", origin, reason);
    return false;
}

static char *join_words(const kv_slice *items, size_t count)
{
    size_t size = 1;
    for (size_t i = 0; i < count; i++) size += items[i].size + 1;
    char *text = malloc(size), *to = text;
    if (text == NULL) return NULL;
    for (size_t i = 0; i < count; i++) {
        if (i > 0) *to++ = ' ';
        memcpy(to, items[i].data, items[i].size);
        to += items[i].size;
    }
    *to = '\0';
    return text;
}

static bool settings_add(struct settings *settings, const char *name, const kv_slice *values,
                         size_t count, const char *origin, char *message)
{
    if (count == 0) return fail(message, origin, "a value is missing");
    if (settings->count == settings->capacity) {
        size_t capacity = settings->capacity == 0 ? 32 : 2 * settings->capacity;
        struct setting *items = realloc(settings->items, capacity * sizeof *items);
        if (items == NULL) return fail(message, origin, "out of memory");
        settings->items = items;
        settings->capacity = capacity;
    }
    struct setting *setting = &settings->items[settings->count++];
    *setting = (struct setting){strdup(name), join_words(values, count), count, strdup(origin)};
    if (setting->name != NULL && setting->value != NULL && setting->origin != NULL) return true;
    return fail(message, origin, "out of memory");
}

static bool settings_read_path(struct settings *settings, const char *path, int depth,
                               char *message);

/*
 * "include PATTERN" reads the files that match, in the order of their names; one without a wildcard
 * must exist.
 */
static bool settings_include(struct settings *settings, const char *pattern, int depth,
                             const char *origin, char *message)
{
    if (depth == SETTINGS_DEPTH_MAX)
        return fail(message, origin, "files include each other too deeply");
    glob_t found;
    int failure = glob(pattern, GLOB_NOCHECK, NULL, &found);
    if (failure != 0) return fail(message, origin, "cannot look for files to include");
    bool is_read = true;
    bool has_wildcard = strpbrk(pattern, "*?[") != NULL;
    for (size_t i = 0; i < found.gl_pathc && is_read; i++) {
        if (has_wildcard && strcmp(found.gl_pathv[i], pattern) == 0) continue; /* nothing matched */
        is_read = settings_read_path(settings, found.gl_pathv[i], depth + 1, message);
    }
    globfree(&found);
    return is_read;
}

static bool settings_read_line(struct settings *settings, const char *line, size_t size, int depth,
                               const char *origin, char *message)
{
    size_t blanks = 0;
    while (blanks < size && strchr(" \t\r\n", line[blanks]) != NULL) blanks++;
    if (blanks == size || line[blanks] == '#') return true;

    struct words words;
    quoting outcome = quoting_split(&words, line, size);
    if (outcome == QUOTING_UNBALANCED) return fail(message, origin, "unbalanced quotes");
    if (outcome == QUOTING_NOMEM) return fail(message, origin, "out of memory");
    const char *name = words.items[0].data;
    bool is_read;
    if (strcasecmp(name, "include") == 0 && words.count == 2)
        is_read = settings_include(settings, words.items[1].data, depth, origin, message);
    else is_read = settings_add(settings, name, words.items + 1, words.count - 1, origin, message);
    quoting_free(&words);
    return is_read;
}

static bool settings_read_stream(struct settings *settings, FILE *file, const char *path, int depth,
                                 char *message)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t size;
    bool is_read = true;
    for (int number = 1; is_read && (size = getline(&line, &capacity, file)) >= 0; number++) {
        char origin[400];
        snprintf(origin, sizeof origin, "%.300s:%d", path, number);
        is_read = settings_read_line(settings, line, (size_t)size, depth, origin, message);
    }
    if (is_read && ferror(file)) is_read = fail(message, path, strerror(errno));
    free(line);
    return is_read;
}

static bool settings_read_path(struct settings *settings, const char *path, int depth,
                               char *message)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) return fail(message, path, strerror(errno));
    bool is_read = settings_read_stream(settings, file, path, depth, message);
    fclose(file);
    return is_read;
}

bool settings_read_file(struct settings *settings, const char *path,
                        char message[SETTINGS_MESSAGE_SIZE])
{
    if (strcmp(path, "-") == 0)
        return settings_read_stream(settings, stdin, "standard input", 0, message);
    return settings_read_path(settings, path, 0, message);
}

bool settings_read_arguments(struct settings *settings, int count, char **arguments,
                             char message[SETTINGS_MESSAGE_SIZE])
{
    for (int i = 0; i < count;) {
        const char *option = arguments[i];
        if (strncmp(option, "--", 2) != 0 || option[2] == '\0')
            return fail(message, option, "an option begins with '--'; see --help");
        int end = i + 1;
        while (end < count && strncmp(arguments[end], "--", 2) != 0) end++;

        size_t value_count = (size_t)(end - i - 1);
        kv_slice *values = malloc((value_count + 1) * sizeof *values);
        if (values == NULL) return fail(message, option, "out of memory");
        for (size_t j = 0; j < value_count; j++) values[j] = KV_TEXT(arguments[i + 1 + (int)j]);
        bool is_added = settings_add(settings, option + 2, values, value_count, option, message);
        free(values);
        if (!is_added) return false;
        i = end;
    }
    return true;
}

void settings_free(struct settings *settings)
{
    for (size_t i = 0; i < settings->count; i++) {
        free(settings->items[i].name);
        free(settings->items[i].value);
        free(settings->items[i].origin);
    }
    free(settings->items);
    *settings = (struct settings){0};
}
