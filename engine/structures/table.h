/*
 * structures/table.h -- a hash table of pointers that grows one piece at a time.
 *
 * Extendible hashing: a directory indexed by the top bits of the hash points to segments of at most
 * 64 buckets; a full segment splits alone, so no insertion moves more than one segment and no
 * allocation grows with the table but the directory's. A bucket is one cache line:
 *
 *      0        9  10                                                           64
 *      +--------+--+-------+-------+-------+-------+-------+-------+-- ... ----+
 *      | 9 tags |ov| 9 pointers of 48 bits each                                |
 *      +--------+--+-------+-------+-------+-------+-------+-------+-- ... ----+
 *
 * A tag is the low byte of the hash, never 0; 0 marks a free slot. All tags are compared at once.
 * `ov` counts the items whose search passes through this bucket to a later one because it was full,
 * so that a search knows where to stop. A lookup costs two dependent cache misses, bucket and item;
 * the directory (8 bytes per 300 items) stays in the cache.
 *
 * Where a hash goes:   | skip: taken by others | depth: directory | 32 bits: bucket |  ...  | low
 * byte: tag |
 *
 * The bucket is chosen by multiplication, not by bits, so segments may have any number of buckets:
 * tables of different shards are given different sizes, so that they do not all split at the same
 * number of keys and memory grows evenly.
 *
 * Items are in hash order, bucket by bucket, whatever the sizes: a place in that order (table_scan)
 * stays meaningful while segments split and merge.
 *
 * Source: Fagin et al., Extendible Hashing, TODS 1979; Lu et al., Dash, VLDB 2020, for tagged
 * cache-line buckets; the overflow count is that of Folly F14 (Bronson & Shi, 2019).
 */
#ifndef KV_STRUCTURES_TABLE_H
#define KV_STRUCTURES_TABLE_H

#include "base/alloc.h"
#include "base/memory.h"
#include "base/random.h"
#include "structures/grace.h"

#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#define TABLE_SLOTS 9
#define TABLE_SEGMENT_BUCKETS \
    64 /* at most, for the low bits of a directory entry hold the number
                                    less one */
#define TABLE_SEGMENT_ITEMS (TABLE_SEGMENT_BUCKETS * TABLE_SLOTS)
#define TABLE_SPLIT_LEVELS  3
#define TABLE_SPLIT_PARTS   (1u << TABLE_SPLIT_LEVELS)

struct table_bucket {
    uint8_t tags[TABLE_SLOTS];
    uint8_t overflow; /* 255: it was too many to count, and stays so until the segment is rebuilt */
    uint8_t pointers[TABLE_SLOTS * 6];
};
_Static_assert(sizeof(struct table_bucket) == KV_CACHE_LINE, "a bucket is one cache line");

struct table_segment; /* a header of one cache line, then the buckets */

/* What the table must know of its items. One constant per kind of table. */
struct table_kind {
    uint64_t (*hash)(const void *item, const void *context);
};

struct table {
    _Atomic uintptr_t root;  /* the directory's address, a multiple of 64, + its depth; 0: the table
                               is empty */
    uint8_t skip;            /* top hash bits that are the same for all items; with root all
                                       that a lookup reads */
    uint8_t segment_buckets; /* of a full segment */
    uint8_t aim;             /* the depth that table_expect() has come to; 0: nothing is expected */
    uint32_t holds;          /* while above 0 the table does not shrink */
    struct alloc *alloc;     /* NULL: the table lies in `memory` */
    struct memory *memory;   /* NULL: it is the alloc's */
    struct grace *grace;     /* NULL: nobody prefetches without a lock */
    const struct table_kind *kind;
    const void *context; /* for kind->hash */
    uint64_t count;      /* items */
    uint64_t bytes;      /* of directory and segments */
    uint32_t segments;
    uint32_t deepest; /* segments whose depth is the directory's */
    uint32_t moves;   /* how often items were moved from bucket to bucket */
};

/*
 * A directory entry tells of a segment all that a lookup wants, as its header is one cache line
 * more:
 *     bits 56 to 63   hash bits consumed by it: skip + its depth
 *     bits 6 to 47    its address
 *     bits 0 to 5     its number of buckets, less one
 */
