/*
 * resp/call.c -- what stands around the execution of a command: conditions before, statistics
 * after, errors.
 */
#include "resp/call.h"

#include "resp/clients.h"
#include "resp/commands.h"

#include <stdio.h>
#include <stdlib.h>

/* --------------------------------------------------------------------------------------- errors */

void call_error_slice(struct call *call, kv_slice text)
{
    writer_error(call->reply, text);
    call->session->errors++;
    statistics_error(&call->resp->statistics, text);
}

void call_error(struct call *call, const char *text)
{
    call_error_slice(call, kv_text(text));
}

void call_error_format(struct call *call, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (size < 0) size = 0;
    call_error_slice(call,
                     kv_bytes(text, (size_t)size < sizeof text ? (size_t)size : sizeof text - 1));
}

void call_fail(struct call *call, kv_status status)
{
    switch (status) {
    case KV_WRONGTYPE: call_error(call, ERROR_WRONG_TYPE); break;
    case KV_NOMEM:
        call_error(call, "OOM command not allowed when used memory > 'maxmemory'.");
        break;
    case KV_NOTINT: call_error(call, ERROR_NOT_INTEGER); break;
    case KV_NOTFLOAT: call_error(call, "ERR value is not a valid float"); break;
    case KV_OVERFLOW: call_error(call, "ERR increment or decrement would overflow"); break;
    case KV_TOOBIG:
        call_error(call, "ERR string exceeds maximum allowed size (proto-max-bulk-len)");
        break;
    case KV_NOTFINITE: call_error(call, "ERR increment would produce NaN or Infinity"); break;
    case KV_NOTFOUND: call_error(call, ERROR_NO_KEY); break;
    case KV_READONLY:
        call_error(call, "READONLY the store does not accept writes at present.");
        break;
    default: call_error_format(call, "ERR %s", kv_strerror(status)); break;
    }
}

static void call_upper(char *text)
{
    for (; *text != '\0'; text++)
        if (*text >= 'a' && *text <= 'z') *text = (char)(*text - 'a' + 'A');
}

/* The name of the command's container, or its own, in capitals. */
static void call_container_name(const struct call *call, char name[32])
{
    snprintf(name, 32, "%s", call->command->facts.name);
    name[strcspn(name, "|")] = '\0';
    call_upper(name);
}

void call_subcommand_error(struct call *call)
{
    char name[32];
    call_container_name(call, name);
    kv_slice word = text_terminated(call->arguments[1]);
    call_error_format(
        call, "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try %s HELP.",
        (int)(word.size < 128 ? word.size : 128), (const char *)word.data, name);
}

void *call_results(struct call *call, size_t count, size_t size)
{
    kv_buffer *room = &call->worker->value;
    if (count <= SIZE_MAX / size && text_reserve(room, count * size) == KV_OK) return room->data;
    call_fail(call, KV_NOMEM);
    return NULL;
}

void call_answer_results(struct call *call, kv_status status, const kv_field_result *results,
                         size_t count)
{
    if (status < 0) {
        call_fail(call, status);
        return;
    }
    writer_array(call->reply, count);
    for (size_t i = 0; i < count; i++) writer_integer(call->reply, results[i]);
}

void call_put_before(struct call *call, size_t began, struct writer *head)
{
    if (head->failed) call->session->is_failed = true;
    else writer_insert(call->reply, began, kv_bytes(head->bytes, head->size));
    writer_free(head);
}

void call_help(struct call *call, const char *const *lines)
{
    char name[32];
    call_container_name(call, name);
    size_t count = 0;
    while (lines[count] != NULL) count++;
    kv_buffer *text = &call->worker->text;
    text->size = 0;
    text_format(text, "%s <subcommand> [<arg> [value] [opt] ...]. Subcommands are:%c", name, 0);
    writer_array(call->reply, count + 3);
    writer_simple(call->reply, text->data);
    for (size_t i = 0; i < count; i++) writer_simple(call->reply, lines[i]);
    writer_simple(call->reply, "HELP");
    writer_simple(call->reply, "    Print this help.");
}

/* ------------------------------------------------------------------------------------ arguments */

bool call_integer(struct call *call, size_t index, int64_t *value, const char *error)
{
    if (text_parse_integer(call->arguments[index], value)) return true;
    call_error(call, error != NULL ? error : ERROR_NOT_INTEGER);
    return false;
}

bool call_integer_between(struct call *call, size_t index, int64_t minimum, int64_t maximum,
                          int64_t *value, const char *error)
{
    if (!call_integer(call, index, value, error)) return false;
    if (*value >= minimum && *value <= maximum) return true;
    if (error != NULL) call_error(call, error);
    else
        call_error_format(call, "ERR value is out of range, value must between %lld and %lld",
                          (long long)minimum, (long long)maximum);
    return false;
}

