/*
 * api/api_sort.c -- kv_sort(): the elements of a list, set or sorted set in order, by themselves or
 * by what other keys say of them.
 *
 * The keys that patterns name are known only when the elements are, so all shards are locked if
 * there is such a pattern. What is sorted are copies, in a memory that lasts as long as the call.
 */
#include "base/number.h"
#include "keyspace/access_collection.h"
#include "keyspace/effect.h"
#include "keyspace/text.h"
#include "values/hash.h"
#include "values/list.h"
#include "values/set.h"
#include "values/sort.h"
#include "values/zset.h"

struct sorting {
    struct span span;
    struct store *store;
    struct memory memory; /* of the copies */
    kv_sort_options options;
    struct sort_pattern by;
    bool has_weights; /* of other keys */
    bool is_sorted;   /* else the elements stay as they come */
    bool is_ordered;  /* the keys are */
    bool is_alphabetic;
    kv_type type;            /* of what is sorted */
    struct sort_item *items; /* as they come */
    struct sort_key *keys;   /* in order, and room behind them for as many again */
    size_t capacity, count;
    kv_status status; /* of the copying */
};

/* --------------------------------------------------------------------------------------- options */

static bool sorting_read_options(struct sorting *sorting, const kv_sort_options *given)
{
    kv_sort_options *options = &sorting->options;
    *options = KV_OPTIONS(kv_sort_options);
    if (given == NULL) return true;
    if (given->size < sizeof given->size || given->size > sizeof *options) return false;
    memcpy(options, given, given->size);
    return options->get != NULL || options->get_count == 0;
}

/*
 * How to sort. What is stored must not depend on the order in which a set happens to be kept: if no
 * other order is asked for it is that of the bytes.
 */
static void sorting_decide(struct sorting *sorting, bool is_stored)
{
    const kv_sort_options *options = &sorting->options;
    bool has_by = options->by != NULL;
    sorting->by.is_constant = true;
    if (has_by) sorting->by = sort_pattern(*options->by);
    sorting->has_weights = has_by && !sorting->by.is_constant;
    sorting->is_sorted = !has_by || sorting->has_weights;
    sorting->is_alphabetic = options->alphabetic;
    if (!sorting->is_sorted && is_stored && sorting->type == KV_TYPE_SET)
        sorting->is_sorted = sorting->is_alphabetic = true;
}

/* Whether patterns name other keys. */
static bool sorting_looks_elsewhere(const kv_sort_options *options)
{
    if (options->by != NULL && !sort_pattern(*options->by).is_constant) return true;
    for (size_t i = 0; i < options->get_count; i++)
        if (!sort_pattern(options->get[i]).is_constant) return true;
    return false;
}

static kv_status sorting_begin(struct sorting *sorting, kv *db, const kv_slice *keys, size_t count,
                               const kv_sort_options *options)
{
    if (db == NULL || !sorting_read_options(sorting, options)) return KV_BADARG;
    bool all = sorting_looks_elsewhere(&sorting->options);
    sorting->store = db->view->store;
    sorting->items = NULL;
    sorting->keys = NULL;
    sorting->is_ordered = false;
    sorting->capacity = sorting->count = 0;
    sorting->status = KV_OK;
    memory_init(&sorting->memory, &sorting->store->pages);
    span_begin(&sorting->span, db, all ? NULL : keys, all ? 0 : count, all ? KV_TXN_ALL : 0);
    span_hold_time(&sorting->span);
    return KV_OK;
}

static void sorting_end(struct sorting *sorting)
{
    struct alloc *alloc = &sorting->store->alloc;
    span_end(&sorting->span);
    if (sorting->keys != NULL)
        alloc_free(alloc, sorting->keys, 2 * sorting->capacity * sizeof *sorting->keys);
    if (sorting->items != NULL)
        alloc_free(alloc, sorting->items, sorting->capacity * sizeof *sorting->items);
    memory_destroy(&sorting->memory);
}

/* --------------------------------------------------------------------------------------- loading */

static kv_status sorting_copy(struct sorting *sorting, kv_slice text, kv_slice *copy)
{
    char *block = memory_get(&sorting->memory, text.size);
    if (block == NULL) return KV_NOMEM;
    if (text.size > 0) memcpy(block, text.data, text.size);
    *copy = (kv_slice){block, text.size};
    return KV_OK;
}

static bool sorting_load_one(void *context, kv_slice element)
{
    struct sorting *sorting = context;
    struct sort_item *item = &sorting->items[sorting->count];
    assert(sorting->count < sorting->capacity);
    memset(item, 0, sizeof *item);
    sorting->status = sorting_copy(sorting, element, &item->element);
    if (sorting->status != KV_OK) return false;
    sorting->count++;
    return true;
}

