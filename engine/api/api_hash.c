/*
 * api/api_hash.c -- hashes.
 */
#include "base/buffer.h"
#include "base/number.h"
#include "keyspace/access_collection.h"
#include "keyspace/effect.h"
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

/* Sets pairs in the hash that was opened, or makes one; the effect is given by its caller. */
static kv_status hashes_put(struct access *access, const kv_slice *pairs, size_t count,
                            uint64_t *added)
{
    struct hash_owner owner = hashes_owner(access);
    struct collection hash = access_collection(access);
    kv_status status = hash_set(&hash, &owner, pairs, count, added);
    if (status != KV_OK) return status;
    return access_put_collection(access, KV_TYPE_HASH, &hash, count); /* as Redis counts them */
}

/* What a call that sets fields leaves behind: its effect and its event. */
struct hashes_trace {
    kv_slice name;
    const kv_slice *words;
    size_t count;
    const char *event;
};

/* The same, with the journal. */
static kv_status hashes_set_opened(struct access *access, const kv_slice *pairs, size_t count,
                                   uint64_t *added, const struct hashes_trace *trace)
{
    struct effect effect;
    uint64_t fresh;
    kv_status status = effect_open_with(&effect, access, trace->name, trace->words, trace->count);
    if (status != KV_OK) return status;
    status = hashes_put(access, pairs, count, &fresh);
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
    struct hashes_trace trace = {EFFECT_NAME("HSET"), pairs, 2 * count, "hset"};
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
    struct hashes_trace trace = {EFFECT_NAME("HSETNX"), pair, 2, "hset"};
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
    struct hashes_trace trace = {EFFECT_NAME("HINCRBY"), words, 2, "hincrby"};
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
    struct hashes_trace trace = {EFFECT_NAME("HSET"), pair, 2, "hincrbyfloat"};
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
