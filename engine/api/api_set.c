/*
 * api/api_set.c -- sets: add and remove, look, take at random. Sets made of others are in
 * api_set_combine.c.
 */
#include "api/api_set.h"

#include "keyspace/timing.h"

static kv_status sets_open_existing(struct access *access, kv *db, kv_slice key,
                                    enum access_mode mode)
{
    return access_open_existing(access, db, key, KV_TYPE_SET, mode);
}

/* --------------------------------------------------------------------------------------- adding */

/* Adds to the set that was opened, or makes one. All of the members or none. */
static kv_status sets_add_opened(struct access *access, const kv_slice *members, size_t count,
                                 uint64_t *added)
{
    struct set_owner owner = sets_owner(access);
    struct collection set = access_collection(access);
    kv_status status = set_add(&set, &owner, members, count, added);
    if (status != KV_OK) return status;
    if (*added == 0) {
        if (access->entry != NULL) access_set_payload(access, set.word); /* its form may differ */
        return KV_OK;
    }
    return access_put_collection(access, KV_TYPE_SET, &set, *added);
}

kv_status kv_sadd(kv *db, kv_slice key, const kv_slice *members, size_t count, uint64_t *added)
{
    if (count == 0 || members == NULL) return KV_BADARG;
    struct access access;
    struct effect effect;
    uint64_t new_ones = 0;
    kv_status status = access_open_type(&access, db, key, KV_TYPE_SET, ACCESS_WRITE);
    if (status != KV_OK) return status;
    status = effect_open_with(&effect, &access, EFFECT_NAME("SADD"), members, count);
    if (status != KV_OK) return access_close(&access, status);
    status = sets_add_opened(&access, members, count, &new_ones);
    bool is_changed = status == KV_OK && new_ones > 0;
    effect_close(&effect, &access, is_changed);
    if (is_changed) access_event(&access, KV_EVENT_SET, "sadd");
    if (status == KV_OK && added != NULL) *added = new_ones;
    return access_close(&access, status);
}

/* ------------------------------------------------------------------------------------- removing */

static void sets_remove_opened(struct access *access, const kv_slice *members, size_t count,
                               uint64_t *removed)
{
    struct collection set = access_collection(access);
    *removed = set_remove(&set, &access->shard->memory, members, count);
    if (*removed == 0) return;
    access_event(access, KV_EVENT_SET, "srem");
    access_settle(access, &set, *removed);
}

kv_status kv_srem(kv *db, kv_slice key, const kv_slice *members, size_t count, uint64_t *removed)
{
    if (count == 0 || members == NULL) return KV_BADARG;
    struct access access;
    struct effect effect;
    uint64_t gone;
    kv_status status = sets_open_existing(&access, db, key, ACCESS_WRITE);
    if (status == KV_NONE && removed != NULL) *removed = 0;
    if (status != KV_OK) return status;
    status = effect_open_with(&effect, &access, EFFECT_NAME("SREM"), members, count);
    if (status != KV_OK) return access_close(&access, status);
    sets_remove_opened(&access, members, count, &gone);
    effect_close(&effect, &access, gone > 0);
    if (removed != NULL) *removed = gone;
    return access_close(&access, KV_OK);
}

/* -------------------------------------------------------------------------------------- looking */

kv_status kv_sismember(kv *db, kv_slice key, kv_slice member)
{
    struct access access;
    kv_status status = sets_open_existing(&access, db, key, ACCESS_READ);
    if (status != KV_OK) return status;
    struct collection set = access_collection(&access);
    return access_close(&access, set_has(&set, member) ? KV_OK : KV_NONE);
}

kv_status kv_smismember(kv *db, kv_slice key, const kv_slice *members, size_t count, bool *found)
{
    if (found == NULL || (members == NULL && count > 0)) return KV_BADARG;
    struct access access;
    kv_status status = access_open_type(&access, db, key, KV_TYPE_SET, ACCESS_READ);
    if (status != KV_OK) return status;
    struct collection set = access_collection(&access);
    set_has_many(&set, members, count, found);
    return access_close(&access, KV_OK);
}

