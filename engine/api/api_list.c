/*
 * api/api_list.c -- lists: push and pop, look, change, move. The blocking forms are in api_wait.c.
 */
#include "base/buffer.h"
#include "base/number.h"
#include "keyspace/access.h"
#include "values/list.h"

#define LISTS_WORD(text) kv_bytes(text, sizeof(text) - 1)

static kv_slice lists_end_word(kv_end end)
{
    return end == KV_HEAD ? LISTS_WORD("LEFT") : LISTS_WORD("RIGHT");
}

/* Opens a key that must hold a list or nothing. */
static kv_status lists_open(struct access *access, kv *db, kv_slice key, enum access_mode mode)
{
    if (db == NULL) return KV_BADARG;
    kv_status status = access_open(access, db, key, mode);
    if (status != KV_OK) return status;
    status = access_expect(access, KV_TYPE_LIST);
    return status == KV_OK ? KV_OK : access_close(access, status);
}

/* The same, and there must be one: else KV_NONE. */
static kv_status lists_open_existing(struct access *access, kv *db, kv_slice key,
                                     enum access_mode mode)
{
    kv_status status = lists_open(access, db, key, mode);
    if (status != KV_OK) return status;
    return access->entry != NULL ? KV_OK : access_close(access, KV_NONE);
}

