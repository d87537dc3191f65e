/*
 * tests/api/caller_streams.c -- see the header.
 */
#include "caller_streams.h"

#include <string.h>

/* ------------------------------------------------------------------------------ random material */

static uint64_t below(struct stream_caller *caller, uint64_t bound)
{
    return fixture_below(caller->seed, bound);
}

static kv_stream_id random_id(struct stream_caller *caller)
{
    return (kv_stream_id){below(caller, 12), below(caller, 4)};
}

static kv_slice random_group(struct stream_caller *caller)
{
    static const char *const names[] = {"readers", "writers", ""};
    return KV_TEXT(names[below(caller, 3)]);
}

static kv_slice random_consumer(struct stream_caller *caller)
{
    static const char *const names[] = {"alice", "bob", "carol"};
    return KV_TEXT(names[below(caller, 3)]);
}

#define IDS_MOST 20

static size_t random_ids(struct stream_caller *caller, kv_stream_id ids[IDS_MOST])
{
    size_t count = 1 + (size_t)below(caller, below(caller, 4) == 0 ? IDS_MOST : 3);
    for (size_t i = 0; i < count; i++) ids[i] = random_id(caller);
    return count;
}

static void random_trim(struct stream_caller *caller, kv_stream_trim *trim)
{
    *trim = KV_OPTIONS(kv_stream_trim);
    trim->by_id = below(caller, 3) == 0;
    trim->first = random_id(caller);
    trim->length = below(caller, 20);
    trim->approximately = below(caller, 2) == 0;
    if (trim->approximately && below(caller, 2) == 0) trim->limit = 1 + below(caller, 10);
    trim->references = (kv_stream_references)below(caller, 3);
}

/* ------------------------------------------------------------------------------------- what is seen */

static void see(struct stream_caller *caller, uint64_t word)
{
    caller->see(caller->context, word);
}

static void see_bytes(struct stream_caller *caller, kv_slice bytes)
{
    uint64_t hash = bytes.size;
    for (size_t i = 0; i < bytes.size; i++) hash = hash * 31 + ((const uint8_t *)bytes.data)[i];
    see(caller, hash);
}

static bool visit_entry(void *context, kv_stream_entry *entry)
{
    kv_slice field, value;
    see(context, entry->id.ms << 8 ^ entry->id.sequence ^ (entry->is_deleted ? 1u << 30 : 0));
    while (kv_stream_entry_next(entry, &field, &value)) {
        see_bytes(context, field);
        see_bytes(context, value);
    }
    return true;
}

static void visit_stream(void *context, size_t index)
{
    see(context, index);
}

static void visit_deletion(void *context, size_t index, kv_stream_deletion deletion)
{
    see(context, index << 8 ^ (uint64_t)deletion);
}

static bool visit_pending(void *context, const kv_pending_entry *entry)
{
    see(context, entry->id.ms ^ entry->deliveries << 20 ^ (uint64_t)entry->delivered_ms);
    see_bytes(context, entry->consumer);
    return true;
}

static bool visit_count(void *context, kv_slice name, uint64_t count)
{
    see_bytes(context, name);
    see(context, count);
    return true;
}

static bool visit_group(void *context, const kv_group_info *group)
{
    see_bytes(context, group->name);
    see(context, group->pending ^ group->consumers << 20 ^ (uint64_t)group->read << 40);
    return true;
}

/* --------------------------------------------------------------------------------------- calls */

#define CALL(function) (caller->last = #function, function)

static kv_status call_add(struct stream_caller *caller, kv *db, kv_slice key)
{
    static const char *const texts[] = {"a", "b", "17", "", "a text of more than a few bytes",
                                        "-3"};
    kv_slice pairs[40];
    kv_stream_trim trim;
    kv_xadd_options options = KV_OPTIONS(kv_xadd_options);
    kv_stream_id id = {0, 0};
    size_t count = 1 + (size_t)below(caller, below(caller, 5) == 0 ? 20 : 3);
    for (size_t i = 0; i < 2 * count; i++)
        pairs[i] = KV_TEXT(texts[i % 2 == 0 && count < 4 ? i / 2 : below(caller, 6)]);
    options.how = (kv_stream_new_id)below(caller, 3);
    options.id = random_id(caller);
    options.only_existing = below(caller, 8) == 0;
    random_trim(caller, &trim);
    if (below(caller, 3) == 0) options.trim = &trim;
    kv_status status = CALL(kv_xadd)(db, key, pairs, count, &options, &id);
    if (status == KV_OK) see(caller, id.ms ^ id.sequence << 48);
    return status;
}

