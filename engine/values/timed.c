/*
 * values/timed.c -- see timed.h.
 */
#include "values/timed.h"

KV_INTERNAL kv_status timed_set_deadline(struct members *members, struct agenda *agenda,
                                         const struct member_name *name, int64_t deadline_ms,
                                         struct member **moved)
{
    struct memory *memory = members->table.memory;
    struct member *member = members_find(members, name);
    bool was_timed = member_deadline(member) != KV_NEVER, is_timed = deadline_ms != KV_NEVER;
    *moved = member;
    if (!was_timed && !is_timed) return KV_OK;
    if (!was_timed && agenda_reserve(agenda, memory, 1) != KV_OK) return KV_NOMEM;
    if (!is_timed) agenda_remove(agenda, memory, member);
    uint32_t id = was_timed ? member_deadline_id(member) : 0;
    kv_status status = members_set_deadline(members, name, deadline_ms, id, moved);
    if (status != KV_OK) return status;
    if (was_timed && is_timed) agenda_update(agenda, *moved);
    else if (is_timed) agenda_add(agenda, *moved);
    return KV_OK;
}

KV_INTERNAL bool timed_remove(struct members *members, struct agenda *agenda,
                              const struct member_name *name)
{
    if (KV_UNLIKELY(agenda->count > 0)) {
        const struct member *member = members_find(members, name);
        if (member != NULL) timed_forget(members, agenda, member);
    }
    return members_remove(members, name);
}

KV_INTERNAL kv_status timed_copy(const struct agenda *from, const struct members *members,
                                 struct agenda *agenda)
{
    if (agenda_reserve(agenda, members->table.memory, from->count) != KV_OK) return KV_NOMEM;
    for (uint32_t i = 0; i < from->count; i++) {
        char scratch[MEMBER_TEXT_SIZE];
        struct member_name name;
        members_name(members_key(members), member_text(agenda_at(from, i), scratch), &name);
        agenda_add(agenda, members_find(members, &name));
    }
    return KV_OK;
}

KV_INTERNAL int64_t timed_next_deadline(const struct agenda *agenda)
{
    const struct member *first = agenda_first(agenda);
    return first != NULL ? member_deadline(first) : 0;
}

KV_INTERNAL bool timed_is_spent(const struct members *members, const struct agenda *agenda,
                                int64_t now_ms)
{
    return agenda->count == members_count(members) && agenda_is_spent(agenda, now_ms);
}

KV_INTERNAL size_t timed_peek_due(const struct agenda *agenda, int64_t now_ms,
                                  struct collection_due *due)
{
    struct member *members[COLLECTION_DUE_BATCH];
    size_t count = agenda_due(agenda, now_ms, members, COLLECTION_DUE_BATCH);
    for (size_t i = 0; i < count; i++) {
        due[i].name = member_text(members[i], due[i].scratch);
        due[i].item = members[i];
    }
    return count;
}

#if KV_DEBUG > 0
static void timed_check_one(void *context, void *item)
{
    uint64_t *timed = context;
    *timed += member_deadline(item) != KV_NEVER;
}

KV_INTERNAL void timed_check(const struct members *members, const struct agenda *agenda)
{
    uint64_t timed = 0;
    agenda_check(agenda);
    table_each(&members->table, timed_check_one, &timed);
    assert(timed == agenda->count);
    for (uint32_t i = 0; i < agenda->count; i++) {
        char scratch[MEMBER_TEXT_SIZE];
        struct member_name name;
        const struct member *member = agenda_at(agenda, i);
        members_name(members_key(members), member_text(member, scratch), &name);
        assert(members_find(members, &name) == member);
    }
}
#endif
