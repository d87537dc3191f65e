/*
 * values/stream_group.h -- consumer groups: who was given which entries and has not acknowledged
 * them.
 *
 * A group has consumers, and a list of pending entries in the order of their ids. Each pending
 * entry belongs to one consumer, who has its id in a list, too, so that both can be walked from any
 * id on.
 *
 * Failure  Giving entries to a consumer is done in two rounds: stream_hold() for each of them makes
 *          the room and may fail; then stream_assign() for each of them, or stream_let_go() for
 *          those that were held. Between the rounds nothing else is done with the group.
 */
#ifndef KV_VALUES_STREAM_GROUP_H
#define KV_VALUES_STREAM_GROUP_H

#include "values/stream.h"

#define STREAM_READ_UNKNOWN (-1)

struct stream_group {
    kv_slice name;         /* its bytes follow */
    kv_stream_id last;     /* the greatest id delivered */
    int64_t read;          /* how many entries were before it and itself, or STREAM_READ_UNKNOWN */
    struct sorted pending; /* struct stream_pending */
    struct sorted consumers; /* struct stream_consumer *, by name */
};

struct stream_consumer {
    kv_slice name;         /* its bytes follow */
    int64_t seen_ms;       /* when it last asked for something */
    int64_t active_ms;     /* when it last got something; -1: never */
    struct sorted pending; /* kv_stream_id */
    uint64_t held;         /* for a call that gives it entries: those held and not yet given */
};

struct stream_pending {
    kv_stream_id id;
    struct stream_consumer *consumer;
    int64_t delivered_ms;
    uint64_t deliveries;
};

/* --------------------------------------------------------------------------- groups, consumers */

KV_INTERNAL void stream_groups_init(struct stream *stream);

/* The group or consumer of that name; NULL if there is none. */
KV_INTERNAL struct stream_group *stream_group_find(const struct stream *stream, kv_slice name);
KV_INTERNAL struct stream_consumer *stream_consumer_find(const struct stream_group *group,
                                                         kv_slice name);

/* The one at a place in stream->groups or group->consumers. */
static inline struct stream_group *stream_group_at(const struct stream *stream,
                                                   const struct sorted_place *place)
{
    return *(struct stream_group **)sorted_at(&stream->groups, place);
}

static inline struct stream_consumer *stream_consumer_at(const struct stream_group *group,
                                                         const struct sorted_place *place)
{
    return *(struct stream_consumer **)sorted_at(&group->consumers, place);
}

/* Makes one whose name is not taken. KV_OK, KV_NOMEM. */
KV_INTERNAL kv_status stream_group_create(struct stream_edit *edit, kv_slice name,
                                          struct stream_group **group);
KV_INTERNAL kv_status stream_consumer_create(struct stream_edit *edit, struct stream_group *group,
                                             kv_slice name, int64_t now_ms,
                                             struct stream_consumer **consumer);

/* Frees one with all that is pending of it. */
KV_INTERNAL void stream_group_destroy(struct stream_edit *edit, struct stream_group *group);
KV_INTERNAL void stream_consumer_destroy(struct stream_edit *edit, struct stream_group *group,
                                         struct stream_consumer *consumer);

/* Frees all groups. */
KV_INTERNAL void stream_groups_clear(struct stream_edit *edit);

/* Copies all groups of another stream, which this one has none of. KV_OK, KV_NOMEM. */
KV_INTERNAL kv_status stream_groups_copy(struct stream_edit *edit, const struct stream *from);

/* ------------------------------------------------------------------------------ pending entries */

/* The pending entry with this id; NULL if there is none. */
KV_INTERNAL struct stream_pending *stream_pending_find(const struct stream_group *group,
                                                       kv_stream_id id);

static inline struct stream_pending *stream_pending_at(const struct stream_group *group,
                                                       const struct sorted_place *place)
{
    return sorted_at(&group->pending, place);
}

/* Makes room for giving an entry to a consumer. KV_OK, KV_NOMEM. */
KV_INTERNAL kv_status stream_hold(struct stream_edit *edit, struct stream_group *group,
                                  struct stream_consumer *consumer, kv_stream_id id);

/* Takes that back. */
KV_INTERNAL void stream_let_go(struct stream_edit *edit, struct stream_group *group,
                               struct stream_consumer *consumer, kv_stream_id id);

/*
 * Gives a held entry to the consumer, whoever had it. The caller sets the other fields of what it
 * gets back.
 */
KV_INTERNAL struct stream_pending *stream_assign(struct stream_edit *edit,
                                                 struct stream_group *group,
                                                 struct stream_consumer *consumer, kv_stream_id id);

/* Takes an entry off the pending ones. False if it is none. */
KV_INTERNAL bool stream_acknowledge(struct stream_edit *edit, struct stream_group *group,
                                    kv_stream_id id);

/* The same in all groups. */
KV_INTERNAL void stream_forget(struct stream_edit *edit, kv_stream_id id);

/* Whether some group has still to read or to acknowledge the entry. */
KV_INTERNAL bool stream_is_wanted(const struct stream *stream, kv_stream_id id);

/* -------------------------------------------------------------------------- what a group has read */

/* The number of entries up to an id in all the stream's life, or STREAM_READ_UNKNOWN. */
KV_INTERNAL int64_t stream_entries_read(const struct stream *stream, kv_stream_id id);

/* Notes that the group was delivered the entry `id` if it is ahead of what it had. */
KV_INTERNAL void stream_group_advance(const struct stream *stream, struct stream_group *group,
                                      kv_stream_id id);

/* How many entries the group has still to read. False if that cannot be told. */
KV_INTERNAL bool stream_group_lag(const struct stream *stream, const struct stream_group *group,
                                  int64_t *lag);

#if KV_DEBUG > 0
/* Asserts what stream_group.c promises of all groups. */
KV_INTERNAL void stream_groups_check(const struct stream *stream);
#endif

#endif
