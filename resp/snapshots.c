#include "resp/snapshots.h"

#include "resp/shared.h"

#include <sched.h>
#include <signal.h>
#include <time.h>

enum {
    SNAPSHOTS_STEP_US = 1000, /* between two looks at whether it was cancelled */
    SNAPSHOTS_BUSY_MS = 10    /* between two looks at whether the host's own has ended */
};

enum { JOB_IDLE, JOB_IN_LINE };

/* ------------------------------------------------------------------------------------- the line */

static void snapshots_append(struct snapshots *snapshots, kvresp_snapshot_job *job)
{
    job->next = NULL;
    job->state = JOB_IN_LINE;
    if (snapshots->last != NULL) snapshots->last->next = job;
    else snapshots->first = job;
    snapshots->last = job;
}

static void snapshots_remove(struct snapshots *snapshots, kvresp_snapshot_job *job)
{
    kvresp_snapshot_job **link = &snapshots->first, *before = NULL;
    while (*link != job) before = *link, link = &(*link)->next;
    *link = job->next;
    if (snapshots->last == job) snapshots->last = before;
    job->state = JOB_IDLE;
}

static bool snapshots_has(const struct snapshots *snapshots, const kvresp_snapshot_job *job)
{
    const kvresp_snapshot_job *at = snapshots->first;
    while (at != NULL && at != job) at = at->next;
    return at != NULL;
}

/* A job that is out of line, while its owner is being told: by the thread that has this. */
struct snapshots_ending {
    struct snapshots_ending *next;
    const kvresp_snapshot_job *job;
};

/* Whether the job is in line, or its owner is not told of its end yet. */
static bool snapshots_know(const struct snapshots *snapshots, const kvresp_snapshot_job *job)
{
    const struct snapshots_ending *ending = snapshots->endings;
    while (ending != NULL && ending->job != job) ending = ending->next;
    return ending != NULL || snapshots_has(snapshots, job);
}

/*
 * Takes a job out of line and tells its owner, who may submit it again or free it. Lets go of the
 * lock meanwhile.
 */
static void snapshots_finish(struct snapshots *snapshots, kvresp_snapshot_job *job,
                             kv_status status)
{
    snapshots_remove(snapshots, job);
    struct snapshots_ending ending = {snapshots->endings, job}, **link = &snapshots->endings;
    snapshots->endings = &ending;
    void (*done)(void *context, kv_status status) = job->done;
    void *context = job->context;
    pthread_mutex_unlock(&snapshots->lock);
    if (done != NULL) done(context, status);
    pthread_mutex_lock(&snapshots->lock);
    while (*link != &ending) link = &(*link)->next;
    *link = ending.next;
    pthread_cond_broadcast(&snapshots->changed);
}

/* ------------------------------------------------------------------------------------- one step */

/* Without the lock. KV_MORE once it is begun. */
static kv_status snapshots_begin(struct snapshots *snapshots, kvresp_snapshot_job *job)
{
    kv_status status = KV_OK;
    if (job->begin != NULL && !snapshots->is_begun)
        status = job->begin(job->context, &job->options);
    if (status != KV_OK) return status;
    kv_snapshot_options options = job->options;
    options.tells_idle |= snapshots->resp->settings.tells_idle;
    status = kv_snapshot_begin(snapshots->resp->store, &options, job->write, job->context,
                               &snapshots->snapshot);
    return status == KV_OK ? KV_MORE : status;
}

static kv_status snapshots_advance(struct snapshots *snapshots, kvresp_snapshot_job *job,
                                   int64_t budget_us, kv_snapshot_progress *progress)
{
    if (snapshots->snapshot == NULL) return snapshots_begin(snapshots, job);
    kv_status status = kv_snapshot_step(snapshots->snapshot, budget_us);
    kv_snapshot_stats(snapshots->snapshot, progress);
    return status;
}

/* Waits until something changes, `us` at most. */
static void snapshots_nap(struct snapshots *snapshots, int64_t us)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    int64_t ns = until.tv_nsec + us % 1000000 * 1000;
    until.tv_sec += (time_t)(us / 1000000 + ns / 1000000000);
    until.tv_nsec = (long)(ns % 1000000000);
    pthread_cond_timedwait(&snapshots->changed, &snapshots->lock, &until);
}

/*
 * rdb-key-save-delay: the rest that is due after so many keys. For tests of what comes while a
 * snapshot is taken, so a cancellation ends it.
 */
