/*
 * bench/beside.h -- a process that works beside what is measured, and does not outlive it.
 *
 * It is begun before there is much memory to share: a parent that changes shared pages has to copy
 * them. It stands still until it is let go.
 */
#ifndef KV_BENCH_BESIDE_H
#define KV_BENCH_BESIDE_H

#include "measure.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* `work` goes on for ever. */
static inline pid_t beside_start(void (*work)(void *context), void *context)
{
    pid_t parent = getpid(), child = fork();
    if (child < 0) fail("no process");
    if (child > 0) {
        if (waitpid(child, NULL, WUNTRACED) != child) fail("the process beside is lost");
        return child;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    raise(SIGSTOP);
    work(context);
    _exit(1);
}

static inline void beside_go(pid_t child)
{
    kill(child, SIGCONT);
}

static inline void beside_stand(pid_t child)
{
    kill(child, SIGSTOP);
}

static inline void beside_end(pid_t child)
{
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

#endif
