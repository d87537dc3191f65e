/*
 * structures/table.c -- extendible hashing with cache-line buckets. The picture is in table.h.
 *
 * Invariants (table_check() asserts them):
 *   1. Entry i of the directory points to the segment whose prefix is the top bits of i; a segment
 *   of depth d is pointed to
 *      by 2^(depth - d) neighbouring entries. Its items agree in the d bits after `skip`.
 *   2. An item lies in its home bucket or in one after it (cyclically), and every bucket passed
 *   over on the way was full when
 *      it was put there and counts it in `overflow`, unless that count is saturated.
 *   3. A segment holds at most 29/32 of its slots, so that a probe ends soon.
 *   4. `count`, `segments`, `deepest` and `bytes` are what a walk finds.
 *
 * May use base/. Knows nothing of keys; asks its kind for the hash of an item.
 */
#include "structures/table.h"

#define TABLE_SCAN_BITS     6   /* a segment is scanned in 64 stretches, about a bucket each */
#define TABLE_DRAWS         128 /* at random, before the items are counted */
#define TABLE_POSITION_BITS 48  /* depth + skip never pass this; it takes 2^40 items to get near */

struct table_segment {
    uint64_t prefix; /* the segment's top bits, aligned as in a hash (after skip bits that are not
                        looked at) */
    uint32_t count;
    uint8_t depth;
    uint8_t buckets;
    bool is_of_strip; /* see base/lines.h */
    uint8_t reserved[KV_CACHE_LINE - 15];
};
_Static_assert(sizeof(struct table_segment) == KV_CACHE_LINE, "buckets follow, aligned to lines");

/*
 * The items of a segment while it is rebuilt. At most two segments' worth, 9 KiB a segment, on the
 * stack.
 */
struct table_gathered {
    size_t count;
    uint64_t hashes[TABLE_SEGMENT_ITEMS];
    void *items[TABLE_SEGMENT_ITEMS];
};

/* ------------------------------------------------------------------------------------- segments */

static size_t table_segment_bytes(unsigned buckets)
{
    return (buckets + 1) * (size_t)KV_CACHE_LINE;
}

static struct table_bucket *table_segment_buckets(struct table_segment *segment)
{
    return (struct table_bucket *)(segment + 1);
}

static unsigned table_segment_limit(unsigned buckets)
{
    return buckets == 1 ? TABLE_SLOTS : buckets * TABLE_SLOTS * 29 / 32;
}

static uint64_t table_segment_entry(const struct table *table, const struct table_segment *segment)
{
    assert(((uint64_t)(uintptr_t)segment & ~TABLE_ENTRY_ADDRESS) == 0);
    return (uint64_t)(uintptr_t)segment | (uint64_t)(segment->buckets - 1) |
           (uint64_t)(table->skip + segment->depth) << TABLE_ENTRY_CONSUMED;
}

static struct table_segment *table_entry_segment(uint64_t entry)
{
    return (struct table_segment *)(uintptr_t)(entry & TABLE_ENTRY_ADDRESS);
}

static struct table_segment *table_segment_at(uintptr_t root, size_t index)
{
    return table_entry_segment(
        atomic_load_explicit(&table_root_directory(root)[index], memory_order_relaxed));
}

/*
 * Lines for a segment or a directory; NULL when there is no memory. Directories are never of a
 * strip, as they have no room to say so.
 */
static void *table_get_lines(struct table *table, size_t count, bool *is_of_strip)
{
    void *lines;
    size_t bytes = count * KV_CACHE_LINE;
    if (table->memory != NULL) lines = memory_get_lines(table->memory, bytes);
    else if (table->grace != NULL && is_of_strip != NULL)
        lines = lines_get(table->grace->lines, count, is_of_strip);
    else lines = alloc_get_aligned(table->alloc, bytes, KV_CACHE_LINE);
    if (lines != NULL) table->bytes += bytes;
    return lines;
}

/* Gives them back, when nobody reads them any more. */
static void table_retire_lines(struct table *table, void *lines, size_t count, bool is_of_strip)
{
    size_t bytes = count * KV_CACHE_LINE;
    table->bytes -= bytes;
    if (table->memory != NULL) memory_free_lines(table->memory, lines, bytes);
    else if (table->grace != NULL) grace_retire(table->grace, lines, count, is_of_strip);
    else alloc_free(table->alloc, lines, bytes);
}

