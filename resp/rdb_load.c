#include "resp/rdb_load.h"

#include "resp/aof_link.h"
#include "resp/shared.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    RDB_LOAD_THREADS = 7, /* more than one that reads key after key can feed */
    RDB_LOAD_NAP_US = 10 * 1000
};

/* Where the history stood that the file is of, if it says so. */
struct rdb_history {
    char id[REPLICATION_ID_SIZE + 1]; /* "": it does not */
    int64_t offset, database;         /* offset below 0: it does not say */
};

struct rdb_loading {
    kvresp *resp;
    const kvresp_load_options *options;
    uint64_t total, rested_keys;
    struct rdb_history history;
    char path[4096];
};

/* ----------------------------------------------------------------------------- what is told of it */

/* A number that may have zeros in front, 0 or more; -1 if it is none. */
static int64_t rdb_load_number(kv_slice text)
{
    int64_t number;
    for (; text.size > 1 && *(const char *)text.data == '0'; text.size--)
        text.data = (const char *)text.data + 1;
    return text_parse_integer(text, &number) && number >= 0 ? number : -1;
}

static void rdb_load_note_history(struct rdb_history *history, kv_slice name, kv_slice value)
{
    if (text_is(name, "repl-stream-db")) history->database = rdb_load_number(value);
    if (text_is(name, "repl-offset")) history->offset = rdb_load_number(value);
    if (!text_is(name, "repl-id") || value.size != REPLICATION_ID_SIZE) return;
    memcpy(history->id, value.data, REPLICATION_ID_SIZE);
    history->id[REPLICATION_ID_SIZE] = '\0';
}

/* What Redis logs of the fields at the head. */
static bool rdb_load_field(void *context, kv_slice name, kv_slice value)
{
    kvresp *resp = ((struct rdb_loading *)context)->resp;
    rdb_load_note_history(&((struct rdb_loading *)context)->history, name, value);
    int64_t number = 0;
    bool is_number = text_parse_integer(value, &number);
    if (text_is(name, "redis-ver")) {
        kvresp_logf(resp, KVRESP_NOTICE, "Loading RDB produced by version %.*s",
                    (int)(value.size < 64 ? value.size : 64), (const char *)value.data);
    } else if (text_is(name, "ctime") && is_number) {
        int64_t age_s = kv_now(resp->store) / 1000 - number;
        kvresp_logf(resp, KVRESP_NOTICE, "RDB age %lld seconds",
                    (long long)(age_s < 0 ? 0 : age_s));
    } else if (text_is(name, "used-mem") && is_number) {
        kvresp_logf(resp, KVRESP_NOTICE, "RDB memory usage when created %.2f Mb",
                    (double)number / (1024 * 1024));
    }
    return true;
}

static void rdb_load_warn(void *context, const char *message)
{
    struct rdb_loading *loading = context;
    kvresp_logf(loading->resp, KVRESP_WARNING, "%s: %s", loading->path, message);
}

static void rdb_load_progress(void *context, uint64_t bytes, uint64_t keys)
{
    struct rdb_loading *loading = context;
    const kvresp_load_options *options = loading->options;
    int64_t rest_us = 0;
    if (options != NULL) rest_us = (int64_t)(keys - loading->rested_keys) * options->delay_us;
    loading->rested_keys = keys;
    kvresp_loading_progress(loading->resp, bytes, loading->total);
    for (;;) {
        if (options != NULL && options->progress != NULL)
            options->progress(options->progress_context, bytes, loading->total);
        if (rest_us <= 0) return;
        int64_t nap_us = rest_us < RDB_LOAD_NAP_US ? rest_us : RDB_LOAD_NAP_US;
        struct timespec nap = {.tv_nsec = (long)nap_us * 1000};
        nanosleep(&nap, NULL);
        rest_us -= nap_us;
    }
}

/* ------------------------------------------------------------------------------------- the keys */

