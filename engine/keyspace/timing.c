/*
 * keyspace/timing.c -- see timing.h.
 */
#include "keyspace/timing.h"

#include "base/number.h"
#include "keyspace/effect.h"

/* Elements of one call that need no memory to be remembered in. */
#define TIMING_ON_STACK 16

/* What is long past is all the same, and the last instant means "never". */
KV_INTERNAL int64_t timing_kept_deadline(int64_t deadline_ms)
{
    if (deadline_ms < 1) return 1;
    return deadline_ms < KV_NEVER ? deadline_ms : KV_NEVER - 1;
}

KV_INTERNAL kv_status timing_reserve(struct access *access, int64_t deadline_ms)
{
    if (access->entry == NULL || deadline_ms == KV_NEVER || deadline_ms < 0) return KV_OK;
    int64_t next_ms = value_next_deadline(access->entry);
    if (next_ms == 0 || next_ms > deadline_ms) next_ms = deadline_ms;
    return access_expect_fields_due(access, next_ms);
}

/* ----------------------------------------------------------------------------------- the effect */

/* "HPEXPIREAT key milliseconds FIELDS count field...", of which so many elements may come. */
struct timing_effect {
    struct effect effect;
    char deadline[NUMBER_INT64_SIZE], number[NUMBER_INT64_SIZE];
    size_t number_at; /* the word with the count, which is known at the end */
    size_t added;
};

static kv_status timing_effect_open(struct timing_effect *effect, struct access *access,
                                    const struct timing *timing,
                                    const struct collection_words *words)
{
    bool persists = timing->deadline_ms == KV_NEVER;
    const char *name = timing->removes ? words->remove : persists ? words->persist : words->expire;
    kv_slice elements = kv_text(words->elements);
    size_t size = 2 * NUMBER_INT64_SIZE + elements.size;
    for (size_t i = 0; i < timing->count && access_is_journaled(access); i++)
        size += timing->names[i].size;
    effect->added = effect->number_at = 0;
    kv_status status = effect_open(&effect->effect, access, kv_text(name), timing->count + 3, size);
    if (status != KV_OK || timing->removes || effect->effect.words == NULL) return status;
    if (!persists) {
        size_t digits = number_format_int64(effect->deadline, timing->deadline_ms);
        effect_add(&effect->effect, (kv_slice){effect->deadline, digits});
    }
    effect_add(&effect->effect, elements);
    effect->number_at = effect->effect.count;
    effect_add(&effect->effect, EFFECT_NAME(""));
    return KV_OK;
}

static void timing_effect_add(struct timing_effect *effect, kv_slice name)
{
    effect_add(&effect->effect, name);
    effect->added++;
}

static void timing_effect_close(struct timing_effect *effect, struct access *access, bool happened)
{
    if (effect->number_at != 0) {
        kv_slice *number = &effect->effect.words[effect->number_at];
        *number = (kv_slice){effect->number, number_format_uint64(effect->number, effect->added)};
    }
    effect_close(&effect->effect, access, happened && effect->added > 0);
}

/* ------------------------------------------------------------------------------- one by one */

static bool timing_condition_holds(int64_t old_ms, const struct timing *timing)
{
    unsigned flags = timing->flags;
    bool has_old = old_ms != KV_NEVER;
    if ((flags & KV_EXPIRE_NX) != 0 && has_old) return false;
    if ((flags & KV_EXPIRE_XX) != 0 && !has_old) return false;
    /* An element without a deadline lasts longer than any. */
    if ((flags & KV_EXPIRE_GT) != 0 && timing->deadline_ms <= old_ms) return false;
    if ((flags & KV_EXPIRE_LT) != 0 && timing->deadline_ms >= old_ms) return false;
    return true;
}

/* A call on the collection that was opened. */
struct timing_run {
    struct access *access;
    struct timing *timing;
    const struct collection_kind *kind;
    struct collection collection;
    struct timing_effect effect;
    int64_t *olds; /* what each element had, so that it can be given back; 0: nothing was done */
};

