/*
 * resp/pushes.h -- messages on their way to a session: published, and not in its output yet.
 *
 *     a publisher's thread                          the session's thread
 *     pushes_receive(): keeps the message,   -->    pushes_flush(): writes them to the output
 *     adds it to the queue, wakes the session
 *
 * The queue holds no copies: a message is shared by all sessions it goes to. What a session does not
 * read stays in its queue, is counted against `client-output-buffer-limit pubsub`, and ends this
 * session if it is too much; nobody else waits for it. Into the output, which the socket is written
 * from, it goes in portions.
 *
 * Messages on a channel come before the end of its subscription, and before replies to requests
 * that were received later; those that a session publishes to itself come after the reply.
 */
#ifndef KV_RESP_PUSHES_H
#define KV_RESP_PUSHES_H

#include "resp/session.h"

/* Prepares a session for subscriptions, once. KV_OK or KV_NOMEM. */
kv_status pushes_open(kvresp_session *session);

/* Ends all subscriptions and drops what is queued. */
void pushes_close(kvresp_session *session);

/* The subscriptions of a session; NULL before pushes_open(). */
kv_subscriber *pushes_subscriber(const kvresp_session *session);

/* Writes queued messages until the output has `room` bytes or more. In the session's thread. */
void pushes_flush(kvresp_session *session, size_t room);

/* Whether messages are queued. */
bool pushes_are_waiting(const kvresp_session *session);

/* Why a session cannot go on: messages were dropped. NULL: it can. */
const char *pushes_failure(const kvresp_session *session);

#endif
