/*
 * resp/aof_writer.h -- writes the journal to the last incremental file, syncs it, and outlives a
 * failing disk.
 *
 *     position    0 ......... synced ......... written ......... appended
 *     is          on the medium   in the file      in memory
 *
 * What becomes of an error:
 *   write   (full disk) the file is cut back to its last whole record, writes are refused, and what
 *           is in memory is tried again every 100 ms at first, later every second. Writes are
 *           accepted again once it worked.
 *   sync    the system may have dropped what it could not write, so everything since the last good
 *           sync is written again, from memory, to a new incremental file; the old one is cut back
 *           to what was synced. Only under appendfsync no are those bytes no longer in memory; then
 *           nothing honest can be done but to refuse writes for good and to say so.
 *
 * The log thread only calls aof_writer_step() and sleeps in between, so tests run the steps, and
 * the time, by hand.
 */
#ifndef KV_RESP_AOF_WRITER_H
#define KV_RESP_AOF_WRITER_H

#include "kvresp.h"
#include "resp/aof_backlog.h"
#include "resp/aof_io.h"
#include "resp/aof_link.h"
#include "resp/aof_manifest.h"
#include "resp/aof_sink.h"

struct aof_writer_options {
    const struct aof_io *io;
    struct aof_log log;
    const char *directory; /* of the manifest */
    const char *file_name; /* prefix of the files' names */
    kvresp_fsync fsync;
    /* Writes are to be refused, or accepted again. From the log thread. */
    void (*accept_writes)(void *context, bool accept);
    void *accept_context;
};

struct aof_writer {
    struct aof_writer_options options;
    struct aof_backlog backlog;
    struct aof_manifest manifest;
    char *manifest_name;
    _Atomic int fsync;

    /* Of the log thread alone. */
    int file;
    char *path;
    uint64_t synced_size; /* of the file at `synced` */
    struct aof_mark written, synced;
    int64_t gather_until_us; /* 0: not gathering */
    bool is_busy;            /* the last write was a large one */
    int64_t last_sync_us, retry_us, retry_delay_us;
    bool must_switch, is_broken;
    /* When to step next: at a position or an instant. */
    uint64_t wake_position;
    int64_t wake_us;

    /* For everyone. */
    _Atomic uint64_t written_position, synced_position, sync_wanted;
    _Atomic uint64_t file_size;    /* of the file at `written` */
    _Atomic uint64_t earlier_size; /* of the files before it */
    _Atomic uint64_t delayed_syncs;
    _Atomic int64_t sync_started_us; /* 0: none under way */
    _Atomic bool sync_is_late;
    _Atomic int error;
    _Atomic bool is_stopping;

    pthread_mutex_t wait_lock;
    pthread_cond_t wait_done;
    struct aof_waiter *waiters;
};

/*
 * Takes over the manifest and goes on at the end of its last incremental file, of which `size`
 * bytes are good, or begins one. `earlier_size` is the size of the other files. KV_OK; KV_NOMEM;
 * KV_BADARG with a message. The manifest is the writer's in any case.
 */
kv_status aof_writer_open(struct aof_writer *writer, const struct aof_writer_options *options,
                          struct aof_manifest *manifest, uint64_t size, uint64_t earlier_size,
                          char message[AOF_MESSAGE_SIZE]);
void aof_writer_close(struct aof_writer *writer);

/* Does what is due at `now_us` and sets wake_position and wake_us. */
void aof_writer_step(struct aof_writer *writer, int64_t now_us);

/*
 * Writes and syncs all that is appended, trying once. KV_OK, or KV_BADARG if that failed.
 */
kv_status aof_writer_finish(struct aof_writer *writer);

/*
 * True if sessions should pause: much is unwritten, or a sync lasts longer than everysec promises.
 */
bool aof_writer_is_behind(struct aof_writer *writer);

/*
 * As in aof_link.h. A position that is_durable() need not be synced if appendfsync is not always.
 */
bool aof_writer_is_durable(const struct aof_writer *writer, uint64_t position);
void aof_writer_await(struct aof_writer *writer, struct aof_waiter *waiter, uint64_t position);
void aof_writer_forget(struct aof_writer *writer, struct aof_waiter *waiter);

/* As kvresp_aof_wait(). */
kv_status aof_writer_wait(struct aof_writer *writer, uint64_t position, int64_t timeout_ms);
void aof_writer_set_fsync(struct aof_writer *writer, kvresp_fsync fsync);

#endif
