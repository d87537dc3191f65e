/*
 * resp/aof_attach.c -- ties an append-only file to the commands: what sessions ask of it
 * (aof_link.h), its parameters, its lines of INFO.
 */
#include "resp/aof.h"

#include "resp/config.h"
#include "resp/shared.h"
#include "resp/text.h"

#include <limits.h>
#include <stdio.h>

/* --------------------------------------------------------------------------------- for sessions */

static const char *attach_refusal(void *context)
{
    const kvresp_aof *aof = context;
    int error = aof->writer.error;
    return error != 0 ? aof_io_explain(error) : NULL;
}

static bool attach_holds_replies(void *context)
{
    const struct aof_writer *writer = &((kvresp_aof *)context)->writer;
    return writer->fsync == KVRESP_FSYNC_ALWAYS && writer->is_on;
}

static bool attach_is_full(void *context)
{
    return aof_writer_is_behind(&((kvresp_aof *)context)->writer);
}

static uint64_t attach_position(void *context)
{
    return aof_backlog_position(&((kvresp_aof *)context)->writer.backlog);
}

static uint64_t attach_synced(void *context)
{
    return ((kvresp_aof *)context)->writer.synced_position;
}

static uint64_t attach_held(void *context)
{
    return aof_backlog_held(&((kvresp_aof *)context)->writer.backlog);
}

static bool attach_is_durable(void *context, uint64_t position)
{
    return aof_writer_is_durable(&((kvresp_aof *)context)->writer, position);
}

static void attach_await(void *context, struct aof_waiter *waiter, uint64_t position)
{
    aof_writer_await(&((kvresp_aof *)context)->writer, waiter, position);
}

static void attach_forget(void *context, struct aof_waiter *waiter)
{
    aof_writer_forget(&((kvresp_aof *)context)->writer, waiter);
}

static bool attach_is_wanted(void *context)
{
    return ((kvresp_aof *)context)->is_wanted;
}

static void attach_replaced(void *context)
{
    kvresp_aof_restart(context);
}

static void attach_stat(void *context, kvresp_aof_status *status)
{
    kvresp_aof_stat(context, status);
}

static kv_status attach_set_directory(void *context, const char *path)
{
    return kvresp_aof_set_directory(context, path);
}

static kv_status attach_rewrite(void *context, bool schedules)
{
    return aof_ask_for_rewrite(context, schedules);
}

static kv_status attach_reload(void *context)
{
    char message[AOF_MESSAGE_SIZE];
    return aof_reload(context, message);
}

static void attach_leave(void *context)
{
    kvresp_aof *aof = context;
    aof_writer_watch(&aof->writer, NULL, NULL);
    aof_rewrite_join(&aof->rewrite, NULL);
}

/* --------------------------------------------------------------------------- the latency monitor */

/*
 * Redis's events, by what happened: there a sync is in the background, and here it holds up the
 * writes behind it as well, for they are one thread's.
 */
static void attach_note(void *context, enum aof_work work, int64_t us)
{
    static const char *const events[] = {[AOF_WORK_WRITE] = "aof-write-alone",
                                         [AOF_WORK_SYNC] = "aof-write-pending-fsync",
                                         [AOF_WORK_SYNC_FOR_REPLIES] = "aof-fsync-always",
                                         [AOF_WORK_REBASE] = "aof-rename"};
    kvresp *resp = context;
    kv_snapshot_progress progress = KV_OPTIONS(kv_snapshot_progress);
    const char *event = events[work];
    if (work == AOF_WORK_WRITE && snapshots_progress(&resp->snapshots, &progress) != NULL)
        event = "aof-write-active-child";
    bool is_write = work == AOF_WORK_WRITE || work == AOF_WORK_SYNC;
    if (is_write) resp_note_latency(resp, "aof-write", (uint64_t)us / 1000);
    resp_note_latency(resp, event, (uint64_t)us / 1000);
}

/* ----------------------------------------------------------------------------------- parameters */

static const char *const attach_policies[] = {
    [KVRESP_FSYNC_EVERYSEC] = "everysec",
    [KVRESP_FSYNC_ALWAYS] = "always",
    [KVRESP_FSYNC_NO] = "no",
};

enum { ATTACH_POLICIES = sizeof attach_policies / sizeof *attach_policies };

static int attach_find_policy(kv_slice value)
{
    int policy = 0;
    while (policy < ATTACH_POLICIES && !text_is(value, attach_policies[policy])) policy++;
    return policy;
}

static kv_status attach_read_fsync(void *context, kv_buffer *value)
{
    return text_append_string(value, attach_policies[((kvresp_aof *)context)->writer.fsync]);
}

static const char *attach_check_fsync(void *context, kv_slice value, char message[256])
{
    (void)context;
    (void)message;
    if (attach_find_policy(value) < ATTACH_POLICIES) return NULL;
    return "argument(s) must be one of the following: everysec, always, no";
}

static const char *attach_apply_fsync(void *context, kv_slice value, char message[256])
{
    (void)message;
    kvresp_aof_set_fsync(context, (kvresp_fsync)attach_find_policy(value));
    return NULL;
}

