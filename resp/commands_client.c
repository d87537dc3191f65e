/*
 * resp/commands_client.c -- CLIENT: looking at connections and steering them.
 */
#include "resp/clients.h"
#include "resp/commands.h"

#include <stdio.h>
#include <stdlib.h>

void client_command(struct call *call)
{
    call_subcommand_error(call);
}

/* ---------------------------------------------------------------------------------------- names */

/* Printing characters without space, as names stand in the lines of CLIENT LIST. */
static bool client_is_word(kv_slice text)
{
    const uint8_t *bytes = text.data;
    for (size_t i = 0; i < text.size; i++)
        if (bytes[i] < '!' || bytes[i] > '~') return false;
    return true;
}

/* Sets a text of the session; an empty one takes it away. False: answered. */
static bool client_set_text(struct call *call, char **field, kv_slice text)
{
    char *copy = NULL;
    if (text.size > 0 && (copy = text_duplicate(text)) == NULL) {
        call_fail(call, KV_NOMEM);
        return false;
    }
    clients_set_text(&call->resp->clients, field, copy);
    return true;
}

bool client_rename(struct call *call, kv_slice name)
{
    if (client_is_word(name)) return client_set_text(call, &call->session->name, name);
    call_error(call, "ERR Client names cannot contain spaces, newlines or special characters.");
    return false;
}

void client_setname_command(struct call *call)
{
    if (client_rename(call, call->arguments[2])) writer_ok(call->reply);
}

void client_getname_command(struct call *call)
{
    if (call->session->name != NULL) writer_bulk_text(call->reply, call->session->name);
    else writer_null(call->reply);
}

void client_setinfo_command(struct call *call)
{
    char **field = NULL;
    if (call_is(call, 2, "lib-name")) field = &call->session->library_name;
    else if (call_is(call, 2, "lib-ver")) field = &call->session->library_version;
    kv_slice option = text_terminated(call->arguments[2]);
    int size = (int)(option.size < 128 ? option.size : 128);
    if (field == NULL)
        call_error_format(call, "ERR Unrecognized option '%.*s'", size, (const char *)option.data);
    else if (!client_is_word(call->arguments[3]))
        call_error_format(call, "ERR %.*s cannot contain spaces, newlines or special characters.",
                          size, (const char *)option.data);
    else if (client_set_text(call, field, call->arguments[3])) writer_ok(call->reply);
}

void client_id_command(struct call *call)
{
    writer_integer(call->reply, (int64_t)call->session->id);
}

/* --------------------------------------------------------------------------------- descriptions */

/* Makes what is told of this session itself true of this moment. */
static void client_show_self(struct call *call)
{
    if (!call->in_exec) atomic_store(&call->session->shown.command, call->command);
    atomic_store(&call->session->shown.active_ms, kv_now(call->db));
    session_show(call->session);
}

static void client_answer_text(struct call *call, kv_status status)
{
    if (status == KV_OK) writer_verbatim(call->reply, "txt", text_of_buffer(&call->worker->text));
    else call_fail(call, status);
}

void client_info_command(struct call *call)
{
    kv_buffer *text = &call->worker->text;
    text->size = 0;
    client_show_self(call);
    client_answer_text(
        call, clients_describe_one(&call->resp->clients, call->session, kv_now(call->db), text));
}

/* False: answered. */
static bool client_type(struct call *call, size_t index, struct client_filter *filter)
{
    static const char *const names[] = {"normal", "master", "replica", "pubsub", "slave"};
    filter->has_type = true;
    for (int i = 0; i < 5; i++) {
        if (!call_is(call, index, names[i])) continue;
        filter->type = i == 4 ? CLIENT_TYPE_REPLICA : i;
        return true;
    }
    kv_slice name = text_terminated(call->arguments[index]);
    call_error_format(call, "ERR Unknown client type '%.*s'",
                      (int)(name.size < 128 ? name.size : 128), (const char *)name.data);
    return false;
}

