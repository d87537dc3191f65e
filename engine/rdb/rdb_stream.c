/*
 * rdb/rdb_stream.c -- streams from and to the RDB format.
 *
 *     n  { id(16) as text, listpack as text }       the nodes: values/stream_pack.h
 *     entries  last: ms, sequence
 *     first: ms, sequence   last deleted: ms, sequence   entries added            since type 19
 *     n  { name as text, last: ms, sequence
 *          entries read                                                           since type 19
 *          n { id(16), delivered(8), deliveries }                                 what is pending
 *          n { name as text, seen(8), active(8) since type 21, n { id(16) } } }   the consumers
 *
 * Where no size is given a number is a length. Ids of 16 bytes are two big-endian numbers, times
 * are milliseconds, little-endian. Entries read may be 2^64 - 1: it is not known.
 */
#include "rdb/rdb_items.h"
#include "rdb/rdb_value.h"
#include "values/stream.h"
#include "values/stream_group.h"

/* A stream being read. */
struct rdb_stream {
    struct rdb_source *source;
    const struct rdb_rules *rules;
    enum rdb_type type;
    struct collection collection;
    struct stream_edit edit; /* open while a part is made */
};

/* -------------------------------------------------------------------------------------- numbers */

#define RDB_ID_SIZE 16

static uint64_t rdb_big_endian(const uint8_t *bytes)
{
    uint64_t number = 0;
    for (size_t i = 0; i < 8; i++) number = number << 8 | bytes[i];
    return number;
}

static kv_stream_id rdb_id_of(kv_slice bytes)
{
    const uint8_t *at = bytes.data;
    return (kv_stream_id){rdb_big_endian(at), rdb_big_endian(at + 8)};
}

static bool rdb_read_raw_id(struct rdb_source *source, kv_stream_id *id)
{
    kv_slice bytes;
    if (!rdb_read_bytes(source, RDB_ID_SIZE, &bytes)) return false;
    *id = rdb_id_of(bytes);
    return true;
}

static bool rdb_read_id(struct rdb_source *source, kv_stream_id *id)
{
    return rdb_read_length(source, &id->ms) && rdb_read_length(source, &id->sequence);
}

/* A time, which is not before 1970; -1 is one if it may mean never. */
static bool rdb_read_time(struct rdb_source *source, bool may_be_never, int64_t *time_ms)
{
    uint64_t bits;
    if (!rdb_read_64(source, &bits)) return false;
    *time_ms = (int64_t)bits;
    return *time_ms >= (may_be_never ? -1 : 0);
}

/* ---------------------------------------------------------------------------------------- nodes */

static kv_status rdb_stream_load(struct rdb_stream *reading, kv_stream_id id, kv_slice listpack)
{
    struct stream_edit edit;
    if (!pack_validate(listpack, true)) return KV_CORRUPT;
    kv_status status = stream_edit_begin(&edit, &reading->collection, reading->rules->memory);
    if (status != KV_OK) return status;
    status = stream_load_node(&edit, id, listpack);
    stream_edit_end(&edit);
    return status == KV_BADARG ? KV_CORRUPT : status;
}

static kv_status rdb_stream_node(struct rdb_stream *reading)
{
    struct rdb_text id, listpack;
    kv_status status = rdb_read_text(reading->source, &id);
    if (status != KV_OK) return status;
    status = rdb_read_text(reading->source, &listpack);
    if (status == KV_OK) {
        status = id.bytes.size == RDB_ID_SIZE
                     ? rdb_stream_load(reading, rdb_id_of(id.bytes), listpack.bytes)
                     : KV_CORRUPT;
        rdb_text_free(reading->source, &listpack);
    }
    rdb_text_free(reading->source, &id);
    return status;
}

static kv_status rdb_stream_nodes(struct rdb_stream *reading)
{
    uint64_t nodes;
    if (!rdb_read_count(reading->source, 1 + RDB_ID_SIZE + 1, &nodes)) return KV_CORRUPT;
    kv_status status = KV_OK;
    for (; nodes > 0 && status == KV_OK; nodes--) status = rdb_stream_node(reading);
    return status;
}

