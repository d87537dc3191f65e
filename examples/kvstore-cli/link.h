/*
 * kvstore-cli/link.h -- the way to a store: a connection to a server, or a data directory opened in
 * this process.
 *
 * Both take a command as words and give a reply as a tree, so that the rest of the program need not
 * know which it is.
 */
#ifndef KVSTORE_CLI_LINK_H
#define KVSTORE_CLI_LINK_H

#include "kvresp.h"
#include "kvstore-cli/options.h"

#include <sys/types.h>

enum { LINK_ERROR_SIZE = 320 };

struct link {
    char error[LINK_ERROR_SIZE]; /* what went wrong last */
    char name[300];              /* "127.0.0.1:6379", for the prompt */

    /* To a server. */
    int descriptor; /* -1: none */
    kv_buffer input;
    size_t input_used; /* of the bytes in `input`, the reply before */
    kvresp_reply *reply;

    /* To a directory. */
    kv *db;
    kvresp_aof *aof;
    kvresp *resp;
    kvresp_worker *worker;
    kvresp_session *session;
};

/* Connects or opens, greets, authenticates, selects. False, and why in link->error. */
bool link_open(struct link *link, const struct cli_options *options);
bool link_is_open(const struct link *link);

/* False if the data of a directory could not be saved in full. */
bool link_close(struct link *link);

/* Sends a command without waiting for its reply. */
bool link_send(struct link *link, size_t count, const kv_slice *words);

/* Makes sending give up at once, with EAGAIN, when the server does not take more. */
void link_do_not_block(struct link *link);

/* Sends bytes in the protocol's form, as many as can be taken now: how many, or -1. */
ssize_t link_send_raw(struct link *link, const void *bytes, size_t size);

/*
 * Waits for a reply, which lives until the next one. False if the link is lost; then it is closed.
 * With `may_wait` false: *reply is NULL if none has come yet.
 */
bool link_receive(struct link *link, const kvresp_reply **reply, bool may_wait);

/* Both. */
bool link_call(struct link *link, size_t count, const kv_slice *words, const kvresp_reply **reply);

#endif
