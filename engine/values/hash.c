/*
 * values/hash.c -- the hash value: a pack while it is small, a table of members when it is large.
 *
 *     small:  pack [ field value field value ... ]        large:  members { field: value ... }
 *                                                                 agenda: those with a deadline
 *
 * Invariants (hash_check() asserts them):
 *   1. No hash but {0} is empty.
 *   2. Every member of a large one has a value; those that have a deadline are in the agenda.
 *
 * May use structures/ and base/. Knows nothing of keys, expiry, locks.
 */
#include "values/hash.h"

#include "base/slice.h"
#include "values/timed.h"

enum {
    /* Fields of one call whose old values need no memory to be remembered in. */
    HASH_ON_STACK = 16,

    /* Pairs of one call that may each be compared with all others. */
    HASH_COMPARED = 1024
};

struct hash_large {
    struct large head;
    struct members members; /* in its memory */
    struct agenda agenda;
};

static struct hash_large *hash_large(const struct collection *hash)
{
    return (struct hash_large *)collection_large(hash);
}

static const struct siphash_key *hash_key(const struct hash_large *large)
{
    return large->members.table.context;
}

static bool hash_member_is_timed(const struct member *member)
{
    return member_deadline(member) != KV_NEVER;
}

/* ------------------------------------------------------------------------------ making large ones */

static struct hash_large *hash_large_create(struct memory *memory, const struct siphash_key *key)
{
    struct hash_large *large = large_create(memory, sizeof *large);
    if (large != NULL) members_init(&large->members, &large->head.memory, key);
    return large;
}

/* Adds a field that is not there. KV_OK, KV_NOMEM. */
static kv_status hash_large_add(struct hash_large *large, kv_slice field, kv_slice value,
                                int64_t deadline_ms)
{
    struct member_name name;
    struct member *member;
    members_name(hash_key(large), field, &name);
    kv_status status = members_put(&large->members, &name, value, &member);
    if (status != KV_OK || deadline_ms == KV_NEVER) return status;
    status = agenda_reserve(&large->agenda, &large->head.memory, 1);
    if (status == KV_OK)
        status = members_set_deadline(&large->members, &name, deadline_ms, 0, &member);
    if (status == KV_OK) agenda_add(&large->agenda, member);
    return status;
}

static kv_status hash_large_add_pack(struct hash_large *large, const struct hash_pack *small)
{
    kv_status status = KV_OK;
    struct hash_pack_walk walk = hash_pack_begin(small);
    while (status == KV_OK && hash_pack_step(small, &walk))
        status = hash_large_add(large, walk.field, walk.value, walk.deadline_ms);
    return status;
}

static kv_status hash_large_add_large(struct hash_large *large, const struct hash_large *from)
{
    struct table_cursor cursor = {0};
    struct member *batch[MEMBERS_BATCH];
    size_t count;
    while ((count = members_next(&from->members, &cursor, batch, MEMBERS_BATCH)) > 0) {
        for (size_t i = 0; i < count; i++) {
            char scratch[MEMBER_TEXT_SIZE];
            kv_status status = hash_large_add(large, member_text(batch[i], scratch),
                                              member_value(batch[i]), member_deadline(batch[i]));
            if (status != KV_OK) return status;
        }
    }
    return KV_OK;
}

/* A large hash with a copy of what another one has. NULL without memory. */
static struct hash_large *hash_large_from(const struct collection *hash, struct memory *memory,
                                          const struct siphash_key *key)
{
    struct hash_large *large = hash_large_create(memory, key);
    if (large == NULL || collection_is_empty(hash)) return large;
    struct hash_pack small;
    kv_status status;
    if (collection_is_small(hash)) {
        small = hash_pack_of(hash);
        status = hash_large_add_pack(large, &small);
    } else {
        status = hash_large_add_large(large, hash_large(hash));
    }
    if (status == KV_OK) return large;
    large_destroy(&large->head);
    return NULL;
}

/* -------------------------------------------------------------------------------------- reading */

KV_INTERNAL uint64_t hash_length(const struct collection *hash)
{
    if (!collection_is_small(hash)) return members_count(&hash_large(hash)->members);
    struct hash_pack small = hash_pack_of(hash);
    return hash_pack_count(&small);
}

