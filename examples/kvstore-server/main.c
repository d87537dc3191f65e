/*
 * kvstore-server/main.c -- a store behind sockets, with its files: the modules wired together.
 *
 *     settings   what was asked for                    kv, kvresp        the store and its commands
 *     options    what this program does with it        kvresp_aof        its file
 *     log        what it says                          kvnet             its sockets
 *
 * It listens before it loads its data, from the append-only file or else from the RDB file, and
 * answers as far as that can be done without them. Errors before it serves go to standard error and
 * end with 1. Afterwards the log tells. SIGINT, SIGTERM and SHUTDOWN end it in order: replicas are
 * waited for, and where there are save points or an append-only file nothing that was answered is
 * lost; what cannot be saved keeps it from ending. A second signal ends it at once. SIGHUP opens the
 * log file anew.
 */
#include "kvstore-server/log.h"
#include "kvstore-server/options.h"
#include "kvstore-server/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { GRACE_MS = 10000, LOADING_GRACE_MS = 1000, DESCRIPTORS_BESIDE_CLIENTS = 1024 };

struct program {
    struct settings settings;
    struct options options;
    struct options_shown shown;
    struct log log;
    char config_path[PATH_MAX], executable[PATH_MAX];
    pthread_t main_thread;
    atomic_bool is_told; /* SHUTDOWN, which comes as SIGUSR1 to the main thread */
    bool has_pid_file, has_save_points;
    int parent; /* a pipe to the process that waits until this one serves; -1: none */
    kv *db;
    kvresp *resp;
    kvresp_aof *aof;
    kvnet *net;
    kvnet_metrics *metrics; /* NULL: not asked for */
};

static const char usage[] =
    "usage: kvstore-server [FILE] [--option value...]...\n"
    "\n"
    "  FILE    a configuration file in Redis's form; '-' is standard input\n"
    "\n"
    "  --port NUMBER          TCP port (6379); 0: none, or a free one if there is no --unixsocket\n"
    "  --bind ADDRESS...      where to listen (127.0.0.1 -::1)\n"
    "  --unixsocket PATH      listen there too\n"
    "  --dir DIRECTORY        work in this directory (.)\n"
    "  --save 'SECONDS CHANGES ...'   save dump.rdb when so much has changed for so long, and at\n"
    "                         the end ('3600 1 300 100 60 10000'); '' never\n"
    "  --appendonly yes|no    keep every change in a file, and load it at the start (no)\n"
    "  --appendfsync HOW      always, everysec (the default) or no\n"
    "  --requirepass TEXT     clients must authenticate\n"
    "  --io-threads NUMBER    event loops (one for each processor, at most 8)\n"
    "  --metrics-port NUMBER  metrics for Prometheus over HTTP (0: none), at --metrics-bind ADDRESS\n"
    "  --logfile PATH         --loglevel debug|verbose|notice|warning|nothing\n"
    "  --log-format HOW       text, logfmt or json\n"
    "  --daemonize yes        --pidfile PATH\n"
    "  --help, --version\n"
    "\n"
    "All of Redis's parameters that mean something here are options too, as in its redis.conf.\n";

/* Says on standard error, and in the log if that is elsewhere, why it cannot start. */
static bool complain(struct program *program, const char *message)
{
    fprintf(stderr, "kvstore-server: %s\n", message);
    if (program->log.descriptor != STDOUT_FILENO) log_write(&program->log, KVRESP_WARNING, message);
    return false;
}

/* ------------------------------------------------------------------------------- what was asked */

/* Reads the file and the arguments, and sets the options of this program. */
static bool read_settings(struct program *program, int argc, char **argv)
{
    char message[SETTINGS_MESSAGE_SIZE];
    int first = 1;
    if (argc > 1 && strncmp(argv[1], "--", 2) != 0) {
        first = 2;
        if (!settings_read_file(&program->settings, argv[1], message))
            return complain(program, message);
        if (strcmp(argv[1], "-") != 0 && realpath(argv[1], program->config_path) == NULL)
            return complain(program, strerror(errno));
    }
    if (!settings_read_arguments(&program->settings, argc - first, argv + first, message))
        return complain(program, message);

    program->options = options_default;
    for (size_t i = 0; i < program->settings.count; i++) {
        const struct setting *setting = &program->settings.items[i];
        if (options_has(setting->name) && !options_set(&program->options, setting, message))
            return complain(program, message);
    }
    return true;
}

