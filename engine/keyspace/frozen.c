/*
 * keyspace/frozen.c -- see frozen.h.
 */
#include "keyspace/frozen.h"

#include "keyspace/era.h"
#include "keyspace/shard.h"

/* A copy of an entry of the instant; the entry follows. */
struct frozen_record {
    uint64_t hash;
    uint32_t database; /* at the instant */
};

/* Entries fetched ahead where a segment is thawed. */
#define FROZEN_AHEAD 12

static struct entry *frozen_entry(const struct frozen_record *record)
{
    return (struct entry *)(uintptr_t)(record + 1);
}

static uint64_t frozen_hash(const void *item, const void *context)
{
    (void)context;
    return ((const struct frozen_record *)item)->hash;
}

static const struct table_kind frozen_table_kind = {frozen_hash};

struct frozen_sought {
    uint32_t database;
    kv_slice key;
};

static bool frozen_match(const void *item, const void *sought)
{
    const struct frozen_record *record = item;
    const struct frozen_sought *wanted = sought;
    return record->database == wanted->database && entry_is_of(frozen_entry(record), wanted->key);
}

/* Whether nothing expired at the instant. */
static bool frozen_is_timeless(const struct frozen *frozen)
{
    return view_expiry(frozen->view) == STORE_EXPIRES_NEVER;
}

/* Whether an entry of the instant was due then, all of it. */
static bool frozen_is_gone(const struct frozen *frozen, const struct entry *entry)
{
    return value_is_gone(entry, frozen->view->now_ms) && !frozen_is_timeless(frozen);
}

static void frozen_lose(struct frozen *frozen)
{
    atomic_store_explicit(&frozen->is_lost, true, memory_order_relaxed);
}

/* --------------------------------------------------------------------------------------- copies */

/* Counts what is about to be copied, if there is room for it. */
static bool frozen_reserve(struct frozen *frozen, uint64_t size)
{
    uint64_t held = atomic_fetch_add_explicit(&frozen->held, size, memory_order_relaxed) + size;
    if (held <= frozen->limit) return true;
    atomic_fetch_sub_explicit(&frozen->held, size, memory_order_relaxed);
    return false;
}

/* Counts what it was in truth. */
static void frozen_settle(struct frozen *frozen, uint64_t reserved, uint64_t size)
{
    atomic_fetch_add_explicit(&frozen->held, size - reserved, memory_order_relaxed); /* or less */
}

static uint64_t frozen_part_bytes(const struct frozen_part *part)
{
    return part->memory.used + part->records.bytes;
}

/* Takes what was due at the instant out of a copy; that is not all of it. */
static void frozen_prune(const struct frozen *frozen, struct frozen_part *part, struct entry *copy)
{
    struct collection_due due[COLLECTION_DUE_BATCH];
    size_t count;
    if (frozen_is_timeless(frozen) || !entry_has_timed_fields(copy)) return;
    while ((count = value_peek_due(copy, frozen->view->now_ms, due)) > 0) {
        struct collection left = value_drop_due(copy, &part->memory, due, count);
        assert(!collection_is_empty(&left));
        entry_set_payload(copy, left.word);
    }
}

/* Makes a record of this shape, whose value is the record's then. NULL without memory. */
static struct frozen_record *frozen_write(struct frozen_part *part, uint64_t hash,
                                          uint32_t database, struct entry_shape *shape)
{
    entry_shape_settle(shape);
    if (table_reserve(&part->records, hash) != KV_OK) return NULL;
    struct frozen_record *record =
        memory_get(&part->memory, sizeof *record + entry_shape_size(shape));
    if (record == NULL) return NULL;
    *record = (struct frozen_record){hash, database};
    entry_write(frozen_entry(record), shape);
    (void)table_insert(&part->records, hash, record);
    return record;
}

/* Puts a copy of an entry into the part; it, or NULL without memory. */
static struct entry *frozen_copy(struct frozen *frozen, struct frozen_part *part, uint32_t database,
                                 const struct entry *entry)
{
    struct store *store = frozen->store;
    struct entry_shape shape;
    entry_read(entry, &shape);
    shape.deadline_id = 0;
    if (value_copy(entry, store, &part->memory, &shape) != KV_OK) return NULL;
    struct frozen_record *record =
        frozen_write(part, store_hash(store, shape.key), database, &shape);
    if (record == NULL) {
        struct garbage garbage = {0};
        value_discard_shape(&shape, &part->memory, &garbage);
        garbage_free(&garbage, &store->alloc);
        return NULL;
    }
    struct entry *copy = frozen_entry(record);
    part->outside += value_is_outside(copy);
    frozen_prune(frozen, part, copy);
    return copy;
}

