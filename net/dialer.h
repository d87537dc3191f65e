/*
 * net/dialer.h -- connections that commands make to other servers: kvresp_dialer over sockets.
 */
#ifndef KV_NET_DIALER_H
#define KV_NET_DIALER_H

#include "kvresp.h"

/* It has no state of its own, so it needs no closing. */
extern const kvresp_dialer dialer;

#endif
