/*
 * api/api_transaction.c -- kv_begin() to kv_commit() or kv_abort(), and watches.
 */
#include "keyspace/access.h"

/* A transaction on the heap and the view that shows it, made and freed together. */
struct txn_handle {
    struct txn txn;
    struct view *view;
};

static bool txn_read_options(const kv_txn_options *given, kv_txn_options *options)
{
    *options = KV_OPTIONS(kv_txn_options);
    if (given != NULL) {
        if (given->size < sizeof given->size || given->size > sizeof *options) return false;
        memcpy(options, given, given->size);
    }
    if ((options->flags & ~(KV_TXN_ALL | KV_TXN_ABORTABLE)) != 0) return false;
    return options->keys != NULL || options->key_count == 0;
}

static struct txn_handle *txn_handle_create(kv *db)
{
    struct store *store = db->view->store;
    struct txn_handle *handle = alloc_get(&store->alloc, sizeof *handle);
    if (handle == NULL) return NULL;
    handle->view = view_create(store);
    if (handle->view != NULL) return handle;
    alloc_free(&store->alloc, handle, sizeof *handle);
    return NULL;
}

static void txn_handle_destroy(struct txn_handle *handle)
{
    struct store *store = handle->view->store;
    view_destroy(handle->view);
    alloc_free(&store->alloc, handle, sizeof *handle);
}

/* Under the transaction's locks: has a key of the watch changed, or expired since it was added? */
static bool watch_has_changed(struct kv_watch *watch, int64_t now_ms)
{
    return atomic_load_explicit(&watch->is_dirty, memory_order_relaxed) ||
           watch->deadline_ms <= now_ms;
}

/*
 * The shards of watched keys are locked too: else one could change between the look at it and the
 * first call.
 */
static void txn_lock_watched(uint64_t *bits, const struct store *store,
                             const struct kv_watch *watch)
{
    for (struct watch_link *link = watch->links; link != NULL; link = link->next_of_watch) {
        uint32_t index = store_shard(store, link->observed->hash)->index;
        bits[index / 64] |= UINT64_C(1) << (index % 64);
    }
}

kv_status kv_begin(kv *db, const kv_txn_options *given, kv **txn)
{
    kv_txn_options options;
    if (db == NULL || txn == NULL || !view_is_plain(db->view)) return KV_BADARG;
    if (!txn_read_options(given, &options)) return KV_BADARG;
    struct txn_handle *handle = txn_handle_create(db);
    if (handle == NULL) return KV_NOMEM;
    struct store *store = db->view->store;
    txn_prepare(&handle->txn, store, options.keys, options.key_count, options.flags);
    if (options.watch != NULL) txn_lock_watched(handle->txn.locked, store, options.watch);
    txn_lock(&handle->txn);
    /* The whole transaction sees one instant. */
    handle->view->now_ms = view_now(db->view);
    handle->view->flags = VIEW_PINNED | (db->view->flags & VIEW_HABITS);
    view_enter(handle->view, &handle->txn);
    kv_status status = KV_OK;
    if (options.watch != NULL && watch_has_changed(options.watch, handle->view->now_ms))
        status = KV_CONFLICT;
    if (status == KV_OK && (options.flags & KV_TXN_ABORTABLE) != 0)
        status = txn_make_abortable(&handle->txn);
    if (status != KV_OK) {
        txn_commit(&handle->txn);
        txn_handle_destroy(handle);
        return status;
    }
    *txn = &handle->view->databases[db->database];
    return KV_OK;
}

/* The handle of a transaction that kv_begin() gave; NULL for anything else. */
static struct txn_handle *txn_handle_of(kv *txn)
{
    if (txn == NULL || txn->view->txn == NULL || txn->view->databases == NULL) return NULL;
    return (struct txn_handle *)txn->view->txn; /* the first member */
}

kv_status kv_commit(kv *txn)
{
    struct txn_handle *handle = txn_handle_of(txn);
    if (handle == NULL) return KV_BADARG;
    txn_commit(&handle->txn);
    txn_handle_destroy(handle);
    return KV_OK;
}

kv_status kv_abort(kv *txn)
{
    struct txn_handle *handle = txn_handle_of(txn);
    if (handle == NULL || handle->txn.undo == NULL) return KV_BADARG;
    txn_abort(&handle->txn);
    txn_handle_destroy(handle);
    return KV_OK;
}

/* -------------------------------------------------------------------------------------- watches */

