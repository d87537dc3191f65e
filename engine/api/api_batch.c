/*
 * api/api_batch.c -- many keys in one call: kv_mget(), kv_mset(), kv_msetnx(), kv_batch().
 *
 * A cache miss costs as much as everything else a lookup does, and ten of them at a time cost
 * little more than one. So a call hashes all keys, locks their shards, each once and in order, and
 * then goes through the keys in passes: one fetches the buckets, one looks into them and fetches
 * the entries, one finds the entries and fetches the ends of the values, and only the last uses
 * them.
 *
 * Rejected: to fetch the first buckets while the keys are hashed, before the locks are taken (as
 * kv_prefetch() does). The locks' own cache lines then queue behind the buckets', and all of it
 * takes longer.
 */
#include "base/alloc.h"
#include "base/number.h"
#include "keyspace/access.h"
#include "keyspace/frozen.h"

#define BATCH_WORD(text) kv_bytes(text, sizeof(text) - 1)

/*
 * Keys that are fetched together; so many need no memory. More would leave the nearest cache before
 * they are used.
 */
#define BATCH_CHUNK 64

/* A span over many keys, and their hashes. */
struct batch {
    struct span span;
    struct store *store;
    size_t count;
    uint64_t *hashes; /* those below, or a block */
    uint64_t few[BATCH_CHUNK];
};

/* Finds room for the hashes, which batch_hash() fills in. KV_OK or KV_NOMEM. */
static kv_status batch_open(struct batch *batch, kv *db, size_t count)
{
    batch->store = db->view->store;
    batch->count = count;
    batch->hashes = batch->few;
    if (count > BATCH_CHUNK)
        batch->hashes = alloc_get_array(&batch->store->alloc, count, sizeof *batch->hashes);
    return batch->hashes != NULL ? KV_OK : KV_NOMEM;
}

/*
 * Hashes the keys, the first of which lies at `keys` and each other `stride` bytes further.
 */
static void batch_hash(struct batch *batch, const void *keys, size_t stride)
{
    siphash_many(&batch->store->hash_key, keys, stride, batch->count, batch->hashes);
}

static void batch_close(struct batch *batch)
{
    if (batch->hashes != batch->few) {
        alloc_free(&batch->store->alloc, batch->hashes, batch->count * sizeof *batch->hashes);
    }
}

static bool batch_holds(const struct batch *batch, size_t index)
{
    return txn_holds(batch->span.db.view->txn, store_shard(batch->store, batch->hashes[index]));
}

/* In the caller's transaction: does it hold the shards of all keys? */
static bool batch_holds_all(const struct batch *batch)
{
    if (!batch->span.is_nested) return true;
    for (size_t i = 0; i < batch->count; i++) {
        if (!batch_holds(batch, i)) return false;
    }
    return true;
}

/* Hashes the keys and locks their shards. KV_OK, KV_NOMEM, KV_NOTLOCKED; then nothing is held. */
static kv_status batch_begin(struct batch *batch, kv *db, const kv_slice *keys, size_t count)
{
    kv_status status = batch_open(batch, db, count);
    if (status != KV_OK) return status;
    batch_hash(batch, keys, sizeof *keys);
    span_begin_hashed(&batch->span, db, batch->hashes, count);
    if (batch_holds_all(batch)) return KV_OK;
    batch_close(batch);
    return KV_NOTLOCKED;
}

/* Makes all calls of the span see one instant, read once. */
static void batch_pin(struct batch *batch)
{
    struct view *view = batch->span.db.view;
    if ((view->flags & VIEW_PINNED) != 0 || batch->span.is_nested) return;
    view->now_ms = view_now(view);
    view->flags |= VIEW_PINNED;
}

static void batch_end(struct batch *batch)
{
    span_end(&batch->span);
    batch_close(batch);
}

static inline struct space *batch_space(const struct batch *batch, size_t index)
{
    return shard_peek_space(store_shard(batch->store, batch->hashes[index]),
                            batch->span.db.database);
}

/* The keys of a chunk whose search goes on to another bucket than their own. */
struct batch_going {
    size_t count;
    uint8_t index[BATCH_CHUNK];
};