static const struct member *hash_large_find(const struct hash_large *large, kv_slice field)
{
    struct member_name name;
    members_name(hash_key(large), field, &name);
    return members_find(&large->members, &name);
}

KV_INTERNAL bool hash_get(const struct collection *hash, kv_slice field,
                          char scratch[PACK_TEXT_SIZE], kv_slice *value)
{
    if (!collection_is_small(hash)) {
        const struct member *member = hash_large_find(hash_large(hash), field);
        if (member != NULL) *value = member_value(member);
        return member != NULL;
    }
    struct hash_pack small = hash_pack_of(hash);
    const uint8_t *at = hash_pack_find(&small, field);
    if (at != NULL) *value = hash_pack_value(at, scratch);
    return at != NULL;
}

KV_INTERNAL bool hash_get_deadline(const struct collection *hash, kv_slice field,
                                   int64_t *deadline_ms)
{
    if (!collection_is_small(hash)) {
        const struct member *member = hash_large_find(hash_large(hash), field);
        if (member != NULL) *deadline_ms = member_deadline(member);
        return member != NULL;
    }
    struct hash_pack small = hash_pack_of(hash);
    const uint8_t *at = hash_pack_find(&small, field);
    if (at != NULL) *deadline_ms = hash_pack_deadline(&small, at);
    return at != NULL;
}

static void hash_large_get_many(const struct hash_large *large, const kv_slice *fields,
                                size_t count, kv_visit_at *visit, void *context)
{
    struct member_name names[MEMBERS_BATCH];
    for (size_t first = 0; first < count; first += MEMBERS_BATCH) {
        size_t some = count - first < MEMBERS_BATCH ? count - first : MEMBERS_BATCH;
        members_names(hash_key(large), fields + first, some, names);
        members_fetch(&large->members, names, some);
        for (size_t i = 0; i < some; i++) {
            const struct member *member = members_find(&large->members, &names[i]);
            kv_slice value;
            if (member != NULL) value = member_value(member);
            if (!visit(context, first + i, member != NULL ? &value : NULL)) return;
        }
    }
}

KV_INTERNAL void hash_get_many(const struct collection *hash, const kv_slice *fields, size_t count,
                               kv_visit_at *visit, void *context)
{
    if (!collection_is_small(hash)) {
        hash_large_get_many(hash_large(hash), fields, count, visit, context);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        char scratch[PACK_TEXT_SIZE];
        kv_slice value;
        bool is_there = hash_get(hash, fields[i], scratch, &value);
        if (!visit(context, i, is_there ? &value : NULL)) return;
    }
}

static bool hash_large_show(const struct member *member, kv_visit_field *visit, void *context)
{
    char scratch[MEMBER_TEXT_SIZE];
    return visit(context, member_text(member, scratch), member_value(member));
}

static void hash_large_visit(const struct hash_large *large, kv_visit_field *visit, void *context)
{
    struct table_cursor cursor = {0};
    struct member *batch[MEMBERS_BATCH];
    size_t count;
    while ((count = members_next(&large->members, &cursor, batch, MEMBERS_BATCH)) > 0) {
        for (size_t i = 0; i < count; i++)
            if (!hash_large_show(batch[i], visit, context)) return;
    }
}

KV_INTERNAL void hash_visit(const struct collection *hash, kv_visit_field *visit, void *context)
{
    if (!collection_is_small(hash)) {
        hash_large_visit(hash_large(hash), visit, context);
    } else if (!collection_is_empty(hash)) {
        struct hash_pack small = hash_pack_of(hash);
        hash_pack_visit(&small, visit, context);
    }
}

static void hash_large_visit_deadlines(const struct hash_large *large, hash_visit_dated *visit,
                                       void *context)
{
    struct table_cursor cursor = {0};
    struct member *batch[MEMBERS_BATCH];
    size_t count;
    while ((count = members_next(&large->members, &cursor, batch, MEMBERS_BATCH)) > 0) {
        for (size_t i = 0; i < count; i++) {
            char scratch[MEMBER_TEXT_SIZE];
            if (!visit(context, member_text(batch[i], scratch), member_value(batch[i]),
                       member_deadline(batch[i])))
                return;
        }
    }
}

