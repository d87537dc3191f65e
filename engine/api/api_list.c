/*
 * api/api_list.c -- lists: push and pop, look, change, move. The blocking forms are in api_wait.c.
 */
#include "base/buffer.h"
#include "base/number.h"
#include "keyspace/access_collection.h"
#include "keyspace/effect.h"
#include "values/list.h"

static kv_slice lists_end_word(kv_end end)
{
    return end == KV_HEAD ? EFFECT_NAME("LEFT") : EFFECT_NAME("RIGHT");
}

/* Opens a key that must hold a list or nothing. */
static kv_status lists_open(struct access *access, kv *db, kv_slice key, enum access_mode mode)
{
    return access_open_type(access, db, key, KV_TYPE_LIST, mode);
}

/* The same, and there must be one: else KV_NONE. */
static kv_status lists_open_existing(struct access *access, kv *db, kv_slice key,
                                     enum access_mode mode)
{
    return access_open_existing(access, db, key, KV_TYPE_LIST, mode);
}

static struct list_limits lists_limits(const struct access *access)
{
    return list_limits_of(store_setting(access->store, KV_SETTING_LIST_PACK_SIZE));
}

static void lists_tell_push(struct access *access, kv_end end)
{
    access_event(access, KV_EVENT_LIST, end == KV_HEAD ? "lpush" : "rpush");
}

static void lists_tell_pop(struct access *access, kv_end end)
{
    access_event(access, KV_EVENT_LIST, end == KV_HEAD ? "lpop" : "rpop");
}

/* ----------------------------------------------------------------------------------------- push */

/* Pushes to the list that was opened, or makes one. All of the values or none. */
static kv_status lists_push_opened(struct access *access, const kv_slice *values, size_t count,
                                   kv_end end, uint64_t *length)
{
    struct list_limits limits = lists_limits(access);
    struct collection list = access_collection(access);
    kv_status status = list_push(&list, &access->shard->memory, &limits, end, values, count);
    if (status != KV_OK) return status;
    uint64_t pushed = list_length(&list);
    status = access_put_collection(access, KV_TYPE_LIST, &list, count); /* each value counts */
    if (status != KV_OK) return status;
    lists_tell_push(access, end);
    if (length != NULL) *length = pushed;
    return KV_OK;
}

static kv_status lists_push_values(kv *db, kv_slice key, const kv_slice *values, size_t count,
                                   kv_end end, bool only_existing, uint64_t *length)
{
    if (count == 0 || values == NULL) return KV_BADARG;
    struct access access;
    kv_status status = lists_open(&access, db, key, ACCESS_WRITE);
    if (status != KV_OK) return status;
    if (only_existing && access.entry == NULL) {
        if (length != NULL) *length = 0;
        return access_close(&access, KV_NONE);
    }
    struct effect effect;
    kv_slice name = end == KV_HEAD ? EFFECT_NAME("LPUSH") : EFFECT_NAME("RPUSH");
    status = effect_open_with(&effect, &access, name, values, count);
    if (status != KV_OK) return access_close(&access, status);
    status = lists_push_opened(&access, values, count, end, length);
    effect_close(&effect, &access, status == KV_OK);
    return access_close(&access, status);
}

kv_status kv_lpush(kv *db, kv_slice key, const kv_slice *values, size_t count, uint64_t *length)
{
    return lists_push_values(db, key, values, count, KV_HEAD, false, length);
}

kv_status kv_rpush(kv *db, kv_slice key, const kv_slice *values, size_t count, uint64_t *length)
{
    return lists_push_values(db, key, values, count, KV_TAIL, false, length);
}

kv_status kv_lpushx(kv *db, kv_slice key, const kv_slice *values, size_t count, uint64_t *length)
{
    return lists_push_values(db, key, values, count, KV_HEAD, true, length);
}

kv_status kv_rpushx(kv *db, kv_slice key, const kv_slice *values, size_t count, uint64_t *length)
{
    return lists_push_values(db, key, values, count, KV_TAIL, true, length);
}

/* ------------------------------------------------------------------------------------------ pop */

/*
 * Takes elements off the list that was opened and lends them; writes the journal. KV_OK or
 * KV_NOMEM.
 */
