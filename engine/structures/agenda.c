/*
 * structures/agenda.c -- see agenda.h.
 *
 * Invariants (agenda_check() asserts them):
 *   1. No member has an earlier deadline than the one at (place - 1) / 2.
 *   2. A member's number is its place.
 *   3. There is room for all, and less than two chunks more than that.
 */
#include "structures/agenda.h"

#include <string.h>

#define AGENDA_LIST_FIRST 8 /* chunks that the list of them has room for at first */

static struct member **agenda_place(const struct agenda *agenda, uint32_t place)
{
    return &agenda->chunks[place / AGENDA_CHUNK][place % AGENDA_CHUNK];
}

KV_INTERNAL struct member *agenda_at(const struct agenda *agenda, uint32_t place)
{
    assert(place < agenda->count);
    return *agenda_place(agenda, place);
}

static void agenda_put(struct agenda *agenda, uint32_t place, struct member *member)
{
    *agenda_place(agenda, place) = member;
    member_set_deadline_id(member, place);
}

/* ---------------------------------------------------------------------------------------- memory */

/* Makes the list of chunks longer, or shorter if memory allows. */
static kv_status agenda_resize_list(struct agenda *agenda, struct memory *memory, uint32_t capacity)
{
    const size_t size = sizeof *agenda->chunks;
    void *chunks = memory_resize(memory, agenda->chunks, agenda->capacity * size, capacity * size);
    if (chunks == NULL) return KV_NOMEM;
    agenda->chunks = chunks;
    agenda->capacity = capacity;
    return KV_OK;
}

static kv_status agenda_grow(struct agenda *agenda, struct memory *memory)
{
    uint32_t used = agenda->room / AGENDA_CHUNK;
    if (used == agenda->capacity) {
        uint32_t capacity = used == 0 ? AGENDA_LIST_FIRST : used * 2;
        if (agenda_resize_list(agenda, memory, capacity) != KV_OK) return KV_NOMEM;
    }
    struct member **chunk = memory_get(memory, AGENDA_CHUNK * sizeof *chunk);
    if (chunk == NULL) return KV_NOMEM;
    agenda->chunks[used] = chunk;
    agenda->room += AGENDA_CHUNK;
    return KV_OK;
}

/* Gives back chunks, but one to spare, and the list with the last one. */
static void agenda_shrink(struct agenda *agenda, struct memory *memory)
{
    uint32_t kept = agenda->count == 0 ? 0 : agenda->count + AGENDA_CHUNK;
    while (agenda->room > kept && agenda->room - kept >= AGENDA_CHUNK) {
        agenda->room -= AGENDA_CHUNK;
        struct member **chunk = agenda->chunks[agenda->room / AGENDA_CHUNK];
        memory_free(memory, chunk, AGENDA_CHUNK * sizeof *chunk);
    }
    if (agenda->room > 0) return;
    memory_free(memory, agenda->chunks, agenda->capacity * sizeof *agenda->chunks);
    *agenda = (struct agenda){0};
}

KV_INTERNAL kv_status agenda_reserve(struct agenda *agenda, struct memory *memory, size_t count)
{
    if (count > UINT32_MAX - 2 * AGENDA_CHUNK - agenda->count) return KV_NOMEM;
    while (agenda->room - agenda->count < count)
        if (agenda_grow(agenda, memory) != KV_OK) return KV_NOMEM;
    return KV_OK;
}

/* ----------------------------------------------------------------------------------------- order */

static void agenda_rise(struct agenda *agenda, uint32_t place, struct member *member)
{
    int64_t deadline_ms = member_deadline(member);
    while (place > 0) {
        uint32_t above = (place - 1) / 2;
        struct member *other = agenda_at(agenda, above);
        if (member_deadline(other) <= deadline_ms) break;
        agenda_put(agenda, place, other);
        place = above;
    }
    agenda_put(agenda, place, member);
}