KV_INTERNAL void frozen_keep(struct frozen *frozen, struct shard *shard, const struct space *space,
                             const struct entry *entry)
{
    struct frozen_part *part = &frozen->parts[shard->index];
    if (frozen_is_lost(frozen) || frozen_is_gone(frozen, entry)) return;
    uint64_t before = frozen_part_bytes(part);
    uint64_t size =
        memory_capacity(sizeof(struct frozen_record) + entry_size(entry)) + value_bytes(entry);
    if (!frozen_reserve(frozen, size)) {
        frozen_lose(frozen);
        return;
    }
    const struct entry *copy = frozen_copy(frozen, part, space->frozen_origin, entry);
    if (copy == NULL) frozen_lose(frozen);
    else atomic_fetch_add_explicit(&frozen->kept, 1, memory_order_relaxed);
    uint64_t outside = copy != NULL && value_is_outside(copy) ? value_bytes(copy) : 0;
    frozen_settle(frozen, size, frozen_part_bytes(part) - before + outside);
}

/* -------------------------------------------------------------------------------------- reading */

KV_INTERNAL struct space *frozen_space(const struct frozen *frozen, const struct shard *shard,
                                       uint32_t database)
{
    struct space *space = shard_peek_space(shard, database);
    if (frozen->counts[database].keys == 0) return NULL;
    if (space != NULL && space->is_frozen && space->frozen_origin == database) return space;
    if (!frozen->parts[shard->index].has_moved) return NULL;
    for (uint32_t i = 0; i < frozen->store->databases; i++) {
        space = shard_peek_space(shard, i);
        if (space != NULL && space->is_frozen && space->frozen_origin == database) return space;
    }
    for (struct flushed *at = shard->kept; at != NULL; at = at->next)
        if (at->space.is_frozen && at->space.frozen_origin == database) return &at->space;
    return NULL;
}

static struct entry *frozen_find_copy(const struct frozen_part *part, uint32_t database,
                                      uint64_t hash, kv_slice key)
{
    struct frozen_sought sought = {database, key};
    struct table_place place = table_find(&part->records, hash, frozen_match, &sought);
    return place.bucket != NULL ? frozen_entry(table_item(place)) : NULL;
}

/* Whether something in an entry, not all of it, was due at the instant. */
static bool frozen_has_due(const struct frozen *frozen, const struct entry *entry)
{
    if (!entry_has_timed_fields(entry) || frozen_is_timeless(frozen)) return false;
    int64_t next_ms = value_next_deadline(entry);
    return next_ms != 0 && next_ms <= frozen->view->now_ms;
}

KV_INTERNAL kv_status frozen_find(struct frozen *frozen, struct shard *shard, uint32_t database,
                                  uint64_t hash, kv_slice key, struct entry **entry)
{
    *entry = NULL;
    if (frozen_is_lost(frozen)) return KV_LOST;
    struct space *space = frozen_space(frozen, shard, database);
    if (space == NULL) return KV_OK;
    struct table_place place = shard_find(space, hash, key);
    struct entry *there = place.bucket != NULL ? table_item(place) : NULL;
    if (there != NULL && era_is_old(space, there, ENTRY_FROZEN_ERA)) {
        if (frozen_is_gone(frozen, there)) return KV_OK;
        if (!frozen_has_due(frozen, there)) {
            *entry = there;
            return KV_OK;
        }
        frozen_keep(frozen, shard, space, there);
        if (frozen_is_lost(frozen)) return KV_LOST;
        era_turn(there, ENTRY_FROZEN_ERA);
    }
    *entry = frozen_find_copy(&frozen->parts[shard->index], database, hash, key);
    return KV_OK;
}

/* Passes on those of the items that were there at the instant and lie in a range of hashes. */
struct frozen_visiting {
    const struct store *store;
    const struct space *space;
    uint32_t database;
    uint64_t first, last;
    table_visit *visit;
    void *context;
};

static bool frozen_is_visited(const struct frozen_visiting *visiting, uint64_t hash)
{
    return hash >= visiting->first && hash <= visiting->last;
}

