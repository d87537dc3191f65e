/*
 * keyspace/loading.c -- see loading.h.
 */
#include "keyspace/loading.h"

#include "base/number.h"
#include "keyspace/flushing.h"
#include "keyspace/text.h"
#include "keyspace/transaction.h"
#include "keyspace/waiting.h"

static struct collection_limits loading_limits(const struct store *store, kv_setting count)
{
    return (struct collection_limits){(size_t)store_setting(store, count),
                                      (size_t)store_setting(store, (kv_setting)(count + 1))};
}

KV_INTERNAL struct rdb_rules loading_rules(const struct store *store)
{
    return (struct rdb_rules){
        .key = &store->hash_key,
        .list = list_limits_of(store_setting(store, KV_SETTING_LIST_PACK_SIZE)),
        .hash = loading_limits(store, KV_SETTING_HASH_PACK_COUNT),
        .set = loading_limits(store, KV_SETTING_SET_PACK_COUNT),
        .sorted_set = loading_limits(store, KV_SETTING_SORTED_SET_PACK_COUNT),
        .set_integers = (size_t)store_setting(store, KV_SETTING_SET_INTEGER_COUNT)};
}

KV_INTERNAL size_t loading_text_max(const struct store *store)
{
    uint64_t string_max = text_size_max(store);
    return string_max > PACK_SIZE_MAX ? (size_t)string_max : PACK_SIZE_MAX;
}

/* ------------------------------------------------------------------------------- open and close */

static void loading_close_shards(struct loading *loading, uint32_t count)
{
    struct store *store = loading->store;
    for (uint32_t i = 0; i < count; i++) shard_close(&loading->shards[i]);
    alloc_free(&store->alloc, loading->shards, store->shard_count * sizeof *loading->shards);
}

static kv_status loading_open_shards(struct loading *loading)
{
    struct store *store = loading->store;
    loading->shards = alloc_get_aligned(&store->alloc, store->shard_count * sizeof *loading->shards,
                                        KV_CACHE_LINE);
    if (loading->shards == NULL) return KV_NOMEM;
    for (uint32_t i = 0; i < store->shard_count; i++) {
        if (shard_open(&loading->shards[i], store, i) == KV_OK) continue;
        loading_close_shards(loading, i + 1);
        return KV_NOMEM;
    }
    return KV_OK;
}

KV_INTERNAL kv_status loading_open(struct loading *loading, struct store *store, int64_t now_ms,
                                   bool keeps_expired)
{
    bool expires = !keeps_expired && store_setting(store, KV_SETTING_EXPIRE) == 1;
    *loading = (struct loading){.store = store,
                                .rules = loading_rules(store),
                                .now_ms = expires ? now_ms : INT64_MIN,
                                .now_s = (uint32_t)(now_ms / 1000),
                                .text_max = loading_text_max(store),
                                .string_max = text_size_max(store)};
    return loading_open_shards(loading);
}

KV_INTERNAL void loading_close(struct loading *loading)
{
    loading_close_shards(loading, loading->store->shard_count);
}

KV_INTERNAL struct loading_worker *loading_worker_create(struct loading *loading)
{
    struct loading_worker *worker = alloc_get(&loading->store->alloc, sizeof *worker);
    if (worker == NULL) return NULL;
    worker->loading = loading;
    worker->number = atomic_fetch_add_explicit(&loading->workers, 1, memory_order_relaxed);
    worker->keys = worker->expired = worker->empty = 0;
    return worker;
}

KV_INTERNAL void loading_worker_destroy(struct loading_worker *worker)
{
    if (worker != NULL) alloc_free(&worker->loading->store->alloc, worker, sizeof *worker);
}

/* --------------------------------------------------------------------------------------- faults */