/*
 * Sets a parameter of the modules. Save points add up, as in Redis's files, where each may have a
 * line of its own: the first takes the place of the defaults, an empty one drops those before it.
 */
static const char *apply_setting(struct program *program, const struct setting *setting,
                                 char message[256])
{
    const char *value = setting->value, *error;
    kv_buffer points = {0};
    if (strcasecmp(setting->name, "save") != 0 || value[0] == '\0' || !program->has_save_points) {
        program->has_save_points |= strcasecmp(setting->name, "save") == 0;
        return kvresp_config_set(program->resp, setting->name, KV_TEXT(value), true, message);
    }
    error = "out of memory";
    if (kvresp_config_get(program->resp, "save", &points) == KV_OK) {
        size_t size = points.size + strlen(value) + 2;
        char *all = malloc(size);
        if (all != NULL) {
            snprintf(all, size, "%.*s%s%s", (int)points.size, (const char *)points.data,
                     points.size > 0 ? " " : "", value);
            error = kvresp_config_set(program->resp, "save", KV_TEXT(all), true, message);
        }
        free(all);
    }
    kv_buffer_free(&points);
    return error;
}

/* What Redis does without a configuration file. */
static bool apply_default_save_points(struct program *program)
{
    char message[256];
    kv_slice points = KV_TEXT("3600 1 300 100 60 10000");
    if (program->has_save_points) return true;
    const char *error = kvresp_config_set(program->resp, "save", points, true, message);
    return error == NULL || complain(program, error);
}

/* Gives the settings that are not this program's to the modules. */
static bool apply_settings(struct program *program)
{
    char message[256], line[SETTINGS_MESSAGE_SIZE];
    kv_slice directory = KV_TEXT(program->options.directory);
    const char *wrong = kvresp_config_set(program->resp, "dir", directory, true, message);
    if (wrong != NULL) return complain(program, wrong);
    for (size_t i = 0; i < program->settings.count; i++) {
        const struct setting *setting = &program->settings.items[i];
        if (options_has(setting->name)) continue;
        kv_buffer value = {0};
        kv_status status = kvresp_config_get(program->resp, setting->name, &value);
        kv_buffer_free(&value);
        if (status == KV_NONE) {
            snprintf(line, sizeof line, "%.200s: unknown option '%.100s'", setting->origin,
                     setting->name);
            return complain(program, line);
        }
        const char *error = apply_setting(program, setting, message);
        if (error == NULL) continue;
        snprintf(line, sizeof line, "%.150s: '%.60s %.60s': %.200s", setting->origin, setting->name,
                 setting->value, error);
        return complain(program, line);
    }
    return apply_default_save_points(program);
}

/*
 * What this program was given is written by CONFIG REWRITE, whichever room comes to show it: the
 * file alone should start the same server.
 */
static void keep_settings(struct program *program)
{
    for (size_t i = 0; i < program->settings.count; i++)
        kvresp_config_keep(program->resp, program->settings.items[i].name);
}

/* ---------------------------------------------------------------------------------- the process */

static bool enter_directory(struct program *program)
{
    static char path[PATH_MAX];
    char message[PATH_MAX + 64];
    snprintf(message, sizeof message, "cannot work in '%s': ", program->options.directory);
    if (chdir(program->options.directory) != 0 || getcwd(path, sizeof path) == NULL) {
        strncat(message, strerror(errno), sizeof message - strlen(message) - 1);
        return complain(program, message);
    }
    program->options.directory = path; /* absolute, as CONFIG GET dir shows it */
    return true;
}

static bool begin_log(struct program *program)
{
    char message[PATH_MAX + 64];
    atomic_store(&program->log.level, (int)program->options.log_level);
    atomic_store(&program->log.format, (int)program->options.log_format);
    if (log_open(&program->log, program->options.log_file)) return true;
    snprintf(message, sizeof message, "cannot open the log file '%s': %s",
             program->options.log_file, strerror(errno));
    return complain(program, message);
}

/*
 * Goes to the background: the process that was started waits here until its child serves (a byte
 * comes) or ends without, and ends itself with 0 or 1.
 */
static bool leave_foreground(struct program *program)
{
    int ends[2];
    if (pipe(ends) != 0) return complain(program, strerror(errno));
    pid_t child = fork();
    if (child < 0) return complain(program, strerror(errno));
    if (child > 0) {
        char byte;
        close(ends[1]);
        _exit(read(ends[0], &byte, 1) == 1 ? 0 : 1);
    }
    close(ends[0]);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    setsid();
    program->parent = ends[1];
    return true;
}

