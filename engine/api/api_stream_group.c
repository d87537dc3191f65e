/*
 * api/api_stream_group.c -- streams: consumer groups, their consumers and what is pending.
 *
 * Entries are given to a consumer in two rounds (values/stream_group.h): the first makes all the
 * room, in the lists and in the journal, and can be taken back; the second cannot fail.
 */
#include "api/stream_access.h"
#include "base/number.h"

/* A group that is being worked on. */
struct groups {
    struct access access;
    struct stream_edit edit;
    struct stream *stream;
    struct stream_group *group;
};

static kv_status groups_close(struct groups *groups, kv_status status)
{
    return access_close(&groups->access, status);
}

/* Opens a stream that must be there and have the group: else KV_NOTFOUND, KV_NOGROUP. */
static kv_status groups_open(struct groups *groups, kv *db, kv_slice key, kv_slice group,
                             enum access_mode mode)
{
    kv_status status = access_open_existing(&groups->access, db, key, KV_TYPE_STREAM, mode);
    if (status == KV_NONE) return KV_NOTFOUND;
    if (status != KV_OK) return status;
    groups->stream = streams_of(&groups->access);
    groups->group = stream_group_find(groups->stream, group);
    return groups->group != NULL ? KV_OK : groups_close(groups, KV_NOGROUP);
}

/* The same for a change, with which the stream may move. */
static kv_status groups_edit(struct groups *groups, kv *db, kv_slice key, kv_slice group)
{
    kv_status status = groups_open(groups, db, key, group, ACCESS_WRITE);
    if (status != KV_OK) return status;
    status = streams_edit(&groups->access, &groups->edit);
    if (status != KV_OK) return groups_close(groups, status);
    groups->stream = groups->edit.stream;
    groups->group = stream_group_find(groups->stream, group);
    return KV_OK;
}

/* The same for the second round, in which it may not move. */
static kv_status groups_resume(struct groups *groups, kv *db, kv_slice key, kv_slice group)
{
    kv_status status = groups_open(groups, db, key, group, ACCESS_WRITE);
    if (status == KV_OK) streams_resume(&groups->access, &groups->edit);
    return status;
}

/* Ends a change. */
static kv_status groups_settle(struct groups *groups, uint64_t changes, kv_status status)
{
    streams_settle(&groups->access, &groups->edit, changes);
    return groups_close(groups, status);
}

/* ----------------------------------------------------------------------------------- the journal */

#define GROUPS_WORDS_MAX 14 /* of the longest effect, an XCLAIM */

/* Room for one effect of these words; none of them may change its size till it is written. */
static kv_status groups_reserve(struct access *access, const kv_slice *words, size_t count)
{
    size_t size = 0;
    if (KV_LIKELY(!access_is_journaled(access))) return KV_OK;
    for (size_t i = 0; i < count; i++) size += words[i].size;
    return access_reserve_journal(access, count, size);
}

/* How much of the journal the effects of giving entries take. */
struct groups_room {
    size_t effects, words, bytes;
};

/* One more effect about a consumer, however it reads. */
static void groups_room_add(struct groups_room *room, kv_slice key, kv_slice group,
                            kv_slice consumer)
{
    room->effects++;
    room->words += GROUPS_WORDS_MAX;
    room->bytes += key.size + group.size + consumer.size + 256;
}

static kv_status groups_room_reserve(const struct groups_room *room, struct span *span)
{
    if (room->effects == 0) return KV_OK;
    return span_reserve_journal(span, room->effects, room->words, room->bytes);
}

/* What a group has delivered. */
static void groups_journal_last(struct access *access, const struct stream_group *group)
{
    char id[KV_STREAM_ID_SIZE], read[NUMBER_INT64_SIZE];
    kv_slice words[7] = {EFFECT_NAME("XGROUP"),
                         EFFECT_NAME("SETID"),
                         access->key,
                         group->name,
                         {id, kv_stream_id_format(id, group->last)},
                         EFFECT_NAME("ENTRIESREAD"),
                         {read, number_format_int64(read, group->read)}};
    access_journal(access, words, 7);
}

/* Whose an entry is now. */
static void groups_journal_claim(struct access *access, const struct stream_group *group,
                                 const struct stream_pending *pending)
{
    char id[KV_STREAM_ID_SIZE], last[KV_STREAM_ID_SIZE];
    char time[NUMBER_INT64_SIZE], deliveries[NUMBER_INT64_SIZE];
    if (!access_is_journaled(access)) return;
    kv_slice words[GROUPS_WORDS_MAX] = {
        EFFECT_NAME("XCLAIM"),
        access->key,
        group->name,
        pending->consumer->name,
        EFFECT_NAME("0"),
        {id, kv_stream_id_format(id, pending->id)},
        EFFECT_NAME("TIME"),
        {time, number_format_int64(time, pending->delivered_ms)},
        EFFECT_NAME("RETRYCOUNT"),
        {deliveries, number_format_uint64(deliveries, pending->deliveries)},
        EFFECT_NAME("FORCE"),
        EFFECT_NAME("JUSTID"),
        EFFECT_NAME("LASTID"),
        {last, kv_stream_id_format(last, group->last)}};
    access_journal(access, words, GROUPS_WORDS_MAX);
}

static void groups_journal_ack(struct access *access, const struct stream_group *group,
                               kv_stream_id id)
{
    char text[KV_STREAM_ID_SIZE];
    kv_slice words[4] = {
        EFFECT_NAME("XACK"), access->key, group->name, {text, kv_stream_id_format(text, id)}};
    access_journal(access, words, 4);
}

/* ------------------------------------------------------------------------------------- groups */

static bool groups_read_options(const kv_xgroup_options *given, kv_xgroup_options *options)
{
    *options = KV_OPTIONS(kv_xgroup_options);
    if (given != NULL) {
        if (given->size < sizeof given->size || given->size > sizeof *options) return false;
        memcpy(options, given, given->size);
    }
    if (!options->has_read) options->read = STREAM_READ_UNKNOWN;
    return options->read >= STREAM_READ_UNKNOWN;
}