/* From a store beside this one into it, a few keys at a time. */
struct rdb_merge {
    kv *from, *to; /* the same database of both */
    bool replaces;
    kv_buffer keys; /* size, bytes, size, bytes... */
    kv_buffer payload;
    kv_status status;
};

static bool rdb_merge_visit(void *context, kv_slice key)
{
    struct rdb_merge *merge = context;
    merge->status = text_append(&merge->keys, kv_bytes(&key.size, sizeof key.size));
    if (merge->status == KV_OK) merge->status = text_append(&merge->keys, key);
    return merge->status == KV_OK;
}

static kv_status rdb_merge_key(struct rdb_merge *merge, kv_slice key)
{
    kv_restore_options options = KV_OPTIONS(kv_restore_options);
    int64_t deadline_ms = KV_NEVER;
    options.replace = merge->replaces;
    merge->payload.size = 0;
    kv_status status = kv_dump(merge->from, key, &merge->payload);
    if (status == KV_OK) status = kv_deadline(merge->from, key, &deadline_ms);
    if (deadline_ms != KV_NEVER) options.deadline_ms = deadline_ms;
    if (status == KV_OK)
        status = kv_restore(merge->to, key, text_of_buffer(&merge->payload), &options);
    return status == KV_NONE ? KV_OK : status; /* it has expired meanwhile */
}

static kv_status rdb_merge_some(struct rdb_merge *merge, uint64_t *cursor)
{
    size_t size;
    merge->keys.size = 0;
    kv_status status = kv_scan(merge->from, cursor, 100, NULL, rdb_merge_visit, merge);
    if (status == KV_OK) status = merge->status;
    const char *bytes = merge->keys.data;
    for (size_t at = 0; at < merge->keys.size && status == KV_OK; at += size) {
        memcpy(&size, bytes + at, sizeof size);
        at += sizeof size;
        status = rdb_merge_key(merge, kv_bytes(bytes + at, size));
    }
    return status;
}

static kv_status rdb_merge_all(struct rdb_merge *merge, kv *from, kv *to)
{
    kv_status status = KV_OK;
    for (uint32_t i = 0; i < kv_databases(to) && status == KV_OK; i++) {
        uint64_t cursor = 0;
        merge->from = kv_select(from, i);
        merge->to = kv_select(to, i);
        do {
            status = rdb_merge_some(merge, &cursor);
        } while (cursor != 0 && status == KV_OK);
    }
    kv_buffer_free(&merge->keys);
    kv_buffer_free(&merge->payload);
    return status;
}

static kv_status rdb_load_beside(struct rdb_loading *loading, bool replaces,
                                 const kv_load_options *options, kv_load_report *report)
{
    kv *to = loading->resp->store, *from;
    kv_options store = KV_OPTIONS(kv_options);
    store.databases = kv_databases(to);
    kv_status status = kv_open(&store, &from);
    if (status != KV_OK) return status;
    status = kv_load_file(from, loading->path, options, report);
    if (status == KV_OK) {
        struct rdb_merge merge = {.replaces = replaces};
        status = rdb_merge_all(&merge, from, to);
    }
    kv_close(from);
    return status;
}

/* ------------------------------------------------------------------------------------- the file */

static kv_status rdb_load_find(struct rdb_loading *loading)
{
    struct saving *saving = &loading->resp->saving;
    struct stat file;
    pthread_mutex_lock(&saving->lock);
    int size = snprintf(loading->path, sizeof loading->path, "%s/%s", saving->directory,
                        saving->file_name);
    pthread_mutex_unlock(&saving->lock);
    if (size < 0 || (size_t)size >= sizeof loading->path) {
        errno = ENAMETOOLONG;
        return KV_IOERROR;
    }
    if (stat(loading->path, &file) != 0) return errno == ENOENT ? KV_NONE : KV_IOERROR;
    loading->total = (uint64_t)file.st_size;
    return KV_OK;
}

static unsigned rdb_load_threads(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores < 2 ? 0 : cores > RDB_LOAD_THREADS ? RDB_LOAD_THREADS : (unsigned)cores - 1;
}

