/*
 * values/set.c -- the set value: an intset or a pack while it is small, members when it is large.
 *
 * Invariants (set_check() asserts them):
 *   1. No set but {0} is empty.
 *   2. A small set is the block of an intset or of a pack, which tell themselves apart.
 *   3. No member comes twice.
 *   4. Only a large set has members with deadlines; they are in its agenda.
 *
 * Several members are added to a copy of a small set, which takes its place when all are in; those
 * added to a large one are remembered, and taken out again if memory ends.
 *
 * May use structures/ and base/. Knows nothing of keys, expiry, locks.
 */
#include "values/set.h"

#include "base/number.h"
#include "structures/intset.h"
#include "values/timed.h"

#include <string.h>

/* Bits that remember what was added, before they need memory. */
#define SET_MARKS_ON_STACK 512

struct set_large {
    struct large large;
    struct members members;
    struct agenda agenda;
};

/* A value on its way in. */
struct set_value {
    kv_slice text;
    int64_t integer;
    bool is_integer;
};

static struct set_value set_value(kv_slice text)
{
    struct set_value value = {.text = text};
    value.is_integer = number_parse_int64(text, &value.integer);
    return value;
}

/* ------------------------------------------------------------------------------ the three forms */

static bool set_is_intset(const struct collection *set)
{
    return collection_is_small(set) && !collection_is_empty(set) &&
           intset_is(collection_block(set));
}

static bool set_is_pack(const struct collection *set)
{
    return collection_is_small(set) && !collection_is_empty(set) &&
           !intset_is(collection_block(set));
}

static struct intset *set_intset(const struct collection *set)
{
    assert(set_is_intset(set));
    return collection_block(set);
}

static struct pack *set_pack(const struct collection *set)
{
    assert(set_is_pack(set));
    return collection_block(set);
}

static struct members *set_table(const struct collection *set)
{
    return &((struct set_large *)(void *)collection_large(set))->members;
}

static struct agenda *set_agenda(const struct collection *set)
{
    return &((struct set_large *)(void *)collection_large(set))->agenda;
}

KV_INTERNAL const struct members *set_members(const struct collection *set)
{
    return set_table(set);
}

KV_INTERNAL uint64_t set_length(const struct collection *set)
{
    if (collection_is_empty(set)) return 0;
    if (set_is_large(set)) return members_count(set_table(set));
    return set_is_intset(set) ? intset_count(set_intset(set)) : pack_count(set_pack(set));
}

KV_INTERNAL void set_destroy(struct collection *set, struct memory *memory)
{
    if (set_is_large(set)) large_destroy(collection_large(set));
    else if (set_is_intset(set)) intset_destroy(memory, set_intset(set));
    else if (set_is_pack(set)) pack_destroy(memory, set_pack(set));
    *set = (struct collection){0};
}

/* An empty large set; the word of `set` is its own. */
static kv_status set_large_create(struct collection *set, struct memory *memory,
                                  const struct siphash_key *key)
{
    struct set_large *large = large_create(memory, sizeof *large);
    if (large == NULL) return KV_NOMEM;
    members_init(&large->members, &large->large.memory, key);
    collection_set_large(set, &large->large);
    return KV_OK;
}

/* -------------------------------------------------------------------------------------- reading */

static const uint8_t *set_find_in_pack(const struct pack *pack, kv_slice member)
{
    struct pack_needle needle = pack_needle(member);
    return pack_find(pack_first(pack), &needle, 0);
}

static bool set_small_has(const struct collection *set, kv_slice member)
{
    if (collection_is_empty(set)) return false;
    if (set_is_pack(set)) return set_find_in_pack(set_pack(set), member) != NULL;
    struct set_value value = set_value(member);
    size_t index;
    return value.is_integer && intset_find(set_intset(set), value.integer, &index);
}

KV_INTERNAL bool set_has(const struct collection *set, kv_slice member)
{
    if (collection_is_small(set)) return set_small_has(set, member);
    const struct members *members = set_table(set);
    struct member_name name;
    members_name(members_key(members), member, &name);
    return members_find(members, &name) != NULL;
}

