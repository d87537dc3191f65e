/*
 * resp/call.h -- a command being executed: what a handler is given, and how it answers.
 */
#ifndef KV_RESP_CALL_H
#define KV_RESP_CALL_H

#include "resp/worker.h"

struct call {
    kvresp *resp;
    kvresp_worker *worker;
    kvresp_session *session;
    struct writer *reply;
    kv *db; /* the session's database: a view of the worker, or of the transaction under way */
    const struct command *command;
    const kv_slice *arguments; /* [0] is the command's name */
    size_t count;
    bool in_exec; /* one of a transaction's commands */
};

/* Whether a command may wait for what is not there: not in a transaction, nor for kvresp_exec(). */
static inline bool call_may_wait(const struct call *call)
{
    return !call->in_exec && !(call->session->flags & SESSION_MAY_NOT_BLOCK);
}

/* --------------------------------------------------------------------------------------- errors */

#define ERROR_SYNTAX       "ERR syntax error"
#define ERROR_NOT_INTEGER  "ERR value is not an integer or out of range"
#define ERROR_OUT_OF_RANGE "ERR value is out of range"
#define ERROR_NO_KEY       "ERR no such key"
#define ERROR_LOADING      "LOADING Redis is loading the dataset in memory"
#define ERROR_WRONG_TYPE   "WRONGTYPE Operation against a key holding the wrong kind of value"

/* Answers with an error, which begins with its code, and counts it. */
void call_error(struct call *call, const char *text);
void call_error_slice(struct call *call, kv_slice text);
void call_error_format(struct call *call, const char *format, ...) TEXT_PRINTF(2, 3);

/* The error that a status below 0 stands for. */
void call_fail(struct call *call, kv_status status);

void call_wrong_arity(struct call *call);

/* ------------------------------------------------------------------------------------ arguments */

/*
 * Read argument `index` or answer with an error (the usual one if `error` is NULL) and return
 * false.
 */
bool call_integer(struct call *call, size_t index, int64_t *value, const char *error);
bool call_integer_between(struct call *call, size_t index, int64_t minimum, int64_t maximum,
                          int64_t *value, const char *error);

static inline bool call_is(const struct call *call, size_t index, const char *word)
{
    return text_is(call->arguments[index], word);
}

/*
 * The HELP of a container: lines, the last of them NULL. "<NAME> <subcommand> [...]" and HELP
 * itself are added.
 */
void call_help(struct call *call, const char *const *lines);

/* "Unknown subcommand or wrong number of arguments". */
void call_subcommand_error(struct call *call);

/* Room for `count` results of `size` bytes, in the worker's memory. NULL: answered. */
void *call_results(struct call *call, size_t count, size_t size);

/* What became of each field or member; or the error. */
void call_answer_results(struct call *call, kv_status status, const kv_field_result *results,
                         size_t count);

/* Puts what `head` holds before what was written since `began`, and frees `head`. */
void call_put_before(struct call *call, size_t began, struct writer *head);

/* -------------------------------------------------------------------------------------- running */

/*
 * Executes the command, which may be executed now, with statistics and slow log. run.c has a faster
 * form of it.
 */
void call_execute(struct call *call);

/*
 * Whether a command may add to the history that replicas follow: a write, a message, and PFCOUNT,
 * which renews what the value remembers.
 */
bool command_may_replicate(const struct command *command);

/* Whether the client may do what only these may (enum access): local ones, by their address. */
bool call_has_access(const struct call *call, int access);

/*
 * Whether a command that took so long may belong in the slow log or the latency monitor, and noting
 * it where it does.
 */
bool call_is_notable(const struct call *call, uint64_t nanoseconds);
void call_note(struct call *call, uint64_t nanoseconds);

/*
 * All that may stand in the way of a command: unknown, arity, authentication, MULTI, pauses, the
 * disk. Answers, executes, queues, or sets SESSION_PAUSED and does nothing.
 */
void call_checked(struct call *call, const struct command_slot *slot);

#endif
