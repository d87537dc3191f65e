/*
 * values/stream_pack.c -- see stream_pack.h, which draws the layout.
 *
 * What is counted in the master entry changes size now and then, which moves what is before it or
 * all that is behind it. So places are remembered by their distance from the pack's end.
 *
 * May use structures/ and base/. Knows nothing of groups, keys, time.
 * Source: Redis's RDB files of type 15, 19 and 21 hold these packs; what they mean is told in
 * comments at the head of its t_stream.c.
 */
#include "values/stream_pack.h"

enum {
    STREAM_DELETED = 1,
    STREAM_ALIKE = 2,
    STREAM_HEAD = 3 /* the elements of each entry before its fields: flags and id */
};

/* ---------------------------------------------------------------------------------- reading one */

static int64_t stream_integer(const uint8_t *at)
{
    return pack_get(at).integer; /* 0 of a text, which is not found where an integer belongs */
}

static const uint8_t *stream_skip(const uint8_t *at, uint64_t count)
{
    for (; count > 0; count--) at = pack_next(at);
    return at;
}

KV_INTERNAL uint64_t stream_pack_count(const struct pack *pack)
{
    return (uint64_t)stream_integer(pack_first(pack));
}

KV_INTERNAL uint64_t stream_pack_deleted(const struct pack *pack)
{
    return (uint64_t)stream_integer(pack_next(pack_first(pack)));
}

/* Finds the fields of the master entry; gives where the first entry is. */
static const uint8_t *stream_read_master(const struct pack *pack, struct stream_entry *entry)
{
    const uint8_t *at = stream_skip(pack_first(pack), 2);
    entry->master_count = (uint64_t)stream_integer(at);
    entry->master = pack_next(at);
    return pack_next(stream_skip(entry->master, entry->master_count));
}

/* Reads the entry at `at`; the master entry was read before. */
static void stream_read(const struct stream_node *node, const uint8_t *at,
                        struct stream_entry *entry)
{
    entry->at = at;
    int64_t flags = stream_integer(at);
    entry->is_deleted = (flags & STREAM_DELETED) != 0;
    entry->is_alike = (flags & STREAM_ALIKE) != 0;
    at = pack_next(at);
    entry->id.ms = node->id.ms + (uint64_t)stream_integer(at);
    at = pack_next(at);
    entry->id.sequence = node->id.sequence + (uint64_t)stream_integer(at);
    at = pack_next(at);

    uint64_t elements = entry->field_count = entry->master_count;
    entry->fields = entry->master;
    if (!entry->is_alike) {
        entry->field_count = (uint64_t)stream_integer(at);
        elements = 2 * entry->field_count;
        at = entry->fields = pack_next(at);
    }
    entry->values = at;
    entry->next = pack_next(stream_skip(at, elements));
}

/* The elements of an entry but the last one, which tells this number. */
static uint64_t stream_elements(uint64_t field_count, bool is_alike)
{
    return STREAM_HEAD + (is_alike ? field_count : 2 * field_count + 1);
}

/* The start of the entry that ends before `at`; NULL if that is the master's. */
static const uint8_t *stream_entry_before(const struct pack *pack, const uint8_t *at)
{
    at = pack_prev(pack, at);
    int64_t elements = stream_integer(at);
    if (elements == 0) return NULL;
    for (; elements > 0; elements--) at = pack_prev(pack, at);
    return at;
}

KV_INTERNAL void stream_pack_end(const struct stream_node *node, kv_end end,
                                 struct stream_entry *entry)
{
    const uint8_t *at = stream_read_master(node->pack, entry);
    if (end == KV_TAIL) at = stream_entry_before(node->pack, pack_end(node->pack));
    stream_read(node, at, entry);
}

KV_INTERNAL bool stream_pack_next(const struct stream_node *node, struct stream_entry *entry)
{
    if (*entry->next == PACK_END) return false;
    stream_read(node, entry->next, entry);
    return true;
}

KV_INTERNAL bool stream_pack_prev(const struct stream_node *node, struct stream_entry *entry)
{
    const uint8_t *at = stream_entry_before(node->pack, entry->at);
    if (at == NULL) return false;
    stream_read(node, at, entry);
    return true;
}

