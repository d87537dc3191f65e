/*
 * base/thread.h -- the library's own threads, where an option asks for some.
 */
#ifndef KV_BASE_THREAD_H
#define KV_BASE_THREAD_H

#include "base/attributes.h"

#include <pthread.h>
#include <stdbool.h>

/* Starts a thread that takes no signals, as these are for the host's. False if there is none. */
KV_INTERNAL bool thread_start(pthread_t *thread, void *(*run)(void *context), void *context);

#endif
