/*
 * api/api_hash.c -- hashes.
 */
#include "base/buffer.h"
#include "base/number.h"
#include "keyspace/access_collection.h"
#include "keyspace/effect.h"
#include "keyspace/timing.h"
#include "values/hash.h"

#include <math.h>

static kv_status hashes_open(struct access *access, kv *db, kv_slice key, enum access_mode mode)
{
    return access_open_type(access, db, key, KV_TYPE_HASH, mode);
}

static kv_status hashes_open_existing(struct access *access, kv *db, kv_slice key,
                                      enum access_mode mode)
{
    return access_open_existing(access, db, key, KV_TYPE_HASH, mode);
}

static struct hash_owner hashes_owner(const struct access *access)
{
    return (struct hash_owner){&access->shard->memory, &access->store->hash_key,
                               access_limits(access, KV_SETTING_HASH_PACK_COUNT)};
}

/* ------------------------------------------------------------------------------------------ set */

/* What a call that sets fields does to their deadlines, and leaves behind: effect and event. */
struct hashes_trace {
    kv_slice name;
    const kv_slice *words;
    size_t count;
    int64_t deadline_ms; /* as hash_set() takes it */
    const char *event;
};

/* Sets pairs in the hash that was opened, or makes one. */
static kv_status hashes_put(struct access *access, const kv_slice *pairs, size_t count,
                            int64_t deadline_ms, uint64_t *added)
{
    struct hash_owner owner = hashes_owner(access);
    struct collection hash = access_collection(access);
    kv_status status = timing_reserve(access, deadline_ms);
    if (status == KV_OK) status = hash_set(&hash, &owner, pairs, count, deadline_ms, added);
    if (status != KV_OK) return status;
    return access_put_collection(access, KV_TYPE_HASH, &hash, count); /* as Redis counts them */
}

/* The same, with the journal. */
static kv_status hashes_set_opened(struct access *access, const kv_slice *pairs, size_t count,
                                   uint64_t *added, const struct hashes_trace *trace)
{
    struct effect effect;
    uint64_t fresh;
    kv_status status = effect_open_with(&effect, access, trace->name, trace->words, trace->count);
    if (status != KV_OK) return status;
    status = hashes_put(access, pairs, count, trace->deadline_ms, &fresh);
    effect_close(&effect, access, status == KV_OK);
    if (status != KV_OK) return status;
    access_event(access, KV_EVENT_HASH, trace->event);
    if (added != NULL) *added = fresh;
    return KV_OK;
}

kv_status kv_hset(kv *db, kv_slice key, const kv_slice *pairs, size_t count, uint64_t *added)
{
    if (count == 0 || count > SIZE_MAX / 2 || pairs == NULL) return KV_BADARG;
    struct access access;
    kv_status status = hashes_open(&access, db, key, ACCESS_WRITE);
    if (status != KV_OK) return status;
    struct hashes_trace trace = {EFFECT_NAME("HSET"), pairs, 2 * count, KV_NEVER, "hset"};
    return access_close(&access, hashes_set_opened(&access, pairs, count, added, &trace));
}

kv_status kv_hsetnx(kv *db, kv_slice key, kv_slice field, kv_slice value)
{
    struct access access;
    kv_status status = hashes_open(&access, db, key, ACCESS_WRITE);
    if (status != KV_OK) return status;
    struct collection hash = access_collection(&access);
    char scratch[PACK_TEXT_SIZE];
    kv_slice old, pair[2] = {field, value};
    struct hashes_trace trace = {EFFECT_NAME("HSETNX"), pair, 2, KV_NEVER, "hset"};
    if (hash_get(&hash, field, scratch, &old)) status = KV_SKIPPED;
    else status = hashes_set_opened(&access, pair, 1, NULL, &trace);
    return access_close(&access, status);
}

/* ----------------------------------------------------------------------------------------- look */