/* The terminal is let go of only now, so that errors could be seen. */
static void tell_parent(struct program *program)
{
    if (program->parent < 0) return;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int i = 0; i < 3 && null >= 0; i++) dup2(null, i);
    if (null >= 0) close(null);
    ssize_t written = write(program->parent, "", 1);
    (void)written;
    close(program->parent);
    program->parent = -1;
}

/* The limit of open files is this process's own to raise, as far as the system lets it. */
static void raise_file_limit(const struct options *options)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)options->max_clients + DESCRIPTORS_BESIDE_CLIENTS;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
    limit.rlim_cur =
        limit.rlim_max != RLIM_INFINITY && wanted > limit.rlim_max ? limit.rlim_max : wanted;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void write_pid_file(struct program *program)
{
    const char *path = program->options.pid_file;
    if (path[0] == '\0') return;
    FILE *file = fopen(path, "w");
    program->has_pid_file = file != NULL;
    if (file == NULL || fprintf(file, "%d\n", (int)getpid()) < 0)
        log_printf(&program->log, KVRESP_WARNING, "Cannot write the pid file %s: %s", path,
                   strerror(errno));
    if (file != NULL) fclose(file);
}

static void remove_pid_file(struct program *program)
{
    if (program->has_pid_file) unlink(program->options.pid_file);
    program->has_pid_file = false;
}

/* -------------------------------------------------------------------------------------- signals */

static void end_at_once(int signal)
{
    (void)signal;
    static const char message[] = "kvstore-server: a second signal, ending at once\n";
    ssize_t written = write(STDERR_FILENO, message, sizeof message - 1);
    (void)written;
    _exit(1);
}

static sigset_t handled_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    return set;
}

/* All threads are begun with these signals blocked; the main thread takes them with sigwait(). */
static void block_signals(void)
{
    sigset_t set = handled_signals();
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    signal(SIGUSR1, SIG_DFL);
    signal(SIGPIPE, SIG_IGN);
}

static void let_signals_end(void)
{
    sigset_t set = handled_signals();
    struct sigaction action = {.sa_handler = end_at_once};
    /* To ignore them drops those that came along with the first: they are not a second wish. */
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGHUP, SIG_IGN);
    signal(SIGUSR1, SIG_IGN); /* more SHUTDOWNs change nothing */
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* Returns when the server should end. */
static void await_end(struct program *program)
{
    sigset_t set = handled_signals();
    for (;;) {
        int number = 0;
        if (sigwait(&set, &number) != 0) continue;
        if (number == SIGHUP) {
            if (log_reopen(&program->log))
                log_printf(&program->log, KVRESP_NOTICE, "The log file was opened anew");
            else
                log_printf(&program->log, KVRESP_WARNING, "Cannot open the log file: %s",
                           strerror(errno));
            continue;
        }
        if (number == SIGUSR1 && !atomic_load(&program->is_told)) continue; /* not from here */
        log_printf(&program->log, KVRESP_NOTICE, "%s: shutting down",
                   number == SIGUSR1  ? "SHUTDOWN"
                   : number == SIGINT ? "SIGINT"
                                      : "SIGTERM");
        return;
    }
}

/*
 * The SHUTDOWN command, in the thread of a connection, of a loop or of its save. While the
 * append-only file cannot be written, or has no base yet, it would lose what was answered: only
 * NOSAVE or FORCE say that this is meant. The signal is one of its own, as a second SIGTERM would
 * mean haste, and two clients may ask at once.
 */
static bool note_shutdown(void *context, unsigned flags)
{
    struct program *program = context;
    kvresp_aof_status file = {.size = sizeof file};
    kvresp_aof_stat(program->aof, &file);
    bool is_meant = flags & (KVRESP_SHUTDOWN_NOSAVE | KVRESP_SHUTDOWN_FORCE);
    if ((file.error != 0 || file.is_starting) && !is_meant) {
        log_printf(
            &program->log, KVRESP_WARNING,
            "SHUTDOWN is refused: the append-only file %s (%s); SHUTDOWN NOSAVE or FORCE end "
            "the server all the same",
            file.error != 0 ? "cannot be written" : "is not complete",
            file.error != 0 ? strerror(file.error) : "its first base is being written");
        return false;
    }
    atomic_store(&program->is_told, true);
    return pthread_kill(program->main_thread, SIGUSR1) == 0;
}

/* ------------------------------------------------------------------------------------- the data */

/* Processors beside the one that this thread is on, of which some may help to load. */
static unsigned count_helpers(void)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return processors < 2 ? 0 : processors > 8 ? 7 : (unsigned)processors - 1;
}

