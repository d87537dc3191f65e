/*
 * tests/resp/script.h -- a master that is a text: what it says comes in pieces, whatever it is told,
 * and then it closes the connection.
 */
#ifndef KV_TESTS_RESP_SCRIPT_H
#define KV_TESTS_RESP_SCRIPT_H

#include "kvresp.h"

#include <stdlib.h>

struct script {
    kvresp *resp;
    const uint8_t *bytes;
    size_t size, at;
    size_t piece;         /* bytes that come at once */
    size_t dismissed;     /* at this place the store gets another role; SIZE_MAX: it does not */
    void (*at_end)(void); /* before it closes the connection; or NULL */
    kv_buffer said;       /* what the replica said; dropped without memory */
};

static inline kv_status script_read(void *context, void *bytes, size_t room, int64_t wait_ms,
                                    size_t *size)
{
    struct script *script = context;
    size_t left = script->size - script->at;
    (void)wait_ms;
    if (script->at >= script->dismissed) {
        script->dismissed = SIZE_MAX;
        if (kvresp_replicaof(script->resp, NULL, 0) != KV_OK) abort();
        return KV_CANCELLED;
    }
    if (left == 0 && script->at_end != NULL) script->at_end();
    if (left == 0) return KV_NONE;
    *size = left < script->piece ? left : script->piece;
    if (*size > room) *size = room;
    memcpy(bytes, script->bytes + script->at, *size);
    script->at += *size;
    return KV_OK;
}

static inline kv_status script_write(void *context, kv_slice bytes)
{
    struct script *script = context;
    kv_buffer *said = &script->said;
    void *data = realloc(said->data, said->size + bytes.size + 1);
    if (data == NULL) return KV_OK;
    memcpy((char *)data + said->size, bytes.data, bytes.size);
    said->data = data;
    said->size += bytes.size;
    ((char *)data)[said->size] = '\0';
    return KV_OK;
}

/* Has the store follow the master that says this, to the end of the link. */
static inline kv_status script_follow(struct script *script)
{
    kvresp_master master = KV_OPTIONS(kvresp_master);
    kvresp_transport transport = KV_OPTIONS(kvresp_transport);
    transport.read = script_read;
    transport.write = script_write;
    transport.context = script;
    transport.address = "master:1";
    transport.local_address = "replica:2";
    if (kvresp_wanted_master(script->resp, &master) != KV_OK) return KV_NONE;
    kvresp_follow_begins(script->resp, &master);
    return kvresp_follow(script->resp, &master, &transport);
}

#endif