KV_INTERNAL void hash_visit_deadlines(const struct collection *hash, hash_visit_dated *visit,
                                      void *context)
{
    if (!collection_is_small(hash)) {
        hash_large_visit_deadlines(hash_large(hash), visit, context);
    } else if (!collection_is_empty(hash)) {
        struct hash_pack small = hash_pack_of(hash);
        struct hash_pack_walk walk = hash_pack_begin(&small);
        while (hash_pack_step(&small, &walk) &&
               visit(context, walk.field, walk.value, walk.deadline_ms)) continue;
    }
}

struct hash_showing {
    kv_visit_field *visit;
    void *context;
};

static void hash_scan_one(void *context, const struct member *member)
{
    const struct hash_showing *showing = context;
    (void)hash_large_show(member, showing->visit, showing->context);
}

KV_INTERNAL uint64_t hash_scan(const struct collection *hash, uint64_t cursor, uint64_t limit,
                               kv_visit_field *visit, void *context)
{
    if (collection_is_small(hash)) {
        hash_visit(hash, visit, context);
        return 0;
    }
    struct hash_showing showing = {visit, context};
    return members_scan(&hash_large(hash)->members, cursor, limit, hash_scan_one, &showing);
}

/* -------------------------------------------------------------------------------------- chances */

KV_INTERNAL kv_status hash_draw(const struct collection *hash, struct alloc *alloc,
                                struct random *random, uint64_t count, kv_visit_field *visit,
                                void *context)
{
    assert(!collection_is_empty(hash));
    if (count == 0) return KV_OK;
    if (collection_is_small(hash)) {
        struct hash_pack small = hash_pack_of(hash);
        return hash_pack_draw(&small, alloc, random, count, visit, context);
    }
    const struct members *members = &hash_large(hash)->members;
    while (count > 0 && hash_large_show(members_random(members, random), visit, context)) count--;
    return KV_OK;
}

KV_INTERNAL kv_status hash_sample(const struct collection *hash, struct alloc *alloc,
                                  struct random *random, uint64_t count, kv_visit_field *visit,
                                  void *context)
{
    uint64_t length = hash_length(hash);
    assert(count <= length);
    if (count == 0) return KV_OK;
    if (count == length) {
        hash_visit(hash, visit, context);
        return KV_OK;
    }
    if (collection_is_small(hash)) {
        struct hash_pack small = hash_pack_of(hash);
        hash_pack_sample(&small, random, count, visit, context);
        return KV_OK;
    }
    struct member **sample = alloc_get_array(alloc, (size_t)count, sizeof *sample);
    if (sample == NULL) return KV_NOMEM;
    kv_status status = members_sample(&hash_large(hash)->members, random, count, sample);
    for (size_t i = 0; status == KV_OK && i < count; i++)
        if (!hash_large_show(sample[i], visit, context)) break;
    alloc_free(alloc, sample, (size_t)count * sizeof *sample);
    return status;
}

/* ------------------------------------------------------------------------------- setting: large */

/* What a call that sets fields of a large hash is about. */
struct hash_setting {
    struct hash_large *large;
    const kv_slice *pairs;
    size_t count;
    int64_t deadline_ms;
    struct member **olds; /* what each replaced; NULL: nothing */
};

/* The deadline that a field is to have after its old member, NULL if it had none. */
static int64_t hash_setting_deadline(const struct hash_setting *setting, const struct member *old)
{
    if (setting->deadline_ms != HASH_KEEP_DEADLINE) return setting->deadline_ms;
    return old != NULL ? member_deadline(old) : KV_NEVER;
}

/* Puts one pair, whose name is prepared; on failure it may be there, and is to be undone. */
static kv_status hash_setting_put(const struct hash_setting *setting, size_t i,
                                  const struct member_name *name)
{
    struct members *members = &setting->large->members;
    struct member *moved;
    setting->olds[i] = NULL;
    kv_status status = members_put(members, name, setting->pairs[2 * i + 1], &setting->olds[i]);
    if (status != KV_OK) return status;
    const struct member *old = setting->olds[i];
    int64_t deadline_ms = hash_setting_deadline(setting, old);
    if (deadline_ms == KV_NEVER) return KV_OK;
    uint32_t id = old != NULL ? member_deadline_id(old) : 0;
    status = members_set_deadline(members, name, deadline_ms, id, &moved);
    if (status != KV_OK) members_undo(members, name, setting->olds[i]);
    return status;
}