static struct table_segment *table_segment_create(struct table *table, unsigned buckets)
{
    bool is_of_strip = false;
    struct table_segment *segment = table_get_lines(table, buckets + 1, &is_of_strip);
    if (segment == NULL) return NULL;
    memset(segment, 0, table_segment_bytes(buckets));
    segment->buckets = (uint8_t)buckets;
    segment->is_of_strip = is_of_strip;
    table->segments++;
    return segment;
}

static void table_segment_retire(struct table *table, struct table_segment *segment)
{
    table->segments--;
    table_retire_lines(table, segment, segment->buckets + 1u, segment->is_of_strip);
}

static unsigned table_free_slots(const struct table_bucket *bucket)
{
    return table_match_tags(bucket, 0);
}

/* Puts an item into a segment that has room for it. */
static struct table_place table_segment_put(struct table *table, struct table_segment *segment,
                                            uint64_t hash, const void *item)
{
    struct table_bucket *buckets = table_segment_buckets(segment);
    unsigned at = table_home(hash, table->skip + segment->depth, segment->buckets);
    unsigned free_slots;
    while ((free_slots = table_free_slots(&buckets[at])) == 0) {
        if (buckets[at].overflow != UINT8_MAX) buckets[at].overflow++;
        if (++at == segment->buckets) at = 0;
    }
    unsigned slot = table_lowest_bit(free_slots);
    table_set_pointer(&buckets[at], slot, item);
    buckets[at].tags[slot] = table_tag(hash);
    segment->count++;
    return (struct table_place){&buckets[at], slot};
}

/*
 * Collects all items of a segment with their hashes. To hash an item is to touch it, a cache miss
 * each: so they are all asked for first and hashed afterwards.
 */
static void table_segment_gather(const struct table *table, struct table_segment *segment,
                                 struct table_gathered *gathered)
{
    struct table_bucket *buckets = table_segment_buckets(segment);
    size_t first = gathered->count;
    for (unsigned i = 0; i < segment->buckets; i++) {
        for (unsigned slot = 0; slot < TABLE_SLOTS; slot++) {
            if (buckets[i].tags[slot] == 0) continue;
            void *item = table_pointer(&buckets[i], slot);
            KV_PREFETCH(item);
            gathered->items[gathered->count++] = item;
        }
    }
    for (size_t i = first; i < gathered->count; i++) {
        gathered->hashes[i] = table->kind->hash(gathered->items[i], table->context);
    }
}

static void table_segment_empty(struct table_segment *segment)
{
    memset(table_segment_buckets(segment), 0, segment->buckets * sizeof(struct table_bucket));
    segment->count = 0;
}

/* ------------------------------------------------------------------------------------ directory */

static size_t table_directory_lines(unsigned depth)
{
    size_t bytes = sizeof(uint64_t) << depth;
    return bytes < KV_CACHE_LINE ? 1 : bytes / KV_CACHE_LINE;
}

static _Atomic uint64_t *table_directory_create(struct table *table, unsigned depth)
{
    return table_get_lines(table, table_directory_lines(depth), NULL);
}

static uintptr_t table_root(const struct table *table)
{
    return atomic_load_explicit(&table->root, memory_order_relaxed);
}

static unsigned table_depth(const struct table *table)
{
    return table_root_depth(table_root(table));
}

/* Puts a directory in the place of the one there is, if any, and retires that. */
static void table_directory_publish(struct table *table, _Atomic uint64_t *directory,
                                    unsigned depth)
{
    uintptr_t old = table_root(table);
    uintptr_t root = directory == NULL ? 0 : (uintptr_t)directory + depth;
    atomic_store_explicit(&table->root, root, memory_order_release);
    if (old == 0) return;
    /* its entries are atomic; whoever may still read one is waited for */
    table_retire_lines(table, (void *)(uintptr_t)table_root_directory(old),
                       table_directory_lines(table_root_depth(old)), false);
}

/* Points all entries of a segment to it. */
static void table_directory_point(struct table *table, const struct table_segment *segment)
{
    uintptr_t root = table_root(table);
    unsigned depth = table_root_depth(root);
    size_t first = table_directory_index(segment->prefix, table->skip, depth);
    size_t span = (size_t)1 << (depth - segment->depth);
    uint64_t entry = table_segment_entry(table, segment);
    for (size_t i = first; i < first + span; i++) {
        atomic_store_explicit(&table_root_directory(root)[i], entry, memory_order_release);
    }
}