#define TABLE_ENTRY_ADDRESS  UINT64_C(0x0000ffffffffffc0)
#define TABLE_ENTRY_BUCKETS  UINT64_C(0x3f)
#define TABLE_ENTRY_CONSUMED 56

/* Where an item is. Any insertion or removal may move it. */
struct table_place {
    struct table_bucket *bucket;
    unsigned slot;
};

/*
 * Prepares an empty table, which holds no memory.
 * skip      how many top bits of each hash are spoken for.
 * phase     0 to 255 spreads the sizes of full segments from 33 to 62 buckets.
 */
KV_INTERNAL void table_init(struct table *table, struct alloc *alloc, struct grace *grace,
                            const struct table_kind *kind, const void *context, unsigned skip,
                            unsigned phase);

/*
 * The same in an owner's memory, which takes the table with it when it is given back in bulk; no
 * bits are spoken for, and nobody reads without a lock. The memory stays where it is while the
 * table does.
 */
KV_INTERNAL void table_init_within(struct table *table, struct memory *memory,
                                   const struct table_kind *kind, const void *context);

/* Frees the table's own memory, not the items; it is empty afterwards. O(segments). */
KV_INTERNAL void table_clear(struct table *table);

/* Moves all of a table's items to `to`, which may hold anything and needs no table_init(). */
KV_INTERNAL void table_detach(struct table *table, struct table *to);

/*
 * Takes a detached table apart in slices: visits the items of some segments, `limit` items or a few
 * more, and frees those segments. Start *cursor at 0. True when nothing is left. In between nothing
 * else may be done with the table.
 */
typedef void table_visit(void *context, void *item);
KV_INTERNAL bool table_drain(struct table *table, size_t *cursor, size_t limit, table_visit *visit,
                             void *context);

/*
 * Says that the table will grow to so many items; 0 takes that back. Until it does a segment divides
 * into up to TABLE_SPLIT_PARTS at once, so that an item is moved less often. If it does not, the
 * table is that many times too large at most.
 */
KV_INTERNAL void table_expect(struct table *table, uint64_t items);

/*
 * Makes room so that the next table_insert() of this hash cannot fail; nothing else changes if it
 * does fail. Returns KV_OK or KV_NOMEM. Cost: mostly a look at one segment's header; at times the
 * move of one segment's items.
 */
KV_INTERNAL kv_status table_reserve(struct table *table, uint64_t hash);

/*
 * Adds an item that is not there yet; returns where. table_reserve() of the same hash came before.
 */
KV_INTERNAL struct table_place table_insert(struct table *table, uint64_t hash, void *item);

/* Takes out the item at `place`, found by `hash`. May merge two segments; never fails. */
KV_INTERNAL void table_remove(struct table *table, uint64_t hash, struct table_place place);

/* Ends one of table->holds; shrinks the table where `hash` belongs if that was put off. */
KV_INTERNAL void table_release(struct table *table, uint64_t hash);

/* The place of exactly this item (by address). It must be there. */
KV_INTERNAL struct table_place table_place_of(const struct table *table, uint64_t hash,
                                              const void *item);

/*
 * Visits the items of a stretch of hashes, about a bucket's, from `position` on and returns where the
 * next begins; 0 after the last. Of the 64 bits of a position those are zero that are not needed to
 * tell the stretches of its segment apart. An item that stays from the first to the last call is
 * visited at least once, and no item twice while no segment changes. The visitor may not change the
 * table.
 */
KV_INTERNAL uint64_t table_scan(const struct table *table, uint64_t position, table_visit *visit,
                                void *context);

/* Visits all items. As table_scan(). */
KV_INTERNAL void table_each(const struct table *table, table_visit *visit, void *context);

/* Where a walk over all items stands: starts as {0}. */
struct table_cursor {
    size_t entry; /* of the directory */
    unsigned bucket;
};