static kv_status call_group(struct stream_caller *caller, kv *db, kv_slice key)
{
    kv_xgroup_options options = KV_OPTIONS(kv_xgroup_options);
    kv_slice group = random_group(caller), consumer = random_consumer(caller);
    uint64_t pending = 0;
    kv_status status;
    options.after = random_id(caller);
    options.from_end = below(caller, 3) == 0;
    options.has_read = below(caller, 3) == 0;
    options.read = (int64_t)below(caller, 20) - 1;
    options.create_stream = below(caller, 2) == 0;
    switch (below(caller, 8)) {
    case 0: return CALL(kv_xgroup_destroy)(db, key, group);
    case 1: return CALL(kv_xgroup_setid)(db, key, group, &options);
    case 2: return CALL(kv_xgroup_createconsumer)(db, key, group, consumer);
    case 3:
        status = CALL(kv_xgroup_delconsumer)(db, key, group, consumer, &pending);
        if (status == KV_OK) see(caller, pending);
        return status;
    default: return CALL(kv_xgroup_create)(db, key, group, &options);
    }
}

static kv_status call_readgroup(struct stream_caller *caller, kv *db, kv_slice key)
{
    kv_stream_from streams[2] = {{.key = key, .only_new = true}, {.key = key, .only_new = true}};
    kv_xread_options options = KV_OPTIONS(kv_xread_options);
    size_t failed = 9;
    options.count = below(caller, 5);
    options.no_ack = below(caller, 6) == 0;
    kv_status status = CALL(kv_xreadgroup)(db, random_group(caller), random_consumer(caller),
                                           streams, below(caller, 6) == 0 ? 2 : 1, &options,
                                           visit_stream, visit_entry, caller, &failed);
    if (status == KV_NOGROUP || status == KV_NOTFOUND) MUST(failed == 0);
    return status;
}

static kv_status call_claim(struct stream_caller *caller, kv *db, kv_slice key)
{
    kv_stream_id ids[IDS_MOST], next = {0, 0};
    kv_xclaim_options options = KV_OPTIONS(kv_xclaim_options);
    kv_slice group = random_group(caller), consumer = random_consumer(caller);
    size_t count = random_ids(caller, ids);
    options.min_idle_ms = (int64_t)below(caller, 50);
    options.has_time = below(caller, 3) == 0;
    options.time_ms = FIXTURE_START_MS - (int64_t)below(caller, 1000);
    options.has_deliveries = below(caller, 3) == 0;
    options.deliveries = below(caller, 10);
    options.force = below(caller, 2) == 0;
    options.just_id = below(caller, 3) == 0;
    if (below(caller, 4) == 0) options.last = random_id(caller);
    if (below(caller, 2) == 0)
        return CALL(kv_xclaim)(db, key, group, consumer, ids, count, &options, visit_entry, caller);
    options.start = random_id(caller);
    options.count = below(caller, 5);
    kv_status status =
        CALL(kv_xautoclaim)(db, key, group, consumer, &options, visit_entry, caller, &next);
    if (status == KV_OK) see(caller, next.ms);
    return status;
}

static kv_status call_delete(struct stream_caller *caller, kv *db, kv_slice key)
{
    kv_stream_id ids[IDS_MOST];
    kv_stream_trim trim;
    kv_stream_references references = (kv_stream_references)below(caller, 3);
    size_t count = random_ids(caller, ids);
    uint64_t number = 0;
    kv_status status;
    switch (below(caller, 6)) {
    case 0:
        random_trim(caller, &trim);
        status = CALL(kv_xtrim)(db, key, &trim, &number);
        break;
    case 1: return CALL(kv_xdelex)(db, key, ids, count, references, visit_deletion, caller);
    case 2:
        return CALL(kv_xackdel)(db, key, random_group(caller), ids, count, references,
                                visit_deletion, caller);
    case 3: status = CALL(kv_xdel)(db, key, ids, count, &number); break;
    default: status = CALL(kv_xack)(db, key, random_group(caller), ids, count, &number); break;
    }
    if (status >= 0) see(caller, number);
    return status;
}

kv_status caller_change_stream(struct stream_caller *caller, kv *db, kv_slice key)
{
    kv_xsetid_options options = KV_OPTIONS(kv_xsetid_options);
    uint64_t pick = below(caller, 30);
    if (pick < 12) return call_add(caller, db, key);
    if (pick < 16) return call_group(caller, db, key);
    if (pick < 21) return call_readgroup(caller, db, key);
    if (pick < 24) return call_claim(caller, db, key);
    if (pick < 29) return call_delete(caller, db, key);
    options.has_added = below(caller, 2) == 0;
    options.added = below(caller, 100);
    options.last_deleted = random_id(caller);
    return CALL(kv_xsetid)(db, key, (kv_stream_id){below(caller, 14), below(caller, 4)}, &options);
}