static kv_status lists_pop_opened(struct access *access, kv_end end, uint64_t count,
                                  kv_visit *visit, void *context, uint64_t *popped)
{
    struct collection list = access_collection(access);
    struct list_limits limits = lists_limits(access);
    uint64_t length = list_length(&list);
    if (count > length) count = length;
    if (count > 0) {
        struct effect effect;
        char number[NUMBER_INT64_SIZE];
        kv_slice text = {number, number_format_uint64(number, count)};
        kv_slice name = end == KV_HEAD ? EFFECT_NAME("LPOP") : EFFECT_NAME("RPOP");
        kv_status status = effect_open_with(&effect, access, name, &text, count == 1 ? 0 : 1);
        if (status != KV_OK) return status;
        effect_close(&effect, access, true);
        (void)list_pop(&list, &access->shard->memory, &limits, end, count, visit, context);
        lists_tell_pop(access, end);
        access_settle(access, &list, count);
    }
    if (popped != NULL) *popped = count;
    return KV_OK;
}

kv_status kv_pop(kv *db, kv_slice key, kv_end end, uint64_t count, kv_visit *visit, void *context,
                 uint64_t *popped)
{
    struct access access;
    kv_status status = lists_open_existing(&access, db, key, ACCESS_WRITE);
    if (status != KV_OK) return status;
    return access_close(&access, lists_pop_opened(&access, end, count, visit, context, popped));
}

/* The element at one end of a list that is not empty. */
static kv_slice lists_end(const struct access *access, kv_end end, char scratch[PACK_TEXT_SIZE])
{
    kv_slice element;
    struct collection list = access_collection(access);
    bool is_there = list_at(&list, end == KV_HEAD ? 0 : -1, scratch, &element);
    assert(is_there);
    (void)is_there;
    return element;
}

/* Copies the element before it is taken, when only the copy can fail any more. */
static kv_status lists_pop_one(kv *db, kv_slice key, kv_end end, kv_buffer *value)
{
    struct access access;
    kv_status status = lists_open_existing(&access, db, key, ACCESS_WRITE);
    if (status != KV_OK) return status;
    status = access_reserve_journal(&access, 2, 4 + key.size);
    if (status == KV_OK && value != NULL) {
        char scratch[PACK_TEXT_SIZE];
        status = buffer_set(value, lists_end(&access, end, scratch));
    }
    if (status == KV_OK) status = lists_pop_opened(&access, end, 1, NULL, NULL, NULL);
    return access_close(&access, status);
}

kv_status kv_lpop(kv *db, kv_slice key, kv_buffer *value)
{
    return lists_pop_one(db, key, KV_HEAD, value);
}

kv_status kv_rpop(kv *db, kv_slice key, kv_buffer *value)
{
    return lists_pop_one(db, key, KV_TAIL, value);
}

kv_status kv_lmpop(kv *db, const kv_slice *keys, size_t key_count, kv_end end, uint64_t count,
                   size_t *index, kv_visit *visit, void *context)
{
    if (db == NULL || keys == NULL || key_count == 0 || count == 0) return KV_BADARG;
    struct span span;
    span_begin(&span, db, keys, key_count, 0);
    kv_status status = KV_NONE;
    for (size_t i = 0; i < key_count && status == KV_NONE; i++) {
        status = kv_pop(&span.db, keys[i], end, count, visit, context, NULL);
        if (status == KV_OK && index != NULL) *index = i;
    }
    span_end(&span);
    return status;
}

/* ----------------------------------------------------------------------------------------- look */

kv_status kv_llen(kv *db, kv_slice key, uint64_t *length)
{
    struct access access;
    kv_status status = lists_open(&access, db, key, ACCESS_READ);
    if (status != KV_OK) return status;
    struct collection list = access_collection(&access);
    if (length != NULL) *length = access.entry != NULL ? list_length(&list) : 0;
    return access_close(&access, access.entry != NULL ? KV_OK : KV_NONE);
}

kv_status kv_lindex(kv *db, kv_slice key, int64_t index, kv_buffer *value)
{
    struct access access;
    kv_status status = lists_open_existing(&access, db, key, ACCESS_READ);
    if (status != KV_OK) return status;
    char scratch[PACK_TEXT_SIZE];
    kv_slice element;
    struct collection list = access_collection(&access);
    if (!list_at(&list, index, scratch, &element)) status = KV_NONE;
    else if (value != NULL) status = buffer_set(value, element);
    return access_close(&access, status);
}

