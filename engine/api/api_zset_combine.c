/*
 * api/api_zset_combine.c -- sorted sets made of others: union, intersection, difference.
 *
 * All keys are locked together and the time is held, so that the sets that were found stay as they
 * are until the result is made; which is a sorted set of its own, to be stored or just lent.
 */
#include "base/number.h"
#include "keyspace/access_collection.h"
#include "keyspace/effect.h"
#include "values/set.h"
#include "values/zset.h"

#include <math.h>
#include <stdlib.h>

enum combine_operation { COMBINE_UNION, COMBINE_INTER, COMBINE_DIFF };

/* One of the sets. */
struct combine_input {
    struct collection set; /* empty if there is no key */
    bool is_plain;         /* a set without scores: each is 1 */
    double weight;
    uint64_t count;
    size_t index; /* among the keys */
};

struct combine {
    enum combine_operation operation;
    kv_zcombine_options options;
    struct combine_input *inputs; /* union and intersection: the smallest first */
    size_t count;
    /* Where the result comes. */
    struct memory *memory;
    struct zset_rules rules;
    struct collection result;
    kv_status status;
    double weight;         /* of the set that is gone through */
    uint64_t limit, found; /* only to be counted, up to the limit */
    bool only_counts;
};

/* ---------------------------------------------------------------------------------------- inputs */

static bool combine_read_options(const kv_zcombine_options *given, kv_zcombine_options *options)
{
    *options = KV_OPTIONS(kv_zcombine_options);
    if (given == NULL || given->size < sizeof given->size || given->size > sizeof *options)
        return false;
    memcpy(options, given, given->size);
    if (options->keys == NULL || options->key_count == 0) return false;
    if (options->aggregate > KV_MAX) return false;
    for (size_t i = 0; i < options->key_count && options->weights != NULL; i++) {
        if (isnan(options->weights[i])) return false;
    }
    return true;
}

/* Looks a key up; the time is held and the lock too, so that what is found stays. */
static kv_status combine_open_input(struct combine_input *input, kv *db, kv_slice key)
{
    struct access access;
    kv_status status = access_open(&access, db, key, ACCESS_READ);
    if (status != KV_OK) return status;
    input->is_plain = access.entry != NULL && entry_type(access.entry) == KV_TYPE_SET;
    status = access_expect(&access, input->is_plain ? KV_TYPE_SET : KV_TYPE_SORTED_SET);
    if (status != KV_OK) return access_close(&access, status);
    input->set = access_collection(&access);
    input->count = input->is_plain ? set_length(&input->set) : zset_count(&input->set);
    return access_close(&access, KV_OK);
}

/* Lends members of a set to a visitor of scored ones. */
struct combine_plain {
    kv_visit_scored *visit;
    void *context;
};

static bool combine_visit_plain(void *context, kv_slice member)
{
    const struct combine_plain *plain = context;
    return plain->visit(plain->context, member, 1);
}

static void combine_input_visit(const struct combine_input *input, kv_visit_scored *visit,
                                void *context)
{
    struct combine_plain plain = {visit, context};
    if (input->is_plain) set_visit(&input->set, combine_visit_plain, &plain);
    else zset_visit(&input->set, KV_HEAD, 0, UINT64_MAX, visit, context);
}

static bool combine_input_score(const struct combine_input *input, kv_slice member, double *score)
{
    if (!input->is_plain) return zset_score(&input->set, member, score);
    *score = 1;
    return set_has(&input->set, member);
}

