/*
 * resp/clients.h -- the list of all clients: describing, finding, ending, holding back.
 */
#ifndef KV_RESP_CLIENTS_H
#define KV_RESP_CLIENTS_H

#include "resp/session.h"

kv_status clients_open(struct client_list *clients);
void clients_close(struct client_list *clients);

/* Gives the session its number and puts it last. */
void clients_add(struct client_list *clients, kvresp_session *session);
void clients_remove(struct client_list *clients, kvresp_session *session);

/*
 * Sets a text of a session that others may read; NULL takes it away. `text` is owned by the session
 * then.
 */
void clients_set_text(struct client_list *clients, char **field, char *text);

/* Which clients are meant. Zero is all. */
struct client_filter {
    const int64_t *ids; /* one of them; NULL: any */
    size_t id_count;
    kv_slice address, local_address; /* data NULL: any */
    int type;                        /* enum client_type, if has_type */
    bool has_type;
    bool has_user;              /* "default", the only one there is */
    const kvresp_session *skip; /* not this one */
};

enum client_type {
    CLIENT_TYPE_NORMAL,
    CLIENT_TYPE_MASTER,
    CLIENT_TYPE_REPLICA,
    CLIENT_TYPE_PUBSUB
};

/* Appends the lines of CLIENT LIST. KV_OK or KV_NOMEM. */
kv_status clients_describe(struct client_list *clients, const struct client_filter *filter,
                           int64_t now_ms, kv_buffer *text);

/* Appends the line of one of them. */
kv_status clients_describe_one(struct client_list *clients, kvresp_session *session, int64_t now_ms,
                               kv_buffer *text);

/*
 * Tells the clients meant to close. `own` is told too if it is meant, by *own_is_meant. Returns how
 * many.
 */
size_t clients_kill(struct client_list *clients, const struct client_filter *filter,
                    kvresp_session *own, bool *own_is_meant);

/* Ends the wait of client `id`, as by its timeout or with an error. False if it is not waiting. */
bool clients_unblock(struct client_list *clients, int64_t id, bool with_error);

/*
 * Ends all waits, and the clients that waited: what they wait for is not decided here any more.
 */
void clients_unblock_all(struct client_list *clients);

/*
 * CLIENT PAUSE: `gate` says whether all commands are held back or only writes. A second pause makes
 * the first longer or stricter, never shorter or milder.
 */
void clients_pause(kvresp *resp, unsigned gate, int64_t now_ms, int64_t until_ms);

/* Wakes those that are held back, to see for themselves whether they may go on. */
void clients_wake_paused(struct client_list *clients);

/* Ends the pause and wakes those held back. */
void clients_unpause(kvresp *resp);

/* Wakes those whose command was held back, so that they try again. */
void clients_wake_paused(struct client_list *clients);

/* Sums for INFO: the longest input and output, memory of all. */
struct client_sums {
    size_t count;
    uint64_t input_max, output_max, memory, watching, subscribed, replicas;
    uint64_t timed; /* blocked, for a limited time */
};
void clients_sum(struct client_list *clients, struct client_sums *sums);

#endif