/* Opens the key for reading and finds a field: KV_OK, then to be closed, or KV_NONE. */
static kv_status hashes_find(struct access *access, kv *db, kv_slice key, kv_slice field,
                             char scratch[PACK_TEXT_SIZE], kv_slice *value)
{
    kv_status status = hashes_open_existing(access, db, key, ACCESS_READ);
    if (status != KV_OK) return status;
    struct collection hash = access_collection(access);
    return hash_get(&hash, field, scratch, value) ? KV_OK : access_close(access, KV_NONE);
}

kv_status kv_hget(kv *db, kv_slice key, kv_slice field, kv_buffer *value)
{
    struct access access;
    char scratch[PACK_TEXT_SIZE];
    kv_slice found;
    kv_status status = hashes_find(&access, db, key, field, scratch, &found);
    if (status != KV_OK) return status;
    if (value != NULL) status = buffer_set(value, found);
    return access_close(&access, status);
}

kv_status kv_hexists(kv *db, kv_slice key, kv_slice field)
{
    return kv_hstrlen(db, key, field, NULL);
}

kv_status kv_hstrlen(kv *db, kv_slice key, kv_slice field, uint64_t *length)
{
    struct access access;
    char scratch[PACK_TEXT_SIZE];
    kv_slice value;
    kv_status status = hashes_find(&access, db, key, field, scratch, &value);
    if (status >= KV_OK && length != NULL) *length = status == KV_OK ? value.size : 0;
    return status == KV_OK ? access_close(&access, KV_OK) : status;
}

kv_status kv_hmget(kv *db, kv_slice key, const kv_slice *fields, size_t count, kv_visit_at *visit,
                   void *context)
{
    if (visit == NULL || (fields == NULL && count > 0)) return KV_BADARG;
    struct access access;
    kv_status status = hashes_open(&access, db, key, ACCESS_READ);
    if (status != KV_OK) return status;
    struct collection hash = access_collection(&access);
    hash_get_many(&hash, fields, count, visit, context);
    return access_close(&access, KV_OK);
}

kv_status kv_hlen(kv *db, kv_slice key, uint64_t *length)
{
    struct access access;
    kv_status status = hashes_open(&access, db, key, ACCESS_READ);
    if (status != KV_OK) return status;
    struct collection hash = access_collection(&access);
    if (length != NULL) *length = hash_length(&hash);
    return access_close(&access, access.entry != NULL ? KV_OK : KV_NONE);
}

kv_status kv_hgetall(kv *db, kv_slice key, kv_range_begin *begin, kv_visit_field *visit,
                     void *context)
{
    struct access access;
    kv_status status = hashes_open(&access, db, key, ACCESS_READ);
    if (status != KV_OK) return status;
    struct collection hash = access_collection(&access);
    if (begin != NULL) begin(context, hash_length(&hash));
    if (visit != NULL) hash_visit(&hash, visit, context);
    return access_close(&access, KV_OK);
}

static kv_status hashes_choose(struct access *access, int64_t count, kv_range_begin *begin,
                               kv_visit_field *visit, void *context)
{
    struct collection hash = access_collection(access);
    struct alloc *alloc = &access->store->alloc;
    struct random *random = &access->shard->random;
    uint64_t length = hash_length(&hash);
    bool repeats = count < 0 && length > 0;
    uint64_t wanted = count < 0 ? (uint64_t)-count : (uint64_t)count;
    if (!repeats && wanted > length) wanted = length;
    if (begin != NULL) begin(context, wanted);
    if (visit == NULL || wanted == 0) return KV_OK;
    if (repeats) return hash_draw(&hash, alloc, random, wanted, visit, context);
    /* One of them is the same either way. */
    if (wanted == 1) return hash_draw(&hash, alloc, random, 1, visit, context);
    return hash_sample(&hash, alloc, random, wanted, visit, context);
}