/* Writes where a group is to read on: as a new one, perhaps of a new stream, or not. */
static kv_status groups_announce(struct access *access, kv_slice command, kv_slice group,
                                 const kv_xgroup_options *options, bool is_reserving)
{
    char id[KV_STREAM_ID_SIZE], read[NUMBER_INT64_SIZE];
    kv_slice words[8] = {EFFECT_NAME("XGROUP"),
                         command,
                         access->key,
                         group,
                         {id, kv_stream_id_format(id, options->after)},
                         EFFECT_NAME("ENTRIESREAD"),
                         {read, number_format_int64(read, options->read)},
                         EFFECT_NAME("MKSTREAM")};
    size_t count = options->create_stream ? 8 : 7;
    if (is_reserving) return groups_reserve(access, words, count);
    access_journal(access, words, count);
    return KV_OK;
}

static kv_status groups_create_in(struct stream_edit *edit, kv_slice name,
                                  const kv_xgroup_options *options)
{
    struct stream_group *group;
    kv_status status = stream_group_create(edit, name, &group);
    if (status != KV_OK) return status;
    group->last = options->after;
    group->read = options->read;
    return KV_OK;
}

static kv_status groups_create_existing(struct access *access, kv_slice name,
                                        const kv_xgroup_options *options)
{
    struct stream_edit edit;
    kv_status status = streams_edit(access, &edit);
    if (status != KV_OK) return status;
    status = groups_create_in(&edit, name, options);
    streams_settle(access, &edit, status == KV_OK ? 1 : 0);
    return status;
}

static kv_status groups_create_first(struct access *access, kv_slice name,
                                     const kv_xgroup_options *options)
{
    struct memory *memory = &access->shard->memory;
    struct collection collection;
    struct stream_edit edit;
    kv_status status = stream_create(memory, &collection);
    if (status != KV_OK) return status;
    status = stream_edit_begin(&edit, &collection, memory);
    if (status == KV_OK) {
        status = groups_create_in(&edit, name, options);
        stream_edit_end(&edit);
    }
    if (status == KV_OK) return access_put_collection(access, KV_TYPE_STREAM, &collection, 1);
    stream_destroy(&collection, memory);
    return status;
}

kv_status kv_xgroup_create(kv *db, kv_slice key, kv_slice group, const kv_xgroup_options *given)
{
    kv_xgroup_options options;
    struct access access;
    if (!groups_read_options(given, &options)) return KV_BADARG;
    kv_status status = streams_open(&access, db, key, ACCESS_WRITE);
    if (status != KV_OK) return status;
    bool is_there = access.entry != NULL;
    if (!is_there && !options.create_stream) return access_close(&access, KV_NOTFOUND);
    if (is_there && stream_group_find(streams_of(&access), group) != NULL)
        return access_close(&access, KV_SKIPPED);
    options.create_stream = !is_there;
    if (options.from_end) options.after = is_there ? streams_of(&access)->last : (kv_stream_id){0};

    kv_slice command = EFFECT_NAME("CREATE");
    status = groups_announce(&access, command, group, &options, true);
    if (status == KV_OK)
        status = is_there ? groups_create_existing(&access, group, &options)
                          : groups_create_first(&access, group, &options);
    if (status == KV_OK) {
        (void)groups_announce(&access, command, group, &options, false);
        streams_event(&access, "xgroup-create");
    }
    return access_close(&access, status);
}

kv_status kv_xgroup_setid(kv *db, kv_slice key, kv_slice group, const kv_xgroup_options *given)
{
    kv_xgroup_options options;
    struct groups groups;
    if (!groups_read_options(given, &options)) return KV_BADARG;
    kv_status status = groups_edit(&groups, db, key, group);
    if (status != KV_OK) return status;
    options.create_stream = false;
    if (options.from_end) options.after = groups.stream->last;
    kv_slice command = EFFECT_NAME("SETID");
    status = groups_announce(&groups.access, command, group, &options, true);
    if (status != KV_OK) return groups_settle(&groups, 0, status);
    groups.group->last = options.after;
    groups.group->read = options.read;
    (void)groups_announce(&groups.access, command, group, &options, false);
    streams_event(&groups.access, "xgroup-setid");
    return groups_settle(&groups, 1, KV_OK);
}

kv_status kv_xgroup_destroy(kv *db, kv_slice key, kv_slice group)
{
    struct groups groups;
    kv_status status = groups_edit(&groups, db, key, group);
    if (status == KV_NOGROUP) return KV_NONE;
    if (status != KV_OK) return status;
    kv_slice words[4] = {EFFECT_NAME("XGROUP"), EFFECT_NAME("DESTROY"), key, group};
    status = groups_reserve(&groups.access, words, 4);
    if (status != KV_OK) return groups_settle(&groups, 0, status);
    stream_group_destroy(&groups.edit, groups.group);
    access_journal(&groups.access, words, 4);
    streams_event(&groups.access, "xgroup-destroy");
    access_ready(&groups.access); /* those who wait to read for it have to be told */
    return groups_settle(&groups, 1, KV_OK);
}

/* ----------------------------------------------------------------------------------- consumers */

kv_status kv_xgroup_createconsumer(kv *db, kv_slice key, kv_slice group, kv_slice consumer)
{
    struct groups groups;
    struct stream_consumer *created;
    kv_status status = groups_edit(&groups, db, key, group);
    if (status != KV_OK) return status;
    kv_slice words[5] = {EFFECT_NAME("XGROUP"), EFFECT_NAME("CREATECONSUMER"), key, group,
                         consumer};
    status = groups_reserve(&groups.access, words, 5);
    if (status == KV_OK && stream_consumer_find(groups.group, consumer) != NULL)
        status = KV_SKIPPED;
    if (status == KV_OK)
        status = stream_consumer_create(&groups.edit, groups.group, consumer,
                                        access_now(&groups.access), &created);
    if (status != KV_OK) return groups_settle(&groups, 0, status);
    access_journal(&groups.access, words, 5);
    streams_event(&groups.access, "xgroup-createconsumer");
    return groups_settle(&groups, 1, KV_OK);
}