static kv_status table_directory_double(struct table *table)
{
    uintptr_t old = table_root(table);
    unsigned depth = table_root_depth(old) + 1;
    if (depth + table->skip >= TABLE_POSITION_BITS) return KV_NOMEM;
    _Atomic uint64_t *directory = table_directory_create(table, depth);
    if (directory == NULL) return KV_NOMEM;
    for (size_t i = 0; i < (size_t)1 << depth; i++) {
        atomic_init(&directory[i],
                    atomic_load_explicit(&table_root_directory(old)[i / 2], memory_order_relaxed));
    }
    table->deepest = 0;
    table_directory_publish(table, directory, depth);
    return KV_OK;
}

/*
 * Halves the directory while no segment needs its depth. Without memory for that it stays as it is.
 */
static void table_directory_shrink(struct table *table)
{
    while (table->deepest == 0 && table_depth(table) > 0) {
        uintptr_t old = table_root(table);
        unsigned depth = table_root_depth(old) - 1;
        _Atomic uint64_t *directory = table_directory_create(table, depth);
        if (directory == NULL) return;
        for (size_t i = 0; i < (size_t)1 << depth; i++) {
            uint64_t entry =
                atomic_load_explicit(&table_root_directory(old)[i * 2], memory_order_relaxed);
            atomic_init(&directory[i], entry);
            unsigned consumed = (unsigned)(entry >> TABLE_ENTRY_CONSUMED);
            table->deepest += consumed == table->skip + depth;
        }
        table_directory_publish(table, directory, depth);
    }
}

/* The bit after the prefix of a segment of this depth. */
static uint64_t table_branch_bit(const struct table *table, unsigned depth)
{
    return UINT64_C(1) << (63 - table->skip - depth);
}

/* -------------------------------------------------------------------------------------- growing */

/*
 * Buckets of a full segment: in steps of about the same ratio, and so that the lines of many, with
 * their headers, fill a strip of base/lines.h to a hundredth or two.
 */
static const uint8_t table_full_sizes[] = {33, 38, 41, 45, 50, 55, 59, 62};

KV_INTERNAL void table_init(struct table *table, struct alloc *alloc, struct grace *grace,
                            const struct table_kind *kind, const void *context, unsigned skip,
                            unsigned phase)
{
    assert(phase < 256);
    memset(table, 0, sizeof *table);
    atomic_init(&table->root, 0);
    table->alloc = alloc;
    table->grace = grace;
    table->kind = kind;
    table->context = context;
    table->skip = (uint8_t)skip;
    table->segment_buckets = table_full_sizes[phase * sizeof table_full_sizes / 256];
}

KV_INTERNAL void table_init_within(struct table *table, struct memory *memory,
                                   const struct table_kind *kind, const void *context)
{
    table_init(table, NULL, NULL, kind, context, 0, 255);
    table->memory = memory;
}

/* The first segment: one bucket, and a directory of one entry. */
static kv_status table_start(struct table *table)
{
    struct table_segment *segment = table_segment_create(table, 1);
    if (segment == NULL) return KV_NOMEM;
    _Atomic uint64_t *directory = table_directory_create(table, 0);
    if (directory == NULL) {
        table_segment_retire(table, segment);
        return KV_NOMEM;
    }
    table->deepest = 1;
    atomic_init(&directory[0], table_segment_entry(table, segment));
    table_directory_publish(table, directory, 0);
    return KV_OK;
}

/* Moves a segment's items to one of another size. */
static kv_status table_resize_segment(struct table *table, struct table_segment *segment,
                                      unsigned buckets)
{
    struct table_segment *other = table_segment_create(table, buckets);
    if (other == NULL) return KV_NOMEM;
    other->prefix = segment->prefix;
    other->depth = segment->depth;
    table->moves++;
    struct table_gathered gathered;
    gathered.count = 0;
    table_segment_gather(table, segment, &gathered);
    for (size_t i = 0; i < gathered.count; i++) {
        (void)table_segment_put(table, other, gathered.hashes[i], gathered.items[i]);
    }
    table_directory_point(table, other);
    table_segment_retire(table, segment);
    return KV_OK;
}

/*
 * The parts that a segment divides into: itself, lowest of all, and new ones, in the order of their
 * prefixes.
 */
struct table_parts {
    unsigned levels; /* 2 to the power of these are the parts */
    struct table_segment *segments[TABLE_SPLIT_PARTS];
};

