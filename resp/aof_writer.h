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
 * A new base needs the changes since its instant in files of their own. At that instant
 * aof_writer_cut() notes the position; when the log thread gets there it ends the file and begins
 * the next one:
 *
 *     no file      nothing is kept of the journal: there is no log, or none yet
 *        | cut     (the base that a log begins with)
 *     unlisted     a temporary file, which aof_writer_rebase() lists with its base; until then the
 *        | rebase  files are those of another past, so an error gives this one up
 *     listed       the log. A cut begins a file and lists it; rebase puts those before it away
 *
 * The log thread only calls aof_writer_step() and sleeps in between, so tests run the steps, and
 * the time, by hand.
 */
#ifndef KV_RESP_AOF_WRITER_H
#define KV_RESP_AOF_WRITER_H

#include "kvresp.h"
#include "resp/aof_backlog.h"
#include "resp/aof_files.h"
#include "resp/aof_link.h"

struct aof_writer_options {
    struct aof_files *files; /* of the log thread, once the writer has a file */
    struct aof_log log;
    kvresp_fsync fsync;
    /* Writes are to be refused, or accepted again. From the log thread. */
    void (*accept_writes)(void *context, bool accept);
    void *accept_context;
};

#define AOF_NO_CUT UINT64_MAX

/* What others may have to wait for the log thread to end. */
enum aof_work {
    AOF_WORK_WRITE,
    AOF_WORK_SYNC,             /* and a write had to wait for it */
    AOF_WORK_SYNC_FOR_REPLIES, /* appendfsync always */
    AOF_WORK_REBASE
};

typedef void aof_watch(void *context, enum aof_work work, int64_t us);

struct aof_writer {
    struct aof_writer_options options;
    struct aof_backlog backlog;
    _Atomic int fsync;

    /* Of the log thread alone. */
    int file;   /* -1: none */
    char *path; /* its, or NULL */
    bool is_unlisted;
    int64_t cut_sequence; /* of the file that began at the last cut; 0: unlisted */
    int cut_error;        /* why there is none */
    uint64_t synced_size; /* of the file at `synced` */
    struct aof_mark written, synced;
    int64_t gather_until_us; /* 0: not gathering */
    bool is_busy;            /* the last write was a large one */
    int64_t last_sync_us, retry_us, retry_delay_us;
    bool must_switch, is_broken;
    bool flushes;         /* nothing is to be gathered: everything is written and synced at once */
    uint64_t cut_earlier; /* earlier_size when the file of the last cut began */
    /* When to step next: at a position or an instant. */
    uint64_t wake_position;
    int64_t wake_us;

    /* For everyone. */
    _Atomic uint64_t cut; /* where a new file is to begin; AOF_NO_CUT */
    _Atomic bool is_on;   /* what is synced will be loaded: the file is listed */
    _Atomic bool follows; /* there is a log, or will be: somebody appends to the queue */
    _Atomic uint64_t written_position, synced_position, sync_wanted;
    _Atomic uint64_t file_size;    /* of the file at `written` */
    _Atomic uint64_t earlier_size; /* of the files before it */
    _Atomic uint64_t delayed_syncs;
    _Atomic int64_t sync_started_us; /* 0: none under way */
    _Atomic int64_t turn_started_us; /* of the log thread's; 0: it sleeps */
    _Atomic bool turn_is_late;
    _Atomic int error;

    pthread_mutex_t wait_lock;
    pthread_cond_t wait_done;
    struct aof_waiter *waiters;
    aof_watch *watch; /* under the lock, too; NULL: nobody does */
    void *watch_context;
};

/* A writer without a file. KV_OK, KV_NOMEM. */
kv_status aof_writer_open(struct aof_writer *writer, const struct aof_writer_options *options);
void aof_writer_close(struct aof_writer *writer);

/*
 * Goes on at the end of the last incremental file of the set, of which `size` bytes are good, or
 * begins one. `earlier_size` is the size of the other files. KV_OK; KV_NOMEM; KV_BADARG with a
 * message.
 */
kv_status aof_writer_begin(struct aof_writer *writer, uint64_t size, uint64_t earlier_size,
                           char message[AOF_MESSAGE_SIZE]);

/*
 * Writes and syncs what is appended, trying once, and lets go of the file: nothing is kept of the
 * journal from here on. Returns an errno.
 */
int aof_writer_stop(struct aof_writer *writer);

/* Lets go of a file that is not listed, and of a cut that was not reached: nothing came of it. */
void aof_writer_abandon(struct aof_writer *writer);

/*
 * Notes that a new file is to begin here. To be called at a snapshot's instant: nobody appends. Any
 * thread.
 */
void aof_writer_cut(struct aof_writer *writer);

/* True if the last cut is behind us: cut_error tells whether a file has begun there. */
static inline bool aof_writer_has_cut(const struct aof_writer *writer)
{
    return writer->cut == AOF_NO_CUT;
}

/*
 * Puts the base in the set's temporary file, of `size` bytes, before the file that began at the last
 * cut, or in the place of all files if the writer has none. Returns an errno; then the set is as it
 * was.
 */
int aof_writer_rebase(struct aof_writer *writer, bool is_rdb, uint64_t size);

/* Does what is due at `now_us` and sets wake_position and wake_us. */
void aof_writer_step(struct aof_writer *writer, int64_t now_us);

/*
 * Writes and syncs all that is appended, trying once. KV_OK, or KV_BADARG if that failed, or if the
 * log has no base yet.
 */
kv_status aof_writer_finish(struct aof_writer *writer);

/*
 * The log thread begins to do what is due, and has done it. In between, whatever it waits for, the
 * disk above all, what is appended remains in memory alone.
 */
void aof_writer_turn_begins(struct aof_writer *writer, int64_t now_us);
void aof_writer_turn_ends(struct aof_writer *writer);

/*
 * True if sessions should pause: much is unwritten, or the log thread's turn lasts longer than
 * everysec promises.
 */
bool aof_writer_is_behind(struct aof_writer *writer);

/*
 * As in aof_link.h. A position that is_durable() need not be synced if appendfsync is not always.
 */
bool aof_writer_is_durable(const struct aof_writer *writer, uint64_t position);
void aof_writer_await(struct aof_writer *writer, struct aof_waiter *waiter, uint64_t position);
void aof_writer_forget(struct aof_writer *writer, struct aof_waiter *waiter);

/*
 * Who is told how long work took, if it was a millisecond or more; NULL: nobody. When this returns,
 * who was told before is not being told any more.
 */
void aof_writer_watch(struct aof_writer *writer, aof_watch *watch, void *context);

/* As kvresp_aof_wait(). */
kv_status aof_writer_wait(struct aof_writer *writer, uint64_t position, int64_t timeout_ms);
void aof_writer_set_fsync(struct aof_writer *writer, kvresp_fsync fsync);

#endif