static bool sorting_load_member(void *context, kv_slice member, double score)
{
    (void)score;
    return sorting_load_one(context, member);
}

/* The part of `length` elements that is asked for: gives how many, and the first. */
static uint64_t sorting_range(const kv_sort_options *options, uint64_t length, uint64_t *first)
{
    *first = 0;
    if (!options->limited) return length;
    if (options->offset > 0) *first = (uint64_t)options->offset;
    if (*first >= length) return 0;
    uint64_t left = length - *first;
    return options->count < 0 || (uint64_t)options->count > left ? left : (uint64_t)options->count;
}

static uint64_t sorting_length(const struct sorting *sorting, const struct collection *collection)
{
    if (sorting->type == KV_TYPE_SET) return set_length(collection);
    return sorting->type == KV_TYPE_LIST ? list_length(collection) : zset_count(collection);
}

/* Copies `count` elements, of lists and sorted sets those from `first` on, counted from `end`. */
static void sorting_visit(struct sorting *sorting, const struct collection *collection, kv_end end,
                          uint64_t first, uint64_t count)
{
    if (sorting->type == KV_TYPE_SET) set_visit(collection, sorting_load_one, sorting);
    else if (sorting->type == KV_TYPE_LIST)
        (void)list_visit(collection, end, first, count, sorting_load_one, sorting);
    else zset_visit(collection, end, first, count, sorting_load_member, sorting);
}

/* Room for the items, and for their order. */
static kv_status sorting_allocate(struct sorting *sorting, uint64_t count)
{
    struct alloc *alloc = &sorting->store->alloc;
    if (count > SIZE_MAX / 2) return KV_NOMEM;
    sorting->capacity = (size_t)count;
    sorting->items = alloc_get_array(alloc, sorting->capacity, sizeof *sorting->items);
    if (sorting->items == NULL) return KV_NOMEM;
    if (!sorting->is_sorted) return KV_OK;
    sorting->keys = alloc_get_array(alloc, 2 * sorting->capacity, sizeof *sorting->keys);
    return sorting->keys != NULL ? KV_OK : KV_NOMEM;
}

/* Copies elements: of what stays in its order those that are asked for, else all. */
static kv_status sorting_load(struct sorting *sorting, const struct collection *collection)
{
    uint64_t first = 0, count = sorting_length(sorting, collection);
    bool in_place = !sorting->is_sorted && sorting->type != KV_TYPE_SET;
    if (in_place) count = sorting_range(&sorting->options, count, &first);
    if (count == 0) return KV_OK;
    kv_status status = sorting_allocate(sorting, count);
    if (status != KV_OK) return status;
    kv_end end = in_place && sorting->options.descending ? KV_TAIL : KV_HEAD;
    sorting_visit(sorting, collection, end, first, count);
    return sorting->status;
}

/* ----------------------------------------------------------------------------------- looking up */

/* Shows the string, or the field of a hash, at the key that was opened. False: there is none. */
static bool sorting_show(const struct access *access, const struct sort_pattern *pattern,
                         kv_visit *visit, void *context, bool *goes_on)
{
    char scratch[PACK_TEXT_SIZE];
    kv_slice text;
    if (access->entry == NULL) return false;
    kv_type type = entry_type(access->entry);
    if (type != (pattern->has_field ? KV_TYPE_HASH : KV_TYPE_STRING)) return false;
    if (!pattern->has_field) {
        text = text_of(access->entry, scratch);
    } else {
        struct collection hash = access_collection(access);
        if (!hash_get(&hash, pattern->field, scratch, &text)) return false;
    }
    *goes_on = visit(context, text);
    return true;
}

/*
 * Shows what a pattern names for an element: KV_NONE if that is nothing. KV_NOMEM; KV_NOTLOCKED in a
 * transaction that did not declare the key.
 */
static kv_status sorting_look_up(struct sorting *sorting, const struct sort_pattern *pattern,
                                 kv_slice element, kv_visit *visit, void *context, bool *goes_on)
{
    if (pattern->is_element) {
        *goes_on = visit(context, element);
        return KV_OK;
    }
    if (pattern->is_constant) return KV_NONE;
    kv_slice key;
    struct access access;
    kv_status status = sort_pattern_key(pattern, element, &sorting->memory, &key);
    if (status != KV_OK) return status;
    status = access_open(&access, &sorting->span.db, key, ACCESS_READ);
    if (status == KV_OK) {
        bool is_there = sorting_show(&access, pattern, visit, context, goes_on);
        status = access_close(&access, is_there ? KV_OK : KV_NONE);
    }
    memory_free(&sorting->memory, (void *)(uintptr_t)key.data, key.size);
    return status;
}