/* As many as there may be, but so that the last time, when most is moved, it is all of them. */
static unsigned table_split_levels(const struct table *table, unsigned depth)
{
    return table->aim > depth ? (table->aim - depth - 1) % TABLE_SPLIT_LEVELS + 1 : 1;
}

static kv_status table_create_parts(struct table *table, struct table_parts *parts)
{
    unsigned buckets = parts->segments[0]->buckets;
    for (unsigned i = 1; i < 1u << parts->levels; i++) {
        parts->segments[i] = table_segment_create(table, buckets);
        if (parts->segments[i] != NULL) continue;
        while (--i > 0) table_segment_retire(table, parts->segments[i]);
        return KV_NOMEM;
    }
    return KV_OK;
}

/* Divides the segment's items by the next bits of their hashes. */
static void table_fill_parts(struct table *table, const struct table_parts *parts)
{
    struct table_segment *segment = parts->segments[0];
    unsigned consumed = (unsigned)table->skip + segment->depth;
    struct table_gathered gathered;
    gathered.count = 0;
    table_segment_gather(table, segment, &gathered);
    table_segment_empty(segment);
    for (unsigned i = 0; i < 1u << parts->levels; i++) {
        struct table_segment *part = parts->segments[i];
        part->depth = (uint8_t)(consumed - table->skip + parts->levels);
        part->prefix = segment->prefix | (uint64_t)i << (64 - consumed - parts->levels);
    }
    for (size_t i = 0; i < gathered.count; i++) {
        size_t at = table_directory_index(gathered.hashes[i], consumed, parts->levels);
        (void)table_segment_put(table, parts->segments[at], gathered.hashes[i], gathered.items[i]);
    }
}

static kv_status table_split_segment(struct table *table, struct table_segment *segment)
{
    struct table_parts parts = {.levels = table_split_levels(table, segment->depth)};
    unsigned depth = segment->depth + parts.levels;
    while (depth > table_depth(table)) {
        kv_status status = table_directory_double(table);
        if (status != KV_OK) return status;
    }
    parts.segments[0] = segment;
    kv_status status = table_create_parts(table, &parts);
    if (status != KV_OK) return status;
    table_fill_parts(table, &parts);
    if (depth == table_depth(table)) table->deepest += 1u << parts.levels;
    table->moves++;
    for (unsigned i = 0; i < 1u << parts.levels; i++)
        table_directory_point(table, parts.segments[i]);
    return KV_OK;
}

/*
 * Makes room in a segment that has reached its limit: a small one grows, one of full size splits.
 */
static KV_NOINLINE kv_status table_expand(struct table *table, struct table_segment *segment)
{
    if (segment->buckets >= table->segment_buckets) return table_split_segment(table, segment);
    unsigned buckets = segment->buckets * 2u;
    if (buckets > table->segment_buckets) buckets = table->segment_buckets;
    return table_resize_segment(table, segment, buckets);
}

/* Some segments fill up before the others do, by a few in a hundred. */
KV_INTERNAL void table_expect(struct table *table, uint64_t items)
{
    uint64_t each = table_segment_limit(table->segment_buckets) * 15u / 16;
    table->aim = 0;
    while (items >> table->aim > each) table->aim++;
}

KV_INTERNAL kv_status table_reserve(struct table *table, uint64_t hash)
{
    for (;;) {
        uint64_t entry = table_entry(table, hash);
        kv_status status;
        if (entry == 0) {
            status = table_start(table);
        } else {
            struct table_segment *segment = table_entry_segment(entry);
            if (KV_LIKELY(segment->count < table_segment_limit(segment->buckets))) return KV_OK;
            status = table_expand(table, segment);
        }
        if (status != KV_OK) return status;
    }
}

KV_INTERNAL struct table_place table_insert(struct table *table, uint64_t hash, void *item)
{
    struct table_segment *segment = table_entry_segment(table_entry(table, hash));
    assert(segment->count < table_segment_limit(segment->buckets));
    table->count++;
    return table_segment_put(table, segment, hash, item);
}

/* ------------------------------------------------------------------------------------ shrinking */

