/*
 * resp/slowlog.h -- the commands that took long, the latest first.
 */
#ifndef KV_RESP_SLOWLOG_H
#define KV_RESP_SLOWLOG_H

#include "resp/text.h"

#include <pthread.h>

enum { SLOWLOG_ARGUMENTS_MAX = 32, SLOWLOG_ARGUMENT_SIZE = 128 };

struct slowlog_entry {
    struct slowlog_entry *next; /* the one before it in time */
    uint64_t id;
    int64_t time_s, duration_us;
    kv_slice address, name;
    size_t argument_count; /* as kept: long requests and arguments are cut, and say so */
    kv_slice arguments[];
};

struct slowlog {
    pthread_mutex_t lock;
    struct slowlog_entry *latest;
    uint64_t length, next_id;
};

kv_status slowlog_open(struct slowlog *slowlog);
void slowlog_close(struct slowlog *slowlog);

/* Notes a command and forgets the oldest beyond `length_max`. Without memory it is not noted. */
void slowlog_add(struct slowlog *slowlog, uint64_t length_max, int64_t time_s, int64_t duration_us,
                 const kv_slice *arguments, size_t argument_count, kv_slice address, kv_slice name);

/*
 * Shows the latest `count` entries under the log's lock; `visit` may only write. Returns how many.
 */
typedef void slowlog_visit(void *context, const struct slowlog_entry *entry);
uint64_t slowlog_read(struct slowlog *slowlog, uint64_t count,
                      void (*begin)(void *context, uint64_t count), slowlog_visit *visit,
                      void *context);

uint64_t slowlog_length(struct slowlog *slowlog);
void slowlog_reset(struct slowlog *slowlog);

#endif
