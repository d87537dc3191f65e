/*
 * keyspace/shard.h -- what happens to entries under their shard's lock, whoever asks for it.
 */
#ifndef KV_KEYSPACE_SHARD_H
#define KV_KEYSPACE_SHARD_H

#include "keyspace/store.h"
#include "keyspace/value.h"

/* Prepares a shard, which holds no memory but its array of spaces. KV_OK or KV_NOMEM. */
KV_INTERNAL kv_status shard_open(struct shard *shard, struct store *store, uint32_t index);

/* Frees all of it: entries, values, spaces. */
KV_INTERNAL void shard_close(struct shard *shard);

/* The space of a database, NULL if it had no key yet; also for readers without the lock. */
static inline struct space *shard_peek_space(const struct shard *shard, uint32_t database)
{
    if (KV_LIKELY(database == 0)) return (struct space *)&shard->first;
    return atomic_load_explicit(&shard->spaces[database - 1], memory_order_acquire);
}

/* The space of a database; creates it. NULL without memory. */
KV_INTERNAL struct space *shard_space(struct shard *shard, uint32_t database);

/* Counts an entry that has come (1) to the space or goes (-1), as it is at that moment. */
static inline void space_count(struct space *space, const struct entry *entry, int by)
{
    if (KV_LIKELY(entry_form(entry) <= ENTRY_INTEGER)) return;
    space->outside += (uint64_t)(by * (int)value_is_outside(entry));
    bool is_undated = entry_has_timed_fields(entry) && entry_deadline(entry) == KV_NEVER;
    space->undated += (uint64_t)(by * (int)is_undated);
}

/* How many keys of it have a deadline of their own. */
static inline uint64_t space_timed(const struct space *space)
{
    uint64_t timed = space->deadlines != NULL ? space->deadlines->count : 0;
    if (KV_UNLIKELY(space->local != NULL)) timed += space->local->count;
    return timed - space->undated;
}

/* The order of deadlines that an entry is in. */
static inline struct deadlines *space_order(const struct space *space, const struct entry *entry)
{
    return KV_UNLIKELY(entry_is_local(entry)) ? space->local : space->deadlines;
}

/* The hash of an entry's key; the table's kind. */
KV_INTERNAL_DATA const struct table_kind shard_table_kind;

/*
 * The entry of a key, expired or not; place.bucket is NULL if there is none. `space` may be NULL.
 */
static inline struct table_place shard_find(const struct space *space, uint64_t hash, kv_slice key)
{
    if (space == NULL) return (struct table_place){NULL, 0};
    return table_find(&space->table, hash, entry_has_key, &key);
}

/*
 * Writes an entry of this shape: in the place of the one there (`place`), or new if place->bucket
 * is NULL; *place receives where it is. Keeps the order of deadlines and the counts true. The old
 * value's payload is not freed, as the shape may go on using it. Returns KV_OK, or KV_NOMEM with
 * nothing changed.
 */
KV_INTERNAL kv_status shard_write(struct shard *shard, struct space *space, uint64_t hash,
                                  struct table_place *place, struct entry_shape *shape);

/*
 * Changes the place of a timed entry in the order of deadlines where it lies (entry_set_due), and
 * which order that is; it can hold the new place (entry_can_hold). KV_OK, or KV_NOMEM with nothing
 * changed.
 */
KV_INTERNAL kv_status shard_change_due(struct shard *shard, struct space *space,
                                       struct entry *entry, int64_t due_ms, bool is_local);

/*
 * Takes an entry out and frees it; its value, if it lies outside, goes to `garbage`, or stays with
 * the caller, who has taken it, if that is NULL.
 */
KV_INTERNAL void shard_remove(struct shard *shard, struct space *space, uint64_t hash,
                              struct table_place place, struct garbage *garbage);

/* A new version number of this shard. */
static inline uint64_t shard_next_version(struct shard *shard)
{
    return ++shard->last_version;
}

struct observed;

/* Not after the earliest deadline that shard_expire() cares about. Also without the lock. */
static inline int64_t shard_next_deadline(const struct shard *shard, enum store_expiry expiry)
{
    if (expiry == STORE_EXPIRES_NEVER) return KV_NEVER;
    const _Atomic int64_t *next_ms =
        expiry == STORE_HIDES_EXPIRED ? &shard->next_local_ms : &shard->next_deadline_ms;
    return atomic_load_explicit(next_ms, memory_order_relaxed);
}

/*
 * Removes keys and fields that are due, up to `limit` entries looked at, and tells journal and
 * observers; keys whose waiters mind it are added to *ready. DEADLINES_MORE if others are due.
 * *removed is increased, by keys. With STORE_HIDES_EXPIRED only what is local.
 */
KV_INTERNAL enum deadlines_outcome shard_expire(struct shard *shard, enum store_expiry expiry,
                                                int64_t now_ms, size_t limit,
                                                struct garbage *garbage, struct observed **ready,
                                                uint64_t *removed);

/*
 * Makes up to about `limit` entries that are local like any other; those for which there is no
 * memory stay. False if others are left to do.
 */
KV_INTERNAL bool shard_forget_local(struct shard *shard, size_t limit);

/* Recomputes next_deadline_ms and next_local_ms. */
KV_INTERNAL void shard_renew_deadline(struct shard *shard);

/* Exchanges the contents of two databases' spaces, both of which exist. */
KV_INTERNAL void shard_swap(struct shard *shard, uint32_t first, uint32_t second);

/*
 * Empties a space: its keys are gone at once, and wait to be freed in `record` (of alloc_get()),
 * which the shard owns now. `later`: they are counted when they are freed.
 */
KV_INTERNAL void shard_flush(struct shard *shard, uint32_t database, bool later,
                             struct flushed *record);

/* Lets those of shard->kept be freed that nobody wants any more. */
KV_INTERNAL void shard_release_kept(struct shard *shard);

/*
 * Takes over all keys of another shard of the same store and index, which nobody else knows of. The
 * databases where that has some are there in this one, and empty.
 */
KV_INTERNAL void shard_adopt(struct shard *shard, struct shard *from);

/* Frees up to about `limit` keys of flushed databases; true when nothing is left. */
KV_INTERNAL bool shard_free_flushed(struct shard *shard, size_t limit, struct garbage *garbage);

KV_INTERNAL void shard_check(const struct shard *shard);

#endif