/* Puts the pairs, the misses of several overlapping; gives how many could be. */
static size_t hash_setting_put_all(const struct hash_setting *setting)
{
    kv_slice fields[MEMBERS_BATCH];
    struct member_name names[MEMBERS_BATCH];
    const struct hash_large *large = setting->large;
    for (size_t first = 0; first < setting->count; first += MEMBERS_BATCH) {
        size_t some = setting->count - first;
        if (some > MEMBERS_BATCH) some = MEMBERS_BATCH;
        for (size_t i = 0; i < some; i++) fields[i] = setting->pairs[2 * (first + i)];
        members_names(hash_key(large), fields, some, names);
        members_fetch(&large->members, names, some);
        for (size_t i = first; i < first + some; i++)
            if (hash_setting_put(setting, i, &names[i - first]) != KV_OK) return i;
    }
    return setting->count;
}

/* Takes back what was put: the first `count` of the pairs, the last one first. */
static void hash_setting_undo(const struct hash_setting *setting, size_t count)
{
    while (count-- > 0) {
        struct member_name name;
        members_name(hash_key(setting->large), setting->pairs[2 * count], &name);
        members_undo(&setting->large->members, &name, setting->olds[count]);
    }
}

/*
 * Brings the agenda in line with one field that was set, which nothing prevents any more. The old
 * member is in it if it had a deadline; given twice, the second old one is the first new one, which
 * is not.
 */
static void hash_setting_file(const struct hash_setting *setting, size_t i)
{
    struct hash_large *large = setting->large;
    const struct member *old = setting->olds[i];
    struct member_name name;
    members_name(hash_key(large), setting->pairs[2 * i], &name);
    struct member *member = members_find(&large->members, &name);
    bool was_filed = old != NULL && agenda_has(&large->agenda, old);
    bool is_filed = agenda_has(&large->agenda, member);
    if (was_filed && hash_member_is_timed(member)) {
        member_set_deadline_id(member, member_deadline_id(old));
        agenda_update(&large->agenda, member);
    } else if (was_filed) {
        agenda_remove(&large->agenda, &large->head.memory, old);
    } else if (hash_member_is_timed(member) && !is_filed) {
        agenda_add(&large->agenda, member);
    }
}

static void hash_setting_commit(const struct hash_setting *setting, uint64_t *added)
{
    struct hash_large *large = setting->large;
    bool has_deadlines = setting->deadline_ms > 0 && setting->deadline_ms != KV_NEVER;
    has_deadlines = has_deadlines || agenda_first(&large->agenda) != NULL;
    *added = 0;
    for (size_t i = 0; i < setting->count; i++) {
        if (has_deadlines) hash_setting_file(setting, i);
        *added += setting->olds[i] == NULL;
    }
    for (size_t i = 0; i < setting->count; i++) members_free(&large->members, setting->olds[i]);
}

static kv_status hash_large_set(struct hash_large *large, const kv_slice *pairs, size_t count,
                                int64_t deadline_ms, uint64_t *added)
{
    struct memory *memory = &large->head.memory;
    struct alloc *alloc = memory->pages->alloc;
    struct member *on_stack[HASH_ON_STACK];
    struct hash_setting setting = {large, pairs, count, deadline_ms, on_stack};
    bool is_timed = deadline_ms != KV_NEVER && deadline_ms != HASH_KEEP_DEADLINE;
    if (is_timed && agenda_reserve(&large->agenda, memory, count) != KV_OK) return KV_NOMEM;
    if (count > HASH_ON_STACK) setting.olds = alloc_get_array(alloc, count, sizeof *setting.olds);
    if (setting.olds == NULL) return KV_NOMEM;

    size_t put = hash_setting_put_all(&setting);
    if (put < count) hash_setting_undo(&setting, put);
    else hash_setting_commit(&setting, added);
    if (setting.olds != on_stack) alloc_free(alloc, setting.olds, count * sizeof *setting.olds);
    return put == count ? KV_OK : KV_NOMEM;
}

