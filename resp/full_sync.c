/*
 * resp/full_sync.c -- one snapshot for all replicas that wait for one.
 */
#include "resp/full_sync.h"

#include "resp/session.h"
#include "resp/unique.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    /* Bytes that wait in memory, before they wait in a file. */
    FULL_SYNC_MEMORY = 16 * 1024 * 1024,
    FULL_SYNC_VERSION = 10,    /* of Redis 7.0 */
    FULL_SYNC_VERSION_OWN = 12 /* with what only a kvstore, or a Redis of today, reads */
};

/* -------------------------------------------------------------------------------- life and users */

static struct full_sync *full_sync_create(struct replicas *replicas, const struct replica *replica,
                                          int64_t now_ms)
{
    struct full_sync *sync = calloc(1, sizeof *sync);
    if (sync == NULL) return NULL;
    sync->replicas = replicas;
    sync->since_ms = now_ms;
    sync->is_kvstore = replica->is_kvstore;
    sync->filter = replica->filter;
    unique_digits(sync->mark, sizeof sync->mark - 1);
    if (spool_open(&sync->spool, FULL_SYNC_MEMORY, ".") != KV_OK) {
        free(sync);
        return NULL;
    }
    sync->next = replicas->syncs;
    replicas->syncs = sync;
    return sync;
}

static void full_sync_drop(struct full_sync *sync)
{
    if (--sync->users > 0) return;
    struct full_sync **link = &sync->replicas->syncs;
    while (*link != sync) link = &(*link)->next;
    *link = sync->next;
    spool_close(&sync->spool);
    kv_buffer_free(&sync->directory);
    free(sync);
}

kv_status full_sync_join(struct replicas *replicas, struct replica *replica, int64_t now_ms)
{
    struct full_sync *sync = replicas->syncs;
    while (sync != NULL &&
           (sync->state != FULL_SYNC_GATHERS || sync->is_kvstore != replica->is_kvstore ||
            sync->filter != replica->filter))
        sync = sync->next;
    if (sync == NULL) sync = full_sync_create(replicas, replica, now_ms);
    if (sync == NULL) return KV_NOMEM;
    sync->users++;
    replica->sync = sync;
    return KV_OK;
}

void full_sync_leave(struct replica *replica)
{
    struct full_sync *sync = replica->sync;
    if (sync == NULL) return;
    replica->sync = NULL;
    spool_reader_close(&sync->spool, &replica->spool);
    full_sync_drop(sync);
}

/* ---------------------------------------------------------------------------------- the snapshot */

static void full_sync_wake_all(struct full_sync *sync)
{
    for (struct replica *at = sync->replicas->first; at != NULL; at = at->next)
        if (at->sync == sync) session_wake(at->session);
}

static void full_sync_woken(void *context)
{
    session_wake(((struct replica *)context)->session);
}

/* Its replicas are known: from here on the bytes that are written stay until they have read them. */
static void full_sync_open_readers(struct full_sync *sync)
{
    for (struct replica *at = sync->replicas->first; at != NULL; at = at->next) {
        if (at->sync != sync) continue;
        at->spool.memory.wake = full_sync_woken;
        at->spool.memory.context = at;
        spool_reader_open(&sync->spool, &at->spool);
    }
}

static bool full_sync_is(kvresp *resp, const char *parameter, const char *value)
{
    kv_buffer text = {0};
    bool is = kvresp_config_get(resp, parameter, &text) == KV_OK &&
              text_is(kv_bytes(text.data, text.size), value);
    kv_buffer_free(&text);
    return is;
}