KV_INTERNAL void set_has_many(const struct collection *set, const kv_slice *members, size_t count,
                              bool *found)
{
    if (collection_is_small(set)) {
        for (size_t i = 0; i < count; i++) found[i] = set_small_has(set, members[i]);
        return;
    }
    const struct members *table = set_table(set);
    struct member_name names[MEMBERS_BATCH];
    for (size_t first = 0; first < count; first += MEMBERS_BATCH) {
        size_t some = count - first < MEMBERS_BATCH ? count - first : MEMBERS_BATCH;
        members_names(members_key(table), members + first, some, names);
        members_fetch(table, names, some);
        for (size_t i = 0; i < some; i++) found[first + i] = members_find(table, &names[i]) != NULL;
    }
}

static void set_visit_intset(const struct intset *intset, kv_visit *visit, void *context)
{
    char scratch[NUMBER_INT64_SIZE];
    for (size_t i = 0; i < intset_count(intset); i++) {
        kv_slice text = {scratch, number_format_int64(scratch, intset_at(intset, i))};
        if (!visit(context, text)) return;
    }
}

static void set_visit_pack(const struct pack *pack, kv_visit *visit, void *context)
{
    char scratch[PACK_TEXT_SIZE];
    for (const uint8_t *at = pack_first(pack); *at != PACK_END; at = pack_next(at)) {
        if (!visit(context, pack_text(at, scratch))) return;
    }
}

static void set_visit_large(const struct members *members, kv_visit *visit, void *context)
{
    struct table_cursor cursor = {0};
    struct member *batch[MEMBERS_BATCH];
    char scratch[MEMBER_TEXT_SIZE];
    size_t count;
    while ((count = members_next(members, &cursor, batch, MEMBERS_BATCH)) > 0) {
        for (size_t i = 0; i < count; i++) {
            if (!visit(context, member_text(batch[i], scratch))) return;
        }
    }
}

KV_INTERNAL void set_visit(const struct collection *set, kv_visit *visit, void *context)
{
    if (set_is_large(set)) set_visit_large(set_table(set), visit, context);
    else if (set_is_intset(set)) set_visit_intset(set_intset(set), visit, context);
    else if (set_is_pack(set)) set_visit_pack(set_pack(set), visit, context);
}

struct set_scanning {
    kv_visit *visit;
    void *context;
};

static void set_scan_one(void *context, const struct member *member)
{
    struct set_scanning *scanning = context;
    char scratch[MEMBER_TEXT_SIZE];
    (void)scanning->visit(scanning->context, member_text(member, scratch));
}

static bool set_scan_text(void *context, kv_slice member)
{
    struct set_scanning *scanning = context;
    (void)scanning->visit(scanning->context, member);
    return true;
}

KV_INTERNAL uint64_t set_scan(const struct collection *set, uint64_t cursor, uint64_t limit,
                              kv_visit *visit, void *context)
{
    struct set_scanning scanning = {visit, context};
    if (set_is_large(set))
        return members_scan(set_table(set), cursor, limit, set_scan_one, &scanning);
    set_visit(set, set_scan_text, &scanning);
    return 0;
}

/* ------------------------------------------------------------------------------- members in hand */

/*
 * A place is an index of an intset, an offset from the start of a pack, the address of a member.
 */
KV_INTERNAL kv_slice set_text_at(const struct collection *set, set_place place,
                                 char scratch[MEMBER_TEXT_SIZE])
{
    if (set_is_large(set)) return member_text((const struct member *)place, scratch);
    if (set_is_pack(set)) return pack_text(pack_begin(set_pack(set)) + place, scratch);
    int64_t integer = intset_at(set_intset(set), (size_t)place);
    return (kv_slice){scratch, number_format_int64(scratch, integer)};
}

KV_INTERNAL set_place set_random(const struct collection *set, struct random *random)
{
    if (set_is_large(set)) return (set_place)members_random(set_table(set), random);
    size_t index = (size_t)random_below(random, set_length(set));
    if (set_is_intset(set)) return index;
    const struct pack *pack = set_pack(set);
    return (set_place)(pack_seek(pack, index) - pack_begin(pack));
}