/* ------------------------------------------------------------------------------------ executing */

/* Puts "(redacted)" for what must not be seen in the slow log. */
static void call_redact(const struct call *call, kv_slice *arguments, size_t count)
{
    command_handler *handler = call->command->handler;
    for (size_t i = 1; i < count; i++) {
        bool is_secret = handler == auth_command;
        if (handler == hello_command)
            is_secret = (i > 1 && text_is(call->arguments[i - 1], "auth")) ||
                        (i > 2 && text_is(call->arguments[i - 2], "auth"));
        if (handler == migrate_command)
            is_secret = (i > 6 && text_is(call->arguments[i - 1], "auth")) ||
                        (i > 6 && text_is(call->arguments[i - 1], "auth2")) ||
                        (i > 7 && text_is(call->arguments[i - 2], "auth2"));
        if (handler == config_set_command && i >= 3 && i % 2 == 1)
            is_secret = config_is_sensitive(&call->resp->config, call->arguments[i - 1]);
        if (is_secret) arguments[i] = kv_text("(redacted)");
    }
}

static void call_note_slow(struct call *call, uint64_t nanoseconds)
{
    kv_slice arguments[SLOWLOG_ARGUMENTS_MAX];
    kvresp_session *session = call->session;
    size_t copied = call->count < SLOWLOG_ARGUMENTS_MAX ? call->count : SLOWLOG_ARGUMENTS_MAX;
    memcpy(arguments, call->arguments, copied * sizeof *arguments);
    call_redact(call, arguments, copied);
    slowlog_add(&call->resp->slowlog, resp_setting(&call->resp->settings.slowlog_length_max),
                kv_now(call->worker->view) / 1000, (int64_t)(nanoseconds / 1000), arguments,
                call->count, session->address, kv_text(session->name != NULL ? session->name : ""));
}

bool call_is_notable(const struct call *call, uint64_t nanoseconds)
{
    return nanoseconds >= resp_setting(&call->resp->settings.notable_ns);
}

void call_note(struct call *call, uint64_t nanoseconds)
{
    struct settings *settings = &call->resp->settings;
    unsigned flags = call->command->facts.flags;
    int64_t threshold_us = atomic_load(&settings->slowlog_threshold_us);
    if (threshold_us >= 0 && nanoseconds / 1000 >= (uint64_t)threshold_us &&
        !(flags & COMMAND_SKIP_SLOWLOG))
        call_note_slow(call, nanoseconds);
    resp_note_latency(call->resp, flags & COMMAND_FAST ? "fast-command" : "command",
                      nanoseconds / 1000000);
}

void call_execute(struct call *call)
{
    const struct command *command = call->command;
    kvresp_session *session = call->session;
    uint64_t began = statistics_clock();
    command->handler(call);
    uint64_t nanoseconds = statistics_clock() - began;
    counters_add(&call->worker->counters, command, 1, nanoseconds,
                 atomic_load(&call->resp->settings.tracks_latency));
    if (call_is_notable(call, nanoseconds)) call_note(call, nanoseconds);
    if (session->errors != session->charged) counters_fail(&call->worker->counters, command, 1);
    session->charged = session->errors; /* not to EXEC as well */
    if (command->facts.flags & COMMAND_WRITE) session->wrote = true;
}

/* ----------------------------------------------------------------------------------- conditions */

/* The command cannot be executed: says so, and a transaction under way is spoilt. */
static void call_reject(struct call *call, const char *text)
{
    kvresp_session *session = call->session;
    if (session->flags & SESSION_MULTI) session->flags |= SESSION_MULTI_FAILED;
    if (call->command != NULL) counters_reject(&call->worker->counters, call->command);
    if (call->command != NULL && call->command->handler == exec_command) {
        session_drop_queue(session);
        session_unwatch(session);
        if (strncmp(text, "ERR ", 4) == 0) text += 4;
        call_error_format(call, "EXECABORT Transaction discarded because of: %s", text);
        return;
    }
    call_error(call, text);
}

/* The first 128 bytes of an argument as Redis quotes them in errors. */
static int call_quoted_size(kv_slice *argument, size_t limit)
{
    *argument = text_terminated(*argument);
    return (int)(argument->size < limit ? argument->size : limit);
}

/*
 * A browser that was lured here sends POST or Host. Such a connection ends without a word, so that
 * the lines that follow, of an attacker's choice, are not executed.
 */
static bool call_is_web(struct call *call)
{
    if (!call_is(call, 0, "post") && !call_is(call, 0, "host:")) return false;
    kvresp_logf(
        call->resp, KVRESP_WARNING,
        "Possible SECURITY ATTACK detected: %s sent POST or Host: as a command. It was closed.",
        (const char *)call->session->address.data);
    call->session->is_failed = true;
    return true;
}