static void snapshots_rest(struct snapshots *snapshots, uint64_t keys)
{
    int64_t delay_us = atomic_load(&snapshots->key_delay_us);
    if (delay_us == 0 || keys == 0) return;
    int64_t left_us = delay_us >= 0 ? (int64_t)keys * delay_us : (int64_t)keys / -delay_us;
    while (left_us > 0 && !snapshots->is_cancelled && atomic_load(&snapshots->key_delay_us) != 0) {
        int64_t nap_us = left_us < SNAPSHOTS_BUSY_MS * 1000 ? left_us : SNAPSHOTS_BUSY_MS * 1000;
        snapshots_nap(snapshots, nap_us);
        left_us -= nap_us;
    }
}

/* Lets go of the lock meanwhile, as it needs the shards, and who holds those may need the lock. */
static void snapshots_end(struct snapshots *snapshots)
{
    kv_snapshot *snapshot = snapshots->snapshot;
    snapshots->snapshot = NULL;
    pthread_mutex_unlock(&snapshots->lock);
    if (snapshot != NULL) kv_snapshot_end(snapshot);
    pthread_mutex_lock(&snapshots->lock);
}

/*
 * Takes the first job a step further, under the lock but for the step itself. Returns KV_MORE; its
 * end, which was told; KV_BUSY if a snapshot of the host's own is in the way, or the job cannot go
 * on yet.
 */
static kv_status snapshots_step(struct snapshots *snapshots, int64_t budget_us)
{
    kvresp_snapshot_job *job = snapshots->first;
    if (job->is_ready != NULL && !snapshots->is_cancelled && !job->is_ready(job->context))
        return KV_BUSY;
    kv_status status = KV_CANCELLED;
    kv_snapshot_progress progress = snapshots->progress;
    snapshots->is_stepped = true;
    if (!snapshots->is_cancelled) {
        pthread_mutex_unlock(&snapshots->lock);
        status = snapshots_advance(snapshots, job, budget_us, &progress);
        pthread_mutex_lock(&snapshots->lock);
        snapshots->is_begun = true;
        uint64_t keys = progress.keys - snapshots->progress.keys;
        snapshots->progress = progress;
        if (snapshots->has_thread) snapshots_rest(snapshots, keys);
        if (snapshots->is_cancelled && status == KV_OK) status = KV_CANCELLED;
    }
    if (status != KV_MORE && status != KV_BUSY) {
        snapshots_end(snapshots);
        snapshots->is_cancelled = snapshots->is_begun = false;
        job->progress = progress;
        snapshots->progress = (kv_snapshot_progress){.size = sizeof progress};
        snapshots_finish(snapshots, job, status);
    }
    snapshots->is_stepped = false;
    return status;
}

/* ----------------------------------------------------------------------------------- the thread */

/*
 * Whoever waits for the processor gets it now, between two steps, and not when it is taken from this
 * thread, with a shard in its hands maybe.
 */
static void snapshots_give_way(struct snapshots *snapshots)
{
    pthread_mutex_unlock(&snapshots->lock);
    sched_yield();
    pthread_mutex_lock(&snapshots->lock);
}

static void *snapshots_run(void *context)
{
    struct snapshots *snapshots = context;
    pthread_mutex_lock(&snapshots->lock);
    while (snapshots->first != NULL) {
        bool is_slow = atomic_load(&snapshots->key_delay_us) != 0;
        kv_status status = snapshots_step(snapshots, is_slow ? 1 : SNAPSHOTS_STEP_US);
        if (status == KV_BUSY) snapshots_nap(snapshots, SNAPSHOTS_BUSY_MS * 1000);
        if (status == KV_MORE) snapshots_give_way(snapshots);
    }
    snapshots->has_thread = false;
    pthread_cond_broadcast(&snapshots->changed);
    pthread_mutex_unlock(&snapshots->lock);
    return NULL;
}

/* Under the lock: a thread that is no longer had needs it no more. */
static void snapshots_join(struct snapshots *snapshots)
{
    if (snapshots->is_joinable) pthread_join(snapshots->thread, NULL);
    snapshots->is_joinable = false;
}

/* The thread takes no signals: they are for the host's threads. */
static kv_status snapshots_need_thread(struct snapshots *snapshots)
{
    if (snapshots->has_thread || snapshots->needs_no_thread) return KV_OK;
    snapshots_join(snapshots);
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int error = pthread_create(&snapshots->thread, NULL, snapshots_run, snapshots);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (error != 0) return KV_NOMEM;
    snapshots->has_thread = snapshots->is_joinable = true;
    return KV_OK;
}

/* ------------------------------------------------------------------------------------- for others */

