/*
 * api/api_keyspace.c -- whole databases: count, scan, pick at random, empty, swap.
 */
#include "base/bits.h"
#include "base/buffer.h"
#include "base/glob.h"
#include "base/number.h"
#include "keyspace/access.h"
#include "keyspace/flushing.h"
#include "keyspace/frozen.h"
#include "keyspace/reclaim.h"
#include "keyspace/waiting.h"

#define KEYSPACE_WORD(text) kv_bytes(text, sizeof(text) - 1)

static void keyspace_leave(kv *db, struct shard *shard)
{
    if (db->view->txn == NULL) lock_unlock(&shard->lock);
}

/*
 * Locks a shard for a call that visits many, unless the transaction has it: KV_NOTLOCKED if that
 * has only others. KV_LOST of a frozen view that is.
 */
static kv_status keyspace_enter(kv *db, struct shard *shard)
{
    struct txn *txn = db->view->txn;
    if (txn == NULL) lock_lock(&shard->lock);
    else if (!txn_holds(txn, shard)) return KV_NOTLOCKED;
    if (KV_LIKELY(db->view->frozen == NULL) || !frozen_is_lost(db->view->frozen)) return KV_OK;
    keyspace_leave(db, shard);
    return KV_LOST;
}

/* How many items of a shard, which is held, a random one is to be drawn from. */
static uint64_t keyspace_items(kv *db, const struct shard *shard)
{
    if (db->view->frozen != NULL) return frozen_items(db->view->frozen, shard, db->database);
    const struct space *space = shard_peek_space(shard, db->database);
    return space != NULL ? space->table.count : 0;
}

static kv_status keyspace_count_items(kv *db, uint64_t *count)
{
    struct store *store = db->view->store;
    *count = 0;
    for (uint32_t i = 0; i < store->shard_count; i++) {
        struct shard *shard = &store->shards[i];
        kv_status status = keyspace_enter(db, shard);
        if (status != KV_OK) return status;
        *count += keyspace_items(db, shard);
        keyspace_leave(db, shard);
    }
    return KV_OK;
}

kv_status kv_count(kv *db, uint64_t *count)
{
    if (db == NULL) return KV_BADARG;
    const struct frozen *frozen = db->view->frozen;
    uint64_t total;
    if (frozen != NULL && frozen_is_lost(frozen)) return KV_LOST;
    kv_status status = KV_OK;
    if (frozen != NULL) total = frozen->counts[db->database].keys;
    else status = keyspace_count_items(db, &total);
    if (status == KV_OK && count != NULL) *count = total;
    return status;
}

/* ----------------------------------------------------------------------------------------- scan */

/* What a scan looks for, and whom it tells. */
struct keyspace_scan {
    const kv_slice *match;
    kv_type type;
    int64_t now_ms; /* INT64_MIN: nothing expires */
    kv_visit *visit;
    void *context;
    bool is_ended; /* the visitor has had enough */
};

static struct keyspace_scan keyspace_scan_begin(kv *db, kv_visit *visit, void *context)
{
    bool expires = view_expiry(db->view) != STORE_EXPIRES_NEVER;
    struct keyspace_scan scan = {
        .now_ms = expires ? view_now(db->view) : INT64_MIN, .visit = visit, .context = context};
    return scan;
}

static bool keyspace_matches(const struct keyspace_scan *scan, const struct entry *entry)
{
    if (scan->type != KV_TYPE_NONE && entry_type(entry) != scan->type) return false;
    if (value_is_gone(entry, scan->now_ms)) return false;
    return scan->match == NULL || glob_match(*scan->match, entry_key(entry), false);
}

/* Shows an item, unless the visitor has had enough. */
static void keyspace_visit(void *context, void *item)
{
    struct keyspace_scan *scan = context;
    if (scan->is_ended || !keyspace_matches(scan, item)) return;
    scan->is_ended = !scan->visit(scan->context, entry_key(item));
}