/* As Redis, which adds up scores in this order. */
static int combine_compare(const void *a, const void *b)
{
    const struct combine_input *x = a, *y = b;
    if (x->count != y->count) return x->count < y->count ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static kv_status combine_open(struct combine *combine, kv *db)
{
    struct alloc *alloc = &db->view->store->alloc;
    const kv_zcombine_options *options = &combine->options;
    combine->inputs = alloc_get_array(alloc, options->key_count, sizeof *combine->inputs);
    if (combine->inputs == NULL) return KV_NOMEM;
    combine->count = options->key_count;
    kv_status status = KV_OK;
    for (size_t i = 0; i < combine->count && status == KV_OK; i++) {
        struct combine_input *input = &combine->inputs[i];
        input->index = i;
        input->weight = options->weights != NULL ? options->weights[i] : 1;
        status = combine_open_input(input, db, options->keys[i]);
    }
    if (status != KV_OK) {
        alloc_free(alloc, combine->inputs, combine->count * sizeof *combine->inputs);
    } else if (combine->operation != COMBINE_DIFF) {
        qsort(combine->inputs, combine->count, sizeof *combine->inputs, combine_compare);
    }
    return status;
}

static void combine_close(struct combine *combine, kv *db)
{
    alloc_free(&db->view->store->alloc, combine->inputs, combine->count * sizeof *combine->inputs);
}

/* ---------------------------------------------------------------------------------------- scores */

static double combine_without_nan(double score)
{
    return isnan(score) ? 0 : score;
}

/* `b` may be nan: it is neither less nor more than `a`, and the sum is 0. */
static double combine_aggregate(kv_aggregate aggregate, double a, double b)
{
    if (aggregate == KV_MIN) return b < a ? b : a;
    if (aggregate == KV_MAX) return b > a ? b : a;
    return combine_without_nan(a + b);
}

static bool combine_put(struct combine *combine, kv_slice member, double score)
{
    enum zset_outcome outcome;
    if (combine->only_counts) return ++combine->found != combine->limit;
    combine->status = zset_put(&combine->result, combine->memory, &combine->rules, member, 0, false,
                               &score, &outcome);
    return combine->status == KV_OK;
}

/* ------------------------------------------------------------------------------------- operations */

static bool combine_union_visit(void *context, kv_slice member, double score)
{
    struct combine *combine = context;
    double other;
    score = combine_without_nan(score * combine->weight);
    if (zset_score(&combine->result, member, &other)) {
        score = combine_aggregate(combine->options.aggregate, other, score);
        /* Of two zeros that is not a change, nor in a small set one to -0. */
        if (score == 0 && memcmp(&score, &other, sizeof score) != 0)
            (void)zset_remove(&combine->result, combine->memory, member);
    }
    return combine_put(combine, member, score);
}

static void combine_union(struct combine *combine)
{
    for (size_t i = 0; i < combine->count && combine->status == KV_OK; i++) {
        combine->weight = combine->inputs[i].weight;
        combine_input_visit(&combine->inputs[i], combine_union_visit, combine);
    }
}

static bool combine_inter_visit(void *context, kv_slice member, double score)
{
    struct combine *combine = context;
    score = combine_without_nan(score * combine->inputs[0].weight);
    for (size_t i = 1; i < combine->count; i++) {
        const struct combine_input *input = &combine->inputs[i];
        double other;
        if (!combine_input_score(input, member, &other)) return true;
        score = combine_aggregate(combine->options.aggregate, score, other * input->weight);
    }
    return combine_put(combine, member, score);
}

static bool combine_diff_visit(void *context, kv_slice member, double score)
{
    struct combine *combine = context;
    double other;
    for (size_t i = 1; i < combine->count; i++)
        if (combine_input_score(&combine->inputs[i], member, &other)) return true;
    return combine_put(combine, member, score);
}

/* Makes the result; the empty one, if that fails. */
static kv_status combine_run(struct combine *combine)
{
    const struct combine_input *first = &combine->inputs[0];
    combine->result = (struct collection){0};
    combine->status = KV_OK;
    if (combine->operation == COMBINE_UNION) combine_union(combine);
    else if (combine->operation == COMBINE_INTER)
        combine_input_visit(first, combine_inter_visit, combine);
    else combine_input_visit(first, combine_diff_visit, combine);
    if (combine->status != KV_OK) zset_destroy(&combine->result, combine->memory);
    return combine->status;
}

/* ----------------------------------------------------------------------------------------- lending */

static struct zset_rules combine_rules(const kv *db)
{
    const struct store *store = db->view->store;
    size_t count = (size_t)store_setting(store, KV_SETTING_SORTED_SET_PACK_COUNT);
    size_t value_size = (size_t)store_setting(store, KV_SETTING_SORTED_SET_PACK_VALUE);
    return (struct zset_rules){{count, value_size}, &store->hash_key, true};
}

/* Makes the result in memory of its own and lends it. */
static kv_status combine_lend(kv *db, enum combine_operation operation,
                              const kv_zcombine_options *sets, kv_range_begin *begin,
                              kv_visit_scored *visit, void *context)
{
    struct combine combine = {.operation = operation};
    if (db == NULL || visit == NULL || !combine_read_options(sets, &combine.options))
        return KV_BADARG;
    struct memory memory;
    struct span span;
    memory_init(&memory, &db->view->store->pages);
    combine.memory = &memory;
    combine.rules = combine_rules(db);
    span_begin(&span, db, combine.options.keys, combine.options.key_count, 0);
    span_hold_time(&span);
    kv_status status = combine_open(&combine, &span.db);
    if (status == KV_OK) {
        status = combine_run(&combine);
        combine_close(&combine, &span.db);
    }
    span_end(&span);
    if (status == KV_OK) {
        if (begin != NULL) begin(context, zset_count(&combine.result));
        zset_visit(&combine.result, KV_HEAD, 0, UINT64_MAX, visit, context);
        zset_destroy(&combine.result, &memory);
    }
    memory_destroy(&memory);
    return status;
}

kv_status kv_zunion(kv *db, const kv_zcombine_options *sets, kv_range_begin *begin,
                    kv_visit_scored *visit, void *context)
{
    return combine_lend(db, COMBINE_UNION, sets, begin, visit, context);
}

kv_status kv_zinter(kv *db, const kv_zcombine_options *sets, kv_range_begin *begin,
                    kv_visit_scored *visit, void *context)
{
    return combine_lend(db, COMBINE_INTER, sets, begin, visit, context);
}

kv_status kv_zdiff(kv *db, const kv_zcombine_options *sets, kv_range_begin *begin,
                   kv_visit_scored *visit, void *context)
{
    return combine_lend(db, COMBINE_DIFF, sets, begin, visit, context);
}

kv_status kv_zintercard(kv *db, const kv_slice *keys, size_t key_count, uint64_t limit,
                        uint64_t *count)
{
    if (db == NULL || keys == NULL || key_count == 0) return KV_BADARG;
    struct combine combine = {.operation = COMBINE_INTER, .limit = limit, .only_counts = true};
    struct span span;
    combine.options = KV_OPTIONS(kv_zcombine_options);
    combine.options.keys = keys;
    combine.options.key_count = key_count;
    span_begin(&span, db, keys, key_count, 0);
    span_hold_time(&span);
    kv_status status = combine_open(&combine, &span.db);
    if (status == KV_OK) {
        status = combine_run(&combine);
        combine_close(&combine, &span.db);
    }
    span_end(&span);
    if (status == KV_OK && count != NULL) *count = combine.found;
    return status;
}

/* ---------------------------------------------------------------------------------------- storing */

/* What the journal is told: the number of keys, the keys, the weights, how to aggregate. */
struct combine_words {
    kv_slice *words;
    size_t count, capacity;
    char *texts; /* of the weights, NUMBER_DOUBLE_SIZE each; then the number of keys */
    size_t text_size;
};

static kv_slice combine_name(enum combine_operation operation)
{
    if (operation == COMBINE_UNION) return EFFECT_NAME("ZUNIONSTORE");
    return operation == COMBINE_INTER ? EFFECT_NAME("ZINTERSTORE") : EFFECT_NAME("ZDIFFSTORE");
}

static const char *combine_event(enum combine_operation operation)
{
    if (operation == COMBINE_UNION) return "zunionstore";
    return operation == COMBINE_INTER ? "zinterstore" : "zdiffstore";
}

static kv_slice combine_aggregate_word(kv_aggregate aggregate)
{
    if (aggregate == KV_SUM) return EFFECT_NAME("SUM");
    return aggregate == KV_MIN ? EFFECT_NAME("MIN") : EFFECT_NAME("MAX");
}

static void combine_words_add(struct combine_words *words, kv_slice word)
{
    assert(words->count < words->capacity);
    words->words[words->count++] = word;
}

static void combine_words_fill(struct combine_words *words, const struct combine *combine)
{
    const kv_zcombine_options *options = &combine->options;
    char *text = words->texts;
    combine_words_add(words, kv_bytes(text, number_format_uint64(text, options->key_count)));
    for (size_t i = 0; i < options->key_count; i++) combine_words_add(words, options->keys[i]);
    if (combine->operation == COMBINE_DIFF) return;
    if (options->weights != NULL) combine_words_add(words, EFFECT_NAME("WEIGHTS"));
    for (size_t i = 0; i < options->key_count && options->weights != NULL; i++) {
        text += NUMBER_DOUBLE_SIZE;
        size_t size = number_format_double_shortest(text, options->weights[i]);
        combine_words_add(words, kv_bytes(text, size));
    }
    if (options->aggregate == KV_SUM) return;
    combine_words_add(words, EFFECT_NAME("AGGREGATE"));
    combine_words_add(words, combine_aggregate_word(options->aggregate));
}

static void combine_words_close(struct combine_words *words, struct access *access)
{
    struct alloc *alloc = &access->store->alloc;
    alloc_free(alloc, words->words, words->capacity * sizeof *words->words);
    alloc_free(alloc, words->texts, words->text_size);
}

static kv_status combine_words_open(struct combine_words *words, struct access *access,
                                    const struct combine *combine)
{
    *words = (struct combine_words){.words = NULL};
    if (!access_is_journaled(access)) return KV_OK;
    struct alloc *alloc = &access->store->alloc;
    size_t keys = combine->options.key_count;
    words->capacity = 2 * keys + 4;
    words->text_size = (keys + 1) * NUMBER_DOUBLE_SIZE;
    words->words = alloc_get_array(alloc, words->capacity, sizeof *words->words);
    words->texts = alloc_get(alloc, words->text_size);
    if (words->words == NULL || words->texts == NULL) {
        combine_words_close(words, access);
        return KV_NOMEM;
    }
    combine_words_fill(words, combine);
    return KV_OK;
}

static kv_status combine_keep(struct combine *combine, struct access *destination)
{
    struct combine_words words;
    kv_status status = combine_words_open(&words, destination, combine);
    if (status != KV_OK) {
        zset_destroy(&combine->result, combine->memory);
        return status;
    }
    status = access_replace_collection(destination, KV_TYPE_SORTED_SET, &combine->result,
                                       combine_name(combine->operation), words.words, words.count);
    combine_words_close(&words, destination);
    if (status == KV_OK && destination->entry != NULL)
        access_event(destination, KV_EVENT_SORTED_SET, combine_event(combine->operation));
    return status;
}

static kv_status combine_store_opened(struct combine *combine, kv *db, struct access *destination,
                                      uint64_t *stored)
{
    combine->memory = &destination->shard->memory;
    kv_status status = combine_open(combine, db);
    if (status != KV_OK) return status;
    access_find_again(destination);
    status = combine_run(combine);
    combine_close(combine, db);
    if (status != KV_OK) return status;
    uint64_t count = zset_count(&combine->result);
    status = zset_shrink(&combine->result, combine->memory, &combine->rules);
    if (status == KV_OK) status = combine_keep(combine, destination);
    else zset_destroy(&combine->result, combine->memory);
    if (status == KV_OK && stored != NULL) *stored = count;
    return status;
}

/* Locks the keys and the destination, which are in one array for that. */
static kv_status combine_begin(struct span *span, kv *db, kv_slice destination,
                               const kv_zcombine_options *options)
{
    struct alloc *alloc = &db->view->store->alloc;
    size_t count = options->key_count + 1;
    kv_slice *keys = alloc_get_array(alloc, count, sizeof *keys);
    if (keys == NULL) return KV_NOMEM;
    keys[0] = destination;
    memcpy(keys + 1, options->keys, options->key_count * sizeof *keys);
    span_begin(span, db, keys, count, 0);
    span_hold_time(span);
    alloc_free(alloc, keys, count * sizeof *keys);
    return KV_OK;
}

static kv_status combine_store(kv *db, enum combine_operation operation, kv_slice destination,
                               const kv_zcombine_options *sets, uint64_t *stored)
{
    struct combine combine = {.operation = operation};
    if (db == NULL || !combine_read_options(sets, &combine.options)) return KV_BADARG;
    struct span span;
    struct access to;
    combine.rules = combine_rules(db);
    kv_status status = combine_begin(&span, db, destination, &combine.options);
    if (status != KV_OK) return status;
    status = access_open(&to, &span.db, destination, ACCESS_WRITE);
    if (status == KV_OK) {
        status = combine_store_opened(&combine, &span.db, &to, stored);
        (void)access_close(&to, status);
    }
    span_end(&span);
    return status;
}

kv_status kv_zunionstore(kv *db, kv_slice destination, const kv_zcombine_options *sets,
                         uint64_t *stored)
{
    return combine_store(db, COMBINE_UNION, destination, sets, stored);
}

kv_status kv_zinterstore(kv *db, kv_slice destination, const kv_zcombine_options *sets,
                         uint64_t *stored)
{
    return combine_store(db, COMBINE_INTER, destination, sets, stored);
}

kv_status kv_zdiffstore(kv *db, kv_slice destination, const kv_zcombine_options *sets,
                        uint64_t *stored)
{
    return combine_store(db, COMBINE_DIFF, destination, sets, stored);
}