static void call_reject_unknown(struct call *call)
{
    if (call_is_web(call)) return;
    kv_buffer *text = &call->worker->text;
    text->size = 0;
    kv_slice name = call->arguments[0];
    int size = call_quoted_size(&name, 128);
    text_format(text, "ERR unknown command '%.*s', with args beginning with: ", size,
                (const char *)name.data);
    size_t begin = text->size;
    for (size_t i = 1; i < call->count && text->size - begin < 128; i++) {
        kv_slice argument = call->arguments[i];
        size = call_quoted_size(&argument, 128 - (text->size - begin));
        text_format(text, "'%.*s' ", size, (const char *)argument.data);
    }
    if (text_append(text, kv_bytes("", 1)) == KV_OK) call_reject(call, text->data);
    else call->session->is_failed = true;
}

static void call_reject_subcommand(struct call *call)
{
    char name[32], text[256];
    call_container_name(call, name);
    kv_slice word = call->arguments[1];
    int size = call_quoted_size(&word, 128);
    snprintf(text, sizeof text, "ERR unknown subcommand '%.*s'. Try %s HELP.", size,
             (const char *)word.data, name);
    call->command = NULL;
    call_reject(call, text);
}

void call_wrong_arity(struct call *call)
{
    char text[96];
    snprintf(text, sizeof text, "ERR wrong number of arguments for '%s' command",
             call->command->facts.name);
    call_reject(call, text);
}

/* Finds the subcommand where the command is a container. False if there is none: answered. */
static bool call_resolve(struct call *call)
{
    if (call->count < 2 || command_first_subcommand(call->command) == NULL) return true;
    const struct command *subcommand = command_find_subcommand(call->command, call->arguments[1]);
    if (subcommand == NULL) {
        call_reject_subcommand(call);
        return false;
    }
    call->command = subcommand;
    return true;
}

bool call_has_access(const struct call *call, int access)
{
    if (access == ACCESS_YES) return true;
    const char *address = call->session->address.data;
    bool is_local = (call->session->flags & SESSION_UNIX) || address[0] == '\0' ||
                    strncmp(address, "127.", 4) == 0 || strncmp(address, "[::1]", 5) == 0 ||
                    strncmp(address, "::1:", 4) == 0;
    return access == ACCESS_LOCAL && is_local;
}

static bool call_may_debug(const struct call *call)
{
    return call_has_access(call, atomic_load(&call->resp->settings.debug_command));
}

#define DEBUG_REFUSED                                                                              \
    "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you "  \
    "can run it from a "                                                                           \
    "local connection, otherwise you need to set this option in the configuration file, and then " \
    "restart the server."

static bool call_is_write(const struct call *call)
{
    if (call->command->handler == exec_command)
        return call->session->transaction.flags & COMMAND_WRITE;
    return call->command->facts.flags & COMMAND_WRITE;
}

bool command_may_replicate(const struct command *command)
{
    command_handler *handler = command->handler;
    return command->facts.flags & COMMAND_WRITE || handler == publish_command ||
           handler == spublish_command || handler == pfcount_command;
}

static bool call_may_replicate(const struct call *call)
{
    if (call->command->handler == exec_command) return call->session->transaction.may_replicate;
    return command_may_replicate(call->command);
}

