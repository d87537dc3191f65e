/*
 * resp/commands_zsets.c -- sorted sets: members in and out, one by one. Ranges are in
 * commands_zset_ranges.c, several sets at once in commands_zset_combine.c.
 */
#include "resp/blocked.h"
#include "resp/commands.h"
#include "resp/scan.h"
#include "resp/zset_reply.h"

#include <stdlib.h>

/* Answers with a count; where there is no set it is 0. */
static void zset_answer_number(struct call *call, kv_status status, uint64_t number)
{
    if (status < 0) call_fail(call, status);
    else writer_integer(call->reply, (int64_t)number);
}

/* ---------------------------------------------------------------------------------------- adding */

struct zadd_wish {
    size_t first; /* of the scores and members */
    unsigned flags;
    bool changed, increments; /* CH, INCR */
};

static void zadd_options(struct call *call, struct zadd_wish *wish)
{
    size_t i = 2;
    for (; i < call->count; i++) {
        if (call_is(call, i, "nx")) wish->flags |= KV_ZADD_NX;
        else if (call_is(call, i, "xx")) wish->flags |= KV_ZADD_XX;
        else if (call_is(call, i, "gt")) wish->flags |= KV_ZADD_GT;
        else if (call_is(call, i, "lt")) wish->flags |= KV_ZADD_LT;
        else if (call_is(call, i, "ch")) wish->changed = true;
        else if (call_is(call, i, "incr")) wish->increments = true;
        else break;
    }
    wish->first = i;
}

/* What is wrong with them, or NULL. */
static const char *zadd_error(const struct call *call, const struct zadd_wish *wish)
{
    size_t words = call->count - wish->first;
    unsigned nx = wish->flags & KV_ZADD_NX, gt = wish->flags & KV_ZADD_GT;
    unsigned lt = wish->flags & KV_ZADD_LT;
    if (words == 0 || words % 2 != 0) return ERROR_SYNTAX;
    if (nx && wish->flags & KV_ZADD_XX)
        return "ERR XX and NX options at the same time are not compatible";
    if ((gt && nx) || (lt && nx) || (gt && lt))
        return "ERR GT, LT, and/or NX options at the same time are not compatible";
    if (wish->increments && words > 2)
        return "ERR INCR option supports a single increment-element pair";
    return NULL;
}

/* The scores and members from the wish's first on. NULL: answered. */
static kv_scored *zadd_members(struct call *call, const struct zadd_wish *wish, size_t *count)
{
    *count = (call->count - wish->first) / 2;
    if (text_reserve(&call->worker->value, *count * sizeof(kv_scored)) != KV_OK) {
        call_fail(call, KV_NOMEM);
        return NULL;
    }
    kv_scored *members = call->worker->value.data;
    for (size_t i = 0; i < *count; i++) {
        size_t at = wish->first + 2 * i;
        members[i].member = call->arguments[at + 1];
        if (kv_parse_double(call->arguments[at], &members[i].score) == KV_OK) continue;
        call_fail(call, KV_NOTFLOAT);
        return NULL;
    }
    return members;
}

/* Adds to a score and answers with the sum, or null if a condition did not hold. */
static void zset_increase(struct call *call, const kv_scored *by, unsigned flags)
{
    double sum;
    kv_status status = kv_zincrby(call->db, call->arguments[1], by->member, by->score, flags, &sum);
    if (status == KV_OK) writer_double(call->reply, sum);
    else if (status == KV_SKIPPED) writer_null(call->reply);
    else if (status == KV_NOTFINITE) call_error(call, "ERR resulting score is not a number (NaN)");
    else call_fail(call, status);
}

void zadd_command(struct call *call)
{
    struct zadd_wish wish = {0};
    size_t count;
    zadd_options(call, &wish);
    const char *error = zadd_error(call, &wish);
    if (error != NULL) {
        call_error(call, error);
        return;
    }
    kv_scored *members = zadd_members(call, &wish, &count);
    if (members == NULL) return;
    if (wish.increments) {
        zset_increase(call, members, wish.flags);
        return;
    }
    uint64_t added = 0, updated = 0;
    kv_status status =
        kv_zadd(call->db, call->arguments[1], members, count, wish.flags, &added, &updated);
    zset_answer_number(call, status, wish.changed ? added + updated : added);
}

