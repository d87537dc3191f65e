/*
 * api/api_key.c -- keys of any type: remove, look, rename, copy, move, expire, describe.
 */
#include "base/number.h"
#include "keyspace/access.h"

#define KEY_WORD(text) kv_bytes(text, sizeof(text) - 1)

/* -------------------------------------------------------------------------------- remove, exist */

/* Removes the key that was found and says so in the journal, where room was reserved. */
static void key_remove(struct access *access)
{
    kv_slice arguments[2] = {KEY_WORD("DEL"), access->key};
    access_journal(access, arguments, 2);
    access_event(access, KV_EVENT_GENERIC, "del");
    access_remove(access);
}

static kv_status key_delete_one(kv *db, kv_slice key, bool later, uint64_t *removed)
{
    struct access access;
    kv_status status = access_open(&access, db, key, ACCESS_REPLACE);
    if (status != KV_OK) return status;
    if (access.entry != NULL) {
        /* as much as key_delete() has reserved for it */
        status = access_reserve_journal(&access, 2, 3 + key.size);
        if (status == KV_OK) {
            key_remove(&access);
            ++*removed;
            if (later) store_leave_garbage(access.store, &access.garbage);
        }
    }
    return access_close(&access, status);
}

/*
 * Several keys go at one instant. The first is removed when all are known to be removable: what
 * that needs is reserved for all of them.
 */
static kv_status key_delete(kv *db, const kv_slice *keys, size_t count, bool later,
                            uint64_t *removed)
{
    if (db == NULL || (keys == NULL && count > 0)) return KV_BADARG;
    uint64_t total = 0;
    kv_status status = KV_OK;
    if (count == 1) {
        status = key_delete_one(db, keys[0], later, &total);
    } else if (count > 1) {
        struct span span;
        span_begin(&span, db, keys, count, 0);
        status = span_prepare_write(&span, keys, count, 2, 3);
        for (size_t i = 0; i < count && status == KV_OK; i++) {
            status = key_delete_one(&span.db, keys[i], later, &total);
        }
        span_end(&span);
    }
    if (status == KV_OK && removed != NULL) *removed = total;
    return status;
}

kv_status kv_del(kv *db, const kv_slice *keys, size_t count, uint64_t *removed)
{
    return key_delete(db, keys, count, false, removed);
}

kv_status kv_unlink(kv *db, const kv_slice *keys, size_t count, uint64_t *removed)
{
    return key_delete(db, keys, count, true, removed);
}

static kv_status key_count_found(kv *db, const kv_slice *keys, size_t count, enum access_mode mode,
                                 uint64_t *found)
{
    if (db == NULL || (keys == NULL && count > 0)) return KV_BADARG;
    struct span span;
    uint64_t total = 0;
    kv_status status = KV_OK;
    bool is_single = count == 1;
    if (!is_single) span_begin(&span, db, keys, count, 0);
    for (size_t i = 0; i < count && status == KV_OK; i++) {
        struct access access;
        status = access_open(&access, is_single ? db : &span.db, keys[i], mode);
        if (status != KV_OK) break;
        total += access.entry != NULL;
        (void)access_close(&access, KV_OK);
    }
    if (!is_single) span_end(&span);
    if (status == KV_OK && found != NULL) *found = total;
    return status;
}

kv_status kv_exists(kv *db, const kv_slice *keys, size_t count, uint64_t *found)
{
    return key_count_found(db, keys, count, ACCESS_LOOK, found);
}

kv_status kv_touch(kv *db, const kv_slice *keys, size_t count, uint64_t *found)
{
    return key_count_found(db, keys, count, ACCESS_READ, found);
}

kv_status kv_type_of(kv *db, kv_slice key, kv_type *type)
{
    if (db == NULL) return KV_BADARG;
    struct access access;
    kv_status status = access_open(&access, db, key, ACCESS_LOOK);
    if (status != KV_OK) return status;
    kv_type found = access.entry != NULL ? entry_type(access.entry) : KV_TYPE_NONE;
    if (type != NULL) *type = found;
    return access_close(&access, found == KV_TYPE_NONE ? KV_NONE : KV_OK);
}

const char *kv_type_name(kv_type type)
{
    switch (type) {
    case KV_TYPE_NONE: return "none";
    case KV_TYPE_STRING: return "string";
    case KV_TYPE_LIST: return "list";
    case KV_TYPE_SET: return "set";
    case KV_TYPE_SORTED_SET: return "zset";
    case KV_TYPE_HASH: return "hash";
    case KV_TYPE_STREAM: return "stream";
    }
    return "unknown";
}

/* --------------------------------------------------------------------------- rename, copy, move */

/*
 * Puts the value of one key under another, which must be open for writing: taken over if the first
 * is to go, which it then does, copied otherwise. What the second held is replaced.
 */
