/*
 * resp/commands_connection.c -- the connection itself: who is there, which protocol, which
 * database.
 */
#include "resp/clients.h"
#include "resp/commands.h"

#include <stdlib.h>

/* A subscribed client of RESP2 reads nothing but arrays. */
static void ping_as_message(struct call *call)
{
    writer_array(call->reply, 2);
    writer_bulk_text(call->reply, "pong");
    writer_bulk(call->reply, call->count == 2 ? call->arguments[1] : kv_bytes(NULL, 0));
}

void ping_command(struct call *call)
{
    if (call->count > 2) call_error(call, "ERR wrong number of arguments for 'ping' command");
    else if (call->session->flags & SESSION_SUBSCRIBED && call->reply->protocol == 2)
        ping_as_message(call);
    else if (call->count == 2) writer_bulk(call->reply, call->arguments[1]);
    else WRITER_LITERAL(call->reply, "+PONG\r\n");
}

void echo_command(struct call *call)
{
    writer_bulk(call->reply, call->arguments[1]);
}

void select_command(struct call *call)
{
    uint32_t database;
    if (!database_argument(call, 1, &database, NULL)) return;
    call->session->database = database;
    call->db = kv_select(call->db, database);
    writer_ok(call->reply);
}

void quit_command(struct call *call)
{
    call->session->flags |= SESSION_CLOSING;
    writer_ok(call->reply);
}

void reset_command(struct call *call)
{
    kvresp_session *session = call->session;
    struct client_list *clients = &call->resp->clients;
    const uint32_t forgotten = SESSION_REPLY_OFF | SESSION_REPLY_SKIP | SESSION_NO_EVICT |
                               SESSION_NO_TOUCH | SESSION_AUTHENTICATED;
    session_drop_queue(session);
    session_unwatch(session);
    pubsub_end(session);
    session->flags &= ~forgotten;
    if (session->flags & SESSION_TRUSTED || !atomic_load(&call->resp->settings.has_password))
        session->flags |= SESSION_AUTHENTICATED;
    session_judge(session);
    worker_leave_traces(call->worker, true);
    session->reply.protocol = 2;
    session->database = 0;
    call->db = kv_select(call->db, 0);
    clients_set_text(clients, &session->name, NULL);
    WRITER_LITERAL(call->reply, "+RESET\r\n");
}

/* ------------------------------------------------------------------------------- authentication */

/* Compares in a time that does not tell how much of the password was right. */
static bool password_matches(const char *password, kv_slice guess)
{
    size_t size = strlen(password);
    const uint8_t *bytes = guess.data;
    unsigned difference = (unsigned)(size ^ guess.size) != 0;
    for (size_t i = 0; i < guess.size; i++) {
        uint8_t expected = size > 0 ? (uint8_t)password[i % size] : 0;
        difference |= (unsigned)(bytes[i] ^ expected);
    }
    return difference == 0;
}

/* There is one user, "default", and no password means that each is right. */
bool authenticate(struct call *call, kv_slice user, kv_slice password)
{
    config_lock(&call->resp->config);
    const char *expected = call->resp->settings.password;
    bool is_right = text_equal(user, kv_text("default")) &&
                    (expected[0] == '\0' || password_matches(expected, password));
    config_unlock(&call->resp->config);
    if (!is_right) {
        atomic_fetch_add(&call->resp->refused_logins, 1);
        call_error(call, "WRONGPASS invalid username-password pair or user is disabled.");
        return false;
    }
    call->session->flags |= SESSION_AUTHENTICATED;
    session_judge(call->session);
    return true;
}

void auth_command(struct call *call)
{
    if (call->count > 3) {
        call_error(call, ERROR_SYNTAX);
        return;
    }
    bool has_user = call->count == 3;
    if (!has_user && !atomic_load(&call->resp->settings.has_password)) {
        call_error(call, "ERR AUTH <password> called without any password configured for the "
                         "default user. Are you "
                         "sure your configuration is correct?");
        return;
    }
    kv_slice user = has_user ? call->arguments[1] : kv_text("default");
    if (authenticate(call, user, call->arguments[call->count - 1])) writer_ok(call->reply);
}

/* ---------------------------------------------------------------------------------------- HELLO */

struct hello_wish {
    size_t user_at, name_at; /* arguments; 0: not given */
};

static bool hello_options(struct call *call, struct hello_wish *wish)
{
    for (size_t i = 2; i < call->count; i++) {
        if (call_is(call, i, "auth") && i + 2 < call->count) {
            wish->user_at = i + 1;
            i += 2;
        } else if (call_is(call, i, "setname") && i + 1 < call->count) {
            wish->name_at = ++i;
        } else {
            kv_slice option = text_terminated(call->arguments[i]);
            call_error_format(call, "ERR Syntax error in HELLO option '%.*s'",
                              (int)(option.size < 128 ? option.size : 128),
                              (const char *)option.data);
            return false;
        }
    }
    return true;
}

static void hello_describe(struct call *call)
{
    struct writer *reply = call->reply;
    writer_map(reply, 7);
    writer_bulk_text(reply, "server");
    writer_bulk_text(reply, "redis");
    writer_bulk_text(reply, "version");
    writer_bulk_text(reply, RESP_REDIS_VERSION);
    writer_bulk_text(reply, "proto");
    writer_integer(reply, reply->protocol);
    writer_bulk_text(reply, "id");
    writer_integer(reply, (int64_t)call->session->id);
    writer_bulk_text(reply, "mode");
    writer_bulk_text(reply, "standalone");
    writer_bulk_text(reply, "role");
    writer_bulk_text(reply, "master");
    writer_bulk_text(reply, "modules");
    writer_array(reply, 0);
}

void hello_command(struct call *call)
{
    int64_t version = 0;
    struct hello_wish wish = {0};
    if (call->count > 1) {
        if (!call_integer(call, 1, &version,
                          "ERR Protocol version is not an integer or out of range"))
            return;
        if (version < 2 || version > 3) {
            call_error(call, "NOPROTO unsupported protocol version");
            return;
        }
    }
    if (!hello_options(call, &wish)) return;
    const kv_slice *arguments = call->arguments;
    if (wish.user_at != 0 &&
        !authenticate(call, arguments[wish.user_at], arguments[wish.user_at + 1]))
        return;
    if (call->session->flags & SESSION_STRANGER) {
        call_error(call,
                   "NOAUTH HELLO must be called with the client already authenticated, otherwise "
                   "the HELLO AUTH <user> <pass> option can be used to authenticate the client and "
                   "select the RESP protocol version at the same time");
        return;
    }
    if (wish.name_at != 0 && !client_rename(call, arguments[wish.name_at])) return;
    if (version != 0) call->reply->protocol = (uint8_t)version;
    hello_describe(call);
}
