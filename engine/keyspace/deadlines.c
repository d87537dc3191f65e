/*
 * keyspace/deadlines.c -- the timing wheel. The picture is in deadlines.h.
 *
 * Invariants (deadlines_check() asserts them):
 *   1. Every chunk of a slot but its first (the head) is full; the head is not empty; its bit in
 *   `occupied` says so. 2. An item's slot begins at or before its entry's deadline, and after or at
 *   the wheel's time (or it is the slot that
 *      contains that time, on its way down).
 *   3. An entry's number leads to the item that points to it.
 *   4. A chunk that was numbered is in a slot or in the free list. An empty wheel has one group at
 *   most.
 */
#include "keyspace/deadlines.h"

#define DEADLINES_BITS 6
#define DEADLINES_SPAN ((INT64_C(1) << DEADLINES_BITS * DEADLINES_LEVELS) - 1)

/* Groups that the list of them has room for at first. */
#define DEADLINES_GROUPS_FIRST 8

static struct deadlines_chunk *deadlines_chunk(const struct deadlines *deadlines, uint32_t number)
{
    assert(number > 0 && number <= deadlines->chunks);
    return &deadlines->group[(number - 1) / DEADLINES_GROUP]
                ->chunks[(number - 1) % DEADLINES_GROUP];
}

/* Where a chunk belongs. */
static void deadlines_home(const struct deadlines *deadlines, uint32_t number, unsigned *level,
                           unsigned *slot)
{
    const struct deadlines_group *group = deadlines->group[(number - 1) / DEADLINES_GROUP];
    *level = group->homes[(number - 1) % DEADLINES_GROUP].level;
    *slot = group->homes[(number - 1) % DEADLINES_GROUP].slot;
}

static void deadlines_set_home(struct deadlines *deadlines, uint32_t number, unsigned level,
                               unsigned slot)
{
    struct deadlines_group *group = deadlines->group[(number - 1) / DEADLINES_GROUP];
    group->homes[(number - 1) % DEADLINES_GROUP].level = (uint8_t)level;
    group->homes[(number - 1) % DEADLINES_GROUP].slot = (uint8_t)slot;
}

static struct entry *deadlines_item(const struct deadlines_chunk *chunk, unsigned place)
{
    const uint8_t *at = chunk->items + place * 6;
    /* two loads; of a loop over bytes not every compiler makes them */
    uint64_t word = bytes_load32(at) | (uint64_t)bytes_load16(at + 4) << 32;
    return (struct entry *)(uintptr_t)word;
}

static void deadlines_set_item(struct deadlines_chunk *chunk, unsigned place,
                               const struct entry *entry)
{
    uint64_t word = (uint64_t)(uintptr_t)entry;
    uint8_t *at = chunk->items + place * 6;
    bytes_store32(at, (uint32_t)word);
    bytes_store16(at + 4, (uint16_t)(word >> 32));
}

KV_INTERNAL struct deadlines *deadlines_create(struct alloc *alloc, int64_t now_ms)
{
    struct deadlines *deadlines = alloc_get(alloc, sizeof *deadlines);
    if (deadlines == NULL) return NULL;
    memset(deadlines, 0, sizeof *deadlines);
    deadlines->alloc = alloc;
    deadlines->time_ms = now_ms < 0 ? 0 : now_ms;
    return deadlines;
}

KV_INTERNAL void deadlines_destroy(struct deadlines *deadlines)
{
    if (deadlines == NULL) return;
    struct alloc *alloc = deadlines->alloc;
    for (uint32_t i = 0; i < deadlines->groups; i++)
        alloc_free(alloc, deadlines->group[i], sizeof **deadlines->group);
    alloc_free(alloc, deadlines->group, deadlines->group_capacity * sizeof *deadlines->group);
    alloc_free(alloc, deadlines, sizeof *deadlines);
}

/* --------------------------------------------------------------------------------------- filing */

/*
 * The level and slot for a deadline, seen from the wheel's time. What is due already goes to the
 * present slot.
 */
