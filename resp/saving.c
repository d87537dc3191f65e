#include "resp/saving.h"

#include "resp/shared.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SAVING_RETRY_S = 5 }; /* after a failure, as in Redis */

static int64_t saving_now_s(const struct saving *saving)
{
    return kv_now(saving->resp->store) / 1000;
}

/* All changes of the store's life. */
static uint64_t saving_changes(const struct saving *saving)
{
    kv_statistics store = {.size = sizeof store};
    kv_stats(saving->resp->store, &store);
    return store.changes;
}

/* ---------------------------------------------------------------------------------------- the job */

/* As others see it: when it is not just scheduled its turn has come, or will in a moment. */
static bool saving_is_under_way(const struct saving *saving)
{
    return saving->is_under_way || (saving->is_wanted && !saving->is_scheduled);
}

static kv_status saving_submit(struct saving *saving)
{
    kv_status status = kvresp_snapshot_submit(saving->resp, &saving->job);
    if (status != KV_OK) return status;
    saving->started_s = saving_now_s(saving);
    saving->is_wanted = true;
    return KV_OK;
}

static kv_status saving_begin_file(struct saving *saving, const char *directory, const char *name)
{
    if (directory == NULL || name == NULL) return KV_NOMEM;
    if (*name != '\0')
        return rdb_file_begin(&saving->file, saving->io, directory, name, saving->syncs_early);
    saving->file.target.what = "name";
    saving->file.target.error = ENOENT;
    return KV_IOERROR;
}

static kv_status saving_create_file(struct saving *saving)
{
    pthread_mutex_lock(&saving->lock);
    saving->started_s = saving->tried_s = saving_now_s(saving);
    char *directory = text_duplicate(kv_text(saving->directory));
    char *name = text_duplicate(kv_text(saving->file_name));
    bool is_background = saving->is_background;
    pthread_mutex_unlock(&saving->lock);
    if (is_background) kvresp_logf(saving->resp, KVRESP_NOTICE, "Background saving started");
    kv_status status = saving_begin_file(saving, directory, name);
    free(directory);
    free(name);
    return status;
}

static kv_status saving_begin(void *context, kv_snapshot_options *options)
{
    struct saving *saving = context;
    saving->file = (struct rdb_file){0};
    kv_status status = saving_create_file(saving);
    if (status != KV_OK) return status;
    saving->changes_begun = saving_changes(saving);
    rdb_aux_begin(&saving->aux, saving->resp->store);
    rdb_aux_add_history(&saving->aux, &saving->resp->replication);
    rdb_aux_give(&saving->aux, false, options);
    options->uncompressed = !saving->compresses;
    options->unsummed = !saving->sums;
    options->rdb_version = (unsigned)saving->rdb_version;
    return KV_OK;
}

/* What is done from now on will not be in the file, nor counted in its place of the history. */
static void saving_at_instant(void *context)
{
    struct saving *saving = context;
    rdb_aux_fill(&saving->aux, &saving->resp->replication);
    saving->is_under_way = true;
    saving->is_scheduled = false;
}

static kv_status saving_write(void *context, kv_slice bytes)
{
    return rdb_file_write(&((struct saving *)context)->file, bytes);
}

static void saving_judge_locked(struct saving *saving)
{
    bool refuses = saving->stops_writes && saving->point_count > 0 && saving->has_failed;
    if (refuses) atomic_fetch_or(&saving->resp->gates, GATE_NOT_SAVED);
    else atomic_fetch_and(&saving->resp->gates, ~(unsigned)GATE_NOT_SAVED);
}