kv_status kv_lrange(kv *db, kv_slice key, int64_t start, int64_t stop, kv_range_begin *begin,
                    kv_visit *visit, void *context)
{
    struct access access;
    kv_status status = lists_open(&access, db, key, ACCESS_READ);
    if (status != KV_OK) return status;
    struct collection list = access_collection(&access);
    uint64_t first = 0, count = 0;
    if (access.entry != NULL) count = list_span(list_length(&list), start, stop, &first);
    if (begin != NULL) begin(context, count);
    if (count > 0 && visit != NULL) (void)list_visit(&list, KV_HEAD, first, count, visit, context);
    return access_close(&access, KV_OK);
}

kv_status kv_lpos(kv *db, kv_slice key, kv_slice value, int64_t rank, uint64_t count,
                  uint64_t maximum, kv_visit_position *visit, void *context)
{
    if (rank == 0 || rank == INT64_MIN || visit == NULL) return KV_BADARG;
    struct access access;
    kv_status status = lists_open_existing(&access, db, key, ACCESS_READ);
    if (status != KV_OK) return status;
    struct collection list = access_collection(&access);
    list_find(&list, value, rank, count, maximum, visit, context);
    return access_close(&access, KV_OK);
}

/* --------------------------------------------------------------------------------------- change */

kv_status kv_lset(kv *db, kv_slice key, int64_t index, kv_slice value)
{
    struct access access;
    kv_status status = lists_open_existing(&access, db, key, ACCESS_WRITE);
    if (status == KV_NONE) return KV_NOTFOUND;
    if (status != KV_OK) return status;
    char number[NUMBER_INT64_SIZE];
    kv_slice words[2] = {{number, number_format_int64(number, index)}, value};
    struct effect effect;
    struct collection list = access_collection(&access);
    struct list_limits limits = lists_limits(&access);
    status = effect_open_with(&effect, &access, EFFECT_NAME("LSET"), words, 2);
    if (status != KV_OK) return access_close(&access, status);
    status = list_edit(&list, &access.shard->memory, &limits, index, LIST_INSTEAD, value);
    effect_close(&effect, &access, status == KV_OK);
    if (status == KV_OK) {
        access_event(&access, KV_EVENT_LIST, "lset");
        access_settle(&access, &list, 1);
    }
    return access_close(&access, status);
}

kv_status kv_linsert(kv *db, kv_slice key, bool before, kv_slice pivot, kv_slice value,
                     uint64_t *length)
{
    struct access access;
    kv_status status = lists_open_existing(&access, db, key, ACCESS_WRITE);
    if (status != KV_OK) return status;
    kv_slice words[3] = {before ? EFFECT_NAME("BEFORE") : EFFECT_NAME("AFTER"), pivot, value};
    struct effect effect;
    struct collection list = access_collection(&access);
    struct list_limits limits = lists_limits(&access);
    status = effect_open_with(&effect, &access, EFFECT_NAME("LINSERT"), words, 3);
    if (status != KV_OK) return access_close(&access, status);
    status = list_insert(&list, &access.shard->memory, &limits, before ? LIST_BEFORE : LIST_AFTER,
                         pivot, value);
    effect_close(&effect, &access, status == KV_OK);
    if (status == KV_OK) {
        if (length != NULL) *length = list_length(&list);
        access_event(&access, KV_EVENT_LIST, "linsert");
        access_settle(&access, &list, 1);
    }
    return access_close(&access, status);
}

kv_status kv_lrem(kv *db, kv_slice key, int64_t count, kv_slice value, uint64_t *removed)
{
    struct access access;
    kv_status status = lists_open_existing(&access, db, key, ACCESS_WRITE);
    if (status == KV_NONE && removed != NULL) *removed = 0;
    if (status != KV_OK) return status;
    char number[NUMBER_INT64_SIZE];
    kv_slice words[2] = {{number, number_format_int64(number, count)}, value};
    struct effect effect;
    struct collection list = access_collection(&access);
    struct list_limits limits = lists_limits(&access);
    status = effect_open_with(&effect, &access, EFFECT_NAME("LREM"), words, 2);
    if (status != KV_OK) return access_close(&access, status);
    uint64_t found = list_remove(&list, &access.shard->memory, &limits, count, value);
    effect_close(&effect, &access, found > 0);
    if (found > 0) {
        access_event(&access, KV_EVENT_LIST, "lrem");
        access_settle(&access, &list, found);
    }
    if (removed != NULL) *removed = found;
    return access_close(&access, KV_OK);
}