/* Where a shard begins in the order of hashes; 0 after the last. */
static uint64_t keyspace_shard_position(const struct store *store, uint32_t index)
{
    return index == store->shard_count || store->shard_bits == 0
               ? 0
               : (uint64_t)index << (64 - store->shard_bits);
}

/*
 * Buckets are looked at until this many items were passed, matching or not; an empty bucket counts
 * for a little.
 */
static size_t keyspace_bucket_cost(uint64_t items)
{
    return items > 0 ? (size_t)items : 1;
}

struct keyspace_counting {
    struct keyspace_scan *scan;
    uint64_t items;
};

/*
 * Shows an item of a scan. A visitor that has had enough still sees the rest of the bucket, since
 * the cursor, which knows only buckets, moves on behind it. To stay before the bucket instead would
 * make a visitor that takes one key a call see the same one for ever.
 */
static void keyspace_scan_visit(void *context, void *item)
{
    struct keyspace_counting *counting = context;
    struct keyspace_scan *scan = counting->scan;
    counting->items++;
    if (!keyspace_matches(scan, item)) return;
    if (!scan->visit(scan->context, entry_key(item))) scan->is_ended = true;
}

/* One step of a scan in a shard, which is held: as table_scan(). */
static uint64_t keyspace_scan_some(kv *db, const struct shard *shard, uint64_t position,
                                   struct keyspace_counting *counting)
{
    if (db->view->frozen != NULL) {
        return frozen_scan(db->view->frozen, shard, db->database, position, keyspace_scan_visit,
                           counting);
    }
    const struct space *space = shard_peek_space(shard, db->database);
    return space != NULL ? table_scan(&space->table, position, keyspace_scan_visit, counting) : 0;
}

/*
 * A cursor is a place in the order of hashes with its bits reversed, as of those of a place only the
 * upper ones are not zero: so it is a small number while there are few keys, which clients need that
 * keep it in an int.
 */
static kv_status keyspace_scan(kv *db, uint64_t *cursor, size_t limit, struct keyspace_scan *scan)
{
    struct store *store = db->view->store;
    uint64_t position = bits_reverse(*cursor);
    size_t passed = 0;
    do {
        struct shard *shard = store_shard(store, position);
        kv_status status = keyspace_enter(db, shard);
        if (status != KV_OK) return status;
        uint64_t next;
        do {
            struct keyspace_counting counting = {scan, 0};
            next = keyspace_scan_some(db, shard, position, &counting);
            passed += keyspace_bucket_cost(counting.items);
            if (next == 0) break;
            position = next;
        } while (passed < limit && !scan->is_ended);
        if (next == 0) position = keyspace_shard_position(store, shard->index + 1);
        keyspace_leave(db, shard);
    } while (position != 0 && passed < limit && !scan->is_ended);
    *cursor = bits_reverse(position);
    return KV_OK;
}

kv_status kv_scan(kv *db, uint64_t *cursor, size_t limit, const kv_scan_options *options,
                  kv_visit *visit, void *context)
{
    if (db == NULL || cursor == NULL || visit == NULL || limit == 0) return KV_BADARG;
    kv_scan_options given = KV_OPTIONS(kv_scan_options);
    if (options != NULL) {
        if (options->size < sizeof options->size || options->size > sizeof given) return KV_BADARG;
        memcpy(&given, options, options->size);
    }
    struct keyspace_scan scan = keyspace_scan_begin(db, visit, context);
    scan.match = given.match;
    scan.type = given.type;
    return keyspace_scan(db, cursor, limit, &scan);
}

static void keyspace_visit_all(kv *db, const struct shard *shard, struct keyspace_scan *scan)
{
    if (db->view->frozen != NULL) {
        frozen_each(db->view->frozen, shard, db->database, keyspace_visit, scan);
        return;
    }
    const struct space *space = shard_peek_space(shard, db->database);
    if (space != NULL) table_each(&space->table, keyspace_visit, scan);
}

