/*
 * keyspace/snapshot.c -- see snapshot.h.
 */
#include "keyspace/snapshot.h"

#include "base/bytes.h"
#include "base/crc64.h"
#include "keyspace/era.h"
#include "keyspace/shard.h"

#include <sched.h>

/*
 * Entries looked at while a shard is held: as many as are fetched ahead at once, and processors
 * forget what is more than they have buffers for. Bytes of records after which it is let go.
 */
#define SNAPSHOT_BATCH       9
#define SNAPSHOT_SLICE_BYTES (16 * 1024)

/* What the walk hands out at a time; a buffer with more room than the second is freed. */
#define SNAPSHOT_PIECE     (64 * 1024)
#define SNAPSHOT_SPARE_MAX (256 * 1024)

#define SNAPSHOT_NO_SHARD  UINT32_MAX

_Static_assert(SNAPSHOT_BATCH % TABLE_SLOTS == 0, "whole buckets");

static bool snapshot_goes_on(const struct kv_snapshot *snapshot)
{
    return atomic_load_explicit(&snapshot->status, memory_order_relaxed) == KV_MORE;
}

/* Ends it for this reason, unless there was one before. */
static void snapshot_fail(struct kv_snapshot *snapshot, kv_status status)
{
    int going = KV_MORE;
    (void)atomic_compare_exchange_strong(&snapshot->status, &going, (int)status);
    atomic_store_explicit(&snapshot->store->snapshot_is_full, false, memory_order_relaxed);
}

static uint64_t snapshot_limit(const struct store *store)
{
    return (uint64_t)store_setting(store, KV_SETTING_SNAPSHOT_MEMORY);
}

/* --------------------------------------------------------------------------------------- saving */

/* Counts what a part has more. */
static void snapshot_count_held(struct kv_snapshot *snapshot, size_t size)
{
    uint64_t held = atomic_fetch_add_explicit(&snapshot->held, size, memory_order_relaxed) + size;
    if (held > atomic_load_explicit(&snapshot->held_peak, memory_order_relaxed))
        atomic_store_explicit(&snapshot->held_peak, held, memory_order_relaxed);
    if (KV_UNLIKELY(held > snapshot_limit(snapshot->store)))
        atomic_store_explicit(&snapshot->store->snapshot_is_full, true, memory_order_relaxed);
}

/* Writes an entry's record to a part, and gives its size; 0 without memory. */
static size_t snapshot_write_record(struct kv_snapshot *snapshot, struct snapshot_part *part,
                                    uint32_t database, const struct entry *entry)
{
    struct rdb_sink sink;
    rdb_sink_open_within(&sink, &part->buffer, &snapshot->store->alloc);
    sink.is_uncompressed = snapshot->rules.is_uncompressed;
    if (part->buffer.size == 0 || part->database != database) {
        rdb_write_byte(&sink, RDB_OPCODE_DATABASE);
        rdb_write_length(&sink, database);
    }
    record_write(&sink, entry, &snapshot->rules);
    if (rdb_sink_append(&sink) != KV_OK) return 0;
    part->database = database;
    return sink.size;
}

/* Writes an entry to a part, if the snapshot still wants it. */
static size_t snapshot_take(struct kv_snapshot *snapshot, struct snapshot_part *part,
                            const struct space *space, const struct entry *entry)
{
    if (!snapshot_goes_on(snapshot)) return 0;
    size_t size = snapshot_write_record(snapshot, part, space->origin, entry);
    if (size == 0) snapshot_fail(snapshot, KV_NOMEM);
    return size;
}

KV_INTERNAL void snapshot_save(struct kv_snapshot *snapshot, const struct shard *shard,
                               const struct space *space, const struct entry *entry)
{
    size_t size = snapshot_take(snapshot, &snapshot->parts[shard->index], space, entry);
    if (size == 0) return;
    snapshot_count_held(snapshot, size);
    atomic_fetch_add_explicit(&snapshot->saved, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&snapshot->keys, 1, memory_order_relaxed);
}

/* ---------------------------------------------------------------------------------- writing out */

