/*
 * keyspace/transaction.c -- see transaction.h.
 */
#include "keyspace/transaction.h"

#include "base/bits.h"
#include "keyspace/era.h"
#include "keyspace/events.h"
#include "keyspace/snapshot.h"
#include "keyspace/value.h"
#include "keyspace/waiting.h"

KV_INTERNAL void txn_lock(struct txn *txn)
{
    struct store *store = txn->store;
    snapshot_make_room(store, 0);
    for (uint32_t word = 0; word * 64 < store->shard_count; word++) {
        for (uint64_t bits = txn->locked[word]; bits != 0; bits &= bits - 1) {
            lock_lock(&store->shards[word * 64 + bits_lowest(bits)].lock);
        }
    }
}

KV_INTERNAL void txn_hold_some_shard(struct txn *txn)
{
    for (uint32_t word = 0; word * 64 < txn->store->shard_count; word++) {
        if (txn->locked[word] != 0) return;
    }
    txn->locked[0] = 1;
    txn_lock(txn);
}

static void txn_unlock(struct txn *txn)
{
    struct store *store = txn->store;
    for (uint32_t word = 0; word * 64 < store->shard_count; word++) {
        for (uint64_t bits = txn->locked[word]; bits != 0; bits &= bits - 1) {
            lock_unlock(&store->shards[word * 64 + bits_lowest(bits)].lock);
        }
    }
}

/*
 * What a transaction keeps of a key when first written: a copy of its entry, or that it was absent.
 * To put everything back may need no memory, so while an abortable transaction is open the tables
 * it writes to do not shrink: every saved entry then finds its old room again.
 */
struct undo_record {
    uint64_t hash;
    struct shard *shard;
    uint32_t database;
    kv_slice key;        /* of the copy; or the bytes follow the record */
    struct entry *entry; /* the copy, a block of the shard's memory; NULL: the key was
                                   absent */
    struct undo_record *next;
};

struct undo {
    struct table table; /* of records, by key */
    struct undo_record *first;
};

static uint64_t undo_hash(const void *item, const void *context)
{
    (void)context;
    return ((const struct undo_record *)item)->hash;
}

static const struct table_kind undo_table_kind = {undo_hash};

struct undo_sought {
    uint32_t database;
    kv_slice key;
};

static bool undo_match(const void *item, const void *sought)
{
    const struct undo_record *record = item;
    const struct undo_sought *key = sought;
    return record->database == key->database && slice_equal(record->key, key->key);
}

static void txn_note_shard(struct txn *txn, uint64_t hash)
{
    uint32_t index = store_shard_index(txn->store, hash);
    txn->locked[index / 64] |= UINT64_C(1) << (index % 64);
}

KV_INTERNAL void txn_prepare(struct txn *txn, struct store *store, const kv_slice *keys,
                             size_t count, unsigned flags)
{
    txn->store = store;
    txn->flags = flags;
    /* of 1024 bits mostly one word */
    for (uint32_t word = 0; word * 64 < store->shard_count; word++) txn->locked[word] = 0;
    txn->journal = (struct journal_group){0};
    txn->garbage = (struct garbage){0};
    txn->ready = NULL;
    txn->shadows = NULL;
    txn->undo = NULL;
    txn->events = NULL;
    txn->event_count = txn->event_capacity = 0;
    if ((flags & KV_TXN_ALL) != 0) {
        for (uint32_t i = 0; i < store->shard_count; i++)
            txn->locked[i / 64] |= UINT64_C(1) << (i % 64);
    } else {
        for (size_t i = 0; i < count; i++) txn_note_shard(txn, store_hash(store, keys[i]));
    }
}

KV_INTERNAL kv_status txn_make_abortable(struct txn *txn)
{
    struct alloc *alloc = &txn->store->alloc;
    struct undo *undo = alloc_get(alloc, sizeof *undo);
    if (undo == NULL) return KV_NOMEM;
    memset(undo, 0, sizeof *undo);
    table_init(&undo->table, alloc, NULL, &undo_table_kind, NULL, 0, 255);
    txn->undo = undo;
    return KV_OK;
}

