/*
 * keyspace/shard.c -- see shard.h.
 *
 * Invariants (shard_check() asserts them, with those of the rooms below):
 *   1. An entry is in its space's deadlines exactly if it is timed, under the number it carries: in
 *      `local` if it is local, else in `deadlines`.
 *   2. space->outside counts the entries whose value lies outside the shard's memory, and
 *      space->undated those that are timed but have no deadline of their own.
 *   3. All entries are of their space's eras, but while the space is unsaved or frozen (era.h).
 *   4. next_deadline_ms is not after the earliest deadline of any space, next_local_ms not after
 *      that of any local entry.
 */
#include "keyspace/shard.h"

#include "keyspace/era.h"
#include "keyspace/events.h"
#include "keyspace/frozen.h"
#include "keyspace/journal.h"
#include "keyspace/observers.h"
#include "keyspace/waiting.h"

/*
 * How many due entries are taken from the wheel at once: enough for their cache misses to overlap.
 */
#define SHARD_EXPIRE_BATCH 32

/* When to try again what there was no memory for. */
#define SHARD_LATER_MS 10000

static uint64_t shard_hash_entry(const void *item, const void *context)
{
    const struct store *store = context;
    return store_hash(store, entry_key(item));
}

KV_INTERNAL const struct table_kind shard_table_kind = {shard_hash_entry};

/*
 * Different shards have segments of different sizes, evenly spread: the bits of the index,
 * reversed.
 */
static unsigned shard_phase(const struct shard *shard)
{
    unsigned phase = 0;
    for (unsigned i = 0; i < 8; i++) phase |= (shard->index >> i & 1u) << (7 - i);
    return phase;
}

static void shard_start_space(struct shard *shard, struct space *space)
{
    struct store *store = shard->store;
    memset(space, 0, sizeof *space);
    table_init(&space->table, &store->alloc, &store->grace, &shard_table_kind, store,
               store->shard_bits, shard_phase(shard));
}

KV_INTERNAL kv_status shard_open(struct shard *shard, struct store *store, uint32_t index)
{
    memset(shard, 0, sizeof *shard);
    lock_init(&shard->lock);
    shard->index = index;
    shard->store = store;
    atomic_init(&shard->next_deadline_ms, KV_NEVER);
    atomic_init(&shard->next_local_ms, KV_NEVER);
    memory_init(&shard->memory, &store->pages);
    shard_start_space(shard, &shard->first);
    if (store->databases == 1) return KV_OK;
    shard->spaces = alloc_get_array(&store->alloc, store->databases - 1, sizeof *shard->spaces);
    if (shard->spaces == NULL) return KV_NOMEM;
    for (uint32_t i = 0; i < store->databases - 1; i++) atomic_init(&shard->spaces[i], NULL);
    return KV_OK;
}

KV_INTERNAL struct space *shard_space(struct shard *shard, uint32_t database)
{
    struct space *space = shard_peek_space(shard, database);
    if (KV_LIKELY(space != NULL)) return space;
    space = alloc_get(&shard->store->alloc, sizeof *space);
    if (space == NULL) return NULL;
    shard_start_space(shard, space);
    atomic_store_explicit(&shard->spaces[database - 1], space, memory_order_release);
    return space;
}

/*
 * By value, since database 0 lies in the shard. A prefetch that looks on sees one root or the
 * other.
 */
static void shard_swap_spaces(struct space *one, struct space *other)
{
    struct space kept;
    memcpy(&kept, one, sizeof kept);
    memcpy(one, other, sizeof kept);
    memcpy(other, &kept, sizeof kept);
}

KV_INTERNAL void shard_swap(struct shard *shard, uint32_t first, uint32_t second)
{
    shard_swap_spaces(shard_peek_space(shard, first), shard_peek_space(shard, second));
    frozen_note_moved(shard);
}