kv_status kv_xgroup_delconsumer(kv *db, kv_slice key, kv_slice group, kv_slice consumer,
                                uint64_t *pending)
{
    struct groups groups;
    kv_status status = groups_edit(&groups, db, key, group);
    if (status != KV_OK) return status;
    kv_slice words[5] = {EFFECT_NAME("XGROUP"), EFFECT_NAME("DELCONSUMER"), key, group, consumer};
    status = groups_reserve(&groups.access, words, 5);
    if (status != KV_OK) return groups_settle(&groups, 0, status);
    struct stream_consumer *found = stream_consumer_find(groups.group, consumer);
    if (pending != NULL) *pending = found != NULL ? sorted_count(&found->pending) : 0;
    if (found == NULL) return groups_settle(&groups, 0, KV_NONE);
    stream_consumer_destroy(&groups.edit, groups.group, found);
    access_journal(&groups.access, words, 5);
    streams_event(&groups.access, "xgroup-delconsumer");
    return groups_settle(&groups, 1, KV_OK);
}

/*
 * A consumer that asks for entries, made if there is none. One that was made in a first round has
 * not been seen yet.
 */
#define GROUPS_UNSEEN INT64_MIN

static kv_status groups_consumer(struct groups *groups, kv_slice name,
                                 struct stream_consumer **consumer)
{
    *consumer = stream_consumer_find(groups->group, name);
    if (*consumer != NULL) return KV_OK;
    return stream_consumer_create(&groups->edit, groups->group, name, GROUPS_UNSEEN, consumer);
}

/* Takes back what the first round made, unless it holds something of the same stream still. */
static void groups_forget_unseen(struct groups *groups, struct stream_consumer *consumer)
{
    if (consumer->seen_ms == GROUPS_UNSEEN && sorted_count(&consumer->pending) == 0)
        stream_consumer_destroy(&groups->edit, groups->group, consumer);
}

/* In the second round. True if it is a new one, which the journal is told. */
static bool groups_see(struct groups *groups, struct stream_consumer *consumer)
{
    bool is_new = consumer->seen_ms == GROUPS_UNSEEN;
    consumer->seen_ms = access_now(&groups->access);
    if (!is_new) return false;
    kv_slice words[5] = {EFFECT_NAME("XGROUP"), EFFECT_NAME("CREATECONSUMER"), groups->access.key,
                         groups->group->name, consumer->name};
    access_journal(&groups->access, words, 5);
    streams_event(&groups->access, "xgroup-createconsumer");
    return true;
}

/* -------------------------------------------------------------------------------------- reading */

/* A read for a consumer, of several streams. */
struct groups_read {
    kv_slice group, consumer;
    const kv_xread_options *options;
    const struct streams_visitors *visitors;
};

/* The next entry of those the group has not delivered; *seen counts them, from 0. */
static bool groups_next_new(const struct groups *groups, struct stream_cursor *cursor,
                            uint64_t *seen)
{
    kv_stream_id first = groups->group->last;
    bool is_there = *seen > 0
                        ? stream_next(cursor)
                        : stream_id_next(&first) &&
                              stream_seek(groups->stream, first, STREAM_ID_MAX, KV_HEAD, cursor);
    if (is_there) ++*seen;
    return is_there;
}

/* Takes back that new entries were held, but for the first `kept`. */
static void groups_let_go(struct groups *groups, struct stream_consumer *consumer, uint64_t kept)
{
    struct stream_cursor cursor;
    uint64_t seen = 0;
    while (seen < consumer->held && groups_next_new(groups, &cursor, &seen))
        if (seen > kept) stream_let_go(&groups->edit, groups->group, consumer, cursor.entry.id);
    consumer->held = kept;
    groups_forget_unseen(groups, consumer);
}

/* Holds new entries, behind those that were held when the same stream was named before. */
static kv_status groups_hold_new(const struct groups_read *read, struct groups *groups,
                                 struct stream_consumer *consumer)
{
    struct stream_cursor cursor;
    uint64_t seen = 0, before = consumer->held, limit = read->options->count;
    while ((limit == 0 || seen < before + limit) && groups_next_new(groups, &cursor, &seen)) {
        if (seen <= before) continue;
        kv_status status = stream_hold(&groups->edit, groups->group, consumer, cursor.entry.id);
        if (status != KV_OK) return status;
        consumer->held = seen;
    }
    return KV_OK;
}

/* As groups_edit(), but a stream that was named before does not move from what was held there. */
static kv_status groups_edit_unheld(struct groups *groups, kv *db, kv_slice key, kv_slice group,
                                    kv_slice name)
{
    kv_status status = groups_open(groups, db, key, group, ACCESS_WRITE);
    if (status != KV_OK) return status;
    const struct stream_consumer *consumer = stream_consumer_find(groups->group, name);
    (void)groups_close(groups, KV_OK);
    bool is_held = consumer != NULL && (consumer->held > 0 || consumer->seen_ms == GROUPS_UNSEEN);
    return is_held ? groups_resume(groups, db, key, group) : groups_edit(groups, db, key, group);
}

/* The first round for one stream: all or nothing. */
static kv_status groups_prepare(const struct groups_read *read, kv *db, const kv_stream_from *from,
                                struct groups_room *room)
{
    struct groups groups;
    struct stream_consumer *consumer;
    kv_status status = groups_edit_unheld(&groups, db, from->key, read->group, read->consumer);
    if (status != KV_OK) return status;
    status = groups_consumer(&groups, read->consumer, &consumer);
    if (status != KV_OK) return groups_settle(&groups, 0, status);
    uint64_t before = consumer->held;
    if (from->only_new && !read->options->no_ack) status = groups_hold_new(read, &groups, consumer);
    /* And two more: that the consumer was made, and what was delivered. */
    for (uint64_t i = before; i < consumer->held + 2; i++)
        groups_room_add(room, from->key, read->group, read->consumer);
    if (status != KV_OK) groups_let_go(&groups, consumer, before);
    return groups_settle(&groups, 0, status);
}