/* Whoever waits gets the output before one who has just had it. */
static void snapshot_take_output(struct kv_snapshot *snapshot)
{
    pthread_mutex_lock(&snapshot->next);
    pthread_mutex_lock(&snapshot->output);
    pthread_mutex_unlock(&snapshot->next);
}

/* Lets go of the output for those who wait for it, if there are any. */
static void snapshot_let_help(struct kv_snapshot *snapshot)
{
    if (atomic_load_explicit(&snapshot->helpers, memory_order_relaxed) == 0) return;
    pthread_mutex_unlock(&snapshot->output);
    snapshot_take_output(snapshot);
}

/* Hands bytes to the host. */
static void snapshot_put(struct kv_snapshot *snapshot, kv_slice bytes)
{
    if (bytes.size == 0 || !snapshot_goes_on(snapshot)) return;
    if (snapshot->is_summed) snapshot->sum = crc64(snapshot->sum, bytes);
    kv_status status = snapshot->writer(snapshot->context, bytes);
    if (status == KV_MORE) status = KV_IOERROR; /* it would mean that the snapshot goes on */
    if (status != KV_OK) snapshot_fail(snapshot, status);
    atomic_fetch_add_explicit(&snapshot->bytes, bytes.size, memory_order_relaxed);
}

static void snapshot_free_buffer(struct kv_snapshot *snapshot, kv_buffer *buffer)
{
    alloc_free(&snapshot->store->alloc, buffer->data, buffer->capacity);
    *buffer = (kv_buffer){0};
}

/* Takes what a shard's part holds; its lock is held. It gets the room of what was taken before. */
static void snapshot_take_part(struct kv_snapshot *snapshot, uint32_t index)
{
    struct snapshot_part *part = &snapshot->parts[index];
    kv_buffer taken = part->buffer;
    part->buffer = snapshot->spare;
    snapshot->spare = taken;
    uint64_t held = atomic_fetch_sub_explicit(&snapshot->held, taken.size, memory_order_relaxed);
    if (held - taken.size <= snapshot_limit(snapshot->store) / 2)
        atomic_store_explicit(&snapshot->store->snapshot_is_full, false, memory_order_relaxed);
}

static void snapshot_empty(struct kv_snapshot *snapshot, kv_buffer *buffer)
{
    buffer->size = 0;
    if (buffer->capacity > SNAPSHOT_SPARE_MAX) snapshot_free_buffer(snapshot, buffer);
}

/* Writes out a buffer and empties it. */
static void snapshot_put_buffer(struct kv_snapshot *snapshot, kv_buffer *buffer)
{
    snapshot_put(snapshot, (kv_slice){buffer->data, buffer->size});
    snapshot_empty(snapshot, buffer);
}

/* Adds what was taken from a part to the piece, in as few calls of the writer as may be. */
static void snapshot_gather(struct kv_snapshot *snapshot, uint32_t database)
{
    kv_buffer *taken = &snapshot->spare;
    struct rdb_sink sink;
    rdb_sink_open_within(&sink, &snapshot->piece.buffer, &snapshot->store->alloc);
    bool is_small = taken->size < SNAPSHOT_PIECE;
    if (is_small) rdb_write_bytes(&sink, (kv_slice){taken->data, taken->size});
    if (!is_small || rdb_sink_append(&sink) != KV_OK) {
        snapshot_put_buffer(snapshot, taken);
        return;
    }
    snapshot->piece.database = database;
    snapshot_empty(snapshot, taken);
    if (snapshot->piece.buffer.size >= SNAPSHOT_PIECE)
        snapshot_put_buffer(snapshot, &snapshot->piece.buffer);
}

/* Takes what a shard's part holds; gives how much that is. The output is held. */
static size_t snapshot_drain(struct kv_snapshot *snapshot, uint32_t index)
{
    struct shard *shard = &snapshot->store->shards[index];
    struct snapshot_part *part = &snapshot->parts[index];
    lock_lock(&shard->lock);
    size_t size = part->buffer.size;
    uint32_t database = part->database;
    if (size > 0) snapshot_take_part(snapshot, index);
    lock_unlock(&shard->lock);
    if (size > 0) snapshot_gather(snapshot, database);
    return size;
}