/*
 * Gives the next items of a walk, up to `room`, which is TABLE_SLOTS or more: as many as lie in
 * whole buckets. 0: there are no more. Nothing may change between the calls. The order is that of
 * the hashes, bucket by bucket, so that whoever looks these items up in another table goes through
 * that one in order, too.
 */
KV_INTERNAL size_t table_next(const struct table *table, struct table_cursor *cursor, void **items,
                              size_t room);

/* Where a walk stands that others may change the table under: starts as {0}. */
struct table_frontier {
    uint64_t position; /* the first hash of the segment */
    uint32_t bucket;
    uint32_t moves; /* of the table when it got there */
    bool is_over;
};

/*
 * Gives the next items of such a walk, up to `room`, which is TABLE_SLOTS or more: as many as lie
 * in whole buckets of a segment. It may be none before the walk is over. An item that stays from
 * the first to the last call is given at least once, whatever is inserted and removed in between;
 * some are given again after others moved.
 */
KV_INTERNAL size_t table_advance(const struct table *table, struct table_frontier *frontier,
                                 void **items, size_t room);

/*
 * Fetches what table_advance() would give of so many buckets: without a lock, inside grace_enter().
 * A hint.
 */
KV_INTERNAL void table_fetch_ahead(const struct table *table, const struct table_frontier *frontier,
                                   unsigned buckets);

/*
 * An item chosen at random, each equally likely; NULL if there is none. Expected O(1); O(segments)
 * at worst, in a table from which nearly all items but those of a few segments were removed.
 */
KV_INTERNAL void *table_random(const struct table *table, struct random *random);

/* Asserts all of the above. */
KV_INTERNAL void table_check(const struct table *table);

/* -------------------------------------------------------------------------- lookups, all inline */

KV_INLINE uint8_t table_tag(uint64_t hash)
{
    uint8_t tag = (uint8_t)hash;
    return tag != 0 ? tag : 1;
}

/* Bit i is set where tags[i] == tag. */
KV_INLINE unsigned table_match_tags(const struct table_bucket *bucket, uint8_t tag)
{
#if defined(__SSE2__)
    /* 9 tags and 7 bytes more */
    __m128i line = _mm_loadu_si128((const __m128i *)(const void *)bucket->tags);
    __m128i same = _mm_cmpeq_epi8(line, _mm_set1_epi8((char)tag));
    return (unsigned)_mm_movemask_epi8(same) & ((1u << TABLE_SLOTS) - 1);
#elif defined(__ARM_NEON) && defined(__aarch64__)
    static const uint8_t bits[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 0, 0, 0, 0, 0, 0, 0};
    uint8x16_t same = vandq_u8(vceqq_u8(vld1q_u8(bucket->tags), vdupq_n_u8(tag)), vld1q_u8(bits));
    return vaddv_u8(vget_low_u8(same)) | (unsigned)vaddv_u8(vget_high_u8(same)) << 8;
#else
    unsigned found = 0;
    for (unsigned i = 0; i < TABLE_SLOTS; i++) found |= (unsigned)(bucket->tags[i] == tag) << i;
    return found;
#endif
}

KV_INLINE unsigned table_lowest_bit(unsigned bits)
{
#if defined(__GNUC__) || defined(__clang__)
    return (unsigned)__builtin_ctz(bits);
#else
    unsigned i = 0;
    while ((bits >> i & 1) == 0) i++;
    return i;
#endif
}

/* The pointer in a slot: 48 bits, little-endian. One load that stays within the bucket. */
KV_INLINE void *table_pointer(const struct table_bucket *bucket, unsigned slot)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t word;
    /* ends with the pointer's end */
    memcpy(&word, (const uint8_t *)bucket + 8 + slot * 6, sizeof word);
    return (void *)(uintptr_t)(word >> 16);
#else
    const uint8_t *at = bucket->pointers + slot * 6;
    uint64_t word = 0;
    for (unsigned i = 6; i-- > 0;) word = word << 8 | at[i];
    return (void *)(uintptr_t)word;
#endif
}