kv_status kv_keys(kv *db, kv_slice pattern, kv_visit *visit, void *context)
{
    if (db == NULL || visit == NULL) return KV_BADARG;
    struct store *store = db->view->store;
    struct keyspace_scan scan = keyspace_scan_begin(db, visit, context);
    bool is_any = pattern.size == 1 && *(const char *)pattern.data == '*';
    scan.match = is_any ? NULL : &pattern;
    for (uint32_t i = 0; i < store->shard_count && !scan.is_ended; i++) {
        struct shard *shard = &store->shards[i];
        kv_status status = keyspace_enter(db, shard);
        if (status != KV_OK) return status;
        keyspace_visit_all(db, shard, &scan);
        keyspace_leave(db, shard);
    }
    return KV_OK;
}

/*
 * The keys that one step of kv_delete_matching() found, one after another, and later where each of
 * them is.
 */
struct keyspace_found {
    struct alloc *alloc;
    void *bytes;
    void *keys; /* kv_slices */
    size_t byte_size, byte_capacity;
    size_t count, key_capacity; /* the capacity in bytes */
    bool is_full;               /* memory ran out */
};

/* The least that such a block begins with. */
#define KEYSPACE_FOUND_SIZE 256

/* Makes a block large enough for `size` bytes. False without memory. */
static bool keyspace_make_room(struct alloc *alloc, void **block, size_t *capacity, size_t size)
{
    if (size <= *capacity) return true;
    size_t grown = *capacity < KEYSPACE_FOUND_SIZE / 2 ? KEYSPACE_FOUND_SIZE : *capacity * 2;
    if (grown < size) grown = size;
    void *moved = alloc_resize(alloc, *block, *capacity, grown);
    if (moved == NULL) return false;
    *block = moved;
    *capacity = grown;
    return true;
}

static bool keyspace_collect(void *context, kv_slice key)
{
    struct keyspace_found *found = context;
    if (found->is_full) return false;
    found->is_full = !keyspace_make_room(found->alloc, &found->keys, &found->key_capacity,
                                         (found->count + 1) * sizeof key) ||
                     !keyspace_make_room(found->alloc, &found->bytes, &found->byte_capacity,
                                         found->byte_size + key.size);
    if (found->is_full) return false;
    if (key.size > 0) memcpy((char *)found->bytes + found->byte_size, key.data, key.size);
    found->byte_size += key.size;
    ((kv_slice *)found->keys)[found->count++].size = key.size; /* the bytes may still move */
    return true;
}

static void keyspace_found_free(struct keyspace_found *found)
{
    alloc_free(found->alloc, found->bytes, found->byte_capacity);
    alloc_free(found->alloc, found->keys, found->key_capacity);
}

/*
 * Removes the keys that were found a moment ago, all of them that are still there or, without
 * memory, none.
 */
static kv_status keyspace_delete_found(kv *db, struct keyspace_found *found, uint64_t *removed)
{
    kv_slice *keys = found->keys;
    const char *at = found->bytes;
    if (found->is_full) return KV_NOMEM;
    for (size_t i = 0; i < found->count; i++) {
        keys[i].data = at;
        if (keys[i].size > 0) at += keys[i].size;
    }
    return kv_unlink(db, keys, found->count, removed);
}

kv_status kv_delete_matching(kv *db, kv_slice pattern, uint64_t *cursor, size_t limit,
                             uint64_t *removed)
{
    if (db == NULL || cursor == NULL || limit == 0) return KV_BADARG;
    struct keyspace_found found = {.alloc = &db->view->store->alloc};
    struct keyspace_scan scan = keyspace_scan_begin(db, keyspace_collect, &found);
    scan.match = &pattern;
    uint64_t next = *cursor, total = 0;
    kv_status status = keyspace_scan(db, &next, limit, &scan);
    if (status == KV_OK) status = keyspace_delete_found(db, &found, &total);
    keyspace_found_free(&found);
    if (status != KV_OK) return status;
    *cursor = next;
    if (removed != NULL) *removed = total;
    return KV_OK;
}