static void shard_note_earlier(_Atomic int64_t *next_ms, int64_t deadline_ms)
{
    if (deadline_ms < atomic_load_explicit(next_ms, memory_order_relaxed))
        atomic_store_explicit(next_ms, deadline_ms, memory_order_relaxed);
}

static void shard_note_deadline(struct shard *shard, int64_t deadline_ms, bool is_local)
{
    shard_note_earlier(&shard->next_deadline_ms, deadline_ms);
    if (KV_UNLIKELY(is_local)) shard_note_earlier(&shard->next_local_ms, deadline_ms);
}

KV_INTERNAL void shard_adopt(struct shard *shard, struct shard *from)
{
    assert(shard->store == from->store && shard->index == from->index);
    for (uint32_t i = 0; i < shard->store->databases; i++) {
        struct space *space = shard_peek_space(from, i);
        if (space == NULL || space->table.count == 0) continue;
        struct space *own = shard_peek_space(shard, i);
        assert(own->table.count == 0);
        shard_swap_spaces(own, space);
        table_expect(&own->table, 0);
        own->is_frozen = space->is_frozen; /* all that was there is copied */
        own->frozen_origin = space->frozen_origin;
    }
    memory_join(&shard->memory, &from->memory);
    shard_renew_deadline(shard);
    /* which may be past */
    shard_note_deadline(shard, atomic_load(&from->next_deadline_ms), false);
}

/* ------------------------------------------------------------------------------ writing entries */

/*
 * The old number may stay if the deadline is put off, for the wheel will file the key again when
 * its old slot comes due; or if it is earlier, but not than that slot.
 */
static bool shard_keeps_number(const struct space *space, const struct entry *old, int64_t due_ms,
                               bool is_local)
{
    if (old == NULL || !entry_is_timed(old) || due_ms == KV_NEVER) return false;
    if (entry_is_local(old) != is_local) return false;
    return due_ms >= entry_due(old) ||
           deadlines_may_stay(space_order(space, old), entry_deadline_id(old), due_ms);
}

static kv_status shard_reserve_deadline(struct shard *shard, struct space *space, bool is_local)
{
    struct store *store = shard->store;
    struct deadlines **order = is_local ? &space->local : &space->deadlines;
    if (*order == NULL) *order = deadlines_create(&store->alloc, clock_wall_ms(&store->clock));
    return *order != NULL ? deadlines_reserve(*order) : KV_NOMEM;
}

/*
 * Brings the order of deadlines in line with what is about to be written to `block`; fills in the
 * number.
 */
static void shard_file_deadline(struct shard *shard, struct space *space, struct entry *old,
                                struct entry *block, struct entry_shape *shape)
{
    int64_t due_ms = entry_shape_due(shape);
    struct deadlines *order = shape->is_local ? space->local : space->deadlines;
    if (due_ms != KV_NEVER) shard_note_deadline(shard, due_ms, shape->is_local);
    if (shard_keeps_number(space, old, due_ms, shape->is_local)) {
        shape->deadline_id = entry_deadline_id(old);
        if (block != old) deadlines_move(order, shape->deadline_id, block);
        return;
    }
    if (old != NULL && entry_is_timed(old))
        deadlines_remove(space_order(space, old), entry_deadline_id(old));
    if (due_ms == KV_NEVER) return;
    shape->deadline_id = deadlines_add(order, block, due_ms);
}

KV_INTERNAL kv_status shard_write(struct shard *shard, struct space *space, uint64_t hash,
                                  struct table_place *place, struct entry_shape *shape)
{
    struct entry *old = place->bucket != NULL ? table_item(*place) : NULL;
    entry_shape_settle(shape);
    size_t size = entry_shape_size(shape);
    int64_t due_ms = entry_shape_due(shape);
    if (KV_UNLIKELY(due_ms != KV_NEVER) &&
        !shard_keeps_number(space, old, due_ms, shape->is_local)) {
        if (shard_reserve_deadline(shard, space, shape->is_local) != KV_OK) return KV_NOMEM;
    }
    if (old == NULL && table_reserve(&space->table, hash) != KV_OK) return KV_NOMEM;
    size_t old_size = old != NULL ? entry_size(old) : 0;
    struct entry *block = old;
    if (old == NULL || memory_capacity(size) != memory_capacity(old_size)) {
        block = memory_get(&shard->memory, size);
        if (block == NULL) return KV_NOMEM;
    }

