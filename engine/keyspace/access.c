/*
 * keyspace/access.c -- see access.h.
 */
#include "keyspace/access.h"

#include "base/number.h"
#include "keyspace/era.h"
#include "keyspace/frozen.h"
#include "keyspace/snapshot.h"
#include "keyspace/waiting.h"

/* Due keys that a write reclaims at most, on top of its own work, when nobody ticks. */
#define ACCESS_DEBT_SHARE 4

KV_INTERNAL int64_t access_now(struct access *access)
{
    if (access->known_now_ms < 0) access->known_now_ms = view_now(access->view);
    return access->known_now_ms;
}

/* What the entry remembers of the present. */
static uint32_t access_seconds(const struct access *access)
{
    if (access->known_now_ms >= 0) return (uint32_t)(access->known_now_ms / 1000);
    return view_seconds(access->view);
}

/* True if a deadline that the call sets is local: entry_is_local(). */
static bool access_is_local(const struct access *access)
{
    return view_expiry(access->view) == STORE_HIDES_EXPIRED;
}

KV_INTERNAL int64_t access_kept_deadline(struct access *access)
{
    if (access->entry == NULL) return KV_NEVER;
    access->keeps_deadline = true;
    return entry_deadline(access->entry);
}

KV_INTERNAL bool access_is_past(struct access *access, int64_t deadline_ms)
{
    return deadline_ms <= access_now(access) && view_expiry(access->view) == STORE_EXPIRES;
}

/* Reclaims a few keys that are due in this shard. */
static KV_NOINLINE void access_pay_debt(struct access *access)
{
    if (store_setting(access->store, KV_SETTING_ACTIVE_EXPIRE) == 0) return;
    uint64_t removed = 0;
    (void)shard_expire(access->shard, view_expiry(access->view), access_now(access),
                       ACCESS_DEBT_SHARE, &access->garbage, &access->ready, &removed);
}

/* Before a write: reads the clock if it is wanted, and sees to keys that are due. */
static inline void access_look_at_clock(struct access *access, enum access_mode mode)
{
    if (mode == ACCESS_WRITE_TIMED) {
        if (access->space != NULL) (void)table_walk_begin(&access->space->table, access->hash);
        (void)access_now(access);
    }
    if (access->txn != NULL) return;
    int64_t next_ms = atomic_load_explicit(&access->shard->next_deadline_ms, memory_order_relaxed);
    if (KV_LIKELY(next_ms == KV_NEVER)) return;
    if (next_ms <=
        (mode == ACCESS_WRITE_TIMED ? access->known_now_ms : view_about_now(access->view)))
        access_pay_debt(access);
}

/* Before a change: keeps what an abortable transaction needs. KV_OK or KV_NOMEM. */
static kv_status access_save(struct access *access)
{
    struct txn *txn = access->txn;
    if (txn == NULL || txn->undo == NULL) return KV_OK;
    kv_status status = txn_reserve_events(txn, 1);
    if (status != KV_OK) return status;
    return txn_save(txn, access->shard, access->database, access->hash, access->key);
}

KV_INTERNAL KV_NOINLINE void access_publish_event(struct access *access, int64_t class,
                                                  const char *name)
{
    bool is_kept = access->txn != NULL && access->txn->undo != NULL && class != KV_EVENT_MISS;
    if (is_kept) txn_keep_event(access->txn, access->database, access->hash, access->key, name);
    else events_publish(access->store, access->database, name, access->key);
}

/* Counts a change, gives the key a new version if it carries one, tells who watches. */
static void access_note_change(struct access *access)
{
    struct shard *shard = access->shard;
    shard->changes++;
    assert(access->entry == NULL || era_is_new(access->space, access->entry));
    if (access->entry != NULL && KV_UNLIKELY((access->entry->flags & ENTRY_VERSIONED) != 0)) {
        entry_set_word(access->entry, entry_version_offset(access->entry),
                       shard_next_version(shard));
    }
    if (KV_UNLIKELY(shard->observers != NULL))
        observers_touch(shard, access->database, access->hash, access->key);
}