KV_INTERNAL struct entry *txn_copy_entry(struct shard *shard, const struct entry *entry)
{
    struct entry_shape shape;
    entry_read(entry, &shape);
    if (value_copy(entry, shard->store, &shard->memory, &shape) != KV_OK) return NULL;
    entry_shape_settle(&shape);
    struct entry *copy = memory_get(&shard->memory, entry_shape_size(&shape));
    if (copy != NULL) {
        entry_write(copy, &shape);
    } else {
        struct garbage garbage = {0};
        value_discard_shape(&shape, &shard->memory, &garbage);
        garbage_free(&garbage, &shard->store->alloc);
    }
    return copy;
}

KV_INTERNAL kv_status txn_save(struct txn *txn, struct shard *shard, uint32_t database,
                               uint64_t hash, kv_slice key)
{
    if (txn->undo == NULL) return KV_OK;
    struct undo *undo = txn->undo;
    struct undo_sought sought = {database, key};
    if (table_find(&undo->table, hash, undo_match, &sought).bucket != NULL) return KV_OK;
    struct alloc *alloc = &txn->store->alloc;
    struct space *space = shard_space(shard, database);
    if (space == NULL || table_reserve(&undo->table, hash) != KV_OK) return KV_NOMEM;
    struct undo_record *record = alloc_get(alloc, sizeof *record + key.size);
    if (record == NULL) return KV_NOMEM;
    *record = (struct undo_record){.hash = hash, .shard = shard, .database = database};
    if (key.size > 0) memcpy(record + 1, key.data, key.size);
    record->key = (kv_slice){record + 1, key.size};
    struct table_place place = shard_find(space, hash, key);
    if (place.bucket != NULL) {
        record->entry = txn_copy_entry(shard, table_item(place));
        if (record->entry == NULL) {
            alloc_free(alloc, record, sizeof *record + key.size);
            return KV_NOMEM;
        }
    }
    (void)table_insert(&undo->table, hash, record);
    record->next = undo->first;
    undo->first = record;
    space->table.holds++;
    return KV_OK;
}

/* As many as a call makes for one of its keys, and more. */
#define TXN_EVENTS_OF_KEY 8

KV_INTERNAL kv_status txn_reserve_events(struct txn *txn, size_t keys)
{
    if (txn->undo == NULL || !events_are_wanted(txn->store, EVENTS_CLASSES)) return KV_OK;
    if (keys > (SIZE_MAX / 4 - txn->event_count) / TXN_EVENTS_OF_KEY) return KV_NOMEM;
    size_t wanted = txn->event_count + keys * TXN_EVENTS_OF_KEY;
    if (wanted <= txn->event_capacity) return KV_OK;
    wanted *= 2;
    if (wanted > SIZE_MAX / sizeof *txn->events) return KV_NOMEM;
    struct txn_event *events =
        alloc_resize(&txn->store->alloc, txn->events, txn->event_capacity * sizeof *events,
                     wanted * sizeof *events);
    if (events == NULL) return KV_NOMEM;
    txn->events = events;
    txn->event_capacity = wanted;
    return KV_OK;
}

KV_INTERNAL void txn_keep_event(struct txn *txn, uint32_t database, uint64_t hash, kv_slice key,
                                const char *name)
{
    struct undo_sought sought = {database, key};
    struct table_place place = table_find(&txn->undo->table, hash, undo_match, &sought);
    assert(place.bucket != NULL);
    /* There is no room only if events were not wanted yet when it was reserved. */
    if (txn->event_count == txn->event_capacity) return;
    const struct undo_record *record = table_item(place);
    txn->events[txn->event_count++] = (struct txn_event){name, database, record->key};
}

static void txn_publish_events(struct txn *txn)
{
    for (size_t i = 0; i < txn->event_count; i++) {
        const struct txn_event *event = &txn->events[i];
        events_publish(txn->store, event->database, event->name, event->key);
    }
    alloc_free(&txn->store->alloc, txn->events, txn->event_capacity * sizeof *txn->events);
}

/*
 * Puts a saved entry back into the table and the order of deadlines. There is room for both, as
 * there was before.
 */
