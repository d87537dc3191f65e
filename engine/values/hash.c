/*
 * values/hash.c -- the hash value: a pack while it is small, a table of members when it is large.
 *
 *     small:  pack [ field value field value ... ]        large:  members { field: value ... }
 *
 * Invariants (hash_check() asserts them):
 *   1. No hash but {0} is empty, and no field is in it twice.
 *   2. Every member of a large one has a value.
 *
 * May use structures/ and base/. Knows nothing of keys, expiry, locks.
 */
#include "values/hash.h"

#include "base/slice.h"

enum {
    /* Room that a small hash may keep free after a change. */
    HASH_SPARE = 64,

    /* Fields of one call whose old values need no memory to be remembered in. */
    HASH_ON_STACK = 16,

    /* Pairs of one call that may each be compared with all others. */
    HASH_COMPARED = 1024
};

struct hash_large {
    struct large head;
    struct members members; /* in its memory */
};

static struct pack *hash_small(const struct collection *hash)
{
    return collection_block(hash);
}

static struct hash_large *hash_large(const struct collection *hash)
{
    return (struct hash_large *)collection_large(hash);
}

static const struct siphash_key *hash_key(const struct hash_large *large)
{
    return large->members.table.context;
}

KV_INTERNAL uint64_t hash_length(const struct collection *hash)
{
    if (!collection_is_small(hash)) return members_count(&hash_large(hash)->members);
    return collection_is_empty(hash) ? 0 : pack_count(hash_small(hash)) / 2;
}

/* ----------------------------------------------------------------------------------- small ones */

/* Where a field is; NULL if there is none. */
static const uint8_t *hash_small_find(const struct pack *pack, kv_slice field)
{
    struct pack_needle needle = pack_needle(field);
    return pack_find(pack_first(pack), &needle, 1);
}

/* Shows the field at a place; gives the place of the next. */
static const uint8_t *hash_small_show(const uint8_t *at, kv_visit_field *visit, void *context,
                                      bool *goes_on)
{
    char field[PACK_TEXT_SIZE], value[PACK_TEXT_SIZE];
    const uint8_t *value_at = pack_next(at);
    *goes_on = visit(context, pack_text(at, field), pack_text(value_at, value));
    return pack_next(value_at);
}

static void hash_small_visit(const struct pack *pack, kv_visit_field *visit, void *context)
{
    bool goes_on = true;
    for (const uint8_t *at = pack_first(pack); goes_on && *at != PACK_END;)
        at = hash_small_show(at, visit, context, &goes_on);
}

/* ----------------------------------------------------------------------------------- large ones */

