/*
 * values/hash_pack.c -- see hash_pack.h.
 *
 * Invariants (hash_pack_check() asserts them):
 *   1. No field is there twice.
 *   2. In triples each deadline is an integer above 0 and not before the one before it, or 0 and
 *      only zeros follow.
 */
#include "values/hash_pack.h"

#include "base/number.h"

/* Room that may stay free after a change. */
#define HASH_PACK_SPARE 64

static size_t hash_pack_width(const struct hash_pack *small)
{
    return small->has_deadlines ? 3 : 2;
}

static const uint8_t *hash_pack_next(const struct hash_pack *small, const uint8_t *at)
{
    at = pack_next(pack_next(at));
    return small->has_deadlines ? pack_next(at) : at;
}

static const uint8_t *hash_pack_first(const struct hash_pack *small)
{
    return pack_first(small->pack);
}

/* The field of this number, which is there. */
static const uint8_t *hash_pack_at(const struct hash_pack *small, size_t index)
{
    return pack_seek(small->pack, index * hash_pack_width(small));
}

/* -------------------------------------------------------------------------------------- reading */

KV_INTERNAL size_t hash_pack_count(const struct hash_pack *small)
{
    return small->pack != NULL ? pack_count(small->pack) / hash_pack_width(small) : 0;
}

KV_INTERNAL const uint8_t *hash_pack_find(const struct hash_pack *small, kv_slice field)
{
    if (small->pack == NULL) return NULL;
    struct pack_needle needle = pack_needle(field);
    return pack_find(hash_pack_first(small), &needle, hash_pack_width(small) - 1);
}

KV_INTERNAL kv_slice hash_pack_value(const uint8_t *at, char scratch[PACK_TEXT_SIZE])
{
    return pack_text(pack_next(at), scratch);
}

KV_INTERNAL int64_t hash_pack_deadline(const struct hash_pack *small, const uint8_t *at)
{
    if (!small->has_deadlines) return KV_NEVER;
    struct pack_item item = pack_get(pack_next(pack_next(at)));
    assert(item.is_integer);
    return item.integer != 0 ? item.integer : KV_NEVER;
}

KV_INTERNAL int64_t hash_pack_next_deadline(const struct hash_pack *small)
{
    if (!small->has_deadlines || *hash_pack_first(small) == PACK_END) return 0;
    int64_t deadline_ms = hash_pack_deadline(small, hash_pack_first(small));
    return deadline_ms != KV_NEVER ? deadline_ms : 0;
}

KV_INTERNAL struct hash_pack_walk hash_pack_begin(const struct hash_pack *small)
{
    return (struct hash_pack_walk){.next = hash_pack_first(small)};
}

KV_INTERNAL bool hash_pack_step(const struct hash_pack *small, struct hash_pack_walk *walk)
{
    if (*walk->next == PACK_END) return false;
    walk->field = pack_text(walk->next, walk->scratch[0]);
    walk->value = hash_pack_value(walk->next, walk->scratch[1]);
    walk->deadline_ms = hash_pack_deadline(small, walk->next);
    walk->next = hash_pack_next(small, walk->next);
    return true;
}

/* Shows the field at a place; gives whether the visitor wants more. */
static bool hash_pack_show(const uint8_t *at, kv_visit_field *visit, void *context)
{
    char field[PACK_TEXT_SIZE], value[PACK_TEXT_SIZE];
    return visit(context, pack_text(at, field), hash_pack_value(at, value));
}

KV_INTERNAL void hash_pack_visit(const struct hash_pack *small, kv_visit_field *visit,
                                 void *context)
{
    const uint8_t *at = hash_pack_first(small);
    while (*at != PACK_END && hash_pack_show(at, visit, context)) at = hash_pack_next(small, at);
}

/* Where each field is. NULL without memory. */
static const uint8_t **hash_pack_places(const struct hash_pack *small, struct alloc *alloc,
                                        size_t count)
{
    const uint8_t **places = alloc_get_array(alloc, count, sizeof *places);
    const uint8_t *at = hash_pack_first(small);
    for (size_t i = 0; places != NULL && i < count; i++) {
        places[i] = at;
        at = hash_pack_next(small, at);
    }
    return places;
}