/* What is known of the stream as a whole, which must agree with its entries. */
static bool rdb_stream_totals(struct rdb_stream *reading)
{
    struct rdb_source *source = reading->source;
    struct stream *stream = stream_of(&reading->collection);
    uint64_t length, added;
    kv_stream_id last, first, last_deleted = {0, 0};
    if (!rdb_read_length(source, &length) || !rdb_read_id(source, &last)) return false;
    added = length;
    bool is_full = reading->type != RDB_STREAM;
    if (is_full && (!rdb_read_id(source, &first) || !rdb_read_id(source, &last_deleted) ||
                    !rdb_read_length(source, &added)))
        return false;
    if (length != stream_length(stream) || added < length) return false;
    if (stream_id_compare(last, stream->last) < 0 || stream_id_compare(last, last_deleted) < 0)
        return false;
    stream->last = last;
    stream->last_deleted = last_deleted;
    stream->added = added;
    return true;
}

/* --------------------------------------------------------------------------------------- groups */

/* What is pending in a group, in the order of the ids, until its consumers are known. */
struct rdb_pending {
    kv_stream_id id;
    int64_t delivered_ms;
    uint64_t deliveries;
    bool is_owned;
};

struct rdb_pendings {
    struct rdb_pending *all;
    size_t count, owned;
};

static bool rdb_read_pending(struct rdb_source *source, struct rdb_pendings *pendings, size_t i)
{
    struct rdb_pending *pending = &pendings->all[i];
    if (!rdb_read_raw_id(source, &pending->id) ||
        !rdb_read_time(source, false, &pending->delivered_ms) ||
        !rdb_read_length(source, &pending->deliveries))
        return false;
    pending->is_owned = false;
    return i == 0 || stream_id_compare(pending[-1].id, pending->id) < 0;
}

static void rdb_pendings_free(struct rdb_source *source, struct rdb_pendings *pendings)
{
    alloc_free(source->alloc, pendings->all, pendings->count * sizeof *pendings->all);
}

/* Unless KV_OK there is nothing to free. */
static kv_status rdb_read_pendings(struct rdb_source *source, struct rdb_pendings *pendings)
{
    uint64_t count;
    *pendings = (struct rdb_pendings){0};
    if (!rdb_read_count(source, RDB_ID_SIZE + 8 + 1, &count)) return KV_CORRUPT;
    if (count == 0) return KV_OK;
    pendings->all = alloc_get_array(source->alloc, (size_t)count, sizeof *pendings->all);
    if (pendings->all == NULL) return KV_NOMEM;
    pendings->count = (size_t)count;
    for (size_t i = 0; i < pendings->count; i++) {
        if (rdb_read_pending(source, pendings, i)) continue;
        rdb_pendings_free(source, pendings);
        return KV_CORRUPT;
    }
    return KV_OK;
}

/* The one with this id, if no consumer has it yet. */
static struct rdb_pending *rdb_pendings_take(struct rdb_pendings *pendings, kv_stream_id id)
{
    size_t low = 0, high = pendings->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct rdb_pending *pending = &pendings->all[middle];
        int order = stream_id_compare(pending->id, id);
        if (order == 0) {
            if (pending->is_owned) return NULL;
            pending->is_owned = true;
            pendings->owned++;
            return pending;
        }
        if (order < 0) low = middle + 1;
        else high = middle;
    }
    return NULL;
}

static kv_status rdb_stream_give(struct rdb_stream *reading, struct stream_group *group,
                                 struct stream_consumer *consumer, struct rdb_pendings *pendings)
{
    kv_stream_id id;
    if (!rdb_read_raw_id(reading->source, &id)) return KV_CORRUPT;
    const struct rdb_pending *pending = rdb_pendings_take(pendings, id);
    if (pending == NULL) return KV_CORRUPT;
    kv_status status = stream_hold(&reading->edit, group, consumer, id);
    if (status != KV_OK) return status;
    struct stream_pending *given = stream_assign(&reading->edit, group, consumer, id);
    given->delivered_ms = pending->delivered_ms;
    given->deliveries = pending->deliveries;
    return KV_OK;
}

