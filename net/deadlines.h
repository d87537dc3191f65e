/*
 * net/deadlines.h -- connections that must be run at some instant: a binary heap, earliest first.
 *
 * Most connections have no deadline; those in blocked commands do. Each knows its place in the
 * heap, so that moving or removing it is O(log n) as well.
 */
#ifndef KV_NET_DEADLINES_H
#define KV_NET_DEADLINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct deadline {
    int64_t at_ms;
    size_t place; /* 1 and up in the heap; 0: not in it. Starts as 0 */
};

struct deadlines {
    struct deadline *
        *items; /* items[1] is the earliest; items[i] is not later than items[2i], items[2i + 1] */
    size_t count, capacity;
};

/* Puts a deadline in, or moves it. False if memory is exhausted (then it is not in). */
bool deadlines_set(struct deadlines *heap, struct deadline *deadline, int64_t at_ms);
void deadlines_remove(struct deadlines *heap, struct deadline *deadline);

/* The earliest, or NULL. */
struct deadline *deadlines_first(const struct deadlines *heap);

void deadlines_free(struct deadlines *heap);

#endif
