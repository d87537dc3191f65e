/*
 * resp/zset_reply.c -- members of a sorted set as a reply.
 */
#include "resp/zset_reply.h"

void zset_reply_begin(void *context, uint64_t count)
{
    const struct zset_reply *members = context;
    writer_array(members->reply, zset_reply_size(members, count));
}

static void zset_reply_score(const struct zset_reply *members, double score)
{
    if (!members->is_text) {
        writer_double(members->reply, score);
        return;
    }
    char text[32];
    writer_bulk(members->reply, kv_bytes(text, kv_format_double(text, score)));
}

bool zset_reply_visit(void *context, kv_slice member, double score)
{
    struct zset_reply *members = context;
    members->count++;
    if (members->with_scores && zset_reply_in_pairs(members)) writer_array(members->reply, 2);
    writer_bulk(members->reply, member);
    if (members->with_scores) zset_reply_score(members, score);
    return true;
}