/* Takes the first round back for one stream. */
static void groups_unprepare(const struct groups_read *read, kv *db, const kv_stream_from *from)
{
    struct groups groups;
    if (groups_resume(&groups, db, from->key, read->group) != KV_OK) return;
    struct stream_consumer *consumer = stream_consumer_find(groups.group, read->consumer);
    if (consumer != NULL) groups_let_go(&groups, consumer, 0);
    (void)groups_settle(&groups, 0, KV_OK);
}

/* Gives a new entry to the consumer and lends it. */
static void groups_give(const struct groups_read *read, struct groups *groups,
                        struct stream_consumer *consumer, const struct stream_entry *entry)
{
    kv_stream_id id = entry->id;
    stream_group_advance(groups->stream, groups->group, id);
    if (!read->options->no_ack) {
        struct stream_pending *pending = stream_assign(&groups->edit, groups->group, consumer, id);
        pending->delivered_ms = consumer->seen_ms;
        pending->deliveries = 1;
        consumer->active_ms = consumer->seen_ms;
        assert(consumer->held > 0);
        consumer->held--;
        groups_journal_claim(&groups->access, groups->group, pending);
    }
    (void)streams_lend(entry, read->visitors->visit, read->visitors->context);
}

static void groups_begin(const struct groups_read *read, size_t index)
{
    if (read->visitors->begin != NULL) read->visitors->begin(read->visitors->context, index);
}

/* The entries the group has not delivered yet. Gives how many. */
static uint64_t groups_deliver_new(const struct groups_read *read, struct groups *groups,
                                   struct stream_consumer *consumer, size_t index)
{
    struct stream_cursor cursor;
    uint64_t seen = 0, limit = read->options->count;
    if (!groups_next_new(groups, &cursor, &seen)) return 0;
    groups_begin(read, index);
    do {
        groups_give(read, groups, consumer, &cursor.entry);
    } while (seen != limit && groups_next_new(groups, &cursor, &seen));
    groups_journal_last(&groups->access, groups->group);
    return seen;
}

/* The consumer's own pending ones, once more. */
static void groups_deliver_again(const struct groups_read *read, struct groups *groups,
                                 struct stream_consumer *consumer, kv_stream_id after, size_t index)
{
    struct sorted_place place;
    uint64_t count = 0;
    groups_begin(read, index);
    bool more = stream_id_next(&after) && sorted_seek(&consumer->pending, &after, &place);
    for (; more; more = sorted_next(&consumer->pending, &place)) {
        kv_stream_id id = *(const kv_stream_id *)sorted_at(&consumer->pending, &place);
        struct stream_pending *pending = stream_pending_find(groups->group, id);
        struct stream_cursor cursor;
        if (pending->consumer != consumer) continue; /* held for the same stream, named again */
        if (stream_find(groups->stream, id, &cursor)) {
            pending->delivered_ms = consumer->seen_ms;
            pending->deliveries++;
            (void)streams_lend(&cursor.entry, read->visitors->visit, read->visitors->context);
        } else {
            (void)streams_lend_id(id, true, read->visitors->visit, read->visitors->context);
        }
        if (++count == read->options->count) break;
    }
}

/* The second round for one stream. KV_OK if there was something; KV_NONE. */
static kv_status groups_deliver(const struct groups_read *read, kv *db, const kv_stream_from *from,
                                size_t index)
{
    struct groups groups;
    kv_status status = groups_resume(&groups, db, from->key, read->group);
    if (status != KV_OK) return KV_NONE; /* it expired a moment ago */
    access_count(&groups.access);
    struct stream_consumer *consumer = stream_consumer_find(groups.group, read->consumer);
    uint64_t changes = groups_see(&groups, consumer) ? 1 : 0;
    bool is_any = true;
    if (from->only_new) is_any = groups_deliver_new(read, &groups, consumer, index) > 0;
    else groups_deliver_again(read, &groups, consumer, from->after, index);
    return groups_settle(&groups, changes + (is_any ? 1 : 0), is_any ? KV_OK : KV_NONE);
}

/* Both rounds for all streams; `base` is the index of the first. */
static kv_status groups_read_streams(const struct groups_read *read, struct span *span,
                                     const kv_stream_from *streams, size_t count, size_t base,
                                     size_t *failed)
{
    struct groups_room room = {0, 0, 0};
    kv_status status = KV_OK;
    size_t ready = 0;
    while (ready < count && status == KV_OK) {
        status = groups_prepare(read, &span->db, &streams[ready], &room);
        if (status == KV_OK) ready++;
        else if (failed != NULL) *failed = base + ready;
    }
    if (status == KV_OK) status = groups_room_reserve(&room, span);
    if (status != KV_OK) {
        while (ready-- > 0) groups_unprepare(read, &span->db, &streams[ready]);
        return status;
    }
    kv_status result = KV_NONE;
    for (size_t i = 0; i < count; i++)
        if (groups_deliver(read, &span->db, &streams[i], base + i) == KV_OK) result = KV_OK;
    return result;
}

static kv_status groups_read_locked(const struct groups_read *read, kv *db,
                                    const kv_stream_from *streams, const kv_slice *keys,
                                    size_t count, size_t base, size_t *failed)
{
    struct span span;
    span_begin(&span, db, keys, count, 0);
    kv_status status = groups_read_streams(read, &span, streams, count, base, failed);
    span_end(&span);
    return status;
}

/* A read that waits. */
struct groups_wait {
    const struct groups_read *read;
    const struct streams_request *request;
    size_t *failed;
};

static kv_status groups_attempt(void *context, kv *txn, size_t index, kv_slice key)
{
    const struct groups_wait *wait = context;
    return groups_read_locked(wait->read, txn, &wait->request->streams[index], &key, 1, index,
                              wait->failed);
}