/* The segment with which this one would be merged, if it has the same depth; else NULL. */
static struct table_segment *table_buddy(const struct table *table,
                                         const struct table_segment *segment)
{
    if (segment->depth == 0) return NULL;
    uint64_t bit = table_branch_bit(table, segment->depth - 1u);
    struct table_segment *buddy = table_entry_segment(table_entry(table, segment->prefix ^ bit));
    return buddy->depth == segment->depth ? buddy : NULL;
}

/*
 * Joins a segment with its buddy when both together fill no more than 3/8 of one, so that a few
 * insertions afterwards do not split it at once. Needs no memory.
 */
static KV_NOINLINE void table_merge(struct table *table, struct table_segment *segment)
{
    struct table_segment *buddy;
    while ((buddy = table_buddy(table, segment)) != NULL &&
           segment->count + buddy->count <= table_segment_limit(segment->buckets) * 3 / 7) {
        struct table_segment *lower = segment->prefix < buddy->prefix ? segment : buddy;
        struct table_segment *upper = lower == segment ? buddy : segment;
        struct table_gathered gathered; /* both together hold less than one can */
        gathered.count = 0;
        table_segment_gather(table, lower, &gathered);
        table_segment_gather(table, upper, &gathered);
        if (lower->depth == table_depth(table)) table->deepest -= 2;
        table->moves++;
        table_segment_empty(lower);
        lower->depth--;
        for (size_t i = 0; i < gathered.count; i++) {
            (void)table_segment_put(table, lower, gathered.hashes[i], gathered.items[i]);
        }
        table_directory_point(table, lower);
        table_segment_retire(table, upper);
        table_directory_shrink(table);
        segment = lower;
    }
    if (segment->depth == 0 && segment->buckets > 1 &&
        segment->count <= table_segment_limit(segment->buckets) / 4u) {
        /* without memory it stays large */
        (void)table_resize_segment(table, segment, segment->buckets / 2u);
    }
}

/* Gives memory back if a segment has become too empty. */
static void table_settle(struct table *table, struct table_segment *segment)
{
    if (KV_UNLIKELY(table->holds > 0)) return;
    if (table->count == 0) {
        table_clear(table);
    } else if (segment->count <= table_segment_limit(segment->buckets) / 4u) {
        table_merge(table, segment);
    }
}

KV_INTERNAL void table_remove(struct table *table, uint64_t hash, struct table_place place)
{
    uint64_t entry = table_entry(table, hash);
    struct table_segment *segment = table_entry_segment(entry);
    struct table_bucket *buckets = table_segment_buckets(segment);
    unsigned at = table_home(hash, (unsigned)(entry >> TABLE_ENTRY_CONSUMED), segment->buckets);
    while (&buckets[at] != place.bucket) {
        if (buckets[at].overflow != UINT8_MAX) buckets[at].overflow--;
        if (++at == segment->buckets) at = 0;
    }
    place.bucket->tags[place.slot] = 0;
    segment->count--;
    table->count--;
    table_settle(table, segment);
}

KV_INTERNAL void table_release(struct table *table, uint64_t hash)
{
    assert(table->holds > 0);
    table->holds--;
    uint64_t entry = table_entry(table, hash);
    if (entry != 0) table_settle(table, table_entry_segment(entry));
}

static bool table_is_same(const void *item, const void *sought)
{
    return item == sought;
}

KV_INTERNAL struct table_place table_place_of(const struct table *table, uint64_t hash,
                                              const void *item)
{
    struct table_place place = table_find(table, hash, table_is_same, item);
    assert(place.bucket != NULL);
    return place;
}

KV_INTERNAL void table_detach(struct table *table, struct table *to)
{
    /*
     * Segments are unlinked by taking the root away first; readers without the lock may still hold
     * it.
     */
    memcpy(to, table, sizeof *to);
    atomic_store_explicit(&table->root, 0, memory_order_release);
    table->count = table->bytes = 0;
    table->segments = table->deepest = 0;
    table->moves++;
}

static void table_visit_segment(struct table_segment *segment, table_visit *visit, void *context)
{
    struct table_bucket *buckets = table_segment_buckets(segment);
    for (unsigned i = 0; i < segment->buckets; i++) {
        for (unsigned slot = 0; slot < TABLE_SLOTS; slot++) {
            if (buckets[i].tags[slot] != 0) visit(context, table_pointer(&buckets[i], slot));
        }
    }
}