/* Says what was expected of a record; `key` is its key. */
static kv_status loading_fail(struct loading_worker *worker, const struct rdb_piece *piece,
                              const struct rdb_record *record, kv_slice key, kv_status status)
{
    struct rdb_fault *fault = &worker->fault;
    char shown[RDB_SHOWN];
    rdb_show_key(key, shown);
    fault->keys = piece->first + (uint64_t)(record - piece->records);
    switch (status) {
    case KV_CONFLICT:
        rdb_fault_set(fault, piece->offset + record->key,
                      "expected a key that was not there before, found \"%s\" again", shown);
        return KV_CORRUPT;
    case KV_CORRUPT:
        rdb_fault_set(fault, piece->offset + record->value,
                      "expected a sound %s of type %u, found the value of \"%s\" damaged",
                      rdb_type_name(record->type), (unsigned)record->type, shown);
        return KV_CORRUPT;
    case KV_TOOBIG:
        rdb_fault_set(fault, piece->offset + record->value,
                      "expected no text above %llu bytes in the value of \"%s\"",
                      (unsigned long long)worker->loading->string_max, shown);
        return KV_TOOBIG;
    default:
        rdb_fault_set(fault, piece->offset + record->key, "memory is exhausted");
        return status;
    }
}

/* ------------------------------------------------------------------------------------ one value */

/* What is made of a record, in the memory of its shard. */
struct loading_value {
    struct rdb_source source;
    struct rdb_value read;
    struct entry_shape shape;
};

static struct rdb_source loading_source(const struct loading *loading,
                                        const struct rdb_piece *piece, size_t begin, size_t end)
{
    return (struct rdb_source){.at = piece->bytes + begin,
                               .end = piece->bytes + end,
                               .alloc = &loading->store->alloc,
                               .text_max = loading->text_max};
}

static void loading_discard(struct loading *loading, struct shard *shard,
                            struct loading_value *value)
{
    struct garbage garbage = {0};
    rdb_text_free(&value->source, &value->read.text);
    value_discard_shape(&value->shape, &shard->memory, &garbage);
    garbage_free(&garbage, &loading->store->alloc);
}

static kv_status loading_shape_string(struct loading *loading, kv_slice text,
                                      struct entry_shape *shape)
{
    int64_t integer;
    if (text.size > loading->string_max) return KV_TOOBIG;
    if (text.size <= NUMBER_INT64_SIZE && number_parse_int64(text, &integer)) {
        shape->form = ENTRY_INTEGER;
        shape->payload = (uint64_t)integer;
    } else if (entry_fits_inline(shape->key.size, text.size)) {
        shape->text = text;
    } else {
        struct blob *blob = blob_create(&loading->store->alloc, text, text.size);
        if (blob == NULL) return KV_NOMEM;
        shape->form = ENTRY_BLOB;
        shape->payload = (uint64_t)(uintptr_t)blob;
    }
    return KV_OK;
}

/* Gives members of what was read the deadlines that the file has for them. */
static kv_status loading_set_each(struct loading *loading, const struct rdb_rules *rules,
                                  struct rdb_source *source, struct rdb_value *read)
{
    const struct collection_kind *kind = value_kind(read->type);
    uint64_t left, deadline_ms;
    if (kind->agenda == NULL || !rdb_read_count(source, 9, &left)) return KV_CORRUPT;
    for (; left > 0; left--) {
        struct rdb_text member;
        int64_t old_ms;
        if (!rdb_read_64(source, &deadline_ms) || deadline_ms - 1 >= KV_NEVER - 1)
            return KV_CORRUPT;
        kv_status status = rdb_read_text(source, &member);
        if (status != KV_OK) return status;
        if (!kind->get_deadline(&read->collection, member.bytes, &old_ms)) status = KV_CORRUPT;
        if (status == KV_OK)
            status = kind->reserve_deadlines(&read->collection, rules->memory,
                                             &loading->store->hash_key, 1);
        if (status == KV_OK)
            status = kind->set_deadline(&read->collection, rules->memory, member.bytes,
                                        (int64_t)deadline_ms);
        rdb_text_free(source, &member);
        if (status != KV_OK) return status;
    }
    return rdb_left(source) == 0 ? KV_OK : KV_CORRUPT;
}

