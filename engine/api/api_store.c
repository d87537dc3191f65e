/*
 * api/api_store.c -- a store from kv_open() to kv_close(): settings, statistics, ticks, views,
 * attachments.
 */
#include "base/buffer.h"
#include "base/thread.h"
#include "keyspace/access.h"
#include "keyspace/era.h"
#include "keyspace/frozen.h"
#include "keyspace/reclaim.h"

#define STORE_SHARDS_DEFAULT    64
#define STORE_DATABASES_DEFAULT 16

/* ------------------------------------------------------------------------ the background thread */

struct background {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool is_ending;
};

/* The longest sleep: a key that gets an earlier deadline does not wake the thread. */
#define STORE_BACKGROUND_NAP_MS 10

static void *store_background_main(void *context)
{
    struct store *store = context;
    struct background *background = store->background;
    kv *db = &store->view->databases[0];
    pthread_mutex_lock(&background->mutex);
    while (!background->is_ending) {
        pthread_mutex_unlock(&background->mutex);
        (void)kv_tick(db, 10000);
        pthread_mutex_lock(&background->mutex);
        if (background->is_ending) break;
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += STORE_BACKGROUND_NAP_MS * 1000000L;
        if (until.tv_nsec >= 1000000000L) {
            until.tv_nsec -= 1000000000L;
            until.tv_sec++;
        }
        pthread_cond_timedwait(&background->wake, &background->mutex, &until);
    }
    pthread_mutex_unlock(&background->mutex);
    return NULL;
}

static kv_status store_start_background(struct store *store)
{
    struct background *background = alloc_get(&store->alloc, sizeof *background);
    if (background == NULL) return KV_NOMEM;
    memset(background, 0, sizeof *background);
    pthread_mutex_init(&background->mutex, NULL);
    pthread_cond_init(&background->wake, NULL);
    store->background = background;
    if (thread_start(&background->thread, store_background_main, store)) return KV_OK;
    pthread_cond_destroy(&background->wake);
    pthread_mutex_destroy(&background->mutex);
    alloc_free(&store->alloc, background, sizeof *background);
    store->background = NULL;
    return KV_NOMEM;
}

static void store_stop_background(struct store *store)
{
    struct background *background = store->background;
    if (background == NULL) return;
    pthread_mutex_lock(&background->mutex);
    background->is_ending = true;
    pthread_cond_signal(&background->wake);
    pthread_mutex_unlock(&background->mutex);
    pthread_join(background->thread, NULL);
    pthread_cond_destroy(&background->wake);
    pthread_mutex_destroy(&background->mutex);
    alloc_free(&store->alloc, background, sizeof *background);
}

/* ------------------------------------------------------------------------------- open and close */

static unsigned store_log2(uint32_t power)
{
    unsigned bits = 0;
    while (power >> bits > 1) bits++;
    return bits;
}

/* Reads the options that count; false if one is outside its range. */
static bool store_read_options(const kv_options *given, kv_options *options)
{
    *options = KV_OPTIONS(kv_options);
    if (given != NULL) {
        if (given->size < sizeof given->size || given->size > sizeof *given) return false;
        memcpy(options, given, given->size);
    }
    if (options->shards == 0) options->shards = STORE_SHARDS_DEFAULT;
    if (options->databases == 0) options->databases = STORE_DATABASES_DEFAULT;
    if (options->shards > STORE_SHARDS_MAX || (options->shards & (options->shards - 1)) != 0)
        return false;
    if (options->databases > STORE_DATABASES_MAX) return false;
    const kv_allocator *allocator = options->allocator;
    if (allocator != NULL && (allocator->allocate == NULL || allocator->release == NULL))
        return false;
    const kv_clock *clock = options->clock;
    return clock == NULL || (clock->wall_ms != NULL && clock->monotonic_us != NULL);
}

static void store_seed(struct store *store, const uint8_t *seed, struct random *random)
{
    uint8_t bytes[16];
    if (seed != NULL) memcpy(bytes, seed, sizeof bytes);
    else random_system(bytes, sizeof bytes);
    memcpy(&store->hash_key.first, bytes, 8);
    memcpy(&store->hash_key.second, bytes + 8, 8);
    random_seed(random, store->hash_key.first ^ random_rotate(store->hash_key.second, 32));
}