/* Takes from all parts, beginning with this one, until it is a piece. The output is held. */
static void snapshot_drain_piece(struct kv_snapshot *snapshot, uint32_t index)
{
    uint32_t shards = snapshot->store->shard_count;
    size_t size = 0;
    for (uint32_t i = 0; i < shards && size < SNAPSHOT_PIECE && snapshot_goes_on(snapshot); i++)
        size += snapshot_drain(snapshot, (index + i) & (shards - 1));
}

KV_INTERNAL KV_NOINLINE void snapshot_help(struct store *store, uint32_t index)
{
    /* It stays while somebody holds a shard. */
    lock_lock(&store->shards[index].lock);
    struct kv_snapshot *snapshot = store->snapshot;
    if (snapshot != NULL) atomic_fetch_add_explicit(&snapshot->helpers, 1, memory_order_relaxed);
    lock_unlock(&store->shards[index].lock);
    if (snapshot == NULL) return;
    snapshot_take_output(snapshot);
    if (atomic_load_explicit(&store->snapshot_is_full, memory_order_relaxed)) {
        snapshot_put_buffer(snapshot, &snapshot->spare); /* the header, if nobody has begun */
        snapshot_drain_piece(snapshot, index);
        atomic_fetch_add_explicit(&snapshot->helped, 1, memory_order_relaxed);
    }
    pthread_mutex_unlock(&snapshot->output);
    atomic_fetch_sub_explicit(&snapshot->helpers, 1, memory_order_release);
}

/* ------------------------------------------------------------------------------------- the walk */

/* Fetches what entries point to whose values lie elsewhere. */
static void snapshot_fetch_values(void *const *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct entry *entry = items[i];
        if (KV_LIKELY(entry_form(entry) <= ENTRY_INTEGER)) continue;
        const char *value = entry_pointer(entry); /* with a bit or two of a collection's kind */
        KV_PREFETCH(value);
        KV_PREFETCH(value + KV_CACHE_LINE);
    }
}

/*
 * One slice of a space, whose shard is held. False when the walk has passed all of it. A slice that
 * has become long ends before it is through what it was given, and the next begins there again: it
 * knows by the eras what is done.
 */
static bool snapshot_walk(struct kv_snapshot *snapshot, struct space *space)
{
    void *items[SNAPSHOT_BATCH];
    struct table_frontier before = space->frontier;
    size_t count = table_advance(&space->table, &space->frontier, items, SNAPSHOT_BATCH);
    size_t size = 0;
    uint64_t keys = 0;
    snapshot_fetch_values(items, count);
    for (size_t i = 0; i < count; i++) {
        if (size > SNAPSHOT_SLICE_BYTES) {
            space->frontier = before;
            break;
        }
        if (!era_is_old(space, items[i], ENTRY_SNAPSHOT_ERA)) continue;
        if (snapshot != NULL) size += snapshot_take(snapshot, &snapshot->piece, space, items[i]);
        era_turn(items[i], ENTRY_SNAPSHOT_ERA);
        keys++;
    }
    if (snapshot != NULL && keys > 0)
        atomic_fetch_add_explicit(&snapshot->keys, keys, memory_order_relaxed);
    space->is_unsaved = !space->frontier.is_over;
    return space->is_unsaved;
}

/* The first space of a shard that the walk has not passed; NULL: it has passed all. */
static struct space *snapshot_next_space(const struct shard *shard)
{
    for (struct flushed *at = shard->kept; at != NULL; at = at->next)
        if (at->space.is_unsaved) return &at->space;
    for (uint32_t i = 0; i < shard->store->databases; i++) {
        struct space *space = shard_peek_space(shard, i);
        if (space != NULL && space->is_unsaved) return space;
    }
    return NULL;
}

/* Goes on in a shard, which is held. False when nothing is left there. */
static bool snapshot_walk_shard(struct kv_snapshot *snapshot, struct shard *shard)
{
    struct space *space = snapshot_next_space(shard);
    if (space == NULL) return false;
    if (!snapshot_walk(snapshot, space)) shard_release_kept(shard);
    return true;
}

