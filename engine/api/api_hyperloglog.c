/*
 * api/api_hyperloglog.c -- how many different elements were seen: kv_pfadd(), kv_pfcount(),
 * kv_pfmerge(), and what looks into one.
 */
#include "keyspace/effect.h"
#include "keyspace/text.h"
#include "values/hyperloglog.h"

/* KV_OK if the key that was opened holds a HyperLogLog or nothing. `text` receives it. */
static kv_status hyperloglogs_expect(const struct access *access, kv_slice *text)
{
    *text = kv_bytes(NULL, 0);
    if (access->entry == NULL) return KV_OK;
    if (entry_type(access->entry) != KV_TYPE_STRING) return KV_WRONGTYPE;
    if (entry_form(access->entry) == ENTRY_INTEGER) return KV_NOTHLL;
    *text = entry_text(access->entry);
    return hyperloglog_is_one(*text) ? KV_OK : KV_NOTHLL;
}

/* Opens a key that must hold a HyperLogLog; KV_NONE if there is none. */
static kv_status hyperloglogs_open(struct access *access, kv *db, kv_slice key,
                                   enum access_mode mode, kv_slice *text)
{
    if (db == NULL) return KV_BADARG;
    kv_status status = access_open(access, db, key, mode);
    if (status != KV_OK) return status;
    status = hyperloglogs_expect(access, text);
    if (status == KV_OK && access->entry == NULL) status = KV_NONE;
    return status == KV_OK ? KV_OK : access_close(access, status);
}

static size_t hyperloglogs_sparse_max(const struct access *access)
{
    return (size_t)store_setting(access->store, KV_SETTING_HLL_SPARSE_SIZE);
}

/* One that is put together anew, to be stored in the place of what the key holds. */
struct hyperloglogs_draft {
    struct hyperloglog log;
    struct alloc *alloc;
    size_t room;
};

/* A copy of the text, or an empty one if there is no key; with room for `count` changes. */
static kv_status hyperloglogs_draft(struct hyperloglogs_draft *draft, const struct access *access,
                                    kv_slice text, size_t count)
{
    size_t sparse_max = hyperloglogs_sparse_max(access);
    size_t size = text.size > 0 ? text.size : HYPERLOGLOG_EMPTY;
    draft->alloc = &access->store->alloc;
    draft->room = hyperloglog_room(size, count, sparse_max);
    draft->log = (struct hyperloglog){alloc_get(draft->alloc, draft->room), size, sparse_max};
    if (draft->log.bytes == NULL) return KV_NOMEM;
    if (text.size > 0) memcpy(draft->log.bytes, text.data, text.size);
    else hyperloglog_init(draft->log.bytes);
    return KV_OK;
}

static void hyperloglogs_discard(struct hyperloglogs_draft *draft)
{
    alloc_free(draft->alloc, draft->log.bytes, draft->room);
}

/* Stores a draft; a sparse one will grow by a few bytes each time, so it gets room for some. */
static kv_status hyperloglogs_store(struct access *access, const struct hyperloglogs_draft *draft)
{
    kv_slice text = kv_bytes(draft->log.bytes, draft->log.size);
    size_t slack = hyperloglog_is_dense(text) ? 0 : text.size / 8;
    return text_replace(access, text, text.size + slack);
}

/* ------------------------------------------------------------------------------------------ add */

/* Adds all elements; `raised` receives how many raised a register. KV_OK or KV_CORRUPT. */
static kv_status hyperloglogs_raise_all(struct hyperloglog *log, const kv_slice *elements,
                                        size_t count, uint64_t *raised)
{
    *raised = 0;
    for (size_t i = 0; i < count; i++) {
        bool is_raised;
        kv_status status =
            hyperloglog_raise(log, hyperloglog_mark_of(elements[i]), NULL, &is_raised);
        if (status != KV_OK) return status;
        *raised += is_raised;
    }
    return KV_OK;
}

/* What the elements did to the key. */
struct hyperloglogs_adding {
    const kv_slice *elements;
    size_t count;
    uint64_t changes; /* as Redis counts them: registers raised, and the key made */
};

static kv_status hyperloglogs_open_effect(struct effect *effect, struct access *access,
                                          const struct hyperloglogs_adding *adding)
{
    return effect_open_with(effect, access, EFFECT_NAME("PFADD"), adding->elements, adding->count);
}