static kv_status key_put_value_of(struct access *to, struct access *from, bool is_moved)
{
    struct entry_shape shape = {.deadline_ms = entry_deadline(from->entry)};
    struct memory *memory = &to->shard->memory;
    bool is_taken = is_moved && (from->shard == to->shard || value_is_outside(from->entry));
    kv_status status = KV_OK;
    if (is_taken) value_take(from->entry, &shape);
    else status = value_copy(from->entry, to->store, memory, &shape);
    if (status != KV_OK) return status;
    status = access_put_shape(to, &shape);
    if (status != KV_OK) {
        if (!is_taken) value_discard_shape(&shape, memory, &to->garbage);
        return status;
    }
    access_find_again(from); /* the table may have changed */
    if (!is_moved) return KV_OK;
    if (is_taken) access_forget(from);
    else access_remove(from);
    from->shard->changes--; /* of two keys, but one change */
    return KV_OK;
}

/* Opens two keys for writing inside one span. On anything but KV_OK neither is open. */
static kv_status key_open_pair(kv *first_db, kv_slice first, kv *second_db, kv_slice second,
                               enum access_mode mode, struct access *a, struct access *b)
{
    kv_status status = access_open(a, first_db, first, mode);
    if (status != KV_OK) return status;
    status = access_open(b, second_db, second, ACCESS_WRITE);
    if (status != KV_OK) {
        (void)access_close(a, status);
        return status;
    }
    /*
     * Opening the second may have dropped it as expired, and a table that shrinks moves its items.
     * What is not shown to a reader is not found by that either.
     */
    if (a->entry != NULL && a->shadow == NULL) access_find_again(a);
    return KV_OK;
}

static void key_close_pair(struct access *a, struct access *b)
{
    (void)access_close(b, KV_OK);
    (void)access_close(a, KV_OK);
}

static kv_status key_rename_opened(struct access *from, struct access *to, kv_slice new_key,
                                   bool only_new, const kv_slice *arguments, size_t count)
{
    if (from->entry == NULL) return KV_NOTFOUND;
    bool is_same = from->shard == to->shard && slice_equal(from->key, new_key);
    if (only_new && to->entry != NULL) return KV_SKIPPED;
    if (is_same) return KV_OK;
    kv_status status = access_reserve_journal(from, count, 6 + from->key.size + new_key.size);
    if (status == KV_OK) status = key_put_value_of(to, from, true);
    if (status != KV_OK) return status;
    access_journal(from, arguments, count);
    access_event(from, KV_EVENT_GENERIC, "rename_from");
    access_event(to, KV_EVENT_GENERIC, "rename_to");
    return KV_OK;
}

static kv_status key_rename(kv *db, kv_slice key, kv_slice new_key, bool only_new)
{
    if (db == NULL) return KV_BADARG;
    kv_slice keys[2] = {key, new_key};
    kv_slice arguments[3] = {KEY_WORD("RENAME"), key, new_key};
    struct span span;
    struct access from, to;
    span_begin(&span, db, keys, 2, 0);
    kv_status status = key_open_pair(&span.db, key, &span.db, new_key, ACCESS_WRITE, &from, &to);
    if (status == KV_OK) {
        status = key_rename_opened(&from, &to, new_key, only_new, arguments, 3);
        key_close_pair(&from, &to);
    }
    span_end(&span);
    return status;
}

kv_status kv_rename(kv *db, kv_slice key, kv_slice new_key)
{
    return key_rename(db, key, new_key, false);
}

kv_status kv_renamenx(kv *db, kv_slice key, kv_slice new_key)
{
    return key_rename(db, key, new_key, true);
}

/* The database that a span on `db` should use for the caller's view `other` of the same store. */
static kv key_in_span(const struct span *span, const kv *other)
{
    return (kv){span->db.view, other->database};
}

static kv_status key_copy_opened(struct access *from, struct access *to, bool replace,
                                 const kv_slice *arguments, size_t count)
{
    if (from->entry == NULL) return KV_NONE;
    if (to->entry != NULL && !replace) return KV_SKIPPED;
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) bytes += arguments[i].size;
    kv_status status = access_reserve_journal(from, count, bytes);
    if (status == KV_OK) status = key_put_value_of(to, from, false);
    if (status != KV_OK) return status;
    access_journal(from, arguments, count);
    access_event(to, KV_EVENT_GENERIC, "copy_to");
    return KV_OK;
}