/* ------------------------------------------------------------------------------- setting: small */

/* Whether a field or a value is too long for a small hash. */
static bool hash_has_long(const struct collection_limits *limits, const kv_slice *pairs,
                          size_t count)
{
    size_t limit = limits->value_size < PACK_SIZE_MAX ? limits->value_size : PACK_SIZE_MAX;
    for (size_t i = 0; i < 2 * count; i++)
        if (pairs[i].size > limit) return true;
    return false;
}

/* Whether these pairs, `fresh` of which may be new, are beyond what a small hash may have. */
static bool hash_outgrows(const struct hash_pack *small, const struct collection_limits *limits,
                          const kv_slice *pairs, size_t count, size_t growth, size_t fresh)
{
    size_t size = small->pack != NULL ? pack_size(small->pack) : PACK_EMPTY_SIZE;
    if (growth > PACK_SIZE_MAX - size) return true;
    size_t length = hash_pack_count(small) + fresh;
    if (length <= limits->count) return false;
    if (fresh > limits->count || count > HASH_COMPARED) return true;
    /* Beyond, unless some are given twice. */
    for (size_t i = 1; i < count; i++) {
        size_t j = 0;
        while (j < i && !slice_equal(pairs[2 * i], pairs[2 * j])) j++;
        if (j < i && hash_pack_find(small, pairs[2 * i]) == NULL) length--;
    }
    return length > limits->count;
}

/* Sets the pairs if they fit: else KV_TOOBIG, and the hash has to become large. */
static kv_status hash_small_set(struct collection *hash, const struct hash_owner *owner,
                                const kv_slice *pairs, size_t count, int64_t deadline_ms,
                                uint64_t *added)
{
    struct hash_pack small = hash_pack_of(hash);
    bool is_timed = deadline_ms != KV_NEVER && deadline_ms != HASH_KEEP_DEADLINE;
    if (hash_has_long(&owner->limits, pairs, count)) return KV_TOOBIG;
    size_t fresh, growth = hash_pack_growth(&small, pairs, count, &fresh);
    if (is_timed || small.has_deadlines) growth += count * HASH_PACK_DEADLINE_ROOM;
    if (hash_outgrows(&small, &owner->limits, pairs, count, growth, fresh)) return KV_TOOBIG;
    kv_status status = hash_pack_reserve(&small, owner->memory, growth, is_timed);
    if (status != KV_OK) return status;
    *added = 0;
    for (size_t i = 0; i < count; i++) *added += hash_pack_put(&small, pairs + 2 * i, deadline_ms);
    hash_pack_fit(&small, owner->memory);
    hash_pack_store(&small, hash);
    return KV_OK;
}

/* Makes a small hash large, for something that comes; takes it back if that fails. */
static kv_status hash_large_set_from(struct collection *hash, const struct hash_owner *owner,
                                     const kv_slice *pairs, size_t count, int64_t deadline_ms,
                                     uint64_t *added)
{
    struct hash_large *large = hash_large_from(hash, owner->memory, owner->key);
    if (large == NULL) return KV_NOMEM;
    kv_status status = hash_large_set(large, pairs, count, deadline_ms, added);
    if (status != KV_OK) {
        large_destroy(&large->head);
        return status;
    }
    pack_destroy(owner->memory, collection_block(hash));
    collection_set_large(hash, &large->head);
    return KV_OK;
}

KV_INTERNAL kv_status hash_set(struct collection *hash, const struct hash_owner *owner,
                               const kv_slice *pairs, size_t count, int64_t deadline_ms,
                               uint64_t *added)
{
    assert(count > 0);
    if (!collection_is_small(hash))
        return hash_large_set(hash_large(hash), pairs, count, deadline_ms, added);
    kv_status status = hash_small_set(hash, owner, pairs, count, deadline_ms, added);
    if (status != KV_TOOBIG) return status;
    return hash_large_set_from(hash, owner, pairs, count, deadline_ms, added);
}

/* ------------------------------------------------------------------------------------ deadlines */