static void deadlines_locate(const struct deadlines *deadlines, int64_t deadline_ms,
                             unsigned *level, unsigned *slot)
{
    int64_t at = deadline_ms < deadlines->time_ms ? deadlines->time_ms : deadline_ms;
    if (at - deadlines->time_ms > DEADLINES_SPAN / 2) at = deadlines->time_ms + DEADLINES_SPAN / 2;
    uint64_t differs = (uint64_t)at ^ (uint64_t)deadlines->time_ms;
    unsigned l = 0;
    while (l + 1 < DEADLINES_LEVELS && differs >> DEADLINES_BITS * (l + 1) != 0) l++;
    *level = l;
    *slot = (unsigned)(at >> DEADLINES_BITS * l) & (DEADLINES_SLOTS - 1);
}

/* Makes a free chunk. */
static kv_status deadlines_grow(struct deadlines *deadlines)
{
    if ((deadlines->chunks + UINT64_C(2)) * DEADLINES_CHUNK_ITEMS >= ENTRY_ID_LIMIT)
        return KV_NOMEM;
    if (deadlines->chunks == deadlines->groups * DEADLINES_GROUP) {
        if (deadlines->groups == deadlines->group_capacity) {
            uint32_t capacity = deadlines->group_capacity == 0 ? DEADLINES_GROUPS_FIRST
                                                               : deadlines->group_capacity * 2;
            void *group = alloc_resize(deadlines->alloc, deadlines->group,
                                       deadlines->group_capacity * sizeof *deadlines->group,
                                       capacity * sizeof *deadlines->group);
            if (group == NULL) return KV_NOMEM;
            deadlines->group = group;
            deadlines->group_capacity = capacity;
        }
        struct deadlines_group *chunks = alloc_get(deadlines->alloc, sizeof *chunks);
        if (chunks == NULL) return KV_NOMEM;
        deadlines->group[deadlines->groups++] = chunks;
    }
    uint32_t number = ++deadlines->chunks;
    deadlines_chunk(deadlines, number)->next = 0;
    deadlines->free = number;
    return KV_OK;
}

KV_INTERNAL kv_status deadlines_reserve(struct deadlines *deadlines)
{
    return deadlines->free != 0 ? KV_OK : deadlines_grow(deadlines);
}

/* Files an entry in a slot, whose head has room or a chunk is free. */
static uint64_t deadlines_put(struct deadlines *deadlines, struct entry *entry, unsigned level,
                              unsigned slot)
{
    uint32_t number = deadlines->heads[level][slot];
    struct deadlines_chunk *chunk = number != 0 ? deadlines_chunk(deadlines, number) : NULL;
    if (chunk == NULL || chunk->count == DEADLINES_CHUNK_ITEMS) {
        uint32_t fresh = deadlines->free;
        assert(fresh != 0);
        chunk = deadlines_chunk(deadlines, fresh);
        deadlines->free = chunk->next;
        chunk->next = number;
        chunk->count = 0;
        deadlines_set_home(deadlines, fresh, level, slot);
        deadlines->heads[level][slot] = number = fresh;
        deadlines->occupied[level] |= UINT64_C(1) << slot;
    }
    deadlines_set_item(chunk, chunk->count, entry);
    deadlines->count++;
    return (uint64_t)number * DEADLINES_CHUNK_ITEMS + chunk->count++;
}

KV_INTERNAL uint64_t deadlines_add(struct deadlines *deadlines, struct entry *entry,
                                   int64_t deadline_ms)
{
    unsigned level, slot;
    deadlines_locate(deadlines, deadline_ms, &level, &slot);
    return deadlines_put(deadlines, entry, level, slot);
}

/*
 * The instant at which a slot begins, seen from the wheel's time; of the present one its true
 * beginning, which has passed.
 */
static int64_t deadlines_slot_begins(const struct deadlines *deadlines, unsigned level,
                                     unsigned slot)
{
    unsigned shift = DEADLINES_BITS * level;
    unsigned present = (unsigned)(deadlines->time_ms >> shift) & (DEADLINES_SLOTS - 1);
    int64_t turn_begins_ms = deadlines->time_ms >> (shift + DEADLINES_BITS)
                                                       << (shift + DEADLINES_BITS);
    /* on the top level: of the next turn */
    if (slot < present) turn_begins_ms += INT64_C(1) << (shift + DEADLINES_BITS);
    return turn_begins_ms + ((int64_t)slot << shift);
}