kv_status kv_xreadgroup(kv *db, kv_slice group, kv_slice consumer, const kv_stream_from *streams,
                        size_t stream_count, const kv_xread_options *given, kv_visit_stream *begin,
                        kv_visit_entry *visit, void *context, size_t *failed)
{
    kv_xread_options options;
    struct streams_request request;
    struct streams_visitors visitors = {begin, visit, context};
    struct groups_read read = {group, consumer, &options, &visitors};
    if (!streams_read_options(given, &options)) return KV_BADARG;
    kv_status status = streams_request_open(&request, db, streams, stream_count);
    if (status != KV_OK) return status;
    status = groups_read_locked(&read, db, request.streams, request.keys, stream_count, 0, failed);
    if (status == KV_NONE && options.wait) {
        struct groups_wait wait = {&read, &request, failed};
        kv_wait_options how = KV_OPTIONS(kv_wait_options);
        how.minds_removal = true;
        how.attempt = groups_attempt;
        how.context = &wait;
        status = streams_request_wait(&request, db, &how, options.timeout_ms);
    }
    streams_request_close(&request);
    return status;
}

/* -------------------------------------------------------------------------------- acknowledging */

kv_status kv_xack(kv *db, kv_slice key, kv_slice group, const kv_stream_id *ids, size_t count,
                  uint64_t *acknowledged)
{
    struct groups groups;
    struct effect effect;
    char *texts;
    if (ids == NULL || count == 0) return KV_BADARG;
    kv_status status = groups_edit(&groups, db, key, group);
    bool is_missing = status == KV_NOTFOUND || status == KV_NOGROUP;
    if (is_missing && acknowledged != NULL) *acknowledged = 0;
    if (status != KV_OK) return is_missing ? KV_OK : status;
    status = streams_effect_open(&effect, &groups.access, EFFECT_NAME("XACK"), &group, 1, ids,
                                 count, &texts);
    if (status != KV_OK) return groups_settle(&groups, 0, status);
    uint64_t done = 0;
    for (size_t i = 0; i < count; i++)
        done += stream_acknowledge(&groups.edit, groups.group, ids[i]) ? 1 : 0;
    streams_effect_close(&effect, &groups.access, texts, count, done > 0);
    if (acknowledged != NULL) *acknowledged = done;
    return groups_settle(&groups, done, KV_OK);
}

/* Acknowledges one and deletes it if it may go. */
static kv_stream_deletion groups_ack_and_delete(struct groups *groups, kv_stream_id id,
                                                kv_stream_references references)
{
    if (!stream_acknowledge(&groups->edit, groups->group, id)) return KV_DELETION_NONE;
    kv_stream_deletion deletion = streams_delete(&groups->edit, id, references);
    return deletion == KV_DELETION_WANTED ? deletion : KV_DELETION_DONE;
}

kv_status kv_xackdel(kv *db, kv_slice key, kv_slice group, const kv_stream_id *ids, size_t count,
                     kv_stream_references references, kv_visit_deletion *visit, void *context)
{
    struct groups groups;
    struct effect effect;
    char *texts, number[NUMBER_INT64_SIZE];
    if (ids == NULL || count == 0 || references > KV_REFERENCES_ACKED) return KV_BADARG;
    kv_status status = groups_edit(&groups, db, key, group);
    if (status == KV_NOTFOUND || status == KV_NOGROUP) {
        streams_tell_none(visit, context, count);
        return KV_OK;
    }
    if (status != KV_OK) return status;
    kv_slice words[4] = {group,
                         streams_references_word(references),
                         EFFECT_NAME("IDS"),
                         {number, number_format_uint64(number, count)}};
    status = streams_effect_open(&effect, &groups.access, EFFECT_NAME("XACKDEL"), words, 4, ids,
                                 count, &texts);
    if (status != KV_OK) return groups_settle(&groups, 0, status);
    uint64_t done = 0;
    for (size_t i = 0; i < count; i++) {
        kv_stream_deletion deletion = groups_ack_and_delete(&groups, ids[i], references);
        if (deletion != KV_DELETION_NONE) done++;
        if (visit != NULL) visit(context, i, deletion);
    }
    streams_effect_close(&effect, &groups.access, texts, count, done > 0);
    return groups_settle(&groups, done, KV_OK);
}

/* -------------------------------------------------------------------------------------- pending */

kv_status kv_xpending(kv *db, kv_slice key, kv_slice group, kv_pending_summary *summary,
                      kv_visit_count *visit, void *context)
{
    struct groups groups;
    struct sorted_place place;
    kv_pending_summary told = {0};
    bool is_look = summary == NULL && visit == NULL;
    kv_status status = groups_open(&groups, db, key, group, is_look ? ACCESS_PEEK : ACCESS_READ);
    if (status != KV_OK) return status;
    const struct stream_group *found = groups.group;
    told.count = sorted_count(&found->pending);
    if (sorted_end(&found->pending, KV_HEAD, &place))
        told.first = stream_pending_at(found, &place)->id;
    if (sorted_end(&found->pending, KV_TAIL, &place))
        told.last = stream_pending_at(found, &place)->id;
    if (summary != NULL) *summary = told;
    bool more = visit != NULL && sorted_end(&found->consumers, KV_HEAD, &place);
    for (; more; more = sorted_next(&found->consumers, &place)) {
        const struct stream_consumer *consumer = stream_consumer_at(found, &place);
        uint64_t count = sorted_count(&consumer->pending);
        if (count > 0 && !visit(context, consumer->name, count)) break;
    }
    return groups_close(&groups, KV_OK);
}

/* A visit of pending entries. */
struct groups_listing {
    const kv_xpending_options *options;
    int64_t now_ms;
    kv_visit_pending *visit;
    void *context;
    uint64_t count;
};

/* Lends one if it is idle enough. False: the visit is over. */
static bool groups_list(struct groups_listing *listing, const struct stream_pending *pending)
{
    int64_t idle_ms = listing->now_ms - pending->delivered_ms;
    if (listing->options->min_idle_ms > 0 && idle_ms < listing->options->min_idle_ms) return true;
    kv_pending_entry entry = {pending->id, pending->consumer->name, pending->delivered_ms,
                              idle_ms > 0 ? idle_ms : 0, pending->deliveries};
    listing->count++;
    return listing->visit(listing->context, &entry) && listing->count != listing->options->count;
}