KV_INTERNAL bool table_drain(struct table *table, size_t *cursor, size_t limit, table_visit *visit,
                             void *context)
{
    uintptr_t root = table_root(table);
    if (root == 0) return true;
    unsigned depth = table_root_depth(root);
    size_t visited = 0;
    while (*cursor < (size_t)1 << depth) {
        if (visited >= limit) return false;
        struct table_segment *segment = table_segment_at(root, *cursor);
        *cursor += (size_t)1 << (depth - segment->depth);
        visited += segment->count;
        table->count -= segment->count;
        if (visit != NULL) table_visit_segment(segment, visit, context);
        table_segment_retire(table, segment);
    }
    table_directory_publish(table, NULL, 0);
    assert(table->count == 0 && table->segments == 0 && table->bytes == 0);
    return true;
}

KV_INTERNAL void table_clear(struct table *table)
{
    struct table old;
    size_t cursor = 0;
    table_detach(table, &old);
    (void)table_drain(&old, &cursor, SIZE_MAX, NULL, NULL);
}

/* ------------------------------------------------------------------------------------- visiting */

/* Some neighbours in hash order: the hashes from `first` to `last`, without the bits to skip. */
struct table_stretch {
    uint64_t first, last;
    table_visit *visit;
    void *context;
};

/*
 * Visits those items of a stretch whose home is bucket `home`, which may lie in it or after it.
 */
static void table_visit_home(const struct table *table, struct table_segment *segment,
                             unsigned home, const struct table_stretch *stretch)
{
    struct table_bucket *buckets = table_segment_buckets(segment);
    unsigned consumed = table->skip + segment->depth;
    unsigned at = home;
    for (unsigned probe = 0; probe < segment->buckets; probe++) {
        for (unsigned slot = 0; slot < TABLE_SLOTS; slot++) {
            if (buckets[at].tags[slot] == 0) continue;
            void *item = table_pointer(&buckets[at], slot);
            uint64_t hash = table->kind->hash(item, table->context);
            if (table_home(hash, consumed, segment->buckets) != home) continue;
            uint64_t own = hash << table->skip;
            if (own >= stretch->first && own <= stretch->last)
                stretch->visit(stretch->context, item);
        }
        if (buckets[at].overflow == 0) break;
        if (++at == segment->buckets) at = 0;
    }
}

/*
 * Buckets divide a segment's hashes by any number, so where they begin has many bits. A scan divides
 * them by a power of two, and goes from one such stretch to the next.
 */
KV_INTERNAL uint64_t table_scan(const struct table *table, uint64_t position, table_visit *visit,
                                void *context)
{
    uint64_t entry = table_entry(table, position);
    if (entry == 0) return 0;
    struct table_segment *segment = table_entry_segment(entry);
    unsigned consumed = table->skip + segment->depth;
    unsigned bits = segment->buckets == 1 ? consumed : consumed + TABLE_SCAN_BITS;
    uint64_t last = bits == 0 ? UINT64_MAX : position | UINT64_MAX >> bits;
    unsigned home = table_home(position, consumed, segment->buckets);
    unsigned last_home = table_home(last, consumed, segment->buckets);
    struct table_stretch stretch = {position << table->skip, last << table->skip, visit, context};
    stretch.last |= ~(UINT64_MAX << table->skip); /* it ends in ones */
    for (; home <= last_home; home++) table_visit_home(table, segment, home, &stretch);
    uint64_t top = table->skip == 0 ? 0 : UINT64_MAX << (64 - table->skip);
    return ((last + 1) & top) == (position & top) ? last + 1 : 0;
}

KV_INTERNAL void table_each(const struct table *table, table_visit *visit, void *context)
{
    uintptr_t root = table_root(table);
    if (root == 0) return;
    unsigned depth = table_root_depth(root);
    struct table_segment *segment;
    for (size_t i = 0; i < (size_t)1 << depth; i += (size_t)1 << (depth - segment->depth)) {
        segment = table_segment_at(root, i);
        table_visit_segment(segment, visit, context);
    }
}

/* The items of one bucket. */
static size_t table_take_bucket(const struct table_bucket *bucket, void **items)
{
    size_t count = 0;
    unsigned taken = ~table_free_slots(bucket) & ((1u << TABLE_SLOTS) - 1);
    for (; taken != 0; taken &= taken - 1)
        items[count++] = table_pointer(bucket, table_lowest_bit(taken));
    return count;
}

