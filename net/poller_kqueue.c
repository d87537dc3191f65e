/*
 * net/poller_kqueue.c -- the poller on macOS and the BSDs: a kqueue with a user event as bell.
 *
 * EV_CLEAR gives the edges that poller.h promises. Reading and writing are separate filters, so a
 * descriptor may appear twice in a batch. The bell needs no descriptor of its own, nor does the
 * timer.
 */
#if defined(__APPLE__) || defined(__FreeBSD__) || defined(__NetBSD__) || defined(__OpenBSD__) || \
    defined(__DragonFly__)
#include "net/poller.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/event.h>
#include <sys/time.h>
#include <unistd.h>

enum { POLLER_BATCH = 256, POLLER_BELL = 1, POLLER_TIMER = 2 };

static bool kqueue_set(struct poller *poller, uintptr_t id, int filter, int flags, unsigned notes,
                       int64_t data, void *tag)
{
    struct kevent change;
    EV_SET(&change, id, filter, flags, notes, data, tag);
    return kevent(poller->descriptor, &change, 1, NULL, 0, NULL) == 0;
}

bool poller_open(struct poller *poller)
{
    poller->bell = poller->timer = -1;
    poller->descriptor = kqueue();
    if (poller->descriptor >= 0 && fcntl(poller->descriptor, F_SETFD, FD_CLOEXEC) == 0 &&
        kqueue_set(poller, POLLER_BELL, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, poller))
        return true;
    int error = errno;
    poller_close(poller);
    errno = error;
    return false;
}

void poller_close(struct poller *poller)
{
    if (poller->descriptor >= 0) close(poller->descriptor);
    poller->descriptor = -1;
}

bool poller_add(struct poller *poller, int descriptor, void *tag)
{
    return kqueue_set(poller, (uintptr_t)descriptor, EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, tag);
}

bool poller_add_listener(struct poller *poller, int descriptor, void *tag)
{
    return kqueue_set(poller, (uintptr_t)descriptor, EVFILT_READ, EV_ADD, 0, 0, tag);
}

bool poller_watch_write(struct poller *poller, int descriptor, void *tag, bool watch)
{
    int flags = watch ? EV_ADD | EV_CLEAR : EV_DELETE;
    return kqueue_set(poller, (uintptr_t)descriptor, EVFILT_WRITE, flags, 0, 0, tag);
}

void poller_remove(struct poller *poller, int descriptor)
{
    /* One of the two may not be there; closing the descriptor would remove them as well. */
    kqueue_set(poller, (uintptr_t)descriptor, EVFILT_READ, EV_DELETE, 0, 0, NULL);
    kqueue_set(poller, (uintptr_t)descriptor, EVFILT_WRITE, EV_DELETE, 0, 0, NULL);
}

int poller_wait(struct poller *poller, int timeout_ms, struct poller_event *events, int max)
{
    struct kevent ready[POLLER_BATCH];
    struct timespec timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};
    int count = kevent(poller->descriptor, NULL, 0, ready, max < POLLER_BATCH ? max : POLLER_BATCH,
                       timeout_ms < 0 ? NULL : &timeout);
    int kept = 0;
    for (int i = 0; i < count; i++) {
        void *tag = (void *)ready[i].udata;
        if (tag == poller) continue;
        events[kept].tag = tag;
        events[kept].what = (ready[i].filter == EVFILT_WRITE ? POLLER_WRITE : POLLER_READ) |
                            (ready[i].flags & EV_EOF ? POLLER_HANGUP : 0);
        kept++;
    }
    return kept;
}

void poller_wake(struct poller *poller)
{
    int error = errno;
    kqueue_set(poller, POLLER_BELL, EVFILT_USER, 0, NOTE_TRIGGER, 0, poller);
    errno = error;
}

void poller_set_timer(struct poller *poller, int64_t delay_ms)
{
    if (delay_ms < 0) kqueue_set(poller, POLLER_TIMER, EVFILT_TIMER, EV_DELETE, 0, 0, poller);
    else kqueue_set(poller, POLLER_TIMER, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0, delay_ms, poller);
}

const char *poller_name(void)
{
    return "kqueue";
}

#else
typedef int poller_kqueue_is_not_of_this_system; /* C wants something in a file */
#endif