static void store_set_defaults(struct store *store)
{
    static const int64_t defaults[KV_SETTING_COUNT] = {
        [KV_SETTING_ACTIVE_EXPIRE] = 1,
        [KV_SETTING_ACCEPT_WRITES] = 1,
        [KV_SETTING_MAX_VALUE_SIZE] = INT64_C(512) << 20,
        [KV_SETTING_LIST_PACK_SIZE] = -2,
        [KV_SETTING_EXPIRE] = 1,
        [KV_SETTING_EVENTS] = 0,
        [KV_SETTING_HASH_PACK_COUNT] = 512,
        [KV_SETTING_HASH_PACK_VALUE] = 64,
        [KV_SETTING_SET_PACK_COUNT] = 128,
        [KV_SETTING_SET_PACK_VALUE] = 64,
        [KV_SETTING_SORTED_SET_PACK_COUNT] = 128,
        [KV_SETTING_SORTED_SET_PACK_VALUE] = 64,
        [KV_SETTING_SET_INTEGER_COUNT] = 512,
        [KV_SETTING_STREAM_NODE_SIZE] = 4096,
        [KV_SETTING_STREAM_NODE_COUNT] = 100,
        [KV_SETTING_HLL_SPARSE_SIZE] = 3000,
        [KV_SETTING_SNAPSHOT_MEMORY] = INT64_C(8) << 20,
    };
    for (unsigned i = 0; i < KV_SETTING_COUNT; i++) atomic_init(&store->settings[i], defaults[i]);
}

/* Frees a store, whole or half built. */
static void store_destroy(struct store *store)
{
    store_stop_background(store);
    while (store->followers != NULL) {
        struct kv_follower *follower = store->followers;
        store->followers = follower->next;
        alloc_free(&store->alloc, follower, sizeof *follower);
    }
    channels_close(&store->channels);
    attachments_close(&store->attachments);
    garbage_free(&store->garbage, &store->alloc);
    for (uint32_t i = 0; i < store->shard_count; i++) shard_close(&store->shards[i]);
    alloc_free(&store->alloc, store->shards, store->shard_capacity * sizeof *store->shards);
    grace_destroy(&store->grace);
    view_destroy(store->view);
    struct alloc alloc = store->alloc; /* it holds nothing itself, and must outlive the block it
                                          lies in */
    alloc_free(&alloc, store, sizeof *store);
}

static kv_status store_build(struct store *store, const kv_options *options)
{
    struct random random;
    store->databases = options->databases;
    store->shard_bits = store_log2(options->shards);
    store_seed(store, options->seed, &random);
    store_set_defaults(store);
    clock_init(&store->clock, options->clock);
    lock_init(&store->garbage_lock);
    pages_init(&store->pages, &store->alloc);
    lines_init(&store->lines, &store->alloc, &store->pages.chunks);
    grace_init(&store->grace, &store->lines);
    channels_init(&store->channels, &store->alloc, &store->hash_key);
    attachments_init(&store->attachments, &store->alloc);
    store->view = view_create(store);
    if (store->view == NULL) return KV_NOMEM;
    store->shards =
        alloc_get_aligned(&store->alloc, options->shards * sizeof *store->shards, KV_CACHE_LINE);
    if (store->shards == NULL) return KV_NOMEM;
    store->shard_capacity = options->shards;
    while (store->shard_count < options->shards) {
        struct shard *shard = &store->shards[store->shard_count];
        kv_status status = shard_open(shard, store, store->shard_count);
        if (status != KV_OK) return status;
        random_seed(&shard->random, random_next(&random));
        store->shard_count++;
    }
    return options->background ? store_start_background(store) : KV_OK;
}

kv_status kv_open(const kv_options *given, kv **db)
{
    kv_options options;
    if (db == NULL || !store_read_options(given, &options)) return KV_BADARG;
    struct alloc alloc;
    alloc_init(&alloc, options.allocator);
    struct store *store = alloc_get_aligned(&alloc, sizeof *store, KV_CACHE_LINE);
    if (store == NULL) return KV_NOMEM;
    memset(store, 0, sizeof *store);
    alloc_init(&store->alloc, options.allocator);
    alloc_adopt(&store->alloc, sizeof *store);
    kv_status status = store_build(store, &options);
    if (status != KV_OK) {
        store_destroy(store);
        return status;
    }
    *db = &store->view->databases[0];
    return KV_OK;
}

void kv_close(kv *db)
{
    if (db != NULL) store_destroy(db->view->store);
}

kv *kv_select(kv *db, uint32_t index)
{
    if (db == NULL || index >= db->view->store->databases || db->view->databases == NULL)
        return NULL;
    return &db->view->databases[index];
}