/* Removes the entry that was found, as its deadline has passed. */
static KV_NOINLINE kv_status access_drop_expired(struct access *access)
{
    kv_slice arguments[2] = {kv_bytes("DEL", 3), access->key};
    kv_status status = access_reserve_journal(access, 2, 3 + access->key.size);
    if (status == KV_OK) status = access_save(access);
    if (status != KV_OK) return status;
    era_meet(access->shard, access->space, access->entry);
    if (journal_is_read(access->store)) {
        journal_write(access->store, access->txn, access->database, KV_CAUSE_EXPIRED, arguments, 2);
    }
    access_event(access, KV_EVENT_EXPIRED, "expired");
    access_remove(access);
    access->shard->expired++;
    access->shard->changes--; /* expiry is nobody's change */
    return KV_OK;
}

/* A deadline further away than the cheap clock can be late needs no look at the other one. */
#define ACCESS_SURELY_MS 1000

/* True if neither the timed entry that was found nor anything in its value is due. */
static bool access_is_alive(struct access *access)
{
    int64_t due_ms = entry_due(access->entry);
    if (access->known_now_ms < 0 && due_ms > view_about_now(access->view) + ACCESS_SURELY_MS)
        return true;
    return due_ms > access_now(access) || view_expiry(access->view) == STORE_EXPIRES_NEVER;
}

/* Removes what was noted of the value, whose entry may go with it. */
static kv_status access_drop_due(struct access *access, const struct collection_due *due,
                                 size_t count)
{
    const struct collection_words *words = value_kind(entry_type(access->entry))->words;
    kv_slice arguments[2 + COLLECTION_DUE_BATCH] = {kv_text(words->remove), access->key};
    size_t size = arguments[0].size + access->key.size;
    for (size_t i = 0; i < count; i++) {
        arguments[2 + i] = due[i].name;
        size += due[i].name.size;
    }
    kv_status status = access_reserve_journal(access, 2 + count, size);
    if (status == KV_OK) status = access_save(access);
    if (status != KV_OK) return status;
    era_meet(access->shard, access->space, access->entry);
    if (journal_is_read(access->store)) {
        journal_write(access->store, access->txn, access->database, KV_CAUSE_EXPIRED, arguments,
                      2 + count);
    }
    struct collection left = value_drop_due(access->entry, &access->shard->memory, due, count);
    access_set_payload(access, left.word);
    access_event(access, words->event_class, words->expired);
    access->shard->expired_fields += count;
    if (collection_is_empty(&left)) {
        access_event(access, KV_EVENT_GENERIC, "del");
        access_remove(access);
    } else {
        access_note_change(access);
    }
    access->shard->changes--; /* expiry is nobody's change */
    return KV_OK;
}

/* The same of all fields whose deadlines have passed. */
static KV_NOINLINE kv_status access_drop_fields(struct access *access)
{
    struct collection_due due[COLLECTION_DUE_BATCH];
    size_t count;
    while ((count = value_peek_due(access->entry, access_now(access), due)) > 0) {
        kv_status status = access_drop_due(access, due, count);
        if (status != KV_OK || access->entry == NULL) return status;
    }
    access_renew_due(access);
    return KV_OK;
}

/*
 * Shows a reader the key without what is due in it, which stays: none, if all of it is; else a copy,
 * to be freed in the end. O(size of the value), for as long as the DEL or HDEL of whoever decides is
 * on its way.
 */
static KV_NOINLINE kv_status access_hide_due(struct access *access)
{
    struct entry *entry = access->entry;
    int64_t now_ms = access_now(access);
    access->place = (struct table_place){NULL, 0};
    access->entry = NULL;
    if (value_is_gone(entry, now_ms)) return KV_OK;
    struct shadow *shadow = alloc_get(&access->store->alloc, sizeof *shadow);
    if (shadow == NULL) return KV_NOMEM;
    *shadow = (struct shadow){NULL, access->shard, txn_copy_entry(access->shard, entry)};
    if (shadow->entry == NULL) {
        alloc_free(&access->store->alloc, shadow, sizeof *shadow);
        return KV_NOMEM;
    }
    struct collection_due due[COLLECTION_DUE_BATCH];
    size_t count;
    while ((count = value_peek_due(shadow->entry, now_ms, due)) > 0) {
        struct collection left = value_drop_due(shadow->entry, &access->shard->memory, due, count);
        entry_set_payload(shadow->entry, left.word);
    }
    access->shadow = shadow;
    access->entry = shadow->entry;
    return KV_OK;
}