kv_status kv_watch_open(kv *db, kv_watch **watch)
{
    if (db == NULL || watch == NULL) return KV_BADARG;
    struct store *store = db->view->store;
    struct kv_watch *opened = alloc_get(&store->alloc, sizeof *opened);
    if (opened == NULL) return KV_NOMEM;
    opened->store = store;
    opened->links = NULL;
    opened->deadline_ms = KV_NEVER;
    atomic_init(&opened->is_dirty, false);
    *watch = opened;
    return KV_OK;
}

/*
 * Is the key among those of the watch? Its link would be in both lists; they are walked side by
 * side, so this takes as long as the shorter one, of a watch of many keys or a key of many watches.
 */
static bool watch_has(const struct kv_watch *watch, const struct observed *observed)
{
    const struct watch_link *of_watch = watch->links, *of_key = observed->watches;
    while (of_watch != NULL && of_key != NULL) {
        if (of_watch->observed == observed || of_key->watch == watch) return true;
        of_watch = of_watch->next_of_watch;
        of_key = of_key->next;
    }
    return false;
}

static void watch_link_in(struct watch_link *link, struct observed *observed,
                          struct kv_watch *watch)
{
    link->observed = observed;
    link->watch = watch;
    link->previous = NULL;
    link->next = observed->watches;
    if (link->next != NULL) link->next->previous = link;
    observed->watches = link;
    link->next_of_watch = watch->links;
    watch->links = link;
}

/* When a key changes by itself: as it expires, or a field of it. */
static int64_t watch_deadline(const struct entry *entry)
{
    if (entry == NULL) return KV_NEVER;
    int64_t deadline_ms = entry_deadline(entry);
    int64_t fields_ms = value_next_deadline(entry);
    return fields_ms != 0 && fields_ms < deadline_ms ? fields_ms : deadline_ms;
}

/*
 * Adds the key that was opened, unless it is there already. The link is taken, and *link NULL then,
 * if it was used.
 */
static kv_status watch_add_opened(struct kv_watch *watch, struct access *access,
                                  struct watch_link **link)
{
    struct observed *observed =
        observers_open(access->shard, access->database, access->hash, access->key);
    if (observed == NULL) return KV_NOMEM;
    if (watch_has(watch, observed)) return KV_OK;
    int64_t deadline_ms = watch_deadline(access->entry);
    if (deadline_ms < watch->deadline_ms) watch->deadline_ms = deadline_ms;
    watch_link_in(*link, observed, watch);
    *link = NULL;
    atomic_fetch_add_explicit(&watch->store->watched, 1, memory_order_relaxed);
    return KV_OK;
}

kv_status kv_watch_add(kv_watch *watch, kv *db, kv_slice key)
{
    if (watch == NULL || db == NULL || db->view->store != watch->store) return KV_BADARG;
    if (db->view->frozen != NULL) return KV_BADARG;
    struct store *store = watch->store;
    struct watch_link *link = alloc_get(&store->alloc, sizeof *link);
    if (link == NULL) return KV_NOMEM;
    struct access access;
    /* drops it if it has expired */
    kv_status status = access_open(&access, db, key, ACCESS_PEEK);
    if (status == KV_OK) status = access_close(&access, watch_add_opened(watch, &access, &link));
    alloc_free(&store->alloc, link, sizeof *link);
    return status;
}

bool kv_watch_is_dirty(kv_watch *watch)
{
    return watch != NULL && watch_has_changed(watch, clock_wall_ms(&watch->store->clock));
}

void kv_watch_reset(kv_watch *watch)
{
    if (watch == NULL) return;
    struct store *store = watch->store;
    while (watch->links != NULL) {
        struct watch_link *link = watch->links;
        struct observed *observed = link->observed;
        watch->links = link->next_of_watch;
        struct shard *shard = store_shard(store, observed->hash);
        lock_lock(&shard->lock);
        if (link->previous != NULL) link->previous->next = link->next;
        else observed->watches = link->next;
        if (link->next != NULL) link->next->previous = link->previous;
        observers_release(shard, observed);
        lock_unlock(&shard->lock);
        alloc_free(&store->alloc, link, sizeof *link);
        atomic_fetch_sub_explicit(&store->watched, 1, memory_order_relaxed);
    }
    watch->deadline_ms = KV_NEVER;
    atomic_store_explicit(&watch->is_dirty, false, memory_order_relaxed);
}

void kv_watch_close(kv_watch *watch)
{
    if (watch == NULL) return;
    struct store *store = watch->store;
    kv_watch_reset(watch);
    alloc_free(&store->alloc, watch, sizeof *watch);
}