uint32_t kv_database(const kv *db)
{
    return db->database;
}

uint32_t kv_databases(const kv *db)
{
    return db->view->store->databases;
}

int64_t kv_now(kv *db)
{
    return view_now(db->view);
}

const char *kv_version(void)
{
    return KV_VERSION_TEXT;
}

const char *kv_strerror(kv_status status)
{
    switch (status) {
    case KV_OK: return "done";
    case KV_NONE: return "no such key, element or position";
    case KV_SKIPPED: return "the condition did not hold";
    case KV_CONFLICT: return "a watched key has changed";
    case KV_TIMEOUT: return "the time given has passed";
    case KV_PENDING: return "waiting";
    case KV_MORE: return "there is more to do";
    case KV_GAP: return "changes are missing";
    case KV_BUSY: return "another such operation is under way";
    case KV_CANCELLED: return "it was ended before it was complete";
    case KV_WRONGTYPE: return "the key holds a value of another type";
    case KV_BADARG: return "an argument is outside its range";
    case KV_NOMEM: return "memory is exhausted";
    case KV_NOTINT: return "the value is not an integer or out of range";
    case KV_NOTFLOAT: return "the value is not a number";
    case KV_OVERFLOW: return "the result would overflow";
    case KV_TOOBIG: return "the value would be too large";
    case KV_NOTLOCKED: return "the transaction did not declare this key";
    case KV_READONLY: return "writes are refused at present";
    case KV_NOTFOUND: return "there is no such key";
    case KV_NOTFINITE: return "the result would not be a finite number";
    case KV_NOTHLL: return "the string is not a HyperLogLog";
    case KV_CORRUPT: return "the value is corrupt";
    case KV_NOGROUP: return "the stream has no such consumer group";
    case KV_IOERROR: return "a file could not be read or written";
    case KV_LOST: return "the state that the view shows could not be kept";
    case KV_BADSUM: return "the checksum or the version of the bytes is wrong";
    }
    return "unknown status";
}

/* ---------------------------------------------------------------------------------------- ticks */

kv_status kv_tick(kv *db, int64_t budget_us)
{
    if (db == NULL || !view_is_plain(db->view) || budget_us < 0) return KV_BADARG;
    struct store *store = db->view->store;
    struct budget budget = {&store->clock, 0};
    if (budget_us > 0) budget.until_us = clock_monotonic_us(&store->clock) + budget_us;
    bool is_done = reclaim_expired(store, view_now(db->view), &budget) &&
                   reclaim_flushed(store, &budget) && reclaim_garbage(store, &budget);
    grace_collect(&store->grace);
    return is_done ? KV_OK : KV_MORE;
}

int64_t kv_next_deadline(kv *db)
{
    if (db == NULL) return KV_NEVER;
    struct store *store = db->view->store;
    lock_lock(&store->garbage_lock);
    bool owes = !garbage_is_empty(&store->garbage);
    lock_unlock(&store->garbage_lock);
    int64_t next_ms = KV_NEVER;
    enum store_expiry expiry = store_active_expiry(store);
    for (uint32_t i = 0; i < store->shard_count && !owes; i++) {
        struct shard *shard = &store->shards[i];
        int64_t of_shard_ms = shard_next_deadline(shard, expiry);
        if (of_shard_ms < next_ms) next_ms = of_shard_ms;
        owes = atomic_load_explicit(&shard->has_flushed, memory_order_relaxed);
    }
    return owes ? 0 : next_ms;
}

/* ---------------------------------------------------------------------------- settings, numbers */

/*
 * Locks a shard unless the view's transaction holds it; returns whether to unlock. A shard that a
 * transaction does not hold is waited for only by views outside of transactions, so numbers inside
 * one are of its own shards.
 */
static bool store_enter_shard(kv *db, struct shard *shard)
{
    if (db->view->txn != NULL) return false;
    lock_lock(&shard->lock);
    return true;
}

static bool store_may_enter(kv *db, const struct shard *shard)
{
    return db->view->txn == NULL || txn_holds(db->view->txn, shard);
}

/* Entries that are looked at before a shard's lock is let go. */
#define STORE_FORGET_BATCH 256

/*
 * What was set on top of another store's data is part of this one's now: should it become a copy
 * again, it is for that other store to say when it goes, which may have it from here.
 */