/* Of a group or, if `consumer` is not NULL, of that one. */
static void groups_list_all(struct groups_listing *listing, const struct stream_group *group,
                            const struct stream_consumer *consumer)
{
    const struct sorted *list = consumer != NULL ? &consumer->pending : &group->pending;
    struct sorted_place place;
    bool more = sorted_seek(list, &listing->options->first, &place);
    for (; more; more = sorted_next(list, &place)) {
        kv_stream_id id = *(const kv_stream_id *)sorted_at(list, &place);
        if (stream_id_compare(id, listing->options->last) > 0) return;
        const struct stream_pending *pending =
            consumer != NULL ? stream_pending_find(group, id) : stream_pending_at(group, &place);
        if (!groups_list(listing, pending)) return;
    }
}

kv_status kv_xpending_range(kv *db, kv_slice key, kv_slice group, const kv_xpending_options *given,
                            kv_visit_pending *visit, void *context)
{
    struct groups groups;
    kv_xpending_options options = KV_OPTIONS(kv_xpending_options);
    if (given == NULL || visit == NULL || given->size < sizeof given->size ||
        given->size > sizeof options)
        return KV_BADARG;
    memcpy(&options, given, given->size);
    kv_status status = groups_open(&groups, db, key, group, ACCESS_READ);
    if (status != KV_OK) return status;
    const struct stream_consumer *consumer = NULL;
    if (options.consumer != NULL) {
        consumer = stream_consumer_find(groups.group, *options.consumer);
        if (consumer == NULL) return groups_close(&groups, KV_NONE);
    }
    struct groups_listing listing = {&options, access_now(&groups.access), visit, context, 0};
    groups_list_all(&listing, groups.group, consumer);
    return groups_close(&groups, KV_OK);
}

/* ------------------------------------------------------------------------------------- claiming */

struct groups_claim {
    struct groups groups;
    kv_slice group, consumer_name;
    kv_xclaim_options options;
    struct stream_consumer *consumer;
    int64_t now_ms, time_ms; /* the present; and when they are as if delivered */
    kv_visit_entry *visit;
    void *context;
    uint64_t changes;
    bool has_told_last; /* an effect says what the group has delivered */
};

static bool groups_read_claim(struct groups_claim *claim, const kv_xclaim_options *given)
{
    kv_xclaim_options *options = &claim->options;
    *options = KV_OPTIONS(kv_xclaim_options);
    if (given == NULL) return true;
    if (given->size < sizeof given->size || given->size > sizeof *options) return false;
    memcpy(options, given, given->size);
    return true;
}

/* Opens the group and the consumer. */
static kv_status groups_claim_open(struct groups_claim *claim, kv *db, kv_slice key)
{
    struct groups *groups = &claim->groups;
    kv_status status = groups_edit(groups, db, key, claim->group);
    if (status != KV_OK) return status;
    status = groups_consumer(groups, claim->consumer_name, &claim->consumer);
    if (status != KV_OK) return groups_settle(groups, 0, status);
    claim->now_ms = access_now(&groups->access);
    bool is_past = claim->options.time_ms >= 0 && claim->options.time_ms <= claim->now_ms;
    claim->time_ms = claim->options.has_time && is_past ? claim->options.time_ms : claim->now_ms;
    return KV_OK;
}

/* Whether a pending entry has been idle for long enough, or is nobody's. */
static bool groups_is_idle(const struct groups_claim *claim, const struct stream_pending *pending)
{
    if (pending->consumer == NULL || claim->options.min_idle_ms <= 0) return true;
    return claim->now_ms - pending->delivered_ms >= claim->options.min_idle_ms;
}

/* Whether an entry, which is in the stream, is to be claimed. */
static bool groups_is_claimable(const struct groups_claim *claim, kv_stream_id id)
{
    const struct stream_pending *pending = stream_pending_find(claim->groups.group, id);
    return pending != NULL ? groups_is_idle(claim, pending) : claim->options.force;
}

/* The second round for one entry that is held. */
static void groups_claim_one(struct groups_claim *claim, const struct stream_entry *entry)
{
    struct groups *groups = &claim->groups;
    struct stream_pending *pending =
        stream_assign(&groups->edit, groups->group, claim->consumer, entry->id);
    pending->delivered_ms = claim->time_ms;
    if (claim->options.has_deliveries) pending->deliveries = claim->options.deliveries;
    else if (!claim->options.just_id) pending->deliveries++;
    claim->consumer->active_ms = claim->now_ms;
    if (claim->options.just_id)
        (void)streams_lend_id(entry->id, false, claim->visit, claim->context);
    else (void)streams_lend(entry, claim->visit, claim->context);
    groups_journal_claim(&groups->access, groups->group, pending);
    claim->has_told_last = true;
    claim->changes++;
}

/* Takes one off the pending ones that is not in the stream any more. False if it was none. */
static bool groups_drop_deleted(struct groups_claim *claim, kv_stream_id id)
{
    struct groups *groups = &claim->groups;
    if (!stream_acknowledge(&groups->edit, groups->group, id)) return false;
    groups_journal_ack(&groups->access, groups->group, id);
    claim->changes++;
    return true;
}

static void groups_claim_unhold(struct groups_claim *claim, const kv_stream_id *ids, size_t count)
{
    for (size_t i = 0; i < count; i++)
        stream_let_go(&claim->groups.edit, claim->groups.group, claim->consumer, ids[i]);
    groups_forget_unseen(&claim->groups, claim->consumer);
}

/* The first round: room for all that will be claimed, and for telling. */
static kv_status groups_claim_hold(struct groups_claim *claim, const kv_stream_id *ids,
                                   size_t count)
{
    struct groups *groups = &claim->groups;
    struct stream_cursor cursor;
    for (size_t i = 0; i < count; i++) {
        if (!stream_find(groups->stream, ids[i], &cursor) || !groups_is_claimable(claim, ids[i]))
            continue;
        kv_status status = stream_hold(&groups->edit, groups->group, claim->consumer, ids[i]);
        if (status == KV_OK) continue;
        groups_claim_unhold(claim, ids, i);
        return status;
    }
    return KV_OK;
}

/* Room in the journal for giving `count` entries to a consumer. */
static kv_status groups_claim_reserve(struct groups_claim *claim, struct span *span, uint64_t count)
{
    const struct access *access = &claim->groups.access;
    struct groups_room room = {0, 0, 0};
    if (!access_is_journaled(access)) return KV_OK;
    for (uint64_t i = 0; i < count + 2; i++)
        groups_room_add(&room, access->key, claim->group, claim->consumer_name);
    return groups_room_reserve(&room, span);
}

