/*
 * resp/aof_link.h -- what commands need of the append-only file, and no more.
 *
 * kvresp_attach_aof() fills one of these and calls resp_attach_link(). Without one nothing is
 * refused, nothing waits. Positions are those of kvresp_aof_position(): bytes of the journal,
 * growing.
 *
 *   appendfsync always   After a run of requests that wrote, the session notes position(); its
 *                        replies from the first of that run on are held back until
 *                        is_durable(position), and await() arranges for a wake.
 *   a disk that fails    refusal() gives its message; writes are answered "MISCONF Errors writing
 *   to the AOF file: ...". a slow disk          is_full() while too much waits for the log thread;
 *   writes pause until room, likewise by await().
 *
 *   there may be none          attached but off: stat() tells, and the functions above behave as if
 *                        there were none.
 *
 * Each function may be called by any worker at any time; refusal, holds_replies and is_full by each
 * for every batch, so they are loads of a variable. await() may call wake before it returns, and
 * calls it once from any thread, holding no lock that forget() needs. When forget() returns, wake
 * is not running and will not be called.
 */
#ifndef KV_RESP_AOF_LINK_H
#define KV_RESP_AOF_LINK_H

#include "kvresp.h"

#define AOF_AWAIT_ROOM UINT64_MAX /* await(): no position, but that is_full() ends */

/*
 * One session's wait. Owned by the session; `next` and `previous` and `is_waiting` belong to the
 * append-only file.
 */
struct aof_waiter {
    struct aof_waiter *next, *previous;
    uint64_t position;
    bool is_waiting;
    void (*wake)(void *context);
    void *context;
};

struct aof_link {
    void *context;
    const char *(*refusal)(
        void *context); /* why writes are refused, without "MISCONF ..."; NULL: they are not */
    bool (*holds_replies)(void *context); /* appendfsync is always */
    bool (*is_full)(void *context);
    uint64_t (*position)(void *context); /* all changes this thread has made lie below */
    uint64_t (*synced)(void *context);   /* what lies below is on the medium */
    uint64_t (*held)(void *context);     /* bytes of the journal in memory, for INFO */
    bool (*is_durable)(void *context, uint64_t position);
    void (*await)(void *context, struct aof_waiter *waiter,
                  uint64_t position); /* replaces an earlier await */
    void (*forget)(void *context, struct aof_waiter *waiter);
    bool (*is_wanted)(void *context); /* there is a log, or will be as soon as its base is there */
    void (*stat)(void *context, kvresp_aof_status *status);
    /*
     * The store's contents have changed and the journal does not tell how: at the instant of a
     * kv_load(), say.
     */
    void (*replaced)(void *context);
    kv_status (*set_directory)(void *context, const char *path); /* dir was changed */
    kv_status (*rewrite)(void *context, bool schedules);         /* aof_ask_for_rewrite() */
    kv_status (*reload)(void *context); /* DEBUG LOADAOF; why it failed is logged */
    void (*leave)(void *context);       /* the kvresp ends: it takes no snapshot any more */
};

/* Of the link that a kvresp has, or has not. */
static inline bool aof_link_is_wanted(const struct aof_link *link)
{
    return link != NULL && link->is_wanted(link->context);
}

static inline kv_status aof_link_set_directory(const struct aof_link *link, const char *path)
{
    return link != NULL ? link->set_directory(link->context, path) : KV_OK;
}

/* There is a log, but not where `dir` says. */
static inline bool aof_link_is_elsewhere(const struct aof_link *link)
{
    kvresp_aof_status status = KV_OPTIONS(kvresp_aof_status);
    if (link != NULL) link->stat(link->context, &status);
    return status.is_elsewhere;
}

static inline void aof_link_replaced(const struct aof_link *link)
{
    if (link != NULL) link->replaced(link->context);
}

/* `link` must outlive resp. To be called before sessions are opened, or while loading. */
void resp_attach_link(kvresp *resp, const struct aof_link *link);

#endif