static void store_forget_local(kv *db)
{
    struct store *store = db->view->store;
    for (uint32_t i = 0; i < store->shard_count; i++) {
        struct shard *shard = &store->shards[i];
        if (!store_may_enter(db, shard)) continue;
        for (bool is_done = false; !is_done;) {
            bool is_entered = store_enter_shard(db, shard);
            is_done = shard_forget_local(shard, STORE_FORGET_BATCH);
            if (is_entered) lock_unlock(&shard->lock);
        }
    }
}

static bool store_setting_is_valid(kv_setting setting, int64_t value)
{
    switch (setting) {
    case KV_SETTING_ACTIVE_EXPIRE:
    case KV_SETTING_ACCEPT_WRITES: return value == 0 || value == 1;
    case KV_SETTING_EXPIRE: return value >= STORE_EXPIRES_NEVER && value <= STORE_HIDES_EXPIRED;
    case KV_SETTING_MAX_VALUE_SIZE: return value >= 1024 && (uint64_t)value <= SIZE_MAX / 4;
    case KV_SETTING_LIST_PACK_SIZE: return value >= -5 && value != 0 && value <= INT32_MAX;
    case KV_SETTING_EVENTS:
        return (value & ~(int64_t)(KV_EVENT_BY_KEY | KV_EVENT_BY_NAME | EVENTS_CLASSES)) == 0;
    case KV_SETTING_HASH_PACK_COUNT:
    case KV_SETTING_HASH_PACK_VALUE:
    case KV_SETTING_SET_PACK_COUNT:
    case KV_SETTING_SET_PACK_VALUE:
    case KV_SETTING_SORTED_SET_PACK_COUNT:
    case KV_SETTING_SORTED_SET_PACK_VALUE:
    case KV_SETTING_SET_INTEGER_COUNT:
    case KV_SETTING_STREAM_NODE_SIZE:
    case KV_SETTING_STREAM_NODE_COUNT:
    case KV_SETTING_HLL_SPARSE_SIZE:
    case KV_SETTING_SNAPSHOT_MEMORY: return value >= 0 && (uint64_t)value <= SIZE_MAX;
    case KV_SETTING_COUNT: break;
    }
    return false;
}

kv_status kv_configure(kv *db, kv_setting setting, int64_t value)
{
    if (db == NULL || !store_setting_is_valid(setting, value)) return KV_BADARG;
    _Atomic int64_t *kept = &db->view->store->settings[setting];
    int64_t old = atomic_exchange_explicit(kept, value, memory_order_relaxed);
    bool was_copy = setting == KV_SETTING_EXPIRE && old == STORE_HIDES_EXPIRED;
    if (was_copy && value != old) store_forget_local(db);
    return KV_OK;
}

kv_status kv_configuration(kv *db, kv_setting setting, int64_t *value)
{
    if (db == NULL || value == NULL || (unsigned)setting >= KV_SETTING_COUNT) return KV_BADARG;
    *value = store_setting(db->view->store, setting);
    return KV_OK;
}

static void store_add_shard(kv_statistics *sum, struct shard *shard)
{
    sum->hits += shard->hits;
    sum->misses += shard->misses;
    sum->expired += shard->expired;
    sum->evicted += shard->evicted;
    sum->expired_fields += shard->expired_fields;
    sum->changes += shard->changes;
    sum->freed_later += shard->freed_later;
    for (const struct flushed *at = shard->flushed; at != NULL; at = at->next)
        sum->owed += at->keys;
    for (uint32_t i = 0; i < shard->store->databases; i++) {
        struct space *space = shard_peek_space(shard, i);
        if (space == NULL) continue;
        sum->keys += space->table.count;
        sum->bytes_tables += space->table.bytes;
        sum->keys_with_ttl += space_timed(space);
    }
}

/* Under the lock of any shard, as a snapshot comes and goes while all are held. */
static void store_add_snapshot(kv_statistics *sum, const struct store *store)
{
    kv_snapshot_progress progress = KV_OPTIONS(kv_snapshot_progress);
    if (store->snapshot == NULL) return;
    (void)kv_snapshot_stats(store->snapshot, &progress);
    sum->snapshot_keys = progress.keys;
    sum->snapshot_keys_total = progress.keys_total;
    sum->snapshot_held = progress.held;
}

/* How long the earliest of all deadlines has passed. */
static int64_t store_overdue_ms(kv *db)
{
    struct store *store = db->view->store;
    int64_t now_ms = view_now(db->view), next_ms = now_ms;
    for (uint32_t i = 0; i < store->shard_count; i++) {
        struct shard *shard = &store->shards[i];
        int64_t of_shard_ms = atomic_load_explicit(&shard->next_deadline_ms, memory_order_relaxed);
        if (of_shard_ms < next_ms) next_ms = of_shard_ms;
    }
    return now_ms - next_ms;
}