/* Fetches the entries of a shard's next slice, without its lock. */
KV_NO_TSAN static void snapshot_fetch_ahead(struct store *store, const struct shard *shard)
{
    uint32_t ticket = grace_enter(&store->grace);
    const struct space *space = shard_peek_space(shard, 0);
    for (uint32_t i = 1; i < store->databases && !space->is_unsaved; i++) {
        const struct space *other = shard_peek_space(shard, i);
        if (other != NULL) space = other;
    }
    struct table_frontier frontier = space->frontier;
    if (space->is_unsaved)
        table_fetch_ahead(&space->table, &frontier, SNAPSHOT_BATCH / TABLE_SLOTS);
    grace_leave(&store->grace, ticket);
}

/* The next lane that is in a shard; NULL: all shards are done. */
static uint32_t *snapshot_next_lane(struct kv_snapshot *snapshot)
{
    for (unsigned i = 0; i < SNAPSHOT_LANES; i++) {
        uint32_t *lane = &snapshot->lanes[snapshot->turn++ % SNAPSHOT_LANES];
        if (*lane == SNAPSHOT_NO_SHARD && snapshot->next_shard < snapshot->store->shard_count)
            *lane = snapshot->next_shard++;
        if (*lane != SNAPSHOT_NO_SHARD) return lane;
    }
    return NULL;
}

/*
 * One slice, and the piece that it filled is written out. False: nothing was left. The output is
 * held.
 */
static bool snapshot_slice(struct kv_snapshot *snapshot)
{
    uint32_t *lane = snapshot_next_lane(snapshot);
    if (lane == NULL) return false;
    uint32_t index = *lane;
    struct shard *shard = &snapshot->store->shards[index];
    lock_lock(&shard->lock);
    bool goes_on = snapshot_walk_shard(snapshot, shard);
    lock_unlock(&shard->lock);
    if (goes_on) {
        snapshot_fetch_ahead(snapshot->store, shard);
    } else {
        *lane = SNAPSHOT_NO_SHARD;
        (void)snapshot_drain(snapshot, index); /* nobody adds to it any more */
    }
    if (snapshot->piece.buffer.size >= SNAPSHOT_PIECE)
        snapshot_put_buffer(snapshot, &snapshot->piece.buffer);
    /* Writers fill the others' parts. */
    uint64_t held = atomic_load_explicit(&snapshot->held, memory_order_relaxed);
    if (held > snapshot_limit(snapshot->store) / 4) snapshot_drain_piece(snapshot, index);
    return true;
}

/* -------------------------------------------------------------------------------- head and tail */

/* "REDIS0010" and what the host has to say. */
static void snapshot_write_header(const struct kv_snapshot *snapshot, struct rdb_sink *sink,
                                  const kv_snapshot_options *options)
{
    char magic[] = "REDIS0010";
    unsigned version = snapshot->rules.version == 0 ? RDB_VERSION : snapshot->rules.version;
    magic[7] = (char)('0' + version / 10);
    magic[8] = (char)('0' + version % 10);
    rdb_write_bytes(sink, kv_bytes(magic, sizeof magic - 1));
    for (size_t i = 0; i + 1 < options->aux_count; i += 2) {
        rdb_write_byte(sink, RDB_OPCODE_AUX);
        rdb_write_text(sink, options->aux[i]);
        rdb_write_text(sink, options->aux[i + 1]);
    }
}

/* How many keys each database has; every shard is held. */
static void snapshot_write_sizes(struct kv_snapshot *snapshot, struct rdb_sink *sink)
{
    const struct store *store = snapshot->store;
    for (uint32_t d = 0; d < store->databases; d++) {
        uint64_t keys = 0, timed = 0;
        for (uint32_t i = 0; i < store->shard_count; i++) {
            const struct space *space = shard_peek_space(&store->shards[i], d);
            if (space == NULL) continue;
            keys += space->table.count;
            timed += space_timed(space);
        }
        if (keys == 0) continue;
        snapshot->keys_total += keys;
        rdb_write_byte(sink, RDB_OPCODE_DATABASE);
        rdb_write_length(sink, d);
        rdb_write_byte(sink, RDB_OPCODE_SIZES);
        rdb_write_length(sink, keys);
        rdb_write_length(sink, timed);
    }
}