KV_INTERNAL kv_status hash_pack_draw(const struct hash_pack *small, struct alloc *alloc,
                                     struct random *random, uint64_t count, kv_visit_field *visit,
                                     void *context)
{
    size_t length = hash_pack_count(small);
    if (count == 1) { /* mostly */
        (void)hash_pack_show(hash_pack_at(small, (size_t)random_below(random, length)), visit,
                             context);
        return KV_OK;
    }
    const uint8_t **places = hash_pack_places(small, alloc, length);
    if (places == NULL) return KV_NOMEM;
    while (count > 0 && hash_pack_show(places[random_below(random, length)], visit, context))
        count--;
    alloc_free(alloc, places, length * sizeof *places);
    return KV_OK;
}

/* Each in turn with the chance (still wanted) / (still to come): Knuth vol. 2, 3.4.2, S. */
KV_INTERNAL void hash_pack_sample(const struct hash_pack *small, struct random *random,
                                  uint64_t count, kv_visit_field *visit, void *context)
{
    const uint8_t *at = hash_pack_first(small);
    for (size_t to_come = hash_pack_count(small); count > 0; to_come--) {
        if (random_below(random, to_come) < count) {
            if (!hash_pack_show(at, visit, context)) return;
            count--;
        }
        at = hash_pack_next(small, at);
    }
}

KV_INTERNAL bool hash_pack_is_spent(const struct hash_pack *small, int64_t now_ms)
{
    if (!small->has_deadlines) return false;
    /* The last deadline is the latest, and 0 is never. */
    const uint8_t *last = hash_pack_at(small, hash_pack_count(small) - 1);
    return hash_pack_deadline(small, last) <= now_ms;
}

KV_INTERNAL size_t hash_pack_peek_due(const struct hash_pack *small, int64_t now_ms,
                                      struct collection_due *due)
{
    size_t count = 0;
    if (!small->has_deadlines) return 0;
    const uint8_t *at = hash_pack_first(small);
    while (*at != PACK_END && count < COLLECTION_DUE_BATCH &&
           hash_pack_deadline(small, at) <= now_ms) {
        due[count].name = pack_text(at, due[count].scratch);
        due[count].item = NULL;
        count++;
        at = hash_pack_next(small, at);
    }
    return count;
}

/* ---------------------------------------------------------------------------------- making room */

KV_INTERNAL size_t hash_pack_growth(const struct hash_pack *small, const kv_slice *pairs,
                                    size_t count, size_t *fresh)
{
    size_t growth = 0;
    *fresh = 0;
    for (size_t i = 0; i < count; i++, pairs += 2) {
        const uint8_t *at = hash_pack_find(small, pairs[0]);
        size_t size = pack_value_size(pairs[1]);
        size_t old_size = at != NULL ? pack_element_size(pack_next(at)) : 0;
        if (at == NULL) {
            size += pack_value_size(pairs[0]);
            ++*fresh;
        }
        /*
         * A value that is smaller than the old one counts with the difference, too, as the same
         * field may be given again and get a larger one.
         */
        if (size > old_size) growth += size - old_size;
        else if (count > 1) growth += old_size - size;
    }
    return growth;
}

/* Makes triples of pairs, with room for so much more. */
static kv_status hash_pack_add_deadlines(struct hash_pack *small, struct memory *memory,
                                         size_t growth)
{
    struct pack *old = small->pack, *pack;
    size_t count = hash_pack_count(small);
    kv_slice zero = {"0", 1};
    struct pack_run run = {&zero, 1, pack_value_size(zero)};
    size_t size = pack_size(old) - PACK_EMPTY_SIZE + count * run.size;
    if (growth > PACK_SIZE_MAX - size) return KV_TOOBIG;
    kv_status status = pack_create(memory, size + growth, KV_TAIL, &pack);
    if (status != KV_OK) return status;
    for (const uint8_t *at = pack_first(old); *at != PACK_END; at = pack_next(pack_next(at))) {
        pack_copy(pack, KV_TAIL, at, 2);
        pack_push(pack, KV_TAIL, &run);
    }
    pack_destroy(memory, old);
    *small = (struct hash_pack){pack, true};
    return KV_OK;
}

KV_INTERNAL kv_status hash_pack_reserve(struct hash_pack *small, struct memory *memory,
                                        size_t growth, bool with_deadlines)
{
    if (small->pack == NULL) {
        kv_status status = pack_create(memory, growth, KV_TAIL, &small->pack);
        if (status == KV_OK) small->has_deadlines = with_deadlines;
        return status;
    }
    if (with_deadlines && !small->has_deadlines)
        return hash_pack_add_deadlines(small, memory, growth);
    return pack_reserve(memory, &small->pack, growth, KV_TAIL);
}

KV_INTERNAL void hash_pack_fit(struct hash_pack *small, struct memory *memory)
{
    pack_fit(memory, &small->pack, pack_size(small->pack) / 8 + HASH_PACK_SPARE);
}