/* Under the lock: what is to be known of a save that has ended. */
static void saving_note(struct saving *saving, kv_status status)
{
    kvresp *resp = saving->resp;
    int64_t now_s = saving_now_s(saving);
    const struct new_file *file = &saving->file.target;
    bool is_background = saving->is_background;
    if (status == KV_OK) {
        saving->changes_saved = saving->changes_begun;
        saving->saved_s = now_s;
        saving->has_failed = false;
        kvresp_logf(resp, KVRESP_NOTICE, "DB saved on disk");
    } else if (status == KV_CANCELLED) {
        snprintf(saving->message, sizeof saving->message, "%s", kv_strerror(status));
    } else {
        saving->has_failed |= is_background;
        snprintf(saving->message, sizeof saving->message, "cannot %s the RDB file: %s",
                 status == KV_IOERROR ? file->what : "write",
                 status == KV_IOERROR ? aof_io_explain(file->error) : kv_strerror(status));
        kvresp_logf(resp, KVRESP_WARNING, "Write error saving DB on disk: %s", saving->message);
    }
    if (is_background) {
        saving->duration_s = now_s - saving->started_s;
        kvresp_logf(resp, status == KV_OK ? KVRESP_NOTICE : KVRESP_WARNING,
                    status == KV_OK          ? "Background saving terminated with success"
                    : status == KV_CANCELLED ? "Background saving cancelled"
                                             : "Background saving error");
    }
    saving_judge_locked(saving);
}

static void saving_done(void *context, kv_status status)
{
    struct saving *saving = context;
    if (status == KV_OK) status = rdb_file_commit(&saving->file);
    else rdb_file_discard(&saving->file);
    uint64_t changes = saving_changes(saving);

    pthread_mutex_lock(&saving->lock);
    saving->held_peak = saving->job.progress.held_peak;
    saving_note(saving, status);
    bool goes_on = saving->is_wanted_afresh, has_changed = changes != saving->changes_begun;
    saving->is_wanted = false;
    saving->is_under_way = saving->is_scheduled = false;
    if (!saving->is_wanted_afresh) saving->is_background = false;
    saving->is_wanted_afresh = false;
    if (goes_on) {
        kv_status submitted = saving_submit(saving);
        goes_on = submitted == KV_OK;
        if (!goes_on && status == KV_CANCELLED) status = submitted;
    }
    bool was_last = saving->is_last && !goes_on;
    if (was_last) saving->is_last = false;
    if (!goes_on) waiters_tell(&saving->waiters, status);
    pthread_mutex_unlock(&saving->lock);
    if (was_last) shutdown_saved(&saving->resp->ending, status, has_changed);
}

/* --------------------------------------------------------------------------------------- wishing */

static kv_status saving_want_locked(struct saving *saving, enum saving_wish wish)
{
    if (saving_is_under_way(saving) && wish != SAVING_AFRESH) return KV_BUSY;
    if (saving->is_under_way) {
        saving->is_wanted_afresh = true;
        kvresp_snapshot_cancel(saving->resp, &saving->job); /* what is under way it only marks */
        return KV_OK;
    }
    if (saving->is_wanted) return KV_OK;
    saving->is_scheduled = wish == SAVING_SCHEDULE;
    kv_status status = saving_submit(saving);
    saving->count += status == KV_OK && wish != SAVING_AFRESH;
    return status;
}

kv_status saving_want(struct saving *saving, enum saving_wish wish, struct waiter *waiter)
{
    pthread_mutex_lock(&saving->lock);
    kv_status status = saving_want_locked(saving, wish);
    if (status == KV_OK && waiter != NULL) waiters_add(&saving->waiters, waiter);
    else if (status == KV_OK) saving->is_background = true;
    pthread_mutex_unlock(&saving->lock);
    return status;
}

kv_status saving_want_last(struct saving *saving)
{
    pthread_mutex_lock(&saving->lock);
    kv_status status = saving_want_locked(saving, SAVING_AFRESH);
    saving->is_last |= status == KV_OK;
    pthread_mutex_unlock(&saving->lock);
    return status;
}

kv_status saving_await(struct saving *saving, struct waiter *waiter)
{
    while (!waiter_is_told(waiter)) kvresp_snapshot_await(saving->resp, &saving->job);
    return waiter->status;
}

