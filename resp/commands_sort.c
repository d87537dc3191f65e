/*
 * resp/commands_sort.c -- SORT and SORT_RO.
 */
#include "resp/commands.h"

#include <stdlib.h>

/* GET patterns that need no memory. */
enum { SORT_PATTERNS_ON_STACK = 16 };

struct sort_wish {
    kv_sort_options options;
    kv_slice few[SORT_PATTERNS_ON_STACK];
    kv_slice *patterns;
    const kv_slice *destination; /* NULL: answer */
};

/* Room for as many GETs as the request can have. */
static bool sort_wish_open(struct call *call, struct sort_wish *wish)
{
    *wish = (struct sort_wish){.options = KV_OPTIONS(kv_sort_options)};
    wish->patterns = wish->few;
    if (call->count / 2 > SORT_PATTERNS_ON_STACK) {
        wish->patterns = malloc(call->count / 2 * sizeof *wish->patterns);
        if (wish->patterns == NULL) call_fail(call, KV_NOMEM);
    }
    return wish->patterns != NULL;
}

static void sort_wish_close(struct sort_wish *wish)
{
    if (wish->patterns != wish->few) free(wish->patterns);
}

static bool sort_limit(struct call *call, size_t index, kv_sort_options *options)
{
    options->limited = true;
    return call_integer(call, index + 1, &options->offset, NULL) &&
           call_integer(call, index + 2, &options->count, NULL);
}

/* Reads the option at *index and moves on to the next. False: answered. */
static bool sort_option(struct call *call, size_t *index, struct sort_wish *wish)
{
    kv_sort_options *options = &wish->options;
    size_t at = *index, left = call->count - at - 1;
    if (call_is(call, at, "asc") || call_is(call, at, "desc")) {
        options->descending = call_is(call, at, "desc");
    } else if (call_is(call, at, "alpha")) {
        options->alphabetic = true;
    } else if (call_is(call, at, "limit") && left >= 2) {
        if (!sort_limit(call, at, options)) return false;
        *index += 2;
    } else if (call_is(call, at, "store") && left >= 1 &&
               call->command->facts.flags & COMMAND_WRITE) {
        wish->destination = &call->arguments[at + 1];
        *index += 1;
    } else if (call_is(call, at, "by") && left >= 1) {
        options->by = &call->arguments[at + 1];
        *index += 1;
    } else if (call_is(call, at, "get") && left >= 1) {
        wish->patterns[options->get_count++] = call->arguments[at + 1];
        *index += 1;
    } else {
        call_error(call, ERROR_SYNTAX);
        return false;
    }
    *index += 1;
    return true;
}

static bool sort_read_options(struct call *call, struct sort_wish *wish)
{
    for (size_t i = 2; i < call->count;)
        if (!sort_option(call, &i, wish)) return false;
    wish->options.get = wish->patterns;
    return true;
}

static void sort_begin(void *context, uint64_t count)
{
    writer_array(context, count);
}

static bool sort_visit(void *context, size_t index, const kv_slice *item)
{
    struct writer *reply = context;
    (void)index;
    if (item != NULL) writer_bulk(reply, *item);
    else writer_null(reply);
    return !reply->failed;
}

static void sort_fail(struct call *call, kv_status status)
{
    if (status == KV_NOTFLOAT)
        call_error(call, "ERR One or more scores can't be converted into double");
    else call_fail(call, status);
}

static void sort_answer(struct call *call, const struct sort_wish *wish)
{
    size_t began = writer_begin_deferred(call->reply);
    kv_status status =
        kv_sort(call->db, call->arguments[1], &wish->options, sort_begin, sort_visit, call->reply);
    if (status == KV_OK) return;
    call->reply->size = call->reply->start + began;
    sort_fail(call, status);
}

static void sort_store(struct call *call, const struct sort_wish *wish)
{
    uint64_t stored = 0;
    kv_status status =
        kv_sortstore(call->db, *wish->destination, call->arguments[1], &wish->options, &stored);
    if (status == KV_OK) writer_integer(call->reply, (int64_t)stored);
    else sort_fail(call, status);
}

void sort_command(struct call *call)
{
    struct sort_wish wish;
    if (!sort_wish_open(call, &wish)) return;
    if (sort_read_options(call, &wish)) {
        if (wish.destination != NULL) sort_store(call, &wish);
        else sort_answer(call, &wish);
    }
    sort_wish_close(&wish);
}

void sort_ro_command(struct call *call)
{
    sort_command(call);
}