static kv_status rdb_stream_consumer(struct rdb_stream *reading, struct stream_group *group,
                                     struct rdb_pendings *pendings)
{
    struct rdb_source *source = reading->source;
    struct stream_consumer *consumer = NULL; /* for compilers that do not see it is set */
    struct rdb_text name;
    int64_t seen_ms, active_ms;
    uint64_t count;
    kv_status status = rdb_read_text(source, &name);
    if (status != KV_OK) return status;
    if (stream_consumer_find(group, name.bytes) != NULL) status = KV_CORRUPT;
    else status = stream_consumer_create(&reading->edit, group, name.bytes, 0, &consumer);
    rdb_text_free(source, &name);
    if (status != KV_OK) return status;
    if (!rdb_read_time(source, false, &seen_ms)) return KV_CORRUPT;
    active_ms = seen_ms; /* as Redis 7.2 takes it to be */
    if (reading->type == RDB_STREAM_3 && !rdb_read_time(source, true, &active_ms))
        return KV_CORRUPT;
    consumer->seen_ms = seen_ms;
    consumer->active_ms = active_ms;
    if (!rdb_read_count(source, RDB_ID_SIZE, &count)) return KV_CORRUPT;
    for (; count > 0 && status == KV_OK; count--)
        status = rdb_stream_give(reading, group, consumer, pendings);
    return status;
}

static kv_status rdb_stream_consumers(struct rdb_stream *reading, struct stream_group *group,
                                      struct rdb_pendings *pendings)
{
    uint64_t count;
    if (!rdb_read_count(reading->source, 1 + 8 + 1, &count)) return KV_CORRUPT;
    kv_status status = KV_OK;
    for (; count > 0 && status == KV_OK; count--)
        status = rdb_stream_consumer(reading, group, pendings);
    if (status == KV_OK && pendings->owned != pendings->count) status = KV_CORRUPT;
    return status;
}

/* Where a group stands: behind its name. */
static bool rdb_stream_position(struct rdb_stream *reading, struct stream_group *group)
{
    uint64_t read;
    if (!rdb_read_id(reading->source, &group->last)) return false;
    if (reading->type == RDB_STREAM) {
        group->read = stream_entries_read(reading->edit.stream, group->last);
        return true;
    }
    if (!rdb_read_length(reading->source, &read)) return false;
    group->read = (int64_t)read;
    return group->read >= 0 || group->read == STREAM_READ_UNKNOWN;
}

static kv_status rdb_stream_group(struct rdb_stream *reading)
{
    struct rdb_source *source = reading->source;
    struct stream_group *group;
    struct rdb_pendings pendings;
    struct rdb_text name;
    kv_status status = rdb_read_text(source, &name);
    if (status != KV_OK) return status;
    if (stream_group_find(reading->edit.stream, name.bytes) != NULL) status = KV_CORRUPT;
    else status = stream_group_create(&reading->edit, name.bytes, &group);
    rdb_text_free(source, &name);
    if (status != KV_OK) return status;
    if (!rdb_stream_position(reading, group)) return KV_CORRUPT;
    status = rdb_read_pendings(source, &pendings);
    if (status != KV_OK) return status;
    status = rdb_stream_consumers(reading, group, &pendings);
    rdb_pendings_free(source, &pendings);
    return status;
}

static kv_status rdb_stream_groups(struct rdb_stream *reading)
{
    uint64_t count;
    if (!rdb_read_count(reading->source, 1 + 2 + 1 + 1, &count)) return KV_CORRUPT;
    kv_status status = KV_OK;
    for (; count > 0 && status == KV_OK; count--) {
        status = stream_edit_begin(&reading->edit, &reading->collection, reading->rules->memory);
        if (status != KV_OK) break;
        status = rdb_stream_group(reading);
        stream_edit_end(&reading->edit);
    }
    return status;
}

/* ---------------------------------------------------------------------------------------- whole */

KV_INTERNAL kv_status rdb_read_stream(struct rdb_source *source, const struct rdb_rules *rules,
                                      enum rdb_type type, struct collection *collection)
{
    struct rdb_stream reading = {.source = source, .rules = rules, .type = type};
    kv_status status = stream_create(rules->memory, &reading.collection);
    if (status != KV_OK) return status;
    status = rdb_stream_nodes(&reading);
    if (status == KV_OK && !rdb_stream_totals(&reading)) status = KV_CORRUPT;
    if (status == KV_OK) status = rdb_stream_groups(&reading);
    if (status == KV_OK) *collection = reading.collection;
    else stream_destroy(&reading.collection, rules->memory);
    return status;
}