kv_status kv_ltrim(kv *db, kv_slice key, int64_t start, int64_t stop)
{
    struct access access;
    kv_status status = lists_open_existing(&access, db, key, ACCESS_WRITE);
    if (status == KV_NONE) return KV_OK;
    if (status != KV_OK) return status;
    char numbers[2][NUMBER_INT64_SIZE];
    kv_slice words[2] = {{numbers[0], number_format_int64(numbers[0], start)},
                         {numbers[1], number_format_int64(numbers[1], stop)}};
    struct effect effect;
    struct collection list = access_collection(&access);
    struct list_limits limits = lists_limits(&access);
    uint64_t length = list_length(&list);
    status = effect_open_with(&effect, &access, EFFECT_NAME("LTRIM"), words, 2);
    if (status != KV_OK) return access_close(&access, status);
    list_trim(&list, &access.shard->memory, &limits, start, stop);
    uint64_t left = list_length(&list);
    effect_close(&effect, &access, left != length);
    access_event(&access, KV_EVENT_LIST, "ltrim");
    if (left != length) access_settle(&access, &list, length - left);
    return access_close(&access, KV_OK);
}

/* ----------------------------------------------------------------------------------------- move */

/*
 * Takes the element that is in `value` off the source, which may have been moved in its table
 * meanwhile. Cannot fail.
 */
static void lists_drop_end(struct access *source, kv_end end)
{
    access_find_again(source);
    struct collection list = access_collection(source);
    struct list_limits limits = lists_limits(source);
    (void)list_pop(&list, &source->shard->memory, &limits, end, 1, NULL, NULL);
    lists_tell_pop(source, end);
    access_settle(source, &list, 1);
}

/*
 * Copies an element behind what the buffer holds, which must stay if the move fails after all;
 * lists_give() moves it to the front.
 */
static kv_status lists_keep(kv_buffer *value, kv_slice element, kv_slice *kept)
{
    if (element.size > SIZE_MAX - value->size) return KV_NOMEM;
    kv_status status = buffer_reserve(value, value->size + element.size);
    if (status != KV_OK) return status;
    *kept = (kv_slice){(char *)value->data + value->size, element.size};
    if (element.size > 0) memcpy((char *)value->data + value->size, element.data, element.size);
    return KV_OK;
}

static void lists_give(kv_buffer *value, kv_slice kept)
{
    if (kept.size > 0) memmove(value->data, kept.data, kept.size);
    value->size = kept.size;
}

/*
 * The destination gets the element before the source loses it, as only the former may fail. Within
 * one list that comes to the same: pushed at the end where it was taken from, the copy is what
 * goes.
 */
static kv_status lists_move_opened(struct access *source, struct access *destination,
                                   kv_end from_end, kv_end to_end, kv_buffer *value)
{
    kv_slice words[3] = {destination->key, lists_end_word(from_end), lists_end_word(to_end)};
    struct effect effect;
    char scratch[PACK_TEXT_SIZE];
    kv_slice element;
    kv_status status = access_expect(destination, KV_TYPE_LIST);
    if (status == KV_OK) status = lists_keep(value, lists_end(source, from_end, scratch), &element);
    if (status != KV_OK) return status;
    status = effect_open_with(&effect, source, EFFECT_NAME("LMOVE"), words, 3);
    if (status != KV_OK) return status;
    status = lists_push_opened(destination, &element, 1, to_end, NULL);
    effect_close(&effect, source, status == KV_OK);
    if (status != KV_OK) return status;
    lists_give(value, element);
    lists_drop_end(source, from_end);
    source->shard->changes--; /* of two lists, but one change */
    return KV_OK;
}

kv_status kv_lmove(kv *db, kv_slice source, kv_slice destination, kv_end from_end, kv_end to_end,
                   kv_buffer *value)
{
    if (db == NULL) return KV_BADARG;
    kv_slice keys[2] = {source, destination};
    kv_buffer own = {0};
    struct span span;
    struct access from, to;
    span_begin(&span, db, keys, 2, 0);
    kv_status status = lists_open_existing(&from, &span.db, source, ACCESS_WRITE);
    if (status == KV_OK) {
        status = access_open(&to, &span.db, destination, ACCESS_WRITE);
        if (status == KV_OK) {
            access_find_again(&from);
            status = lists_move_opened(&from, &to, from_end, to_end, value != NULL ? value : &own);
            (void)access_close(&to, status);
        }
        (void)access_close(&from, status);
    }
    span_end(&span);
    kv_buffer_free(&own);
    return status;
}
