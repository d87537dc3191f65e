/*
 * resp/aof_attach.c -- ties an append-only file to the commands: what sessions ask of it
 * (aof_link.h), its parameters, its lines of INFO.
 */
#include "resp/aof.h"

#include "resp/text.h"

#include <stdio.h>

/* --------------------------------------------------------------------------------- for sessions */

static const char *attach_refusal(void *context)
{
    int error = ((kvresp_aof *)context)->writer.error;
    return error != 0 ? aof_io_explain(error) : NULL;
}

static bool attach_holds_replies(void *context)
{
    return ((kvresp_aof *)context)->writer.fsync == KVRESP_FSYNC_ALWAYS;
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

static kv_status attach_read_appendonly(void *context, kv_buffer *value)
{
    (void)context;
    return text_append_string(value, "yes");
}

static const char *attach_check_yes_no(void *context, kv_slice value, char message[256])
{
    (void)context;
    (void)message;
    return text_is(value, "yes") || text_is(value, "no") ? NULL : "argument must be 'yes' or 'no'";
}

/* What needs no change succeeds, as it does in Redis. */
static const char *attach_apply_appendonly(void *context, kv_slice value, char message[256])
{
    (void)context;
    (void)message;
    return text_is(value, "yes")
               ? NULL
               : "kvstore cannot leave the append-only file at run time: restart it without";
}

static kv_status attach_read_truncated(void *context, kv_buffer *value)
{
    return text_append_string(value, ((kvresp_aof *)context)->refuse_truncated ? "no" : "yes");
}

/* Has its effect at the next start, by way of CONFIG REWRITE. */
static const char *attach_apply_truncated(void *context, kv_slice value, char message[256])
{
    (void)message;
    ((kvresp_aof *)context)->refuse_truncated = text_is(value, "no");
    return NULL;
}

static kv_status attach_read_directory_name(void *context, kv_buffer *value)
{
    return text_append_string(value, ((kvresp_aof *)context)->directory_name);
}

static kv_status attach_read_file_name(void *context, kv_buffer *value)
{
    return text_append_string(value, ((kvresp_aof *)context)->file_name);
}

/* Only a configuration file gets here, and it was read before the files were opened. */
static const char *attach_apply_name(const char *name, kv_slice value)
{
    return text_equal(value, kv_text(name)) ? NULL : "the append-only file is already open";
}

static const char *attach_apply_directory_name(void *context, kv_slice value, char message[256])
{
    (void)message;
    return attach_apply_name(((kvresp_aof *)context)->directory_name, value);
}

static const char *attach_apply_file_name(void *context, kv_slice value, char message[256])
{
    (void)message;
    return attach_apply_name(((kvresp_aof *)context)->file_name, value);
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
    {.name = "aof-load-truncated",
     .read = attach_read_truncated,
     .check = attach_check_yes_no,
     .apply = attach_apply_truncated},
};

/* ----------------------------------------------------------------------------------------- INFO */

/* The lines that Redis has only while the file is in use; the others are there in any case. */
static void attach_write_info(void *context, kv_buffer *text)
{
    kvresp_aof *aof = context;
    kvresp_aof_status status = KV_OPTIONS(kvresp_aof_status);
    kvresp_aof_stat(aof, &status);
    text_format(text, "aof_current_size:%llu\r\n", (unsigned long long)status.current_size);
    text_format(text, "aof_base_size:%llu\r\n", (unsigned long long)status.base_size);
    text_format(text, "aof_pending_rewrite:0\r\n");
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
    };
    kv_status status = kvresp_config_add(resp, attach_parameters,
                                         sizeof attach_parameters / sizeof *attach_parameters, aof);
    if (status == KV_OK) status = kvresp_info_add(resp, "persistence", attach_write_info, aof);
    if (status != KV_OK) {
        kvresp_forget(resp, aof);
        return status;
    }
    resp_attach_link(resp, &aof->link);
    return KV_OK;
}
