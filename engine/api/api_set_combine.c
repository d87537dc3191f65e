/*
 * api/api_set_combine.c -- sets made of others: intersection, union, difference.
 *
 * All keys are locked together and the time is held, so that the sets that were found stay as they
 * are until the result is made.
 */
#include "api/api_set.h"
#include "values/set_algebra.h"

/* Keys whose sets need no memory. */
#define SETS_ON_STACK 8

/* The sets of several keys at one instant. */
struct sets_group {
    struct span span;
    struct alloc *alloc;
    struct collection few[SETS_ON_STACK];
    struct collection *sets;
    size_t count;
};

/* Reads the set at each key. */
static kv_status sets_group_read(struct sets_group *group, const kv_slice *keys)
{
    kv_status status = KV_OK;
    for (size_t i = 0; i < group->count && status == KV_OK; i++) {
        struct access access;
        status = access_open_type(&access, &group->span.db, keys[i], KV_TYPE_SET, ACCESS_READ);
        if (status != KV_OK) break;
        group->sets[i] = access_collection(&access);
        status = access_close(&access, KV_OK);
    }
    return status;
}

static kv_status sets_group_allocate(struct sets_group *group, kv *db, size_t count)
{
    group->alloc = &db->view->store->alloc;
    group->count = count;
    group->sets = group->few;
    if (count > SETS_ON_STACK)
        group->sets = alloc_get_array(group->alloc, count, sizeof *group->sets);
    return group->sets != NULL ? KV_OK : KV_NOMEM;
}

static void sets_group_free(struct sets_group *group)
{
    if (group->sets != group->few)
        alloc_free(group->alloc, group->sets, group->count * sizeof *group->sets);
}

static void sets_group_end(struct sets_group *group)
{
    span_end(&group->span);
    sets_group_free(group);
}

/* Where what is needed for a time comes from: the memory is only told by its pages. */
static struct set_owner sets_group_owner(struct sets_group *group, struct memory *memory)
{
    struct store *store = group->span.db.view->store;
    memory_init(memory, &store->pages);
    return (struct set_owner){.memory = memory, .key = &store->hash_key};
}

/* ------------------------------------------------------------------------------- to be lent only */

struct sets_lent {
    kv_visit *visit;
    void *context;
};

static bool sets_lend_name(void *context, const struct member_name *name)
{
    struct sets_lent *lent = context;
    char scratch[MEMBER_TEXT_SIZE];
    return lent->visit(lent->context, member_name_text(name, scratch));
}

static kv_status sets_combine(kv *db, enum set_operation operation, const kv_slice *keys,
                              size_t count, const struct set_sink *sink)
{
    struct sets_group group;
    struct memory memory;
    if (db == NULL || keys == NULL || count == 0) return KV_BADARG;
    kv_status status = sets_group_allocate(&group, db, count);
    if (status != KV_OK) return status;
    span_begin(&group.span, db, keys, count, 0);
    span_hold_time(&group.span);
    status = sets_group_read(&group, keys);
    if (status == KV_OK) {
        struct set_owner owner = sets_group_owner(&group, &memory);
        status = set_operate(operation, group.sets, count, &owner, sink);
    }
    sets_group_end(&group);
    return status;
}

static kv_status sets_combine_and_lend(kv *db, enum set_operation operation, const kv_slice *keys,
                                       size_t count, kv_visit *visit, void *context)
{
    struct sets_lent lent = {visit, context};
    struct set_sink sink = {.put = sets_lend_name, .context = &lent};
    if (visit == NULL) return KV_BADARG;
    return sets_combine(db, operation, keys, count, &sink);
}

kv_status kv_sinter(kv *db, const kv_slice *keys, size_t key_count, kv_visit *visit, void *context)
{
    return sets_combine_and_lend(db, SET_INTERSECTION, keys, key_count, visit, context);
}

kv_status kv_sunion(kv *db, const kv_slice *keys, size_t key_count, kv_visit *visit, void *context)
{
    return sets_combine_and_lend(db, SET_UNION, keys, key_count, visit, context);
}

kv_status kv_sdiff(kv *db, const kv_slice *keys, size_t key_count, kv_visit *visit, void *context)
{
    return sets_combine_and_lend(db, SET_DIFFERENCE, keys, key_count, visit, context);
}

struct sets_counted {
    uint64_t count, limit;
};

static bool sets_count_members(void *context, uint64_t count)
{
    struct sets_counted *counted = context;
    if (counted->limit == 0 || count < counted->limit - counted->count) {
        counted->count += count;
        return true;
    }
    counted->count = counted->limit;
    return false;
}

static bool sets_count_name(void *context, const struct member_name *name)
{
    (void)name;
    return sets_count_members(context, 1);
}

static kv_status sets_combine_and_count(kv *db, enum set_operation operation, const kv_slice *keys,
                                        size_t key_count, uint64_t limit, uint64_t *count)
{
    struct sets_counted counted = {0, limit};
    struct set_sink sink = {
        .put = sets_count_name, .count = sets_count_members, .context = &counted};
    kv_status status = sets_combine(db, operation, keys, key_count, &sink);
    if (status == KV_OK && count != NULL) *count = counted.count;
    return status;
}