kv_status kv_hrandfield(kv *db, kv_slice key, int64_t count, kv_range_begin *begin,
                        kv_visit_field *visit, void *context)
{
    if (count == INT64_MIN) return KV_BADARG;
    struct access access;
    kv_status status = hashes_open(&access, db, key, ACCESS_READ);
    if (status != KV_OK) return status;
    return access_close(&access, hashes_choose(&access, count, begin, visit, context));
}

kv_status kv_hscan(kv *db, kv_slice key, uint64_t *cursor, uint64_t limit, kv_visit_field *visit,
                   void *context)
{
    if (cursor == NULL || limit == 0 || visit == NULL) return KV_BADARG;
    struct access access;
    kv_status status = hashes_open(&access, db, key, ACCESS_READ);
    if (status != KV_OK) return status;
    struct collection hash = access_collection(&access);
    *cursor = hash_scan(&hash, *cursor, limit, visit, context);
    return access_close(&access, access.entry != NULL ? KV_OK : KV_NONE);
}

/* --------------------------------------------------------------------------------------- remove */

/*
 * Removes fields of the hash that was opened, and lends their values before if `visit` is not NULL;
 * writes the journal. KV_OK or KV_NOMEM.
 */
static kv_status hashes_remove_opened(struct access *access, const kv_slice *fields, size_t count,
                                      kv_visit_at *visit, void *context, uint64_t *removed)
{
    struct effect effect;
    struct collection hash = access_collection(access);
    kv_status status = effect_open_with(&effect, access, EFFECT_NAME("HDEL"), fields, count);
    if (status != KV_OK) return status;
    if (visit != NULL) hash_get_many(&hash, fields, count, visit, context);
    uint64_t gone = hash_remove(&hash, &access->shard->memory, fields, count);
    effect_close(&effect, access, gone > 0);
    if (gone > 0) {
        access_event(access, KV_EVENT_HASH, "hdel");
        access_settle(access, &hash, gone);
    }
    if (removed != NULL) *removed = gone;
    return KV_OK;
}

kv_status kv_hdel(kv *db, kv_slice key, const kv_slice *fields, size_t count, uint64_t *removed)
{
    if (count == 0 || fields == NULL) return KV_BADARG;
    struct access access;
    kv_status status = hashes_open_existing(&access, db, key, ACCESS_WRITE);
    if (status == KV_NONE && removed != NULL) *removed = 0;
    if (status != KV_OK) return status;
    status = hashes_remove_opened(&access, fields, count, NULL, NULL, removed);
    return access_close(&access, status);
}

kv_status kv_hgetdel(kv *db, kv_slice key, const kv_slice *fields, size_t count, kv_visit_at *visit,
                     void *context)
{
    if (count == 0 || fields == NULL || visit == NULL) return KV_BADARG;
    struct access access;
    kv_status status = hashes_open(&access, db, key, ACCESS_WRITE);
    if (status != KV_OK) return status;
    access_count(&access);
    status = hashes_remove_opened(&access, fields, count, visit, context, NULL);
    return access_close(&access, status);
}

/* -------------------------------------------------------------------------------------- numbers */

kv_status kv_hincrby(kv *db, kv_slice key, kv_slice field, int64_t increment, int64_t *result)
{
    struct access access;
    kv_status status = hashes_open(&access, db, key, ACCESS_WRITE);
    if (status != KV_OK) return status;
    struct collection hash = access_collection(&access);
    char scratch[PACK_TEXT_SIZE], text[NUMBER_INT64_SIZE];
    kv_slice value;
    int64_t integer = 0;
    if (hash_get(&hash, field, scratch, &value) && !number_parse_int64(value, &integer))
        return access_close(&access, KV_NOTINT);
    bool overflows =
        increment > 0 ? integer > INT64_MAX - increment : integer < INT64_MIN - increment;
    if (overflows) return access_close(&access, KV_OVERFLOW);
    integer += increment;
    kv_slice pair[2] = {field, {text, number_format_int64(text, integer)}};
    kv_slice words[2] = {field, {scratch, number_format_int64(scratch, increment)}};
    struct hashes_trace trace = {EFFECT_NAME("HINCRBY"), words, 2, HASH_KEEP_DEADLINE, "hincrby"};
    status = hashes_set_opened(&access, pair, 1, NULL, &trace);
    if (status == KV_OK && result != NULL) *result = integer;
    return access_close(&access, status);
}