/* Goes on with them, all at once. */
static KV_NOINLINE void batch_prefetch_further(const struct batch *batch, size_t first,
                                               struct batch_going *going,
                                               struct entry *items[BATCH_CHUNK])
{
    struct table_walk walks[BATCH_CHUNK];
    const uint64_t *hashes = batch->hashes + first;
    for (size_t j = 0; j < going->count; j++) {
        uint8_t i = going->index[j];
        walks[i] = table_walk_begin(&batch_space(batch, first + i)->table, hashes[i]);
    }
    while (going->count > 0) {
        size_t left = 0;
        for (size_t j = 0; j < going->count; j++) {
            uint8_t i = going->index[j];
            items[i] = table_walk_step(&walks[i], hashes[i]);
            if (walks[i].entry != 0) going->index[left++] = i;
        }
        going->count = left;
    }
}

/*
 * Fetches the buckets of a chunk, then what they point to: items[i] receives the entry of the
 * chunk's key i, or another with the same tag, or NULL. Returns the chunk's end.
 */
static size_t batch_prefetch(const struct batch *batch, size_t first,
                             struct entry *items[BATCH_CHUNK])
{
    const struct table_bucket *buckets[BATCH_CHUNK];
    struct batch_going going;
    size_t count = batch->count - first < BATCH_CHUNK ? batch->count - first : BATCH_CHUNK;
    const uint64_t *hashes = batch->hashes + first;
    const struct store *store = batch->store;
    uint32_t database = batch->span.db.database;
    for (size_t i = 0; i < count; i++) {
        const struct space *space = shard_peek_space(store_shard(store, hashes[i]), database);
        buckets[i] = KV_LIKELY(space != NULL) ? table_bucket_of(&space->table, hashes[i]) : NULL;
        KV_PREFETCH(buckets[i]);
    }
    going.count = 0;
    for (size_t i = 0; i < count; i++) {
        items[i] = NULL;
        if (KV_UNLIKELY(buckets[i] == NULL)) continue;
        items[i] = table_bucket_prefetch(buckets[i], hashes[i]);
        if (KV_UNLIKELY(items[i] == NULL && buckets[i]->overflow != 0))
            going.index[going.count++] = (uint8_t)i;
    }
    if (going.count > 0) batch_prefetch_further(batch, first, &going, items);
    return first + count;
}

/* ----------------------------------------------------------------------------------------- MGET */

/* What all keys of a kv_mget() have in common, and what was found of a chunk. */
struct batch_reading {
    int64_t now_ms; /* read when the first key with a deadline is met; -1 before */
    uint32_t clock;
    bool touches;
    bool has_expired; /* one that was found is to be dropped */
    uint64_t hits;
    struct entry *found[BATCH_CHUNK]; /* by batch_prefetch(), then by batch_find() */
    kv_slice texts[BATCH_CHUNK];      /* of those whose value is inline; of others data is NULL */
};

static void batch_read_begin(struct batch_reading *reading, const struct batch *batch)
{
    const struct view *view = batch->span.db.view;
    reading->now_ms = -1;
    reading->touches = (view->flags & VIEW_UNTOUCHING) == 0;
    reading->clock = view_seconds(view);
    reading->has_expired = false;
    reading->hits = 0;
}

/* All are counted in the shard of the first key, which is locked; only their sum is ever told. */
static void batch_read_end(const struct batch_reading *reading, const struct batch *batch,
                           size_t seen)
{
    if (seen == 0) return;
    struct shard *shard = store_shard(batch->store, batch->hashes[0]);
    shard->hits += reading->hits;
    shard->misses += seen - reading->hits;
}

static KV_NOINLINE bool batch_is_expired(struct batch_reading *reading, const struct batch *batch,
                                         const struct entry *entry)
{
    if (view_expiry(batch->span.db.view) == STORE_EXPIRES_NEVER) return false;
    if (reading->now_ms < 0) reading->now_ms = view_now(batch->span.db.view);
    if (!value_is_gone(entry, reading->now_ms)) return false;
    reading->has_expired = true;
    return true;
}

/* The text of an inline value, whose end is fetched: two lines of its entry were already. */
static inline kv_slice batch_peek(const struct entry *entry)
{
    if (KV_LIKELY(entry_form(entry) == ENTRY_INLINE)) {
        kv_slice text = entry_text(entry);
        KV_PREFETCH((const char *)text.data + text.size);
        return text;
    }
    if (entry_form(entry) == ENTRY_BLOB) KV_PREFETCH(entry_pointer(entry));
    return (kv_slice){NULL, 0};
}

/*
 * Puts the entry of a key in the place of what batch_prefetch() found for it, NULL if it is not
 * there; counted and touched as kv_get() does it.
 */
