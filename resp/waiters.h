/*
 * resp/waiters.h -- those who wait until a room tells them how something went that it does for all:
 * a save, a shutdown.
 *
 * A waiter is a session that is blocked, or a thread of the host. The room has a list of them. A
 * session that is told is woken, and answers in its own thread; a thread looks now and then.
 */
#ifndef KV_RESP_WAITERS_H
#define KV_RESP_WAITERS_H

#include "kvresp.h"

#include <pthread.h>
#include <stdbool.h>

struct waiters {
    pthread_mutex_t *lock; /* the room's, of the list and all that is in it */
    struct waiter *first;
};

struct waiter {
    struct waiters *list;
    struct waiter *next;
    kvresp_session *session; /* NULL: a thread */
    bool is_told;
    kv_status status; /* once told */
};

/* Under the room's lock: adds a waiter, of which only `session` matters, and tells all of them. */
void waiters_add(struct waiters *waiters, struct waiter *waiter);
void waiters_tell(struct waiters *waiters, kv_status status);

/* Take the lock. Who was told is off the list, and who has left is told no more. */
bool waiter_is_told(struct waiter *waiter);
void waiter_leave(struct waiter *waiter);

/* The same for a session that waits, for struct blocked_kind. */
bool waiter_is_over(kvresp_session *session);
void waiter_end(kvresp_session *session);

#endif