static kv_status loading_set_deadlines(struct loading *loading, const struct rdb_rules *rules,
                                       const struct rdb_piece *piece,
                                       const struct rdb_record *record, struct rdb_value *read)
{
    struct rdb_source source = loading_source(loading, piece, record->deadlines, record->key);
    struct rdb_text text;
    kv_status status = rdb_read_text(&source, &text);
    if (status != KV_OK) return status;
    struct rdb_source inner = source;
    inner.at = text.bytes.data;
    inner.end = inner.at + text.bytes.size;
    status = loading_set_each(loading, rules, &inner, read);
    rdb_text_free(&source, &text);
    return status;
}

/* Makes the value. Unless KV_OK nothing is left. */
static kv_status loading_read(struct loading *loading, const struct rdb_rules *rules,
                              const struct rdb_piece *piece, const struct rdb_record *record,
                              kv_slice key, struct loading_value *value)
{
    value->source = loading_source(loading, piece, record->value, record->end);
    kv_status status = rdb_read_value(&value->source, rules, record->type, &value->read);
    if (status != KV_OK) return status;
    kv_type type = value->read.type;
    value->shape = (struct entry_shape){.key = key,
                                        .type = type,
                                        .form = ENTRY_INLINE,
                                        .deadline_ms = record->deadline_ms,
                                        .clock = loading->now_s - record->idle_s};
    if (type == KV_TYPE_STRING) {
        status = loading_shape_string(loading, value->read.text.bytes, &value->shape);
        if (status != KV_OK) rdb_text_free(&value->source, &value->read.text);
        return status;
    }
    if (rdb_left(&value->source) > 0) status = KV_CORRUPT;
    else if (record->deadlines != 0)
        status = loading_set_deadlines(loading, rules, piece, record, &value->read);
    value->shape.form = ENTRY_COLLECTION;
    value->shape.payload = value->read.collection.word;
    value->shape.fields_ms = value_next_of(type, &value->read.collection);
    if (status == KV_OK) return KV_OK;
    struct garbage garbage = {0};
    value_discard_shape(&value->shape, rules->memory, &garbage);
    garbage_free(&garbage, &loading->store->alloc);
    return status;
}

/* Such a key is passed over. */
static bool loading_is_empty(const struct loading *loading, const struct rdb_piece *piece,
                             const struct rdb_record *record)
{
    return rdb_is_empty(loading_source(loading, piece, record->value, record->end), record->type);
}

/* Puts one key into its shard, which is held. KV_CONFLICT: it is there already. */
static kv_status loading_put_one(struct loading_worker *worker, struct shard *shard,
                                 const struct rdb_rules *rules, const struct rdb_piece *piece,
                                 const struct rdb_record *record, kv_slice key, uint64_t hash)
{
    struct loading *loading = worker->loading;
    struct loading_value value;
    kv_status status = loading_read(loading, rules, piece, record, key, &value);
    if (status == KV_CORRUPT && loading_is_empty(loading, piece, record)) {
        worker->empty++;
        return KV_OK;
    }
    if (status != KV_OK) return status;
    if (record->deadline_ms <= loading->now_ms) {
        worker->expired++;
        loading_discard(loading, shard, &value);
        return KV_OK;
    }
    struct space *space = shard_space(shard, record->database);
    struct table_place place = shard_find(space, hash, key);
    if (space == NULL) status = KV_NOMEM;
    else if (place.bucket != NULL) status = KV_CONFLICT;
    else status = shard_write(shard, space, hash, &place, &value.shape);
    if (status != KV_OK) {
        loading_discard(loading, shard, &value);
        return status;
    }
    rdb_text_free(&value.source, &value.read.text);
    worker->keys++;
    return KV_OK;
}

/* -------------------------------------------------------------------------------- many of them */

