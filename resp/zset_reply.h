/*
 * resp/zset_reply.h -- members of a sorted set as a reply.
 *
 * With scores they are, in RESP2, one array of members and scores by turns; in RESP3, where a score
 * is a double, an array of pairs. Some commands have it otherwise.
 */
#ifndef KV_RESP_ZSET_REPLY_H
#define KV_RESP_ZSET_REPLY_H

#include "resp/writer.h"

struct zset_reply {
    struct writer *reply;
    uint64_t count; /* of members that were written */
    bool with_scores;
    bool is_flat;   /* by turns in RESP3, too */
    bool is_nested; /* in pairs in RESP2, too */
    bool is_text;   /* scores are text in RESP3, too */
};

static inline bool zset_reply_in_pairs(const struct zset_reply *members)
{
    return members->is_nested || (members->reply->protocol > 2 && !members->is_flat);
}

/* The number of elements of an array with so many members. */
static inline uint64_t zset_reply_size(const struct zset_reply *members, uint64_t count)
{
    return members->with_scores && !zset_reply_in_pairs(members) ? 2 * count : count;
}

/* A kv_range_begin and a kv_visit_scored. */
void zset_reply_begin(void *context, uint64_t count);
bool zset_reply_visit(void *context, kv_slice member, double score);

#endif
