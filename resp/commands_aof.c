/*
 * resp/commands_aof.c -- BGREWRITEAOF. What else there is to say to the append-only file are
 * parameters (aof_attach.c).
 */
#include "resp/commands.h"

#include "resp/aof_link.h"

void bgrewriteaof_command(struct call *call)
{
    const struct aof_link *aof = call->resp->aof;
    /* In a transaction nothing begins before its end. */
    kv_status status = aof != NULL ? aof->rewrite(aof->context, call->in_exec) : KV_NONE;
    if (status == KV_OK) {
        writer_simple(call->reply, "Background append only file rewriting started");
    } else if (status == KV_PENDING) {
        writer_simple(call->reply, "Background append only file rewriting scheduled");
    } else if (status == KV_BUSY) {
        call_error(call, "ERR Background append only file rewriting already in progress");
    } else {
        call_error(call, "ERR Can't execute an AOF background rewriting. Please check the server "
                         "logs for more information.");
    }
}
