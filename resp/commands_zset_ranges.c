/*
 * resp/commands_zset_ranges.c -- sorted sets: members from one rank, score or name to another.
 */
#include "resp/commands.h"
#include "resp/zset_reply.h"

/* ------------------------------------------------------------------------------- the two ends */

#define RANGE_NOT_FLOAT "ERR min or max is not a float"
#define RANGE_NOT_NAME  "ERR min or max not valid string range item"

/* A score, or "(" and a score. What Redis reads there is what strtod() reads of C text. */
static bool range_score(kv_slice text, kv_zbound *bound)
{
    text = text_terminated(text);
    const char *at = text.data;
    bound->bound = text.size > 0 && *at == '(' ? KV_BOUND_EXCLUDED : KV_BOUND_INCLUDED;
    size_t skipped = bound->bound == KV_BOUND_EXCLUDED ? 1 : 0;
    return text_parse_c_double(kv_bytes(at + skipped, text.size - skipped), &bound->score);
}

/* "-", "+", or "[" or "(" and a name. */
static bool range_name(kv_slice text, kv_zbound *bound)
{
    const char *at = text.data;
    if (text.size == 0) return false;
    if (*at == '-' || *at == '+') {
        bound->bound = *at == '-' ? KV_BOUND_LOWEST : KV_BOUND_HIGHEST;
        return text_terminated(text).size == 1;
    }
    bound->bound = *at == '(' ? KV_BOUND_EXCLUDED : KV_BOUND_INCLUDED;
    bound->name = kv_bytes(at + 1, text.size - 1);
    return *at == '(' || *at == '[';
}

/* Reads the ends of a range from arguments `low` and `high`. False: answered. */
static bool range_ends(struct call *call, size_t low, size_t high, kv_zrange_options *range)
{
    if (range->by == KV_BY_RANK)
        return call_integer(call, low, &range->start, NULL) &&
               call_integer(call, high, &range->stop, NULL);
    bool by_score = range->by == KV_BY_SCORE;
    bool (*read)(kv_slice, kv_zbound *) = by_score ? range_score : range_name;
    if (read(call->arguments[low], &range->minimum) && read(call->arguments[high], &range->maximum))
        return true;
    call_error(call, by_score ? RANGE_NOT_FLOAT : RANGE_NOT_NAME);
    return false;
}

/* ---------------------------------------------------------------------------------------- ZRANGE */

/* What a command of the family of ZRANGE leaves open, and what it was asked for. */
struct range_wish {
    kv_zrange_options range;
    size_t first; /* of the two ends */
    bool is_open; /* by what, and in which direction, are options */
    bool stores;
    bool with_scores;
    int64_t offset, limit; /* below 0: all; negative offsets pass over everything */
};

/* Reads the option at `index`; gives how many arguments it took, 0: answered. */
static size_t range_option(struct call *call, size_t index, struct range_wish *wish)
{
    if (!wish->stores && call_is(call, index, "withscores")) {
        wish->with_scores = true;
        return 1;
    }
    if (index + 2 < call->count && call_is(call, index, "limit")) {
        if (!call_integer(call, index + 1, &wish->offset, NULL) ||
            !call_integer(call, index + 2, &wish->limit, NULL))
            return 0;
        return 3;
    }
    if (wish->is_open && call_is(call, index, "rev") && !wish->range.reverse) {
        wish->range.reverse = true;
        return 1;
    }
    bool by_name = call_is(call, index, "bylex");
    if (wish->is_open && wish->range.by == KV_BY_RANK &&
        (by_name || call_is(call, index, "byscore"))) {
        wish->range.by = by_name ? KV_BY_NAME : KV_BY_SCORE;
        return 1;
    }
    call_error(call, ERROR_SYNTAX);
    return 0;
}