void saving_explain(struct saving *saving, char message[256])
{
    pthread_mutex_lock(&saving->lock);
    memcpy(message, saving->message, sizeof saving->message);
    pthread_mutex_unlock(&saving->lock);
}

kv_status saving_cancel(struct saving *saving, bool *was_scheduled)
{
    pthread_mutex_lock(&saving->lock);
    kv_status status = saving->is_wanted ? KV_OK : KV_NONE;
    *was_scheduled = saving->is_scheduled;
    pthread_mutex_unlock(&saving->lock);
    if (status == KV_OK) kvresp_snapshot_cancel(saving->resp, &saving->job);
    return status;
}

bool saving_cancel_last(struct saving *saving)
{
    bool ignored;
    pthread_mutex_lock(&saving->lock);
    bool is_there = saving->is_last;
    pthread_mutex_unlock(&saving->lock);
    return is_there && saving_cancel(saving, &ignored) == KV_OK;
}

bool saving_has_points(struct saving *saving)
{
    pthread_mutex_lock(&saving->lock);
    bool has_points = saving->point_count > 0;
    pthread_mutex_unlock(&saving->lock);
    return has_points;
}

void saving_flushed(struct saving *saving)
{
    pthread_mutex_lock(&saving->lock);
    bool has_points = saving->point_count > 0, is_under_way = saving->is_under_way;
    pthread_mutex_unlock(&saving->lock);
    if (has_points) saving_want(saving, SAVING_AFRESH, NULL);
    else if (is_under_way) kvresp_snapshot_cancel(saving->resp, &saving->job);
}

void saving_loaded(struct saving *saving, uint64_t keys, uint64_t expired)
{
    uint64_t changes = saving_changes(saving);
    pthread_mutex_lock(&saving->lock);
    saving->changes_saved = changes;
    saving->loaded = keys;
    saving->expired = expired;
    pthread_mutex_unlock(&saving->lock);
}

/* ----------------------------------------------------------------------------------- save points */

/* The point, of those that there are, that `changes` of the store's life have reached. */
static const struct save_point *saving_find_due(struct saving *saving, int64_t now_s,
                                                uint64_t changes)
{
    bool may_try = !saving->has_failed || now_s - saving->tried_s > SAVING_RETRY_S;
    if (saving->is_wanted || !may_try) return NULL;
    changes -= saving->changes_saved;
    for (size_t i = 0; i < saving->point_count; i++) {
        const struct save_point *point = &saving->points[i];
        if (changes < (uint64_t)point->changes || now_s - saving->saved_s <= point->seconds)
            continue;
        kvresp_logf(saving->resp, KVRESP_NOTICE, "%lld changes in %lld seconds. Saving...",
                    (long long)point->changes, (long long)point->seconds);
        return point;
    }
    return NULL;
}

/* Once a second; not before the store is filled, nor while another snapshot is taken. */
void saving_cron(struct saving *saving)
{
    kv_snapshot_progress progress;
    int64_t now_s = saving_now_s(saving);
    if (atomic_load(&saving->resp->gates) & (GATE_LOADING | GATE_ENDING)) return;
    pthread_mutex_lock(&saving->lock);
    bool has_points = saving->point_count > 0 && now_s != saving->looked_s;
    saving->looked_s = now_s;
    pthread_mutex_unlock(&saving->lock);
    if (!has_points) return;

    uint64_t changes = saving_changes(saving);
    pthread_mutex_lock(&saving->lock);
    bool is_due = saving_find_due(saving, now_s, changes) != NULL;
    pthread_mutex_unlock(&saving->lock);
    if (!is_due || snapshots_progress(&saving->resp->snapshots, &progress) != NULL) return;
    saving_want(saving, SAVING_BEGIN, NULL);
}