/* The second round begins: the consumer is seen, the group has delivered up to `last`. */
static void groups_claim_begin(struct groups_claim *claim)
{
    if (groups_see(&claim->groups, claim->consumer)) claim->changes++;
}

static void groups_claim_ids(struct groups_claim *claim, const kv_stream_id *ids, size_t count)
{
    struct groups *groups = &claim->groups;
    struct stream_group *group = groups->group;
    bool advances = stream_id_compare(claim->options.last, group->last) > 0;
    if (advances) group->last = claim->options.last;
    for (size_t i = 0; i < count; i++) {
        struct stream_cursor cursor;
        const struct stream_pending *pending = stream_pending_find(group, ids[i]);
        if (pending == NULL) continue;
        if (!stream_find(groups->stream, ids[i], &cursor)) (void)groups_drop_deleted(claim, ids[i]);
        else if (groups_is_idle(claim, pending)) groups_claim_one(claim, &cursor.entry);
    }
    if (advances && !claim->has_told_last) {
        groups_journal_last(&groups->access, group);
        claim->changes++;
    }
}

kv_status kv_xclaim(kv *db, kv_slice key, kv_slice group, kv_slice consumer,
                    const kv_stream_id *ids, size_t count, const kv_xclaim_options *given,
                    kv_visit_entry *visit, void *context)
{
    struct groups_claim claim = {
        .group = group, .consumer_name = consumer, .visit = visit, .context = context};
    struct span span;
    if (db == NULL || ids == NULL || !groups_read_claim(&claim, given)) return KV_BADARG;
    span_begin(&span, db, &key, 1, 0);
    kv_status status = groups_claim_open(&claim, &span.db, key);
    if (status == KV_OK) {
        status = groups_claim_hold(&claim, ids, count);
        if (status == KV_OK) {
            status = groups_claim_reserve(&claim, &span, count);
            if (status != KV_OK) groups_claim_unhold(&claim, ids, count);
        }
        if (status == KV_OK) {
            groups_claim_begin(&claim);
            groups_claim_ids(&claim, ids, count);
        }
        status = groups_settle(&claim.groups, claim.changes, status);
    }
    span_end(&span);
    return status;
}

/* ---------------------------------------------------------------------- claiming what is found */

#define GROUPS_AUTOCLAIM_COUNT  100 /* claimed at most unless told otherwise */
#define GROUPS_AUTOCLAIM_FACTOR 10  /* looked at at most, for each that may be claimed */

/* A walk along the pending entries. */
struct groups_search {
    uint64_t left, attempts; /* that may be claimed, and looked at */
};

static struct groups_search groups_search_begin(const struct groups_claim *claim)
{
    uint64_t count = claim->options.count > 0 ? claim->options.count : GROUPS_AUTOCLAIM_COUNT;
    uint64_t most = UINT64_MAX / GROUPS_AUTOCLAIM_FACTOR;
    if (count > most) count = most;
    return (struct groups_search){count, count * GROUPS_AUTOCLAIM_FACTOR};
}

/* The entry that is looked at next, of those from *id on; its id goes to *id. */
static bool groups_search_next(struct groups_search *search, const struct stream_group *group,
                               kv_stream_id *id)
{
    struct sorted_place place;
    if (search->left == 0 || search->attempts == 0) return false;
    if (!sorted_seek(&group->pending, id, &place)) return false;
    search->attempts--;
    *id = stream_pending_at(group, &place)->id;
    return true;
}

/* Takes back that the first `count` that the search finds were held. */
static void groups_autoclaim_unhold(struct groups_claim *claim, uint64_t count)
{
    struct groups *groups = &claim->groups;
    struct groups_search search = groups_search_begin(claim);
    kv_stream_id id = claim->options.start;
    for (; count > 0 && groups_search_next(&search, groups->group, &id); count--) {
        stream_let_go(&groups->edit, groups->group, claim->consumer, id);
        if (!stream_id_next(&id)) break;
    }
    groups_forget_unseen(groups, claim->consumer);
}

/*
 * The first round. *seen receives how many were looked at, *effects how many of them will be told
 * to the journal.
 */
static kv_status groups_autoclaim_hold(struct groups_claim *claim, uint64_t *seen,
                                       uint64_t *effects)
{
    struct groups *groups = &claim->groups;
    struct groups_search search = groups_search_begin(claim);
    kv_stream_id id = claim->options.start;
    while (groups_search_next(&search, groups->group, &id)) {
        struct stream_cursor cursor;
        bool is_there = stream_find(groups->stream, id, &cursor);
        bool goes = is_there && groups_is_claimable(claim, id);
        if (goes) {
            kv_status status = stream_hold(&groups->edit, groups->group, claim->consumer, id);
            if (status != KV_OK) return status;
        }
        if (goes || !is_there) {
            search.left--;
            ++*effects;
        }
        ++*seen;
        if (!stream_id_next(&id)) break;
    }
    return KV_OK;
}

/* The second round. *next receives the entry after the last that was looked at. */
static void groups_autoclaim_found(struct groups_claim *claim, kv_stream_id *next)
{
    struct groups *groups = &claim->groups;
    struct groups_search search = groups_search_begin(claim);
    struct sorted_place place;
    kv_stream_id id = claim->options.start;
    bool is_last = false;
    while (!is_last && groups_search_next(&search, groups->group, &id)) {
        struct stream_cursor cursor;
        if (!stream_find(groups->stream, id, &cursor)) {
            (void)groups_drop_deleted(claim, id);
            (void)streams_lend_id(id, true, claim->visit, claim->context);
            search.left--;
        } else if (groups_is_claimable(claim, id)) {
            groups_claim_one(claim, &cursor.entry);
            search.left--;
        }
        is_last = !stream_id_next(&id);
    }
    *next = (kv_stream_id){0, 0};
    if (!is_last && sorted_seek(&groups->group->pending, &id, &place))
        *next = stream_pending_at(groups->group, &place)->id;
}

