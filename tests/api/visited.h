/*
 * tests/api/visited.h -- what visitors were shown since the last time, as text: those of a program
 * write it down with visited_add(), and ck_assert_visited() looks at it.
 */
#ifndef KV_TESTS_API_VISITED_H
#define KV_TESTS_API_VISITED_H

#include "fixture.h"

#include <stdarg.h>
#include <string.h>

static char visited[4000];

static inline void visited_add(const char *format, ...)
{
    size_t size = strlen(visited), room = sizeof visited - size;
    va_list arguments;
    va_start(arguments, format);
    int added = vsnprintf(visited + size, room, format, arguments);
    va_end(arguments);
    MUST(added >= 0 && (size_t)added < room);
}

/* What stands before all but the first. */
static inline const char *visited_gap(void)
{
    return visited[0] != 0 ? " " : "";
}

/* Bytes, with what goes before them. */
static inline void visited_add_item(const char *before, kv_slice item)
{
    visited_add("%s%.*s", before, (int)item.size, item.size > 0 ? (const char *)item.data : "");
}

/* A kv_range_begin. */
static inline void visited_add_count(void *context, uint64_t count)
{
    (void)context;
    visited_add("%llu:", (unsigned long long)count);
}

/* Asserts what visitors were shown since the last time. */
#define ck_assert_visited(text)          \
    do {                                 \
        ck_assert_str_eq(visited, text); \
        visited[0] = 0;                  \
    } while (0)

#endif