/* Puts the frontier at the segment after this one. */
static void table_pass_segment(const struct table *table, const struct table_segment *segment,
                               struct table_frontier *frontier)
{
    unsigned consumed = table->skip + segment->depth;
    frontier->bucket = 0;
    if (consumed == 0) {
        frontier->is_over = true;
        return;
    }
    uint64_t span = UINT64_C(1) << (64 - consumed);
    uint64_t top = table->skip == 0 ? 0 : UINT64_MAX << (64 - table->skip);
    uint64_t after = (frontier->position & ~(span - 1)) + span;
    frontier->is_over = (after & top) != 0 || after == 0;
    frontier->position = after;
}

KV_INTERNAL size_t table_advance(const struct table *table, struct table_frontier *frontier,
                                 void **items, size_t room)
{
    uint64_t entry = table_entry(table, frontier->position);
    if (entry == 0) frontier->is_over = true;
    if (frontier->is_over) return 0;
    if (frontier->moves != table->moves) frontier->bucket = 0;
    frontier->moves = table->moves;
    struct table_segment *segment = table_entry_segment(entry);
    const struct table_bucket *buckets = table_segment_buckets(segment);
    size_t count = 0;
    while (frontier->bucket < segment->buckets && count + TABLE_SLOTS <= room)
        count += table_take_bucket(&buckets[frontier->bucket++], items + count);
    if (frontier->bucket >= segment->buckets) table_pass_segment(table, segment, frontier);
    return count;
}

/* All that it reads may be stale, and is used for nothing but fetching. */
KV_NO_TSAN KV_INTERNAL void table_fetch_ahead(const struct table *table,
                                              const struct table_frontier *frontier,
                                              unsigned buckets)
{
    uint64_t entry = table_entry(table, frontier->position);
    if (entry == 0) return;
    const struct table_bucket *bucket = table_entry_buckets(entry);
    unsigned size = table_entry_size(entry);
    unsigned end = frontier->bucket + buckets < size ? frontier->bucket + buckets : size;
    for (unsigned i = frontier->bucket; i < end; i++) {
        unsigned taken = ~table_match_tags(&bucket[i], 0) & ((1u << TABLE_SLOTS) - 1);
        for (; taken != 0; taken &= taken - 1) {
            const char *item = table_pointer(&bucket[i], table_lowest_bit(taken));
            KV_PREFETCH_WRITE(item);
            KV_PREFETCH(item + KV_CACHE_LINE);
        }
    }
}

KV_INTERNAL size_t table_next(const struct table *table, struct table_cursor *cursor, void **items,
                              size_t room)
{
    uintptr_t root = table_root(table);
    if (root == 0) return 0;
    unsigned depth = table_root_depth(root);
    size_t count = 0;
    while (cursor->entry < (size_t)1 << depth && count + TABLE_SLOTS <= room) {
        struct table_segment *segment = table_segment_at(root, cursor->entry);
        struct table_bucket *bucket = &table_segment_buckets(segment)[cursor->bucket];
        count += table_take_bucket(bucket, items + count);
        if (++cursor->bucket < segment->buckets) continue;
        cursor->bucket = 0;
        cursor->entry += (size_t)1 << (depth - segment->depth);
    }
    return count;
}

/* The item of this number, counted segment by segment. */
static void *table_item_at(const struct table *table, uint64_t number)
{
    uintptr_t root = table_root(table);
    unsigned depth = table_root_depth(root);
    struct table_segment *segment = table_segment_at(root, 0);
    for (size_t i = 0; number >= segment->count; segment = table_segment_at(root, i)) {
        number -= segment->count;
        i += (size_t)1 << (depth - segment->depth);
    }
    for (struct table_bucket *bucket = table_segment_buckets(segment);; bucket++) {
        unsigned taken = ~table_free_slots(bucket) & ((1u << TABLE_SLOTS) - 1);
        for (; taken != 0; taken &= taken - 1) {
            if (number-- == 0) return table_pointer(bucket, table_lowest_bit(taken));
        }
    }
}

/*
 * Draws a directory entry and a slot until the slot is taken. A segment that has many entries
 * counts only through its first one, and every draw is from the slots of the largest segment, so
 * each item is equally likely. Segments merge when they are sparse, so a draw fails in more than 7
 * of 8 cases only where someone has chosen what to remove by its hash (SSCAN tells the order): then
 * the segments are few for the directory, and counted.
 */