static void frozen_visit_entry(void *context, void *item)
{
    const struct frozen_visiting *visiting = context;
    bool is_whole = visiting->first == 0 && visiting->last == UINT64_MAX;
    if (!era_is_old(visiting->space, item, ENTRY_FROZEN_ERA)) return;
    if (!is_whole && !frozen_is_visited(visiting, store_hash(visiting->store, entry_key(item))))
        return;
    visiting->visit(visiting->context, item);
}

static void frozen_visit_record(void *context, void *item)
{
    const struct frozen_visiting *visiting = context;
    const struct frozen_record *record = item;
    if (record->database == visiting->database && frozen_is_visited(visiting, record->hash))
        visiting->visit(visiting->context, frozen_entry(record));
}

KV_INTERNAL void frozen_each(const struct frozen *frozen, const struct shard *shard,
                             uint32_t database, table_visit *visit, void *context)
{
    const struct space *space = frozen_space(frozen, shard, database);
    struct frozen_visiting visiting = {frozen->store, space, database, 0,
                                       UINT64_MAX,    visit, context};
    if (space == NULL) return;
    table_each(&space->table, frozen_visit_entry, &visiting);
    table_each(&frozen->parts[shard->index].records, frozen_visit_record, &visiting);
}

static void frozen_visit_none(void *context, void *item)
{
    (void)context;
    (void)item;
}

KV_INTERNAL uint64_t frozen_scan(const struct frozen *frozen, const struct shard *shard,
                                 uint32_t database, uint64_t position, table_visit *visit,
                                 void *context)
{
    const struct space *space = frozen_space(frozen, shard, database);
    const struct table *records = &frozen->parts[shard->index].records;
    if (space == NULL) return 0;
    /* The buckets of the two tables span different ranges: the shorter one is taken. */
    uint64_t of_space = table_scan(&space->table, position, frozen_visit_none, NULL);
    uint64_t of_records = table_scan(records, position, frozen_visit_none, NULL);
    uint64_t last = of_space - 1 < of_records - 1 ? of_space - 1 : of_records - 1; /* 0: no end */
    struct frozen_visiting visiting = {frozen->store, space, database, position,
                                       last,          visit, context};
    (void)table_scan(&space->table, position, frozen_visit_entry, &visiting);
    (void)table_scan(records, position, frozen_visit_record, &visiting);
    return last + 1;
}

KV_INTERNAL uint64_t frozen_items(const struct frozen *frozen, const struct shard *shard,
                                  uint32_t database)
{
    const struct space *space = frozen_space(frozen, shard, database);
    if (space == NULL) return 0;
    return space->table.count + frozen->parts[shard->index].records.count;
}

KV_INTERNAL struct entry *frozen_draw(const struct frozen *frozen, struct shard *shard,
                                      uint32_t database)
{
    const struct space *space = frozen_space(frozen, shard, database);
    uint64_t number = random_below(&shard->random, frozen_items(frozen, shard, database));
    if (number < space->table.count) {
        struct entry *entry = table_random(&space->table, &shard->random);
        return era_is_old(space, entry, ENTRY_FROZEN_ERA) ? entry : NULL;
    }
    const struct table *records = &frozen->parts[shard->index].records;
    const struct frozen_record *record = table_random(records, &shard->random);
    return record->database == database ? frozen_entry(record) : NULL;
}

/* ---------------------------------------------------------------------------------------- whole */

static size_t frozen_size(const struct store *store)
{
    return sizeof(struct frozen) + store->shard_count * sizeof(struct frozen_part);
}

KV_INTERNAL struct frozen *frozen_create(struct store *store, uint64_t limit)
{
    struct frozen *frozen = alloc_get(&store->alloc, frozen_size(store));
    if (frozen == NULL) return NULL;
    memset(frozen, 0, frozen_size(store));
    frozen->store = store;
    frozen->limit = limit;
    for (uint32_t i = 0; i < store->shard_count; i++) {
        struct frozen_part *part = &frozen->parts[i];
        memory_init(&part->memory, &store->pages);
        table_init(&part->records, &store->alloc, NULL, &frozen_table_kind, NULL, store->shard_bits,
                   255);
    }
    frozen->counts = alloc_get_array(&store->alloc, store->databases, sizeof *frozen->counts);
    frozen->view = view_create(store);
    if (frozen->counts != NULL && frozen->view != NULL) {
        memset(frozen->counts, 0, store->databases * sizeof *frozen->counts);
        frozen->view->frozen = frozen;
        frozen->view->flags = VIEW_PINNED | VIEW_UNTOUCHING;
        return frozen;
    }
    frozen_destroy(frozen);
    return NULL;
}

