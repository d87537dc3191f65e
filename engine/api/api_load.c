/*
 * api/api_load.c -- all of a store out of an RDB file.
 *
 *     the caller:   read a piece, find the keys in it, sum it up --> queue --.
 *                   put it in, if the queue is full or nobody else is there  |
 *     each worker:  put pieces in  <-----------------------------------------'
 *
 * A piece that had to grow for a large value is put in by the caller, so that there is one of these
 * at a time. Where several pieces have a fault the one that comes first in the file is told of.
 */
#include "base/thread.h"
#include "keyspace/loading.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define LOAD_THREADS_MAX 64

struct load {
    struct store *store;
    kv_load_options options;
    struct loading loading;
    struct rdb_file file;
    struct loading_worker *own;

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t wake;   /* there is a piece, or no more will come */
    struct rdb_piece *free;
    struct rdb_piece *first, *last; /* the queue */
    bool is_ending;
    kv_status status; /* KV_OK, or what the first fault in the file led to */
    struct rdb_fault fault;
    uint64_t keys, expired, empty; /* of those workers that have ended */
    unsigned threads;
    pthread_t thread[LOAD_THREADS_MAX];
};

/* ---------------------------------------------------------------------------------- the queue */

static void load_note(struct load *load, kv_status status, const struct rdb_fault *fault)
{
    pthread_mutex_lock(&load->mutex);
    if (load->status == KV_OK || fault->offset < load->fault.offset) {
        load->status = status;
        load->fault = *fault;
    }
    pthread_mutex_unlock(&load->mutex);
}

/* Whether what is in this piece comes too late, after a fault. Called with the mutex. */
static bool load_is_past(const struct load *load, const struct rdb_piece *piece)
{
    return load->status != KV_OK && load->fault.offset < piece->offset;
}

static void load_give_back(struct load *load, struct rdb_piece *piece)
{
    rdb_piece_shrink(&load->store->alloc, piece);
    pthread_mutex_lock(&load->mutex);
    piece->next = load->free;
    load->free = piece;
    pthread_mutex_unlock(&load->mutex);
}

static void load_put(struct load *load, struct loading_worker *worker, struct rdb_piece *piece)
{
    kv_status status = loading_put(worker, piece);
    if (status != KV_OK) load_note(load, status, &worker->fault);
    load_give_back(load, piece);
}

/* The next piece of the queue that is of use, or NULL. Called with the mutex. */
static struct rdb_piece *load_dequeue(struct load *load)
{
    struct rdb_piece *piece;
    while ((piece = load->first) != NULL) {
        load->first = piece->next;
        if (!load_is_past(load, piece)) return piece;
        piece->next = load->free;
        load->free = piece;
    }
    return NULL;
}

static void load_enqueue(struct load *load, struct rdb_piece *piece)
{
    piece->next = NULL;
    pthread_mutex_lock(&load->mutex);
    if (load->first == NULL) load->first = piece;
    else load->last->next = piece;
    load->last = piece;
    pthread_cond_signal(&load->wake);
    pthread_mutex_unlock(&load->mutex);
}

/* A piece of the queue, or NULL, for the caller, who does not wait. */
static struct rdb_piece *load_try_dequeue(struct load *load)
{
    pthread_mutex_lock(&load->mutex);
    struct rdb_piece *piece = load_dequeue(load);
    pthread_mutex_unlock(&load->mutex);
    return piece;
}

/* ------------------------------------------------------------------------------------- workers */

static void load_sum_up(struct load *load, struct loading_worker *worker)
{
    load->keys += worker->keys;
    load->expired += worker->expired;
    load->empty += worker->empty;
    loading_worker_destroy(worker);
}

static void *load_work(void *context)
{
    struct load *load = context;
    struct loading_worker *worker = loading_worker_create(&load->loading);
    if (worker == NULL) return NULL; /* the others do without */
    pthread_mutex_lock(&load->mutex);
    for (;;) {
        struct rdb_piece *piece = load_dequeue(load);
        if (piece == NULL && load->is_ending) break;
        if (piece == NULL) {
            pthread_cond_wait(&load->wake, &load->mutex);
            continue;
        }
        pthread_mutex_unlock(&load->mutex);
        load_put(load, worker, piece);
        pthread_mutex_lock(&load->mutex);
    }
    load_sum_up(load, worker);
    pthread_mutex_unlock(&load->mutex);
    return NULL;
}

