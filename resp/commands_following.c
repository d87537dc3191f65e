/*
 * resp/commands_following.c -- REPLICAOF and SLAVEOF: whose replica the store is.
 */
#include "resp/commands.h"

#include <strings.h>

/* REPLICAOF in a transaction is carried out at its end. */
static void following_grant(struct call *call, const struct following_master *wish)
{
    struct following *following = &call->resp->following;
    following_wish(following, wish);
    if (call->in_exec) call->session->has_wish = true;
    else following_carry_out(following);
}

static void following_end(struct call *call)
{
    struct following_master none = {0}, old;
    following_look(&call->resp->following, &old);
    if (old.host[0] != '\0') {
        following_grant(call, &none);
        kvresp_logf(call->resp, KVRESP_NOTICE,
                    "MASTER MODE enabled (user request from 'id=%llu "
                    "addr=%s')",
                    (unsigned long long)call->session->id,
                    (const char *)call->session->address.data);
    }
    writer_ok(call->reply);
}

static void following_begin(struct call *call)
{
    struct following *following = &call->resp->following;
    struct following_master wish = {0}, old;
    kv_slice host = text_terminated(call->arguments[1]);
    int64_t port;
    if (!call_integer(call, 2, &port, "ERR Invalid master port")) return;
    if (port < 0 || port > 65535) {
        call_error(call, "ERR Invalid master port");
        return;
    }
    if (host.size == 0 || host.size >= sizeof wish.host) {
        call_error(call, "ERR Invalid master host");
        return;
    }
    memcpy(wish.host, host.data, host.size);
    wish.port = (int)port;
    following_look(following, &old);
    if (strcasecmp(old.host, wish.host) == 0 && old.port == wish.port) {
        writer_simple(call->reply, "OK Already connected to specified master");
        return;
    }
    following_grant(call, &wish);
    kvresp_logf(call->resp, KVRESP_NOTICE,
                "REPLICAOF %s:%d enabled (user request from 'id=%llu addr=%s')", wish.host,
                wish.port, (unsigned long long)call->session->id,
                (const char *)call->session->address.data);
    writer_ok(call->reply);
}

void replicaof_command(struct call *call)
{
    struct following *following = &call->resp->following;
    if (failover_is_under_way(&call->resp->failover)) {
        call_error(call, "ERR REPLICAOF not allowed while failing over.");
        return;
    }
    if (call_is(call, 1, "no") && call_is(call, 2, "one")) {
        following_end(call);
        return;
    }
    pthread_mutex_lock(&following->lock);
    bool can_connect = following->connector != NULL;
    pthread_mutex_unlock(&following->lock);
    if (can_connect) following_begin(call);
    else call_error(call, "ERR REPLICAOF is not possible: this store has nobody who connects");
}

void slaveof_command(struct call *call)
{
    replicaof_command(call);
}
