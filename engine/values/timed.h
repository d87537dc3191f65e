/*
 * values/timed.h -- the members of a large collection together with the agenda of those that have a
 * deadline: what hashes, sets and sorted sets do alike.
 *
 * Nothing expires here by itself. A member is in the agenda if it has a deadline, which is not
 * KV_NEVER. All lies in the members' memory. With an empty agenda each of this is one branch.
 */
#ifndef KV_VALUES_TIMED_H
#define KV_VALUES_TIMED_H

#include "structures/agenda.h"
#include "structures/members.h"
#include "values/collection.h"

/*
 * Gives a member that is there a deadline, or takes it away with KV_NEVER; *moved receives where it
 * is then. Only giving one to a member without can fail: KV_OK, KV_NOMEM. O(log n).
 */
KV_INTERNAL kv_status timed_set_deadline(struct members *members, struct agenda *agenda,
                                         const struct member_name *name, int64_t deadline_ms,
                                         struct member **moved);

/* Before a member is taken out: takes it out of the agenda if it is there. O(log n). */
static inline void timed_forget(struct members *members, struct agenda *agenda,
                                const struct member *member)
{
    if (KV_LIKELY(agenda->count == 0) || member_deadline(member) == KV_NEVER) return;
    agenda_remove(agenda, members->table.memory, member);
}

/* Takes a member out by its name; false if there is none. */
KV_INTERNAL bool timed_remove(struct members *members, struct agenda *agenda,
                              const struct member_name *name);

/*
 * Puts those into the agenda of a copy that members_copy() made with their deadlines. KV_OK,
 * KV_NOMEM. O(n log n) for n with deadlines.
 */
KV_INTERNAL kv_status timed_copy(const struct agenda *from, const struct members *members,
                                 struct agenda *agenda);

/* As the functions of struct collection_kind. */
KV_INTERNAL int64_t timed_next_deadline(const struct agenda *agenda);
KV_INTERNAL bool timed_is_spent(const struct members *members, const struct agenda *agenda,
                                int64_t now_ms);
KV_INTERNAL size_t timed_peek_due(const struct agenda *agenda, int64_t now_ms,
                                  struct collection_due *due);

#if KV_DEBUG > 0
/* Asserts that those with a deadline are in the agenda, and no others. */
KV_INTERNAL void timed_check(const struct members *members, const struct agenda *agenda);
#endif

#endif