/* Reads a number and the blank behind it, as strtoll() would: a sign and zeros may come first. */
static bool saving_parse_number(kv_slice *text, int64_t least, int64_t *number)
{
    const char *at = text->data, *end = at + text->size;
    const char *space = text->size > 0 ? memchr(at, ' ', text->size) : NULL;
    const char *last = space != NULL ? space : end;
    if (at < last && *at == '+') at++;
    while (last - at > 1 && *at == '0') at++;
    if (!text_parse_integer(kv_bytes(at, (size_t)(last - at)), number) || *number < least)
        return false;
    *text = space != NULL ? kv_bytes(space + 1, (size_t)(end - space) - 1) : kv_bytes(end, 0);
    return space == NULL || text->size > 0; /* no blank at the end */
}

bool saving_parse_points(kv_slice text, struct save_point **points, size_t *count)
{
    *points = NULL;
    *count = 0;
    if (text.size == 0) return true;
    struct save_point *parsed = malloc((text.size / 4 + 1) * sizeof *parsed); /* "1 1 " */
    bool is_valid = parsed != NULL;
    while (is_valid && text.size > 0) {
        struct save_point *point = &parsed[*count];
        is_valid = saving_parse_number(&text, 1, &point->seconds) && text.size > 0 &&
                   saving_parse_number(&text, 0, &point->changes);
        ++*count;
    }
    if (is_valid) *points = parsed;
    else free(parsed);
    return is_valid;
}

bool saving_set_points(struct saving *saving, kv_slice text)
{
    struct save_point *points;
    size_t count;
    if (!saving_parse_points(text, &points, &count)) return false;
    pthread_mutex_lock(&saving->lock);
    struct save_point *old = saving->points;
    saving->points = points;
    saving->point_count = count;
    saving_judge_locked(saving);
    pthread_mutex_unlock(&saving->lock);
    free(old);
    return true;
}

static void saving_set_text(struct saving *saving, char **field, char *text)
{
    pthread_mutex_lock(&saving->lock);
    char *old = *field;
    *field = text;
    pthread_mutex_unlock(&saving->lock);
    free(old);
}

bool saving_set_file_name(struct saving *saving, const char *name)
{
    char *copy = text_duplicate(kv_text(name));
    if (copy != NULL) saving_set_text(saving, &saving->file_name, copy);
    return copy != NULL;
}

kv_status saving_read_points(struct saving *saving, kv_buffer *text)
{
    kv_status status = KV_OK;
    pthread_mutex_lock(&saving->lock);
    for (size_t i = 0; i < saving->point_count && status == KV_OK; i++)
        status =
            text_format(text, "%s%lld %lld", i > 0 ? " " : "", (long long)saving->points[i].seconds,
                        (long long)saving->points[i].changes);
    pthread_mutex_unlock(&saving->lock);
    return status;
}

/* It is kept as an absolute path, so that it stays when the host works elsewhere. */
int saving_find_directory(const char *path, char **directory)
{
    struct stat status;
    char resolved[PATH_MAX];
    char *absolute = NULL;
    if (realpath(path, resolved) != NULL) {
        absolute = text_duplicate(kv_text(resolved));
        if (absolute == NULL) return ENOMEM;
    }
    /* A process may be where no path leads; that matters when something is saved. */
    if (absolute == NULL && strcmp(path, ".") == 0 &&
        (absolute = text_duplicate(kv_text("."))) != NULL) {
        *directory = absolute;
        return 0;
    }
    if (absolute == NULL) return errno;
    int error = stat(absolute, &status) != 0  ? errno
                : !S_ISDIR(status.st_mode)    ? ENOTDIR
                : access(absolute, X_OK) != 0 ? errno
                                              : 0;
    if (error == 0) *directory = absolute;
    else free(absolute);
    return error;
}

void saving_set_directory(struct saving *saving, char *directory)
{
    saving_set_text(saving, &saving->directory, directory);
}