KV_INTERNAL void *table_random(const struct table *table, struct random *random)
{
    if (table->count == 0) return NULL;
    uintptr_t root = table_root(table);
    unsigned depth = table_root_depth(root);
    unsigned slots = depth == 0 ? 0 : table->segment_buckets * TABLE_SLOTS;
    for (int draws = 0; draws < TABLE_DRAWS; draws++) {
        size_t i = depth == 0 ? 0 : (size_t)(random_next(random) >> (64 - depth));
        uint64_t entry = atomic_load_explicit(&table_root_directory(root)[i], memory_order_relaxed);
        unsigned local = (unsigned)(entry >> TABLE_ENTRY_CONSUMED) - table->skip;
        if ((i & (((size_t)1 << (depth - local)) - 1)) != 0) continue;
        unsigned size = table_entry_size(entry) * TABLE_SLOTS;
        unsigned draw = (unsigned)random_below(random, slots != 0 ? slots : size);
        if (draw >= size) continue;
        struct table_bucket *bucket = &table_entry_buckets(entry)[draw / TABLE_SLOTS];
        if (bucket->tags[draw % TABLE_SLOTS] == 0) continue;
        return table_pointer(bucket, draw % TABLE_SLOTS);
    }
    return table_item_at(table, random_below(random, table->count));
}

/* ------------------------------------------------------------------------------------- checking */

#if KV_DEBUG > 0
/* Counts, in `passed`, the items that a search of this item passes on its way from home. */
static void table_check_item(const struct table *table, struct table_segment *segment, unsigned at,
                             unsigned slot, unsigned *passed)
{
    struct table_bucket *buckets = table_segment_buckets(segment);
    uint64_t hash = table->kind->hash(table_pointer(&buckets[at], slot), table->context);
    unsigned consumed = table->skip + segment->depth;
    assert(buckets[at].tags[slot] == table_tag(hash));
    uint64_t mask = segment->depth == 0 ? 0 : UINT64_MAX << (64 - segment->depth) >> table->skip;
    assert((hash & mask) == (segment->prefix & mask));
    for (unsigned i = table_home(hash, consumed, segment->buckets); i != at;
         i = i + 1 == segment->buckets ? 0 : i + 1) {
        assert(buckets[i].overflow > 0);
        passed[i]++;
    }
}

static void table_check_segment(const struct table *table, struct table_segment *segment)
{
    struct table_bucket *buckets = table_segment_buckets(segment);
    unsigned passed[TABLE_SEGMENT_BUCKETS] = {0};
    unsigned count = 0;
    assert(segment->count <= table_segment_limit(segment->buckets));
    for (unsigned i = 0; i < segment->buckets; i++) {
        for (unsigned slot = 0; slot < TABLE_SLOTS; slot++) {
            if (buckets[i].tags[slot] == 0) continue;
            table_check_item(table, segment, i, slot, passed);
            count++;
        }
    }
    assert(count == segment->count);
    for (unsigned i = 0; i < segment->buckets; i++) {
        assert(buckets[i].overflow == passed[i] || buckets[i].overflow == UINT8_MAX);
    }
}

KV_INTERNAL void table_check(const struct table *table)
{
    uintptr_t root = table_root(table);
    if (root == 0) {
        assert(table->count == 0 && table->segments == 0 && table->bytes == 0);
        return;
    }
    unsigned depth = table_root_depth(root);
    uint64_t count = 0;
    uint32_t segments = 0, deepest = 0;
    size_t bytes = table_directory_lines(depth) * KV_CACHE_LINE;
    size_t i = 0;
    while (i < (size_t)1 << depth) {
        uint64_t entry = atomic_load(&table_root_directory(root)[i]);
        struct table_segment *segment = table_entry_segment(entry);
        assert(segment->depth <= depth);
        assert(table_directory_index(segment->prefix, table->skip, depth) == i);
        size_t span = (size_t)1 << (depth - segment->depth);
        for (size_t j = i; j < i + span; j++) {
            assert(atomic_load(&table_root_directory(root)[j]) ==
                   table_segment_entry(table, segment));
        }
        table_check_segment(table, segment);
        count += segment->count;
        segments++;
        deepest += segment->depth == depth;
        bytes += table_segment_bytes(segment->buckets);
        i += span;
    }
    assert(count == table->count);
    assert(segments == table->segments);
    assert(deepest == table->deepest);
    assert(bytes == table->bytes);
}
#else
KV_INTERNAL KV_UNUSED void table_check(const struct table *table)
{
    (void)table;
}
#endif