kv_status kv_sintercard(kv *db, const kv_slice *keys, size_t key_count, uint64_t limit,
                        uint64_t *count)
{
    return sets_combine_and_count(db, SET_INTERSECTION, keys, key_count, limit, count);
}

kv_status kv_sunioncard(kv *db, const kv_slice *keys, size_t key_count, uint64_t limit,
                        uint64_t *count)
{
    return sets_combine_and_count(db, SET_UNION, keys, key_count, limit, count);
}

kv_status kv_sdiffcard(kv *db, const kv_slice *keys, size_t key_count, uint64_t limit,
                       uint64_t *count)
{
    return sets_combine_and_count(db, SET_DIFFERENCE, keys, key_count, limit, count);
}

/* -------------------------------------------------------------------------------- to be stored */

static kv_slice sets_store_name(enum set_operation operation)
{
    if (operation == SET_INTERSECTION) return EFFECT_NAME("SINTERSTORE");
    return operation == SET_UNION ? EFFECT_NAME("SUNIONSTORE") : EFFECT_NAME("SDIFFSTORE");
}

static const char *sets_store_event(enum set_operation operation)
{
    if (operation == SET_INTERSECTION) return "sinterstore";
    return operation == SET_UNION ? "sunionstore" : "sdiffstore";
}

/* A set that grows by what an operation gives. */
struct sets_result {
    struct collection set;
    struct set_owner owner;
    kv_status status;
};

static bool sets_keep_name(void *context, const struct member_name *name)
{
    struct sets_result *result = context;
    kv_status status = set_add_name(&result->set, &result->owner, name);
    if (status < 0) result->status = status;
    return status >= 0;
}

/* Makes the result of an operation, for the shard of the destination. */
static kv_status sets_make_result(struct sets_group *group, enum set_operation operation,
                                  const struct access *destination, struct sets_result *result)
{
    struct set_sink sink = {.put = sets_keep_name, .context = result, .takes_duplicates = true};
    *result = (struct sets_result){.owner = sets_owner(destination), .status = KV_OK};
    kv_status status = set_operate(operation, group->sets, group->count, &result->owner, &sink);
    if (status == KV_OK) status = result->status;
    if (status != KV_OK) set_destroy(&result->set, result->owner.memory);
    return status;
}

static kv_status sets_store_opened(struct sets_group *group, enum set_operation operation,
                                   struct access *destination, const kv_slice *keys,
                                   uint64_t *stored)
{
    struct sets_result result;
    kv_status status = sets_group_read(group, keys);
    if (status != KV_OK) return status;
    access_find_again(destination);
    status = sets_make_result(group, operation, destination, &result);
    if (status != KV_OK) return status;
    uint64_t count = set_length(&result.set);
    status = access_replace_collection(destination, KV_TYPE_SET, &result.set,
                                       sets_store_name(operation), keys, group->count);
    if (status != KV_OK) return status;
    if (count > 0) access_event(destination, KV_EVENT_SET, sets_store_event(operation));
    if (stored != NULL) *stored = count;
    return KV_OK;
}

/* Locks the keys and the destination, which are in one array for that. */
static kv_status sets_store_begin(struct sets_group *group, kv *db, kv_slice destination,
                                  const kv_slice *keys)
{
    kv_slice *all = alloc_get_array(group->alloc, group->count + 1, sizeof *all);
    if (all == NULL) return KV_NOMEM;
    all[0] = destination;
    memcpy(all + 1, keys, group->count * sizeof *keys);
    span_begin(&group->span, db, all, group->count + 1, 0);
    span_hold_time(&group->span);
    alloc_free(group->alloc, all, (group->count + 1) * sizeof *all);
    return KV_OK;
}

static kv_status sets_combine_and_store(kv *db, enum set_operation operation, kv_slice destination,
                                        const kv_slice *keys, size_t count, uint64_t *stored)
{
    struct sets_group group;
    struct access access;
    if (db == NULL || keys == NULL || count == 0) return KV_BADARG;
    kv_status status = sets_group_allocate(&group, db, count);
    if (status != KV_OK) return status;
    status = sets_store_begin(&group, db, destination, keys);
    if (status != KV_OK) {
        sets_group_free(&group);
        return status;
    }
    status = access_open(&access, &group.span.db, destination, ACCESS_WRITE);
    if (status == KV_OK) {
        status = sets_store_opened(&group, operation, &access, keys, stored);
        (void)access_close(&access, status);
    }
    sets_group_end(&group);
    return status;
}

kv_status kv_sinterstore(kv *db, kv_slice destination, const kv_slice *keys, size_t key_count,
                         uint64_t *stored)
{
    return sets_combine_and_store(db, SET_INTERSECTION, destination, keys, key_count, stored);
}

kv_status kv_sunionstore(kv *db, kv_slice destination, const kv_slice *keys, size_t key_count,
                         uint64_t *stored)
{
    return sets_combine_and_store(db, SET_UNION, destination, keys, key_count, stored);
}

kv_status kv_sdiffstore(kv *db, kv_slice destination, const kv_slice *keys, size_t key_count,
                        uint64_t *stored)
{
    return sets_combine_and_store(db, SET_DIFFERENCE, destination, keys, key_count, stored);
}
