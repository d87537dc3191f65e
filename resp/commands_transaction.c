/*
 * resp/commands_transaction.c -- MULTI, EXEC, DISCARD, WATCH, UNWATCH.
 *
 * Between MULTI and EXEC commands are copied and queued. EXEC finds the keys of all of them, begins
 * a transaction of the store over these keys (or over everything, if one of the commands sees more
 * than keys), and runs them on its view; whatever they answer, the transaction commits, as Redis's
 * do. Watched keys are a condition of the beginning, so nothing comes between the check and the
 * execution.
 */
#include "resp/commands.h"

#include <stdlib.h>

/* ------------------------------------------------------------------------------------- queueing */

static kv_slice *transaction_copy(const kv_slice *arguments, size_t count, size_t *size)
{
    *size = count * sizeof *arguments;
    for (size_t i = 0; i < count; i++) *size += arguments[i].size;
    kv_slice *copies = malloc(*size);
    if (copies == NULL) return NULL;
    char *at = (char *)(copies + count);
    for (size_t i = 0; i < count; i++) {
        if (arguments[i].size > 0) memcpy(at, arguments[i].data, arguments[i].size);
        copies[i] = kv_bytes(at, arguments[i].size);
        at += arguments[i].size;
    }
    return copies;
}

static bool transaction_make_room(struct transaction *transaction)
{
    if (transaction->count < transaction->capacity) return true;
    size_t grown = transaction->capacity < 8 ? 8 : 2 * transaction->capacity;
    struct queued_command *commands = realloc(transaction->commands, grown * sizeof *commands);
    if (commands == NULL) return false;
    transaction->commands = commands;
    transaction->capacity = grown;
    return true;
}

void transaction_queue(struct call *call)
{
    struct transaction *transaction = &call->session->transaction;
    size_t size;
    kv_slice *arguments = NULL;
    if (transaction_make_room(transaction))
        arguments = transaction_copy(call->arguments, call->count, &size);
    if (arguments == NULL) {
        call->session->flags |= SESSION_MULTI_FAILED;
        call_fail(call, KV_NOMEM);
        return;
    }
    transaction->commands[transaction->count++] =
        (struct queued_command){call->command, call->count, arguments};
    transaction->bytes += size + sizeof(struct queued_command);
    transaction->flags |= call->command->facts.flags;
    transaction->may_replicate |= command_may_replicate(call->command);
    transaction->needs_data |= !(call->command->facts.flags & COMMAND_LOADING);
    transaction->needs_fresh_data |= !(call->command->facts.flags & COMMAND_STALE);
    WRITER_LITERAL(call->reply, "+QUEUED\r\n");
}

void multi_command(struct call *call)
{
    if (call->session->flags & SESSION_MULTI) {
        call_error(call, "ERR MULTI calls can not be nested");
        return;
    }
    call->session->flags |= SESSION_MULTI;
    writer_ok(call->reply);
}

static void transaction_end(kvresp_session *session)
{
    session_drop_queue(session);
    session_unwatch(session);
}

void discard_command(struct call *call)
{
    if (!(call->session->flags & SESSION_MULTI)) {
        call_error(call, "ERR DISCARD without MULTI");
        return;
    }
    transaction_end(call->session);
    writer_ok(call->reply);
}

/* ------------------------------------------------------------------------------------- watching */

void watch_command(struct call *call)
{
    kvresp_session *session = call->session;
    if (session->flags & SESSION_MULTI) {
        call_error(call, "ERR WATCH inside MULTI is not allowed");
        return;
    }
    kv_status status =
        session->watch == NULL ? kv_watch_open(call->resp->store, &session->watch) : KV_OK;
    for (size_t i = 1; i < call->count && status == KV_OK; i++) {
        status = kv_watch_add(session->watch, call->db, call->arguments[i]);
        if (status == KV_OK) session->is_watching = true;
    }
    if (status != KV_OK) call_fail(call, status);
    else writer_ok(call->reply);
}

void unwatch_command(struct call *call)
{
    if (!call->in_exec) session_unwatch(call->session); /* EXEC forgets them in any case */
    writer_ok(call->reply);
}

/* ------------------------------------------------------------------------------------ executing */

/* What the queued commands need together. */
struct exec_needs {
    const kv_slice *arguments; /* of the command being looked at */
    kv_slice *keys;
    size_t key_count;
    bool everything, configuration;
};

