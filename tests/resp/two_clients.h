/*
 * tests/resp/two_clients.h -- the server of a program each of whose tests needs one with two
 * clients: clients_setup() and clients_teardown() are a checked fixture, alone or within another.
 */
#ifndef KV_TESTS_RESP_TWO_CLIENTS_H
#define KV_TESTS_RESP_TWO_CLIENTS_H

#include "server.h"

static struct server server;
static struct server_client *one, *two;

static inline void clients_setup(void)
{
    server_open(&server);
    one = server_client(&server);
    two = server_client(&server);
}

static inline void clients_teardown(void)
{
    server_close(&server);
}

#endif