#define NOT_SAVED                                                                                  \
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to "  \
    "disk. Commands that may modify the data set are disabled, because this instance is "          \
    "configured to report errors during writes if RDB snapshotting fails "                         \
    "(stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB " \
    "error."

/* Refuses writes, and PING, which asks whether all is well, while a file cannot be written. */
static bool call_disk_refuses(struct call *call)
{
    const struct aof_link *aof = call->resp->aof;
    bool is_saved = !(atomic_load(&call->resp->gates) & GATE_NOT_SAVED);
    if ((aof == NULL && is_saved) || call->session->flags & SESSION_TRUSTED) return false;
    if (!call_is_write(call) && call->command->handler != ping_command) return false;
    if (!is_saved) {
        call_reject(call, NOT_SAVED);
        return true;
    }
    const char *reason = aof->refusal(aof->context);
    if (reason == NULL) return false;
    char text[256];
    snprintf(text, sizeof text, "MISCONF Errors writing to the AOF file: %s", reason);
    call_reject(call, text);
    return true;
}

/* Refuses writes while too few replicas would receive them. */
static bool call_lacks_replicas(struct call *call)
{
    if (!(atomic_load(&call->resp->gates) & GATE_FEW_REPLICAS) || !call_is_write(call))
        return false;
    if (call->session->flags & SESSION_TRUSTED) return false;
    call_reject(call, "NOREPLICAS Not enough good replicas to write.");
    return true;
}

/* What EXEC would do counts as what it is. */
static bool call_is_stale_safe(const struct call *call)
{
    if (call->command->handler == exec_command && call->session->transaction.needs_fresh_data)
        return false;
    return call->command->facts.flags & COMMAND_STALE;
}

/* What a replica refuses to its clients. */
static bool call_replica_refuses(struct call *call)
{
    unsigned gates = atomic_load(&call->resp->gates);
    if (!(gates & (GATE_READ_ONLY | GATE_STALE)) || call->session->flags & SESSION_TRUSTED)
        return false;
    if (gates & GATE_READ_ONLY && call_is_write(call)) {
        call_reject(call, "READONLY You can't write against a read only replica.");
        return true;
    }
    if (!(gates & GATE_STALE) || call_is_stale_safe(call)) return false;
    call_reject(call, "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to "
                      "'no'.");
    return true;
}

/* In RESP2 a subscribed client could not tell replies from messages. */
static bool call_is_out_of_context(struct call *call)
{
    const kvresp_session *session = call->session;
    if (!(session->flags & SESSION_SUBSCRIBED) || session->reply.protocol > 2) return false;
    command_handler *handler = call->command->handler;
    if (handler == subscribe_command || handler == unsubscribe_command ||
        handler == psubscribe_command || handler == punsubscribe_command ||
        handler == ssubscribe_command || handler == sunsubscribe_command ||
        handler == ping_command || handler == quit_command || handler == reset_command)
        return false;
    char text[160];
    snprintf(text, sizeof text,
             "ERR Can't execute '%s': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET "
             "are allowed in this context",
             call->command->facts.name);
    call_reject(call, text);
    return true;
}

/* Refuses what needs the data while it is being loaded; EXEC, if it was queued before. */
static bool call_is_too_early(struct call *call)
{
    if (!(atomic_load(&call->resp->gates) & GATE_LOADING)) return false;
    bool may_run = call->command->facts.flags & COMMAND_LOADING;
    if (call->command->handler == exec_command && call->session->transaction.needs_data)
        may_run = false;
    if (!may_run) call_reject(call, ERROR_LOADING);
    return !may_run;
}

/* True if the command has to wait, for the end of a pause or for the append-only file. */
static bool call_must_pause(struct call *call)
{
    if (call->session->flags & (SESSION_MAY_NOT_BLOCK | SESSION_TRUSTED)) return false;
    bool may_replicate = call_may_replicate(call);
    unsigned gates = atomic_load(&call->resp->gates);
    if (may_replicate && gates & GATE_ENDED) {
        call->session->flags |= SESSION_CLOSING;
        return true;
    }
    if (gates & GATE_PAUSES && kv_now(call->db) >= atomic_load(&call->resp->pause_until_ms)) {
        clients_unpause(call->resp);
        gates &= ~(unsigned)GATE_PAUSES;
    }
    if (gates & GATE_PAUSE_ALL || (gates & GATE_HOLDS && may_replicate)) {
        call->session->flags |= SESSION_PAUSED;
        return true;
    }
    const struct aof_link *aof = call->resp->aof;
    if (aof == NULL || !call_is_write(call) || !aof->is_full(aof->context)) return false;
    call->session->flags |= SESSION_PAUSED | SESSION_AWAITS_ROOM;
    return true;
}

/* In a transaction these are executed at once. */
static bool call_is_never_queued(const struct command *command)
{
    command_handler *handler = command->handler;
    return handler == exec_command || handler == discard_command || handler == multi_command ||
           handler == watch_command || handler == quit_command || handler == reset_command;
}

void call_checked(struct call *call, const struct command_slot *slot)
{
    kvresp_session *session = call->session;
    call->command = slot != NULL ? slot->command : NULL;
    if (slot == NULL) {
        call_reject_unknown(call);
        return;
    }
    if (!call_resolve(call)) return;
    const struct command_facts *facts = &call->command->facts;
    if (!command_arity_fits(call->command, call->count)) {
        call_wrong_arity(call);
    } else if (call->command->handler == debug_command && !call_may_debug(call)) {
        call_reject(call, DEBUG_REFUSED);
    } else if (session->flags & SESSION_STRANGER && !(facts->flags & COMMAND_NO_AUTH)) {
        call_reject(call, "NOAUTH Authentication required.");
    } else if (session->flags & SESSION_MULTI && facts->flags & COMMAND_NO_MULTI) {
        call_reject(call, "ERR Command not allowed inside a transaction");
    } else if (call_disk_refuses(call)) {
        /* answered */
    } else if (call_lacks_replicas(call)) {
        /* answered */
    } else if (call_replica_refuses(call)) {
        /* answered */
    } else if (call_is_out_of_context(call)) {
        /* answered */
    } else if (call_is_too_early(call)) {
        /* answered */
    } else if (call_must_pause(call)) {
        /* not consumed */
    } else if (session->flags & SESSION_MULTI && !call_is_never_queued(call->command)) {
        transaction_queue(call);
    } else {
        call_execute(call);
    }
}