    /* From here nothing fails. */
    if (old != NULL) {
        era_meet(shard, space, old);
        space_count(space, old, -1);
    }
    shard_file_deadline(shard, space, old, block, shape);
    entry_write(block, shape);
    entry_set_eras(block, space->eras);
    space_count(space, block, 1);
    if (old == NULL) {
        *place = table_insert(&space->table, hash, block);
    } else if (block != old) {
        table_replace(*place, block);
        memory_free(&shard->memory, old, old_size);
    }
    return KV_OK;
}

KV_INTERNAL kv_status shard_change_due(struct shard *shard, struct space *space,
                                       struct entry *entry, int64_t due_ms, bool is_local)
{
    assert(entry_can_hold(entry, due_ms) && due_ms != KV_NEVER);
    uint64_t id = entry_deadline_id(entry);
    if (!shard_keeps_number(space, entry, due_ms, is_local)) {
        if (shard_reserve_deadline(shard, space, is_local) != KV_OK) return KV_NOMEM;
        deadlines_remove(space_order(space, entry), id);
        entry_set_local(entry, is_local);
        id = deadlines_add(space_order(space, entry), entry, due_ms);
    }
    entry_set_due(entry, due_ms, id);
    shard_note_deadline(shard, due_ms, is_local);
    return KV_OK;
}

/*
 * Takes an entry out of the table; its number among the deadlines, if any, is void already. Its
 * block is still there.
 */
static struct entry *shard_unlink(struct space *space, uint64_t hash, struct table_place place)
{
    struct entry *entry = table_item(place);
    assert(era_is_new(space, entry));
    space_count(space, entry, -1);
    table_remove(&space->table, hash, place);
    return entry;
}

static void shard_free_entry(struct shard *shard, struct entry *entry, struct garbage *garbage)
{
    size_t size = entry_size(entry);
    if (garbage != NULL) value_discard(entry, &shard->memory, garbage);
    memory_free(&shard->memory, entry, size);
}

KV_INTERNAL void shard_remove(struct shard *shard, struct space *space, uint64_t hash,
                              struct table_place place, struct garbage *garbage)
{
    struct entry *entry = table_item(place);
    if (entry_is_timed(entry))
        deadlines_remove(space_order(space, entry), entry_deadline_id(entry));
    shard_free_entry(shard, shard_unlink(space, hash, place), garbage);
}

/* ------------------------------------------------------------------------------------- expiring */

KV_INTERNAL void shard_renew_deadline(struct shard *shard)
{
    int64_t next_ms = KV_NEVER, local_ms = KV_NEVER;
    for (uint32_t i = 0; i < shard->store->databases; i++) {
        struct space *space = shard_peek_space(shard, i);
        if (space == NULL) continue;
        int64_t of_space_ms = deadlines_next(space->deadlines);
        int64_t local_of_space_ms = deadlines_next(space->local);
        if (of_space_ms < next_ms) next_ms = of_space_ms;
        if (local_of_space_ms < local_ms) local_ms = local_of_space_ms;
    }
    if (local_ms < next_ms) next_ms = local_ms;
    atomic_store_explicit(&shard->next_deadline_ms, next_ms, memory_order_relaxed);
    atomic_store_explicit(&shard->next_local_ms, local_ms, memory_order_relaxed);
}