/*
 * Gives back the memory of a wheel that has become empty, but one group, in which it goes on: a
 * single key that comes and goes costs no allocation, and a chunk that was free stays so. Earlier
 * no group can go, as those that are left may have their numbers anywhere.
 */
static KV_NOINLINE void deadlines_shrink(struct deadlines *deadlines)
{
    struct alloc *alloc = deadlines->alloc;
    while (deadlines->groups > 1)
        alloc_free(alloc, deadlines->group[--deadlines->groups], sizeof **deadlines->group);
    if (deadlines->group_capacity > DEADLINES_GROUPS_FIRST) {
        size_t size = DEADLINES_GROUPS_FIRST * sizeof *deadlines->group;
        void *group = alloc_resize(alloc, deadlines->group,
                                   deadlines->group_capacity * sizeof *deadlines->group, size);
        if (group != NULL) { /* else the list stays as long as it was */
            deadlines->group = group;
            deadlines->group_capacity = DEADLINES_GROUPS_FIRST;
        }
    }
    deadlines->chunks = deadlines->free = 1;
    deadlines_chunk(deadlines, 1)->next = 0;
}

/* Takes the last item off the head of a slot; an empty head goes to the free list. */
static void deadlines_drop_last(struct deadlines *deadlines, unsigned level, unsigned slot)
{
    uint32_t number = deadlines->heads[level][slot];
    struct deadlines_chunk *head = deadlines_chunk(deadlines, number);
    deadlines->count--;
    if (--head->count > 0) return;
    deadlines->heads[level][slot] = head->next;
    if (head->next == 0) deadlines->occupied[level] &= ~(UINT64_C(1) << slot);
    head->next = deadlines->free;
    deadlines->free = number;
    if (deadlines->count == 0 && deadlines->groups > 1) deadlines_shrink(deadlines);
}

KV_INTERNAL void deadlines_remove(struct deadlines *deadlines, uint64_t id)
{
    uint32_t number = (uint32_t)(id / DEADLINES_CHUNK_ITEMS);
    struct deadlines_chunk *chunk = deadlines_chunk(deadlines, number);
    unsigned level, slot;
    deadlines_home(deadlines, number, &level, &slot);
    struct deadlines_chunk *head = deadlines_chunk(deadlines, deadlines->heads[level][slot]);
    unsigned place = (unsigned)(id % DEADLINES_CHUNK_ITEMS);
    if (chunk != head || place != head->count - 1u) {
        struct entry *last = deadlines_item(head, head->count - 1u);
        deadlines_set_item(chunk, place, last);
        entry_set_due(last, entry_due(last), id);
    }
    deadlines_drop_last(deadlines, level, slot);
}

KV_INTERNAL bool deadlines_may_stay(const struct deadlines *deadlines, uint64_t id,
                                    int64_t deadline_ms)
{
    unsigned level, slot;
    deadlines_home(deadlines, (uint32_t)(id / DEADLINES_CHUNK_ITEMS), &level, &slot);
    return deadlines_slot_begins(deadlines, level, slot) <= deadline_ms;
}

KV_INTERNAL void deadlines_move(struct deadlines *deadlines, uint64_t id, const struct entry *entry)
{
    struct deadlines_chunk *chunk =
        deadlines_chunk(deadlines, (uint32_t)(id / DEADLINES_CHUNK_ITEMS));
    deadlines_set_item(chunk, (unsigned)(id % DEADLINES_CHUNK_ITEMS), entry);
}

/* -------------------------------------------------------------------------------------- turning */

/*
 * The first slot of a level that has keys, and the instant at which it begins; the present one
 * began at latest now.
 */