/* CLIENT LIST ID id [id ...]: the ids, in the worker's buffer. False: answered. */
static bool client_ids(struct call *call, struct client_filter *filter)
{
    size_t count = call->count - 3;
    if (text_reserve(&call->worker->value, count * sizeof(int64_t)) != KV_OK) {
        call_fail(call, KV_NOMEM);
        return false;
    }
    int64_t *ids = call->worker->value.data;
    for (size_t i = 0; i < count; i++)
        if (!call_integer(call, 3 + i, &ids[i], "ERR Invalid client ID")) return false;
    filter->ids = ids;
    filter->id_count = count;
    return true;
}

void client_list_command(struct call *call)
{
    struct client_filter filter = {0};
    kv_buffer *text = &call->worker->text;
    text->size = 0;
    if (call->count == 4 && call_is(call, 2, "type")) {
        if (!client_type(call, 3, &filter)) return;
    } else if (call->count > 3 && call_is(call, 2, "id")) {
        if (!client_ids(call, &filter)) return;
    } else if (call->count != 2) {
        call_error(call, ERROR_SYNTAX);
        return;
    }
    client_show_self(call);
    client_answer_text(call,
                       clients_describe(&call->resp->clients, &filter, kv_now(call->db), text));
}

/* --------------------------------------------------------------------------------------- ending */

/* One pair of CLIENT KILL. False: answered. */
static bool client_kill_option(struct call *call, size_t index, struct client_filter *filter,
                               int64_t *id, bool *skips_self)
{
    kv_slice value = call->arguments[index + 1];
    if (call_is(call, index, "id")) {
        filter->ids = id;
        filter->id_count = 1;
        return call_integer_between(call, index + 1, 1, INT64_MAX, id,
                                    "ERR client-id should be greater than 0");
    }
    if (call_is(call, index, "type")) return client_type(call, index + 1, filter);
    if (call_is(call, index, "addr")) {
        filter->address = value;
    } else if (call_is(call, index, "laddr")) {
        filter->local_address = value;
    } else if (call_is(call, index, "user")) {
        filter->has_user = true;
        if (text_equal(value, kv_text("default"))) return true;
        value = text_terminated(value);
        call_error_format(call, "ERR No such user '%.*s'",
                          (int)(value.size < 128 ? value.size : 128), (const char *)value.data);
        return false;
    } else if (call_is(call, index, "skipme") && (text_is(value, "yes") || text_is(value, "no"))) {
        *skips_self = text_is(value, "yes");
    } else {
        call_error(call, ERROR_SYNTAX);
        return false;
    }
    return true;
}

void client_kill_command(struct call *call)
{
    struct client_filter filter = {0};
    int64_t id;
    bool skips_self = true, is_old_form = call->count == 3;
    if (is_old_form) {
        filter.address = call->arguments[2];
        skips_self = false;
    } else if (call->count % 2 != 0) {
        call_error(call, ERROR_SYNTAX);
        return;
    }
    for (size_t i = 2; !is_old_form && i + 1 < call->count; i += 2)
        if (!client_kill_option(call, i, &filter, &id, &skips_self)) return;

    bool own_is_meant;
    if (skips_self) filter.skip = call->session;
    size_t killed = clients_kill(&call->resp->clients, &filter, call->session, &own_is_meant);
    if (own_is_meant) call->session->flags |= SESSION_CLOSING; /* after the reply */
    if (!is_old_form) writer_integer(call->reply, (int64_t)killed);
    else if (killed > 0) writer_ok(call->reply);
    else call_error(call, "ERR No such client");
}