void zincrby_command(struct call *call)
{
    struct zadd_wish wish = {0};
    kv_scored by = {.member = call->arguments[3]};
    zadd_options(call, &wish); /* Redis knows them here, too, but there is no room for any */
    if (wish.first > 2) call_error(call, ERROR_SYNTAX);
    else if (kv_parse_double(call->arguments[2], &by.score) != KV_OK) call_fail(call, KV_NOTFLOAT);
    else zset_increase(call, &by, 0);
}

void zrem_command(struct call *call)
{
    uint64_t removed = 0;
    kv_status status =
        kv_zrem(call->db, call->arguments[1], call->arguments + 2, call->count - 2, &removed);
    zset_answer_number(call, status, removed);
}

/* --------------------------------------------------------------------------------------- looking */

void zcard_command(struct call *call)
{
    uint64_t count = 0;
    kv_status status = kv_zcard(call->db, call->arguments[1], &count);
    zset_answer_number(call, status, count);
}

void zscore_command(struct call *call)
{
    double score;
    kv_status status = kv_zscore(call->db, call->arguments[1], call->arguments[2], &score);
    if (status == KV_OK) writer_double(call->reply, score);
    else if (status == KV_NONE) writer_null(call->reply);
    else call_fail(call, status);
}

void zmscore_command(struct call *call)
{
    size_t count = call->count - 2;
    kv_status status = text_reserve(&call->worker->value, count * sizeof(double));
    double *scores = call->worker->value.data;
    if (status == KV_OK)
        status = kv_zmscore(call->db, call->arguments[1], call->arguments + 2, count, scores);
    if (status != KV_OK) {
        call_fail(call, status);
        return;
    }
    writer_array(call->reply, count);
    for (size_t i = 0; i < count; i++) {
        if (scores[i] == scores[i]) writer_double(call->reply, scores[i]);
        else writer_null(call->reply); /* nan: it is not there */
    }
}

static void zset_rank(struct call *call, kv_end end)
{
    uint64_t rank;
    double score;
    bool with_score = call->count == 4;
    if (call->count > 4) {
        call_wrong_arity(call);
        return;
    }
    if (with_score && !call_is(call, 3, "withscore")) {
        call_error(call, ERROR_SYNTAX);
        return;
    }
    kv_status status =
        kv_zrank(call->db, call->arguments[1], call->arguments[2], end, &rank, &score);
    if (status < 0) {
        call_fail(call, status);
    } else if (status == KV_NONE) {
        if (with_score) writer_null_array(call->reply);
        else writer_null(call->reply);
    } else {
        if (with_score) writer_array(call->reply, 2);
        writer_integer(call->reply, (int64_t)rank);
        if (with_score) writer_double(call->reply, score);
    }
}

void zrank_command(struct call *call)
{
    zset_rank(call, KV_HEAD);
}

void zrevrank_command(struct call *call)
{
    zset_rank(call, KV_TAIL);
}

/* Null if there is no set. */
static void zrandmember_one(struct call *call)
{
    struct zset_reply members = {.reply = call->reply};
    kv_status status =
        kv_zrandmember(call->db, call->arguments[1], 1, NULL, zset_reply_visit, &members);
    if (status == KV_NONE) writer_null(call->reply);
    else if (status != KV_OK) call_fail(call, status);
}

/* Members drawn anew may be more than the set has: this many at most, or the reply had no end. */
enum { ZRANDMEMBER_MOST = 1 << 24 };

void zrandmember_command(struct call *call)
{
    struct zset_reply members = {.reply = call->reply, .with_scores = call->count == 4};
    int64_t count, limit = INT64_MAX;
    if (call->count == 2) {
        zrandmember_one(call);
        return;
    }
    if (!call_integer_between(call, 2, -limit, limit, &count, NULL)) return;
    if (call->count > 4 || (call->count == 4 && !call_is(call, 3, "withscores"))) {
        call_error(call, ERROR_SYNTAX);
        return;
    }
    if (count < -ZRANDMEMBER_MOST || (members.with_scores && count > limit / 2)) {
        call_error(call, ERROR_OUT_OF_RANGE);
        return;
    }
    kv_status status = kv_zrandmember(call->db, call->arguments[1], count, zset_reply_begin,
                                      zset_reply_visit, &members);
    if (status == KV_NONE) writer_array(call->reply, 0);
    else if (status != KV_OK) call_fail(call, status);
}