static struct list lists_of(const struct access *access)
{
    return (struct list){access->entry != NULL ? (uintptr_t)entry_payload(access->entry) : 0};
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

/*
 * Puts a list that was changed in place back into its entry; one that has become empty goes, and
 * its key with it.
 */
static void lists_settle(struct access *access, const struct list *list)
{
    if (list->bits == 0) {
        access_set_payload(access, 0); /* the list freed itself */
        access_event(access, KV_EVENT_GENERIC, "del");
        access_remove(access);
        return;
    }
    access_set_payload(access, list->bits);
    access_changed(access);
    KV_CHECK(list_check(list));
}

static kv_status lists_reserve(struct access *access, const kv_slice *arguments, size_t count)
{
    size_t bytes = 0;
    if (!access_is_journaled(access)) return KV_OK;
    for (size_t i = 0; i < count; i++) bytes += arguments[i].size;
    return access_reserve_journal(access, count, bytes);
}

/* ----------------------------------------------------------------------------------------- push */

/* The arguments of a push for the journal: its name, the key, the values. */
#define LISTS_ARGUMENTS_ON_STACK 16

struct lists_arguments {
    kv_slice on_stack[LISTS_ARGUMENTS_ON_STACK];
    kv_slice *items;
    size_t count;
};

static kv_status lists_arguments_open(struct lists_arguments *arguments, struct access *access,
                                      kv_slice name, const kv_slice *values, size_t count)
{
    arguments->items = arguments->on_stack;
    arguments->count = count + 2;
    if (!access_is_journaled(access)) return KV_OK;
    if (arguments->count > LISTS_ARGUMENTS_ON_STACK) {
        arguments->items =
            alloc_get_array(&access->store->alloc, arguments->count, sizeof *arguments->items);
        if (arguments->items == NULL) return KV_NOMEM;
    }
    arguments->items[0] = name;
    arguments->items[1] = access->key;
    memcpy(arguments->items + 2, values, count * sizeof *values);
    kv_status status = lists_reserve(access, arguments->items, arguments->count);
    if (status != KV_OK && arguments->items != arguments->on_stack) {
        alloc_free(&access->store->alloc, arguments->items,
                   arguments->count * sizeof *arguments->items);
    }
    return status;
}

static void lists_arguments_close(struct lists_arguments *arguments, struct access *access)
{
    if (arguments->items == arguments->on_stack) return;
    alloc_free(&access->store->alloc, arguments->items,
               arguments->count * sizeof *arguments->items);
}

/* Pushes to the list that was opened, or makes one. All of the values or none. */
static kv_status lists_push_opened(struct access *access, const kv_slice *values, size_t count,
                                   kv_end end, uint64_t *length)
{
    struct list_limits limits = lists_limits(access);
    struct memory *memory = &access->shard->memory;
    struct list list = lists_of(access);
    kv_status status = list_push(&list, memory, &limits, end, values, count);
    if (status != KV_OK) return status;
    if (length != NULL) *length = list_length(&list);
    if (access->entry != NULL) {
        lists_settle(access, &list);
    } else {
        status = access_put_value(access, KV_TYPE_LIST, ENTRY_LIST, list.bits, KV_NEVER);
        if (status != KV_OK) {
            list_destroy(&list, memory);
            return status;
        }
    }
    lists_tell_push(access, end);
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
    struct lists_arguments arguments;
    kv_slice name = end == KV_HEAD ? LISTS_WORD("LPUSH") : LISTS_WORD("RPUSH");
    status = lists_arguments_open(&arguments, &access, name, values, count);
    if (status != KV_OK) return access_close(&access, status);
    uint64_t pushed;
    status = lists_push_opened(&access, values, count, end, &pushed);
    if (status == KV_OK) {
        if (length != NULL) *length = pushed;
        access_journal(&access, arguments.items, arguments.count);
        access.shard->changes += count - 1; /* each value counts */
    }
    lists_arguments_close(&arguments, &access);
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
    struct list list = lists_of(access);
    struct list_limits limits = lists_limits(access);
    uint64_t length = list_length(&list);
    if (count > length) count = length;
    char number[NUMBER_INT64_SIZE];
    kv_slice arguments[3] = {end == KV_HEAD ? LISTS_WORD("LPOP") : LISTS_WORD("RPOP"),
                             access->key,
                             {number, number_format_uint64(number, count)}};
    size_t argument_count = count == 1 ? 2 : 3;
    if (count > 0) {
        kv_status status = lists_reserve(access, arguments, argument_count);
        if (status != KV_OK) return status;
        access_journal(access, arguments, argument_count);
        (void)list_pop(&list, &access->shard->memory, &limits, end, count, visit, context);
        access->shard->changes += count - 1;
        lists_tell_pop(access, end);
        lists_settle(access, &list);
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
    struct list list = lists_of(access);
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
    struct list list = lists_of(&access);
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
    struct list list = lists_of(&access);
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
    struct list list = lists_of(&access);
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
    struct list list = lists_of(&access);
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
    kv_slice arguments[4] = {
        LISTS_WORD("LSET"), key, {number, number_format_int64(number, index)}, value};
    struct list list = lists_of(&access);
    struct list_limits limits = lists_limits(&access);
    status = lists_reserve(&access, arguments, 4);
    if (status == KV_OK)
        status = list_edit(&list, &access.shard->memory, &limits, index, LIST_INSTEAD, value);
    if (status == KV_OK) {
        access_journal(&access, arguments, 4);
        access_event(&access, KV_EVENT_LIST, "lset");
        lists_settle(&access, &list);
    }
    return access_close(&access, status);
}

kv_status kv_linsert(kv *db, kv_slice key, bool before, kv_slice pivot, kv_slice value,
                     uint64_t *length)
{
    struct access access;
    kv_status status = lists_open_existing(&access, db, key, ACCESS_WRITE);
    if (status != KV_OK) return status;
    kv_slice arguments[5] = {LISTS_WORD("LINSERT"), key,
                             before ? LISTS_WORD("BEFORE") : LISTS_WORD("AFTER"), pivot, value};
    struct list list = lists_of(&access);
    struct list_limits limits = lists_limits(&access);
    status = lists_reserve(&access, arguments, 5);
    if (status == KV_OK) {
        status = list_insert(&list, &access.shard->memory, &limits,
                             before ? LIST_BEFORE : LIST_AFTER, pivot, value);
    }
    if (status == KV_OK) {
        if (length != NULL) *length = list_length(&list);
        access_journal(&access, arguments, 5);
        access_event(&access, KV_EVENT_LIST, "linsert");
        lists_settle(&access, &list);
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
    kv_slice arguments[4] = {
        LISTS_WORD("LREM"), key, {number, number_format_int64(number, count)}, value};
    struct list list = lists_of(&access);
    struct list_limits limits = lists_limits(&access);
    status = lists_reserve(&access, arguments, 4);
    if (status != KV_OK) return access_close(&access, status);
    uint64_t found = list_remove(&list, &access.shard->memory, &limits, count, value);
    if (found > 0) {
        access_journal(&access, arguments, 4);
        access.shard->changes += found - 1;
        access_event(&access, KV_EVENT_LIST, "lrem");
        lists_settle(&access, &list);
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
    kv_slice arguments[4] = {LISTS_WORD("LTRIM"),
                             key,
                             {numbers[0], number_format_int64(numbers[0], start)},
                             {numbers[1], number_format_int64(numbers[1], stop)}};
    struct list list = lists_of(&access);
    struct list_limits limits = lists_limits(&access);
    uint64_t length = list_length(&list);
    status = lists_reserve(&access, arguments, 4);
    if (status != KV_OK) return access_close(&access, status);
    list_trim(&list, &access.shard->memory, &limits, start, stop);
    uint64_t left = list.bits != 0 ? list_length(&list) : 0;
    access_event(&access, KV_EVENT_LIST, "ltrim");
    if (left != length) {
        access_journal(&access, arguments, 4);
        access.shard->changes += length - left - 1;
        lists_settle(&access, &list);
    }
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
    struct list list = lists_of(source);
    struct list_limits limits = lists_limits(source);
    (void)list_pop(&list, &source->shard->memory, &limits, end, 1, NULL, NULL);
    lists_tell_pop(source, end);
    lists_settle(source, &list);
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
    kv_slice arguments[5] = {LISTS_WORD("LMOVE"), source->key, destination->key,
                             lists_end_word(from_end), lists_end_word(to_end)};
    char scratch[PACK_TEXT_SIZE];
    kv_slice element;
    kv_status status = access_expect(destination, KV_TYPE_LIST);
    if (status == KV_OK) status = lists_reserve(source, arguments, 5);
    if (status == KV_OK) status = lists_keep(value, lists_end(source, from_end, scratch), &element);
    if (status == KV_OK) status = lists_push_opened(destination, &element, 1, to_end, NULL);
    if (status != KV_OK) return status;
    lists_give(value, element);
    access_journal(source, arguments, 5);
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