static void load_start_threads(struct load *load)
{
    while (load->threads < load->options.threads &&
           thread_start(&load->thread[load->threads], load_work, load))
        load->threads++;
}

static void load_join_threads(struct load *load)
{
    pthread_mutex_lock(&load->mutex);
    load->is_ending = true;
    pthread_cond_broadcast(&load->wake);
    pthread_mutex_unlock(&load->mutex);
    for (unsigned i = 0; i < load->threads; i++) pthread_join(load->thread[i], NULL);
    load->threads = 0;
}

/* ---------------------------------------------------------------------------------- the caller */

static bool load_has_failed(struct load *load)
{
    pthread_mutex_lock(&load->mutex);
    bool has_failed = load->status != KV_OK;
    pthread_mutex_unlock(&load->mutex);
    return has_failed;
}

/* A piece to be filled. While all are in the queue one of those is put in. */
static struct rdb_piece *load_take_free(struct load *load)
{
    for (;;) {
        pthread_mutex_lock(&load->mutex);
        struct rdb_piece *piece = load->free;
        struct rdb_piece *queued = NULL;
        if (piece != NULL) load->free = piece->next;
        else queued = load_dequeue(load);
        pthread_mutex_unlock(&load->mutex);
        if (piece != NULL) return piece;
        if (queued != NULL) load_put(load, load->own, queued);
    }
}

/* Passes on what the file says of its own size. */
static void load_expect(struct load *load)
{
    if (load->file.sizes == 0) return;
    loading_expect(&load->loading, load->file.sizes_database, load->file.sizes);
    load->file.sizes = 0;
}

static void load_tell(struct load *load)
{
    if (load->options.progress != NULL)
        load->options.progress(load->options.context, load->file.offset, load->file.keys);
}

/* Reads all of the file and has it put in. */
static void load_run(struct load *load)
{
    kv_status status = KV_OK;
    while (status == KV_OK && !load->file.has_ended && !load_has_failed(load)) {
        struct rdb_piece *piece = load_take_free(load);
        status = rdb_file_fill(&load->file, piece);
        load->file.fault.keys = load->file.keys;
        if (status != KV_OK) load_note(load, status, &load->file.fault);
        load_expect(load);
        bool is_own = load->threads == 0 || rdb_piece_is_large(piece);
        if (is_own) load_put(load, load->own, piece);
        else load_enqueue(load, piece);
        load_tell(load);
    }
    struct rdb_piece *piece;
    while ((piece = load_try_dequeue(load)) != NULL) load_put(load, load->own, piece);
    load_join_threads(load);
}

/* ------------------------------------------------------------------------------- open and close */

/* One for each thread to put in, one that waits for it, and one to be filled. */
static kv_status load_create_pieces(struct load *load)
{
    for (unsigned i = 0; i < 2 * load->options.threads + 1; i++) {
        struct rdb_piece *piece = rdb_piece_create(&load->store->alloc);
        if (piece == NULL) return KV_NOMEM;
        piece->next = load->free;
        load->free = piece;
    }
    return KV_OK;
}

static void load_destroy_pieces(struct load *load)
{
    struct rdb_piece *piece;
    while ((piece = load->free) != NULL) {
        load->free = piece->next;
        rdb_piece_destroy(&load->store->alloc, piece);
    }
}

static kv_status load_prepare(struct load *load, kv_reader *reader, void *context)
{
    load->file = (struct rdb_file){.reader = reader,
                                   .reader_context = context,
                                   .options = &load->options,
                                   .alloc = &load->store->alloc,
                                   .text_max = load->loading.text_max,
                                   .databases = load->store->databases};
    kv_status status = rdb_file_open(&load->file);
    if (status != KV_OK) return status;
    load->own = loading_worker_create(&load->loading);
    status = load->own != NULL ? load_create_pieces(load) : KV_NOMEM;
    return status;
}