static void agenda_sink(struct agenda *agenda, uint32_t place, struct member *member)
{
    int64_t deadline_ms = member_deadline(member);
    while (place < agenda->count / 2) { /* there is one below */
        uint32_t below = 2 * place + 1;
        struct member *other = agenda_at(agenda, below);
        if (below + 1 < agenda->count) {
            struct member *next = agenda_at(agenda, below + 1);
            if (member_deadline(next) < member_deadline(other)) {
                other = next;
                below++;
            }
        }
        if (member_deadline(other) >= deadline_ms) break;
        agenda_put(agenda, place, other);
        place = below;
    }
    agenda_put(agenda, place, member);
}

/* Puts a member where it belongs, starting at a place whose own member is of no account. */
static void agenda_settle(struct agenda *agenda, uint32_t place, struct member *member)
{
    bool rises =
        place > 0 && member_deadline(agenda_at(agenda, (place - 1) / 2)) > member_deadline(member);
    if (rises) agenda_rise(agenda, place, member);
    else agenda_sink(agenda, place, member);
}

KV_INTERNAL void agenda_add(struct agenda *agenda, struct member *member)
{
    assert(agenda->count < agenda->room);
    agenda_rise(agenda, agenda->count++, member);
}

KV_INTERNAL void agenda_remove(struct agenda *agenda, struct memory *memory,
                               const struct member *member)
{
    uint32_t place = member_deadline_id(member);
    assert(agenda_at(agenda, place) == member);
    struct member *last = agenda_at(agenda, agenda->count - 1);
    agenda->count--;
    if (last != member) agenda_settle(agenda, place, last);
    agenda_shrink(agenda, memory);
}

KV_INTERNAL void agenda_update(struct agenda *agenda, struct member *member)
{
    agenda_settle(agenda, member_deadline_id(member), member);
}

KV_INTERNAL bool agenda_has(const struct agenda *agenda, const struct member *member)
{
    if (member_deadline(member) == KV_NEVER) return false;
    uint32_t place = member_deadline_id(member);
    return place < agenda->count && agenda_at(agenda, place) == member;
}

/* The latest are below, so they are looked at first. */
KV_INTERNAL bool agenda_is_spent(const struct agenda *agenda, int64_t now_ms)
{
    for (uint32_t i = agenda->count; i > 0; i--)
        if (member_deadline(agenda_at(agenda, i - 1)) > now_ms) return false;
    return true;
}

KV_INTERNAL struct member *agenda_first(const struct agenda *agenda)
{
    return agenda->count > 0 ? agenda_at(agenda, 0) : NULL;
}

/* Level by level: what is found is the queue of what is still to be looked below. */
KV_INTERNAL size_t agenda_due(const struct agenda *agenda, int64_t now_ms, struct member **due,
                              size_t room)
{
    size_t count = 0;
    if (agenda->count == 0 || room == 0 || member_deadline(agenda_at(agenda, 0)) > now_ms) return 0;
    due[count++] = agenda_at(agenda, 0);
    for (size_t looked = 0; looked < count; looked++) {
        uint32_t below = 2 * member_deadline_id(due[looked]) + 1;
        for (uint32_t i = below; i < below + 2 && i < agenda->count && count < room; i++) {
            struct member *member = agenda_at(agenda, i);
            if (member_deadline(member) <= now_ms) due[count++] = member;
        }
    }
    return count;
}

#if KV_DEBUG > 0
KV_INTERNAL void agenda_check(const struct agenda *agenda)
{
    assert(agenda->room % AGENDA_CHUNK == 0);
    assert(agenda->count <= agenda->room);
    assert(agenda->room / AGENDA_CHUNK <= agenda->capacity);
    for (uint32_t i = 0; i < agenda->count; i++) {
        const struct member *member = agenda_at(agenda, i);
        assert(member_deadline(member) != KV_NEVER);
        assert(member_deadline_id(member) == i);
        if (i > 0) {
            assert(member_deadline(agenda_at(agenda, (i - 1) / 2)) <= member_deadline(member));
        }
    }
}
#endif