static unsigned deadlines_first_of_level(const struct deadlines *deadlines, unsigned level,
                                         int64_t *begins_ms)
{
    unsigned shift = DEADLINES_BITS * level;
    unsigned present = (unsigned)(deadlines->time_ms >> shift) & (DEADLINES_SLOTS - 1);
    uint64_t ahead = deadlines->occupied[level] >> present << present;
    /* On the top level slots may lie behind the present one: they belong to the next turn. */
    uint64_t bits = ahead != 0 ? ahead : deadlines->occupied[level];
    unsigned slot = 0;
    while ((bits >> slot & 1) == 0) slot++;
    int64_t turn_begins_ms = deadlines->time_ms >> (shift + DEADLINES_BITS)
                                                       << (shift + DEADLINES_BITS);
    int64_t at_ms = turn_begins_ms + ((int64_t)slot << shift);
    if (ahead == 0) at_ms += INT64_C(1) << (shift + DEADLINES_BITS);
    *begins_ms = at_ms < deadlines->time_ms ? deadlines->time_ms : at_ms;
    return slot;
}

/*
 * The slot that begins the earliest. Of several that begin at once the one on the highest level,
 * whose keys must be filed below first, or some of them would be late. False if the wheel is empty.
 */
static bool deadlines_first_slot(const struct deadlines *deadlines, unsigned *level, unsigned *slot,
                                 int64_t *begins_ms)
{
    bool is_found = false;
    for (unsigned l = 0; l < DEADLINES_LEVELS; l++) {
        if (deadlines->occupied[l] == 0) continue;
        int64_t at_ms;
        unsigned first = deadlines_first_of_level(deadlines, l, &at_ms);
        if (is_found && at_ms > *begins_ms) continue;
        *level = l;
        *slot = first;
        *begins_ms = at_ms;
        is_found = true;
    }
    return is_found;
}

KV_INTERNAL int64_t deadlines_next(const struct deadlines *deadlines)
{
    unsigned level, slot;
    int64_t begins_ms;
    if (deadlines == NULL || !deadlines_first_slot(deadlines, &level, &slot, &begins_ms))
        return KV_NEVER;
    return begins_ms;
}

KV_INTERNAL struct entry *deadlines_any(const struct deadlines *deadlines)
{
    unsigned level, slot;
    int64_t begins_ms;
    if (deadlines == NULL || !deadlines_first_slot(deadlines, &level, &slot, &begins_ms))
        return NULL;
    const struct deadlines_chunk *head = deadlines_chunk(deadlines, deadlines->heads[level][slot]);
    return deadlines_item(head, head->count - 1u);
}

/*
 * What is due goes to `due`; the rest is filed again. Ends before an item for which there is no
 * memory.
 */
struct deadlines_turn {
    unsigned level, slot;
    int64_t due_ms;
    size_t limit;
    struct entry **due;
    size_t *due_count;
};

/* Fetches the entries that a slot gives up next, and the chunk that comes after them. */
static void deadlines_prefetch(const struct deadlines *deadlines, unsigned level, unsigned slot,
                               size_t limit)
{
    uint32_t number = deadlines->heads[level][slot];
    while (number != 0) {
        const struct deadlines_chunk *chunk = deadlines_chunk(deadlines, number);
        if (limit == 0) {
            KV_PREFETCH_WRITE(chunk);
            KV_PREFETCH_WRITE((const char *)(chunk + 1) - 1);
            return;
        }
        unsigned count = chunk->count < limit ? chunk->count : (unsigned)limit;
        for (unsigned i = 1; i <= count; i++)
            KV_PREFETCH_WRITE(deadlines_item(chunk, chunk->count - i));
        limit -= count;
        number = chunk->next;
    }
}

/* Looks at the items of a slot's head, from its end; they were fetched. False without memory. */
static bool deadlines_turn_chunk(struct deadlines *deadlines, struct deadlines_turn *turn)
{
    struct deadlines_chunk *head =
        deadlines_chunk(deadlines, deadlines->heads[turn->level][turn->slot]);
    unsigned count = head->count < turn->limit ? head->count : (unsigned)turn->limit;
    for (; count > 0; count--, turn->limit--) {
        struct entry *entry = deadlines_item(head, head->count - 1u);
        int64_t due_ms = entry_due(entry);
        bool is_due = due_ms <= turn->due_ms;
        bool comes_back = !is_due || entry_has_timed_fields(entry);
        if (comes_back && deadlines_reserve(deadlines) != KV_OK) return false;
        deadlines_drop_last(deadlines, turn->level, turn->slot);
        if (is_due) turn->due[(*turn->due_count)++] = entry;
        else entry_set_due(entry, due_ms, deadlines_add(deadlines, entry, due_ms));
        if (is_due && comes_back) { /* what was reserved is for it: nothing else may come */
            turn->limit = 0;
            break;
        }
    }
    return true;
}