static void snapshot_write_end(struct kv_snapshot *snapshot)
{
    snapshot_put_buffer(snapshot, &snapshot->piece.buffer);
    uint8_t end[9] = {RDB_OPCODE_END};
    uint64_t sum = snapshot->is_summed ? crc64(snapshot->sum, kv_bytes(end, 1)) : 0;
    bytes_store64(end + 1, sum);
    snapshot_put(snapshot, kv_bytes(end, sizeof end));
    int going = KV_MORE;
    (void)atomic_compare_exchange_strong(&snapshot->status, &going, KV_OK);
}

/* ---------------------------------------------------------------------------------------- whole */

/* The instant: what is there now is of the old era. */
static void snapshot_turn(struct kv_snapshot *snapshot)
{
    struct store *store = snapshot->store;
    for (uint32_t i = 0; i < store->shard_count; i++) {
        for (uint32_t d = 0; d < store->databases; d++) {
            struct space *space = shard_peek_space(&store->shards[i], d);
            if (space == NULL || space->table.count == 0) continue;
            space->eras ^= ENTRY_SNAPSHOT_ERA;
            space->is_unsaved = true;
            space->origin = d;
            space->frontier = (struct table_frontier){0};
        }
    }
    store->snapshot = snapshot;
}

KV_INTERNAL kv_status snapshot_begin(struct kv_snapshot *snapshot,
                                     const kv_snapshot_options *options)
{
    struct store *store = snapshot->store;
    struct rdb_sink sink;
    if (atomic_exchange_explicit(&store->snapshot_is_taken, true, memory_order_acquire))
        return KV_BUSY;
    atomic_store_explicit(&snapshot->status, KV_MORE, memory_order_relaxed);
    rdb_sink_open_within(&sink, &snapshot->spare, &store->alloc);
    for (unsigned i = 0; i < SNAPSHOT_LANES; i++) snapshot->lanes[i] = SNAPSHOT_NO_SHARD;
    store_lock_all(store);
    if (options->at_instant != NULL) options->at_instant(options->at_instant_context);
    snapshot_write_header(snapshot, &sink, options);
    snapshot_write_sizes(snapshot, &sink);
    kv_status status = rdb_sink_append(&sink);
    if (status == KV_OK) snapshot_turn(snapshot);
    store_unlock_all(store);
    return status;
}

KV_INTERNAL kv_status snapshot_step(struct kv_snapshot *snapshot, const struct budget *budget)
{
    snapshot_take_output(snapshot);
    snapshot_put_buffer(snapshot, &snapshot->spare); /* the header, at first */
    while (snapshot_goes_on(snapshot)) {
        if (!snapshot_slice(snapshot)) snapshot_write_end(snapshot);
        if (budget_is_spent(budget)) break;
        snapshot_let_help(snapshot);
    }
    pthread_mutex_unlock(&snapshot->output);
    return (kv_status)atomic_load_explicit(&snapshot->status, memory_order_relaxed);
}

/* Turns what the walk has not passed, in slices. */
static void snapshot_forgo_shard(struct kv_snapshot *snapshot, struct shard *shard)
{
    bool goes_on = true;
    while (goes_on) {
        lock_lock(&shard->lock);
        for (struct flushed *at = shard->kept; at != NULL; at = at->next)
            at->space.is_unsaved = false;
        shard_release_kept(shard);
        goes_on = snapshot_walk_shard(NULL, shard);
        snapshot_free_buffer(snapshot, &snapshot->parts[shard->index].buffer);
        lock_unlock(&shard->lock);
    }
}

KV_INTERNAL void snapshot_end(struct kv_snapshot *snapshot)
{
    struct store *store = snapshot->store;
    snapshot_fail(snapshot, KV_CANCELLED);
    store_lock_all(store);
    store->snapshot = NULL;
    store_unlock_all(store);
    while (atomic_load_explicit(&snapshot->helpers, memory_order_acquire) > 0) sched_yield();
    for (uint32_t i = 0; i < store->shard_count; i++)
        snapshot_forgo_shard(snapshot, &store->shards[i]);
    snapshot_free_buffer(snapshot, &snapshot->spare);
    snapshot_free_buffer(snapshot, &snapshot->piece.buffer);
    atomic_store_explicit(&store->snapshot_is_taken, false, memory_order_release);
}