/* ------------------------------------------------------------------------------------ randomkey */

/* Draws of an expired key before the search settles for a walk. */
#define KEYSPACE_RANDOM_TRIES 64

/* An item of a shard, which is held and has some; NULL: one that a frozen view does not show. */
static const struct entry *keyspace_draw_item(kv *db, struct shard *shard)
{
    if (db->view->frozen != NULL) return frozen_draw(db->view->frozen, shard, db->database);
    return table_random(&shard_peek_space(shard, db->database)->table, &shard->random);
}

/*
 * Copies a random live key of the shard in which the `nth` item of the database lies. KV_NONE: that
 * one is not there.
 */
static kv_status keyspace_draw(kv *db, uint64_t nth, int64_t now_ms, kv_buffer *key)
{
    struct store *store = db->view->store;
    for (uint32_t i = 0; i < store->shard_count; i++) {
        struct shard *shard = &store->shards[i];
        kv_status status = keyspace_enter(db, shard);
        if (status != KV_OK) return status;
        uint64_t count = keyspace_items(db, shard);
        if (nth >= count) {
            nth -= count;
            keyspace_leave(db, shard);
            continue;
        }
        const struct entry *entry = keyspace_draw_item(db, shard);
        if (entry == NULL || value_is_gone(entry, now_ms)) status = KV_NONE;
        else if (key != NULL) status = buffer_set(key, entry_key(entry));
        keyspace_leave(db, shard);
        return status;
    }
    return KV_NONE; /* keys went while we were looking */
}

struct keyspace_first {
    kv_buffer *key;
    kv_status status;
};

static bool keyspace_take_first(void *context, kv_slice key)
{
    struct keyspace_first *first = context;
    first->status = first->key != NULL ? buffer_set(first->key, key) : KV_OK;
    return false;
}

kv_status kv_randomkey(kv *db, kv_buffer *key)
{
    if (db == NULL) return KV_BADARG;
    struct keyspace_scan scan = keyspace_scan_begin(db, NULL, NULL);
    struct random random;
    random_seed_from_system(&random);
    for (int i = 0; i < KEYSPACE_RANDOM_TRIES; i++) {
        uint64_t total = 0;
        kv_status status = keyspace_count_items(db, &total);
        if (status != KV_OK) return status;
        if (total == 0) return KV_NONE;
        status = keyspace_draw(db, random_below(&random, total), scan.now_ms, key);
        if (status != KV_NONE) return status;
    }
    struct keyspace_first first = {key, KV_NONE};
    kv_status status = kv_keys(db, KEYSPACE_WORD("*"), keyspace_take_first, &first);
    return status != KV_OK ? status : first.status;
}

/* ------------------------------------------------------------------------------- flush and swap */

/* Empties the databases from `first` to `last`; the caller's span holds every shard. */
static kv_status keyspace_flush_held(struct span *span, uint32_t first, uint32_t last, bool later,
                                     kv_slice command)
{
    struct store *store = span->db.view->store;
    struct flushed *records;
    kv_status status = flushing_prepare(store, first, last, &records);
    if (status != KV_OK) return status;
    status = span_reserve_journal(span, 1, 1, command.size);
    if (status == KV_OK) status = span_save_all(span, first, last);
    if (status != KV_OK) {
        flushing_cancel(store, records);
        return status;
    }
    for (uint32_t i = 0; i < store->shard_count; i++) {
        for (uint32_t d = first; d <= last; d++) observers_touch_all(&store->shards[i], d, d);
    }
    if (span->db.view->txn->undo != NULL) {
        span_remove_saved(span, first, last);
        flushing_cancel(store, records);
    } else {
        flushing_commit(store, first, last, later, records);
    }
    for (uint32_t i = 0; i < store->shard_count; i++) { /* some wait for what is gone now */
        for (uint32_t d = first; d <= last; d++)
            waiting_note_all(&store->shards[i], d, &span->db.view->txn->ready);
    }
    if (journal_is_read(store)) {
        journal_write(store, span->db.view->txn, first, KV_CAUSE_CALL, &command, 1);
    }
    return KV_OK;
}

