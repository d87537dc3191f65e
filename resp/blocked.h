/*
 * resp/blocked.h -- commands that wait: BLPOP, BRPOP, BLMOVE, BRPOPLPUSH, BLMPOP, and those of other
 * types than lists, which say how to try again.
 *
 *     not  --kv_wait() gives KV_PENDING-->  waiting  --somebody pushes-->  served  --the session's
 *                                              thread-->  not |
 *                                              +-- timeout, CLIENT UNBLOCK, the connection's end
 *                                              -->  not
 *
 * Who brings the elements writes the reply, from its own thread, into a writer that belongs to the
 * wait, and wakes the session, whose thread copies it to the output. kv_wait_cancel() decides every
 * race: either it ended the wait, or the reply is there.
 */
#ifndef KV_RESP_BLOCKED_H
#define KV_RESP_BLOCKED_H

#include "resp/call.h"

struct blocked_wish {
    const kv_slice *keys;
    size_t key_count;
    kv_end end;
    uint64_t count;
    const kv_slice *destination; /* NULL: none */
    kv_end to_end;
    bool names_key, as_array; /* [key, element]; [key, [elements]]; neither: element */
    /*
     * Not NULL: for values of another type than lists, and what follows the keys above is not used.
     * With minds_removal it is tried, too, when the key goes or becomes another type. The request
     * is what the attempt is given: of malloc(), or NULL; it belongs to the wait, which frees it.
     */
    blocked_attempt *attempt;
    kv_type type;
    bool minds_removal;
    void *request;
};

/*
 * Takes what there is and replies, or makes the session wait: timeout_ms long, 0 for ever. Not in a
 * transaction.
 */
void blocked_begin(struct call *call, const struct blocked_wish *wish, int64_t timeout_ms);

/* Another reason to wait than keys: of a room that wakes the session when there is news. */
struct blocked_kind {
    bool (*is_over)(kvresp_session *session);
    void (*reply)(struct call *call);     /* also when time is up */
    void (*end)(kvresp_session *session); /* before that: nobody wakes it any more */
    bool is_firm;                         /* neither CLIENT UNBLOCK nor a change of role ends it */
};

/*
 * Makes the session wait for what the kind says: timeout_ms long, 0 for ever. The room may have
 * news, and have woken it, before that: the session looks once more.
 */
void blocked_begin_kind(struct call *call, const struct blocked_kind *kind, int64_t timeout_ms);

/*
 * Looks at a waiting session, in its thread: if it was served, timed out or unblocked, replies and
 * returns true; it may then go on with its next request.
 */
bool blocked_look(kvresp_worker *worker, kvresp_session *session, int64_t now_ms);

/* Ends the wait without a reply. */
void blocked_end(kvresp_session *session);

#endif
