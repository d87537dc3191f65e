#include "resp/aof_sink.h"

#include <stdarg.h>
#include <stdio.h>

void aof_logf(const struct aof_log *log, kvresp_level level, const char *format, ...)
{
    if (log->write == NULL) return;
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    log->write(log->context, level, line);
}

kv_status aof_refuse(char message[AOF_MESSAGE_SIZE], const char *path, uint64_t offset,
                     const char *format, ...)
{
    char text[AOF_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);

    /* What is wrong must not be lost to a long path: of that the end says more than the start. */
    enum { PATH_SHOWN = 80 };
    size_t size = strlen(path);
    const char *dots = size > PATH_SHOWN ? "..." : "";
    if (size > PATH_SHOWN) path += size - PATH_SHOWN;
    snprintf(message, AOF_MESSAGE_SIZE, "%s%s, offset %llu: %.140s", dots, path,
             (unsigned long long)offset, text);
    return KV_BADARG;
}