kv_status saving_read_directory(struct saving *saving, kv_buffer *text)
{
    pthread_mutex_lock(&saving->lock);
    kv_status status = text_append_string(text, saving->directory);
    pthread_mutex_unlock(&saving->lock);
    return status;
}

/* ------------------------------------------------------------------------------------------ INFO */

void saving_judge(struct saving *saving)
{
    pthread_mutex_lock(&saving->lock);
    saving_judge_locked(saving);
    pthread_mutex_unlock(&saving->lock);
}

void saving_write_info(struct saving *saving, uint64_t changes, kv_buffer *text)
{
    int64_t now_s = saving_now_s(saving);
    pthread_mutex_lock(&saving->lock);
    bool is_under_way = saving_is_under_way(saving);
    text_format(text, "rdb_changes_since_last_save:%llu\r\n",
                (unsigned long long)(changes - saving->changes_saved));
    text_format(text, "rdb_bgsave_in_progress:%d\r\nrdb_last_save_time:%lld\r\n", is_under_way,
                (long long)saving->saved_s);
    text_format(text, "rdb_last_bgsave_status:%s\r\nrdb_last_bgsave_time_sec:%lld\r\n",
                saving->has_failed ? "err" : "ok", (long long)saving->duration_s);
    text_format(text, "rdb_current_bgsave_time_sec:%lld\r\nrdb_saves:%llu\r\n",
                (long long)(is_under_way ? now_s - saving->started_s : -1),
                (unsigned long long)saving->count);
    text_format(text, "rdb_last_cow_size:%llu\r\n", (unsigned long long)saving->held_peak);
    text_format(text, "rdb_last_load_keys_expired:%llu\r\nrdb_last_load_keys_loaded:%llu\r\n",
                (unsigned long long)saving->expired, (unsigned long long)saving->loaded);
    pthread_mutex_unlock(&saving->lock);
}

int64_t saving_last_s(struct saving *saving)
{
    pthread_mutex_lock(&saving->lock);
    int64_t saved_s = saving->saved_s;
    pthread_mutex_unlock(&saving->lock);
    return saved_s;
}

void saving_reset(struct saving *saving)
{
    pthread_mutex_lock(&saving->lock);
    saving->count = 0;
    pthread_mutex_unlock(&saving->lock);
}

/* ------------------------------------------------------------------------------- open and close */

kv_status saving_open(struct saving *saving, kvresp *resp)
{
    saving->resp = resp;
    saving->io = &aof_io_system;
    saving->waiters.lock = &saving->lock;
    saving->job = KV_OPTIONS(kvresp_snapshot_job);
    saving->job.name = SAVING_JOB;
    saving->job.begin = saving_begin;
    saving->job.options.at_instant = saving_at_instant;
    saving->job.options.at_instant_context = saving;
    saving->job.write = saving_write;
    saving->job.done = saving_done;
    saving->job.context = saving;
    saving->saved_s = saving->looked_s = resp->opened_ms / 1000;
    saving->duration_s = -1;
    saving->changes_saved = saving_changes(saving);
    return pthread_mutex_init(&saving->lock, NULL) == 0 ? KV_OK : KV_NOMEM;
}

void saving_close(struct saving *saving)
{
    pthread_mutex_destroy(&saving->lock);
    free(saving->points);
    free(saving->directory);
    free(saving->file_name);
}

/* --------------------------------------------------------------------------------------- kvresp.h */

kv_status kvresp_save(kvresp *resp, char message[256])
{
    struct waiter waiter = {0};
    struct saving *saving = &resp->saving;
    kv_status wanted = saving_want(saving, SAVING_AFRESH, &waiter);
    kv_status status = wanted == KV_OK ? saving_await(saving, &waiter) : wanted;
    if (status == KV_OK || message == NULL) return status;
    if (wanted == KV_OK) saving_explain(saving, message);
    else snprintf(message, 256, "%s", kv_strerror(status));
    return status;
}