static void txn_restore(struct undo_record *record)
{
    struct shard *shard = record->shard;
    struct space *space = shard_peek_space(shard, record->database);
    struct entry *entry = record->entry;
    kv_status status = table_reserve(&space->table, record->hash);
    assert(status == KV_OK);
    (void)status;
    if (entry_is_timed(entry)) {
        struct deadlines *order = space_order(space, entry);
        status = deadlines_reserve(order);
        assert(status == KV_OK);
        uint64_t id = deadlines_add(order, entry, entry_due(entry));
        entry_set_due(entry, entry_due(entry), id);
    }
    entry_set_eras(entry, space->eras);
    (void)table_insert(&space->table, record->hash, entry);
    space_count(space, entry, 1);
    record->entry = NULL;
    shard_renew_deadline(shard);
}

/* Frees an entry that is in no table, and its value. */
static void txn_free_entry(struct shard *shard, struct entry *entry, struct garbage *garbage)
{
    size_t size = entry_size(entry);
    value_discard(entry, &shard->memory, garbage);
    memory_free(&shard->memory, entry, size);
}

KV_INTERNAL void txn_free_shadows(struct shadow *shadow, struct garbage *garbage)
{
    while (shadow != NULL) {
        struct shadow *next = shadow->next;
        txn_free_entry(shadow->shard, shadow->entry, garbage);
        alloc_free(&shadow->shard->store->alloc, shadow, sizeof *shadow);
        shadow = next;
    }
}

/* Forgets all that was saved; the copies that are left go. */
static void txn_end_undo(struct txn *txn)
{
    struct undo *undo = txn->undo;
    if (undo == NULL) return;
    struct alloc *alloc = &txn->store->alloc;
    while (undo->first != NULL) {
        struct undo_record *record = undo->first;
        undo->first = record->next;
        if (record->entry != NULL) txn_free_entry(record->shard, record->entry, &txn->garbage);
        table_release(&shard_peek_space(record->shard, record->database)->table, record->hash);
        alloc_free(alloc, record, sizeof *record + record->key.size);
    }
    table_clear(&undo->table);
    alloc_free(alloc, undo, sizeof *undo);
    txn->undo = NULL;
}

static struct observed *txn_end(struct txn *txn)
{
    struct store *store = txn->store;
    if (txn->events != NULL) txn_publish_events(txn);
    txn_end_undo(txn);
    txn_free_shadows(txn->shadows, &txn->garbage);
    if (txn->journal.change_count > 0) journal_group_deliver(&txn->journal, store);
    txn_unlock(txn);
    journal_group_free(&txn->journal, &store->alloc);
    garbage_free(&txn->garbage, &store->alloc);
    return txn->ready;
}

KV_INTERNAL void txn_commit(struct txn *txn)
{
    struct observed *ready = txn_end(txn);
    if (ready != NULL) waiting_serve(txn->store, ready);
}

static void txn_remove_saved(struct txn *txn, uint32_t first, uint32_t last)
{
    for (struct undo_record *record = txn->undo->first; record != NULL; record = record->next) {
        if (record->database < first || record->database > last) continue;
        struct space *space = shard_peek_space(record->shard, record->database);
        struct table_place place = shard_find(space, record->hash, record->key);
        if (place.bucket == NULL) continue;
        era_meet(record->shard, space, table_item(place));
        shard_remove(record->shard, space, record->hash, place, &txn->garbage);
    }
}

KV_INTERNAL void txn_abort(struct txn *txn)
{
    /*
     * First all that is there now goes, then all that was there comes: so at no time is there more
     * than there was.
     */
    txn_remove_saved(txn, 0, UINT32_MAX);
    for (struct undo_record *record = txn->undo->first; record != NULL; record = record->next) {
        if (record->entry != NULL) txn_restore(record);
    }
    journal_group_deliver_messages(&txn->journal, txn->store);
    txn->event_count = 0;
    txn_commit(txn);
}

/* Takes the locks of a span that is not nested and makes its view. */
static void span_lock(struct span *span, kv *db)
{
    txn_lock(&span->txn);
    span->view = *db->view;
    view_enter(&span->view, &span->txn);
    span->db = (kv){&span->view, db->database};
}

KV_INTERNAL void span_begin(struct span *span, kv *db, const kv_slice *keys, size_t count,
                            unsigned flags)
{
    span->is_nested = db->view->txn != NULL;
    span->holds_time = false;
    if (span->is_nested) {
        span->db = *db;
        return;
    }
    txn_prepare(&span->txn, db->view->store, keys, count, flags);
    span_lock(span, db);
}

