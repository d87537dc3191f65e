/*
 * kvstore-check/main.c -- is an RDB file, an append-only file or a directory of them sound, and what
 * is in it?
 *
 *     kvresp_check() loads it into a store of this program's own; summary.c looks at that.
 */
#include "kvstore-check/summary.h"
#include "kvresp.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char usage[] =
    "usage: kvstore-check [OPTION]... FILE|DIRECTORY\n"
    "\n"
    "Reads an RDB file, an append-only file, or the set of files that a manifest names, of Redis,\n"
    "Valkey or kvstore, says what is in it and whether it is sound. Of a directory it reads the "
    "set\n"
    "that is in it or in its appendonlydir, else its dump.rdb. Nothing is changed.\n"
    "\n"
    "  --repair      if the last append-only file is damaged, cut it off where that begins, as it\n"
    "                was before what is lost then; asks first\n"
    "  --yes         does not ask\n"
    "  --largest N   how many of the largest keys to show (5)\n"
    "  --quiet       say only what is wrong\n"
    "  --help, --version\n"
    "\n"
    "Ends with 0 if all is sound, or is now; with 1 if not; with 2 if it could not be read.\n";

static const char no_cut[] =
    "Nothing is cut off: what is there is a whole command, not a torn end, and others may know it.";

enum { DATABASES = 1024, PATH_SIZE = 4096 };

static const int64_t largest_string = INT64_C(4) << 30;

struct program {
    const char *given;
    char path[PATH_SIZE]; /* what is read of it */
    long largest;
    bool repairs, says_yes, is_quiet;
    bool is_refused; /* it ends at a command that is whole */
};

enum ending { SOUND = 0, DAMAGED = 1, UNREADABLE = 2 };

static enum ending complain(const char *what, const char *why)
{
    fprintf(stderr, "kvstore-check: %s%s%s\n", what, why != NULL ? ": " : "",
            why != NULL ? why : "");
    return UNREADABLE;
}

/* ------------------------------------------------------------------------------ what is told of it */

static void tell_file(void *context, const kvresp_checked *file)
{
    struct program *program = context;
    program->is_refused = file->is_refused;
    if (program->is_quiet) return;
    printf("%s: %llu bytes", file->path, (unsigned long long)file->bytes);
    if (file->rdb_version > 0)
        printf(", RDB of version %u with %llu keys%s", file->rdb_version,
               (unsigned long long)file->rdb_keys,
               file->rdb_bytes == 0 ? " before the damage" : "");
    if (!file->is_rdb && (file->rdb_version == 0 || file->commands > 0))
        printf(", %llu commands", (unsigned long long)file->commands);
    putchar('\n');
}

static void tell_field(void *context, kv_slice name, kv_slice value)
{
    const struct program *program = context;
    if (program->is_quiet) return;
    fputs("field ", stdout);
    summary_print_quoted(stdout, name);
    fputs(" ", stdout);
    summary_print_quoted(stdout, value);
    putchar('\n');
}

static void tell_log(void *context, kvresp_level level, const char *line)
{
    (void)context;
    if (level >= KVRESP_WARNING) fprintf(stderr, "kvstore-check: %s\n", line);
}