/* Elements for which keys are fetched at once. */
#define SORTING_AHEAD 32

/* The element that comes as the one of this number, whether they are in order yet or not. */
static kv_slice sorting_element(const struct sorting *sorting, size_t index)
{
    return sorting->is_ordered ? sorting->keys[index].item->element : sorting->items[index].element;
}

/*
 * Fetches what a pattern names for the elements that come next, so that their cache misses overlap.
 * Without memory that takes longer.
 */
static void sorting_fetch(struct sorting *sorting, const struct sort_pattern *pattern, size_t first,
                          size_t end)
{
    kv_slice keys[SORTING_AHEAD];
    size_t count = 0;
    if (pattern->is_constant) return;
    for (size_t i = first; i < end && count < SORTING_AHEAD; i++) {
        kv_slice element = sorting_element(sorting, i);
        if (sort_pattern_key(pattern, element, &sorting->memory, &keys[count]) != KV_OK) break;
        count++;
    }
    if (count > 0) kv_prefetch(&sorting->span.db, keys, count);
    while (count-- > 0)
        memory_free(&sorting->memory, (void *)(uintptr_t)keys[count].data, keys[count].size);
}

/* --------------------------------------------------------------------------------------- ordering */

struct sorting_weight {
    struct sorting *sorting;
    struct sort_item *item;
    kv_status status;
};

static bool sorting_weigh_text(void *context, kv_slice text)
{
    struct sorting_weight *weight = context;
    struct sort_item *item = weight->item;
    if (weight->sorting->is_alphabetic)
        weight->status = sorting_copy(weight->sorting, text, &item->weight);
    else if (!sort_score(text, &item->score)) weight->status = KV_NOTFLOAT;
    return true;
}

/* Gives an item its weight, if it has one. */
static kv_status sorting_weigh(struct sorting *sorting, struct sort_item *item)
{
    struct sorting_weight weight = {sorting, item, KV_OK};
    bool goes_on;
    if (!sorting->has_weights && sorting->is_alphabetic) {
        item->weight = item->element;
        return KV_OK;
    }
    if (!sorting->has_weights) {
        (void)sorting_weigh_text(&weight, item->element);
        return weight.status;
    }
    kv_status status = sorting_look_up(sorting, &sorting->by, item->element, sorting_weigh_text,
                                       &weight, &goes_on);
    return status < 0 ? status : weight.status;
}

/*
 * A number that is none is told of when all else has been done, so that a failure of another kind
 * comes first.
 */
static kv_status sorting_sort(struct sorting *sorting)
{
    struct sort_order order = {
        .by_score = !sorting->is_alphabetic,
        .is_descending = sorting->options.descending,
        .is_by_element = !sorting->is_alphabetic || sorting->type == KV_TYPE_SET,
    };
    kv_status result = KV_OK;
    if (!sorting->is_sorted || sorting->count == 0) return KV_OK;
    for (size_t i = 0; i < sorting->count; i++) {
        if (i % SORTING_AHEAD == 0) sorting_fetch(sorting, &sorting->by, i, sorting->count);
        kv_status status = sorting_weigh(sorting, &sorting->items[i]);
        if (status == KV_NOTFLOAT) result = status;
        else if (status != KV_OK) return status;
    }
    if (result == KV_OK) {
        struct sort_key *room = sorting->keys + sorting->capacity;
        sort_items(sorting->items, sorting->keys, room, sorting->count, &order);
        sorting->is_ordered = true;
    }
    return result;
}

/* Sorts what the key holds; then `first` and `count` tell which of the items are asked for. */
static kv_status sorting_run(struct sorting *sorting, kv_slice key, bool is_stored, uint64_t *first,
                             uint64_t *count)
{
    struct access access;
    *first = *count = 0;
    kv_status status = access_open(&access, &sorting->span.db, key, ACCESS_READ);
    if (status != KV_OK) return status;
    if (access.entry == NULL) return access_close(&access, KV_OK);
    sorting->type = entry_type(access.entry);
    if (sorting->type != KV_TYPE_LIST && sorting->type != KV_TYPE_SET &&
        sorting->type != KV_TYPE_SORTED_SET)
        return access_close(&access, KV_WRONGTYPE);
    sorting_decide(sorting, is_stored);
    struct collection collection = access_collection(&access);
    status = access_close(&access, sorting_load(sorting, &collection));
    if (status == KV_OK) status = sorting_sort(sorting);
    if (status != KV_OK) return status;
    bool is_cut = !sorting->is_sorted && sorting->type != KV_TYPE_SET;
    *count = is_cut ? sorting->count : sorting_range(&sorting->options, sorting->count, first);
    return KV_OK;
}