static inline void batch_find(struct batch *batch, struct batch_reading *reading, kv_slice key,
                              size_t index, size_t first)
{
    struct entry **found = &reading->found[index - first];
    struct entry *entry = *found;
    if (entry == NULL) return;
    if (KV_UNLIKELY(!entry_is_of(entry, key))) { /* its tag only was the same */
        struct table_place place = shard_find(batch_space(batch, index), batch->hashes[index], key);
        *found = entry = place.bucket != NULL ? table_item(place) : NULL;
        if (entry == NULL) return;
    }
    if (KV_UNLIKELY(entry_is_timed(entry)) && batch_is_expired(reading, batch, entry)) {
        *found = NULL;
        return;
    }
    reading->hits++;
    if (reading->touches) entry_set_clock(entry, reading->clock);
    reading->texts[index - first] = batch_peek(entry);
}

/*
 * Drops the expired keys of a chunk, each by way of a call of its own; where there is no memory for
 * that, it stays and is not seen.
 */
static KV_NOINLINE void batch_drop_expired(struct batch *batch, struct batch_reading *reading,
                                           const kv_slice *keys, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++) {
        if (reading->found[i - first] != NULL) continue;
        struct access access;
        kv_status status =
            access_open_hashed(&access, &batch->span.db, keys[i], batch->hashes[i], ACCESS_PEEK);
        if (status == KV_OK) (void)access_close(&access, KV_OK);
    }
    reading->has_expired = false;
}

/* Tells of the keys of a chunk that are not there, if that is wanted. */
static KV_NOINLINE void batch_tell_misses(const struct batch *batch,
                                          const struct batch_reading *reading, const kv_slice *keys,
                                          size_t first, size_t end)
{
    for (size_t i = first; i < end; i++) {
        if (reading->found[i - first] == NULL)
            events_publish(batch->store, batch->span.db.database, "keymiss", keys[i]);
    }
}

/* Lends a value that is not inline, or the want of one. */
static KV_NOINLINE bool batch_lend_other(const struct entry *entry, size_t index,
                                         kv_visit_at *visit, void *context)
{
    char scratch[NUMBER_INT64_SIZE];
    kv_slice text;
    if (entry == NULL || entry_type(entry) != KV_TYPE_STRING) return visit(context, index, NULL);
    if (entry_form(entry) != ENTRY_INTEGER) text = entry_text(entry);
    else text = (kv_slice){scratch, number_format_int64(scratch, (int64_t)entry_payload(entry))};
    return visit(context, index, &text);
}

static inline bool batch_lend(const struct batch_reading *reading, size_t place, size_t index,
                              kv_visit_at *visit, void *context)
{
    const struct entry *entry = reading->found[place];
    if (KV_LIKELY(entry != NULL && reading->texts[place].data != NULL))
        return visit(context, index, &reading->texts[place]);
    return batch_lend_other(entry, index, visit, context);
}

/* The same of a frozen view, which leaves no trace. */
static kv_status batch_read_frozen(struct batch *batch, const kv_slice *keys, kv_visit_at *visit,
                                   void *context)
{
    const kv *db = &batch->span.db;
    struct entry *entries[BATCH_CHUNK];
    bool goes_on = true;
    for (size_t i = 0; i < batch->count && goes_on; i++) {
        struct shard *shard = store_shard(batch->store, batch->hashes[i]);
        if (i % BATCH_CHUNK == 0) (void)batch_prefetch(batch, i, entries);
        kv_status status = frozen_find(db->view->frozen, shard, db->database, batch->hashes[i],
                                       keys[i], &entries[0]);
        if (status != KV_OK) return status;
        goes_on = batch_lend_other(entries[0], i, visit, context);
    }
    return KV_OK;
}

kv_status kv_mget(kv *db, const kv_slice *keys, size_t count, kv_visit_at *visit, void *context)
{
    if (db == NULL || visit == NULL || (keys == NULL && count > 0)) return KV_BADARG;
    struct batch batch;
    struct batch_reading reading;
    kv_status status = batch_begin(&batch, db, keys, count);
    if (status != KV_OK) return status;
    if (KV_UNLIKELY(db->view->frozen != NULL)) {
        status = batch_read_frozen(&batch, keys, visit, context);
        batch_end(&batch);
        return status;
    }
    batch_read_begin(&reading, &batch);
    size_t first = 0;
    bool goes_on = true;
    for (size_t end; first < count && goes_on; first = end) {
        end = batch_prefetch(&batch, first, reading.found);
        for (size_t i = first; i < end; i++) batch_find(&batch, &reading, keys[i], i, first);
        for (size_t i = first; i < end && goes_on; i++)
            goes_on = batch_lend(&reading, i - first, i, visit, context);
        if (KV_UNLIKELY(reading.has_expired))
            batch_drop_expired(&batch, &reading, keys, first, end);
        if (events_are_wanted(batch.store, KV_EVENT_MISS))
            batch_tell_misses(&batch, &reading, keys, first, end);
    }
    batch_read_end(&reading, &batch, first);
    batch_end(&batch);
    return KV_OK;
}