static kv_status keyspace_flush(kv *db, uint32_t first, uint32_t last, bool later, kv_slice command)
{
    struct store *store = db->view->store;
    if (!view_accepts_writes(db->view)) return KV_READONLY;
    if (db->view->txn != NULL && !txn_holds_all(db->view->txn)) return KV_NOTLOCKED;
    struct span span;
    span_begin(&span, db, NULL, 0, KV_TXN_ALL);
    kv_status status = keyspace_flush_held(&span, first, last, later, command);
    span_end(&span);
    if (status == KV_OK && !later && db->view->txn == NULL) {
        struct budget endless = {&store->clock, 0};
        (void)reclaim_flushed(store, &endless);
    }
    return status;
}

kv_status kv_flush(kv *db, bool later)
{
    if (db == NULL) return KV_BADARG;
    return keyspace_flush(db, db->database, db->database, later, KEYSPACE_WORD("FLUSHDB"));
}

kv_status kv_flush_all(kv *db, bool later)
{
    if (db == NULL) return KV_BADARG;
    return keyspace_flush(db, 0, db->view->store->databases - 1, later, KEYSPACE_WORD("FLUSHALL"));
}

/* Makes sure that two databases have a space in every shard. */
static kv_status keyspace_open_spaces(struct store *store, uint32_t first, uint32_t second)
{
    for (uint32_t i = 0; i < store->shard_count; i++) {
        struct shard *shard = &store->shards[i];
        if (shard_space(shard, first) == NULL || shard_space(shard, second) == NULL)
            return KV_NOMEM;
    }
    return KV_OK;
}

static void keyspace_swap_shard(struct shard *shard, uint32_t first, uint32_t second,
                                struct observed **ready)
{
    observers_touch_all(shard, first, second);
    observers_touch_all(shard, second, first);
    shard_swap(shard, first, second);
    waiting_note_all(shard, first, ready);
    waiting_note_all(shard, second, ready);
}

kv_status kv_swapdb(kv *db, kv *other)
{
    if (db == NULL || other == NULL || db->view->store != other->view->store) return KV_BADARG;
    struct store *store = db->view->store;
    if (!view_accepts_writes(db->view) || other->view->frozen != NULL) return KV_READONLY;
    if (db->view->txn != NULL && !txn_holds_all(db->view->txn)) return KV_NOTLOCKED;
    if (db->view->txn != NULL && db->view->txn->undo != NULL) return KV_BADARG;
    char numbers[2][NUMBER_INT64_SIZE];
    kv_slice arguments[3] = {KEYSPACE_WORD("SWAPDB"),
                             {numbers[0], number_format_uint64(numbers[0], db->database)},
                             {numbers[1], number_format_uint64(numbers[1], other->database)}};
    struct span span;
    span_begin(&span, db, NULL, 0, KV_TXN_ALL);
    kv_status status = span_reserve_journal(&span, 1, 3, 6 + sizeof numbers);
    if (status == KV_OK) status = keyspace_open_spaces(store, db->database, other->database);
    if (status == KV_OK && db->database != other->database) {
        struct txn *txn = span.db.view->txn;
        for (uint32_t i = 0; i < store->shard_count; i++) {
            keyspace_swap_shard(&store->shards[i], db->database, other->database, &txn->ready);
            store->shards[i].changes += i == 0;
        }
        if (journal_is_read(store))
            journal_write(store, txn, db->database, KV_CAUSE_CALL, arguments, 3);
    }
    span_end(&span);
    return status;
}