kv_status kv_copy(kv *db, kv_slice key, kv *destination, kv_slice new_key, bool replace)
{
    if (db == NULL) return KV_BADARG;
    if (destination == NULL) destination = db;
    if (destination->view->store != db->view->store) return KV_BADARG;
    if (destination->database == db->database && slice_equal(key, new_key)) return KV_BADARG;
    if (destination->view->frozen != NULL) return KV_READONLY;
    kv_slice keys[2] = {key, new_key};
    char number[NUMBER_INT64_SIZE];
    kv_slice index = {number, number_format_uint64(number, destination->database)};
    kv_slice arguments[6] = {KEY_WORD("COPY"), key,   new_key,
                             KEY_WORD("DB"),   index, KEY_WORD("REPLACE")};
    struct span span;
    struct access from, to;
    span_begin(&span, db, keys, 2, 0);
    kv other = key_in_span(&span, destination);
    kv_status status = key_open_pair(&span.db, key, &other, new_key, ACCESS_READ, &from, &to);
    if (status == KV_OK) {
        status = key_copy_opened(&from, &to, replace, arguments, 6);
        key_close_pair(&from, &to);
    }
    span_end(&span);
    return status;
}

kv_status kv_move(kv *db, kv_slice key, kv *destination)
{
    if (db == NULL || destination == NULL || destination->view->store != db->view->store)
        return KV_BADARG;
    if (destination->database == db->database) return KV_BADARG;
    if (destination->view->frozen != NULL) return KV_READONLY;
    char number[NUMBER_INT64_SIZE];
    kv_slice index = {number, number_format_uint64(number, destination->database)};
    kv_slice arguments[3] = {KEY_WORD("MOVE"), key, index};
    struct span span;
    struct access from, to;
    span_begin(&span, db, &key, 1, 0);
    kv other = key_in_span(&span, destination);
    kv_status status = key_open_pair(&span.db, key, &other, key, ACCESS_WRITE, &from, &to);
    if (status == KV_OK) {
        if (from.entry == NULL) status = KV_NONE;
        else if (to.entry != NULL) status = KV_SKIPPED;
        else status = access_reserve_journal(&from, 3, 4 + key.size + index.size);
        if (status == KV_OK) status = key_put_value_of(&to, &from, true);
        if (status == KV_OK) {
            access_journal(&from, arguments, 3);
            access_event(&from, KV_EVENT_GENERIC, "move_from");
            access_event(&to, KV_EVENT_GENERIC, "move_to");
        }
        key_close_pair(&from, &to);
    }
    span_end(&span);
    return status;
}

/* ------------------------------------------------------------------------------------ deadlines */

static bool key_condition_holds(int64_t old_ms, int64_t new_ms, unsigned flags)
{
    if ((flags & KV_EXPIRE_NX) != 0 && old_ms != KV_NEVER) return false;
    if ((flags & KV_EXPIRE_XX) != 0 && old_ms == KV_NEVER) return false;
    if ((flags & KV_EXPIRE_GT) != 0 && new_ms <= old_ms) return false;
    return (flags & KV_EXPIRE_LT) == 0 || new_ms < old_ms;
}

static bool key_flags_are_valid(unsigned flags)
{
    unsigned all = KV_EXPIRE_NX | KV_EXPIRE_XX | KV_EXPIRE_GT | KV_EXPIRE_LT;
    if ((flags & ~all) != 0) return false;
    if ((flags & KV_EXPIRE_NX) != 0 && flags != KV_EXPIRE_NX) return false;
    return (flags & KV_EXPIRE_GT) == 0 || (flags & KV_EXPIRE_LT) == 0;
}

/* Gives the key that was found a deadline; one that has passed removes it. */
static kv_status key_set_deadline(struct access *access, int64_t deadline_ms)
{
    char number[NUMBER_INT64_SIZE];
    kv_slice text = {number, number_format_int64(number, deadline_ms)};
    kv_status status = access_reserve_journal(access, 3, 9 + access->key.size + text.size);
    if (status != KV_OK) return status;
    if (access_is_past(access, deadline_ms)) {
        key_remove(access);
        return KV_OK;
    }
    status = access_set_deadline(access, deadline_ms);
    if (status != KV_OK) return status;
    kv_slice arguments[3] = {KEY_WORD("PEXPIREAT"), access->key, text};
    access_journal(access, arguments, 3);
    access_event(access, KV_EVENT_GENERIC, "expire");
    return KV_OK;
}

static kv_status key_expire(kv *db, kv_slice key, int64_t time_ms, bool is_relative, unsigned flags)
{
    if (db == NULL || !key_flags_are_valid(flags)) return KV_BADARG;
    struct access access;
    kv_status status = access_open(&access, db, key, ACCESS_WRITE);
    if (status != KV_OK) return status;
    if (is_relative) {
        int64_t now_ms = access_now(&access);
        if (time_ms > INT64_MAX - 1 - now_ms) return access_close(&access, KV_OVERFLOW);
        time_ms += now_ms; /* a negative one cannot leave the range, as now is not before 1970 */
    }
    if (time_ms == KV_NEVER) status = KV_OVERFLOW;
    else if (access.entry == NULL) status = KV_NONE;
    else if (!key_condition_holds(entry_deadline(access.entry), time_ms, flags))
        status = KV_SKIPPED;
    else status = key_set_deadline(&access, time_ms);
    return access_close(&access, status);
}

