/*
 * tests/resp/aof_status.h -- what an append-only file says of itself, and waiting until it is at
 * rest.
 */
#ifndef KV_TESTS_AOF_STATUS_H
#define KV_TESTS_AOF_STATUS_H

#include "kvresp.h"

#include <unistd.h>

static inline kvresp_aof_status stat_now(kvresp_aof *aof)
{
    kvresp_aof_status status = KV_OPTIONS(kvresp_aof_status);
    kvresp_aof_stat(aof, &status);
    return status;
}

static inline void await_rewrite(kvresp_aof *aof)
{
    kvresp_aof_status status = stat_now(aof);
    while (status.is_rewriting || status.is_rewrite_scheduled || status.is_starting) {
        usleep(200);
        status = stat_now(aof);
    }
}

#endif