/* ----------------------------------------------------------------------------------------- MSET */

static bool batch_has_any(struct batch *batch, const kv_slice *keys)
{
    struct entry *items[BATCH_CHUNK];
    for (size_t i = 0; i < batch->count;) {
        for (size_t end = batch_prefetch(batch, i, items); i < end; i++) {
            struct access access;
            kv_status status = access_open_hashed(&access, &batch->span.db, keys[i],
                                                  batch->hashes[i], ACCESS_PEEK);
            if (status != KV_OK)
                continue; /* it has expired, and there was no memory to tell of
                                              it */
            bool is_found = access.entry != NULL;
            (void)access_close(&access, KV_OK);
            if (is_found) return true;
        }
    }
    return false;
}

static kv_status batch_stage_one(struct batch *batch, size_t index, kv_slice key, kv_slice value,
                                 struct staged *staged)
{
    struct access *access = &staged->access;
    kv_status status =
        access_open_hashed(access, &batch->span.db, key, batch->hashes[index], ACCESS_REPLACE);
    if (status != KV_OK) return status;
    status = access_stage(staged, value);
    return status == KV_OK ? KV_OK : access_close(access, status);
}

/* Stages pairs until all are or one fails; returns how many are. */
static size_t batch_stage(struct batch *batch, const kv_slice *keys, const kv_slice *values,
                          struct staged *staged, kv_status *status)
{
    struct entry *items[BATCH_CHUNK];
    *status = KV_OK;
    for (size_t i = 0; i < batch->count;) {
        for (size_t end = batch_prefetch(batch, i, items); i < end; i++) {
            *status = batch_stage_one(batch, i, keys[i], values[i], &staged[i]);
            if (*status != KV_OK) return i;
        }
    }
    return batch->count;
}

static void batch_take_back(struct staged *staged, size_t count)
{
    while (count-- > 0) {
        access_take_back(&staged[count]);
        (void)access_close(&staged[count].access, KV_OK);
    }
}

static void batch_keep(struct staged *staged, const kv_slice *keys, const kv_slice *values,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct access *access = &staged[i].access;
        access_keep(&staged[i], values[i]);
        if (access_is_journaled(access)) {
            kv_slice arguments[3] = {BATCH_WORD("SET"), keys[i], values[i]};
            access_journal(access, arguments, 3);
        }
        access_event(access, KV_EVENT_STRING, "set");
        (void)access_close(access, KV_OK);
    }
}

static kv_status batch_reserve_journal(struct batch *batch, const kv_slice *keys,
                                       const kv_slice *values)
{
    size_t bytes = 0;
    if (!journal_is_read(batch->store)) return KV_OK;
    for (size_t i = 0; i < batch->count; i++) bytes += 3 + keys[i].size + values[i].size;
    return span_reserve_journal(&batch->span, batch->count, 3 * batch->count, bytes);
}

/* Stores all pairs or, if there is not enough memory, none. */
static kv_status batch_store(struct batch *batch, const kv_slice *keys, const kv_slice *values,
                             struct staged *staged)
{
    kv_status status;
    size_t count = batch_stage(batch, keys, values, staged, &status);
    if (status == KV_OK) status = batch_reserve_journal(batch, keys, values);
    if (status == KV_OK) status = txn_reserve_events(batch->span.db.view->txn, count);
    if (status == KV_OK) batch_keep(staged, keys, values, count);
    else batch_take_back(staged, count);
    return status;
}

