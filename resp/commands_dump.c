/*
 * resp/commands_dump.c -- values as bytes: DUMP and RESTORE.
 */
#include "resp/commands.h"

void dump_command(struct call *call)
{
    kv_buffer *payload = &call->worker->value;
    payload->size = 0;
    unsigned version = (unsigned)call->resp->saving.rdb_version;
    kv_status status = kv_dump_as(call->db, call->arguments[1], version, payload);
    if (status == KV_OK) writer_bulk(call->reply, text_of_buffer(payload));
    else if (status == KV_NONE) writer_null(call->reply);
    else call_fail(call, status);
}

/* What stands behind the payload. An idle time or a frequency that is not given is -1. */
struct restore_wish {
    bool replace, is_absolute;
    int64_t idle_s, frequency;
};

/* Argument `index` as a number up to `maximum`, or `error`. */
static bool restore_number(struct call *call, size_t index, int64_t maximum, int64_t *number,
                           const char *error)
{
    if (!call_integer(call, index, number, NULL)) return false;
    if (*number >= 0 && *number <= maximum) return true;
    call_error(call, error);
    return false;
}

/* False: answered. */
static bool restore_read(struct call *call, struct restore_wish *wish)
{
    *wish = (struct restore_wish){.idle_s = -1, .frequency = -1};
    for (size_t i = 4; i < call->count; i++) {
        bool has_more = i + 1 < call->count;
        if (call_is(call, i, "replace")) {
            wish->replace = true;
        } else if (call_is(call, i, "absttl")) {
            wish->is_absolute = true;
        } else if (call_is(call, i, "idletime") && has_more && wish->frequency == -1) {
            if (!restore_number(call, ++i, INT64_MAX, &wish->idle_s,
                                "ERR Invalid IDLETIME value, must be >= 0"))
                return false;
        } else if (call_is(call, i, "freq") && has_more && wish->idle_s == -1) {
            if (!restore_number(call, ++i, 255, &wish->frequency,
                                "ERR Invalid FREQ value, must be >= 0 and <= 255"))
                return false;
        } else {
            call_error(call, ERROR_SYNTAX);
            return false;
        }
    }
    return true;
}

/* Leaves no trace of the look. */
static bool restore_key_exists(struct call *call)
{
    kv_object_info info = {.size = sizeof info};
    return kv_object(call->db, call->arguments[1], &info) == KV_OK;
}

static void restore_answer(struct call *call, kv_status status)
{
    switch (status) {
    case KV_OK: writer_ok(call->reply); break;
    case KV_SKIPPED: call_error(call, "BUSYKEY Target key name already exists."); break;
    case KV_BADSUM: call_error(call, "ERR DUMP payload version or checksum are wrong"); break;
    case KV_CORRUPT: call_error(call, "ERR Bad data format"); break;
    case KV_OVERFLOW: call_error(call, "ERR Invalid TTL value, must be >= 0"); break;
    default: call_fail(call, status); break;
    }
}

/* A frequency counts under LFU policies only, as in Redis; there is none here. */
void restore_command(struct call *call)
{
    struct restore_wish wish;
    int64_t ttl_ms;
    if (!restore_read(call, &wish)) return;
    if (!wish.replace && restore_key_exists(call)) {
        restore_answer(call, KV_SKIPPED);
        return;
    }
    if (!restore_number(call, 2, INT64_MAX, &ttl_ms, "ERR Invalid TTL value, must be >= 0")) return;
    kv_restore_options options = KV_OPTIONS(kv_restore_options);
    options.replace = wish.replace;
    if (wish.is_absolute) options.deadline_ms = ttl_ms == KV_NEVER ? ttl_ms - 1 : ttl_ms;
    else options.ttl_ms = ttl_ms;
    if (wish.idle_s > 0)
        options.idle_ms = wish.idle_s < INT64_MAX / 1000 ? wish.idle_s * 1000 : INT64_MAX;
    restore_answer(call, kv_restore(call->db, call->arguments[1], call->arguments[3], &options));
}

void restore_asking_command(struct call *call)
{
    restore_command(call);
}