/* Tells the journal and the observers that a key has expired, which is nobody's change. */
static void shard_tell_expired(struct shard *shard, uint32_t database, uint64_t hash,
                               const struct entry *entry, struct observed **ready)
{
    kv_slice key = entry_key(entry);
    shard->expired++;
    if (shard->observers != NULL) {
        observers_touch(shard, database, hash, key);
        waiting_note(shard, database, hash, key, KV_TYPE_NONE, ready);
    }
    if (events_are_wanted(shard->store, KV_EVENT_EXPIRED))
        events_publish(shard->store, database, "expired", key);
    if (journal_is_read(shard->store)) {
        kv_slice arguments[2] = {kv_bytes("DEL", 3), key};
        journal_write(shard->store, NULL, database, KV_CAUSE_EXPIRED, arguments, 2);
    }
}

/* The same of fields of a key, which are still there. */
static void shard_tell_fields_expired(struct shard *shard, uint32_t database, uint64_t hash,
                                      const struct entry *entry, const struct collection_due *due,
                                      size_t count)
{
    const struct collection_words *words = value_kind(entry_type(entry))->words;
    kv_slice key = entry_key(entry);
    shard->expired_fields += count;
    if (shard->observers != NULL) observers_touch(shard, database, hash, key);
    if (events_are_wanted(shard->store, words->event_class))
        events_publish(shard->store, database, words->expired, key);
    if (!journal_is_read(shard->store)) return;
    kv_slice arguments[2 + COLLECTION_DUE_BATCH] = {kv_text(words->remove), key};
    for (size_t i = 0; i < count; i++) arguments[2 + i] = due[i].name;
    journal_write(shard->store, NULL, database, KV_CAUSE_EXPIRED, arguments, 2 + count);
}

/*
 * Files an entry again that the wheel has let go because of its fields; there is room. An entry
 * that has no place for what is its due now, or none left, is written anew; without memory that
 * has to wait.
 */
static void shard_file_again(struct shard *shard, struct space *space, uint64_t hash,
                             struct entry *entry, int64_t now_ms)
{
    struct entry_shape shape;
    entry_read(entry, &shape);
    shape.fields_ms = value_next_deadline(entry);
    int64_t due_ms = entry_shape_due(&shape);
    bool fits = due_ms != KV_NEVER && entry_can_hold(entry, due_ms);
    if (!fits) due_ms = now_ms + SHARD_LATER_MS;
    entry_set_due(entry, due_ms, deadlines_add(space_order(space, entry), entry, due_ms));
    shard_note_deadline(shard, due_ms, entry_is_local(entry));
    if (fits) return;
    struct table_place place = table_place_of(&space->table, hash, entry);
    (void)shard_write(shard, space, hash, &place, &shape);
}

/*
 * Removes some fields that are due of an entry that the wheel has let go, and the key with the last
 * of them; else files it again.
 */
static void shard_remove_due_fields(struct shard *shard, uint32_t database, struct entry *entry,
                                    int64_t now_ms, struct garbage *garbage)
{
    struct space *space = shard_peek_space(shard, database);
    kv_slice key = entry_key(entry);
    uint64_t hash = store_hash(shard->store, key);
    struct collection_due due[COLLECTION_DUE_BATCH];
    era_meet(shard, space, entry);
    size_t count = value_peek_due(entry, now_ms, due);
    if (count > 0) {
        shard_tell_fields_expired(shard, database, hash, entry, due, count);
        space_count(space, entry, -1);
        struct collection left = value_drop_due(entry, &shard->memory, due, count);
        entry_set_payload(entry, left.word);
        space_count(space, entry, 1);
        if (collection_is_empty(&left)) {
            if (events_are_wanted(shard->store, KV_EVENT_GENERIC))
                events_publish(shard->store, database, "del", key);
            struct table_place place = table_place_of(&space->table, hash, entry);
            shard_free_entry(shard, shard_unlink(space, hash, place), garbage);
            return;
        }
    }
    shard_file_again(shard, space, hash, entry, now_ms);
}

/*
 * Removes entries that the wheel has let go. In passes, so that the misses of all of them overlap.
 */
