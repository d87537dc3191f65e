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

static bool save_forget(kvresp_session *session)
{
    return saving_forget(&session->resp->saving, &session->blocked.saving);
}

/*
 * Begins to wait for the outcome: the session does, if it may, else this thread will. To be followed
 * by save_wait() if the save was put in line, else by save_undo().
 */
static struct saving_waiter *save_prepare(struct call *call)
{
    struct saving_waiter *waiter = &call->session->blocked.saving;
    bool may_wait = call_may_wait(call);
    *waiter = (struct saving_waiter){.session = may_wait ? call->session : NULL};
    if (may_wait) blocked_prepare(call, save_forget);
    return waiter;
}

static void save_undo(struct call *call)
{
    if (call->session->flags & SESSION_BLOCKED) blocked_undo(call->session);
}

/* KV_PENDING: the session waits, and the reply is not written here. */
static kv_status save_wait(struct call *call)
{
    struct saving_waiter *waiter = &call->session->blocked.saving;
    if (call->session->flags & SESSION_BLOCKED) return KV_PENDING;
    return saving_await(&call->resp->saving, waiter, NULL);
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

void save_command(struct call *call)
{
    struct saving_waiter *waiter = save_prepare(call);
    kv_status status = KV_BUSY;
    if (!save_is_foreign(call->resp))
        status = saving_want(&call->resp->saving, SAVING_BEGIN, waiter);
    if (status != KV_OK) save_undo(call);
    else status = save_wait(call);
    if (status != KV_PENDING) save_answer(call, status);
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

static void shutdown_abort(struct call *call)
{
    if (saving_cancel_last(&call->resp->saving)) writer_ok(call->reply);
    else call_error(call, "ERR No shutdown in progress.");
}

/* No reply: the connection's end is one. */
static void shutdown_answer(struct call *call, bool ends)
{
    if (ends) call->session->flags |= SESSION_CLOSING;
    else call_error(call, SAVING_SHUTDOWN_ERROR);
}

/* The host is asked when the save has succeeded; it is not if there is none to ask. */
static void shutdown_save(struct call *call, unsigned flags)
{
    struct saving_waiter *waiter = save_prepare(call);
    kvresp_logf(call->resp, KVRESP_NOTICE, "Saving the final RDB snapshot before exiting.");
    kv_status status = saving_want_last(&call->resp->saving, flags, true, waiter);
    if (status != KV_OK) save_undo(call);
    else status = save_wait(call);
    if (status != KV_PENDING) shutdown_answer(call, status == KV_OK);
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
        shutdown_abort(call);
        return;
    }
    if (atomic_load(&resp->gates) & GATE_LOADING) /* half the data must not replace the file */
        flags = (flags & ~KVRESP_SHUTDOWN_SAVE) | KVRESP_SHUTDOWN_NOSAVE;
    if (resp->shutdown != NULL && saving_is_due_at_end(&resp->saving, flags))
        shutdown_save(call, flags);
    else
        shutdown_answer(call,
                        resp->shutdown != NULL && resp->shutdown(resp->shutdown_context, flags));
}