/* Tells of a change that was made. */
static void hyperloglogs_added(struct access *access, const struct hyperloglogs_adding *adding)
{
    access->shard->changes += adding->changes - 1;
    access_event(access, KV_EVENT_STRING, "pfadd");
}

/* Where it lies: what is dense stays as large as it is, and cannot be corrupt. */
static kv_status hyperloglogs_add_dense(struct access *access, struct hyperloglogs_adding *adding)
{
    struct effect effect;
    struct text text;
    kv_status status = hyperloglogs_open_effect(&effect, access, adding);
    if (status != KV_OK) return status;
    status = text_open(access, 0, &text);
    assert(status == KV_OK && !text.is_changed);
    struct hyperloglog log = {text.bytes, text.size, 0};
    (void)hyperloglogs_raise_all(&log, adding->elements, adding->count, &adding->changes);
    if (adding->changes > 0) {
        hyperloglog_forget_cached(text.bytes);
        access_changed(access);
        hyperloglogs_added(access, adding);
    }
    effect_close(&effect, access, adding->changes > 0);
    return status;
}

/* Stores a draft that was changed. */
static kv_status hyperloglogs_add_draft(struct access *access, struct hyperloglogs_draft *draft,
                                        const struct hyperloglogs_adding *adding)
{
    struct effect effect;
    kv_status status = hyperloglogs_open_effect(&effect, access, adding);
    if (status != KV_OK) return status;
    hyperloglog_forget_cached(draft->log.bytes);
    status = hyperloglogs_store(access, draft);
    if (status == KV_OK) hyperloglogs_added(access, adding);
    effect_close(&effect, access, status == KV_OK);
    return status;
}

/*
 * In a copy: it may grow, become dense, or turn out to be corrupt half way. To copy takes far less
 * time than to find the register, so it is not looked for first.
 */
static kv_status hyperloglogs_add_sparse(struct access *access, kv_slice text,
                                         struct hyperloglogs_adding *adding)
{
    struct hyperloglogs_draft draft;
    struct text opened;
    kv_status status = hyperloglogs_draft(&draft, access, text, adding->count);
    if (status != KV_OK) return status;
    status = hyperloglogs_raise_all(&draft.log, adding->elements, adding->count, &adding->changes);
    adding->changes += access->entry == NULL;
    if (status == KV_OK) {
        status = adding->changes > 0 ? hyperloglogs_add_draft(access, &draft, adding)
                                     : text_open(access, 0, &opened); /* Redis keeps it as "raw" */
    }
    hyperloglogs_discard(&draft);
    return status;
}

kv_status kv_pfadd(kv *db, kv_slice key, const kv_slice *elements, size_t count, bool *changed)
{
    if (db == NULL || (elements == NULL && count > 0)) return KV_BADARG;
    struct access access;
    struct hyperloglogs_adding adding = {elements, count, 0};
    kv_slice text;
    kv_status status = access_open(&access, db, key, ACCESS_WRITE);
    if (status != KV_OK) return status;
    status = hyperloglogs_expect(&access, &text);
    if (status == KV_OK)
        status = text.size > 0 && hyperloglog_is_dense(text)
                     ? hyperloglogs_add_dense(&access, &adding)
                     : hyperloglogs_add_sparse(&access, text, &adding);
    if (status == KV_OK && changed != NULL) *changed = adding.changes > 0;
    return access_close(&access, status);
}

/* ---------------------------------------------------------------------------------------- count */

/* Keeps the estimate in the string, which is a change. Without memory it is not kept. */
static void hyperloglogs_cache(struct access *access, uint64_t cardinality)
{
    struct effect effect;
    struct text text;
    if (effect_open(&effect, access, EFFECT_NAME("PFCOUNT"), 0, 0) != KV_OK) return;
    bool is_open = text_open(access, 0, &text) == KV_OK;
    if (is_open) {
        hyperloglog_cache(text.bytes, cardinality);
        access_changed(access);
    }
    effect_close(&effect, access, is_open);
}

/* Of one key. Where writes are refused the estimate is made anew each time. */
static kv_status hyperloglogs_count_one(kv *db, kv_slice key, uint64_t *cardinality)
{
    struct access access;
    kv_slice text;
    bool may_write = view_accepts_writes(db->view);
    kv_status status = access_open(&access, db, key, may_write ? ACCESS_WRITE : ACCESS_READ);
    if (status != KV_OK) return status;
    if (may_write) access_count(&access);
    status = hyperloglogs_expect(&access, &text);
    if (status != KV_OK) return access_close(&access, status);
    if (access.entry == NULL) {
        *cardinality = 0;
    } else if (hyperloglog_cached(text, cardinality)) {
        struct text opened;
        if (may_write) status = text_open(&access, 0, &opened); /* Redis keeps it as "raw" */
    } else {
        status = hyperloglog_count(text, cardinality);
        if (status == KV_OK && may_write) hyperloglogs_cache(&access, *cardinality);
    }
    return access_close(&access, status);
}

