/*
 * resp/commands_aof.c -- BGREWRITEAOF. What else there is to say to the append-only file are
 * parameters (aof_attach.c).
 */
#include "resp/commands.h"

#include "resp/aof_link.h"

/* A snapshot that is under way comes first; in a transaction nothing begins before its end. */
static bool rewrite_must_wait(const struct call *call)
{
    kv_snapshot_progress progress;
    return call->in_exec || snapshots_progress(&call->resp->snapshots, &progress) != NULL;
}

void bgrewriteaof_command(struct call *call)
{
    const struct aof_link *aof = call->resp->aof;
    bool must_wait = rewrite_must_wait(call);
    kv_status status = aof != NULL ? aof->rewrite(aof->context) : KV_NONE;
    if (status == KV_BUSY) {
        call_error(call, "ERR Background append only file rewriting already in progress");
    } else if (status != KV_OK) {
        call_error(call, "ERR Can't execute an AOF background rewriting. Please check the server "
                         "logs for more information.");
    } else {
        writer_simple(call->reply, must_wait ? "Background append only file rewriting scheduled"
                                             : "Background append only file rewriting started");
    }
}