/* ---------------------------------------------------------------------------------------- answers */

/* Where the elements go, or what GET names in their stead. */
struct sorting_answer {
    struct sorting *sorting;
    kv_visit_at *visit;
    void *context;
    size_t index;
};

static bool sorting_answer_text(void *context, kv_slice text)
{
    struct sorting_answer *answer = context;
    return answer->visit(answer->context, answer->index++, &text);
}

/* Answers for one element. KV_OK; KV_SKIPPED if no more is wanted; below 0. */
static kv_status sorting_answer_one(struct sorting_answer *answer, kv_slice element)
{
    const kv_sort_options *options = &answer->sorting->options;
    bool goes_on = true;
    if (options->get_count == 0) goes_on = sorting_answer_text(answer, element);
    for (size_t i = 0; i < options->get_count && goes_on; i++) {
        struct sort_pattern pattern = sort_pattern(options->get[i]);
        kv_status status = sorting_look_up(answer->sorting, &pattern, element, sorting_answer_text,
                                           answer, &goes_on);
        if (status < 0) return status;
        if (status == KV_NONE) goes_on = answer->visit(answer->context, answer->index++, NULL);
    }
    return goes_on ? KV_OK : KV_SKIPPED;
}

/*
 * In order the items and their texts are anywhere in memory: fetches the texts of the elements that
 * come next, and the items of those that come then. (Not inline gcc takes it for a function without
 * effect.)
 */
KV_INLINE void sorting_fetch_ordered(const struct sorting *sorting, size_t first, size_t end)
{
    if (!sorting->is_ordered) return;
    for (size_t i = first; i < end && i - first < 2 * SORTING_AHEAD; i++) {
        if (i - first < SORTING_AHEAD) KV_PREFETCH(sorting->keys[i].item->element.data);
        else KV_PREFETCH(sorting->keys[i].item);
    }
}

static kv_status sorting_answer_all(struct sorting_answer *answer, uint64_t first, uint64_t count)
{
    struct sorting *sorting = answer->sorting;
    const kv_sort_options *options = &sorting->options;
    kv_status status = KV_OK;
    for (size_t i = 0; i < count && status == KV_OK; i++) {
        size_t at = (size_t)first + i, end = (size_t)(first + count);
        if (i % SORTING_AHEAD == 0) sorting_fetch_ordered(sorting, at, end);
        for (size_t j = 0; i % SORTING_AHEAD == 0 && j < options->get_count; j++) {
            struct sort_pattern pattern = sort_pattern(options->get[j]);
            sorting_fetch(sorting, &pattern, at, end);
        }
        status = sorting_answer_one(answer, sorting_element(sorting, at));
    }
    return status < 0 ? status : KV_OK;
}

/* How many answers there are for so many elements. */
static uint64_t sorting_answers(const struct sorting *sorting, uint64_t count)
{
    return sorting->options.get_count > 0 ? count * sorting->options.get_count : count;
}

kv_status kv_sort(kv *db, kv_slice key, const kv_sort_options *options, kv_range_begin *begin,
                  kv_visit_at *visit, void *context)
{
    struct sorting sorting;
    uint64_t first, count;
    if (visit == NULL) return KV_BADARG;
    kv_status status = sorting_begin(&sorting, db, &key, 1, options);
    if (status != KV_OK) return status;
    status = sorting_run(&sorting, key, false, &first, &count);
    if (status == KV_OK) {
        struct sorting_answer answer = {&sorting, visit, context, 0};
        if (begin != NULL) begin(context, sorting_answers(&sorting, count));
        status = sorting_answer_all(&answer, first, count);
    }
    sorting_end(&sorting);
    return status;
}

/* ---------------------------------------------------------------------------------------- storing */

/* A list that grows by what is answered. */
struct sorting_result {
    struct collection list;
    struct memory *memory;
    struct list_limits limits;
    kv_status status;
};

static bool sorting_keep_one(void *context, size_t index, const kv_slice *item)
{
    struct sorting_result *result = context;
    kv_slice value = item != NULL ? *item : kv_bytes(NULL, 0);
    (void)index;
    result->status = list_push(&result->list, result->memory, &result->limits, KV_TAIL, &value, 1);
    return result->status == KV_OK;
}