/* Whether to cut: the user is asked, unless he said it already. */
static bool may_cut(void *context, const kvresp_checked *file, const char *message)
{
    const struct program *program = context;
    char answer[8] = "";
    if (!program->repairs) return false;
    printf("%s\n%s has %llu bytes, of which %llu are sound: cutting off the last %llu\n", message,
           file->path, (unsigned long long)file->bytes, (unsigned long long)file->sound_bytes,
           (unsigned long long)(file->bytes - file->sound_bytes));
    if (program->says_yes) return true;
    printf("Cut them off? [y/N] ");
    fflush(stdout);
    return fgets(answer, sizeof answer, stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
}

/* ------------------------------------------------------------------------------- what is to be read */

static bool has_suffix(const char *text, const char *suffix)
{
    size_t size = strlen(text), wanted = strlen(suffix);
    return size > wanted && strcmp(text + size - wanted, suffix) == 0;
}

static bool is_directory(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

/* Finds the manifest in a directory; there may be one left of its replacement. */
static bool find_manifest(const char *directory, char path[PATH_SIZE])
{
    DIR *names = opendir(directory);
    struct dirent *name;
    bool found = false;
    while (names != NULL && !found && (name = readdir(names)) != NULL) {
        if (!has_suffix(name->d_name, ".manifest") || strncmp(name->d_name, "temp", 4) == 0)
            continue;
        int size = snprintf(path, PATH_SIZE, "%s/%s", directory, name->d_name);
        found = size > 0 && size < PATH_SIZE;
    }
    if (names != NULL) closedir(names);
    return found;
}

static bool find_file(struct program *program)
{
    char inner[PATH_SIZE];
    bool is_file = !is_directory(program->given);
    const char *form = is_file ? "%s" : "%s/dump.rdb";
    if (!is_file && find_manifest(program->given, program->path)) return true;
    int size = snprintf(inner, sizeof inner, "%s/appendonlydir", program->given);
    if (size <= 0 || size >= PATH_SIZE) return false;
    if (!is_file && find_manifest(inner, program->path)) return true;
    size = snprintf(program->path, sizeof program->path, form, program->given);
    return size > 0 && size < PATH_SIZE;
}

/* ---------------------------------------------------------------------------------------- program */

static unsigned count_helpers(void)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return processors < 2 ? 0 : processors > 8 ? 7 : (unsigned)processors - 1;
}

static enum ending check(struct program *program, kv *db)
{
    char message[256];
    kvresp_check_options options = KV_OPTIONS(kvresp_check_options);
    options.load_threads = count_helpers();
    options.file = tell_file;
    options.aux = tell_field;
    options.cut = may_cut;
    options.log = tell_log;
    options.context = program;
    kv_status status = kvresp_check(db, program->path, &options, message);
    if (status != KV_OK && status != KV_CORRUPT)
        return complain(*message != '\0' ? message : kv_strerror(status), NULL);
    if (!program->is_quiet && summary_print(stdout, db, (size_t)program->largest) != KV_OK)
        return complain("out of memory", NULL);
    if (status == KV_CORRUPT) {
        printf("%s%s: damaged\n%s\n", program->is_quiet ? "" : "\n", program->path, message);
        if (program->is_refused && program->repairs) puts(no_cut);
        return DAMAGED;
    }
    if (!program->is_quiet) printf("\n%s: sound\n", program->path);
    return SOUND;
}

static enum ending run(struct program *program)
{
    kv *db;
    kv_options store = KV_OPTIONS(kv_options);
    store.databases = DATABASES;
    if (!find_file(program)) return complain(program->given, strerror(ENAMETOOLONG));
    kv_status status = kv_open(&store, &db);
    if (status != KV_OK) return complain(kv_strerror(status), NULL);
    (void)kv_configure(db, KV_SETTING_MAX_VALUE_SIZE, largest_string);
    enum ending ending = check(program, db);
    kv_close(db);
    return ending;
}

/* False: the program ends, *ending tells how. */
static bool read_arguments(struct program *program, int count, char **arguments, int *ending)
{
    *ending = SOUND;
    for (int i = 1; i < count; i++) {
        const char *word = arguments[i];
        char *end = NULL;
        if (strcmp(word, "--help") == 0) return fputs(usage, stdout), false;
        if (strcmp(word, "--version") == 0)
            return printf("kvstore-check %s\n", kv_version()), false;
        if (strcmp(word, "--repair") == 0) program->repairs = true;
        else if (strcmp(word, "--yes") == 0) program->says_yes = true;
        else if (strcmp(word, "--quiet") == 0) program->is_quiet = true;
        else if (strcmp(word, "--largest") == 0 && i + 1 < count) {
            program->largest = strtol(arguments[++i], &end, 10);
            if (*end != '\0' || program->largest < 0 || program->largest > 100000) {
                *ending = (int)complain("--largest", "expected a number up to 100000");
                return false;
            }
        } else if (word[0] == '-' || program->given != NULL) {
            fprintf(stderr, "kvstore-check: unexpected '%s'; see --help\n", word);
            *ending = UNREADABLE;
            return false;
        } else {
            program->given = word;
        }
    }
    if (program->given != NULL) return true;
    *ending = (int)complain("expected a file or directory; see --help", NULL);
    return false;
}

int main(int count, char **arguments)
{
    struct program program = {.largest = 5};
    int ending;
    if (!read_arguments(&program, count, arguments, &ending)) return ending;
    return (int)run(&program);
}
