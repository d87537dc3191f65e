/*
 * values/stream_pack.h -- entries of a stream in one pack, as Redis keeps and writes them.
 *
 * The elements of the pack are a master entry, which tells what all entries have in common, and
 * then the entries in ascending order of their ids:
 *
 *     master   count  deleted  fields  field...  0
 *     entry    flags  ms  sequence  [fields  (field  value)...]  or  [value...]   size
 *
 *     count      entries that are there; `deleted`: those that are only marked as deleted
 *     flags      1: marked as deleted.  2: the fields are those of the master entry, so that only
 *                their values follow
 *     ms, sequence  the difference of the id and the pack's own, which lies beside it (a node)
 *     fields     how many there are
 *     size       the elements of the entry but this one, to walk back by; 0 ends the master entry
 *
 * Failure  Making room can fail; what is done in it cannot, and neither can removing an entry.
 * Places   A struct stream_entry is a place in a pack as well. It is good until the pack changes.
 */
#ifndef KV_VALUES_STREAM_PACK_H
#define KV_VALUES_STREAM_PACK_H

#include "structures/pack.h"

/* A leaf of a stream's tree: a pack of entries and the id they count from. */
struct stream_node {
    kv_stream_id id; /* not greater than that of any entry in it */
    struct pack *pack;
};

struct stream_entry {
    kv_stream_id id;
    bool is_deleted;
    bool is_alike; /* its fields are those of the master entry */
    uint64_t field_count;
    const uint8_t *at;     /* its first element */
    const uint8_t *fields; /* the first field, in the master entry or here */
    const uint8_t *values; /* the first value if is_alike, else the first field */
    const uint8_t *next;   /* the element behind it: the next entry's first, or PACK_END */
    const uint8_t *master; /* the fields of the master entry, and how many there are */
    uint64_t master_count;
};

static inline int stream_id_compare(kv_stream_id a, kv_stream_id b)
{
    if (a.ms != b.ms) return a.ms < b.ms ? -1 : 1;
    return a.sequence < b.sequence ? -1 : a.sequence > b.sequence;
}

/* How many entries are there, and how many of them are only marked as deleted. */
KV_INTERNAL uint64_t stream_pack_count(const struct pack *pack);
KV_INTERNAL uint64_t stream_pack_deleted(const struct pack *pack);

/* The first or last entry, deleted ones included. There always is one. */
KV_INTERNAL void stream_pack_end(const struct stream_node *node, kv_end end,
                                 struct stream_entry *entry);

/* The entry after or before this one. False if there is none. */
KV_INTERNAL bool stream_pack_next(const struct stream_node *node, struct stream_entry *entry);
KV_INTERNAL bool stream_pack_prev(const struct stream_node *node, struct stream_entry *entry);

/* A new node, whose only entry has `id`. `size`: of the entries it may come to hold. */
KV_INTERNAL kv_status stream_node_create(struct memory *memory, kv_stream_id id,
                                         const kv_slice *pairs, size_t pair_count, size_t size,
                                         struct stream_node **node);
KV_INTERNAL void stream_node_destroy(struct memory *memory, struct stream_node *node);

/* Adds an entry, whose id is greater than all. KV_OK, KV_TOOBIG, KV_NOMEM. */
KV_INTERNAL kv_status stream_node_append(struct memory *memory, struct stream_node *node,
                                         kv_stream_id id, const kv_slice *pairs, size_t pair_count);

/*
 * Marks an entry, which is there and not the only one, as deleted. When more entries are marked
 * than there are, and `may_squeeze`, those go for good, but for the last of all, whose id still
 * counts. *entry is then no place any more; else it stays one.
 */
KV_INTERNAL bool stream_node_delete(struct memory *memory, struct stream_node *node,
                                    struct stream_entry *entry, bool may_squeeze);

/* Gives back what a node to which nothing is added any more does not need. */
KV_INTERNAL void stream_node_settle(struct memory *memory, struct stream_node *node);

/*
 * Whether a listpack from outside is a master entry with entries whose ids ascend, from the node's
 * own on and up to *last, at least one of them not deleted. *count receives how many are there.
 * The bytes must have passed pack_validate().
 */
KV_INTERNAL KV_UNUSED bool stream_pack_validate(const struct stream_node *node, uint64_t *count,
                                                kv_stream_id *last);

#endif
