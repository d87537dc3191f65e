/*
 * resp/info.h -- what INFO is made of.
 */
#ifndef KV_RESP_INFO_H
#define KV_RESP_INFO_H

#include "resp/call.h"

/* Appends the sections of these names, which may be "all" and the like; of none: the usual ones. */
void info_write(kvresp *resp, kv *db, const kv_slice *names, size_t count, kv_buffer *text);

void info_free_writers(kvresp *resp);

/* CONFIG RESETSTAT, but for the commands'. */
void info_reset(kvresp *resp, kv *db);

#endif