static kv_status full_sync_begin(void *context, kv_snapshot_options *options)
{
    struct full_sync *sync = context;
    kvresp *resp = sync->replicas->resp;
    options->rdb_version = sync->is_kvstore ? FULL_SYNC_VERSION_OWN : FULL_SYNC_VERSION;
    sync->aux[0] = KV_TEXT("repl-stream-db"); /* known at the instant */
    sync->aux[1] = kv_bytes(sync->database, sizeof sync->database - 1);
    options->aux = sync->aux;
    options->aux_count = 2;
    options->uncompressed = full_sync_is(resp, "rdbcompression", "no");
    options->unsummed = full_sync_is(resp, "rdbchecksum", "no");
    if (kvresp_config_get(resp, "dir", &sync->directory) == KV_OK &&
        text_append(&sync->directory, kv_bytes("", 1)) == KV_OK)
        sync->spool.directory = sync->directory.data;
    pthread_mutex_lock(&sync->replicas->lock);
    full_sync_open_readers(sync);
    pthread_mutex_unlock(&sync->replicas->lock);
    return KV_OK;
}

/* All shards are held, or nobody writes: where the history stands now is what the data are. */
static void full_sync_at_instant(void *context)
{
    struct full_sync *sync = context;
    struct replicas *replicas = sync->replicas;
    struct replication *replication = &replicas->resp->replication;
    pthread_mutex_lock(&replicas->lock);
    /* Those who begin to read here do not know what was selected before. */
    int64_t database;
    sync->offset = (int64_t)replication_log_mark(&replication->log, &database);
    /* Of a replica's replicas: they go on with what its master says, in the middle of it. */
    snprintf(sync->database, sizeof sync->database, "%010u", database > 0 ? (unsigned)database : 0);
    for (struct replica *at = replicas->first; at != NULL; at = at->next) {
        if (at->sync != sync || at->wants_rdb_only) continue;
        (void)replication_reader_open(&replication->log, &at->reader, (uint64_t)sync->offset);
    }
    replication_read_id(replication, sync->id);
    sync->state = FULL_SYNC_BEGUN;
    full_sync_wake_all(sync);
    pthread_mutex_unlock(&replicas->lock);
}

/* While it is sent, no more is made than replicas can take. */
static bool full_sync_is_ready(void *context)
{
    struct full_sync *sync = context;
    return !sync->uses_eof || replication_log_memory(&sync->spool.log) < FULL_SYNC_MEMORY / 2;
}

static kv_status full_sync_write(void *context, kv_slice bytes)
{
    return spool_append(&((struct full_sync *)context)->spool, bytes);
}

static void full_sync_done(void *context, kv_status status)
{
    struct full_sync *sync = context;
    struct replicas *replicas = sync->replicas;
    kvresp *resp = replicas->resp;
    if (status == KV_OK && sync->uses_eof)
        status = spool_append(&sync->spool, kv_bytes(sync->mark, REPLICATION_ID_SIZE));
    if (status == KV_OK)
        kvresp_logf(resp, KVRESP_NOTICE, "Synchronization: %llu bytes of snapshot are made",
                    (unsigned long long)spool_size(&sync->spool));
    else
        kvresp_logf(resp, KVRESP_WARNING, "Synchronization of replicas has failed: %s",
                    kv_strerror(status));
    pthread_mutex_lock(&replicas->lock);
    sync->state = status == KV_OK ? FULL_SYNC_COMPLETE : FULL_SYNC_FAILED;
    full_sync_wake_all(sync);
    full_sync_drop(sync);
    pthread_mutex_unlock(&replicas->lock);
}

static kv_status full_sync_write_snapshot(struct full_sync *sync, kv *db)
{
    kv_snapshot_options options = sync->job.options;
    kv_snapshot *snapshot;
    kv_status status = full_sync_begin(sync, &options);
    if (status == KV_OK) status = kv_snapshot_begin(db, &options, full_sync_write, sync, &snapshot);
    if (status != KV_OK) return status;
    (void)kv_snapshot_step(snapshot, 0);
    return kv_snapshot_end(snapshot);
}

/* A snapshot without keys, for those who want what a kvstore does not have: functions. */
static void full_sync_write_empty(struct full_sync *sync)
{
    kv_options options = KV_OPTIONS(kv_options);
    kv *empty;
    options.shards = options.databases = 1;
    kv_status status = kv_open(&options, &empty);
    if (status == KV_OK) {
        status = full_sync_write_snapshot(sync, empty);
        kv_close(empty);
    }
    full_sync_done(sync, status);
}

