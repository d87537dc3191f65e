/*
 * rdb/rdb_feed.c -- see rdb_feed.h.
 */
#include "rdb/rdb_feed.h"

/* Up to here items are compared with each other, which takes no memory. */
#define RDB_PAIRWISE_MAX 24

KV_INTERNAL kv_status rdb_feed_counted(struct rdb_feed *feed, struct rdb_source *source,
                                       size_t width)
{
    feed->source = source;
    feed->is_packed = false;
    feed->count = 0;
    /* A text takes a byte at least. */
    if (!rdb_read_count(source, width, &feed->left) || feed->left == 0) return KV_CORRUPT;
    feed->left *= width;
    return KV_OK;
}

KV_INTERNAL kv_status rdb_feed_node(struct rdb_feed *feed, struct rdb_source *source,
                                    enum rdb_packing packing)
{
    feed->source = source;
    feed->is_packed = true;
    feed->count = 0;
    kv_status status = rdb_read_text(source, &feed->block);
    if (status != KV_OK || rdb_items_open(&feed->items, packing, feed->block.bytes)) return status;
    rdb_text_free(source, &feed->block);
    return KV_CORRUPT;
}

KV_INTERNAL kv_status rdb_feed_packed(struct rdb_feed *feed, struct rdb_source *source,
                                      enum rdb_packing packing, size_t width)
{
    kv_status status = rdb_feed_node(feed, source, packing);
    if (status != KV_OK) return status;
    if (feed->items.count > 0 && feed->items.count % width == 0) return KV_OK;
    rdb_feed_close(feed);
    return KV_CORRUPT;
}

static void rdb_feed_free_texts(struct rdb_feed *feed)
{
    if (feed->is_packed) return;
    for (size_t i = 0; i < feed->count; i++) rdb_text_free(feed->source, &feed->holders[i]);
}

KV_INTERNAL kv_status rdb_feed_next(struct rdb_feed *feed)
{
    rdb_feed_free_texts(feed);
    feed->count = 0;
    if (feed->is_packed) {
        struct pack_item item;
        while (feed->count < RDB_FEED_BATCH && rdb_items_next(&feed->items, &item)) {
            feed->texts[feed->count] = rdb_item_text(&item, feed->holders[feed->count].digits);
            feed->count++;
        }
        return KV_OK;
    }
    for (; feed->count < RDB_FEED_BATCH && feed->left > 0; feed->left--, feed->count++) {
        struct rdb_text *holder = &feed->holders[feed->count];
        kv_status status = rdb_read_text(feed->source, holder);
        if (status != KV_OK) return status;
        feed->texts[feed->count] = holder->bytes;
    }
    return KV_OK;
}

KV_INTERNAL void rdb_feed_close(struct rdb_feed *feed)
{
    rdb_feed_free_texts(feed);
    if (feed->is_packed) rdb_text_free(feed->source, &feed->block);
}

/* --------------------------------------------------------------------------- looking at a block */

static size_t rdb_item_size(const struct pack_item *item)
{
    char scratch[NUMBER_INT64_SIZE];
    return item->is_integer ? rdb_item_text(item, scratch).size : item->text.size;
}

KV_INTERNAL bool rdb_items_fit(const struct rdb_items *items, size_t width, size_t texts,
                               const struct collection_limits *limits)
{
    struct rdb_items walk = *items;
    struct pack_item item;
    if (items->count / width > limits->count) return false;
    size_t place = 0; /* in its group */
    while (rdb_items_next(&walk, &item)) {
        if (place < texts && rdb_item_size(&item) > limits->value_size) return false;
        if (++place == width) place = 0;
    }
    return true;
}

/* Goes on to the next group of a listpack. */
static const uint8_t *rdb_next_group(const uint8_t *at, size_t width)
{
    for (; width > 0; width--) at = pack_next(at);
    return at;
}

static bool rdb_few_differ(const struct rdb_items *items, size_t width)
{
    const uint8_t *at = items->at;
    while (*at != PACK_END) {
        struct pack_item item = pack_get(at);
        char scratch[NUMBER_INT64_SIZE];
        struct pack_needle needle = pack_needle(rdb_item_text(&item, scratch));
        at = rdb_next_group(at, width);
        if (pack_find(at, &needle, width - 1) != NULL) return false;
    }
    return true;
}

/*
 * Where the items seen so far are, counted from the first one and from 1, each at the place its hash
 * gives it or the next free one (Knuth vol. 3, 6.4, L). The hash is keyed, as they are anybody's.
 */
struct rdb_seen {
    uint32_t *places;
    size_t mask; /* how many there are, a power of two, less 1 */
};

static bool rdb_seen_add(struct rdb_seen *seen, const struct siphash_key *key, const uint8_t *first,
                         const uint8_t *at)
{
    struct pack_item item = pack_get(at);
    char scratch[NUMBER_INT64_SIZE];
    kv_slice text = rdb_item_text(&item, scratch);
    struct pack_needle needle = pack_needle(text);
    size_t i = (size_t)siphash(key, text.data, text.size) & seen->mask;
    for (; seen->places[i] != 0; i = (i + 1) & seen->mask)
        if (pack_equals(first + seen->places[i] - 1, &needle)) return false;
    seen->places[i] = (uint32_t)(at - first) + 1;
    return true;
}

static kv_status rdb_many_differ(const struct rdb_items *items, size_t width, struct alloc *alloc,
                                 const struct siphash_key *key)
{
    struct rdb_seen seen = {NULL, 1};
    while (seen.mask < 2 * (items->count / width)) seen.mask = 2 * seen.mask + 1;
    size_t size = (seen.mask + 1) * sizeof *seen.places;
    seen.places = alloc_get(alloc, size);
    if (seen.places == NULL) return KV_NOMEM;
    memset(seen.places, 0, size);
    const uint8_t *at = items->at;
    while (*at != PACK_END && rdb_seen_add(&seen, key, items->at, at))
        at = rdb_next_group(at, width);
    alloc_free(alloc, seen.places, size);
    return *at == PACK_END ? KV_OK : KV_CORRUPT;
}

KV_INTERNAL kv_status rdb_items_differ(const struct rdb_items *items, size_t width,
                                       struct alloc *alloc, const struct siphash_key *key)
{
    assert(items->packing == RDB_LISTPACK);
    if (items->count / width > RDB_PAIRWISE_MAX) return rdb_many_differ(items, width, alloc, key);
    return rdb_few_differ(items, width) ? KV_OK : KV_CORRUPT;
}

#undef RDB_PAIRWISE_MAX