/* --------------------------------------------------------------------------------------- adding */

/* Whether the fields of the pairs are those of the master entry. */
static bool stream_is_alike(const struct pack *pack, const kv_slice *pairs, size_t pair_count)
{
    struct stream_entry entry;
    (void)stream_read_master(pack, &entry);
    if (entry.master_count != pair_count) return false;
    const uint8_t *at = entry.master;
    for (size_t i = 0; i < pair_count; i++, at = pack_next(at)) {
        struct pack_needle needle = pack_needle(pairs[2 * i]);
        if (!pack_equals(at, &needle)) return false;
    }
    return true;
}

/* The size of every second slice as an element, which with the others is known to fit a pack. */
static size_t stream_half_size(const kv_slice *pairs, size_t pair_count)
{
    size_t size = 0;
    for (size_t i = 0; i < pair_count; i++) size += pack_value_size(pairs[2 * i]);
    return size;
}

/* An entry that is to be written. */
struct stream_draft {
    int64_t ms, sequence;
    const kv_slice *pairs;
    size_t pair_count;
    bool is_alike;
};

static size_t stream_draft_size(const struct stream_draft *draft)
{
    size_t count = draft->pair_count;
    size_t size = pack_integer_element_size(STREAM_ALIKE) + pack_integer_element_size(draft->ms) +
                  pack_integer_element_size(draft->sequence) +
                  stream_half_size(draft->pairs + 1, count) +
                  pack_integer_element_size((int64_t)stream_elements(count, draft->is_alike));
    if (draft->is_alike) return size;
    return size + pack_integer_element_size((int64_t)count) + stream_half_size(draft->pairs, count);
}

/* Writes it at the tail of a pack with the room. */
static void stream_draft_write(const struct stream_draft *draft, struct pack *pack)
{
    size_t count = draft->pair_count;
    uint64_t elements = stream_elements(count, draft->is_alike);
    uint8_t *at = pack_extend(pack, stream_draft_size(draft), (size_t)elements + 1);
    at = pack_put_integer(at, draft->is_alike ? STREAM_ALIKE : 0);
    at = pack_put_integer(at, draft->ms);
    at = pack_put_integer(at, draft->sequence);
    if (!draft->is_alike) at = pack_put_integer(at, (int64_t)count);
    for (size_t i = 0; i < count; i++) {
        if (!draft->is_alike) at = pack_put(at, draft->pairs[2 * i]);
        at = pack_put(at, draft->pairs[2 * i + 1]);
    }
    (void)pack_put_integer(at, (int64_t)elements);
}

/* The size of a master entry that counts one entry. */
static size_t stream_master_size(const kv_slice *pairs, size_t pair_count)
{
    return 3 * pack_integer_element_size(0) + pack_integer_element_size((int64_t)pair_count) +
           stream_half_size(pairs, pair_count);
}

static void stream_master_write(const kv_slice *pairs, size_t pair_count, struct pack *pack)
{
    uint8_t *at = pack_extend(pack, stream_master_size(pairs, pair_count), pair_count + 4);
    at = pack_put_integer(at, 1);
    at = pack_put_integer(at, 0);
    at = pack_put_integer(at, (int64_t)pair_count);
    for (size_t i = 0; i < pair_count; i++) at = pack_put(at, pairs[2 * i]);
    (void)pack_put_integer(at, 0);
}

KV_INTERNAL kv_status stream_node_create(struct memory *memory, kv_stream_id id,
                                         const kv_slice *pairs, size_t pair_count, size_t size,
                                         struct stream_node **node)
{
    struct pack_run run;
    kv_status status = pack_measure(pairs, 2 * pair_count, &run);
    if (status != KV_OK) return status;

    struct stream_draft draft = {0, 0, pairs, pair_count, true};
    size_t needed = stream_master_size(pairs, pair_count) + stream_draft_size(&draft);
    struct stream_node *created = memory_get(memory, sizeof *created);
    if (created == NULL) return KV_NOMEM;
    created->id = id;
    status = pack_create(memory, size > needed ? size : needed, KV_TAIL, &created->pack);
    if (status != KV_OK) {
        memory_free(memory, created, sizeof *created);
        return status;
    }
    stream_master_write(pairs, pair_count, created->pack);
    stream_draft_write(&draft, created->pack);
    *node = created;
    return KV_OK;
}