/* What is to become of an element. */
static kv_field_result timing_judge(const struct timing_run *run, kv_slice name, int64_t *old_ms)
{
    const struct timing *timing = run->timing;
    if (!run->kind->get_deadline(&run->collection, name, old_ms)) return KV_FIELD_NONE;
    if (timing->deadline_ms == KV_NEVER)
        return *old_ms != KV_NEVER ? KV_FIELD_DONE : KV_FIELD_UNTIMED;
    if (!timing_condition_holds(*old_ms, timing)) return KV_FIELD_SKIPPED;
    return timing->removes ? KV_FIELD_REMOVED : KV_FIELD_DONE;
}

/* Makes room for deadlines, if any element is going to get one: so others leave it as it is. */
static kv_status timing_make_room(struct timing_run *run)
{
    const struct timing *timing = run->timing;
    struct access *access = run->access;
    if (timing->deadline_ms == KV_NEVER || timing->removes) return KV_OK;
    int64_t old_ms;
    size_t i = 0;
    while (i < timing->count && timing_judge(run, timing->names[i], &old_ms) != KV_FIELD_DONE) i++;
    if (i == timing->count) return KV_OK;
    return run->kind->reserve_deadlines(&run->collection, &access->shard->memory,
                                        &access->store->hash_key, timing->count);
}

/* Gives the elements before `count` back what they had. */
static void timing_undo(struct timing_run *run, size_t count)
{
    struct memory *memory = &run->access->shard->memory;
    while (count-- > 0) {
        if (run->olds[count] == 0) continue;
        (void)run->kind->set_deadline(&run->collection, memory, run->timing->names[count],
                                      run->olds[count]);
    }
}

static kv_status timing_each(struct timing_run *run)
{
    struct timing *timing = run->timing;
    struct memory *memory = &run->access->shard->memory;
    kv_status status = timing_make_room(run);
    for (size_t i = 0; i < timing->count && status == KV_OK; i++) {
        kv_slice name = timing->names[i];
        int64_t old_ms;
        kv_field_result result = timing_judge(run, name, &old_ms);
        run->olds[i] = 0;
        timing->results[i] = result;
        if (result == KV_FIELD_REMOVED) {
            (void)run->kind->remove(&run->collection, memory, &name, 1);
        } else if (result == KV_FIELD_DONE) {
            status = run->kind->set_deadline(&run->collection, memory, name, timing->deadline_ms);
            if (status != KV_OK) timing_undo(run, i);
            else run->olds[i] = old_ms;
        } else {
            continue;
        }
        timing_effect_add(&run->effect, name);
        timing->changed++;
    }
    return status;
}

/* ------------------------------------------------------------------------------- the whole call */

static const char *timing_event(const struct timing *timing, const struct collection_words *words)
{
    if (timing->removes) return words->removed;
    return timing->deadline_ms == KV_NEVER ? words->untimed : words->timed;
}

/*
 * With the journal; there is room for results and for what was. A collection that was small may lie
 * elsewhere even if nothing was done after all.
 */
static kv_status timing_run_opened(struct timing_run *run)
{
    struct access *access = run->access;
    struct timing *timing = run->timing;
    const struct collection_words *words = run->kind->words;
    kv_status status = timing_effect_open(&run->effect, access, timing, words);
    if (status != KV_OK) return status;
    if (!timing->removes) status = timing_reserve(access, timing->deadline_ms);
    if (status == KV_OK) status = timing_each(run);
    timing_effect_close(&run->effect, access, status == KV_OK);
    if (status == KV_OK && timing->changed > 0) {
        access_event(access, words->event_class, timing_event(timing, words));
        access_settle(access, &run->collection, timing->changed);
    } else {
        access_set_payload(access, run->collection.word);
        access_renew_due(access);
    }
    return status;
}