static kv_status groups_autoclaim(struct groups_claim *claim, struct span *span, kv_stream_id *next)
{
    uint64_t seen = 0, effects = 0;
    kv_status status = groups_autoclaim_hold(claim, &seen, &effects);
    if (status == KV_OK) status = groups_claim_reserve(claim, span, effects);
    if (status != KV_OK) {
        groups_autoclaim_unhold(claim, seen);
        return status;
    }
    groups_claim_begin(claim);
    groups_autoclaim_found(claim, next);
    return KV_OK;
}

kv_status kv_xautoclaim(kv *db, kv_slice key, kv_slice group, kv_slice consumer,
                        const kv_xclaim_options *given, kv_visit_entry *visit, void *context,
                        kv_stream_id *next)
{
    struct groups_claim claim = {
        .group = group, .consumer_name = consumer, .visit = visit, .context = context};
    struct span span;
    kv_stream_id goes_on;
    if (db == NULL || !groups_read_claim(&claim, given)) return KV_BADARG;
    span_begin(&span, db, &key, 1, 0);
    kv_status status = groups_claim_open(&claim, &span.db, key);
    if (status == KV_OK) {
        status = groups_autoclaim(&claim, &span, &goes_on);
        if (status == KV_OK && next != NULL) *next = goes_on;
        status = groups_settle(&claim.groups, claim.changes, status);
    }
    span_end(&span);
    return status;
}

/* ---------------------------------------------------------------------------------------- facts */

static kv_group_info groups_info(const struct stream *stream, const struct stream_group *group)
{
    kv_group_info info = {.name = group->name,
                          .consumers = sorted_count(&group->consumers),
                          .pending = sorted_count(&group->pending),
                          .last = group->last,
                          .read = group->read};
    info.has_lag = stream_group_lag(stream, group, &info.lag);
    return info;
}

static kv_consumer_info groups_consumer_info(const struct stream_consumer *consumer)
{
    return (kv_consumer_info){consumer->name, sorted_count(&consumer->pending), consumer->seen_ms,
                              consumer->active_ms};
}

kv_status kv_xinfo_groups(kv *db, kv_slice key, kv_visit_group *visit, void *context)
{
    struct access access;
    struct sorted_place place;
    if (visit == NULL) return KV_BADARG;
    kv_status status = access_open_existing(&access, db, key, KV_TYPE_STREAM, ACCESS_READ);
    if (status == KV_NONE) return KV_NOTFOUND;
    if (status != KV_OK) return status;
    const struct stream *stream = streams_of(&access);
    bool more = sorted_end(&stream->groups, KV_HEAD, &place);
    for (; more; more = sorted_next(&stream->groups, &place)) {
        kv_group_info info = groups_info(stream, stream_group_at(stream, &place));
        if (!visit(context, &info)) break;
    }
    return access_close(&access, KV_OK);
}

kv_status kv_xinfo_consumers(kv *db, kv_slice key, kv_slice group, kv_visit_consumer *visit,
                             void *context)
{
    struct groups groups;
    struct sorted_place place;
    if (visit == NULL) return KV_BADARG;
    kv_status status = groups_open(&groups, db, key, group, ACCESS_READ);
    if (status != KV_OK) return status;
    bool more = sorted_end(&groups.group->consumers, KV_HEAD, &place);
    for (; more; more = sorted_next(&groups.group->consumers, &place)) {
        kv_consumer_info info = groups_consumer_info(stream_consumer_at(groups.group, &place));
        if (!visit(context, &info)) break;
    }
    return groups_close(&groups, KV_OK);
}

static void groups_tell_pending(const struct stream_group *group,
                                const struct stream_consumer *consumer, uint64_t count,
                                int64_t now_ms, kv_visit_pending *visit, void *context)
{
    kv_xpending_options options = KV_OPTIONS(kv_xpending_options);
    options.last = STREAM_ID_MAX;
    options.count = count;
    struct groups_listing listing = {&options, now_ms, visit, context, 0};
    if (visit != NULL) groups_list_all(&listing, group, consumer);
}

static void groups_tell(const struct stream *stream, const struct stream_group *group,
                        uint64_t count, int64_t now_ms, const kv_stream_visitors *visitors,
                        void *context)
{
    struct sorted_place place;
    kv_group_info info = groups_info(stream, group);
    if (visitors->group != NULL) (void)visitors->group(context, &info);
    groups_tell_pending(group, NULL, count, now_ms, visitors->pending, context);
    bool more = sorted_end(&group->consumers, KV_HEAD, &place);
    for (; more; more = sorted_next(&group->consumers, &place)) {
        const struct stream_consumer *consumer = stream_consumer_at(group, &place);
        kv_consumer_info told = groups_consumer_info(consumer);
        if (visitors->consumer != NULL) (void)visitors->consumer(context, &told);
        groups_tell_pending(group, consumer, count, now_ms, visitors->pending_of_consumer, context);
    }
}

kv_status kv_xinfo_full(kv *db, kv_slice key, uint64_t count, const kv_stream_visitors *given,
                        void *context)
{
    struct access access;
    struct sorted_place place;
    kv_stream_visitors visitors = KV_OPTIONS(kv_stream_visitors);
    if (given == NULL || given->size < sizeof given->size || given->size > sizeof visitors)
        return KV_BADARG;
    memcpy(&visitors, given, given->size);
    kv_status status = access_open_existing(&access, db, key, KV_TYPE_STREAM, ACCESS_PEEK);
    if (status != KV_OK) return status;
    const struct stream *stream = streams_of(&access);
    kv_stream_info info = streams_info(stream);
    if (visitors.stream != NULL) visitors.stream(context, &info);
    (void)streams_visit(stream, (kv_stream_id){0, 0}, STREAM_ID_MAX, KV_HEAD, count, visitors.entry,
                        context);
    bool more = sorted_end(&stream->groups, KV_HEAD, &place);
    for (; more; more = sorted_next(&stream->groups, &place))
        groups_tell(stream, stream_group_at(stream, &place), count, access_now(&access), &visitors,
                    context);
    return access_close(&access, KV_OK);
}