/*
 * A load may last, and clients are told how far it is. A signal, or SHUTDOWN, ends it and the
 * program, since nothing can be lost yet.
 */
static void look_up_from_loading(void *context, uint64_t loaded, uint64_t total)
{
    struct program *program = context;
    kvresp_loading_progress(program->resp, loaded, total);
    sigset_t pending;
    if (sigpending(&pending) != 0) return;
    bool is_told = atomic_load(&program->is_told);
    if (!is_told && sigismember(&pending, SIGINT) != 1 && sigismember(&pending, SIGTERM) != 1)
        return;
    log_printf(&program->log, KVRESP_NOTICE, "%s ended the loading",
               is_told ? "SHUTDOWN" : "A signal");
    kvnet_metrics_stop(program->metrics);
    kvnet_stop(program->net, LOADING_GRACE_MS);
    remove_pid_file(program);
    _exit(0);
}

/* Names the append-only file, and lets CONFIG set the rest, before there is any. */
static bool name_append_only_file(struct program *program)
{
    const struct options *options = &program->options;
    kvresp_aof_options aof = KV_OPTIONS(kvresp_aof_options);
    if (options->load_until_s > 0 && !options->append_only)
        return complain(program, "aof-load-until is about the append-only file: appendonly yes");
    aof.directory = options->directory;
    aof.directory_name = options->append_directory;
    aof.file_name = options->append_file;
    aof.load_until_s = options->load_until_s;
    aof.log = log_write;
    aof.log_context = &program->log;
    aof.progress = look_up_from_loading;
    aof.progress_context = program;
    aof.progress_bytes = (uint64_t)options->progress_bytes;
    aof.load_delay_us = (uint32_t)options->load_delay_us;
    aof.load_threads = count_helpers();
    aof.off = true;

    char message[256] = "";
    kv_status status = kvresp_aof_open(program->db, &aof, &program->aof, message);
    if (status == KV_OK) status = kvresp_attach_aof(program->resp, program->aof);
    return status == KV_OK || complain(program, *message != '\0' ? message : kv_strerror(status));
}

/* Fills the store while clients are connected already; they are answered that it is loading. */
static bool load_append_only_file(struct program *program)
{
    char message[256];
    kv_status status = kvresp_aof_load(program->aof, message);
    if (status != KV_OK)
        return complain(program, status == KV_BADARG ? message : kv_strerror(status));
    return true;
}

static bool load_rdb_file(struct program *program)
{
    kvresp_load_options options = KV_OPTIONS(kvresp_load_options);
    options.progress = look_up_from_loading;
    options.progress_context = program;
    options.delay_us = (uint32_t)program->options.load_delay_us;
    char message[256];
    kv_status status = kvresp_load(program->resp, &options, message);
    return status == KV_OK || status == KV_NONE ||
           complain(program, status == KV_NOMEM ? kv_strerror(status) : message);
}

static bool load(struct program *program)
{
    bool is_loaded =
        program->options.append_only ? load_append_only_file(program) : load_rdb_file(program);
    if (is_loaded) kvresp_loading_end(program->resp);
    return is_loaded;
}

static bool open_store(struct program *program)
{
    kv_options store = KV_OPTIONS(kv_options);
    store.shards = (uint32_t)program->options.shards;
    store.databases = (uint32_t)program->options.databases;
    kv_status status = kv_open(&store, &program->db);
    if (status == KV_BADARG)
        return complain(program, "the number of shards must be a power of two");
    if (status != KV_OK) return complain(program, kv_strerror(status));

    kvresp_options options = KV_OPTIONS(kvresp_options);
    options.log = log_write;
    options.log_context = &program->log;
    options.shutdown = note_shutdown;
    options.shutdown_context = program;
    options.config_file = program->config_path[0] != '\0' ? program->config_path : NULL;
    options.executable = program->executable;
    status = kvresp_open(program->db, &options, &program->resp);
    if (status != KV_OK) return complain(program, kv_strerror(status));
    program->shown.options = &program->options;
    program->shown.log = &program->log;
    if (!name_append_only_file(program) || !apply_settings(program)) return false;
    options_show(program->resp, &program->shown);
    kvresp_loading_begin(program->resp);
    return true;
}