/* Takes each with the chance (still wanted) / (still to come), as members_sample() does for many. */
static void set_sample_small(const struct collection *set, struct random *random, uint64_t count,
                             set_place *places)
{
    const struct pack *pack = set_is_pack(set) ? set_pack(set) : NULL;
    const uint8_t *at = pack != NULL ? pack_first(pack) : NULL;
    uint64_t to_come = set_length(set);
    for (set_place index = 0; count > 0; index++) {
        if (random_below(random, to_come--) < count) {
            *places++ = pack != NULL ? (set_place)(at - pack_begin(pack)) : index;
            count--;
        }
        if (pack != NULL) at = pack_next(at);
    }
}

KV_INTERNAL kv_status set_sample(const struct collection *set, struct random *random,
                                 uint64_t count, set_place *places)
{
    assert(count <= set_length(set));
    if (set_is_large(set)) {
        _Static_assert(sizeof(set_place) == sizeof(struct member *), "a place may be an address");
        return members_sample(set_table(set), random, count, (void *)places);
    }
    if (count > 0) set_sample_small(set, random, count, places);
    return KV_OK;
}

/* A set of which members were taken out: if none is left it is {0}. */
static void set_settle(struct collection *set, struct memory *memory)
{
    if (!collection_is_empty(set) && set_length(set) == 0) set_destroy(set, memory);
}

KV_INTERNAL void set_remove_at(struct collection *set, struct memory *memory,
                               const set_place *places, uint64_t count)
{
    for (uint64_t i = count; i-- > 0;) { /* the last first: those before stay where they are */
        if (set_is_large(set)) {
            struct member *member = (struct member *)places[i];
            timed_forget(set_table(set), set_agenda(set), member);
            members_remove_member(set_table(set), member);
        } else if (set_is_intset(set)) {
            intset_delete(set_intset(set), (size_t)places[i]);
        } else {
            struct pack *pack = set_pack(set);
            pack_delete(pack, pack_begin(pack) + places[i], 1);
        }
    }
    set_settle(set, memory);
}

/* ---------------------------------------------------------------------------- from form to form */

/* Digits of the longest integer in an intset. */
static size_t set_longest(const struct intset *intset)
{
    char text[NUMBER_INT64_SIZE];
    size_t first = number_format_int64(text, intset_at(intset, 0));
    size_t last = number_format_int64(text, intset_at(intset, intset_count(intset) - 1));
    return first > last ? first : last;
}

/* Whether a pack of `size` bytes and `count` members may take another one of so many bytes. */
static bool set_pack_may_take(const struct set_owner *owner, size_t size, size_t count,
                              size_t text_size)
{
    return count < owner->limits.count && text_size <= owner->limits.value_size &&
           text_size < PACK_SIZE_MAX / 2 && size < PACK_SIZE_MAX / 2;
}

/* Whether an intset may become a pack with this text. */
static bool set_intset_may_pack(const struct set_owner *owner, const struct intset *intset,
                                size_t text_size)
{
    size_t count = intset_count(intset);
    return set_pack_may_take(owner, count * (NUMBER_INT64_SIZE + 1), count, text_size) &&
           set_longest(intset) <= owner->limits.value_size;
}

struct set_adding {
    struct pack *pack;
    struct members *members;
    kv_status status;
};

static bool set_add_to_pack(void *context, kv_slice member)
{
    struct set_adding *adding = context;
    struct pack_run run = {&member, 1, pack_value_size(member)};
    pack_push(adding->pack, KV_TAIL, &run);
    return true;
}

/* A pack with an intset's members and room for a text. */
static kv_status set_pack_from_intset(const struct intset *intset, struct memory *memory,
                                      kv_slice text, struct pack **pack)
{
    size_t most =
        intset_count(intset) * 10 + pack_value_size(text); /* an integer takes 10 at most */
    struct set_adding adding = {0};
    kv_status status = pack_create(memory, most, KV_TAIL, &adding.pack);
    if (status != KV_OK) return status;
    set_visit_intset(intset, set_add_to_pack, &adding);
    *pack = adding.pack;
    return KV_OK;
}

