/*
 * 11-event-stream.c -- sensors write into a stream, a group of workers shares the readings out.
 *
 *     sensors --kv_xadd--> "readings" --kv_xreadgroup--> workers --kv_xack--> done
 *                              |              |
 *                         last 10000      pending --kv_xautoclaim--> another worker
 *
 * Each reading goes to one worker of the group, and stays pending until that one acknowledges it.
 * A worker that dies leaves its readings pending: who claims them finds out by how long they have
 * been idle. The stream is trimmed as it grows; other readers may read it from any id on.
 */
#include "kvstore.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

enum { SENSORS = 2, WORKERS = 2, READINGS = 2000, BATCH = 16 };

#define STREAM KV_TEXT("readings")
#define GROUP  KV_TEXT("workers")

static kv *db;

static void *sense(void *context)
{
    int sensor = *(int *)context;
    kv_stream_trim trim = KV_OPTIONS(kv_stream_trim);
    kv_xadd_options options = KV_OPTIONS(kv_xadd_options);
    trim.length = 10000;
    trim.approximately = true;
    options.trim = &trim;
    for (int i = 0; i < READINGS; i++) {
        char name[16], value[16];
        snprintf(name, sizeof name, "%d", sensor);
        snprintf(value, sizeof value, "%d.%d", 20 + i % 5, i % 10);
        kv_slice pairs[] = {KV_TEXT("sensor"), KV_TEXT(name), KV_TEXT("celsius"), KV_TEXT(value)};
        kv_xadd(db, STREAM, pairs, 2, &options, NULL);
    }
    return NULL;
}

/* What a worker has been given and will acknowledge. */
struct batch {
    kv_stream_id ids[BATCH];
    size_t count;
    bool is_last; /* an entry without a sensor tells a worker to stop */
};

/*
 * Called under the lock of the stream, perhaps by the thread that adds a reading: it notes down
 * what the worker will need and does nothing that takes long.
 */
static bool receive(void *context, kv_stream_entry *entry)
{
    struct batch *batch = context;
    kv_slice field, value;
    if (entry->is_deleted) return true;
    batch->ids[batch->count++] = entry->id;
    while (kv_stream_entry_next(entry, &field, &value))
        if (field.size == 4) batch->is_last = true; /* "stop" */
    return true;
}

struct worker {
    const char *name;
    int done;
};

/* Tells one worker to stop, who tells the next one. */
static void stop_a_worker(void)
{
    kv_slice stop[] = {KV_TEXT("stop"), KV_TEXT("")};
    kv_xadd(db, STREAM, stop, 1, NULL, NULL);
}

static void *work(void *context)
{
    struct worker *worker = context;
    kv_stream_from from = {.key = STREAM, .only_new = true};
    kv_xread_options options = KV_OPTIONS(kv_xread_options);
    options.count = BATCH;
    options.wait = true;
    for (;;) {
        struct batch batch = {.count = 0};
        kv_status status = kv_xreadgroup(db, GROUP, KV_TEXT(worker->name), &from, 1, &options, NULL,
                                         receive, &batch, NULL);
        if (status != KV_OK) return NULL;
        kv_xack(db, STREAM, GROUP, batch.ids, batch.count, NULL);
        worker->done += (int)batch.count;
        if (!batch.is_last) continue;
        worker->done--;
        stop_a_worker();
        return NULL;
    }
}

/* Takes over what the dead have left behind. */
static int recover(struct worker *worker)
{
    kv_xclaim_options options = KV_OPTIONS(kv_xclaim_options);
    int recovered = 0;
    options.count = BATCH; /* min_idle_ms would spare those who are only slow */
    do {
        struct batch batch = {.count = 0};
        if (kv_xautoclaim(db, STREAM, GROUP, KV_TEXT(worker->name), &options, receive, &batch,
                          &options.start) != KV_OK)
            return -1;
        if (batch.count > 0) kv_xack(db, STREAM, GROUP, batch.ids, batch.count, NULL);
        recovered += (int)batch.count;
    } while (options.start.ms != 0);
    return recovered;
}

static bool print_group(void *context, const kv_group_info *group)
{
    (void)context;
    printf("group %.*s: %llu consumers, %llu entries pending\n", (int)group->name.size,
           (const char *)group->name.data, (unsigned long long)group->consumers,
           (unsigned long long)group->pending);
    return true;
}

int main(void)
{
    if (kv_open(NULL, &db) != KV_OK) return 1;
    kv_xgroup_options create = KV_OPTIONS(kv_xgroup_options);
    create.create_stream = true;
    if (kv_xgroup_create(db, STREAM, GROUP, &create) != KV_OK) return 1;

    /* Ben takes the first readings, and is never heard of again. */
    int first = 1;
    struct batch lost = {.count = 0};
    kv_stream_from from = {.key = STREAM, .only_new = true};
    sense(&first);
    kv_xread_options few = KV_OPTIONS(kv_xread_options);
    few.count = BATCH;
    kv_xreadgroup(db, GROUP, KV_TEXT("ben"), &from, 1, &few, NULL, receive, &lost, NULL);

    struct worker workers[WORKERS] = {{.name = "ann"}, {.name = "cid"}};
    pthread_t sensing[SENSORS], working[WORKERS];
    int sensors[SENSORS];
    for (int i = 0; i < WORKERS; i++) pthread_create(&working[i], NULL, work, &workers[i]);
    for (int i = 0; i < SENSORS; i++) {
        sensors[i] = i + 2;
        pthread_create(&sensing[i], NULL, sense, &sensors[i]);
    }
    for (int i = 0; i < SENSORS; i++) pthread_join(sensing[i], NULL);
    stop_a_worker();
    for (int i = 0; i < WORKERS; i++) pthread_join(working[i], NULL);

    int recovered = recover(&workers[0]);
    int done = workers[0].done + workers[1].done + recovered;
    printf("%d readings done, %d of them after ben\n", done, recovered);
    kv_xinfo_groups(db, STREAM, print_group, NULL);
    kv_close(db);
    return done == (1 + SENSORS) * READINGS && recovered == BATCH ? 0 : 1;
}