KV_INLINE void table_set_pointer(struct table_bucket *bucket, unsigned slot, const void *item)
{
    uint64_t word = (uint64_t)(uintptr_t)item;
    assert(word >> 48 == 0);
    uint8_t *at = bucket->pointers + slot * 6;
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint32_t low = (uint32_t)word;
    uint16_t high = (uint16_t)(word >> 32);
    memcpy(at, &low, sizeof low);
    memcpy(at + 4, &high, sizeof high);
#else
    for (unsigned i = 0; i < 6; i++) at[i] = (uint8_t)(word >> 8 * i);
#endif
}

/*
 * The item at a place, and putting another of the same hash in its stead (an entry that was
 * reallocated).
 */
KV_INLINE void *table_item(struct table_place place)
{
    return table_pointer(place.bucket, place.slot);
}

KV_INLINE void table_replace(struct table_place place, const void *item)
{
    table_set_pointer(place.bucket, place.slot, item);
}

/* The buckets of the segment that a directory entry points to, and how many there are. */
KV_INLINE struct table_bucket *table_entry_buckets(uint64_t entry)
{
    return (struct table_bucket *)(uintptr_t)(entry & TABLE_ENTRY_ADDRESS) + 1;
}

KV_INLINE unsigned table_entry_size(uint64_t entry)
{
    return (unsigned)(entry & TABLE_ENTRY_BUCKETS) + 1;
}

KV_INLINE size_t table_directory_index(uint64_t hash, unsigned skip, unsigned depth)
{
    return (size_t)(hash << skip >> 1 >> (63 - depth)); /* a shift by 64 would be undefined */
}

/*
 * The bucket where an item belongs; it may overflow to those after it. `consumed`: skip + the
 * segment's depth.
 */
KV_INLINE unsigned table_home(uint64_t hash, unsigned consumed, unsigned buckets)
{
    return (unsigned)((hash << consumed >> 32) * buckets >> 32);
}

/*
 * Address and depth of the directory come from one load, so that a reader without the lock has a
 * true pair.
 */
KV_INLINE _Atomic uint64_t *table_root_directory(uintptr_t root)
{
    return (_Atomic uint64_t *)(root & ~(uintptr_t)(KV_CACHE_LINE - 1));
}

KV_INLINE unsigned table_root_depth(uintptr_t root)
{
    return (unsigned)(root & (KV_CACHE_LINE - 1));
}

/* The directory entry for a hash; 0 if the table is empty. */
KV_INLINE uint64_t table_entry(const struct table *table, uint64_t hash)
{
    uintptr_t root = atomic_load_explicit(&table->root, memory_order_acquire);
    if (KV_UNLIKELY(root == 0)) return 0;
    size_t index = table_directory_index(hash, table->skip, table_root_depth(root));
    return atomic_load_explicit(&table_root_directory(root)[index], memory_order_acquire);
}

/* The bucket where a hash belongs; NULL if the table is empty. */
KV_INLINE struct table_bucket *table_bucket_of(const struct table *table, uint64_t hash)
{
    uint64_t entry = table_entry(table, hash);
    if (KV_UNLIKELY(entry == 0)) return NULL;
    return &table_entry_buckets(entry)[table_home(hash, (unsigned)(entry >> TABLE_ENTRY_CONSUMED),
                                                  table_entry_size(entry))];
}

/*
 * Finds the item for which `match` is true among those with this hash's tag. Always inlined, so
 * that `match` is too. NULL bucket: it is not there.
 */
KV_INLINE struct table_place table_find(const struct table *table, uint64_t hash,
                                        bool (*match)(const void *item, const void *sought),
                                        const void *sought)
{
    uint64_t entry = table_entry(table, hash);
    if (KV_UNLIKELY(entry == 0)) return (struct table_place){NULL, 0};
    struct table_bucket *buckets = table_entry_buckets(entry);
    unsigned size = table_entry_size(entry);
    unsigned at = table_home(hash, (unsigned)(entry >> TABLE_ENTRY_CONSUMED), size);
    uint8_t tag = table_tag(hash);
    for (unsigned probe = 0; probe < size; probe++) {
        struct table_bucket *bucket = &buckets[at];
        for (unsigned found = table_match_tags(bucket, tag); found != 0; found &= found - 1) {
            unsigned slot = table_lowest_bit(found);
            if (KV_LIKELY(match(table_pointer(bucket, slot), sought))) {
                return (struct table_place){bucket, slot};
            }
        }
        if (KV_LIKELY(bucket->overflow == 0)) break;
        if (++at == size) at = 0;
    }
    return (struct table_place){NULL, 0};
}