static kv_status attach_read_yes_no(kv_buffer *value, bool is_yes)
{
    return text_append_string(value, is_yes ? "yes" : "no");
}

static const char *attach_check_yes_no(void *context, kv_slice value, char message[256])
{
    (void)context;
    (void)message;
    return text_is(value, "yes") || text_is(value, "no") ? NULL : "argument must be 'yes' or 'no'";
}

static kv_status attach_read_appendonly(void *context, kv_buffer *value)
{
    const kvresp_aof *aof = context;
    return attach_read_yes_no(value, aof->is_wanted || aof->is_loading);
}

static const char *attach_apply_appendonly(void *context, kv_slice value, char message[256])
{
    kvresp_aof *aof = context;
    bool is_yes = text_is(value, "yes");
    if (aof->is_loading) return is_yes ? NULL : "the append-only file is being loaded";
    if (!is_yes) {
        kvresp_aof_stop(aof);
        return NULL;
    }
    char why[AOF_MESSAGE_SIZE];
    kv_status status = kvresp_aof_start(aof, why);
    if (status == KV_OK) return NULL;
    aof_logf(&aof->log, KVRESP_WARNING, "the append-only file cannot begin: %s",
             status == KV_BADARG ? why : kv_strerror(status));
    snprintf(message, 256, "Unable to turn on AOF. Check server logs.");
    return message;
}

static kv_status attach_read_switch(void *context, kv_buffer *value)
{
    const struct aof_switch *named = context;
    return attach_read_yes_no(value, *named->is_set != named->is_inverted);
}

static const char *attach_apply_switch(void *context, kv_slice value, char message[256])
{
    const struct aof_switch *named = context;
    (void)message;
    atomic_store(named->is_set, text_is(value, "yes") != named->is_inverted);
    aof_heed_settings(named->aof);
    return NULL;
}

static kv_status attach_read_percentage(void *context, kv_buffer *value)
{
    return text_append_integer(value, ((kvresp_aof *)context)->rewrite.percentage);
}

static const char *attach_check_percentage(void *context, kv_slice value, char message[256])
{
    int64_t percentage;
    (void)context;
    (void)message;
    if (!text_parse_integer(value, &percentage))
        return "argument couldn't be parsed into an integer";
    if (percentage < 0 || percentage > INT_MAX)
        return "argument must be between 0 and 2147483647 inclusive";
    return NULL;
}

static const char *attach_apply_percentage(void *context, kv_slice value, char message[256])
{
    kvresp_aof *aof = context;
    int64_t percentage = 0;
    (void)message;
    text_parse_integer(value, &percentage);
    aof->rewrite.percentage = percentage;
    aof_heed_settings(aof);
    return NULL;
}

static kv_status attach_read_min_size(void *context, kv_buffer *value)
{
    return text_append_integer(value, (int64_t)((kvresp_aof *)context)->rewrite.min_size);
}

static const char *attach_check_min_size(void *context, kv_slice value, char message[256])
{
    uint64_t bytes;
    (void)context;
    (void)message;
    return config_parse_memory(value, &bytes) && bytes <= INT64_MAX
               ? NULL
               : "argument must be a memory value";
}

static const char *attach_apply_min_size(void *context, kv_slice value, char message[256])
{
    kvresp_aof *aof = context;
    uint64_t bytes = 0;
    (void)message;
    config_parse_memory(value, &bytes);
    aof->rewrite.min_size = bytes;
    aof_heed_settings(aof);
    return NULL;
}

/* Under the lock, for the files may move; their names stay. */
static kv_status attach_read_name(kvresp_aof *aof, char *const *name, kv_buffer *value)
{
    pthread_mutex_lock(&aof->lock);
    kv_status status = text_append_string(value, *name);
    pthread_mutex_unlock(&aof->lock);
    return status;
}

static kv_status attach_read_directory_name(void *context, kv_buffer *value)
{
    kvresp_aof *aof = context;
    return attach_read_name(aof, &aof->files.directory_name, value);
}

static kv_status attach_read_file_name(void *context, kv_buffer *value)
{
    kvresp_aof *aof = context;
    return attach_read_name(aof, &aof->files.file_name, value);
}

/* Only a configuration file gets here, and it was read before the files were opened. */
static const char *attach_apply_name(const char *name, kv_slice value)
{
    return text_equal(value, kv_text(name)) ? NULL : "the append-only file is already open";
}

static const char *attach_apply_directory_name(void *context, kv_slice value, char message[256])
{
    (void)message;
    return attach_apply_name(((kvresp_aof *)context)->files.directory_name, value);
}

static const char *attach_apply_file_name(void *context, kv_slice value, char message[256])
{
    (void)message;
    return attach_apply_name(((kvresp_aof *)context)->files.file_name, value);
}