static void exec_count_key(void *context, size_t index, unsigned flags)
{
    struct exec_needs *needs = context;
    (void)index, (void)flags;
    needs->key_count++;
}

static void exec_note_key(void *context, size_t index, unsigned flags)
{
    struct exec_needs *needs = context;
    (void)flags;
    needs->keys[needs->key_count++] = needs->arguments[index];
}

/*
 * Commands whose keys cannot be told (a wrong number of them) will answer with an error before they
 * need any.
 */
static void exec_each_key(const struct transaction *transaction, struct exec_needs *needs,
                          command_visit_key *visit)
{
    needs->key_count = 0;
    for (size_t i = 0; i < transaction->count; i++) {
        const struct queued_command *queued = &transaction->commands[i];
        needs->arguments = queued->arguments;
        command_find_keys(queued->command, queued->arguments, queued->count, visit, needs);
    }
}

/* Whether the command takes the configuration's lock: EXEC has to be first, see shared.h. */
static bool exec_needs_configuration(const struct command *command)
{
    return strncmp(command->facts.name, "config", 6) == 0 || command->handler == info_command ||
           command->handler == auth_command || command->handler == hello_command ||
           command->handler == replicaof_command || command->handler == slaveof_command;
}

static kv_status exec_find_needs(struct call *call, struct exec_needs *needs)
{
    const struct transaction *transaction = &call->session->transaction;
    for (size_t i = 0; i < transaction->count; i++) {
        const struct command *command = transaction->commands[i].command;
        if (command_sees_everything(command)) needs->everything = true;
        if (exec_needs_configuration(command)) needs->configuration = true;
    }
    if (needs->everything) return KV_OK;
    exec_each_key(transaction, needs, exec_count_key);
    call->worker->value.size = 0;
    if (text_reserve(&call->worker->value, needs->key_count * sizeof(kv_slice)) != KV_OK)
        return KV_NOMEM;
    needs->keys = call->worker->value.data;
    exec_each_key(transaction, needs, exec_note_key);
    return KV_OK;
}

static kv_status exec_begin(struct call *call, const struct exec_needs *needs, kv **txn)
{
    kv_txn_options options = KV_OPTIONS(kv_txn_options);
    options.flags = needs->everything ? KV_TXN_ALL : 0;
    options.keys = needs->keys;
    options.key_count = needs->everything ? 0 : needs->key_count;
    options.watch = call->session->is_watching ? call->session->watch : NULL;
    return kv_begin(call->db, &options, txn);
}

static void exec_run(struct call *call, kv *txn)
{
    struct transaction *transaction = &call->session->transaction;
    struct call inner = *call;
    inner.db = kv_select(txn, call->session->database);
    inner.in_exec = true;
    atomic_store(&call->session->shown.command, call->command); /* EXEC, whatever it executes */
    writer_array(call->reply, transaction->count);
    for (size_t i = 0; i < transaction->count; i++) {
        const struct queued_command *queued = &transaction->commands[i];
        inner.command = queued->command;
        inner.arguments = queued->arguments;
        inner.count = queued->count;
        call_execute(&inner);
    }
}

static void exec_queued(struct call *call)
{
    struct exec_needs needs = {0};
    kv *txn;
    kv_status status = exec_find_needs(call, &needs);
    if (needs.configuration) config_lock(&call->resp->config);
    if (status == KV_OK) status = exec_begin(call, &needs, &txn);
    if (status == KV_OK) {
        exec_run(call, txn);
        kv_commit(txn);
        if (call->session->transaction.may_replicate) session_note_offset(call->session);
    }
    if (call->session->has_wish) following_carry_out(&call->resp->following);
    call->session->has_wish = false;
    if (needs.configuration) config_unlock(&call->resp->config);
    if (status == KV_CONFLICT) writer_null_array(call->reply);
    else if (status != KV_OK) call_fail(call, status);
}

void exec_command(struct call *call)
{
    kvresp_session *session = call->session;
    if (!(session->flags & SESSION_MULTI)) {
        call_error(call, "ERR EXEC without MULTI");
        return;
    }
    if (session->flags & SESSION_MULTI_FAILED) {
        call_error(call, "EXECABORT Transaction discarded because of previous errors.");
    } else {
        exec_queued(call);
    }
    transaction_end(session);
    call->db =
        kv_select(call->worker->view, session->database); /* a SELECT may have been among them */
}
