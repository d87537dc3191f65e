/*
 * resp/commands_save.c -- what is kept in the RDB file: saving it, when that was, and shutting down.
 */
#include "resp/blocked.h"
#include "resp/commands.h"

#define SAVE_IN_PROGRESS "ERR Background save already in progress"

void lastsave_command(struct call *call)
{
    writer_integer(call->reply, saving_last_s(&call->resp->saving));
}

/* --------------------------------------------------------------------------------------- waiting */

/* Who waits for the outcome: the session, if it may, else this thread. */
static struct waiter *save_waiter(struct call *call)
{
    struct waiter *waiter = &call->session->waiter;
    waiter->session = call_may_wait(call) ? call->session : NULL;
    return waiter;
}

/* ---------------------------------------------------------------------------------- SAVE, BGSAVE */

/* Who else takes a snapshot at present, NULL if nobody. */
static const char *save_other(kvresp *resp)
{
    kv_snapshot_progress progress;
    const char *name = snapshots_progress(&resp->snapshots, &progress);
    return name != NULL && strcmp(name, SAVING_JOB) != 0 ? name : NULL;
}

bool save_is_foreign(kvresp *resp)
{
    const char *other = save_other(resp);
    return other != NULL && strcmp(other, SNAPSHOTS_AOF) != 0;
}

static void save_answer(struct call *call, kv_status status)
{
    if (status == KV_OK) writer_ok(call->reply);
    else if (status == KV_BUSY) call_error(call, SAVE_IN_PROGRESS);
    else call_error(call, "ERR");
}

static void save_reply(struct call *call)
{
    save_answer(call, call->session->waiter.status);
}

static const struct blocked_kind save_kind = {waiter_is_over, save_reply, waiter_end, true};

void save_command(struct call *call)
{
    struct saving *saving = &call->resp->saving;
    struct waiter *waiter = save_waiter(call);
    kv_status status = KV_BUSY;
    if (!save_is_foreign(call->resp)) status = saving_want(saving, SAVING_BEGIN, waiter);
    if (status != KV_OK) save_answer(call, status);
    else if (waiter->session != NULL) blocked_begin_kind(call, &save_kind, 0);
    else save_answer(call, saving_await(saving, waiter));
}

static void bgsave_cancel(struct call *call)
{
    bool was_scheduled;
    if (saving_cancel(&call->resp->saving, &was_scheduled) != KV_OK)
        call_error(call, "ERR Background saving is currently not in progress or scheduled");
    else
        writer_simple(call->reply, was_scheduled ? "Scheduled background saving cancelled"
                                                 : "Background saving cancelled");
}

static void bgsave_begin(struct call *call, bool schedules)
{
    if (save_is_foreign(call->resp)) {
        call_error(call, SAVE_IN_PROGRESS);
        return;
    }
    bool must_wait = save_other(call->resp) != NULL || call->in_exec;
    if (must_wait && !schedules && !call->in_exec) {
        call_error(call, "ERR Another child process is active (AOF?): can't BGSAVE right now. Use "
                         "BGSAVE SCHEDULE in order to schedule a BGSAVE whenever possible.");
        return;
    }
    enum saving_wish wish = must_wait ? SAVING_SCHEDULE : SAVING_BEGIN;
    kv_status status = saving_want(&call->resp->saving, wish, NULL);
    if (status != KV_OK) save_answer(call, status);
    else
        writer_simple(call->reply,
                      must_wait ? "Background saving scheduled" : "Background saving started");
}

void bgsave_command(struct call *call)
{
    bool schedules = call->count == 2 && call_is(call, 1, "schedule");
    if (call->count == 2 && call_is(call, 1, "cancel")) bgsave_cancel(call);
    else if (call->count > 1 && !schedules) call_error(call, ERROR_SYNTAX);
    else bgsave_begin(call, schedules);
}

/* -------------------------------------------------------------------------------------- SHUTDOWN */

static bool shutdown_flags(struct call *call, unsigned *flags)
{
    static const struct {
        const char *word;
        unsigned flag;
    } options[] = {{"nosave", KVRESP_SHUTDOWN_NOSAVE},
                   {"save", KVRESP_SHUTDOWN_SAVE},
                   {"now", KVRESP_SHUTDOWN_NOW},
                   {"force", KVRESP_SHUTDOWN_FORCE},
                   {"abort", KVRESP_SHUTDOWN_ABORT}};
    *flags = 0;
    for (size_t i = 1; i < call->count; i++) {
        unsigned flag = 0;
        for (size_t j = 0; j < sizeof options / sizeof options[0]; j++)
            if (call_is(call, i, options[j].word)) flag = options[j].flag;
        *flags |= flag;
        if (flag == 0) return false;
    }
    bool is_both = *flags & KVRESP_SHUTDOWN_SAVE && *flags & KVRESP_SHUTDOWN_NOSAVE;
    bool is_more_than_abort = *flags & KVRESP_SHUTDOWN_ABORT && *flags != KVRESP_SHUTDOWN_ABORT;
    return !is_both && !is_more_than_abort;
}

/* No reply: the connection's end is one. */
static void shutdown_answer(struct call *call, kv_status status)
{
    if (status == KV_OK) call->session->flags |= SESSION_CLOSING;
    else call_error(call, "ERR Errors trying to SHUTDOWN. Check logs.");
}

static void shutdown_reply(struct call *call)
{
    shutdown_answer(call, call->session->waiter.status);
}

static const struct blocked_kind shutdown_kind = {waiter_is_over, shutdown_reply, waiter_end, true};

static void shutdown_wait(struct call *call, unsigned flags)
{
    struct shutdown *shutdown = &call->resp->ending;
    struct waiter *waiter = save_waiter(call);
    shutdown_begin(shutdown, flags, true, waiter);
    if (waiter->session == NULL) shutdown_answer(call, shutdown_await(shutdown, waiter));
    else if (waiter_is_told(waiter)) shutdown_answer(call, waiter->status);
    else blocked_begin_kind(call, &shutdown_kind, 0);
}

void shutdown_command(struct call *call)
{
    kvresp *resp = call->resp;
    unsigned flags;
    if (!shutdown_flags(call, &flags)) {
        call_error(call, ERROR_SYNTAX);
        return;
    }
    if (flags & KVRESP_SHUTDOWN_ABORT) {
        if (shutdown_abort(&resp->ending)) writer_ok(call->reply);
        else call_error(call, "ERR No shutdown in progress.");
        return;
    }
    if (atomic_load(&resp->gates) & GATE_LOADING) /* half the data must not replace the file */
        flags = (flags & ~KVRESP_SHUTDOWN_SAVE) | KVRESP_SHUTDOWN_NOSAVE;
    if (resp->shutdown != NULL) shutdown_wait(call, flags);
    else shutdown_answer(call, KV_SKIPPED);
}
