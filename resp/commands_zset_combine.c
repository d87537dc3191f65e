/*
 * resp/commands_zset_combine.c -- sorted sets: unions, intersections and differences of several.
 */
#include "resp/commands.h"
#include "resp/zset_reply.h"

typedef kv_status combine_lend(kv *db, const kv_zcombine_options *sets, kv_range_begin *begin,
                               kv_visit_scored *visit, void *context);
typedef kv_status combine_store(kv *db, kv_slice destination, const kv_zcombine_options *sets,
                                uint64_t *stored);

struct combine_wish {
    kv_zcombine_options sets;
    size_t first; /* of the number of keys */
    bool is_difference, stores, counts;
    bool with_scores;
    int64_t limit;
};

/* The number of keys and the keys. False: answered. */
static bool combine_keys(struct call *call, struct combine_wish *wish)
{
    int64_t number;
    size_t left = call->count - wish->first - 1;
    if (!call_integer(call, wish->first, &number, NULL)) return false;
    if (number < 1) {
        call_error_format(call, "ERR at least 1 input key is needed for '%s' command",
                          call->command->facts.name);
        return false;
    }
    if ((uint64_t)number > left) {
        call_error(call, ERROR_SYNTAX);
        return false;
    }
    wish->sets.keys = call->arguments + wish->first + 1;
    wish->sets.key_count = (size_t)number;
    return true;
}

/* What is wrong with a command, until it is known whether something comes before it. */
typedef const char *combine_error;

static size_t combine_weights(struct call *call, size_t index, struct combine_wish *wish,
                              combine_error *error)
{
    double *weights = call->worker->value.data; /* with room for them */
    wish->sets.weights = weights;
    for (size_t i = 0; i < wish->sets.key_count; i++) {
        if (kv_parse_double(call->arguments[index + 1 + i], &weights[i]) == KV_OK) continue;
        *error = "ERR weight value is not a float";
        return 0;
    }
    return 1 + wish->sets.key_count;
}

static size_t combine_aggregate(struct call *call, size_t index, kv_aggregate *aggregate)
{
    if (call_is(call, index + 1, "sum")) *aggregate = KV_SUM;
    else if (call_is(call, index + 1, "min")) *aggregate = KV_MIN;
    else if (call_is(call, index + 1, "max")) *aggregate = KV_MAX;
    else return 0;
    return 2;
}

static size_t combine_limit(struct call *call, size_t index, int64_t *limit, combine_error *error)
{
    if (text_parse_integer(call->arguments[index + 1], limit) && *limit >= 0) return 2;
    *error = "ERR LIMIT can't be negative";
    return 0;
}

/* Reads the option at `index`; gives how many arguments it took, 0 if something is wrong. */
static size_t combine_option(struct call *call, size_t index, struct combine_wish *wish,
                             combine_error *error)
{
    size_t left = call->count - index;
    bool has_weights = !wish->is_difference && !wish->counts;
    *error = ERROR_SYNTAX;
    if (has_weights && left > wish->sets.key_count && call_is(call, index, "weights"))
        return combine_weights(call, index, wish, error);
    if (has_weights && left > 1 && call_is(call, index, "aggregate"))
        return combine_aggregate(call, index, &wish->sets.aggregate);
    if (wish->counts && left > 1 && call_is(call, index, "limit"))
        return combine_limit(call, index, &wish->limit, error);
    if (wish->stores || wish->counts || !call_is(call, index, "withscores")) return 0;
    wish->with_scores = true;
    return 1;
}

/* Whether all keys hold what can be combined. Redis looks at that before it looks at options. */
static bool combine_types_fit(struct call *call, const struct combine_wish *wish)
{
    for (size_t i = 0; i < wish->sets.key_count; i++) {
        kv_type type = KV_TYPE_NONE;
        (void)kv_type_of(call->db, wish->sets.keys[i], &type);
        if (type != KV_TYPE_NONE && type != KV_TYPE_SORTED_SET && type != KV_TYPE_SET) return false;
    }
    return true;
}

/* Reads all of the command. False: answered. */
static bool combine_read(struct call *call, struct combine_wish *wish)
{
    wish->sets = KV_OPTIONS(kv_zcombine_options);
    if (!combine_keys(call, wish)) return false;
    if (text_reserve(&call->worker->value, wish->sets.key_count * sizeof(double)) != KV_OK) {
        call_fail(call, KV_NOMEM);
        return false;
    }
    for (size_t i = wish->first + 1 + wish->sets.key_count, taken; i < call->count; i += taken) {
        combine_error error;
        taken = combine_option(call, i, wish, &error);
        if (taken > 0) continue;
        call_error(call, combine_types_fit(call, wish) ? error : ERROR_WRONG_TYPE);
        return false;
    }
    return true;
}

static void combine_answer(struct call *call, combine_lend *lend, bool is_difference)
{
    struct combine_wish wish = {.first = 1, .is_difference = is_difference};
    if (!combine_read(call, &wish)) return;
    struct zset_reply members = {.reply = call->reply, .with_scores = wish.with_scores};
    kv_status status = lend(call->db, &wish.sets, zset_reply_begin, zset_reply_visit, &members);
    if (status != KV_OK) call_fail(call, status);
}

void zunion_command(struct call *call)
{
    combine_answer(call, kv_zunion, false);
}

void zinter_command(struct call *call)
{
    combine_answer(call, kv_zinter, false);
}

void zdiff_command(struct call *call)
{
    combine_answer(call, kv_zdiff, true);
}

static void combine_answer_number(struct call *call, kv_status status, uint64_t number)
{
    if (status != KV_OK) call_fail(call, status);
    else writer_integer(call->reply, (int64_t)number);
}

static void combine_keep(struct call *call, combine_store *store, bool is_difference)
{
    struct combine_wish wish = {.first = 2, .is_difference = is_difference, .stores = true};
    uint64_t stored = 0;
    if (!combine_read(call, &wish)) return;
    kv_status status = store(call->db, call->arguments[1], &wish.sets, &stored);
    combine_answer_number(call, status, stored);
}

void zunionstore_command(struct call *call)
{
    combine_keep(call, kv_zunionstore, false);
}

void zinterstore_command(struct call *call)
{
    combine_keep(call, kv_zinterstore, false);
}

void zdiffstore_command(struct call *call)
{
    combine_keep(call, kv_zdiffstore, true);
}

void zintercard_command(struct call *call)
{
    struct combine_wish wish = {.first = 1, .counts = true};
    uint64_t count = 0;
    if (!combine_read(call, &wish)) return;
    kv_status status =
        kv_zintercard(call->db, wish.sets.keys, wish.sets.key_count, (uint64_t)wish.limit, &count);
    combine_answer_number(call, status, count);
}