static bool set_add_to_members(void *context, kv_slice member)
{
    struct set_adding *adding = context;
    struct member_name name;
    members_name(members_key(adding->members), member, &name);
    adding->status = members_add(adding->members, &name);
    assert(adding->status != KV_SKIPPED);
    return adding->status == KV_OK;
}

/* A large set with the members of a small one. */
static kv_status set_large_from(const struct collection *set, struct memory *memory,
                                const struct siphash_key *key, struct collection *large)
{
    kv_status status = set_large_create(large, memory, key);
    if (status != KV_OK) return status;
    struct set_adding adding = {.members = set_table(large), .status = KV_OK};
    set_visit(set, set_add_to_members, &adding);
    if (adding.status != KV_OK) set_destroy(large, memory);
    return adding.status;
}

/* --------------------------------------------------------------------------------------- adding */

static kv_status set_add_large(struct collection *set, const kv_slice *members, size_t count,
                               uint64_t *added);

/* Makes a small set large and adds a text, which it does not have. */
static kv_status set_outgrow(struct collection *set, const struct set_owner *owner, kv_slice text)
{
    struct collection large;
    uint64_t added;
    kv_status status = set_large_from(set, owner->memory, owner->key, &large);
    if (status != KV_OK) return status;
    status = set_add_large(&large, &text, 1, &added);
    if (status != KV_OK) {
        set_destroy(&large, owner->memory);
        return status;
    }
    assert(added == 1);
    set_destroy(set, owner->memory);
    *set = large;
    return KV_OK;
}

/* Appends a text to a pack, which does not have it. */
static kv_status set_append(struct collection *set, const struct set_owner *owner, kv_slice text)
{
    struct pack *pack = set_pack(set);
    struct pack_run run = {&text, 1, pack_value_size(text)};
    kv_status status = pack_reserve(owner->memory, &pack, run.size, KV_TAIL);
    if (status != KV_OK) return status;
    pack_push(pack, KV_TAIL, &run);
    collection_set_block(set, pack);
    return KV_OK;
}

static kv_status set_add_to_intset(struct collection *set, const struct set_owner *owner,
                                   const struct set_value *value)
{
    struct intset *intset = set_intset(set);
    if (value->is_integer) {
        size_t index;
        if (intset_find(intset, value->integer, &index)) return KV_SKIPPED;
        if (intset_count(intset) >= owner->integer_count ||
            intset_count(intset) == INTSET_COUNT_MAX)
            return set_outgrow(set, owner, value->text);
        kv_status status = intset_reserve(owner->memory, &intset, 1, value->integer);
        if (status != KV_OK) return status;
        intset_insert(intset, index, value->integer);
        collection_set_block(set, intset);
        return KV_OK;
    }
    if (!set_intset_may_pack(owner, intset, value->text.size))
        return set_outgrow(set, owner, value->text);
    struct pack *pack;
    kv_status status = set_pack_from_intset(intset, owner->memory, value->text, &pack);
    if (status != KV_OK) return status;
    struct set_adding adding = {.pack = pack};
    (void)set_add_to_pack(&adding, value->text);
    intset_destroy(owner->memory, intset);
    collection_set_block(set, pack);
    return KV_OK;
}

/* The first member of a set to which `hint` are going to be added. */
static kv_status set_start(struct collection *set, const struct set_owner *owner,
                           const struct set_value *value, size_t hint)
{
    kv_status status;
    if (value->is_integer && hint <= owner->integer_count) {
        struct intset *intset = NULL;
        status = intset_reserve(owner->memory, &intset, 1, value->integer);
        if (status != KV_OK) return status;
        intset_insert(intset, 0, value->integer);
        collection_set_block(set, intset);
        return KV_OK;
    }
    if (hint > owner->limits.count || !set_pack_may_take(owner, 0, 0, value->text.size))
        return set_outgrow(set, owner, value->text);
    struct pack *pack;
    status = pack_create(owner->memory, pack_value_size(value->text), KV_TAIL, &pack);
    if (status != KV_OK) return status;
    struct set_adding adding = {.pack = pack};
    (void)set_add_to_pack(&adding, value->text);
    collection_set_block(set, pack);
    return KV_OK;
}