static bool start_net(struct program *program)
{
    struct words words = {0};
    const char *addresses[OPTIONS_ADDRESSES_MAX];
    kvnet_options options = options_for_net(&program->options, &words, addresses);
    char message[256];
    kv_status status = kvnet_start(program->resp, &options, &program->net, message);
    quoting_free(&words);
    keep_settings(program);
    if (status == KV_OK) return true;
    char line[320];
    snprintf(line, sizeof line, "cannot listen: %s",
             message[0] != '\0' ? message : kv_strerror(status));
    return complain(program, line);
}

static bool start_metrics(struct program *program)
{
    const struct options *options = &program->options;
    if (options->metrics_port == 0) return true;
    kvnet_metrics_options metrics = KV_OPTIONS(kvnet_metrics_options);
    metrics.bind = options->metrics_bind;
    metrics.port = (int)options->metrics_port;
    metrics.prefix = options->metrics_prefix;
    char message[256], line[320];
    kv_status status = kvnet_metrics_start(program->resp, &metrics, &program->metrics, message);
    if (status == KV_OK) {
        log_printf(&program->log, KVRESP_NOTICE, "Metrics at http://%s:%d/metrics", metrics.bind,
                   metrics.port);
        return true;
    }
    snprintf(line, sizeof line, "cannot serve metrics: %s",
             message[0] != '\0' ? message : kv_strerror(status));
    return complain(program, line);
}

static uint64_t count_keys(struct program *program)
{
    kv_statistics statistics = {.size = sizeof statistics};
    return kv_stats(program->db, &statistics) == KV_OK ? statistics.keys : 0;
}

static bool start(struct program *program)
{
    if (!enter_directory(program) || !begin_log(program)) return false;
    if (program->options.daemonize && !leave_foreground(program)) return false;
    raise_file_limit(&program->options);
    block_signals();
    /* Mistakes in the settings, or a port in use, should not wait for the data to be loaded. */
    if (!open_store(program) || !start_metrics(program) || !start_net(program)) return false;
    write_pid_file(program);
    char addresses[1024] = "";
    kvnet_addresses(program->net, addresses, sizeof addresses);
    if (program->options.append_only)
        log_printf(&program->log, KVRESP_NOTICE, "Loading, and listening on %s", addresses);
    if (!load(program)) return false;

    log_printf(&program->log, KVRESP_NOTICE,
               "kvstore %s: Ready to accept connections on %s (pid %d, %" PRIu64 " keys loaded)",
               kv_version(), addresses, (int)getpid(), count_keys(program));
    tell_parent(program);
    return true;
}

/* Ends whatever was begun, in reverse order. False if not everything could be saved. */
static bool end(struct program *program)
{
    bool is_saved = true;
    remove_pid_file(program);
    kvnet_metrics_stop(program->metrics);
    kvnet_stop(program->net, GRACE_MS);
    if (program->resp != NULL) kvresp_close(program->resp);
    if (program->aof != NULL) is_saved = kvresp_aof_close(program->aof) == KV_OK;
    kv_close(program->db);
    settings_free(&program->settings);
    return is_saved;
}

/*
 * Returns when the server should end, replicas were waited for and what is to be saved is saved.
 * SHUTDOWN has seen to it.
 */
static void await_saved_end(struct program *program)
{
    char message[256];
    for (;;) {
        await_end(program);
        let_signals_end();
        if (atomic_load(&program->is_told)) return;
        if (kvresp_shutdown(program->resp, 0, message) == KV_OK) return;
        block_signals();
        log_printf(&program->log, KVRESP_WARNING,
                   "The signal is ignored: %s. SHUTDOWN NOSAVE NOW ends the server all the same",
                   message);
    }
}

static bool serve(struct program *program)
{
    await_saved_end(program);
    struct log *log = &program->log;
    bool is_saved = end(program);
    if (is_saved) log_printf(log, KVRESP_NOTICE, "All is done, the end");
    else log_printf(log, KVRESP_WARNING, "The append-only file could not be written in full");
    return is_saved;
}

int main(int argc, char **argv)
{
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        fputs(usage, stdout);
        return 0;
    }
    if (argc == 2 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-v") == 0)) {
        printf("kvstore-server %s\n", kv_version());
        return 0;
    }
    static struct program program = {.log = {.descriptor = STDOUT_FILENO, .path = ""},
                                     .parent = -1};
    program.main_thread = pthread_self();
    if (realpath(argv[0], program.executable) == NULL)
        snprintf(program.executable, PATH_MAX, "%s", argv[0]);

    if (!read_settings(&program, argc, argv)) return 1;
    if (start(&program)) return serve(&program) ? 0 : 1;
    end(&program);
    return 1;
}