kv_status snapshots_open(struct snapshots *snapshots, kvresp *resp)
{
    snapshots->resp = resp;
    snapshots->progress.size = sizeof snapshots->progress;
    if (pthread_mutex_init(&snapshots->lock, NULL) != 0) return KV_NOMEM;
    if (pthread_cond_init(&snapshots->changed, NULL) == 0) return KV_OK;
    pthread_mutex_destroy(&snapshots->lock);
    return KV_NOMEM;
}

void snapshots_close(struct snapshots *snapshots)
{
    pthread_mutex_lock(&snapshots->lock);
    snapshots->is_closing = true;
    while (snapshots->first != NULL && snapshots->first->next != NULL)
        snapshots_finish(snapshots, snapshots->last, KV_CANCELLED);
    while (snapshots->first != NULL || snapshots->is_stepped) {
        snapshots->is_cancelled = snapshots->first != NULL;
        if (snapshots->has_thread || snapshots->is_stepped)
            pthread_cond_wait(&snapshots->changed, &snapshots->lock);
        else snapshots_step(snapshots, 0);
    }
    while (snapshots->has_thread) pthread_cond_wait(&snapshots->changed, &snapshots->lock);
    snapshots_join(snapshots);
    pthread_mutex_unlock(&snapshots->lock);
    pthread_cond_destroy(&snapshots->changed);
    pthread_mutex_destroy(&snapshots->lock);
}

void snapshots_cron(struct snapshots *snapshots, int64_t budget_us)
{
    if (!snapshots->needs_no_thread) return;
    pthread_mutex_lock(&snapshots->lock);
    if (snapshots->first != NULL && !snapshots->is_stepped) snapshots_step(snapshots, budget_us);
    pthread_mutex_unlock(&snapshots->lock);
}

const char *snapshots_progress(struct snapshots *snapshots, kv_snapshot_progress *progress)
{
    pthread_mutex_lock(&snapshots->lock);
    const char *name = snapshots->first != NULL ? snapshots->first->name : NULL;
    *progress = snapshots->progress;
    pthread_mutex_unlock(&snapshots->lock);
    return name;
}

bool snapshots_is_first(struct snapshots *snapshots, const kvresp_snapshot_job *job)
{
    pthread_mutex_lock(&snapshots->lock);
    bool is_first = snapshots->first == job;
    pthread_mutex_unlock(&snapshots->lock);
    return is_first;
}

void snapshots_poke(struct snapshots *snapshots)
{
    pthread_mutex_lock(&snapshots->lock);
    pthread_cond_broadcast(&snapshots->changed);
    pthread_mutex_unlock(&snapshots->lock);
}

/* --------------------------------------------------------------------------------------- kvresp.h */

kv_status kvresp_snapshot_submit(kvresp *resp, kvresp_snapshot_job *job)
{
    if (resp == NULL || job == NULL || job->size != sizeof *job) return KV_BADARG;
    if (job->name == NULL || job->write == NULL) return KV_BADARG;
    struct snapshots *snapshots = &resp->snapshots;
    if (job->options.size == 0) job->options.size = sizeof job->options;
    pthread_mutex_lock(&snapshots->lock);
    kv_status status = snapshots->is_closing ? KV_CANCELLED : KV_BUSY;
    if (status == KV_BUSY && job->state == JOB_IDLE) status = snapshots_need_thread(snapshots);
    if (status == KV_OK) snapshots_append(snapshots, job);
    pthread_mutex_unlock(&snapshots->lock);
    return status;
}

kv_status kvresp_snapshot_cancel(kvresp *resp, kvresp_snapshot_job *job)
{
    struct snapshots *snapshots = &resp->snapshots;
    pthread_mutex_lock(&snapshots->lock);
    kv_status status = snapshots_has(snapshots, job) ? KV_OK : KV_NONE;
    bool is_begun = snapshots->first == job && (snapshots->is_begun || snapshots->is_stepped);
    if (is_begun) {
        snapshots->is_cancelled = true;
        pthread_cond_broadcast(&snapshots->changed);
    } else if (status == KV_OK) {
        snapshots_finish(snapshots, job, KV_CANCELLED);
    }
    pthread_mutex_unlock(&snapshots->lock);
    return status;
}

void kvresp_snapshot_await(kvresp *resp, kvresp_snapshot_job *job)
{
    struct snapshots *snapshots = &resp->snapshots;
    pthread_mutex_lock(&snapshots->lock);
    while (snapshots_know(snapshots, job)) {
        kv_status status = KV_BUSY;
        if (!snapshots->has_thread && !snapshots->is_stepped && snapshots->first != NULL)
            status = snapshots_step(snapshots, 0);
        if (status == KV_BUSY) snapshots_nap(snapshots, SNAPSHOTS_BUSY_MS * 1000);
    }
    pthread_mutex_unlock(&snapshots->lock);
}