KV_INTERNAL enum deadlines_outcome deadlines_take(struct deadlines *deadlines, int64_t now_ms,
                                                  size_t limit, struct entry **due,
                                                  size_t *due_count)
{
    struct deadlines_turn turn = {.limit = limit, .due = due, .due_count = due_count};
    int64_t begins_ms;
    *due_count = 0;
    bool is_fetched = deadlines->is_fetched;
    deadlines->is_fetched = false;
    while (deadlines_first_slot(deadlines, &turn.level, &turn.slot, &begins_ms) &&
           begins_ms <= now_ms) {
        if (!is_fetched) deadlines_prefetch(deadlines, turn.level, turn.slot, limit);
        if (turn.limit == 0) {
            deadlines->is_fetched = true;
            return DEADLINES_MORE;
        }
        is_fetched = false;
        deadlines->time_ms = begins_ms;
        /*
         * All of a span that is over is due (but what was put off); what has just begun is filed
         * finer first.
         */
        int64_t ends_ms = begins_ms | ((INT64_C(1) << DEADLINES_BITS * turn.level) - 1);
        turn.due_ms = ends_ms <= now_ms ? now_ms : begins_ms;
        while (turn.limit > 0 && deadlines->heads[turn.level][turn.slot] != 0) {
            if (!deadlines_turn_chunk(deadlines, &turn)) return DEADLINES_STUCK;
        }
    }
    if (deadlines->time_ms < now_ms) deadlines->time_ms = now_ms;
    return DEADLINES_DONE;
}

/* ------------------------------------------------------------------------------------- checking */

#if KV_DEBUG > 0
/* Follows the free list, whose chunks are numbered and of no slot; counts them. */
static uint64_t deadlines_check_free(const struct deadlines *deadlines)
{
    uint64_t count = 0;
    for (uint32_t number = deadlines->free; number != 0; count++) {
        assert(count < deadlines->chunks);
        number = deadlines_chunk(deadlines, number)->next;
    }
    return count;
}

static uint64_t deadlines_check_slot(const struct deadlines *deadlines, unsigned level,
                                     unsigned slot, uint64_t *chunks)
{
    uint32_t number = deadlines->heads[level][slot];
    bool is_occupied = (deadlines->occupied[level] >> slot & 1) != 0;
    assert(is_occupied == (number != 0));
    uint64_t count = 0;
    for (bool is_head = true; number != 0; is_head = false) {
        struct deadlines_chunk *chunk = deadlines_chunk(deadlines, number);
        unsigned home_level, home_slot;
        deadlines_home(deadlines, number, &home_level, &home_slot);
        assert(home_level == level && home_slot == slot);
        assert(chunk->count > 0 && (is_head || chunk->count == DEADLINES_CHUNK_ITEMS));
        for (unsigned i = 0; i < chunk->count; i++) {
            struct entry *entry = deadlines_item(chunk, i);
            assert(entry_is_timed(entry));
            assert(entry_deadline_id(entry) == (uint64_t)number * DEADLINES_CHUNK_ITEMS + i);
        }
        count += chunk->count;
        number = chunk->next;
        (*chunks)++;
    }
    return count;
}

KV_INTERNAL void deadlines_check(const struct deadlines *deadlines)
{
    uint64_t count = 0, chunks = deadlines_check_free(deadlines);
    for (unsigned level = 0; level < DEADLINES_LEVELS; level++) {
        for (unsigned slot = 0; slot < DEADLINES_SLOTS; slot++) {
            count += deadlines_check_slot(deadlines, level, slot, &chunks);
        }
    }
    assert(count == deadlines->count);
    assert(chunks == deadlines->chunks); /* each is in a slot or free */
    assert(deadlines->count > 0 || deadlines->groups <= 1);
}
#else
KV_INTERNAL KV_UNUSED void deadlines_check(const struct deadlines *deadlines)
{
    (void)deadlines;
}
#endif