/* Finds the entry, drops it if it is expired. */
static kv_status access_find(struct access *access, enum access_mode mode)
{
    access->place = shard_find(access->space, access->hash, access->key);
    if (access->place.bucket == NULL) return KV_OK;
    access->entry = table_item(access->place);
    if (mode >= ACCESS_WRITE) era_meet(access->shard, access->space, access->entry);
    if (KV_LIKELY(!entry_is_timed(access->entry)) || access_is_alive(access)) return KV_OK;
    if (mode < ACCESS_WRITE && view_expiry(access->view) == STORE_HIDES_EXPIRED)
        return access_hide_due(access);
    bool is_whole = mode == ACCESS_REPLACE;
    if (is_whole && !value_is_gone(access->entry, access_now(access))) return KV_OK;
    if (!is_whole && entry_deadline(access->entry) > access_now(access))
        return access_drop_fields(access);
    return access_drop_expired(access);
}

static void access_count_read(struct access *access, enum access_mode mode)
{
    access_count(access);
    bool touches = mode == ACCESS_READ && (access->view->flags & VIEW_UNTOUCHING) == 0;
    if (touches && access->entry != NULL) entry_set_clock(access->entry, access_seconds(access));
}

/* Finds the entry as a frozen view shows it, and leaves no trace. */
static KV_NOINLINE kv_status access_open_frozen(struct access *access)
{
    struct frozen *frozen = access->view->frozen;
    access->space = frozen_space(frozen, access->shard, access->database);
    access->place = (struct table_place){NULL, 0};
    kv_status status = frozen_find(frozen, access->shard, access->database, access->hash,
                                   access->key, &access->entry);
    return status == KV_OK ? KV_OK : access_close(access, status);
}

KV_INTERNAL kv_status access_open_hashed(struct access *access, kv *db, kv_slice key, uint64_t hash,
                                         enum access_mode mode)
{
    struct view *view = db->view;
    struct store *store = view->store;
    if (mode >= ACCESS_WRITE && KV_UNLIKELY(!view_accepts_writes(view))) return KV_READONLY;
    struct shard *shard = store_shard(store, hash);
    /*
     * Field by field: a compound literal would clear the whole first, which takes as long as the
     * hash.
     */
    access->store = store;
    access->view = view;
    access->txn = view->txn;
    access->shard = shard;
    access->entry = NULL;
    access->hash = hash;
    access->key = key;
    access->known_now_ms = -1;
    access->database = db->database;
    access->is_versioned = false;
    access->tells_new_later = false;
    access->keeps_deadline = false;
    access->garbage = (struct garbage){0};
    access->ready = NULL;
    access->shadow = NULL;
    if (access->txn == NULL) {
        if (mode >= ACCESS_WRITE) snapshot_make_room(store, shard->index);
        lock_lock(&shard->lock);
    } else if (!txn_holds(access->txn, shard)) return KV_NOTLOCKED;
    if (KV_UNLIKELY(view->frozen != NULL)) return access_open_frozen(access);
    access->space = shard_peek_space(shard, db->database);
    if (mode >= ACCESS_WRITE) access_look_at_clock(access, mode);
    kv_status status = access_find(access, mode);
    if (mode == ACCESS_READ || mode == ACCESS_LOOK) access_count_read(access, mode);
    else if (mode >= ACCESS_WRITE && status == KV_OK) status = access_save(access);
    return KV_LIKELY(status == KV_OK) ? KV_OK : access_close(access, status);
}

/* The end of a call that left something to be done without the lock. */
static KV_NOINLINE void access_finish(struct access *access)
{
    garbage_free(&access->garbage, &access->store->alloc);
    if (access->ready != NULL) waiting_serve(access->store, access->ready);
}

/* In a transaction both wait for its end. */
static KV_NOINLINE void access_hand_over(struct access *access)
{
    garbage_move(&access->txn->garbage, &access->garbage);
    while (access->ready != NULL) {
        struct observed *next = access->ready->next_ready;
        access->ready->next_ready = access->txn->ready;
        access->txn->ready = access->ready;
        access->ready = next;
    }
    if (access->shadow == NULL) return;
    access->shadow->next = access->txn->shadows;
    access->txn->shadows = access->shadow;
}