KV_INTERNAL kv_status timing_run(struct access *access, struct timing *timing)
{
    int64_t olds_on_stack[TIMING_ON_STACK];
    kv_field_result results_on_stack[TIMING_ON_STACK];
    struct alloc *alloc = &access->store->alloc;
    size_t count = timing->count;
    bool fits = count <= TIMING_ON_STACK;
    kv_field_result *told = timing->results;
    struct timing_run run = {
        .access = access,
        .timing = timing,
        .kind = value_kind(entry_type(access->entry)),
        .collection = access_collection(access),
        .olds = fits ? olds_on_stack : alloc_get_array(alloc, count, sizeof *run.olds),
    };
    timing->results = fits ? results_on_stack : alloc_get_array(alloc, count, sizeof *told);
    kv_status status = KV_NOMEM;
    if (run.olds != NULL && timing->results != NULL) status = timing_run_opened(&run);
    if (status == KV_OK && told != NULL) memcpy(told, timing->results, count * sizeof *told);
    if (!fits && run.olds != NULL) alloc_free(alloc, run.olds, count * sizeof *run.olds);
    if (!fits && timing->results != NULL) alloc_free(alloc, timing->results, count * sizeof *told);
    timing->results = told;
    return status;
}

static bool timing_flags_are_valid(unsigned flags)
{
    const unsigned all = KV_EXPIRE_NX | KV_EXPIRE_XX | KV_EXPIRE_GT | KV_EXPIRE_LT;
    return (flags & ~all) == 0 && (flags & (flags - 1)) == 0;
}

/* Opens the key; without one none of the elements is there. */
static kv_status timing_open(struct access *access, kv *db, kv_slice key, kv_type type,
                             const struct timing *timing)
{
    if (timing->count == 0 || timing->names == NULL || !timing_flags_are_valid(timing->flags))
        return KV_BADARG;
    kv_status status = access_open_existing(access, db, key, type, ACCESS_WRITE);
    if (status != KV_NONE || timing->results == NULL) return status;
    for (size_t i = 0; i < timing->count; i++) timing->results[i] = KV_FIELD_NONE;
    return status;
}

KV_INTERNAL kv_status timing_expire(kv *db, kv_slice key, kv_type type, struct timing timing,
                                    int64_t ttl_ms)
{
    struct access access;
    kv_status status = timing_open(&access, db, key, type, &timing);
    if (status != KV_OK) return status;
    int64_t now_ms = access_now(&access);
    if (ttl_ms > 0 && now_ms > INT64_MAX - ttl_ms) return access_close(&access, KV_OVERFLOW);
    timing.removes = access_is_past(&access, now_ms + ttl_ms);
    timing.deadline_ms = timing_kept_deadline(now_ms + ttl_ms);
    return access_close(&access, timing_run(&access, &timing));
}

KV_INTERNAL kv_status timing_expire_at(kv *db, kv_slice key, kv_type type, struct timing timing,
                                       int64_t deadline_ms)
{
    struct access access;
    timing.deadline_ms = timing_kept_deadline(deadline_ms);
    kv_status status = timing_open(&access, db, key, type, &timing);
    if (status != KV_OK) return status;
    timing.removes = access_is_past(&access, timing.deadline_ms);
    return access_close(&access, timing_run(&access, &timing));
}

KV_INTERNAL kv_status timing_persist(kv *db, kv_slice key, kv_type type, struct timing timing)
{
    struct access access;
    timing.deadline_ms = KV_NEVER;
    kv_status status = timing_open(&access, db, key, type, &timing);
    if (status != KV_OK) return status;
    return access_close(&access, timing_run(&access, &timing));
}

KV_INTERNAL kv_status timing_tell(kv *db, kv_slice key, kv_type type, const kv_slice *names,
                                  size_t count, int64_t *deadlines_ms)
{
    if (count == 0 || names == NULL || deadlines_ms == NULL) return KV_BADARG;
    struct access access;
    kv_status status = access_open_type(&access, db, key, type, ACCESS_READ);
    if (status != KV_OK) return status;
    struct collection collection = access_collection(&access);
    const struct collection_kind *kind = value_kind(type);
    for (size_t i = 0; i < count; i++) {
        bool is_there =
            access.entry != NULL && kind->get_deadline(&collection, names[i], &deadlines_ms[i]);
        if (!is_there) deadlines_ms[i] = -1;
    }
    return access_close(&access, access.entry != NULL ? KV_OK : KV_NONE);
}
