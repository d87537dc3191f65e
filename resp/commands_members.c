/*
 * resp/commands_members.c -- kvstore's own commands about deadlines of members, with which its
 * append-only file begins to be other than Redis's.
 *
 *     KV.SPEXPIREAT key unix-time-milliseconds MEMBERS count member...     and KV.ZPEXPIREAT
 *     KV.SPERSIST key MEMBERS count member...                              and KV.ZPERSIST
 *
 * They answer as HPEXPIREAT and HPERSIST do.
 */
#include "resp/commands.h"
#include "resp/text.h"

typedef kv_status members_expire(kv *db, kv_slice key, int64_t deadline_ms, unsigned flags,
                                 const kv_slice *members, size_t count, kv_field_result *results);
typedef kv_status members_persist(kv *db, kv_slice key, const kv_slice *members, size_t count,
                                  kv_field_result *results);

/* "MEMBERS count member...", the rest of the request from `index` on. False: answered. */
static bool members_count(struct call *call, size_t index, size_t *count)
{
    int64_t number;
    *count = call->count - index - 2;
    if (!call_is(call, index, "members")) {
        call_error(call, ERROR_SYNTAX);
        return false;
    }
    if (!call_integer(call, index + 1, &number, NULL)) return false;
    if (number > 0 && (uint64_t)number == *count) return true;
    call_error(call, ERROR_SYNTAX);
    return false;
}

static void members_do_expire(struct call *call, members_expire *expire)
{
    int64_t deadline_ms;
    size_t count;
    if (!call_integer(call, 2, &deadline_ms, NULL) || !members_count(call, 3, &count)) return;
    kv_field_result *results = call_results(call, count, sizeof *results);
    if (results == NULL) return;
    kv_status status =
        expire(call->db, call->arguments[1], deadline_ms, 0, call->arguments + 5, count, results);
    call_answer_results(call, status, results, count);
}

static void members_do_persist(struct call *call, members_persist *persist)
{
    size_t count;
    if (!members_count(call, 2, &count)) return;
    kv_field_result *results = call_results(call, count, sizeof *results);
    if (results == NULL) return;
    kv_status status = persist(call->db, call->arguments[1], call->arguments + 4, count, results);
    call_answer_results(call, status, results, count);
}

void spexpireat_command(struct call *call)
{
    members_do_expire(call, kv_sexpire_at);
}

void zpexpireat_command(struct call *call)
{
    members_do_expire(call, kv_zexpire_at);
}

void spersist_command(struct call *call)
{
    members_do_persist(call, kv_spersist);
}

void zpersist_command(struct call *call)
{
    members_do_persist(call, kv_zpersist);
}