KV_INTERNAL kv_status access_close(struct access *access, kv_status status)
{
    bool is_clean =
        access->ready == NULL && garbage_is_empty(&access->garbage) && access->shadow == NULL;
    if (access->txn == NULL) {
        if (KV_UNLIKELY(access->shadow != NULL)) txn_free_shadows(access->shadow, &access->garbage);
        lock_unlock(&access->shard->lock);
        if (KV_UNLIKELY(!is_clean)) access_finish(access);
    } else if (KV_UNLIKELY(!is_clean)) {
        access_hand_over(access);
    }
    return status;
}

KV_INTERNAL kv_status access_reserve_journal(struct access *access, size_t arguments, size_t bytes)
{
    if (KV_LIKELY(!journal_is_read(access->store)) || access->txn == NULL) return KV_OK;
    return journal_group_reserve(&access->txn->journal, &access->store->alloc, 1, arguments, bytes);
}

KV_INTERNAL void access_journal(struct access *access, const kv_slice *arguments, size_t count)
{
    if (!journal_is_read(access->store)) return;
    journal_write(access->store, access->txn, access->database, KV_CAUSE_CALL, arguments, count);
}

KV_INTERNAL void access_changed(struct access *access)
{
    entry_set_clock(access->entry, access_seconds(access));
    access_note_change(access);
}

/* ---------------------------------------------------------------------------- writing the entry */

KV_INTERNAL void access_ready(struct access *access)
{
    if (KV_LIKELY(access->shard->observers == NULL)) return;
    kv_type type = access->entry != NULL ? entry_type(access->entry) : KV_TYPE_NONE;
    waiting_note(access->shard, access->database, access->hash, access->key, type, &access->ready);
}

/* The same for a key that has a new value, which may be what somebody waits for, or none. */
static void access_note_value(struct access *access)
{
    access_note_change(access);
    access_ready(access);
}

static void access_note_removal(struct access *access)
{
    access->entry = NULL;
    access->place = (struct table_place){NULL, 0};
    access_note_value(access);
}

/* True if the key is local when the call has given it a value with a deadline. */
static bool access_will_be_local(const struct access *access)
{
    return access->keeps_deadline ? entry_is_local(access->entry) : access_is_local(access);
}

/* Writes the entry anew; the value it holds outside, if `is_replaced`, is garbage then. */
static kv_status access_write(struct access *access, struct entry_shape *shape, bool is_replaced)
{
    if (access->space == NULL) {
        access->space = shard_space(access->shard, access->database);
        if (access->space == NULL) return KV_NOMEM;
    }
    struct entry_shape old = {.form = ENTRY_INLINE};
    bool is_new = access->entry == NULL;
    if (!is_new && is_replaced) entry_read(access->entry, &old);
    shape->clock = access_seconds(access);
    shape->is_local = entry_shape_due(shape) != KV_NEVER && access_will_be_local(access);
    kv_status status =
        shard_write(access->shard, access->space, access->hash, &access->place, shape);
    if (KV_UNLIKELY(status != KV_OK)) return status;
    if (old.form >= ENTRY_BLOB) value_discard_shape(&old, &access->shard->memory, &access->garbage);
    access->entry = table_item(access->place);
    if (is_new && !access->tells_new_later) access_event(access, KV_EVENT_NEW, "new");
    access_note_value(access);
    return KV_OK;
}

/* A shape for this key that keeps what outlives a change of value. */
static struct entry_shape access_shape(const struct access *access, kv_type type,
                                       int64_t deadline_ms)
{
    struct entry_shape shape = {.key = access->key, .type = type, .deadline_ms = deadline_ms};
    /* access_changed() numbers it */
    if (access->entry != NULL) shape.flags = access->entry->flags & ENTRY_VERSIONED;
    if (access->is_versioned) shape.flags = ENTRY_VERSIONED;
    return shape;
}

/*
 * True for an entry whose value can give way to another of the same size where it lies, with this
 * deadline.
 */
static bool access_is_alike(const struct access *access, enum entry_form form, int64_t deadline_ms)
{
    const struct entry *entry = access->entry;
    if (entry == NULL || access->is_versioned) return false;
    unsigned kind = (unsigned)KV_TYPE_STRING | (unsigned)form << ENTRY_FORM_SHIFT;
    if ((entry->kind & (ENTRY_TYPE | ENTRY_FORM)) != kind) return false;
    unsigned flags =
        entry->flags & (ENTRY_WIDE | ENTRY_TIMED | ENTRY_TIMED_FAR | ENTRY_VERSIONED | ENTRY_RAW);
    if (deadline_ms == KV_NEVER) return flags == 0;
    return flags == ENTRY_TIMED && entry_is_near(deadline_ms);
}

