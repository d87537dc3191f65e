/*
 * net/poller_epoll.c -- the poller on Linux: an epoll set, an eventfd as bell, a timerfd.
 *
 * The bell and the timer are edge triggered too, so that they need not be read: each ring is a new
 * edge. A short read has emptied the socket (epoll(7), question 9), so that a request costs one
 * read; the end of the stream, which may have come in the same moment, is known from EPOLLRDHUP.
 */
#if defined(__linux__)
#include "net/poller.h"

#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { POLLER_BATCH = 256 };

static bool epoll_set(struct poller *poller, int operation, int descriptor, uint32_t events,
                      void *tag)
{
    struct epoll_event event = {.events = events, .data.ptr = tag};
    return epoll_ctl(poller->descriptor, operation, descriptor, &event) == 0;
}

/* The bell and the timer carry the poller itself as tag. */
bool poller_open(struct poller *poller)
{
    poller->descriptor = epoll_create1(EPOLL_CLOEXEC);
    poller->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    poller->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (poller->descriptor >= 0 && poller->bell >= 0 && poller->timer >= 0 &&
        epoll_set(poller, EPOLL_CTL_ADD, poller->bell, EPOLLIN | EPOLLET, poller) &&
        epoll_set(poller, EPOLL_CTL_ADD, poller->timer, EPOLLIN | EPOLLET, poller))
        return true;
    int error = errno;
    poller_close(poller);
    errno = error;
    return false;
}

void poller_close(struct poller *poller)
{
    if (poller->descriptor >= 0) close(poller->descriptor);
    if (poller->bell >= 0) close(poller->bell);
    if (poller->timer >= 0) close(poller->timer);
    poller->descriptor = poller->bell = poller->timer = -1;
}

bool poller_add(struct poller *poller, int descriptor, void *tag)
{
    return epoll_set(poller, EPOLL_CTL_ADD, descriptor, EPOLLIN | EPOLLRDHUP | EPOLLET, tag);
}

bool poller_add_listener(struct poller *poller, int descriptor, void *tag)
{
    return epoll_set(poller, EPOLL_CTL_ADD, descriptor, EPOLLIN, tag);
}

bool poller_watch_write(struct poller *poller, int descriptor, void *tag, bool watch)
{
    uint32_t events = EPOLLIN | EPOLLRDHUP | EPOLLET | (watch ? (uint32_t)EPOLLOUT : 0);
    return epoll_set(poller, EPOLL_CTL_MOD, descriptor, events, tag);
}

void poller_remove(struct poller *poller, int descriptor)
{
    epoll_set(poller, EPOLL_CTL_DEL, descriptor, 0, NULL);
}

int poller_wait(struct poller *poller, int timeout_ms, struct poller_event *events, int max)
{
    struct epoll_event ready[POLLER_BATCH];
    int count =
        epoll_wait(poller->descriptor, ready, max < POLLER_BATCH ? max : POLLER_BATCH, timeout_ms);
    int kept = 0;
    for (int i = 0; i < count; i++) {
        if (ready[i].data.ptr == poller) continue;
        uint32_t what = ready[i].events;
        events[kept].tag = ready[i].data.ptr;
        events[kept].what = (what & EPOLLIN ? POLLER_READ : 0) |
                            (what & EPOLLOUT ? POLLER_WRITE : 0) |
                            (what & (EPOLLRDHUP | EPOLLHUP | EPOLLERR) ? POLLER_HANGUP : 0);
        kept++;
    }
    return kept;
}

void poller_wake(struct poller *poller)
{
    int error = errno;
    uint64_t one = 1;
    ssize_t written = write(poller->bell, &one, sizeof one);
    (void)written; /* it fails only when 2^64 - 2 rings are waiting */
    errno = error;
}

void poller_set_timer(struct poller *poller, int64_t delay_ms)
{
    struct itimerspec when = {{0, 0}, {0, 0}};
    if (delay_ms >= 0) {
        when.it_value.tv_sec = delay_ms / 1000;
        when.it_value.tv_nsec = delay_ms % 1000 * 1000000;
        if (delay_ms == 0) when.it_value.tv_nsec = 1; /* zero would switch it off */
    }
    timerfd_settime(poller->timer, 0, &when, NULL);
}

const char *poller_name(void)
{
    return "epoll";
}

#else
typedef int poller_epoll_is_not_of_this_system; /* C wants something in a file */
#endif