kv_status kv_scard(kv *db, kv_slice key, uint64_t *count)
{
    struct access access;
    kv_status status = access_open_type(&access, db, key, KV_TYPE_SET, ACCESS_READ);
    if (status != KV_OK) return status;
    struct collection set = access_collection(&access);
    if (count != NULL) *count = set_length(&set);
    return access_close(&access, access.entry != NULL ? KV_OK : KV_NONE);
}

kv_status kv_smembers(kv *db, kv_slice key, kv_range_begin *begin, kv_visit *visit, void *context)
{
    struct access access;
    kv_status status = access_open_type(&access, db, key, KV_TYPE_SET, ACCESS_READ);
    if (status != KV_OK) return status;
    struct collection set = access_collection(&access);
    if (begin != NULL) begin(context, set_length(&set));
    if (visit != NULL) set_visit(&set, visit, context);
    return access_close(&access, KV_OK);
}

kv_status kv_sscan(kv *db, kv_slice key, uint64_t *cursor, uint64_t limit, kv_visit *visit,
                   void *context)
{
    if (cursor == NULL || limit == 0 || visit == NULL) return KV_BADARG;
    struct access access;
    kv_status status = sets_open_existing(&access, db, key, ACCESS_READ);
    if (status == KV_NONE) *cursor = 0;
    if (status != KV_OK) return status;
    struct collection set = access_collection(&access);
    *cursor = set_scan(&set, *cursor, limit, visit, context);
    return access_close(&access, KV_OK);
}

/* --------------------------------------------------------------------------------------- moving */

/*
 * The destination gets the member before the source loses it, as only the former may fail. Two keys,
 * so two sets.
 */
static kv_status sets_move_opened(struct access *source, struct access *destination,
                                  kv_slice member)
{
    struct collection set = access_collection(source);
    kv_status status = access_expect(destination, KV_TYPE_SET);
    if (status != KV_OK) return status;
    if (!set_has(&set, member)) return KV_NONE;
    kv_slice words[2] = {destination->key, member};
    struct effect effect;
    uint64_t added, removed;
    status = effect_open_with(&effect, source, EFFECT_NAME("SMOVE"), words, 2);
    if (status != KV_OK) return status;
    bool is_new = destination->entry == NULL;
    destination->tells_new_later = true;
    status = sets_add_opened(destination, &member, 1, &added);
    effect_close(&effect, source, status == KV_OK);
    if (status != KV_OK) return status;
    access_find_again(source);
    sets_remove_opened(source, &member, 1, &removed);
    if (is_new) access_event(destination, KV_EVENT_NEW, "new");
    if (added > 0) access_event(destination, KV_EVENT_SET, "sadd");
    return KV_OK;
}

kv_status kv_smove(kv *db, kv_slice source, kv_slice destination, kv_slice member)
{
    if (db == NULL) return KV_BADARG;
    kv_slice keys[2] = {source, destination};
    struct span span;
    struct access from, to;
    span_begin(&span, db, keys, 2, 0);
    kv_status status = sets_open_existing(&from, &span.db, source, ACCESS_WRITE);
    if (status == KV_OK && slice_equal(source, destination)) {
        struct collection set = access_collection(&from);
        status = access_close(&from, set_has(&set, member) ? KV_OK : KV_NONE);
    } else if (status == KV_OK) {
        status = access_open(&to, &span.db, destination, ACCESS_WRITE);
        if (status == KV_OK) {
            access_find_again(&from);
            status = sets_move_opened(&from, &to, member);
            (void)access_close(&to, status);
        }
        (void)access_close(&from, status);
    }
    span_end(&span);
    return status;
}

/* ------------------------------------------------------------------------------------ at random */

/* Members in hand, with room for the text of each. */
#define SETS_HAND 16

struct sets_hand {
    set_place few[SETS_HAND];
    char few_scratches[SETS_HAND][MEMBER_TEXT_SIZE];
    set_place *places;
    char (*scratches)[MEMBER_TEXT_SIZE];
    uint64_t count;
};

