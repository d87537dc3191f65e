/*
 * api/api_wait.c -- waiting for a key to have something: by callback (kv_wait) and on the calling
 * thread (kv_wait_here, kv_blpop and its kin).
 */
#include "base/buffer.h"
#include "keyspace/access_collection.h"
#include "keyspace/waiting.h"
#include "values/list.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

/*
 * A waiter that takes elements of a list, or leaves the taking to its owner; links and the
 * destination's bytes follow it.
 */
struct wait {
    struct kv_waiter waiter; /* first, as this is what the public pointer points to */
    size_t size;             /* of the whole block */
    kv_wait_done *done;
    void *context;
    kv_wait_attempt *attempt; /* NULL: it takes elements of a list, as follows */
    void *attempt_context;
    kv_end end, to_end;
    uint64_t count;
    kv_buffer *bytes; /* the elements taken, one after another: `own`, or the buffer of who waits */
    kv_buffer own;    /* of the store's memory: large enough from the beginning, it never grows */
    kv_slice *elements; /* into the bytes */
    size_t element_count, element_capacity;
};

/* --------------------------------------------------------------------------------------- taking */

struct wait_collector {
    struct wait *waiter;
    size_t offset;
};

static bool wait_measure(void *context, kv_slice element)
{
    size_t *total = context;
    *total += element.size;
    return true;
}

static bool wait_collect(void *context, kv_slice element)
{
    struct wait_collector *collector = context;
    struct wait *waiter = collector->waiter;
    char *to = (char *)waiter->bytes->data + collector->offset;
    if (element.size > 0) memcpy(to, element.data, element.size);
    waiter->elements[waiter->element_count++] = (kv_slice){to, element.size};
    collector->offset += element.size;
    return true;
}

static kv_status wait_reserve(struct wait *waiter, uint64_t count, size_t bytes)
{
    struct alloc *alloc = &waiter->waiter.store->alloc;
    assert(waiter->elements == NULL);
    if (bytes == 0) bytes = 1;
    if (waiter->bytes != &waiter->own) {
        if (buffer_reserve(waiter->bytes, bytes) != KV_OK) return KV_NOMEM;
    } else {
        waiter->own.data = alloc_get(alloc, bytes);
        if (waiter->own.data == NULL) return KV_NOMEM;
        waiter->own.capacity = bytes;
    }
    waiter->elements = alloc_get_array(alloc, (size_t)count, sizeof *waiter->elements);
    if (waiter->elements == NULL) return KV_NOMEM;
    waiter->element_capacity = (size_t)count;
    return KV_OK;
}

/*
 * Makes room for the elements that are about to be taken, which is where memory may run out:
 * nothing is taken then.
 */
static kv_status wait_prepare(struct wait *waiter, kv *db, kv_slice key)
{
    struct access access;
    kv_status status = access_open_existing(&access, db, key, KV_TYPE_LIST, ACCESS_PEEK);
    if (status != KV_OK) return status == KV_WRONGTYPE ? KV_NONE : status;
    struct collection list = access_collection(&access);
    uint64_t length = list_length(&list);
    uint64_t count = waiter->count < length ? waiter->count : length;
    size_t total = 0;
    (void)list_visit(&list, waiter->end, 0, count, wait_measure, &total);
    return access_close(&access, wait_reserve(waiter, count, total));
}

static kv_status wait_move(struct wait *waiter, kv *db, kv_slice key)
{
    kv_slice destination = waiter->waiter.destination;
    kv_status status = kv_lmove(db, key, destination, waiter->end, waiter->to_end, waiter->bytes);
    if (status != KV_OK) return status;
    waiter->elements[0] = (kv_slice){waiter->bytes->data, waiter->bytes->size};
    waiter->element_count = 1;
    return KV_OK;
}

/* Takes what the waiter wants from one of its keys; KV_NONE if that does not have it. */
static kv_status wait_take(struct wait *waiter, kv *db, size_t index, kv_slice key)
{
    if (waiter->attempt != NULL) return waiter->attempt(waiter->attempt_context, db, index, key);
    kv_status status = wait_prepare(waiter, db, key);
    if (status != KV_OK) return status;
    if (waiter->waiter.has_destination) return wait_move(waiter, db, key);
    struct wait_collector collector = {waiter, 0};
    status = kv_pop(db, key, waiter->end, waiter->count, wait_collect, &collector, NULL);
    if (status == KV_OK) waiter->bytes->size = collector.offset;
    return status;
}

static kv_status wait_take_link(struct kv_waiter *waiter, kv *db, size_t link_index)
{
    kv_slice key = waiter->links[link_index].observed->key;
    return wait_take((struct wait *)waiter, db, link_index, key);
}