static kv_status hash_large_set_deadline(struct hash_large *large, kv_slice field,
                                         int64_t deadline_ms)
{
    struct member_name name;
    struct member *moved;
    members_name(hash_key(large), field, &name);
    return timed_set_deadline(&large->members, &large->agenda, &name, deadline_ms, &moved);
}

KV_INTERNAL kv_status hash_reserve_deadlines(struct collection *hash, struct memory *memory,
                                             const struct siphash_key *key, size_t count)
{
    (void)key;
    if (collection_is_empty(hash)) return KV_OK;
    if (!collection_is_small(hash)) {
        struct hash_large *large = hash_large(hash);
        return agenda_reserve(&large->agenda, &large->head.memory, count);
    }
    struct hash_pack small = hash_pack_of(hash);
    if (count > PACK_SIZE_MAX / HASH_PACK_DEADLINE_ROOM) return KV_NOMEM;
    size_t room = count * HASH_PACK_DEADLINE_ROOM;
    kv_status status = hash_pack_reserve(&small, memory, room, true);
    if (status == KV_OK) hash_pack_store(&small, hash);
    return status;
}

KV_INTERNAL kv_status hash_set_deadline(struct collection *hash, struct memory *memory,
                                        kv_slice field, int64_t deadline_ms)
{
    assert(deadline_ms > 0);
    if (!collection_is_small(hash))
        return hash_large_set_deadline(hash_large(hash), field, deadline_ms);
    struct hash_pack small = hash_pack_of(hash);
    if (!small.has_deadlines && deadline_ms == KV_NEVER) return KV_OK;
    if (deadline_ms != KV_NEVER) {
        kv_status status = hash_reserve_deadlines(hash, memory, NULL, 1);
        if (status != KV_OK) return status;
        small = hash_pack_of(hash);
    }
    hash_pack_set_deadline(&small, hash_pack_find(&small, field), deadline_ms);
    return KV_OK;
}

static int64_t hash_next_deadline(const struct collection *hash)
{
    if (collection_is_small(hash)) {
        struct hash_pack small = hash_pack_of(hash);
        return hash_pack_next_deadline(&small);
    }
    return timed_next_deadline(&hash_large(hash)->agenda);
}

static bool hash_is_spent(const struct collection *hash, int64_t now_ms)
{
    if (collection_is_small(hash)) {
        struct hash_pack small = hash_pack_of(hash);
        return hash_pack_is_spent(&small, now_ms);
    }
    const struct hash_large *large = hash_large(hash);
    return timed_is_spent(&large->members, &large->agenda, now_ms);
}

static size_t hash_peek_due(const struct collection *hash, int64_t now_ms,
                            struct collection_due *due)
{
    if (collection_is_small(hash)) {
        struct hash_pack small = hash_pack_of(hash);
        return hash_pack_peek_due(&small, now_ms, due);
    }
    return timed_peek_due(&hash_large(hash)->agenda, now_ms, due);
}

static void hash_drop_due(struct collection *hash, struct memory *memory,
                          const struct collection_due *due, size_t count)
{
    if (collection_is_small(hash)) {
        struct hash_pack small = hash_pack_of(hash);
        hash_pack_drop(&small, count);
        hash_pack_fit(&small, memory);
        hash_pack_store(&small, hash);
    } else {
        struct hash_large *large = hash_large(hash);
        for (size_t i = 0; i < count; i++) {
            timed_forget(&large->members, &large->agenda, due[i].item);
            members_remove_member(&large->members, due[i].item);
        }
    }
    if (hash_length(hash) == 0) hash_destroy(hash, memory);
}

/* ------------------------------------------------------------------------------------- removing */

static uint64_t hash_small_remove(struct collection *hash, struct memory *memory,
                                  const kv_slice *fields, size_t count)
{
    struct hash_pack small = hash_pack_of(hash);
    uint64_t removed = hash_pack_remove(&small, fields, count);
    if (removed == 0) return 0; /* who is told so does not look where the hash lies now */
    hash_pack_fit(&small, memory);
    hash_pack_store(&small, hash);
    return removed;
}