static kv_status loading_read_keys(struct loading_worker *worker, const struct rdb_piece *piece,
                                   size_t first, size_t count)
{
    struct loading *loading = worker->loading;
    for (size_t i = 0; i < count; i++) {
        const struct rdb_record *record = &piece->records[first + i];
        struct rdb_source source = loading_source(loading, piece, record->key, record->value);
        kv_status status = rdb_read_text(&source, &worker->texts[i]);
        if (status == KV_OK) continue;
        (void)loading_fail(worker, piece, record, (kv_slice){0}, status);
        if (status == KV_CORRUPT)
            rdb_fault_set(&worker->fault, piece->offset + record->key, "expected a sound key");
        while (i-- > 0) rdb_text_free(&source, &worker->texts[i]);
        return status;
    }
    siphash_many(loading->rules.key, &worker->texts[0].bytes, sizeof *worker->texts, count,
                 worker->hashes);
    return KV_OK;
}

static void loading_free_keys(struct loading_worker *worker, size_t count)
{
    struct rdb_source source = {.alloc = &worker->loading->store->alloc};
    for (size_t i = 0; i < count; i++)
        if (worker->texts[i].block != NULL) rdb_text_free(&source, &worker->texts[i]);
}

/* Sorts the keys by shard, by counting, those of a shard in their order. */
static void loading_sort(struct loading_worker *worker, size_t count)
{
    const struct store *store = worker->loading->store;
    uint16_t *begins = worker->begins;
    memset(begins, 0, (store->shard_count + 1) * sizeof *begins);
    for (size_t i = 0; i < count; i++) begins[store_shard_index(store, worker->hashes[i]) + 1]++;
    for (uint32_t s = 0; s < store->shard_count; s++) begins[s + 1] += begins[s];
    for (size_t i = 0; i < count; i++)
        worker->order[begins[store_shard_index(store, worker->hashes[i])]++] = (uint16_t)i;
    for (uint32_t s = store->shard_count; s > 0; s--) begins[s] = begins[s - 1];
    begins[0] = 0;
}

/* Keys of one shard, in the order of the file. */
struct loading_share {
    const struct rdb_piece *piece;
    const struct rdb_record *records;
    const uint16_t *order;
    size_t count;
};

/* Fetches where they belong. The shard is held. */
static void loading_fetch(const struct loading_worker *worker, const struct shard *shard,
                          const struct loading_share *share)
{
    for (size_t i = 0; i < share->count; i++) {
        size_t at = share->order[i];
        const struct space *space = shard_peek_space(shard, share->records[at].database);
        if (space != NULL) table_fetch_entry(&space->table, worker->hashes[at]);
    }
    for (size_t i = 0; i < share->count; i++) {
        size_t at = share->order[i];
        const struct space *space = shard_peek_space(shard, share->records[at].database);
        if (space != NULL) table_fetch_segment(&space->table, worker->hashes[at]);
    }
}

static kv_status loading_put_share(struct loading_worker *worker, struct shard *shard,
                                   const struct loading_share *share)
{
    struct rdb_rules rules = worker->loading->rules;
    kv_status status = KV_OK;
    rules.memory = &shard->memory;
    lock_lock(&shard->lock);
    loading_fetch(worker, shard, share);
    for (size_t i = 0; i < share->count && status == KV_OK; i++) {
        size_t at = share->order[i];
        const struct rdb_record *record = &share->records[at];
        kv_slice key = worker->texts[at].bytes;
        status =
            loading_put_one(worker, shard, &rules, share->piece, record, key, worker->hashes[at]);
        if (status != KV_OK) status = loading_fail(worker, share->piece, record, key, status);
    }
    lock_unlock(&shard->lock);
    return status;
}

static kv_status loading_put_some(struct loading_worker *worker, const struct rdb_piece *piece,
                                  size_t first, size_t count)
{
    struct loading *loading = worker->loading;
    uint32_t shards = loading->store->shard_count;
    kv_status status = loading_read_keys(worker, piece, first, count);
    if (status != KV_OK) return status;
    loading_sort(worker, count);
    for (uint32_t i = 0; i < shards && status == KV_OK; i++) {
        uint32_t index = (i + worker->number * (shards / 2 + 1)) % shards;
        uint16_t begin = worker->begins[index], end = worker->begins[index + 1];
        if (begin == end) continue;
        struct loading_share share = {piece, piece->records + first, worker->order + begin,
                                      (size_t)(end - begin)};
        status = loading_put_share(worker, &loading->shards[index], &share);
    }
    loading_free_keys(worker, count);
    return status;
}