/* Reads all of the command. False: answered. */
static bool range_read(struct call *call, struct range_wish *wish)
{
    kv_zrange_options *range = &wish->range;
    wish->limit = -1;
    for (size_t i = wish->first + 2, taken; i < call->count; i += taken) {
        taken = range_option(call, i, wish);
        if (taken == 0) return false;
    }
    const char *error = NULL;
    if (wish->limit != -1 && range->by == KV_BY_RANK)
        error = "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or "
                "BYLEX";
    else if (wish->with_scores && range->by == KV_BY_NAME)
        error = "ERR syntax error, WITHSCORES not supported in combination with BYLEX";
    if (error != NULL) {
        call_error(call, error);
        return false;
    }
    bool is_swapped = range->reverse && range->by != KV_BY_RANK;
    range->limited = range->by != KV_BY_RANK;
    range->offset = wish->offset < 0 ? UINT64_MAX : (uint64_t)wish->offset;
    range->count = wish->limit < 0 ? UINT64_MAX : (uint64_t)wish->limit;
    return range_ends(call, wish->first + is_swapped, wish->first + !is_swapped, range);
}

static void range_answer(struct call *call, struct range_wish *wish)
{
    if (!range_read(call, wish)) return;
    struct zset_reply members = {.reply = call->reply, .with_scores = wish->with_scores};
    kv_status status = kv_zrange(call->db, call->arguments[1], &wish->range, zset_reply_begin,
                                 zset_reply_visit, &members);
    if (status != KV_OK) call_fail(call, status);
}

/* One of the older commands, each of which is one case of ZRANGE. */
static void range_old(struct call *call, kv_zrange_by by, bool reverse)
{
    struct range_wish wish = {.range = KV_OPTIONS(kv_zrange_options), .first = 2};
    wish.range.by = by;
    wish.range.reverse = reverse;
    range_answer(call, &wish);
}

void zrange_command(struct call *call)
{
    struct range_wish wish = {.range = KV_OPTIONS(kv_zrange_options), .first = 2, .is_open = true};
    range_answer(call, &wish);
}

void zrevrange_command(struct call *call)
{
    range_old(call, KV_BY_RANK, true);
}

void zrangebyscore_command(struct call *call)
{
    range_old(call, KV_BY_SCORE, false);
}

void zrevrangebyscore_command(struct call *call)
{
    range_old(call, KV_BY_SCORE, true);
}

void zrangebylex_command(struct call *call)
{
    range_old(call, KV_BY_NAME, false);
}

void zrevrangebylex_command(struct call *call)
{
    range_old(call, KV_BY_NAME, true);
}

static void range_answer_number(struct call *call, kv_status status, uint64_t number)
{
    if (status != KV_OK) call_fail(call, status);
    else writer_integer(call->reply, (int64_t)number);
}

void zrangestore_command(struct call *call)
{
    struct range_wish wish = {
        .range = KV_OPTIONS(kv_zrange_options), .first = 3, .is_open = true, .stores = true};
    uint64_t stored = 0;
    if (!range_read(call, &wish)) return;
    kv_status status =
        kv_zrangestore(call->db, call->arguments[1], call->arguments[2], &wish.range, &stored);
    range_answer_number(call, status, stored);
}

/* --------------------------------------------------------------------------- counting, removing */

static void range_count(struct call *call, kv_zrange_by by)
{
    kv_zrange_options range = KV_OPTIONS(kv_zrange_options);
    uint64_t count = 0;
    range.by = by;
    if (!range_ends(call, 2, 3, &range)) return;
    kv_status status = kv_zcount(call->db, call->arguments[1], &range, &count);
    range_answer_number(call, status, count);
}

void zcount_command(struct call *call)
{
    range_count(call, KV_BY_SCORE);
}

void zlexcount_command(struct call *call)
{
    range_count(call, KV_BY_NAME);
}

static void range_remove(struct call *call, kv_zrange_by by)
{
    kv_zrange_options range = KV_OPTIONS(kv_zrange_options);
    uint64_t removed = 0;
    range.by = by;
    if (!range_ends(call, 2, 3, &range)) return;
    kv_status status = kv_zremrange(call->db, call->arguments[1], &range, &removed);
    range_answer_number(call, status, removed);
}

void zremrangebyrank_command(struct call *call)
{
    range_remove(call, KV_BY_RANK);
}

void zremrangebyscore_command(struct call *call)
{
    range_remove(call, KV_BY_SCORE);
}

void zremrangebylex_command(struct call *call)
{
    range_remove(call, KV_BY_NAME);
}
