/*
 * resp/waiters.c -- those who wait until a room tells them how something went.
 */
#include "resp/waiters.h"

#include "resp/session.h"

void waiters_add(struct waiters *waiters, struct waiter *waiter)
{
    waiter->list = waiters;
    waiter->is_told = false;
    waiter->next = waiters->first;
    waiters->first = waiter;
}

void waiters_tell(struct waiters *waiters, kv_status status)
{
    while (waiters->first != NULL) {
        struct waiter *waiter = waiters->first;
        waiters->first = waiter->next;
        waiter->status = status;
        waiter->is_told = true;
        if (waiter->session != NULL) session_wake(waiter->session);
    }
}

bool waiter_is_told(struct waiter *waiter)
{
    pthread_mutex_lock(waiter->list->lock);
    bool is_told = waiter->is_told;
    pthread_mutex_unlock(waiter->list->lock);
    return is_told;
}

void waiter_leave(struct waiter *waiter)
{
    struct waiters *waiters = waiter->list;
    pthread_mutex_lock(waiters->lock);
    struct waiter **link = &waiters->first;
    while (*link != NULL && *link != waiter) link = &(*link)->next;
    if (*link != NULL) *link = waiter->next;
    pthread_mutex_unlock(waiters->lock);
}

bool waiter_is_over(kvresp_session *session)
{
    return waiter_is_told(&session->waiter);
}

void waiter_end(kvresp_session *session)
{
    waiter_leave(&session->waiter);
}
