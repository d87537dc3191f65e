/*
 * resp/replica_link.h -- one connection to a master, from its first PING to its end: what the three
 * files of it share. They open no socket: bytes come and go by a kvresp_transport, which waits.
 *
 *     replica_link.c     the handshake, and whether history goes on or all data come
 *     replica_payload.c  all data: an RDB of a size, or up to a mark, given to kv_load()
 *     replica_stream.c   the changes: executed, counted, handed on
 *
 * It is written as one conversation, not as a machine of states, since kv_load() asks for its bytes:
 * then the rest may ask for theirs as well.
 *
 * A master is not trusted to be one. Lines, sizes and the data set have limits or are checked; what
 * is wrong ends the link with a reason, and nothing of it is kept.
 */
#ifndef KV_RESP_REPLICA_LINK_H
#define KV_RESP_REPLICA_LINK_H

#include "resp/following.h"
#include "resp/text.h"

enum {
    FOLLOW_LINE_MAX = 1024, /* of an answer in the handshake */
    FOLLOW_BUFFER_SIZE = 64 * 1024,
    FOLLOW_ACK_MS = 1000 /* between two signs of life */
};

struct follow {
    kvresp *resp;
    struct following *following;
    const kvresp_transport *transport;
    const kvresp_master *master;
    int64_t timeout_ms; /* repl-timeout */
    int64_t signed_ms;  /* when the master was last given a sign of life */
    uint8_t *bytes;     /* received, and not looked at from `start` on */
    size_t start, end;
    bool is_failover; /* the master is to become one by our PSYNC */
    bool is_refused;  /* and does not want to */
    char reason[256]; /* why the link ends */
};

/* What the master sends in answer to PSYNC. */
struct follow_answer {
    char id[REPLICATION_ID_SIZE + 1]; /* "": the old one, or none */
    int64_t offset;
    bool is_full;
    bool is_old; /* a master that knows no PSYNC: no id, no offset, no acknowledgements */
};

/* Notes the reason; always KV_BADARG. */
kv_status follow_fail(struct follow *follow, const char *format, ...) TEXT_PRINTF(2, 3);

/* Why a read or write has failed, for statuses of the transport. Returns the status. */
kv_status follow_fail_io(struct follow *follow, kv_status status);

/*
 * One read of the transport, until `deadline_ms`: KV_OK; KV_TIMEOUT; KV_MORE if something is to be
 * looked at; KV_CANCELLED if the link is no longer wanted; the rest as follow_fail_io().
 */
kv_status follow_read(struct follow *follow, void *bytes, size_t room, int64_t deadline_ms,
                      size_t *size);

kv_status follow_write(struct follow *follow, kv_slice bytes);
kv_status follow_command(struct follow *follow, const kv_slice *words, size_t count);

/* More bytes behind those in the buffer, for which room is made. KV_TIMEOUT: is a failure. */
kv_status follow_fill(struct follow *follow);

/* A line without its end. Longer ones, and zero bytes, are failures. */
kv_status follow_line(struct follow *follow, char line[FOLLOW_LINE_MAX + 1]);

/* Reads repl-timeout anew. */
void follow_renew_timeout(struct follow *follow);

/* Takes over the data set that follows. With KV_OK the link is connected. */
kv_status follow_payload(struct follow *follow, const struct follow_answer *answer);

/* Applies what comes, for as long as it comes. Never KV_OK. */
kv_status follow_stream(struct follow *follow, bool is_old);

#endif