static void load_warn_of_empty(const struct load *load)
{
    if (load->empty > 0 && load->options.warn != NULL)
        load->options.warn(load->options.context, "passed over keys with nothing in them");
}

/* All between opening and closing `loading`. */
static void load_through(struct load *load, kv_reader *reader, void *context)
{
    bool must_be_empty = !load->options.replaces;
    kv_status status = must_be_empty && loading_finds_keys(load->store) ? KV_CONFLICT : KV_OK;
    if (status == KV_OK) status = load_prepare(load, reader, context);
    if (status == KV_OK) {
        load_start_threads(load);
        load_run(load);
        load_sum_up(load, load->own);
        load->own = NULL;
    }
    if (status == KV_OK && load->status == KV_OK) {
        load_warn_of_empty(load);
        status = loading_commit(&load->loading, load->options.replaces, load->options.at_instant,
                                load->options.context);
    }
    if (status == KV_CONFLICT)
        rdb_fault_set(&load->fault, load->file.offset, "expected a store without keys");
    if (status == KV_NOMEM) rdb_fault_set(&load->fault, load->file.offset, "memory is exhausted");
    if (status != KV_OK) load->status = status;
    loading_worker_destroy(load->own);
    load_destroy_pieces(load);
    rdb_file_close(&load->file);
}

static void load_report(const struct load *load, kv_load_report *report)
{
    if (report == NULL) return;
    kv_load_report whole = {.size = report->size, .rdb_version = load->file.version};
    if (load->status == KV_OK) {
        whole.bytes = load->file.offset;
        whole.keys = load->keys;
        whole.expired = load->expired;
    } else {
        whole.bytes = load->fault.offset;
        whole.keys_before = load->fault.keys;
        memcpy(whole.message, load->fault.message, sizeof whole.message);
    }
    memcpy(report, &whole, report->size);
}

static bool load_options_are_valid(const kv_load_options *given, kv_load_options *options,
                                   const kv_load_report *report)
{
    *options = KV_OPTIONS(kv_load_options);
    if (report != NULL && (report->size < sizeof report->size || report->size > sizeof *report))
        return false;
    if (given == NULL) return true;
    if (given->size < sizeof given->size || given->size > sizeof *options) return false;
    memcpy(options, given, given->size);
    if (options->threads > LOAD_THREADS_MAX) options->threads = LOAD_THREADS_MAX;
    return true;
}

kv_status kv_load(kv *db, kv_reader *reader, void *context, const kv_load_options *given,
                  kv_load_report *report)
{
    kv_load_options options;
    if (db == NULL || reader == NULL || !view_is_plain(db->view)) return KV_BADARG;
    if (!load_options_are_valid(given, &options, report)) return KV_BADARG;
    struct store *store = db->view->store;
    struct load *load = alloc_get(&store->alloc, sizeof *load);
    if (load == NULL) return KV_NOMEM;
    memset(load, 0, sizeof *load);
    load->store = store;
    load->options = options;
    kv_status status =
        loading_open(&load->loading, store, view_now(db->view), options.keeps_expired);
    if (status == KV_OK) {
        pthread_mutex_init(&load->mutex, NULL);
        pthread_cond_init(&load->wake, NULL);
        load_through(load, reader, context);
        pthread_cond_destroy(&load->wake);
        pthread_mutex_destroy(&load->mutex);
        loading_close(&load->loading);
        load_report(load, report);
        status = load->status;
    }
    alloc_free(&store->alloc, load, sizeof *load);
    return status;
}

/* ------------------------------------------------------------------------------------- of a file */

static kv_status load_read_file(void *context, void *bytes, size_t room, size_t *size)
{
    const int *file = context;
    ssize_t got;
    do got = read(*file, bytes, room);
    while (got < 0 && errno == EINTR);
    if (got < 0) return KV_IOERROR;
    *size = (size_t)got;
    return KV_OK;
}

kv_status kv_load_file(kv *db, const char *path, const kv_load_options *options,
                       kv_load_report *report)
{
    if (path == NULL) return KV_BADARG;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return KV_IOERROR;
    kv_status status = kv_load(db, load_read_file, &file, options, report);
    int error = errno;
    close(file);
    errno = error;
    return status;
}

#undef LOAD_THREADS_MAX