static struct member *hash_large_find(const struct hash_large *large, kv_slice field)
{
    struct member_name name;
    members_name(hash_key(large), field, &name);
    return members_find(&large->members, &name);
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

static struct hash_large *hash_large_create(struct memory *memory, const struct siphash_key *key)
{
    struct hash_large *large = large_create(memory, sizeof *large);
    if (large != NULL) members_init(&large->members, &large->head.memory, key);
    return large;
}

static kv_status hash_large_put(struct hash_large *large, kv_slice field, kv_slice value,
                                struct member **old)
{
    struct member_name name;
    members_name(hash_key(large), field, &name);
    return members_put(&large->members, &name, value, old);
}

struct hash_filling {
    struct hash_large *large;
    kv_status status;
};

static bool hash_large_fill(void *context, kv_slice field, kv_slice value)
{
    struct hash_filling *filling = context;
    struct member *old;
    filling->status = hash_large_put(filling->large, field, value, &old);
    return filling->status == KV_OK;
}

/* A large hash with a copy of what another one has. NULL without memory. */
static struct hash_large *hash_large_from(const struct collection *hash, struct memory *memory,
                                          const struct siphash_key *key)
{
    struct hash_filling filling = {hash_large_create(memory, key), KV_OK};
    if (filling.large == NULL) return NULL;
    hash_visit(hash, hash_large_fill, &filling);
    if (filling.status == KV_OK) return filling.large;
    large_destroy(&filling.large->head);
    return NULL;
}

/* -------------------------------------------------------------------------------------- reading */

KV_INTERNAL bool hash_get(const struct collection *hash, kv_slice field,
                          char scratch[PACK_TEXT_SIZE], kv_slice *value)
{
    if (!collection_is_small(hash)) {
        const struct member *member = hash_large_find(hash_large(hash), field);
        if (member != NULL) *value = member_value(member);
        return member != NULL;
    }
    if (collection_is_empty(hash)) return false;
    const uint8_t *at = hash_small_find(hash_small(hash), field);
    if (at != NULL) *value = pack_text(pack_next(at), scratch);
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

KV_INTERNAL void hash_visit(const struct collection *hash, kv_visit_field *visit, void *context)
{
    if (!collection_is_small(hash)) hash_large_visit(hash_large(hash), visit, context);
    else if (!collection_is_empty(hash)) hash_small_visit(hash_small(hash), visit, context);
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

/* Where each field of a small hash is. NULL without memory. */
static const uint8_t **hash_small_places(const struct pack *pack, struct alloc *alloc, size_t count)
{
    const uint8_t **places = alloc_get_array(alloc, count, sizeof *places);
    const uint8_t *at = pack_first(pack);
    for (size_t i = 0; places != NULL && i < count; i++) {
        places[i] = at;
        at = pack_next(pack_next(at));
    }
    return places;
}

static kv_status hash_small_draw(const struct pack *pack, struct alloc *alloc,
                                 struct random *random, uint64_t count, kv_visit_field *visit,
                                 void *context)
{
    bool goes_on = true;
    size_t length = pack_count(pack) / 2;
    if (count <= 1) { /* mostly */
        const uint8_t *at = pack_seek(pack, 2 * (size_t)random_below(random, length));
        if (count == 1) hash_small_show(at, visit, context, &goes_on);
        return KV_OK;
    }
    const uint8_t **places = hash_small_places(pack, alloc, length);
    if (places == NULL) return KV_NOMEM;
    for (; goes_on && count > 0; count--)
        hash_small_show(places[random_below(random, length)], visit, context, &goes_on);
    alloc_free(alloc, places, length * sizeof *places);
    return KV_OK;
}

KV_INTERNAL kv_status hash_draw(const struct collection *hash, struct alloc *alloc,
                                struct random *random, uint64_t count, kv_visit_field *visit,
                                void *context)
{
    assert(!collection_is_empty(hash));
    if (collection_is_small(hash))
        return hash_small_draw(hash_small(hash), alloc, random, count, visit, context);
    const struct members *members = &hash_large(hash)->members;
    for (bool goes_on = true; goes_on && count > 0; count--)
        goes_on = hash_large_show(members_random(members, random), visit, context);
    return KV_OK;
}

/* Each in turn with the chance (still wanted) / (still to come): Knuth vol. 2, 3.4.2, S. */
static void hash_small_sample(const struct pack *pack, struct random *random, uint64_t count,
                              kv_visit_field *visit, void *context)
{
    bool goes_on = true;
    const uint8_t *at = pack_first(pack);
    for (size_t to_come = pack_count(pack) / 2; goes_on && count > 0; to_come--) {
        if (random_below(random, to_come) < count) {
            at = hash_small_show(at, visit, context, &goes_on);
            count--;
        } else {
            at = pack_next(pack_next(at));
        }
    }
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
        hash_small_sample(hash_small(hash), random, count, visit, context);
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

/* ------------------------------------------------------------------------------- setting: small */

/* Puts one pair. All or nothing. */
static kv_status hash_small_put(struct pack **pack, struct memory *memory, const kv_slice *pair,
                                uint64_t *added)
{
    const uint8_t *at = hash_small_find(*pack, pair[0]);
    if (at == NULL) {
        struct pack_run run;
        kv_status status = pack_measure(pair, 2, &run);
        if (status == KV_OK) status = pack_reserve(memory, pack, run.size, KV_TAIL);
        if (status != KV_OK) return status;
        pack_push(*pack, KV_TAIL, &run);
        ++*added;
        return KV_OK;
    }
    at = pack_next(at);
    size_t new_size = pack_value_size(pair[1]);
    size_t old_size = pack_element_size(at);
    size_t grow = new_size > old_size ? new_size - old_size : 0;
    kv_status status = pack_reserve_at(memory, pack, &at, grow);
    if (status == KV_OK) pack_replace(*pack, at, pair[1]);
    return status;
}

/*
 * How much room putting the pairs one by one takes at most; `fresh`: how many are not there, one
 * that is given twice counted twice. A value that is smaller than the old one counts with the
 * difference, too, as the same field may be given again and get a larger one.
 */
static size_t hash_small_growth(const struct pack *pack, const kv_slice *pairs, size_t count,
                                size_t *fresh)
{
    size_t growth = 0;
    *fresh = 0;
    for (size_t i = 0; i < count; i++, pairs += 2) {
        const uint8_t *at = pack != NULL ? hash_small_find(pack, pairs[0]) : NULL;
        size_t size = pack_value_size(pairs[1]);
        size_t old_size = at != NULL ? pack_element_size(pack_next(at)) : 0;
        if (at == NULL) {
            size += pack_value_size(pairs[0]);
            ++*fresh;
        }
        if (size > old_size) growth += size - old_size;
        else if (count > 1) growth += old_size - size;
    }
    return growth;
}

static kv_status hash_small_set(struct collection *hash, struct memory *memory,
                                const kv_slice *pairs, size_t count, size_t growth, uint64_t *added)
{
    struct pack *pack = hash_small(hash);
    kv_status status = pack == NULL ? pack_create(memory, growth, KV_TAIL, &pack)
                                    : pack_reserve(memory, &pack, growth, KV_TAIL);
    if (status != KV_OK) return status;
    collection_set_block(hash, pack);
    *added = 0;
    for (size_t i = 0; i < count; i++) {
        status = hash_small_put(&pack, memory, pairs + 2 * i, added);
        assert(status == KV_OK); /* the room is there */
    }
    assert(pack == hash_small(hash));
    pack_fit(memory, &pack, pack_size(pack) / 8 + HASH_SPARE);
    collection_set_block(hash, pack);
    return KV_OK;
}

/* Whether these pairs, `fresh` of which may be new, are beyond what a small hash may have. */
static bool hash_outgrows(const struct collection *hash, const struct collection_limits *limits,
                          const kv_slice *pairs, size_t count, size_t growth, size_t fresh)
{
    size_t size = collection_is_empty(hash) ? PACK_EMPTY_SIZE : pack_size(hash_small(hash));
    if (growth > PACK_SIZE_MAX - size) return true;
    uint64_t length = hash_length(hash) + fresh;
    if (length <= limits->count) return false;
    if (fresh > limits->count || count > HASH_COMPARED) return true;
    /* Beyond, unless some are given twice. */
    for (size_t i = 1; i < count; i++) {
        size_t j = 0;
        while (j < i && !slice_equal(pairs[2 * i], pairs[2 * j])) j++;
        kv_slice value;
        char scratch[PACK_TEXT_SIZE];
        if (j < i && !hash_get(hash, pairs[2 * i], scratch, &value)) length--;
    }
    return length > limits->count;
}

/* ------------------------------------------------------------------------------- setting: large */

/* Takes back what was put: the first `count` of the pairs, the last one first. */
static void hash_large_undo(struct hash_large *large, const kv_slice *pairs, struct member **olds,
                            size_t count)
{
    while (count-- > 0) {
        struct member_name name;
        members_name(hash_key(large), pairs[2 * count], &name);
        members_undo(&large->members, &name, olds[count]);
    }
}

/* Puts pairs, the misses of several overlapping; gives how many could be. */
static size_t hash_large_put_many(struct hash_large *large, const kv_slice *pairs, size_t count,
                                  struct member **olds)
{
    kv_slice fields[MEMBERS_BATCH];
    struct member_name names[MEMBERS_BATCH];
    for (size_t first = 0; first < count; first += MEMBERS_BATCH) {
        size_t some = count - first < MEMBERS_BATCH ? count - first : MEMBERS_BATCH;
        for (size_t i = 0; i < some; i++) fields[i] = pairs[2 * (first + i)];
        members_names(hash_key(large), fields, some, names);
        members_fetch(&large->members, names, some);
        for (size_t i = first; i < first + some; i++) {
            kv_slice value = pairs[2 * i + 1];
            if (members_put(&large->members, &names[i - first], value, &olds[i]) != KV_OK) return i;
        }
    }
    return count;
}

static kv_status hash_large_set(struct hash_large *large, const kv_slice *pairs, size_t count,
                                uint64_t *added)
{
    struct alloc *alloc = large->head.memory.pages->alloc;
    struct member *on_stack[HASH_ON_STACK], **olds = on_stack;
    if (count > HASH_ON_STACK) olds = alloc_get_array(alloc, count, sizeof *olds);
    if (olds == NULL) return KV_NOMEM;

    size_t put = hash_large_put_many(large, pairs, count, olds);
    if (put < count) hash_large_undo(large, pairs, olds, put);
    else *added = 0;
    for (size_t i = 0; put == count && i < count; i++) {
        *added += olds[i] == NULL;
        members_free(&large->members, olds[i]);
    }
    if (olds != on_stack) alloc_free(alloc, olds, count * sizeof *olds);
    return put == count ? KV_OK : KV_NOMEM;
}

/* Whether a field or a value is too long for a small hash. */
static bool hash_has_long(const struct collection_limits *limits, const kv_slice *pairs,
                          size_t count)
{
    size_t limit = limits->value_size < PACK_SIZE_MAX ? limits->value_size : PACK_SIZE_MAX;
    for (size_t i = 0; i < 2 * count; i++)
        if (pairs[i].size > limit) return true;
    return false;
}

KV_INTERNAL kv_status hash_set(struct collection *hash, const struct hash_owner *owner,
                               const kv_slice *pairs, size_t count, uint64_t *added)
{
    assert(count > 0);
    if (!collection_is_small(hash)) return hash_large_set(hash_large(hash), pairs, count, added);
    const struct collection_limits *limits = &owner->limits;
    if (!hash_has_long(limits, pairs, count)) {
        size_t fresh, growth = hash_small_growth(hash_small(hash), pairs, count, &fresh);
        if (!hash_outgrows(hash, limits, pairs, count, growth, fresh))
            return hash_small_set(hash, owner->memory, pairs, count, growth, added);
    }
    struct hash_large *large = hash_large_from(hash, owner->memory, owner->key);
    if (large == NULL) return KV_NOMEM;
    kv_status status = hash_large_set(large, pairs, count, added);
    if (status != KV_OK) {
        large_destroy(&large->head);
        return status;
    }
    pack_destroy(owner->memory, hash_small(hash));
    collection_set_large(hash, &large->head);
    return KV_OK;
}

/* ------------------------------------------------------------------------------------- removing */

static uint64_t hash_small_remove(struct collection *hash, struct memory *memory,
                                  const kv_slice *fields, size_t count)
{
    struct pack *pack = hash_small(hash);
    uint64_t removed = 0;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *at = hash_small_find(pack, fields[i]);
        if (at == NULL) continue;
        pack_delete(pack, at, 2);
        removed++;
    }
    if (removed == 0) return 0; /* who is told so does not look where the hash lies now */
    pack_fit(memory, &pack, pack_size(pack) + HASH_SPARE);
    collection_set_block(hash, pack);
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
        for (size_t i = 0; i < some; i++) removed += members_remove(&large->members, &names[i]);
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
    struct pack *pack = NULL;
    if (!collection_is_empty(hash)) {
        kv_status status = pack_load(memory, pack_bytes(hash_small(hash)), &pack);
        if (status != KV_OK) return status;
    }
    collection_set_block(copy, pack);
    return KV_OK;
}

KV_INTERNAL void hash_destroy(struct collection *hash, struct memory *memory)
{
    if (collection_is_small(hash)) pack_destroy(memory, hash_small(hash));
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

static void hash_small_check(const struct pack *pack)
{
    pack_check(pack);
    assert(pack_count(pack) > 0);
    assert(pack_count(pack) % 2 == 0);
    for (const uint8_t *at = pack_first(pack); *at != PACK_END; at = pack_next(pack_next(at))) {
        char scratch[PACK_TEXT_SIZE];
        assert(hash_small_find(pack, pack_text(at, scratch)) == at);
    }
}

KV_INTERNAL void hash_check(const struct collection *hash)
{
    if (!collection_is_small(hash)) {
        struct hash_large *large = hash_large(hash);
        memory_check(&large->head.memory);
        members_check(&large->members);
        assert(members_count(&large->members) > 0);
        table_each(&large->members.table, hash_check_member, NULL);
    } else if (!collection_is_empty(hash)) {
        hash_small_check(hash_small(hash));
    }
}
#endif

/* ----------------------------------------------------------------------------------- as a value */

static const char *hash_encoding(const struct collection *hash)
{
    return collection_is_small(hash) ? "listpack" : "hashtable";
}

static size_t hash_block_size(const void *block)
{
    return pack_block_size(block);
}

KV_INTERNAL const struct collection_kind hash_kind = {
    .length = hash_length,
    .encoding = hash_encoding,
    .block_size = hash_block_size,
    .copy = hash_copy,
#if KV_DEBUG > 0
    .check = hash_check,
#endif
};
