/*
 * resp/saving.h -- the RDB file that the store is kept in: saved by SAVE, BGSAVE, at save points,
 * after FLUSHALL and at the end.
 *
 * There is one job (snapshots.h) and thus at most one save at a time:
 *
 *     none  --wanted-->  in line  --its instant comes-->  under way  --done-->  none
 *                           ^                                 | wanted afresh: what it writes is too old
 *                           +----------- cancelled -----------+
 *
 * Whoever wants to know the outcome is a waiter; the last save of all is a shutdown's, which is told.
 */
#ifndef KV_RESP_SAVING_H
#define KV_RESP_SAVING_H

#include "resp/rdb_aux.h"
#include "resp/rdb_file.h"
#include "resp/waiters.h"

#include <pthread.h>
#include <stdatomic.h>

#define SAVING_JOB "rdb" /* the name of its snapshot */

struct save_point {
    int64_t seconds, changes;
};

struct saving {
    kvresp *resp;
    const struct aof_io *io;
    pthread_mutex_t lock; /* of all below but what the job has to itself. Who holds shards may take
                             it, so nothing that needs one is called under it */

    kvresp_snapshot_job job;
    struct rdb_file file; /* of the job, as are these two */
    struct rdb_aux aux;
    uint64_t changes_begun; /* of the store's life, when the job began */

    bool is_wanted; /* in line or under way */
    atomic_bool is_under_way,
        is_scheduled; /* its instant has passed; BGSAVE was answered so. Set at
                                               the instant without the lock, as all wait then */
    bool is_wanted_afresh;
    bool is_background; /* not for a waiter alone */
    bool is_last;       /* for a shutdown */
    struct waiters waiters;

    /* What INFO tells. */
    bool has_failed;                                 /* the last one in the background */
    char message[256];                               /* why the last one failed */
    int64_t saved_s, tried_s, started_s, duration_s; /* duration: -1: none */
    uint64_t changes_saved;                          /* of the store's life, those in the file */
    uint64_t count; /* begun by SAVE, BGSAVE and save points, whatever became of them */
    uint64_t held_peak, loaded, expired;
    int64_t looked_s; /* when save points were looked at */

    /* Parameters. */
    struct save_point *points;
    size_t point_count;
    char *directory, *file_name;
    atomic_int stops_writes, compresses, sums, syncs_early, rdb_version;
};

kv_status saving_open(struct saving *saving, kvresp *resp);
void saving_close(struct saving *saving);

/* Looks at the save points. */
void saving_cron(struct saving *saving);

enum saving_wish {
    SAVING_BEGIN,    /* KV_BUSY if one is under way, or about to be and not just scheduled */
    SAVING_SCHEDULE, /* the same, to be told as scheduled */
    SAVING_AFRESH    /* in place of one that is under way */
};

/*
 * Puts the save in line. `waiter`, which may be NULL, is told the outcome. KV_OK; KV_BUSY; KV_NOMEM.
 */
kv_status saving_want(struct saving *saving, enum saving_wish wish, struct waiter *waiter);

/* The same, afresh, for a shutdown, which is told by shutdown_saved(). */
kv_status saving_want_last(struct saving *saving);

/* Ends that; false if there is none. */
bool saving_cancel_last(struct saving *saving);

/* Waits, in this thread, until a waiter without a session is told. Returns what. */
kv_status saving_await(struct saving *saving, struct waiter *waiter);

/* Why the last save failed. */
void saving_explain(struct saving *saving, char message[256]);

/* Ends what was begun, or scheduled (*was_scheduled). KV_OK or KV_NONE. */
kv_status saving_cancel(struct saving *saving, bool *was_scheduled);

/* Whether there are save points: then the end is one, too. */
bool saving_has_points(struct saving *saving);

/* After a flush: the file should not bring back what was flushed. */
void saving_flushed(struct saving *saving);

/* The store is what the file has, of which so many keys came in. */
void saving_loaded(struct saving *saving, uint64_t keys, uint64_t expired);

/* Decides anew whether a failure makes writes be refused: after a parameter has changed. */
void saving_judge(struct saving *saving);

/* Appends the lines rdb_... of INFO persistence; `changes` are those of the store's life. */
void saving_write_info(struct saving *saving, uint64_t changes, kv_buffer *text);
int64_t saving_last_s(struct saving *saving);
void saving_reset(struct saving *saving);

/* ------------------------------------------------------------------------------------ parameters */

/*
 * "900 1 300 10": false if it is none. `points` receives them, from malloc(); *count is 0 for the
 * empty text.
 */
bool saving_parse_points(kv_slice text, struct save_point **points, size_t *count);

/* These make changed parameters true. Without memory nothing has changed: false. */
bool saving_set_points(struct saving *saving, kv_slice text);
bool saving_set_file_name(struct saving *saving, const char *name);

/* The path of a directory that is there, absolute, from malloc(). Returns an errno. */
int saving_find_directory(const char *path, char **directory);
/* Saves go there from now on; the path is ours. */
void saving_set_directory(struct saving *saving, char *directory);

/* Append what CONFIG GET shows: for the directory its absolute path. */
kv_status saving_read_points(struct saving *saving, kv_buffer *text);
kv_status saving_read_directory(struct saving *saving, kv_buffer *text);

#endif
