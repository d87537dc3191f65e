#include "resp/aof_replay.h"

#include "resp/shared.h"

#include <stdio.h>
#include <stdlib.h>

enum { REPLAY_PREFETCH = 64 };

struct aof_replay {
    const struct aof_log *log;
    const char *path; /* of the file at hand */
    kv *db, *view;
    kv *selected; /* `view` of `database` */
    uint32_t database;
    kvresp *resp;
    kvresp_worker *worker;
    kvresp_session *session;
    uint32_t session_database;
};

/* --------------------------------------------------------------------------------- direct calls */

/* KV_SKIPPED: this form of the command is for the command table. */
typedef kv_status replay_call(kv *db, const kv_slice *arguments, size_t count);

static kv_status replay_set(kv *db, const kv_slice *arguments, size_t count)
{
    if (count == 3) return kv_set(db, arguments[1], arguments[2], NULL);
    int64_t deadline_ms;
    if (count != 5 || !text_is(arguments[3], "pxat") ||
        !text_parse_integer(arguments[4], &deadline_ms) || deadline_ms <= 0) {
        return KV_SKIPPED;
    }
    kv_set_options options = KV_OPTIONS(kv_set_options);
    options.deadline_ms = deadline_ms;
    return kv_set(db, arguments[1], arguments[2], &options);
}

static kv_status replay_del(kv *db, const kv_slice *arguments, size_t count)
{
    return count < 2 ? KV_SKIPPED : kv_del(db, arguments + 1, count - 1, NULL);
}

static kv_status replay_pexpireat(kv *db, const kv_slice *arguments, size_t count)
{
    int64_t deadline_ms;
    if (count != 3 || !text_parse_integer(arguments[2], &deadline_ms)) return KV_SKIPPED;
    return kv_expire_at(db, arguments[1], deadline_ms, 0);
}

static kv_status replay_rpush(kv *db, const kv_slice *arguments, size_t count)
{
    return count < 3 ? KV_SKIPPED : kv_rpush(db, arguments[1], arguments + 2, count - 2, NULL);
}

static kv_status replay_lpush(kv *db, const kv_slice *arguments, size_t count)
{
    return count < 3 ? KV_SKIPPED : kv_lpush(db, arguments[1], arguments + 2, count - 2, NULL);
}

static bool replay_ignore(void *context, kv_slice element)
{
    (void)context;
    (void)element;
    return true;
}

static kv_status replay_lpop(kv *db, const kv_slice *arguments, size_t count)
{
    if (count != 2) return KV_SKIPPED;
    return kv_pop(db, arguments[1], KV_HEAD, 1, replay_ignore, NULL, NULL);
}

static kv_status replay_rpop(kv *db, const kv_slice *arguments, size_t count)
{
    if (count != 2) return KV_SKIPPED;
    return kv_pop(db, arguments[1], KV_TAIL, 1, replay_ignore, NULL, NULL);
}

static kv_status replay_incr(kv *db, const kv_slice *arguments, size_t count)
{
    return count != 2 ? KV_SKIPPED : kv_incrby(db, arguments[1], 1, NULL);
}

static kv_status replay_incrby(kv *db, const kv_slice *arguments, size_t count)
{
    int64_t increment;
    if (count != 3 || !text_parse_integer(arguments[2], &increment)) return KV_SKIPPED;
    return kv_incrby(db, arguments[1], increment, NULL);
}

/* In the order of how often they come. In capitals, as journals are written. */
static const struct {
    const char *name;
    size_t size;
    replay_call *call;
} replay_calls[] = {
    {"SET", 3, replay_set},     {"DEL", 3, replay_del},     {"PEXPIREAT", 9, replay_pexpireat},
    {"RPUSH", 5, replay_rpush}, {"LPUSH", 5, replay_lpush}, {"RPOP", 4, replay_rpop},
    {"LPOP", 4, replay_lpop},   {"INCR", 4, replay_incr},   {"INCRBY", 6, replay_incrby},
    {"UNLINK", 6, replay_del},
};

static kv_status replay_directly(struct aof_replay *replay, const struct aof_command *command)
{
    kv_slice name = command->arguments[0];
    for (size_t i = 0; i < sizeof replay_calls / sizeof *replay_calls; i++) {
        if (name.size == replay_calls[i].size &&
            memcmp(name.data, replay_calls[i].name, name.size) == 0) {
            return replay_calls[i].call(replay->selected, command->arguments,
                                        command->argument_count);
        }
    }
    return KV_SKIPPED;
}

/* ---------------------------------------------------------------------------- the command table */

static kv_status replay_execute(struct aof_replay *replay, const kv_slice *arguments, size_t count,
                                char why[AOF_WHY_SIZE])
{
    kv_status status = kvresp_exec(replay->worker, replay->session, count, arguments);
    if (status != KV_OK) return status;
    kv_slice reply = kvresp_output(replay->session);
    const char *text = reply.data;
    if (reply.size > 0 && text[0] == '-') {
        size_t size = reply.size > 3 ? reply.size - 3 : 0;
        snprintf(why, AOF_WHY_SIZE, "%.*s", (int)(size < AOF_WHY_SIZE ? size : AOF_WHY_SIZE),
                 text + 1);
        status = KV_BADARG;
    }
    kvresp_output_consume(replay->session, reply.size);
    return status;
}

