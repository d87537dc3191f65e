/*
 * net/poller.h -- waiting for many descriptors: epoll and kqueue behind one small interface.
 *
 * Descriptors are reported once when their state changes ("edge triggered"), and the caller
 * remembers what is left to do. So a loop that does not want to read from a slow client just does
 * not: no system call switches the interest off and on, and a descriptor that was drained is not
 * looked at again. Listeners are reported as long as somebody waits, so that a batch may be cut
 * short.
 *
 * A poller also has a bell (poller_wake, for other threads and signal handlers) and a timer, which
 * makes `descriptor` readable for hosts that put it in a poll loop of their own.
 *
 * poller_epoll.c or poller_kqueue.c implements it, whichever the system has.
 */
#ifndef KV_NET_POLLER_H
#define KV_NET_POLLER_H

#include <stdbool.h>
#include <stdint.h>

#define POLLER_READ   1u /* there is something to read, or the end of it */
#define POLLER_WRITE  2u /* there is room again */
#define POLLER_HANGUP 4u /* the peer sends no more, or the connection is broken */

struct poller_event {
    void *tag;
    unsigned what;
};

struct poller {
    int descriptor; /* readable when poller_wait() would return at once */
    int bell;
    int timer;
};

/* False, with errno, if the system gives no descriptor. */
bool poller_open(struct poller *poller);
void poller_close(struct poller *poller);

/* False, with errno, if the system refuses. `tag` comes back in events; any thread may call. */
bool poller_add(struct poller *poller, int descriptor, void *tag);
bool poller_add_listener(struct poller *poller, int descriptor, void *tag);

/* Reports room to write (at once if there is some) to a descriptor that was added, or no longer. */
bool poller_watch_write(struct poller *poller, int descriptor, void *tag, bool watch);

/* To be called before the descriptor is closed. */
void poller_remove(struct poller *poller, int descriptor);

/*
 * Waits up to timeout_ms (-1: for ever) and returns the number of events, 0 also after
 * poller_wake(), the timer or a signal. One descriptor may appear twice in a batch.
 */
int poller_wait(struct poller *poller, int timeout_ms, struct poller_event *events, int max);

/* Ends the present or the next poller_wait(). Any thread, also in a signal handler. */
void poller_wake(struct poller *poller);

/* Rings the bell once, `delay_ms` from now; a later call replaces it, one below 0 takes it back. */
void poller_set_timer(struct poller *poller, int64_t delay_ms);

/* The name that INFO shows. */
const char *poller_name(void);

#endif
