/*
 * resp/aof.h -- the append-only file as the code of sessions sees it.
 *
 * After its commands a session that wrote compares aof_position() with aof_synced() if aof_holds_replies(), keeps
 * its replies back while the latter is smaller, and asks to be woken with aof_wait_synced(). Before commands
 * it pauses if aof_must_pause(), and asks to be woken with aof_wait_room().
 */
#ifndef KV_RESP_AOF_H
#define KV_RESP_AOF_H

#include "kvresp.h"
#include "resp/aof_io.h"

#include <stdbool.h>

/*
 * A place in the list of those to be woken. Starts as {0}, lies in its owner (a session), and is in the list at most
 * once. `wake` is called by the log thread, under the list's lock, once: it must be short and must not call the
 * functions below. It may come early: look again.
 */
struct aof_waiter {
    void (*wake)(void *context);
    void *context;
    uint64_t position; /* UINT64_MAX: waits for room, not for a sync */
    struct aof_waiter *next, *previous;
    bool is_waiting;
};

/* True under appendfsync always: replies to writes wait until these are synced. */
bool aof_holds_replies(const kvresp_aof *aof);

/* The end of the journal, and up to where it is on the medium. */
uint64_t aof_position(const kvresp_aof *aof);
uint64_t aof_synced(const kvresp_aof *aof);

/* True if the disk is so far behind that no more should be executed for now. Cheap; reads the clock at most. */
bool aof_must_pause(kvresp_aof *aof);

/* Why the disk refuses (an errno), for the MISCONF error; 0: it does not. */
int aof_error(const kvresp_aof *aof);

/* Begin to wait. False, without waiting, if there is nothing to wait for any more. */
bool aof_wait_synced(kvresp_aof *aof, struct aof_waiter *waiter, uint64_t position);
bool aof_wait_room(kvresp_aof *aof, struct aof_waiter *waiter);

/* Ends a wait, if it has not ended: when it returns, `wake` will not be called. */
void aof_wait_end(kvresp_aof *aof, struct aof_waiter *waiter);

/* kvresp_aof_open() on another file system than the machine's, for tests. */
kv_status aof_open_on(kv *db, const kvresp_aof_options *options, const struct aof_io *io,
                      kvresp_aof **aof, char message[256]);

#endif