kv_status kv_expire(kv *db, kv_slice key, int64_t ttl_ms, unsigned flags)
{
    return key_expire(db, key, ttl_ms, true, flags);
}

kv_status kv_expire_at(kv *db, kv_slice key, int64_t deadline_ms, unsigned flags)
{
    return key_expire(db, key, deadline_ms, false, flags);
}

kv_status kv_deadline(kv *db, kv_slice key, int64_t *deadline_ms)
{
    if (db == NULL) return KV_BADARG;
    struct access access;
    kv_status status = access_open(&access, db, key, ACCESS_LOOK);
    if (status != KV_OK) return status;
    if (access.entry == NULL) status = KV_NONE;
    else if (deadline_ms != NULL) *deadline_ms = entry_deadline(access.entry);
    return access_close(&access, status);
}

kv_status kv_ttl(kv *db, kv_slice key, int64_t *ttl_ms)
{
    if (db == NULL) return KV_BADARG;
    struct access access;
    kv_status status = access_open(&access, db, key, ACCESS_LOOK);
    if (status != KV_OK) return status;
    if (access.entry == NULL) {
        status = KV_NONE;
    } else if (ttl_ms != NULL) {
        int64_t deadline_ms = entry_deadline(access.entry);
        if (deadline_ms != KV_NEVER) {
            deadline_ms -= access_now(&access);
            if (deadline_ms < 0)
                deadline_ms = 0; /* only while nothing expires
                                                     (KV_SETTING_EXPIRE) */
        }
        *ttl_ms = deadline_ms;
    }
    return access_close(&access, status);
}

kv_status kv_persist(kv *db, kv_slice key)
{
    if (db == NULL) return KV_BADARG;
    struct access access;
    kv_status status = access_open(&access, db, key, ACCESS_WRITE);
    if (status != KV_OK) return status;
    if (access.entry == NULL) {
        status = KV_NONE;
    } else if (entry_deadline(access.entry) == KV_NEVER) {
        status = KV_SKIPPED;
    } else {
        kv_slice arguments[2] = {KEY_WORD("PERSIST"), key};
        status = access_reserve_journal(&access, 2, 7 + key.size);
        if (status == KV_OK) status = access_set_deadline(&access, KV_NEVER);
        if (status == KV_OK) {
            access_journal(&access, arguments, 2);
            access_event(&access, KV_EVENT_GENERIC, "persist");
        }
    }
    return access_close(&access, status);
}

/* ---------------------------------------------------------------------------------- description */

/* Tables' bytes of the space that one of its keys answers for. */
static uint64_t key_table_share(const struct access *access)
{
    const struct table *table = &access->space->table;
    return table->count > 0 ? table->bytes / table->count : 0;
}

static int64_t key_idle_ms(const struct access *access)
{
    uint32_t now = (uint32_t)(view_now(access->view) / 1000) & ENTRY_CLOCK_MASK;
    uint32_t idle = (now - entry_clock(access->entry)) & ENTRY_CLOCK_MASK;
    /* A clock that went back a little shows as almost the whole circle of 194 days. */
    return idle > ENTRY_CLOCK_MASK - 60 ? 0 : (int64_t)idle * 1000;
}

kv_status kv_object(kv *db, kv_slice key, kv_object_info *info)
{
    if (db == NULL || info == NULL || info->size < sizeof info->size || info->size > sizeof *info)
        return KV_BADARG;
    struct access access;
    kv_status status = access_open(&access, db, key, ACCESS_PEEK);
    if (status != KV_OK) return status;
    if (access.entry == NULL) return access_close(&access, KV_NONE);
    kv_object_info found = {.size = info->size,
                            .type = entry_type(access.entry),
                            .encoding = value_encoding(access.entry),
                            .idle_ms = key_idle_ms(&access),
                            .length = value_length(access.entry),
                            .deadline_ms = entry_deadline(access.entry)};
    if (entry_form(access.entry) == ENTRY_INTEGER)
        found.integer = (int64_t)entry_payload(access.entry);
    found.bytes = memory_capacity(entry_size(access.entry)) + value_bytes(access.entry) +
                  key_table_share(&access);
    memcpy(info, &found, info->size);
    return access_close(&access, KV_OK);
}

kv_status kv_version_of(kv *db, kv_slice key, uint64_t *version)
{
    if (db == NULL || version == NULL || db->view->frozen != NULL) return KV_BADARG;
    struct access access;
    kv_status status = access_open(&access, db, key, ACCESS_PEEK);
    if (status != KV_OK) return status;
    return access_close(&access, access_version(&access, version));
}