/* Adds one member to a small set. KV_OK; KV_SKIPPED if it is there; KV_NOMEM. */
static kv_status set_add_one(struct collection *set, const struct set_owner *owner, kv_slice member,
                             size_t hint)
{
    struct set_value value = set_value(member);
    if (collection_is_empty(set)) return set_start(set, owner, &value, hint);
    if (set_is_intset(set)) return set_add_to_intset(set, owner, &value);
    struct pack *pack = set_pack(set);
    if (set_find_in_pack(pack, member) != NULL) return KV_SKIPPED;
    if (!set_pack_may_take(owner, pack_size(pack), pack_count(pack), member.size))
        return set_outgrow(set, owner, member);
    return set_append(set, owner, member);
}

/* Which of the members in hand were added: a bit each. */
struct set_marks {
    uint64_t few[SET_MARKS_ON_STACK / 64];
    uint64_t *bits;
    size_t size; /* of a block */
};

static kv_status set_marks_open(struct set_marks *marks, struct alloc *alloc, size_t count)
{
    marks->bits = marks->few;
    marks->size = (count / 64 + 1) * sizeof *marks->bits;
    if (count > SET_MARKS_ON_STACK) marks->bits = alloc_get(alloc, marks->size);
    if (marks->bits == NULL) return KV_NOMEM;
    memset(marks->bits, 0, count > SET_MARKS_ON_STACK ? marks->size : sizeof marks->few);
    return KV_OK;
}

static void set_marks_close(struct set_marks *marks, struct alloc *alloc)
{
    if (marks->bits != marks->few) alloc_free(alloc, marks->bits, marks->size);
}

/* Adds members from `first` on, up to MEMBERS_BATCH, and marks those that were not there. */
static kv_status set_add_batch(struct members *table, const kv_slice *members, size_t first,
                               size_t count, struct set_marks *marks, uint64_t *added)
{
    struct member_name names[MEMBERS_BATCH];
    members_names(members_key(table), members + first, count, names);
    if (count > 1) members_fetch(table, names, count);
    for (size_t i = 0; i < count; i++) {
        kv_status status = members_add(table, &names[i]);
        if (status == KV_SKIPPED) continue;
        if (status != KV_OK) return status;
        marks->bits[(first + i) / 64] |= UINT64_C(1) << ((first + i) % 64);
        (*added)++;
    }
    return KV_OK;
}

/* Takes out again what was added. */
static void set_take_back(struct members *table, const kv_slice *members, size_t count,
                          const struct set_marks *marks)
{
    for (size_t i = 0; i < count; i++) {
        if ((marks->bits[i / 64] >> (i % 64) & 1) == 0) continue;
        struct member_name name;
        members_name(members_key(table), members[i], &name);
        members_undo(table, &name, NULL);
    }
}

static kv_status set_add_large(struct collection *set, const kv_slice *members, size_t count,
                               uint64_t *added)
{
    struct members *table = set_table(set);
    struct alloc *alloc = table->table.memory->pages->alloc;
    struct set_marks marks;
    kv_status status = set_marks_open(&marks, alloc, count);
    if (status != KV_OK) return status;
    uint64_t new_ones = 0;
    for (size_t first = 0; first < count && status == KV_OK; first += MEMBERS_BATCH) {
        size_t some = count - first < MEMBERS_BATCH ? count - first : MEMBERS_BATCH;
        status = set_add_batch(table, members, first, some, &marks, &new_ones);
    }
    if (status == KV_OK) *added = new_ones;
    else set_take_back(table, members, count, &marks);
    set_marks_close(&marks, alloc);
    return status;
}

/* Adds to a small set, which on failure may have got some of them unless there is one only. */
static kv_status set_add_small(struct collection *set, const struct set_owner *owner,
                               const kv_slice *members, size_t count, uint64_t *added)
{
    uint64_t new_ones = 0, rest = 0;
    kv_status status = KV_OK;
    for (size_t i = 0; i < count && status >= 0 && !set_is_large(set); i++) {
        status = set_add_one(set, owner, members[i], count);
        new_ones += status == KV_OK;
        if (status >= 0 && set_is_large(set) && i + 1 < count)
            status = set_add_large(set, members + i + 1, count - i - 1, &rest);
    }
    if (status < 0) return status;
    *added = new_ones + rest;
    return KV_OK;
}