KV_INTERNAL void stream_node_destroy(struct memory *memory, struct stream_node *node)
{
    pack_destroy(memory, node->pack);
    memory_free(memory, node, sizeof *node);
}

KV_INTERNAL kv_status stream_node_append(struct memory *memory, struct stream_node *node,
                                         kv_stream_id id, const kv_slice *pairs, size_t pair_count)
{
    struct pack_run run;
    kv_status status = pack_measure(pairs, 2 * pair_count, &run);
    if (status != KV_OK) return status;

    struct stream_draft draft = {(int64_t)(id.ms - node->id.ms),
                                 (int64_t)(id.sequence - node->id.sequence), pairs, pair_count,
                                 stream_is_alike(node->pack, pairs, pair_count)};
    int64_t count = (int64_t)stream_pack_count(node->pack) + 1;
    size_t counted = pack_integer_element_size(count); /* more than it adds */
    status = pack_reserve(memory, &node->pack, stream_draft_size(&draft) + counted, KV_TAIL);
    if (status != KV_OK) return status;
    stream_draft_write(&draft, node->pack);
    pack_replace_integer(node->pack, pack_first(node->pack), count);
    return KV_OK;
}

/* ------------------------------------------------------------------------------------- deleting */

/* Where an entry is now that was so far from the end before the counts changed. */
static const uint8_t *stream_at_distance(const struct pack *pack, size_t distance)
{
    return pack_end(pack) - distance;
}

static void stream_set_counts(struct pack *pack, uint64_t count, uint64_t deleted)
{
    pack_replace_integer(pack, pack_first(pack), (int64_t)count);
    pack_replace_integer(pack, pack_next(pack_first(pack)), (int64_t)deleted);
}

/* Takes out what is marked as deleted, but for the last entry of all. */
static void stream_node_squeeze(struct memory *memory, struct stream_node *node)
{
    struct stream_entry entry;
    struct pack *pack = node->pack;
    uint64_t count = stream_pack_count(pack), deleted = 0;
    const uint8_t *at = stream_read_master(pack, &entry);
    while (*at != PACK_END) {
        (void)stream_read_master(pack, &entry);
        stream_read(node, at, &entry);
        size_t distance = (size_t)(pack_end(pack) - entry.next);
        if (entry.is_deleted && distance > 0) {
            uint64_t elements = stream_elements(entry.field_count, entry.is_alike);
            pack_delete(pack, at, (size_t)elements + 1);
        } else if (entry.is_deleted) {
            deleted++;
        }
        at = stream_at_distance(pack, distance);
    }
    stream_set_counts(pack, count, deleted);
    pack_fit(memory, &node->pack, pack_size(pack) / 8);
}

KV_INTERNAL void stream_node_settle(struct memory *memory, struct stream_node *node)
{
    const struct pack *pack = node->pack;
    if (stream_pack_deleted(pack) > stream_pack_count(pack)) stream_node_squeeze(memory, node);
    else pack_fit(memory, &node->pack, pack_size(pack) / 16);
}

/* Room for a larger number of deleted entries. False if there is no memory for it. */
static bool stream_reserve_deleted(struct memory *memory, struct stream_node *node,
                                   uint64_t deleted)
{
    const uint8_t *at = pack_next(pack_first(node->pack));
    size_t size = pack_integer_element_size((int64_t)deleted), old = pack_element_size(at);
    if (size <= old) return true;
    return pack_reserve_at(memory, &node->pack, &at, size - old) == KV_OK;
}

KV_INTERNAL bool stream_node_delete(struct memory *memory, struct stream_node *node,
                                    struct stream_entry *entry, bool may_squeeze)
{
    uint64_t count = stream_pack_count(node->pack) - 1;
    uint64_t deleted = stream_pack_deleted(node->pack) + 1;
    assert(!entry->is_deleted);
    assert(count > 0);