kv_status kv_stats(kv *db, kv_statistics *statistics)
{
    if (db == NULL || statistics == NULL) return KV_BADARG;
    size_t size = statistics->size;
    if (size < sizeof size || size > sizeof *statistics) return KV_BADARG;
    struct store *store = db->view->store;
    kv_statistics sum = KV_OPTIONS(kv_statistics);
    for (uint32_t i = 0; i < store->shard_count; i++) {
        struct shard *shard = &store->shards[i];
        if (!store_may_enter(db, shard)) continue;
        bool is_entered = store_enter_shard(db, shard);
        store_add_shard(&sum, shard);
        store_add_snapshot(&sum, store);
        if (is_entered) lock_unlock(&shard->lock);
    }
    sum.size = size;
    sum.overdue_ms = store_overdue_ms(db);
    sum.bytes = alloc_used(&store->alloc);
    sum.bytes_peak = alloc_peak(&store->alloc);
    sum.waiters = atomic_load_explicit(&store->waiters, memory_order_relaxed);
    sum.watched = atomic_load_explicit(&store->watched, memory_order_relaxed);
    sum.waited_keys = atomic_load_explicit(&store->waited_keys, memory_order_relaxed);
    sum.owed += atomic_load_explicit(&store->owed, memory_order_relaxed);
    sum.freed_later += atomic_load_explicit(&store->freed_later, memory_order_relaxed);
    sum.shards = store->shard_count;
    sum.databases = store->databases;
    memcpy(statistics, &sum, size);
    return KV_OK;
}

void kv_stats_reset(kv *db)
{
    if (db == NULL) return;
    struct store *store = db->view->store;
    for (uint32_t i = 0; i < store->shard_count; i++) {
        struct shard *shard = &store->shards[i];
        if (!store_may_enter(db, shard)) continue;
        bool is_entered = store_enter_shard(db, shard);
        shard->hits = shard->misses = shard->expired = shard->evicted = 0;
        shard->expired_fields = 0;
        shard->freed_later = 0;
        if (is_entered) lock_unlock(&shard->lock);
    }
    atomic_store_explicit(&store->freed_later, 0, memory_order_relaxed);
    alloc_reset_peak(&store->alloc);
}

/* Keys whose time left is averaged, in each shard. */
#define STORE_TTL_SAMPLE 16

struct store_ttl_sample {
    int64_t now_ms;
    int64_t sum_ms;
    int64_t count;
};

static void store_sample_ttl(kv *db, const struct space *space, struct random *random,
                             struct store_ttl_sample *sample)
{
    for (int i = 0; i < STORE_TTL_SAMPLE && space->table.count > 0; i++) {
        const struct entry *entry = table_random(&space->table, random);
        int64_t deadline_ms = entry_deadline(entry);
        if (deadline_ms == KV_NEVER || deadline_ms < sample->now_ms) continue;
        if (db->view->frozen != NULL && !era_is_old(space, entry, ENTRY_FROZEN_ERA)) continue;
        int64_t ttl_ms = deadline_ms - sample->now_ms;
        if (sample->sum_ms > INT64_MAX - ttl_ms) continue;
        sample->sum_ms += ttl_ms;
        sample->count++;
    }
}

kv_status kv_database_stats(kv *db, kv_database_info *info)
{
    if (db == NULL || info == NULL || info->size < sizeof info->size || info->size > sizeof *info)
        return KV_BADARG;
    struct store *store = db->view->store;
    kv_database_info sum = {.size = info->size};
    struct store_ttl_sample sample = {view_now(db->view), 0, 0};
    const struct frozen *frozen = db->view->frozen;
    if (frozen != NULL && frozen_is_lost(frozen)) return KV_LOST;
    for (uint32_t i = 0; i < store->shard_count; i++) {
        struct shard *shard = &store->shards[i];
        if (!store_may_enter(db, shard)) continue;
        bool is_entered = store_enter_shard(db, shard);
        const struct space *space = frozen != NULL ? frozen_space(frozen, shard, db->database)
                                                   : shard_peek_space(shard, db->database);
        if (space != NULL) {
            sum.keys += space->table.count;
            uint64_t timed = space_timed(space);
            sum.keys_with_ttl += timed;
            if (timed > 0) store_sample_ttl(db, space, &shard->random, &sample);
        }
        if (is_entered) lock_unlock(&shard->lock);
    }
    if (frozen != NULL) {
        sum.keys = frozen->counts[db->database].keys;
        sum.keys_with_ttl = frozen->counts[db->database].timed;
    }
    if (sample.count > 0) sum.average_ttl_ms = sample.sum_ms / sample.count;
    memcpy(info, &sum, info->size);
    return KV_OK;
}

