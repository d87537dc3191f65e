/*
 * 03-job-queue.c -- jobs from some threads to others, through lists with blocking pops.
 *
 *     producers --> "jobs:urgent", "jobs" --> workers --> "done"
 *
 * A worker sleeps in kv_blpop() until there is a job in one of its lists; the first list named is
 * served first. Workers that wait are served in the order they came. kv_blmove() could keep a copy
 * in a list of the worker until the job is done, so that a crash loses none. An empty job tells a
 * worker to stop.
 */
#include "kvstore.h"

#include <pthread.h>
#include <stdio.h>

enum { PRODUCERS = 2, WORKERS = 3, JOBS = 5000 };

static kv *db;

static void push(const char *list, const char *text)
{
    kv_slice value = KV_TEXT(text);
    kv_rpush(db, KV_TEXT(list), &value, 1, NULL);
}

static void *produce(void *context)
{
    int first = *(int *)context;
    for (int i = first; i < JOBS; i += PRODUCERS) {
        char job[32];
        snprintf(job, sizeof job, "%d", i);
        push(i % 10 == 0 ? "jobs:urgent" : "jobs", job);
    }
    return NULL;
}

static void *work(void *context)
{
    int *finished = context;
    kv_slice lists[] = {KV_TEXT("jobs:urgent"), KV_TEXT("jobs")};
    kv_buffer job = {0};
    for (;;) {
        size_t index; /* which of the lists it came from */
        if (kv_blpop(db, lists, 2, 0, &index, &job) != KV_OK || job.size == 0) break;
        kv_incrby(db, KV_TEXT("done"), 1, NULL);
        if (index == 0) kv_incrby(db, KV_TEXT("done:urgent"), 1, NULL);
        ++*finished;
    }
    kv_buffer_free(&job);
    return NULL;
}

int main(void)
{
    if (kv_open(NULL, &db) != KV_OK) return 1;
    pthread_t producers[PRODUCERS], workers[WORKERS];
    int firsts[PRODUCERS], finished[WORKERS] = {0};

    /* The workers come first: they wait for what is not there yet. */
    for (int i = 0; i < WORKERS; i++) pthread_create(&workers[i], NULL, work, &finished[i]);
    for (int i = 0; i < PRODUCERS; i++) {
        firsts[i] = i;
        pthread_create(&producers[i], NULL, produce, &firsts[i]);
    }
    for (int i = 0; i < PRODUCERS; i++) pthread_join(producers[i], NULL);
    for (int i = 0; i < WORKERS; i++) push("jobs", "");
    for (int i = 0; i < WORKERS; i++) pthread_join(workers[i], NULL);

    int64_t done = 0, urgent = 0;
    kv_incrby(db, KV_TEXT("done"), 0, &done);
    kv_incrby(db, KV_TEXT("done:urgent"), 0, &urgent);
    printf("%d jobs done, %d of them urgent; by worker:", (int)done, (int)urgent);
    for (int i = 0; i < WORKERS; i++) printf(" %d", finished[i]);
    printf("\n");

    /* With a timeout it gives up: nobody pushes any more. */
    kv_slice list = KV_TEXT("jobs");
    kv_buffer job = {0};
    kv_status status = kv_blpop(db, &list, 1, 50, NULL, &job);
    printf("another job: %s\n", kv_strerror(status));
    kv_buffer_free(&job);
    kv_close(db);
    return done == JOBS && urgent == JOBS / 10 && status == KV_TIMEOUT ? 0 : 1;
}
