/*
 * kvstore-server/log.h -- the log: a line for each event, with its time, to a file or standard
 * output.
 *
 *     text     2026-01-02T03:04:05.678Z 4711 notice: Ready to accept connections...
 *     logfmt   time=2026-01-02T03:04:05.678Z pid=4711 level=notice msg="Ready to accept..."
 *     json     {"time":"2026-01-02T03:04:05.678Z","pid":4711,"level":"notice","message":"Ready..."}
 *
 * A line is one write, so that lines of several threads do not mix. Levels and format may change
 * while it runs.
 */
#ifndef KVSTORE_SERVER_LOG_H
#define KVSTORE_SERVER_LOG_H

#include "kvresp.h"

#include <stdatomic.h>

enum log_format { LOG_TEXT, LOG_LOGFMT, LOG_JSON };
enum { LOG_NOTHING = KVRESP_WARNING + 1 }; /* a level above all */

struct log {
    int descriptor;
    const char *path; /* "": standard output */
    atomic_int level;
    atomic_int format;
};

/*
 * Begins to write to `path`; false, with errno, if it cannot be opened. Till then the log goes to
 * standard output.
 */
bool log_open(struct log *log, const char *path);

/* Opens the file anew, as after it was renamed. */
bool log_reopen(struct log *log);

/* A kvresp_log; `context` is the struct log. */
void log_write(void *context, kvresp_level level, const char *message);

void log_printf(struct log *log, kvresp_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