static void frozen_discard(void *context, void *item)
{
    struct garbage *garbage = context;
    struct entry *entry = frozen_entry(item);
    if (value_is_outside(entry)) value_discard(entry, NULL, garbage); /* not of a part's memory */
}

KV_INTERNAL void frozen_destroy(struct frozen *frozen)
{
    struct store *store = frozen->store;
    struct garbage garbage = {0};
    for (uint32_t i = 0; i < store->shard_count; i++) {
        struct frozen_part *part = &frozen->parts[i];
        if (part->outside > 0) table_each(&part->records, frozen_discard, &garbage);
        table_clear(&part->records);
        memory_destroy(&part->memory);
    }
    garbage_free(&garbage, &store->alloc);
    view_destroy(frozen->view);
    alloc_free(&store->alloc, frozen->counts, store->databases * sizeof *frozen->counts);
    alloc_free(&store->alloc, frozen, frozen_size(store));
}

/* The instant: what is there now is of the old era. */
static void frozen_turn(struct frozen *frozen)
{
    struct store *store = frozen->store;
    frozen->view->now_ms = clock_wall_ms(&store->clock);
    if (view_expiry(store->view) == STORE_EXPIRES_NEVER) frozen->view->flags |= VIEW_TIMELESS;
    for (uint32_t i = 0; i < store->shard_count; i++) {
        for (uint32_t d = 0; d < store->databases; d++) {
            struct space *space = shard_peek_space(&store->shards[i], d);
            if (space == NULL || space->table.count == 0) continue;
            space->eras ^= ENTRY_FROZEN_ERA;
            space->is_frozen = true;
            space->frozen_origin = d;
            space->thaw = (struct table_frontier){0};
            frozen->counts[d].keys += space->table.count;
            frozen->counts[d].timed += space_timed(space);
            frozen->keys += space->table.count;
        }
    }
    store->frozen = frozen;
}

KV_INTERNAL kv_status frozen_begin(struct frozen *frozen, void (*at_instant)(void *context),
                                   void *context)
{
    struct store *store = frozen->store;
    if (atomic_exchange_explicit(&store->frozen_is_taken, true, memory_order_acquire))
        return KV_BUSY;
    store_lock_all(store);
    frozen_turn(frozen);
    if (at_instant != NULL) at_instant(context);
    store_unlock_all(store);
    return KV_OK;
}

/* Turns the eras of a segment of the space. False: that was the last. */
static bool frozen_thaw_segment(struct space *space)
{
    void *items[TABLE_SEGMENT_ITEMS]; /* whole: so that it is passed, whatever moves meanwhile */
    size_t count = table_advance(&space->table, &space->thaw, items, TABLE_SEGMENT_ITEMS);
    for (size_t i = 0; i < count; i++) {
        if (i + FROZEN_AHEAD < count) KV_PREFETCH_WRITE(items[i + FROZEN_AHEAD]);
        if (era_is_old(space, items[i], ENTRY_FROZEN_ERA)) era_turn(items[i], ENTRY_FROZEN_ERA);
    }
    space->is_frozen = !space->thaw.is_over;
    return space->is_frozen;
}

/* One slice of a shard, which is held. False: nothing was left. */
static bool frozen_thaw_some(struct shard *shard)
{
    for (struct flushed *at = shard->kept; at != NULL; at = at->next) at->space.is_frozen = false;
    shard_release_kept(shard);
    for (uint32_t i = 0; i < shard->store->databases; i++) {
        struct space *space = shard_peek_space(shard, i);
        if (space == NULL || !space->is_frozen) continue;
        (void)frozen_thaw_segment(space);
        return true;
    }
    return false;
}

KV_INTERNAL void frozen_end(struct frozen *frozen)
{
    struct store *store = frozen->store;
    store_lock_all(store);
    store->frozen = NULL;
    store_unlock_all(store);
    for (uint32_t i = 0; i < store->shard_count; i++) {
        bool goes_on = true;
        while (goes_on) {
            lock_lock(&store->shards[i].lock);
            goes_on = frozen_thaw_some(&store->shards[i]);
            lock_unlock(&store->shards[i].lock);
        }
    }
    atomic_store_explicit(&store->frozen_is_taken, false, memory_order_release);
}