static void shard_remove_due(struct shard *shard, uint32_t database, struct entry **due,
                             size_t count, struct garbage *garbage, struct observed **ready)
{
    struct space *space = shard_peek_space(shard, database);
    uint64_t hashes[SHARD_EXPIRE_BATCH];
    kv_slice keys[SHARD_EXPIRE_BATCH];
    for (size_t i = 0; i < count; i++) keys[i] = entry_key(due[i]);
    siphash_many(&shard->store->hash_key, keys, sizeof *keys, count, hashes);
    for (size_t i = 0; i < count; i++) {
        (void)table_walk_begin(&space->table, hashes[i]);
        memory_prefetch_free(due[i]);
    }
    for (size_t i = 0; i < count; i++) {
        struct entry *entry = due[i];
        era_meet(shard, space, entry);
        shard_tell_expired(shard, database, hashes[i], entry, ready);
        struct table_place place = table_place_of(&space->table, hashes[i], entry);
        shard_free_entry(shard, shard_unlink(space, hashes[i], place), garbage);
    }
}

/* The share in shard_expire() of one space's deadlines, or its local ones. */
static enum deadlines_outcome shard_expire_order(struct shard *shard, uint32_t database,
                                                 struct deadlines *order, int64_t now_ms,
                                                 size_t limit, struct garbage *garbage,
                                                 struct observed **ready, uint64_t *removed)
{
    if (order == NULL) return DEADLINES_DONE;
    for (;;) {
        struct entry *due[SHARD_EXPIRE_BATCH];
        size_t due_count;
        size_t batch = limit < SHARD_EXPIRE_BATCH ? limit : SHARD_EXPIRE_BATCH;
        enum deadlines_outcome outcome = deadlines_take(order, now_ms, batch, due, &due_count);
        struct entry *last = due_count > 0 ? due[due_count - 1] : NULL;
        bool has_fields = last != NULL && entry_has_timed_fields(last);
        if (has_fields && entry_deadline(last) > now_ms) due_count--;
        else has_fields = false;
        shard_remove_due(shard, database, due, due_count, garbage, ready);
        *removed += due_count;
        if (has_fields) {
            shard_remove_due_fields(shard, database, last, now_ms, garbage);
            if (outcome == DEADLINES_DONE) outcome = DEADLINES_MORE; /* look again */
        }
        limit -= batch;
        if (outcome != DEADLINES_MORE || limit == 0) return outcome;
    }
}

KV_INTERNAL enum deadlines_outcome shard_expire(struct shard *shard, enum store_expiry expiry,
                                                int64_t now_ms, size_t limit,
                                                struct garbage *garbage, struct observed **ready,
                                                uint64_t *removed)
{
    enum deadlines_outcome outcome = DEADLINES_DONE;
    if (shard_next_deadline(shard, expiry) > now_ms) return outcome;
    for (uint32_t i = 0; i < shard->store->databases && outcome == DEADLINES_DONE; i++) {
        struct space *space = shard_peek_space(shard, i);
        if (space == NULL) continue;
        outcome =
            shard_expire_order(shard, i, space->local, now_ms, limit, garbage, ready, removed);
        if (expiry == STORE_HIDES_EXPIRED || outcome != DEADLINES_DONE) continue;
        outcome =
            shard_expire_order(shard, i, space->deadlines, now_ms, limit, garbage, ready, removed);
    }
    shard_renew_deadline(shard);
    return outcome;
}

KV_INTERNAL bool shard_forget_local(struct shard *shard, size_t limit)
{
    if (shard_next_deadline(shard, STORE_HIDES_EXPIRED) == KV_NEVER) return true;
    for (uint32_t i = 0; i < shard->store->databases; i++) {
        struct space *space = shard_peek_space(shard, i);
        struct entry *entry;
        while (space != NULL && (entry = deadlines_any(space->local)) != NULL) {
            if (limit-- == 0) return false;
            if (shard_change_due(shard, space, entry, entry_due(entry), false) != KV_OK) break;
        }
    }
    shard_renew_deadline(shard);
    return true;
}