/* -------------------------------------------------------------------------------------- writing */

static void rdb_write_id(struct rdb_sink *sink, kv_stream_id id)
{
    rdb_write_length(sink, id.ms);
    rdb_write_length(sink, id.sequence);
}

static kv_slice rdb_encode_id(uint8_t bytes[RDB_ID_SIZE], kv_stream_id id)
{
    for (size_t i = 0; i < 8; i++) {
        bytes[7 - i] = (uint8_t)(id.ms >> 8 * i);
        bytes[15 - i] = (uint8_t)(id.sequence >> 8 * i);
    }
    return kv_bytes(bytes, RDB_ID_SIZE);
}

static void rdb_write_raw_id(struct rdb_sink *sink, kv_stream_id id)
{
    uint8_t bytes[RDB_ID_SIZE];
    rdb_write_bytes(sink, rdb_encode_id(bytes, id));
}

static void rdb_write_nodes(struct rdb_sink *sink, const struct stream *stream)
{
    const struct stream_node *node;
    kv_stream_id id = {0, 0};
    rdb_write_length(sink, stream->pack_count);
    for (bool is_first = true; (node = stream_next_node(stream, is_first, &id)) != NULL;
         is_first = false) {
        uint8_t bytes[RDB_ID_SIZE];
        rdb_write_text(sink, rdb_encode_id(bytes, node->id));
        rdb_write_text(sink, pack_bytes(node->pack));
    }
}

static void rdb_write_consumer(struct rdb_sink *sink, const struct stream_consumer *consumer)
{
    struct sorted_place place;
    rdb_write_text(sink, consumer->name);
    rdb_write_64(sink, (uint64_t)consumer->seen_ms);
    rdb_write_length(sink, sorted_count(&consumer->pending));
    bool more = sorted_end(&consumer->pending, KV_HEAD, &place);
    for (; more; more = sorted_next(&consumer->pending, &place))
        rdb_write_raw_id(sink, *(const kv_stream_id *)sorted_at(&consumer->pending, &place));
}

static void rdb_write_group(struct rdb_sink *sink, const struct stream_group *group)
{
    struct sorted_place place;
    rdb_write_text(sink, group->name);
    rdb_write_id(sink, group->last);
    rdb_write_length(sink, (uint64_t)group->read);
    rdb_write_length(sink, sorted_count(&group->pending));
    bool more = sorted_end(&group->pending, KV_HEAD, &place);
    for (; more; more = sorted_next(&group->pending, &place)) {
        const struct stream_pending *pending = stream_pending_at(group, &place);
        rdb_write_raw_id(sink, pending->id);
        rdb_write_64(sink, (uint64_t)pending->delivered_ms);
        rdb_write_length(sink, pending->deliveries);
    }
    rdb_write_length(sink, sorted_count(&group->consumers));
    more = sorted_end(&group->consumers, KV_HEAD, &place);
    for (; more; more = sorted_next(&group->consumers, &place))
        rdb_write_consumer(sink, stream_consumer_at(group, &place));
}

KV_INTERNAL void rdb_write_stream(struct rdb_sink *sink, const struct collection *collection)
{
    const struct stream *stream = stream_of(collection);
    struct sorted_place place;
    rdb_write_nodes(sink, stream);
    rdb_write_length(sink, stream_length(stream));
    rdb_write_id(sink, stream->last);
    rdb_write_id(sink, stream_end_id(stream, KV_HEAD));
    rdb_write_id(sink, stream->last_deleted);
    rdb_write_length(sink, stream->added);
    rdb_write_length(sink, sorted_count(&stream->groups));
    bool more = sorted_end(&stream->groups, KV_HEAD, &place);
    for (; more; more = sorted_next(&stream->groups, &place))
        rdb_write_group(sink, stream_group_at(stream, &place));
}

#undef RDB_ID_SIZE