static kv_status batch_set(kv *db, const kv_slice *keys, const kv_slice *values, size_t count,
                           bool only_new)
{
    if (db == NULL || ((keys == NULL || values == NULL) && count > 0)) return KV_BADARG;
    struct store *store = db->view->store;
    if (!view_accepts_writes(db->view)) return KV_READONLY;
    uint64_t maximum = (uint64_t)store_setting(store, KV_SETTING_MAX_VALUE_SIZE);
    for (size_t i = 0; i < count; i++) {
        if (values[i].size > maximum) return KV_TOOBIG;
    }
    struct staged few[BATCH_CHUNK / 4];
    struct staged *staged = few;
    if (count > BATCH_CHUNK / 4) staged = alloc_get_array(&store->alloc, count, sizeof *staged);
    if (staged == NULL) return KV_NOMEM;
    struct batch batch;
    kv_status status = batch_begin(&batch, db, keys, count);
    if (status == KV_OK) {
        batch_pin(&batch);
        if (only_new && batch_has_any(&batch, keys)) status = KV_SKIPPED;
        else status = batch_store(&batch, keys, values, staged);
        batch_end(&batch);
    }
    if (staged != few) alloc_free(&store->alloc, staged, count * sizeof *staged);
    return status;
}

kv_status kv_mset(kv *db, const kv_slice *keys, const kv_slice *values, size_t count)
{
    return batch_set(db, keys, values, count, false);
}

kv_status kv_msetnx(kv *db, const kv_slice *keys, const kv_slice *values, size_t count)
{
    return batch_set(db, keys, values, count, true);
}

/* ----------------------------------------------------------------------------------- kv_batch() */

static kv_status batch_set_one(kv *db, const kv_operation *operation)
{
    kv_set_options options = KV_OPTIONS(kv_set_options);
    options.ttl_ms = operation->ttl_ms;
    return kv_set(db, operation->key, operation->value, operation->ttl_ms != 0 ? &options : NULL);
}

static kv_status batch_push_one(kv *db, kv_operation *operation)
{
    bool is_head = operation->kind == KV_OPERATION_LPUSH;
    uint64_t length = 0;
    kv_status status = is_head ? kv_lpush(db, operation->key, &operation->value, 1, &length)
                               : kv_rpush(db, operation->key, &operation->value, 1, &length);
    if (status == KV_OK) operation->number = (int64_t)length;
    return status;
}

static kv_status batch_do_one(kv *db, kv_operation *operation)
{
    uint64_t count = 0;
    kv_status status = KV_BADARG;
    switch (operation->kind) {
    case KV_OPERATION_GET: return kv_get(db, operation->key, operation->buffer);
    case KV_OPERATION_SET: return batch_set_one(db, operation);
    case KV_OPERATION_DEL: status = kv_del(db, &operation->key, 1, &count); break;
    case KV_OPERATION_EXISTS: status = kv_exists(db, &operation->key, 1, &count); break;
    case KV_OPERATION_INCRBY:
        return kv_incrby(db, operation->key, operation->number, &operation->number);
    case KV_OPERATION_EXPIRE: return kv_expire(db, operation->key, operation->ttl_ms, 0);
    case KV_OPERATION_LPUSH:
    case KV_OPERATION_RPUSH: return batch_push_one(db, operation);
    case KV_OPERATION_LPOP: return kv_lpop(db, operation->key, operation->buffer);
    case KV_OPERATION_RPOP: return kv_rpop(db, operation->key, operation->buffer);
    }
    if (status == KV_OK) operation->number = (int64_t)count;
    return status;
}

/*
 * Only of keys whose shards are held: of others, in the caller's transaction, the call will say so.
 */
static void batch_prefetch_held(const struct batch *batch, size_t first)
{
    struct entry *items[BATCH_CHUNK];
    if (batch_holds_all(batch)) (void)batch_prefetch(batch, first, items);
}

kv_status kv_batch(kv *db, kv_operation *operations, size_t count)
{
    if (db == NULL || (operations == NULL && count > 0)) return KV_BADARG;
    if (count == 0) return KV_OK;
    struct batch batch;
    kv_status status = batch_open(&batch, db, count);
    if (status != KV_OK) return status;
    batch_hash(&batch, &operations->key, sizeof *operations);
    span_begin_hashed(&batch.span, db, batch.hashes, count);
    batch_pin(&batch);
    for (size_t i = 0; i < count; i++) {
        if (i % BATCH_CHUNK == 0) batch_prefetch_held(&batch, i);
        operations[i].status = batch_do_one(&batch.span.db, &operations[i]);
        if (!batch.span.is_nested) journal_group_deliver(&batch.span.txn.journal, batch.store);
    }
    batch_end(&batch);
    return KV_OK;
}