KV_INTERNAL kv_status loading_put(struct loading_worker *worker, const struct rdb_piece *piece)
{
    kv_status status = KV_OK;
    for (size_t first = 0; first < piece->count && status == KV_OK; first += LOADING_BATCH) {
        size_t left = piece->count - first;
        status =
            loading_put_some(worker, piece, first, left < LOADING_BATCH ? left : LOADING_BATCH);
    }
    return status;
}

/* ------------------------------------------------------------------------------------ all of it */

KV_INTERNAL void loading_expect(struct loading *loading, uint32_t database, uint64_t keys)
{
    uint32_t shards = loading->store->shard_count;
    if (keys / shards < TABLE_SEGMENT_ITEMS) return; /* not worth it */
    for (uint32_t i = 0; i < shards; i++) {
        struct shard *shard = &loading->shards[i];
        lock_lock(&shard->lock);
        struct space *space = shard_space(shard, database);
        if (space != NULL) table_expect(&space->table, keys / shards);
        lock_unlock(&shard->lock);
    }
}

static bool loading_finds_keys_in(const struct shard *shard)
{
    for (uint32_t d = 0; d < shard->store->databases; d++) {
        const struct space *space = shard_peek_space(shard, d);
        if (space != NULL && space->table.count > 0) return true;
    }
    return false;
}

KV_INTERNAL bool loading_finds_keys(struct store *store)
{
    bool found = false;
    for (uint32_t i = 0; i < store->shard_count && !found; i++) {
        lock_lock(&store->shards[i].lock);
        found = loading_finds_keys_in(&store->shards[i]);
        lock_unlock(&store->shards[i].lock);
    }
    return found;
}

/* Makes sure that the store has all databases that there are keys for. */
static kv_status loading_open_spaces(struct loading *loading)
{
    struct store *store = loading->store;
    for (uint32_t i = 0; i < store->shard_count; i++) {
        for (uint32_t d = 1; d < store->databases; d++) {
            if (shard_peek_space(&loading->shards[i], d) == NULL) continue;
            if (shard_space(&store->shards[i], d) == NULL) return KV_NOMEM;
        }
    }
    return KV_OK;
}

static void loading_touch(struct store *store)
{
    for (uint32_t i = 0; i < store->shard_count; i++)
        for (uint32_t d = 0; d < store->databases; d++)
            observers_touch_all(&store->shards[i], d, d);
}

static void loading_exchange(struct loading *loading, struct flushed *records,
                             struct observed **ready)
{
    struct store *store = loading->store;
    uint32_t last = store->databases - 1;
    loading_touch(store); /* those of keys that were there, then those of keys that are */
    flushing_commit(store, 0, last, true, records);
    for (uint32_t i = 0; i < store->shard_count; i++)
        shard_adopt(&store->shards[i], &loading->shards[i]);
    loading_touch(store);
    for (uint32_t i = 0; i < store->shard_count; i++)
        for (uint32_t d = 0; d <= last; d++) waiting_note_all(&store->shards[i], d, ready);
}

KV_INTERNAL kv_status loading_commit(struct loading *loading, bool replaces,
                                     void (*at_instant)(void *context), void *context)
{
    struct store *store = loading->store;
    struct flushed *records;
    struct span span;
    span_begin(&span, &store->view->databases[0], NULL, 0, KV_TXN_ALL);
    kv_status status = KV_OK;
    for (uint32_t i = 0; i < store->shard_count && !replaces && status == KV_OK; i++)
        if (loading_finds_keys_in(&store->shards[i])) status = KV_CONFLICT;
    if (status == KV_OK) status = loading_open_spaces(loading);
    if (status == KV_OK) status = flushing_prepare(store, 0, store->databases - 1, &records);
    if (status == KV_OK) {
        loading_exchange(loading, records, &span.txn.ready);
        if (at_instant != NULL) at_instant(context);
    }
    span_end(&span);
    return status;
}
