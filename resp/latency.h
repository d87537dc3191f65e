/*
 * resp/latency.h -- the latency monitor: events that took long, by name, the last 160 of each.
 *
 * An event is what may keep clients waiting: "command", "fast-command" (those that should not
 * depend on the size of anything), "expire-cycle", and the work of the thread that writes the
 * append-only file (aof_attach.c has their names). It is noted when it took at least
 * latency-monitor-threshold milliseconds; of several in one second the longest is kept, so that the
 * samples of a bad minute do not push out those of the hour before.
 */
#ifndef KV_RESP_LATENCY_H
#define KV_RESP_LATENCY_H

#include "kvstore.h"

#include <pthread.h>

enum { LATENCY_SAMPLES = 160, LATENCY_EVENTS_MAX = 16 };

struct latency_sample {
    int64_t time_s;
    uint64_t ms;
};

struct latency_event {
    const char *name; /* a constant */
    uint64_t worst_ms;
    size_t count;                                   /* of samples */
    struct latency_sample samples[LATENCY_SAMPLES]; /* the oldest first */
};

struct latency {
    pthread_mutex_t lock;
    struct latency_event *events[LATENCY_EVENTS_MAX]; /* in the order in which they came */
    size_t count;
};

kv_status latency_open(struct latency *latency);
void latency_close(struct latency *latency);

/* Notes an event, whose name is a constant. A failed allocation loses it. */
void latency_note(struct latency *latency, const char *name, int64_t time_s, uint64_t ms);

/* Shows all events, or the one of this name; under the lock. Returns how many there were. */
typedef void latency_visit(void *context, const struct latency_event *event);
size_t latency_read(struct latency *latency, const kv_slice *name,
                    void (*begin)(void *context, size_t count), latency_visit *visit,
                    void *context);

/* Forgets all events, or the one of this name; returns how many. */
size_t latency_reset(struct latency *latency, const kv_slice *name);

#endif