/*
 * The other part of a change of a value where it lies: its deadline. False without memory, with
 * nothing changed.
 */
static bool access_change_deadline(struct access *access, int64_t deadline_ms)
{
    if (KV_LIKELY(deadline_ms == KV_NEVER)) return true;
    return shard_change_due(access->shard, access->space, access->entry, deadline_ms,
                            access_will_be_local(access)) == KV_OK;
}

/* The commonest change of all: a string of the same size in the place of another. */
static bool access_overwrite(struct access *access, kv_slice text, int64_t deadline_ms)
{
    struct entry *entry = access->entry;
    if (!access_is_alike(access, ENTRY_INLINE, deadline_ms) || entry->inline_size != text.size)
        return false;
    if (!access_change_deadline(access, deadline_ms)) return false;
    uint8_t *bytes = (uint8_t *)entry + entry_key_offset(entry) + entry->short_key_size;
    if (text.size > 0) memcpy(bytes, text.data, text.size);
    access_changed(access);
    return true;
}

static bool access_overwrite_integer(struct access *access, int64_t integer, int64_t deadline_ms)
{
    if (!access_is_alike(access, ENTRY_INTEGER, deadline_ms)) return false;
    if (!access_change_deadline(access, deadline_ms)) return false;
    entry_set_payload(access->entry, (uint64_t)integer);
    access_changed(access);
    return true;
}

/* Completes a shape with a text that is to be kept as such. KV_OK or KV_NOMEM. */
static kv_status access_shape_text(const struct access *access, kv_slice text,
                                   struct entry_shape *shape)
{
    if (access_fits_inline(access, text.size)) {
        shape->form = ENTRY_INLINE;
        shape->text = text;
        return KV_OK;
    }
    struct blob *blob = blob_create(&access->store->alloc, text, text.size);
    shape->form = ENTRY_BLOB;
    shape->payload = (uint64_t)(uintptr_t)blob;
    return blob != NULL ? KV_OK : KV_NOMEM;
}

/* Frees the blob of a shape that did not become an entry. */
static void access_drop_shape(const struct access *access, const struct entry_shape *shape)
{
    if (shape->form == ENTRY_BLOB)
        blob_destroy(&access->store->alloc, (struct blob *)(uintptr_t)shape->payload);
}

static inline bool access_text_is_integer(kv_slice text, int64_t *integer)
{
    return text.size <= NUMBER_INT64_SIZE && number_parse_int64(text, integer);
}

KV_INTERNAL kv_status access_put_text(struct access *access, kv_slice text, int64_t deadline_ms,
                                      enum access_encoding encoding)
{
    int64_t integer;
    if (encoding == ACCESS_ENCODED) {
        if (access_text_is_integer(text, &integer))
            return access_put_integer(access, integer, deadline_ms);
        if (access_overwrite(access, text, deadline_ms)) return KV_OK;
    }
    struct entry_shape shape = access_shape(access, KV_TYPE_STRING, deadline_ms);
    if (encoding == ACCESS_RAW) shape.flags |= ENTRY_RAW;
    kv_status status = access_shape_text(access, text, &shape);
    if (status != KV_OK) return status;
    status = access_write(access, &shape, true);
    if (KV_UNLIKELY(status != KV_OK)) access_drop_shape(access, &shape);
    return status;
}

KV_INTERNAL kv_status access_put_integer(struct access *access, int64_t integer,
                                         int64_t deadline_ms)
{
    if (access_overwrite_integer(access, integer, deadline_ms)) return KV_OK;
    return access_put_value(access, KV_TYPE_STRING, ENTRY_INTEGER, (uint64_t)integer, deadline_ms);
}

/* -------------------------------------------------------------------- several keys, all or none */

