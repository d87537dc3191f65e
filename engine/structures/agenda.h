/*
 * structures/agenda.h -- the members of a large collection that have a deadline, the earliest of
 * them at hand.
 *
 * A binary heap by deadline, its places in chunks of 64, so that no block grows with it but the
 * short list of chunks: 8 bytes and a little for each member, which knows its own place
 * (member_deadline_id). Whoever moves a member tells the agenda.
 *
 * Ownership  All lies in the memory that is given to each call, the collection's own.
 * Source     Williams, Algorithm 232: Heapsort, CACM 1964.
 */
#ifndef KV_STRUCTURES_AGENDA_H
#define KV_STRUCTURES_AGENDA_H

#include "structures/members.h"

#define AGENDA_CHUNK 64

struct agenda {
    struct member ***chunks;
    uint32_t count;    /* members */
    uint32_t room;     /* of the chunks there are */
    uint32_t capacity; /* of the list of chunks */
};

/* Makes room for `count` members more. KV_OK, or KV_NOMEM (also past 2^32 members). */
KV_INTERNAL kv_status agenda_reserve(struct agenda *agenda, struct memory *memory, size_t count);

/* Adds a member that has a deadline; there is room. O(log n). */
KV_INTERNAL void agenda_add(struct agenda *agenda, struct member *member);

/* Takes one out, which still has its deadline and place. Gives memory back. O(log n). */
KV_INTERNAL void agenda_remove(struct agenda *agenda, struct memory *memory,
                               const struct member *member);

/* A member that is in it lies elsewhere now, or has another deadline, or both. O(log n). */
KV_INTERNAL void agenda_update(struct agenda *agenda, struct member *member);

/* The member at a place below agenda->count, and whether one is in it at all. O(1). */
KV_INTERNAL struct member *agenda_at(const struct agenda *agenda, uint32_t place);
KV_INTERNAL bool agenda_has(const struct agenda *agenda, const struct member *member);

/* Whether no deadline is after now_ms. O(n) at worst. */
KV_INTERNAL bool agenda_is_spent(const struct agenda *agenda, int64_t now_ms);

/* The member with the earliest deadline; NULL if there is none. O(1). */
KV_INTERNAL struct member *agenda_first(const struct agenda *agenda);

/*
 * Notes up to `room` members whose deadlines have passed at now_ms, in no order worth mention, and
 * gives how many. O(that).
 */
KV_INTERNAL size_t agenda_due(const struct agenda *agenda, int64_t now_ms, struct member **due,
                              size_t room);

#if KV_DEBUG > 0
/* Asserts the above. */
KV_INTERNAL void agenda_check(const struct agenda *agenda);
#endif

#endif
