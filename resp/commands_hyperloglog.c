/*
 * resp/commands_hyperloglog.c -- PFADD, PFCOUNT, PFMERGE, and PFDEBUG, which looks into one.
 */
#include "resp/commands.h"

static void pf_fail(struct call *call, kv_status status)
{
    if (status == KV_NOTHLL)
        call_error(call, "WRONGTYPE Key is not a valid HyperLogLog string value.");
    else if (status == KV_CORRUPT) call_error(call, "INVALIDOBJ Corrupted HLL object detected");
    else call_fail(call, status);
}

void pfadd_command(struct call *call)
{
    bool changed = false;
    kv_status status =
        kv_pfadd(call->db, call->arguments[1], call->arguments + 2, call->count - 2, &changed);
    if (status != KV_OK) pf_fail(call, status);
    else writer_integer(call->reply, changed);
}

void pfcount_command(struct call *call)
{
    uint64_t cardinality = 0;
    kv_status status = kv_pfcount(call->db, call->arguments + 1, call->count - 1, &cardinality);
    if (status != KV_OK) pf_fail(call, status);
    else writer_integer(call->reply, (int64_t)cardinality);
}

void pfmerge_command(struct call *call)
{
    kv_status status =
        kv_pfmerge(call->db, call->arguments[1], call->arguments + 2, call->count - 2);
    if (status != KV_OK) pf_fail(call, status);
    else writer_ok(call->reply);
}

/* ------------------------------------------------------------------------------------- PFDEBUG */

static void pfdebug_encoding(struct call *call, kv_slice key)
{
    kv_status status = kv_pfruns(call->db, key, NULL, NULL);
    if (status < 0) pf_fail(call, status);
    else writer_simple(call->reply, status == KV_SKIPPED ? "dense" : "sparse");
}

/* What is sparse becomes dense by being looked at. */
static void pfdebug_getreg(struct call *call, kv_slice key)
{
    uint8_t registers[KV_HYPERLOGLOG_REGISTERS];
    kv_status status = kv_pfdense(call->db, key);
    if (status >= 0) status = kv_pfregisters(call->db, key, registers);
    if (status != KV_OK) {
        pf_fail(call, status);
        return;
    }
    writer_array(call->reply, KV_HYPERLOGLOG_REGISTERS);
    for (int i = 0; i < KV_HYPERLOGLOG_REGISTERS; i++) writer_integer(call->reply, registers[i]);
}

static void pfdebug_todense(struct call *call, kv_slice key)
{
    kv_status status = kv_pfdense(call->db, key);
    if (status < 0) pf_fail(call, status);
    else writer_integer(call->reply, status == KV_OK);
}

/* The text of the runs, "Z:16000 v:3,1 z:64 ". */
struct runs_text {
    kv_buffer *buffer;
    kv_status status;
};

static bool pfdebug_write_run(void *context, kv_run_kind kind, unsigned count, unsigned value)
{
    struct runs_text *text = context;
    if (kind == KV_RUN_VALUE) text->status = text_format(text->buffer, "v:%u,%u ", value, count);
    else
        text->status =
            text_format(text->buffer, kind == KV_RUN_LONG_ZERO ? "Z:%u " : "z:%u ", count);
    return text->status == KV_OK;
}

static void pfdebug_decode(struct call *call, kv_slice key)
{
    struct runs_text text = {&call->worker->value, KV_OK};
    text.buffer->size = 0;
    kv_status status = kv_pfruns(call->db, key, pfdebug_write_run, &text);
    if (status == KV_OK) status = text.status;
    if (status == KV_SKIPPED) {
        call_error(call, "ERR HLL encoding is not sparse");
    } else if (status != KV_OK) {
        pf_fail(call, status);
    } else {
        if (text.buffer->size > 0) text.buffer->size--; /* the last space */
        writer_bulk(call->reply, text_of_buffer(text.buffer));
    }
}

/* Redis says the word whole, however long. */
static void pfdebug_unknown(struct call *call, kv_slice word)
{
    kv_buffer *text = &call->worker->value;
    text->size = 0;
    kv_status status = text_append_string(text, "ERR Unknown PFDEBUG subcommand '");
    if (status == KV_OK) status = text_append(text, word);
    if (status == KV_OK) status = text_append_string(text, "'");
    if (status == KV_OK) call_error_slice(call, text_of_buffer(text));
    else call_fail(call, status);
}