KV_INTERNAL void span_begin_hashed(struct span *span, kv *db, const uint64_t *hashes, size_t count)
{
    span->is_nested = db->view->txn != NULL;
    span->holds_time = false;
    if (span->is_nested) {
        span->db = *db;
        return;
    }
    txn_prepare(&span->txn, db->view->store, NULL, 0, 0);
    if (span->txn.store->shard_count <= 64) {
        uint64_t bits = 0; /* in a register */
        for (size_t i = 0; i < count; i++) {
            uint32_t index = store_shard_index(span->txn.store, hashes[i]);
            KV_PREFETCH_WRITE(&span->txn.store->shards[index]);
            bits |= UINT64_C(1) << index;
        }
        span->txn.locked[0] = bits;
    } else {
        for (size_t i = 0; i < count; i++) txn_note_shard(&span->txn, hashes[i]);
    }
    span_lock(span, db);
}

KV_INTERNAL void span_hold_time(struct span *span)
{
    struct view *view = span->db.view; /* one thread's: the span's own, or its transaction's */
    if ((view->flags & VIEW_PINNED) != 0) return;
    view->now_ms = view_now(view);
    view->flags |= VIEW_PINNED;
    span->holds_time = true;
}

KV_INTERNAL void span_end(struct span *span)
{
    if (span->holds_time) span->db.view->flags &= ~VIEW_PINNED;
    if (!span->is_nested) txn_commit(&span->txn);
}

KV_INTERNAL struct observed *span_end_unserved(struct span *span)
{
    assert(!span->is_nested);
    return txn_end(&span->txn);
}

KV_INTERNAL kv_status span_reserve_journal(struct span *span, size_t changes, size_t arguments,
                                           size_t bytes)
{
    struct txn *txn = span->db.view->txn;
    if (!journal_is_read(txn->store)) return KV_OK;
    return journal_group_reserve(&txn->journal, &txn->store->alloc, changes, arguments, bytes);
}

KV_INTERNAL kv_status span_prepare_write(struct span *span, const kv_slice *keys, size_t count,
                                         size_t arguments, size_t bytes)
{
    struct txn *txn = span->db.view->txn;
    size_t total = count * bytes;
    for (size_t i = 0; i < count; i++) total += keys[i].size;
    kv_status status = span_reserve_journal(span, count, count * arguments, total);
    for (size_t i = 0; span->is_nested && i < count && status == KV_OK; i++) {
        uint64_t hash = store_hash(txn->store, keys[i]);
        struct shard *shard = store_shard(txn->store, hash);
        if (!txn_holds(txn, shard)) return KV_NOTLOCKED;
        status = txn_save(txn, shard, span->db.database, hash, keys[i]);
    }
    return status == KV_OK ? txn_reserve_events(txn, count) : status;
}

struct span_saving {
    struct txn *txn;
    struct shard *shard;
    uint32_t database;
    kv_status status;
};

static void span_save_visited(void *context, void *item)
{
    struct span_saving *saving = context;
    if (saving->status != KV_OK) return;
    kv_slice key = entry_key(item);
    uint64_t hash = store_hash(saving->txn->store, key);
    saving->status = txn_save(saving->txn, saving->shard, saving->database, hash, key);
}

KV_INTERNAL kv_status span_save_all(struct span *span, uint32_t first, uint32_t last)
{
    struct txn *txn = span->db.view->txn;
    if (txn->undo == NULL) return KV_OK;
    for (uint32_t i = 0; i < txn->store->shard_count; i++) {
        struct shard *shard = &txn->store->shards[i];
        for (uint32_t d = first; d <= last; d++) {
            struct space *space = shard_peek_space(shard, d);
            struct span_saving saving = {txn, shard, d, KV_OK};
            if (space != NULL) table_each(&space->table, span_save_visited, &saving);
            if (saving.status != KV_OK) return saving.status;
        }
    }
    return KV_OK;
}

KV_INTERNAL void span_remove_saved(struct span *span, uint32_t first, uint32_t last)
{
    txn_remove_saved(span->db.view->txn, first, last);
}