void client_unblock_command(struct call *call)
{
    int64_t id;
    bool with_error = false;
    if (call->count == 4) {
        with_error = call_is(call, 3, "error");
        if (!with_error && !call_is(call, 3, "timeout")) {
            call_error(call, "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
            return;
        }
    } else if (call->count > 4) {
        call_subcommand_error(call);
        return;
    }
    if (!call_integer(call, 2, &id, NULL)) return;
    writer_integer(call->reply, clients_unblock(&call->resp->clients, id, with_error));
}

/* --------------------------------------------------------------------------------- holding back */

void client_pause_command(struct call *call)
{
    unsigned gate = GATE_PAUSE_ALL;
    int64_t timeout_ms, now_ms = kv_now(call->db);
    if (call->count > 3) {
        if (call_is(call, 3, "write")) gate = GATE_PAUSE_WRITES;
        else if (call->count > 4 || !call_is(call, 3, "all")) {
            call_error(call, "ERR CLIENT PAUSE mode must be WRITE or ALL");
            return;
        }
    }
    if (!call_integer(call, 2, &timeout_ms, "ERR timeout is not an integer or out of range"))
        return;
    if (timeout_ms < 0) {
        call_error(call, "ERR timeout is negative");
        return;
    }
    if (timeout_ms > INT64_MAX - now_ms) {
        call_error(call, "ERR timeout is out of range");
        return;
    }
    clients_pause(call->resp, gate, now_ms, now_ms + timeout_ms);
    writer_ok(call->reply);
}

void client_unpause_command(struct call *call)
{
    clients_unpause(call->resp);
    writer_ok(call->reply);
}

/* ------------------------------------------------------------------------------------- switches */

void client_reply_command(struct call *call)
{
    kvresp_session *session = call->session;
    if (call_is(call, 2, "on")) {
        session->flags &= ~(uint32_t)(SESSION_REPLY_OFF | SESSION_REPLY_SKIP);
        writer_ok(call->reply);
    } else if (call_is(call, 2, "off")) {
        session->flags |= SESSION_REPLY_OFF;
    } else if (call_is(call, 2, "skip")) {
        if (!(session->flags & SESSION_REPLY_OFF)) session->skip_next = true;
    } else {
        call_error(call, ERROR_SYNTAX);
    }
}

/* ON or OFF for a flag. False: answered. */
static bool client_switch(struct call *call, uint32_t flag)
{
    if (call_is(call, 2, "on")) {
        call->session->flags |= flag;
    } else if (call_is(call, 2, "off")) {
        call->session->flags &= ~flag;
    } else {
        call_error(call, ERROR_SYNTAX);
        return false;
    }
    writer_ok(call->reply);
    return true;
}

/* Clients are never closed to save memory, so the shield is real. */
void client_no_evict_command(struct call *call)
{
    client_switch(call, SESSION_NO_EVICT);
}

void client_no_touch_command(struct call *call)
{
    if (client_switch(call, SESSION_NO_TOUCH))
        worker_leave_traces(call->worker, !(call->session->flags & SESSION_NO_TOUCH));
}

void client_help_command(struct call *call)
{
    static const char *const lines[] = {
        "GETNAME",
        "    Return the name of this connection.",
        "ID",
        "    Return the number of this connection.",
        "INFO",
        "    Describe this connection.",
        "KILL <ip:port>",
        "    Close the connection from this address.",
        "KILL <option> <value> [<option> <value> [...]]",
        "    Close the connections that match all options:",
        "    * ADDR (<ip:port>|<unixsocket>:0)",
        "      Those from this address",
        "    * LADDR (<ip:port>|<unixsocket>:0)",
        "      Those to this local address",
        "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
        "      Those of this type",
        "    * USER <username>",
        "      Those of this user",
        "    * SKIPME (YES|NO)",
        "      Whether to spare this connection (default: yes)",
        "LIST [options ...]",
        "    Describe the connections. Options are:",
        "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
        "      Those of this type",
        "    * ID <client-id> [<client-id> ...]",
        "      Those with these numbers",
        "NO-EVICT (ON|OFF)",
        "    Shield this connection from being closed to save memory.",
        "NO-TOUCH (ON|OFF)",
        "    Read keys without marking them as used.",
        "PAUSE <timeout> [WRITE|ALL]",
        "    Hold back commands, all or writes, for some milliseconds.",
        "REPLY (ON|OFF|SKIP)",
        "    Switch the replies to this connection.",
        "SETINFO <option> <value>",
        "    Record LIB-NAME or LIB-VER, the library's name or version.",
        "SETNAME <name>",
        "    Name this connection.",
        "UNBLOCK <clientid> [TIMEOUT|ERROR]",
        "    End the waiting of another connection.",
        "UNPAUSE",
        "    End a pause before its time.",
        NULL};
    call_help(call, lines);
}