/* Writes the new entry, and puts it where the old one was found or in the table. */
static kv_status access_stage_shape(struct staged *staged, struct entry_shape *shape)
{
    struct access *access = &staged->access;
    struct shard *shard = access->shard;
    struct table *table = &access->space->table;
    shape->clock = access_seconds(access);
    entry_shape_settle(shape);
    if (access->entry == NULL && table_reserve(table, access->hash) != KV_OK) return KV_NOMEM;
    struct entry *block = memory_get(&shard->memory, entry_shape_size(shape));
    if (block == NULL) return KV_NOMEM;
    entry_write(block, shape);
    entry_set_eras(block, access->space->eras);
    space_count(access->space, block, 1);
    if (access->entry == NULL) (void)table_insert(table, access->hash, block);
    else table_replace(access->place, block);
    staged->old = access->entry;
    access->entry = block;
    return KV_OK;
}

KV_INTERNAL kv_status access_stage(struct staged *staged, kv_slice text)
{
    struct access *access = &staged->access;
    int64_t integer;
    bool is_integer = access_text_is_integer(text, &integer);
    if (access_is_alike(access, is_integer ? ENTRY_INTEGER : ENTRY_INLINE, KV_NEVER) &&
        (is_integer || access->entry->inline_size == text.size)) {
        staged->old = access->entry;
        return KV_OK;
    }
    if (access->space == NULL) access->space = shard_space(access->shard, access->database);
    if (access->space == NULL) return KV_NOMEM;
    struct entry_shape shape = access_shape(access, KV_TYPE_STRING, KV_NEVER);
    kv_status status = KV_OK;
    if (is_integer) {
        shape.form = ENTRY_INTEGER;
        shape.payload = (uint64_t)integer;
    } else {
        status = access_shape_text(access, text, &shape);
    }
    if (status != KV_OK) return status;
    status = access_stage_shape(staged, &shape);
    if (status != KV_OK) access_drop_shape(access, &shape);
    return status;
}

/* Frees an entry that is not in the table, and its value. */
static void access_free_entry(struct access *access, struct entry *entry)
{
    size_t size = entry_size(entry);
    space_count(access->space, entry, -1);
    value_discard(entry, &access->shard->memory, &access->garbage);
    memory_free(&access->shard->memory, entry, size);
}

KV_INTERNAL void access_keep(struct staged *staged, kv_slice text)
{
    struct access *access = &staged->access;
    if (staged->old == access->entry) {
        int64_t integer;
        if (!access_text_is_integer(text, &integer)) (void)access_overwrite(access, text, KV_NEVER);
        else (void)access_overwrite_integer(access, integer, KV_NEVER);
        return;
    }
    if (staged->old != NULL) {
        if (entry_is_timed(staged->old)) {
            deadlines_remove(space_order(access->space, staged->old),
                             entry_deadline_id(staged->old));
        }
        access_free_entry(access, staged->old);
    } else {
        access_event(access, KV_EVENT_NEW, "new");
    }
    access_note_value(access);
}

KV_INTERNAL void access_take_back(struct staged *staged)
{
    struct access *access = &staged->access;
    struct entry *entry = access->entry;
    if (staged->old == entry) return;
    struct table *table = &access->space->table;
    struct table_place place = table_place_of(table, access->hash, entry);
    if (staged->old != NULL) table_replace(place, staged->old);
    else table_remove(table, access->hash, place);
    access_free_entry(access, entry);
    access->entry = staged->old;
}

/* --------------------------------------------------------------------------- values of any type */

KV_INTERNAL kv_status access_put_value(struct access *access, kv_type type, enum entry_form form,
                                       uint64_t payload, int64_t deadline_ms)
{
    struct entry_shape shape = access_shape(access, type, deadline_ms);
    shape.form = form;
    shape.payload = payload;
    return access_write(access, &shape, true);
}

KV_INTERNAL void access_set_payload(struct access *access, uint64_t payload)
{
    struct entry *entry = access->entry;
    space_count(access->space, entry, -1);
    entry_set_payload(entry, payload);
    space_count(access->space, entry, 1);
}

KV_INTERNAL kv_status access_put_shape(struct access *access, struct entry_shape *shape)
{
    shape->key = access->key;
    shape->flags &= ENTRY_RAW;
    bool replaces = access->entry != NULL;
    if (replaces) shape->flags |= access->entry->flags & ENTRY_VERSIONED;
    kv_status status = access_write(access, shape, true);
    /* Redis removes what it replaces by another key's value, and tells of a new key. */
    if (status == KV_OK && replaces) access_event(access, KV_EVENT_NEW, "new");
    return status;
}

