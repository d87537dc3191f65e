/*
 * tests/fuzz/fuzz_session.h -- a session in the process for targets that execute commands: one store
 * for all inputs.
 */
#ifndef KV_TESTS_FUZZ_SESSION_H
#define KV_TESTS_FUZZ_SESSION_H

#include "kvresp.h"

#include "fuzz.h"

static kv *db;
static kvresp_worker *worker;
static kvresp_session *session;

/* True the first time: then it was opened, and may be configured. */
static inline bool open_once(void)
{
    kvresp *resp;
    if (db != NULL) return false;
    check(kv_open(NULL, &db) == KV_OK);
    check(kvresp_open(db, NULL, &resp) == KV_OK);
    check(kvresp_worker_open(resp, &worker) == KV_OK);
    check(kvresp_session_open(resp, NULL, &session) == KV_OK);
    return true;
}

#endif
