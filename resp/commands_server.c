/*
 * resp/commands_server.c -- the server as a whole: sizes, times, flushing, the slow log,
 * memory.
 */
#include "resp/commands.h"

#include <sys/time.h>

void dbsize_command(struct call *call)
{
    uint64_t count = 0;
    kv_status status = kv_count(call->db, &count);
    if (status < 0) call_fail(call, status);
    else writer_integer(call->reply, (int64_t)count);
}

static int64_t server_system_us(void)
{
    struct timeval now;
    gettimeofday(&now, NULL);
    return (int64_t)now.tv_sec * 1000000 + now.tv_usec;
}

/*
 * The store's clock, read anew and not that of the turn. It has milliseconds; where it goes with
 * the system's, as it does unless the host has replaced it, that one tells the microseconds.
 */
static int64_t server_now_us(kv *store)
{
    int64_t before_us = server_system_us(), now_ms = kv_now(store), now_us = server_system_us();
    bool is_system = before_us / 1000 <= now_ms && now_ms <= now_us / 1000;
    return is_system ? now_us : now_ms * 1000;
}

void time_command(struct call *call)
{
    int64_t now_us = server_now_us(call->resp->store);
    uint8_t digits[TEXT_INTEGER_SIZE];
    writer_array(call->reply, 2);
    writer_bulk(call->reply,
                kv_bytes(digits, (size_t)(text_write_integer(digits, now_us / 1000000) - digits)));
    writer_bulk(call->reply,
                kv_bytes(digits, (size_t)(text_write_integer(digits, now_us % 1000000) - digits)));
}

/* ------------------------------------------------------------------------------ whole databases */

static void server_flush(struct call *call, kv_status (*flush)(kv *db, bool later))
{
    bool later = atomic_load(&call->resp->settings.flushes_later);
    if (call->count == 2 && call_is(call, 1, "async")) later = true;
    else if (call->count == 2 && call_is(call, 1, "sync")) later = false;
    else if (call->count > 1) {
        call_error(call, ERROR_SYNTAX);
        return;
    }
    kv_status status = flush(call->db, later);
    if (status < 0) call_fail(call, status);
    else writer_ok(call->reply);
    if (status >= 0 && flush == kv_flush_all) saving_flushed(&call->resp->saving);
}

void flushdb_command(struct call *call)
{
    server_flush(call, kv_flush);
}

void flushall_command(struct call *call)
{
    server_flush(call, kv_flush_all);
}

void swapdb_command(struct call *call)
{
    int64_t first, second, limit = kv_databases(call->db);
    if (!call_integer_between(call, 1, INT32_MIN, INT32_MAX, &first, "ERR invalid first DB index"))
        return;
    if (!call_integer_between(call, 2, INT32_MIN, INT32_MAX, &second,
                              "ERR invalid second DB index"))
        return;
    if (first < 0 || first >= limit || second < 0 || second >= limit) {
        call_error(call, "ERR DB index is out of range");
        return;
    }
    kv_status status = KV_OK;
    if (first != second)
        status =
            kv_swapdb(kv_select(call->db, (uint32_t)first), kv_select(call->db, (uint32_t)second));
    if (status < 0) call_fail(call, status);
    else writer_ok(call->reply);
}

/* ------------------------------------------------------------------------------------- slow log */

void slowlog_command(struct call *call)
{
    call_subcommand_error(call);
}

static void slowlog_begin(void *context, uint64_t count)
{
    writer_array(context, count);
}

static void slowlog_write(void *context, const struct slowlog_entry *entry)
{
    struct writer *reply = context;
    writer_array(reply, 6);
    writer_integer(reply, (int64_t)entry->id);
    writer_integer(reply, entry->time_s);
    writer_integer(reply, entry->duration_us);
    writer_array(reply, entry->argument_count);
    for (size_t i = 0; i < entry->argument_count; i++) writer_bulk(reply, entry->arguments[i]);
    writer_bulk(reply, entry->address);
    writer_bulk(reply, entry->name);
}

void slowlog_get_command(struct call *call)
{
    int64_t count = 10;
    if (call->count > 3) {
        call_subcommand_error(call);
        return;
    }
    if (call->count == 3 &&
        !call_integer_between(call, 2, -1, INT64_MAX, &count,
                              "ERR count should be greater than or equal to -1"))
        return;
    slowlog_read(&call->resp->slowlog, count < 0 ? UINT64_MAX : (uint64_t)count, slowlog_begin,
                 slowlog_write, call->reply);
}

void slowlog_len_command(struct call *call)
{
    writer_integer(call->reply, (int64_t)slowlog_length(&call->resp->slowlog));
}

void slowlog_reset_command(struct call *call)
{
    slowlog_reset(&call->resp->slowlog);
    writer_ok(call->reply);
}

void slowlog_help_command(struct call *call)
{
    static const char *const lines[] = {
        "GET [<count>]",
        "    Return the latest slow commands (default: 10, -1: all), each as",
        "    id, time, duration in microseconds, arguments, address and name of the client.",
        "LEN",
        "    Count the entries of the log.",
        "RESET",
        "    Empty the log.",
        NULL};
    call_help(call, lines);
}

/* --------------------------------------------------------------------------------------- memory */

void memory_command(struct call *call)
{
    call_subcommand_error(call);
}

void memory_usage_command(struct call *call)
{
    int64_t samples;
    for (size_t i = 3; i < call->count; i += 2) {
        if (!call_is(call, i, "samples") || i + 1 == call->count) {
            call_error(call, ERROR_SYNTAX);
            return;
        }
        if (!call_integer(call, i + 1, &samples, NULL)) return;
        if (samples < 0) {
            call_error(call, ERROR_SYNTAX);
            return;
        }
    }
    kv_object_info info = {.size = sizeof info};
    kv_status status = kv_object(call->db, call->arguments[2], &info);
    if (status == KV_OK) writer_integer(call->reply, (int64_t)info.bytes);
    else if (status == KV_NONE) writer_null(call->reply);
    else call_fail(call, status);
}

void memory_help_command(struct call *call)
{
    static const char *const lines[] = {
        "USAGE <key> [SAMPLES <count>]",
        "    Return the bytes that <key> and its value take. They are counted, not sampled.", NULL};
    call_help(call, lines);
}