static kv_status hashes_incrbyfloat_opened(struct access *access, kv_slice field,
                                           long double increment, kv_buffer *result)
{
    struct collection hash = access_collection(access);
    char scratch[PACK_TEXT_SIZE], text[NUMBER_LONG_DOUBLE_SIZE];
    kv_slice value;
    long double number = 0;
    if (hash_get(&hash, field, scratch, &value) && !number_parse_long_double(value, &number))
        return KV_NOTFLOAT;
    number += increment;
    if (!isfinite(number)) return KV_NOTFINITE;
    kv_slice pair[2] = {field, {text, number_format_long_double_human(text, number)}};
    if (pair[1].size == 0) return KV_NOMEM;
    kv_status status = result != NULL ? buffer_reserve(result, pair[1].size) : KV_OK;
    /* HSET takes a deadline away. */
    int64_t deadline_ms = KV_NEVER;
    (void)hash_get_deadline(&hash, field, &deadline_ms);
    kv_slice words[5] = {EFFECT_NAME("KEEPTTL"), EFFECT_NAME("FIELDS"), {"1", 1}, pair[0], pair[1]};
    struct hashes_trace trace = {EFFECT_NAME("HSETEX"), words, 5, HASH_KEEP_DEADLINE,
                                 "hincrbyfloat"};
    if (deadline_ms == KV_NEVER) {
        trace.name = EFFECT_NAME("HSET");
        trace.words = pair;
        trace.count = 2;
    }
    if (status == KV_OK) status = hashes_set_opened(access, pair, 1, NULL, &trace);
    if (status == KV_OK && result != NULL) status = buffer_set(result, pair[1]); /* there is room */
    return status;
}

kv_status kv_hincrbyfloat(kv *db, kv_slice key, kv_slice field, kv_slice increment,
                          kv_buffer *result)
{
    struct access access;
    long double addend;
    if (!number_parse_long_double(increment, &addend)) return KV_BADARG;
    kv_status status = hashes_open(&access, db, key, ACCESS_WRITE);
    if (status != KV_OK) return status;
    return access_close(&access, hashes_incrbyfloat_opened(&access, field, addend, result));
}

/* ------------------------------------------------------------------------------------ deadlines */

kv_status kv_hexpire(kv *db, kv_slice key, int64_t ttl_ms, unsigned flags, const kv_slice *fields,
                     size_t count, kv_field_result *results)
{
    struct timing timing = {.flags = flags, .names = fields, .count = count, .results = results};
    return timing_expire(db, key, KV_TYPE_HASH, timing, ttl_ms);
}

kv_status kv_hexpire_at(kv *db, kv_slice key, int64_t deadline_ms, unsigned flags,
                        const kv_slice *fields, size_t count, kv_field_result *results)
{
    struct timing timing = {.flags = flags, .names = fields, .count = count, .results = results};
    return timing_expire_at(db, key, KV_TYPE_HASH, timing, deadline_ms);
}

kv_status kv_hpersist(kv *db, kv_slice key, const kv_slice *fields, size_t count,
                      kv_field_result *results)
{
    struct timing timing = {.names = fields, .count = count, .results = results};
    return timing_persist(db, key, KV_TYPE_HASH, timing);
}

kv_status kv_hdeadline(kv *db, kv_slice key, const kv_slice *fields, size_t count,
                       int64_t *deadlines_ms)
{
    return timing_tell(db, key, KV_TYPE_HASH, fields, count, deadlines_ms);
}

/* ------------------------------------------------------------------- deadlines and something else */

