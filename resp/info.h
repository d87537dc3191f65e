/*
 * resp/info.h -- what INFO is made of.
 */
#ifndef KV_RESP_INFO_H
#define KV_RESP_INFO_H

#include "resp/call.h"

void info_free_writers(kvresp *resp);

/* CONFIG RESETSTAT, but for the commands'. */
void info_reset(kvresp *resp, kv *db);

#endif
