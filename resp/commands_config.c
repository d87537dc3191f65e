/*
 * resp/commands_config.c -- CONFIG.
 */
#include "resp/aof_link.h"
#include "resp/clients.h"
#include "resp/commands.h"
#include "resp/info.h"

#include <string.h>

void config_command(struct call *call)
{
    call_subcommand_error(call);
}

struct config_reply {
    struct writer *reply;
    uint64_t count;
};

static void config_get_visit(void *context, kv_slice name, kv_slice value)
{
    struct config_reply *found = context;
    writer_bulk(found->reply, name);
    writer_bulk(found->reply, value);
    found->count++;
}

void config_get_command(struct call *call)
{
    struct config_reply found = {call->reply, 0};
    size_t mark = call->reply->size - call->reply->start;
    size_t began = writer_begin_deferred(call->reply);
    kv_status status = config_get(&call->resp->config, call->arguments + 2, call->count - 2,
                                  config_get_visit, &found);
    if (status == KV_OK) {
        writer_end_deferred(call->reply, began, '%', found.count);
    } else { /* what was written of the reply is taken back */
        call->reply->size = call->reply->start + mark;
        call_fail(call, status);
    }
}

/* Names and values stand in turns; they are parted in the worker's buffer. */
void config_set_command(struct call *call)
{
    if (call->count % 2 != 0) {
        call_error(call, ERROR_SYNTAX);
        return;
    }
    size_t count = (call->count - 2) / 2;
    if (text_reserve(&call->worker->value, 2 * count * sizeof(kv_slice)) != KV_OK) {
        call_fail(call, KV_NOMEM);
        return;
    }
    kv_slice *names = call->worker->value.data, *values = names + count;
    for (size_t i = 0; i < count; i++) {
        names[i] = call->arguments[2 + 2 * i];
        values[i] = call->arguments[3 + 2 * i];
    }
    char message[CONFIG_MESSAGE_SIZE];
    int access = atomic_load(&call->resp->settings.protected_configs);
    unsigned powers = call_has_access(call, access) ? CONFIG_PROTECTED : 0u;
    const char *error = config_set(&call->resp->config, names, values, count, powers, message);
    if (error != NULL) call_error_format(call, "ERR %s", error);
    else writer_ok(call->reply);
}

void config_resetstat_command(struct call *call)
{
    info_reset(call->resp, call->db);
    writer_ok(call->reply);
}

void config_rewrite_command(struct call *call)
{
    if (call->resp->config_file == NULL) {
        call_error(call, "ERR The server is running without a config file");
        return;
    }
    /* The file would name a directory in which the log is not: a restart would begin with nothing. */
    if (aof_link_is_elsewhere(call->resp->aof)) {
        call_error(call, "ERR Rewriting config file: the append-only file is not in 'dir' yet: "
                         "turn appendonly off and on");
        return;
    }
    int error = config_rewrite(call->resp, call->resp->config_file);
    if (error == 0) {
        kvresp_logf(call->resp, KVRESP_NOTICE, "CONFIG REWRITE executed with success.");
        writer_ok(call->reply);
    } else {
        kvresp_logf(call->resp, KVRESP_WARNING, "CONFIG REWRITE failed: %s", strerror(error));
        call_error_format(call, "ERR Rewriting config file: %s", strerror(error));
    }
}

void config_help_command(struct call *call)
{
    static const char *const lines[] = {
        "GET <pattern> [<pattern> ...]",
        "    Return the parameters whose names match, and their values.",
        "RESETSTAT",
        "    Start the statistics of INFO from zero again.",
        "REWRITE",
        "    Write what is in force to the configuration file.",
        "SET <parameter> <value> [<parameter> <value> ...]",
        "    Change parameters, all that are named or none.",
        NULL};
    call_help(call, lines);
}