/* Raises registers to those of a key, if it is there; `is_dense` becomes true if that is dense. */
static kv_status hyperloglogs_merge_key(kv *db, kv_slice key, uint8_t *registers, bool *is_dense)
{
    struct access access;
    kv_slice text;
    kv_status status = hyperloglogs_open(&access, db, key, ACCESS_READ, &text);
    if (status == KV_NONE) return KV_OK;
    if (status != KV_OK) return status;
    *is_dense |= hyperloglog_is_dense(text);
    return access_close(&access, hyperloglog_merge(text, registers));
}

static kv_status hyperloglogs_count_many(kv *db, const kv_slice *keys, size_t count,
                                         uint64_t *cardinality)
{
    uint8_t registers[HYPERLOGLOG_REGISTERS] = {0};
    struct span span;
    kv_status status = KV_OK;
    bool is_dense = false;
    span_begin(&span, db, keys, count, 0);
    for (size_t i = 0; i < count && status == KV_OK; i++)
        status = hyperloglogs_merge_key(&span.db, keys[i], registers, &is_dense);
    span_end(&span);
    if (status == KV_OK) *cardinality = hyperloglog_count_registers(registers);
    return status;
}

kv_status kv_pfcount(kv *db, const kv_slice *keys, size_t count, uint64_t *cardinality)
{
    uint64_t estimate = 0;
    if (db == NULL || (keys == NULL && count > 0)) return KV_BADARG;
    kv_status status = count == 1 ? hyperloglogs_count_one(db, keys[0], &estimate)
                                  : hyperloglogs_count_many(db, keys, count, &estimate);
    if (status == KV_OK && cardinality != NULL) *cardinality = estimate;
    return status;
}

/* ---------------------------------------------------------------------------------------- merge */

/*
 * Raises a draft to the registers, none of which is lower than its own. A sparse one is raised
 * register by register, since which runs that leaves is a matter of the order.
 */
static kv_status hyperloglogs_raise_to(struct hyperloglog *log, const uint8_t *registers)
{
    struct hyperloglog_cursor cursor = {0};
    for (unsigned i = 0; i < HYPERLOGLOG_REGISTERS; i++) {
        struct hyperloglog_mark mark = {(uint16_t)i, registers[i]};
        bool is_raised;
        if (hyperloglog_is_dense(kv_bytes(log->bytes, log->size))) break;
        if (mark.value == 0) continue;
        kv_status status = hyperloglog_raise(log, mark, &cursor, &is_raised);
        if (status != KV_OK) return status;
    }
    if (hyperloglog_is_dense(kv_bytes(log->bytes, log->size)))
        hyperloglog_set_dense(log, registers);
    return KV_OK;
}

/* Stores the registers at the destination, which was among what they were made of. */
static kv_status hyperloglogs_merge_into(struct access *access, const uint8_t *registers,
                                         bool is_dense)
{
    kv_slice text;
    struct hyperloglogs_draft draft;
    kv_status status = hyperloglogs_expect(access, &text);
    if (status == KV_OK) status = hyperloglogs_draft(&draft, access, text, HYPERLOGLOG_REGISTERS);
    if (status != KV_OK) return status;
    bool becomes_dense =
        is_dense && !hyperloglog_is_dense(kv_bytes(draft.log.bytes, HYPERLOGLOG_HEADER));
    if (becomes_dense) status = hyperloglog_make_dense(&draft.log);
    if (status == KV_OK) status = hyperloglogs_raise_to(&draft.log, registers);
    if (status == KV_OK) {
        hyperloglog_forget_cached(draft.log.bytes);
        status = hyperloglogs_store(access, &draft);
    }
    hyperloglogs_discard(&draft);
    return status;
}