void pfdebug_command(struct call *call)
{
    static const struct {
        const char *name;
        void (*function)(struct call *call, kv_slice key);
    } subcommands[] = {{"getreg", pfdebug_getreg},
                       {"decode", pfdebug_decode},
                       {"encoding", pfdebug_encoding},
                       {"todense", pfdebug_todense}};
    kv_slice key = call->arguments[2];
    kv_status status = kv_pfruns(call->db, key, NULL, NULL);
    if (status < 0) {
        pf_fail(call, status);
        return;
    }
    if (status == KV_NONE) {
        call_error(call, "ERR The specified key does not exist");
        return;
    }
    for (size_t i = 0; i < sizeof subcommands / sizeof subcommands[0]; i++) {
        if (!call_is(call, 1, subcommands[i].name)) continue;
        subcommands[i].function(call, key);
        return;
    }
    pfdebug_unknown(call, text_terminated(call->arguments[1]));
}

/* ----------------------------------------------------------------------------------- PFSELFTEST */

enum { SELFTEST_KEYS = 3, SELFTEST_ELEMENTS = 200000 };

/* The registers of a sparse one are those of a dense one to which the same was added. */
static bool selftest_forms_agree(kv *db, kv_slice sparse, kv_slice dense)
{
    uint8_t registers[2][KV_HYPERLOGLOG_REGISTERS];
    return kv_pfruns(db, sparse, NULL, NULL) == KV_OK &&
           kv_pfruns(db, dense, NULL, NULL) == KV_SKIPPED &&
           kv_pfregisters(db, sparse, registers[0]) == KV_OK &&
           kv_pfregisters(db, dense, registers[1]) == KV_OK &&
           memcmp(registers[0], registers[1], sizeof registers[0]) == 0;
}

/* An estimate is as near as seven standard errors; a merged one says the same. */
static bool selftest_estimates(kv *db, const kv_slice keys[SELFTEST_KEYS], uint64_t added)
{
    uint64_t estimates[SELFTEST_KEYS];
    if (kv_pfmerge(db, keys[2], keys, 2) != KV_OK) return false;
    for (int i = 0; i < SELFTEST_KEYS; i++)
        if (kv_pfcount(db, &keys[i], 1, &estimates[i]) != KV_OK) return false;
    uint64_t far = estimates[0] > added ? estimates[0] - added : added - estimates[0];
    return far <= added * 57 / 1000 + 1 && estimates[1] == estimates[0] &&
           estimates[2] == estimates[0];
}

/* Adds ever more elements to two that are kept in different forms, and compares at each power. */
static bool selftest_run(kv *db)
{
    const kv_slice keys[SELFTEST_KEYS] = {KV_TEXT("sparse"), KV_TEXT("dense"), KV_TEXT("merged")};
    if (kv_pfadd(db, keys[1], NULL, 0, NULL) != KV_OK || kv_pfdense(db, keys[1]) != KV_OK)
        return false;
    for (uint64_t i = 0, next = 1; i < SELFTEST_ELEMENTS; i++) {
        kv_slice element = kv_bytes(&i, sizeof i);
        for (int j = 0; j < 2; j++)
            if (kv_pfadd(db, keys[j], &element, 1, NULL) != KV_OK) return false;
        if (i + 1 < next) continue;
        if (next <= 1000 && !selftest_forms_agree(db, keys[0], keys[1])) return false;
        if (!selftest_estimates(db, keys, next)) return false;
        next *= 10;
    }
    return true;
}

/* In a store of its own. */
void pfselftest_command(struct call *call)
{
    kv_options options = KV_OPTIONS(kv_options);
    kv *db;
    options.shards = 1;
    if (kv_open(&options, &db) != KV_OK) {
        call_fail(call, KV_NOMEM);
        return;
    }
    if (selftest_run(db)) writer_ok(call->reply);
    else call_error(call, "TESTFAILED HyperLogLogs are not what they should be");
    kv_close(db);
}
