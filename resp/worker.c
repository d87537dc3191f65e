/*
 * resp/worker.c -- what one thread needs to run commands: open, close, the turn of its loop.
 */
#include "resp/worker.h"

#include <stdlib.h>

kv_status kvresp_worker_open(kvresp *resp, kvresp_worker **worker)
{
    if (resp == NULL || worker == NULL) return KV_BADARG;
    kvresp_worker *opened = calloc(1, sizeof *opened);
    if (opened == NULL) return KV_NOMEM;
    opened->resp = resp;
    unsigned number = atomic_fetch_add(&resp->next_worker, 1);
    opened->slot = number % POOL_SLOTS;
    opened->round = ((uint64_t)number << 40) + 1;
    opened->arguments = malloc(WORKER_ARGUMENTS * sizeof *opened->arguments);
    opened->argument_capacity = WORKER_ARGUMENTS;
    kv_status status = opened->arguments != NULL
                           ? statistics_join(&resp->statistics, &opened->counters)
                           : KV_NOMEM;
    if (status == KV_OK) {
        status = kv_view_open(resp->store, &opened->view);
        if (status != KV_OK) statistics_leave(&resp->statistics, &opened->counters);
    }
    if (status != KV_OK) {
        free(opened->arguments);
        free(opened);
        return status;
    }
    *worker = opened;
    return KV_OK;
}

void kvresp_worker_close(kvresp_worker *worker)
{
    if (worker == NULL) return;
    statistics_leave(&worker->resp->statistics, &worker->counters);
    kv_view_close(worker->view);
    kv_buffer_free(&worker->value);
    kv_buffer_free(&worker->text);
    free(worker->arguments);
    free(worker);
}

/* Gives back what one request of many arguments needed. */
static void worker_shrink(kvresp_worker *worker)
{
    kv_slice *arguments = realloc(worker->arguments, WORKER_ARGUMENTS * sizeof *arguments);
    if (arguments == NULL) return;
    worker->round++;
    worker->arguments = arguments;
    worker->argument_capacity = WORKER_ARGUMENTS;
}

void kvresp_worker_turn(kvresp_worker *worker)
{
    kv_view_refresh(worker->view);
    if (worker->argument_capacity > WORKER_ARGUMENTS) worker_shrink(worker);
    worker->turn_began = statistics_clock();
}

void kvresp_worker_rest(kvresp_worker *worker)
{
    if (worker->turn_began == 0) return;
    counter_add(&worker->counters.turns, 1);
    counter_add(&worker->counters.busy_ns, statistics_clock() - worker->turn_began);
    worker->turn_began = 0;
}