static void wait_report(struct wait *waiter, kv_status status, size_t index, kv_slice key)
{
    kv_wait_result result = {status, index, key, waiter->elements, waiter->element_count};
    if (waiter->done != NULL) waiter->done(waiter->context, &waiter->waiter, &result);
}

static void wait_tell(struct kv_waiter *waiter, kv_status status, size_t link_index)
{
    wait_report((struct wait *)waiter, status, link_index, waiter->links[link_index].observed->key);
}

/* ---------------------------------------------------------------------------------------- waits */

static bool wait_read_options(const kv_wait_options *given, kv_wait_options *options)
{
    *options = KV_OPTIONS(kv_wait_options);
    if (given == NULL || given->size < sizeof given->size || given->size > sizeof *options)
        return false;
    memcpy(options, given, given->size);
    if (options->keys == NULL || options->key_count == 0) return false;
    if (options->count == 0) options->count = 1;
    if (options->attempt != NULL)
        return options->destination == NULL && options->type != KV_TYPE_NONE;
    if (options->type != KV_TYPE_NONE || options->minds_removal) return false;
    options->type = KV_TYPE_LIST;
    return options->destination == NULL || (options->key_count == 1 && options->count == 1);
}

/* What an attempt does is its own affair: it may only read. */
static bool wait_is_refused(const kv *db, const kv_wait_options *options)
{
    return options->attempt == NULL && !view_accepts_writes(db->view);
}

static size_t wait_size(const kv_wait_options *options)
{
    size_t destination = options->destination != NULL ? options->destination->size : 0;
    return sizeof(struct wait) + options->key_count * sizeof(struct waiter_link) + destination;
}

static struct wait *wait_create(kv *db, const kv_wait_options *options)
{
    struct store *store = db->view->store;
    size_t size = wait_size(options);
    struct wait *waiter = alloc_get(&store->alloc, size);
    if (waiter == NULL) return NULL;
    memset(waiter, 0, size);
    waiter->size = size;
    waiter->end = options->end;
    waiter->to_end = options->to_end;
    waiter->count = options->count;
    waiter->done = options->done;
    waiter->context = options->context;
    waiter->attempt = options->attempt;
    waiter->attempt_context = options->context;
    waiter->bytes = &waiter->own;
    waiter->waiter = (struct kv_waiter){.store = store,
                                        .database = db->database,
                                        .type = options->type,
                                        .minds_removal = options->minds_removal,
                                        .take = wait_take_link,
                                        .tell = wait_tell,
                                        .link_count = options->key_count,
                                        .links = (struct waiter_link *)(waiter + 1)};
    if (options->destination != NULL) {
        void *bytes = waiter->waiter.links + options->key_count;
        if (options->destination->size > 0)
            memcpy(bytes, options->destination->data, options->destination->size);
        waiter->waiter.has_destination = true;
        waiter->waiter.destination = (kv_slice){bytes, options->destination->size};
    }
    return waiter;
}

static void wait_destroy(struct wait *waiter)
{
    struct alloc *alloc = &waiter->waiter.store->alloc;
    alloc_free(alloc, waiter->own.data, waiter->own.capacity);
    alloc_free(alloc, waiter->elements, waiter->element_capacity * sizeof *waiter->elements);
    alloc_free(alloc, waiter, waiter->size);
}

/* Is there a value of the type? KV_OK, KV_NONE, KV_WRONGTYPE. */
static kv_status wait_look(kv *db, kv_slice key, kv_type type)
{
    struct access access;
    kv_status status = access_open_existing(&access, db, key, type, ACCESS_PEEK);
    return status == KV_OK ? access_close(&access, KV_OK) : status;
}

/*
 * Tries the keys in order: KV_OK with *index if one had something; KV_NONE if none has, or if
 * somebody is first in the queue of the one that has, whose turn it is then. A transaction that
 * came before the queue is served is before it, and who looks at the past is not in it (`may_wait`).
 */
static kv_status wait_try(struct wait *waiter, kv *db, const kv_slice *keys, size_t count,
                          bool may_wait, size_t *index)
{
    struct store *store = db->view->store;
    for (size_t i = 0; i < count; i++) {
        kv_status status = wait_look(db, keys[i], waiter->waiter.type);
        if (status == KV_NONE && !waiter->waiter.minds_removal) continue;
        if (status < 0) return status;
        uint64_t hash = store_hash(store, keys[i]);
        if (may_wait && waiting_is_due(store_shard(store, hash), db->database, hash, keys[i]))
            continue;
        status = wait_take(waiter, db, i, keys[i]);
        if (status == KV_OK) *index = i;
        if (status != KV_NONE) return status;
    }
    return KV_NONE;
}