kv_status caller_read_stream(struct stream_caller *caller, kv *db, kv_slice key)
{
    kv_stream_from from = {.key = key, .after = random_id(caller)};
    kv_xread_options read = KV_OPTIONS(kv_xread_options);
    kv_xpending_options pending = KV_OPTIONS(kv_xpending_options);
    kv_stream_info info = KV_OPTIONS(kv_stream_info);
    kv_pending_summary summary = {0};
    kv_slice consumer = random_consumer(caller);
    uint64_t number = 0;
    kv_status status;
    switch (below(caller, 7)) {
    case 0:
        status = CALL(kv_xlen)(db, key, &number);
        see(caller, number);
        return status;
    case 1:
        return CALL(kv_xrange)(db, key, random_id(caller), random_id(caller),
                               (kv_end)below(caller, 2), below(caller, 4), visit_entry, caller);
    case 2:
        read.count = below(caller, 3);
        return CALL(kv_xread)(db, &from, 1, &read, visit_stream, visit_entry, caller);
    case 3:
        status = CALL(kv_xpending)(db, key, random_group(caller), &summary, visit_count, caller);
        see(caller, summary.count);
        return status;
    case 4:
        pending.first = random_id(caller);
        pending.last = (kv_stream_id){below(caller, 14), 9};
        pending.count = below(caller, 5);
        pending.min_idle_ms = (int64_t)below(caller, 20);
        if (below(caller, 2) == 0) pending.consumer = &consumer;
        return CALL(kv_xpending_range)(db, key, random_group(caller), &pending, visit_pending,
                                       caller);
    case 5: return CALL(kv_xinfo_groups)(db, key, visit_group, caller);
    default:
        status = CALL(kv_xinfo)(db, key, &info, visit_entry, caller);
        see(caller, info.length ^ info.added << 20);
        return status;
    }
}

/* --------------------------------------------------------------------------------------- replay */

static bool is(kv_slice word, const char *text)
{
    return word.size == strlen(text) && memcmp(word.data, text, word.size) == 0;
}

static kv_stream_id id_of(kv_slice text)
{
    kv_stream_id id;
    bool has_sequence;
    MUST(kv_stream_id_parse(text, &id, &has_sequence) == KV_OK && has_sequence);
    return id;
}

static int64_t number_of(kv_slice text)
{
    char digits[32] = {0};
    MUST(text.size > 0 && text.size < sizeof digits);
    memcpy(digits, text.data, text.size);
    return strtoll(digits, NULL, 10);
}

/* "MAXLEN = n [DELREF | ACKED]" from a word on. Gives how many words it has. */
static size_t trim_of(const kv_slice *words, size_t count, kv_stream_trim *trim)
{
    *trim = KV_OPTIONS(kv_stream_trim);
    if (count < 3 || !is(words[0], "MAXLEN")) return 0;
    MUST(is(words[1], "="));
    trim->length = (uint64_t)number_of(words[2]);
    if (count > 3 && is(words[3], "DELREF")) trim->references = KV_REFERENCES_DELETE;
    else if (count > 3 && is(words[3], "ACKED")) trim->references = KV_REFERENCES_ACKED;
    else return 3;
    return 4;
}

static kv_status replay_add(kv *db, const kv_slice *words, size_t count)
{
    kv_stream_trim trim;
    kv_xadd_options options = KV_OPTIONS(kv_xadd_options);
    size_t at = 2 + trim_of(words + 2, count - 2, &trim);
    if (at > 2) options.trim = &trim;
    options.how = KV_ID_GIVEN;
    options.id = id_of(words[at++]);
    MUST((count - at) % 2 == 0);
    return kv_xadd(db, words[1], words + at, (count - at) / 2, &options, NULL);
}

#define WORDS_MOST 64

static size_t ids_of(const kv_slice *words, size_t count, kv_stream_id ids[WORDS_MOST])
{
    MUST(count <= WORDS_MOST);
    for (size_t i = 0; i < count; i++) ids[i] = id_of(words[i]);
    return count;
}

static void count_deletions(void *context, size_t index, kv_stream_deletion deletion)
{
    (void)index;
    *(uint64_t *)context += deletion != KV_DELETION_NONE;
}