/*
 * A search taken apart, so that the cache misses of many overlap: table_walk_begin() fetches the
 * bucket where `hash` belongs; each table_walk_step(), some time later, looks into the bucket that
 * was fetched. With the lock held what it returns is the item or one with the same tag; without,
 * inside grace_enter(), all may be stale and is used for nothing but fetching.
 */
struct table_walk {
    uint64_t entry; /* of the directory; 0: the walk is over */
    uint32_t at;    /* the bucket it stands at */
    uint32_t left;  /* buckets not seen yet */
};

KV_INLINE struct table_walk table_walk_begin(const struct table *table, uint64_t hash)
{
    struct table_walk walk = {table_entry(table, hash), 0, 0};
    if (walk.entry != 0) {
        walk.left = table_entry_size(walk.entry);
        walk.at = table_home(hash, (unsigned)(walk.entry >> TABLE_ENTRY_CONSUMED), walk.left);
        KV_PREFETCH(&table_entry_buckets(walk.entry)[walk.at]);
    }
    return walk;
}

/*
 * The same for insertions under the lock: table_fetch_entry() of all of them fetches where the
 * directory tells, then table_fetch_segment() of each bucket and header.
 */
KV_INLINE void table_fetch_entry(const struct table *table, uint64_t hash)
{
    uintptr_t root = atomic_load_explicit(&table->root, memory_order_relaxed);
    if (root == 0) return;
    KV_PREFETCH(&table_root_directory(
        root)[table_directory_index(hash, table->skip, table_root_depth(root))]);
}

KV_INLINE void table_fetch_segment(const struct table *table, uint64_t hash)
{
    uint64_t entry = table_entry(table, hash);
    if (entry == 0) return;
    struct table_bucket *buckets = table_entry_buckets(entry);
    KV_PREFETCH_WRITE(buckets - 1); /* the header */
    KV_PREFETCH_WRITE(&buckets[table_home(hash, (unsigned)(entry >> TABLE_ENTRY_CONSUMED),
                                          table_entry_size(entry))]);
}

/*
 * The first item with the tag of `hash` in a bucket, NULL if there is none; fetched, its first two
 * lines, and any other with this tag.
 */
KV_INLINE void *table_bucket_prefetch(const struct table_bucket *bucket, uint64_t hash)
{
    unsigned found = table_match_tags(bucket, table_tag(hash));
    if (KV_UNLIKELY(found == 0)) return NULL;
    const char *item = table_pointer(bucket, table_lowest_bit(found));
    KV_PREFETCH(item);
    KV_PREFETCH(item + KV_CACHE_LINE);
    while (KV_UNLIKELY((found &= found - 1) != 0))
        KV_PREFETCH(table_pointer(bucket, table_lowest_bit(found)));
    return (void *)(uintptr_t)item;
}

/*
 * The item that is found is fetched, too, its first two lines; NULL: there is none, or the walk
 * goes on to the next bucket.
 */
KV_INLINE void *table_walk_step(struct table_walk *walk, uint64_t hash)
{
    const struct table_bucket *buckets = table_entry_buckets(walk->entry);
    const struct table_bucket *bucket = &buckets[walk->at];
    void *item = table_bucket_prefetch(bucket, hash);
    if (KV_LIKELY(item != NULL)) {
        walk->entry = 0;
        return item;
    }
    if (bucket->overflow == 0 || --walk->left == 0) {
        walk->entry = 0;
    } else {
        walk->at = walk->at + 1 == table_entry_size(walk->entry) ? 0 : walk->at + 1;
        KV_PREFETCH(&buckets[walk->at]);
    }
    return NULL;
}

#endif