static kv_status replay_by_table(struct aof_replay *replay, const struct aof_command *command,
                                 char why[AOF_WHY_SIZE])
{
    if (replay->session_database != replay->database) {
        char digits[16];
        snprintf(digits, sizeof digits, "%u", (unsigned)replay->database);
        kv_slice select[] = {KV_TEXT("SELECT"), kv_text(digits)};
        kv_status status = replay_execute(replay, select, 2, why);
        if (status != KV_OK) return status;
        replay->session_database = replay->database;
    }
    return replay_execute(replay, command->arguments, command->argument_count, why);
}

/* ------------------------------------------------------------------------------------- commands */

static kv_status replay_select(struct aof_replay *replay, const struct aof_command *command,
                               char why[AOF_WHY_SIZE])
{
    int64_t index = -1;
    if (command->argument_count != 2 || !text_parse_integer(command->arguments[1], &index) ||
        index < 0 || index >= kv_databases(replay->db)) {
        snprintf(why, AOF_WHY_SIZE, "SELECT of a database that is not there; the store has %u",
                 (unsigned)kv_databases(replay->db));
        return KV_BADARG;
    }
    replay->database = (uint32_t)index;
    replay->selected = kv_select(replay->view, replay->database);
    return KV_OK;
}

/* True for what is about scripts only, which a store has none of; then the log tells. */
static bool replay_pass_over(const struct aof_replay *replay, const struct aof_command *command)
{
    kv_slice name = command->arguments[0], what = {"", 0};
    if (!text_is(name, "function") && !text_is(name, "script")) return false;
    if (command->argument_count > 1) what = command->arguments[1];
    aof_logf(replay->log, KVRESP_WARNING, "%s, offset %llu: passed over %.*s %.*s", replay->path,
             (unsigned long long)command->offset, (int)name.size, (const char *)name.data,
             (int)(what.size < 32 ? what.size : 32), (const char *)what.data);
    return true;
}

static kv_status replay_command(struct aof_replay *replay, const struct aof_command *command,
                                char why[AOF_WHY_SIZE])
{
    if (text_is(command->arguments[0], "select")) return replay_select(replay, command, why);

    kv_status status = replay_directly(replay, command);
    if (status == KV_SKIPPED && replay_pass_over(replay, command)) return KV_OK;
    if (status == KV_SKIPPED) status = replay_by_table(replay, command, why);
    if (status >= KV_OK) return KV_OK; /* KV_NONE and the like: a DEL of nothing does nothing */
    if (status == KV_NOMEM) return status;
    if (*why == '\0') {
        kv_slice name = command->arguments[0];
        snprintf(why, AOF_WHY_SIZE, "%.*s failed: %s", name.size < 32 ? (int)name.size : 32,
                 (const char *)name.data, kv_strerror(status));
    }
    return KV_BADARG;
}

kv_status aof_replay_apply(void *context, const struct aof_command *commands, size_t count,
                           size_t *failed, char why[AOF_WHY_SIZE])
{
    struct aof_replay *replay = context;
    kv_slice keys[REPLAY_PREFETCH];
    size_t key_count = 0;
    for (size_t i = 0; i < count && key_count < REPLAY_PREFETCH; i++) {
        /* Nearly every command's first argument is its key; where it is not, a hint was wasted. */
        if (commands[i].argument_count > 1) keys[key_count++] = commands[i].arguments[1];
    }
    if (key_count > 1) kv_prefetch(replay->selected, keys, key_count);

    for (size_t i = 0; i < count; i++) {
        kv_status status = replay_command(replay, &commands[i], why);
        if (status != KV_OK) {
            *failed = i;
            return status;
        }
    }
    return KV_OK;
}

void aof_replay_begin_file(struct aof_replay *replay, const char *path)
{
    replay->path = path;
    replay->database = 0;
    replay->selected = kv_select(replay->view, 0);
}

/* ----------------------------------------------------------------------------------- life cycle */

kv_status aof_replay_open(kv *db, const struct aof_log *log, struct aof_replay **out)
{
    struct aof_replay *replay = calloc(1, sizeof *replay);
    if (replay == NULL) return KV_NOMEM;
    replay->db = db;
    replay->log = log;
    kv_status status = kv_view_open(db, &replay->view);
    if (status == KV_OK) status = kvresp_open(db, NULL, &replay->resp);
    if (status == KV_OK) status = kvresp_worker_open(replay->resp, &replay->worker);
    if (status == KV_OK) {
        kvresp_session_options options = KV_OPTIONS(kvresp_session_options);
        options.is_trusted = true;
        status = kvresp_session_open(replay->resp, &options, &replay->session);
    }
    if (status != KV_OK) {
        aof_replay_close(replay);
        return status;
    }
    aof_replay_begin_file(replay, "");
    *out = replay;
    return KV_OK;
}

void aof_replay_close(struct aof_replay *replay)
{
    if (replay == NULL) return;
    if (replay->session != NULL) kvresp_session_close(replay->session);
    if (replay->worker != NULL) kvresp_worker_close(replay->worker);
    if (replay->resp != NULL) kvresp_close(replay->resp);
    if (replay->view != NULL) kv_view_close(replay->view);
    free(replay);
}