/* ------------------------------------------------------------------------------------- flushing */

/*
 * True if no database but this one has an entry in the shard's memory, and none waits there to be
 * freed.
 */
static bool shard_has_only(const struct shard *shard, uint32_t database)
{
    if (shard->flushed != NULL || shard->kept != NULL) return false;
    for (uint32_t i = 0; i < shard->store->databases; i++) {
        struct space *space = shard_peek_space(shard, i);
        if (i != database && space != NULL && space->table.count > 0) return false;
    }
    return true;
}

static void shard_leave_flushed(struct shard *shard, struct flushed *record)
{
    record->next = shard->flushed;
    shard->flushed = record;
    atomic_store_explicit(&shard->has_flushed, true, memory_order_relaxed);
}

KV_INTERNAL void shard_flush(struct shard *shard, uint32_t database, bool later,
                             struct flushed *record)
{
    struct space *space = shard_peek_space(shard, database);
    memset(record, 0, sizeof *record);
    if (space == NULL || space->table.count == 0) {
        alloc_free(&shard->store->alloc, record, sizeof *record);
        return;
    }
    if (space->outside == 0 && shard_has_only(shard, database)) {
        record->memory = shard->memory;
        record->owns_memory = true;
        memory_init(&shard->memory, &shard->store->pages);
    }
    shard->changes += space->table.count;
    if (later) record->keys = space->table.count;
    memcpy(&record->space, space, sizeof *space);
    table_detach(&space->table, &record->space.table);
    deadlines_destroy(space->deadlines);
    deadlines_destroy(space->local);
    space->deadlines = record->space.deadlines = NULL;
    space->local = record->space.local = NULL;
    space->outside = space->undated = 0;
    space->is_unsaved = space->is_frozen = false;
    record->space.is_unsaved &= shard->store->snapshot != NULL;
    record->space.is_frozen &= shard->store->frozen != NULL;
    record->next = shard->kept;
    shard->kept = record;
    shard_release_kept(shard);
    frozen_note_moved(shard);
    shard_renew_deadline(shard);
}

KV_INTERNAL void shard_release_kept(struct shard *shard)
{
    struct flushed **at = &shard->kept;
    while (*at != NULL) {
        struct flushed *record = *at;
        if (record->space.is_unsaved || record->space.is_frozen) {
            at = &record->next;
        } else {
            *at = record->next;
            shard_leave_flushed(shard, record);
        }
    }
}

struct shard_freeing {
    struct shard *shard;
    struct garbage *garbage;
};

static void shard_free_visited(void *context, void *item)
{
    struct shard_freeing *freeing = context;
    shard_free_entry(freeing->shard, item, freeing->garbage);
}

KV_INTERNAL bool shard_free_flushed(struct shard *shard, size_t limit, struct garbage *garbage)
{
    while (shard->flushed != NULL) {
        struct flushed *record = shard->flushed;
        struct shard_freeing freeing = {shard, garbage};
        /* With a memory of its own there is nothing to visit. A page holds some tens of keys. */
        table_visit *visit = record->owns_memory ? NULL : shard_free_visited;
        if (!table_drain(&record->space.table, &record->cursor, limit, visit, &freeing))
            return false;
        if (record->owns_memory && !memory_destroy_some(&record->memory, limit / 16 + 1))
            return false;
        shard->freed_later += record->keys;
        shard->flushed = record->next;
        alloc_free(&shard->store->alloc, record, sizeof *record);
    }
    atomic_store_explicit(&shard->has_flushed, false, memory_order_relaxed);
    return true;
}

static void shard_close_space(struct shard *shard, struct space *space, struct garbage *garbage)
{
    struct shard_freeing freeing = {shard, garbage};
    size_t cursor = 0;
    /* else all goes with the shard's memory */
    table_visit *visit = space->outside > 0 ? shard_free_visited : NULL;
    (void)table_drain(&space->table, &cursor, SIZE_MAX, visit, &freeing);
    deadlines_destroy(space->deadlines);
    deadlines_destroy(space->local);
}