/* Tries, and if that gave nothing queues the waiter, at one instant. */
static kv_status wait_begin(struct wait *waiter, kv *db, const kv_wait_options *options,
                            size_t *index)
{
    struct span span;
    size_t key_count = options->key_count;
    /*
     * The keys and the destination, whose shard is needed too, in one array: two keys at most if
     * there is a destination.
     */
    kv_slice pair[2] = {options->keys[0],
                        options->destination != NULL ? *options->destination : options->keys[0]};
    const kv_slice *locked = options->destination != NULL ? pair : options->keys;
    span_begin(&span, db, locked, options->destination != NULL ? 2 : key_count, 0);
    bool may_wait = view_is_plain(db->view);
    kv_status status = wait_try(waiter, &span.db, options->keys, key_count, may_wait, index);
    if (status == KV_NONE) {
        if (!may_wait) status = KV_TIMEOUT;
        else
            status =
                waiting_enqueue(&waiter->waiter, options->keys) == KV_OK ? KV_PENDING : KV_NOMEM;
    }
    span_end(&span);
    return status;
}

kv_status kv_wait(kv *db, const kv_wait_options *given, kv_waiter **waiter)
{
    kv_wait_options options;
    if (db == NULL || waiter == NULL || !wait_read_options(given, &options)) return KV_BADARG;
    if (options.done == NULL) return KV_BADARG;
    if (wait_is_refused(db, &options)) return KV_READONLY;
    struct wait *created = wait_create(db, &options);
    if (created == NULL) return KV_NOMEM;
    /*
     * Written first: once it is queued, `done` may be called by another thread before this one goes
     * on.
     */
    *waiter = &created->waiter;
    size_t index = 0;
    kv_status status = wait_begin(created, db, &options, &index);
    if (status == KV_PENDING) return status;
    *waiter = NULL;
    if (status == KV_OK) wait_report(created, KV_OK, index, options.keys[index]);
    wait_destroy(created);
    return status;
}

kv_status kv_wait_cancel(kv_waiter *waiter)
{
    if (waiter == NULL) return KV_BADARG;
    bool was_waiting = waiting_end(waiter);
    wait_destroy((struct wait *)waiter);
    return was_waiting ? KV_OK : KV_NONE;
}

/* -------------------------------------------------------------------------- waiting as a thread */

/*
 * A thread that sleeps until its waiter is served. The elements are in the waiter's memory or in
 * the sleeping caller's buffer by then, so nothing can fail after they were taken.
 */
struct wait_sleeper {
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool is_done;
    kv_status status;
    size_t index;
};

static void wait_sleeper_done(void *context, kv_waiter *waiter, const kv_wait_result *result)
{
    struct wait_sleeper *sleeper = context;
    (void)waiter;
    pthread_mutex_lock(&sleeper->mutex);
    sleeper->status = result->status;
    sleeper->index = result->key_index;
    sleeper->is_done = true;
    pthread_cond_signal(&sleeper->wake);
    pthread_mutex_unlock(&sleeper->mutex);
}

static bool wait_sleeper_open(struct wait_sleeper *sleeper)
{
    pthread_condattr_t attributes;
    if (pthread_mutex_init(&sleeper->mutex, NULL) != 0) return false;
    pthread_condattr_init(&attributes);
#ifndef __APPLE__
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
#endif
    bool is_open = pthread_cond_init(&sleeper->wake, &attributes) == 0;
    pthread_condattr_destroy(&attributes);
    if (!is_open) pthread_mutex_destroy(&sleeper->mutex);
    return is_open;
}

static void wait_sleeper_close(struct wait_sleeper *sleeper)
{
    pthread_cond_destroy(&sleeper->wake);
    pthread_mutex_destroy(&sleeper->mutex);
}

static struct timespec wait_until(int64_t timeout_ms)
{
    struct timespec until;
#ifdef __APPLE__
    clock_gettime(CLOCK_REALTIME, &until);
#else
    clock_gettime(CLOCK_MONOTONIC, &until);
#endif
    /* 34 years are enough */
    int64_t limit_ms = timeout_ms < INT64_C(1) << 40 ? timeout_ms : INT64_C(1) << 40;
    until.tv_sec += (time_t)(limit_ms / 1000);
    until.tv_nsec += (long)(limit_ms % 1000) * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    return until;
}

static void wait_sleep(struct wait_sleeper *sleeper, int64_t timeout_ms)
{
    struct timespec until = wait_until(timeout_ms);
    int error = 0;
    pthread_mutex_lock(&sleeper->mutex);
    while (!sleeper->is_done && error != ETIMEDOUT) {
        if (timeout_ms == 0) error = pthread_cond_wait(&sleeper->wake, &sleeper->mutex);
        else error = pthread_cond_timedwait(&sleeper->wake, &sleeper->mutex, &until);
    }
    pthread_mutex_unlock(&sleeper->mutex);
}