static const kvresp_parameter attach_parameters[] = {
    {.name = "appendonly",
     .read = attach_read_appendonly,
     .check = attach_check_yes_no,
     .apply = attach_apply_appendonly},
    {.name = "appendfsync",
     .read = attach_read_fsync,
     .check = attach_check_fsync,
     .apply = attach_apply_fsync},
    {.name = "appendfilename",
     .flags = KVRESP_PARAMETER_IMMUTABLE,
     .read = attach_read_file_name,
     .apply = attach_apply_file_name},
    {.name = "appenddirname",
     .flags = KVRESP_PARAMETER_IMMUTABLE,
     .read = attach_read_directory_name,
     .apply = attach_apply_directory_name},
    {.name = "auto-aof-rewrite-percentage",
     .read = attach_read_percentage,
     .check = attach_check_percentage,
     .apply = attach_apply_percentage},
    {.name = "auto-aof-rewrite-min-size",
     .read = attach_read_min_size,
     .check = attach_check_min_size,
     .apply = attach_apply_min_size},
};

#define SWITCH(parameter, flags_)                                       \
    {                                                                   \
        .name = parameter, .flags = flags_, .read = attach_read_switch, \
        .check = attach_check_yes_no, .apply = attach_apply_switch      \
    }

/* Each with a context of its own: the aof_switch of the same index. */
static const kvresp_parameter attach_switches[AOF_SWITCHES] = {
    SWITCH("aof-load-truncated", 0),
    SWITCH("aof-timestamp-enabled", 0),
    SWITCH("aof-use-rdb-preamble", 0),
    SWITCH("aof-rewrite-incremental-fsync", 0),
    SWITCH("aof-disable-auto-gc", 0),
};

#undef SWITCH

static kv_status attach_add_switches(kvresp *resp, kvresp_aof *aof)
{
    const struct aof_switch switches[AOF_SWITCHES] = {
        {aof, &aof->refuses_truncated, true},      {aof, &aof->rewrite.stamps, false},
        {aof, &aof->rewrite.avoids_rdb, true},     {aof, &aof->rewrite.syncs_early, false},
        {aof, &aof->rewrite.keeps_history, false},
    };
    memcpy(aof->switches, switches, sizeof switches);
    kv_status status = KV_OK;
    for (int i = 0; i < AOF_SWITCHES && status == KV_OK; i++)
        status = kvresp_config_add(resp, &attach_switches[i], 1, &aof->switches[i]);
    return status;
}

static void attach_forget_all(kvresp *resp, kvresp_aof *aof)
{
    kvresp_forget(resp, aof);
    for (int i = 0; i < AOF_SWITCHES; i++) kvresp_forget(resp, &aof->switches[i]);
}

/* ----------------------------------------------------------------------------------------- INFO */

/* The lines that Redis has only while the file is in use; the others are there in any case. */
static void attach_write_info(void *context, kv_buffer *text)
{
    kvresp_aof *aof = context;
    kvresp_aof_status status = KV_OPTIONS(kvresp_aof_status);
    kvresp_aof_stat(aof, &status);
    if (!status.is_on && !status.is_starting) return;
    text_format(text, "aof_current_size:%llu\r\n", (unsigned long long)status.current_size);
    text_format(text, "aof_base_size:%llu\r\n", (unsigned long long)status.base_size);
    text_format(text, "aof_pending_rewrite:%d\r\n", status.is_rewrite_scheduled);
    text_format(text, "aof_buffer_length:%llu\r\n",
                (unsigned long long)(status.appended - status.written));
    text_format(text, "aof_pending_bio_fsync:%d\r\n", aof->writer.sync_started_us != 0);
    text_format(text, "aof_delayed_fsync:%llu\r\n", (unsigned long long)status.delayed_fsyncs);
}

/* ------------------------------------------------------------------------------------ attaching */

kv_status kvresp_attach_aof(kvresp *resp, kvresp_aof *aof)
{
    if (resp == NULL || aof == NULL) return KV_BADARG;
    aof->link = (struct aof_link){
        .context = aof,
        .refusal = attach_refusal,
        .holds_replies = attach_holds_replies,
        .is_full = attach_is_full,
        .position = attach_position,
        .synced = attach_synced,
        .held = attach_held,
        .is_durable = attach_is_durable,
        .await = attach_await,
        .forget = attach_forget,
        .is_wanted = attach_is_wanted,
        .stat = attach_stat,
        .replaced = attach_replaced,
        .set_directory = attach_set_directory,
        .rewrite = attach_rewrite,
        .reload = attach_reload,
        .leave = attach_leave,
    };
    kv_status status = kvresp_config_add(resp, attach_parameters,
                                         sizeof attach_parameters / sizeof *attach_parameters, aof);
    if (status == KV_OK) status = attach_add_switches(resp, aof);
    if (status == KV_OK) status = kvresp_info_add(resp, "persistence", attach_write_info, aof);
    if (status != KV_OK) {
        attach_forget_all(resp, aof);
        return status;
    }
    aof_rewrite_join(&aof->rewrite, resp);
    aof_writer_watch(&aof->writer, attach_note, resp);
    resp_attach_link(resp, &aof->link);
    return KV_OK;
}