/* Of kv_getex_options and the like: KV_NEVER if neither is given. */
static kv_status hashes_read_deadline(struct access *access, int64_t ttl_ms, int64_t given_ms,
                                      int64_t *deadline_ms)
{
    *deadline_ms = KV_NEVER;
    if (ttl_ms > 0) {
        int64_t now_ms = access_now(access);
        if (now_ms > INT64_MAX - ttl_ms) return KV_OVERFLOW;
        *deadline_ms = now_ms + ttl_ms;
    } else if (given_ms != 0) {
        *deadline_ms = timing_kept_deadline(given_ms);
    }
    return KV_OK;
}

static kv_status hashes_getex_opened(struct access *access, const kv_slice *fields, size_t count,
                                     const kv_getex_options *options, kv_visit_at *visit,
                                     void *context)
{
    struct timing timing = {.names = fields, .count = count};
    kv_status status =
        hashes_read_deadline(access, options->ttl_ms, options->deadline_ms, &timing.deadline_ms);
    if (status != KV_OK) return status;
    bool changes = (options->flags & KV_PERSIST) != 0 || timing.deadline_ms != KV_NEVER;
    if (timing.deadline_ms != KV_NEVER) timing.removes = access_is_past(access, timing.deadline_ms);
    if (timing.removes) return hashes_remove_opened(access, fields, count, visit, context, NULL);
    /* The values stay, so they are lent when nothing can fail any more. */
    if (changes && access->entry != NULL) status = timing_run(access, &timing);
    if (status != KV_OK) return status;
    struct collection hash = access_collection(access);
    hash_get_many(&hash, fields, count, visit, context);
    return KV_OK;
}

kv_status kv_hgetex(kv *db, kv_slice key, const kv_slice *fields, size_t count,
                    const kv_getex_options *given, kv_visit_at *visit, void *context)
{
    kv_getex_options options = KV_OPTIONS(kv_getex_options);
    if (given != NULL) {
        if (given->size < sizeof given->size || given->size > sizeof options) return KV_BADARG;
        memcpy(&options, given, given->size);
    }
    int asked =
        ((options.flags & KV_PERSIST) != 0) + (options.ttl_ms != 0) + (options.deadline_ms != 0);
    if (asked > 1 || (options.flags & ~KV_PERSIST) != 0 || options.ttl_ms < 0) return KV_BADARG;
    if (count == 0 || fields == NULL || visit == NULL) return KV_BADARG;
    struct access access;
    kv_status status = hashes_open(&access, db, key, ACCESS_WRITE);
    if (status != KV_OK) return status;
    access_count(&access);
    status = hashes_getex_opened(&access, fields, count, &options, visit, context);
    return access_close(&access, status);
}

/* Whether all of the fields are there, or one of them. */
static bool hashes_has(const struct collection *hash, const kv_slice *pairs, size_t count, bool all)
{
    for (size_t i = 0; i < count; i++) {
        int64_t deadline_ms;
        if (hash_get_deadline(hash, pairs[2 * i], &deadline_ms) != all) return !all;
    }
    return all;
}

/* Sets the pairs with a deadline that has passed: they go if they were there. */
static kv_status hashes_set_past(struct access *access, const kv_slice *pairs, size_t count)
{
    struct alloc *alloc = &access->store->alloc;
    if (access->entry == NULL) return KV_OK;
    kv_slice *fields = alloc_get_array(alloc, count, sizeof *fields);
    if (fields == NULL) return KV_NOMEM;
    for (size_t i = 0; i < count; i++) fields[i] = pairs[2 * i];
    kv_status status = hashes_remove_opened(access, fields, count, NULL, NULL, NULL);
    alloc_free(alloc, fields, count * sizeof *fields);
    return status;
}