/* A copy of a small set to which `count` members are going to be added. */
static kv_status set_copy_to_grow(const struct collection *set, const struct set_owner *owner,
                                  size_t count, struct collection *copy)
{
    *copy = (struct collection){0};
    if (collection_is_empty(set)) return KV_OK;
    size_t limit = set_is_intset(set) ? owner->integer_count : owner->limits.count;
    if (count > limit) return set_large_from(set, owner->memory, owner->key, copy);
    return set_copy(set, owner->memory, copy);
}

KV_INTERNAL kv_status set_add(struct collection *set, const struct set_owner *owner,
                              const kv_slice *members, size_t count, uint64_t *added)
{
    if (set_is_large(set)) return set_add_large(set, members, count, added);
    if (count == 1) return set_add_small(set, owner, members, count, added);
    struct collection copy;
    uint64_t copy_added;
    kv_status status = set_copy_to_grow(set, owner, count, &copy);
    if (status != KV_OK) return status;
    status = set_is_large(&copy) ? set_add_large(&copy, members, count, &copy_added)
                                 : set_add_small(&copy, owner, members, count, &copy_added);
    if (status != KV_OK) {
        set_destroy(&copy, owner->memory);
        return status;
    }
    set_destroy(set, owner->memory);
    *set = copy;
    *added = copy_added;
    return KV_OK;
}

/* ------------------------------------------------------------------------------------- removing */

static uint64_t set_remove_large(struct collection *set, const kv_slice *members, size_t count)
{
    struct members *table = set_table(set);
    uint64_t removed = 0;
    struct member_name names[MEMBERS_BATCH];
    for (size_t first = 0; first < count; first += MEMBERS_BATCH) {
        size_t some = count - first < MEMBERS_BATCH ? count - first : MEMBERS_BATCH;
        members_names(members_key(table), members + first, some, names);
        if (some > 1) members_fetch(table, names, some);
        for (size_t i = 0; i < some; i++)
            removed += timed_remove(table, set_agenda(set), &names[i]);
    }
    return removed;
}

static bool set_remove_small(struct collection *set, kv_slice member)
{
    if (set_is_pack(set)) {
        struct pack *pack = set_pack(set);
        const uint8_t *at = set_find_in_pack(pack, member);
        if (at != NULL) pack_delete(pack, at, 1);
        return at != NULL;
    }
    struct set_value value = set_value(member);
    size_t index;
    if (!value.is_integer || !intset_find(set_intset(set), value.integer, &index)) return false;
    intset_delete(set_intset(set), index);
    return true;
}

KV_INTERNAL uint64_t set_remove(struct collection *set, struct memory *memory,
                                const kv_slice *members, size_t count)
{
    uint64_t removed = 0;
    if (collection_is_empty(set)) return 0;
    if (set_is_large(set)) removed = set_remove_large(set, members, count);
    else
        for (size_t i = 0; i < count; i++) removed += set_remove_small(set, members[i]);
    set_settle(set, memory);
    return removed;
}

/* ---------------------------------------------------------------------------------------- names */

KV_INTERNAL void set_walk_begin(struct set_walk *walk, const struct collection *set)
{
    *walk = (struct set_walk){.set = set};
    if (set_is_pack(set)) walk->at = pack_first(set_pack(set));
}

static size_t set_walk_pack(struct set_walk *walk, struct member_name names[MEMBERS_BATCH])
{
    size_t count = 0;
    for (; *walk->at != PACK_END && count < MEMBERS_BATCH; walk->at = pack_next(walk->at)) {
        struct pack_item item = pack_get(walk->at);
        if (item.is_integer) member_name_set_integer(&names[count++], item.integer);
        else member_name_set(&names[count++], item.text);
    }
    return count;
}