static void sets_hand_close(struct sets_hand *hand, struct alloc *alloc)
{
    if (hand->places == hand->few) return;
    alloc_free(alloc, hand->places, (size_t)hand->count * sizeof *hand->places);
    alloc_free(alloc, hand->scratches, (size_t)hand->count * sizeof *hand->scratches);
}

/* Draws `count` different members; there are as many. KV_OK, KV_NOMEM. */
static kv_status sets_hand_open(struct sets_hand *hand, struct access *access, uint64_t count)
{
    struct alloc *alloc = &access->store->alloc;
    struct collection set = access_collection(access);
    hand->count = count;
    hand->places = hand->few;
    hand->scratches = hand->few_scratches;
    if (count == 1) {
        hand->places[0] = set_random(&set, &access->shard->random);
        return KV_OK;
    }
    if (count > SETS_HAND) {
        hand->places = alloc_get_array(alloc, (size_t)count, sizeof *hand->places);
        hand->scratches = alloc_get_array(alloc, (size_t)count, sizeof *hand->scratches);
    }
    kv_status status = hand->places != NULL && hand->scratches != NULL ? KV_OK : KV_NOMEM;
    if (status == KV_OK) status = set_sample(&set, &access->shard->random, count, hand->places);
    if (status != KV_OK) sets_hand_close(hand, alloc);
    return status;
}

static kv_slice sets_hand_text(struct sets_hand *hand, const struct collection *set, uint64_t index)
{
    return set_text_at(set, hand->places[index], hand->scratches[index]);
}

/* Opens the effect of taking the members in hand. */
static kv_status sets_hand_effect(struct sets_hand *hand, struct access *access,
                                  struct effect *effect)
{
    struct collection set = access_collection(access);
    size_t size = 0;
    if (access_is_journaled(access)) {
        for (uint64_t i = 0; i < hand->count; i++) size += sets_hand_text(hand, &set, i).size;
    }
    kv_status status = effect_open(effect, access, EFFECT_NAME("SREM"), (size_t)hand->count, size);
    if (status != KV_OK || effect->words == NULL) return status;
    for (uint64_t i = 0; i < hand->count; i++) effect_add(effect, sets_hand_text(hand, &set, i));
    return KV_OK;
}

static void sets_lend_hand(struct sets_hand *hand, const struct collection *set, kv_visit *visit,
                           void *context)
{
    for (uint64_t i = 0; i < hand->count; i++) (void)visit(context, sets_hand_text(hand, set, i));
}

static kv_status sets_pop_some(struct access *access, uint64_t count, kv_visit *visit,
                               void *context)
{
    struct alloc *alloc = &access->store->alloc;
    struct collection set = access_collection(access);
    struct sets_hand hand;
    struct effect effect;
    kv_status status = sets_hand_open(&hand, access, count);
    if (status != KV_OK) return status;
    status = sets_hand_effect(&hand, access, &effect);
    if (status == KV_OK) {
        if (visit != NULL) sets_lend_hand(&hand, &set, visit, context);
        effect_close(&effect, access, true);
        set_remove_at(&set, &access->shard->memory, hand.places, count);
        access_event(access, KV_EVENT_SET, "spop");
        access_settle(access, &set, count);
    }
    sets_hand_close(&hand, alloc);
    return status;
}

struct sets_lending {
    kv_visit *visit;
    void *context;
};

static bool sets_lend(void *context, kv_slice member)
{
    struct sets_lending *lending = context;
    (void)lending->visit(lending->context, member);
    return true;
}

static kv_status sets_pop_all(struct access *access, kv_visit *visit, void *context)
{
    struct collection set = access_collection(access);
    struct sets_lending lending = {visit, context};
    struct effect effect;
    kv_status status = effect_open(&effect, access, EFFECT_NAME("DEL"), 0, 0);
    if (status != KV_OK) return status;
    if (visit != NULL) set_visit(&set, sets_lend, &lending);
    effect_close(&effect, access, true);
    access_event(access, KV_EVENT_SET, "spop");
    access_event(access, KV_EVENT_GENERIC, "del");
    access->shard->changes += set_length(&set) - 1; /* one is counted with the key */
    access_remove(access);
    return KV_OK;
}

