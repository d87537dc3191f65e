/*
 * resp/latency.c -- the latency monitor.
 */
#include "resp/latency.h"

#include "resp/text.h"

#include <stdlib.h>

kv_status latency_open(struct latency *latency)
{
    *latency = (struct latency){.count = 0};
    return pthread_mutex_init(&latency->lock, NULL) == 0 ? KV_OK : KV_NOMEM;
}

void latency_close(struct latency *latency)
{
    for (size_t i = 0; i < latency->count; i++) free(latency->events[i]);
    pthread_mutex_destroy(&latency->lock);
}

/* The event of this name, made if it is new; NULL without memory. */
static struct latency_event *latency_event_of(struct latency *latency, const char *name)
{
    for (size_t i = 0; i < latency->count; i++)
        if (strcmp(latency->events[i]->name, name) == 0) return latency->events[i];
    if (latency->count == LATENCY_EVENTS_MAX) return NULL;
    struct latency_event *event = calloc(1, sizeof *event);
    if (event == NULL) return NULL;
    event->name = name;
    latency->events[latency->count++] = event;
    return event;
}

static void latency_add_sample(struct latency_event *event, int64_t time_s, uint64_t ms)
{
    if (ms > event->worst_ms) event->worst_ms = ms;
    struct latency_sample *samples = event->samples;
    if (event->count > 0 && samples[event->count - 1].time_s == time_s) {
        if (ms > samples[event->count - 1].ms) samples[event->count - 1].ms = ms;
        return;
    }
    if (event->count == LATENCY_SAMPLES)
        memmove(samples, samples + 1, --event->count * sizeof *samples);
    samples[event->count++] = (struct latency_sample){time_s, ms};
}

void latency_note(struct latency *latency, const char *name, int64_t time_s, uint64_t ms)
{
    pthread_mutex_lock(&latency->lock);
    struct latency_event *event = latency_event_of(latency, name);
    if (event != NULL) latency_add_sample(event, time_s, ms);
    pthread_mutex_unlock(&latency->lock);
}

static bool latency_is_meant(const struct latency_event *event, const kv_slice *name)
{
    return name == NULL || text_equal(*name, kv_text(event->name));
}

size_t latency_read(struct latency *latency, const kv_slice *name,
                    void (*begin)(void *context, size_t count), latency_visit *visit, void *context)
{
    size_t count = 0;
    pthread_mutex_lock(&latency->lock);
    for (size_t i = 0; i < latency->count; i++) count += latency_is_meant(latency->events[i], name);
    if (begin != NULL) begin(context, count);
    for (size_t i = 0; i < latency->count; i++)
        if (latency_is_meant(latency->events[i], name)) visit(context, latency->events[i]);
    pthread_mutex_unlock(&latency->lock);
    return count;
}

size_t latency_reset(struct latency *latency, const kv_slice *name)
{
    size_t kept = 0;
    pthread_mutex_lock(&latency->lock);
    size_t before = latency->count;
    for (size_t i = 0; i < before; i++) {
        if (latency_is_meant(latency->events[i], name)) free(latency->events[i]);
        else latency->events[kept++] = latency->events[i];
    }
    latency->count = kept;
    pthread_mutex_unlock(&latency->lock);
    return before - kept;
}