static size_t set_walk_intset(struct set_walk *walk, struct member_name names[MEMBERS_BATCH])
{
    const struct intset *intset = set_intset(walk->set);
    size_t left = intset_count(intset) - walk->index;
    size_t count = left < MEMBERS_BATCH ? left : MEMBERS_BATCH;
    for (size_t i = 0; i < count; i++)
        member_name_set_integer(&names[i], intset_at(intset, walk->index++));
    return count;
}

KV_INTERNAL size_t set_walk_next(struct set_walk *walk, struct member_name names[MEMBERS_BATCH])
{
    if (collection_is_empty(walk->set)) return 0;
    if (set_is_pack(walk->set)) return set_walk_pack(walk, names);
    if (set_is_intset(walk->set)) return set_walk_intset(walk, names);
    struct member *batch[MEMBERS_BATCH];
    size_t count = members_next(set_table(walk->set), &walk->cursor, batch, MEMBERS_BATCH);
    for (size_t i = 0; i < count; i++) member_name_set_member(&names[i], batch[i]);
    return count;
}

KV_INTERNAL bool set_has_name(const struct collection *set, const struct member_name *name)
{
    if (collection_is_empty(set)) return false;
    if (set_is_large(set)) return members_find(set_table(set), name) != NULL;
    if (set_is_intset(set)) {
        size_t index;
        return name->is_integer && intset_find(set_intset(set), name->integer, &index);
    }
    char scratch[MEMBER_TEXT_SIZE];
    return set_find_in_pack(set_pack(set), member_name_text(name, scratch)) != NULL;
}

KV_INTERNAL kv_status set_add_name(struct collection *set, const struct set_owner *owner,
                                   const struct member_name *name)
{
    if (set_is_large(set)) return members_add(set_table(set), name);
    char scratch[MEMBER_TEXT_SIZE];
    return set_add_one(set, owner, member_name_text(name, scratch), 1);
}

/* ------------------------------------------------------------------------------------ deadlines */

KV_INTERNAL bool set_get_deadline(const struct collection *set, kv_slice member,
                                  int64_t *deadline_ms)
{
    if (!set_is_large(set)) {
        *deadline_ms = KV_NEVER;
        return set_small_has(set, member);
    }
    struct member_name name;
    members_name(members_key(set_table(set)), member, &name);
    const struct member *found = members_find(set_table(set), &name);
    if (found != NULL) *deadline_ms = member_deadline(found);
    return found != NULL;
}

KV_INTERNAL kv_status set_reserve_deadlines(struct collection *set, struct memory *memory,
                                            const struct siphash_key *key, size_t count)
{
    if (collection_is_empty(set)) return KV_OK;
    if (set_is_large(set)) {
        return agenda_reserve(set_agenda(set), set_table(set)->table.memory, count);
    }
    struct collection large;
    kv_status status = set_large_from(set, memory, key, &large);
    if (status != KV_OK) return status;
    status = agenda_reserve(set_agenda(&large), set_table(&large)->table.memory, count);
    if (status != KV_OK) {
        set_destroy(&large, memory);
        return status;
    }
    set_destroy(set, memory);
    *set = large;
    return KV_OK;
}

KV_INTERNAL kv_status set_set_deadline(struct collection *set, struct memory *memory,
                                       kv_slice member, int64_t deadline_ms)
{
    (void)memory;
    if (!set_is_large(set)) return KV_OK; /* it has none that could be taken away */
    struct member_name name;
    struct member *moved;
    members_name(members_key(set_table(set)), member, &name);
    return timed_set_deadline(set_table(set), set_agenda(set), &name, deadline_ms, &moved);
}

static int64_t set_next_deadline(const struct collection *set)
{
    return set_is_large(set) ? timed_next_deadline(set_agenda(set)) : 0;
}

static bool set_is_spent(const struct collection *set, int64_t now_ms)
{
    return set_is_large(set) && timed_is_spent(set_table(set), set_agenda(set), now_ms);
}

static size_t set_peek_due(const struct collection *set, int64_t now_ms, struct collection_due *due)
{
    return set_is_large(set) ? timed_peek_due(set_agenda(set), now_ms, due) : 0;
}