static void rdb_load_at_instant(void *context)
{
    aof_link_replaced(((struct rdb_loading *)context)->resp->aof);
}

static kv_status rdb_load_read(struct rdb_loading *loading, enum rdb_load how,
                               kv_load_report *report)
{
    kv_load_options options = KV_OPTIONS(kv_load_options);
    options.threads = rdb_load_threads();
    options.replaces = how == RDB_LOAD_REPLACE;
    options.keeps_expired = replication_is_replica(&loading->resp->replication);
    options.aux = rdb_load_field;
    options.warn = rdb_load_warn;
    options.progress = rdb_load_progress;
    options.context = loading;
    if (how == RDB_LOAD_ADD || how == RDB_LOAD_MERGE)
        return rdb_load_beside(loading, how == RDB_LOAD_MERGE, &options, report);
    options.at_instant = rdb_load_at_instant;
    return kv_load_file(loading->resp->store, loading->path, &options, report);
}

static kv_status rdb_load_fail(const struct rdb_loading *loading, kv_status status, int error,
                               const kv_load_report *report, char *message)
{
    const char *reason = status == KV_IOERROR         ? aof_io_explain(error)
                         : status == KV_SKIPPED       ? "a key is in the store already"
                         : report->message[0] != '\0' ? report->message
                                                      : kv_strerror(status);
    snprintf(message, 256, "%.120s: %.130s", loading->path, reason);
    kvresp_logf(loading->resp, KVRESP_WARNING, "Error loading the RDB file %s", message);
    return status == KV_NOMEM || status == KV_CANCELLED ? status : KV_BADARG;
}

/*
 * At the start, a store goes on with the history that its file is of: a replica where it was, and a
 * master lets its replicas go on; unless keys have gone of which they were not told.
 */
static void rdb_load_resume_history(const struct rdb_loading *loading, const kv_load_report *report)
{
    const struct rdb_history *history = &loading->history;
    kvresp *resp = loading->resp;
    if (history->id[0] == '\0' || history->offset < 0 || report->expired > 0) return;
    following_inherit(&resp->following, history->id, history->offset,
                      history->database > 0 ? (uint32_t)history->database : 0);
}

kv_status rdb_load(kvresp *resp, enum rdb_load how, const kvresp_load_options *options,
                   char message[256])
{
    struct rdb_loading loading = {
        .resp = resp, .options = options, .history = {.offset = -1, .database = -1}};
    kv_load_report report = KV_OPTIONS(kv_load_report);
    uint64_t began_us = statistics_clock() / 1000;
    kv_status status = rdb_load_find(&loading);
    if (status == KV_NONE) return status;
    if (status == KV_OK) status = rdb_load_read(&loading, how, &report);
    if (status != KV_OK) return rdb_load_fail(&loading, status, errno, &report, message);

    if (how == RDB_LOAD_FIRST) rdb_load_resume_history(&loading, &report);
    saving_loaded(&resp->saving, report.keys, report.expired);
    kvresp_logf(resp, KVRESP_NOTICE, "Done loading RDB, keys loaded: %llu, keys expired: %llu.",
                (unsigned long long)report.keys, (unsigned long long)report.expired);
    kvresp_logf(resp, KVRESP_NOTICE, "DB loaded from disk: %.3f seconds",
                (double)(statistics_clock() / 1000 - began_us) / 1000000);
    return KV_OK;
}

kv_status kvresp_load(kvresp *resp, const kvresp_load_options *given, char message[256])
{
    char unwanted[256];
    kvresp_load_options options = KV_OPTIONS(kvresp_load_options);
    if (given != NULL) {
        if (given->size < sizeof given->size || given->size > sizeof options) return KV_BADARG;
        memcpy(&options, given, given->size);
    }
    return rdb_load(resp, RDB_LOAD_FIRST, &options, message != NULL ? message : unwanted);
}