kv_status kv_spop(kv *db, kv_slice key, uint64_t count, kv_visit *visit, void *context,
                  uint64_t *popped)
{
    struct access access;
    kv_status status = sets_open_existing(&access, db, key, ACCESS_WRITE);
    if (status != KV_OK) return status;
    struct collection set = access_collection(&access);
    uint64_t length = set_length(&set);
    if (count > length) count = length;
    if (count == length) status = sets_pop_all(&access, visit, context);
    else if (count > 0) status = sets_pop_some(&access, count, visit, context);
    if (status == KV_OK && popped != NULL) *popped = count;
    return access_close(&access, status);
}

/* Lends members each of which is drawn anew. */
static void sets_draw(struct access *access, uint64_t count, kv_visit *visit, void *context)
{
    struct collection set = access_collection(access);
    char scratch[MEMBER_TEXT_SIZE];
    for (uint64_t i = 0; i < count; i++) {
        set_place place = set_random(&set, &access->shard->random);
        if (!visit(context, set_text_at(&set, place, scratch))) return;
    }
}

static kv_status sets_lend_sample(struct access *access, uint64_t count, kv_range_begin *begin,
                                  kv_visit *visit, void *context)
{
    struct collection set = access_collection(access);
    struct sets_hand hand;
    kv_status status = sets_hand_open(&hand, access, count);
    if (status != KV_OK) return status;
    if (begin != NULL) begin(context, count);
    for (uint64_t i = 0; i < count && visit(context, sets_hand_text(&hand, &set, i)); i++) {}
    sets_hand_close(&hand, &access->store->alloc);
    return KV_OK;
}

kv_status kv_srandmember(kv *db, kv_slice key, int64_t count, kv_range_begin *begin,
                         kv_visit *visit, void *context)
{
    if (visit == NULL || count == INT64_MIN) return KV_BADARG;
    struct access access;
    kv_status status = access_open_type(&access, db, key, KV_TYPE_SET, ACCESS_READ);
    if (status != KV_OK) return status;
    struct collection set = access_collection(&access);
    uint64_t length = set_length(&set);
    if (count > 0 && (uint64_t)count < length)
        return access_close(&access,
                            sets_lend_sample(&access, (uint64_t)count, begin, visit, context));
    uint64_t lent = length == 0 || count == 0 ? 0 : count < 0 ? (uint64_t)-count : length;
    if (begin != NULL) begin(context, lent);
    if (count < 0) sets_draw(&access, lent, visit, context);
    else if (lent > 0) set_visit(&set, visit, context);
    return access_close(&access, KV_OK);
}

/* ------------------------------------------------------------------------------------ deadlines */

kv_status kv_sexpire(kv *db, kv_slice key, int64_t ttl_ms, unsigned flags, const kv_slice *members,
                     size_t count, kv_field_result *results)
{
    struct timing timing = {.flags = flags, .names = members, .count = count, .results = results};
    return timing_expire(db, key, KV_TYPE_SET, timing, ttl_ms);
}

kv_status kv_sexpire_at(kv *db, kv_slice key, int64_t deadline_ms, unsigned flags,
                        const kv_slice *members, size_t count, kv_field_result *results)
{
    struct timing timing = {.flags = flags, .names = members, .count = count, .results = results};
    return timing_expire_at(db, key, KV_TYPE_SET, timing, deadline_ms);
}

kv_status kv_spersist(kv *db, kv_slice key, const kv_slice *members, size_t count,
                      kv_field_result *results)
{
    struct timing timing = {.names = members, .count = count, .results = results};
    return timing_persist(db, key, KV_TYPE_SET, timing);
}

kv_status kv_sdeadline(kv *db, kv_slice key, const kv_slice *members, size_t count,
                       int64_t *deadlines_ms)
{
    return timing_tell(db, key, KV_TYPE_SET, members, count, deadlines_ms);
}