void kv_check(kv *db)
{
#if KV_DEBUG > 0
    if (db == NULL) return;
    struct store *store = db->view->store;
    bool is_held = db->view->txn != NULL;
    if (!is_held) store_lock_all(store);
    for (uint32_t i = 0; i < store->shard_count; i++) {
        if (!is_held || txn_holds(db->view->txn, &store->shards[i])) shard_check(&store->shards[i]);
    }
    if (!is_held) store_unlock_all(store);
    channels_check(&store->channels);
#else
    (void)db;
#endif
}

/* -------------------------------------------------------------------------------- private views */

static bool store_is_private(const kv *view)
{
    return view != NULL && view_is_plain(view->view) && (view->view->flags & VIEW_PINNED) != 0;
}

kv_status kv_view_open(kv *db, kv **view)
{
    if (db == NULL || view == NULL || !view_is_plain(db->view)) return KV_BADARG;
    struct view *private = view_create(db->view->store);
    if (private == NULL) return KV_NOMEM;
    private->flags = VIEW_PINNED;
    *view = &private->databases[db->database];
    kv_view_refresh(*view);
    return KV_OK;
}

void kv_view_refresh(kv *view)
{
    if (!store_is_private(view)) return;
    view->view->now_ms = clock_wall_ms(&view->view->store->clock);
}

void kv_view_close(kv *view)
{
    if (store_is_private(view)) view_destroy(view->view);
}

static void view_set_flag(kv *view, unsigned flag, bool is_set)
{
    if (view == NULL || (view->view->flags & VIEW_PINNED) == 0) return;
    if (view->view->frozen != NULL) return;
    if (is_set) view->view->flags |= flag;
    else view->view->flags &= ~flag;
}

void kv_view_touches(kv *view, bool touches)
{
    view_set_flag(view, VIEW_UNTOUCHING, !touches);
}

void kv_view_expires(kv *view, bool expires)
{
    view_set_flag(view, VIEW_TIMELESS, !expires);
}

/* -------------------------------------------------------------------------------------- journal */

static kv_status follower_add(kv *db, kv_journal *journal, void *context, bool hears_messages,
                              kv_follower **follower)
{
    if (db == NULL || journal == NULL || follower == NULL || !view_is_plain(db->view))
        return KV_BADARG;
    struct store *store = db->view->store;
    struct kv_follower *added = alloc_get(&store->alloc, sizeof *added);
    if (added == NULL) return KV_NOMEM;
    *added = (struct kv_follower){NULL, store, journal, context, hears_messages};
    store_lock_all(store);
    struct kv_follower **last = &store->followers;
    while (*last != NULL) last = &(*last)->next;
    *last = added;
    store->message_followers += hears_messages;
    store_unlock_all(store);
    *follower = added;
    return KV_OK;
}

kv_status kv_follow(kv *db, kv_journal *journal, void *context, kv_follower **follower)
{
    return follower_add(db, journal, context, false, follower);
}

kv_status kv_follow_messages(kv *db, kv_journal *journal, void *context, kv_follower **follower)
{
    return follower_add(db, journal, context, true, follower);
}

void kv_unfollow(kv_follower *follower)
{
    if (follower == NULL) return;
    struct store *store = follower->store;
    store_lock_all(store);
    struct kv_follower **at = &store->followers;
    while (*at != follower) at = &(*at)->next;
    *at = follower->next;
    store->message_followers -= follower->hears_messages;
    store_unlock_all(store);
    alloc_free(&store->alloc, follower, sizeof *follower);
}

/* ---------------------------------------------------------------------------------- attachments */

kv_status kv_attach(kv *db, kv_slice name, void *data)
{
    return db != NULL ? attachments_add(&db->view->store->attachments, name, data) : KV_BADARG;
}

kv_status kv_attached(kv *db, kv_slice name, void **data)
{
    if (db == NULL) return KV_BADARG;
    return attachments_find(&db->view->store->attachments, name, false, data);
}

kv_status kv_detach(kv *db, kv_slice name, void **data)
{
    if (db == NULL) return KV_BADARG;
    return attachments_find(&db->view->store->attachments, name, true, data);
}
