/*
 * kvstore-server/log.c -- the log: a line for each event, with its time, to a file or standard
 * output.
 */
#include "kvstore-server/log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LOG_MESSAGE_SIZE = 1024, LOG_LINE_SIZE = 6 * LOG_MESSAGE_SIZE + 256 };

static const char *const level_names[] = {"debug", "verbose", "notice", "warning"};

bool log_open(struct log *log, const char *path)
{
    if (path[0] != '\0') {
        int descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (descriptor < 0) return false;
        log->descriptor = descriptor;
    }
    log->path = path;
    return true;
}

/* The number stays the same, so that threads that write meanwhile write to either file. */
bool log_reopen(struct log *log)
{
    if (log->path[0] == '\0') return true;
    int descriptor = open(log->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (descriptor < 0) return false;
    bool is_moved = dup2(descriptor, log->descriptor) >= 0;
    close(descriptor);
    return is_moved;
}

static void format_time(char *text, size_t size)
{
    struct timespec now;
    struct tm utc;
    char seconds[32];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text, size, "%s.%03dZ", seconds, (int)(now.tv_nsec / 1000000));
}

/*
 * Copies a message with what a JSON string must escape escaped; logfmt values take the same form.
 */
static void escape(char *to, size_t size, const char *message)
{
    char *end = to + size - 7; /* room for the longest escape and the terminator */
    for (; *message != '\0' && to < end; message++) {
        unsigned char c = (unsigned char)*message;
        if (c == '"' || c == '\\') to += sprintf(to, "\\%c", c);
        else if (c < 0x20) to += sprintf(to, "\\u%04x", c);
        else *to++ = (char)c;
    }
    *to = '\0';
}

void log_write(void *context, kvresp_level level, const char *message)
{
    struct log *log = context;
    if ((int)level < atomic_load_explicit(&log->level, memory_order_relaxed)) return;
    int format = atomic_load_explicit(&log->format, memory_order_relaxed);
    char now[64], line[LOG_LINE_SIZE], escaped[6 * LOG_MESSAGE_SIZE];
    format_time(now, sizeof now);
    if (format != LOG_TEXT) escape(escaped, sizeof escaped, message);

    int size, pid = (int)getpid();
    if (format == LOG_JSON)
        size = snprintf(line, sizeof line,
                        "{\"time\":\"%s\",\"pid\":%d,\"level\":\"%s\",\"message\":\"%s\"}\n", now,
                        pid, level_names[level], escaped);
    else if (format == LOG_LOGFMT)
        size = snprintf(line, sizeof line, "time=%s pid=%d level=%s msg=\"%s\"\n", now, pid,
                        level_names[level], escaped);
    else
        size = snprintf(line, sizeof line, "%s %d %s: %.*s\n", now, pid, level_names[level],
                        4 * LOG_MESSAGE_SIZE, message);
    /* A log that cannot be written must not stop the server. */
    ssize_t written = write(log->descriptor, line, (size_t)size);
    (void)written;
}

void log_printf(struct log *log, kvresp_level level, const char *format, ...)
{
    char message[LOG_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    log_write(log, level, message);
}