/* ---------------------------------------------------------------------------------------- taking */

/* ZPOPMIN and ZPOPMAX: members and scores in one array; in RESP3 with a count in pairs. */
static void zset_pop(struct call *call, kv_end end)
{
    int64_t count = 1;
    bool has_count = call->count > 2;
    struct zset_reply members = {.reply = call->reply, .with_scores = true, .is_flat = !has_count};
    if (call->count > 3) {
        call_error(call, ERROR_SYNTAX);
        return;
    }
    if (has_count && !call_integer_between(call, 2, 0, INT64_MAX, &count,
                                           "ERR value is out of range, must be positive"))
        return;
    size_t began = writer_begin_deferred(call->reply);
    kv_status status = kv_zpop(call->db, call->arguments[1], end, (uint64_t)count, zset_reply_visit,
                               &members, NULL);
    if (status < 0) call_fail(call, status);
    else writer_end_deferred(call->reply, began, '*', zset_reply_size(&members, members.count));
}

void zpopmin_command(struct call *call)
{
    zset_pop(call, KV_HEAD);
}

void zpopmax_command(struct call *call)
{
    zset_pop(call, KV_TAIL);
}

/* What a command that pops from the first of several sets wants; it may have to wait for it. */
struct zset_wish {
    const kv_slice *keys;
    size_t key_count;
    kv_end end;
    uint64_t count;
    bool as_array; /* [key, [[member, score] ...]]; else [key, member, score] */
};

static struct zset_reply zset_wish_reply(const struct zset_wish *wish, struct writer *reply)
{
    return (struct zset_reply){.reply = reply,
                               .with_scores = true,
                               .is_flat = !wish->as_array,
                               .is_nested = wish->as_array};
}

/* Puts what goes before the members that were written since `began`. */
static void zset_wish_put_key(const struct zset_wish *wish, struct writer *reply, size_t began,
                              kv_slice key, uint64_t count)
{
    struct writer head = {.protocol = 2};
    writer_array(&head, wish->as_array ? 2 : 3);
    writer_bulk(&head, key);
    if (wish->as_array) writer_array(&head, count);
    if (head.failed) reply->failed = true;
    else writer_insert(reply, began, kv_bytes(head.bytes, head.size));
    writer_free(&head);
}

/* Pops from the first set that has any and answers; KV_NONE if none has: not answered. */
static kv_status zset_pop_first(struct call *call, const struct zset_wish *wish)
{
    struct zset_reply members = zset_wish_reply(wish, call->reply);
    size_t index = 0, began = writer_begin_deferred(call->reply);
    kv_status status = kv_zmpop(call->db, wish->keys, wish->key_count, wish->end, wish->count,
                                &index, zset_reply_visit, &members);
    if (status == KV_OK)
        zset_wish_put_key(wish, call->reply, began, wish->keys[index], members.count);
    else if (status < 0) call_fail(call, status);
    return status;
}

/* The same for a wait. */
static kv_status zset_attempt(void *request, kv *txn, size_t key_index, kv_slice key,
                              struct writer *reply)
{
    const struct zset_wish *wish = request;
    struct zset_reply members = zset_wish_reply(wish, reply);
    size_t began = writer_begin_deferred(reply);
    (void)key_index;
    kv_status status = kv_zpop(txn, key, wish->end, wish->count, zset_reply_visit, &members, NULL);
    if (status == KV_OK) zset_wish_put_key(wish, reply, began, key, members.count);
    return status == KV_WRONGTYPE ? KV_NONE : status;
}

static void zset_wait(struct call *call, const struct zset_wish *wish, int64_t timeout_ms)
{
    struct zset_wish *request = malloc(sizeof *request);
    if (request == NULL) {
        call_fail(call, KV_NOMEM);
        return;
    }
    *request = *wish;
    struct blocked_wish blocked = {.keys = wish->keys,
                                   .key_count = wish->key_count,
                                   .attempt = zset_attempt,
                                   .type = KV_TYPE_SORTED_SET,
                                   .request = request};
    blocked_begin(call, &blocked, timeout_ms);
}