/* Under the locks of a span. */
static kv_status hyperloglogs_merge(kv *db, kv_slice destination, const kv_slice *sources,
                                    size_t count)
{
    uint8_t registers[HYPERLOGLOG_REGISTERS] = {0};
    struct access access;
    struct effect effect;
    bool is_dense = false;
    kv_status status = hyperloglogs_merge_key(db, destination, registers, &is_dense);
    for (size_t i = 0; i < count && status == KV_OK; i++)
        status = hyperloglogs_merge_key(db, sources[i], registers, &is_dense);
    if (status == KV_OK) status = access_open(&access, db, destination, ACCESS_WRITE);
    if (status != KV_OK) return status;
    status = effect_open_with(&effect, &access, EFFECT_NAME("PFMERGE"), sources, count);
    if (status != KV_OK) return access_close(&access, status);
    status = hyperloglogs_merge_into(&access, registers, is_dense);
    if (status == KV_OK) access_event(&access, KV_EVENT_STRING, "pfadd");
    effect_close(&effect, &access, status == KV_OK);
    return access_close(&access, status);
}

#define HYPERLOGLOGS_FEW 8

kv_status kv_pfmerge(kv *db, kv_slice destination, const kv_slice *sources, size_t count)
{
    if (db == NULL || (sources == NULL && count > 0)) return KV_BADARG;
    struct alloc *alloc = &db->view->store->alloc;
    kv_slice few[HYPERLOGLOGS_FEW], *keys = few;
    if (count + 1 > HYPERLOGLOGS_FEW) keys = alloc_get_array(alloc, count + 1, sizeof *keys);
    if (keys == NULL) return KV_NOMEM;
    keys[0] = destination;
    if (count > 0) memcpy(keys + 1, sources, count * sizeof *keys);
    struct span span;
    span_begin(&span, db, keys, count + 1, 0);
    kv_status status = hyperloglogs_merge(&span.db, destination, sources, count);
    span_end(&span);
    if (keys != few) alloc_free(alloc, keys, (count + 1) * sizeof *keys);
    return status;
}

/* ------------------------------------------------------------------------------- looking into one */

kv_status kv_pfregisters(kv *db, kv_slice key, uint8_t *registers)
{
    struct access access;
    kv_slice text;
    uint8_t found[HYPERLOGLOG_REGISTERS] = {0};
    if (registers == NULL) return KV_BADARG;
    kv_status status = hyperloglogs_open(&access, db, key, ACCESS_PEEK, &text);
    if (status != KV_OK) return status;
    status = access_close(&access, hyperloglog_merge(text, found));
    if (status == KV_OK) memcpy(registers, found, sizeof found);
    return status;
}

kv_status kv_pfruns(kv *db, kv_slice key, kv_visit_run *visit, void *context)
{
    struct access access;
    kv_slice text;
    kv_status status = hyperloglogs_open(&access, db, key, ACCESS_PEEK, &text);
    if (status != KV_OK) return status;
    if (hyperloglog_is_dense(text)) return access_close(&access, KV_SKIPPED);
    const uint8_t *at = (const uint8_t *)text.data + HYPERLOGLOG_HEADER;
    const uint8_t *end = (const uint8_t *)text.data + text.size;
    struct hyperloglog_run run;
    for (; visit != NULL && at < end; at += run.size) {
        if (!hyperloglog_run(at, end, &run)) return access_close(&access, KV_CORRUPT);
        if (!visit(context, run.kind, run.count, run.value)) break;
    }
    return access_close(&access, KV_OK);
}

static kv_status hyperloglogs_make_dense(struct access *access, kv_slice text)
{
    kv_slice arguments[3] = {EFFECT_NAME("PFDEBUG"), EFFECT_NAME("TODENSE"), access->key};
    struct hyperloglogs_draft draft;
    if (hyperloglog_is_dense(text)) return KV_SKIPPED;
    kv_status status = access_reserve_journal(access, 3, 14 + access->key.size);
    if (status == KV_OK) status = hyperloglogs_draft(&draft, access, text, 0);
    if (status != KV_OK) return status;
    status = hyperloglog_make_dense(&draft.log);
    if (status == KV_OK) status = hyperloglogs_store(access, &draft);
    if (status == KV_OK) access_journal(access, arguments, 3);
    hyperloglogs_discard(&draft);
    return status;
}

kv_status kv_pfdense(kv *db, kv_slice key)
{
    struct access access;
    kv_slice text;
    kv_status status = hyperloglogs_open(&access, db, key, ACCESS_WRITE, &text);
    if (status != KV_OK) return status;
    return access_close(&access, hyperloglogs_make_dense(&access, text));
}
