/*
 * resp/commands_migrate.c -- MIGRATE: what is asked, and the session that waits for it.
 */
#include "resp/blocked.h"
#include "resp/commands.h"

#include <stdlib.h>

/* What stands behind the timeout: where the keys begin and how many there are, and options. */
struct migrate_wish {
    size_t first_key, count;
    bool copies, replaces;
    kv_slice user, password;
};

/* KEYS takes all that follows. False: answered. */
static bool migrate_read_keys(struct call *call, size_t keyword, struct migrate_wish *wish)
{
    if (call->arguments[3].size != 0) {
        call_error(call, "ERR When using MIGRATE KEYS option, the key argument must be set to the "
                         "empty string");
        return false;
    }
    wish->first_key = keyword + 1;
    wish->count = call->count - wish->first_key;
    return true;
}

/* False: answered. */
static bool migrate_read(struct call *call, struct migrate_wish *wish)
{
    *wish = (struct migrate_wish){.first_key = 3, .count = 1};
    for (size_t i = 6; i < call->count; i++) {
        size_t more = call->count - 1 - i;
        if (call_is(call, i, "copy")) {
            wish->copies = true;
        } else if (call_is(call, i, "replace")) {
            wish->replaces = true;
        } else if (call_is(call, i, "auth") && more >= 1) {
            wish->password = call->arguments[++i];
        } else if (call_is(call, i, "auth2") && more >= 2) {
            wish->user = call->arguments[++i];
            wish->password = call->arguments[++i];
        } else if (call_is(call, i, "keys")) {
            return migrate_read_keys(call, i, wish);
        } else {
            call_error(call, ERROR_SYNTAX);
            return false;
        }
    }
    return true;
}

/* Leaves no trace of the look. */
static bool migrate_has_any(struct call *call, const struct migrate_wish *wish)
{
    kv_object_info info = KV_OPTIONS(kv_object_info);
    for (size_t i = 0; i < wish->count; i++)
        if (kv_object(call->db, call->arguments[wish->first_key + i], &info) == KV_OK) return true;
    return false;
}

/* The port as the C library reads numbers: a text that is none is port 0, where nobody is. */
static int64_t migrate_port(kv_slice text)
{
    char digits[16];
    size_t size = text.size < sizeof digits - 1 ? text.size : sizeof digits - 1;
    memcpy(digits, text.data, size);
    digits[size] = '\0';
    return strtol(digits, NULL, 10);
}

static kv_slice migrate_copy(char **at, kv_slice text)
{
    if (text.data == NULL) return text;
    kv_slice copy = kv_bytes(*at, text.size);
    if (text.size > 0) memcpy(*at, text.data, text.size);
    *at += text.size;
    return copy;
}

/* All of it in one block of malloc(), as the request will be gone before it is done; or NULL. */
static struct migration *migrate_make(struct call *call, const struct migrate_wish *wish)
{
    kv_slice host = call->arguments[1];
    size_t size = host.size + wish->user.size + wish->password.size + 1;
    for (size_t i = 0; i < wish->count; i++) size += call->arguments[wish->first_key + i].size;
    struct migration *made = calloc(1, sizeof *made);
    struct migration *migration =
        realloc(made, sizeof *made + wish->count * sizeof *made->keys + size);
    if (migration == NULL) {
        free(made);
        return NULL;
    }
    migration->keys = (struct migrated_key *)(migration + 1);
    char *at = (char *)(migration->keys + wish->count);
    migration->resp = call->resp;
    migration->host = migrate_copy(&at, host);
    migration->user = migrate_copy(&at, wish->user);
    migration->password = migrate_copy(&at, wish->password);
    migration->count = wish->count;
    migration->copies = wish->copies;
    migration->replaces = wish->replaces;
    for (size_t i = 0; i < wish->count; i++)
        migration->keys[i] =
            (struct migrated_key){.key = migrate_copy(&at, call->arguments[wish->first_key + i])};
    return migration;
}

static void migrate_answer(struct call *call, struct migration *migration)
{
    if (migration->has_deleted) call->session->wrote = true;
    if (migration->error[0] != '\0') call_error(call, migration->error);
    else writer_ok(call->reply);
    free(migration);
}

/* -------------------------------------------------------------------------------------- waiting */

static bool migrate_is_over(kvresp_session *session)
{
    return migration_is_done(session->migration);
}

static void migrate_leave(kvresp_session *session)
{
    if (!migration_abandon(session->migration)) session->migration = NULL;
}

static void migrate_reply(struct call *call)
{
    struct migration *migration = call->session->migration;
    call->session->migration = NULL;
    migrate_answer(call, migration);
}

void migrate_end(kvresp_session *session)
{
    free(session->migration); /* it was done, but nobody came for the answer */
    session->migration = NULL;
}

/* Firmly, as CLIENT UNBLOCK would leave open what has become of the keys. */
static const struct blocked_kind migrate_kind = {migrate_is_over, migrate_reply, migrate_leave,
                                                 true};

static bool migrate_wait(struct call *call, struct migration *migration)
{
    kvresp_session *session = call->session;
    migration->session = session;
    migration->db = kv_select(call->resp->store, session->database);
    if (migration_start(migration) != KV_OK) return false;
    session->migration = migration;
    blocked_begin_kind(call, &migrate_kind, 0);
    return true;
}

void migrate_command(struct call *call)
{
    struct migrate_wish wish;
    int64_t timeout_ms, database;
    if (!migrate_read(call, &wish)) return;
    if (!call_integer(call, 5, &timeout_ms, NULL)) return;
    if (!call_integer(call, 4, &database, NULL)) return;
    if (!migrate_has_any(call, &wish)) {
        writer_simple(call->reply, "NOKEY");
        return;
    }
    struct migration *migration = migrate_make(call, &wish);
    if (migration == NULL) {
        call_fail(call, KV_NOMEM);
        return;
    }
    migration->port = migrate_port(call->arguments[2]);
    migration->database = database;
    migration->timeout_ms = timeout_ms > 0 ? timeout_ms : 1000;
    if (call_may_wait(call) && migrate_wait(call, migration)) return;
    migration->session = NULL;
    migration->db = call->db;
    migration->is_locked = call->in_exec;
    migration_run(migration);
    migrate_answer(call, migration);
}