/* ------------------------------------------------------------------------------------- changing */

/* Where a field with this deadline belongs: before the first one with a later deadline. */
static const uint8_t *hash_pack_place(const struct hash_pack *small, int64_t deadline_ms)
{
    const uint8_t *at = hash_pack_first(small);
    if (deadline_ms == KV_NEVER) return pack_end(small->pack);
    while (*at != PACK_END && hash_pack_deadline(small, at) <= deadline_ms)
        at = hash_pack_next(small, at);
    return at;
}

static kv_slice hash_pack_deadline_text(int64_t deadline_ms, char text[NUMBER_INT64_SIZE])
{
    assert(deadline_ms > 0);
    return (kv_slice){text, number_format_int64(text, deadline_ms != KV_NEVER ? deadline_ms : 0)};
}

/* The number of the field at a place. */
static size_t hash_pack_index(const struct hash_pack *small, const uint8_t *at)
{
    size_t index = 0;
    for (const uint8_t *i = hash_pack_first(small); i != at; i = hash_pack_next(small, i)) index++;
    return index;
}

KV_INTERNAL void hash_pack_set_deadline(struct hash_pack *small, const uint8_t *at,
                                        int64_t deadline_ms)
{
    assert(small->has_deadlines);
    char text[NUMBER_INT64_SIZE];
    size_t index = hash_pack_index(small, at);
    pack_replace(small->pack, pack_next(pack_next(at)), hash_pack_deadline_text(deadline_ms, text));

    /* It may be anywhere now; so may its place, before the first of the others that is later. */
    at = hash_pack_at(small, index);
    const uint8_t *end = hash_pack_next(small, at), *place = hash_pack_first(small);
    while (*place != PACK_END && (place == at || hash_pack_deadline(small, place) <= deadline_ms))
        place = hash_pack_next(small, place);
    if (place < at) pack_exchange(small->pack, place, at, end);
    else if (place > end) pack_exchange(small->pack, at, end, place);
}

KV_INTERNAL bool hash_pack_put(struct hash_pack *small, const kv_slice pair[2], int64_t deadline_ms)
{
    const uint8_t *at = hash_pack_find(small, pair[0]);
    if (at != NULL) {
        size_t index = hash_pack_index(small, at);
        pack_replace(small->pack, pack_next(at), pair[1]);
        if (!small->has_deadlines || deadline_ms == HASH_KEEP_DEADLINE) return false;
        at = hash_pack_at(small, index);
        if (hash_pack_deadline(small, at) != deadline_ms)
            hash_pack_set_deadline(small, at, deadline_ms);
        return false;
    }
    char text[NUMBER_INT64_SIZE];
    kv_slice triple[3] = {pair[0], pair[1]};
    if (deadline_ms == HASH_KEEP_DEADLINE) deadline_ms = KV_NEVER;
    if (small->has_deadlines) triple[2] = hash_pack_deadline_text(deadline_ms, text);
    struct pack_run run;
    kv_status status = pack_measure(triple, hash_pack_width(small), &run);
    assert(status == KV_OK); /* it was measured before */
    (void)status;
    pack_insert(small->pack, hash_pack_place(small, deadline_ms), &run);
    return true;
}

KV_INTERNAL uint64_t hash_pack_remove(struct hash_pack *small, const kv_slice *fields, size_t count)
{
    uint64_t removed = 0;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *at = hash_pack_find(small, fields[i]);
        if (at == NULL) continue;
        pack_delete(small->pack, at, hash_pack_width(small));
        removed++;
    }
    return removed;
}

KV_INTERNAL void hash_pack_drop(struct hash_pack *small, size_t count)
{
    pack_delete(small->pack, hash_pack_first(small), count * hash_pack_width(small));
}

/* ------------------------------------------------------------------------------------- checking */

#if KV_DEBUG > 0
KV_INTERNAL void hash_pack_check(const struct hash_pack *small)
{
    pack_check(small->pack);
    assert(pack_count(small->pack) > 0);
    assert(pack_count(small->pack) % hash_pack_width(small) == 0);
    int64_t last_ms = 1;
    for (const uint8_t *at = hash_pack_first(small); *at != PACK_END;
         at = hash_pack_next(small, at)) {
        char scratch[PACK_TEXT_SIZE];
        assert(hash_pack_find(small, pack_text(at, scratch)) == at);
        if (!small->has_deadlines) continue;
        assert(hash_pack_deadline(small, at) >= last_ms);
        last_ms = hash_pack_deadline(small, at);
    }
}
#endif