static void zset_pop_first_or_wait(struct call *call, const struct zset_wish *wish,
                                   size_t timeout_at)
{
    int64_t timeout_ms;
    if (!timeout_argument(call, timeout_at, &timeout_ms) || zset_pop_first(call, wish) != KV_NONE)
        return;
    if (call_may_wait(call)) zset_wait(call, wish, timeout_ms);
    else writer_null_array(call->reply);
}

static void zset_pop_one_or_wait(struct call *call, kv_end end)
{
    struct zset_wish wish = {call->arguments + 1, call->count - 2, end, 1, false};
    zset_pop_first_or_wait(call, &wish, call->count - 1);
}

void bzpopmin_command(struct call *call)
{
    zset_pop_one_or_wait(call, KV_HEAD);
}

void bzpopmax_command(struct call *call)
{
    zset_pop_one_or_wait(call, KV_TAIL);
}

/* "numkeys key [key ...] MIN|MAX [COUNT count]" from argument `first` on. False: answered. */
static bool zmpop_wish(struct call *call, size_t first, struct zset_wish *wish)
{
    int64_t number, count = 1;
    if (!call_integer_between(call, first, 1, INT64_MAX, &number,
                              "ERR numkeys should be greater than 0"))
        return false;
    size_t where = first + 1 + (size_t)number;
    if ((uint64_t)number >= call->count - first - 1) {
        call_error(call, ERROR_SYNTAX);
        return false;
    }
    wish->end = call_is(call, where, "min") ? KV_HEAD : KV_TAIL;
    bool is_right = wish->end == KV_HEAD || call_is(call, where, "max");
    size_t rest = where + 1;
    if (is_right && rest + 1 < call->count && call_is(call, rest, "count")) {
        if (!call_integer_between(call, rest + 1, 1, INT64_MAX, &count,
                                  "ERR count should be greater than 0"))
            return false;
        rest += 2;
    }
    if (!is_right || rest < call->count) {
        call_error(call, ERROR_SYNTAX);
        return false;
    }
    wish->keys = call->arguments + first + 1;
    wish->key_count = (size_t)number;
    wish->count = (uint64_t)count;
    wish->as_array = true;
    return true;
}

void zmpop_command(struct call *call)
{
    struct zset_wish wish;
    if (zmpop_wish(call, 1, &wish) && zset_pop_first(call, &wish) == KV_NONE)
        writer_null_array(call->reply);
}

void bzmpop_command(struct call *call)
{
    struct zset_wish wish;
    if (zmpop_wish(call, 2, &wish)) zset_pop_first_or_wait(call, &wish, 1);
}

/* -------------------------------------------------------------------------------------- scanning */

struct zset_scan {
    struct scan_wish wish;
    struct zset_reply members; /* a score is text here, in RESP3 too */
};

/* MATCH, COUNT and NOSCORES. False: answered. */
static bool zset_scan_options(struct call *call, struct zset_scan *scan)
{
    for (size_t i = 3; i < call->count;) {
        kv_status status = scan_option(call, &i, &scan->wish);
        if (status == KV_BADARG) return false;
        if (status == KV_OK) continue;
        if (!call_is(call, i, "noscores")) {
            call_error(call, ERROR_SYNTAX);
            return false;
        }
        scan->members.with_scores = false;
        i++;
    }
    return true;
}

static bool zset_scan_visit(void *context, kv_slice member, double score)
{
    struct zset_scan *scan = context;
    if (scan_matches(&scan->wish, member)) zset_reply_visit(&scan->members, member, score);
    return true;
}

void zscan_command(struct call *call)
{
    struct zset_scan scan = {
        .members = {.reply = call->reply, .with_scores = true, .is_flat = true, .is_text = true}};
    if (!scan_begin(call, 2, &scan.wish)) return;
    kv_status status = kv_zcard(call->db, call->arguments[1], NULL);
    if (status == KV_NONE) { /* before the options are looked at, as in Redis */
        scan_nothing(call);
        return;
    }
    if (status == KV_OK && !zset_scan_options(call, &scan)) return;
    size_t began = writer_begin_deferred(call->reply);
    if (status == KV_OK) {
        status = kv_zscan(call->db, call->arguments[1], &scan.wish.cursor,
                          (uint64_t)scan.wish.count, zset_scan_visit, &scan);
    }
    uint64_t size = zset_reply_size(&scan.members, scan.members.count);
    if (status < 0) call_fail(call, status);
    else scan_end(call, began, scan.wish.cursor, size);
}