static kv_status sorting_make_list(struct sorting *sorting, uint64_t first, uint64_t count,
                                   const struct access *destination, struct collection *list)
{
    struct sorting_result result = {
        .memory = &destination->shard->memory,
        .limits = list_limits_of(store_setting(sorting->store, KV_SETTING_LIST_PACK_SIZE)),
        .status = KV_OK,
    };
    struct sorting_answer answer = {sorting, sorting_keep_one, &result, 0};
    kv_status status = sorting_answer_all(&answer, first, count);
    if (status == KV_OK) status = result.status;
    if (status != KV_OK) list_destroy(&result.list, result.memory);
    *list = result.list;
    return status;
}

/* The words of a SORT with STORE; room for the most there can be is given. */
static size_t sorting_words(const struct sorting *sorting, kv_slice key, kv_slice destination,
                            char numbers[2][NUMBER_INT64_SIZE], kv_slice *words)
{
    const kv_sort_options *options = &sorting->options;
    size_t count = 0;
    words[count++] = EFFECT_NAME("SORT");
    words[count++] = key;
    if (options->by != NULL) {
        words[count++] = EFFECT_NAME("BY");
        words[count++] = *options->by;
    }
    if (options->limited) {
        words[count++] = EFFECT_NAME("LIMIT");
        words[count++] = kv_bytes(numbers[0], number_format_int64(numbers[0], options->offset));
        words[count++] = kv_bytes(numbers[1], number_format_int64(numbers[1], options->count));
    }
    for (size_t i = 0; i < options->get_count; i++) {
        words[count++] = EFFECT_NAME("GET");
        words[count++] = options->get[i];
    }
    if (options->descending) words[count++] = EFFECT_NAME("DESC");
    if (options->alphabetic) words[count++] = EFFECT_NAME("ALPHA");
    words[count++] = EFFECT_NAME("STORE");
    words[count++] = destination;
    return count;
}

#define SORTING_WORDS_MOST 11 /* without GET */

/* Puts a list that is not empty under the destination and writes the effect, if both can be done. */
static kv_status sorting_keep(struct sorting *sorting, kv_slice key, struct access *destination,
                              struct collection *list)
{
    struct alloc *alloc = &sorting->store->alloc;
    size_t most = SORTING_WORDS_MOST + 2 * sorting->options.get_count, size = 0;
    char numbers[2][NUMBER_INT64_SIZE];
    kv_slice *words = alloc_get_array(alloc, most, sizeof *words);
    if (words == NULL) return KV_NOMEM;
    size_t count = sorting_words(sorting, key, destination->key, numbers, words);
    assert(count <= most);
    for (size_t i = 0; i < count; i++) size += words[i].size;
    kv_status status = access_reserve_journal(destination, count, size);
    if (status == KV_OK)
        status =
            access_put_value(destination, KV_TYPE_LIST, ENTRY_COLLECTION, list->word, KV_NEVER);
    if (status == KV_OK && access_is_journaled(destination))
        access_journal(destination, words, count);
    alloc_free(alloc, words, most * sizeof *words);
    return status;
}

static kv_status sorting_store_opened(struct sorting *sorting, kv_slice key,
                                      struct access *destination, uint64_t *stored)
{
    struct collection list;
    uint64_t first, count;
    kv_status status = sorting_run(sorting, key, true, &first, &count);
    if (status == KV_OK) status = sorting_make_list(sorting, first, count, destination, &list);
    if (status != KV_OK) return status;
    access_find_again(destination); /* after the other keys were looked at */
    uint64_t length = list_length(&list);
    if (length == 0) {
        status = access_replace_collection(destination, KV_TYPE_LIST, &list, EFFECT_NAME("SORT"),
                                           NULL, 0);
    } else {
        status = sorting_keep(sorting, key, destination, &list);
        if (status != KV_OK) list_destroy(&list, &destination->shard->memory);
        if (status == KV_OK) access_event(destination, KV_EVENT_LIST, "sortstore");
        if (status == KV_OK) destination->shard->changes += length - 1;
    }
    if (status == KV_OK && stored != NULL) *stored = length;
    return status;
}

kv_status kv_sortstore(kv *db, kv_slice destination, kv_slice key, const kv_sort_options *options,
                       uint64_t *stored)
{
    struct sorting sorting;
    struct access access;
    kv_slice keys[2] = {destination, key};
    kv_status status = sorting_begin(&sorting, db, keys, 2, options);
    if (status != KV_OK) return status;
    status = access_open(&access, &sorting.span.db, destination, ACCESS_WRITE);
    if (status == KV_OK) {
        status = sorting_store_opened(&sorting, key, &access, stored);
        (void)access_close(&access, status);
    }
    sorting_end(&sorting);
    return status;
}