KV_INTERNAL void shard_close(struct shard *shard)
{
    struct store *store = shard->store;
    struct garbage garbage = {0};
    shard_close_space(shard, &shard->first, &garbage);
    for (uint32_t i = 1; shard->spaces != NULL && i < store->databases; i++) {
        struct space *space = shard_peek_space(shard, i);
        if (space == NULL) continue;
        shard_close_space(shard, space, &garbage);
        alloc_free(&store->alloc, space, sizeof *space);
    }
    for (struct flushed *at = shard->kept; at != NULL; at = at->next)
        at->space.is_unsaved = at->space.is_frozen = false;
    shard_release_kept(shard);
    while (!shard_free_flushed(shard, SIZE_MAX / 2, &garbage)) {}
    garbage_free(&garbage, &store->alloc);
    observers_close(shard);
    alloc_free(&store->alloc, shard->spaces, (store->databases - 1) * sizeof *shard->spaces);
    memory_destroy(&shard->memory);
}

/* ------------------------------------------------------------------------------------- checking */

#if KV_DEBUG > 0
struct shard_counts {
    const struct space *space;
    uint64_t outside, undated, timed, local, unsaved, frozen;
    int64_t first_deadline_ms, first_local_ms;
};

static void shard_check_entry(void *context, void *item)
{
    struct shard_counts *counts = context;
    const struct entry *entry = item;
    counts->outside += value_is_outside(entry);
    counts->unsaved += era_is_old(counts->space, entry, ENTRY_SNAPSHOT_ERA);
    counts->frozen += era_is_old(counts->space, entry, ENTRY_FROZEN_ERA);
    counts->timed += entry_is_timed(entry) && !entry_is_local(entry);
    counts->local += entry_is_local(entry);
    counts->undated += entry_is_timed(entry) && entry_deadline(entry) == KV_NEVER;
    assert(!entry_is_local(entry) || entry_is_timed(entry));
    if (entry_due(entry) < counts->first_deadline_ms) counts->first_deadline_ms = entry_due(entry);
    if (entry_is_local(entry) && entry_due(entry) < counts->first_local_ms)
        counts->first_local_ms = entry_due(entry);
    int64_t fields_ms = value_next_deadline(entry);
    assert(fields_ms == 0 || entry_has_timed_fields(entry));
    assert(fields_ms == 0 || entry_due(entry) <= fields_ms);
    assert(entry_due(entry) <= entry_deadline(entry));
    value_check(entry);
}

KV_INTERNAL void shard_check(const struct shard *shard)
{
    for (uint32_t i = 0; i < shard->store->databases; i++) {
        struct space *space = shard_peek_space(shard, i);
        if (space == NULL) continue;
        struct shard_counts counts = {
            .space = space, .first_deadline_ms = KV_NEVER, .first_local_ms = KV_NEVER};
        table_check(&space->table);
        table_each(&space->table, shard_check_entry, &counts);
        assert(counts.outside == space->outside);
        assert(counts.undated == space->undated);
        assert(counts.unsaved == 0 || space->is_unsaved);
        assert(counts.frozen == 0 || space->is_frozen);
        if (space->deadlines != NULL) deadlines_check(space->deadlines);
        if (space->local != NULL) deadlines_check(space->local);
        assert(counts.timed == (space->deadlines != NULL ? space->deadlines->count : 0));
        assert(counts.local == (space->local != NULL ? space->local->count : 0));
        assert(shard_next_deadline(shard, STORE_EXPIRES) <= counts.first_deadline_ms);
        assert(shard_next_deadline(shard, STORE_HIDES_EXPIRED) <= counts.first_local_ms);
    }
    memory_check(&shard->memory);
}
#else
KV_INTERNAL KV_UNUSED void shard_check(const struct shard *shard)
{
    (void)shard;
}
#endif