KV_INTERNAL void access_find_again(struct access *access)
{
    access->space = shard_peek_space(access->shard, access->database);
    access->place = shard_find(access->space, access->hash, access->key);
    access->entry = access->place.bucket != NULL ? table_item(access->place) : NULL;
}

KV_INTERNAL void access_remove(struct access *access)
{
    shard_remove(access->shard, access->space, access->hash, access->place, &access->garbage);
    access_note_removal(access);
}

KV_INTERNAL void access_forget(struct access *access)
{
    shard_remove(access->shard, access->space, access->hash, access->place, NULL);
    access_note_removal(access);
}

/* Writes the entry anew with the same value and other optional fields. */
static kv_status access_reshape(struct access *access, struct entry_shape *shape)
{
    kv_status status =
        shard_write(access->shard, access->space, access->hash, &access->place, shape);
    if (status == KV_OK) access->entry = table_item(access->place);
    return status;
}

/*
 * True if the entry is local when the call has given it, or something in it, one more deadline than
 * the others there are (`has_others`): one that is not makes the whole not so, as what this store
 * removes must be its own.
 */
static bool access_stays_local(const struct access *access, bool has_others)
{
    return access_is_local(access) && (!has_others || entry_is_local(access->entry));
}

KV_INTERNAL kv_status access_set_deadline(struct access *access, int64_t deadline_ms)
{
    kv_status status;
    struct entry *entry = access->entry;
    bool has_fields = entry_has_timed_fields(entry);
    bool is_local =
        deadline_ms != KV_NEVER ? access_stays_local(access, has_fields) : entry_is_local(entry);
    if (deadline_ms != KV_NEVER && entry_can_hold(entry, deadline_ms) && !has_fields) {
        status = shard_change_due(access->shard, access->space, entry, deadline_ms, is_local);
    } else {
        struct entry_shape shape;
        entry_read(entry, &shape);
        shape.deadline_ms = deadline_ms;
        shape.is_local = is_local;
        status = access_reshape(access, &shape);
    }
    if (status == KV_OK) access_changed(access);
    return status;
}

static kv_status access_set_fields_due(struct access *access, int64_t fields_ms, bool is_local)
{
    struct entry *entry = access->entry;
    struct entry_shape shape;
    entry_read(entry, &shape);
    shape.fields_ms = fields_ms;
    shape.is_local = is_local;
    int64_t due_ms = entry_shape_due(&shape);
    bool stays = entry_has_timed_fields(entry) == (fields_ms != 0);
    if (stays && entry_due(entry) == due_ms && entry_is_local(entry) == is_local) return KV_OK;
    if (stays && fields_ms != 0 && entry_can_hold(entry, due_ms))
        return shard_change_due(access->shard, access->space, entry, due_ms, is_local);
    return access_reshape(access, &shape);
}

KV_INTERNAL kv_status access_expect_fields_due(struct access *access, int64_t fields_ms)
{
    bool is_local = access_stays_local(access, entry_is_timed(access->entry));
    return access_set_fields_due(access, fields_ms, is_local);
}

KV_INTERNAL void access_renew_due(struct access *access)
{
    struct entry *entry = access->entry;
    int64_t fields_ms = value_next_deadline(entry);
    if (KV_LIKELY(fields_ms == 0 && !entry_has_timed_fields(entry))) return;
    bool is_local = entry_is_timed(entry) ? entry_is_local(entry) : access_is_local(access);
    (void)access_set_fields_due(access, fields_ms, is_local);
}

KV_INTERNAL kv_status access_version(struct access *access, uint64_t *version)
{
    if (access->shadow != NULL) access_find_again(access);
    struct entry *entry = access->entry;
    if (entry == NULL) {
        *version = 0;
        return KV_OK;
    }
    if ((entry->flags & ENTRY_VERSIONED) == 0) {
        struct entry_shape shape;
        entry_read(entry, &shape);
        shape.flags |= ENTRY_VERSIONED;
        shape.version = shard_next_version(access->shard);
        kv_status status = access_reshape(access, &shape);
        if (status != KV_OK) return status;
    }
    *version = entry_word(access->entry, entry_version_offset(access->entry));
    return KV_OK;
}