    size_t distance = (size_t)(pack_end(node->pack) - entry->at);
    pack_replace_integer(node->pack, entry->at,
                         STREAM_DELETED | (entry->is_alike ? STREAM_ALIKE : 0));
    pack_replace_integer(node->pack, pack_first(node->pack), (int64_t)count);
    bool has_room = stream_reserve_deleted(memory, node, deleted);
    if (!has_room || (may_squeeze && deleted > count)) {
        stream_node_squeeze(memory, node);
        return false;
    }
    pack_replace_integer(node->pack, pack_next(pack_first(node->pack)), (int64_t)deleted);
    (void)stream_read_master(node->pack, entry);
    stream_read(node, stream_at_distance(node->pack, distance), entry);
    return true;
}

/* ---------------------------------------------------------------------------- bytes from outside */

/* What is still to be read of a listpack that may not be what it should. */
struct stream_probe {
    const uint8_t *at;
};

/* Reads an integer that is not below `least`. */
static bool stream_probe_integer(struct stream_probe *probe, int64_t least, int64_t *integer)
{
    if (*probe->at == PACK_END) return false;
    struct pack_item item = pack_get(probe->at);
    *integer = item.integer;
    probe->at = pack_next(probe->at);
    return item.is_integer && item.integer >= least;
}

static bool stream_probe_skip(struct stream_probe *probe, int64_t count)
{
    for (; count > 0; count--) {
        if (*probe->at == PACK_END) return false;
        probe->at = pack_next(probe->at);
    }
    return true;
}

struct stream_master_facts {
    int64_t count, deleted, field_count;
};

static bool stream_probe_master(struct stream_probe *probe, struct stream_master_facts *facts)
{
    int64_t end;
    return stream_probe_integer(probe, 1, &facts->count) &&
           stream_probe_integer(probe, 0, &facts->deleted) &&
           stream_probe_integer(probe, 0, &facts->field_count) &&
           stream_probe_skip(probe, facts->field_count) && stream_probe_integer(probe, 0, &end) &&
           end == 0;
}

/* Reads an entry; its id goes to *id, and whether it is deleted to *deleted. */
static bool stream_probe_entry(struct stream_probe *probe, const struct stream_node *node,
                               int64_t master_fields, kv_stream_id *id, bool *deleted)
{
    int64_t flags, ms, sequence, fields = master_fields, elements;
    if (!stream_probe_integer(probe, 0, &flags) || flags > (STREAM_DELETED | STREAM_ALIKE) ||
        !stream_probe_integer(probe, INT64_MIN, &ms) ||
        !stream_probe_integer(probe, INT64_MIN, &sequence))
        return false;
    bool is_alike = (flags & STREAM_ALIKE) != 0;
    if (!is_alike && !stream_probe_integer(probe, 0, &fields)) return false;
    if (!stream_probe_skip(probe, fields) || (!is_alike && !stream_probe_skip(probe, fields)))
        return false;
    if (!stream_probe_integer(probe, 0, &elements)) return false;
    *id = (kv_stream_id){node->id.ms + (uint64_t)ms, node->id.sequence + (uint64_t)sequence};
    *deleted = (flags & STREAM_DELETED) != 0;
    return (uint64_t)elements == stream_elements((uint64_t)fields, is_alike);
}

KV_INTERNAL bool stream_pack_validate(const struct stream_node *node, uint64_t *count,
                                      kv_stream_id *last)
{
    struct stream_probe probe = {pack_first(node->pack)};
    struct stream_master_facts facts;
    if (!stream_probe_master(&probe, &facts)) return false;
    int64_t there = 0, deleted = 0;
    kv_stream_id before = node->id;
    while (*probe.at != PACK_END) {
        kv_stream_id id;
        bool is_deleted;
        if (!stream_probe_entry(&probe, node, facts.field_count, &id, &is_deleted)) return false;
        int order = stream_id_compare(before, id);
        if (order > 0 || (order == 0 && there + deleted > 0)) return false;
        before = id;
        if (is_deleted) deleted++;
        else there++;
    }
    *count = (uint64_t)there;
    *last = before;
    return there > 0 && there == facts.count && deleted == facts.deleted;
}