/* XDELEX and XACKDEL from "KEEPREF | DELREF | ACKED IDS n id..." on. */
static kv_status replay_deletion(kv *db, const kv_slice *words, size_t count)
{
    kv_stream_id ids[WORDS_MOST];
    bool acks = is(words[0], "XACKDEL");
    size_t at = acks ? 3 : 2;
    kv_stream_references references = is(words[at], "KEEPREF")  ? KV_REFERENCES_KEEP
                                      : is(words[at], "DELREF") ? KV_REFERENCES_DELETE
                                                                : KV_REFERENCES_ACKED;
    MUST(is(words[at + 1], "IDS") && (size_t)number_of(words[at + 2]) == count - at - 3);
    size_t number = ids_of(words + at + 3, count - at - 3, ids);
    uint64_t done = 0;
    kv_status status =
        acks ? kv_xackdel(db, words[1], words[2], ids, number, references, count_deletions, &done)
             : kv_xdelex(db, words[1], ids, number, references, count_deletions, &done);
    MUST(done > 0);
    return status;
}

static kv_status replay_group(kv *db, const kv_slice *words, size_t count)
{
    kv_xgroup_options options = KV_OPTIONS(kv_xgroup_options);
    if (is(words[1], "DESTROY")) return kv_xgroup_destroy(db, words[2], words[3]);
    if (is(words[1], "CREATECONSUMER"))
        return kv_xgroup_createconsumer(db, words[2], words[3], words[4]);
    if (is(words[1], "DELCONSUMER"))
        return kv_xgroup_delconsumer(db, words[2], words[3], words[4], NULL);
    MUST(count >= 7 && is(words[5], "ENTRIESREAD"));
    options.after = id_of(words[4]);
    options.has_read = true;
    options.read = number_of(words[6]);
    options.create_stream = count == 8;
    if (is(words[1], "SETID")) return kv_xgroup_setid(db, words[2], words[3], &options);
    MUST(is(words[1], "CREATE"));
    return kv_xgroup_create(db, words[2], words[3], &options);
}

static kv_status replay_claim(kv *db, const kv_slice *words, size_t count)
{
    kv_xclaim_options options = KV_OPTIONS(kv_xclaim_options);
    MUST(count == 14 && is(words[4], "0") && is(words[6], "TIME") && is(words[8], "RETRYCOUNT"));
    MUST(is(words[10], "FORCE") && is(words[11], "JUSTID") && is(words[12], "LASTID"));
    options.has_time = options.has_deliveries = options.force = options.just_id = true;
    options.time_ms = number_of(words[7]);
    options.deliveries = (uint64_t)number_of(words[9]);
    options.last = id_of(words[13]);
    kv_stream_id id = id_of(words[5]);
    return kv_xclaim(db, words[1], words[2], words[3], &id, 1, &options, NULL, NULL);
}

static kv_status replay_setid(kv *db, const kv_slice *words, size_t count)
{
    kv_xsetid_options options = KV_OPTIONS(kv_xsetid_options);
    MUST(count == 7 && is(words[3], "ENTRIESADDED") && is(words[5], "MAXDELETEDID"));
    options.has_added = true;
    options.added = (uint64_t)number_of(words[4]);
    options.last_deleted = id_of(words[6]);
    return kv_xsetid(db, words[1], id_of(words[2]), &options);
}

kv_status caller_replay_stream(kv *db, const kv_slice *words, size_t count)
{
    kv_stream_id ids[WORDS_MOST];
    kv_stream_trim trim;
    uint64_t done = 0;
    kv_status status;
    if (is(words[0], "XADD")) return replay_add(db, words, count);
    if (is(words[0], "XGROUP")) return replay_group(db, words, count);
    if (is(words[0], "XCLAIM")) return replay_claim(db, words, count);
    if (is(words[0], "XSETID")) return replay_setid(db, words, count);
    if (is(words[0], "XDELEX") || is(words[0], "XACKDEL")) return replay_deletion(db, words, count);
    if (is(words[0], "XTRIM")) {
        MUST(trim_of(words + 2, count - 2, &trim) == count - 2);
        status = kv_xtrim(db, words[1], &trim, &done);
    } else if (is(words[0], "XDEL")) {
        status = kv_xdel(db, words[1], ids, ids_of(words + 2, count - 2, ids), &done);
    } else {
        MUST(is(words[0], "XACK"));
        status = kv_xack(db, words[1], words[2], ids, ids_of(words + 3, count - 3, ids), &done);
    }
    MUST(done > 0);
    return status;
}
