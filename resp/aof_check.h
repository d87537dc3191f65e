/*
 * resp/aof_check.h -- kvresp_check() on any file system, for its tests.
 */
#ifndef KV_RESP_AOF_CHECK_H
#define KV_RESP_AOF_CHECK_H

#include "kvresp.h"
#include "resp/aof_io.h"

kv_status aof_check_on(kv *db, const struct aof_io *io, const char *path,
                       const kvresp_check_options *options, char *message);

#endif
