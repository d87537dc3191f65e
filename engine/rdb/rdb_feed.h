/*
 * rdb/rdb_feed.h -- the texts that a collection is made of, some at a time: in a row, each by
 * itself, or packed into a block.
 *
 *     struct rdb_feed feed;
 *     kv_status status = rdb_feed_packed(&feed, source, RDB_ZIPLIST, 2);      // pairs
 *     if (status != KV_OK) return status;
 *     while ((status = rdb_feed_next(&feed)) == KV_OK && feed.count > 0) {
 *         ... feed.texts[0] to feed.texts[feed.count - 1], until the next call ...
 *     }
 *     rdb_feed_close(&feed);
 */
#ifndef KV_RDB_RDB_FEED_H
#define KV_RDB_RDB_FEED_H

#include "base/siphash.h"
#include "rdb/rdb_items.h"
#include "rdb/rdb_source.h"
#include "values/collection.h"

/* How many texts are given at a time, so that cache misses of what is done with them overlap. */
#define RDB_FEED_BATCH 32

struct rdb_feed {
    struct rdb_source *source;
    bool is_packed;
    uint64_t left;          /* texts in a row that are still to come */
    struct rdb_text block;  /* the packed ones */
    struct rdb_items items; /* what is still to come of them; items.count of all */
    size_t count;
    kv_slice texts[RDB_FEED_BATCH];
    struct rdb_text holders[RDB_FEED_BATCH];
};

/*
 * Begins with texts in a row, before which stands how many groups of `width` they are, or with a
 * block of such groups. KV_OK; KV_CORRUPT, also if there is none or a group is not complete;
 * KV_TOOBIG, KV_NOMEM. Unless KV_OK there is nothing to close.
 */
KV_INTERNAL kv_status rdb_feed_counted(struct rdb_feed *feed, struct rdb_source *source,
                                       size_t width);
KV_INTERNAL kv_status rdb_feed_packed(struct rdb_feed *feed, struct rdb_source *source,
                                      enum rdb_packing packing, size_t width);

/* The same of single texts that may be none: Redis has written such nodes of lists. */
KV_INTERNAL kv_status rdb_feed_node(struct rdb_feed *feed, struct rdb_source *source,
                                    enum rdb_packing packing);

/*
 * The next texts, whole groups of 1 or 2; none at the end. KV_OK, KV_CORRUPT, KV_TOOBIG, KV_NOMEM.
 */
KV_INTERNAL kv_status rdb_feed_next(struct rdb_feed *feed);

KV_INTERNAL void rdb_feed_close(struct rdb_feed *feed);

/* --------------------------------------------------------------------------- looking at a block */

/*
 * Whether groups of `width` items are within the limits of a small collection, whose texts are the
 * first `texts` of each group.
 */
KV_INTERNAL bool rdb_items_fit(const struct rdb_items *items, size_t width, size_t texts,
                               const struct collection_limits *limits);

/*
 * Whether the first item of each group of a listpack is there once only. KV_OK; KV_CORRUPT if not;
 * KV_NOMEM. Takes memory for a time.
 */
KV_INTERNAL kv_status rdb_items_differ(const struct rdb_items *items, size_t width,
                                       struct alloc *alloc, const struct siphash_key *key);

/* How many groups of `width` are in the feed in all, which has just begun. */
static inline uint64_t rdb_feed_groups(const struct rdb_feed *feed, size_t width)
{
    return feed->is_packed ? feed->items.count / width : feed->left / width;
}

/*
 * The limits for putting in so many: none is small if all of them together are not, as small ones
 * are slow to fill.
 */
static inline struct collection_limits rdb_limits_for(const struct collection_limits *limits,
                                                      uint64_t count)
{
    return count > limits->count ? (struct collection_limits){0, 0} : *limits;
}

#endif