static uint64_t hash_large_remove(struct hash_large *large, const kv_slice *fields, size_t count)
{
    struct member_name names[MEMBERS_BATCH];
    uint64_t removed = 0;
    for (size_t first = 0; first < count; first += MEMBERS_BATCH) {
        size_t some = count - first < MEMBERS_BATCH ? count - first : MEMBERS_BATCH;
        members_names(hash_key(large), fields + first, some, names);
        members_fetch(&large->members, names, some);
        for (size_t i = 0; i < some; i++)
            removed += timed_remove(&large->members, &large->agenda, &names[i]);
    }
    return removed;
}

KV_INTERNAL uint64_t hash_remove(struct collection *hash, struct memory *memory,
                                 const kv_slice *fields, size_t count)
{
    if (collection_is_empty(hash)) return 0;
    uint64_t removed = collection_is_small(hash)
                           ? hash_small_remove(hash, memory, fields, count)
                           : hash_large_remove(hash_large(hash), fields, count);
    if (removed > 0 && hash_length(hash) == 0) hash_destroy(hash, memory);
    return removed;
}

/* --------------------------------------------------------------------------------- whole hashes */

KV_INTERNAL kv_status hash_copy(const struct collection *hash, struct memory *memory,
                                struct collection *copy)
{
    if (!collection_is_small(hash)) {
        struct hash_large *large = hash_large_from(hash, memory, hash_key(hash_large(hash)));
        if (large == NULL) return KV_NOMEM;
        collection_set_large(copy, &large->head);
        return KV_OK;
    }
    struct hash_pack small = hash_pack_of(hash);
    if (small.pack != NULL) {
        kv_status status = pack_load(memory, pack_bytes(small.pack), &small.pack);
        if (status != KV_OK) return status;
    }
    hash_pack_store(&small, copy);
    return KV_OK;
}

KV_INTERNAL void hash_destroy(struct collection *hash, struct memory *memory)
{
    if (collection_is_small(hash)) pack_destroy(memory, collection_block(hash));
    else large_destroy(collection_large(hash));
    hash->word = 0;
}

/* ------------------------------------------------------------------------------------- checking */

#if KV_DEBUG > 0
static void hash_check_member(void *context, void *item)
{
    (void)context;
    assert(((uintptr_t)item & 1) == 0); /* in a block, so there can be a value */
    assert(member_value(item).data != NULL);
}

static void hash_large_check(const struct hash_large *large)
{
    memory_check(&large->head.memory);
    members_check(&large->members);
    assert(members_count(&large->members) > 0);
    table_each(&large->members.table, hash_check_member, NULL);
    timed_check(&large->members, &large->agenda);
}

KV_INTERNAL void hash_check(const struct collection *hash)
{
    if (!collection_is_small(hash)) {
        hash_large_check(hash_large(hash));
    } else if (!collection_is_empty(hash)) {
        struct hash_pack small = hash_pack_of(hash);
        hash_pack_check(&small);
    }
}
#endif

/* ----------------------------------------------------------------------------------- as a value */

static const char *hash_encoding(const struct collection *hash)
{
    if (!collection_is_small(hash)) return "hashtable";
    return collection_is_second(hash) ? "listpackex" : "listpack";
}

static size_t hash_block_size(const void *block)
{
    return pack_block_size(block);
}

static const struct members *hash_members(const struct collection *hash)
{
    return &hash_large(hash)->members;
}

static const struct collection_words hash_words = {
    .remove = "HDEL",
    .expire = "HPEXPIREAT",
    .persist = "HPERSIST",
    .elements = "FIELDS",
    .event_class = KV_EVENT_HASH,
    .removed = "hdel",
    .timed = "hexpire",
    .untimed = "hpersist",
    .expired = "hexpired",
};

KV_INTERNAL const struct collection_kind hash_kind = {
    .length = hash_length,
    .encoding = hash_encoding,
    .block_size = hash_block_size,
    .members = hash_members,
    .copy = hash_copy,
    .next_deadline = hash_next_deadline,
    .is_spent = hash_is_spent,
    .peek_due = hash_peek_due,
    .drop_due = hash_drop_due,
    .get_deadline = hash_get_deadline,
    .reserve_deadlines = hash_reserve_deadlines,
    .set_deadline = hash_set_deadline,
    .remove = hash_remove,
    .words = &hash_words,
#if KV_DEBUG > 0
    .check = hash_check,
#endif
};