/* ------------------------------------------------------------------------------------- beginning */

static size_t full_sync_count(const struct full_sync *sync, bool *all_take_eof)
{
    size_t count = 0;
    *all_take_eof = true;
    for (struct replica *at = sync->replicas->first; at != NULL; at = at->next) {
        if (at->sync != sync) continue;
        count++;
        if (!at->takes_eof) *all_take_eof = false;
    }
    return count;
}

static bool full_sync_is_due(const struct full_sync *sync, int64_t now_ms)
{
    const struct replicas *replicas = sync->replicas;
    if (sync->state != FULL_SYNC_GATHERS) return false;
    bool all_take_eof;
    size_t count = full_sync_count(sync, &all_take_eof);
    bool is_diskless = replicas_setting(replicas, REPLICAS_DISKLESS) != 0;
    int64_t enough = replicas_setting(replicas, REPLICAS_DELAY_COUNT);
    return !is_diskless || !all_take_eof || (enough > 0 && (int64_t)count >= enough) ||
           now_ms - sync->since_ms >= 1000 * replicas_setting(replicas, REPLICAS_DELAY);
}

/* Under the lock, which is let go of meanwhile: the sync has the job as a user. */
static void full_sync_start(struct full_sync *sync)
{
    struct replicas *replicas = sync->replicas;
    bool all_take_eof;
    size_t count = full_sync_count(sync, &all_take_eof);
    sync->uses_eof =
        all_take_eof && (replicas_setting(replicas, REPLICAS_DISKLESS) != 0 || sync->filter != 0);
    sync->state = FULL_SYNC_SUBMITTED;
    sync->users++;
    sync->job = (kvresp_snapshot_job){.size = sizeof sync->job,
                                      .name = "replication",
                                      .begin = full_sync_begin,
                                      .is_ready = full_sync_is_ready,
                                      .write = full_sync_write,
                                      .done = full_sync_done,
                                      .context = sync};
    sync->job.options.size = sizeof sync->job.options;
    sync->job.options.at_instant = full_sync_at_instant;
    sync->job.options.at_instant_context = sync;
    pthread_mutex_unlock(&replicas->lock);
    kvresp_logf(replicas->resp, KVRESP_NOTICE,
                "Synchronization of %zu replica%s begins with a snapshot, %s", count,
                count == 1 ? "" : "s",
                sync->uses_eof ? "sent while it is made" : "sent when it is complete");
    if (sync->filter & FILTER_DATA) {
        full_sync_write_empty(sync);
    } else {
        kv_status status = kvresp_snapshot_submit(replicas->resp, &sync->job);
        if (status != KV_OK) full_sync_done(sync, status);
    }
    pthread_mutex_lock(&replicas->lock);
}

void full_syncs_start_due(struct replicas *replicas, int64_t now_ms)
{
    pthread_mutex_lock(&replicas->lock);
    struct full_sync *sync = replicas->syncs;
    while (sync != NULL) {
        bool is_due = full_sync_is_due(sync, now_ms);
        if (is_due) full_sync_start(sync);
        sync = is_due ? replicas->syncs : sync->next; /* it may be gone, and others have come */
    }
    pthread_mutex_unlock(&replicas->lock);
}

void full_syncs_cancel_unwanted(struct replicas *replicas)
{
    pthread_mutex_lock(&replicas->lock);
    for (struct full_sync *sync = replicas->syncs; sync != NULL; sync = sync->next) {
        bool has_job = sync->state == FULL_SYNC_SUBMITTED || sync->state == FULL_SYNC_BEGUN;
        if (!has_job || sync->users > 1 || (sync->filter & FILTER_DATA)) continue;
        sync->users++; /* it is not freed by done() */
        pthread_mutex_unlock(&replicas->lock);
        (void)kvresp_snapshot_cancel(replicas->resp, &sync->job);
        pthread_mutex_lock(&replicas->lock);
        full_sync_drop(sync);
        break; /* the list may be another; the others in the next round */
    }
    pthread_mutex_unlock(&replicas->lock);
}