static void set_drop_due(struct collection *set, struct memory *memory,
                         const struct collection_due *due, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        timed_forget(set_table(set), set_agenda(set), due[i].item);
        members_remove_member(set_table(set), due[i].item);
    }
    set_settle(set, memory);
}

/* ----------------------------------------------------------------------------------- whole sets */

static kv_status set_copy_large(const struct collection *set, struct memory *memory,
                                struct collection *copy)
{
    const struct members *members = set_table(set);
    kv_status status = set_large_create(copy, memory, members_key(members));
    if (status != KV_OK) return status;
    status = members_copy(members, set_table(copy));
    if (status == KV_OK) status = timed_copy(set_agenda(set), set_table(copy), set_agenda(copy));
    if (status != KV_OK) set_destroy(copy, memory);
    return status;
}

KV_INTERNAL kv_status set_copy(const struct collection *set, struct memory *memory,
                               struct collection *copy)
{
    *copy = (struct collection){0};
    if (collection_is_empty(set)) return KV_OK;
    if (set_is_large(set)) return set_copy_large(set, memory, copy);
    if (set_is_intset(set)) {
        struct intset *intset;
        kv_status status = intset_load(memory, intset_bytes(set_intset(set)), &intset);
        if (status == KV_OK) collection_set_block(copy, intset);
        return status;
    }
    struct pack *pack;
    kv_status status = pack_load(memory, pack_bytes(set_pack(set)), &pack);
    if (status == KV_OK) collection_set_block(copy, pack);
    return status;
}

static const char *set_encoding(const struct collection *set)
{
    if (set_is_large(set)) return "hashtable";
    return set_is_intset(set) ? "intset" : "listpack";
}

static size_t set_block_size(const void *block)
{
    return intset_is(block) ? intset_block_size(block) : pack_block_size(block);
}

/* ------------------------------------------------------------------------------------- checking */

#if KV_DEBUG > 0
static bool set_check_one(void *context, kv_slice member)
{
    const struct collection *set = context;
    assert(set_has(set, member));
    return true;
}

KV_INTERNAL void set_check(const struct collection *set)
{
    if (collection_is_empty(set)) return;
    assert(set_length(set) > 0);
    if (set_is_large(set)) {
        members_check(set_table(set));
        timed_check(set_table(set), set_agenda(set));
        memory_check(&collection_large(set)->memory);
        return;
    }
    if (set_is_intset(set)) {
        intset_check(set_intset(set));
        return;
    }
    const struct pack *pack = set_pack(set);
    pack_check(pack);
    for (const uint8_t *at = pack_first(pack); *at != PACK_END; at = pack_next(at)) {
        char scratch[PACK_TEXT_SIZE];
        assert(set_find_in_pack(pack, pack_text(at, scratch)) == at); /* so none comes twice */
    }
    set_visit(set, set_check_one, (void *)(uintptr_t)set);
}
#endif

static const struct agenda *set_timed_members(const struct collection *set)
{
    return set_is_large(set) ? set_agenda(set) : NULL;
}

static const struct collection_words set_words = {
    .remove = "SREM",
    .expire = "KV.SPEXPIREAT",
    .persist = "KV.SPERSIST",
    .elements = "MEMBERS",
    .event_class = KV_EVENT_SET,
    .removed = "srem",
    .timed = "sexpire",
    .untimed = "spersist",
    .expired = "sexpired",
};

KV_INTERNAL const struct collection_kind set_kind = {
    .length = set_length,
    .encoding = set_encoding,
    .block_size = set_block_size,
    .members = set_members,
    .copy = set_copy,
    .next_deadline = set_next_deadline,
    .is_spent = set_is_spent,
    .peek_due = set_peek_due,
    .drop_due = set_drop_due,
    .get_deadline = set_get_deadline,
    .reserve_deadlines = set_reserve_deadlines,
    .set_deadline = set_set_deadline,
    .remove = set_remove,
    .agenda = set_timed_members,
    .words = &set_words,
#if KV_DEBUG > 0
    .check = set_check,
#endif
};