/* What a blocking call does with the elements: gives one to a buffer, lends all, or neither. */
struct wait_delivery {
    kv_buffer *value;
    kv_visit *visit;
    void *context;
};

/* Takes, or sleeps until somebody has taken, what the options say. */
static kv_status wait_as_thread(kv *db, const kv_wait_options *options, int64_t timeout_ms,
                                const struct wait_delivery *delivery, size_t *index)
{
    if (db == NULL || timeout_ms < 0) return KV_BADARG;
    if (wait_is_refused(db, options)) return KV_READONLY;
    struct wait_sleeper sleeper = {.index = 0};
    if (!wait_sleeper_open(&sleeper)) return KV_NOMEM;
    struct wait *waiter = wait_create(db, options);
    if (waiter == NULL) {
        wait_sleeper_close(&sleeper);
        return KV_NOMEM;
    }
    if (delivery->value != NULL) waiter->bytes = delivery->value;
    waiter->done = wait_sleeper_done;
    waiter->context = &sleeper;
    size_t taken_from = 0;
    kv_status status = wait_begin(waiter, db, options, &taken_from);
    if (status == KV_PENDING) {
        wait_sleep(&sleeper, timeout_ms);
        status = waiting_end(&waiter->waiter) ? KV_TIMEOUT : sleeper.status;
        taken_from = sleeper.index;
    }
    if (status == KV_OK) {
        for (size_t i = 0; i < waiter->element_count && delivery->visit != NULL; i++)
            (void)delivery->visit(delivery->context, waiter->elements[i]);
        if (index != NULL) *index = taken_from;
    }
    wait_destroy(waiter);
    wait_sleeper_close(&sleeper);
    return status;
}

kv_status kv_wait_here(kv *db, const kv_wait_options *options, int64_t timeout_ms, size_t *index)
{
    kv_wait_options checked;
    if (!wait_read_options(options, &checked) || checked.attempt == NULL) return KV_BADARG;
    struct wait_delivery delivery = {.value = NULL};
    return wait_as_thread(db, &checked, timeout_ms, &delivery, index);
}

/* The same for elements of a list. */
static kv_status wait_for_list(kv *db, const kv_wait_options *options, int64_t timeout_ms,
                               const struct wait_delivery *delivery, size_t *index)
{
    kv_wait_options checked;
    if (!wait_read_options(options, &checked)) return KV_BADARG;
    return wait_as_thread(db, &checked, timeout_ms, delivery, index);
}

static kv_status wait_pop(kv *db, const kv_slice *keys, size_t key_count, kv_end end,
                          int64_t timeout_ms, size_t *index, kv_buffer *value)
{
    kv_wait_options options = KV_OPTIONS(kv_wait_options);
    options.keys = keys;
    options.key_count = key_count;
    options.end = end;
    options.count = 1;
    struct wait_delivery delivery = {.value = value};
    return wait_for_list(db, &options, timeout_ms, &delivery, index);
}

kv_status kv_blpop(kv *db, const kv_slice *keys, size_t key_count, int64_t timeout_ms,
                   size_t *index, kv_buffer *value)
{
    return wait_pop(db, keys, key_count, KV_HEAD, timeout_ms, index, value);
}

kv_status kv_brpop(kv *db, const kv_slice *keys, size_t key_count, int64_t timeout_ms,
                   size_t *index, kv_buffer *value)
{
    return wait_pop(db, keys, key_count, KV_TAIL, timeout_ms, index, value);
}

kv_status kv_blmove(kv *db, kv_slice source, kv_slice destination, kv_end from_end, kv_end to_end,
                    int64_t timeout_ms, kv_buffer *value)
{
    kv_wait_options options = KV_OPTIONS(kv_wait_options);
    options.keys = &source;
    options.key_count = 1;
    options.end = from_end;
    options.count = 1;
    options.destination = &destination;
    options.to_end = to_end;
    struct wait_delivery delivery = {.value = value};
    return wait_for_list(db, &options, timeout_ms, &delivery, NULL);
}

kv_status kv_blmpop(kv *db, const kv_slice *keys, size_t key_count, kv_end end, uint64_t count,
                    int64_t timeout_ms, size_t *index, kv_visit *visit, void *context)
{
    if (count == 0) return KV_BADARG;
    kv_wait_options options = KV_OPTIONS(kv_wait_options);
    options.keys = keys;
    options.key_count = key_count;
    options.end = end;
    options.count = count;
    struct wait_delivery delivery = {.visit = visit, .context = context};
    return wait_for_list(db, &options, timeout_ms, &delivery, index);
}