/* "HSETEX key PXAT milliseconds FIELDS count field value...". */
static kv_status hashes_set_timed(struct access *access, const kv_slice *pairs, size_t count,
                                  int64_t deadline_ms)
{
    struct effect effect;
    char text[NUMBER_INT64_SIZE], number[NUMBER_INT64_SIZE];
    uint64_t added;
    size_t size = 2 * NUMBER_INT64_SIZE + 17;
    for (size_t i = 0; i < 2 * count && access_is_journaled(access); i++) size += pairs[i].size;
    kv_status status = effect_open(&effect, access, EFFECT_NAME("HSETEX"), 2 * count + 4, size);
    if (status != KV_OK) return status;
    if (deadline_ms == HASH_KEEP_DEADLINE) {
        effect_add(&effect, EFFECT_NAME("KEEPTTL"));
    } else {
        effect_add(&effect, EFFECT_NAME("PXAT"));
        effect_add(&effect, (kv_slice){text, number_format_int64(text, deadline_ms)});
    }
    effect_add(&effect, EFFECT_NAME("FIELDS"));
    effect_add(&effect, (kv_slice){number, number_format_uint64(number, count)});
    for (size_t i = 0; i < 2 * count; i++) effect_add(&effect, pairs[i]);
    status = hashes_put(access, pairs, count, deadline_ms, &added);
    effect_close(&effect, access, status == KV_OK);
    return status;
}

static kv_status hashes_setex_opened(struct access *access, const kv_slice *pairs, size_t count,
                                     const kv_hsetex_options *options)
{
    struct collection hash = access_collection(access);
    int64_t deadline_ms;
    kv_status status =
        hashes_read_deadline(access, options->ttl_ms, options->deadline_ms, &deadline_ms);
    if (status != KV_OK) return status;
    if ((options->flags & KV_IF_ABSENT) != 0 && hashes_has(&hash, pairs, count, false))
        return KV_SKIPPED;
    if ((options->flags & KV_IF_PRESENT) != 0 && !hashes_has(&hash, pairs, count, true))
        return KV_SKIPPED;
    bool keeps = (options->flags & KV_KEEP_TTL) != 0;
    if (deadline_ms == KV_NEVER && !keeps) {
        struct hashes_trace trace = {EFFECT_NAME("HSET"), pairs, 2 * count, KV_NEVER, "hset"};
        return hashes_set_opened(access, pairs, count, NULL, &trace);
    }
    if (!keeps && access_is_past(access, deadline_ms)) return hashes_set_past(access, pairs, count);
    status = hashes_set_timed(access, pairs, count, keeps ? HASH_KEEP_DEADLINE : deadline_ms);
    if (status != KV_OK) return status;
    access_event(access, KV_EVENT_HASH, "hset");
    if (!keeps) access_event(access, KV_EVENT_HASH, "hexpire");
    return KV_OK;
}

kv_status kv_hsetex(kv *db, kv_slice key, const kv_slice *pairs, size_t count,
                    const kv_hsetex_options *given)
{
    const unsigned conditions = KV_IF_ABSENT | KV_IF_PRESENT;
    kv_hsetex_options options = KV_OPTIONS(kv_hsetex_options);
    if (given != NULL) {
        if (given->size < sizeof given->size || given->size > sizeof options) return KV_BADARG;
        memcpy(&options, given, given->size);
    }
    int asked =
        ((options.flags & KV_KEEP_TTL) != 0) + (options.ttl_ms != 0) + (options.deadline_ms != 0);
    if (asked > 1 || (options.flags & ~(conditions | KV_KEEP_TTL)) != 0) return KV_BADARG;
    if ((options.flags & conditions) == conditions || options.ttl_ms < 0) return KV_BADARG;
    if (count == 0 || count > SIZE_MAX / 4 || pairs == NULL) return KV_BADARG;
    struct access access;
    kv_status status = hashes_open(&access, db, key, ACCESS_WRITE);
    if (status != KV_OK) return status;
    return access_close(&access, hashes_setex_opened(&access, pairs, count, &options));
}
